//! WASI 0.2 with nothing behind it, for plugins whose language links a standard library.
//!
//! No implementation of WASI is linked: each function is defined here, by a table, and one that is not in it
//! traps. What can be answered without the machine is answered (an empty environment, no folders, closed stdin,
//! the time of the call); what would have to reach it is refused. A resource that only the machine could provide
//! (a file, a socket, a terminal) is of the type [`Nothing`], which has no value, so none can ever exist.
//!
//! | interface | what a plugin gets |
//! |---|---|
//! | `wasi:cli/environment` | no variables, no arguments, no working directory |
//! | `wasi:cli/exit` | a trap |
//! | `wasi:cli/stdin` | a stream that is closed |
//! | `wasi:cli/stdout`, `stderr` | lines of the plugin's log |
//! | `wasi:cli/terminal-*` | no terminal |
//! | `wasi:clocks/wall-clock` | the call's `context.now`; 1970-01-01 in a call that has none |
//! | `wasi:clocks/monotonic-clock` | a clock that stands still but for the timers that were waited for |
//! | `wasi:filesystem/*` | no folder; so no function of a file can be called |
//! | `wasi:random/*` | numbers from a seed of the host, the same in both calls of a batch |
//! | `wasi:sockets/*` | `access-denied` |

use crate::imports::ImportGroup;
use crate::limits::MAX_RANDOM_BYTES;
use crate::plugin_log::LogStream;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentType, Linker, LinkerInstance, Lower, Resource, ResourceType, Val};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi_io::IoView;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

/// What a resource is that no plugin can have.
enum Nothing {}

/// A network that leads nowhere: `wasi:sockets` has functions that take one, and refuse.
struct Network;

/// What the interfaces answer in one call.
pub(crate) struct EmptyWasi {
    /// Milliseconds since 1970.
    now: u64,
    /// [`MONOTONIC_START`], and the nanoseconds that were waited for.
    waited: Arc<AtomicU64>,
    random: StdRng,
    stdout: Arc<LogStream>,
    stderr: Arc<LogStream>,
}

impl EmptyWasi {
    pub(crate) fn new(now: u64, seed: [u8; 32], stdout: LogStream, stderr: LogStream) -> Self {
        let (stdout, stderr) = (Arc::new(stdout), Arc::new(stderr));
        Self { now, waited: Arc::new(AtomicU64::new(MONOTONIC_START)), random: StdRng::from_seed(seed), stdout, stderr }
    }
}

/// The data of a store in which these interfaces can be called.
pub(crate) trait EmptyWasiView: IoView + Send + 'static {
    fn empty_wasi(&mut self) -> &mut EmptyWasi;
}

/// Defines every interface of the group that `component` imports, under the version that it imports.
pub(crate) fn link<T: EmptyWasiView>(
    linker: &mut Linker<T>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = &item.ty else { continue };
        let name = import.split('@').next().unwrap_or_default();
        if ImportGroup::of(import) != Some(ImportGroup::EmptyWasi) && name != MONOTONIC_CLOCK {
            continue;
        }
        let mut instance = linker.instance(import)?;
        for (export, item) in interface.exports(engine) {
            match &item.ty {
                ComponentItem::ComponentFunc(_) => function(&mut instance, name, export)?,
                ComponentItem::Resource(_) => resource(&mut instance, export)?,
                _ => {}
            }
        }
    }
    Ok(())
}

const MONOTONIC_CLOCK: &str = "wasi:clocks/monotonic-clock";
/// Where the monotonic clock begins, in nanoseconds. Its zero point means nothing, but the runtime of Go takes zero for a
/// clock that does not work, and ends.
const MONOTONIC_START: u64 = 1;

