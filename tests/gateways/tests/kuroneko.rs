//! Every rule of クロネコ代金後払い's wire, without a socket: what is right passes, each violation is
//! refused with its own code and leaves nothing behind.

mod common;

use common::kuroneko::{common, gift, order, received};
use common::{Form, request};
use gateways::kuroneko::Kuroneko;
use gateways::ledger::Shipment;
use gateways::verdicts::Verdict;
use gateways::wire::{Trouble, Wire};
use gateways::{Gateway, Ledger, Options, Received};

/// Of these eleven digits and 4: 10,000,000,000 is 7 × 1,428,571,428 and 4.
const SLIP: &str = "100000000004";

/// Seven more, so the same rest.
const NEXT_SLIP: &str = "100000000074";

/// A gateway without a socket.
#[derive(Default)]
struct Desk {
    provider: Kuroneko,
    ledger: Ledger,
}

impl Desk {
    fn ask(&mut self, call: &str, form: &Form) -> String {
        let answer = self.provider.answer(&mut self.ledger, &received(call, form));
        assert_eq!((answer.status, answer.content_type), (200, "text/xml; charset=utf-8"), "{}", answer.body);
        answer.body
    }

    /// Registers a buyer with a phone number that ends in these digits.
    fn register(&mut self, number: &str, digits: &str) {
        let body = self.ask("KAARA", &order(number).set("telNum", format!("0900000{digits}")));
        assert_accepted(number, &body);
    }

    fn result(&mut self, call: &str, number: &str) -> String {
        value(&self.ask(call, &common(number)), "result").to_owned()
    }

    fn slip(&self, number: &str) -> Option<&str> {
        self.ledger.find(number).unwrap().shipment.as_ref().map(|shipment| shipment.slip.as_str())
    }
}

fn value<'a>(body: &'a str, name: &str) -> &'a str {
    let rest = body.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {body}")).1;
    rest.split_once('<').unwrap().0
}

fn assert_accepted(what: &str, body: &str) {
    assert!(body.contains("<returnCode>0</returnCode>") && !body.contains("errorCode"), "{what}: {body}");
}

/// A slip of Yamato's own for an order.
fn ship(number: &str) -> Form {
    common(number).add("processDiv", "0").add("paymentNo", SLIP)
}

/// Refused with this code, on record, and nothing registered or changed.
fn assert_refused(rule: &str, desk: &mut Desk, call: &str, form: &Form, number: u16) {
    let before = desk.ledger.clone();
    let body = desk.ask(call, form);
    let operation = call.to_lowercase();
    let code = format!("{operation}{number:03}E");
    assert_eq!((value(&body, "returnCode"), value(&body, "errorCode")), ("1", code.as_str()), "{rule}: {body}");
    assert_eq!(desk.ledger.registrations, before.registrations, "{rule}");
    let refusal = desk.ledger.refusals.back().unwrap();
    assert_eq!((&refusal.operation, &refusal.code), (&operation, &code), "{rule}");
    assert_eq!(desk.ledger.refusals.len(), before.refusals.len() + 1, "{rule}");
}

#[test]
fn a_valid_registration_is_recorded_as_it_was_sent() {
    let mut desk = Desk::default();
    assert_eq!(
        desk.ask("KAARA", &order("SHOP-1")),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<return><ycfStrCode>99000000001</ycfStrCode>\
         <orderNo>SHOP-1</orderNo><returnCode>0</returnCode><result>0</result>\
         <requestDate>20260401123000</requestDate><returnDate>20260401123000</returnDate></return>"
    );
    let registration = desk.ledger.find("SHOP-1").unwrap();
    assert_eq!((registration.reference.as_str(), registration.billed_amount), ("SHOP-1", 1_232));
    assert_eq!((registration.buyer.as_str(), registration.ordered.as_str()), ("山田　花子", "20260401"));
    assert!(registration.is_live() && !registration.enclosed);
    assert!(desk.ledger.refusals.is_empty());
}

#[test]
fn a_refusal_names_the_order() {
    let body = Desk::default().ask("KAARA", &order("SHOP-1").set("totalAmount", "1"));
    assert!(body.ends_with(
        "<return><ycfStrCode>99000000001</ycfStrCode><orderNo>SHOP-1</orderNo><returnCode>1</returnCode>\
         <errorCode>kaara101E</errorCode><returnDate>20260401123000</returnDate></return>"
    ));
}

