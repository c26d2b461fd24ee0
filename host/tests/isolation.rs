//! What one call or plugin can take of the resources that all share is bounded.

mod common;

use common::{Does, Server, account, component, hostile_at, limits, order};
use provider_host::contract::Setting;
use provider_host::{Account, CallError, Host, Limits, Permissions, Plugin};
use std::time::{Duration, Instant};

async fn with(limits: Limits, server: &Server) -> Plugin {
    hostile_at(limits, &[server.origin().to_string()]).await
}

#[tokio::test]
async fn denied_requests_give_no_time_to_compute() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { deadline: Duration::from_secs(60), cpu: Duration::from_secs(1), ..limits() };
    let began = Instant::now();
    let answer = with(limits, &server).await.credit(&account("spin-denied", &server), vec![order()]).await;
    assert!(matches!(answer.calls[0].error, Some(CallError::Cpu(_))), "{:?}", answer.calls[0].error);
    assert!(answer.calls[0].requests.len() > 1, "it must have computed between requests");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn answered_requests_give_some_but_not_without_end() {
    let server = Server::start(Does::Answers(0)).await;
    let (cpu, cpu_total) = (Duration::from_secs(1), Duration::from_secs(2));
    let limits = Limits { deadline: Duration::from_secs(60), cpu, cpu_total, ..limits() };
    let answer = with(limits, &server).await.credit(&account("spin-answered", &server), vec![order()]).await;
    assert!(matches!(answer.calls[0].error, Some(CallError::CpuTotal(_))), "{:?}", answer.calls[0].error);
    assert!(answer.calls[0].requests.len() > 1);
    assert!(answer.calls[0].elapsed > cpu_total);
}

