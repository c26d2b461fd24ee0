//! Every bound on a plugin, with its default and the reason for it.

use std::time::Duration;

/// How much a plugin may take, in each call. All of them hold at once; a call that meets one ends,
/// its instance is thrown away, and its rows say so.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Wall clock of one call, and of both calls of a batch together: queueing, DNS, connecting, TLS, answers
    /// and the plugin's own work. The gateways' clients wait 30 s for an answer; ten more cover the rest.
    pub deadline: Duration,
    /// DNS, TCP and TLS of one connection together. A gateway that needs longer is not there.
    pub connect: Duration,
    /// From a request to the head of its answer.
    pub head: Duration,
    /// From the head of an answer to its last byte: a slow body must not use up the deadline alone.
    pub body: Duration,
    /// Computing between two waits for the network, looked at every 10 ms. Encoding a thousand orders
    /// takes some milliseconds.
    pub cpu: Duration,
    /// Computing in the whole call, the host's work for it included. Requests that really wait start
    /// [`cpu`](Self::cpu) again from zero; without this a plugin with a gateway of its own could compute until the deadline.
    pub cpu_total: Duration,
    /// Linear memory of one call, in bytes. A thousand orders and their encoding are below 16 MiB.
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
    /// Bodies of requests and answers that the host holds for one call at once, in bytes of memory. One
    /// request and one answer of the largest size, each in a buffer that was doubled until it was large enough.
    pub call_bytes: usize,
    /// The part of [`call_bytes`](Self::call_bytes) that every call gets in any case. Fifty rows are well below
    /// it, so a plugin that holds much leaves the others what they need.
    pub call_bytes_reserved: usize,
    /// Such bytes beyond their reservations, for all calls of one plugin.
    pub plugin_bytes: usize,
    /// The same, for all calls of all plugins.
    pub total_bytes: usize,
    /// Linear memory of all calls of one plugin, beyond 8 MiB that each call gets in any case.
    pub plugin_memory: usize,
    /// The same, for all calls of all plugins.
    pub total_memory: usize,
    /// Requests of one call on the network at once; more wait.
    pub concurrent_requests: usize,
    /// Sockets of one plugin, all shops together, idle ones included. When they are used up the one that
    /// was idle longest is closed; if none is idle, a request waits.
    pub plugin_connections: usize,
    /// Lines a call may log, and both calls of a batch together; the rest is dropped and counted.
    pub log_lines: usize,
    /// Characters of a log line; the rest is cut.
    pub log_line_length: usize,
    /// Calls of all plugins at once; more wait, within their deadline.
    pub concurrent_calls: usize,
    /// Calls of one plugin at once; more wait, within their deadline. A part of
    /// [`concurrent_calls`](Self::concurrent_calls), so that a plugin that only waits cannot take every permit.
    pub plugin_calls: usize,
    /// Batches of one list side by side, where a provider takes fewer rows than were given.
    pub concurrent_batches: usize,
    /// Bytes of a component's file. Those of the SDK have half a MiB; one that carries an interpreter with its
    /// standard library, as Python's do, has some 20 MiB.
    pub component_bytes: u64,
    /// Components that are loaded at once; more wait. Each may take [`Limits::compile_memory`].
    pub concurrent_loads: usize,
    /// Bytes of memory of the process that compiles a component: a hundred times the file for those of the
    /// SDK, some 32 MiB; interpreters take more. Holds where there is a [`Compiler`](crate::Compiler).
    pub compile_memory: u64,
    /// Computing time of that process, all its threads together, in whole seconds. Components of the
    /// SDK take half a second.
    pub compile_cpu: Duration,
    /// Wall clock of that process.
    pub compile_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(40),
            connect: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            cpu: Duration::from_secs(1),
            cpu_total: Duration::from_secs(5),
            memory: 64 << 20,
            table_elements: 20_000,
            hostcall_fuel: 16 << 20,
            handles: 4_096,
            requests: 256,
            request_bytes: 4 << 20,
            response_bytes: 4 << 20,
            header_bytes: 32 << 10,
            call_bytes: 8 << 20,
            call_bytes_reserved: 1 << 20,
            plugin_bytes: 64 << 20,
            total_bytes: 256 << 20,
            plugin_memory: 1 << 30,
            total_memory: 2 << 30,
            concurrent_requests: 16,
            plugin_connections: 128,
            log_lines: 100,
            log_line_length: 500,
            concurrent_calls: 256,
            plugin_calls: 64,
            concurrent_batches: 16,
            component_bytes: 32 << 20,
            concurrent_loads: 2,
            compile_memory: 1 << 30,
            compile_cpu: Duration::from_secs(60),
            compile_time: Duration::from_secs(60),
        }
    }
}

