//! 与信を実行: the elements of a registration, the limits of an order, and the verdicts.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::{any_order, item, known_text};

fn registered(result: &str) -> String {
    ok(&format!(
        "<shopTransactionId>{REFERENCE}</shopTransactionId><nissenTransactionId>{ID}</nissenTransactionId>{result}"
    ))
}

fn approved() -> String {
    registered("<authorResult>OK</authorResult>")
}

fn sent(order: Order) -> Element {
    let gateway = answering(&approved());
    let result = only(run(provider::credit::<Score, _>(&call(&gateway), &[order])));
    assert!(result.is_ok(), "{result:?}");
    document(&only(gateway.sent()))
}

fn long(length: usize) -> String {
    "髙".repeat(length)
}

#[test]
fn a_plain_order_goes_out_with_every_required_element() {
    let gateway = answering(&approved());
    let result = only(run(provider::credit::<Score, _>(&call(&gateway), &[order()])));
    assert_eq!(result, Ok(Decision { transaction_id: Some(ID.to_owned()), verdict: Verdict::Approved }));
    let request = only(gateway.sent());
    let url = "https://gw.example/at/direct/autotransaction.do";
    assert_eq!((request.method, request.url.as_str()), ("POST", url));
    assert_eq!(request.headers, [("content-type", "application/xml".to_owned())]);
    assert_eq!(document(&request).name, "request");
    let expected = [
        ("shopInfo/shopCode", "SHOP12345"),
        ("shopInfo/shopPassword", "himitsu-no-1"),
        ("shopInfo/terminalId", "T1"),
        ("httpInfo/httpHeader", ""),
        ("httpInfo/deviceInfo", ""),
        ("buyer/shopTransactionId", REFERENCE),
        ("buyer/shopOrderDate", "2026/11/24"),
        ("buyer/fullName", "試験 花子"),
        ("buyer/tel", "03-0000-0000"),
        ("buyer/email", "hanako@example.com"),
        ("buyer/zipCode", "105-0011"),
        ("buyer/address1", "東京都"),
        ("buyer/address2", "港区"),
        ("buyer/address3", "芝公園9-99-9 例示ビル101"),
        ("buyer/billedAmount", "1590"),
        ("buyer/paymentType", "2"),
        ("deliveries/delivery/deliveryCustomer/fullName", "試験 花子"),
        ("deliveries/delivery/deliveryCustomer/zipCode", "105-0011"),
        ("deliveries/delivery/deliveryCustomer/address1", "東京都"),
        ("deliveries/delivery/deliveryCustomer/address2", "港区"),
        ("deliveries/delivery/deliveryCustomer/address3", "芝公園9-99-9 例示ビル101"),
        ("deliveries/delivery/deliveryCustomer/tel", "03-0000-0000"),
        ("deliveries/delivery/deliveryCustomer/email", "hanako@example.com"),
        ("deliveries/delivery/details/detail/detailId", "1"),
        ("deliveries/delivery/details/detail/detailName", "茶碗"),
        ("deliveries/delivery/details/detail/detailPrice", "500"),
        ("deliveries/delivery/details/detail/detailQuantity", "2"),
        ("deliveries/delivery/details/detail/detailId", "2"),
        ("deliveries/delivery/details/detail/detailName", "送料"),
        ("deliveries/delivery/details/detail/detailPrice", "260"),
        ("deliveries/delivery/details/detail/detailQuantity", "1"),
        ("deliveries/delivery/details/detail/detailId", "3"),
        ("deliveries/delivery/details/detail/detailName", "手数料"),
        ("deliveries/delivery/details/detail/detailPrice", "330"),
        ("deliveries/delivery/details/detail/detailQuantity", "1"),
    ];
    assert_eq!(flat(&document(&request)), pairs(&expected));
}

