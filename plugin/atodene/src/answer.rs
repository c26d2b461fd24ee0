//! Answers, read: XML to a verdict, a standing or a failure.
//!
//! `result` says whether the *request* was taken; the verdict of the credit check is another element.
//! Whatever is not understood ends as *outcome unknown* or as `other`, never as success or failure.

use crate::describe::NAME;
use provider_sdk::answer::{check_echo, once, refused, require_echo, xml};
use provider_sdk::failure::{joined, mismatch, reason};
use provider_sdk::http::Response;
use provider_sdk::types::{Decision, Failure, Reason, Standing, Verdict};
use provider_sdk::xml::Element;

/// The one code that is public: the transaction is cancelled already.
const ALREADY_CANCELLED: &str = "er000033";

/// A verdict, made with reasons where it has some.
type Made = fn(Vec<Reason>) -> Verdict;

/// 自動審査 (`autoAuthoriresult`), 目視審査 (`manualAuthoriresult`), and what the two say together.
const VERDICTS: [(&str, &str, Made); 6] = [
    ("OK", "", |_| Verdict::Approved),
    ("NG", "", Verdict::Rejected),
    ("審査中", "", |_| Verdict::UnderReview),
    ("審査中", "OK", |_| Verdict::Approved),
    ("審査中", "NG", Verdict::Rejected),
    ("審査中", "保留", Verdict::OnHold),
];

/// What is read of an answer, and of the transaction in it. One that says any of it twice contradicts itself.
const READ: [&str; 3] = ["result", "errors", "transactionInfo"];
const READ_OF_TRANSACTION: [&str; 5] =
    ["transactionId", "shopOrderId", "autoAuthoriresult", "manualAuthoriresult", "manualAuthorireasons"];

/// A readable answer.
pub struct Answer {
    /// What is said of the transaction; empty where nothing is.
    transaction: Element,
    /// Why the request was refused, where `result` is NG.
    errors: Option<Vec<Reason>>,
}

/// Reads an answer to any call.
pub fn read(response: &Response) -> Result<Answer, Failure> {
    let document = xml(response, NAME, "response")?;
    once(NAME, &document, &READ)?;
    let errors = refused(NAME, &document)?.map(|errors| errors.into_iter().map(error).collect());
    let transaction = document.child("transactionInfo").cloned().unwrap_or_default();
    once(NAME, &transaction, &READ_OF_TRANSACTION)?;
    Ok(Answer { transaction, errors })
}

/// The gateway's code and words, with the place that it complains of.
fn error(error: &Element) -> Reason {
    let message = error.child_text("errorMessage");
    let point = error.child_text("errorPoint");
    let words = if point.is_empty() { message.to_owned() } else { format!("{message}（{point}）") };
    reason(Some(error.child_text("errorCode").to_owned()).filter(|code| !code.is_empty()), words)
}

impl Answer {
    /// Nothing, or the refusal of the request.
    fn accepted(&self) -> Result<(), Failure> {
        let without = || format!("{NAME}が理由を示さずにエラーを返しました");
        self.errors.clone().map_or(Ok(()), |errors| Err(Failure::Refused(joined(errors, &without()))))
    }

    /// Refused, only because the transaction is cancelled.
    fn is_cancelled(&self) -> bool {
        let errors = self.errors.as_deref().unwrap_or_default();
        !errors.is_empty() && errors.iter().all(|error| error.code.as_deref() == Some(ALREADY_CANCELLED))
    }

    /// An answer about `id`, to a request that was taken.
    fn about(&self, id: &str) -> Result<(), Failure> {
        check_echo(NAME, &self.transaction, "transactionId", id)?;
        self.accepted()?;
        require_echo(NAME, &self.transaction, "transactionId", id)
    }
}

/// The answer to the registration of `reference`.
pub fn decision(answer: &Answer, reference: &str) -> Result<Decision, Failure> {
    let transaction = &answer.transaction;
    check_echo(NAME, transaction, "shopOrderId", reference)?;
    let id = transaction.child_text("transactionId");
    if answer.errors.is_some() && !id.is_empty() {
        return Err(mismatch(format!("{NAME}のエラーの回答に取引番号{id}があります（{reference}）")));
    }
    answer.accepted()?;
    require_echo(NAME, transaction, "shopOrderId", reference)?;
    if id.is_empty() {
        return Err(mismatch(format!("{NAME}の登録成功の回答に取引番号がありません（{reference}）")));
    }
    let verdict = verdict(transaction).unwrap_or_else(|| Verdict::Other(words(transaction)));
    Ok(Decision { transaction_id: Some(id.to_owned()), verdict })
}

/// What is said of the transaction `id`. Besides verdicts the gateway tells what was cancelled, by refusing
/// the question; no tracking number and no payment.
pub fn standing(answer: &Answer, id: &str) -> Result<Standing, Failure> {
    check_echo(NAME, &answer.transaction, "transactionId", id)?;
    if answer.is_cancelled() {
        return Ok(Standing::Cancelled);
    }
    answer.about(id)?;
    Ok(match verdict(&answer.transaction) {
        Some(verdict) => Standing::Decided(Decision { transaction_id: Some(id.to_owned()), verdict }),
        None => Standing::Other(words(&answer.transaction)),
    })
}

/// The answer to the cancel of `id`. One that is refused only because it was cancelled before is done.
pub fn cancelled(answer: &Answer, id: &str) -> Result<(), Failure> {
    check_echo(NAME, &answer.transaction, "transactionId", id)?;
    if answer.is_cancelled() {
        return Ok(());
    }
    answer.about(id)
}

/// The answer to the 出荷報告 of `id`.
pub fn reported(answer: &Answer, id: &str) -> Result<(), Failure> {
    answer.about(id)
}

fn verdict(transaction: &Element) -> Option<Verdict> {
    let said = (transaction.child_text("autoAuthoriresult"), transaction.child_text("manualAuthoriresult"));
    let (_, _, verdict) = VERDICTS.iter().find(|(auto, manual, _)| (*auto, *manual) == said)?;
    Some(verdict(reasons(transaction)))
}

/// The free text that the gateway gives, or at least its verdict words.
fn reasons(transaction: &Element) -> Vec<Reason> {
    let given = transaction.list("manualAuthorireasons", "manualAuthorireason");
    let given: Vec<_> = given.filter(|text| !text.text.is_empty()).map(|text| reason(None, &text.text)).collect();
    if given.is_empty() { vec![words(transaction)] } else { given }
}

/// The verdict as it came.
fn words(transaction: &Element) -> Reason {
    let auto = transaction.child_text("autoAuthoriresult");
    let manual = transaction.child_text("manualAuthoriresult");
    reason(None, format!("自動審査「{auto}」、目視審査「{manual}」"))
}
