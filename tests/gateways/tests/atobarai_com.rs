//! Every rule of 後払い.com's wire, without a socket: what is right passes, each violation is
//! refused with its own code and leaves nothing behind.

mod common;

use common::{Form, ids, order, received};
use gateways::atobarai_com::{AtobaraiCom, Carrier, code};
use gateways::ledger::Shipment;
use gateways::verdicts::Verdict;
use gateways::wire::{Answer, Trouble, Wire};
use gateways::{Ledger, Received};

/// A gateway without a socket.
#[derive(Default)]
struct Desk {
    provider: AtobaraiCom,
    ledger: Ledger,
}

impl Desk {
    fn ask(&mut self, call: &str, form: &Form) -> String {
        let answer = self.provider.answer(&mut self.ledger, &received(&format!("/api/{call}/rest"), form.body()));
        assert_eq!((answer.status, answer.content_type), (200, "text/xml; charset=utf-8"), "{}", answer.body);
        answer.body
    }

    /// Registers a buyer with a phone number that ends in these digits.
    fn register(&mut self, reference: &str, digits: &str) -> String {
        let body = self.ask("order", &order(reference).set("C_Phone", format!("0900000{digits}")));
        value(&body, "<systemOrderId>", "<").to_owned()
    }

    fn ship(&mut self, id: &str, slip: &str) -> String {
        self.ask("shipping", &ids().add("OrderId", id).add("DelivId", "2").add("JournalNum", slip))
    }

    fn cancel(&mut self, id: &str) -> String {
        self.ask("cancel", &ids().add("OrderId[]", id).add("Reason[]", "客都合"))
    }
}

fn value<'a>(body: &'a str, from: &str, until: &str) -> &'a str {
    let rest = body.split_once(from).unwrap_or_else(|| panic!("no {from} in {body}")).1;
    rest.split_once(until).unwrap().0
}

fn coded(family: &str, code: u16) -> String {
    format!("cd=\"{family}{code:03}\"")
}

/// Refused with this code and no other, on record, and nothing registered or changed.
fn assert_refused(rule: &str, desk: &mut Desk, call: &str, family: &str, form: &Form, code: u16) {
    let before = desk.ledger.clone();
    let body = desk.ask(call, form);
    assert!(body.contains("<status>error</status>"), "{rule}: {body}");
    assert!(body.contains(&coded(family, code)), "{rule}: {body}");
    assert_eq!(body.matches("<message ").count(), 1, "{rule}: {body}");
    assert_eq!(desk.ledger.registrations, before.registrations, "{rule}");
    let refusal = desk.ledger.refusals.back().unwrap();
    assert_eq!((refusal.operation.as_str(), &refusal.code), (call, &format!("{family}{code:03}")), "{rule}");
}

#[test]
fn a_valid_registration_is_recorded_as_it_was_sent() {
    let mut desk = Desk::default();
    assert_eq!(
        desk.ask("order", &order("SHOP-1")),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<response><status>success</status><orderId>SHOP-1</orderId>\
         <systemOrderId>XX00000001</systemOrderId><messages/><orderStatus cd=\"1\">与信OK</orderStatus></response>"
    );
    let registration = desk.ledger.find("XX00000001").unwrap();
    assert_eq!(registration.reference, "SHOP-1");
    assert_eq!(registration.billed_amount, 1_232);
    assert_eq!((registration.buyer.as_str(), registration.ordered.as_str()), ("山田 花子", "2026-04-01"));
    assert!(!registration.enclosed);
    assert!(registration.is_live());
    assert!(desk.ledger.refusals.is_empty());
}

/// With lines that are numbered from 0.
fn from_zero(form: Form) -> Form {
    let lower = |(name, value): (String, String)| match name.rsplit_once('_') {
        Some((stem, number)) if stem.starts_with("I_") && number.parse::<usize>().is_ok() => {
            (format!("{stem}_{}", number.parse::<usize>().unwrap() - 1), value)
        }
        _ => (name, value),
    };
    Form(form.0.into_iter().map(lower).collect())
}

