//! A plugin that breaks the contract in one way at a time, to prove that the conformance kit sees it.
//!
//! The kit judges a component by its file alone, so the way is not a setting: it is [`BEHAVIOUR`], a
//! marker inside the component, and the kit's tests write another name over it. One build serves
//! for every way. As built it keeps the contract (`honest`).

#![forbid(unsafe_code)]

use futures::future::join_all;
use provider_sdk::checks::Checks;
use provider_sdk::contract::{BatchLimits, Capability, Carrier, Label, ProviderInfo, SettingField, SettingKind};
use provider_sdk::failure::{problem, reason, unreadable};
use provider_sdk::fee_types::{AdjustedFee, Bill, FeeRule};
use provider_sdk::http::{Request, SendError, Transport};
use provider_sdk::settings::Settings;
use provider_sdk::types::*;
use provider_sdk::{Call, Provider, fees, text};

/// Every way, and what it does.
pub const BEHAVIOURS: [(&str, &str); 38] = [
    ("honest", "keeps the contract"),
    ("describe-panics", "breaks off in describe"),
    ("carrier-twice", "describes a carrier twice"),
    ("carrier-renamed", "gives a known carrier an id of its own"),
    ("carrier-mistaken", "gives a known id to another carrier"),
    ("no-english", "has a label in Japanese only"),
    ("version-in-words", "has a version that is a word"),
    ("origin-with-path", "wants an origin with a path"),
    ("negative-maximum", "has a largest bill below zero"),
    ("default-refused", "has a default that is not among its choices"),
    ("settings-impossible", "accepts no settings"),
    ("settings-special", "accepts one shop id alone, which nobody can guess"),
    ("settings-unchecked", "accepts any settings"),
    ("settings-first-only", "names only the first problem of settings"),
    ("trusts-status", "believes an HTTP status without reading the answer"),
    ("lost-is-success", "calls a lost answer a success"),
    ("lost-is-not-sent", "calls a lost answer not sent"),
    ("refused-is-unknown", "calls a refused connection an unknown outcome"),
    ("sends-twice", "registers again when the answer is lost"),
    ("forgets-a-row", "answers one row less than it was asked"),
    ("reverses-rows", "answers in reverse order"),
    ("panics-on-many", "breaks off when it is given ten rows"),
    ("panics-on-emoji", "breaks off at an emoji, wherever it stands"),
    ("panics-on-large-fees", "breaks off at very large amounts of a fee rule"),
    ("spins-on-large-fees", "computes for ever at very large amounts of a fee rule"),
    ("any-carrier", "sends tracking numbers of carriers that it does not describe"),
    ("hidden-connection-test", "has a connection test that it does not describe"),
    ("finds-nothing", "describes find-by-reference and does not ask"),
    ("finds-without-asking", "says that there is no such registration without having asked"),
    ("fee-sum-wrong", "adds up a bill wrongly"),
    ("bands-unchecked", "accepts fee bands that overlap or run backwards"),
    ("logs-a-name", "logs the buyer's name"),
    ("logs-full-width", "logs the buyer's address in another form than it was given"),
    ("asks-elsewhere", "sends a request to an origin of its own"),
    ("sends-in-fee-adjust", "sends a request in an operation that may send none"),
    ("panics-after-answer", "breaks off when the connection test was answered"),
    ("floods-the-log", "logs without end"),
    ("panics-on-garbage", "breaks off when the answer to a registration is no text"),
];

/// Bytes of a behaviour's name in the marker, padded with dots.
pub const NAME_LENGTH: usize = 32;
/// What stands before the name in the component.
pub const MARKER: &str = "@@unruly:";

/// The marker and the name. Written over inside the component's file.
static BEHAVIOUR: [u8; MARKER.len() + NAME_LENGTH] = *b"@@unruly:honest..........................";

/// Whether this is the plugin's way today.
fn is(name: &str) -> bool {
    // Without the black box the compiler would know the name and leave every other way out.
    let marker = std::hint::black_box(&BEHAVIOUR);
    let today = marker[MARKER.len()..].split(|byte| *byte == b'.').next().unwrap_or_default();
    today == name.as_bytes()
}

