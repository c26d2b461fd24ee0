//! A registry decides neither what is loaded, nor how much is read, nor where credentials go.

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Answer, Authority, Request, Server};
use provider_distribution::{
    Access, ArtifactError, Credentials, Metadata, Pulled, Reference, RegistryError, pull, push,
};
use provider_host::ComponentFile;
use sha2::{Digest, Sha256};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const COMPONENT: &[u8] = b"the bytes of a component";
/// The most that is pulled.
const LIMIT: u64 = 1 << 20;
const PASSWORD: &str = "tsuki-to-hoshi";
/// Far above what a bounded request takes.
const FOR_EVER: Duration = Duration::from_secs(60);

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

/// The manifest of a component that has `digest` and `size`.
fn manifest_of(digest: &str, size: usize) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.wasm.config.v0+json","digest":"{digest}","size":2}},
        "layers":[{{"mediaType":"application/wasm","digest":"{digest}","size":{size}}}]}}"#
    )
    .into_bytes()
}

fn manifest() -> Vec<u8> {
    manifest_of(&digest(COMPONENT), COMPONENT.len())
}

/// What an honest registry answers.
fn honest(request: &Request) -> Answer {
    match request {
        Request { path, .. } if path.contains("/manifests/") && request.method == "GET" => Answer::ok(manifest()),
        Request { path, .. } if path.contains(&digest(COMPONENT)) && request.method == "GET" => Answer::ok(COMPONENT),
        Request { method, .. } if method == "HEAD" => Answer::status(404),
        Request { method, .. } if method == "POST" => {
            Answer::Whole(202, vec![("location", "/v2/np/up?x=1".to_owned())], vec![])
        }
        Request { method, .. } if method == "PUT" => Answer::status(201),
        _ => Answer::status(404),
    }
}

fn reference(server: &Server) -> Reference {
    format!("{}/np:1", server.address).parse().unwrap()
}

fn pulled(server: &Server, access: Access) -> Result<Pulled, ArtifactError> {
    pull(&reference(server), LIMIT, access)
}

fn pushed(server: &Server, access: Access) -> Result<Reference, ArtifactError> {
    push(&reference(server), &ComponentFile::from(COMPONENT.to_vec()), &Metadata::default(), access)
}

fn as_author() -> Access {
    let credentials = Credentials { user: "author".to_owned(), password: PASSWORD.to_owned() };
    Access { credentials: Some(credentials), ..Access::default() }
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("author:{PASSWORD}")))
}

