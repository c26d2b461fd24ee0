//! One order: everything that is known about it, and what can be done with it.

pub mod actions;
pub mod detail;
mod forms;
mod history;
