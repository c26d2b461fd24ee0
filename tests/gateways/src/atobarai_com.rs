//! 後払い.com.
//!
//! What its wire rules leave open is decided here, and is the simulator's own:
//!
//! * Error codes are `E`, two digits for the call (order 00, status 01, shipping 02, cancel 03,
//!   detail 04, delivlist 05) and three for the problem, see [`code`]. Only `E00303` and the
//!   families (101, 102, 2nn, 3nn, 901, 999) are the provider's.
//! * A parameter that a call does not have, or has only once and is given twice, is refused: the
//!   real gateway may ignore it, but then a typing error would pass.
//! * Postal codes, phone numbers and mail addresses have to look like one; an address begins with
//!   its prefecture. Dates are written with hyphens or slashes.
//! * The lines of an order are numbered from 0 or from 1. A form may be urlencoded or multipart.
//! * A site can have two options: that the buyer's mail address is required (`E00301`), and, for
//!   services, that the day on which they were provided is (`E00302`).
//! * A cancel has a reason for each id, or none at all.
//! * A cancel is refused after tracking, and for what is rejected or cancelled already.
//! * `cancelStatus` is `success` or `error`, as `status` is.
//! * Asking through `detail` counts as a question about the verdict, as asking through `status`.
//! * `delivlist` takes the site's id too, and checks it.
//!
//! The order of parameters is not checked.

use std::collections::BTreeSet;

use crate::fields::{FORM, Field, Flaw, Form, MAX_YEN, Need, Params, UNLIMITED};
use crate::ledger::{Ledger, NewRegistration, Refusal, Registration, Shipment};
use crate::verdicts::{self, Script, Verdict};
use crate::wire::{Answer, Received, Trouble, Twist, TwistRule, Wire, twist};
use crate::xml::Element;

/// Ids that one call takes; the rest is dropped in silence.
pub const MAX_IDS: usize = 100;

/// Characters that are kept of a cancel's reason.
pub const MAX_REASON: usize = 240;

/// The last three digits of error codes. The two of the call stand before them.
pub mod code {
    #![allow(missing_docs, reason = "the names say it")]
    pub const ADDRESS_REFUSED: u16 = 101;
    pub const IDS_REFUSED: u16 = 102;
    pub const MISSING: u16 = 201;
    pub const TOO_LONG: u16 = 202;
    pub const MALFORMED: u16 = 203;
    pub const NOT_UTF8: u16 = 204;
    pub const UNKNOWN_PARAMETER: u16 = 205;
    pub const REPEATED_PARAMETER: u16 = 206;
    pub const ITEMS_NOT_CONSECUTIVE: u16 = 207;
    pub const NOT_PAIRED: u16 = 208;
    pub const UNKNOWN_CARRIER: u16 = 209;
    /// At registration: the site requires the buyer's mail address.
    pub const MAIL_REQUIRED: u16 = 301;
    /// At registration: the site requires the day on which services were provided.
    pub const SERVICES_DATE_REQUIRED: u16 = 302;
    pub const NO_SUCH_ORDER: u16 = 301;
    pub const NOT_APPROVED: u16 = 302;
    pub const AMOUNT_WRONG: u16 = 303;
    pub const TRACKING_EXISTS: u16 = 304;
    pub const CANCELLED: u16 = 305;
    pub const REJECTED: u16 = 306;
    pub const REFERENCE_EXISTS: u16 = 307;
    pub const STATE_REFUSES: u16 = 308;
    pub const SYSTEM_FAILURE: u16 = 901;
    pub const MAINTENANCE: u16 = 999;
}

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct AtobaraiCom {
    /// What stands before `/api/…` in the path: merchants of a partner brand have one. Begins with
    /// a slash, or is empty.
    pub prefix: String,
    /// 事業者ID
    pub enterprise_id: String,
    /// サイトID
    pub site_id: String,
    /// APIユーザID
    pub api_user_id: String,
    /// The merchant's carrier codes.
    pub carriers: Vec<Carrier>,
    /// Whether there is the detail call, which is only assumed to exist.
    pub detail: bool,
    /// Whether the site refuses a second registration under the same 任意注文番号.
    pub unique_reference: bool,
    /// Whether the site requires the buyer's mail address.
    pub mail_required: bool,
    /// Whether the site is for services (役務), whose day it then requires.
    pub services: bool,
}

