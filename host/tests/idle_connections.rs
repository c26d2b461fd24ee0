//! A gateway closes an idle connection at the moment in which a request is written to it. Where the provider
//! could not be asked for the outcome, requests use new connections.

mod common;

use common::{np, order};
use provider_host::{Account, Limits, Plugin, RowOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long after an answer the gateway is done with a connection, without having said so.
const KEPT: Duration = Duration::from_millis(200);
/// Orders, one after another.
const ORDERS: usize = 50;

/// NP's answer to the registration of the one order.
const ANSWER: &str =
    r#"{"results":[{"shop_transaction_id":"SHOP-1","np_transaction_id":"18102512345","authori_result":"00"}]}"#;

/// How it is done with it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Done {
    /// It closes.
    Closes,
    /// Something between forgets the connection: what is sent on it arrives nowhere and is never answered.
    Forgets,
}

/// A gateway that answers a request at once; its URL, and how many connections it was done with.
async fn gateway(done: Done) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ended);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, done, Arc::clone(&counted)));
        }
    });
    (url, ended)
}

async fn serve(mut stream: TcpStream, done: Done, ended: Arc<AtomicUsize>) {
    let mut request = vec![0; 64 << 10];
    loop {
        // A small request arrives in one piece on loopback.
        let Ok(Ok(1..)) = tokio::time::timeout(KEPT, stream.read(&mut request)).await else { break };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", ANSWER.len());
        stream.write_all((head + ANSWER).as_bytes()).await.unwrap();
    }
    ended.fetch_add(1, Ordering::SeqCst);
    if done == Done::Forgets {
        std::future::pending::<()>().await;
    }
}

/// How many of the orders, sent with pauses around the time for which a connection is kept, are in doubt.
async fn in_doubt(plugin: &Plugin, shop: &Account) -> usize {
    let mut unknown = 0;
    for sent in 0..ORDERS {
        let answer = plugin.credit(shop, vec![order()]).await;
        match RowOutcome::of(&answer.rows[0]) {
            RowOutcome::OutcomeUnknown => unknown += 1,
            word => assert_eq!(word, RowOutcome::Success, "{:?}", answer.rows),
        }
        // From 195 to 205 ms, in steps of a fifth.
        tokio::time::sleep(KEPT - Duration::from_millis(5) + Duration::from_micros(200) * sent as u32).await;
    }
    unknown
}

#[tokio::test]
async fn no_credit_that_nobody_could_ask_about_meets_a_connection_that_is_being_closed() {
    let unknown = [Done::Closes, Done::Forgets].map(async |done| {
        let (url, ended) = gateway(done).await;
        // Short, for what is forgotten is never answered.
        let (connect, head) = (Duration::from_millis(500), Duration::from_millis(500));
        let (plugin, shop) = np(Limits { head, connect, ..Limits::default() }, &url, &url).await;
        let unknown = in_doubt(&plugin, &shop).await;
        assert!(ended.load(Ordering::SeqCst) > 0, "the gateway was never done with a connection");
        println!("{done:?} after {KEPT:?}: {unknown} of {ORDERS} in doubt");
        unknown
    });
    assert_eq!(futures::future::join_all(unknown).await, [0, 0]);
}
