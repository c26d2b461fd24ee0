//! Dates as exports write them, brought to the time in Japan.

use domain::clock;
use time::macros::offset;
use time::{PrimitiveDateTime, UtcOffset};
use unicode_normalization::UnicodeNormalization;

/// Years that an order can have: one of two digits is not guessed.
const YEARS: std::ops::RangeInclusive<i32> = 1990..=2099;

/// Eras and the year before their first.
const ERAS: [(&[&str], i32); 2] = [(&["令和", "R"], 2018), (&["平成", "H"], 1988)];

/// Words for the half of the day, and the hours that the second adds.
const HALVES: [(&[&str], u8); 2] = [(&["午前", "AM"], 0), (&["午後", "PM"], 12)];

/// A moment in Japan: `2026/11/20 1:05`, `2026-11-19T15:30:00+00:00`, `20261120`, `20261120103000`,
/// `2026/11/20 103309`, `2026年11月20日 午後1時5分`, `R8.11.20`. A date alone is its midnight.
pub fn in_japan(text: &str) -> Option<PrimitiveDateTime> {
    let text = text.nfkc().collect::<String>().trim().to_ascii_uppercase();
    let text = with_western_year(&without_weekday(&text))?;
    let (text, zone) = without_zone(&text);
    let (text, hours) = without_half(&text);
    let moment = clock::parse_date_time(&separated(&text))?;
    let moment = in_half(moment, hours)?;
    let moment = match zone {
        Some(zone) => in_zone(moment, zone)?,
        None => moment,
    };
    YEARS.contains(&moment.year()).then_some(moment)
}

fn in_zone(moment: PrimitiveDateTime, zone: UtcOffset) -> Option<PrimitiveDateTime> {
    let there = moment.assume_offset(zone).checked_to_offset(offset!(+9))?;
    Some(PrimitiveDateTime::new(there.date(), there.time()))
}

/// Without the day of the week in brackets: `2026/11/20(金) 10:30`.
fn without_weekday(text: &str) -> String {
    let Some((date, rest)) = text.split_once('(') else { return text.to_owned() };
    let Some((day, rest)) = rest.split_once(')') else { return text.to_owned() };
    let day = day.trim_end_matches('日').trim_end_matches('曜');
    let is_day = day.chars().count() <= 1 && "日月火水木金土".contains(day);
    if is_day { format!("{} {}", date.trim_end(), rest.trim_start()).trim().to_owned() } else { text.to_owned() }
}

/// `R8.11.20` as `2026.11.20`. 元年 is the first.
fn with_western_year(text: &str) -> Option<String> {
    let era = ERAS.iter().find_map(|(names, before)| {
        let rest = names.iter().find_map(|name| text.strip_prefix(name))?;
        Some((rest.trim_start(), before))
    });
    let Some((rest, before)) = era else { return Some(text.to_owned()) };
    let rest = rest.strip_prefix('元').map_or(rest.to_owned(), |rest| format!("1{rest}"));
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (year, rest) = rest.split_at_checked(digits)?;
    Some(format!("{}{rest}", before + year.parse::<i32>().ok().filter(|year| (1..100).contains(year))?))
}

/// Without its zone: `Z`, `UTC`, `GMT`, `JST`, `+09:00`, `+0900`, `+09`, and without fractions of a second before it.
fn without_zone(text: &str) -> (String, Option<UtcOffset>) {
    let Some(time) = text.find(':') else { return (text.to_owned(), None) };
    let named = [("Z", offset!(UTC)), ("UTC", offset!(UTC)), ("GMT", offset!(UTC)), ("JST", offset!(+9))];
    let by_name = named.iter().find_map(|(name, zone)| Some((text.strip_suffix(name)?, *zone)));
    let sign = text.rfind(['+', '-']).filter(|at| *at > time);
    let by_sign = || {
        let (moment, zone) = text.split_at_checked(sign?)?;
        Some((moment, offset_of(zone)?))
    };
    match by_name.or_else(by_sign) {
        Some((moment, zone)) => (without_fraction(moment.trim_end()), Some(zone)),
        None => (without_fraction(text), None),
    }
}

