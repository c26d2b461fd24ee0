//! The operations while a simulator fails: what the plugin says must never contradict the ledger.

use super::script::{registration, state};
use super::{Done, call, merchant, row, traffic};
use crate::report::Finding;
use crate::samples;
use crate::session::{Operation, Rows, Session};
use crate::words::{Words, say};
use futures::future::join_all;
use gateways::ledger::{Ledger, Registration as Recorded};
use gateways::{Fault, FaultPlan, Gateway, When};
use provider_host::contract::{Capability, Decision, Failure, Registration, Standing, Verdict};

/// The operations that meet the fault, and the order that each is about.
const STRUCK: [(Operation, &str); 4] = [
    (Operation::Credit, "KIT-F1"),
    (Operation::CheckCredit, "KIT-F2"),
    (Operation::Cancel, "KIT-F3"),
    (Operation::SyncTracking, "KIT-F4"),
];
/// Whose order is asked about: it is on hold, so the answer has Japanese words in it for a wrong charset
/// to spoil.
const ON_HOLD: &str = "0312349004";

/// Every operation of the plugin while `gateway` fails by `fault`.
pub async fn strike(session: &Session, fault: Fault, gateway: &Gateway) -> Vec<Finding> {
    let operations: Vec<_> = STRUCK.into_iter().filter(|(op, _)| op.limit(session.plugin.info()) > 0).collect();
    prepare(session, gateway).await;
    let before = gateway.ledger();
    for (_, reference) in &operations {
        let when = if fault == Fault::AcceptClose { When::Always } else { When::Reference((*reference).to_owned()) };
        // Refused only where no answer can show the fault, and those have no gateway here.
        let _ = gateway.plan(FaultPlan { fault, on: None, when });
    }
    let calls = operations.iter().map(async |(operation, reference)| {
        // A shop of its own, so that a fault of connections meets a new one.
        let shop = merchant(session, gateway);
        call(session, &shop, rows(session, *operation, reference, &before)).await.swap_remove(0)
    });
    let said = join_all(calls).await;
    gateway.clear_faults();
    gateway.settle().await;

    let (after, mut complaints) = (gateway.ledger(), Vec::new());
    let mut met = false;
    for ((operation, reference), said) in operations.iter().zip(&said) {
        if !was_struck(gateway, fault, reference) {
            continue;
        }
        met = true;
        let held = [&before, &after].map(|ledger| ledger.by_reference(reference).next().cloned());
        complaints.extend(judge(fault, *operation, said, held).map(|words| about(gateway, reference, words)));
    }
    let name = fault.info().name;
    if !met {
        let words = say!("{name}: 一度も起きなかった", "{name}: never struck, so nothing was tried");
        complaints.push(about(gateway, STRUCK[0].1, words));
    }
    complaints.extend(after.doubled().keys().map(|reference| {
        let words = say!("{name}: {reference} が二重に登録された", "{name}: {reference} is registered twice");
        about(gateway, reference, words)
    }));
    let lost = found_again(session, fault, gateway, &said[0]).await;
    complaints.extend(lost.map(|words| about(gateway, STRUCK[0].1, words)));
    complaints
}

/// `words` with the last request about `reference`, and what the provider answered before the fault struck.
fn about(gateway: &Gateway, reference: &str, words: Words) -> Finding {
    let mut exchanges = gateway.exchanges();
    exchanges.retain(|exchange| exchange.names.iter().any(|name| name == reference));
    match traffic::last(&exchanges) {
        Some(exchange) => Finding { words, exchange: Some(exchange) },
        None => words.shown_by(reference, Words::new("（要求は届かなかった）", "(no request arrived)")),
    }
}

/// Registers what the operations are about, while nothing fails.
async fn prepare(session: &Session, gateway: &Gateway) {
    let shop = merchant(session, gateway);
    for (operation, reference) in &STRUCK[1..] {
        let mut order = samples::order(reference);
        if *operation == Operation::CheckCredit {
            order.buyer.phone = ON_HOLD.to_owned();
        }
        call(session, &shop, Rows::Orders(vec![order])).await;
    }
}

