//! How a plugin comes to the directory: written down first, confirmed where more than its code changes, loaded once.

use app::web::{App, Setup};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Request, Response, StatusCode, header};
use domain::actor::Actor;
use domain::audit_event::{AuditEvent, PluginChange};
use domain::digest::digest;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::user::Role;
use fixtures::{Db, TestStore, new_order};
use http_body_util::BodyExt;
use provider_host::{Host, Limits, Registry};
use serde_json::{Value, json};
use service::plugins::{Files, InstallError, Installer};
use service::providers::directory::{PluginDirectory, ProviderError};
use service::providers::files::PluginContent;
use service::providers::response::IN_FLIGHT_WINDOW;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::{Duration, Instant};
use store::{MallUpdate, Store};
use tempfile::TempDir;
use tower::ServiceExt;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const PASSWORD: &str = "tsuki to hoshi";
/// For what happens within a second on an idle machine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The component of `provider` as another build: the same but for a section with this text.
fn build(provider: &str, text: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins").join(provider).with_extension("wasm");
    let mut component = std::fs::read(path).expect("run `cargo xtask plugins` first");
    let content = [&[1, b'v'], text.as_bytes()].concat();
    component.extend([0, u8::try_from(content.len()).unwrap()]);
    component.extend(content);
    component
}

fn permissions(provider: &str, origin: &str) -> String {
    format!("provider = \"{provider}\"\norigins = [\"{origin}\"]\n")
}

fn files(provider: &str, text: &str, permissions: String) -> Files {
    let content = PluginContent { component: build(provider, text).into(), permissions };
    Files { name: "new.wasm".into(), origin: "new.wasm".to_owned(), content }
}

const NP: &str = "https://np.example.jp";
const ELSEWHERE: &str = "https://elsewhere.example.jp";

/// Compiled plugins of all tests here.
static COMPILED: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// A platform with a mall at NP.
struct Platform {
    test: TestStore,
    app: App,
    router: Router,
    directory: PluginDirectory,
}

