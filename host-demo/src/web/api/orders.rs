//! Orders: lists, one order, what is done with it.

use crate::domain::clock;
use crate::domain::credit_state::{Action, Outcome, State};
use crate::domain::issue::{Issue, Lang};
use crate::domain::order::{Amounts, Invoice, Item, Order, Person};
use crate::service::credit::CreditRow;
use crate::service::decisions::{self, DecisionError, EnteredDecision, entered};
use crate::service::orders::{self, EditError, MAX_STATUS};
use crate::service::tracking::{self, Entry, TrackingError};
use crate::store::{HistoryLine, ListOrder, ListQuery, MAX_SEARCH, Position};
use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::batches::bounded;
use crate::web::api::caller::Caller;
use crate::web::api::object::Object;
use crate::web::api::problem::{Kind, Problem};
use crate::web::pages::order::findings;
use crate::web::parts::order_row::line;
use axum::Json;
use axum::extract::{Path, Query, RawQuery, State as Shared};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Why an order is not where its operator wants it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trouble {
    /// What happened, what the provider said and what to do next, in the caller's language.
    words: String,
    /// The provider's own code and words, as they came.
    said: String,
}

impl Trouble {
    /// In words of `lang`.
    pub fn new(problem: &Issue, lang: Lang) -> Self {
        Trouble { words: problem.words(lang), said: problem.said(lang) }
    }
}

/// A line of the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Line {
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
    amounts: Amounts,
    provider: String,
    state: State,
    /// What may be done with it now.
    actions: Vec<Action>,
    trouble: Option<Trouble>,
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

impl Line {
    fn new(order: ListOrder, lang: Lang) -> Self {
        Line {
            actions: order.actions().collect(),
            trouble: order.problem.as_ref().map(|problem| Trouble::new(problem, lang)),
            id: order.id,
            mall: order.mall,
            number: order.number,
            ordered_at: order.ordered_at,
            order_status: order.order_status,
            buyer: order.buyer,
            recipient: order.recipient,
            item: order.item,
            items: order.items,
            amounts: order.amounts,
            provider: order.provider,
            state: order.state,
            transaction_id: order.transaction_id,
            carrier: order.carrier,
            tracking_number: order.tracking_number,
            shipped_on: order.shipped_on,
            version: order.version,
        }
    }
}

/// Which orders.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Matching {
    /// Of this mall.
    mall: Option<String>,
    /// At this provider.
    provider: Option<String>,
    state: Option<State>,
    /// 受注ステータス
    order_status: Option<String>,
    /// Ordered on this day or later.
    #[schema(format = Date)]
    #[param(format = Date)]
    since: Option<String>,
    /// Ordered on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    until: Option<String>,
    /// With or without a tracking number.
    tracked: Option<bool>,
    /// What the order number or the buyer's name begins with.
    #[schema(max_length = 100)]
    #[param(max_length = 100)]
    search: Option<String>,
}

impl Matching {
    /// The conditions in a query that has `others` beside them. Whatever is neither is refused: a condition that
    /// is misspelt must not let every order through.
    pub fn in_query(query: Option<&str>, others: &[&str]) -> Result<Self, Problem> {
        let unreadable =
            |error: serde_html_form::de::Error| Problem::new(Kind::Unreadable, format!("The query: {error}."));
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query.unwrap_or_default()).map_err(unreadable)?;
        let conditions: Vec<_> = pairs.iter().filter(|(name, _)| !others.contains(&name.as_str())).collect();
        let conditions = serde_html_form::to_string(conditions).map_err(|error| Problem::failed(&error))?;
        serde_html_form::from_str(&conditions).map_err(unreadable)
    }

    /// As the store is asked.
    pub fn query(self) -> Result<ListQuery, Problem> {
        if self.search.as_ref().is_some_and(|search| search.chars().count() > MAX_SEARCH) {
            return Err(Problem::new(Kind::Unreadable, format!("`search` has at most {MAX_SEARCH} characters.")));
        }
        Ok(ListQuery {
            mall: self.mall,
            provider: self.provider,
            state: self.state,
            order_status: self.order_status,
            since: self.since.map(|day| date(&day)).transpose()?,
            until: self.until.map(|day| date(&day)).transpose()?,
            tracked: self.tracked,
            search: self.search,
        })
    }
}

