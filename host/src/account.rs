//! A shop's account at a provider: whose settings a call is given, and whose connections it may use.

use crate::contract::Setting;
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
}
