//! Each limit of the sandbox, met by a plugin that tries to exceed it.

mod common;

use common::{Does, Server, account, account_at, component, hostile, limits, order};
use provider_host::contract::{Bill, Decision, Failure, FeeMode, FeeRule};
use provider_host::{Answer, Host, Limits, LoadError, Permissions, Progress};
use std::time::{Duration, Instant};

async fn credit(behaviour: &str, limits: Limits, server: &Server) -> Answer<Decision> {
    hostile(limits, server).await.credit(&account(behaviour, server), vec![order()]).await
}

fn not_sent(answer: &Answer<Decision>) -> String {
    match &answer.rows[..] {
        [Err(Failure::NotSent(reason))] => reason.message.clone(),
        other => panic!("{other:?}"),
    }
}

fn unknown(answer: &Answer<Decision>) -> String {
    match &answer.rows[..] {
        [Err(Failure::OutcomeUnknown(reason))] => reason.message.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_honest_call_goes_through() {
    let server = Server::start(Does::Answers(10)).await;
    let answer = credit("honest", limits(), &server).await;
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    let request = &answer.calls[0].requests[0];
    assert_eq!((request.progress, request.status, request.response_bytes), (Progress::Answered, Some(200), 10));
    assert_eq!((server.requests(), answer.calls.len()), (1, 1));
}

/// Runs a test that would never end if the host did not stop the plugin: on a thread that is left
/// behind, so that the failure is told.
fn within(limit: Duration, test: impl Future<Output = ()> + Send + 'static) {
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
        ended.send(()).unwrap();
    });
    end.recv_timeout(limit).expect("the test failed, or the plugin was never stopped");
}

/// Far above the few hundred milliseconds that such a test takes.
const FOR_EVER: Duration = Duration::from_secs(60);

#[test]
fn a_plugin_that_computes_for_ever_is_stopped_and_others_go_on() {
    within(FOR_EVER, computing_is_bounded());
}

async fn computing_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let (shop, began) = (account("spin", &server), Instant::now());
    let honest = account("honest", &server);
    // As many spinning plugins as there are threads, and one more call that must not wait for them.
    let spinning: Vec<_> = (0..4).map(|_| plugin.credit(&shop, vec![order()])).collect();
    let (spun, answer) = tokio::join!(futures::future::join_all(spinning), plugin.credit(&honest, vec![order()]));
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    assert!(not_sent(&spun[0]).contains("without a pause"), "{:?}", spun[0].rows);
    assert!(began.elapsed() < Duration::from_secs(4), "stopped by the deadline, not by the limit on computing");
}

#[test]
fn a_call_without_requests_is_stopped_too() {
    within(FOR_EVER, computing_without_requests_is_bounded());
}

async fn computing_without_requests_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let rule = FeeRule { mode: FeeMode::Keep, bands: vec![] };
    let error = plugin.fee_adjust(&rule, &Bill { items: 1, shipping_fee: 0, payment_fee: 0 }).await.unwrap_err();
    assert!(error.to_string().contains("without a pause"), "{error}");
}

#[tokio::test]
async fn memory_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { cpu: Duration::from_secs(4), ..limits() };
    let words = not_sent(&credit("grow", limits, &server).await);
    assert!(words.contains("more memory"), "{words}");
}

#[tokio::test]
async fn the_deadline_ends_a_call_that_waits() {
    let server = Server::start(Does::ReadsAndWaits).await;
    let limits = Limits { deadline: Duration::from_millis(300), ..limits() };
    let began = Instant::now();
    let answer = credit("honest", limits, &server).await;
    assert!(unknown(&answer).contains("no answer from the plugin within"), "{:?}", answer.rows);
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!((answer.calls[0].requests[0].progress, server.requests()), (Progress::Sent, 1));
}

#[tokio::test]
async fn a_gateway_that_is_silent_is_given_up_before_the_deadline() {
    let server = Server::start(Does::ReadsAndWaits).await;
    let quick = Limits { head: Duration::from_millis(100), connect: Duration::from_millis(100), ..limits() };
    let words = unknown(&credit("honest", quick, &server).await);
    assert!(words.contains("HttpResponseTimeout"), "{words}");
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let server = Server::start(Does::Drips).await;
    let quick = Limits { body: Duration::from_millis(300), ..limits() };
    let words = unknown(&credit("honest", quick, &server).await);
    assert!(words.contains("HttpResponseTimeout"), "{words}");
}

#[tokio::test]
async fn answers_are_bounded_in_bytes() {
    let server = Server::start(Does::Answers(100_000)).await;
    let words = unknown(&credit("honest", Limits { response_bytes: 99_999, ..limits() }, &server).await);
    assert!(words.contains("HttpResponseBodySize"), "{words}");
    assert!(credit("honest", Limits { response_bytes: 100_000, ..limits() }, &server).await.rows[0].is_ok());
}

#[tokio::test]
async fn requests_are_bounded_in_bytes_headers_and_number() {
    let server = Server::start(Does::Answers(0)).await;
    not_sent(
        &credit("big-request", Limits { memory: 256 << 20, cpu: Duration::from_secs(4), ..limits() }, &server).await,
    );
    not_sent(&credit("many-headers", limits(), &server).await);
    assert_eq!(server.requests(), 0);
    let answer = credit(
        "many-requests",
        Limits { requests: 7, handles: 50_000, cpu: Duration::from_secs(4), ..limits() },
        &server,
    )
    .await;
    assert_eq!((server.requests(), answer.calls[0].requests.len()), (7, 7), "{:?}", answer.rows);
}

#[tokio::test]
async fn handles_are_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let answer = credit("many-requests", Limits { handles: 100, ..limits() }, &server).await;
    assert!(answer.rows[0].is_err());
    assert!(server.requests() < 100);
}

