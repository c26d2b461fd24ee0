//! アトディーネ (JACCS) as a provider plugin.
//!
//! | module | holds |
//! |---|---|
//! | [`describe`] | settings, carriers and limits, as data |
//! | [`order`] | an order to the elements of a registration, or everything that is wrong with it |
//! | [`answer`] | XML to a verdict, a standing or a failure |
//! | here | the calls: who is asked what, and which row gets which answer |
//!
//! # Where the facts come from
//! The official specification is handed to contracted merchants only. What is here agrees between
//! public clients of the gateway, except where a comment says *assumed* (one source, or inferred).
//! None of it was tried against the live service. Assumed, and to be checked before going live:
//!
//! - 接続ID (`link-id`) is `original00` for a client that is no packaged product,
//! - fifteen lines at most; more are merged, with shipping and fee, into one that keeps the sum,
//! - shipping and fee go as lines of their own, since the form has no field for them,
//! - `invoiceDate` of a shipment is written `yyyy/MM/dd`, and is the day of shipping.
//!
//! Unknown: nearly all error codes, forcing verdicts at the test host, a repeated reference, a cancel
//! after shipping or payment, rate limits. There is no request without side effect, so there is no
//! connection test. The form has no note and no tax rate; these are not sent.
//!
//! # At most one registration
//! There is no question by our own reference. A registration whose answer was lost stays *outcome
//! unknown* until a person has looked at the merchant console, and nothing here sends one again.
//! A `result` of NG says that the request was refused; an NG answer that names a transaction all the
//! same contradicts itself and is *outcome unknown*.

#![forbid(unsafe_code)]

pub mod answer;
pub mod describe;
pub mod order;

use answer::Answer;
use describe::{LINK_ID, LINK_PASSWORD, NAME, SHOP_CODE};
use futures::future::join_all;
use provider_sdk::checks::{Checks, need_transaction_id, transaction_id};
use provider_sdk::contract::ProviderInfo;
use provider_sdk::describe::BASE_URL;
use provider_sdk::http::{Request, SendError, Transport};
use provider_sdk::settings::Settings;
use provider_sdk::types::{Cancellation, Decision, Failure, FieldProblem, Order, Registration, Shipment, Standing};
use provider_sdk::xml::{self, Element};
use provider_sdk::{Call, Provider, carriers, export_provider, japan};

/// 取引登録 and 与信.
const TRANSACTION: &str = "transaction.do";
/// 与信審査結果取得.
const AUTHORITY: &str = "getauthori.do";
/// Cancel or change.
const MODIFY: &str = "modifytransaction.do";
/// 出荷報告.
const SHIPPING: &str = "shippingrequest.do";

const CONTENT_TYPE: &str = "application/xml; charset=UTF-8";

/// `updateTypeFlag` of a cancel.
const CANCEL: &str = "1";
/// `deliveryType` of a first report.
const REPORT: &str = "1";
/// Characters of `deliverySlipNo`.
const MIN_SLIP: usize = 5;
const MAX_SLIP: usize = 20;

/// アトディーネ.
pub struct Atodene;

export_provider!(Atodene);

impl Provider for Atodene {
    fn describe() -> ProviderInfo {
        describe::provider()
    }

    fn check_settings(settings: &Settings) -> Vec<FieldProblem> {
        describe::check(settings)
    }

    async fn test_connection<T: Transport>(_call: &Call<'_, T>) -> Result<(), Failure> {
        Err(Failure::Unsupported)
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        join_all(orders.iter().enumerate().map(|(at, order)| register(call, &orders[..at], order))).await
    }

    async fn check_credit<T: Transport>(
        call: &Call<'_, T>,
        registrations: &[Registration],
    ) -> Vec<Result<Standing, Failure>> {
        join_all(registrations.iter().map(|registration| standing(call, registration))).await
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, cancellations: &[Cancellation]) -> Vec<Result<(), Failure>> {
        join_all(cancellations.iter().map(|cancellation| cancel(call, &cancellation.registration))).await
    }

    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipments: &[Shipment]) -> Vec<Result<(), Failure>> {
        join_all(shipments.iter().map(|shipment| track(call, shipment))).await
    }
}

async fn ask<T: Transport>(call: &Call<'_, T>, path: &str, body: Vec<Element>) -> Result<Answer, Failure> {
    let request = [link_info(&call.settings)].into_iter().chain(body).collect();
    let document = xml::write(&Element::parent("request", request));
    let request = Request::post(call.settings.url(BASE_URL, path), CONTENT_TYPE, document);
    answer::read(&call.http.send(request).await.map_err(SendError::into_failure)?)
}

/// What every request is authorised by.
fn link_info(settings: &Settings) -> Element {
    let ids = [("shopCode", SHOP_CODE), ("linkId", LINK_ID), ("linkPassword", LINK_PASSWORD)];
    Element::parent("linkInfo", ids.map(|(element, key)| Element::text(element, settings.get(key))).into())
}

fn transaction_info(elements: &[(&str, &str)]) -> Vec<Element> {
    let elements = elements.iter().map(|(element, value)| Element::text(element, *value)).collect();
    vec![Element::parent("transactionInfo", elements)]
}

async fn register<T: Transport>(call: &Call<'_, T>, earlier: &[Order], order: &Order) -> Result<Decision, Failure> {
    let body = order::encode(order, earlier)?;
    answer::decision(&ask(call, TRANSACTION, body).await?, &order.reference)
}

/// A registration without the gateway's id cannot be asked about.
async fn standing<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<Standing, Failure> {
    let id = transaction_id(registration).ok_or(Failure::Unsupported)?;
    answer::standing(&ask(call, AUTHORITY, transaction_info(&[("transactionId", id)])).await?, id)
}

async fn cancel<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<(), Failure> {
    let id = need_transaction_id(NAME, registration)?;
    let body = transaction_info(&[("updateTypeFlag", CANCEL), ("transactionId", id)]);
    answer::cancelled(&ask(call, MODIFY, body).await?, id)
}

async fn track<T: Transport>(call: &Call<'_, T>, shipment: &Shipment) -> Result<(), Failure> {
    let carrier = check_shipment(shipment)?;
    let id = need_transaction_id(NAME, &shipment.registration)?;
    let shipped_on = japan::format(&shipment.shipped_on, "/");
    let body = transaction_info(&[
        ("deliveryType", REPORT),
        ("transactionId", id),
        ("deliveryCompanyCode", carrier),
        ("deliverySlipNo", &shipment.tracking_number),
        ("invoiceDate", &shipped_on),
    ]);
    answer::reported(&ask(call, SHIPPING, body).await?, id)
}

/// The carrier's code, or every problem with the shipment.
fn check_shipment(shipment: &Shipment) -> Result<&'static str, Failure> {
    let mut checks = Checks::default();
    checks.carrier(NAME, &describe::provider().carriers, &shipment.carrier);
    checks.text("tracking-number", "伝票番号", &shipment.tracking_number, MAX_SLIP);
    checks.at_least("tracking-number", "伝票番号", &shipment.tracking_number, MIN_SLIP);
    checks.date("shipped-on", "出荷日", &shipment.shipped_on);
    checks.into_result()?;
    Ok(carriers::code(&describe::CARRIER_CODES, &shipment.carrier).unwrap_or_default())
}
