//! Use cases: each is one function here, called by the page, the API and the command line alike.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

pub mod automation;
pub mod batches;
mod computing;
pub mod correction;
pub mod credit;
pub mod credit_pause;
pub mod csv;
pub mod decisions;
pub mod dispatcher;
pub mod import;
pub mod malls;
pub mod mapping_preview;
pub mod messages;
pub mod orders;
pub mod plugins;
pub mod preflight;
pub mod providers;
pub mod results;
pub mod tracking;
pub mod transfer;
pub mod work_source;
pub mod worker;
