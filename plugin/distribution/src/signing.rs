//! Keys and signatures of authors, in minisign's format: its own program makes and reads the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minisign::{PError, PublicKey, SecretKey, SecretKeyBox, SignatureBox};
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

/// An author's secret key, opened.
pub struct SigningKey(SecretKey);

impl SigningKey {
    /// Opens `secret`, the content of a key's file. The password of a key that has none is not looked at.
    ///
    /// # Errors
    ///
    /// It is no secret key, or the password is another.
    pub fn open(secret: &str, password: &str) -> Result<Self, SigningError> {
        let failed = |error: PError| SigningError::Key(error.to_string());
        let sealed = SecretKeyBox::from_string(secret).map_err(failed)?;
        let key = match is_encrypted(secret)? {
            true => sealed.into_secret_key(Some(password.to_owned())),
            false => sealed.into_unencrypted_secret_key(),
        };
        Ok(Self(key.map_err(failed)?))
    }

    /// Signs `component` as `name`; the content of the signature's file, `.minisig`. What is signed has to be what the
    /// component describes, or no host loads it.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn sign(&self, component: &[u8], name: &SignedName) -> Result<String, SigningError> {
        let comment = Some("signature of a provider plugin");
        let signature = minisign::sign(None, &self.0, component, Some(&name.to_string()), comment);
        signature.map(SignatureBox::into_string).map_err(|error| SigningError::Failed(error.to_string()))
    }

    /// The public key, as permission files name it.
    ///
    /// # Errors
    ///
    /// The secret key has none in it.
    pub fn public(&self) -> Result<String, SigningError> {
        let key = PublicKey::from_secret_key(&self.0);
        key.map(|key| key.to_base64()).map_err(|error| SigningError::Key(error.to_string()))
    }
}

/// Whether `secret`, the content of a key's file, is opened with a password.
///
/// # Errors
///
/// It is no secret key.
pub fn is_encrypted(secret: &str) -> Result<bool, SigningError> {
    // The algorithms of signature and of the key's encryption begin a key, two bytes each.
    const ENCRYPTION: std::ops::Range<usize> = 2..4;
    const NONE: [u8; 2] = [0; 2];
    let not_a_key = || SigningError::Key("it is no secret key of minisign".to_owned());
    let encoded = secret.lines().nth(1).ok_or_else(not_a_key)?;
    let key = STANDARD.decode(encoded.trim()).map_err(|_| not_a_key())?;
    Ok(*key.get(ENCRYPTION).ok_or_else(not_a_key)? != NONE)
}
