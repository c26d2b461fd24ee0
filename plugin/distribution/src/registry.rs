//! Requests to a registry, by the OCI distribution specification.
//!
//! A registry decides neither how much is read nor where credentials go: bodies are bounded, redirects are followed
//! only where a blob is read, without credentials, and a token server has to be the registry itself or one that the
//! operator named. What it says of an error is shown without the credentials, which it was sent.

use crate::credentials::Credentials;
use crate::reference::Reference;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use ureq::http::{HeaderMap, Method, Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};
use url::Url;

/// To a registry that is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of one request with its whole answer: the largest component over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
/// Registries send a reader of a blob to their storage, and that perhaps to another region.
const MAX_REDIRECTS: usize = 3;
/// A token and what is said about it.
const MAX_TOKEN_BYTES: u64 = 64 << 10;
/// The beginning of what a registry says of an error that is told to the operator.
const MAX_REASON_BYTES: u64 = 2 << 10;

/// As whom a registry is asked, and how.
#[derive(Clone)]
pub struct Access {
    /// Nobody in particular, if there are none.
    pub credentials: Option<Credentials>,
    /// The host of a token server that is not the registry: credentials are sent there as well.
    pub token_server: Option<String>,
    /// A PEM file with certificates that are trusted besides the system's: of an authority of one's own. With it, a
    /// registry on this machine is reached over TLS as well.
    pub authority: Option<PathBuf>,
    /// For one request with its whole answer.
    pub request_timeout: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self { credentials: None, token_server: None, authority: None, request_timeout: REQUEST_TIMEOUT }
    }
}

/// A registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It could not be reached, or its answer broke off.
    #[error("the registry {registry} cannot be reached: {reason}")]
    Unreachable {
        /// Host and port.
        registry: String,
        /// What happened.
        reason: String,
    },
    /// It refused.
    #[error("the registry {registry} refused {what}: {status} {reason}")]
    Refused {
        /// Host and port.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it said.
        reason: String,
    },
    /// It answered with more than is read.
    #[error("the registry {registry} sends more than {limit} bytes for {what}; that is not read")]
    TooLarge {
        /// Host and port.
        registry: String,
        /// What it was asked for.
        what: String,
        /// The most that is read.
        limit: u64,
    },
    /// The certificates that were named cannot be used.
    #[error("the certificates in {path} cannot be used: {reason}")]
    Authority {
        /// Their file.
        path: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
    /// It sends requests elsewhere.
    #[error("the registry {registry} sends {what} to {target}, which is not followed: {reason}")]
    Elsewhere {
        /// Host and port.
        registry: String,
        /// What was asked for.
        what: String,
        /// Where to.
        target: String,
        /// Why not.
        reason: &'static str,
    },
}

/// A repository of a registry.
pub(crate) struct Repository {
    agent: Agent,
    /// Where its API is.
    origin: String,
    reference: Reference,
    access: Access,
    /// What is sent as `Authorization` since the registry asked for it.
    authorization: RefCell<Option<String>>,
}

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    pub(crate) media_type: &'static str,
    pub(crate) body: &'a [u8],
}

