//! What a provider's answer means for an order: the event it is, and the words that go with it.
//!
//! An answer is compared with what was asked before it is believed, and one that says "it did not
//! happen" is believed only when the request can no longer be on its way.

use crate::providers::contract;
use domain::credit_state::{Action, Event, State};
use domain::issue::{Issue, ProviderMessage, SendFailure};
use domain::moment::Moment;
use domain::order::Order;
use provider_host::contract::{Capability, Decision, Failure, Reason, Standing, Verdict};
use std::time::Duration;

/// The in-flight window: how long after a request was claimed an answer "there is no such thing" is believed. The
/// request of a process that was killed may still be on its way: the host gives a call 40 seconds, and this is three
/// times that. It is measured by clocks that both processes share; see [`Moment`].
pub const IN_FLIGHT_WINDOW: Duration = Duration::from_secs(120);

/// How old a claim may be when its request is sent. The in-flight window begins with the claim and has to be over only
/// when nothing of the request can arrive any more: it holds this, the host's 40 seconds for the call, and the rest for
/// the network. A process that was stopped in between, or whose database was slow, sends nothing: others may have found
/// meanwhile that nothing was there, and have sent the order themselves.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);

/// What an answer means for one order.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseOutcome {
    /// What happened.
    pub event: Event,
    /// What the order's problem is from now on.
    pub problem: Option<Issue>,
    /// The provider's id, if the answer carries one.
    pub transaction_id: Option<String>,
}

impl ResponseOutcome {
    fn new(event: Event, problem: Option<Issue>) -> Self {
        Self { event, problem, transaction_id: None }
    }
}

/// What it means for an order that nothing was sent because its claim was too old; see [`SEND_WITHIN`].
pub fn claim_too_old(action: Action) -> ResponseOutcome {
    let event = match action {
        Action::Credit => Event::CreditNotSent,
        Action::Cancel => Event::CancelFailed,
        Action::Sync => Event::SyncFailed,
        // They claim nothing.
        Action::Check | Action::Decide => Event::CheckNoNews,
    };
    let said = ProviderMessage { code: None, message: format!("the claim was older than {SEND_WITHIN:?}") };
    ResponseOutcome::new(event, Some(Issue::NotSent { said, cause: SendFailure::ClaimTooOld }))
}

/// What the answer to a registration of `order` means.
pub fn to_credit(order: &Order, answer: Result<Decision, Failure>) -> ResponseOutcome {
    match answer {
        Ok(decision) => {
            const EVENTS: Verdicts = [
                Event::CreditApproved,
                Event::CreditUnderReview,
                Event::CreditRejected,
                Event::CreditOnHold,
                Event::CreditUnknown,
            ];
            decided(order, decision, EVENTS)
        }
        Err(failure) => {
            let event = match &failure {
                // "This reference exists already": what was sent before arrived, and is to be asked for.
                Failure::OutcomeUnknown(_) | Failure::Already(_) => Event::CreditUnknown,
                // A provider that has no clear word for it may say so like this.
                Failure::Refused(_) if sent_before(order) => Event::CreditUnknown,
                _ => Event::CreditNotSent,
            };
            ResponseOutcome::new(event, Some(contract::issue(failure, Action::Credit)))
        }
    }
}

/// The events of the verdicts approved, under review, rejected, on hold and other.
type Verdicts = [Event; 5];

fn decided(
    order: &Order,
    decision: Decision,
    [approved, under_review, rejected, on_hold, other]: Verdicts,
) -> ResponseOutcome {
    let all = |said: Vec<Reason>| said.into_iter().map(contract::message).collect();
    let (event, problem) = match decision.verdict {
        Verdict::Approved => (approved, None),
        Verdict::UnderReview => (under_review, None),
        Verdict::Rejected(said) => (rejected, Some(Issue::Rejected { said: all(said) })),
        Verdict::OnHold(said) => (on_hold, Some(Issue::OnHold { said: all(said) })),
        Verdict::Other(said) => (other, Some(Issue::NeedsPerson { said: contract::message(said) })),
    };
    checked_id(order, ResponseOutcome { event, problem, transaction_id: decision.transaction_id })
}

fn sent_before(order: &Order) -> bool {
    order.registration.as_ref().is_some_and(|registration| registration.sends > 1)
}

/// A question where an order stands.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// When it was asked.
    pub at: Moment,
    /// See [`IN_FLIGHT_WINDOW`].
    pub in_flight_window: Duration,
    /// What the provider can tell.
    pub provider: Capability,
}

/// What the answer to the question where `order` stands means.
pub fn to_check(order: &Order, answer: Result<Standing, Failure>, question: &Inquiry) -> ResponseOutcome {
    with_open_question(order, checked(order, answer, question))
}

fn with_open_question(order: &Order, outcome: ResponseOutcome) -> ResponseOutcome {
    ResponseOutcome { problem: order.problem_after(outcome.event, outcome.problem), ..outcome }
}

