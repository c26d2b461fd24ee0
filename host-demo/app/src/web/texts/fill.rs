//! Texts with placeholders.

use std::fmt::Display;

/// `text` with its placeholders `{0}`, `{1}` … replaced by `parts`. A part is inserted as it is: placeholders inside it
/// are not replaced.
pub(crate) fn fill(text: &str, parts: &[&dyn Display]) -> String {
    let mut pieces = text.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (index, rest) = piece.split_once('}').unwrap_or(("", piece));
        if let Some(part) = index.parse().ok().and_then(|index: usize| parts.get(index)) {
            filled += &part.to_string();
        }
        filled += rest;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_in_any_order_and_only_once() {
        assert_eq!(fill("{1} of {0}", &[&"{1}", &2]), "2 of {1}");
        assert_eq!(fill("no placeholder", &[]), "no placeholder");
    }
}
