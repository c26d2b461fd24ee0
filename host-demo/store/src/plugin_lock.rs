//! Which component serves each provider. Processes on all machines load what stands here; see
//! `service/providers/lock.rs`.

use crate::audit::record;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use domain::actor::Actor;
use domain::audit_event::AuditEvent;
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

/// What the lock has of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPlugin {
    /// The provider's id.
    pub provider: String,
    /// Rises with each component that is loaded for the provider; 0 before the first.
    pub revision: i64,
    /// Where the component came from.
    pub origin: String,
    /// The version that it describes.
    pub version: String,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// Its signature, in minisign's format.
    pub signature: Option<String>,
    /// The text of its permission file.
    pub permissions: String,
    /// Whether it was withdrawn: no process serves it, until one is loaded again.
    pub withdrawn: bool,
}

impl FromRow<'_, AnyRow> for LockedPlugin {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            provider: row.try_get("provider")?,
            revision: row.try_get("revision")?,
            origin: row.try_get("origin")?,
            version: row.try_get("version")?,
            digest: row.try_get("digest")?,
            signature: row.try_get("signature")?,
            permissions: row.try_get("permissions")?,
            withdrawn: row.try_get::<i64, _>("withdrawn")? != 0,
        })
    }
}

impl Store {
    /// The whole lock, by provider.
    pub async fn plugin_lock(&self) -> Result<Vec<LockedPlugin>> {
        Ok(sqlx::query_as("SELECT * FROM plugin_lock ORDER BY provider").fetch_all(self.pool()?).await?)
    }

    /// What the lock has of `provider`.
    pub async fn locked_plugin(&self, provider: &str) -> Result<Option<LockedPlugin>> {
        let row = sqlx::query_as("SELECT * FROM plugin_lock WHERE provider = $1").bind(provider);
        Ok(row.fetch_optional(self.pool()?).await?)
    }

    /// The component with this digest, if the lock names it.
    pub async fn locked_component(&self, digest: &str) -> Result<Option<Vec<u8>>> {
        let content = sqlx::query_scalar("SELECT content FROM plugin_components WHERE digest = $1").bind(digest);
        Ok(content.fetch_optional(self.pool()?).await?)
    }

    /// Locks `plugin`, whose component is `component`, and records `event` with it: `plugin.revision` is the one that it
    /// replaces, and the next one becomes its own. Nothing happens, and false is returned, if the lock has another
    /// revision by now.
    pub async fn lock_plugin(
        &self,
        plugin: &LockedPlugin,
        component: &[u8],
        by: Actor<'_>,
        event: &AuditEvent,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let is_written = match plugin.revision {
            0 => sqlx::query(
                "INSERT INTO plugin_lock (provider, revision, origin, version, digest, signature, permissions) \
                 VALUES ($7, $1 + 1, $2, $3, $4, $5, $6) ON CONFLICT (provider) DO NOTHING",
            ),
            _ => sqlx::query(
                "UPDATE plugin_lock SET revision = $1 + 1, origin = $2, version = $3, digest = $4, signature = $5, \
                 permissions = $6, withdrawn = 0 WHERE provider = $7 AND revision = $1",
            ),
        };
        let LockedPlugin { provider, revision, origin, version, digest, signature, permissions, .. } = plugin;
        let is_written = is_written.bind(revision).bind(origin).bind(version).bind(digest).bind(signature);
        let is_written = is_written.bind(permissions).bind(provider).execute(&mut *tx).await?.rows_affected() == 1;
        if !is_written {
            return Ok(false);
        }
        record(&mut tx, by, event).await?;
        sqlx::query("INSERT INTO plugin_components (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING")
            .bind(digest)
            .bind(component)
            .execute(&mut *tx)
            .await?;
        discard_components(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Withdraws what the lock has of `provider` as `revision`, and records `event` with it; the next revision is the
    /// withdrawal's. Nothing happens, and false is returned, if the lock has another revision by now.
    pub async fn withdraw_plugin(
        &self,
        provider: &str,
        revision: i64,
        by: Actor<'_>,
        event: &AuditEvent,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let withdrawn = sqlx::query(
            "UPDATE plugin_lock SET revision = $1 + 1, withdrawn = 1 \
             WHERE provider = $2 AND revision = $1 AND withdrawn = 0",
        );
        if withdrawn.bind(revision).bind(provider).execute(&mut *tx).await?.rows_affected() != 1 {
            return Ok(false);
        }
        record(&mut tx, by, event).await?;
        discard_components(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Deletes the components that the lock does not name any more.
async fn discard_components(tx: &mut WriteTransaction) -> Result<()> {
    const UNNAMED: &str = "DELETE FROM plugin_components \
                           WHERE digest NOT IN (SELECT digest FROM plugin_lock WHERE withdrawn = 0)";
    sqlx::query(UNNAMED).execute(&mut **tx).await?;
    Ok(())
}
