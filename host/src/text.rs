//! Characters that do something to whoever shows them.

/// Whether `c` steers a terminal or the direction of text instead of being shown: control characters,
/// separators of lines and paragraphs, and the marks with which text is made to read otherwise than it is
/// stored.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
