//! Transactions that write, and how many were committed.

use crate::dialect::Dialect;
use crate::error::Result;
use domain::crash_point::{self, DatabaseStep};
use sqlx::{Any, AnyConnection, AnyPool, Transaction};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A transaction that writes. Dropping it without a commit rolls it back.
pub(super) struct WriteTransaction {
    transaction: Transaction<'static, Any>,
    dialect: Dialect,
    committed: Arc<AtomicU64>,
    /// The turn to write, on SQLite. After the transaction, so that it ends last.
    _turn: Option<OwnedSemaphorePermit>,
}

impl WriteTransaction {
    /// What the statements are written in.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Makes what was written durable.
    pub(super) async fn commit(self) -> Result<()> {
        crash_point::database(DatabaseStep::Commit)?;
        self.transaction.commit().await?;
        crash_point::database(DatabaseStep::Committed)?;
        self.committed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Deref for WriteTransaction {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for WriteTransaction {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}

/// Begins transactions that write. Clones share turns and counts.
#[derive(Clone)]
pub(super) struct WriteTransactions {
    /// SQLite has one writer at a time, and who waits for it looks again after pauses that grow: who has waited
    /// longest is served last. Within a process they wait in a line instead, and only the first of them asks SQLite.
    turns: Option<Arc<Semaphore>>,
    committed: Arc<AtomicU64>,
}

impl WriteTransactions {
    pub(super) fn new(dialect: Dialect) -> Self {
        let turns = (dialect == Dialect::Sqlite).then(|| Arc::new(Semaphore::new(1)));
        Self { turns, committed: Arc::default() }
    }

    pub(super) async fn begin(&self, pool: &AnyPool, dialect: Dialect) -> Result<WriteTransaction> {
        crash_point::database(DatabaseStep::Begin)?;
        let turn = match &self.turns {
            // Never closed.
            Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
            None => None,
        };
        let transaction = pool.begin_with(dialect.begin()).await?;
        Ok(WriteTransaction { transaction, dialect, committed: Arc::clone(&self.committed), _turn: turn })
    }

    /// How many were committed since the store was opened.
    pub(super) fn committed(&self) -> u64 {
        self.committed.load(Ordering::Relaxed)
    }
}
