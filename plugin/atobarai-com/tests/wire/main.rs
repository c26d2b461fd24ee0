//! The plugin against scripted gateways, through the contract: what goes out, and what each answer
//! means. Everybody here is invented.

mod cancel;
mod check_credit;
mod credit;
mod failures;
mod settings;
mod tracking;

use atobarai_com::AtobaraiCom;
use futures::FutureExt;
use provider_sdk::http::{Request, Response, SendError};
pub(crate) use provider_sdk::samples::{kind, only};
use provider_sdk::scripted::{Scripted, form_fields};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, provider};

pub(crate) const REFERENCE: &str = "SHOP-20261124-1";

/// A call with the settings of an ordinary shop, and `more`.
pub(crate) fn call<'a, T: provider_sdk::http::Transport>(http: &'a T, more: &[(&str, &str)]) -> Call<'a, T> {
    let usual = [("enterprise-id", "12345"), ("site-id", "678"), ("api-user-id", "90")];
    let settings = usual.iter().chain(more);
    let settings = settings.map(|(key, value)| Setting { key: key.to_string(), value: value.to_string() }).collect();
    Call::new::<AtobaraiCom>(Context { settings, now: 1_795_478_400_000 }, http)
}

/// The result of a call to a scripted gateway, which never makes it wait.
pub(crate) fn run<F: Future>(call: F) -> F::Output {
    call.now_or_never().expect("a scripted gateway answers at once")
}

/// HTTP 200 with `body` below `<response>`.
pub(crate) fn response(body: &str) -> Result<Response, SendError> {
    http(200, "text/xml; charset=utf-8", format!("<?xml version=\"1.0\"?><response>{body}</response>"))
}

pub(crate) fn http(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Response, SendError> {
    let content_type = Some(content_type.to_owned());
    Ok(Response { status, content_type, retry_after: None, body: body.into() })
}

/// A gateway that always answers with `body` below `<response>`.
pub(crate) fn answering(body: &str) -> Scripted<impl Fn(&Request) -> Result<Response, SendError> + use<>> {
    let body = body.to_owned();
    Scripted::new(move |_| response(&body))
}

/// A gateway that must not be asked.
pub(crate) fn silent() -> Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    Scripted::new(|request| panic!("{} was sent", request.url))
}

/// All values of `key` in the body of `request`, in order.
pub(crate) fn values(request: &Request, key: &str) -> Vec<String> {
    form_fields(request).into_iter().filter(|(k, _)| k == key).map(|(_, value)| value).collect()
}

/// The one value of `key`, or nothing.
pub(crate) fn value(request: &Request, key: &str) -> Option<String> {
    let mut found = values(request, key);
    assert!(found.len() <= 1, "{key} goes out once: {found:?}");
    found.pop()
}

pub(crate) fn party(name: &str) -> Party {
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

pub(crate) fn item(name: &str, unit_price: i64, quantity: u32) -> LineItem {
    LineItem { name: name.to_owned(), unit_price, quantity, tax_rate: None }
}

/// 1,590 yen: goods 1,000, shipping 260, fee 330.
pub(crate) fn order() -> Order {
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

pub(crate) fn registration(reference: &str, id: Option<&str>) -> Registration {
    Registration { reference: reference.to_owned(), transaction_id: id.map(str::to_owned), billed_amount: 1_590 }
}

/// The problems as field and code.
pub(crate) fn problems<T: std::fmt::Debug>(result: Result<T, Failure>) -> Vec<(String, String)> {
    match result {
        Err(Failure::Invalid(problems)) => {
            problems.into_iter().map(|p| (p.field, p.reason.code.unwrap_or_default())).collect()
        }
        other => panic!("not invalid: {other:?}"),
    }
}

/// The result of registering `order` at a gateway that answers with `body`.
pub(crate) fn credit(order: Order, body: &str) -> Result<Decision, Failure> {
    only(run(provider::credit::<AtobaraiCom, _>(&call(&answering(body), &[]), &[order])))
}
