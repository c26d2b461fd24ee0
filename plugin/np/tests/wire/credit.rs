//! 与信を実行: the transaction, the limits of an order, verdicts and holds, and which row gets which.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::{REFERENCE, item, kind, kinds, known_text, only, pairs, party, problems, run};

/// An answer row for `reference`, with `more`.
fn row(reference: &str, id: &str, result: &str, more: Value) -> Value {
    let mut row = json!({ "shop_transaction_id": reference, "np_transaction_id": id, "authori_result": result });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

fn approved(reference: &str, id: &str) -> Value {
    row(reference, id, "00", json!({ "authori_ng": null, "authori_hold": [] }))
}

/// The result of registering `order` with `settings` at a gateway that approves everything, and what it was sent.
fn transaction(order: Order, settings: &[(&str, &str)]) -> (Result<Decision, Failure>, Vec<Request>) {
    let gateway = answering(answer(vec![approved(REFERENCE, ID)], vec![]));
    let result = only(run(provider::credit::<Np, _>(&call(&gateway, settings), &[order])));
    (result, gateway.sent())
}

fn registered(order: Order, settings: &[(&str, &str)]) -> Value {
    let (result, requests) = transaction(order, settings);
    assert!(result.is_ok(), "{result:?}");
    only(sent(&only(requests)))
}

/// What `answer` makes of [`order`].
fn credit(answer: Result<Response, SendError>) -> Result<Decision, Failure> {
    only(run(provider::credit::<Np, _>(&call(&answering(answer), &[]), &[order()])))
}

fn long(length: usize) -> String {
    "髙".repeat(length)
}

#[test]
fn a_plain_order_goes_out_with_every_required_member() {
    let (result, requests) = transaction(order(), &[]);
    assert_eq!(result, Ok(Decision { transaction_id: Some(ID.to_owned()), verdict: Verdict::Approved }));
    let request = only(requests);
    let url = "https://cp.np-payment-gateway.com/v1/transactions";
    assert_eq!((request.method, request.url.as_str()), ("POST", url));
    let expected = r#"{"transactions":[{"shop_transaction_id":"SHOP-20261124-1","shop_order_date":"2026-11-24","settlement_type":"02","billed_amount":1590,"customer":{"customer_name":"試験 花子","zip_code":"1050011","address":"東京都港区芝公園9-99-9 例示ビル101","tel":"0300000000"},"goods":[{"goods_name":"茶碗","goods_price":500,"quantity":2},{"goods_name":"送料","goods_price":260,"quantity":1},{"goods_name":"手数料","goods_price":330,"quantity":1}]}]}"#;
    assert_eq!(String::from_utf8(request.body).unwrap(), expected);
}

#[test]
fn everything_optional_goes_out_where_it_belongs() {
    let mut order = order();
    order.buyer.name_kana = Some("シケン ハナコ".to_owned());
    order.buyer.email = Some("hanako@example.com".to_owned());
    order.buyer.company = Some("例示商事".to_owned());
    order.buyer.department = Some("総務部".to_owned());
    let email = Some("taro@example.com".to_owned());
    order.recipient =
        Some(Party { name_kana: Some("ミホン タロウ".to_owned()), email, ..party("見本 太郎") });
    order.invoice = InvoiceDelivery::Enclosed;
    order.items = vec![item("茶", 1_200, 1), item("割引", -200, 1)];
    order.shipping_fee = 0;
    order.billed_amount = 1_330;
    let sent = registered(order, &[("site-name", "例示茶舗"), ("site-url", "https://shop.example")]);
    assert_eq!(sent["settlement_type"], "03");
    assert_eq!((&sent["site_name"], &sent["site_url"]), (&json!("例示茶舗"), &json!("https://shop.example")));
    let customer = json!({
        "customer_name": "試験 花子", "customer_name_kana": "シケン ハナコ", "company_name": "例示商事",
        "department_name": "総務部", "zip_code": "1050011", "address": "東京都港区芝公園9-99-9 例示ビル101",
        "tel": "0300000000", "email": "hanako@example.com",
    });
    assert_eq!(sent["customer"], customer);
    let recipient = json!({
        "customer_name": "見本 太郎", "customer_name_kana": "ミホン タロウ", "zip_code": "1050011",
        "address": "東京都港区芝公園9-99-9 例示ビル101", "tel": "0300000000",
    });
    assert_eq!(sent["dest_customer"], recipient, "without an e-mail address");
    let goods = json!([
        { "goods_name": "茶", "goods_price": 1200, "quantity": 1 },
        { "goods_name": "割引", "goods_price": -200, "quantity": 1 },
        { "goods_name": "手数料", "goods_price": 330, "quantity": 1 },
    ]);
    assert_eq!(sent["goods"], goods, "no shipping is no line");
}

#[test]
fn a_recipient_who_is_the_buyer_is_no_recipient() {
    let mut same = order();
    same.recipient =
        Some(Party { phone: "０３−００００−００００".to_owned(), ..party("試験　花子") });
    assert_eq!(registered(same, &[]).get("dest_customer"), None);
}

#[test]
fn look_alikes_are_folded_and_long_item_names_cut() {
    let mut odd = order();
    odd.buyer.name = "ハ\u{309a}ーク 〜".to_owned();
    odd.buyer.phone = "０９０ー１２３４−５６７８".to_owned();
    odd.items[0].name = long(151);
    let sent = registered(odd, &[]);
    assert_eq!(sent["customer"]["customer_name"], "パーク ～");
    assert_eq!(sent["customer"]["tel"], "09012345678");
    assert_eq!(sent["goods"][0]["goods_name"], long(150));
}

/// Spoils an order.
type Spoil = fn(&mut Order);

#[test]
fn each_limit_is_held_from_both_sides() {
    let at_the_limit: [Spoil; 13] = [
        |o| o.buyer.name = long(21),
        |o| o.buyer.name_kana = Some(long(25)),
        |o| o.buyer.name_kana = Some(" ".to_owned()),
        |o| o.buyer.company = Some(long(30)),
        |o| o.buyer.department = Some(long(30)),
        |o| o.buyer.address.street = long(50),
        |o| o.buyer.address.postal_code = "1050011".to_owned(),
        |o| o.buyer.phone = "090-1234-5678".to_owned(),
        |o| o.buyer.email = Some("a".repeat(95) + "@b.jp"),
        |o| o.items[0].name = long(150),
        |o| o.items.push(item("無料", 0, 9_999_999)),
        |o| o.recipient = Some(party(&long(21))),
        |o| {
            o.items = vec![item("高", 1_000_000_000, 1)];
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 1_000_000_000);
        },
    ];
    for (at, spoil) in at_the_limit.iter().enumerate() {
        let mut order = order();
        spoil(&mut order);
        let (result, _) = transaction(order, &[]);
        assert!(result.is_ok(), "case {at}: {result:?}");
    }
    let beyond: [(&str, &str, Spoil); 35] = [
        ("reference", "reference", |o| o.reference = "A".repeat(21)),
        ("ordered-on", "not-a-date", |o| o.ordered_on.day = 31),
        ("billed-amount", "not-the-sum", |o| o.billed_amount += 1),
        ("billed-amount", "out-of-range", |o| {
            o.items.push(item("割引", -1_590, 1));
            o.billed_amount = 0;
        }),
        ("buyer.name", "required", |o| o.buyer.name = " ".to_owned()),
        ("buyer.name", "too-long", |o| o.buyer.name = long(22)),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some(long(26))),
        ("buyer.company", "too-long", |o| o.buyer.company = Some(long(31))),
        ("buyer.department", "too-long", |o| o.buyer.department = Some(long(31))),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-001".to_owned()),
        ("buyer.address.prefecture", "required", |o| o.buyer.address.prefecture.clear()),
        ("buyer.address.city", "required", |o| o.buyer.address.city.clear()),
        ("buyer.address", "too-long", |o| o.buyer.address.street = long(51)),
        ("buyer.phone", "required", |o| o.buyer.phone.clear()),
        ("buyer.phone", "phone", |o| o.buyer.phone = "03-1234-56789".to_owned()),
        ("buyer.phone", "phone", |o| o.buyer.phone = "090-1234-567".to_owned()),
        ("buyer.email", "too-long", |o| o.buyer.email = Some("a".repeat(96) + "@b.jp")),
        ("buyer.email", "email", |o| o.buyer.email = Some("花子@example.com".to_owned())),
        ("recipient.name", "required", |o| o.recipient = Some(party(""))),
        ("recipient.name", "too-long", |o| o.recipient = Some(party(&long(22)))),
        ("recipient.name-kana", "too-long", |o| {
            o.recipient = Some(Party { name_kana: Some(long(26)), ..party("見本 太郎") });
        }),
        ("recipient.company", "too-long", |o| {
            o.recipient = Some(Party { company: Some(long(31)), ..party("見本 太郎") });
        }),
        ("recipient.department", "too-long", |o| {
            o.recipient = Some(Party { department: Some(long(31)), ..party("見本 太郎") });
        }),
        ("recipient.phone", "phone", |o| {
            o.recipient = Some(Party { phone: "110".to_owned(), ..party("見本 太郎") });
        }),
        ("recipient.address", "too-long", |o| {
            o.recipient = Some(party("見本 太郎"));
            o.recipient.as_mut().unwrap().address.street = long(51);
        }),
        ("items[0].name", "required", |o| o.items[0].name.clear()),
        ("items[0].name", "characters", |o| o.items[0].name = "茶😀".to_owned()),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 0))),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 10_000_000))),
        ("billed-amount", "not-the-sum", |o| o.items[0].quantity = 3),
        ("shipping-fee", "out-of-range", |o| (o.shipping_fee, o.billed_amount) = (-1, 1_329)),
        ("payment-fee", "out-of-range", |o| (o.payment_fee, o.billed_amount) = (-1, 1_259)),
        ("items", "required", |o| {
            o.items.clear();
            o.billed_amount = 590;
        }),
        ("items[0].unit-price", "out-of-range", |o| {
            o.items = vec![item("高", 1_000_000_001, 1), item("引", -1, 1)];
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 1_000_000_000);
        }),
        ("items[0].unit-price", "out-of-range", |o| {
            o.items = vec![item("引", -1_000_000_001, 1), item("高", 1_000_000_000, 1), item("一", 2, 1)];
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 1);
        }),
    ];
    for (field, code, spoil) in beyond {
        let mut order = order();
        spoil(&mut order);
        let gateway = silent();
        let result = only(run(provider::credit::<Np, _>(&call(&gateway, &[]), &[order])));
        assert_eq!(problems(result), pairs(&[(field, code)]));
    }
}