/// A carrier in the merchant's numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// `DelivId`
    pub id: u32,
    /// Its name.
    pub name: &'static str,
    /// Its short name.
    pub short_name: &'static str,
}

/// The usual numbering: id, name, short name.
const CARRIERS: [(u32, &str, &str); 15] = [
    (1, "ヤマト運輸", "ヤマト"),
    (2, "佐川急便", "佐川"),
    (3, "日本通運", "日通"),
    (4, "ゆうパック", "ゆうパック"),
    (5, "西濃運輸", "西濃"),
    (6, "福山通運", "福山"),
    (7, "名鉄運輸", "名鉄"),
    (8, "新潟運輸", "新潟"),
    (9, "トナミ運輸", "トナミ"),
    (11, "トールエクスプレスジャパン", "トール"),
    (12, "エコ配", "エコ配"),
    (18, "郵便書留", "書留"),
    (53, "信州名鉄運輸", "信州名鉄"),
    (59, "セイノースーパーエクスプレス", "セイノーSE"),
    (112, "日本郵便", "日本郵便"),
];

impl Default for AtobaraiCom {
    /// An invented merchant with the usual carriers, the detail call, and no check of references.
    fn default() -> Self {
        Self {
            prefix: String::new(),
            enterprise_id: "12345".to_owned(),
            site_id: "678".to_owned(),
            api_user_id: "90".to_owned(),
            carriers: CARRIERS.map(|(id, name, short_name)| Carrier { id, name, short_name }).to_vec(),
            detail: true,
            unique_reference: false,
            mail_required: false,
            services: false,
        }
    }
}

/// One call: where it is, what it takes, what it does.
struct Call {
    operation: &'static str,
    path: &'static str,
    /// The two digits of its error codes, with the `E`.
    family: &'static str,
    fields: &'static [Field],
    /// Parameters that may be repeated.
    lists: &'static [&'static str],
    /// Parameters that are numbered, `NAME_1`, `NAME_2`, …
    numbered: &'static [Field],
    run: fn(&AtobaraiCom, &mut Ledger, &Params) -> Done,
}

/// The elements of an answer, or what is wrong with the request.
type Done = Result<Vec<Element>, Vec<Problem>>;

#[derive(Debug)]
struct Problem {
    code: u16,
    message: String,
}

const FLAG: Form = Form::OneOf(&["0", "1"]);

static CALLS: [Call; 6] = [
    Call {
        operation: "order",
        path: "/api/order/rest",
        family: "E00",
        fields: &ORDER_FIELDS,
        lists: &[],
        numbered: &ITEM_FIELDS,
        run: AtobaraiCom::order,
    },
    Call {
        operation: "status",
        path: "/api/status/rest",
        family: "E01",
        fields: &[ENTERPRISE_ID, API_USER_ID],
        lists: &["OrderId[]"],
        numbered: &[],
        run: AtobaraiCom::status,
    },
    Call {
        operation: "shipping",
        path: "/api/shipping/rest",
        family: "E02",
        fields: &[
            ENTERPRISE_ID,
            API_USER_ID,
            Field::required("OrderId", "注文ID", UNLIMITED, Form::Text),
            Field::required("DelivId", "配送方法", 9, Form::Digits(1)),
            Field::required("JournalNum", "配送伝票番号", 255, Form::Text),
        ],
        lists: &[],
        numbered: &[],
        run: AtobaraiCom::shipping,
    },
    CANCEL,
    Call {
        operation: DETAIL,
        path: "/api/detail/rest",
        family: "E04",
        fields: &[ENTERPRISE_ID, API_USER_ID],
        lists: &["OrderId[]", "Ent_OrderId[]"],
        numbered: &[],
        run: AtobaraiCom::detail,
    },
    Call {
        operation: "delivlist",
        path: "/api/delivlist/rest",
        family: "E05",
        fields: &[ENTERPRISE_ID, API_USER_ID, Field::optional("SiteId", "サイトID", UNLIMITED, Form::Digits(1))],
        lists: &[],
        numbered: &[],
        run: AtobaraiCom::delivlist,
    },
];

