//! `provider`: the command of somebody who writes a provider plugin in a repository of their own.
//!
//! It needs nothing but itself and the tools of the plugin's language: the kit, its gateways, the templates, the
//! contract and the SDK's sources are in the program.
//!
//! | module | holds |
//! |---|---|
//! | [`commands`] | a function for each command |
//! | [`templates`] | what a new folder is made of |
//! | [`sdk`] | where a Rust plugin finds the SDK |

#![forbid(unsafe_code)]

pub mod commands;
pub mod sdk;
pub mod templates;
