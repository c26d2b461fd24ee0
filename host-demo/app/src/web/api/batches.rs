//! Batches (処理パネル): one action on many orders.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::begun_call::BegunCall;
use crate::web::api::caller::Caller;
use crate::web::api::object::{Object, within};
use crate::web::api::order_filter::OrderFilter;
use crate::web::api::paging::{Latest, bounded};
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::order::{ActionOutcome, OrderAction, OrderIssue, OrderState};
use crate::web::parts::outcome::row_situation;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::{Extension, Json};
use domain::credit_state::Action;
use domain::lang::Lang;
use serde::{Deserialize, Serialize};
use service::batches::{self, BatchError};
use service::batches::{is_for_many, waits};
use service::messages::localize::Localize;
use std::collections::HashMap;
use store::{self, BatchCandidate, BatchOrder, MAX_BATCH};
use utoipa::{IntoParams, ToSchema};

/// A batch and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Batch {
    id: i64,
    action: OrderAction,
    who: String,
    created_at: i64,
    /// Absent while rows are not done.
    finished_at: Option<i64>,
    progress: BatchProgress,
    /// Why rows wait that no process does now, and what helps, in the caller's language; empty where work goes on.
    waits: Vec<String>,
}

impl Batch {
    async fn of(app: &App, batch: store::Batch, lang: Lang) -> Result<Self, Problem> {
        let progress = app.store.batch_progress(batch.id).await?;
        let waits = waits(&app.store, batch.id).await?.iter().map(|wait| wait.localized(lang)).collect();
        let store::Batch { id, action, who, created_at, finished_at } = batch;
        let (action, progress) = (action.into(), progress.into());
        Ok(Self { id, action, who, created_at, finished_at, progress, waits })
    }
}

/// How far a batch is, in rows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchProgress {
    /// Not begun.
    waiting: i64,
    /// Being done.
    taken: i64,
    /// 成功
    success: i64,
    /// 失敗
    failure: i64,
    /// 不明
    unknown: i64,
}

impl From<store::BatchProgress> for BatchProgress {
    fn from(progress: store::BatchProgress) -> Self {
        let store::BatchProgress { waiting, taken, success, failure, unknown } = progress;
        Self { waiting, taken, success, failure, unknown }
    }
}

async fn find(app: &App, id: i64) -> Result<store::Batch, Problem> {
    app.store.batch(id).await?.ok_or_else(|| Problem::no_such("batch", &id))
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The place of the first row.
    #[serde(default)]
    #[param(maximum = 50_000)]
    from: u32,
    /// How many.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The latest batches, newest first.
#[utoipa::path(get, operation_id = "list_batches", path = "/v1/batches", tag = "batches", params(Latest),
    responses((status = 200, body = Vec<Batch>, description = "The batches."), Reading))]
pub(super) async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    Query(latest): Query<Latest>,
) -> Result<Json<Vec<Batch>>, Problem> {
    let mut batches = Vec::new();
    for batch in app.store.batches(latest.count()? as i64).await? {
        batches.push(Batch::of(&app, batch, caller.lang).await?);
    }
    Ok(Json(batches))
}

/// What to do with which orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBatch {
    action: OrderAction,
    /// Orders by the platform's number, in the order of the result's rows. One that stands twice has one row, at
    /// its first place.
    #[serde(default)]
    orders: Vec<i64>,
    /// The version of each of `orders` that the caller saw, in the same order: if one has another by now, nothing
    /// begins. Without them the action is done with the orders as they are.
    #[serde(default)]
    versions: Vec<i64>,
    /// Instead: every order that matches.
    #[serde(default, deserialize_with = "within")]
    matching: Option<OrderFilter>,
    /// Orders that may be registered already now (they say so in `trouble`) are sent as well. Without it their rows fail,
    /// and nothing is sent.
    #[serde(default)]
    confirmed: bool,
    /// How many orders that must be: if it is another number, nothing begins. A cancel of every order that matches needs it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 50_000)]
    count: Option<usize>,
}

