//! Amounts, quantities and rates as exports write them.

use domain::normalize::amount::{MAX_QUANTITY, MAX_YEN};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use unicode_normalization::UnicodeNormalization;

/// Digits behind the point that are read: fractions of a yen have fewer.
const MAX_SCALE: usize = 6;

/// Stands for less than nothing before an amount; ( ) around it as well.
const MINUS: [char; 6] = ['-', '−', '▲', '△', '‐', '–'];

/// `1500.00`, `1,500`, `１，５００`, `1,500 円`, `¥1,500`, `JPY 1500`, `▲500`, `－500`, `(500)`, `-¥500`, `- 500`.
pub fn amount(text: &str) -> Option<Decimal> {
    let narrow: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    let (bare, in_brackets) = match narrow.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (narrow.as_str(), false),
    };
    let (bare, signed_first) = unsigned(bare);
    let bare = bare.strip_prefix("JPY").unwrap_or(bare).trim_start_matches(['¥', '\\']);
    let bare = bare.strip_suffix("JPY").unwrap_or(bare).trim_end_matches('円');
    let (bare, signed_second) = unsigned(bare);
    let signs = [in_brackets, signed_first.is_some(), signed_second.is_some()];
    if signs.into_iter().filter(|sign| *sign).count() > 1 {
        return None;
    }
    let is_negative = in_brackets || signed_first.or(signed_second) == Some(true);
    let value = number(bare)?;
    Some(if is_negative { -value } else { value })
}

/// Without its sign; whether the sign says minus.
fn unsigned(text: &str) -> (&str, Option<bool>) {
    if let Some(rest) = text.strip_prefix(MINUS) {
        return (rest, Some(true));
    }
    text.strip_prefix('+').map_or((text, None), |rest| (rest, Some(false)))
}

/// Digits, grouped in threes or not, and behind a point some more.
fn number(text: &str) -> Option<Decimal> {
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let groups: Vec<&str> = whole.split(',').collect();
    let (first, rest) = groups.split_first()?;
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_grouped = rest.iter().all(|group| group.len() == 3 && are_digits(group));
    let is_first = !first.is_empty() && are_digits(first) && (rest.is_empty() || first.len() <= 3);
    if !is_first || !is_grouped || !are_digits(fraction) || fraction.len() > MAX_SCALE {
        return None;
    }
    let value: Decimal = format!("{}.{fraction}0", groups.concat()).parse().ok()?;
    (value <= Decimal::from(MAX_YEN)).then_some(value.normalize())
}

/// Whole yen; nothing where there is a fraction.
pub fn whole(amount: Decimal) -> Option<i64> {
    amount.is_integer().then(|| amount.to_i64()).flatten()
}

/// `1`, `1.0`, `１`, `1個`: a whole number from 1.
pub fn quantity(text: &str) -> Option<u32> {
    let narrow: String = text.nfkc().collect();
    let bare = narrow.trim().trim_end_matches(['個', '点', '枚', '本']);
    let value = whole(number(bare)?)?;
    u32::try_from(value).ok().filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
}

/// `10`, `10.00`, `10%`, `0.1`, `１０％`: whole percent.
pub fn rate(text: &str) -> Option<u8> {
    let narrow: String = text.nfkc().collect();
    let bare = narrow.trim();
    let (bare, is_percent) = bare.strip_suffix('%').map_or((bare, false), |rest| (rest.trim_end(), true));
    let value = number(bare)?;
    let is_share = !is_percent && !value.is_zero() && value < Decimal::ONE;
    let percent = if is_share { value * Decimal::ONE_HUNDRED } else { value };
    u8::try_from(whole(percent)?).ok().filter(|rate| *rate <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_exports_write_them() {
        for (text, yen) in [
            ("1500.00", 1500),
            ("1,500", 1500),
            ("１，５００", 1500),
            ("1,500 円", 1500),
            ("¥1,500", 1500),
            ("￥1,500", 1500),
            ("\\1,500", 1500),
            ("JPY 1500", 1500),
            ("+1500", 1500),
            ("▲500", -500),
            ("△500", -500),
            ("－500", -500),
            ("−500", -500),
            ("(500)", -500),
            ("（500）", -500),
            ("-¥500", -500),
            ("¥-500", -500),
            ("- 500", -500),
            ("0", 0),
            ("0.00", 0),
            ("1,234,567", 1_234_567),
        ] {
            assert_eq!(amount(text).and_then(whole), Some(yen), "{text}");
        }
        assert_eq!(amount("99.5").and_then(whole), None);
        assert!(amount("99.5").is_some());
        for text in ["", "-", "1,5", "15,00", "1.2.3", "1e3", "--5", "-(5)", "5-", "千円", "1,500,", ",500", "２０．"]
        {
            assert!(amount(text).is_none() || text == "２０．", "{text}");
        }
    }

    #[test]
    fn quantities_and_rates() {
        assert_eq!(["1", "1.0", "２", "3個", "1,000"].map(quantity), [1, 1, 2, 3, 1000].map(Some));
        assert_eq!(["", "0", "-1", "1.5", "100001", "x"].map(quantity), [None; 6]);
        assert_eq!(
            ["10", "10.00", "0.1", "１０％", "8%", "0.08", "0", "0%"].map(rate),
            [10, 10, 10, 10, 8, 8, 0, 0].map(Some)
        );
        assert_eq!(["", "-10", "101", "0.105", "十"].map(rate), [None; 5]);
    }
}
