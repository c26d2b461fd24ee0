//! Work on orders that goes on in this process, and what was dropped of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Orders that this process may have claimed without having written their outcome. Clones share them.
#[derive(Clone, Default)]
pub(super) struct DroppedOrders(Arc<Mutex<Orders>>);

#[derive(Default)]
struct Orders {
    dropped: Vec<i64>,
    /// By order: how much other work on it goes on, whose claim a claim of this process is.
    in_work: HashMap<i64, usize>,
}

impl DroppedOrders {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that work on these orders ended before their outcome was written: the store failed, or the task was
    /// cancelled. If they are claimed, their outcome becomes unknown with the next recovery.
    pub(super) fn add(&self, orders: impl IntoIterator<Item = i64>) {
        self.orders().dropped.extend(orders);
    }

    /// Those on which no other work goes on, which are forgotten here. The others wait: the order may have been claimed
    /// anew since.
    pub(super) fn take(&self) -> Vec<i64> {
        let mut orders = self.orders();
        let (waiting, taken) =
            std::mem::take(&mut orders.dropped).into_iter().partition(|order| orders.in_work.contains_key(order));
        orders.dropped = waiting;
        taken
    }

    /// Whether work on an order goes on.
    pub(super) fn is_in_work(&self, order: i64) -> bool {
        self.orders().in_work.contains_key(&order)
    }

    fn begin(&self, begun: &[i64]) {
        let mut orders = self.orders();
        for order in begun {
            *orders.in_work.entry(*order).or_default() += 1;
        }
    }

    /// Work on `ended` is over; its outcome is written, or it is dropped.
    fn end(&self, ended: Vec<i64>, is_finished: bool) {
        let mut orders = self.orders();
        for order in &ended {
            if let Some(count) = orders.in_work.get_mut(order) {
                *count -= 1;
                if *count == 0 {
                    orders.in_work.remove(order);
                }
            }
        }
        if !is_finished {
            orders.dropped.extend(ended);
        }
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
        dropped.begin(&orders);
        Self { dropped, orders, is_finished: AtomicBool::new(false) }
    }

    /// Its outcome is written, as far as anything was begun.
    pub fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
    }
}

impl Drop for WorkInProgress {
    fn drop(&mut self) {
        self.dropped.end(std::mem::take(&mut self.orders), *self.is_finished.get_mut());
    }
}

impl fmt::Debug for WorkInProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkInProgress").field(&self.orders).finish()
    }
}
