//! What a mall's settings say about the columns of its export.

use std::collections::BTreeMap;

/// For the heading of a column, the values whose orders are taken.
pub type Takes = BTreeMap<String, Vec<String>>;
