//! The platform's memory: malls, orders, every reference ever used, and who did what when. The same
//! queries run on SQLite and on PostgreSQL.
//!
//! Two rules keep money safe, and both live here:
//! - An order changes only by compare-and-set on its version, along the table of [`crate::domain::credit_state`].
//!   Of two that act at once, one wins and the other is told.
//! - A claim writes the reference, the state, the time, the owner and the event in one transaction,
//!   committed to disk before the claimer can make its call. No transaction is open during a call.
//!
//! Transactions that write many orders write them in the order of their numbers, so that two of them
//! never wait for each other.

mod audit;
mod backlog;
mod batches;
mod circuit_breakers;
mod drafts;
pub mod encryption;
pub mod lease;
mod list;
mod location;
mod malls;
mod moment;
mod rows;
mod schedule;
mod seed;
mod users;

pub use audit::AuditLine;
pub use backlog::{Backlog, OnBacklog, Sum};
pub use batches::{Batch, BatchProgress, BatchRow, Ended, MAX_BATCH, Waiting};
pub use circuit_breakers::{Admission, Breaker, BreakerState, FAILURES_UNTIL_OPEN, FIRST_PROBE, LONGEST_PROBE};
pub use drafts::{DRAFTS_KEPT, MAX_DRAFTS};
pub use list::{Candidate, ListKey, ListOrder, ListPage, ListQuery, MAX_PAGE, MAX_SEARCH, NotAListKey, PAGE, Position};
pub use location::{DatabaseLocation, Risks};
pub use malls::{AccountChange, MallUpdate, MallUpdateOutcome, OpenOrders};
pub use schedule::{Among, Due, LEASE};
pub use users::{ANSWERS_KEPT, ApiToken, Begun, Call, NewSession, SESSION, SIGN_IN_WINDOW, Session, SignIn};

use crate::domain::automation;
use crate::domain::clock;
use crate::domain::credit_state::{Action, Event, State, next};
use crate::domain::invoice::Invoice;
use crate::domain::issue::Issue;
use crate::domain::mall::{Mall, ShopAccount, Start};
use crate::domain::moment::Moment;
use crate::domain::order::{Amounts, Order, OrderData, OrderEdit, Registration, Tracking};
use crate::store::encryption::{SecretError, Secrets};
use location::Dialect;
use moment::Watched;
use rows::{from_json, to_json};
use serde::Serialize;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyPool, Arguments, AssertSqlSafe, FromRow, Transaction};
use std::collections::{BTreeMap, HashSet};

/// Characters of a store's own prefix: 36^5 is 60 million, enough to keep the few stores that may ever
/// share a provider's account apart.
const PREFIX_LENGTH: usize = 5;
/// The contract's bound on a reference.
const MAX_REFERENCE: usize = 20;
/// How often a transaction is tried again that PostgreSQL ended because it and another waited for each
/// other or found the same row: the second try nearly always goes through.
const MAX_RETRIES: usize = 5;
/// Orders that one transaction takes in: others wait for it, so a month's file does not go in at once.
const INSERTED_AT_ONCE: usize = 1_000;
/// Values in one query: far below what the databases take.
const ASKED_AT_ONCE: usize = 500;
/// Writers that count at once on PostgreSQL without waiting for each other: more than processes times
/// calls side by side is of no use, and a page adds up all of them.
const COUNT_SLOTS: i64 = 16;

/// The store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is not reachable.
    #[error("the store failed: {0}")]
    Database(#[source] sqlx::Error),
    /// No connection was to be had for as long as is reasonable.
    #[error(
        "the store failed: the database cannot be reached, or all connections to it are in use (データベースに接続できません)"
    )]
    NoConnection,
    /// The schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A file beside the database, or the database file itself.
    #[error("a file of the store failed: {0}")]
    File(#[from] std::io::Error),
    /// The key, or what it was to decrypt.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A program error: the table of transitions has no such cell.
    #[error("order {number}: {event} cannot happen in the state {state}")]
    Impossible {
        /// The mall's number of the order.
        number: String,
        /// Where the order stands.
        state: State,
        /// What was to happen.
        event: Event,
    },
    /// The next reference would be longer than providers accept.
    #[error("order {number}: the reference {reference} is longer than {MAX_REFERENCE} characters; start a new store")]
    ReferenceTooLong {
        /// The mall's number of the order.
        number: String,
        /// What would have been minted.
        reference: String,
    },
}

type Result<T> = std::result::Result<T, StoreError>;
type Writing = Transaction<'static, Any>;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => StoreError::NoConnection,
            error => StoreError::Database(error),
        }
    }
}

impl StoreError {
    /// Whether the fault is in what was to be written or read of one order: other orders are not concerned. SQLSTATE
    /// classes 22 (a value that the database cannot hold, such as text with NUL), 23 (a broken constraint) and 54 (a
    /// value beyond a limit of the database); SQLite has 18 for the last.
    pub fn is_of_one_order(&self) -> bool {
        use sqlx::Error::{ColumnDecode, Database, Decode, Encode};
        match self {
            StoreError::Impossible { .. } | StoreError::ReferenceTooLong { .. } => true,
            StoreError::Database(Decode(_) | Encode(_) | ColumnDecode { .. }) => true,
            StoreError::Database(Database(error)) => {
                let of_class = |code: &str| code == "18" || ["22", "23", "54"].iter().any(|class| is_of(code, class));
                error.kind() != sqlx::error::ErrorKind::Other || error.code().is_some_and(|code| of_class(&code))
            }
            _ => false,
        }
    }

