//! A registration (KAARA0010) as form fields, or everything that is wrong with the order.
//!
//! Names, addresses and items go out in full-width characters, kana in half-width ones, and lengths
//! are counted as they go out. Each value is checked where it is put into the form, so none goes out
//! unchecked. An item's name that is too long is cut.

use crate::describe::{CART_CODE, ENCLOSED_GIFT, MAX_BILL, MAX_DAYS_TO_SHIP, SEPARATE, days_to_ship};
use provider_sdk::checks::Checks;
use provider_sdk::japan;
use provider_sdk::lines::{self, Limits};
use provider_sdk::settings::Settings;
use provider_sdk::text::{count, digits, full_width, half_width_kana};
use provider_sdk::types::{Address, Date, Failure, InvoiceDelivery, LineItem, Order, Party};

const MAX_NAME: usize = 30;
const MAX_KANA: usize = 80;
/// Of each of the two parts.
const MAX_ADDRESS: usize = 25;
const MAX_EMAIL: usize = 64;
/// Six digits, for prices and subtotals in both directions.
const MAX_YEN: i64 = 999_999;
/// Lines of the form. A quantity has four digits.
const LINES: Limits =
    Limits { lines: 10, name: 30, unit_price: -MAX_YEN..=MAX_YEN, quantity: 1..=9_999, subtotal: -MAX_YEN..=MAX_YEN };

/// `sendDiv`: the invoice goes to the buyer, and so do the goods.
const TO_BUYER: &str = "0";
/// `sendDiv`: the invoice goes to the buyer, the goods elsewhere.
const TO_RECIPIENT: &str = "1";
/// `sendDiv`: the invoice goes with the goods.
const ENCLOSED: &str = "2";

/// Fields of a request, in the order in which they go out.
pub type Fields = Vec<(String, String)>;

/// How the form calls the fields of a party; `path` and `label` name it in problems.
struct PartyParameters {
    path: &'static str,
    label: &'static str,
    name: &'static str,
    postal_code: &'static str,
    address: [&'static str; 2],
    phone: &'static str,
    phone_required: bool,
}

const BUYER: PartyParameters = PartyParameters {
    path: "buyer",
    label: "購入者",
    name: "name",
    postal_code: "postCode",
    address: ["address1", "address2"],
    phone: "telNum",
    phone_required: true,
};

/// The form has no kana, company or e-mail address for a recipient, and asks for no telephone number.
const RECIPIENT: PartyParameters = PartyParameters {
    path: "recipient",
    label: "配送先",
    name: "sendName",
    postal_code: "sendPostCode",
    address: ["sendAddress1", "sendAddress2"],
    phone: "sendTelNum",
    phone_required: false,
};

/// The fields that register `order` at `now`, besides those of every call; or every problem with it.
/// `earlier` are the orders of the same call that come before it.
pub fn encode(earlier: &[Order], order: &Order, settings: &Settings, now: u64) -> Result<Fields, Failure> {
    let mut form = Form::default();
    form.checks.reference("reference", &order.reference);
    form.checks.not_twice(earlier, &order.reference);
    form.dates(order, days_to_ship(settings), &japan::date(now));
    form.buyer(&order.buyer);
    form.yen("totalAmount", "billed-amount", "請求金額合計", order.billed_amount, 1..=MAX_BILL);
    form.delivery(order, settings.get(ENCLOSED_GIFT) == SEPARATE);
    form.lines(order);
    if let Some(recipient) = &order.recipient {
        form.party(&RECIPIENT, recipient);
    }
    if let Some(cart) = settings.find(CART_CODE) {
        form.put("cartCode", cart);
    }
    form.checks.sum(order);
    form.checks.into_result()?;
    Ok(form.fields)
}

#[derive(Default)]
struct Form {
    fields: Fields,
    checks: Checks,
}

impl Form {
    fn put(&mut self, parameter: impl Into<String>, value: impl Into<String>) {
        self.fields.push((parameter.into(), value.into()));
    }

    /// Text that goes out in full-width characters.
    fn wide(&mut self, parameter: impl Into<String>, field: &str, label: &str, value: &str, limit: usize) {
        let value = full_width(value);
        self.checks.text(field, label, &value, limit);
        self.put(parameter, value);
    }

    fn yen(
        &mut self,
        parameter: impl Into<String>,
        field: &str,
        label: &str,
        value: i64,
        allowed: std::ops::RangeInclusive<i64>,
    ) {
        self.checks.number(field, label, value, allowed);
        self.put(parameter, value.to_string());
    }

    /// Without a planned shipping date the order ships `days` after it was made, but not before today.
    fn dates(&mut self, order: &Order, days: u16, today: &Date) {
        let ordered = order.ordered_on;
        self.checks.date("ordered-on", "注文日", &ordered);
        let planned = japan::days_after(&ordered, days).unwrap_or(ordered);
        let planned = if key(&planned) < key(today) { *today } else { planned };
        let ships = order.ships_on.unwrap_or(planned);
        self.checks.date("ships-on", "出荷予定日", &ships);
        if key(&ships) < key(&ordered) {
            self.checks.add("ships-on", "before-order", "出荷予定日が注文日より前です");
        }
        let within =
            |from: &Date, to: &Date| japan::days_after(from, MAX_DAYS_TO_SHIP).is_none_or(|d| key(to) <= key(&d));
        if !within(today, &ships) || !within(&ships, today) {
            let words = format!("出荷予定日は今日から{MAX_DAYS_TO_SHIP}日以内です");
            self.checks.add("ships-on", "out-of-range", words);
        }
        self.put("orderYmd", japan::format(&ordered, ""));
        self.put("shipYmd", japan::format(&ships, ""));
    }

