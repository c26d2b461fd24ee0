//! The statements that SQLite and PostgreSQL write differently.

use sqlx::{AnyConnection, AssertSqlSafe, Executor};
use std::borrow::Cow;
use std::time::Duration;

/// How long a writer to SQLite waits for another one. Transactions take milliseconds; a wait this long
/// means that something else holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pages that SQLite's log may hold before they are copied into the database, which waits for the disk twice more: 16 MiB,
/// instead of 4. A batch changes some pages again and again, and each is copied once.
const PAGES_BEFORE_CHECKPOINT: u32 = 4_000;
/// How long the recovery of dropped work waits for rows that another transaction has locked: then it is tried again
/// later, for work on other orders must not wait for it.
const RECOVERY_LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for a connection on PostgreSQL. Transactions take milliseconds: after this long the database is
/// not available, and the caller gets an error.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A commit that PostgreSQL acknowledged must survive its crash, and the failover to a synchronous standby, or an
/// order could be sent again. Role, database and URL can only raise it: it is at least `on`; `remote_apply` is more.
const RAISE_DURABILITY: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

/// Whether a crash of the machine may lose what the server acknowledged. Private servers of tests set
/// `options[host_demo.only_a_test]=yes` in the URL.
const IS_FSYNC_OFF: &str = "SELECT current_setting('fsync') = 'off' \
    AND COALESCE(current_setting('host_demo.only_a_test', true), '') <> 'yes'";

const FSYNC_OFF: &str = "fsync is off on this PostgreSQL server, so a crash could make it forget what was sent; \
    switch fsync on and start the server again \
    (PostgreSQLのfsyncがoffです。停電などで送信の記録が失われるため、onにして再起動してください)";

/// Which database it is, for statements that the two write differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The settings of every new connection. SQLite: the timeout first, for the other settings may have to wait for
    /// a lock; a claim must survive a power cut, or its order could be sent again.
    fn settings(self) -> String {
        match self {
            Self::Sqlite => format!(
                "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA wal_autocheckpoint = {PAGES_BEFORE_CHECKPOINT}",
                BUSY_TIMEOUT.as_millis()
            ),
            Self::Postgres => format!("SET client_min_messages = warning; {RAISE_DURABILITY}"),
        }
    }

    /// Prepares a connection.
    ///
    /// # Errors
    /// The database would not keep what is committed through it.
    pub(super) async fn prepare(self, connection: &mut AnyConnection) -> sqlx::Result<()> {
        connection.execute(AssertSqlSafe(self.settings())).await?;
        if self == Self::Postgres && sqlx::query_scalar(IS_FSYNC_OFF).fetch_one(connection).await? {
            return Err(sqlx::Error::Configuration(FSYNC_OFF.into()));
        }
        Ok(())
    }

    /// Reads the clock that all processes of the store share: milliseconds since 1970, and a text that changes when
    /// that clock may have been set. Nothing where the shared clock is this machine's.
    pub(super) fn clock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), \
                 CAST(CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000 AS BIGINT) AS TEXT) \
                 || '-' || CAST(clock_epoch AS TEXT) FROM store",
            ),
        }
    }

    /// How the value with this number stands in a statement whose values are all in their order. SQLite keeps a list of
    /// the names of values, in which it looks for each: with hundreds of them, values without names are much faster.
    pub(super) fn value(self, number: usize) -> Cow<'static, str> {
        match self {
            Self::Sqlite => "?".into(),
            Self::Postgres => format!("${number}").into(),
        }
    }

    /// How long to wait for a connection. On SQLite all connections may wait for the one writer.
    pub(super) fn acquire_timeout(self) -> Duration {
        match self {
            Self::Sqlite => BUSY_TIMEOUT,
            Self::Postgres => ACQUIRE_TIMEOUT,
        }
    }

    /// Begins a transaction that writes. SQLite takes the write lock at once: a transaction that only
    /// took it when it first writes could fail on what another wrote in between.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Ends a query for rows that this transaction takes, and that others that look for work skip. SQLite has one
    /// writer and needs no row locks.
    pub(super) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Ends a query for rows that this transaction locks for a decision: others wait for it.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Bounds how long the transaction waits for each of its locks. SQLite's one lock has a bound of its own.
    pub(super) fn lock_timeout(self) -> Option<String> {
        let milliseconds = RECOVERY_LOCK_TIMEOUT.as_millis();
        (self == Self::Postgres).then(|| format!("SET LOCAL lock_timeout = {milliseconds}"))
    }

    /// Ends a query for a row that must not change until this transaction ends.
    pub(super) fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
        }
    }
}