/// Rows of each operation in one call.
const ROWS: u32 = 10;
const CARRIERS: [&str; 2] = ["sagawa", "yamato"];
/// Their names, and those of whatever else is described.
const NAMES: [&str; 2] = ["佐川急便", "ヤマト運輸"];

/// The only shop that `settings-special` accepts.
pub const SPECIAL_SHOP: &str = "420815";

/// The plugin.
pub struct Unruly;

impl Provider for Unruly {
    fn describe() -> ProviderInfo {
        assert!(!is("describe-panics"), "on purpose");
        let mut carriers: Vec<_> = CARRIERS.map(carrier).into();
        if is("carrier-twice") {
            carriers.push(carrier(CARRIERS[0]));
        }
        if is("carrier-renamed") {
            carriers.push(Carrier { id: "yamato-transport".to_owned(), name: label("ヤマト運輸", "Yamato") });
        }
        if is("carrier-mistaken") {
            carriers.push(Carrier { id: "seino".to_owned(), name: label("西武運輸", "Seibu") });
        }
        let mut capabilities = Capability::FIND_BY_REFERENCE | Capability::TEST_CONNECTION;
        if is("hidden-connection-test") {
            capabilities = Capability::FIND_BY_REFERENCE;
        }
        if is("finds-without-asking") {
            capabilities = Capability::TEST_CONNECTION;
        }
        let path = if is("origin-with-path") { "/api" } else { "" };
        ProviderInfo {
            id: "unruly".to_owned(),
            name: label("無作法", "Unruly"),
            version: if is("version-in-words") { "latest" } else { env!("CARGO_PKG_VERSION") }.to_owned(),
            settings: settings(),
            carriers,
            batch_limits: BatchLimits { credit: ROWS, check_credit: ROWS, cancel: ROWS, sync_tracking: ROWS },
            capabilities,
            origins: vec![format!("https://gateway.example{path}")],
            max_billed_amount: is("negative-maximum").then_some(-1),
        }
    }

    fn check_settings(settings: &Settings) -> Vec<FieldProblem> {
        let other = is("settings-special") && settings.get("shop-id") != SPECIAL_SHOP;
        let refused = is("settings-impossible") || other;
        refused.then(|| problem("shop-id", "refused", "この値は使えません")).into_iter().collect()
    }

    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure> {
        if is("asks-elsewhere") {
            let _ = call.http.send(Request::post("https://elsewhere.example/".to_owned(), "text/plain", "x")).await;
        }
        let answered = ask(call, "test", "connection").await;
        assert!(!is("panics-after-answer"), "on purpose");
        answered
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        assert!(!(is("panics-on-many") && orders.len() >= ROWS as usize), "on purpose");
        let mut rows = join_all(orders.iter().map(|order| register(call, order))).await;
        if is("forgets-a-row") && rows.len() > 1 {
            rows.pop();
        }
        if is("reverses-rows") {
            rows.reverse();
        }
        rows
    }

    async fn check_credit<T: Transport>(call: &Call<'_, T>, rows: &[Registration]) -> Vec<Result<Standing, Failure>> {
        join_all(rows.iter().map(|row| standing(call, row))).await
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, rows: &[Cancellation]) -> Vec<Result<(), Failure>> {
        join_all(rows.iter().map(async |row| {
            avoid_emoji(row.reason.as_deref().unwrap_or_default());
            ask(call, "cancel", check_reference(&row.registration)?).await
        }))
        .await
    }

    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, rows: &[Shipment]) -> Vec<Result<(), Failure>> {
        join_all(rows.iter().map(async |row| {
            avoid_emoji(&row.tracking_number);
            let described = CARRIERS.contains(&row.carrier.as_str());
            if !described && !is("any-carrier") {
                return Err(Failure::Invalid(vec![problem("carrier", "carrier", "この配送業者は使えません")]));
            }
            ask(call, "track", check_reference(&row.registration)?).await
        }))
        .await
    }

    fn fee_adjust(rule: &FeeRule, bill: &Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
        assert!(!(is("panics-on-large-fees") && bill.items > fees::MAX_YEN), "on purpose");
        while is("spins-on-large-fees") && bill.items > fees::MAX_YEN {}
        if is("sends-in-fee-adjust") {
            send_in_passing();
        }
        let mut adjusted = match fees::adjust(rule, bill) {
            // As if there were no bands.
            Err(_) if is("bands-unchecked") => fees::adjust(&FeeRule { mode: rule.mode, bands: Vec::new() }, bill)?,
            adjusted => adjusted?,
        };
        adjusted.billed_amount += i64::from(is("fee-sum-wrong"));
        Ok(adjusted)
    }
}

