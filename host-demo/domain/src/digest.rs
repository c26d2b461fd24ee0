//! Digests of files.

use sha2::{Digest, Sha256};

/// SHA-256 of `parts` one after another, in hex.
pub fn digest(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part));
    hex::encode(digest.finalize())
}