#[test]
fn an_email_address_is_required_where_the_contract_says_so() {
    let required = [("email-required", "on")];
    let (result, requests) = transaction(order(), &required);
    assert_eq!(problems(result), pairs(&[("buyer.email", "required")]));
    assert!(requests.is_empty());
    let mut order = order();
    order.buyer.email = Some("hanako@example.com".to_owned());
    assert_eq!(registered(order, &required)["customer"]["email"], "hanako@example.com");
}

fn verdict_of(result: &str, more: Value) -> Verdict {
    let decision = credit(answer(vec![row(REFERENCE, ID, result, more)], vec![])).unwrap();
    assert_eq!(decision.transaction_id.as_deref(), Some(ID), "the id is kept whatever the verdict");
    decision.verdict
}

#[test]
fn each_verdict_is_read() {
    assert_eq!(verdict_of("00", json!({})), Verdict::Approved);
    assert_eq!(verdict_of("40", json!({ "authori_required_date": "2026-11-25" })), Verdict::UnderReview);
    assert_eq!(verdict_of("50", json!({})), Verdict::UnderReview);
    for unknown in ["30", "", "0", "000", "99"] {
        assert!(matches!(verdict_of(unknown, json!({})), Verdict::Other(_)), "{unknown}");
    }
    // An approval with reasons against it is none.
    for reasons in [json!({ "authori_hold": ["RE009"] }), json!({ "authori_ng": "NG001" })] {
        assert!(matches!(verdict_of("00", reasons.clone()), Verdict::Other(_)), "{reasons}");
        assert!(matches!(verdict_of("40", reasons), Verdict::Other(_)));
    }
}

