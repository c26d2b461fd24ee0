//! The history of an order, with the calls of the plugin.

use crate::web::texts::format::duration;
use crate::web::texts::operations::operation_name;
use crate::web::texts::{Texts, fill};
use domain::clock;
use domain::credit_state::{Event, State};
use domain::issue::Issue;
use domain::lang::Lang;
use serde::Deserialize;
use service::messages::history;
use service::messages::issue::summary;
use service::messages::localize::Localize;
use std::time::Duration;
use store::HistoryLine;

/// An entry of the history of an order.
pub(super) struct HistoryEntry {
    /// When it happened.
    pub when: String,
    /// The user or the process that did it.
    pub who: String,
    /// What was done.
    pub event: String,
    /// Whether the state changed.
    pub moved: bool,
    /// The state before it.
    pub from: &'static str,
    /// The state after it.
    pub to: &'static str,
    /// What an operator has to know of it.
    pub problem: Option<String>,
    /// The note of an operator.
    pub note: Option<String>,
    /// The calls of the plugin.
    pub calls: Vec<PluginCallView>,
}

/// A call of the plugin.
pub(super) struct PluginCallView {
    /// Operation, rows, duration and requests.
    pub summary: String,
    /// The requests that the plugin sent.
    pub requests: Vec<HttpRequestView>,
    /// The error that the call ended with.
    pub error: Option<String>,
    /// How many outcomes of the plugin the host did not accept.
    pub overruled: Option<String>,
}

/// A request of the plugin to its gateway.
pub(super) struct HttpRequestView {
    /// Origin and path.
    pub url: String,
    /// How far it came.
    pub progress: &'static str,
    /// The status of the response.
    pub status: String,
    /// How long connecting took.
    pub connect: String,
    /// How long the head of the response took.
    pub head: String,
    /// How long the body of the response took.
    pub body: String,
    /// Bytes sent and received.
    pub bytes: String,
    /// The error that it ended with.
    pub error: Option<String>,
}

/// An entry of the history, in `lang`.
pub(super) fn history_entry(line: &HistoryLine, t: &Texts, lang: Lang) -> HistoryEntry {
    let state = |name: &str| name.parse().map_or("", |state: State| state.localized(lang));
    let problem: Option<Issue> = line.problem.as_ref().and_then(|json| serde_json::from_str(json).ok());
    HistoryEntry {
        when: clock::timestamp(line.at),
        who: line.who.clone(),
        event: event_text(&line.event, t).to_owned(),
        moved: line.from_state != line.to_state,
        from: state(&line.from_state),
        to: state(&line.to_state),
        problem: problem.map(|problem| summary(&problem, lang)),
        note: history::note(line, lang),
        calls: line.report.as_deref().map(|report| calls(report, t)).unwrap_or_default(),
    }
}

/// What was done; the states beside it say how it ended.
fn event_text<'a>(name: &'a str, t: &Texts) -> &'a str {
    let Ok(event) = name.parse::<Event>() else { return other_event(name, t) };
    match event {
        Event::CreditStarted => t.event_credit_started,
        Event::CheckNoNews => t.event_check_no_news,
        Event::CancelStarted => t.event_cancel_started,
        Event::SyncStarted => t.event_sync_started,
        Event::ProcessDied => t.event_process_died,
        Event::OperatorApproved
        | Event::OperatorRegistered
        | Event::OperatorRejected
        | Event::OperatorCancelled
        | Event::OperatorTracked
        | Event::OperatorUntracked
        | Event::OperatorNothing => t.event_decided,
        Event::CsvUnderReview | Event::CsvOnHold | Event::CsvApproved | Event::CsvRejected | Event::CsvCancelled => {
            t.event_result_imported
        }
        Event::CancelDone | Event::CancelFailed | Event::CancelUnknown => t.event_cancel_answered,
        Event::SyncDone | Event::SyncFailed | Event::SyncUnknown => t.event_sync_answered,
        Event::CreditApproved
        | Event::CreditRejected
        | Event::CreditUnderReview
        | Event::CreditOnHold
        | Event::CreditNotSent
        | Event::CreditUnknown => t.event_credit_answered,
        _ => t.event_checked,
    }
}

/// Events that move no state.
fn other_event<'a>(name: &'a str, t: &Texts) -> &'a str {
    match name {
        "tracking_entered" => t.event_tracking_entered,
        "invoice_set" => t.event_invoice_chosen,
        "status_set" => t.event_status_set,
        "corrected" => t.event_corrected,
        other => other,
    }
}

/// The report of the host about a call, as the store keeps it.
#[derive(Deserialize)]
struct StoredCall {
    operation: String,
    rows: usize,
    elapsed: Duration,
    requests: Vec<StoredRequest>,
    overruled: Vec<serde_json::Value>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct StoredRequest {
    origin: String,
    path: String,
    progress: String,
    status: Option<u16>,
    request_bytes: usize,
    response_bytes: usize,
    connect: Option<Duration>,
    head: Option<Duration>,
    body: Option<Duration>,
    error: Option<String>,
}

fn calls(report: &str, t: &Texts) -> Vec<PluginCallView> {
    let reports: Vec<StoredCall> = serde_json::from_str(report).unwrap_or_default();
    let view = |report: StoredCall| {
        let (elapsed, requests) = (duration(report.elapsed, t), report.requests.len());
        let operation = operation_name(&report.operation, t);
        let overruled = report.overruled.len();
        PluginCallView {
            summary: fill(t.call_summary, &[&operation, &report.rows, &elapsed, &requests]),
            requests: report.requests.into_iter().map(|request| request_view(request, t)).collect(),
            error: report.error,
            overruled: (overruled > 0).then(|| fill(t.overruled, &[&overruled])),
        }
    };
    reports.into_iter().map(view).collect()
}

fn request_view(request: StoredRequest, t: &Texts) -> HttpRequestView {
    let time = |phase: Option<Duration>| phase.map_or("–".to_owned(), |phase| duration(phase, t));
    HttpRequestView {
        url: format!("{}{}", request.origin, request.path),
        progress: match request.progress.as_str() {
            "not-sent" => t.progress_not_sent,
            "sent" => t.progress_sent,
            _ => t.progress_answered,
        },
        status: request.status.map_or("–".to_owned(), |status| status.to_string()),
        connect: time(request.connect),
        head: time(request.head),
        body: time(request.body),
        bytes: format!("{} / {}", request.request_bytes, request.response_bytes),
        error: request.error,
    }
}
