//! What the forms on the page of an order do.

use crate::web::http::form::Signed;
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::{Staff, local_path};
use crate::web::pages::order::detail::{find_order, show_rejected};
use crate::web::pages::order::forms::{ActionForm, DecisionForm, InvoiceForm, RejectedInput, StatusForm, TrackingForm};
use crate::web::parts::confirm::{ConfirmButton, ConfirmPage, billed_text};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::order_row::{OrderRow, list_order};
use crate::web::parts::outcome::{outcome_notice, outcome_tone};
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::asked::Asked;
use domain::clock;
use domain::credit_state::{Action, Outcome};
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::order::Order;
use service::credit::{CreditError, CreditRow, WorkItem};
use service::csv::error::RowError;
use service::decisions::{self, DecisionError, EnteredDecision};
use service::messages::localize::Localize;
use service::messages::tracking::doubt_warning;
use service::orders::{self, EditError, MAX_STATUS};
use service::tracking::entry::{self, Entered, Entry, TrackingError};
use store::OrderTotal;

/// The row of an order after an action, for htmx to insert into the list.
#[derive(Template)]
#[template(path = "order/row_response.html")]
struct RowResponse {
    p: Page,
    row: OrderRow,
    back: String,
    notice: Notice,
}

/// `POST /orders/{id}/actions/{action}`
pub(crate) async fn act(
    Shared(app): Shared<App>,
    staff: Staff,
    Path((id, action)): Path<(i64, String)>,
    headers: HeaderMap,
    Signed(form): Signed<ActionForm>,
) -> Result<Response, Refusal> {
    let action: Action = action.parse().map_err(|_| Refusal::Unreadable)?;
    let order = find_order(&app, id).await?;
    let p = staff.visitor.page();
    // The script asks before it sends the request; a browser without scripts is asked here.
    if action == Action::Cancel
        && order.offers(action)
        && !headers.contains_key("hx-request")
        && form.confirmed.is_empty()
    {
        return confirm_cancel(&app, p, &order, &form).await;
    }
    let notice = if order.version == form.version {
        let seen = WorkItem::new(id, Asked::Version(form.version));
        let rows = app.credit.of(&staff.user.name).work(action, &[seen], &|_| {}).await;
        let row = rows.map_err(|error| Refusal::failed(&error))?.pop();
        row.map_or(Notice::new(Tone::Bad, p.t.stale), |row| outcome_notice(&app, &row, action, &p))
    } else {
        Notice::new(Tone::Wait, p.t.stale)
    };
    let back = form.back.unwrap_or_default();
    if !headers.contains_key("hx-request") || headers.contains_key("hx-boosted") {
        let path = if back.is_empty() { format!("/orders/{id}") } else { format!("{}#order-{id}", local_path(&back)) };
        return Ok(app.redirect(&path, &[notice]));
    }
    let names = DisplayNames::of(&app, p.lang).await?;
    let row = OrderRow::new(&list_order(&find_order(&app, id).await?), &names, p.t, false);
    Ok(ok(&RowResponse { p, row, back, notice }))
}

/// The confirmation page before the credit of `order` is cancelled.
async fn confirm_cancel(app: &App, mut p: Page, order: &Order, form: &ActionForm) -> Result<Response, Refusal> {
    let (t, label) = (p.t, Action::Cancel.localized(p.lang));
    let back = form.back.clone().filter(|back| !back.is_empty()).unwrap_or_else(|| format!("/orders/{}", order.id));
    let back = local_path(&back).to_owned();
    p.path.clone_from(&back);
    let provider = DisplayNames::of(app, p.lang).await?.provider(&order.provider);
    let sum = OrderTotal { orders: 1, billed: order.amounts.billed };
    let hidden = [
        ("version", form.version.to_string()),
        ("back", form.back.clone().unwrap_or_default()),
        ("confirmed", "yes".to_owned()),
    ];
    let run =
        ConfirmButton { name: "do", value: "run".to_owned(), label: fill(t.run_it, &[&label, &1]), class: "danger" };
    let page = ConfirmPage {
        heading: fill(t.confirm_heading, &[&label]),
        lead: fill(t.confirm_cancel, &[&order.number]),
        facts: vec![(t.order_number, order.number.clone()), (t.provider, provider), (t.billed, billed_text(sum, t))],
        tables: Vec::new(),
        action: format!("/orders/{}/actions/{}", order.id, Action::Cancel),
        hidden: hidden.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        buttons: vec![run],
        back: Some(back),
        p,
    };
    Ok(ok(&page))
}

/// `POST /orders/{id}/tracking`
pub(crate) async fn tracking(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<TrackingForm>,
) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let p = staff.visitor.page();
    let (tone, reason) = match enter(&app, &staff, &order, &form, p.t, p.lang).await? {
        Ok(entered) => {
            let saved = Notice::new(Tone::Ok, fill(p.t.tracking_saved, &[&order.number]));
            let warning = entered.doubt.map(|doubt| Notice::new(Tone::Wait, doubt_warning(doubt, p.lang)));
            let notices: Vec<_> = [saved].into_iter().chain(warning).collect();
            return Ok(app.redirect(&format!("/orders/{id}"), &notices));
        }
        Err(rejection) => rejection,
    };
    let input = RejectedInput { tracking: Some(form), ..RejectedInput::default() };
    show_rejected(&app, &staff, id, input, tone, reason).await
}

