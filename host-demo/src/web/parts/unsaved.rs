//! Secrets that were typed into a mall's form and are not saved yet.

use crate::domain::clock;
use crate::web::App;
use crate::web::http::page::Refusal;
use crate::web::http::session::Admin;
use crate::web::pages::mall::Fields;
use provider_host::contract::{SettingField, SettingKind};
use std::collections::BTreeMap;

/// Largest draft, in bytes: many times the secrets of every provider.
const MAX_DRAFT: usize = 64 << 10;

/// Secrets that were typed and are not saved yet. They are kept with the server from one answer of the form to the
/// next (see [`Store::keep_draft`](crate::store::Store::keep_draft)), for they must not go back to a browser.
#[derive(Default)]
pub struct Unsaved {
    /// By provider and key, so that a look at another provider's fields loses none.
    values: BTreeMap<String, String>,
    /// Those that the form was promised to have and that are gone.
    lost: Vec<String>,
}

impl Unsaved {
    /// What was kept for the form, and what it brings now.
    pub async fn read(app: &App, admin: &Admin, fields: &Fields, draft: &Draft<'_>) -> Result<Self, Refusal> {
        let mut values: BTreeMap<String, String> = match draft.open(app, admin, fields.one("draft")).await? {
            Some(json) => serde_json::from_str(&json).map_err(|error| Refusal::failed(&error))?,
            None => BTreeMap::new(),
        };
        let drawn = fields.drawn();
        let plugin = app.registry.get(drawn);
        for field in plugin.iter().flat_map(|plugin| &plugin.info().settings) {
            if let Some(typed) = fields.given(&format!("set.{}", field.key)).filter(|_| is_secret(field)) {
                values.insert(secret_name(drawn, &field.key), typed);
            }
        }
        let lost = fields.all("drafted").filter(|name| !values.contains_key(*name)).map(str::to_owned).collect();
        Ok(Unsaved { values, lost })
    }

    /// What was typed for this setting of this provider.
    pub fn value(&self, provider: &str, key: &str) -> Option<&String> {
        self.values.get(&secret_name(provider, key))
    }

    /// Which there are, by names that say nothing of them.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.values.keys().cloned()
    }

    /// Whether nothing is gone.
    pub fn is_whole(&self) -> bool {
        self.lost.is_empty()
    }

    /// The keys of `provider` whose values are gone.
    pub fn lost(&self, provider: &str) -> Vec<String> {
        let keys = self.lost.iter().filter_map(|name| name.strip_prefix(provider)?.strip_prefix('/'));
        keys.map(str::to_owned).collect()
    }

    /// Leaves them with the server; what the form finds them by, if there are any.
    pub async fn keep(&self, app: &App, admin: &Admin, draft: &Draft<'_>) -> Result<Option<String>, Refusal> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let json = serde_json::to_string(&self.values).map_err(|error| Refusal::failed(&error))?;
        if json.len() > MAX_DRAFT {
            return Err(Refusal::TooLarge(MAX_DRAFT));
        }
        draft.keep(app, admin, &json).await.map(Some)
    }
}

/// Which secret. No provider's id holds a slash.
fn secret_name(provider: &str, key: &str) -> String {
    format!("{provider}/{key}")
}

/// Whether it must not go back to a browser.
pub fn is_secret(field: &SettingField) -> bool {
    matches!(field.kind, SettingKind::Secret)
}

/// What a mall's form leaves with the server.
pub struct Draft<'a> {
    /// The mall's id; empty for one that is yet to be made.
    pub mall: &'a str,
}

impl Draft<'_> {
    fn what(&self) -> String {
        format!("mall\n{}", self.mall)
    }

    async fn open(&self, app: &App, admin: &Admin, name: &str) -> Result<Option<String>, Refusal> {
        match &admin.0.visitor.session {
            Some(session) if !name.is_empty() => Ok(app.store.draft(session, &self.what(), name, clock::now()).await?),
            _ => Ok(None),
        }
    }

    async fn keep(&self, app: &App, admin: &Admin, content: &str) -> Result<String, Refusal> {
        let session = admin.0.visitor.session.as_deref().unwrap_or_default();
        Ok(app.store.keep_draft(session, &self.what(), content, clock::now()).await?)
    }

    /// Forgets what was kept: it is saved.
    pub async fn forget(&self, app: &App, admin: &Admin, name: &str) -> Result<(), Refusal> {
        if let Some(session) = &admin.0.visitor.session {
            app.store.forget_draft(session, name).await?;
        }
        Ok(())
    }
}
