//! Metrics of the calls to plugins since this process began: counts and times, by provider and operation.

use crate::providers::provider::{Provider, Providers};
use provider_host::contract::{
    AdjustedFee, Bill, Cancellation, Decision, FeeRule, FieldProblem, Order, ProviderInfo, Registration, Setting,
    Shipment, Standing,
};
use provider_host::{Account, Answer, CallError, CallReport, Plugin, Registry};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The calls of one operation.
#[derive(Debug, Clone, Default)]
pub struct OperationCalls {
    /// How many.
    pub calls: u64,
    /// Rows in all of them.
    pub rows: u64,
    /// Calls that ended without the plugin's response, or in which the plugin was overruled.
    pub errors: u64,
    /// All of them together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// The calls of one provider.
#[derive(Debug, Clone, Default)]
pub struct ProviderCalls {
    /// By operation.
    pub operations: BTreeMap<&'static str, OperationCalls>,
    /// Why the last call that ended early did.
    pub last_error: Option<String>,
}

/// All calls, by provider.
#[derive(Debug, Default)]
pub struct CallMetrics(Mutex<BTreeMap<String, ProviderCalls>>);

impl CallMetrics {
    /// Those of `provider`.
    pub fn of(&self, provider: &str) -> ProviderCalls {
        self.lock().get(provider).cloned().unwrap_or_default()
    }

    fn add(&self, provider: &str, reports: &[CallReport]) {
        let mut all = self.lock();
        let of_provider = all.entry(provider.to_owned()).or_default();
        for report in reports {
            let tally = of_provider.operations.entry(report.operation).or_default();
            tally.calls += 1;
            tally.rows += report.rows as u64;
            tally.errors += u64::from(report.error.is_some() || !report.overruled.is_empty());
            tally.total += report.elapsed;
            tally.longest = tally.longest.max(report.elapsed);
            if report.error.is_some() {
                of_provider.last_error = report.error.as_ref().map(ToString::to_string);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ProviderCalls>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The plugins of a registry; their calls are counted.
pub struct MeteredRegistry {
    /// The registry.
    pub registry: Arc<Registry>,
    /// Where the calls are counted.
    pub calls: Arc<CallMetrics>,
}

impl Providers<MeteredPlugin> for MeteredRegistry {
    fn get(&self, id: &str) -> Option<MeteredPlugin> {
        let plugin = self.registry.get(id)?;
        Some(MeteredPlugin { plugin, calls: Arc::clone(&self.calls) })
    }

    fn ids(&self) -> Vec<String> {
        self.registry.ids()
    }
}

/// A plugin whose calls are counted.
#[derive(Clone)]
pub struct MeteredPlugin {
    plugin: Plugin,
    calls: Arc<CallMetrics>,
}

impl MeteredPlugin {
    fn count<T>(&self, answer: Answer<T>) -> Answer<T> {
        self.calls.add(&self.plugin.info().id, &answer.calls);
        answer
    }
}

impl Provider for MeteredPlugin {
    fn info(&self) -> &ProviderInfo {
        self.plugin.info()
    }
    async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        self.plugin.check_settings(settings).await
    }
    async fn fees_adjust(
        &self,
        rule: &FeeRule,
        bills: &[Bill],
    ) -> Result<Vec<Result<AdjustedFee, Vec<FieldProblem>>>, CallError> {
        self.plugin.fees_adjust(rule, bills).await
    }
    async fn test_connection(&self, shop: &Account) -> Answer<()> {
        self.count(self.plugin.test_connection(shop).await)
    }
    async fn credit(&self, shop: &Account, orders: Vec<Order>) -> Answer<Decision> {
        self.count(self.plugin.credit(shop, orders).await)
    }
    async fn check_credit(&self, shop: &Account, asked: Vec<Registration>) -> Answer<Standing> {
        self.count(self.plugin.check_credit(shop, asked).await)
    }
    async fn cancel(&self, shop: &Account, cancelled: Vec<Cancellation>) -> Answer<()> {
        self.count(self.plugin.cancel(shop, cancelled).await)
    }
    async fn sync_tracking(&self, shop: &Account, shipped: Vec<Shipment>) -> Answer<()> {
        self.count(self.plugin.sync_tracking(shop, shipped).await)
    }
}
