//! From a file to a plugin: read, check, compile, describe.

use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::connect::Resolver;
use crate::contract::{BatchLimits, Capability, Label, ProviderInfo};
use crate::error::{BuildError, CompileError, LoadError};
use crate::exports::{self, GuestCall, LinkedPlugin};
use crate::limits::Limits;
use crate::permissions::Permissions;
use crate::plugin::{Facts, Loaded, Plugin};
use crate::pool::{Network, PluginResources};
use crate::redact::Redactor;
use crate::sandbox::Sandbox;
use crate::signature::{self, MAX_SIGNATURE_BYTES, SignatureError};
use crate::structure::{Structure, StructureError};
use crate::{description, egress};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::component::Component;

/// Loads plugins. One for each process is enough; clones are handles to the same one.
#[derive(Clone)]
pub struct Host {
    sandbox: Arc<Sandbox>,
    limits: Arc<Limits>,
    cache: Option<Arc<Cache>>,
    compiler: Option<Compiler>,
    loads: Arc<Semaphore>,
    network: Network,
    now: Option<u64>,
    seed: Option<[u8; 32]>,
}

/// How a [`Host`] is set up.
#[derive(Debug, Default)]
pub struct HostBuilder {
    limits: Limits,
    cache_dir: Option<PathBuf>,
    compiler: Option<Compiler>,
    resolver: Resolver,
    trusted: Vec<Vec<u8>>,
    now: Option<u64>,
    seed: Option<[u8; 32]>,
}

/// A component's file, and the signature beside it if there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentFile {
    /// The component.
    pub bytes: Vec<u8>,
    /// Its signature in minisign's format.
    pub signature: Option<String>,
}

impl ComponentFile {
    /// Where the signature of the component at `path` is: in the file that minisign writes for it.
    pub fn signature_path(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".minisig");
        name.into()
    }
}

impl From<Vec<u8>> for ComponentFile {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }
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

    /// Compiles components in processes of `compiler`, which are stopped when they take more than
    /// [`Limits::compile_memory`], [`Limits::compile_cpu`] or [`Limits::compile_time`].
    ///
    /// Without it they are compiled in this process. What they are made of is bounded all the same
    /// ([`structure_limits`](crate::structure_limits)), but a component that was made to be costly can
    /// still take all the memory there is, and this process with it. A platform that takes components
    /// from others needs a compiler.
    pub fn compile_in(mut self, compiler: Compiler) -> Self {
        self.compiler = Some(compiler);
        self
    }

    /// Looks names of hosts up by `resolve` instead of the system's resolver: the addresses of a host with a port. It
    /// is called on threads that it may block, a few times at once for each plugin. What it answers is judged like any
    /// address: only public ones, and those that a plugin's permissions name, are connected to.
    #[must_use]
    pub fn resolver(
        mut self,
        resolve: impl Fn(&str, u16) -> std::io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.resolver = Resolver(Arc::new(resolve));
        self
    }

    /// Also trusts the certificate authority with this certificate (DER), beside those of the system: for gateways with
    /// an authority of their own. It holds for all plugins.
    #[must_use]
    pub fn trust(mut self, authority: impl Into<Vec<u8>>) -> Self {
        self.trusted.push(authority.into());
        self
    }

    /// Gives every call this time (`context.now`, in milliseconds since 1970) instead of the
    /// machine's. A call is a function of its arguments and of the answers it gets, so at the same time
    /// it can be replayed byte by byte.
    pub fn now(mut self, milliseconds: u64) -> Self {
        self.now = Some(milliseconds);
        self
    }

    /// Makes the random numbers of every call from `seed` instead of another one for each batch, so that a plugin
    /// that asks for some (through `wasi:random`) can be replayed as well.
    #[must_use]
    pub fn random_seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the sandbox up.
    pub fn build(self) -> Result<Host, BuildError> {
        let limits = Arc::new(self.limits);
        Ok(Host {
            sandbox: Arc::new(Sandbox::new(Arc::clone(&limits))?),
            cache: self.cache_dir.as_deref().map(Cache::open).transpose()?.map(Arc::new),
            compiler: self.compiler,
            loads: Arc::new(Semaphore::new(limits.concurrent_loads)),
            network: Network { tls: egress::tls(self.trusted).map_err(BuildError::Roots)?, resolver: self.resolver },
            limits,
            now: self.now,
            seed: self.seed,
        })
    }
}

