//! How much time has passed since another process did something.
//!
//! The clocks of two machines differ, and the clock of one is set, by hand or by a service that corrects it. So a
//! moment is kept in measures that both sides share: the machine's uptime, which is exact between processes of one
//! machine since its last start, and the database's clock for processes of different machines where they share one.
//! Where neither can be compared, the time that passed is unknown.

use crate::clock::Uptime;

/// A moment, as it is kept for other processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 by the shared clock: the database's, or that of the one machine.
    pub at: i64,
    /// Of what can be compared by [`Moment::at`]: moments with the same text here. Nothing where that clock proves
    /// nothing.
    pub clock: Option<String>,
    /// The uptime of the machine on which it was.
    pub uptime: Option<Uptime>,
}

impl Moment {
    /// Milliseconds from `earlier` to this moment, or less: where the two have both clocks in common, what the slower
    /// one says, for clones of one machine tell the same start with other uptimes. Nothing where they have none.
    pub fn since(&self, earlier: &Self) -> Option<i64> {
        let passed = self.measures(earlier).min()?;
        // A clock that runs backwards was set.
        (passed >= 0).then_some(passed)
    }

    /// Whether no more than `limit` milliseconds can have passed since `earlier`: no clock that the two have in common
    /// says so, and they have one. A machine that is stopped and goes on has an uptime that knows nothing of it.
    pub fn is_within(&self, limit: i64, earlier: &Self) -> bool {
        self.measures(earlier).max().is_some_and(|passed| passed <= limit)
    }

    /// What each clock that the two have in common says.
    fn measures(&self, earlier: &Self) -> impl Iterator<Item = i64> {
        let by_uptime = match (&self.uptime, &earlier.uptime) {
            (Some(now), Some(then)) if now.boot == then.boot => Some(now.milliseconds - then.milliseconds),
            _ => None,
        };
        let is_shared = self.clock.is_some() && self.clock == earlier.clock;
        let by_clock = is_shared.then_some(self.at - earlier.at);
        by_uptime.into_iter().chain(by_clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(at: i64, clock: Option<&str>, uptime: Option<(&str, i64)>) -> Moment {
        let uptime = uptime.map(|(boot, milliseconds)| Uptime { boot: boot.to_owned(), milliseconds });
        Moment { at, clock: clock.map(str::to_owned), uptime }
    }

    #[test]
    fn time_is_measured_by_a_clock_that_both_sides_share_or_not_at_all() {
        let sent = moment(1_000_000, Some("db-1"), Some(("boot-1", 50_000)));
        for (now, passed, why) in [
            (moment(9_000_000, None, Some(("boot-1", 60_000))), Some(10_000), "the clock of this machine is ahead"),
            (moment(5, None, Some(("boot-1", 60_000))), Some(10_000), "the clock of this machine is behind"),
            (moment(1_020_000, Some("db-1"), Some(("boot-2", 7))), Some(20_000), "another machine, the same database"),
            (moment(1_020_000, Some("db-1"), Some(("boot-1", 900_000))), Some(20_000), "a clone of the machine"),
            (
                moment(9_000_000, Some("db-1"), Some(("boot-1", 60_000))),
                Some(10_000),
                "a database's clock that is fast",
            ),
            (moment(1_020_000, Some("db-1"), None), Some(20_000), "a machine that does not tell its uptime"),
            (moment(9_000_000, Some("db-2"), Some(("boot-2", 7))), None, "the database's clock was set"),
            (moment(9_000_000, None, Some(("boot-2", 900_000))), None, "the machine restarted"),
            (moment(999_999, Some("db-1"), None), None, "a clock that runs backwards"),
            (moment(9_000_000, None, None), None, "nothing in common"),
        ] {
            assert_eq!(now.since(&sent), passed, "{why}");
        }
        let before_this_was_kept = moment(1_000_000, None, None);
        assert_eq!(sent.since(&before_this_was_kept), None);
    }

    #[test]
    fn a_moment_is_recent_only_if_every_clock_in_common_says_so() {
        let claimed = moment(1_000_000, Some("db-1"), Some(("boot-1", 50_000)));
        for (now, is_recent, why) in [
            (moment(1_009_000, Some("db-1"), Some(("boot-1", 59_000))), true, "both clocks agree"),
            (moment(1_600_000, Some("db-1"), Some(("boot-1", 51_000))), false, "the machine was stopped"),
            (moment(1_001_000, Some("db-1"), Some(("boot-1", 650_000))), false, "the database's clock was set back"),
            (moment(5, None, Some(("boot-1", 59_000))), true, "the wall clock of this machine says nothing"),
            (moment(1_001_000, None, None), false, "nothing in common"),
        ] {
            assert_eq!(now.is_within(10_000, &claimed), is_recent, "{why}");
        }
    }
}
