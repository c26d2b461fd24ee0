//! Batches (処理パネル): one action on many orders, kept so that it survives a process and several processes share it.

use crate::batch_candidates::provider_column;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::idempotency::{IdempotentRequest, begun};
use crate::rows::{from_json, parse, to_json};
use crate::sql::take_numbers;
use crate::wide::write_rows;
use domain::asked::Standing;
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};
use std::collections::HashSet;

/// Most orders in a batch: more than a shop ticks in a day, few enough to show every row.
pub const MAX_BATCH: usize = 50_000;

/// One action on many orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// The store's number.
    pub id: i64,
    /// What is done.
    pub action: Action,
    /// Who has it done.
    pub who: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970; absent while rows are not done.
    pub finished_at: Option<i64>,
}

/// An order of a new batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOrder {
    /// The store's number.
    pub id: i64,
    /// Where it stood as whoever asks for the batch saw it; nothing where the action is asked for as the order is when
    /// the batch is made.
    pub seen: Option<Standing>,
    /// It is sent though it may be registered already: whoever asks for the batch was told.
    pub confirmed: bool,
}

impl From<&i64> for BatchOrder {
    fn from(id: &i64) -> Self {
        Self { id: *id, seen: None, confirmed: false }
    }
}

/// A batch that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewBatch<'a> {
    /// What is done.
    pub action: Action,
    /// Who has it done.
    pub who: &'a str,
    /// The request that asks for it: with the batch it is written down that this request has made it.
    pub request: Option<IdempotentRequest<'a>>,
}

impl<'a> NewBatch<'a> {
    /// A batch that no request asks for.
    pub fn new(action: Action, who: &'a str) -> Self {
        Self { action, who, request: None }
    }
}

/// How far a batch is, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct BatchProgress {
    /// Not begun.
    pub waiting: i64,
    /// Being done.
    pub taken: i64,
    /// 成功
    pub success: i64,
    /// 失敗
    pub failure: i64,
    /// 不明
    pub unknown: i64,
}

impl BatchProgress {
    /// All rows.
    pub fn total(&self) -> i64 {
        self.waiting + self.taken + self.done()
    }

    /// Rows with a result.
    pub fn done(&self) -> i64 {
        self.success + self.failure + self.unknown
    }
}

/// A row of a batch, as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchRow {
    /// Its index in the order in which orders were ticked, from 0.
    pub index: i64,
    /// The store's number of the order.
    pub order: i64,
    /// The mall's id.
    pub mall: String,
    /// The mall's number of the order.
    pub number: String,
    /// Where the order stands now.
    #[serde(skip)]
    pub standing: Standing,
    /// The provider where the order is registered, or would be.
    #[serde(skip)]
    pub provider: String,
    /// How it ended; absent while it is not done.
    pub outcome: Option<Outcome>,
    /// Where the order stood when it was done.
    pub state: Option<State>,
    /// The provider's id, if known then.
    pub transaction_id: Option<String>,
    /// What stood in the way.
    pub problem: Option<Issue>,
}

/// That the batch `b` is open and all its rows are done: an index for each of the two kinds of rows that are not.
macro_rules! is_over {
    () => {
        "b.finished_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM batch_rows r WHERE r.batch = b.id AND r.progress = 'waiting') AND NOT EXISTS \
         (SELECT 1 FROM batch_rows r WHERE r.batch = b.id AND r.progress = 'taken')"
    };
}

impl Store {
    /// Makes a batch of `orders`, in this order, each once; its number. Orders beyond [`MAX_BATCH`] are the caller's to
    /// refuse.
    pub async fn add_batch(
        &self,
        new: NewBatch<'_>,
        orders: impl IntoIterator<Item: Into<BatchOrder>>,
        now: i64,
    ) -> Result<i64> {
        let NewBatch { action, who, request } = new;
        let mut tx = self.write().await?;
        let batch = take_numbers(&mut tx, "batch", 1).await?;
        sqlx::query("INSERT INTO batches (id, action, who, created_at) VALUES ($1, $2, $3, $4)")
            .bind(batch)
            .bind(action.to_string())
            .bind(who)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let mut known = HashSet::new();
        let orders = orders.into_iter().map(Into::into).filter(|order: &BatchOrder| known.insert(order.id));
        let provider = provider_column(action);
        let sql = format!(
            "WITH v (batch, place, id, state, reference, confirmed) AS (VALUES {{rows}}) \
             INSERT INTO batch_rows (batch, place, order_id, provider, mall, progress, asked_state, asked_reference, \
             confirmed) \
             SELECT v.batch, v.place, o.id, {provider}, o.mall, 'waiting', COALESCE(v.state, o.state), \
             COALESCE(v.reference, o.reference, ''), v.confirmed FROM v JOIN orders o ON o.id = v.id \
             JOIN malls m ON m.id = o.mall JOIN accounts a ON a.id = m.account"
        );
        write_rows(&mut tx, &sql, &orders.enumerate().collect::<Vec<_>>(), |row, (place, order)| {
            let seen = order.seen.as_ref();
            row.add(batch)?.add(*place as i64)?.add(order.id)?;
            row.add(seen.map(|seen| seen.state.to_string()))?.add(seen.map(|seen| &seen.reference))?;
            row.add(i64::from(order.confirmed))?;
            Ok(())
        })
        .await?;
        finish_batch(&mut tx, batch, now).await?;
        if let Some(request) = request {
            begun(&mut tx, request, batch).await?;
        }
        tx.commit().await?;
        Ok(batch)
    }

