//! Where a store is, and how connections to it are made.

use crate::dialect::Dialect;
use crate::error::StoreError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection};
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// SQLite has one writer; a few connections let readers pass it. On PostgreSQL they bound what one
/// process takes of the server's hundred.
const CONNECTIONS: u32 = 8;
/// Between two attempts to lock the schema: a migration takes some tens of milliseconds.
const SCHEMA_LOCK_RETRY: Duration = Duration::from_millis(10);
/// SQLSTATEs that pass with time: the server has too many connections, or is starting.
const TEMPORARILY_UNAVAILABLE: [&str; 2] = ["53300", "57P03"];
/// Where files that belong to a store on a server are kept by default.
const FILES_OF_POSTGRES: &str = "var/orders";

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
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        match is_postgres {
            true => Self { database: Database::Postgres(text.to_owned()), files: FILES_OF_POSTGRES.into() },
            false => Self { database: Database::Sqlite(text.into()), files: text.into() },
        }
    }

    /// The same database, with its files beside `files`.
    pub fn with_files(self, files: impl Into<PathBuf>) -> Self {
        Self { files: files.into(), ..self }
    }

    /// The path of a file that belongs to the store: its key, its compiled plugins, its locks.
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
        // A pool retries until its timeout and then reports the timeout; one connection reports the cause at once.
        match self.connect_alone().await {
            Ok(first) => drop(first.close().await),
            Err(StoreError::Database(sqlx::Error::Database(error)))
                if error.code().is_some_and(|code| TEMPORARILY_UNAVAILABLE.contains(&code.as_ref())) => {}
            Err(error) => return Err(error),
        }
        let dialect = self.dialect();
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(dialect.acquire_timeout());
        let pool = pool.after_connect(move |connection, _| Box::pin(dialect.prepare(connection)));
        Ok(pool.connect_with(self.options()?).await?)
    }

    /// The lock that is held during a migration: of several processes that open a new store at once, the others wait.
    /// PostgreSQL does that itself; on SQLite it is a lock on a file.
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
                Err(TryLockError::WouldBlock) => tokio::time::sleep(SCHEMA_LOCK_RETRY).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// A connection outside of the pool.
    pub(super) async fn connect_alone(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = self.options()?.connect().await?;
        self.dialect().prepare(&mut connection).await?;
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
                let after_password = url.rsplit_once('@').map_or(url.as_str(), |(_, rest)| rest);
                write!(f, "PostgreSQL {}", after_password.split('?').next().unwrap_or_default())
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

/// The file holds buyers and the shop's ids: only its owner may read it. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_is_durable_at_least_as_the_server_has_it_for_every_setting_in_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let database = test_postgres::Cluster::shared().database().unwrap();
        for (set, expected) in
            [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
        {
            let url = format!("{database}&options[synchronous_commit]={set}");
            let location = DatabaseLocation::new(&url).with_files(folder.path().join("orders.db"));
            let (pool, mut alone) = (location.connect().await.unwrap(), location.connect_alone().await.unwrap());
            let setting = || sqlx::query_scalar::<_, String>("SELECT current_setting('synchronous_commit')");
            assert_eq!(setting().fetch_one(&pool).await.unwrap(), expected, "{set}");
            assert_eq!(setting().fetch_one(&mut alone).await.unwrap(), expected, "{set}");
        }
    }
}
