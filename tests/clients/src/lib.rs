//! What the simulators and the plugins are tried with, besides what the tests of each try.
//!
//! * `*/*.http`: recorded requests of the shape that real clients send, one file for a session with one
//!   gateway, made anew from what is known of these clients; [`recorded`] reads and plays them.
//! * [`shop`]: the shop that each simulator knows.
//! * [`orders`]: random orders, odd but legal, as files in UTF-8 and `Shift_JIS` carry them; [`line`] takes
//!   them through a plugin to the strict simulator of its gateway.

#![forbid(unsafe_code)]

pub mod line;
pub mod orders;
pub mod recorded;
pub mod shop;
