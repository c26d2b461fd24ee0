//! The desk: what an operator does with many orders at once (処理パネル).
//!
//! Each chunk of orders is claimed right before its call and answered for right after it, several
//! chunks side by side. Every order gets a row, in the order in which they were asked for, whatever
//! becomes of the call.

use crate::domain::automation;
use crate::domain::credit_state::{Action, Event, Outcome, State, next};
use crate::domain::finding::OperatorFinding;
use crate::domain::invoice::Invoice;
use crate::domain::issue::Issue;
use crate::domain::mall::{MAX_ROWS_PER_REQUEST, MallSummary, ShopAccount};
use crate::domain::moment::Moment;
use crate::domain::order::Order;
use crate::service::providers::contract;
use crate::service::providers::directory::{Provider, Providers, find_carrier};
use crate::service::providers::response::{self, Inquiry, ResponseOutcome};
use crate::store::lease::ProcessLease;
use crate::store::{Change, Claim, FinishedRow, RowKey, Store, StoreError};
use futures::stream::{self, StreamExt};
use provider_host::contract::{Cancellation, Capability};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Calls side by side unless told otherwise: enough to hide a gateway's second of thinking, few enough
/// for the rate limits that gateways do not publish.
pub const CONCURRENCY: usize = 8;

/// Operations on orders, by one operator in one process. Cloning shares everything.
#[derive(Clone)]
pub struct CreditService<P> {
    /// Where the orders are.
    pub store: Store,
    /// This process.
    pub worker: Arc<ProcessLease>,
    /// The providers that are loaded.
    pub providers: Arc<dyn Providers<P>>,
    /// The operator.
    pub who: String,
    /// Calls side by side.
    pub concurrency: usize,
    /// See [`response::IN_FLIGHT_WINDOW`].
    pub in_flight_window: Duration,
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
    pub problem: Option<Issue>,
}

impl Row {
    fn new(order: &Order, outcome: Outcome, problem: Option<Issue>) -> Self {
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
pub enum CreditError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has no order under this number of its own.
    #[error("the store has no order {0}")]
    NoOrder(i64),
    /// The store has no mall under this id, though an order says so.
    #[error("the store has no mall {0}")]
    NoMall(String),
}

impl CreditError {
    /// Whether the fault is one order's, and nothing was begun for it: work with others goes on.
    pub fn is_of_one_order(&self) -> bool {
        match self {
            CreditError::Store(error) => error.is_of_one_order(),
            CreditError::NoOrder(_) | CreditError::NoMall(_) => true,
        }
    }
}

/// How patiently a verdict is waited for.
#[derive(Debug, Clone, Copy)]
pub struct PollPolicy {
    /// Before the second question.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// No question is begun later than this after the first.
    pub give_up_after: Duration,
}

/// Told of each row as soon as it is known.
pub type OnRow<'a> = &'a (dyn Fn(&Row) + Sync);

/// An order to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The store's number of the order.
    pub id: i64,
    /// The row of a batch that asks for it.
    pub row: Option<RowKey>,
}

impl From<i64> for Work {
    fn from(id: i64) -> Self {
        Work { id, row: None }
    }
}

/// Work that has begun. If it is let go of before it is finished, its orders are handed to the worker, which
/// has those that were claimed become unknown.
struct Unfinished<'a> {
    worker: &'a ProcessLease,
    works: &'a [Work],
}

impl Unfinished<'_> {
    fn finish(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.worker.drop_orders(self.works.iter().map(|work| work.id));
    }
}

/// The shop's side of a run: read once, at its start.
struct Shop {
    malls: HashMap<String, MallSummary>,
    accounts: BTreeMap<i64, ShopAccount>,
}

impl Shop {
    fn mall(&self, order: &Order) -> Result<&MallSummary, CreditError> {
        self.malls.get(&order.mall).ok_or_else(|| CreditError::NoMall(order.mall.clone()))
    }

