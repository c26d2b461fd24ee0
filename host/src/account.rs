//! A shop's account at a provider: whose settings a call is given, and whose connections it may use.

use crate::contract::{Setting, SettingField};
use std::fmt;

/// A shop, as one plugin knows it. Connections are never shared between accounts.
#[derive(Clone)]
pub struct Account {
    pub(crate) id: String,
    pub(crate) settings: Vec<Setting>,
}

/// Without the values of the settings: some are secrets.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.settings.iter().map(|setting| setting.key.as_str()).collect();
        f.debug_struct("Account").field("id", &self.id).field("settings", &keys).finish()
    }
}

impl Account {
    /// `id` names the shop on the platform; `settings` are those that `check_settings` accepted.
    pub fn new(id: impl Into<String>, settings: Vec<Setting>) -> Self {
        Self { id: id.into(), settings }
    }

    /// The settings that a call is given: those that have a value, and the described defaults of the others. A plugin
    /// that finds every value need not make its own description to look one up, which for the SDK's is a third
    /// of what it computes for a credit.
    pub(crate) fn complete_settings(&self, fields: &[SettingField]) -> Vec<Setting> {
        let given = || self.settings.iter().filter(|setting| !setting.value.is_empty());
        let missing = fields.iter().filter(|field| !given().any(|setting| setting.key == field.key));
        let defaults =
            missing.filter_map(|field| Some(Setting { key: field.key.clone(), value: field.default.clone()? }));
        given().cloned().chain(defaults).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Label, SettingKind};

    #[test]
    fn values_that_are_missing_or_empty_have_their_defaults_and_no_other_changes() {
        let field = |key: &str, default: Option<&str>| SettingField {
            key: key.to_owned(),
            label: Label { ja: String::new(), en: String::new() },
            help: Label { ja: String::new(), en: String::new() },
            kind: SettingKind::Text,
            required: false,
            default: default.map(str::to_owned),
            max_length: None,
        };
        let fields =
            [field("given", Some("1")), field("empty", Some("2")), field("missing", Some("3")), field("none", None)];
        let set = |key: &str, value: &str| Setting { key: key.to_owned(), value: value.to_owned() };
        let account = Account::new("shop", vec![set("given", "a"), set("empty", ""), set("other", "b")]);
        let complete = account.complete_settings(&fields);
        let complete: Vec<_> = complete.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
        assert_eq!(complete, [("given", "a"), ("other", "b"), ("empty", "2"), ("missing", "3")]);
    }
}
