//! Every rule of アトディーネ's wire: what is right passes, each violation is refused with its own
//! code and leaves nothing behind.

mod common;
mod document;

use document::atodene::{LINK, ORDER, order};
use document::{Desk, Document, assert_refused, element, value};
use gateways::Fault;
use gateways::atodene::{Atodene, CARRIERS, MAX_BILLED, MAX_LINES, code};
use gateways::ledger::Shipment;
use gateways::verdicts::Verdict;
use gateways::wire::Wire;

const FOLDER: &str = "/api";
const SHIP: &str = "<ship><shipName>鈴木 一郎</shipName><shipKananame>スズキ イチロウ</shipKananame>\
    <shipZip>600-0001</shipZip><shipAddress>京都府京都市下京区99</shipAddress><shipCompanyName></shipCompanyName>\
    <shipSectionName></shipSectionName><shipTel>0750000000</shipTel></ship>";

/// The same for another recipient.
fn gift(reference: &str) -> Document {
    order(reference).after("customer", SHIP)
}

fn question(id: &str) -> Document {
    Document(element("request", format!("{LINK}<transactionInfo>{}</transactionInfo>", element("transactionId", id))))
}

fn cancel(id: &str) -> Document {
    question(id).before("transactionId", "<updateTypeFlag>1</updateTypeFlag>")
}

fn change(id: &str) -> Document {
    cancel(id).set("updateTypeFlag", "2").after("transactionInfo", ORDER)
}

fn shipment(id: &str) -> Document {
    question(id).before("transactionId", "<deliveryType>1</deliveryType>").after(
        "transactionId",
        "<deliveryCompanyCode>11</deliveryCompanyCode><deliverySlipNo>12345</deliverySlipNo>\
         <invoiceDate>2026/04/02</invoiceDate>",
    )
}

fn own(number: u16) -> String {
    format!("er900{number:03}")
}

fn ask(desk: &mut Desk<Atodene>, operation: &str, document: &Document) -> String {
    desk.ask(FOLDER, operation, document)
}

/// Registers a buyer with a phone number that ends in these digits.
fn register(desk: &mut Desk<Atodene>, reference: &str, digits: &str) -> String {
    let body = ask(desk, "transaction", &order(reference).set("tel", format!("0900000{digits}")));
    value(&body, "transactionId").to_owned()
}

fn refused(rule: &str, desk: &mut Desk<Atodene>, operation: &str, document: &Document, code: &str) {
    assert_refused(rule, desk, [FOLDER, operation], document, code);
}

/// `<result>OK</result>`, and the elements of transactionInfo.
fn assert_ok(body: &str, elements: &str) {
    let wanted = format!("<response><result>OK</result><transactionInfo>{elements}</transactionInfo></response>");
    assert!(body.ends_with(&wanted), "{body}");
}

#[test]
fn a_valid_registration_is_recorded_as_it_was_sent() {
    let mut desk = Desk::<Atodene>::default();
    assert_eq!(
        ask(&mut desk, "transaction", &order("SHOP-1")),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><result>OK</result><transactionInfo>\
         <shopOrderId>SHOP-1</shopOrderId><transactionId>AT00000001</transactionId>\
         <autoAuthoriresult>OK</autoAuthoriresult></transactionInfo></response>"
    );
    let registration = desk.ledger.find("AT00000001").unwrap();
    assert_eq!(registration.reference, "SHOP-1");
    assert_eq!(registration.billed_amount, 1_232);
    assert_eq!(registration.buyer, "山田 花子");
    assert_eq!((registration.ordered.as_str(), registration.enclosed), ("2026/04/01", false));
    assert!(registration.is_live());
    assert!(desk.ledger.refusals.is_empty());
}

/// This many lines of one yen each, and the amount that they come to.
fn of_lines(count: usize) -> Document {
    let line = |number: usize| {
        format!(
            "<detail><goods>茶</goods><goodsPrice>1</goodsPrice><goodsAmount>1</goodsAmount><expand2>{number}</expand2></detail>"
        )
    };
    let lines: String = (1..=count).map(line).collect();
    order("R").set("details", lines).set("billedAmount", count.to_string())
}