/// Streams and pollables are those of `wasi:io`, whichever interface names them.
fn resource<T: EmptyWasiView>(instance: &mut LinkerInstance<'_, T>, name: &str) -> wasmtime::Result<()> {
    match name {
        "input-stream" => instance.resource(name, ResourceType::host::<DynInputStream>(), drop_of::<T, DynInputStream>),
        "output-stream" => {
            instance.resource(name, ResourceType::host::<DynOutputStream>(), drop_of::<T, DynOutputStream>)
        }
        "pollable" => instance.resource(name, ResourceType::host::<DynPollable>(), drop_of::<T, DynPollable>),
        "error" => instance.resource(name, ResourceType::host::<wasmtime::Error>(), drop_of::<T, wasmtime::Error>),
        "network" => instance.resource(name, ResourceType::host::<Network>(), drop_of::<T, Network>),
        _ => instance.resource(name, ResourceType::host::<Nothing>(), drop_of::<T, Nothing>),
    }
}

fn drop_of<T: EmptyWasiView, R: Send + 'static>(mut store: StoreContextMut<'_, T>, rep: u32) -> wasmtime::Result<()> {
    store.data_mut().table().delete(Resource::<R>::new_own(rep))?;
    Ok(())
}

/// A point in time of `wasi:clocks/wall-clock`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// The name of the error with which sockets refuse.
const ACCESS_DENIED: &str = "access-denied";

/// Defines the function `name` of `interface`.
fn function<T: EmptyWasiView>(
    instance: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
) -> wasmtime::Result<()> {
    match (interface, name) {
        ("wasi:cli/environment", "get-environment") => {
            instance.func_wrap(name, |_, ()| Ok((Vec::<(String, String)>::new(),)))
        }
        ("wasi:cli/environment", "get-arguments") => instance.func_wrap(name, |_, ()| Ok((Vec::<String>::new(),))),
        ("wasi:cli/environment", "initial-cwd") => instance.func_wrap(name, |_, ()| Ok((None::<String>,))),
        ("wasi:cli/stdin", "get-stdin") => instance.func_wrap(name, |mut store, ()| {
            let stream: DynInputStream = Box::new(Closed);
            Ok((store.data_mut().table().push(stream)?,))
        }),
        ("wasi:cli/stdout", "get-stdout") => output(instance, name, |wasi| &wasi.stdout),
        ("wasi:cli/stderr", "get-stderr") => output(instance, name, |wasi| &wasi.stderr),
        (
            "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr",
            "get-terminal-stdin" | "get-terminal-stdout" | "get-terminal-stderr",
        ) => instance.func_wrap(name, |_, ()| Ok((None::<Resource<Nothing>>,))),
        ("wasi:clocks/wall-clock", "now") => instance.func_wrap(name, |mut store, ()| {
            let now = Duration::from_millis(store.data_mut().empty_wasi().now);
            Ok((Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() },))
        }),
        ("wasi:clocks/wall-clock", "resolution") => {
            instance.func_wrap(name, |_, ()| Ok((Datetime { seconds: 0, nanoseconds: 1_000_000 },)))
        }
        (MONOTONIC_CLOCK, "now") => {
            instance.func_wrap(name, |mut store, ()| Ok((store.data_mut().empty_wasi().waited.load(Ordering::SeqCst),)))
        }
        (MONOTONIC_CLOCK, "resolution") => instance.func_wrap(name, |_, ()| Ok((1u64,))),
        (MONOTONIC_CLOCK, "subscribe-instant") => instance.func_wrap(name, |store, (when,): (u64,)| timer(store, when)),
        (MONOTONIC_CLOCK, "subscribe-duration") => instance.func_wrap(name, |mut store, (wait,): (u64,)| {
            let now = store.data_mut().empty_wasi().waited.load(Ordering::SeqCst);
            timer(store, now.saturating_add(wait))
        }),
        ("wasi:filesystem/preopens", "get-directories") => {
            instance.func_wrap(name, |_, ()| Ok((Vec::<(Resource<Nothing>, String)>::new(),)))
        }
        // No error of a stream is one of a file.
        ("wasi:filesystem/types", "filesystem-error-code") => answer(instance, name, || Val::Option(None)),
        ("wasi:random/random", "get-random-bytes") | ("wasi:random/insecure", "get-insecure-random-bytes") => instance
            .func_wrap(name, |mut store, (count,): (u64,)| {
                Ok((random_bytes(&mut store.data_mut().empty_wasi().random, count)?,))
            }),
        ("wasi:random/random", "get-random-u64") | ("wasi:random/insecure", "get-insecure-random-u64") => instance
            .func_wrap(name, |mut store, ()| {
                let random = &mut store.data_mut().empty_wasi().random;
                Ok((random.next_u64(),))
            }),
        ("wasi:random/insecure-seed", "insecure-seed" | "get-insecure-seed") => {
            instance.func_wrap(name, |mut store, ()| {
                let random = &mut store.data_mut().empty_wasi().random;
                Ok(((random.next_u64(), random.next_u64()),))
            })
        }
        ("wasi:sockets/instance-network", "instance-network") => {
            instance.func_wrap(name, |mut store, ()| Ok((store.data_mut().table().push(Network)?,)))
        }
        ("wasi:sockets/tcp-create-socket", "create-tcp-socket")
        | ("wasi:sockets/udp-create-socket", "create-udp-socket")
        | ("wasi:sockets/ip-name-lookup", "resolve-addresses") => {
            answer(instance, name, || Val::Result(Err(Some(Box::new(Val::Enum(ACCESS_DENIED.to_owned()))))))
        }
        _ => {
            let function = format!("{interface}#{name}");
            instance.func_new(name, move |_, _, _, _| {
                Err(wasmtime::Error::msg(format!("it called {function}, which plugins may not")))
            })
        }
    }
}

