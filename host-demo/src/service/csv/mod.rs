//! Files of rows: how they are read, what each row is, what is wrong with it.

pub mod error;
pub mod mapping;
pub mod records;
pub mod row_result;
pub mod selection;
pub mod table;
