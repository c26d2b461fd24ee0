//! Japan's calendar and clock, from [`crate::Call::now`].

use crate::types::Date;
use time::{OffsetDateTime, UtcOffset};

/// Japan Standard Time is nine hours ahead of UTC, without summer time.
const JST: UtcOffset = match UtcOffset::from_hms(9, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

#[rustfmt::skip] // A line for each would hide the rest of the file.
/// 都道府県, as addresses write them.
pub const PREFECTURES: [&str; 47] = [
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県", "埼玉県",
    "千葉県", "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県",
    "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県", "岡山県",
    "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県", "佐賀県", "長崎県", "熊本県", "大分県",
    "宮崎県", "鹿児島県", "沖縄県",
];

fn in_japan(now: u64) -> OffsetDateTime {
    let seconds = i64::try_from(now / 1000).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(JST)
}

/// The calendar date in Japan at `now` (milliseconds since 1970).
pub fn date(now: u64) -> Date {
    let at = in_japan(now);
    Date { year: u16::try_from(at.year()).unwrap_or_default(), month: at.month().into(), day: at.day() }
}

/// `yyyyMMddHHmmss` in Japan at `now`.
pub fn timestamp(now: u64) -> String {
    let at = in_japan(now);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `date` as year, month and day with `separator` between them: `2026-11-24`, `2026/11/24`, `20261124`.
pub fn format(date: &Date, separator: &str) -> String {
    format!("{:04}{separator}{:02}{separator}{:02}", date.year, date.month, date.day)
}

/// The date `days` after `date`, or nothing where `date` is not a date.
pub fn days_after(date: &Date, days: u16) -> Option<Date> {
    let month = time::Month::try_from(date.month).ok()?;
    let day = time::Date::from_calendar_date(date.year.into(), month, date.day).ok()?;
    let later = day.checked_add(time::Duration::days(days.into()))?;
    Some(Date { year: u16::try_from(later.year()).ok()?, month: later.month().into(), day: later.day() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_turns_at_three_in_the_afternoon_utc() {
        // 2026-02-28T14:59:59Z and a second later.
        assert_eq!(timestamp(1_772_290_799_000), "20260228235959");
        assert_eq!(format(&date(1_772_290_800_000), "-"), "2026-03-01");
    }

    #[test]
    fn days_cross_months_and_leap_days() {
        let day = |year, month, day| Date { year, month, day };
        assert_eq!(days_after(&day(2028, 2, 27), 3), Some(day(2028, 3, 1)));
        assert_eq!(days_after(&day(2026, 2, 30), 1), None);
    }
}