/// One line of this amount.
fn of_amount(yen: i64) -> Document {
    of_lines(1).set("goodsPrice", yen.to_string()).set("billedAmount", yen.to_string())
}

#[test]
fn what_may_be_left_out_or_varied_passes() {
    let long = |count: usize| "あ".repeat(count);
    let documents = [
        (
            "declaration and blanks",
            Document(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
                order("R").0.replace("><", ">\n  <").replace(">\n  </", "></")
            )),
        ),
        ("kana", order("R").without("kanaName")),
        ("empty kana", order("R").set("kanaName", "")),
        ("company and section", order("R").without("companyName").without("sectionName")),
        ("empty extension", order("R").without("expand1")),
        ("longest browser", order("R").set("httpHeader", long(1_000)).set("deviceInfo", long(1_000))),
        ("longest name", order("R").set("customer/name", long(21)).set("kanaName", long(25))),
        ("longest address", order("R").set("address", format!("北海道{}", long(52)))),
        ("longest company", order("R").set("companyName", long(30)).set("sectionName", long(30))),
        ("longest phone", order("R").set("tel", "0".repeat(15))),
        ("longest mail", order("R").set("email", "a".repeat(98) + "@b")),
        ("longest goods", order("R").set("goods", long(150))),
        ("as escaped text", order("R").set("customer/name", "&lt;&#23665;&amp;<![CDATA[<]]>")),
        ("enclosed invoice", order("R").set("service", "3")),
        ("one line", of_lines(1)),
        ("most lines", of_lines(MAX_LINES)),
        ("most yen", of_amount(MAX_BILLED)),
        ("nothing to pay", of_amount(0)),
        ("another recipient", gift("R")),
        ("recipient without kana", gift("R").without("shipKananame")),
        ("recipient who is the buyer", order("R").after("customer", &same_recipient())),
    ];
    for (what, document) in documents {
        let mut desk = Desk::default();
        let body = ask(&mut desk, "transaction", &document);
        assert!(body.contains("<result>OK</result>"), "{what}: {body}");
        assert_eq!(desk.ledger.live().count(), 1, "{what}");
    }
}

/// A recipient who is the buyer.
fn same_recipient() -> String {
    "<ship><shipName>山田 花子</shipName><shipKananame>ヤマダ ハナコ</shipKananame><shipZip>150-0001</shipZip>\
     <shipAddress>東京都渋谷区神宮前9-99-99</shipAddress><shipTel>090-0000-1234</shipTel></ship>"
        .to_owned()
}