/// By name, because each of its rows can be refused with a code of its own.
const CANCEL: Call = Call {
    operation: "cancel",
    path: "/api/cancel/rest",
    family: "E03",
    fields: &[ENTERPRISE_ID, API_USER_ID],
    lists: &["OrderId[]", "Reason[]"],
    numbered: &[],
    run: AtobaraiCom::cancel,
};

const DETAIL: &str = "detail";

const ENTERPRISE_ID: Field = Field::required("EnterpriseId", "事業者ID", 5, Form::Digits(4));
const API_USER_ID: Field = Field::required("ApiUserId", "APIユーザID", UNLIMITED, Form::Digits(1));

const ORDER_FIELDS: [Field; 31] = [
    Field::required("O_ReceiptOrderDate", "注文日", 10, Form::AnyDate),
    Field::optional("O_ServicesProvidedDate", "役務提供予定日", 10, Form::AnyDate),
    Field::required("O_EnterpriseId", "事業者ID", 5, Form::Digits(4)),
    Field::required("O_SiteId", "サイトID", UNLIMITED, Form::Digits(1)),
    Field::required("O_ApiUserId", "APIユーザID", UNLIMITED, Form::Digits(1)),
    Field::optional("O_Ent_OrderId", "任意注文番号", 100, Form::Text),
    Field::optional("O_Ent_Note", "備考", 4_000, Form::Text),
    Field::required("O_UseAmount", "請求金額合計", MAX_YEN, Form::Yen { negative: false }),
    Field::optional("O_AnotherDeliFlg", "別配送先", 1, FLAG),
    Field::optional("O_TestOrderFlg", "テスト注文", 1, FLAG),
    Field::optional("O_TestCreditResult", "テスト注文与信結果", 1, Form::OneOf(&["0", "1", "2"])),
    Field::optional("O_RtOrderStatus", "与信結果の返却", 1, FLAG),
    Field::required("C_PostalCode", "郵便番号", 8, Form::Postal),
    Field::required("C_UnitingAddress", "住所", 100, Form::Address),
    Field::required("C_NameKj", "氏名", 30, Form::Text),
    Field::optional("C_NameKn", "氏名カナ", 30, Form::Text),
    Field::required("C_Phone", "電話番号", 50, Form::Phone),
    Field::optional("C_MailAddress", "メールアドレス", 255, Form::Mail),
    Field::optional("C_CorporateName", "法人名", 255, Form::Text),
    Field::optional("C_DivisionName", "部署名", 255, Form::Text),
    Field::optional("C_CpNameKj", "担当者名", 160, Form::Text),
    Field::optional("C_EntCustId", "加盟店顧客番号", 255, Form::Text),
    Field::optional("C_Occupation", "職業", 255, Form::Text),
    Field::optional("C_SeparateShipment", "請求書別送", 1, FLAG),
    recipient("D_PostalCode", "配送先郵便番号", 8, Form::Postal),
    recipient("D_UnitingAddress", "配送先住所", 100, Form::Address),
    recipient("D_DestNameKj", "配送先氏名", 30, Form::Text),
    Field::optional("D_DestNameKn", "配送先氏名カナ", 30, Form::Text),
    recipient("D_Phone", "配送先電話番号", 50, Form::Phone),
    Field::optional("I_ItemCarriage", "送料", 9, Form::Yen { negative: false }),
    Field::optional("I_ItemCharge", "店舗手数料", 9, Form::Yen { negative: false }),
];

/// Negative unit prices are discounts.
const ITEM_FIELDS: [Field; 4] = [
    Field::required("I_ItemNameKj", "購入品目", 255, Form::Text),
    Field::required("I_UnitPrice", "単価", 9, Form::Yen { negative: true }),
    Field::required("I_ItemNum", "数量", 9, Form::Digits(1)),
    Field::optional("I_TaxRate", "消費税率", 2, Form::OneOf(&["0", "8", "10"])),
];

const fn recipient(name: &'static str, label: &'static str, max: usize, form: Form) -> Field {
    Field { name, label, need: Need::If("O_AnotherDeliFlg", "1"), max, form }
}