fn date(text: &str) -> Result<time::Date, Problem> {
    let invalid = || Problem::new(Kind::Unreadable, format!("{text:?} is no date; write it like 2026-07-01."));
    clock::parse_date(text).ok_or_else(invalid)
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Orders that follow this place: older ones. A place is what an answer has as `older` or `newer`.
    after: Option<String>,
    /// Orders before this place: newer ones.
    before: Option<String>,
    /// Orders on the page.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Paging {
    fn position(&self) -> Result<Position, Problem> {
        let place = |text: &str| {
            text.parse().map_err(|_| Problem::new(Kind::Unreadable, format!("{text:?} is no place in a list.")))
        };
        match (&self.after, &self.before) {
            (None, None) => Ok(Position::First),
            (Some(after), None) => Ok(Position::After(place(after)?)),
            (None, Some(before)) => Ok(Position::Before(place(before)?)),
            (Some(_), Some(_)) => Err(Problem::new(Kind::Unreadable, "Give `after` or `before`, not both.")),
        }
    }
}

/// A page of the list, newest order first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    orders: Vec<Line>,
    /// If there are newer orders: they are those `before` this place.
    newer: Option<String>,
    /// If there are older orders: they are those `after` this place.
    older: Option<String>,
}

/// The order list.
#[utoipa::path(get, operation_id = "list_orders", path = "/v1/orders", tag = "orders", params(Matching, Paging),
    responses((status = 200, body = Page, description = "A page of the list."), Reading))]
pub async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    Query(paging): Query<Paging>,
) -> Result<Json<Page>, Problem> {
    let matching = Matching::in_query(query.as_deref(), &["after", "before", "limit"])?;
    let page = app.store.page(&matching.query()?, paging.position()?, bounded(paging.limit)?).await?;
    Ok(Json(Page {
        orders: page.orders.into_iter().map(|order| Line::new(order, caller.lang)).collect(),
        newer: page.newer.map(|key| key.to_string()),
        older: page.older.map(|key| key.to_string()),
    }))
}

/// Whose orders are counted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Counted {
    /// Of this mall.
    mall: Option<String>,
    /// At this provider.
    provider: Option<String>,
}

/// How many orders are in each state.
#[utoipa::path(get, operation_id = "count_orders", path = "/v1/orders/counts", tag = "orders", params(Counted),
    responses((status = 200, body = BTreeMap<String, i64>, description = "By state; states without orders are left out."), Reading))]
pub async fn counts(
    Shared(app): Shared<App>,
    Query(counted): Query<Counted>,
) -> Result<Json<BTreeMap<State, i64>>, Problem> {
    Ok(Json(app.store.counts(counted.mall.as_deref(), counted.provider.as_deref()).await?))
}

/// All that is known of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Whole {
    #[serde(flatten)]
    line: Line,
    /// 注文者
    buyer_data: Person,
    /// 送付先, if the goods do not go to the buyer.
    recipient_data: Option<Person>,
    item_list: Vec<Item>,
    /// The order's own choice; absent: the mall's.
    invoice: Option<Invoice>,
    /// 備考
    note: Option<String>,
    /// The name under which it was put to the provider last.
    reference: Option<String>,
}

impl Whole {
    fn new(order: &Order, lang: Lang) -> Self {
        let data = order.data.clone();
        Whole {
            line: Line::new(line(order), lang),
            buyer_data: data.buyer,
            recipient_data: data.recipient,
            item_list: data.items,
            invoice: data.invoice,
            note: data.note,
            reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
        }
    }
}

async fn find(app: &App, id: i64) -> Result<Order, Problem> {
    app.store.order(id).await?.ok_or_else(|| Problem::no_such("order", &id))
}

/// The order, if it is still as the caller saw it.
async fn unchanged(app: &App, id: i64, version: i64) -> Result<Order, Problem> {
    let order = find(app, id).await?;
    if order.version == version { Ok(order) } else { Err(stale(order.version)) }
}

/// The order as it is now, if the edit was written; else somebody else was faster.
async fn edited(app: &App, id: i64, written: bool, lang: Lang) -> Result<Json<Whole>, Problem> {
    let order = find(app, id).await?;
    if written { Ok(Json(Whole::new(&order, lang))) } else { Err(stale(order.version)) }
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

fn stale(version: i64) -> Problem {
    let words = format!("The order has version {version} now. Nothing was done. Read it again, then decide.");
    Problem::new(Kind::StaleVersion, words)
}

/// One order.
#[utoipa::path(get, operation_id = "order", path = "/v1/orders/{id}", tag = "orders", params(("id" = i64, Path)),
    responses((status = 200, body = Whole, description = "The order."), Reading, Missing))]