fn rows(session: &Session, operation: Operation, reference: &str, ledger: &Ledger) -> Rows {
    let recorded = ledger.by_reference(reference).next();
    let known = recorded.map_or_else(|| samples::registration(reference, None), registration);
    match operation {
        Operation::TestConnection => Rows::Test,
        Operation::Credit => Rows::Orders(vec![samples::order(reference)]),
        Operation::CheckCredit => Rows::Registrations(vec![known]),
        Operation::Cancel => Rows::Cancellations(vec![samples::cancellation(known)]),
        Operation::SyncTracking => Rows::Shipments(vec![samples::shipment(known, session.carrier())]),
    }
}

fn was_struck(gateway: &Gateway, fault: Fault, reference: &str) -> bool {
    let about = |plan: &str| fault == Fault::AcceptClose || plan.ends_with(&format!("={reference}"));
    gateway.plans().iter().any(|plan| plan.hits > 0 && about(&plan.plan))
}

/// What is wrong with what the plugin `said` under `fault`, where the ledger held the first of `held`
/// before and the second afterwards.
fn judge(
    fault: Fault,
    operation: Operation,
    said: &Result<Done, Failure>,
    held: [Option<Recorded>; 2],
) -> Option<Words> {
    let changed = held[0].as_ref().map(Recorded::is_live) != held[1].as_ref().map(Recorded::is_live)
        || held[0].as_ref().map(|r| &r.shipment) != held[1].as_ref().map(|r| &r.shipment);
    let fits = match said {
        Ok(done) => fault == Fault::UnknownCode && is_other(done),
        Err(Failure::OutcomeUnknown(_)) => true,
        Err(Failure::Already(_)) => held[1].is_some(),
        // Nothing was recorded, it says.
        Err(_) => !changed,
    };
    let (name, operation, said) = (fault.info().name, operation.name(), row(said));
    let held = held[1].as_ref().map_or_else(|| "-".to_owned(), state);
    (!fits).then(|| {
        say!(
            "{name} {operation}: 回答 {said}、台帳 {held}",
            "{name}, {operation}: it said {said}, and the ledger holds {held}"
        )
    })
}

/// Says that it does not know the code, and so neither success nor failure.
fn is_other(done: &Done) -> bool {
    let verdict = |decision: &Decision| matches!(decision.verdict, Verdict::Other(_));
    match done {
        Done::Decided(decision) | Done::Stands(Standing::Decided(decision)) => verdict(decision),
        Done::Stands(standing) => matches!(standing, Standing::Other(_)),
        Done::Nothing => false,
    }
}

/// A registration of unknown outcome is found by its reference if it is there, and only then.
async fn found_again(
    session: &Session,
    fault: Fault,
    gateway: &Gateway,
    said: &Result<Done, Failure>,
) -> Option<Words> {
    let asks = session.plugin.info().capabilities.contains(Capability::FIND_BY_REFERENCE);
    if !asks || !matches!(said, Err(Failure::OutcomeUnknown(_))) {
        return None;
    }
    let reference = STRUCK[0].1;
    let lost: Registration = samples::registration(reference, None);
    let found = call(session, &merchant(session, gateway), Rows::Registrations(vec![lost])).await.swap_remove(0);
    let is_there = gateway.ledger().by_reference(reference).next().is_some();
    let fits = match &found {
        Ok(Done::Stands(Standing::NotFound)) => !is_there,
        Ok(_) => is_there,
        Err(_) => false,
    };
    let (name, found) = (fault.info().name, row(&found));
    (!fits).then(|| {
        let recorded = if is_there { ["ある", "is there"] } else { ["ない", "is not there"] };
        let [ja, en] = recorded;
        say!(
            "{name}: 結果不明のあと番号で照会すると {found}、台帳に{ja}",
            "{name}: asked again by reference it said {found}, and the registration {en}"
        )
    })
}
