//! The order list: filters, pages and counts that take as long for a million orders as for a thousand.
//!
//! Pages are found by key, not by counting rows that are passed over: the newest order first, by the time
//! at which it was ordered, and among equals by the store's number. What the list shows stands in columns,
//! so that no order has to be read whole.

use crate::domain::clock;
use crate::domain::credit_state::{Action, ActionContext, State};
use crate::domain::issue::Issue;
use crate::domain::order::Amounts;
use crate::store::database::Store;
use crate::store::error::Result;
use crate::store::rows::{amounts, from_json, is_set, parse};
use crate::store::sql::{Conditions, VALUES_PER_QUERY, list, search_key};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use time::Date;

/// Orders on a page unless told otherwise.
pub const PAGE: usize = 50;
/// Most orders on a page: what a browser still draws at once.
pub const MAX_PAGE: usize = 500;
/// How many orders of the list a search scans before it uses its own indexes. Where one order in forty matches, that
/// fills a page, however many match; where fewer do, there are few enough to sort.
const NEARBY: usize = 2_000;
/// No limit, as a number that both databases accept.
const ALL: i64 = i64::MAX;
/// What is searched: 注文番号 and 注文者氏名.
const KEY_IN_RANGE: [&str; 2] =
    ["(o.number_key >= $? AND o.number_key < $?)", "(o.buyer_key >= $? AND o.buyer_key < $?)"];
/// Longest text that is searched for, in characters: more than any order number or name.
pub const MAX_SEARCH: usize = 100;

/// Which orders a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListQuery {
    /// Of this mall.
    pub mall: Option<String>,
    /// Registered at this provider, or to be put to it.
    pub provider: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// With this 受注ステータス.
    pub order_status: Option<String>,
    /// Ordered on this day in Japan or later.
    pub since: Option<Date>,
    /// Ordered on this day in Japan or earlier.
    pub until: Option<Date>,
    /// With or without a tracking number.
    pub tracked: Option<bool>,
    /// Whose order number or buyer's name begins with this; spaces, capitals and the width of letters do not
    /// matter.
    pub search: Option<String>,
}

/// A cursor of the list: the order that a page begins after or before. As text it goes into URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    ordered_at: i64,
    id: i64,
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ordered_at, self.id)
    }
}

/// The text is not a cursor of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of the list")]
pub struct InvalidCursor;

impl FromStr for ListCursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> std::result::Result<Self, InvalidCursor> {
        let (ordered_at, id) = text.split_once('.').ok_or(InvalidCursor)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidCursor);
        Ok(ListCursor { ordered_at: number(ordered_at)?, id: number(id)? })
    }
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// The newest orders.
    #[default]
    First,
    /// Those that follow this one: older.
    After(ListCursor),
    /// Those before this one: newer.
    Before(ListCursor),
    /// The oldest orders.
    Last,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListOrder {
    /// The store's number.
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// 受注番号: the mall's number.
    pub number: String,
    /// 注文日時, in milliseconds since 1970.
    pub ordered_at: i64,
    /// 受注ステータス
    pub order_status: Option<String>,
    /// 注文者氏名
    pub buyer: String,
    /// 送り先, if it is not the buyer.
    pub recipient: Option<String>,
    /// 商品名 of the first line.
    pub item: String,
    /// Lines of the order.
    pub items: i64,
    /// What it costs.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// The provider where it is registered; before that, where it would be.
    pub provider: String,
    /// Where its credit stands.
    pub state: State,
    /// Why it is not where its operator wants it.
    pub problem: Option<Issue>,
    /// The provider's id.
    pub transaction_id: Option<String>,
    /// The carrier's id.
    pub carrier: Option<String>,
    /// 伝票番号
    pub tracking_number: Option<String>,
    /// 出荷日
    pub shipped_on: Option<String>,
    /// Its mall takes credit results by CSV, so no credit is run.
    pub results_by_csv: bool,
    /// Counts every change.
    pub version: i64,
}

impl ListOrder {
    /// Its cursor.
    pub fn cursor(&self) -> ListCursor {
        ListCursor { ordered_at: self.ordered_at, id: self.id }
    }

    /// What may be done with it now.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        self.state.actions(ActionContext {
            tracking_entered: self.tracking_number.is_some(),
            problem: self.problem.is_some(),
            results_by_csv: self.results_by_csv,
        })
    }

    /// 合計金額: what the mall exported, before the fee rule.
    pub fn total(&self) -> i64 {
        self.amounts.goods + self.amounts.shipping_fee + self.amounts.imported_fee
    }
}

