//! The desk: what an operator does with many orders at once (処理パネル).
//!
//! Each chunk of orders is claimed right before its call and answered for right after it, several
//! chunks side by side. Every order gets a row, in the order in which they were asked for, whatever
//! becomes of the call.

use crate::answer::{self, Finding, Question};
use crate::clock;
use crate::mall::Mall;
use crate::order::{Invoice, Order};
use crate::provider::{Provider, find_carrier};
use crate::state::{Action, Event, Outcome, State, next};
use crate::store::{Change, Store, StoreError};
use crate::words::Problem;
use crate::worker::Worker;
use futures::stream::{self, StreamExt, TryStreamExt};
use provider_host::contract::{Cancellation, Capability};
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

/// Most rows in one call, whatever the provider takes: one lost answer must not put a whole day's
/// orders in doubt, and NP's thousand is the largest batch there is.
const MAX_CHUNK: usize = 1000;

/// Calls side by side unless told otherwise: enough to hide a gateway's second of thinking, few enough
/// for the rate limits that gateways do not publish.
pub const CONCURRENCY: usize = 8;

/// Operations on orders, by one operator in one process.
pub struct Desk<P> {
    /// Where the orders are.
    pub store: Store,
    /// This process.
    pub worker: Worker,
    /// The providers of all malls whose orders are worked on, by id.
    pub providers: HashMap<String, P>,
    /// The operator.
    pub who: String,
    /// Calls side by side.
    pub concurrency: usize,
    /// See [`answer::SETTLE`].
    pub settle: Duration,
}

/// What became of one order.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The store's number of the order.
    #[serde(skip)]
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// The mall's number of the order.
    pub number: String,
    /// How it counts.
    pub outcome: Outcome,
    /// Where the order stands now.
    pub state: State,
    /// The provider's id, if known.
    pub transaction_id: Option<String>,
    /// What stands in the way.
    pub problem: Option<Problem>,
}

impl Row {
    fn new(order: &Order, outcome: Outcome, problem: Option<Problem>) -> Self {
        Row {
            id: order.id,
            mall: order.mall.clone(),
            number: order.number.clone(),
            outcome,
            state: order.state,
            transaction_id: order.transaction_id().map(str::to_owned),
            problem,
        }
    }
}

/// The desk could not go on; what was claimed stays claimed until this process ends, and is asked about
/// after that.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has no order under this number of its own.
    #[error("the store has no order {0}")]
    NoOrder(i64),
    /// A mall is gone, or its provider was not loaded.
    #[error("order {number}: the mall {mall} has no provider that is loaded")]
    NoProvider {
        /// The mall's number of the order.
        number: String,
        /// The mall.
        mall: String,
    },
}

/// What an operator found at the provider about an order whose outcome is unknown. Which of these can be
/// recorded depends on what is unknown: the table of states decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It is registered there, under this id, and approved.
    Approved {
        /// The provider's id.
        transaction_id: String,
    },
    /// It is registered there and alive; its verdict is then asked for.
    Registered {
        /// The provider's id, where it was not known yet.
        transaction_id: Option<String>,
    },
    /// It was registered there and is rejected.
    Rejected,
    /// It was registered there and is cancelled.
    Cancelled,
    /// Nothing is registered there under the reference.
    Nothing,
    /// The tracking number is there.
    Tracked,
    /// There is no tracking number.
    Untracked,
}

impl Found {
    fn event(&self) -> Event {
        match self {
            Found::Approved { .. } => Event::OperatorApproved,
            Found::Registered { .. } => Event::OperatorRegistered,
            Found::Rejected => Event::OperatorRejected,
            Found::Cancelled => Event::OperatorCancelled,
            Found::Nothing => Event::OperatorNothing,
            Found::Tracked => Event::OperatorTracked,
            Found::Untracked => Event::OperatorUntracked,
        }
    }

    /// The provider's id that it names.
    fn transaction_id(self) -> Option<String> {
        match self {
            Found::Approved { transaction_id } => Some(transaction_id),
            Found::Registered { transaction_id } => transaction_id,
            _ => None,
        }
    }

