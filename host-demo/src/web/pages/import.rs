//! CSV in and out: orders and credit results, tried before they are taken in.

use crate::domain::clock;
use crate::domain::credit_state::State;
use crate::domain::issue::{Issue, Lang};
use crate::service::csv::encoding::Charset;
use crate::service::csv::error::InvalidOrder;
use crate::service::csv::limits::MAX_FILE_BYTES;
use crate::service::csv::row_result::{FileReport, RowCounts, shown_value};
use crate::service::csv::selection::Question;
use crate::service::import::ImportedOrder;
use crate::service::results::ResultsError;
use crate::service::transfer::{self, ExportError, FileImport, FileKind, ImportReport, MAX_EXPORT, TransferError};
use crate::web::App;
use crate::web::http::form::{MAX_FORM, Upload};
use crate::web::http::page::{Notice, Page, Refusal, Tone, html};
use crate::web::http::session::Staff;
use crate::web::pages::mall::Choice;
use crate::web::pages::orders::{Address, Matching, state_name};
use crate::web::parts::order_row::Names;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Multipart, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use strum::VariantArray;

/// Largest form with a file to import.
pub const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// Rows of a result that a page shows: what somebody still reads.
const SHOWN: usize = 200;
/// Files that wait for a yes after a dry run; beyond it the oldest are forgotten.
pub const MAX_HELD: usize = 8;
/// FileKind taking a file in did, or would do.
pub struct Outcome {
    /// How many rows became what.
    pub counts: RowCounts,
    /// The line, the order's number, what happens to it.
    pub taken: Vec<(u64, String, String)>,
    /// Those that are not taken in.
    pub bad: Vec<InvalidOrder>,
}

impl Outcome {
    fn new(report: &ImportReport, lang: Lang) -> Self {
        let t = crate::web::texts::texts(lang);
        let order = |imported: &ImportedOrder| {
            let amounts = &imported.order.amounts;
            let text = if imported.corrected { t.order_corrected } else { t.order_taken };
            fill(text, &[&crate::cli::table::yen(amounts.billed), &crate::cli::table::yen(amounts.payment_fee)])
        };
        let taken = match report {
            ImportReport::Orders { report, .. } => lines(report, order),
            ImportReport::States(report) => lines(report, |state| state.label(lang).to_owned()),
        };
        Outcome { counts: report.counts(), taken, bad: report.refused() }
    }
}

fn lines<T>(report: &FileReport<T>, words: impl Fn(&T) -> String) -> Vec<(u64, String, String)> {
    report.taken().map(|(line, number, taken)| (line, number.to_owned(), words(taken))).collect()
}

/// Why nothing of a file was taken in.
pub enum NotTaken {
    /// The file does not serve, in words.
    Unfit(String),
    /// It has to be said which of its orders are taken.
    Asks(Question),
}

