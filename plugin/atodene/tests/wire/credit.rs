//! 与信を実行: the elements of a registration, the limits of an order, and the verdicts.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::{any_order, item, known_text};

fn registered(verdict: &str) -> String {
    ok(&format!("<shopOrderId>{REFERENCE}</shopOrderId><transactionId>{ID}</transactionId>{verdict}"))
}

fn approved() -> String {
    registered("<autoAuthoriresult>OK</autoAuthoriresult>")
}

fn sent(order: Order) -> Vec<(String, String)> {
    let gateway = answering(&approved());
    let result = only(run(provider::credit::<Atodene, _>(&call(&gateway), &[order])));
    assert!(result.is_ok(), "{result:?}");
    flat(&document(&only(gateway.sent())))
}

fn long(length: usize) -> String {
    "髙".repeat(length)
}

#[test]
fn a_plain_order_goes_out_with_every_element_in_its_place() {
    let gateway = answering(&approved());
    let result = only(run(provider::credit::<Atodene, _>(&call(&gateway), &[order()])));
    assert_eq!(result, Ok(Decision { transaction_id: Some(ID.to_owned()), verdict: Verdict::Approved }));
    let request = only(gateway.sent());
    let url = "https://www.manage.atodene.jp/api/transaction.do";
    assert_eq!((request.method, request.url.as_str()), ("POST", url));
    assert_eq!(request.headers, [("content-type", "application/xml; charset=UTF-8".to_owned())]);
    assert_eq!(document(&request).name, "request");
    let expected = [
        ("linkInfo/shopCode", "SHOP12345678"),
        ("linkInfo/linkId", "original00"),
        ("linkInfo/linkPassword", "himitsu-no-1"),
        ("browserInfo/httpHeader", ""),
        ("browserInfo/deviceInfo", ""),
        ("customer/shopOrderId", REFERENCE),
        ("customer/shopOrderDate", "2026/11/24"),
        ("customer/name", "試験 花子"),
        ("customer/zip", "105-0011"),
        ("customer/address", "東京都港区芝公園9-99-9 例示ビル101"),
        ("customer/tel", "03-0000-0000"),
        ("customer/email", "hanako@example.com"),
        ("customer/billedAmount", "1590"),
        ("customer/expand1", ""),
        ("customer/service", "2"),
        ("details/detail/goods", "茶碗"),
        ("details/detail/goodsPrice", "500"),
        ("details/detail/goodsAmount", "2"),
        ("details/detail/expand2", "1"),
        ("details/detail/expand3", ""),
        ("details/detail/expand4", ""),
        ("details/detail/goods", "送料"),
        ("details/detail/goodsPrice", "260"),
        ("details/detail/goodsAmount", "1"),
        ("details/detail/expand2", "2"),
        ("details/detail/expand3", ""),
        ("details/detail/expand4", ""),
        ("details/detail/goods", "手数料"),
        ("details/detail/goodsPrice", "330"),
        ("details/detail/goodsAmount", "1"),
        ("details/detail/expand2", "3"),
        ("details/detail/expand3", ""),
        ("details/detail/expand4", ""),
    ];
    assert_eq!(flat(&document(&request)), pairs(&expected));
}

