//! What the parser says of a mapping that it cannot read: where, and as far as it is known what, so that it can be said in
//! both languages.

use std::ops::Range;

/// What the parser begins with where a key is none of a mapping's; the key follows.
const UNKNOWN: &str = "unknown field `";
/// The same where a key is missing.
const MISSING: &str = "missing field `";

/// Why a text is no mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormError {
    /// The line, counted from 1, as far as it is known.
    pub line: Option<usize>,
    /// What is wrong there.
    pub fault: FormFault,
}

/// What is wrong with the form of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormFault {
    /// There is no key of this name here.
    UnknownKey(String),
    /// This key is missing.
    MissingKey(String),
    /// A key is there twice.
    Twice,
    /// A value cannot be used here: what its reader says.
    Value(String),
    /// It is no TOML: what the parser says.
    Syntax(String),
}

impl FormError {
    /// What the parser says of `text`.
    pub(super) fn new(text: &str, span: Option<Range<usize>>, said: &str) -> Self {
        let line = span.map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
        Self { line, fault: FormFault::of(text, said) }
    }

    /// What the parser of values says of `text`.
    pub(in crate::csv) fn of(text: &str, error: &toml::de::Error) -> Self {
        Self::new(text, error.span(), error.message())
    }

    /// Something that stands in no line.
    pub(super) fn nowhere(said: &impl std::fmt::Display) -> Self {
        Self { line: None, fault: FormFault::Value(said.to_string()) }
    }
}

impl FormFault {
    fn of(text: &str, said: &str) -> Self {
        let key = |beginning: &str| said.strip_prefix(beginning)?.split('`').next().map(str::to_owned);
        if let Some(key) = key(UNKNOWN) {
            Self::UnknownKey(key)
        } else if let Some(key) = key(MISSING) {
            Self::MissingKey(key)
        } else if said.contains("duplicate key") {
            Self::Twice
        } else if text.parse::<toml::Table>().is_ok() {
            Self::Value(said.to_owned())
        } else {
            Self::Syntax(said.to_owned())
        }
    }
}

/// The first line of `text` that has the key, heading or name `at`, counted from 1. Of a path its last part.
pub(super) fn line_of(text: &str, at: &str) -> Option<usize> {
    let key = at.rsplit('.').next().unwrap_or(at);
    let has_key = |line: &str| {
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
        line.contains(&format!("\"{key}\"")) || words.into_iter().any(|word| word == key)
    };
    text.lines().position(|line| has_key(line.split('#').next().unwrap_or_default())).map(|at| at + 1)
}
