//! A demo order platform (受注管理) whose deferred-payment (後払い) providers are sandboxed plugins.
//!
//! The way of an order: [`import`] reads it from a mall's export and has its fee adjusted, [`store`]
//! keeps it, [`desk`] claims it, asks the [`provider`] and writes what the [`answer`] means,
//! [`state`] says as data what may follow what, and [`words`] what a person reads about it.
//! [`worker`] clears up after processes that were killed. [`cli`] is the command line.

pub mod answer;
pub mod cli;
pub mod clock;
pub mod desk;
pub mod import;
pub mod mall;
pub mod order;
pub mod provider;
pub mod state;
pub mod store;
pub mod table;
pub mod view;
pub mod web;
pub mod words;
pub mod worker;
