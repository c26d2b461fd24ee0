//! 後払い.com (株式会社キャッチボール) as a provider plugin.
//!
//! | module | holds |
//! |---|---|
//! | [`describe`] | settings, carriers and limits, as data |
//! | [`order`] | an order to the fields of a registration, or everything that is wrong with it |
//! | [`answer`] | XML to a verdict, a standing or a failure |
//! | here | the calls: who is asked what, and which row gets which answer |
//!
//! # Where the facts come from
//! The official specification is handed to contracted merchants only. What is here agrees between
//! public clients of the gateway, except where a comment says *assumed* (one source, or inferred).
//! None of it was tried against the live service. Assumed, and built so that a wrong assumption ends
//! as *needs a person*, never as success or failure:
//!
//! - the detail call by our own reference (`ask-by-reference` switches it off; a registration is then
//!   found by the gateway's id only, and `check-credit` without one answers *unsupported*),
//! - the delivery list used as connection test,
//! - the error code families (`E??999`, maintenance, says that nothing was recorded; `E??901`, a failure of the
//!   system, is widely read in the same way, and here as *outcome unknown*: a registration is never sent again for it
//!   before the gateway was asked), the shape of a cancel row, the echo of a tracking number,
//! - a hundred ids in one request, character limits, a discount as a line with a negative price,
//! - all carrier codes but two, each of which a setting overrides.
//!
//! No answer is known to carry the billed amount, so it cannot be compared. The form has no company
//! for a recipient, no shipping date, and none for tracking either; these are not sent.
//!
//! # At most one registration
//! The gateway does not refuse a second registration under the same reference, so nothing here sends
//! one again. Whatever leaves it open whether a registration was recorded is *outcome unknown*, and
//! asking by reference tells: none, one, or by an accident elsewhere several, which needs a person.

#![forbid(unsafe_code)]

pub mod answer;
pub mod describe;
pub mod order;

use answer::{Answer, Registered};
use describe::{API_USER_ID, BASE_URL, ENTERPRISE_ID, MAX_IDS};
use futures::future::{join, join_all};
use order::Fields;
use provider_sdk::checks::Checks;
use provider_sdk::contract::ProviderInfo;
use provider_sdk::failure::{problem, reason, unreadable};
use provider_sdk::http::{Request, Transport};
use provider_sdk::rows::{distinct, in_pieces};
use provider_sdk::settings::Settings;
use provider_sdk::text::truncate;
use provider_sdk::types::{
    Cancellation, Decision, Failure, FieldProblem, Order, Registration, Shipment, Standing, Verdict,
};
use provider_sdk::{Call, Provider, carriers, export_provider, form};

/// 注文登録 and 与信.
const ORDER: &str = "/api/order/rest";
/// 与信状況問い合わせ.
const STATUS: &str = "/api/status/rest";
/// 伝票番号登録.
const SHIPPING: &str = "/api/shipping/rest";
/// 注文キャンセル.
const CANCEL: &str = "/api/cancel/rest";
/// 注文状況取得 (*assumed*).
const DETAIL: &str = "/api/detail/rest";
/// The merchant's carrier codes (*assumed*). Changes nothing, so it serves as the connection test.
const CARRIER_LIST: &str = "/api/delivlist/rest";

/// Characters of a cancel reason that the gateway keeps.
const MAX_CANCEL_REASON: usize = 240;
/// What the gateway is told where the platform gives no reason.
const CANCEL_REASON: &str = "注文キャンセルのため";
/// Characters of a tracking number.
const MAX_TRACKING_NUMBER: usize = 255;

/// 後払い.com.
pub struct AtobaraiCom;

export_provider!(AtobaraiCom);

impl Provider for AtobaraiCom {
    fn describe() -> ProviderInfo {
        describe::provider()
    }

    fn check_settings(settings: &Settings) -> Vec<FieldProblem> {
        describe::check(settings)
    }

    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure> {
        let answer = ask(call, CARRIER_LIST, ids(&call.settings)).await?;
        answer.accepted()?;
        if answer.has_results() {
            Ok(())
        } else {
            Err(unreadable("後払い.comの回答に配送会社の一覧がありません"))
        }
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        join_all(orders.iter().enumerate().map(|(at, order)| register(call, &orders[..at], order))).await
    }

    async fn check_credit<T: Transport>(
        call: &Call<'_, T>,
        registrations: &[Registration],
    ) -> Vec<Result<Standing, Failure>> {
        in_pieces(registrations, MAX_IDS, async |piece| standings(call, piece).await).await
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, cancellations: &[Cancellation]) -> Vec<Result<(), Failure>> {
        in_pieces(cancellations, MAX_IDS, async |piece| cancel(call, piece).await).await
    }

    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipments: &[Shipment]) -> Vec<Result<(), Failure>> {
        join_all(shipments.iter().map(|shipment| track(call, shipment))).await
    }
}

