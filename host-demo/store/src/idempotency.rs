//! Idempotent requests: responses are kept, so that a request that is repeated does not act twice.

use crate::database::Store;
use crate::error::Result;
use std::time::Duration;

/// How long the response to a request is kept.
pub const RESPONSES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a request under an idempotency key is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyCheck {
    /// It is: carry it out, then [`Store::end_call`].
    New,
    /// It was carried out before: send the same response.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body.
        answer: String,
    },
    /// It is being carried out.
    InProgress,
    /// The caller used the key for another request.
    KeyReused,
}

/// A request that is to be carried out once: who sends it, under which key, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentRequest<'a> {
    /// Who sends it, such as `user:3`.
    pub caller: &'a str,
    /// The key that the caller chose.
    pub key: &'a str,
    /// A digest of the request.
    pub digest: &'a str,
}

impl Store {
    /// Begins a request in the process `owner`. If that process dies, the request can begin again: what it did to orders
    /// is recorded with the orders and is not done twice.
    pub async fn begin_call(&self, request: IdempotentRequest<'_>, owner: &str, now: i64) -> Result<IdempotencyCheck> {
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= $1").bind(now).execute(self.pool()?).await?;
        let written = sqlx::query(
            "INSERT INTO idempotency (caller, name, digest, owner, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (caller, name) DO NOTHING",
        )
        .bind(request.caller)
        .bind(request.key)
        .bind(request.digest)
        .bind(owner)
        .bind(now + RESPONSES_KEPT.as_millis() as i64)
        .execute(self.pool()?)
        .await?;
        if written.rows_affected() == 1 {
            return Ok(IdempotencyCheck::New);
        }
        let earlier: Option<(String, Option<i64>, Option<String>)> =
            sqlx::query_as("SELECT digest, status, answer FROM idempotency WHERE caller = $1 AND name = $2")
                .bind(request.caller)
                .bind(request.key)
                .fetch_optional(self.pool()?)
                .await?;
        Ok(match earlier {
            Some((digest, ..)) if digest != request.digest => IdempotencyCheck::KeyReused,
            Some((_, Some(status), Some(answer))) => {
                let answer = self.secrets.open(&answer_name(request.caller, request.key), &answer)?;
                IdempotencyCheck::Answered { status: u16::try_from(status).unwrap_or_default(), answer }
            }
            _ => IdempotencyCheck::InProgress,
        })
    }

    /// Keeps the response to a request, encrypted, for it may hold a new token.
    pub async fn end_call(&self, request: IdempotentRequest<'_>, status: u16, answer: &str) -> Result<()> {
        sqlx::query("UPDATE idempotency SET status = $1, answer = $2, owner = NULL WHERE caller = $3 AND name = $4")
            .bind(i64::from(status))
            .bind(self.secrets.seal(&answer_name(request.caller, request.key), answer)?)
            .bind(request.caller)
            .bind(request.key)
            .execute(self.pool()?)
            .await?;
        Ok(())
    }

    /// Forgets a request that was not carried out: it may be sent again.
    pub async fn forget_call(&self, request: IdempotentRequest<'_>) -> Result<()> {
        sqlx::query("DELETE FROM idempotency WHERE caller = $1 AND name = $2 AND status IS NULL")
            .bind(request.caller)
            .bind(request.key)
            .execute(self.pool()?)
            .await?;
        Ok(())
    }

    /// Forgets the requests that `owner` was carrying out.
    pub async fn forget_calls_of(&self, owner: &str) -> Result<()> {
        sqlx::query("DELETE FROM idempotency WHERE owner = $1").bind(owner).execute(self.pool()?).await?;
        Ok(())
    }
}

/// What the encrypted response to a call is bound to. No caller's name holds a line break.
pub(super) fn answer_name(caller: &str, key: &str) -> String {
    format!("answer\n{caller}\n{key}")
}
