//! 伝票番号 (お問い合わせ送り状番号).

use super::ValueError;
use super::phone::is_hyphen;
use super::text::{is_zero_width, to_half_width};
use crate::identifier::is_mangled;

/// Longest tracking number, in characters: what providers take at most.
pub const MAX_TRACKING: usize = 255;

/// Carriers, by the contract's ids, whose parcels have a number of twelve digits of which the last is what is left when
/// the others are divided by seven (7DR). It is what their customers' labels are printed by; no carrier publishes a
/// promise, so a number that fails it is pointed out and, where the provider checks the same, refused.
const WITH_CHECK_DIGIT: [&str; 3] = ["yamato", "sagawa", "yu-pack"];
/// Digits of a number that has a check digit.
const CHECKED_LENGTH: usize = 12;
/// What the others are divided by.
const DIVISOR: u64 = 7;

/// A tracking number as carriers print it: half-width letters, digits and hyphens, without blanks.
///
/// # Errors
///
/// [`ValueError::Mangled`] where a spreadsheet made a number of it, [`ValueError::NotOfItsKind`] if there is anything
/// else in it, no digit, or more than [`MAX_TRACKING`] characters.
pub fn tracking_number(cell: &str) -> Result<String, ValueError> {
    if is_mangled(cell) {
        return Err(ValueError::Mangled);
    }
    let narrow = cell.chars().filter(|c| !is_zero_width(*c)).map(to_half_width).filter(|c| !c.is_whitespace());
    let printed: String = narrow.map(|c| if is_hyphen(c) { '-' } else { c }).collect();
    let bare = printed.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(&printed);
    let number = bare.trim_start_matches('\'');
    let fits = number.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let has_digit = number.chars().any(|c| c.is_ascii_digit());
    let is_number = fits && has_digit && number.len() <= MAX_TRACKING;
    if is_number { Ok(number.to_owned()) } else { Err(ValueError::NotOfItsKind) }
}

/// What the check digit of a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDigit {
    /// It is right.
    Right,
    /// It is wrong: the number was mistyped, or is another carrier's.
    Wrong,
    /// The carrier has none that is known here, or gives numbers of this length none.
    None,
}

/// Checks `number` as the parcels of `carrier` have it.
pub fn check_digit(carrier: &str, number: &str) -> CheckDigit {
    let digits: String = number.chars().filter(|c| *c != '-').collect();
    let is_numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !WITH_CHECK_DIGIT.contains(&carrier) || digits.len() != CHECKED_LENGTH || !is_numeric {
        return CheckDigit::None;
    }
    let whole: u64 = digits.parse().unwrap_or_default();
    if whole / 10 % DIVISOR == whole % 10 { CheckDigit::Right } else { CheckDigit::Wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_however_typed() {
        for cell in
            ["123456789013", "１２３４５６７８９０１３", " 1234 5678 9013 ", "'123456789013", "=\"123456789013\""]
        {
            assert_eq!(tracking_number(cell).as_deref(), Ok("123456789013"), "{cell:?}");
        }
        assert_eq!(tracking_number("1234ー5678‐9013").as_deref(), Ok("1234-5678-9013"));
        assert_eq!(tracking_number("ab123456789jp").as_deref(), Ok("ab123456789jp"));
        for cell in ["1.23E+11", "####", "123456789013.0", "1.23457E+11"] {
            assert_eq!(tracking_number(cell), Err(ValueError::Mangled), "{cell:?}");
        }
        for cell in ["", "-", "ABC", "12_34", "1234/5678", "番号"] {
            assert_eq!(tracking_number(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
        assert_eq!(tracking_number(&"1".repeat(MAX_TRACKING + 1)), Err(ValueError::NotOfItsKind));
    }

    #[test]
    fn the_last_digit_is_checked_where_the_carrier_has_one() {
        for carrier in WITH_CHECK_DIGIT {
            // 12345678901 = 7 × 1763668414 + 3.
            assert_eq!(check_digit(carrier, "1234-5678-9013"), CheckDigit::Right);
            assert_eq!(check_digit(carrier, "123456789012"), CheckDigit::Wrong);
            assert_eq!(check_digit(carrier, "12345678901"), CheckDigit::None, "another length");
            assert_eq!(check_digit(carrier, "AB123456789JP"), CheckDigit::None);
        }
        assert_eq!(check_digit("seino", "123456789012"), CheckDigit::None);
    }
}
