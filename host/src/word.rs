//! The host's word on what was sent. It saw the bytes leave; a plugin can only say so.
//!
//! Each request of a call was not sent (refused, no connection, nothing written), or sent without a
//! whole answer, or answered. The host cannot know which request belongs to which row, and a plugin
//! that could say so could lie: an answered login must not vouch for a registration whose answer was
//! lost. So a call is judged by all of its requests, and every row of it alike.
//!
//! | not sent | sent | answered | the plugin says | the row becomes |
//! |---|---|---|---|---|
//! | any | none | none | success | `not-sent`: there cannot have been one |
//! | any | none | none | `outcome-unknown` | `not-sent` |
//! | any | none | none | otherwise | what the plugin says |
//! | none | none | some | `not-sent` | `outcome-unknown` |
//! | none | none | some | otherwise | what the plugin says |
//! | any | some | any | anything | `outcome-unknown` |
//! | some | none | some | anything | `outcome-unknown` |
//!
//! The last line too: of two requests one was answered, and the other never left. A success may be that
//! of the one that never left, and a `not-sent` that of the one that did.
//!
//! A batch that changes something at the provider is looked at in a sealed call first, in which nothing
//! leaves. What the plugin calls `invalid` or `unsupported` there is final by the first lines of the table,
//! and the call in which requests leave does not have those rows.
//!
//! A call that ended early (trap, deadline, wrong number of rows) is the same question with no word
//! from the plugin: `not-sent` if nothing was sent, `outcome-unknown` otherwise.

use crate::contract::{Failure, Reason};
use crate::error::CallError;
use crate::report::{Overruled, Progress, RequestReport};
use serde::Serialize;

/// What a row of an answer says, without its data: success, or which of the contract's failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are the cases of `failure` in the contract")]
pub enum Word {
    Success,
    Invalid,
    Unauthorized,
    Already,
    Refused,
    NotSent,
    Busy,
    OutcomeUnknown,
    Unsupported,
}

impl Word {
    /// The word of `row`.
    pub fn of<T>(row: &Result<T, Failure>) -> Self {
        match row {
            Ok(_) => Word::Success,
            Err(Failure::Invalid(_)) => Word::Invalid,
            Err(Failure::Unauthorized(_)) => Word::Unauthorized,
            Err(Failure::Already(_)) => Word::Already,
            Err(Failure::Refused(_)) => Word::Refused,
            Err(Failure::NotSent(_)) => Word::NotSent,
            Err(Failure::Busy(_)) => Word::Busy,
            Err(Failure::OutcomeUnknown(_)) => Word::OutcomeUnknown,
            Err(Failure::Unsupported) => Word::Unsupported,
        }
    }
}

/// What left the machine in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No request did, if there was one at all.
    Nothing,
    /// Every request was answered.
    Answered,
    /// Something did, and not every request has its whole answer.
    Incomplete,
}

impl Seen {
    pub(crate) fn of(requests: &[RequestReport]) -> Self {
        let progress = || requests.iter().map(|request| request.progress);
        if progress().all(|progress| progress == Progress::NotSent) {
            Seen::Nothing
        } else if progress().all(|progress| progress == Progress::Answered) {
            Seen::Answered
        } else {
            Seen::Incomplete
        }
    }
}

/// Rows as the host passes them on, and those of them where it did not believe the plugin.
pub(crate) fn judge_all<T>(rows: Vec<Result<T, Failure>>, seen: Seen) -> (Vec<Result<T, Failure>>, Vec<Overruled>) {
    let said: Vec<_> = rows.iter().map(Word::of).collect();
    let judged: Vec<_> = rows.into_iter().map(|row| judge(row, seen)).collect();
    let differs = |(row, said): (usize, Word)| (Word::of(&judged[row]) != said).then_some(Overruled { row, said });
    let overruled = said.into_iter().enumerate().filter_map(differs).collect();
    (judged, overruled)
}

/// A row as the host passes it on.
fn judge<T>(row: Result<T, Failure>, seen: Seen) -> Result<T, Failure> {
    match (seen, row) {
        (Seen::Nothing, Ok(_)) => {
            Err(Failure::NotSent(own("host-no-request", "the plugin reports success, but sent nothing")))
        }
        (Seen::Nothing, Err(Failure::OutcomeUnknown(reason))) => Err(Failure::NotSent(reason)),
        (Seen::Incomplete, Ok(_)) => Err(Failure::OutcomeUnknown(own(
            "host-no-answer",
            "the plugin reports success, but not every request had a whole answer",
        ))),
        (Seen::Incomplete, Err(failure)) => Err(Failure::OutcomeUnknown(words(failure))),
        (Seen::Answered, Err(Failure::NotSent(reason))) => Err(Failure::OutcomeUnknown(reason)),
        (_, row) => row,
    }
}

