//! Orders as they come in and as they are read.

use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::list_query::ListQuery;
use crate::rows::{self, from_json, problem_json, to_json};
use crate::sql::{Conditions, VALUES_PER_QUERY, list, retried, search_key, states, take_numbers};
use crate::wide::{RowValues, fetch_rows, read_rows};
use domain::credit_state::{Action, State};
use domain::identifier::match_key;
use domain::issue::Issue;
use domain::mall::{Mall, Start};
use domain::order::{Amounts, Order, OrderData};
use domain::{automation, clock};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;
use sqlx::error::BoxDynError;
use std::collections::{HashMap, HashSet};
use time::Date;

/// Orders that one transaction inserts: others wait for it, so a month's file is not inserted in one.
const ORDERS_PER_INSERT: usize = 1_000;

/// Orders that one statement inserts: SQLite looks for the name of each value among all before it, so that the time for
/// a row grows with the rows.
const ORDERS_PER_STATEMENT: usize = 20;

/// An order to be inserted, or the corrected content of one.
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
    /// Why an operator has to look at it before it is sent.
    pub problem: Option<Issue>,
}

/// An order that seems to be the same as another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimilarOrder {
    /// What its mall is called.
    pub mall: String,
    /// The mall's number of it.
    pub number: String,
}

/// By what two orders seem to be one: what their numbers come to however they are written, who ordered on which day, and
/// for how much before any fee rule.
#[derive(PartialEq, Eq, Hash)]
struct Traits {
    match_key: String,
    buyer: Vec<u8>,
    day: Date,
    yen: [i64; 3],
}

impl Traits {
    fn of(order: &NewOrder) -> Self {
        let NewOrder { number, data, amounts, .. } = order;
        Self {
            match_key: match_key(number),
            buyer: search_key(&data.buyer.name),
            day: data.ordered_at.date(),
            yen: [amounts.goods, amounts.shipping_fee, amounts.imported_fee],
        }
    }
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

impl Store {
    /// Inserts orders of `mall`; for each whether it was new. One that exists stays as it is.
    pub async fn insert_orders(&self, mall: &Mall, orders: &[NewOrder], now: i64) -> Result<Vec<bool>> {
        let mut new = Vec::with_capacity(orders.len());
        for orders in orders.chunks(ORDERS_PER_INSERT) {
            new.extend(retried!(self.try_insert_orders(mall, orders, now))?);
        }
        Ok(new)
    }

    async fn try_insert_orders(&self, mall: &Mall, orders: &[NewOrder], now: i64) -> Result<Vec<bool>> {
        let mut tx = self.write().await?;
        let start = self.credit_start(&mut tx, &mall.id).await?;
        let first = take_numbers(&mut tx, "order", orders.len()).await?;
        let mut counts = StateCounts::starting_with(Some(first));
        let begins = |order: &NewOrder| order.problem.is_none() && start.holds(order.order_status.as_deref());
        let due_at = |order: &NewOrder| begins(order).then_some(now);
        let rows: Vec<_> =
            (first..).zip(orders).map(|(id, order)| InsertedOrder { id, order, due_at: due_at(order) }).collect();
        let new = insert(&mut tx, mall, &rows).await?;
        counts.add(&mall.id, &mall.provider, State::NotAsked, i64::try_from(new.len()).unwrap_or(i64::MAX));
        counts.write(&mut tx).await?;
        tx.commit().await?;
        Ok(rows.iter().map(|row| new.contains(&row.id)).collect())
    }

    /// When the automation starts credit at `mall`, locked until this transaction ends: an order either waited when
    /// that was changed, or comes after it.
    async fn credit_start(&self, tx: &mut WriteTransaction, mall: &str) -> Result<Start> {
        let sql = format!("SELECT automation, by_csv FROM malls WHERE id = $1{}", self.dialect.for_share());
        let (automation, by_csv): (String, i64) =
            sqlx::query_as(AssertSqlSafe(sql)).bind(mall).fetch_one(&mut **tx).await?;
        let mall = Mall { automation: from_json(&automation)?, by_csv: by_csv != 0, ..Mall::default() };
        Ok(automation::start(&mall, Action::Credit))
    }

    /// The orders that match `filter`, oldest first.
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
        let found = sqlx::query_with(AssertSqlSafe(sql), conditions.values).try_map(order_of_row);
        Ok(found.fetch_all(self.pool()?).await?)
    }