    /// PostgreSQL's words for: nothing was written, another transaction was in the way, try again.
    /// Serialization failure, deadlock, and a unique key that another wrote meanwhile.
    fn is_transient(&self) -> bool {
        const CODES: [&str; 3] = ["40001", "40P01", "23505"];
        let StoreError::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| CODES.contains(&code.as_ref()))
    }
}

/// Whether a SQLSTATE is of a class.
fn is_of(code: &str, class: &str) -> bool {
    code.len() == 5 && code.starts_with(class)
}

/// Does a whole transaction again where it lost against another one.
macro_rules! retried {
    ($attempt:expr) => {{
        let mut retries = 0;
        loop {
            match $attempt.await {
                Err(error) if error.is_transient() && retries < $crate::store::MAX_RETRIES => retries += 1,
                done => break done,
            }
        }
    }};
}
use retried;

/// The store. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    place: DatabaseLocation,
    dialect: Dialect,
    pool: AnyPool,
    secrets: Secrets,
    prefix: String,
    watched: Watched,
}

/// An order to be taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder {
    /// The mall's number.
    pub number: String,
    /// What was ordered, by whom.
    pub data: OrderData,
    /// What it costs, after the mall's fee rule.
    pub amounts: Amounts,
    /// 受注ステータス, if the export has it.
    pub order_status: Option<String>,
}

/// How orders are claimed for a call.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// What begins.
    pub event: Event,
    /// The account that the call is made with, as it was read.
    pub account: &'a ShopAccount,
    /// The claiming process.
    pub owner: &'a str,
    /// The operator.
    pub who: &'a str,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// A row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    /// The batch.
    pub batch: i64,
    /// The row's place in it.
    pub place: i64,
}

/// Something that happened to an order, to be written if the order is still as it was read.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// As it was read, or as the claim returned it.
    pub order: &'a Order,
    /// What happened.
    pub event: Event,
    /// What the order's problem is from now on.
    pub problem: Option<Issue>,
    /// The provider's id, if one became known.
    pub transaction_id: Option<String>,
    /// An operator's words.
    pub note: Option<String>,
    /// What the host saw of the call, as JSON.
    pub report: Option<String>,
    /// Where the order moves in the shop's own words, if it moves.
    pub order_status: Option<String>,
    /// The row of a batch that this is the end of.
    pub row: Option<RowKey>,
}

impl<'a> Change<'a> {
    /// `event`, and nothing else to say.
    pub fn new(order: &'a Order, event: Event) -> Self {
        Change {
            order,
            event,
            problem: None,
            transaction_id: None,
            note: None,
            report: None,
            order_status: None,
            row: None,
        }
    }
}

/// A change as it was written.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The order after it.
    pub order: Order,
    /// What was written: not what was asked where the provider's id turned out to be another order's.
    pub event: Event,
}

/// Which orders to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this mall.
    pub mall: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// With this number.
    pub number: Option<String>,
}

/// A line of an order's history.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct HistoryLine {
    /// The order's version after it.
    pub version: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// The operator, or `recovery`.
    pub who: String,
    /// What happened.
    pub event: String,
    /// The state before.
    pub from_state: String,
    /// The state after.
    pub to_state: String,
    /// The registration it was about.
    pub reference: Option<String>,
    /// The problem it left, as JSON.
    pub problem: Option<String>,
    /// An operator's words.
    pub note: Option<String>,
    /// What the host saw of the call, as JSON.
    pub report: Option<String>,
}

impl HistoryLine {
    fn of(change: &Change<'_>, after: &Order, who: &str, at: i64) -> Result<Self> {
        Ok(HistoryLine {
            version: after.version,
            at,
            who: who.to_owned(),
            event: change.event.to_string(),
            from_state: change.order.state.to_string(),
            to_state: after.state.to_string(),
            reference: after.registration.as_ref().map(|registration| registration.reference.clone()),
            problem: change.problem.as_ref().map(to_json).transpose()?,
            note: change.note.clone(),
            report: change.report.clone(),
        })
    }

    fn unmoved(order: &Order, at: i64, who: &str, event: OrderEdit, note: String) -> Self {
        let state = order.state.to_string();
        HistoryLine {
            version: order.version + 1,
            at,
            who: who.to_owned(),
            event: event.to_string(),
            from_state: state.clone(),
            to_state: state,
            reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
            problem: None,
            note: Some(note),
            report: None,
        }
    }
}

/// A reference that was ever used for an order.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct UsedReference {
    /// The store's number of the order.
    #[serde(skip)]
    pub order_id: i64,
    /// The reference.
    pub reference: String,
    /// 1 for the order's first.
    pub attempt: i64,
    /// How often it was claimed for sending.
    pub sends: i64,
    /// The provider's id, once known.
    pub transaction_id: Option<String>,
    /// Yen that it was sent with.
    pub billed: i64,
}