impl Repository {
    pub(crate) fn new(reference: &Reference, access: Access) -> Result<Self, RegistryError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(access.request_timeout));
        if reference.is_local() {
            config = config.proxy(None);
        }
        let is_tls = !reference.is_local() || access.authority.is_some();
        if is_tls {
            config = config.tls_config(tls(reference, access.authority.as_deref())?);
        }
        let origin = format!("{}://{}", if is_tls { "https" } else { "http" }, reference.registry());
        let agent = config.build().into();
        Ok(Self { agent, origin, reference: reference.clone(), access, authorization: RefCell::default() })
    }

    /// The address of something in the repository.
    fn address(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.origin, self.reference.repository())
    }

    /// The manifest at `path`, at most `limit` bytes. It names everything else, so it is the registry's own or none.
    pub(crate) fn manifest(&self, path: &str, media_type: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        self.get(path, media_type, limit, 0)
    }

    /// The blob at `path`, at most `limit` bytes.
    pub(crate) fn blob(&self, path: &str, media_type: &str, limit: u64) -> Result<Vec<u8>, RegistryError> {
        self.get(path, media_type, limit, MAX_REDIRECTS)
    }

    fn get(&self, path: &str, accept: &str, limit: u64, redirects: usize) -> Result<Vec<u8>, RegistryError> {
        let mut response = self.send(&Method::GET, &self.address(path), Some(accept), None)?;
        let mut from = self.parsed(&self.address(path), path)?;
        let mut left = redirects;
        while response.status().is_redirection() {
            from = self.redirected(&from, response.headers(), path, left)?;
            left -= 1;
            // Without credentials: it is another server's.
            response = self.once(&Method::GET, from.as_str(), None, None, None)?;
        }
        if !response.status().is_success() {
            return Err(self.refused(path, response));
        }
        self.read(path, response, limit)
    }

    /// Whether there is something at `path`.
    pub(crate) fn has(&self, path: &str) -> Result<bool, RegistryError> {
        let response = self.send(&Method::HEAD, &self.address(path), None, None)?;
        match response.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refused(path, response)),
        }
    }

    /// Puts `sending` at `path`.
    pub(crate) fn put(&self, path: &str, sending: Sending<'_>) -> Result<(), RegistryError> {
        self.accepted(path, self.send(&Method::PUT, &self.address(path), None, Some(sending))?).map(drop)
    }

    /// Uploads a blob that has `digest`.
    pub(crate) fn upload(&self, digest: &str, body: &[u8]) -> Result<(), RegistryError> {
        const WHAT: &str = "blobs/uploads/";
        let empty = Sending { media_type: "application/octet-stream", body: &[] };
        let address = self.address(WHAT);
        let begun = self.accepted(WHAT, self.send(&Method::POST, &address, None, Some(empty))?)?;
        let from = self.parsed(&address, WHAT)?;
        let mut to = self.target(&from, begun.headers(), WHAT)?;
        // Credentials go there, so it has to be the registry.
        if to.origin() != from.origin() {
            return Err(self.elsewhere(WHAT, &to, "an upload has to go to the registry itself"));
        }
        to.query_pairs_mut().append_pair("digest", digest);
        let sending = Sending { media_type: "application/octet-stream", body };
        self.accepted(WHAT, self.send(&Method::PUT, to.as_str(), None, Some(sending))?).map(drop)
    }

    /// Sends a request to the registry, and once more as whom it asks for: a token is for one kind of request, and for
    /// some minutes.
    fn send(
        &self,
        method: &Method,
        address: &str,
        accept: Option<&str>,
        sending: Option<Sending<'_>>,
    ) -> Result<Response<Body>, RegistryError> {
        let known = self.authorization.borrow().clone();
        let response = self.once(method, address, accept, known.as_deref(), sending)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<_> = challenges.map(str::to_owned).collect();
        let authorization = self.authorize(&challenges)?;
        if authorization.is_none() || authorization == known {
            return Ok(response);
        }
        self.authorization.borrow_mut().clone_from(&authorization);
        self.once(method, address, accept, authorization.as_deref(), sending)
    }

    fn once(
        &self,
        method: &Method,
        address: &str,
        accept: Option<&str>,
        authorization: Option<&str>,
        sending: Option<Sending<'_>>,
    ) -> Result<Response<Body>, RegistryError> {
        let mut request = ureq::http::Request::builder().method(method).uri(address);
        for (name, value) in [("accept", accept), (AUTHORIZATION.as_str(), authorization)] {
            request = value.into_iter().fold(request, |request, value| request.header(name, value));
        }
        let unreachable = |error: ureq::Error| self.unreachable(error.to_string());
        let broken = |error: ureq::http::Error| self.unreachable(error.to_string());
        match sending {
            None => self.agent.run(request.body(()).map_err(broken)?).map_err(unreachable),
            Some(Sending { media_type, body }) => self
                .agent
                .run(request.header("content-type", media_type).body(body).map_err(broken)?)
                .map_err(unreachable),
        }
    }

    /// What to send as `Authorization` where the registry answers with `challenges`; nothing where it cannot be known.
    fn authorize(&self, challenges: &[String]) -> Result<Option<String>, RegistryError> {
        let basic = self.access.credentials.as_ref().map(|credentials| format!("Basic {}", encoded(credentials)));
        let of_scheme = |scheme: &str| {
            let begins =
                |text: &&String| text.get(..scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme));
            challenges.iter().find(begins).and_then(|text| text.get(scheme.len()..))
        };
        match of_scheme("Bearer ") {
            Some(parameters) => self.token(&challenge(parameters), basic.as_deref()),
            None if of_scheme("Basic ").is_some() => Ok(basic),
            None => Ok(None),
        }
    }

    fn token(
        &self,
        parameters: &BTreeMap<String, String>,
        basic: Option<&str>,
    ) -> Result<Option<String>, RegistryError> {
        const WHAT: &str = "a token";
        let Some(realm) = parameters.get("realm") else { return Ok(None) };
        let mut server = self.parsed(realm, WHAT)?;
        let registry = self.parsed(&self.origin, WHAT)?;
        let is_named = self.access.token_server.is_some() && server.host_str() == self.access.token_server.as_deref();
        if server.host_str() != registry.host_str() && !is_named {
            return Err(self.elsewhere(WHAT, &server, "name the host of the token server if it is the right one"));
        }
        if server.scheme() != registry.scheme() {
            return Err(self.elsewhere(WHAT, &server, "tokens are asked for over HTTPS alone"));
        }
        let asked = ["service", "scope"].into_iter().filter_map(|name| Some((name, parameters.get(name)?)));
        server.query_pairs_mut().extend_pairs(asked);
        let response = self.once(&Method::GET, server.as_str(), None, basic, None)?;
        if !response.status().is_success() {
            return Err(self.refused(WHAT, response));
        }
        let body = self.read(WHAT, response, MAX_TOKEN_BYTES)?;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = body.get("token").or_else(|| body.get("access_token")).and_then(serde_json::Value::as_str);
        Ok(token.map(|token| format!("Bearer {token}")))
    }

    /// Where a redirect leads, if it may be followed: `left` more of them are.
    fn redirected(&self, from: &Url, headers: &HeaderMap, what: &str, left: usize) -> Result<Url, RegistryError> {
        let to = self.target(from, headers, what)?;
        let is_safe = to.scheme() == "https" || (from.scheme() == "http" && to.origin() == from.origin());
        match () {
            () if left == 0 => Err(self.elsewhere(what, &to, "manifests are not followed, and blobs three times")),
            () if !is_safe => Err(self.elsewhere(what, &to, "redirects are followed to HTTPS alone")),
            () => Ok(to),
        }
    }

    fn target(&self, from: &Url, headers: &HeaderMap, what: &str) -> Result<Url, RegistryError> {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        from.join(location).map_err(|error| self.unreachable(format!("{what}: {location:?}: {error}")))
    }

    fn parsed(&self, address: &str, what: &str) -> Result<Url, RegistryError> {
        Url::parse(address).map_err(|error| self.unreachable(format!("{what}: {address:?}: {error}")))
    }

    fn read(&self, what: &str, mut response: Response<Body>, limit: u64) -> Result<Vec<u8>, RegistryError> {
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(limit) => {
                RegistryError::TooLarge { registry: self.registry(), what: what.to_owned(), limit }
            }
            other => self.unreachable(other.to_string()),
        })
    }

    fn accepted(&self, what: &str, response: Response<Body>) -> Result<Response<Body>, RegistryError> {
        if response.status().is_success() { Ok(response) } else { Err(self.refused(what, response)) }
    }

    fn refused(&self, what: &str, response: Response<Body>) -> RegistryError {
        let status = response.status().as_u16();
        let said = self.read(what, response, MAX_REASON_BYTES).unwrap_or_default();
        let printable = |c: char| if provider_host::is_control(c) { ' ' } else { c };
        let reason = self.masked(&String::from_utf8_lossy(&said)).chars().map(printable).collect();
        RegistryError::Refused { registry: self.registry(), what: what.to_owned(), status, reason }
    }

    fn elsewhere(&self, what: &str, target: &Url, reason: &'static str) -> RegistryError {
        // Not its query: it can have a signature for a storage in it.
        let target = target.origin().ascii_serialization();
        RegistryError::Elsewhere { registry: self.registry(), what: what.to_owned(), target, reason }
    }

    fn unreachable(&self, reason: String) -> RegistryError {
        RegistryError::Unreachable { registry: self.registry(), reason: self.masked(&reason) }
    }

    /// `text` without what was sent as credentials.
    fn masked(&self, text: &str) -> String {
        let authorization = self.authorization.borrow();
        let token = authorization.as_ref().and_then(|value| value.split_once(' ')).map(|(_, token)| token.to_owned());
        let credentials = self.access.credentials.iter().flat_map(|own| [encoded(own), own.password.clone()]);
        let secrets = token.into_iter().chain(credentials).filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(&secret, "***"))
    }

    fn registry(&self) -> String {
        self.reference.registry().to_owned()
    }
}

