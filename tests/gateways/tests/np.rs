//! Every rule of NP後払い's wire, without a socket: what is right passes, each violation is refused
//! with its own code and leaves nothing behind.

mod common;

use common::np::{gift, order, received, set, without};
use common::request;
use gateways::ledger::Shipment;
use gateways::np::{MAX_TRANSACTIONS, Np};
use gateways::server::MAX_BODY;
use gateways::verdicts::Verdict;
use gateways::wire::{Trouble, Wire};
use gateways::{Gateway, Ledger, Options, Received};
use serde_json::{Value, json};

const REGISTER: &str = "/transactions";
const FIND: &str = "/authorizations/find";
const CANCEL: &str = "/transactions/cancel";
const UPDATE: &str = "/transactions/update";
const SHIP: &str = "/shipments";
const PAYMENTS: &str = "/transactions/payments/find";

/// A gateway without a socket.
#[derive(Default)]
struct Desk {
    provider: Np,
    ledger: Ledger,
}

impl Desk {
    fn ask(&mut self, path: &str, rows: &[Value]) -> (u16, Value) {
        self.receive(&received(path, rows))
    }

    fn receive(&mut self, request: &Received) -> (u16, Value) {
        let answer = self.provider.answer(&mut self.ledger, request);
        assert_eq!(answer.content_type, "application/json; charset=utf-8", "{}", answer.body);
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    /// Registers an order with changes; returns its id.
    fn register(&mut self, row: Value) -> String {
        let (status, body) = self.ask(REGISTER, &[row]);
        assert_eq!(status, 200, "{body}");
        body["results"][0]["np_transaction_id"].as_str().unwrap().to_owned()
    }

    /// The same for a buyer with a phone number that ends in these digits.
    fn buyer(&mut self, reference: &str, digits: &str) -> String {
        self.register(phone(reference, digits))
    }

    /// The codes of a request that is refused as a whole, or as its only row.
    fn codes(&mut self, path: &str, row: Value) -> Vec<String> {
        let (status, body) = self.ask(path, &[row]);
        assert_eq!((status, &body["results"]), (400, &json!([])), "{body}");
        serde_json::from_value(body["errors"][0]["codes"].clone()).unwrap()
    }
}

fn phone(reference: &str, digits: &str) -> Value {
    set(order(reference), "/customer/tel", format!("0900000{digits}"))
}

fn named(id: &str) -> Value {
    json!({ "np_transaction_id": id })
}

fn shipping(id: &str) -> Value {
    json!({ "np_transaction_id": id, "pd_company_code": "59010", "slip_no": "1234-5678-9012" })
}

/// Refused with this code and no other, on record, and nothing registered or changed.
fn assert_refused(rule: &str, desk: &mut Desk, operation: &str, request: &Received, code: &str, id: Option<&str>) {
    let before = desk.ledger.clone();
    let (status, body) = desk.receive(request);
    let error = match id {
        Some(id) => json!({ "codes": [code], "id": id }),
        None => json!({ "codes": [code] }),
    };
    assert_eq!((status, body), (400, json!({ "results": [], "errors": [error] })), "{rule}");
    assert_eq!(desk.ledger.registrations, before.registrations, "{rule}");
    let refusal = desk.ledger.refusals.back().unwrap();
    assert_eq!((refusal.operation.as_str(), refusal.code.as_str()), (operation, code), "{rule}");
    assert_eq!(desk.ledger.refusals.len(), before.refusals.len() + 1, "{rule}");
}

#[test]
fn a_valid_registration_is_recorded_as_it_was_sent() {
    let mut desk = Desk::default();
    let (status, body) = desk.ask(REGISTER, &[order("SHOP-1")]);
    let row = json!({
        "shop_transaction_id": "SHOP-1",
        "np_transaction_id": "26000000001",
        "authori_result": "00",
        "authori_required_date": "2026-04-01T12:00:00+09:00",
    });
    assert_eq!((status, body), (200, json!({ "results": [row] })));
    let registration = desk.ledger.find("26000000001").unwrap();
    assert_eq!((registration.reference.as_str(), registration.billed_amount), ("SHOP-1", 1_232));
    assert_eq!((registration.buyer.as_str(), registration.ordered.as_str()), ("山田 花子", "2026-04-01"));
    assert!(registration.is_live() && !registration.enclosed);
    assert!(desk.ledger.refusals.is_empty());
}

#[test]
fn it_can_answer_as_loosely_as_some_clients_have_seen() {
    let mut desk = Desk { provider: Np { loose: true, ..Np::default() }, ..Desk::default() };
    let answer = desk.provider.answer(&mut desk.ledger, &received(REGISTER, &[order("R")]));
    assert_eq!(answer.status, 201);
    let json = answer.body.strip_prefix('\u{feff}').expect("a byte order mark");
    let body: Value = serde_json::from_str(json).unwrap();
    assert_eq!(body["results"][0]["np_transaction_id"], json!(26_000_000_001u64));
}

#[test]
fn what_may_be_left_out_or_varied_passes() {
    let long = |count: usize| "あ".repeat(count);
    let mut rows = vec![
        ("enclosed invoice", set(order("R"), "/settlement_type", "03")),
        ("longest reference", order(&"R".repeat(40))),
        ("another recipient", gift("R")),
        ("postal code without hyphen", set(order("R"), "/customer/zip_code", "1070052")),
        ("one line", set(order("R"), "/goods", json!([{ "goods_name": "茶", "goods_price": 1232, "quantity": 1 }]))),
        ("longest mail", set(order("R"), "/customer/email", "a".repeat(92) + "@a.co.jp")),
        ("half-width name", set(order("R"), "/customer/customer_name", "Hanako Yamada")),
    ];
    for place in
        ["/site_name", "/site_url", "/customer/customer_name_kana", "/customer/company_name", "/customer/email"]
    {
        rows.push((place, without(order("R"), place)));
    }
    for (place, max) in [
        ("/site_name", 50),
        ("/customer/customer_name", 21),
        ("/customer/customer_name_kana", 25),
        ("/customer/company_name", 30),
        ("/customer/department_name", 30),
        ("/customer/address", 55),
        ("/goods/0/goods_name", 150),
    ] {
        rows.push((place, set(order("R"), place, long(max))));
    }
    for tel in
        ["0312345678", "03-1234-5678", "02012345678", "05012345678", "060-1234-5678", "07012345678", "08012345678"]
    {
        rows.push((tel, set(order("R"), "/customer/tel", tel)));
    }
    for (what, row) in rows {
        let mut desk = Desk::default();
        let (status, body) = desk.ask(REGISTER, &[row]);
        assert_eq!((status, desk.ledger.live().count()), (200, 1), "{what}: {body}");
    }
}

/// Rules for a person: the place in it, a value that breaks one, and the buyer's and recipient's
/// codes.
fn person_rules() -> Vec<(&'static str, Value, [u16; 2])> {
    let long = |count: usize| json!("あ".repeat(count));
    vec![
        ("customer_name", json!(""), [48, 72]),
        ("customer_name", json!("山田 花子😀"), [49, 73]),
        ("customer_name", json!("山田\u{7}"), [49, 73]),
        ("customer_name", long(22), [50, 74]),
        ("customer_name_kana", json!("ヤマダ😀"), [51, 75]),
        ("customer_name_kana", long(26), [52, 76]),
        ("company_name", json!("見本\n商事"), [53, 77]),
        ("company_name", long(31), [54, 78]),
        ("department_name", json!("総務部😀"), [55, 79]),
        ("department_name", long(31), [56, 80]),
        ("zip_code", json!(""), [57, 81]),
        ("zip_code", json!("〒150-0001"), [58, 82]),
        ("zip_code", json!("１５００００１"), [58, 82]),
        ("zip_code", json!("150001"), [136, 137]),
        ("zip_code", json!("1500-001"), [136, 137]),
        ("zip_code", json!("000-0000"), [59, 83]),
        ("address", json!(""), [60, 84]),
        ("address", json!("東京都😀"), [61, 85]),
        ("address", long(56), [62, 86]),
        ("tel", json!(""), [63, 87]),
        ("tel", json!("０９０００００１２３４"), [64, 88]),
        ("tel", json!("+819000001234"), [64, 88]),
        ("tel", json!("9000001234"), [65, 89]),
        ("tel", json!("090-00001234-"), [65, 89]),
        ("tel", json!("090--00001234"), [65, 89]),
        ("tel", json!("0900000123"), [66, 90]),
        ("tel", json!("050-0000-12345"), [66, 90]),
        ("tel", json!("031234567"), [67, 91]),
        ("tel", json!("03123456789"), [67, 91]),
    ]
}

#[test]
fn each_violation_of_a_registration_is_refused() {
    let mut rules: Vec<(String, Value, &str)> = Vec::new();
    let mut rule = |what: &str, row: Value, code: &'static str| rules.push((what.to_owned(), row, code));
    let at = |place: &str, value: Value| set(order("R"), place, value);
    rule("id of 41", order(&"R".repeat(41)), "E0100003");
    rule("id with a control character", order("R\n"), "E0100002");
    rule("date with slashes", at("/shop_order_date", json!("2026/04/01")), "E0100901");
    rule("a day that is not", at("/shop_order_date", json!("2026-02-29")), "E0100901");
    rule("no date", without(order("R"), "/shop_order_date"), "E0100901");
    rule("no settlement type", without(order("R"), "/settlement_type"), "E0100902");
    rule("settlement type 2", at("/settlement_type", json!("2")), "E0100902");
    rule("site name of 51", at("/site_name", json!("あ".repeat(51))), "E0100903");
    rule("site name with a line break", at("/site_name", json!("見本\n店")), "E0100903");
    rule("site URL of 101", at("/site_url", json!("a".repeat(101))), "E0100904");
    rule("site URL in Japanese", at("/site_url", json!("https://見本.jp")), "E0100904");
    rule("no amount", without(order("R"), "/billed_amount"), "E0100905");
    rule("amount of nothing", at("/billed_amount", json!(0)), "E0100905");
    rule("amount below nothing", at("/billed_amount", json!(-1)), "E0100905");
    rule("no goods", at("/goods", json!([])), "E0100906");
    rule("goods left out", without(order("R"), "/goods"), "E0100906");
    rule("goods without a name", without(order("R"), "/goods/0/goods_name"), "E0100907");
    rule("goods name of 151", at("/goods/0/goods_name", json!("あ".repeat(151))), "E0100907");
    rule("goods name with an emoji", at("/goods/0/goods_name", json!("茶😀")), "E0100907");
    rule("goods without a price", without(order("R"), "/goods/0/goods_price"), "E0100908");
    rule("goods without a quantity", without(order("R"), "/goods/0/quantity"), "E0100909");
    rule("no pieces", at("/goods/0/quantity", json!(0)), "E0100909");
    rule("another sum", at("/billed_amount", json!(1233)), "E0102004");
    rule("another quantity", at("/goods/0/quantity", json!(3)), "E0102004");
    rule("more than any sum", at("/goods", vec![most(); 3].into()), "E0102004");
    rule("mail in Japanese", at("/customer/email", json!("花子@example.jp")), "E0100069");
    rule("mail of 101", at("/customer/email", json!("a".repeat(93) + "@a.co.jp")), "E0100070");
    rule("mail without @", at("/customer/email", json!("hanako")), "E0100071");
    rule("mail of a recipient", set(gift("R"), "/dest_customer/email", "a@a.jp"), "EPRO0107");
    for (what, row, code) in rules {
        let id = row["shop_transaction_id"].as_str().unwrap().to_owned();
        let request = received(REGISTER, &[row]);
        assert_refused(&what, &mut Desk::default(), "transactions", &request, code, Some(&id));
    }
    for (member, value, codes) in person_rules() {
        for (person, code) in ["customer", "dest_customer"].into_iter().zip(codes) {
            let row = set(gift("R"), &format!("/{person}/{member}"), value.clone());
            let (what, code) = (format!("{person}.{member} {value}"), format!("E01{code:05}"));
            let request = received(REGISTER, &[row]);
            assert_refused(&what, &mut Desk::default(), "transactions", &request, &code, Some("R"));
        }
    }
}

/// A line of the largest amount that a number can hold.
fn most() -> Value {
    json!({ "goods_name": "金", "goods_price": i64::MAX, "quantity": i64::MAX })
}

#[test]
fn some_merchants_have_to_send_the_mail_address() {
    let mut desk = Desk { provider: Np { email_required: true, ..Np::default() }, ..Desk::default() };
    desk.register(order("R"));
    let request = received(REGISTER, &[without(order("S"), "/customer/email")]);
    assert_refused("no mail", &mut desk, "transactions", &request, "E0100068", Some("S"));
}

#[test]
fn a_row_names_everything_that_is_wrong_with_it() {
    let row = without(without(order("R"), "/customer"), "/goods");
    let codes = Desk::default().codes(REGISTER, row);
    assert_eq!(codes, ["E0100048", "E0100057", "E0100060", "E0100063", "E0100906"]);
}

#[test]
fn a_request_that_cannot_be_read_row_by_row_is_refused_whole() {
    let raw = |body: &str| Received { body: body.to_owned().into(), ..received(REGISTER, &[]) };
    let row = order("R").to_string();
    let other_type = |place, value| json!({ "transactions": [order("S"), set(order("R"), place, value)] }).to_string();
    let many = |count| (0..count).map(|number| order(&format!("R{number}"))).collect::<Vec<_>>();
    let rules: Vec<(&str, Received, &str, Option<&str>)> = vec![
        ("no rows", raw("{\"transactions\":[]}"), "EPRO0101", None),
        ("1001 rows", received(REGISTER, &many(MAX_TRANSACTIONS + 1)), "EPRO0102", None),
        ("no id", received(REGISTER, &[order("S"), without(order("R"), "/shop_transaction_id")]), "EPRO0105", None),
        ("empty id", received(REGISTER, &[order("")]), "EPRO0105", None),
        ("id twice", received(REGISTER, &[order("R"), order("S"), order("R")]), "EPRO0106", Some("R")),
        ("not JSON", raw("transactions=1"), "EPRO0107", None),
        ("nothing", raw(""), "EPRO0107", None),
        ("something behind it", raw(&format!("{{\"transactions\":[{row}]}} x")), "EPRO0107", None),
        ("half of it", raw(&format!("{{\"transactions\":[{row}")), "EPRO0107", None),
        ("no transactions", raw("{}"), "EPRO0107", None),
        ("one without a list", raw(&format!("{{\"transactions\":{row}}}")), "EPRO0107", None),
        ("another member beside it", raw(&format!("{{\"transactions\":[{row}],\"x\":1}}")), "EPRO0107", None),
        ("amount as text", raw(&other_type("/billed_amount", json!("1232"))), "EPRO0107", None),
        ("amount with a fraction", raw(&other_type("/billed_amount", json!(1232.5))), "EPRO0107", None),
        ("amount null", raw(&other_type("/billed_amount", Value::Null)), "EPRO0107", None),
        ("price as text", raw(&other_type("/goods/0/goods_price", json!("300"))), "EPRO0107", None),
        ("type as number", raw(&other_type("/settlement_type", json!(2))), "EPRO0107", None),
        ("kana null", raw(&other_type("/customer/customer_name_kana", Value::Null)), "EPRO0107", None),
        ("recipient null", raw(&other_type("/dest_customer", Value::Null)), "EPRO0107", None),
        ("unknown member", raw(&other_type("/shop_code", json!("1"))), "EPRO0107", None),
        ("unknown member of the buyer", raw(&other_type("/customer/fax", json!("1"))), "EPRO0107", None),
        ("unknown member of the goods", raw(&other_type("/goods/0/tax", json!(10))), "EPRO0107", None),
        (
            "a member twice",
            raw(&format!("{{\"transactions\":[{}]}}", row.replacen('{', "{\"site_name\":\"店\",", 1))),
            "EPRO0107",
            None,
        ),
    ];
    for (rule, request, code, id) in rules {
        assert_refused(rule, &mut Desk::default(), "transactions", &request, code, id);
    }
    let not_utf8 = Received { body: b"{\"transactions\":[{\"site_name\":\"\x83\x84\"}]}".to_vec().into(), ..raw("") };
    assert_refused("Shift_JIS", &mut Desk::default(), "transactions", &not_utf8, "EPRO0107", None);
}

#[test]
fn a_thousand_full_rows_fit() {
    let mut desk = Desk::default();
    let long = |count: usize| json!("あ".repeat(count));
    let row = |number: usize| {
        let line = json!({ "goods_name": "あ".repeat(40), "goods_price": 200, "quantity": 1 });
        let rest = json!({ "goods_name": "送料", "goods_price": 232, "quantity": 1 });
        let goods = [vec![line; 5], vec![rest]].concat();
        let row = set(gift(&format!("SHOP-{number:035}")), "/goods", goods);
        set(set(row, "/customer/address", long(55)), "/dest_customer/address", long(55))
    };
    let rows: Vec<Value> = (0..MAX_TRANSACTIONS).map(row).collect();
    let request = received(REGISTER, &rows);
    assert!(request.body.len() < MAX_BODY, "{}", request.body.len());
    let (status, body) = desk.receive(&request);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, MAX_TRANSACTIONS));
    assert_eq!(desk.ledger.live().count(), MAX_TRANSACTIONS);
    let last = &body["results"][MAX_TRANSACTIONS - 1];
    assert_eq!(last["shop_transaction_id"], rows[MAX_TRANSACTIONS - 1]["shop_transaction_id"], "in order");
}