    /// The account that `action` is done under: a new credit goes to the mall's of now, everything else to
    /// the one where the order is registered.
    fn account(&self, action: Action, order: &Order) -> Result<&ShopAccount, CreditError> {
        let id = self.account_id(action, order)?;
        self.accounts.get(&id).ok_or_else(|| CreditError::NoMall(order.mall.clone()))
    }

    fn account_id(&self, action: Action, order: &Order) -> Result<i64, CreditError> {
        let mall = self.mall(order)?;
        let registered = order.registration.as_ref().filter(|_| action != Action::Credit);
        Ok(registered.map_or(mall.account, |registration| registration.account))
    }
}

/// An order in its place.
#[derive(Clone)]
struct Placed {
    place: usize,
    order: Order,
    row: Option<RowKey>,
}

impl Placed {
    /// Whether the plugin broke off over it, or over another order of its call.
    fn broke_off(&self) -> bool {
        self.order.problem.as_ref().is_some_and(Issue::is_the_plugins)
    }
}

/// The orders of one account that go into one call.
#[derive(Clone)]
struct Chunk<'a> {
    mall: &'a MallSummary,
    account: &'a ShopAccount,
    orders: Vec<Placed>,
}

impl<'a> Chunk<'a> {
    /// One chunk for each of its orders.
    fn each(self) -> impl Iterator<Item = Chunk<'a>> {
        let Chunk { mall, account, orders } = self;
        orders.into_iter().map(move |placed| Chunk { mall, account, orders: vec![placed] })
    }

    /// The rows of a call that was not made.
    fn refused(&self, problem: &Issue, on_row: OnRow<'_>) -> Vec<(usize, Row)> {
        let row = |placed: &Placed| {
            let row = Row::new(&placed.order, Outcome::Failure, Some(problem.clone()));
            on_row(&row);
            (placed.place, row)
        };
        self.orders.iter().map(row).collect()
    }

    /// Whether it is one order that has a call of its own because a plugin broke off over it.
    fn is_a_suspect(&self) -> bool {
        matches!(&self.orders[..], [placed] if placed.broke_off())
    }
}

/// What has been read for a run: rows that came to nothing, and calls to make.
struct Prepared {
    shop: Shop,
    rows: Vec<(usize, Row)>,
    by_account: BTreeMap<i64, Vec<Placed>>,
}

impl<P: Provider + Clone> CreditService<P> {
    /// The same desk with somebody else at it.
    pub fn of(&self, who: &str) -> Self {
        CreditService { who: who.to_owned(), ..self.clone() }
    }

    /// Does `action` with the orders `ids`, and says what became of each, in the same order.
    pub async fn run(&self, action: Action, ids: &[i64], on_row: OnRow<'_>) -> Result<Vec<Row>, CreditError> {
        let works: Vec<Work> = ids.iter().copied().map(Work::from).collect();
        self.work(action, &works, on_row).await
    }

    /// The same for rows of a batch as well: each row is written down as done together with what became
    /// of its order.
    pub async fn work(&self, action: Action, works: &[Work], on_row: OnRow<'_>) -> Result<Vec<Row>, CreditError> {
        self.recover().await;
        self.carry_out(action, works, on_row).await
    }

    /// Clears up after processes that ended. What cannot be cleared up stays claimed, which harms nothing but itself.
    pub async fn recover(&self) {
        if let Err(error) = self.worker.recover(&self.store).await {
            tracing::error!(%error, "what another process left could not be cleared up; it is tried again");
        }
    }

    /// [`CreditService::work`] for whoever clears up by itself.
    pub(crate) async fn carry_out(
        &self,
        action: Action,
        works: &[Work],
        on_row: OnRow<'_>,
    ) -> Result<Vec<Row>, CreditError> {
        let unfinished = Unfinished { worker: &self.worker, works };
        let prepared = match self.prepare(action, works, on_row).await {
            Err(error) if error.is_of_one_order() => {
                unfinished.finish();
                return Err(error);
            }
            prepared => prepared?,
        };
        let rows = self.make_calls(action, prepared, on_row).await?;
        self.end_rows(works, &rows).await?;
        unfinished.finish();
        Ok(rows)
    }