fn carrier(id: &str) -> Carrier {
    let name = CARRIERS.iter().zip(NAMES).find(|(known, _)| **known == id).map_or(id, |(_, name)| name);
    Carrier { id: id.to_owned(), name: label(name, id) }
}

fn label(ja: &str, en: &str) -> Label {
    Label { ja: ja.to_owned(), en: en.to_owned() }
}

fn settings() -> Vec<SettingField> {
    let field = |key: &str, kind, required, default: Option<&str>, max_length| SettingField {
        key: key.to_owned(),
        label: label(key, if is("no-english") { "" } else { key }),
        help: label("", ""),
        kind,
        required,
        default: default.map(str::to_owned),
        max_length,
    };
    let modes = ["live", "test"].map(|id| (id.to_owned(), label(id, id)));
    let mode = if is("default-refused") { "neither" } else { "live" };
    vec![
        field("base-url", SettingKind::Url, true, Some("https://gateway.example"), Some(100)),
        field("shop-id", SettingKind::Digits, true, None, Some(6)),
        field("password", SettingKind::Secret, true, None, Some(20)),
        field("mode", SettingKind::Choice(modes.into()), true, Some(mode), None),
        field("nickname", SettingKind::Text, false, None, Some(10)),
    ]
}

async fn register<T: Transport>(call: &Call<'_, T>, order: &Order) -> Result<Decision, Failure> {
    avoid_emoji(&order.buyer.name);
    if is("logs-a-name") {
        log(&format!("registers {}", order.buyer.name));
    }
    if is("logs-full-width") {
        log(&format!("registers {}", text::full_width(&order.buyer.address.street)));
    }
    if is("floods-the-log") {
        (0..10_000).for_each(|_| log("still here"));
    }
    let mut checks = Checks::default();
    checks.reference("reference", &order.reference);
    checks.date("ordered-on", "注文日", &order.ordered_on);
    checks.into_result()?;
    let mut answer = ask(call, "register", &order.reference).await;
    if is("sends-twice") && matches!(answer, Err(Failure::OutcomeUnknown(_))) {
        answer = ask(call, "register", &order.reference).await;
    }
    answer.map(|()| Decision { transaction_id: None, verdict: Verdict::Approved })
}

async fn standing<T: Transport>(call: &Call<'_, T>, row: &Registration) -> Result<Standing, Failure> {
    avoid_emoji(&row.reference);
    let known = row.transaction_id.is_some();
    if !known && is("finds-nothing") {
        return Err(Failure::Unsupported);
    }
    let reference = check_reference(row)?;
    if !known && is("finds-without-asking") {
        return Ok(Standing::NotFound);
    }
    ask(call, "find", reference).await.map(|()| Standing::NotFound)
}

fn check_reference(row: &Registration) -> Result<&str, Failure> {
    let mut checks = Checks::default();
    checks.reference("reference", &row.reference);
    checks.into_result().map(|()| row.reference.as_str())
}

