//! The sandbox: the engines, what a plugin can import, and a fresh store for each call.

use crate::answer;
use crate::bindings::HostView;
use crate::budget::Shared;
use crate::call_state::{CallState, LimitExceeded};
use crate::empty_wasi;
use crate::engines::Engines;
use crate::error::{BuildError, CallError, InterfaceError};
use crate::exports::{GuestCall, LinkedPlugin};
use crate::http_02::Requests;
use crate::limits::{Limits, MAX_STACK, MAX_TRAP};
use crate::pool::PluginResources;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTableError};
use wasmtime::error::Context;
use wasmtime::{Engine, Store, Trap, UpdateDeadline};
use wasmtime_wasi_http::WasiHttp;
use wasmtime_wasi_http::p2::bindings as http_02;

/// Engines, a linker for each, and the bounds on all calls together.
pub(crate) struct Sandbox {
    pub(crate) engines: Engines,
    linkers: Vec<Linker<CallState>>,
    limits: Arc<Limits>,
    permits: Arc<Semaphore>,
    /// Bodies that all calls hold, beyond their reservations.
    pub(crate) bytes: Arc<Shared>,
    /// Linear memory of all instances, beyond their reservations.
    pub(crate) memory: Arc<Shared>,
}

impl Sandbox {
    pub(crate) fn new(limits: Arc<Limits>) -> Result<Self, BuildError> {
        let failed = |error| BuildError::Engine(format!("{error:#}"));
        let engines = Engines::new(&limits).map_err(failed)?;
        let linkers = engines.all().map(linker).collect::<Result<_, _>>().map_err(failed)?;
        let permits = Arc::new(Semaphore::new(limits.concurrent_calls));
        let (bytes, memory) = (Shared::new(limits.total_bytes), Shared::new(limits.total_memory));
        Ok(Self { engines, linkers, limits, permits, bytes, memory })
    }

    /// Whether a call is in progress.
    pub(crate) fn is_busy(&self) -> bool {
        self.permits.available_permits() < self.limits.concurrent_calls
    }

    /// Links a component whose imports and exports were [accepted](crate::exports::check).
    pub(crate) fn link(&self, component: &Component) -> Result<LinkedPlugin, InterfaceError> {
        let link = || {
            let engine = component.engine();
            let of_engine = |linker: &&Linker<CallState>| Engine::same(linker.engine(), engine);
            let linker = self.linkers.iter().find(of_engine).context("the component is of another host")?;
            let mut linker = linker.clone();
            empty_wasi::link(&mut linker, engine, component)?;
            LinkedPlugin::new(linker.instantiate_pre(component)?)
        };
        link().map_err(|error| InterfaceError::Mismatch(format!("{error:#}")))
    }

    /// Runs `entry` in a fresh instance within every limit and `until` its deadline, once the plugin and the
    /// host have a permit for another call. The instance is never used again.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        plugin: &LinkedPlugin,
        resources: &PluginResources,
        (state, requests): (CallState, Requests),
        until: Instant,
        entry: GuestCall<R>,
    ) -> Result<R, CallError> {
        let deadline = self.limits.deadline;
        // Even a call whose deadline has passed would be polled once, which can be enough to write a request.
        if until <= Instant::now() {
            return Err(CallError::Deadline(deadline));
        }
        // First the plugin's own permit: calls that wait for it hold none of the host's meanwhile.
        let permits = async {
            let of_plugin = Arc::clone(&resources.calls).acquire_owned().await;
            (of_plugin, Arc::clone(&self.permits).acquire_owned().await)
        };
        let permits = tokio::time::timeout_at(until, permits).await;
        let Ok((Ok(of_plugin), Ok(of_host))) = permits else { return Err(CallError::Deadline(deadline)) };
        let (cpu, mut store, plugin) = (state.egress.cpu.clone(), self.store(plugin.engine(), state), plugin.clone());
        let limits = Arc::clone(&self.limits);
        let call = async move {
            let exports = plugin.instantiate(&mut store).await.map_err(|error| call_error(&error, &limits))?;
            entry(&mut store, &exports).await.map_err(|error| call_error(&error, &limits))
        };
        let call = async move {
            tokio::select! {
                result = call => result,
                never = requests.send() => match never {},
            }
        };
        // The timeout wraps the whole call: inside the store's own event loop a timer is unreliable. It is within what
        // the lane runs, so that the call is over when its end is told.
        let measured = cpu.clone();
        let call = async move {
            // Until the instance is gone, also where nobody waits for it any more: its place in the pool is the next one's.
            let _permits = (of_plugin, of_host);
            let ended = tokio::time::timeout_at(until, measured.measure(call)).await;
            ended.unwrap_or(Err(CallError::Deadline(deadline)))
        };
        resources.lane.run(&cpu, call).await
    }

    fn store(&self, engine: &Engine, state: CallState) -> Store<CallState> {
        let limits = &self.limits;
        let mut store = Store::new(engine, state);
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
fn call_error(error: &wasmtime::Error, limits: &Limits) -> CallError {
    if let Some(LimitExceeded(met)) = error.downcast_ref() {
        return met.clone();
    }
    if let Some(Trap::StackOverflow) = error.downcast_ref() {
        return CallError::Stack(MAX_STACK);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return CallError::Handles(limits.handles);
    }
    let cause = error.root_cause().to_string();
    // wasmtime has no public types for these two; a test for each meets them.
    if cause.contains("handle limit exceeded") {
        return CallError::Handles(limits.handles);
    }
    if cause.contains("fuel allocated for hostcalls") {
        return CallError::HostcallFuel(limits.hostcall_fuel);
    }
    CallError::Trap(answer::text(&cause, MAX_TRAP))
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    let options = http_02::LinkOptions::default();
    http_02::http::outgoing_handler::add_to_linker::<_, WasiHttp>(&mut linker, CallState::http_02)?;
    http_02::http::types::add_to_linker::<_, WasiHttp>(&mut linker, &(&options).into(), CallState::http_02)?;
    HostView::add_to_linker::<CallState, HasSelf<CallState>>(&mut linker, |state| state)?;
    Ok(linker)
}
