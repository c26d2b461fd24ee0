//! What can go wrong around a call; what goes wrong in one is a [`Failure`](crate::contract::Failure) of its rows.

use crate::signature::SignatureError;
use std::path::PathBuf;
use std::time::Duration;

/// The host could not be built. The platform's fault: its machine or its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// wasmtime refused the configuration.
    #[error("the sandbox cannot be set up: {0}")]
    Engine(String),
    /// The machine has no usable certificate roots.
    #[error("the system's certificate roots cannot be read: {0}; install ca-certificates")]
    Roots(std::io::Error),
    /// Compiled code is run as it is found, so a folder that others may write is refused.
    #[error("the cache folder {} cannot be used: {reason}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: CacheError,
    },
}

/// A plugin was not loaded. Nothing of it was run, except in [`LoadError::Describe`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read the plugin {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than [`Limits::component_bytes`](crate::Limits::component_bytes).
    #[error(
        "the plugin {} has {size} bytes; at most {limit} are allowed: build it without debug information and unused \
         libraries, or raise Limits::component_bytes",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The permission file is for another component.
    #[error(
        "the plugin {} has sha256 {found}, but its permission file is for {expected}; check where the file comes from, \
         and grant the new digest if it is right",
        path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The permission's digest.
        expected: String,
        /// The file's digest.
        found: String,
    },
    /// The component is not signed as its permission file demands.
    #[error("the plugin {} is refused: {reason}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: SignatureError,
    },
    /// The file is not a WebAssembly component.
    #[error("{} is not a WebAssembly component: {reason}", path.display())]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// It is made of more than is compiled: see [`structure_limits`](crate::structure_limits).
    #[error(
        "the plugin {} has {found} {part}; at most {limit} are allowed: build it without unused libraries, or split \
         what generates so many",
        path.display()
    )]
    TooComplex {
        /// The file.
        path: PathBuf,
        /// What there is too much of.
        part: &'static str,
        /// How much of it there is. Levels are counted to the first that is too deep.
        found: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// It was not compiled within the limits, or could not be.
    #[error("the plugin {} was not compiled: {reason}", path.display())]
    Compile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: CompileError,
    },
    /// The permission file is for another provider.
    #[error(
        "the plugin {} is the provider {found:?}, but its permission file is for {expected:?}; check that the two \
         files belong together",
        path.display()
    )]
    Provider {
        /// The file.
        path: PathBuf,
        /// The provider that the permission names.
        expected: String,
        /// The provider that the plugin describes.
        found: String,
    },
    /// The component wants more than a provider may have, or is not a provider.
    #[error("the plugin {} is refused: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Every import that is not allowed, or the export that is missing.
        reason: InterfaceError,
    },
    /// `describe` failed or described nonsense.
    #[error("the plugin {} does not describe itself: {reason}", path.display())]
    Describe {
        /// The file.
        path: PathBuf,
        /// What happened.
        reason: DescribeError,
    },
}

impl LoadError {
    /// The same about a file that is called `path`.
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        let (Self::Unreadable { path: named, .. }
        | Self::TooLarge { path: named, .. }
        | Self::Digest { path: named, .. }
        | Self::Signature { path: named, .. }
        | Self::NotAComponent { path: named, .. }
        | Self::TooComplex { path: named, .. }
        | Self::Compile { path: named, .. }
        | Self::Provider { path: named, .. }
        | Self::Refused { path: named, .. }
        | Self::Describe { path: named, .. }) = &mut self;
        *named = path.into();
        self
    }
}

/// Why a component does not have the interface of a provider.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// It imports interfaces that a provider is not given.
    #[error("it imports what a provider may not have: {}", .0.join(", "))]
    Forbidden(Vec<String>),
    /// It imports WASI interfaces with nothing behind them, which its permission file refuses.
    #[error(
        "it imports {}, which its permission file refuses; build the plugin without them, or remove \
         `refuse-empty-wasi` (these interfaces give access to nothing)",
        .0.join(", ")
    )]
    EmptyWasiRefused(Vec<String>),
    /// It does not export a provider interface of the contract.
    #[error(
        "it exports neither deferred-payment:provider/payment-provider@0.1.x nor payment-provider-sync@0.1.x, so it is \
         not a provider"
    )]
    NotAProvider,
    /// An interface has the right name and other functions or types than the contract.
    #[error("its imports or exports do not fit the contract: {0}")]
    Mismatch(String),
}

/// Why there is no usable description of a plugin.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// `describe` did not return.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An id or a key is not one.
    #[error("{what} {id:?} is not 1 to {limit} of a-z, 0-9 and -")]
    Id {
        /// What the id names.
        what: &'static str,
        /// The beginning of the id.
        id: String,
        /// The most characters that are allowed.
        limit: usize,
    },
    /// A text is too long.
    #[error("{what} has {length} characters; at most {limit} are allowed")]
    TooLong {
        /// The text.
        what: &'static str,
        /// Its length in characters.
        length: usize,
        /// The most characters that are allowed.
        limit: usize,
    },
    /// A text has a character that is not shown but obeyed by terminals or browsers.
    #[error("{what} has the control character U+{:04X}; none is allowed", u32::from(*character))]
    ControlCharacter {
        /// The text.
        what: &'static str,
        /// The character.
        character: char,
    },
    /// A list is too long.
    #[error("it describes {count} {what}; at most {limit} are allowed")]
    TooMany {
        /// What is listed.
        what: &'static str,
        /// The length of the list.
        count: usize,
        /// The greatest length that is allowed.
        limit: usize,
    },
    /// Two settings have the same key.
    #[error("it describes the setting {0:?} twice")]
    DuplicateSetting(String),
}

