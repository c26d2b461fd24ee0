//! Answers, read: JSON to a verdict, a standing or a failure.
//!
//! One answer can hold rows that were done (`results`) and rows that were refused (`errors`). A row is
//! found by the gateway's id or by our own, never by its position. A row in both lists, or in neither,
//! is *outcome unknown*, but for registrations: see [`decision`].

use crate::{codes, json};
use provider_sdk::answer::{accept, without_mark};
use provider_sdk::failure::{mismatch, reason, unreadable};
use provider_sdk::http::Response;
use provider_sdk::rows::distinct;
use provider_sdk::types::{Decision, Failure, Standing, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;

/// Digits of the gateway's own id.
const ID_DIGITS: usize = 11;

/// Whether `id` is one of the gateway's own.
pub fn is_id(id: &str) -> bool {
    id.len() == ID_DIGITS && id.bytes().all(|b| b.is_ascii_digit())
}

/// How a row of a call is named in an answer.
pub struct Name {
    /// The gateway's own id; nothing at registration, where there is none yet.
    pub id: Option<String>,
    /// Our own.
    pub reference: String,
}

/// A row that was done.
#[derive(PartialEq)]
struct Row {
    reference: String,
    id: String,
    result: String,
    rejections: Vec<String>,
    holds: Vec<String>,
}

/// A readable answer. Rows and errors are listed by each id that they carry.
#[derive(Default)]
pub struct Answer {
    /// Transactions that were sent.
    asked: usize,
    /// The gateway refuses (HTTP 400) and lists nothing that was done.
    nothing_done: bool,
    rows: Vec<Row>,
    by_reference: BTreeMap<String, Vec<usize>>,
    by_id: BTreeMap<String, Vec<usize>>,
    /// Codes by id. Those of errors without an id stand under "".
    errors: BTreeMap<String, Vec<String>>,
}

/// What an answer says of one row.
enum Found<'a> {
    Done(&'a Row),
    Refused(Vec<&'a str>),
}

/// HTTP: done, and in other words of the same; and refused.
const OK: u16 = 200;
const CREATED: u16 = 201;
const REFUSED: u16 = 400;

/// Reads the answer to a request of `asked` transactions. The gateway says with 200, 201 and 400 what
/// it did; 401 and 403 refuse the credentials (*assumed*).
pub fn read(response: &Response, asked: usize) -> Result<Answer, Failure> {
    if let status @ (401 | 403) = response.status {
        let words = "NPが加盟店コード・SPコード・端末IDのいずれかを受け付けませんでした";
        return Err(Failure::Unauthorized(reason(format!("http-{status}"), words)));
    }
    accept(response, "NP後払い", &[OK, CREATED, REFUSED])?;
    let document = json::parse(without_mark(&response.body))
        .map_err(|error| unreadable(format!("NP後払いの回答を読めません（{error}）")))?;
    let (results, errors) = (list(&document, "results")?, list(&document, "errors")?);
    if results.or(errors).is_none() {
        return Err(unreadable("NP後払いの回答にresultsもerrorsもありません"));
    }
    let nothing_done = response.status == REFUSED && results.is_none_or(Vec::is_empty);
    let mut answer = Answer { asked, nothing_done, ..Answer::default() };
    results.into_iter().flatten().for_each(|row| answer.add_row(row));
    errors.into_iter().flatten().for_each(|error| answer.add_error(error));
    Ok(answer)
}

fn list<'a>(document: &'a Value, key: &str) -> Result<Option<&'a Vec<Value>>, Failure> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(_) => Err(unreadable(format!("NP後払いの回答の{key}が一覧ではありません"))),
    }
}

/// The text under `key`, or "". A number is read as it is written: an id can come as one.
fn text(row: &Value, key: &str) -> String {
    match row.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The codes under `key`, which holds a list, or one alone. What is no text is kept as it is written,
/// so that it is seen as a code that nobody knows.
fn codes(row: &Value, key: &str) -> Vec<String> {
    let code = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match row.get(key) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().map(code).collect(),
        Some(one) => Some(code(one)).filter(|code| !code.is_empty()).into_iter().collect(),
    }
}

