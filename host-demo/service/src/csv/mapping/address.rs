//! Parts a Japanese address into 都道府県, 市区町村 and the rest, by the list of all municipalities.
//!
//! The ends of names alone do not tell: 四日市市, 市川市, 余市郡余市町, 東村山市. A library with the same list asks a
//! server for it (`japanese-address-parser`); here it is a file that is part of the program.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Every prefecture and its municipalities.
static LIST: &str = include_str!("municipalities.txt");

static PREFECTURES: LazyLock<Vec<Prefecture>> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, cities)| Prefecture::new(name, cities)).collect()
});

struct Prefecture {
    name: &'static str,
    /// Folded and by their first character; with and without their county or island, and designated cities without
    /// their ward.
    cities: HashMap<char, Vec<Vec<char>>>,
}

impl Prefecture {
    fn new(name: &'static str, cities: &'static str) -> Self {
        let mut by_first: HashMap<char, Vec<Vec<char>>> = HashMap::new();
        for folded in cities.split(' ').flat_map(written).map(|city| fold(city).collect::<Vec<char>>()) {
            if let Some(first) = folded.first() {
                by_first.entry(*first).or_default().push(folded);
            }
        }
        Self { name, cities: by_first }
    }

    /// Bytes of the longest of its municipalities at the head of `text`, blanks within it included.
    fn longest(&self, text: &str) -> Option<usize> {
        let first = text.chars().next().map(fold_one)?;
        self.cities.get(&first)?.iter().filter_map(|city| head(text, city)).max()
    }
}

/// How people write a municipality: as it is, and without what stands before it.
fn written(name: &'static str) -> impl Iterator<Item = &'static str> {
    let behind = |end: &str| name.split_once(end).map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
    let town = name.ends_with(['町', '村']).then(|| behind("郡").or(behind("三宅島")).or(behind("八丈島"))).flatten();
    let ward = name.strip_suffix('区').and_then(|_| Some(name.split_at(name.find('市')? + '市'.len_utf8()).0));
    [Some(name), town.filter(|town| *town != name), ward].into_iter().flatten()
}

/// Spellings of one name: ヶ and ケ, 龍 and 竜 …
fn fold_one(c: char) -> char {
    match c {
        'ヶ' | 'が' | 'ガ' | 'ｹ' => 'ケ',
        'ヵ' => 'カ',
        '竜' => '龍',
        '曾' => '曽',
        '檜' => '桧',
        '﨑' | '埼' => '崎',
        '鯵' => '鰺',
        '淵' => '渕',
        'ノ' | '之' => 'の',
        other => other,
    }
}

fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(fold_one)
}

/// An address in its parts. What stood between them as blanks is gone; every other character is in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// 都道府県; empty where the address does not begin with one.
    pub prefecture: &'a str,
    /// 市区町村, as it is written.
    pub city: &'a str,
    /// What follows.
    pub street: &'a str,
}

/// Parts `address`; nothing where no municipality stands at its head, or behind its prefecture.
pub fn parts(address: &str) -> Option<Parts<'_>> {
    let address = address.trim();
    let own = PREFECTURES.iter().find(|prefecture| address.starts_with(prefecture.name));
    let (prefecture, rest) = address.split_at(own.map_or(0, |prefecture| prefecture.name.len()));
    let rest = rest.trim_start();
    let length = match own {
        Some(own) => own.longest(rest),
        None => PREFECTURES.iter().filter_map(|prefecture| prefecture.longest(rest)).max(),
    };
    let length = length.map(|city| with_ward(rest, city)).or_else(|| by_ending(rest))?;
    let (city, street) = rest.split_at_checked(length)?;
    Some(Parts { prefecture, city, street: street.trim_start() })
}

/// Bytes that `city` takes at the head of `text`.
fn head(text: &str, city: &[char]) -> Option<usize> {
    let mut wanted = city.iter();
    let mut next = wanted.next();
    for (at, c) in text.char_indices() {
        let Some(needed) = next else { return Some(at) };
        if c.is_whitespace() && at > 0 {
            continue;
        }
        if fold_one(c) != *needed {
            return None;
        }
        next = wanted.next();
    }
    next.is_none().then_some(text.len())
}

/// Most characters of a municipality before the character that ends it, where the list does not have it: one that was
/// merged or founded since.
const MAX_NAME: usize = 8;
/// Most characters of a ward's name that the list does not have.
const MAX_WARD: usize = 4;

/// Bytes up to the first of `endings` behind `from`, which ends a name of `most` characters at most.
fn end_of_name(text: &str, from: usize, most: usize, endings: &[char]) -> Option<usize> {
    let mut chars = text.get(from..)?.char_indices().skip(1).take(most);
    chars.find(|(_, c)| endings.contains(c)).map(|(at, c)| from + at + c.len_utf8())
}

