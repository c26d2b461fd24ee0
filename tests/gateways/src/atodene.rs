//! アトディーネ.
//!
//! What its wire rules leave open is decided here, and is the simulator's own:
//!
//! * Only `er000033` is a public error code. The simulator's own are `er900` and three digits, see
//!   [`code`]; `errorPoint` is the bare name of the element, like `goods`.
//! * What is cancelled already answers `er000033` to every call, not only to a cancel.
//! * An element that a call does not have, has only once, or has in another place is refused.
//!   Elements that need no value may be left out, except `browserInfo`'s two, which may be empty.
//!   `expand1`, `expand3` and `expand4` may be there and have to be empty, and `expand2` has to be
//!   the line's number.
//! * The minus counts among the characters of a negative `goodsPrice`.
//! * More than 55,000 yen are refused for the one order; what else the buyer owes is not added up.
//! * A `ship` that says what the customer's elements say is taken: carts fill it always.
//! * Phone numbers and mail addresses have to look like one; an address begins with its prefecture.
//! * A `shopOrderId` may be registered again, and is then a second claim.
//! * A cancel is possible until the shipment is reported or the buyer has paid, and not after NG. A
//!   change is possible where a cancel is, and needs the reference it was registered under.
//! * All elements of `shippingrequest` have to have a value, except on a withdrawal; `transactionId`
//!   may stand anywhere among them; `invoiceDate` is a date, and the slip number's characters are not
//!   checked. A change or a withdrawal needs a report.
//! * A manual review that is not decided yet, or that there is none of, is an empty element.
//! * The charset in Content-Type is UTF-8 or not named; there may be no Content-Type at all.

use crate::fields::{Form, UNLIMITED};
use crate::ledger::{Ledger, NewRegistration, Registration, Shipment};
use crate::verdicts::{self, Verdict};
use crate::wire::{Twist, TwistRule, twist};
use crate::xml::Element;
use crate::xml::calls::{self, Bar, Call, Code, NOT_APPROVED, Problem, REJECTED, SHIPPED, TRACKING_REFUSED, XmlWire};
use crate::xml::read::Node;
use crate::xml::rules::{Need, Rule};

/// The codes of errors.
pub mod code {
    #![allow(missing_docs, reason = "the names say it")]
    pub use crate::xml::calls::code::*;

    /// Already cancelled: the provider's own, and the only one that is publicly known.
    pub const CANCELLED: &str = "er000033";
    pub const OVER_LIMIT: u16 = 310;
    pub const LINE_NUMBER_WRONG: u16 = 312;
    pub const NOT_SHIPPED: u16 = 313;
}

/// Lines of one order.
pub const MAX_LINES: usize = 15;

/// What one order may come to, in yen.
pub const MAX_BILLED: i64 = 55_000;

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct Atodene {
    /// `shopCode`
    pub shop_code: String,
    /// `linkId`
    pub link_id: String,
    /// `linkPassword`
    pub link_password: String,
}

impl Default for Atodene {
    /// An invented merchant with a connection of its own building.
    fn default() -> Self {
        Self {
            shop_code: "A12345678901".to_owned(),
            link_id: "original00".to_owned(),
            link_password: "link-pass-01".to_owned(),
        }
    }
}

/// `deliveryCompanyCode` and whose it is.
pub const CARRIERS: [(&str, &str); 17] = [
    ("11", "佐川急便"),
    ("12", "ヤマト運輸"),
    ("13", "日本通運"),
    ("14", "西濃運輸"),
    ("15", "郵便書留"),
    ("16", "ゆうパック"),
    ("18", "福山通運"),
    ("20", "新潟運輸"),
    ("21", "名鉄運輸"),
    ("23", "信州名鉄運輸"),
    ("26", "トールエクスプレスジャパン"),
    ("27", "エコ配"),
    ("28", "翌朝10時便"),
    ("29", "トナミ運輸"),
    ("30", "セイノースーパーエクスプレス"),
    ("31", "大川配送サービス"),
    ("32", "プラスサービス"),
];

static CALLS: [Call; 4] = [
    Call { operation: "transaction", path: "/transaction.do", request: |_| &REGISTRATION, run: register },
    Call { operation: "getauthori", path: "/getauthori.do", request: |_| &QUESTION, run: ask },
    Call {
        operation: "modifytransaction",
        path: "/modifytransaction.do",
        request: |request| if is_change(request) { &CHANGE } else { &CANCEL },
        run: |ledger, request| if is_change(request) { change(ledger, request) } else { cancel(ledger, request) },
    },
    Call { operation: "shippingrequest", path: "/shippingrequest.do", request: |_| &SHIPMENT, run: ship },
];

