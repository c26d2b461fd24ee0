//! Claims and results of calls that are side by side are committed together, and each of them is still its own: what
//! fails, is given up or waits takes no other one along.

use domain::credit_state::{Event, State};
use domain::issue::Issue;
use domain::mall::ShopAccount;
use domain::order::Order;
use fixtures::{Db, TestStore, mall, on_both};
use futures::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::lease::{ProcessLease, WorkInProgress};
use store::{Applied, CallResults, Change, Claim, GroupCommits, MallUpdate, Result, Store};

/// Calls side by side.
const AT_ONCE: usize = 64;
/// A write that was not carried out after this long never will be.
const DEADLINE: Duration = Duration::from_secs(20);

/// Claims one order for a credit, as part of `work`.
async fn claim(
    store: &Store,
    order: Order,
    account: Arc<ShopAccount>,
    owner: String,
    work: Option<Arc<WorkInProgress>>,
) -> Result<Option<Order>> {
    let (event, work) = (Event::CreditStarted, work.as_ref());
    let claim = Claim { event, account: &account, owner: &owner, rows: &[], who: "op", now: store.now(), work };
    Ok(store.claim(&[order], claim).await?.remove(0))
}

fn spawn_claim(
    test: &TestStore,
    order: &Order,
    account: &Arc<ShopAccount>,
    owner: &str,
    work: Option<Arc<WorkInProgress>>,
) -> tokio::task::JoinHandle<Result<Option<Order>>> {
    let (store, order, account, owner) = (test.store.clone(), order.clone(), account.clone(), owner.to_owned());
    tokio::spawn(async move { claim(&store, order, account, owner, work).await })
}

fn spawn_result(
    test: &TestStore,
    order: &Order,
    event: Event,
    transaction_id: Option<&str>,
    work: Option<Arc<WorkInProgress>>,
) -> tokio::task::JoinHandle<Result<Option<Applied>>> {
    let (store, order, transaction_id) = (test.store.clone(), order.clone(), transaction_id.map(str::to_owned));
    tokio::spawn(async move {
        let changes = [Change { transaction_id, ..Change::new(&order, event) }];
        let results = CallResults { changes: &changes, who: "op", now: store.now(), health: None, work: work.as_ref() };
        Ok(store.apply_results(results).await?.remove(0))
    })
}

async fn account(test: &TestStore) -> Arc<ShopAccount> {
    Arc::new(test.store.accounts([1]).await.unwrap().remove(&1).unwrap())
}

