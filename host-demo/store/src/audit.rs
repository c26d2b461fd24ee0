//! The audit log (操作履歴): who changed what of the platform itself. It is written in the transaction that makes the
//! change, so there is none without the other. What happened to an order stands in its own history.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::{from_json, to_json};
use crate::sql::take_numbers;
use domain::actor::Actor;
use domain::audit_event::AuditEvent;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number; later lines have higher ones.
    pub id: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Who did it.
    pub who: String,
    /// What was done.
    pub event: AuditEvent,
}

impl FromRow<'_, AnyRow> for AuditLine {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            who: row.try_get("who")?,
            event: from_json(row.try_get("deed")?)?,
        })
    }
}

/// Writes a line in the transaction that makes the change.
pub(super) async fn record(tx: &mut WriteTransaction, by: Actor<'_>, event: &AuditEvent) -> Result<()> {
    let id = take_numbers(tx, "audit", 1).await?;
    sqlx::query("INSERT INTO audit (id, at, who, deed) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(by.at)
        .bind(by.who)
        .bind(to_json(event)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Store {
    /// Records something that was done outside of the store.
    pub async fn note(&self, by: Actor<'_>, event: &AuditEvent) -> Result<()> {
        let mut tx = self.write().await?;
        record(&mut tx, by, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// At most `limit` lines of the log, newest first: those before the line `before`, or the newest.
    pub async fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditLine>> {
        let lines = sqlx::query_as("SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2")
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        Ok(lines.fetch_all(self.pool()?).await?)
    }
}
