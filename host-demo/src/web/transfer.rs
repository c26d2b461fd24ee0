//! CSV in and out: orders and credit results, tried before they are taken in.

use super::App;
use super::form::{MAX_FORM, Upload};
use super::malls::Choice;
use super::orders::{Address, Matching, state_name};
use super::page::{Notice, Page, Refusal, Tone, html};
use super::row::Names;
use super::texts::{Texts, fill};
use super::visit::Staff;
use crate::clock;
use crate::complaint::BadOrder;
use crate::import::{self, Known, Taken};
use crate::mall::Mall;
use crate::results;
use crate::sheet::{self, Charset, MAX_FILE_BYTES};
use crate::state::State;
use crate::store::{ListQuery, MAX_PAGE, Position};
use crate::words::Lang;
use askama::Template;
use axum::extract::{Multipart, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use serde::Deserialize;
use strum::VariantArray;
use utoipa::ToSchema;

/// Largest form with a file to import.
pub const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// Rows of a result that a page shows: what somebody still reads.
const SHOWN: usize = 200;
/// Files that wait for a yes after a dry run; beyond it the oldest are forgotten.
pub const MAX_HELD: usize = 8;
/// Orders in one exported file: what Excel still opens with ease.
pub const MAX_EXPORT: usize = sheet::MAX_LINES;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum What {
    /// 注文
    Orders,
    /// 与信結果
    Results,
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
    /// The file.
    pub bytes: Vec<u8>,
}

/// What taking a file in did, or would do.
pub struct Outcome {
    /// The line, the order's number, what happens to it.
    pub taken: Vec<(u64, String, String)>,
    /// Those that are not taken in.
    pub bad: Vec<BadOrder>,
}

/// Takes a file in, or says what that would do; the reason in words if the file does not serve.
pub async fn take_in(
    app: &App,
    file: &Incoming,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, String>, Refusal> {
    match file.what {
        What::Orders => orders(app, file, mall, who, dry_run, lang).await,
        What::Results => {
            let taken = results::take_in(&app.store, mall, &file.bytes, file.encoding, who, dry_run).await;
            let words = |state: crate::state::State| state.label(lang).to_owned();
            Ok(taken.map_err(|error| error.words(lang)).map(|taken| Outcome {
                taken: taken.taken.into_iter().map(|(line, number, state)| (line, number, words(state))).collect(),
                bad: taken.bad,
            }))
        }
    }
}

async fn orders(
    app: &App,
    file: &Incoming,
    mall: &Mall,
    who: &str,
    dry_run: bool,
    lang: Lang,
) -> Result<Result<Outcome, String>, Refusal> {
    let t = super::texts::texts(lang);
    let Some(plugin) = app.registry.get(&mall.provider) else {
        let missing = crate::words::Problem::ProviderMissing { provider: mall.provider.clone() };
        return Ok(Err(missing.words(lang)));
    };
    let parsed = match import::parse(&file.bytes, file.encoding, &mall.headings) {
        Ok(parsed) => parsed,
        Err(problem) => return Ok(Err(problem.words(lang))),
    };
    let known = if file.correct { Known::Corrected { who } } else { Known::Refused };
    let imported = match dry_run {
        true => import::preview(&app.store, mall, &plugin, parsed, known).await,
        false => import::take_in(&app.store, mall, &plugin, parsed, known).await,
    };
    let imported = imported.map_err(|error| Refusal::failed(&error))?;
    if !dry_run {
        app.wake.notify_one();
    }
    let words = |taken: &Taken| {
        let amounts = &taken.order.amounts;
        let text = if taken.corrected { t.order_corrected } else { t.order_taken };
        fill(text, &[&crate::table::yen(amounts.billed), &crate::table::yen(amounts.payment_fee)])
    };
    let taken = imported.taken.iter().map(|taken| (taken.line, taken.order.number.clone(), words(taken))).collect();
    Ok(Ok(Outcome { taken, bad: imported.bad }))
}

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    p: Page,
    malls: Vec<(String, String)>,
    chosen: String,
    kinds: Vec<Choice>,
    result: Option<ResultView>,
}

struct ResultView {
    title: &'static str,
    tone: Tone,
    summary: String,
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
        let (title, summary) = if dry_run { (t.dry_title, t.dry_summary) } else { (t.import_title, t.import_summary) };
        let change = |(line, number, words)| LineView { line, number, words };
        let complaint = |bad: BadOrder| LineView {
            line: bad.line,
            words: bad.complaints.iter().map(|complaint| complaint.words(lang)).collect::<Vec<_>>().join(" / "),
            number: bad.number,
        };
        ResultView {
            title,
            tone: if bad == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&taken, &bad]),
            held,
            changes: outcome.taken.into_iter().take(SHOWN).map(change).collect(),
            bad: outcome.bad.into_iter().take(SHOWN).map(complaint).collect(),
            more: (taken.max(bad) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
        }
    }
}

