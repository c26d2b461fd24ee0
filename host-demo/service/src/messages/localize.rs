//! What every type that people read implements.

use domain::lang::Lang;

/// Something that people read, in their language.
///
/// A provider's own message and the names that a shop gave stay as they came, in both languages.
pub trait Localize {
    /// `&'static str` for a label, `String` for a text that is composed.
    type Text: Into<String>;

    /// The text in the language `lang`.
    fn localized(&self, lang: Lang) -> Self::Text;
}
