//! Identifiers (order numbers, telephone numbers, tracking numbers, ids at a provider) that a spreadsheet has turned
//! into numbers. The digits are gone: what is left names nothing, or another thing, so it is refused wherever an
//! identifier comes in.

use crate::words::Lang;

/// What Excel shows of a formula or a value that failed.
const ERRORS: [&str; 9] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"];

/// Whether `text` is what a spreadsheet makes of an identifier: `3.0E+11`, `####`, `300001234567.0`, `#N/A`; in wide
/// characters as well.
///
/// An identifier may have an E between digits (`12E34`): only a sign or a decimal point makes a number of it.
pub fn is_mangled(text: &str) -> bool {
    let narrow: String = text.trim().chars().map(narrow).collect();
    let is_hashes = !narrow.is_empty() && narrow.chars().all(|c| c == '#');
    is_hashes || ERRORS.contains(&narrow.to_ascii_uppercase().as_str()) || is_exponent(&narrow) || is_decimal(&narrow)
}

/// Wide ASCII made narrow.
pub fn narrow(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(c as u32 - '！' as u32 + '!' as u32).unwrap_or(c),
        '\u{2212}' => '-',
        other => other,
    }
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

fn is_decimal(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    bare.split_once('.')
        .is_some_and(|(whole, zeros)| are_digits(whole) && are_digits(zeros) && zeros.bytes().all(|b| b == b'0'))
}

/// What happened to it, and what to do.
pub fn mangled_words(lang: Lang) -> &'static str {
    lang.pick(
        "Excelで崩れています。元の番号は残っていません。モールや配送業者から出力したCSVを、Excelで開かず\
         そのまま使うか、Excelの「データの取得」で列を「文字列」にして開いてください",
        "was destroyed by Excel: its digits are lost. Use the file as the mall or carrier wrote it, without opening it \
         in Excel, or open it there by Get Data with the column as text",
    )
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
        ] {
            assert!(!is_mangled(text), "{text}");
        }
    }
}
