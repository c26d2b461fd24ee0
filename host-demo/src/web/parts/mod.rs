//! What several pages show or do.

pub mod confirm;
pub mod order_row;
pub mod unsaved;