#[test]
fn each_violation_of_a_registration_is_refused() {
    use code::*;
    let long = |count: usize| "あ".repeat(count);
    let mut rules = vec![
        ("another shop", order("R").set("shopCode", "A12345678902"), MERCHANT_REFUSED),
        ("another connection", order("R").set("linkId", "original01"), MERCHANT_REFUSED),
        ("another password", order("R").set("linkPassword", "link-pass-02"), MERCHANT_REFUSED),
        ("password of 7", order("R").set("linkPassword", "1234567"), TOO_SHORT),
        ("date with hyphens", order("R").set("shopOrderDate", "2026-04-01"), MALFORMED),
        ("a day that is not", order("R").set("shopOrderDate", "2026/02/29"), MALFORMED),
        ("postal code without hyphen", order("R").set("zip", "1500001"), MALFORMED),
        ("recipient's without hyphen", gift("R").set("shipZip", "6000001"), MALFORMED),
        ("no prefecture", order("R").set("address", "渋谷区神宮前"), MALFORMED),
        ("recipient without prefecture", gift("R").set("shipAddress", "京都市"), MALFORMED),
        ("phone in full width", order("R").set("tel", "０９０"), MALFORMED),
        ("mail without @", order("R").set("email", "hanako"), MALFORMED),
        ("blanks around a value", order("R").set("service", " 2"), TOO_LONG),
        ("service 1", order("R").set("service", "1"), MALFORMED),
        ("negative amount", order("R").set("billedAmount", "-1232"), MALFORMED),
        ("amount with a comma", order("R").set("billedAmount", "1,232"), MALFORMED),
        ("amount is not the sum", order("R").set("billedAmount", "1233"), AMOUNT_WRONG),
        ("another quantity", order("R").set("goodsAmount", "3"), AMOUNT_WRONG),
        ("negative quantity", order("R").set("goodsAmount", "-2"), MALFORMED),
        ("fraction of a yen", order("R").set("goodsPrice", "300.0"), MALFORMED),
        ("one yen too many", of_amount(MAX_BILLED + 1), OVER_LIMIT),
        ("one line too many", of_lines(MAX_LINES + 1), TOO_MANY),
        ("no line", order("R").set("details", ""), MISSING),
        ("lines from 0", order("R").set("expand2", "0"), LINE_NUMBER_WRONG),
        ("line 3 twice", order("R").set("detail/expand4", "").set("expand2", "3"), LINE_NUMBER_WRONG),
        ("a line's number left out", order("R").without("expand2"), MISSING),
        ("extension 1", order("R").set("expand1", "x"), TOO_LONG),
        ("extension 3", order("R").set("expand3", "x"), TOO_LONG),
        ("extension 4", order("R").set("expand4", "x"), TOO_LONG),
        ("recipient's kana, other case", gift("R").rename("shipKananame", "shipKanaName"), UNKNOWN_ELEMENT),
        ("name, other case", order("R").rename("kanaName", "kananame"), UNKNOWN_ELEMENT),
        ("an element more", order("R").after("tel", "<fax>03-0000-0000</fax>"), UNKNOWN_ELEMENT),
        ("a group more", order("R").after("details", "<httpInfo></httpInfo>"), UNKNOWN_ELEMENT),
        ("something else among the lines", order("R").after("detail", "<line></line>"), UNKNOWN_ELEMENT),
        ("an element in a value", order("R").set("customer/name", "山田<b></b>花子"), UNKNOWN_ELEMENT),
        ("another root", Document(order("R").0.replace("request>", "response>")), UNKNOWN_ELEMENT),
        ("text among elements", order("R").before("zip", "〒"), MALFORMED),
        ("reference twice", order("R").twice("shopOrderId"), REPEATED_ELEMENT),
        ("customer twice", order("R").twice("customer"), REPEATED_ELEMENT),
        ("name behind kana", order("R").swapped("customer/name", "kanaName"), OUT_OF_ORDER),
        ("ship behind details", order("R").after("details", SHIP), OUT_OF_ORDER),
        ("browser behind customer", order("R").swapped("browserInfo", "customer"), OUT_OF_ORDER),
        ("price before goods", order("R").swapped("goods", "goodsPrice"), OUT_OF_ORDER),
    ];
    for name in [
        "shopCode",
        "linkId",
        "linkPassword",
        "shopOrderId",
        "shopOrderDate",
        "customer/name",
        "zip",
        "address",
        "tel",
        "email",
        "billedAmount",
        "service",
        "goods",
        "goodsPrice",
        "goodsAmount",
        "shipName",
        "shipZip",
        "shipAddress",
        "shipTel",
    ] {
        rules.push((name, gift("R").without(name), MISSING));
        rules.push((name, gift("R").set(name, ""), MISSING));
    }
    for name in ["linkInfo", "browserInfo", "httpHeader", "deviceInfo", "customer", "details"] {
        rules.push((name, order("R").without(name), MISSING));
    }
    for (name, max) in [
        ("shopCode", 12),
        ("linkPassword", 15),
        ("httpHeader", 1_000),
        ("deviceInfo", 1_000),
        ("shopOrderDate", 10),
        ("customer/name", 21),
        ("kanaName", 25),
        ("zip", 8),
        ("address", 55),
        ("companyName", 30),
        ("sectionName", 30),
        ("tel", 15),
        ("email", 100),
        ("billedAmount", 6),
        ("shipName", 21),
        ("shipKananame", 25),
        ("shipZip", 8),
        ("shipAddress", 55),
        ("shipCompanyName", 30),
        ("shipSectionName", 30),
        ("shipTel", 15),
        ("goods", 150),
        ("goodsPrice", 6),
        ("goodsAmount", 5),
        ("expand2", 2),
    ] {
        rules.push((name, gift("R").set(name, long(max + 1)), TOO_LONG));
    }
    for (rule, document, number) in rules {
        refused(rule, &mut Desk::default(), "transaction", &document, &own(number));
    }
}

