//! CSV in and out: orders and credit results, tried before they are taken in.

use crate::domain::clock;
use crate::domain::credit_state::State;
use crate::domain::issue::Lang;
use crate::domain::mall::Mall;
use crate::service::csv::error::InvalidOrder;
use crate::service::csv::row_result::{Counts, FileReport, shown_value};
use crate::service::csv::selection::Question;
use crate::service::csv::table::{self, Charset, MAX_FILE_BYTES};
use crate::service::decisions::{self, DecisionsError};
use crate::service::import::{self, ImportError, Known, Taken};
use crate::service::results::{self, ResultsError};
use crate::store::{ListQuery, MAX_PAGE, Position};
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
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use serde::Deserialize;
use strum::VariantArray;

/// Largest form with a file to import.
pub const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// Rows of a result that a page shows: what somebody still reads.
const SHOWN: usize = 200;
/// Files that wait for a yes after a dry run; beyond it the oldest are forgotten.
pub const MAX_HELD: usize = 8;
/// Orders in one exported file: what Excel still opens with ease.
pub const MAX_EXPORT: usize = table::MAX_LINES;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum What {
    /// 注文
    Orders,
    /// 与信結果
    Results,
    /// What was found at the provider about unknown outcomes.
    Decisions,
}

/// A file to take in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The mall's id.
    pub mall: String,
    /// What it is about.
    pub what: What,
    /// As the operator says; absent: found out.
    pub encoding: Option<&'static Encoding>,
    /// Orders that are there already are corrected.
    pub correct: bool,
    /// Which orders are taken; see [`crate::service::csv::selection::Choice::told`].
    pub take: Vec<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What taking a file in did, or would do.
pub struct Outcome {
    /// How many rows became what.
    pub counts: Counts,
    /// The line, the order's number, what happens to it.
    pub taken: Vec<(u64, String, String)>,
    /// Those that are not taken in.
    pub bad: Vec<InvalidOrder>,
}

impl Outcome {
    fn new<T>(intake: &FileReport<T>, words: impl Fn(&T) -> String) -> Self {
        let taken = intake.taken().map(|(line, number, taken)| (line, number.to_owned(), words(taken)));
        Outcome { counts: intake.counts(), taken: taken.collect(), bad: intake.bad().collect() }
    }
}

/// Why nothing of a file was taken in.
pub enum NotTaken {
    /// The file does not serve, in words.
    Unfit(String),
    /// It has to be said which of its orders are taken.
    Asks(Question),
}

/// Takes a file in, or says what that would do.
pub async fn take_in(
    app: &App,
    file: &Incoming,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, NotTaken>, Refusal> {
    let state = |state: &State| state.label(lang).to_owned();
    let taken = match file.what {
        What::Orders => orders(app, file, mall, who, dry_run, lang).await?,
        What::Results => match results::take_in(&app.store, mall, &file.bytes, file.encoding, who, dry_run).await {
            Ok(taken) => Ok(Outcome::new(&taken, state)),
            Err(ResultsError::Store(error)) => return Err(Refusal::failed(&error)),
            Err(error) => Err(NotTaken::Unfit(error.words(lang))),
        },
        What::Decisions => {
            let desk = app.desk.of(who);
            match decisions::take_in(&desk, mall, &file.bytes, file.encoding, dry_run).await {
                Ok(decided) => Ok(Outcome::new(&decided, state)),
                Err(DecisionsError::File(problem)) => Err(NotTaken::Unfit(problem.words(lang))),
                Err(error) => return Err(Refusal::failed(&error)),
            }
        }
    };
    if !dry_run {
        app.wake.notify_one();
    }
    Ok(taken)
}

async fn orders(
    app: &App,
    file: &Incoming,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, NotTaken>, Refusal> {
    let t = crate::web::texts::texts(lang);
    let Some(plugin) = app.registry.get(&mall.provider) else {
        let missing = crate::domain::issue::Issue::ProviderMissing { provider: mall.provider.clone() };
        return Ok(Err(NotTaken::Unfit(missing.words(lang))));
    };
    let known = if file.correct { Known::Corrected { who } } else { Known::Kept };
    let Incoming { bytes, encoding, take, .. } = file;
    let incoming = import::Incoming { bytes, encoding: *encoding, take, known, dry_run };
    let words = |taken: &Taken| {
        let amounts = &taken.order.amounts;
        let text = if taken.corrected { t.order_corrected } else { t.order_taken };
        fill(text, &[&crate::cli::table::yen(amounts.billed), &crate::cli::table::yen(amounts.payment_fee)])
    };
    match import::run(&app.store, mall, &plugin, incoming).await {
        Ok(done) => Ok(Ok(Outcome::new(&done.imported, words))),
        Err(ImportError::Asks(question)) => Ok(Err(NotTaken::Asks(question))),
        Err(ImportError::File(problem)) => Ok(Err(NotTaken::Unfit(problem.words(lang)))),
        Err(error) => Err(Refusal::failed(&error)),
    }
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    malls: Vec<(String, String)>,
    chosen: String,
    kinds: Vec<Choice>,
    /// What has to be said before the file can be taken in.
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
        let complaint = |bad: InvalidOrder| LineView {
            line: bad.line,
            words: bad.complaints.iter().map(|complaint| complaint.words(lang)).collect::<Vec<_>>().join(" / "),
            number: bad.number,
        };
        ResultView {
            title,
            tone: if bad == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&taken, &bad]),
            counts,
            held,
            changes: outcome.taken.into_iter().take(SHOWN).map(change).collect(),
            bad: outcome.bad.into_iter().take(SHOWN).map(complaint).collect(),
            more: (taken.max(bad) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
        }
    }
}

