//! What a provider's answer means for an order: the event it is, and the words that go with it.
//!
//! An answer is compared with what was asked before it is believed, and one that says "it did not
//! happen" is believed only when the request can no longer be on its way.

use crate::order::Order;
use crate::state::{Action, Event, State};
use crate::store::Moment;
use crate::words::Problem;
use provider_host::contract::{Capability, Decision, Failure, Reason, Standing, Verdict};
use std::time::Duration;

/// The in-flight window: how long after a request was claimed an answer "there is no such thing" is believed. The
/// request of a process that was killed may still be on its way: the host gives a call 40 seconds, and this is three
/// times that. It is measured by clocks that both processes share; see [`Moment`].
pub const SETTLE: Duration = Duration::from_secs(120);

/// What an answer means for one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What happened.
    pub event: Event,
    /// What the order's problem is from now on.
    pub problem: Option<Problem>,
    /// The provider's id, if the answer carries one.
    pub transaction_id: Option<String>,
}

impl Finding {
    fn new(event: Event, problem: Option<Problem>) -> Self {
        Finding { event, problem, transaction_id: None }
    }
}

/// What the answer to a registration of `order` means.
pub fn to_credit(order: &Order, answer: Result<Decision, Failure>) -> Finding {
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
            Finding::new(event, Some(Problem::of(failure, Action::Credit)))
        }
    }
}

/// The events of the verdicts approved, under review, rejected, on hold and other.
type Verdicts = [Event; 5];

fn decided(order: &Order, decision: Decision, [approved, under_review, rejected, on_hold, other]: Verdicts) -> Finding {
    let all = |said: Vec<Reason>| said.into_iter().map(Into::into).collect();
    let (event, problem) = match decision.verdict {
        Verdict::Approved => (approved, None),
        Verdict::UnderReview => (under_review, None),
        Verdict::Rejected(said) => (rejected, Some(Problem::Rejected { said: all(said) })),
        Verdict::OnHold(said) => (on_hold, Some(Problem::OnHold { said: all(said) })),
        Verdict::Other(said) => (other, Some(Problem::NeedsPerson { said: said.into() })),
    };
    checked_id(order, Finding { event, problem, transaction_id: decision.transaction_id })
}

fn sent_before(order: &Order) -> bool {
    order.registration.as_ref().is_some_and(|registration| registration.sends > 1)
}

/// A question where an order stands.
#[derive(Debug, Clone)]
pub struct Question {
    /// When it was asked.
    pub at: Moment,
    /// See [`SETTLE`].
    pub settle: Duration,
    /// What the provider can tell.
    pub provider: Capability,
}

/// What the answer to the question where `order` stands means.
pub fn to_check(order: &Order, answer: Result<Standing, Failure>, question: &Question) -> Finding {
    let standing = match answer {
        Ok(standing) => standing,
        Err(failure) => return Finding::new(Event::CheckNoNews, Some(Problem::of(failure, Action::Check))),
    };
    if let Some(problem) = disbelief(order, &standing, question) {
        return Finding::new(Event::CheckNoNews, Some(with_refusal(order, problem)));
    }
    match standing {
        Standing::NotFound => Finding::new(Event::CheckNotFound, Some(with_refusal(order, Problem::NothingThere))),
        Standing::Cancelled => Finding::new(Event::CheckCancelled, None),
        Standing::TrackingRegistered => Finding::new(Event::CheckTracked, None),
        Standing::Paid => Finding::new(Event::CheckPaid, None),
        Standing::Other(said) => Finding::new(Event::CheckOther, Some(Problem::NeedsPerson { said: said.into() })),
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
fn with_refusal(order: &Order, found: Problem) -> Problem {
    match (&order.problem, found) {
        (Some(Problem::Refused { said }), Problem::NothingThere) => {
            Problem::RefusedAndNothingThere { said: said.clone() }
        }
        (Some(refused @ Problem::Refused { .. }), Problem::TooEarly { .. }) => refused.clone(),
        (_, found) => found,
    }
}

/// Why an answer that the last request left no trace is not to be believed: it may be on its way, or
/// this provider never shows that trace. A tracking number may be late: sending it again moves no money.
fn disbelief(order: &Order, standing: &Standing, question: &Question) -> Option<Problem> {
    let not_found = matches!(standing, Standing::NotFound);
    let verdict = matches!(standing, Standing::Decided(_));
    let not_cancelled = order.state == State::CancelUnknown && verdict;
    let not_tracked = order.state == State::SyncUnknown && verdict;
    if not_cancelled && !question.provider.contains(Capability::REPORTS_CANCEL) {
        return Some(Problem::CannotTell { action: Action::Cancel.to_string() });
    }
    if not_tracked && !question.provider.contains(Capability::REPORTS_TRACKING) {
        return Some(Problem::CannotTell { action: Action::Sync.to_string() });
    }
    if let Some(early) = in_flight(order, &question.at, question.settle).filter(|_| not_found || not_cancelled) {
        return Some(early);
    }
    // What was acknowledged once exists; an answer that it does not is somebody's mistake.
    let acknowledged = order.transaction_id().filter(|_| not_found);
    acknowledged.map(|id| Problem::Vanished { transaction_id: id.to_owned() })
}

/// Why something that was sent for `order` can still be on its way at `now`; nothing if it cannot. Where the clocks
/// of then and now have nothing in common, it has to be waited for from now on.
pub fn in_flight(order: &Order, now: &Moment, settle: Duration) -> Option<Problem> {
    let passed = now.since(order.sent.as_ref()?);
    let left = settle.as_millis() as i64 - passed.unwrap_or(0);
    let is_early = passed.is_none() || left > 0;
    is_early.then(|| Problem::TooEarly { until: now.at + left, measured_anew: passed.is_none(), by_operator: false })
}

/// An answer under another id than the order's is about something else.
fn checked_id(order: &Order, finding: Finding) -> Finding {
    match (order.transaction_id(), &finding.transaction_id) {
        (Some(asked), Some(answered)) if asked != answered => {
            let problem = Problem::AnotherId { asked: asked.to_owned(), answered: answered.clone() };
            Finding::new(finding.event.doubted(), Some(problem))
        }
        _ => finding,
    }
}

/// What the answer to a cancel means.
pub fn to_cancel(answer: Result<(), Failure>) -> Finding {
    done(answer, Action::Cancel, [Event::CancelDone, Event::CancelFailed, Event::CancelUnknown])
}

/// What the answer to a tracking number of `order` means. One that is there already is ours if its
/// answer was lost before; else nobody knows whose it is.
pub fn to_sync(order: &Order, answer: Result<(), Failure>) -> Finding {
    match answer {
        Err(Failure::Already(_)) if order.state == State::SyncingAgain => Finding::new(Event::SyncDone, None),
        answer => done(answer, Action::Sync, [Event::SyncDone, Event::SyncFailed, Event::SyncUnknown]),
    }
}

fn done(answer: Result<(), Failure>, action: Action, [done, failed, unknown]: [Event; 3]) -> Finding {
    match answer {
        Ok(()) => Finding::new(done, None),
        Err(failure) => {
            let in_doubt = matches!(failure, Failure::OutcomeUnknown(_) | Failure::Already(_));
            let event = if in_doubt { unknown } else { failed };
            Finding::new(event, Some(Problem::of(failure, action)))
        }
    }
}
