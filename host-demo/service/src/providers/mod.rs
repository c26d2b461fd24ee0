//! The only part of the platform that calls the host library: it loads plugins, calls them and interprets their
//! responses. What others need of the library is re-exported here.

pub mod abilities;
pub mod capabilities;
pub mod contract;
pub mod current;
pub mod directory;
pub mod error;
pub mod files;
pub mod lock;
pub mod metrics;
mod plugin_lock;
pub mod provider;
pub mod registry;
pub mod response;
pub mod watcher;

pub use provider_host::{
    Account, Answer, CALL_ENDED, CALL_LIMIT, CallError, CallReport, Compiler, ComponentFile, Host, Limits, LoadError,
    Origin, PermissionError, Permissions, Plugin, Registry, contract as plugin_contract, is_control,
};
