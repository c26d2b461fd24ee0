//! One order: all that is known of it, and what can be done with it.

use crate::domain::automation;
use crate::domain::clock;
use crate::domain::credit_state::{Action, Event, Outcome, State, next};
use crate::domain::finding::{FindingKind, OperatorFinding};
use crate::domain::invoice::Invoice;
use crate::domain::issue::Issue;
use crate::domain::lang::Lang;
use crate::domain::mall::{Mall, Start};
use crate::domain::order::{Item, Order, OrderEdit, Person};
use crate::service::credit::CreditError;
use crate::service::csv::error::RowError;
use crate::service::decisions::{MAX_ID, MAX_NOTE, entered};
use crate::service::messages::format::yen;
use crate::service::messages::history;
use crate::service::messages::issue::provider_message;
use crate::service::messages::issue::summary;
use crate::service::messages::issue::what_and_next;
use crate::service::messages::localize::Localize;
use crate::service::tracking::{self, Entry, MAX_TRACKING};
use crate::store::{HistoryLine, Sum};
use crate::web::App;
use crate::web::http::form::Signed;
use crate::web::http::page::{Notice, Page, Refusal, Tone, duration, html, ok};
use crate::web::http::session::{Staff, local};
use crate::web::pages::mall::{Choice, invoices};
use crate::web::parts::confirm::{Confirmation, Press, billed_words};
use crate::web::parts::order_row::{Names, RowView, line, outcome_tone, told};
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;

/// Longest 受注ステータス, in characters: a few words.
pub const MAX_STATUS: usize = 64;

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    p: Page,
    row: RowView,
    transaction_id: Option<String>,
    reference: Option<String>,
    problem: Option<ProblemView>,
    /// Why something is not offered, or not done by itself.
    explained: Vec<&'static str>,
    findings: Vec<Choice>,
    decision: DecisionForm,
    max_id: usize,
    max_note: usize,
    status: String,
    max_tracking: usize,
    max_status: usize,
    tracking_open: bool,
    carriers: Vec<(String, String)>,
    tracking: TrackingForm,
    timeline: Vec<LineView>,
    note: Option<String>,
    items: Vec<ItemView>,
    amounts: AmountsView,
    invoices: Vec<Choice>,
    invoice_open: bool,
    buyer: Person,
    recipient: Option<Person>,
}

struct ProblemView {
    what: String,
    said: String,
    next: String,
}

struct LineView {
    when: String,
    who: String,
    event: String,
    moved: bool,
    from: &'static str,
    to: &'static str,
    problem: Option<String>,
    note: Option<String>,
    calls: Vec<CallView>,
}

struct CallView {
    summary: String,
    requests: Vec<RequestView>,
    error: Option<String>,
    overruled: Option<String>,
}

struct RequestView {
    url: String,
    progress: &'static str,
    status: String,
    connect: String,
    head: String,
    body: String,
    bytes: String,
    error: Option<String>,
}

struct ItemView {
    name: String,
    price: String,
    quantity: u32,
}

struct AmountsView {
    goods: String,
    shipping: String,
    fee: String,
    band: Option<String>,
}

/// What was typed into the order's forms and was not taken.
#[derive(Default)]
struct Typed {
    decision: Option<DecisionForm>,
    tracking: Option<TrackingForm>,
    status: Option<String>,
    invoice: Option<String>,
}

/// `GET /orders/{id}`
pub async fn page(Shared(app): Shared<App>, staff: Staff, Path(id): Path<i64>) -> Result<Response, Refusal> {
    show(&app, &staff, id, Typed::default(), None).await
}

/// A form was not taken: the order as it is now, why, and what was typed.
async fn refused(
    app: &App,
    staff: &Staff,
    id: i64,
    typed: Typed,
    tone: Tone,
    words: impl Into<String>,
) -> Result<Response, Refusal> {
    show(app, staff, id, typed, Some(Notice::new(tone, words))).await
}

