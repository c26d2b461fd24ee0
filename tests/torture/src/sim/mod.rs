//! Simulated days: the platform's own core (service and store, on SQLite) with two processes, the five plugins' own
//! code, the five simulated gateways, and a network and a clock that a seed decides.

pub mod native;
pub mod network;
pub mod points;
pub mod run;
pub mod step;
pub mod world;

use domain::crash_point::CrashPoint;
use gateways::faults::FAULTS;
use points::{DatabaseFault, HOLDABLE};
use std::collections::BTreeMap;
use strum::VariantArray;

/// Events besides faults, crash points and steps that days are about.
const SOMETIMES: [&str; 20] = [
    "answer with another order's id",
    "arrived after its process was killed or gave up",
    "compared with the model",
    "connection refused",
    "deadline",
    "decided by an operator",
    "doubt decided",
    "doubt left to a person who is named",
    "killed in an operation",
    "order claimed",
    "outcome failure",
    "outcome in doubt",
    "outcome success",
    "outcome unknown",
    "overtaken while it was held",
    "race of two operations to a claim",
    "race of two operations to a result",
    "race of two processes to a claim",
    "race of two processes to a result",
    "request lost",
];

/// What never happened in a run of days, of all that has to happen for the run to show anything about it: every fault
/// of the plan, every crash point below the command line, and the rest.
pub fn never(counts: &BTreeMap<String, usize>) -> Vec<String> {
    let faults = FAULTS.iter().map(|info| format!("fault {}", info.name));
    let points = CrashPoint::VARIANTS.iter().filter(|point| **point != CrashPoint::ResultReady);
    let points = points.map(|point| format!("killed at {point}"));
    let held = HOLDABLE.iter().map(|point| format!("held at {point}"));
    let database = DatabaseFault::KINDS.iter().map(|fault| fault.name().to_owned());
    let steps = step::NAMES.iter().map(|name| format!("step {name}"));
    let all = faults.chain(points).chain(held).chain(database).chain(steps).chain(SOMETIMES.map(str::to_owned));
    all.filter(|what| !counts.contains_key(what)).collect()
}
