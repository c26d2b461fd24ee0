//! What can go wrong in the store, one variant for each cause.

use crate::encryption::SecretError;
use domain::credit_state::{Event, State};
use domain::user::UserProblem;
use sqlx::migrate::MigrateError;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// The store did not do what it was asked: one variant for each cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is not reachable.
    #[error("the store failed: {0}")]
    Database(#[source] sqlx::Error),
    /// No connection became free within the timeout.
    #[error(
        "the store failed: the database cannot be reached, or all connections to it are in use (データベースに接続できません)"
    )]
    NoConnection,
    /// Nothing can be written: no room, or the limit of a file's size.
    #[error(
        "the store cannot be written: its disk is full, or a limit is reached; make room and try again. Nothing is sent \
         while that is so (ディスクの空きがないため、記録できません。空きを作ってからやり直してください。それまで何も送信しません)"
    )]
    DiskFull,
    /// Nothing may be written.
    #[error(
        "the store is read-only; give this process the right to write to the database and to its folder, and try again. \
         Nothing is sent while that is so (受注データベースに書き込めません。書き込みを許可してからやり直してください。それまで何も送信しません)"
    )]
    ReadOnly,
    /// The schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// A file beside the database, or the database file itself.
    #[error("a file of the store failed: {0}")]
    File(#[source] io::Error),
    /// The key, or a value that it does not decrypt.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A program error: the table of transitions has no such cell.
    #[error("order {number}: {event} cannot happen in the state {state}")]
    Impossible {
        /// The mall's number of the order.
        number: String,
        /// Where the order stands.
        state: State,
        /// What was to happen.
        event: Event,
    },
    /// The next reference would be longer than providers accept.
    #[error("order {number}: the reference {reference} is longer than {limit} characters; start a new store")]
    ReferenceTooLong {
        /// The mall's number of the order.
        number: String,
        /// The reference that was to be used.
        reference: String,
        /// Characters that a reference may have.
        limit: usize,
    },
    /// A group of writes failed, and this one with it.
    #[error(transparent)]
    Group(Arc<Self>),
    /// The task that writes ended before it answered: the program ends, or it has a fault. It is not known whether
    /// this was written.
    #[error("the store's writer ended before it answered (データベースへの書き込みが中断されました)")]
    BrokenOff,
    /// Another process took this one for dead, and may have carried out its request anew. Nothing was written.
    #[error("another process may have taken over this request; send it again, under the same key, for its answer")]
    RequestForgotten,
    /// A change of users or tokens is refused. Nothing was written.
    #[error("the change of a user or a token is refused: {0:?}")]
    User(UserProblem),
}

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::NoConnection,
            sqlx::Error::Io(error) => Self::from(error),
            error => match error.as_database_error().and_then(|error| error.code()) {
                Some(code) if FULL.contains(&code.as_ref()) => Self::DiskFull,
                Some(code) if READ_ONLY.contains(&code.as_ref()) => Self::ReadOnly,
                _ => Self::Database(error),
            },
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) if is_not_writable(&error) => error.into(),
            MigrateError::ExecuteMigration(error, _) if is_not_writable(&error) => error.into(),
            error => Self::Migration(error),
        }
    }
}

/// Whether the database cannot be written to, whatever is written.
fn is_not_writable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| FULL.contains(&code.as_ref()) || READ_ONLY.contains(&code.as_ref()))
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::DiskFull,
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::File(error),
        }
    }
}

/// No room: SQLite's FULL, its errors of writing, of growing the shared file and of a temporary file, and PostgreSQL's.
const FULL: [&str; 5] = ["13", "778", "4874", "6410", "53100"];
/// No right to write: SQLite's READONLY with its kinds, its errors of opening a file that it would have to make, and
/// PostgreSQL's.
const READ_ONLY: [&str; 7] = ["8", "264", "520", "776", "1544", "14", "25006"];

impl StoreError {
    /// Whether the fault is in what was to be written or read of one order: other orders are not concerned. SQLSTATE
    /// classes 22 (a value that the database cannot hold, such as text with NUL), 23 (a broken constraint) and 54 (a
    /// value beyond a limit of the database); SQLite has 18 for the last.
    pub fn is_of_one_order(&self) -> bool {
        use sqlx::Error::{ColumnDecode, Database, Decode, Encode};
        match self {
            Self::Impossible { .. } | Self::ReferenceTooLong { .. } => true,
            Self::Group(error) => error.is_of_one_order(),
            Self::Database(Decode(_) | Encode(_) | ColumnDecode { .. }) => true,
            Self::Database(Database(error)) => {
                let concerns_a_value =
                    |code: &str| code == "18" || ["22", "23", "54"].iter().any(|class| is_of_class(code, class));
                error.kind() != sqlx::error::ErrorKind::Other
                    || error.code().is_some_and(|code| concerns_a_value(&code))
            }
            _ => false,
        }
    }

    /// Whether there is no room to write.
    pub(super) fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull => true,
            Self::Group(error) => error.is_disk_full(),
            _ => false,
        }
    }

    /// Whether PostgreSQL rolled the transaction back because of a concurrent one, so that it can be retried:
    /// serialization failure, deadlock, and a unique key that another transaction wrote meanwhile.
    pub(super) fn is_transient(&self) -> bool {
        const CODES: [&str; 3] = ["40001", "40P01", "23505"];
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| CODES.contains(&code.as_ref()))
            }
            Self::Group(error) => error.is_transient(),
            _ => false,
        }
    }
}

/// Whether a SQLSTATE is of a class.
fn is_of_class(code: &str, class: &str) -> bool {
    code.len() == 5 && code.starts_with(class)
}
