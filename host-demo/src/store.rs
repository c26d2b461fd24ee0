//! The platform's memory: malls, orders, every reference ever used, and who did what when. SQLite.
//!
//! Two rules keep money safe, and both live here:
//! - An order changes only by compare-and-set on its version, along the table of [`crate::state`].
//!   Of two that act at once, one wins and the other is told.
//! - A claim writes the reference, the state, the time, the owner and the event in one transaction,
//!   committed to disk before the claimer can make its call. No transaction is open during a call.

use crate::clock;
use crate::mall::Mall;
use crate::order::{Amounts, Order, OrderData, Registration, Tracking};
use crate::state::{Event, State, next};
use crate::words::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{FromRow, Row, Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

/// How long a writer waits for another one. Transactions take milliseconds; a wait this long means that
/// something else holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// SQLite has one writer; a few connections let readers pass it.
const CONNECTIONS: u32 = 4;
/// Characters of a store's own prefix: 36^5 is 60 million, enough to keep the few stores that may ever
/// share a provider's account apart.
const PREFIX_LENGTH: usize = 5;
/// The contract's bound on a reference.
const MAX_REFERENCE: usize = 20;

/// The store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is not reachable.
    #[error("the store failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A file beside the database, or the database file itself.
    #[error("a file of the store failed: {0}")]
    File(#[from] std::io::Error),
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
type Writing = Transaction<'static, Sqlite>;

/// The store. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
    prefix: String,
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
}

/// Something that happened to an order, to be written if the order is still as it was read.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// As it was read, or as the claim returned it.
    pub order: &'a Order,
    /// What happened.
    pub event: Event,
    /// What the order's problem is from now on.
    pub problem: Option<Problem>,
    /// The provider's id, if one became known.
    pub transaction_id: Option<String>,
    /// An operator's words.
    pub note: Option<String>,
    /// What the host saw of the call, as JSON.
    pub report: Option<String>,
}

