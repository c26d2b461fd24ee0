//! Which processes are alive, and what becomes of the claims of one that is not.
//!
//! Every process that acts holds a locked file beside the database and writes its name into its
//! claims. The system drops the lock when the process ends, however it ends, so a claim whose file
//! can be locked has nobody behind it: what it sent may have arrived, and its orders become unknown.
//! A claim of a process that lives is left alone, however long it takes.

use crate::clock;
use crate::state::Event;
use crate::store::{Change, Store, StoreError};
use crate::words::Problem;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// This process, as other processes see it. Its claims are good for as long as it lives.
pub struct Worker {
    name: String,
    folder: PathBuf,
    _lock: File,
}

/// Who is written down for what nobody did.
const RECOVERY: &str = "recovery";

impl Worker {
    /// A worker on the database at `database`.
    pub fn start(database: &Path) -> io::Result<Self> {
        let folder = folder(database);
        fs::create_dir_all(&folder)?;
        let name = random_name()?;
        // Locked before it has its name: whoever sees a lock file sees it locked or abandoned.
        let unnamed = folder.join(format!("{name}.new"));
        let lock = File::create_new(&unnamed)?;
        lock.lock()?;
        fs::rename(&unnamed, lock_path(&folder, &name))?;
        Ok(Worker { name, folder, _lock: lock })
    }

    /// What this process writes into its claims.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Turns the claims of processes that are gone into unknown outcomes; how many.
    pub async fn recover(&self, store: &Store) -> Result<usize, StoreError> {
        let mut recovered = 0;
        for owner in store.owners().await? {
            if owner == self.name {
                continue;
            }
            let Some(_grave) = Grave::of(&self.folder, &owner)? else { continue };
            let abandoned = store.owned_by(&owner).await?;
            let changes: Vec<_> = abandoned
                .iter()
                .map(|order| Change { problem: Some(Problem::ProcessDied), ..Change::new(order, Event::ProcessDied) })
                .collect();
            recovered += store.apply(&changes, RECOVERY, clock::now()).await?.iter().flatten().count();
        }
        Ok(recovered)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = fs::remove_file(lock_path(&self.folder, &self.name));
    }
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

fn folder(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".workers");
    name.into()
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

/// Sixteen random hex digits: never a name that a claim already carries.
fn random_name() -> io::Result<String> {
    Ok(format!("{:016x}", getrandom::u64().map_err(io::Error::other)?))
}
