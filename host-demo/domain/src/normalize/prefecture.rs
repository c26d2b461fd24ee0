//! 都道府県.

use super::text::{is_zero_width, to_half_width};
use unicode_normalization::UnicodeNormalization;

/// The prefectures in the order of their numbers (JIS X 0401, ISO 3166-2:JP), from 1, each with its name in Latin
/// letters.
pub const PREFECTURES: [(&str, &str); 47] = [
    ("北海道", "hokkaido"),
    ("青森県", "aomori"),
    ("岩手県", "iwate"),
    ("宮城県", "miyagi"),
    ("秋田県", "akita"),
    ("山形県", "yamagata"),
    ("福島県", "fukushima"),
    ("茨城県", "ibaraki"),
    ("栃木県", "tochigi"),
    ("群馬県", "gunma"),
    ("埼玉県", "saitama"),
    ("千葉県", "chiba"),
    ("東京都", "tokyo"),
    ("神奈川県", "kanagawa"),
    ("新潟県", "niigata"),
    ("富山県", "toyama"),
    ("石川県", "ishikawa"),
    ("福井県", "fukui"),
    ("山梨県", "yamanashi"),
    ("長野県", "nagano"),
    ("岐阜県", "gifu"),
    ("静岡県", "shizuoka"),
    ("愛知県", "aichi"),
    ("三重県", "mie"),
    ("滋賀県", "shiga"),
    ("京都府", "kyoto"),
    ("大阪府", "osaka"),
    ("兵庫県", "hyogo"),
    ("奈良県", "nara"),
    ("和歌山県", "wakayama"),
    ("鳥取県", "tottori"),
    ("島根県", "shimane"),
    ("岡山県", "okayama"),
    ("広島県", "hiroshima"),
    ("山口県", "yamaguchi"),
    ("徳島県", "tokushima"),
    ("香川県", "kagawa"),
    ("愛媛県", "ehime"),
    ("高知県", "kochi"),
    ("福岡県", "fukuoka"),
    ("佐賀県", "saga"),
    ("長崎県", "nagasaki"),
    ("熊本県", "kumamoto"),
    ("大分県", "oita"),
    ("宮崎県", "miyazaki"),
    ("鹿児島県", "kagoshima"),
    ("沖縄県", "okinawa"),
];

/// Spellings of the names in Latin letters that differ from those above, and what stands for them there: long vowels
/// are written in four ways.
const SPELLINGS: [(&str, &str); 4] = [("ou", "o"), ("oo", "o"), ("oh", "o"), ("gumma", "gunma")];

/// One of the 47 names: `東京`, `東 京 都`, `Tokyo`, `TOKYO-TO`, `JP13`, `JP-13`, `13` are 東京都. Nothing if it is none.
pub fn prefecture(cell: &str) -> Option<&'static str> {
    let seen = |c: &char| !c.is_whitespace() && !is_zero_width(*c);
    let bare: String = cell.nfkc().map(to_half_width).filter(seen).collect();
    by_name(&bare).or_else(|| by_number(&bare)).or_else(|| by_latin_name(&bare))
}

/// The prefecture at whose name `address` begins, and what follows it. Only whole names count: 京都 is a city too.
pub fn split_prefecture(address: &str) -> Option<(&'static str, &str)> {
    let (name, _) = PREFECTURES.iter().find(|(name, _)| address.starts_with(name))?;
    Some((name, address[name.len()..].trim_start()))
}

/// A city without the name of its prefecture at its head: never 東京都東京都渋谷区.
pub fn without_prefecture<'a>(city: &'a str, prefecture: &str) -> &'a str {
    match city.strip_prefix(prefecture).map(str::trim_start) {
        Some(rest) if !rest.is_empty() => rest,
        _ => city,
    }
}

fn by_name(bare: &str) -> Option<&'static str> {
    let mut names = PREFECTURES.iter().map(|(name, _)| *name);
    names.find(|name| *name == bare || *name != "北海道" && name.strip_suffix(['都', '府', '県']) == Some(bare))
}

