//! ニッセン@払い, today スコア@払い (SCORE), as a provider plugin. The wire still says `nissen…`.
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
//! None of it was tried against the live service.
//!
//! The only public host is that of 2013, before the service was renamed; today's is unknown. So the base
//! URL is a setting without a default, and no origin is asked for in the description. *Assumed*, and to
//! be checked before going live:
//!
//! - the method POST and all paths below the base URL,
//! - shipping and fee as lines of their own, since the form has no field for them; `detailId` is the
//!   line's number,
//! - a cancel and a shipment are answered in `transactionInfo`, the others in `transactionResult`; since
//!   that is assumed, either name is read, but the ids inside are compared,
//! - the limits of a delivery's fields are those of the buyer's.
//!
//! Unknown: `address1` to `address3` of `PdRequest`. The contract's shipment has no address, so they go
//! out empty. Unknown too: today's hosts, a repeated registration, rate limits, a test mode. There is no
//! request without side effect, so there is no connection test. The form has no note and no tax rate,
//! and none for the day of shipping; these are not sent.
//!
//! # At most one registration
//! There is no question by our own reference alone. A registration whose answer was lost stays *outcome
//! unknown* until a person has looked at the merchant console, and nothing here sends one again.
//! A `result` of NG says that the request was refused (`MULT0015`: a cancel, because it is paid already;
//! *assumed*); an NG answer that names a transaction all the same is *outcome unknown*.

#![forbid(unsafe_code)]

pub mod answer;
pub mod describe;
pub mod order;

use answer::Answer;
use describe::{NAME, SHOP_CODE, SHOP_PASSWORD, TERMINAL_ID};
use futures::future::join_all;
use order::BILLED;
use provider_sdk::checks::{Checks, need_transaction_id, transaction_id};
use provider_sdk::contract::ProviderInfo;
use provider_sdk::describe::BASE_URL;
use provider_sdk::http::{Request, SendError, Transport};
use provider_sdk::settings::Settings;
use provider_sdk::tree::Tree;
use provider_sdk::types::{Cancellation, Decision, Failure, Order, Registration, Shipment, Standing};
use provider_sdk::xml::{self, Element};
use provider_sdk::{Call, Provider, carriers, export_provider};

/// 注文情報登録 and 与信 (all paths *assumed*).
const TRANSACTION: &str = "direct/autotransaction.do";
/// 与信結果取得.
const AUTHORITY: &str = "direct/autogetauthor.do";
/// キャンセル登録.
const CANCEL: &str = "direct/autocancel.do";
/// 発送情報登録.
const SHIPPING: &str = "direct/autopdrequest.do";

const CONTENT_TYPE: &str = "application/xml";

/// Characters of `slipno`.
const MAX_SLIP: usize = 20;

/// ニッセン@払い (スコア@払い).
pub struct Score;

export_provider!(Score);

impl Provider for Score {
    fn describe() -> ProviderInfo {
        describe::provider()
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
    let request = [shop_info(&call.settings)].into_iter().chain(body).collect();
    let document = xml::write(&Element::parent("request", request));
    let request = Request::post(call.settings.url(BASE_URL, path), CONTENT_TYPE, document);
    answer::read(&call.http.send(request).await.map_err(SendError::into_failure)?)
}

/// What every request is authorised by.
fn shop_info(settings: &Settings) -> Element {
    let ids = [("shopCode", SHOP_CODE), ("shopPassword", SHOP_PASSWORD), ("terminalId", TERMINAL_ID)];
    Element::parent("shopInfo", ids.map(|(element, key)| Element::text(element, settings.get(key))).into())
}

async fn register<T: Transport>(call: &Call<'_, T>, earlier: &[Order], order: &Order) -> Result<Decision, Failure> {
    let body = order::encode(order, earlier)?;
    answer::decision(&ask(call, TRANSACTION, body).await?, order)
}

/// How a transaction is named in every later call. `path` is where the contract has the registration.
fn transaction(tree: &mut Tree, path: &str, registration: &Registration, id: &str) {
    tree.group("transaction", |tree| {
        tree.put("nissenTransactionId", id);
        tree.checks.reference(&format!("{path}reference"), &registration.reference);
        tree.put("shopTransactionId", &registration.reference);
        let billed = registration.billed_amount;
        tree.number("billedAmount", &format!("{path}billed-amount"), "請求金額合計", billed, BILLED);
    });
}

/// A registration without the gateway's id cannot be asked about.
async fn standing<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<Standing, Failure> {
    let id = transaction_id(registration).ok_or(Failure::Unsupported)?;
    let mut tree = Tree::default();
    transaction(&mut tree, "", registration, id);
    answer::standing(&ask(call, AUTHORITY, tree.into_elements()?).await?, registration, id)
}

async fn cancel<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<(), Failure> {
    let id = need_transaction_id(NAME, registration)?;
    let mut tree = Tree::default();
    transaction(&mut tree, "registration.", registration, id);
    answer::done(&ask(call, CANCEL, tree.into_elements()?).await?, registration, id)
}

async fn track<T: Transport>(call: &Call<'_, T>, shipment: &Shipment) -> Result<(), Failure> {
    let id = need_transaction_id(NAME, &shipment.registration)?;
    let mut tree = Tree::default();
    transaction(&mut tree, "registration.", &shipment.registration, id);
    // Spelled so.
    tree.group("PdRequest", |tree| parcel(tree, shipment));
    answer::done(&ask(call, SHIPPING, tree.into_elements()?).await?, &shipment.registration, id)
}

fn parcel(tree: &mut Tree, shipment: &Shipment) {
    tree.checks.carrier(NAME, &describe::provider().carriers, &shipment.carrier);
    tree.put("pdcompanycode", carriers::code(&describe::CARRIER_CODES, &shipment.carrier).unwrap_or_default());
    check_slip(&mut tree.checks, &shipment.tracking_number);
    tree.put("slipno", &shipment.tracking_number);
    for address in ["address1", "address2", "address3"] {
        tree.put(address, "");
    }
}

/// Digits and hyphens.
fn check_slip(checks: &mut Checks, number: &str) {
    checks.text("tracking-number", "伝票番号", number, MAX_SLIP);
    let is_slip = number.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if !number.trim().is_empty() && !is_slip {
        checks.add("tracking-number", "not-digits", "伝票番号は半角数字とハイフンです");
    }
}
