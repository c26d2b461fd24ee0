//! The order list: filters, pages and counts that take as long for a million orders as for a thousand.
//!
//! Pages are found by key, not by counting rows that are passed over: the newest order first, by the time
//! at which it was ordered, and among equals by the store's number. What the list shows stands in columns,
//! so that no order has to be read whole.

use crate::database::Store;
use crate::error::Result;
use crate::list_query::{ListCursor, ListQuery, Position};
use crate::rows::{amounts, is_set, parse, problem};
use crate::sql::list;
use domain::asked::Standing;
use domain::credit_state::{Action, ActionContext, State};
use domain::issue::Issue;
use domain::order::Amounts;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};

/// Orders on a page by default.
pub const PAGE: usize = 50;
/// Most orders on a page: what a browser still draws at once.
pub const MAX_PAGE: usize = 500;

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
    /// What was tried when that problem came up, if it is known.
    pub tried: Option<Action>,
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
    /// Under which it was put to its provider; "" before.
    #[serde(skip)]
    pub reference: String,
    /// Counts every change.
    pub version: i64,
}

impl ListOrder {
    /// Its cursor.
    pub fn cursor(&self) -> ListCursor {
        ListCursor { ordered_at: self.ordered_at, id: self.id }
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        Standing { state: self.state, reference: self.reference.clone() }
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
    o.problem, o.carrier, o.tracking_number, o.shipped_on, o.version, COALESCE(o.reference, '') AS reference, \
    (SELECT m.by_csv FROM malls m WHERE m.id = o.mall) AS by_csv, \
    (SELECT r.transaction_id FROM registrations r WHERE r.reference = o.reference) AS transaction_id FROM orders o ";

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

    /// The lines of the orders `ids`, newest first.
    async fn lines(&self, ids: &[i64]) -> Result<Vec<ListOrder>> {
        let sql = format!("{LINES}WHERE o.id IN ({}) ORDER BY o.ordered_at DESC, o.id DESC", list(ids));
        Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(self.pool()?).await?)
    }
}

impl FromRow<'_, AnyRow> for ListOrder {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let (problem, tried) = problem(row)?;
        Ok(Self {
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
            problem,
            tried,
            transaction_id: row.try_get("transaction_id")?,
            carrier: row.try_get("carrier")?,
            tracking_number: row.try_get("tracking_number")?,
            shipped_on: row.try_get("shipped_on")?,
            results_by_csv: is_set(row, "by_csv")?,
            reference: row.try_get("reference")?,
            version: row.try_get("version")?,
        })
    }
}