#[test]
fn everything_optional_goes_out_where_it_belongs() {
    let full = |name: &str| Party {
        name_kana: Some("カナ".to_owned()),
        company: Some("例示商事".to_owned()),
        department: Some("総務部".to_owned()),
        ..party(name)
    };
    let order = Order {
        buyer: full("試験 花子"),
        recipient: Some(full("見本 太郎")),
        items: vec![item("茶", 1_200, 1), item("割引", -200, 1)],
        invoice: InvoiceDelivery::Enclosed,
        ..order()
    };
    let gateway = answering(&approved());
    assert_eq!(kind(&only(run(provider::credit::<Atodene, _>(&call(&gateway), &[order])))), "ok");
    let root = document(&only(gateway.sent()));
    let names = |element: &Element| element.children.iter().map(|child| child.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&root), ["linkInfo", "browserInfo", "customer", "ship", "details"]);
    let customer = [
        "shopOrderId",
        "shopOrderDate",
        "name",
        "kanaName",
        "zip",
        "address",
        "companyName",
        "sectionName",
        "tel",
        "email",
        "billedAmount",
        "expand1",
        "service",
    ];
    assert_eq!(names(root.child("customer").unwrap()), customer);
    assert_eq!(root.child("customer").unwrap().child_text("service"), "3");
    let ship = [
        ("shipName", "見本 太郎"),
        ("shipKananame", "カナ"),
        ("shipZip", "105-0011"),
        ("shipAddress", "東京都港区芝公園9-99-9 例示ビル101"),
        ("shipCompanyName", "例示商事"),
        ("shipSectionName", "総務部"),
        ("shipTel", "03-0000-0000"),
    ];
    assert_eq!(flat(root.child("ship").unwrap()), pairs(&ship));
    let prices: Vec<_> = root.list("details", "detail").map(|detail| detail.child_text("goodsPrice")).collect();
    assert_eq!(prices, ["1200", "-200", "260", "330"]);
}

#[test]
fn fifteen_lines_stay_and_the_sixteenth_is_merged() {
    let lines = |items: usize| {
        let billed_amount = 100 * items as i64 + 260 + 330;
        let items = (0..items).map(|n| item(&format!("品{n}"), 50, 2)).collect();
        let order = Order { items, billed_amount, ..order() };
        let goods = |(name, text): (String, String)| Some((name.strip_prefix("details/detail/")?.to_owned(), text));
        let sent: Vec<_> = sent(order).into_iter().filter_map(goods).collect();
        let lines: Vec<_> = sent.chunks(6).map(|line| line.iter().map(|(_, text)| text.clone()).collect()).collect();
        lines
    };
    let line = |goods: &str, price: &str, amount: &str, number: &str| -> Vec<String> {
        [goods, price, amount, number, "", ""].map(str::to_owned).into()
    };
    let fifteen: Vec<Vec<String>> = lines(13);
    assert_eq!(fifteen.len(), 15);
    assert_eq!(fifteen[14], line("手数料", "330", "1", "15"));
    let merged = lines(14);
    assert_eq!(merged.len(), 15);
    assert_eq!(merged[13], line("品13", "50", "2", "14"));
    assert_eq!(merged[14], line("その他", "590", "1", "15"));
    let hundred = lines(100);
    assert_eq!((hundred.len(), &hundred[14]), (15, &line("その他", "9190", "1", "15")), "86 × 100 + 260 + 330");
}

#[test]
fn a_recipient_who_is_the_buyer_is_none_and_long_item_names_are_cut() {
    let mut odd = order();
    odd.recipient =
        Some(Party { email: None, phone: "０３−００００−００００".to_owned(), ..odd.buyer.clone() });
    odd.items[0].name = format!("〜{}", long(150));
    let sent = sent(odd);
    assert!(!sent.iter().any(|(name, _)| name.starts_with("ship/")), "{sent:?}");
    assert!(sent.contains(&("details/detail/goods".to_owned(), format!("～{}", long(149)))), "{sent:?}");
}

#[test]
fn lines_that_are_merged_need_no_check_of_their_own() {
    let mut order = order();
    bill(
        &mut order,
        [vec![item("茶", 100, 1); 14], vec![item("😀", 200_000, 100_000); 1], vec![item("引", -1_999_999_990, 10)]]
            .concat(),
    );
    order.items[15].quantity = 10;
    order.items[15].unit_price = -1_999_999_900;
    order.billed_amount = 1_400 + 20_000_000_000 - 19_999_999_000;
    let sent = sent(order);
    assert!(sent.contains(&("details/detail/goods".to_owned(), "その他".to_owned())));
    assert!(sent.contains(&("details/detail/goodsPrice".to_owned(), "1000".to_owned())), "{sent:?}");
}

