//! The platform's door: every route that is served, whoever comes and whatever they send. The routes are those of the
//! router and of the API's document, so a new one is tested the day it is made: what is not listed here as open or as
//! an administrator's must be for whoever has signed in.

use super::*;
use app::web::api;
use app::web::router::{Route, page_routes};
use axum::body::Bytes;
use futures::stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is open to whoever has not signed in.
const OPEN: [(Method, &str); 5] = [
    (Method::GET, "/static/{name}"),
    (Method::GET, "/signin"),
    (Method::POST, "/signin"),
    (Method::POST, "/signout"),
    (Method::POST, "/language"),
];

/// What is for administrators alone.
const ADMINISTRATORS: [(Method, &str); 17] = [
    (Method::GET, "/malls/new"),
    (Method::POST, "/malls/new"),
    (Method::GET, "/malls/{id}"),
    (Method::POST, "/malls/{id}"),
    (Method::GET, "/malls/{id}/mapping"),
    (Method::POST, "/malls/{id}/mapping"),
    (Method::POST, "/start/1"),
    (Method::POST, "/providers"),
    (Method::POST, "/providers/{id}/withdraw"),
    (Method::POST, "/providers/{id}/pause"),
    (Method::POST, "/providers/{id}/resume"),
    (Method::GET, "/users"),
    (Method::POST, "/users"),
    (Method::POST, "/users/{id}"),
    (Method::POST, "/tokens"),
    (Method::POST, "/tokens/{id}/revoke"),
    (Method::GET, "/audit"),
];

/// The same of the API.
const ADMINISTRATORS_CALLS: [(Method, &str); 15] = [
    (Method::GET, "/v1/malls"),
    (Method::GET, "/v1/malls/{id}"),
    (Method::PUT, "/v1/malls/{id}"),
    (Method::POST, "/v1/malls/{id}/connection-test"),
    (Method::POST, "/v1/providers"),
    (Method::DELETE, "/v1/providers/{id}"),
    (Method::PUT, "/v1/providers/{id}/credit-pause"),
    (Method::DELETE, "/v1/providers/{id}/credit-pause"),
    (Method::GET, "/v1/users"),
    (Method::POST, "/v1/users"),
    (Method::PUT, "/v1/users/{id}"),
    (Method::GET, "/v1/tokens"),
    (Method::POST, "/v1/tokens"),
    (Method::DELETE, "/v1/tokens/{id}"),
    (Method::GET, "/v1/audit"),
];

/// The path of a route, with the sample mall, the first of everything numbered, and an action in place of parameters.
pub(super) fn concrete(path: &str) -> String {
    let part = |part: &str| {
        match part {
            "{name}" => "app.css",
            "{action}" => "credit",
            "{id}" if path.contains("/malls/") => "m",
            parameter if parameter.starts_with('{') => "1",
            fixed => fixed,
        }
        .to_owned()
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_one_of(list: &[(Method, &str)], method: &Method, path: &str) -> bool {
    list.iter().any(|(of_method, of_path)| of_method == method && *of_path == path)
}

/// Every call of the API: method and path as in its document.
fn calls() -> Vec<(Method, String)> {
    let document = serde_json::to_value(api::document()).unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = ["get", "put", "post", "delete", "patch"].into_iter().filter(|method| item[*method].is_object());
        methods.map(|method| (method.to_uppercase().parse().unwrap(), path.clone())).collect::<Vec<_>>()
    };
    document["paths"].as_object().unwrap().iter().flat_map(of_path).collect()
}

/// A form for `route` that has nothing but a CSRF token, or not even that.
fn empty_form(route: &Route, csrf: Option<&str>) -> Request<Body> {
    let request = Request::post(concrete(route.path));
    let part = |token: &str| format!("--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n");
    match (route.upload, csrf) {
        (None, None) => request.header("content-type", "application/x-www-form-urlencoded").body(Body::empty()),
        (None, Some(token)) => request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(serde_html_form::to_string([("csrf", token)]).unwrap())),
        (Some(_), token) => request
            .header("content-type", "multipart/form-data; boundary=b")
            .body(Body::from(token.map(part).unwrap_or_default() + "--b--\r\n")),
    }
    .unwrap()
}

