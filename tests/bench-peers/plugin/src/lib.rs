//! The same work as the components', exported as Extism wants it: JSON in, JSON out, HTTP by the host's function.

use extism_pdk::{FnResult, HttpRequest, Json, http, plugin_fn};
use provider_sdk::fee_types::{Bill, FeeBand, FeeMode, FeeRule};
use provider_sdk::{fees, form};
use serde::{Deserialize, Serialize};

/// A bill and the one band of its rule.
#[derive(Deserialize)]
struct Fee {
    items: i64,
    shipping_fee: i64,
    payment_fee: i64,
    lower: i64,
    fee: i64,
}

#[derive(Serialize)]
struct Adjusted {
    payment_fee: i64,
    billed_amount: i64,
}

/// A registration's fields, and where they go.
#[derive(Deserialize)]
struct Registration {
    url: String,
    fields: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Registered {
    status: u16,
    body: String,
}

/// 手数料設定: the bill after the rule "加算する".
#[plugin_fn]
pub fn fee_adjust(Json(asked): Json<Fee>) -> FnResult<Json<Adjusted>> {
    let band = FeeBand { lower: asked.lower, upper: None, fee: asked.fee };
    let rule = FeeRule { mode: FeeMode::Add, bands: vec![band] };
    let bill = Bill { items: asked.items, shipping_fee: asked.shipping_fee, payment_fee: asked.payment_fee };
    let adjusted = fees::adjust(&rule, &bill).map_err(|_| extism_pdk::Error::msg("the rule is refused"))?;
    Ok(Json(Adjusted { payment_fee: adjusted.payment_fee, billed_amount: adjusted.billed_amount }))
}

/// 与信を実行: the form and one request.
#[plugin_fn]
pub fn register(Json(asked): Json<Registration>) -> FnResult<Json<Registered>> {
    let request =
        HttpRequest::new(asked.url).with_method("POST").with_header("content-type", form::CONTENT_TYPE);
    let answer = http::request(&request, Some(form::encode(asked.fields)))?;
    let body = String::from_utf8(answer.body()).map_err(extism_pdk::Error::new)?;
    Ok(Json(Registered { status: answer.status_code(), body }))
}
