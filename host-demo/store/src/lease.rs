//! The lease by which a process holds its claims, and the recovery of the claims of a process that died.
//!
//! Every process that acts holds a lock and writes its name into its claims. On SQLite the lock is on a file beside the
//! database, on PostgreSQL it is an advisory lock of a connection that the process keeps for nothing else. The system
//! releases the lock when the process ends, however it ends, so a claim whose lock is free belongs to a dead process:
//! what it sent may have arrived, and the outcome of its orders becomes unknown. The claims of a live process are never
//! touched, however long they take.
//!
//! A process that loses its connection to PostgreSQL loses its lock as well and counts as dead to the others. That is
//! safe: the outcome of its orders becomes unknown and is asked about. It continues under a new name.

use crate::change::Change;
use crate::database::Store;
use crate::error::StoreError;
use crate::location::DatabaseLocation;
use crate::work::DroppedOrders;
use domain::actor::RECOVERY;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::Event;
use domain::issue::Issue;
use domain::order::Order;
use sqlx::{AnyConnection, Connection, Executor};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

pub use crate::work::WorkInProgress;

/// This process, as other processes see it. Its claims are valid for as long as it lives.
pub struct ProcessLease {
    name: Mutex<String>,
    lock: Lock,
    dropped: DroppedOrders,
    /// Whether the process is to end: then it begins no further call.
    stopping: watch::Sender<bool>,
}

enum Lock {
    File {
        folder: PathBuf,
        _file: File,
    },
    /// The connection that holds the advisory lock, and takes those of dead processes while their claims are recovered.
    Session(tokio::sync::Mutex<AnyConnection>),
}

impl ProcessLease {
    /// The lease of this process on `store`.
    pub async fn start(store: &Store) -> Result<Self, StoreError> {
        let name = random_name()?;
        let lock = match store.location().is_shared() {
            true => Lock::Session(tokio::sync::Mutex::new(session(store.location(), &name).await?)),
            false => lock_file(&store.location().beside("workers"), &name)?,
        };
        Ok(Self {
            name: Mutex::new(name),
            lock,
            dropped: DroppedOrders::default(),
            stopping: watch::Sender::new(false),
        })
    }

