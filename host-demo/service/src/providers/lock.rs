//! The lock of the plugins: which component serves each provider, for the processes of a platform on all machines.
//!
//! It stands in the database, with the components. A plugin folder is a cache of it: `plugins.lock` in the folder says
//! what was written there. What a folder has of a provider of the lock and is not the component of the lock is not
//! loaded, and written again. A permission file in a folder can take away of what the lock grants, and add nothing;
//! a component or permission file that is removed from a folder stays away until another one is locked, so an operator
//! can withdraw a plugin on one machine. One that the lock says is withdrawn is removed from all folders and loaded from
//! none. A provider that the lock does not have is loaded as it lies there.

use crate::providers::directory::{Access, PluginDirectory};
use crate::providers::error::ProviderError;
use crate::providers::files::{self, PluginContent};
use crate::providers::plugin_lock::{PluginLock, held};
use domain::digest::digest;
use provider_host::ComponentFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::time::Duration;
use store::{LockedPlugin, StoreError};

/// The file in a plugin folder that says what of the lock was written there.
const FILE: &str = "plugins.lock";
/// How often a process that works on orders looks at the lock: as often as at its folder.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The folder was not brought in step with the lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder failed.
    #[error(transparent)]
    Folder(#[from] ProviderError),
    /// The database has the lock without the component.
    #[error("the component {digest} of the provider {provider} is not in the database; load it again")]
    Missing {
        /// The provider.
        provider: String,
        /// SHA-256 that the lock names.
        digest: String,
    },
}

/// What `plugins.lock` has of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LockEntry {
    revision: i64,
    origin: String,
    version: String,
    sha256: String,
    /// SHA-256 of the permission file.
    permissions: String,
    signature: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withdrawn: bool,
}

impl From<&LockedPlugin> for LockEntry {
    fn from(locked: &LockedPlugin) -> Self {
        Self {
            revision: locked.revision,
            origin: locked.origin.clone(),
            version: locked.version.clone(),
            sha256: locked.digest.clone(),
            permissions: digest(&[locked.permissions.as_bytes()]),
            signature: locked.signature.clone(),
            withdrawn: locked.withdrawn,
        }
    }
}

type LockFile = BTreeMap<String, LockEntry>;

impl PluginDirectory {
    /// From now on this process knows that `locked` is locked.
    pub(crate) fn learn(&self, locked: &LockedPlugin) {
        if let Some(lock) = self.plugin_lock() {
            lock.learn(locked.clone());
        }
    }

    /// Writes what the lock has and the folder does not.
    ///
    /// # Errors
    ///
    /// The database or the folder fails. What was known of the lock holds on.
    pub async fn sync(&self) -> Result<(), LockError> {
        let Some(lock) = self.plugin_lock() else { return Ok(()) };
        for locked in lock.read().await? {
            if let Some(reason) = self.outdated(lock, &locked).await? {
                self.write_locked(lock, &locked).await?;
                let LockedPlugin { provider, version, digest, .. } = &locked;
                tracing::warn!(provider, version, digest, reason, "the plugin folder follows the lock");
            }
        }
        Ok(())
    }