#[test]
fn an_error_names_its_element_and_says_what_is_wrong() {
    let mut desk = Desk::default();
    let document = order("SHOP-1").without("tel").set("detail/goods", "あ".repeat(151));
    let body = ask(&mut desk, "transaction", &document);
    let error = |point: &str, code: u16, message: &str| {
        format!(
            "<error><errorPoint>{point}</errorPoint><errorCode>{}</errorCode><errorMessage>{message}</errorMessage></error>",
            own(code)
        )
    };
    let errors = [
        error("tel", code::MISSING, "電話番号 : 必須項目です"),
        error("goods", code::TOO_LONG, "商品名 : 150文字以内で入力してください"),
    ];
    let wanted = format!("<response><result>NG</result><errors>{}</errors></response>", errors.concat());
    assert!(body.ends_with(&wanted), "{body}");
    let about: Vec<&str> = desk.ledger.refusals.iter().map(|refusal| refusal.about.as_str()).collect();
    assert_eq!(about, ["SHOP-1", "SHOP-1"]);
}

#[test]
fn what_is_not_an_xml_post_is_refused() {
    document::assert_only_xml_posts::<Atodene>("/api/transaction.do", &order("R"), 200);
    document::assert_only_documents::<Atodene>("/api/transaction.do", &order("R"), own);
}

#[test]
fn the_verdict_follows_the_table() {
    let mut desk = Desk::default();
    for (digits, auto, manual) in [
        ("1234", "OK", ["", ""]),
        ("9001", "NG", ["", ""]),
        ("9002", "審査中", ["", "OK"]),
        ("9003", "審査中", ["", "NG"]),
        ("9004", "審査中", ["保留", "保留"]),
        ("9005", "審査中", ["", ""]),
        ("9006", "条件付", ["", ""]),
    ] {
        let body = ask(&mut desk, "transaction", &order(digits).set("tel", format!("0900000{digits}")));
        assert_eq!(value(&body, "autoAuthoriresult"), auto, "{digits}");
        assert!(!body.contains("manual"), "people's word is only told when asked for: {body}");
        let id = value(&body, "transactionId").to_owned();
        for manual in manual {
            let body = ask(&mut desk, "getauthori", &question(&id));
            assert_eq!((value(&body, "autoAuthoriresult"), value(&body, "manualAuthoriresult")), (auto, manual));
        }
        assert_eq!(desk.ledger.find(&id).unwrap().asks, 2);
    }
}

#[test]
fn only_what_is_on_hold_comes_with_reasons() {
    let mut desk = Desk::default();
    let held = register(&mut desk, "A", "9004");
    assert_ok(
        &ask(&mut desk, "getauthori", &question(&held)),
        &format!(
            "<transactionId>{held}</transactionId><autoAuthoriresult>審査中</autoAuthoriresult>\
             <manualAuthoriresult>保留</manualAuthoriresult><manualAuthorireasons>\
             <manualAuthorireason>住所に番地がありません</manualAuthorireason>\
             <manualAuthorireason>電話番号をご確認ください</manualAuthorireason></manualAuthorireasons>"
        ),
    );
    let review = register(&mut desk, "B", "9002");
    assert_ok(
        &ask(&mut desk, "getauthori", &question(&review)),
        &format!(
            "<transactionId>{review}</transactionId><autoAuthoriresult>審査中</autoAuthoriresult>\
             <manualAuthoriresult/><manualAuthorireasons/>"
        ),
    );
}

