//! Actions on many orders: the panel begins a batch, whose page shows its progress and then its results.

pub mod panel;
pub mod progress;
mod selection;
pub mod view;
