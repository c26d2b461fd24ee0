//! The whole system, run as an operator runs it: gateways and platform are processes of their own,
//! orders come from files, and what the platform believes is compared with what the gateways hold.
//!
//! | module | holds |
//! |---|---|
//! | [`gateway`] | a gateway's process: its address, ledger and faults |
//! | [`platform`] | the platform's command line, in a folder of its own |
//! | [`served`] | the platform's page, served by a process |
//! | [`balancer`] | in front of several processes of a platform |
//! | [`browser`] | a browser that uses it |
//! | [`visitor`] | what a browser or a program sends, without a browser |
//! | [`author`] | an author of a plugin, who has only `provider` |
//! | [`registry`] | an OCI registry on loopback |
//! | [`webdriver`] | what the browser is driven through |
//! | [`relay`] | a line between the two on which a request stays |
//! | [`reconcile`] | the platform's store against a ledger, order by order |

#![forbid(unsafe_code)]

pub mod author;
pub mod balancer;
pub mod browser;
pub mod gateway;
pub mod platform;
pub mod reconcile;
pub mod registry;
pub mod relay;
pub mod served;
pub mod visitor;
pub mod webdriver;

use anyhow::{Context, Result};
use std::path::PathBuf;

/// A program of this workspace, found beside the one that is running.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built; run `cargo build --workspace` first"))
}
