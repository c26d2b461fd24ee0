//! How much of the host's memory a call holds that begins requests through `wasi:http` 0.2 and drops their handles.
//! Alone in its process, whose memory it measures.

mod common;

use common::{Does, Server, account, growth, limits, load, order};
use provider_host::Limits;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_handles_are_dropped_do_not_pile_up() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { deadline: Duration::from_secs(30), cpu: Duration::from_secs(4), ..limits() };
    let plugin = load("hostile-sync", limits, &server).await;
    let shop = account("drop-requests", &server);
    let (answer, grown) = growth(plugin.credit(&shop, vec![order()])).await;
    // It computed until its limit, so it had time for as many requests as it could begin.
    assert!(answer.calls[0].error.is_some() && answer.rows[0].is_err(), "{:?}", answer.calls[0].error);
    assert!(grown < 64 << 20, "{} MiB", grown >> 20);
}
