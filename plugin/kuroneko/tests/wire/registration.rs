//! 決済依頼 (KAARA0010): the fields of an order, in the width and the parts that the form asks for, and
//! the limits of each.

use crate::*;
use proptest::prelude::*;
use provider_sdk::japan::PREFECTURES;
use provider_sdk::samples::{NOW, any_order, item};

/// What goes out for `order` besides the fields of every call, at `now` and with `settings` more.
fn sent_at(now: u64, order: Order, settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let gateway = answering(&result("0"));
    let result = only(run(provider::credit::<Kuroneko, _>(&call_at(now, &gateway, settings), &[order])));
    assert!(result.is_ok(), "{result:?}");
    form_fields(&only(gateway.sent())).split_off(common("").len())
}

fn sent(order: Order) -> Vec<(String, String)> {
    sent_at(NOW, order, &[])
}

/// The value that goes out for `order` under `key`; nothing where the field is left out.
fn value(order: Order, key: &str) -> Option<String> {
    sent(order).into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// The problems of an order that is not sent.
fn refused(order: Order) -> Vec<(String, String)> {
    problems(only(run(provider::credit::<Kuroneko, _>(&call(&silent()), &[order]))))
}

fn long(length: usize) -> String {
    "髙".repeat(length)
}

fn day(year: u16, month: u8, day: u8) -> Date {
    Date { year, month, day }
}

/// [`order`], living in this `city` and `street`.
fn living(city: &str, street: &str) -> Order {
    let mut order = order();
    (order.buyer.address.city, order.buyer.address.street) = (city.to_owned(), street.to_owned());
    order
}

/// Bills `items` alone.
fn bill(order: &mut Order, items: Vec<LineItem>) {
    order.billed_amount = items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum();
    (order.items, order.shipping_fee, order.payment_fee) = (items, 0, 0);
}

#[test]
fn a_plain_order_goes_out_with_every_required_field() {
    let gateway = answering(&result("0"));
    let outcome = only(run(provider::credit::<Kuroneko, _>(&call(&gateway), &[order()])));
    assert_eq!(outcome, Ok(Decision { transaction_id: Some(REFERENCE.to_owned()), verdict: Verdict::Approved }));
    let request = only(gateway.sent());
    let url = "https://atobarai.kuronekoyamato.co.jp/kuroneko-atobarai-api/KAARA0010APIAction_execute.action";
    assert_eq!((request.method, request.url.as_str()), ("POST", url));
    let media = "application/x-www-form-urlencoded; charset=UTF-8";
    assert_eq!(request.headers, [("content-type", media.to_owned())]);
    let expected = [
        ("orderYmd", "20261124"),
        ("shipYmd", "20261127"),
        ("name", "試験　花子"),
        ("postCode", "1050011"),
        ("address1", "東京都港区芝公園９－９９－９　例示ビル１０１"),
        ("telNum", "0300000000"),
        ("totalAmount", "1590"),
        ("sendDiv", "0"),
        ("itemName1", "茶碗"),
        ("itemCount1", "2"),
        ("unitPrice1", "500"),
        ("subTotal1", "1000"),
        ("itemName2", "送料"),
        ("itemCount2", "1"),
        ("unitPrice2", "260"),
        ("subTotal2", "260"),
        ("itemName3", "手数料"),
        ("itemCount3", "1"),
        ("unitPrice3", "330"),
        ("subTotal3", "330"),
    ];
    assert_eq!(form_fields(&request), [common(REFERENCE), pairs(&expected)].concat());
}

#[test]
fn everything_optional_goes_out_where_it_belongs() {
    let full = |name: &str| Party {
        name_kana: Some("シケン ハナコ".to_owned()),
        company: Some("例示商事".to_owned()),
        department: Some("総務部".to_owned()),
        email: Some("hanako@example.com".to_owned()),
        ..party(name)
    };
    let mut order = Order { buyer: full("試験 花子"), recipient: Some(full("見本 太郎")), ..order() };
    order.recipient.as_mut().unwrap().address.street = "芝公園9-99-9 例示ビルディング別館101".to_owned();
    order.note = Some("置き配".to_owned());
    bill(&mut order, vec![item("茶", 1_200, 1), item("割引", -200, 1)]);
    let expected = [
        ("orderYmd", "20261124"),
        ("shipYmd", "20261127"),
        ("name", "試験　花子"),
        ("postCode", "1050011"),
        ("address1", "東京都港区芝公園９－９９－９　例示ビル１０１"),
        ("telNum", "0300000000"),
        ("nameKana", "ｼｹﾝ ﾊﾅｺ"),
        ("email", "hanako@example.com"),
        ("totalAmount", "1000"),
        ("sendDiv", "1"),
        ("itemName1", "茶"),
        ("itemCount1", "1"),
        ("unitPrice1", "1200"),
        ("subTotal1", "1200"),
        ("itemName2", "割引"),
        ("itemCount2", "1"),
        ("unitPrice2", "-200"),
        ("subTotal2", "-200"),
        ("sendName", "見本　太郎"),
        ("sendPostCode", "1050011"),
        ("sendAddress1", "東京都港区芝公園９－９９－９"),
        ("sendAddress2", "例示ビルディング別館１０１"),
        ("sendTelNum", "0300000000"),
        ("cartCode", "例示カート&1"),
    ];
    assert_eq!(sent_at(NOW, order, &[("cart-code", "例示カート&1")]), pairs(&expected));
}

#[test]
fn each_way_of_the_goods_and_the_invoice_has_its_division() {
    let order =
        |invoice, gift: bool| Order { invoice, recipient: gift.then(|| party("見本 太郎")), ..samples::order() };
    let division = |invoice, gift| value(order(invoice, gift), "sendDiv").unwrap();
    assert_eq!(division(InvoiceDelivery::Separate, false), "0");
    assert_eq!(division(InvoiceDelivery::Separate, true), "1");
    assert_eq!(division(InvoiceDelivery::Enclosed, false), "2");
    let gift = refused(order(InvoiceDelivery::Enclosed, true));
    assert_eq!(gift, pairs(&[("invoice", "enclosed-gift")]), "the bill would reach somebody else");
}

#[test]
fn a_recipient_who_is_the_buyer_is_no_gift() {
    let same = || Some(Party { phone: "０３−００００−００００".to_owned(), ..party("試験　花子") });
    let sent = sent(Order { recipient: same(), ..order() });
    assert!(sent.contains(&pairs(&[("sendDiv", "0")])[0]) && !sent.iter().any(|(name, _)| name == "sendName"));
    let enclosed = Order { recipient: same(), invoice: InvoiceDelivery::Enclosed, ..order() };
    assert_eq!(value(enclosed, "sendDiv").as_deref(), Some("2"));
}

#[test]
fn the_invoice_of_a_gift_can_fall_back_to_its_own_way() {
    let gift = Order { invoice: InvoiceDelivery::Enclosed, recipient: Some(party("見本 太郎")), ..order() };
    let sent = sent_at(NOW, gift, &[("enclosed-gift", "separate")]);
    assert!(sent.contains(&pairs(&[("sendDiv", "1")])[0]), "{sent:?}");
    let own = Order { invoice: InvoiceDelivery::Enclosed, ..order() };
    let sent = sent_at(NOW, own, &[("enclosed-gift", "separate")]);
    assert!(sent.contains(&pairs(&[("sendDiv", "2")])[0]), "only where it has to");
}

#[test]
fn item_names_are_cut_after_widening_and_look_alikes_folded() {
    let name = |name: &str| {
        let mut order = order();
        order.items[0].name = name.to_owned();
        value(order, "itemName1").unwrap()
    };
    assert_eq!(name(&long(31)), long(30));
    assert_eq!(name(&"ｶﾞ".repeat(31)), "ガ".repeat(30));
    assert_eq!(name("1〜2—3−4‖5"), "１～２―３－４∥５");
    assert_eq!(name("か\u{3099}らす"), "がらす");
}

/// What is merged does not go out under its name, so nothing is wrong with that.
#[test]
fn lines_that_are_merged_need_no_check_of_their_own() {
    let mut order = order();
    bill(
        &mut order,
        [vec![item("茶", 100, 1); 9], vec![item("😀", 100, 10_000), item(&long(40), -999_000, 1)]].concat(),
    );
    assert_eq!(value(order.clone(), "itemName10").as_deref(), Some("その他"));
    assert_eq!(value(order, "subTotal10").as_deref(), Some("1000"));
}

#[test]
fn names_items_and_addresses_go_out_in_full_width() {
    let mut order = living("港区", "ｼﾊﾞｺｳｴﾝ9-99-9 ﾋﾞﾙA");
    order.buyer.name = "Test ﾊﾅｺ".to_owned();
    order.buyer.name_kana = Some("しけん　ガナコ".to_owned());
    order.items[0].name = "T-ｼｬﾂ(S)".to_owned();
    let sent = sent(order);
    for expected in [
        ("name", "Ｔｅｓｔ　ハナコ"),
        ("nameKana", "ｼｹﾝ ｶﾞﾅｺ"),
        ("address1", "東京都港区シバコウエン９－９９－９　ビルＡ"),
        ("itemName1", "Ｔ－シャツ（Ｓ）"),
    ] {
        assert!(sent.contains(&pairs(&[expected])[0]), "{expected:?} in {sent:?}");
    }
}

#[test]
fn an_address_is_parted_where_a_reader_would_part_it() {
    let parts = |city: &str, street: &str| {
        let order = living(city, street);
        (value(order.clone(), "address1").unwrap(), value(order, "address2"))
    };
    let two = |first: &str, second: &str| (first.to_owned(), Some(second.to_owned()));
    assert_eq!(parts("港区", "芝公園1"), ("東京都港区芝公園１".to_owned(), None), "no empty second part");
    let building = parts("千代田区", "丸の内9-99-9 例示ビル東館 1234567号室");
    assert_eq!(building, two("東京都千代田区丸の内９－９９－９　例示ビル東館", "１２３４５６７号室"));
    let no_space = format!("{}1", long(21));
    assert_eq!(parts("千代田区", &no_space), two("東京都千代田区", &format!("{}１", long(21))), "behind the city");
    let full = format!("{}1", long(42));
    assert_eq!(parts("千代田区", &full), two(&format!("東京都千代田区{}", long(18)), &format!("{}１", long(24))));
}

#[test]
fn two_parts_of_twenty_five_are_the_longest_address() {
    // 東京都港区 and 45 characters are 50.
    let longest = living("港区", &format!("{}1", long(44)));
    assert_eq!(value(longest.clone(), "address1").unwrap().chars().count(), 25);
    assert_eq!(value(longest, "address2").unwrap().chars().count(), 25);
    let too_long = pairs(&[("buyer.address", "too-long")]);
    assert_eq!(refused(living("港区", &format!("{}1", long(45)))), too_long);
    // The space that parts them is in neither.
    let exact = format!("{}1 {}", long(19), long(25));
    assert_eq!(value(living("港区", &exact), "address2"), Some(long(25)));
    // Letters count as they go out: ｶﾞ is one.
    assert_eq!(value(living("港区", &format!("{}1", "ｶﾞ".repeat(19))), "address2"), None);
}

#[test]
fn an_address_begins_with_one_of_the_prefectures() {
    for prefecture in PREFECTURES {
        let mut order = order();
        order.buyer.address.prefecture = prefecture.to_owned();
        assert!(value(order, "address1").unwrap().starts_with(prefecture));
    }
    for (bad, code) in [("", "required"), ("東京", "prefecture"), ("江戸", "prefecture")] {
        let mut order = order();
        order.buyer.address.prefecture = bad.to_owned();
        assert_eq!(refused(order), pairs(&[("buyer.address.prefecture", code)]), "{bad}");
    }
}

#[test]
fn a_house_number_stands_somewhere_in_the_address() {
    for (city, street) in [("港区", "芝公園9"), ("港区", "９丁目"), ("港区芝公園9-99-9", ""), ("港区", "例示ビル 1")]
    {
        assert!(value(living(city, street), "address1").is_some(), "{city}{street}");
    }
    assert_eq!(refused(living("港区", "芝公園")), pairs(&[("buyer.address.street", "no-number")]));
    let mut gift = order();
    gift.recipient = Some(party("見本 太郎"));
    gift.recipient.as_mut().unwrap().address.street = "芝公園".to_owned();
    assert_eq!(refused(gift), pairs(&[("recipient.address.street", "no-number")]));
}

#[test]
fn without_a_planned_date_an_order_ships_after_the_days_of_the_setting() {
    let ships = |days: &str, ordered_on: Date, ships_on: Option<Date>| {
        let order = Order { ordered_on, ships_on, ..order() };
        let sent = sent_at(NOW, order, &[("days-to-ship", days)]);
        sent.into_iter().find(|(name, _)| name == "shipYmd").unwrap().1
    };
    let today = day(2026, 11, 24);
    assert_eq!(ships("", today, None), "20261127", "three days are usual");
    assert_eq!(ships("0", today, None), "20261124");
    assert_eq!(ships("90", today, None), "20270222");
    assert_eq!(ships("5", day(2026, 11, 22), None), "20261127", "counted from the order");
    assert_eq!(ships("5", day(2026, 11, 10), None), "20261124", "but not before today");
    assert_eq!(ships("90", today, Some(day(2026, 11, 25))), "20261125", "the order's own word goes first");
}

#[test]
fn a_shipping_date_lies_behind_the_order_and_within_ninety_days() {
    let order = |ordered_on, ships_on| Order { ordered_on, ships_on: Some(ships_on), ..order() };
    let early = day(2026, 8, 1);
    for good in [day(2026, 8, 26), day(2026, 11, 24), day(2027, 2, 22)] {
        assert!(value(order(early, good), "shipYmd").is_some(), "{good:?}");
    }
    for bad in [day(2026, 8, 25), day(2027, 2, 23)] {
        assert_eq!(refused(order(early, bad)), pairs(&[("ships-on", "out-of-range")]), "{bad:?}");
    }
    let today = day(2026, 11, 24);
    assert!(value(order(today, today), "shipYmd").is_some(), "on the day itself");
    assert_eq!(refused(order(today, day(2026, 11, 23))), pairs(&[("ships-on", "before-order")]));
    assert_eq!(
        refused(order(today, day(2027, 2, 29))),
        pairs(&[("ships-on", "not-a-date"), ("ships-on", "out-of-range")])
    );
}

#[test]
fn the_day_is_that_of_japan() {
    let at = |now| {
        let gateway = answering(&result("0"));
        let call = call_at(now, &gateway, &[("days-to-ship", "0")]);
        assert_eq!(kind(&only(run(provider::credit::<Kuroneko, _>(&call, &[order()])))), "ok");
        let request = only(gateway.sent());
        (field(&request, "requestDate"), field(&request, "shipYmd"))
    };
    let midnight = NOW + 15 * 60 * 60 * 1000;
    assert_eq!(at(midnight - 1), ("20261124235959".to_owned(), "20261124".to_owned()));
    assert_eq!(at(midnight), ("20261125000000".to_owned(), "20261125".to_owned()));
}

#[test]
fn ten_lines_stay_and_the_eleventh_is_merged() {
    // 100 yen a line, 260 shipping, 330 fee.
    let lines = |items: usize| {
        let billed_amount = 100 * items as i64 + 590;
        let items = (0..items).map(|_| item("品", 50, 2)).collect();
        let lines = sent(Order { items, billed_amount, ..order() });
        let of_a_line = |name: &str| ["item", "unit", "sub"].iter().any(|start| name.starts_with(start));
        let lines: Vec<_> = lines.into_iter().filter(|(name, _)| of_a_line(name)).collect();
        lines.chunks(4).map(<[_]>::to_vec).collect::<Vec<_>>()
    };
    let line = |n: usize, name: &str, count: &str, price: &str, sum: &str| {
        let fields = [("itemName", name), ("itemCount", count), ("unitPrice", price), ("subTotal", sum)];
        fields.map(|(field, value)| (format!("{field}{n}"), value.to_owned())).to_vec()
    };
    let ten = lines(8);
    assert_eq!((ten.len(), &ten[9]), (10, &line(10, "手数料", "1", "330", "330")));
    let merged = lines(9);
    assert_eq!((merged.len(), &merged[8]), (10, &line(9, "品", "2", "50", "100")));
    assert_eq!(merged[9], line(10, "その他", "1", "590", "590"));
    let hundred = lines(100);
    assert_eq!((hundred.len(), &hundred[9]), (10, &line(10, "その他", "1", "9690", "9690")), "91 × 100 + 590");
}

/// Spoils an order.
type Spoil = fn(&mut Order);

/// Spoils the recipient of an order.
fn recipient(order: &mut Order, spoil: impl FnOnce(&mut Party)) {
    spoil(order.recipient.insert(party("見本 太郎")));
}

#[test]
fn each_limit_is_reached() {
    let at_the_limit: [Spoil; 20] = [
        |o| o.reference = "Az0_-".repeat(4),
        |o| o.buyer.name = long(30),
        |o| o.buyer.name = "ｶﾞ".repeat(30),
        |o| o.buyer.name_kana = Some("ア".repeat(80)),
        |o| o.buyer.name_kana = Some("ガ".repeat(40)),
        |o| o.buyer.name_kana = Some(" ".to_owned()),
        |o| o.buyer.address.postal_code = "1050011".to_owned(),
        |o| o.buyer.phone = "0312345678".to_owned(),
        |o| o.buyer.phone = "090-1234-5678".to_owned(),
        |o| o.buyer.email = Some("a".repeat(59) + "@b.jp"),
        |o| o.buyer.email = Some(" ".to_owned()),
        |o| o.items[0].name = long(30),
        |o| o.items.push(item("無料", 0, 9_999)),
        |o| bill(o, vec![item("安", 1, 1)]),
        |o| bill(o, vec![item("高", 999_999, 1)]),
        |o| bill(o, vec![item("高", 999_999, 1), item("引", -999_999, 1), item("安", 1, 1)]),
        |o| bill(o, vec![item("高", 111_111, 9)]),
        |o| recipient(o, |r| r.name = long(30)),
        |o| recipient(o, |r| r.phone = "080-1234-5678".to_owned()),
        |o| recipient(o, |r| r.email = Some("読まれない".to_owned())),
    ];
    for (at, spoil) in at_the_limit.iter().enumerate() {
        let mut order = order();
        spoil(&mut order);
        let outcome = credit(order, &result("0"));
        assert!(outcome.is_ok(), "case {at}: {outcome:?}");
    }
}

#[test]
fn each_limit_is_held() {
    let beyond: [(&str, &str, Spoil); 44] = [
        ("reference", "reference", |o| o.reference.clear()),
        ("reference", "reference", |o| o.reference = "A".repeat(21)),
        ("reference", "reference", |o| o.reference = "注文1".to_owned()),
        ("ordered-on", "not-a-date", |o| (o.ordered_on.day, o.ships_on) = (31, Some(day(2026, 12, 1)))),
        ("buyer.name", "required", |o| o.buyer.name = " ".to_owned()),
        ("buyer.name", "too-long", |o| o.buyer.name = long(31)),
        ("buyer.name", "characters", |o| o.buyer.name = "René".to_owned()),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some("ア".repeat(81))),
        ("buyer.name-kana", "too-long", |o| o.buyer.name_kana = Some("ガ".repeat(41))),
        ("buyer.name-kana", "kana", |o| o.buyer.name_kana = Some("試験".to_owned())),
        ("buyer.name-kana", "kana", |o| o.buyer.name_kana = Some("Hanako".to_owned())),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-001".to_owned()),
        ("buyer.address.postal-code", "postal-code", |o| o.buyer.address.postal_code = "105-00111".to_owned()),
        ("buyer.address.city", "required", |o| o.buyer.address.city.clear()),
        ("buyer.address.street", "characters", |o| o.buyer.address.street = "Café 1".to_owned()),
        ("buyer.phone", "required", |o| o.buyer.phone.clear()),
        ("buyer.phone", "phone", |o| o.buyer.phone = "090-1234-567".to_owned()),
        ("buyer.phone", "phone", |o| o.buyer.phone = "03-1234-56789".to_owned()),
        ("buyer.phone", "phone", |o| o.buyer.phone = "1312345678".to_owned()),
        ("buyer.email", "too-long", |o| o.buyer.email = Some("a".repeat(60) + "@b.jp")),
        ("buyer.email", "email", |o| o.buyer.email = Some("花子@example.com".to_owned())),
        ("billed-amount", "not-the-sum", |o| o.billed_amount += 1),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("無料", 0, 1)])),
        ("billed-amount", "out-of-range", |o| bill(o, vec![item("高", 999_999, 1), item("安", 1, 1)])),
        ("items", "required", |o| (o.items, o.billed_amount) = (Vec::new(), 590)),
        ("items[0].name", "required", |o| o.items[0].name = "\u{3000}".to_owned()),
        ("items[0].name", "characters", |o| o.items[0].name = "茶\u{7}碗".to_owned()),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 0))),
        ("items[1].quantity", "out-of-range", |o| o.items.push(item("無料", 0, 10_000))),
        ("shipping-fee", "out-of-range", |o| (o.shipping_fee, o.billed_amount) = (-1, 1_329)),
        ("payment-fee", "out-of-range", |o| (o.payment_fee, o.billed_amount) = (-1, 1_259)),
        // The lines alone are good; what they are merged into is not.
        ("items", "out-of-range", |o| {
            bill(o, [vec![item("引", -90_000, 1); 9], vec![item("高", 90_000, 1); 12]].concat())
        }),
        ("recipient.name", "required", |o| recipient(o, |r| r.name.clear())),
        ("recipient.name", "too-long", |o| recipient(o, |r| r.name = long(31))),
        ("recipient.name", "characters", |o| recipient(o, |r| r.name = "René".to_owned())),
        ("recipient.address.postal-code", "postal-code", |o| recipient(o, |r| r.address.postal_code.clear())),
        ("recipient.address.prefecture", "prefecture", |o| recipient(o, |r| r.address.prefecture = "東京".to_owned())),
        ("recipient.address.city", "required", |o| recipient(o, |r| r.address.city.clear())),
        ("recipient.address", "too-long", |o| recipient(o, |r| r.address.street = format!("{}1", long(45)))),
        ("recipient.address.street", "characters", |o| recipient(o, |r| r.address.street = "Café 1".to_owned())),
        ("recipient.phone", "phone", |o| recipient(o, |r| r.phone = "110".to_owned())),
        ("recipient.phone", "phone", |o| recipient(o, |r| r.phone = "080-1234-567".to_owned())),
        ("recipient.phone", "phone", |o| recipient(o, |r| r.phone = "電話".to_owned())),
        ("recipient.phone", "phone", |o| recipient(o, |r| r.phone = "-1".to_owned())),
    ];
    for (field, code, spoil) in beyond {
        let mut order = order();
        spoil(&mut order);
        assert_eq!(refused(order), pairs(&[(field, code)]));
    }
}