    /// Rows of batches for which nothing was asked: they failed, or wait again where another process can do them.
    async fn end_rows(&self, works: &[Work], rows: &[Row]) -> Result<(), StoreError> {
        let failed = works.iter().zip(rows).filter(|(_, row)| row.outcome == Outcome::Failure);
        let of_batches = failed.filter_map(|(work, row)| Some((work.row?, row)));
        let is_for_later = |row: &Row| row.problem.as_ref().is_some_and(Issue::is_for_later);
        let (later, failed): (Vec<_>, Vec<_>) = of_batches.partition(|(_, row)| is_for_later(row));
        let ended = failed.into_iter().map(|(key, row)| FinishedRow {
            row: key,
            outcome: row.outcome,
            state: row.state,
            transaction_id: row.transaction_id.as_deref(),
            problem: row.problem.as_ref(),
        });
        let ended: Vec<_> = ended.collect();
        if !ended.is_empty() {
            self.store.end_rows(&ended).await?;
        }
        let later: Vec<i64> = later.into_iter().map(|(_, row)| row.id).collect();
        if later.is_empty() { Ok(()) } else { self.store.give_back_rows(&self.worker.name(), Some(&later)).await }
    }

    /// Reads what a run needs. Nothing is claimed yet.
    async fn prepare(&self, action: Action, works: &[Work], on_row: OnRow<'_>) -> Result<Prepared, CreditError> {
        let (shop, orders) = self.shop(action, works).await?;
        let mut rows: Vec<(usize, Row)> = Vec::with_capacity(works.len());
        let mut by_account: BTreeMap<i64, Vec<Placed>> = BTreeMap::new();
        for ((place, work), order) in works.iter().enumerate().zip(orders) {
            let account = shop.account(action, &order)?;
            let mall = shop.mall(&order)?;
            let obstacle = match self.providers.get(&account.provider) {
                _ if is_by_csv(action, &order, mall) => Some(Issue::ResultsByCsv),
                Some(provider) => obstacle(action, &order, mall, &provider),
                None => Some(Issue::ProviderMissing { provider: account.provider.clone() }),
            };
            match obstacle {
                None => by_account.entry(account.id).or_default().push(Placed { place, order, row: work.row }),
                Some(problem) => {
                    let row = Row::new(&order, Outcome::Failure, Some(problem));
                    on_row(&row);
                    rows.push((place, row));
                }
            }
        }
        Ok(Prepared { shop, rows, by_account })
    }