impl<'a> Change<'a> {
    /// `event`, and nothing else to say.
    pub fn new(order: &'a Order, event: Event) -> Self {
        Change { order, event, problem: None, transaction_id: None, note: None, report: None }
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

/// The line of an order's history that says its tracking number was entered or changed.
const TRACKING_ENTERED: &str = "tracking_entered";

impl HistoryLine {
    fn of(change: &Change<'_>, after: &Order, who: &str, at: i64) -> Result<Self> {
        Ok(HistoryLine {
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

    fn unmoved(order: &Order, at: i64, who: &str, event: &str, note: String) -> Self {
        let state = order.state.to_string();
        HistoryLine {
            at,
            who: who.to_owned(),
            event: event.to_owned(),
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
            "SELECT o.*, r.sends, r.transaction_id FROM orders o \
             LEFT JOIN registrations r ON r.reference = o.reference ",
            $rest
        )
    };
}

impl Store {
    /// Opens the database at `path`, makes it if it is not there, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A claim must survive a power cut, or its order could be sent again.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
        sqlx::migrate!().run(&pool).await?;
        let prefix = own_prefix(&pool).await?;
        Ok(Store { pool, prefix })
    }

    /// Writes `mall`, new or changed; or writes nothing, and says which orders stand in the way.
    ///
    /// An order that may be live at a provider must be asked about there: it holds its mall to that
    /// provider. One whose outcome is unknown holds its mall to the very settings it was sent with,
    /// for with others the provider might truthfully say that there is no such order.
    pub async fn put_mall(&self, mall: &Mall) -> Result<Vec<String>> {
        let mut writing = self.write().await?;
        let before: Option<Mall> =
            sqlx::query_as("SELECT * FROM malls WHERE id = $1").bind(&mall.id).fetch_optional(&mut *writing).await?;
        let bound: fn(State) -> bool = match before {
            Some(before) if before.provider != mall.provider => State::may_be_live,
            Some(before) if before.settings != mall.settings => State::is_in_doubt,
            _ => |_| false,
        };
        let orders: Vec<(String, String)> =
            sqlx::query_as("SELECT number, state FROM orders WHERE mall = $1 AND reference IS NOT NULL ORDER BY id")
                .bind(&mall.id)
                .fetch_all(&mut *writing)
                .await?;
        let mut in_the_way = Vec::new();
        for (number, state) in orders {
            if bound(parse(&state)?) {
                in_the_way.push(number);
            }
        }
        if !in_the_way.is_empty() {
            return Ok(in_the_way);
        }
        sqlx::query(
            "INSERT INTO malls (id, name, provider, settings, fees, invoice) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, provider = excluded.provider, \
             settings = excluded.settings, fees = excluded.fees, invoice = excluded.invoice",
        )
        .bind(&mall.id)
        .bind(&mall.name)
        .bind(&mall.provider)
        .bind(to_json(&mall.settings)?)
        .bind(to_json(&mall.fees)?)
        .bind(mall.invoice.to_string())
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok(Vec::new())
    }

    /// The mall `id`.
    pub async fn mall(&self, id: &str) -> Result<Option<Mall>> {
        Ok(sqlx::query_as("SELECT * FROM malls WHERE id = $1").bind(id).fetch_optional(&self.pool).await?)
    }

    /// All malls.
    pub async fn malls(&self) -> Result<Vec<Mall>> {
        Ok(sqlx::query_as("SELECT * FROM malls ORDER BY id").fetch_all(&self.pool).await?)
    }

    /// Takes orders of `mall` in; for each whether it was new. One that is there already stays as it is.
    pub async fn insert_orders(&self, mall: &str, orders: &[NewOrder]) -> Result<Vec<bool>> {
        let mut writing = self.write().await?;
        let mut new = Vec::with_capacity(orders.len());
        for order in orders {
            let amounts = &order.amounts;
            let written = sqlx::query(
                "INSERT INTO orders (mall, number, data, goods, shipping_fee, imported_fee, payment_fee, billed, \
                 fee_band, state, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) \
                 ON CONFLICT (mall, number) DO NOTHING",
            )
            .bind(mall)
            .bind(&order.number)
            .bind(to_json(&order.data)?)
            .bind(amounts.goods)
            .bind(amounts.shipping_fee)
            .bind(amounts.imported_fee)
            .bind(amounts.payment_fee)
            .bind(amounts.billed)
            .bind(amounts.fee_band)
            .bind(State::NotAsked.to_string())
            .execute(&mut *writing)
            .await?;
            new.push(written.rows_affected() == 1);
        }
        writing.commit().await?;
        Ok(new)
    }

    /// The orders that `filter` lets through, oldest first.
    pub async fn orders(&self, filter: &Filter) -> Result<Vec<Order>> {
        let orders = sqlx::query_as(select_orders!(
            "WHERE ($1 IS NULL OR o.mall = $1) AND ($2 IS NULL OR o.state = $2) AND ($3 IS NULL OR o.number = $3) \
             ORDER BY o.id"
        ))
        .bind(&filter.mall)
        .bind(filter.state.map(|state| state.to_string()))
        .bind(&filter.number)
        .fetch_all(&self.pool);
        Ok(orders.await?)
    }

    /// The order with the store's number `id`.
    pub async fn order(&self, id: i64) -> Result<Option<Order>> {
        Ok(sqlx::query_as(select_orders!("WHERE o.id = $1")).bind(id).fetch_optional(&self.pool).await?)
    }

    /// What happened to an order, oldest first.
    pub async fn history(&self, order: i64) -> Result<Vec<HistoryLine>> {
        let lines = sqlx::query_as("SELECT * FROM events WHERE order_id = $1 ORDER BY id").bind(order);
        Ok(lines.fetch_all(&self.pool).await?)
    }

    /// Every reference ever used, for all orders of all malls.
    pub async fn references(&self) -> Result<Vec<UsedReference>> {
        let used = sqlx::query_as("SELECT * FROM registrations ORDER BY order_id, attempt");
        Ok(used.fetch_all(&self.pool).await?)
    }

    /// Claims `orders` for a call: each moves along `event` to a state of `owner`, if it is still as it
    /// was read. What comes back in an order's place is the order as claimed, or nothing where
    /// somebody else was faster. The claims are on disk when this returns.
    pub async fn claim(
        &self,
        orders: &[Order],
        event: Event,
        owner: &str,
        who: &str,
        now: i64,
    ) -> Result<Vec<Option<Order>>> {
        let mut writing = self.write().await?;
        let mut claimed = Vec::with_capacity(orders.len());
        for order in orders {
            let to = following(order, event)?;
            let won = sqlx::query(
                "UPDATE orders SET state = $1, owner = $2, sent_at = $3, version = version + 1 \
                 WHERE id = $4 AND version = $5",
            )
            .bind(to.to_string())
            .bind(owner)
            .bind(now)
            .bind(order.id)
            .bind(order.version)
            .execute(&mut *writing)
            .await?;
            if won.rows_affected() == 0 {
                claimed.push(None);
                continue;
            }
            let mut held = order.clone();
            held.state = to;
            held.owner = Some(owner.to_owned());
            held.sent_at = Some(now);
            held.version += 1;
            if event == Event::CreditStarted {
                held.registration = Some(self.name_registration(&mut writing, order).await?);
            }
            let line = HistoryLine::of(&Change::new(order, event), &held, who, now)?;
            record(&mut writing, held.id, &line).await?;
            claimed.push(Some(held));
        }
        writing.commit().await?;
        Ok(claimed)
    }

    /// The registration that a credit of `order` is sent under: the last one again where nothing was
    /// recorded under it, so that an id it may have had is void; else a new one.
    async fn name_registration(&self, writing: &mut Writing, order: &Order) -> Result<Registration> {
        if let Some(kept) = order.registration.clone().filter(|_| order.state.keeps_reference()) {
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
            "INSERT INTO registrations (reference, order_id, mall, attempt, billed, sends) VALUES ($1, $2, $3, $4, $5, 1)",
        )
        .bind(&reference)
        .bind(order.id)
        .bind(&order.mall)
        .bind(attempt)
        .bind(order.amounts.billed)
        .execute(&mut **writing)
        .await?;
        sqlx::query("UPDATE orders SET reference = $1 WHERE id = $2")
            .bind(&reference)
            .bind(order.id)
            .execute(&mut **writing)
            .await?;
        Ok(Registration { reference, sends: 1, transaction_id: None })
    }

    /// Writes what happened, each change if its order is still as it was read, and ends its claim.
    /// Nothing comes back in the place of an order that somebody else changed.
    pub async fn apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        let mut writing = self.write().await?;
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            let change = doubt_a_taken_id(&mut writing, change).await?;
            applied.push(apply_one(&mut writing, &change, who, now).await?);
        }
        writing.commit().await?;
        Ok(applied)
    }

    /// Enters carrier and 伝票番号, if the order is still as it was read. The caller has asked its state
    /// whether tracking is open.
    pub async fn set_tracking(&self, order: &Order, tracking: &Tracking, who: &str, now: i64) -> Result<bool> {
        let mut writing = self.write().await?;
        let written = sqlx::query(
            "UPDATE orders SET carrier = $1, tracking_number = $2, shipped_on = $3, version = version + 1 \
             WHERE id = $4 AND version = $5",
        )
        .bind(&tracking.carrier)
        .bind(&tracking.number)
        .bind(tracking.shipped_on.to_string())
        .bind(order.id)
        .bind(order.version)
        .execute(&mut *writing)
        .await?;
        if written.rows_affected() == 1 {
            let note = format!("{} {} {}", tracking.carrier, tracking.number, tracking.shipped_on);
            let line = HistoryLine::unmoved(order, now, who, TRACKING_ENTERED, note);
            record(&mut writing, order.id, &line).await?;
        }
        writing.commit().await?;
        Ok(written.rows_affected() == 1)
    }

    /// Every process that holds a claim.
    pub async fn owners(&self) -> Result<Vec<String>> {
        let owners = sqlx::query_scalar("SELECT DISTINCT owner FROM orders WHERE owner IS NOT NULL");
        Ok(owners.fetch_all(&self.pool).await?)
    }

    /// The orders that `owner` holds.
    pub async fn owned_by(&self, owner: &str) -> Result<Vec<Order>> {
        let orders = sqlx::query_as(select_orders!("WHERE o.owner = $1 ORDER BY o.id")).bind(owner);
        Ok(orders.fetch_all(&self.pool).await?)
    }

    /// A transaction that holds the write lock from its start: one that only took it when it first
    /// writes could fail on what another wrote in between.
    async fn write(&self) -> Result<Writing> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

async fn apply_one(writing: &mut Writing, change: &Change<'_>, who: &str, now: i64) -> Result<Option<Applied>> {
    let before = change.order;
    let mut after = before.clone();
    after.state = following(before, change.event)?;
    after.owner = None;
    after.problem = change.problem.clone();
    after.version += 1;
    let written = sqlx::query(
        "UPDATE orders SET state = $1, owner = NULL, problem = $2, version = $3 WHERE id = $4 AND version = $5",
    )
    .bind(after.state.to_string())
    .bind(after.problem.as_ref().map(to_json).transpose()?)
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
    Ok(Some(Applied { order: after, event: change.event }))
}

/// An answer that carries the id of another registration is not about this order: it proves nothing.
async fn doubt_a_taken_id<'a>(writing: &mut Writing, change: &Change<'a>) -> Result<Change<'a>> {
    let Some(id) = change.transaction_id.clone() else { return Ok(change.clone()) };
    let holder: Option<String> = sqlx::query_scalar(
        "SELECT reference FROM registrations WHERE mall = $1 AND transaction_id = $2 AND reference <> $3",
    )
    .bind(&change.order.mall)
    .bind(&id)
    .bind(change.order.reference())
    .fetch_optional(&mut **writing)
    .await?;
    Ok(match holder {
        None => change.clone(),
        Some(reference) => Change {
            event: change.event.doubted(),
            problem: Some(Problem::IdTaken { transaction_id: id, reference }),
            transaction_id: None,
            ..change.clone()
        },
    })
}

async fn record(writing: &mut Writing, order: i64, line: &HistoryLine) -> Result<()> {
    sqlx::query(
        "INSERT INTO events (order_id, at, who, event, from_state, to_state, reference, problem, note, report) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(order)
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

/// The file holds buyers and the shop's ids: nobody but its owner may read it. SQLite gives its side
/// files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The store's prefix, drawn when the store is made. Of several that make it at once, one draws.
async fn own_prefix(pool: &SqlitePool) -> Result<String> {
    sqlx::query("INSERT INTO store (prefix) SELECT $1 WHERE NOT EXISTS (SELECT * FROM store)")
        .bind(random_prefix()?)
        .execute(pool)
        .await?;
    Ok(sqlx::query_scalar("SELECT prefix FROM store").fetch_one(pool).await?)
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

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))
}

fn from_json<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn parse<T: std::str::FromStr<Err = strum::ParseError>>(text: &str) -> sqlx::Result<T> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

impl FromRow<'_, SqliteRow> for Mall {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Mall {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            provider: row.try_get("provider")?,
            settings: from_json(row.try_get("settings")?)?,
            fees: from_json(row.try_get("fees")?)?,
            invoice: parse(row.try_get("invoice")?)?,
        })
    }
}

