//! What is done with one order: actions, tracking number, order status, invoice, decisions.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing};
use crate::web::api::caller::Caller;
use crate::web::api::object::Object;
use crate::web::api::order_filter::date;
use crate::web::api::orders::{Order, find};
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::order::{ActionOutcome, InvoiceDelivery, OrderAction, OrderIssue, OrderState};
use axum::Json;
use axum::extract::{Path, State as Shared};
use domain::asked::Asked;
use domain::credit_state::Action;
use domain::finding::FindingKind;
use domain::invoice::Invoice;
use domain::lang::Lang;
use domain::order;
use domain::tracking::TrackingProblem;
use serde::{Deserialize, Serialize};
use service::credit::{CreditRow, WorkItem};
use service::decisions::{self, DecisionError, EnteredDecision, entered};
use service::messages::localize::Localize;
use service::orders::{self, EditError, MAX_STATUS};
use service::tracking::entry::{self, Entry, TrackingError};
use utoipa::ToSchema;

/// The order, if it is still as the caller saw it.
pub(super) async fn unchanged(app: &App, id: i64, version: i64) -> Result<order::Order, Problem> {
    let order = find(app, id).await?;
    if order.version == version { Ok(order) } else { Err(stale(order.version)) }
}

/// The order as it is now if the edit was written, else the problem that another change came first.
pub(super) async fn edited(app: &App, id: i64, written: bool, lang: Lang) -> Result<Json<Order>, Problem> {
    let order = find(app, id).await?;
    if written { Ok(Json(Order::new(&order, app, lang))) } else { Err(stale(order.version)) }
}

fn stale(version: i64) -> Problem {
    let words = format!("The order has version {version} now. Nothing was done. Read it again, then decide.");
    Problem::new(Kind::StaleVersion, words)
}

/// What to do with an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderActionRequest {
    action: OrderAction,
    /// The version that the caller saw.
    version: i64,
}

/// The result of an action on one order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderActionResult {
    /// `failure` also where the order's state or its content forbade it and nothing was sent: `trouble` says why.
    outcome: ActionOutcome,
    /// The order's version since.
    version: i64,
    state: OrderState,
    transaction_id: Option<String>,
    trouble: Option<OrderIssue>,
}

impl OrderActionResult {
    fn new(row: CreditRow, action: Action, version: i64, app: &App, lang: Lang) -> Self {
        let situation = row.situation(action, app.abilities(&row.provider));
        Self {
            outcome: row.outcome.into(),
            version,
            state: row.state.into(),
            transaction_id: row.transaction_id,
            trouble: row.problem.as_ref().map(|problem| OrderIssue::new(problem, &situation, lang)),
        }
    }
}

/// Runs an action on one order: 与信を実行, 与信結果確認, 与信キャンセル, 伝票番号同期.
#[utoipa::path(post, operation_id = "act_on_order", path = "/v1/orders/{id}/actions", tag = "orders", params(("id" = i64, Path), Key), request_body = OrderActionRequest,
    responses((status = 200, body = OrderActionResult, description = "It was carried out, or refused before anything was sent: see `outcome`."), Acting, Missing))]
pub(super) async fn act(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(act): Object<OrderActionRequest>,
) -> Result<Json<OrderActionResult>, Problem> {
    let action = act.action.into();
    if action == Action::Decide {
        let words = "What was found is recorded by POST /v1/orders/{id}/decision, with a note.";
        return Err(Problem::new(Kind::Invalid, words));
    }
    unchanged(&app, id, act.version).await?;
    let seen = WorkItem::new(id, Asked::Version(act.version));
    let rows = app.credit.of(&caller.name).work(action, &[seen], &|_| {}).await;
    let row = rows.map_err(|error| Problem::failed(&error))?.pop();
    let row = row.ok_or_else(|| Problem::failed(&"the credit service returned no row"))?;
    let version = find(&app, id).await?.version;
    Ok(Json(OrderActionResult::new(row, action, version, &app, caller.lang)))
}

/// A tracking number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrackingUpdate {
    version: i64,
    /// A carrier's id, or its name in Japanese or English.
    carrier: String,
    /// 伝票番号
    #[schema(min_length = 1, max_length = 255)]
    number: String,
    /// 出荷日
    #[schema(format = Date)]
    shipped_on: String,
}

/// Enters carrier and 伝票番号.
#[utoipa::path(put, operation_id = "enter_tracking", path = "/v1/orders/{id}/tracking", tag = "orders", params(("id" = i64, Path), Key), request_body = TrackingUpdate,
    responses((status = 200, body = Order, description = "The order."), Acting, Missing))]
pub(super) async fn tracking(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(shipment): Object<TrackingUpdate>,
) -> Result<Json<Order>, Problem> {
    let order = unchanged(&app, id, shipment.version).await?;
    let shipped_on = date(&shipment.shipped_on)?;
    let entry = Entry { carrier: &shipment.carrier, number: &shipment.number, shipped_on };
    let problem = match entry::enter(&app.credit.of(&caller.name), &order, entry).await {
        Ok(_) => return edited(&app, id, true, caller.lang).await,
        Err(TrackingError::Refused(TrackingProblem::Changed)) => return edited(&app, id, false, caller.lang).await,
        Err(TrackingError::Store(error)) => return Err(error.into()),
        Err(TrackingError::Refused(problem)) => problem,
    };
    let kind = match problem {
        TrackingProblem::ProviderMissing(_) | TrackingProblem::Closed(_) => Kind::Conflict,
        _ => Kind::Invalid,
    };
    Err(Problem::new(kind, problem.localized(caller.lang)))
}

