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
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Multipart, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::lang::Lang;
use service::csv::error::InvalidOrder;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::selection::Question;
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
    result: Option<ImportResult>,
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
    result: Option<ImportResult>,
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
    let taken = import_file(&app, &file, &staff.user.name, dry_run, lang).await?;
    let (mall, what) = (file.mall.clone(), file.kind);
    let keep = async |file| -> Result<String, Refusal> {
        let name = idempotency_key()?;
        app.keep_upload(staff.user.id, &name, file).await?;
        Ok(name)
    };
    let reply = match taken {
        Err(FileRefusal::Unfit(message)) => ImportReply::failed(&message),
        Err(FileRefusal::ChoiceNeeded(question)) => {
            let view = SelectionQuestion::new(&question, keep(file).await?, lang, t);
            ImportReply { question: Some(view), ..ImportReply::default() }
        }
        Ok(outcome) => {
            let waits = dry_run && !outcome.taken.is_empty();
            let held = if waits { Some(keep(file).await?) } else { None };
            ImportReply { result: Some(ImportResult::new(outcome, dry_run, held, lang, t)), ..ImportReply::default() }
        }
    };
    show(&app, &staff, &mall, what, reply).await
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
    let ImportReply { question, result, notice } = reply;
    let mut p = staff.visitor.page();
    let is_refused = notice.is_some() || question.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(notice);
    let page = ImportPage {
        malls: DisplayNames::of(app, p.lang).await?.malls(),
        chosen: chosen.to_owned(),
        kinds: file_kinds(what, [p.t.import_orders, p.t.import_results, p.t.import_decisions]),
        question,
        result,
        p,
    };
    Ok(html(status, &page))
}
