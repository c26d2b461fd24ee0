//! The plugin against scripted gateways, through the contract: what goes out, and what each answer
//! means. Everybody here is invented.

mod cancel;
mod check_credit;
mod credit;
mod failures;
mod settings;
mod tracking;

use atodene::Atodene;
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::samples::{self, REFERENCE, kind, kinds, only, pairs, problems, run};
use provider_sdk::scripted::{Scripted, http, silent};
use provider_sdk::types::*;
use provider_sdk::xml::{self, Element};
use provider_sdk::{Call, Provider, provider};

/// The gateway's id of [`REFERENCE`].
pub(crate) const ID: &str = "T0000000001";

/// A call with the settings of an ordinary shop.
pub(crate) fn call<T: Transport>(http: &T) -> Call<'_, T> {
    let settings = samples::settings(&[("shop-code", "SHOP12345678"), ("link-password", "himitsu-no-1")]);
    Call::new::<Atodene>(Context { settings, now: samples::NOW }, http)
}

/// HTTP 200 with `body` below `<response>`.
pub(crate) fn response(body: &str) -> Result<Response, SendError> {
    let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><response>{body}</response>");
    http(200, "application/xml; charset=UTF-8", document)
}

/// A gateway that always answers with `body` below `<response>`.
pub(crate) fn answering(body: &str) -> Scripted<impl Fn(&Request) -> Result<Response, SendError> + use<>> {
    let body = body.to_owned();
    Scripted::new(move |_| response(&body))
}

/// OK, and `transaction` within `transactionInfo`.
pub(crate) fn ok(transaction: &str) -> String {
    format!("<result>OK</result><transactionInfo>{transaction}</transactionInfo>")
}

/// NG with one error of `code`, and `more`.
pub(crate) fn ng(code: &str, more: &str) -> String {
    format!(
        "<result>NG</result><errors><error><errorPoint>場所</errorPoint><errorCode>{code}</errorCode>\
         <errorMessage>ことば</errorMessage></error></errors>{more}"
    )
}

/// What [`ng`] is to the platform.
pub(crate) fn refused(code: &str) -> Failure {
    Failure::Refused(Reason { code: Some(code.to_owned()), message: "ことば（場所）".to_owned() })
}

/// The document that went out.
pub(crate) fn document(request: &Request) -> Element {
    xml::parse(&request.body).unwrap()
}

/// Elements as names and texts, in order; a parent's children are behind its name and a slash.
pub(crate) fn flat(element: &Element) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for child in &element.children {
        if child.children.is_empty() {
            found.push((child.name.clone(), child.text.clone()));
        }
        found.extend(flat(child).into_iter().map(|(name, text)| (format!("{}/{name}", child.name), text)));
    }
    found
}

/// 1,590 yen: goods 1,000, shipping 260, fee 330.
pub(crate) fn order() -> Order {
    Order { buyer: party("試験 花子"), ..samples::order() }
}

pub(crate) fn party(name: &str) -> Party {
    Party { email: Some("hanako@example.com".to_owned()), ..samples::party(name) }
}

/// The registration of [`order`].
pub(crate) fn known() -> Registration {
    samples::registration(REFERENCE, Some(ID))
}

/// The result of registering `order` at a gateway that answers with `body`.
pub(crate) fn credit(order: Order, body: &str) -> Result<Decision, Failure> {
    only(run(provider::credit::<Atodene, _>(&call(&answering(body)), &[order])))
}
