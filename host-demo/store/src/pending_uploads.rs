//! Uploads that were examined and wait for the confirmation of the user who sent them. They are in the database because
//! the confirmation may come to another process than the file did.

use crate::database::Store;
use crate::error::Result;
use sqlx::{AnyConnection, Row};
use std::time::Duration;

/// How long an upload waits: longer than it takes to read what it would do.
pub const UPLOADS_KEPT: Duration = Duration::from_secs(60 * 60);

/// An upload that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingUpload {
    /// What the confirmation has to name: the user may have sent another file from another window meanwhile.
    pub name: String,
    /// What is known of it, as JSON.
    pub description: String,
    /// The file.
    pub content: Vec<u8>,
}

impl Store {
    /// Keeps `upload`, which is a `kind` of upload, for `user` instead of the user's last one; at most `max` of the kind
    /// for all users together, of which the newest stay.
    pub async fn keep_upload(&self, kind: &str, user: i64, upload: &PendingUpload, max: usize, now: i64) -> Result<()> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM pending_uploads WHERE (kind = $1 AND user_id = $2) OR since <= $3")
            .bind(kind)
            .bind(user)
            .bind(now - UPLOADS_KEPT.as_millis() as i64)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO pending_uploads (kind, user_id, name, since, description, content) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(kind)
        .bind(user)
        .bind(&upload.name)
        .bind(now)
        .bind(&upload.description)
        .bind(upload.content.as_slice())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM pending_uploads WHERE kind = $1 AND user_id NOT IN \
             (SELECT user_id FROM pending_uploads WHERE kind = $1 ORDER BY since DESC, user_id LIMIT $2)",
        )
        .bind(kind)
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes and returns what `user` sent under `name`; `None` if it has been replaced, discarded or taken, also by
    /// another process at the same time.
    pub async fn take_upload(&self, kind: &str, user: i64, name: &str, now: i64) -> Result<Option<PendingUpload>> {
        let mut tx = self.write().await?;
        let Some(upload) = waiting(&mut tx, kind, user, name, now).await? else { return Ok(None) };
        let taken = sqlx::query("DELETE FROM pending_uploads WHERE kind = $1 AND user_id = $2 AND name = $3")
            .bind(kind)
            .bind(user)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok((taken.rows_affected() == 1).then_some(upload))
    }

    /// What `user` sent under `name`, which goes on waiting; `None` as with [`Store::take_upload`].
    pub async fn look_at_upload(&self, kind: &str, user: i64, name: &str, now: i64) -> Result<Option<PendingUpload>> {
        let mut connection = self.pool()?.acquire().await?;
        waiting(&mut connection, kind, user, name, now).await
    }
}

async fn waiting(
    connection: &mut AnyConnection,
    kind: &str,
    user: i64,
    name: &str,
    now: i64,
) -> Result<Option<PendingUpload>> {
    let row = sqlx::query(
        "SELECT description, content FROM pending_uploads \
         WHERE kind = $1 AND user_id = $2 AND name = $3 AND since > $4",
    )
    .bind(kind)
    .bind(user)
    .bind(name)
    .bind(now - UPLOADS_KEPT.as_millis() as i64)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (description, content) = (row.try_get("description")?, row.try_get("content")?);
    Ok(Some(PendingUpload { name: name.to_owned(), description, content }))
}
