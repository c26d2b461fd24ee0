//! What an operator's work comes to when answers are lost, rejected, delayed or about something else.

mod common;

use common::fake::{Ending, Fake, Next};
use common::{Db, TestStore, do_batches, on_both};
use domain::credit_state::{Action, Outcome, State};
use domain::finding::OperatorFinding;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::moment::Moment;
use domain::order::Tracking;
use provider_host::contract::Capability;
use service::credit::{CreditError, CreditRow, CreditService, PollPolicy};
use service::messages::history;
use service::providers::provider::Provider;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{Admission, BreakerState, FAILURES_UNTIL_OPEN, MallUpdate, NewBatch, Store};
use time::macros::date;

struct Office {
    test: TestStore,
    credit: CreditService<Fake>,
    fake: Fake,
    ids: Vec<i64>,
}

impl Office {
    async fn new(db: Db, fake: Fake, orders: usize) -> Self {
        let test = TestStore::new(db).await;
        let ids = test.orders(orders).await.iter().map(|order| order.id).collect();
        let credit = CreditService {
            store: test.store.clone(),
            lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
            providers: Arc::new(HashMap::from([("fake".to_owned(), fake.clone())])),
            who: "op".into(),
            concurrency: 4,
            in_flight_window: Duration::ZERO,
        };
        Self { test, credit, fake, ids }
    }

    async fn run(&self, action: Action) -> Vec<CreditRow> {
        self.credit.run(action, &self.ids, &|_| {}).await.unwrap()
    }

    /// Does `action` with the only order.
    async fn one(&self, action: Action) -> CreditRow {
        self.run(action).await.remove(0)
    }

    fn live(&self) -> usize {
        self.fake.ledger.lock().unwrap().live().count()
    }
}