/// An order's columns and its current registration; completed by a condition.
macro_rules! select_orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.mall, o.number, o.provider, o.data, o.invoice, o.goods, o.shipping_fee, o.imported_fee, \
             o.payment_fee, o.billed, o.fee_band, o.order_status, o.state, o.reference, o.carrier, o.tracking_number, \
             o.shipped_on, o.sent_at, o.sent_clock, o.sent_boot, o.sent_uptime, o.owner, o.problem, o.tries, o.held, \
             o.version, m.by_csv, r.account, r.sends, r.transaction_id FROM orders o JOIN malls m ON m.id = o.mall \
             LEFT JOIN registrations r ON r.reference = o.reference ",
            $rest
        )
    };
}

/// Conditions of a query, with their values numbered as they come.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: AnyArguments,
}

impl Conditions {
    /// Adds a condition, in which each `$?` stands for the next of `values`.
    fn and<'t, T>(&mut self, condition: &str, values: impl IntoIterator<Item = T>) -> Result<()>
    where
        T: sqlx::Encode<'t, Any> + sqlx::Type<Any>,
    {
        let mut numbered = condition.to_owned();
        for value in values {
            self.values.add(value).map_err(sqlx::Error::Encode)?;
            numbered = numbered.replacen("$?", &format!("${}", self.values.len()), 1);
        }
        self.plain(&numbered);
        Ok(())
    }

    /// Adds a condition without a value.
    fn plain(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }
}

/// How many orders came to a state or left it, in one transaction.
#[derive(Default)]
struct Moves {
    slot: i64,
    by_state: BTreeMap<(String, String, State), i64>,
}

impl Moves {
    /// Of a transaction whose first order is `id`.
    fn beginning_with(id: Option<i64>) -> Self {
        Moves { slot: id.unwrap_or_default() % COUNT_SLOTS, ..Moves::default() }
    }

    fn add(&mut self, mall: &str, provider: &str, state: State, orders: i64) {
        *self.by_state.entry((mall.to_owned(), provider.to_owned(), state)).or_default() += orders;
    }

    fn moved(&mut self, before: &Order, after: &Order) {
        self.add(&before.mall, &before.provider, before.state, -1);
        self.add(&after.mall, &after.provider, after.state, 1);
    }

    /// Last in its transaction, and sorted: several transactions at once cannot wait in a circle.
    async fn write(self, writing: &mut Writing) -> Result<()> {
        for ((mall, provider, state), orders) in self.by_state.into_iter().filter(|(_, orders)| *orders != 0) {
            sqlx::query(
                "INSERT INTO counts (mall, provider, state, slot, orders) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (mall, provider, state, slot) DO UPDATE SET orders = counts.orders + excluded.orders",
            )
            .bind(mall)
            .bind(provider)
            .bind(state.to_string())
            .bind(self.slot)
            .bind(orders)
            .execute(&mut **writing)
            .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Opens the database at `place`, makes it if it is not there, and brings its schema up to date.
    pub async fn open(place: &DatabaseLocation) -> Result<Self> {
        let pool = place.connect().await?;
        let schema = place.schema_lock().await?;
        sqlx::migrate!().run(&pool).await?;
        drop(schema);
        let secrets = Secrets::find(&place.beside("key"))?;
        let prefix = own_prefix(&pool, &secrets).await?;
        let (place, dialect, watched) = (place.clone(), place.dialect(), Watched::default());
        let store = Store { place, dialect, pool, secrets, prefix, watched };
        // From here on it is noticed if the shared clock is set.
        store.moment().await?;
        Ok(store)
    }

    /// Where it is.
    pub fn place(&self) -> &DatabaseLocation {
        &self.place
    }

    /// Takes orders of `mall` in; for each whether it was new. One that is there already stays as it is.
    pub async fn insert_orders(&self, mall: &Mall, orders: &[NewOrder], now: i64) -> Result<Vec<bool>> {
        let mut new = Vec::with_capacity(orders.len());
        for orders in orders.chunks(INSERTED_AT_ONCE) {
            new.extend(retried!(self.try_insert_orders(mall, orders, now))?);
        }
        Ok(new)
    }

    async fn try_insert_orders(&self, mall: &Mall, orders: &[NewOrder], now: i64) -> Result<Vec<bool>> {
        let mut writing = self.write().await?;
        let start = self.credit_start(&mut writing, &mall.id).await?;
        let first = take_numbers(&mut writing, "order", orders.len()).await?;
        let mut moves = Moves::beginning_with(Some(first));
        let mut new = Vec::with_capacity(orders.len());
        for (id, order) in (first..).zip(orders) {
            let due_at = start.holds(order.order_status.as_deref()).then_some(now);
            let is_new = insert_order(&mut writing, id, mall, order, due_at).await?;
            moves.add(&mall.id, &mall.provider, State::NotAsked, i64::from(is_new));
            new.push(is_new);
        }
        moves.write(&mut writing).await?;
        writing.commit().await?;
        Ok(new)
    }

    /// When credit begins by itself at `mall`, as it is now and stays until this transaction ends: an order either
    /// waited when that was changed, or comes after it.
    async fn credit_start(&self, writing: &mut Writing, mall: &str) -> Result<Start> {
        let sql = format!("SELECT automation, by_csv FROM malls WHERE id = $1{}", self.dialect.unchanged());
        let (automation, by_csv): (String, i64) =
            sqlx::query_as(AssertSqlSafe(sql)).bind(mall).fetch_one(&mut **writing).await?;
        let mall = Mall { automation: from_json(&automation)?, by_csv: by_csv != 0, ..Mall::default() };
        Ok(automation::start(&mall, Action::Credit))
    }

    /// The orders that `filter` lets through, oldest first.
    pub async fn orders(&self, filter: &Filter) -> Result<Vec<Order>> {
        let mut conditions = Conditions::default();
        if let Some(mall) = &filter.mall {
            conditions.and("o.mall = $?", [mall])?;
        }
        if let Some(state) = filter.state {
            conditions.and("o.state = $?", [state.to_string()])?;
        }
        if let Some(number) = &filter.number {
            conditions.and("o.number = $?", [number])?;
        }
        let sql = format!("{}{} ORDER BY o.id", select_orders!(""), conditions.sql);
        Ok(sqlx::query_as_with(AssertSqlSafe(sql), conditions.values).fetch_all(&self.pool).await?)
    }

    /// The orders `ids`, newest first as in the list.
    pub async fn orders_of(&self, ids: &[i64]) -> Result<Vec<Order>> {
        let sql = format!("{}WHERE o.id IN ({}) ORDER BY o.ordered_at DESC, o.id DESC", select_orders!(""), list(ids));
        Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.pool).await?)
    }

