//! How much time has passed since another process did something.
//!
//! The clocks of two machines differ, and the clock of one is set, by hand or by a service that corrects it. So a
//! moment is kept in measures that both sides share: the machine's uptime, which is exact between processes of one
//! machine since its last start, and on PostgreSQL the database's clock for processes of different machines. Where
//! neither can be compared, nothing is known of the time that passed.

use crate::domain::clock;
use crate::domain::moment::Moment;
use crate::store::{Order, Result, Store, Writing};
use sqlx::AnyConnection;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// By how much the shared clock may differ from this machine's uptime between two looks at it. More is no correction
/// of a clock that runs well, and no slow answer of a database: it was set, or is another server's.
const JUMP: Duration = Duration::from_secs(5);

/// Between two looks at the shared clock, what is known of it may fall behind this machine's uptime by one millisecond
/// in so many. Clocks that run differ by less than one in ten thousand, so more is a slow answer of the database.
const DRIFT: i64 = 1_000;

/// The shared clock as this process knows it, with the uptime of that time.
pub(super) type Watched = Arc<Mutex<Option<(i64, i64)>>>;

/// The clock of one machine that does not tell its uptime: not exact, but all there is.
const THIS_MACHINES: &str = "machine";

impl Store {
    /// Now, as other processes will be able to compare it.
    pub async fn moment(&self) -> Result<Moment> {
        let mut connection = self.pool.acquire().await?;
        self.read_moment(&mut connection).await
    }

    /// Milliseconds since 1970 by the shared clock, as far as it is known without asking: what happens when is written
    /// down in the same measure by every process, whatever its own machine's clock says.
    pub fn now(&self) -> i64 {
        let seen = *self.watched();
        seen.zip(clock::uptime()).map_or_else(clock::now, |((at, then), now)| at + now.milliseconds - then)
    }

    /// [`Store::moment`] within a transaction.
    pub(super) async fn moment_in(&self, writing: &mut Writing) -> Result<Moment> {
        self.read_moment(writing).await
    }

    async fn read_moment(&self, connection: &mut AnyConnection) -> Result<Moment> {
        let Some(question) = self.dialect.clock() else {
            let uptime = clock::uptime();
            let clock = uptime.is_none().then(|| THIS_MACHINES.to_owned());
            return Ok(Moment { at: clock::now(), clock, uptime });
        };
        let mut read: (i64, String) = sqlx::query_as(question).fetch_one(&mut *connection).await?;
        let uptime = clock::uptime();
        if let Some(uptime) = &uptime {
            if self.has_jumped(read.0, uptime.milliseconds) {
                tracing::warn!("the database's clock was set; for what is in flight the time is measured anew");
                // Not in the caller's transaction, which may come to nothing.
                sqlx::query("UPDATE store SET clock_epoch = clock_epoch + 1").execute(&self.pool).await?;
                read = sqlx::query_as(question).fetch_one(&mut *connection).await?;
            }
            let mut known = self.watched();
            *known = Some((closer(*known, (read.0, uptime.milliseconds)), uptime.milliseconds));
        }
        Ok(Moment { at: read.0, clock: Some(read.1), uptime })
    }

    /// Whether the shared clock moved otherwise than this machine's uptime since it was looked at last.
    fn has_jumped(&self, at: i64, uptime: i64) -> bool {
        let before = *self.watched();
        let drift = before.map_or(0, |(then, up)| (at - then) - (uptime - up));
        drift.unsigned_abs() > JUMP.as_millis() as u64
    }

    fn watched(&self) -> MutexGuard<'_, Option<(i64, i64)>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Measures from `now` on how long what was sent last for `order` may be in flight, if it is still as it was
    /// read: what was measured before cannot be compared any more.
    pub async fn measure_anew(&self, order: &Order, now: &Moment) -> Result<()> {
        sqlx::query(
            "UPDATE orders SET sent_at = $1, sent_clock = $2, sent_boot = $3, sent_uptime = $4 \
             WHERE id = $5 AND version = $6",
        )
        .bind(now.at)
        .bind(&now.clock)
        .bind(now.uptime.as_ref().map(|uptime| &uptime.boot))
        .bind(now.uptime.as_ref().map(|uptime| uptime.milliseconds))
        .bind(order.id)
        .bind(order.version)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// The shared clock's time at `read.1` milliseconds of uptime: what the database answered is older than its answer's
/// arrival, so the later of two estimates is closer. Without this, [`Store::now`] would run backwards by the difference
/// between a slow answer and a quick one, and what is due now would not be due a moment later.
fn closer(known: Option<(i64, i64)>, read: (i64, i64)) -> i64 {
    let Some((at, then)) = known else { return read.0 };
    let passed = read.1 - then;
    let by_uptime = at + passed - passed / DRIFT;
    // After a jump the two have nothing to do with each other.
    if (by_uptime - read.0).unsigned_abs() > JUMP.as_millis() as u64 { read.0 } else { by_uptime.max(read.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_does_not_turn_the_shared_clock_back() {
        let quick = (100_000, 5_000);
        assert_eq!(closer(None, quick), 100_000);
        assert_eq!(closer(Some(quick), (100_985, 6_000)), 100_999, "an answer that took 15 ms");
        assert_eq!(closer(Some(quick), (101_001, 6_000)), 101_001, "a quicker answer than the first");
        let (mut known, hour) = (quick, 3_600_000);
        for hours in 1..=2_400 {
            // Slower than the uptime by one in ten thousand.
            let (read, uptime) = (100_000 + hours * (hour - 360), 5_000 + hours * hour);
            known = (closer(Some(known), (read, uptime)), uptime);
            assert_eq!(known.0, read, "a drift is followed, after {hours} hours");
        }
        assert_eq!(closer(Some(quick), (3_700_000, 6_000)), 3_700_000, "the clock was set");
        assert_eq!(closer(Some(quick), (40_000, 6_000)), 40_000, "the clock was set back");
    }
}