/// A page of the list, newest order first.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// The lines.
    pub orders: Vec<ListOrder>,
    /// If there are newer orders: they are those before this one.
    pub newer: Option<ListCursor>,
    /// If there are older orders: they are those after this one.
    pub older: Option<ListCursor>,
}

/// The lines of a page, whose orders are chosen first, by number: what is long is read for these alone.
const LINES: &str = "SELECT o.id, o.mall, o.number, o.ordered_at, o.order_status, o.buyer, o.recipient, o.item, \
    o.items, o.goods, o.shipping_fee, o.imported_fee, o.payment_fee, o.billed, o.fee_band, o.provider, o.state, \
    o.problem, o.carrier, o.tracking_number, o.shipped_on, o.version, \
    (SELECT m.by_csv FROM malls m WHERE m.id = o.mall) AS by_csv, \
    (SELECT r.transaction_id FROM registrations r WHERE r.reference = o.reference) AS transaction_id FROM orders o ";

/// A search, and where it begins.
struct Search<'a> {
    query: &'a ListQuery,
    position: Position,
    /// Of the keys.
    range: [Vec<u8>; 2],
    /// In SQL.
    order: &'static str,
    limit: usize,
}

/// Every text that begins as the search does lies between these. No text has the last byte.
fn search_range(search: &str) -> [Vec<u8>; 2] {
    let from = search_key(&search.chars().take(MAX_SEARCH).collect::<String>());
    let to = [&from[..], &[0xff]].concat();
    [from, to]
}

impl ListQuery {
    /// All of it but the search, from `position` on.
    fn conditions(&self, position: Position) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        if let Some(mall) = &self.mall {
            conditions.and("o.mall = $?", [mall])?;
        }
        if let Some(provider) = &self.provider {
            conditions.and("o.provider = $?", [provider])?;
        }
        if let Some(state) = self.state {
            conditions.and("o.state = $?", [state.to_string()])?;
        }
        if let Some(status) = &self.order_status {
            conditions.and("o.order_status = $?", [status])?;
        }
        if let Some(since) = self.since {
            conditions.and("o.ordered_at >= $?", [clock::in_milliseconds(since.midnight())])?;
        }
        if let Some(day_after) = self.until.and_then(Date::next_day) {
            conditions.and("o.ordered_at < $?", [clock::in_milliseconds(day_after.midnight())])?;
        }
        match self.tracked {
            Some(true) => conditions.plain("o.tracking_number IS NOT NULL"),
            Some(false) => conditions.plain("o.tracking_number IS NULL"),
            None => {}
        }
        match position {
            Position::After(cursor) => {
                conditions.and("(o.ordered_at, o.id) < ($?, $?)", [cursor.ordered_at, cursor.id])?
            }
            Position::Before(cursor) => {
                conditions.and("(o.ordered_at, o.id) > ($?, $?)", [cursor.ordered_at, cursor.id])?
            }
            Position::First | Position::Last => {}
        }
        Ok(conditions)
    }
}

impl Store {
    /// A page of the list.
    pub async fn page(&self, query: &ListQuery, position: Position, size: usize) -> Result<ListPage> {
        let size = size.clamp(1, MAX_PAGE);
        // One more than is shown tells whether there are more.
        let mut found = self.found(query, position, size + 1).await?;
        let more = found.len() > size;
        found.truncate(size);
        let orders = self.lines(&found).await?;
        let (is_first, is_last) = match position {
            Position::First => (true, !more),
            Position::After(_) => (false, !more),
            Position::Before(_) => (!more, false),
            Position::Last => (!more, true),
        };
        let newer = orders.first().filter(|_| !is_first).map(ListOrder::cursor);
        let older = orders.last().filter(|_| !is_last).map(ListOrder::cursor);
        Ok(ListPage { orders, newer, older })
    }

    /// The orders that `query` lets through, in the order of the list, at most `limit`.
    pub async fn matching(&self, query: &ListQuery, limit: usize) -> Result<Vec<i64>> {
        self.found(query, Position::First, limit).await
    }

