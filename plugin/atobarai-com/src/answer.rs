//! Answers, read: XML to a verdict, a standing or a failure.
//!
//! Whatever is not understood ends as *outcome unknown* or as `other`, never as success or failure.
//! Rows are found by their id, never by their position.

use provider_sdk::answer;
use provider_sdk::failure::{mismatch, problem, reason, unreadable};
use provider_sdk::http::Response;
use provider_sdk::rows::distinct;
use provider_sdk::types::{Decision, Failure, FieldProblem, Reason, Standing, Verdict};
use provider_sdk::xml::Element;

/// What the code of a refused request says. All of them say that nothing was recorded.
/// Of several codes the last in this order decides: it leaves the least to guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// What was sent is wrong, in this field of the contract where that is known.
    Input(&'static str),
    /// Try later.
    Busy,
    /// The ids or the source address.
    NotAllowed,
    /// An option of the site does not allow what was sent (*assumed*).
    Site,
    /// The state of the registration does not allow it.
    State,
}

/// Codes by family; `?` is any digit, the first row that fits decides. *Assumed* but for the first,
/// which is seen in a sample answer and is an input error although it looks like a state error. `E??901` (a failure of the
/// system) is not among them: nobody says whether it comes before anything is recorded or after it.
const CODES: [(&str, Meaning); 15] = [
    ("E00303", Meaning::Input("billed-amount")),
    ("E00301", Meaning::Site),
    ("E00302", Meaning::Site),
    ("E00304", Meaning::Site),
    ("E00305", Meaning::Site),
    ("E00306", Meaning::Site),
    ("E00307", Meaning::Site),
    ("E00308", Meaning::Site),
    ("E00310", Meaning::Site),
    ("E00311", Meaning::Site),
    ("E??101", Meaning::NotAllowed),
    ("E??102", Meaning::NotAllowed),
    ("E??2??", Meaning::Input("")),
    ("E??3??", Meaning::State),
    ("E??999", Meaning::Busy),
];

fn meaning(code: &str) -> Option<Meaning> {
    let fits = |pattern: &str| {
        pattern.len() == code.len()
            && pattern.bytes().zip(code.bytes()).all(|(p, c)| p == c || (p == b'?' && c.is_ascii_digit()))
    };
    CODES.iter().find(|(pattern, _)| fits(pattern)).map(|(_, meaning)| *meaning)
}

/// What is read of an answer, and of each result in it. One that says any of it twice contradicts itself.
const READ: [&str; 7] = ["status", "orderId", "systemOrderId", "journalNum", "orderStatus", "messages", "results"];
const READ_OF_RESULT: [&str; 6] =
    ["orderId", "entOrderId", "orderStatus", "isCanceled", "isReceiptConfirmed", "cancelStatus"];

/// A readable answer.
#[derive(Default)]
pub struct Answer {
    document: Element,
    /// Why the request was refused, where the top status is `error`.
    refusal: Option<Failure>,
}

/// How messages name the gateway.
const NAME: &str = "後払い.com";

/// Reads an answer to any call. Business errors come with HTTP 200.
pub fn read(response: &Response) -> Result<Answer, Failure> {
    let document = answer::xml(response, NAME, "response")?;
    answer::once(NAME, &document, &READ)?;
    document.list("results", "result").try_for_each(|row| answer::once(NAME, row, &READ_OF_RESULT))?;
    let refusal = match document.child_text("status") {
        "success" => None,
        "error" => Some(refused_by(messages(&document))),
        _ => return Err(unreadable("後払い.comの回答のstatusがsuccessでもerrorでもありません")),
    };
    Ok(Answer { document, refusal })
}

fn messages(document: &Element) -> Vec<Reason> {
    document.list("messages", "message").map(reason_of).collect()
}

/// An element that carries a code in `cd` and words as its text.
fn reason_of(element: &Element) -> Reason {
    reason(Some(element.attribute("cd").to_owned()).filter(|code| !code.is_empty()), &element.text)
}

/// What the codes of `messages` say together; nothing where one is missing or not known.
fn decisive(messages: &[Reason]) -> Option<Meaning> {
    let meanings: Option<Vec<_>> = messages.iter().map(|m| meaning(m.code.as_deref().unwrap_or_default())).collect();
    meanings.and_then(|meanings| meanings.into_iter().max())
}

