//! What a plugin answers, bounded and readable, before the platform sees it.
//!
//! A plugin passes on what its gateway said, so all of it is untrusted text: a platform stores
//! them, shows them to operators and sends them to browsers. Each string and list has its limit in
//! [`limits`](crate::limits); what is beyond is cut. Secrets of the shop are masked: a gateway may repeat what it was
//! sent, and a plugin may put a key where the platform keeps and shows text in the clear.

use crate::contract::{Decision, Failure, FieldProblem, Reason, Standing, Verdict};
use crate::limits::{MAX_CODE, MAX_FIELD, MAX_MESSAGE, MAX_REASONS, MAX_RETRY_AFTER, MAX_ROW, MAX_TRANSACTION_ID};
use crate::redact::Redactor;
use crate::text::{is_visible, visible};

/// What a text ends with that was cut.
const CUT: &str = "…";

/// The data of a row, made fit to be kept.
pub(crate) trait Bounded: Send + 'static {
    fn bounded(self, secrets: &Redactor) -> Self;
}

impl Bounded for () {
    fn bounded(self, _: &Redactor) {}
}

impl Bounded for Decision {
    fn bounded(self, secrets: &Redactor) -> Self {
        match unfit(self.transaction_id.as_deref(), secrets) {
            Some(reason) => Self { transaction_id: None, verdict: Verdict::Other(reason) },
            None => Self { transaction_id: self.transaction_id, verdict: verdict(self.verdict, secrets) },
        }
    }
}

impl Bounded for Standing {
    fn bounded(self, secrets: &Redactor) -> Self {
        match self {
            Self::Decided(decision) => match unfit(decision.transaction_id.as_deref(), secrets) {
                Some(reason) => Self::Other(reason),
                None => Self::Decided(decision.bounded(secrets)),
            },
            Self::Other(said) => Self::Other(reason(said, secrets)),
            standing @ (Self::NotFound | Self::Cancelled | Self::TrackingRegistered | Self::Paid) => standing,
        }
    }
}

/// Why `id` cannot be kept as a transaction id. It is not cut or cleaned: that would be another's id.
fn unfit(id: Option<&str>, secrets: &Redactor) -> Option<Reason> {
    let id = id.filter(|id| id.chars().nth(MAX_TRANSACTION_ID).is_some() || !is_visible(id))?;
    let message = format!(
        "a transaction id has at most {MAX_TRANSACTION_ID} characters and no control characters; \
         look the registration up at the provider. The plugin said: {}",
        masked(id, MAX_TRANSACTION_ID, secrets)
    );
    Some(Reason { code: Some("host-transaction-id".to_owned()), message })
}

fn verdict(verdict: Verdict, secrets: &Redactor) -> Verdict {
    match verdict {
        Verdict::Rejected(said) => Verdict::Rejected(reasons(said, secrets)),
        Verdict::OnHold(said) => Verdict::OnHold(reasons(said, secrets)),
        Verdict::Other(said) => Verdict::Other(reason(said, secrets)),
        verdict @ (Verdict::Approved | Verdict::UnderReview) => verdict,
    }
}

/// A row as it may be kept, without `secrets`.
pub(crate) fn row<T: Bounded>(row: Result<T, Failure>, secrets: &Redactor) -> Result<T, Failure> {
    row.map(|out| out.bounded(secrets)).map_err(|failed| failure(failed, secrets))
}

fn failure(failure: Failure, secrets: &Redactor) -> Failure {
    match failure {
        Failure::Invalid(found) => Failure::Invalid(problems(found, secrets)),
        Failure::Unauthorized(said) => Failure::Unauthorized(reason(said, secrets)),
        Failure::Already(said) => Failure::Already(reason(said, secrets)),
        Failure::Refused(said) => Failure::Refused(reason(said, secrets)),
        Failure::NotSent(said) => Failure::NotSent(reason(said, secrets)),
        Failure::Busy((said, wait)) => {
            Failure::Busy((reason(said, secrets), wait.map(|wait| wait.min(MAX_RETRY_AFTER))))
        }
        Failure::OutcomeUnknown(said) => Failure::OutcomeUnknown(reason(said, secrets)),
        Failure::Unsupported => Failure::Unsupported,
    }
}

