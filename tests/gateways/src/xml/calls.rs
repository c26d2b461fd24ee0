//! What providers have in common that take one transaction in each XML request: a table of calls,
//! and an answer that begins with `result` and lists errors where that is NG.
//!
//! A request is refused in this order: no such path, not a POST of XML (both by HTTP), not a
//! document, not what the rules of the call allow, another merchant, and then what the call itself
//! finds. Every refusal goes on the record.

use crate::ledger::{Ledger, NewRegistration, Refusal, Registration};
use crate::verdicts::Verdict;
use crate::wire::{Answer, Received, Trouble, TwistRule, Wire};
use crate::xml::Element;
use crate::xml::read::{Node, Unread};
use crate::xml::rules::{Flaw, Found, Rule};

/// The simulators' own error codes, by their number.
pub mod code {
    #![allow(missing_docs, reason = "the names say it")]
    pub const ADDRESS_REFUSED: u16 = 101;
    pub const MERCHANT_REFUSED: u16 = 102;
    pub const MISSING: u16 = 201;
    pub const TOO_LONG: u16 = 202;
    pub const MALFORMED: u16 = 203;
    pub const NOT_UTF8: u16 = 204;
    pub const UNKNOWN_ELEMENT: u16 = 205;
    pub const REPEATED_ELEMENT: u16 = 206;
    pub const OUT_OF_ORDER: u16 = 207;
    pub const TOO_SHORT: u16 = 208;
    pub const UNKNOWN_CARRIER: u16 = 209;
    pub const TOO_MANY: u16 = 210;
    pub const NOT_XML: u16 = 211;
    pub const NO_SUCH_TRANSACTION: u16 = 301;
    pub const NOT_APPROVED: u16 = 302;
    pub const AMOUNT_WRONG: u16 = 303;
    pub const TRACKING_EXISTS: u16 = 304;
    pub const REJECTED: u16 = 306;
    pub const STATE_REFUSES: u16 = 308;
    pub const ANOTHER_REFERENCE: u16 = 309;
    pub const SYSTEM_FAILURE: u16 = 901;
    pub const MAINTENANCE: u16 = 999;
}

/// Characters that are kept of what the parser says, which may quote the request: a message has at
/// most 512.
const MAX_WHY: usize = 200;

/// A code of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Code {
    /// The provider's, as it is publicly known.
    Known(&'static str),
    /// The simulator's, see [`code`].
    Own(u16),
}

/// A provider of this kind, as one merchant meets it.
pub(crate) trait XmlWire: Send + Sync + Sized + 'static {
    /// What it is called in Japan.
    const NAME: &'static str;
    /// What stands before the path of every call.
    const BASE: &'static str;
    /// Content-Type of its answers.
    const CONTENT_TYPE: &'static str;
    /// Whether a request without Content-Type is taken.
    const TAKES_UNTYPED: bool;
    /// What stands before the three digits of the simulator's own codes.
    const OWN_CODE: &'static str;
    /// The elements that hold references and transaction ids.
    const NAMES: &'static [&'static str];
    const CALLS: &'static [Call];
    const TWISTS: &'static [TwistRule];

    /// Each credential: its label, its path in every request, its value.
    fn credentials(&self) -> [(&'static str, &'static str, &str); 3];

    /// One of the `errors` of an answer.
    fn error(code: String, problem: &Problem) -> Element;
}

/// One call: where it is, what it takes, what it does.
pub(crate) struct Call {
    pub operation: &'static str,
    pub path: &'static str,
    /// The rules for a request, which may depend on what it says it is.
    pub request: fn(&Node) -> &'static Rule,
    /// What stands behind the `result` of an answer, or what is wrong with the request.
    pub run: fn(&mut Ledger, &Node) -> Result<Element, Problem>,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Problem {
    pub code: Code,
    /// The element it is about; empty where it is about none.
    pub point: String,
    pub message: String,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, point: String::new(), message: message.into() }
    }

    /// About one element, under a number of the simulator's own.
    pub(crate) fn at(point: impl Into<String>, own: u16, message: impl Into<String>) -> Self {
        Self { point: point.into(), ..Self::new(Code::Own(own), message) }
    }
}