#[test]
fn each_rejection_has_its_meaning_beside_the_code() {
    for (code, words) in
        [("NG001", "与信枠"), ("NG002", "情報不備"), ("NG999", "その他"), ("NG777", "意味のわからない")]
    {
        let Verdict::Rejected(reasons) = verdict_of("20", json!({ "authori_ng": code })) else { panic!("{code}") };
        let reason = only(reasons);
        assert_eq!(reason.code.as_deref(), Some(code));
        assert!(reason.message.contains(words), "{reason:?}");
    }
    assert_eq!(verdict_of("20", json!({})), Verdict::Rejected(vec![]));
}

#[test]
fn each_hold_has_its_meaning_beside_the_code() {
    let codes: Vec<String> = (1..=31).filter(|n| *n != 30).map(|n| format!("RE{n:03}")).collect();
    let Verdict::OnHold(reasons) = verdict_of("10", json!({ "authori_hold": codes })) else { panic!() };
    assert_eq!(reasons.len(), 30);
    for (reason, code) in reasons.iter().zip(&codes) {
        assert_eq!(reason.code.as_ref(), Some(code));
        assert!(!reason.message.contains("意味のわからない"), "{code} is on the page");
    }
    for (code, words) in
        [("RE011", "建物名"), ("RE023", "配送先の電話番号"), ("RE029", "18時"), ("RE026", "キャンセル")]
    {
        let at = codes.iter().position(|known| known == code).unwrap();
        assert!(reasons[at].message.contains(words), "{:?}", reasons[at]);
    }
    let Verdict::OnHold(unknown) = verdict_of("10", json!({ "authori_hold": ["RE030", "XX1"] })) else { panic!() };
    assert_eq!(unknown.iter().map(|r| r.code.as_deref().unwrap()).collect::<Vec<_>>(), ["RE030", "XX1"]);
    assert_eq!(verdict_of("10", json!({})), Verdict::OnHold(vec![]));
}

