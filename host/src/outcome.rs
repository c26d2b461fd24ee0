//! Compares what a plugin reports of each row with what the host observed of its requests.
//!
//! Each request of a call was not sent (refused, no connection, nothing written), or sent without a
//! complete response, or answered. The host cannot know which request belongs to which row, and must not
//! trust a plugin that says so: a login that was answered proves nothing about a registration whose response
//! was lost. So all requests of a call together decide, and they decide alike for every row.
//!
//! | not sent | sent | answered | the plugin reports | the row becomes |
//! |---|---|---|---|---|
//! | any | none | none | success | `not-sent`: there cannot have been one |
//! | any | none | none | `outcome-unknown` | `not-sent` |
//! | any | none | none | otherwise | as reported |
//! | none | none | some | `not-sent` | `outcome-unknown` |
//! | none | none | some | otherwise | as reported |
//! | any | some | any | anything | `outcome-unknown` |
//! | some | none | some | anything | `outcome-unknown` |
//!
//! The last line is needed because, of two requests of which one was answered and the other not sent, a
//! reported success may be that of the one that was not sent, and a `not-sent` that of the one that was.
//!
//! A batch that changes something at the provider begins with a dry run, in which nothing is sent. What the
//! plugin reports as `invalid` or `unsupported` there is final by the first lines of the table, and the real
//! call does not have those rows.
//!
//! The rows of a call that ended early (trap, deadline, wrong number of rows) are `not-sent` if nothing was
//! sent, and `outcome-unknown` otherwise.

use crate::contract::{Failure, Reason};
use crate::error::CallError;
use crate::report::{Overruled, Progress, RequestReport};
use crate::row_outcome::RowOutcome;

/// What the requests of one call amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transmission {
    /// No request was sent.
    Nothing,
    /// Every request has a complete response, and there was at least one.
    Answered,
    /// Something was sent, and not every request has a complete response.
    Incomplete,
}

impl Transmission {
    pub(crate) fn of(requests: &[RequestReport]) -> Self {
        let progress = || requests.iter().map(|request| request.progress);
        if progress().all(|progress| progress == Progress::NotSent) {
            Self::Nothing
        } else if progress().all(|progress| progress == Progress::Answered) {
            Self::Answered
        } else {
            Self::Incomplete
        }
    }
}

/// The rows as the host passes them on, and those of them that differ from what the plugin reported.
pub(crate) fn correct_rows<T>(
    rows: Vec<Result<T, Failure>>,
    transmission: Transmission,
) -> (Vec<Result<T, Failure>>, Vec<Overruled>) {
    let mut overruled = Vec::new();
    let corrected = rows.into_iter().enumerate().map(|(row, reported)| {
        let outcome = RowOutcome::of(&reported);
        let corrected = correct_row(reported, transmission);
        if RowOutcome::of(&corrected) != outcome {
            overruled.push(Overruled { row, reported: outcome });
        }
        corrected
    });
    let corrected = corrected.collect();
    (corrected, overruled)
}

/// A row as the host passes it on.
fn correct_row<T>(row: Result<T, Failure>, transmission: Transmission) -> Result<T, Failure> {
    match (transmission, row) {
        (Transmission::Nothing, Ok(_)) => {
            Err(Failure::NotSent(host_reason("host-no-request", "the plugin reports success, but sent nothing")))
        }
        (Transmission::Nothing, Err(Failure::OutcomeUnknown(reason))) => Err(Failure::NotSent(reason)),
        (Transmission::Incomplete, Ok(_)) => Err(Failure::OutcomeUnknown(host_reason(
            "host-no-answer",
            "the plugin reports success, but not every request had a whole answer",
        ))),
        (Transmission::Incomplete, Err(failure)) => Err(Failure::OutcomeUnknown(reason_of(failure))),
        (Transmission::Answered, Err(Failure::NotSent(reason))) => Err(Failure::OutcomeUnknown(reason)),
        (_, row) => row,
    }
}

/// Whether `row`, of a call in which nothing was sent, is final: the plugin rejected it by its own validation.
/// Any other outcome can be due to the request that was denied.
pub(crate) fn is_rejected_before_sending<T>(row: &Result<T, Failure>) -> bool {
    matches!(row, Err(Failure::Invalid(_) | Failure::Unsupported))
}

/// The code of every row of a call that trapped, or answered with another number of rows.
pub const CALL_ENDED: &str = "host-call-ended";

/// The code of every row of a call that met a limit ([`CallError::is_limit`]): such calls slow others
/// down, so a circuit breaker counts them.
pub const CALL_LIMIT: &str = "host-call-limit";

/// The failure of each row of a call that ended without an answer.
pub(crate) fn failure_without_response(error: &CallError, transmission: Transmission) -> Failure {
    let reason = host_reason(if error.is_limit() { CALL_LIMIT } else { CALL_ENDED }, &error.to_string());
    match transmission {
        Transmission::Nothing => Failure::NotSent(reason),
        Transmission::Answered | Transmission::Incomplete => Failure::OutcomeUnknown(reason),
    }
}