/// `GET /import`
pub async fn import_page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, "", What::Orders, None, None).await
}

/// `POST /import`: a file to try or to take in, or the yes to the one that was tried last.
pub async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let bad = |text: &str| Some(Notice::new(Tone::Bad, text));
    let file = match (upload.text("do"), upload.file("file")) {
        ("held", _) => match app.held.take(staff.user.id, upload.text("held")) {
            Some(file) => file,
            None => return show(&app, &staff, "", What::Orders, None, bad(t.import_gone)).await,
        },
        (_, Some(bytes)) => Incoming {
            mall: upload.text("mall").to_owned(),
            what: upload.text("what").parse().map_err(|_| Refusal::Unreadable)?,
            encoding: encoding(upload.text("encoding")),
            correct: !upload.text("correct").is_empty(),
            bytes: bytes.to_vec(),
        },
        _ => return show(&app, &staff, upload.text("mall"), What::Orders, None, bad(t.choose_file)).await,
    };
    let dry_run = upload.text("do") == "try";
    let mall = app.store.mall(&file.mall).await?.ok_or_else(|| Refusal::no_mall(&file.mall))?;
    let taken = take_in(&app, &file, &mall, &staff.user.name, dry_run, lang).await?;
    let (mall, what) = (file.mall.clone(), file.what);
    match taken {
        Err(words) => show(&app, &staff, &mall, what, None, bad(&words)).await,
        Ok(outcome) => {
            let name = (dry_run && !outcome.taken.is_empty()).then(super::batches::once).transpose()?;
            let view = ResultView::new(outcome, dry_run, name.clone(), lang, t);
            if let Some(name) = name {
                app.held.keep(staff.user.id, name, file);
            }
            show(&app, &staff, &mall, what, Some(view), None).await
        }
    }
}

fn encoding(name: &str) -> Option<&'static Encoding> {
    match name {
        "utf-8" => Some(UTF_8),
        "shift_jis" => Some(SHIFT_JIS),
        _ => None,
    }
}

async fn show(
    app: &App,
    staff: &Staff,
    chosen: &str,
    what: What,
    result: Option<ResultView>,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(notice);
    let page = ImportPage {
        malls: Names::of(app, p.lang).await?.malls(),
        chosen: chosen.to_owned(),
        kinds: kinds(what, p.t.import_orders, p.t.import_results),
        result,
        p,
    };
    Ok(html(status, &page))
}

fn kinds(chosen: What, orders: &str, results: &str) -> Vec<Choice> {
    let choice = |(value, what, label): (&'static str, What, &str)| Choice {
        value,
        label: label.to_owned(),
        here: what == chosen,
    };
    [("orders", What::Orders, orders), ("results", What::Results, results)].into_iter().map(choice).collect()
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
        kinds: kinds(What::Orders, p.t.export_orders, p.t.export_results),
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
        What::Orders => sheet::write(ORDER_COLUMNS, order_lines(app, query).await?, charset),
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
