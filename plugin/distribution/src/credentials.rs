//! As whom a registry is asked: from settings, or from what `docker login` keeps, which other tools of registries read
//! and write as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of docker's configuration, if it is not `.docker` in the home folder.
const FOLDER: &str = "DOCKER_CONFIG";
/// Some lines for each registry; more than this is some other file, or no answer of a helper.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// What a helper says in the place of a name where the secret is a token of docker's own.
const TOKEN: &str = "<token>";

/// A name and a password, or a token in the place of one.
#[derive(Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// There are credentials that cannot be used. The text has none of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A name without a password.
    #[error("there is a user for the registry and no password; put it into the variable {0}")]
    NoPassword(String),
    /// The file cannot be read.
    #[error("the registries' credentials in {path} cannot be read: {reason}")]
    Config {
        /// Docker's configuration.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A helper did not answer as it should.
    #[error("{helper}, which keeps the credentials for {registry} by {path}, did not give them: {reason}")]
    Helper {
        /// The program.
        helper: String,
        /// Host and port.
        registry: String,
        /// Docker's configuration, which names the program.
        path: PathBuf,
        /// What happened.
        reason: String,
    },
}

/// Docker's `config.json`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    username: String,
    secret: String,
}

impl Credentials {
    /// Those for `registry`, host and port: `user` with the password in the variable `password_variable`; without a
    /// user, what docker's configuration has; nobody's, if that has none.
    ///
    /// # Errors
    ///
    /// There is a user without a password, or a configuration that cannot be used.
    pub fn find(
        user: Option<String>,
        password_variable: &str,
        registry: &str,
    ) -> Result<Option<Self>, CredentialsError> {
        let Some(user) = user else { return docker_config().map_or(Ok(None), |path| Self::of_docker(&path, registry)) };
        match std::env::var(password_variable) {
            Ok(password) => Ok(Some(Self { user, password })),
            Err(_) => Err(CredentialsError::NoPassword(password_variable.to_owned())),
        }
    }

    /// Those for `registry` in docker's configuration at `path`.
    fn of_docker(path: &Path, registry: &str) -> Result<Option<Self>, CredentialsError> {
        let broken = |reason: String| CredentialsError::Config { path: path.to_owned(), reason };
        let text = match read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| broken(error.to_string()))?,
        };
        // Where the error is, without the text that stands there.
        let config: Config = serde_json::from_slice(&text)
            .map_err(|error| broken(format!("line {}, column {}", error.line(), error.column())))?;
        if let Some(helper) = config.cred_helpers.get(registry) {
            return Self::of_helper(helper, registry, path);
        }
        let Some((_, entry)) = config.auths.iter().find(|(name, _)| host(name) == registry) else { return Ok(None) };
        match (entry.credentials(registry).map_err(broken)?, config.creds_store) {
            (None, Some(helper)) => Self::of_helper(&helper, registry, path),
            (found, _) => Ok(found),
        }
    }

    /// Those that the program `docker-credential-{name}` keeps for `registry`.
    fn of_helper(name: &str, registry: &str, path: &Path) -> Result<Option<Self>, CredentialsError> {
        let helper = format!("docker-credential-{name}");
        let failed = |reason: String| CredentialsError::Helper {
            helper: helper.clone(),
            registry: registry.to_owned(),
            path: path.to_owned(),
            reason,
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(failed("that is no name of a helper".to_owned()));
        }
        let answer = ask(Command::new(&helper).arg("get"), registry).map_err(|error| failed(error.to_string()))?;
        let Some(answer) = answer else { return Ok(None) };
        let kept: Kept =
            serde_json::from_slice(&answer).map_err(|_| failed("its answer is no credentials".to_owned()))?;
        match kept.username == TOKEN {
            true => Err(failed("it keeps a token, and a name with a password is needed".to_owned())),
            false => Ok(Some(Self { user: kept.username, password: kept.secret })),
        }
    }
}

