//! Hashing of passwords, with Argon2.

use crate::error::{Result, StoreError};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use domain::user::{MAX_PASSWORD, UserProblem, is_password};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// The hash that a password is compared with where there is no such user, so that both take as long.
pub(super) static ABSENT_USER_HASH: LazyLock<String> =
    LazyLock::new(|| hash("the password of no user").unwrap_or_default());

fn hash(password: &str) -> Option<String> {
    let hashed: PasswordHash = Argon2::default().hash_password(password.as_bytes()).ok()?;
    Some(hashed.to_string())
}

/// The hash of a password. On a thread of its own, for it takes tens of milliseconds on purpose.
///
/// # Errors
/// [`UserProblem::Password`] where it is too short or too long.
pub(super) async fn hashed(password: &str) -> Result<String> {
    if !is_password(password) {
        return Err(StoreError::User(UserProblem::Password));
    }
    let password = password.to_owned();
    let hash = on_hashing_thread(move || hash(&password)).await?;
    hash.ok_or_else(|| StoreError::File(std::io::Error::other("the password could not be hashed")))
}

/// Passwords that are hashed at once: each takes 19 MiB and a core.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Runs `work` on a thread of its own, once fewer than the limit are running.
async fn on_hashing_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = HASHING.acquire().await.map_err(std::io::Error::other)?;
    Ok(tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?)
}

/// Whether `password` is the one of `hash`.
pub(super) async fn verified(password: &str, hash: String) -> Result<bool> {
    if password.chars().count() > MAX_PASSWORD {
        return Ok(false);
    }
    // Counted by a test: who may have an account must not show in how much was computed.
    tracing::debug!("a password is compared with a hash");
    let password = password.to_owned();
    let verify = move || {
        let hash = PasswordHash::new(&hash).ok()?;
        Argon2::default().verify_password(password.as_bytes(), &hash).ok()
    };
    Ok(on_hashing_thread(verify).await?.is_some())
}
