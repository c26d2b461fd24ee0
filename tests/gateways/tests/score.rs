//! Every rule of スコア@払い's wire: what is right passes, each violation is refused with its own
//! code and leaves nothing behind.

mod common;
mod document;

use document::score::{DELIVERY, SHOP, order};
use document::{Desk, Document, assert_refused, element, value};
use gateways::ledger::Shipment;
use gateways::score::{CARRIERS, MAX_DELIVERIES, Score, code};
use gateways::verdicts::Verdict;
use gateways::wire::Wire;

const FOLDER: &str = "/direct";
/// The id of a desk's first registration, and one that it has not.
const FIRST: &str = "N0000000001";
const NONE: &str = "N9999999999";

fn change(id: &str, reference: &str) -> Document {
    order(reference).before("shopTransactionId", &element("nissenTransactionId", id))
}

/// What a question and a cancel are.
fn named(id: &str, reference: &str) -> Document {
    let ids = element("nissenTransactionId", id) + &element("shopTransactionId", reference);
    let transaction = element("transaction", ids + "<billedAmount>1232</billedAmount>");
    Document(element("request", SHOP.to_owned() + &transaction))
}

fn shipment(id: &str, reference: &str) -> Document {
    named(id, reference).after(
        "transaction",
        "<PdRequest><pdcompanycode>11</pdcompanycode><slipno>1234-5678</slipno><address1></address1>\
         <address2></address2><address3></address3></PdRequest>",
    )
}

fn own(number: u16) -> String {
    format!("SIMU0{number:03}")
}

fn ask(desk: &mut Desk<Score>, operation: &str, document: &Document) -> String {
    desk.ask(FOLDER, operation, document)
}

/// Registers a buyer with a phone number that ends in these digits.
fn register(desk: &mut Desk<Score>, reference: &str, digits: &str) -> String {
    let body = ask(desk, "autotransaction", &order(reference).set("buyer/tel", format!("0900000{digits}")));
    value(&body, "nissenTransactionId").to_owned()
}

fn refused(rule: &str, desk: &mut Desk<Score>, operation: &str, document: &Document, code: &str) {
    assert_refused(rule, desk, [FOLDER, operation], document, code);
}

/// The answer to a cancel and to a shipment.
fn assert_noted(body: &str, id: &str, reference: &str) {
    let ids = element("nissenTransactionId", id) + &element("shopTransactionId", reference);
    let wanted = format!("<response><result>OK</result>{}</response>", element("transactionInfo", ids));
    assert!(body.ends_with(&wanted), "{body}");
}

#[test]
fn a_valid_registration_is_recorded_as_it_was_sent() {
    let mut desk = Desk::<Score>::default();
    assert_eq!(
        ask(&mut desk, "autotransaction", &order("SHOP-1")),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><result>OK</result><transactionResult>\
         <shopTransactionId>SHOP-1</shopTransactionId><nissenTransactionId>N0000000001</nissenTransactionId>\
         <billedAmount>1232</billedAmount><authorResult>OK</authorResult></transactionResult></response>"
    );
    let registration = desk.ledger.find(FIRST).unwrap();
    assert_eq!(registration.reference, "SHOP-1");
    assert_eq!(registration.billed_amount, 1_232);
    assert_eq!(registration.buyer, "山田 花子");
    assert_eq!((registration.ordered.as_str(), registration.enclosed), ("2026/04/01", false));
    assert!(registration.is_live());
    assert!(desk.ledger.refusals.is_empty());
}

/// With one line of this price and quantity, and the amount that it comes to.
fn of_line(price: i64, quantity: i64) -> Document {
    let line = element("detailId", "1")
        + &element("detailName", "茶")
        + &element("detailPrice", price.to_string())
        + &element("detailQuantity", quantity.to_string());
    order("R").set("details", element("detail", line)).set("buyer/billedAmount", (price * quantity).to_string())
}

/// With this many deliveries.
fn of_deliveries(count: usize) -> Document {
    order("R").set("deliveries", DELIVERY.repeat(count)).set("buyer/billedAmount", (1_232 * count).to_string())
}

fn enclosed(document: Document) -> Document {
    document.set("paymentType", "3")
}

/// With the parts of the buyer's name, as clients send them besides the whole.
fn names_in_parts(document: Document) -> Document {
    document.after(
        "buyer/fullKanaName",
        "<firstName>花子</firstName><lastName>山田</lastName><firstKanaName>ハナコ</firstKanaName>\
         <lastKanaName>ヤマダ</lastKanaName>",
    )
}