/// Core instances that a component may be made of. The SDK's plugins have a handful (the module and its
/// adapters); one of Python has 33, for its shared libraries are modules of their own. Hundreds are a way to
/// multiply the other limits.
pub(crate) const MAX_INSTANCES: usize = 64;
/// Memories that are not empty at the start. A component uses one; JavaScript tools make a second for an adapter.
pub(crate) const MAX_MEMORIES: u64 = 2;
/// All memories of an instance, empty ones included: these hold no bytes, but each has address space reserved. What
/// memories hold together is bounded by [`Limits::memory`].
pub(crate) const MAX_ALL_MEMORIES: usize = 16;
/// Tables of an instance; their elements are bounded by [`Limits::table_elements`].
pub(crate) const MAX_TABLES: usize = 8;

// A place in the pool of instances (`engines.rs`). There is one for each of [`Limits::concurrent_calls`]; a component that
// needs more runs outside of the pool.

/// Core instances. The SDK's plugins have a handful.
pub(crate) const POOLED_INSTANCES: u32 = 16;
/// Tables. The SDK's plugins have two: their own and that of the glue.
pub(crate) const POOLED_TABLES: u32 = 4;
/// Stacks. A call runs on one at a time, and what is lifted within a component (`MAX_NESTED_LIFTS`) could wait on others;
/// nothing is.
pub(crate) const POOLED_STACKS: u32 = 4;
/// Bytes of a memory that keep their pages from one call to the next, after what was written is undone: as many as a call
/// touches. At most a hundred unused memories keep them.
pub(crate) const POOLED_MEMORY_RESIDENT: usize = 256 << 10;
/// The same of a table: a plugin's has some hundred elements of eight bytes.
pub(crate) const POOLED_TABLE_RESIDENT: usize = 64 << 10;
/// The same of a stack.
pub(crate) const POOLED_STACK_RESIDENT: usize = 32 << 10;

/// How often running plugins are interrupted so that other tasks run and limits on time are checked. Ten milliseconds cost nothing measurable and keep a deadline that sharp.
pub(crate) const EPOCH_INTERVAL: Duration = Duration::from_millis(10);
/// The stack of a plugin, in bytes: what wasmtime gives unless told otherwise. Honest calls use a few KiB.
pub(crate) const MAX_STACK: usize = 512 << 10;

// Where a call computes (`lane.rs`).

/// Computing that every call may do on the platform's threads. Encoding and decoding one order takes a tenth of it.
pub(crate) const SHORT_CALL: Duration = Duration::from_millis(5);
/// What a call has computed that goes on in its plugin's lane: as much as between two interruptions.
pub(crate) const LONG_CALL: Duration = Duration::from_millis(10);
/// Computing beyond [`SHORT_CALL`] that a plugin may do on the platform's threads in all its calls together: ten calls
/// that become long. Calls that begin when it is used up begin in the lane.
pub(crate) const LANE_CREDIT: Duration = Duration::from_millis(50);
/// Such computing that a plugin earns in a second: a fortieth of one processor.
pub(crate) const LANE_CREDIT_PER_SECOND: Duration = Duration::from_millis(25);
/// The priority of lanes, and of compilers while calls are in progress, as `nice` counts it: beside a thread of ordinary
/// priority that always computes they get a tenth of its processor, so they go on and are not noticed.
pub(crate) const LANE_NICENESS: i32 = 10;