#[test]
fn some_rows_are_done_and_some_refused() {
    for partial in [Np::default().partial, 200] {
        let mut desk = Desk { provider: Np { partial, ..Np::default() }, ..Desk::default() };
        let wrong = set(order("B"), "/billed_amount", 1);
        let (status, body) = desk.ask(REGISTER, &[order("A"), wrong, order("C")]);
        assert_eq!(status, partial);
        let results = body["results"].as_array().unwrap();
        let done: Vec<&Value> = results.iter().map(|row| &row["shop_transaction_id"]).collect();
        assert_eq!(done, ["A", "C"]);
        assert_eq!(body["errors"], json!([{ "codes": ["E0102004"], "id": "B" }]));
        let live: Vec<&str> = desk.ledger.live().map(|live| live.reference.as_str()).collect();
        assert_eq!(live, ["A", "C"]);
    }
    assert_eq!(Np::default().partial, 400);
}

#[test]
fn who_is_asking_is_known_by_user_password_and_terminal() {
    let mut ledger = Ledger::default();
    let provider = Np::default();
    let valid = received(REGISTER, &[order("R")]);
    let with = |name: &str, value: Option<&str>| {
        let mut request = valid.clone();
        request.headers.retain(|(key, _)| key != name);
        request.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        request
    };
    let to = |method: &str, path: &str| Received { method: method.to_owned(), path: path.to_owned(), ..valid.clone() };
    let cases = [
        (401, with("authorization", None)),
        (401, with("authorization", Some("Basic OTkwMDAwMTp4"))),
        (401, with("authorization", Some("Bearer OTkwMDAwMTpzcDk5MDAwMDE="))),
        (403, with("x-np-terminal-id", None)),
        (403, with("x-np-terminal-id", Some("9000000002"))),
        (415, with("content-type", None)),
        (415, with("content-type", Some("application/x-www-form-urlencoded"))),
        (415, with("content-type", Some("application/json; charset=Shift_JIS"))),
        (404, to("POST", "/transactions")),
        (404, to("POST", "/v1/transactions?x=1")),
        (404, to("POST", "/v1/transactions/reregister")),
        (405, to("PUT", "/v1/transactions")),
        (405, to("POST", "/v1/transactions/cancel")),
        (405, to("PATCH", "/v1/shipments")),
    ];
    for (status, request) in cases {
        assert_eq!(provider.answer(&mut ledger, &request).status, status, "{request:?}");
    }
    assert_eq!(ledger, Ledger::default());
    let passes = with("content-type", Some("application/json; charset=UTF-8"));
    assert_eq!(provider.answer(&mut ledger, &passes).status, 200);
}

