//! The functions that a plugin exports, by whichever of the contract's two provider interfaces.

use crate::bindings::exports::deferred_payment::provider::{fee_adjustment, payment_provider, payment_provider_sync};
use crate::call_state::CallState;
use crate::contract::{
    AdjustedFee, Bill, Cancellation, Context, Decision, Failure, FeeRule, FieldProblem, Order, ProviderInfo,
    Registration, Setting, Shipment, Standing,
};
use crate::error::InterfaceError;
use crate::imports::ImportGroup;
use crate::permissions::Permissions;
use crate::structure::Structure;
use futures::future::BoxFuture;
use wasmtime::component::InstancePre;
use wasmtime::{Engine, Store};

/// The provider interface with async functions, without the last part of its version.
const ASYNC: &str = "deferred-payment:provider/payment-provider@0.1.";
/// Its twin, whose functions block.
const SYNC: &str = "deferred-payment:provider/payment-provider-sync@0.1.";
/// Optional beside [`SYNC`].
const FEES: &str = "deferred-payment:provider/fee-adjustment@0.1.";

/// Refuses a component that imports what it may not with `permissions`, or is not a provider.
pub(crate) fn check(structure: &Structure, permissions: &Permissions) -> Result<(), InterfaceError> {
    let of_group = |allowed: fn(Option<ImportGroup>, &Permissions) -> bool| {
        let refused = structure.imports.iter().filter(|import| !allowed(ImportGroup::of(import), permissions));
        refused.cloned().collect::<Vec<_>>()
    };
    let unknown = of_group(|group, _| group.is_some());
    if !unknown.is_empty() {
        return Err(InterfaceError::Forbidden(unknown));
    }
    let refused = of_group(|group, permissions| group.is_some_and(|group| group.is_permitted(permissions)));
    if !refused.is_empty() {
        return Err(InterfaceError::EmptyWasiRefused(refused));
    }
    if !structure.exports.iter().any(|export| export.starts_with(ASYNC) || export.starts_with(SYNC)) {
        return Err(InterfaceError::NotAProvider);
    }
    Ok(())
}

/// A component that is linked with its imports.
#[derive(Clone)]
pub(crate) struct LinkedPlugin {
    component: InstancePre<CallState>,
    provider: Indices,
}

#[derive(Clone)]
enum Indices {
    Async(payment_provider::GuestIndices),
    Sync { provider: payment_provider_sync::GuestIndices, fees: Option<fee_adjustment::GuestIndices> },
}

impl LinkedPlugin {
    /// Finds the exported functions. The async interface is used where there are both.
    pub(crate) fn new(component: InstancePre<CallState>) -> wasmtime::Result<Self> {
        let exported = |interface: &str| {
            let component_type = component.component().component_type();
            component_type.exports(component.engine()).any(|(name, _)| name.starts_with(interface))
        };
        let provider = if exported(ASYNC) {
            Indices::Async(payment_provider::GuestIndices::new(&component)?)
        } else {
            let provider = payment_provider_sync::GuestIndices::new(&component)?;
            let fees = exported(FEES).then(|| fee_adjustment::GuestIndices::new(&component)).transpose()?;
            Indices::Sync { provider, fees }
        };
        Ok(Self { component, provider })
    }

    /// Whether it has a rule for fees of its own.
    pub(crate) fn has_fee_rule(&self) -> bool {
        !matches!(self.provider, Indices::Sync { fees: None, .. })
    }

    /// The engine in which it runs.
    pub(crate) fn engine(&self) -> &Engine {
        self.component.engine()
    }

    /// A fresh instance in `store`.
    pub(crate) async fn instantiate(&self, store: &mut Store<CallState>) -> wasmtime::Result<Exports> {
        let instance = self.component.instantiate_async(&mut *store).await?;
        Ok(match &self.provider {
            Indices::Async(provider) => Exports::Async(provider.load(store, &instance)?),
            Indices::Sync { provider, fees } => Exports::Sync {
                provider: provider.load(&mut *store, &instance)?,
                fees: fees.as_ref().map(|fees| fees.load(store, &instance)).transpose()?,
            },
        })
    }
}

