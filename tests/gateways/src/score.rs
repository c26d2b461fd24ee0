//! ニッセン@払い, today スコア@払い.
//!
//! What its wire rules leave open is decided here, and is the simulator's own:
//!
//! * Only `MULT0015` is a public error code: a cancel that the magic values refuse is answered so
//!   too, as if the buyer had paid. The simulator's own are `SIMU0` and three digits, see
//!   [`code`].
//! * An element that a call does not have, has only once, or has in another place than on the list
//!   is refused. `nissenTransactionId` is the first of a changed `buyer`. Elements that need no
//!   value may be left out, except `httpInfo`'s two and the addresses of `PdRequest`, which may be
//!   empty.
//! * A delivery's customer has the limits of the buyer, and needs a name, postal code, address and
//!   phone number.
//! * Dates, phone numbers, mail addresses and postal codes have to look like one; `address1` is a
//!   prefecture.
//! * Quantity × price of all deliveries together is the billed amount; a `detailId` may be any.
//! * An enclosed invoice (`paymentType` 3) compares postal code and address of every delivery with
//!   the buyer's, not the names.
//! * `nissenTransactionId` has 11 characters, as many as it may. All three parts of `transaction`
//!   have to be those on record.
//! * A `shopTransactionId` may be registered again, and is then a second claim.
//! * A cancel is possible after the shipment, until the buyer has paid, but not after NG. A change
//!   is possible until the shipment, not after NG, and keeps the reference.
//! * A shipment is taken once, and only after OK.
//! * What is cancelled is refused by every call, under the simulator's own code.
//! * `authoriDate` is always the same time, and empty as long as nobody has judged.
//! * 保留 is told when asked for; at registration it is HOLD.
//! * The parts of names (`firstName`, `lastName` and their kana) may stand anywhere among the others of
//!   their group; of a delivery's customer so may company and department, which clients put before or
//!   behind the telephone number.
//! * The charset in Content-Type is UTF-8 or not named.

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

    /// A cancel of what is paid: the provider's own, and the only one that is publicly known.
    pub const PAID: &str = "MULT0015";
    pub const CANCELLED: u16 = 305;
    pub const ANOTHER_AMOUNT: u16 = 310;
    pub const ENCLOSED_ELSEWHERE: u16 = 311;
}

/// Deliveries of one order.
pub const MAX_DELIVERIES: usize = 9;

/// The provider, as one merchant meets it.
#[derive(Debug, Clone)]
pub struct Score {
    /// `shopCode`
    pub shop_code: String,
    /// `shopPassword`
    pub shop_password: String,
    /// `terminalId`
    pub terminal_id: String,
}

impl Default for Score {
    /// An invented merchant.
    fn default() -> Self {
        Self {
            shop_code: "S12345678".to_owned(),
            shop_password: "shop-pass-01".to_owned(),
            terminal_id: "T001".to_owned(),
        }
    }
}

/// `pdcompanycode` and whose it is.
pub const CARRIERS: [(&str, &str); 16] = [
    ("11", "佐川急便"),
    ("12", "ヤマト運輸"),
    ("13", "日本通運"),
    ("14", "西濃運輸"),
    ("15", "郵便書留"),
    ("16", "ゆうパック"),
    ("17", "セイノースーパーエクスプレス"),
    ("18", "福山通運"),
    ("20", "新潟運輸"),
    ("21", "名鉄運輸"),
    ("23", "信州名鉄運輸"),
    ("26", "トールエクスプレスジャパン"),
    ("27", "エコ配"),
    ("28", "翌朝10時郵便"),
    ("29", "トナミ運輸"),
    ("99", "その他"),
];

