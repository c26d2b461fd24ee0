//! What an answer is believed to mean, and when it is not believed.

mod common;

use common::TestStore;
use common::fake::reason;
use domain::credit_state::{Event, State};
use domain::issue::Issue;
use domain::lang::Lang;
use domain::moment::Moment;
use domain::order::{Order, Registration};
use provider_host::contract::{Capability, Decision, Failure, Standing, Verdict};
use service::messages::issue::summary;
use service::providers::response::{Inquiry, to_cancel, to_check, to_credit, to_sync};
use std::time::Duration;

const IN_FLIGHT_WINDOW: Duration = Duration::from_secs(120);
const SENT_AT: i64 = 1_000_000;
const SETTLED: i64 = SENT_AT + 120_000;

/// An order in `state`, sent at [`SENT_AT`] under an id if one is given.
async fn order(state: State, transaction_id: Option<&str>) -> Order {
    let mut order = TestStore::new(common::Db::Sqlite).await.orders(1).await.remove(0);
    let transaction_id = transaction_id.map(str::to_owned);
    order.registration = Some(Registration { reference: "R-1".into(), account: 1, sends: 1, transaction_id });
    (order.state, order.sent) = (state, Some(moment(SENT_AT)));
    order
}

/// A moment by the one clock that these tests have.
fn moment(at: i64) -> Moment {
    Moment { at, clock: Some("shared".into()), uptime: None }
}

/// A question to a provider that tells everything, asked at `at`.
fn question(at: i64) -> Inquiry {
    Inquiry {
        at: moment(at),
        in_flight_window: IN_FLIGHT_WINDOW,
        provider: Capability::REPORTS_CANCEL | Capability::REPORTS_TRACKING,
    }
}

fn approved(id: &str) -> Decision {
    Decision { transaction_id: Some(id.to_owned()), verdict: Verdict::Approved }
}

#[tokio::test]
async fn no_trace_is_believed_only_when_the_request_has_settled() {
    let unknown = order(State::Unknown, None).await;
    let cancel = order(State::CancelUnknown, Some("T1")).await;
    let sync = order(State::SyncUnknown, Some("T1")).await;
    let decided = || Standing::Decided(approved("T1"));
    let cases = [
        (&unknown, Standing::NotFound, SETTLED - 1, Event::CheckNoNews),
        (&unknown, Standing::NotFound, SETTLED, Event::CheckNotFound),
        (&unknown, decided(), SENT_AT, Event::CheckApproved),
        (&cancel, decided(), SETTLED - 1, Event::CheckNoNews),
        (&cancel, decided(), SETTLED, Event::CheckApproved),
        (&cancel, Standing::Cancelled, SENT_AT, Event::CheckCancelled),
        (&cancel, Standing::TrackingRegistered, SETTLED - 1, Event::CheckNoNews),
        (&cancel, Standing::TrackingRegistered, SETTLED, Event::CheckTracked),
        (&cancel, Standing::Paid, SETTLED - 1, Event::CheckNoNews),
        (&sync, decided(), SETTLED - 1, Event::CheckNoNews),
        (&sync, decided(), SETTLED, Event::CheckApproved),
        (&sync, Standing::TrackingRegistered, SENT_AT, Event::CheckTracked),
        // It was acknowledged: it cannot be gone, however late it is.
        (&cancel, Standing::NotFound, SETTLED, Event::CheckNoNews),
        (&sync, Standing::NotFound, SETTLED, Event::CheckNoNews),
    ];
    for (order, standing, asked_at, event) in cases {
        let finding = to_check(order, Ok(standing.clone()), &question(asked_at));
        assert_eq!(finding.event, event, "{} {standing:?} at {asked_at}", order.state);
        assert_eq!(finding.problem.is_some(), matches!(event, Event::CheckNoNews | Event::CheckNotFound));
    }
}

/// A reference that was sent before was refused for its content: the question finds nothing, the provider's
/// words stay, and nothing repeats by itself.
#[tokio::test]
async fn a_refusal_in_words_survives_that_nothing_is_there() {
    let mut unknown = order(State::Unknown, None).await;
    unknown.registration.as_mut().unwrap().sends = 2;
    let refused = to_credit(&unknown, Err(Failure::Refused(reason("E00305", "このサイトでは扱えません"))));
    assert_eq!(refused.event, Event::CreditUnknown);
    unknown.problem = refused.problem;
    let early = to_check(&unknown, Ok(Standing::NotFound), &question(SETTLED - 1));
    assert_eq!((early.event, &early.problem), (Event::CheckNoNews, &unknown.problem), "not even then");
    unknown.problem = early.problem;
    let gone = to_check(&unknown, Ok(Standing::NotFound), &question(SETTLED));
    let problem = gone.problem.unwrap();
    assert_eq!(gone.event, Event::CheckNotFound);
    assert!(summary(&problem, Lang::Ja).contains("E00305 このサイトでは扱えません"), "{}", summary(&problem, Lang::Ja));
    assert!(summary(&problem, Lang::En).contains("E00305 このサイトでは扱えません"));
    assert!(!problem.may_pass(), "or the automation would send it again");
    // Without such words the same answer lets it be sent again.
    unknown.problem = Some(Issue::ProcessDied);
    let gone = to_check(&unknown, Ok(Standing::NotFound), &question(SETTLED));
    assert_eq!(gone.problem, Some(Issue::NothingThere));
}