fn host_reason(code: &str, message: &str) -> Reason {
    Reason { code: Some(code.to_owned()), message: message.to_owned() }
}

fn reason_of(failure: Failure) -> Reason {
    match failure {
        Failure::Unauthorized(reason)
        | Failure::Already(reason)
        | Failure::Refused(reason)
        | Failure::NotSent(reason)
        | Failure::Busy((reason, _))
        | Failure::OutcomeUnknown(reason) => reason,
        Failure::Invalid(problems) => problems
            .into_iter()
            .next()
            .map_or_else(|| host_reason("host-no-answer", "there was no whole answer"), |problem| problem.reason),
        Failure::Unsupported => host_reason("host-no-answer", "there was no whole answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RequestRecorder;

    fn reason() -> Reason {
        host_reason("x", "y")
    }

    fn request(progress: Progress) -> RequestReport {
        let recorder = RequestRecorder::default();
        let index = recorder.begin(String::new(), String::new(), 1).unwrap();
        recorder.note(index, |report| report.progress = progress);
        recorder.requests().remove(0)
    }

    #[test]
    fn a_call_is_seen_by_all_of_its_requests() {
        use Progress::{Answered, NotSent, Sent};
        let table: [(&[Progress], Transmission); 11] = [
            (&[], Transmission::Nothing),
            (&[NotSent], Transmission::Nothing),
            (&[NotSent, NotSent], Transmission::Nothing),
            (&[Sent], Transmission::Incomplete),
            (&[Sent, Sent], Transmission::Incomplete),
            (&[NotSent, Sent], Transmission::Incomplete),
            (&[Answered], Transmission::Answered),
            (&[Answered, Answered], Transmission::Answered),
            (&[Answered, Sent], Transmission::Incomplete),
            (&[Answered, NotSent], Transmission::Incomplete),
            (&[Answered, Sent, NotSent], Transmission::Incomplete),
        ];
        for (progress, transmission) in table {
            let mut requests: Vec<_> = progress.iter().map(|progress| request(*progress)).collect();
            assert_eq!(Transmission::of(&requests), transmission, "{progress:?}");
            requests.reverse();
            assert_eq!(Transmission::of(&requests), transmission, "{progress:?}, the other way round");
        }
    }

    #[test]
    fn a_plugin_is_not_believed_against_what_was_seen() {
        let failures = [
            Failure::Invalid(Vec::new()),
            Failure::Unauthorized(reason()),
            Failure::Already(reason()),
            Failure::Refused(reason()),
            Failure::NotSent(reason()),
            Failure::Busy((reason(), None)),
            Failure::OutcomeUnknown(reason()),
            Failure::Unsupported,
        ];
        let rows = failures.into_iter().map(Err).chain([Ok(())]);
        for row in rows {
            let reported = RowOutcome::of(&row);
            let judged = |transmission| RowOutcome::of(&correct_row(row.clone(), transmission));
            let nothing = match reported {
                RowOutcome::Success | RowOutcome::OutcomeUnknown => RowOutcome::NotSent,
                reported => reported,
            };
            assert_eq!(judged(Transmission::Nothing), nothing, "{reported:?}");
            let answered = if reported == RowOutcome::NotSent { RowOutcome::OutcomeUnknown } else { reported };
            assert_eq!(judged(Transmission::Answered), answered, "{reported:?}");
            assert_eq!(judged(Transmission::Incomplete), RowOutcome::OutcomeUnknown, "{reported:?}");
        }
    }

    #[test]
    fn a_call_that_met_a_limit_is_told_from_one_that_broke_off() {
        let code = |error: CallError, transmission| match failure_without_response(&error, transmission) {
            Failure::NotSent(reason) | Failure::OutcomeUnknown(reason) => reason.code.unwrap(),
            other => panic!("{other:?}"),
        };
        let second = std::time::Duration::from_secs(1);
        for limit in [
            CallError::Deadline(second),
            CallError::Cpu(second),
            CallError::CpuTotal(second),
            CallError::Memory(1),
            CallError::SharedMemory { limit: 1, of_all: true },
            CallError::Table(1),
            CallError::Handles(1),
            CallError::HostcallFuel(1),
        ] {
            assert_eq!(code(limit.clone(), Transmission::Nothing), CALL_LIMIT);
            assert_eq!(code(limit, Transmission::Incomplete), CALL_LIMIT);
        }
        for broken in [
            CallError::Trap("unreachable".to_owned()),
            CallError::RowCount { asked: 2, answered: 1 },
            CallError::Stack(1),
        ] {
            assert_eq!(code(broken, Transmission::Nothing), CALL_ENDED);
        }
    }
}
