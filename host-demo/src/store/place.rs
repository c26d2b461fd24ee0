//! Where a store is, and what the two databases are told in different words.

use super::StoreError;
use sqlx::Executor;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a writer to SQLite waits for another one. Transactions take milliseconds; a wait this long
/// means that something else holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// SQLite has one writer; a few connections let readers pass it. On PostgreSQL they bound what one
/// process takes of the server's hundred.
const CONNECTIONS: u32 = 8;
/// Where files that belong to a store on a server are kept, unless told otherwise.
const FILES_OF_A_SERVER: &str = "var/orders";

/// A SQLite file or a PostgreSQL database, and where the files that go with it are.
#[derive(Clone, PartialEq)]
pub struct Place {
    database: Database,
    files: PathBuf,
}

#[derive(Clone, PartialEq)]
enum Database {
    Sqlite(PathBuf),
    /// The URL, which may hold a password.
    Postgres(String),
}

impl Place {
    /// A URL that begins with `postgres://` or `postgresql://`, or a SQLite file's path.
    pub fn new(text: &str) -> Self {
        let on_a_server = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        match on_a_server {
            true => Place { database: Database::Postgres(text.to_owned()), files: FILES_OF_A_SERVER.into() },
            false => Place { database: Database::Sqlite(text.into()), files: text.into() },
        }
    }

    /// The same database, with its files beside `files`.
    pub fn with_files(self, files: impl Into<PathBuf>) -> Self {
        Place { files: files.into(), ..self }
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
        let dialect = self.dialect();
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(AssertSqlSafe(dialect.greeting())).await.map(drop) })
        });
        Ok(pool.connect_with(self.options()?).await?)
    }

    /// A connection beside the pool, for as long as it is held.
    pub(crate) async fn connect_alone(&self) -> Result<AnyConnection, StoreError> {
        Ok(self.options()?.connect().await?)
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
impl fmt::Display for Place {
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

impl fmt::Debug for Place {
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
            Dialect::Postgres => "SET client_min_messages = warning".to_owned(),
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