/// Spoils an order.
type Spoil = fn(&mut Order);

/// Bills `items` alone.
fn bill(order: &mut Order, items: Vec<LineItem>) {
    order.billed_amount = items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum();
    (order.items, order.shipping_fee, order.payment_fee) = (items, 0, 0);
}

#[test]
fn each_limit_is_held_from_both_sides() {
    let at_the_limit: [Spoil; 15] = [
        |o| o.buyer.name = long(21),
        |o| o.buyer.name_kana = Some(long(25)),
        |o| o.buyer.name_kana = Some(" ".to_owned()),
        |o| o.buyer.address.street = long(50),
        |o| o.buyer.address.postal_code = "1050011".to_owned(),
        |o| o.buyer.phone = "0".repeat(15),
        |o| o.buyer.email = Some("a".repeat(95) + "@b.jp"),
        |o| o.buyer.company = Some(long(30)),
        |o| o.buyer.department = Some(long(30)),
        |o| o.recipient = Some(Party { email: None, ..party(&long(21)) }),
        |o| o.items[0].name = long(150),
        |o| bill(o, vec![item("安", 1, 1)]),
        |o| bill(o, vec![item("高", 55_000, 1)]),
        |o| bill(o, vec![item("高", 999_999, 1), item("引", -99_999, 9), item("引", -45_008, 1)]),
        |o| o.items.push(item("無料", 0, 99_999)),
    ];
    for (at, spoil) in at_the_limit.iter().enumerate() {
        let mut order = order();
        spoil(&mut order);
        let result = credit(order, &approved());
        assert!(result.is_ok(), "case {at}: {result:?}");
    }
    let beyond: [(&str, &str, Spoil); 38] = [
        ("reference", "reference", |o| o.reference.clear()),
        ("reference", "reference", |o| o.reference = "A".repeat(21)),
        ("ordered-on", "not-a-date", |o| o.ordered_on.day = 31),
        ("buyer.name", "required", |o| o.buyer.name = " ".to_owned()),
        ("buyer.name", "too-long", |o| o.buyer.name = long(22)),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some(long(26))),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-001".to_owned()),
        ("buyer.address.prefecture", "required", |o| o.buyer.address.prefecture.clear()),
        ("buyer.address.city", "required", |o| o.buyer.address.city.clear()),
        ("buyer.address", "too-long", |o| o.buyer.address.street = long(51)),
        ("buyer.company", "too-long", |o| o.buyer.company = Some(long(31))),
        ("buyer.department", "too-long", |o| o.buyer.department = Some(long(31))),
        ("buyer.phone", "required", |o| o.buyer.phone.clear()),
        ("buyer.phone", "too-long", |o| o.buyer.phone = "0".repeat(16)),
        ("buyer.phone", "phone", |o| o.buyer.phone = "電話".to_owned()),
        ("buyer.email", "required", |o| o.buyer.email = None),
        ("buyer.email", "required", |o| o.buyer.email = Some(" ".to_owned())),
        ("buyer.email", "too-long", |o| o.buyer.email = Some("a".repeat(96) + "@b.jp")),
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
        ("recipient.phone", "too-long", |o| {
            o.recipient = Some(Party { phone: "0".repeat(16), ..party("見本 太郎") });
        }),
        ("recipient.address", "too-long", |o| {
            let mut recipient = party("見本 太郎");
            recipient.address.street = long(51);
            o.recipient = Some(recipient);
        }),
        ("items", "required", |o| (o.items, o.billed_amount) = (Vec::new(), 590)),
        ("items[0].name", "required", |o| o.items[0].name.clear()),
        ("items[0].name", "characters", |o| o.items[0].name = "茶😀".to_owned()),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 0))),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 100_000))),
        ("items[0].unit-price", "out-of-range", |o| {
            bill(o, [vec![item("高", 1_000_000, 1)], vec![item("引", -95_000, 1); 10]].concat());
        }),
        ("items[1].unit-price", "out-of-range", |o| bill(o, vec![item("高", 150_000, 1), item("引", -100_000, 1)])),
        ("billed-amount", "not-the-sum", |o| o.billed_amount += 1),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("高", 55_001, 1)])),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("無料", 0, 1)])),
        ("shipping-fee", "out-of-range", |o| (o.shipping_fee, o.billed_amount) = (-1, 1_329)),
        ("payment-fee", "out-of-range", |o| (o.payment_fee, o.billed_amount) = (-1, 1_259)),
        // The lines alone are good; what they are merged into is not.
        ("items", "out-of-range", |o| {
            let goods = vec![item("品", 90_000, 1); 14];
            bill(o, [goods, vec![item("引", -90_000, 1); 13], vec![item("引", -89_999, 1)]].concat());
        }),
    ];
    for (field, code, spoil) in beyond {
        let mut order = order();
        spoil(&mut order);
        let result = only(run(provider::credit::<Atodene, _>(&call(&silent()), &[order])));
        assert_eq!(problems(result), pairs(&[(field, code)]));
    }
}