/// With company and department of the delivery's customer before the telephone number.
fn company_first(document: Document) -> Document {
    document.without("deliveryCustomer/companyName").without("deliveryCustomer/departmentName").after(
        "deliveryCustomer/address3",
        "<companyName>見本商事</companyName><departmentName>総務部</departmentName>",
    )
}

#[test]
fn what_may_be_left_out_or_varied_passes() {
    let long = |count: usize| "あ".repeat(count);
    let blanks = order("R").0.replace("><", ">\n  <").replace(">\n  </", "></");
    let documents = [
        ("declaration and blanks", Document(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{blanks}\n"))),
        ("names in parts", names_in_parts(order("R"))),
        ("company before the telephone", company_first(order("R"))),
        ("kana", order("R").without("buyer/fullKanaName").without("deliveryCustomer/fullKanaName")),
        ("mobile and its mail", order("R").without("mobile").without("mobileEmail")),
        ("only a mobile", order("R").without("buyer/tel").set("mobile", "09000001234")),
        ("only its mail", order("R").set("buyer/email", "").set("mobileEmail", "hanako@example.jp")),
        ("both phones, both mails", order("R").set("mobile", "09000001234").set("mobileEmail", "a@example.jp")),
        ("longest reference", order(&"R".repeat(40))),
        ("shortest name", order("R").set("buyer/fullName", "林茜")),
        ("longest name", order("R").set("buyer/fullName", long(25)).set("buyer/fullKanaName", long(35))),
        ("shortest phone", order("R").set("buyer/tel", "0312-345")),
        ("longest phone", order("R").set("buyer/tel", "0".repeat(17))),
        ("longest mail", order("R").set("buyer/email", "a".repeat(98) + "@b")),
        ("postal code without hyphen", order("R").set("buyer/zipCode", "1500001")),
        ("shortest address", order("R").set("buyer/address2", "津市").set("buyer/address3", "九九")),
        ("longest address", order("R").set("buyer/address1", "神奈川県").set("buyer/address2", long(31)).set("buyer/address3", long(35))),
        ("longest company", order("R").set("buyer/companyName", long(35)).set("buyer/departmentName", long(35))),
        ("longest browser", order("R").set("httpHeader", long(5_000))),
        ("longest line", order("R").set("detailName", long(150))),
        ("least yen", of_line(1, 1)),
        ("most yen", of_line(999_999, 1)),
        ("most pieces", of_line(100, 9_999)),
        ("none of a line", order("R").after("details/detail", "<detail><detailId>0</detailId><detailName>見本</detailName><detailPrice>-99999</detailPrice><detailQuantity>0</detailQuantity></detail>")),
        ("most deliveries", of_deliveries(MAX_DELIVERIES)),
        ("elsewhere", order("R").set("deliveryCustomer/address3", "恵比寿8-88-88")),
        ("enclosed", enclosed(order("R"))),
        ("enclosed, in two parcels", enclosed(of_deliveries(2))),
        ("enclosed, for another name there", enclosed(order("R").set("deliveryCustomer/fullName", "鈴木 一郎"))),
    ];
    for (what, document) in documents {
        let mut desk = Desk::default();
        let body = ask(&mut desk, "autotransaction", &document);
        assert!(body.contains("<result>OK</result>"), "{what}: {body}");
        assert_eq!(desk.ledger.live().count(), 1, "{what}");
    }
}

#[test]
fn each_violation_of_a_registration_is_refused() {
    use code::*;
    let long = |count: usize| "あ".repeat(count);
    let mut rules = vec![
        ("another shop", order("R").set("shopCode", "S12345679"), MERCHANT_REFUSED),
        ("another password", order("R").set("shopPassword", "shop-pass-02"), MERCHANT_REFUSED),
        ("another terminal", order("R").set("terminalId", "T002"), MERCHANT_REFUSED),
        ("date with hyphens", order("R").set("shopOrderDate", "2026-04-01"), MALFORMED),
        ("neither phone", order("R").without("buyer/tel"), MISSING),
        ("neither mail", order("R").set("buyer/email", ""), MISSING),
        ("phone in full width", order("R").set("buyer/tel", "０９０００００１２３４"), MALFORMED),
        ("mail without @", order("R").set("buyer/email", "hanako"), MALFORMED),
        ("mobile mail without @", order("R").set("mobileEmail", "hanako"), MALFORMED),
        ("postal code of 6 digits", order("R").set("buyer/zipCode", "150001"), MALFORMED),
        ("no prefecture", order("R").set("buyer/address1", "渋谷区"), MALFORMED),
        ("more than the prefecture", order("R").set("buyer/address1", "東京都渋"), MALFORMED),
        ("delivery without prefecture", order("R").set("deliveryCustomer/address1", "京都"), MALFORMED),
        ("nothing to pay", of_line(0, 1), MALFORMED),
        ("negative amount", order("R").set("buyer/billedAmount", "-1232"), MALFORMED),
        ("amount with a comma", order("R").set("buyer/billedAmount", "1,232"), MALFORMED),
        ("amount is not the sum", order("R").set("buyer/billedAmount", "1233"), AMOUNT_WRONG),
        ("another quantity", order("R").set("detailQuantity", "3"), AMOUNT_WRONG),
        ("a second delivery", of_deliveries(2).set("buyer/billedAmount", "1232"), AMOUNT_WRONG),
        ("price too low", order("R").set("detailPrice", "-100000"), TOO_LONG),
        ("fraction of a yen", order("R").set("detailPrice", "30.5"), MALFORMED),
        ("negative quantity", order("R").set("detailQuantity", "-1"), MALFORMED),
        ("payment type 1", order("R").set("paymentType", "1"), MALFORMED),
        (
            "enclosed elsewhere",
            enclosed(order("R").set("deliveryCustomer/address3", "恵比寿8-88-88")),
            ENCLOSED_ELSEWHERE,
        ),
        (
            "enclosed, another postal code",
            enclosed(order("R").set("deliveryCustomer/zipCode", "150-0002")),
            ENCLOSED_ELSEWHERE,
        ),
        (
            "enclosed, another prefecture",
            enclosed(order("R").set("deliveryCustomer/address1", "千葉県")),
            ENCLOSED_ELSEWHERE,
        ),
        ("enclosed, another town", enclosed(order("R").set("deliveryCustomer/address2", "港区")), ENCLOSED_ELSEWHERE),
        (
            "enclosed, one parcel elsewhere",
            enclosed(of_deliveries(2).set("delivery/address3", "恵比寿8-88-88")),
            ENCLOSED_ELSEWHERE,
        ),
        ("a delivery too many", of_deliveries(MAX_DELIVERIES + 1), TOO_MANY),
        ("no delivery", order("R").set("deliveries", ""), MISSING),
        ("no line", order("R").set("details", ""), MISSING),
        ("the provider's id", change(FIRST, "R"), UNKNOWN_ELEMENT),
        ("an element more", order("R").after("mobile", "<fax>03-0000-0000</fax>"), UNKNOWN_ELEMENT),
        ("other case", order("R").rename("fullKanaName", "fullKananame"), UNKNOWN_ELEMENT),
        ("another root", Document(order("R").0.replace("request>", "response>")), UNKNOWN_ELEMENT),
        ("text among elements", order("R").before("zipCode", "〒"), MALFORMED),
        ("reference twice", order("R").twice("shopTransactionId"), REPEATED_ELEMENT),
        ("two buyers", order("R").twice("buyer"), REPEATED_ELEMENT),
        ("kana first", order("R").swapped("fullName", "fullKanaName"), OUT_OF_ORDER),
        ("deliveries before the buyer", order("R").swapped("buyer", "deliveries"), OUT_OF_ORDER),
        ("lines before the customer", order("R").swapped("deliveryCustomer", "details"), OUT_OF_ORDER),
    ];
    for name in [
        "shopCode",
        "shopPassword",
        "terminalId",
        "shopTransactionId",
        "shopOrderDate",
        "buyer/fullName",
        "buyer/zipCode",
        "buyer/address1",
        "buyer/address2",
        "buyer/address3",
        "buyer/billedAmount",
        "paymentType",
        "deliveryCustomer/fullName",
        "deliveryCustomer/zipCode",
        "deliveryCustomer/address1",
        "deliveryCustomer/address2",
        "deliveryCustomer/address3",
        "deliveryCustomer/tel",
        "detailId",
        "detailName",
        "detailPrice",
        "detailQuantity",
    ] {
        rules.push((name, order("R").set(name, ""), MISSING));
    }
    for name in
        ["shopInfo", "httpInfo", "httpHeader", "deviceInfo", "buyer", "deliveries", "deliveryCustomer", "details"]
    {
        rules.push((name, order("R").without(name), MISSING));
    }
    for (name, least) in [
        ("buyer/fullName", 2),
        ("buyer/tel", 8),
        ("mobile", 8),
        ("buyer/address2", 2),
        ("buyer/address3", 2),
        ("deliveryCustomer/fullName", 2),
        ("deliveryCustomer/tel", 8),
        ("deliveryCustomer/address2", 2),
        ("deliveryCustomer/address3", 2),
    ] {
        rules.push((name, order("R").set(name, long(least - 1)), TOO_SHORT));
    }
    for (name, max) in [
        ("shopCode", 9),
        ("shopTransactionId", 40),
        ("shopOrderDate", 10),
        ("buyer/fullName", 25),
        ("buyer/fullKanaName", 35),
        ("buyer/tel", 17),
        ("mobile", 17),
        ("buyer/email", 100),
        ("mobileEmail", 100),
        ("buyer/zipCode", 8),
        ("buyer/address1", 4),
        ("buyer/address2", 31),
        ("buyer/address3", 35),
        ("buyer/companyName", 35),
        ("buyer/departmentName", 35),
        ("buyer/billedAmount", 6),
        ("paymentType", 1),
        ("deliveryCustomer/fullName", 25),
        ("deliveryCustomer/fullKanaName", 35),
        ("deliveryCustomer/zipCode", 8),
        ("deliveryCustomer/address1", 4),
        ("deliveryCustomer/address2", 31),
        ("deliveryCustomer/address3", 35),
        ("deliveryCustomer/tel", 17),
        ("deliveryCustomer/email", 100),
        ("deliveryCustomer/companyName", 35),
        ("deliveryCustomer/departmentName", 35),
        ("detailName", 150),
        ("detailPrice", 6),
        ("detailQuantity", 4),
    ] {
        rules.push((name, order("R").set(name, long(max + 1)), TOO_LONG));
    }
    for (rule, document, number) in rules {
        refused(rule, &mut Desk::default(), "autotransaction", &document, &own(number));
    }
}

#[test]
fn every_problem_of_a_request_is_an_error_in_words() {
    let mut desk = Desk::default();
    let body = ask(&mut desk, "autotransaction", &order("SHOP-1").without("buyer/tel").set("buyer/address2", "津"));
    let error = |code: u16, message: &str| {
        element("error", element("errorCode", own(code)) + &element("errorMessage", message))
    };
    let errors = error(code::MISSING, "電話番号 : 必須項目です")
        + &error(code::TOO_SHORT, "市区町村 : 2文字以上で入力してください");
    let wanted = format!("<response><result>NG</result><errors>{errors}</errors></response>");
    assert!(body.ends_with(&wanted), "{body}");
    let about: Vec<&str> = desk.ledger.refusals.iter().map(|refusal| refusal.about.as_str()).collect();
    assert_eq!(about, ["SHOP-1", "SHOP-1"]);
}

#[test]
fn what_is_not_an_xml_post_is_refused() {
    document::assert_only_xml_posts::<Score>("/direct/autotransaction.do", &order("R"), 415);
    document::assert_only_documents::<Score>("/direct/autotransaction.do", &order("R"), own);
}

#[test]
fn a_message_stays_within_its_512_characters() {
    let mut desk = Desk::<Score>::default();
    let body = desk.send("/direct/autotransaction.do", format!("<request></{}>", "あ".repeat(1_000)));
    assert!(value(&body, "errorMessage").chars().count() <= 512, "{body}");
}

#[test]
fn the_verdict_follows_the_table() {
    let mut desk = Desk::default();
    for (digits, at_once, asked) in [
        ("1234", "OK", ["OK", "OK"]),
        ("9001", "NG", ["NG", "NG"]),
        ("9002", "HOLD", ["HOLD", "OK"]),
        ("9003", "HOLD", ["HOLD", "NG"]),
        ("9004", "HOLD", ["保留", "保留"]),
        ("9005", "HOLD", ["HOLD", "HOLD"]),
        ("9006", "条件付", ["条件付", "条件付"]),
    ] {
        let phone = format!("0900000{digits}");
        let body = ask(&mut desk, "autotransaction", &order(digits).set("buyer/tel", phone));
        assert_eq!(value(&body, "authorResult"), at_once, "{digits}");
        assert!(!body.contains("holdReason"), "reasons are only told when asked for: {body}");
        let id = value(&body, "nissenTransactionId").to_owned();
        for word in asked {
            let body = ask(&mut desk, "autogetauthor", &named(&id, digits));
            assert_eq!(value(&body, "authorResult"), word, "{digits}");
            assert_eq!(value(&body, "authoriDate").is_empty(), word == "HOLD", "{digits}");
            assert_eq!(body.contains("holdReason"), word == "保留", "{digits}");
        }
        assert_eq!(desk.ledger.find(&id).unwrap().asks, 2);
    }
}

#[test]
fn a_mobile_number_decides_where_there_is_no_other() {
    let mut desk = Desk::default();
    let mobile = order("R").set("buyer/tel", "").set("mobile", "09000009001");
    assert_eq!(value(&ask(&mut desk, "autotransaction", &mobile), "authorResult"), "NG");
    let both = mobile.set("buyer/tel", "0300001234");
    assert_eq!(value(&ask(&mut desk, "autotransaction", &both), "authorResult"), "OK");
}

#[test]
fn what_is_on_hold_comes_with_reasons() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "9004");
    let body = ask(&mut desk, "autogetauthor", &named(&id, "R"));
    assert!(
        body.ends_with(&format!(
            "<response><result>OK</result><transactionResult><nissenTransactionId>{id}</nissenTransactionId>\
             <authoriDate>2026-04-01 12:00:00</authoriDate><authorResult>保留</authorResult>\
             <holdReason><reasonCode>H001</reasonCode><reason>住所に番地がありません</reason></holdReason>\
             <holdReason><reasonCode>H002</reasonCode><reason>電話番号をご確認ください</reason></holdReason>\
             </transactionResult></response>"
        )),
        "{body}"
    );
}