static TWISTS: [TwistRule; 9] = [
    twist(Twist::OtherReference, "order", &["<orderId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "status", &["<orderId>"], "<", "XX99999999"),
    twist(Twist::OtherReference, "shipping", &["<orderId>"], "<", "XX99999999"),
    twist(Twist::OtherReference, "cancel", &["<orderId>"], "<", "XX99999999"),
    twist(Twist::OtherReference, DETAIL, &["<entOrderId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::UnknownCode, "order", &["<orderStatus cd=\""], "\"", "8"),
    twist(Twist::UnknownCode, "status", &["<orderStatus cd=\""], "\"", "8"),
    twist(Twist::UnknownCode, "cancel", &["<cancelStatus>"], "<", "partial"),
    twist(Twist::UnknownCode, DETAIL, &["<orderStatus ", ">"], "<", "8"),
];

impl Wire for AtobaraiCom {
    fn name(&self) -> &'static str {
        "後払い.com"
    }

    fn merchant(&self) -> Vec<(&'static str, String)> {
        vec![
            ("事業者ID", self.enterprise_id.clone()),
            ("サイトID", self.site_id.clone()),
            ("APIユーザID", self.api_user_id.clone()),
        ]
    }

    fn base(&self) -> &str {
        &self.prefix
    }

    fn operations(&self) -> Vec<&'static str> {
        self.calls().map(|call| call.operation).collect()
    }

    fn operation(&self, request: &Received) -> Option<&'static str> {
        self.call(request).map(|call| call.operation)
    }

    fn names(&self, request: &Received) -> Vec<String> {
        named(&Params::of(request))
    }

    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer {
        let Some(call) = self.call(request) else { return Answer::page(404, "Not Found") };
        if request.method != "POST" {
            return Answer::page(405, "Method Not Allowed");
        }
        if request.boundary().is_none() && !matches!(request.charset(FORM).as_deref(), Some("" | "utf-8")) {
            return Answer::page(415, "Unsupported Media Type");
        }
        let params = Params::of(request);
        match self.carry_out(call, ledger, &params) {
            Ok(elements) => answer("success", elements),
            Err(problems) => {
                record(ledger, call, &params, &problems);
                refusal(call, &params, &problems)
            }
        }
    }

    fn trouble(&self, operation: &str, trouble: Trouble) -> Option<Answer> {
        let call = self.calls().find(|call| call.operation == operation)?;
        let (code, message) = match trouble {
            Trouble::AddressRefused => (code::ADDRESS_REFUSED, "接続元IPアドレスが許可されていません"),
            Trouble::SystemFailure => (code::SYSTEM_FAILURE, SYSTEM_FAILURE),
            Trouble::Maintenance => (code::MAINTENANCE, "メンテナンス中です"),
        };
        Some(refusal(call, &Params::parse(b""), &[Problem::new(code, message)]))
    }

    fn twists(&self) -> &'static [TwistRule] {
        &TWISTS
    }
}

const SYSTEM_FAILURE: &str = "システムエラーが発生しました";

/// Answers and refusals.
fn answer(status: &'static str, elements: Vec<Element>) -> Answer {
    let mut children = vec![Element::text("status", status)];
    children.extend(elements);
    let body = Element::parent("response", children).document();
    Answer { status: 200, content_type: "text/xml; charset=utf-8", retry_after: None, body }
}

fn refusal(call: &Call, params: &Params, problems: &[Problem]) -> Answer {
    let message = |problem: &Problem| Element::text("message", &problem.message).with("cd", problem.code(call));
    let messages = Element::parent("messages", problems.iter().map(message).collect());
    answer(
        "error",
        match call.operation {
            "order" => {
                let reference = Element::text("orderId", params.get("O_Ent_OrderId"));
                vec![reference, messages, Element::text("orderStatus", "").with("cd", "")]
            }
            "shipping" => vec![Element::text("orderId", params.get("OrderId")), messages],
            _ => vec![messages],
        },
    )
}

fn record(ledger: &mut Ledger, call: &Call, params: &Params, problems: &[Problem]) {
    let about = named(params).into_iter().next().unwrap_or_default();
    for problem in problems {
        ledger.refuse(problem.refusal(call, &about));
    }
}

/// The references and ids in a request, of whichever call.
fn named(params: &Params) -> Vec<String> {
    const NAMES: [&str; 4] = ["O_Ent_OrderId", "OrderId", "OrderId[]", "Ent_OrderId[]"];
    let named = params.iter().filter(|(name, value)| NAMES.contains(name) && !value.is_empty());
    named.map(|(_, value)| value.to_owned()).collect()
}