#[test]
fn a_registration_is_recorded_only_with_our_reference_and_an_id() {
    let unclear = [
        approved("SHOP-9", ID),
        approved("", ID),
        approved(REFERENCE, ""),
        approved(REFERENCE, "2611240000"),
        approved(REFERENCE, "2611240000A"),
        json!({ "shop_transaction_id": REFERENCE, "np_transaction_id": 261124u64, "authori_result": "00" }),
        json!([REFERENCE, ID, "00"]),
        json!(null),
    ];
    for row in unclear {
        assert_eq!(kind(&credit(answer(vec![row.clone()], vec![]))), "outcome-unknown", "{row}");
    }
    let twice = vec![approved(REFERENCE, ID), approved(REFERENCE, &id(2))];
    assert_eq!(kind(&credit(answer(twice, vec![]))), "outcome-unknown", "two transactions of one reference");
    let same = vec![approved(REFERENCE, ID), approved(REFERENCE, ID)];
    assert_eq!(kind(&credit(answer(same, vec![]))), "ok", "said twice is no contradiction");
}

/// Codes of registration with the field that each names.
const INPUT: &[(&[&str], &str)] = &[
    (&["E0100048", "E0100049", "E0100050"], "buyer.name"),
    (&["E0100072", "E0100073", "E0100074"], "recipient.name"),
    (&["E0100051", "E0100052"], "buyer.name-kana"),
    (&["E0100075", "E0100076"], "recipient.name-kana"),
    (&["E0100053", "E0100054"], "buyer.company"),
    (&["E0100077", "E0100078"], "recipient.company"),
    (&["E0100055", "E0100056"], "buyer.department"),
    (&["E0100079", "E0100080"], "recipient.department"),
    (&["E0100057", "E0100058", "E0100136", "E0100059"], "buyer.address.postal-code"),
    (&["E0100081", "E0100082", "E0100137", "E0100083"], "recipient.address.postal-code"),
    (&["E0100060", "E0100061", "E0100062"], "buyer.address"),
    (&["E0100084", "E0100085", "E0100086"], "recipient.address"),
    (&["E0100063", "E0100064", "E0100065", "E0100066", "E0100067"], "buyer.phone"),
    (&["E0100087", "E0100088", "E0100089", "E0100090", "E0100091"], "recipient.phone"),
    (&["E0100068", "E0100069", "E0100070", "E0100071"], "buyer.email"),
    (&["E0102004"], "billed-amount"),
    (&["EPRO0101", "EPRO0102", "EPRO0105", "EPRO0106", "EPRO0107"], ""),
];

