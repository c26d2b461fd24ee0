//! How much of the host's memory a call holds that fills the bodies of requests through `wasi:http` 0.2 and never
//! sends them: before they are sent they are not counted. Alone in its process, whose memory it measures.

mod common;

use common::{Does, Server, account, growth, limits, load, order};
use provider_host::{CallError, Limits};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_never_sent_hold_little_of_the_hosts_memory() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { deadline: Duration::from_secs(30), cpu: Duration::from_secs(4), ..limits() };
    let plugin = load("hostile-sync", limits, &server).await;
    let shop = account("hoard-requests", &server);
    assert!(plugin.credit(&account("honest", &server), vec![order()]).await.rows[0].is_ok());
    let (answer, grown) = growth(plugin.credit(&shop, vec![order()])).await;
    // It met the limit on handles, so it has filled as many bodies as it could.
    assert!(matches!(answer.calls[0].error, Some(CallError::Handles(_))), "{:?}", answer.calls[0].error);
    assert!(answer.rows[0].is_err() && server.requests() == 1, "{:?}", answer.rows);
    assert!(grown < 64 << 20, "{} MiB", grown >> 20);
}
