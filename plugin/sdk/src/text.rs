//! Text as Japanese forms need it: counted in characters, full-width where asked.

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
    fn half_width_becomes_full_width() {
        assert_eq!(full_width("ﾄｳｷｮｳﾄ ｶﾞｰﾃﾞﾝﾋﾟｱ 1-2 #3"), "トウキョウト　ガーデンピア　１－２　＃３");
        assert_eq!(full_width("ｳﾞｧｲｵﾘﾝ ﾟ ﾏﾞ"), "ヴァイオリン　゜　マ゛");
        assert_eq!(full_width("東京都港区😀"), "東京都港区😀");
    }

    #[test]
    fn lengths_are_characters_not_bytes() {
        assert_eq!(count("髙橋𠮷野"), 4);
        assert_eq!(truncate("髙橋𠮷野", 3), "髙橋𠮷");
        assert_eq!(digits("(03) 1234-５678"), "031234678");
    }
}
