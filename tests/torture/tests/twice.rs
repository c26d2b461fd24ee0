//! Each step that is written down, done twice as a process does that was killed before it knew that it was done: the
//! second time changes nothing.

use domain::credit_state::{Action, Event, Outcome, State};
use domain::issue::Issue;
use domain::order::Tracking;
use fixtures::{TestStore, new_order, on_both};
use std::fmt::Debug;
use store::lease::ProcessLease;
use store::{Change, FinishedRow, ListQuery, MallUpdate, NewBatch, Store};
use time::macros::date;

/// Everything of the store that a step may change.
async fn snapshot(store: &Store) -> String {
    let ids = store.matching(&ListQuery::default(), usize::MAX).await.unwrap();
    let orders = store.orders_of(&ids).await.unwrap();
    let mut text = format!("{orders:#?}\n{:?}\n", store.references().await.unwrap());
    for id in ids {
        text += &format!("{:?}\n", store.history(id).await.unwrap());
    }
    for batch in store.batches(10).await.unwrap() {
        let rows = store.batch_rows(batch.id, 0, 100).await.unwrap();
        text += &format!("{batch:?} {:?} {rows:?}\n", store.batch_progress(batch.id).await.unwrap());
    }
    text
}

/// Does a step, and does it again: the first time changes something, the second nothing.
async fn twice<T: Debug>(store: &Store, step: &str, mut once: impl AsyncFnMut() -> T) -> [T; 2] {
    let before = snapshot(store).await;
    let first = once().await;
    let after = snapshot(store).await;
    assert!(before != after, "{step} does nothing, so nothing is shown: {first:?}");
    let second = once().await;
    assert!(snapshot(store).await == after, "{step} twice is not as once: {first:?}, {second:?}");
    [first, second]
}

on_both! {
    async fn every_step_that_is_written_down_is_as_once_when_it_is_done_twice(db) {
        let test = TestStore::new(db).await;
        let (store, mall) = (&test.store, test.mall().await);
        let new: Vec<_> = (1..=4).map(|at| new_order(&format!("A-{at}"), 1_000 + at)).collect();
        let [_, second] = twice(store, "an import", async || store.insert_orders(&mall, &new, 1).await.unwrap()).await;
        assert_eq!(second, [false; 4]);

        let dead = ProcessLease::start(store).await.unwrap();
        let orders = test.all().await;
        let batch = store.add_batch(NewBatch::new(Action::Credit, "op"), &[orders[0].id, orders[1].id], 1).await.unwrap();
        let lane = store.waiting().await.unwrap().remove(0);
        let [rows, again] = twice(store, "taking rows", async || store.take_rows(&lane, &dead, 10).await.unwrap()).await;
        assert_eq!((rows.len(), again.len()), (2, 0));

        let name = dead.name();
        let [claimed, again] = twice(store, "a claim", async || test.claim(&orders, &name).await).await;
        assert!(claimed.iter().all(Option::is_some) && again.iter().all(Option::is_none));
        let claimed: Vec<_> = claimed.into_iter().flatten().collect();

        let answered = Change {
            transaction_id: Some("T1".into()), row: Some(rows[0].key), ..Change::new(&claimed[0], Event::CreditApproved)
        };
        let [applied, again] = twice(store, "a result", async || {
            store.apply(std::slice::from_ref(&answered), "op", 2).await.unwrap()
        }).await;
        assert!(applied[0].is_some() && again[0].is_none());

        let problem = Issue::NothingThere;
        let finished = FinishedRow {
            row: rows[1].key, outcome: Outcome::Failure, state: State::NotAsked, transaction_id: None, problem: Some(&problem),
        };
        twice(store, "the end of a row", async || store.end_rows(&name, &[finished]).await.unwrap()).await;
        twice(store, "the end of a batch", async || store.finish_batches(3).await.unwrap()).await;
        assert_eq!(store.batch(batch).await.unwrap().unwrap().id, batch);

        drop(dead);
        let lease = ProcessLease::start(store).await.unwrap();
        let [recovered, again] = twice(store, "a recovery", async || lease.recover(store).await.unwrap()).await;
        assert_eq!((recovered, again), (3, 0));

        let unknown = test.order(orders[1].id).await;
        assert_eq!(unknown.state, State::Unknown);
        let nothing = Change::new(&unknown, Event::OperatorNothing);
        twice(store, "a decision", async || store.apply(std::slice::from_ref(&nothing), "op", 4).await.unwrap().len()).await;

        let approved = test.order(orders[0].id).await;
        let tracking = Tracking { carrier: "yamato".into(), number: "123".into(), shipped_on: date!(2026 - 07 - 02) };
        let [entered, again] = twice(store, "a tracking number", async || {
            store.set_tracking(&approved, &tracking, "op", 5).await.unwrap()
        }).await;
        assert!(entered && !again);

        let corrected = test.order(orders[1].id).await;
        let content = new_order("A-2", 9_999);
        let [done, again] = twice(store, "a correction", async || {
            store.correct_order(&corrected, &content, domain::correction::CorrectedBy::Entry, "op", 6).await.unwrap()
        }).await;
        assert!(done && !again);

        let mut automatic = test.mall().await;
        automatic.name = "支店".into();
        let version = automatic.version;
        let update = MallUpdate { version: Some(version), ..MallUpdate::default() };
        let saved = store.put_mall(&automatic, update).await.unwrap();
        assert_ne!(saved, store.put_mall(&automatic, update).await.unwrap(), "a mall is saved once from one version");
    }
}
