//! Names of hosts: what they resolve to is judged each time, and looking them up holds up nobody else.

mod common;

use common::{Does, Server, account_at, component, limits, order};
use provider_host::{ConnectionFailure, Host, Limits, Permissions, Plugin, RowOutcome};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

type Addresses = io::Result<Vec<SocketAddr>>;

/// The hostile plugin, granted `name` and the address 127.0.0.1, with names looked up by `resolve`.
async fn load(
    name: &str,
    port: u16,
    limits: Limits,
    resolve: impl Fn(&str, u16) -> Addresses + Send + Sync + 'static,
) -> Plugin {
    let host = Host::builder().limits(limits).resolver(resolve).build().unwrap();
    granted(&host, name, port).await
}

async fn granted(host: &Host, name: &str, port: u16) -> Plugin {
    let permissions = Permissions {
        origins: vec![format!("http://{name}:{port}").parse().unwrap()],
        private_addresses: vec!["127.0.0.1/32".parse().unwrap()],
        ..Permissions::default()
    };
    host.load(component("hostile"), permissions).await.unwrap()
}

/// A name may lead to a granted address when it is first asked for, and to a private one a moment later (DNS rebinding).
#[tokio::test]
async fn a_name_that_leads_to_a_private_address_later_is_not_followed() {
    let gateway = Server::start(Does::AnswersAndCloses).await;
    let port = gateway.port();
    // What must not be reached: the same port at another address of this machine.
    let private = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let plugin = load("gateway.example", port, limits(), move |_, port| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![SocketAddr::from((if first { [127, 0, 0, 1] } else { [127, 0, 0, 2] }, port))])
    })
    .await;
    let shop = account_at("honest", &format!("http://gateway.example:{port}/"));
    assert!(plugin.credit(&shop, vec![order()]).await.rows[0].is_ok());
    let answer = plugin.credit(&shop, vec![order()]).await;
    assert_eq!(RowOutcome::of(&answer.rows[0]), RowOutcome::NotSent, "{:?}", answer.rows);
    assert_eq!(answer.calls[0].requests[0].no_connection, Some(ConnectionFailure::Prohibited));
    assert_eq!((asked.load(Ordering::SeqCst), gateway.requests()), (2, 1), "the name was asked for again");
    assert!(tokio::time::timeout(Duration::from_millis(100), private.accept()).await.is_err(), "it was reached");
}

#[tokio::test]
async fn of_several_addresses_those_that_are_granted_are_connected_to() {
    let gateway = Server::start(Does::Answers(0)).await;
    let port = gateway.port();
    let private = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let plugin = load("gateway.example", port, limits(), |_, port| {
        Ok([[127, 0, 0, 2], [10, 0, 0, 1], [127, 0, 0, 1]].map(|address| SocketAddr::from((address, port))).into())
    })
    .await;
    let answer = plugin.credit(&account_at("honest", &format!("http://gateway.example:{port}/")), vec![order()]).await;
    assert!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    assert!(tokio::time::timeout(Duration::from_millis(100), private.accept()).await.is_err(), "it was reached");
}

/// Answers for no name until it is opened.
#[derive(Default)]
struct Silence {
    over: Mutex<bool>,
    told: Condvar,
    /// Threads that wait for an answer.
    waiting: AtomicUsize,
    most: AtomicUsize,
    met: AtomicBool,
}

impl Silence {
    fn wait(&self) -> Addresses {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(waiting, Ordering::SeqCst);
        self.met.store(true, Ordering::SeqCst);
        let over = self.told.wait_while(self.over.lock().unwrap(), |over| !*over).unwrap();
        drop(over);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        Err(io::Error::other("no answer"))
    }

    fn end(&self) {
        *self.over.lock().unwrap() = true;
        self.told.notify_all();
    }
}

/// A lookup cannot be broken off, and a process has so many threads for what blocks. A plugin whose names are never
/// answered for takes a few of them, however many requests it makes and gives up.
#[test]
fn names_that_are_never_answered_for_leave_threads_for_others() {
    const THREADS: usize = 10;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(THREADS).enable_all().build().unwrap();
    let silence = Arc::new(Silence::default());
    let heard = Arc::clone(&silence);
    runtime.block_on(async {
        let gateway = Server::start(Does::AnswersAndCloses).await;
        let port = gateway.port();
        let limits = Limits { connect: Duration::from_millis(300), deadline: Duration::from_secs(10), ..limits() };
        let host = Host::builder().limits(limits).resolver(move |name, port| match name {
            "silent.example" => heard.wait(),
            _ => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
        });
        let host = host.build().unwrap();
        let (slow, healthy) =
            (granted(&host, "silent.example", port).await, granted(&host, "gateway.example", port).await);
        let silent = account_at("honest", &format!("http://silent.example:{port}/"));
        let shop = account_at("honest", &format!("http://gateway.example:{port}/"));
        // Three times as many as there are threads, each given up after its time.
        for _ in 0..3 {
            let calls = (0..THREADS).map(|_| slow.credit(&silent, vec![order()]));
            for answer in futures::future::join_all(calls).await {
                assert_eq!(RowOutcome::of(&answer.rows[0]), RowOutcome::NotSent, "{:?}", answer.rows);
            }
            let answer = healthy.credit(&shop, vec![order()]).await;
            assert!(answer.rows[0].is_ok(), "{:?} {:?}", answer.rows, answer.calls);
        }
        assert!(silence.met.load(Ordering::SeqCst) && silence.most.load(Ordering::SeqCst) < THREADS);
        silence.end();
    });
}
