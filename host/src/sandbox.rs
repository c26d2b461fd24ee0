//! The sandbox: the engine, what a plugin can import, and a fresh store for each call.
//!
//! wasmtime marks its `wasi:http` 0.3 as experimental; this module and [`crate::egress`] are the
//! only ones that touch it.

use crate::answer;
use crate::bindings::deferred_payment::provider::log;
use crate::bindings::{HostView, HostViewPre};
use crate::budget::{Allocation, Shared};
use crate::egress::Egress;
use crate::error::{BuildError, CallError, InterfaceError};
use crate::limits::{EPOCH_INTERVAL, Limits, MAX_INSTANCES, MAX_MEMORIES, MAX_TABLES, MAX_TRAP};
use crate::redact::Redactor;
use crate::structure::Structure;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, ResourceLimiter, Store, UpdateDeadline};
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
    permits: Semaphore,
    /// Bodies that all calls hold, beyond their reservations.
    pub(crate) bytes: Arc<Shared>,
    /// Linear memory of all instances, beyond their reservations.
    pub(crate) memory: Arc<Shared>,
}

/// A call of an exported function of an instance.
pub(crate) type GuestCall<R> =
    Box<dyn for<'a> FnOnce(&'a mut Store<CallState>, &'a HostView) -> BoxFuture<'a, wasmtime::Result<R>> + Send>;

impl Sandbox {
    pub(crate) fn new(limits: Arc<Limits>) -> Result<Self, BuildError> {
        let engine = engine().map_err(|error| BuildError::Engine(format!("{error:#}")))?;
        let linker = linker(&engine).map_err(|error| BuildError::Engine(format!("{error:#}")))?;
        spawn_epoch_ticker(&engine);
        let permits = Semaphore::new(limits.concurrent_calls);
        let (bytes, memory) = (Shared::new(limits.total_bytes), Shared::new(limits.total_memory));
        Ok(Self { engine, linker, limits, permits, bytes, memory })
    }

    /// Links a component that passed [`check_interface`].
    pub(crate) fn link(&self, component: &Component) -> Result<HostViewPre<CallState>, InterfaceError> {
        let ready = self.linker.instantiate_pre(component).and_then(HostViewPre::new);
        ready.map_err(|error| InterfaceError::Mismatch(format!("{error:#}")))
    }

    /// Runs `entry` in a fresh instance within every limit and `until` its deadline, once the plugin and the
    /// host have a permit for another call. The instance is never used again.
    pub(crate) async fn run<R>(
        &self,
        plugin: &HostViewPre<CallState>,
        permits: &Semaphore,
        state: CallState,
        until: Instant,
        entry: GuestCall<R>,
    ) -> Result<R, CallError> {
        let deadline = self.limits.deadline;
        // Even a call whose deadline has passed would be polled once, which can be enough to write a request.
        if until <= Instant::now() {
            return Err(CallError::Deadline(deadline));
        }
        // The timeout wraps the whole call: inside the store's own event loop a timer is unreliable.
        let inside = async {
            // First the plugin's own permit: calls that wait for it hold none of the host's meanwhile.
            let permits = (permits.acquire().await, self.permits.acquire().await);
            let (Ok(_), Ok(_)) = &permits else { return Err(CallError::Deadline(deadline)) };
            let cpu = state.egress.cpu.clone();
            let call = async {
                let mut store = self.store(state);
                let instance = plugin.instantiate_async(&mut store).await.map_err(|error| call_error(&error))?;
                entry(&mut store, &instance).await.map_err(|error| call_error(&error))
            };
            cpu.measure(call).await
        };
        tokio::time::timeout_at(until, inside).await.unwrap_or(Err(CallError::Deadline(deadline)))
    }

    fn store(&self, state: CallState) -> Store<CallState> {
        let limits = &self.limits;
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.hostcall_fuel);
        store.set_max_component_handles(limits.handles);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(limits.handles);
        }
        let (cpu, cpu_total) = (limits.cpu, limits.cpu_total);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let (all, since_pause) = store.data().egress.cpu.spent();
            if since_pause > cpu {
                return Err(wasmtime::Error::new(LimitExceeded(CallError::Cpu(cpu))));
            }
            if all > cpu_total {
                return Err(wasmtime::Error::new(LimitExceeded(CallError::CpuTotal(cpu_total))));
            }
            // Yields to tokio, so that a computing plugin holds up neither timers nor other tasks.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Why a call ended. Of a trap the innermost cause: the frames around it only name functions of the plugin.
fn call_error(error: &wasmtime::Error) -> CallError {
    match error.downcast_ref::<LimitExceeded>() {
        Some(LimitExceeded(met)) => met.clone(),
        None => CallError::Trap(answer::text(&error.root_cause().to_string(), MAX_TRAP)),
    }
}

/// Refuses a component that imports more than [`IMPORTS`] or is not a provider.
pub(crate) fn check_interface(structure: &Structure) -> Result<(), InterfaceError> {
    let allowed = |import: &&String| IMPORTS.iter().any(|allowed| import.starts_with(allowed));
    let forbidden: Vec<_> = structure.imports.iter().filter(|import| !allowed(import)).cloned().collect();
    if !forbidden.is_empty() {
        return Err(InterfaceError::Forbidden(forbidden));
    }
    if !structure.exports.iter().any(|name| name.starts_with(EXPORT)) {
        return Err(InterfaceError::NotAProvider);
    }
    Ok(())
}

/// A limit that ended a call, on its way through the plugin's frames.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct LimitExceeded(CallError);

/// The engine that compiles and runs plugins. The same configuration for both: an engine does not accept
/// what one with another configuration compiled.
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
fn spawn_epoch_ticker(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH_INTERVAL);
        }
    });
}

/// Everything a call owns; dropped with its instance.
pub(crate) struct CallState {
    table: ResourceTable,
    http: WasiHttpCtx,
    egress: Egress,
    limiter: MemoryLimiter,
    log: PluginLog,
}

impl CallState {
    /// The state of a call that begins; `memory` is an allocation of nothing yet.
    pub(crate) fn new(egress: Egress, log: PluginLog, memory: Allocation) -> Self {
        let limits = &egress.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.header_bytes);
        let limiter = MemoryLimiter { memory, table_elements: limits.table_elements };
        Self { table, http, egress, limiter, log }
    }
}

/// Bounds the growth of an instance's linear memory and tables.
struct MemoryLimiter {
    memory: Allocation,
    table_elements: usize,
}

impl MemoryLimiter {
    /// Whether it may grow. Growth beyond the maximum that the component declares fails as the specification
    /// has it; growth beyond the host's limit ends the call.
    fn grow(desired: usize, maximum: Option<usize>, fits: impl FnOnce() -> bool) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if fits() { Ok(true) } else { Err(wasmtime::Error::new(LimitExceeded(CallError::Memory))) }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Self::grow(desired, maximum, || self.memory.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Self::grow(desired, maximum, || desired <= self.table_elements)
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
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
            // The whole response was read already: nothing is left to poll in the background.
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            answer.await.map(|answer| (answer, done))
        })
    }
}

/// Writes a plugin's messages to the platform's log.
pub(crate) struct PluginLog {
    pub(crate) provider: Arc<str>,
    pub(crate) redactor: Arc<Redactor>,
    /// Lines that may still be written; the calls of one batch share them.
    pub(crate) lines: Arc<AtomicUsize>,
    pub(crate) line_length: usize,
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) {
        let log = &self.log;
        let left = log.lines.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            log.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (provider, words) = (&*log.provider, log.redactor.redact(&message, log.line_length));
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