impl Answer {
    fn add_row(&mut self, row: &Value) {
        let row = Row {
            reference: text(row, "shop_transaction_id"),
            id: text(row, "np_transaction_id"),
            result: text(row, "authori_result"),
            rejections: codes(row, "authori_ng"),
            holds: codes(row, "authori_hold"),
        };
        self.by_reference.entry(row.reference.clone()).or_default().push(self.rows.len());
        self.by_id.entry(row.id.clone()).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    fn add_error(&mut self, error: &Value) {
        let codes = codes(error, "codes");
        // An error that names no reason must not pass for no error.
        let codes = if codes.is_empty() { vec![String::new()] } else { codes };
        self.errors.entry(text(error, "id")).or_default().extend(codes);
    }

    /// The different rows that carry `id` or `reference`.
    fn rows(&self, id: &str, reference: &str) -> Vec<&Row> {
        let by_id = self.by_id.get(id).filter(|_| !id.is_empty());
        let by_reference = self.by_reference.get(reference).filter(|_| !reference.is_empty());
        distinct(by_id.into_iter().chain(by_reference).flatten().map(|at| &self.rows[*at]))
    }

    /// The codes of the errors that name `name`. In a request of one transaction an error without an
    /// id can mean no other.
    fn codes(&self, name: &Name) -> Vec<&str> {
        let unnamed = (self.asked == 1).then_some("");
        let ids = name.id.as_deref().into_iter().chain([name.reference.as_str()]).chain(unnamed);
        distinct(distinct(ids).into_iter().filter_map(|id| self.errors.get(id)).flatten().map(String::as_str))
    }

    fn find(&self, name: &Name) -> Result<Found<'_>, Failure> {
        let reference = &name.reference;
        let rows = self.rows(name.id.as_deref().unwrap_or_default(), reference);
        match (rows.as_slice(), self.codes(name)) {
            ([row], codes) if codes.is_empty() => self.check(name, row).map(|()| Found::Done(row)),
            ([], codes) if codes.is_empty() => self.absent(reference).map(Found::Refused),
            ([], codes) => Ok(Found::Refused(codes)),
            (_, codes) => {
                let words = format!("{reference}の結果がNPの回答に重なっていて、食い違います（{}）", codes.join(" "));
                Err(mismatch(words))
            }
        }
    }

    /// A row that carries both ids carries the two that belong together.
    fn check(&self, name: &Name, row: &Row) -> Result<(), Failure> {
        let other_reference = !row.reference.is_empty() && row.reference != name.reference;
        let other_id = name.id.as_ref().is_some_and(|id| !row.id.is_empty() && *id != row.id);
        let shared = self.rows(&row.id, "").len() > 1;
        if other_reference || other_id || shared {
            let words =
                format!("NPの回答が{}に別の取引（{} {}）を結び付けています", name.reference, row.id, row.reference);
            return Err(mismatch(words));
        }
        Ok(())
    }

    /// The codes of errors that name no transaction.
    fn unnamed(&self) -> Vec<&str> {
        distinct(self.errors.get("").into_iter().flatten().map(String::as_str))
    }

    /// A row that the answer does not name: refused, by these codes, if the whole request was; else nobody
    /// knows.
    fn absent(&self, reference: &str) -> Result<Vec<&str>, Failure> {
        let unnamed = self.unnamed();
        let of_all = !unnamed.is_empty() && unnamed.iter().all(|code| codes::is_of_the_request(code));
        if of_all && self.rows.is_empty() {
            return Ok(unnamed);
        }
        let words = format!("NPの回答に{reference}の結果がありません（取引の示されないエラー: {}）", unnamed.join(" "));
        Err(mismatch(words))
    }
}