    async fn make_calls(&self, action: Action, prepared: Prepared, on_row: OnRow<'_>) -> Result<Vec<Row>, CreditError> {
        let Prepared { shop, mut rows, by_account } = prepared;
        let chunks = by_account.into_iter().flat_map(|(account, orders)| self.chunks(action, &shop, account, orders));
        let calls: Vec<_> = chunks.map(|chunk| self.call(action, chunk, on_row)).collect();
        // To the end, whatever becomes of one of them: a call that is let go of leaves its orders in doubt.
        let called: Vec<_> = stream::iter(calls).buffer_unordered(self.concurrency).collect().await;
        for call in called {
            rows.extend(call?);
        }
        rows.sort_by_key(|(place, _)| *place);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Asks about the orders `ids` again, with growing pauses, until none of them is under review.
    pub async fn check_until_decided(
        &self,
        ids: &[i64],
        patience: PollPolicy,
        on_row: OnRow<'_>,
    ) -> Result<Vec<Row>, CreditError> {
        let begun = tokio::time::Instant::now();
        let mut rows = self.run(Action::Check, ids, on_row).await?;
        let mut pause = patience.first_pause;
        loop {
            let open: Vec<i64> = rows.iter().filter(|row| is_open(row)).map(|row| row.id).collect();
            if open.is_empty() || begun.elapsed() + pause > patience.give_up_after {
                return Ok(rows);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.worker.stopping() => return Ok(rows),
            }
            pause = (pause * 3 / 2).min(patience.longest_pause);
            for row in self.run(Action::Check, &open, on_row).await? {
                if let Some(earlier) = rows.iter_mut().find(|earlier| earlier.id == row.id) {
                    *earlier = row;
                }
            }
        }
    }

    /// Records what an operator found at the provider, and the note that says how.
    pub async fn decide(&self, id: i64, found: OperatorFinding, note: &str) -> Result<Row, CreditError> {
        self.recover().await;
        let Some(order) = self.store.order(id).await? else { return Err(CreditError::NoOrder(id)) };
        if let Some(problem) = self.no_decision(&order, &found).await? {
            return Ok(Row::new(&order, Outcome::Failure, Some(problem)));
        }
        let event = found.event();
        let transaction_id = found.transaction_id().map(str::to_owned);
        // Where nothing is live, the note says why.
        let over = matches!(event, Event::OperatorRejected | Event::OperatorNothing);
        let mall =
            self.store.mall_summary(&order.mall).await?.ok_or_else(|| CreditError::NoMall(order.mall.clone()))?;
        let to = next(order.state, event).unwrap_or(order.state);
        let change = Change {
            problem: over.then(|| Issue::Recorded { note: note.to_owned() }),
            transaction_id,
            note: Some(note.to_owned()),
            order_status: automation::order_status(&mall, order.state, to),
            ..Change::new(&order, event)
        };
        let applied = self.store.apply(&[change], &self.who, self.store.now()).await?.pop().flatten();
        Ok(match applied {
            Some(applied) if applied.event == event => Row::new(&applied.order, Outcome::Success, None),
            Some(applied) => Row::new(&applied.order, Outcome::Failure, applied.order.problem.clone()),
            None => Row::new(&order, Outcome::Failure, Some(Issue::Changed)),
        })
    }

    /// Why `found` cannot be recorded of `order`.
    pub async fn no_decision(&self, order: &Order, found: &OperatorFinding) -> Result<Option<Issue>, StoreError> {
        if next(order.state, found.event()).is_none() {
            return Ok(Some(not_offered(Action::Decide, order)));
        }
        if matches!(found, OperatorFinding::Registered { transaction_id: None }) && order.transaction_id().is_none() {
            return Ok(Some(Issue::IdMissing));
        }
        if let Some(id) = found.transaction_id()
            && let Some(reference) = self.store.holder_of_id(order, id).await?
        {
            return Ok(Some(Issue::IdTaken { transaction_id: id.to_owned(), reference }));
        }
        if !found.is_absence(order) {
            return Ok(None);
        }
        let now = self.store.moment().await?;
        self.measure(&[order], &now).await?;
        // Whoever looked it up has to look again: not every provider can be asked.
        Ok(response::in_flight(order, &now, self.in_flight_window).map(Issue::to_record_again))
    }

    /// Has the time of those `orders` measured from `now` on of which it cannot be told how long ago they were sent.
    async fn measure(&self, orders: &[&Order], now: &Moment) -> Result<(), StoreError> {
        for order in orders {
            if order.sent.as_ref().is_some_and(|sent| now.since(sent).is_none()) {
                self.store.measure_anew(order, now).await?;
            }
        }
        Ok(())
    }

    /// The orders of `works` as they are now, their malls, and the accounts that `action` is done under: of these alone
    /// the settings are decrypted.
    async fn shop(&self, action: Action, works: &[Work]) -> Result<(Shop, Vec<Order>), CreditError> {
        // The accounts last: none is ever deleted, so those of the malls and orders are there.
        let malls = self.store.mall_summaries().await?.into_iter().map(|mall| (mall.id.clone(), mall)).collect();
        let mut shop = Shop { malls, accounts: BTreeMap::new() };
        let (mut orders, mut accounts) = (Vec::with_capacity(works.len()), BTreeSet::new());
        for work in works {
            let order = self.store.order(work.id).await?.ok_or(CreditError::NoOrder(work.id))?;
            accounts.insert(shop.account_id(action, &order)?);
            orders.push(order);
        }
        shop.accounts = self.store.accounts(accounts).await?;
        Ok((shop, orders))
    }

    /// `orders`, all of one account, in calls of as many as its provider takes and its mall wants: an answer that is
    /// lost puts all orders of its call in doubt.
    fn chunks<'a>(&self, action: Action, shop: &'a Shop, account: i64, orders: Vec<Placed>) -> Vec<Chunk<'a>> {
        let account = shop.accounts.get(&account);
        let found = account.and_then(|account| Some((account, shop.malls.get(&account.mall)?)));
        let Some((account, mall)) = found else { return Vec::new() };
        // One that was withdrawn since is missed where the call is to be made.
        let provider = self.providers.get(&account.provider);
        let size = provider.map_or(1, |provider| rows_of_a_call(action, &provider, mall.rows_per_request));
        let chunk = |orders: &[Placed]| Chunk { mall, account, orders: orders.to_vec() };
        // An order over which the plugin broke off must not take others along again.
        let (alone, together): (Vec<_>, Vec<_>) = orders.into_iter().partition(Placed::broke_off);
        together.chunks(size).chain(alone.chunks(1)).map(chunk).collect()
    }

    /// Claims a chunk, makes its call, writes what was answered.
    async fn call(
        &self,
        action: Action,
        chunk: Chunk<'_>,
        on_row: OnRow<'_>,
    ) -> Result<Vec<(usize, Row)>, CreditError> {
        // As it is now: one that was replaced since the chunks were cut does not serve any more, nor one that was
        // withdrawn.
        let Some(provider) = self.providers.get(&chunk.account.provider) else {
            let missing = Issue::ProviderMissing { provider: chunk.account.provider.clone() };
            return Ok(chunk.refused(&missing, on_row));
        };
        if self.worker.is_stopping() {
            return Ok(chunk.refused(&Issue::ShuttingDown, on_row));
        }
        // A claim is written for all orders of a chunk or for none; each by itself shows whose fault it is.
        let (mut rows, mut chunks) = (Vec::with_capacity(chunk.orders.len()), vec![chunk]);
        while let Some(chunk) = chunks.pop() {
            match self.claim(action, &chunk).await {
                Ok(mine) => rows.extend(self.ask_and_write(action, &chunk, &provider, mine, on_row).await?),
                Err(error) if !error.is_of_one_order() => return Err(error.into()),
                Err(error) if chunk.orders.len() == 1 => {
                    rows.extend(chunk.refused(&Issue::Unusable { why: error.to_string() }, on_row));
                }
                Err(_) => chunks.extend(chunk.each()),
            }
        }
        Ok(rows)
    }

    /// Makes the call about those orders of a chunk that are `mine`, and writes what was answered.
    async fn ask_and_write(
        &self,
        action: Action,
        chunk: &Chunk<'_>,
        provider: &P,
        mine: Vec<Option<Order>>,
        on_row: OnRow<'_>,
    ) -> Result<Vec<(usize, Row)>, CreditError> {
        let held: Vec<&Order> = mine.iter().flatten().collect();
        let (findings, report) = self.ask(action, chunk, provider, &held).await?;
        self.note_health(chunk, &findings).await;
        let keys = mine.iter().zip(&chunk.orders).filter(|(mine, _)| mine.is_some()).map(|(_, placed)| placed.row);
        let changes = held.iter().zip(findings).zip(keys).map(|((order, finding), row)| {
            let to = next(order.state, finding.event).unwrap_or(order.state);
            Change {
                order,
                event: finding.event,
                problem: finding.problem,
                transaction_id: finding.transaction_id,
                note: None,
                report: Some(report.clone()),
                order_status: automation::order_status(chunk.mall, order.state, to),
                row,
            }
        });
        let changes: Vec<_> = changes.collect();
        let mut applied = self.store.apply(&changes, &self.who, self.store.now()).await?.into_iter();
        let rows = mine.iter().zip(&chunk.orders).map(|(mine, placed)| {
            let applied = mine.as_ref().and_then(|_| applied.next().flatten());
            let row = match applied {
                Some(now) => Row::new(&now.order, now.event.outcome(now.order.state), now.order.problem.clone()),
                None => Row::new(&placed.order, Outcome::Failure, Some(Issue::Changed)),
            };
            on_row(&row);
            (placed.place, row)
        });
        Ok(rows.collect())
    }

    /// The orders of a chunk as claimed; nothing in the place of one that somebody else was faster with.
    async fn claim(&self, action: Action, chunk: &Chunk<'_>) -> Result<Vec<Option<Order>>, StoreError> {
        let orders: Vec<Order> = chunk.orders.iter().map(|placed| placed.order.clone()).collect();
        let Some(event) = claiming(action) else { return Ok(orders.into_iter().map(Some).collect()) };
        let owner = self.worker.name();
        let claim = Claim { event, account: chunk.account, owner: &owner, who: &self.who, now: self.store.now() };
        self.store.claim(&orders, claim).await
    }

    /// Writes down whether the provider did its part. What was answered is not lost if that cannot be written.
    async fn note_health(&self, chunk: &Chunk<'_>, findings: &[ResponseOutcome]) {
        let (provider, now) = (&chunk.account.provider, self.store.now());
        let noted = match Health::of(chunk, findings) {
            Health::Answered => self.store.note_answer(provider, now).await,
            Health::Failed(problem) => self.store.note_failure(provider, problem, now).await,
            Health::Unknown => self.store.give_back_probe(provider, now).await,
        };
        if let Err(error) = noted {
            tracing::error!(provider, %error, "how a call went was not counted");
        }
    }

    /// One call about `orders`: what the answer means for each, and what the host saw of it.
    async fn ask(
        &self,
        action: Action,
        chunk: &Chunk<'_>,
        provider: &P,
        orders: &[&Order],
    ) -> Result<(Vec<ResponseOutcome>, String), StoreError> {
        if orders.is_empty() {
            return Ok((Vec::new(), String::new()));
        }
        let account = contract::shop_account(chunk.account);
        Ok(match action {
            Action::Credit => {
                let asked = orders.iter().map(|order| contract::credit_order(order, chunk.mall)).collect();
                let answer = provider.credit(&account, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| response::to_credit(order, row));
                (rows.collect(), report(&answer.calls))
            }
            Action::Check | Action::Decide => {
                let asked = orders.iter().map(|order| contract::registration(order)).collect();
                // Before the question: an answer counts if the time was over when it was asked.
                let at = self.store.moment().await?;
                self.measure(orders, &at).await?;
                let question =
                    Inquiry { at, in_flight_window: self.in_flight_window, provider: provider.info().capabilities };
                let answer = provider.check_credit(&account, asked).await;
                let meaning = |(order, row): (&&Order, _)| response::to_check(order, row, &question);
                (orders.iter().zip(answer.rows).map(meaning).collect(), report(&answer.calls))
            }
            Action::Cancel => {
                let cancellation =
                    |order: &&Order| Cancellation { registration: contract::registration(order), reason: None };
                let answer = provider.cancel(&account, orders.iter().map(cancellation).collect()).await;
                (answer.rows.into_iter().map(response::to_cancel).collect(), report(&answer.calls))
            }
            Action::Sync => {
                let asked = orders.iter().filter_map(|order| contract::shipment(order)).collect();
                let answer = provider.sync_tracking(&account, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| response::to_sync(order, row));
                (rows.collect(), report(&answer.calls))
            }
        })
    }
}