static CALLS: [Call; 5] = [
    Call {
        operation: "autotransaction",
        path: "/direct/autotransaction.do",
        request: |_| &REGISTRATION,
        run: register,
    },
    Call { operation: "autogetauthor", path: "/direct/autogetauthor.do", request: |_| &NAMED, run: ask },
    Call { operation: "autocancel", path: "/direct/autocancel.do", request: |_| &NAMED, run: cancel },
    Call { operation: "autopdrequest", path: "/direct/autopdrequest.do", request: |_| &SHIPMENT, run: ship },
    Call {
        operation: "automodifytransaction",
        path: "/direct/automodifytransaction.do",
        request: |_| &CHANGE,
        run: change,
    },
];

static REGISTRATION: Rule = Rule::request(&[SHOP_INFO, HTTP_INFO, buyer(&NEW_BUYER), DELIVERIES]);

static CHANGE: Rule = Rule::request(&[SHOP_INFO, HTTP_INFO, buyer(&CHANGED_BUYER), DELIVERIES]);

static NAMED: Rule = Rule::request(&[SHOP_INFO, TRANSACTION]);

static SHIPMENT: Rule = Rule::request(&[
    SHOP_INFO,
    TRANSACTION,
    Rule::group(
        "PdRequest",
        "発送情報",
        Need::Required,
        &[
            Rule::required("pdcompanycode", "運送会社コード", 2, Form::Digits(2)),
            Rule::required("slipno", "発送伝票番号", 20, Form::Phone),
            Rule::value("address1", "都道府県", Need::MayBeEmpty, 4, Form::Prefecture),
            Rule::value("address2", "市区町村", Need::MayBeEmpty, 31, Form::Text).least(2),
            Rule::value("address3", "それ以降の住所", Need::MayBeEmpty, 35, Form::Text).least(2),
        ],
    ),
]);

const SHOP_INFO: Rule = Rule::group(
    "shopInfo",
    "加盟店情報",
    Need::Required,
    &[
        Rule::required("shopCode", "加盟店コード", 9, Form::Text),
        Rule::required("shopPassword", "加盟店パスワード", UNLIMITED, Form::Text),
        Rule::required("terminalId", "端末ID", UNLIMITED, Form::Text),
    ],
);

const HTTP_INFO: Rule = Rule::group(
    "httpInfo",
    "HTTP情報",
    Need::Required,
    &[
        Rule::value("httpHeader", "HTTPヘッダ", Need::MayBeEmpty, UNLIMITED, Form::Text),
        Rule::value("deviceInfo", "デバイス情報", Need::MayBeEmpty, UNLIMITED, Form::Text),
    ],
);

const fn buyer(rules: &'static [Rule]) -> Rule {
    Rule::group("buyer", "購入者情報", Need::Required, rules)
}

static NEW_BUYER: [Rule; 21] = buyer_rules(Need::Never);
static CHANGED_BUYER: [Rule; 21] = buyer_rules(Need::Required);

/// `id` says whether the provider's own id is among them.
const fn buyer_rules(id: Need) -> [Rule; 21] {
    [
        Rule::value("nissenTransactionId", "お問合せ番号", id, 11, Form::Text),
        Rule::required("shopTransactionId", "加盟店取引ID", 40, Form::Text),
        Rule::required("shopOrderDate", "注文日", 10, Form::SlashDate),
        Rule::required("fullName", "氏名", 25, Form::Text).least(2),
        Rule::optional("fullKanaName", "氏名カナ", 35, Form::Text),
        FIRST_NAME,
        LAST_NAME,
        FIRST_KANA_NAME,
        LAST_KANA_NAME,
        Rule::value("tel", "電話番号", Need::Unless("mobile"), 17, Form::Phone).least(8),
        Rule::optional("mobile", "携帯電話番号", 17, Form::Phone).least(8),
        Rule::value("email", "メールアドレス", Need::Unless("mobileEmail"), 100, Form::Mail),
        Rule::optional("mobileEmail", "携帯メールアドレス", 100, Form::Mail),
        Rule::required("zipCode", "郵便番号", 8, Form::Postal),
        Rule::required("address1", "都道府県", 4, Form::Prefecture),
        Rule::required("address2", "市区町村", 31, Form::Text).least(2),
        Rule::required("address3", "それ以降の住所", 35, Form::Text).least(2),
        Rule::optional("companyName", "会社名", 35, Form::Text),
        Rule::optional("departmentName", "部署名", 35, Form::Text),
        Rule::required("billedAmount", "請求金額", 6, Form::Within(1, 999_999)),
        Rule::required("paymentType", "請求書送付方法", 1, Form::OneOf(&["2", "3"])),
    ]
}