fn by_number(bare: &str) -> Option<&'static str> {
    let upper = bare.to_ascii_uppercase();
    let number = upper.strip_prefix("JP").map_or(upper.as_str(), |number| number.trim_start_matches('-'));
    let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: usize = is_number.then(|| number.parse().ok()).flatten()?;
    PREFECTURES.get(number.checked_sub(1)?).map(|(name, _)| *name)
}

fn by_latin_name(bare: &str) -> Option<&'static str> {
    let letters: String = bare.nfd().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    let is_latin = bare.nfd().all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '.' | '\'' | ',') || is_mark(c));
    if !is_latin {
        return None;
    }
    let spelled = |letters: &str| {
        let usual = SPELLINGS.iter().fold(letters.to_owned(), |letters, (other, usual)| letters.replace(other, usual));
        PREFECTURES.iter().find(|(_, latin)| *latin == usual).map(|(name, _)| *name)
    };
    let kinds = ["prefecture", "pref", "ken", "fu", "to"];
    let without_kind = || kinds.iter().find_map(|kind| spelled(letters.strip_suffix(kind)?));
    spelled(&letters).or_else(without_kind)
}

/// The macron and circumflex of long vowels, and the breve that some write instead.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{304}' | '\u{302}' | '\u{306}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefecture_is_known_by_its_name_number_and_letters() {
        for (at, (name, latin)) in PREFECTURES.iter().enumerate() {
            let number = at + 1;
            let short = name.strip_suffix(['都', '府', '県']).unwrap_or(name);
            let kind = match name.chars().last() {
                Some('都') => "-to",
                Some('府') => "-fu",
                Some('県') => "-ken",
                _ => "",
            };
            let title = latin[..1].to_uppercase() + &latin[1..];
            for written in [
                (*name).to_owned(),
                short.to_owned(),
                format!("{number:02}"),
                format!("JP{number:02}"),
                format!("JP-{number:02}"),
                format!("jp-{number}"),
                (*latin).to_owned(),
                format!("{latin}{kind}").to_uppercase(),
                format!("{title}{kind}"),
                format!("{title} Prefecture"),
                name.chars().map(|c| format!("{c} ")).collect(),
            ] {
                assert_eq!(prefecture(&written), Some(*name), "{written:?}");
            }
        }
    }

    #[test]
    fn spellings_that_are_met() {
        for (written, name) in [
            ("京都", "京都府"),
            ("Kyōto-fu", "京都府"),
            ("Ōsaka", "大阪府"),
            ("Ohsaka", "大阪府"),
            ("Hyōgo", "兵庫県"),
            ("Hyougo-ken", "兵庫県"),
            ("Kouchi", "高知県"),
            ("Ooita", "大分県"),
            ("Gumma", "群馬県"),
            ("Hokkaidō", "北海道"),
            ("Hokkaidou", "北海道"),
            ("Toukyou", "東京都"),
            ("Ｔｏｋｙｏ", "東京都"),
            ("千葉 県", "千葉県"),
            ("１３", "東京都"),
            ("1", "北海道"),
        ] {
            assert_eq!(prefecture(written), Some(name), "{written:?}");
        }
        for none in
            ["海外", "", "0", "48", "JP48", "JP", "013", "東", "京", "東京都渋谷区", "USA", "Kyo", "13.0", "-13"]
        {
            assert_eq!(prefecture(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_prefecture_stands_once() {
        assert_eq!(without_prefecture("東京都渋谷区", "東京都"), "渋谷区");
        assert_eq!(without_prefecture("渋谷区", "東京都"), "渋谷区");
        assert_eq!(without_prefecture("京都市", "京都府"), "京都市");
        assert_eq!(without_prefecture("東京都", "東京都"), "東京都");
        assert_eq!(split_prefecture("東京都 渋谷区神南"), Some(("東京都", "渋谷区神南")));
        assert_eq!(split_prefecture("京都市中京区"), None);
    }
}
