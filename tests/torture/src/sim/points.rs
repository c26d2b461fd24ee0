//! What a day has its operations meet within the platform: a kill or a hold at a crash point, and a connection to the
//! database that breaks, or a disk that is slow, at a step of a transaction.

use super::network::Network;
use super::step::PROCESSES;
use domain::clock;
use domain::crash_point::{CrashPoint, DatabaseStep, Held, Simulation, Then};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use tokio::sync::{Notify, oneshot};

/// What happens to the operation that comes to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Its process is killed.
    Kill,
    /// It is held there, as a process is that the system does not run for a while.
    Hold,
}

/// Points at which an operation can be held: those outside of a transaction. Within one it holds the lock of SQLite's
/// only writer, and all that others could do is to wait for it.
pub const HOLDABLE: [CrashPoint; 8] = [
    CrashPoint::RowsTaken,
    CrashPoint::OrdersRead,
    CrashPoint::CallBegins,
    CrashPoint::ClaimCommitted,
    CrashPoint::ResponseReceived,
    CrashPoint::ResultCommitted,
    CrashPoint::RowsEnded,
    CrashPoint::Recovering,
];

/// How the next statement or transaction of an operation fails, or how long its commit takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseFault {
    /// The connection breaks before a statement outside of a transaction, most of them reads, after so many that succeed.
    StatementLost(usize),
    /// There is no connection: nothing is written.
    Unreachable,
    /// The connection breaks before the commit arrives: nothing is written, and the process does not know it.
    CommitLost,
    /// The connection breaks after the commit has arrived: all is written, and the process does not know it.
    CommitAnswerLost,
    /// The disk takes so many seconds for the commit.
    SlowCommit(u32),
}

impl DatabaseFault {
    /// One of each kind, for the list of what has to happen in a run.
    pub const KINDS: [Self; 5] =
        [Self::StatementLost(0), Self::Unreachable, Self::CommitLost, Self::CommitAnswerLost, Self::SlowCommit(0)];

    /// Its name in logs and counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::StatementLost(_) => "statement lost",
            Self::Unreachable => "database unreachable",
            Self::CommitLost => "commit lost",
            Self::CommitAnswerLost => "commit's answer lost",
            Self::SlowCommit(_) => "slow commit",
        }
    }

    fn applies_at(self) -> DatabaseStep {
        match self {
            Self::StatementLost(_) => DatabaseStep::Statement,
            Self::Unreachable => DatabaseStep::Begin,
            Self::CommitLost | Self::SlowCommit(_) => DatabaseStep::Commit,
            Self::CommitAnswerLost => DatabaseStep::Committed,
        }
    }
}

/// An operation has come to a point at which something happens to it.
pub struct Arrival {
    /// What happens.
    pub at: At,
    /// The point.
    pub point: CrashPoint,
    /// The task that came there, where it is not the operation's own future.
    pub task: Option<tokio::task::Id>,
    /// Lets it go on; if it is dropped, the operation unwinds.
    pub release: oneshot::Sender<()>,
}

/// The time of a day: one uptime, and for each process a wall clock that can be wrong.
pub struct Time {
    base: RefCell<clock::Simulated>,
    skews: [Cell<i64>; PROCESSES],
}

impl Time {
    /// Beginning at `begin`; nobody's clock is wrong.
    pub fn new(begin: clock::Simulated) -> Self {
        clock::simulate(Some(begin.clone()));
        Self { base: RefCell::new(begin), skews: [const { Cell::new(0) }; PROCESSES] }
    }

    /// The time as it is.
    pub fn get(&self) -> clock::Simulated {
        self.base.borrow().clone()
    }

    /// Changes the time for everybody.
    pub fn set(&self, change: impl FnOnce(&mut clock::Simulated)) {
        change(&mut self.base.borrow_mut());
        clock::simulate(Some(self.get()));
    }

    /// Lets so many milliseconds pass for everybody.
    pub fn pass(&self, milliseconds: i64) {
        self.set(|time| {
            time.now += milliseconds;
            time.uptime.milliseconds += milliseconds;
        });
    }

    /// From now on the wall clock of a process is ahead by so many seconds.
    pub fn skew(&self, process: usize, seconds: i64) {
        self.skews[process].set(seconds * 1_000);
    }

