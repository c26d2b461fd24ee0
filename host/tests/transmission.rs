//! Whether a request was sent, for every kind of request and every way in which a connection can end; and
//! that no response is read as that to another request.

mod common;

use common::{account_at, hostile_at, limits, order};
use provider_host::contract::{Failure, Setting};
use provider_host::{Account, Limits, Plugin, Progress};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a server ends a connection in the middle of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// Carries the whole request out, then closes.
    AfterRequest,
    /// Carries the whole request out, then resets.
    AfterRequestByReset,
    /// Carries the request out and answers only in part.
    InTheHead,
    /// Takes the first byte of a request, then closes.
    AfterOneByte,
    /// Before anything is read; on a later request, while the connection is idle.
    Before,
    /// The same, by a reset.
    BeforeByReset,
}

const ENDS: [Ends; 6] = [
    Ends::AfterRequest,
    Ends::AfterRequestByReset,
    Ends::InTheHead,
    Ends::AfterOneByte,
    Ends::Before,
    Ends::BeforeByReset,
];

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// Carries requests out, and ends each connection at its last one.
struct Gateway {
    url: String,
    /// Requests of which anything was read.
    seen: Arc<AtomicUsize>,
    /// Connections that were ended.
    ended: Arc<AtomicUsize>,
}

impl Gateway {
    /// Answers the first `answered` requests of each connection, and ends at the next.
    async fn start(answered: usize, ends: Ends) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gateway = Self { url, seen: Arc::default(), ended: Arc::default() };
        let (seen, ended) = (Arc::clone(&gateway.seen), Arc::clone(&gateway.ended));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, answered, ends, &seen).await;
                ended.fetch_add(1, Ordering::SeqCst);
            }
        });
        gateway
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }

    async fn has_ended(&self, connections: usize) {
        while self.ended.load(Ordering::SeqCst) < connections {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn serve(mut stream: TcpStream, answered: usize, ends: Ends, seen: &AtomicUsize) {
    for _ in 0..answered {
        assert!(read_request(&mut stream).await);
        seen.fetch_add(1, Ordering::SeqCst);
        stream.write_all(ANSWER).await.unwrap();
    }
    let reads = !matches!(ends, Ends::Before | Ends::BeforeByReset);
    let read = match ends {
        Ends::Before | Ends::BeforeByReset => false,
        Ends::AfterOneByte => stream.read_u8().await.is_ok(),
        Ends::AfterRequest | Ends::AfterRequestByReset | Ends::InTheHead => read_request(&mut stream).await,
    };
    assert_eq!(read, reads, "the request must have come");
    seen.fetch_add(usize::from(read), Ordering::SeqCst);
    if ends == Ends::InTheHead {
        stream.write_all(&ANSWER[..20]).await.unwrap();
    }
    if matches!(ends, Ends::AfterRequestByReset | Ends::BeforeByReset) {
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

async fn read_request(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return false };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).await.is_ok()
}

fn shop(method: &str, body: &str, url: &str) -> Account {
    let set = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
    let settings = [("behaviour", "raw"), ("url", url), ("method", method), ("body", body)];
    Account::new("shop", settings.map(|(key, value)| set(key, value)).into())
}

/// What became of the row, and what the host saw of its one request.
async fn ask(plugin: &Plugin, shop: &Account) -> (Result<(), Failure>, Progress) {
    let mut answer = plugin.credit(shop, vec![order()]).await;
    let requests = &answer.calls[0].requests;
    assert_eq!(requests.len(), 1);
    (answer.rows.remove(0).map(drop), requests[0].progress)
}

/// One row of the table: a request, met by a connection that ends.
struct Case {
    method: &'static str,
    body: &'static str,
    /// Requests that the connection carried before.
    earlier: usize,
    ends: Ends,
    gateway: Gateway,
}

async fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        for body in ["none", "empty", "some"] {
            for (earlier, ends) in [0, 1].into_iter().flat_map(|earlier| ENDS.map(|ends| (earlier, ends))) {
                let gateway = Gateway::start(earlier, ends).await;
                cases.push(Case { method, body, earlier, ends, gateway });
            }
        }
    }
    cases
}

#[tokio::test]
async fn whatever_was_written_counts_as_sent_with_any_method_and_any_body() {
    let cases = cases().await;
    let urls: Vec<_> = cases.iter().map(|case| case.gateway.url.clone()).collect();
    let plugin = hostile_at(limits(), &urls).await;
    for Case { method, body, earlier, ends, gateway } in cases {
        let case = format!("{method}, body: {body}, {earlier} earlier, ends {ends:?}");
        let shop = shop(method, body, &gateway.url);
        for _ in 0..earlier {
            assert_eq!(ask(&plugin, &shop).await, (Ok(()), Progress::Answered), "{case}");
        }
        let unread = matches!(ends, Ends::Before | Ends::BeforeByReset);
        if unread && earlier > 0 {
            // It was closed while nobody used it, so the request takes a new one.
            gateway.has_ended(1).await;
            assert_eq!(ask(&plugin, &shop).await, (Ok(()), Progress::Answered), "{case}");
            assert_eq!(gateway.seen(), 2, "{case}");
            continue;
        }
        let (row, progress) = ask(&plugin, &shop).await;
        gateway.has_ended(1).await;
        // What the gateway saw is never called not sent, and never sent again.
        assert_eq!(gateway.seen(), earlier + usize::from(!unread), "{case}");
        let sent = matches!((&row, progress), (Err(Failure::OutcomeUnknown(_)), Progress::Sent));
        let not_sent = matches!((&row, progress), (Err(Failure::NotSent(_)), Progress::NotSent));
        assert!(sent || unread && not_sent, "{case}: {row:?} {progress:?}");
    }
}

