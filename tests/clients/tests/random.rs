//! A thousand random orders through each plugin to the strict simulator of its gateway: what goes out,
//! what is refused before sending and for what, what the gateway refuses, what is left in doubt.
//!
//! `ORDERS_SEED=7 cargo test --workspace --test random -- --nocapture` shows the counts for other orders.

use clients::line::Line;
use clients::orders;
use clients::shop::{self, Shop};
use provider_sdk::samples::{NOW, run, settings};
use provider_sdk::types::{Context, Failure, Order};
use provider_sdk::{Call, Provider, provider};
use std::collections::BTreeMap;

const ORDERS: usize = 1_000;
/// Where the generator starts unless `ORDERS_SEED` says otherwise. Any number would do.
const SEED: u64 = 20_261_124;

/// Reasons for which the checks may refuse an odd order, as codes.
const KNOWN_REASONS: [&str; 14] = [
    "characters",
    "email",
    "enclosed-elsewhere",
    "enclosed-gift",
    "kana",
    "no-number",
    "not-a-date",
    "out-of-range",
    "phone",
    "postal-code",
    "prefecture",
    "required",
    "too-long",
    "too-short",
];

#[derive(Default)]
struct Counts {
    out: usize,
    refused_before: usize,
    /// By field (without the number of a line) and code.
    reasons: BTreeMap<String, usize>,
    refused_there: Vec<String>,
    in_doubt: Vec<String>,
}

fn seed() -> u64 {
    std::env::var("ORDERS_SEED").ok().map_or(SEED, |seed| seed.parse().expect("ORDERS_SEED is a number"))
}

/// `items[3].name` → `items[].name`.
fn without_number(field: &str) -> String {
    field.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn send<P: Provider>(line: &Line, credentials: &[(&str, &str)], orders: &[Order]) -> Counts {
    let base = line.base();
    let settings = settings(&[credentials, &[("base-url", &base)]].concat());
    let call = Call::new::<P>(Context { settings, now: NOW }, line);
    let mut counts = Counts::default();
    for outcome in run(provider::credit::<P, _>(&call, orders)) {
        match outcome {
            Ok(_) => counts.out += 1,
            Err(Failure::Invalid(problems)) if problems.iter().all(is_own) => {
                counts.refused_before += 1;
                for problem in problems {
                    let reason =
                        format!("{} {}", without_number(&problem.field), problem.reason.code.unwrap_or_default());
                    *counts.reasons.entry(reason).or_default() += 1;
                }
            }
            Err(Failure::OutcomeUnknown(reason)) => counts.in_doubt.push(format!("{reason:?}")),
            Err(refused) => counts.refused_there.push(format!("{refused:?}")),
        }
    }
    counts
}

/// Whether a problem is the checks' own and not the gateway's.
fn is_own(problem: &provider_sdk::types::FieldProblem) -> bool {
    problem.reason.code.as_deref().is_some_and(|code| KNOWN_REASONS.contains(&code))
}

/// Sends the orders and judges what came of them.
fn judge<P: Provider>(shop: &Shop) {
    let Shop { id, credentials, .. } = *shop;
    let orders = orders::random(seed(), ORDERS);
    let line = Line::to(id).unwrap();
    let counts = send::<P>(&line, credentials, &orders);
    println!(
        "{id}, seed {}: {} of {ORDERS} go out, {} refused before sending",
        seed(),
        counts.out,
        counts.refused_before
    );
    for (reason, count) in &counts.reasons {
        println!("  {count:4} {reason}");
    }
    let (there, doubt) = (counts.refused_there.len(), counts.in_doubt.len());
    println!("  refused by the gateway: {there}, in doubt: {doubt}");
    let ledger = line.ledger();
    assert_eq!(counts.refused_there, [""; 0], "{id}: the checks could have known");
    assert_eq!(counts.in_doubt, [""; 0], "{id}");
    assert_eq!(ledger.refusals.len(), 0, "{id}: {:?}", ledger.refusals.front());
    assert_eq!((ledger.live().count(), ledger.doubled().len()), (counts.out, 0), "{id}: each that went out, once");
    for live in ledger.live() {
        let sent = orders.iter().find(|order| order.reference == live.reference).unwrap();
        assert_eq!(live.billed_amount, sent.billed_amount, "{id}: {}", live.reference);
    }
    assert!(counts.out * 4 > ORDERS, "{id}: odd orders are the rule here, and still many of them go out");
}

#[test]
fn atobarai_com() {
    judge::<atobarai_com::AtobaraiCom>(&shop::ATOBARAI_COM);
}

#[test]
fn np() {
    judge::<np::Np>(&shop::NP);
}

#[test]
fn atodene() {
    judge::<atodene::Atodene>(&shop::ATODENE);
}

#[test]
fn score() {
    judge::<score::Score>(&shop::SCORE);
}

#[test]
fn kuroneko() {
    judge::<kuroneko::Kuroneko>(&shop::KURONEKO);
}

#[test]
fn one_seed_is_one_set_of_orders() {
    assert_eq!(orders::random(1, 20), orders::random(1, 20));
    assert_ne!(orders::random(1, 20), orders::random(2, 20));
}