#[test]
fn what_may_be_left_out_or_varied_passes() {
    let long = |count: usize| "あ".repeat(count);
    let mut forms = vec![
        ("longest number", order("Shop_1-8901234567890")),
        ("enclosed invoice", order("R").set("sendDiv", "2")),
        ("gift", gift("R")),
        ("gift with one line of address and no phone", gift("R").without("sendAddress2").without("sendTelNum")),
        ("recipient that does not apply", gift("R").set("sendDiv", "0")),
        ("SMS", order("R").set("sendDiv", "3")),
        ("two destinations", second(gift("R"))),
        ("shipped on the day", order("R").set("shipYmd", "20260401")),
        ("shipped after 90 days", order("R").set("shipYmd", "20260630")),
        ("sent 90 days later", order("R").set("requestDate", "20260702235959")),
        ("longest name", order("R").set("name", long(30))),
        ("longest kana", order("R").set("nameKana", "ｱ".repeat(80))),
        ("longest address", order("R").set("address1", format!("北海道{}", long(22))).set("address2", long(24) + "１")),
        ("番地 in the first half", order("R").set("address1", "東京都渋谷区神宮前九番地").without("address2")),
        ("postal code without hyphen", order("R").set("postCode", "1500001")),
        ("longest mail", order("R").set("email", "a".repeat(55) + "@a.co.jp")),
        ("largest amount", order("R").set("totalAmount", "999999").set("subTotal3", "999499")),
        ("longest item", order("R").set("itemName1", long(30)).set("itemCount1", "9999").set("unitPrice1", "-999999")),
    ];
    for name in ["nameKana", "email", "cartCode", "itemCount1", "unitPrice1"] {
        forms.push((name, order("R").without(name)));
    }
    for tel in
        ["0312345678", "03-1234-5678", "02012345678", "05012345678", "06012345678", "070-1234-5678", "08012345678"]
    {
        forms.push((tel, order("R").set("telNum", tel)));
    }
    let mut ten = order("R").set("totalAmount", "1239");
    for number in 4..=10 {
        ten = ten.add(&format!("itemName{number}"), "茶").add(&format!("subTotal{number}"), "1");
    }
    forms.push(("ten items", ten));
    for (what, form) in forms {
        let mut desk = Desk::default();
        assert_accepted(what, &desk.ask("KAARA", &form));
        assert_eq!(desk.ledger.live().count(), 1, "{what}");
    }
    let mut desk = Desk::default();
    desk.ask("KAARA", &order("R").set("sendDiv", "2"));
    assert!(desk.ledger.find("R").unwrap().enclosed);
}

/// With a second destination.
fn second(form: Form) -> Form {
    form.add("sendName2", "佐藤　次郎")
        .add("sendPostCode2", "530-0001")
        .add("sendAddress12", "大阪府大阪市北区９９番地")
        .add("sendAddress22", "見本ビル")
        .add("sendTelNum2", "06-6000-0000")
}

