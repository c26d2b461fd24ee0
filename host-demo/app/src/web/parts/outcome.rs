//! States and outcomes as pages show them.

use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::state::App;
use crate::web::texts::fill;
use domain::credit_state::{Action, Outcome, State};
use service::credit::CreditRow;
use service::messages::issue::sentence;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use store::BatchRow;

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
pub(crate) fn outcome_notice(app: &App, row: &CreditRow, action: Action, p: &Page) -> Notice {
    let (lang, t) = (p.lang, p.t);
    let text = match row.outcome {
        Outcome::Success => t.done_success,
        Outcome::Failure => t.done_failure,
        Outcome::Unknown => t.done_unknown,
    };
    let situation = row.situation(action, app.abilities(&row.provider));
    let problem = row.problem.as_ref().map(|problem| sentence(problem, &situation, lang)).unwrap_or_default();
    Notice::new(outcome_tone(row.outcome), fill(text, &[&row.number, &action.localized(lang), &problem]))
}

/// What decides about the next step of a row of a batch that did `action`; nothing is offered by a row that waits.
pub(crate) fn row_situation(row: &BatchRow, action: Action, app: &App) -> Situation {
    let after =
        |state| Situation::after(Some(action), state, row.transaction_id.is_some(), app.abilities(&row.provider));
    row.state.map_or_else(Situation::without_order, after)
}
