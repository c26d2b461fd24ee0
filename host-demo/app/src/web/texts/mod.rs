//! Every text of the pages, in one file for each language. This folder imports nothing of the rest of the program: names
//! of states, actions and errors come from the layers that define them, as on the command line.

mod catalog;
mod en;
mod fill;
pub(crate) mod format;
mod ja;
pub(crate) mod operations;

pub(super) use catalog::Texts;
pub(super) use en::EN;
pub(super) use fill::fill;
pub(super) use ja::JA;

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders(text: &str) -> Vec<&str> {
        let mut found: Vec<_> = text.split('{').skip(1).filter_map(|piece| piece.split('}').next()).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn no_language_lacks_a_text_or_a_placeholder_in_one() {
        for ((name, ja), (_, en)) in JA.all().into_iter().zip(EN.all()) {
            assert!(!ja.trim().is_empty() && !en.trim().is_empty(), "{name} is empty");
            assert_eq!(placeholders(ja), placeholders(en), "{name}: the placeholders differ");
        }
    }

    /// Units and brackets are the same in both languages; any other text that is the same is one that was not
    /// translated.
    #[test]
    fn english_is_english_and_japanese_is_japanese() {
        let same = ["mebibytes", "kibibytes", "value_of_orders"];
        let is_japanese = |text: &str| text.chars().any(|c| ('\u{3000}'..='\u{9fff}').contains(&c));
        for ((name, ja), (_, en)) in JA.all().into_iter().zip(EN.all()) {
            // The language switch names the other language in that language.
            if name == "other_language" || same.contains(&name) {
                continue;
            }
            assert!(is_japanese(ja), "{name}: {ja}");
            assert!(!is_japanese(en), "{name}: {en}");
        }
    }
}