impl Platform {
    async fn new() -> Self {
        let test = TestStore::new(Db::Sqlite).await;
        let mall = Mall { id: "eki".into(), name: "駅前店".into(), provider: "np".into(), ..Mall::default() };
        test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        test.store.add_user("kanri", Role::Administrator, PASSWORD, Actor::default()).await.unwrap();
        let folder = test.folder.path().join("plugins");
        std::fs::create_dir(&folder).unwrap();
        let host = Host::builder().cache_dir(COMPILED.path().join("compiled")).build().unwrap();
        let directory = PluginDirectory::new(host, folder).locked_by(test.store.clone());
        let app = App::new(Setup {
            store: test.store.clone(),
            plugins: directory.clone(),
            limits: Limits::default(),
            lang: Lang::Ja,
            https: false,
            concurrency: 1,
            in_flight_window: IN_FLIGHT_WINDOW,
            request_timeout: Duration::from_secs(5),
            sandbox: None,
        });
        let app = app.await.unwrap();
        let router = app.router().layer(MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
        Self { test, app, router, directory }
    }

    /// With NP's plugin on the directory, which may send to [`NP`] alone.
    async fn with_np() -> Self {
        let platform = Self::new().await;
        let asked = platform.upload("np", "first", NP, None).await;
        assert_eq!(asked.status, StatusCode::CONFLICT, "malls use it, and nothing is there to compare with");
        let answer = platform.upload("np", "first", NP, Some(asked.confirmation())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        platform
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// Another build of `provider` through the API.
    async fn upload(&self, provider: &str, text: &str, origin: &str, confirmation: Option<&str>) -> Answer {
        let permissions = permissions(provider, origin);
        self.upload_files(&build(provider, text), &permissions, confirmation).await
    }

    async fn upload_files(&self, component: &[u8], permissions: &str, confirmation: Option<&str>) -> Answer {
        let token = self.test.store.add_api_token("t", Role::Administrator, None, Actor::now("kanri")).await;
        let mut parts =
            vec![("component", Some("c.wasm"), component), ("permissions", Some("c.toml"), permissions.as_bytes())];
        parts.extend(confirmation.map(|confirmation| ("confirmation", None, confirmation.as_bytes())));
        let request = Request::post("/api/v1/providers")
            .header("authorization", format!("Bearer {}", token.unwrap().1))
            .header("idempotency-key", "k")
            .header("content-type", "multipart/form-data; boundary=b");
        self.send(request.body(multipart(&parts)).unwrap()).await
    }

    /// What the platform serves for `provider`: its digest and origins.
    async fn served(&self, provider: &str) -> Option<(String, Vec<String>)> {
        let token = self.test.store.add_api_token("r", Role::Operator, None, Actor::now("kanri")).await.unwrap().1;
        let request = Request::get("/api/v1/providers").header("authorization", format!("Bearer {token}"));
        let providers = self.send(request.body(Body::empty()).unwrap()).await.json();
        let one = providers.as_array().unwrap().iter().find(|one| one["id"] == provider)?;
        let origins = one["origins"].as_array().unwrap().iter().map(|origin| origin.as_str().unwrap().to_owned());
        Some((one["sha256"].as_str().unwrap().to_owned(), origins.collect()))
    }

    /// Withdraws the plugin of `provider` through the API.
    async fn withdraw(&self, provider: &str, key: &str) -> StatusCode {
        let token = self.test.store.add_api_token("w", Role::Administrator, None, Actor::now("kanri")).await.unwrap().1;
        let request = Request::delete(format!("/api/v1/providers/{provider}")).header("idempotency-key", key);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await.status
    }

    /// What the audit log has of plugins, newest first.
    async fn audited(&self) -> Vec<AuditEvent> {
        plugin_deeds(&self.test.store).await
    }
}

async fn plugin_deeds(store: &Store) -> Vec<AuditEvent> {
    let lines = store.audit(None, 100).await.unwrap().into_iter().map(|line| line.event);
    lines
        .filter(|deed| {
            matches!(
                deed,
                AuditEvent::PluginLoaded { .. }
                    | AuditEvent::PluginNotLoaded { .. }
                    | AuditEvent::PluginWithdrawn { .. }
            )
        })
        .collect()
}

fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Body {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        body.extend(format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    Body::from(body)
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
    confirmation: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json: Value = serde_json::from_str(&text).unwrap_or_default();
        let confirmation = json["confirm"]["confirmation"].as_str().unwrap_or_default().to_owned();
        Self { status: parts.status, headers: parts.headers, text, confirmation }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// What the API wants to be sent as a yes.
    fn confirmation(&self) -> &str {
        assert!(!self.confirmation.is_empty(), "{}", self.text);
        &self.confirmation
    }

    fn field(&self, name: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\"")).expect("a field of that name");
        rest.split('"').next().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_goes_through_and_another_origin_is_asked_about_by_the_api() {
    let platform = Platform::with_np().await;
    let answer = platform.upload("np", "second", NP, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let second = platform.served("np").await;
    assert_eq!(second, Some((digest(&[&build("np", "second")]), vec![format!("{NP}:443")])));
    let audited = platform.audited().await;

    let asked = platform.upload("np", "third", ELSEWHERE, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    let problem = asked.json();
    assert_eq!(problem["type"], "urn:host-demo:problem:unconfirmed");
    let changes: Vec<PluginChange> = serde_json::from_value(problem["confirm"]["changes"].clone()).unwrap();
    let expected = [
        PluginChange::OriginAdded { origin: format!("{ELSEWHERE}:443") },
        PluginChange::OriginRemoved { origin: format!("{NP}:443") },
    ];
    assert_eq!(changes, expected);
    assert_eq!(problem["confirm"]["malls"], serde_json::json!(["eki"]));
    // A yes to something else is none: other files, other origins.
    for (text, origin) in [("fourth", ELSEWHERE), ("third", "https://third.example.jp")] {
        let other = platform.upload("np", text, origin, Some(asked.confirmation())).await;
        assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);
    }
    assert_eq!(platform.served("np").await, second, "it serves without a yes");
    assert_eq!(platform.audited().await, audited);

    let answer = platform.upload("np", "third", ELSEWHERE, Some(asked.confirmation())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(platform.served("np").await.unwrap().1, [format!("{ELSEWHERE}:443")]);
    let Some(AuditEvent::PluginLoaded { confirmed, .. }) = platform.audited().await.into_iter().next() else {
        panic!("nobody knows who loaded it")
    };
    assert_eq!(confirmed, expected);
    // What was confirmed once is not confirmed for ever: the way back is a change of its own.
    assert_eq!(platform.upload("np", "second", NP, Some(asked.confirmation())).await.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_is_removed_is_asked_about() {
    let platform = Platform::with_np().await;
    let (component, bare) = (build("np", "second"), permissions("np", NP));
    let sha256 = digest(&[&component]);
    let pinned = format!("sha256 = \"{sha256}\"\n{bare}");
    assert_eq!(platform.upload_files(&component, &pinned, None).await.status, StatusCode::OK, "a pin needs no yes");
    let asked = platform.upload_files(&component, &bare, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text);
    let changes: Vec<PluginChange> = serde_json::from_value(asked.json()["confirm"]["changes"].clone()).unwrap();
    assert_eq!(changes, [PluginChange::PinRemoved { sha256 }]);
    let answer = platform.upload_files(&component, &bare, Some(asked.confirmation())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_asked_about() {
    let platform = Platform::with_np().await;
    let wider = permissions("np", NP) + "private-addresses = [\"10.0.0.0/8\"]\n";
    let asked = platform.upload_files(&build("np", "second"), &wider, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text);
    assert!(asked.text.contains("10.0.0.0/8"), "{}", asked.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_directory_and_not_in_the_lock_is_refused() {
    let platform = Platform::with_np().await;
    let file = |name: &str| platform.directory.folder().join(name);
    let locked = build("np", "first");
    std::fs::write(file("np.wasm"), build("np", "by hand")).unwrap();
    let error = platform.directory.load("np").await.unwrap_err();
    assert!(matches!(&error, ProviderError::NotLocked { expected, .. } if *expected == digest(&[&locked])), "{error}");
    platform.directory.sync().await.unwrap();
    assert_eq!(std::fs::read(file("np.wasm")).unwrap(), locked, "the directory is a cache of the lock");
    // A permission file in the directory takes away of what the lock grants, and adds nothing.
    std::fs::write(file("np.toml"), permissions("np", ELSEWHERE)).unwrap();
    assert!(platform.directory.load("np").await.unwrap().facts().permissions.origins.is_empty());
    // What somebody removes stays away, until another one is loaded.
    std::fs::remove_file(file("np.wasm")).unwrap();
    platform.directory.sync().await.unwrap();
    assert!(!file("np.wasm").exists());
    let other = TempDir::new().unwrap();
    let elsewhere = PluginDirectory::new(platform.directory.host().clone(), other.path().join("plugins"));
    let elsewhere = elsewhere.locked_by(platform.test.store.clone());
    elsewhere.sync().await.unwrap();
    assert_eq!(elsewhere.load("np").await.unwrap().facts().digest, digest(&[&locked]), "an empty directory is filled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_withdrawn_by_the_api_and_stays_so_until_one_is_loaded() {
    let platform = Platform::with_np().await;
    let file = |name: &str| platform.directory.folder().join(name);
    let other = TempDir::new().unwrap();
    let elsewhere = PluginDirectory::new(platform.directory.host().clone(), other.path().join("plugins"));
    let elsewhere = elsewhere.locked_by(platform.test.store.clone());
    elsewhere.sync().await.unwrap();
    elsewhere.load("np").await.unwrap();
    assert_eq!(platform.withdraw("np", "a").await, StatusCode::NO_CONTENT);
    assert_eq!(platform.served("np").await, None);
    assert!(!file("np.wasm").exists() && !file("np.toml").exists());
    assert_eq!(platform.withdraw("np", "b").await, StatusCode::NOT_FOUND, "it is withdrawn already");
    let component = platform.test.store.locked_component(&digest(&[&build("np", "first")])).await.unwrap();
    assert_eq!(component, None, "nobody needs it any more");

    // On another machine it goes with the next look, and what somebody puts there is not loaded.
    elsewhere.sync().await.unwrap();
    assert!(!other.path().join("plugins/np.wasm").exists());
    std::fs::write(other.path().join("plugins/np.wasm"), build("np", "first")).unwrap();
    std::fs::write(other.path().join("plugins/np.toml"), permissions("np", NP)).unwrap();
    elsewhere.sync().await.unwrap();
    let error = elsewhere.load("np").await.unwrap_err();
    assert!(matches!(&error, ProviderError::Withdrawn(provider) if provider == "np"), "{error}");
    assert!(other.path().join("plugins/np.wasm").exists(), "it is not the platform's");

    // The same one is loaded again.
    let asked = platform.upload("np", "first", NP, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "malls use it, and nothing is there to compare with");
    let answer = platform.upload("np", "first", NP, Some(asked.confirmation())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    elsewhere.sync().await.unwrap();
    assert_eq!(elsewhere.load("np").await.unwrap().facts().digest, digest(&[&build("np", "first")]));
    let audited = platform.audited().await;
    let expected = |event: &AuditEvent| matches!(event, AuditEvent::PluginWithdrawn { provider, version, .. } if provider == "np" && version == "0.1.0");
    assert!(audited.len() == 3 && expected(&audited[1]), "{audited:?}");
}

/// A component that calls itself atobarai-com and wants what the real one does not: one made to misbehave, with the
/// name written over its own, which is as long.
fn greedy() -> Vec<u8> {
    let mut component = build("hostile-sync", "x");
    let places: Vec<_> = component.windows(12).enumerate().filter(|(_, name)| name == b"hostile-sync").collect();
    let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
    for at in places {
        component[at..at + 12].copy_from_slice(b"atobarai-com");
    }
    // A component in it with one more core instance: a module without anything, instantiated.
    component.extend(*b"\x04\x18\0asm\x0d\0\x01\0\x01\x08\0asm\x01\0\0\0\x02\x04\x01\0\0\0");
    component
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_version_wants_more_is_asked_about() {
    let platform = Platform::new().await;
    let (real, granted) = (build("atobarai-com", "x"), permissions("atobarai-com", "https://granted.example.jp"));
    let strict = format!("refuse-empty-wasi = true\n{granted}");
    let first = platform.upload_files(&real, &strict, None).await;
    assert_eq!(first.status, StatusCode::OK, "nothing is replaced, and no mall uses it: {}", first.text);
    // Without a change of the permission file it does not even load.
    let refused = platform.upload_files(&greedy(), &strict, None).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);

    let asked = platform.upload_files(&greedy(), &granted, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text);
    let changes = |answer: &Answer| answer.json()["confirm"]["changes"].as_array().unwrap().clone();
    let more = changes(&asked);
    let has = |changes: &[Value], wanted: Value| assert!(changes.contains(&wanted), "{wanted}: {changes:#?}");
    has(&more, json!({ "what": "empty_wasi_allowed" }));
    let imports = |group: &str| {
        let of_group = more.iter().filter(|change| change["what"] == "import_added" && change["group"] == group);
        of_group.map(|change| change["interface"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(imports("empty_wasi").iter().any(|name| name.starts_with("wasi:sockets/tcp@0.2")), "{more:#?}");
    assert!(imports("http").iter().any(|name| name.starts_with("wasi:http/outgoing-handler@0.2")), "{more:#?}");
    assert!(imports("contract").is_empty(), "both import the contract: {more:#?}");
    let limit = more.iter().find(|change| change["limit"] == "core_instances").expect("it uses more of a limit");
    assert!(limit["from"].as_u64() < limit["to"].as_u64(), "{limit}");
    let yes = platform.upload_files(&greedy(), &granted, Some(asked.confirmation())).await;
    assert_eq!(yes.status, StatusCode::OK, "{}", yes.text);
    let [AuditEvent::PluginLoaded { confirmed, .. }, _] = &platform.audited().await[..] else { panic!("not audited") };
    assert_eq!(confirmed.len(), more.len());

    // The way back wants more orders at once, and an origin that it is not granted.
    let asked = platform.upload_files(&real, &granted, None).await;
    assert_eq!(asked.status, StatusCode::CONFLICT, "{}", asked.text);
    let more = changes(&asked);
    has(&more, json!({ "what": "origin_wanted", "origin": "https://www.atobarai.jp" }));
    let batch = more.iter().find(|change| change["what"] == "batch_raised" && change["operation"] == "check").unwrap();
    assert!(batch["from"] == 0 && batch["to"].as_u64() > Some(1), "{batch}");
    // What is wanted less is no question.
    assert!(more.iter().all(|change| change["what"] != "import_added" || change["group"] != "empty_wasi"), "{more:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_shown_in_three_groups() {
    let platform = Platform::with_np().await;
    let answer = platform.upload_files(&greedy(), &permissions("atobarai-com", NP), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let imports = &answer.json()["imports"];
    for (group, interface) in [
        ("contract", "deferred-payment:provider/types@0.1."),
        ("http", "wasi:http/outgoing-handler@0.2."),
        ("empty_wasi", "wasi:filesystem/types@0.2."),
    ] {
        let names = imports[group].as_array().unwrap();
        assert!(names.iter().any(|name| name.as_str().unwrap().starts_with(interface)), "{group}: {imports}");
    }
    let page = Browser::sign_in(&platform).await.get("/providers").await.text;
    for words in ["契約", "WASI HTTP", "中身のないWASI", "wasi:filesystem/types@0.2."] {
        assert!(page.contains(words), "{words}");
    }
    let shell = Shell { folder: platform.test.folder.path().to_owned() };
    let inspected = shell.run(&["plugin", "inspect", &shell.file("np", "x", &permissions("np", NP))]);
    for words in ["契約:", "WASI HTTP:", "wasi:http/client@0.3"] {
        assert!(said(&inspected).contains(words), "{words}: {}", said(&inspected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_does_not_choose_whom_it_replaces() {
    let platform = Platform::with_np().await;
    let before = platform.served("np").await;
    // The file says np, the component is another; and the other way round.
    for (component, provider) in [("score", "np"), ("np", "score")] {
        let answer = platform.upload_files(&build(component, "x"), &permissions(provider, NP), None).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert!(answer.text.contains("score") && answer.text.contains("np"), "{}", answer.text);
    }
    let nameless = format!("origins = [\"{NP}\"]\n");
    let answer = platform.upload_files(&build("np", "x"), &nameless, None).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("provider = "), "{}", answer.text);
    assert_eq!(platform.served("np").await, before);
    assert_eq!(platform.served("score").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_directory_serves_only_the_provider_that_its_permission_names() {
    let platform = Platform::new().await;
    let put = |permissions: &str| {
        std::fs::write(platform.directory.folder().join("np.wasm"), build("np", "x")).unwrap();
        std::fs::write(platform.directory.folder().join("np.toml"), permissions).unwrap();
    };
    put("origins = []\n");
    assert!(matches!(platform.directory.load("np").await, Err(ProviderError::Unnamed { name, .. }) if name == "np"));
    put(&permissions("score", NP));
    assert!(
        matches!(platform.directory.load("np").await, Err(ProviderError::Another { found, .. }) if found == "score")
    );
    put(&permissions("np", NP));
    assert_eq!(platform.directory.load("np").await.unwrap().info().id, "np");
}

/// A browser in which an administrator has signed in.
struct Browser<'a> {
    platform: &'a Platform,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn sign_in(platform: &Platform) -> Browser<'_> {
        let mut browser = Browser { platform, cookies: BTreeMap::new() };
        let csrf = browser.get("/signin").await.field("csrf").to_owned();
        let fields = [("csrf", csrf.as_str()), ("name", "kanri"), ("password", PASSWORD), ("next", "/")];
        let form = serde_html_form::to_string(fields).unwrap();
        let request = Request::post("/signin").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(browser.send(request.body(Body::from(form)).unwrap()).await.status, StatusCode::SEE_OTHER);
        browser
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        let answer = self.platform.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// The form of the providers page with these parts.
    async fn load(&mut self, parts: &[(&str, Option<&str>, &[u8])]) -> Answer {
        let csrf = self.get("/providers").await.field("csrf").to_owned();
        let parts = [&[("csrf", None, csrf.as_bytes())], parts].concat();
        let request = Request::post("/providers").header("content-type", "multipart/form-data; boundary=b");
        self.send(request.body(multipart(&parts)).unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_before_it_replaces_with_another_origin() {
    let platform = Platform::with_np().await;
    let before = platform.served("np").await;
    let mut browser = Browser::sign_in(&platform).await;
    let (component, granted) = (build("np", "third"), permissions("np", ELSEWHERE));
    let parts = [("component", Some("c.wasm"), &component[..]), ("permissions", Some("c.toml"), granted.as_bytes())];
    let asked = browser.load(&parts).await;
    assert_eq!(asked.status, StatusCode::OK);
    for words in [ELSEWHERE, NP, "駅前店", "通信先を追加", "id=\"confirm\""] {
        assert!(asked.text.contains(words), "{words}: {}", asked.text);
    }
    assert_eq!(platform.served("np").await, before, "it serves without a yes");
    let unmeant = browser.load(&[("confirmed", None, b"something else")]).await;
    assert_eq!(unmeant.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(platform.served("np").await, before);

    let yes = asked.field("confirmed").to_owned();
    let answer = browser.load(&[("confirmed", None, yes.as_bytes())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(platform.served("np").await, Some((digest(&[&component]), vec![format!("{ELSEWHERE}:443")])));
    assert!(browser.get("/audit").await.text.contains("確認した変更"));
    // The yes was used.
    assert_eq!(browser.load(&[("confirmed", None, yes.as_bytes())]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What the store cannot write down does not serve: not in this process, and not for those that look at the directory.
#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_serves_only_after_the_audit_log_knows() {
    let platform = Platform::with_np().await;
    let before = platform.served("np").await;
    let in_directory = std::fs::read(platform.directory.folder().join("np.wasm")).unwrap();
    let path = platform.test.folder.path().join("orders.db");
    let database = sqlx::sqlite::SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    sqlx::query("ALTER TABLE audit RENAME TO away").execute(&database).await.unwrap();
    let registry = Registry::default();
    let installer = Installer { directory: &platform.directory, store: &platform.test.store, registry: &registry };
    let candidate = installer.examine(files("np", "second", permissions("np", NP))).await.unwrap();
    assert!(candidate.changes.is_empty());
    let error = installer.install(&candidate, Actor::now("kanri")).await.unwrap_err();
    assert!(matches!(error, InstallError::Store(_)), "{error}");
    assert!(registry.get("np").is_none());
    assert_eq!(std::fs::read(platform.directory.folder().join("np.wasm")).unwrap(), in_directory);
    sqlx::query("ALTER TABLE away RENAME TO audit").execute(&database).await.unwrap();
    assert_eq!(platform.served("np").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_written_are_told_of_in_the_audit_log() {
    let platform = Platform::new().await;
    let registry = Registry::default();
    let installer = Installer { directory: &platform.directory, store: &platform.test.store, registry: &registry };
    let candidate = installer.examine(files("score", "x", permissions("score", NP))).await.unwrap();
    // A folder in the file's place, which a file does not replace.
    std::fs::create_dir_all(platform.directory.folder().join("score.wasm/x")).unwrap();
    let error = installer.install(&candidate, Actor::now("kanri")).await.unwrap_err();
    assert!(matches!(error, InstallError::Provider(ProviderError::Folder { .. })), "{error}");
    let audited = platform.audited().await;
    assert!(
        matches!(&audited[..], [AuditEvent::PluginNotLoaded { .. }, AuditEvent::PluginLoaded { .. }]),
        "{audited:?}"
    );
    assert!(registry.get("score").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compared_with_something_else_is_not_put_in_its_place() {
    let platform = Platform::with_np().await;
    let registry = Registry::default();
    let installer = Installer { directory: &platform.directory, store: &platform.test.store, registry: &registry };
    let late = installer.examine(files("np", "late", permissions("np", NP))).await.unwrap();
    let asked = platform.upload("np", "third", ELSEWHERE, None).await;
    let answer = platform.upload("np", "third", ELSEWHERE, Some(asked.confirmation())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let error = installer.install(&late, Actor::now("kanri")).await.unwrap_err();
    assert!(matches!(&error, InstallError::Meanwhile(id) if id == "np"), "{error}");
    assert_eq!(platform.served("np").await.unwrap().1, [format!("{ELSEWHERE}:443")]);
}

/// Digests of the plugins that this process has loaded, one for each time.
static LOADED: OnceLock<Arc<Mutex<Vec<String>>>> = OnceLock::new();

struct Loads(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Loads {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        #[derive(Default)]
        struct Seen {
            loaded: bool,
            digest: String,
        }
        impl Visit for Seen {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "digest" {
                    self.digest = value.to_owned();
                }
            }
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.loaded |= field.name() == "message" && format!("{value:?}") == "plugin loaded";
            }
        }
        let mut seen = Seen::default();
        event.record(&mut seen);
        if seen.loaded {
            self.0.lock().unwrap().push(seen.digest);
        }
    }
}

fn loads() -> Arc<Mutex<Vec<String>>> {
    let start = || {
        let loads = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Loads(Arc::clone(&loads)));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        loads
    };
    Arc::clone(LOADED.get_or_init(start))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_loaded_once_on_one_upload() {
    let loads = loads();
    let platform = Platform::with_np().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let app = platform.app.clone();
    let serving = tokio::spawn(async move { app.serve(listener).await });
    assert_eq!(platform.upload("np", "counted", NP, None).await.status, StatusCode::OK);
    // The process that serves looks at every file, in the order of their names. When it has found one that was put
    // there by hand and comes after NP's, it has looked at NP's as well.
    std::fs::write(platform.directory.folder().join("score.toml"), permissions("score", NP)).unwrap();
    // Whole at once: a file that is seen while it is written is another one when it is complete, and loaded twice.
    let whole = platform.directory.folder().join("score.part");
    std::fs::write(&whole, build("score", "by hand")).unwrap();
    std::fs::rename(&whole, whole.with_extension("wasm")).unwrap();
    let began = Instant::now();
    while platform.served("score").await.is_none() {
        assert!(began.elapsed() < REQUEST_TIMEOUT, "what is in the directory is never served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    serving.abort();
    let count = |text: &str, provider: &str| {
        let digest = digest(&[&build(provider, text)]);
        loads.lock().unwrap().iter().filter(|loaded| **loaded == digest).count()
    };
    assert_eq!(count("by hand", "score"), 1, "nothing is counted");
    assert_eq!(count("counted", "np"), 1);
}

/// The command line on a store and a folder of plugins of its own.
struct Shell {
    folder: PathBuf,
}

impl Shell {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-demo"));
        command.arg("--db").arg(self.folder.join("orders.db")).arg("--plugins").arg(self.folder.join("plugins"));
        command.args(["--operator", "kanri"]).args(arguments).output().unwrap()
    }

    fn file(&self, provider: &str, text: &str, permissions: &str) -> String {
        let path = self.folder.join("new.wasm");
        std::fs::write(&path, build(provider, text)).unwrap();
        std::fs::write(path.with_extension("toml"), permissions).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_asks_before_it_replaces_with_another_origin() {
    let platform = Platform::with_np().await;
    let shell = Shell { folder: platform.test.folder.path().to_owned() };
    let next = shell.run(&["plugin", "load", &shell.file("np", "second", &permissions("np", NP))]);
    assert_eq!(next.status.code(), Some(0), "{}", said(&next));
    assert_eq!(platform.audited().await.len(), 2, "nobody knows who loaded it");

    let file = shell.file("np", "third", &permissions("np", ELSEWHERE));
    let asked = shell.run(&["plugin", "load", &file]);
    assert_eq!(asked.status.code(), Some(2));
    for words in [ELSEWHERE, NP, "駅前店", "--yes"] {
        assert!(said(&asked).contains(words), "{words}: {}", said(&asked));
    }
    let current = platform.directory.load("np").await.unwrap();
    assert_eq!(current.facts().digest, digest(&[&build("np", "second")]), "it serves without a yes");

    let answer = shell.run(&["plugin", "load", "--yes", &file]);
    assert_eq!(answer.status.code(), Some(0), "{}", said(&answer));
    assert!(
        matches!(&platform.audited().await[..], [AuditEvent::PluginLoaded { confirmed, .. }, ..] if confirmed.len() == 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_plugin_that_does_not_load_hides_no_other_from_the_list() {
    let platform = Platform::with_np().await;
    std::fs::write(platform.directory.folder().join("broken.wasm"), "no component").unwrap();
    std::fs::write(platform.directory.folder().join("broken.toml"), permissions("broken", NP)).unwrap();
    let shell = Shell { folder: platform.test.folder.path().to_owned() };
    let list = shell.run(&["plugin", "list"]);
    assert_eq!(list.status.code(), Some(1));
    assert!(said(&list).contains("broken.wasm") && said(&list).contains(&format!("{NP}:443")), "{}", said(&list));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-demo"));
    command.arg("--db").arg(folder.path().join("orders.db")).arg("--plugins").arg(&nowhere);
    let output = command.args(["plugin", "list"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains(nowhere.to_str().unwrap()), "{}", said(&output));
}

/// Escapes in what was imported, and in what a file is called, are shown and not carried out.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_printed_steers_the_terminal() {
    let platform = Platform::with_np().await;
    let mall = Mall { id: "evil".into(), name: "\u{1b}[2J店".into(), provider: "np".into(), ..Mall::default() };
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    let mut order = new_order("E-1", 1_000);
    order.data.buyer.name = "\u{1b}]0;title\u{7}見本\u{202e}".into();
    order.data.note = Some("\u{9b}31m".into());
    let mall = platform.test.store.mall("evil").await.unwrap().unwrap();
    platform.test.store.insert_orders(&mall, &[order], 1).await.unwrap();
    let shell = Shell { folder: platform.test.folder.path().to_owned() };
    let hostile = shell.folder.join("\u{1b}[31m.wasm");
    std::fs::write(hostile.with_extension("toml"), "origins = []\n").unwrap();
    let mut shown = String::new();
    for arguments in [
        &["orders", "list"][..],
        &["orders", "list", "--json"],
        &["orders", "show", "E-1"],
        &["mall", "list"],
        &["mall", "show", "evil"],
        &["plugin", "list"],
        &["plugin", "inspect", hostile.to_str().unwrap()],
        &["export", "--json"],
    ] {
        let output = said(&shell.run(arguments));
        let steering = output.chars().find(|c| provider_host::is_control(*c) && !matches!(c, '\n' | '\t'));
        assert_eq!(steering, None, "{arguments:?}: {output:?}");
        shown += &output;
    }
    assert!(shown.contains("\\u001b]0;title\\u0007見本"), "nothing hostile was printed: {shown}");
    assert!(shown.contains("\\u001b[31m.wasm"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_serves_is_what_is_in_the_directory() {
    let platform = Platform::with_np().await;
    let in_directory = platform.directory.load("np").await.unwrap();
    assert_eq!(platform.served("np").await.unwrap().0, in_directory.facts().digest);
    assert!(in_directory.facts().path.ends_with("np.wasm"));
    let left: Vec<_> =
        std::fs::read_dir(platform.directory.folder()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "the component, its permissions and what was written of the lock: {left:?}");
}

/// Simulated gateways would be given the credentials that malls have for the real one.
#[cfg(feature = "sandbox")]
#[tokio::test]
async fn the_sandbox_does_not_replace_what_is_there_for_real() {
    let folder = tempfile::tempdir().unwrap();
    let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    drop(app::web::Sandbox::start(0, &components, folder.path()).await.unwrap());
    // Its own permissions it replaces: its ports are others at each start.
    drop(app::web::Sandbox::start(0, &components, folder.path()).await.unwrap());
    let real = permissions("np", NP);
    std::fs::write(folder.path().join("np.toml"), &real).unwrap();
    let error = app::web::Sandbox::start(0, &components, folder.path()).await.err().expect("replaced");
    assert!(error.to_string().contains("np.wasm") && error.to_string().contains("--plugins"), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("np.toml")).unwrap(), real);
}