#[test]
fn each_refusal_names_its_field() {
    for (codes, field) in INPUT {
        for code in *codes {
            for error in [error(REFERENCE, &[code]), json!({ "codes": [code] })] {
                let result = credit(answer(vec![], vec![error]));
                assert_eq!(problems(result), pairs(&[(field, code)]));
            }
        }
    }
    let several = credit(answer(vec![], vec![error(REFERENCE, &["E0100049"]), error(REFERENCE, &["E0100059"])]));
    assert_eq!(problems(several), pairs(&[("buyer.name", "E0100049"), ("buyer.address.postal-code", "E0100059")]));
}

/// All public clients register again after it. Whether the reference was sent before, only the platform
/// knows; it takes no refusal for an answer then.
#[test]
fn what_stands_among_the_errors_alone_is_refused_whatever_the_code() {
    let refusals: [&[&str]; 6] = [&["E0100999"], &[], &[""], &["E0100049", "E0100999"], &["E0100114"], &["E0100118"]];
    for status in [200, 201, 400] {
        for codes in refusals {
            let body = json!({ "results": [], "errors": [error(REFERENCE, codes)] });
            let result = credit(http(status, body.to_string()));
            assert_eq!(kind(&result), "refused", "{codes:?}");
            assert!(codes.iter().all(|code| format!("{result:?}").contains(code)), "{result:?}");
        }
    }
    for error in [json!(null), json!("E0100049"), json!({ "id": REFERENCE }), json!({ "codes": 7, "id": REFERENCE })] {
        assert_eq!(kind(&credit(answer(vec![], vec![error.clone()]))), "refused", "{error}");
    }
}

#[test]
fn an_id_is_never_thrown_away() {
    let warning = || error(REFERENCE, &["E0100998"]);
    let decision = Decision { transaction_id: Some(ID.to_owned()), verdict: Verdict::Approved };
    for status in [200, 201, 400] {
        let body = json!({ "results": [approved(REFERENCE, ID)], "errors": [warning()] });
        assert_eq!(credit(http(status, body.to_string())), Ok(decision.clone()), "registered, with a warning");
    }
    let number =
        json!({ "shop_transaction_id": REFERENCE, "np_transaction_id": 26112400001u64, "authori_result": "00" });
    assert_eq!(credit(answer(vec![number], vec![])), Ok(decision), "an id may come as a number");
    let held = row(REFERENCE, ID, "10", json!({ "authori_hold": ["RE009"] }));
    let held = credit(answer(vec![held], vec![warning()])).unwrap();
    assert!(matches!(held.verdict, Verdict::OnHold(_)), "the verdict is the row's");
    // An error that names a transaction of the gateway's is about something that exists.
    let other = credit(answer(vec![], vec![error("26112400009", &["E0100998"])]));
    assert_eq!(kind(&other), "outcome-unknown");
    assert!(format!("{other:?}").contains("26112400009"), "{other:?}");
}

#[test]
fn a_refused_request_without_results_leaves_no_order_in_doubt() {
    let orders = [named("R0"), named("R1"), named("R2")];
    let ask = |status: u16, body: Value| {
        kinds(&run(provider::credit::<Np, _>(&call(&answering(http(status, body.to_string())), &[]), &orders)))
    };
    let unnamed = || vec![json!({ "codes": ["E0100059"] })];
    assert_eq!(ask(400, json!({ "results": [], "errors": unnamed() })), ["refused"; 3]);
    assert_eq!(ask(400, json!({ "errors": unnamed() })), ["refused"; 3]);
    assert_eq!(ask(400, json!({ "results": [] })), ["refused"; 3]);
    let one = vec![error("R1", &["E0100059"])];
    assert_eq!(ask(400, json!({ "results": [], "errors": one })), ["refused", "invalid", "refused"]);
    let whole = vec![json!({ "codes": ["EPRO0999"] })];
    assert_eq!(ask(400, json!({ "results": [], "errors": whole })), ["refused"; 3], "an unknown code of the request");
    // Where the gateway does not say so, what it does not mention may have been done.
    assert_eq!(ask(200, json!({ "results": [], "errors": one })), ["outcome-unknown", "invalid", "outcome-unknown"]);
    let partly = json!({ "results": [approved("R1", ID)], "errors": unnamed() });
    assert_eq!(ask(400, partly), ["outcome-unknown", "ok", "outcome-unknown"]);
}