async fn show(app: &App, staff: &Staff, id: i64, typed: Typed, refusal: Option<Notice>) -> Result<Response, Refusal> {
    let order = find(app, id).await?;
    let mut p = staff.visitor.page();
    // The path of a form has no page.
    p.path = format!("/orders/{id}");
    let status = refusal.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    p.notices.extend(refusal);
    let (t, lang) = (p.t, p.lang);
    let names = Names::of(app, lang).await?;
    let mall = app.store.mall(&order.mall).await?.ok_or_else(|| Refusal::no_mall(&order.mall))?;
    let history = app.store.history(id).await?;
    let invoice = match &typed.invoice {
        Some(typed) => Invoice::parse(typed),
        None => order.data.invoice,
    };
    let of_mall = Choice {
        value: "mall",
        label: fill(t.invoice_of_mall, &[&mall.invoice.localized(lang)]),
        here: invoice.is_none(),
    };
    let decision = typed.decision.unwrap_or_default();
    let finding = |kind: FindingKind| Choice {
        value: kind.into(),
        label: finding_label(kind, t).to_owned(),
        here: decision.found.parse() == Ok(kind),
    };
    let page = OrderPage {
        row: RowView::new(&line(&order), &names, t, false),
        transaction_id: order.transaction_id().map(str::to_owned),
        reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
        problem: order.problem.as_ref().map(|problem| problem_view(problem, lang)),
        explained: explained(&order, &mall, t),
        findings: FindingKind::of_state(order.state).map(finding).collect(),
        decision,
        max_id: MAX_ID,
        max_note: MAX_NOTE,
        max_tracking: MAX_TRACKING,
        max_status: MAX_STATUS,
        status: typed.status.or(order.order_status.clone()).unwrap_or_default(),
        tracking_open: order.state.tracking_open(),
        carriers: names.carriers(&order.provider),
        tracking: typed.tracking.unwrap_or_else(|| TrackingForm::of(&order)),
        timeline: history.iter().rev().map(|line| line_view(line, t, lang)).collect(),
        note: order.data.note.clone(),
        items: order.data.items.iter().map(item_view).collect(),
        amounts: amounts_view(&order, t),
        invoices: [of_mall].into_iter().chain(invoices(invoice, lang)).collect(),
        invoice_open: invoice_open(order.state),
        buyer: order.data.buyer.clone(),
        recipient: order.data.recipient.clone(),
        p,
    };
    Ok(html(status, &page))
}

/// Why an action is not offered that the order's state alone would offer, or is not begun by itself.
fn explained(order: &Order, mall: &Mall, t: &Texts) -> Vec<&'static str> {
    let is_held = order.held.is_some_and(|held| {
        Some(held) == order.state.automatic() && order.offers(held) && automation::start(mall, held) != Start::Never
    });
    let reasons = [
        (order.state.is_by_csv(), t.by_csv_only),
        (order.results_by_csv && next(order.state, Event::CreditStarted).is_some(), t.mall_by_csv),
        (is_held, t.held_order),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words).collect()
}

async fn find(app: &App, id: i64) -> Result<Order, Refusal> {
    app.store.order(id).await?.ok_or_else(|| Refusal::no_order(id))
}

fn problem_view(problem: &Issue, lang: Lang) -> ProblemView {
    let (what, next) = what_and_next(problem, lang);
    ProblemView { what, said: provider_message(problem, lang), next }
}

fn item_view(item: &Item) -> ItemView {
    ItemView { name: item.name.clone(), price: yen(item.unit_price), quantity: item.quantity }
}

fn amounts_view(order: &Order, t: &Texts) -> AmountsView {
    let amounts = &order.amounts;
    let imported =
        (amounts.imported_fee != amounts.payment_fee).then(|| fill(t.fee_imported, &[&yen(amounts.imported_fee)]));
    let band = amounts.fee_band.map(|band| fill(t.fee_band, &[&(band + 1)]));
    let words: Vec<_> = band.into_iter().chain(imported).collect();
    AmountsView {
        goods: yen(amounts.goods),
        shipping: yen(amounts.shipping_fee),
        fee: yen(amounts.payment_fee),
        band: (!words.is_empty()).then(|| words.join(" / ")),
    }
}

