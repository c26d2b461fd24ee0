//! What the store's orders and the gateways' ledgers must never be together, whatever failed.

use std::collections::HashMap;
use std::fmt;

/// A registration in a gateway's ledger.
#[derive(Debug, Clone)]
pub struct Held<'a> {
    /// The gateway's own id.
    pub id: &'a str,
    /// The platform's name for it.
    pub reference: &'a str,
    /// Whole yen.
    pub amount: i64,
    /// As the ledger has it: `approved`, `rejected`, `under-review`, `on-hold` or `unknown`.
    pub verdict: &'a str,
    /// Withdrawn by the shop.
    pub cancelled: bool,
    /// The tracking number.
    pub slip: Option<&'a str>,
}

impl Held<'_> {
    fn is_live(&self) -> bool {
        !self.cancelled && self.verdict != "rejected"
    }
}

/// An order, as the store has it, and what its operator asked for.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The mall's number.
    pub number: &'a str,
    /// The state's stable name.
    pub state: &'a str,
    /// Every name under which it was ever sent; the last is the one in use.
    pub references: Vec<&'a str>,
    /// The provider's id.
    pub transaction_id: Option<&'a str>,
    /// Yen.
    pub amount: i64,
    /// 伝票番号
    pub slip: Option<&'a str>,
    /// How often a credit was asked for, by people and by the mall's settings.
    pub asked_credits: usize,
    /// The references of which a cancel was asked for.
    pub asked_cancels: Vec<&'a str>,
    /// Somebody asked for a report of the tracking number at least once.
    pub asked_shipment: bool,
}

/// What is wrong, with the order or registration that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// More than one live credit.
    Doubled(String, usize),
    /// The store says that there is a live one; there is none.
    NotThere(String, String),
    /// The store says that there is none; there is a live one.
    Forgotten(String, String),
    /// A ledger has what no order ever asked for.
    Stranger(String),
    /// Sent under so many names, and asked for less often.
    CreditUnasked(String, usize),
    /// Cancelled under a name of which nobody asked for it.
    CancelUnasked(String),
    /// A tracking number is reported, and nobody asked.
    ShipmentUnasked(String),
    /// Sent under a new name, though nothing was rejected or cancelled under this one: both could be live.
    Renamed(String, String),
    /// The two disagree about something else.
    Differs(String, &'static str, String, String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubled(order, count) => write!(f, "{order} has {count} live credits"),
            Self::NotThere(order, state) => write!(f, "{order} is {state}, and no ledger has a live credit of it"),
            Self::Forgotten(order, state) => write!(f, "{order} is {state}, and a ledger has a live credit of it"),
            Self::Stranger(reference) => write!(f, "a ledger has {reference}, which no order has"),
            Self::CreditUnasked(order, sent) => {
                write!(f, "{order} was sent under {sent} names, and asked for less often")
            }
            Self::CancelUnasked(order) => write!(f, "{order} is cancelled there, and nobody asked for it"),
            Self::ShipmentUnasked(order) => write!(f, "{order} has a tracking number there, and nobody reported one"),
            Self::Renamed(order, reference) => {
                write!(f, "{order} has a new reference, and nothing came of {reference}")
            }
            Self::Differs(order, what, here, there) => write!(f, "{order}: {what} is {here} here and {there} there"),
        }
    }
}

/// How many live credits a state may stand for: at least, at most.
fn live_in(state: &str) -> (usize, usize) {
    match state {
        "approved" | "synced" => (1, 1),
        // The verdict may have become a rejection with an answer that was lost.
        "under_review" | "on_hold" => (0, 1),
        "not_asked" | "not_sent" | "rejected" | "cancelled" => (0, 0),
        by_csv if by_csv.starts_with("csv_") => (0, 0),
        // On its way, or in doubt.
        _ => (0, 1),
    }
}

/// What is wrong now. Holds after every step, whatever is on its way.
pub fn always(orders: &[Seen<'_>], ledger: &[Held<'_>]) -> Vec<Violation> {
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (at, order) in orders.iter().enumerate() {
        owners.extend(order.references.iter().map(|reference| (*reference, at)));
    }
    let mut held: Vec<Vec<&Held<'_>>> = vec![Vec::new(); orders.len()];
    let mut found = Vec::new();
    for registration in ledger {
        match owners.get(registration.reference).and_then(|at| held.get_mut(*at)) {
            Some(of_order) => of_order.push(registration),
            None => found.push(Violation::Stranger(registration.reference.to_owned())),
        }
    }
    for (order, held) in orders.iter().zip(held) {
        judge(order, &held, &mut found);
    }
    found
}