#[test]
fn a_form_of_parts_is_taken_as_well() {
    let part = |(name, value): &(String, String)| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body: String = order("R").0.iter().map(part).collect::<String>() + "--XX--\r\n";
    let headers = vec![("content-type".to_owned(), "multipart/form-data; boundary=XX".to_owned())];
    let request = Received { headers, ..received("/api/order/rest", body) };
    let mut desk = Desk::default();
    let answer = desk.provider.answer(&mut desk.ledger, &request);
    assert!(answer.body.contains("<systemOrderId>XX00000001</systemOrderId>"), "{}", answer.body);
    assert_eq!(desk.provider.names(&request), ["R"]);
}

#[test]
fn a_site_has_options_that_refuse_the_content() {
    let desk = |mail_required, services| Desk {
        provider: AtobaraiCom { mail_required, services, ..AtobaraiCom::default() },
        ..Desk::default()
    };
    for (mut desk, form, code) in
        [(desk(true, false), order("R").without("C_MailAddress"), "E00301"), (desk(false, true), order("R"), "E00302")]
    {
        let body = desk.ask("order", &form);
        assert!(body.contains(&format!("<message cd=\"{code}\">")), "{body}");
        assert_eq!(desk.ledger.live().count(), 0);
    }
    let full = order("R").add("O_ServicesProvidedDate", "2026-04-20");
    assert!(desk(true, true).ask("order", &full).contains("<status>success</status>"));
}

#[test]
fn a_cancel_needs_no_reason() {
    let mut desk = Desk::default();
    desk.ask("order", &order("R"));
    let body = desk.ask("cancel", &ids().add("OrderId[]", "XX00000001"));
    assert!(body.contains("<cancelStatus>success</cancelStatus>"), "{body}");
}

#[test]
fn what_may_be_left_out_or_varied_passes() {
    let long = |count: usize| "あ".repeat(count);
    let recipient = order("R")
        .set("O_AnotherDeliFlg", "1")
        .add("D_PostalCode", "6000001")
        .add("D_UnitingAddress", "京都府京都市下京区99")
        .add("D_DestNameKj", "鈴木 一郎")
        .add("D_Phone", "0750000000");
    let forms = [
        ("date with slashes", order("R").set("O_ReceiptOrderDate", "2026/04/01")),
        ("day of services", order("R").add("O_ServicesProvidedDate", "2026/04/20")),
        ("customer's number", order("R").add("C_EntCustId", "C-1").add("C_Occupation", "会社員")),
        ("lines from 0", from_zero(order("R"))),
        ("kana", order("R").without("C_NameKn")),
        ("mail", order("R").without("C_MailAddress")),
        ("flag of the recipient", order("R").without("O_AnotherDeliFlg")),
        ("our reference", order("R").without("O_Ent_OrderId")),
        ("empty optional values", order("R").set("C_NameKn", "").set("C_CorporateName", "")),
        ("company", order("R").add("C_CorporateName", long(255)).add("C_DivisionName", long(255))),
        ("person", order("R").add("C_CpNameKj", long(160))),
        ("longest name", order("R").set("C_NameKj", long(30))),
        ("longest reference", order("R").set("O_Ent_OrderId", "R".repeat(100))),
        ("longest note, with line breaks", order("R").add("O_Ent_Note", long(3_998) + "\r\n")),
        ("longest address", order("R").set("C_UnitingAddress", format!("北海道{}", long(97)))),
        ("longest item", order("R").set("I_ItemNameKj_1", long(255))),
        ("enclosed invoice", order("R").set("C_SeparateShipment", "0")),
        ("tax rates", order("R").add("I_TaxRate_1", "")),
        ("recipient", recipient),
        ("recipient that does not apply", order("R").add("D_DestNameKj", "鈴木 一郎")),
        ("no carriage", order("R").set("I_ItemCarriage", "").set("O_UseAmount", "732")),
    ];
    for (what, form) in forms {
        let mut desk = Desk::default();
        let body = desk.ask("order", &form);
        assert!(body.contains("<status>success</status>"), "{what}: {body}");
        assert_eq!(desk.ledger.live().count(), 1, "{what}");
    }
}

