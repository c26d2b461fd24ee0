//! The processor time that a call has used.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The processor time of one call: the plugin's, and the host's on its behalf. It does not advance while the
/// call waits, nor while a busy machine runs other threads.
#[derive(Clone, Default)]
pub(crate) struct CpuBudget(Arc<Mutex<Spent>>);

#[derive(Default)]
struct Spent {
    /// Up to the current poll.
    before: Duration,
    /// The processor time of the thread when the current poll began; absent between polls.
    poll_began: Option<Duration>,
    /// What was used when the call last began, or ended, to wait for the network.
    at_pause: Duration,
}

impl Spent {
    fn all(&self) -> Duration {
        self.before + self.poll_began.map(|began| thread_time().saturating_sub(began)).unwrap_or_default()
    }
}

/// The processor time of the current thread. A poll begins and ends on one thread.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

/// Without such a clock the wall clock: it charges a call for what a busy machine does meanwhile.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

impl CpuBudget {
    /// Runs `call` and counts the processor time of its polls.
    pub(crate) async fn measure<F: Future>(&self, call: F) -> F::Output {
        let mut call = pin!(call);
        std::future::poll_fn(|cx| {
            self.lock().poll_began = Some(thread_time());
            let polled = call.as_mut().poll(cx);
            let mut spent = self.lock();
            spent.before = spent.all();
            spent.poll_began = None;
            polled
        })
        .await
    }

    /// What was used in all, and since the last [pause](Self::pause).
    pub(crate) fn spent(&self) -> (Duration, Duration) {
        let spent = self.lock();
        (spent.all(), spent.all().saturating_sub(spent.at_pause))
    }

    /// To be called when the call begins, and when it ends, to wait for the network.
    pub(crate) fn pause(&self) {
        let mut spent = self.lock();
        spent.at_pause = spent.all();
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