/// The ids that every call but registration is authorised by.
fn ids(settings: &Settings) -> Fields {
    [("EnterpriseId", ENTERPRISE_ID), ("ApiUserId", API_USER_ID)]
        .map(|(parameter, key)| (parameter.to_owned(), settings.get(key).to_owned()))
        .into()
}

/// Sends one request and reads its answer. Nothing is ever sent again.
async fn ask<T: Transport>(call: &Call<'_, T>, path: &str, fields: Fields) -> Result<Answer, Failure> {
    let url = call.settings.url(BASE_URL, path);
    let response = call.http.send(Request::post(url, form::CONTENT_TYPE, form::encode(fields))).await;
    answer::read(&response.map_err(|error| error.into_failure())?)
}

/// Asks about `values`, each in a field named `parameter`. Nothing is sent where nothing is asked.
async fn ask_about<T: Transport>(
    call: &Call<'_, T>,
    path: &str,
    parameter: &str,
    values: &[&str],
) -> Result<Answer, Failure> {
    if values.is_empty() {
        return Ok(Answer::default());
    }
    let values = values.iter().map(|value| (parameter.to_owned(), (*value).to_owned()));
    ask(call, path, ids(&call.settings).into_iter().chain(values).collect()).await
}

async fn register<T: Transport>(call: &Call<'_, T>, earlier: &[Order], order: &Order) -> Result<Decision, Failure> {
    let fields = order::encode(order, &call.settings)?;
    if earlier.iter().any(|other| other.reference == order.reference) {
        let words = format!("注文番号{}が一度の呼び出しに二度あります", order.reference);
        return Err(Failure::Invalid(vec![problem("reference", "reference-twice", words)]));
    }
    answer::decision(&ask(call, ORDER, fields).await?, &order.reference)
}

/// The gateway's own id, if the answer to the registration arrived.
fn transaction_id(registration: &Registration) -> Option<&str> {
    registration.transaction_id.as_deref().filter(|id| !id.is_empty())
}

/// Rows with the gateway's id are asked about by it, the others by reference, both at once.
async fn standings<T: Transport>(call: &Call<'_, T>, rows: &[Registration]) -> Vec<Result<Standing, Failure>> {
    let all: Vec<_> = rows.iter().collect();
    let known = distinct(rows.iter().filter_map(transaction_id));
    let (statuses, details) = join(ask_about(call, STATUS, "OrderId[]", &known), details(call, &all)).await;
    let stand = |id, row: &Registration| answer::standing(statuses.as_ref().map_err(Clone::clone)?, id, &row.reference);
    let approved = rows.iter().filter_map(|row| Some((transaction_id(row)?, row)));
    let approved = distinct(approved.filter(|(id, row)| stand(id, row).is_ok_and(is_approved)).map(|(id, _)| id));
    let progress = progress(call, &approved).await;
    rows.iter()
        .map(|row| match transaction_id(row) {
            Some(id) => {
                let standing = stand(id, row)?;
                Ok(answer::progress(&progress, id, &row.reference)?.unwrap_or(standing))
            }
            None => Ok(match registered(&details, row)? {
                Registered::Nothing => Standing::NotFound,
                Registered::One { standing, .. } => standing,
                Registered::Unclear(reason) => Standing::Other(reason),
            }),
        })
        .collect()
}

fn is_approved(standing: Standing) -> bool {
    matches!(standing, Standing::Decided(Decision { verdict: Verdict::Approved, .. }))
}

/// The status call says no more than *approved*, whatever came after. Whether tracking was registered
/// only the detail call tells (*assumed*); if it does not, *approved* stands.
async fn progress<T: Transport>(call: &Call<'_, T>, approved: &[&str]) -> Answer {
    if !describe::asks_by_reference(&call.settings) {
        return Answer::default();
    }
    ask_about(call, DETAIL, "OrderId[]", approved).await.unwrap_or_default()
}

/// Asks by reference about those of `rows` whose id is not known.
async fn details<T: Transport>(call: &Call<'_, T>, rows: &[&Registration]) -> Result<Answer, Failure> {
    if !describe::asks_by_reference(&call.settings) {
        return Err(Failure::Unsupported);
    }
    let asked = rows.iter().filter(|row| transaction_id(row).is_none() && check_reference(row).is_ok());
    let references = distinct(asked.map(|row| row.reference.as_str()));
    ask_about(call, DETAIL, "Ent_OrderId[]", &references).await
}

