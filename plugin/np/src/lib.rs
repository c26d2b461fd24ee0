//! NP後払い (株式会社ネットプロテクションズ) as a provider plugin.
//!
//! | module | holds |
//! |---|---|
//! | [`describe`] | settings, carriers and limits, as data |
//! | [`order`] | an order to a transaction, or everything that is wrong with it |
//! | [`codes`] | the gateway's codes and what they mean, as data |
//! | [`json`] | JSON that says nothing twice |
//! | [`answer`] | such JSON to a verdict, a standing or a failure, row by row |
//! | here | the calls: what is sent in which request |
//!
//! # Where the facts come from
//! The official specification is handed to contracted merchants only. What is here agrees between
//! public clients of the gateway, except where a comment says *assumed* (one source, or inferred).
//! None of it was tried against the live service. Assumed, and built so that a wrong assumption ends
//! as *needs a person*, never as success or failure:
//!
//! - a thousand transactions in one request, and answers in which some are done and some refused,
//! - 401 and 403 for refused credentials, and the connection test by an empty list,
//! - `authori_result` 30 and 50, `NG002`, and the codes that tell a state when the result is asked for.
//!
//! # At most one registration
//! The gateway cannot be asked by our own reference, and a repeated registration only draws a
//! warning. So nothing here sends one again, and after a lost answer the outcome stays unknown until a
//! person looks at NP's console: `check-credit` without the gateway's id answers *unsupported*.
//!
//! # What is left out
//! - 入金照会 (`/transactions/payments/find`): the platform acts on the verdict; `paid` is seen only
//!   where a refusal says so.
//! - 取引変更: the contract has no such operation.
//! - `bill_issued_date`: only for 同梱, and a shipment of the contract does not say how its invoice goes.
//! - An order's note, tax rates and shipping date: the gateway has no member for them.

#![forbid(unsafe_code)]

pub mod answer;
pub mod codes;
pub mod describe;
pub mod json;
pub mod order;

use answer::{Answer, Name};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use describe::{MAX_ROWS, MERCHANT_CODE, SP_CODE, TERMINAL_ID, WITHOUT_SLIP};
use provider_sdk::checks::Checks;
use provider_sdk::contract::ProviderInfo;
use provider_sdk::describe::BASE_URL;
use provider_sdk::failure::{problem, reason};
use provider_sdk::http::{Request, Transport};
use provider_sdk::rows::{distinct, in_pieces};
use provider_sdk::settings::Settings;
use provider_sdk::types::{Cancellation, Decision, Failure, FieldProblem, Order, Registration, Shipment, Standing};
use provider_sdk::{Call, Provider, carriers, export_provider};
use serde::Serialize;

/// Method and path.
type Endpoint = (&'static str, &'static str);

/// 取引登録 and 与信.
const REGISTER: Endpoint = ("POST", "/transactions");
/// 与信結果照会.
const FIND: Endpoint = ("POST", "/authorizations/find");
/// キャンセル.
const CANCEL: Endpoint = ("PATCH", "/transactions/cancel");
/// 出荷報告.
const SHIP: Endpoint = ("POST", "/shipments");

/// Characters of a slip number.
const MAX_SLIP: usize = 20;

/// NP後払い.
pub struct Np;

export_provider!(Np);

impl Provider for Np {
    fn describe() -> ProviderInfo {
        describe::provider()
    }

    fn check_settings(settings: &Settings) -> Vec<FieldProblem> {
        describe::check(settings)
    }

    /// An empty list is refused with 400 by a gateway that accepts the credentials (*assumed*), so any
    /// answer that can be read is good.
    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure> {
        ask::<T, ById>(call, FIND, &[]).await.map(drop)
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        let row = |(at, order): (usize, &Order)| {
            let body = order::encode(&orders[..at], order, &call.settings)?;
            Ok(Row { name: Name { id: None, reference: order.reference.clone() }, body })
        };
        let rows: Vec<_> = orders.iter().enumerate().map(row).collect();
        batch(call, REGISTER, &rows, answer::decision).await
    }

    async fn check_credit<T: Transport>(
        call: &Call<'_, T>,
        registrations: &[Registration],
    ) -> Vec<Result<Standing, Failure>> {
        let row = |registration: &Registration| match transaction_id(registration) {
            None => Err(Failure::Unsupported),
            Some(id) => by_id(registration, id, "transaction-id"),
        };
        let rows: Vec<_> = registrations.iter().map(row).collect();
        batch(call, FIND, &rows, answer::standing).await
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, cancellations: &[Cancellation]) -> Vec<Result<(), Failure>> {
        let rows: Vec<_> = cancellations.iter().map(|row| registered(&row.registration)).collect();
        batch(call, CANCEL, &rows, answer::cancelled).await
    }

    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipments: &[Shipment]) -> Vec<Result<(), Failure>> {
        let row = |(at, shipment): (usize, &Shipment)| {
            let (code, slip) = check_shipment(&shipments[..at], shipment)?;
            let Row { name, body } = registered(&shipment.registration)?;
            let np_transaction_id = body.np_transaction_id;
            Ok(Row { name, body: Shipped { np_transaction_id, pd_company_code: code, slip_no: slip } })
        };
        let rows: Vec<_> = shipments.iter().enumerate().map(row).collect();
        batch(call, SHIP, &rows, answer::shipped).await
    }
}