/// Each rule of a registration: the parameter, a value that breaks it, and the code. An empty value
/// stands for none.
fn value_rules() -> Vec<(&'static str, String, u16)> {
    let long = |count: usize| "あ".repeat(count);
    let rules = [
        ("ycfStrCode", "", 4),
        ("ycfStrCode", "9900000000", 2),
        ("ycfStrCode", "9900000000A", 3),
        ("ycfStrCode", "99000000002", 92),
        ("orderNo", "", 6),
        ("orderNo", "SHOP 1", 7),
        ("orderNo", "注文1", 7),
        ("orderNo", "123456789012345678901", 8),
        ("orderYmd", "", 10),
        ("orderYmd", "2026-04-01", 11),
        ("orderYmd", "202641", 12),
        ("orderYmd", "20260431", 13),
        ("shipYmd", "", 14),
        ("shipYmd", "2026/04/03", 15),
        ("shipYmd", "202604030", 16),
        ("shipYmd", "20260229", 17),
        ("shipYmd", "20260701", 18),
        ("name", "", 19),
        ("name", "山田 花子", 20),
        ("name", "ﾔﾏﾀﾞ", 20),
        ("name", "山田\n花子", 20),
        ("name", "山田😀", 22),
        ("nameKana", "ヤマダ", 23),
        ("nameKana", "YAMADA", 23),
        ("postCode", "", 25),
        ("postCode", "１５０－０００１", 26),
        ("postCode", "150 0001", 26),
        ("postCode", "150001", 28),
        ("postCode", "1-50-0001", 27),
        ("postCode", "1500-001", 105),
        ("postCode", "0000000", 29),
        ("address1", "", 30),
        ("address1", "東京都渋谷区神宮前9", 31),
        ("address1", "東京都髙﨑😀", 33),
        ("address1", "渋谷区神宮前９", 34),
        ("address2", "9-99", 35),
        ("address2", "９𠮷", 37),
        ("telNum", "", 38),
        ("telNum", "０９０", 39),
        ("telNum", "9000001234", 93),
        ("telNum", "0900000123", 40),
        ("telNum", "03-1234-56789", 40),
        ("email", "花子@example.jp", 43),
        ("email", "hanako", 45),
        ("totalAmount", "", 46),
        ("totalAmount", "1,232", 47),
        ("totalAmount", "-1232", 47),
        ("totalAmount", "1000000", 48),
        ("totalAmount", "0", 49),
        ("sendDiv", "", 50),
        ("sendDiv", "x", 51),
        ("sendDiv", "00", 53),
        ("sendDiv", "4", 53),
        ("itemName1", "", 57),
        ("itemName2", "", 57),
        ("itemName1", "Tea", 54),
        ("itemName1", "茶😀", 56),
        ("itemName1", "茶〜", 56),
        ("name", "山田−花子", 22),
        ("itemCount1", "2個", 58),
        ("itemCount1", "-1", 58),
        ("itemCount1", "10000", 59),
        ("unitPrice1", "3.5", 60),
        ("unitPrice1", "3-5", 60),
        ("unitPrice1", "-", 60),
        ("unitPrice1", "1000000", 61),
        ("unitPrice1", "-1000000", 62),
        ("subTotal1", "", 63),
        ("subTotal1", "6.0", 63),
        ("subTotal1", "1000000", 64),
        ("subTotal1", "-1000000", 65),
        ("requestDate", "", 86),
        ("requestDate", "2026-04-01 12:30", 87),
        ("requestDate", "20260401", 88),
        ("requestDate", "20260431123000", 89),
        ("requestDate", "20260401243000", 89),
        ("requestDate", "20260401126000", 89),
        ("requestDate", "20260401123060", 89),
        ("password", "", 90),
        ("password", "mihon1234", 91),
        ("password", "mihon-12", 91),
        ("password", "mihon124", 92),
        ("shipYmd", "20260331", 100),
        ("totalAmount", "1233", 101),
        ("subTotal1", "601", 101),
        ("requestDate", "20260703000000", 18),
        ("address2", "見本ビル", 103),
    ];
    let mut rules: Vec<(&str, String, u16)> =
        rules.into_iter().map(|(name, value, code)| (name, value.to_owned(), code)).collect();
    rules.extend([
        ("name", long(31), 21),
        ("nameKana", "ｱ".repeat(81), 24),
        ("address1", format!("東京都{}", long(23)), 32),
        ("address2", long(25) + "１", 36),
        ("email", "a".repeat(57) + "@a.co.jp", 44),
        ("itemName1", long(31), 55),
    ]);
    rules
}