impl Host {
    /// A host with default limits and no cache, to be changed before it is built.
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    /// What bounds every plugin.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Loads the component at `path` with `permissions`.
    ///
    /// Its digest and signature are checked before it is parsed, its size, parts and imports before it is compiled.
    /// Compiling takes most of a second and is done on another thread, so that other calls go on. At most
    /// [`Limits::concurrent_loads`] components are loaded at once.
    pub async fn load(&self, path: impl AsRef<Path>, permissions: Permissions) -> Result<Plugin, LoadError> {
        let (host, path) = (self.clone(), path.as_ref().to_owned());
        self.load_from(path.clone(), permissions, move || host.read(&path)).await
    }

    /// Loads `component` like [`Host::load`]; `path` is what errors and [`Facts`] call it.
    pub async fn load_bytes(
        &self,
        path: impl Into<PathBuf>,
        component: impl Into<ComponentFile>,
        permissions: Permissions,
    ) -> Result<Plugin, LoadError> {
        let component = component.into();
        self.load_from(path.into(), permissions, move || Ok(component)).await
    }

    /// The file at `path`, [`Limits::component_bytes`] at most, with the signature beside it, for
    /// [`Host::load_bytes`].
    pub fn read(&self, path: &Path) -> Result<ComponentFile, LoadError> {
        let bytes = read(path, self.limits.component_bytes)?;
        let signature = match read(&ComponentFile::signature_path(path), MAX_SIGNATURE_BYTES) {
            Ok(signature) => Some(String::from_utf8_lossy(&signature).into_owned()),
            Err(LoadError::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(LoadError::TooLarge { size, limit, .. }) => {
                let reason = SignatureError::Unreadable(format!("{size} bytes; at most {limit} are read"));
                return Err(LoadError::Signature { path: path.to_owned(), reason });
            }
            Err(error) => return Err(error),
        };
        Ok(ComponentFile { bytes, signature })
    }

    async fn load_from(
        &self,
        path: PathBuf,
        permissions: Permissions,
        source: impl FnOnce() -> Result<ComponentFile, LoadError> + Send + 'static,
    ) -> Result<Plugin, LoadError> {
        let broken = |path: &Path, error: &dyn std::fmt::Display| LoadError::Compile {
            path: path.to_owned(),
            reason: CompileError::Process(error.to_string()),
        };
        let permit = Arc::clone(&self.loads).acquire_owned().await.map_err(|error| broken(&path, &error))?;
        let (host, named) = (self.clone(), path.clone());
        let prepared = tokio::task::spawn_blocking(move || {
            // Held until the work is done, also if the caller's future was dropped.
            let _permit = permit;
            source().and_then(|component| host.prepare(path, &component, permissions))
        });
        let (ready, facts) = prepared.await.map_err(|error| broken(&named, &error))??;
        let plugin = self.describe(ready, facts).await?;
        let (info, facts) = (plugin.info(), plugin.facts());
        tracing::info!(provider = info.id, version = info.version, digest = facts.digest, "plugin loaded");
        Ok(plugin)
    }

    fn prepare(
        &self,
        path: PathBuf,
        ComponentFile { bytes, signature }: &ComponentFile,
        permissions: Permissions,
    ) -> Result<(LinkedPlugin, Facts), LoadError> {
        let (size, limit) = (bytes.len() as u64, self.limits.component_bytes);
        if size > limit {
            return Err(LoadError::TooLarge { path, size, limit });
        }
        let digest = hex::encode(Sha256::digest(bytes));
        if let Some(expected) = &permissions.sha256
            && !expected.eq_ignore_ascii_case(&digest)
        {
            return Err(LoadError::Digest { path, expected: expected.clone(), found: digest });
        }
        let signature = signature::verify(bytes, signature.as_deref(), permissions.demanded_signature())
            .map_err(|reason| LoadError::Signature { path: path.clone(), reason })?;
        let refused = |reason| LoadError::Refused { path: path.clone(), reason };
        let cached = self.cache.as_ref().and_then(|cache| cache.find(&self.sandbox.engines, &digest));
        let (structure, compiled) = match cached {
            Some((structure, component)) => (structure, Some(component)),
            None => (structure_of(&path, bytes)?, None),
        };
        exports::check(&structure, &permissions).map_err(refused)?;
        let component = match compiled {
            Some(component) => component,
            None => self.compiled(bytes, &digest, &structure).map_err(|error| match error {
                CompileError::Invalid(reason) => LoadError::NotAComponent { path: path.clone(), reason },
                reason => LoadError::Compile { path: path.clone(), reason },
            })?,
        };
        let ready = self.sandbox.link(&component).map_err(refused)?;
        let Structure { imports, core_instances, memories, .. } = structure;
        Ok((ready, Facts { path, digest, size, signature, imports, core_instances, memories, permissions }))
    }

    /// Compiles the component `bytes`, and keeps it in the cache.
    fn compiled(&self, bytes: &[u8], digest: &str, structure: &Structure) -> Result<Component, CompileError> {
        let engines = &self.sandbox.engines;
        let compiled = match &self.compiler {
            Some(compiler) => compiler.compile(bytes, &self.limits, self.sandbox.is_busy())?,
            None => engines
                .compiler()
                .precompile_component(bytes)
                .map_err(|error| CompileError::Invalid(error.root_cause().to_string()))?,
        };
        if let Some(cache) = &self.cache {
            cache.keep(engines, digest, structure, &compiled);
        }
        engines.deserialize(structure, &compiled)
    }

    async fn describe(&self, ready: LinkedPlugin, facts: Facts) -> Result<Plugin, LoadError> {
        let path = facts.path.clone();
        let failed = |reason| LoadError::Describe { path: path.clone(), reason };
        let mut loaded = Loaded {
            sandbox: Arc::clone(&self.sandbox),
            ready,
            info: unknown(&facts),
            permissions: Arc::new(facts.permissions.clone()),
            facts,
            limits: Arc::clone(&self.limits),
            resources: PluginResources::new(self.network.clone(), &self.limits),
            now: self.now,
            seed: self.seed,
        };
        let entry: GuestCall<_> = Box::new(|store, exports| Box::pin(exports.describe(store)));
        let (described, _) = loaded.enter(loaded.call("describe", Redactor::default()), entry).await;
        loaded.info = described.map_err(|error| failed(error.into()))?;
        description::check(&loaded.info).map_err(failed)?;
        let (info, permissions) = (&loaded.info, &loaded.permissions);
        if let Some(expected) = permissions.provider.clone().filter(|expected| *expected != info.id) {
            return Err(LoadError::Provider { path: path.clone(), expected, found: info.id.clone() });
        }
        if let Some(signature) = &loaded.facts.signature {
            let checked = signature.check_description(&info.id, &info.version);
            checked.map_err(|reason| LoadError::Signature { path: path.clone(), reason })?;
        }
        Ok(Plugin(Arc::new(loaded)))
    }
}

/// What the component `bytes` is made of, within the limits on its parts.
fn structure_of(path: &Path, bytes: &[u8]) -> Result<Structure, LoadError> {
    Structure::read(bytes).map_err(|fault| match fault {
        StructureError::Excess { part, found, limit } => {
            LoadError::TooComplex { path: path.to_owned(), part, found, limit }
        }
        StructureError::NotAComponent(reason) => LoadError::NotAComponent { path: path.to_owned(), reason },
    })
}

/// Reads the file, or tells its true size. It reads at most one byte more than `limit`, even if the file grows
/// meanwhile.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let too_large = |size| LoadError::TooLarge { path: path.to_owned(), size, limit };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limit {
        return Err(too_large(size));
    }
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let read = bytes.len() as u64;
    if read > limit { Err(too_large(read)) } else { Ok(bytes) }
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
