//! Identifiers (order numbers, telephone numbers, tracking numbers, ids at a provider) as they come in: spreadsheets and
//! copying from pages change how they are written. What is unmistakable is brought to one form ([`unified`]), or one
//! order would be two. What a spreadsheet made a number of is refused ([`is_mangled`]): its digits may be gone, and what
//! is left names nothing, or another thing.

use crate::normalize::text::{is_error_value, is_zero_width, narrow};

/// The one form of an identifier: ASCII narrow, without blanks around it, without invisible characters, and without what
/// makes a spreadsheet take it for text: `'300001234567`, `="300001234567"`.
pub fn unified(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_zero_width(*c)).map(narrow).collect();
    let mut bare = seen.trim();
    // A spreadsheet may have marked what was marked before.
    loop {
        let formula = bare.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
        match formula.or_else(|| bare.strip_prefix('\'')) {
            Some(inner) => bare = inner.trim(),
            None => return bare.to_owned(),
        }
    }
}

/// The match key of an identifier, by which it is found however people, programs and spreadsheets write it: its letters
/// and digits, in capitals, without leading zeros. Two that have the same key are probably one, but only probably.
pub fn match_key(text: &str) -> String {
    let bare: String = text.chars().map(narrow).filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    bare.trim_start_matches('0').to_owned()
}

/// Whether `text` is what a spreadsheet makes of an identifier: `3.0E+11`, `3.0×10^11`, `####`, `300001234567.0`,
/// `300,001,234,567`, `#N/A`; in wide characters as well.
///
/// An identifier may have an E between digits (`12E34`): only a sign or a decimal point makes a number of it.
pub fn is_mangled(text: &str) -> bool {
    let text: String = unified(text).chars().filter(|c| !c.is_whitespace()).collect();
    is_error_value(&text)
        || text == "#"
        || is_exponent(&text)
        || is_power(&text)
        || is_decimal(&text)
        || is_grouped(&text)
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number's whole part and what follows its decimal point (a comma in some countries).
fn parts(number: &str) -> (&str, Option<&str>) {
    let number = number.strip_prefix(['+', '-']).unwrap_or(number);
    number.split_once(['.', ',']).map_or((number, None), |(whole, fraction)| (whole, Some(fraction)))
}

fn is_exponent(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let (whole, fraction) = parts(mantissa);
    let bare = exponent.strip_prefix(['+', '-']);
    let is_number = are_digits(whole) && fraction.is_none_or(are_digits) && are_digits(bare.unwrap_or(exponent));
    is_number && (bare.is_some() || fraction.is_some())
}

/// `3.0×10^11`
fn is_power(text: &str) -> bool {
    let Some((mantissa, power)) = text.split_once(['×', 'x', 'X', '*']) else { return false };
    let (whole, fraction) = parts(mantissa);
    let is_of_ten =
        power.strip_prefix("10^").is_some_and(|power| are_digits(power.strip_prefix(['+', '-']).unwrap_or(power)));
    is_of_ten && are_digits(whole) && fraction.is_none_or(are_digits)
}

/// `300001234567.0`, `300001234567.`
fn is_decimal(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    bare.split_once('.').is_some_and(|(whole, zeros)| are_digits(whole) && zeros.bytes().all(|b| b == b'0'))
}

/// `300,001,234,567`
fn is_grouped(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let bare = bare.split_once('.').map_or(bare, |(whole, _)| whole);
    let mut groups = bare.split(',');
    let first = groups.next().unwrap_or_default();
    let (mut rest, first) = (groups.peekable(), are_digits(first) && first.len() <= 3);
    first && rest.peek().is_some() && rest.all(|group| are_digits(group) && group.len() == 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_makes_of_an_identifier_is_known_and_identifiers_are_left_alone() {
        for text in [
            "3.0E+11",
            "3.44556E+11",
            "3E+11",
            "3e-05",
            "1.2E11",
            "-3.0E+11",
            "3,44556E+11",
            " 3.0E+11 ",
            "３．０Ｅ＋１１",
            "####",
            "#",
            "＃＃＃",
            "#N/A",
            "#ref!",
            "300001234567.0",
            "9012345678.00",
            "300001234567.",
            "300,001,234,567",
            "３００，００１，２３４，５６７",
            "3.0E+11\u{200b}",
            "3.0 E+11",
            "3.0 E +11",
            "3.0×10^11",
            "3.0 x 10^11",
            "3*10^11",
            "'3.0E+11",
            "=\"3.0E+11\"",
        ] {
            assert!(is_mangled(text), "{text}");
        }
        for text in [
            "",
            "300001234567",
            "12E34",
            "1E5",
            "E+11",
            "A-3.0E+11",
            "3.0E+11-1",
            "G20261101-001",
            "03-0000-1000",
            "150-0041",
            "#1001",
            "20261101-1.5",
            "1.5",
            "E",
            "SPE-12",
            "+81312345678",
            "1234,567",
            "1,2",
            "A-1,234",
            "3x10",
            "10^11",
        ] {
            assert!(!is_mangled(text), "{text}");
        }
    }

    #[test]
    fn what_reads_alike_has_one_match_key() {
        for text in ["00A-12", "a12", "A‐12", "Ａ－１２", "A 12", "A–12", "#A12"] {
            assert_eq!(match_key(text), "A12", "{text}");
        }
        assert_ne!(match_key("A-12"), match_key("A-120"));
        assert_eq!(match_key("見本-1"), "見本1");
    }

    #[test]
    fn one_identifier_has_one_form() {
        for text in [
            "300001234567",
            " 300001234567 ",
            "'300001234567",
            "=\"300001234567\"",
            "'=\"300001234567\"",
            "３００００１２３４５６７",
            "\u{feff}300001234567\u{200b}",
            "300001\u{ad}234567",
            "＝＂300001234567＂",
        ] {
            assert_eq!(unified(text), "300001234567", "{text:?}");
        }
        for text in ["", "A-1", "見本-1", "O'Brien", "=1+1", "1 2"] {
            assert_eq!(unified(text), text);
        }
    }
}