    /// What came last left no trace. That is certain only when it cannot be on its way any more.
    fn is_absence(&self, order: &Order) -> bool {
        match self {
            Found::Nothing | Found::Untracked => true,
            Found::Registered { .. } => order.state == State::CancelUnknown,
            _ => false,
        }
    }
}

/// How patiently a verdict is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Before the second question.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// No question is begun later than this after the first.
    pub give_up_after: Duration,
}

/// Told of each row as soon as it is known.
pub type OnRow<'a> = &'a (dyn Fn(&Row) + Sync);

/// The orders of one mall that go into one call, each with its place in what was asked.
struct Chunk<'a, P> {
    mall: &'a Mall,
    provider: &'a P,
    orders: Vec<(usize, Order)>,
}

impl<P: Provider> Desk<P> {
    /// Does `action` with the orders `ids`, and says what became of each, in the same order.
    pub async fn run(&self, action: Action, ids: &[i64], on_row: OnRow<'_>) -> Result<Vec<Row>, DeskError> {
        self.worker.recover(&self.store).await?;
        let malls: HashMap<_, _> = self.store.malls().await?.into_iter().map(|mall| (mall.id.clone(), mall)).collect();
        let mut rows: Vec<(usize, Row)> = Vec::with_capacity(ids.len());
        let mut by_mall: HashMap<&str, Vec<(usize, Order)>> = HashMap::new();
        for (place, order) in self.read(ids).await?.into_iter().enumerate() {
            let (mall, provider) = self.mall_and_provider(&malls, &order)?;
            match obstacle(action, &order, mall, provider) {
                None => by_mall.entry(&mall.id).or_default().push((place, order)),
                Some(problem) => {
                    let row = Row::new(&order, Outcome::Failure, Some(problem));
                    on_row(&row);
                    rows.push((place, row));
                }
            }
        }
        let chunks = by_mall.into_values().flat_map(|orders| self.chunks(action, &malls, orders));
        let calls = chunks.map(|chunk| self.call(action, chunk, on_row));
        let called: Vec<_> = stream::iter(calls).buffer_unordered(self.concurrency).try_collect().await?;
        rows.extend(called.into_iter().flatten());
        rows.sort_by_key(|(place, _)| *place);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Asks about the orders `ids` again, with growing pauses, until none of them is under review.
    pub async fn check_until_decided(
        &self,
        ids: &[i64],
        patience: Patience,
        on_row: OnRow<'_>,
    ) -> Result<Vec<Row>, DeskError> {
        let begun = tokio::time::Instant::now();
        let mut rows = self.run(Action::Check, ids, on_row).await?;
        let mut pause = patience.first_pause;
        loop {
            let open: Vec<i64> = rows.iter().filter(|row| is_open(row)).map(|row| row.id).collect();
            if open.is_empty() || begun.elapsed() + pause > patience.give_up_after {
                return Ok(rows);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(patience.longest_pause);
            for row in self.run(Action::Check, &open, on_row).await? {
                if let Some(earlier) = rows.iter_mut().find(|earlier| earlier.id == row.id) {
                    *earlier = row;
                }
            }
        }
    }

    /// Records what an operator found at the provider, and the note that says how.
    pub async fn decide(&self, id: i64, found: Found, note: &str) -> Result<Row, DeskError> {
        self.worker.recover(&self.store).await?;
        let Some(order) = self.store.order(id).await? else { return Err(DeskError::NoOrder(id)) };
        if let Some(problem) = self.no_decision(&order, &found) {
            return Ok(Row::new(&order, Outcome::Failure, Some(problem)));
        }
        let event = found.event();
        let transaction_id = found.transaction_id();
        // Where nothing is live, the note says why.
        let over = matches!(event, Event::OperatorRejected | Event::OperatorNothing);
        let problem = over.then(|| Problem::Recorded { note: note.to_owned() });
        let change = Change { problem, transaction_id, note: Some(note.to_owned()), ..Change::new(&order, event) };
        let applied = self.store.apply(&[change], &self.who, clock::now()).await?.pop().flatten();
        Ok(match applied {
            Some(applied) if applied.event == event => Row::new(&applied.order, Outcome::Success, None),
            Some(applied) => Row::new(&applied.order, Outcome::Failure, applied.order.problem.clone()),
            None => Row::new(&order, Outcome::Failure, Some(Problem::Changed)),
        })
    }

    /// Why `found` cannot be recorded of `order`.
    fn no_decision(&self, order: &Order, found: &Found) -> Option<Problem> {
        if next(order.state, found.event()).is_none() {
            return Some(not_offered(Action::Decide, order));
        }
        if matches!(found, Found::Registered { transaction_id: None }) && order.transaction_id().is_none() {
            return Some(Problem::IdMissing);
        }
        let until = answer::settled_at(order, self.settle);
        (found.is_absence(order) && clock::now() < until).then_some(Problem::TooEarly { until })
    }

    async fn read(&self, ids: &[i64]) -> Result<Vec<Order>, DeskError> {
        let mut orders = Vec::with_capacity(ids.len());
        for id in ids {
            orders.push(self.store.order(*id).await?.ok_or(DeskError::NoOrder(*id))?);
        }
        Ok(orders)
    }

    fn mall_and_provider<'a>(
        &'a self,
        malls: &'a HashMap<String, Mall>,
        order: &Order,
    ) -> Result<(&'a Mall, &'a P), DeskError> {
        let mall = malls.get(&order.mall);
        mall.and_then(|mall| Some((mall, self.providers.get(&mall.provider)?)))
            .ok_or_else(|| DeskError::NoProvider { number: order.number.clone(), mall: order.mall.clone() })
    }

    /// `orders`, all of one mall, in calls of as many as its provider takes.
    fn chunks<'a>(
        &'a self,
        action: Action,
        malls: &'a HashMap<String, Mall>,
        orders: Vec<(usize, Order)>,
    ) -> Vec<Chunk<'a, P>> {
        let Some(first) = orders.first() else { return Vec::new() };
        let Ok((mall, provider)) = self.mall_and_provider(malls, &first.1) else { return Vec::new() };
        let size = batch_limit(action, provider).clamp(1, MAX_CHUNK);
        orders.chunks(size).map(|orders| Chunk { mall, provider, orders: orders.to_vec() }).collect()
    }

    /// Claims a chunk, makes its call, writes what was answered.
    async fn call(
        &self,
        action: Action,
        chunk: Chunk<'_, P>,
        on_row: OnRow<'_>,
    ) -> Result<Vec<(usize, Row)>, DeskError> {
        let (places, orders): (Vec<usize>, Vec<Order>) = chunk.orders.into_iter().unzip();
        let asked_at = clock::now();
        let mine = match claiming(action) {
            Some(event) => self.store.claim(&orders, event, self.worker.name(), &self.who, asked_at).await?,
            None => orders.iter().cloned().map(Some).collect(),
        };
        let held: Vec<Order> = mine.iter().flatten().cloned().collect();
        let (findings, report) = self.ask(action, chunk.mall, chunk.provider, &held, asked_at).await;
        let changes: Vec<_> = held
            .iter()
            .zip(findings)
            .map(|(order, finding)| Change {
                order,
                event: finding.event,
                problem: finding.problem,
                transaction_id: finding.transaction_id,
                note: None,
                report: Some(report.clone()),
            })
            .collect();
        let mut applied = self.store.apply(&changes, &self.who, clock::now()).await?.into_iter();
        let rows = mine.into_iter().zip(orders).zip(places).map(|((mine, order), place)| {
            let applied = mine.and_then(|_| applied.next().flatten());
            let row = match applied {
                Some(now) => Row::new(&now.order, now.event.outcome(now.order.state), now.order.problem.clone()),
                None => Row::new(&order, Outcome::Failure, Some(Problem::Changed)),
            };
            on_row(&row);
            (place, row)
        });
        Ok(rows.collect())
    }

    /// One call about `orders`: what the answer means for each, and what the host saw of it.
    async fn ask(
        &self,
        action: Action,
        mall: &Mall,
        provider: &P,
        orders: &[Order],
        asked_at: i64,
    ) -> (Vec<Finding>, String) {
        let shop = mall.account();
        if orders.is_empty() {
            return (Vec::new(), String::new());
        }
        match action {
            Action::Credit => {
                let asked = orders.iter().map(|order| order.for_credit(mall)).collect();
                let answer = provider.credit(&shop, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| answer::to_credit(order, row));
                (rows.collect(), report(&answer.calls))
            }
            Action::Check | Action::Decide => {
                let asked = orders.iter().map(Order::for_asking).collect();
                let answer = provider.check_credit(&shop, asked).await;
                let question = Question { at: asked_at, settle: self.settle, provider: provider.info().capabilities };
                let meaning = |(order, row)| answer::to_check(order, row, question);
                (orders.iter().zip(answer.rows).map(meaning).collect(), report(&answer.calls))
            }
            Action::Cancel => {
                let cancellation = |order: &Order| Cancellation { registration: order.for_asking(), reason: None };
                let answer = provider.cancel(&shop, orders.iter().map(cancellation).collect()).await;
                (answer.rows.into_iter().map(answer::to_cancel).collect(), report(&answer.calls))
            }
            Action::Sync => {
                let asked = orders.iter().filter_map(Order::for_sync).collect();
                let answer = provider.sync_tracking(&shop, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| answer::to_sync(order, row));
                (rows.collect(), report(&answer.calls))
            }
        }
    }
}

