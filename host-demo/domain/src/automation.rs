//! What happens to orders without an operator: credit when they come in, inquiries about those that are under review
//! or of unknown outcome, tracking numbers when they are entered.
//!
//! *When* an order is looked at next is decided by what happened to it; *whether* anything is done then, by its mall's
//! settings at that time.

use crate::credit_state::{Action, State};
use crate::issue::Issue;
use crate::mall::{Mall, Start};
use crate::order::Order;
use std::time::Duration;

/// Before an order is looked at for the second time. A verdict usually takes some minutes.
pub const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// No pause is longer: a verdict that took hours must not then wait for hours more.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// The pause after nothing came of it `tries` times in a row: 1, 1.5, 2.25 … 30 minutes. Asked so, a verdict
/// of five minutes is known after eight at most, and two hours take eleven questions.
pub fn pause(tries: i64) -> Duration {
    let growth = 1.5f64.powi(i32::try_from(tries.clamp(0, 20)).unwrap_or(0));
    FIRST_PAUSE.mul_f64(growth).min(LONGEST_PAUSE)
}

/// What a mall can have begun by itself; each has its own [`Start`].
pub const STARTED: [Action; 2] = [Action::Credit, Action::Sync];

/// When the mall has `action` begin by itself. No credit is run where results come by CSV.
pub fn start<S>(mall: &Mall<S>, action: Action) -> Start {
    match action {
        Action::Credit if !mall.by_csv => mall.automation.credit.clone(),
        Action::Sync => mall.automation.sync.clone(),
        _ => Start::Never,
    }
}

/// When to look next at `order`, to which something has just happened; never where only a person can
/// help.
pub fn due(order: &Order, now: i64) -> Option<i64> {
    let action = order.state.automatic()?;
    if action == Action::Sync && order.tracking.is_none() {
        return None;
    }
    if is_stuck(order, action) {
        return None;
    }
    // What has not failed yet is begun at once; an answer takes its time.
    let begins = order.tries == 0 && action != Action::Check;
    let wait = if begins { 0 } else { pause(order.tries).as_millis() as i64 };
    let earliest = order.problem.as_ref().map_or(now, |problem| problem.not_before(now));
    Some((now + wait).max(earliest))
}

/// What the automation does with `order` now, under its mall's settings.
pub fn task<S>(order: &Order, mall: &Mall<S>) -> Option<Action> {
    let action = order.state.automatic().filter(|action| order.offers(*action))?;
    let wanted = match action {
        Action::Check => mall.automation.poll,
        // An order that waited when this was switched on may have been left to an operator.
        _ => start(mall, action).holds(order.order_status.as_deref()) && order.held != Some(action),
    };
    (wanted && !is_stuck(order, action)).then_some(action)
}

/// Whether doing it again would come to the same. Asking moves nothing and can always bring news.
fn is_stuck(order: &Order, action: Action) -> bool {
    action != Action::Check && !order.problem.as_ref().is_none_or(Issue::may_pass)
}

/// Where an order moves in the shop's own words when it comes to `state` from another one.
pub fn order_status<S>(mall: &Mall<S>, from: State, state: State) -> Option<String> {
    if from == state {
        return None;
    }
    match state {
        State::Approved | State::CsvApproved => mall.automation.approved.clone(),
        State::Rejected | State::CsvRejected => mall.automation.rejected.clone(),
        State::OnHold | State::CsvOnHold => mall.automation.on_hold.clone(),
        _ => None,
    }
}