/// Bytes of a city with a ward that the list does not have behind it: 浜松市中区 of before 2024.
fn with_ward(text: &str, city: usize) -> usize {
    let is_city = text.get(..city).is_some_and(|name| name.ends_with('市'));
    let ward = end_of_name(text, city, MAX_WARD, &['区']);
    let is_name = |end: &usize| {
        let mut name = text.get(city..*end).unwrap_or_default().chars();
        name.all(|c| c.is_alphabetic() && !['町', '村', '市'].contains(&c))
    };
    ward.filter(|end| is_city && is_name(end)).unwrap_or(city)
}

/// Bytes of what looks like a municipality that the list does not have.
fn by_ending(text: &str) -> Option<usize> {
    let end = |from, endings| end_of_name(text, from, MAX_NAME, endings);
    if let Some(city) = end(0, &['市']) {
        return Some(with_ward(text, city));
    }
    let county = end(0, &['郡']).and_then(|county| end(county, &['町', '村']));
    county.or_else(|| end(0, &['区']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
        let lines = LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
        lines.flat_map(|(prefecture, cities)| cities.split(' ').map(move |city| (prefecture, city)))
    }

    #[test]
    fn every_municipality_is_parted_with_and_without_its_prefecture() {
        let mut count = 0;
        for (prefecture, city) in list() {
            for street in ["神南1-2-3", "大字市場12", "本町2丁目3番4号", "1-1"] {
                let address = format!("{prefecture}{city}{street}");
                assert_eq!(parts(&address), Some(Parts { prefecture, city, street }), "{address}");
                let address = format!("{city}{street}");
                assert_eq!(parts(&address), Some(Parts { prefecture: "", city, street }), "{address}");
            }
            count += 1;
        }
        assert_eq!((PREFECTURES.len(), count), (47, 1892));
    }

    #[test]
    fn names_that_hold_the_ends_of_names_and_names_as_people_write_them() {
        for (address, city, street) in [
            ("三重県四日市市諏訪町1-5", "四日市市", "諏訪町1-5"),
            ("千葉県市川市八幡1-1-1", "市川市", "八幡1-1-1"),
            ("北海道余市郡余市町朝日町26", "余市郡余市町", "朝日町26"),
            ("北海道余市町朝日町26", "余市町", "朝日町26"),
            ("長野県大町市大町3887", "大町市", "大町3887"),
            ("佐賀県杵島郡大町町大字大町5017", "杵島郡大町町", "大字大町5017"),
            ("佐賀県大町町大字大町5017", "大町町", "大字大町5017"),
            ("東京都町田市森野2-2-22", "町田市", "森野2-2-22"),
            ("東京都東村山市本町1-2-3", "東村山市", "本町1-2-3"),
            ("東京都武蔵村山市本町1-1-1", "武蔵村山市", "本町1-1-1"),
            ("東京都八丈島八丈町大賀郷1", "八丈島八丈町", "大賀郷1"),
            ("東京都八丈町大賀郷1", "八丈町", "大賀郷1"),
            ("奈良県大和郡山市北郡山町248-4", "大和郡山市", "北郡山町248-4"),
            ("福島県郡山市朝日1-23-7", "郡山市", "朝日1-23-7"),
            ("石川県野々市市三納1-1", "野々市市", "三納1-1"),
            ("大阪府大阪市北区梅田1-1", "大阪市北区", "梅田1-1"),
            ("大阪府大阪市梅田1-1", "大阪市", "梅田1-1"),
            ("大阪府 大阪市 北区 梅田1-1", "大阪市 北区", "梅田1-1"),
            ("東京都　渋谷区　神南1-2-3　見本荘101", "渋谷区", "神南1-2-3　見本荘101"),
            ("千葉県鎌ヶ谷市新鎌ケ谷2", "鎌ヶ谷市", "新鎌ケ谷2"),
            ("茨城県竜ケ崎市3710", "竜ケ崎市", "3710"),
            ("静岡県浜松市中区元城町103-2", "浜松市中区", "元城町103-2"),
            ("群馬県佐波郡玉村町下新田201", "佐波郡玉村町", "下新田201"),
            ("群馬県玉村町下新田201", "玉村町", "下新田201"),
            ("埼玉県北葛飾郡鷲宮町桜田1-2", "北葛飾郡鷲宮町", "桜田1-2"),
            ("兵庫県篠山市北新町41", "篠山市", "北新町41"),
            ("大阪府堺市翁橋町1-1 堺区役所", "堺市", "翁橋町1-1 堺区役所"),
            ("長野県松本市1区2-3", "松本市", "1区2-3"),
            ("京都府京都市", "京都市", ""),
        ] {
            let found = parts(address).map(|parts| (parts.city, parts.street));
            assert_eq!(found, Some((city, street)), "{address}");
        }
        for address in ["", "東京都", "海外", "神南1-2-3", "〒150-0041"] {
            assert_eq!(parts(address), None, "{address}");
        }
    }
}