#[test]
fn each_violation_of_a_registration_is_refused() {
    use code::*;
    let long = |count: usize| "あ".repeat(count);
    let recipient = order("R")
        .set("O_AnotherDeliFlg", "1")
        .add("D_PostalCode", "6000001")
        .add("D_UnitingAddress", "京都府京都市下京区99")
        .add("D_DestNameKj", "鈴木 一郎")
        .add("D_Phone", "0750000000");
    let mut rules = vec![
        ("another merchant", order("R").set("O_EnterpriseId", "54321"), IDS_REFUSED),
        ("another site", order("R").set("O_SiteId", "679"), IDS_REFUSED),
        ("another user", order("R").set("O_ApiUserId", "91"), IDS_REFUSED),
        ("merchant of 3 digits", order("R").set("O_EnterpriseId", "123"), MALFORMED),
        ("merchant of 6 digits", order("R").set("O_EnterpriseId", "123456"), TOO_LONG),
        ("site not of digits", order("R").set("O_SiteId", "a"), MALFORMED),
        ("user not of digits", order("R").set("O_ApiUserId", "a"), MALFORMED),
        ("date without signs", order("R").set("O_ReceiptOrderDate", "20260401"), MALFORMED),
        ("a day that is not", order("R").set("O_ReceiptOrderDate", "2026-02-29"), MALFORMED),
        ("amount with a comma", order("R").set("O_UseAmount", "1,232"), MALFORMED),
        ("amount is not the sum", order("R").set("O_UseAmount", "1233"), AMOUNT_WRONG),
        ("the sum without carriage", order("R").without("I_ItemCarriage"), AMOUNT_WRONG),
        ("the sum without charge", order("R").without("I_ItemCharge"), AMOUNT_WRONG),
        ("another quantity", order("R").set("I_ItemNum_1", "3"), AMOUNT_WRONG),
        ("flag 2", order("R").set("O_AnotherDeliFlg", "2"), MALFORMED),
        ("flag with a word", order("R").set("O_RtOrderStatus", "true"), TOO_LONG),
        ("shipment flag", order("R").set("C_SeparateShipment", "2"), MALFORMED),
        ("test flag", order("R").set("O_TestOrderFlg", "x"), MALFORMED),
        ("test result", order("R").set("O_TestCreditResult", "3"), MALFORMED),
        ("postal code of 6 digits", order("R").set("C_PostalCode", "150001"), MALFORMED),
        ("postal code of 9 characters", order("R").set("C_PostalCode", "150-00011"), TOO_LONG),
        ("no prefecture", order("R").set("C_UnitingAddress", "渋谷区神宮前"), MALFORMED),
        ("phone in full width", order("R").set("C_Phone", "０９０"), MALFORMED),
        ("mail without @", order("R").set("C_MailAddress", "hanako"), MALFORMED),
        ("control character", order("R").set("C_NameKj", "山田\u{0}"), MALFORMED),
        ("recipient without prefecture", recipient.clone().set("D_UnitingAddress", "京都市"), MALFORMED),
        ("tax rate", order("R").add("I_TaxRate_1", "5"), MALFORMED),
        ("fraction of a yen", order("R").set("I_UnitPrice_1", "300.0"), MALFORMED),
        ("negative quantity", order("R").set("I_ItemNum_2", "-1"), MALFORMED),
        ("negative carriage", order("R").set("I_ItemCarriage", "-1"), MALFORMED),
        ("a gap in the items", order("R").add("I_ItemNameKj_4", "空き"), ITEMS_NOT_CONSECUTIVE),
        (
            "items from 0, with a gap",
            order("R").add("I_ItemNameKj_0", "零").add("I_ItemNameKj_5", "五"),
            ITEMS_NOT_CONSECUTIVE,
        ),
        ("item 01", order("R").add("I_ItemNameKj_01", "零"), UNKNOWN_PARAMETER),
        ("item 01", order("R").add("I_TaxRate_01", "10"), UNKNOWN_PARAMETER),
        ("an item without its price", order("R").add("I_ItemNameKj_3", "茶").add("I_ItemNum_3", "1"), MISSING),
        ("an item without its name", order("R").without("I_ItemNameKj_2"), MISSING),
        ("an item without its quantity", order("R").without("I_ItemNum_2"), MISSING),
        ("an unknown parameter", order("R").add("C_Fax", "03-0000-0000"), UNKNOWN_PARAMETER),
        ("a second order", order("R").add("O_Ent_OrderId", "S"), REPEATED_PARAMETER),
        ("an id without its prefix", order("R").add("SiteId", "678"), UNKNOWN_PARAMETER),
    ];
    for name in [
        "O_ReceiptOrderDate",
        "O_EnterpriseId",
        "O_SiteId",
        "O_ApiUserId",
        "O_UseAmount",
        "C_PostalCode",
        "C_UnitingAddress",
        "C_NameKj",
        "C_Phone",
    ] {
        rules.push((name, order("R").without(name), MISSING));
        rules.push((name, order("R").set(name, ""), MISSING));
    }
    for name in ["D_PostalCode", "D_UnitingAddress", "D_DestNameKj", "D_Phone"] {
        rules.push((name, recipient.clone().without(name), MISSING));
    }
    for (name, max) in [
        ("O_Ent_OrderId", 100),
        ("O_Ent_Note", 4_000),
        ("C_UnitingAddress", 100),
        ("C_NameKj", 30),
        ("C_NameKn", 30),
        ("C_Phone", 50),
        ("C_MailAddress", 255),
        ("C_CorporateName", 255),
        ("C_DivisionName", 255),
        ("C_CpNameKj", 160),
        ("D_PostalCode", 8),
        ("D_UnitingAddress", 100),
        ("D_DestNameKj", 30),
        ("D_DestNameKn", 30),
        ("D_Phone", 50),
        ("I_ItemNameKj_1", 255),
        ("I_UnitPrice_1", 9),
        ("I_ItemNum_1", 9),
        ("I_ItemCarriage", 9),
        ("I_ItemCharge", 9),
    ] {
        rules.push((name, order("R").set(name, long(max + 1)), TOO_LONG));
    }
    for (rule, form, code) in rules {
        assert_refused(rule, &mut Desk::default(), "order", "E00", &form, code);
    }
}