/// Begins a batch. It is carried out in the background; ask for it until it is finished.
#[utoipa::path(post, operation_id = "begin_batch", path = "/v1/batches", tag = "batches", params(Key), request_body = NewBatch,
    responses((status = 202, body = Batch, description = "The batch."), Acting))]
pub(super) async fn begin(
    Shared(app): Shared<App>,
    caller: Caller,
    Extension(call): Extension<BegunCall>,
    Object(new): Object<NewBatch>,
) -> Result<(StatusCode, Json<Batch>), Problem> {
    let action = new.action.into();
    if !is_for_many(action) {
        return Err(Problem::new(Kind::Invalid, "A decision is about one order."));
    }
    if action == Action::Cancel && new.matching.is_some() && new.count.is_none() {
        let words = "A cancel of every order that matches needs `count`: how many orders that must be.";
        return Err(Problem::new(Kind::Invalid, words));
    }
    let orders = match (new.matching, new.orders) {
        (None, orders) => orders,
        (Some(_), _) if !new.versions.is_empty() => {
            return Err(Problem::new(Kind::Invalid, "Give `versions` with `orders` alone."));
        }
        (Some(matching), orders) if orders.is_empty() => app.store.matching(&matching.query()?, MAX_BATCH + 1).await?,
        (Some(_), _) => return Err(Problem::new(Kind::Invalid, "Give `orders` or `matching`, not both.")),
    };
    match orders.len() {
        0 => return Err(not_begun(BatchError::Empty)),
        1..=MAX_BATCH => {}
        many => return Err(not_begun(BatchError::TooMany(many))),
    }
    if let Some(count) = new.count.filter(|count| *count != orders.len()) {
        let words = format!("Nothing was begun: `count` is {count}, and these are {} orders.", orders.len());
        return Err(Problem::new(Kind::Conflict, words));
    }
    let orders = asked(&app, action, &orders, &new.versions, new.confirmed).await?;
    let batch = store::NewBatch { action, who: &caller.name, request: Some(call.request()) };
    let id = batches::begin(&app.store, batch, orders).await.map_err(not_begun)?;
    app.wake.notify_one();
    accepted(&app, id, caller.lang).await
}

/// The answer to a call that began the batch `id`.
pub(super) async fn accepted(app: &App, id: i64, lang: Lang) -> Result<(StatusCode, Json<Batch>), Problem> {
    Ok((StatusCode::ACCEPTED, Json(Batch::of(app, find(app, id).await?, lang).await?)))
}

/// `orders` as the caller saw them in `versions`, if there are any and each order is still in its own; and those that may
/// be registered already, if that is `confirmed`.
async fn asked(
    app: &App,
    action: Action,
    orders: &[i64],
    versions: &[i64],
    confirmed: bool,
) -> Result<Vec<BatchOrder>, Problem> {
    if !versions.is_empty() && versions.len() != orders.len() {
        let words = format!("There are {} `versions` for {} `orders`.", versions.len(), orders.len());
        return Err(Problem::new(Kind::Invalid, words));
    }
    if versions.is_empty() && !confirmed {
        return Ok(orders.iter().map(BatchOrder::from).collect());
    }
    let candidates = app.store.candidates(action, orders).await?;
    let mut now: HashMap<i64, BatchCandidate> = candidates.into_iter().map(|order| (order.id, order)).collect();
    let mut asked = Vec::with_capacity(orders.len());
    for (at, id) in orders.iter().enumerate() {
        // One that does not exist is named later, and one that stands twice counts at its first place.
        let Some(order) = now.remove(id) else {
            asked.push(BatchOrder::from(id));
            continue;
        };
        if let Some(version) = versions.get(at).filter(|version| **version != order.version) {
            let words = format!("Nothing was begun: order {id} has version {} now, not {version}.", order.version);
            return Err(Problem::new(Kind::Conflict, words));
        }
        let confirmed = confirmed && order.possible_duplicate.is_some();
        asked.push(BatchOrder { id: *id, seen: Some(order.standing), confirmed });
    }
    Ok(asked)
}

