//! The key of a row of a batch.

/// A row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    /// The batch.
    pub batch: i64,
    /// The row's index in it, from 0: the column `place`.
    pub index: i64,
}
