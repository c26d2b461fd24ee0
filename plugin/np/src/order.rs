//! A registration (`POST /transactions`) as JSON, or everything that is wrong with the order.
//!
//! Members, required ones and lengths are those of the gateway. Each value is checked where it is put
//! into the transaction, so none goes out unchecked.

use crate::describe::{EMAIL_REQUIRED, ON, SITE_NAME, SITE_URL};
use provider_sdk::checks::Checks;
use provider_sdk::fees::MAX_YEN;
use provider_sdk::fold;
use provider_sdk::japan;
use provider_sdk::lines::{self, Limits};
use provider_sdk::settings::Settings;
use provider_sdk::text::digits;
use provider_sdk::types::{Failure, InvoiceDelivery, LineItem, Order, Party};
use serde::Serialize;

const MAX_NAME: usize = 21;
const MAX_KANA: usize = 25;
const MAX_COMPANY: usize = 30;
const MAX_DEPARTMENT: usize = 30;
const MAX_ADDRESS: usize = 55;
const MAX_EMAIL: usize = 100;
/// For how many lines, and how many pieces, no limit is known; the latter's bound only keeps out what
/// cannot be a quantity.
const LINES: Limits = Limits {
    lines: usize::MAX,
    name: 150,
    unit_price: -MAX_YEN..=MAX_YEN,
    quantity: 1..=9_999_999,
    subtotal: i64::MIN..=i64::MAX,
};

/// 別送: the invoice comes by itself.
const SEPARATE: &str = "02";
/// 同梱 (wiz): the invoice comes with the goods.
const ENCLOSED: &str = "03";

/// One transaction of a registration. Members go out in this order; what is `None` does not go out.
#[derive(Serialize, PartialEq)]
pub struct Transaction {
    shop_transaction_id: String,
    shop_order_date: String,
    settlement_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_url: Option<String>,
    billed_amount: i64,
    customer: Customer,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_customer: Option<Customer>,
    goods: Vec<Goods>,
}

#[derive(Serialize, PartialEq)]
struct Customer {
    customer_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name_kana: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    department_name: Option<String>,
    zip_code: String,
    address: String,
    tel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Serialize, PartialEq)]
struct Goods {
    goods_name: String,
    goods_price: i64,
    quantity: u32,
}

/// The transaction that registers `order`, or every problem with it. `earlier` are the orders of the
/// same call that come before it.
pub fn encode(earlier: &[Order], order: &Order, settings: &Settings) -> Result<Transaction, Failure> {
    let mut checks = Checks::default();
    checks.reference("reference", &order.reference);
    checks.not_twice(earlier, &order.reference);
    checks.date("ordered-on", "注文日", &order.ordered_on);
    checks.number("billed-amount", "請求金額合計", order.billed_amount, 1..=MAX_YEN);
    let email = email(&mut checks, &order.buyer, settings.get(EMAIL_REQUIRED) == ON);
    let transaction = Transaction {
        shop_transaction_id: order.reference.clone(),
        shop_order_date: japan::format(&order.ordered_on, "-"),
        settlement_type: if order.invoice == InvoiceDelivery::Enclosed { ENCLOSED } else { SEPARATE },
        site_name: settings.find(SITE_NAME).map(fold::line),
        site_url: settings.find(SITE_URL).map(str::to_owned),
        billed_amount: order.billed_amount,
        customer: Customer { email, ..customer(&mut checks, "buyer", "購入者", &order.buyer) },
        dest_customer: order.recipient.as_ref().map(|party| customer(&mut checks, "recipient", "配送先", party)),
        goods: goods(&mut checks, order),
    };
    checks.sum(order);
    checks.into_result()?;
    Ok(transaction)
}

/// A buyer or a recipient, without the e-mail address that only a buyer has. `to` is the contract's path.
fn customer(checks: &mut Checks, to: &str, owner: &str, party: &Party) -> Customer {
    let path = |field: &str| format!("{to}.{field}");
    let label = |name: &str| format!("{owner}の{name}");
    checks.text(&path("name"), &label("氏名"), &party.name, MAX_NAME);
    let postal_code = &party.address.postal_code;
    checks.postal_code(&path("address.postal-code"), &label("郵便番号"), postal_code);
    let address = checks.address(to, owner, &party.address, MAX_ADDRESS);
    checks.domestic_phone(&path("phone"), &label("電話番号"), &party.phone);
    let mut optional = |field: &str, name: &str, value: &Option<String>, limit: usize| {
        let value = value.as_deref().filter(|value| !value.trim().is_empty())?;
        checks.text(&path(field), &label(name), value, limit);
        Some(value.to_owned())
    };
    Customer {
        customer_name: party.name.clone(),
        customer_name_kana: optional("name-kana", "氏名カナ", &party.name_kana, MAX_KANA),
        company_name: optional("company", "会社名", &party.company, MAX_COMPANY),
        department_name: optional("department", "部署名", &party.department, MAX_DEPARTMENT),
        zip_code: digits(postal_code),
        address,
        tel: digits(&party.phone),
        email: None,
    }
}

fn email(checks: &mut Checks, buyer: &Party, required: bool) -> Option<String> {
    let (field, label) = ("buyer.email", "購入者のメールアドレス");
    let email = buyer.email.as_deref().filter(|email| !email.trim().is_empty());
    if email.is_some() || required {
        checks.email(field, label, email.unwrap_or_default(), MAX_EMAIL);
    }
    email.map(str::to_owned)
}

/// Goods, shipping and fee: the gateway has lines alone, whose sum is the billed amount.
fn goods(checks: &mut Checks, order: &Order) -> Vec<Goods> {
    checks.number("shipping-fee", "送料", order.shipping_fee, 0..=MAX_YEN);
    checks.number("payment-fee", "手数料", order.payment_fee, 0..=MAX_YEN);
    let line = |line: LineItem| Goods { goods_name: line.name, goods_price: line.unit_price, quantity: line.quantity };
    lines::going_out(checks, lines::with_fees(order), &LINES, str::to_owned).into_iter().map(line).collect()
}
