//! 電話番号.

use super::ValueError;
use super::text::{is_hyphen, is_zero_width, to_half_width};

/// Longest number that is looked at, in characters: far more than any way to write one needs.
const MAX_LENGTH: usize = 40;

/// What people write before a number.
const LABELS: [&str; 2] = ["TEL", "電話"];

/// A Japanese number: `0`, digits, and a hyphen where the cell parts them. `０９０－１２３４－５６７８`, `(03)1234-5678`,
/// `+81 3-1234-5678`, `'+81312345678` and `819012345678` are read.
///
/// # Errors
///
/// [`ValueError::LostZero`] where a leading zero would make a number of it, [`ValueError::NotOfItsKind`] for anything
/// else, an extension (内線) and a foreign number among it: what is reported to a provider is one number.
pub fn phone(cell: &str) -> Result<String, ValueError> {
    let parts = parts(cell).ok_or(ValueError::NotOfItsKind)?;
    let digits: String = parts.numbers.concat();
    let national = match parts.is_international {
        true => Some(national(&parts.numbers).ok_or(ValueError::NotOfItsKind)?),
        // A spreadsheet takes the plus away.
        false if !digits.starts_with('0') => national(&parts.numbers),
        false => None,
    };
    let numbers = national.unwrap_or(parts.numbers);
    let digits = numbers.concat();
    if is_japanese(&digits) {
        return Ok(numbers.join("-"));
    }
    match is_japanese(&format!("0{digits}")) {
        true => Err(ValueError::LostZero),
        false => Err(ValueError::NotOfItsKind),
    }
}

/// The runs of digits of a number.
struct Parts {
    is_international: bool,
    numbers: Vec<String>,
}

/// Nothing if there is more than digits and what may stand between them.
fn parts(cell: &str) -> Option<Parts> {
    if cell.chars().count() > MAX_LENGTH {
        return None;
    }
    let narrow: String = cell.chars().filter(|c| !is_zero_width(*c)).map(to_half_width).collect();
    let bare = narrow.trim().trim_start_matches('\'').trim_start();
    let bare = without_label(bare);
    // From most countries +81 is dialled as 0081; no Japanese number begins so.
    let foreign = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00").filter(|rest| rest.starts_with("81")));
    let (is_international, bare) = foreign.map_or((false, bare), |rest| (true, rest));
    let is_between = |c: char| is_hyphen(c) || c.is_whitespace() || matches!(c, '(' | ')' | '.');
    if !bare.chars().all(|c| c.is_ascii_digit() || is_between(c)) {
        return None;
    }
    let numbers = bare.split(is_between).filter(|number| !number.is_empty()).map(str::to_owned).collect();
    Some(Parts { is_international, numbers })
}

/// Without `TEL:` and the like before it.
fn without_label(bare: &str) -> &str {
    let label =
        LABELS.iter().find(|label| bare.get(..label.len()).is_some_and(|head| head.eq_ignore_ascii_case(label)));
    match label.and_then(|label| bare.get(label.len()..)) {
        Some(rest) => rest.trim_start_matches([':', '.', ' ']),
        None => bare,
    }
}

/// The same without the country's code: `+81 (0)3-1234-5678` is `03-1234-5678`. Nothing if it is another country's.
fn national(numbers: &[String]) -> Option<Vec<String>> {
    let (first, rest) = numbers.split_first()?;
    let after_code = first.strip_prefix("81")?;
    let mut rest: Vec<String> = [after_code.to_owned()].into_iter().chain(rest.iter().cloned()).collect();
    rest.retain(|number| !number.is_empty());
    let head = rest.first_mut()?;
    // `(0)` is written for those who call from Japan.
    if head == "0" && rest.len() > 1 {
        rest.remove(0);
    }
    let head = rest.first_mut()?;
    if !head.starts_with('0') {
        head.insert(0, '0');
    }
    Some(rest).filter(|rest| is_japanese(&rest.concat()))
}

/// Ten digits for a place or a service, eleven for mobiles (070, 080, 090, 060), IP telephones (050), pagers (020) and
/// free numbers (0800). Which places exist is not known here.
fn is_japanese(digits: &str) -> bool {
    let is_long = || matches!(digits.as_bytes(), [b'0', b'2' | b'5'..=b'9', b'0', ..]);
    match digits.len() {
        10 => digits.starts_with('0') && !digits.starts_with("00") && !is_long(),
        11 => is_long(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_however_written() {
        for (cell, form) in [
            ("０９０－１２３４－５６７８", "090-1234-5678"),
            ("090ー1234ー5678", "090-1234-5678"),
            ("090‐1234‐5678", "090-1234-5678"),
            ("090–1234—5678", "090-1234-5678"),
            ("\u{202a}090-1234-5678\u{202c}", "090-1234-5678"),
            ("(03)1234-5678", "03-1234-5678"),
            ("03（1234）5678", "03-1234-5678"),
            ("03 1234 5678", "03-1234-5678"),
            ("03.1234.5678", "03-1234-5678"),
            ("0312345678", "0312345678"),
            ("０３１２３４５６７８", "0312345678"),
            ("+819012345678", "09012345678"),
            ("+81 3-1234-5678", "03-1234-5678"),
            ("+81-3-1234-5678", "03-1234-5678"),
            ("+81 (0)3-1234-5678", "03-1234-5678"),
            ("+8103-1234-5678", "03-1234-5678"),
            ("'+81312345678", "0312345678"),
            ("819012345678", "09012345678"),
            ("'09012345678", "09012345678"),
            ("090-1234-5678 ", "090-1234-5678"),
            ("0120-123-456", "0120-123-456"),
            ("0800-123-4567", "0800-123-4567"),
            ("050-1234-5678", "050-1234-5678"),
            ("0166-12-3456", "0166-12-3456"),
            ("\u{200b}03-1234-5678", "03-1234-5678"),
        ] {
            assert_eq!(phone(cell).as_deref(), Ok(form), "{cell:?}");
        }
    }

    #[test]
    fn what_is_no_japanese_number_is_refused() {
        for cell in ["9012345678", "312345678", "8012345678", "166123456", "3-1234-5678", "90-1234-5678"] {
            assert_eq!(phone(cell), Err(ValueError::LostZero), "{cell:?}");
        }
        for cell in [
            "",
            "—",
            "なし",
            "03-1234-5678 内線12",
            "03-1234-5678/090-1234-5678",
            "+1 212 555 0100",
            "+86 138 0000 0000",
            "00-1234-5678",
            "090-1234-567",
            "03-1234-56789",
            "123",
            "9.01E+09",
            "0901234567",
            "00000000000",
            "+81",
            "+81 90 1234 567",
            ":03-1234-5678",
            ": 090-1234-5678",
        ] {
            assert_eq!(phone(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
    }
}
