//! Why a provider could not be loaded.

use domain::name::MAX_NAME;
use provider_host::{LoadError, PermissionError};
use std::io;
use std::path::PathBuf;

/// A provider could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The name cannot be a provider's.
    #[error(
        "{0:?} is not the name of a provider: at most {MAX_NAME} of a to z, 0 to 9 and - \
         (後払い会社の名前は半角英小文字・数字・ハイフンです)"
    )]
    Name(String),
    /// The permission file does not say which provider it is for.
    #[error(
        "the permission file {} does not say which provider it is for; add a line such as: provider = {name:?} \
         (許可ファイルに後払い会社のIDの行がありません)",
        path.display()
    )]
    Unnamed {
        /// The permission file.
        path: PathBuf,
        /// The name by which its component was asked for, or describes itself.
        name: String,
    },
    /// The permission file is for another provider than its name says.
    #[error(
        "the permission file {} is for the provider {found:?}, but {asked:?} is asked for; rename the two files",
        path.display()
    )]
    Another {
        /// The permission file.
        path: PathBuf,
        /// The name that was asked for.
        asked: String,
        /// The provider that it is for.
        found: String,
    },
    /// The permission file does not serve.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// The component does not serve.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component in the folder is another one than the lock has.
    #[error(
        "the plugin {} has sha256 {found}, but the lock has {expected} (from {origin}); it is not loaded, and written \
         again from the lock. To replace it, load the new one (`plugin load` or `plugin pull`)",
        path.display()
    )]
    NotLocked {
        /// The component.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The digest that the lock has.
        expected: String,
        /// Where the component of the lock came from.
        origin: String,
    },
    /// The lock says that the provider's plugin was withdrawn.
    #[error(
        "the plugin of the provider {0} was withdrawn on all machines; it is not loaded, whatever is in the folder. To use \
         it again, load it (`plugin load` or `plugin pull`)"
    )]
    Withdrawn(String),
    /// The lock cannot be read.
    #[error("the lock of the plugins cannot be read from the database: {0}")]
    Lock(String),
    /// The folder cannot be read or written.
    #[error("the folder of plugins {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