    /// What this process writes into its claims.
    pub fn name(&self) -> String {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes this process begin no further call. Those that have begun are finished.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether [`ProcessLease::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until [`ProcessLease::stop`] is called.
    pub async fn stopping(&self) {
        // The sender lives as long as `self`, so this ends only when the value is true.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Says that work on these orders begins, in a run or for a call.
    pub fn begin_work(&self, orders: impl IntoIterator<Item = i64>) -> Arc<WorkInProgress> {
        Arc::new(WorkInProgress::new(self.dropped.clone(), orders.into_iter().collect()))
    }

    async fn recover_dropped(&self, store: &Store) -> Result<usize, StoreError> {
        let dropped = self.dropped.take();
        if dropped.is_empty() {
            return Ok(0);
        }
        let cleared = self.recover_dropped_claims(store, &dropped).await;
        if cleared.is_err() {
            self.dropped.add(dropped);
        }
        cleared
    }

    /// Recovers those of this process's own claims that are on `dropped`, unless other work has made them since.
    async fn recover_dropped_claims(&self, store: &Store, dropped: &[i64]) -> Result<usize, StoreError> {
        store.settle_writes(dropped).await?;
        let is_dropped = |order: i64| dropped.contains(&order) && !self.dropped.is_in_work(order);
        let recovered = recover_claims(store, &self.name(), is_dropped).await?;
        let idle: Vec<i64> = dropped.iter().copied().filter(|order| is_dropped(*order)).collect();
        store.give_back_rows(&self.name(), Some(&idle)).await?;
        Ok(recovered)
    }

    /// Turns the claims of dead processes into unknown outcomes, and gives back the rows of batches that they had not
    /// begun; returns how many orders became unknown.
    pub async fn recover(&self, store: &Store) -> Result<usize, StoreError> {
        let own = self.recover_dropped(store).await?;
        let (name, owners) = (self.name(), store.owners().await?);
        let others: Vec<_> = owners.into_iter().filter(|owner| *owner != name).collect();
        let recovered = match &self.lock {
            Lock::File { folder, .. } => recover_files(store, folder, &others).await?,
            Lock::Session(session) => self.recover_sessions(store, session, &others).await?,
        };
        Ok(own + recovered)
    }

    async fn recover_sessions(
        &self,
        store: &Store,
        session: &tokio::sync::Mutex<AnyConnection>,
        owners: &[String],
    ) -> Result<usize, StoreError> {
        let mut session = session.lock().await;
        if session.ping().await.is_err() {
            *session = self.reconnect(store.location()).await?;
        }
        let mut recovered = Recovered::default();
        for owner in owners {
            // A name that stands for no lock was never a process on this database.
            let Some(lock) = lock_number(owner) else {
                recovered.add(recover_dead(store, owner).await);
                continue;
            };
            if !query_lock(&mut session, "SELECT pg_try_advisory_lock($1)", lock).await? {
                continue;
            }
            recovered.add(recover_dead(store, owner).await);
            query_lock(&mut session, "SELECT pg_advisory_unlock($1)", lock).await?;
        }
        recovered.all()
    }

    /// A new connection with a new lock and name: the old connection was lost, and other processes may recover its
    /// claims.
    async fn reconnect(&self, location: &DatabaseLocation) -> Result<AnyConnection, StoreError> {
        let name = random_name()?;
        let session = session(location, &name).await?;
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = name;
        Ok(session)
    }
}

impl Drop for ProcessLease {
    fn drop(&mut self) {
        if let Lock::File { folder, .. } = &self.lock {
            let _ = fs::remove_file(lock_path(folder, &self.name()));
        }
    }
}

/// Recovers everything that `owner`, a dead process, has left.
async fn recover_dead(store: &Store, owner: &str) -> Result<usize, StoreError> {
    let recovered = recover_claims(store, owner, |_| true).await?;
    store.give_back_rows(owner, None).await?;
    store.forget_calls_of(owner).await?;
    store.serve(owner, None).await?;
    Ok(recovered)
}

/// Makes those of the claims of `owner` that are `abandoned` unknown outcomes.
async fn recover_claims(store: &Store, owner: &str, abandoned: impl Fn(i64) -> bool) -> Result<usize, StoreError> {
    let (mut orders, rows) = (store.owned_by(owner).await?, store.rows_taken_by(owner).await?);
    // After they were read: what is claimed anew since has another version, and is left alone.
    orders.retain(|order| abandoned(order.id));
    let row_of = |order: &Order| rows.iter().find(|(id, _)| *id == order.id).map(|(_, row)| *row);
    let changes = orders.iter().map(|order| Change {
        problem: order.problem_after(Event::ProcessDied, Some(Issue::ProcessDied)),
        row: row_of(order),
        ..Change::new(order, Event::ProcessDied)
    });
    let changes: Vec<_> = changes.collect();
    let recovered = store.apply(&changes, RECOVERY, store.now()).await?.iter().flatten().count();
    reached(CrashPoint::Recovering).await;
    Ok(recovered)
}

async fn recover_files(store: &Store, folder: &Path, owners: &[String]) -> Result<usize, StoreError> {
    let mut recovered = Recovered::default();
    for owner in owners {
        match DeadProcessLock::of(folder, owner) {
            Ok(None) => {}
            Ok(Some(_lock)) => recovered.add(recover_dead(store, owner).await),
            Err(error) => recovered.add(Err(error.into())),
        }
    }
    recovered.all()
}

/// How many orders of several processes were recovered: where one process's orders cannot be, those of the others still
/// are.
#[derive(Default)]
struct Recovered {
    orders: usize,
    failed: Option<StoreError>,
}

impl Recovered {
    fn add(&mut self, cleared: Result<usize, StoreError>) {
        match cleared {
            Ok(orders) => self.orders += orders,
            Err(error) => self.failed = Some(error),
        }
    }

    fn all(self) -> Result<usize, StoreError> {
        self.failed.map_or(Ok(self.orders), Err)
    }
}

fn lock_file(folder: &Path, name: &str) -> io::Result<Lock> {
    fs::create_dir_all(folder)?;
    // Locked before it has its name: a lock file that other processes see is locked or abandoned.
    let unnamed = folder.join(format!("{name}.new"));
    let file = File::create_new(&unnamed)?;
    file.lock()?;
    fs::rename(&unnamed, lock_path(folder, name))?;
    Ok(Lock::File { folder: folder.to_owned(), _file: file })
}

/// The lock of a dead process, held while its claims are recovered. Dropping it removes the lock file.
struct DeadProcessLock {
    path: PathBuf,
    _lock: Option<File>,
}

impl DeadProcessLock {
    fn of(folder: &Path, owner: &str) -> io::Result<Option<Self>> {
        let path = lock_path(folder, owner);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(Self { path, _lock: None }));
            }
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _lock: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for DeadProcessLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

/// Makes the server notice within half a minute that the machine of a client is gone; by default that takes hours, for
/// which its claims would not be recovered. A local socket needs none of it.
const KEEP_ALIVE: &str = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// A connection that holds the lock of `name`.
async fn session(location: &DatabaseLocation, name: &str) -> Result<AnyConnection, StoreError> {
    let mut session = location.connect_alone().await?;
    session.execute(KEEP_ALIVE).await?;
    let held = match lock_number(name) {
        Some(lock) => query_lock(&mut session, "SELECT pg_try_advisory_lock($1)", lock).await?,
        None => false,
    };
    // The name was drawn at random from 2^64 just now.
    if !held {
        return Err(io::Error::other(format!("the lock {name} is held by another process")).into());
    }
    Ok(session)
}

async fn query_lock(session: &mut AnyConnection, query: &'static str, lock: i64) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(query).bind(lock).fetch_one(session).await?)
}

/// The advisory lock that a name stands for.
fn lock_number(name: &str) -> Option<i64> {
    u64::from_str_radix(name, 16).ok().filter(|_| name.len() == NAME_LENGTH).map(u64::cast_signed)
}

/// Hex digits of a name: never one that a claim already carries.
const NAME_LENGTH: usize = 16;

fn random_name() -> io::Result<String> {
    Ok(format!("{:0NAME_LENGTH$x}", getrandom::u64().map_err(io::Error::other)?))
}
