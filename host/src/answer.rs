//! What a plugin answers, bounded and readable, before the platform sees it.
//!
//! A plugin passes on what its gateway said, so all of it is untrusted text: a platform stores
//! them, shows them to operators and sends them to browsers. Each string and list has its limit in
//! [`limits`](crate::limits); what is beyond is cut.

use crate::contract::{Decision, Failure, FieldProblem, Reason, Standing, Verdict};
use crate::limits::{MAX_CODE, MAX_FIELD, MAX_MESSAGE, MAX_REASONS, MAX_RETRY_AFTER, MAX_ROW, MAX_TRANSACTION_ID};
use crate::text::{is_visible, visible};

/// What a text ends with that was cut.
const CUT: &str = "…";

/// The data of a row, made fit to be kept.
pub(crate) trait Bounded {
    fn bounded(self) -> Self;
}

impl Bounded for () {
    fn bounded(self) {}
}

impl Bounded for Decision {
    fn bounded(self) -> Self {
        match unfit(self.transaction_id.as_deref()) {
            Some(reason) => Self { transaction_id: None, verdict: Verdict::Other(reason) },
            None => Self { transaction_id: self.transaction_id, verdict: verdict(self.verdict) },
        }
    }
}

impl Bounded for Standing {
    fn bounded(self) -> Self {
        match self {
            Self::Decided(decision) => match unfit(decision.transaction_id.as_deref()) {
                Some(reason) => Self::Other(reason),
                None => Self::Decided(decision.bounded()),
            },
            Self::Other(said) => Self::Other(reason(said)),
            standing @ (Self::NotFound | Self::Cancelled | Self::TrackingRegistered | Self::Paid) => standing,
        }
    }
}

/// Why `id` cannot be kept as a transaction id. It is not cut or cleaned: that would be another's id.
fn unfit(id: Option<&str>) -> Option<Reason> {
    let id = id.filter(|id| id.chars().nth(MAX_TRANSACTION_ID).is_some() || !is_visible(id))?;
    let message = format!(
        "a transaction id has at most {MAX_TRANSACTION_ID} characters and no control characters; \
         look the registration up at the provider. The plugin said: {}",
        text(id, MAX_TRANSACTION_ID)
    );
    Some(Reason { code: Some("host-transaction-id".to_owned()), message })
}

fn verdict(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Rejected(said) => Verdict::Rejected(reasons(said)),
        Verdict::OnHold(said) => Verdict::OnHold(reasons(said)),
        Verdict::Other(said) => Verdict::Other(reason(said)),
        verdict @ (Verdict::Approved | Verdict::UnderReview) => verdict,
    }
}

/// A row as it may be kept.
pub(crate) fn row<T: Bounded>(row: Result<T, Failure>) -> Result<T, Failure> {
    row.map(T::bounded).map_err(failure)
}

fn failure(failure: Failure) -> Failure {
    match failure {
        Failure::Invalid(found) => Failure::Invalid(problems(found)),
        Failure::Unauthorized(said) => Failure::Unauthorized(reason(said)),
        Failure::Already(said) => Failure::Already(reason(said)),
        Failure::Refused(said) => Failure::Refused(reason(said)),
        Failure::NotSent(said) => Failure::NotSent(reason(said)),
        Failure::Busy((said, wait)) => Failure::Busy((reason(said), wait.map(|wait| wait.min(MAX_RETRY_AFTER)))),
        Failure::OutcomeUnknown(said) => Failure::OutcomeUnknown(reason(said)),
        Failure::Unsupported => Failure::Unsupported,
    }
}

/// Problems as they may be kept.
pub(crate) fn problems(found: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let bounded =
        |found: FieldProblem| FieldProblem { field: text(&found.field, MAX_FIELD), reason: reason(found.reason) };
    within(found.into_iter().map(bounded), |problem| characters(&problem.reason))
}

fn reasons(said: Vec<Reason>) -> Vec<Reason> {
    within(said.into_iter().map(reason), characters)
}

fn reason(said: Reason) -> Reason {
    Reason { code: said.code.map(|code| text(&code, MAX_CODE)), message: text(&said.message, MAX_MESSAGE) }
}

fn characters(reason: &Reason) -> usize {
    reason.message.chars().count()
}

/// The first of `items`: so many that a row of an order list can hold them.
fn within<T>(items: impl Iterator<Item = T>, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut total = 0;
    let fits = |item: &T| {
        let first = total == 0;
        total += size(item).max(1);
        first || total <= MAX_ROW
    };
    items.take(MAX_REASONS).take_while(fits).collect()
}

/// `text`, readable, with at most `length` characters.
pub(crate) fn text(text: &str, length: usize) -> String {
    match text.chars().nth(length) {
        None => visible(text, length),
        Some(_) => visible(text, length - 1) + CUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Reason {
        Reason { code: Some("x".repeat(1_000)), message: message.to_owned() }
    }

    #[test]
    fn an_id_that_cannot_be_one_needs_a_person_and_no_other_row_is_touched() {
        let decided = |id: &str| Decision { transaction_id: Some(id.to_owned()), verdict: Verdict::Approved };
        for good in ["AB-1234", &"あ".repeat(MAX_TRANSACTION_ID), ""] {
            assert_eq!(decided(good).bounded(), decided(good));
            assert_eq!(Standing::Decided(decided(good)).bounded(), Standing::Decided(decided(good)));
        }
        for bad in ["A\0B", "A\u{1b}[2JB", "A\nB", "A\u{202e}B", &"1".repeat(MAX_TRANSACTION_ID + 1)] {
            let Decision { transaction_id: None, verdict: Verdict::Other(reason) } = decided(bad).bounded() else {
                panic!("{bad:?}");
            };
            assert!(is_visible(&reason.message) && reason.message.chars().count() < MAX_MESSAGE);
            assert_eq!(Standing::Decided(decided(bad)).bounded(), Standing::Other(reason));
        }
    }

    #[test]
    fn every_string_and_list_of_an_answer_has_an_end() {
        let (long, shorter) = ("長い\0".repeat(2_000_000), "長い\0".repeat(500));
        let many = || vec![said(&shorter); 10_000];
        let rows = [
            Ok(Decision { transaction_id: None, verdict: Verdict::Rejected(many()) }),
            Ok(Decision { transaction_id: None, verdict: Verdict::OnHold(vec![said(""); 100_000]) }),
            Ok(Decision { transaction_id: None, verdict: Verdict::Other(said(&long)) }),
            Err(Failure::Invalid(vec![FieldProblem { field: shorter.clone(), reason: said(&shorter) }; 10_000])),
            Err(Failure::Refused(said(&long))),
            Err(Failure::Busy((said(&long), Some(u32::MAX)))),
            Err(Failure::OutcomeUnknown(said(&long))),
        ];
        for answered in rows {
            let kept = serde_json::to_string(&row(answered)).unwrap();
            assert!(kept.len() < 30_000 && !kept.contains("\\u0000"), "{} bytes", kept.len());
        }
        let busy = failure(Failure::Busy((said("later"), Some(u32::MAX))));
        assert!(matches!(busy, Failure::Busy((_, Some(MAX_RETRY_AFTER)))));
        assert_eq!(text("長い文", 3), "長い文");
        assert_eq!(text("長い文章", 3), "長い…");
    }
}
