//! The background worker: batches and automation. Every process that serves the platform runs one; the store's claims
//! and leases ensure that each order is processed once.

use crate::credit::CreditService;
use crate::dispatcher::{Dispatcher, ERROR_BACKOFF};
use crate::providers::provider::Provider;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Most time for announcing to the other processes that this one ends: they also notice without it.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause when there is nothing to do, and so how long a row may wait that another process left behind.
const IDLE: Duration = Duration::from_secs(1);

/// Background work, until its process lease is told to stop.
#[derive(Clone)]
pub struct Worker<P> {
    /// What it works with.
    pub service: CreditService<P>,
    /// Ends its pause: there is new work, such as a batch.
    pub wake: Arc<Notify>,
}

/// What was announced last to the other processes: this process's name, and the providers that it can call.
type Announced = Option<(String, Vec<String>)>;

impl<P: Provider + Clone + 'static> Worker<P> {
    /// Runs until it is told to stop; calls that have begun end first.
    pub async fn run(&self) {
        let worker = &self.service.lease;
        let (mut dispatcher, mut announced) = (Dispatcher::new(self.service.clone()), None);
        while !worker.is_stopping() {
            self.service.recover().await;
            let pause = match self.begin(&mut dispatcher, &mut announced).await {
                Ok(0) => IDLE,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "background work failed; it is retried");
                    ERROR_BACKOFF
                }
            };
            tokio::select! {
                () = self.pause(&mut dispatcher, pause) => {}
                () = self.wake.notified() => {}
                () = worker.stopping() => {}
            }
        }
        dispatcher.all_end().await;
        let name = worker.name();
        match tokio::time::timeout(FAREWELL_TIMEOUT, self.service.store.serve(&name, None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the end of this process was not announced; the other processes will notice it")
            }
            Err(_) => {
                tracing::error!("the database does not respond; the other processes will notice that this one ended")
            }
        }
    }

    /// Starts all work that can be started now. Returns how many orders the automation took: if any, there may be more.
    async fn begin(&self, dispatcher: &mut Dispatcher<P>, announced: &mut Announced) -> Result<usize, StoreError> {
        self.announce(announced).await?;
        dispatcher.begin_batches().await?;
        dispatcher.begin_automation().await
    }

    /// Announces to the other processes which providers this one can call, if that has changed.
    async fn announce(&self, announced: &mut Announced) -> Result<(), StoreError> {
        let mut providers = self.service.providers.ids();
        providers.sort();
        let current = Some((self.service.lease.name(), providers));
        if *announced != current
            && let Some((name, providers)) = &current
        {
            self.service.store.serve(name, Some(providers)).await?;
            *announced = current;
        }
        Ok(())
    }

    /// Waits, but no longer than until a queue ends that did something: there may be more to do.
    async fn pause(&self, dispatcher: &mut Dispatcher<P>, pause: Duration) {
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                done = dispatcher.one_ends() => if done > 0 { return },
            }
        }
    }
}

/// Waits for Ctrl-C, for what a service manager sends, or for the end of the terminal.
pub async fn told_to_stop() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = signalled(SignalKind::terminate()) => {}
        () = signalled(SignalKind::hangup()), if !ignores_hangup() => {}
    }
}

async fn signalled(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => pending().await,
    }
}

/// Whether the program was started to outlive its terminal (`nohup`): SIGHUP is ignored then.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // The lowest bit is the first signal.
    ignored >> (SignalKind::hangup().as_raw_value() - 1) & 1 == 1
}
