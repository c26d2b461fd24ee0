//! Example Pay as a provider plugin: an invented provider with four calls, each a form that is posted and an answer in
//! XML. `/register` takes an order; `/ask`, `/cancel` and `/ship` name it by its reference.

use futures::future::join_all;
use provider_sdk::checks::Checks;
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingKind};
use provider_sdk::describe::{BASE_URL, base_url, label, required};
use provider_sdk::failure::{mismatch, reason};
use provider_sdk::http::{Request, SendError, Transport};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, answer, carriers, export_provider, form};

const NAME: &str = "サンプル後払い";
const PRODUCTION: &str = "https://api.example.jp";
const MAX_NAME: usize = 30;
const MAX_PHONE: usize = 13;
const MAX_NUMBER: usize = 20;
const MAX_YEN: i64 = 999_999;

/// Carriers: the contract's id, and the provider's code.
const CARRIERS: [(&str, &str); 3] = [("sagawa", "SAGAWA"), ("yamato", "YAMATO"), ("japan-post", "POST")];

/// What the provider calls a field that is wrong, and what the contract calls it.
const FIELD_PATHS: [(&str, &str); 6] = [
    ("order", "reference"),
    ("name", "buyer.name"),
    ("phone", "buyer.phone"),
    ("amount", "billed-amount"),
    ("carrier", "carrier"),
    ("number", "tracking-number"),
];

/// Example Pay.
pub struct ExamplePay;

export_provider!(ExamplePay);

impl Provider for ExamplePay {
    fn describe() -> ProviderInfo {
        let help = label("契約時に届きます。", "Sent with the contract.");
        ProviderInfo {
            id: "example-pay".to_owned(),
            name: label(NAME, "Example Pay"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: vec![
                base_url(Some(PRODUCTION), label("通常は変更しません。", "Leave as it is.")),
                required("shop-id", label("店舗ID", "Shop ID"), help.clone(), SettingKind::Digits, 10),
                required("api-key", label("APIキー", "API key"), help, SettingKind::Secret, 40),
            ],
            carriers: carriers::supported(&CARRIERS),
            batch_limits: BatchLimits { credit: 1, check_credit: 1, cancel: 1, sync_tracking: 1 },
            capabilities: Capability::FIND_BY_REFERENCE
                | Capability::UNIQUE_REFERENCE
                | Capability::REPORTS_CANCEL
                | Capability::REPORTS_TRACKING,
            origins: vec![PRODUCTION.to_owned()],
            max_billed_amount: Some(MAX_YEN),
        }
    }

    async fn test_connection<T: Transport>(_: &Call<'_, T>) -> Result<(), Failure> {
        Err(Failure::Unsupported)
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        join_all(orders.iter().enumerate().map(|(at, order)| credit(call, order, &orders[..at]))).await
    }

    async fn check_credit<T: Transport>(call: &Call<'_, T>, asked: &[Registration]) -> Vec<Result<Standing, Failure>> {
        join_all(asked.iter().map(|registration| check_credit(call, registration))).await
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, cancelled: &[Cancellation]) -> Vec<Result<(), Failure>> {
        join_all(cancelled.iter().map(|cancellation| cancel(call, &cancellation.registration))).await
    }

    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipped: &[Shipment]) -> Vec<Result<(), Failure>> {
        join_all(shipped.iter().map(|shipment| sync_tracking(call, shipment))).await
    }
}

/// Everything that is wrong with an order, before anything is sent.
fn check_order(order: &Order, earlier: &[Order]) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.reference("reference", &order.reference);
    checks.not_twice(earlier, &order.reference);
    checks.text("buyer.name", "購入者の氏名", &order.buyer.name, MAX_NAME);
    checks.phone("buyer.phone", "購入者の電話番号", &order.buyer.phone, MAX_PHONE);
    checks.sum(order);
    checks.number("billed-amount", "請求金額", order.billed_amount, 1..=MAX_YEN);
    checks.into_result()
}

/// Everything that is wrong with a registration; `field` is the path of its reference in the contract.
fn check_registration(field: &str, registration: &Registration) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.reference(field, &registration.reference);
    checks.into_result()
}

/// Everything that is wrong with a shipment, before anything is sent.
fn check_shipment(shipment: &Shipment) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.reference("registration.reference", &shipment.registration.reference);
    checks.carrier(NAME, &carriers::supported(&CARRIERS), &shipment.carrier);
    checks.text("tracking-number", "伝票番号", &shipment.tracking_number, MAX_NUMBER);
    checks.into_result()
}

async fn credit<T: Transport>(call: &Call<'_, T>, order: &Order, earlier: &[Order]) -> Result<Decision, Failure> {
    check_order(order, earlier)?;
    let amount = order.billed_amount.to_string();
    let fields = [("name", &*order.buyer.name), ("phone", &order.buyer.phone), ("amount", &amount)];
    Ok(decision(ask(call, "/register", &order.reference, None, &fields).await?))
}