impl Problem {
    fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn about(code: u16, label: &str, message: &str) -> Self {
        Self::new(code, format!("{label} : {message}"))
    }

    fn flaw(label: &str, flaw: Flaw) -> Self {
        match flaw {
            Flaw::Missing => Self::about(code::MISSING, label, "必須項目です"),
            Flaw::TooLong(max) => Self::about(code::TOO_LONG, label, &format!("{max}文字以内で入力してください")),
            Flaw::Malformed => Self::about(code::MALFORMED, label, "形式が正しくありません"),
        }
    }

    /// The whole code, in the family of a call.
    fn code(&self, call: &Call) -> String {
        format!("{}{:03}", call.family, self.code)
    }

    fn refusal(&self, call: &Call, about: &str) -> Refusal {
        Refusal {
            operation: call.operation.to_owned(),
            about: about.to_owned(),
            code: self.code(call),
            message: self.message.clone(),
        }
    }
}

/// What is checked before a call does anything.
impl AtobaraiCom {
    fn calls(&self) -> impl Iterator<Item = &'static Call> {
        CALLS.iter().filter(|call| self.detail || call.operation != DETAIL)
    }

    fn call(&self, request: &Received) -> Option<&'static Call> {
        let path = request.path.strip_prefix(&self.prefix)?;
        self.calls().find(|call| call.path == path)
    }

    fn carry_out(&self, call: &Call, ledger: &mut Ledger, params: &Params) -> Done {
        let problems = problems(call, params);
        if !problems.is_empty() {
            return Err(problems);
        }
        self.check_ids(params)?;
        (call.run)(self, ledger, params)
    }

    /// The merchant's ids, wherever they were given; where they are missing, the fields say so.
    fn check_ids(&self, params: &Params) -> Result<(), Vec<Problem>> {
        let own = [("EnterpriseId", &self.enterprise_id), ("SiteId", &self.site_id), ("ApiUserId", &self.api_user_id)];
        let foreign = params.iter().any(|(name, value)| {
            let name = name.strip_prefix("O_").unwrap_or(name);
            !value.is_empty() && own.iter().any(|(id, own)| *id == name && *own != value)
        });
        let refused = || Problem::new(code::IDS_REFUSED, "事業者ID、サイトIDまたはAPIユーザーIDが正しくありません");
        if foreign { Err(vec![refused()]) } else { Ok(()) }
    }
}

/// Everything that is wrong with the parameters of a call, whatever they are about.
fn problems(call: &Call, params: &Params) -> Vec<Problem> {
    if params.not_utf8() {
        return vec![Problem::new(code::NOT_UTF8, "文字コードがUTF-8ではありません")];
    }
    let mut problems = strangers(call, params);
    problems.extend(call.fields.iter().filter_map(|field| {
        let flaw = field.flaw(params.get(field.name), params)?;
        Some(Problem::flaw(field.label, flaw))
    }));
    problems.extend(numbered_problems(call, params));
    problems
}

/// Parameters that the call does not have, or has only once.
fn strangers(call: &Call, params: &Params) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let problem = |name| {
        let single = call.fields.iter().any(|field| field.name == name) || numbered(call, name).is_some();
        if !single && !call.lists.contains(&name) {
            return Some(Problem::about(code::UNKNOWN_PARAMETER, name, "このパラメータはありません"));
        }
        let repeated = single && !seen.insert(name);
        repeated.then(|| Problem::about(code::REPEATED_PARAMETER, name, "パラメータが重複しています"))
    };
    params.iter().map(|(name, _)| name).filter_map(problem).collect()
}

/// The number in the name of a numbered parameter of this call, written without leading zeros.
fn numbered(call: &Call, name: &str) -> Option<usize> {
    let (stem, number) = name.rsplit_once('_')?;
    call.numbered.iter().find(|field| field.name == stem)?;
    number.parse().ok().filter(|parsed: &usize| parsed.to_string() == number)
}

/// The number of the first line: clients begin at 0 or at 1.
fn first_line(params: &Params) -> usize {
    usize::from(params.iter().all(|(name, _)| !name.ends_with("_0")))
}

