//! Crash points: the steps between reading an order and showing its result at which tests end the process, or hold it
//! while others go on; and the steps at which they break the connection to the database.
//!
//! Without the feature `crash-points`, which only the workspace's own tests ask for, [`reached`] and [`database`]
//! are empty and nothing of this is in the program. With it, a point does something only if the program armed one at
//! its start, see [`arm`], or a simulation did on its own thread, see [`simulate`].

use strum::{Display, EnumString, VariantArray};

/// A step of a run. The order is that in which a run comes to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CrashPoint {
    /// Rows of a batch are taken, their orders are not read yet.
    RowsTaken,
    /// The orders and their accounts are read, nothing is claimed.
    OrdersRead,
    /// A call begins, its orders are not claimed yet.
    CallBegins,
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

/// Something that is asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum DatabaseStep {
    /// A statement outside of a transaction that writes, most of them reads, is to begin.
    Statement,
    /// A transaction that writes is to begin: nothing is written.
    Begin,
    /// Everything of it is written, the commit has not left.
    Commit,
    /// It is committed, the process does not know it yet.
    Committed,
}

/// A run has come to `point`.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub async fn reached(_point: CrashPoint) {}

/// `step` is to be made.
///
/// # Errors
/// None: there are no crash points in this build.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn database(_step: DatabaseStep) -> std::io::Result<()> {
    Ok(())
}

/// Arms nothing: there are no crash points in this build.
///
/// # Errors
/// None.
#[cfg(not(feature = "crash-points"))]
pub fn arm() -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "crash-points")]
pub use armed::{Held, Simulation, Then, arm, database, reached, simulate};

#[cfg(feature = "crash-points")]
mod armed {
    use super::{CrashPoint, DatabaseStep};
    use std::cell::RefCell;
    use std::io;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Where this process ends, and how often it still passes by before.
    static ARMED: OnceLock<(CrashPoint, AtomicUsize)> = OnceLock::new();

    /// How a run that was held goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Then {
        /// As if it had not been held.
        Continue,
        /// Not at all: the simulated process was killed. A task that nobody can drop, because it was spawned, unwinds.
        Unwind,
    }

    /// Ends when the run goes on.
    pub type Held = Pin<Box<dyn Future<Output = Then> + Send>>;

    /// What a simulation does on its thread.
    pub trait Simulation {
        /// At a point. If it returns something, the run is held there until that ends or the run is dropped.
        fn point(&self, point: CrashPoint) -> Option<Held>;

        /// Before something is asked of the database.
        ///
        /// # Errors
        /// The connection to the database breaks there.
        fn database(&self, step: DatabaseStep) -> io::Result<()>;
    }

    thread_local! {
        static SIMULATION: RefCell<Option<Rc<dyn Simulation>>> = const { RefCell::new(None) };
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
    pub fn simulate(simulation: Option<Rc<dyn Simulation>>) {
        SIMULATION.with(|slot| *slot.borrow_mut() = simulation);
    }

    fn simulation() -> Option<Rc<dyn Simulation>> {
        SIMULATION.with(|slot| slot.borrow().clone())
    }

    /// `step` is to be made.
    ///
    /// # Errors
    /// The simulation breaks the connection to the database there.
    pub fn database(step: DatabaseStep) -> io::Result<()> {
        simulation().map_or(Ok(()), |simulation| simulation.database(step))
    }

    /// A run has come to `point`.
    pub async fn reached(point: CrashPoint) {
        // Let go of before anything is awaited: a simulation stays on its thread.
        let held = simulation().and_then(|simulation| simulation.point(point));
        if let Some(held) = held
            && held.await == Then::Unwind
        {
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