fn offset_of(text: &str) -> Option<UtcOffset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let digits = digits.replace(':', "");
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let (hours, minutes): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let factor = if sign == "-" { -1 } else { 1 };
    UtcOffset::from_hms(factor * hours, factor * minutes, 0).ok()
}

/// `10:00:00.000` as `10:00:00`.
fn without_fraction(text: &str) -> String {
    let whole = text.rsplit_once('.').filter(|(moment, fraction)| {
        moment.matches(':').count() == 2 && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
    });
    whole.map_or(text, |(moment, _)| moment).to_owned()
}

/// Without the half of the day; the hours that it adds.
fn without_half(text: &str) -> (String, Option<u8>) {
    let found = HALVES.iter().find_map(|(names, hours)| {
        let name = names.iter().find(|name| text.contains(**name))?;
        Some((text.replacen(name, " ", 1).trim().to_owned(), *hours))
    });
    found.map_or((text.to_owned(), None), |(text, hours)| (text, Some(hours)))
}

fn in_half(moment: PrimitiveDateTime, half: Option<u8>) -> Option<PrimitiveDateTime> {
    let Some(half) = half else { return Some(moment) };
    let hour = moment.hour();
    (hour <= 12).then_some(())?;
    moment.replace_hour(hour % 12 + half).ok()
}

/// Digits that stand together, apart: `20261120 103309` as `2026-11-20 10:33:09`.
fn separated(text: &str) -> String {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (date, time) = match date.split_at_checked(8) {
        Some((day, rest)) if are_digits(date) && time.is_empty() => (day, rest),
        _ => (date, time),
    };
    let date = if are_digits(date) && date.len() == 8 { cut(date, &[4, 2, 2], "-") } else { date.to_owned() };
    let time = match time.len() {
        4 | 6 if are_digits(time) => cut(time, &[2, 2, 2], ":"),
        _ => time.to_owned(),
    };
    format!("{date} {time}").trim().to_owned()
}

fn cut(digits: &str, lengths: &[usize], with: &str) -> String {
    let mut rest = digits;
    let mut parts = Vec::new();
    for length in lengths {
        let Some((part, behind)) = rest.split_at_checked(*length) else { break };
        parts.push(part);
        rest = behind;
    }
    parts.join(with)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn dates_as_exports_write_them() {
        for text in [
            "2026/11/20 1:05",
            "2026-11-20T01:05:00",
            "2026-11-20 01:05:00 +0900",
            "2026-11-20T01:05:00+09:00",
            "2026-11-19T16:05:00+00:00",
            "2026-11-19T16:05:00Z",
            "2026-11-19T16:05:00.000Z",
            "2026-11-19 16:05:00 UTC",
            "2026-11-19T08:05:00-08:00",
            "2026/11/20 01:05 JST",
            "202611200105",
            "20261120010500",
            "20261120 010500",
            "2026/11/20 010500",
            "2026年11月20日 1時5分",
            "2026/11/20 午前1:05",
            "2026/11/20 1:05 AM",
            "２０２６／１１／２０　１：０５",
            "R8.11.20 1:05",
            "令和8年11月20日 1時5分",
        ] {
            assert_eq!(in_japan(text), Some(datetime!(2026-11-20 01:05)), "{text}");
        }
        for text in ["20261120", "2026/11/20", "2026-11-20", "R8/11/20", "2026/11/20 0:00", "2026/11/20 12:00 AM"] {
            assert_eq!(in_japan(text), Some(datetime!(2026-11-20 00:00)), "{text}");
        }
        assert_eq!(in_japan("2026/11/20 午後1:05"), Some(datetime!(2026-11-20 13:05)));
        assert_eq!(in_japan("令和元年5月1日"), Some(datetime!(2019-05-01 00:00)));
        for text in ["", "26/11/20", "2026/2/30", "20261320", "2026/11/20 13:05 PM", "11/20", "46346", "R0.1.1", "x"] {
            assert_eq!(in_japan(text), None, "{text}");
        }
    }
}