#[test]
fn an_order_without_items_names_what_is_missing() {
    let mut form = order("R");
    form.0.retain(|(name, _)| !name.starts_with("I_"));
    let body = Desk::default().ask("order", &form);
    assert_eq!(body.matches(&coded("E00", code::MISSING)).count(), 3, "{body}");
    assert!(body.contains("購入品目1 : 必須項目です"), "{body}");
}

#[test]
fn the_amount_is_refused_in_the_provider_s_words() {
    let body = Desk::default().ask("order", &order("SHOP-1").set("O_UseAmount", "1"));
    assert!(body.ends_with(
        "<response><status>error</status><orderId>SHOP-1</orderId><messages>\
         <message cd=\"E00303\">請求金額合計 : 請求金額が誤っています</message></messages>\
         <orderStatus cd=\"\"/></response>"
    ));
}

#[test]
fn what_is_not_a_utf_8_form_post_is_refused_by_http() {
    let provider = AtobaraiCom::default();
    let mut ledger = Ledger::default();
    let valid = received("/api/order/rest", order("R").body());
    let mut status = |request| provider.answer(&mut ledger, &request).status;
    let typed = |content_type: &str| {
        let mut request = valid.clone();
        request.headers = vec![("content-type".to_owned(), content_type.to_owned())];
        request
    };
    let with = |method: &str, path: &str| {
        let mut request = valid.clone();
        (request.method, request.path) = (method.to_owned(), path.to_owned());
        request
    };
    assert_eq!(status(with("GET", "/api/order/rest")), 405);
    assert_eq!(status(with("POST", "/api/order/rest?x=1")), 404);
    assert_eq!(status(with("POST", "/api/order")), 404);
    assert_eq!(status(typed("application/json")), 415);
    assert_eq!(status(typed("")), 415);
    assert_eq!(status(typed("application/x-www-form-urlencoded; charset=Shift_JIS")), 415);
    assert_eq!(status(typed("application/x-www-form-urlencoded; charset=UTF-8")), 200);
    assert_eq!(ledger.registrations.len(), 1, "only the last");
}

