//! Short ways to say what went wrong, in the contract's words.

use crate::types::{Failure, FieldProblem, Reason};

/// A reason in the provider's words, or in the plugin's own when it has no code.
pub fn reason(code: impl Into<Option<String>>, message: impl Into<String>) -> Reason {
    Reason { code: code.into(), message: message.into() }
}

/// One field that is wrong. `code` is stable, so that a platform can translate it.
pub fn problem(field: impl Into<String>, code: &str, message: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.into(), reason: reason(code.to_owned(), message) }
}

/// One reason that carries all of `reasons`, under the first code; `without` where there are none.
pub fn joined(reasons: Vec<Reason>, without: &str) -> Reason {
    match <[Reason; 1]>::try_from(reasons) {
        Ok([only]) => only,
        Err(none) if none.is_empty() => reason(None, without),
        Err(several) => {
            let words = several.iter().map(|r| format!("{} {}", r.code.as_deref().unwrap_or_default(), r.message));
            reason(several[0].code.clone(), words.collect::<Vec<_>>().join(" / "))
        }
    }
}

/// The same failure for each of `rows` rows: what a failed request means for a whole batch.
pub fn for_all<T>(rows: usize, failure: &Failure) -> Vec<Result<T, Failure>> {
    (0..rows).map(|_| Err(failure.clone())).collect()
}

/// The request went out and what came back cannot be relied on.
pub fn unreadable(message: impl Into<String>) -> Failure {
    Failure::OutcomeUnknown(reason("answer-unreadable".to_owned(), message))
}

/// The request went out, and the answer speaks of something else than was asked, or contradicts itself.
pub fn mismatch(message: impl Into<String>) -> Failure {
    Failure::OutcomeUnknown(reason("answer-mismatch".to_owned(), message))
}
