//! Example Pay, the invented provider of the examples in `examples/`: as much of a protocol as an order platform needs,
//! and no more.
//!
//! Every request is a form that is posted; every answer is HTTP 200 with an `answer` in XML:
//!
//! | path | fields besides `shop`, `key` and `order` | answers |
//! |---|---|---|
//! | `/register` | `name`, `phone`, `amount` | `order`, `id`, `state`, `reason` |
//! | `/ask` | | the same |
//! | `/cancel` | | the same |
//! | `/ship` | `carrier`, `number` | the same |
//!
//! `state` is `OK`, `NG`, `WAIT` or `HOLD`, and later `CANCELLED` or `SHIPPED`; there is a `reason` with `NG` and `HOLD`.
//! What is refused has `order`, `error` (see [`code`]), `field` if one is wrong, and `message` instead. A second
//! registration under the same `order` is refused; to cancel what is cancelled is not.

use crate::fields::{FORM, Field, Flaw, Form, Params};
use crate::ledger::{Ledger, NewRegistration, Refusal, Registration, Shipment};
use crate::verdicts::{self, Verdict};
use crate::wire::{Answer, Received, Trouble, Twist, TwistRule, Wire, twist};
use crate::xml::Element;

/// The codes of errors.
pub mod code {
    /// The shop, its key or its network address is not known.
    pub const UNAUTHORIZED: &str = "AUTH";
    /// A field is wrong.
    pub const INVALID: &str = "INVALID";
    /// This `order` is registered, or its parcel reported.
    pub const EXISTS: &str = "EXISTS";
    /// There is no such `order`.
    pub const NOT_FOUND: &str = "NOT-FOUND";
    /// The order's state does not allow it.
    pub const STATE: &str = "STATE";
    /// Nothing is served now.
    pub const BUSY: &str = "BUSY";
}

/// Most yen of one order.
pub const MAX_BILLED: i64 = 999_999;

/// `carrier` and whose it is.
pub const CARRIERS: [(&str, &str); 3] = [("YAMATO", "ヤマト運輸"), ("SAGAWA", "佐川急便"), ("POST", "日本郵便")];

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct ExamplePay {
    /// `shop`
    pub shop: String,
    /// `key`
    pub key: String,
}

impl Default for ExamplePay {
    /// An invented merchant.
    fn default() -> Self {
        Self { shop: "1001".to_owned(), key: "example-key-01".to_owned() }
    }
}

/// One call: where it is, what it takes besides the order, what it does.
struct Call {
    operation: &'static str,
    fields: &'static [Field],
    run: fn(&mut Ledger, &Params) -> Result<Element, Problem>,
}

static CALLS: [Call; 4] = [
    Call {
        operation: "register",
        fields: &[
            Field::required("name", "氏名", 30, Form::Text),
            Field::required("phone", "電話番号", 13, Form::Phone),
            Field::required("amount", "金額", 6, Form::Within(1, MAX_BILLED)),
        ],
        run: register,
    },
    Call { operation: "ask", fields: &[], run: ask },
    Call { operation: "cancel", fields: &[], run: cancel },
    Call {
        operation: "ship",
        fields: &[
            Field::required("carrier", "配送業者", 6, Form::OneOf(&["YAMATO", "SAGAWA", "POST"])),
            Field::required("number", "伝票番号", 20, Form::Text),
        ],
        run: ship,
    },
];

static ORDER: Field = Field::required("order", "注文番号", 20, Form::Text);

/// Why a request is refused.
struct Problem {
    code: &'static str,
    /// The field that is wrong; empty where none is.
    field: &'static str,
    message: String,
}

impl Problem {
    fn new(code: &'static str, message: &str) -> Self {
        Self { code, field: "", message: message.to_owned() }
    }

    fn flaw(field: &Field, flaw: &Flaw) -> Self {
        let words = match flaw {
            Flaw::Missing => "必須です".to_owned(),
            Flaw::TooLong(most) => format!("{most}文字以内です"),
            Flaw::Malformed => "形式が正しくありません".to_owned(),
        };
        Self { field: field.name, ..Self::new(code::INVALID, &format!("{}: {words}", field.label)) }
    }
}

