//! The clock that all processes of a store share, as far as this process knows it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// By how much the shared clock may differ from this machine's uptime between two readings. More is no correction
/// of a clock that runs well, and no slow answer of a database: it was set, or is another server's.
const JUMP: Duration = Duration::from_secs(5);
/// Between two readings of the shared clock, what is known of it may fall behind this machine's uptime by one
/// millisecond in so many. Clocks that run differ by less than one in ten thousand, so more is a slow answer of the
/// database.
const DRIFT: i64 = 1_000;

/// The latest reading. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct SharedClock(Arc<Mutex<Option<Reading>>>);

/// The shared clock's time, and this machine's uptime when it was read; both in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    at: i64,
    uptime: i64,
}

impl SharedClock {
    /// Milliseconds since 1970 by the shared clock at this `uptime`; nothing before its first reading.
    pub(super) fn at(&self, uptime: i64) -> Option<i64> {
        self.latest().map(|known| known.at + uptime - known.uptime)
    }

    /// Whether the shared clock moved otherwise than this machine's uptime since the latest reading.
    pub(super) fn has_jumped(&self, at: i64, uptime: i64) -> bool {
        let drift = self.latest().map_or(0, |known| (at - known.at) - (uptime - known.uptime));
        drift.unsigned_abs() > JUMP.as_millis() as u64
    }

    /// Records a reading.
    pub(super) fn read(&self, at: i64, uptime: i64) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(closer(*latest, Reading { at, uptime }));
    }

    fn latest(&self) -> Option<Reading> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of the shared clock after another reading. What the database answered is older than its answer's
/// arrival, so the later of two estimates is closer. Without this, the store's time would run backwards by the
/// difference between a slow answer and a quick one, and what is due now would not be due a moment later.
fn closer(known: Option<Reading>, read: Reading) -> Reading {
    let Some(known) = known else { return read };
    let passed = read.uptime - known.uptime;
    let by_uptime = known.at + passed - passed / DRIFT;
    // After a jump the two have nothing to do with each other.
    let has_jumped = (by_uptime - read.at).unsigned_abs() > JUMP.as_millis() as u64;
    Reading { at: if has_jumped { read.at } else { by_uptime.max(read.at) }, ..read }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(known: Option<(i64, i64)>, (at, uptime): (i64, i64)) -> i64 {
        let known = known.map(|(at, uptime)| Reading { at, uptime });
        closer(known, Reading { at, uptime }).at
    }

    #[test]
    fn a_slow_answer_does_not_turn_the_shared_clock_back() {
        let quick = (100_000, 5_000);
        assert_eq!(after(None, quick), 100_000);
        assert_eq!(after(Some(quick), (100_985, 6_000)), 100_999, "an answer that took 15 ms");
        assert_eq!(after(Some(quick), (101_001, 6_000)), 101_001, "a quicker answer than the first");
        let (mut known, hour) = (quick, 3_600_000);
        for hours in 1..=2_400 {
            // Slower than the uptime by one in ten thousand.
            let (read, uptime) = (100_000 + hours * (hour - 360), 5_000 + hours * hour);
            known = (after(Some(known), (read, uptime)), uptime);
            assert_eq!(known.0, read, "a drift is followed, after {hours} hours");
        }
        assert_eq!(after(Some(quick), (3_700_000, 6_000)), 3_700_000, "the clock was set");
        assert_eq!(after(Some(quick), (40_000, 6_000)), 40_000, "the clock was set back");
    }
}