#[test]
fn shift_jis_in_the_body_is_refused() {
    let mut desk = Desk::default();
    let body = order("R").without("C_NameKn").body() + "&C_NameKn=%83%84%83%7D";
    let answer = desk.provider.answer(&mut desk.ledger, &received("/api/order/rest", body));
    assert!(answer.body.contains(&coded("E00", code::NOT_UTF8)), "{}", answer.body);
    assert_eq!(desk.ledger.live().count(), 0);
}

#[test]
fn the_verdict_follows_the_table() {
    let mut desk = Desk::default();
    for (digits, at_once, asked) in [
        ("1234", "1", ["1", "1"]),
        ("9001", "2", ["2", "2"]),
        ("9002", "0", ["0", "1"]),
        ("9003", "0", ["0", "2"]),
        ("9004", "0", ["0", "0"]),
        ("9005", "0", ["0", "0"]),
        ("9006", "7", ["7", "7"]),
    ] {
        let form = order(digits).set("C_Phone", format!("0900000{digits}"));
        let body = desk.ask("order", &form);
        assert_eq!(value(&body, "orderStatus cd=\"", "\""), at_once, "{digits}");
        let id = value(&body, "<systemOrderId>", "<").to_owned();
        for code in asked {
            let body = desk.ask("status", &ids().add("OrderId[]", &id));
            assert_eq!(value(&body, "orderStatus cd=\"", "\""), code, "{digits}");
        }
    }
}

#[test]
fn a_test_order_names_its_own_verdict() {
    for (wanted, code) in [("0", "1"), ("1", "2"), ("2", "0")] {
        let rejected = order("R").set("C_Phone", "09000009001");
        let form = rejected.add("O_TestOrderFlg", "1").add("O_TestCreditResult", wanted);
        assert_eq!(value(&Desk::default().ask("order", &form), "orderStatus cd=\"", "\""), code);
        let body = Desk::default().ask("order", &form.set("O_TestOrderFlg", "0"));
        assert_eq!(value(&body, "orderStatus cd=\"", "\""), "2", "not a test order");
    }
}

#[test]
fn the_verdict_is_returned_at_once_only_when_asked_for() {
    for form in [order("R").set("O_RtOrderStatus", "0"), order("R").without("O_RtOrderStatus")] {
        let body = Desk::default().ask("order", &form);
        assert!(body.contains("<status>success</status>") && !body.contains("orderStatus"), "{body}");
    }
}

#[test]
fn two_registrations_are_two_claims_unless_the_site_refuses_it() {
    let mut desk = Desk::default();
    desk.ask("order", &order("SHOP-1"));
    desk.ask("order", &order("SHOP-1"));
    assert_eq!(desk.ledger.doubled(), [("SHOP-1", 2)].into());
    desk.provider.unique_reference = true;
    assert_refused("repeat", &mut desk, "order", "E00", &order("SHOP-1"), code::REFERENCE_EXISTS);
    let body = desk.ask("order", &order("SHOP-2"));
    assert!(body.contains("<status>success</status>"), "another reference: {body}");
}

