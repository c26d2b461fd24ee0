//! The rows of batches as work: taken by a process, done, given back.
//!
//! A row is done in the same transaction in which its order learns what happened, so a process that dies leaves no row
//! in doubt: either the order was claimed for it and is now of unknown outcome, and so is the row, or nothing was begun
//! and the row waits again.

use crate::batch_key::RowKey;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::lease::ProcessLease;
use crate::rows::{is_set, parse, to_json};
use crate::sql::{Conditions, list};
use crate::wide::write_rows;
use domain::asked::{Asked, Standing};
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};

/// Rows that wait: of one batch, one mall's, for one provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BatchLane {
    /// The batch.
    pub batch: i64,
    /// What is to be done.
    pub action: Action,
    /// Who has it done.
    pub who: String,
    /// The id of the provider that is called for them.
    pub provider: String,
    /// The id of the mall that has the orders.
    pub mall: String,
}

/// A row that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenRow {
    /// The row.
    pub key: RowKey,
    /// The store's number of its order.
    pub order: i64,
    /// What it was asked for.
    pub asked: Asked,
    /// Whether its order is sent though it may be registered already.
    pub confirmed: bool,
}

/// How a row finished.
#[derive(Debug, Clone, Copy)]
pub struct FinishedRow<'a> {
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

impl Store {
    /// The lanes in which rows wait, oldest batch first.
    pub async fn waiting(&self) -> Result<Vec<BatchLane>> {
        let rows = sqlx::query_as(
            "SELECT DISTINCT b.id AS batch, b.action, b.who, r.provider, r.mall FROM batches b \
             JOIN batch_rows r ON r.batch = b.id AND r.progress = 'waiting' \
             WHERE b.finished_at IS NULL AND b.stopped IS NULL ORDER BY b.id, r.provider, r.mall",
        );
        Ok(rows.fetch_all(self.pool()?).await?)
    }

    /// Takes at most `limit` rows that wait, for the process of `lease`. What one process takes no other takes. Where it
    /// is not known whether they were taken, the lease gives them back with its next recovery. None of a batch that was
    /// stopped are taken.
    pub async fn take_rows(&self, of: &BatchLane, lease: &ProcessLease, limit: usize) -> Result<Vec<TakenRow>> {
        let mut tx = self.write().await?;
        let sql = format!(
            "SELECT place, order_id, asked_state, asked_reference, confirmed FROM batch_rows \
             WHERE batch = $1 AND provider = $2 AND mall = $3 AND progress = 'waiting' \
             AND EXISTS (SELECT 1 FROM batches b WHERE b.id = $1 AND b.stopped IS NULL) ORDER BY place LIMIT $4{}",
            self.dialect.skip_locked()
        );
        let rows: Vec<AnyRow> = sqlx::query(AssertSqlSafe(sql))
            .bind(of.batch)
            .bind(&of.provider)
            .bind(&of.mall)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&mut *tx)
            .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = rows.iter().map(|row| taken_row(of.batch, row)).collect::<sqlx::Result<Vec<_>>>()?;
        let indexes: Vec<i64> = rows.iter().map(|row| row.key.index).collect();
        let sql = format!(
            "UPDATE batch_rows SET progress = 'taken', owner = $1 WHERE batch = $2 AND place IN ({})",
            list(&indexes)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(lease.name()).bind(of.batch).execute(&mut *tx).await?;
        let taking = lease.begin_work(rows.iter().map(|row| row.order));
        tx.commit().await?;
        taking.finish();
        Ok(rows)
    }

