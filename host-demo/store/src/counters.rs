//! How many orders are in each state. Counting a million orders takes longer than a page may, so every transaction
//! writes by how much it changed the counts.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::parse;
use crate::sql::Conditions;
use crate::wide::write_rows;
use domain::credit_state::State;
use domain::order::Order;
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

/// Transactions that count at once on PostgreSQL without waiting for each other: more than processes times calls side
/// by side is of no use, and a page adds up all of them.
const COUNT_SLOTS: i64 = 16;

/// By how much one transaction changes the number of orders in each state.
#[derive(Default)]
pub(super) struct StateCounts {
    slot: i64,
    changes: BTreeMap<(String, String, State), i64>,
}

impl StateCounts {
    /// Of a transaction whose first order is `id`.
    pub(super) fn starting_with(id: Option<i64>) -> Self {
        Self { slot: id.unwrap_or_default() % COUNT_SLOTS, ..Self::default() }
    }

    pub(super) fn add(&mut self, mall: &str, provider: &str, state: State, orders: i64) {
        *self.changes.entry((mall.to_owned(), provider.to_owned(), state)).or_default() += orders;
    }

    pub(super) fn moved(&mut self, before: &Order, after: &Order) {
        self.add(&before.mall, &before.provider, before.state, -1);
        self.add(&after.mall, &after.provider, after.state, 1);
    }

    /// Last in its transaction, and sorted, so that concurrent transactions cannot deadlock.
    pub(super) async fn write(self, tx: &mut WriteTransaction) -> Result<()> {
        let changes: Vec<_> = self.changes.into_iter().filter(|(_, orders)| *orders != 0).collect();
        let sql = "INSERT INTO counts (mall, provider, state, slot, orders) VALUES {rows} \
                   ON CONFLICT (mall, provider, state, slot) DO UPDATE SET orders = counts.orders + excluded.orders";
        write_rows(tx, sql, &changes, |row, ((mall, provider, state), orders)| {
            row.add(mall)?.add(provider)?.add(state.to_string())?.add(self.slot)?.add(*orders)?;
            Ok(())
        })
        .await
    }
}

/// What a change of provider would mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOrders {
    /// Orders that may be live, by the provider with which they stay until they are done.
    pub staying: BTreeMap<String, i64>,
    /// Orders for which no credit was ever requested: they go to the new provider.
    pub not_asked: i64,
}

impl Store {
    /// How many orders are in each state, of one mall or provider or of all.
    pub async fn counts(&self, mall: Option<&str>, provider: Option<&str>) -> Result<BTreeMap<State, i64>> {
        let mut conditions = Conditions::default();
        if let Some(mall) = mall {
            conditions.and("mall = $?", [mall])?;
        }
        if let Some(provider) = provider {
            conditions.and("provider = $?", [provider])?;
        }
        let sql = format!(
            "SELECT state, CAST(SUM(orders) AS BIGINT) AS orders FROM counts {} GROUP BY state",
            conditions.sql
        );
        let rows: Vec<(String, i64)> =
            sqlx::query_as_with(AssertSqlSafe(sql), conditions.values).fetch_all(self.pool()?).await?;
        let count = |(state, orders): (String, i64)| Ok((parse(&state)?, orders));
        rows.into_iter().filter(|(_, orders)| *orders != 0).map(count).collect()
    }

    /// What a change of provider would mean for the open orders of `mall`.
    pub async fn open_orders(&self, mall: &str) -> Result<OpenOrders> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT provider, state, CAST(SUM(orders) AS BIGINT) AS orders FROM counts WHERE mall = $1 \
             GROUP BY provider, state",
        )
        .bind(mall)
        .fetch_all(self.pool()?)
        .await?;
        let mut open = OpenOrders::default();
        for (provider, state, orders) in rows.into_iter().filter(|(.., orders)| *orders > 0) {
            let state: State = parse(&state)?;
            if state.may_be_live() {
                *open.staying.entry(provider).or_default() += orders;
            } else if state == State::NotAsked {
                open.not_asked += orders;
            }
        }
        Ok(open)
    }
}
