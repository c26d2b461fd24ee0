//! CSV files: how they are read and written, what each row is, and what is wrong with it.

mod column_kind;
pub mod encoding;
pub mod error;
pub mod findings;
pub mod guard;
pub mod limits;
pub mod mapping;
mod order_cells;
pub mod order_file;
pub mod records;
pub mod row_result;
pub mod selection;
pub mod sheet;
pub mod table;
pub mod tracking_file;
pub mod tracking_format;
pub mod writer;