/// An empty list to find: 400 where the credentials are good.
#[test]
fn the_connection_can_be_tested_without_a_transaction() {
    let mut desk = Desk::default();
    assert_refused("empty", &mut desk, "find", &received(FIND, &[]), "EPRO0101", None);
    desk.provider.sp_code = "changed".to_owned();
    assert_eq!(desk.provider.answer(&mut desk.ledger, &received(FIND, &[])).status, 401);
}

#[test]
fn the_verdict_follows_the_table() {
    let mut desk = Desk::default();
    for (digits, at_once, asked) in [
        ("1234", "00", ["00", "00"]),
        ("9001", "20", ["20", "20"]),
        ("9002", "40", ["50", "00"]),
        ("9003", "40", ["50", "20"]),
        ("9004", "10", ["10", "10"]),
        ("9005", "40", ["50", "50"]),
        ("9006", "77", ["77", "77"]),
    ] {
        let (_, body) = desk.ask(REGISTER, &[phone(digits, digits)]);
        let row = &body["results"][0];
        assert_eq!(row["authori_result"], at_once, "{digits}");
        let id = row["np_transaction_id"].as_str().unwrap().to_owned();
        for code in asked {
            let (status, body) = desk.ask(FIND, &[named(&id)]);
            let row = &body["results"][0];
            assert_eq!((status, &row["authori_result"]), (200, &json!(code)), "{digits}");
            assert_eq!((&row["np_transaction_id"], &row["shop_transaction_id"]), (&json!(id), &json!(digits)));
            let ng = (code == "20").then(|| json!("NG001"));
            let hold = (code == "10").then(|| json!(["RE009", "RE021"]));
            assert_eq!((row.get("authori_ng"), row.get("authori_hold")), (ng.as_ref(), hold.as_ref()), "{digits}");
        }
    }
}

