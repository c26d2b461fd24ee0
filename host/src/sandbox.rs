//! The walls: the engine, what a plugin can import, and a fresh store for each call.
//!
//! wasmtime marks its `wasi:http` 0.3 as experimental; this module and [`crate::egress`] are the
//! only ones that touch it.

use crate::answer;
use crate::bindings::deferred_payment::provider::log;
use crate::bindings::{HostView, HostViewPre};
use crate::budget::{Lease, Shared};
use crate::egress::Egress;
use crate::error::{BuildError, CallError};
use crate::limits::{EPOCH, Limits, MAX_INSTANCES, MAX_MEMORIES, MAX_TABLES, MAX_TRAP};
use crate::mask::Mask;
use crate::structure::Structure;
use futures::future::BoxFuture;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
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
    turns: Semaphore,
    /// Bodies that all calls hold, beyond their reservations.
    pub(crate) bytes: Arc<Shared>,
    /// Linear memory of all instances, beyond their reservations.
    pub(crate) memory: Arc<Shared>,
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
        let (bytes, memory) = (Shared::new(limits.total_bytes), Shared::new(limits.total_memory));
        Ok(Sandbox { engine, linker, limits, turns, bytes, memory })
    }

    /// Links a component that was [admitted](admit).
    pub(crate) fn link(&self, component: &Component) -> Result<HostViewPre<CallState>, String> {
        let ready = self.linker.instantiate_pre(component).and_then(HostViewPre::new);
        ready.map_err(|error| format!("its imports or exports do not fit the contract: {error:#}"))
    }

    /// Runs `entry` in a fresh instance within every limit and `until` its deadline, when it is its turn
    /// among the plugin's calls and among all. Whatever ends it early, the instance is thrown away and nothing of it is used again.
    pub(crate) async fn run<R>(
        &self,
        plugin: &HostViewPre<CallState>,
        turns: &Semaphore,
        state: CallState,
        until: Instant,
        entry: Entry<R>,
    ) -> Result<R, CallError> {
        let deadline = self.limits.deadline;
        // Even a call whose time is over would be polled once, which can be enough to write a request.
        if until <= Instant::now() {
            return Err(CallError::Deadline(deadline));
        }
        // Outside of everything: inside the store's own event loop a timer is unreliable.
        let inside = async {
            // First the plugin's own: one whose calls wait for it takes no turn from others meanwhile.
            let turns = (turns.acquire().await, self.turns.acquire().await);
            let (Ok(_), Ok(_)) = &turns else { return Err(CallError::Deadline(deadline)) };
            let computing = state.egress.computing.clone();
            let call = async {
                let mut store = self.store(state);
                let instance = plugin.instantiate_async(&mut store).await.map_err(|error| ended(&error))?;
                entry(&mut store, &instance).await.map_err(|error| ended(&error))
            };
            computing.count(call).await
        };
        tokio::time::timeout_at(until, inside).await.unwrap_or(Err(CallError::Deadline(deadline)))
    }

    fn store(&self, state: CallState) -> Store<CallState> {
        let limits = &self.limits;
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.room);
        store.set_hostcall_fuel(limits.hostcall_fuel);
        store.set_max_component_handles(limits.handles);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(limits.handles);
        }
        let (cpu, cpu_total) = (limits.cpu, limits.cpu_total);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |store| {
            let (all, since_pause) = store.data().egress.computing.spent();
            if since_pause > cpu {
                return Err(wasmtime::Error::new(Limit(CallError::Cpu(cpu))));
            }
            if all > cpu_total {
                return Err(wasmtime::Error::new(Limit(CallError::CpuTotal(cpu_total))));
            }
            // Back to tokio, so that a computing plugin holds up neither timers nor other tasks.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Why a call ended. Of a trap the innermost words: the frames around them name functions of the plugin,
/// nothing more.
fn ended(error: &wasmtime::Error) -> CallError {
    match error.downcast_ref::<Limit>() {
        Some(Limit(met)) => met.clone(),
        None => CallError::Trap(answer::text(&error.root_cause().to_string(), MAX_TRAP)),
    }
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

/// A limit that ended a call, on its way through the plugin's frames.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Limit(CallError);

/// How long a call has been computing: the plugin, and the host for it. Time does not pass for a call
/// that waits, nor for one whose thread a busy machine has put aside.
#[derive(Clone, Default)]
pub(crate) struct Computing(Arc<Mutex<Spent>>);

#[derive(Default)]
struct Spent {
    /// Up to the current turn.
    before: Duration,
    /// What its thread had computed when the current turn began.
    turn: Option<Duration>,
    /// What was spent when the call last began, or ended, to wait for the network.
    at_pause: Duration,
}

impl Spent {
    fn all(&self) -> Duration {
        self.before + self.turn.map(|began| thread_time().saturating_sub(began)).unwrap_or_default()
    }
}

/// Time that this very thread has computed. A turn begins and ends on one thread.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

/// Elsewhere the wall clock: it charges a call for what a busy machine does meanwhile.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

impl Computing {
    /// What `call` gives, its turns counted.
    async fn count<F: Future>(&self, call: F) -> F::Output {
        let mut call = pin!(call);
        std::future::poll_fn(|cx| {
            self.lock().turn = Some(thread_time());
            let polled = call.as_mut().poll(cx);
            let mut spent = self.lock();
            spent.before = spent.all();
            spent.turn = None;
            polled
        })
        .await
    }

    /// In all, and since the last [pause](Self::pause).
    fn spent(&self) -> (Duration, Duration) {
        let spent = self.lock();
        (spent.all(), spent.all().saturating_sub(spent.at_pause))
    }

    /// The call begins to wait for the network, or has waited.
    pub(crate) fn pause(&self) {
        let mut spent = self.lock();
        spent.at_pause = spent.all();
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    room: Room,
    log: Log,
}

impl CallState {
    /// What a call begins with; `memory` is a lease of none.
    pub(crate) fn new(egress: Egress, log: Log, memory: Lease) -> Self {
        let limits = &egress.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.header_bytes);
        let room = Room { memory, table_elements: limits.table_elements };
        CallState { table, http, egress, room, log }
    }
}

/// The room that an instance has to grow in.
struct Room {
    memory: Lease,
    table_elements: usize,
}

impl Room {
    /// Whether it may grow. More than it says of itself is refused as the specification wants; more than
    /// it may have ends the call.
    fn grow(desired: usize, maximum: Option<usize>, fits: impl FnOnce() -> bool) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if fits() { Ok(true) } else { Err(wasmtime::Error::new(Limit(CallError::Memory))) }
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Room::grow(desired, maximum, || self.memory.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Room::grow(desired, maximum, || desired <= self.table_elements)
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
            // The whole answer is here already: nothing is left to drive in the background.
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async { Ok(()) });
            answer.await.map(|answer| (answer, done))
        })
    }
}

/// A plugin's words on their way to the platform's log.
pub(crate) struct Log {
    pub(crate) provider: Arc<str>,
    pub(crate) mask: Arc<Mask>,
    /// Lines that may still be written; calls of one batch share them.
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
