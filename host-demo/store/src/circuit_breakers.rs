//! The circuit breaker of each provider, shared by all processes: a provider that keeps failing is not called, and probed
//! after pauses that grow.

use crate::change::CallHealth;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::{from_json, parse, to_json};
use domain::issue::Issue;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, FromRow, Row};
use std::time::Duration;
use strum::{Display, EnumString};

/// Calls that fail in a row before the breaker opens. One lost response happens every day; five failed calls in a row do
/// not.
pub const FAILURES_UNTIL_OPEN: i64 = 5;
/// Before the first probe after that: long enough for a gateway to come up again.
pub const FIRST_PROBE: Duration = Duration::from_secs(30);
/// No pause is longer: orders wait for it.
pub const LONGEST_PROBE: Duration = Duration::from_secs(15 * 60);
/// A process whose probe has not ended within this long has died; another one probes. Longer than the host gives any
/// call.
const PROBE_LEASE: Duration = Duration::from_secs(120);

/// Whether batches and automation call a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They do.
    Closed,
    /// They do not.
    Open,
    /// One process probes whether it responds again.
    HalfOpen,
}

/// How the latest calls to a provider ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Breaker {
    /// The provider's id.
    pub provider: String,
    /// Whether it is called.
    pub state: BreakerState,
    /// Calls that failed in a row.
    pub failures: i64,
    /// When it came to this state, in milliseconds since 1970.
    pub since: i64,
    /// When it is probed next, in milliseconds since 1970.
    pub probe_at: Option<i64>,
    /// The pause before that, in milliseconds.
    pub pause: i64,
    /// The last failure.
    pub problem: Option<Issue>,
}

/// Whether a provider may be called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Without limit.
    Free,
    /// One call, to see whether it responds.
    Probe,
    /// Not before this time, in milliseconds since 1970.
    NotBefore(i64),
}

impl Store {
    /// The breakers of all providers that ever failed.
    pub async fn breakers(&self) -> Result<Vec<Breaker>> {
        Ok(sqlx::query_as("SELECT * FROM breakers ORDER BY provider").fetch_all(self.pool()?).await?)
    }

    /// Whether batches and automation may call `provider` now. Of several processes one gets the probe.
    pub async fn admission(&self, provider: &str, now: i64) -> Result<Admission> {
        let mut connection = self.pool()?.acquire().await?;
        let Some(breaker) = breaker(&mut connection, provider).await? else { return Ok(Admission::Free) };
        let probe_at = breaker.probe_at.unwrap_or(now);
        match breaker.state {
            BreakerState::Closed => return Ok(Admission::Free),
            _ if probe_at > now => return Ok(Admission::NotBefore(probe_at)),
            _ => {}
        }
        let lease = now + PROBE_LEASE.as_millis() as i64;
        let won = sqlx::query(
            "UPDATE breakers SET state = $1, probe_at = $2 WHERE provider = $3 AND state = $4 AND probe_at = $5",
        )
        .bind(BreakerState::HalfOpen.to_string())
        .bind(lease)
        .bind(provider)
        .bind(breaker.state.to_string())
        .bind(breaker.probe_at)
        .execute(&mut *connection)
        .await?;
        Ok(if won.rows_affected() == 1 { Admission::Probe } else { Admission::NotBefore(lease) })
    }

    /// Gives a probe back that showed nothing: no call was made, or one that says nothing of the provider.
    pub async fn give_back_probe(&self, provider: &str, now: i64) -> Result<()> {
        let mut connection = self.pool()?.acquire().await?;
        give_back_probe(&mut connection, provider, now).await
    }

    /// Records what a call says of `provider`. What the calls of a batch say is written with their results.
    pub async fn note_health(&self, provider: &str, health: &CallHealth, now: i64) -> Result<()> {
        let mut tx = self.write().await?;
        note(&mut tx, provider, health, now).await?;
        tx.commit().await
    }
}