static REGISTRATION: Rule = Rule::request(&[LINK_INFO, BROWSER_INFO, CUSTOMER, SHIP, DETAILS]);

static QUESTION: Rule = Rule::request(&[LINK_INFO, transaction_info(&[TRANSACTION_ID])]);

static CANCEL: Rule = Rule::request(&[LINK_INFO, transaction_info(&[UPDATE_TYPE, TRANSACTION_ID])]);

static CHANGE: Rule =
    Rule::request(&[LINK_INFO, transaction_info(&[UPDATE_TYPE, TRANSACTION_ID]), CUSTOMER, SHIP, DETAILS]);

static SHIPMENT: Rule = Rule::request(&[
    LINK_INFO,
    transaction_info(&[
        Rule::required("deliveryType", "発送区分", 1, Form::OneOf(&["1", "2", "3"])),
        TRANSACTION_ID.anywhere(),
        Rule::required("deliveryCompanyCode", "運送会社コード", 2, Form::Digits(2)).unless_is("deliveryType", WITHDRAW),
        Rule::required("deliverySlipNo", "発送伝票番号", 20, Form::Text).least(5).unless_is("deliveryType", WITHDRAW),
        Rule::required("invoiceDate", "請求書発行日", 10, Form::SlashDate)
            .or("InvoiceDate")
            .unless_is("deliveryType", WITHDRAW),
    ]),
]);

/// `deliveryType`: the report is withdrawn.
const WITHDRAW: &str = "3";

const LINK_INFO: Rule = Rule::group(
    "linkInfo",
    "連携情報",
    Need::Required,
    &[
        Rule::required("shopCode", "加盟店コード", 12, Form::Text),
        Rule::required("linkId", "接続ID", UNLIMITED, Form::Text),
        Rule::required("linkPassword", "接続パスワード", 15, Form::Text).least(8),
    ],
);

const BROWSER_INFO: Rule = Rule::group(
    "browserInfo",
    "ブラウザ情報",
    Need::Required,
    &[
        Rule::value("httpHeader", "HTTPヘッダ", Need::MayBeEmpty, 1_000, Form::Text),
        Rule::value("deviceInfo", "デバイス情報", Need::MayBeEmpty, 1_000, Form::Text),
    ],
);

const CUSTOMER: Rule = Rule::group(
    "customer",
    "購入者情報",
    Need::Required,
    &[
        Rule::required("shopOrderId", "ご購入店受注番号", UNLIMITED, Form::Text),
        Rule::required("shopOrderDate", "ご購入店受注日", 10, Form::SlashDate),
        Rule::required("name", "氏名", 21, Form::Text),
        Rule::optional("kanaName", "氏名カナ", 25, Form::Text),
        Rule::required("zip", "郵便番号", 8, Form::HyphenPostal),
        Rule::required("address", "住所", 55, Form::Address),
        Rule::optional("companyName", "会社名", 30, Form::Text),
        Rule::optional("sectionName", "部署名", 30, Form::Text),
        Rule::required("tel", "電話番号", 15, Form::Phone),
        Rule::required("email", "メールアドレス", 100, Form::Mail),
        Rule::required("billedAmount", "請求金額", 6, Form::Yen { negative: false }),
        empty("expand1"),
        Rule::required("service", "請求書送付方法", 1, Form::OneOf(&["2", "3"])),
    ],
);

const SHIP: Rule = Rule::group(
    "ship",
    "配送先情報",
    Need::Optional,
    &[
        Rule::required("shipName", "配送先氏名", 21, Form::Text),
        Rule::optional("shipKananame", "配送先氏名カナ", 25, Form::Text),
        Rule::required("shipZip", "配送先郵便番号", 8, Form::HyphenPostal),
        Rule::required("shipAddress", "配送先住所", 55, Form::Address),
        Rule::optional("shipCompanyName", "配送先会社名", 30, Form::Text),
        Rule::optional("shipSectionName", "配送先部署名", 30, Form::Text),
        Rule::required("shipTel", "配送先電話番号", 15, Form::Phone),
    ],
);

const DETAILS: Rule = Rule::list("details", "明細", &DETAIL, MAX_LINES);

static DETAIL: Rule = Rule::group(
    "detail",
    "明細",
    Need::Required,
    &[
        Rule::required("goods", "商品名", 150, Form::Text),
        Rule::required("goodsPrice", "単価", 6, Form::Yen { negative: true }),
        Rule::required("goodsAmount", "数量", 5, Form::Digits(1)),
        Rule::required("expand2", "明細番号", 2, Form::Digits(1)),
        empty("expand3"),
        empty("expand4"),
    ],
);

