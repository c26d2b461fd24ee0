//! Keys of authors: where they are, and the passwords that open them.

use crate::templates;
use anyhow::{Context, Result, bail};
use clap::Args;
use provider_distribution::{SigningKey, is_encrypted};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The variable with a key's password, where nobody is there to be asked for it: on the command line, others could
/// read it.
const PASSWORD: &str = "PROVIDER_KEY_PASSWORD";
/// A key is two lines, some 200 bytes; more than this is some other file.
const MAX_KEY_BYTES: u64 = 4 << 10;

/// Which key.
#[derive(Args)]
pub(super) struct KeyOptions {
    /// 秘密鍵のファイル（省略時は minisign と同じ ~/.minisign/minisign.key）。公開鍵は拡張子が .pub の隣のファイル / the file
    /// of the secret key; if none is given, minisign's own, ~/.minisign/minisign.key. The public key is beside it, as .pub
    #[arg(long, value_name = "FILE", env = "PROVIDER_KEY")]
    key: Option<PathBuf>,
}

impl KeyOptions {
    /// The file of the secret key.
    pub(super) fn secret(&self) -> Result<PathBuf> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        // As minisign finds it.
        let folder = match std::env::var_os("MINISIGN_CONFIG_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => {
                std::env::home_dir().context("there is no home folder; name the key with --key FILE")?.join(".minisign")
            }
        };
        Ok(folder.join("minisign.key"))
    }

    /// Opens the key, asking for its password where it has one.
    pub(super) fn open(&self) -> Result<SigningKey> {
        let path = self.secret()?;
        let secret = read(&path)?;
        let used = || format!("the key {}", path.display());
        let password = match is_encrypted(&secret).with_context(used)? {
            true => password(&format!("{}: ", path.display()))?,
            false => String::new(),
        };
        SigningKey::open(&secret, &password).with_context(used)
    }
}

/// The file of the public key that belongs to the secret one in `secret`.
pub(super) fn public_beside(secret: &Path) -> PathBuf {
    secret.with_extension("pub")
}

/// The content of a key's file.
pub(super) fn read(path: &Path) -> Result<String> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        if size > MAX_KEY_BYTES {
            bail!("it has {size} bytes, and a key has at most {MAX_KEY_BYTES}");
        }
        Ok(std::fs::read_to_string(path)?)
    };
    read().with_context(|| format!("cannot read the key {}; `provider keygen` makes one", path.display()))
}

/// The password, from the environment or from whoever sits there.
fn password(prompt: &str) -> Result<String> {
    match std::env::var(PASSWORD) {
        Ok(password) => Ok(password),
        Err(_) => rpassword::prompt_password(prompt).with_context(|| {
            format!("there is no terminal to ask for the key's password; put it into the variable {PASSWORD}")
        }),
    }
}

/// A password for a new key. Who types it does so twice.
pub(super) fn new_password() -> Result<String> {
    let first = password("パスワード / password: ")?;
    if first.is_empty() {
        bail!("an empty password protects nothing; no key was made. --no-password makes a key without one");
    }
    if std::env::var_os(PASSWORD).is_none() && password("もう一度 / once more: ")? != first {
        bail!("the two passwords differ; no key was made");
    }
    Ok(first)
}

/// Writes a secret key to a file that is new, and that nobody else reads.
pub(super) fn write_secret(path: &Path, secret: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    templates::make_parent(path)?;
    match options.open(path).and_then(|mut file| file.write_all(secret.as_bytes()).and_then(|()| file.sync_all())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "there is a key in {} already, and it is kept; --key FILE makes another one beside it",
                path.display()
            )
        }
        other => other.with_context(|| format!("cannot write {}", path.display())),
    }
}