/// Price and subtotal have the same bound, so a price beyond it is two problems of one field.
#[test]
fn a_price_and_its_subtotal_have_six_digits() {
    let found = |price, quantity| {
        let mut order = order();
        let rest = 1 - price * i64::from(quantity);
        let back = vec![item("調整", rest / 3, 1), item("調整", rest / 3, 1), item("調整", rest - 2 * (rest / 3), 1)];
        bill(&mut order, [vec![item("品", price, quantity)], back].concat());
        let Err(Failure::Invalid(problems)) = only(run(provider::credit::<Kuroneko, _>(&call(&silent()), &[order])))
        else {
            panic!()
        };
        problems.into_iter().map(|p| (p.field, p.reason.message)).collect::<Vec<_>>()
    };
    for price in [1_000_000, -1_000_000] {
        let problems = found(price, 1);
        assert_eq!(problems[0].0, "items[0].unit-price");
        assert!(problems[0].1.contains("単価") && problems[1].1.contains("小計"), "{problems:?}");
    }
    for price in [500_000, -500_000] {
        let problems = found(price, 2);
        assert_eq!(problems[0].0, "items[0].unit-price");
        assert!(problems[0].1.contains("1行目の小計"), "{problems:?}");
    }
}

#[test]
fn a_recipient_may_have_no_telephone() {
    let mut order = order();
    recipient(&mut order, |recipient| recipient.phone.clear());
    assert_eq!(value(order.clone(), "sendDiv").as_deref(), Some("1"));
    assert_eq!(value(order, "sendTelNum"), None, "left out, not empty");
}