    /// Those of `ids` that are no order's.
    pub async fn missing(&self, ids: &[i64]) -> Result<Vec<i64>> {
        let found = self.among(ids, &ListQuery::default()).await?;
        Ok(ids.iter().copied().filter(|id| !found.contains(id)).collect())
    }

    /// Those of the orders `ids` that are with `provider`.
    pub async fn with_provider(&self, ids: &[i64], provider: &str) -> Result<HashSet<i64>> {
        self.among(ids, &ListQuery { provider: Some(provider.to_owned()), ..ListQuery::default() }).await
    }

    /// The order with the store's number `id`.
    pub async fn order(&self, id: i64) -> Result<Option<Order>> {
        Ok(sqlx::query_as(select_orders!("WHERE o.id = $1")).bind(id).fetch_optional(&self.pool).await?)
    }

    /// The orders that the mall has under these numbers of its own.
    pub async fn orders_numbered<'n>(
        &self,
        mall: &str,
        numbers: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<Order>> {
        self.orders_named(mall, |list| format!("o.number IN ({list})"), numbers.into_iter().collect()).await
    }

    /// The orders of the mall that were ever registered under these references.
    pub async fn orders_registered<'n>(
        &self,
        mall: &str,
        references: impl IntoIterator<Item = &'n str>,
    ) -> Result<Vec<Order>> {
        let ever = |list: &str| format!("o.id IN (SELECT order_id FROM registrations WHERE reference IN ({list}))");
        self.orders_named(mall, ever, references.into_iter().collect()).await
    }

    async fn orders_named(
        &self,
        mall: &str,
        condition: impl Fn(&str) -> String,
        mut names: Vec<&str>,
    ) -> Result<Vec<Order>> {
        // No order has it in its name, for PostgreSQL cannot hold it, nor even be asked for it.
        names.retain(|name| !name.contains('\0'));
        let mut found = Vec::new();
        for names in names.chunks(ASKED_AT_ONCE) {
            let mut conditions = Conditions::default();
            conditions.and("o.mall = $?", [mall])?;
            let list = vec!["$?"; names.len()].join(", ");
            conditions.and(&condition(&list), names.iter().copied())?;
            let sql = format!("{}{}", select_orders!(""), conditions.sql);
            let orders: Vec<Order> =
                sqlx::query_as_with(AssertSqlSafe(sql), conditions.values).fetch_all(&self.pool).await?;
            found.extend(orders);
        }
        Ok(found)
    }

    /// What happened to an order, oldest first.
    pub async fn history(&self, order: i64) -> Result<Vec<HistoryLine>> {
        let lines = sqlx::query_as("SELECT * FROM events WHERE order_id = $1 ORDER BY version").bind(order);
        Ok(lines.fetch_all(&self.pool).await?)
    }

    /// Every reference ever used, for all orders of all malls.
    pub async fn references(&self) -> Result<Vec<UsedReference>> {
        let used = sqlx::query_as("SELECT * FROM registrations ORDER BY order_id, attempt");
        Ok(used.fetch_all(&self.pool).await?)
    }

    /// Claims `orders` for a call: each moves along the claim's event to a state of its owner, if it is
    /// still as it was read. What comes back in an order's place is the order as claimed, or nothing
    /// where somebody else was faster, or changed the account. The claims are on disk when this returns.
    pub async fn claim(&self, orders: &[Order], claim: Claim<'_>) -> Result<Vec<Option<Order>>> {
        retried!(self.try_claim(orders, claim))
    }

    async fn try_claim(&self, orders: &[Order], claim: Claim<'_>) -> Result<Vec<Option<Order>>> {
        let mut writing = self.write().await?;
        let mut claimed = vec![None; orders.len()];
        if !self.is_current(&mut writing, claim.account).await? {
            return Ok(claimed);
        }
        let sent = self.moment_in(&mut writing).await?;
        let mut moves = Moves::beginning_with(orders.first().map(|order| order.id));
        for at in by_number(orders, |order| order.id) {
            let order = &orders[at];
            let Some(held) = self.claim_one(&mut writing, order, claim, &sent).await? else { continue };
            moves.moved(order, &held);
            claimed[at] = Some(held);
        }
        moves.write(&mut writing).await?;
        writing.commit().await?;
        Ok(claimed)
    }

    /// Whether the account is still as it was read; it stays so until this transaction ends. With other
    /// settings than those that are sent, the provider could later say truthfully that there is no such
    /// order.
    async fn is_current(&self, writing: &mut Writing, account: &ShopAccount) -> Result<bool> {
        let sql = format!("SELECT version FROM accounts WHERE id = $1{}", self.dialect.unchanged());
        let version: Option<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(account.id).fetch_optional(&mut **writing).await?;
        Ok(version == Some(account.version))
    }

    async fn claim_one(
        &self,
        writing: &mut Writing,
        order: &Order,
        claim: Claim<'_>,
        sent: &Moment,
    ) -> Result<Option<Order>> {
        let Claim { event, account, owner, who, now } = claim;
        let mut held = order.clone();
        held.state = following(order, event)?;
        held.owner = Some(owner.to_owned());
        held.sent = Some(sent.clone());
        held.version += 1;
        if event == Event::CreditStarted {
            held.provider.clone_from(&account.provider);
        }
        let won = sqlx::query(
            "UPDATE orders SET state = $1, owner = $2, sent_at = $3, sent_clock = $4, sent_boot = $5, sent_uptime = $6, \
             provider = $7, due_at = NULL, version = $8 WHERE id = $9 AND version = $10",
        )
        .bind(held.state.to_string())
        .bind(owner)
        .bind(sent.at)
        .bind(&sent.clock)
        .bind(sent.uptime.as_ref().map(|uptime| &uptime.boot))
        .bind(sent.uptime.as_ref().map(|uptime| uptime.milliseconds))
        .bind(&held.provider)
        .bind(held.version)
        .bind(order.id)
        .bind(order.version)
        .execute(&mut **writing)
        .await?;
        if won.rows_affected() == 0 {
            return Ok(None);
        }
        if event == Event::CreditStarted {
            held.registration = Some(self.name_registration(writing, order, account).await?);
        }
        record(writing, held.id, &HistoryLine::of(&Change::new(order, event), &held, who, now)?).await?;
        Ok(Some(held))
    }

    /// The registration that a credit of `order` is sent under: the last one again where nothing was
    /// recorded under it, so that an id it may have had is void; else a new one. A reference belongs to
    /// one account for ever.
    async fn name_registration(
        &self,
        writing: &mut Writing,
        order: &Order,
        account: &ShopAccount,
    ) -> Result<Registration> {
        let kept = order.registration.clone().filter(|_| order.state.keeps_reference());
        if let Some(kept) = kept.filter(|kept| kept.account == account.id) {
            sqlx::query(
                "UPDATE registrations SET sends = sends + 1, billed = $1, transaction_id = NULL WHERE reference = $2",
            )
            .bind(order.amounts.billed)
            .bind(&kept.reference)
            .execute(&mut **writing)
            .await?;
            return Ok(Registration { sends: kept.sends + 1, transaction_id: None, ..kept });
        }
        let used: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM registrations WHERE order_id = $1")
            .bind(order.id)
            .fetch_one(&mut **writing)
            .await?;
        let attempt = used + 1;
        let reference = format!("{}-{}-{attempt}", self.prefix, base36(order.id));
        if reference.len() > MAX_REFERENCE {
            return Err(StoreError::ReferenceTooLong { number: order.number.clone(), reference });
        }
        sqlx::query(
            "INSERT INTO registrations (reference, order_id, account, attempt, billed, sends) \
             VALUES ($1, $2, $3, $4, $5, 1)",
        )
        .bind(&reference)
        .bind(order.id)
        .bind(account.id)
        .bind(attempt)
        .bind(order.amounts.billed)
        .execute(&mut **writing)
        .await?;
        sqlx::query("UPDATE orders SET reference = $1 WHERE id = $2")
            .bind(&reference)
            .bind(order.id)
            .execute(&mut **writing)
            .await?;
        Ok(Registration { reference, account: account.id, sends: 1, transaction_id: None })
    }

    /// The reference of the registration, other than the order's own, that has the transaction id `id` under the same
    /// account.
    pub async fn holder_of_id(&self, order: &Order, id: &str) -> Result<Option<String>> {
        other_holder(&self.pool, order, id).await
    }

    /// Writes what happened, each change if its order is still as it was read, and ends its claim.
    /// Nothing comes back in the place of an order that somebody else changed.
    ///
    /// A change that the database cannot hold is that order's alone: what it says is then in doubt.
    pub async fn apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        match retried!(self.try_apply(changes, who, now)) {
            Err(error) if error.is_of_one_order() => {}
            done => return done,
        }
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            applied.push(self.apply_alone(change, who, now).await?);
        }
        Ok(applied)
    }

    async fn apply_alone(&self, change: &Change<'_>, who: &str, now: i64) -> Result<Option<Applied>> {
        let why = match retried!(self.try_apply(std::slice::from_ref(change), who, now)) {
            Err(error) if error.is_of_one_order() => error.to_string(),
            done => return Ok(done?.pop().flatten()),
        };
        tracing::error!(order = change.order.id, why, "what became of an order cannot be written; it is in doubt");
        let problem = Some(Issue::NotRecorded { why });
        let bare = Change { problem, row: change.row, ..Change::new(change.order, change.event.doubted()) };
        match retried!(self.try_apply(std::slice::from_ref(&bare), who, now)) {
            Err(error) if error.is_of_one_order() => {
                tracing::error!(order = change.order.id, %error, "an order cannot be written");
                Ok(None)
            }
            done => Ok(done?.pop().flatten()),
        }
    }

    async fn try_apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        let mut writing = self.write().await?;
        let mut moves = Moves::beginning_with(changes.first().map(|change| change.order.id));
        let mut applied = vec![None; changes.len()];
        for at in by_number(changes, |change| change.order.id) {
            let change = doubt_a_taken_id(&mut writing, &changes[at]).await?;
            let Some(done) = apply_one(&mut writing, &change, who, now).await? else { continue };
            moves.moved(change.order, &done.order);
            applied[at] = Some(done);
        }
        moves.write(&mut writing).await?;
        writing.commit().await?;
        Ok(applied)
    }

    /// Enters carrier and 伝票番号, if the order is still as it was read. The caller has asked its state
    /// whether tracking is open.
    pub async fn set_tracking(&self, order: &Order, tracking: &Tracking, who: &str, now: i64) -> Result<bool> {
        let mut writing = self.write().await?;
        let written = sqlx::query(
            "UPDATE orders SET carrier = $1, tracking_number = $2, shipped_on = $3, tries = 0, due_at = $4, \
             held = CASE WHEN held = 'sync' THEN NULL ELSE held END, version = version + 1 \
             WHERE id = $5 AND version = $6",
        )
        .bind(&tracking.carrier)
        .bind(&tracking.number)
        .bind(tracking.shipped_on.to_string())
        .bind(now)
        .bind(order.id)
        .bind(order.version)
        .execute(&mut *writing)
        .await?;
        let note = format!("{} {} {}", tracking.carrier, tracking.number, tracking.shipped_on);
        let line = HistoryLine::unmoved(order, now, who, OrderEdit::TrackingEntered, note);
        self.end_edit(writing, order, written.rows_affected(), line).await
    }

    /// Moves an order in the shop's own words (受注ステータス), if it is still as it was read and no call
    /// about it is under way: the answer to that finds the order only as the claim left it.
    pub async fn set_order_status(&self, order: &Order, status: Option<&str>, who: &str, now: i64) -> Result<bool> {
        let mut writing = self.write().await?;
        // The status may be the one that starts something by itself.
        let due_at = order.state.automatic().map(|_| now);
        let written = sqlx::query(
            "UPDATE orders SET order_status = $1, due_at = $2, version = version + 1 \
             WHERE id = $3 AND version = $4 AND owner IS NULL",
        )
        .bind(status)
        .bind(due_at)
        .bind(order.id)
        .bind(order.version)
        .execute(&mut *writing)
        .await?;
        if let Some(status) =
            status.filter(|status| written.rows_affected() == 1 && Some(*status) != order.order_status.as_deref())
        {
            backlog::release_moved(&mut writing, order.id, &order.mall, status).await?;
        }
        let note = status.unwrap_or_default().to_owned();
        self.end_edit(
            writing,
            order,
            written.rows_affected(),
            HistoryLine::unmoved(order, now, who, OrderEdit::StatusSet, note),
        )
        .await
    }

    /// Gives an order another content, if it is still as it was read and no call about it is under way. The caller
    /// has asked its state whether that is open.
    pub async fn correct_order(&self, order: &Order, content: &NewOrder, who: &str, now: i64) -> Result<bool> {
        let mut writing = self.write().await?;
        let query = sqlx::query(
            "UPDATE orders SET data = $1, ordered_at = $2, buyer = $3, recipient = $4, item = $5, items = $6, \
             buyer_key = $7, invoice = $8, goods = $9, shipping_fee = $10, imported_fee = $11, payment_fee = $12, \
             billed = $13, fee_band = $14, order_status = COALESCE($15, order_status), due_at = $16, \
             version = version + 1 WHERE id = $17 AND version = $18 AND owner IS NULL",
        );
        let written = with_content(query, content)?
            .bind(order.state.automatic().map(|_| now))
            .bind(order.id)
            .bind(order.version)
            .execute(&mut *writing)
            .await?;
        let line = HistoryLine::unmoved(order, now, who, OrderEdit::Corrected, "CSV".to_owned());
        self.end_edit(writing, order, written.rows_affected(), line).await
    }

    /// Chooses how the invoice reaches the buyer, if the order is still as it was read; absent: as the mall
    /// does it. The caller has asked its state whether that is open.
    pub async fn set_invoice(&self, order: &Order, invoice: Option<Invoice>, who: &str, now: i64) -> Result<bool> {
        let mut writing = self.write().await?;
        let written =
            sqlx::query("UPDATE orders SET invoice = $1, version = version + 1 WHERE id = $2 AND version = $3")
                .bind(invoice.map(|invoice| invoice.to_string()))
                .bind(order.id)
                .bind(order.version)
                .execute(&mut *writing)
                .await?;
        let note = invoice.map(|invoice| invoice.to_string()).unwrap_or_default();
        self.end_edit(
            writing,
            order,
            written.rows_affected(),
            HistoryLine::unmoved(order, now, who, OrderEdit::InvoiceSet, note),
        )
        .await
    }

    /// Records an edit that was written, and ends its transaction; whether it was.
    async fn end_edit(&self, mut writing: Writing, order: &Order, written: u64, line: HistoryLine) -> Result<bool> {
        if written == 1 {
            record(&mut writing, order.id, &line).await?;
        }
        writing.commit().await?;
        Ok(written == 1)
    }

    /// Every process that holds a claim, a row of a batch or a call, or works in the background.
    pub async fn owners(&self) -> Result<Vec<String>> {
        let owners = sqlx::query_scalar(
            "SELECT owner FROM orders WHERE owner IS NOT NULL UNION SELECT owner FROM batch_rows WHERE owner IS NOT NULL \
             UNION SELECT owner FROM idempotency WHERE owner IS NOT NULL UNION SELECT owner FROM serving",
        );
        Ok(owners.fetch_all(&self.pool).await?)
    }

    /// The orders that `owner` holds.
    pub async fn owned_by(&self, owner: &str) -> Result<Vec<Order>> {
        let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM orders WHERE owner = $1 ORDER BY id")
            .bind(owner)
            .fetch_all(&self.pool)
            .await?;
        self.readable(&ids).await
    }

    /// Those of the orders `ids` that can be read; the others are in the log, and no reason to leave these.
    async fn readable(&self, ids: &[i64]) -> Result<Vec<Order>> {
        let mut orders = Vec::with_capacity(ids.len());
        for id in ids {
            match self.order(*id).await {
                Ok(order) => orders.extend(order),
                Err(error) if error.is_of_one_order() => tracing::error!(order = id, %error, "an order cannot be read"),
                Err(error) => return Err(error),
            }
        }
        Ok(orders)
    }

    /// A transaction that writes.
    async fn write(&self) -> Result<Writing> {
        Ok(self.pool.begin_with(self.dialect.begin()).await?)
    }
}

