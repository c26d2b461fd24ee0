//! Where calls compute: on the threads of the platform, and, once a call computes for longer than an honest one, in its
//! plugin's *lane*: threads of its own whose priority is lower than everybody else's.
//!
//! Interrupting a plugin every ten milliseconds does not let others go on as before. tokio has as many threads as the
//! machine has processors, and gives its tasks their turns one after the other; with one computing call for each
//! thread, every turn of a neighbour comes ten milliseconds later, and sockets are looked at only once in some sixty
//! turns. In a lane the long calls of one plugin wait for each other alone, and the system's scheduler gives the lane
//! what others leave of the processor. A plugin that computes too much in many calls begins its calls in the lane as
//! well: in a second thread, so that its short calls do not wait for its long ones.
//!
//! A call is a future, and whichever thread polls it, only one does at a time. The one that waits for it does not go
//! on before it has ended or was dropped, so that what is reported of its requests stays true.

use crate::cpu_budget::CpuBudget;
use crate::limits::{LANE_CREDIT, LANE_CREDIT_PER_SECOND, LANE_NICENESS, LONG_CALL, SHORT_CALL};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;
use tracing::instrument::WithSubscriber;

/// Computes the long calls of one plugin.
pub(crate) struct Lane {
    credit: Mutex<Credit>,
    /// For calls that begin while there is no credit.
    beginnings: Worker,
    /// For calls that have become long.
    long: Worker,
}

/// The tasks of a thread; nothing where there can be no thread. It begins with the first of them, and ends when the plugin
/// is dropped and its last call has ended.
#[derive(Default)]
struct Worker(OnceLock<Option<mpsc::UnboundedSender<Task>>>);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
/// What a call came to; a panic of the host's is handed to whoever waits for it.
type Caught<T> = Result<T, Box<dyn Any + Send>>;
/// What one thread made of a call; nothing if the call has become long there.
type Ended<T> = Option<Caught<T>>;
type Polled<T> = dyn Future<Output = Caught<T>> + Send;
type Call<T> = Pin<Box<Polled<T>>>;

/// What a plugin may still compute on the threads of the platform, beyond [`SHORT_CALL`] in each of its calls. Without
/// it calls that end just before they are long would take these threads one after the other.
struct Credit {
    /// Seconds; less than nothing while it owes some.
    left: f64,
    since: Instant,
}

impl Credit {
    fn earn(&mut self) {
        let now = Instant::now();
        let earned = LANE_CREDIT_PER_SECOND.as_secs_f64() * now.duration_since(self.since).as_secs_f64();
        (self.left, self.since) = ((self.left + earned).min(LANE_CREDIT.as_secs_f64()), now);
    }
}

impl Lane {
    pub(crate) fn new() -> Self {
        let credit = Mutex::new(Credit { left: LANE_CREDIT.as_secs_f64(), since: Instant::now() });
        Self { credit, beginnings: Worker::default(), long: Worker::default() }
    }

    /// Runs `call`, whose computing `cpu` counts: here as long as it is short, then in the lane.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cpu: &CpuBudget,
        call: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let mut call: Call<T> = Box::pin(AssertUnwindSafe(call).catch_unwind());
        let ended = if self.has_credit() {
            std::future::poll_fn(|cx| self.poll_short(cpu, call.as_mut(), cx)).await
        } else {
            let moves = cpu.clone();
            match self.beginnings.run(call, move || is_long(&moves)).await {
                Ran::Ended(ended) => return uncaught(ended),
                Ran::Left(left) => {
                    call = left;
                    None
                }
            }
        };
        if let Some(ended) = ended {
            return uncaught(ended);
        }
        match self.long.run(call, || false).await {
            Ran::Ended(ended) => uncaught(ended),
            // There is no thread, so the call goes on here, interrupted as before.
            Ran::Left(call) => uncaught(call.await),
        }
    }

    /// Polls a call on the platform's thread, until it has become long.
    fn poll_short<T>(&self, cpu: &CpuBudget, call: Pin<&mut Polled<T>>, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        if is_long(cpu) {
            return Poll::Ready(None);
        }
        let before = cpu.spent().0;
        let polled = call.poll(cx);
        self.charge(cpu.spent().0.saturating_sub(before.max(SHORT_CALL)));
        polled.map(Some)
    }

    fn has_credit(&self) -> bool {
        let mut credit = self.credit();
        credit.earn();
        credit.left > 0.0
    }

    fn charge(&self, computed: Duration) {
        self.credit().left -= computed.as_secs_f64();
    }

    fn credit(&self) -> MutexGuard<'_, Credit> {
        self.credit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a call has computed for longer than it may on the platform's threads.