#[test]
fn each_violation_of_a_registration_is_refused() {
    for (name, value, code) in value_rules() {
        let rule = format!("{name} {value}");
        assert_refused(&rule, &mut Desk::default(), "KAARA", &order("R").set(name, &value), code);
        if value.is_empty() {
            assert_refused(&rule, &mut Desk::default(), "KAARA", &order("R").without(name), code);
        }
    }
    let gifts = [
        ("sendName", "", 102),
        ("sendName", "鈴木 一郎", 66),
        ("sendName", "鈴木😀", 68),
        ("sendPostCode", "", 102),
        ("sendPostCode", "６００", 70),
        ("sendPostCode", "〒600", 70),
        ("sendPostCode", "600 0001", 70),
        ("sendPostCode", "6-00-0001", 71),
        ("sendPostCode", "600001", 72),
        ("sendPostCode", "6000-001", 106),
        ("sendPostCode", "000-0000", 73),
        ("sendAddress1", "", 102),
        ("sendAddress1", "京都府9", 75),
        ("sendAddress1", "京都府😀", 77),
        ("sendAddress1", "京都市下京区９", 78),
        ("sendAddress2", "Bldg", 79),
        ("sendAddress2", "ビル😀", 81),
        ("sendTelNum", "０７５", 82),
        ("sendTelNum", "07-50-00-0000", 83),
        ("sendTelNum", "750000000", 94),
        ("sendTelNum", "07500000000", 84),
        ("sendAddress1", "京都府京都市下京区", 104),
    ];
    let long = |count: usize| "あ".repeat(count);
    let lengths = [
        ("sendName", long(31), 67),
        ("sendAddress1", format!("京都府{}", long(23)), 76),
        ("sendAddress2", long(26), 80),
    ];
    let gifts = gifts.map(|(name, value, code)| (name, value.to_owned(), code)).into_iter().chain(lengths);
    for (name, value, code) in gifts {
        assert_refused(name, &mut Desk::default(), "KAARA", &gift("R").set(name, &value), code);
        if !["", "京都府京都市下京区"].contains(&value.as_str()) {
            let checked = gift("R").set("sendDiv", "0").set(name, &value);
            assert_refused("also where it does not apply", &mut Desk::default(), "KAARA", &checked, code);
        }
    }
    let forms = [
        ("gift for nobody", order("R").set("sendDiv", "1"), 102),
        ("no items", order("R").without("itemName1").without("subTotal1"), 57),
        ("a gap in the items", order("R").add("itemName5", "茶").add("subTotal5", "0"), 57),
        ("an eleventh item", order("R").add("itemName11", "茶"), 991),
        ("item 01", order("R").add("itemName01", "茶"), 991),
        ("item 0", order("R").add("itemName0", "茶"), 991),
        ("item without number", order("R").add("itemName", "茶"), 991),
        ("an unknown parameter", order("R").add("fax", "03"), 991),
        ("another call's parameter", order("R").add("paymentNo", SLIP), 991),
        ("a second order", order("R").add("orderNo", "S"), 994),
        ("a name twice", order("R").add("itemName1", "茶"), 994),
    ];
    for (rule, form, code) in forms {
        assert_refused(rule, &mut Desk::default(), "KAARA", &form, code);
    }
}

#[test]
fn what_is_not_a_utf_8_form_post_is_refused() {
    let mut desk = Desk::default();
    let valid = received("KAARA", &order("R"));
    let mut status = |request: Received| desk.provider.answer(&mut desk.ledger, &request).status;
    let typed = |content_type: &str| Received {
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        ..valid.clone()
    };
    let to = |method: &str, path: &str| Received { method: method.to_owned(), path: path.to_owned(), ..valid.clone() };
    assert_eq!(status(to("GET", &valid.path)), 405);
    assert_eq!(status(to("POST", "/KAARA0010APIAction_execute.action")), 404);
    assert_eq!(status(to("POST", &format!("{}?x=1", valid.path))), 404);
    assert_eq!(status(to("POST", "/kuroneko-atobarai-api/KAAKK0010APIAction_execute.action")), 404);
    assert_eq!(status(typed("application/json; charset=UTF-8")), 415);
    assert_eq!(status(typed("application/x-www-form-urlencoded; charset=Shift_JIS")), 415);
    assert_eq!(status(Received { headers: Vec::new(), ..valid.clone() }), 415);
    assert_eq!(desk.ledger, Ledger::default());

    let shift_jis = order("R").without("cartCode").body() + "&cartCode=%83%84%83%7D";
    let answer = desk.provider.answer(&mut desk.ledger, &Received { body: shift_jis.into(), ..valid });
    assert!(answer.body.contains("<errorCode>kaara990E</errorCode>"), "{}", answer.body);
    assert_eq!(desk.ledger.live().count(), 0);
}