#[test]
fn every_problem_of_an_order_is_named_at_once() {
    let mut order = order();
    order.items.clear();
    order.reference.clear();
    (order.buyer.phone, order.buyer.address.street) = ("電話".to_owned(), "芝公園".to_owned());
    order.recipient = Some(party(""));
    let expected = [
        ("reference", "reference"),
        ("buyer.address.street", "no-number"),
        ("buyer.phone", "phone"),
        ("items", "required"),
        ("recipient.name", "required"),
        ("billed-amount", "not-the-sum"),
    ];
    assert_eq!(refused(order), pairs(&expected));
}

#[test]
fn one_reference_is_not_registered_twice_by_one_call() {
    let gateway = answering(&result("0"));
    let rows = run(provider::credit::<Kuroneko, _>(&call(&gateway), &[order(), order()]));
    assert_eq!(kind(&rows[0]), "ok");
    assert_eq!(problems(rows[1].clone()), pairs(&[("reference", "reference-twice")]));
    assert_eq!(gateway.sent().len(), 1);
}

#[test]
fn a_bad_row_hides_no_other() {
    let named = |reference: &str| Order { reference: reference.to_owned(), ..order() };
    let gateway = answering(&result("0"));
    let rows = [Order { billed_amount: 1, ..named("R1") }, named("R2"), named("R3")];
    let outcomes = run(provider::credit::<Kuroneko, _>(&call(&gateway), &rows));
    assert_eq!(kinds(&outcomes), ["invalid", "ok", "ok"]);
    let ids: Vec<_> = outcomes[1..].iter().map(|row| row.clone().unwrap().transaction_id.unwrap()).collect();
    assert_eq!(ids, ["R2", "R3"]);
    let asked: Vec<_> = gateway.sent().iter().map(|request| field(request, "orderNo")).collect();
    assert_eq!(asked, ["R2", "R3"], "one order a request");
}

