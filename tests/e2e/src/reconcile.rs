//! The platform's store against the gateways' ledgers, order by order: the proof of the demo, and the
//! last step of every test with faults.

use crate::gateway::{Ledger, Registration};
use crate::platform::Order;

/// One order, as both sides see it.
#[derive(Debug)]
pub struct Compared {
    /// The mall's order number.
    pub number: String,
    /// The platform's state.
    pub state: String,
    /// The gateway's id of the live registration, if there is one.
    pub live: Option<String>,
    /// What does not agree; nothing if all does.
    pub differences: Vec<String>,
}

/// Compares `orders` with `ledgers`: one row for each order, and one for each registration that no
/// order knows. References are unique for ever, so an order is looked for in all of them: one that was
/// put to a second provider while the first held it is found out.
pub fn compare(orders: &[Order], ledgers: &[Ledger]) -> Vec<Compared> {
    let all = || ledgers.iter().flat_map(|ledger| ledger.registrations.values());
    let known = |registration: &&Registration| orders.iter().any(|order| order.owns(&registration.reference));
    let strangers = all().filter(|registration| !known(registration)).map(|registration| Compared {
        number: registration.reference.clone(),
        state: "–".to_owned(),
        live: registration.is_live().then(|| registration.transaction_id.clone()),
        differences: vec!["a gateway holds it, the platform does not know it".to_owned()],
    });
    orders.iter().map(|order| compare_order(order, all())).chain(strangers).collect()
}

fn compare_order<'a>(order: &Order, all: impl Iterator<Item = &'a Registration>) -> Compared {
    let held = all.filter(|registration| order.owns(&registration.reference));
    let live: Vec<&Registration> = held.filter(|registration| registration.is_live()).collect();
    let differences = match (&live[..], expected(&order.state)) {
        ([], None) => Vec::new(),
        ([one], Some(verdicts)) => differences(order, one, verdicts),
        (live, expected) => {
            let wanted = usize::from(expected.is_some());
            vec![format!("{} live registrations where the state {} means {wanted}", live.len(), order.state)]
        }
    };
    Compared {
        number: order.number.clone(),
        state: order.state.clone(),
        live: live.first().map(|registration| registration.transaction_id.clone()),
        differences,
    }
}

/// The verdicts that a live registration may have in a state; nothing where there may be none live.
/// A state that is not settled agrees with no ledger.
fn expected(state: &str) -> Option<&'static [&'static str]> {
    match state {
        "approved" | "synced" => Some(&["approved"]),
        "under_review" => Some(&["under-review", "on-hold"]),
        "on_hold" => Some(&["on-hold"]),
        "not_asked" | "not_sent" | "rejected" | "cancelled" => None,
        // What came by CSV was never registered through the API.
        by_csv if by_csv.starts_with("csv_") => None,
        _ => Some(&[]),
    }
}

fn differences(order: &Order, held: &Registration, verdicts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, here: &str, there: &str| {
        if here != there {
            found.push(format!("{what}: {here} here, {there} at the gateway"));
        }
    };
    compare("transaction id", order.transaction_id.as_deref().unwrap_or("–"), &held.transaction_id);
    compare("billed amount", &order.billed.to_string(), &held.billed_amount.to_string());
    compare("reference", order.reference.as_deref().unwrap_or("–"), &held.reference);
    if order.state == "synced" {
        let slip = held.shipment.as_ref().map_or("–", |shipment| shipment.slip.as_str());
        compare("tracking number", order.tracking_number.as_deref().unwrap_or("–"), slip);
    } else if let Some(shipment) = &held.shipment {
        found.push(format!("tracking number {} at the gateway, not reported here", shipment.slip));
    }
    if !verdicts.contains(&held.verdict.as_str()) {
        found.push(format!("state {} here, {} at the gateway", order.state, held.verdict));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::Shipment;

    fn order(state: &str) -> Order {
        Order {
            number: "A-1".into(),
            mall: "m".into(),
            provider: "p".into(),
            state: state.into(),
            reference: Some("R-2".into()),
            references: vec!["R-1".into(), "R-2".into()],
            transaction_id: Some("T2".into()),
            billed: 1590,
            carrier: Some("yamato".into()),
            tracking_number: Some("123".into()),
        }
    }

    fn held(id: &str, reference: &str, verdict: &str) -> (String, Registration) {
        let registration = Registration {
            transaction_id: id.into(),
            reference: reference.into(),
            billed_amount: 1590,
            verdict: verdict.into(),
            cancelled: false,
            shipment: None,
        };
        (id.into(), registration)
    }

    fn check(state: &str, registrations: Vec<(String, Registration)>) -> Vec<String> {
        let ledger = Ledger { registrations: registrations.into_iter().collect() };
        compare(&[order(state)], &[ledger, Ledger { registrations: Default::default() }])
            .into_iter()
            .flat_map(|row| row.differences)
            .collect()
    }

    #[test]
    fn what_agrees_agrees() {
        assert!(check("approved", vec![held("T1", "R-1", "rejected"), held("T2", "R-2", "approved")]).is_empty());
        assert!(check("not_asked", vec![]).is_empty());
        let mut tracked = held("T2", "R-2", "approved");
        tracked.1.shipment = Some(Shipment { carrier: "1".into(), slip: "123".into() });
        assert!(check("synced", vec![tracked]).is_empty());
    }

    #[test]
    fn every_disagreement_is_found() {
        for (state, ledger) in [
            ("approved", vec![]),
            ("approved", vec![held("T2", "R-2", "rejected")]),
            ("approved", vec![held("T1", "R-1", "approved"), held("T2", "R-2", "approved")]),
            ("approved", vec![held("T3", "R-2", "approved")]),
            ("approved", vec![held("T2", "R-1", "approved")]),
            ("approved", vec![held("T2", "R-2", "under-review")]),
            ("rejected", vec![held("T2", "R-2", "approved")]),
            ("cancelled", vec![held("T2", "R-2", "approved")]),
            ("unknown", vec![]),
            ("unknown", vec![held("T2", "R-2", "approved")]),
            ("synced", vec![held("T2", "R-2", "approved")]),
            ("not_asked", vec![held("X", "STRANGER", "rejected")]),
        ] {
            assert!(!check(state, ledger.clone()).is_empty(), "{state} {ledger:?}");
        }
    }
}