/// Asks the gateway, whose whole language is to say `done` and what it was asked about.
async fn ask<T: Transport>(call: &Call<'_, T>, path: &str, about: &str) -> Result<(), Failure> {
    let url = call.settings.url("base-url", path);
    let answer = match call.http.send(Request::post(url, "text/plain", about)).await {
        Ok(answer) => answer,
        Err(SendError::NotSent(words)) if is("refused-is-unknown") => return Err(unreadable(words)),
        Err(SendError::OutcomeUnknown(_)) if is("lost-is-success") => return Ok(()),
        Err(SendError::OutcomeUnknown(words)) if is("lost-is-not-sent") => {
            return Err(Failure::NotSent(reason(None, words)));
        }
        Err(error) => return Err(error.into_failure()),
    };
    let is_text = std::str::from_utf8(&answer.body).is_ok();
    assert!(!(is("panics-on-garbage") && path == "register" && !is_text), "on purpose");
    let words = reason(format!("http-{}", answer.status), "");
    match answer.status {
        200 if is("trusts-status") || answer.body == format!("done {about}").as_bytes() => Ok(()),
        status if is("trusts-status") && status != 200 => Err(Failure::Refused(words)),
        401 => Err(Failure::Unauthorized(words)),
        429 => Err(Failure::Busy((words, answer.retry_after))),
        _ => Err(Failure::OutcomeUnknown(words)),
    }
}

fn avoid_emoji(text: &str) {
    assert!(!(is("panics-on-emoji") && text.chars().any(|c| ('😀'..='🙏').contains(&c))), "on purpose");
}

fn log(words: &str) {
    use provider_sdk::bindings::deferred_payment::provider::log::{Level, write};
    write(Level::Info, words);
}

/// Begins a request and leaves without waiting for it: all that is possible where nothing may wait.
fn send_in_passing() {
    use provider_sdk::wasi::WasiHttp;
    use std::task::Poll;
    wit_bindgen::block_on(async {
        let url = "https://gateway.example/passing".to_owned();
        let mut sending = Box::pin(WasiHttp.send(Request::post(url, "text/plain", "x")));
        std::future::poll_fn(|cx| {
            let _ = sending.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        // Dropping it would wait for the host to take it back.
        std::mem::forget(sending);
    });
}

/// Exported by hand: some ways leave out the SDK's checks of settings or cut them short, and those
/// are beneath the trait.
#[cfg(target_family = "wasm")]
mod export {
    use super::{Unruly, avoid_emoji, is};
    use provider_sdk::contract::{Guest, ProviderInfo};
    use provider_sdk::fee_types::{AdjustedFee, Bill, FeeRule};
    use provider_sdk::provider::{check_settings, install_panic_hook};
    use provider_sdk::types::*;
    use provider_sdk::wasi::WasiHttp;
    use provider_sdk::{Call, Provider};

    struct Component;

    fn call(context: Context) -> Call<'static, WasiHttp> {
        install_panic_hook();
        Call::new::<Unruly>(context, &WasiHttp)
    }

    impl Guest for Component {
        fn describe() -> ProviderInfo {
            install_panic_hook();
            Unruly::describe()
        }

        fn check_settings(settings: Vec<Setting>) -> Result<(), Vec<FieldProblem>> {
            settings.iter().for_each(|setting| avoid_emoji(&setting.value));
            if is("settings-unchecked") {
                return Ok(());
            }
            check_settings::<Unruly>(settings).map_err(|mut problems| {
                if is("settings-first-only") {
                    problems.truncate(1);
                }
                problems
            })
        }

        async fn test_connection(context: Context) -> Result<(), Failure> {
            Unruly::test_connection(&call(context)).await
        }

        async fn credit(context: Context, orders: Vec<Order>) -> Vec<Result<Decision, Failure>> {
            Unruly::credit(&call(context), &orders).await
        }

        async fn check_credit(context: Context, rows: Vec<Registration>) -> Vec<Result<Standing, Failure>> {
            Unruly::check_credit(&call(context), &rows).await
        }

        async fn cancel(context: Context, rows: Vec<Cancellation>) -> Vec<Result<(), Failure>> {
            Unruly::cancel(&call(context), &rows).await
        }

        async fn sync_tracking(context: Context, rows: Vec<Shipment>) -> Vec<Result<(), Failure>> {
            Unruly::sync_tracking(&call(context), &rows).await
        }

        fn fee_adjust(rule: FeeRule, bill: Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
            install_panic_hook();
            Unruly::fee_adjust(&rule, &bill)
        }
    }

    provider_sdk::bindings::export!(Component with_types_in provider_sdk::bindings);
}
