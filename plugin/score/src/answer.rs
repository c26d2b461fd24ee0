//! Answers, read: XML to a verdict, a standing or a failure.
//!
//! `result` says whether the *request* was taken; the verdict of the credit check is another element.
//! Whatever is not understood ends as *outcome unknown* or as `other`, never as success or failure.

use crate::describe::NAME;
use provider_sdk::answer::{check_echo, once, refused, require_echo, xml};
use provider_sdk::failure::{joined, mismatch, reason};
use provider_sdk::http::Response;
use provider_sdk::types::{Decision, Failure, Order, Reason, Registration, Standing, Verdict};
use provider_sdk::xml::Element;

/// A verdict, made with reasons where it has some.
type Made = fn(Vec<Reason>) -> Verdict;

/// `authorResult`, and what it means. The English HOLD and the Japanese 保留 are two things.
const VERDICTS: [(&str, Made); 4] = [
    ("OK", |_| Verdict::Approved),
    ("NG", Verdict::Rejected),
    ("HOLD", |_| Verdict::UnderReview),
    ("保留", Verdict::OnHold),
];

/// Under which names an answer speaks of the transaction. Which call has which is *assumed*.
const TRANSACTION: [&str; 2] = ["transactionResult", "transactionInfo"];

/// What is read of an answer, and of the transaction in it. One that says any of it twice contradicts itself.
const READ: [&str; 2] = ["result", "errors"];
const READ_OF_TRANSACTION: [&str; 4] = ["nissenTransactionId", "shopTransactionId", "billedAmount", "authorResult"];

/// A readable answer.
pub struct Answer {
    /// What is said of the transaction; empty where nothing is.
    transaction: Element,
    /// Why the request was refused, where `result` is NG.
    refusal: Option<Failure>,
}

/// Reads an answer to any call.
pub fn read(response: &Response) -> Result<Answer, Failure> {
    let document = xml(response, NAME, "response")?;
    once(NAME, &document, &READ)?;
    let refusal = refused(NAME, &document)?.map(refusal);
    let mut transactions = document.children.iter().filter(|child| TRANSACTION.contains(&child.name.as_str()));
    let transaction = transactions.next().cloned().unwrap_or_default();
    if transactions.next().is_some() {
        return Err(mismatch(format!("{NAME}が一つの取引について複数の回答を返しました")));
    }
    once(NAME, &transaction, &READ_OF_TRANSACTION)?;
    Ok(Answer { transaction, refusal })
}

/// The gateway's codes and words.
fn refusal(errors: Vec<&Element>) -> Failure {
    let errors = errors.into_iter().map(|error| coded(error, "errorCode", "errorMessage")).collect();
    Failure::Refused(joined(errors, &format!("{NAME}が理由を示さずにエラーを返しました")))
}

fn coded(element: &Element, code: &str, words: &str) -> Reason {
    reason(Some(element.child_text(code).to_owned()).filter(|code| !code.is_empty()), element.child_text(words))
}

/// The answer to the registration of `order`.
pub fn decision(answer: &Answer, order: &Order) -> Result<Decision, Failure> {
    let transaction = &answer.transaction;
    let (reference, billed) = (&order.reference, order.billed_amount.to_string());
    check_echo(NAME, transaction, "shopTransactionId", reference)?;
    check_echo(NAME, transaction, "billedAmount", &billed)?;
    let id = transaction.child_text("nissenTransactionId");
    match &answer.refusal {
        Some(_) if !id.is_empty() => {
            return Err(mismatch(format!("{NAME}のエラーの回答に取引番号{id}があります（{reference}）")));
        }
        Some(refusal) => return Err(refusal.clone()),
        None => require_echo(NAME, transaction, "shopTransactionId", reference)?,
    }
    if id.is_empty() {
        return Err(mismatch(format!("{NAME}の登録成功の回答に取引番号がありません（{reference}）")));
    }
    let verdict = verdict(transaction).unwrap_or_else(|| Verdict::Other(unknown(transaction)));
    Ok(Decision { transaction_id: Some(id.to_owned()), verdict })
}

/// Nothing, if the answer to a later call is about `registration`, whose id is `id`, and says OK.
pub fn done(answer: &Answer, registration: &Registration, id: &str) -> Result<(), Failure> {
    let transaction = &answer.transaction;
    check_echo(NAME, transaction, "nissenTransactionId", id)?;
    check_echo(NAME, transaction, "shopTransactionId", &registration.reference)?;
    check_echo(NAME, transaction, "billedAmount", &registration.billed_amount.to_string())?;
    answer.refusal.clone().map_or(Ok(()), Err)?;
    require_echo(NAME, transaction, "nissenTransactionId", id)
}

/// What is said of `registration`. The gateway tells verdicts only, not what came after.
pub fn standing(answer: &Answer, registration: &Registration, id: &str) -> Result<Standing, Failure> {
    done(answer, registration, id)?;
    Ok(match verdict(&answer.transaction) {
        Some(verdict) => Standing::Decided(Decision { transaction_id: Some(id.to_owned()), verdict }),
        None => Standing::Other(unknown(&answer.transaction)),
    })
}

fn verdict(transaction: &Element) -> Option<Verdict> {
    let said = transaction.child_text("authorResult");
    let (_, verdict) = VERDICTS.iter().find(|(word, _)| *word == said)?;
    Some(verdict(reasons(transaction)))
}

/// The gateway's reasons, or at least its verdict word: they come only when one asks again.
fn reasons(transaction: &Element) -> Vec<Reason> {
    let given = transaction.children.iter().filter(|child| child.name == "holdReason");
    let given = given.map(|hold| coded(hold, "reasonCode", "reason"));
    let given: Vec<_> = given.filter(|reason| reason.code.is_some() || !reason.message.is_empty()).collect();
    if given.is_empty() { vec![unknown(transaction)] } else { given }
}

/// The verdict as it came.
fn unknown(transaction: &Element) -> Reason {
    reason(None, format!("与信結果「{}」", transaction.child_text("authorResult")))
}
