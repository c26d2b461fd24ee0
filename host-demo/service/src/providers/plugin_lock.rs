//! What a process knows of the lock of the plugins.

use crate::providers::error::ProviderError;
use crate::providers::files::Stamp;
use provider_host::Permissions;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{LockedPlugin, Store, StoreError};

/// The lock as a process knows it.
pub(crate) struct PluginLock {
    pub(crate) store: Store,
    known: Mutex<BTreeMap<String, LockedPlugin>>,
    /// Files that were compared with the lock, as they were then.
    pub(crate) compared: Mutex<HashMap<String, Stamp>>,
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PluginLock {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default(), compared: Mutex::default() }
    }

    /// What the lock has of the provider `name`, as far as this process knows.
    pub(crate) fn known(&self, name: &str) -> Option<LockedPlugin> {
        held(&self.known).get(name).cloned()
    }

    /// Whether the plugin of the provider `name` was withdrawn, as far as this process knows.
    pub(crate) fn has_withdrawn(&self, name: &str) -> bool {
        held(&self.known).get(name).is_some_and(|locked| locked.withdrawn)
    }

    /// From now on this process knows that `locked` is locked.
    pub(crate) fn learn(&self, locked: LockedPlugin) {
        held(&self.known).insert(locked.provider.clone(), locked);
    }

    /// Reads it from the database.
    pub(crate) async fn read(&self) -> Result<Vec<LockedPlugin>, StoreError> {
        let rows = self.store.plugin_lock().await?;
        *held(&self.known) = rows.iter().map(|row| (row.provider.clone(), row.clone())).collect();
        Ok(rows)
    }

    /// Refuses a component with the digest `found` at `path` where the lock has another one, or none any more, for the
    /// provider `name`.
    pub(crate) async fn check(&self, name: &str, path: PathBuf, found: &str) -> Result<(), ProviderError> {
        let other = |locked: &LockedPlugin| locked.withdrawn || locked.digest != found;
        // Another process may have loaded it since this one looked.
        if self.known(name).as_ref().is_some_and(other) {
            self.read().await.map_err(|error| ProviderError::Lock(error.to_string()))?;
        }
        match self.known(name).filter(other) {
            Some(locked) if locked.withdrawn => Err(ProviderError::Withdrawn(locked.provider)),
            Some(locked) => Err(ProviderError::NotLocked {
                path,
                found: found.to_owned(),
                expected: locked.digest,
                origin: locked.origin,
            }),
            None => Ok(()),
        }
    }
}

/// What the lock grants, of which `granted`, a folder's own permission file, can only take away.
pub(crate) fn within_lock(granted: Permissions, locked: Option<&LockedPlugin>) -> Permissions {
    match locked.map(|locked| Permissions::from_text("lock", &locked.permissions)) {
        Some(Ok(locked)) => granted.within(&locked),
        // It was valid when it was locked; a host that cannot read it any more grants nothing by it.
        Some(Err(_)) => granted.within(&Permissions::default()),
        None => granted,
    }
}
