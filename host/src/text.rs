//! Characters that do something to whoever shows them.

/// Whether `c` steers a terminal or the direction of text instead of being shown: control characters,
/// separators of lines and paragraphs, and the marks with which text is made to read otherwise than it is
/// stored.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What stands for a character that a terminal would obey and no reader would see.
const UNSEEN: char = '\u{fffd}';

/// The first `length` characters of `text`, so that a reader sees what there is: line breaks and tabs
/// as blanks, other control characters and those that turn the direction of writing as a sign.
pub(crate) fn visible(text: &str, length: usize) -> String {
    text.chars().take(length).map(visible_character).collect()
}

/// Whether `text` is what a reader sees.
pub(crate) fn is_visible(text: &str) -> bool {
    text.chars().all(|c| visible_character(c) == c)
}

fn visible_character(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_control(c) => UNSEEN,
        c => c,
    }
}