fn judge(order: &Seen<'_>, held: &[&Held<'_>], found: &mut Vec<Violation>) {
    let (number, state) = (order.number.to_owned(), order.state.to_owned());
    let live: Vec<_> = held.iter().filter(|held| held.is_live()).collect();
    let (least, most) = live_in(order.state);
    match live.len() {
        count if count > 1 => found.push(Violation::Doubled(number.clone(), count)),
        count if count < least => found.push(Violation::NotThere(number.clone(), state)),
        count if count > most => found.push(Violation::Forgotten(number.clone(), state)),
        _ => {}
    }
    let (_, earlier) = order.references.split_last().unwrap_or((&"", &[]));
    if let Some(unused) = earlier.iter().find(|earlier| !held.iter().any(|held| held.reference == **earlier)) {
        found.push(Violation::Renamed(number.clone(), (*unused).to_owned()));
    }
    if order.references.len() > order.asked_credits {
        found.push(Violation::CreditUnasked(number.clone(), order.references.len()));
    }
    if held.iter().any(|held| held.cancelled && !order.asked_cancels.contains(&held.reference)) {
        found.push(Violation::CancelUnasked(number.clone()));
    }
    if held.iter().any(|held| held.slip.is_some()) && !order.asked_shipment {
        found.push(Violation::ShipmentUnasked(number));
    }
    if let ("approved" | "synced", [live]) = (order.state, &live[..]) {
        let mut compare = |what, here: &str, there: &str| {
            if here != there {
                found.push(Violation::Differs(order.number.to_owned(), what, here.to_owned(), there.to_owned()));
            }
        };
        compare("the verdict", "approved", live.verdict);
        compare("the reference", order.references.last().unwrap_or(&""), live.reference);
        compare("the transaction id", order.transaction_id.unwrap_or("–"), live.id);
        compare("the amount", &order.amount.to_string(), &live.amount.to_string());
        if order.state == "synced" {
            compare("the tracking number", order.slip.unwrap_or("–"), live.slip.unwrap_or("–"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: &str) -> Seen<'_> {
        Seen {
            number: "A-1",
            state,
            references: vec!["R-1", "R-2"],
            transaction_id: Some("T2"),
            amount: 1_590,
            slip: Some("123"),
            asked_credits: 2,
            asked_cancels: vec!["R-1"],
            asked_shipment: false,
        }
    }

    fn held<'a>(id: &'a str, reference: &'a str, verdict: &'a str) -> Held<'a> {
        Held { id, reference, amount: 1_590, verdict, cancelled: false, slip: None }
    }

    #[test]
    fn what_agrees_agrees() {
        let rejected_before = [held("T1", "R-1", "rejected"), held("T2", "R-2", "approved")];
        assert_eq!(always(&[seen("approved")], &rejected_before), []);
        let first = || Seen { references: vec!["R-2"], ..seen("unknown") };
        assert_eq!(always(&[first()], &[held("T2", "R-2", "approved")]), []);
        assert_eq!(always(&[first()], &[]), []);
        let asked = Seen { asked_shipment: true, state: "synced", ..first() };
        assert_eq!(always(&[asked], &[Held { slip: Some("123"), ..held("T2", "R-2", "approved") }]), []);
    }

    #[test]
    fn what_was_asked_for_another_registration_was_not_asked_for_this_one() {
        let rejected = || held("T1", "R-1", "rejected");
        let cancelled = |reference| Held { cancelled: true, ..held("T2", reference, "approved") };
        assert_eq!(always(&[seen("unknown")], &[cancelled("R-1")]), []);
        let unasked = |found: Vec<Violation>| matches!(found[..], [Violation::CancelUnasked(_)]);
        assert!(unasked(always(&[seen("unknown")], &[rejected(), cancelled("R-2")])));
        let once = Seen { asked_credits: 1, ..seen("unknown") };
        assert!(matches!(always(&[once], &[rejected()])[..], [Violation::CreditUnasked(_, 2)]));
    }

    #[test]
    fn every_violation_is_found() {
        let approved = || held("T2", "R-2", "approved");
        type Case<'a> = (&'a str, Vec<Held<'a>>, fn(&Violation) -> bool);
        let cases: [Case<'_>; 11] = [
            ("unknown", vec![held("T1", "R-1", "approved"), approved()], |v| matches!(v, Violation::Doubled(_, 2))),
            ("sending", vec![approved()], |v| matches!(v, Violation::Renamed(..))),
            ("approved", vec![], |v| matches!(v, Violation::NotThere(..))),
            ("synced", vec![held("T2", "R-2", "rejected")], |v| matches!(v, Violation::NotThere(..))),
            ("not_sent", vec![approved()], |v| matches!(v, Violation::Forgotten(..))),
            ("csv_approved", vec![approved()], |v| matches!(v, Violation::Forgotten(..))),
            ("approved", vec![approved(), held("T9", "R-9", "approved")], |v| matches!(v, Violation::Stranger(_))),
            ("cancelled", vec![Held { cancelled: true, ..approved() }], |v| matches!(v, Violation::CancelUnasked(_))),
            ("synced", vec![Held { slip: Some("123"), ..approved() }], |v| matches!(v, Violation::ShipmentUnasked(_))),
            ("approved", vec![held("T2", "R-2", "under-review")], |v| matches!(v, Violation::Differs(..))),
            ("approved", vec![held("T3", "R-2", "approved")], |v| matches!(v, Violation::Differs(..))),
        ];
        for (state, mut ledger, expected) in cases {
            if !ledger.iter().any(|held| held.reference == "R-1") && state != "sending" {
                ledger.push(held("T1", "R-1", "rejected"));
            }
            let found = always(&[seen(state)], &ledger);
            assert!(found.iter().any(expected) && found.len() == 1, "{state} {ledger:?}: {found:?}");
        }
    }
}