#[test]
fn everything_optional_goes_out_where_it_belongs() {
    let mut recipient = Party {
        name_kana: Some("ミホン タロウ".to_owned()),
        company: Some("例示物産".to_owned()),
        department: Some("購買部".to_owned()),
        email: None,
        phone: "090-0000-0000".to_owned(),
        ..party("見本 太郎")
    };
    recipient.address.street = "海岸9-99-9".to_owned();
    let buyer = Party {
        name_kana: Some("シケン ハナコ".to_owned()),
        company: Some("例示商事".to_owned()),
        department: Some("総務部".to_owned()),
        ..party("試験 花子")
    };
    let items = vec![item("茶", 1_200, 1), item("割引", -200, 1)];
    let root = sent(Order { buyer, recipient: Some(recipient), items, ..order() });
    let buyer = root.child("buyer").unwrap();
    for (element, text) in
        [("fullKanaName", "シケン ハナコ"), ("companyName", "例示商事"), ("departmentName", "総務部")]
    {
        assert_eq!(buyer.child_text(element), text);
    }
    let delivery = only(root.list("deliveries", "delivery").collect());
    let expected = [
        ("fullName", "見本 太郎"),
        ("fullKanaName", "ミホン タロウ"),
        ("zipCode", "105-0011"),
        ("address1", "東京都"),
        ("address2", "港区"),
        ("address3", "海岸9-99-9"),
        ("companyName", "例示物産"),
        ("departmentName", "購買部"),
        ("tel", "090-0000-0000"),
    ];
    assert_eq!(flat(delivery.child("deliveryCustomer").unwrap()), pairs(&expected));
    let prices: Vec<_> = delivery.list("details", "detail").map(|detail| detail.child_text("detailPrice")).collect();
    assert_eq!(prices, ["1200", "-200", "260", "330"]);
}

#[test]
fn enclosed_goes_only_where_the_buyer_lives() {
    let enclosed = |recipient: Option<Party>| Order { recipient, invoice: InvoiceDelivery::Enclosed, ..order() };
    let mut same = party("見本 太郎");
    same.address.postal_code = "1050011".to_owned();
    for recipient in [None, Some(same)] {
        assert_eq!(sent(enclosed(recipient)).child("buyer").unwrap().child_text("paymentType"), "3");
    }
    let elsewhere: [fn(&mut Address); 4] = [
        |a| a.postal_code = "105-0012".to_owned(),
        |a| a.prefecture = "大阪府".to_owned(),
        |a| a.city = "港区北".to_owned(),
        |a| a.street = "芝公園9-99-9 例示ビル102".to_owned(),
    ];
    for change in elsewhere {
        let mut recipient = party("試験 花子");
        change(&mut recipient.address);
        let order = enclosed(Some(recipient));
        let result = only(run(provider::credit::<Score, _>(&call(&silent()), std::slice::from_ref(&order))));
        assert_eq!(problems(result), pairs(&[("invoice", "enclosed-elsewhere")]));
        let separate = Order { invoice: InvoiceDelivery::Separate, ..order };
        assert_eq!(sent(separate).child("buyer").unwrap().child_text("paymentType"), "2");
    }
}

#[test]
fn a_recipient_who_is_the_buyer_is_none_and_long_item_names_are_cut() {
    let mut odd = order();
    odd.recipient =
        Some(Party { phone: "０３−００００−００００".to_owned(), ..party("試験　花子") });
    odd.recipient.as_mut().unwrap().address.street = "芝公園９−９９−９　例示ビル１０１".to_owned();
    odd.invoice = InvoiceDelivery::Enclosed;
    odd.items[0].name = format!("〜{}", long(150));
    let root = sent(odd);
    assert_eq!(root.child("buyer").unwrap().child_text("paymentType"), "3", "it goes to the buyer");
    let delivery = only(root.list("deliveries", "delivery").collect());
    assert_eq!(delivery.child("deliveryCustomer").unwrap().child_text("address3"), "芝公園9-99-9 例示ビル101");
    let detail = delivery.list("details", "detail").next().unwrap();
    assert_eq!(detail.child_text("detailName"), format!("～{}", long(149)));
}

/// Spoils an order.
type Spoil = fn(&mut Order);

/// Bills `items` alone.
fn bill(order: &mut Order, items: Vec<LineItem>) {
    order.billed_amount = items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum();
    (order.items, order.shipping_fee, order.payment_fee) = (items, 0, 0);
}

