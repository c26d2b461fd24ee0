//! Keys and signatures of authors, in minisign's format: its own program makes and reads the same.

use minisign::{PError, SecretKeyBox};
use provider_host::SignedName;

/// A key could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The file is no secret key, or the password is wrong.
    #[error("the secret key cannot be used: {0}; check the file and its password")]
    Key(String),
    /// Signing failed.
    #[error("the component could not be signed: {0}")]
    Failed(String),
}

/// A new key of an author.
pub struct KeyPair {
    /// The content of the secret file, `.key`.
    pub secret: String,
    /// The content of the public file, `.pub`; its second line is what a permission file names.
    pub public: String,
}

/// Makes a key. An empty `password` leaves the secret one unencrypted: for a build server that keeps its secrets itself.
///
/// # Errors
///
/// The system has no random numbers, or no memory to encrypt the key with (scrypt takes 1 GiB).
pub fn generate_key(password: &str) -> Result<KeyPair, SigningError> {
    let failed = |error: PError| SigningError::Key(error.to_string());
    let pair = match password.is_empty() {
        true => minisign::KeyPair::generate_unencrypted_keypair(),
        false => minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned())),
    };
    let pair = pair.map_err(failed)?;
    Ok(KeyPair {
        secret: pair.sk.to_box(None).map_err(failed)?.into_string(),
        public: pair.pk.to_box().map_err(failed)?.into_string(),
    })
}

/// Signs `component` as `name` with the secret key `secret`, the content of its file; the content of the signature's
/// file, `.minisig`. What is signed has to be what the component describes, or no host loads it.
///
/// # Errors
///
/// The key cannot be read with this password.
pub fn sign(component: &[u8], name: &SignedName, secret: &str, password: &str) -> Result<String, SigningError> {
    let key = SecretKeyBox::from_string(secret).and_then(|sealed| match password.is_empty() {
        true => sealed.into_unencrypted_secret_key(),
        false => sealed.into_secret_key(Some(password.to_owned())),
    });
    let key = key.map_err(|error| SigningError::Key(error.to_string()))?;
    let signature =
        minisign::sign(None, &key, component, Some(&name.to_string()), Some("signature of a provider plugin"));
    signature.map(|signature| signature.into_string()).map_err(|error| SigningError::Failed(error.to_string()))
}
