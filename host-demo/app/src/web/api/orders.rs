//! Orders: the list, one order, its history.

use crate::web::App;
use crate::web::api::answers::{Missing, Reading};
use crate::web::api::caller::Caller;
use crate::web::api::order_filter::OrderFilter;
use crate::web::api::paging::{PagePosition, bounded};
use crate::web::api::problem::Problem;
use crate::web::api::schemas::order::{
    InvoiceDelivery, OrderAction, OrderAmounts, OrderIssue, OrderItem, OrderState, Person,
};
use crate::web::parts::order_row::list_order;
use axum::Json;
use axum::extract::{Path, Query, RawQuery, State as Shared};
use domain::issue::Issue;
use domain::lang::Lang;
use domain::normalize::tracking_number::number_doubt;
use domain::order;
use serde::{Deserialize, Serialize};
use service::messages::history as history_text;
use service::messages::next_step::Situation;
use service::messages::tracking::doubt_warning;
use std::collections::BTreeMap;
use store::{HistoryLine, ListOrder};
use utoipa::{IntoParams, ToSchema};

/// A line of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderSummary {
    /// The platform's number of the order; names it in every call.
    id: i64,
    mall: String,
    /// 受注番号: the mall's own.
    number: String,
    /// 注文日時
    ordered_at: i64,
    /// 受注ステータス
    order_status: Option<String>,
    /// 注文者氏名
    buyer: String,
    /// 送り先, if it is not the buyer.
    recipient: Option<String>,
    /// 商品名 of the first line.
    item: String,
    /// Lines of the order.
    items: i64,
    amounts: OrderAmounts,
    provider: String,
    state: OrderState,
    /// What may be done with it now.
    actions: Vec<OrderAction>,
    trouble: Option<OrderIssue>,
    /// The provider's id.
    transaction_id: Option<String>,
    carrier: Option<String>,
    /// 伝票番号
    tracking_number: Option<String>,
    /// 出荷日
    shipped_on: Option<String>,
    /// To be named in every change.
    version: i64,
}

impl OrderSummary {
    fn new(order: ListOrder, app: &App, lang: Lang) -> Self {
        let situation = Situation::of_line(&order, app.abilities(&order.provider));
        Self {
            actions: order.actions().map(OrderAction::from).collect(),
            trouble: order.problem.as_ref().map(|problem| OrderIssue::new(problem, &situation, lang)),
            id: order.id,
            mall: order.mall,
            number: order.number,
            ordered_at: order.ordered_at,
            order_status: order.order_status,
            buyer: order.buyer,
            recipient: order.recipient,
            item: order.item,
            items: order.items,
            amounts: order.amounts.into(),
            provider: order.provider,
            state: order.state.into(),
            transaction_id: order.transaction_id,
            carrier: order.carrier,
            tracking_number: order.tracking_number,
            shipped_on: order.shipped_on,
            version: order.version,
        }
    }
}

/// A page of the list, newest order first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderPage {
    orders: Vec<OrderSummary>,
    /// If there are newer orders: they are those `before` this place.
    newer: Option<String>,
    /// If there are older orders: they are those `after` this place.
    older: Option<String>,
}

/// The order list.
#[utoipa::path(get, operation_id = "list_orders", path = "/v1/orders", tag = "orders", params(OrderFilter, PagePosition),
    responses((status = 200, body = OrderPage, description = "A page of the list."), Reading))]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    Query(paging): Query<PagePosition>,
) -> Result<Json<OrderPage>, Problem> {
    let matching = OrderFilter::in_query(query.as_deref(), &["after", "before", "limit"])?;
    let page = app.store.page(&matching.query()?, paging.position()?, bounded(paging.limit)?).await?;
    Ok(Json(OrderPage {
        orders: page.orders.into_iter().map(|order| OrderSummary::new(order, &app, caller.lang)).collect(),
        newer: page.newer.map(|key| key.to_string()),
        older: page.older.map(|key| key.to_string()),
    }))
}

/// Whose orders are counted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CountFilter {
    /// Of this mall.
    mall: Option<String>,
    /// At this provider.
    provider: Option<String>,
}

