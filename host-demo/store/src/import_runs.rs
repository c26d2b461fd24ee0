//! Imports that go on without anybody who waits for them: how far each is, and what came of it. They are in the database
//! because they may be asked for at another process than the one that imports.

use crate::database::Store;
use crate::error::Result;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::time::Duration;

/// How long a run is kept after it was last written: a day's results can be looked at on that day.
pub const RUNS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Runs of one user or token that are kept; beyond it the ones that have been silent for longest are deleted. A result is
/// some hundred KiB at most.
pub const MAX_RUNS: usize = 20;

/// An import that goes on, or has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Names it.
    pub name: String,
    /// Who began it, such as `user:3`.
    pub owner: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it was last written.
    pub heard_at: i64,
    /// What is known of it, as JSON.
    pub description: String,
}

impl Store {
    /// Writes down that a run begins.
    pub async fn begin_run(&self, name: &str, owner: &str, description: &str, now: i64) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM import_runs WHERE heard_at <= $1").bind(oldest(now)).execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO import_runs (name, owner, began_at, heard_at, description) VALUES ($1, $2, $3, $3, $4)",
        )
        .bind(name)
        .bind(owner)
        .bind(now)
        .bind(description)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM import_runs WHERE owner = $1 AND name NOT IN \
             (SELECT name FROM import_runs WHERE owner = $1 ORDER BY heard_at DESC, name LIMIT $2)",
        )
        .bind(owner)
        .bind(MAX_RUNS as i64)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes down how far a run is; whether it is still kept.
    pub async fn write_run(&self, name: &str, description: &str, now: i64) -> Result<bool> {
        let mut tx = self.write().await?;
        let written = sqlx::query("UPDATE import_runs SET heard_at = $1, description = $2 WHERE name = $3")
            .bind(now)
            .bind(description)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(written.rows_affected() == 1)
    }

    /// The run `name`.
    pub async fn run(&self, name: &str, now: i64) -> Result<Option<StoredRun>> {
        let found = sqlx::query(
            "SELECT name, owner, began_at, heard_at, description FROM import_runs WHERE name = $1 AND heard_at > $2",
        );
        Ok(found.bind(name).bind(oldest(now)).try_map(run_of_row).fetch_optional(self.pool()?).await?)
    }

    /// The latest runs, the one that began last first.
    pub async fn runs(&self, limit: usize, now: i64) -> Result<Vec<StoredRun>> {
        let found = sqlx::query(
            "SELECT name, owner, began_at, heard_at, description FROM import_runs WHERE heard_at > $1 \
             ORDER BY began_at DESC, name LIMIT $2",
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(found.bind(oldest(now)).bind(limit).try_map(run_of_row).fetch_all(self.pool()?).await?)
    }
}

/// Runs that were last written then or before are not kept any more.
fn oldest(now: i64) -> i64 {
    now - RUNS_KEPT.as_millis() as i64
}

fn run_of_row(row: AnyRow) -> sqlx::Result<StoredRun> {
    Ok(StoredRun {
        name: row.try_get("name")?,
        owner: row.try_get("owner")?,
        began_at: row.try_get("began_at")?,
        heard_at: row.try_get("heard_at")?,
        description: row.try_get("description")?,
    })
}
