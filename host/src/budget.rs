//! Bytes that calls hold in the host's memory, counted while they are held.
//!
//! Each call has a limit of its own. What it holds beyond a small reservation is also counted for its
//! plugin and for all plugins, so the sum over all calls is bounded; and since the reservation is
//! always granted, a plugin that holds much cannot keep another from its work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that several calls share.
#[derive(Debug)]
pub(crate) struct Shared {
    used: AtomicUsize,
    limit: usize,
}

impl Shared {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    fn take(&self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::SeqCst);
    }
}

/// Whose bytes are used up, and how many those are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Exhausted {
    /// Those of the call.
    Call(usize),
    /// Those of all calls of its plugin.
    Plugin(usize),
    /// Those of all calls.
    All(usize),
}

/// Bytes of one call.
#[derive(Debug)]
pub(crate) struct Budget {
    used: Mutex<usize>,
    limit: usize,
    reserved: usize,
    plugin: Arc<Shared>,
    all: Arc<Shared>,
}

impl Budget {
    pub(crate) fn new(limit: usize, reserved: usize, plugin: &Arc<Shared>, all: &Arc<Shared>) -> Arc<Self> {
        let (plugin, all) = (Arc::clone(plugin), Arc::clone(all));
        Arc::new(Self { used: Mutex::new(0), limit, reserved, plugin, all })
    }

    /// An allocation of nothing yet.
    pub(crate) fn allocation(self: &Arc<Self>) -> Allocation {
        Allocation { budget: Arc::clone(self), bytes: 0 }
    }

    fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = used.checked_add(bytes).filter(|sum| *sum <= self.limit).ok_or(Exhausted::Call(self.limit))?;
        let shared = self.beyond(sum) - self.beyond(*used);
        if !self.plugin.take(shared) {
            return Err(Exhausted::Plugin(self.plugin.limit));
        }
        if !self.all.take(shared) {
            self.plugin.give_back(shared);
            return Err(Exhausted::All(self.all.limit));
        }
        *used = sum;
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let left = *used - bytes;
        let shared = self.beyond(*used) - self.beyond(left);
        self.plugin.give_back(shared);
        self.all.give_back(shared);
        *used = left;
    }

    fn beyond(&self, used: usize) -> usize {
        used.saturating_sub(self.reserved)
    }
}

/// Bytes that are held, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Allocation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Allocation {
    /// Takes `bytes` more, if they are there.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.budget.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_a_plugin_and_all_plugins_have_an_end_and_a_reservation_is_always_there() {
        let (all, hoarder, neighbour) = (Shared::new(100), Shared::new(80), Shared::new(80));
        struct Takes(Allocation);
        impl Takes {
            fn grow(&mut self, bytes: usize) -> bool {
                self.0.grow(bytes).is_ok()
            }
        }
        let call = |plugin| Takes(Budget::new(60, 10, plugin, &all).allocation());
        let (mut first, mut second, mut third) = (call(&hoarder), call(&hoarder), call(&hoarder));
        assert!(first.grow(60) && !first.grow(1), "a call");
        assert!(!second.grow(41) && second.grow(40), "a plugin: 50 and 30 beyond the reservations");
        assert!(third.grow(10) && !third.grow(1), "the reservation is there, nothing more");
        let (mut other, mut last) = (call(&neighbour), call(&neighbour));
        assert!(other.grow(30) && !other.grow(1), "all plugins: 80 and 20");
        assert!(last.grow(10) && !last.grow(1));
        drop(first);
        assert!(second.grow(20), "what is dropped is there again");
        drop((second, third, other, last));
        for shared in [all, hoarder, neighbour] {
            assert_eq!(shared.used.load(Ordering::SeqCst), 0);
        }
    }
}