/// Problems as they may be kept.
pub(crate) fn problems(found: Vec<FieldProblem>, secrets: &Redactor) -> Vec<FieldProblem> {
    let bounded = |found: FieldProblem| FieldProblem {
        field: masked(&found.field, MAX_FIELD, secrets),
        reason: reason(found.reason, secrets),
    };
    within(found.into_iter().map(bounded), |problem| characters(&problem.reason))
}

fn reasons(said: Vec<Reason>, secrets: &Redactor) -> Vec<Reason> {
    within(said.into_iter().map(|said| reason(said, secrets)), characters)
}

fn reason(said: Reason, secrets: &Redactor) -> Reason {
    let code = said.code.map(|code| masked(&code, MAX_CODE, secrets));
    Reason { code, message: masked(&said.message, MAX_MESSAGE, secrets) }
}

/// `said` without `secrets`, readable, with at most `length` characters.
fn masked(said: &str, length: usize, secrets: &Redactor) -> String {
    // One more than is kept, so that it still shows that something was cut.
    text(&secrets.redact(said, length + 1), length)
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
        let none = Redactor::default();
        let decided = |id: &str| Decision { transaction_id: Some(id.to_owned()), verdict: Verdict::Approved };
        for good in ["AB-1234", &"あ".repeat(MAX_TRANSACTION_ID), ""] {
            assert_eq!(decided(good).bounded(&none), decided(good));
            assert_eq!(Standing::Decided(decided(good)).bounded(&none), Standing::Decided(decided(good)));
        }
        for bad in ["A\0B", "A\u{1b}[2JB", "A\nB", "A\u{202e}B", &"1".repeat(MAX_TRANSACTION_ID + 1)] {
            let Decision { transaction_id: None, verdict: Verdict::Other(reason) } = decided(bad).bounded(&none) else {
                panic!("{bad:?}");
            };
            assert!(is_visible(&reason.message) && reason.message.chars().count() < MAX_MESSAGE);
            assert_eq!(Standing::Decided(decided(bad)).bounded(&none), Standing::Other(reason));
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
            let kept = serde_json::to_string(&row(answered, &Redactor::default())).unwrap();
            assert!(kept.len() < 30_000 && !kept.contains("\\u0000"), "{} bytes", kept.len());
        }
        let busy = failure(Failure::Busy((said("later"), Some(u32::MAX))), &Redactor::default());
        assert!(matches!(busy, Failure::Busy((_, Some(MAX_RETRY_AFTER)))));
        assert_eq!(text("長い文", 3), "長い文");
        assert_eq!(text("長い文章", 3), "長い…");
    }

    #[test]
    fn no_row_says_a_secret_wherever_it_puts_it() {
        use crate::contract::Setting;
        let setting = |value: &str| Setting { key: "password".to_owned(), value: value.to_owned() };
        let secrets = Redactor::of_secrets(&[setting("hunter2-hunter2"), setting("1234")], &[]);
        let told = || Reason { code: Some("x hunter2-hunter2".to_owned()), message: "a HUNTER2-hunter2 b".to_owned() };
        let rows = [
            Ok(Decision { transaction_id: None, verdict: Verdict::Rejected(vec![told()]) }),
            Ok(Decision { transaction_id: None, verdict: Verdict::OnHold(vec![told()]) }),
            Ok(Decision { transaction_id: None, verdict: Verdict::Other(told()) }),
            Ok(Decision { transaction_id: Some("hunter2-hunter2\u{7}".to_owned()), verdict: Verdict::Approved }),
            Err(Failure::Invalid(vec![FieldProblem { field: "hunter2-hunter2".to_owned(), reason: told() }])),
            Err(Failure::Unauthorized(told())),
            Err(Failure::Already(told())),
            Err(Failure::Refused(told())),
            Err(Failure::NotSent(told())),
            Err(Failure::Busy((told(), None))),
            Err(Failure::OutcomeUnknown(told())),
        ];
        for answered in rows {
            let kept = serde_json::to_string(&row(answered, &secrets)).unwrap();
            assert!(!kept.to_ascii_lowercase().contains("hunter2-hunter2") && kept.contains("***"), "{kept}");
        }
        // Too short to be told from a number that only looks like it.
        let code = Failure::Refused(Reason { code: Some("E1234".to_owned()), message: String::new() });
        assert_eq!(failure(code.clone(), &secrets), code);
    }
}