fn checked(order: &Order, answer: Result<Standing, Failure>, question: &Inquiry) -> ResponseOutcome {
    let standing = match answer {
        Ok(standing) => standing,
        Err(failure) => return ResponseOutcome::new(Event::CheckNoNews, Some(contract::issue(failure, Action::Check))),
    };
    if let Some(problem) = disbelief(order, &standing, question) {
        return ResponseOutcome::new(Event::CheckNoNews, Some(with_refusal(order, problem)));
    }
    match standing {
        // That there is a number was known; whose, only a person can see.
        Standing::TrackingRegistered if order.has_number_of_unknown_origin() => {
            ResponseOutcome::new(Event::CheckNoNews, None)
        }
        Standing::NotFound => {
            ResponseOutcome::new(Event::CheckNotFound, Some(with_refusal(order, Issue::NothingThere)))
        }
        Standing::Cancelled => ResponseOutcome::new(Event::CheckCancelled, None),
        Standing::TrackingRegistered => ResponseOutcome::new(Event::CheckTracked, None),
        Standing::Paid => ResponseOutcome::new(Event::CheckPaid, None),
        Standing::Other(said) => {
            ResponseOutcome::new(Event::CheckOther, Some(Issue::NeedsPerson { said: contract::message(said) }))
        }
        Standing::Decided(decision) => {
            const EVENTS: Verdicts = [
                Event::CheckApproved,
                Event::CheckUnderReview,
                Event::CheckRejected,
                Event::CheckOnHold,
                Event::CheckOther,
            ];
            decided(order, decision, EVENTS)
        }
    }
}

/// What a question found, for an order whose last sending the provider refused in words: they stay, and
/// nothing repeats it by itself.
fn with_refusal(order: &Order, found: Issue) -> Issue {
    match (&order.problem, found) {
        (Some(Issue::Refused { said }), Issue::NothingThere) => Issue::RefusedAndNothingThere { said: said.clone() },
        (Some(refused @ Issue::Refused { .. }), Issue::TooEarly { .. }) => refused.clone(),
        (_, found) => found,
    }
}

/// Why an answer that the last request left no trace is not to be believed: it may be on its way, or
/// this provider never shows that trace.
fn disbelief(order: &Order, standing: &Standing, question: &Inquiry) -> Option<Issue> {
    let not_found = matches!(standing, Standing::NotFound);
    let verdict = matches!(standing, Standing::Decided(_));
    let shipped = matches!(standing, Standing::TrackingRegistered | Standing::Paid);
    let not_cancelled = order.state == State::CancelUnknown && (verdict || shipped);
    let not_tracked = order.state == State::SyncUnknown && verdict;
    if not_cancelled && verdict && !question.provider.contains(Capability::REPORTS_CANCEL) {
        return Some(Issue::CannotTell { action: Action::Cancel.to_string() });
    }
    if not_tracked && !question.provider.contains(Capability::REPORTS_TRACKING) {
        return Some(Issue::CannotTell { action: Action::Sync.to_string() });
    }
    if (not_found || not_cancelled || not_tracked)
        && let Some(early) = in_flight(order, &question.at, question.in_flight_window)
    {
        return Some(early);
    }
    // What was acknowledged once exists; a response that it does not is not believed. A provider without ids acknowledges
    // a reference.
    let is_acknowledged = not_found && (order.transaction_id().is_some() || order.state != State::Unknown);
    let acknowledged = || order.transaction_id().unwrap_or(order.reference()).to_owned();
    is_acknowledged.then(|| Issue::Vanished { transaction_id: acknowledged() })
}

/// Why something that was sent for `order` can still be on its way at `now`; nothing if it cannot. Where the clocks
/// of then and now have nothing in common, it has to be waited for from now on.
pub fn in_flight(order: &Order, now: &Moment, in_flight_window: Duration) -> Option<Issue> {
    let passed = now.since(order.sent.as_ref()?);
    let left = in_flight_window.as_millis() as i64 - passed.unwrap_or(0);
    let is_early = passed.is_none() || left > 0;
    is_early.then(|| Issue::TooEarly { until: now.at + left, measured_anew: passed.is_none(), by_operator: false })
}

/// An answer under another id than the order's is about something else.
fn checked_id(order: &Order, finding: ResponseOutcome) -> ResponseOutcome {
    match (order.transaction_id(), &finding.transaction_id) {
        (Some(asked), Some(answered)) if asked != answered => {
            let problem = Issue::AnotherId { asked: asked.to_owned(), answered: answered.clone() };
            ResponseOutcome::new(finding.event.doubted(), Some(problem))
        }
        _ => finding,
    }
}

/// What the answer to a cancel means.
pub fn to_cancel(answer: Result<(), Failure>) -> ResponseOutcome {
    done(answer, Action::Cancel, [Event::CancelDone, Event::CancelFailed, Event::CancelUnknown])
}

/// What the answer to a tracking number of `order` means. One that is there already is ours if its
/// response was lost before; else it is not known who entered it.
pub fn to_sync(order: &Order, answer: Result<(), Failure>) -> ResponseOutcome {
    let was_lost = order.state == State::SyncingAgain && !order.has_number_of_unknown_origin();
    let outcome = match answer {
        Err(Failure::Already(_)) if was_lost => ResponseOutcome::new(Event::SyncDone, None),
        answer => done(answer, Action::Sync, [Event::SyncDone, Event::SyncFailed, Event::SyncUnknown]),
    };
    with_open_question(order, outcome)
}

fn done(answer: Result<(), Failure>, action: Action, [done, failed, unknown]: [Event; 3]) -> ResponseOutcome {
    match answer {
        Ok(()) => ResponseOutcome::new(done, None),
        Err(failure) => {
            let in_doubt = matches!(failure, Failure::OutcomeUnknown(_) | Failure::Already(_));
            let event = if in_doubt { unknown } else { failed };
            ResponseOutcome::new(event, Some(contract::issue(failure, action)))
        }
    }
}
