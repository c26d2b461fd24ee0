//! Claims, references, and what becomes of a process that was killed.

mod common;

use common::{TestStore, mall};
use host_demo::clock;
use host_demo::mall::Mall;
use host_demo::order::Tracking;
use host_demo::state::{Event, State};
use host_demo::store::{Change, Store};
use host_demo::words::Problem;
use host_demo::worker::Worker;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use time::macros::date;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_at_once_exactly_one_wins() {
    let test = TestStore::new().await;
    let orders = test.orders(5).await;
    let mut claims = Vec::new();
    for claimer in 0..8 {
        // Each with connections of its own, as another process would have.
        let store = Store::open(&test.path()).await.unwrap();
        let orders = orders.clone();
        claims.push(tokio::spawn(async move {
            store.claim(&orders, Event::CreditStarted, &format!("w{claimer}"), "op", clock::now()).await.unwrap()
        }));
    }
    let mut won = vec![0; orders.len()];
    for claim in claims {
        for (at, order) in claim.await.unwrap().into_iter().enumerate() {
            won[at] += usize::from(order.is_some());
        }
    }
    assert_eq!(won, [1; 5]);
    for order in test.all().await {
        assert_eq!((order.state, order.version), (State::Sending, 1));
        assert_eq!(order.registration.unwrap().sends, 1);
    }
}

#[tokio::test]
async fn an_answer_to_an_order_that_moved_on_changes_nothing() {
    let test = TestStore::new().await;
    let order = test.orders(1).await.remove(0);
    let claimed = test
        .store
        .claim(std::slice::from_ref(&order), Event::CreditStarted, "w", "op", 1)
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let died = Change::new(&claimed, Event::ProcessDied);
    assert!(test.store.apply(&[died], "recovery", 2).await.unwrap()[0].is_some());
    let late = Change::new(&claimed, Event::CreditApproved);
    assert!(test.store.apply(&[late], "op", 3).await.unwrap()[0].is_none());
    assert_eq!(test.order(order.id).await.state, State::Unknown);
    let events: Vec<_> = test.store.history(order.id).await.unwrap().into_iter().map(|line| line.event).collect();
    assert_eq!(events, ["credit_started", "process_died"]);
}