fn refused_by(messages: Vec<Reason>) -> Failure {
    match decisive(&messages) {
        // Nothing says whether something was recorded.
        None => Failure::OutcomeUnknown(joined(messages)),
        Some(Meaning::State | Meaning::Site) => Failure::Refused(joined(messages)),
        Some(Meaning::NotAllowed) => Failure::Unauthorized(joined(messages)),
        Some(Meaning::Busy) => Failure::Busy((joined(messages), None)),
        Some(Meaning::Input(_)) => Failure::Invalid(messages.into_iter().map(input_problem).collect()),
    }
}

fn input_problem(message: Reason) -> FieldProblem {
    let code = message.code.unwrap_or_default();
    let field = match meaning(&code) {
        Some(Meaning::Input(field)) => field,
        _ => "",
    };
    problem(field, &code, message.message)
}

/// One reason that carries all of `messages`, under the first code.
fn joined(messages: Vec<Reason>) -> Reason {
    match <[Reason; 1]>::try_from(messages) {
        Ok([message]) => message,
        Err(messages) if messages.is_empty() => reason(None, "後払い.comが理由を示さずにエラーを返しました"),
        Err(messages) => {
            let words = messages.iter().map(|m| format!("{} {}", m.code.as_deref().unwrap_or_default(), m.message));
            reason(messages[0].code.clone(), words.collect::<Vec<_>>().join(" / "))
        }
    }
}

impl Answer {
    /// Nothing, or why the request was refused.
    pub fn accepted(&self) -> Result<(), Failure> {
        self.refusal.clone().map_or(Ok(()), Err)
    }

    /// Whether there is a list of results, empty or not.
    pub fn has_results(&self) -> bool {
        self.document.child("results").is_some()
    }

    /// The results that name `id` in their element `key`.
    fn rows<'a>(&'a self, key: &'a str, id: &'a str) -> impl Iterator<Item = &'a Element> {
        self.document.list("results", "result").filter(move |row| row.child_text(key) == id)
    }

    /// What it means for a row that the answer does not name it.
    fn absent(&self, id: &str) -> Failure {
        let words = || mismatch(format!("後払い.comの回答に{id}の結果がありません"));
        self.refusal.clone().unwrap_or_else(words)
    }

    /// An answer about one order echoes it. One that names something else answers another request.
    fn check_echo(&self, element: &str, asked: &str) -> Result<(), Failure> {
        let echoed = self.document.child_text(element);
        if echoed.is_empty() || echoed == asked {
            return Ok(());
        }
        Err(mismatch(format!("後払い.comの回答の{element}が{echoed}で、送った{asked}と一致しません")))
    }
}

/// The answer to the registration of `reference`.
pub fn decision(answer: &Answer, reference: &str) -> Result<Decision, Failure> {
    answer.check_echo("orderId", reference)?;
    let echoed = answer.document.child_text("orderId");
    let id = answer.document.child_text("systemOrderId");
    match &answer.refusal {
        Some(refusal) if id.is_empty() => Err(at_registration(answer, refusal.clone())),
        Some(_) => Err(mismatch(format!("エラーの回答に後払い.comの注文ID{id}があります（{reference}）"))),
        None if id.is_empty() => {
            Err(mismatch(format!("登録成功の回答に後払い.comの注文IDがありません（{reference}）")))
        }
        None if echoed.is_empty() => Err(mismatch(format!("登録成功の回答（{id}）に注文番号{reference}がありません"))),
        None => Ok(Decision { transaction_id: Some(id.to_owned()), verdict: registered_verdict(answer) }),
    }
}

/// The one state that can refuse a registration is that it exists already: an earlier one arrived
/// and its answer was lost. Ask for it before anything else. What an option of the site refuses was
/// refused for its content, unless this reference was sent before; the platform knows that.
fn at_registration(answer: &Answer, refusal: Failure) -> Failure {
    match refusal {
        Failure::Refused(reason) if decisive(&messages(&answer.document)) == Some(Meaning::State) => {
            Failure::OutcomeUnknown(reason)
        }
        other => other,
    }
}

/// The verdict that came with a registration. Whatever state it is in, it is recorded now.
fn registered_verdict(answer: &Answer) -> Verdict {
    let nothing = Element::default();
    let status = answer.document.child("orderStatus").unwrap_or(&nothing);
    verdict(status, messages(&answer.document)).unwrap_or_else(|| Verdict::Other(unknown_state(status)))
}