#[test]
fn two_registrations_are_two_claims() {
    let mut desk = Desk::default();
    let ids = [register(&mut desk, "SHOP-1", "1234"), register(&mut desk, "SHOP-1", "1234")];
    assert_eq!(ids, ["AT00000001", "AT00000002"]);
    assert_eq!(desk.ledger.doubled(), [("SHOP-1", 2)].into());
}

#[test]
fn the_other_calls_refuse_what_they_do_not_take() {
    use code::*;
    let (id, none) = ("AT00000001", "AT99999999");
    let rules = [
        ("getauthori", "no id", question(id).set("transactionId", ""), MISSING),
        ("getauthori", "another password", question(id).set("linkPassword", "link-pass-02"), MERCHANT_REFUSED),
        (
            "getauthori",
            "our reference",
            question(id).before("transactionId", "<shopOrderId>R</shopOrderId>"),
            UNKNOWN_ELEMENT,
        ),
        ("getauthori", "two ids", question(id).twice("transactionId"), REPEATED_ELEMENT),
        ("getauthori", "no such transaction", question(none), NO_SUCH_TRANSACTION),
        ("modifytransaction", "no id", cancel(id).set("transactionId", ""), MISSING),
        ("modifytransaction", "no type", cancel(id).without("updateTypeFlag"), MISSING),
        ("modifytransaction", "type 3", cancel(id).set("updateTypeFlag", "3"), MALFORMED),
        ("modifytransaction", "id before type", cancel(id).swapped("updateTypeFlag", "transactionId"), OUT_OF_ORDER),
        (
            "modifytransaction",
            "cancel with lines",
            change(id).set("updateTypeFlag", "1").without("customer"),
            UNKNOWN_ELEMENT,
        ),
        ("modifytransaction", "no such transaction", cancel(none), NO_SUCH_TRANSACTION),
        ("modifytransaction", "change without lines", change(id).without("details"), MISSING),
        ("modifytransaction", "change without customer", change(id).without("customer"), MISSING),
        ("modifytransaction", "change to another sum", change(id).set("billedAmount", "1"), AMOUNT_WRONG),
        ("modifytransaction", "change of another order", change(id).set("shopOrderId", "S"), ANOTHER_REFERENCE),
        ("modifytransaction", "change of none", change(none), NO_SUCH_TRANSACTION),
        ("shippingrequest", "no id", shipment(id).without("transactionId"), MISSING),
        ("shippingrequest", "no type", shipment(id).without("deliveryType"), MISSING),
        ("shippingrequest", "type 4", shipment(id).set("deliveryType", "4"), MALFORMED),
        ("shippingrequest", "no carrier", shipment(id).without("deliveryCompanyCode"), MISSING),
        ("shippingrequest", "carrier by name", shipment(id).set("deliveryCompanyCode", "佐川"), MALFORMED),
        ("shippingrequest", "unknown carrier", shipment(id).set("deliveryCompanyCode", "17"), UNKNOWN_CARRIER),
        ("shippingrequest", "no slip", shipment(id).without("deliverySlipNo"), MISSING),
        ("shippingrequest", "slip of 4", shipment(id).set("deliverySlipNo", "1234"), TOO_SHORT),
        ("shippingrequest", "slip of 21", shipment(id).set("deliverySlipNo", "1".repeat(21)), TOO_LONG),
        ("shippingrequest", "no date", shipment(id).without("invoiceDate"), MISSING),
        ("shippingrequest", "date with hyphens", shipment(id).set("invoiceDate", "2026-04-02"), MALFORMED),
        (
            "shippingrequest",
            "two dates",
            shipment(id).after("invoiceDate", "<InvoiceDate>2026/04/02</InvoiceDate>"),
            REPEATED_ELEMENT,
        ),
        (
            "shippingrequest",
            "slip before carrier",
            shipment(id).swapped("deliveryCompanyCode", "deliverySlipNo"),
            OUT_OF_ORDER,
        ),
        ("shippingrequest", "no such transaction", shipment(none), NO_SUCH_TRANSACTION),
        ("shippingrequest", "change of no report", shipment(id).set("deliveryType", "2"), NOT_SHIPPED),
        ("shippingrequest", "withdrawal of no report", shipment(id).set("deliveryType", "3"), NOT_SHIPPED),
    ];
    for (operation, rule, document, number) in rules {
        let mut desk = Desk::default();
        register(&mut desk, "R", "1234");
        refused(rule, &mut desk, operation, &document, &own(number));
    }
}