#[tokio::test]
async fn references_are_kept_while_nothing_is_recorded_and_new_after_a_rejection() {
    let test = TestStore::new().await;
    let id = test.orders(1).await[0].id;
    let mut seen = Vec::new();
    for event in [Event::CreditNotSent, Event::CreditNotSent, Event::CreditRejected, Event::CreditApproved] {
        let order = test.order(id).await;
        let claimed = test.store.claim(&[order], Event::CreditStarted, "w", "op", 1).await.unwrap().remove(0).unwrap();
        let registration = claimed.registration.clone().unwrap();
        assert!(registration.reference.len() <= 20);
        assert!(registration.reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        seen.push((registration.reference, registration.sends));
        test.store.apply(&[Change::new(&claimed, event)], "op", 2).await.unwrap();
    }
    assert_eq!(seen[0].0, seen[1].0);
    assert_eq!(seen[0].0, seen[2].0);
    assert_ne!(seen[0].0, seen[3].0);
    assert_eq!(seen.iter().map(|(_, sends)| *sends).collect::<Vec<_>>(), [1, 2, 3, 1]);
    let used = test.store.references().await.unwrap();
    assert_eq!(used.iter().map(|used| used.attempt).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn two_stores_never_mint_the_same_reference() {
    let (one, two) = (TestStore::new().await, TestStore::new().await);
    let mut minted = Vec::new();
    for test in [&one, &two] {
        let orders = test.orders(3).await;
        let claimed = test.store.claim(&orders, Event::CreditStarted, "w", "op", 1).await.unwrap();
        minted.extend(claimed.into_iter().map(|order| order.unwrap().registration.unwrap().reference));
    }
    minted.sort();
    minted.dedup();
    assert_eq!(minted.len(), 6);
}

#[tokio::test]
async fn an_id_that_another_order_has_proves_nothing() {
    let test = TestStore::new().await;
    let orders = test.orders(2).await;
    let claimed = test.store.claim(&orders, Event::CreditStarted, "w", "op", 1).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().map(Option::unwrap).collect();
    let approve = |order| Change { transaction_id: Some("T1".into()), ..Change::new(order, Event::CreditApproved) };
    let applied = test.store.apply(&[approve(&claimed[0]), approve(&claimed[1])], "op", 2).await.unwrap();
    let states: Vec<_> = applied.iter().map(|applied| applied.as_ref().unwrap().order.state).collect();
    assert_eq!(states, [State::Approved, State::Unknown]);
    let doubted = test.order(orders[1].id).await;
    assert_eq!(doubted.transaction_id(), None);
    assert!(matches!(doubted.problem, Some(Problem::IdTaken { .. })), "{:?}", doubted.problem);
}

#[tokio::test]
async fn open_orders_hold_a_mall_to_its_provider_and_doubtful_ones_to_its_settings() {
    let test = TestStore::new().await;
    let orders = test.orders(2).await;
    let other_provider = Mall { provider: "other".into(), ..mall() };
    let other_settings = Mall { settings: [("id".to_owned(), "1".to_owned())].into(), ..mall() };
    let claimed = test.store.claim(&orders[..1], Event::CreditStarted, "w", "op", 1).await.unwrap();
    let claimed = claimed.into_iter().next().flatten().unwrap();
    assert_eq!(test.store.put_mall(&other_settings).await.unwrap(), ["A-1"]);
    test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 2).await.unwrap();
    assert_eq!(test.store.put_mall(&other_provider).await.unwrap(), ["A-1"]);
    assert_eq!(test.store.mall("m").await.unwrap().unwrap(), mall(), "nothing was written");
    assert!(test.store.put_mall(&other_settings).await.unwrap().is_empty());
    assert_eq!(test.store.mall("m").await.unwrap().unwrap(), other_settings);
}

#[tokio::test]
async fn tracking_is_entered_only_in_an_order_as_it_was_read() {
    let test = TestStore::new().await;
    let order = test.orders(1).await.remove(0);
    let tracking = Tracking { carrier: "yamato".into(), number: "12".into(), shipped_on: date!(2026 - 07 - 01) };
    assert!(test.store.set_tracking(&order, &tracking, "op", 1).await.unwrap());
    assert!(!test.store.set_tracking(&order, &tracking, "op", 1).await.unwrap(), "the version has moved on");
    assert_eq!(test.order(order.id).await.tracking, Some(tracking));
    assert_eq!(test.store.history(order.id).await.unwrap()[0].event, "tracking_entered");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let test = TestStore::new().await;
    test.orders(1).await;
    for file in std::fs::read_dir(test.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

/// Names the database for the child, and thereby tells it that it is the child.
const CHILD: &str = "HOST_DEMO_TEST_CHILD_DATABASE";

/// A process that claims every order and then waits to be killed. Alone, it has nothing to do.
#[tokio::test]
async fn child_that_claims_and_waits() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let path = std::path::Path::new(&path);
    let store = Store::open(path).await.unwrap();
    let worker = Worker::start(path).unwrap();
    let orders = store.orders(&Default::default()).await.unwrap();
    store.claim(&orders, Event::CreditStarted, worker.name(), "child", clock::now()).await.unwrap();
    println!("claimed");
    std::thread::park();
}

#[tokio::test]
async fn the_claim_of_a_killed_process_becomes_unknown_and_that_of_a_live_one_is_left_alone() {
    let test = TestStore::new().await;
    let id = test.orders(1).await[0].id;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_claims_and_waits", "--nocapture"])
        .env(CHILD, test.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("claimed")), "the child ended early");

    let worker = Worker::start(&test.path()).unwrap();
    assert_eq!(worker.recover(&test.store).await.unwrap(), 0);
    assert_eq!(test.order(id).await.state, State::Sending, "its process is alive");

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(worker.recover(&test.store).await.unwrap(), 1);
    let order = test.order(id).await;
    assert_eq!((order.state, order.owner), (State::Unknown, None));
    assert_eq!(order.problem, Some(Problem::ProcessDied));
    assert_eq!(worker.recover(&test.store).await.unwrap(), 0, "once");
    let locks = std::fs::read_dir(test.folder.path().join("orders.db.workers")).unwrap().count();
    assert_eq!(locks, 1, "the dead process's lock is cleared away, ours is not");
}

#[tokio::test]
async fn a_worker_that_ends_in_order_leaves_nothing_behind() {
    let test = TestStore::new().await;
    let orders = test.orders(1).await;
    let worker = Worker::start(&test.path()).unwrap();
    test.store.claim(&orders, Event::CreditStarted, worker.name(), "op", 1).await.unwrap();
    drop(worker);
    assert_eq!(std::fs::read_dir(test.folder.path().join("orders.db.workers")).unwrap().count(), 0);
    let next = Worker::start(&test.path()).unwrap();
    assert_eq!(next.recover(&test.store).await.unwrap(), 1, "a claim without its lock file has nobody behind it");
}