/// A row of a call: how an answer names it, and what is sent of it.
struct Row<B> {
    name: Name,
    body: B,
}

/// A transaction that is asked about or cancelled.
#[derive(Serialize, PartialEq)]
struct ById {
    np_transaction_id: String,
}

/// A transaction that is shipped.
#[derive(Serialize, PartialEq)]
struct Shipped {
    np_transaction_id: String,
    pd_company_code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    slip_no: String,
}

/// The body of every request.
#[derive(Serialize)]
struct Transactions<'a, B> {
    transactions: &'a [&'a B],
}

/// Sends what can be sent of `rows` and has `read` find each one's result in the answer. A row that
/// cannot be sent stops no other; an id that two rows name goes out once.
async fn batch<T: Transport, B: Serialize + PartialEq, O>(
    call: &Call<'_, T>,
    endpoint: Endpoint,
    rows: &[Result<Row<B>, Failure>],
    read: impl Fn(&Answer, &Name) -> Result<O, Failure>,
) -> Vec<Result<O, Failure>> {
    in_pieces(rows, MAX_ROWS, async |piece| {
        let bodies = distinct(piece.iter().flatten().map(|row| &row.body));
        let answer = if bodies.is_empty() { Ok(Answer::default()) } else { ask(call, endpoint, &bodies).await };
        let result = |row: &Result<Row<B>, Failure>| {
            let row = row.as_ref().map_err(Clone::clone)?;
            read(answer.as_ref().map_err(Clone::clone)?, &row.name)
        };
        piece.iter().map(result).collect()
    })
    .await
}

async fn ask<T: Transport, B: Serialize>(
    call: &Call<'_, T>,
    (method, path): Endpoint,
    transactions: &[&B],
) -> Result<Answer, Failure> {
    let settings = &call.settings;
    let user = format!("{}:{}", settings.get(MERCHANT_CODE), settings.get(SP_CODE));
    let body = serde_json::to_vec(&Transactions { transactions })
        .map_err(|error| Failure::NotSent(reason("not-json".to_owned(), error.to_string())))?;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("authorization", format!("Basic {}", BASE64_STANDARD.encode(user))),
        ("x-np-terminal-id", settings.get(TERMINAL_ID).to_owned()),
    ];
    let response = call.http.send(Request { method, url: settings.url(BASE_URL, path), headers, body }).await;
    answer::read(&response.map_err(|error| error.into_failure())?, transactions.len())
}

/// The gateway's own id, if the answer to the registration arrived.
fn transaction_id(registration: &Registration) -> Option<&str> {
    registration.transaction_id.as_deref().filter(|id| !id.is_empty())
}

/// `registration` under the gateway's `id`. One that cannot be an id could spoil a whole request, so it
/// is refused here; `field` is its path.
fn by_id(registration: &Registration, id: &str, field: &str) -> Result<Row<ById>, Failure> {
    if !answer::is_id(id) {
        let words = format!("{id}はNPの取引ID（数字11桁）ではありません");
        return Err(Failure::Invalid(vec![problem(field, "transaction-id", words)]));
    }
    let name = Name { id: Some(id.to_owned()), reference: registration.reference.clone() };
    Ok(Row { name, body: ById { np_transaction_id: id.to_owned() } })
}

/// `registration` as a row that is to be changed: that takes the gateway's id.
fn registered(registration: &Registration) -> Result<Row<ById>, Failure> {
    let field = "registration.transaction-id";
    transaction_id(registration).map_or_else(
        || {
            let words = format!(
                "注文番号{}はNPの取引IDがわからず、NPは注文番号での照会に対応していません。NPの管理画面で操作してください",
                registration.reference
            );
            Err(Failure::Invalid(vec![problem(field, "no-transaction-id", words)]))
        },
        |id| by_id(registration, id, field),
    )
}

/// The carrier's code and the slip number, or every problem with the shipment.
fn check_shipment(earlier: &[Shipment], shipment: &Shipment) -> Result<(&'static str, String), Failure> {
    let mut checks = Checks::default();
    let code = describe::carrier_code(&shipment.carrier);
    if code.is_none() {
        let supported = carriers::names(&describe::provider().carriers);
        checks.add("carrier", "carrier", format!("この配送業者はNP後払いで使えません。使える配送業者: {supported}"));
    }
    let slip = &shipment.tracking_number;
    // Mail without a slip has no number to send.
    if !slip.is_empty() || shipment.carrier != WITHOUT_SLIP {
        checks.text("tracking-number", "伝票番号", slip, MAX_SLIP);
    }
    if !slip.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        checks.add("tracking-number", "slip", "伝票番号は半角英数字とハイフンです");
    }
    let id = transaction_id(&shipment.registration);
    if id.is_some() && earlier.iter().any(|other| transaction_id(&other.registration) == id) {
        let words = "同じ取引が一度の呼び出しに二度あります";
        checks.add("registration.transaction-id", "transaction-twice", words);
    }
    checks.into_result()?;
    Ok((code.unwrap_or_default(), slip.clone()))
}