#[test]
fn two_registrations_are_two_claims() {
    let mut desk = Desk::default();
    let ids = [register(&mut desk, "SHOP-1", "1234"), register(&mut desk, "SHOP-1", "1234")];
    assert_eq!(ids, ["N0000000001", "N0000000002"]);
    assert_eq!(desk.ledger.doubled(), [("SHOP-1", 2)].into());
}

/// Makes a request about the registration with this id and reference.
type Make = fn(&str, &str) -> Document;

/// What every call refuses that names a transaction.
fn misnamed(document: Make) -> Vec<(&'static str, Document, u16)> {
    use code::*;
    let good = || document(FIRST, "R");
    vec![
        ("no id", good().set("nissenTransactionId", ""), MISSING),
        ("no reference", good().without("shopTransactionId"), MISSING),
        ("no amount", good().without("billedAmount"), MISSING),
        ("id of 12", good().set("nissenTransactionId", FIRST.to_owned() + "0"), TOO_LONG),
        ("reference of 41", good().set("shopTransactionId", "R".repeat(41)), TOO_LONG),
        ("two ids", good().twice("nissenTransactionId"), REPEATED_ELEMENT),
        ("reference first", good().swapped("nissenTransactionId", "shopTransactionId"), OUT_OF_ORDER),
        ("another password", good().set("shopPassword", "shop-pass-02"), MERCHANT_REFUSED),
        ("no such transaction", document(NONE, "R"), NO_SUCH_TRANSACTION),
        ("another reference", document(FIRST, "S"), ANOTHER_REFERENCE),
    ]
}

