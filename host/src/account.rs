//! A shop's account at a provider: whose settings a call is given, and whose connections it may use.

use crate::contract::Setting;

/// A shop, as one plugin knows it. Connections are never shared between accounts.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) id: String,
    pub(crate) settings: Vec<Setting>,
}

impl Account {
    /// `id` names the shop on the platform; `settings` are those that `check_settings` accepted.
    pub fn new(id: impl Into<String>, settings: Vec<Setting>) -> Self {
        Self { id: id.into(), settings }
    }
}