fn line_view(line: &HistoryLine, t: &Texts, lang: Lang) -> LineView {
    let state = |name: &str| name.parse().map_or("", |state: State| state.localized(lang));
    let problem: Option<Issue> = line.problem.as_ref().and_then(|json| serde_json::from_str(json).ok());
    LineView {
        when: clock::timestamp(line.at),
        who: line.who.clone(),
        event: event_words(&line.event, t).to_owned(),
        moved: line.from_state != line.to_state,
        from: state(&line.from_state),
        to: state(&line.to_state),
        problem: problem.map(|problem| summary(&problem, lang)),
        note: history::note(line, lang),
        calls: line.report.as_deref().map(|report| calls(report, t)).unwrap_or_default(),
    }
}

/// What a line of the history is about; the states beside it say how it went.
fn event_words<'a>(name: &'a str, t: &Texts) -> &'a str {
    let Ok(event) = name.parse::<Event>() else { return other_event(name, t) };
    match event {
        Event::CreditStarted => t.event_credit_started,
        Event::CheckNoNews => t.event_check_no_news,
        Event::CancelStarted => t.event_cancel_started,
        Event::SyncStarted => t.event_sync_started,
        Event::ProcessDied => t.event_process_died,
        Event::OperatorApproved
        | Event::OperatorRegistered
        | Event::OperatorRejected
        | Event::OperatorCancelled
        | Event::OperatorTracked
        | Event::OperatorUntracked
        | Event::OperatorNothing => t.event_decided,
        Event::CsvUnderReview | Event::CsvOnHold | Event::CsvApproved | Event::CsvRejected | Event::CsvCancelled => {
            t.event_result_imported
        }
        Event::CancelDone | Event::CancelFailed | Event::CancelUnknown => t.event_cancel_answered,
        Event::SyncDone | Event::SyncFailed | Event::SyncUnknown => t.event_sync_answered,
        Event::CreditApproved
        | Event::CreditRejected
        | Event::CreditUnderReview
        | Event::CreditOnHold
        | Event::CreditNotSent
        | Event::CreditUnknown => t.event_credit_answered,
        _ => t.event_checked,
    }
}

/// Events that move no state.
fn other_event<'a>(name: &'a str, t: &Texts) -> &'a str {
    match name.parse() {
        Ok(OrderEdit::TrackingEntered) => t.event_tracking_entered,
        Ok(OrderEdit::InvoiceSet) => t.event_invoice_chosen,
        Ok(OrderEdit::StatusSet) => t.event_status_set,
        Ok(OrderEdit::Corrected) => t.event_corrected,
        Err(_) => name,
    }
}

/// An operation of the contract in words.
pub fn operation_words<'a>(name: &'a str, t: &Texts) -> &'a str {
    match name {
        "credit" => t.op_credit,
        "check-credit" => t.op_check,
        "cancel" => t.op_cancel,
        "sync-tracking" => t.op_sync,
        "test-connection" => t.op_test,
        other => other,
    }
}

/// What the host saw of a call, as the store keeps it.
#[derive(Deserialize)]
struct Report {
    operation: String,
    rows: usize,
    elapsed: Duration,
    requests: Vec<Request>,
    overruled: Vec<serde_json::Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    origin: String,
    path: String,
    progress: String,
    status: Option<u16>,
    request_bytes: usize,
    response_bytes: usize,
    connect: Option<Duration>,
    head: Option<Duration>,
    body: Option<Duration>,
    error: Option<String>,
}

fn calls(report: &str, t: &Texts) -> Vec<CallView> {
    let reports: Vec<Report> = serde_json::from_str(report).unwrap_or_default();
    let view = |report: Report| {
        let (elapsed, requests) = (duration(report.elapsed, t), report.requests.len());
        let operation = operation_words(&report.operation, t);
        let overruled = report.overruled.len();
        CallView {
            summary: fill(t.call_summary, &[&operation, &report.rows, &elapsed, &requests]),
            requests: report.requests.into_iter().map(|request| request_view(request, t)).collect(),
            error: report.error,
            overruled: (overruled > 0).then(|| fill(t.overruled, &[&overruled])),
        }
    };
    reports.into_iter().map(view).collect()
}