    /// The lines of the orders `ids`, newest first.
    async fn lines(&self, ids: &[i64]) -> Result<Vec<ListOrder>> {
        let sql = format!("{LINES}WHERE o.id IN ({}) ORDER BY o.ordered_at DESC, o.id DESC", list(ids));
        Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.pool).await?)
    }

    /// The numbers of at most `limit` orders that `query` lets through, beginning at `position`.
    async fn found(&self, query: &ListQuery, position: Position, limit: usize) -> Result<Vec<i64>> {
        let limit = limit.min(ALL as usize);
        let order = match position {
            Position::First | Position::After(_) => "ORDER BY o.ordered_at DESC, o.id DESC",
            Position::Before(_) | Position::Last => "ORDER BY o.ordered_at, o.id",
        };
        let Some(search) = &query.search else {
            let conditions = query.conditions(position)?;
            let sql = format!("SELECT o.id FROM orders o {} {order} LIMIT {limit}", conditions.sql);
            return self.numbers(sql, conditions).await;
        };
        let search = Search { query, position, range: search_range(search), order, limit };
        if limit <= NEARBY {
            let nearby = self.found_nearby(&search).await?;
            if nearby.len() == limit {
                return Ok(nearby);
            }
        }
        self.found_anywhere(&search).await
    }

    /// What a search finds among the next orders of the list: enough, if what is searched for is common.
    async fn found_nearby(&self, search: &Search<'_>) -> Result<Vec<i64>> {
        let Search { query, position, range, order, limit } = search;
        let [number_in_range, buyer_in_range] = KEY_IN_RANGE;
        let mut conditions = query.conditions(*position)?;
        let rest = std::mem::take(&mut conditions.sql);
        conditions.and(number_in_range, range.iter().map(Vec::as_slice))?;
        let by_number = std::mem::take(&mut conditions.sql).replacen("WHERE", "", 1);
        conditions.and(buyer_in_range, range.iter().map(Vec::as_slice))?;
        let by_buyer = conditions.sql.replacen("WHERE", "", 1);
        let sql = format!(
            "SELECT o.id FROM (SELECT o.id, o.ordered_at, o.number_key, o.buyer_key FROM orders o {rest} {order} \
             LIMIT {NEARBY}) AS o WHERE {by_number} OR {by_buyer} {order} LIMIT {limit}"
        );
        self.numbers(sql, conditions).await
    }

    /// What a search finds, along its own indexes: by number and by buyer, each sorted by itself.
    async fn found_anywhere(&self, search: &Search<'_>) -> Result<Vec<i64>> {
        let Search { query, position, range, order, limit } = search;
        let mut conditions = query.conditions(*position)?;
        let rest = std::mem::take(&mut conditions.sql);
        let mut parts = Vec::new();
        for in_range in KEY_IN_RANGE {
            conditions.and(in_range, range.iter().map(Vec::as_slice))?;
            let searched = std::mem::take(&mut conditions.sql);
            // The limit has the search done first, whatever other index the other conditions have.
            parts.push(format!(
                "SELECT * FROM (SELECT o.id, o.ordered_at FROM (SELECT * FROM orders o {searched} LIMIT {ALL}) AS o \
                 {rest} {order} LIMIT {limit}) AS part"
            ));
        }
        let sql = format!("SELECT o.id FROM ({}) AS o {order} LIMIT {limit}", parts.join(" UNION "));
        self.numbers(sql, conditions).await
    }

    /// Those of the orders `ids` that the conditions of `query` let through.
    pub(super) async fn among(&self, ids: &[i64], query: &ListQuery) -> Result<HashSet<i64>> {
        let mut found = HashSet::new();
        for ids in ids.chunks(VALUES_PER_QUERY) {
            let mut conditions = query.conditions(Position::First)?;
            conditions.plain(&format!("o.id IN ({})", list(ids)));
            let sql = format!("SELECT o.id FROM orders o {}", conditions.sql);
            found.extend(self.numbers(sql, conditions).await?);
        }
        Ok(found)
    }

    async fn numbers(&self, sql: String, conditions: Conditions) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar_with(AssertSqlSafe(sql), conditions.values).fetch_all(&self.pool).await?)
    }
}

impl FromRow<'_, AnyRow> for ListOrder {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(ListOrder {
            id: row.try_get("id")?,
            mall: row.try_get("mall")?,
            number: row.try_get("number")?,
            ordered_at: row.try_get("ordered_at")?,
            order_status: row.try_get("order_status")?,
            buyer: row.try_get("buyer")?,
            recipient: row.try_get("recipient")?,
            item: row.try_get("item")?,
            items: row.try_get("items")?,
            amounts: amounts(row)?,
            provider: row.try_get("provider")?,
            state: parse(row.try_get("state")?)?,
            problem: row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?,
            transaction_id: row.try_get("transaction_id")?,
            carrier: row.try_get("carrier")?,
            tracking_number: row.try_get("tracking_number")?,
            shipped_on: row.try_get("shipped_on")?,
            results_by_csv: is_set(row, "by_csv")?,
            version: row.try_get("version")?,
        })
    }
}