pub async fn one(Shared(app): Shared<App>, caller: Caller, Path(id): Path<i64>) -> Result<Json<Whole>, Problem> {
    Ok(Json(Whole::new(&find(&app, id).await?, caller.lang)))
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Happened {
    /// The order's version after it.
    version: i64,
    at: i64,
    who: String,
    event: String,
    from_state: String,
    to_state: String,
    reference: Option<String>,
    trouble: Option<Trouble>,
    note: Option<String>,
    /// What the host saw of the calls: requests, how far they came, how long each phase took.
    #[schema(value_type = Vec<Object>)]
    calls: serde_json::Value,
}

impl Happened {
    fn new(line: HistoryLine, lang: Lang) -> Self {
        let problem: Option<Issue> = line.problem.and_then(|json| serde_json::from_str(&json).ok());
        let calls = line.report.and_then(|json| serde_json::from_str(&json).ok());
        Happened {
            version: line.version,
            at: line.at,
            who: line.who,
            event: line.event,
            from_state: line.from_state,
            to_state: line.to_state,
            reference: line.reference,
            trouble: problem.map(|problem| Trouble::new(&problem, lang)),
            note: line.note,
            calls: calls.unwrap_or_else(|| serde_json::Value::Array(Vec::new())),
        }
    }
}

/// What happened to an order, oldest first.
#[utoipa::path(get, operation_id = "order_history", path = "/v1/orders/{id}/history", tag = "orders", params(("id" = i64, Path)),
    responses((status = 200, body = Vec<Happened>, description = "What happened."), Reading, Missing))]
pub async fn history(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Happened>>, Problem> {
    find(&app, id).await?;
    let lines = app.store.history(id).await?;
    Ok(Json(lines.into_iter().map(|line| Happened::new(line, caller.lang)).collect()))
}

/// What to do with an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    action: Action,
    /// The version that the caller saw.
    version: i64,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// `failure` also where the order's state or its content forbade it and nothing was sent: `trouble` says why.
    outcome: Outcome,
    /// The order's version since.
    version: i64,
    state: State,
    transaction_id: Option<String>,
    trouble: Option<Trouble>,
}

impl Done {
    fn new(row: CreditRow, version: i64, lang: Lang) -> Self {
        Done {
            outcome: row.outcome,
            version,
            state: row.state,
            transaction_id: row.transaction_id,
            trouble: row.problem.as_ref().map(|problem| Trouble::new(problem, lang)),
        }
    }
}

/// Runs an action on one order: 与信を実行, 与信結果確認, 与信キャンセル, 伝票番号同期.
#[utoipa::path(post, operation_id = "act_on_order", path = "/v1/orders/{id}/actions", tag = "orders", params(("id" = i64, Path), Key), request_body = Act,
    responses((status = 200, body = Done, description = "It was carried out, or refused before anything was sent: see `outcome`."), Acting, Missing))]
pub async fn act(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(act): Object<Act>,
) -> Result<Json<Done>, Problem> {
    if act.action == Action::Decide {
        let words = "What was found is recorded by POST /v1/orders/{id}/decision, with a note.";
        return Err(Problem::new(Kind::Invalid, words));
    }
    unchanged(&app, id, act.version).await?;
    let rows = app.desk.of(&caller.name).run(act.action, &[id], &|_| {}).await;
    let row = rows.map_err(|error| Problem::failed(&error))?.pop();
    let row = row.ok_or_else(|| Problem::failed(&"the desk answered no row"))?;
    Ok(Json(Done::new(row, find(&app, id).await?.version, caller.lang)))
}

/// A tracking number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shipment {
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
#[utoipa::path(put, operation_id = "enter_tracking", path = "/v1/orders/{id}/tracking", tag = "orders", params(("id" = i64, Path), Key), request_body = Shipment,
    responses((status = 200, body = Whole, description = "The order."), Acting, Missing))]