impl Platform {
    /// What only a request that acted changes.
    async fn traces(&self) -> String {
        let store = &self.test.store;
        let (users, tokens) = (store.users().await.unwrap(), store.api_tokens().await.unwrap());
        let orders: Vec<_> = self.test.all().await.into_iter().map(|order| (order.id, order.version)).collect();
        let batches = store.batches(100).await.unwrap().len();
        let audit = store.audit(None, 1_000).await.unwrap().len();
        format!("{users:?} {tokens:?} {orders:?} {batches} batches, {audit} lines of audit")
    }
}

#[test]
fn the_lists_of_this_test_name_routes_that_there_are() {
    let routes = page_routes();
    for (method, path) in OPEN.into_iter().chain(ADMINISTRATORS) {
        assert!(routes.iter().any(|route| route.method == method && route.path == path), "{method} {path}");
    }
    let calls = calls();
    for (method, path) in ADMINISTRATORS_CALLS {
        assert!(calls.contains(&(method.clone(), path.to_owned())), "{method} {path}: {calls:?}");
    }
    // The document tells callers the same.
    let document = serde_json::to_value(api::document()).unwrap();
    for (method, path) in &calls {
        let documented = &document["paths"][path][method.as_str().to_lowercase()]["responses"]["403"];
        let listed = is_one_of(&ADMINISTRATORS_CALLS, method, path);
        assert_eq!(!documented.is_null(), listed, "{method} {path}");
    }
    assert!(routes.len() > 40 && calls.len() > 25, "{} {}", routes.len(), calls.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_and_form_is_for_whom_it_is_meant() {
    let platform = Platform::new().await;
    for (name, role) in [("", None), ("tanto", Some(Role::Operator)), ("kanri", Some(Role::Administrator))] {
        for route in page_routes() {
            let (method, path) = (&route.method, route.path);
            let open = is_one_of(&OPEN, method, path);
            // Signing in and out is other tests' matter; a new browser for each form, for some end its session.
            if open && role.is_some() {
                continue;
            }
            let mut browser = platform.browser();
            if role.is_some() {
                let user = platform.test.store.users().await.unwrap().into_iter().find(|user| user.name == name);
                let session = platform.test.store.begin_session(user.unwrap().id, clock::now()).await.unwrap();
                browser.cookies.insert("session".to_owned(), session.token);
            }
            let csrf = browser.get(if role.is_some() { "/account" } else { "/signin" }).await.csrf().to_owned();
            let answer = match *method {
                Method::GET => browser.get(&concrete(path)).await,
                _ => browser.send(empty_form(&route, Some(&csrf))).await,
            };
            let sent_to_sign_in = answer.location().starts_with("/signin");
            let case = format!("{method} {path} by {role:?}: {} {}", answer.status, answer.location());
            assert!(!answer.status.is_server_error(), "{case}");
            match role {
                None => assert_eq!(sent_to_sign_in, !open || path == "/signout", "{case}"),
                Some(Role::Operator) if is_one_of(&ADMINISTRATORS, method, path) => {
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{case}");
                }
                Some(_) => assert!(answer.status != StatusCode::FORBIDDEN && !sent_to_sign_in, "{case}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_not_signed_in_changes_nothing() {
    let platform = Platform::new().await;
    let before = platform.traces().await;
    let mut browser = platform.browser();
    let csrf = browser.get("/signin").await.csrf().to_owned();
    for route in page_routes().iter().filter(|route| route.method == Method::POST) {
        browser.send(empty_form(route, Some(&csrf))).await;
    }
    for (method, path) in calls() {
        platform.call(method, &format!("/api{}", concrete(&path)), "hostdemo_guess", Some("k"), Some(json!({}))).await;
    }
    assert_eq!(platform.traces().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_needs_the_csrf_token_of_its_own_session() {
    let platform = Platform::new().await;
    let stranger = platform.signed_in("tanto").await.get("/orders").await.csrf().to_owned();
    let mut victim = platform.signed_in("kanri").await;
    // The token that the very browser had before it signed in is another one.
    let earlier = platform.browser().get("/signin").await.csrf().to_owned();
    let before = platform.traces().await;
    let mut acting = 0;
    for route in page_routes().iter().filter(|route| route.method == Method::POST) {
        for token in [None, Some(""), Some("x"), Some(stranger.as_str()), Some(earlier.as_str())] {
            let answer = victim.send(empty_form(route, token)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} with {token:?}", route.path);
        }
        acting += 1;
    }
    assert!(acting > 20, "{acting}");
    assert_eq!(platform.traces().await, before);
    assert_eq!(victim.get("/orders").await.status, StatusCode::OK, "nobody signed the victim out");
}

/// Another site can make a browser ask for any address, so reading must not act.
#[tokio::test(flavor = "multi_thread")]
async fn reading_changes_nothing() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    let token = platform.token(Role::Administrator).await;
    let before = platform.traces().await;
    for route in page_routes().iter().filter(|route| route.method == Method::GET) {
        administrator.get(&concrete(route.path)).await;
    }
    for (_, path) in calls().iter().filter(|(method, _)| method == Method::GET) {
        platform.call(Method::GET, &format!("/api{}", concrete(path)), &token, None, None).await;
    }
    assert_eq!(platform.traces().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_somebody_prepared_is_not_the_one_that_begins() {
    let platform = Platform::new().await;
    let prepared = "0123456789abcdef".repeat(4);
    let mut victim = platform.browser();
    victim.cookies = ["session", "visit"].map(|name| (name.to_owned(), prepared.clone())).into();
    let csrf_before = victim.get("/signin").await.csrf().to_owned();
    victim.sign_in("kanri", PASSWORD).await;
    assert_eq!(victim.get("/orders").await.status, StatusCode::OK);
    assert_ne!(victim.cookies["session"], prepared);
    assert_ne!(victim.get("/orders").await.csrf(), csrf_before);
    let mut attacker = Browser { platform: &platform, cookies: victim.cookies.clone() };
    attacker.cookies.insert("session".to_owned(), prepared);
    assert_eq!(attacker.get("/orders").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("tanto").await;
    let mut copied = Browser { platform: &platform, cookies: browser.cookies.clone() };
    let csrf = browser.get("/orders").await.csrf().to_owned();
    let fields = [("csrf", csrf.as_str()), ("name", "kanri"), ("password", PASSWORD), ("next", "/")];
    assert_eq!(browser.post("/signin", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/users").await.status, StatusCode::OK);
    assert_eq!(copied.get("/orders").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_of_the_api_is_for_whom_it_is_meant() {
    let platform = Platform::new().await;
    let store = &platform.test.store;
    let by = Actor::now("kanri");
    let (operators, administrators) = (platform.token(Role::Operator).await, platform.token(Role::Administrator).await);
    let (revoked_one, revoked) = store.add_api_token("old", Role::Administrator, None, by).await.unwrap();
    store.revoke_api_token(revoked_one.id, by).await.unwrap();
    let (_, expired) = store.add_api_token("over", Role::Administrator, Some(clock::now() - 1), by).await.unwrap();
    let session = platform.signed_in("kanri").await.cookies["session"].clone();
    let strangers = ["", "hostdemo_guess", PASSWORD, &revoked, &expired, &session];
    for (method, path) in calls() {
        let url = format!("/api{}", concrete(&path));
        for token in strangers {
            let answer = platform.call(method.clone(), &url, token, Some("k"), Some(json!({}))).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} with {token:?}");
        }
        let answer = platform.call(method.clone(), &url, &operators, Some("k"), Some(json!({}))).await;
        let refused = is_one_of(&ADMINISTRATORS_CALLS, &method, &path);
        assert_eq!(
            answer.status == StatusCode::FORBIDDEN,
            refused,
            "{method} {path}: {} {}",
            answer.status,
            answer.text
        );
        // It would end the very tokens that this test uses.
        if (&method, path.as_str()) != (&Method::DELETE, "/v1/tokens/{id}") {
            let answer = platform.call(method.clone(), &url, &administrators, Some("k"), Some(json!({}))).await;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
            assert!(!refused && !answer.status.is_server_error(), "{method} {path}: {}", answer.text);
        }
    }
}

/// A session's cookie goes with whatever another site makes a browser send, so the API takes none.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_opens_no_call_of_the_api() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    for (method, path) in calls() {
        let request = Request::builder().method(method.clone()).uri(format!("/api{}", concrete(&path)));
        let answer = administrator.send(request.header("idempotency-key", "k").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_with_the_rights_of_whoever_issued_them() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Administrator).await;
    let status = async || platform.call(Method::GET, "/api/v1/users", &token, None, None).await.status;
    assert_eq!(status().await, StatusCode::OK);
    let store = &platform.test.store;
    let user = store.users().await.unwrap().into_iter().find(|user| user.name == "kanri").unwrap();
    store.add_user("another", Role::Administrator, PASSWORD, Actor::default()).await.unwrap();
    store.change_user(user.id, Role::Operator, false, Actor::now("another")).await.unwrap();
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
}

/// A body without end and without a length, and how many of its bytes were taken.
fn endless(begin: String) -> (Body, Arc<AtomicUsize>) {
    const CHUNK: usize = 64 << 10;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    let more = stream::repeat_with(move || {
        counted.fetch_add(CHUNK, Ordering::SeqCst);
        Ok::<_, std::convert::Infallible>(chunk.clone())
    });
    let body = futures::StreamExt::chain(stream::iter([Ok(Bytes::from(begin))]), more);
    (Body::from_stream(body), taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_end_is_refused_at_its_limit() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let csrf = browser.get("/orders").await.csrf().to_owned();
    let part = "--b\r\ncontent-disposition: form-data; name=";
    for route in page_routes().iter().filter(|route| route.method == Method::POST) {
        // The largest form without files has 256 KiB; a chunk or two more may be on their way.
        let limit = route.upload.unwrap_or(256 << 10) + (256 << 10);
        let begin = match route.upload {
            Some(_) => format!("{part}\"csrf\"\r\n\r\n{csrf}\r\n{part}\"file\"; filename=\"../../x.csv\"\r\n\r\n"),
            None => format!("csrf={csrf}&name="),
        };
        let kind = if route.upload.is_some() {
            "multipart/form-data; boundary=b"
        } else {
            "application/x-www-form-urlencoded"
        };
        let (body, taken) = endless(begin);
        let request = Request::post(concrete(route.path)).header("content-type", kind).body(body).unwrap();
        let answer = browser.send(request).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", route.path);
        assert!(taken.load(Ordering::SeqCst) <= limit, "{}: {} bytes", route.path, taken.load(Ordering::SeqCst));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_end_is_refused_at_its_limit() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Administrator).await;
    for (method, path) in calls().into_iter().filter(|(method, _)| method != Method::GET) {
        let (body, taken) = endless("{".to_owned());
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("/api{}", concrete(&path)))
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", "k")
            .header("content-type", "application/json")
            .body(body);
        let answer = platform.send(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{method} {path}: {}", answer.text);
        assert!(taken.load(Ordering::SeqCst) < 80 << 20, "{method} {path}");
    }
}

/// Every file below `folder`, without those of the database, which any request may touch.
fn files(folder: &std::path::Path) -> BTreeSet<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.into_iter().chain(folders.iter().flat_map(|folder| self::files(folder))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_file_leads_out_of_its_folder() {
    let platform = Platform::new().await;
    let mut browser = platform.signed_in("kanri").await;
    let csrf = browser.get("/orders").await.csrf().to_owned();
    let before = files(platform.test.folder.path());
    let names =
        ["../../escaped.wasm", "/escaped.wasm", "..\\..\\escaped.wasm", "%2e%2e%2fescaped.wasm", "x/../../escaped"];
    for route in page_routes().iter().filter(|route| route.upload.is_some()) {
        for name in names {
            let part =
                |field: &str, rest: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{field}\"{rest}\r\n");
            let file =
                |field: &str| part(field, &format!("; filename=\"{name}\"")) + "\r\nprovider = \"../../escaped\"\r\n";
            let fields =
                ["mall", "kind", "confirmed", "held", "carrier"].map(|field| part(field, "") + "\r\n" + name + "\r\n");
            let body = part("csrf", "")
                + "\r\n"
                + &csrf
                + "\r\n"
                + &fields[..2].concat()
                + &file("file")
                + &file("component")
                + &file("permissions")
                + &fields[4]
                + "--b--\r\n";
            let request = Request::post(route.path).header("content-type", "multipart/form-data; boundary=b");
            let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
            assert!(!answer.status.is_server_error(), "{} {name}: {}", route.path, answer.text);
        }
    }
    let after = files(platform.test.folder.path());
    assert!(after.iter().all(|path| before.contains(path) || !path.to_string_lossy().contains("escaped")), "{after:?}");
    let outside = platform.test.folder.path().parent().unwrap();
    assert!(!outside.join("escaped.wasm").exists() && !outside.join("escaped").exists());
    for path in
        ["/static/..%2fCargo.toml", "/static/../router.rs", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%5cx"]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_becomes_a_header_of_its_own() {
    const INJECTED: &str = "/x\r\nset-cookie: evil=1\r\nlocation: https://evil.example/";
    let platform = Platform::new().await;
    let clean = |answer: &Answer, case: &str| {
        assert!(!answer.status.is_server_error(), "{case}: {}", answer.text);
        for (name, value) in &answer.headers {
            let value = value.to_str().unwrap_or_default();
            let names_it = value.starts_with("evil=") || value.starts_with("https://evil.example");
            assert!(!names_it && !value.contains(['\r', '\n']), "{case}: {name}: {value}");
        }
    };
    let escaped = serde_html_form::to_string([("x", INJECTED)]).unwrap().split_off(2);
    for route in page_routes() {
        let mut browser = platform.signed_in("kanri").await;
        let csrf = browser.get("/account").await.csrf().to_owned();
        let path = route.path.replace("{id}", &escaped).replace("{name}", &escaped).replace("{action}", &escaped);
        let path = format!(
            "{path}?next={escaped}&q={escaped}&mall={escaped}&provider={escaped}&what={escaped}&encoding={escaped}"
        );
        let answer = match route.method {
            Method::GET => browser.get(&path).await,
            _ if route.upload.is_some() => continue,
            _ => {
                let names = ["next", "back", "name", "query", "mall", "number", "note", "status", "lang", "once"];
                let fields: Vec<_> =
                    [("csrf", csrf.as_str())].into_iter().chain(names.map(|name| (name, INJECTED))).collect();
                browser.post(&path, &fields).await
            }
        };
        clean(&answer, &format!("{} {}", route.method, route.path));
    }
    let mut nobody = platform.browser();
    clean(&nobody.get(&format!("/orders?q={escaped}")).await, "the way to the sign-in page");
    clean(&nobody.sign_in(INJECTED, INJECTED).await, "a name");
    let mut signing_in = platform.browser();
    let fields = [("name", "kanri"), ("password", PASSWORD), ("next", INJECTED)];
    let answer = signing_in.submit("/signin", "/signin", &fields).await;
    clean(&answer, "the way back");
    assert_eq!(answer.location(), "/");
}

/// Text that would be SQL, if it were ever pasted into a query.
const SQL: [&str; 6] = [
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE orders; --",
    "A-1' UNION SELECT password FROM users --",
    "\\' OR 1=1 --",
    "$1) OR (1=1",
];

/// The fields of all forms of a page that read.
fn search_fields(page: &str) -> BTreeSet<String> {
    let forms = page.split("<form").skip(1).filter_map(|form| form.split("</form>").next());
    let reading = forms.filter(|form| form.split('>').next().is_some_and(|tag| tag.contains("method=\"get\"")));
    reading.flat_map(|form| form.split('<').filter_map(|tag| attribute(tag.split('>').next()?, "name"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_a_search_field_is_never_sql() {
    let platform = Platform::new().await;
    let mut administrator = platform.signed_in("kanri").await;
    let before = platform.traces().await;
    let mut tried = 0;
    for route in page_routes().iter().filter(|route| route.method == Method::GET) {
        let path = concrete(route.path);
        let page = administrator.get(&path).await;
        // Fields of forms, and parameters of links that no form has.
        let links = ["after", "before", "ticked", "keep", "from", "batch", "next"].map(str::to_owned);
        let fields: BTreeSet<_> = search_fields(&page.text).into_iter().chain(links).collect();
        for (field, sql) in fields.iter().flat_map(|field| SQL.map(|sql| (field, sql))) {
            let query = serde_html_form::to_string([(field.as_str(), sql)]).unwrap();
            let answer = administrator.get(&format!("{path}?{query}")).await;
            assert!(!answer.status.is_server_error(), "{path}?{query}: {}", answer.text);
            if path == "/orders" && ["q", "status"].contains(&field.as_str()) {
                assert!(!answer.text.contains("A-1</"), "{query} finds orders: {}", answer.text);
            }
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
    assert_eq!(platform.traces().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_in_a_parameter_of_the_api_is_never_sql() {
    let platform = Platform::new().await;
    let token = platform.token(Role::Administrator).await;
    let before = platform.traces().await;
    let document = serde_json::to_value(api::document()).unwrap();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            for sql in SQL {
                let value = serde_html_form::to_string([("x", sql)]).unwrap().split_off(2);
                let url = match parameter["in"].as_str().unwrap() {
                    "path" => {
                        format!("/api{}", concrete(&path.replace(&format!("{{{name}}}"), &value.replace('+', "%20"))))
                    }
                    "query" => format!("/api{}?{name}={value}", concrete(path)),
                    _ => continue,
                };
                let answer = platform.call(Method::GET, &url, &token, None, None).await;
                assert!(!answer.status.is_server_error(), "{url}: {}", answer.text);
                if path == "/v1/orders" && answer.status == StatusCode::OK {
                    let found = answer.json()["orders"].as_array().unwrap().len();
                    assert!(
                        found == 0 || !["search", "mall", "order_status", "provider"].contains(&name),
                        "{url}: {found}"
                    );
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert_eq!(platform.traces().await, before);
}

/// How often a password was compared with a hash while `asked` ran.
async fn comparisons(asked: impl Future<Output = Answer>) -> (StatusCode, usize) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let writer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::io::sink()
    };
    let filter = tracing_subscriber::EnvFilter::new("store::passwords=debug");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let answer = asked.await;
    drop(guard);
    (answer.status, count.load(Ordering::SeqCst))
}

/// Counted and not measured: hashing is all that takes long, so as many hashes take as long. One thread, for the
/// subscriber is a thread's.
#[tokio::test]
async fn signing_in_computes_as_much_for_a_name_that_is_unknown() {
    let _alone = LISTENING.lock().await;
    let platform = Platform::new().await;
    let store = &platform.test.store;
    let leaver = store.add_user("taishoku", Role::Operator, PASSWORD, Actor::default()).await.unwrap();
    store.change_user(leaver.id, Role::Operator, true, Actor::default()).await.unwrap();
    // Not counted: where a line is logged for the first time on two threads at once, one may remember that nobody listens.
    platform.browser().sign_in("nobody", "falsch").await;
    let mut texts = BTreeSet::new();
    for (name, password) in [("kanri", "falsch"), ("nobody", "falsch"), ("taishoku", PASSWORD), ("' OR 1=1 --", "x")] {
        let mut browser = platform.browser();
        let (status, count) = comparisons(browser.sign_in(name, password)).await;
        assert_eq!((status, count), (StatusCode::UNAUTHORIZED, 1), "{name}");
        let page = browser.sign_in(name, password).await.text;
        let said = page.split("role=\"alert\"").nth(1).unwrap_or(&page).split("</").next().unwrap().replace(name, "");
        texts.insert(said.split("value=\"").next().unwrap().to_owned());
    }
    assert_eq!(texts.len(), 1, "the answers tell who has an account: {texts:?}");
}