/// The answer to the registration of `name`.
///
/// A row that was registered is, whatever warning stands beside it: its id is never thrown away. One that
/// stands among the errors alone was refused, whatever the code. If the same reference was sent before, such
/// a code can be the warning of a repetition; the platform knows that, and takes no refusal for an answer then.
pub fn decision(answer: &Answer, name: &Name) -> Result<Decision, Failure> {
    let reference = &name.reference;
    match (answer.rows("", reference).as_slice(), answer.codes(name).as_slice()) {
        ([row], _) => {
            answer.check(name, row)?;
            if !is_id(&row.id) {
                return Err(mismatch(format!("登録成功の回答にNPの取引IDがありません（{reference} {}）", row.id)));
            }
            Ok(decided(row.id.clone(), row))
        }
        ([], []) => Err(answer.unregistered(reference)),
        ([], codes) => Err(codes::at_registration(codes)),
        (_, codes) => {
            let words = format!("{reference}の結果がNPの回答に重なっていて、食い違います（{}）", codes.join(" "));
            Err(mismatch(words))
        }
    }
}

impl Answer {
    /// What it means for a registration that no row and no error names it: nothing was registered where the
    /// gateway says so of the whole request, else nobody knows.
    fn unregistered(&self, reference: &str) -> Failure {
        let foreign: Vec<_> = self.errors.keys().filter(|id| is_id(id)).map(String::as_str).collect();
        match self.absent(reference) {
            Ok(codes) => codes::at_registration(&codes),
            Err(_) if !foreign.is_empty() => {
                let ids = foreign.join(" ");
                mismatch(format!("NPの回答に{reference}の結果がなく、別の取引ID（{ids}）についてのエラーがあります"))
            }
            Err(_) if self.nothing_done => Failure::Refused(codes::joined(&self.unnamed())),
            Err(failure) => failure,
        }
    }
}

fn decided(id: String, row: &Row) -> Decision {
    Decision { transaction_id: Some(id), verdict: verdict(row) }
}

/// 00 OK, 10 保留, 20 NG, 40 審査前; 50 審査中 is *assumed*, and 30 error (*assumed*) needs a person.
fn verdict(row: &Row) -> Verdict {
    let undisputed = row.rejections.is_empty() && row.holds.is_empty();
    match row.result.as_str() {
        "00" if undisputed => Verdict::Approved,
        "10" => Verdict::OnHold(row.holds.iter().map(|code| codes::hold(code)).collect()),
        "20" => Verdict::Rejected(row.rejections.iter().map(|code| codes::rejection(code)).collect()),
        "40" | "50" if undisputed => Verdict::UnderReview,
        result => {
            let words = [row.rejections.as_slice(), &row.holds].concat().join(" ");
            Verdict::Other(reason(result.to_owned(), format!("この版では意味のわからない与信結果です {words}")))
        }
    }
}

/// Where the transaction `name` stands. That a state is told by the code of an error is *assumed*.
pub fn standing(answer: &Answer, name: &Name) -> Result<Standing, Failure> {
    match answer.find(name)? {
        Found::Done(row) => Ok(Standing::Decided(decided(name.id.clone().unwrap_or_default(), row))),
        Found::Refused(refusal) => match refusal.as_slice() {
            [codes::UNKNOWN_TRANSACTION] => Ok(Standing::NotFound),
            [codes::CANCELLED] => Ok(Standing::Cancelled),
            [codes::SHIPPED] => Ok(Standing::TrackingRegistered),
            [codes::PAID] => Ok(Standing::Paid),
            refusal => match codes::failure(refusal) {
                Failure::Refused(reason) => Ok(Standing::Other(reason)),
                failure => Err(failure),
            },
        },
    }
}

/// What the cancel call says of `name`. One that is cancelled already is what was asked for: after a
/// lost answer it is the only way to learn that the first request arrived.
pub fn cancelled(answer: &Answer, name: &Name) -> Result<(), Failure> {
    match answer.find(name)? {
        Found::Done(_) => Ok(()),
        Found::Refused(codes) if codes == [codes::CANCELLED] => Ok(()),
        Found::Refused(codes) => Err(codes::failure(&codes)),
    }
}

/// What the shipment call says of `name`. One report is taken; which number it had, nothing tells.
pub fn shipped(answer: &Answer, name: &Name) -> Result<(), Failure> {
    match answer.find(name)? {
        Found::Done(_) => Ok(()),
        Found::Refused(codes) if codes == [codes::SHIPPED] => Err(Failure::Already(codes::joined(&codes))),
        Found::Refused(codes) => Err(codes::failure(&codes)),
    }
}
