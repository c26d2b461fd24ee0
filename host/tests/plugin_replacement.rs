//! Replacing a plugin while calls run: every row is answered, none twice, and a broken file changes nothing.

mod common;

use common::{Does, Server, account, component, limits, order};
use provider_host::{Host, Permissions, Registry};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_flight_end_on_the_old_plugin_and_new_ones_begin_on_the_new() {
    let server = Server::start(Does::Answers(0)).await;
    let host = Host::builder().limits(limits()).build().unwrap();
    let permissions = Permissions::loopback(server.origin());
    let registry = Arc::new(Registry::default());
    let first = registry.load(&host, component("hostile"), permissions.clone()).await.unwrap();
    assert!(first.previous.is_none());

    let shop = account("honest", &server);
    let running: Vec<_> = (0..40)
        .map(|_| {
            let (registry, shop) = (Arc::clone(&registry), shop.clone());
            tokio::spawn(async move { registry.get("hostile").unwrap().credit(&shop, vec![order(); 25]).await })
        })
        .collect();
    let second = registry.load(&host, component("hostile"), permissions).await.unwrap();
    assert!(second.previous.is_some());
    let mut rows = 0;
    for answer in futures::future::join_all(running).await {
        let answer = answer.unwrap();
        assert!(answer.rows.iter().all(Result::is_ok), "{:?}", answer.rows);
        rows += answer.rows.len();
    }
    // 25 rows are three requests of at most ten.
    assert_eq!((rows, server.requests()), (1_000, 120));
}

#[tokio::test]
async fn a_file_that_does_not_load_leaves_the_old_plugin_in_place() {
    let host = Host::builder().limits(limits()).build().unwrap();
    let registry = Registry::default();
    let loaded = registry.load(&host, component("hostile"), Permissions::default()).await.unwrap().current;
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.wasm");
    std::fs::write(&broken, b"\0asm broken").unwrap();
    assert!(registry.load(&host, &broken, Permissions::default()).await.is_err());
    assert_eq!(registry.get("hostile").unwrap().facts().digest, loaded.facts().digest);
    assert_eq!(registry.all().len(), 1);
}
