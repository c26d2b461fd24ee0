//! A demo order platform (受注管理) whose deferred-payment (後払い) providers are sandboxed plugins.
//!
//! The way of an order: [`service::import`] reads it from a mall's export ([`service::csv`]) and has its fee adjusted,
//! [`store`] keeps it, [`service::credit`] claims it, calls the plugin ([`service::providers`]) and applies the
//! response; [`domain::credit_state`] is the table of what may follow what. [`service::worker`] runs batches and the
//! automation in the background. [`cli`] is the command line, [`web`] the pages and the API, [`terminal`] the one place
//! that prints.
//!
//! Who may import whom: [`domain`] ← [`store`] ← [`service`] ← [`cli`] and [`web`].

// First, for its macros stand in for those that print.
#[macro_use]
pub mod terminal;

pub mod cli;
pub mod domain;
pub mod service;
pub mod store;
pub mod web;
