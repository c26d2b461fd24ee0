//! Sessions of users on the page.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows;
use crate::tokens::{random_token, token_digest};
use domain::user::User;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::time::Duration;

/// A session ends after this long: a working day, so that a person signs in once a day.
pub const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// A session as it begins: the only time that its token can be read.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// For the cookie.
    pub token: String,
    /// For forms: another site's page does not know it.
    pub csrf: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user.
    pub user: User,
    /// What a form must carry.
    pub csrf: String,
    /// Milliseconds since 1970.
    pub expires_at: i64,
}

impl Store {
    /// Begins a session.
    pub async fn begin_session(&self, user: i64, now: i64) -> Result<NewSession> {
        let (token, csrf, expires_at) = (random_token()?, random_token()?, now + SESSION.as_millis() as i64);
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(self.pool()?).await?;
        sqlx::query("INSERT INTO sessions (token, user_id, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(token_digest(&token))
            .bind(user)
            .bind(&csrf)
            .bind(now)
            .bind(expires_at)
            .execute(self.pool()?)
            .await?;
        Ok(NewSession { token, csrf, expires_at })
    }

    /// The session that `token` is for, if it has not ended.
    pub async fn session(&self, token: &str, now: i64) -> Result<Option<Session>> {
        let row = sqlx::query(
            "SELECT u.id, u.name, u.role, u.disabled, u.created_at, s.csrf, s.expires_at FROM sessions s \
             JOIN users u ON u.id = s.user_id WHERE s.token = $1 AND s.expires_at > $2 AND u.disabled = 0",
        )
        .bind(token_digest(token))
        .bind(now)
        .fetch_optional(self.pool()?)
        .await?;
        let session = |row: AnyRow| {
            Ok(Session { user: rows::user(&row)?, csrf: row.try_get("csrf")?, expires_at: row.try_get("expires_at")? })
        };
        row.map(session).transpose()
    }

    /// Ends the session that `token` is for.
    pub async fn end_session(&self, token: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE token = $1").bind(token_digest(token)).execute(self.pool()?).await?;
        sqlx::query("DELETE FROM drafts WHERE session = $1").bind(token_digest(token)).execute(self.pool()?).await?;
        Ok(())
    }
}

/// Ends all sessions of a user.
pub(super) async fn end_sessions_of(tx: &mut WriteTransaction, user: i64) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user).execute(&mut **tx).await?;
    Ok(())
}
