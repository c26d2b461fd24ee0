//! Crash points: the steps between reading an order and showing its result at which tests end the process.
//!
//! Without the feature `crash-points`, which only the workspace's own tests ask for, [`reached`] is empty and nothing
//! of this is in the program. With it, a point does something only if the program armed one at its start, see [`arm`],
//! or a simulation did on its own thread, see [`simulate`].

use strum::{Display, EnumString, VariantArray};

/// A step of a run. The order is that in which a run comes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CrashPoint {
    /// Rows of a batch are taken, their orders are not read yet.
    RowsTaken,
    /// The orders and their accounts are read, nothing is claimed.
    OrdersRead,
    /// A claim is written, its transaction is open.
    ClaimWritten,
    /// A claim is committed, nothing is sent.
    ClaimCommitted,
    /// The response is there, nothing of it is written.
    ResponseReceived,
    /// The circuit breaker has counted the call.
    HealthNoted,
    /// The results are written, their transaction is open.
    ResultWritten,
    /// The results are committed, the run does not know it yet.
    ResultCommitted,
    /// All calls of a run are done, rows without a call are ended.
    RowsEnded,
    /// Everything is done, nothing is shown.
    ResultReady,
    /// The claims of a dead process are recovered, its rows of batches are not given back yet.
    Recovering,
}

/// The variable with which a program that was built with crash points is told where to end: the point's name, and
/// after a colon at which time it is reached, from 1. The last words of such a process name the point.
#[cfg(feature = "crash-points")]
pub const VARIABLE: &str = "HOST_DEMO_CRASH_AT";

/// A run has come to `point`.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub async fn reached(_point: CrashPoint) {}

/// Arms nothing: there are no crash points in this build.
///
/// # Errors
/// None.
#[cfg(not(feature = "crash-points"))]
pub fn arm() -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "crash-points")]
pub use armed::{Killed, arm, reached, simulate};

#[cfg(feature = "crash-points")]
mod armed {
    use super::CrashPoint;
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Where this process ends, and how often it still passes by before.
    static ARMED: OnceLock<(CrashPoint, AtomicUsize)> = OnceLock::new();

    /// Ends when the simulated process is killed.
    pub type Killed = Pin<Box<dyn Future<Output = ()> + Send>>;

    /// What a simulation does at a point. If it returns something, the run stays there until it is dropped. A task that
    /// nobody can drop, because it was spawned, unwinds when the process is killed.
    type Simulation = Rc<dyn Fn(CrashPoint) -> Option<Killed>>;

    thread_local! {
        static SIMULATION: RefCell<Option<Simulation>> = const { RefCell::new(None) };
    }

    /// Arms what [`VARIABLE`](super::VARIABLE) names. Called once, by the program's `main`.
    ///
    /// # Errors
    /// The variable is set and names no point: a test that would test nothing.
    pub fn arm() -> Result<(), String> {
        let Ok(told) = std::env::var(super::VARIABLE) else { return Ok(()) };
        let (name, nth) = told.split_once(':').unwrap_or((&told, "1"));
        let unknown = || format!("{}={told} names no crash point", super::VARIABLE);
        let point = name.parse().map_err(|_| unknown())?;
        let nth: usize = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(unknown)?;
        ARMED.set((point, AtomicUsize::new(nth))).map_err(|_| unknown())
    }

    /// Has a simulation look at every point that this thread comes to; nothing ends that.
    pub fn simulate(simulation: Option<Simulation>) {
        SIMULATION.with(|slot| *slot.borrow_mut() = simulation);
    }

    /// A run has come to `point`.
    pub async fn reached(point: CrashPoint) {
        let simulation = SIMULATION.with(|slot| slot.borrow().clone());
        let killed = simulation.and_then(|simulation| simulation(point));
        if let Some(killed) = killed {
            killed.await;
            std::panic::resume_unwind(Box::new("killed"));
        }
        if let Some((armed, passes)) = ARMED.get()
            && *armed == point
            && passes.fetch_sub(1, Ordering::SeqCst) == 1
        {
            end(point);
        }
    }

    /// Ends the process as `kill -9` does: nothing is dropped, flushed or told to anybody.
    fn end(point: CrashPoint) {
        eprintln!("killed at {point}");
        #[cfg(target_os = "linux")]
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // A signal to oneself is delivered before the call returns; nothing may go on if it was not.
        std::process::abort();
    }
}
