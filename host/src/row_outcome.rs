//! The outcome of one row, without its data.

use crate::contract::Failure;
use serde::Serialize;

/// The outcome of a row, without its data: success, or which of the contract's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are the cases of `failure` in the contract")]
pub enum RowOutcome {
    Success,
    Invalid,
    Unauthorized,
    Already,
    Refused,
    NotSent,
    Busy,
    OutcomeUnknown,
    Unsupported,
}

impl RowOutcome {
    /// The outcome of `row`.
    pub fn of<T>(row: &Result<T, Failure>) -> Self {
        match row {
            Ok(_) => Self::Success,
            Err(Failure::Invalid(_)) => Self::Invalid,
            Err(Failure::Unauthorized(_)) => Self::Unauthorized,
            Err(Failure::Already(_)) => Self::Already,
            Err(Failure::Refused(_)) => Self::Refused,
            Err(Failure::NotSent(_)) => Self::NotSent,
            Err(Failure::Busy(_)) => Self::Busy,
            Err(Failure::OutcomeUnknown(_)) => Self::OutcomeUnknown,
            Err(Failure::Unsupported) => Self::Unsupported,
        }
    }
}