/// Imports a file, or says what that would do, in the words that page and API share.
pub async fn take_in(
    app: &App,
    file: &FileImport,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, NotTaken>, Refusal> {
    let report = transfer::import_file(&app.desk.of(who), file, dry_run).await;
    if !dry_run {
        app.wake.notify_one();
    }
    let words = match report {
        Ok(report) => return Ok(Ok(Outcome::new(&report, lang))),
        Err(TransferError::ChoiceNeeded(question)) => return Ok(Err(NotTaken::Asks(question))),
        Err(TransferError::NoMall(id)) => return Err(Refusal::no_mall(&id)),
        Err(TransferError::File(error)) => error.words(lang),
        Err(TransferError::NotByCsv(mall)) => ResultsError::NotByCsv(mall).words(lang),
        Err(TransferError::ProviderMissing(provider)) => Issue::ProviderMissing { provider }.words(lang),
        Err(error @ (TransferError::Fee { .. } | TransferError::Credit(_) | TransferError::Store(_))) => {
            return Err(Refusal::failed(&error));
        }
    };
    Ok(Err(NotTaken::Unfit(words)))
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    malls: Vec<(String, String)>,
    chosen: String,
    kinds: Vec<Choice>,
    /// FileKind has to be said before the file can be taken in.
    question: Option<QuestionView>,
    result: Option<ResultView>,
}

struct QuestionView {
    held: String,
    words: String,
    columns: Vec<ColumnView>,
}

struct ColumnView {
    heading: String,
    values: Vec<ValueView>,
}

struct ValueView {
    answer: String,
    words: String,
}

impl QuestionView {
    fn new(question: &Question, held: String, lang: Lang, t: &'static Texts) -> Self {
        let mut columns: Vec<ColumnView> = Vec::new();
        for (answer, orders) in question.answers() {
            let (heading, value) = answer.split_once('=').unwrap_or_default();
            let words =
                fill(t.value_of_orders, &[&shown_value(value, lang), &crate::domain::issue::orders(orders, lang)]);
            let heading = heading.to_owned();
            let value = ValueView { answer, words };
            match columns.last_mut() {
                Some(column) if column.heading == heading => column.values.push(value),
                _ => columns.push(ColumnView { heading, values: vec![value] }),
            }
        }
        QuestionView { held, words: question.words(lang), columns }
    }
}

struct ResultView {
    title: &'static str,
    tone: Tone,
    summary: String,
    /// How many rows became what, and why rows were passed over.
    counts: Vec<String>,
    held: Option<String>,
    changes: Vec<LineView>,
    bad: Vec<LineView>,
    more: Option<String>,
}

struct LineView {
    line: u64,
    number: String,
    words: String,
}

impl ResultView {
    fn new(outcome: Outcome, dry_run: bool, held: Option<String>, lang: Lang, t: &'static Texts) -> Self {
        let (taken, bad) = (outcome.taken.len(), outcome.bad.len());
        let counts = outcome.counts.words(lang).lines().map(str::to_owned).collect();
        let (title, summary) = if dry_run { (t.dry_title, t.dry_summary) } else { (t.import_title, t.import_summary) };
        let change = |(line, number, words)| LineView { line, number, words };
        let error = |bad: InvalidOrder| LineView {
            line: bad.line,
            words: bad.errors.iter().map(|error| error.words(lang)).collect::<Vec<_>>().join(" / "),
            number: bad.number,
        };
        ResultView {
            title,
            tone: if bad == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&taken, &bad]),
            counts,
            held,
            changes: outcome.taken.into_iter().take(SHOWN).map(change).collect(),
            bad: outcome.bad.into_iter().take(SHOWN).map(error).collect(),
            more: (taken.max(bad) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
        }
    }
}

/// FileKind the page says besides its form.
#[derive(Default)]
struct Said {
    question: Option<QuestionView>,
    result: Option<ResultView>,
    notice: Option<Notice>,
}

impl Said {
    fn bad(words: &str) -> Self {
        Said { notice: Some(Notice::new(Tone::Bad, words)), ..Said::default() }
    }
}

/// `GET /import`
pub async fn import_page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, "", FileKind::Orders, Said::default()).await
}

/// `POST /import`: a file to try or to take in; or the one that was tried last, with the yes to it or the answer to
/// what it asked.
pub async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let file = match (upload.text("held"), upload.file("file")) {
        ("", None) => return show(&app, &staff, upload.text("mall"), FileKind::Orders, Said::bad(t.choose_file)).await,
        ("", Some(bytes)) => read(&upload, bytes)?,
        (held, _) => match app.held.take(staff.user.id, held) {
            Some(file) => answered(&upload, file),
            None => return show(&app, &staff, "", FileKind::Orders, Said::bad(t.import_gone)).await,
        },
    };
    let dry_run = upload.text("do") == "try";
    let taken = take_in(&app, &file, &staff.user.name, dry_run, lang).await?;
    let (mall, what) = (file.mall.clone(), file.kind);
    let keep = |file| -> Result<String, Refusal> {
        let name = crate::web::pages::batches::once()?;
        app.held.keep(staff.user.id, name.clone(), file);
        Ok(name)
    };
    let said = match taken {
        Err(NotTaken::Unfit(words)) => Said::bad(&words),
        Err(NotTaken::Asks(question)) => {
            let view = QuestionView::new(&question, keep(file)?, lang, t);
            Said { question: Some(view), ..Said::default() }
        }
        Ok(outcome) => {
            let waits = dry_run && !outcome.taken.is_empty();
            let held = waits.then(|| keep(file)).transpose()?;
            Said { result: Some(ResultView::new(outcome, dry_run, held, lang, t)), ..Said::default() }
        }
    };
    show(&app, &staff, &mall, what, said).await
}