    fn buyer(&mut self, buyer: &Party) {
        self.party(&BUYER, buyer);
        if let Some(kana) = given(&buyer.name_kana) {
            let (field, label, kana) = ("buyer.name-kana", "購入者の氏名カナ", half_width_kana(kana));
            self.checks.text(field, label, &kana, MAX_KANA);
            if !kana.chars().all(|c| c == ' ' || ('\u{ff61}'..='\u{ff9f}').contains(&c)) {
                self.checks.add(field, "kana", format!("{label}はカナです"));
            }
            self.put("nameKana", kana);
        }
        if let Some(email) = given(&buyer.email) {
            let (field, label) = ("buyer.email", "購入者のメールアドレス");
            self.checks.email(field, label, email, MAX_EMAIL);
            self.put("email", email);
        }
    }

    fn party(&mut self, to: &PartyParameters, party: &Party) {
        let path = |field: &str| format!("{}.{field}", to.path);
        let label = |name: &str| format!("{}の{name}", to.label);
        self.wide(to.name, &path("name"), &label("氏名"), &party.name, MAX_NAME);
        let postal_code = &party.address.postal_code;
        self.checks.postal_code(&path("address.postal-code"), &label("郵便番号"), postal_code);
        self.put(to.postal_code, digits(postal_code));
        self.address(to, &party.address);
        if to.phone_required || !party.phone.trim().is_empty() {
            self.checks.domestic_phone(&path("phone"), &label("電話番号"), &party.phone);
            self.put(to.phone, digits(&party.phone));
        }
    }

    /// Two parts, the first of which begins with the prefecture; a 番地 stands somewhere in them.
    fn address(&mut self, to: &PartyParameters, address: &Address) {
        let path = |field: &str| format!("{}.{field}", to.path);
        let label = |name: &str| format!("{}の{name}", to.label);
        self.checks.prefecture(&path("address.prefecture"), &label("都道府県"), &address.prefecture);
        self.checks.text(&path("address.city"), &label("市区町村"), &address.city, 2 * MAX_ADDRESS);
        let area = full_width(&format!("{}{}", address.prefecture, address.city));
        let street = full_width(&address.street);
        self.checks.characters(&path("address.street"), &label("町名・番地・建物名"), &street);
        if !street.chars().chain(area.chars()).any(|c| ('０'..='９').contains(&c)) {
            self.checks.add(&path("address.street"), "no-number", format!("{}に番地がありません", label("住所")));
        }
        let Some((first, second)) = split(&area, &street) else {
            let words = format!("{}は全角{MAX_ADDRESS}文字と{MAX_ADDRESS}文字に分けられる長さまでです", label("住所"));
            return self.checks.add(&path("address"), "too-long", words);
        };
        self.put(to.address[0], first);
        if !second.is_empty() {
            self.put(to.address[1], second);
        }
    }

    /// One value says where both the goods and the invoice go, so an invoice cannot go with goods that
    /// go to somebody else; `falls_back` has it sent by itself then.
    fn delivery(&mut self, order: &Order, falls_back: bool) {
        let value = match (order.invoice, &order.recipient) {
            (InvoiceDelivery::Separate, None) => TO_BUYER,
            (InvoiceDelivery::Separate, Some(_)) => TO_RECIPIENT,
            (InvoiceDelivery::Enclosed, None) => ENCLOSED,
            (InvoiceDelivery::Enclosed, Some(_)) if falls_back => TO_RECIPIENT,
            (InvoiceDelivery::Enclosed, Some(_)) => {
                let words = "配送先が購入者と異なる注文では請求書を同梱できません。別送にしてください";
                self.checks.add("invoice", "enclosed-gift", words);
                ENCLOSED
            }
        };
        self.put("sendDiv", value);
    }

    /// Goods, shipping and fee: the form has lines alone, whose subtotals add up to the total.
    fn lines(&mut self, order: &Order) {
        self.checks.number("shipping-fee", "送料", order.shipping_fee, 0..=MAX_YEN);
        self.checks.number("payment-fee", "手数料", order.payment_fee, 0..=MAX_YEN);
        let lines = lines::going_out(&mut self.checks, lines::with_fees(order), &LINES, full_width);
        for (at, line) in lines.iter().enumerate() {
            self.line(at + 1, line);
        }
    }

    fn line(&mut self, n: usize, line: &LineItem) {
        self.put(format!("itemName{n}"), &line.name);
        self.put(format!("itemCount{n}"), line.quantity.to_string());
        self.put(format!("unitPrice{n}"), line.unit_price.to_string());
        self.put(format!("subTotal{n}"), lines::sum(line).to_string());
    }
}

/// Text that is there; blank counts as left out.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.trim().is_empty())
}

/// Dates in the order of the calendar.
fn key(date: &Date) -> (u16, u8, u8) {
    (date.year, date.month, date.day)
}

/// An address as two parts, or nothing if it is too long for them. It is parted at the last space that
/// leaves two parts that fit, as between street number and building; else behind the city; else where
/// the first part is full.
fn split(area: &str, street: &str) -> Option<(String, String)> {
    let whole = format!("{area}{street}");
    let fits = |part: &str| count(part) <= MAX_ADDRESS;
    if fits(&whole) {
        return Some((whole, String::new()));
    }
    let spaces = street.rmatch_indices('\u{3000}').map(|(at, _)| area.len() + at);
    let full = whole.char_indices().nth(MAX_ADDRESS).map(|(at, _)| at);
    let parts = spaces.chain([area.len()]).chain(full).map(|at| whole.split_at(at));
    let parts = parts.map(|(first, second)| (first.trim(), second.trim()));
    let (first, second) = parts.into_iter().find(|(first, second)| fits(first) && fits(second))?;
    Some((first.to_owned(), second.to_owned()))
}