#[test]
fn the_other_calls_refuse_what_they_do_not_take() {
    use code::*;
    let ship = || ids().add("OrderId", "XX00000001").add("DelivId", "2").add("JournalNum", "1");
    let status = || ids().add("OrderId[]", "XX00000001");
    let cancel = || status().add("Reason[]", "");
    let rules = [
        ("status", "E01", "no ids", ids(), MISSING),
        ("status", "E01", "no merchant", status().without("EnterpriseId"), MISSING),
        ("status", "E01", "no user", status().without("ApiUserId"), MISSING),
        ("status", "E01", "another merchant", status().set("EnterpriseId", "54321"), IDS_REFUSED),
        ("status", "E01", "another user", status().set("ApiUserId", "91"), IDS_REFUSED),
        ("status", "E01", "ids with the prefix", status().add("O_SiteId", "678"), UNKNOWN_PARAMETER),
        ("status", "E01", "one id without brackets", status().add("OrderId", "X"), UNKNOWN_PARAMETER),
        ("status", "E01", "the merchant twice", status().add("EnterpriseId", "12345"), REPEATED_PARAMETER),
        ("shipping", "E02", "no order", ship().without("OrderId"), MISSING),
        ("shipping", "E02", "no carrier", ship().without("DelivId"), MISSING),
        ("shipping", "E02", "no slip", ship().without("JournalNum"), MISSING),
        ("shipping", "E02", "slip of 256", ship().set("JournalNum", "1".repeat(256)), TOO_LONG),
        ("shipping", "E02", "carrier by name", ship().set("DelivId", "佐川"), MALFORMED),
        ("shipping", "E02", "unknown carrier", ship().set("DelivId", "10"), UNKNOWN_CARRIER),
        ("shipping", "E02", "several orders", ship().add("OrderId[]", "X"), UNKNOWN_PARAMETER),
        ("shipping", "E02", "another merchant", ship().set("EnterpriseId", "54321"), IDS_REFUSED),
        ("shipping", "E02", "no such order", ship().set("OrderId", "XX99999999"), NO_SUCH_ORDER),
        ("cancel", "E03", "no ids", ids(), MISSING),
        ("cancel", "E03", "one reason for two", status().add("OrderId[]", "XX2").add("Reason[]", "x"), NOT_PAIRED),
        ("cancel", "E03", "two reasons", cancel().add("Reason[]", ""), NOT_PAIRED),
        ("cancel", "E03", "another merchant", cancel().set("EnterpriseId", "54321"), IDS_REFUSED),
        ("detail", "E04", "no ids", ids(), MISSING),
        ("detail", "E04", "both kinds", status().add("Ent_OrderId[]", "R"), NOT_PAIRED),
        ("detail", "E04", "another merchant", status().set("EnterpriseId", "54321"), IDS_REFUSED),
        ("delivlist", "E05", "no merchant", ids().without("EnterpriseId"), MISSING),
        ("delivlist", "E05", "another site", ids().add("SiteId", "679"), IDS_REFUSED),
        ("delivlist", "E05", "an order", status(), UNKNOWN_PARAMETER),
    ];
    for (call, family, rule, form, code) in rules {
        let mut desk = Desk::default();
        desk.register("R", "1234");
        assert_refused(rule, &mut desk, call, family, &form, code);
    }
}

#[test]
fn tracking_is_registered_after_an_approval_and_once() {
    let mut desk = Desk::default();
    let id = desk.register("R", "1234");
    assert!(desk.ship(&id, &"1".repeat(255)).ends_with(&format!(
        "<response><status>success</status><orderId>{id}</orderId><delivId name=\"佐川急便\">2</delivId>\
         <journalNum>{}</journalNum><messages/></response>",
        "1".repeat(255)
    )));
    let shipment = Shipment { carrier: "2".to_owned(), slip: "1".repeat(255) };
    assert_eq!(desk.ledger.find(&id).unwrap().shipment, Some(shipment.clone()));
    assert!(desk.ship(&id, "2").contains(&coded("E02", code::TRACKING_EXISTS)));
    assert_eq!(desk.ledger.find(&id).unwrap().shipment, Some(shipment), "the first one stays");

    for (digits, code) in [
        ("9001", code::NOT_APPROVED),
        ("9002", code::NOT_APPROVED),
        ("9006", code::NOT_APPROVED),
        ("9008", code::STATE_REFUSES),
    ] {
        let id = desk.register(digits, digits);
        assert!(desk.ship(&id, "1").contains(&coded("E02", code)), "{digits}");
        assert_eq!(desk.ledger.find(&id).unwrap().shipment, None, "{digits}");
    }
    let id = desk.register("C", "1234");
    desk.cancel(&id);
    assert!(desk.ship(&id, "1").contains(&coded("E02", code::CANCELLED)));
}

#[test]
fn the_merchant_s_own_carrier_codes_hold() {
    let mut desk = Desk::default();
    desk.provider.carriers = vec![Carrier { id: 77, name: "佐川急便", short_name: "佐川" }];
    let id = desk.register("R", "1234");
    assert!(desk.ship(&id, "1").contains(&coded("E02", code::UNKNOWN_CARRIER)));
    let body = desk.ask("delivlist", &ids());
    assert!(body.ends_with(
        "<status>success</status><messages/><results><result><delivId>77</delivId><name>佐川急便</name>\
         <shortName>佐川</shortName></result></results></response>"
    ));
    assert_eq!(Desk::default().ask("delivlist", &ids().add("SiteId", "678")).matches("<result>").count(), 15);
}

