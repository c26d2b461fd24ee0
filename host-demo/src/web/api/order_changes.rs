//! What is done with one order: actions, tracking number, order status, invoice, decisions.

use crate::domain::credit_state::Action;
use crate::domain::issue::Lang;
use crate::domain::order::{self, Invoice};
use crate::service::credit::Row;
use crate::service::decisions::{entered, found};
use crate::service::tracking::{self, Entry, Refused};
use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing};
use crate::web::api::caller::Caller;
use crate::web::api::object::Object;
use crate::web::api::order_filter::date;
use crate::web::api::orders::{Order, find};
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::order::{ActionOutcome, InvoiceDelivery, OrderAction, OrderIssue, OrderState};
use crate::web::pages::order::{MAX_STATUS, findings, invoice_open, order_status};
use axum::Json;
use axum::extract::{Path, State as Shared};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The order, if it is still as the caller saw it.
async fn unchanged(app: &App, id: i64, version: i64) -> Result<order::Order, Problem> {
    let order = find(app, id).await?;
    if order.version == version { Ok(order) } else { Err(stale(order.version)) }
}

/// The order as it is now if the edit was written, else the problem that another change came first.
async fn edited(app: &App, id: i64, written: bool, lang: Lang) -> Result<Json<Order>, Problem> {
    let order = find(app, id).await?;
    if written { Ok(Json(Order::new(&order, lang))) } else { Err(stale(order.version)) }
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
    fn new(row: Row, version: i64, lang: Lang) -> Self {
        Self {
            outcome: row.outcome.into(),
            version,
            state: row.state.into(),
            transaction_id: row.transaction_id,
            trouble: row.problem.as_ref().map(|problem| OrderIssue::new(problem, lang)),
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
    let rows = app.desk.of(&caller.name).run(action, &[id], &|_| {}).await;
    let row = rows.map_err(|error| Problem::failed(&error))?.pop();
    let row = row.ok_or_else(|| Problem::failed(&"the desk answered no row"))?;
    Ok(Json(OrderActionResult::new(row, find(&app, id).await?.version, caller.lang)))
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
    let missing =
        || Problem::new(Kind::Conflict, format!("The plugin of the provider {} is not loaded.", order.provider));
    let plugin = app.registry.get(&order.provider).ok_or_else(missing)?;
    let shipped_on = date(&shipment.shipped_on)?;
    let entry = Entry { carrier: &shipment.carrier, number: &shipment.number, shipped_on };
    match tracking::enter(&app.store, &plugin, &order, entry, &caller.name).await? {
        Ok(_) => edited(&app, id, true, caller.lang).await,
        Err(Refused::Changed) => edited(&app, id, false, caller.lang).await,
        Err(refused @ Refused::Closed(_)) => Err(Problem::new(Kind::Conflict, refused.words(caller.lang))),
        Err(refused) => Err(Problem::new(Kind::Invalid, refused.words(caller.lang))),
    }
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
    let unfit = || Problem::new(Kind::Invalid, format!("`order_status` has at most {MAX_STATUS} characters."));
    let status = order_status(&choice.order_status).ok_or_else(unfit)?;
    let written = app.store.set_order_status(&order, status, &caller.name, app.store.now()).await?;
    app.wake.notify_one();
    edited(&app, id, written, caller.lang).await
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
    if !invoice_open(order.state) {
        return Err(Problem::new(
            Kind::Conflict,
            format!("The invoice cannot be chosen in the state {}.", order.state),
        ));
    }
    let written =
        app.store.set_invoice(&order, choice.invoice.map(Invoice::from), &caller.name, app.store.now()).await?;
    edited(&app, id, written, caller.lang).await
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
    let typed = decision.transaction_id.as_deref().unwrap_or_default();
    let (typed, note) =
        entered(typed, &decision.note).map_err(|wrong| Problem::new(Kind::Invalid, wrong.words(caller.lang)))?;
    let order = unchanged(&app, id, decision.version).await?;
    let open: Vec<_> = findings(order.state).collect();
    if !open.contains(&decision.found.as_str()) {
        let words = match open.as_slice() {
            [] => format!("Nothing is unknown in the state {}.", order.state),
            open => format!("In the state {}, `found` is one of: {}.", order.state, open.join(", ")),
        };
        return Err(Problem::new(Kind::Conflict, words));
    }
    let named = found(&decision.found, typed.or(order.transaction_id().map(str::to_owned)));
    let needs_id = || Problem::new(Kind::Invalid, format!("`{}` needs a `transaction_id`.", decision.found));
    let named = named.ok_or_else(needs_id)?;
    let row = app.desk.of(&caller.name).decide(id, named, &note).await.map_err(|error| Problem::failed(&error))?;
    Ok(Json(OrderActionResult::new(row, find(&app, id).await?.version, caller.lang)))
}
