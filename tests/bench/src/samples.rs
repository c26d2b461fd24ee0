//! The order, the shop and the fee rule that every subject is given. Everybody here is invented.

use provider_host::contract as host;
use provider_sdk::types as sdk;

/// The ids of the shop at 後払い.com, and where its gateway is.
pub fn settings(base: &str) -> Vec<(&'static str, String)> {
    let ids = [("enterprise-id", "12345"), ("site-id", "678"), ("api-user-id", "90"), ("base-url", base)];
    ids.map(|(key, value)| (key, value.to_owned())).into()
}

/// The same as the host takes them.
pub fn account(base: &str) -> provider_host::Account {
    let setting = |(key, value): (&str, String)| host::Setting { key: key.to_owned(), value };
    provider_host::Account::new("bench", settings(base).into_iter().map(setting).collect())
}

/// The call's context as wasmtime alone takes it.
pub fn host_context(base: &str) -> host::Context {
    let setting = |(key, value): (&str, String)| host::Setting { key: key.to_owned(), value };
    host::Context { settings: settings(base).into_iter().map(setting).collect(), now: NOW }
}

/// The call's context as native provider code takes it.
pub fn sdk_context(base: &str) -> sdk::Context {
    let setting = |(key, value): (&str, String)| sdk::Setting { key: key.to_owned(), value };
    sdk::Context { settings: settings(base).into_iter().map(setting).collect(), now: NOW }
}

/// 2026-11-24T00:00:00Z, the day of the order.
const NOW: u64 = 1_795_478_400_000;

/// The contract's types are generated twice, for the host and for providers; the order is the same.
macro_rules! order {
    ($name:ident, $types:ident) => {
        /// An ordinary order of one line.
        pub fn $name(reference: String) -> $types::Order {
            let address = $types::Address {
                postal_code: "1060032".to_owned(),
                prefecture: "東京都".to_owned(),
                city: "港区".to_owned(),
                street: "六本木1-2-3".to_owned(),
            };
            let buyer = $types::Party {
                name: "見本 花子".to_owned(),
                name_kana: None,
                company: None,
                department: None,
                address,
                phone: "0300001000".to_owned(),
                email: Some("buyer@example.jp".to_owned()),
            };
            let line =
                $types::LineItem { name: "見本".to_owned(), unit_price: 1_000, quantity: 1, tax_rate: Some(10) };
            $types::Order {
                reference,
                ordered_on: $types::Date { year: 2026, month: 11, day: 24 },
                ships_on: None,
                buyer,
                recipient: None,
                items: vec![line],
                shipping_fee: 500,
                payment_fee: 330,
                billed_amount: 1_830,
                invoice: $types::InvoiceDelivery::Separate,
                note: None,
            }
        }
    };
}

order!(host_order, host);
order!(sdk_order, sdk);

/// `order` as providers take it: what a connector of its own does with what it was sent.
pub fn to_sdk(order: host::Order) -> sdk::Order {
    let date = |date: host::Date| sdk::Date { year: date.year, month: date.month, day: date.day };
    let party = |party: host::Party| sdk::Party {
        name: party.name,
        name_kana: party.name_kana,
        company: party.company,
        department: party.department,
        address: sdk::Address {
            postal_code: party.address.postal_code,
            prefecture: party.address.prefecture,
            city: party.address.city,
            street: party.address.street,
        },
        phone: party.phone,
        email: party.email,
    };
    let item = |item: host::LineItem| sdk::LineItem {
        name: item.name,
        unit_price: item.unit_price,
        quantity: item.quantity,
        tax_rate: item.tax_rate,
    };
    sdk::Order {
        reference: order.reference,
        ordered_on: date(order.ordered_on),
        ships_on: order.ships_on.map(date),
        buyer: party(order.buyer),
        recipient: order.recipient.map(party),
        items: order.items.into_iter().map(item).collect(),
        shipping_fee: order.shipping_fee,
        payment_fee: order.payment_fee,
        billed_amount: order.billed_amount,
        invoice: match order.invoice {
            host::InvoiceDelivery::Separate => sdk::InvoiceDelivery::Separate,
            host::InvoiceDelivery::Enclosed => sdk::InvoiceDelivery::Enclosed,
        },
        note: order.note,
    }
}

/// 手数料設定: 330 yen more.
pub fn fee_rule() -> host::FeeRule {
    host::FeeRule { mode: host::FeeMode::Add, bands: vec![host::FeeBand { lower: 0, upper: None, fee: 330 }] }
}

/// A bill of 1,500 yen, to which [`fee_rule`] makes 1,830.
pub const BILL: host::Bill = host::Bill { items: 1_000, shipping_fee: 500, payment_fee: 0 };
