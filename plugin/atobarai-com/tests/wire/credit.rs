//! 与信を実行: the fields of a registration, the limits of an order, and the verdicts.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::known_text;

const APPROVED: &str = "<status>success</status><orderId>SHOP-20261124-1</orderId>\
    <systemOrderId>XX00000001</systemOrderId><messages/><orderStatus cd=\"1\">与信OK</orderStatus>";

fn fields(order: Order, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let gateway = answering(APPROVED);
    let result = only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, settings), &[order])));
    assert!(result.is_ok(), "{result:?}");
    form_fields(&only(gateway.sent()))
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn long(length: usize) -> String {
    "髙".repeat(length)
}

#[test]
fn a_plain_order_goes_out_with_every_required_field() {
    let gateway = answering(APPROVED);
    let result = only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order()])));
    let id = Some("XX00000001".to_owned());
    assert_eq!(result, Ok(Decision { transaction_id: id, verdict: Verdict::Approved }));
    let request = only(gateway.sent());
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://www.atobarai.jp/api/order/rest"));
    let content_type = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned());
    assert_eq!(request.headers, [content_type]);
    let expected = [
        ("O_ReceiptOrderDate", "2026-11-24"),
        ("O_EnterpriseId", "12345"),
        ("O_SiteId", "678"),
        ("O_ApiUserId", "90"),
        ("O_Ent_OrderId", REFERENCE),
        ("O_UseAmount", "1590"),
        ("O_RtOrderStatus", "1"),
        ("C_PostalCode", "1050011"),
        ("C_UnitingAddress", "東京都港区芝公園9-99-9 例示ビル101"),
        ("C_NameKj", "試験 花子"),
        ("C_Phone", "03-0000-0000"),
        ("C_SeparateShipment", "1"),
        ("O_AnotherDeliFlg", "0"),
        ("I_ItemNameKj_1", "茶碗"),
        ("I_UnitPrice_1", "500"),
        ("I_ItemNum_1", "2"),
        ("I_ItemCarriage", "260"),
        ("I_ItemCharge", "330"),
    ];
    assert_eq!(form_fields(&request), pairs(&expected));
}

#[test]
fn everything_optional_goes_out_where_it_belongs() {
    let mut order = order();
    order.buyer.name_kana = Some("シケン ハナコ".to_owned());
    order.buyer.email = Some("hanako@example.com".to_owned());
    order.buyer.company = Some("例示商事".to_owned());
    order.buyer.department = Some("総務部".to_owned());
    order.recipient = Some(Party { name_kana: Some("ミホン タロウ".to_owned()), ..party("見本 太郎") });
    order.note = Some("午前中".to_owned());
    order.invoice = InvoiceDelivery::Enclosed;
    order.items = vec![LineItem { tax_rate: Some(8), ..item("茶", 1_200, 1) }, item("割引", -200, 1)];
    let sent = fields(order, &[]);
    let expected = [
        ("O_Ent_Note", "午前中"),
        ("O_AnotherDeliFlg", "1"),
        ("C_NameKn", "シケン ハナコ"),
        ("C_MailAddress", "hanako@example.com"),
        ("C_CorporateName", "例示商事"),
        ("C_DivisionName", "総務部"),
        ("C_SeparateShipment", "0"),
        ("D_PostalCode", "1050011"),
        ("D_UnitingAddress", "東京都港区芝公園9-99-9 例示ビル101"),
        ("D_DestNameKj", "見本 太郎"),
        ("D_DestNameKn", "ミホン タロウ"),
        ("D_Phone", "03-0000-0000"),
        ("I_TaxRate_1", "8"),
        ("I_ItemNameKj_2", "割引"),
        ("I_UnitPrice_2", "-200"),
    ];
    for pair in pairs(&expected) {
        assert!(sent.contains(&pair), "{pair:?} is missing in {sent:?}");
    }
    assert!(!sent.iter().any(|(key, _)| key == "I_TaxRate_2"), "no rate is no field");
}

