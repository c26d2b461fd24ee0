//! The walls: the engine, what a plugin can import, and a fresh store for each call.
//!
//! wasmtime marks its `wasi:http` 0.3 as experimental; this module and [`crate::egress`] are the
//! only ones that touch it.

use crate::bindings::deferred_payment::provider::log;
use crate::bindings::{HostView, HostViewPre};
use crate::egress::Egress;
use crate::error::{BuildError, CallError};
use crate::limits::{EPOCH, Limits, MAX_INSTANCES, MAX_MEMORIES, MAX_TABLES};
use crate::mask::Mask;
use crate::structure::Structure;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

/// The interfaces that a plugin may import, by package and name; any version that is
/// semver-compatible with the one linked here.
const IMPORTS: [&str; 6] = [
    "deferred-payment:provider/types@0.1.",
    "deferred-payment:provider/fees@0.1.",
    "deferred-payment:provider/log@0.1.",
    "wasi:clocks/types@0.3.",
    "wasi:http/types@0.3.",
    "wasi:http/client@0.3.",
];

/// The interface that a plugin must export.
const EXPORT: &str = "deferred-payment:provider/payment-provider@0.1.";

/// Engine, linker and the bounds on all calls together.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    linker: Linker<CallState>,
    limits: Arc<Limits>,
    turns: Semaphore,
}

/// One entry into an instance.
pub(crate) type Entry<R> =
    Box<dyn for<'a> FnOnce(&'a mut Store<CallState>, &'a HostView) -> BoxFuture<'a, wasmtime::Result<R>> + Send>;

impl Sandbox {
    pub(crate) fn new(limits: Arc<Limits>) -> Result<Self, BuildError> {
        let engine = engine().map_err(|error| BuildError::Engine(format!("{error:#}")))?;
        let linker = linker(&engine).map_err(|error| BuildError::Engine(format!("{error:#}")))?;
        tick(&engine);
        let turns = Semaphore::new(limits.concurrent_calls);
        Ok(Sandbox { engine, linker, limits, turns })
    }

    /// Links a component that was [admitted](admit).
    pub(crate) fn link(&self, component: &Component) -> Result<HostViewPre<CallState>, String> {
        let ready = self.linker.instantiate_pre(component).and_then(HostViewPre::new);
        ready.map_err(|error| format!("its imports or exports do not fit the contract: {error:#}"))
    }

    /// Runs `entry` in a fresh instance within every limit. Whatever ends it early, the instance is
    /// thrown away and nothing of it is used again.
    pub(crate) async fn run<R>(
        &self,
        plugin: &HostViewPre<CallState>,
        state: CallState,
        entry: Entry<R>,
    ) -> Result<R, CallError> {
        let deadline = self.limits.deadline;
        // Outside of everything: inside the store's own event loop a timer is unreliable.
        let inside = async {
            let Ok(_turn) = self.turns.acquire().await else { return Err(CallError::Deadline(deadline)) };
            let mut store = self.store(state);
            let instance = plugin.instantiate_async(&mut store).await.map_err(|error| self.ended(&error))?;
            entry(&mut store, &instance).await.map_err(|error| self.ended(&error))
        };
        tokio::time::timeout(deadline, inside).await.unwrap_or(Err(CallError::Deadline(deadline)))
    }

    fn store(&self, state: CallState) -> Store<CallState> {
        let limits = &self.limits;
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.hostcall_fuel);
        store.set_max_component_handles(limits.handles);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(limits.handles);
        }
        let cpu = limits.cpu;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            if store.data().egress.computing.tick() > cpu {
                return Err(wasmtime::Error::new(OutOfCpu));
            }
            // Back to tokio, so that a computing plugin holds up neither timers nor other tasks.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }

    fn ended(&self, error: &wasmtime::Error) -> CallError {
        if error.is::<OutOfCpu>() { CallError::Cpu(self.limits.cpu) } else { CallError::Trap(root_words(error)) }
    }
}

/// The innermost words of a trap: the frames around them name functions of the plugin, nothing more.
fn root_words(error: &wasmtime::Error) -> String {
    error.root_cause().to_string()
}

/// Refuses a component that wants more than [`IMPORTS`] or is not a provider, naming everything at fault.
pub(crate) fn admit(structure: &Structure) -> Result<(), String> {
    let allowed = |import: &&String| IMPORTS.iter().any(|allowed| import.starts_with(allowed));
    let forbidden: Vec<_> = structure.imports.iter().filter(|import| !allowed(import)).map(String::as_str).collect();
    if !forbidden.is_empty() {
        return Err(format!("it imports what a provider may not have: {}", forbidden.join(", ")));
    }
    if !structure.exports.iter().any(|name| name.starts_with(EXPORT)) {
        return Err(format!("it does not export {EXPORT}x, so it is not a provider"));
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("computed for too long")]
struct OutOfCpu;

/// Epochs that a plugin has been computing in, since it last sent a request or was given an answer.
/// Epochs do not pass for a plugin that waits, nor for one that waits for its turn on the machine.
#[derive(Clone, Default)]
pub(crate) struct Computing(Arc<AtomicU32>);

impl Computing {
    fn tick(&self) -> Duration {
        EPOCH * (self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn pause(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The engine that compiles and runs plugins. One for both, or what a compiling process hands back would
/// not be accepted.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    Engine::new(&config)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    HostView::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Advances the engine's epoch for as long as the engine lives.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH);
        }
    });
}

/// Everything a call owns; dropped with its instance.
pub(crate) struct CallState {
    table: ResourceTable,
    http: WasiHttpCtx,
    egress: Egress,
    memory: StoreLimits,
    log: Log,
}

impl CallState {
    pub(crate) fn new(egress: Egress, log: Log) -> Self {
        let limits = &egress.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.header_bytes);
        let memory = StoreLimitsBuilder::new()
            .memory_size(limits.memory)
            .table_elements(limits.table_elements)
            .instances(MAX_INSTANCES)
            .memories(MAX_MEMORIES)
            .tables(MAX_TABLES)
            .trap_on_grow_failure(true)
            .build();
        CallState { table, http, egress, memory, log }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.egress, table: &mut self.table, ctx: &mut self.http }
    }
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_read: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<
        dyn Future<
                Output = Result<(http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>,
            > + Send,
    > {
        let answer = self.send(request, options);
        Box::new(async move {
            // The whole answer is here already: nothing is left to drive in the background.
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            answer.await.map(|answer| (answer, done))
        })
    }
}

/// A plugin's words on their way to the platform's log.
pub(crate) struct Log {
    pub(crate) provider: Arc<str>,
    pub(crate) mask: Mask,
    pub(crate) lines: usize,
    pub(crate) line_length: usize,
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) {
        let log = &mut self.log;
        let Some(left) = log.lines.checked_sub(1) else {
            log.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        log.lines = left;
        let (provider, words) = (&*log.provider, log.mask.apply(&message, log.line_length));
        match level {
            log::Level::Debug => tracing::debug!(target: "provider_host::plugin", provider, "{words}"),
            log::Level::Info => tracing::info!(target: "provider_host::plugin", provider, "{words}"),
            log::Level::Warn => tracing::warn!(target: "provider_host::plugin", provider, "{words}"),
            log::Level::Error => tracing::error!(target: "provider_host::plugin", provider, "{words}"),
        }
    }
}

impl crate::bindings::deferred_payment::provider::types::Host for CallState {}
impl crate::bindings::deferred_payment::provider::fees::Host for CallState {}