#[test]
fn the_verdict_follows_the_table() {
    for (digits, at_once, results, states) in [
        ("1234", "0", ["0", "0"], ["1", "1"]),
        ("9001", "1", ["1", "1"], ["32", "32"]),
        ("9002", "3", ["3", "0"], ["30", "1"]),
        ("9003", "3", ["3", "1"], ["30", "32"]),
        ("9004", "3", ["3", "3"], ["30", "30"]),
        ("9005", "3", ["3", "3"], ["30", "30"]),
        ("9006", "7", ["7", "7"], ["99", "99"]),
    ] {
        for (call, codes) in [("KAARS", results), ("KAAST", states)] {
            let mut desk = Desk::default();
            let body = desk.ask("KAARA", &order("R").set("telNum", format!("0900000{digits}")));
            assert_eq!(value(&body, "result"), at_once, "{digits}");
            let asked = [desk.result(call, "R"), desk.result(call, "R")];
            assert_eq!(asked, codes, "{call} {digits}");
        }
    }
}

#[test]
fn what_the_company_says_of_its_own_can_be_any() {
    let provider =
        Kuroneko { rejected: "2".to_owned(), shipped: "11".to_owned(), warning: "4".to_owned(), ..Kuroneko::default() };
    let mut desk = Desk { provider, ..Desk::default() };
    desk.register("A", "9001");
    desk.register("B", "1234");
    assert_accepted("slip", &desk.ask("KAASL", &ship("B")));
    let body = desk.ask("KAAST", &common("B"));
    assert_eq!((desk.result("KAARS", "A").as_str(), value(&body, "result"), value(&body, "warning")), ("2", "11", "4"));
}

#[test]
fn an_order_number_is_used_once_for_ever() {
    let mut desk = Desk::default();
    for digits in ["1234", "9001", "9005"] {
        desk.register(digits, digits);
        assert_refused("repeat", &mut desk, "KAARA", &order(digits), 9);
    }
    assert_accepted("cancel", &desk.ask("KAACL", &common("1234")));
    assert_refused("after a cancel", &mut desk, "KAARA", &order("1234"), 9);
    assert_eq!((desk.ledger.registrations.len(), desk.ledger.repeated().len()), (3, 0));
    assert_refused("a wrong total first", &mut desk, "KAARA", &order("Z").set("totalAmount", "1"), 101);
    assert_accepted("the same number, corrected", &desk.ask("KAARA", &order("Z")));
}

#[test]
fn a_lost_order_can_be_asked_for() {
    let mut desk = Desk::default();
    for call in ["KAARS", "KAAST", "KAACL"] {
        assert_refused("unknown", &mut desk, call, &common("R"), 8);
    }
    assert_refused("unknown", &mut desk, "KAASL", &ship("R"), 8);
    desk.register("R", "1234");
    assert_eq!((desk.result("KAARS", "R"), desk.result("KAAST", "R")), ("0".to_owned(), "1".to_owned()));
    desk.ask("KAACL", &common("R"));
    assert_refused("cancelled", &mut desk, "KAARS", &common("R"), 8);
    assert_eq!(desk.result("KAAST", "R"), "2");
}

#[test]
fn the_state_of_an_order_is_told() {
    let mut desk = Desk::default();
    ["A", "B", "C", "D"].iter().for_each(|number| desk.register(number, "1234"));
    desk.register("E", "9005");
    desk.ask("KAASL", &ship("B"));
    desk.ledger.registrations.get_mut("C").unwrap().paid = Some("2026-05-01".to_owned());
    desk.ask("KAACL", &common("D"));
    desk.ask("KAACL", &common("E"));
    assert_eq!(["A", "B", "C", "D", "E"].map(|number| desk.result("KAAST", number)), ["1", "3", "12", "2", "31"]);
    let body = desk.ask("KAAST", &common("A"));
    assert!(body.contains("<returnCode>0</returnCode><result>1</result><warning>0</warning>"), "{body}");
}

#[test]
fn asking_counts_and_decides_through_either_call() {
    let mut desk = Desk::default();
    desk.register("R", "9002");
    desk.result("KAARS", "R");
    assert_eq!(desk.ledger.find("R").unwrap().verdict, Verdict::UnderReview);
    desk.result("KAAST", "R");
    let registration = desk.ledger.find("R").unwrap();
    assert_eq!((registration.asks, registration.verdict), (2, Verdict::Approved));
}