fn text(result: Result<impl std::fmt::Debug, ArtifactError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_registry_that_asks_for_a_password_gets_it_and_no_error_shows_it() {
    let asking = |request: &Request| match &request.authorization {
        Some(sent) if *sent == basic() => honest(request),
        // It says back what it was sent.
        Some(sent) => Answer::Whole(403, vec![], format!("who is {sent} {PASSWORD}").into_bytes()),
        None => Answer::asks("Basic realm=\"registry\"".to_owned()),
    };
    let server = Server::start(asking);
    assert_eq!(pulled(&server, as_author()).unwrap().component.bytes, COMPONENT);
    assert_eq!(server.seen()[0].authorization, None, "nothing is sent before it is asked for");
    assert!(text(pulled(&server, Access::default())).contains("401"));
    let other = Credentials { user: "someone".to_owned(), password: PASSWORD.to_owned() };
    let refused = text(pulled(&server, Access { credentials: Some(other), ..Access::default() }));
    assert!(refused.contains("403 who is Basic *** ***"), "{refused}");
}

#[test]
fn a_token_is_for_what_it_was_asked_for_and_for_some_requests() {
    // Each token is for one scope, and is taken twice.
    let (uses, port) = (Mutex::new(std::collections::BTreeMap::new()), std::sync::OnceLock::new());
    let port = std::sync::Arc::new(port);
    let own = std::sync::Arc::clone(&port);
    let tokens = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        if let Some(query) = request.path.strip_prefix("/token?") {
            assert_eq!(request.authorization, Some(basic()));
            let rights = if query.contains("push") { "push" } else { "pull" };
            let number = tokens.fetch_add(1, Ordering::Relaxed);
            return Answer::ok(format!(r#"{{"token": "{rights}-{number}"}}"#));
        }
        let needed = if matches!(request.method.as_str(), "POST" | "PUT") { "push" } else { "pull" };
        let token = request.authorization.as_ref().and_then(|sent| sent.strip_prefix("Bearer "));
        let mut uses = uses.lock().unwrap();
        let used = uses.entry(token.map(str::to_owned)).or_insert(0);
        *used += 1;
        if token.is_some_and(|token| token.starts_with(needed)) && *used <= 2 {
            return honest(request);
        }
        let address = own.get().unwrap();
        let scope = if needed == "push" { "pull,push" } else { "pull" };
        Answer::asks(format!("Bearer realm=\"http://{address}/token\",service=\"s\",scope=\"repository:np:{scope}\""))
    });
    port.set(server.address.clone()).unwrap();
    pushed(&server, as_author()).unwrap();
    assert_eq!(pulled(&server, as_author()).unwrap().component.bytes, COMPONENT);
    let seen = server.seen();
    let asked = seen.iter().filter(|request| request.path.starts_with("/token?service=s&scope=repository%3Anp%3Apull"));
    assert!(asked.count() > 3, "{seen:?}");
    let blobs = seen.iter().filter(|request| request.method == "PUT" && request.body == COMPONENT);
    assert!(blobs.count() >= 1, "the component arrived");
}

#[test]
fn a_token_server_elsewhere_gets_no_credentials_unless_it_is_named() {
    let elsewhere = Server::start(|_| Answer::ok(r#"{"access_token": "t"}"#));
    // Another name of this machine, so another host.
    let realm = format!("http://{}/token", elsewhere.address.replace("localhost", "127.0.0.1"));
    let server = Server::start(move |request| match &request.authorization {
        Some(token) if token == "Bearer t" => honest(request),
        _ => Answer::asks(format!("Bearer realm=\"{realm}\"")),
    });
    let refused = text(pulled(&server, as_author()));
    assert!(refused.contains("name the host of the token server"), "{refused}");
    assert!(elsewhere.seen().is_empty());
    pulled(&server, Access { token_server: Some("127.0.0.1".to_owned()), ..as_author() }).unwrap();
    assert_eq!(elsewhere.seen()[0].authorization, Some(basic()));
}

#[test]
fn a_blob_may_be_elsewhere_and_nobody_there_learns_the_credentials() {
    let authority = Authority::new("localhost");
    let storage = Server::start_tls(&authority, |_| Answer::ok(COMPONENT));
    let to = format!("https://{}/blob?signature=s", storage.address);
    let server = Server::start_tls(&authority, move |request| match &request.authorization {
        None => Answer::asks("Basic realm=\"registry\"".to_owned()),
        Some(_) if request.path.contains("/blobs/") => Answer::redirect(to.clone()),
        Some(_) => honest(request),
    });
    let access = Access { authority: Some(authority.file()), ..as_author() };
    assert_eq!(pulled(&server, access).unwrap().component.bytes, COMPONENT);
    let seen = storage.seen();
    assert_eq!((seen.len(), &seen[0].authorization), (1, &None), "{seen:?}");
    assert!(server.seen().iter().any(|request| request.authorization == Some(basic())), "they were in use");
}

#[test]
fn redirects_lead_to_no_unencrypted_server_no_manifest_and_come_to_an_end() {
    let elsewhere = Server::start(|_| Answer::ok(COMPONENT));
    let to = format!("http://{}/blob", elsewhere.address);
    let server = Server::start(move |request| match request.path.contains("/blobs/") {
        true => Answer::redirect(to.clone()),
        false => honest(request),
    });
    let refused = text(pulled(&server, Access::default()));
    assert!(refused.contains("HTTPS alone"), "{refused}");
    let to = format!("http://{}/manifest", elsewhere.address);
    let server = Server::start(move |_| Answer::redirect(to.clone()));
    assert!(text(pulled(&server, Access::default())).contains("manifests are not followed"));
    assert!(elsewhere.seen().is_empty());
    let server = Server::start(|request| match request.path.contains("/blobs/") {
        true => Answer::redirect(request.path.clone()),
        false => honest(request),
    });
    assert!(text(pulled(&server, Access::default())).contains("blobs three times"));
    assert_eq!(server.seen().len(), 5, "the manifest, the blob, and three redirects");
    // An upload has credentials with it, so it stays where it is.
    let to = format!("http://{}/upload", elsewhere.address);
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => Answer::Whole(202, vec![("location", to.clone())], vec![]),
        _ => honest(request),
    });
    assert!(text(pushed(&server, as_author())).contains("an upload has to go to the registry itself"));
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn a_registry_is_who_its_certificate_says() {
    let (authority, stranger) = (Authority::new("localhost"), Authority::new("registry.example.jp"));
    let server = Server::start_tls(&authority, honest);
    let trusting = |file| Access { authority: Some(file), ..Access::default() };
    assert_eq!(pulled(&server, trusting(authority.file())).unwrap().component.bytes, COMPONENT);
    // Another authority, a certificate for another name, and a registry without TLS.
    let seen = server.seen().len();
    assert!(text(pulled(&server, trusting(stranger.file()))).contains("cannot be reached"));
    let misnamed = Server::start_tls(&stranger, honest);
    assert!(text(pulled(&misnamed, trusting(stranger.file()))).contains("cannot be reached"));
    let plain = Server::start(honest);
    assert!(text(pulled(&plain, trusting(authority.file()))).contains("cannot be reached"));
    assert_eq!((server.seen().len(), misnamed.seen().len(), plain.seen().len()), (seen, 0, 0));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    for (content, reason) in [("words", "there are none in it"), ("-----BEGIN CERTIFICATE-----\nx", "cannot be used")] {
        std::fs::write(&file, content).unwrap();
        let refused = text(pulled(&server, trusting(file.clone())));
        assert!(refused.contains("ca.pem") && refused.contains(reason), "{refused}");
    }
    assert!(text(pulled(&server, trusting(folder.path().join("absent.pem")))).contains("absent.pem"));
}

/// Pulls from a registry whose blob is `blob` and whose manifest says `size` of it.
fn lied(size: usize, blob: fn() -> Answer) -> String {
    let server = Server::start(move |request| match request.path.contains("/blobs/") {
        true => blob(),
        false => Answer::ok(manifest_of(&digest(COMPONENT), size)),
    });
    let (began, access) = (Instant::now(), Access { request_timeout: Duration::from_secs(1), ..Access::default() });
    let refused = text(pulled(&server, access));
    assert!(began.elapsed() < FOR_EVER, "it was never given up");
    assert!(server.seen().iter().any(|request| request.path.contains("/blobs/")), "it was asked: {refused}");
    refused
}

#[test]
fn a_component_that_is_not_what_the_manifest_says_is_not_taken() {
    let size = COMPONENT.len();
    let other = lied(size, || Answer::ok(COMPONENT.to_ascii_uppercase()));
    assert!(other.contains("the registry sends another file"), "{other}");
    let larger = lied(size, || Answer::ok([COMPONENT, b"."].concat()));
    assert!(larger.contains(&format!("sends more than {size} bytes")), "{larger}");
    let smaller = lied(size, || Answer::ok(&COMPONENT[1..]));
    assert!(smaller.contains("the registry sends another file"), "{smaller}");
    let cut = lied(size, || Answer::Cut("HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\nthe bytes".to_owned()));
    assert!(cut.contains("cannot be reached"), "{cut}");
    let endless = lied(size, || Answer::Endless { first: "HTTP/1.1 200 OK\r\n\r\n", repeated: "words " });
    assert!(endless.contains("sends more than"), "{endless}");
    let chunked = lied(size, || Answer::Endless {
        first: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        repeated: "6\r\nwords \r\n",
    });
    assert!(chunked.contains("sends more than"), "{chunked}");
    let stalled = lied(size, || Answer::Stalled("HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\nthe bytes"));
    assert!(stalled.contains("timeout"), "{stalled}");
}

#[test]
fn a_manifest_that_is_not_what_was_asked_for_is_not_taken() {
    let server = Server::start(honest);
    let pinned: Reference = format!("{}/np@{}", server.address, digest(b"another manifest")).parse().unwrap();
    let error = pull(&pinned, LIMIT, Access::default()).unwrap_err();
    assert!(matches!(&error, ArtifactError::Digest { what: "the manifest", .. }), "{error}");
    let right: Reference = format!("{}/np@{}", server.address, digest(&manifest())).parse().unwrap();
    assert_eq!(pull(&right, LIMIT, Access::default()).unwrap().origin, right);

    // What it names is too large to ask for.
    let server = Server::start(|_| Answer::ok(manifest_of(&digest(COMPONENT), 2 << 20)));
    assert!(text(pulled(&server, Access::default())).contains("2097152 bytes; at most 1048576 are pulled"));
    assert_eq!(server.seen().len(), 1);
    for (words, content) in [
        ("cannot be read", &b"words"[..]),
        ("cannot be read", b"{}"),
        (
            "layers instead of one",
            br#"{"schemaVersion":2,"config":{"mediaType":"a","digest":"b","size":0},"layers":[]}"#,
        ),
        ("which is no SHA-256", &manifest_of("../../secret", 1)),
    ] {
        let content = content.to_vec();
        let server = Server::start(move |_| Answer::ok(content.clone()));
        let refused = text(pulled(&server, Access::default()));
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn an_answer_without_end_is_given_up_wherever_it_comes() {
    const BODY: &str = "HTTP/1.1 200 OK\r\n\r\n";
    let endless = |first| move |_: &Request| Answer::Endless { first, repeated: "x: words of a registry\r\n" };
    let access = || Access { request_timeout: Duration::from_secs(5), ..as_author() };
    let given_up = |server: &Server, words: &str| {
        let began = Instant::now();
        let refused = text(pulled(server, access()));
        assert!(refused.contains(words) && began.elapsed() < FOR_EVER, "{refused}");
    };
    given_up(&Server::start(endless(BODY)), "sends more than 262144 bytes for manifests/1");
    given_up(&Server::start(endless("HTTP/1.1 200 OK\r\n")), "header");
    // Of an error, the beginning is shown.
    let failing = Server::start(endless("HTTP/1.1 500 -\r\n\r\n"));
    let began = Instant::now();
    let Err(ArtifactError::Registry(RegistryError::Refused { status: 500, reason, .. })) = pulled(&failing, access())
    else {
        panic!("it is a refusal")
    };
    assert!(reason.len() <= 2 << 10 && began.elapsed() < FOR_EVER);
    let port = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let own = std::sync::Arc::clone(&port);
    let tokens = Server::start(move |request| match request.path.starts_with("/token") {
        true => Answer::Endless { first: BODY, repeated: "{\"token\": \"t\"}" },
        false => Answer::asks(format!("Bearer realm=\"http://{}/token\"", own.get().unwrap())),
    });
    port.set(tokens.address.clone()).unwrap();
    given_up(&tokens, "sends more than 65536 bytes for a token");
    // One that asks again and again is asked twice.
    let never = Server::start(|_| Answer::asks("Basic realm=\"registry\"".to_owned()));
    given_up(&never, "401");
    assert_eq!(never.seen().len(), 2);
}
