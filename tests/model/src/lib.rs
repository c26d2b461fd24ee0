//! A reference model of the order platform: what an order and a gateway are, in plain Rust without input or output.
//!
//! | module | holds | is used as |
//! |---|---|---|
//! | [`gateway`] | registrations at a provider, and what becomes of them | the mock of unit tests |
//! | [`order`] | where an order stands after what was done and heard | the oracle of the model test |
//! | [`judge`] | what orders and ledgers must never be together | the judge after every step, every kill and every day |
//!
//! It is written from the rules of the platform and shares no line with it: a rule that was understood wrongly once
//! is not understood wrongly in the same way here.

#![forbid(unsafe_code)]

pub mod gateway;
pub mod judge;
pub mod order;
