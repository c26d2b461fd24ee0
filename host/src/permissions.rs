//! What a platform grants a plugin: a small TOML file beside the component.

use crate::signature::{Demanded, PublicKey};
use http::Uri;
use ipnet::IpNet;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A permission file is a few lines; more than this is some other file.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// What one plugin may reach.
///
/// ```toml
/// # The provider that this is for; a component that describes another one is refused.
/// provider = "atobarai-com"
/// # Refuse any other file than this one (optional).
/// sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
/// # Refuse any file that is not signed with one of these keys (optional) …
/// public-keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
/// # … as this version or a later one (optional).
/// min-version = "1.2.0"
/// # Scheme, host and port of the gateways that it may talk to.
/// origins = ["https://www.atobarai.jp"]
/// # Addresses that are reached although they are not public: a test gateway on this machine.
/// private-addresses = ["127.0.0.1/32"]
/// # Refuse a component that imports WASI interfaces for anything but HTTP (optional).
/// refuse-empty-wasi = true
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Permissions {
    /// Id of the provider that the component must describe; any if absent. A platform that has more than one
    /// provider demands it: the id decides whose credentials the component is given.
    pub provider: Option<String>,
    /// Hex SHA-256 that the component must have; any if absent.
    pub sha256: Option<String>,
    /// Keys of which one must have signed the component; no signature is needed if there are none.
    #[serde(default)]
    pub public_keys: Vec<PublicKey>,
    /// The oldest version that is accepted, by what was signed. Only with [`Permissions::public_keys`]: what a component
    /// says of itself without a signature proves nothing.
    pub min_version: Option<Version>,
    /// Origins that the plugin may send requests to.
    #[serde(default)]
    pub origins: Vec<Origin>,
    /// Ranges that are not public and may be reached all the same.
    #[serde(default)]
    pub private_addresses: Vec<IpNet>,
    /// Refuses a component that imports interfaces of [`ImportGroup::EmptyWasi`](crate::ImportGroup). They are
    /// accepted unless this is set, for they give access to nothing and most languages cannot do without them; a
    /// platform that only runs plugins of the SDK can demand that there are none.
    #[serde(default)]
    pub refuse_empty_wasi: bool,
}

/// Why a permission file was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PermissionError {
    /// The file could not be read.
    #[error("cannot read the permission file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is far too large to be a permission file.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes: not a permission file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not valid; the message names line and key.
    #[error("the permission file {} is not valid: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, key and what is wrong.
        message: String,
    },
}

impl Permissions {
    /// Reads a permission file. An unknown key is an error: a misspelt permission must not pass.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PermissionError> {
        Self::from_text(&path, &Self::text_of(&path)?)
    }

    /// The content of the permission file `path`, for [`Permissions::from_text`].
    pub fn text_of(path: impl AsRef<Path>) -> Result<String, PermissionError> {
        let path = path.as_ref();
        let unreadable = |source| PermissionError::Unreadable { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
            return Err(PermissionError::TooLarge { path: path.to_owned() });
        }
        std::fs::read_to_string(path).map_err(unreadable)
    }

    /// Reads `text`, the content of a permission file; errors call it `path`.
    pub fn from_text(path: impl AsRef<Path>, text: &str) -> Result<Self, PermissionError> {
        let path = path.as_ref();
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(PermissionError::TooLarge { path: path.to_owned() });
        }
        let invalid = |message| PermissionError::Invalid { path: path.to_owned(), message };
        let parsed: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        if parsed.min_version.is_some() && parsed.public_keys.is_empty() {
            return Err(invalid("`min-version` is of a signature, so it needs `public-keys`".to_owned()));
        }
        Ok(parsed)
    }

    /// What a component's signature has to be.
    pub(crate) fn demanded_signature(&self) -> Demanded<'_> {
        let Self { public_keys, min_version, provider, .. } = self;
        Demanded { keys: public_keys, provider: provider.as_deref(), min_version: min_version.as_ref() }
    }

    /// The same file's grant, and no more than `other` grants as well.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let both = |one: &[IpNet], other: &[IpNet]| {
            let within = |range: &&IpNet| other.iter().any(|wider| wider.contains(*range));
            one.iter().filter(within).copied().collect::<Vec<_>>()
        };
        let mut private_addresses = both(&self.private_addresses, &other.private_addresses);
        let narrower = both(&other.private_addresses, &self.private_addresses);
        private_addresses.extend(narrower.into_iter().filter(|range| !self.private_addresses.contains(range)));
        let origins = self.origins.iter().filter(|origin| other.origins.contains(origin)).cloned().collect();
        let refuse_empty_wasi = self.refuse_empty_wasi || other.refuse_empty_wasi;
        Self { origins, private_addresses, refuse_empty_wasi, ..self.clone() }
    }

    /// Permission for one gateway on this machine: an origin whose host is a loopback address.
    pub fn loopback(origin: Origin) -> Self {
        let private_addresses = origin.host.parse::<IpAddr>().map(IpNet::from).into_iter().collect();
        Self { origins: vec![origin], private_addresses, ..Self::default() }
    }
}

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// The text is not `http://host[:port]` or `https://host[:port]`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is not an origin: write scheme, host and port alone, like https://www.example.jp or http://127.0.0.1:8080"
)]
pub struct OriginError(String);

