//! Batches: every row in its place, each order once, whoever does them and whoever dies.

mod common;

use common::fake::{Fake, Next};
use common::{TestStore, do_batches, do_by_itself, mall, new_order, on_both, told_location};
use domain::asked::Asked;
use domain::credit_state::{Action, Outcome, State};
use domain::issue::{Issue, Wait};
use domain::lang::Lang;
use domain::mall::{Automation, Mall, Start};
use service::batches;
use service::credit::{CreditService, WorkItem};
use service::messages::localize::Localize;
use service::worker::Worker;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{BatchProgress, MallUpdate, NewBatch, Store};

async fn credit(store: &Store, fake: &Fake) -> CreditService<Fake> {
    CreditService {
        store: store.clone(),
        lease: Arc::new(ProcessLease::start(store).await.unwrap()),
        providers: Arc::new(HashMap::from([("fake".to_owned(), fake.clone())])),
        who: "nobody".into(),
        concurrency: 4,
        in_flight_window: Duration::ZERO,
    }
}

on_both! {
    async fn every_row_ends_in_its_place_with_what_became_of_its_order(db) {
        let test = TestStore::new(db).await;
        let script = [Next::Approve, Next::Reject, Next::LoseAnswer];
        let fake = Fake::new(&script).with_info(|info| info.batch_limits.credit = 1);
        let mut credit = credit(&test.store, &fake).await;
        credit.concurrency = 1;
        let mut ids: Vec<i64> = test.orders(5).await.iter().map(|order| order.id).collect();
        ids.reverse();
        credit.run(Action::Credit, &ids[4..], &|_| {}).await.unwrap();
        let ticked = [ids[0], ids[1], ids[2], ids[0], ids[4]];
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "花子"), &ticked, 1).await.unwrap();
        assert_eq!(test.store.batch_progress(batch).await.unwrap(), BatchProgress { waiting: 4, ..Default::default() });
        do_batches(&credit).await;
        let rows = test.store.batch_rows(batch, 0, 100).await.unwrap();
        let ended: Vec<_> = rows.iter().map(|row| (row.order, row.outcome.unwrap(), row.state.unwrap())).collect();
        assert_eq!(
            ended,
            [
                (ids[0], Outcome::Failure, State::Rejected),
                (ids[1], Outcome::Unknown, State::Unknown),
                (ids[2], Outcome::Success, State::Approved),
                (ids[4], Outcome::Failure, State::Approved),
            ]
        );
        assert!(matches!(rows[3].problem, Some(Issue::NotOffered { .. })), "it was approved before");
        let progress = test.store.batch_progress(batch).await.unwrap();
        assert_eq!((progress.success, progress.failure, progress.unknown, progress.total()), (1, 2, 1, 4));
        assert!(test.store.batch(batch).await.unwrap().unwrap().finished_at.is_some());
        assert_eq!(test.store.history(ids[0]).await.unwrap()[0].who, "花子");
        assert_eq!(test.store.batch_rows(batch, 2, 1).await.unwrap()[0].order, ids[2]);
    }

    async fn a_call_decrypts_the_settings_of_its_own_account_alone(db) {
        let test = TestStore::new(db).await;
        let settings = [("password".to_owned(), "himitsu".into())].into();
        let automation = Automation { credit: Start::AtOnce, ..Automation::default() };
        let other = Mall { id: "n".into(), settings, automation: automation.clone(), ..mall() };
        test.store.put_mall(&other, MallUpdate::default()).await.unwrap();
        test.execute("UPDATE accounts SET settings = '{\"password\":\"broken\"}' WHERE mall = 'n'").await;
        assert!(test.store.mall("n").await.is_err(), "its settings are broken");
        let fake = Fake::new(&[]);
        let credit = credit(&test.store, &fake).await;
        let ids: Vec<i64> = test.orders(2).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        do_batches(&credit).await;
        assert_eq!(test.store.batch_progress(batch).await.unwrap().success, 2);
        test.store.put_mall(&Mall { automation, ..mall() }, MallUpdate::default()).await.unwrap();
        let due = [new_order("A-3", 1_000)];
        test.store.insert_orders(&test.mall().await, &due, test.store.now()).await.unwrap();
        do_by_itself(&credit).await;
        let states: Vec<_> = test.all().await.iter().map(|order| order.state).collect();
        assert_eq!(states, [State::Approved; 3]);
    }

    async fn several_processes_share_a_batch_and_do_every_order_once(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let ids: Vec<i64> = test.orders(300).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let (mut workers, mut processes) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let credit = credit(&test.again().await, &fake).await;
            workers.push(Arc::clone(&credit.lease));
            let background = Worker { service: credit, wake: Arc::default() };
            processes.push(tokio::spawn(async move { background.run().await }));
        }
        while test.store.batch(batch).await.unwrap().unwrap().finished_at.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        workers.iter().for_each(|worker| worker.stop());
        for process in processes {
            process.await.unwrap();
        }
        assert_eq!(test.store.batch_progress(batch).await.unwrap().success, 300);
        assert_eq!(fake.references().len(), 300, "each was sent once");
    }

    async fn a_new_credit_waits_for_the_malls_provider_and_a_question_for_the_one_that_has_the_order(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[Next::Reject]);
        let id = test.orders(1).await[0].id;
        credit(&test.store, &fake).await.run(Action::Credit, &[id], &|_| {}).await.unwrap();
        test.store.put_mall(&Mall { provider: "other".into(), ..mall() }, MallUpdate::default()).await.unwrap();
        for (action, provider) in [(Action::Credit, "other"), (Action::Check, "fake")] {
            let batch = test.store.add_batch(NewBatch::new(action, "op"), &[id], 1).await.unwrap();
            let waiting = test.store.waiting().await.unwrap();
            assert_eq!((waiting.len(), waiting[0].provider.as_str()), (1, provider));
            test.store.stop_batch(batch, "op", 2).await.unwrap();
        }
    }

    async fn a_batch_that_is_stopped_sends_nothing_more(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let ids: Vec<i64> = test.orders(3).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        test.store.stop_batch(batch, "太郎", 2).await.unwrap();
        do_batches(&credit(&test.store, &fake).await).await;
        let rows = test.store.batch_rows(batch, 0, 10).await.unwrap();
        assert!(rows.iter().all(|row| row.problem == Some(Issue::Stopped { who: "太郎".into() })));
        assert_eq!(fake.references().len(), 0);
        assert_eq!(test.store.batch(batch).await.unwrap().unwrap().finished_at, Some(2));
    }

    async fn rows_are_taken_by_a_process_that_can_ask_their_provider_and_by_no_other(db) {
        let test = TestStore::new(db).await;
        let fake = Fake { latency: Duration::from_millis(5), ..Fake::new(&[]) };
        let ids: Vec<i64> = test.orders(30).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        assert_eq!(batches::waits(&test.store, batch).await.unwrap(), [Wait::NoProcess]);
        // One has an empty folder of plugins, and is first at the rows.
        let without = CreditService { providers: Arc::new(HashMap::new()), ..credit(&test.again().await, &fake).await };
        let running = |credit: &CreditService<Fake>| {
            let background = Worker { service: credit.clone(), wake: Arc::default() };
            tokio::spawn(async move { background.run().await })
        };
        let first = running(&without);
        let no_plugin = [Wait::NoPlugin { provider: "fake".into() }];
        while batches::waits(&test.store, batch).await.unwrap() != no_plugin {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(no_plugin[0].localized(Lang::Ja).contains("読み込みを依頼"));
        let with = credit(&test.again().await, &fake).await;
        let second = running(&with);
        while test.store.batch(batch).await.unwrap().unwrap().finished_at.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let progress = test.store.batch_progress(batch).await.unwrap();
        assert_eq!((progress.success, progress.failure, progress.unknown), (30, 0, 0));
        for (credit, process) in [(without, first), (with, second)] {
            credit.lease.stop();
            process.await.unwrap();
        }
        assert_eq!(test.store.served().await.unwrap(), None, "both said that they ended");
    }

    async fn rows_that_wait_for_a_credit_follow_their_mall_to_its_new_provider(db) {
        let test = TestStore::new(db).await;
        let ids: Vec<i64> = test.orders(2).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        test.store.put_mall(&Mall { provider: "other".into(), ..mall() }, MallUpdate::default()).await.unwrap();
        let (old, new) = (Fake::new(&[]), Fake::new(&[]));
        do_batches(&credit(&test.store, &old).await).await;
        assert_eq!(test.store.batch_progress(batch).await.unwrap().waiting, 2, "the old one is not asked");
        let providers = Arc::new(HashMap::from([("other".to_owned(), new.clone())]));
        do_batches(&CreditService { providers, ..credit(&test.store, &new).await }).await;
        assert_eq!(test.store.batch_progress(batch).await.unwrap().success, 2);
        assert_eq!((old.references().len(), new.references().len()), (0, 2));
    }

    async fn an_order_that_cannot_be_read_fails_alone(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let ids: Vec<i64> = test.orders(5).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        test.execute(&format!("UPDATE orders SET data = 'no order' WHERE id = {}", ids[1])).await;
        do_batches(&credit(&test.store, &fake).await).await;
        let progress = test.store.batch_progress(batch).await.unwrap();
        assert_eq!((progress.success, progress.failure, progress.unknown), (4, 1, 0));
        let row = test.store.batch_rows(batch, 1, 1).await.unwrap().remove(0);
        assert!(matches!(row.problem, Some(Issue::Unusable { .. })), "{row:?}");
        assert_eq!(fake.references().len(), 4);
    }

    async fn a_process_that_is_to_stop_begins_no_call_and_its_rows_wait(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let ids: Vec<i64> = test.orders(5).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let credit = credit(&test.store, &fake).await;
        let waiting = test.store.waiting().await.unwrap().remove(0);
        let taken = test.store.take_rows(&waiting, &credit.lease, 2).await.unwrap();
        credit.lease.stop();
        let works: Vec<WorkItem> = taken.into_iter().map(WorkItem::from).collect();
        let rows = credit.work(Action::Credit, &works, &|_| {}).await.unwrap();
        assert!(rows.iter().all(|row| row.problem == Some(Issue::ShuttingDown)), "{rows:?}");
        assert_eq!(test.store.batch_progress(batch).await.unwrap().waiting, 5);
        assert!(fake.references().is_empty());
    }

    async fn a_row_that_was_given_back_asks_for_nothing_and_is_done_once_by_whoever_has_it(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[Next::Reject, Next::Approve]);
        let ids: Vec<i64> = test.orders(1).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let (late, other) = (credit(&test.store, &fake).await, credit(&test.store, &fake).await);
        let waiting = test.store.waiting().await.unwrap().remove(0);
        let taken = async |who: &CreditService<Fake>| {
            let taken = test.store.take_rows(&waiting, &who.lease, 1).await.unwrap();
            taken.into_iter().map(WorkItem::from).collect::<Vec<_>>()
        };
        // The late one is held up between taking the row and claiming its order, and counts as dead meanwhile.
        let stale = taken(&late).await;
        test.store.give_back_rows(&late.lease.name(), None).await.unwrap();
        let rows = late.work(Action::Credit, &stale, &|_| {}).await.unwrap();
        assert_eq!(rows[0].problem, Some(Issue::Changed));
        assert_eq!(test.store.batch_progress(batch).await.unwrap().waiting, 1, "it is not the late one's to end");
        let now = taken(&other).await;
        assert!(late.work(Action::Credit, &stale, &|_| {}).await.unwrap()[0].problem.is_some());
        test.store.fail_row(&late.lease.name(), stale[0].row.unwrap(), &Issue::Changed).await.unwrap();
        assert!(fake.references().is_empty(), "the other has the row");
        assert_eq!(other.work(Action::Credit, &now, &|_| {}).await.unwrap()[0].state, State::Rejected);
        // A rejected order can be sent again, but not by a row that was done.
        for who in [&late, &other] {
            assert_eq!(who.work(Action::Credit, &stale, &|_| {}).await.unwrap()[0].problem, Some(Issue::Changed));
        }
        assert_eq!(fake.references().len(), 1);
        assert_eq!(test.store.batch_progress(batch).await.unwrap().waiting, 0);
    }

    async fn what_was_asked_of_one_registration_is_not_done_with_another(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[Next::Approve, Next::Reject, Next::Approve, Next::Reject]);
        let ids: Vec<i64> = test.orders(2).await.iter().map(|order| order.id).collect();
        let mut credit = credit(&test.store, &fake).await;
        credit.concurrency = 1;
        let run = async |action, id| credit.run(action, &[id], &|_| {}).await.unwrap().remove(0).state;
        let one_by_one = async || (run(Action::Credit, ids[0]).await, run(Action::Credit, ids[1]).await);
        assert_eq!(one_by_one().await, (State::Approved, State::Rejected));
        // Both wait; meanwhile an operator cancels the first and has both sent anew.
        let cancel = test.store.add_batch(NewBatch::new(Action::Cancel, "op"), &ids[..1], 1).await.unwrap();
        let again = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids[1..], 1).await.unwrap();
        assert_eq!(run(Action::Cancel, ids[0]).await, State::Cancelled);
        assert_eq!(one_by_one().await, (State::Approved, State::Rejected));
        do_batches(&credit).await;
        for (batch, order) in [(cancel, ids[0]), (again, ids[1])] {
            let row = test.store.batch_rows(batch, 0, 1).await.unwrap().remove(0);
            assert_eq!((row.order, row.problem), (order, Some(Issue::Changed)));
        }
        assert_eq!(test.order(ids[0]).await.state, State::Approved);
        assert_eq!(fake.references().len(), 4);
        // Nor does the automation, which took an order that it was to send, and finds that it was rejected.
        let by_itself = [WorkItem::new(ids[1], Asked::Automation)];
        assert_eq!(credit.work(Action::Credit, &by_itself, &|_| {}).await.unwrap()[0].problem, Some(Issue::Changed));
        let seen = [WorkItem::new(ids[1], Asked::Version(1))];
        assert_eq!(credit.work(Action::Credit, &seen, &|_| {}).await.unwrap()[0].problem, Some(Issue::Changed));
        assert_eq!(fake.references().len(), 4);
    }

    async fn rows_that_are_given_back_after_their_batch_was_stopped_are_not_begun(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let ids: Vec<i64> = test.orders(3).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let (late, other) = (credit(&test.store, &fake).await, credit(&test.store, &fake).await);
        let lane = test.store.waiting().await.unwrap().remove(0);
        assert_eq!(test.store.take_rows(&lane, &late.lease, 2).await.unwrap().len(), 2);
        batches::stop(&test.store, batch, "花子").await.unwrap();
        let progress = test.store.batch_progress(batch).await.unwrap();
        assert_eq!((progress.taken, progress.failure), (2, 1));
        test.store.give_back_rows(&late.lease.name(), None).await.unwrap();
        assert!(test.store.waiting().await.unwrap().is_empty(), "nobody begins them");
        assert!(test.store.take_rows(&lane, &other.lease, 2).await.unwrap().is_empty());
        do_batches(&other).await;
        let rows = test.store.batch_rows(batch, 0, 3).await.unwrap();
        assert!(rows.iter().all(|row| row.problem == Some(Issue::Stopped { who: "花子".into() })), "{rows:?}");
        assert!(test.store.batch(batch).await.unwrap().unwrap().finished_at.is_some());
        assert!(fake.references().is_empty());
    }

    async fn the_report_of_a_call_is_written_once_and_every_row_shows_it(db) {
        let test = TestStore::new(db).await;
        let fake = Fake::new(&[]);
        let credit = credit(&test.store, &fake).await;
        let ids: Vec<i64> = test.orders(4).await.iter().map(|order| order.id).collect();
        test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        do_batches(&credit).await;
        let mut calls = fake.batches.lock().unwrap().clone();
        calls.sort_unstable();
        assert_eq!(calls, [1, 3]);
        for id in &ids {
            let last = test.store.history(*id).await.unwrap().pop().unwrap();
            assert_eq!((last.event.as_str(), last.report.as_deref()), ("credit_approved", Some("[]")));
        }
        assert_eq!(test.count("SELECT COUNT(*) FROM events WHERE report IS NOT NULL").await, 2, "one for each call");
    }

    async fn work_that_is_let_go_of_leaves_its_orders_unknown_and_its_row_so(db) {
        let test = TestStore::new(db).await;
        let fake = Fake { never_answers: true, ..Fake::new(&[]) };
        let credit = credit(&test.store, &fake).await;
        let ids: Vec<i64> = test.orders(2).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let running = tokio::spawn({
            let credit = credit.clone();
            async move { do_batches(&credit).await }
        });
        while test.order(ids[1]).await.state != State::Sending {
            tokio::task::yield_now().await;
        }
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        while credit.lease.recover(&test.store).await.unwrap() == 0 {
            // The call has yet to be let go of.
            tokio::task::yield_now().await;
        }
        assert_eq!(test.order(ids[0]).await.state, State::Unknown);
        assert_eq!(test.store.batch_progress(batch).await.unwrap().unknown, 2);
    }
}

