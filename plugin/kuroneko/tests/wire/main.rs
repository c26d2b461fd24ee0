//! The plugin against scripted gateways, through the contract: what goes out, and what each answer
//! means. Everybody here is invented.

mod cancel;
mod check_credit;
mod codes;
mod credit;
mod failures;
mod registration;
mod settings;
mod tracking;

use kuroneko::Kuroneko;
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::samples::{self, REFERENCE, kind, kinds, only, order, pairs, party, problems, run};
use provider_sdk::scripted::{Scripted, form_fields, http, silent};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, provider};

/// The 加盟店コード of an ordinary shop.
pub(crate) const MERCHANT: &str = "12345678901";

/// A call at `now` with the settings of an ordinary shop, and `more`.
pub(crate) fn call_at<'a, T: Transport>(now: u64, http: &'a T, more: &[(&str, &str)]) -> Call<'a, T> {
    let usual = [("merchant-code", MERCHANT), ("password", "himitsu1")];
    let settings = samples::settings(&[&usual, more].concat());
    Call::new::<Kuroneko>(Context { settings, now }, http)
}

/// A call with the settings of an ordinary shop.
pub(crate) fn call<T: Transport>(http: &T) -> Call<'_, T> {
    call_at(samples::NOW, http, &[])
}

/// What every call carries about the order `reference`.
pub(crate) fn common(reference: &str) -> Vec<(String, String)> {
    let common =
        [("ycfStrCode", MERCHANT), ("password", "himitsu1"), ("requestDate", "20261124090000"), ("orderNo", reference)];
    pairs(&common)
}

/// An answer with this `returnCode` that names shop and order, and holds `more`.
pub(crate) fn answer(return_code: &str, more: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><return><returnDate>20261124090001</returnDate>\
         <ycfStrCode>{MERCHANT}</ycfStrCode><orderNo>{REFERENCE}</orderNo>\
         <returnCode>{return_code}</returnCode>{more}</return>"
    )
}

/// Accepted, with this `result`.
pub(crate) fn result(result: &str) -> String {
    answer("0", &format!("<result>{result}</result>"))
}

/// Refused, with this `errorCode`.
pub(crate) fn refused(code: &str) -> String {
    answer("1", &format!("<errorCode>{code}</errorCode>"))
}

/// HTTP 200 with `document`.
pub(crate) fn response(document: &str) -> Result<Response, SendError> {
    http(200, "application/xml; charset=UTF-8", document)
}

/// A gateway that always answers with `document`, and where that names [`REFERENCE`], names the order
/// that it was asked about.
pub(crate) fn answering(document: &str) -> Scripted<impl Fn(&Request) -> Result<Response, SendError> + use<>> {
    let document = document.to_owned();
    Scripted::new(move |request| response(&document.replace(REFERENCE, &field(request, "orderNo"))))
}

/// The one value of `request` under `key`.
pub(crate) fn field(request: &Request, key: &str) -> String {
    only(form_fields(request).into_iter().filter(|(name, _)| name == key).map(|(_, value)| value).collect())
}

/// The result of registering `order` at a gateway that answers with `document`.
pub(crate) fn credit(order: Order, document: &str) -> Result<Decision, Failure> {
    only(run(provider::credit::<Kuroneko, _>(&call(&answering(document)), &[order])))
}

/// The registration of [`order`], as after a lost answer: no call needs an id.
pub(crate) fn known() -> Registration {
    samples::registration(REFERENCE, None)
}

pub(crate) fn check_credit(document: &str) -> Result<Standing, Failure> {
    only(run(Kuroneko::check_credit(&call(&answering(document)), &[known()])))
}

pub(crate) fn cancel(document: &str) -> Result<(), Failure> {
    let cancellation = Cancellation { registration: known(), reason: None };
    only(run(provider::cancel::<Kuroneko, _>(&call(&answering(document)), &[cancellation])))
}

/// The result of reporting a good slip of another carrier than ヤマト運輸.
pub(crate) fn ship(document: &str) -> Result<(), Failure> {
    let shipment = samples::shipment(known(), "sagawa", "123456789012");
    only(run(provider::sync_tracking::<Kuroneko, _>(&call(&answering(document)), &[shipment])))
}

pub(crate) fn connect(document: &str) -> Result<(), Failure> {
    run(Kuroneko::test_connection(&call(&answering(document))))
}