fn report(calls: &impl Serialize) -> String {
    serde_json::to_string(calls).unwrap_or_default()
}

/// The event with which orders are claimed; asking changes nothing at the provider and needs no claim.
fn claiming(action: Action) -> Option<Event> {
    match action {
        Action::Credit => Some(Event::CreditStarted),
        Action::Cancel => Some(Event::CancelStarted),
        Action::Sync => Some(Event::SyncStarted),
        Action::Check | Action::Decide => None,
    }
}

fn batch_limit(action: Action, provider: &impl Provider) -> usize {
    let limits = &provider.info().batch_limits;
    let limit = match action {
        Action::Credit => limits.credit,
        Action::Check | Action::Decide => limits.check_credit,
        Action::Cancel => limits.cancel,
        Action::Sync => limits.sync_tracking,
    };
    limit as usize
}

fn is_open(row: &Row) -> bool {
    row.state == State::UnderReview || matches!(row.problem, Some(Problem::TooEarly { .. }))
}

fn not_offered(action: Action, order: &Order) -> Problem {
    Problem::NotOffered { state: order.state, action: action.to_string() }
}

/// What stands in the way of `action` before anything is sent.
fn obstacle(action: Action, order: &Order, mall: &Mall, provider: &impl Provider) -> Option<Problem> {
    if !order.offers(action) {
        return Some(not_offered(action, order));
    }
    if batch_limit(action, provider) == 0 {
        return Some(Problem::unsupported(action));
    }
    let info = provider.info();
    match action {
        Action::Credit => {
            let billed = order.amounts.billed;
            let too_large = info.max_billed_amount.filter(|max| billed > *max);
            let enclosed =
                order.invoice(mall) == Invoice::Enclosed && !info.capabilities.contains(Capability::ENCLOSED_INVOICE);
            too_large.map(|max| Problem::TooLarge { billed, max }).or(enclosed.then_some(Problem::NoEnclosedInvoice))
        }
        Action::Check => {
            let by_reference = info.capabilities.contains(Capability::FIND_BY_REFERENCE);
            let blind = order.transaction_id().is_none() && !by_reference;
            blind.then(|| Problem::CannotAsk { reference: order.reference().to_owned() })
        }
        Action::Sync => order.tracking.as_ref().and_then(|tracking| carrier_problem(provider, &tracking.carrier)),
        Action::Cancel => None,
        // Nothing to ask a provider for: see [`Desk::decide`].
        Action::Decide => Some(not_offered(action, order)),
    }
}

/// The words for a carrier that the provider does not report.
pub fn carrier_problem(provider: &impl Provider, carrier: &str) -> Option<Problem> {
    let info = provider.info();
    if find_carrier(info, carrier).is_some() {
        return None;
    }
    let list = |name: fn(&provider_host::contract::Carrier) -> &str, separator| {
        info.carriers.iter().map(name).collect::<Vec<_>>().join(separator)
    };
    Some(Problem::CarrierUnsupported {
        carrier: carrier.to_owned(),
        supported_ja: list(|carrier| &carrier.name.ja, "、"),
        supported_en: list(|carrier| &carrier.name.en, ", "),
    })
}