#[test]
fn reasons_can_be_any() {
    let provider = Np { ng: "NG999".to_owned(), hold: vec!["RE031".to_owned()], ..Np::default() };
    let mut desk = Desk { provider, ..Desk::default() };
    let (_, body) = desk.ask(REGISTER, &[phone("A", "9001"), phone("B", "9004")]);
    assert_eq!(body["results"][0]["authori_ng"], "NG999");
    assert_eq!(body["results"][1]["authori_hold"], json!(["RE031"]));
}

#[test]
fn two_registrations_are_two_claims() {
    let mut desk = Desk::default();
    desk.register(order("SHOP-1"));
    let (status, body) = desk.ask(REGISTER, &[order("SHOP-1"), order("SHOP-2")]);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, 2), "{body}");
    assert_eq!(body["errors"], json!([{ "codes": ["E0100998"], "id": "SHOP-1" }]), "only a warning");
    assert_eq!(desk.ledger.doubled(), [("SHOP-1", 2)].into());
    assert!(desk.ledger.refusals.is_empty());
    // Another amount is another order, without a word.
    let other = set(set(order("SHOP-1"), "/billed_amount", 1332), "/goods/2/goods_price", 832);
    desk.register(other);
    assert_eq!(desk.ledger.doubled(), [("SHOP-1", 3)].into());
}