#[test]
fn test_orders_say_so_and_live_ones_do_not() {
    let flags = |settings: &[(&str, &str)]| {
        let sent = fields(order(), settings);
        let value = |key: &str| sent.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone());
        (value("O_TestOrderFlg"), value("O_TestCreditResult"))
    };
    assert_eq!(flags(&[]), (None, None));
    for (choice, result) in [("ok", "0"), ("ng", "1"), ("review", "2")] {
        assert_eq!(flags(&[("test-order", choice)]), (Some("1".to_owned()), Some(result.to_owned())));
    }
}

#[test]
fn a_recipient_who_is_the_buyer_is_none_and_long_item_names_are_cut() {
    let mut odd = order();
    odd.recipient =
        Some(Party { phone: "０３−００００−００００".to_owned(), ..party("試験　花子") });
    odd.items[0].name = format!("〜{}", long(255));
    odd.note = Some("午前中〜\r\n玄関".to_owned());
    let sent = fields(odd, &[]);
    for pair in [
        ("O_AnotherDeliFlg".to_owned(), "0".to_owned()),
        ("I_ItemNameKj_1".to_owned(), format!("～{}", long(254))),
        ("O_Ent_Note".to_owned(), "午前中～\r\n玄関".to_owned()),
    ] {
        assert!(sent.contains(&pair), "{pair:?} in {sent:?}");
    }
    assert!(!sent.iter().any(|(key, _)| key.starts_with("D_")));
}

/// Spoils an order.
type Spoil = fn(&mut Order);