/// The exported functions of an instance.
pub(crate) enum Exports {
    Async(payment_provider::Guest),
    Sync { provider: payment_provider_sync::Guest, fees: Option<fee_adjustment::Guest> },
}

/// A call of an exported function of an instance.
pub(crate) type GuestCall<R> =
    Box<dyn for<'a> FnOnce(&'a mut Store<CallState>, &'a Exports) -> BoxFuture<'a, wasmtime::Result<R>> + Send>;

type Rows<T> = wasmtime::Result<Vec<Result<T, Failure>>>;

impl Exports {
    pub(crate) async fn describe(&self, store: &mut Store<CallState>) -> wasmtime::Result<ProviderInfo> {
        match self {
            Self::Async(provider) => provider.call_describe(store).await,
            Self::Sync { provider, .. } => provider.call_describe(store).await,
        }
    }

    pub(crate) async fn check_settings(
        &self,
        store: &mut Store<CallState>,
        settings: &[Setting],
    ) -> wasmtime::Result<Result<(), Vec<FieldProblem>>> {
        match self {
            Self::Async(provider) => provider.call_check_settings(store, settings).await,
            Self::Sync { provider, .. } => provider.call_check_settings(store, settings).await,
        }
    }

    /// Fails where the plugin has [no rule](LinkedPlugin::has_fee_rule) of its own.
    pub(crate) async fn fee_adjust(
        &self,
        store: &mut Store<CallState>,
        rule: &FeeRule,
        bill: Bill,
    ) -> wasmtime::Result<Result<AdjustedFee, Vec<FieldProblem>>> {
        match self {
            Self::Async(provider) => provider.call_fee_adjust(store, rule, bill).await,
            Self::Sync { fees: Some(fees), .. } => fees.call_fee_adjust(store, rule, bill).await,
            Self::Sync { fees: None, .. } => Err(wasmtime::Error::msg("it does not export fee-adjust")),
        }
    }

    pub(crate) async fn test_connection(&self, store: &mut Store<CallState>, context: Context) -> Rows<()> {
        let result = match self {
            Self::Async(provider) => {
                let call = async |accessor: &_| provider.call_test_connection(accessor, context).await;
                store.run_concurrent(call).await??
            }
            Self::Sync { provider, .. } => provider.call_test_connection(store, &context).await?,
        };
        Ok(vec![result])
    }

    pub(crate) async fn credit(
        &self,
        store: &mut Store<CallState>,
        context: Context,
        orders: Vec<Order>,
    ) -> Rows<Decision> {
        match self {
            Self::Async(provider) => {
                store.run_concurrent(async |accessor| provider.call_credit(accessor, context, orders).await).await?
            }
            Self::Sync { provider, .. } => provider.call_credit(store, &context, &orders).await,
        }
    }

    pub(crate) async fn check_credit(
        &self,
        store: &mut Store<CallState>,
        context: Context,
        registrations: Vec<Registration>,
    ) -> Rows<Standing> {
        match self {
            Self::Async(provider) => {
                let call = async |accessor: &_| provider.call_check_credit(accessor, context, registrations).await;
                store.run_concurrent(call).await?
            }
            Self::Sync { provider, .. } => provider.call_check_credit(store, &context, &registrations).await,
        }
    }

    pub(crate) async fn cancel(
        &self,
        store: &mut Store<CallState>,
        context: Context,
        cancellations: Vec<Cancellation>,
    ) -> Rows<()> {
        match self {
            Self::Async(provider) => {
                let call = async |accessor: &_| provider.call_cancel(accessor, context, cancellations).await;
                store.run_concurrent(call).await?
            }
            Self::Sync { provider, .. } => provider.call_cancel(store, &context, &cancellations).await,
        }
    }

    pub(crate) async fn sync_tracking(
        &self,
        store: &mut Store<CallState>,
        context: Context,
        shipments: Vec<Shipment>,
    ) -> Rows<()> {
        match self {
            Self::Async(provider) => {
                let call = async |accessor: &_| provider.call_sync_tracking(accessor, context, shipments).await;
                store.run_concurrent(call).await?
            }
            Self::Sync { provider, .. } => provider.call_sync_tracking(store, &context, &shipments).await,
        }
    }
}