/// A change of 受注ステータス.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderStatusUpdate {
    version: i64,
    /// 受注ステータス; empty: none. It may be the one that starts something by itself.
    #[schema(max_length = 64)]
    order_status: String,
}

/// Sets 受注ステータス.
#[utoipa::path(put, operation_id = "set_order_status", path = "/v1/orders/{id}/order-status", tag = "orders", params(("id" = i64, Path), Key), request_body = OrderStatusUpdate,
    responses((status = 200, body = Order, description = "The order as it is now."), Acting, Missing))]
pub(super) async fn status(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(choice): Object<OrderStatusUpdate>,
) -> Result<Json<Order>, Problem> {
    let order = unchanged(&app, id, choice.version).await?;
    let set = orders::set_status(&app.store, &order, choice.version, &choice.order_status, &caller.name).await;
    app.wake.notify_one();
    edited(&app, id, written(set)?, caller.lang).await
}

/// How the invoice reaches the buyer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InvoiceUpdate {
    version: i64,
    /// Absent: as the mall has it.
    invoice: Option<InvoiceDelivery>,
}

/// Chooses how the invoice goes out.
#[utoipa::path(put, operation_id = "choose_invoice", path = "/v1/orders/{id}/invoice", tag = "orders", params(("id" = i64, Path), Key), request_body = InvoiceUpdate,
    responses((status = 200, body = Order, description = "The order."), Acting, Missing))]
pub(super) async fn invoice(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(choice): Object<InvoiceUpdate>,
) -> Result<Json<Order>, Problem> {
    let order = unchanged(&app, id, choice.version).await?;
    let chosen = choice.invoice.map(Invoice::from);
    let set = orders::set_invoice(&app.store, &order, choice.version, chosen, &caller.name).await;
    edited(&app, id, written(set)?, caller.lang).await
}

/// What an operator found at the provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionRequest {
    version: i64,
    /// `approved`, `registered`, `rejected`, `cancelled`, `nothing`, `tracked` or `untracked`; which of them
    /// serve depends on what is unknown.
    #[schema(pattern = "^(approved|registered|rejected|cancelled|nothing|tracked|untracked)$")]
    found: String,
    /// The provider's id; needed for `approved`, unless the platform knows it.
    #[schema(max_length = 64)]
    transaction_id: Option<String>,
    /// Who looked, where and how.
    #[schema(min_length = 1, max_length = 1000)]
    note: String,
}

/// Records what an operator found at the provider about an unknown outcome.
#[utoipa::path(post, operation_id = "record_decision", path = "/v1/orders/{id}/decision", tag = "orders", params(("id" = i64, Path), Key), request_body = DecisionRequest,
    responses((status = 200, body = OrderActionResult, description = "The result."), Acting, Missing))]
pub(super) async fn decide(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(decision): Object<DecisionRequest>,
) -> Result<Json<OrderActionResult>, Problem> {
    let transaction_id = decision.transaction_id.as_deref().unwrap_or_default();
    // The input is validated before the version is compared: it stays wrong whatever the order becomes.
    entered(transaction_id, &decision.note)
        .map_err(|wrong| Problem::new(Kind::Invalid, wrong.localized(caller.lang)))?;
    let order = unchanged(&app, id, decision.version).await?;
    let open: Vec<String> = FindingKind::of_state(order.state).map(|kind| kind.to_string()).collect();
    if !open.contains(&decision.found) {
        let words = match open.as_slice() {
            [] => format!("Nothing is unknown in the state {}.", order.state),
            open => format!("In the state {}, `found` is one of: {}.", order.state, open.join(", ")),
        };
        return Err(Problem::new(Kind::Conflict, words));
    }
    let entry = EnteredDecision { finding: &decision.found, transaction_id, note: &decision.note };
    let row = match decisions::record(&app.credit.of(&caller.name), &order, entry).await {
        Ok(row) => row,
        Err(DecisionError::Entry(wrong)) => return Err(Problem::new(Kind::Invalid, wrong.localized(caller.lang))),
        Err(DecisionError::IdMissing) => {
            return Err(Problem::new(Kind::Invalid, format!("`{}` needs a `transaction_id`.", decision.found)));
        }
        Err(error @ (DecisionError::UnknownFinding(_) | DecisionError::Credit(_))) => {
            return Err(Problem::failed(&error));
        }
    };
    let version = find(&app, id).await?.version;
    Ok(Json(OrderActionResult::new(row, Action::Decide, version, &app, caller.lang)))
}

/// Whether an edit was written; a problem where it cannot be.
fn written(edit: Result<(), EditError>) -> Result<bool, Problem> {
    match edit {
        Ok(()) => Ok(true),
        Err(EditError::Changed) => Ok(false),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::InvalidStatus) => {
            Err(Problem::new(Kind::Invalid, format!("`order_status` has at most {MAX_STATUS} characters.")))
        }
        Err(EditError::InvoiceClosed(state)) => {
            Err(Problem::new(Kind::Conflict, format!("The invoice cannot be chosen in the state {state}.")))
        }
    }
}
