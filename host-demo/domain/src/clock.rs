//! The time, how Japan writes it, and how much of it has passed.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime};

/// Milliseconds since 1970-01-01T00:00:00Z, as this machine's clock has it. It may be wrong and may be set: it says
/// when something happened and when something is to be done, and never how much time has passed since another
/// process did something. That is what [`Moment`](crate::moment::Moment) is for.
pub fn now() -> i64 {
    if let Some(simulated) = simulated() {
        return simulated.now;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| past.as_millis() as i64) + SHIFT.seconds * 1000
}

/// How long a machine has been up: the same for all its processes, and no setting of its clock changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// Which start of which machine it is counted from.
    pub boot: String,
    /// Milliseconds, those included in which the machine slept.
    pub milliseconds: i64,
}

/// This machine's; nothing where the system does not tell.
pub fn uptime() -> Option<Uptime> {
    if let Some(simulated) = simulated() {
        return Some(simulated.uptime);
    }
    let milliseconds = since_boot()?;
    Some(Uptime { boot: SHIFT.boot.clone().or_else(|| BOOT.clone())?, milliseconds })
}

/// Drawn by the kernel whenever it starts, and the namespace in which its uptime is read: another one can count from
/// another moment.
#[cfg(target_os = "linux")]
static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
    let drawn = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let drawn = Some(drawn.trim().to_owned()).filter(|drawn| !drawn.is_empty())?;
    let namespace = std::fs::read_link("/proc/self/ns/time");
    Some(namespace.map_or(drawn.clone(), |namespace| format!("{drawn} {}", namespace.display())))
});

#[cfg(target_os = "linux")]
fn since_boot() -> Option<i64> {
    let past = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(past.tv_sec * 1000 + past.tv_nsec / 1_000_000)
}

#[cfg(not(target_os = "linux"))]
static BOOT: LazyLock<Option<String>> = LazyLock::new(|| None);

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Option<i64> {
    None
}

/// The time of a simulation.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// See [`now`].
    pub now: i64,
    /// See [`uptime`].
    pub uptime: Uptime,
}

thread_local! {
    static SIMULATED: RefCell<Option<Simulated>> = const { RefCell::new(None) };
}

/// Sets the time of everything that runs on this thread, for simulations, which have many times at once in one
/// process. Nothing else calls it, and nothing from outside of the program can.
pub fn simulate(time: Option<Simulated>) {
    SIMULATED.with(|slot| *slot.borrow_mut() = time);
}

fn simulated() -> Option<Simulated> {
    SIMULATED.with(|slot| slot.borrow().clone())
}

/// For tests alone: `SECONDS` by which this process's clock is ahead, or behind if negative; with `@NAME` behind
/// it, the process is on another machine.
const SHIFT_FOR_TESTS: &str = "HOST_DEMO_TEST_CLOCK";

#[derive(Default)]
struct Shift {
    seconds: i64,
    boot: Option<String>,
}

static SHIFT: LazyLock<Shift> = LazyLock::new(|| {
    let Ok(told) = std::env::var(SHIFT_FOR_TESTS) else { return Shift::default() };
    let (seconds, boot) = told.split_once('@').map_or((told.as_str(), None), |(seconds, boot)| (seconds, Some(boot)));
    Shift { seconds: seconds.parse().unwrap_or_default(), boot: boot.map(str::to_owned) }
});

fn in_japan(at: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(offset!(+9))
}

/// Today in Japan.
pub fn today() -> Date {
    in_japan(now()).date()
}

/// `15:04:05` in Japan.
pub fn time_of_day(at: i64) -> String {
    in_japan(at).format(format_description!("[hour]:[minute]:[second]")).unwrap_or_default()
}

/// `2026-07-01 15:04:05` in Japan.
pub fn timestamp(at: i64) -> String {
    in_japan(at).format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}

/// `2026-07-01 15:04:05`.
pub fn show(moment: time::PrimitiveDateTime) -> String {
    moment.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}

/// Milliseconds since 1970 of a moment in Japan.
pub fn in_milliseconds(moment: time::PrimitiveDateTime) -> i64 {
    moment.assume_offset(offset!(+9)).unix_timestamp() * 1000
}

/// A calendar date as `2026-07-01`, `2026/7/1` or the like.
pub fn parse_date(text: &str) -> Option<Date> {
    let numbers = numbers(text)?;
    let [year, month, day] = numbers[..] else { return None };
    date(year, month, day)
}

/// A date with or without time: `2026/07/01 15:04:05`, `2026-07-01 15:04`, `2026/7/1`.
pub fn parse_date_time(text: &str) -> Option<time::PrimitiveDateTime> {
    let numbers = numbers(text)?;
    let (day, at) = match numbers[..] {
        [year, month, day] => (date(year, month, day)?, [0, 0, 0]),
        [year, month, day, hour, minute] => (date(year, month, day)?, [hour, minute, 0]),
        [year, month, day, hour, minute, second] => (date(year, month, day)?, [hour, minute, second]),
        _ => return None,
    };
    let [hour, minute, second] = at.map(|part| u8::try_from(part).unwrap_or(u8::MAX));
    Some(day.with_time(time::Time::from_hms(hour, minute, second).ok()?))
}

fn date(year: u16, month: u16, day: u16) -> Option<Date> {
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
}

/// The numbers of a date; nothing else than digits, the usual separators and 年月日時分秒 may stand there.
fn numbers(text: &str) -> Option<Vec<u16>> {
    let separator = |c: char| "-/:. T年月日時分秒".contains(c);
    text.split(separator).filter(|part| !part.is_empty()).map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_as_malls_write_them() {
        for text in ["2026/7/1 09:05", "2026-07-01T09:05:00", "2026年7月1日 9時05分"] {
            assert_eq!(parse_date_time(text), Some(datetime!(2026-07-01 09:05)), "{text}");
        }
        for text in ["", "2026/2/30", "20260701", "2026/7/1 25:00", "2026/7/1 9:00 PM", "+2026/7/1x"] {
            assert_eq!(parse_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn the_day_turns_with_japan() {
        assert_eq!(timestamp(1_772_290_799_000), "2026-02-28 23:59:59");
    }
}