/// An answer that only PostgreSQL cannot hold.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_stored_is_in_doubt_and_the_others_of_its_call_are_not() {
    let test = TestStore::new(common::Db::Postgres).await;
    let fake = Fake::new(&[Next::Approve, Next::NulInId, Next::Approve]);
    let ids: Vec<i64> = test.orders(3).await.iter().map(|order| order.id).collect();
    let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
    do_batches(&credit(&test.store, &fake).await).await;
    assert_eq!(*fake.batches.lock().unwrap(), [3], "one call");
    let states: Vec<_> = test.all().await.into_iter().map(|order| order.state).collect();
    assert_eq!(states, [State::Approved, State::Unknown, State::Approved]);
    let rows = test.store.batch_rows(batch, 0, 3).await.unwrap();
    assert_eq!(rows[1].outcome, Some(Outcome::Unknown));
    assert!(matches!(rows[1].problem, Some(Issue::NotRecorded { .. })), "{:?}", rows[1]);
    assert!(test.store.batch(batch).await.unwrap().unwrap().finished_at.is_some());
}

/// Tells the child which store to work on, and thereby that it is the child.
const CHILD: &str = "HOST_DEMO_TEST_BATCH_CHILD";

/// A process that works on batches and never gets an answer, until it is killed. Alone, it does nothing.
#[tokio::test]
async fn child_that_works_and_never_gets_an_answer() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let store = Store::open(&told_location(&told)).await.unwrap();
    let credit = credit(&store, &Fake { never_answers: true, ..Fake::new(&[]) }).await;
    println!("begins");
    do_batches(&credit).await;
}

