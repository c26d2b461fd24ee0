//! What happens to orders without an operator: credit when they come in, questions about those that are
//! under review or of unknown outcome, tracking numbers when they are entered.
//!
//! When an order is to be looked at next stands in the store with it, so nothing is forgotten when a
//! process ends. *When* is decided here by what happened to the order; *whether* anything is done, by
//! its mall's settings at that time.

use crate::clock;
use crate::desk::{Desk, DeskError, Row, Work};
use crate::mall::{Mall, Start};
use crate::order::Order;
use crate::provider::Provider;
use crate::state::{Action, State};
use crate::store::{Admission, FIRST_PROBE, Store, StoreError};
use crate::words::Problem;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Before an order is looked at for the second time. A verdict usually takes some minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
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
pub fn start(mall: &Mall, action: Action) -> Start {
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
pub fn task(order: &Order, mall: &Mall) -> Option<Action> {
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
    action != Action::Check && !order.problem.as_ref().is_none_or(Problem::may_pass)
}

/// Where an order moves in the shop's own words when it comes to `state` from another one.
pub fn order_status(mall: &Mall, from: State, state: State) -> Option<String> {
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

/// Who is written down for what the automation did.
pub const AUTOMATION: &str = "automation";

/// Orders that are looked at in one go: a round must end well before the lease on them does.
const LOOKED_AT_ONCE: usize = 200;

/// Looks at orders whose time has come, and does what their malls want done. How many were looked at:
/// none means that it is nobody's time yet.
pub async fn round<P: Provider + Clone>(desk: &Desk<P>) -> Result<usize, DeskError> {
    desk.worker.recover(&desk.store).await?;
    let now = clock::now();
    // First: an order that is read after the settings has been left to an operator if they say so.
    let malls = desk.store.malls().await?;
    let due = desk.store.take_due(now, LOOKED_AT_ONCE).await?;
    if due.orders.is_empty() {
        return Ok(0);
    }
    let plan = Plan::of(&desk.store, &malls, &due.orders, now).await?;
    for (at, orders) in &plan.put_off {
        desk.store.put_off(orders, due.lease, *at).await?;
    }
    for (action, works) in &plan.works {
        let rows = desk.of(AUTOMATION).work(*action, works, &|_| {}).await?;
        put_off_what_was_not_begun(desk, &rows, due.lease).await?;
    }
    Ok(due.orders.len())
}

/// What becomes of the orders of a round.
#[derive(Default)]
struct Plan {
    works: Vec<(Action, Vec<Work>)>,
    /// Until when which orders wait; never, where there is no time.
    put_off: BTreeMap<Option<i64>, Vec<i64>>,
}

impl Plan {
    async fn of(store: &Store, malls: &[Mall], orders: &[Order], now: i64) -> Result<Self, StoreError> {
        let malls: HashMap<_, _> = malls.iter().map(|mall| (mall.id.as_str(), mall)).collect();
        let mut plan = Plan::default();
        let mut admissions: HashMap<String, Admission> = HashMap::new();
        for order in orders {
            let mall = malls.get(order.mall.as_str());
            let Some((mall, action)) = mall.and_then(|mall| Some((mall, task(order, mall)?))) else {
                plan.put_off.entry(None).or_default().push(order.id);
                continue;
            };
            let provider = if action == Action::Credit { &mall.provider } else { &order.provider };
            let admission = match admissions.get(provider) {
                Some(known) => *known,
                None => store.admission(provider, now).await?,
            };
            // After the one that tries it, the others wait for what comes of it.
            let next = if admission == Admission::Probe { Admission::NotBefore(after_a_try(now)) } else { admission };
            admissions.insert(provider.clone(), next);
            match admission {
                Admission::Free | Admission::Probe => plan.add(action, order.id),
                Admission::NotBefore(at) => plan.put_off.entry(Some(at)).or_default().push(order.id),
            }
        }
        Ok(plan)
    }

    fn add(&mut self, action: Action, order: i64) {
        match self.works.iter_mut().find(|(planned, _)| *planned == action) {
            Some((_, works)) => works.push(order.into()),
            None => self.works.push((action, vec![order.into()])),
        }
    }
}

fn after_a_try(now: i64) -> i64 {
    now + FIRST_PROBE.as_millis() as i64
}

/// An order for which nothing could be asked waits for a person, unless it is a matter of time.
async fn put_off_what_was_not_begun<P>(desk: &Desk<P>, rows: &[Row], lease: i64) -> Result<(), StoreError> {
    let passes = |row: &&Row| matches!(row.problem, Some(Problem::Changed | Problem::ProviderMissing { .. }));
    let (again, never): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(passes);
    let ids = |rows: Vec<&Row>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    let later = clock::now() + FIRST_PAUSE.as_millis() as i64;
    desk.store.put_off(&ids(again), lease, Some(later)).await?;
    desk.store.put_off(&ids(never), lease, None).await
}
