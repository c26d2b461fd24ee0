//! What a person reads, in both languages.

pub use gateways::Lang;

/// The same words in Japanese and in English.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words {
    ja: String,
    en: String,
}

impl Words {
    /// `ja` in Japanese, `en` in English.
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: ja.into(), en: en.into() }
    }

    /// The words behind what they are about.
    pub fn after(self, about: &str) -> Self {
        Self { ja: format!("{about}: {}", self.ja), en: format!("{about}: {}", self.en) }
    }

    /// The words in `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        lang.pick(&self.ja, &self.en)
    }
}

/// [`Words`] from two format strings over the same captured names.
macro_rules! say {
    ($ja:literal, $en:literal) => {
        $crate::words::Words::new(format!($ja), format!($en))
    };
}
pub(crate) use say;