fn request_view(request: Request, t: &Texts) -> RequestView {
    let time = |phase: Option<Duration>| phase.map_or("–".to_owned(), |phase| duration(phase, t));
    RequestView {
        url: format!("{}{}", request.origin, request.path),
        progress: match request.progress.as_str() {
            "not-sent" => t.progress_not_sent,
            "sent" => t.progress_sent,
            _ => t.progress_answered,
        },
        status: request.status.map_or("–".to_owned(), |status| status.to_string()),
        connect: time(request.connect),
        head: time(request.head),
        body: time(request.body),
        bytes: format!("{} / {}", request.request_bytes, request.response_bytes),
        error: request.error,
    }
}

/// Every form on an order says which version of it the operator saw.
#[derive(Deserialize)]
pub struct ActionForm {
    version: i64,
    back: Option<String>,
    /// The page that asks was answered.
    #[serde(default)]
    confirmed: String,
}

#[derive(Template)]
#[template(path = "order_row_answer.html")]
struct RowAnswer {
    p: Page,
    row: RowView,
    back: String,
    notice: Notice,
}

/// `POST /orders/{id}/actions/{action}`
pub async fn act(
    Shared(app): Shared<App>,
    staff: Staff,
    Path((id, action)): Path<(i64, String)>,
    headers: HeaderMap,
    Signed(form): Signed<ActionForm>,
) -> Result<Response, Refusal> {
    let action: Action = action.parse().map_err(|_| Refusal::Unreadable)?;
    let order = find(&app, id).await?;
    let p = staff.visitor.page();
    // The script asks before it sends; a browser without it is asked here.
    if action == Action::Cancel
        && order.offers(action)
        && !headers.contains_key("hx-request")
        && form.confirmed.is_empty()
    {
        return ask(&app, p, &order, &form).await;
    }
    let notice = if order.version == form.version {
        let rows = app.desk.of(&staff.user.name).run(action, &[id], &|_| {}).await;
        let row = rows.map_err(|error| Refusal::failed(&error))?.pop();
        row.map_or(Notice::new(Tone::Bad, p.t.stale), |row| told(&row, action, p.lang, p.t))
    } else {
        Notice::new(Tone::Wait, p.t.stale)
    };
    let back = form.back.unwrap_or_default();
    if !headers.contains_key("hx-request") || headers.contains_key("hx-boosted") {
        let path = if back.is_empty() { format!("/orders/{id}") } else { format!("{}#order-{id}", local(&back)) };
        return Ok(app.redirect(&path, &[notice]));
    }
    let names = Names::of(&app, p.lang).await?;
    let row = RowView::new(&line(&find(&app, id).await?), &names, p.t, false);
    Ok(ok(&RowAnswer { p, row, back, notice }))
}

/// The page that asks before the credit of `order` is cancelled.
async fn ask(app: &App, mut p: Page, order: &Order, form: &ActionForm) -> Result<Response, Refusal> {
    let (t, label) = (p.t, Action::Cancel.localized(p.lang));
    let back = form.back.clone().filter(|back| !back.is_empty()).unwrap_or_else(|| format!("/orders/{}", order.id));
    let back = local(&back).to_owned();
    p.path.clone_from(&back);
    let provider = Names::of(app, p.lang).await?.provider(&order.provider);
    let sum = Sum { orders: 1, billed: order.amounts.billed };
    let hidden = [
        ("version", form.version.to_string()),
        ("back", form.back.clone().unwrap_or_default()),
        ("confirmed", "yes".to_owned()),
    ];
    let run = Press { name: "do", value: "run".to_owned(), label: fill(t.run_it, &[&label, &1]), class: "danger" };
    let page = Confirmation {
        heading: fill(t.confirm_heading, &[&label]),
        lead: fill(t.confirm_cancel, &[&order.number]),
        facts: vec![(t.order_number, order.number.clone()), (t.provider, provider), (t.billed, billed_words(sum, t))],
        tables: Vec::new(),
        action: format!("/orders/{}/actions/{}", order.id, Action::Cancel),
        hidden: hidden.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        presses: vec![run],
        back: Some(back),
        p,
    };
    Ok(ok(&page))
}

