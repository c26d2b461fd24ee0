//! How references are formed: the store's prefix, the order's number, the attempt.

use std::io;

/// Characters of a store's own prefix: 36^5 is 60 million, enough to keep the few stores that may ever
/// share a provider's account apart.
const PREFIX_LENGTH: usize = 5;
/// The contract's limit on a reference, in characters.
pub(super) const MAX_REFERENCE: usize = 20;

/// The reference of an order's registration number `attempt`.
pub(super) fn reference(prefix: &str, order: i64, attempt: i64) -> String {
    format!("{prefix}-{}-{attempt}", base36(order))
}

pub(super) fn random_prefix() -> io::Result<String> {
    let drawn = getrandom::u64().map_err(io::Error::other)?;
    let prefixes = 36u64.pow(PREFIX_LENGTH as u32);
    Ok(format!("{:0>PREFIX_LENGTH$}", base36((drawn % prefixes) as i64)))
}

/// A number that is not negative, in base 36.
fn base36(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit((rest % 36) as u32, 36));
        rest /= 36;
        if rest == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_the_order_in_base_36() {
        assert_eq!(reference("0abcd", 0, 1), "0abcd-0-1");
        assert_eq!(reference("0abcd", 35, 2), "0abcd-z-2");
        assert_eq!(reference("0abcd", 36 * 36 + 1, 10), "0abcd-101-10");
        assert_eq!(random_prefix().unwrap().len(), PREFIX_LENGTH);
    }
}
