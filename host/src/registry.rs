//! Which plugin serves a provider now. Swapping one is loading another file: no restart, no rebuild.

use crate::error::LoadError;
use crate::load::Host;
use crate::permissions::Permissions;
use crate::plugin::Plugin;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// The current plugin of each provider, by the provider's id.
///
/// [`Registry::get`] hands out the plugin that is current at that moment. A call that has begun ends
/// on the plugin it began with, which goes away with its last call.
#[derive(Debug, Default)]
pub struct Registry(RwLock<BTreeMap<String, Plugin>>);

/// A plugin that was put in, and the one that it replaced.
#[derive(Debug)]
pub struct Replaced {
    /// Current from now on.
    pub current: Plugin,
    /// What was current until now, if the provider is not new.
    pub previous: Option<Plugin>,
}

impl Registry {
    /// Loads the component at `path` and makes it current for the provider that it describes. If it
    /// does not load, the current plugin stays.
    pub async fn load(
        &self,
        host: &Host,
        path: impl AsRef<Path>,
        permissions: Permissions,
    ) -> Result<Replaced, LoadError> {
        let current = host.load(path, permissions).await?;
        let previous = self.put(current.clone());
        Ok(Replaced { current, previous })
    }

    /// Makes `plugin`, which is loaded, current for the provider that it describes; what was until now.
    pub fn put(&self, plugin: Plugin) -> Option<Plugin> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(plugin.info().id.clone(), plugin)
    }

    /// Withdraws the plugin of the provider `id`: it serves no more calls but those that have begun.
    pub fn remove(&self, id: &str) -> Option<Plugin> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The current plugin of the provider `id`.
    pub fn get(&self, id: &str) -> Option<Plugin> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All current plugins, ordered by the provider's id.
    pub fn all(&self) -> Vec<Plugin> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
