//! The page and the API, asked without a socket: who may do what, what is refused, what happens once.

#[path = "web/door.rs"]
mod door;
#[path = "web/marks.rs"]
mod marks;

use app::web::router::{Route, page_routes};
use app::web::{App, Sandbox, Setup, built_components};
use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{Method, Request, Response, StatusCode, header};
use domain::actor::Actor;
use domain::asked::Asked;
use domain::clock;
use domain::credit_state::{Action, Event, State};
use domain::invoice::Invoice;
use domain::issue::{Field, Issue, ProviderMessage};
use domain::lang::Lang;
use domain::mall::{Mall, Start};
use domain::order::Order;
use domain::user::Role;
use fixtures::{Db, TestStore, new_order};
use http_body_util::BodyExt;
use provider_host::{Host, Limits};
use serde_json::{Value, json};
use service::csv::mapping::column::Column;
use service::csv::mapping::preset::{self, Preset};
use service::csv::mapping::setting;
use service::providers::directory::PluginDirectory;
use service::providers::response::IN_FLIGHT_WINDOW;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use store::lease::ProcessLease;
use store::{Backlog, Change, MallUpdate, NewBatch, NewOrder, OrderTotal, SIGN_IN_WINDOW};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

const PASSWORD: &str = "tsuki to hoshi";
/// Held by a test with a subscriber of its own: what another one that comes or goes at the same moment makes of the
/// levels that are listened to is the whole process's.
static LISTENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// A setting that no page may ever show.
const SECRET: &str = "kagi-wa-himitsu";

/// A platform with two users, three orders and no plugin.
struct Platform {
    test: TestStore,
    app: App,
    router: Router,
}

impl Platform {
    async fn new() -> Self {
        Self::of(false).await
    }

    async fn of(https: bool) -> Self {
        let test = TestStore::new(Db::Sqlite).await;
        let mut mall = test.mall().await;
        mall.settings = BTreeMap::from([("password".to_owned(), SECRET.into())]);
        test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        test.orders(3).await;
        for (name, role) in [("kanri", Role::Administrator), ("tanto", Role::Operator)] {
            test.store.add_user(name, role, PASSWORD, Actor::default()).await.unwrap();
        }
        Self::with(test, https, None).await
    }

    /// The same with the plugin of the provider `id` and its gateway, which knows the ids of the sample mall.
    async fn with_provider(id: &str) -> Self {
        let platform = Self::new().await;
        let (components, directory) =
            (platform.test.folder.path().join("built"), platform.test.folder.path().join("plugins"));
        std::fs::create_dir_all(&components).unwrap();
        let built = built_components().expect("the components are built by `cargo xtask plugins`");
        let file = format!("{id}.wasm");
        std::fs::copy(built.join(&file), components.join(&file)).unwrap();
        let sandbox = Sandbox::start(0, &components, &directory).await.unwrap();
        Self::with(platform.test, false, Some(sandbox)).await
    }

    async fn with(test: TestStore, https: bool, sandbox: Option<Sandbox>) -> Self {
        let app = start(&test, https, sandbox).await;
        let router = app.router().layer(MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
        Self { test, app, router }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A browser in which nobody has signed in.
    fn browser(&self) -> Browser<'_> {
        Browser { platform: self, cookies: BTreeMap::new() }
    }

    async fn signed_in(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(name, PASSWORD).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
        browser
    }

    async fn token(&self, role: Role) -> String {
        self.test.store.add_api_token("test", role, None, Actor::now("kanri")).await.unwrap().1
    }

    /// A call of the API.
    async fn call(&self, method: Method, path: &str, token: &str, key: Option<&str>, body: Option<Value>) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }
}

/// What a start of the program makes of the store and its folder.
async fn start(test: &TestStore, https: bool, sandbox: Option<Sandbox>) -> App {
    let app = App::new(Setup {
        store: test.store.clone(),
        plugins: PluginDirectory::new(Host::builder().build().unwrap(), test.folder.path().join("plugins")),
        limits: Limits::default(),
        lang: Lang::Ja,
        https,
        concurrency: 1,
        in_flight_window: IN_FLIGHT_WINDOW,
        request_timeout: Duration::from_millis(200),
        sandbox,
    });
    app.await.unwrap()
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn location(&self) -> &str {
        self.header("location")
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The name of the problem that it is.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        json["type"].as_str().unwrap().trim_start_matches("urn:host-demo:problem:").to_owned()
    }

    /// The token that the forms of the page have.
    fn csrf(&self) -> &str {
        let (_, rest) = self.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().unwrap()
    }
}

impl Answer {
    /// What a browser would send of the form with this action: everything but its buttons.
    fn form(&self, action: &str) -> Vec<(String, String)> {
        let marked = format!(" action=\"{action}\"");
        let is_it = |form: &&str| form.split('>').next().is_some_and(|tag| tag.contains(&marked));
        let form = self.text.split("<form").find(is_it).unwrap_or_else(|| panic!("no form {action}: {}", self.text));
        let form = form.split("</form>").next().unwrap();
        let mut fields = Vec::new();
        let mut select = String::new();
        for tag in form.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').unwrap();
            let value = attribute(tag, "value").unwrap_or_default();
            let has = |name: &str| tag.split_whitespace().any(|part| part == name);
            let name = attribute(tag, "name").unwrap_or_default();
            match tag.split_whitespace().next() {
                Some("input")
                    if ["radio", "checkbox"].contains(&attribute(tag, "type").unwrap_or_default().as_str()) =>
                {
                    fields.extend(has("checked").then_some((name, value)));
                }
                Some("input") => fields.push((name, value)),
                // The first line end of a text field is not part of its value.
                Some("textarea") => fields.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text)))),
                Some("select") => select = name,
                Some("option") if has("selected") || !fields.iter().any(|(known, _)| *known == select) => {
                    fields.retain(|(known, _)| *known != select);
                    fields.push((select.clone(), value));
                }
                _ => {}
            }
        }
        // Fields elsewhere on the page that name it.
        let theirs = attribute(form.split('>').next().unwrap(), "id").map(|id| format!(" form=\"{id}\""));
        let inputs = self.text.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        for tag in inputs.filter(|tag| theirs.as_ref().is_some_and(|theirs| tag.contains(theirs))) {
            if attribute(tag, "type").as_deref() == Some("hidden") || tag.contains(" checked") {
                fields.push((attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap_or_default()));
            }
        }
        fields
    }

    /// The value of the field `name` in the form `action`.
    fn field(&self, action: &str, name: &str) -> Option<String> {
        self.form(action).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(unescaped)
}

fn unescaped(text: &str) -> String {
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    signs.into_iter().fold(text.to_owned(), |text, (escaped, sign)| text.replace(escaped, sign))
}

struct Browser<'a> {
    platform: &'a Platform,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        let answer = self.platform.send(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
            match cookie.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form with exactly these fields.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(serde_html_form::to_string(fields).unwrap())).unwrap()).await
    }

    /// Sends a form as the page `from` has it.
    async fn submit(&mut self, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(from).await;
        let fields: Vec<_> = [("csrf", page.csrf())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &fields).await
    }

    /// Presses a button of the form `action` that `page` has, with some of its fields changed, as a browser does.
    async fn press(&mut self, page: &Answer, action: &str, changes: &[(&str, &str)]) -> Answer {
        let mut fields = page.form(action);
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action, &fields).await
    }

    /// Presses a button of the form `action` that `page` has, with files: their fields and contents.
    async fn send_files(
        &mut self,
        page: &Answer,
        action: &str,
        changes: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        let mut fields = page.form(action);
        fields.retain(|(known, _)| !changes.iter().any(|(name, _)| name == known) && known != "file");
        fields.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut body = Vec::new();
        for (name, value) in fields {
            // As browsers send the lines of a field.
            let value = value.replace("\r\n", "\n").replace('\n', "\r\n");
            let part = format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.into_bytes());
        }
        for (name, content) in files {
            let head = format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"f.csv\"\r\n\r\n");
            body.extend([head.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(b"--b--\r\n");
        let request = Request::post(action).header("content-type", "multipart/form-data; boundary=b");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.submit("/signin", "/signin", &[("name", name), ("password", password), ("next", "/")]).await
    }
}

