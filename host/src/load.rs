//! From a file to a plugin: read, check, compile, describe.

use crate::bindings::HostViewPre;
use crate::cache::Cache;
use crate::contract::{BatchLimits, Capability, Label, ProviderInfo};
use crate::egress;
use crate::error::{BuildError, LoadError};
use crate::limits::{Limits, MAX_DESCRIBED};
use crate::mask::Mask;
use crate::permissions::Permissions;
use crate::plugin::{Facts, Loaded, Plugin};
use crate::pool::Share;
use crate::sandbox::{CallState, Entry, Sandbox, imports};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::Component;

/// Loads plugins. One for each process is enough; clones are handles to the same one.
#[derive(Clone)]
pub struct Host {
    sandbox: Arc<Sandbox>,
    limits: Arc<Limits>,
    cache: Option<Arc<Cache>>,
    tls: rustls::ClientConfig,
    now: Option<u64>,
}

/// How a [`Host`] is set up.
#[derive(Debug, Default)]
pub struct HostBuilder {
    limits: Limits,
    cache_dir: Option<PathBuf>,
    now: Option<u64>,
}

impl HostBuilder {
    /// Bounds for all plugins; [`Limits::default`] if not given.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where compiled plugins are kept between runs. A folder of this user's that nobody else may
    /// write. Without it every start compiles again.
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Tells every call that it is this time (`context.now`, in milliseconds since 1970) instead of the
    /// machine's. A call is a function of its arguments and of the answers it gets, so at the same time
    /// it can be replayed byte by byte.
    pub fn now(mut self, milliseconds: u64) -> Self {
        self.now = Some(milliseconds);
        self
    }

    /// Sets the sandbox up.
    pub fn build(self) -> Result<Host, BuildError> {
        let limits = Arc::new(self.limits);
        Ok(Host {
            sandbox: Arc::new(Sandbox::new(Arc::clone(&limits))?),
            cache: self.cache_dir.as_deref().map(Cache::open).transpose()?.map(Arc::new),
            tls: egress::tls().map_err(BuildError::Roots)?,
            limits,
            now: self.now,
        })
    }
}

impl Host {
    /// A host with default limits and no cache, to be changed before it is built.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// Loads the component at `path` with `permissions`.
    ///
    /// Its digest is checked before it is parsed, its imports before it is run. Compiling takes most
    /// of a second and is done aside, so that other calls go on.
    pub async fn load(&self, path: impl AsRef<Path>, permissions: Permissions) -> Result<Plugin, LoadError> {
        let (host, path) = (self.clone(), path.as_ref().to_owned());
        let failed = path.clone();
        let prepared = tokio::task::spawn_blocking(move || host.prepare(path, permissions)).await;
        let (ready, facts) =
            prepared.map_err(|error| LoadError::NotAComponent { path: failed, reason: error.to_string() })??;
        self.describe(ready, facts).await
    }

    fn prepare(&self, path: PathBuf, permissions: Permissions) -> Result<(HostViewPre<CallState>, Facts), LoadError> {
        let bytes = read(&path, self.limits.component_bytes)?;
        let digest = hex(&Sha256::digest(&bytes));
        if let Some(expected) = &permissions.sha256
            && !expected.eq_ignore_ascii_case(&digest)
        {
            return Err(LoadError::Digest { path, expected: expected.clone(), found: digest });
        }
        let engine = &self.sandbox.engine;
        let component = match &self.cache {
            Some(cache) => cache.component(engine, &bytes, &digest),
            None => Component::from_binary(engine, &bytes),
        };
        let component = component
            .map_err(|error| LoadError::NotAComponent { path: path.clone(), reason: error.root_cause().to_string() })?;
        let refused = |reason| LoadError::Refused { path: path.clone(), reason };
        let ready = self.sandbox.admit(&component).map_err(refused)?;
        let imports = imports(&component, engine);
        Ok((ready, Facts { path, digest, size: bytes.len() as u64, imports, permissions }))
    }

    async fn describe(&self, ready: HostViewPre<CallState>, facts: Facts) -> Result<Plugin, LoadError> {
        let path = facts.path.clone();
        let failed = |reason: String| LoadError::Describe { path: path.clone(), reason };
        let mut loaded = Loaded {
            sandbox: Arc::clone(&self.sandbox),
            ready,
            info: unknown(&facts),
            permissions: Arc::new(facts.permissions.clone()),
            facts,
            limits: Arc::clone(&self.limits),
            share: Share::new(self.tls.clone(), &self.limits),
            now: self.now,
        };
        let entry: Entry<_> = Box::new(|store, view| {
            Box::pin(async move { view.deferred_payment_provider_payment_provider().call_describe(store).await })
        });
        let (described, _) = loaded.enter("describe", 0, None, Mask::default(), entry).await;
        loaded.info = described.map_err(|error| failed(error.to_string()))?;
        check(&loaded.info).map_err(failed)?;
        Ok(Plugin(Arc::new(loaded)))
    }
}

/// Reads at most one byte more than `limit`, whatever the file system says the size is.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let size = bytes.len() as u64;
    if size > limit { Err(LoadError::TooLarge { path: path.to_owned(), size, limit }) } else { Ok(bytes) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a plugin is called before it has described itself.
fn unknown(facts: &Facts) -> ProviderInfo {
    let name = facts.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ProviderInfo {
        id: name.clone(),
        name: Label { ja: name.clone(), en: name },
        version: String::new(),
        settings: Vec::new(),
        carriers: Vec::new(),
        batch_limits: BatchLimits { credit: 0, check_credit: 0, cancel: 0, sync_tracking: 0 },
        capabilities: Capability::empty(),
        origins: Vec::new(),
        max_billed_amount: None,
    }
}

/// A platform stores and shows what a plugin describes, so its names and lengths are bounded.
fn check(info: &ProviderInfo) -> Result<(), String> {
    /// Long enough for any name here, short enough for a file name and a column.
    const MAX_ID: usize = 64;
    let plain = |id: &str| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=MAX_ID).contains(&id.len()) && id.chars().all(allowed)
    };
    if !plain(&info.id) {
        return Err(format!(
            "its id {:?} is not 1 to {MAX_ID} of a-z, 0-9 and -",
            info.id.chars().take(MAX_ID).collect::<String>()
        ));
    }
    for (what, count) in
        [("settings", info.settings.len()), ("carriers", info.carriers.len()), ("origins", info.origins.len())]
    {
        if count > MAX_DESCRIBED {
            return Err(format!("it describes {count} {what}; at most {MAX_DESCRIBED} are allowed"));
        }
    }
    let ids = info.settings.iter().map(|field| &field.key).chain(info.carriers.iter().map(|carrier| &carrier.id));
    match ids.into_iter().find(|id| !plain(id)) {
        Some(id) => Err(format!(
            "the key {:?} is not 1 to {MAX_ID} of a-z, 0-9 and -",
            id.chars().take(MAX_ID).collect::<String>()
        )),
        None => Ok(()),
    }
}