/// Delivers to somebody whom `spoil` changes.
fn deliver(order: &mut Order, spoil: fn(&mut Party)) {
    let mut recipient = party("見本 太郎");
    spoil(&mut recipient);
    order.recipient = Some(recipient);
}

#[test]
fn each_limit_is_held_from_both_sides() {
    let at_the_limit: [Spoil; 23] = [
        |o| o.buyer.name = long(2),
        |o| o.buyer.name = long(25),
        |o| o.buyer.name_kana = Some(long(35)),
        |o| o.buyer.name_kana = Some(" ".to_owned()),
        |o| o.buyer.address.prefecture = "和歌山県".to_owned(),
        |o| o.buyer.address.city = long(2),
        |o| o.buyer.address.city = long(31),
        |o| o.buyer.address.street = long(2),
        |o| o.buyer.address.street = long(35),
        |o| o.buyer.address.postal_code = "1050011".to_owned(),
        |o| o.buyer.phone = "0".repeat(8),
        |o| o.buyer.phone = "0".repeat(17),
        |o| o.buyer.email = Some("a".repeat(95) + "@b.jp"),
        |o| o.buyer.company = Some(long(35)),
        |o| o.buyer.department = Some(long(35)),
        |o| deliver(o, |to| to.email = None),
        |o| deliver(o, |to| to.name = long(25)),
        |o| deliver(o, |to| to.address.street = long(35)),
        |o| o.items[0].name = long(150),
        |o| bill(o, vec![item("安", 1, 1)]),
        |o| bill(o, vec![item("高", 999_999, 1)]),
        |o| bill(o, vec![item("高", 100_000, 1), item("引", -99_999, 1)]),
        |o| o.items.extend([item("無料", 0, 0), item("無料", 0, 9_999)]),
    ];
    for (at, spoil) in at_the_limit.iter().enumerate() {
        let mut order = order();
        spoil(&mut order);
        let result = credit(order, &approved());
        assert!(result.is_ok(), "case {at}: {result:?}");
    }
    let beyond: [(&str, &str, Spoil); 50] = [
        ("reference", "reference", |o| o.reference.clear()),
        ("reference", "reference", |o| o.reference = "A".repeat(21)),
        ("ordered-on", "not-a-date", |o| o.ordered_on.day = 31),
        ("buyer.name", "required", |o| o.buyer.name = " ".to_owned()),
        ("buyer.name", "too-short", |o| o.buyer.name = long(1)),
        ("buyer.name", "too-long", |o| o.buyer.name = long(26)),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some(long(36))),
        ("buyer.phone", "required", |o| o.buyer.phone.clear()),
        ("buyer.phone", "too-short", |o| o.buyer.phone = "0".repeat(7)),
        ("buyer.phone", "too-long", |o| o.buyer.phone = "0".repeat(18)),
        ("buyer.phone", "phone", |o| o.buyer.phone = "電話０３００００００００".to_owned()),
        ("buyer.email", "required", |o| o.buyer.email = None),
        ("buyer.email", "required", |o| o.buyer.email = Some(" ".to_owned())),
        ("buyer.email", "too-long", |o| o.buyer.email = Some("a".repeat(96) + "@b.jp")),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-001".to_owned()),
        ("buyer.address.prefecture", "required", |o| o.buyer.address.prefecture.clear()),
        ("buyer.address.prefecture", "prefecture", |o| o.buyer.address.prefecture = "京".to_owned()),
        ("buyer.address.city", "required", |o| o.buyer.address.city.clear()),
        ("buyer.address.city", "too-short", |o| o.buyer.address.city = long(1)),
        ("buyer.address.city", "too-long", |o| o.buyer.address.city = long(32)),
        ("buyer.address.street", "required", |o| o.buyer.address.street.clear()),
        ("buyer.address.street", "too-short", |o| o.buyer.address.street = long(1)),
        ("buyer.address.street", "too-long", |o| o.buyer.address.street = long(36)),
        ("buyer.company", "too-long", |o| o.buyer.company = Some(long(36))),
        ("buyer.department", "too-long", |o| o.buyer.department = Some(long(36))),
        ("recipient.name", "required", |o| deliver(o, |to| to.name.clear())),
        ("recipient.name", "too-short", |o| deliver(o, |to| to.name = long(1))),
        ("recipient.name", "too-long", |o| deliver(o, |to| to.name = long(26))),
        ("recipient.name-kana", "too-long", |o| deliver(o, |to| to.name_kana = Some(long(36)))),
        ("recipient.phone", "too-short", |o| deliver(o, |to| to.phone = "0".repeat(7))),
        ("recipient.phone", "too-long", |o| deliver(o, |to| to.phone = "0".repeat(18))),
        ("recipient.email", "too-long", |o| deliver(o, |to| to.email = Some("a".repeat(96) + "@b.jp"))),
        ("recipient.address.postal-code", "postal-code", |o| deliver(o, |to| to.address.postal_code.clear())),
        ("recipient.address.prefecture", "prefecture", |o| deliver(o, |to| to.address.prefecture = long(5))),
        ("recipient.address.city", "too-short", |o| deliver(o, |to| to.address.city = long(1))),
        ("recipient.address.street", "too-long", |o| deliver(o, |to| to.address.street = long(36))),
        ("recipient.company", "too-long", |o| deliver(o, |to| to.company = Some(long(36)))),
        ("recipient.department", "too-long", |o| deliver(o, |to| to.department = Some(long(36)))),
        ("items", "required", |o| (o.items, o.billed_amount) = (Vec::new(), 590)),
        ("items[0].name", "required", |o| o.items[0].name.clear()),
        ("items[0].name", "characters", |o| o.items[0].name = "茶😀".to_owned()),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 10_000))),
        ("items[0].unit-price", "out-of-range", |o| bill(o, vec![item("高", 1_000_000, 1), item("引", -1, 1)])),
        ("items[1].unit-price", "out-of-range", |o| bill(o, vec![item("高", 100_001, 1), item("引", -100_000, 1)])),
        ("billed-amount", "not-the-sum", |o| o.billed_amount += 1),
        ("billed-amount", "not-the-sum", |o| o.items[0].quantity = 3),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("高", 500_000, 2)])),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("無料", 0, 1)])),
        ("shipping-fee", "out-of-range", |o| (o.shipping_fee, o.billed_amount) = (-1, 1_329)),
        ("payment-fee", "out-of-range", |o| (o.payment_fee, o.billed_amount) = (-1, 1_259)),
    ];
    for (field, code, spoil) in beyond {
        let mut order = order();
        spoil(&mut order);
        let result = only(run(provider::credit::<Score, _>(&call(&silent()), &[order])));
        assert_eq!(problems(result), pairs(&[(field, code)]));
    }
}