/// Defines a function that always gives `value`, whatever it is given.
fn answer<T: EmptyWasiView>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
    value: fn() -> Val,
) -> wasmtime::Result<()> {
    instance.func_new_async(name, move |mut store, _, arguments, results| {
        Box::new(async move {
            for argument in arguments {
                if let Val::Resource(resource) = argument {
                    resource.resource_drop_async(&mut store).await?;
                }
            }
            results.fill_with(value);
            Ok(())
        })
    })
}

fn output<T: EmptyWasiView>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
    stream: fn(&EmptyWasi) -> &Arc<LogStream>,
) -> wasmtime::Result<()> {
    instance.func_wrap(name, move |mut store, ()| {
        let stream = Output(Arc::clone(stream(store.data_mut().empty_wasi())));
        let stream: DynOutputStream = Box::new(stream);
        Ok((store.data_mut().table().push(stream)?,))
    })
}

fn random_bytes(random: &mut StdRng, count: u64) -> wasmtime::Result<Vec<u8>> {
    if count > MAX_RANDOM_BYTES {
        let message = format!("it asked for {count} random bytes at once; at most {MAX_RANDOM_BYTES} are allowed");
        return Err(wasmtime::Error::msg(message));
    }
    let mut bytes = vec![0; usize::try_from(count)?];
    random.fill_bytes(&mut bytes);
    Ok(bytes)
}

/// A pollable that is ready when the plugin's clock would show `when`.
fn timer<T: EmptyWasiView>(mut store: StoreContextMut<'_, T>, when: u64) -> wasmtime::Result<(Resource<DynPollable>,)> {
    let clock = Arc::clone(&store.data_mut().empty_wasi().waited);
    let wait = Duration::from_nanos(when.saturating_sub(clock.load(Ordering::SeqCst)));
    // One that is beyond the end of the clock is never ready.
    let at = Instant::now().checked_add(wait);
    let table = store.data_mut().table();
    let timer = table.push(Timer { when, at, clock })?;
    Ok((subscribe(table, timer)?,))
}

/// Waits in real time, so that a timeout is one; then the plugin's clock shows the time that was waited for.
struct Timer {
    when: u64,
    at: Option<Instant>,
    clock: Arc<AtomicU64>,
}

#[wasmtime_wasi_io::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        match self.at {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
        self.clock.fetch_max(self.when, Ordering::SeqCst);
    }
}

/// An input that has ended.
struct Closed;

#[wasmtime_wasi_io::async_trait]
impl Pollable for Closed {
    async fn ready(&mut self) {}
}

impl InputStream for Closed {
    fn read(&mut self, _size: usize) -> StreamResult<Bytes> {
        Err(StreamError::Closed)
    }
}

/// Bytes that a stream takes in one write: what `blocking-write-and-flush` passes at most.
const WRITE_BYTES: usize = 4_096;

struct Output(Arc<LogStream>);

#[wasmtime_wasi_io::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}