pub async fn tracking(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(shipment): Object<Shipment>,
) -> Result<Json<Whole>, Problem> {
    let order = unchanged(&app, id, shipment.version).await?;
    let shipped_on = date(&shipment.shipped_on)?;
    let entry = Entry { carrier: &shipment.carrier, number: &shipment.number, shipped_on };
    match tracking::enter(&app.desk.of(&caller.name), &order, entry).await {
        Ok(_) => edited(&app, id, true, caller.lang).await,
        Err(TrackingError::Changed) => edited(&app, id, false, caller.lang).await,
        Err(TrackingError::Store(error)) => Err(error.into()),
        Err(TrackingError::ProviderMissing(provider)) => {
            Err(Problem::new(Kind::Conflict, format!("The plugin of the provider {provider} is not loaded.")))
        }
        Err(refused @ TrackingError::Closed(_)) => Err(Problem::new(Kind::Conflict, refused.words(caller.lang))),
        Err(refused) => Err(Problem::new(Kind::Invalid, refused.words(caller.lang))),
    }
}

/// Where the order is, in the shop's own words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusChoice {
    version: i64,
    /// 受注ステータス; empty: none. It may be the one that starts something by itself.
    #[schema(max_length = 64)]
    order_status: String,
}

/// Sets 受注ステータス.
#[utoipa::path(put, operation_id = "set_order_status", path = "/v1/orders/{id}/order-status", tag = "orders", params(("id" = i64, Path), Key), request_body = StatusChoice,
    responses((status = 200, body = Whole, description = "The order as it is now."), Acting, Missing))]
pub async fn status(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(choice): Object<StatusChoice>,
) -> Result<Json<Whole>, Problem> {
    let order = unchanged(&app, id, choice.version).await?;
    let set = orders::set_status(&app.store, &order, choice.version, &choice.order_status, &caller.name).await;
    app.wake.notify_one();
    edited(&app, id, written(set)?, caller.lang).await
}

/// How the invoice reaches the buyer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceChoice {
    version: i64,
    /// Absent: as the mall has it.
    invoice: Option<Invoice>,
}

/// Chooses how the invoice goes out.
#[utoipa::path(put, operation_id = "choose_invoice", path = "/v1/orders/{id}/invoice", tag = "orders", params(("id" = i64, Path), Key), request_body = InvoiceChoice,
    responses((status = 200, body = Whole, description = "The order."), Acting, Missing))]
pub async fn invoice(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(choice): Object<InvoiceChoice>,
) -> Result<Json<Whole>, Problem> {
    let order = unchanged(&app, id, choice.version).await?;
    let set = orders::set_invoice(&app.store, &order, choice.version, choice.invoice, &caller.name).await;
    edited(&app, id, written(set)?, caller.lang).await
}

/// What an operator found at the provider.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
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
#[utoipa::path(post, operation_id = "record_decision", path = "/v1/orders/{id}/decision", tag = "orders", params(("id" = i64, Path), Key), request_body = Decision,
    responses((status = 200, body = Done, description = "What became of it."), Acting, Missing))]
pub async fn decide(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Object(decision): Object<Decision>,
) -> Result<Json<Done>, Problem> {
    let transaction_id = decision.transaction_id.as_deref().unwrap_or_default();
    // What is entered is validated before the version is compared: it stays wrong whatever the order becomes.
    entered(transaction_id, &decision.note).map_err(|wrong| Problem::new(Kind::Invalid, wrong.words(caller.lang)))?;
    let order = unchanged(&app, id, decision.version).await?;
    let open: Vec<_> = findings(order.state).collect();
    if !open.contains(&decision.found.as_str()) {
        let words = match open.as_slice() {
            [] => format!("Nothing is unknown in the state {}.", order.state),
            open => format!("In the state {}, `found` is one of: {}.", order.state, open.join(", ")),
        };
        return Err(Problem::new(Kind::Conflict, words));
    }
    let entry = EnteredDecision { finding: &decision.found, transaction_id, note: &decision.note };
    let row = match decisions::record(&app.desk.of(&caller.name), &order, entry).await {
        Ok(row) => row,
        Err(DecisionError::Entry(wrong)) => return Err(Problem::new(Kind::Invalid, wrong.words(caller.lang))),
        Err(DecisionError::IdMissing) => {
            return Err(Problem::new(Kind::Invalid, format!("`{}` needs a `transaction_id`.", decision.found)));
        }
        Err(error @ (DecisionError::UnknownFinding(_) | DecisionError::Credit(_))) => {
            return Err(Problem::failed(&error));
        }
    };
    Ok(Json(Done::new(row, find(&app, id).await?.version, caller.lang)))
}