#[test]
fn a_log_of_megabytes_holds_up_neither_its_call_nor_another() {
    // One thread for both: what holds it up holds up everybody.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::start(Does::Answers(0)).await;
        let limits = Limits { deadline: Duration::from_secs(10), cpu: Duration::from_secs(4), ..limits() };
        let plugin = with(limits.clone(), &server).await;
        let mut settings: Vec<_> =
            (0..10_000).map(|n| (format!("key-{n}"), format!("value {n} of a person"))).collect();
        settings
            .extend([("behaviour", "long-log"), ("password", "hunter2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        settings.push(("url".to_owned(), server.origin().to_string()));
        let set = |(key, value)| Setting { key, value };
        let talker = Account::new("talker", settings.into_iter().map(set).collect());
        let neighbour = account("honest", &server);
        let talking = async {
            let answer = plugin.credit(&talker, vec![order()]).await;
            assert_eq!(answer.calls[0].error, None);
            answer.calls[0].elapsed
        };
        let neighbours = async {
            let mut slowest = Duration::ZERO;
            for _ in 0..20 {
                let answer = plugin.credit(&neighbour, vec![order()]).await;
                assert!(answer.rows[0].is_ok());
                slowest = slowest.max(answer.calls[0].elapsed);
            }
            slowest
        };
        let (talked, slowest) = tokio::join!(talking, neighbours);
        assert!(talked < limits.deadline, "{talked:?}");
        assert!(slowest < Duration::from_secs(2), "a neighbour waited {slowest:?}");
    });
}

#[tokio::test]
async fn a_plugin_whose_calls_wait_leaves_turns_for_another() {
    let (waits, answers) = (Server::start(Does::ReadsAndWaits).await, Server::start(Does::Answers(0)).await);
    let limits = Limits { plugin_calls: 3, concurrent_calls: 4, ..limits() };
    let host = Host::builder().limits(limits).build().unwrap();
    let load =
        async |server: &Server| host.load(component("hostile"), Permissions::loopback(server.origin())).await.unwrap();
    let (waiting, honest) = (load(&waits).await, load(&answers).await);
    let (waiter, neighbour) = (account("honest", &waits), account("honest", &answers));
    let held: Vec<_> = (0..10).map(|_| waiting.credit(&waiter, vec![order()])).collect();
    let held = futures::future::join_all(held);
    let asked = async {
        while waits.requests() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let began = Instant::now();
        assert!(honest.credit(&neighbour, vec![order()]).await.rows[0].is_ok());
        began.elapsed()
    };
    let took = tokio::select! {
        took = asked => took,
        _ = held => panic!("the calls that wait must be waiting"),
    };
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(waits.requests(), 3, "no more than its turns");
}

/// Longer than such a test takes.
const FOR_LONG: Duration = Duration::from_secs(60);

/// The connections of `server` once it has `count` requests, and time enough for one more if it could be.
async fn at_most(count: usize, server: &Server) -> usize {
    while server.requests() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.connections()
}

#[tokio::test]
async fn the_sockets_of_a_plugin_are_bounded_over_all_its_shops() {
    let waits = Server::start(Does::ReadsAndWaits).await;
    let limits = Limits { plugin_connections: 4, deadline: FOR_LONG, ..limits() };
    let plugin = with(limits.clone(), &waits).await;
    let shop = account("honest", &waits);
    let calls = futures::future::join_all((0..12).map(|_| plugin.credit(&shop, vec![order()])));
    tokio::select! {
        connections = at_most(4, &waits) => assert_eq!(connections, 4),
        _ = calls => panic!("the calls must be waiting"),
    }

    // Idle connections of other shops make room.
    let keeps = Server::start(Does::Answers(0)).await;
    let plugin = with(limits, &keeps).await;
    let url = Setting { key: "url".into(), value: format!("{}/", keeps.origin()) };
    for shop in 0..10 {
        let shop = Account::new(format!("shop {shop}"), vec![url.clone()]);
        assert!(plugin.credit(&shop, vec![order()]).await.rows[0].is_ok());
    }
    assert_eq!(keeps.connections(), 10);
}

#[tokio::test]
async fn memory_is_bounded_for_all_calls_and_some_is_always_there() {
    let server = Server::start(Does::Answers(0)).await;
    // Beyond what is reserved there is next to nothing, and a call that grows takes it all.
    let nothing = 1 << 20;
    let limits = Limits { plugin_memory: nothing, total_memory: nothing, cpu: Duration::from_secs(4), ..limits() };
    let plugin = with(limits, &server).await;
    let (grows, honest) = (account("grow", &server), account("honest", &server));
    let growing = futures::future::join_all((0..4).map(|_| plugin.credit(&grows, vec![order()])));
    let (grown, answer) = tokio::join!(growing, plugin.credit(&honest, vec![order()]));
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    for answer in grown {
        let error = &answer.calls[0].error;
        assert!(matches!(error, Some(CallError::SharedMemory { limit, .. }) if *limit == nothing), "{error:?}");
    }
}

#[tokio::test]
async fn requests_of_a_call_take_turns_on_the_network() {
    let waits = Server::start(Does::ReadsAndWaits).await;
    let cpu = Duration::from_secs(20);
    let limits =
        Limits { deadline: FOR_LONG, cpu, cpu_total: cpu, handles: 50_000, concurrent_requests: 5, ..limits() };
    let plugin = with(limits, &waits).await;
    let shop = account("many-requests", &waits);
    tokio::select! {
        connections = at_most(5, &waits) => assert_eq!(connections, 5),
        _ = plugin.credit(&shop, vec![order()]) => panic!("the call must be waiting"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_waits_for_any_more_leaves_its_place_to_the_next() {
    let (waits, answers) = (Server::start(Does::ReadsAndWaits).await, Server::start(Does::Answers(0)).await);
    let host = Host::builder().limits(Limits { plugin_calls: 1, concurrent_calls: 1, ..limits() }).build().unwrap();
    let load =
        async |server: &Server| host.load(component("hostile"), Permissions::loopback(server.origin())).await.unwrap();
    let (given_up, honest) = (load(&waits).await, load(&answers).await);
    // One waits for the network when it is dropped, the other computes, on a thread of its own.
    for behaviour in ["honest", "spin"].repeat(10) {
        let shop = account(behaviour, &waits);
        let call = tokio::time::timeout(Duration::from_millis(30), given_up.credit(&shop, vec![order()]));
        assert!(call.await.is_err(), "{behaviour}: it must still be in progress when it is dropped");
        let answer = honest.credit(&account("honest", &answers), vec![order()]).await;
        assert!(answer.rows[0].is_ok(), "after {behaviour}: {:?}", answer.calls[0].error);
    }
}
