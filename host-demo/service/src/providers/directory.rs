//! The folder of plugins: each component `NAME.wasm` beside its permission file `NAME.toml`, loaded when asked for.

pub use crate::providers::error::ProviderError;
use crate::providers::files::Stamp;
use crate::providers::plugin_lock::{PluginLock, within_lock};
use domain::digest::digest;
use domain::name::is_name;
use provider_host::{ComponentFile, Host, Permissions, Plugin, Registry};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::Store;

/// A folder of plugins: `NAME.wasm` beside its permissions in `NAME.toml`.
#[derive(Clone)]
pub struct PluginDirectory {
    host: Host,
    folder: PathBuf,
    lock: Option<Arc<PluginLock>>,
}

/// A component and its permissions, as they were read together.
pub struct PluginFiles {
    /// The component with its signature.
    pub component: ComponentFile,
    /// What it is granted.
    pub permissions: Permissions,
}

impl PluginFiles {
    /// Whether `plugin` was loaded from the same.
    pub fn is_of(&self, plugin: &Plugin) -> bool {
        let facts = plugin.facts();
        // Without a key in the permissions, nobody looks at a signature.
        let is_signed_alike =
            facts.signature.as_ref().is_none_or(|loaded| Some(&loaded.text) == self.component.signature.as_ref());
        facts.permissions == self.permissions && is_signed_alike && facts.digest == digest(&[&self.component.bytes])
    }
}

impl PluginDirectory {
    /// The plugins in `folder`, loaded by `host` when asked for.
    pub fn new(host: Host, folder: PathBuf) -> Self {
        Self { host, folder, lock: None }
    }

    /// The same as a cache of the lock in `store`: what the lock has is loaded from here only as the lock has it. See
    /// [`sync`](Self::sync).
    #[must_use]
    pub fn locked_by(self, store: Store) -> Self {
        Self { lock: Some(Arc::new(PluginLock::new(store))), ..self }
    }

    pub(crate) fn plugin_lock(&self) -> Option<&PluginLock> {
        self.lock.as_deref()
    }

    /// Whether the lock says that no plugin serves the provider `name` any more, as far as this process knows.
    pub(crate) fn is_withdrawn(&self, name: &str) -> bool {
        self.plugin_lock().is_some_and(|lock| lock.has_withdrawn(name))
    }

    /// Where the plugins are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What loads the plugins.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Loads the provider `name`. Only a component whose permission file is for that provider is given the name,
    /// and with it the credentials of the malls.
    pub async fn load(&self, name: &str) -> Result<Plugin, ProviderError> {
        self.load_files(name, self.read(name).await?).await
    }

    pub(crate) async fn load_files(&self, name: &str, pair: PluginFiles) -> Result<Plugin, ProviderError> {
        let path = self.path(name)?;
        named(&path.with_extension("toml"), &pair.permissions, name)?;
        Ok(self.host.load_bytes(path, pair.component, pair.permissions).await?)
    }

    /// The files of the provider `name`, read under a lock, so that both are of the same version.
    pub async fn read(&self, name: &str) -> Result<PluginFiles, ProviderError> {
        let (path, directory) = (self.path(name)?, self.clone());
        let read = move || {
            let permissions = path.with_extension("toml");
            let _lock = directory.lock(Access::Reading)?;
            let permissions = Permissions::from_file(permissions)?;
            Ok::<_, ProviderError>(PluginFiles { permissions, component: directory.host.read(&path)? })
        };
        let read = tokio::task::spawn_blocking(read).await;
        let mut files = read.map_err(|error| self.failed(io::Error::other(error)))??;
        if let Some(lock) = &self.lock {
            lock.check(name, self.path(name)?, &digest(&[&files.component.bytes])).await?;
        }
        files.permissions = self.within_lock(name, files.permissions);
        Ok(files)
    }

    /// What the lock grants the provider `name` as well as `granted`.
    fn within_lock(&self, name: &str, granted: Permissions) -> Permissions {
        within_lock(granted, self.lock.as_ref().and_then(|lock| lock.known(name)).as_ref())
    }

