//! A registration (`/api/order/rest`) as form fields, or everything that is wrong with the order.
//!
//! Parameters, required ones and lengths are those of the gateway; all lengths are in characters and
//! *assumed*. Each value is checked where it is put into the form, so none goes out unchecked.

use crate::describe::{self, API_USER_ID, ENTERPRISE_ID, SITE_ID};
use provider_sdk::checks::Checks;
use provider_sdk::japan;
use provider_sdk::lines::{self, Limits};
use provider_sdk::settings::Settings;
use provider_sdk::text::digits;
use provider_sdk::types::{Failure, InvoiceDelivery, LineItem, Order, Party};

const MAX_NOTE: usize = 4000;
const MAX_ADDRESS: usize = 100;
const MAX_NAME: usize = 30;
const MAX_PHONE: usize = 50;
const MAX_EMAIL: usize = 255;
const MAX_COMPANY: usize = 255;
const MAX_DEPARTMENT: usize = 255;
/// Nine characters. Given for prices, carriage and charge; the total is held to it as well.
const MAX_YEN: i64 = 999_999_999;
/// Nine characters for prices and quantities too, a minus sign among them: a negative price is how a
/// discount goes (*assumed*). For how many lines no limit is known.
const LINES: Limits = Limits {
    lines: usize::MAX,
    name: 255,
    unit_price: -99_999_999..=MAX_YEN,
    quantity: 1..=999_999_999,
    subtotal: i64::MIN..=i64::MAX,
};
/// Percent. No rate at all is allowed as well.
const TAX_RATES: [u8; 3] = [0, 8, 10];

/// Fields of a request, in the order in which they go out.
pub type Fields = Vec<(String, String)>;

/// How the form calls the fields of a party; `path` and `label` name it in problems.
struct PartyParameters {
    path: &'static str,
    label: &'static str,
    postal_code: &'static str,
    address: &'static str,
    name: &'static str,
    kana: &'static str,
    phone: &'static str,
}

const BUYER: PartyParameters = PartyParameters {
    path: "buyer",
    label: "購入者",
    postal_code: "C_PostalCode",
    address: "C_UnitingAddress",
    name: "C_NameKj",
    kana: "C_NameKn",
    phone: "C_Phone",
};

/// The form has no company for a recipient.
const RECIPIENT: PartyParameters = PartyParameters {
    path: "recipient",
    label: "配送先",
    postal_code: "D_PostalCode",
    address: "D_UnitingAddress",
    name: "D_DestNameKj",
    kana: "D_DestNameKn",
    phone: "D_Phone",
};

/// The fields that register `order`, or every problem with it.
pub fn encode(order: &Order, settings: &Settings) -> Result<Fields, Failure> {
    let mut form = Form::default();
    form.head(order, settings);
    form.buyer(&order.buyer);
    form.put("C_SeparateShipment", if order.invoice == InvoiceDelivery::Enclosed { "0" } else { "1" });
    form.put("O_AnotherDeliFlg", if order.recipient.is_some() { "1" } else { "0" });
    if let Some(recipient) = &order.recipient {
        form.party(&RECIPIENT, recipient);
    }
    form.lines(order);
    form.yen("I_ItemCarriage", "shipping-fee", "送料", order.shipping_fee, 0);
    form.yen("I_ItemCharge", "payment-fee", "手数料", order.payment_fee, 0);
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

    fn text(&mut self, parameter: impl Into<String>, field: &str, label: &str, value: &str, limit: usize) {
        self.checks.text(field, label, value, limit);
        self.put(parameter, value);
    }

    /// Text that may be left out; blank counts as left out.
    fn optional(&mut self, parameter: &str, field: &str, label: &str, value: &Option<String>, limit: usize) {
        if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
            self.text(parameter, field, label, value, limit);
        }
    }

    fn yen(&mut self, parameter: &str, field: &str, label: &str, value: i64, least: i64) {
        self.checks.number(field, label, value, least..=MAX_YEN);
        self.put(parameter, value.to_string());
    }

    fn head(&mut self, order: &Order, settings: &Settings) {
        self.checks.date("ordered-on", "注文日", &order.ordered_on);
        self.put("O_ReceiptOrderDate", japan::format(&order.ordered_on, "-"));
        // Only registration writes the ids with this prefix.
        self.put("O_EnterpriseId", settings.get(ENTERPRISE_ID));
        self.put("O_SiteId", settings.get(SITE_ID));
        self.put("O_ApiUserId", settings.get(API_USER_ID));
        self.checks.reference("reference", &order.reference);
        self.put("O_Ent_OrderId", &order.reference);
        if let Some(note) = order.note.as_deref().filter(|note| !note.trim().is_empty()) {
            self.checks.note("note", "備考", note, MAX_NOTE);
            self.put("O_Ent_Note", note);
        }
        self.yen("O_UseAmount", "billed-amount", "請求金額合計", order.billed_amount, 1);
        // Have the verdict, or "under review", in the answer itself.
        self.put("O_RtOrderStatus", "1");
        if let Some(result) = describe::test_result(settings) {
            self.put("O_TestOrderFlg", "1");
            self.put("O_TestCreditResult", result);
        }
    }

    fn buyer(&mut self, buyer: &Party) {
        self.party(&BUYER, buyer);
        if let Some(email) = buyer.email.as_deref().filter(|email| !email.trim().is_empty()) {
            self.checks.email("buyer.email", "購入者のメールアドレス", email, MAX_EMAIL);
            self.put("C_MailAddress", email);
        }
        self.optional("C_CorporateName", "buyer.company", "購入者の法人名", &buyer.company, MAX_COMPANY);
        self.optional("C_DivisionName", "buyer.department", "購入者の部署名", &buyer.department, MAX_DEPARTMENT);
    }

    fn party(&mut self, to: &PartyParameters, party: &Party) {
        let path = |field: &str| format!("{}.{field}", to.path);
        let label = |name: &str| format!("{}の{name}", to.label);
        let address = &party.address;
        self.checks.postal_code(&path("address.postal-code"), &label("郵便番号"), &address.postal_code);
        self.put(to.postal_code, digits(&address.postal_code));
        let whole = self.checks.address(to.path, to.label, address, MAX_ADDRESS);
        self.put(to.address, whole);
        self.text(to.name, &path("name"), &label("氏名"), &party.name, MAX_NAME);
        self.optional(to.kana, &path("name-kana"), &label("氏名カナ"), &party.name_kana, MAX_NAME);
        self.checks.phone(&path("phone"), &label("電話番号"), &party.phone, MAX_PHONE);
        self.put(to.phone, &party.phone);
    }

    fn lines(&mut self, order: &Order) {
        let lines = lines::going_out(&mut self.checks, lines::goods(order), &LINES, str::to_owned);
        for (at, line) in lines.iter().enumerate() {
            self.line(at, line);
        }
    }

    /// Lines are counted from 1 in the form and in words, from 0 in the contract's paths.
    fn line(&mut self, at: usize, line: &LineItem) {
        let n = at + 1;
        self.put(format!("I_ItemNameKj_{n}"), &line.name);
        self.put(format!("I_UnitPrice_{n}"), line.unit_price.to_string());
        self.put(format!("I_ItemNum_{n}"), line.quantity.to_string());
        let Some(rate) = line.tax_rate else { return };
        if !TAX_RATES.contains(&rate) {
            let words = format!("明細{n}行目の税率は0、8、10のいずれかです（現在{rate}）");
            self.checks.add(&format!("items[{at}].tax-rate"), "tax-rate", words);
        }
        self.put(format!("I_TaxRate_{n}"), rate.to_string());
    }
}