const OTHER: &str = "OTHER-ORDER";
const STRANGE: &str = "PENDING";
static TWISTS: [TwistRule; 8] = [
    twist(Twist::OtherReference, "register", &["<order>"], "<", OTHER),
    twist(Twist::OtherReference, "ask", &["<order>"], "<", OTHER),
    twist(Twist::OtherReference, "cancel", &["<order>"], "<", OTHER),
    twist(Twist::OtherReference, "ship", &["<order>"], "<", OTHER),
    twist(Twist::UnknownCode, "register", &["<state>"], "<", STRANGE),
    twist(Twist::UnknownCode, "ask", &["<state>"], "<", STRANGE),
    twist(Twist::UnknownCode, "cancel", &["<state>"], "<", STRANGE),
    twist(Twist::UnknownCode, "ship", &["<state>"], "<", STRANGE),
];

impl Wire for ExamplePay {
    fn name(&self) -> &'static str {
        "サンプル後払い"
    }

    fn merchant(&self) -> Vec<(&'static str, String)> {
        vec![("店舗ID", self.shop.clone()), ("APIキー", self.key.clone())]
    }

    fn base(&self) -> &str {
        ""
    }

    fn operations(&self) -> Vec<&'static str> {
        CALLS.iter().map(|call| call.operation).collect()
    }

    fn operation(&self, request: &Received) -> Option<&'static str> {
        call(request).map(|call| call.operation)
    }

    fn names(&self, request: &Received) -> Vec<String> {
        Params::parse(&request.body).all("order").map(str::to_owned).collect()
    }

    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer {
        let Some(call) = call(request) else { return Answer::page(404, "Not Found") };
        if request.method != "POST" {
            return Answer::page(405, "Method Not Allowed");
        }
        if !matches!(request.charset(FORM).as_deref(), Some("" | "utf-8")) {
            return Answer::page(415, "Unsupported Media Type");
        }
        let params = Params::parse(&request.body);
        match self.carry_out(call, ledger, &params) {
            Ok(answer) => document(answer),
            Err(problem) => {
                ledger.refuse(Refusal {
                    operation: call.operation.to_owned(),
                    about: params.get("order").to_owned(),
                    code: problem.code.to_owned(),
                    message: problem.message.clone(),
                });
                refusal(params.get("order"), &problem)
            }
        }
    }

    fn trouble(&self, operation: &str, trouble: Trouble) -> Option<Answer> {
        CALLS.iter().find(|call| call.operation == operation)?;
        let problem = match trouble {
            Trouble::AddressRefused => Problem::new(code::UNAUTHORIZED, "接続元のアドレスが登録されていません"),
            Trouble::Maintenance => Problem::new(code::BUSY, "メンテナンス中です"),
            // It has no words for that.
            Trouble::SystemFailure => return None,
        };
        Some(refusal("", &problem))
    }

    fn twists(&self) -> &'static [TwistRule] {
        &TWISTS
    }
}

fn call(request: &Received) -> Option<&'static Call> {
    CALLS.iter().find(|call| request.path.strip_prefix('/') == Some(call.operation))
}

impl ExamplePay {
    fn carry_out(&self, call: &Call, ledger: &mut Ledger, params: &Params) -> Result<Element, Problem> {
        if [params.get("shop"), params.get("key")] != [&self.shop, &self.key] {
            return Err(Problem::new(code::UNAUTHORIZED, "店舗IDまたはAPIキーが正しくありません"));
        }
        let mut fields = std::iter::once(&ORDER).chain(call.fields);
        let flaw = fields.find_map(|field| Some((field, field.flaw(params.get(field.name), params)?)));
        match flaw {
            Some((field, flaw)) => Err(Problem::flaw(field, &flaw)),
            None => (call.run)(ledger, params),
        }
    }
}

