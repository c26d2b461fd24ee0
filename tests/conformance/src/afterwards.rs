//! What only shows when everything was called: where requests went, what was logged, and whether the
//! plugin stayed within its limits on ordinary work.

use crate::report::{Finding, Outcome};
use crate::session::{Entry, Session, broken, is_row_count};
use crate::words::{Words, say};
use provider_host::{CallReport, RequestReport};

/// Every request went to the origin that the settings name.
pub fn origins(session: &Session) -> Outcome {
    let mut reasons = Vec::new();
    for entry in session.journal() {
        let name = entry.operation.name();
        let requests = all_calls(&entry).flat_map(|call| &call.requests);
        reasons.extend(requests.filter(|request| request.origin != entry.origin).map(|request| foreign(name, request)));
    }
    sorted(reasons)
}

fn foreign(name: &str, request: &RequestReport) -> Finding {
    let RequestReport { origin, path, error, .. } = request;
    let words = say!("{name}: {origin} に送ろうとした", "{name}: asked for {origin}");
    words.shown_by(format!("{origin}{path}"), error.clone().unwrap_or_default())
}

/// The findings in an order that does not depend on which call ended first.
fn sorted(mut findings: Vec<Finding>) -> Outcome {
    findings.sort_by(|a, b| a.words.cmp(&b.words));
    Outcome::of(findings)
}

/// What was seen of `entry`, the dry runs that came first as well: the plugin cannot rely on there
/// being one, so it keeps the contract in each.
fn all_calls(entry: &Entry) -> impl Iterator<Item = &CallReport> {
    entry.calls.iter().flat_map(|call| call.dry_run.as_deref().into_iter().chain([call]))
}

/// Operations that send nothing sent nothing.
pub fn silent(session: &Session) -> Outcome {
    let loud = session.tap.heard().loud;
    Outcome::of(loud.iter().map(|(name, origin)| {
        say!("{name}: {origin} に送ろうとした", "{name}: asked for {origin}").shown_by(name.as_str(), origin.as_str())
    }))
}

/// No line had to be masked or names a person.
pub fn private(session: &Session) -> Outcome {
    let lines = session.tap.heard().private;
    Outcome::of(lines.iter().map(|(operation, line)| {
        say!("{operation} のログの行: {line}", "log line of {operation}: {line}")
            .shown_by(operation.as_str(), line.as_str())
    }))
}

/// Every call that answered did so with as many rows as it was asked.
pub fn length(session: &Session) -> Outcome {
    let mut reasons = Vec::new();
    for entry in session.journal() {
        let wrong = all_calls(&entry).filter(|call| call.error.as_ref().is_some_and(is_row_count));
        reasons.extend(wrong.filter_map(|call| early(&entry, call)));
    }
    sorted(reasons)
}

/// No ordinary call ended early or logged more than is kept.
pub fn ends(session: &Session) -> Outcome {
    let mut reasons = Vec::new();
    for entry in session.journal().into_iter().filter(|entry| entry.ordinary) {
        for call in &entry.calls {
            reasons.extend(early(&entry, call).filter(|_| !call.error.as_ref().is_some_and(is_row_count)));
            let dropped = call.log_lines_dropped;
            if dropped > 0 {
                let words = say!("ログが{dropped}行多すぎる", "logged {dropped} lines too many");
                reasons.push(finding(&entry, words));
            }
        }
    }
    sorted(reasons)
}

/// That `call` ended early, if it did.
fn early(entry: &Entry, call: &CallReport) -> Option<Finding> {
    Some(finding(entry, broken(call.error.as_ref()?)))
}

/// `words` about a call of `entry`, with the fault that it met.
fn finding(entry: &Entry, words: Words) -> Finding {
    let (name, fault) = (entry.operation.name(), entry.fault);
    let about = say!("{name}（障害 {fault}）", "{name} (fault {fault})");
    Finding { words: words.about(&about), exchange: entry.exchange.clone() }
}