/// Every page that an administrator can look at.
fn pages() -> Vec<String> {
    let is_page = |route: &Route| {
        route.method == Method::GET
            && !["/static/", "/signin", "/export.csv", "/events", "/import/runs/"]
                .iter()
                .any(|no| route.path.contains(no))
    };
    page_routes().iter().filter(|route| is_page(route)).map(|route| door::concrete(route.path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_the_right_password_and_ends_at_the_server() {
    let platform = Platform::new().await;
    let mut browser = platform.browser();
    assert_eq!(browser.sign_in("kanri", "falsch und falsch").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/orders").await.status, StatusCode::SEE_OTHER);
    browser.sign_in("kanri", PASSWORD).await;
    assert_eq!(browser.get("/orders").await.status, StatusCode::OK);
    // Somebody copied the cookies. After signing out they are worth nothing.
    let mut thief = Browser { platform: &platform, cookies: browser.cookies.clone() };
    assert_eq!(thief.get("/orders").await.status, StatusCode::OK);
    assert_eq!(browser.submit("/orders", "/signout", &[]).await.location(), "/signin");
    assert_eq!(thief.get("/orders").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_whoever_knows_it_and_ends_every_other_session() {
    const NEW: &str = "hana to arashi";
    let platform = Platform::new().await;
    let (mut browser, mut elsewhere) = (platform.signed_in("tanto").await, platform.signed_in("tanto").await);
    for (current, new, said) in [("falsch", NEW, "今のパスワードが違います"), (PASSWORD, "kurz", "文字以上")]
    {
        let answer = browser.submit("/account", "/account", &[("current", current), ("new", new)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(said), "{}", answer.text);
    }
    assert_eq!(elsewhere.get("/orders").await.status, StatusCode::OK);
    let answer = browser.submit("/account", "/account", &[("current", PASSWORD), ("new", NEW)]).await;
    assert_eq!(answer.location(), "/account");
    assert!(browser.get("/account").await.text.contains("パスワードを変更しました"));
    assert_eq!(elsewhere.get("/orders").await.status, StatusCode::SEE_OTHER);
    assert_eq!(platform.browser().sign_in("tanto", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(platform.browser().sign_in("tanto", NEW).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_passwords_is_slowed_down() {
    let platform = Platform::new().await;
    let mut browser = platform.browser();
    for _ in 0..10 {
        assert_eq!(browser.sign_in("tanto", "guess").await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = browser.sign_in("tanto", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even the right one");
    assert!(answer.text.contains("ログインの失敗が続いたため"));
    let wait: u64 = answer.header("retry-after").parse().expect("a number of seconds");
    assert!((1..=SIGN_IN_WINDOW.as_secs()).contains(&wait), "{wait}");
    // The same with the password that a signed-in user changes.
    let mut inside = platform.signed_in("kanri").await;
    let change = [("current", "guess"), ("new", "hana to arashi")];
    let mut answer = inside.submit("/account", "/account", &change).await;
    for _ in 0..10 {
        answer = inside.submit("/account", "/account", &change).await;
    }
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|wait| wait > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_an_order_that_changed_is_refused_kindly() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let fields = [("version", "0"), ("invoice", "enclosed")];
    let answer = browser.submit("/orders/1", "/orders/1/invoice", &fields).await;
    assert_eq!(answer.location(), "/orders/1");
    assert!(browser.get("/orders/1").await.text.contains("請求書の送り方を保存しました"));
    // A double click, or a page that was open since before.
    let stale = [("version", "0"), ("invoice", "separate")];
    assert!(browser.submit("/orders/1", "/orders/1/invoice", &stale).await.text.contains("二重に実行しないよう"));
    for form in ["actions/credit", "tracking", "status", "decision"] {
        let fields = [
            ("version", "0"),
            ("note", "n"),
            ("found", "nothing"),
            ("carrier", "c"),
            ("shipped_on", "2026-07-01"),
            ("number", "1"),
        ];
        let answer = browser.submit("/orders/1", &format!("/orders/1/{form}"), &fields).await;
        let page = if answer.status == StatusCode::SEE_OTHER { browser.get("/orders/1").await } else { answer };
        assert!(page.text.contains("二重に実行しないよう"), "{form}: {}", page.text);
    }
    let order = platform.test.order(1).await;
    assert_eq!((order.data.invoice, order.version), (Some(Invoice::Enclosed), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_is_sent_twice_makes_one_batch_in_the_order_of_the_ticks() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let fields = [
        ("action", "check"),
        ("scope", "ticked"),
        ("once", "abc"),
        ("id", "1"),
        ("id", "2"),
        ("id", "3"),
        ("sequence", "3,1,99"),
    ];
    let first = browser.submit("/orders", "/batches", &fields).await;
    let second = browser.submit("/orders", "/batches", &fields).await;
    assert_eq!((first.location(), second.location()), ("/batches/1", "/batches/1"));
    let rows = platform.test.store.batch_rows(1, 0, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.order).collect::<Vec<_>>(), [3, 1, 2]);
    assert_eq!(platform.test.store.batches(10).await.unwrap().len(), 1);
}

/// Far above what a form takes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// On one thread, where no other can carry it out within the one poll.
#[tokio::test]
async fn a_form_is_carried_out_though_its_browser_leaves() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let csrf = browser.get("/orders/1").await.csrf().to_owned();
    {
        let fields = [("csrf", csrf.as_str()), ("version", "0"), ("invoice", "enclosed")];
        let answer = browser.post("/orders/1/invoice", &fields);
        assert!(futures::poll!(std::pin::pin!(answer)).is_pending(), "it was carried out before the browser left");
    }
    let began = Instant::now();
    while platform.test.order(1).await.data.invoice.is_none() {
        assert!(began.elapsed() < REQUEST_TIMEOUT, "it was broken off");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_never_ends_a_request_is_let_go() {
    let platform = Platform::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { platform.app.serve(listener).await });
    let form = "POST /signin HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nname=";
    for begun in ["", "GET /signin HTTP/1.1\r\nho", form, "GET /signin HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(REQUEST_TIMEOUT, stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "after {begun:?} it waits for ever");
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_stopped_gives_up_what_had_not_begun() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    // Nothing works in the background here, so its rows wait.
    platform.test.store.add_batch(NewBatch::new(Action::Check, "tanto"), &[1, 2], clock::now()).await.unwrap();
    assert!(browser.get("/batches").await.text.contains("2件中 0件"));
    assert_eq!(browser.submit("/batches/1", "/batches/1/stop", &[]).await.location(), "/batches/1");
    let page = browser.get("/batches/1").await.text;
    assert!(page.contains("始めていない分をやめました") && !page.contains("/batches/1/stop"), "{page}");
    assert_eq!(platform.test.store.batch_progress(1).await.unwrap().failure, 2);
    assert_eq!(browser.submit("/orders", "/batches/9/stop", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_match_means_what_the_page_showed_or_nothing() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let fields = |matching| {
        [("action", "credit"), ("scope", "match"), ("once", matching), ("query", ""), ("matching", matching)]
    };
    assert_eq!(browser.submit("/orders", "/batches", &fields("2")).await.location(), "/orders");
    assert!(browser.get("/orders").await.text.contains("2件から3件に変わりました"));
    assert_eq!(browser.submit("/orders", "/batches", &fields("3")).await.location(), "/batches/1");
    let nothing = [("action", "credit"), ("scope", "ticked"), ("once", "x")];
    assert_eq!(browser.submit("/orders", "/batches", &nothing).await.location(), "/orders");
    assert_eq!(platform.test.store.batches(10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_shown_to_nobody() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    for page in pages() {
        assert!(!administrator.get(&page).await.text.contains(SECRET), "{page}");
    }
    let token = platform.token(Role::Administrator).await;
    let answer = platform.call(Method::GET, "/api/v1/malls/m", &token, None, None).await;
    assert!(!answer.text.contains(SECRET));
    assert_eq!(answer.json()["secrets"], json!(["password"]), "nobody says that it is not secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_headers_and_no_page_needs_an_exception() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    let others = ["/signin", "/static/app.css", "/api/openapi.json", "/api/nothing", "/nothing", "/orders/99"];
    for path in pages().into_iter().chain(others.map(str::to_owned)) {
        let answer = administrator.get(&path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        for inline in [" style=", " onclick=", " onchange=", "<style", "javascript:", "<script>"] {
            assert!(!answer.text.contains(inline) || path.starts_with("/static"), "{path}: {inline}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_or_is_too_large_is_said() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    for path in ["/nothing", "/orders/99", "/malls/zz", "/batches/99"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let long = "x".repeat(300 << 10);
    let answer = browser.submit("/orders", "/orders/1/invoice", &[("invoice", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.text.contains("大きすぎます"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_the_language_that_was_chosen() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    assert!(browser.get("/orders").await.text.contains("<html lang=\"ja\">"));
    let back = [("lang", "en"), ("back", "/orders?state=approved")];
    assert_eq!(browser.submit("/orders", "/language", &back).await.location(), "/orders?state=approved");
    for page in pages().into_iter().filter(|page| page != "/") {
        let text = browser.get(&page).await.text;
        assert!(text.contains("<html lang=\"en\">"), "{page}");
        // What remains are names of people, goods and malls, and the headings of a CSV file.
        assert!(!text.contains("保存") && !text.contains("ログアウト"), "{page}");
    }
    let abroad = [("lang", "ja"), ("back", "https://evil.example/")];
    assert_eq!(browser.submit("/orders", "/language", &abroad).await.location(), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_knows_its_callers() {
    let platform = Platform::new().await;
    let good = platform.token(Role::Operator).await;
    assert_eq!(platform.call(Method::GET, "/api/v1/orders", &good, None, None).await.status, StatusCode::OK);
    for token in ["", "hostdemo_guess", PASSWORD] {
        let answer = platform.call(Method::GET, "/api/v1/orders", token, None, None).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let administrator = platform.token(Role::Administrator).await;
    let revoked = platform.call(Method::DELETE, "/api/v1/tokens/1", &administrator, Some("k"), None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(platform.call(Method::GET, "/api/v1/orders", &good, None, None).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acting_call_is_carried_out_once_for_its_key() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Operator).await;
    let put = async |key, invoice: &str, version: i64| {
        let body = json!({ "version": version, "invoice": invoice });
        platform.call(Method::PUT, "/api/v1/orders/1/invoice", &token, key, Some(body)).await
    };
    assert_eq!(put(None, "enclosed", 0).await.problem(), "idempotency-key-missing");
    let first = put(Some("a"), "enclosed", 0).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (StatusCode::OK, ""));
    let again = put(Some("a"), "enclosed", 0).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::OK, "true"));
    assert_eq!(again.json(), first.json());
    assert_eq!(put(Some("a"), "separate", 1).await.problem(), "idempotency-key-reused");
    assert_eq!(put(Some("b"), "separate", 0).await.problem(), "stale-version");
    // What did not act may be made again under its key.
    assert_eq!(put(Some("b"), "separate", 1).await.status, StatusCode::OK);
    assert_eq!(platform.test.order(1).await.version, 2);
    // Another caller's key is another key.
    let other = platform.token(Role::Operator).await;
    let body = json!({ "version": 2, "invoice": null });
    let answer = platform.call(Method::PUT, "/api/v1/orders/1/invoice", &other, Some("a"), Some(body)).await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (StatusCode::OK, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_mean_two_things_acts_on_nothing() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Operator).await;
    let request = |path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let bearer = format!("Bearer {token}");
    let known = [("authorization", bearer.as_str()), ("idempotency-key", "k")];
    let act = "/api/v1/orders/1/actions";
    let twice = platform.send(request(act, &known, r#"{"action":"check","action":"credit","version":0}"#)).await;
    assert_eq!(twice.problem(), "invalid");
    let filter = r#"{"action":"credit","matching":{"state":["approved"],"state":[]}}"#;
    assert_eq!(platform.send(request("/api/v1/batches", &known, filter)).await.problem(), "invalid");
    let list = r#"["credit",0]"#;
    assert_eq!(platform.send(request(act, &known, list)).await.problem(), "invalid");
    let body = r#"{"action":"credit","version":0}"#;
    let keys = [known[0], known[1], ("idempotency-key", "l")];
    assert_eq!(platform.send(request(act, &keys, body)).await.problem(), "idempotency-key-missing");
    let tokens = [known[0], known[0], known[1]];
    assert_eq!(platform.send(request(act, &tokens, body)).await.problem(), "unauthenticated");
    // Every order there is, of all malls, is not cancelled by leaving something out.
    let all = r#"{"action":"cancel","matching":{}}"#;
    assert_eq!(platform.send(request("/api/v1/batches", &known, all)).await.problem(), "invalid");
    assert_eq!(platform.test.order(1).await.version, 0);
    assert!(platform.test.store.batches(1).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_broken_is_not_called_too_large() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let csrf = browser.get("/import").await.csrf().to_owned();
    let begin = format!("--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}");
    for body in [String::new(), "--c\r\n".to_owned(), begin.clone(), format!("{begin}\r\n--b\r\nbroken")] {
        let request = Request::post("/import").header("content-type", "multipart/form-data; boundary=b");
        let answer = browser.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_file_holds_up_nobody_else() {
    const LARGE: usize = 24 << 20;
    let platform = Platform::new().await;
    let token = platform.token(Role::Operator).await;
    let mall = platform.test.mall().await.id;
    let file = "注文番号,結果,メモ\n".to_owned() + &"a".repeat(LARGE);
    let import = Request::post(format!("/api/v1/imports?what=decisions&mall={mall}&dry_run=true"))
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", "k")
        .body(Body::from(file))
        .unwrap();
    let begun = Instant::now();
    let import = tokio::spawn(platform.router.clone().oneshot(import));
    let mut longest = Duration::ZERO;
    while !import.is_finished() {
        let (asked, get) = (Instant::now(), Request::get("/static/icon.svg").body(Body::empty()).unwrap());
        tokio::spawn(platform.router.clone().oneshot(get)).await.unwrap().unwrap();
        longest = longest.max(asked.elapsed());
    }
    let (taken, answer) = (begun.elapsed(), import.await.unwrap().unwrap());
    let answer = Answer::of(answer).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(longest < taken / 2, "another request waited for {longest:?} while the file took {taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_this_process_was_built_with_is_kept_by_a_browser() {
    let platform = Platform::new().await;
    let caching = async |path: &str| {
        let answer = platform.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.header("cache-control").to_owned()
    };
    let page = platform.browser().get("/signin").await.text;
    let own = page.split('"').find(|part| part.starts_with("/static/app.css")).unwrap();
    assert!(caching(own).await.contains("immutable"), "{own}");
    for other in ["/static/app.css", "/static/app.css?v=00000000"] {
        assert_eq!(caching(other).await, "no-cache", "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_lists_orders_page_by_page_under_every_condition() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Operator).await;
    let get = async |path: String| platform.call(Method::GET, &path, &token, None, None).await;
    let numbers = |page: &Value| -> Vec<String> {
        let orders = page["orders"].as_array().unwrap().iter();
        orders.map(|order| order["number"].as_str().unwrap().to_owned()).collect()
    };
    let first = get("/api/v1/orders?limit=2&mall=m".into()).await.json();
    let second = get(format!("/api/v1/orders?limit=2&mall=m&after={}", first["older"].as_str().unwrap())).await.json();
    assert_eq!([numbers(&first), numbers(&second)].concat(), ["A-3", "A-2", "A-1"]);
    let back = get(format!("/api/v1/orders?limit=2&before={}", second["newer"].as_str().unwrap())).await.json();
    assert_eq!(back["orders"], first["orders"]);
    for (condition, found) in [("search=a-2", 1), ("state=not_asked", 3), ("state=approved", 0), ("tracked=true", 0)] {
        assert_eq!(numbers(&get(format!("/api/v1/orders?{condition}")).await.json()).len(), found, "{condition}");
        let file = get(format!("/api/v1/exports?what=orders&encoding=utf-8&{condition}")).await;
        assert_eq!(file.text.lines().count(), 1 + found, "{condition}: {}", file.text);
    }
    for misspelt in ["/api/v1/orders?stat=approved", "/api/v1/exports?what=orders&stat=approved"] {
        assert_eq!(get(misspelt.into()).await.problem(), "unreadable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_exports_what_the_list_shows() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    for (conditions, orders) in [("", 3), ("&q=a-2", 1), ("&state=approved", 0), ("&mall=m", 3), ("&mall=x", 0)] {
        let file = browser.get(&format!("/export.csv?what=orders&encoding=utf-8{conditions}")).await;
        assert_eq!(file.text.lines().count(), 1 + orders, "{conditions}: {}", file.text);
        let form = browser.get(&format!("/export?x={conditions}")).await;
        assert!(form.text.contains(&format!("{orders}件")), "{conditions}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_for_one_provider_leaves_the_others_orders_out() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let fields = |provider| {
        [("action", "check"), ("scope", "match"), ("once", provider), ("matching", "3"), ("provider", provider)]
    };
    assert_eq!(browser.submit("/orders", "/batches", &fields("another")).await.location(), "/orders");
    assert_eq!(browser.submit("/orders", "/batches", &fields("fake")).await.location(), "/batches/1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_whose_conditions_cannot_be_read_acts_on_nothing() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    for query in ["state=aproved", "state=not_asked&keep=x", "from=gestern"] {
        let fields = [("action", "credit"), ("scope", "match"), ("once", query), ("query", query), ("matching", "")];
        assert_eq!(browser.submit("/orders", "/batches", &fields).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert!(platform.test.store.batches(10).await.unwrap().is_empty());
    assert_eq!(browser.get("/batches/1?from=9223372036854775807").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_the_visitor_is_who_it_says() {
    let platform = Platform::of(true).await;
    // Too long to be looked at, so that nothing is hashed.
    let guess = "x".repeat(300);
    let try_from = async |from: &str, name: &str| {
        let mut browser = platform.browser();
        let csrf = browser.get("/signin").await.csrf().to_owned();
        let fields = [("csrf", csrf.as_str()), ("name", name), ("password", &guess)];
        let request = Request::post("/signin")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-for", format!("198.51.100.9, {from}"));
        browser.send(request.body(Body::from(serde_html_form::to_string(fields).unwrap())).unwrap()).await.status
    };
    for at in 0..50 {
        assert_eq!(try_from("203.0.113.1", &at.to_string()).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(try_from("203.0.113.1", "50").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(try_from("203.0.113.2", "51").await, StatusCode::UNAUTHORIZED, "somebody else goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_changed_on_the_page() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    let mut operator = platform.signed_in("tanto").await;
    assert_eq!(operator.get("/users").await.status, StatusCode::FORBIDDEN);
    administrator.submit("/users", "/users/2", &[("role", "administrator")]).await;
    assert_eq!(operator.get("/users").await.status, StatusCode::OK);
    operator.submit("/users", "/users/1", &[("disabled", "yes")]).await;
    assert_eq!(administrator.get("/users").await.status, StatusCode::SEE_OTHER, "shut out at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_by_name() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Administrator).await;
    let mall = |change: Value| {
        let mut mall = json!({ "name": "n", "provider": "fake", "settings": {}, "version": 0 });
        mall.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        Some(mall)
    };
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let cases: [(Method, &str, Option<Value>, StatusCode, &str); 15] = [
        (Method::POST, "/api/v1/batches", Some(json!({ "action": "credit", "orders": [1, 99] })), unprocessable, "99"),
        (Method::POST, "/api/v1/imports?mall=m&what=orders&dryrun=true", None, StatusCode::BAD_REQUEST, "dryrun"),
        (Method::GET, "/api/v1/orders/counts?state=approved", None, StatusCode::BAD_REQUEST, "state"),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "automation": { "credt": "never" } })), unprocessable, "credt"),
        (Method::PUT, "/api/v1/malls/new", mall(json!({})), unprocessable, "\"id\""),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "name": "a\nb" })), unprocessable, "\"name\""),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "name": "\u{3000}" })), unprocessable, "\"name\""),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "rows_per_request": 0 })), unprocessable, "\"rows_per_request\""),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "take": { "a\tb": ["x"] } })), unprocessable, "\"take\""),
        (Method::PUT, "/api/v1/malls/x", mall(json!({ "mapping": "preset = 'x'" })), unprocessable, "\"mapping\""),
        (
            Method::PUT,
            "/api/v1/malls/x",
            mall(json!({ "tracking_mapping": "preset = 'x'" })),
            unprocessable,
            "\"tracking_mapping\"",
        ),
        (Method::POST, "/api/v1/malls/m/fee-trial", Some(json!({ "amount": -1 })), unprocessable, "amount"),
        (
            Method::POST,
            "/api/v1/tokens",
            Some(json!({ "name": "t", "role": "operator", "expires_at": 1 })),
            unprocessable,
            "expires_at",
        ),
        (
            Method::POST,
            "/api/v1/orders/1/decision",
            Some(json!({ "version": 0, "found": "nothing", "note": "n" })),
            StatusCode::CONFLICT,
            "not_asked",
        ),
        (
            Method::POST,
            "/api/v1/orders/1/actions",
            Some(json!({ "version": 0, "action": "decide" })),
            unprocessable,
            "/decision",
        ),
    ];
    for (at, (method, path, body, status, said)) in cases.into_iter().enumerate() {
        let answer = platform.call(method, path, &token, Some(&format!("k{at}")), body).await;
        answer.problem();
        assert!(answer.status == status && answer.text.contains(said), "{path}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_test_is_among_the_calls_of_its_provider() {
    let mut platform = Platform::new().await;
    let directory = platform.test.folder.path().join("plugins");
    std::fs::create_dir(&directory).unwrap();
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().map(|folder| folder.join("plugins/atobarai-com.wasm")).find(|path| path.is_file());
    std::fs::copy(built.expect("run `cargo xtask plugins` first"), directory.join("atobarai-com.wasm")).unwrap();
    std::fs::write(directory.join("atobarai-com.toml"), "provider = \"atobarai-com\"\norigins = []\n").unwrap();
    platform.app = start(&platform.test, false, None).await;
    platform.router = platform.app.router().layer(MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
    let mut mall = platform.test.mall().await;
    mall.provider = "atobarai-com".into();
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();

    let token = platform.token(Role::Administrator).await;
    let tested = platform.call(Method::POST, "/api/v1/malls/m/connection-test", &token, Some("k"), None).await;
    assert_eq!((tested.status, &tested.json()["works"]), (StatusCode::OK, &json!(false)), "{}", tested.text);
    let providers = platform.call(Method::GET, "/api/v1/providers", &token, None, None).await.json();
    let calls = &providers[0]["calls"][0];
    assert_eq!((&calls["operation"], &calls["calls"]), (&json!("test-connection"), &json!(1)), "{providers}");
}

/// The page and the API have the same use case, so neither can bypass the counter.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_test_of_the_page_is_counted_like_the_apis() {
    let (platform, _) = platform_with_a_wrong_secret().await;
    let mut browser = platform.signed_in("kanri").await;
    let page = browser.get(MALL).await;
    browser.press(&page, MALL, &[("do", "test")]).await;
    let token = platform.token(Role::Administrator).await;
    let tests = async || {
        let providers = platform.call(Method::GET, "/api/v1/providers", &token, None, None).await.json();
        let np = providers.as_array().unwrap().iter().find(|provider| provider["id"] == "np").unwrap().clone();
        let calls =
            np["calls"].as_array().unwrap().iter().find(|calls| calls["operation"] == "test-connection").cloned();
        calls.map_or(json!(0), |calls| calls["calls"].clone())
    };
    assert_eq!(tests().await, json!(1), "the page's test");
    let path = "/api/v1/malls/mihon/connection-test";
    let tested = platform.call(Method::POST, path, &token, Some("k"), None).await;
    assert_eq!((tested.status, &tested.json()["works"]), (StatusCode::OK, &json!(false)), "{}", tested.text);
    assert_eq!(tests().await, json!(2), "the API's test");
}

/// By the page and by the API alike; the page says who, since when and why.
#[tokio::test(flavor = "multi_thread")]
async fn new_credits_are_paused_and_resumed() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let provider = platform.test.mall().await.provider;
    let paused = async || platform.test.store.is_credit_paused(&provider).await.unwrap();
    let answer =
        browser.submit("/users", &format!("/providers/{provider}/pause"), &[("reason", "定期メンテナンス")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(paused().await);
    let pause = platform.test.store.credit_pauses().await.unwrap().remove(0);
    assert_eq!((pause.who.as_str(), pause.note.as_str()), ("kanri", "定期メンテナンス"));

    let token = platform.token(Role::Administrator).await;
    let path = format!("/api/v1/providers/{provider}/credit-pause");
    let reason = json!({"reason": "once more"});
    let again = platform.call(Method::PUT, &path, &token, Some("1"), Some(reason.clone())).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
    let resumed = platform.call(Method::DELETE, &path, &token, Some("2"), None).await;
    assert_eq!(resumed.status, StatusCode::NO_CONTENT, "{}", resumed.text);
    assert!(!paused().await);
    let unknown = "/api/v1/providers/nobody/credit-pause";
    let unknown = platform.call(Method::PUT, unknown, &token, Some("3"), Some(reason.clone())).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.text);
    let long = json!({"reason": "x".repeat(201)});
    let long = platform.call(Method::PUT, &path, &token, Some("4"), Some(long)).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", long.text);
    let by_api = platform.call(Method::PUT, &path, &token, Some("5"), Some(reason)).await;
    assert_eq!(by_api.status, StatusCode::NO_CONTENT, "{}", by_api.text);
    assert!(paused().await);
    let answer = browser.submit("/users", &format!("/providers/{provider}/resume"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(!paused().await);
}

/// PostgreSQL cannot hold it and would fail; on either database it is what was sent that cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn text_with_nul_cannot_be_read_wherever_it_comes() {
    let platform = Platform::new().await;
    let mut browser = platform.browser();
    for (name, password) in [("kan\0ri", PASSWORD), ("kanri", "\0")] {
        assert_eq!(browser.sign_in(name, password).await.status, StatusCode::BAD_REQUEST, "{name:?}");
    }
    let mut browser = platform.signed_in("kanri").await;
    for path in ["/orders?q=a%00", "/orders?mall=%00", "/orders?status=x%00y", "/malls/%00", "/signin?next=%2F%00"] {
        assert_eq!(browser.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    // What only looks like it is text like any other.
    assert_eq!(browser.get("/orders?q=%2500").await.status, StatusCode::OK);
    let token = platform.token(Role::Administrator).await;
    for path in ["/api/v1/orders?search=%00", "/api/v1/orders?order_status=%00", "/api/v1/malls/%00"] {
        let answer = platform.call(Method::GET, path, &token, None, None).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "unreadable"), "{path}");
    }
    let body = json!({ "name": "a\u{0}", "role": "operator", "password": PASSWORD });
    let answer = platform.call(Method::POST, "/api/v1/users", &token, Some("k"), Some(body)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "unreadable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_refuses_a_mall_by_the_same_rule_and_keeps_what_was_typed() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let fields = [
        ("do", "save"),
        ("id", "new"),
        ("name", "\u{202e}x"),
        ("provider", "fake"),
        ("rows_per_request", "many"),
        ("take", "支払方法=後払い決済\r\nステータス=新規\r\nステータス=\u{1b}"),
        ("mapping", "preset = \"rakuten\"\r\ncolumn = {}"),
        ("tracking_mapping", "preset = \"b3\""),
    ];
    let answer = browser.submit("/malls/new", "/malls/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for problem in ["p-id", "p-name", "p-rows", "p-take", "p-mapping", "p-tracking-mapping"] {
        assert!(answer.text.contains(&format!("id=\"{problem}\"")), "{problem}: {}", answer.text);
    }
    for typed in ["value=\"many\"", "支払方法=後払い決済", "ステータス=新規"] {
        assert!(answer.text.contains(typed), "{typed}");
    }
    // A line without = is neither a column nor a value.
    let fields = [fields[0], ("id", "eki"), ("name", "駅店"), fields[3], ("take", "支払方法=後払い決済\r\n後払い")];
    let answer = browser.submit("/malls/new", "/malls/new", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("「後払い」には「=」がありません") && answer.text.contains("\n後払い"),
        "{}",
        answer.text
    );
    assert_eq!(platform.test.store.mall_summaries().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_the_api_is_a_problem() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Administrator).await;
    let cases: [(Method, &str, Option<Value>, StatusCode); 8] = [
        (Method::GET, "/api/nothing", None, StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/orders/99", None, StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/orders/x", None, StatusCode::BAD_REQUEST),
        (Method::GET, "/api/v1/orders?limit=0", None, StatusCode::BAD_REQUEST),
        (Method::GET, "/api/v1/orders?after=x", None, StatusCode::BAD_REQUEST),
        (Method::DELETE, "/api/v1/orders", None, StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/api/v1/batches", Some(json!({ "action": "fly" })), StatusCode::UNPROCESSABLE_ENTITY),
        (Method::POST, "/api/v1/batches", None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (method, path, body, status) in cases {
        let answer = platform.call(method.clone(), path, &token, Some("k"), body).await;
        answer.problem();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_describes_itself() {
    let platform = Platform::new().await;
    let document = platform.send(Request::get("/api/openapi.json").body(Body::empty()).unwrap()).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let (mut acting, mut names) = (0, BTreeSet::new());
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, call) in methods.as_object().unwrap() {
            let parameters = call["parameters"].as_array().cloned().unwrap_or_default();
            let has_key = parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key");
            assert_eq!(has_key, method != "get", "{method} {path}");
            acting += usize::from(has_key);
            assert!(names.insert(call["operationId"].to_string()), "two calls are {}", call["operationId"]);
            for (status, response) in call["responses"].as_object().unwrap() {
                let described = response["description"].as_str().is_some_and(|words| !words.is_empty());
                assert!(described || response["$ref"].is_string(), "{method} {path} {status}");
            }
            assert!(call["responses"]["401"]["content"]["application/problem+json"].is_object(), "{method} {path}");
        }
    }
    assert!(acting >= 12, "{acting}");
}

/// The secret setting of the plugin that these tests use.
const SECRET_KEY: &str = "sp-code";
const MALL: &str = "/malls/mihon";

/// A platform with a mall at NP whose stored secret is wrong, and the right one.
async fn platform_with_a_wrong_secret() -> (Platform, String) {
    let platform = Platform::with_provider("np").await;
    let mut browser = platform.signed_in("kanri").await;
    browser.submit("/start", "/start/1", &[("provider", "np")]).await;
    let mut mall = platform.test.store.mall("mihon").await.unwrap().expect("the sample mall");
    let right = mall.settings.insert(SECRET_KEY.to_owned(), SECRET.into()).expect("a secret").expose().to_owned();
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    (platform, right)
}

impl Platform {
    async fn secret(&self) -> String {
        self.test.store.mall("mihon").await.unwrap().unwrap().settings[SECRET_KEY].expose().to_owned()
    }

    /// Brings orders that were never asked about to a state, with these transaction ids.
    async fn answered(&self, ids: &[i64], event: Event, transaction_id: Option<&str>) -> Vec<Order> {
        let mut orders = Vec::new();
        for id in ids {
            let claimed = self.test.claim(&[self.test.order(*id).await], "w").await.remove(0).unwrap();
            let change = Change { transaction_id: transaction_id.map(str::to_owned), ..Change::new(&claimed, event) };
            orders.push(self.test.store.apply(&[change], "op", 2).await.unwrap().remove(0).unwrap().order);
        }
        orders
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_secret_survives_every_button_and_error_and_is_what_is_saved() {
    let (platform, right) = platform_with_a_wrong_secret().await;
    let mut browser = platform.signed_in("kanri").await;
    let page = browser.get(MALL).await;
    let refused = browser.press(&page, MALL, &[("do", "test")]).await;
    assert!(!refused.text.contains("接続できました"), "the stored one is wrong");
    let field = format!("set.{SECRET_KEY}");
    for button in ["test", "try", "row", "draw", "save"] {
        let page = browser.get(MALL).await;
        // A name that is missing: an error elsewhere.
        let name = if button == "save" { "" } else { "名前" };
        let mut page = browser.press(&page, MALL, &[(&field, &right), ("do", button), ("name", name)]).await;
        assert_ne!(page.status, StatusCode::SEE_OTHER, "{button}");
        // Again and again, through every other button.
        for again in ["test", "try", "row", "draw"] {
            assert_eq!(page.field(MALL, &field).unwrap(), "", "{button}: nothing goes back to the browser");
            assert!(!page.text.contains(&right), "{button} {again}: a secret was sent to the browser");
            assert!(page.text.contains("入力済み（未保存）"), "{button} {again}: it is not said");
            page = browser.press(&page, MALL, &[("do", again), ("name", "本店")]).await;
            assert_eq!(page.text.contains("接続できました"), again == "test", "{button}: the test uses it");
        }
        assert_eq!(platform.secret().await, SECRET, "{button}: nothing was saved");
        let saved = browser.press(&page, MALL, &[("do", "save"), ("name", "本店")]).await;
        assert_eq!(saved.location(), MALL, "{button}: {}", saved.text);
        assert_eq!(platform.secret().await, right, "{button}: saved without what was typed");
        let page = browser.get(MALL).await;
        assert!(!page.text.contains("未保存"), "{button}");
        // Left empty, what is stored stays; and the wrong one again for the next button.
        browser.press(&page, MALL, &[("do", "save")]).await;
        assert_eq!(platform.secret().await, right, "{button}");
        let page = browser.get(MALL).await;
        browser.press(&page, MALL, &[("do", "save"), (&field, SECRET)]).await;
        assert_eq!(platform.secret().await, SECRET);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_secret_that_is_gone_is_said_and_is_nobody_elses() {
    let (platform, right) = platform_with_a_wrong_secret().await;
    let (mut browser, mut other) = (platform.signed_in("kanri").await, platform.signed_in("kanri").await);
    let field = format!("set.{SECRET_KEY}");
    let page = browser.get(MALL).await;
    let typed = browser.press(&page, MALL, &[(&field, &right), ("do", "row")]).await;
    let draft = typed.field(MALL, "draft").expect("it is kept");
    let csrf = other.get(MALL).await.csrf().to_owned();
    let elsewhere = [("draft", "guess"), ("draft", "")];
    for change in [("csrf", csrf.as_str())].into_iter().chain(elsewhere) {
        // Another session with this one's draft; this session with none.
        let browser = if change.0 == "csrf" { &mut other } else { &mut browser };
        for button in ["save", "row"] {
            let answer = browser.press(&typed, MALL, &[change, ("do", button)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change:?} {button}");
            assert!(answer.text.contains("もう一度入力してください"), "{change:?} {button}: {}", answer.text);
        }
    }
    // Another mall's form does not get it either.
    let page = other.get("/malls/new?provider=np").await;
    let drafted = format!("np/{SECRET_KEY}");
    let fields = [("draft", draft.as_str()), ("drafted", &drafted), ("do", "test")];
    let answer = other.press(&page, "/malls/new", &fields).await;
    assert!(answer.text.contains("もう一度入力してください"));
    assert_eq!(platform.secret().await, SECRET);
    // Signing out forgets it.
    browser.submit("/orders", "/signout", &[]).await;
    let mut again = platform.signed_in("kanri").await;
    let csrf = again.get(MALL).await.csrf().to_owned();
    let answer = again.press(&typed, MALL, &[("csrf", &csrf), ("do", "save")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_for_one_provider_is_never_taken_for_anothers() {
    let (platform, right) = platform_with_a_wrong_secret().await;
    let mut browser = platform.signed_in("kanri").await;
    let page = browser.get(MALL).await;
    let field = format!("set.{SECRET_KEY}");
    // The form still had the fields of another provider when this one was chosen and a button pressed.
    let mixed = [("drawn", "another"), (field.as_str(), right.as_str())];
    for button in ["save", "test"] {
        let answer = browser.press(&page, MALL, &[mixed[0], mixed[1], ("do", button)]).await;
        assert!(answer.text.contains("項目がまだ表示されていなかった"), "{button}: {}", answer.text);
        assert!(!answer.text.contains("未保存") && !answer.text.contains("接続できました"), "{button}");
    }
    assert_eq!(platform.secret().await, SECRET);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_many_says_what_it_is_about_and_does_just_that() {
    let platform = Platform::new().await;
    platform.answered(&[1], Event::CreditApproved, Some("T1")).await;
    platform.answered(&[2], Event::CreditUnderReview, Some("T2")).await;
    let mut browser = platform.signed_in("tanto").await;
    let ticked = [
        ("action", "cancel"),
        ("scope", "ticked"),
        ("once", "a"),
        ("id", "2"),
        ("id", "1"),
        ("id", "3"),
        ("sequence", "2,1,3"),
    ];
    let all = [("action", "cancel"), ("scope", "match"), ("once", "b"), ("matching", "3")];
    for fields in [&ticked[..], &all] {
        let page = browser.submit("/orders", "/batches", fields).await;
        assert_eq!(page.status, StatusCode::OK);
        for said in ["2件", "2,003円", "fake", "未実行", "元に戻せません"] {
            assert!(page.text.contains(said), "{said} in {}", page.text);
        }
        assert!(platform.test.store.batches(10).await.unwrap().is_empty(), "it has begun");
    }
    // What somebody makes up was not shown.
    let forged = [&ticked[..], &[("confirmed", "yes")]].concat();
    let page = browser.submit("/orders", "/batches", &forged).await;
    assert!(page.text.contains("何も実行していません"));
    // An order that can be cancelled since was not shown either.
    platform.answered(&[3], Event::CreditApproved, Some("T3")).await;
    let confirmed = page.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.press(&page, "/batches", &[("confirmed", confirmed)]).await;
    assert!(page.text.contains("対象の注文が変わったため") && page.text.contains("3件"), "{}", page.text);
    assert!(platform.test.store.batches(10).await.unwrap().is_empty());
    // What was shown is what is done, once, in the order of the ticks.
    let confirmed = page.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for _ in 0..2 {
        assert_eq!(browser.press(&page, "/batches", &[("confirmed", confirmed)]).await.location(), "/batches/1");
    }
    let rows = platform.test.store.batch_rows(1, 0, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.order).collect::<Vec<_>>(), [2, 1, 3]);
    // The way back leads to the list with the same ticks.
    let back = page.text.split("<a class=\"button\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(browser.get(&unescaped(back)).await.text.matches(" checked").count(), 3 + 1, "three orders, one choice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_and_its_confirmation_are_about_the_registrations_that_were_shown() {
    let platform = Platform::new().await;
    let test = &platform.test;
    platform.answered(&[1], Event::CreditApproved, Some("T1")).await;
    let rejected = platform.answered(&[2], Event::CreditRejected, Some("T2")).await.remove(0);
    let mut browser = platform.signed_in("tanto").await;
    let list = browser.get("/orders").await;
    let press = async |browser: &mut Browser, page: &Answer, action, id| {
        browser.press(page, "/batches", &[("action", action), ("id", id), ("once", action)]).await
    };
    let asks = press(&mut browser, &list, "cancel", "1").await;
    let confirmed = asks.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    // Meanwhile somebody cancels the first and has both judged anew, for the same amount.
    let approved = test.order(1).await;
    test.store.apply(&[Change::new(&approved, Event::CheckCancelled)], "op", 3).await.unwrap();
    platform.answered(&[1], Event::CreditApproved, Some("T3")).await;
    platform.answered(&[2], Event::CreditRejected, Some("T4")).await;
    let again = browser.press(&asks, "/batches", &[("confirmed", confirmed)]).await;
    assert!(again.text.contains("対象の注文が変わったため"), "{}", again.text);
    assert!(test.store.batches(1).await.unwrap().is_empty());
    // The confirmation that is asked for now shows the new registration, but the list did not.
    let confirmed = again.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.press(&again, "/batches", &[("confirmed", confirmed)]).await;
    // Without a confirmation: the list shows a rejection, and there is another since.
    press(&mut browser, &list, "credit", "2").await;
    let lease = ProcessLease::start(&test.store).await.unwrap();
    let mall = test.mall().await;
    for (lane, action) in test.store.waiting().await.unwrap().iter().zip([Action::Cancel, Action::Credit]) {
        let row = test.store.take_rows(lane, &lease, 9).await.unwrap().remove(0);
        assert!(!row.asked.holds(action, &test.order(row.order).await, &mall), "{action} {:?}", row.asked);
        assert!(action == Action::Cancel || row.asked == Asked::of(&rejected), "{:?}", row.asked);
    }
    assert_eq!(test.store.batches(9).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_registered_already_is_sent_with_others_only_if_it_is_confirmed() {
    let platform = Platform::new().await;
    let store = &platform.test.store;
    let another = Issue::PossibleDuplicate { mall: "m".into(), number: "A-1".into() };
    let new = NewOrder { problem: Some(another), ..new_order("A1", 1_000) };
    store.insert_orders(&platform.test.mall().await, &[new], 1).await.unwrap();
    let mut browser = platform.signed_in("tanto").await;
    let list = browser.get("/orders").await;
    assert!(list.text.contains("モール「m」の注文 A-1 と同じ注文かもしれません"), "{}", list.text);
    let without = [("action", "credit"), ("scope", "ticked"), ("once", "a"), ("id", "1")];
    assert_eq!(browser.submit("/orders", "/batches", &without).await.location(), "/batches/1");
    let fields = [("action", "credit"), ("scope", "ticked"), ("once", "b"), ("id", "1"), ("id", "4")];
    let page = browser.submit("/orders", "/batches", &fields).await;
    let named = page.text.contains("登録済みかもしれない注文") && page.text.contains("A1: モール「m」の注文 A-1");
    assert!(page.status == StatusCode::OK && named, "{}", page.text);
    assert_eq!(store.batches(9).await.unwrap().len(), 1);
    let confirmed = page.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(browser.press(&page, "/batches", &[("confirmed", confirmed)]).await.location(), "/batches/2");
    // The API says it in its call.
    let token = platform.token(Role::Operator).await;
    for (at, confirmed) in [false, true].into_iter().enumerate() {
        let body = json!({ "action": "credit", "orders": [4], "confirmed": confirmed });
        platform.call(Method::POST, "/api/v1/batches", &token, Some(&format!("k{at}")), Some(body)).await;
    }
    let lease = ProcessLease::start(store).await.unwrap();
    let mut sent = Vec::new();
    for lane in store.waiting().await.unwrap() {
        sent.push(store.take_rows(&lane, &lease, 9).await.unwrap().iter().map(|row| row.confirmed).collect::<Vec<_>>());
    }
    assert_eq!(sent, [vec![false], vec![false, true], vec![false], vec![true]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_leaves_out_what_cannot_be_cancelled_even_if_it_can_a_moment_later() {
    let platform = Platform::new().await;
    platform.answered(&[1], Event::CreditApproved, Some("T1")).await;
    let mut browser = platform.signed_in("tanto").await;
    let fields = [("action", "cancel"), ("scope", "ticked"), ("once", "a"), ("id", "1"), ("id", "2")];
    let page = browser.submit("/orders", "/batches", &fields).await;
    let confirmed = page.text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.press(&page, "/batches", &[("confirmed", confirmed)]).await;
    let rows = platform.test.store.batch_rows(1, 0, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.order).collect::<Vec<_>>(), [1]);
    // Of nothing at all there is nothing to press.
    let page = browser
        .submit("/orders", "/batches", &[("action", "cancel"), ("scope", "ticked"), ("once", "b"), ("id", "3")])
        .await;
    assert!(!page.text.contains("name=\"confirmed\"") && page.text.contains("実行できる注文はありません"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_reaches_orders_that_the_page_did_not_show_asks_first() {
    let platform = Platform::new().await;
    let more: Vec<_> = (10..60).map(|at| new_order(&format!("B-{at}"), 1_000)).collect();
    platform.test.store.insert_orders(&platform.test.mall().await, &more, 1).await.unwrap();
    let mut browser = platform.signed_in("tanto").await;
    for action in ["credit", "check", "sync", "cancel"] {
        let fields = [("action", action), ("scope", "match"), ("once", action), ("matching", "53")];
        let page = browser.submit("/orders", "/batches", &fields).await;
        assert_eq!((page.status, page.location()), (StatusCode::OK, ""), "{action}");
        assert!(
            page.text.contains("まだ何も実行していません") || page.text.contains("何も実行していません"),
            "{action}"
        );
    }
    // The API says which orders it means, and may say how many these have to be.
    let token = platform.token(Role::Operator).await;
    let begin = async |count: i64, key: &str| {
        let body = json!({ "action": "credit", "matching": {}, "count": count });
        platform.call(Method::POST, "/api/v1/batches", &token, Some(key), Some(body)).await
    };
    assert_eq!(begin(52, "a").await.problem(), "conflict");
    assert!(platform.test.store.batches(10).await.unwrap().is_empty());
    assert_eq!(begin(53, "b").await.status, StatusCode::ACCEPTED);
    // Or as which versions it saw them.
    let seen = async |versions: [i64; 2], key: &str| {
        let body = json!({ "action": "credit", "orders": [1, 2], "versions": versions });
        platform.call(Method::POST, "/api/v1/batches", &token, Some(key), Some(body)).await
    };
    let version = platform.test.order(1).await.version;
    assert_eq!(seen([version, version + 1], "c").await.problem(), "conflict");
    assert_eq!(platform.test.store.batches(10).await.unwrap().len(), 1);
    assert_eq!(seen([version, version], "d").await.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_was_never_kept_makes_no_second_batch() {
    let platform = Platform::new().await;
    let (token, store) = (platform.token(Role::Operator).await, &platform.test.store);
    let body = json!({ "action": "credit", "orders": [1, 2] });
    let begin =
        async |key: &str| platform.call(Method::POST, "/api/v1/batches", &token, Some(key), Some(body.clone())).await;
    let first = begin("k").await;
    // The process died between the batch and the answer, or the answer could not be written.
    let lost = "UPDATE idempotency SET status = NULL, answer = NULL, owner = 'a process that died'";
    platform.test.execute(lost).await;
    ProcessLease::start(store).await.unwrap().recover(store).await.unwrap();
    let again = begin("k").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::ACCEPTED, "true"));
    assert_eq!((again.json()["id"].clone(), store.batches(9).await.unwrap().len()), (first.json()["id"].clone(), 1));
    assert_eq!(begin("another").await.json()["id"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_of_one_order_asks_a_browser_without_a_script_too() {
    let platform = Platform::new().await;
    let version = platform.answered(&[1], Event::CreditApproved, Some("T1")).await[0].version.to_string();
    let mut browser = platform.signed_in("tanto").await;
    let path = "/orders/1/actions/cancel";
    let page = browser.submit("/orders/1", path, &[("version", &version)]).await;
    assert!(page.status == StatusCode::OK && page.text.contains("よろしいですか"), "{}", page.text);
    assert_eq!(platform.test.order(1).await.state, State::Approved);
    // The provider of these tests is not loaded: it was tried, and failed before anything was sent.
    assert_eq!(browser.press(&page, path, &[]).await.location(), "/orders/1");
    assert!(browser.get("/orders/1").await.text.contains("プラグインが読み込まれていません"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_is_recorded_with_the_id_that_is_known_and_nothing_typed_is_lost() {
    let platform = Platform::new().await;
    let doubted = platform.answered(&[1], Event::CreditApproved, Some("T1")).await.remove(0);
    let change = Change::new(&doubted, Event::CheckOther);
    platform.test.store.apply(&[change], "op", 3).await.unwrap();
    platform.answered(&[2], Event::CreditUnknown, None).await;
    let mut browser = platform.signed_in("tanto").await;
    let form = "/orders/1/decision";
    let page = browser.get("/orders/1").await;
    assert_eq!(page.field(form, "transaction_id").as_deref(), Some("T1"), "the known id is shown");
    // Each refusal keeps all that was typed.
    let long = "長".repeat(1_001);
    let other = "/orders/2/decision";
    for (changes, said) in [
        ([("found", "approved"), ("note", ""), ("transaction_id", "X9")], "メモを入力"),
        ([("found", "approved"), ("note", "電話で確認"), ("transaction_id", "")], "取引IDを入力"),
        ([("found", "nothing"), ("note", "電話で\r\n確認"), ("transaction_id", "X9")], "可能性があります"),
        ([("found", ""), ("note", "電話で確認"), ("transaction_id", "X9")], "選んでください"),
        ([("found", "rejected"), ("note", &long), ("transaction_id", "X9")], "1000文字以内"),
        ([("found", "approved"), ("note", "電話で確認"), ("transaction_id", &long)], "64文字以内"),
        ([("found", "approved"), ("note", "電話で確認"), ("transaction_id", "2.6E+10")], "Excelで崩れています"),
        ([("found", "approved"), ("note", "電話で確認"), ("transaction_id", "a\u{202e}b")], "制御文字"),
        ([("found", "rejected"), ("note", "a\u{202e}b"), ("transaction_id", "X9")], "制御文字"),
    ] {
        let page = browser.get("/orders/2").await;
        let answer = browser.press(&page, other, &changes).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(answer.text.contains(said), "{said}: {}", answer.text);
        for (name, typed) in changes.iter().filter(|(_, typed)| !typed.is_empty()) {
            assert_eq!(answer.field(other, name).as_deref(), Some(*typed), "{said}: {name}");
        }
        // The other language is one press away, and that press leads to a page.
        assert_eq!(answer.field("/language", "back").as_deref(), Some("/orders/2"));
    }
    let stale =
        browser.press(&page, form, &[("found", "approved"), ("note", "管理画面で確認"), ("version", "1")]).await;
    assert!(stale.text.contains("二重に実行しないよう"));
    assert_eq!(stale.field(form, "note").as_deref(), Some("管理画面で確認"));
    let done = browser.press(&stale, form, &[]).await;
    assert_eq!(done.location(), "/orders/1", "{}", done.text);
    let order = platform.test.order(1).await;
    assert_eq!((order.state, order.transaction_id()), (State::Approved, Some("T1")));
    // Whoever was slower finds the note again.
    let late = browser.press(&stale, form, &[("note", "遅れて確認")]).await;
    assert!(late.text.contains("遅れて確認"), "{}", late.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_records_a_finding_with_the_id_that_is_known() {
    let platform = Platform::new().await;
    let doubted = platform.answered(&[1], Event::CreditApproved, Some("T1")).await.remove(0);
    platform.test.store.apply(&[Change::new(&doubted, Event::CheckOther)], "op", 3).await.unwrap();
    platform.answered(&[2], Event::CreditUnknown, None).await;
    let token = platform.token(Role::Operator).await;
    let decide = async |order: i64, version: i64| {
        let body = json!({ "version": version, "found": "approved", "note": "n" });
        let path = format!("/api/v1/orders/{order}/decision");
        platform.call(Method::POST, &path, &token, Some(&path), Some(body)).await
    };
    let known = platform.test.order(1).await.version;
    assert_eq!(decide(1, known).await.json()["state"], "approved");
    let unknown = platform.test.order(2).await.version;
    assert_eq!(decide(2, unknown).await.problem(), "invalid");
    for (id, note) in [("2.6E+10", "n"), ("####", "n"), ("a\u{1b}[31mb\u{202e}", "n"), ("T9", "\u{1b}[2J"), ("T9", "")]
    {
        let body = json!({ "version": unknown, "found": "approved", "note": note, "transaction_id": id });
        let path = "/api/v1/orders/2/decision";
        let key = format!("{id:?}{note:?}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let answer = platform.call(Method::POST, path, &token, Some(&key), Some(body)).await;
        assert_eq!(answer.problem(), "invalid", "{id:?} {note:?}");
    }
    assert_eq!(platform.test.order(2).await.state, State::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_that_is_refused_keeps_what_was_typed() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let long = "長".repeat(65);
    type Typed<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Typed<'_>); 6] = [
        ("/orders/1/edit", "/orders/1/edit", &[("buyer.phone", "3-1234"), ("items[0].name", "緑茶"), ("note", "<b>")]),
        ("/orders/1", "/orders/1/tracking", &[("number", "1234-5678"), ("shipped_on", "gestern")]),
        ("/orders/1", "/orders/1/status", &[("status", &long)]),
        ("/orders/1", "/orders/1/invoice", &[("invoice", "enclosed"), ("version", "9")]),
        ("/users", "/users", &[("name", "tanto"), ("password", PASSWORD), ("role", "administrator")]),
        ("/users", "/tokens", &[("name", &long), ("role", "administrator")]),
    ];
    for (page, form, changes) in cases {
        let page = browser.get(page).await;
        let answer = browser.press(&page, form, changes).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}: {}", answer.text);
        assert!(!answer.text.contains(PASSWORD));
        for (name, typed) in changes.iter().filter(|(name, _)| !["password", "version"].contains(name)) {
            assert_eq!(answer.field(form, name).as_deref(), Some(*typed), "{form}: {name}");
        }
        let back = answer.field("/language", "back").unwrap();
        assert_eq!(browser.get(&back).await.status, StatusCode::OK, "{form}: {back}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_issued_once_and_shown_once_however_often_its_page_is_loaded() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let answer = browser.submit("/users", "/tokens", &[("name", "ERP"), ("role", "operator")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "a page that was posted is posted again by a reload");
    let path = answer.location().split('#').next().unwrap().to_owned();
    assert!(!path.contains("hostdemo_"), "addresses are kept by browsers and proxies");
    assert!(!platform.signed_in("kanri").await.get(&path).await.text.contains("hostdemo_"), "another session's");
    let token =
        |page: &Answer| page.text.split_once("hostdemo_").map(|(_, rest)| rest.split('<').next().unwrap().to_owned());
    let shown = token(&browser.get(&path).await).expect("it is shown");
    let shown = format!("hostdemo_{shown}");
    assert_eq!(platform.call(Method::GET, "/api/v1/orders", &shown, None, None).await.status, StatusCode::OK);
    assert_eq!(token(&browser.get(&path).await), None, "shown again");
    assert_eq!(platform.test.store.api_tokens().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mall_whose_results_come_by_csv_offers_no_credit_anywhere() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let offers = "actions/credit";
    for page in ["/orders", "/orders/1"] {
        assert!(browser.get(page).await.text.contains(offers), "{page}");
    }
    let panel = "name=\"action\" value=\"credit\"";
    assert!(browser.get("/orders").await.text.contains(panel));
    let mall = Mall { by_csv: true, ..platform.test.mall().await };
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    for page in ["/orders", "/orders?mall=m", "/orders/1"] {
        let text = browser.get(page).await.text;
        assert!(!text.contains(offers) && !text.contains(panel), "{page}");
    }
    assert!(browser.get("/orders/1").await.text.contains("与信結果をCSVでやりとりする設定"), "it says why");
    // A form from before.
    browser.submit("/orders/1", "/orders/1/actions/credit", &[("version", "0")]).await;
    assert!(browser.get("/orders/1").await.text.contains("CSV"));
    let token = platform.token(Role::Operator).await;
    let order = platform.call(Method::GET, "/api/v1/orders/1", &token, None, None).await.json();
    assert_eq!(order["actions"], json!([]));
    let act = json!({ "version": 0, "action": "credit" });
    let answer = platform.call(Method::POST, "/api/v1/orders/1/actions", &token, Some("k"), Some(act)).await;
    assert_eq!(answer.json()["outcome"], "failure");
    assert!(answer.text.contains("CSV"), "{}", answer.text);
    assert_eq!(platform.test.order(1).await.state, State::NotAsked);
    // Another mall's orders are still credited from the panel.
    let other = Mall { id: "n".into(), name: "支店".into(), by_csv: false, ..mall };
    platform.test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
    assert!(browser.get("/orders").await.text.contains(panel));
    assert!(!browser.get("/orders?mall=m").await.text.contains(panel));
    let fields = [("action", "credit"), ("scope", "match"), ("once", "a"), ("matching", "3")];
    browser.submit("/orders", "/batches", &fields).await;
    assert_eq!(platform.test.store.batch_rows(1, 0, 10).await.unwrap().len(), 3, "each row says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_about_orders_that_wait_before_the_automation_begins() {
    let (platform, right) = platform_with_a_wrong_secret().await;
    let mall = platform.test.store.mall("mihon").await.unwrap().unwrap();
    let orders: Vec<_> = (1..=3).map(|at| new_order(&format!("W-{at}"), 1_000 * at)).collect();
    platform.test.store.insert_orders(&mall, &orders, 1).await.unwrap();
    let mut browser = platform.signed_in("kanri").await;
    let field = format!("set.{SECRET_KEY}");
    let changes = [("credit", "at_once"), ("name", "新しい名前"), (field.as_str(), right.as_str()), ("do", "save")];
    let page = browser.get(MALL).await;
    let asked = browser.press(&page, MALL, &changes).await;
    for said in ["3件", "6,000円", "まだ保存していません"] {
        assert!(asked.text.contains(said), "{said}: {}", asked.text);
    }
    assert!(!asked.text.contains(&right), "a secret was sent to the browser");
    assert_eq!(platform.secret().await, SECRET);
    // Back, with all that was typed.
    let back = browser.press(&asked, MALL, &[("do", "draw")]).await;
    assert_eq!(back.field(MALL, "credit").as_deref(), Some("at_once"));
    assert!(back.text.contains("新しい名前") && back.text.contains("入力済み（未保存）"));
    // Another order came in: what was shown is not what would go out.
    platform.test.store.insert_orders(&mall, &[new_order("W-4", 500)], 1).await.unwrap();
    let asked = browser.press(&asked, MALL, &[("waiting", "send")]).await;
    assert!(asked.text.contains("4件") && asked.text.contains("6,500円"), "{}", asked.text);
    assert_eq!(platform.secret().await, SECRET);
    let saved = browser.press(&asked, MALL, &[("waiting", "hold")]).await;
    assert_eq!(saved.location(), MALL, "{}", saved.text);
    assert_eq!(platform.secret().await, right);
    let mall = platform.test.store.mall("mihon").await.unwrap().unwrap();
    assert_eq!((mall.name.as_str(), mall.automation.credit), ("新しい名前", Start::AtOnce));
    let four = Backlog { credit: OrderTotal { orders: 4, billed: 6_500 }, sync: OrderTotal::default() };
    assert_eq!(platform.test.store.held("mihon").await.unwrap(), four);
    assert!(browser.get(MALL).await.text.contains("4件は、自動では送信しません"));
    let order = platform.test.all().await.into_iter().find(|order| order.mall == "mihon").unwrap();
    assert!(browser.get(&format!("/orders/{}", order.id)).await.text.contains("自動では送信しません"));
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_api_orders_that_wait_are_left_to_an_operator_unless_it_says_otherwise() {
    let (platform, _) = platform_with_a_wrong_secret().await;
    let mall = platform.test.store.mall("mihon").await.unwrap().unwrap();
    platform.test.store.insert_orders(&mall, &[new_order("W-1", 1_000)], 1).await.unwrap();
    let token = platform.token(Role::Administrator).await;
    let mut version = mall.version;
    let mut put = async |waiting: Value, credit: &str| {
        let open = mall.settings.iter().filter(|(key, _)| *key != SECRET_KEY);
        let settings: BTreeMap<_, _> = open.map(|(key, value)| (key, value.expose())).collect();
        let mut body = json!({
            "name": mall.name, "provider": mall.provider, "settings": settings, "version": version,
            "automation": { "credit": credit },
        });
        body.as_object_mut().unwrap().extend(waiting.as_object().unwrap().clone());
        version += 1;
        let key = format!("k{version}");
        platform.call(Method::PUT, "/api/v1/malls/mihon", &token, Some(&key), Some(body)).await
    };
    let answer = put(json!({}), "at_once").await;
    assert_eq!(answer.json()["held"]["credit"], json!({ "orders": 1, "billed": 1_000 }), "{}", answer.text);
    put(json!({ "waiting": "hold" }), "never").await;
    let answer = put(json!({ "waiting": "send" }), "at_once").await;
    assert_eq!(answer.json()["held"]["credit"]["orders"], 0, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_malls_without_decrypting_their_settings() {
    let platform = Platform::new().await;
    platform.test.execute("UPDATE accounts SET settings = '{\"password\":\"broken\"}'").await;
    let token = platform.token(Role::Administrator).await;
    let mut browser = platform.signed_in("kanri").await;
    assert_eq!(browser.get("/malls/m").await.status, StatusCode::INTERNAL_SERVER_ERROR, "its settings are broken");
    for path in ["/orders", "/malls", "/import", "/export", "/batches", "/"] {
        let answer = browser.get(path).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}: {}", answer.status);
    }
    assert!(browser.get("/orders").await.text.contains("本店"));
    let listed = platform.call(Method::GET, "/api/v1/malls", &token, None, None).await;
    let mall = &listed.json()[0];
    assert_eq!((&mall["name"], &mall["secrets"][0]), (&Value::from("本店"), &Value::from("password")));
    assert_eq!(platform.call(Method::GET, "/api/v1/orders", &token, None, None).await.status, StatusCode::OK);
}

const MAPPING: &str = "/malls/mihon/mapping";

/// The field of our column's `nth` column of the file.
fn column_field(column: Column, nth: usize) -> String {
    format!("c.{}.{nth}", column as usize)
}

/// The exports of the malls that have presets: the preset's name and the file.
fn exports() -> Vec<(&'static str, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/tests/presets");
    let export = |preset: &'static Preset| {
        let names = ["csv", "txt"].map(|ending| folder.join(format!("{}.{ending}", preset.id)));
        (preset.id.as_str(), names.iter().find_map(|name| std::fs::read(name).ok()).expect("an export"))
    };
    preset::all().iter().map(export).collect()
}

fn export(id: &str) -> Vec<u8> {
    exports().into_iter().find(|(known, _)| *known == id).unwrap().1
}

impl Platform {
    async fn mapping(&self) -> String {
        self.test.store.mall("mihon").await.unwrap().unwrap().mapping
    }

    /// A platform with a mall at NP.
    async fn with_mall() -> Self {
        let platform = Self::with_provider("np").await;
        platform.signed_in("kanri").await.submit("/start", "/start/1", &[("provider", "np")]).await;
        platform
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_is_made_with_a_sample_and_what_is_not_saved_survives_every_button() {
    let platform = Platform::with_mall().await;
    let mut browser = platform.signed_in("kanri").await;
    assert!(browser.get(MALL).await.text.contains(&format!("href=\"{MAPPING}\"")));
    let page = browser.get(MAPPING).await;
    // The sample is recognised, and its own headings are offered with what stands below them.
    let page = browser.send_files(&page, MAPPING, &[("do", "draw")], &[("file", &export("rakuten"))]).await;
    assert_eq!(page.status, StatusCode::OK);
    for said in
        ["Shift_JIS、カンマ区切り、見出しは1行目", "「楽天市場（RMS）」の書き出しと見られます", "注文者姓: 試験"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    // With the preset its orders are shown as they would be imported.
    let page = browser.send_files(&page, MAPPING, &[("use", "rakuten")], &[]).await;
    assert_eq!(page.field(MAPPING, "mapping").unwrap().trim(), "preset = \"rakuten\"");
    for said in ["300001-20261120-00011", "300001-20261120-00012", "7,530", "ポイント利用", "形式で読んでいます"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let name = |nth| page.field(MAPPING, &column_field(Column::BuyerName, nth)).unwrap();
    assert_eq!(
        [name(0), name(1), name(2)],
        ["0:注文者姓", "0:注文者名", ""],
        "a joined value is shown column by column"
    );
    // A choice in the table changes the text, a change of the text the table; both in one go as well.
    let note = column_field(Column::Note, 0);
    let page = browser.send_files(&page, MAPPING, &[(&note, "0:ひとことメモ"), ("do", "draw")], &[]).await;
    let text = page.field(MAPPING, "mapping").unwrap();
    assert!(text.contains("preset = \"rakuten\"") && text.contains("ひとことメモ"), "{text}");
    let typed = format!("# 店のメモ\n{}", text.replace("ひとことメモ", "コメント"));
    let tax = [("mapping", typed.as_str()), ("o-tax", "excluded"), ("do", "draw")];
    let page = browser.send_files(&page, MAPPING, &tax, &[]).await;
    let text = page.field(MAPPING, "mapping").unwrap();
    assert!(text.contains("# 店のメモ") && text.contains("tax = \"excluded\""), "{text}");
    assert_eq!(page.field(MAPPING, &note).as_deref(), Some("0:コメント"));
    let page = browser.send_files(&page, MAPPING, &[("o-tax", "included"), ("do", "draw")], &[]).await;
    // An error is said with its line; nothing that was typed is lost, and nothing is saved.
    let good = page.field(MAPPING, "mapping").unwrap();
    let bad = format!("{good}\n[colums]\n");
    let page = browser.send_files(&page, MAPPING, &[("mapping", &bad), ("do", "save")], &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("id=\"p-text\"") && page.text.contains("colums"), "{}", page.text);
    assert_eq!(page.field(MAPPING, "mapping").unwrap().trim(), bad.trim());
    assert_eq!(platform.mapping().await, "");
    let page = browser.send_files(&page, MAPPING, &[("mapping", &good), ("do", "draw")], &[]).await;
    assert!(page.text.contains("300001-20261120-00011"), "the sample is still there");
    // What is added to the bill, in the table.
    let adjustment = [("adj.5.name", "のし"), ("adj.5.amount", "0:のし"), ("adj.5.sign", "as-written"), ("do", "draw")];
    let page = browser.send_files(&page, MAPPING, &adjustment, &[]).await;
    assert!(page.field(MAPPING, "mapping").unwrap().contains("name = \"のし\""), "{}", page.text);
    let page = browser.send_files(&page, MAPPING, &[("adj.5.name", ""), ("do", "draw")], &[]).await;
    assert!(!page.field(MAPPING, "mapping").unwrap().contains("name = \"のし\""), "{}", page.text);
    let old = browser.get(MAPPING).await;
    let text = page.field(MAPPING, "mapping").unwrap();
    let saved = browser.send_files(&page, MAPPING, &[("do", "save")], &[]).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, MAPPING), "{}", saved.text);
    assert_eq!(platform.mapping().await.trim(), text.trim());
    // A page that was opened before changes nothing.
    let stale = browser.send_files(&old, MAPPING, &[("do", "save")], &[]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(platform.mapping().await.trim(), text.trim());
    // The form of the mall leaves it as it is, and changes it where another format is chosen.
    let form = browser.get(MALL).await;
    browser.press(&form, MALL, &[("do", "save"), ("name", "本店")]).await;
    assert_eq!(platform.mapping().await.trim(), text.trim());
    let form = browser.get(MALL).await;
    let form = browser.press(&form, MALL, &[("do", "row"), ("format", "shopify")]).await;
    assert_eq!(form.field(MALL, "format").as_deref(), Some("shopify"), "what is chosen survives another button");
    browser.press(&form, MALL, &[("do", "save")]).await;
    assert_eq!(platform.mapping().await.trim(), "preset = \"shopify\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_a_preset_knows_is_offered_with_a_preview_and_imported() {
    for (id, file) in exports() {
        // Two presets are for files of one mall, whose orders have the same numbers.
        let platform = Platform::with_mall().await;
        let (mut browser, mut operator) = (platform.signed_in("kanri").await, platform.signed_in("tanto").await);
        let stored = platform.test.store.mall("mihon").await.unwrap().unwrap();
        let own_headings = Mall { mapping: String::new(), ..stored };
        platform.test.store.put_mall(&own_headings, MallUpdate::default()).await.unwrap();
        let before = platform.test.all().await.len();
        let name = preset::find(id).unwrap().name.as_str();
        // An operator learns what the file is, and cannot change the mall.
        let fields = [("mall", "mihon"), ("what", "orders"), ("do", "import")];
        let page = operator.get("/import").await;
        let offer = operator.send_files(&page, "/import", &fields, &[("file", &file)]).await;
        assert!(offer.text.contains(name) && offer.text.contains("管理者"), "{id}: {}", offer.text);
        assert!(!offer.text.contains("name=\"adopt\""), "{id}");
        let forged = [fields[0], fields[1], fields[2], ("adopt", id), ("version", "1")];
        let answer = operator.send_files(&page, "/import", &forged, &[("file", &file)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{id}");
        // Nothing happens before it is pressed; then the mall has the format and the file goes in.
        let page = browser.get("/import").await;
        let offer = browser.send_files(&page, "/import", &fields, &[("file", &file)]).await;
        assert_eq!(offer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(offer.text.contains(name) && offer.text.contains("order-preview"), "{id}: {}", offer.text);
        assert_eq!((platform.mapping().await, platform.test.all().await.len()), (String::new(), before), "{id}");
        let parts: Vec<&str> = offer.text.split("name=\"held\" value=\"").collect();
        let held = parts[1].split('"').next().unwrap().to_owned();
        let version = offer.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let press = [("held", held.as_str()), ("version", version), ("adopt", id), ("do", "try")];
        let page = browser.get("/import").await;
        let mut answer = browser.send_files(&page, "/import", &press, &[]).await;
        assert_eq!(platform.mapping().await, setting::of_preset(id).trim(), "{id}: {}", answer.text);
        // How orders are paid makes the import ask.
        while answer.text.contains("id=\"h-question\"") {
            let values = answer.text.split("name=\"take.").skip(1).enumerate();
            let values: Vec<(String, String)> = values
                .map(|(at, rest)| (format!("take.{at}"), attribute(&format!("x {rest}"), "value").unwrap_or_default()))
                .collect();
            let held = answer.text.split("name=\"held\" value=\"").nth(1).unwrap().split('"').next().unwrap();
            let mut press = vec![("held", held), ("do", "try")];
            press.extend(values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            answer = browser.send_files(&page, "/import", &press, &[]).await;
        }
        assert!(answer.text.contains("order-preview"), "{id}: {}", answer.text);
        let held =
            answer.text.split("name=\"held\" value=\"").nth(1).unwrap_or_else(|| panic!("{id}: {}", answer.text));
        let held = held.split('"').next().unwrap();
        let answer = browser.send_files(&page, "/import", &[("held", held), ("do", "held")], &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{id}: {}", answer.text);
        assert!(platform.test.all().await.len() > before, "{id}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tries_mappings_and_knows_the_presets() {
    let platform = Platform::with_mall().await;
    let token = platform.token(Role::Operator).await;
    let presets = platform.call(Method::GET, "/api/v1/presets", &token, None, None).await.json();
    let ids: Vec<&str> = presets.as_array().unwrap().iter().map(|preset| preset["id"].as_str().unwrap()).collect();
    assert_eq!(ids, exports().iter().map(|(id, _)| *id).collect::<Vec<_>>());
    for (preset, (id, file)) in presets.as_array().unwrap().iter().zip(exports()) {
        let text = preset["mapping"].as_str().unwrap();
        assert_eq!(setting::mapping(text).unwrap(), preset::find(id).unwrap().mapping, "{id}: {text}");
        for (key, mapping) in [("a", format!("preset = '{id}'")), ("b", text.to_owned()), ("c", String::new())] {
            let query = serde_html_form::to_string([("mall", "mihon"), ("mapping", &mapping)]).unwrap();
            let request = Request::post(format!("/api/v1/mapping-previews?{query}"))
                .header("authorization", format!("Bearer {token}"))
                .header("idempotency-key", format!("{id}-{key}"))
                .header("content-type", "text/csv");
            let answer = platform.send(request.body(Body::from(file.clone())).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{id}: {}", answer.text);
            let preview = answer.json();
            assert_eq!(preview["recognised"][0], id, "{preview}");
            let orders = preview["orders"].as_array().unwrap();
            assert_eq!(orders.is_empty(), mapping.is_empty(), "{id} {key}: {preview}");
            assert_eq!(preview["problems"].as_array().unwrap().is_empty(), !mapping.is_empty(), "{id}: {preview}");
            assert!(orders.len() <= 3 && orders.iter().all(|order| order["total"].as_i64().unwrap() >= 0), "{preview}");
        }
    }
    assert!(platform.test.all().await.iter().all(|order| order.mall != "mihon"), "nothing is imported");
    let request = Request::post("/api/v1/mapping-previews?mall=mihon&mapping=x")
        .header("authorization", format!("Bearer {token}"))
        .header("idempotency-key", "wrong")
        .header("content-type", "text/csv");
    let answer = platform.send(request.body(Body::from("a,b\n")).unwrap()).await;
    assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
}

/// A file of a carrier's program for the orders A-1 to A-3: one good row, one unknown order, one broken by Excel.
const TRACKING_FILE: &str = "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日\n\
                             A-1,0,0,４０００-００００-００１３,\nZ-9,0,0,400000000024,\nA-2,0,0,4.0E+11,\n";

impl Platform {
    /// The same with its mall at this provider.
    async fn at(id: &str) -> Self {
        let platform = Self::with_provider(id).await;
        let mall = Mall { provider: id.into(), settings: BTreeMap::new(), ..platform.test.mall().await };
        platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        platform
    }

    async fn tracking_file(&self, token: &str, query: &str, key: &str, text: &str) -> Answer {
        let request = Request::post(format!("/api/v1/tracking-imports{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "text/csv")
            .header("idempotency-key", key);
        self.send(request.body(Body::from(text.to_owned())).unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_takes_tracking_numbers_from_a_carriers_file() {
    let platform = Platform::at("kuroneko").await;
    let token = platform.token(Role::Operator).await;
    let formats = platform.call(Method::GET, "/api/v1/tracking-formats", &token, None, None).await.json();
    assert!(formats.as_array().unwrap().iter().any(|format| format["id"] == "b2-cloud"), "{formats}");
    let tried = platform.tracking_file(&token, "?dry_run=true", "k1", TRACKING_FILE).await.json();
    assert_eq!((&tried["entered_count"], &tried["refused_count"]), (&json!(1), &json!(2)), "{tried}");
    assert!(platform.test.all().await.iter().all(|order| order.tracking.is_none()), "a dry run writes nothing");
    let done = platform.tracking_file(&token, "", "k2", TRACKING_FILE).await.json();
    assert_eq!(done["format"], "b2-cloud");
    assert_eq!(done["rows"], json!({"read": 3, "taken": 1, "refused": 2, "passed_over": 0}));
    assert_eq!(done["entered"][0]["tracking_number"], "400000000013");
    let lines: Vec<_> = done["refused"].as_array().unwrap().iter().map(|row| row["line"].clone()).collect();
    assert_eq!(lines, [json!(3), json!(4)]);
    assert_eq!(done["syncable"], json!([]), "the order was never credited");
    // The last digit is wrong: クロネコ refuses it, and another carrier's is pointed out where the order is read.
    let wrong = platform.tracking_file(&token, "?shipped_on=gestern", "k3", TRACKING_FILE).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let wrong = "お客様管理番号,クール区分,伝票番号,出荷予定日\nA-2,0,400000000019,\n";
    let refused = platform.tracking_file(&token, "", "k4", wrong).await.json();
    assert_eq!(refused["refused_count"], 1, "{refused}");
    let warned = platform.tracking_file(&token, "?carrier=sagawa", "k5", wrong).await.json();
    assert!(warned["entered"][0]["warning"].as_str().is_some_and(|words| !words.is_empty()), "{warned}");
    let order = platform.call(Method::GET, "/api/v1/orders/2", &token, None, None).await.json();
    assert_eq!((&order["carrier"], &order["tracking_warning"]), (&json!("sagawa"), &warned["entered"][0]["warning"]));
    let unknown = platform.tracking_file(&token, "", "k6", "a,b\n1,2\n").await;
    assert_eq!(unknown.problem(), "invalid");
    let query = "?mapping=%5Bcolumns%5D%0A%22%E6%B3%A8%E6%96%87%E7%95%AA%E5%8F%B7%22%3D%22a%22%0A%22%E4%BC%9D%E7%A5%A8%E7%95%AA%E5%8F%B7%22%3D%22b%22&carrier=sagawa";
    let own = platform.tracking_file(&token, query, "k7", "a,b\nA-3,400000000034\n").await.json();
    assert_eq!((&own["entered_count"], &own["format"]), (&json!(1), &Value::Null), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tries_a_file_of_tracking_numbers_and_then_takes_that_very_file() {
    let platform = Platform::at("kuroneko").await;
    let mut browser = platform.signed_in("tanto").await;
    let csrf = browser.get("/import/tracking").await.csrf().to_owned();
    let part = |name: &str, extra: &str, value: &str| {
        format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n")
    };
    let form = |parts: &[String]| {
        let body = format!("{}--x--\r\n", parts.concat());
        let request = Request::post("/import/tracking").header("content-type", "multipart/form-data; boundary=x");
        request.body(Body::from(body)).unwrap()
    };
    let file = part("file", "; filename=\"b2.csv\"", TRACKING_FILE);
    let tried = browser.send(form(&[part("csrf", "", &csrf), file, part("do", "", "try")])).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert!(tried.text.contains("1件の伝票番号を入力できます。入力できない行 2行。"), "{}", tried.text);
    assert!(tried.text.contains("Excelで崩れています"));
    assert!(platform.test.all().await.iter().all(|order| order.tracking.is_none()));
    let held = tried.field("/import/tracking", "held").unwrap();
    let done = browser.send(form(&[part("csrf", "", &csrf), part("held", "", &held), part("do", "", "held")])).await;
    assert!(done.text.contains("1件の伝票番号を入力しました"), "{}", done.text);
    assert_eq!(platform.test.all().await[0].tracking.as_ref().unwrap().number, "400000000013");
    // A file that nobody knows waits, and its headings are offered as columns.
    let own = part("file", "; filename=\"x.csv\"", "管理,問番\nA-2,400000000024\n");
    let asked = browser.send(form(&[part("csrf", "", &csrf), own, part("do", "", "try")])).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text.contains("<option value=\"問番\">"), "{}", asked.text);
    let held = asked.field("/import/tracking", "held").unwrap();
    let told = [
        part("csrf", "", &csrf),
        part("held", "", &held),
        part("format", "", "columns"),
        part("column.order", "", "管理"),
        part("column.number", "", "2"),
        part("carrier", "", "yamato"),
        part("do", "", "import"),
    ];
    let done = browser.send(form(&told)).await;
    assert!(done.text.contains("1件の伝票番号を入力しました"), "{}", done.text);
    assert_eq!(platform.test.all().await[1].tracking.as_ref().unwrap().number, "400000000024");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_columns_of_tracking_files_are_kept_with_the_mall() {
    const PAGE: &str = "/import/tracking";
    // The mall of the orders has the settings of one that can be saved.
    let platform = Platform::with_mall().await;
    let valid = platform.test.store.mall("mihon").await.unwrap().unwrap();
    let mall = Mall { id: platform.test.mall().await.id, ..valid };
    platform.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
    let setting = async || platform.test.mall().await.tracking_mapping;
    let mall = platform.test.mall().await.id;
    let own = "管理,問番\nA-1,400000000013\n";
    let typed = [
        ("format", "columns"),
        ("column.order", "管理"),
        ("column.number", "問番"),
        ("carrier", "yamato"),
        ("remember", "yes"),
        ("do", "try"),
    ];
    // The operator is not offered it, and cannot do it.
    let mut operator = platform.signed_in("tanto").await;
    let page = operator.get(PAGE).await;
    assert_eq!(page.field(PAGE, "remember"), None);
    let refused = operator.send_files(&page, PAGE, &typed, &[("file", own.as_bytes())]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut browser = platform.signed_in("kanri").await;
    let page = browser.get(PAGE).await;
    assert!(page.text.contains("name=\"remember\""), "{}", page.text);
    let which = browser.send_files(&page, PAGE, &typed, &[("file", own.as_bytes())]).await;
    assert_eq!(which.status, StatusCode::UNPROCESSABLE_ENTITY);
    let typed: Vec<_> = typed.into_iter().chain([("mall", mall.as_str())]).collect();
    let tried = browser.send_files(&which, PAGE, &typed, &[]).await;
    assert_eq!((tried.status, setting().await), (StatusCode::OK, String::new()), "a dry run saves nothing");
    let done = browser.send_files(&tried, PAGE, &[("do", "held")], &[]).await;
    assert!(done.text.contains("1件の伝票番号を入力しました"), "{}", done.text);
    assert!(setting().await.contains("\"問番\""), "{}", setting().await);
    // From now on the file is read so, and it is said.
    let token = platform.token(Role::Operator).await;
    let next = "管理,問番\nA-2,400000000024\n";
    let read = platform.tracking_file(&token, "?carrier=yamato", "k1", next).await.json();
    assert_eq!((&read["entered_count"], &read["by_setting_of"]), (&json!(1), &json!([mall])), "{read}");
    let page = browser.get(PAGE).await;
    let shown = [("carrier", "yamato"), ("do", "try")];
    let shown = browser.send_files(&page, PAGE, &shown, &[("file", next.as_bytes())]).await;
    assert!(shown.text.contains("の列の対応で読みました"), "{}", shown.text);
    // The mall's page and the API have it; a format that is chosen there takes its place.
    let administrator = platform.token(Role::Administrator).await;
    let address = format!("/malls/{mall}");
    let api = platform.call(Method::GET, &format!("/api/v1{address}"), &administrator, None, None).await.json();
    assert_eq!(api["tracking_mapping"], json!(setting().await));
    let page = browser.get(&address).await;
    assert_eq!(page.field(&address, "tracking_format").as_deref(), Some("own"));
    let answer = browser.press(&page, &address, &[("tracking_format", "e-hiden-3"), ("do", "draw")]).await;
    assert_eq!(answer.field(&address, "tracking_mapping").unwrap().trim(), "preset = \"e-hiden-3\"");
    assert!(setting().await.contains("問番"), "drawing saves nothing");
    let log = platform.call(Method::GET, "/api/v1/audit", &administrator, None, None).await.json();
    assert!(log.to_string().contains("\"tracking_mapping\""), "{log}");
}

/// A file of `count` orders under our own headings.
fn many_orders(prefix: &str, count: usize) -> String {
    let headings = "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,注文者電話番号,\
                    合計金額,商品名,単価,数量\n";
    let row = |at| {
        format!(
            "{prefix}-{at},2026/11/20 10:00,見本 花子,150-0041,東京都,渋谷区,見本町1-2-3,03-0000-1000,1000,石けん,1000,1\n"
        )
    };
    headings.to_owned() + &(1..=count).map(row).collect::<String>()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_begins_long_imports_and_tells_how_far_each_is() {
    const ROWS: usize = 600;
    let platform = Platform::at("kuroneko").await;
    let (token, mall) = (platform.token(Role::Operator).await, platform.test.mall().await.id);
    let begin = async |query: &str, key: &str, text: String| {
        let request = Request::post(format!("/api/v1/import-runs?mall={mall}&what=orders{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "text/csv")
            .header("idempotency-key", key);
        platform.send(request.body(Body::from(text)).unwrap()).await
    };
    let run = async |name: &str| {
        platform.call(Method::GET, &format!("/api/v1/import-runs/{name}"), &token, None, None).await.json()
    };
    // Two of one caller, at the same time: each has its own record.
    let first = begin("", "k1", many_orders("F", ROWS)).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let second = begin("&dry_run=true", "k2", many_orders("S", 1)).await.json();
    let first = first.json();
    assert_eq!((&first["state"], &first["progress"]["step"]), (&json!("running"), &json!("reading")), "{first}");
    let ended = async |name: &Value| {
        let name = name.as_str().unwrap().to_owned();
        let mut seen = Vec::new();
        let begun = std::time::Instant::now();
        loop {
            let now = run(&name).await;
            if now["state"] != "running" {
                return (now, seen);
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{now}");
            seen.push(now["progress"]["done"].as_u64().unwrap());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let (one, seen) = ended(&first["name"]).await;
    let (other, _) = ended(&second["name"]).await;
    assert_eq!((&one["state"], &one["result"]["taken_count"]), (&json!("done"), &json!(ROWS)), "{one}");
    assert_eq!((&one["progress"]["step"], &one["progress"]["done"]), (&json!("writing"), &json!(ROWS)));
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!((&other["result"]["taken_count"], &other["dry_run"]), (&json!(1), &json!(true)), "{other}");
    let again = begin("", "k1", many_orders("F", ROWS)).await.json();
    assert_eq!(again["name"], first["name"], "the same call begins nothing");
    // What is wrong with the file is what the short way answers.
    let wrong = begin("", "k3", "a,b\n1,2\n".to_owned()).await.json();
    let (wrong, _) = ended(&wrong["name"]).await;
    assert_eq!((&wrong["state"], &wrong["result"]), (&json!("refused"), &Value::Null), "{wrong}");
    assert_eq!(wrong["problem"]["type"], "urn:host-demo:problem:invalid", "{wrong}");
    let all = platform.call(Method::GET, "/api/v1/import-runs", &token, None, None).await.json();
    assert_eq!(all.as_array().unwrap().len(), 3, "{all}");
    let none = platform.call(Method::GET, "/api/v1/import-runs/x", &token, None, None).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    // The page of a user shows no import of others.
    let page = format!("/import/runs/{}", first["name"].as_str().unwrap());
    let page = platform.signed_in("kanri").await.get(&page).await;
    assert!(page.text.contains("この取込の結果はもうありません"), "{}", page.text);
    assert_eq!(platform.test.all().await.len(), 3 + ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_corrected_on_its_page() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    assert!(browser.get("/orders/1").await.text.contains("href=\"/orders/1/edit\""));
    let page = browser.get("/orders/1/edit").await;
    assert_eq!(page.field("/orders/1/edit", "buyer.name").as_deref(), Some("見本 花子"));
    // Lines come and go without a script, and keep what was typed.
    let typed = [("buyer.name", "見本 太郎"), ("do", "add")];
    let two = browser.press(&page, "/orders/1/edit", &typed).await;
    assert_eq!(two.field("/orders/1/edit", "items[1].name").as_deref(), Some(""));
    assert_eq!(two.field("/orders/1/edit", "buyer.name").as_deref(), Some("見本 太郎"));
    let one = browser.press(&two, "/orders/1/edit", &[("do", "remove-1")]).await;
    assert_eq!(one.field("/orders/1/edit", "items[1].name"), None);
    assert_eq!(platform.test.order(1).await.version, 0, "nothing was saved yet");
    // What is wrong is named at its field.
    let refused = browser.press(&one, "/orders/1/edit", &[("buyer.phone", "3-1234"), ("do", "save")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("id=\"p-buyer.phone\""), "{}", refused.text);
    let saved = browser.press(&refused, "/orders/1/edit", &[("buyer.phone", "090-1234-5678")]).await;
    assert_eq!(saved.location(), "/orders/1");
    let shown = browser.get("/orders/1").await.text;
    assert!(shown.contains("注文の内容を修正") || shown.contains("注文者の氏名、注文者の電話番号"), "{shown}");
    let order = platform.test.order(1).await;
    assert_eq!((order.data.buyer.name.as_str(), order.version), ("見本 太郎", 1));
    // A page that was open since before.
    let stale = browser.press(&refused, "/orders/1/edit", &[("buyer.name", "別人")]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.text.contains("画面を開いたあとに変更されました"));
    assert_eq!(platform.test.order(1).await.version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_provider_stands_at_its_field_and_names_the_form() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let claimed = platform.test.claim(&[platform.test.order(1).await], "w").await.remove(0).unwrap();
    let said = ProviderMessage { code: Some("E00301".into()), message: "電話番号が不正です".into() };
    let fields = ["buyer.phone", "items[0].name"].map(|field| Field { field: field.into(), said: said.clone() });
    let problem = Some(Issue::Invalid { fields: fields.into() });
    let change = Change { problem, ..Change::new(&claimed, Event::CreditNotSent) };
    platform.test.store.apply(&[change], "w", 1).await.unwrap();
    let page = browser.get("/orders/1").await.text;
    assert!(page.contains("[注文を直す]で注文の内容を直し、もう一度[与信を実行]を押してください"), "{page}");
    assert!(page.contains("明細1行目の商品名: E00301 電話番号が不正です") && !page.contains("items["), "{page}");
    assert!(page.contains("<a class=\"button\" href=\"/orders/1/edit\">注文を直す</a>"), "{page}");
    let form = browser.get("/orders/1/edit").await.text;
    for field in ["buyer.phone", "items[0].name"] {
        assert!(
            form.contains(&format!("<p class=\"problem\" id=\"p-{field}\">E00301 電話番号が不正です</p>")),
            "{form}"
        );
    }
    // Where the provider may hold it, the order is not corrected.
    let claimed = platform.test.claim(&[platform.test.order(2).await], "w").await.remove(0).unwrap();
    let id = Some("T2".to_owned());
    let change = Change { transaction_id: id, ..Change::new(&claimed, Event::CreditApproved) };
    platform.test.store.apply(&[change], "w", 1).await.unwrap();
    assert_eq!(browser.get("/orders/2/edit").await.location(), "/orders/2");
    let fields = [("version", "2"), ("buyer.name", "別人")];
    let refused = browser.submit("/orders/2", "/orders/2/edit", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(platform.test.order(2).await.data.buyer.name, "見本 花子");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_corrected_through_the_api() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Operator).await;
    let put = async |key: &str, body: Value| {
        platform.call(Method::PUT, "/api/v1/orders/1/content", &token, Some(key), Some(body)).await
    };
    let price = platform.test.order(1).await.amounts.goods;
    let content = |version: i64, phone: &str| {
        json!({
            "version": version,
            "buyer": {
                "name": "見本 花子", "postal_code": "〒100-0001", "prefecture": "東京都", "city": "千代田区",
                "street": "千代田1-1", "phone": phone,
            },
            "items": [{ "name": "見本", "unit_price": price, "quantity": 1 }],
        })
    };
    let refused = put("a", content(0, "3-1234")).await;
    assert_eq!((refused.status, refused.problem().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    assert_eq!(refused.json()["fields"][0]["field"], "buyer.phone");
    let done = put("b", content(0, "090-1234-5678")).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(done.json()["buyer_data"]["phone"], "090-1234-5678");
    let again = put("b", content(0, "090-1234-5678")).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (StatusCode::OK, "true"));
    assert_eq!(put("c", content(0, "090-1234-0000")).await.problem(), "stale-version");
    let history = platform.call(Method::GET, "/api/v1/orders/1/history", &token, None, None).await.json();
    assert!(history[0]["note"].as_str().is_some_and(|note| note.contains("電話番号")), "{history}");
    let claimed = platform.test.claim(&[platform.test.order(1).await], "w").await.remove(0).unwrap();
    assert_eq!(put("d", content(claimed.version, "090-1234-0000")).await.problem(), "conflict");
}