/// What a call says of its provider.
enum Health<'a> {
    /// It did its part.
    Answered,
    /// Every row failed for reasons that are the provider's, its plugin's or the line's.
    Failed(&'a Issue),
    /// Nothing: no order was left to ask about, or the plugin broke off once more over the one order of which it is
    /// known that it does. That order must not have the provider left alone for all others.
    Unknown,
}

impl<'a> Health<'a> {
    fn of(chunk: &Chunk<'_>, findings: &'a [ResponseOutcome]) -> Self {
        let failed = |finding: &'a ResponseOutcome| {
            finding.problem.as_ref().filter(|problem| problem.is_the_providers() || problem.is_the_plugins())
        };
        let problems: Option<Vec<&Issue>> = findings.iter().map(failed).collect();
        match problems.as_deref() {
            None => Health::Answered,
            Some([]) => Health::Unknown,
            Some([problem, ..]) if problem.is_the_plugins() && chunk.is_a_suspect() => Health::Unknown,
            Some([problem, ..]) => Health::Failed(problem),
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

/// Most orders in one call: as many as the provider takes and their mall wants (`wanted`).
pub(crate) fn rows_of_a_call(action: Action, provider: &impl Provider, wanted: u32) -> usize {
    batch_limit(action, provider).min(wanted as usize).clamp(1, MAX_ROWS_PER_REQUEST)
}

fn is_open(row: &Row) -> bool {
    row.state == State::UnderReview || matches!(row.problem, Some(Issue::TooEarly { .. }))
}

fn not_offered(action: Action, order: &Order) -> Issue {
    Issue::NotOffered { state: order.state, action: action.to_string() }
}

/// Whether it is the mall, and not the order's state, that has no credit run: its results come by CSV.
fn is_by_csv(action: Action, order: &Order, mall: &MallSummary) -> bool {
    let by_csv = mall.by_csv || order.results_by_csv;
    by_csv && action == Action::Credit && next(order.state, Event::CreditStarted).is_some()
}

/// What stands in the way of `action` before anything is sent.
fn obstacle(action: Action, order: &Order, mall: &MallSummary, provider: &impl Provider) -> Option<Issue> {
    if !order.offers(action) {
        return Some(not_offered(action, order));
    }
    if batch_limit(action, provider) == 0 {
        return Some(Issue::unsupported(action));
    }
    let info = provider.info();
    match action {
        Action::Credit => {
            let billed = order.amounts.billed;
            let too_large = info.max_billed_amount.filter(|max| billed > *max);
            let enclosed =
                order.invoice(mall) == Invoice::Enclosed && !info.capabilities.contains(Capability::ENCLOSED_INVOICE);
            too_large.map(|max| Issue::TooLarge { billed, max }).or(enclosed.then_some(Issue::NoEnclosedInvoice))
        }
        Action::Check => {
            let by_reference = info.capabilities.contains(Capability::FIND_BY_REFERENCE);
            let blind = order.transaction_id().is_none() && !by_reference;
            blind.then(|| Issue::CannotAsk { reference: order.reference().to_owned() })
        }
        Action::Sync => order.tracking.as_ref().and_then(|tracking| carrier_problem(provider, &tracking.carrier)),
        Action::Cancel => None,
        // Nothing to ask a provider for: see [`CreditService::decide`].
        Action::Decide => Some(not_offered(action, order)),
    }
}

/// The words for a carrier that the provider does not report.
pub fn carrier_problem(provider: &impl Provider, carrier: &str) -> Option<Issue> {
    let info = provider.info();
    if find_carrier(info, carrier).is_some() {
        return None;
    }
    let list = |name: fn(&provider_host::contract::Carrier) -> &str, separator| {
        info.carriers.iter().map(name).collect::<Vec<_>>().join(separator)
    };
    Some(Issue::CarrierUnsupported {
        carrier: carrier.to_owned(),
        supported_ja: list(|carrier| &carrier.name.ja, "、"),
        supported_en: list(|carrier| &carrier.name.en, ", "),
    })
}