/// The places of `things` in the order of their orders' numbers.
fn by_number<T>(things: &[T], number: impl Fn(&T) -> i64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..things.len()).collect();
    places.sort_by_key(|place| number(&things[*place]));
    places
}

/// Numbers as a list in SQL; of none, one that is nobody's.
fn list(numbers: &[i64]) -> String {
    match numbers {
        [] => "NULL".to_owned(),
        _ => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Gives out `count` numbers that were never used for this kind of thing; the first of them.
async fn take_numbers(writing: &mut Writing, what: &str, count: usize) -> Result<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: i64 = sqlx::query_scalar("UPDATE numbers SET last = last + $1 WHERE what = $2 RETURNING last")
        .bind(count)
        .bind(what)
        .fetch_one(&mut **writing)
        .await?;
    Ok(last - count + 1)
}

/// Writes a new order under the number `id`; whether it was new.
async fn insert_order(
    writing: &mut Writing,
    id: i64,
    mall: &Mall,
    order: &NewOrder,
    due_at: Option<i64>,
) -> Result<bool> {
    let query = sqlx::query(
        "INSERT INTO orders (data, ordered_at, buyer, recipient, item, items, buyer_key, invoice, goods, shipping_fee, \
         imported_fee, payment_fee, billed, fee_band, order_status, id, mall, number, number_key, provider, state, \
         due_at, tries, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
         $18, $19, $20, $21, $22, 0, 0) ON CONFLICT (mall, number) DO NOTHING",
    );
    let written = with_content(query, order)?
        .bind(id)
        .bind(&mall.id)
        .bind(&order.number)
        .bind(search_key(&order.number))
        .bind(&mall.provider)
        .bind(State::NotAsked.to_string())
        .bind(due_at)
        .execute(&mut **writing)
        .await?;
    Ok(written.rows_affected() == 1)
}

