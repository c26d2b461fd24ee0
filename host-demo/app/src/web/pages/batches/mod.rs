//! Actions on many orders: the panel begins a batch, whose page shows its progress and then its results.

pub(crate) mod panel;
pub(crate) mod progress;
mod selection;
pub(crate) mod view;