/// Why a folder or file of compiled components is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The system refused it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The path of the folder leads to a link or a file.
    #[error("it is a link or a file; name the folder itself")]
    NotAFolder,
    /// The entry is a link, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// Another user owns it.
    #[error("it belongs to another user; choose a folder of your own")]
    OtherOwner,
    /// Its mode lets others write it.
    #[error("others may write it; run chmod go-w on it")]
    Writable,
    /// Another user owns a folder above it.
    #[error("{} above it belongs to another user; choose another folder", .0.display())]
    ParentOtherOwner(PathBuf),
    /// Everybody may write a folder above it.
    #[error("everybody may write {} above it; run chmod o-w on it", .0.display())]
    ParentWritable(PathBuf),
    /// The system has no owners and modes that could be checked.
    #[error("only Unix systems tell who may write a folder; leave the cache out")]
    Unsupported,
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// It is no valid component.
    #[error("it is not valid: {0}")]
    Invalid(String),
    /// The compiler met [`Limits::compile_memory`](crate::Limits::compile_memory).
    #[error("compiling it takes more than {0} bytes of memory")]
    Memory(u64),
    /// The compiler met [`Limits::compile_cpu`](crate::Limits::compile_cpu).
    #[error("compiling it takes more than {0:?} of computing")]
    Cpu(Duration),
    /// The compiler met [`Limits::compile_time`](crate::Limits::compile_time).
    #[error("compiling it takes longer than {0:?}")]
    Time(Duration),
    /// The compiler's process could not be started, or ended without a result.
    #[error("the compiler's process failed: {0}")]
    Process(String),
}

/// A call ended without the plugin's answer. The plugin's fault unless it had to wait too long.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The deadline passed.
    #[error("no answer from the plugin within {0:?}")]
    Deadline(Duration),
    /// It computed without a pause for longer than its limit.
    #[error("the plugin computed for more than {0:?} without a pause")]
    Cpu(Duration),
    /// It computed for longer than its limit in all, with pauses.
    #[error("the plugin computed for more than {0:?} in one call")]
    CpuTotal(Duration),
    /// It wanted more linear memory than [`Limits::memory`](crate::Limits::memory), in bytes.
    #[error("the plugin wanted more memory than {0} bytes")]
    Memory(usize),
    /// Its call and others together wanted more linear memory than
    /// [`Limits::plugin_memory`](crate::Limits::plugin_memory) or [`Limits::total_memory`](crate::Limits::total_memory).
    #[error("the plugin wanted more memory than is left of {limit} bytes for {}", if *.of_all { "all plugins" } else { "all its calls" })]
    SharedMemory {
        /// Bytes for all calls together.
        limit: usize,
        /// Whether those are the calls of all plugins, or of this one.
        of_all: bool,
    },
    /// It wanted a table with more elements than [`Limits::table_elements`](crate::Limits::table_elements).
    #[error("the plugin wanted a table of more than {0} elements")]
    Table(usize),
    /// It held more resources, streams and futures at once than [`Limits::handles`](crate::Limits::handles).
    #[error("the plugin held more than {0} handles at once")]
    Handles(usize),
    /// It handed over more bytes at once than [`Limits::hostcall_fuel`](crate::Limits::hostcall_fuel).
    #[error("the plugin handed over more than {0} bytes at once")]
    HostcallFuel(usize),
    /// Its functions called each other until its stack of so many bytes was full.
    #[error("the plugin used up its stack of {0} bytes")]
    Stack(usize),
    /// It trapped: a bug.
    #[error("the plugin broke off: {0}")]
    Trap(String),
    /// It answered with another number of rows than it was asked.
    #[error("the plugin answered {answered} rows where {asked} were asked")]
    RowCount {
        /// Rows asked.
        asked: usize,
        /// Rows answered.
        answered: usize,
    },
}

impl CallError {
    /// The limit that ended the call, as [`Limits`](crate::Limits) calls it (a stack has a fixed size); nothing if it
    /// failed by itself.
    pub fn limit(&self) -> Option<&'static str> {
        match self {
            Self::Deadline(_) => Some("deadline"),
            Self::Cpu(_) => Some("cpu"),
            Self::CpuTotal(_) => Some("cpu_total"),
            Self::Memory(_) => Some("memory"),
            Self::SharedMemory { of_all: false, .. } => Some("plugin_memory"),
            Self::SharedMemory { of_all: true, .. } => Some("total_memory"),
            Self::Table(_) => Some("table_elements"),
            Self::Handles(_) => Some("handles"),
            Self::HostcallFuel(_) => Some("hostcall_fuel"),
            Self::Stack(_) => Some("stack"),
            Self::Trap(_) | Self::RowCount { .. } => None,
        }
    }

    /// Whether the call met a limit on what it takes from others (time, computing, memory) rather than
    /// failing by itself. Such calls, repeated, slow other plugins down, so a platform
    /// leaves such a plugin alone for a while; a plugin that traps over one order, or uses up a stack that is its own,
    /// harms no other.
    pub fn is_limit(&self) -> bool {
        self.limit().is_some() && !matches!(self, Self::Stack(_))
    }
}
