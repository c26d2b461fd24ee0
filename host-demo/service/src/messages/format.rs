//! Amounts, counts and phrases that several messages have in common.

pub use crate::csv::mapping::error_text::mangled;
use domain::lang::Lang;

/// `¥1,590` without the sign.
pub fn yen(yen: i64) -> String {
    let digits = yen.unsigned_abs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{}{}", if yen < 0 { "-" } else { "" }, groups.join(","))
}

/// `1 order`, `2 orders`, `2件`.
pub fn order_count(count: usize, lang: Lang) -> String {
    lang.pick(format!("{count}件"), if count == 1 { "1 order".to_owned() } else { format!("{count} orders") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        assert_eq!([0, 1590, -45015, 1234567].map(yen), ["0", "1,590", "-45,015", "1,234,567"]);
    }
}
