//! Secrets that were typed into the form of a mall and are not saved yet.

use crate::web::http::form::FormFields;
use crate::web::http::refusal::Refusal;
use crate::web::http::session::Admin;
use crate::web::state::App;
use domain::clock;
use domain::mall::Mall;
use provider_host::contract::{SettingField, SettingKind};
use std::collections::BTreeMap;

/// Largest draft, in bytes: many times what the secrets of all providers take.
const MAX_DRAFT: usize = 64 << 10;

/// Secrets that were typed and are not saved yet. The server keeps them between two requests of the form (see
/// [`Store::keep_draft`](store::Store::keep_draft)), because they must not be sent back to a browser.
#[derive(Default)]
pub(super) struct UnsavedSecrets {
    /// By provider and key, so that none is lost while the fields of another provider are shown.
    values: BTreeMap<String, String>,
    /// Secrets that the form relies on and that the server no longer has.
    lost: Vec<String>,
}

impl UnsavedSecrets {
    /// The secrets that are kept for the form, and those that it sends now.
    pub(super) async fn read(
        app: &App,
        admin: &Admin,
        fields: &FormFields,
        draft: &Draft<'_>,
    ) -> Result<Self, Refusal> {
        let mut values: BTreeMap<String, String> = match draft.open(app, admin, fields.one("draft")).await? {
            Some(json) => serde_json::from_str(&json).map_err(|error| Refusal::failed(&error))?,
            None => BTreeMap::new(),
        };
        let drawn = drawn_provider(fields);
        let plugin = app.registry.get(drawn);
        for field in plugin.iter().flat_map(|plugin| &plugin.info().settings) {
            if let Some(typed) = fields.given(&format!("set.{}", field.key)).filter(|_| is_secret(field)) {
                values.insert(secret_name(drawn, &field.key), typed);
            }
        }
        let lost = fields.all("drafted").filter(|name| !values.contains_key(*name)).map(str::to_owned).collect();
        Ok(Self { values, lost })
    }

    /// The secret that was typed for this setting of this provider.
    pub(super) fn value(&self, provider: &str, key: &str) -> Option<&String> {
        self.values.get(&secret_name(provider, key))
    }

    /// The names of the secrets that there are.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.values.keys().cloned()
    }

    /// Whether none is lost.
    pub(super) fn is_complete(&self) -> bool {
        self.lost.is_empty()
    }

    /// The keys of the settings of `provider` whose secrets are lost.
    pub(super) fn lost(&self, provider: &str) -> Vec<String> {
        let keys = self.lost.iter().filter_map(|name| name.strip_prefix(provider)?.strip_prefix('/'));
        keys.map(str::to_owned).collect()
    }

    /// Keeps them on the server. Returns the name of the draft, if there are any.
    pub(super) async fn keep(&self, app: &App, admin: &Admin, draft: &Draft<'_>) -> Result<Option<String>, Refusal> {
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

/// The name of a secret. The id of a provider never contains a slash.
fn secret_name(provider: &str, key: &str) -> String {
    format!("{provider}/{key}")
}

/// The provider whose fields the form had: not the chosen one as long as its fields have not been shown.
pub(super) fn drawn_provider(fields: &FormFields) -> &str {
    match fields.one("drawn") {
        "" => fields.one("provider"),
        drawn => drawn,
    }
}

/// Whether a setting must not be sent back to a browser.
pub(super) fn is_secret(field: &SettingField) -> bool {
    matches!(field.kind, SettingKind::Secret)
}

/// The draft that the form of a mall keeps on the server.
pub(super) struct Draft<'a> {
    /// The id of the mall; empty for a new one.
    mall: &'a str,
}

impl<'a> Draft<'a> {
    /// The draft of a mall that is stored as `before`, or of a new one.
    pub(super) fn of(before: Option<&'a Mall>) -> Self {
        Self { mall: before.map_or("", |before| &before.id) }
    }

    fn purpose(&self) -> String {
        format!("mall\n{}", self.mall)
    }

    async fn open(&self, app: &App, admin: &Admin, name: &str) -> Result<Option<String>, Refusal> {
        match &admin.0.visitor.session {
            Some(session) if !name.is_empty() => {
                Ok(app.store.draft(session, &self.purpose(), name, clock::now()).await?)
            }
            _ => Ok(None),
        }
    }

    async fn keep(&self, app: &App, admin: &Admin, content: &str) -> Result<String, Refusal> {
        let session = admin.0.visitor.session.as_deref().unwrap_or_default();
        Ok(app.store.keep_draft(session, &self.purpose(), content, clock::now()).await?)
    }

    /// Deletes the draft: it has been saved.
    pub(super) async fn forget(&self, app: &App, admin: &Admin, name: &str) -> Result<(), Refusal> {
        if let Some(session) = &admin.0.visitor.session {
            app.store.forget_draft(session, name).await?;
        }
        Ok(())
    }
}
