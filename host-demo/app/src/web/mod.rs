//! The order platform as web pages and as a JSON API.
//!
//! | module | holds |
//! |---|---|
//! | `state`, `router`, `server` | the application, its routes and layers, serving until the program stops |
//! | `http` | what every request and page has in common: sessions, forms, headers, the frame of a page |
//! | `parts` | what several pages show |
//! | `pages` | a module for each page |
//! | [`api`] | the JSON API |
//! | `texts` | every text of the pages in both languages |
//! | `pending_uploads` | uploads that wait for a confirmation |
//! | `sandbox` | simulated gateways |
//!
//! Pages and API use `http` and `parts`, never each other; a page never uses another page; `texts` uses nothing.

pub mod api;
mod http;
mod pages;
mod parts;
mod pending_uploads;
pub mod router;
#[cfg_attr(not(feature = "sandbox"), path = "no_sandbox.rs")]
mod sandbox;
mod server;
mod state;
mod texts;

pub use sandbox::{Sandbox, built_components, is_for_real};
pub use state::{App, AppState, REQUEST_TIMEOUT, Setup};