/// Numbers have to run from the first without a gap, and each needs its own parameters.
fn numbered_problems(call: &Call, params: &Params) -> Vec<Problem> {
    if call.numbered.is_empty() {
        return Vec::new();
    }
    let numbers: BTreeSet<usize> = params.iter().filter_map(|(name, _)| numbered(call, name)).collect();
    let first = first_line(params);
    let last = first + numbers.len().max(1) - 1;
    if numbers.last().is_some_and(|number| *number != last) {
        return vec![Problem::about(code::ITEMS_NOT_CONSECUTIVE, "商品明細", "番号が連番ではありません")];
    }
    let rules = (first..=last).flat_map(|number| call.numbered.iter().map(move |field| (number, field)));
    let problem = |(number, field): (usize, &Field)| {
        let flaw = field.flaw(params.get(&format!("{}_{number}", field.name)), params)?;
        Some(Problem::flaw(&format!("{}{number}", field.label), flaw))
    };
    rules.filter_map(problem).collect()
}

/// The calls themselves.
impl AtobaraiCom {
    fn order(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let reference = params.get("O_Ent_OrderId");
        if lines_total(params) != i128::from(yen(params.get("O_UseAmount"))) {
            return Err(vec![Problem::about(code::AMOUNT_WRONG, "請求金額合計", "請求金額が誤っています")]);
        }
        self.check_site(params)?;
        if self.unique_reference && ledger.by_reference(reference).next().is_some() {
            return Err(vec![Problem::about(code::REFERENCE_EXISTS, "任意注文番号", "既に登録されています")]);
        }
        let new = NewRegistration {
            reference: reference.to_owned(),
            billed_amount: yen(params.get("O_UseAmount")),
            buyer: params.get("C_NameKj").to_owned(),
            ordered: params.get("O_ReceiptOrderDate").to_owned(),
            enclosed: params.get("C_SeparateShipment") == "0",
            script: script(params),
        };
        let Some(registration) = ledger.register(|number| format!("XX{number:08}"), new) else {
            return Err(vec![Problem::new(code::SYSTEM_FAILURE, SYSTEM_FAILURE)]);
        };
        let mut elements = vec![
            Element::text("orderId", reference),
            Element::text("systemOrderId", &registration.transaction_id),
            no_messages(),
        ];
        if params.get("O_RtOrderStatus") == "1" {
            elements.push(order_status(Some(registration)));
        }
        Ok(elements)
    }

