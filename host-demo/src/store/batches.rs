//! Batches (処理パネル): one action on many orders, kept so that it survives a process and several
//! processes share it.
//!
//! A row waits, is taken by a process, and is done. It is done in the same transaction in which its order
//! learns what happened, so a process that dies leaves no row in doubt: either the order was claimed for
//! it and is now of unknown outcome, and so is the row, or nothing was begun and the row waits again.

use crate::domain::credit_state::{Action, Outcome, State};
use crate::domain::issue::Issue;
use crate::store::rows::{from_json, parse, to_json};
use crate::store::{Conditions, Result, RowKey, Store, Writing, list, take_numbers};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};
use std::collections::{BTreeSet, HashSet};

/// Most orders in a batch: more than a shop ticks in a day, few enough to show every row.
pub const MAX_BATCH: usize = 50_000;
/// Rows that one statement inserts: long enough to be fast, short enough for any statement limit.
const INSERTED_AT_ONCE: usize = 500;

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
    /// Its place in the order in which orders were ticked, from 0.
    pub place: i64,
    /// The store's number of the order.
    pub order: i64,
    /// The mall's id.
    pub mall: String,
    /// The mall's number of the order.
    pub number: String,
    /// How it ended; absent while it is not done.
    pub outcome: Option<Outcome>,
    /// Where the order stood when it was done.
    pub state: Option<State>,
    /// The provider's id, if known then.
    pub transaction_id: Option<String>,
    /// What stood in the way.
    pub problem: Option<Issue>,
}

/// Rows that wait: of one batch, one mall's, for one provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// The batch.
    pub batch: i64,
    /// What is to be done.
    pub action: Action,
    /// Who has it done.
    pub who: String,
    /// Whom it will be asked of.
    pub provider: String,
    /// Whose orders.
    pub mall: String,
}

