//! Work on orders that goes on in this process, and what was dropped of it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Orders that this process may have claimed without having written their outcome. Clones share them.
#[derive(Clone, Default)]
pub(super) struct DroppedOrders(Arc<Mutex<Vec<i64>>>);

impl DroppedOrders {
    /// Records that work on these orders ended before their outcome was written: the store failed, or the task was
    /// cancelled. If they are claimed, their outcome becomes unknown with the next recovery.
    pub(super) fn add(&self, orders: impl IntoIterator<Item = i64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
    }

    /// All of them, which are forgotten here.
    pub(super) fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Work on orders. Everything that may still write about them holds it: the run, its calls, and each of their writes
/// until it is over. If all of these are dropped and it is not finished, its orders are handed to the process lease, whose
/// recovery gives those that were claimed an unknown outcome.
pub struct WorkInProgress {
    dropped: DroppedOrders,
    orders: Vec<i64>,
    is_finished: AtomicBool,
}

impl WorkInProgress {
    pub(super) fn new(dropped: DroppedOrders, orders: Vec<i64>) -> Self {
        Self { dropped, orders, is_finished: AtomicBool::new(false) }
    }

    /// Its outcome is written, as far as anything was begun.
    pub fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
    }
}

impl Drop for WorkInProgress {
    fn drop(&mut self) {
        if !*self.is_finished.get_mut() {
            self.dropped.add(self.orders.drain(..));
        }
    }
}

impl fmt::Debug for WorkInProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkInProgress").field(&self.orders).finish()
    }
}