    /// The orders `ids`, newest first as in the list.
    pub async fn orders_of(&self, ids: &[i64]) -> Result<Vec<Order>> {
        let sql = format!("{}WHERE o.id IN ({}) ORDER BY o.ordered_at DESC, o.id DESC", select_orders!(""), list(ids));
        // Each list is another text, which would displace statements that are kept prepared.
        let orders = sqlx::query(AssertSqlSafe(sql)).persistent(false).try_map(order_of_row);
        Ok(orders.fetch_all(self.pool()?).await?)
    }

    /// Those of `ids` for which there is no order.
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
        let found = sqlx::query(select_orders!("WHERE o.id = $1")).bind(id).try_map(order_of_row);
        Ok(found.fetch_optional(self.pool()?).await?)
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

    /// The orders of all malls that have these tracking numbers.
    pub async fn orders_tracked<'n>(&self, numbers: impl IntoIterator<Item = &'n str>) -> Result<Vec<Order>> {
        let numbers: Vec<&str> = numbers.into_iter().collect();
        let mut found = Vec::new();
        for numbers in numbers.chunks(VALUES_PER_QUERY) {
            let mut conditions = Conditions::default();
            let places = vec!["$?"; numbers.len()].join(", ");
            conditions.and(&format!("o.tracking_number IN ({places})"), numbers.iter().copied())?;
            let sql = format!("{}{} ORDER BY o.id", select_orders!(""), conditions.sql);
            let orders = sqlx::query_with(AssertSqlSafe(sql), conditions.values).try_map(order_of_row);
            found.extend(orders.fetch_all(self.pool()?).await?);
        }
        Ok(found)
    }

    /// The orders with these numbers of the store, however many.
    pub async fn orders_by_id(&self, ids: &[i64]) -> Result<Vec<Order>> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(VALUES_PER_QUERY) {
            found.extend(self.orders_of(ids).await?);
        }
        Ok(found)
    }

    /// For each of `orders` of `mall`, at its index, another order that seems to be the same ([`Traits`]): one that is
    /// stored, of any mall, unless it came to its end and may be ordered anew; else one before it among `orders`.
    pub async fn similar_orders(&self, mall: &Mall, orders: &[&NewOrder]) -> Result<Vec<Option<SimilarOrder>>> {
        let sql = format!(
            "WITH v (place, match_key, since, until, goods, shipping_fee, imported_fee) AS (VALUES {{rows}}) \
             SELECT v.place, o.mall, m.name, o.number, o.buyer_key FROM v JOIN orders o ON o.match_key = v.match_key \
             AND o.ordered_at >= v.since AND o.ordered_at < v.until AND o.goods = v.goods \
             AND o.shipping_fee = v.shipping_fee AND o.imported_fee = v.imported_fee \
             JOIN malls m ON m.id = o.mall WHERE o.state NOT IN ({}) ORDER BY o.id DESC",
            states(State::is_void)
        );
        let traits: Vec<(usize, Traits)> = orders.iter().map(|order| Traits::of(order)).enumerate().collect();
        // The buyers are compared below: their index would be taken, and one buyer may have all orders of a day.
        let found: Vec<(i64, String, String, String, Vec<u8>)> = read_rows(
            self,
            &sql,
            &traits,
            |row, (place, Traits { match_key, day, yen: [goods, shipping, fee], .. })| {
                let midnight = |day: Date| clock::in_milliseconds(day.midnight());
                row.add(*place as i64)?.add(match_key)?.add(midnight(*day))?;
                row.add(day.next_day().map_or(i64::MAX, midnight))?.add(*goods)?.add(*shipping)?.add(*fee)?;
                Ok(())
            },
        )
        .await?;
        let mut stored = HashMap::new();
        for (place, id, name, number, buyer) in found {
            let is_other = |at: &usize| {
                traits.get(*at).is_some_and(|(_, traits)| traits.buyer == buyer)
                    && orders.get(*at).is_some_and(|order| id != mall.id || number != order.number)
            };
            if let Some(at) = usize::try_from(place).ok().filter(is_other) {
                stored.insert(at, SimilarOrder { mall: name, number });
            }
        }
        let mut first = HashMap::new();
        let similar = traits.into_iter().zip(orders).map(|((at, traits), order)| {
            let own = SimilarOrder { mall: mall.name.clone(), number: order.number.clone() };
            let before = first.entry(traits).or_insert_with(|| own.clone());
            stored.remove(&at).or((*before != own).then(|| before.clone()))
        });
        Ok(similar.collect())
    }

    async fn orders_named(
        &self,
        mall: &str,
        condition: impl Fn(&str) -> String,
        mut names: Vec<&str>,
    ) -> Result<Vec<Order>> {
        // PostgreSQL stores no text with NUL and refuses a query for one.
        names.retain(|name| !name.contains('\0'));
        let mut found = Vec::new();
        for names in names.chunks(VALUES_PER_QUERY) {
            let mut conditions = Conditions::default();
            conditions.and("o.mall = $?", [mall])?;
            let list = vec!["$?"; names.len()].join(", ");
            conditions.and(&condition(&list), names.iter().copied())?;
            let sql = format!("{}{}", select_orders!(""), conditions.sql);
            let orders = sqlx::query_with(AssertSqlSafe(sql), conditions.values).try_map(order_of_row);
            found.extend(orders.fetch_all(self.pool()?).await?);
        }
        Ok(found)
    }

    /// Those of the orders `ids` that can be read. The others are logged: one broken row must not block the rest.
    pub(super) async fn readable(&self, ids: &[i64]) -> Result<Vec<Order>> {
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
}

