//! Amounts, counts and phrases that several messages have in common.

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

/// What a spreadsheet did to an identifier, and what to do: the second half of a sentence that begins with it.
pub fn mangled(lang: Lang) -> &'static str {
    lang.pick(
        "Excelで崩れています。元の番号のままではありません。モールや配送業者から出力したCSVを、Excelで開かず\
         そのまま使うか、Excelの「データの取得」で列を「文字列」にして開いてください",
        "was destroyed by Excel: it is not as it was. Use the file as the mall or carrier wrote it, without opening it \
         in Excel, or open it there by Get Data with the column as text",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        assert_eq!([0, 1590, -45015, 1234567].map(yen), ["0", "1,590", "-45,015", "1,234,567"]);
    }
}