const FIRST_NAME: Rule = Rule::optional("firstName", "名", 25, Form::Text).anywhere();
const LAST_NAME: Rule = Rule::optional("lastName", "姓", 25, Form::Text).anywhere();
const FIRST_KANA_NAME: Rule = Rule::optional("firstKanaName", "名カナ", 35, Form::Text).anywhere();
const LAST_KANA_NAME: Rule = Rule::optional("lastKanaName", "姓カナ", 35, Form::Text).anywhere();

const DELIVERIES: Rule = Rule::list("deliveries", "配送先", &DELIVERY, MAX_DELIVERIES);

static DELIVERY: Rule = Rule::group(
    "delivery",
    "配送先",
    Need::Required,
    &[
        Rule::group(
            "deliveryCustomer",
            "配送先情報",
            Need::Required,
            &[
                Rule::required("fullName", "配送先氏名", 25, Form::Text).least(2),
                Rule::optional("fullKanaName", "配送先氏名カナ", 35, Form::Text),
                FIRST_NAME,
                LAST_NAME,
                FIRST_KANA_NAME,
                LAST_KANA_NAME,
                Rule::required("zipCode", "配送先郵便番号", 8, Form::Postal),
                Rule::required("address1", "配送先都道府県", 4, Form::Prefecture),
                Rule::required("address2", "配送先市区町村", 31, Form::Text).least(2),
                Rule::required("address3", "配送先それ以降の住所", 35, Form::Text).least(2),
                Rule::optional("companyName", "配送先会社名", 35, Form::Text).anywhere(),
                Rule::optional("departmentName", "配送先部署名", 35, Form::Text).anywhere(),
                Rule::required("tel", "配送先電話番号", 17, Form::Phone).least(8),
                Rule::optional("email", "配送先メールアドレス", 100, Form::Mail),
            ],
        ),
        Rule::list("details", "明細", &DETAIL, UNLIMITED),
    ],
);

static DETAIL: Rule = Rule::group(
    "detail",
    "明細",
    Need::Required,
    &[
        Rule::required("detailId", "明細ID", UNLIMITED, Form::Text),
        Rule::required("detailName", "明細名", 150, Form::Text),
        Rule::required("detailPrice", "単価", 6, Form::Within(-99_999, 999_999)),
        Rule::required("detailQuantity", "数量", 4, Form::Within(0, 9_999)),
    ],
);

const TRANSACTION: Rule = Rule::group(
    "transaction",
    "取引情報",
    Need::Required,
    &[
        Rule::required("nissenTransactionId", "お問合せ番号", 11, Form::Text),
        Rule::required("shopTransactionId", "加盟店取引ID", 40, Form::Text),
        Rule::required("billedAmount", "請求金額", 6, Form::Within(1, 999_999)),
    ],
);

