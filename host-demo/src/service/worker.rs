//! The work that goes on while nobody clicks: batches and the automation. Every process that serves the
//! platform runs it; the store sees to it that each order is done once.

use crate::service::credit::CreditService;
use crate::service::dispatcher::{AFTER_AN_ERROR, Dispatcher};
use crate::service::providers::directory::Provider;
use crate::store::StoreError;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// How long the other processes are told for that this one ends: they notice it by themselves as well.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long is waited when there is nothing to do: as long as a row may wait that another process left.
const IDLE: Duration = Duration::from_secs(1);

/// Work in the background, until its desk's worker is told to stop.
#[derive(Clone)]
pub struct Worker<P> {
    /// What it works with.
    pub desk: CreditService<P>,
    /// Wakes it before its time: a batch was made.
    pub wake: Arc<Notify>,
}

/// What the other processes were told last.
type Told = Option<(String, Vec<String>)>;

impl<P: Provider + Clone + 'static> Worker<P> {
    /// Runs until it is told to stop. What has begun comes to its end first.
    pub async fn run(&self) {
        let worker = &self.desk.worker;
        let (mut lanes, mut told) = (Dispatcher::new(self.desk.clone()), None);
        while !worker.is_stopping() {
            self.desk.recover().await;
            let pause = match self.begin(&mut lanes, &mut told).await {
                Ok(0) => IDLE,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "work in the background failed; it goes on in a moment");
                    AFTER_AN_ERROR
                }
            };
            tokio::select! {
                () = self.pause(&mut lanes, pause) => {}
                () = self.wake.notified() => {}
                () = worker.stopping() => {}
            }
        }
        lanes.all_end().await;
        let name = worker.name();
        match tokio::time::timeout(LAST_WORDS, self.desk.store.serve(&name, None)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "others were not told that this process ended; they will notice"),
            Err(_) => tracing::error!("the database does not answer; others will notice that this process ended"),
        }
    }

    /// Begins everything that can be begun now; how many orders the automation looked at: after some, there may be
    /// more.
    async fn begin(&self, lanes: &mut Dispatcher<P>, told: &mut Told) -> Result<usize, StoreError> {
        self.tell(told).await?;
        lanes.begin_batches().await?;
        lanes.begin_automation().await
    }

    /// Tells the other processes which providers this one can ask, if that is news.
    async fn tell(&self, told: &mut Told) -> Result<(), StoreError> {
        let mut providers = self.desk.providers.ids();
        providers.sort();
        let news = Some((self.desk.worker.name(), providers));
        if *told != news
            && let Some((name, providers)) = &news
        {
            self.desk.store.serve(name, Some(providers)).await?;
            *told = news;
        }
        Ok(())
    }

    /// Waits, but no longer than until a lane ends that did something: there may be more to do.
    async fn pause(&self, lanes: &mut Dispatcher<P>, pause: Duration) {
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                done = lanes.one_ends() => if done > 0 { return },
            }
        }
    }
}

/// Waits for Ctrl-C, for what a service manager sends, or for the end of the terminal.
pub async fn told_to_stop() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = signalled(SignalKind::terminate()) => {}
        () = signalled(SignalKind::hangup()), if !hangs_on() => {}
    }
}

async fn signalled(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => pending().await,
    }
}

/// Whether the program was started so that it outlives its terminal (`nohup`): the signal is ignored then.
fn hangs_on() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // The lowest bit is the first signal.
    ignored >> (SignalKind::hangup().as_raw_value() - 1) & 1 == 1
}
