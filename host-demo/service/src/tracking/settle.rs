//! Decides of many parcels at once which tracking number each order gets: one for an order, whatever rows there are,
//! and no number for orders that go to different destinations. Nothing is read or written here.

use crate::tracking::rules::{self, ReportedParcel};
use domain::normalize::tracking_number::NumberDoubt;
use domain::order::{Order, Tracking};
use domain::tracking::TrackingProblem;
use std::collections::{BTreeSet, HashMap};
use unicode_normalization::UnicodeNormalization;

/// A tracking number that a row has for an order.
#[derive(Debug, Clone)]
pub struct Proposal<'a> {
    /// The row; what is refused of a row refuses all of it.
    pub row: usize,
    /// The order.
    pub order: &'a Order,
    /// What is to be entered, as far as nothing is wrong with it by itself.
    pub judged: Result<(Tracking, Option<NumberDoubt>), TrackingProblem>,
    /// The row says on which day the parcel was handed over.
    pub is_day_given: bool,
}

/// What becomes of a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is entered. The numbers of the order's other parcels are for its history.
    Enter(Vec<String>),
    /// The order has it already.
    Unchanged,
    /// Another row has the number of this order that is reported.
    OtherParcel,
    /// It is not entered.
    Refused(TrackingProblem),
    /// Its row is refused for another order in it.
    RowRefused,
}

/// Decides of all `proposals`; `holders` are orders of the store by the tracking number that they have.
pub fn settle(proposals: &[Proposal<'_>], holders: &HashMap<String, Vec<Order>>) -> Vec<Verdict> {
    let mut refused: HashMap<usize, TrackingProblem> = HashMap::new();
    for (at, proposal) in proposals.iter().enumerate() {
        if let Err(problem) = &proposal.judged {
            refused.insert(at, problem.clone());
        }
    }
    // A row that is refused makes room for the next parcel of its orders, so all is decided anew without it. Each time
    // at least one row more is refused.
    loop {
        let rows: BTreeSet<usize> =
            refused.keys().filter_map(|at| proposals.get(*at)).map(|proposal| proposal.row).collect();
        let round = Round::new(proposals, &rows);
        let news = round.problems(holders);
        if news.is_empty() {
            return round.verdicts(&refused, &rows);
        }
        refused.extend(news);
    }
}

/// The proposals whose rows are not refused, with the one that is chosen for each order.
struct Round<'a> {
    proposals: &'a [Proposal<'a>],
    /// By order: the chosen proposal, and every other number of the order.
    chosen: HashMap<i64, (usize, Vec<String>)>,
}