static TWISTS: [TwistRule; 12] = [
    twist(Twist::OtherReference, "autotransaction", &["<shopTransactionId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "autogetauthor", &["<nissenTransactionId>"], "<", "N9999999999"),
    twist(Twist::OtherReference, "autocancel", &["<shopTransactionId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "autopdrequest", &["<shopTransactionId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherReference, "automodifytransaction", &["<shopTransactionId>"], "<", "OTHER-REFERENCE"),
    twist(Twist::OtherAmount, "autotransaction", &["<billedAmount>"], "<", OTHER_AMOUNT),
    twist(Twist::OtherAmount, "automodifytransaction", &["<billedAmount>"], "<", OTHER_AMOUNT),
    twist(Twist::UnknownCode, "autotransaction", &["<authorResult>"], "<", "要確認"),
    twist(Twist::UnknownCode, "autogetauthor", &["<authorResult>"], "<", "要確認"),
    twist(Twist::UnknownCode, "automodifytransaction", &["<authorResult>"], "<", "要確認"),
    twist(Twist::UnknownCode, "autocancel", &["<result>"], "<", "WAIT"),
    twist(Twist::UnknownCode, "autopdrequest", &["<result>"], "<", "WAIT"),
];

/// The most that a field can hold, and an amount that no sample has.
const OTHER_AMOUNT: &str = "999999";

impl XmlWire for Score {
    const NAME: &'static str = "スコア@払い";
    const BASE: &'static str = "";
    const CONTENT_TYPE: &'static str = "application/xml";
    const TAKES_UNTYPED: bool = false;
    const OWN_CODE: &'static str = "SIMU0";
    const NAMES: &'static [&'static str] = &["shopTransactionId", "nissenTransactionId"];
    const CALLS: &'static [Call] = &CALLS;
    const TWISTS: &'static [TwistRule] = &TWISTS;

    fn credentials(&self) -> [(&'static str, &'static str, &str); 3] {
        [
            ("加盟店コード", "shopInfo/shopCode", &self.shop_code),
            ("加盟店パスワード", "shopInfo/shopPassword", &self.shop_password),
            ("端末ID", "shopInfo/terminalId", &self.terminal_id),
        ]
    }

    fn error(code: String, problem: &Problem) -> Element {
        let message = Element::text("errorMessage", &problem.message);
        Element::parent("error", vec![Element::text("errorCode", code), message])
    }
}

fn register(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let new = checked(request)?;
    calls::register(ledger, |number| format!("N{number:010}"), new).map(judged)
}

fn ask(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let registration = calls::unless(&[CANCELLED], as_recorded(ledger, request)?)?;
    registration.ask();
    let date = if registration.verdict == Verdict::UnderReview { "" } else { JUDGED_ON };
    let word = if registration.verdict == Verdict::OnHold { ON_HOLD } else { at_once(registration.verdict) };
    let result = [nissen_id(registration), Element::text("authoriDate", date), Element::text("authorResult", word)];
    let reasons = if registration.verdict == Verdict::OnHold { HOLD_REASONS.as_slice() } else { &[] };
    Ok(Element::parent("transactionResult", result.into_iter().chain(reasons.iter().map(hold_reason)).collect()))
}

fn cancel(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let registration = calls::unless(&[CANCELLED, REJECTED, PAID], as_recorded(ledger, request)?)?;
    registration.cancelled = true;
    Ok(noted(registration))
}

fn ship(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let carrier = calls::carrier(&CARRIERS, request, "PdRequest/pdcompanycode")?;
    let bars = [CANCELLED, NOT_APPROVED, SHIPPED, TRACKING_REFUSED];
    let registration = calls::unless(&bars, as_recorded(ledger, request)?)?;
    let slip = request.text("PdRequest/slipno").to_owned();
    registration.shipment = Some(Shipment { carrier: carrier.to_owned(), slip });
    Ok(noted(registration))
}

fn change(ledger: &mut Ledger, request: &Node) -> Result<Element, Problem> {
    let new = checked(request)?;
    let registration = calls::unless(&[CANCELLED, REJECTED, SHIPPED], named(ledger, request, "buyer")?)?;
    calls::judge_again(registration, new);
    Ok(judged(registration))
}

fn judged(registration: &Registration) -> Element {
    Element::parent(
        "transactionResult",
        vec![
            shop_id(registration),
            nissen_id(registration),
            Element::text("billedAmount", registration.billed_amount.to_string()),
            Element::text("authorResult", at_once(registration.verdict)),
        ],
    )
}

fn noted(registration: &Registration) -> Element {
    Element::parent("transactionInfo", vec![nissen_id(registration), shop_id(registration)])
}

fn nissen_id(registration: &Registration) -> Element {
    Element::text("nissenTransactionId", &registration.transaction_id)
}

fn shop_id(registration: &Registration) -> Element {
    Element::text("shopTransactionId", &registration.reference)
}

/// On hold, which is said only when asked for; the English HOLD is under review.
const ON_HOLD: &str = "保留";

/// `authorResult` of a registration.
fn at_once(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approved => "OK",
        Verdict::Rejected => "NG",
        Verdict::UnderReview | Verdict::OnHold => "HOLD",
        Verdict::Unknown => "条件付",
    }
}

fn hold_reason((code, reason): &(&'static str, &'static str)) -> Element {
    Element::parent("holdReason", vec![Element::text("reasonCode", *code), Element::text("reason", *reason)])
}

/// What comes with 保留: two, so that a client that reads only one is found out.
const HOLD_REASONS: [(&str, &str); 2] = [("H001", "住所に番地がありません"), ("H002", "電話番号をご確認ください")];

/// The simulator has no calendar.
const JUDGED_ON: &str = "2026-04-01 12:00:00";

/// An order as it was sent, if it is one that can be registered.
fn checked(request: &Node) -> Result<NewRegistration, Problem> {
    let lines = request.list("deliveries").iter().flat_map(|delivery| delivery.list("details"));
    calls::check_total(request, "buyer/billedAmount", lines, ["detailPrice", "detailQuantity"])?;
    check_enclosed(request)?;
    let phone = [request.text("buyer/tel"), request.text("buyer/mobile")];
    Ok(NewRegistration {
        reference: request.text("buyer/shopTransactionId").to_owned(),
        billed_amount: request.number("buyer/billedAmount"),
        buyer: request.text("buyer/fullName").to_owned(),
        ordered: request.text("buyer/shopOrderDate").to_owned(),
        enclosed: request.text("buyer/paymentType") == "3",
        script: verdicts::script(phone.into_iter().find(|phone| !phone.is_empty()).unwrap_or_default()),
    })
}

const ADDRESS: [&str; 4] = ["zipCode", "address1", "address2", "address3"];

/// An invoice in the parcel reaches the buyer only if every parcel goes there.
fn check_enclosed(request: &Node) -> Result<(), Problem> {
    let at_buyer = |delivery: &Node| {
        let same = |name| delivery.text(&format!("deliveryCustomer/{name}")) == request.text(&format!("buyer/{name}"));
        ADDRESS.into_iter().all(same)
    };
    if request.text("buyer/paymentType") != "3" || request.list("deliveries").iter().all(at_buyer) {
        return Ok(());
    }
    let message = "請求書送付方法 : 同梱は配送先が購入者住所と同じ場合に限ります";
    Err(Problem::at("buyer/paymentType", code::ENCLOSED_ELSEWHERE, message))
}

/// The registration that `transaction` names, with the amount that is on record.
fn as_recorded<'a>(ledger: &'a mut Ledger, request: &Node) -> Result<&'a mut Registration, Problem> {
    let registration = named(ledger, request, "transaction")?;
    if registration.billed_amount != request.number("transaction/billedAmount") {
        let message = "請求金額 : 登録された金額と一致しません";
        return Err(Problem::at("transaction/billedAmount", code::ANOTHER_AMOUNT, message));
    }
    Ok(registration)
}

/// The registration with both ids of the element `parent`.
fn named<'a>(ledger: &'a mut Ledger, request: &Node, parent: &str) -> Result<&'a mut Registration, Problem> {
    let registration = calls::found(ledger, request.text(&format!("{parent}/nissenTransactionId")))?;
    calls::check_reference(registration, request, &format!("{parent}/shopTransactionId"))?;
    Ok(registration)
}

const CANCELLED: Bar = Bar {
    when: |registration| registration.cancelled,
    code: Code::Own(code::CANCELLED),
    message: "キャンセル済みの取引です",
};

const PAID: Bar = Bar {
    when: |registration| registration.paid.is_some() || registration.script.refuses_cancel,
    code: Code::Known(code::PAID),
    message: "入金済みのためキャンセルできません",
};