/// Names that are looked up for one plugin at once. A plugin has a handful of gateways, and each of its connections
/// needs one; of 512 threads that may block in a process of tokio's this leaves room for dozens of plugins.
pub(crate) const LOOKUPS: usize = 8;
/// Connection pools a plugin may have, one for each shop; beyond it the pool that was unused
/// longest is closed.
pub(crate) const MAX_POOLS: usize = 1_024;
/// How long an idle connection is kept: below the usual keep-alive of servers (60 and 75 s), so
/// that a request rarely meets a connection that is being closed.
pub(crate) const POOL_IDLE: Duration = Duration::from_secs(50);
/// Settings, carriers and origins that a plugin may describe. The longest list here is a setting
/// for each of fifteen carriers.
pub(crate) const MAX_DESCRIBED: usize = 200;

// What a plugin answers. A platform stores it, shows it and sends it to browsers, so each string and
// list has an end; what is longer is cut, and says so.

/// Characters of a transaction id. The longest that is known has 20; a column and a line of a list
/// hold 64. One that is longer, or that is not plain text, is no id: its row becomes `other`.
pub(crate) const MAX_TRANSACTION_ID: usize = 64;
/// Characters of a reason's code.
pub(crate) const MAX_CODE: usize = 64;
/// Characters of a reason's message. Several messages of a gateway can be joined in one.
pub(crate) const MAX_MESSAGE: usize = 1_000;
/// Characters of a field's path.
pub(crate) const MAX_FIELD: usize = 100;
/// Reasons of one verdict, problems of one row or rule. An order has fewer fields than this.
pub(crate) const MAX_REASONS: usize = 50;
/// Characters of all reasons of one row together, so that fifty long ones are none.
pub(crate) const MAX_ROW: usize = 4_000;
/// Seconds that a provider may ask to wait: a day. Longer is no answer to *busy*, and would put a row
/// off for years.
pub(crate) const MAX_RETRY_AFTER: u32 = 86_400;

// What a report says of a request. The path and a host that was denied are text of the plugin.

/// Characters of a path in a report.
pub(crate) const MAX_PATH: usize = 200;
/// Characters of the message of a trap.
pub(crate) const MAX_TRAP: usize = 300;

/// Linear memory that every call gets in any case: an SDK component begins with about
/// one MiB and decodes a whole answer in a few.
pub(crate) const MEMORY_RESERVED: usize = 8 << 20;
/// Bytes of a request's body that `wasi:http` 0.2 buffers before the request is sent. They are not counted in
/// [`Limits::call_bytes`], so they are few: a thousand such requests, as many as there are handles for, hold
/// 8 MiB. A plugin cannot hand over more in one `blocking-write-and-flush`.
pub(crate) const HTTP_02_CHUNK: usize = 4 << 10;
/// Random bytes that a plugin may ask for at once; some hundred are the most that a library needs.
pub(crate) const MAX_RANDOM_BYTES: u64 = 64 << 10;
/// Bytes that are read of an answer at once; also the longest head of one.
pub(crate) const READ_BUFFER: usize = 64 << 10;

// What a component may be made of. It is counted before anything is compiled, for the compiler's time
// and memory grow with these numbers and not with the size of the file: a few MiB can be written that
// take hours or tens of GiB. The plugins made with the SDK stay below an eighth of each limit; room is
// left for components from other languages, which carry an interpreter.