impl<'a> Round<'a> {
    fn new(proposals: &'a [Proposal<'a>], refused_rows: &BTreeSet<usize>) -> Self {
        let mut of_order: HashMap<i64, Vec<(usize, &'a Tracking)>> = HashMap::new();
        for (at, proposal) in proposals.iter().enumerate() {
            if let Ok((tracking, _)) = &proposal.judged
                && !refused_rows.contains(&proposal.row)
            {
                of_order.entry(proposal.order.id).or_default().push((at, tracking));
            }
        }
        let choose = |(order, parcels): (i64, Vec<(usize, &Tracking)>)| {
            let (first, last) = (parcels.first()?, parcels.last()?);
            let rule = rules::of(&proposals.get(first.0)?.order.provider);
            let (at, tracking) = match rule.several_parcels {
                ReportedParcel::First => first,
                ReportedParcel::Last => last,
            };
            let mut others: Vec<String> = Vec::new();
            for (_, other) in &parcels {
                if other.number != tracking.number && !others.contains(&other.number) {
                    others.push(other.number.clone());
                }
            }
            Some((order, (*at, others)))
        };
        Self { proposals, chosen: of_order.into_iter().filter_map(choose).collect() }
    }

    /// The chosen proposals, in the order of the rows.
    fn entered(&self) -> Vec<(usize, &'a Proposal<'a>, &'a Tracking)> {
        let mut places: Vec<usize> = self.chosen.values().map(|(at, _)| *at).collect();
        places.sort_unstable();
        let entered = places.into_iter().filter_map(|at| {
            let proposal = self.proposals.get(at)?;
            Some((at, proposal, &proposal.judged.as_ref().ok()?.0))
        });
        entered.collect()
    }

    /// What is wrong with chosen proposals beside the others and the store.
    fn problems(&self, holders: &HashMap<String, Vec<Order>>) -> HashMap<usize, TrackingProblem> {
        let mut problems = HashMap::new();
        let mut by_number: HashMap<&str, Vec<(usize, &Proposal<'_>)>> = HashMap::new();
        for (at, proposal, tracking) in self.entered() {
            by_number.entry(&tracking.number).or_default().push((at, proposal));
            if !is_unchanged(proposal, tracking) && !proposal.order.state.tracking_open() {
                problems.insert(at, TrackingProblem::Closed(proposal.order.state));
            }
        }
        for (number, sharing) in by_number {
            // An order that gets another number now gives this one up.
            let is_held = |order: &&Order| !self.chosen.contains_key(&order.id) && !order.state.is_void();
            let held: Vec<&Order> = holders.get(number).into_iter().flatten().filter(is_held).collect();
            for (at, problem) in shared(&sharing, &held) {
                problems.entry(at).or_insert(problem);
            }
        }
        problems
    }

    fn verdicts(&self, refused: &HashMap<usize, TrackingProblem>, refused_rows: &BTreeSet<usize>) -> Vec<Verdict> {
        let verdict = |(at, proposal): (usize, &Proposal<'_>)| match (refused.get(&at), &proposal.judged) {
            (Some(problem), _) | (None, Err(problem)) => Verdict::Refused(problem.clone()),
            _ if refused_rows.contains(&proposal.row) => Verdict::RowRefused,
            (None, Ok((tracking, _))) => match self.chosen.get(&proposal.order.id) {
                Some((chosen, _)) if *chosen == at && is_unchanged(proposal, tracking) => Verdict::Unchanged,
                Some((chosen, others)) if *chosen == at => Verdict::Enter(others.clone()),
                _ => Verdict::OtherParcel,
            },
        };
        self.proposals.iter().enumerate().map(verdict).collect()
    }
}

/// Whether the order has exactly this already. A day that nobody gave is no difference.
fn is_unchanged(proposal: &Proposal<'_>, tracking: &Tracking) -> bool {
    proposal.order.tracking.as_ref().is_some_and(|has| {
        has.carrier == tracking.carrier
            && has.number == tracking.number
            && (has.shipped_on == tracking.shipped_on || !proposal.is_day_given)
    })
}

/// What is wrong with several orders having one number: they go to different destinations, or are more than their
/// provider takes. `held` have it already.
fn shared(sharing: &[(usize, &Proposal<'_>)], held: &[&Order]) -> Vec<(usize, TrackingProblem)> {
    let all: Vec<&Order> = held.iter().copied().chain(sharing.iter().map(|(_, proposal)| proposal.order)).collect();
    let elsewhere = |order: &Order| {
        let own = destination(order);
        all.iter().find(|other| other.id != order.id && destination(other) != own).copied()
    };
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for order in held {
        *counts.entry(&order.provider).or_default() += 1;
    }
    let mut problems = Vec::new();
    for (at, proposal) in sharing {
        let order = proposal.order;
        if let Some(other) = elsewhere(order) {
            let (mall, number) = (other.mall.clone(), other.number.clone());
            problems.push((*at, TrackingProblem::OfAnotherOrder { mall, number }));
            continue;
        }
        let count = counts.entry(&order.provider).or_default();
        match rules::of(&order.provider).orders_per_number {
            Some(most) if *count >= most => problems.push((*at, TrackingProblem::TooManyOrders(most))),
            _ => *count += 1,
        }
    }
    problems
}

/// Where an order's parcel goes: what differs between malls in how a name and a postal code are written does not count.
fn destination(order: &Order) -> (String, String) {
    let person = order.data.recipient.as_ref().unwrap_or(&order.data.buyer);
    let name = person.name.nfkc().filter(|c| !c.is_whitespace()).collect();
    (name, person.postal_code.chars().filter(char::is_ascii_digit).collect())
}