/// Enters the input of the form, or returns the reason why it was rejected.
async fn enter(
    app: &App,
    staff: &Staff,
    order: &Order,
    form: &TrackingForm,
    t: &Texts,
    lang: Lang,
) -> Result<Result<Entered, (Tone, String)>, Refusal> {
    let Some(shipped_on) = clock::parse_date(&form.shipped_on).filter(|_| !form.carrier.is_empty()) else {
        return Ok(Err((Tone::Bad, t.tracking_wrong.to_owned())));
    };
    if order.version != form.version {
        return Ok(Err((Tone::Wait, t.stale.to_owned())));
    }
    let entry = Entry { carrier: &form.carrier, number: form.number.trim(), shipped_on };
    match entry::enter(&app.credit.of(&staff.user.name), order, entry).await {
        Ok(entered) => Ok(Ok(entered)),
        Err(TrackingError::Store(error)) => Err(error.into()),
        Err(TrackingError::Refused(problem)) => Ok(Err((Tone::Bad, problem.localized(lang)))),
    }
}

/// Redirects to the page of the order with a notice of success.
fn done(app: &App, id: i64, message: String) -> Response {
    app.redirect(&format!("/orders/{id}"), &[Notice::new(Tone::Ok, message)])
}

/// `POST /orders/{id}/status`: 受注ステータス, the shop's own label for the progress of the order. The automation may be
/// waiting for it.
pub(crate) async fn status(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<StatusForm>,
) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let t = staff.visitor.page().t;
    let input = RejectedInput { status: Some(form.status.clone()), ..RejectedInput::default() };
    let set = orders::set_status(&app.store, &order, form.version, &form.status, &staff.user.name).await;
    app.wake.notify_one();
    match set {
        Ok(()) => Ok(done(&app, id, fill(t.status_saved, &[&order.number]))),
        Err(EditError::InvalidStatus) => {
            show_rejected(&app, &staff, id, input, Tone::Bad, fill(t.status_wrong, &[&MAX_STATUS])).await
        }
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::Changed | EditError::InvoiceClosed(_)) => {
            show_rejected(&app, &staff, id, input, Tone::Wait, t.stale).await
        }
    }
}

/// `POST /orders/{id}/invoice`
pub(crate) async fn invoice(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<InvoiceForm>,
) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let t = staff.visitor.page().t;
    let choice = Invoice::parse(&form.invoice);
    match orders::set_invoice(&app.store, &order, form.version, choice, &staff.user.name).await {
        Ok(()) => Ok(done(&app, id, fill(t.invoice_saved, &[&order.number]))),
        Err(EditError::InvoiceClosed(_)) => {
            show_rejected(&app, &staff, id, RejectedInput::default(), Tone::Bad, t.invoice_closed).await
        }
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::Changed | EditError::InvalidStatus) => {
            let input = RejectedInput { invoice: Some(form.invoice), ..RejectedInput::default() };
            show_rejected(&app, &staff, id, input, Tone::Wait, t.stale).await
        }
    }
}

/// `POST /orders/{id}/decision`
pub(crate) async fn decide(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Signed(form): Signed<DecisionForm>,
) -> Result<Response, Refusal> {
    let order = find_order(&app, id).await?;
    let p = staff.visitor.page();
    let input = RejectedInput { decision: Some(form.clone()), ..RejectedInput::default() };
    if order.version != form.version {
        return show_rejected(&app, &staff, id, input, Tone::Wait, p.t.stale).await;
    }
    let entry = EnteredDecision { finding: &form.found, transaction_id: &form.transaction_id, note: &form.note };
    let message = match decisions::record(&app.credit.of(&staff.user.name), &order, entry).await {
        Ok(row) => return recorded(&app, &staff, id, input, &row).await,
        // The message also says why a note is needed.
        Err(DecisionError::Entry(RowError::Empty(_))) => p.t.note_missing.to_owned(),
        Err(DecisionError::Entry(wrong)) => format!("{}{}", wrong.localized(p.lang), p.t.not_recorded_yet),
        Err(DecisionError::IdMissing) => p.t.id_missing.to_owned(),
        Err(DecisionError::UnknownFinding(_)) => p.t.found_missing.to_owned(),
        Err(DecisionError::Credit(CreditError::NoOrder(id))) => return Err(Refusal::no_order(id)),
        Err(DecisionError::Credit(error)) => return Err(Refusal::failed(&error)),
    };
    show_rejected(&app, &staff, id, input, Tone::Bad, message).await
}

/// The page after a decision: whether it was recorded.
async fn recorded(
    app: &App,
    staff: &Staff,
    id: i64,
    input: RejectedInput,
    row: &CreditRow,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let notice = outcome_notice(app, row, Action::Decide, &p);
    match row.outcome {
        Outcome::Success => Ok(app.redirect(&format!("/orders/{id}"), &[notice])),
        outcome => show_rejected(app, staff, id, input, outcome_tone(outcome), notice.text).await,
    }
}