/// 0 与信中, 1 与信OK, 2 与信NG. The gateway's words on a rejection, or at least the state's label.
fn verdict(status: &Element, mut words: Vec<Reason>) -> Option<Verdict> {
    match status.attribute("cd") {
        "0" => Some(Verdict::UnderReview),
        "1" => Some(Verdict::Approved),
        "2" => {
            if words.is_empty() && !status.text.is_empty() {
                words.push(reason(None, &status.text));
            }
            Some(Verdict::Rejected(words))
        }
        _ => None,
    }
}

fn unknown_state(status: &Element) -> Reason {
    let label = if status.text.is_empty() {
        "後払い.comが知らない与信状況を返しました"
    } else {
        &status.text
    };
    reason(Some(status.attribute("cd").to_owned()).filter(|code| !code.is_empty()), label)
}

/// What the status call says of the id `id`, registered as `reference`.
pub fn standing(answer: &Answer, id: &str, reference: &str) -> Result<Standing, Failure> {
    let rows = rows_of(answer, id, reference)?;
    match <[Standing; 1]>::try_from(distinct(rows.into_iter().map(|row| status_standing(id, row)))) {
        Ok([standing]) => Ok(standing),
        Err(none) if none.is_empty() => Err(answer.absent(id)),
        Err(_) => Ok(Standing::Other(reason(None, format!("{id}について食い違う状況が回答されました")))),
    }
}

/// The rows of the id `id`; an error if one names another reference than `reference`, under which it was registered.
fn rows_of<'a>(answer: &'a Answer, id: &'a str, reference: &str) -> Result<Vec<&'a Element>, Failure> {
    let rows: Vec<_> = answer.rows("orderId", id).collect();
    let is_other = |row: &&&Element| !["", reference].contains(&row.child_text("entOrderId"));
    match rows.iter().find(is_other) {
        Some(row) => {
            let named = row.child_text("entOrderId");
            Err(mismatch(format!("{id}は{reference}ではなく{named}の登録だと回答されました")))
        }
        None => Ok(rows),
    }
}

fn status_standing(id: &str, row: &Element) -> Standing {
    let nothing = Element::default();
    let status = row.child("orderStatus").unwrap_or(&nothing);
    match status.attribute("cd") {
        "3" => Standing::Cancelled,
        "-1" => Standing::NotFound,
        _ => match verdict(status, Vec::new()) {
            Some(verdict) => decided(id, verdict),
            None => Standing::Other(unknown_state(status)),
        },
    }
}

fn decided(id: &str, verdict: Verdict) -> Standing {
    Standing::Decided(Decision { transaction_id: Some(id.to_owned()), verdict })
}

/// What the gateway holds under one reference of ours. It does not refuse a second registration.
#[derive(Debug, PartialEq)]
pub enum Registered {
    /// It says that it knows none.
    Nothing,
    /// The one that is alive, or if none is, the first that was.
    One {
        /// The gateway's own id.
        id: String,
        /// Where it stands.
        standing: Standing,
    },
    /// More than one is alive, or what is said of it contradicts itself. Needs a person.
    Unclear(Reason),
}

/// What the detail call (*assumed*) says of `reference`. A reference that it does not mention is not
/// *not found*: that has to be said.
pub fn registered(answer: &Answer, reference: &str) -> Result<Registered, Failure> {
    let found = distinct(answer.rows("entOrderId", reference).map(|row| {
        let id = row.child_text("orderId");
        (id, detail_standing(id, row))
    }));
    if found.is_empty() {
        return Err(answer.absent(reference));
    }
    let known: Vec<_> = found.into_iter().filter(|(_, standing)| *standing != Standing::NotFound).collect();
    let ids: Vec<_> = known.iter().map(|(id, _)| *id).collect();
    let contradicts = distinct(ids.iter()).len() < ids.len();
    let live: Vec<_> = known.iter().filter(|(_, standing)| !is_over(standing)).collect();
    if contradicts || live.len() > 1 || ids.contains(&"") {
        return Ok(Registered::Unclear(unclear(reference, &ids)));
    }
    Ok(match live.first().copied().or(known.first()) {
        None => Registered::Nothing,
        Some((id, standing)) => Registered::One { id: (*id).to_owned(), standing: standing.clone() },
    })
}

