//! Everything that people read besides a page's own texts, in Japanese and English: one implementation of
//! [`localize::Localize`] for each type. It knows the domain and the types of errors, and no use case.
//!
//! Each text is an arm of an exhaustive match, so that a variant without a text does not compile.

pub mod audit;
pub mod batches;
pub mod connection;
pub mod correction;
pub mod csv;
pub mod field_name;
pub mod format;
pub mod happened;
pub mod history;
pub mod issue;
pub mod labels;
pub mod localize;
pub mod mall;
pub mod next_step;
pub mod service_errors;
pub mod tracking;
mod transport;
pub mod users;