    /// Shows the time as a process sees it; nobody in particular sees it as it is.
    pub fn seen_by(&self, process: Option<usize>) {
        let mut seen = self.get();
        seen.now += process.map_or(0, |process| self.skews[process].get());
        clock::simulate(Some(seen));
    }
}

/// What is armed, and what was met.
pub struct Points {
    armed: Cell<Option<(At, CrashPoint, usize)>>,
    /// Whether every operation is held at the next point that it comes to.
    holds_all: Cell<bool>,
    database: Cell<Option<DatabaseFault>>,
    /// The process whose operation runs now. Faults are injected into nobody else's.
    running: Cell<Option<usize>>,
    arrivals: RefCell<Vec<Arrival>>,
    injected: RefCell<Vec<&'static str>>,
    time: Rc<Time>,
    network: Network,
    /// Somebody has arrived. It can have been noticed already, so whoever waits looks at the arrivals.
    arrived: Notify,
}

impl Points {
    /// With nothing armed.
    pub fn new(time: Rc<Time>, network: Network) -> Self {
        let (armed, holds_all, database, running) = Default::default();
        let (arrivals, injected, arrived) = Default::default();
        Self { armed, holds_all, database, running, arrivals, injected, time, network, arrived }
    }

    /// The next operation that comes to `point`, for the nth time, meets this.
    pub fn arm(&self, at: At, point: CrashPoint, nth: usize) {
        self.armed.set(Some((at, point, nth)));
    }

    /// The next statement or transaction of an operation meets this.
    pub fn arm_database(&self, fault: DatabaseFault) {
        self.database.set(Some(fault));
    }

    /// Nothing is met any more.
    pub fn disarm(&self) {
        self.armed.set(None);
        self.database.set(None);
    }

    /// Whether every operation is held at the next point that it comes to.
    pub fn hold_all(&self, holds: bool) {
        self.holds_all.set(holds);
    }

    /// An operation of this process runs from now on, or none.
    pub fn run(&self, process: Option<usize>) {
        self.running.set(process);
        self.time.seen_by(process);
    }

    /// Who has come to a point since.
    pub fn take_arrivals(&self) -> Vec<Arrival> {
        self.arrivals.take()
    }

    /// Waits until so many have come to a point that were not taken yet.
    pub async fn arrive(&self, count: usize) {
        while self.arrivals.borrow().len() < count {
            self.arrived.notified().await;
        }
    }

    /// The faults of the database that were injected since.
    pub fn take_injected(&self) -> Vec<&'static str> {
        self.injected.take()
    }

    fn meets(&self, point: CrashPoint) -> Option<At> {
        if self.holds_all.get() && HOLDABLE.contains(&point) {
            return Some(At::Hold);
        }
        let (at, armed, left) = self.armed.get().filter(|(_, armed, _)| *armed == point)?;
        self.armed.set((left > 1).then_some((at, armed, left - 1)));
        (left <= 1).then_some(at)
    }
}

impl Simulation for Points {
    fn point(&self, point: CrashPoint) -> Option<Held> {
        self.running.get()?;
        let at = self.meets(point)?;
        let (release, released) = oneshot::channel();
        self.arrivals.borrow_mut().push(Arrival { at, point, task: tokio::task::try_id(), release });
        self.arrived.notify_one();
        Some(Box::pin(async move { released.await.map_or(Then::Unwind, |()| Then::Continue) }))
    }

    fn database(&self, step: DatabaseStep) -> io::Result<()> {
        let fault = self.database.get().filter(|fault| self.running.get().is_some() && fault.applies_at() == step);
        let Some(fault) = fault else { return Ok(()) };
        if let DatabaseFault::StatementLost(succeed @ 1..) = fault {
            self.database.set(Some(DatabaseFault::StatementLost(succeed - 1)));
            return Ok(());
        }
        self.database.set(None);
        self.injected.borrow_mut().push(fault.name());
        match fault {
            DatabaseFault::SlowCommit(seconds) => {
                // Not beyond the moment at which something else has to happen, which a step lets happen.
                let left = self.network.next_limit().map_or(i64::MAX, |at| at - self.time.get().uptime.milliseconds);
                self.time.pass((i64::from(seconds) * 1_000).min(left.max(0)));
                self.time.seen_by(self.running.get());
                Ok(())
            }
            _ => Err(io::Error::new(io::ErrorKind::ConnectionReset, fault.name())),
        }
    }
}