#[test]
fn each_limit_is_held_from_both_sides() {
    let at_the_limit: [Spoil; 16] = [
        |o| o.note = Some(long(4000)),
        |o| o.note = Some("  ".to_owned()),
        |o| o.buyer.name = long(30),
        |o| o.buyer.name_kana = Some(long(30)),
        |o| o.buyer.address.street = long(95),
        |o| o.buyer.address.postal_code = "1050011".to_owned(),
        |o| o.buyer.phone = "0".repeat(50),
        |o| o.buyer.email = Some("a".repeat(250) + "@b.jp"),
        |o| o.buyer.company = Some(long(255)),
        |o| o.buyer.department = Some(long(255)),
        |o| o.items[0].name = long(255),
        |o| o.items[0].tax_rate = Some(0),
        |o| o.items[0].tax_rate = Some(10),
        |o| o.items.push(item("無料", 0, 999_999_999)),
        |o| {
            o.items = vec![item("高", 999_999_999, 1), item("引", -99_999_999, 1)];
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 900_000_000);
        },
        |o| {
            o.items = vec![item("安", 1, 1)];
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 1);
        },
    ];
    for (at, spoil) in at_the_limit.iter().enumerate() {
        let mut order = order();
        spoil(&mut order);
        let result = credit(order, APPROVED);
        assert!(result.is_ok(), "case {at}: {result:?}");
    }
    let beyond: [(&str, &str, Spoil); 33] = [
        ("reference", "reference", |o| o.reference.clear()),
        ("reference", "reference", |o| o.reference = "A".repeat(21)),
        ("reference", "reference", |o| o.reference = "注文1".to_owned()),
        ("ordered-on", "not-a-date", |o| o.ordered_on.day = 31),
        ("note", "too-long", |o| o.note = Some(long(4001))),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-001".to_owned()),
        ("buyer.address.prefecture", "required", |o| o.buyer.address.prefecture.clear()),
        ("buyer.address.city", "required", |o| o.buyer.address.city.clear()),
        ("buyer.address", "too-long", |o| o.buyer.address.street = long(96)),
        ("buyer.name", "required", |o| o.buyer.name = " ".to_owned()),
        ("buyer.name", "too-long", |o| o.buyer.name = long(31)),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some(long(31))),
        ("buyer.phone", "required", |o| o.buyer.phone.clear()),
        ("buyer.phone", "too-long", |o| o.buyer.phone = "0".repeat(51)),
        ("buyer.phone", "phone", |o| o.buyer.phone = "電話０３".to_owned()),
        ("buyer.email", "too-long", |o| o.buyer.email = Some("a".repeat(251) + "@b.jp")),
        ("buyer.company", "too-long", |o| o.buyer.company = Some(long(256))),
        ("buyer.department", "too-long", |o| o.buyer.department = Some(long(256))),
        ("recipient.name", "required", |o| o.recipient = Some(party(""))),
        ("recipient.name", "too-long", |o| o.recipient = Some(party(&long(31)))),
        ("recipient.name-kana", "too-long", |o| {
            o.recipient = Some(Party { name_kana: Some(long(31)), ..party("見本 太郎") });
        }),
        ("recipient.phone", "required", |o| {
            o.recipient = Some(Party { phone: String::new(), ..party("見本 太郎") });
        }),
        ("recipient.address", "too-long", |o| {
            let mut recipient = party("見本 太郎");
            recipient.address.street = long(96);
            o.recipient = Some(recipient);
        }),
        ("items[0].name", "required", |o| o.items[0].name.clear()),
        ("items[0].name", "characters", |o| o.items[0].name = "茶😀".to_owned()),
        ("items[0].tax-rate", "tax-rate", |o| o.items[0].tax_rate = Some(5)),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 0))),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 1_000_000_000))),
        ("billed-amount", "not-the-sum", |o| o.billed_amount += 1),
        ("billed-amount", "not-the-sum", |o| o.items[0].quantity = 3),
        ("shipping-fee", "out-of-range", |o| (o.shipping_fee, o.billed_amount) = (-1, 1_329)),
        ("payment-fee", "out-of-range", |o| (o.payment_fee, o.billed_amount) = (-1, 1_259)),
        ("items[1].unit-price", "out-of-range", |o| {
            o.items[0] = item("高", 999_999_999, 1);
            o.items.push(item("引", -100_000_000, 1));
            (o.shipping_fee, o.payment_fee, o.billed_amount) = (0, 0, 899_999_999);
        }),
    ];
    for (field, code, spoil) in beyond {
        let mut order = order();
        spoil(&mut order);
        let gateway = silent();
        let result = only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order])));
        assert_eq!(problems(result), pairs(&[(field, code)]));
    }
}

#[test]
fn every_problem_of_an_order_is_named_at_once() {
    let mut order = order();
    order.items.clear();
    order.buyer.address.postal_code = "12345".to_owned();
    order.recipient = Some(Party { phone: "電話".to_owned(), ..party("") });
    let gateway = silent();
    let result = only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order])));
    let expected = [
        ("buyer.address.postal-code", "postal-code"),
        ("recipient.name", "required"),
        ("recipient.phone", "phone"),
        ("items", "required"),
        ("billed-amount", "not-the-sum"),
    ];
    assert_eq!(problems(result), pairs(&expected));
}

#[test]
fn one_reference_is_not_registered_twice_by_one_call() {
    let gateway = answering(APPROVED);
    let rows = run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order(), order()]));
    assert_eq!(kind(&rows[0]), "ok");
    assert_eq!(problems(rows[1].clone()), pairs(&[("reference", "reference-twice")]));
    assert_eq!(gateway.sent().len(), 1);
}

#[test]
fn a_bad_row_hides_no_other() {
    let other = Order { reference: "SHOP-2".to_owned(), ..order() };
    let bad = Order { billed_amount: 1, ..order() };
    let gateway = Scripted::new(|request: &Request| {
        response(&APPROVED.replace(REFERENCE, &value(request, "O_Ent_OrderId").unwrap()))
    });
    let rows = run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order(), bad, other]));
    assert_eq!(rows.iter().map(kind).collect::<Vec<_>>(), ["ok", "invalid", "ok"]);
}