    /// Keeps others from replacing files, or from reading them, for as long as the lock is held.
    pub fn lock(&self, access: Access) -> Result<File, ProviderError> {
        let folder = File::open(&self.folder).map_err(|source| self.failed(source))?;
        let locked = match access {
            Access::Reading => folder.lock_shared(),
            Access::Replacing => folder.lock(),
        };
        match locked {
            // A file system without locks: its files are still replaced one by one, each as a whole.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(folder),
            other => other.map(|()| folder).map_err(|source| self.failed(source)),
        }
    }

    /// Keeps others from replacing and from reading files, for as long as the lock is held. There is a folder afterwards.
    pub(crate) async fn hold(&self) -> Result<File, ProviderError> {
        let directory = self.clone();
        let held = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&directory.folder).map_err(|source| directory.failed(source))?;
            directory.lock(Access::Replacing)
        });
        held.await.map_err(|error| self.failed(io::Error::other(error)))?
    }

    /// The names of the components in the folder that can be a provider's.
    pub fn names(&self) -> Result<Vec<String>, ProviderError> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|source| self.failed(source))?;
        let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        let names = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        let mut names: Vec<_> = names.filter(|name| is_name(name)).collect();
        names.sort();
        Ok(names)
    }

    /// Loads the provider `name`, unless `current`, or what was installed in `registry` since, was loaded from what there is.
    pub(crate) async fn load_other(
        &self,
        name: &str,
        current: Option<Plugin>,
        registry: &Registry,
    ) -> Result<Option<Plugin>, ProviderError> {
        let pair = self.read(name).await?;
        // Only now: who installs a plugin puts it into the registry before others may read its files.
        let is_new = |plugin: &Plugin| current.as_ref().is_none_or(|old| old.facts().digest != plugin.facts().digest);
        let installed = registry.get(name).filter(is_new);
        match current.iter().chain(&installed).any(|plugin| pair.is_of(plugin)) {
            true => Ok(None),
            false => self.load_files(name, pair).await.map(Some),
        }
    }

    /// What the permission file of the provider `name` grants.
    pub(crate) fn grant(&self, name: &str) -> Result<Permissions, ProviderError> {
        let path = self.path(name)?.with_extension("toml");
        let permissions = Permissions::from_file(&path)?;
        named(&path, &permissions, name)?;
        Ok(self.within_lock(name, permissions))
    }

    /// What changes when a component or its permissions are replaced.
    pub(crate) fn stamp(&self, name: &str) -> Stamp {
        Stamp::of(&self.folder.join(name).with_extension("wasm"))
    }

    /// Where the component of the provider `name` is.
    pub fn path(&self, name: &str) -> Result<PathBuf, ProviderError> {
        let named = is_name(name).then(|| self.folder.join(name).with_extension("wasm"));
        named.ok_or_else(|| ProviderError::Name(name.to_owned()))
    }

    /// Loads the component at `path` under the permissions beside it, to look at it.
    pub async fn load_file(&self, path: &Path) -> Result<Plugin, ProviderError> {
        let permissions = Permissions::from_file(path.with_extension("toml"))?;
        Ok(self.host.load(path, permissions).await?)
    }

    /// The folder did not serve.
    pub fn failed(&self, source: io::Error) -> ProviderError {
        ProviderError::Folder { path: self.folder.clone(), source }
    }
}

/// What a lock on a folder of plugins is for.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Others may read meanwhile.
    Reading,
    /// No other process may read or write.
    Replacing,
}

/// Refuses permissions, read from `path`, that are not for the provider `name`.
fn named(path: &Path, permissions: &Permissions, name: &str) -> Result<(), ProviderError> {
    let (path, name) = (path.to_owned(), name.to_owned());
    match &permissions.provider {
        None => Err(ProviderError::Unnamed { path, name }),
        Some(found) if *found != name => Err(ProviderError::Another { path, asked: name, found: found.clone() }),
        Some(_) => Ok(()),
    }
}
