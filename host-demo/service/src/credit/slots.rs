//! How many calls of a run are with a provider at the same time.
//!
//! A call is with its provider for a part of its time only: before that its claim is committed, after it its results,
//! each together with those of other calls. If these counted as well, the provider would have fewer calls at once than it
//! may have. So some calls more are begun than there are slots, and each takes a slot for its request alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Calls are begun beyond the slots as long as the provider answers sooner than this. Claiming takes some hundredths of
/// a second: where answers take longer there is nothing to gain, and claims would grow too old while they wait for a slot.
const QUICK: Duration = Duration::from_secs(1);
/// One call is begun beyond the slots for so many slots. If the process is killed, the orders of these calls are in
/// doubt too.
const SLOTS_PER_CALL_AHEAD: usize = 2;

/// The slots of a run.
pub(super) struct CallSlots {
    slots: usize,
    free: Semaphore,
    /// How long the latest call was with its provider, in milliseconds.
    latest: AtomicU64,
}

/// A call that is with its provider until this is dropped.
pub(super) struct Slot<'a> {
    slots: &'a CallSlots,
    began: Instant,
    _permit: Option<SemaphorePermit<'a>>,
}

impl CallSlots {
    pub(super) fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        Self { slots, free: Semaphore::new(slots), latest: AtomicU64::new(u64::MAX) }
    }

    /// How many calls may be begun and not over yet.
    pub(super) fn begun(&self) -> usize {
        let is_quick = self.latest.load(Ordering::Relaxed) < QUICK.as_millis() as u64;
        self.slots + if is_quick { self.slots / SLOTS_PER_CALL_AHEAD } else { 0 }
    }

    /// Waits for a slot.
    pub(super) async fn enter(&self) -> Slot<'_> {
        // It is never closed.
        let permit = self.free.acquire().await.ok();
        Slot { slots: self, began: Instant::now(), _permit: permit }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.latest.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn calls_are_begun_beyond_the_slots_only_while_the_provider_is_quick() {
        let slots = CallSlots::new(64);
        assert_eq!(slots.begun(), 64, "nothing is known of the provider yet");
        drop(slots.enter().await);
        assert_eq!(slots.begun(), 96);
        slots.latest.store(QUICK.as_millis() as u64, Ordering::Relaxed);
        assert_eq!(slots.begun(), 64);
    }

    #[tokio::test]
    async fn a_call_waits_until_a_slot_is_free_and_a_single_slot_has_nothing_ahead() {
        let slots = CallSlots::new(1);
        let slot = slots.enter().await;
        assert!(slots.enter().now_or_never().is_none());
        drop(slot);
        assert!(slots.enter().now_or_never().is_some());
        assert_eq!(slots.begun(), 1);
    }
}