fn register(ledger: &mut Ledger, params: &Params) -> Result<Element, Problem> {
    let reference = params.get("order");
    if ledger.by_reference(reference).next().is_some() {
        return Err(Problem::new(code::EXISTS, "この注文番号は登録済みです"));
    }
    let new = NewRegistration {
        reference: reference.to_owned(),
        billed_amount: params.get("amount").parse().unwrap_or_default(),
        buyer: params.get("name").to_owned(),
        ordered: String::new(),
        enclosed: false,
        script: verdicts::script(params.get("phone")),
    };
    let full = || Problem::new(code::BUSY, "これ以上登録できません");
    ledger.register(|number| format!("EX{number:08}"), new).map(told).ok_or_else(full)
}

fn ask(ledger: &mut Ledger, params: &Params) -> Result<Element, Problem> {
    let registration = found(ledger, params)?;
    registration.ask();
    Ok(told(registration))
}

fn cancel(ledger: &mut Ledger, params: &Params) -> Result<Element, Problem> {
    let registration = found(ledger, params)?;
    let is_closed = registration.verdict == Verdict::Rejected || registration.shipment.is_some();
    if !registration.cancelled && (is_closed || registration.script.refuses_cancel) {
        return Err(Problem::new(code::STATE, "この注文はキャンセルできません"));
    }
    registration.cancelled = true;
    Ok(told(registration))
}

fn ship(ledger: &mut Ledger, params: &Params) -> Result<Element, Problem> {
    let registration = found(ledger, params)?;
    if registration.shipment.is_some() {
        return Err(Problem::new(code::EXISTS, "伝票番号は登録済みです"));
    }
    let is_open = registration.verdict == Verdict::Approved && !registration.cancelled;
    if !is_open || registration.script.refuses_tracking {
        return Err(Problem::new(code::STATE, "この注文の伝票番号は登録できません"));
    }
    let (carrier, slip) = (params.get("carrier").to_owned(), params.get("number").to_owned());
    registration.shipment = Some(Shipment { carrier, slip });
    Ok(told(registration))
}

fn found<'a>(ledger: &'a mut Ledger, params: &Params) -> Result<&'a mut Registration, Problem> {
    let reference = params.get("order");
    let found = ledger.registrations.values_mut().find(|registration| registration.reference == reference);
    found.ok_or_else(|| Problem::new(code::NOT_FOUND, "この注文番号は登録されていません"))
}

/// What is said of a registration, whatever was asked.
fn told(registration: &Registration) -> Element {
    let (state, reason) = match registration {
        Registration { cancelled: true, .. } => ("CANCELLED", ""),
        Registration { shipment: Some(_), .. } => ("SHIPPED", ""),
        Registration { verdict: Verdict::Approved, .. } => ("OK", ""),
        Registration { verdict: Verdict::Rejected, .. } => ("NG", "ご利用いただけません"),
        Registration { verdict: Verdict::UnderReview, .. } => ("WAIT", ""),
        Registration { verdict: Verdict::OnHold, .. } => ("HOLD", "住所に番地がありません"),
        Registration { verdict: Verdict::Unknown, .. } => ("要確認", ""),
    };
    said(&[
        ("order", &registration.reference),
        ("id", &registration.transaction_id),
        ("state", state),
        ("reason", reason),
    ])
}

fn refusal(order: &str, problem: &Problem) -> Answer {
    let Problem { code, field, message } = problem;
    document(said(&[("order", order), ("error", code), ("field", field), ("message", message)]))
}

/// The elements that have something to say.
fn said(elements: &[(&'static str, &str)]) -> Element {
    let elements = elements.iter().filter(|(_, text)| !text.is_empty());
    Element::parent("answer", elements.map(|(name, text)| Element::text(name, *text)).collect())
}

fn document(answer: Element) -> Answer {
    Answer { status: 200, content_type: "text/xml; charset=utf-8", retry_after: None, body: answer.document() }
}