#[test]
fn the_other_calls_refuse_what_they_do_not_take() {
    use code::*;
    let ship = || shipment(FIRST, "R");
    let mut rules: Vec<(&str, &str, Document, u16)> = vec![
        ("autogetauthor", "another amount", named(FIRST, "R").set("billedAmount", "1233"), ANOTHER_AMOUNT),
        ("autocancel", "another amount", named(FIRST, "R").set("billedAmount", "1233"), ANOTHER_AMOUNT),
        ("autocancel", "a shipment", ship(), UNKNOWN_ELEMENT),
        ("autopdrequest", "another amount", ship().set("billedAmount", "1233"), ANOTHER_AMOUNT),
        ("autopdrequest", "no shipment", named(FIRST, "R"), MISSING),
        ("autopdrequest", "other case", ship().after("PdRequest", "<pdRequest></pdRequest>"), UNKNOWN_ELEMENT),
        ("autopdrequest", "no carrier", ship().without("pdcompanycode"), MISSING),
        ("autopdrequest", "carrier of one digit", ship().set("pdcompanycode", "1"), MALFORMED),
        ("autopdrequest", "unknown carrier", ship().set("pdcompanycode", "30"), UNKNOWN_CARRIER),
        ("autopdrequest", "no slip", ship().set("slipno", ""), MISSING),
        ("autopdrequest", "slip of 21", ship().set("slipno", "1".repeat(21)), TOO_LONG),
        ("autopdrequest", "slip of letters", ship().set("slipno", "AB123"), MALFORMED),
        ("autopdrequest", "no address", ship().without("address1"), MISSING),
        ("autopdrequest", "no prefecture", ship().set("address1", "渋谷区"), MALFORMED),
        ("autopdrequest", "town of one", ship().set("address2", "津"), TOO_SHORT),
        ("autopdrequest", "town of 32", ship().set("address2", "あ".repeat(32)), TOO_LONG),
        ("autopdrequest", "rest of one", ship().set("address3", "九"), TOO_SHORT),
        ("autopdrequest", "rest of 36", ship().set("address3", "あ".repeat(36)), TOO_LONG),
        ("autopdrequest", "slip before carrier", ship().swapped("pdcompanycode", "slipno"), OUT_OF_ORDER),
        ("automodifytransaction", "no id", order("R"), MISSING),
        ("automodifytransaction", "another sum", change(FIRST, "R").set("billedAmount", "1"), AMOUNT_WRONG),
        (
            "automodifytransaction",
            "enclosed elsewhere",
            enclosed(change(FIRST, "R").set("deliveryCustomer/address2", "港区")),
            ENCLOSED_ELSEWHERE,
        ),
    ];
    let calls: [(&str, Make); 4] = [
        ("autogetauthor", named),
        ("autocancel", named),
        ("autopdrequest", shipment),
        ("automodifytransaction", change),
    ];
    for (operation, document) in calls {
        rules
            .extend(misnamed(document).into_iter().map(|(rule, document, number)| (operation, rule, document, number)));
    }
    for (operation, rule, document, number) in rules {
        let mut desk = Desk::default();
        register(&mut desk, "R", "1234");
        refused(&format!("{operation}: {rule}"), &mut desk, operation, &document, &own(number));
    }
}