fn child(test: &TestStore) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_works_and_never_gets_an_answer", "--nocapture"])
        .env(CHILD, test.tell())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("begins")), "the child ended early");
    child
}

on_both! {
    async fn others_finish_what_a_killed_process_had_taken(db) {
        let test = TestStore::new(db).await;
        let ids: Vec<i64> = test.orders(200).await.iter().map(|order| order.id).collect();
        let batch = test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        let mut child = child(&test);
        let sending = |orders: Vec<domain::order::Order>| {
            orders.into_iter().filter(|order| order.state == State::Sending).count()
        };
        // A process takes as many rows as it begins at once: four calls of three.
        while sending(test.all().await) < 12 {
            tokio::task::yield_now().await;
        }
        let fake = Fake::new(&[]);
        let credit = credit(&test.store, &fake).await;
        do_batches(&credit).await;
        assert_eq!(test.store.batch_progress(batch).await.unwrap().taken, 12, "its process is alive");
        child.kill().unwrap();
        child.wait().unwrap();
        while test.store.batch(batch).await.unwrap().unwrap().finished_at.is_none() {
            do_batches(&credit).await;
        }
        let progress = test.store.batch_progress(batch).await.unwrap();
        assert_eq!((progress.success, progress.unknown, progress.failure), (188, 12, 0));
        assert_eq!(fake.references().len(), 188, "what may have been sent was not sent again");
        let rows = test.store.batch_rows(batch, 0, 200).await.unwrap();
        let unknown = rows.iter().filter(|row| row.outcome == Some(Outcome::Unknown));
        for row in unknown {
            assert_eq!(row.problem, Some(Issue::ProcessDied));
            assert_eq!(test.order(row.order).await.state, State::Unknown);
        }
    }
}