impl FromRow<'_, SqliteRow> for Order {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Order {
            id: row.try_get("id")?,
            mall: row.try_get("mall")?,
            number: row.try_get("number")?,
            data: from_json(row.try_get("data")?)?,
            amounts: Amounts {
                goods: row.try_get("goods")?,
                shipping_fee: row.try_get("shipping_fee")?,
                imported_fee: row.try_get("imported_fee")?,
                payment_fee: row.try_get("payment_fee")?,
                billed: row.try_get("billed")?,
                fee_band: row.try_get("fee_band")?,
            },
            state: parse(row.try_get("state")?)?,
            registration: registration(row)?,
            tracking: tracking(row)?,
            sent_at: row.try_get("sent_at")?,
            owner: row.try_get("owner")?,
            version: row.try_get("version")?,
            problem: row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?,
        })
    }
}

fn registration(row: &SqliteRow) -> sqlx::Result<Option<Registration>> {
    let Some(reference) = row.try_get("reference")? else { return Ok(None) };
    let (sends, transaction_id) = (row.try_get("sends")?, row.try_get("transaction_id")?);
    Ok(Some(Registration { reference, sends, transaction_id }))
}

fn tracking(row: &SqliteRow) -> sqlx::Result<Option<Tracking>> {
    let Some(carrier) = row.try_get("carrier")? else { return Ok(None) };
    let shipped_on: &str = row.try_get("shipped_on")?;
    let shipped_on =
        clock::parse_date(shipped_on).ok_or_else(|| sqlx::Error::Decode("shipped_on is no date".into()))?;
    Ok(Some(Tracking { carrier, number: row.try_get("tracking_number")?, shipped_on }))
}