    /// What the site's options ask of a registration.
    fn check_site(&self, params: &Params) -> Result<(), Vec<Problem>> {
        let needed = [
            (self.mail_required, "C_MailAddress", "メールアドレス", code::MAIL_REQUIRED),
            (self.services, "O_ServicesProvidedDate", "役務提供予定日", code::SERVICES_DATE_REQUIRED),
        ];
        let missing = needed.iter().filter(|(needs, name, ..)| *needs && params.get(name).is_empty());
        let problems: Vec<_> =
            missing.map(|(_, _, label, code)| Problem::about(*code, label, "このサイトでは必須です")).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn status(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let result = |id| {
            let found = asked(ledger, id);
            let mut elements = vec![Element::text("orderId", id)];
            elements.extend(found.map(|found| Element::text("entOrderId", &found.reference)));
            elements.push(order_status(found));
            Element::parent("result", elements)
        };
        Ok(results(ids(params, "OrderId[]")?.into_iter().map(result).collect()))
    }

    fn shipping(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let (id, slip) = (params.get("OrderId"), params.get("JournalNum"));
        let Some(carrier) = self.carriers.iter().find(|carrier| params.get("DelivId").parse() == Ok(carrier.id)) else {
            return Err(vec![Problem::about(code::UNKNOWN_CARRIER, "配送方法", "登録されていない配送方法です")]);
        };
        let registration = ledger.registrations.get_mut(id);
        let registration = may_ship(registration).map_err(|problem| vec![problem])?;
        registration.shipment = Some(Shipment { carrier: carrier.id.to_string(), slip: slip.to_owned() });
        Ok(vec![
            Element::text("orderId", id),
            Element::text("delivId", carrier.id.to_string()).with("name", carrier.name),
            Element::text("journalNum", slip),
            no_messages(),
        ])
    }

    fn cancel(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let reasons = params.all("Reason[]").count();
        if reasons > 0 && reasons != params.all("OrderId[]").count() {
            return Err(vec![Problem::about(code::NOT_PAIRED, "キャンセル理由", "注文IDと数が一致しません")]);
        }
        let rows = ids(params, "OrderId[]")?.into_iter().zip(params.all("Reason[]").chain(std::iter::repeat("")));
        Ok(results(rows.map(|(id, reason)| cancel_row(ledger, id, reason)).collect()))
    }

    fn detail(&self, ledger: &mut Ledger, params: &Params) -> Done {
        let by_reference = params.all("Ent_OrderId[]").next().is_some();
        if !by_reference {
            let rows = ids(params, "OrderId[]")?.into_iter().map(|id| detail_row(id, "", asked(ledger, id)));
            return Ok(results(rows.collect()));
        }
        if params.all("OrderId[]").next().is_some() {
            return Err(vec![Problem::about(code::NOT_PAIRED, "注文ID", "任意注文番号と同時に指定できません")]);
        }
        let references = ids(params, "Ent_OrderId[]")?.into_iter();
        Ok(results(references.flat_map(|reference| details_of(ledger, reference)).collect()))
    }

    fn delivlist(&self, _: &mut Ledger, _: &Params) -> Done {
        let result = |carrier: &Carrier| {
            let id = Element::text("delivId", carrier.id.to_string());
            let names = [Element::text("name", carrier.name), Element::text("shortName", carrier.short_name)];
            Element::parent("result", [id].into_iter().chain(names).collect())
        };
        Ok(results(self.carriers.iter().map(result).collect()))
    }
}

fn no_messages() -> Element {
    Element::text("messages", "")
}

fn results(rows: Vec<Element>) -> Vec<Element> {
    vec![no_messages(), Element::parent("results", rows)]
}

/// The first [`MAX_IDS`] ids of a list that needs one at least.
fn ids<'a>(params: &'a Params, name: &'a str) -> Result<Vec<&'a str>, Vec<Problem>> {
    let ids: Vec<&str> = params.all(name).take(MAX_IDS).collect();
    if ids.is_empty() { Err(vec![Problem::flaw("注文ID", Flaw::Missing)]) } else { Ok(ids) }
}

/// The registration with this id, after its verdict was asked for.
fn asked<'a>(ledger: &'a mut Ledger, id: &str) -> Option<&'a Registration> {
    let found = ledger.registrations.get_mut(id)?;
    found.ask();
    Some(found)
}

/// An amount that its field's rule has let through; an absent one is 0.
fn yen(value: &str) -> i64 {
    value.parse().unwrap_or(0)
}

/// Unit price × quantity of every line, carriage and charge. Wider than its parts, so that no
/// request can make it wrap.
fn lines_total(params: &Params) -> i128 {
    let line = |number: usize| {
        let price = params.get(&format!("I_UnitPrice_{number}"));
        (!price.is_empty())
            .then(|| i128::from(yen(price)) * i128::from(yen(params.get(&format!("I_ItemNum_{number}")))))
    };
    let lines: i128 = (first_line(params)..).map_while(line).sum();
    lines + i128::from(yen(params.get("I_ItemCarriage"))) + i128::from(yen(params.get("I_ItemCharge")))
}

/// A test order says itself what becomes of it.
fn script(params: &Params) -> Script {
    let wanted = (params.get("O_TestOrderFlg") == "1").then(|| params.get("O_TestCreditResult"));
    match wanted {
        Some("0") => Script::stays(Verdict::Approved),
        Some("1") => Script::stays(Verdict::Rejected),
        Some("2") => Script::stays(Verdict::UnderReview),
        _ => verdicts::script(params.get("C_Phone")),
    }
}

fn order_status(registration: Option<&Registration>) -> Element {
    let (code, label) = match registration {
        None => ("-1", "該当なし"),
        Some(found) if found.cancelled => ("3", "キャンセル"),
        Some(found) => match found.verdict {
            Verdict::Approved => ("1", "与信OK"),
            Verdict::Rejected => ("2", "与信NG"),
            Verdict::UnderReview | Verdict::OnHold => ("0", "与信中"),
            Verdict::Unknown => ("7", "特別審査"),
        },
    };
    Element::text("orderStatus", label).with("cd", code)
}

