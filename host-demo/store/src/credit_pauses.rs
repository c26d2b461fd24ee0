//! Providers to which no new credit is sent, because an administrator paused them. What was sent before comes to its
//! end, and checks, cancels and tracking numbers go on.

use crate::audit;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use domain::actor::Actor;
use domain::audit_event::AuditEvent;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};
use std::collections::HashSet;

/// A provider to which no new credit is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditPause {
    /// The provider's id.
    pub provider: String,
    /// When it was paused, in milliseconds since 1970.
    pub since: i64,
    /// Who paused it.
    pub who: String,
    /// Why.
    pub note: String,
}

impl Store {
    /// All of them, by provider.
    pub async fn credit_pauses(&self) -> Result<Vec<CreditPause>> {
        Ok(sqlx::query_as("SELECT * FROM credit_pauses ORDER BY provider").fetch_all(self.pool()?).await?)
    }

    /// Whether new credits to `provider` are paused.
    pub async fn is_credit_paused(&self, provider: &str) -> Result<bool> {
        let found: Option<i64> = sqlx::query_scalar("SELECT since FROM credit_pauses WHERE provider = $1")
            .bind(provider.to_owned())
            .fetch_optional(self.pool()?)
            .await?;
        Ok(found.is_some())
    }

    /// Pauses new credits to `provider`: once this has returned, no process begins one. False if they were paused
    /// already; then the reason stays.
    pub async fn pause_credit(&self, provider: &str, note: &str, by: Actor<'_>) -> Result<bool> {
        let mut tx = self.write().await?;
        let paused = sqlx::query(
            "INSERT INTO credit_pauses (provider, since, who, note) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (provider) DO NOTHING",
        )
        .bind(provider.to_owned())
        .bind(by.at)
        .bind(by.who.to_owned())
        .bind(note.to_owned())
        .execute(&mut *tx)
        .await?;
        if paused.rows_affected() == 0 {
            return Ok(false);
        }
        let event = AuditEvent::CreditPaused { provider: provider.to_owned(), note: note.to_owned() };
        audit::record(&mut tx, by, &event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Lets new credits go to `provider` again. False if they were not paused.
    pub async fn resume_credit(&self, provider: &str, by: Actor<'_>) -> Result<bool> {
        let mut tx = self.write().await?;
        let resumed = sqlx::query("DELETE FROM credit_pauses WHERE provider = $1").bind(provider.to_owned());
        if resumed.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        audit::record(&mut tx, by, &AuditEvent::CreditResumed { provider: provider.to_owned() }).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The providers whose credits are paused, as a transaction sees them that claims orders.
pub(super) async fn paused_providers(tx: &mut WriteTransaction) -> Result<HashSet<String>> {
    let found: Vec<String> = sqlx::query_scalar("SELECT provider FROM credit_pauses").fetch_all(&mut **tx).await?;
    Ok(found.into_iter().collect())
}

impl FromRow<'_, AnyRow> for CreditPause {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            provider: row.try_get("provider")?,
            since: row.try_get("since")?,
            who: row.try_get("who")?,
            note: row.try_get("note")?,
        })
    }
}