    /// Keeps the folder in step with the lock for as long as it is polled.
    pub(crate) async fn keep_in_step(&self) -> Infallible {
        let mut said = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let words = self.sync().await.err().map(|error| error.to_string());
            if let Some(error) = words.as_ref().filter(|_| said != words) {
                tracing::error!(error, "the plugin folder is not in step with the lock");
            }
            said = words;
        }
    }

    /// Why the folder does not have what the lock has of a provider.
    async fn outdated(&self, lock: &PluginLock, locked: &LockedPlugin) -> Result<Option<&'static str>, LockError> {
        if locked.withdrawn {
            return Ok((!self.is_entered(locked).await?).then_some("it was withdrawn"));
        }
        let name = &locked.provider;
        let stamp = self.stamp(name);
        if held(&lock.compared).get(name) == Some(&stamp) && self.is_entered(locked).await? {
            return Ok(None);
        }
        if !self.is_entered(locked).await? {
            return Ok(Some("another one was loaded"));
        }
        let (path, directory) = (self.path(name)?, self.clone());
        let read = tokio::task::spawn_blocking(move || {
            let _lock = directory.lock(Access::Reading)?;
            let found = directory.host().read(&path).ok().map(|component| digest(&[&component.bytes]));
            Ok::<_, ProviderError>(found)
        });
        let found = read.await.map_err(|error| self.failed(io::Error::other(error)))??;
        if found.as_ref().is_some_and(|found| *found != locked.digest) {
            return Ok(Some("the component in the folder is another one"));
        }
        held(&lock.compared).insert(name.clone(), stamp);
        Ok(None)
    }

    /// Whether `plugins.lock` says that `locked` was written.
    async fn is_entered(&self, locked: &LockedPlugin) -> Result<bool, LockError> {
        let directory = self.clone();
        let entries = tokio::task::spawn_blocking(move || directory.entries()).await;
        let entries = entries.map_err(|error| self.failed(io::Error::other(error)))?;
        Ok(entries.get(&locked.provider) == Some(&LockEntry::from(locked)))
    }

    /// What was written of the lock; nothing where the file cannot be read, so that all is written again.
    fn entries(&self) -> LockFile {
        let text = std::fs::read_to_string(self.folder().join(FILE)).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    async fn write_locked(&self, lock: &PluginLock, locked: &LockedPlugin) -> Result<(), LockError> {
        let missing = || LockError::Missing { provider: locked.provider.clone(), digest: locked.digest.clone() };
        let broken = |error| self.failed(io::Error::other(error));
        let _held = self.hold().await?;
        // Whoever loads a plugin holds the folder meanwhile. What was locked since this process looked is seen next time.
        if lock.store.locked_plugin(&locked.provider).await?.as_ref() != Some(locked) {
            return Ok(());
        }
        if locked.withdrawn {
            let (directory, locked) = (self.clone(), locked.clone());
            let removed = tokio::task::spawn_blocking(move || directory.remove_withdrawn(&locked));
            return Ok(removed.await.map_err(broken)??);
        }
        let bytes = lock.store.locked_component(&locked.digest).await?.ok_or_else(missing)?;
        if digest(&[&bytes]) != locked.digest {
            return Err(missing());
        }
        let component = ComponentFile { bytes, signature: locked.signature.clone() };
        let content = PluginContent { component, permissions: locked.permissions.clone() };
        let (directory, locked) = (self.clone(), locked.clone());
        let written = tokio::task::spawn_blocking(move || directory.place_locked(&content, &locked));
        Ok(written.await.map_err(broken)??)
    }

    /// Puts `content`, which is what `locked` stands for, into the folder, and writes that down. Whoever calls this holds
    /// the folder's lock.
    pub(crate) fn place_locked(&self, content: &PluginContent, locked: &LockedPlugin) -> Result<(), ProviderError> {
        files::place(&self.path(&locked.provider)?, content).map_err(|source| self.failed(source))?;
        self.enter(locked)
    }

    /// Removes the files of what `locked` says is withdrawn, and writes that down. Whoever calls this holds the folder's
    /// lock.
    pub(crate) fn remove_withdrawn(&self, locked: &LockedPlugin) -> Result<(), ProviderError> {
        files::remove(&self.path(&locked.provider)?).map_err(|source| self.failed(source))?;
        self.enter(locked)
    }

    /// Writes down that the folder has what `locked` says.
    fn enter(&self, locked: &LockedPlugin) -> Result<(), ProviderError> {
        let mut entries = self.entries();
        entries.insert(locked.provider.clone(), LockEntry::from(locked));
        let text = toml::to_string(&entries).map_err(|error| self.failed(io::Error::other(error)))?;
        let text =
            format!("# Which plugins were written here from the lock in the database; not to be edited.\n{text}");
        files::write_whole(&self.folder().join(FILE), text.as_bytes()).map_err(|source| self.failed(source))
    }
}
