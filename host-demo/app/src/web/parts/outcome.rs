//! States and outcomes as pages show them.

use crate::web::http::notice::{Notice, Tone};
use crate::web::texts::{Texts, fill};
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use domain::lang::Lang;
use service::credit::CreditRow;
use service::messages::localize::Localize;

/// The tone of a state.
pub(crate) fn state_tone(state: State) -> Tone {
    match state {
        State::NotAsked => Tone::None,
        State::Approved | State::Synced => Tone::Ok,
        State::Rejected | State::NotSent => Tone::Bad,
        State::Cancelled => Tone::None,
        State::UnderReview | State::OnHold => Tone::Wait,
        in_doubt if in_doubt.is_unknown() => Tone::Doubt,
        _ => Tone::Wait,
    }
}

/// The tone of an outcome.
pub(crate) fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Success => Tone::Ok,
        Outcome::Failure => Tone::Bad,
        Outcome::Unknown => Tone::Doubt,
    }
}

/// The outcome of an action on one order, as a notice.
pub(crate) fn outcome_notice(row: &CreditRow, action: Action, lang: Lang, t: &Texts) -> Notice {
    let text = match row.outcome {
        Outcome::Success => t.done_success,
        Outcome::Failure => t.done_failure,
        Outcome::Unknown => t.done_unknown,
    };
    let problem = row.problem.as_ref().map(|problem: &Issue| problem.localized(lang)).unwrap_or_default();
    Notice::new(outcome_tone(row.outcome), fill(text, &[&row.number, &action.localized(lang), &problem]))
}
