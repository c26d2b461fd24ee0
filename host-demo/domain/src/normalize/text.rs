//! Text: names, addresses, notes; and its folding for comparisons.

use super::ValueError;
use unicode_normalization::UnicodeNormalization;

/// What Excel shows of a formula or a value that failed.
const ERRORS: [&str; 9] = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"];

/// Whether a whole cell is what a spreadsheet shows in place of a value: `#N/A`, `####`.
pub fn is_error_value(cell: &str) -> bool {
    let cell = cell.trim();
    // Every cell of text is asked; all of them begin alike.
    if !cell.starts_with(['#', '＃']) {
        return false;
    }
    let narrow: String = cell.chars().map(narrow).collect();
    let is_hashes = narrow.len() > 1 && narrow.chars().all(|c| c == '#');
    is_hashes || ERRORS.iter().any(|error| error.eq_ignore_ascii_case(&narrow))
}

/// Hyphens, dashes, minus signs and long-vowel marks that stand between the parts of a number.
pub fn is_hyphen(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{2500}'
                | '\u{2501}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{30fc}'
                | '\u{ff70}'
                | '~'
                | '\u{301c}'
                | '\u{ff5e}'
    )
}

/// Characters without a width, which come along from pages: two texts that look the same are the same. Marks of direction
/// among them, between which a telephone number stands that is copied out of an address book.
pub fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}') || is_direction(c) && !is_override(c)
}

/// Turns the letters that follow round: they are shown otherwise than they are.
fn is_override(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}')
}

/// Marks of the direction of text, of which Japanese has one alone.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Full-width ASCII as ASCII, and the minus sign as a hyphen.
pub fn narrow(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(c as u32 - '！' as u32 + '!' as u32).unwrap_or(c),
        '\u{2212}' => '-',
        other => other,
    }
}

/// As [`narrow`], and every blank of a width of its own as a blank.
pub fn to_half_width(c: char) -> char {
    match c {
        '\u{3000}' | '\u{a0}' => ' ',
        other => narrow(other),
    }
}

/// Composed (NFC) and without blanks around it: a file written on a Mac has が as か and ゛, which is two characters in a
/// form that counts them and another text in every comparison. Line ends and tabs inside become a blank; what turns the
/// direction of text is dropped.
///
/// # Errors
///
/// [`ValueError::ControlCharacters`] if any other control character is in it, [`ValueError::Mangled`] where a
/// spreadsheet shows that it has no value.
pub fn text(cell: &str) -> Result<String, ValueError> {
    let shown = cell.chars().filter(|c| !is_direction(*c));
    let composed: String = shown.nfc().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    if composed.contains(char::is_control) {
        return Err(ValueError::ControlCharacters);
    }
    if is_error_value(&composed) {
        return Err(ValueError::Mangled);
    }
    Ok(composed.trim().to_owned())
}

/// 氏名カナ: half-width kana and hiragana as full-width katakana, Latin letters and digits as they are written, one kind
/// of blank. Voiced marks that stand apart (`ｶﾞ`, か゛) become one character with theirs.
///
/// # Errors
///
/// As [`text`].
pub fn kana(cell: &str) -> Result<String, ValueError> {
    let wide: String = cell.chars().flat_map(to_full_width_kana).map(to_katakana).collect();
    // Marks that have a width of their own do not compose with what is before them.
    let marked: String = wide.chars().map(combining).collect();
    text(&marked)
}

/// What makes two names or two addresses the same, however they are written: width of characters, blanks, hyphens, case
/// and whether voiced marks stand apart do not count.
pub fn folded(text: &str) -> String {
    let seen = |c: &char| !c.is_whitespace() && !is_zero_width(*c);
    let written_once = text.chars().map(combining).nfkc().filter(seen).map(|c| if is_hyphen(c) { '-' } else { c });
    // What stood between a letter and its mark is gone.
    written_once.flat_map(char::to_lowercase).nfc().collect()
}

fn to_full_width_kana(c: char) -> impl Iterator<Item = char> {
    // The compatibility form of half-width kana is the full-width one; that of other characters is another text.
    let is_half_width = matches!(c, '\u{ff61}'..='\u{ff9f}');
    let single = (!is_half_width).then_some(c);
    let wide = is_half_width.then(|| c.nfkc());
    single.into_iter().chain(wide.into_iter().flatten())
}

fn to_katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        '\u{3000}' | '\u{a0}' => ' ',
        other => other,
    }
}

fn combining(c: char) -> char {
    match c {
        '゛' => '\u{3099}',
        '゜' => '\u{309a}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_composed_and_trimmed() {
        for (cell, form) in [
            ("  見本 花子\u{3000}", "見本 花子"),
            ("か\u{3099}くえん", "がくえん"),
            ("髙﨑 𠮷田", "髙﨑 𠮷田"),
            ("1丁目\r\n2番", "1丁目  2番"),
            ("🍎セット", "🍎セット"),
            ("\u{202a}見本\u{202e}花子\u{2069}", "見本花子"),
        ] {
            assert_eq!(text(cell).as_deref(), Ok(form), "{cell:?}");
        }
        assert_eq!(text("見本\u{1b}[2J"), Err(ValueError::ControlCharacters));
        assert_eq!(text("見本\u{0}"), Err(ValueError::ControlCharacters));
    }

    #[test]
    fn a_mark_that_stands_apart_makes_no_other_name() {
        for name in ["か゛くえん", "か\u{3099}くえん", "か\u{200b}\u{3099}くえん", "か ゛くえん"] {
            assert_eq!(folded(name), folded("がくえん"), "{name:?}");
        }
        assert_eq!(folded("ﾊ ﾟｰﾙ"), folded("パール"));
        assert_ne!(folded("かくえん"), folded("がくえん"));
    }

    #[test]
    fn kana_is_full_width_katakana() {
        for (cell, form) in [
            ("ﾐﾎﾝ ﾊﾅｺ", "ミホン ハナコ"),
            ("みほん　はなこ", "ミホン ハナコ"),
            ("ｶﾞｸｴﾝ", "ガクエン"),
            ("か゛くえん", "ガクエン"),
            ("カ\u{3099}クエン", "ガクエン"),
            ("ﾊﾟｰﾙ", "パール"),
            ("ヴァイオリン", "ヴァイオリン"),
            ("ｳﾞｧｲｵﾘﾝ", "ヴァイオリン"),
            ("SMITH ジョン", "SMITH ジョン"),
        ] {
            assert_eq!(kana(cell).as_deref(), Ok(form), "{cell:?}");
        }
    }
}