impl Entry {
    /// What is written in the entry; nothing where a helper keeps it.
    fn credentials(&self, registry: &str) -> Result<Option<Credentials>, String> {
        if self.identitytoken.is_some() {
            return Err(format!("it has a token for {registry}, and a name with a password is needed"));
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Ok(Some(Credentials { user: user.clone(), password: password.clone() }));
        }
        let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
        let decoded = STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = decoded.as_ref().and_then(|text| text.split_once(':'));
        let (user, password) =
            pair.ok_or_else(|| format!("`auth` of {registry} is no name with a password in base64"))?;
        Ok(Some(Credentials { user: user.to_owned(), password: password.to_owned() }))
    }
}

/// Docker's configuration, whether there is one or not.
fn docker_config() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    Some(folder.or_else(|| Some(std::env::home_dir()?.join(".docker")))?.join("config.json"))
}

/// Host and port of an entry's name, which can be a whole address.
fn host(name: &str) -> &str {
    let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(path)?.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut text)?;
    match text.len() as u64 > MAX_CONFIG_BYTES {
        true => Err(std::io::Error::other(format!("it has more than {MAX_CONFIG_BYTES} bytes"))),
        false => Ok(text),
    }
}

/// What a helper answers when it is asked for `registry`; nothing where it ends with an error, as one does that has no
/// credentials.
fn ask(command: &mut Command, registry: &str) -> std::io::Result<Option<Vec<u8>>> {
    let mut helper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    // A helper that does not read what it is asked says so by how it ends.
    if let Some(mut question) = helper.stdin.take() {
        let _ = question.write_all(registry.as_bytes());
    }
    let mut answer = Vec::new();
    if let Some(output) = helper.stdout.take() {
        output.take(MAX_CONFIG_BYTES).read_to_end(&mut answer)?;
    }
    Ok(helper.wait()?.success().then_some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, registry: &str) -> Result<Option<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config).unwrap();
        let found = Credentials::of_docker(&path, registry).map_err(|error| error.to_string());
        found.map(|found| found.map(|Credentials { user, password }| (user, password)))
    }

    #[test]
    fn what_docker_login_keeps_is_found_by_the_registry() {
        let auth = STANDARD.encode("tsuki:hoshi:hi");
        let config = format!(
            r#"{{"auths": {{
                "registry.example.jp": {{"auth": "{auth}"}},
                "https://other.example.jp/v2/": {{"username": "a", "password": "b"}},
                "kept.example.jp": {{}}
            }}, "HttpHeaders": {{}}}}"#
        );
        let pair = |user: &str, password: &str| Ok(Some((user.to_owned(), password.to_owned())));
        assert_eq!(found(&config, "registry.example.jp"), pair("tsuki", "hoshi:hi"));
        assert_eq!(found(&config, "other.example.jp"), pair("a", "b"));
        for nobody in ["example.jp", "registry.example.jp:5000", "kept.example.jp"] {
            assert_eq!(found(&config, nobody), Ok(None), "{nobody}");
        }
        let absent = Credentials::of_docker(Path::new("absent/config.json"), "registry.example.jp");
        assert!(absent.is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn a_configuration_that_cannot_be_used_is_told_without_its_secrets() {
        let secret = STANDARD.encode("no colon in it");
        for config in [
            format!(r#"{{"auths": {{"a.example": {{"auth": "{secret}"}}}}}}"#),
            format!(r#"{{"auths": {{"a.example": {{"identitytoken": "{secret}"}}}}}}"#),
            format!(r#"{{"auths": {{"a.example": "{secret}"}}}}"#),
            r#"{"credHelpers": {"a.example": "../a"}}"#.to_owned(),
            r#"{"credHelpers": {"a.example": "that-is-not-there"}}"#.to_owned(),
            " ".repeat(2 << 20),
        ] {
            let error = found(&config, "a.example").unwrap_err();
            assert!(error.contains("config.json") && !error.contains(&secret), "{error}");
        }
        // What is wrong with another registry's is in nobody's way.
        let config = format!(r#"{{"auths": {{"a.example": {{"auth": "{secret}"}}}}}}"#);
        assert_eq!(found(&config, "b.example"), Ok(None));
    }
}