/// Carrier, number and date as a form has them.
#[derive(Default, Deserialize)]
pub struct TrackingForm {
    #[serde(default)]
    version: i64,
    carrier: String,
    number: String,
    shipped_on: String,
}

impl TrackingForm {
    fn of(order: &Order) -> Self {
        let entered = order.tracking.as_ref();
        TrackingForm {
            version: order.version,
            carrier: entered.map(|tracking| tracking.carrier.clone()).unwrap_or_default(),
            number: entered.map(|tracking| tracking.number.clone()).unwrap_or_default(),
            shipped_on: entered.map_or_else(clock::today, |tracking| tracking.shipped_on).to_string(),
        }
    }
}

/// `POST /orders/{id}/tracking`
pub async fn tracking(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<TrackingForm>,
) -> Result<Response, Refusal> {
    let order = find(&app, id).await?;
    let p = staff.visitor.page();
    let (tone, words) = match enter(&app, &staff, &order, &form, p.t, p.lang).await? {
        Ok(()) => return Ok(said(&app, id, Tone::Ok, fill(p.t.tracking_saved, &[&order.number]))),
        Err(refusal) => refusal,
    };
    refused(&app, &staff, id, Typed { tracking: Some(form), ..Typed::default() }, tone, words).await
}

/// Enters what the form says, or says why not.
async fn enter(
    app: &App,
    staff: &Staff,
    order: &Order,
    form: &TrackingForm,
    t: &Texts,
    lang: Lang,
) -> Result<Result<(), (Tone, String)>, Refusal> {
    let Some(shipped_on) = clock::parse_date(&form.shipped_on).filter(|_| !form.carrier.is_empty()) else {
        return Ok(Err((Tone::Bad, t.tracking_wrong.to_owned())));
    };
    if order.version != form.version {
        return Ok(Err((Tone::Wait, t.stale.to_owned())));
    }
    let Some(plugin) = app.registry.get(&order.provider) else {
        let problem = Issue::ProviderMissing { provider: order.provider.clone() };
        return Ok(Err((Tone::Bad, problem.localized(lang))));
    };
    let entry = Entry { carrier: &form.carrier, number: form.number.trim(), shipped_on };
    let entered = tracking::enter(&app.store, &plugin, order, entry, &staff.user.name).await?;
    Ok(entered.map(drop).map_err(|refused| (Tone::Bad, refused.localized(lang))))
}

fn said(app: &App, id: i64, tone: Tone, text: impl Into<String>) -> Response {
    app.redirect(&format!("/orders/{id}"), &[Notice::new(tone, text)])
}

#[derive(Deserialize)]
pub struct StatusForm {
    version: i64,
    #[serde(default)]
    status: String,
}

/// `POST /orders/{id}/status`: 受注ステータス, the shop's own word for where the order is. It may be the one that
/// starts something by itself.
pub async fn status(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<StatusForm>,
) -> Result<Response, Refusal> {
    let order = find(&app, id).await?;
    let t = staff.visitor.page().t;
    let typed = Typed { status: Some(form.status.clone()), ..Typed::default() };
    let Some(status) = order_status(&form.status) else {
        return refused(&app, &staff, id, typed, Tone::Bad, fill(t.status_wrong, &[&MAX_STATUS])).await;
    };
    let saved = order.version == form.version
        && app.store.set_order_status(&order, status, &staff.user.name, app.store.now()).await?;
    app.wake.notify_one();
    match saved {
        true => Ok(said(&app, id, Tone::Ok, fill(t.status_saved, &[&order.number]))),
        false => refused(&app, &staff, id, typed, Tone::Wait, t.stale).await,
    }
}