#[test]
fn each_row_of_a_cancel_stands_for_itself() {
    let mut desk = Desk::default();
    let open = desk.register("A", "1234");
    let review = desk.register("B", "9005");
    let rejected = desk.register("C", "9001");
    let stuck = desk.register("D", "9007");
    let shipped = desk.register("E", "1234");
    desk.ship(&shipped, "1");
    let rows = [open.as_str(), &review, &rejected, &stuck, &shipped, "XX99999999", &open];
    let form = rows.iter().fold(ids(), |form, id| form.add("OrderId[]", *id).add("Reason[]", format!("理由{id}")));
    let body = desk.ask("cancel", &form);
    assert!(body.contains("<status>success</status><messages/>"), "the request itself is good: {body}");
    let wanted = [
        None,
        None,
        Some(code::REJECTED),
        Some(code::STATE_REFUSES),
        Some(code::TRACKING_EXISTS),
        Some(code::NO_SUCH_ORDER),
        Some(code::CANCELLED),
    ];
    let answered: Vec<&str> = body.split("<result>").skip(1).collect();
    assert_eq!(answered.len(), rows.len());
    for ((row, id), code) in answered.iter().zip(rows).zip(wanted) {
        assert!(row.starts_with(&format!("<orderId>{id}</orderId><reason>理由{id}</reason>")), "{row}");
        match code {
            None => assert!(row.contains("<cancelStatus>success</cancelStatus></result>"), "{row}"),
            Some(code) => {
                let error = format!("<cancelStatus>error</cancelStatus><error {}>", coded("E03", code));
                assert!(row.contains(&error), "{row}");
            }
        }
    }
    let live: Vec<&str> = desk.ledger.live().map(|live| live.reference.as_str()).collect();
    assert_eq!(live, ["D", "E"]);
    assert_eq!(desk.ledger.refusals.len(), 5);
}

#[test]
fn a_reason_is_cut_at_240_characters() {
    let mut desk = Desk::default();
    let id = desk.register("R", "1234");
    let body = desk.ask("cancel", &ids().add("OrderId[]", &id).add("Reason[]", "理".repeat(241)));
    assert_eq!(value(&body, "<reason>", "<").chars().count(), 240);
}

#[test]
fn more_than_100_ids_are_dropped_in_silence() {
    let mut desk = Desk::default();
    let many: Vec<String> = (0..101).map(|number| desk.register(&format!("R{number}"), "1234")).collect();
    let list = |form, name: &str| many.iter().fold(form, |form: Form, id| form.add(name, id));
    for call in ["status", "detail"] {
        assert_eq!(desk.ask(call, &list(ids(), "OrderId[]")).matches("<result>").count(), 100, "{call}");
    }
    let both = many.iter().fold(ids(), |form, id| form.add("OrderId[]", id).add("Reason[]", ""));
    assert_eq!(desk.ask("cancel", &both).matches("<result>").count(), 100);
    let live: Vec<&str> = desk.ledger.live().map(|live| live.reference.as_str()).collect();
    assert_eq!(live, ["R100"], "the one that was dropped");
}

#[test]
fn status_answers_each_id_in_order() {
    let mut desk = Desk::default();
    let id = desk.register("R", "1234");
    desk.cancel(&id);
    let body = desk.ask("status", &ids().add("OrderId[]", "XX99999999").add("OrderId[]", &id));
    assert!(
        body.ends_with(&format!(
            "<status>success</status><messages/><results><result><orderId>XX99999999</orderId>\
             <orderStatus cd=\"-1\">該当なし</orderStatus></result><result><orderId>{id}</orderId>\
             <entOrderId>R</entOrderId><orderStatus cd=\"3\">キャンセル</orderStatus></result></results></response>"
        )),
        "{body}"
    );
}

