//! How often a batch waits for the disk: bounds on commits, not on times.

mod common;

use common::fake::Fake;
use common::{Db, TestStore, do_batches, on_both};
use domain::credit_state::{Action, State};
use service::credit::CreditService;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::NewBatch;
use store::lease::ProcessLease;

/// Calls side by side.
const AT_ONCE: usize = 64;
/// Orders, a call for each.
const ORDERS: usize = 640;
/// What a call takes: enough that all of them are side by side on a busy machine too.
const LATENCY: Duration = Duration::from_millis(20);

async fn office(db: Db, orders: usize) -> (TestStore, CreditService<Fake>, Vec<i64>) {
    let test = TestStore::new(db).await;
    let fake = Fake { latency: LATENCY, ..Fake::new(&[]).with_info(|info| info.batch_limits.credit = 1) };
    let credit = CreditService {
        store: test.store.clone(),
        lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
        providers: Arc::new(HashMap::from([("fake".to_owned(), fake)])),
        who: "op".into(),
        concurrency: AT_ONCE,
        in_flight_window: Duration::ZERO,
    };
    let ids = test.orders(orders).await.iter().map(|order| order.id).collect();
    (test, credit, ids)
}

on_both! {
    async fn a_click_is_two_commits(db) {
        let (test, credit, ids) = office(db, 3).await;
        for id in ids {
            let before = test.store.commits();
            assert_eq!(credit.run(Action::Credit, &[id], &|_| {}).await.unwrap()[0].state, State::Approved);
            assert_eq!(test.store.commits() - before, 2);
        }
    }

    async fn orders_side_by_side_share_their_commits(db) {
        let (test, credit, ids) = office(db, ORDERS).await;
        let before = test.store.commits();
        let rows = credit.run(Action::Credit, &ids, &|_| {}).await.unwrap();
        assert!(rows.iter().all(|row| row.state == State::Approved));
        let commits = (test.store.commits() - before) as f64 / ORDERS as f64;
        assert!(commits <= 0.1, "{commits} commits for each order");
    }

    async fn rows_of_a_batch_share_their_commits(db) {
        let (test, credit, ids) = office(db, ORDERS).await;
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let before = test.store.commits();
        assert_eq!(do_batches(&credit).await, ORDERS);
        assert_eq!(test.store.batch_progress(batch).await.unwrap().success, ORDERS as i64);
        let commits = (test.store.commits() - before) as f64 / ORDERS as f64;
        // Rows are taken only for calls that begin at once, so taking them is a commit of its own.
        assert!(commits <= 0.2, "{commits} commits for each order");
    }
}