impl Origin {
    /// The origin of an absolute URL, or nothing where it has none. Case and default ports do not
    /// distinguish origins.
    pub fn of(url: &Uri) -> Option<Self> {
        let scheme = url.scheme_str()?.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = url.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = match authority.host().strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').filter(|address| address.parse::<Ipv6Addr>().is_ok())?,
            // A bracket anywhere else is let pass by the parser of URLs and by nothing after it.
            None => Some(authority.host()).filter(|host| !host.contains(['[', ']']))?,
        };
        let host = host.to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(default_port);
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let error = || OriginError(text.to_owned());
        let url: Uri = text.parse().map_err(|_| error())?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && !text.contains('#');
        if bare { Self::of(&url).ok_or_else(error) } else { Err(error()) }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        assert_eq!(origin("https://WWW.Example.jp"), origin("https://www.example.jp:443/"));
        assert_ne!(origin("https://www.example.jp"), origin("http://www.example.jp"));
        assert_ne!(origin("https://www.example.jp"), origin("https://www.example.jp:8443"));
        assert_ne!(origin("https://www.example.jp"), origin("https://www.example.jp.evil.example"));
        assert_eq!(origin("http://[::1]:80").to_string(), "http://[::1]:80");
    }

    #[test]
    fn an_origin_is_nothing_more() {
        for bad in [
            "http://a[:80",
            "http://[a]:80",
            "http://]",
            "",
            "https://",
            "www.example.jp",
            "ftp://h",
            "https://h/path",
            "https://h?q",
            "https://u@h",
            "https://h#f",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_two_grants_have_in_common_is_no_more_than_either() {
        let grant = |origins: &[&str], ranges: &[&str]| Permissions {
            origins: origins.iter().map(|origin| origin.parse().unwrap()).collect(),
            private_addresses: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            ..Permissions::default()
        };
        let wide = grant(&["https://a.example", "https://b.example"], &["10.0.0.0/8", "127.0.0.1/32"]);
        let other = grant(&["https://b.example", "https://c.example"], &["10.1.0.0/16", "127.0.0.0/8", "::1/128"]);
        let common = grant(&["https://b.example"], &["127.0.0.1/32", "10.1.0.0/16"]);
        assert_eq!(wide.within(&other), common);
        assert_eq!(wide.within(&wide), wide);
        assert_eq!(wide.within(&Permissions::default()), Permissions::default());
    }

    #[test]
    fn a_misspelt_permission_is_an_error() {
        assert!(toml::from_str::<Permissions>("orgins = []").is_err());
        let parsed: Permissions =
            toml::from_str("origins = [\"http://127.0.0.1:1\"]\nprivate-addresses = [\"127.0.0.1/32\"]").unwrap();
        assert_eq!(parsed, Permissions::loopback("http://127.0.0.1:1".parse().unwrap()));
    }
}
