//! Text as Japanese forms need it: counted in characters, full-width or half-width where asked.

/// Characters of `text`, as the gateways' length limits count them.
pub fn count(text: &str) -> usize {
    text.chars().count()
}

/// The first `limit` characters of `text`.
pub fn truncate(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}

/// ASCII digits of `text`, nothing else: `03-1234-5678` → `0312345678`.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A postal code as most gateways write it: `1050011` → `105-0011`. What is none stays.
pub fn postal_code(text: &str) -> String {
    let digits = digits(text);
    match digits.split_at_checked(3) {
        Some((area, town)) if town.len() == 4 => format!("{area}-{town}"),
        _ => text.to_owned(),
    }
}

/// Half-width letters, digits, signs, spaces and katakana made full-width; a sound mark joins its
/// letter (`ｶﾞ` → `ガ`). Everything else stays.
pub fn full_width(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let wide = widen(c);
        let joined = characters.peek().and_then(|mark| join(wide, *mark));
        if joined.is_some() {
            characters.next();
        }
        out.push(joined.unwrap_or(wide));
    }
    out
}

/// Katakana, hiragana and full-width letters, digits, signs and spaces made half-width, a sound mark as
/// a character of its own (`ガ` → `ｶﾞ`). Everything else stays.
pub fn half_width_kana(text: &str) -> String {
    text.chars().flat_map(narrow).collect()
}

/// Katakana without a half-width form of their own, and the nearest that has one.
const NEAREST: [(char, char); 5] = [('ヮ', 'ワ'), ('ヰ', 'イ'), ('ヱ', 'エ'), ('ヵ', 'カ'), ('ヶ', 'ケ')];
/// From a hiragana letter to its katakana.
const KATAKANA_OFFSET: u32 = 0x60;

/// The half-width form of `c`: a character, and where it needs one a sound mark.
fn narrow(c: char) -> impl Iterator<Item = char> {
    // Most of an order is neither: kanji, digits, letters. To look for them among the kana would be half of all
    // that a provider computes for a credit.
    let (letter, mark) = match c {
        '\u{3000}'..='\u{30ff}' | '！'..='～' => narrow_wide(c),
        _ => (c, None),
    };
    std::iter::once(letter).chain(mark)
}

/// The half-width form of `c`, which may have one.
fn narrow_wide(c: char) -> (char, Option<char>) {
    let c = match c {
        'ぁ'..='ゖ' => char::from_u32(c as u32 + KATAKANA_OFFSET).unwrap_or(c),
        _ => c,
    };
    let c = NEAREST.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
    // Voiceless letters stand directly before their voiced ones; ヴ alone stands elsewhere.
    let before = |step: u32| char::from_u32((c as u32).saturating_sub(step)).unwrap_or(c);
    let marked = [('ウ', 'ﾞ'), (before(1), 'ﾞ'), (before(2), 'ﾟ')];
    match marked.into_iter().find(|(letter, mark)| join(*letter, *mark) == Some(c)) {
        Some((letter, mark)) => (narrow_letter(letter), Some(mark)),
        None => (narrow_letter(c), None),
    }
}

fn narrow_letter(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '！'..='～' => char::from_u32(c as u32 - ASCII_OFFSET).unwrap_or(c),
        _ => {
            (0xff61..).zip(KANA.chars()).find(|(_, wide)| *wide == c).and_then(|(n, _)| char::from_u32(n)).unwrap_or(c)
        }
    }
}

/// The half-width block U+FF61 to U+FF9F, in order.
const KANA: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜";
/// From a half-width ASCII sign to its full-width form.
const ASCII_OFFSET: u32 = 0xfee0;

fn widen(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(c as u32 + ASCII_OFFSET).unwrap_or(c),
        '\u{ff61}'..='\u{ff9f}' => KANA.chars().nth((c as u32 - 0xff61) as usize).unwrap_or(c),
        '¥' => '￥',
        _ => c,
    }
}

/// `letter` with a half-width sound mark, where Japanese has such a letter.
fn join(letter: char, mark: char) -> Option<char> {
    let step = match (letter, mark) {
        ('ウ', 'ﾞ') => return Some('ヴ'),
        ('カ'..='ト' | 'ハ'..='ホ', 'ﾞ') => 1,
        ('ハ'..='ホ', 'ﾟ') => 2,
        _ => return None,
    };
    // Voiced letters stand directly behind their voiceless ones; others of the range have none.
    let voiceless = "カキクケコサシスセソタチツテトハヒフヘホ".contains(letter);
    voiceless.then(|| char::from_u32(letter as u32 + step)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_looked_for_has_no_half_width_form() {
        for c in '\0'..=char::MAX {
            let narrowed: String = narrow(c).collect();
            let (letter, mark) = narrow_wide(c);
            assert_eq!(narrowed, [Some(letter), mark].into_iter().flatten().collect::<String>(), "{c:?}");
        }
    }

    #[test]
    fn half_width_becomes_full_width() {
        assert_eq!(full_width("ﾄｳｷｮｳﾄ ｶﾞｰﾃﾞﾝﾋﾟｱ 1-2 #3"), "トウキョウト　ガーデンピア　１－２　＃３");
        assert_eq!(full_width("ｳﾞｧｲｵﾘﾝ ﾟ ﾏﾞ"), "ヴァイオリン　゜　マ゛");
        assert_eq!(full_width("東京都港区😀"), "東京都港区😀");
    }

    #[test]
    fn kana_become_half_width() {
        assert_eq!(half_width_kana("シケン　ハナコ"), "ｼｹﾝ ﾊﾅｺ");
        assert_eq!(half_width_kana("がーでんぴあ・ヴァヰオリン"), "ｶﾞｰﾃﾞﾝﾋﾟｱ･ｳﾞｧｲｵﾘﾝ");
        assert_eq!(half_width_kana("ＡＢＣ１２３－ｶﾞ"), "ABC123-ｶﾞ");
        assert_eq!(half_width_kana("髙橋😀\0ゝ"), "髙橋😀\0ゝ");
    }

    #[test]
    fn every_half_width_letter_survives_both_ways() {
        let all: String = ('\u{ff61}'..='\u{ff9f}').chain(' '..='~').collect();
        assert_eq!(half_width_kana(&full_width(&all)), all);
        let is_half = |c: char| c.is_ascii() || ('\u{ff61}'..='\u{ff9f}').contains(&c);
        assert!(!full_width(&all).chars().any(is_half));
    }

    #[test]
    fn lengths_are_characters_not_bytes() {
        assert_eq!(count("髙橋𠮷野"), 4);
        assert_eq!(truncate("髙橋𠮷野", 3), "髙橋𠮷");
        for (written, sent) in [("1050011", "105-0011"), ("105-0011", "105-0011"), ("105", "105"), ("〒", "〒")] {
            assert_eq!(postal_code(written), sent);
        }
        assert_eq!(digits("(03) 1234-５678"), "031234678");
    }
}