fn verdict_of(status: &str) -> Verdict {
    let body = APPROVED.replace("<messages/><orderStatus cd=\"1\">与信OK</orderStatus>", status);
    let decision = credit(order(), &body).unwrap();
    assert_eq!(decision.transaction_id.as_deref(), Some("XX00000001"), "the id is kept whatever the verdict");
    decision.verdict
}

fn words(code: Option<&str>, message: &str) -> Reason {
    Reason { code: code.map(str::to_owned), message: message.to_owned() }
}

#[test]
fn each_verdict_is_read() {
    assert_eq!(verdict_of("<orderStatus cd=\"0\">与信中</orderStatus>"), Verdict::UnderReview);
    assert_eq!(verdict_of("<orderStatus cd=\"1\"/>"), Verdict::Approved);
    let rejected = "<messages><message cd=\"N1\">住所</message><message>氏名</message></messages><orderStatus cd=\"2\">与信NG</orderStatus>";
    assert_eq!(verdict_of(rejected), Verdict::Rejected(vec![words(Some("N1"), "住所"), words(None, "氏名")]));
    let bare = verdict_of("<orderStatus cd=\"2\">与信NG</orderStatus>");
    assert_eq!(bare, Verdict::Rejected(vec![words(None, "与信NG")]));
    let cancelled = verdict_of("<orderStatus cd=\"3\">キャンセル</orderStatus>");
    assert_eq!(cancelled, Verdict::Other(words(Some("3"), "キャンセル")));
    for unknown in ["<orderStatus cd=\"7\">?</orderStatus>", "<orderStatus cd=\"\"/>", "<orderStatus cd=\"-1\"/>", ""] {
        assert!(matches!(verdict_of(unknown), Verdict::Other(_)), "{unknown}");
    }
}

/// Every combination of what an answer can say; only one of each hundred is an approval.
#[test]
fn approved_needs_success_our_reference_an_id_and_the_code() {
    for status in ["success", "error", "SUCCESS", ""] {
        for echo in [REFERENCE, "SHOP-9", ""] {
            for id in ["XX00000001", ""] {
                for cd in ["0", "1", "01", "11", ""] {
                    let body = format!(
                        "<status>{status}</status><orderId>{echo}</orderId><systemOrderId>{id}</systemOrderId>\
                         <messages/><orderStatus cd=\"{cd}\"/>"
                    );
                    let result = credit(order(), &body);
                    let recorded = status == "success" && echo == REFERENCE && !id.is_empty();
                    assert_eq!(kind(&result), if recorded { "ok" } else { "outcome-unknown" }, "{body}");
                    let approved = matches!(result, Ok(Decision { verdict: Verdict::Approved, .. }));
                    assert_eq!(approved, recorded && cd == "1", "{body}");
                }
            }
        }
    }
}

#[test]
fn each_error_code_means_what_its_family_says() {
    let cases = [
        ("E00303", "invalid"),
        ("E00201", "invalid"),
        ("E17299", "invalid"),
        ("E00101", "unauthorized"),
        ("E00102", "unauthorized"),
        // Before or after something was recorded, nobody says.
        ("E00901", "outcome-unknown"),
        ("E00999", "busy"),
        // An option of the site refuses the content.
        ("E00301", "refused"),
        ("E00302", "refused"),
        ("E00304", "refused"),
        ("E00305", "refused"),
        ("E00306", "refused"),
        ("E00307", "refused"),
        ("E00308", "refused"),
        ("E00310", "refused"),
        ("E00311", "refused"),
        // The reference exists already, or so: ask for it.
        ("E00309", "outcome-unknown"),
        ("E00312", "outcome-unknown"),
        ("E01301", "outcome-unknown"),
        ("E00103", "outcome-unknown"),
        ("E00401", "outcome-unknown"),
        ("E0020", "outcome-unknown"),
        ("E002011", "outcome-unknown"),
        ("EXX201", "outcome-unknown"),
        ("W00201", "outcome-unknown"),
        ("", "outcome-unknown"),
    ];
    for (code, expected) in cases {
        let body = format!(
            "<status>error</status><orderId>{REFERENCE}</orderId>\
             <messages><message cd=\"{code}\">ことば</message></messages><orderStatus cd=\"\"/>"
        );
        let result = credit(order(), &body);
        assert_eq!(kind(&result), expected, "{code}");
        assert!(format!("{result:?}").contains("ことば"), "the gateway's words are passed on: {result:?}");
        assert!(format!("{result:?}").contains(code), "and its code");
    }
}