on_both! {
    async fn an_answer_that_was_lost_is_found_again_by_asking(db) {
        let office = Office::new(db, Fake::new(&[Next::LoseAnswer]), 1).await;
        let row = office.one(Action::Credit).await;
        assert_eq!((row.state, row.outcome), (State::Unknown, Outcome::Unknown));
        let row = office.one(Action::Credit).await;
        assert!(matches!(row.problem, Some(Issue::NotOffered { .. })), "never sent again blindly");
        let row = office.one(Action::Check).await;
        assert_eq!((row.state, row.outcome), (State::Approved, Outcome::Success));
        assert_eq!(row.transaction_id.as_deref(), Some("T1"));
        assert_eq!(office.live(), 1);
    }

    async fn a_request_that_was_lost_is_sent_again_under_the_same_reference_once_it_is_known_not_to_be_there(db) {
        let office = Office::new(db, Fake::new(&[Next::LoseRequest]), 1).await;
        assert_eq!(office.one(Action::Credit).await.state, State::Unknown);
        let before = office.test.order(office.ids[0]).await.registration.unwrap();
        let row = office.one(Action::Check).await;
        assert_eq!((row.state, row.problem), (State::NotSent, Some(Issue::NothingThere)));
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        let after = office.test.order(office.ids[0]).await.registration.unwrap();
        assert_eq!((&after.reference, after.sends), (&before.reference, 2));
        assert_eq!(office.live(), 1);
    }

    async fn not_found_is_not_believed_while_the_request_can_be_on_its_way(db) {
        let mut office = Office::new(db, Fake::new(&[Next::LoseRequest]), 1).await;
        office.credit.in_flight_window = Duration::from_secs(120);
        office.one(Action::Credit).await;
        let sent = office.test.order(office.ids[0]).await.sent.unwrap();
        let row = office.one(Action::Check).await;
        assert_eq!(row.state, State::Unknown);
        let Some(Issue::TooEarly { until, measured_anew: false, .. }) = row.problem else { panic!("{:?}", row.problem) };
        assert!((until - sent.at - 120_000).abs() < 1_000, "{until} {sent:?}");
        assert_eq!(office.one(Action::Credit).await.state, State::Unknown);
        assert_eq!(office.fake.batches.lock().unwrap().len(), 1, "nothing was sent a second time");
    }

    async fn after_a_rejection_and_after_a_cancel_the_reference_is_new(db) {
        let office = Office::new(db, Fake::new(&[Next::Reject]), 1).await;
        let row = office.one(Action::Credit).await;
        assert_eq!((row.state, row.outcome), (State::Rejected, Outcome::Failure));
        assert!(matches!(row.problem, Some(Issue::Rejected { .. })));
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        assert_eq!(office.one(Action::Cancel).await.state, State::Cancelled);
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        let mut references = office.fake.references();
        references.dedup();
        assert_eq!(references.len(), 3);
        assert_eq!(office.live(), 1);
    }

    async fn what_was_not_sent_keeps_its_reference(db) {
        let office = Office::new(db, Fake::new(&[Next::NotSent]), 1).await;
        let row = office.one(Action::Credit).await;
        assert_eq!((row.state, row.outcome), (State::NotSent, Outcome::Failure));
        let before = office.test.order(office.ids[0]).await.reference().to_owned();
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        assert_eq!(office.fake.references(), [before]);
    }

    async fn a_refusal_of_a_second_try_means_that_the_first_may_have_arrived(db) {
        let office = Office::new(db, Fake::new(&[Next::NotSent, Next::Refuse]), 1).await;
        office.one(Action::Credit).await;
        assert_eq!(office.one(Action::Credit).await.state, State::Unknown);
        let first = Office::new(db, Fake::new(&[Next::Refuse]), 1).await;
        assert_eq!(first.one(Action::Credit).await.state, State::NotSent, "a first try has nothing to collide with");
        assert!(office.fake.script_is_done() && first.fake.script_is_done());
    }

    async fn an_answer_about_something_else_is_not_a_success(db) {
        let office =
            Office::new(db, Fake::new(&[Next::Approve, Next::WrongId]).with_info(|info| info.batch_limits.credit = 1), 2);
        let mut office = office.await;
        office.credit.concurrency = 1;
        let rows = office.run(Action::Credit).await;
        assert_eq!(rows[0].state, State::Approved);
        assert_eq!(rows[1].state, State::Unknown);
        assert!(matches!(rows[1].problem, Some(Issue::IdTaken { .. })));
        assert_eq!(office.run(Action::Check).await[1].state, State::Approved, "asked by reference, it is found");
    }

    async fn no_more_calls_are_with_a_provider_than_may_be_and_rows_come_in_the_order_asked(db) {
        // More than a run reads at once, with calls that are begun ahead while these are with the provider, which takes
        // longer than a commit.
        const ORDERS: usize = 1_100;
        let fake = Fake { latency: Duration::from_millis(20), ..Fake::new(&[]) };
        let mut office = Office::new(db, fake.with_info(|info| info.batch_limits.credit = 4), ORDERS).await;
        office.ids.reverse();
        let rows = office.run(Action::Credit).await;
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), office.ids);
        assert!(rows.iter().all(|row| row.state == State::Approved) && office.live() == ORDERS);
        assert_eq!(*office.fake.at_once.lock().unwrap(), (0, office.credit.concurrency));
    }

    async fn a_run_that_comes_to_an_order_that_is_not_there_ends_and_leaves_no_order_claimed(db) {
        const ORDERS: usize = 1_100;
        let mut office = Office::new(db, Fake::new(&[]), ORDERS).await;
        office.ids.push(i64::MAX);
        let ended = office.credit.run(Action::Credit, &office.ids, &|_| {}).await;
        assert!(matches!(ended, Err(CreditError::NoOrder(i64::MAX))), "{ended:?}");
        office.credit.recover().await;
        let mut states = HashMap::new();
        for id in &office.ids[..ORDERS] {
            *states.entry(office.test.order(*id).await.state).or_insert(0) += 1;
        }
        let credited = states.remove(&State::Approved).unwrap_or_default();
        assert_eq!((credited, states.remove(&State::NotAsked)), (office.live(), Some(ORDERS - credited)));
        assert!(credited > 0 && states.is_empty(), "{credited} credited, {states:?}");
    }

    async fn a_verdict_that_nobody_knows_needs_a_person(db) {
        let office = Office::new(db, Fake::new(&[Next::Other]), 1).await;
        let row = office.one(Action::Credit).await;
        assert_eq!((row.state, row.outcome), (State::Unknown, Outcome::Unknown));
        let row = office.one(Action::Check).await;
        assert_eq!(row.state, State::Unknown, "asked again, it is still unknown");
        assert!(matches!(row.problem, Some(Issue::NeedsPerson { .. })));
        let row = office.credit.decide(&office.test.order(office.ids[0]).await, OperatorFinding::Rejected, "電話で確認").await.unwrap();
        assert_eq!((row.state, row.outcome), (State::Rejected, Outcome::Success));
        let line = office.test.store.history(office.ids[0]).await.unwrap().pop().unwrap();
        assert_eq!((line.who.as_str(), line.note.as_deref()), ("op", Some("電話で確認")));
    }

    async fn an_operator_decides_only_about_what_is_unknown(db) {
        let office = Office::new(db, Fake::new(&[Next::LoseAnswer]), 1).await;
        let found = OperatorFinding::Approved { transaction_id: "T1".into() };
        let row = office.credit.decide(&office.test.order(office.ids[0]).await, found.clone(), "画面で確認").await.unwrap();
        assert!(matches!(row.problem, Some(Issue::NotOffered { .. })));
        office.one(Action::Credit).await;
        let row = office.credit.decide(&office.test.order(office.ids[0]).await, found, "画面で確認").await.unwrap();
        assert_eq!((row.state, row.transaction_id.as_deref()), (State::Approved, Some("T1")));
    }

    async fn every_order_gets_its_row_in_the_order_asked_and_batches_keep_to_the_limit(db) {
        let script = [Next::Approve, Next::Reject, Next::LoseAnswer, Next::NotSent, Next::Review];
        let office = Office::new(db, Fake::new(&script), 20).await;
        let mut asked = office.ids.clone();
        asked.reverse();
        let told = std::sync::Mutex::new(0);
        let rows = office.credit.run(Action::Credit, &asked, &|_| *told.lock().unwrap() += 1).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), asked);
        assert_eq!(*told.lock().unwrap(), 20);
        let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
        assert_eq!([Outcome::Success, Outcome::Failure, Outcome::Unknown].map(count), [17, 2, 1]);
        let batches = office.fake.batches.lock().unwrap().clone();
        assert!(batches.iter().all(|rows| *rows <= 3) && batches.len() == 7, "{batches:?}");
    }

    async fn one_lost_answer_puts_no_more_orders_in_doubt_than_the_mall_allows(db) {
        let office = Office::new(db, Fake::new(&[]).with_info(|info| info.batch_limits.credit = 1_000), 120).await;
        office.run(Action::Credit).await;
        let sorted = || {
            let mut batches = std::mem::take(&mut *office.fake.batches.lock().unwrap());
            batches.sort_unstable();
            batches
        };
        assert_eq!(sorted(), [20, 50, 50], "unless the mall says otherwise");
        let mall = Mall { rows_per_request: 7, ..office.test.mall().await };
        office.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        assert_eq!(office.test.mall().await.rows_per_request, 7);
        let next = (201..=215).map(|at| common::new_order(&format!("A-{at}"), 1_000)).collect::<Vec<_>>();
        office.test.store.insert_orders(&mall, &next, 1).await.unwrap();
        let ids: Vec<i64> = office.test.all().await[120..].iter().map(|order| order.id).collect();
        *office.fake.script.lock().unwrap() = vec![Next::LoseAnswer; 7].into();
        let batch = office.test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 2).await.unwrap();
        assert!(batch > 0);
        do_batches(&office.credit).await;
        assert!(office.fake.script_is_done());
        assert_eq!(sorted(), [1, 7, 7]);
        let unknown = office.test.all().await.iter().filter(|order| order.state == State::Unknown).count();
        assert_eq!(unknown, 7);
    }

    async fn an_order_over_which_the_plugin_breaks_off_takes_no_others_along(db) {
        let office = Office::new(db, Fake { breaks_off_at: Some(1_002), ..Fake::new(&[]) }, 3).await;
        let states = async || office.run(Action::Credit).await.iter().map(|row| row.state).collect::<Vec<_>>();
        assert_eq!(states().await, [State::NotSent; 3]);
        assert_eq!(states().await, [State::Approved, State::NotSent, State::Approved]);
        assert_eq!(*office.fake.batches.lock().unwrap(), [3, 1, 1, 1]);
        // Which is no reason to leave the provider alone.
        for _ in 0..FAILURES_UNTIL_OPEN {
            office.run(Action::Credit).await;
        }
        let admission = office.test.store.admission("fake", domain::clock::now()).await.unwrap();
        assert!(matches!(admission, Admission::Free), "{admission:?}");
    }

    async fn calls_that_the_host_ends_have_their_provider_left_alone_whether_they_sent_or_not(db) {
        let instantly = Duration::ZERO;
        for ends in [Ending::Trap, Ending::PluginWaits(instantly), Ending::GatewaySilent(instantly)] {
            let fake = Fake { ends: Some(ends), ..Fake::new(&[]) }.with_info(|info| info.batch_limits.credit = 1);
            let office = Office::new(db, fake, FAILURES_UNTIL_OPEN as usize).await;
            office.run(Action::Credit).await;
            let breaker = office.test.store.breakers().await.unwrap().remove(0);
            assert_eq!((breaker.state, breaker.failures), (BreakerState::Open, FAILURES_UNTIL_OPEN), "{ends:?}");
        }
    }

    async fn the_one_order_over_which_a_plugin_breaks_off_counts_once(db) {
        let office = Office::new(db, Fake { breaks_off_at: Some(1_001), ..Fake::new(&[]) }, 1).await;
        for _ in 0..2 * FAILURES_UNTIL_OPEN {
            assert_eq!(office.one(Action::Credit).await.state, State::NotSent);
        }
        let breaker = office.test.store.breakers().await.unwrap().remove(0);
        assert_eq!((breaker.state, breaker.failures), (BreakerState::Closed, 1));
        assert_eq!(office.fake.batches.lock().unwrap().len(), 2 * FAILURES_UNTIL_OPEN as usize, "it was tried each time");
    }

    async fn what_was_sent_before_the_clocks_could_be_compared_is_waited_for_anew_and_not_for_ever(db) {
        let mut office = Office::new(db, Fake::new(&[Next::LoseRequest]), 1).await;
        office.one(Action::Credit).await;
        // As a restart of the machine and of the database leave it, with a clock that was hours ahead.
        office.test.execute("UPDATE orders SET sent_at = 0, sent_clock = 'before', sent_boot = 'before'").await;
        office.credit.in_flight_window = Duration::from_secs(2);
        let began = std::time::Instant::now();
        let row = office.one(Action::Check).await;
        assert!(matches!(row.problem, Some(Issue::TooEarly { measured_anew: true, .. })), "{:?}", row.problem);
        let row = office.credit.decide(&office.test.order(office.ids[0]).await, OperatorFinding::Nothing, "管理画面で確認").await.unwrap();
        assert!(matches!(row.problem, Some(Issue::TooEarly { measured_anew: false, .. })), "{:?}", row.problem);
        while office.one(Action::Check).await.state == State::Unknown {
            assert!(began.elapsed() < Duration::from_secs(30), "it is waited for without end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(began.elapsed() >= office.credit.in_flight_window, "believed after {:?}", began.elapsed());
        assert_eq!(office.test.order(office.ids[0]).await.state, State::NotSent);
    }

    async fn asking_goes_on_until_nothing_is_under_review(db) {
        let office = Office::new(db, Fake { asks_until_approved: 4, ..Fake::new(&[Next::Review, Next::Review]) }, 3).await;
        office.run(Action::Credit).await;
        let millisecond = Duration::from_millis(1);
        let short = PollPolicy { first_pause: millisecond, longest_pause: millisecond, give_up_after: Duration::ZERO };
        let rows = office.credit.check_until_decided(&office.ids, short, &|_| {}).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.state == State::UnderReview).count(), 2, "given up after one question");
        let long = PollPolicy { give_up_after: Duration::from_secs(60), ..short };
        let rows = office.credit.check_until_decided(&office.ids, long, &|_| {}).await.unwrap();
        assert!(rows.iter().all(|row| row.state == State::Approved), "{rows:?}");
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), office.ids);
    }

    async fn tracking_is_reported_once_and_only_when_entered(db) {
        let office = Office::new(db, Fake::new(&[]), 1).await;
        office.one(Action::Credit).await;
        assert!(matches!(office.one(Action::Sync).await.problem, Some(Issue::NotOffered { .. })));
        for (carrier, state) in [("red-cap", State::Approved), ("yamato", State::Synced)] {
            let order = office.test.order(office.ids[0]).await;
            let tracking = Tracking { carrier: carrier.into(), number: "123".into(), shipped_on: date!(2026 - 07 - 01) };
            assert!(office.test.store.set_tracking(&order, &tracking, "op", 1).await.unwrap());
            let row = office.one(Action::Sync).await;
            assert_eq!(row.state, state);
            assert_eq!(matches!(row.problem, Some(Issue::CarrierUnsupported { .. })), state == State::Approved);
        }
        assert!(matches!(office.one(Action::Cancel).await.problem, Some(Issue::NotOffered { .. })));
    }

    async fn a_tracking_number_is_not_reported_for_a_later_registration(db) {
        let office = Office::new(db, Fake::new(&[Next::Approve, Next::Approve, Next::Reject, Next::Approve]), 1).await;
        let store = &office.test.store;
        let number = async |number: &str| {
            let order = office.test.order(office.ids[0]).await;
            let tracking = Tracking { carrier: "yamato".into(), number: number.into(), shipped_on: date!(2026 - 07 - 01) };
            assert!(store.set_tracking(&order, &tracking, "op", 1).await.unwrap());
        };
        office.one(Action::Credit).await;
        number("111").await;
        assert_eq!(office.one(Action::Cancel).await.state, State::Cancelled);
        assert!(office.test.order(office.ids[0]).await.tracking.is_some(), "what was is shown until it is sent anew");
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        assert_eq!(office.test.order(office.ids[0]).await.tracking, None);
        assert!(matches!(office.one(Action::Sync).await.problem, Some(Issue::NotOffered { .. })));
        let history = store.history(office.ids[0]).await.unwrap();
        let told: Vec<_> = history.iter().filter_map(|line| history::told(line, Lang::Ja)).collect();
        assert!(told.len() == 1 && told[0].contains("111"), "{told:?}");
        // Nothing was recorded: it is the same registration, and its parcel.
        office.one(Action::Cancel).await;
        assert_eq!(office.one(Action::Credit).await.state, State::Rejected);
        office.test.execute("UPDATE orders SET state = 'not_sent'").await;
        number("222").await;
        assert_eq!(office.one(Action::Credit).await.state, State::Approved);
        assert_eq!(office.one(Action::Sync).await.state, State::Synced);
    }

    async fn what_the_provider_cannot_do_is_said_before_anything_is_sent(db) {
        let limited = Fake::new(&[Next::LoseAnswer]).with_info(|info| {
            info.max_billed_amount = Some(1_001);
            info.batch_limits.cancel = 0;
            info.capabilities = Capability::empty();
        });
        let office = Office::new(db, limited, 3).await;
        let rows = office.run(Action::Credit).await;
        assert_eq!(rows[0].state, State::Unknown);
        for row in &rows[1..] {
            assert_eq!(row.state, State::NotAsked);
            assert!(matches!(row.problem, Some(Issue::TooLarge { max: 1_001, .. })));
        }
        let row = office.credit.run(Action::Check, &office.ids[..1], &|_| {}).await.unwrap().remove(0);
        assert!(matches!(row.problem, Some(Issue::CannotAsk { .. })));
        let found = OperatorFinding::Approved { transaction_id: "T1".into() };
        office.credit.decide(&office.test.order(office.ids[0]).await, found, "画面で確認").await.unwrap();
        let row = office.credit.run(Action::Cancel, &office.ids[..1], &|_| {}).await.unwrap().remove(0);
        assert!(matches!(row.problem, Some(Issue::Unsupported { .. })));
        assert_eq!(office.credit.providers.get("fake").unwrap().info().id, "fake");
    }

    async fn a_registration_that_was_acknowledged_does_not_vanish(db) {
        let office = Office::new(db, Fake::new(&[Next::Review]), 1).await;
        office.one(Action::Credit).await;
        office.fake.ledger.lock().unwrap().registrations.clear();
        let row = office.one(Action::Check).await;
        assert_eq!(row.state, State::UnderReview);
        assert!(matches!(row.problem, Some(Issue::Vanished { .. })));
    }

    async fn two_services_at_once_send_every_order_once(db) {
        let office = Office::new(db, Fake::new(&[]), 60).await;
        let other = CreditService {
            store: office.test.again().await,
            lease: Arc::new(ProcessLease::start(&office.test.store).await.unwrap()),
            providers: office.credit.providers.clone(),
            who: "other".into(),
            concurrency: 4,
            in_flight_window: Duration::ZERO,
        };
        let (ours, theirs) = tokio::join!(
            office.credit.run(Action::Credit, &office.ids, &|_| {}),
            other.run(Action::Credit, &office.ids, &|_| {})
        );
        let won = |rows: Vec<CreditRow>| rows.iter().filter(|row| row.outcome == Outcome::Success).count();
        assert_eq!(won(ours.unwrap()) + won(theirs.unwrap()), 60);
        assert_eq!(office.fake.references().len(), 60);
        assert!(office.test.all().await.iter().all(|order| order.state == State::Approved));
    }
}