#[tokio::test]
async fn an_answer_under_another_id_is_about_something_else() {
    let order = order(State::UnderReview, Some("T1")).await;
    let finding = to_check(&order, Ok(Standing::Decided(approved("T2"))), &question(SETTLED));
    assert_eq!((finding.event, finding.transaction_id), (Event::CheckNoNews, None));
    assert_eq!(finding.problem, Some(Issue::AnotherId { asked: "T1".into(), answered: "T2".into() }));
}

#[tokio::test]
async fn only_an_unknown_outcome_is_unknown() {
    let order = order(State::Sending, None).await;
    let because = || reason("E1", "x");
    let cases = [
        (Failure::Invalid(vec![]), Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::Unauthorized(because()), Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::Already(because()), Event::CreditUnknown, Event::CancelUnknown, Event::SyncUnknown),
        (Failure::Refused(because()), Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::NotSent(because()), Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::Busy((because(), Some(3))), Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::Unsupported, Event::CreditNotSent, Event::CancelFailed, Event::SyncFailed),
        (Failure::OutcomeUnknown(because()), Event::CreditUnknown, Event::CancelUnknown, Event::SyncUnknown),
    ];
    for (failure, credit, cancel, sync) in cases {
        assert_eq!(to_credit(&order, Err(failure.clone())).event, credit, "{failure:?}");
        assert_eq!(to_cancel(Err(failure.clone())).event, cancel, "{failure:?}");
        assert_eq!(to_sync(&order, Err(failure.clone())).event, sync, "{failure:?}");
        let check = to_check(&order, Err(failure.clone()), &question(SETTLED));
        assert_eq!(check.event, Event::CheckNoNews, "{failure:?}");
    }
}

#[tokio::test]
async fn a_verdict_says_nothing_about_what_the_provider_never_tells() {
    let cancel = order(State::CancelUnknown, Some("T1")).await;
    let sync = order(State::SyncUnknown, Some("T1")).await;
    let blind = Inquiry { provider: Capability::empty(), ..question(SETTLED) };
    for order in [&cancel, &sync] {
        let finding = to_check(order, Ok(Standing::Decided(approved("T1"))), &blind);
        assert_eq!(finding.event, Event::CheckNoNews, "{}", order.state);
        assert!(matches!(finding.problem, Some(Issue::CannotTell { .. })), "{:?}", finding.problem);
    }
    assert_eq!(to_check(&sync, Ok(Standing::TrackingRegistered), &blind).event, Event::CheckTracked);
    assert_eq!(to_check(&cancel, Ok(Standing::Cancelled), &blind).event, Event::CheckCancelled);
}

#[tokio::test]
async fn a_tracking_number_that_is_there_already_is_ours_only_if_it_was_sent_before() {
    let again = order(State::SyncingAgain, Some("T1")).await;
    let first = order(State::Syncing, Some("T1")).await;
    let already = || Err(Failure::Already(reason("E1", "x")));
    assert_eq!(to_sync(&again, already()).event, Event::SyncDone);
    assert_eq!(to_sync(&first, already()).event, Event::SyncUnknown);
}

#[tokio::test]
async fn whose_number_the_provider_has_is_settled_by_a_person_alone() {
    let first = order(State::Syncing, Some("T1")).await;
    let already = || Err(Failure::Already(reason("E1", "x")));
    let told = to_sync(&first, already()).problem;
    let mut doubted = order(State::SyncUnknown, Some("T1")).await;
    doubted.problem = told.clone();
    for (answer, event) in [
        (Ok(Standing::TrackingRegistered), Event::CheckNoNews),
        (Err(Failure::Busy((reason("E2", "x"), None))), Event::CheckNoNews),
        (Ok(Standing::Other(reason("E3", "x"))), Event::CheckOther),
    ] {
        let outcome = to_check(&doubted, answer, &question(SETTLED));
        assert_eq!((outcome.event, outcome.problem), (event, told.clone()), "it is still the question");
    }
    // Nor does asking for it once more make it ours.
    doubted.state = State::SyncingAgain;
    for answer in [already(), Err(Failure::NotSent(reason("E4", "x")))] {
        let outcome = to_sync(&doubted, answer);
        assert_ne!(outcome.event, Event::SyncDone);
        assert_eq!(outcome.problem, told);
    }
    // Other answers say something new.
    doubted.state = State::SyncUnknown;
    for (standing, event) in [
        (Standing::Paid, Event::CheckPaid),
        (Standing::Cancelled, Event::CheckCancelled),
        (Standing::Decided(approved("T1")), Event::CheckApproved),
    ] {
        let outcome = to_check(&doubted, Ok(standing), &question(SETTLED));
        assert_eq!((outcome.event, outcome.problem), (event, None));
    }
}