#[test]
fn tracking_is_registered_after_an_approval_and_once() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "1234");
    assert_noted(&ask(&mut desk, "autopdrequest", &shipment(&id, "R")), &id, "R");
    let recorded = Some(Shipment { carrier: "11".to_owned(), slip: "1234-5678".to_owned() });
    assert_eq!(desk.ledger.find(&id).unwrap().shipment, recorded);
    let again = shipment(&id, "R").set("slipno", "1");
    refused("again", &mut desk, "autopdrequest", &again, &own(code::TRACKING_EXISTS));
    let changed = change(&id, "R");
    refused("change", &mut desk, "automodifytransaction", &changed, &own(code::TRACKING_EXISTS));

    for (digits, number) in [
        ("9001", code::NOT_APPROVED),
        ("9002", code::NOT_APPROVED),
        ("9004", code::NOT_APPROVED),
        ("9006", code::NOT_APPROVED),
        ("9008", code::STATE_REFUSES),
    ] {
        let id = register(&mut desk, digits, digits);
        refused(digits, &mut desk, "autopdrequest", &shipment(&id, digits), &own(number));
    }
}

#[test]
fn every_carrier_and_the_address_of_the_parcel_are_taken() {
    let mut desk = Desk::default();
    for (carrier, name) in CARRIERS {
        let id = register(&mut desk, name, "1234");
        let document = shipment(&id, name)
            .set("pdcompanycode", carrier)
            .set("slipno", "1".repeat(20))
            .set("address1", "東京都")
            .set("address2", "渋谷区")
            .set("address3", "神宮前9-99-99");
        assert_noted(&ask(&mut desk, "autopdrequest", &document), &id, name);
        assert_eq!(desk.ledger.find(&id).unwrap().shipment.as_ref().unwrap().carrier, carrier);
    }
}

