//! Drafts: what a form leaves with the server until it is sent again. Secrets that were typed and are not saved
//! yet must not go back to a browser, and a new token is shown once.
//!
//! A draft is encrypted, bound to its session and to what it is, and soon deleted.

use crate::database::Store;
use crate::error::Result;
use crate::tokens::{random_token, token_digest};
use std::time::Duration;

/// How long a draft is kept: longer than it takes to fill in one form.
pub const DRAFTS_KEPT: Duration = Duration::from_secs(60 * 60);
/// Drafts of one session; beyond it the oldest are deleted. Every redrawn form leaves one, and the browser can
/// go back to an earlier one.
pub const MAX_DRAFTS: usize = 20;

impl Store {
    /// Keeps `content`, which is `what`, for the session `session`; the name under which it is kept.
    pub async fn keep_draft(&self, session: &str, what: &str, content: &str, now: i64) -> Result<String> {
        let (name, session) = (random_token()?, token_digest(session));
        let sealed = self.secrets.seal(&draft_name(&session, what, &token_digest(&name)), content)?;
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM drafts WHERE expires_at <= $1").bind(now).execute(&mut *tx).await?;
        sqlx::query("INSERT INTO drafts (name, session, content, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(token_digest(&name))
            .bind(&session)
            .bind(sealed)
            .bind(now + DRAFTS_KEPT.as_millis() as i64)
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "DELETE FROM drafts WHERE session = $1 AND name NOT IN \
             (SELECT name FROM drafts WHERE session = $1 ORDER BY expires_at DESC, name LIMIT $2)",
        )
        .bind(&session)
        .bind(MAX_DRAFTS as i64)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(name)
    }

    /// The draft `name` of the session `session`, if it is there and is `what`.
    pub async fn draft(&self, session: &str, what: &str, name: &str, now: i64) -> Result<Option<String>> {
        let (name, session) = (token_digest(name), token_digest(session));
        let sealed: Option<String> =
            sqlx::query_scalar("SELECT content FROM drafts WHERE name = $1 AND session = $2 AND expires_at > $3")
                .bind(&name)
                .bind(&session)
                .bind(now)
                .fetch_optional(self.pool()?)
                .await?;
        // A draft of something else does not decrypt as this.
        Ok(sealed.and_then(|sealed| self.secrets.open(&draft_name(&session, what, &name), &sealed).ok()))
    }

    /// Deletes a draft; whether it existed. Of two concurrent calls, one returns true.
    pub async fn forget_draft(&self, session: &str, name: &str) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM drafts WHERE name = $1 AND session = $2")
            .bind(token_digest(name))
            .bind(token_digest(session))
            .execute(self.pool()?)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }
}

/// What an encrypted draft is bound to.
fn draft_name(session: &str, what: &str, name: &str) -> String {
    format!("draft\n{session}\n{name}\n{what}")
}
