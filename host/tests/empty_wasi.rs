//! WASI 0.2 has nothing behind it: for each interface, what a plugin gets that tries to reach the machine through it.

mod common;
#[path = "empty_wasi/interfaces.rs"]
mod interfaces;

use common::{Does, Server, account, component, limits, listen, load, order};
use provider_host::contract::{Failure, Order, Setting};
use provider_host::{Account, CallError, Host, HostBuilder, ImportGroup, LoadError, Permissions, Plugin};
use std::time::{Duration, Instant};

/// 2026-11-24T03:00:00.125Z.
const NOW: u64 = 1_795_489_200_125;

async fn plugin(host: HostBuilder) -> Plugin {
    let host = host.limits(limits()).build().unwrap();
    host.load(component("hostile-sync"), Permissions::default()).await.unwrap()
}

/// What the probe `name` found, or how its call ended.
async fn probe(plugin: &Plugin, name: &str) -> Result<String, CallError> {
    probe_with(plugin, name, vec![order()]).await.remove(0)
}

async fn probe_with(plugin: &Plugin, name: &str, orders: Vec<Order>) -> Vec<Result<String, CallError>> {
    let set = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
    let shop = Account::new("shop", vec![set("behaviour", "probe"), set("probe", name)]);
    let answer = plugin.credit(&shop, orders).await;
    let error = answer.calls[0].error.clone();
    let found = |row| match row {
        Err(Failure::Refused(reason)) => Ok(reason.message),
        other => Err(error.clone().unwrap_or_else(|| panic!("{other:?}"))),
    };
    answer.rows.into_iter().map(found).collect()
}

#[tokio::test]
async fn each_interface_answers_as_if_there_were_no_machine() {
    // What a plugin would find if it saw this process.
    assert!(std::env::vars().count() > 0 && std::env::args().count() > 0 && std::env::current_dir().is_ok());
    let plugin = plugin(Host::builder().now(NOW)).await;
    for (name, expected) in [
        ("environment", "[]"),
        ("arguments", "[]"),
        ("cwd", "None"),
        ("stdin", "Err(true)"),
        ("terminals", "true true true"),
        ("wall-clock", "1795489200.125000000 true"),
        ("monotonic-clock", "1 1 20000001 20000001"),
        ("preopens", "0"),
        ("stream-error", "None"),
        ("tcp", "access-denied"),
        ("udp", "access-denied"),
        ("dns", "access-denied"),
    ] {
        assert_eq!(probe(&plugin, name).await.as_deref(), Ok(expected), "{name}");
    }
}

#[tokio::test]
async fn what_would_end_the_process_or_fill_its_memory_ends_the_call() {
    let plugin = plugin(Host::builder()).await;
    for (name, reason) in [("exit", "wasi:cli/exit#exit"), ("random-flood", "1099511627776 random bytes")] {
        match probe(&plugin, name).await {
            Err(CallError::Trap(message)) => assert!(message.contains(reason), "{name}: {message}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_plugin_that_sleeps_is_ended_by_the_deadline() {
    let host = Host::builder().limits(provider_host::Limits { deadline: Duration::from_millis(300), ..limits() });
    let plugin = host.build().unwrap().load(component("hostile-sync"), Permissions::default()).await.unwrap();
    let began = Instant::now();
    assert_eq!(probe(&plugin, "sleep").await, Err(CallError::Deadline(Duration::from_millis(300))));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn random_numbers_come_from_the_seed_of_the_host() {
    let (first, again) =
        (plugin(Host::builder().random_seed([7; 32])).await, plugin(Host::builder().random_seed([7; 32])).await);
    let numbers = probe(&first, "random").await.unwrap();
    assert_eq!(probe(&first, "random").await.as_ref(), Ok(&numbers), "each call begins anew");
    assert_eq!(probe(&again, "random").await.as_ref(), Ok(&numbers), "another process with the same seed");
    let other = plugin(Host::builder().random_seed([8; 32])).await;
    assert_ne!(probe(&other, "random").await.as_ref(), Ok(&numbers));
    let unseeded = plugin(Host::builder()).await;
    assert_ne!(probe(&unseeded, "random").await, probe(&unseeded, "random").await);
}

#[tokio::test]
async fn standard_streams_are_the_plugins_log_redacted_and_bounded() {
    let (log, _guard) = listen();
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load("hostile-sync", limits(), &server).await;
    let answer = plugin.credit(&account("tell-streams", &server), vec![order()]).await;
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    let text = log.text();
    assert!(text.contains("password=***"), "{text}");
    for secret in ["hunt", "見本 花子", "ミホン", "0312345678", "hanako"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.matches("flood").count() < 100, "{text}");
    assert!(answer.calls[0].log_lines_dropped > 9_000, "{}", answer.calls[0].log_lines_dropped);
}

#[tokio::test]
async fn a_permission_file_can_refuse_what_is_not_http() {
    let host = Host::builder().build().unwrap();
    let refuses = Permissions { refuse_empty_wasi: true, ..Permissions::default() };
    let error = host.load(component("hostile-sync"), refuses.clone()).await.unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, LoadError::Refused { .. }), "{message}");
    assert!(message.contains("wasi:filesystem/types@0.2.12") && message.contains("refuse-empty-wasi"), "{message}");
    assert!(!message.contains("wasi:http") && !message.contains("wasi:io"), "{message}");
    assert!(host.load(component("hostile"), refuses.clone()).await.is_ok(), "it imports HTTP alone");
    assert!(Permissions::default().within(&refuses).refuse_empty_wasi);
}

#[tokio::test]
async fn the_imports_of_a_plugin_are_told_in_three_groups() {
    let plugin = plugin(Host::builder()).await;
    let facts = plugin.facts();
    let of = |group| facts.imports_of(group);
    let groups = [of(ImportGroup::Contract), of(ImportGroup::Http), of(ImportGroup::EmptyWasi)];
    assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), facts.imports.len(), "{groups:?}");
    assert!(groups[0].iter().all(|import| import.starts_with("deferred-payment:provider/")), "{groups:?}");
    assert!(groups[1].contains(&"wasi:http/outgoing-handler@0.2.12".to_owned()), "{groups:?}");
    assert!(groups[2].contains(&"wasi:cli/environment@0.2.12".to_owned()), "{groups:?}");
}

#[test]
fn an_interface_that_is_not_listed_is_in_no_group() {
    assert_eq!(ImportGroup::of("deferred-payment:provider/log@0.1.0"), Some(ImportGroup::Contract));
    assert_eq!(ImportGroup::of("wasi:http/outgoing-handler@0.2.9"), Some(ImportGroup::Http));
    assert_eq!(ImportGroup::of("wasi:cli/environment@0.2.0"), Some(ImportGroup::EmptyWasi));
    for import in ["wasi:http/incoming-handler@0.2.0", "wasi:cli/environment@0.3.0", "wasi:nn/graph@0.2.0", "env"] {
        assert_eq!(ImportGroup::of(import), None, "{import}");
    }
}