#[test]
fn every_problem_of_an_order_is_named_at_once() {
    let mut order = order();
    order.items.clear();
    order.buyer.email = None;
    order.recipient = Some(Party { phone: "電話".to_owned(), ..party("") });
    let result = only(run(provider::credit::<Atodene, _>(&call(&silent()), &[order])));
    let expected = [
        ("billed-amount", "not-the-sum"),
        ("buyer.email", "required"),
        ("recipient.name", "required"),
        ("recipient.phone", "phone"),
        ("items", "required"),
    ];
    assert_eq!(problems(result), pairs(&expected));
}

#[test]
fn one_reference_is_not_registered_twice_by_one_call() {
    let gateway = answering(&approved());
    let rows = run(provider::credit::<Atodene, _>(&call(&gateway), &[order(), order()]));
    assert_eq!(kind(&rows[0]), "ok");
    assert_eq!(problems(rows[1].clone()), pairs(&[("reference", "reference-twice")]));
    assert_eq!(gateway.sent().len(), 1);
}

#[test]
fn a_bad_row_hides_no_other() {
    let other = Order { reference: "SHOP-2".to_owned(), ..order() };
    let bad = Order { reference: "SHOP-3".to_owned(), billed_amount: 1, ..order() };
    let gateway = Scripted::new(|request: &Request| {
        let reference = document(request).child("customer").unwrap().child_text("shopOrderId").to_owned();
        response(&approved().replace(REFERENCE, &reference))
    });
    assert_eq!(
        kinds(&run(provider::credit::<Atodene, _>(&call(&gateway), &[bad, order(), other]))),
        ["invalid", "ok", "ok"]
    );
}

/// Every pair of words: only those of the table mean something.
#[test]
fn each_pair_of_verdict_words() {
    let words = ["OK", "NG", "審査中", "保留", "", "ok", "HOLD"];
    for auto in words {
        for manual in words {
            let body = registered(&format!(
                "<autoAuthoriresult>{auto}</autoAuthoriresult><manualAuthoriresult>{manual}</manualAuthoriresult>"
            ));
            let decision = credit(order(), &body).unwrap();
            assert_eq!(decision.transaction_id.as_deref(), Some(ID), "the id is kept whatever the verdict");
            let said = Reason { code: None, message: format!("自動審査「{auto}」、目視審査「{manual}」") };
            let expected = match (auto, manual) {
                ("OK", "") | ("審査中", "OK") => Verdict::Approved,
                ("NG", "") | ("審査中", "NG") => Verdict::Rejected(vec![said]),
                ("審査中", "") => Verdict::UnderReview,
                ("審査中", "保留") => Verdict::OnHold(vec![said]),
                _ => Verdict::Other(said),
            };
            assert_eq!(decision.verdict, expected);
        }
    }
}