    /// The batch `id`.
    pub async fn batch(&self, id: i64) -> Result<Option<Batch>> {
        Ok(sqlx::query_as("SELECT * FROM batches WHERE id = $1").bind(id).fetch_optional(self.pool()?).await?)
    }

    /// The latest batches, newest first.
    pub async fn batches(&self, limit: i64) -> Result<Vec<Batch>> {
        Ok(sqlx::query_as("SELECT * FROM batches ORDER BY id DESC LIMIT $1")
            .bind(limit)
            .fetch_all(self.pool()?)
            .await?)
    }

    /// How far a batch is.
    pub async fn batch_progress(&self, batch: i64) -> Result<BatchProgress> {
        let counts: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT progress, outcome, COUNT(*) FROM batch_rows WHERE batch = $1 GROUP BY progress, outcome",
        )
        .bind(batch)
        .fetch_all(self.pool()?)
        .await?;
        let mut found = BatchProgress::default();
        for (progress, outcome, rows) in counts {
            let count = match (progress.as_str(), outcome.map(|outcome| parse(&outcome)).transpose()?) {
                (_, Some(Outcome::Success)) => &mut found.success,
                (_, Some(Outcome::Failure)) => &mut found.failure,
                (_, Some(Outcome::Unknown)) => &mut found.unknown,
                ("taken", None) => &mut found.taken,
                (_, None) => &mut found.waiting,
            };
            *count += rows;
        }
        Ok(found)
    }

    /// At most `limit` rows of a batch from the index `from` on, in the order in which orders were ticked.
    pub async fn batch_rows(&self, batch: i64, from: i64, limit: i64) -> Result<Vec<BatchRow>> {
        let rows = sqlx::query_as(
            "SELECT b.place, b.order_id, o.mall, o.number, o.provider, b.outcome, b.state, b.transaction_id, b.problem, \
             o.state AS state_now, COALESCE(o.reference, '') AS reference \
             FROM batch_rows b JOIN orders o ON o.id = b.order_id WHERE b.batch = $1 AND b.place >= $2 \
             ORDER BY b.place LIMIT $3",
        )
        .bind(batch)
        .bind(from)
        .bind(limit);
        Ok(rows.fetch_all(self.pool()?).await?)
    }

    /// Stops a batch: rows that were not begun fail, and so do those that are given back later. Rows that were begun are
    /// finished.
    pub async fn stop_batch(&self, batch: i64, who: &str, now: i64) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("UPDATE batches SET stopped = $1 WHERE id = $2 AND stopped IS NULL AND finished_at IS NULL")
            .bind(to_json(&Issue::Stopped { who: who.to_owned() })?)
            .bind(batch)
            .execute(&mut *tx)
            .await?;
        end_stopped_rows(&mut tx, batch).await?;
        finish_batch(&mut tx, batch, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends the rows that wait of batches that were stopped, and marks every batch as finished whose rows are all done,
    /// whoever did the last of them.
    pub async fn finish_batches(&self, now: i64) -> Result<()> {
        // Rows of a batch that was stopped wait only where they were given back since.
        let sql = concat!(
            "SELECT b.id FROM batches b WHERE b.finished_at IS NULL AND b.stopped IS NOT NULL AND EXISTS \
             (SELECT 1 FROM batch_rows r WHERE r.batch = b.id AND r.progress = 'waiting') OR ",
            is_over!()
        );
        let over: Vec<i64> = sqlx::query_scalar(sql).fetch_all(self.pool()?).await?;
        // Read first: the common case writes nothing.
        if over.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        for batch in over {
            end_stopped_rows(&mut tx, batch).await?;
            finish_batch(&mut tx, batch, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Ends the rows that wait of a batch that was stopped.
async fn end_stopped_rows(tx: &mut WriteTransaction, batch: i64) -> Result<()> {
    sqlx::query(
        "UPDATE batch_rows SET progress = 'done', outcome = $1, problem = b.stopped FROM batches b \
         WHERE b.id = batch_rows.batch AND b.id = $2 AND b.stopped IS NOT NULL AND batch_rows.progress = 'waiting'",
    )
    .bind(Outcome::Failure.to_string())
    .bind(batch)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn finish_batch(tx: &mut WriteTransaction, batch: i64, now: i64) -> Result<()> {
    sqlx::query(concat!("UPDATE batches AS b SET finished_at = $1 WHERE b.id = $2 AND ", is_over!()))
        .bind(now)
        .bind(batch)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl FromRow<'_, AnyRow> for Batch {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            action: parse(row.try_get("action")?)?,
            who: row.try_get("who")?,
            created_at: row.try_get("created_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

impl FromRow<'_, AnyRow> for BatchRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let (outcome, state): (Option<&str>, Option<&str>) = (row.try_get("outcome")?, row.try_get("state")?);
        Ok(Self {
            index: row.try_get("place")?,
            order: row.try_get("order_id")?,
            mall: row.try_get("mall")?,
            number: row.try_get("number")?,
            standing: Standing { state: parse(row.try_get("state_now")?)?, reference: row.try_get("reference")? },
            provider: row.try_get("provider")?,
            outcome: outcome.map(parse).transpose()?,
            state: state.map(parse).transpose()?,
            transaction_id: row.try_get("transaction_id")?,
            problem: row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?,
        })
    }
}
