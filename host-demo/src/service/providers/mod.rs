//! The one door to the host library: loading plugins, calling them, understanding their responses.

pub mod contract;
pub mod current;
pub mod directory;
pub mod metrics;
pub mod response;
pub mod watcher;
