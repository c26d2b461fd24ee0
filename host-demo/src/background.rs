//! The work that goes on while nobody clicks: batches and the automation. Every process that serves the
//! platform runs it; the store sees to it that each order is done once.

use crate::desk::{Desk, DeskError};
use crate::provider::Provider;
use crate::{automation, batch};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long is waited when there is nothing to do: as long as a row may wait that another process left.
const IDLE: Duration = Duration::from_secs(1);
/// How long is waited after an error: the store is not there, and asking it faster does not help.
const AFTER_AN_ERROR: Duration = Duration::from_secs(5);

/// Work in the background, until it is told to stop.
#[derive(Clone)]
pub struct Background<P> {
    /// What it works with.
    pub desk: Desk<P>,
    /// Wakes it before its time: a batch was made.
    pub wake: Arc<Notify>,
    /// Turns to `true` when it is to stop. What has begun comes to its end first.
    pub stop: watch::Receiver<bool>,
}

impl<P: Provider + Clone> Background<P> {
    /// Runs both, side by side: orders that are polled do not wait for a batch, nor a batch for them.
    pub async fn run(&self) {
        tokio::join!(
            self.repeat("batches", || batch::round(&self.desk)),
            self.repeat("automation", || automation::round(&self.desk)),
        );
    }

    async fn repeat<F: Future<Output = Result<usize, DeskError>>>(&self, what: &str, round: impl Fn() -> F) {
        let mut stop = self.stop.clone();
        while !*stop.borrow_and_update() {
            let pause = match round().await {
                Ok(0) => IDLE,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(what, %error, "work in the background failed; it goes on in a moment");
                    AFTER_AN_ERROR
                }
            };
            tokio::select! {
                _ = tokio::time::sleep(pause) => {}
                () = self.wake.notified() => {}
                changed = stop.changed() => {
                    // Whoever could say so is gone: nothing will ever stop it but this.
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
