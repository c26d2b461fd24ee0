//! CSV import: a dry run first, then the import of the same file.

use crate::web::http::form::{MAX_FORM, Upload, idempotency_key};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::parts::choice::{Choice, file_kinds};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::file_import::{FileRefusal, ImportOutcome, import_file};
use crate::web::parts::mapping_save::save_mapping;
use crate::web::parts::order_preview::PreviewView;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Multipart, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::user::Role;
use service::csv::error::InvalidOrder;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::{preset, setting};
use service::csv::selection::Question;
use service::mapping_preview::{self, Sample};
use service::messages::csv::{gathered, shown_value};
use service::messages::format::order_count as orders_text;
use service::messages::localize::Localize;
use service::transfer::{FileImport, FileKind};

/// Largest form with a file to import, in bytes.
pub(crate) const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// Rows of a result that the page shows: more would not be read.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    malls: Vec<(String, String)>,
    chosen: String,
    kinds: Vec<Choice>,
    /// The question that has to be answered before the file can be imported.
    question: Option<SelectionQuestion>,
    /// The presets that the file is recognised by, where the mall's mapping does not read it.
    offer: Option<PresetOffer>,
    result: Option<ImportResult>,
    /// What the first orders of the file would be.
    preview: Option<PreviewView>,
}

/// The offer to read the mall's exports by a preset from now on.
struct PresetOffer {
    /// The name under which the file waits.
    held: String,
    /// The version of the mall whose mapping would be changed.
    version: i64,
    presets: Vec<(&'static str, String)>,
    /// Whether the user may change the mall.
    is_allowed: bool,
}

/// The question which orders of a file are imported.
struct SelectionQuestion {
    /// The name under which the file waits.
    held: String,
    text: String,
    columns: Vec<SelectionColumn>,
}

struct SelectionColumn {
    heading: String,
    values: Vec<SelectionValue>,
}

struct SelectionValue {
    /// What the form sends: `column=value`.
    answer: String,
    label: String,
}

impl SelectionQuestion {
    fn new(question: &Question, held: String, lang: Lang, t: &'static Texts) -> Self {
        let mut columns: Vec<SelectionColumn> = Vec::new();
        for (answer, orders) in question.answers() {
            let (heading, value) = answer.split_once('=').unwrap_or_default();
            let label = fill(t.value_of_orders, &[&shown_value(value, lang), &orders_text(orders, lang)]);
            let heading = heading.to_owned();
            let value = SelectionValue { answer, label };
            match columns.last_mut() {
                Some(column) if column.heading == heading => column.values.push(value),
                _ => columns.push(SelectionColumn { heading, values: vec![value] }),
            }
        }
        Self { held, text: question.localized(lang), columns }
    }
}

struct ImportResult {
    title: &'static str,
    tone: Tone,
    summary: String,
    /// How many rows had which result, and why rows were skipped.
    counts: Vec<String>,
    held: Option<String>,
    changes: Vec<ImportLine>,
    bad: Vec<ImportLine>,
    more: Option<String>,
}

/// A row of the file, and what happens to it or what is wrong with it.
struct ImportLine {
    line: u64,
    number: String,
    text: String,
}

impl ImportResult {
    fn new(outcome: ImportOutcome, dry_run: bool, held: Option<String>, lang: Lang, t: &'static Texts) -> Self {
        let (taken, bad) = (outcome.taken.len(), outcome.bad.len());
        let counts = outcome.counts.localized(lang);
        let counts = counts.lines().map(str::to_owned).chain(gathered(outcome.gathered, lang)).collect();
        let (title, summary) = if dry_run { (t.dry_title, t.dry_summary) } else { (t.import_title, t.import_summary) };
        let change = |(line, number, text)| ImportLine { line, number, text };
        let invalid =
            |bad: InvalidOrder| ImportLine { line: bad.line, text: bad.texts(lang).join(" / "), number: bad.number };
        Self {
            title,
            tone: if bad == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&taken, &bad]),
            counts,
            held,
            changes: outcome.taken.into_iter().take(SHOWN).map(change).collect(),
            bad: outcome.bad.into_iter().take(SHOWN).map(invalid).collect(),
            more: (taken.max(bad) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
        }
    }
}

/// What the page shows besides its form.
#[derive(Default)]
struct ImportReply {
    question: Option<SelectionQuestion>,
    offer: Option<PresetOffer>,
    result: Option<ImportResult>,
    preview: Option<PreviewView>,
    notice: Option<Notice>,
}

impl ImportReply {
    fn failed(message: &str) -> Self {
        Self { notice: Some(Notice::new(Tone::Bad, message)), ..Self::default() }
    }
}

/// `GET /import`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, "", FileKind::Orders, ImportReply::default()).await
}