#[test]
fn what_every_call_carries_is_checked_in_its_own_codes() {
    let rules = [
        ("ycfStrCode", "", [4; 4]),
        ("ycfStrCode", "990000000AB", [3; 4]),
        ("ycfStrCode", "9900000000", [2; 4]),
        ("ycfStrCode", "99000000002", [12, 12, 41, 13]),
        ("orderNo", "", [7; 4]),
        ("orderNo", "SHOP 1", [14, 14, 38, 16]),
        ("orderNo", "123456789012345678901", [5; 4]),
        ("requestDate", "", [11, 11, 35, 12]),
        ("requestDate", "now", [10, 10, 34, 11]),
        ("requestDate", "20260401", [9, 9, 33, 10]),
        ("requestDate", "20260431123000", [9, 9, 33, 10]),
        ("password", "", [13, 13, 37, 14]),
        ("password", "mihon1234", [12, 12, 36, 13]),
        ("password", "mihon124", [12, 12, 36, 13]),
    ];
    for (at, call) in ["KAARS", "KAAST", "KAASL", "KAACL"].into_iter().enumerate() {
        let mut desk = Desk::default();
        desk.register("R", "1234");
        let valid = || if call == "KAASL" { ship("R") } else { common("R") };
        for (name, value, codes) in rules {
            assert_refused(name, &mut desk, call, &valid().set(name, value), codes[at]);
        }
        assert_refused("unknown parameter", &mut desk, call, &valid().add("cartCode", "x"), 991);
        assert_refused("repeated parameter", &mut desk, call, &valid().add("orderNo", "R"), 994);
        let kana = received(call, &valid().add("cartCode", ""));
        let body = String::from_utf8(kana.body.to_vec()).unwrap() + "%83%84";
        let answer = desk.provider.answer(&mut desk.ledger, &Received { body: body.into(), ..kana });
        assert!(answer.body.contains("990E</errorCode>"), "{}", answer.body);
    }
}

#[test]
fn each_violation_of_a_slip_is_refused() {
    let shipped = |div: &str| common("S").add("processDiv", div).add("beforePaymentNo", SLIP);
    let moved = |day: &str| shipped("1").add("paymentNo", NEXT_SLIP).add("shipYmd", day);
    let rules = [
        ("no div", ship("R").without("processDiv"), 19),
        ("div in letters", ship("R").set("processDiv", "x"), 19),
        ("div 00", ship("R").set("processDiv", "00"), 19),
        ("div 3", ship("R").set("processDiv", "3"), 19),
        ("no slip", ship("R").without("paymentNo"), 11),
        ("no slip of another carrier", ship("R").set("processDiv", "2").set("paymentNo", ""), 11),
        ("slip with hyphens", ship("R").set("paymentNo", "1000-0000-04"), 12),
        ("slip with a blank", ship("R").set("processDiv", "2").set("paymentNo", "12 34"), 12),
        ("slip in full width", ship("R").set("processDiv", "2").set("paymentNo", "１２３４"), 12),
        ("slip of 13", ship("R").set("processDiv", "2").set("paymentNo", "1234567890123"), 10),
        ("slip of 11", ship("R").set("paymentNo", "10000000000"), 14),
        ("slip before with a blank", ship("S").add("beforePaymentNo", "1 2"), 44),
        ("slip with its withdrawal", shipped("9").add("paymentNo", SLIP), 13),
        ("check digit", ship("R").set("paymentNo", "100000000005"), 14),
        ("a digit of the number", ship("R").set("paymentNo", "100000000014"), 14),
        ("nobody's slip", ship("R").set("paymentNo", "000000000000"), 15),
        ("another carrier's again", ship("S").set("processDiv", "2").set("paymentNo", "12345"), 20),
        ("another one before", shipped("0").set("beforePaymentNo", NEXT_SLIP).add("paymentNo", NEXT_SLIP), 22),
        ("one before where there is none", ship("R").add("beforePaymentNo", SLIP), 22),
        ("a new date for none", moved("20260403").set("orderNo", "R"), 22),
        ("a new date without the one before", moved("20260403").without("beforePaymentNo"), 22),
        ("withdrawal of none", common("R").add("processDiv", "9"), 22),
        ("withdrawal of another", shipped("9").set("beforePaymentNo", NEXT_SLIP), 22),
        ("no new date", moved("").without("shipYmd"), 23),
        ("date with slashes", moved("2026/04/03"), 23),
        ("date too short", moved("2026403"), 23),
        ("a day that is not", moved("20260431"), 23),
        ("a date that is not changed", ship("R").add("shipYmd", "20260403"), 31),
        ("before the order", moved("20260331"), 27),
        ("after 91 days", moved("20260701"), 42),
    ];
    for (rule, form, code) in rules {
        let mut desk = Desk::default();
        desk.register("R", "1234");
        desk.register("S", "1234");
        assert_accepted("slip", &desk.ask("KAASL", &ship("S")));
        assert_refused(rule, &mut desk, "KAASL", &form, code);
    }
}

