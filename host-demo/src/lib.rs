//! A demo order platform (受注管理) whose deferred-payment (後払い) providers are sandboxed plugins.
//!
//! The way of an order: [`import`] reads it from a mall's export ([`sheet`]) and has its fee adjusted,
//! [`store`] keeps it, [`desk`] claims it, asks the [`provider`] and writes what the [`answer`] means,
//! [`state`] says as data what may follow what, and [`words`] what a person reads about it. [`results`]
//! takes credit results by CSV instead, [`decisions`] what operators found about unknown outcomes; what becomes of
//! every row of a file is an [`intake`], and [`take`] says which orders of an export are wanted. [`background`] runs
//! [`batch`]es and the [`automation`] while nobody clicks, and [`worker`] clears up after processes that were killed.
//! [`install`] puts plugins in their place. [`cli`] is the command line, and [`terminal`] where it prints.

// First, for its macros stand in for those that print.
#[macro_use]
pub mod terminal;

pub mod answer;
pub mod automation;
pub mod background;
pub mod batch;
pub mod cli;
pub mod clock;
pub mod complaint;
mod current;
pub mod decisions;
pub mod desk;
pub mod digest;
pub mod follow;
pub mod identifier;
pub mod import;
pub mod install;
pub mod intake;
pub mod lanes;
pub mod mall;
mod names;
pub mod order;
pub mod provider;
pub mod results;
pub mod secret;
pub mod sheet;
pub mod state;
pub mod store;
pub mod table;
pub mod take;
pub mod tracking;
pub mod view;
pub mod web;
pub mod words;
pub mod worker;
