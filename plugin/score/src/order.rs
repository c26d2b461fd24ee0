//! A registration (`autotransaction.do`) as elements, or everything that is wrong with the order.
//! Lengths are in characters; a field that may be left out is left out where it is empty.

use provider_sdk::checks::Checks;
use provider_sdk::japan;
use provider_sdk::lines::{self, Limits};
use provider_sdk::text::postal_code;
use provider_sdk::tree::Tree;
use provider_sdk::types::{Address, Failure, InvoiceDelivery, LineItem, Order, Party};
use provider_sdk::xml::Element;
use std::ops::RangeInclusive;

/// What may be billed, in yen.
pub const BILLED: RangeInclusive<i64> = 1..=999_999;

const NAMES: RangeInclusive<usize> = 2..=25;
const MAX_KANA: usize = 35;
const PHONES: RangeInclusive<usize> = 8..=17;
const MAX_EMAIL: usize = 100;
const CITIES: RangeInclusive<usize> = 2..=31;
const STREETS: RangeInclusive<usize> = 2..=35;
const MAX_COMPANY: usize = 35;
const MAX_DEPARTMENT: usize = 35;
/// For how many lines no limit is known.
const LINES: Limits = Limits {
    lines: usize::MAX,
    name: 150,
    unit_price: -99_999..=999_999,
    quantity: 0..=9_999,
    subtotal: i64::MIN..=i64::MAX,
};
/// Shipping and fee are never negative.
const FEES: RangeInclusive<i64> = 0..=999_999;

/// The elements that register `order`, or every problem with it. `earlier` are the orders before it in
/// the same call.
pub fn encode(order: &Order, earlier: &[Order]) -> Result<Vec<Element>, Failure> {
    let mut tree = Tree::default();
    tree.checks.not_twice(earlier, &order.reference);
    tree.checks.sum(order);
    // What the buyer's browser says: there is none in a back office.
    tree.group("httpInfo", |tree| {
        tree.put("httpHeader", "");
        tree.put("deviceInfo", "");
    });
    tree.group("buyer", |tree| buyer(tree, order));
    tree.group("deliveries", |tree| tree.group("delivery", |tree| delivery(tree, order)));
    tree.into_elements()
}

fn buyer(tree: &mut Tree, order: &Order) {
    let at = Place { path: "buyer", label: "購入者" };
    let party = &order.buyer;
    tree.checks.reference("reference", &order.reference);
    tree.put("shopTransactionId", &order.reference);
    tree.checks.date("ordered-on", "注文日", &order.ordered_on);
    tree.put("shopOrderDate", japan::format(&order.ordered_on, "/"));
    names(tree, &at, party);
    phone(tree, &at, party);
    let email = party.email.as_deref().unwrap_or_default();
    tree.checks.email(&at.path("email"), &at.label("メールアドレス"), email, MAX_EMAIL);
    tree.put("email", email);
    address(tree, &at, &party.address);
    company(tree, &at, party);
    tree.number("billedAmount", "billed-amount", "請求金額合計", order.billed_amount, BILLED);
    check_enclosed(&mut tree.checks, order);
    tree.put("paymentType", if order.invoice == InvoiceDelivery::Enclosed { "3" } else { "2" });
}

/// 同梱 puts the invoice into the parcel, so the parcel has to go exactly where the buyer lives.
fn check_enclosed(checks: &mut Checks, order: &Order) {
    let elsewhere = order.recipient.as_ref().is_some_and(|to| sent(&to.address) != sent(&order.buyer.address));
    if order.invoice == InvoiceDelivery::Enclosed && elsewhere {
        let words = "請求書の同梱は、配送先の住所が購入者の住所と同じときだけです。別送にしてください";
        checks.add("invoice", "enclosed-elsewhere", words);
    }
}

/// An address as it goes out.
fn sent(address: &Address) -> [String; 4] {
    let Address { postal_code: zip, prefecture, city, street } = address;
    [postal_code(zip), prefecture.clone(), city.clone(), street.clone()]
}

/// One delivery, to the recipient or else to the buyer.
fn delivery(tree: &mut Tree, order: &Order) {
    let (at, party) = match &order.recipient {
        Some(recipient) => (Place { path: "recipient", label: "配送先" }, recipient),
        None => (Place { path: "buyer", label: "購入者" }, &order.buyer),
    };
    tree.group("deliveryCustomer", |tree| {
        names(tree, &at, party);
        address(tree, &at, &party.address);
        company(tree, &at, party);
        phone(tree, &at, party);
        if let Some(email) = party.email.as_deref().filter(|email| !email.trim().is_empty()) {
            tree.checks.email(&at.path("email"), &at.label("メールアドレス"), email, MAX_EMAIL);
            tree.put("email", email);
        }
    });
    tree.group("details", |tree| details(tree, order));
}

/// Where the contract has a party, and what a form calls it.
struct Place {
    path: &'static str,
    label: &'static str,
}

impl Place {
    fn path(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn label(&self, name: &str) -> String {
        format!("{}の{name}", self.label)
    }
}

fn names(tree: &mut Tree, at: &Place, party: &Party) {
    bounded(tree, "fullName", &at.path("name"), &at.label("氏名"), &party.name, NAMES);
    tree.optional("fullKanaName", &at.path("name-kana"), &at.label("氏名カナ"), &party.name_kana, MAX_KANA);
}

fn phone(tree: &mut Tree, at: &Place, party: &Party) {
    let (path, label) = (at.path("phone"), at.label("電話番号"));
    tree.checks.phone(&path, &label, &party.phone, *PHONES.end());
    tree.checks.at_least(&path, &label, &party.phone, *PHONES.start());
    tree.put("tel", &party.phone);
}

fn address(tree: &mut Tree, at: &Place, address: &Address) {
    let (path, label) = (|field: &str| at.path(&format!("address.{field}")), |name: &str| at.label(name));
    tree.checks.postal_code(&path("postal-code"), &label("郵便番号"), &address.postal_code);
    tree.put("zipCode", postal_code(&address.postal_code));
    tree.checks.prefecture(&path("prefecture"), &label("都道府県"), &address.prefecture);
    tree.put("address1", &address.prefecture);
    bounded(tree, "address2", &path("city"), &label("市区町村"), &address.city, CITIES);
    bounded(tree, "address3", &path("street"), &label("町名・番地・建物名"), &address.street, STREETS);
}

fn company(tree: &mut Tree, at: &Place, party: &Party) {
    tree.optional("companyName", &at.path("company"), &at.label("法人名"), &party.company, MAX_COMPANY);
    tree.optional("departmentName", &at.path("department"), &at.label("部署名"), &party.department, MAX_DEPARTMENT);
}

/// Text that must be there, neither shorter nor longer than `lengths`.
fn bounded(tree: &mut Tree, element: &str, field: &str, label: &str, value: &str, lengths: RangeInclusive<usize>) {
    tree.text(element, field, label, value, *lengths.end());
    tree.checks.at_least(field, label, value, *lengths.start());
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
    tree.put("detailId", number.to_string());
    tree.put("detailName", &line.name);
    tree.put("detailPrice", line.unit_price.to_string());
    tree.put("detailQuantity", line.quantity.to_string());
}