#[test]
fn a_transaction_is_changed_and_judged_again() {
    let mut desk = Desk::default();
    let id = desk.buyer("R", "9004");
    let change = |more: Value| {
        let mut row = named(&id);
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let corrected = change(json!({ "customer": order("R")["customer"] }));
    let (status, body) = desk.ask(UPDATE, &[corrected]);
    assert_eq!((status, &body["results"][0]["authori_result"]), (200, &json!("00")), "the way out of 保留: {body}");
    let goods = json!([{ "goods_name": "茶", "goods_price": 1000, "quantity": 1 }]);
    desk.ask(UPDATE, &[change(json!({ "billed_amount": 1000, "goods": goods }))]);
    assert_eq!(desk.ledger.find(&id).unwrap().billed_amount, 1000);
    for (code, more) in [
        ("E0102004", json!({ "billed_amount": 999, "goods": goods })),
        ("E0100906", json!({ "billed_amount": 1000 })),
        ("E0100901", json!({ "shop_order_date": "2026/04/01" })),
        ("E0100048", json!({ "customer": set(order("R")["customer"].clone(), "/customer_name", "") })),
    ] {
        assert_eq!(desk.codes(UPDATE, change(more)), [code]);
    }
    assert_eq!(desk.codes(UPDATE, named("26999999999")), ["E0100113"]);
    desk.ask(SHIP, &[shipping(&id)]);
    assert_eq!(desk.codes(UPDATE, change(json!({ "site_name": "見本店" }))), ["E0100115"]);
}

#[test]
fn each_violation_of_the_other_calls_is_refused() {
    let mut desk = Desk::default();
    let id = desk.register(order("R"));
    let wiz = desk.register(set(order("W"), "/settlement_type", "03"));
    let ship = |member: &str, value: &str| set(shipping(&id), &format!("/{member}"), value);
    let bill = |id: &str, date: &str| set(shipping(id), "/bill_issued_date", date);
    let mut rules = vec![
        ("shipments", SHIP, without(shipping(&id), "/pd_company_code"), "E0100105"),
        ("shipments", SHIP, ship("pd_company_code", "ヤマト"), "E0100106"),
        ("shipments", SHIP, ship("pd_company_code", "5901"), "E0100107"),
        ("shipments", SHIP, ship("pd_company_code", "59011"), "E0100108"),
        ("shipments", SHIP, without(shipping(&id), "/slip_no"), "E0100109"),
        ("shipments", SHIP, ship("slip_no", &"1".repeat(21)), "E0100110"),
        ("shipments", SHIP, ship("slip_no", "1234 5678"), "E0100110"),
        ("shipments", SHIP, ship("slip_no", "１２３４"), "E0100110"),
        ("shipments", SHIP, bill(&wiz, "2026/04/02"), "EPRO0109"),
        ("shipments", SHIP, bill(&wiz, "2026-04-31"), "E0100111"),
        ("shipments", SHIP, bill(&wiz, "2026-03-31"), "E0100124"),
        ("shipments", SHIP, bill(&wiz, "2027-04-03"), "E0100126"),
        ("shipments", SHIP, bill(&id, "2026-04-02"), "E0100143"),
    ];
    for (operation, path) in [("find", FIND), ("cancel", CANCEL), ("payments", PAYMENTS)] {
        rules.push((operation, path, named("2600000000X"), "E0100002"));
        rules.push((operation, path, named("2600000001"), "E0100003"));
        rules.push((operation, path, named("26999999999"), "E0100113"));
    }
    rules.push(("shipments", SHIP, shipping("2600000000X"), "E0100002"));
    rules.push(("shipments", SHIP, shipping("2600000001"), "E0100003"));
    rules.push(("shipments", SHIP, shipping("26999999999"), "E0100113"));
    for (operation, path, row, code) in rules {
        let about = row["np_transaction_id"].as_str().unwrap().to_owned();
        let what = format!("{operation} {row}");
        assert_refused(&what, &mut desk, operation, &received(path, &[row]), code, Some(&about));
    }
    for (operation, path) in [("find", FIND), ("cancel", CANCEL), ("shipments", SHIP), ("payments", PAYMENTS)] {
        let whole = [
            (vec![], "EPRO0101", None),
            (vec![named("26000000001"); MAX_TRANSACTIONS + 1], "EPRO0102", None),
            (vec![json!({})], "EPRO0105", None),
            (vec![named(&id), named(&wiz), named(&id)], "EPRO0106", Some(id.as_str())),
            (vec![json!({ "np_transaction_id": 26000000001_u64 })], "EPRO0107", None),
            (vec![json!({ "shop_transaction_id": "R" })], "EPRO0107", None),
        ];
        for (rows, code, about) in whole {
            assert_refused(operation, &mut desk, operation, &received(path, &rows), code, about);
        }
    }
}

#[test]
fn tracking_is_reported_after_an_approval_and_once() {
    let mut desk = Desk::default();
    let id = desk.register(order("R"));
    let (status, body) = desk.ask(SHIP, &[shipping(&id)]);
    assert_eq!((status, body), (200, json!({ "results": [{ "np_transaction_id": id }] })));
    let shipment = Shipment { carrier: "59010".to_owned(), slip: "1234-5678-9012".to_owned() };
    assert_eq!(desk.ledger.find(&id).unwrap().shipment, Some(shipment.clone()));
    assert_eq!(desk.codes(SHIP, set(shipping(&id), "/slip_no", "2")), ["E0100115"]);
    assert_eq!(desk.ledger.find(&id).unwrap().shipment, Some(shipment), "the first one stays");

    for digits in ["9001", "9002", "9004", "9006"] {
        let id = desk.buyer(digits, digits);
        assert_eq!(desk.codes(SHIP, shipping(&id)), ["E0100120"], "{digits}");
        assert_eq!(desk.ledger.find(&id).unwrap().shipment, None, "{digits}");
    }
    let id = desk.buyer("B", "9008");
    assert_eq!(desk.codes(SHIP, shipping(&id)), ["E0100131"]);
    let id = desk.register(set(phone("C", "9008"), "/settlement_type", "03"));
    assert_eq!(desk.codes(SHIP, shipping(&id)), ["E0100121"], "its print data");
    let id = desk.register(order("D"));
    desk.ask(CANCEL, &[named(&id)]);
    assert_eq!(desk.codes(SHIP, shipping(&id)), ["E0100114"]);
}

#[test]
fn every_carrier_and_form_of_slip_passes() {
    let carriers = [
        "50000", "59010", "59041", "59040", "59150", "59030", "59050", "59060", "59020", "59080", "59090", "59110",
        "59140", "59100", "59042", "59043", "59160", "55555",
    ];
    let mut desk = Desk::default();
    for carrier in carriers {
        let id = desk.register(order(carrier));
        let slip = "Ab-4567890".repeat(2);
        let row = json!({ "np_transaction_id": id, "pd_company_code": carrier, "slip_no": slip });
        let (status, body) = desk.ask(SHIP, &[row]);
        assert_eq!(status, 200, "{carrier}: {body}");
        assert_eq!(desk.ledger.find(&id).unwrap().shipment, Some(Shipment { carrier: carrier.to_owned(), slip }));
    }
    let id = desk.register(order("by our own van"));
    assert_eq!(desk.ask(SHIP, &[json!({ "np_transaction_id": id, "pd_company_code": "55555" })]).0, 200);
    let id = desk.register(set(order("wiz"), "/settlement_type", "03"));
    assert!(desk.ledger.find(&id).unwrap().enclosed);
    assert_eq!(desk.ask(SHIP, &[set(shipping(&id), "/bill_issued_date", "2026-04-01")]).0, 200);
}

#[test]
fn a_cancel_is_possible_until_the_customer_has_paid() {
    let mut desk = Desk::default();
    for digits in ["1234", "9001", "9002", "9004", "9006"] {
        let id = desk.buyer(digits, digits);
        let (status, body) = desk.ask(CANCEL, &[named(&id)]);
        assert_eq!((status, body), (200, json!({ "results": [{ "np_transaction_id": id }] })), "{digits}");
        assert!(desk.ledger.find(&id).unwrap().cancelled, "{digits}");
        for path in [CANCEL, FIND, PAYMENTS] {
            assert_eq!(desk.codes(path, named(&id)), ["E0100114"], "{path}");
        }
    }
    let shipped = desk.register(order("shipped"));
    desk.ask(SHIP, &[shipping(&shipped)]);
    let stuck = desk.buyer("stuck", "9007");
    let paid = desk.register(order("paid"));
    desk.ledger.registrations.get_mut(&paid).unwrap().paid = Some("2026-05-01".to_owned());
    let (status, body) = desk.ask(CANCEL, &[&shipped, &stuck, &paid].map(|id| named(id)));
    assert_eq!((status, &body["results"]), (400, &json!([{ "np_transaction_id": shipped }])));
    let errors = json!([{ "codes": ["E0100131"], "id": stuck }, { "codes": ["E0100118"], "id": paid }]);
    assert_eq!(body["errors"], errors);
    let live: Vec<&str> = desk.ledger.live().map(|live| live.reference.as_str()).collect();
    assert_eq!(live, ["stuck", "paid"]);
}

#[test]
fn payments_are_told_by_day() {
    let mut desk = Desk::default();
    let (open, paid) = (desk.register(order("A")), desk.register(order("B")));
    desk.ledger.registrations.get_mut(&paid).unwrap().paid = Some("2026-05-01".to_owned());
    let row = |id: &str, status: &str, date: &str| json!({ "np_transaction_id": id, "payment_status": status, "customer_payment_date": date });
    let (_, body) = desk.ask(PAYMENTS, &[named(&open), named(&paid)]);
    assert_eq!(body["results"], json!([row(&open, "10", ""), row(&paid, "20", "2026-05-01")]));
    assert_eq!(desk.ledger.find(&open).unwrap().asks, 0, "not a question about the verdict");
}

#[test]
fn asking_counts_and_decides() {
    let mut desk = Desk::default();
    let id = desk.buyer("R", "9002");
    desk.ask(FIND, &[named(&id)]);
    assert_eq!(desk.ledger.find(&id).unwrap().verdict, Verdict::UnderReview);
    desk.ask(FIND, &[named(&id)]);
    let registration = desk.ledger.find(&id).unwrap();
    assert_eq!((registration.asks, registration.verdict), (2, Verdict::Approved));
}

#[test]
fn only_a_refused_address_has_words() {
    let told = |trouble| Np::default().trouble("transactions", trouble).map(|answer| answer.status);
    let troubles = [Trouble::AddressRefused, Trouble::SystemFailure, Trouble::Maintenance];
    assert_eq!(troubles.map(told), [Some(403), None, None]);
}

#[tokio::test]
async fn each_answer_that_can_be_twisted_is() {
    let gateway = Gateway::start(Np::default(), Options::default()).await.unwrap();
    let origin = gateway.origin();
    assert_eq!(gateway.base(), format!("{origin}/v1"));
    request(&origin, &received(REGISTER, &[order("R")])).await;
    let (id, other) = ("26000000001", "\"np_transaction_id\":\"99999999999\"");
    let cases = [
        (
            "other-reference@transactions",
            received(REGISTER, &[order("S")]),
            "\"shop_transaction_id\":\"OTHER-REFERENCE\"",
        ),
        ("unknown-code@transactions", received(REGISTER, &[order("T")]), "\"authori_result\":\"88\""),
        ("other-reference@find", received(FIND, &[named(id)]), other),
        ("unknown-code@find", received(FIND, &[named(id)]), "\"authori_result\":\"88\""),
        ("other-reference@payments", received(PAYMENTS, &[named(id)]), other),
        ("unknown-code@payments", received(PAYMENTS, &[named(id)]), "\"payment_status\":\"88\""),
        ("other-reference@update", received(UPDATE, &[named(id)]), other),
        ("unknown-code@update", received(UPDATE, &[named(id)]), "\"authori_result\":\"88\""),
        ("other-reference@shipments", received(SHIP, &[shipping(id)]), other),
        ("other-reference@cancel", received(CANCEL, &[named(id)]), other),
    ];
    assert_eq!(cases.len(), Np::default().twists().len());
    for (number, (text, asked, wanted)) in cases.into_iter().enumerate() {
        gateway.plan(format!("{text}:nth=1").parse().unwrap()).unwrap();
        let seen = request(&origin, &asked).await;
        assert!(seen.status() == 200 && seen.text().contains(wanted), "{text}: {}", seen.text());
        assert_eq!(gateway.fault_hits(), number + 1, "{text}");
    }
    for pointless in ["other-amount", "unknown-code@cancel", "maintenance", "system-failure", "wrong-charset"] {
        assert!(gateway.plan(pointless.parse().unwrap()).is_err(), "{pointless}");
    }
}

#[tokio::test]
async fn a_plan_for_one_order_follows_it_through_its_batches() {
    let gateway = Gateway::start(Np::default(), Options::default()).await.unwrap();
    let origin = gateway.origin();
    gateway.plan("drop-answer:reference=R".parse().unwrap()).unwrap();
    assert_eq!(request(&origin, &received(REGISTER, &[order("Q"), order("R")])).await.status(), 0);
    assert_eq!(request(&origin, &received(REGISTER, &[order("S")])).await.status(), 200);
    assert_eq!(request(&origin, &received(FIND, &[named("26000000001")])).await.status(), 200);
    assert_eq!(request(&origin, &received(FIND, &[named("26000000002")])).await.status(), 0, "by its transaction id");
    assert_eq!((gateway.fault_hits(), gateway.ledger().live().count()), (2, 3));
}