/// Binds the fifteen columns that an order's file decides, as $1 to $15.
fn with_content<'q>(query: Query<'q, Any, AnyArguments>, order: &'q NewOrder) -> Result<Query<'q, Any, AnyArguments>> {
    let NewOrder { data, amounts, order_status, .. } = order;
    Ok(query
        .bind(to_json(data)?)
        .bind(clock::in_milliseconds(data.ordered_at))
        .bind(&data.buyer.name)
        .bind(data.recipient.as_ref().map(|recipient| &recipient.name))
        .bind(data.items.first().map_or("", |item| &item.name))
        .bind(data.items.len() as i64)
        .bind(search_key(&data.buyer.name))
        .bind(data.invoice.map(|invoice| invoice.to_string()))
        .bind(amounts.goods)
        .bind(amounts.shipping_fee)
        .bind(amounts.imported_fee)
        .bind(amounts.payment_fee)
        .bind(amounts.billed)
        .bind(amounts.fee_band.map(i64::from))
        .bind(order_status))
}

/// What a search compares: the text without spaces, small, wide ASCII made narrow, as bytes.
fn search_key(text: &str) -> Vec<u8> {
    let narrow = |c: char| match c {
        '！'..='～' => char::from_u32(c as u32 - '！' as u32 + '!' as u32).unwrap_or(c),
        other => other,
    };
    let kept = text.chars().filter(|c| !c.is_whitespace()).map(narrow);
    kept.flat_map(char::to_lowercase).collect::<String>().into_bytes()
}