fn order_of_row(row: AnyRow) -> sqlx::Result<Order> {
    rows::order(&row)
}

/// An order to be inserted.
pub(super) struct InsertedOrder<'a> {
    /// The store's number of it.
    pub(super) id: i64,
    pub(super) order: &'a NewOrder,
    /// When the automation looks at it.
    pub(super) due_at: Option<i64>,
}

/// Inserts orders of `mall`; the numbers of those that were new.
pub(super) async fn insert(
    tx: &mut WriteTransaction,
    mall: &Mall,
    orders: &[InsertedOrder<'_>],
) -> Result<HashSet<i64>> {
    let sql = "INSERT INTO orders (data, ordered_at, buyer, recipient, item, items, buyer_key, invoice, goods, \
               shipping_fee, imported_fee, payment_fee, billed, fee_band, order_status, id, mall, number, number_key, \
               provider, state, due_at, tries, version, problem, match_key) VALUES {rows} \
               ON CONFLICT (mall, number) DO NOTHING RETURNING id";
    let state = State::NotAsked.to_string();
    let mut new = HashSet::with_capacity(orders.len());
    for orders in orders.chunks(ORDERS_PER_STATEMENT) {
        let inserted: Vec<(i64,)> = fetch_rows(tx, sql, orders, |row, InsertedOrder { id, order, due_at }| {
            add_content(row, order)?
                .add(*id)?
                .add(mall.id.as_str())?
                .add(order.number.as_str())?
                .add(search_key(&order.number))?
                .add(mall.provider.as_str())?
                .add(state.as_str())?
                .add(*due_at)?
                .add(0_i64)?
                .add(0_i64)?
                .add(problem_json(order.problem.as_ref(), None)?)?
                .add(match_key(&order.number))?;
            Ok(())
        })
        .await?;
        new.extend(inserted.into_iter().map(|(id,)| id));
    }
    Ok(new)
}

/// Adds the fifteen columns that an order's file decides.
pub(super) fn add_content<'r, 'a>(
    row: &'r mut RowValues<'a>,
    order: &NewOrder,
) -> std::result::Result<&'r mut RowValues<'a>, BoxDynError> {
    let NewOrder { data, amounts, order_status, .. } = order;
    row.add(to_json(data)?)?
        .add(clock::in_milliseconds(data.ordered_at))?
        .add(data.buyer.name.as_str())?
        .add(data.recipient.as_ref().map(|recipient| recipient.name.as_str()))?
        .add(data.items.first().map_or("", |item| item.name.as_str()))?
        .add(data.items.len() as i64)?
        .add(search_key(&data.buyer.name))?
        .add(data.invoice.map(|invoice| invoice.to_string()))?
        .add(amounts.goods)?
        .add(amounts.shipping_fee)?
        .add(amounts.imported_fee)?
        .add(amounts.payment_fee)?
        .add(amounts.billed)?
        .add(amounts.fee_band.map(i64::from))?
        .add(order_status.as_deref())
}