impl From<Found> for Problem {
    fn from(found: Found) -> Self {
        let (own, words) = match found.flaw {
            Flaw::Missing => (code::MISSING, "必須項目です".to_owned()),
            Flaw::TooShort(least) => (code::TOO_SHORT, format!("{least}文字以上で入力してください")),
            Flaw::TooLong(most) => (code::TOO_LONG, format!("{most}文字以内で入力してください")),
            Flaw::Malformed => (code::MALFORMED, "形式が正しくありません".to_owned()),
            Flaw::Unknown => (code::UNKNOWN_ELEMENT, "この要素はありません".to_owned()),
            Flaw::Repeated => (code::REPEATED_ELEMENT, "要素が重複しています".to_owned()),
            Flaw::OutOfOrder => (code::OUT_OF_ORDER, "要素の順序が正しくありません".to_owned()),
            Flaw::TooMany(most) => (code::TOO_MANY, format!("{most}件以内で入力してください")),
        };
        Self::at(found.path, own, format!("{} : {words}", found.label))
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NotUtf8 => Self::new(Code::Own(code::NOT_UTF8), "文字コードがUTF-8ではありません"),
            Unread::NotXml(why) => {
                let why: String = why.chars().take(MAX_WHY).collect();
                Self::new(Code::Own(code::NOT_XML), format!("XMLとして読み取れません ({why})"))
            }
        }
    }
}

/// A state in which something is refused.
pub(crate) struct Bar {
    pub when: fn(&Registration) -> bool,
    pub code: Code,
    pub message: &'static str,
}

pub(crate) const REJECTED: Bar = Bar {
    when: |registration| registration.verdict == Verdict::Rejected,
    code: Code::Own(code::REJECTED),
    message: "与信NGの取引です",
};

pub(crate) const NOT_APPROVED: Bar = Bar {
    when: |registration| registration.verdict != Verdict::Approved,
    code: Code::Own(code::NOT_APPROVED),
    message: "与信OKの取引ではありません",
};

pub(crate) const SHIPPED: Bar = Bar {
    when: |registration| registration.shipment.is_some(),
    code: Code::Own(code::TRACKING_EXISTS),
    message: "伝票番号は登録済みです",
};

pub(crate) const TRACKING_REFUSED: Bar = Bar {
    when: |registration| registration.script.refuses_tracking,
    code: Code::Own(code::STATE_REFUSES),
    message: "この取引の伝票番号は登録できません",
};

/// The registration with this id.
pub(crate) fn found<'a>(ledger: &'a mut Ledger, id: &str) -> Result<&'a mut Registration, Problem> {
    let missing = || Problem::new(Code::Own(code::NO_SUCH_TRANSACTION), "該当する取引がありません");
    ledger.registrations.get_mut(id).ok_or_else(missing)
}

/// The registration, unless its state is one of these; the first that holds is answered.
pub(crate) fn unless<'a>(bars: &[Bar], registration: &'a mut Registration) -> Result<&'a mut Registration, Problem> {
    match bars.iter().find(|bar| (bar.when)(registration)) {
        Some(bar) => Err(Problem::new(bar.code, bar.message)),
        None => Ok(registration),
    }
}

/// The reference given here has to be the one that was registered.
pub(crate) fn check_reference(registration: &Registration, request: &Node, path: &str) -> Result<(), Problem> {
    if registration.reference == request.text(path) {
        return Ok(());
    }
    Err(Problem::at(path, code::ANOTHER_REFERENCE, "加盟店の注文番号 : 登録された番号と一致しません"))
}

/// Records a new claim.
pub(crate) fn register(
    ledger: &mut Ledger,
    id: impl Fn(usize) -> String,
    new: NewRegistration,
) -> Result<&Registration, Problem> {
    ledger.register(id, new).ok_or_else(|| trouble(Trouble::SystemFailure))
}

/// Puts a changed order in the place of the one that was registered, and judges it again.
pub(crate) fn judge_again(registration: &mut Registration, new: NewRegistration) {
    registration.verdict = new.script.verdict(0);
    registration.asks = 0;
    registration.billed_amount = new.billed_amount;
    registration.buyer = new.buyer;
    registration.ordered = new.ordered;
    registration.enclosed = new.enclosed;
    registration.script = new.script;
}

/// The billed amount has to be the sum of price × quantity. Rules bound the factors to 11 digits
/// together and the lines to [`crate::xml::read::MAX_ELEMENTS`], so the sum cannot overflow.
pub(crate) fn check_total<'a>(
    request: &Node,
    billed: &str,
    lines: impl IntoIterator<Item = &'a Node>,
    [price, quantity]: [&str; 2],
) -> Result<(), Problem> {
    let total: i64 = lines.into_iter().map(|line| line.number(price) * line.number(quantity)).sum();
    if total == request.number(billed) {
        return Ok(());
    }
    Err(Problem::at(billed, code::AMOUNT_WRONG, "請求金額 : 明細の合計と一致しません"))
}

