//! What the dispatcher draws work from: the rows of a batch, or orders that are due for automation.

use crate::credit::{CreditError, CreditRow, PlannedCall};
use std::future::Future;

/// The work of a queue.
pub(crate) trait WorkSource: Send + 'static {
    /// Takes the orders of at most `calls` calls; none if nothing is left that could be done now.
    fn take(&mut self, calls: usize) -> impl Future<Output = Result<Vec<PlannedCall>, CreditError>> + Send;

    /// Is given the rows of a call that ended.
    fn ended(&mut self, rows: &[CreditRow]) -> impl Future<Output = Result<(), CreditError>> + Send;

    /// Gives back what was taken and not begun.
    fn leave(self) -> impl Future<Output = Result<(), CreditError>> + Send;
}
