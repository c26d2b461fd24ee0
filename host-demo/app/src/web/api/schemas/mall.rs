//! What a mall's settings consist of.

use super::enums::enum_of;
use domain::columns::Takes;
use domain::mall::{self, Fees, Mode, Start};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{Backlog, OrderTotal};
use utoipa::ToSchema;

/// What happens to a mall's orders without an operator.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MallAutomation {
    /// When credit is run.
    credit: AutomationStart,
    /// 審査中 and unknown outcomes are asked about.
    poll: bool,
    /// When an entered tracking number is reported.
    sync: AutomationStart,
    /// The order status of an order that was approved.
    approved: Option<String>,
    /// The order status of an order that was rejected.
    rejected: Option<String>,
    /// The order status of an order that is on hold.
    on_hold: Option<String>,
}

impl Default for MallAutomation {
    fn default() -> Self {
        mall::Automation::default().into()
    }
}

impl From<mall::Automation> for MallAutomation {
    fn from(automation: mall::Automation) -> Self {
        let mall::Automation { credit, poll, sync, approved, rejected, on_hold } = automation;
        Self { credit: credit.into(), poll, sync: sync.into(), approved, rejected, on_hold }
    }
}

impl From<MallAutomation> for mall::Automation {
    fn from(automation: MallAutomation) -> Self {
        let MallAutomation { credit, poll, sync, approved, rejected, on_hold } = automation;
        Self { credit: credit.into(), poll, sync: sync.into(), approved, rejected, on_hold }
    }
}

/// When the automation begins an action.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AutomationStart {
    /// An operator does it.
    Never,
    /// As soon as it can be done: when the order comes in, when the tracking number is entered.
    AtOnce,
    /// When the order has this order status.
    Status(String),
}

impl From<Start> for AutomationStart {
    fn from(start: Start) -> Self {
        match start {
            Start::Never => Self::Never,
            Start::AtOnce => Self::AtOnce,
            Start::Status(status) => Self::Status(status),
        }
    }
}

impl From<AutomationStart> for Start {
    fn from(start: AutomationStart) -> Self {
        match start {
            AutomationStart::Never => Self::Never,
            AutomationStart::AtOnce => Self::AtOnce,
            AutomationStart::Status(status) => Self::Status(status),
        }
    }
}

/// 手数料設定
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeeRules {
    /// What a band does to the fee.
    mode: FeeMode,
    /// In ascending order.
    bands: Vec<FeeBand>,
}

impl Default for FeeRules {
    fn default() -> Self {
        Fees::default().into()
    }
}

impl From<Fees> for FeeRules {
    fn from(fees: Fees) -> Self {
        Self { mode: fees.mode.into(), bands: fees.bands.into_iter().map(FeeBand::from).collect() }
    }
}

impl From<FeeRules> for Fees {
    fn from(rules: FeeRules) -> Self {
        Self { mode: rules.mode.into(), bands: rules.bands.into_iter().map(mall::Band::from).collect() }
    }
}

enum_of! {
    /// What a band does to the fee.
    FeeMode of Mode {
        /// 変更しない
        Keep,
        /// 上書きする
        Replace,
        /// 加算する
        Add,
    }
}

/// Bills from `lower` up to and including `upper` get `fee`; all in yen.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeeBand {
    /// Included.
    lower: i64,
    /// Included; absent: without end.
    upper: Option<i64>,
    /// Tax included.
    fee: i64,
}

impl From<mall::Band> for FeeBand {
    fn from(mall::Band { lower, upper, fee }: mall::Band) -> Self {
        Self { lower, upper, fee }
    }
}

impl From<FeeBand> for mall::Band {
    fn from(FeeBand { lower, upper, fee }: FeeBand) -> Self {
        Self { lower, upper, fee }
    }
}

/// Columns of an order file, and the values there that are taken.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct OrderSelection(BTreeMap<String, Vec<String>>);

impl From<Takes> for OrderSelection {
    fn from(takes: Takes) -> Self {
        Self(takes)
    }
}

impl From<OrderSelection> for Takes {
    fn from(selection: OrderSelection) -> Self {
        selection.0
    }
}

/// Orders that wait for what the automation would begin with them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldOrders {
    /// 与信を実行
    credit: OrderTotals,
    /// 伝票番号同期
    sync: OrderTotals,
}

impl From<Backlog> for HeldOrders {
    fn from(Backlog { credit, sync }: Backlog) -> Self {
        Self { credit: credit.into(), sync: sync.into() }
    }
}

/// How many orders, and what they are billed together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderTotals {
    /// Orders.
    orders: i64,
    /// Yen.
    billed: i64,
}

impl From<OrderTotal> for OrderTotals {
    fn from(OrderTotal { orders, billed }: OrderTotal) -> Self {
        Self { orders, billed }
    }
}
