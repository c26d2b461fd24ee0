//! What the host observed of a call: every request, whether it was sent, how long each phase took.

use crate::error::CallError;
use crate::row_outcome::RowOutcome;
use serde::{Serialize, Serializer};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One call into a plugin, as the host observed it. A batch that began with a dry run has one report for
/// both calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallReport {
    /// The operation's name in the contract.
    pub operation: &'static str,
    /// Rows that were asked.
    pub rows: usize,
    /// Queueing, instantiation, computing and requests together.
    pub elapsed: Duration,
    /// The dry run that came first, all of whose requests were denied; absent where it was the only call, or
    /// there was none. The other fields are about the batch, except for `requests` and `error`: those are of
    /// the call in which requests were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<Box<Self>>,
    /// Requests in the order in which they were begun.
    pub requests: Vec<RequestReport>,
    /// Log lines that were over the limit and dropped.
    pub log_lines_dropped: usize,
    /// Rows where the host's observation of what was sent replaced the plugin's report. Such a plugin has a
    /// fault worth reporting to its author, except where a connection broke before anything was written:
    /// only the host can know that.
    pub overruled: Vec<Overruled>,
    /// Why the call ended early, if it did.
    #[serde(serialize_with = "as_text")]
    pub error: Option<CallError>,
}

impl CallReport {
    /// The report of a batch, where `self` is of the call that followed `dry_run`, with the rows at `indexes`.
    pub(crate) fn after(mut self, dry_run: Self, indexes: &[usize]) -> Self {
        // Positions in this call become positions in the batch.
        for overruled in &mut self.overruled {
            if let Some(index) = indexes.get(overruled.row) {
                overruled.row = *index;
            }
        }
        self.rows = dry_run.rows;
        self.elapsed += dry_run.elapsed;
        self.log_lines_dropped += dry_run.log_lines_dropped;
        // What counts for the rows at `indexes` is the later outcome.
        self.dry_run = Some(Box::new(Self { overruled: Vec::new(), ..dry_run }));
        self
    }
}

fn as_text<S: Serializer>(error: &Option<CallError>, to: S) -> Result<S::Ok, S::Error> {
    error.as_ref().map(CallError::to_string).serialize(to)
}

/// A row where the host replaced the outcome that the plugin reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Overruled {
    /// The row's position in its batch.
    pub row: usize,
    /// What the plugin reported; the answer has the outcome that the host passes on.
    pub reported: RowOutcome,
}

/// One request of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestReport {
    /// Scheme, host and port; the host alone where that is no origin. Redacted like a log line and
    /// bounded, for a host that was denied is text of the plugin.
    pub origin: String,
    /// Path without query, for queries may carry data; decoded, redacted and bounded.
    pub path: String,
    /// How far it came.
    pub progress: Progress,
    /// HTTP status of the answer.
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub request_bytes: usize,
    /// Bytes of the answer's body that were read.
    pub response_bytes: usize,
    /// DNS, TCP and TLS of the connection; absent where an open one was used again.
    pub connect: Option<Duration>,
    /// From the start of the request to the head of the answer.
    pub head: Option<Duration>,
    /// From the head to the end of the body.
    pub body: Option<Duration>,
    /// The error that the plugin was given instead of an answer.
    pub error: Option<String>,
    /// Why there was no connection for it. The plugin is told less: `wasi:http` has one code for all that is wrong with
    /// a certificate. Absent where there was a connection, or none was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_connection: Option<ConnectionFailure>,
}

/// Why there was no connection. In each case nothing of the request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionFailure {
    /// The name of the host has no address, or could not be asked for.
    Dns,
    /// All its addresses are private, and the permissions name none of them.
    Prohibited,
    /// It does not take connections.
    Connect,
    /// There was no connection in time.
    TimedOut,
    /// It was reached, but the TLS handshake did not come to an end.
    Handshake,
    /// Its certificate is for another name.
    CertificateName,
    /// Its certificate has expired, or is not valid yet.
    CertificateExpired,
    /// Its certificate is from nobody who is trusted.
    CertificateUntrusted,
    /// Its certificate is wrong in another way.
    CertificateInvalid,
}

/// How far a request came. Whether it may be sent again depends on the difference between the first and the
/// second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// No byte of it can have reached the socket.
    NotSent,
    /// It was written, or can have been.
    Sent,
    /// The whole response was read.
    Answered,
}

/// Collects the requests of one call. Shared with the requests themselves, and read after the
/// call's instance is gone.
#[derive(Debug, Default)]
pub(crate) struct RequestRecorder(Mutex<Vec<RequestReport>>);

impl RequestRecorder {
    /// Records that a request begins; its index, or nothing where `limit` requests have begun already.
    pub(crate) fn begin(&self, origin: String, path: String, limit: usize) -> Option<usize> {
        let mut requests = self.lock();
        if requests.len() >= limit {
            return None;
        }
        requests.push(RequestReport {
            origin,
            path,
            progress: Progress::NotSent,
            status: None,
            request_bytes: 0,
            response_bytes: 0,
            connect: None,
            head: None,
            body: None,
            error: None,
            no_connection: None,
        });
        Some(requests.len() - 1)
    }

    /// Changes what is known of the request at `index`.
    pub(crate) fn note(&self, index: usize, change: impl FnOnce(&mut RequestReport)) {
        if let Some(request) = self.lock().get_mut(index) {
            change(request);
        }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<RequestReport> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RequestReport>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_for_machines_says_in_words_how_a_call_ended() {
        let report = |error| CallReport {
            operation: "credit",
            rows: 2,
            elapsed: Duration::from_millis(1),
            dry_run: None,
            requests: Vec::new(),
            log_lines_dropped: 0,
            overruled: Vec::new(),
            error,
        };
        let json = |report: CallReport| serde_json::to_value(report).unwrap()["error"].clone();
        let words = "the plugin answered 1 rows where 2 were asked";
        assert_eq!(json(report(Some(CallError::RowCount { asked: 2, answered: 1 }))), words);
        assert_eq!(json(report(None)), serde_json::Value::Null);
    }
}