#[test]
fn of_several_codes_the_most_doubtful_decides() {
    let body = |second: &str| {
        format!(
            "<status>error</status><messages><message cd=\"E00303\">金額</message>\
             <message cd=\"{second}\">次</message></messages>"
        )
    };
    let several = credit(order(), &body("E00205"));
    assert_eq!(problems(several), pairs(&[("billed-amount", "E00303"), ("", "E00205")]));
    for (second, expected) in [("E00102", "unauthorized"), ("E00999", "busy"), ("E00777", "outcome-unknown")] {
        let result = credit(order(), &body(second));
        assert_eq!(kind(&result), expected);
        let shown = format!("{result:?}");
        assert!(shown.contains("E00303 金額") && shown.contains(&format!("{second} 次")), "{shown}");
    }
}

#[test]
fn an_error_about_another_order_or_with_an_id_says_nothing() {
    let error = |more: &str| {
        credit(order(), &format!("<status>error</status>{more}<messages><message cd=\"E00201\">x</message></messages>"))
    };
    assert_eq!(kind(&error("")), "invalid");
    assert_eq!(kind(&error("<orderId>SHOP-9</orderId>")), "outcome-unknown");
    assert_eq!(kind(&error("<systemOrderId>XX1</systemOrderId>")), "outcome-unknown");
}

fn any_party() -> impl Strategy<Value = Party> {
    (any::<[String; 6]>(), any::<[Option<String>; 4]>()).prop_map(|(texts, options)| {
        let [name, phone, postal_code, prefecture, city, street] = texts;
        let [name_kana, company, department, email] = options;
        let address = Address { postal_code, prefecture, city, street };
        Party { name, name_kana, company, department, address, phone, email }
    })
}

fn any_item() -> impl Strategy<Value = LineItem> {
    (any::<String>(), any::<i64>(), any::<u32>(), any::<Option<u8>>())
        .prop_map(|(name, unit_price, quantity, tax_rate)| LineItem { name, unit_price, quantity, tax_rate })
}

prop_compose! {
    fn any_order()(
        reference: String, date: (u16, u8, u8), buyer in any_party(),
        recipient in proptest::option::of(any_party()), items in proptest::collection::vec(any_item(), 0..4),
        amounts: [i64; 3], enclosed: bool, note: Option<String>,
    ) -> Order {
        Order {
            reference,
            ordered_on: Date { year: date.0, month: date.1, day: date.2 },
            ships_on: None,
            buyer,
            recipient,
            items,
            shipping_fee: amounts[0],
            payment_fee: amounts[1],
            billed_amount: amounts[2],
            invoice: if enclosed { InvoiceDelivery::Enclosed } else { InvoiceDelivery::Separate },
            note,
        }
    }
}

proptest! {
    #[test]
    fn any_order_is_judged_without_panic_or_lost_row(orders in proptest::collection::vec(any_order(), 0..4)) {
        let gateway = answering(APPROVED);
        prop_assert_eq!(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &orders)).len(), orders.len());
    }

    /// Whatever known characters a name has, it arrives as it was.
    #[test]
    fn text_survives_the_form(name in known_text(30)) {
        prop_assume!(!name.trim().is_empty());
        let order = Order { buyer: party(&name), ..order() };
        prop_assert!(fields(order, &[]).contains(&("C_NameKj".to_owned(), name.trim().to_owned())));
    }
}
