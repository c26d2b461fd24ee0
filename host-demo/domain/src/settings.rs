//! The settings of a shop at its provider: ids, and secrets such as keys and passwords.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// The settings of a provider, by key. Which of them are secrets, the provider's plugin says; all are treated as such.
pub type Settings = BTreeMap<String, Setting>;

/// The value of a setting. `Debug` does not show it, it cannot be serialized by accident, and it is wiped from memory
/// when it is dropped.
#[derive(Debug, Clone)]
pub struct Setting(SecretString);

impl Setting {
    /// The value. It must not get into logs, errors or pages.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Setting {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl From<&str> for Setting {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

/// Two values that this process holds already, compared to see whether a setting changed. No caller that
/// lacks one of them can trigger or time the comparison, so it need not be constant-time.
impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Setting {}

/// Values come in from forms, files and requests; there is no `Serialize`, as they go out in no such way.
impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::mall::{Mall, ShopAccount};
    use crate::settings::Settings;

    #[test]
    fn debug_shows_no_setting() {
        let settings = || Settings::from([("password".to_owned(), "himitsu-1".into())]);
        let mall = Mall { settings: settings(), ..Mall::default() };
        let account = ShopAccount { id: 1, mall: "a".into(), provider: "b".into(), settings: settings(), version: 1 };
        for shown in [format!("{mall:?}"), format!("{mall:#?}"), format!("{account:?}")] {
            assert!(shown.contains("password") && !shown.contains("himitsu"), "{shown}");
        }
    }
}