/// What the page says besides its form.
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
    show(&app, &staff, "", What::Orders, Said::default()).await
}

/// `POST /import`: a file to try or to take in; or the one that was tried last, with the yes to it or the answer to
/// what it asked.
pub async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let file = match (upload.text("held"), upload.file("file")) {
        ("", None) => return show(&app, &staff, upload.text("mall"), What::Orders, Said::bad(t.choose_file)).await,
        ("", Some(bytes)) => read(&upload, bytes)?,
        (held, _) => match app.held.take(staff.user.id, held) {
            Some(file) => answered(&upload, file),
            None => return show(&app, &staff, "", What::Orders, Said::bad(t.import_gone)).await,
        },
    };
    let dry_run = upload.text("do") == "try";
    let mall = app.store.mall(&file.mall).await?.ok_or_else(|| Refusal::no_mall(&file.mall))?;
    let taken = take_in(&app, &file, &mall, &staff.user.name, dry_run, lang).await?;
    let (mall, what) = (file.mall.clone(), file.what);
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

fn read(upload: &Upload, bytes: &[u8]) -> Result<Incoming, Refusal> {
    Ok(Incoming {
        mall: upload.text("mall").to_owned(),
        what: upload.text("what").parse().map_err(|_| Refusal::Unreadable)?,
        encoding: encoding(upload.text("encoding")),
        correct: !upload.text("correct").is_empty(),
        take: Vec::new(),
        bytes: bytes.to_vec(),
    })
}

/// The file with what was ticked, if it had asked, besides what was ticked before: a question is about the columns of
/// which nothing was said yet.
fn answered(upload: &Upload, mut file: Incoming) -> Incoming {
    file.take.extend(upload.texts("take.").map(str::to_owned));
    file
}

fn encoding(name: &str) -> Option<&'static Encoding> {
    match name {
        "utf-8" => Some(UTF_8),
        "shift_jis" => Some(SHIFT_JIS),
        _ => None,
    }
}

async fn show(app: &App, staff: &Staff, chosen: &str, what: What, said: Said) -> Result<Response, Refusal> {
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

fn kinds(chosen: What, [orders, results, decisions]: [&str; 3]) -> Vec<Choice> {
    let choice = |(value, what, label): (&'static str, What, &str)| Choice {
        value,
        label: label.to_owned(),
        here: what == chosen,
    };
    let kinds = [
        ("orders", What::Orders, orders),
        ("results", What::Results, results),
        ("decisions", What::Decisions, decisions),
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
        kinds: kinds(What::Orders, [p.t.export_orders, p.t.export_results, p.t.export_decisions]),
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
    let what: What = wanted.what.parse().map_err(|_| Refusal::Unreadable)?;
    let charset = if wanted.encoding == "utf-8" { Charset::Utf8WithBom } else { Charset::ShiftJis };
    match write(&app, what, &filter.query(), charset).await? {
        Some(bytes) => Ok(file(what, charset, bytes)),
        None => Ok(app.redirect(&filter.export(), &[Notice::new(Tone::Bad, fill(t.export_too_many, &[&MAX_EXPORT]))])),
    }
}

/// The file as a download.
pub fn file(what: What, charset: Charset, bytes: Vec<u8>) -> Response {
    let charset = match charset {
        Charset::Utf8WithBom => "utf-8",
        Charset::ShiftJis => "Shift_JIS",
    };
    let name = format!("attachment; filename=\"{what}-{}.csv\"", clock::today());
    let media_type = format!("text/csv; charset={charset}");
    ([(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, name)], bytes).into_response()
}

/// The file; nothing if it had more than [`MAX_EXPORT`] orders.
pub async fn write(app: &App, what: What, query: &ListQuery, charset: Charset) -> Result<Option<Vec<u8>>, Refusal> {
    if app.store.matching(query, MAX_EXPORT + 1).await?.len() > MAX_EXPORT {
        return Ok(None);
    }
    Ok(Some(match what {
        What::Results => results::write_out(&app.store, query, charset).await?.bytes,
        What::Decisions => decisions::write_out(&app.store, query, charset).await?,
        What::Orders => table::write(ORDER_COLUMNS, order_lines(app, query).await?, charset),
    }))
}

/// The columns of exported orders. The mall's own words, as its people know no others.
const ORDER_COLUMNS: [&str; 14] = [
    "モール",
    "注文番号",
    "注文日時",
    "受注ステータス",
    "注文者氏名",
    "後払い会社",
    "与信",
    "合計金額",
    "手数料",
    "請求額",
    "取引ID",
    "配送業者",
    "伝票番号",
    "出荷日",
];

async fn order_lines(app: &App, query: &ListQuery) -> Result<Vec<[String; 14]>, Refusal> {
    let names = Names::of(app, Lang::Ja).await?;
    let (mut lines, mut position) = (Vec::new(), Position::First);
    loop {
        let page = app.store.page(query, position, MAX_PAGE).await?;
        lines.extend(page.orders.into_iter().map(|order| {
            [
                order.mall.clone(),
                order.number.clone(),
                clock::timestamp(order.ordered_at),
                order.order_status.clone().unwrap_or_default(),
                order.buyer.clone(),
                names.provider(&order.provider),
                order.state.label(Lang::Ja).to_owned(),
                order.total().to_string(),
                order.amounts.payment_fee.to_string(),
                order.amounts.billed.to_string(),
                order.transaction_id.clone().unwrap_or_default(),
                order.carrier.as_ref().map(|id| names.carrier(&order.provider, id)).unwrap_or_default(),
                order.tracking_number.clone().unwrap_or_default(),
                order.shipped_on.clone().unwrap_or_default(),
            ]
        }));
        match page.older {
            Some(key) => position = Position::After(key),
            None => return Ok(lines),
        }
    }
}