const fn empty(name: &'static str) -> Rule {
    Rule::optional(name, "拡張項目", 0, Form::Text)
}

const fn transaction_info(rules: &'static [Rule]) -> Rule {
    Rule::group("transactionInfo", "取引情報", Need::Required, rules)
}

const TRANSACTION_ID: Rule = Rule::required("transactionId", "お問合せ番号", UNLIMITED, Form::Text);

const UPDATE_TYPE: Rule = Rule::required("updateTypeFlag", "更新区分", 1, Form::OneOf(&["1", "2"]));

fn is_change(request: &Node) -> bool {
    request.text("transactionInfo/updateTypeFlag") == "2"
}

static TWISTS: [TwistRule; 8] = [
    twist(Twist::OtherReference, "transaction", &["<shopOrderId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "getauthori", &["<transactionId>"], "<", "AT99999999"),
    twist(Twist::OtherReference, "modifytransaction", &["<transactionId>"], "<", "AT99999999"),
    twist(Twist::OtherReference, "shippingrequest", &["<transactionId>"], "<", "AT99999999"),
    twist(Twist::UnknownCode, "transaction", &["<autoAuthoriresult>"], "<", "要確認"),
    twist(Twist::UnknownCode, "getauthori", &["<autoAuthoriresult>"], "<", "要確認"),
    twist(Twist::UnknownCode, "modifytransaction", &["<result>"], "<", "WAIT"),
    twist(Twist::UnknownCode, "shippingrequest", &["<result>"], "<", "WAIT"),
];

impl XmlWire for Atodene {
    const NAME: &'static str = "アトディーネ";
    const BASE: &'static str = "/api";
    const CONTENT_TYPE: &'static str = "application/xml; charset=UTF-8";
    const TAKES_UNTYPED: bool = true;
    const OWN_CODE: &'static str = "er900";
    const NAMES: &'static [&'static str] = &["shopOrderId", "transactionId"];
    const CALLS: &'static [Call] = &CALLS;
    const TWISTS: &'static [TwistRule] = &TWISTS;

    fn credentials(&self) -> [(&'static str, &'static str, &str); 3] {
        [
            ("加盟店コード", "linkInfo/shopCode", &self.shop_code),
            ("接続ID", "linkInfo/linkId", &self.link_id),
            ("接続パスワード", "linkInfo/linkPassword", &self.link_password),
        ]
    }

    fn error(code: String, problem: &Problem) -> Element {
        let name = problem.point.rsplit('/').next().unwrap_or_default();
        let point = Element::text("errorPoint", name.split('[').next().unwrap_or_default());
        let error = [Element::text("errorCode", code), Element::text("errorMessage", &problem.message)];
        Element::parent("error", [point].into_iter().chain(error).collect())
    }
}

fn register(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let new = checked(request)?;
    let registration = calls::register(ledger, |number| format!("AT{number:08}"), new)?;
    Ok(answer(vec![
        Element::text("shopOrderId", &registration.reference),
        transaction_id(registration),
        auto_result(registration),
    ]))
}

fn ask(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let registration = unless(&[CANCELLED], ledger, request)?;
    registration.ask();
    let reasons = if registration.verdict == Verdict::OnHold { HOLD_REASONS.as_slice() } else { &[] };
    let reasons = reasons.iter().map(|reason| Element::text("manualAuthorireason", *reason)).collect();
    Ok(answer(vec![
        transaction_id(registration),
        auto_result(registration),
        Element::text("manualAuthoriresult", manual_word(registration)),
        Element::parent("manualAuthorireasons", reasons),
    ]))
}

fn cancel(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let registration = unless(&OPEN, ledger, request)?;
    registration.cancelled = true;
    Ok(answer(vec![transaction_id(registration)]))
}

fn change(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let new = checked(request)?;
    let registration = unless(&OPEN, ledger, request)?;
    calls::check_reference(registration, request, "customer/shopOrderId")?;
    calls::judge_again(registration, new);
    Ok(answer(vec![transaction_id(registration), auto_result(registration)]))
}

fn ship(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let parcel = || -> Result<Option<Shipment>, Problem> {
        let carrier = calls::carrier(&CARRIERS, request, "transactionInfo/deliveryCompanyCode")?.to_owned();
        Ok(Some(Shipment { carrier, slip: request.text("transactionInfo/deliverySlipNo").to_owned() }))
    };
    let (bars, shipment) = match request.text("transactionInfo/deliveryType") {
        WITHDRAW => (REPORTED.as_slice(), None),
        "1" => (UNREPORTED.as_slice(), parcel()?),
        _ => (REPORTED.as_slice(), parcel()?),
    };
    let registration = unless(bars, ledger, request)?;
    registration.shipment = shipment;
    Ok(answer(vec![transaction_id(registration)]))
}

fn answer(elements: Vec<Element>) -> Element {
    Element::parent("transactionInfo", elements)
}

fn transaction_id(registration: &Registration) -> Element {
    Element::text("transactionId", &registration.transaction_id)
}

/// An order as it was sent, if it is one that can be registered.
fn checked(request: &Node) -> Result<NewRegistration, Problem> {
    let lines = request.list("details");
    calls::check_total(request, "customer/billedAmount", lines, ["goodsPrice", "goodsAmount"])?;
    check_limit(request)?;
    check_line_numbers(lines)?;
    Ok(NewRegistration {
        reference: request.text("customer/shopOrderId").to_owned(),
        billed_amount: request.number("customer/billedAmount"),
        buyer: request.text("customer/name").to_owned(),
        ordered: request.text("customer/shopOrderDate").to_owned(),
        enclosed: request.text("customer/service") == "3",
        script: verdicts::script(request.text("customer/tel")),
    })
}

fn check_limit(request: &Node) -> Result<(), Problem> {
    if request.number("customer/billedAmount") <= MAX_BILLED {
        return Ok(());
    }
    let message = format!("請求金額 : {MAX_BILLED}円以内で入力してください");
    Err(Problem::at("customer/billedAmount", code::OVER_LIMIT, message))
}

fn check_line_numbers(lines: &[Node]) -> Result<(), Problem> {
    let wrong = lines.iter().zip(1..).find(|(line, number)| line.number("expand2") != *number);
    let problem = |(_, number)| {
        let point = format!("details/detail[{number}]/expand2");
        Problem::at(point, code::LINE_NUMBER_WRONG, "明細番号 : 1からの連番ではありません")
    };
    wrong.map_or(Ok(()), |wrong| Err(problem(wrong)))
}

const CANCELLED: Bar = Bar {
    when: |registration| registration.cancelled,
    code: Code::Known(code::CANCELLED),
    message: "既にキャンセル済みの取引です",
};

const CANCEL_REFUSED: Bar = Bar {
    when: |registration| registration.paid.is_some() || registration.script.refuses_cancel,
    code: Code::Own(code::STATE_REFUSES),
    message: "この取引はキャンセル、変更できません",
};

const NOT_SHIPPED: Bar = Bar {
    when: |registration| registration.shipment.is_none(),
    code: Code::Own(code::NOT_SHIPPED),
    message: "出荷報告されていない取引です",
};

/// What a cancel or a change is refused for.
static OPEN: [Bar; 4] = [CANCELLED, REJECTED, SHIPPED, CANCEL_REFUSED];

/// What a report of a shipment is refused for, and what its change or withdrawal is.
static UNREPORTED: [Bar; 4] = [CANCELLED, NOT_APPROVED, SHIPPED, TRACKING_REFUSED];
static REPORTED: [Bar; 2] = [CANCELLED, NOT_SHIPPED];

fn unless<'a>(bars: &[Bar], ledger: &'a mut Ledger, request: &Node) -> Result<&'a mut Registration, Problem> {
    calls::unless(bars, calls::found(ledger, request.text("transactionInfo/transactionId"))?)
}

/// 審査中 at the automatic check means that people decide, and then theirs is the verdict.
const REVIEW: &str = "審査中";

/// Free text that comes with 保留: two, so that a client that reads only one is found out.
const HOLD_REASONS: [&str; 2] = ["住所に番地がありません", "電話番号をご確認ください"];

/// What the automatic check said, which stays.
fn auto_word(registration: &Registration) -> &'static str {
    match registration.script.first {
        Verdict::Approved => "OK",
        Verdict::Rejected => "NG",
        Verdict::UnderReview | Verdict::OnHold => REVIEW,
        Verdict::Unknown => "条件付",
    }
}

/// What people said to what was under review.
fn manual_word(registration: &Registration) -> &'static str {
    match registration.verdict {
        _ if auto_word(registration) != REVIEW => "",
        Verdict::Approved => "OK",
        Verdict::Rejected => "NG",
        Verdict::OnHold => "保留",
        Verdict::UnderReview | Verdict::Unknown => "",
    }
}

fn auto_result(registration: &Registration) -> Element {
    Element::text("autoAuthoriresult", auto_word(registration))
}