/// Rows in any order, some done and some refused, one in both lists, one in neither.
#[test]
fn each_row_gets_its_own_result() {
    let orders: Vec<_> = (0..8).map(|n| named(&format!("R{n}"))).collect();
    let results = vec![
        approved("R6", &id(6)),
        row("R4", &id(4), "10", json!({ "authori_hold": ["RE011"] })),
        approved("R0", &id(0)),
        approved("R3", &id(3)),
        approved("R99", &id(99)),
    ];
    let errors = vec![
        error("R5", &["E0100059"]),
        error("R3", &["E0100059"]),
        error("R1", &["E0102004"]),
        json!({ "codes": ["E0100049"] }),
    ];
    for (order, status) in [(false, 200), (true, 400)] {
        let (mut results, mut errors) = (results.clone(), errors.clone());
        if order {
            results.reverse();
            errors.reverse();
        }
        let gateway = answering(http(status, json!({ "results": results, "errors": errors }).to_string()));
        let rows = run(provider::credit::<Np, _>(&call(&gateway, &[]), &orders));
        let expected = ["ok", "invalid", "outcome-unknown", "ok", "ok", "invalid", "ok", "outcome-unknown"];
        assert_eq!(kinds(&rows), expected);
        assert_eq!(rows[6].as_ref().unwrap().transaction_id, Some(id(6)));
        assert!(matches!(&rows[4].as_ref().unwrap().verdict, Verdict::OnHold(_)));
        assert_eq!(problems(rows[5].clone()), pairs(&[("buyer.address.postal-code", "E0100059")]));
        assert!(format!("{:?}", rows[2]).contains("E0100049"), "the error that names nobody is shown: {:?}", rows[2]);
    }
}

#[test]
fn a_whole_request_is_refused_only_where_nothing_was_done() {
    let orders = [named("R0"), named("R1")];
    let whole = || vec![json!({ "codes": ["EPRO0102"] })];
    let rows = run(provider::credit::<Np, _>(&call(&answering(answer(vec![], whole())), &[]), &orders));
    assert_eq!(kinds(&rows), ["invalid", "invalid"]);
    let partly = answer(vec![approved("R1", ID)], whole());
    assert_eq!(
        kinds(&run(provider::credit::<Np, _>(&call(&answering(partly), &[]), &orders))),
        ["outcome-unknown", "ok"]
    );
    let one_and_done = answer(vec![approved("R0", ID)], vec![json!({ "codes": ["E0100059"] })]);
    let rows = run(provider::credit::<Np, _>(&call(&answering(one_and_done), &[]), &orders[..1]));
    assert_eq!(kinds(&rows), ["ok"], "a warning");
}

#[test]
fn one_id_for_two_orders_is_believed_for_neither() {
    let gateway = answering(answer(vec![approved("R0", ID), approved("R1", ID), approved("R2", &id(2))], vec![]));
    let rows = run(provider::credit::<Np, _>(&call(&gateway, &[]), &[named("R0"), named("R1"), named("R2")]));
    assert_eq!(kinds(&rows), ["outcome-unknown", "outcome-unknown", "ok"]);
}

/// A gateway that approves whatever comes, in reverse.
fn approving() -> provider_sdk::scripted::Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    provider_sdk::scripted::Scripted::new(|request: &Request| {
        let references = members(request, "shop_transaction_id").into_iter().enumerate().rev();
        answer(references.map(|(n, reference)| approved(&reference, &id(n))).collect(), vec![])
    })
}