/// How many orders are in each state.
#[utoipa::path(get, operation_id = "count_orders", path = "/v1/orders/counts", tag = "orders", params(CountFilter),
    responses((status = 200, body = BTreeMap<String, i64>, description = "By state; states without orders are left out."), Reading))]
pub(super) async fn counts(
    Shared(app): Shared<App>,
    Query(filter): Query<CountFilter>,
) -> Result<Json<BTreeMap<OrderState, i64>>, Problem> {
    let counts = app.store.counts(filter.mall.as_deref(), filter.provider.as_deref()).await?;
    Ok(Json(counts.into_iter().map(|(state, count)| (state.into(), count)).collect()))
}

/// All that is known of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Order {
    #[serde(flatten)]
    line: OrderSummary,
    /// 注文者
    buyer_data: Person,
    /// 送付先, if the goods do not go to the buyer.
    recipient_data: Option<Person>,
    item_list: Vec<OrderItem>,
    /// The order's own choice; absent: the mall's.
    invoice: Option<InvoiceDelivery>,
    /// 備考
    note: Option<String>,
    /// The name under which it was put to the provider last.
    reference: Option<String>,
    /// Why 伝票番号 is probably not one of its carrier's, in words. It is reported all the same.
    tracking_warning: Option<String>,
}

impl Order {
    pub(super) fn new(order: &order::Order, app: &App, lang: Lang) -> Self {
        let data = order.data.clone();
        Self {
            line: OrderSummary::new(list_order(order), app, lang),
            buyer_data: data.buyer.into(),
            recipient_data: data.recipient.map(Person::from),
            item_list: data.items.into_iter().map(OrderItem::from).collect(),
            invoice: data.invoice.map(InvoiceDelivery::from),
            note: data.note,
            reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
            tracking_warning: order
                .tracking
                .as_ref()
                .and_then(|tracking| number_doubt(&tracking.carrier, &tracking.number))
                .map(|doubt| doubt_warning(doubt, lang)),
        }
    }
}

/// The order with the platform's number `id`.
pub(super) async fn find(app: &App, id: i64) -> Result<order::Order, Problem> {
    app.store.order(id).await?.ok_or_else(|| Problem::no_such("order", &id))
}

/// One order.
#[utoipa::path(get, operation_id = "order", path = "/v1/orders/{id}", tag = "orders", params(("id" = i64, Path)),
    responses((status = 200, body = Order, description = "The order."), Reading, Missing))]
pub(super) async fn one(Shared(app): Shared<App>, caller: Caller, Path(id): Path<i64>) -> Result<Json<Order>, Problem> {
    Ok(Json(Order::new(&find(&app, id).await?, &app, caller.lang)))
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderEvent {
    /// The order's version after it.
    version: i64,
    at: i64,
    who: String,
    event: String,
    from_state: String,
    to_state: String,
    reference: Option<String>,
    trouble: Option<OrderIssue>,
    note: Option<String>,
    /// What the host saw of the calls: requests, how far they came, how long each phase took.
    #[schema(value_type = Vec<Object>)]
    calls: serde_json::Value,
}

impl OrderEvent {
    fn new(line: HistoryLine, lang: Lang) -> Self {
        let problem: Option<Issue> = line.problem.as_ref().and_then(|json| serde_json::from_str(json).ok());
        let note = history_text::told(&line, lang).or(line.note);
        let calls = line.report.and_then(|json| serde_json::from_str(&json).ok());
        Self {
            version: line.version,
            at: line.at,
            who: line.who,
            event: line.event,
            from_state: line.from_state,
            to_state: line.to_state,
            reference: line.reference,
            trouble: problem.map(|problem| OrderIssue::past(&problem, lang)),
            note,
            calls: calls.unwrap_or_else(|| serde_json::Value::Array(Vec::new())),
        }
    }
}

/// What happened to an order, oldest first.
#[utoipa::path(get, operation_id = "order_history", path = "/v1/orders/{id}/history", tag = "orders", params(("id" = i64, Path)),
    responses((status = 200, body = Vec<OrderEvent>, description = "What happened."), Reading, Missing))]
pub(super) async fn history(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Vec<OrderEvent>>, Problem> {
    find(&app, id).await?;
    let lines = app.store.history(id).await?;
    Ok(Json(lines.into_iter().map(|line| OrderEvent::new(line, caller.lang)).collect()))
}