#[test]
fn a_cancel_is_possible_until_the_buyer_has_paid() {
    let mut desk = Desk::default();
    for digits in ["1234", "9004", "9005", "9006"] {
        let id = register(&mut desk, digits, digits);
        assert_noted(&ask(&mut desk, "autocancel", &named(&id, digits)), &id, digits);
        assert!(desk.ledger.find(&id).unwrap().cancelled, "{digits}");
    }
    let shipped = register(&mut desk, "R", "1234");
    ask(&mut desk, "autopdrequest", &shipment(&shipped, "R"));
    ask(&mut desk, "autocancel", &named(&shipped, "R"));
    assert!(desk.ledger.find(&shipped).unwrap().cancelled, "shipped, but not paid");
    assert_eq!(desk.ledger.live().count(), 0);

    let paid = register(&mut desk, "P", "9007");
    refused("paid", &mut desk, "autocancel", &named(&paid, "P"), "MULT0015");
    let paid = register(&mut desk, "Q", "1234");
    desk.ledger.registrations.get_mut(&paid).unwrap().paid = Some("2026-04-10".to_owned());
    refused("paid on record", &mut desk, "autocancel", &named(&paid, "Q"), "MULT0015");
    let rejected = register(&mut desk, "N", "9001");
    refused("rejected", &mut desk, "autocancel", &named(&rejected, "N"), &own(code::REJECTED));
    refused("rejected", &mut desk, "automodifytransaction", &change(&rejected, "N"), &own(code::REJECTED));
}