/// Core modules. The SDK's plugins have three: their own and two of glue.
pub(crate) const MAX_MODULES: u64 = 32;
/// Components inside a component. One for each exported interface is usual.
pub(crate) const MAX_COMPONENTS: u64 = 32;
/// Levels of components and modules inside each other. Encoders make one or two; each level is a
/// scope that the compiler keeps.
pub(crate) const MAX_COMPONENT_DEPTH: u64 = 8;
/// Levels of component types inside each other. An interface within a world is two. Parsers recurse
/// into them, so the depth is bounded by the stack as well.
pub(crate) const MAX_TYPE_DEPTH: u64 = 16;
/// Types and declarations within types, of the component and its modules.
pub(crate) const MAX_TYPES: u64 = 20_000;
/// Parameters of one core function. Compilers spill what is more into memory.
pub(crate) const MAX_PARAMS: u64 = 128;
/// Results of one core function. Each call makes as many values, so they multiply a function's size.
pub(crate) const MAX_RESULTS: u64 = 16;
/// Imports of all parts, and arguments that satisfy them.
pub(crate) const MAX_IMPORTS: u64 = 10_000;
/// Exports of all parts.
pub(crate) const MAX_EXPORTS: u64 = 10_000;
/// Instances of core modules and of components. The SDK's plugins have twelve, most of them only lists of
/// what others export.
pub(crate) const MAX_INSTANTIATIONS: u64 = 500;
/// Aliases and lifted or lowered functions: the glue between the parts.
pub(crate) const MAX_ALIASES: u64 = 10_000;
/// Functions that components inside a component offer to each other. A call of one can wait on a stack of its own while the
/// plugin calls the next: thousands of stacks, which are counted as nobody's memory and of which a process can have only
/// so many. Tools for every language put the plugin into one component; those that compose several are for what is linked
/// before it is a plugin.
pub(crate) const MAX_NESTED_LIFTS: u64 = 0;
/// Functions with code. Interpreters have some ten thousand.
pub(crate) const MAX_FUNCTIONS: u64 = 50_000;
/// Bytes of one function's code. The compiler's work grows faster than a function.
pub(crate) const MAX_FUNCTION_BYTES: u64 = 512 << 10;
/// Local variables of one function. A few bytes declare any number of them.
pub(crate) const MAX_FUNCTION_LOCALS: u64 = 5_000;
/// Local variables of all functions.
pub(crate) const MAX_LOCALS: u64 = 1_000_000;
/// Levels of blocks inside each other in a function. A `match` with some hundred arms makes as many.
pub(crate) const MAX_BLOCK_DEPTH: u64 = 1_000;
/// Targets of the branch tables of one function: each is an edge along which every variable is followed.
pub(crate) const MAX_BRANCH_TARGETS: u64 = 20_000;
/// Globals. The SDK's plugins have a handful.
pub(crate) const MAX_GLOBALS: u64 = 10_000;
/// Data and element segments. A snapshot of an interpreter that was started (by wizer) has up to ten thousand, a
/// program of Go 40,000: its linker makes one for each run of bytes that are not zero.
pub(crate) const MAX_SEGMENTS: u64 = 80_000;
/// Elements of all tables as they are at the start.
pub(crate) const MAX_ELEMENTS: u64 = 100_000;

// What a plugin may describe: a platform stores it and shows it on every page.

/// Characters of an id or key. Long enough for any name here, short enough for a file name and a column.
pub(crate) const MAX_ID: usize = 64;
/// Characters of a name, a label or a choice as it is shown: a line of a page.
pub(crate) const MAX_LABEL: usize = 100;
/// Characters of a setting's help: a paragraph.
pub(crate) const MAX_HELP: usize = 1_000;
/// Characters of a version.
pub(crate) const MAX_VERSION: usize = 64;
/// Characters of the value of a choice or of a default.
pub(crate) const MAX_VALUE: usize = 256;
/// Characters of an origin, described or in a report: the longest name of a host, with scheme and port.
pub(crate) const MAX_ORIGIN: usize = 270;
/// Choices of one setting: a list that a person looks through.
pub(crate) const MAX_CHOICES: usize = 100;

// The process that compiles a component, beside `compile_memory`, `compile_cpu` and `compile_time`.

/// Threads that compile side by side. With more, memory grows and a component takes no less computing.
pub(crate) const COMPILER_THREADS: usize = 4;
/// Address space that the process may reserve beyond its memory: the program itself, and for each thread
/// an arena of 64 MiB of which it uses what it needs.
pub(crate) const ALLOCATOR_RESERVE: u64 = 1 << 30;
/// Bytes that are read of the error output of a compiling process: a sentence and its causes.
pub(crate) const MAX_COMPILER_STDERR: u64 = 16 << 10;
