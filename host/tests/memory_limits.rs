//! How much of the host's memory a call holds that keeps all its responses. Alone in its process, whose memory
//! it measures.

mod common;

use common::{Does, Server, account, account_at, component, growth, limits, order};
use provider_host::{Host, Limits, Permissions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Bytes of an answer: as many as one may have.
const SIZE: usize = 4 << 20;
const PIECE: usize = 64 << 10;

/// Answers each request with a body of [`SIZE`] bytes and withholds the last. Gives its address and the
/// number of requests that it took.
async fn withholds() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                if stream.read_u8().await.is_err() {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                for _ in 1..SIZE / PIECE {
                    if stream.write_all(&[b'x'; PIECE]).await.is_err() {
                        return;
                    }
                }
                let _ = stream.write_all(&[b'x'; PIECE - 1]).await;
                std::future::pending::<()>().await;
            });
        }
    });
    (url, taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_hoard_answers_hold_what_their_budget_allows_and_harm_no_neighbour() {
    let (url, taken) = withholds().await;
    let limits = Limits {
        deadline: Duration::from_secs(20),
        body: Duration::from_secs(3),
        cpu: Duration::from_secs(4),
        // All of a call's requests at once, so that the budget alone bounds them.
        concurrent_requests: 256,
        plugin_connections: 512,
        handles: 50_000,
        total_bytes: 12 << 20,
        ..limits()
    };
    let host = Host::builder().limits(limits.clone()).build().unwrap();
    let hoarder = host.load(component("hostile"), Permissions::loopback(url.parse().unwrap())).await.unwrap();
    let server = Server::start(Does::Answers(100_000)).await;
    let neighbour = host.load(component("hostile"), Permissions::loopback(server.origin())).await.unwrap();
    let (shop, honest) = (account_at("many-requests", &format!("{url}/")), account("honest", &server));
    assert!(neighbour.credit(&honest, vec![order()]).await.rows[0].is_ok());

    let two = async { tokio::join!(hoarder.credit(&shop, vec![order()]), hoarder.credit(&shop, vec![order()])) };
    let others = async {
        while taken.load(Ordering::SeqCst) < 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..20 {
            let answer = neighbour.credit(&honest, vec![order()]).await;
            assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
        }
    };
    let ((hoards, ()), grown) = growth(async { tokio::join!(two, others) }).await;
    let requests: Vec<_> = [&hoards.0, &hoards.1].into_iter().flat_map(|answer| &answer.calls[0].requests).collect();
    let refused = |report: &&&provider_host::RequestReport| {
        report.error.as_deref().is_some_and(|error| error.contains("response body size"))
    };
    assert!(taken.load(Ordering::SeqCst) > 200, "{} requests", taken.load(Ordering::SeqCst));
    assert!(requests.iter().filter(refused).count() > 200, "{:?}", requests.first());
    // Without a budget it is a gigabyte for each call.
    assert!(grown < 200 << 20, "{} MiB", grown >> 20);
}
