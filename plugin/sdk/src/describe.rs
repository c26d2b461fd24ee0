//! Short ways to write a provider's description.

use crate::contract::{Label, SettingField, SettingKind};

/// Setting that every provider has: where the gateway is.
pub const BASE_URL: &str = "base-url";

/// Longest URL that a form need take; the known hosts and prefixes have less than a hundred characters.
const MAX_URL: u32 = 200;

/// Words in both languages.
pub fn label(ja: impl Into<String>, en: impl Into<String>) -> Label {
    Label { ja: ja.into(), en: en.into() }
}

/// A setting that a shop has to enter, of at most `max_length` characters.
pub fn required(key: &str, label: Label, help: Label, kind: SettingKind, max_length: u32) -> SettingField {
    let max_length = Some(max_length);
    SettingField { key: key.to_owned(), label, help, kind, required: true, default: None, max_length }
}

/// A setting that a shop may leave empty, of at most `max_length` characters.
pub fn optional(key: &str, label: Label, help: Label, kind: SettingKind, max_length: u32) -> SettingField {
    SettingField { required: false, ..required(key, label, help, kind, max_length) }
}

/// A setting with a list to choose from; `default` is one of `options`.
pub fn choice(key: &str, label: Label, help: Label, options: &[(&str, Label)], default: &str) -> SettingField {
    let options = options.iter().map(|(id, label)| ((*id).to_owned(), label.clone())).collect();
    let (kind, default) = (SettingKind::Choice(options), Some(default.to_owned()));
    SettingField { key: key.to_owned(), label, help, kind, required: true, default, max_length: None }
}

/// The setting [`BASE_URL`], with the production URL as its default where that is publicly known.
pub fn base_url(production: Option<&str>, help: Label) -> SettingField {
    let field = required(BASE_URL, label("接続先URL", "Gateway URL"), help, SettingKind::Url, MAX_URL);
    SettingField { default: production.map(str::to_owned), ..field }
}
