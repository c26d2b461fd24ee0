//! Tracking numbers of many orders: from the files of carriers' programs, and in a table.

pub(crate) mod import;
mod report;
pub(crate) mod table;
