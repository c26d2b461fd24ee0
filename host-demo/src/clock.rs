//! The time, and how Japan writes it.

use std::time::{SystemTime, UNIX_EPOCH};
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| past.as_millis() as i64)
}

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