#[test]
fn detail_finds_every_claim_by_our_reference() {
    let mut desk = Desk::default();
    let states = [("A", "9001", "99"), ("B", "9005", "0"), ("C", "1234", "1"), ("D", "9006", "7")];
    for (reference, digits, code) in states {
        desk.register(reference, digits);
        let body = desk.ask("detail", &ids().add("Ent_OrderId[]", reference));
        assert_eq!(value(&body, "<orderStatus orderStatusName=", "<").rsplit('>').next().unwrap(), code);
    }
    let shipped = desk.register("E", "1234");
    desk.ship(&shipped, "1");
    let cancelled = desk.register("F", "1234");
    desk.cancel(&cancelled);
    let claims = (desk.register("G", "1234"), desk.register("G", "9001"));
    let form = ["E", "F", "G", "Z"].iter().fold(ids(), |form, reference| form.add("Ent_OrderId[]", *reference));
    let row = |id: &str, reference: &str, name: &str, code: &str, flags: [u8; 2]| {
        format!(
            "<result><orderId>{id}</orderId><entOrderId>{reference}</entOrderId>\
             <orderStatus orderStatusName=\"{name}\">{code}</orderStatus><isCanceled>{}</isCanceled>\
             <isShipped>{}</isShipped><isReceiptConfirmed>0</isReceiptConfirmed></result>",
            flags[0], flags[1]
        )
    };
    let rows = [
        row(&shipped, "E", "請求書発行待ち", "2", [0, 1]),
        row(&cancelled, "F", "キャンセル済", "11", [1, 0]),
        row(&claims.0, "G", "伝票番号入力待ち", "1", [0, 0]),
        row(&claims.1, "G", "与信NG", "99", [0, 0]),
        row("", "Z", "該当なし", "-1", [0, 0]).replace("<orderId></orderId>", "<orderId/>"),
    ];
    let body = desk.ask("detail", &form);
    assert!(body.contains(&format!("<results>{}</results>", rows.concat())), "{body}");
    let by_id = desk.ask("detail", &ids().add("OrderId[]", &shipped));
    assert!(by_id.contains(&rows[0]), "{by_id}");
}

#[test]
fn asking_counts_and_decides_through_either_call() {
    let mut desk = Desk::default();
    let id = desk.register("R", "9002");
    desk.ask("detail", &ids().add("Ent_OrderId[]", "R"));
    assert_eq!(desk.ledger.find(&id).unwrap().verdict, Verdict::UnderReview);
    desk.ask("status", &ids().add("OrderId[]", &id));
    let registration = desk.ledger.find(&id).unwrap();
    assert_eq!((registration.asks, registration.verdict), (2, Verdict::Approved));
}

#[test]
fn detail_can_be_missing() {
    let mut desk = Desk { provider: AtobaraiCom { detail: false, ..AtobaraiCom::default() }, ..Desk::default() };
    let request = received("/api/detail/rest", ids().add("Ent_OrderId[]", "R").body());
    assert_eq!(desk.provider.answer(&mut desk.ledger, &request).status, 404);
    assert!(!desk.provider.operations().contains(&"detail"));
}

#[test]
fn a_partner_brand_has_a_prefix() {
    let mut desk =
        Desk { provider: AtobaraiCom { prefix: "/brand".to_owned(), ..AtobaraiCom::default() }, ..Desk::default() };
    let mut status = |path: &str| desk.provider.answer(&mut desk.ledger, &received(path, order("R").body())).status;
    assert_eq!((status("/brand/api/order/rest"), status("/api/order/rest")), (200, 404));
}

#[test]
fn trouble_is_told_in_each_call_s_own_code() {
    let provider = AtobaraiCom::default();
    let told = |call, trouble| provider.trouble(call, trouble).map(|answer: Answer| answer.body).unwrap_or_default();
    assert!(told("order", Trouble::AddressRefused).contains(&coded("E00", code::ADDRESS_REFUSED)));
    assert!(told("cancel", Trouble::SystemFailure).contains(&coded("E03", code::SYSTEM_FAILURE)));
    assert!(told("delivlist", Trouble::Maintenance).contains(&coded("E05", code::MAINTENANCE)));
}
