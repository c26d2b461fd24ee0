//! The contract's types, as `wit/provider.wit` describes them.

pub use crate::bindings::deferred_payment::provider::fees::{AdjustedFee, Bill, FeeBand, FeeMode, FeeRule};
pub use crate::bindings::deferred_payment::provider::types::*;
