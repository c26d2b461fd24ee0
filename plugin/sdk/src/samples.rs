//! An ordinary order for a provider's own tests, and what tests ask of a call's results. Everybody here
//! is invented.

use crate::types::*;
use futures::FutureExt;

/// The reference of [`order`].
pub const REFERENCE: &str = "SHOP-20261124-1";

/// 2026-11-24T00:00:00Z, nine o'clock in Japan: the day of [`order`].
pub const NOW: u64 = 1_795_478_400_000;

/// Somebody called `name`, who lives in Tokyo.
pub fn party(name: &str) -> Party {
    Party {
        name: name.to_owned(),
        name_kana: None,
        company: None,
        department: None,
        address: Address {
            postal_code: "105-0011".to_owned(),
            prefecture: "東京都".to_owned(),
            city: "港区".to_owned(),
            street: "芝公園9-99-9 例示ビル101".to_owned(),
        },
        phone: "03-0000-0000".to_owned(),
        email: None,
    }
}

/// A line of an order.
pub fn item(name: &str, unit_price: i64, quantity: u32) -> LineItem {
    LineItem { name: name.to_owned(), unit_price, quantity, tax_rate: None }
}

/// 1,590 yen: goods 1,000, shipping 260, fee 330.
pub fn order() -> Order {
    Order {
        reference: REFERENCE.to_owned(),
        ordered_on: Date { year: 2026, month: 11, day: 24 },
        ships_on: None,
        buyer: party("試験 花子"),
        recipient: None,
        items: vec![item("茶碗", 500, 2)],
        shipping_fee: 260,
        payment_fee: 330,
        billed_amount: 1_590,
        invoice: InvoiceDelivery::Separate,
        note: None,
    }
}

/// The registration of [`order`] under `reference`.
pub fn registration(reference: &str, id: Option<&str>) -> Registration {
    Registration { reference: reference.to_owned(), transaction_id: id.map(str::to_owned), billed_amount: 1_590 }
}

/// A parcel of `registration`, sent the day after [`order`].
pub fn shipment(registration: Registration, carrier: &str, number: &str) -> Shipment {
    let shipped_on = Date { year: 2026, month: 11, day: 25 };
    Shipment { registration, carrier: carrier.to_owned(), tracking_number: number.to_owned(), shipped_on }
}

/// The settings of a shop, from pairs.
pub fn settings(pairs: &[(&str, &str)]) -> Vec<Setting> {
    pairs.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: (*value).to_owned() }).collect()
}

/// The result of a call to a scripted gateway, which never makes it wait.
///
/// # Panics
/// If it waits.
pub fn run<F: Future>(call: F) -> F::Output {
    call.now_or_never().expect("a scripted gateway answers at once")
}

/// The one row's result.
///
/// # Panics
/// If there is not exactly one.
pub fn only<T>(mut rows: Vec<T>) -> T {
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// The name of a failure as in the contract, or "ok": for tables of cases.
pub fn kind<T>(result: &Result<T, Failure>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Failure::Invalid(_)) => "invalid",
        Err(Failure::Unauthorized(_)) => "unauthorized",
        Err(Failure::Already(_)) => "already",
        Err(Failure::Refused(_)) => "refused",
        Err(Failure::NotSent(_)) => "not-sent",
        Err(Failure::Busy(_)) => "busy",
        Err(Failure::OutcomeUnknown(_)) => "outcome-unknown",
        Err(Failure::Unsupported) => "unsupported",
    }
}

/// The names of the failures of `results`, in order.
pub fn kinds<T>(results: &[Result<T, Failure>]) -> Vec<&'static str> {
    results.iter().map(kind).collect()
}

/// The problems of an invalid row, as field and code.
///
/// # Panics
/// If it is not invalid.
pub fn problems<T: std::fmt::Debug>(result: Result<T, Failure>) -> Vec<(String, String)> {
    match result {
        Err(Failure::Invalid(problems)) => {
            problems.into_iter().map(|p| (p.field, p.reason.code.unwrap_or_default())).collect()
        }
        other => panic!("not invalid: {other:?}"),
    }
}

/// Pairs as [`problems`] gives them, to compare with.
pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Text of at most `most` characters that gateways know, those that forms and documents escape among them.
#[cfg(feature = "proptest")]
pub fn known_text(most: usize) -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let known: Vec<char> = ('\0'..='\u{ffff}').filter(|c| crate::fold::is_known(*c)).collect();
    proptest::collection::vec(proptest::sample::select(known), 1..=most).prop_map(|text| text.into_iter().collect())
}

/// Orders of any text and any amount: none may panic, and none may be lost.
#[cfg(feature = "proptest")]
pub fn any_order() -> impl proptest::strategy::Strategy<Value = Order> {
    use proptest::prelude::*;
    let party = || {
        (any::<[String; 6]>(), any::<[Option<String>; 4]>()).prop_map(|(texts, options)| {
            let [name, phone, postal_code, prefecture, city, street] = texts;
            let [name_kana, company, department, email] = options;
            let address = Address { postal_code, prefecture, city, street };
            Party { name, name_kana, company, department, address, phone, email }
        })
    };
    let item = any::<(String, i64, u32, Option<u8>)>().prop_map(|(name, unit_price, quantity, tax_rate)| LineItem {
        name,
        unit_price,
        quantity,
        tax_rate,
    });
    let date = || any::<(u16, u8, u8)>().prop_map(|(year, month, day)| Date { year, month, day });
    let dates = (date(), proptest::option::of(date()));
    let parties = (party(), proptest::option::of(party()));
    let items = proptest::collection::vec(item, 0..20);
    let rest = any::<(String, [i64; 3], bool, Option<String>)>();
    (dates, parties, items, rest).prop_map(
        |((ordered_on, ships_on), (buyer, recipient), items, (reference, amounts, enclosed, note))| {
            let [shipping_fee, payment_fee, billed_amount] = amounts;
            let invoice = if enclosed { InvoiceDelivery::Enclosed } else { InvoiceDelivery::Separate };
            Order {
                reference,
                ordered_on,
                ships_on,
                buyer,
                recipient,
                items,
                shipping_fee,
                payment_fee,
                billed_amount,
                invoice,
                note,
            }
        },
    )
}