async fn check_credit<T: Transport>(call: &Call<'_, T>, asked: &Registration) -> Result<Standing, Failure> {
    check_registration("reference", asked)?;
    match ask(call, "/ask", &asked.reference, asked.transaction_id.as_deref(), &[]).await {
        Err(Failure::Refused(why)) if why.code.as_deref() == Some("NOT-FOUND") => Ok(Standing::NotFound),
        Err(failure) => Err(failure),
        Ok(told) => Ok(match &*told.state {
            "CANCELLED" => Standing::Cancelled,
            "SHIPPED" => Standing::TrackingRegistered,
            _ => Standing::Decided(decision(told)),
        }),
    }
}

async fn cancel<T: Transport>(call: &Call<'_, T>, registration: &Registration) -> Result<(), Failure> {
    check_registration("registration.reference", registration)?;
    let told = ask(call, "/cancel", &registration.reference, registration.transaction_id.as_deref(), &[]).await?;
    must_become("CANCELLED", &told)
}

async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipment: &Shipment) -> Result<(), Failure> {
    check_shipment(shipment)?;
    let carrier = carriers::code(&CARRIERS, &shipment.carrier).unwrap_or_default();
    let (registration, number) = (&shipment.registration, &*shipment.tracking_number);
    let fields = [("carrier", carrier), ("number", number)];
    let told = ask(call, "/ship", &registration.reference, registration.transaction_id.as_deref(), &fields).await?;
    must_become("SHIPPED", &told)
}

/// What the provider says of a registration.
struct Told {
    id: String,
    state: String,
    why: String,
}

/// A success that says something else than what was asked for is none.
fn must_become(state: &str, told: &Told) -> Result<(), Failure> {
    if told.state == state { Ok(()) } else { Err(mismatch(format!("{NAME}の回答の状態が{}です", told.state))) }
}

fn decision(told: Told) -> Decision {
    let verdict = match &*told.state {
        "OK" => Verdict::Approved,
        "NG" => Verdict::Rejected(vec![reason(None, told.why)]),
        "WAIT" => Verdict::UnderReview,
        "HOLD" => Verdict::OnHold(vec![reason(None, told.why)]),
        _ => Verdict::Other(reason(told.state, "この版では意味のわからない与信結果です")),
    };
    Decision { transaction_id: Some(told.id), verdict }
}

/// Posts one form about a registration, and reads what the provider says of it.
async fn ask<T: Transport>(
    call: &Call<'_, T>,
    path: &str,
    reference: &str,
    known_id: Option<&str>,
    fields: &[(&str, &str)],
) -> Result<Told, Failure> {
    let shop = [("shop", call.settings.get("shop-id")), ("key", call.settings.get("api-key")), ("order", reference)];
    let body = form::encode(shop.iter().chain(fields).copied());
    let request = Request::post(call.settings.url(BASE_URL, path), form::CONTENT_TYPE, body);
    // A transport error becomes a failure here and nowhere else.
    let response = call.http.send(request).await.map_err(SendError::into_failure)?;

    // HTTP 200, UTF-8, one whole document that says nothing twice; else the outcome is unknown.
    let answer = answer::xml(&response, NAME, "answer")?;
    answer::once(NAME, &answer, &["order", "id", "state", "reason", "error", "field", "message"])?;
    let text = |name| answer.child_text(name);
    let error = text("error");
    let words = || reason(error.to_owned(), text("message"));
    // These two are about no order; whatever else is said has to be about this one.
    match error {
        "AUTH" => return Err(Failure::Unauthorized(words())),
        "BUSY" => return Err(Failure::Busy((words(), response.retry_after))),
        _ => answer::require_echo(NAME, &answer, "order", reference)?,
    }
    match error {
        "" => {}
        "INVALID" => {
            let path = FIELD_PATHS.iter().find(|(field, _)| *field == text("field")).map(|(_, path)| *path);
            let field = path.unwrap_or(text("field")).to_owned();
            return Err(Failure::Invalid(vec![FieldProblem { field, reason: words() }]));
        }
        "EXISTS" => return Err(Failure::Already(words())),
        "STATE" | "NOT-FOUND" => return Err(Failure::Refused(words())),
        _ => return Err(Failure::OutcomeUnknown(words())),
    }
    let id = text("id");
    if id.is_empty() || known_id.is_some_and(|known| !known.is_empty() && known != id) {
        return Err(mismatch(format!("{NAME}の回答がこの注文のものではありません（{reference}）")));
    }
    Ok(Told { id: id.to_owned(), state: text("state").to_owned(), why: text("reason").to_owned() })
}