    /// Records how rows ended that `owner` took and that were not done together with a change of their orders. A row that
    /// is done, or was given back meanwhile, stays as it is.
    pub async fn end_rows(&self, owner: &str, finished: &[FinishedRow<'_>]) -> Result<()> {
        let mut tx = self.write().await?;
        finish_rows(&mut tx, Some(owner), finished).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Records that the order of a row that `owner` took cannot be acted on at all, and why. A row that was given back
    /// meanwhile stays as it is.
    pub async fn fail_row(&self, owner: &str, row: RowKey, problem: &Issue) -> Result<()> {
        sqlx::query(
            "UPDATE batch_rows SET progress = 'done', owner = NULL, outcome = $1, problem = $2 \
             WHERE batch = $3 AND place = $4 AND progress = 'taken' AND owner = $5",
        )
        .bind(Outcome::Failure.to_string())
        .bind(to_json(problem)?)
        .bind(row.batch)
        .bind(row.index)
        .bind(owner)
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// For which providers rows of a batch wait.
    pub async fn waited_for(&self, batch: i64) -> Result<Vec<String>> {
        let providers = sqlx::query_scalar(
            "SELECT DISTINCT provider FROM batch_rows WHERE batch = $1 AND progress = 'waiting' ORDER BY provider",
        );
        Ok(providers.bind(batch).fetch_all(self.pool()?).await?)
    }

    /// The rows of batches that `owner` has taken and not done: the order, the row.
    pub async fn rows_taken_by(&self, owner: &str) -> Result<Vec<(i64, RowKey)>> {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT order_id, batch, place FROM batch_rows WHERE owner = $1 AND progress = 'taken'")
                .bind(owner)
                .fetch_all(self.pool()?)
                .await?;
        Ok(rows.into_iter().map(|(order, batch, index)| (order, RowKey { batch, index })).collect())
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
        sqlx::query_with(AssertSqlSafe(sql), conditions.values).execute(self.pool()?).await?;
        Ok(())
    }
}

/// Rows that wait for a credit of the mall's orders wait for its new provider.
pub(super) async fn redirect_rows(tx: &mut WriteTransaction, mall: &str, provider: &str) -> Result<()> {
    sqlx::query(
        "UPDATE batch_rows SET provider = $1 WHERE mall = $2 AND provider <> $1 AND progress <> 'done' AND batch IN \
         (SELECT id FROM batches WHERE finished_at IS NULL AND action = $3)",
    )
    .bind(provider)
    .bind(mall)
    .bind(Action::Credit.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Records how rows ended, in the transaction that changes their orders: whoever has a row by now, what it asked for was
/// done. Where nothing of their orders changed, only those that `owner` still has.
pub(super) async fn finish_rows(
    tx: &mut WriteTransaction,
    owner: Option<&str>,
    finished: &[FinishedRow<'_>],
) -> Result<()> {
    let sql = "WITH v (batch, place, outcome, state, transaction_id, problem, owner) AS (VALUES {rows}) \
               UPDATE batch_rows SET progress = 'done', owner = NULL, outcome = v.outcome, state = v.state, \
               transaction_id = v.transaction_id, problem = v.problem FROM v \
               WHERE batch_rows.batch = v.batch AND batch_rows.place = v.place AND batch_rows.progress <> 'done' \
               AND (v.owner IS NULL OR batch_rows.owner = v.owner)";
    write_rows(tx, sql, finished, |values, finished| {
        values.add(finished.row.batch)?.add(finished.row.index)?.add(finished.outcome.to_string())?;
        values.add(finished.state.to_string())?.add(finished.transaction_id)?;
        values.add(finished.problem.map(to_json).transpose()?)?.add(owner)?;
        Ok(())
    })
    .await
}

fn taken_row(batch: i64, row: &AnyRow) -> sqlx::Result<TakenRow> {
    let asked = match row.try_get("asked_state")? {
        // Made by a process that still runs the version before, which did not say it.
        "" => Asked::AsItIs,
        state => Asked::Standing(Standing { state: parse(state)?, reference: row.try_get("asked_reference")? }),
    };
    let key = RowKey { batch, index: row.try_get("place")? };
    Ok(TakenRow { key, order: row.try_get("order_id")?, asked, confirmed: is_set(row, "confirmed")? })
}

impl FromRow<'_, AnyRow> for BatchLane {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            batch: row.try_get("batch")?,
            action: parse(row.try_get("action")?)?,
            who: row.try_get("who")?,
            provider: row.try_get("provider")?,
            mall: row.try_get("mall")?,
        })
    }
}
