//! What tests of a provider are written with: an ordinary order of invented people, and short names
//! for what a call answers. Orders of any content are behind the feature `proptest`.

use crate::http::{Request, Response, SendError};
use crate::scripted::Scripted;
use crate::types::*;
use futures::FutureExt;
use std::fmt::Debug;

/// The reference of [`order`].
pub const REFERENCE: &str = "SHOP-20261124-1";

/// A day for [`Context::now`]: 2026-11-24, 09:00 in Japan.
pub const NOW: u64 = 1_795_478_400_000;

/// An address and a telephone number with an invented name; nothing optional.
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

/// A line without a tax rate.
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

/// How [`order`] is named after its registration.
pub fn registration(reference: &str, id: Option<&str>) -> Registration {
    Registration { reference: reference.to_owned(), transaction_id: id.map(str::to_owned), billed_amount: 1_590 }
}

/// The result of a call to a scripted gateway, which never makes it wait.
pub fn run<F: Future>(call: F) -> F::Output {
    call.now_or_never().expect("a scripted gateway answers at once")
}

/// An answer with `body`.
pub fn http(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Response, SendError> {
    let content_type = Some(content_type.to_owned());
    Ok(Response { status, content_type, retry_after: None, body: body.into() })
}

/// A gateway that must not be asked.
pub fn silent() -> Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    Scripted::new(|request| panic!("{} was sent", request.url))
}

/// The one row's result.
pub fn only<T>(mut rows: Vec<T>) -> T {
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// The problems as field and code.
pub fn problems<T: Debug>(result: Result<T, Failure>) -> Vec<(String, String)> {
    match result {
        Err(Failure::Invalid(problems)) => {
            problems.into_iter().map(|p| (p.field, p.reason.code.unwrap_or_default())).collect()
        }
        other => panic!("not invalid: {other:?}"),
    }
}

/// Pairs as owned text, for what [`problems`] and forms are compared with.
pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// The name of a failure, for tables.
pub fn kind<T>(result: &Result<T, Failure>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Failure::Invalid(_)) => "invalid",
        Err(Failure::Unauthorized(_)) => "unauthorized",
        Err(Failure::Refused(_)) => "refused",
        Err(Failure::NotSent(_)) => "not-sent",
        Err(Failure::Busy(_)) => "busy",
        Err(Failure::OutcomeUnknown(_)) => "outcome-unknown",
        Err(Failure::Unsupported) => "unsupported",
    }
}

/// Orders of any text and any amount.
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
    let parties = (party(), proptest::option::of(party()));
    let items = proptest::collection::vec(item, 0..20);
    let rest = any::<(String, [i64; 3], bool, Option<String>)>();
    (date(), proptest::option::of(date()), parties, items, rest).prop_map(
        |(ordered_on, ships_on, (buyer, recipient), items, (reference, amounts, enclosed, note))| {
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