#[test]
fn every_problem_of_an_order_is_named_at_once() {
    let mut order = order();
    order.items.clear();
    order.buyer.email = None;
    order.recipient = Some(Party { phone: "電話".to_owned(), ..party("") });
    let result = only(run(provider::credit::<Score, _>(&call(&silent()), &[order])));
    let expected = [
        ("billed-amount", "not-the-sum"),
        ("buyer.email", "required"),
        ("recipient.name", "required"),
        ("recipient.phone", "phone"),
        ("recipient.phone", "too-short"),
        ("items", "required"),
    ];
    assert_eq!(problems(result), pairs(&expected));
}

#[test]
fn one_reference_is_not_registered_twice_by_one_call() {
    let gateway = answering(&approved());
    let rows = run(provider::credit::<Score, _>(&call(&gateway), &[order(), order()]));
    assert_eq!(kind(&rows[0]), "ok");
    assert_eq!(problems(rows[1].clone()), pairs(&[("reference", "reference-twice")]));
    assert_eq!(gateway.sent().len(), 1);
}

#[test]
fn a_bad_row_hides_no_other() {
    let other = Order { reference: "SHOP-2".to_owned(), ..order() };
    let bad = Order { reference: "SHOP-3".to_owned(), billed_amount: 1, ..order() };
    let gateway = Scripted::new(|request: &Request| {
        let reference = document(request).child("buyer").unwrap().child_text("shopTransactionId").to_owned();
        response(&approved().replace(REFERENCE, &reference))
    });
    assert_eq!(
        kinds(&run(provider::credit::<Score, _>(&call(&gateway), &[bad, order(), other]))),
        ["invalid", "ok", "ok"]
    );
}