#[test]
fn a_slip_is_registered_changed_and_withdrawn() {
    let mut desk = Desk::default();
    desk.register("R", "1234");
    assert_eq!(
        desk.ask("KAASL", &ship("R")).lines().nth(1).unwrap(),
        "<return><ycfStrCode>99000000001</ycfStrCode><orderNo>R</orderNo><returnCode>0</returnCode>\
         <returnDate>20260401123000</returnDate></return>"
    );
    let shipment = |carrier: &str, slip: &str| Some(Shipment { carrier: carrier.to_owned(), slip: slip.to_owned() });
    assert_eq!(desk.ledger.find("R").unwrap().shipment, shipment("0", SLIP));
    let change = |div: &str, from: &str, to: &str| {
        common("R").add("processDiv", div).add("beforePaymentNo", from).add("paymentNo", to)
    };
    assert_accepted("changed", &desk.ask("KAASL", &change("0", SLIP, NEXT_SLIP)));
    assert_eq!(desk.slip("R"), Some(NEXT_SLIP));
    assert_accepted("moved", &desk.ask("KAASL", &change("1", NEXT_SLIP, SLIP).add("shipYmd", "20260630")));
    assert_eq!(desk.ledger.find("R").unwrap().shipment, shipment("0", SLIP));
    assert_accepted("another carrier", &desk.ask("KAASL", &change("2", SLIP, "Ab-456789012")));
    assert_eq!(desk.ledger.find("R").unwrap().shipment, shipment("2", "Ab-456789012"));
    assert_accepted("withdrawn", &desk.ask("KAASL", &common("R").add("processDiv", "9").add("paymentNo", "")));
    assert_eq!(desk.slip("R"), None);
    assert_eq!(desk.result("KAAST", "R"), "1");
    assert_accepted("once more", &desk.ask("KAASL", &ship("R")));
    let named = common("R").add("processDiv", "9").add("beforePaymentNo", SLIP);
    assert_accepted("withdrawn by name", &desk.ask("KAASL", &named));
}

/// A second slip without the one before is for another parcel.
#[test]
fn an_order_can_go_in_several_parcels() {
    let mut desk = Desk::default();
    desk.register("R", "1234");
    assert_accepted("first", &desk.ask("KAASL", &ship("R")));
    assert_accepted("second", &desk.ask("KAASL", &ship("R").set("paymentNo", NEXT_SLIP)));
    assert_eq!(desk.slip("R"), Some(NEXT_SLIP), "the ledger keeps the last");
    assert!(desk.ledger.refusals.is_empty());
}

#[test]
fn a_slip_needs_an_approval() {
    let mut desk = Desk::default();
    for digits in ["9001", "9002", "9004", "9006", "9008"] {
        desk.register(digits, digits);
        assert_refused(digits, &mut desk, "KAASL", &ship(digits), 20);
    }
    desk.register("C", "1234");
    desk.ask("KAACL", &common("C"));
    assert_refused("cancelled", &mut desk, "KAASL", &ship("C"), 20);
    desk.result("KAARS", "9002");
    desk.result("KAARS", "9002");
    assert_accepted("approved meanwhile", &desk.ask("KAASL", &ship("9002")));
}

#[test]
fn a_slip_is_for_three_orders_at_most() {
    let mut desk = Desk::default();
    ["A", "B", "C", "D"].iter().for_each(|number| desk.register(number, "1234"));
    for number in ["A", "B", "C"] {
        assert_accepted(number, &desk.ask("KAASL", &ship(number)));
    }
    assert_refused("the fourth", &mut desk, "KAASL", &ship("D"), 45);
    let again = ship("C").add("beforePaymentNo", SLIP);
    assert_accepted("its own again", &desk.ask("KAASL", &again));
    desk.ask("KAASL", &common("A").add("processDiv", "9"));
    assert_accepted("once there is room", &desk.ask("KAASL", &ship("D")));
}

