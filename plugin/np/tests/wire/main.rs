//! The plugin against scripted gateways, through the contract: what goes out, and what each answer
//! means. Everybody here is invented.

mod by_id;
mod credit;
mod failures;
mod settings;

use np::Np;
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::samples::{order, settings};
use provider_sdk::scripted::Scripted;
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, provider};
use serde_json::{Value, json};

/// The gateway's id in most cases.
pub(crate) const ID: &str = "26112400001";

/// A call with the settings of an ordinary shop, and `more`.
pub(crate) fn call<'a, T: Transport>(http: &'a T, more: &[(&str, &str)]) -> Call<'a, T> {
    let usual = [("merchant-code", "shop01"), ("sp-code", "sp-99"), ("terminal-id", "2000022000")];
    let settings = settings(&[&usual, more].concat());
    Call::new::<Np>(Context { settings, now: provider_sdk::samples::NOW }, http)
}

pub(crate) fn http(status: u16, body: impl Into<Vec<u8>>) -> Result<Response, SendError> {
    let content_type = Some("application/json".to_owned());
    Ok(Response { status, content_type, retry_after: None, body: body.into() })
}

/// The gateway's answer with these rows and errors; 400 where an error is among them.
pub(crate) fn answer(results: Vec<Value>, errors: Vec<Value>) -> Result<Response, SendError> {
    let status = if errors.is_empty() { 200 } else { 400 };
    http(status, json!({ "results": results, "errors": errors }).to_string())
}

/// An error about `id`.
pub(crate) fn error(id: &str, codes: &[&str]) -> Value {
    json!({ "codes": codes, "id": id })
}

/// A gateway that always answers so.
pub(crate) fn answering(
    answer: Result<Response, SendError>,
) -> Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    Scripted::new(move |_| answer.clone())
}

/// A gateway that must not be asked.
pub(crate) fn silent() -> Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    Scripted::new(|request| panic!("{} was sent", request.url))
}

/// The transactions of `request`.
pub(crate) fn sent(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "nothing beside the list");
    body["transactions"].as_array().unwrap().clone()
}

/// The members `key` of the transactions of `request`.
pub(crate) fn members(request: &Request, key: &str) -> Vec<String> {
    sent(request).iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
}

/// [`order`] under another reference.
pub(crate) fn named(reference: &str) -> Order {
    Order { reference: reference.to_owned(), ..order() }
}

/// The nth id of the gateway.
pub(crate) fn id(n: usize) -> String {
    format!("{:011}", 26_112_400_000 + n)
}