/// Waits until the writes of `store` are as `expected`.
async fn until(store: &Store, expected: impl Fn(GroupCommits) -> bool) {
    let began = Instant::now();
    while !expected(store.group_commits()) {
        assert!(began.elapsed() < DEADLINE, "{:?}", store.group_commits());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

on_both! {
    async fn a_click_is_two_commits_and_calls_side_by_side_share_theirs(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(AT_ONCE + 1).await, account(&test).await);
        let before = test.store.commits();
        let _call = test.store.call_begins();
        let claimed = claim(&test.store, orders[0].clone(), account.clone(), "w".into(), None).await.unwrap().unwrap();
        test.store.apply(&[Change::new(&claimed, Event::CreditApproved)], "op", 1).await.unwrap();
        assert_eq!(test.store.commits() - before, 2, "one click");
        let before = test.store.commits();
        let _calls: Vec<_> = (0..AT_ONCE).map(|_| test.store.call_begins()).collect();
        let claims = orders[1..].iter().map(|order| spawn_claim(&test, order, &account, "w", None));
        let claimed: Vec<_> =
            join_all(claims.collect::<Vec<_>>()).await.into_iter().map(|claimed| claimed.unwrap().unwrap().unwrap()).collect();
        let results = claimed.iter().map(|order| spawn_result(&test, order, Event::CreditApproved, None, None));
        for applied in join_all(results.collect::<Vec<_>>()).await {
            assert_eq!(applied.unwrap().unwrap().unwrap().order.state, State::Approved);
        }
        let commits = test.store.commits() - before;
        assert!(commits * 4 <= AT_ONCE as u64, "{commits} commits for {AT_ONCE} orders side by side");
        assert!(test.all().await.iter().all(|order| order.state == State::Approved && order.owner.is_none()));
        let counted = test.store.counts(None, None).await.unwrap();
        assert_eq!(counted.into_iter().collect::<Vec<_>>(), [(State::Approved, AT_ONCE as i64 + 1)]);
        for order in &orders {
            let events: Vec<_> = test.store.history(order.id).await.unwrap().into_iter().map(|line| line.event).collect();
            assert_eq!(events, ["credit_started", "credit_approved"]);
        }
    }

    async fn a_write_at_fault_fails_alone(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(32).await, account(&test).await);
        let claimed = test.claim(&orders[..16], "w").await;
        let claimed: Vec<Order> = claimed.into_iter().map(Option::unwrap).collect();
        let before = test.store.group_commits();
        let blocked = test.block_writes().await;
        let first = spawn_claim(&test, &orders[16], &account, "w", None);
        until(&test.store, |now| now.writing == 1).await;
        // No order that was approved is approved again, and none that is claimed is claimed: program errors.
        let faulty = [claimed[0].clone(), claimed[7].clone()];
        let events = |order: &Order| if faulty.contains(order) { Event::CancelDone } else { Event::CreditApproved };
        let results: Vec<_> = claimed.iter().map(|order| spawn_result(&test, order, events(order), None, None)).collect();
        let claims: Vec<_> = orders[17..].iter().map(|order| spawn_claim(&test, order, &account, "w", None)).collect();
        let again = spawn_claim(&test, &claimed[3], &account, "late", None);
        // On PostgreSQL another writer may have come to help and taken them.
        until(&test.store, |now| now.writing + now.waiting == 33).await;
        blocked.release().await;
        assert!(first.await.unwrap().unwrap().is_some());
        for (order, applied) in claimed.iter().zip(join_all(results).await) {
            let applied = applied.unwrap().unwrap();
            assert_eq!(applied.is_some(), !faulty.contains(order), "{}", order.number);
        }
        for claimed in join_all(claims).await {
            assert!(claimed.unwrap().unwrap().is_some());
        }
        assert!(again.await.unwrap().unwrap_err().is_of_one_order());
        let states = |state| move |order: &&Order| order.state == state;
        let all = test.all().await;
        assert_eq!(all.iter().filter(states(State::Approved)).count(), 14);
        assert_eq!(all.iter().filter(states(State::Sending)).count(), 2 + 16, "those at fault are as they were");
        let after = test.store.group_commits();
        assert_eq!(after.writes - before.writes, 1 + 14 + 15, "those that were committed");
        assert!(after.groups - before.groups < 30, "those that were not at fault were not all written alone");
    }

    async fn two_answers_with_one_transaction_id_are_not_both_believed(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(3).await, account(&test).await);
        let claimed: Vec<Order> = test.claim(&orders[..2], "w").await.into_iter().map(Option::unwrap).collect();
        let blocked = test.block_writes().await;
        let first = spawn_claim(&test, &orders[2], &account, "w", None);
        until(&test.store, |now| now.writing == 1).await;
        let answers = [0, 1].map(|at| spawn_result(&test, &claimed[at], Event::CreditApproved, Some("T1"), None));
        until(&test.store, |now| now.writing + now.waiting == 3).await;
        blocked.release().await;
        first.await.unwrap().unwrap();
        let mut states = Vec::new();
        for answer in answers {
            states.push(answer.await.unwrap().unwrap().unwrap().order.state);
        }
        states.sort();
        assert_eq!(states, [State::Approved, State::Unknown]);
    }

    async fn two_answers_with_one_transaction_id_in_one_write_are_not_both_believed(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(2).await;
        let claimed: Vec<Order> = test.claim(&orders, "w").await.into_iter().map(Option::unwrap).collect();
        let answer = |order| Change { transaction_id: Some("T1".into()), ..Change::new(order, Event::CreditApproved) };
        let answers: Vec<_> = claimed.iter().map(answer).collect();
        let applied = test.store.apply(&answers, "op", 1).await.unwrap();
        let states: Vec<State> = applied.into_iter().map(|applied| applied.unwrap().order.state).collect();
        assert_eq!(states, [State::Approved, State::Unknown], "of two with one id, the first has it");
    }

    async fn an_order_that_is_named_twice_in_a_write_is_claimed_once(db) {
        let test = TestStore::new(db).await;
        let order = test.orders(1).await.remove(0);
        let claimed = test.claim(&[order.clone(), order], "w").await;
        assert!(claimed[0].is_some() && claimed[1].is_none(), "{claimed:?}");
    }

    async fn of_claims_of_one_order_that_wait_together_one_wins(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(2).await, account(&test).await);
        let blocked = test.block_writes().await;
        let first = spawn_claim(&test, &orders[1], &account, "w", None);
        until(&test.store, |now| now.writing == 1).await;
        let claims: Vec<_> =
            (0..8).map(|at| spawn_claim(&test, &orders[0], &account, &format!("w{at}"), None)).collect();
        until(&test.store, |now| now.writing + now.waiting == 9).await;
        blocked.release().await;
        first.await.unwrap().unwrap();
        let won: Vec<Order> = join_all(claims).await.into_iter().filter_map(|claim| claim.unwrap().unwrap()).collect();
        assert!(matches!(&won[..], [one] if *one == Order { registration: one.registration.clone(), ..test_order(&test, one.id).await }));
        assert_eq!(test.store.references().await.unwrap().len(), 2, "one for each order");
    }

    async fn a_claim_that_nobody_waits_for_when_its_turn_comes_is_not_made(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(2).await, account(&test).await);
        let lease = Arc::new(ProcessLease::start(&test.store).await.unwrap());
        let blocked = test.block_writes().await;
        let first = spawn_claim(&test, &orders[0], &account, &lease.name(), None);
        until(&test.store, |now| now.writing == 1).await;
        let work = lease.begin_work([orders[1].id]);
        let given_up = spawn_claim(&test, &orders[1], &account, &lease.name(), Some(work));
        until(&test.store, |now| now.waiting == 1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        blocked.release().await;
        assert!(first.await.unwrap().unwrap().is_some());
        until(&test.store, |now| now.writing + now.waiting == 0).await;
        assert_eq!(lease.recover(&test.store).await.unwrap(), 0);
        assert_eq!(test.order(orders[1].id).await.state, State::NotAsked);
    }

    async fn a_claim_that_is_written_for_nobody_becomes_unknown(db) {
        let test = TestStore::new(db).await;
        let (orders, account) = (test.orders(1).await, account(&test).await);
        let lease = Arc::new(ProcessLease::start(&test.store).await.unwrap());
        let blocked = test.block_writes().await;
        let work = lease.begin_work([orders[0].id]);
        let given_up = spawn_claim(&test, &orders[0], &account, &lease.name(), Some(work));
        until(&test.store, |now| now.writing == 1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        // The write is still on its way, so what becomes of the order is not decided yet.
        assert_eq!(lease.recover(&test.store).await.unwrap(), 0);
        blocked.release().await;
        until(&test.store, |now| now.writing + now.waiting == 0).await;
        assert_eq!(test.order(orders[0].id).await.state, State::Sending, "the claim was made");
        assert_eq!(lease.recover(&test.store).await.unwrap(), 1);
        let order = test.order(orders[0].id).await;
        assert_eq!((order.state, order.problem), (State::Unknown, Some(Issue::ProcessDied)));
    }

    async fn a_result_that_was_handed_over_is_written_though_nobody_waits_for_it(db) {
        let test = TestStore::new(db).await;
        let orders = test.orders(1).await;
        let lease = Arc::new(ProcessLease::start(&test.store).await.unwrap());
        let claimed = test.claim(&orders, &lease.name()).await.remove(0).unwrap();
        let blocked = test.block_writes().await;
        let work = lease.begin_work([claimed.id]);
        let given_up = spawn_result(&test, &claimed, Event::CreditApproved, Some("T1"), Some(work));
        until(&test.store, |now| now.writing == 1).await;
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        assert_eq!(lease.recover(&test.store).await.unwrap(), 0);
        blocked.release().await;
        until(&test.store, |now| now.writing + now.waiting == 0).await;
        assert_eq!(lease.recover(&test.store).await.unwrap(), 0);
        let order = test.order(claimed.id).await;
        assert_eq!((order.state, order.transaction_id()), (State::Approved, Some("T1")));
    }

    async fn claims_of_a_group_are_made_under_their_own_accounts(db) {
        let test = TestStore::new(db).await;
        let (orders, before) = (test.orders(4).await, account(&test).await);
        // Corrected since: its claims fail, and those of who reads it anew do not.
        let corrected = domain::mall::Mall { settings: [("id".to_owned(), "1".into())].into(), ..mall() };
        test.store.put_mall(&corrected, MallUpdate::default()).await.unwrap();
        let now = account(&test).await;
        let blocked = test.block_writes().await;
        let claims = [(0, &now), (1, &before), (2, &now), (3, &before)];
        let claims: Vec<_> = claims.iter().map(|(at, account)| spawn_claim(&test, &orders[*at], account, "w", None)).collect();
        // Those under the old account may be answered already, for they need no row.
        until(&test.store, |now| now.writes as usize + now.writing + now.waiting == 4).await;
        blocked.release().await;
        let won: Vec<bool> = join_all(claims).await.into_iter().map(|claim| claim.unwrap().unwrap().is_some()).collect();
        assert_eq!(won, [true, false, true, false]);
    }
}

