//! 郵便番号.

use super::ValueError;
use super::text::is_hyphen;
use super::text::{is_zero_width, to_half_width};

/// Digits of a postal code.
const LENGTH: usize = 7;
/// A spreadsheet takes away as many leading zeros as there are; codes begin with two at most.
const SHORTEST_DAMAGED: usize = LENGTH - 2;

/// Seven digits: `150-0041`, `〒１５０－００４１`, `'150-0041` are `1500041`.
///
/// # Errors
///
/// [`ValueError::LostZero`] for five or six digits, [`ValueError::NotOfItsKind`] for anything else.
pub fn postal_code(cell: &str) -> Result<String, ValueError> {
    let narrow: String = cell.chars().filter(|c| !is_zero_width(*c)).map(to_half_width).collect();
    let bare = narrow.trim().trim_start_matches(['\'', '〒', '〶']).trim();
    let mut digits = String::new();
    for c in bare.chars() {
        match c {
            '0'..='9' => digits.push(c),
            c if is_hyphen(c) || c.is_whitespace() => {}
            _ => return Err(ValueError::NotOfItsKind),
        }
    }
    match digits.len() {
        LENGTH => Ok(digits),
        SHORTEST_DAMAGED.. if digits.len() < LENGTH && lacks_its_head(bare) => Err(ValueError::LostZero),
        _ => Err(ValueError::NotOfItsKind),
    }
}

/// Whether what is missing is missing at the head: `60-0001`, and digits alone, of which nothing else is known.
fn lacks_its_head(bare: &str) -> bool {
    bare.rsplit_once(is_hyphen).is_none_or(|(_, tail)| tail.len() == LENGTH - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_digits_however_written() {
        for cell in ["150-0041", "1500041", "〒150-0041", "'150-0041", "１５０－００４１", "〒 150ー0041", "150 0041"]
        {
            assert_eq!(postal_code(cell).as_deref(), Ok("1500041"), "{cell:?}");
        }
        for cell in ["600001", "40001"] {
            assert_eq!(postal_code(cell), Err(ValueError::LostZero), "{cell:?}");
        }
        for cell in ["", "150-004", "15000411", "150/0041", "4001", "abc", "1.5E+06"] {
            assert_eq!(postal_code(cell), Err(ValueError::NotOfItsKind), "{cell:?}");
        }
    }
}
