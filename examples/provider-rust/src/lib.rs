//! Example Pay as a provider plugin.

use futures::future::join_all;
use provider_sdk::checks::Checks;
use provider_sdk::contract::{BatchLimits, Capability, ProviderInfo, SettingKind};
use provider_sdk::describe::{BASE_URL, base_url, label, required};
use provider_sdk::failure::{for_all, mismatch, reason};
use provider_sdk::http::{Request, SendError, Transport};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, answer, export_provider, form};

const NAME: &str = "サンプル後払い";
const PRODUCTION: &str = "https://api.example.jp";

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
            carriers: Vec::new(),
            batch_limits: BatchLimits { credit: 1, check_credit: 0, cancel: 0, sync_tracking: 0 },
            capabilities: Capability::empty(),
            origins: vec![PRODUCTION.to_owned()],
            max_billed_amount: None,
        }
    }

    async fn test_connection<T: Transport>(_: &Call<'_, T>) -> Result<(), Failure> {
        Err(Failure::Unsupported)
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        join_all(orders.iter().enumerate().map(|(at, order)| register(call, &orders[..at], order))).await
    }

    async fn check_credit<T: Transport>(_: &Call<'_, T>, asked: &[Registration]) -> Vec<Result<Standing, Failure>> {
        for_all(asked.len(), &Failure::Unsupported)
    }

    async fn cancel<T: Transport>(_: &Call<'_, T>, cancelled: &[Cancellation]) -> Vec<Result<(), Failure>> {
        for_all(cancelled.len(), &Failure::Unsupported)
    }

    async fn sync_tracking<T: Transport>(_: &Call<'_, T>, shipped: &[Shipment]) -> Vec<Result<(), Failure>> {
        for_all(shipped.len(), &Failure::Unsupported)
    }
}

async fn register<T: Transport>(call: &Call<'_, T>, earlier: &[Order], order: &Order) -> Result<Decision, Failure> {
    // Everything that is wrong, before anything is sent.
    let mut checks = Checks::default();
    checks.reference("reference", &order.reference);
    checks.not_twice(earlier, &order.reference);
    checks.text("buyer.name", "購入者の氏名", &order.buyer.name, 30);
    checks.sum(order);
    checks.into_result()?;

    // One request. A transport error becomes a failure here and nowhere else.
    let fields = [
        ("shop", call.settings.get("shop-id")),
        ("key", call.settings.get("api-key")),
        ("order", &order.reference),
        ("name", &order.buyer.name),
        ("amount", &order.billed_amount.to_string()),
    ];
    let request = Request::post(call.settings.url(BASE_URL, "/register"), form::CONTENT_TYPE, form::encode(fields));
    let response = call.http.send(request).await.map_err(SendError::into_failure)?;

    // HTTP 200, UTF-8, one whole document, about this order; else the outcome is unknown.
    let answer = answer::xml(&response, NAME, "answer")?;
    answer::require_echo(NAME, &answer, "order", &order.reference)?;
    let id = answer.child_text("id");
    if id.is_empty() {
        return Err(mismatch(format!("{NAME}の回答に取引番号がありません（{}）", order.reference)));
    }
    let verdict = match answer.child_text("verdict") {
        "OK" => Verdict::Approved,
        "NG" => Verdict::Rejected(vec![reason(None, answer.child_text("reason"))]),
        "WAIT" => Verdict::UnderReview,
        other => Verdict::Other(reason(other.to_owned(), "この版では意味のわからない与信結果です")),
    };
    Ok(Decision { transaction_id: Some(id.to_owned()), verdict })
}