/// Trust in the system's roots, and in those of `authority`.
fn tls(reference: &Reference, authority: Option<&Path>) -> Result<TlsConfig, RegistryError> {
    let mut roots = authority.map(certificates).transpose()?.unwrap_or_default();
    let of_system = rustls_native_certs::load_native_certs().certs;
    roots.extend(of_system.iter().map(|root| Certificate::from_der(root).to_owned()));
    if roots.is_empty() {
        let reason = "the system has no certificate roots; install ca-certificates".to_owned();
        return Err(RegistryError::Unreachable { registry: reference.registry().to_owned(), reason });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCerts::Specific(Arc::new(roots));
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

/// The certificates in the PEM file `path`.
fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, RegistryError> {
    let broken = |reason: String| RegistryError::Authority { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(|error| broken(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        match item.map_err(|error| broken(error.to_string()))? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => return Err(broken("it has something else than certificates in it".to_owned())),
        }
    }
    if found.is_empty() { Err(broken("there are none in it; it has to be PEM".to_owned())) } else { Ok(found) }
}

/// As they are sent.
fn encoded(Credentials { user, password }: &Credentials) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}

/// The parameters `name="value"` of a challenge. No value that is of use has a quotation mark in it.
fn challenge(parameters: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = parameters;
    while let Some((name, after)) = rest.split_once("=\"") {
        let Some((value, after)) = after.split_once('"') else { break };
        found.insert(name.trim_matches([',', ' ']).to_ascii_lowercase(), value.to_owned());
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::challenge;

    #[test]
    fn challenges_are_taken_apart() {
        let parameters =
            challenge("realm=\"https://a.example/token\",service=\"a, b\", scope=\"repository:np:pull,push\"");
        let expected =
            [("realm", "https://a.example/token"), ("scope", "repository:np:pull,push"), ("service", "a, b")];
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(parameters, expected);
        assert!(challenge("realm=\"unfinished").is_empty());
    }
}
