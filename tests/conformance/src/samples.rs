//! Ordinary rows: what any provider takes, with invented people who can be recognised in a log.

use crate::session::{Operation, Rows};
use provider_host::contract::{
    Address, Cancellation, Date, InvoiceDelivery, LineItem, Order, Party, Registration, Shipment,
};

/// The day on which everything here happens.
pub const DAY: Date = Date { year: 2026, month: 11, day: 24 };
/// Noon of that day in Japan, in milliseconds since 1970: what every call is told.
pub const NOW: u64 = 1_795_489_200_000;
/// Ends in the check digit that 佐川急便 and ヤマト運輸 ask for.
pub const TRACKING_NUMBER: &str = "123456789013";

/// Parts of the people below that stand in no ordinary log line, in any spelling.
pub const PERSONAL: [&str; 10] = [
    "鷲尾",
    "検次郎",
    "ワシオ",
    "ケンジロウ",
    "ﾜｼｵ",
    "六本木",
    "12345678",
    "１２３４５６７８",
    "washio",
    "ｗａｓｈｉｏ",
];

/// A person; the telephone number decides what a simulated gateway makes of an order.
pub fn party(phone: &str) -> Party {
    Party {
        name: "鷲尾 検次郎".to_owned(),
        name_kana: Some("ワシオ ケンジロウ".to_owned()),
        company: None,
        department: None,
        address: Address {
            postal_code: "1060032".to_owned(),
            prefecture: "東京都".to_owned(),
            city: "港区".to_owned(),
            street: "六本木1丁目2-34".to_owned(),
        },
        phone: phone.to_owned(),
        email: Some("washio@example.jp".to_owned()),
    }
}

/// A line of an order.
pub fn item(name: &str, unit_price: i64, quantity: u32) -> LineItem {
    LineItem { name: name.to_owned(), unit_price, quantity, tax_rate: Some(10) }
}

/// An order that every provider takes.
pub fn order(reference: &str) -> Order {
    Order {
        reference: reference.to_owned(),
        ordered_on: DAY,
        ships_on: Some(Date { day: 27, ..DAY }),
        buyer: party("0312345678"),
        recipient: None,
        items: vec![item("手ぬぐい", 1_200, 2), item("箸置き", 480, 1)],
        shipping_fee: 500,
        payment_fee: 330,
        billed_amount: 3_710,
        invoice: InvoiceDelivery::Separate,
        note: None,
    }
}

/// The registration of [`order`]; without `id` its answer was lost.
pub fn registration(reference: &str, id: Option<&str>) -> Registration {
    Registration {
        reference: reference.to_owned(),
        transaction_id: id.map(str::to_owned),
        billed_amount: order(reference).billed_amount,
    }
}

/// A cancel of `registration`.
pub fn cancellation(registration: Registration) -> Cancellation {
    Cancellation { registration, reason: Some("お客様都合".to_owned()) }
}

/// A shipment of `registration`.
pub fn shipment(registration: Registration, carrier: &str) -> Shipment {
    let tracking_number = TRACKING_NUMBER.to_owned();
    Shipment { registration, carrier: carrier.to_owned(), tracking_number, shipped_on: Date { day: 27, ..DAY } }
}

/// Rows of `operation`, a good one or one that breaks the contract for each of `good`. All are
/// different; a registration's id is made up and as long as those of the known providers.
pub fn rows(operation: Operation, good: &[bool], carrier: &str) -> Rows {
    let numbered = good.iter().enumerate();
    let known = |(at, good): (usize, &bool)| match good {
        true => registration(&format!("KIT-{at}"), Some(&format!("1{at:010}"))),
        false => registration(&format!("参照 {at}"), None),
    };
    let orders = |(at, good): (usize, &bool)| match good {
        true => order(&format!("KIT-{at}")),
        false => Order { ordered_on: Date { day: 31, ..DAY }, items: Vec::new(), ..order(&format!("参照 {at}")) },
    };
    let shipments = |(at, good): (usize, &bool)| shipment(known((at, good)), if *good { carrier } else { NO_CARRIER });
    match operation {
        Operation::TestConnection => Rows::Test,
        Operation::Credit => Rows::Orders(numbered.map(orders).collect()),
        Operation::CheckCredit => Rows::Registrations(numbered.map(known).collect()),
        Operation::Cancel => Rows::Cancellations(numbered.map(known).map(cancellation).collect()),
        Operation::SyncTracking => Rows::Shipments(numbered.map(shipments).collect()),
    }
}

/// A carrier that nobody describes.
pub const NO_CARRIER: &str = "kit-no-such-carrier";