#[test]
fn a_shipment_is_reported_changed_and_withdrawn() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "1234");
    let shipped = |desk: &Desk<Atodene>| desk.ledger.find(&id).unwrap().shipment.clone();
    let recorded = |carrier: &str, slip: &str| Some(Shipment { carrier: carrier.to_owned(), slip: slip.to_owned() });
    assert_ok(&ask(&mut desk, "shippingrequest", &shipment(&id)), &element("transactionId", &id));
    assert_eq!(shipped(&desk), recorded("11", "12345"));

    let again = shipment(&id).set("deliveryCompanyCode", "12").set("deliverySlipNo", "1".repeat(20));
    refused("a second report", &mut desk, "shippingrequest", &again, &own(code::TRACKING_EXISTS));
    refused("cancel", &mut desk, "modifytransaction", &cancel(&id), &own(code::TRACKING_EXISTS));
    refused("change", &mut desk, "modifytransaction", &change(&id), &own(code::TRACKING_EXISTS));

    ask(&mut desk, "shippingrequest", &again.set("deliveryType", "2"));
    assert_eq!(shipped(&desk), recorded("12", &"1".repeat(20)));
    let empty = shipment(&id).set("deliveryType", "3").set("deliveryCompanyCode", "").set("deliverySlipNo", "");
    let last =
        empty.set("invoiceDate", "").without("transactionId").after("invoiceDate", &element("transactionId", &id));
    ask(&mut desk, "shippingrequest", &last);
    assert_eq!(shipped(&desk), None);
    assert_ok(&ask(&mut desk, "modifytransaction", &cancel(&id)), &element("transactionId", &id));
    assert!(desk.ledger.find(&id).unwrap().cancelled);
}

#[test]
fn only_what_is_approved_is_shipped() {
    let mut desk = Desk::default();
    for (digits, number) in [
        ("9001", code::NOT_APPROVED),
        ("9002", code::NOT_APPROVED),
        ("9004", code::NOT_APPROVED),
        ("9006", code::NOT_APPROVED),
        ("9008", code::STATE_REFUSES),
    ] {
        let id = register(&mut desk, digits, digits);
        refused(digits, &mut desk, "shippingrequest", &shipment(&id), &own(number));
    }
    let id = register(&mut desk, "R", "9002");
    ask(&mut desk, "getauthori", &question(&id));
    ask(&mut desk, "getauthori", &question(&id));
    ask(&mut desk, "shippingrequest", &shipment(&id));
    assert!(desk.ledger.find(&id).unwrap().shipment.is_some(), "people have approved it");
}

#[test]
fn every_carrier_and_either_name_of_the_date_are_taken() {
    let mut desk = Desk::default();
    for (carrier, name) in CARRIERS {
        let id = register(&mut desk, name, "1234");
        let document = shipment(&id).set("deliveryCompanyCode", carrier).rename("invoiceDate", "InvoiceDate");
        assert_ok(&ask(&mut desk, "shippingrequest", &document), &element("transactionId", &id));
        assert_eq!(desk.ledger.find(&id).unwrap().shipment.as_ref().unwrap().carrier, carrier);
    }
}

