//! Random tokens, of which the store keeps only the SHA-256.

use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::digest;

/// Bytes of a token: too many to be guessed, ever.
const TOKEN_BYTES: usize = 32;

pub(super) fn random_token() -> Result<String> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn token_digest(token: &str) -> String {
    digest(&[token.as_bytes()])
}