/// Every registration under a reference, or one row that says there is none.
fn details_of(ledger: &mut Ledger, reference: &str) -> Vec<Element> {
    let ids: Vec<String> = ledger.by_reference(reference).map(|found| found.transaction_id.clone()).collect();
    if ids.is_empty() {
        return vec![detail_row("", reference, None)];
    }
    ids.iter().map(|id| detail_row(id, reference, asked(ledger, id))).collect()
}

/// `id` and `reference` are what was asked for, where nothing was found.
fn detail_row(id: &str, reference: &str, registration: Option<&Registration>) -> Element {
    let (code, label) = match registration {
        None => ("-1", "該当なし"),
        Some(found) if found.cancelled => ("11", "キャンセル済"),
        Some(found) => match found.verdict {
            Verdict::Approved if found.shipment.is_some() => ("2", "請求書発行待ち"),
            Verdict::Approved => ("1", "伝票番号入力待ち"),
            Verdict::Rejected => ("99", "与信NG"),
            Verdict::UnderReview | Verdict::OnHold => ("0", "与信中"),
            Verdict::Unknown => ("7", "特別審査"),
        },
    };
    let flag = |name, set| Element::text(name, if set { "1" } else { "0" });
    Element::parent(
        "result",
        vec![
            Element::text("orderId", id),
            Element::text("entOrderId", registration.map_or(reference, |found| &found.reference)),
            Element::text("orderStatus", code).with("orderStatusName", label),
            flag("isCanceled", registration.is_some_and(|found| found.cancelled)),
            flag("isShipped", registration.is_some_and(|found| found.shipment.is_some())),
            flag("isReceiptConfirmed", false),
        ],
    )
}

/// Tracking is registered only after an approval, and once.
fn may_ship(registration: Option<&mut Registration>) -> Result<&mut Registration, Problem> {
    let registration = registration.ok_or_else(no_such_order)?;
    let problem = if registration.cancelled {
        cancelled()
    } else if registration.verdict != Verdict::Approved {
        Problem::new(code::NOT_APPROVED, "与信OKの注文ではありません")
    } else if registration.shipment.is_some() {
        Problem::new(code::TRACKING_EXISTS, TRACKING_EXISTS)
    } else if registration.script.refuses_tracking {
        Problem::new(code::STATE_REFUSES, "この注文の伝票番号は登録できません")
    } else {
        return Ok(registration);
    };
    Err(problem)
}

/// An order can be cancelled while it is open.
fn may_cancel(registration: Option<&mut Registration>) -> Result<&mut Registration, Problem> {
    let registration = registration.ok_or_else(no_such_order)?;
    let problem = if registration.cancelled {
        cancelled()
    } else if registration.verdict == Verdict::Rejected {
        Problem::new(code::REJECTED, "与信NGの注文です")
    } else if registration.shipment.is_some() {
        Problem::new(code::TRACKING_EXISTS, TRACKING_EXISTS)
    } else if registration.script.refuses_cancel {
        Problem::new(code::STATE_REFUSES, "この注文はキャンセルできません")
    } else {
        return Ok(registration);
    };
    Err(problem)
}

const TRACKING_EXISTS: &str = "伝票番号は登録済みです";

fn no_such_order() -> Problem {
    Problem::new(code::NO_SUCH_ORDER, "該当する注文がありません")
}

fn cancelled() -> Problem {
    Problem::new(code::CANCELLED, "キャンセル済みの注文です")
}

/// One row of a cancel, which succeeds or fails by itself.
fn cancel_row(ledger: &mut Ledger, id: &str, reason: &str) -> Element {
    let kept: String = reason.chars().take(MAX_REASON).collect();
    let mut elements = vec![Element::text("orderId", id), Element::text("reason", kept)];
    match may_cancel(ledger.registrations.get_mut(id)) {
        Ok(registration) => {
            registration.cancelled = true;
            elements.push(Element::text("cancelStatus", "success"));
        }
        Err(problem) => {
            elements.push(Element::text("cancelStatus", "error"));
            elements.push(Element::text("error", &problem.message).with("cd", problem.code(&CANCEL)));
            ledger.refuse(problem.refusal(&CANCEL, id));
        }
    }
    Element::parent("result", elements)
}
