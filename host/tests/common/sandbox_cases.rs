//! The tests of the sandbox that hold for `wasi:http` 0.3 and 0.2 alike, with the plugin `PLUGIN`.

use crate::PLUGIN;
use crate::common::{Does, FOR_EVER, Server, account, account_at, component, limits, load, order, within};
use provider_host::contract::{Decision, Failure};
use provider_host::{Answer, Host, Limits, Permissions, Progress};
use std::time::{Duration, Instant};

async fn credit(behaviour: &str, limits: Limits, server: &Server) -> Answer<Decision> {
    load(PLUGIN, limits, server).await.credit(&account(behaviour, server), vec![order()]).await
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

#[test]
fn a_plugin_that_computes_for_ever_is_stopped_and_others_go_on() {
    within(2 * FOR_EVER, computing_is_bounded());
}

async fn computing_is_bounded() {
    let server = Server::start(Does::Answers(0)).await;
    // The deadline is far off, so that a busy machine cannot end the calls before the limit on computing does.
    let plugin = load(PLUGIN, Limits { deadline: FOR_EVER, ..limits() }, &server).await;
    let shop = account("spin", &server);
    let honest = account("honest", &server);
    // As many spinning plugins as there are threads, and one more call that must not wait for them.
    let spinning: Vec<_> = (0..4).map(|_| plugin.credit(&shop, vec![order()])).collect();
    let (spun, answer) = tokio::join!(futures::future::join_all(spinning), plugin.credit(&honest, vec![order()]));
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    assert!(not_sent(&spun[0]).contains("without a pause"), "{:?}", spun[0].rows);
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
    assert!(words.contains("handed over more than"), "{words}");
}

#[tokio::test]
async fn only_granted_origins_are_reached() {
    let (granted, other) = (Server::start(Does::Answers(0)).await, Server::start(Does::Answers(0)).await);
    let plugin = load(PLUGIN, limits(), &granted).await;
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
    let plugin = host.load(component(PLUGIN), permissions.clone()).await.unwrap();
    let answer = plugin.credit(&account_at("honest", &origin), vec![order()]).await;
    assert!(not_sent(&answer).contains("DestinationIpProhibited"), "{:?}", answer.rows);
    assert_eq!(server.connections(), 0);

    permissions.private_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    let plugin = host.load(component(PLUGIN), permissions).await.unwrap();
    assert!(plugin.credit(&account_at("honest", &origin), vec![order()]).await.rows[0].is_ok());
}

#[tokio::test]
async fn a_bare_private_address_is_not_opened_by_its_origin() {
    let server = Server::start(Does::Answers(0)).await;
    let host = Host::builder().limits(limits()).build().unwrap();
    let permissions = Permissions { origins: vec![server.origin()], ..Permissions::default() };
    let plugin = host.load(component(PLUGIN), permissions).await.unwrap();
    let answer = plugin.credit(&account("honest", &server), vec![order()]).await;
    assert!(not_sent(&answer).contains("DestinationIpProhibited"), "{:?}", answer.rows);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn rows_that_are_missing_are_made_up_for() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load(PLUGIN, limits(), &server).await;
    let answer = plugin.credit(&account("few-rows", &server), vec![order(), order()]).await;
    assert_eq!(answer.rows.len(), 2);
    assert!(answer.rows.iter().all(|row| matches!(row, Err(Failure::NotSent(_)))), "{:?}", answer.rows);
}

#[tokio::test]
async fn lists_longer_than_a_batch_are_split_and_keep_their_order() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load(PLUGIN, limits(), &server).await;
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
    let answer =
        load(PLUGIN, limits(), &server).await.check_credit(&account("honest", &server), vec![registration]).await;
    assert_eq!(answer.rows.len(), 1);
    assert!(matches!(answer.rows[0], Err(Failure::Unsupported)));
}