/// Why a batch was not begun or stopped.
fn not_begun(error: BatchError) -> Problem {
    let size = |orders: usize| format!("A batch has 1 to {MAX_BATCH} orders; here it would have {orders}.");
    match error {
        BatchError::NotForMany => Problem::new(Kind::Invalid, "A decision is about one order."),
        BatchError::Empty => Problem::new(Kind::Invalid, size(0)),
        BatchError::TooMany(orders) => Problem::new(Kind::Invalid, size(orders)),
        BatchError::NoOrders(missing) => {
            let (count, first) = (missing.len(), missing.first().copied().unwrap_or_default());
            let words = format!("Nothing was begun: {count} of the orders do not exist, the first is {first}.");
            Problem::new(Kind::Invalid, words)
        }
        BatchError::NoBatch(id) => Problem::no_such("batch", &id),
        BatchError::Store(error) => error.into(),
    }
}

/// One batch.
#[utoipa::path(get, operation_id = "batch", path = "/v1/batches/{id}", tag = "batches", params(("id" = i64, Path)),
    responses((status = 200, body = Batch, description = "The batch."), Reading, Missing))]
pub(super) async fn one(Shared(app): Shared<App>, caller: Caller, Path(id): Path<i64>) -> Result<Json<Batch>, Problem> {
    Ok(Json(Batch::of(&app, find(&app, id).await?, caller.lang).await?))
}

/// A row of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchRow {
    /// Its place, from 0.
    place: i64,
    order: i64,
    number: String,
    /// Absent while it is not done.
    outcome: Option<ActionOutcome>,
    /// Where the order stood then.
    state: Option<OrderState>,
    transaction_id: Option<String>,
    trouble: Option<OrderIssue>,
}

impl BatchRow {
    fn new(row: store::BatchRow, action: Action, app: &App, lang: Lang) -> Self {
        let situation = row_situation(&row, action, app);
        Self {
            place: row.index,
            order: row.order,
            number: row.number,
            outcome: row.outcome.map(ActionOutcome::from),
            state: row.state.map(OrderState::from),
            transaction_id: row.transaction_id,
            trouble: row.problem.as_ref().map(|problem| OrderIssue::new(problem, &situation, lang)),
        }
    }
}

/// The rows of a batch, in the order of its orders.
#[utoipa::path(get, operation_id = "batch_rows", path = "/v1/batches/{id}/rows", tag = "batches", params(("id" = i64, Path), Part),
    responses((status = 200, body = Vec<BatchRow>, description = "The rows."), Reading, Missing))]
pub(super) async fn rows(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(part): Query<Part>,
) -> Result<Json<Vec<BatchRow>>, Problem> {
    let batch = find(&app, id).await?;
    if part.from as usize > MAX_BATCH {
        return Err(Problem::new(Kind::Unreadable, format!("`from` is at most {MAX_BATCH}.")));
    }
    let rows = app.store.batch_rows(id, part.from.into(), bounded(part.limit)? as i64).await?;
    Ok(Json(rows.into_iter().map(|row| BatchRow::new(row, batch.action, &app, caller.lang)).collect()))
}

/// Ends a batch: rows that have not begun fail. What is on its way comes to its end.
#[utoipa::path(post, operation_id = "stop_batch", path = "/v1/batches/{id}/stop", tag = "batches", params(("id" = i64, Path), Key),
    responses((status = 200, body = Batch, description = "The batch."), Acting, Missing))]
pub(super) async fn stop(
    Shared(app): Shared<App>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<Batch>, Problem> {
    batches::stop(&app.store, id, &caller.name).await.map_err(not_begun)?;
    Ok(Json(Batch::of(&app, find(&app, id).await?, caller.lang).await?))
}