/// How a row ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The row.
    pub row: RowKey,
    /// How it counts.
    pub outcome: Outcome,
    /// Where the order stands.
    pub state: State,
    /// The provider's id, if known.
    pub transaction_id: Option<&'a str>,
    /// What stands in the way.
    pub problem: Option<&'a Issue>,
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
    /// Makes a batch of the orders `ids`, in this order, each once; its number. Orders beyond
    /// [`MAX_BATCH`] are the caller's to refuse.
    pub async fn add_batch(&self, action: Action, who: &str, ids: &[i64], now: i64) -> Result<i64> {
        let mut writing = self.write().await?;
        let batch = take_numbers(&mut writing, "batch", 1).await?;
        sqlx::query("INSERT INTO batches (id, action, who, created_at) VALUES ($1, $2, $3, $4)")
            .bind(batch)
            .bind(action.to_string())
            .bind(who)
            .bind(now)
            .execute(&mut *writing)
            .await?;
        let mut seen = HashSet::new();
        let ticked = ids.iter().filter(|id| seen.insert(**id));
        let places: Vec<String> = ticked.enumerate().map(|(place, id)| format!("({place}, {id})")).collect();
        for places in places.chunks(INSERTED_AT_ONCE) {
            let provider = asked_of(action);
            let sql = format!(
                "WITH ticked (place, id) AS (VALUES {}) \
                 INSERT INTO batch_rows (batch, place, order_id, provider, mall, progress) \
                 SELECT $1, t.place, o.id, {provider}, o.mall, 'waiting' FROM ticked t JOIN orders o ON o.id = t.id \
                 JOIN malls m ON m.id = o.mall JOIN accounts a ON a.id = m.account",
                places.join(", ")
            );
            sqlx::query(AssertSqlSafe(sql)).bind(batch).execute(&mut *writing).await?;
        }
        finish_batch(&mut writing, batch, now).await?;
        writing.commit().await?;
        Ok(batch)
    }

    /// The batch `id`.
    pub async fn batch(&self, id: i64) -> Result<Option<Batch>> {
        Ok(sqlx::query_as("SELECT * FROM batches WHERE id = $1").bind(id).fetch_optional(&self.pool).await?)
    }

    /// The latest batches, newest first.
    pub async fn batches(&self, limit: i64) -> Result<Vec<Batch>> {
        Ok(sqlx::query_as("SELECT * FROM batches ORDER BY id DESC LIMIT $1").bind(limit).fetch_all(&self.pool).await?)
    }

    /// How far a batch is.
    pub async fn batch_progress(&self, batch: i64) -> Result<BatchProgress> {
        let counts: Vec<(String, Option<String>, i64)> = sqlx::query_as(
            "SELECT progress, outcome, COUNT(*) FROM batch_rows WHERE batch = $1 GROUP BY progress, outcome",
        )
        .bind(batch)
        .fetch_all(&self.pool)
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

    /// At most `limit` rows of a batch from the place `from` on, in the order in which orders were ticked.
    pub async fn batch_rows(&self, batch: i64, from: i64, limit: i64) -> Result<Vec<BatchRow>> {
        let rows = sqlx::query_as(
            "SELECT b.place, b.order_id, o.mall, o.number, b.outcome, b.state, b.transaction_id, b.problem \
             FROM batch_rows b JOIN orders o ON o.id = b.order_id WHERE b.batch = $1 AND b.place >= $2 \
             ORDER BY b.place LIMIT $3",
        )
        .bind(batch)
        .bind(from)
        .bind(limit);
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Ends a batch: rows that were not begun fail with these words. What is on its way comes to its end.
    pub async fn stop_batch(&self, batch: i64, who: &str, now: i64) -> Result<()> {
        let mut writing = self.write().await?;
        sqlx::query("UPDATE batch_rows SET progress = 'done', outcome = $1, problem = $2 WHERE batch = $3 AND progress = 'waiting'")
            .bind(Outcome::Failure.to_string())
            .bind(to_json(&Issue::Stopped { who: who.to_owned() })?)
            .bind(batch)
            .execute(&mut *writing)
            .await?;
        finish_batch(&mut writing, batch, now).await?;
        writing.commit().await?;
        Ok(())
    }

    /// What waits to be done, oldest batch first.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        let rows = sqlx::query_as(
            "SELECT DISTINCT b.id AS batch, b.action, b.who, r.provider, r.mall FROM batches b \
             JOIN batch_rows r ON r.batch = b.id AND r.progress = 'waiting' \
             WHERE b.finished_at IS NULL ORDER BY b.id, r.provider, r.mall",
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// Takes at most `limit` rows that wait, for `owner`; the orders and the rows. What one process takes
    /// no other takes.
    pub async fn take_rows(&self, of: &Waiting, owner: &str, limit: usize) -> Result<Vec<(i64, RowKey)>> {
        let mut writing = self.write().await?;
        let sql = format!(
            "SELECT place, order_id FROM batch_rows WHERE batch = $1 AND provider = $2 AND mall = $3 \
             AND progress = 'waiting' ORDER BY place LIMIT $4{}",
            self.dialect.skip_locked()
        );
        let rows: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(of.batch)
            .bind(&of.provider)
            .bind(&of.mall)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *writing)
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<i64> = rows.iter().map(|(place, _)| *place).collect();
        let sql = format!(
            "UPDATE batch_rows SET progress = 'taken', owner = $1 WHERE batch = $2 AND place IN ({})",
            list(&places)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(owner).bind(of.batch).execute(&mut *writing).await?;
        writing.commit().await?;
        let key = |place| RowKey { batch: of.batch, place };
        Ok(rows.into_iter().map(|(place, order)| (order, key(place))).collect())
    }

    /// Writes down how rows ended that were not done together with a change of their orders. A row that is
    /// done stays as it is.
    pub async fn end_rows(&self, ended: &[Ended<'_>]) -> Result<()> {
        let mut writing = self.write().await?;
        for ended in ended {
            end_row(&mut writing, ended).await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// Writes down that a row's order cannot be acted on at all, with the reason.
    pub async fn fail_row(&self, row: RowKey, problem: &Issue) -> Result<()> {
        sqlx::query(
            "UPDATE batch_rows SET progress = 'done', owner = NULL, outcome = $1, problem = $2 \
             WHERE batch = $3 AND place = $4 AND progress = 'taken'",
        )
        .bind(Outcome::Failure.to_string())
        .bind(to_json(problem)?)
        .bind(row.batch)
        .bind(row.place)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Marks every batch as finished whose rows are all done, whoever did the last of them.
    pub async fn finish_batches(&self, now: i64) -> Result<()> {
        let over: Vec<i64> =
            sqlx::query_scalar(concat!("SELECT b.id FROM batches b WHERE ", is_over!())).fetch_all(&self.pool).await?;
        // Read first: the everyday case writes nothing.
        if over.is_empty() {
            return Ok(());
        }
        let mut writing = self.write().await?;
        for batch in over {
            finish_batch(&mut writing, batch, now).await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// For which providers rows of a batch wait.
    pub async fn waited_for(&self, batch: i64) -> Result<Vec<String>> {
        let providers = sqlx::query_scalar(
            "SELECT DISTINCT provider FROM batch_rows WHERE batch = $1 AND progress = 'waiting' ORDER BY provider",
        );
        Ok(providers.bind(batch).fetch_all(&self.pool).await?)
    }

    /// Says which providers the process `owner` can ask in the background; none at all: that it works no more.
    pub async fn serve(&self, owner: &str, providers: Option<&[String]>) -> Result<()> {
        let mut writing = self.write().await?;
        sqlx::query("DELETE FROM serving WHERE owner = $1").bind(owner).execute(&mut *writing).await?;
        let itself = providers.is_some().then(String::new);
        for provider in itself.iter().chain(providers.unwrap_or_default()) {
            sqlx::query("INSERT INTO serving (owner, provider) VALUES ($1, $2)")
                .bind(owner)
                .bind(provider)
                .execute(&mut *writing)
                .await?;
        }
        writing.commit().await?;
        Ok(())
    }

    /// Which providers any process can ask in the background; nothing where no process works there.
    pub async fn served(&self) -> Result<Option<BTreeSet<String>>> {
        let mut served: BTreeSet<String> = sqlx::query_scalar("SELECT DISTINCT provider FROM serving")
            .fetch_all(&self.pool)
            .await?
            .into_iter()
            .collect();
        Ok(served.remove("").then_some(served))
    }

    /// The rows of batches that `owner` has taken and not done: the order, the row.
    pub async fn rows_taken_by(&self, owner: &str) -> Result<Vec<(i64, RowKey)>> {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT order_id, batch, place FROM batch_rows WHERE owner = $1 AND progress = 'taken'")
                .bind(owner)
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(order, batch, place)| (order, RowKey { batch, place })).collect())
    }

    /// Puts rows that `owner` took and did not begin back among those that wait: all of them, or those of
    /// these orders.
    pub async fn give_back_rows(&self, owner: &str, orders: Option<&[i64]>) -> Result<()> {
        let mut conditions = Conditions::default();
        conditions.and("owner = $?", [owner])?;
        conditions.plain("progress = 'taken'");
        if let Some(orders) = orders {
            conditions.plain(&format!("order_id IN ({})", list(orders)));
        }
        let sql = format!("UPDATE batch_rows SET progress = 'waiting', owner = NULL {}", conditions.sql);
        sqlx::query_with(AssertSqlSafe(sql), conditions.values).execute(&self.pool).await?;
        Ok(())
    }
}

/// What waits for a credit of the mall's orders waits for its provider of now.
pub(super) async fn aim_at(writing: &mut Writing, mall: &str, provider: &str) -> Result<()> {
    sqlx::query(
        "UPDATE batch_rows SET provider = $1 WHERE mall = $2 AND provider <> $1 AND progress <> 'done' AND batch IN \
         (SELECT id FROM batches WHERE finished_at IS NULL AND action = $3)",
    )
    .bind(provider)
    .bind(mall)
    .bind(Action::Credit.to_string())
    .execute(&mut **writing)
    .await?;
    Ok(())
}

/// The column that says whom `action` is asked of: a new credit goes to the mall's provider of now, anything else
/// to where the order is registered.
pub(super) fn asked_of(action: Action) -> &'static str {
    if action == Action::Credit { "a.provider" } else { "o.provider" }
}

pub(super) async fn end_row(writing: &mut Writing, ended: &Ended<'_>) -> Result<()> {
    sqlx::query(
        "UPDATE batch_rows SET progress = 'done', owner = NULL, outcome = $1, state = $2, transaction_id = $3, \
         problem = $4 WHERE batch = $5 AND place = $6 AND progress = 'taken'",
    )
    .bind(ended.outcome.to_string())
    .bind(ended.state.to_string())
    .bind(ended.transaction_id)
    .bind(ended.problem.map(to_json).transpose()?)
    .bind(ended.row.batch)
    .bind(ended.row.place)
    .execute(&mut **writing)
    .await?;
    Ok(())
}

async fn finish_batch(writing: &mut Writing, batch: i64, now: i64) -> Result<()> {
    sqlx::query(concat!("UPDATE batches AS b SET finished_at = $1 WHERE b.id = $2 AND ", is_over!()))
        .bind(now)
        .bind(batch)
        .execute(&mut **writing)
        .await?;
    Ok(())
}

impl FromRow<'_, AnyRow> for Batch {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Batch {
            id: row.try_get("id")?,
            action: parse(row.try_get("action")?)?,
            who: row.try_get("who")?,
            created_at: row.try_get("created_at")?,
            finished_at: row.try_get("finished_at")?,
        })
    }
}

impl FromRow<'_, AnyRow> for Waiting {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Waiting {
            batch: row.try_get("batch")?,
            action: parse(row.try_get("action")?)?,
            who: row.try_get("who")?,
            provider: row.try_get("provider")?,
            mall: row.try_get("mall")?,
        })
    }
}

impl FromRow<'_, AnyRow> for BatchRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let (outcome, state): (Option<&str>, Option<&str>) = (row.try_get("outcome")?, row.try_get("state")?);
        Ok(BatchRow {
            place: row.try_get("place")?,
            order: row.try_get("order_id")?,
            mall: row.try_get("mall")?,
            number: row.try_get("number")?,
            outcome: outcome.map(parse).transpose()?,
            state: state.map(parse).transpose()?,
            transaction_id: row.try_get("transaction_id")?,
            problem: row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?,
        })
    }
}
