//! One order: everything that is known about it, and what can be done with it.

pub(crate) mod actions;
pub(crate) mod detail;
pub(crate) mod edit;
mod forms;
mod history;