fn is_long(cpu: &CpuBudget) -> bool {
    cpu.spent().0 >= LONG_CALL
}

fn uncaught<T>(ended: Caught<T>) -> T {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What a thread made of a call.
enum Ran<T> {
    Ended(Caught<T>),
    /// The call is to go on elsewhere, or there is no thread.
    Left(Call<T>),
}

impl Worker {
    /// Runs `call` in the thread until it has ended, or `leaves` says so between two of its turns.
    async fn run<T: Send + 'static>(
        &self,
        call: Call<T>,
        leaves: impl Fn() -> bool + Send + Unpin + 'static,
    ) -> Ran<T> {
        let shared = Arc::new(SharedCall(Mutex::new(Slot { call: Some(call), waker: None })));
        let (ended, end) = oneshot::channel();
        let runtime = Handle::current();
        let polled = PolledByLane { shared: Arc::clone(&shared), ended: Some(ended), leaves, runtime };
        // What the call logs is in the same span, and goes to the same place, as before.
        let task: Task = Box::pin(polled.in_current_span().with_current_subscriber());
        let owner = Owner(shared);
        if let Some(tasks) = self.0.get_or_init(start) {
            // Where the thread has ended, `end` says so.
            let _ = tasks.send(task);
        }
        match end.await {
            Ok(ended) => Ran::Ended(ended),
            Err(_) => match owner.0.take() {
                Some(call) => Ran::Left(call),
                // It was taken by nobody else.
                None => std::future::pending().await,
            },
        }
    }
}

/// A call that the lane polls and its owner can drop.
struct SharedCall<T>(Mutex<Slot<T>>);

struct Slot<T> {
    call: Option<Call<T>>,
    /// Wakes the lane's task.
    waker: Option<Waker>,
}

impl<T> SharedCall<T> {
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the call out. Waits until the lane does not poll it any more: until its next interruption.
    fn take(&self) -> Option<Call<T>> {
        let mut slot = self.slot();
        // The task finds nothing and ends.
        if let Some(waker) = slot.waker.take() {
            waker.wake();
        }
        slot.call.take()
    }
}

/// Drops the call when whoever waits for it leaves: then nothing of it is written any more.
struct Owner<T>(Arc<SharedCall<T>>);

impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

/// The task of the lane for one call. Where it is dropped and the call has not ended, the call's owner goes on with it.
struct PolledByLane<T, L> {
    shared: Arc<SharedCall<T>>,
    ended: Option<oneshot::Sender<Caught<T>>>,
    leaves: L,
    /// Where the call's sockets and timers belong.
    runtime: Handle,
}

impl<T, L: Fn() -> bool + Unpin> Future for PolledByLane<T, L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let _context = this.runtime.enter();
        let mut slot = this.shared.slot();
        let Some(call) = slot.call.as_mut() else { return Poll::Ready(()) };
        if (this.leaves)() {
            return Poll::Ready(());
        }
        let Poll::Ready(result) = call.as_mut().poll(cx) else {
            slot.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        // All that it owned is dropped before anybody reads what became of its requests.
        slot.call = None;
        drop(slot);
        if let Some(ended) = this.ended.take() {
            // Nobody waits for it where its owner has just left.
            let _ = ended.send(result);
        }
        Poll::Ready(())
    }
}

/// Starts the thread of a lane.
fn start() -> Option<mpsc::UnboundedSender<Task>> {
    let (tasks, incoming) = mpsc::unbounded_channel();
    let thread = std::thread::Builder::new().name("plugin-lane".to_owned()).spawn(move || work(incoming));
    match thread {
        Ok(_) => Some(tasks),
        Err(error) => {
            tracing::warn!(%error, "no thread for a plugin's long calls: they compute on the platform's");
            None
        }
    }
}

/// The thread of a lane: gives its calls their turns, one after the other.
fn work(mut incoming: mpsc::UnboundedReceiver<Task>) {
    lower_priority();
    // Without drivers: sockets and timers are of the runtime that each call began in.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        let (mut running, mut open) = (FuturesUnordered::new(), true);
        loop {
            tokio::select! {
                task = incoming.recv(), if open => match task {
                    Some(task) => running.push(task),
                    None => open = false,
                },
                Some(()) = running.next() => {}
                else => return,
            }
        }
    });
}

/// Lets every other thread go first. Only Linux counts the priorities of threads one by one.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority() {
    // No thread may be refused a lower priority than it has.
    let _ = rustix::process::setpriority_process(None, LANE_NICENESS);
}

/// Elsewhere this would be the priority of the whole process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_priority() {}
