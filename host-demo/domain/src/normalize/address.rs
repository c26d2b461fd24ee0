//! 町名・番地: what a spreadsheet does to house numbers.

use super::ValueError;
use super::text::{text, to_half_width};

/// A street and house number as [`text`], unless it is what a spreadsheet makes of a house number: `1-2-3` becomes a
/// date, `2001/2/3` or `2月3日`, and which number it was cannot be known any more.
///
/// # Errors
///
/// [`ValueError::BecameDate`], or as [`text`].
pub fn street(cell: &str) -> Result<String, ValueError> {
    let street = text(cell)?;
    if is_date(&street) { Err(ValueError::BecameDate) } else { Ok(street) }
}

/// Whether a whole cell is a date as a Japanese or an English spreadsheet writes one. Hyphens alone are no sign: 1-2-3
/// is a house number.
pub fn is_date(text: &str) -> bool {
    let narrow: String = text.trim().chars().map(to_half_width).collect();
    let date = narrow.split_once(' ').filter(|(_, time)| is_time(time)).map_or(narrow.as_str(), |(date, _)| date);
    is_slashed(date) || is_iso(date) || is_japanese(date) || is_english(date)
}

fn is_number(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_time(text: &str) -> bool {
    let mut parts = text.split(':');
    (2..=3).contains(&text.split(':').count()) && parts.all(|part| is_number(part, 1..=2))
}

/// `2001/2/3`, `2/3/2001`
fn is_slashed(date: &str) -> bool {
    let parts: Vec<&str> = date.split('/').collect();
    match parts.as_slice() {
        [a, b, c] => {
            is_number(b, 1..=2)
                && (is_number(a, 4..=4) && is_number(c, 1..=2) || is_number(a, 1..=2) && is_number(c, 4..=4))
        }
        _ => false,
    }
}

/// `2001-02-03`: a house number of four digits whose parts have leading zeros does not exist.
fn is_iso(date: &str) -> bool {
    let parts: Vec<&str> = date.split('-').collect();
    matches!(parts.as_slice(), [year, month, day]
        if is_number(year, 4..=4) && is_number(month, 2..=2) && is_number(day, 2..=2)
            && (year.starts_with("19") || year.starts_with("20")))
}

/// `2月3日`, `2001年2月3日`, `2001年2月`
fn is_japanese(date: &str) -> bool {
    let (year, rest) = date.split_once('年').map_or((None, date), |(year, rest)| (Some(year), rest));
    let Some((month, day)) = rest.split_once('月') else { return false };
    let is_day = day.strip_suffix('日').is_some_and(|day| is_number(day, 1..=2)) || (day.is_empty() && year.is_some());
    year.is_none_or(|year| is_number(year, 2..=4)) && is_number(month, 1..=2) && is_day
}

/// `3-Feb`, `Feb-03`, `3-Feb-01`
fn is_english(date: &str) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let parts: Vec<&str> = date.split('-').collect();
    let is_month = |part: &&str| MONTHS.contains(&part.to_ascii_lowercase().as_str());
    let others = parts.iter().filter(|part| !is_month(part));
    (2..=3).contains(&parts.len())
        && parts.iter().filter(|part| is_month(part)).count() == 1
        && others.clone().all(|part| is_number(part, 1..=4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_number_that_became_a_date_is_refused() {
        for cell in [
            "2001/2/3",
            "２００１／２／３",
            "2/3/2001",
            "2月3日",
            "2001年2月3日",
            "3-Feb",
            "Feb-03",
            "3-Feb-01",
            "2001-02-03",
            "2001/2/3 0:00",
            "2001/02/03 00:00:00",
        ] {
            assert_eq!(street(cell), Err(ValueError::BecameDate), "{cell:?}");
        }
        for cell in [
            "1-2-3",
            "神南1-2-3",
            "2-3",
            "1丁目2番3号",
            "月島1-2",
            "4月町1-2",
            "123",
            "2001-2-3",
            "北1条西2丁目",
            "1/2",
        ] {
            assert_eq!(street(cell).as_deref(), Ok(cell), "{cell:?}");
        }
    }
}
