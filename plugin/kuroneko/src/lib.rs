//! クロネコ代金後払い (ヤマトクレジットファイナンス) as a provider plugin.
//!
//! | module | holds |
//! |---|---|
//! | [`describe`] | settings, carriers and limits, as data |
//! | [`order`] | an order to the fields of a registration, or everything that is wrong with it |
//! | [`slip`] | carriers and slip numbers |
//! | [`codes`] | the gateway's calls and error codes, as data |
//! | [`answer`] | XML to a verdict, a standing or a failure |
//! | here | the calls |
//!
//! # Where the facts come from
//! The official specification is handed to contracted merchants only. What is here agrees between
//! public clients of the gateway, except where a comment says *assumed* (one source, or inferred).
//! None of it was tried against the live service. Assumed:
//!
//! - slips of other carriers, of at most twelve characters,
//! - the connection test: 決済結果照会 with an order number that nobody has,
//! - that 5 配送要調査 and 6 警報メール送信済 need a person, whatever else they mean.
//!
//! # At most one registration
//! The gateway takes an order number once and for ever, so it refuses a second registration by itself:
//! `kaara009E` means that an earlier one arrived, and is *already* there to be asked for. Asking is
//! 取引状況照会 alone: 決済結果照会 does not tell a cancelled order from one that never was.
//!
//! The gateway has no id of its own. The order number stands for it as the transaction id, and no call
//! needs one that the platform keeps.
//!
//! # What is left out
//! - 請求金額変更, changing and withdrawing a slip: the contract has no such operations.
//! - An order's company, department, kana of the recipient, note and tax rates, the reason of a
//!   cancellation and the shipping date of a shipment: the gateway has no field for them.
//! - After a review, 決済不可 does not say whether 限度額超過 was the reason.

#![forbid(unsafe_code)]

pub mod answer;
pub mod codes;
pub mod describe;
pub mod order;
pub mod slip;

use answer::Answer;
use codes::{CANCEL, REGISTER, RESULT, SHIP, STATUS};
use describe::{MERCHANT_CODE, PASSWORD};
use futures::future::join_all;
use order::Fields;
use provider_sdk::checks::Checks;
use provider_sdk::contract::ProviderInfo;
use provider_sdk::describe::BASE_URL;
use provider_sdk::http::{Request, Transport};
use provider_sdk::settings::Settings;
use provider_sdk::types::{Cancellation, Decision, Failure, FieldProblem, Order, Registration, Shipment, Standing};
use provider_sdk::{Call, Provider, export_provider, form, japan};

/// An order number of the right form that no shop gives.
const NOBODYS_ORDER: &str = "connection-test";

/// クロネコ代金後払い.
pub struct Kuroneko;

export_provider!(Kuroneko);

impl Provider for Kuroneko {
    fn describe() -> ProviderInfo {
        describe::provider()
    }

    fn check_settings(settings: &Settings) -> Vec<FieldProblem> {
        describe::check(settings)
    }

    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure> {
        answer::connection(ask(call, RESULT, NOBODYS_ORDER, Fields::new()).await?)
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

/// Makes the call `id` about one order, with `fields` besides those that every call carries.
async fn ask<T: Transport>(call: &Call<'_, T>, id: &str, reference: &str, fields: Fields) -> Result<Answer, Failure> {
    let settings = &call.settings;
    let merchant = settings.get(MERCHANT_CODE);
    let url = settings.url(BASE_URL, &format!("{}0010APIAction_execute.action", id.to_uppercase()));
    let common = [
        ("ycfStrCode", merchant.to_owned()),
        ("password", settings.get(PASSWORD).to_owned()),
        ("requestDate", japan::timestamp(call.now)),
        ("orderNo", reference.to_owned()),
    ];
    let fields = common.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(fields);
    let response = call.http.send(Request::post(url, form::CONTENT_TYPE, form::encode(fields))).await;
    answer::read(&response.map_err(|error| error.into_failure())?, merchant, reference)
}

async fn register<T: Transport>(call: &Call<'_, T>, earlier: &[Order], order: &Order) -> Result<Decision, Failure> {
    let fields = order::encode(earlier, order, &call.settings, call.now)?;
    answer::decision(ask(call, REGISTER, &order.reference, fields).await?, &order.reference)
}

async fn standing<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<Standing, Failure> {
    let reference = checked("reference", registration)?;
    answer::standing(ask(call, STATUS, reference, Fields::new()).await?, reference)
}

async fn cancel<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<(), Failure> {
    let reference = checked("registration.reference", registration)?;
    ask(call, CANCEL, reference, Fields::new()).await?.accepted(CANCEL).map(drop)
}

async fn track<T: Transport>(call: &Call<'_, T>, shipment: &Shipment) -> Result<(), Failure> {
    let fields = slip::encode(shipment, &call.settings)?;
    let reference = checked("registration.reference", &shipment.registration)?;
    ask(call, SHIP, reference, fields).await?.accepted(SHIP).map(drop)
}

/// The order number of `registration`, if it can be one; `field` is its path.
fn checked<'a>(field: &str, registration: &'a Registration) -> Result<&'a str, Failure> {
    let mut checks = Checks::default();
    checks.reference(field, &registration.reference);
    checks.into_result().map(|()| registration.reference.as_str())
}
