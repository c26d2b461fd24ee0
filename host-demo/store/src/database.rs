//! The store itself: its connections, its key, and the prefix of its references.

use crate::dialect::Dialect;
use crate::disk_reserve::DiskReserve;
use crate::encryption::Secrets;
use crate::error::Result;
use crate::location::DatabaseLocation;
use crate::reference::random_prefix;
use crate::shared_clock::SharedClock;
use crate::write_queue::Writer;
use crate::write_transaction::WriteTransactions;
use domain::crash_point::{self, DatabaseStep};
use sqlx::AnyPool;
use std::path::Path;

pub(super) use crate::write_transaction::WriteTransaction;

/// The store. Cloning shares it.
#[derive(Clone)]
pub struct Store {
    location: DatabaseLocation,
    pub(super) dialect: Dialect,
    pool: AnyPool,
    pub(super) secrets: Secrets,
    pub(super) prefix: String,
    pub(super) clock: SharedClock,
    transactions: WriteTransactions,
    pub(super) writer: Writer,
    pub(super) disk_reserve: DiskReserve,
}

impl Store {
    /// Opens the database at `location`, creates it if it does not exist, and migrates its schema.
    ///
    /// # Errors
    /// The database cannot be reached, the schema cannot be migrated, or the key is not the one that the store was
    /// created with.
    pub async fn open(location: &DatabaseLocation) -> Result<Self> {
        let pool = location.connect().await?;
        let schema = location.schema_lock().await?;
        sqlx::migrate!().run(&pool).await?;
        drop(schema);
        let (secrets, prefix) = find_key(&pool, &location.beside("key")).await?;
        let (location, dialect, clock) = (location.clone(), location.dialect(), SharedClock::default());
        let (transactions, writer) = (WriteTransactions::new(dialect), Writer::new(dialect));
        let disk_reserve = DiskReserve::of(&location);
        let store = Self { location, dialect, pool, secrets, prefix, clock, transactions, writer, disk_reserve };
        // From here on a change of the shared clock is noticed.
        store.moment().await?;
        Ok(store)
    }

    /// Where the database is.
    pub fn location(&self) -> &DatabaseLocation {
        &self.location
    }

    /// A digest of `parts` as `what`, in hex, that cannot be computed, or guessed from, without the store's key.
    pub fn digest(&self, what: &str, parts: &[&[u8]]) -> String {
        self.secrets.digest(what, parts)
    }

    /// The connections, for a statement outside of a transaction that writes.
    ///
    /// # Errors
    /// None but those of a test that breaks the connection.
    pub(super) fn pool(&self) -> Result<&AnyPool> {
        crash_point::database(DatabaseStep::Statement)?;
        Ok(&self.pool)
    }

    /// Begins a transaction that writes.
    pub(super) async fn write(&self) -> Result<WriteTransaction> {
        self.transactions.begin(&self.pool, self.dialect).await
    }

    /// How many transactions that write this store has committed since it was opened: how often it waited for the disk,
    /// or for the database's server.
    pub fn commits(&self) -> u64 {
        self.transactions.committed()
    }
}

/// The key that fits the store, and the store's prefix. A process that was killed while it changed the key has left both
/// keys: where the new one is the right one it takes its place.
async fn find_key(pool: &AnyPool, file: &Path) -> Result<(Secrets, String)> {
    let secrets = Secrets::find(file)?;
    let failed = match own_prefix(pool, &secrets).await {
        Ok(prefix) => return Ok((secrets, prefix)),
        Err(failed) => failed,
    };
    let Some(new) = Secrets::begun_replacement(file)? else { return Err(failed) };
    let Ok(prefix) = own_prefix(pool, &new).await else { return Err(failed) };
    Secrets::replace(file)?;
    Ok((new, prefix))
}

/// The text that the store's row keeps encrypted, to recognise a wrong key.
pub(super) const KEY_CHECK: &str = "the store's key";

/// The store's prefix, drawn when the store is created; of several processes that create it at once, one draws.
/// Fails if the store was created with another key.
async fn own_prefix(pool: &AnyPool, secrets: &Secrets) -> Result<String> {
    sqlx::query("INSERT INTO store (one, prefix, key_check) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING")
        .bind(random_prefix()?)
        .bind(secrets.seal(KEY_CHECK, KEY_CHECK)?)
        .execute(pool)
        .await?;
    let (prefix, check): (String, String) =
        sqlx::query_as("SELECT prefix, key_check FROM store").fetch_one(pool).await?;
    secrets.open(KEY_CHECK, &check)?;
    Ok(prefix)
}
