//! A registration (`transaction.do`) as elements in the gateway's order, or everything that is wrong
//! with the order. Lengths are in characters; a field that may be left out is left out where it is empty.

use crate::describe::MAX_BILLED;
use provider_sdk::japan;
use provider_sdk::lines;
use provider_sdk::text::postal_code;
use provider_sdk::tree::Tree;
use provider_sdk::types::{Failure, InvoiceDelivery, LineItem, Order, Party};
use provider_sdk::xml::Element;
use std::ops::RangeInclusive;

const MAX_NAME: usize = 21;
const MAX_KANA: usize = 25;
const MAX_ADDRESS: usize = 55;
const MAX_COMPANY: usize = 30;
const MAX_SECTION: usize = 30;
const MAX_PHONE: usize = 15;
const MAX_EMAIL: usize = 100;
const MAX_GOODS: usize = 150;
/// Six characters, the minus sign of a discount among them.
const PRICES: RangeInclusive<i64> = -99_999..=999_999;
/// Shipping and fee are never negative.
const FEES: RangeInclusive<i64> = 0..=999_999;
/// Five digits.
const QUANTITIES: RangeInclusive<u32> = 1..=99_999;
/// Lines of one registration (*assumed*).
const MAX_LINES: usize = 15;

/// How the gateway calls the fields of a party; `path` and `label` name it in problems.
struct PartyElements {
    path: &'static str,
    label: &'static str,
    name: &'static str,
    kana: &'static str,
    zip: &'static str,
    address: &'static str,
    company: &'static str,
    section: &'static str,
    tel: &'static str,
}

const BUYER: PartyElements = PartyElements {
    path: "buyer",
    label: "購入者",
    name: "name",
    kana: "kanaName",
    zip: "zip",
    address: "address",
    company: "companyName",
    section: "sectionName",
    tel: "tel",
};

const RECIPIENT: PartyElements = PartyElements {
    path: "recipient",
    label: "配送先",
    name: "shipName",
    // Spelled so.
    kana: "shipKananame",
    zip: "shipZip",
    address: "shipAddress",
    company: "shipCompanyName",
    section: "shipSectionName",
    tel: "shipTel",
};

/// The elements that register `order`, or every problem with it. `earlier` are the orders before it in
/// the same call.
pub fn encode(order: &Order, earlier: &[Order]) -> Result<Vec<Element>, Failure> {
    let mut tree = Tree::default();
    tree.checks.not_twice(earlier, &order.reference);
    tree.checks.sum(order);
    // What the buyer's browser says: there is none in a back office.
    tree.group("browserInfo", |tree| {
        tree.put("httpHeader", "");
        tree.put("deviceInfo", "");
    });
    tree.group("customer", |tree| customer(tree, order));
    if let Some(recipient) = &order.recipient {
        tree.group("ship", |tree| party(tree, &RECIPIENT, recipient));
    }
    tree.group("details", |tree| details(tree, order));
    tree.into_elements()
}

fn customer(tree: &mut Tree, order: &Order) {
    tree.checks.reference("reference", &order.reference);
    tree.put("shopOrderId", &order.reference);
    tree.checks.date("ordered-on", "注文日", &order.ordered_on);
    tree.put("shopOrderDate", japan::format(&order.ordered_on, "/"));
    party(tree, &BUYER, &order.buyer);
    let email = order.buyer.email.as_deref().unwrap_or_default();
    tree.text("email", "buyer.email", "購入者のメールアドレス", email, MAX_EMAIL);
    tree.number("billedAmount", "billed-amount", "請求金額合計", order.billed_amount, 1..=MAX_BILLED);
    tree.put("expand1", "");
    tree.put("service", if order.invoice == InvoiceDelivery::Enclosed { "3" } else { "2" });
}

fn party(tree: &mut Tree, to: &PartyElements, party: &Party) {
    let path = |field: &str| format!("{}.{field}", to.path);
    let label = |name: &str| format!("{}の{name}", to.label);
    let address = &party.address;
    tree.text(to.name, &path("name"), &label("氏名"), &party.name, MAX_NAME);
    tree.optional(to.kana, &path("name-kana"), &label("氏名カナ"), &party.name_kana, MAX_KANA);
    tree.checks.postal_code(&path("address.postal-code"), &label("郵便番号"), &address.postal_code);
    tree.put(to.zip, postal_code(&address.postal_code));
    // One string; the two parts that every address has are asked for by name.
    tree.checks.text(&path("address.prefecture"), &label("都道府県"), &address.prefecture, MAX_ADDRESS);
    tree.checks.text(&path("address.city"), &label("市区町村"), &address.city, MAX_ADDRESS);
    let whole = format!("{}{}{}", address.prefecture, address.city, address.street);
    if !whole.trim().is_empty() {
        tree.checks.text(&path("address"), &label("住所"), &whole, MAX_ADDRESS);
    }
    tree.put(to.address, whole);
    tree.optional(to.company, &path("company"), &label("法人名"), &party.company, MAX_COMPANY);
    tree.optional(to.section, &path("department"), &label("部署名"), &party.department, MAX_SECTION);
    tree.checks.phone(&path("phone"), &label("電話番号"), &party.phone, MAX_PHONE);
    tree.put(to.tel, &party.phone);
}

/// Items, shipping and fee; what is beyond [`MAX_LINES`] goes as one line with their sum.
fn details(tree: &mut Tree, order: &Order) {
    check_items(tree, &order.items);
    tree.checks.number("shipping-fee", "送料", order.shipping_fee, FEES);
    tree.checks.number("payment-fee", "手数料", order.payment_fee, FEES);
    let all = lines::with_fees(order);
    let merges = all.len() > MAX_LINES;
    let lines = lines::merged(all, MAX_LINES);
    if let Some(merged) = lines.last().filter(|_| merges) {
        let label = format!("明細{MAX_LINES}行目から先と送料・手数料の合計");
        tree.checks.number("items", &label, merged.unit_price, PRICES);
    }
    for (at, line) in lines.iter().enumerate() {
        tree.group("detail", |tree| detail(tree, at + 1, line));
    }
}

/// Lines are counted from 1 in words, from 0 in the contract's paths.
fn check_items(tree: &mut Tree, items: &[LineItem]) {
    if items.is_empty() {
        tree.checks.add("items", "required", "明細が1行もありません");
    }
    for (at, item) in items.iter().enumerate() {
        let path = |field: &str| format!("items[{at}].{field}");
        let label = |name: &str| format!("明細{}行目の{name}", at + 1);
        tree.checks.text(&path("name"), &label("品名"), &item.name, MAX_GOODS);
        tree.checks.number(&path("unit-price"), &label("単価"), item.unit_price, PRICES);
        tree.checks.number(&path("quantity"), &label("数量"), item.quantity, QUANTITIES);
    }
}

fn detail(tree: &mut Tree, number: usize, line: &LineItem) {
    tree.put("goods", &line.name);
    tree.put("goodsPrice", line.unit_price.to_string());
    tree.put("goodsAmount", line.quantity.to_string());
    tree.put("expand2", number.to_string());
    tree.put("expand3", "");
    tree.put("expand4", "");
}