#[test]
fn what_is_cancelled_says_so_to_every_call() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "1234");
    assert_ok(&ask(&mut desk, "modifytransaction", &cancel(&id)), &element("transactionId", &id));
    assert_eq!(desk.ledger.live().count(), 0);
    for (operation, document) in [
        ("modifytransaction", cancel(&id)),
        ("modifytransaction", change(&id)),
        ("getauthori", question(&id)),
        ("shippingrequest", shipment(&id)),
        ("shippingrequest", shipment(&id).set("deliveryType", "2")),
    ] {
        refused("cancelled", &mut desk, operation, &document, "er000033");
    }
}

#[test]
fn a_cancel_depends_on_the_state() {
    let mut desk = Desk::default();
    for (digits, number) in [("9001", code::REJECTED), ("9007", code::STATE_REFUSES)] {
        let id = register(&mut desk, digits, digits);
        refused(digits, &mut desk, "modifytransaction", &cancel(&id), &own(number));
        refused(digits, &mut desk, "modifytransaction", &change(&id).set("shopOrderId", digits), &own(number));
    }
    let paid = register(&mut desk, "P", "1234");
    desk.ledger.registrations.get_mut(&paid).unwrap().paid = Some("2026-04-10".to_owned());
    refused("paid", &mut desk, "modifytransaction", &cancel(&paid), &own(code::STATE_REFUSES));
    for digits in ["9004", "9005", "9006"] {
        let id = register(&mut desk, digits, digits);
        ask(&mut desk, "modifytransaction", &cancel(&id));
        assert!(desk.ledger.find(&id).unwrap().cancelled, "{digits}");
    }
}

#[test]
fn a_change_is_judged_again() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "9004");
    ask(&mut desk, "getauthori", &question(&id));
    let document = change(&id)
        .set("service", "3")
        .set("shopOrderDate", "2026/04/02")
        .set("customer/name", "山田 太郎")
        .set("goodsPrice", "400")
        .set("billedAmount", "1432");
    assert_ok(
        &ask(&mut desk, "modifytransaction", &document),
        &format!("<transactionId>{id}</transactionId><autoAuthoriresult>OK</autoAuthoriresult>"),
    );
    let registration = desk.ledger.find(&id).unwrap();
    assert_eq!((registration.billed_amount, registration.buyer.as_str()), (1_432, "山田 太郎"));
    assert_eq!((registration.ordered.as_str(), registration.enclosed), ("2026/04/02", true));
    assert_eq!((registration.verdict, registration.asks), (Verdict::Approved, 0));
    assert_eq!(desk.ledger.registrations.len(), 1);
}

#[test]
fn trouble_is_told_as_an_error() {
    document::assert_trouble::<Atodene>(own);
}

#[test]
fn it_says_who_it_is_and_whom_it_knows() {
    let provider = Atodene::default();
    assert_eq!((provider.name(), provider.base()), ("アトディーネ", "/api"));
    let merchant = provider.merchant();
    assert_eq!(merchant[0], ("加盟店コード", "A12345678901".to_owned()));
    assert_eq!(
        merchant.iter().map(|(label, _)| *label).collect::<Vec<_>>(),
        ["加盟店コード", "接続ID", "接続パスワード"]
    );
}

#[tokio::test]
async fn every_fault_strikes_but_another_amount_which_no_answer_has() {
    let document = order("R").set("tel", "09000009005");
    document::assert_faults::<Atodene>("/api/transaction.do", "transaction", &document, &[Fault::OtherAmount]).await;
}

#[tokio::test]
async fn every_twist_shows() {
    document::assert_twists::<Atodene>(FOLDER, |operation| match operation {
        "transaction" => order("R"),
        "getauthori" => question("AT00000001"),
        "modifytransaction" => cancel("AT00000001"),
        _ => shipment("AT00000001"),
    })
    .await;
}
