//! The page of one order.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::pages::order::forms::{DecisionForm, RejectedInput, TrackingForm};
use crate::web::pages::order::history::{HistoryEntry, history_entry};
use crate::web::parts::choice::{Choice, invoices};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::order_row::{OrderRow, list_order};
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::automation;
use domain::credit_state::{Event, next};
use domain::finding::FindingKind;
use domain::invoice::Invoice;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::{MallSummary, Start};
use domain::normalize::tracking_number::MAX_TRACKING;
use domain::order::{Item, Order, Person};
use service::decisions::{MAX_ID, MAX_NOTE};
use service::messages::format::yen;
use service::messages::issue::{provider_message, what_and_next};
use service::messages::labels::Form;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::orders::MAX_STATUS;

#[derive(Template)]
#[template(path = "order/detail.html")]
struct OrderPage {
    p: Page,
    row: OrderRow,
    transaction_id: Option<String>,
    reference: Option<String>,
    problem: Option<IssueView>,
    /// Why an action is not offered, or not begun automatically.
    explained: Vec<&'static str>,
    findings: Vec<Choice>,
    decision: DecisionForm,
    max_id: usize,
    max_note: usize,
    status: String,
    max_tracking: usize,
    max_status: usize,
    tracking_open: bool,
    save_tracking: &'static str,
    /// The link to the form that corrects the order, where that is open.
    correct: Option<&'static str>,
    carriers: Vec<(String, String)>,
    tracking: TrackingForm,
    timeline: Vec<HistoryEntry>,
    note: Option<String>,
    items: Vec<ItemView>,
    amounts: AmountsView,
    invoices: Vec<Choice>,
    invoice_open: bool,
    buyer: Person,
    recipient: Option<Person>,
}

/// What happened, the message of the provider, and the next step.
pub(super) struct IssueView {
    pub what: String,
    pub message: String,
    pub next: String,
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

/// `GET /orders/{id}`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff, Path(id): Path<i64>) -> Result<Response, Refusal> {
    show(&app, &staff, id, RejectedInput::default(), None).await
}

/// A form was rejected: shows the order as it is now, the reason, and the input.
pub(crate) async fn show_rejected(
    app: &App,
    staff: &Staff,
    id: i64,
    input: RejectedInput,
    tone: Tone,
    reason: impl Into<String>,
) -> Result<Response, Refusal> {
    show(app, staff, id, input, Some(Notice::new(tone, reason))).await
}

async fn show(
    app: &App,
    staff: &Staff,
    id: i64,
    input: RejectedInput,
    rejection: Option<Notice>,
) -> Result<Response, Refusal> {
    let order = find_order(app, id).await?;
    let mut p = staff.visitor.page();
    // The address of a form is not the address of a page.
    p.path = format!("/orders/{id}");
    let status = rejection.as_ref().map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    p.notices.extend(rejection);
    let (t, lang) = (p.t, p.lang);
    let names = DisplayNames::of(app, lang).await?;
    let mall = app.store.mall_summary(&order.mall).await?.ok_or_else(|| Refusal::no_mall(&order.mall))?;
    let history = app.store.history(id).await?;
    let invoice = match &input.invoice {
        Some(typed) => Invoice::parse(typed),
        None => order.data.invoice,
    };
    let of_mall = Choice {
        value: "mall",
        label: fill(t.invoice_of_mall, &[&mall.invoice.localized(lang)]),
        here: invoice.is_none(),
    };
    let decision = input.decision.unwrap_or_default();
    let finding = |kind: FindingKind| Choice {
        value: kind.into(),
        label: finding_label(kind, t).to_owned(),
        here: decision.found.parse() == Ok(kind),
    };
    let situation = Situation::of_order(&order, app.abilities(&order.provider));
    let page = OrderPage {
        row: OrderRow::new(&list_order(&order), &names, t, false),
        transaction_id: order.transaction_id().map(str::to_owned),
        reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
        problem: order.problem.as_ref().map(|problem| issue_view(problem, &situation, lang)),
        explained: explained(&order, &mall, t),
        findings: FindingKind::of_state(order.state).map(finding).collect(),
        decision,
        max_id: MAX_ID,
        max_note: MAX_NOTE,
        max_tracking: MAX_TRACKING,
        max_status: MAX_STATUS,
        status: input.status.or(order.order_status.clone()).unwrap_or_default(),
        tracking_open: order.state.tracking_open(),
        save_tracking: Form::Tracking.localized(lang),
        correct: order.state.content_open().then(|| Form::Correct.localized(lang)),
        carriers: names.carriers(&order.provider),
        tracking: input.tracking.unwrap_or_else(|| TrackingForm::of(&order)),
        timeline: history.iter().rev().map(|line| history_entry(line, t, lang)).collect(),
        note: order.data.note.clone(),
        items: order.data.items.iter().map(item_view).collect(),
        amounts: amounts_view(&order, t),
        invoices: [of_mall].into_iter().chain(invoices(invoice, lang)).collect(),
        invoice_open: order.state.invoice_open(),
        buyer: order.data.buyer.clone(),
        recipient: order.data.recipient.clone(),
        p,
    };
    Ok(html(status, &page))
}

/// Why an action is not offered although the state would allow it, or is not begun automatically.
fn explained(order: &Order, mall: &MallSummary, t: &Texts) -> Vec<&'static str> {
    let is_held = order.held.is_some_and(|held| {
        Some(held) == order.state.automatic() && order.offers(held) && automation::start(mall, held) != Start::Never
    });
    let reasons = [
        (order.state.is_by_csv(), t.by_csv_only),
        (order.results_by_csv && next(order.state, Event::CreditStarted).is_some(), t.mall_by_csv),
        (is_held, t.held_order),
    ];
    reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

/// The order with the number `id`.
pub(crate) async fn find_order(app: &App, id: i64) -> Result<Order, Refusal> {
    app.store.order(id).await?.ok_or_else(|| Refusal::no_order(id))
}

pub(super) fn issue_view(problem: &Issue, situation: &Situation, lang: Lang) -> IssueView {
    let (what, next) = what_and_next(problem, situation, lang);
    IssueView { what, message: provider_message(problem, lang), next }
}

fn item_view(item: &Item) -> ItemView {
    ItemView { name: item.name.clone(), price: yen(item.unit_price), quantity: item.quantity }
}

fn amounts_view(order: &Order, t: &Texts) -> AmountsView {
    let amounts = &order.amounts;
    let imported =
        (amounts.imported_fee != amounts.payment_fee).then(|| fill(t.fee_imported, &[&yen(amounts.imported_fee)]));
    let band = amounts.fee_band.map(|band| fill(t.fee_band, &[&(band + 1)]));
    let remarks: Vec<_> = band.into_iter().chain(imported).collect();
    AmountsView {
        goods: yen(amounts.goods),
        shipping: yen(amounts.shipping_fee),
        fee: yen(amounts.payment_fee),
        band: (!remarks.is_empty()).then(|| remarks.join(" / ")),
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