#[tokio::test]
async fn what_found_no_connection_is_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    for body in ["none", "empty", "some"] {
        let (row, progress) = ask(&plugin, &shop("POST", body, &url)).await;
        assert!(matches!((&row, progress), (Err(Failure::NotSent(_)), Progress::NotSent)), "{row:?} {progress:?}");
    }
}

/// What a server sends beside the response to a request.
#[derive(Clone, Copy, Debug)]
enum Extra {
    /// A second answer right behind the first.
    AtOnce,
    /// A second answer when the first was read, while the connection is idle.
    WhenIdle,
    /// The beginning of one, right behind the first.
    InPart,
}

/// A server that answers each request with 500 and sends `extra` besides. Gives how many connections it
/// had, and how many of the extras were sent.
async fn talkative(extra: Extra) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (connections, extras) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, sent) = (Arc::clone(&connections), Arc::clone(&extras));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(talk(stream, extra, Arc::clone(&sent)));
        }
    });
    (url, connections, extras)
}

async fn talk(mut stream: TcpStream, extra: Extra, sent: Arc<AtomicUsize>) {
    const REFUSAL: &[u8] = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
    while read_request(&mut stream).await {
        let (first, second) = match extra {
            Extra::AtOnce => ([REFUSAL, ANSWER].concat(), &[][..]),
            Extra::InPart => ([REFUSAL, &ANSWER[..10]].concat(), &[][..]),
            Extra::WhenIdle => (REFUSAL.to_vec(), ANSWER),
        };
        stream.write_all(&first).await.unwrap();
        if !second.is_empty() {
            // Long enough for the first answer to be read alone.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let _ = stream.write_all(second).await;
        }
        sent.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_never_the_next_orders() {
    for extra in [Extra::AtOnce, Extra::InPart, Extra::WhenIdle] {
        let (url, connections, extras) = talkative(extra).await;
        let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
        for asked in 1..=5 {
            let answer = plugin.credit(&account_at("honest", &url), vec![order()]).await;
            // 500 is the answer to this very request. The 200 behind it belongs to none.
            assert!(matches!(&answer.rows[0], Err(Failure::Refused(_))), "{extra:?}: {:?}", answer.rows);
            while extras.load(Ordering::SeqCst) < asked {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(connections.load(Ordering::SeqCst), asked, "{extra:?}: such a connection is not used again");
        }
    }
}

#[tokio::test]
async fn an_answer_that_comes_before_its_request_is_complete_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answered = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&answered);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A few bytes of megabytes: the rest cannot have been written yet.
            let _ = stream.read_u8().await;
            let _ = stream.write_all(ANSWER).await;
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
        }
    });
    let limits = Limits {
        request_bytes: 64 << 20,
        call_bytes: 256 << 20,
        plugin_bytes: 256 << 20,
        memory: 256 << 20,
        cpu: Duration::from_secs(4),
        ..limits()
    };
    let plugin = hostile_at(limits, std::slice::from_ref(&url)).await;
    let answer = plugin.credit(&account_at("big-request", &url), vec![order()]).await;
    assert_eq!(answered.load(Ordering::SeqCst), 1);
    assert!(matches!(&answer.rows[0], Err(Failure::OutcomeUnknown(_))), "{:?}", answer.rows);
    assert_eq!(answer.calls[0].requests[0].progress, Progress::Sent);
}

/// What came on an idle connection is in the socket, and the runtime has not been told of it: the very
/// moment in which a request could be written before it.
#[test]
fn an_answer_that_came_a_moment_before_the_next_request_is_not_its_answer() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (go, told) = std::sync::mpsc::channel::<()>();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let refusal: &[u8] = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n";
        let (mut first, _) = listener.accept().unwrap();
        assert!(first.read(&mut [0; 4096]).unwrap() > 0);
        first.write_all(refusal).unwrap();
        told.recv().unwrap();
        first.write_all(ANSWER).unwrap();
        done.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        assert!(second.read(&mut [0; 4096]).unwrap() > 0);
        second.write_all(refusal).unwrap();
        let _ = second.read(&mut [0; 4096]);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
        let shop = account_at("honest", &url);
        let refused = async |what| {
            let answer = plugin.credit(&shop, vec![order()]).await;
            assert!(matches!(&answer.rows[0], Err(Failure::Refused(_))), "{what}: {:?}", answer.rows);
        };
        refused("the first").await;
        // The only thread of the runtime stands still until the answer is in the socket.
        go.send(()).unwrap();
        is_done.recv().unwrap();
        refused("the second").await;
    });
}
