//! Where an artifact is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Longest name of a repository and of a tag: what the distribution specification allows.
const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;
/// The tag of a reference that has neither tag nor digest.
const LATEST: &str = "latest";

/// `REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// The text is no reference.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is not the address of an artifact: write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, like \
     registry.example.jp/providers/np:1.2.0"
)]
pub struct ReferenceError(String);

impl Reference {
    /// Host, and port if there is one.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The digest (`sha256:…`) that the manifest must have, if it is given.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// What the registry is asked for: the digest, or the tag.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or(LATEST)
    }

    /// The tag under which an artifact is pushed; `latest` if none is given.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or(LATEST)
    }

    /// The same artifact, pinned to the manifest `digest`.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// Whether the registry is on this machine: it is reached by no proxy, and without TLS unless an authority is named.
    pub fn is_local(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(&*self.registry, |(host, _)| host);
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let error = || ReferenceError(text.to_owned());
        let bare = text.strip_prefix("oci://").unwrap_or(text);
        let (name, digest) = bare.split_once('@').map_or((bare, None), |(name, digest)| (name, Some(digest)));
        let (registry, rest) = name.split_once('/').ok_or_else(error)?;
        let (repository, tag) = rest.rsplit_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
        let is_good = is_registry(registry)
            && is_repository(repository)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let reference = || Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: owned(tag),
            digest: owned(digest),
        };
        is_good.then(reference).ok_or_else(error)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// A host and perhaps a port, which mean nothing else in an address.
fn is_registry(text: &str) -> bool {
    let address = url::Url::parse(&format!("https://{text}/"));
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    is_plain
        && address.is_ok_and(|address| address.host().is_some())
        && (text.contains(['.', ':']) || text == "localhost")
}

fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) && part.chars().all(is_inner)
    };
    text.len() <= MAX_REPOSITORY && text.split('/').all(is_part)
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=MAX_TAG).contains(&text.len())
        && text.starts_with(is_word)
        && text.chars().all(|c| is_word(c) || matches!(c, '.' | '-'))
}

/// Whether `text` is `sha256:` and 64 digits.
pub(crate) fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart_and_put_together() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            "registry.example.jp/np",
            "registry.example.jp/providers/np:1.2.0",
            "127.0.0.1:5000/np:1.0",
            &format!("localhost:5000/np@{digest}"),
            &format!("registry.example.jp/providers/np:1.2.0@{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
            assert_eq!(format!("oci://{text}").parse::<Reference>().unwrap().to_string(), text);
        }
        let pinned = "registry.example.jp/np:1".parse::<Reference>().unwrap().pinned(&digest);
        assert_eq!((pinned.version(), pinned.tag()), (&*digest, "1"));
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        let short = "registry.example.jp/np@sha256:aa";
        for text in [
            "np",
            "np:1",
            "a.example/",
            "a.example/NP",
            "a.example/../np",
            "u@a.example/np",
            "a.example/np:",
            "a.example?/np",
            "a.example/np?x",
            "https://a.example/np",
            "a.example/np:a/b",
            short,
            "",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_reached_without_tls() {
        for (text, local) in [
            ("127.0.0.1:5000/np", true),
            ("localhost:5000/np", true),
            ("[::1]:5000/np", true),
            ("10.0.0.1:5000/np", false),
            ("localhost.example.jp/np", false),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.is_local(), local, "{text}");
        }
    }
}
