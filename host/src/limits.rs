//! Every bound on a plugin, with its default and the reason for it.

use std::time::Duration;

/// How much a plugin may take, in each call. All of them hold at once; a call that meets one ends,
/// its instance is thrown away, and its rows say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Wall clock of one call: queueing, DNS, connecting, TLS, answers and the plugin's own work.
    /// The gateways' clients wait 30 s for an answer; ten more cover the rest.
    pub deadline: Duration,
    /// DNS, TCP and TLS of one connection together. A gateway that needs longer is not there.
    pub connect: Duration,
    /// From a request to the head of its answer.
    pub head: Duration,
    /// From the head of an answer to its last byte: a slow body must not use up the deadline alone.
    pub body: Duration,
    /// Computing between two requests or answers, in units of 10 ms. Encoding a thousand orders takes some milliseconds.
    pub cpu: Duration,
    /// Linear memory of all the plugin's instances together would be this times
    /// [`MAX_MEMORIES`], of which a component made with the SDK has one.
    pub memory: usize,
    /// Elements of one table: a plugin has some hundred functions.
    pub table_elements: usize,
    /// What one host call may copy out of the plugin (wasmtime's unit is about a byte). A thousand
    /// rows of results are well below 1 MiB.
    pub hostcall_fuel: usize,
    /// Resources, streams and futures open at once.
    pub handles: usize,
    /// Requests in one call. A hundred rows that each need two are the most a provider here makes.
    pub requests: usize,
    /// Bytes of one request's body. A thousand transactions at NP are about 1 MiB.
    pub request_bytes: usize,
    /// Bytes of one answer's body.
    pub response_bytes: usize,
    /// Bytes of one set of headers, measured in memory.
    pub header_bytes: usize,
    /// Lines a call may log; the rest is dropped and counted.
    pub log_lines: usize,
    /// Characters of a log line; the rest is cut.
    pub log_line_length: usize,
    /// Calls of all plugins at once; more wait, within their deadline.
    pub concurrent_calls: usize,
    /// Batches of one list side by side, where a provider takes fewer rows than were given.
    pub concurrent_batches: usize,
    /// Bytes of a component's file.
    pub component_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            deadline: Duration::from_secs(40),
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            cpu: Duration::from_secs(1),
            memory: 64 << 20,
            table_elements: 20_000,
            hostcall_fuel: 16 << 20,
            handles: 4_096,
            requests: 256,
            request_bytes: 4 << 20,
            response_bytes: 4 << 20,
            header_bytes: 32 << 10,
            log_lines: 100,
            log_line_length: 500,
            concurrent_calls: 256,
            concurrent_batches: 16,
            component_bytes: 16 << 20,
        }
    }
}

/// Core instances, memories and tables that a component may be made of. One of the SDK's has a
/// handful (its module and the glue around it); dozens are a way to multiply the other limits.
pub(crate) const MAX_INSTANCES: usize = 32;
/// See [`MAX_INSTANCES`].
pub(crate) const MAX_MEMORIES: usize = 2;
/// See [`MAX_INSTANCES`].
pub(crate) const MAX_TABLES: usize = 8;
/// How often running plugins are interrupted so that other tasks get their turn and clocks are
/// looked at. Ten milliseconds cost nothing measurable and keep a deadline that sharp.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);
/// Connection pools a plugin may have, one for each shop; beyond it the pool that was unused
/// longest is closed.
pub(crate) const MAX_POOLS: usize = 1_024;
/// How long an idle connection is kept: below the usual keep-alive of servers (60 and 75 s), so
/// that a request rarely meets a connection that is being closed.
pub(crate) const POOL_IDLE: Duration = Duration::from_secs(50);
/// Settings, carriers and origins that a plugin may describe. The longest list here is a setting
/// for each of fifteen carriers.
pub(crate) const MAX_DESCRIBED: usize = 200;
