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

pub mod cli;
pub mod domain;
pub mod service;
pub mod store;
pub mod web;