/// The carrier's code, if it is one of the provider's.
pub(crate) fn carrier<'a>(carriers: &[(&str, &str)], request: &'a Node, path: &str) -> Result<&'a str, Problem> {
    let given = request.text(path);
    let known = carriers.iter().any(|(code, _)| *code == given);
    known
        .then_some(given)
        .ok_or_else(|| Problem::at(path, code::UNKNOWN_CARRIER, "運送会社コード : 登録されていません"))
}

impl<P: XmlWire> Wire for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn merchant(&self) -> Vec<(&'static str, String)> {
        self.credentials().map(|(label, _, value)| (label, value.to_owned())).to_vec()
    }

    fn base(&self) -> &str {
        P::BASE
    }

    fn operations(&self) -> Vec<&'static str> {
        P::CALLS.iter().map(|call| call.operation).collect()
    }

    fn operation(&self, request: &Received) -> Option<&'static str> {
        call::<P>(request).map(|call| call.operation)
    }

    fn names(&self, request: &Received) -> Vec<String> {
        Node::parse(&request.body).map_or(Vec::new(), |root| root.texts(P::NAMES))
    }

    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer {
        let Some(call) = call::<P>(request) else { return Answer::page(404, "Not Found") };
        if request.method != "POST" {
            return Answer::page(405, "Method Not Allowed");
        }
        let untyped = P::TAKES_UNTYPED && request.header("content-type").is_none();
        if !untyped && !matches!(request.charset("application/xml").as_deref(), Some("" | "utf-8")) {
            return Answer::page(415, "Unsupported Media Type");
        }
        match carry_out(self, call, ledger, &request.body) {
            Ok(element) => answer::<P>("OK", element),
            Err(problems) => {
                let about = self.names(request).into_iter().next().unwrap_or_default();
                problems.iter().for_each(|problem| ledger.refuse(refusal::<P>(call, &about, problem)));
                refused::<P>(&problems)
            }
        }
    }

    fn trouble(&self, operation: &str, kind: Trouble) -> Option<Answer> {
        P::CALLS.iter().find(|call| call.operation == operation)?;
        Some(refused::<P>(&[trouble(kind)]))
    }

    fn twists(&self) -> &'static [TwistRule] {
        P::TWISTS
    }
}

fn call<P: XmlWire>(request: &Received) -> Option<&'static Call> {
    let path = request.path.strip_prefix(P::BASE)?;
    P::CALLS.iter().find(|call| call.path == path)
}

fn carry_out(provider: &impl XmlWire, call: &Call, ledger: &mut Ledger, body: &[u8]) -> Result<Element, Vec<Problem>> {
    let request = Node::parse(body).map_err(|unread| vec![unread.into()])?;
    let flaws = (call.request)(&request).flaws(&request);
    if !flaws.is_empty() {
        return Err(flaws.into_iter().map(Problem::from).collect());
    }
    if provider.credentials().iter().any(|(_, path, value)| request.text(path) != *value) {
        return Err(vec![Problem::new(Code::Own(code::MERCHANT_REFUSED), "加盟店の認証に失敗しました")]);
    }
    (call.run)(ledger, &request).map_err(|problem| vec![problem])
}

fn answer<P: XmlWire>(result: &'static str, element: Element) -> Answer {
    let body = Element::parent("response", vec![Element::text("result", result), element]).document();
    Answer { status: 200, content_type: P::CONTENT_TYPE, retry_after: None, body }
}

fn refused<P: XmlWire>(problems: &[Problem]) -> Answer {
    let error = |problem: &Problem| P::error(written::<P>(problem.code), problem);
    answer::<P>("NG", Element::parent("errors", problems.iter().map(error).collect()))
}

fn written<P: XmlWire>(code: Code) -> String {
    match code {
        Code::Known(code) => code.to_owned(),
        Code::Own(number) => format!("{}{number:03}", P::OWN_CODE),
    }
}

fn refusal<P: XmlWire>(call: &Call, about: &str, problem: &Problem) -> Refusal {
    Refusal {
        operation: call.operation.to_owned(),
        about: about.to_owned(),
        code: written::<P>(problem.code),
        message: problem.message.clone(),
    }
}

fn trouble(trouble: Trouble) -> Problem {
    let (own, message) = match trouble {
        Trouble::AddressRefused => (code::ADDRESS_REFUSED, "接続元IPアドレスが許可されていません"),
        Trouble::SystemFailure => (code::SYSTEM_FAILURE, "システムエラーが発生しました"),
        Trouble::Maintenance => (code::MAINTENANCE, "メンテナンス中です"),
    };
    Problem::new(Code::Own(own), message)
}
