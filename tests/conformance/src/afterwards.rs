//! What only shows when everything was called: where requests went, what was logged, and whether the
//! plugin stayed within its limits on ordinary work.

use crate::report::Outcome;
use crate::session::{Entry, Session, broke_off, is_row_count};
use crate::words::{Words, say};
use provider_host::CallReport;

/// Every request went to the origin that the settings name.
pub fn origins(session: &Session) -> Outcome {
    let mut reasons = Vec::new();
    for entry in session.journal() {
        let name = entry.operation.name();
        let asked = all_calls(&entry).flat_map(|call| &call.requests).map(|request| &request.origin);
        let foreign = asked.filter(|origin| **origin != entry.origin);
        reasons.extend(foreign.map(|origin| say!("{name}: {origin} に送ろうとした", "{name}: asked for {origin}")));
    }
    reasons.sort();
    Outcome::of(reasons)
}

/// What was seen of `entry`, the dry runs that came first as well: the plugin cannot rely on there
/// being one, so it keeps the contract in each.
fn all_calls(entry: &Entry) -> impl Iterator<Item = &CallReport> {
    entry.calls.iter().flat_map(|call| call.dry_run.as_deref().into_iter().chain([call]))
}

/// Operations that send nothing sent nothing.
pub fn silent(session: &Session) -> Outcome {
    let loud = session.tap.heard().loud;
    Outcome::of(
        loud.iter()
            .map(|(name, origin)| say!("{name}: {origin} に送ろうとした", "{name}: asked for {origin}"))
            .collect(),
    )
}

/// No line had to be masked or names a person.
pub fn private(session: &Session) -> Outcome {
    let lines = session.tap.heard().private;
    Outcome::of(lines.iter().map(|line| say!("ログの行: {line}", "log line: {line}")).collect())
}

/// Every call that answered did so with as many rows as it was asked.
pub fn length(session: &Session) -> Outcome {
    let mut reasons: Vec<Words> = Vec::new();
    for entry in session.journal() {
        let wrong = all_calls(&entry).filter_map(|call| call.error.as_ref()).filter(|error| is_row_count(error));
        reasons.extend(wrong.map(|error| broke_off(entry.operation.name(), error)));
    }
    reasons.sort();
    Outcome::of(reasons)
}

/// No ordinary call ended early or logged more than is kept.
pub fn ends(session: &Session) -> Outcome {
    let mut reasons: Vec<Words> = Vec::new();
    for entry in session.journal().into_iter().filter(|entry| entry.ordinary) {
        let name = entry.operation.name();
        for call in entry.calls {
            reasons.extend(call.error.iter().filter(|error| !is_row_count(error)).map(|error| broke_off(name, error)));
            let dropped = call.log_lines_dropped;
            if dropped > 0 {
                reasons.push(say!("{name}: ログが{dropped}行多すぎる", "{name}: logged {dropped} lines too many"));
            }
        }
    }
    reasons.sort();
    Outcome::of(reasons)
}
