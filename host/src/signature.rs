//! Signatures of components in minisign's format, verified before a byte of the component is parsed.
//!
//! What is signed is the file and, in the signature's trusted comment, the provider and the version that it is: an old
//! release has a valid signature as well, so only a signed version can tell that a file was replaced by an older one.

use semver::Version;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Begins a trusted comment that names a provider and its version.
const SIGNED_NAME: &str = "deferred-payment-provider";
/// A signature is four lines, some 300 bytes; more than this is some other file.
pub(crate) const MAX_SIGNATURE_BYTES: u64 = 4 << 10;

/// What a signature says that the component is: `deferred-payment-provider ID VERSION` in the trusted comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedName {
    /// Id of the provider.
    pub provider: String,
    /// Version of the plugin, as its description has it.
    pub version: Version,
}

impl fmt::Display for SignedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SIGNED_NAME} {} {}", self.provider, self.version)
    }
}

impl FromStr for SignedName {
    type Err = SignatureError;

    fn from_str(comment: &str) -> Result<Self, SignatureError> {
        let unnamed = || SignatureError::Unnamed { comment: shown(comment) };
        let mut words = comment.split_ascii_whitespace();
        match (words.next(), words.next(), words.next().map(str::parse), words.next()) {
            (Some(SIGNED_NAME), Some(provider), Some(Ok(version)), None) => {
                Ok(Self { provider: provider.to_owned(), version })
            }
            _ => Err(unnamed()),
        }
    }
}

/// The beginning of a text that a stranger wrote, in printable characters.
fn shown(text: &str) -> String {
    const SHOWN: usize = 100;
    text.chars().take(SHOWN).map(|c| if crate::text::is_control(c) { '\u{fffd}' } else { c }).collect()
}

/// A public key that signs components: the second line of minisign's `.pub` file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    text: String,
    key: minisign_verify::PublicKey,
}

/// The text is not a public key of minisign.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0:?} is not a public key of minisign: write the second line of the .pub file, which begins with RW")]
pub struct PublicKeyError(String);

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let key = minisign_verify::PublicKey::from_base64(text).map_err(|_| PublicKeyError(shown(text)))?;
        Ok(Self { text: text.to_owned(), key })
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(text: String) -> Result<Self, PublicKeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.text
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A signature that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifiedSignature {
    /// The key that made it.
    pub key: PublicKey,
    /// What it says that the component is.
    pub name: SignedName,
    /// The signature itself.
    pub text: String,
}

/// What a permission file demands of a signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demanded<'a> {
    /// Any of these keys.
    pub(crate) keys: &'a [PublicKey],
    /// The provider that it has to be for, if that is said.
    pub(crate) provider: Option<&'a str>,
    /// The oldest version that is accepted.
    pub(crate) min_version: Option<&'a Version>,
}

/// Why a component's signature is not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is none.
    #[error(
        "it has no signature, and its permission file demands one; put the author's signature beside it, in a file with \
         the component's name and .minisig"
    )]
    Missing,
    /// It is no signature of minisign, or of the kind that does not hash the file first.
    #[error("its signature cannot be read ({0}); sign it with a current minisign, or `provider sign`")]
    Unreadable(String),
    /// It was made with another key.
    #[error(
        "it was signed with another key than its permission file names; check who signed it, and name that key in \
         `public-keys` if it is right"
    )]
    OtherKey,
    /// The key is right, and the signature is for another file or was changed.
    #[error(
        "the component is not the file that was signed, or its signature was changed; get both from their author again"
    )]
    Mismatch,
    /// The signature does not say what it is for.
    #[error(
        "its signature is for {comment:?}; the trusted comment has to be `deferred-payment-provider ID VERSION`, as \
         `provider sign` writes it"
    )]
    Unnamed {
        /// The beginning of the trusted comment.
        comment: String,
    },
    /// It is signed as another provider than its permission file, or its own description, says.
    #[error(
        "it is signed as the provider {signed:?}, but it is used as {expected:?}; check that the files belong together"
    )]
    Provider {
        /// The provider of the signature.
        signed: String,
        /// The other one.
        expected: String,
    },
    /// It describes another version than the one that was signed.
    #[error("it is signed as version {signed}, but describes itself as {described:?}; its author has to sign it again")]
    Version {
        /// The version of the signature.
        signed: Version,
        /// The version of the description.
        described: String,
    },
    /// It is older than what is accepted.
    #[error(
        "it is version {found}, and its permission file accepts {lowest} and later; get the current version, or lower \
         `min-version` if the older one is meant"
    )]
    Downgraded {
        /// The version of the signature.
        found: Version,
        /// The oldest version that is accepted.
        lowest: Version,
    },
}

/// Verifies that `signature` is for `component` and what is `demanded`; nothing where no key is.
pub(crate) fn verify(
    component: &[u8],
    signature: Option<&str>,
    demanded: Demanded<'_>,
) -> Result<Option<VerifiedSignature>, SignatureError> {
    if demanded.keys.is_empty() {
        return Ok(None);
    }
    let text = signature.ok_or(SignatureError::Missing)?;
    let decoded =
        minisign_verify::Signature::decode(text).map_err(|error| SignatureError::Unreadable(error.to_string()))?;
    let key = signer(component, &decoded, demanded.keys)?.clone();
    let name: SignedName = decoded.trusted_comment().parse()?;
    if let Some(expected) = demanded.provider.filter(|expected| *expected != name.provider) {
        return Err(SignatureError::Provider { signed: name.provider, expected: expected.to_owned() });
    }
    if let Some(lowest) = demanded.min_version.filter(|lowest| name.version < **lowest) {
        return Err(SignatureError::Downgraded { found: name.version, lowest: lowest.clone() });
    }
    Ok(Some(VerifiedSignature { key, name, text: text.to_owned() }))
}

/// Which of `keys` made `signature` for `component`.
fn signer<'a>(
    component: &[u8],
    signature: &minisign_verify::Signature,
    keys: &'a [PublicKey],
) -> Result<&'a PublicKey, SignatureError> {
    let mut refused = SignatureError::OtherKey;
    for key in keys {
        match key.key.verify(component, signature, false) {
            Ok(()) => return Ok(key),
            // Keys have short ids, and this one has another.
            Err(minisign_verify::Error::UnexpectedKeyId) => {}
            Err(minisign_verify::Error::InvalidSignature) => refused = SignatureError::Mismatch,
            Err(other) => refused = SignatureError::Unreadable(other.to_string()),
        }
    }
    Err(refused)
}

impl VerifiedSignature {
    /// Refuses a description that is not what was signed.
    pub(crate) fn check_description(&self, provider: &str, version: &str) -> Result<(), SignatureError> {
        let SignedName { provider: signed, version: signed_version } = &self.name;
        if signed != provider {
            return Err(SignatureError::Provider { signed: signed.clone(), expected: provider.to_owned() });
        }
        if signed_version.to_string() != version {
            return Err(SignatureError::Version { signed: signed_version.clone(), described: version.to_owned() });
        }
        Ok(())
    }
}