#[test]
fn a_cancel_is_possible_until_the_customer_has_paid() {
    let mut desk = Desk::default();
    for digits in ["1234", "9002", "9004", "9006"] {
        desk.register(digits, digits);
        assert_accepted(digits, &desk.ask("KAACL", &common(digits)));
        assert!(desk.ledger.find(digits).unwrap().cancelled, "{digits}");
        assert_refused("again", &mut desk, "KAACL", &common(digits), 9);
    }
    desk.register("shipped", "1234");
    desk.ask("KAASL", &ship("shipped"));
    assert_accepted("shipped", &desk.ask("KAACL", &common("shipped")));
    desk.register("rejected", "9001");
    assert_refused("rejected", &mut desk, "KAACL", &common("rejected"), 9);
    desk.register("stuck", "9007");
    assert_refused("stuck", &mut desk, "KAACL", &common("stuck"), 9);
    desk.register("paid", "1234");
    desk.ledger.registrations.get_mut("paid").unwrap().paid = Some("2026-05-01".to_owned());
    assert_refused("paid", &mut desk, "KAACL", &common("paid"), 15);
    let live: Vec<&str> = desk.ledger.live().map(|live| live.reference.as_str()).collect();
    assert_eq!(live, ["paid", "stuck"]);
}

#[test]
fn trouble_is_an_internal_failure() {
    let told = |trouble| {
        let answer = Kuroneko::default().trouble("kaara", trouble)?;
        Some(value(&answer.body, "errorCode").to_owned())
    };
    let troubles = [Trouble::SystemFailure, Trouble::Maintenance, Trouble::AddressRefused];
    assert_eq!(troubles.map(told), [Some("err0001".to_owned()), Some("err0003".to_owned()), None]);
}

#[tokio::test]
async fn each_answer_that_can_be_twisted_is() {
    let gateway = Gateway::start(Kuroneko::default(), Options::default()).await.unwrap();
    let origin = gateway.origin();
    assert_eq!(gateway.base(), format!("{origin}/kuroneko-atobarai-api"));
    request(&origin, &received("KAARA", &order("R"))).await;
    let other = "<orderNo>OTHER-REFERENCE</orderNo>";
    let (refused, result) = ("<returnCode>8</returnCode>", "<result>8</result>");
    let cases = [
        ("other-reference@kaara", received("KAARA", &order("S")), other),
        ("unknown-code@kaara", received("KAARA", &order("T")), result),
        ("other-reference@kaars", received("KAARS", &common("R")), other),
        ("unknown-code@kaars", received("KAARS", &common("R")), result),
        ("other-reference@kaast", received("KAAST", &common("R")), other),
        ("unknown-code@kaast", received("KAAST", &common("R")), "<result>88</result>"),
        ("other-reference@kaasl", received("KAASL", &ship("R")), other),
        ("unknown-code@kaasl", received("KAASL", &ship("S")), refused),
        ("other-reference@kaacl", received("KAACL", &common("R")), other),
        ("unknown-code@kaacl", received("KAACL", &common("S")), refused),
    ];
    assert_eq!(cases.len(), Kuroneko::default().twists().len());
    for (number, (text, asked, wanted)) in cases.into_iter().enumerate() {
        gateway.plan(format!("{text}:nth=1").parse().unwrap()).unwrap();
        let seen = request(&origin, &asked).await;
        assert!(seen.status() == 200 && seen.text().contains(wanted), "{text}: {}", seen.text());
        assert!(!seen.text().contains("errorCode"), "{text}: {}", seen.text());
        assert_eq!(gateway.fault_hits(), number + 1, "{text}");
    }
    for pointless in ["other-amount", "address-refused", "wrong-charset"] {
        assert!(gateway.plan(pointless.parse().unwrap()).is_err(), "{pointless}");
    }
}

#[tokio::test]
async fn what_was_carried_out_and_lost_is_there_when_asked_for() {
    let gateway = Gateway::start(Kuroneko::default(), Options::default()).await.unwrap();
    let origin = gateway.origin();
    gateway.plan("drop-answer@kaara:reference=R".parse().unwrap()).unwrap();
    assert_eq!(request(&origin, &received("KAARA", &order("R"))).await.status(), 0);
    assert!(request(&origin, &received("KAARS", &common("R"))).await.text().contains("<result>0</result>"));
    assert_eq!((gateway.fault_hits(), gateway.ledger().live().count()), (1, 1));
}
