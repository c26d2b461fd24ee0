//! How a mall's export is read: a [`definition::Mapping`] is data that says for each of our columns where its value
//! comes from, how prices become a bill, and which rows are passed over. Presets for known malls are mappings too.
//!
//! A mapping and the headings of a file make a [`plan::Plan`]; a plan reads each record by itself ([`row`]); the rows
//! of an order are gathered ([`order`]), wherever they stand, and its bill is worked out ([`bill`]).

pub mod address;
pub mod bill;
pub mod choice;
pub mod column;
pub mod date;
pub mod definition;
pub mod edit;
pub mod error;
pub mod error_text;
pub mod evaluate;
pub mod form_error;
pub mod layout;
pub mod order;
pub mod plan;
pub mod preset;
pub mod row;
pub mod setting;
pub mod text;
pub mod value;
pub mod value_text;