/// Records what a call says of `provider`.
pub(super) async fn note(tx: &mut WriteTransaction, provider: &str, health: &CallHealth, now: i64) -> Result<()> {
    match health {
        CallHealth::Failed(problem) => note_failure(tx, provider, problem, now).await,
        // Read first: the common case writes nothing.
        said => match (said, breaker(tx, provider).await?) {
            (CallHealth::Unknown, Some(breaker)) if breaker.state == BreakerState::HalfOpen => {
                give_back_probe(tx, provider, now).await
            }
            (CallHealth::Answered, Some(breaker)) if breaker.state != BreakerState::Closed || breaker.failures > 0 => {
                note_answer(tx, provider, now).await
            }
            _ => Ok(()),
        },
    }
}

async fn breaker(connection: &mut AnyConnection, provider: &str) -> Result<Option<Breaker>> {
    let found = sqlx::query_as("SELECT * FROM breakers WHERE provider = $1").bind(provider.to_owned());
    Ok(found.fetch_optional(connection).await?)
}

async fn give_back_probe(connection: &mut AnyConnection, provider: &str, now: i64) -> Result<()> {
    sqlx::query("UPDATE breakers SET state = $1, probe_at = $2 WHERE provider = $3 AND state = $4")
        .bind(BreakerState::Open.to_string())
        .bind(now)
        .bind(provider)
        .bind(BreakerState::HalfOpen.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// A call to `provider` was answered, which closes the breaker.
async fn note_answer(connection: &mut AnyConnection, provider: &str, now: i64) -> Result<()> {
    sqlx::query(
        "UPDATE breakers SET since = CASE WHEN state = $1 THEN since ELSE $2 END, state = $1, failures = 0, \
         probe_at = NULL, pause = $3 WHERE provider = $4",
    )
    .bind(BreakerState::Closed.to_string())
    .bind(now)
    .bind(FIRST_PROBE.as_millis() as i64)
    .bind(provider)
    .execute(connection)
    .await?;
    Ok(())
}

/// A call to `provider` failed because of the provider or the network.
async fn note_failure(tx: &mut WriteTransaction, provider: &str, problem: &Issue, now: i64) -> Result<()> {
    let failures: i64 = sqlx::query_scalar(
        "INSERT INTO breakers (provider, state, failures, since, pause, problem) VALUES ($1, $2, 1, $3, $4, $5) \
         ON CONFLICT (provider) DO UPDATE SET failures = breakers.failures + 1, problem = excluded.problem \
         RETURNING failures",
    )
    .bind(provider)
    .bind(BreakerState::Closed.to_string())
    .bind(now)
    .bind(FIRST_PROBE.as_millis() as i64)
    .bind(to_json(problem)?)
    .fetch_one(&mut **tx)
    .await?;
    if failures >= FAILURES_UNTIL_OPEN {
        // Closed: opens with the first pause. Half open: opens again with a pause that is twice as long. Open: a call
        // that was in flight, or an operator's, which changes nothing.
        sqlx::query(
            "UPDATE breakers SET probe_at = $1 + CASE WHEN state = $2 THEN pause ELSE \
             CASE WHEN pause * 2 < $3 THEN pause * 2 ELSE $3 END END, \
             pause = CASE WHEN state = $2 THEN pause ELSE CASE WHEN pause * 2 < $3 THEN pause * 2 ELSE $3 END END, \
             since = CASE WHEN state = $2 THEN $1 ELSE since END, state = $4 WHERE provider = $5 AND state <> $4",
        )
        .bind(now)
        .bind(BreakerState::Closed.to_string())
        .bind(LONGEST_PROBE.as_millis() as i64)
        .bind(BreakerState::Open.to_string())
        .bind(provider)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

impl FromRow<'_, AnyRow> for Breaker {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            provider: row.try_get("provider")?,
            state: parse(row.try_get("state")?)?,
            failures: row.try_get("failures")?,
            since: row.try_get("since")?,
            probe_at: row.try_get("probe_at")?,
            pause: row.try_get("pause")?,
            problem: row.try_get::<Option<&str>, _>("problem")?.map(from_json).transpose()?,
        })
    }
}
