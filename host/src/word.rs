//! The host's word on what was sent. It saw the bytes leave; a plugin can only say so.
//!
//! | the host saw | the plugin says | the row becomes |
//! |---|---|---|
//! | nothing sent | success | `not-sent`: there cannot have been one |
//! | nothing sent | `outcome-unknown` | `not-sent` |
//! | something sent, no whole answer | anything | `outcome-unknown` |
//! | something sent and answered | `not-sent` | `outcome-unknown` |
//! | otherwise | | what the plugin says |
//!
//! A call that ended early (trap, deadline, wrong number of rows) is the same question with no word
//! from the plugin: `not-sent` if nothing was sent, `outcome-unknown` otherwise.

use crate::contract::{Failure, Reason};
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
    Nothing,
    Unanswered,
    Answered,
}

impl Seen {
    pub(crate) fn of(requests: &[RequestReport]) -> Self {
        if requests.iter().any(|request| request.progress == Progress::Answered) {
            Seen::Answered
        } else if requests.iter().any(|request| request.progress == Progress::Sent) {
            Seen::Unanswered
        } else {
            Seen::Nothing
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
        (Seen::Unanswered, Ok(_)) => {
            Err(Failure::OutcomeUnknown(own("host-no-answer", "the plugin reports success, but had no whole answer")))
        }
        (Seen::Unanswered, Err(failure)) => Err(Failure::OutcomeUnknown(words(failure))),
        (Seen::Answered, Err(Failure::NotSent(reason))) => Err(Failure::OutcomeUnknown(reason)),
        (_, row) => row,
    }
}

/// The code of every row of a call that ended without the plugin's answer.
pub const CALL_ENDED: &str = "host-call-ended";

/// A row for which the plugin had no word.
pub(crate) fn without_answer(code: &str, message: &str, seen: Seen) -> Failure {
    match seen {
        Seen::Nothing => Failure::NotSent(own(code, message)),
        Seen::Unanswered | Seen::Answered => Failure::OutcomeUnknown(own(code, message)),
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

    fn reason() -> Reason {
        own("x", "y")
    }

    #[test]
    fn a_plugin_is_not_believed_against_what_was_seen() {
        let not_sent = || Err::<(), _>(Failure::NotSent(reason()));
        let unknown = || Err::<(), _>(Failure::OutcomeUnknown(reason()));
        let refused = || Err::<(), _>(Failure::Refused(reason()));
        let busy = || Err::<(), _>(Failure::Busy((reason(), None)));
        assert_eq!(judge(not_sent(), Seen::Nothing), not_sent());
        assert_eq!(judge(not_sent(), Seen::Unanswered), unknown());
        assert_eq!(judge(not_sent(), Seen::Answered), unknown());
        assert_eq!(judge(unknown(), Seen::Nothing), not_sent());
        assert_eq!(judge(unknown(), Seen::Answered), unknown());
        assert_eq!(judge(refused(), Seen::Nothing), refused());
        assert_eq!(judge(refused(), Seen::Unanswered), unknown());
        assert_eq!(judge(refused(), Seen::Answered), refused());
        assert_eq!(judge(busy(), Seen::Unanswered), unknown());
        assert!(matches!(judge(Ok(()), Seen::Nothing), Err(Failure::NotSent(_))));
        assert!(matches!(judge(Ok(()), Seen::Unanswered), Err(Failure::OutcomeUnknown(_))));
        assert_eq!(judge(Ok(()), Seen::Answered), Ok(()));
    }
}