/// Every combination of what an answer can say.
#[test]
fn approved_needs_ok_our_reference_an_id_and_the_word() {
    for result in ["OK", "NG", "ok", ""] {
        for echo in [REFERENCE, "SHOP-9", ""] {
            for id in [ID, ""] {
                for word in ["OK", "審査中", "ＯＫ", ""] {
                    let body = format!(
                        "<result>{result}</result><transactionInfo><shopOrderId>{echo}</shopOrderId>\
                         <transactionId>{id}</transactionId><autoAuthoriresult>{word}</autoAuthoriresult>\
                         </transactionInfo>"
                    );
                    let outcome = credit(order(), &body);
                    let expected = match (result, echo, id) {
                        ("OK", REFERENCE, ID) => "ok",
                        ("NG", REFERENCE | "", "") => "refused",
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

#[test]
fn a_refused_request_shows_place_code_and_words() {
    assert_eq!(credit(order(), &ng("er000099", "")), Err(refused("er000099")));
    // Only a cancel is done by that code.
    assert_eq!(credit(order(), &ng("er000033", "")), Err(refused("er000033")));
    let several = "<result>NG</result><errors><error><errorPoint>customer.zip</errorPoint><errorCode>er1</errorCode>\
        <errorMessage>郵便番号</errorMessage></error><error><errorCode>er2</errorCode>\
        <errorMessage>電話</errorMessage></error></errors>";
    let message = "er1 郵便番号（customer.zip） / er2 電話".to_owned();
    assert_eq!(credit(order(), several), Err(Failure::Refused(Reason { code: Some("er1".to_owned()), message })));
}

#[test]
fn an_error_that_names_a_transaction_says_nothing() {
    let error =
        |transaction: &str| credit(order(), &ng("er1", &format!("<transactionInfo>{transaction}</transactionInfo>")));
    assert_eq!(kind(&error("")), "refused");
    assert_eq!(kind(&error(&format!("<shopOrderId>{REFERENCE}</shopOrderId>"))), "refused");
    assert_eq!(kind(&error("<shopOrderId>SHOP-9</shopOrderId>")), "outcome-unknown");
    assert_eq!(kind(&error(&format!("<transactionId>{ID}</transactionId>"))), "outcome-unknown");
}

proptest! {
    #[test]
    fn any_order_is_judged_without_panic_or_lost_row(orders in proptest::collection::vec(any_order(), 0..4)) {
        let gateway = answering(&approved());
        prop_assert_eq!(run(provider::credit::<Atodene, _>(&call(&gateway), &orders)).len(), orders.len());
    }

    /// Whatever known characters a name has, it arrives as it was.
    #[test]
    fn text_survives_the_document(name in known_text(21)) {
        prop_assume!(name.trim().chars().count() >= 1);
        let order = Order { buyer: party(&name), ..order() };
        prop_assert!(sent(order).contains(&("customer/name".to_owned(), name.trim().to_owned())));
    }

    /// However many lines there are, fifteen go out at most, and they are the bill.
    #[test]
    fn the_lines_that_go_out_are_the_bill(prices in proptest::collection::vec((1i64..300, 1u32..4), 1..40)) {
        let mut order = order();
        bill(&mut order, prices.into_iter().map(|(price, quantity)| item("品", price, quantity)).collect());
        order.shipping_fee = 260;
        order.billed_amount += 260;
        let gateway = answering(&approved());
        let billed = order.billed_amount;
        prop_assert_eq!(kind(&only(run(provider::credit::<Atodene, _>(&call(&gateway), &[order])))), "ok");
        let root = document(&only(gateway.sent()));
        let number = |detail: &Element, name: &str| detail.child_text(name).parse::<i64>().unwrap();
        let lines: Vec<_> = root.list("details", "detail").collect();
        prop_assert!(lines.len() <= 15);
        let sum: i64 = lines.iter().map(|line| number(line, "goodsPrice") * number(line, "goodsAmount")).sum();
        prop_assert_eq!(sum, billed);
    }
}
