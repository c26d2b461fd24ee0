//! Answers, read: XML to a verdict, a standing or a failure.
//!
//! `returnCode` says whether the call was accepted, and only then `result` says what came of it. What
//! is not understood ends as *outcome unknown* or as `other`, never as success or failure.

use crate::codes;
use provider_sdk::answer::{once, xml};
use provider_sdk::failure::{mismatch, reason, unreadable};
use provider_sdk::http::Response;
use provider_sdk::types::{Decision, Failure, Reason, Standing, Verdict};
use provider_sdk::xml::Element;

/// How messages name the gateway.
pub const NAME: &str = "クロネコ代金後払い";

/// What is read of an answer. One that says any of it twice contradicts itself.
const READ: [&str; 6] = ["ycfStrCode", "orderNo", "returnCode", "errorCode", "result", "warning"];

/// What a call came to.
pub enum Answer {
    /// `returnCode` 0.
    Accepted(Element),
    /// `returnCode` 1, with its `errorCode`.
    Refused(String),
}

/// Reads the answer to a call about the order `reference` of the merchant `merchant`. Every answer
/// echoes both; an error may leave them out, since it may be about them.
pub fn read(response: &Response, merchant: &str, reference: &str) -> Result<Answer, Failure> {
    let document = xml(response, NAME, "return")?;
    once(NAME, &document, &READ)?;
    let refused = said(&document, "returnCode") == Some("1");
    for (element, asked) in [("ycfStrCode", merchant), ("orderNo", reference)] {
        if !said(&document, element).map_or(refused, |echoed| echoed == asked) {
            let words = format!("{NAME}の回答の{element}が、{reference}について送ったものと一致しません");
            return Err(mismatch(words));
        }
    }
    let result = said(&document, "result");
    match (said(&document, "returnCode"), said(&document, "errorCode")) {
        (Some("0"), None) => Ok(Answer::Accepted(document)),
        (Some("1"), Some(code)) if result.is_none() => Ok(Answer::Refused(code.to_owned())),
        (Some("1"), None) => Ok(Answer::Refused(String::new())),
        _ => Err(unreadable(format!("{NAME}の回答が、{reference}の成否について食い違います"))),
    }
}

/// The text of the child `name`; nothing if it is empty or absent.
fn said<'a>(document: &'a Element, name: &str) -> Option<&'a str> {
    Some(document.child_text(name)).filter(|text| !text.is_empty())
}

impl Answer {
    /// What was answered to `call`, or why it was refused.
    pub fn accepted(self, call: &str) -> Result<Element, Failure> {
        match self {
            Self::Accepted(document) => Ok(document),
            Self::Refused(code) => Err(codes::failure(call, &code)),
        }
    }
}

/// The answer to the registration of `reference`: 0 ご利用可, 1 ご利用不可, 2 限度額超過, 3 審査中.
pub fn decision(answer: Answer, reference: &str) -> Result<Decision, Failure> {
    let document = answer.accepted(codes::REGISTER)?;
    let verdict = match said(&document, "result") {
        Some("0") => Verdict::Approved,
        Some("1") => rejected("1", "ご利用不可"),
        Some("2") => rejected("2", "限度額超過"),
        Some("3") => Verdict::UnderReview,
        other => Verdict::Other(unknown(other)),
    };
    Ok(decided(reference, verdict))
}

/// The gateway has no id of its own: the order number is what its console knows a transaction by.
fn decided(reference: &str, verdict: Verdict) -> Decision {
    Decision { transaction_id: Some(reference.to_owned()), verdict }
}

fn rejected(code: &str, words: &str) -> Verdict {
    Verdict::Rejected(vec![reason(code.to_owned(), words)])
}

fn unknown(code: Option<&str>) -> Reason {
    reason(code.map(str::to_owned), "この版では意味のわからない結果です。加盟店管理画面で確認してください")
}

/// Where the order `reference` stands, by 取引状況照会.
pub fn standing(answer: Answer, reference: &str) -> Result<Standing, Failure> {
    if matches!(&answer, Answer::Refused(code) if code == codes::STATUS_NOT_FOUND) {
        return Ok(Standing::NotFound);
    }
    let document = answer.accepted(codes::STATUS)?;
    let decided = |verdict| Standing::Decided(decided(reference, verdict));
    Ok(match said(&document, "result") {
        // 承認済
        Some("1") => decided(Verdict::Approved),
        // 取消済 after an approval, 取消 before one.
        Some("2" | "31") => Standing::Cancelled,
        // 送り状番号登録済, 売上確定, 請求書発行済
        Some("3" | "10" | "11") => Standing::TrackingRegistered,
        // Neither says whether a slip is registered, and both ask for a person.
        Some("5") => Standing::Other(alert("5", "配送要調査", &document)),
        Some("6") => Standing::Other(alert("6", "警報メール送信済", &document)),
        // 入金済
        Some("12") => Standing::Paid,
        // 審査中
        Some("30") => decided(Verdict::UnderReview),
        Some("32") => decided(rejected("32", "決済不可")),
        other => Standing::Other(unknown(other)),
    })
}

/// `warning`, which says what a state that needs a person is about.
const WARNINGS: [(&str, &str); 4] =
    [("1", "送り状未登録"), ("2", "配達未完了"), ("3", "配達要調査"), ("4", "印字データ未ダウンロード")];

fn alert(code: &str, words: &str, document: &Element) -> Reason {
    let warning = said(document, "warning");
    let warning = WARNINGS.iter().find(|(known, _)| Some(*known) == warning).map_or("", |(_, words)| *words);
    let words = if warning.is_empty() { words.to_owned() } else { format!("{words}（{warning}）") };
    reason(code.to_owned(), words)
}

/// The connection test by 決済結果照会: an order number that nobody has is told from wrong credentials.
pub fn connection(answer: Answer) -> Result<(), Failure> {
    match answer {
        Answer::Refused(code) if code == codes::RESULT_NOT_FOUND => Ok(()),
        other => other.accepted(codes::RESULT).map(drop),
    }
}
