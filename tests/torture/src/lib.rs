//! The order platform under faults that nobody thought of: they are generated.
//!
//! | module | holds |
//! |---|---|
//! | [`checker`] | the independent checker, in another language |
//! | [`kills`] | processes that are killed, at each crash point and at any moment |
//! | [`sim`] | simulated days: a seed decides what happens, and a failing one is made smaller |
//! | [`report`] | the page that a run writes |

#![forbid(unsafe_code)]

pub mod checker;
pub mod kills;
pub mod report;
pub mod sim;