#[test]
fn what_is_cancelled_says_so_to_every_call() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "1234");
    ask(&mut desk, "autocancel", &named(&id, "R"));
    for (operation, document) in [
        ("autocancel", named(&id, "R")),
        ("autogetauthor", named(&id, "R")),
        ("autopdrequest", shipment(&id, "R")),
        ("automodifytransaction", change(&id, "R")),
    ] {
        refused(operation, &mut desk, operation, &document, &own(code::CANCELLED));
    }
}

#[test]
fn a_change_is_judged_again() {
    let mut desk = Desk::default();
    let id = register(&mut desk, "R", "9004");
    ask(&mut desk, "autogetauthor", &named(&id, "R"));
    let document = enclosed(change(&id, "R"))
        .set("buyer/fullName", "山田 太郎")
        .set("detailPrice", "400")
        .set("buyer/billedAmount", "1432");
    let body = ask(&mut desk, "automodifytransaction", &document);
    assert!(
        body.ends_with(&format!(
            "<response><result>OK</result><transactionResult><shopTransactionId>R</shopTransactionId>\
             <nissenTransactionId>{id}</nissenTransactionId><billedAmount>1432</billedAmount>\
             <authorResult>OK</authorResult></transactionResult></response>"
        )),
        "{body}"
    );
    let registration = desk.ledger.find(&id).unwrap();
    assert_eq!((registration.billed_amount, registration.buyer.as_str()), (1_432, "山田 太郎"));
    assert_eq!((registration.ordered.as_str(), registration.enclosed), ("2026/04/01", true));
    assert_eq!((registration.verdict, registration.asks), (Verdict::Approved, 0));
    assert_eq!(desk.ledger.registrations.len(), 1);
    refused("the old amount", &mut desk, "autocancel", &named(&id, "R"), &own(code::ANOTHER_AMOUNT));
}

#[test]
fn trouble_is_told_as_an_error() {
    document::assert_trouble::<Score>(own);
}

#[test]
fn it_says_who_it_is_and_whom_it_knows() {
    let provider = Score::default();
    assert_eq!((provider.name(), provider.base()), ("スコア@払い", ""));
    let merchant = provider.merchant();
    assert_eq!(merchant[0], ("加盟店コード", "S12345678".to_owned()));
    assert_eq!(
        merchant.iter().map(|(label, _)| *label).collect::<Vec<_>>(),
        ["加盟店コード", "加盟店パスワード", "端末ID"]
    );
}

#[tokio::test]
async fn every_fault_strikes() {
    let document = order("R").set("buyer/tel", "09000009006");
    document::assert_faults::<Score>("/direct/autotransaction.do", "autotransaction", &document, &[]).await;
}

#[tokio::test]
async fn every_twist_shows() {
    document::assert_twists::<Score>(FOLDER, |operation| match operation {
        "autotransaction" => order("R"),
        "automodifytransaction" => change(FIRST, "R"),
        "autopdrequest" => shipment(FIRST, "R"),
        _ => named(FIRST, "R"),
    })
    .await;
}
