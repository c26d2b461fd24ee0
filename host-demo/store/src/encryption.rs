//! Encryption of what the database must not reveal: the shops' ids and keys at their providers.
//!
//! Each value is encrypted by itself (XChaCha20-Poly1305, a random nonce of 24 bytes) and bound to what
//! it is: a value that is copied to another mall or another key cannot be decrypted there. The key comes from the
//! environment or from a file that only its owner may read, so a copy of the database alone reveals nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Names the environment variable that holds the key: 64 hex digits. Several processes on one store need
/// the same one.
pub const KEY_VARIABLE: &str = "HOST_DEMO_KEY";

/// Names the variable with the key that is to take the place of that one.
pub const NEW_KEY_VARIABLE: &str = "HOST_DEMO_NEW_KEY";

/// Bytes of the key: what XChaCha20-Poly1305 takes.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce: long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;

/// A key or an encrypted value cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The key is not 64 hex digits.
    #[error("the key in {0} is not {digits} hex digits", digits = KEY_BYTES * 2)]
    Key(String),
    /// The key's file.
    #[error("the key file {path} failed: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The value was written under another key, for something else, or was changed.
    #[error("{0} cannot be decrypted with this key; give the process the key that the store was made with")]
    Sealed(String),
    /// The system has no randomness to give.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// The key, ready for use.
#[derive(Clone)]
pub struct Secrets {
    cipher: XChaCha20Poly1305,
    mac: Hmac<Sha256>,
}

impl Secrets {
    /// With the key of the environment, or else of `file`, which is made if it is not there.
    pub fn find(file: &Path) -> Result<Self, SecretError> {
        Self::find_under(KEY_VARIABLE, file)
    }

    /// With the key of the environment variable `name` where the key comes from the environment, or else of `file`,
    /// which is made if it is not there.
    pub(crate) fn find_under(name: &str, file: &Path) -> Result<Self, SecretError> {
        if Self::is_of_environment() { Self::of_environment(name) } else { Self::from_file(file) }
    }

    /// Whether the key comes from the environment, and not from a file.
    pub(crate) fn is_of_environment() -> bool {
        std::env::var_os(KEY_VARIABLE).is_some()
    }

    /// With the key of the environment variable `name`.
    fn of_environment(name: &str) -> Result<Self, SecretError> {
        Self::from_hex(&std::env::var(name).unwrap_or_default(), name)
    }

    /// Where the key is written that is to take the place of the one in `file`.
    pub(crate) fn replacement_file(file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        name.into()
    }

    /// The key beside the one in `file`, if a change of the key was begun.
    pub(crate) fn begun_replacement(file: &Path) -> Result<Option<Self>, SecretError> {
        let new = Self::replacement_file(file);
        match !Self::is_of_environment() && new.exists() {
            true => Self::from_file(&new).map(Some),
            false => Ok(None),
        }
    }

    /// Puts the key beside the one in `file` in its place; false where the key is the environment's.
    pub(crate) fn replace(file: &Path) -> Result<bool, SecretError> {
        if Self::is_of_environment() {
            return Ok(false);
        }
        let failed = |source| SecretError::File { path: file.to_owned(), source };
        std::fs::rename(Self::replacement_file(file), file).map_err(failed)?;
        sync_folder(file).map_err(failed)?;
        Ok(true)
    }

    pub(crate) fn from_file(path: &Path) -> Result<Self, SecretError> {
        let failed = |source| SecretError::File { path: path.to_owned(), source };
        if !path.exists() {
            make_key(path).map_err(failed)?;
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::from_hex(text.trim(), &path.to_string_lossy())
    }

    fn from_hex(text: &str, from: &str) -> Result<Self, SecretError> {
        let mut key = [0; KEY_BYTES];
        hex::decode_to_slice(text, &mut key).map_err(|_| SecretError::Key(from.to_owned()))?;
        // Another key for another use, from the same one.
        let derived = Sha256::new().chain_update(b"digests").chain_update(key).finalize();
        let mac = Hmac::new_from_slice(&derived).map_err(|_| SecretError::Key(from.to_owned()))?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()), mac })
    }

    /// Encrypts `text`, which is `what`.
    pub fn seal(&self, what: &str, text: &str) -> Result<String, SecretError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: text.as_bytes(), aad: what.as_bytes() };
        let sealed =
            self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretError::Sealed(what.to_owned()))?;
        Ok(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// A digest of `parts` as `what`, in hex, that cannot be computed, or guessed from, without the key.
    pub fn digest(&self, what: &str, parts: &[&[u8]]) -> String {
        let mut mac = self.mac.clone();
        for part in [what.as_bytes()].iter().chain(parts) {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        hex::encode(mac.finalize().into_bytes())
    }

    /// Decrypts what was sealed as `what`.
    pub fn open(&self, what: &str, sealed: &str) -> Result<String, SecretError> {
        self.open_bytes(what, sealed).ok_or_else(|| SecretError::Sealed(what.to_owned()))
    }

    fn open_bytes(&self, what: &str, sealed: &str) -> Option<String> {
        let bytes = STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, msg) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok()?;
        let opened = self.cipher.decrypt(&XNonce::from(nonce), Payload { msg, aad: what.as_bytes() }).ok()?;
        String::from_utf8(opened).ok()
    }
}

/// Writes a new key; of several processes that make it at once, one does. It gets its name only when it
/// is whole.
fn make_key(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let unnamed = path.with_extension(format!("{:016x}.new", getrandom::u64().map_err(io::Error::other)?));
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unnamed)?;
    file.write_all(hex::encode(key).as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&unnamed, path);
    std::fs::remove_file(&unnamed)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(path),
    }
}

/// Has the name of `file` written: a key has to survive the machine by its name as well.
fn sync_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(key: u8) -> Secrets {
        Secrets::from_hex(&format!("{key:02x}").repeat(KEY_BYTES), "test").unwrap()
    }

    #[test]
    fn a_value_opens_only_as_what_it_was_sealed() {
        let sealed = secrets(1).seal("honten/password", "himitsu").unwrap();
        assert_eq!(secrets(1).open("honten/password", &sealed).unwrap(), "himitsu");
        assert!(!sealed.contains("himitsu"));
        assert!(secrets(1).open("shiten/password", &sealed).is_err(), "another mall");
        assert!(secrets(2).open("honten/password", &sealed).is_err(), "another key");
        assert!(secrets(1).open("honten/password", &sealed[1..]).is_err(), "a changed value");
        assert_ne!(sealed, secrets(1).seal("honten/password", "himitsu").unwrap(), "never the same twice");
    }

    #[test]
    fn a_digest_needs_the_key_and_keeps_its_parts_apart() {
        let digest = |key, what, parts: &[&[u8]]| secrets(key).digest(what, parts);
        assert_eq!(digest(1, "form", &[b"a", b"b"]), digest(1, "form", &[b"a", b"b"]));
        for other in [digest(2, "form", &[b"a", b"b"]), digest(1, "call", &[b"a", b"b"]), digest(1, "form", &[b"ab"])] {
            assert_ne!(other, digest(1, "form", &[b"a", b"b"]));
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_is_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db.key");
        let sealed = Secrets::from_file(&path).unwrap().seal("x", "y").unwrap();
        assert_eq!(Secrets::from_file(&path).unwrap().open("x", &sealed).unwrap(), "y");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(Secrets::from_file(&path), Err(SecretError::Key(_))));
    }
}
