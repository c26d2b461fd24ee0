//! The demo order platform (受注管理) as a program: [`cli`] is the command line, [`web`] the pages and the API,
//! [`terminal`] the one place that prints. What it does is in [`service`]; nothing imports this crate but the program.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

// First, for its macros stand in for those that print.
#[macro_use]
pub mod terminal;

pub mod cli;
pub mod web;