proptest! {
    #[test]
    fn any_order_is_judged_without_panic_or_lost_row(orders in proptest::collection::vec(any_order(), 0..4)) {
        let gateway = answering(&result("0"));
        prop_assert_eq!(run(provider::credit::<Kuroneko, _>(&call(&gateway), &orders)).len(), orders.len());
    }

    /// Wherever an address is parted, nothing of it is lost and both parts fit.
    #[test]
    fn an_address_arrives_whole(city in "[港区中央町]{1,9}", street in "[芝公園ビル0-9A-Z -]{1,37}9") {
        let fields = sent(living(&city, &street));
        let part = |key: &str| fields.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value);
        let (first, second) = (part("address1"), part("address2"));
        prop_assert!(first.chars().count() <= 25 && second.chars().count() <= 25);
        let wide = |c: char| if c.is_ascii() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c };
        let all: String = format!("東京都{city}{street}").replace(' ', "").chars().map(wide).collect();
        prop_assert_eq!(format!("{first}{second}").replace('\u{3000}', ""), all);
    }

    /// However many lines there are, ten go out at most, and they are the bill.
    #[test]
    fn the_lines_that_go_out_are_the_bill(lines in proptest::collection::vec((-900i64..9_000, 1u32..9), 1..40)) {
        let mut order = order();
        bill(&mut order, lines.into_iter().map(|(price, quantity)| item("品", price, quantity)).collect());
        order.shipping_fee = 260;
        order.billed_amount += 260;
        prop_assume!((1..=999_999).contains(&order.billed_amount));
        let fields = sent(order.clone());
        let numbers = |key: &str| -> Vec<i64> {
            let of = fields.iter().filter(|(name, _)| name.starts_with(key));
            of.map(|(_, value)| value.parse().unwrap()).collect()
        };
        let (counts, prices, sums) = (numbers("itemCount"), numbers("unitPrice"), numbers("subTotal"));
        prop_assert!(sums.len() <= 10 && counts.len() == sums.len());
        let products: Vec<_> = counts.iter().zip(&prices).map(|(count, price)| count * price).collect();
        prop_assert_eq!(&products, &sums);
        prop_assert_eq!((sums.iter().sum::<i64>(), numbers("totalAmount")), (order.billed_amount, vec![order.billed_amount]));
    }
}