async fn test_order(test: &TestStore, id: i64) -> Order {
    test.order(id).await
}

/// Another process holds a row that one write needs: the others do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_locked_elsewhere_holds_up_no_other_write() {
    let test = TestStore::new(Db::Postgres).await;
    let (orders, account) = (test.orders(3).await, account(&test).await);
    let locked = test.lock_order(orders[0].id).await;
    let waits = spawn_claim(&test, &orders[0], &account, "w", None);
    until(&test.store, |now| now.writing == 1).await;
    let others = orders[1..].iter().map(|order| spawn_claim(&test, order, &account, "w", None)).collect::<Vec<_>>();
    for claimed in tokio::time::timeout(DEADLINE, join_all(others)).await.expect("they wait for the locked row") {
        assert!(claimed.unwrap().unwrap().is_some());
    }
    assert!(!waits.is_finished(), "the lock holds");
    locked.release().await;
    assert!(waits.await.unwrap().unwrap().is_some());
}

/// The connection breaks while a group is on its way: whether it was written is not known to those who wait, and
/// becomes known before anything is decided about their orders.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_connection_breaks_leaves_no_order_claimed() {
    let test = TestStore::new(Db::Postgres).await;
    let (orders, account) = (test.orders(6).await, account(&test).await);
    let lease = Arc::new(ProcessLease::start(&test.store).await.unwrap());
    let claimed: Vec<Order> = test.claim(&orders[..3], &lease.name()).await.into_iter().map(Option::unwrap).collect();
    let mut blocked = test.block_writes().await;
    let work = lease.begin_work(orders.iter().map(|order| order.id));
    let results: Vec<_> = claimed
        .iter()
        .map(|order| spawn_result(&test, order, Event::CreditApproved, None, Some(work.clone())))
        .collect();
    let claims: Vec<_> = orders[3..]
        .iter()
        .map(|order| spawn_claim(&test, order, &account, &lease.name(), Some(work.clone())))
        .collect();
    until(&test.store, |now| now.writing == 6).await;
    drop(work);
    let mut broken = 0;
    while test.store.group_commits().writing > 0 {
        broken += blocked.break_waiting().await;
    }
    assert!(broken > 0, "a connection was broken");
    for result in join_all(results).await {
        assert!(!result.unwrap().unwrap_err().is_of_one_order());
    }
    for claim in join_all(claims).await {
        assert!(!claim.unwrap().unwrap_err().is_of_one_order());
    }
    blocked.release().await;
    assert_eq!(lease.recover(&test.store).await.unwrap(), 3, "the claims whose results were not written");
    let states: Vec<State> = test.all().await.into_iter().map(|order| order.state).collect();
    assert_eq!(states, [[State::Unknown; 3], [State::NotAsked; 3]].concat());
    let again = test.claim(&test.all().await[3..], &lease.name()).await;
    assert!(again.iter().all(Option::is_some), "the store goes on");
}