/// A clock of the database that a test sets: a function of its own schema in the place of PostgreSQL's.
const SHADOW: [&str; 5] = [
    "CREATE SCHEMA shadow",
    "CREATE TABLE shadow.ahead (seconds BIGINT)",
    "INSERT INTO shadow.ahead VALUES (0)",
    "CREATE FUNCTION shadow.clock_timestamp() RETURNS timestamptz LANGUAGE SQL AS \
     $$ SELECT pg_catalog.clock_timestamp() + (SELECT seconds FROM shadow.ahead) * INTERVAL '1 second' $$",
    "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || \
     ' SET search_path = public, shadow, pg_catalog'; END $$",
];

#[tokio::test(flavor = "multi_thread")]
async fn when_the_databases_clock_is_set_nothing_is_measured_by_it_across_that() {
    let test = TestStore::new(Db::Postgres).await;
    for statement in SHADOW {
        test.execute(statement).await;
    }
    // Of another machine: its uptime says nothing here.
    let elsewhere = |moment: Moment| Moment { uptime: None, ..moment };
    for ahead in [180, -180] {
        test.execute("UPDATE shadow.ahead SET seconds = 0").await;
        let store: Store = test.again().await;
        let before = elsewhere(store.moment().await.unwrap());
        assert!(elsewhere(store.moment().await.unwrap()).since(&before).is_some_and(|passed| passed < 60_000));
        test.execute(&format!("UPDATE shadow.ahead SET seconds = {ahead}")).await;
        let after = elsewhere(store.moment().await.unwrap());
        assert!((after.at - before.at - ahead * 1_000).abs() < 60_000, "the clock was set: {before:?} {after:?}");
        assert_eq!(after.since(&before), None, "{ahead}");
        // A process that begins after that knows it as well.
        let later = elsewhere(test.again().await.moment().await.unwrap());
        assert_eq!(later.since(&before), None, "{ahead}");
        assert!(later.since(&after).is_some());
    }
}