/// What `details` says of `row`.
fn registered(details: &Result<Answer, Failure>, row: &Registration) -> Result<Registered, Failure> {
    check_reference(row)?;
    answer::registered(details.as_ref().map_err(Clone::clone)?, &row.reference)
}

/// An empty reference could match every order that was registered without one, so it is not asked for.
fn check_reference(row: &Registration) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.reference("reference", &row.reference);
    checks.into_result()
}

/// The gateway's id of each row: the one that is known, or the one that is found by reference.
async fn locate<T: Transport>(call: &Call<'_, T>, rows: &[&Registration]) -> Vec<Result<String, Failure>> {
    let details = details(call, rows).await;
    let located = |row: &&Registration| match transaction_id(row) {
        Some(id) => Ok(id.to_owned()),
        None => located(registered(&details, row), &row.reference),
    };
    rows.iter().map(located).collect()
}

fn located(found: Result<Registered, Failure>, reference: &str) -> Result<String, Failure> {
    match found {
        Ok(Registered::One { id, .. }) => Ok(id),
        Ok(Registered::Unclear(words)) => Err(Failure::Refused(words)),
        Ok(Registered::Nothing) => {
            let words = format!("注文番号{reference}の登録は後払い.comにありません");
            Err(Failure::Refused(reason("not-found".to_owned(), words)))
        }
        Err(Failure::Unsupported) => {
            let words = format!(
                "注文番号{reference}は後払い.comの注文IDがわからず、注文番号での照会も設定で止めてあります。\
                 加盟店管理画面で操作してください"
            );
            Err(Failure::Invalid(vec![problem("registration.transaction-id", "no-transaction-id", words)]))
        }
        Err(failure) => Err(failure),
    }
}

/// One request for all rows; each row has a result of its own in the answer.
async fn cancel<T: Transport>(call: &Call<'_, T>, rows: &[Cancellation]) -> Vec<Result<(), Failure>> {
    let located = locate(call, &rows.iter().map(|row| &row.registration).collect::<Vec<_>>()).await;
    let answer = ask_to_cancel(call, rows, &located).await;
    let result = |id: Result<String, Failure>| {
        // First the row's own failure: it was not in the request, whatever became of that.
        let id = id?;
        answer::cancelled(answer.as_ref().map_err(Clone::clone)?, &id)
    };
    located.into_iter().map(result).collect()
}

/// `OrderId[]` and `Reason[]` belong together by their position (*assumed*), so they go out in pairs.
/// An id that two rows name goes out once, with the first reason.
async fn ask_to_cancel<T: Transport>(
    call: &Call<'_, T>,
    rows: &[Cancellation],
    located: &[Result<String, Failure>],
) -> Result<Answer, Failure> {
    let mut fields = ids(&call.settings);
    let asked = distinct(located.iter().flatten());
    if asked.is_empty() {
        return Ok(Answer::default());
    }
    for id in asked {
        let row = rows.iter().zip(located).find(|(_, located)| located.as_ref() == Ok(id));
        let given = row.and_then(|(row, _)| row.reason.as_deref()).filter(|given| !given.trim().is_empty());
        fields.push(("OrderId[]".to_owned(), id.clone()));
        fields.push(("Reason[]".to_owned(), truncate(given.unwrap_or(CANCEL_REASON), MAX_CANCEL_REASON)));
    }
    ask(call, CANCEL, fields).await
}

async fn track<T: Transport>(call: &Call<'_, T>, shipment: &Shipment) -> Result<(), Failure> {
    let code = check_shipment(&call.settings, shipment)?;
    let id = locate(call, &[&shipment.registration]).await.swap_remove(0)?;
    let number = &shipment.tracking_number;
    let sent = [("OrderId", id.as_str()), ("DelivId", code), ("JournalNum", number)];
    let sent = sent.map(|(parameter, value)| (parameter.to_owned(), value.to_owned()));
    let answer = ask(call, SHIPPING, ids(&call.settings).into_iter().chain(sent).collect()).await?;
    answer::tracked(&answer, &id, number)
}

/// The carrier's code, or every problem with the shipment. Nothing is sent before.
fn check_shipment<'a>(settings: &'a Settings, shipment: &Shipment) -> Result<&'a str, Failure> {
    let mut checks = Checks::default();
    let code = describe::carrier_code(settings, &shipment.carrier);
    if code.is_none() {
        let supported = carriers::names(&describe::provider().carriers);
        checks.add("carrier", "carrier", format!("この配送業者は後払い.comで使えません。使える配送業者: {supported}"));
    }
    checks.text("tracking-number", "伝票番号", &shipment.tracking_number, MAX_TRACKING_NUMBER);
    checks.into_result()?;
    Ok(code.unwrap_or_default())
}
