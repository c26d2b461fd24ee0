//! The trait a provider implements, and how it becomes a component.

use crate::bindings::deferred_payment::provider::log::{Level, write};
use crate::contract::ProviderInfo;
use crate::fee_types::{AdjustedFee, Bill, FeeRule};
use crate::fold;
use crate::http::Transport;
use crate::settings::Settings;
use crate::types::{
    Cancellation, Context, Decision, Failure, FieldProblem, Order, Registration, Setting, Shipment, Standing,
};

/// What one call is given besides its rows.
pub struct Call<'a, T> {
    /// The shop's settings, with the described defaults filled in.
    pub settings: Settings,
    /// Milliseconds since 1970-01-01T00:00:00Z. The only clock there is.
    pub now: u64,
    /// How requests are made: [`crate::wasi::WasiHttp`] in the sandbox, anything else in tests.
    pub http: &'a T,
}

impl<'a, T: Transport> Call<'a, T> {
    /// The call that `context` describes, for provider `P`.
    pub fn new<P: Provider>(context: Context, http: &'a T) -> Self {
        Call { settings: Settings::with_defaults(context.settings, || P::describe().settings), now: context.now, http }
    }
}

/// A deferred-payment provider. One row of answer for each row asked, in the same order.
///
/// Two habits keep an implementation honest: a transport error becomes a failure only through
/// [`crate::http::SendError::into_failure`], and an unknown code is passed on as `other`.
#[allow(async_fn_in_trait, reason = "guests are single-threaded: the futures need not be Send")]
pub trait Provider {
    /// What this provider is and needs.
    fn describe() -> ProviderInfo;

    /// Problems that the description of the settings cannot express. What it can (required, digits,
    /// length, choice, unknown key) is checked already.
    fn check_settings(_settings: &Settings) -> Vec<FieldProblem> {
        Vec::new()
    }

    /// Asks the provider whether these settings work, without leaving a trace there.
    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure>;

    /// 与信を実行. Orders come as gateways know them, see [`fold`].
    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>>;

    /// 与信結果確認
    async fn check_credit<T: Transport>(
        call: &Call<'_, T>,
        registrations: &[Registration],
    ) -> Vec<Result<Standing, Failure>>;

    /// 与信キャンセル
    async fn cancel<T: Transport>(call: &Call<'_, T>, cancellations: &[Cancellation]) -> Vec<Result<(), Failure>>;

    /// 伝票番号同期
    async fn sync_tracking<T: Transport>(call: &Call<'_, T>, shipments: &[Shipment]) -> Vec<Result<(), Failure>>;

    /// 手数料設定; [`crate::fees::adjust`] unless the provider has a rule of its own.
    fn fee_adjust(rule: &FeeRule, bill: &Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
        crate::fees::adjust(rule, bill)
    }
}

/// 与信を実行 of `P`: orders reach it as gateways know them, see [`fold`].
pub async fn credit<P: Provider, T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
    P::credit(call, &orders.iter().map(fold::order).collect::<Vec<_>>()).await
}

/// 与信キャンセル of `P`, with reasons as gateways know them.
pub async fn cancel<P: Provider, T: Transport>(
    call: &Call<'_, T>,
    cancellations: &[Cancellation],
) -> Vec<Result<(), Failure>> {
    P::cancel(call, &cancellations.iter().map(fold::cancellation).collect::<Vec<_>>()).await
}

/// 伝票番号同期 of `P`, with numbers as gateways know them.
pub async fn sync_tracking<P: Provider, T: Transport>(
    call: &Call<'_, T>,
    shipments: &[Shipment],
) -> Vec<Result<(), Failure>> {
    P::sync_tracking(call, &shipments.iter().map(fold::shipment).collect::<Vec<_>>()).await
}

/// Every problem with `settings`: what the description says, then the provider's own rules.
pub fn check_settings<P: Provider>(settings: Vec<Setting>) -> Result<(), Vec<FieldProblem>> {
    let mut problems = crate::settings::check(&settings, &P::describe().settings);
    problems.extend(P::check_settings(&Settings::with_defaults(settings, || P::describe().settings)));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Sends a panic's words to the platform's log. Without it a panic in wasm is a bare trap.
///
/// Only the place and static words are written: a formatted payload could carry personal data.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        let words = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("panicked");
        write(Level::Error, &format!("{words}{place}"));
    }));
}

/// Exports a [`Provider`] as this component's `payment-provider`.
///
/// ```text
/// provider_sdk::export_provider!(MyProvider);
/// ```
#[macro_export]
macro_rules! export_provider {
    ($provider:ty) => {
        // The generated exports are linker symbols that only a component has a use for.
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::contract::{Guest, ProviderInfo};
            use $crate::fee_types::{AdjustedFee, Bill, FeeRule};
            use $crate::provider::{self, Call, Provider, check_settings, install_panic_hook};
            use $crate::types::*;
            use $crate::wasi::WasiHttp;

            struct Component;

            impl Guest for Component {
                fn describe() -> ProviderInfo {
                    install_panic_hook();
                    <$provider>::describe()
                }
                fn check_settings(settings: Vec<Setting>) -> Result<(), Vec<FieldProblem>> {
                    install_panic_hook();
                    check_settings::<$provider>(settings)
                }
                async fn test_connection(context: Context) -> Result<(), Failure> {
                    install_panic_hook();
                    <$provider>::test_connection(&Call::new::<$provider>(context, &WasiHttp)).await
                }
                async fn credit(context: Context, orders: Vec<Order>) -> Vec<Result<Decision, Failure>> {
                    install_panic_hook();
                    provider::credit::<$provider, _>(&Call::new::<$provider>(context, &WasiHttp), &orders).await
                }
                async fn check_credit(
                    context: Context,
                    registrations: Vec<Registration>,
                ) -> Vec<Result<Standing, Failure>> {
                    install_panic_hook();
                    <$provider>::check_credit(&Call::new::<$provider>(context, &WasiHttp), &registrations).await
                }
                async fn cancel(context: Context, cancellations: Vec<Cancellation>) -> Vec<Result<(), Failure>> {
                    install_panic_hook();
                    provider::cancel::<$provider, _>(&Call::new::<$provider>(context, &WasiHttp), &cancellations).await
                }
                async fn sync_tracking(context: Context, shipments: Vec<Shipment>) -> Vec<Result<(), Failure>> {
                    install_panic_hook();
                    provider::sync_tracking::<$provider, _>(&Call::new::<$provider>(context, &WasiHttp), &shipments)
                        .await
                }
                fn fee_adjust(rule: FeeRule, bill: Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
                    install_panic_hook();
                    <$provider>::fee_adjust(&rule, &bill)
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
