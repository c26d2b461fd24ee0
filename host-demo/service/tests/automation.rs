//! What happens by itself, when, and what happens to others while one provider fails.

mod common;

use common::fake::{Fake, Next};
use common::{TestStore, do_batches, do_by_itself, mall, new_order, on_both};
use domain::actor::{AUTOMATION, Actor};
use domain::audit_event::{AuditEvent, MallPart};
use domain::automation::{self, pause};
use domain::clock;
use domain::correction::CorrectedBy;
use domain::credit_state::{Action, Event, Outcome, State};
use domain::issue::{Issue, ProviderMessage, SendFailure, Wait};
use domain::mall::{Automation, Mall, Start};
use domain::order::{Order, Tracking};
use service::batches;
use service::credit::CreditService;
use service::credit_pause::{self, PauseError};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{
    Admission, Backlog, BatchOrder, BreakerState, CallHealth, Claim, DueFilter, FAILURES_UNTIL_OPEN, FIRST_PROBE,
    Filter, ListQuery, MallUpdate, MallUpdateOutcome, NewBatch, OnBacklog, OrderTotal, Position,
};
use time::macros::date;

struct Platform {
    test: TestStore,
    credit: CreditService<Fake>,
}

impl Platform {
    async fn new(db: common::Db, fakes: &[(&str, &Fake)]) -> Self {
        let test = TestStore::new(db).await;
        let providers: HashMap<_, _> = fakes.iter().map(|(id, fake)| (id.to_string(), (*fake).clone())).collect();
        let credit = CreditService {
            store: test.store.clone(),
            lease: Arc::new(ProcessLease::start(&test.store).await.unwrap()),
            providers: Arc::new(providers),
            who: "nobody".into(),
            concurrency: 4,
            in_flight_window: Duration::ZERO,
        };
        Self { test, credit }
    }

    async fn set(&self, mall: Mall) -> Mall {
        self.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        self.test.store.mall(&mall.id).await.unwrap().unwrap()
    }

    async fn import(&self, mall: &Mall, number: &str, order_status: Option<&str>) -> i64 {
        let order = store::NewOrder { order_status: order_status.map(str::to_owned), ..new_order(number, 1_000) };
        assert_eq!(self.test.store.insert_orders(mall, &[order], self.test.store.now()).await.unwrap(), [true]);
        let filter = Filter { number: Some(number.to_owned()), ..Filter::default() };
        self.test.store.orders(&filter).await.unwrap()[0].id
    }

    async fn save(&self, mall: Mall, backlog: OnBacklog) -> MallUpdateOutcome {
        self.test.store.put_mall(&mall, MallUpdate { backlog, ..MallUpdate::default() }).await.unwrap()
    }

    /// Everything that is to be done by itself, now and later.
    async fn rounds(&self) {
        self.let_time_pass().await;
        while self.round().await > 0 {}
    }

    /// The orders that were credited, by number.
    async fn credited(&self) -> Vec<i64> {
        let orders = self.test.all().await;
        orders.into_iter().filter(|order| order.state == State::Approved).map(|order| order.id).collect()
    }

    async fn round(&self) -> usize {
        do_by_itself(&self.credit).await
    }

    /// Lets the time of every order that waits come.
    async fn let_time_pass(&self) {
        let far = clock::now() + 40 * 86_400_000;
        let due = self.test.store.take_due(far, 1_000, &DueFilter::default()).await.unwrap();
        let ids: Vec<i64> = due.orders.iter().map(|order| order.id).collect();
        self.test.store.put_off(&ids, due.lease, Some(0)).await.unwrap();
    }
}

fn automatic() -> Mall {
    let automation = Automation {
        credit: Start::Status("新規受付".into()),
        sync: Start::AtOnce,
        approved: Some("出荷待ち".into()),
        rejected: Some("お支払い確認".into()),
        ..Automation::default()
    };
    Mall { automation, ..mall() }
}