/// Whether `row`, an answer of a call in which nothing left, is final: the plugin found out by itself that
/// it cannot be sent. Any other word can be about the request that was denied.
pub(crate) fn was_refused_unsent<T>(row: &Result<T, Failure>) -> bool {
    matches!(row, Err(Failure::Invalid(_) | Failure::Unsupported))
}

/// The code of every row of a call that broke off, or answered with another number of rows.
pub const CALL_ENDED: &str = "host-call-ended";

/// The code of every row of a call that met a limit ([`CallError::is_limit`]): such calls slow others
/// down, so a circuit breaker counts them.
pub const CALL_LIMIT: &str = "host-call-limit";

/// A row for which the plugin had no word.
pub(crate) fn without_answer(error: &CallError, seen: Seen) -> Failure {
    let reason = own(if error.is_limit() { CALL_LIMIT } else { CALL_ENDED }, &error.to_string());
    match seen {
        Seen::Nothing => Failure::NotSent(reason),
        Seen::Answered | Seen::Incomplete => Failure::OutcomeUnknown(reason),
    }
}

fn own(code: &str, message: &str) -> Reason {
    Reason { code: Some(code.to_owned()), message: message.to_owned() }
}

fn words(failure: Failure) -> Reason {
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
            .map_or_else(|| own("host-no-answer", "there was no whole answer"), |problem| problem.reason),
        Failure::Unsupported => own("host-no-answer", "there was no whole answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Meter;

    fn reason() -> Reason {
        own("x", "y")
    }

    fn request(progress: Progress) -> RequestReport {
        let meter = Meter::default();
        let place = meter.begin(String::new(), String::new(), 1).unwrap();
        meter.note(place, |report| report.progress = progress);
        meter.requests().remove(0)
    }

    #[test]
    fn a_call_is_seen_by_all_of_its_requests() {
        use Progress::{Answered, NotSent, Sent};
        let table: [(&[Progress], Seen); 11] = [
            (&[], Seen::Nothing),
            (&[NotSent], Seen::Nothing),
            (&[NotSent, NotSent], Seen::Nothing),
            (&[Sent], Seen::Incomplete),
            (&[Sent, Sent], Seen::Incomplete),
            (&[NotSent, Sent], Seen::Incomplete),
            (&[Answered], Seen::Answered),
            (&[Answered, Answered], Seen::Answered),
            (&[Answered, Sent], Seen::Incomplete),
            (&[Answered, NotSent], Seen::Incomplete),
            (&[Answered, Sent, NotSent], Seen::Incomplete),
        ];
        for (progress, seen) in table {
            let mut requests: Vec<_> = progress.iter().map(|progress| request(*progress)).collect();
            assert_eq!(Seen::of(&requests), seen, "{progress:?}");
            requests.reverse();
            assert_eq!(Seen::of(&requests), seen, "{progress:?}, the other way round");
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
            let said = Word::of(&row);
            let judged = |seen| Word::of(&judge(row.clone(), seen));
            let nothing = match said {
                Word::Success | Word::OutcomeUnknown => Word::NotSent,
                said => said,
            };
            assert_eq!(judged(Seen::Nothing), nothing, "{said:?}");
            let answered = if said == Word::NotSent { Word::OutcomeUnknown } else { said };
            assert_eq!(judged(Seen::Answered), answered, "{said:?}");
            assert_eq!(judged(Seen::Incomplete), Word::OutcomeUnknown, "{said:?}");
        }
    }

    #[test]
    fn a_call_that_met_a_limit_is_told_from_one_that_broke_off() {
        let code = |error: CallError, seen| match without_answer(&error, seen) {
            Failure::NotSent(reason) | Failure::OutcomeUnknown(reason) => reason.code.unwrap(),
            other => panic!("{other:?}"),
        };
        let second = std::time::Duration::from_secs(1);
        for limit in
            [CallError::Deadline(second), CallError::Cpu(second), CallError::CpuTotal(second), CallError::Memory]
        {
            assert_eq!(code(limit.clone(), Seen::Nothing), CALL_LIMIT);
            assert_eq!(code(limit, Seen::Incomplete), CALL_LIMIT);
        }
        for broken in [CallError::Trap("unreachable".to_owned()), CallError::RowCount { asked: 2, answered: 1 }] {
            assert_eq!(code(broken, Seen::Nothing), CALL_ENDED);
        }
    }
}