#[tokio::test]
async fn what_a_plugin_hands_over_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { memory: 256 << 20, cpu: Duration::from_secs(4), ..limits() };
    let words = not_sent(&credit("big-answer", limits, &server).await);
    assert!(words.contains("fuel"), "{words}");
}

#[tokio::test]
async fn only_granted_origins_are_reached() {
    let (granted, other) = (Server::start(Does::Answers(0)).await, Server::start(Does::Answers(0)).await);
    let plugin = hostile(limits(), &granted).await;
    for url in [
        format!("http://127.0.0.1:{}/", other.port()),
        format!("https://127.0.0.1:{}/", granted.port()),
        format!("http://localhost:{}/", granted.port()),
        format!("http://127.0.0.2:{}/", granted.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", granted.port()),
    ] {
        let answer = plugin.credit(&account_at("honest", &url), vec![order()]).await;
        assert!(not_sent(&answer).contains("HttpRequestDenied"), "{url}: {:?}", answer.rows);
    }
    assert_eq!((granted.connections(), other.connections()), (0, 0));
}

#[tokio::test]
async fn a_granted_name_does_not_open_a_private_address() {
    let server = Server::start(Does::Answers(0)).await;
    let origin = format!("http://localhost:{}", server.port());
    let host = Host::builder().limits(limits()).build().unwrap();
    let mut permissions = Permissions { origins: vec![origin.parse().unwrap()], ..Permissions::default() };
    let plugin = host.load(component("hostile"), permissions.clone()).await.unwrap();
    let answer = plugin.credit(&account_at("honest", &origin), vec![order()]).await;
    assert!(not_sent(&answer).contains("DestinationIpProhibited"), "{:?}", answer.rows);
    assert_eq!(server.connections(), 0);

    permissions.private_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    let plugin = host.load(component("hostile"), permissions).await.unwrap();
    assert!(plugin.credit(&account_at("honest", &origin), vec![order()]).await.rows[0].is_ok());
}

#[tokio::test]
async fn a_bare_private_address_is_not_opened_by_its_origin() {
    let server = Server::start(Does::Answers(0)).await;
    let host = Host::builder().limits(limits()).build().unwrap();
    let permissions = Permissions { origins: vec![server.origin()], ..Permissions::default() };
    let plugin = host.load(component("hostile"), permissions).await.unwrap();
    let answer = plugin.credit(&account("honest", &server), vec![order()]).await;
    assert!(not_sent(&answer).contains("DestinationIpProhibited"), "{:?}", answer.rows);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn rows_that_are_missing_are_made_up_for() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let answer = plugin.credit(&account("few-rows", &server), vec![order(), order()]).await;
    assert_eq!(answer.rows.len(), 2);
    assert!(answer.rows.iter().all(|row| matches!(row, Err(Failure::NotSent(_)))), "{:?}", answer.rows);
}

#[tokio::test]
async fn lists_longer_than_a_batch_are_split_and_keep_their_order() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let answer = plugin.credit(&account("honest", &server), vec![order(); 25]).await;
    assert_eq!((answer.rows.len(), server.requests()), (25, 3));
    let rows: Vec<_> = answer.calls.iter().map(|call| call.rows).collect();
    assert_eq!(rows, [10, 10, 5]);
}

#[tokio::test]
async fn an_operation_without_a_batch_limit_is_unsupported() {
    let server = Server::start(Does::Answers(0)).await;
    let registration =
        provider_host::contract::Registration { reference: "A".into(), transaction_id: None, billed_amount: 1 };
    let answer = hostile(limits(), &server).await.check_credit(&account("honest", &server), vec![registration]).await;
    assert_eq!(answer.rows.len(), 1);
    assert!(matches!(answer.rows[0], Err(Failure::Unsupported)));
}

#[tokio::test]
async fn a_file_that_is_no_provider_is_refused_with_its_reason() {
    let host = Host::builder().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let load = async |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        host.load(path, Permissions::default()).await.unwrap_err()
    };
    let error = load("text.wasm", b"hello").await;
    assert!(matches!(&error, LoadError::NotAComponent { .. }) && error.to_string().contains("text.wasm"), "{error}");
    let module = wat::parse_str("(module)").unwrap();
    assert!(matches!(load("module.wasm", &module).await, LoadError::NotAComponent { .. }));

    let files = wat::parse_str(
        r#"(component (import "wasi:filesystem/preopens@0.2.0" (instance)) (import "wasi:cli/environment@0.2.0" (instance)))"#,
    );
    let error = load("files.wasm", &files.unwrap()).await.to_string();
    assert!(
        error.contains("wasi:filesystem/preopens@0.2.0") && error.contains("wasi:cli/environment@0.2.0"),
        "{error}"
    );

    let empty = load("empty.wasm", &wat::parse_str("(component)").unwrap()).await.to_string();
    assert!(empty.contains("not a provider"), "{empty}");
    let missing = host.load(folder.path().join("missing.wasm"), Permissions::default()).await.unwrap_err();
    assert!(matches!(missing, LoadError::Unreadable { .. }));
}

#[tokio::test]
async fn a_permission_for_another_digest_is_refused_and_a_large_file_too() {
    let host = Host::builder().limits(Limits { component_bytes: 1_000, ..limits() }).build().unwrap();
    let error = host.load(component("hostile"), Permissions::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
    let host = Host::builder().build().unwrap();
    let permissions = Permissions { sha256: Some("00".repeat(32)), ..Permissions::default() };
    let error = host.load(component("hostile"), permissions).await.unwrap_err().to_string();
    assert!(error.contains(&"00".repeat(32)) && error.contains("hostile.wasm"), "{error}");
}
