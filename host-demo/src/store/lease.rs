//! Which processes are alive, and what becomes of the claims of one that is not.
//!
//! Every process that acts holds a lock and writes its name into its claims. On SQLite the lock is on a
//! file beside the database, on PostgreSQL it is an advisory lock of a connection that the process keeps
//! for nothing else. The system drops the lock when the process ends, however it ends, so a claim whose
//! lock can be had has nobody behind it: what it sent may have arrived, and its orders become unknown.
//! A claim of a process that lives is left alone, however long it takes.
//!
//! A process that loses its connection to PostgreSQL loses its lock as well and is dead to the others.
//! That is safe: its orders become unknown and are asked about. It goes on under a new name.

use crate::domain::actor::RECOVERY;
use crate::domain::credit_state::Event;
use crate::domain::issue::Issue;
use crate::domain::order::Order;
use crate::store::{Change, DatabaseLocation, Store, StoreError};
use sqlx::{AnyConnection, Connection, Executor};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// This process, as other processes see it. Its claims are good for as long as it lives.
pub struct ProcessLease {
    name: Mutex<String>,
    lock: Lock,
    /// Orders that this process may have claimed and then let go of without writing what became of them.
    dropped: Mutex<Vec<i64>>,
    /// Whether the process is to end: it begins nothing new.
    stopping: watch::Sender<bool>,
}

enum Lock {
    File {
        folder: PathBuf,
        _held: File,
    },
    /// The connection that holds the advisory lock, and takes those of the dead for as long as their
    /// claims are cleared up.
    Session(tokio::sync::Mutex<AnyConnection>),
}

impl ProcessLease {
    /// A worker on `store`.
    pub async fn start(store: &Store) -> Result<Self, StoreError> {
        let name = random_name()?;
        let lock = match store.place().is_shared() {
            true => Lock::Session(tokio::sync::Mutex::new(session(store.place(), &name).await?)),
            false => lock_file(&store.place().beside("workers"), &name)?,
        };
        Ok(ProcessLease {
            name: Mutex::new(name),
            lock,
            dropped: Mutex::default(),
            stopping: watch::Sender::new(false),
        })
    }

    /// What this process writes into its claims.
    pub fn name(&self) -> String {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has this process begin no call any more. Those that have begun come to their end.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until it is told to stop.
    pub async fn stopping(&self) {
        // The sender is ours, so nobody else can let it go.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Says that work on these orders ended before what became of them was written: the store failed, or
    /// nobody waited for the end. If they are claimed, they become unknown with the next recovery.
    pub fn drop_orders(&self, orders: impl IntoIterator<Item = i64>) {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner).extend(orders);
    }

    async fn recover_dropped(&self, store: &Store) -> Result<usize, StoreError> {
        let dropped = std::mem::take(&mut *self.dropped.lock().unwrap_or_else(PoisonError::into_inner));
        if dropped.is_empty() {
            return Ok(0);
        }
        let cleared = clear_up(store, &self.name(), Some(&dropped)).await;
        if cleared.is_err() {
            self.drop_orders(dropped);
        }
        cleared
    }

    /// Turns the claims of processes that are gone into unknown outcomes, and gives back the rows of
    /// batches that they had not begun; how many orders became unknown.
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
            *session = self.begin_anew(store.place()).await?;
        }
        let mut recovered = Recovered::default();
        for owner in owners {
            // A name that is no lock's was never a process on this database.
            let Some(lock) = lock_number(owner) else {
                recovered.add(clear_up(store, owner, None).await);
                continue;
            };
            if !ask(&mut session, "SELECT pg_try_advisory_lock($1)", lock).await? {
                continue;
            }
            recovered.add(clear_up(store, owner, None).await);
            ask(&mut session, "SELECT pg_advisory_unlock($1)", lock).await?;
        }
        recovered.all()
    }

    /// The connection was lost, and the lock with it: another name, for the old one is free to be buried.
    async fn begin_anew(&self, place: &DatabaseLocation) -> Result<AnyConnection, StoreError> {
        let name = random_name()?;
        let session = session(place, &name).await?;
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

/// What becomes of the claims of `owner`, who is dead, or of its claims on these orders, of which it let go.
async fn clear_up(store: &Store, owner: &str, orders: Option<&[i64]>) -> Result<usize, StoreError> {
    let (mut abandoned, rows) = (store.owned_by(owner).await?, store.rows_taken_by(owner).await?);
    abandoned.retain(|order| orders.is_none_or(|orders| orders.contains(&order.id)));
    let row_of = |order: &Order| rows.iter().find(|(id, _)| *id == order.id).map(|(_, row)| *row);
    let changes = abandoned.iter().map(|order| Change {
        problem: Some(Issue::ProcessDied),
        row: row_of(order),
        ..Change::new(order, Event::ProcessDied)
    });
    let changes: Vec<_> = changes.collect();
    let recovered = store.apply(&changes, RECOVERY, store.now()).await?.iter().flatten().count();
    store.give_back_rows(owner, orders).await?;
    if orders.is_none() {
        store.forget_calls_of(owner).await?;
        store.serve(owner, None).await?;
    }
    Ok(recovered)
}

async fn recover_files(store: &Store, folder: &Path, owners: &[String]) -> Result<usize, StoreError> {
    let mut recovered = Recovered::default();
    for owner in owners {
        let Some(_grave) = Grave::of(folder, owner)? else { continue };
        recovered.add(clear_up(store, owner, None).await);
    }
    recovered.all()
}

/// How many orders were recovered of several processes: a process whose orders cannot be is no reason to leave
/// those of the others.
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
    // Locked before it has its name: whoever sees a lock file sees it locked or abandoned.
    let unnamed = folder.join(format!("{name}.new"));
    let held = File::create_new(&unnamed)?;
    held.lock()?;
    fs::rename(&unnamed, lock_path(folder, name))?;
    Ok(Lock::File { folder: folder.to_owned(), _held: held })
}

/// Proof that a process is gone, held while its claims are cleared up. Its lock file goes with it.
struct Grave {
    path: PathBuf,
    _lock: Option<File>,
}

impl Grave {
    fn of(folder: &Path, owner: &str) -> io::Result<Option<Self>> {
        let path = lock_path(folder, owner);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Grave { path, _lock: None })),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Grave { path, _lock: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Grave {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

/// Has the server notice within half a minute that the machine at the other end is gone; without it that
/// takes hours, and so long would its claims be left alone. A local socket needs none of it.
const KEEP_ALIVE: &str = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// A connection that holds the lock of `name`.
async fn session(place: &DatabaseLocation, name: &str) -> Result<AnyConnection, StoreError> {
    let mut session = place.connect_alone().await?;
    session.execute(KEEP_ALIVE).await?;
    let held = match lock_number(name) {
        Some(lock) => ask(&mut session, "SELECT pg_try_advisory_lock($1)", lock).await?,
        None => false,
    };
    // The name was drawn at random from 2^64 just now.
    if !held {
        return Err(io::Error::other(format!("the lock {name} is held by somebody else")).into());
    }
    Ok(session)
}

async fn ask(session: &mut AnyConnection, question: &'static str, lock: i64) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(question).bind(lock).fetch_one(session).await?)
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