fn read(upload: &Upload, bytes: &[u8]) -> Result<FileImport, Refusal> {
    Ok(FileImport {
        mall: upload.text("mall").to_owned(),
        kind: upload.text("what").parse().map_err(|_| Refusal::Unreadable)?,
        encoding: upload.text("encoding").parse().ok(),
        correct: !upload.text("correct").is_empty(),
        take: Vec::new(),
        bytes: bytes.to_vec(),
    })
}

/// The file with what was ticked, if it had asked, besides what was ticked before: a question is about the columns of
/// which nothing was said yet.
fn answered(upload: &Upload, mut file: FileImport) -> FileImport {
    file.take.extend(upload.texts("take.").map(str::to_owned));
    file
}

async fn show(app: &App, staff: &Staff, chosen: &str, what: FileKind, said: Said) -> Result<Response, Refusal> {
    let Said { question, result, notice } = said;
    let mut p = staff.visitor.page();
    let is_refused = notice.is_some() || question.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(notice);
    let page = ImportPage {
        malls: Names::of(app, p.lang).await?.malls(),
        chosen: chosen.to_owned(),
        kinds: kinds(what, [p.t.import_orders, p.t.import_results, p.t.import_decisions]),
        question,
        result,
        p,
    };
    Ok(html(status, &page))
}

fn kinds(chosen: FileKind, [orders, results, decisions]: [&str; 3]) -> Vec<Choice> {
    let choice = |(value, what, label): (&'static str, FileKind, &str)| Choice {
        value,
        label: label.to_owned(),
        here: what == chosen,
    };
    let kinds = [
        ("orders", FileKind::Orders, orders),
        ("results", FileKind::Results, results),
        ("decisions", FileKind::Decisions, decisions),
    ];
    kinds.into_iter().map(choice).collect()
}

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    p: Page,
    malls: Vec<(String, String)>,
    kinds: Vec<Choice>,
    filter: Address,
    states: Vec<(String, &'static str)>,
    matching: String,
}

/// `GET /export`: under the conditions of the list that it was opened from.
pub async fn export_page(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(filter): Query<Address>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let query = filter.query();
    let counts = app.store.counts(query.mall.as_deref(), query.provider.as_deref()).await?;
    let page = ExportPage {
        malls: Names::of(&app, p.lang).await?.malls(),
        kinds: kinds(FileKind::Orders, [p.t.export_orders, p.t.export_results, p.t.export_decisions]),
        states: State::VARIANTS.iter().map(|state| (state.to_string(), state_name(*state, &p))).collect(),
        matching: Matching::of(&app, &query, &counts).await?.words(p.t.showing, p.t),
        filter,
        p,
    };
    Ok(html(StatusCode::OK, &page))
}

#[derive(Deserialize)]
pub struct Wanted {
    what: String,
    #[serde(default)]
    encoding: String,
}

/// `GET /export.csv`
pub async fn export(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(wanted): Query<Wanted>,
    Query(filter): Query<Address>,
) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let what: FileKind = wanted.what.parse().map_err(|_| Refusal::Unreadable)?;
    let charset = if wanted.encoding == "utf-8" { Charset::Utf8 } else { Charset::ShiftJis };
    match transfer::export(&app.desk, what, &filter.query(), charset, MAX_EXPORT).await {
        Ok(exported) => Ok(file(what, charset, exported.bytes)),
        Err(ExportError::Store(error)) => Err(error.into()),
        Err(ExportError::TooMany(_)) => {
            Ok(app.redirect(&filter.export(), &[Notice::new(Tone::Bad, fill(t.export_too_many, &[&MAX_EXPORT]))]))
        }
    }
}

/// The file as a download.
pub fn file(what: FileKind, charset: Charset, bytes: Vec<u8>) -> Response {
    let charset = match charset {
        Charset::Utf8 => "utf-8",
        Charset::ShiftJis => "Shift_JIS",
    };
    let name = format!("attachment; filename=\"{what}-{}.csv\"", clock::today());
    let media_type = format!("text/csv; charset={charset}");
    ([(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}
