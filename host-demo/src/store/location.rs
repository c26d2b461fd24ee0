//! Where a store is, and what the two databases are told in different words.

use crate::store::{Store, StoreError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer to SQLite waits for another one. Transactions take milliseconds; a wait this long
/// means that something else holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// SQLite has one writer; a few connections let readers pass it. On PostgreSQL they bound what one
/// process takes of the server's hundred.
const CONNECTIONS: u32 = 8;
/// How long is waited for one of them on PostgreSQL. Transactions take milliseconds: after this long the database is
/// not there, and whoever waits is to be told.
const WAIT_FOR_A_CONNECTION: Duration = Duration::from_secs(10);
/// How often is looked whether the schema is free: it is brought up to date in some tens of milliseconds.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// What a server says for which waiting helps: it has too many connections, or is starting.
const NOT_YET: [&str; 2] = ["53300", "57P03"];
/// Where files that belong to a store on a server are kept, unless told otherwise.
const FILES_OF_A_SERVER: &str = "var/orders";

/// A SQLite file or a PostgreSQL database, and where the files that go with it are.
#[derive(Clone, PartialEq)]
pub struct DatabaseLocation {
    database: Database,
    files: PathBuf,
}

#[derive(Clone, PartialEq)]
enum Database {
    Sqlite(PathBuf),
    /// The URL, which may hold a password.
    Postgres(String),
}

impl DatabaseLocation {
    /// A URL that begins with `postgres://` or `postgresql://`, or a SQLite file's path.
    pub fn new(text: &str) -> Self {
        let on_a_server = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        match on_a_server {
            true => DatabaseLocation { database: Database::Postgres(text.to_owned()), files: FILES_OF_A_SERVER.into() },
            false => DatabaseLocation { database: Database::Sqlite(text.into()), files: text.into() },
        }
    }

    /// The same database, with its files beside `files`.
    pub fn with_files(self, files: impl Into<PathBuf>) -> Self {
        DatabaseLocation { files: files.into(), ..self }
    }

    /// A file that goes with the store: its key, its compiled plugins, its locks.
    pub fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.files.as_os_str().to_owned();
        name.push(format!(".{what}"));
        name.into()
    }

    /// Whether processes on several machines may work on it.
    pub fn is_shared(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.database {
            Database::Sqlite(_) => Dialect::Sqlite,
            Database::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Connects, and makes the file and its folder if they are not there.
    pub(super) async fn connect(&self) -> Result<AnyPool, StoreError> {
        if let Some(folder) = self.files.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if let Database::Sqlite(path) = &self.database {
            create_private(path)?;
        }
        // A pool tries again and again and then says that time ran out; one connection says at once what is wrong.
        match self.connect_alone().await {
            Ok(first) => drop(first.close().await),
            Err(StoreError::Database(sqlx::Error::Database(error)))
                if error.code().is_some_and(|code| NOT_YET.contains(&code.as_ref())) => {}
            Err(error) => return Err(error),
        }
        let dialect = self.dialect();
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(dialect.patience());
        let pool = pool.after_connect(move |connection, _| Box::pin(dialect.greet(connection)));
        Ok(pool.connect_with(self.options()?).await?)
    }

    /// What a process holds that brings the schema up to date: of several that open a new store at once, the others
    /// wait. PostgreSQL sees to that by itself; on SQLite it is a lock on a file.
    pub(super) async fn schema_lock(&self) -> std::io::Result<Option<File>> {
        if self.is_shared() {
            return Ok(None);
        }
        let path = self.beside("schema-lock");
        create_private(&path)?;
        let lock = File::open(path)?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(lock)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// A connection beside the pool, for as long as it is held.
    pub(crate) async fn connect_alone(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = self.options()?.connect().await?;
        self.dialect().greet(&mut connection).await?;
        Ok(connection)
    }

    fn options(&self) -> Result<AnyConnectOptions, StoreError> {
        sqlx::any::install_default_drivers();
        let url = match &self.database {
            Database::Sqlite(path) => format!("sqlite://{}", escaped(path)),
            Database::Postgres(url) => url.clone(),
        };
        Ok(url.parse()?)
    }
}

/// Without the password of a URL.
impl fmt::Display for DatabaseLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.database {
            Database::Sqlite(path) => write!(f, "{}", path.display()),
            Database::Postgres(url) => {
                let behind_the_password = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest);
                write!(f, "PostgreSQL {}", behind_the_password.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DatabaseLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A path as a URL carries it.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}

/// The file holds buyers and the shop's ids: nobody but its owner may read it. SQLite gives its side
/// files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A commit that PostgreSQL acknowledged must survive its crash, and the failover to a synchronous standby, or an
/// order could be sent again. Whatever role, database or URL say, it is at least `on`; `remote_apply` is more.
const RAISE_DURABILITY: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

/// Whether a crash of the machine may take back what the server acknowledged. Private servers of tests are let
/// pass by `options[host_demo.only_a_test]=yes` in the URL.
const FORGETS: &str = "SELECT current_setting('fsync') = 'off' \
    AND COALESCE(current_setting('host_demo.only_a_test', true), '') <> 'yes'";

const FORGETS_WORDS: &str = "fsync is off on this PostgreSQL server, so a crash could make it forget what was sent; \
    switch fsync on and start the server again \
    (PostgreSQLのfsyncがoffです。停電などで送信の記録が失われるため、onにして再起動してください)";

/// What the server's replication and storage may do to what it acknowledged; see [`Risks`].
const RISKS: &str = "SELECT COUNT(*) FILTER (WHERE COALESCE(sync_state, CASE WHEN \
    current_setting('synchronous_standby_names') = '' THEN 'async' ELSE 'sync' END) NOT IN ('sync', 'quorum')), \
    current_setting('full_page_writes') = 'off' AND COALESCE(current_setting('host_demo.only_a_test', true), '') <> 'yes' \
    FROM pg_stat_replication WHERE COALESCE(state, '') <> 'backup'";

/// What may take back what the database acknowledged, though the server itself keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Risks {
    /// Standbys that may lag: a failover to one of them is an old backup.
    pub asynchronous_standbys: i64,
    /// Pages may be torn by a crash, unless the file system never does that.
    pub torn_pages: bool,
}

/// What the two databases are told in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Said to every new connection. SQLite: the wait first, for what follows may have to wait; a claim
    /// must survive a power cut, or its order could be sent again.
    fn greeting(self) -> String {
        match self {
            Dialect::Sqlite => format!(
                "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                BUSY_TIMEOUT.as_millis()
            ),
            Dialect::Postgres => format!("SET client_min_messages = warning; {RAISE_DURABILITY}"),
        }
    }

    /// Prepares a connection; an error where the database would not keep what is committed through it.
    pub(super) async fn greet(self, connection: &mut AnyConnection) -> sqlx::Result<()> {
        connection.execute(AssertSqlSafe(self.greeting())).await?;
        if self == Dialect::Postgres && sqlx::query_scalar(FORGETS).fetch_one(connection).await? {
            return Err(sqlx::Error::Configuration(FORGETS_WORDS.into()));
        }
        Ok(())
    }

    /// What the clock says that all processes of the store share, in milliseconds since 1970, and a text that is
    /// another one when that clock may have been set anew; nothing where it is this machine's.
    pub(super) fn clock(self) -> Option<&'static str> {
        match self {
            Dialect::Sqlite => None,
            Dialect::Postgres => Some(
                "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), \
                 CAST(CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000 AS BIGINT) AS TEXT) \
                 || '-' || CAST(clock_epoch AS TEXT) FROM store",
            ),
        }
    }

    /// How long is waited for a connection. On SQLite all may wait for the one writer.
    fn patience(self) -> Duration {
        match self {
            Dialect::Sqlite => BUSY_TIMEOUT,
            Dialect::Postgres => WAIT_FOR_A_CONNECTION,
        }
    }

    /// Begins a transaction that writes. SQLite takes the write lock at once: a transaction that only
    /// took it when it first writes could fail on what another wrote in between.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        }
    }

    /// Ends a query for rows that this transaction takes and others that look for work pass by. SQLite
    /// has one writer: nobody else looks.
    pub(super) fn skip_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Ends a query for rows that this transaction decides about: others wait for it.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }

    /// Ends a query for a row that must stay as it is until this transaction ends.
    pub(super) fn unchanged(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR SHARE",
        }
    }
}

impl Store {
    /// What may take back what the database acknowledged, as far as it tells. Nothing on SQLite.
    pub async fn risks(&self) -> Result<Risks, StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(Risks::default());
        }
        let (asynchronous_standbys, torn_pages) = sqlx::query_as(RISKS).fetch_one(&self.pool).await?;
        Ok(Risks { asynchronous_standbys, torn_pages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whatever_the_url_says_a_commit_is_durable_and_never_less_than_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let database = test_postgres::Cluster::shared().database().unwrap();
        for (said, is) in
            [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
        {
            let url = format!("{database}&options[synchronous_commit]={said}");
            let place = DatabaseLocation::new(&url).with_files(folder.path().join("orders.db"));
            let (pool, mut alone) = (place.connect().await.unwrap(), place.connect_alone().await.unwrap());
            let asked = || sqlx::query_scalar::<_, String>("SELECT current_setting('synchronous_commit')");
            assert_eq!(asked().fetch_one(&pool).await.unwrap(), is, "{said}");
            assert_eq!(asked().fetch_one(&mut alone).await.unwrap(), is, "{said}");
        }
    }
}