#[test]
fn pauses_grow_from_a_minute_to_half_an_hour_and_never_end() {
    let minutes: Vec<u64> = [0, 1, 2, 5, 9, 1_000].map(|tries| pause(tries).as_secs() / 60).into();
    assert_eq!(minutes, [1, 1, 2, 7, 30, 30]);
    let questions_in_two_hours = (0..).scan(0, |waited, tries| {
        *waited += pause(tries).as_secs();
        (*waited <= 7_200).then_some(())
    });
    assert_eq!(questions_in_two_hours.count(), 10);
}

on_both! {
    async fn the_order_status_starts_credit_and_its_result_moves_the_order(db) {
        let fake = Fake::new(&[Next::Approve, Next::Reject]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let (good, bad) = (platform.import(&mall, "A-1", Some("新規受付")).await, platform.import(&mall, "A-2", None).await);
        assert_eq!(platform.round().await, 1, "the other has another order status");
        let order = platform.test.order(good).await;
        assert_eq!((order.state, order.order_status.as_deref()), (State::Approved, Some("出荷待ち")));
        assert!(platform.test.store.history(good).await.unwrap().iter().all(|line| line.who == AUTOMATION));
        assert_eq!(platform.round().await, 0);

        let other = platform.test.order(bad).await;
        assert!(platform.test.store.set_order_status(&other, Some("新規受付"), "op", platform.test.store.now()).await.unwrap());
        assert_eq!(platform.round().await, 1);
        let order = platform.test.order(bad).await;
        assert_eq!((order.state, order.order_status.as_deref()), (State::Rejected, Some("お支払い確認")));
        platform.let_time_pass().await;
        assert_eq!(platform.round().await, 0, "a rejection is a person's to look at");
    }

    async fn an_order_under_review_is_asked_about_until_it_is_decided(db) {
        let fake = Fake { asks_until_approved: 3, ..Fake::new(&[Next::Review]) };
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let id = platform.import(&mall, "A-1", Some("新規受付")).await;
        platform.round().await;
        for tries in 1..3 {
            assert_eq!(platform.round().await, 0, "not before its time");
            platform.let_time_pass().await;
            assert_eq!(platform.round().await, 1);
            let order = platform.test.order(id).await;
            assert_eq!((order.state, order.tries), (State::UnderReview, tries));
        }
        platform.let_time_pass().await;
        platform.round().await;
        assert_eq!(platform.test.order(id).await.state, State::Approved);
    }

    async fn a_lost_answer_is_asked_about_and_what_was_never_sent_is_sent_again(db) {
        let fake = Fake::new(&[Next::LoseRequest, Next::NotSent]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let id = platform.import(&mall, "A-1", Some("新規受付")).await;
        let mut states = Vec::new();
        while states.last() != Some(&State::Approved) {
            platform.let_time_pass().await;
            assert_eq!(platform.round().await, 1, "{states:?}");
            states.push(platform.test.order(id).await.state);
        }
        assert_eq!(states, [State::Unknown, State::NotSent, State::NotSent, State::Approved]);
        assert_eq!(fake.references().len(), 1);
    }

    async fn what_only_a_person_can_put_right_is_not_tried_again(db) {
        let fake = Fake::new(&[Next::Refuse]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let id = platform.import(&mall, "A-1", Some("新規受付")).await;
        assert_eq!(platform.round().await, 1);
        platform.let_time_pass().await;
        assert_eq!((platform.round().await, platform.test.order(id).await.state), (0, State::NotSent));
        // The automation looks at it once more when its settings change, and leaves it alone.
        platform.set(Mall { automation: Automation { credit: Start::AtOnce, ..automatic().automation }, ..automatic() }).await;
        assert_eq!((platform.round().await, platform.test.order(id).await.state), (1, State::NotSent));
        assert!(fake.references().is_empty());
    }

    async fn a_tracking_number_is_reported_when_it_is_entered(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let id = platform.import(&mall, "A-1", Some("新規受付")).await;
        platform.round().await;
        let tracking = |carrier: &str| Tracking {
            carrier: carrier.into(), number: "1".into(), shipped_on: date!(2026 - 07 - 01),
        };
        let order = platform.test.order(id).await;
        platform.test.store.set_tracking(&order, &tracking("unknown"), "op", platform.test.store.now()).await.unwrap();
        assert_eq!(platform.round().await, 1);
        platform.let_time_pass().await;
        assert_eq!(platform.round().await, 0, "a carrier that the provider does not report is a person's to change");
        let order = platform.test.order(id).await;
        platform.test.store.set_tracking(&order, &tracking("yamato"), "op", platform.test.store.now()).await.unwrap();
        assert_eq!(platform.round().await, 1);
        assert_eq!(platform.test.order(id).await.state, State::Synced);
    }

    async fn nothing_happens_by_itself_until_the_mall_says_so(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let id = platform.import(&platform.test.mall().await, "A-1", Some("新規受付")).await;
        platform.let_time_pass().await;
        assert_eq!((platform.round().await, platform.test.order(id).await.state), (0, State::NotAsked));
        platform.set(Mall { by_csv: true, ..automatic() }).await;
        platform.round().await;
        assert_eq!(platform.test.order(id).await.state, State::NotAsked, "its result is to come by CSV");
        assert_eq!(platform.save(automatic(), OnBacklog::Send(None)).await, MallUpdateOutcome::Saved { elsewhere: 0 });
        assert_eq!(platform.round().await, 1);
        assert_eq!(platform.test.order(id).await.state, State::Approved);
    }

    async fn orders_that_wait_go_out_only_if_whoever_switches_the_automation_on_says_so(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let before = platform.test.mall().await;
        let mut waiting = Vec::new();
        for number in ["A-1", "A-2", "A-3"] {
            waiting.push(platform.import(&before, number, Some("新規受付")).await);
        }
        let elsewhere = platform.import(&before, "A-4", Some("入金待ち")).await;
        let three = Backlog { credit: OrderTotal { orders: 3, billed: 3_000 }, sync: OrderTotal::default() };
        let two = Backlog { credit: OrderTotal { orders: 2, billed: 2_000 }, sync: OrderTotal::default() };
        for unsaid in [OnBacklog::Ask, OnBacklog::Send(Some(two))] {
            assert_eq!(platform.save(automatic(), unsaid).await, MallUpdateOutcome::BacklogUndecided(three), "{unsaid:?}");
            assert_eq!(platform.test.mall().await, before, "nothing was saved");
        }
        assert_eq!(platform.save(automatic(), OnBacklog::default()).await, MallUpdateOutcome::Saved { elsewhere: 0 });
        assert_eq!(platform.test.store.held("m").await.unwrap(), three);
        let mall = platform.test.mall().await;
        let new = platform.import(&mall, "A-5", Some("新規受付")).await;
        platform.rounds().await;
        assert_eq!(platform.credited().await, [new]);
        // Other settings change nothing about it, and nobody is asked again.
        let other = Automation { on_hold: Some("保留中".into()), ..automatic().automation };
        let other = Mall { automation: other, ..automatic() };
        assert_eq!(platform.save(other.clone(), OnBacklog::Ask).await, MallUpdateOutcome::Saved { elsewhere: 0 });
        platform.rounds().await;
        assert_eq!(platform.credited().await, [new]);
        // Orders that come to the order status from now on are like any other.
        for (id, statuses) in [(waiting[0], &["確認中", "新規受付"][..]), (elsewhere, &["新規受付"])] {
            for status in statuses {
                let order = platform.test.order(id).await;
                assert!(platform.test.store.set_order_status(&order, Some(status), "op", platform.test.store.now()).await.unwrap());
            }
        }
        platform.rounds().await;
        assert_eq!(platform.credited().await, [waiting[0], elsewhere, new]);
        assert_eq!(platform.test.store.held("m").await.unwrap(), two);
        // An operator's own click is not held back, and the rest can be let go of later.
        platform.credit.run(Action::Credit, &[waiting[1]], &|_| {}).await.unwrap();
        platform.save(other, OnBacklog::Send(None)).await;
        platform.rounds().await;
        assert_eq!(platform.credited().await, [waiting[0], waiting[1], waiting[2], elsewhere, new]);
        assert!(platform.test.store.held("m").await.unwrap().is_empty());
        // Who decided it, and what, stands in the audit log.
        let lines = platform.test.store.audit(None, 10).await.unwrap();
        let decided = lines.into_iter().filter_map(|line| match line.event {
            AuditEvent::MallChanged { parts, .. } => parts.into_iter().find(|part| matches!(part, MallPart::Waiting { .. })),
            _ => None,
        });
        let decided: Vec<_> = decided.collect();
        assert_eq!(decided, [MallPart::Waiting { sent: true }, MallPart::Waiting { sent: false }]);
    }

    async fn an_order_that_was_left_to_an_operator_stays_so_whatever_else_happens_to_it(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let id = platform.import(&platform.test.mall().await, "A-1", None).await;
        platform.set(Mall { automation: Automation { credit: Start::AtOnce, ..Automation::default() }, ..mall() }).await;
        let store = &platform.test.store;
        let order = platform.test.order(id).await;
        assert!(store.set_order_status(&order, Some("要連絡"), "op", store.now()).await.unwrap());
        let order = platform.test.order(id).await;
        let tracking = Tracking { carrier: "yamato".into(), number: "1".into(), shipped_on: date!(2026 - 07 - 01) };
        assert!(store.set_tracking(&order, &tracking, "op", store.now()).await.unwrap());
        let order = platform.test.order(id).await;
        assert!(store.correct_order(&order, &new_order("A-1", 2_000), CorrectedBy::File, "op", store.now()).await.unwrap());
        platform.rounds().await;
        let order = platform.test.order(id).await;
        assert_eq!((order.state, order.held), (State::NotAsked, Some(Action::Credit)));
        assert!(fake.references().is_empty());
    }

    async fn what_waits_is_what_the_change_lets_go(db) {
        let (fake, other) = (Fake::new(&[]), Fake::new(&[]));
        let platform = Platform::new(db, &[("fake", &fake), ("other", &other)]).await;
        platform.set(automatic()).await;
        let mall = platform.test.mall().await;
        platform.import(&mall, "A-1", Some("新規受付")).await;
        platform.import(&mall, "A-2", Some("入金待ち")).await;
        let credit = |orders| Backlog { credit: OrderTotal { orders, billed: 1_000 * orders }, sync: OrderTotal::default() };
        let with = |credit: Start| Mall { automation: Automation { credit, ..automatic().automation }, ..automatic() };
        let narrower = Automation { approved: None, ..automatic().automation };
        for (to, waiting) in [
            // The one that goes out anyway is not asked about.
            (with(Start::AtOnce), Some(1)),
            (with(Start::Status("入金待ち".into())), Some(1)),
            (with(Start::Never), None),
            (Mall { by_csv: true, ..with(Start::AtOnce) }, None),
            (Mall { automation: narrower, ..automatic() }, None),
            // Another provider: every order that it would get at once, but for the one that may be registered by a file.
            (Mall { provider: "other".into(), ..automatic() }, Some(1)),
            (Mall { provider: "other".into(), ..with(Start::AtOnce) }, Some(1)),
        ] {
            let saved = platform.save(to.clone(), OnBacklog::Ask).await;
            match waiting {
                Some(orders) => assert_eq!(saved, MallUpdateOutcome::BacklogUndecided(credit(orders)), "{to:?}"),
                None => assert!(matches!(saved, MallUpdateOutcome::Saved { .. }), "{to:?}"),
            }
            platform.save(automatic(), OnBacklog::Send(None)).await;
        }
        platform.rounds().await;
        assert_eq!(fake.references().len(), 1);
    }

    async fn tracking_numbers_that_wait_are_asked_about_like_credits(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let id = platform.import(&platform.test.mall().await, "A-1", None).await;
        platform.credit.run(Action::Credit, &[id], &|_| {}).await.unwrap();
        let enter = async |number: &str| {
            let order = platform.test.order(id).await;
            let shipped_on = date!(2026 - 07 - 01);
            let tracking = Tracking { carrier: "yamato".into(), number: number.into(), shipped_on };
            platform.test.store.set_tracking(&order, &tracking, "op", platform.test.store.now()).await.unwrap();
        };
        enter("1").await;
        platform.rounds().await;
        let on = Mall { automation: Automation { sync: Start::AtOnce, ..Automation::default() }, ..mall() };
        let one = Backlog { credit: OrderTotal::default(), sync: OrderTotal { orders: 1, billed: 1_000 } };
        assert_eq!(platform.save(on.clone(), OnBacklog::Ask).await, MallUpdateOutcome::BacklogUndecided(one));
        platform.save(on, OnBacklog::Hold).await;
        platform.rounds().await;
        assert_eq!(platform.test.order(id).await.state, State::Approved);
        enter("2").await;
        platform.rounds().await;
        assert_eq!(platform.test.order(id).await.state, State::Synced, "it was entered since");
    }

    async fn an_order_that_comes_in_while_the_automation_is_switched_on_is_not_forgotten(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let read_before = platform.test.mall().await;
        platform.set(automatic()).await;
        let id = platform.import(&read_before, "A-1", Some("新規受付")).await;
        platform.rounds().await;
        assert_eq!(platform.credited().await, [id]);
    }

    async fn an_order_of_a_mall_that_is_saved_while_the_automation_looks_is_not_forgotten(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let malls = 20;
        for number in 0..malls {
            // The settings are saved, and the order comes in, while the automation has read the settings before.
            let arrives = async {
                let automation = Automation { credit: Start::AtOnce, ..Automation::default() };
                let mall = Mall { id: format!("mall-{number}"), automation, ..mall() };
                platform.save(mall.clone(), OnBacklog::default()).await;
                let mall = platform.test.store.mall(&mall.id).await.unwrap().unwrap();
                platform.test.store.insert_orders(&mall, &[new_order("A-1", 1_000)], 1).await.unwrap();
            };
            let looks = async {
                for _ in 0..5 {
                    platform.round().await;
                }
            };
            tokio::join!(arrives, looks);
        }
        platform.rounds().await;
        assert_eq!(platform.credited().await.len(), malls);
    }

    async fn a_paused_provider_gets_no_new_credit_in_any_way_and_everything_else(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let (store, credit) = (&platform.test.store, &platform.credit);
        let by = |who| Actor { who, at: store.now() };
        let automation = Automation { credit: Start::AtOnce, ..Automation::default() };
        let mall = platform.set(Mall { automation, ..mall() }).await;
        let approved = platform.import(&mall, "A-1", None).await;
        credit.run(Action::Credit, &[approved], &|_| {}).await.unwrap();
        let (clicked, ticked, by_itself) = (
            platform.import(&mall, "A-2", None).await,
            platform.import(&mall, "A-3", None).await,
            platform.import(&mall, "A-4", None).await,
        );
        let read = platform.test.order(clicked).await;
        let account = store.accounts([mall.account]).await.unwrap().remove(&mall.account).unwrap();
        let batch = store.add_batch(NewBatch::new(Action::Credit, "op"), &[ticked], 1).await.unwrap();
        let loaded = ["fake".to_owned()];
        assert!(matches!(
            credit_pause::pause(store, &loaded, "nobody", "maintenance", by("花子")).await,
            Err(PauseError::NoProvider(_))
        ));
        assert!(matches!(credit_pause::pause(store, &loaded, "fake", " ", by("花子")).await, Err(PauseError::Reason)));
        credit_pause::pause(store, &loaded, "fake", "maintenance", by("花子")).await.unwrap();
        assert!(matches!(
            credit_pause::pause(store, &loaded, "fake", "again", by("太郎")).await,
            Err(PauseError::Paused(_))
        ));

        // Whoever read everything before sends nothing with what was read.
        let claim = Claim { event: Event::CreditStarted, account: &account, owner: "w", rows: &[], who: "op", now: clock::now(), work: None };
        assert_eq!(store.claim(&[read], claim).await.unwrap(), [None]);
        let row = credit.run(Action::Credit, &[clicked], &|_| {}).await.unwrap().remove(0);
        assert_eq!((row.outcome, row.problem), (Outcome::Failure, Some(Issue::CreditPaused { provider: "fake".into() })));
        do_batches(credit).await;
        platform.rounds().await;
        assert_eq!(fake.references().len(), 1, "the one before the pause");
        let waits = batches::waits(store, batch).await.unwrap();
        let (provider, who, note) = ("fake".into(), "花子".into(), "maintenance".into());
        assert_eq!(waits, [Wait::CreditPaused { provider, who, note }]);
        assert_eq!(store.batch_progress(batch).await.unwrap().waiting, 1, "its row waits");

        // What is there already is asked about and cancelled.
        let row = credit.run(Action::Cancel, &[approved], &|_| {}).await.unwrap().remove(0);
        assert_eq!((row.outcome, row.state), (Outcome::Success, State::Cancelled));

        credit_pause::resume(store, "fake", by("花子")).await.unwrap();
        assert!(matches!(credit_pause::resume(store, "fake", by("花子")).await, Err(PauseError::NotPaused(_))));
        do_batches(credit).await;
        platform.rounds().await;
        // The one that was clicked as well: automation credits every order of this mall.
        assert_eq!(fake.references().len(), 4, "{:?}", fake.references());
        for id in [clicked, ticked, by_itself] {
            assert_eq!(platform.test.order(id).await.state, State::Approved);
        }
        let lines = store.audit(None, 10).await.unwrap();
        let events: Vec<_> = lines.into_iter().map(|line| line.event).collect();
        assert!(events.contains(&AuditEvent::CreditPaused { provider: "fake".into(), note: "maintenance".into() }));
        assert!(events.contains(&AuditEvent::CreditResumed { provider: "fake".into() }));
    }

    async fn a_mall_whose_results_come_by_csv_sends_no_credit_in_any_way(db) {
        let fake = Fake::new(&[Next::Approve, Next::Reject]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let before = platform.test.mall().await;
        let mut ids = Vec::new();
        for number in ["A-1", "A-2", "A-3"] {
            ids.push(platform.import(&before, number, None).await);
        }
        platform.credit.run(Action::Credit, &ids[..2], &|_| {}).await.unwrap();
        let account = platform.test.store.accounts([before.account]).await.unwrap().remove(&before.account).unwrap();
        let unsent = platform.test.order(ids[2]).await;
        platform.set(Mall { by_csv: true, ..mall() }).await;
        // Whoever read the mall before sends nothing with what he read.
        let claim = Claim { event: Event::CreditStarted, account: &account, owner: "w", rows: &[], who: "op", now: clock::now(), work: None };
        assert_eq!(platform.test.store.claim(std::slice::from_ref(&unsent), claim).await.unwrap(), [None]);
        // Nor whoever read the order before and the account after.
        let account = platform.test.store.accounts([before.account]).await.unwrap().remove(&before.account).unwrap();
        let claim = Claim { account: &account, ..claim };
        assert_eq!(platform.test.store.claim(&[unsent], claim).await.unwrap(), [None]);
        let sent = fake.references();
        for id in [ids[1], ids[2]] {
            let order = platform.test.order(id).await;
            assert!(!order.offers(Action::Credit) && order.results_by_csv, "{:?}", order.state);
            let row = platform.credit.run(Action::Credit, &[id], &|_| {}).await.unwrap().remove(0);
            assert_eq!((row.outcome, row.problem), (Outcome::Failure, Some(Issue::ResultsByCsv)));
        }
        let listed = platform.test.store.page(&ListQuery::default(), Position::First, 50).await.unwrap().orders;
        assert!(listed.iter().all(|order| order.actions().all(|action| action != Action::Credit)));
        let able = platform.test.store.candidates(Action::Credit, &ids).await.unwrap();
        assert!(able.iter().all(|candidate| !candidate.offers(Action::Credit)));
        platform.test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        do_batches(&platform.credit).await;
        assert_eq!(platform.test.store.batch_progress(1).await.unwrap().failure, 3);
        assert_eq!(fake.references(), sent);
        // What was registered through the API is still the API's.
        let row = platform.credit.run(Action::Cancel, &ids[..1], &|_| {}).await.unwrap().remove(0);
        assert_eq!(row.state, State::Cancelled);
    }

    async fn what_may_be_registered_by_a_file_is_sent_by_an_operator_alone(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let by_csv = platform.set(Mall { by_csv: true, ..automatic() }).await;
        let status = Some("新規受付");
        let perhaps = platform.import(&by_csv, "A-1", status).await;
        let by_api = platform.set(automatic()).await;
        let later = platform.import(&by_api, "A-2", status).await;
        platform.rounds().await;
        assert_eq!(platform.test.order(later).await.state, State::Approved);
        let order = platform.test.order(perhaps).await;
        assert_eq!((order.state, order.problem.clone()), (State::NotAsked, Some(Issue::PossiblyByFile)));
        assert_eq!(automation::task(&Order { held: None, ..order }, &by_api), None, "not even if it is not held back");
        // Who has looked can send it.
        let row = platform.credit.run(Action::Credit, &[perhaps], &|_| {}).await.unwrap().remove(0);
        assert_eq!((row.state, row.problem), (State::Approved, None));
        // One that the operator has sent with the change was decided on; one that the change was not about was not, and
        // who saw it before has not seen what is said of it.
        platform.set(Mall { by_csv: true, ..automatic() }).await;
        let told = platform.import(&by_csv, "A-3", status).await;
        let other = platform.import(&by_csv, "A-4", Some("保留")).await;
        let seen = platform.test.order(other).await.version;
        let send = MallUpdate { backlog: OnBacklog::Send(None), ..MallUpdate::default() };
        platform.test.store.put_mall(&automatic(), send).await.unwrap();
        assert_eq!(platform.test.order(told).await.problem, None);
        let order = platform.test.order(other).await;
        assert_eq!((order.problem, order.version), (Some(Issue::PossiblyByFile), seen + 1));
        platform.rounds().await;
        assert_eq!(platform.credited().await, [perhaps, later, told]);
    }

    async fn what_seems_to_be_another_order_is_sent_by_who_looks_at_it(db) {
        let fake = Fake::new(&[]);
        let platform = Platform::new(db, &[("fake", &fake)]).await;
        let mall = platform.set(automatic()).await;
        let status = Some("新規受付".to_owned());
        let another = Issue::PossibleDuplicate { mall: "m".into(), number: "A-1".into() };
        let new = store::NewOrder { order_status: status, problem: Some(another.clone()), ..new_order("A1", 1_000) };
        platform.test.store.insert_orders(&mall, &[new], platform.test.store.now()).await.unwrap();
        platform.rounds().await;
        let id = platform.test.all().await[0].id;
        let batch = platform.test.store.add_batch(NewBatch::new(Action::Credit, "op"), &[id], 1).await.unwrap();
        do_batches(&platform.credit).await;
        let row = platform.test.store.batch_rows(batch, 0, 1).await.unwrap().remove(0);
        assert_eq!((row.outcome, row.problem), (Some(Outcome::Failure), Some(another)));
        assert!(fake.references().is_empty());
        let confirmed = BatchOrder { confirmed: true, ..BatchOrder::from(&id) };
        platform.test.store.add_batch(NewBatch::new(Action::Credit, "op"), [confirmed], 1).await.unwrap();
        do_batches(&platform.credit).await;
        assert_eq!(platform.test.order(id).await.state, State::Approved);
    }

    async fn a_provider_that_keeps_failing_is_left_alone_and_no_other_suffers(db) {
        let failing = [Next::NotSent; 7];
        let (bad, good) = (Fake::new(&failing).with_info(|info| info.batch_limits.credit = 1), Fake::new(&[]));
        let platform = Platform::new(db, &[("fake", &bad), ("other", &good)]).await;
        let (ours, theirs) = (platform.set(automatic()).await, Mall { id: "n".into(), provider: "other".into(), ..automatic() });
        let theirs = platform.set(theirs).await;
        let status = Some("新規受付");
        for at in 0..FAILURES_UNTIL_OPEN {
            platform.import(&ours, &format!("A-{at}"), status).await;
        }
        assert_eq!(platform.round().await, 5);
        let breaker = platform.test.store.breakers().await.unwrap().remove(0);
        assert_eq!((breaker.provider.as_str(), breaker.state, breaker.failures), ("fake", BreakerState::Open, 5));
        assert!(matches!(breaker.problem, Some(Issue::NotSent { .. })));
        assert_eq!(breaker.probe_at, Some(breaker.since + FIRST_PROBE.as_millis() as i64));

        let (waiting, done) = (platform.import(&ours, "A-9", status).await, platform.import(&theirs, "B-1", status).await);
        assert_eq!(platform.round().await, 2);
        assert_eq!(platform.test.order(waiting).await.state, State::NotAsked, "put off");
        assert_eq!(platform.test.order(done).await.state, State::Approved, "another provider");
        let batch = platform.test.store.add_batch(NewBatch::new(Action::Credit, "op"), &[waiting], 1).await.unwrap();
        assert_eq!(do_batches(&platform.credit).await, 0, "batches wait as well");

        // An operator's click is one call, and tells whether the provider is there again.
        platform.credit.run(Action::Credit, &[waiting], &|_| {}).await.unwrap();
        assert_eq!(platform.test.order(waiting).await.state, State::NotSent);
        assert_eq!(platform.test.store.breakers().await.unwrap()[0].state, BreakerState::Open);
        platform.credit.run(Action::Credit, &[waiting], &|_| {}).await.unwrap();
        platform.credit.run(Action::Credit, &[waiting], &|_| {}).await.unwrap();
        let breaker = platform.test.store.breakers().await.unwrap().remove(0);
        assert_eq!((breaker.state, breaker.failures, breaker.probe_at), (BreakerState::Closed, 0, None));
        assert_eq!(do_batches(&platform.credit).await, 1, "the batch goes on");
        assert_eq!(platform.test.store.batch_progress(batch).await.unwrap().failure, 1, "approved meanwhile");
    }

    async fn one_process_tries_a_provider_again_and_the_pause_grows(db) {
        let test = TestStore::new(db).await;
        let store = &test.store;
        let problem = Issue::NotSent { said: ProviderMessage { code: None, message: "refused".into() }, cause: SendFailure::Unreachable };
        for _ in 0..FAILURES_UNTIL_OPEN {
            assert_eq!(store.admission("fake", 0).await.unwrap(), Admission::Free);
            store.note_health("fake", &CallHealth::Failed(problem.clone()), 1_000).await.unwrap();
        }
        let first = 1_000 + FIRST_PROBE.as_millis() as i64;
        assert_eq!(store.admission("fake", first - 1).await.unwrap(), Admission::NotBefore(first));
        assert_eq!(store.admission("fake", first).await.unwrap(), Admission::Probe);
        assert!(matches!(store.admission("fake", first).await.unwrap(), Admission::NotBefore(_)), "one tries");
        assert_eq!(store.breakers().await.unwrap()[0].state, BreakerState::HalfOpen);
        store.note_health("fake", &CallHealth::Failed(problem), first).await.unwrap();
        let second = first + 2 * FIRST_PROBE.as_millis() as i64;
        assert_eq!(store.admission("fake", first).await.unwrap(), Admission::NotBefore(second));
        assert_eq!(store.admission("fake", second).await.unwrap(), Admission::Probe);
        let abandoned = second + 10 * 60_000;
        assert_eq!(store.admission("fake", abandoned).await.unwrap(), Admission::Probe, "whoever tried has died");
        store.note_health("fake", &CallHealth::Answered, abandoned).await.unwrap();
        assert_eq!(store.admission("fake", abandoned).await.unwrap(), Admission::Free);
    }

    async fn orders_that_one_process_looks_at_no_other_takes(db) {
        let test = TestStore::new(db).await;
        let mall = Mall { automation: Automation { credit: Start::AtOnce, ..Automation::default() }, ..test.mall().await };
        test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        let orders: Vec<_> = (0..20).map(|at| new_order(&format!("A-{at}"), 1)).collect();
        test.store.insert_orders(&mall, &orders, 1).await.unwrap();
        let take = || async { test.again().await.take_due(2, 8, &DueFilter::default()).await.unwrap().orders };
        let taken: [Vec<Order>; 4] = tokio::join!(take(), take(), take(), take()).into();
        let mut ids: Vec<i64> = taken.iter().flatten().map(|order| order.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "none twice");
        while !test.store.take_due(2, 8, &DueFilter::default()).await.unwrap().orders.is_empty() {}
        assert_eq!(test.store.take_due(i64::MAX / 2, 100, &DueFilter::default()).await.unwrap().orders.len(), 20, "they come up again");
        assert_eq!(test.store.page(&ListQuery::default(), Position::First, 50).await.unwrap().orders.len(), 20);
    }
}
