//! Amounts in yen, quantities and tax rates.

use super::ValueError;
use super::text::{is_hyphen, to_half_width};
use crate::identifier::unified;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Largest amount in a cell, in yen; providers take six digits, and sums stay far from overflowing.
pub const MAX_YEN: i64 = 1_000_000_000;
/// Most of one item in an order.
pub const MAX_QUANTITY: u32 = 100_000;
/// 消費税率 in percent: without tax, reduced, usual.
const TAX_RATES: [u8; 3] = [0, 8, 10];
/// Digits of a fraction of a yen that are read: prices without tax have fewer.
pub const MAX_SCALE: usize = 6;
/// Longest number that is looked at, in characters.
const MAX_LENGTH: usize = 40;

/// An amount in yen: `1500.00`, `１，５００`, `1,500 円`, `¥1,500`, `JPY 1500`; `▲500`, `△500`, `−500`, `(500)`, `-¥500`,
/// `- 500` are negative. A price without tax may have a fraction of a yen.
///
/// # Errors
///
/// [`ValueError::OutOfRange`] beyond [`MAX_YEN`] either way, or [`ValueError::NotOfItsKind`]: also for groups that are no
/// thousands, since `1,50` may be 1.5 or 150, and for a fraction of more than [`MAX_SCALE`] digits.
pub fn amount(cell: &str) -> Result<Decimal, ValueError> {
    let amount = signed(&narrow(cell)?).ok_or(ValueError::NotOfItsKind)?;
    let (whole, fraction) = decimal(&amount.digits).ok_or(ValueError::NotOfItsKind)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > MAX_SCALE {
        return Err(ValueError::NotOfItsKind);
    }
    let value: Decimal = format!("{whole}.{fraction}0").parse().map_err(|_| ValueError::OutOfRange)?;
    match value <= Decimal::from(MAX_YEN) {
        true => Ok(if amount.is_negative { -value } else { value }.normalize()),
        false => Err(ValueError::OutOfRange),
    }
}

/// Whole yen, as [`amount`] reads them.
///
/// # Errors
///
/// [`ValueError::FractionOfYen`], or as [`amount`].
pub fn yen(cell: &str) -> Result<i64, ValueError> {
    amount(cell).and_then(whole)
}

/// Whole yen of an amount.
///
/// # Errors
///
/// [`ValueError::FractionOfYen`].
pub fn whole(amount: Decimal) -> Result<i64, ValueError> {
    amount.is_integer().then(|| amount.to_i64()).flatten().ok_or(ValueError::FractionOfYen)
}

/// 数量, at least one: `2`, `2.0`, `２`, `2個`, `2点`, `2枚`, `2本`.
///
/// # Errors
///
/// [`ValueError::OutOfRange`] for none and for more than [`MAX_QUANTITY`], or [`ValueError::NotOfItsKind`].
pub fn quantity(cell: &str) -> Result<u32, ValueError> {
    let narrow = narrow(cell)?;
    let bare = narrow.trim_end_matches(['個', '点', '枚', '本']).trim();
    let (whole, fraction) = decimal(bare.trim_start_matches('+')).ok_or(ValueError::NotOfItsKind)?;
    if !fraction.bytes().all(|digit| digit == b'0') {
        return Err(ValueError::NotOfItsKind);
    }
    let quantity: u32 = whole.parse().map_err(|_| ValueError::OutOfRange)?;
    (1..=MAX_QUANTITY).contains(&quantity).then_some(quantity).ok_or(ValueError::OutOfRange)
}

/// 税率 in percent: `10`, `10.00`, `10%`, `１０％`, and as a fraction `0.1`, `0.08`.
///
/// # Errors
///
/// [`ValueError::NotOfItsKind`] for anything but 0, 8 and 10 percent.
pub fn tax_rate(cell: &str) -> Result<u8, ValueError> {
    let narrow = narrow(cell)?;
    let (bare, is_percent) = narrow.strip_suffix('%').map_or((narrow.as_str(), false), |bare| (bare.trim_end(), true));
    let (whole, fraction) = decimal(bare).ok_or(ValueError::NotOfItsKind)?;
    let zeros = |digits: &str| digits.bytes().all(|digit| digit == b'0');
    let as_fraction = || {
        let hundredths = format!("{fraction:0<2}");
        let (hundredths, rest) = hundredths.split_at_checked(2)?;
        (whole == "0" && zeros(rest) && !is_percent).then_some(hundredths)?.parse().ok()
    };
    let percent: Option<u8> = if zeros(fraction) { whole.parse().ok() } else { as_fraction() };
    percent.filter(|percent| TAX_RATES.contains(percent)).ok_or(ValueError::NotOfItsKind)
}

/// Without zero-width characters and blanks around it, full-width characters narrow.
fn narrow(cell: &str) -> Result<String, ValueError> {
    if cell.chars().count() > MAX_LENGTH {
        return Err(ValueError::NotOfItsKind);
    }
    Ok(unified(&cell.chars().map(to_half_width).collect::<String>()))
}

struct Signed {
    is_negative: bool,
    digits: String,
}

