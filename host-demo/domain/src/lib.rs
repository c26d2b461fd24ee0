//! What an order, a mall and a credit state are, and the rules that need nothing else: no input, no output.

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

pub mod actor;
pub mod asked;
pub mod audit_event;
pub mod automation;
pub mod clock;
pub mod columns;
pub mod correction;
pub mod crash_point;
pub mod credit_state;
pub mod digest;
pub mod finding;
pub mod identifier;
pub mod invoice;
pub mod issue;
pub mod lang;
pub mod mall;
pub mod moment;
pub mod name;
pub mod normalize;
pub mod order;
pub mod settings;
pub mod tracking;
pub mod user;
pub mod validation;