async fn apply_one(writing: &mut Writing, change: &Change<'_>, who: &str, now: i64) -> Result<Option<Applied>> {
    let before = change.order;
    let mut after = before.clone();
    after.state = following(before, change.event)?;
    after.owner = None;
    after.problem = change.problem.clone();
    after.tries = if change.event.is_no_progress() { before.tries + 1 } else { 0 };
    after.order_status = change.order_status.clone().or(after.order_status);
    after.version += 1;
    let written = sqlx::query(
        "UPDATE orders SET state = $1, owner = NULL, problem = $2, order_status = $3, tries = $4, due_at = $5, \
         version = $6 WHERE id = $7 AND version = $8",
    )
    .bind(after.state.to_string())
    .bind(after.problem.as_ref().map(to_json).transpose()?)
    .bind(&after.order_status)
    .bind(after.tries)
    .bind(automation::due(&after, now))
    .bind(after.version)
    .bind(before.id)
    .bind(before.version)
    .execute(&mut **writing)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(None);
    }
    if let (Some(id), Some(registration)) = (&change.transaction_id, &mut after.registration) {
        sqlx::query("UPDATE registrations SET transaction_id = $1 WHERE reference = $2")
            .bind(id)
            .bind(&registration.reference)
            .execute(&mut **writing)
            .await?;
        registration.transaction_id = Some(id.clone());
    }
    record(writing, after.id, &HistoryLine::of(change, &after, who, now)?).await?;
    if let Some(row) = change.row {
        let ended = Ended {
            row,
            outcome: change.event.outcome(after.state),
            state: after.state,
            transaction_id: after.transaction_id(),
            problem: after.problem.as_ref(),
        };
        batches::end_row(writing, &ended).await?;
    }
    Ok(Some(Applied { order: after, event: change.event }))
}

