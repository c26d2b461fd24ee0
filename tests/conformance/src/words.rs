//! What a person reads, in both languages.

use crate::report::{Exchange, Finding};
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

    /// What is the same in both languages.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { ja: text.clone(), en: text }
    }

    /// The words with `change` made to both.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self { ja: change(&self.ja), en: change(&self.en) }
    }

    /// The words as a reason, with the request or call and the answer that showed it.
    pub fn shown_by(self, request: impl Into<Self>, answer: impl Into<Self>) -> Finding {
        Finding { words: self, exchange: Some(Exchange { request: request.into(), answer: answer.into() }) }
    }

    /// The words behind what they are about.
    pub fn after(self, about: &str) -> Self {
        Self { ja: format!("{about}: {}", self.ja), en: format!("{about}: {}", self.en) }
    }

    /// The words behind what they are about, which differs between the languages.
    pub fn about(&self, about: &Self) -> Self {
        Self { ja: format!("{}: {}", about.ja, self.ja), en: format!("{}: {}", about.en, self.en) }
    }

    /// The words in `lang`.
    pub fn in_lang(&self, lang: Lang) -> &str {
        lang.pick(&self.ja, &self.en)
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::same(text)
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::same(text)
    }
}

/// [`Words`] from two format strings over the same captured names.
macro_rules! say {
    ($ja:literal, $en:literal) => {
        $crate::words::Words::new(format!($ja), format!($en))
    };
}
pub(crate) use say;
