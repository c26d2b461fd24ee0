//! Tracking numbers (伝票番号): entered one by one, in a table, or from a file; and what each provider takes of them.

pub mod entry;
pub mod import;
pub mod matching;
pub mod rules;
pub mod settle;