/// `POST /import`: a dry run or an import of an uploaded file; or the import of the file that is pending from the last
/// dry run or question, with the answer to it.
pub(crate) async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let file = match (upload.text("held"), upload.file("file")) {
        ("", None) => {
            return show(&app, &staff, upload.text("mall"), FileKind::Orders, ImportReply::failed(t.choose_file)).await;
        }
        ("", Some(bytes)) => read(&upload, bytes)?,
        (held, _) => match app.take_upload(staff.user.id, held).await? {
            Some(file) => answered(&upload, file),
            None => return show(&app, &staff, "", FileKind::Orders, ImportReply::failed(t.import_gone)).await,
        },
    };
    let dry_run = upload.text("do") == "try";
    if let Some(problem) = adopt(&app, &staff, &upload, &file.mall).await? {
        return show(&app, &staff, &file.mall.clone(), file.kind, ImportReply::failed(&problem)).await;
    }
    let taken = import_file(&app, &file, &staff.user.name, dry_run, lang).await?;
    let (mall, what) = (file.mall.clone(), file.kind);
    let keep = async |file| -> Result<String, Refusal> {
        let name = idempotency_key()?;
        app.keep_upload(staff.user.id, &name, file).await?;
        Ok(name)
    };
    let reply = match taken {
        Err(FileRefusal::Unfit(message)) => ImportReply::failed(&message),
        Err(FileRefusal::Recognised(_, presets)) => {
            let stored = app.store.mall(&file.mall).await?.ok_or_else(|| Refusal::no_mall(&file.mall))?;
            let best = presets.first().map(|preset| setting::of_preset(&preset.id)).unwrap_or_default();
            let preview = Some(previewed(&stored, &best, &file.bytes, lang, t));
            let presets = presets.iter().map(|preset| (preset.id.as_str(), fill(t.preset_recognised, &[&preset.name])));
            let (version, is_allowed) = (stored.version, staff.user.role == Role::Administrator);
            let offer = PresetOffer { presets: presets.collect(), version, is_allowed, held: keep(file).await? };
            ImportReply { offer: Some(offer), preview, ..ImportReply::default() }
        }
        Err(FileRefusal::ChoiceNeeded(question)) => {
            let view = SelectionQuestion::new(&question, keep(file).await?, lang, t);
            ImportReply { question: Some(view), ..ImportReply::default() }
        }
        Ok(outcome) => {
            let preview = match (dry_run && what == FileKind::Orders, app.store.mall(&mall).await?) {
                (true, Some(stored)) => Some(previewed(&stored, &stored.mapping, &file.bytes, lang, t)),
                _ => None,
            };
            let waits = dry_run && !outcome.taken.is_empty();
            let held = if waits { Some(keep(file).await?) } else { None };
            let result = Some(ImportResult::new(outcome, dry_run, held, lang, t));
            ImportReply { result, preview, ..ImportReply::default() }
        }
    };
    show(&app, &staff, &mall, what, reply).await
}

/// The first orders of a file, read by the mapping `text`.
fn previewed(mall: &Mall, text: &str, bytes: &[u8], lang: Lang, t: &'static Texts) -> PreviewView {
    match mapping_preview::preview(&Sample::new(bytes), text, &mall.take) {
        // What the file has in all says the result.
        Ok(preview) => PreviewView { counts: Vec::new(), refused: Vec::new(), ..PreviewView::new(&preview, lang, t) },
        Err(problem) => PreviewView::failed(problem.localized(lang)),
    }
}

/// Has the mall's exports read by the preset that was pressed, if one was; what is wrong if it is not saved.
async fn adopt(app: &App, staff: &Staff, upload: &Upload, mall: &str) -> Result<Option<String>, Refusal> {
    let Some(preset) = preset::find(upload.text("adopt")) else { return Ok(None) };
    if staff.user.role != Role::Administrator {
        return Err(Refusal::Forbidden);
    }
    let stored = app.store.mall(mall).await?.ok_or_else(|| Refusal::no_mall(mall))?;
    let version = upload.text("version").parse().unwrap_or_default();
    let text = setting::of_preset(&preset.id);
    Ok(save_mapping(app, &staff.user.name, &stored, &text, version, staff.visitor.page().t).await?.err())
}

fn read(upload: &Upload, bytes: &[u8]) -> Result<FileImport, Refusal> {
    Ok(FileImport {
        mall: upload.text("mall").to_owned(),
        kind: upload.text("what").parse().map_err(|_| Refusal::Unreadable)?,
        encoding: upload.text("encoding").parse().ok(),
        correct: !upload.text("correct").is_empty(),
        take: Vec::new(),
        preset: Some(upload.text("preset").to_owned()).filter(|preset| !preset.is_empty()),
        bytes: bytes.to_vec(),
    })
}

/// The pending file with the values that were ticked, besides those ticked before: each question is about the columns
/// that are still undecided.
fn answered(upload: &Upload, mut file: FileImport) -> FileImport {
    file.take.extend(upload.texts("take.").map(str::to_owned));
    file
}

async fn show(app: &App, staff: &Staff, chosen: &str, what: FileKind, reply: ImportReply) -> Result<Response, Refusal> {
    let ImportReply { question, offer, result, preview, notice } = reply;
    let mut p = staff.visitor.page();
    let is_refused = notice.is_some() || question.is_some() || offer.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(notice);
    let page = ImportPage {
        malls: DisplayNames::of(app, p.lang).await?.malls(),
        chosen: chosen.to_owned(),
        kinds: file_kinds(what, [p.t.import_orders, p.t.import_results, p.t.import_decisions]),
        question,
        offer,
        result,
        preview,
        p,
    };
    Ok(html(status, &page))
}