/// A 受注ステータス as it is kept: none where it is empty; nothing where it cannot be one.
pub fn order_status(text: &str) -> Option<Option<&str>> {
    let status = text.trim();
    let fits = status.chars().count() <= MAX_STATUS && !status.chars().any(char::is_control);
    fits.then_some(Some(status).filter(|status| !status.is_empty()))
}

#[derive(Deserialize)]
pub struct InvoiceForm {
    version: i64,
    #[serde(default)]
    invoice: String,
}

/// The invoice goes to the provider with the registration.
pub fn invoice_open(state: State) -> bool {
    next(state, Event::CreditStarted).is_some()
}

/// `POST /orders/{id}/invoice`
pub async fn invoice(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<InvoiceForm>,
) -> Result<Response, Refusal> {
    let order = find(&app, id).await?;
    let t = staff.visitor.page().t;
    if !invoice_open(order.state) {
        return refused(&app, &staff, id, Typed::default(), Tone::Bad, t.invoice_closed).await;
    }
    let choice = Invoice::parse(&form.invoice);
    let saved = order.version == form.version
        && app.store.set_invoice(&order, choice, &staff.user.name, app.store.now()).await?;
    if saved {
        return Ok(said(&app, id, Tone::Ok, fill(t.invoice_saved, &[&order.number])));
    }
    let typed = Typed { invoice: Some(form.invoice), ..Typed::default() };
    refused(&app, &staff, id, typed, Tone::Wait, t.stale).await
}

#[derive(Clone, Default, Deserialize)]
pub struct DecisionForm {
    version: i64,
    #[serde(default)]
    found: String,
    #[serde(default)]
    transaction_id: String,
    #[serde(default)]
    note: String,
}

impl DecisionForm {
    /// What was found with `order`, and the note; or what is wrong with the form.
    fn read(&self, order: &Order, lang: Lang, t: &'static Texts) -> Result<(OperatorFinding, String), String> {
        let (id, note) = match entered(&self.transaction_id, &self.note) {
            Ok(entered) => entered,
            // More than that it is empty.
            Err(RowError::Empty(_)) => return Err(t.note_missing.to_owned()),
            Err(wrong) => return Err(format!("{}{}", wrong.localized(lang), t.not_recorded_yet)),
        };
        let id = order.transaction_id().map(str::to_owned).or(id);
        let kind = self.found.parse().map_err(|_| t.found_missing.to_owned())?;
        let found = OperatorFinding::of(kind, id).ok_or_else(|| t.id_missing.to_owned())?;
        Ok((found, note))
    }
}

fn finding_label(kind: FindingKind, t: &'static Texts) -> &'static str {
    match kind {
        FindingKind::Approved => t.found_approved,
        FindingKind::Registered => t.found_registered,
        FindingKind::Rejected => t.found_rejected,
        FindingKind::Cancelled => t.found_cancelled,
        FindingKind::Tracked => t.found_tracked,
        FindingKind::Untracked => t.found_untracked,
        FindingKind::Nothing => t.found_nothing,
    }
}

/// `POST /orders/{id}/decision`
pub async fn decide(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<DecisionForm>,
) -> Result<Response, Refusal> {
    let order = find(&app, id).await?;
    let p = staff.visitor.page();
    let typed = Typed { decision: Some(form.clone()), ..Typed::default() };
    if order.version != form.version {
        return refused(&app, &staff, id, typed, Tone::Wait, p.t.stale).await;
    }
    let (found, note) = match form.read(&order, p.lang, p.t) {
        Ok(read) => read,
        Err(words) => return refused(&app, &staff, id, typed, Tone::Bad, words).await,
    };
    let row = match app.desk.of(&staff.user.name).decide(id, found, &note).await {
        Ok(row) => row,
        Err(CreditError::NoOrder(id)) => return Err(Refusal::no_order(id)),
        Err(error) => return Err(Refusal::failed(&error)),
    };
    let notice = told(&row, Action::Decide, p.lang, p.t);
    match row.outcome {
        Outcome::Success => Ok(app.redirect(&format!("/orders/{id}"), &[notice])),
        outcome => refused(&app, &staff, id, typed, outcome_tone(outcome), notice.text).await,
    }
}