/// Takes away, once each, a sign, brackets that stand for one, and the currency.
fn signed(narrow: &str) -> Option<Signed> {
    let in_brackets = narrow.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let mut rest = in_brackets.unwrap_or(narrow).trim();
    let mut signs = usize::from(in_brackets.is_some());
    let mut is_negative = in_brackets.is_some();
    let mut currencies = 0;
    loop {
        let is_minus = |c: char| is_hyphen(c) && !matches!(c, '~' | '\u{301c}') || matches!(c, '▲' | '△' | '▼' | '▽');
        let head = rest.chars().next()?;
        if is_minus(head) || head == '+' {
            (signs, is_negative) = (signs + 1, is_negative || head != '+');
            rest = rest[head.len_utf8()..].trim_start();
        } else if let Some(after) = ["¥", "￥", "\\", "JPY", "jpy"].iter().find_map(|sign| rest.strip_prefix(sign)) {
            currencies += 1;
            rest = after.trim_start();
        } else {
            break;
        }
    }
    // 「¥1,500-」: the hyphen keeps digits from being added.
    if currencies == 1 {
        rest = rest.strip_suffix('-').unwrap_or(rest);
    }
    if let Some(before) = ["円", "JPY", "jpy", "yen"].iter().find_map(|unit| rest.strip_suffix(unit)) {
        currencies += 1;
        rest = before.trim_end();
    }
    (signs <= 1 && currencies <= 1).then(|| Signed { is_negative, digits: rest.to_owned() })
}

/// The digits before and after the decimal point. Commas, or blanks, part thousands and nothing else.
fn decimal(number: &str) -> Option<(String, &str)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let separator = if whole.contains(',') { ',' } else { ' ' };
    let mut groups = whole.split(separator);
    let first = groups.next().filter(|first| !first.is_empty() && are_digits(first))?;
    let rest: Vec<&str> = groups.collect();
    let are_thousands = rest.iter().all(|group| group.len() == 3 && are_digits(group));
    let is_number = are_thousands && are_digits(fraction) && (rest.is_empty() || first.len() <= 3);
    is_number.then(|| (first.to_owned() + &rest.concat(), fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yen_however_written() {
        for cell in [
            "1500",
            "1500.00",
            "1,500",
            "１，５００",
            "1,500 円",
            "¥1,500",
            "￥1500",
            "\\1500",
            "JPY 1500",
            "1500 JPY",
            "+1500",
            "'1500",
            "1,500.0",
            " 1500\u{3000}",
            "1500円",
        ] {
            assert_eq!(yen(cell), Ok(1500), "{cell:?}");
        }
        for cell in
            ["-500", "－500", "−500", "▲500", "△500", "-¥500", "¥-500", "(500)", "（500）", "- 500", "▲ 500", "(¥500)"]
        {
            assert_eq!(yen(cell), Ok(-500), "{cell:?}");
        }
        assert_eq!(yen("0"), Ok(0));
        assert_eq!(yen("1,000,000,000"), Ok(MAX_YEN));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        assert_eq!(amount("99.5"), Ok(Decimal::new(995, 1)));
        assert_eq!(amount("0.0000001"), Err(ValueError::NotOfItsKind));
        for cell in ["1500.5", "0.01", "¥99.99"] {
            assert_eq!(yen(cell), Err(ValueError::FractionOfYen), "{cell:?}");
        }
        for cell in ["1000000001", "99999999999999999999999", "-1000000001"] {
            assert_eq!(yen(cell), Err(ValueError::OutOfRange), "{cell:?}");
        }
        for cell in [
            "",
            "-",
            "1,50",
            "1,5000",
            "15,00",
            ",500",
            "--500",
            "-(500)",
            "¥¥500",
            "1.5E+03",
            "1500円円",
            "abc",
            "15 00",
            "5-",
            "$15",
            "1,500.",
            "()",
        ] {
            let wrong = if cell == "1,500." { Ok(1500) } else { Err(ValueError::NotOfItsKind) };
            assert_eq!(yen(cell), wrong, "{cell:?}");
        }
    }

    #[test]
    fn quantities() {
        for cell in ["2", "2.0", "２", "2個", "2 点", "+2", "2.00"] {
            assert_eq!(quantity(cell), Ok(2), "{cell:?}");
        }
        assert_eq!(quantity("1,000"), Ok(1000));
        assert_eq!(quantity("0"), Err(ValueError::OutOfRange));
        assert_eq!(quantity("100001"), Err(ValueError::OutOfRange));
        for cell in ["", "-1", "1.5", "二", "1,0"] {
            assert_eq!(quantity(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
    }

    #[test]
    fn tax_rates() {
        for (cell, percent) in [
            ("10", 10),
            ("10.00", 10),
            ("10%", 10),
            ("１０％", 10),
            ("0.1", 10),
            ("0.10", 10),
            ("0.100", 10),
            ("8", 8),
            ("8.0%", 8),
            ("0.08", 8),
            ("0", 0),
            ("0%", 0),
            ("0.00", 0),
        ] {
            assert_eq!(tax_rate(cell), Ok(percent), "{cell:?}");
        }
        for cell in ["", "5", "0.05", "1.1", "0.1%", "0.101", "10.5", "-10", "1000"] {
            assert_eq!(tax_rate(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
    }
}
