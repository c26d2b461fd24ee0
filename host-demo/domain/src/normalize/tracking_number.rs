//! 伝票番号 (お問い合わせ送り状番号).

use super::ValueError;
use super::text::is_hyphen;
use super::text::{is_zero_width, to_half_width};
use crate::identifier::is_mangled;

/// Longest tracking number, in characters: what providers take at most.
pub const MAX_TRACKING: usize = 255;

/// Carriers, by the contract's ids, of whose numbers it is publicly known how many digits they have. Assumed where no
/// carrier says so: ten digits at 佐川急便 and eleven or thirteen at ゆうパック, for older and for registered parcels.
const DIGITS: [(&str, &[usize]); 3] = [("yamato", &[12]), ("sagawa", &[10, 12]), ("yu-pack", &[11, 12, 13])];
/// Digits of a number of [`DIGITS`] of which the last is what is left when the others are divided by seven (7DR). It is
/// what the carriers' customers print their labels by; no carrier publishes a promise, so a number that fails it is
/// pointed out and, where the provider checks the same, refused.
const CHECKED_LENGTH: usize = 12;
/// What the others are divided by.
const DIVISOR: u64 = 7;

/// A tracking number as carriers' programs take it: half-width letters and digits, without blanks and hyphens. One
/// parcel has one form, however it was typed.
///
/// # Errors
///
/// [`ValueError::Mangled`] where a spreadsheet made a number of it, [`ValueError::NotOfItsKind`] if there is anything
/// else in it, no digit, or more than [`MAX_TRACKING`] characters.
pub fn tracking_number(cell: &str) -> Result<String, ValueError> {
    if is_mangled(cell) {
        return Err(ValueError::Mangled);
    }
    let narrow = cell.chars().filter(|c| !is_zero_width(*c)).map(to_half_width).filter(|c| *c != ' ');
    let printed: String = narrow.filter(|c| !is_hyphen(*c)).collect();
    let bare = printed.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(&printed);
    let number = bare.trim_start_matches('\'');
    let fits = number.chars().all(|c| c.is_ascii_alphanumeric());
    let has_digit = number.chars().any(|c| c.is_ascii_digit());
    let is_number = fits && has_digit && number.len() <= MAX_TRACKING;
    if is_number { Ok(number.to_owned()) } else { Err(ValueError::NotOfItsKind) }
}

/// Why a number is probably not one of its carrier's: it was mistyped, or the carrier is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberDoubt {
    /// The carrier's numbers have as many digits as one of these.
    Length(&'static [usize]),
    /// The last digit does not follow from the others.
    CheckDigit,
}

/// Looks at `number`, in its one form, as the parcels of `carrier` have it; nothing where it is right, or where nothing
/// is publicly known of the carrier's numbers.
pub fn number_doubt(carrier: &str, number: &str) -> Option<NumberDoubt> {
    let (_, lengths) = DIGITS.iter().find(|(known, _)| *known == carrier)?;
    // International and registered parcels have letters (EJ123456789JP), of which nothing is checked.
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !lengths.contains(&number.len()) {
        return Some(NumberDoubt::Length(lengths));
    }
    let whole: u64 = number.parse().unwrap_or_default();
    let is_wrong = number.len() == CHECKED_LENGTH && whole / 10 % DIVISOR != whole % 10;
    is_wrong.then_some(NumberDoubt::CheckDigit)
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
        assert_eq!(tracking_number("1234ー5678‐9013").as_deref(), Ok("123456789013"));
        assert_eq!(tracking_number("1234\u{200b}56789013").as_deref(), Ok("123456789013"));
        assert_eq!(tracking_number("ab123456789jp").as_deref(), Ok("ab123456789jp"));
        for cell in ["1.23E+11", "####", "123456789013.0", "123456789013.", "123,456,789,013", "3.0 E+11", "3.0×10^11"]
        {
            assert_eq!(tracking_number(cell), Err(ValueError::Mangled), "{cell:?}");
        }
        for cell in ["", "-", "ABC", "12_34", "1234/5678", "番号", "1234,5678", "1\u{1b}[2J", "<b>1</b>", "あ1"] {
            assert_eq!(tracking_number(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
        assert_eq!(tracking_number(&"1".repeat(MAX_TRACKING + 1)), Err(ValueError::NotOfItsKind));
    }

    #[test]
    fn length_and_last_digit_are_looked_at_where_the_carrier_has_them() {
        for (carrier, lengths) in DIGITS {
            // 12345678901 = 7 × 1763668414 + 3.
            assert_eq!(number_doubt(carrier, "123456789013"), None);
            assert_eq!(number_doubt(carrier, "123456789012"), Some(NumberDoubt::CheckDigit));
            assert_eq!(number_doubt(carrier, "12345678"), Some(NumberDoubt::Length(lengths)));
            assert_eq!(number_doubt(carrier, "AB123456789JP"), None);
        }
        assert_eq!(number_doubt("sagawa", "1234567890"), None, "an older number");
        assert_eq!(number_doubt("seino", "123456789012"), None, "nothing is known of its numbers");
    }
}