fn unclear(reference: &str, ids: &[&str]) -> Reason {
    let words = format!(
        "任意注文番号{reference}に後払い.comの登録が複数あるか、回答が食い違っています（二重登録の疑い: {}）。\
         加盟店管理画面で確認してください",
        ids.join("、")
    );
    reason("registered-twice".to_owned(), words)
}

/// Whether nothing more can be claimed from the buyer under this registration.
fn is_over(standing: &Standing) -> bool {
    matches!(standing, Standing::Cancelled | Standing::Decided(Decision { verdict: Verdict::Rejected(_), .. }))
}

/// Here the text of `orderStatus` is the code, and the label an attribute (all *assumed*).
fn detail_standing(id: &str, row: &Element) -> Standing {
    let code = row.child_text("orderStatus");
    let label = row.child("orderStatus").map_or("", |status| status.attribute("orderStatusName"));
    let other = || Standing::Other(reason(Some(code.to_owned()).filter(|c| !c.is_empty()), format!("{label}（{id}）")));
    let rejected =
        || Verdict::Rejected(Some(label).filter(|l| !l.is_empty()).map(|l| reason(None, l)).into_iter().collect());
    let cancelled = is_set(row, "isCanceled");
    match code {
        "-1" => Standing::NotFound,
        "11" => Standing::Cancelled,
        // 10 キャンセル申請中 is asked for, not done: the claim may still stand.
        "10" => other(),
        // A flag that contradicts the state leaves it to a person.
        _ if cancelled => other(),
        "0" => decided(id, Verdict::UnderReview),
        "1" => decided(id, Verdict::Approved),
        "99" => decided(id, rejected()),
        "2" | "3" => Standing::TrackingRegistered,
        "9" if is_set(row, "isReceiptConfirmed") => Standing::Paid,
        _ => other(),
    }
}

/// How far the detail call says that the approved registration `id` of `reference` has come; nothing if no further.
pub fn progress(details: &Answer, id: &str, reference: &str) -> Result<Option<Standing>, Failure> {
    let further = |standing: &Standing| matches!(standing, Standing::TrackingRegistered | Standing::Paid);
    Ok(rows_of(details, id, reference)?.into_iter().map(|row| detail_standing(id, row)).find(further))
}

/// How a flag is written is *assumed*; anything else counts as not set.
fn is_set(row: &Element, flag: &str) -> bool {
    ["1", "true"].contains(&row.child_text(flag))
}

/// What the cancel call says of the id `id`. The top status can say success while a row failed.
pub fn cancelled(answer: &Answer, id: &str) -> Result<(), Failure> {
    let outcomes = distinct(answer.rows("orderId", id).map(|row| cancelled_row(answer, id, row)));
    match <[Result<(), Failure>; 1]>::try_from(outcomes) {
        Ok([outcome]) => outcome,
        Err(none) if none.is_empty() => Err(answer.absent(id)),
        Err(_) => Err(mismatch(format!("{id}のキャンセルについて食い違う結果が回答されました"))),
    }
}

/// `cancelStatus` is *assumed* to say `success` or `error`, as the top status does.
fn cancelled_row(answer: &Answer, id: &str, row: &Element) -> Result<(), Failure> {
    let error = row.child("error").map(reason_of).filter(|e| e.code.is_some() || !e.message.is_empty());
    match (row.child_text("cancelStatus"), error) {
        ("success", None) if answer.refusal.is_none() => Ok(()),
        ("success", _) => Err(mismatch(format!("{id}のキャンセルが成功ともエラーとも回答されました"))),
        (_, Some(error)) => Err(Failure::Refused(error)),
        ("error", None) => Err(Failure::Refused(reason(None, "後払い.comがキャンセルを受け付けませんでした"))),
        (status, None) => Err(mismatch(format!("{id}のキャンセル結果がわかりません（{status}）"))),
    }
}

/// The answer to the tracking number `number` for the id `id`. The echo is *assumed*: it is compared
/// where it comes.
pub fn tracked(answer: &Answer, id: &str, number: &str) -> Result<(), Failure> {
    answer.check_echo("orderId", id)?;
    answer.check_echo("journalNum", number)?;
    answer.accepted()
}