#[test]
fn each_verdict_word() {
    for word in ["OK", "NG", "HOLD", "保留", "hold", "審査中", ""] {
        let decision = credit(order(), &registered(&format!("<authorResult>{word}</authorResult>"))).unwrap();
        assert_eq!(decision.transaction_id.as_deref(), Some(ID), "the id is kept whatever the verdict");
        let said = Reason { code: None, message: format!("与信結果「{word}」") };
        let expected = match word {
            "OK" => Verdict::Approved,
            "NG" => Verdict::Rejected(vec![said]),
            "HOLD" => Verdict::UnderReview,
            "保留" => Verdict::OnHold(vec![said]),
            _ => Verdict::Other(said),
        };
        assert_eq!(decision.verdict, expected);
    }
}

/// Every combination of what an answer can say.
#[test]
fn approved_needs_ok_our_reference_our_amount_an_id_and_the_word() {
    for result in ["OK", "NG", "ok", ""] {
        for echo in [REFERENCE, "SHOP-9", ""] {
            for id in [ID, ""] {
                for billed in ["1590", "", "1591"] {
                    for word in ["OK", "HOLD", "ＯＫ", ""] {
                        let body = format!(
                            "<result>{result}</result><transactionResult><shopTransactionId>{echo}</shopTransactionId>\
                             <nissenTransactionId>{id}</nissenTransactionId><billedAmount>{billed}</billedAmount>\
                             <authorResult>{word}</authorResult></transactionResult>"
                        );
                        let outcome = credit(order(), &body);
                        let expected = match (result, echo, id, billed) {
                            (.., "1591") => "outcome-unknown",
                            ("OK", REFERENCE, ID, _) => "ok",
                            ("NG", REFERENCE | "", "", _) => "refused",
                            _ => "outcome-unknown",
                        };
                        assert_eq!(kind(&outcome), expected, "{body}");
                        let approved = matches!(outcome, Ok(Decision { verdict: Verdict::Approved, .. }));
                        assert_eq!(approved, expected == "ok" && word == "OK", "{body}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_refused_request_shows_code_and_words() {
    assert_eq!(credit(order(), &ng("MULT0001", "")), Err(refused("MULT0001")));
    let several = "<result>NG</result><errors><error><errorCode>A1</errorCode><errorMessage>郵便番号</errorMessage>\
        </error><error><errorCode>A2</errorCode><errorMessage>電話</errorMessage></error></errors>";
    let message = "A1 郵便番号 / A2 電話".to_owned();
    assert_eq!(credit(order(), several), Err(Failure::Refused(Reason { code: Some("A1".to_owned()), message })));
}

#[test]
fn an_error_that_names_a_transaction_says_nothing() {
    for name in ["transactionResult", "transactionInfo"] {
        let error = |transaction: &str| credit(order(), &ng("A1", &format!("<{name}>{transaction}</{name}>")));
        assert_eq!(kind(&error("")), "refused");
        let ours = format!("<shopTransactionId>{REFERENCE}</shopTransactionId>");
        assert_eq!(kind(&error(&ours)), "refused");
        assert_eq!(kind(&error(&ours.replace(REFERENCE, "SHOP-9"))), "outcome-unknown");
        assert_eq!(kind(&error(&format!("<nissenTransactionId>{ID}</nissenTransactionId>"))), "outcome-unknown");
    }
}

proptest! {
    #[test]
    fn any_order_is_judged_without_panic_or_lost_row(orders in proptest::collection::vec(any_order(), 0..4)) {
        let gateway = answering(&approved());
        prop_assert_eq!(run(provider::credit::<Score, _>(&call(&gateway), &orders)).len(), orders.len());
    }

    /// Whatever known characters a name has, it arrives as it was.
    #[test]
    fn text_survives_the_document(name in known_text(25)) {
        prop_assume!(name.trim().chars().count() >= 2);
        let root = sent(Order { buyer: party(&name), ..order() });
        prop_assert_eq!(root.child("buyer").unwrap().child_text("fullName"), name.trim());
    }
}
