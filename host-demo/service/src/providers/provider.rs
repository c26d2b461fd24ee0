//! The trait through which the platform calls a provider. [`Plugin`] implements it; tests put a scripted provider
//! behind it.

use provider_host::contract::{
    AdjustedFee, Bill, Cancellation, Decision, FeeRule, FieldProblem, Order, ProviderInfo, Registration, Setting,
    Shipment, Standing,
};
use provider_host::{Account, Answer, CallError, Plugin, Registry};
use std::collections::HashMap;
use std::future::Future;

/// A fee could not be calculated.
#[derive(Debug, thiserror::Error)]
pub enum FeeError {
    /// The plugin refuses the fee rule, or the rule refuses the bill.
    #[error("the fee rule is refused")]
    Refused(Vec<FieldProblem>),
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What a loaded provider can be asked. Every response has as many rows as the request.
pub trait Provider: Send + Sync {
    /// Its name, abilities, limits and settings.
    fn info(&self) -> &ProviderInfo;
    /// Every problem with a shop's settings.
    fn check_settings(
        &self,
        settings: Vec<Setting>,
    ) -> impl Future<Output = Result<Vec<FieldProblem>, CallError>> + Send;
    /// 手数料設定 for many bills; for each what it comes to, or every problem.
    fn fees_adjust(
        &self,
        rule: &FeeRule,
        bills: &[Bill],
    ) -> impl Future<Output = Result<Vec<Result<AdjustedFee, Vec<FieldProblem>>>, CallError>> + Send;
    /// The same for one bill.
    fn fee_adjust(&self, rule: &FeeRule, bill: &Bill) -> impl Future<Output = Result<AdjustedFee, FeeError>> + Send {
        async move {
            let adjusted = self.fees_adjust(rule, std::slice::from_ref(bill)).await?.pop();
            adjusted.unwrap_or_else(|| Err(Vec::new())).map_err(FeeError::Refused)
        }
    }
    /// Whether the settings work; one row.
    fn test_connection(&self, shop: &Account) -> impl Future<Output = Answer<()>> + Send;
    /// 与信を実行
    fn credit(&self, shop: &Account, orders: Vec<Order>) -> impl Future<Output = Answer<Decision>> + Send;
    /// 与信結果確認
    fn check_credit(&self, shop: &Account, asked: Vec<Registration>) -> impl Future<Output = Answer<Standing>> + Send;
    /// 与信キャンセル
    fn cancel(&self, shop: &Account, cancelled: Vec<Cancellation>) -> impl Future<Output = Answer<()>> + Send;
    /// 伝票番号同期
    fn sync_tracking(&self, shop: &Account, shipped: Vec<Shipment>) -> impl Future<Output = Answer<()>> + Send;
}

impl Provider for Plugin {
    fn info(&self) -> &ProviderInfo {
        self.info()
    }
    async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        self.check_settings(settings).await
    }
    async fn fees_adjust(
        &self,
        rule: &FeeRule,
        bills: &[Bill],
    ) -> Result<Vec<Result<AdjustedFee, Vec<FieldProblem>>>, CallError> {
        self.fees_adjust(rule, bills).await
    }
    async fn test_connection(&self, shop: &Account) -> Answer<()> {
        self.test_connection(shop).await
    }
    async fn credit(&self, shop: &Account, orders: Vec<Order>) -> Answer<Decision> {
        self.credit(shop, orders).await
    }
    async fn check_credit(&self, shop: &Account, asked: Vec<Registration>) -> Answer<Standing> {
        self.check_credit(shop, asked).await
    }
    async fn cancel(&self, shop: &Account, cancelled: Vec<Cancellation>) -> Answer<()> {
        self.cancel(shop, cancelled).await
    }
    async fn sync_tracking(&self, shop: &Account, shipped: Vec<Shipment>) -> Answer<()> {
        self.sync_tracking(shop, shipped).await
    }
}

/// Where loaded providers are looked up. A provider that was found stays usable until its call ends, even if another
/// version is loaded meanwhile.
pub trait Providers<P>: Send + Sync {
    /// The provider `id`, if it is loaded.
    fn get(&self, id: &str) -> Option<P>;

    /// The ids of all that are loaded.
    fn ids(&self) -> Vec<String>;
}

impl<P: Clone + Send + Sync> Providers<P> for HashMap<String, P> {
    fn get(&self, id: &str) -> Option<P> {
        self.get(id).cloned()
    }

    fn ids(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

impl Providers<Plugin> for Registry {
    fn get(&self, id: &str) -> Option<Plugin> {
        self.get(id)
    }

    fn ids(&self) -> Vec<String> {
        self.all().iter().map(|plugin| plugin.info().id.clone()).collect()
    }
}
