//! How the orders of a list are found: along the indexes of its filters, or along those of a search.

use crate::database::Store;
use crate::error::Result;
use crate::list_query::{ListQuery, MAX_SEARCH, Position};
use crate::sql::{Conditions, VALUES_PER_QUERY, list, search_key};
use sqlx::AssertSqlSafe;
use std::collections::HashSet;

/// How many orders of the list a search scans before it uses its own indexes. Where one order in forty matches, that
/// fills a page, however many match; where fewer do, there are few enough to sort.
const NEARBY: usize = 2_000;
/// No limit, as a number that both databases accept.
const ALL: i64 = i64::MAX;
/// What is searched: 注文番号 and 注文者氏名.
const KEY_IN_RANGE: [&str; 2] =
    ["(o.number_key >= $? AND o.number_key < $?)", "(o.buyer_key >= $? AND o.buyer_key < $?)"];

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

impl Store {
    /// The orders that `query` lets through, in the order of the list, at most `limit`.
    pub async fn matching(&self, query: &ListQuery, limit: usize) -> Result<Vec<i64>> {
        self.found(query, Position::First, limit).await
    }

    /// The numbers of at most `limit` orders that `query` lets through, beginning at `position`.
    pub(super) async fn found(&self, query: &ListQuery, position: Position, limit: usize) -> Result<Vec<i64>> {
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

    /// The matches of a search along its own indexes: by number and by buyer, each sorted separately.
    async fn found_anywhere(&self, search: &Search<'_>) -> Result<Vec<i64>> {
        let Search { query, position, range, order, limit } = search;
        let mut conditions = query.conditions(*position)?;
        let rest = std::mem::take(&mut conditions.sql);
        let mut parts = Vec::new();
        for in_range in KEY_IN_RANGE {
            conditions.and(in_range, range.iter().map(Vec::as_slice))?;
            let searched = std::mem::take(&mut conditions.sql);
            // The limit makes the database search first, even where the other conditions have an index of their own.
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
        Ok(sqlx::query_scalar_with(AssertSqlSafe(sql), conditions.values).fetch_all(self.pool()?).await?)
    }
}
