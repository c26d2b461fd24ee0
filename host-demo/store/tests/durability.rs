//! What PostgreSQL acknowledged outlives its crash, and a server that cannot promise that is named.

use domain::credit_state::{Event, State};
use fixtures::{Db, TestStore, claim, mall, new_order};
use std::path::Path;
use std::time::{Duration, Instant};
use store::lease::ProcessLease;
use store::{Change, Claim, DatabaseLocation, Filter, MallUpdate, Risks, Store, StoreError};
use test_postgres::Cluster;

/// A crash takes what was written in the last ten seconds, unless it is written just then: seldom twice in a row.
const CRASHES: usize = 5;
/// "At once" on a busy machine: far below the half minute for which a pool tries.
const AT_ONCE: Duration = Duration::from_secs(5);

fn location(url: &str, folder: &Path) -> DatabaseLocation {
    DatabaseLocation::new(url).with_files(folder.join("orders.db"))
}

/// Credits a new order on `store`, which ends approved.
async fn credit(store: &Store, number: &str) {
    store.insert_orders(&store.mall("m").await.unwrap().unwrap(), &[new_order(number, 1_000)], 1).await.unwrap();
    let order = store.orders(&Filter { number: Some(number.into()), ..Filter::default() }).await.unwrap().remove(0);
    let claimed = claim(store, &[order], "w").await.remove(0).unwrap();
    let approved = Change::new(&claimed, Event::CreditApproved);
    let applied = store.apply(&[approved], "op", store.now()).await.unwrap().remove(0).unwrap();
    assert_eq!(applied.order.state, State::Approved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_takes_no_credit_back_though_role_and_server_do_not_wait_for_the_disk() {
    let (cluster, folder) = (Cluster::start_forgetful().unwrap(), tempfile::tempdir().unwrap());
    cluster.administer("ALTER ROLE postgres SET synchronous_commit = off").unwrap();
    let location = location(&cluster.plain_database().unwrap(), folder.path());
    Store::open(&location).await.unwrap().put_mall(&mall(), MallUpdate::default()).await.unwrap();
    cluster.administer("CREATE TABLE acknowledged (crash INT)").unwrap();
    for crash in 0..CRASHES {
        let number = format!("A-{crash}");
        credit(&Store::open(&location).await.unwrap(), &number).await;
        cluster.administer(&format!("INSERT INTO acknowledged VALUES ({crash})")).unwrap();
        cluster.crash().unwrap();
        let kept = cluster.administer(&format!("SELECT 1 / COUNT(*) FROM acknowledged WHERE crash = {crash}")).is_ok();
        let orders = Store::open(&location).await.unwrap().orders(&Filter::default()).await.unwrap();
        let order = orders.iter().find(|order| order.number == number);
        assert_eq!(order.map(|order| order.state), Some(State::Approved), "the credit was forgotten");
        if !kept {
            return;
        }
    }
    panic!("no crash took anything that was acknowledged");
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_refused_at_once_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let location = location(&Cluster::shared().plain_database().unwrap(), folder.path());
    let refused = Store::open(&location).await.err().unwrap().to_string();
    assert!(refused.contains("switch fsync on") && refused.contains("fsyncがoff"), "{refused}");
    assert!(began.elapsed() < AT_ONCE + AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_database_that_refuses_the_connection_is_named_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on a port that was free a moment ago, nor in a folder without a socket.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let no_socket = format!("postgres://shop@localhost/orders?host={}", folder.path().display());
    for url in [format!("postgres://shop@127.0.0.1:{port}/orders"), no_socket] {
        let began = Instant::now();
        let refused = Store::open(&location(&url, folder.path())).await.err().unwrap().to_string();
        assert!(began.elapsed() < AT_ONCE, "{refused} after {:?}", began.elapsed());
        assert!(refused.contains("os error"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn standbys_that_may_lag_are_told_of() {
    let (cluster, folder) = (Cluster::start_forgetful().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(&location(&cluster.plain_database().unwrap(), folder.path())).await.unwrap();
    assert_eq!(store.risks().await.unwrap(), Risks::default());
    let mut standby = cluster.standby().unwrap();
    while store.risks().await.unwrap().asynchronous_standbys == 0 {
        assert!(standby.try_wait().unwrap().is_none(), "the standby ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.risks().await.unwrap(), Risks { asynchronous_standbys: 1, torn_pages: false });
    standby.kill().unwrap();
    standby.wait().unwrap();
}

/// What `docs/operating.md` has operators do: a copy with SQLite's own means while a process works, and another prefix.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_sends_nothing_that_was_in_doubt() {
    let test = TestStore::new(Db::Sqlite).await;
    let [asked, sending, approved] = &test.orders(3).await[..] else { panic!("three orders") };
    let (lost, works) =
        (ProcessLease::start(&test.store).await.unwrap(), ProcessLease::start(&test.store).await.unwrap());
    // An answer that was lost, a request on its way, a credit that is there.
    test.claim(std::slice::from_ref(asked), &lost.name()).await;
    drop(lost);
    assert_eq!(works.recover(&test.store).await.unwrap(), 1);
    test.claim(std::slice::from_ref(sending), &works.name()).await;
    let claimed = test.claim(std::slice::from_ref(approved), &works.name()).await.remove(0).unwrap();
    let change = Change::new(&claimed, Event::CreditApproved);
    test.store.apply(&[change], "op", test.store.now()).await.unwrap().remove(0).unwrap();
    let states = |orders: Vec<domain::order::Order>| orders.into_iter().map(|order| order.state).collect::<Vec<_>>();
    let mut before = states(test.all().await);
    before.sort_by_key(ToString::to_string);
    assert_eq!(before, [State::Approved, State::Sending, State::Unknown]);

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("orders.db");
    test.execute(&format!("VACUUM INTO '{}'", copy.display())).await;
    std::fs::copy(test.folder.path().join("orders.db.key"), folder.path().join("orders.db.key")).unwrap();
    let restored = Store::open(&DatabaseLocation::new(copy.to_str().unwrap())).await.unwrap();
    let process = ProcessLease::start(&restored).await.unwrap();
    process.recover(&restored).await.unwrap();

    let orders = restored.orders(&Filter::default()).await.unwrap();
    let mut after = states(orders.clone());
    after.sort_by_key(ToString::to_string);
    assert_eq!(after, [State::Approved, State::Unknown, State::Unknown], "what was on its way is in doubt");
    let account = restored.mall("m").await.unwrap().unwrap().account;
    let account = restored.accounts([account]).await.unwrap().remove(&account).unwrap();
    for order in &orders {
        let begins = Claim {
            event: Event::CreditStarted,
            account: &account,
            owner: &process.name(),
            rows: &[],
            who: "op",
            now: restored.now(),
            work: None,
        };
        let begun = restored.claim(std::slice::from_ref(order), begins).await;
        let is_impossible =
            matches!(&begun, Err(StoreError::Group(error)) if matches!(**error, StoreError::Impossible { .. }));
        assert!(is_impossible, "{}: {begun:?}", order.number);
        assert_eq!(order.reference(), test.order(order.id).await.reference(), "it is asked about as it was sent");
    }
}
