//! What a call owns while it runs, and how the imports of its instance reach it.

use crate::bindings::deferred_payment::provider::{fees, log, types};
use crate::budget::{Allocation, Exhausted};
use crate::egress::Egress;
use crate::empty_wasi::{EmptyWasi, EmptyWasiView};
use crate::error::CallError;
use crate::http_02::{QueuedEgress, Requests};
use crate::limits::{MAX_ALL_MEMORIES, MAX_INSTANCES, MAX_TABLES};
use crate::plugin_log::{LogStream, PluginLog};
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};
use wasmtime_wasi_io::IoView;

/// A limit that ended a call, on its way through the plugin's frames.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct LimitExceeded(pub(crate) CallError);

/// Everything a call owns; dropped with its instance.
pub(crate) struct CallState {
    table: ResourceTable,
    http: WasiHttpCtx,
    pub(crate) egress: Egress,
    http_02: QueuedEgress,
    wasi: EmptyWasi,
    pub(crate) limiter: MemoryLimiter,
    log: Arc<PluginLog>,
}

impl CallState {
    /// The state of a call that begins, and its requests through `wasi:http` 0.2. `memory` is an allocation of
    /// nothing yet; `now` and `seed` are what clocks and randomness answer.
    pub(crate) fn new(
        egress: Egress,
        log: PluginLog,
        memory: Allocation,
        now: u64,
        seed: [u8; 32],
    ) -> (Self, Requests) {
        let limits = &egress.limits;
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits.header_bytes);
        let limiter = MemoryLimiter { memory, table_elements: limits.table_elements };
        let log = Arc::new(log);
        let stream = |level| LogStream::new(Arc::clone(&log), level);
        let wasi = EmptyWasi::new(now, seed, stream(log::Level::Info), stream(log::Level::Warn));
        let (http_02, requests) = QueuedEgress::new(egress.clone());
        (Self { table, http, egress, http_02, wasi, limiter, log }, requests)
    }

    /// What `wasi:http` 0.2 works with; 0.3 uses [`WasiHttpView`].
    pub(crate) fn http_02(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.http_02, table: &mut self.table, ctx: &mut self.http }
    }
}

impl IoView for CallState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl EmptyWasiView for CallState {
    fn empty_wasi(&mut self) -> &mut EmptyWasi {
        &mut self.wasi
    }
}

/// Bounds the growth of an instance's linear memory and tables.
pub(crate) struct MemoryLimiter {
    memory: Allocation,
    table_elements: usize,
}

impl MemoryLimiter {
    /// Whether it may grow. Growth beyond the maximum that the component declares fails as the specification
    /// has it; growth beyond the host's limit ends the call.
    fn grow(
        desired: usize,
        maximum: Option<usize>,
        take: impl FnOnce() -> Result<(), CallError>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        take().map(|()| true).map_err(|met| wasmtime::Error::new(LimitExceeded(met)))
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Self::grow(desired, maximum, || {
            self.memory.grow(desired.saturating_sub(current)).map_err(|exhausted| match exhausted {
                Exhausted::Call(limit) => CallError::Memory(limit),
                Exhausted::Plugin(limit) => CallError::SharedMemory { limit, of_all: false },
                Exhausted::All(limit) => CallError::SharedMemory { limit, of_all: true },
            })
        })
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let most = self.table_elements;
        // A table in the pool has no more elements than its place: what is beyond that is beyond the host's limit.
        let declared = maximum.filter(|maximum| *maximum < most);
        Self::grow(desired, declared, || if desired > most { Err(CallError::Table(most)) } else { Ok(()) })
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn memories(&self) -> usize {
        MAX_ALL_MEMORIES
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

impl log::Host for CallState {
    fn write(&mut self, level: log::Level, message: String) {
        self.log.write(level, &message);
    }
}

impl types::Host for CallState {}
impl fees::Host for CallState {}