/// An answer that carries the id of another registration is not about this order: it proves nothing.
async fn doubt_a_taken_id<'a>(writing: &mut Writing, change: &Change<'a>) -> Result<Change<'a>> {
    let Some(id) = change.transaction_id.clone() else { return Ok(change.clone()) };
    Ok(match other_holder(&mut **writing, change.order, &id).await? {
        None => change.clone(),
        Some(reference) => Change {
            event: change.event.doubted(),
            problem: Some(Issue::IdTaken { transaction_id: id, reference }),
            transaction_id: None,
            ..change.clone()
        },
    })
}

/// The reference of another order's registration, under the same account, that has this transaction id.
async fn other_holder<'e>(
    executor: impl sqlx::Executor<'e, Database = Any>,
    order: &Order,
    id: &str,
) -> Result<Option<String>> {
    let holder = sqlx::query_scalar(
        "SELECT reference FROM registrations WHERE account = $1 AND transaction_id = $2 AND reference <> $3",
    );
    let account = order.registration.as_ref().map(|registration| registration.account);
    Ok(holder.bind(account).bind(id.to_owned()).bind(order.reference().to_owned()).fetch_optional(executor).await?)
}

async fn record(writing: &mut Writing, order: i64, line: &HistoryLine) -> Result<()> {
    sqlx::query(
        "INSERT INTO events (order_id, version, at, who, event, from_state, to_state, reference, problem, note, report) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(order)
    .bind(line.version)
    .bind(line.at)
    .bind(&line.who)
    .bind(&line.event)
    .bind(&line.from_state)
    .bind(&line.to_state)
    .bind(&line.reference)
    .bind(&line.problem)
    .bind(&line.note)
    .bind(&line.report)
    .execute(&mut **writing)
    .await?;
    Ok(())
}

fn following(order: &Order, event: Event) -> Result<State> {
    let impossible = || StoreError::Impossible { number: order.number.clone(), state: order.state, event };
    next(order.state, event).ok_or_else(impossible)
}

/// What the store's row says of the key, encrypted with it.
const KEY_CHECK: &str = "the store's key";

/// The store's prefix, drawn when the store is made. Of several that make it at once, one draws. An
/// error if the store was made with another key.
async fn own_prefix(pool: &AnyPool, secrets: &Secrets) -> Result<String> {
    sqlx::query("INSERT INTO store (one, prefix, key_check) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING")
        .bind(random_prefix()?)
        .bind(secrets.seal(KEY_CHECK, KEY_CHECK)?)
        .execute(pool)
        .await?;
    let (prefix, check): (String, String) =
        sqlx::query_as("SELECT prefix, key_check FROM store").fetch_one(pool).await?;
    secrets.open(KEY_CHECK, &check)?;
    Ok(prefix)
}

fn random_prefix() -> std::io::Result<String> {
    let drawn = getrandom::u64().map_err(std::io::Error::other)?;
    let all = 36u64.pow(PREFIX_LENGTH as u32);
    Ok(format!("{:0>PREFIX_LENGTH$}", base36((drawn % all) as i64)))
}

fn base36(mut number: i64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize] as char);
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}
