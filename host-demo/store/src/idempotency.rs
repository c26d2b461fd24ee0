//! Idempotent requests: responses are kept, so that a request that is repeated does not act twice.

use crate::database::{Store, WriteTransaction};
use crate::error::{Result, StoreError};
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
    /// It has made this batch; its response was not kept.
    Begun(i64),
    /// It is being carried out.
    InProgress,
    /// The caller used the key for another request.
    KeyReused,
}

/// What is known of an earlier request: its digest, and the status, the response and the batch that came of it.
type Earlier = (String, Option<i64>, Option<String>, Option<i64>);

/// A request that is to be carried out once: who sends it, under which key, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentRequest<'a> {
    /// Who sends it, such as `user:3`.
    pub caller: &'a str,
    /// The key that the caller chose.
    pub key: &'a str,
    /// A digest of the request.
    pub digest: &'a str,
    /// The process that carries it out.
    pub owner: &'a str,
}

impl Store {
    /// Begins a request. If its process dies, the request can begin again, unless it has made a batch: what it did to
    /// orders otherwise is about the versions that it names.
    pub async fn begin_call(&self, request: IdempotentRequest<'_>, now: i64) -> Result<IdempotencyCheck> {
        sqlx::query("DELETE FROM idempotency WHERE expires_at <= $1").bind(now).execute(self.pool()?).await?;
        let written = sqlx::query(
            "INSERT INTO idempotency (caller, name, digest, owner, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (caller, name) DO NOTHING",
        )
        .bind(request.caller)
        .bind(request.key)
        .bind(request.digest)
        .bind(request.owner)
        .bind(now + RESPONSES_KEPT.as_millis() as i64)
        .execute(self.pool()?)
        .await?;
        if written.rows_affected() == 1 {
            return Ok(IdempotencyCheck::New);
        }
        let earlier: Option<Earlier> =
            sqlx::query_as("SELECT digest, status, answer, batch FROM idempotency WHERE caller = $1 AND name = $2")
                .bind(request.caller)
                .bind(request.key)
                .fetch_optional(self.pool()?)
                .await?;
        Ok(match earlier {
            Some((digest, ..)) if digest != request.digest => IdempotencyCheck::KeyReused,
            Some((_, Some(status), Some(answer), _)) => {
                let answer = self.secrets.open(&answer_name(request.caller, request.key), &answer)?;
                IdempotencyCheck::Answered { status: u16::try_from(status).unwrap_or_default(), answer }
            }
            Some((.., Some(batch))) => IdempotencyCheck::Begun(batch),
            _ => IdempotencyCheck::InProgress,
        })
    }

    /// Keeps the response to a request, encrypted, for it may hold a new token. One that another process has begun anew,
    /// since this one counted as dead, is that one's to answer, and to forget.
    pub async fn end_call(&self, request: IdempotentRequest<'_>, status: u16, answer: &str) -> Result<()> {
        sqlx::query(
            "UPDATE idempotency SET status = $1, answer = $2, owner = NULL \
             WHERE caller = $3 AND name = $4 AND owner = $5",
        )
        .bind(i64::from(status))
        .bind(self.secrets.seal(&answer_name(request.caller, request.key), answer)?)
        .bind(request.caller)
        .bind(request.key)
        .bind(request.owner)
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Forgets a request that was not carried out: it may be sent again. One that has made a batch was.
    pub async fn forget_call(&self, request: IdempotentRequest<'_>) -> Result<()> {
        sqlx::query(
            "DELETE FROM idempotency WHERE caller = $1 AND name = $2 AND owner = $3 \
             AND status IS NULL AND batch IS NULL",
        )
        .bind(request.caller)
        .bind(request.key)
        .bind(request.owner)
        .execute(self.pool()?)
        .await?;
        Ok(())
    }

    /// Forgets the requests that `owner` was carrying out, but for those that have made their batch.
    pub async fn forget_calls_of(&self, owner: &str) -> Result<()> {
        for sql in [
            "DELETE FROM idempotency WHERE owner = $1 AND batch IS NULL",
            "UPDATE idempotency SET owner = NULL WHERE owner = $1",
        ] {
            sqlx::query(sql).bind(owner).execute(self.pool()?).await?;
        }
        Ok(())
    }
}

/// Writes down that `request` has made `batch`, in the transaction that makes it.
///
/// # Errors
///
/// [`StoreError::RequestForgotten`] where it was begun again meanwhile, since its process counted as dead.
pub(super) async fn begun(tx: &mut WriteTransaction, request: IdempotentRequest<'_>, batch: i64) -> Result<()> {
    let written = sqlx::query(
        "UPDATE idempotency SET batch = $1 WHERE caller = $2 AND name = $3 AND digest = $4 AND owner = $5 \
         AND status IS NULL AND batch IS NULL",
    )
    .bind(batch)
    .bind(request.caller)
    .bind(request.key)
    .bind(request.digest)
    .bind(request.owner)
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(StoreError::RequestForgotten) }
}

/// What the encrypted response to a call is bound to. No caller's name holds a line break.
pub(super) fn answer_name(caller: &str, key: &str) -> String {
    format!("answer\n{caller}\n{key}")
}