#[test]
fn a_bad_row_stops_no_other() {
    let gateway = approving();
    let bad = Order { billed_amount: 1, ..named("R1") };
    let rows = run(provider::credit::<Np, _>(
        &call(&gateway, &[]),
        &[named("R0"), bad, named("R2"), named("R0"), named("R4")],
    ));
    assert_eq!(kinds(&rows), ["ok", "invalid", "ok", "invalid", "ok"]);
    assert_eq!(problems(rows[3].clone()), pairs(&[("reference", "reference-twice")]));
    assert_eq!(members(&only(gateway.sent()), "shop_transaction_id"), ["R0", "R2", "R4"]);
    let gateway = silent();
    let bad = || Order { billed_amount: 1, ..named("R1") };
    assert_eq!(kinds(&run(provider::credit::<Np, _>(&call(&gateway, &[]), &[bad(), bad()]))), ["invalid"; 2]);
}

#[test]
fn a_thousand_orders_are_one_request() {
    let gateway = approving();
    let orders: Vec<_> = (0..1001).map(|n| named(&format!("R{n}"))).collect();
    let rows = run(provider::credit::<Np, _>(&call(&gateway, &[]), &orders));
    for (n, row) in rows.iter().enumerate() {
        assert_eq!(row.as_ref().unwrap().transaction_id, Some(id(n % 1000)));
    }
    let sizes: Vec<_> = gateway.sent().iter().map(|request| sent(request).len()).collect();
    assert_eq!((rows.len(), sizes), (1001, vec![1000, 1]));
}

fn any_party() -> impl Strategy<Value = Party> {
    (any::<[String; 6]>(), any::<[Option<String>; 4]>()).prop_map(|(texts, options)| {
        let [name, phone, postal_code, prefecture, city, street] = texts;
        let [name_kana, company, department, email] = options;
        let address = Address { postal_code, prefecture, city, street };
        Party { name, name_kana, company, department, address, phone, email }
    })
}

prop_compose! {
    fn any_order()(
        reference: String, date: (u16, u8, u8), buyer in any_party(),
        recipient in proptest::option::of(any_party()),
        items in proptest::collection::vec((any::<String>(), any::<i64>(), any::<u32>()), 0..4),
        amounts: [i64; 3], enclosed: bool,
    ) -> Order {
        Order {
            reference,
            ordered_on: Date { year: date.0, month: date.1, day: date.2 },
            buyer,
            recipient,
            items: items.into_iter().map(|(name, price, quantity)| item(&name, price, quantity)).collect(),
            shipping_fee: amounts[0],
            payment_fee: amounts[1],
            billed_amount: amounts[2],
            invoice: if enclosed { InvoiceDelivery::Enclosed } else { InvoiceDelivery::Separate },
            ..order()
        }
    }
}

proptest! {
    #[test]
    fn any_order_is_judged_without_panic_or_lost_row(orders in proptest::collection::vec(any_order(), 0..4)) {
        let gateway = answering(answer(vec![], vec![]));
        prop_assert_eq!(run(provider::credit::<Np, _>(&call(&gateway, &[]), &orders)).len(), orders.len());
    }

    /// Whatever known characters a name has, it arrives as it was.
    #[test]
    fn text_survives_the_request(name in known_text(21)) {
        prop_assume!(!name.trim().is_empty());
        let sent = registered(Order { buyer: party(&name), ..order() }, &[]);
        prop_assert_eq!(&sent["customer"]["customer_name"], &json!(name.trim()));
    }

    /// Lines of any sign: what goes out adds up to what is billed.
    #[test]
    fn the_lines_add_up(lines in proptest::collection::vec((-9999i64..9999, 1u32..99), 1..20), shipping in 0i64..999) {
        let items: Vec<_> = lines.iter().map(|(price, quantity)| item("品", *price, *quantity)).collect();
        let billed_amount = lines.iter().map(|(price, quantity)| price * i64::from(*quantity)).sum::<i64>() + shipping;
        prop_assume!(billed_amount > 0);
        let order = Order { items, shipping_fee: shipping, payment_fee: 0, billed_amount, ..order() };
        let goods = registered(order, &[])["goods"].as_array().unwrap().clone();
        let yen = |line: &Value| line["goods_price"].as_i64().unwrap() * line["quantity"].as_i64().unwrap();
        prop_assert_eq!(goods.iter().map(yen).sum::<i64>(), billed_amount);
    }
}
