//! Names that people give to malls, providers and users.

/// Longest name of a mall, of a provider, of a column and of an order status, in characters: they stand in table columns,
/// and a provider's is a file's name.
pub const MAX_NAME: usize = 64;

/// Whether `name` can be a provider's id, and thereby a file's name, or a mall's, and thereby a part of a path.
pub fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(allowed)
}

/// Whether a name can be shown and told from others: seen whole, and without blanks around it.
pub fn is_text(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(is_unseen)
}

/// Control characters, and those that change how others are shown without being seen.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
