//! A registration (`transaction.do`) as elements in the gateway's order, or everything that is wrong
//! with the order. Lengths are in characters; a field that may be left out is left out where it is empty.

use crate::describe::MAX_BILLED;
use provider_sdk::japan;
use provider_sdk::lines::{self, Limits};
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
/// Six characters, the minus sign of a discount among them; a quantity has five digits. Fifteen lines
/// are *assumed*.
const LINES: Limits =
    Limits { lines: 15, name: 150, unit_price: -99_999..=999_999, quantity: 1..=99_999, subtotal: i64::MIN..=i64::MAX };
/// Shipping and fee are never negative.
const FEES: RangeInclusive<i64> = 0..=999_999;

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
    tree.checks.email("buyer.email", "購入者のメールアドレス", email, MAX_EMAIL);
    tree.put("email", email);
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
    let whole = tree.checks.address(to.path, to.label, address, MAX_ADDRESS);
    tree.put(to.address, whole);
    tree.optional(to.company, &path("company"), &label("法人名"), &party.company, MAX_COMPANY);
    tree.optional(to.section, &path("department"), &label("部署名"), &party.department, MAX_SECTION);
    tree.checks.phone(&path("phone"), &label("電話番号"), &party.phone, MAX_PHONE);
    tree.put(to.tel, &party.phone);
}

/// Items, shipping and fee.
fn details(tree: &mut Tree, order: &Order) {
    tree.checks.number("shipping-fee", "送料", order.shipping_fee, FEES);
    tree.checks.number("payment-fee", "手数料", order.payment_fee, FEES);
    let lines = lines::going_out(&mut tree.checks, lines::with_fees(order), &LINES, str::to_owned);
    for (at, line) in lines.iter().enumerate() {
        tree.group("detail", |tree| detail(tree, at + 1, line));
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
