//! A mall: one of a shop's storefronts, with the provider that judges its orders, its ids there, its
//! fee rule (手数料設定) and its choice of invoice.

use crate::columns::Takes;
use crate::invoice::Invoice;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// Orders in one request unless the mall says otherwise: as many as a person can look up at the provider in an hour
/// if the answer is lost.
pub const ROWS_PER_REQUEST: u32 = 50;
/// Most orders in one request, even if the provider takes more: one lost response must not leave a whole day's orders with
/// an unknown outcome, and the largest batch of any provider is NP's thousand.
pub const MAX_ROWS_PER_REQUEST: usize = 1000;

/// A mall without its provider's settings, which are not decrypted for it: what lists, pages and the steps of a batch
/// need.
pub type MallSummary = Mall<()>;

/// A mall. `S` is what was read of its provider's settings: all of them, or nothing in a [`MallSummary`].
#[derive(Debug, Clone, PartialEq)]
pub struct Mall<S = Settings> {
    /// Chosen by the operator; names the mall in every command.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's settings.
    pub settings: S,
    /// 手数料設定
    pub fees: Fees,
    /// Where the order says nothing.
    pub invoice: Invoice,
    /// What happens by itself.
    pub automation: Automation,
    /// How the mall's export is read: a mapping in TOML, as the operator wrote it. Empty: it has our own headings.
    pub mapping: String,
    /// How files of tracking numbers of the mall's orders are read: a mapping in TOML, as the operator wrote it. Empty: by
    /// their headings.
    pub tracking_mapping: String,
    /// Which orders of the mall's export are taken.
    pub take: Takes,
    /// Credit results come by CSV, not from the provider's API.
    pub by_csv: bool,
    /// Most orders in one request to the provider, from 1 to [`MAX_ROWS_PER_REQUEST`]; its own limit may be lower.
    pub rows_per_request: u32,
    /// The shop's account at the provider, by the store's number; 0 before the mall is stored.
    pub account: i64,
    /// Counts every change; 0 before the mall is stored.
    pub version: i64,
}

impl Default for Mall {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            provider: String::new(),
            settings: Settings::new(),
            fees: Fees::default(),
            invoice: Invoice::default(),
            automation: Automation::default(),
            mapping: String::new(),
            tracking_mapping: String::new(),
            take: Takes::new(),
            by_csv: false,
            rows_per_request: ROWS_PER_REQUEST,
            account: 0,
            version: 0,
        }
    }
}

impl Mall {
    /// The mall and its settings apart.
    pub fn into_summary(self) -> (MallSummary, Settings) {
        let Self { id, name, provider, settings, fees, invoice, automation, mapping, tracking_mapping, .. } = self;
        let Self { take, by_csv, rows_per_request, account, version, .. } = self;
        let summary = Mall {
            id,
            name,
            provider,
            settings: (),
            fees,
            invoice,
            automation,
            mapping,
            tracking_mapping,
            take,
            by_csv,
            rows_per_request,
            account,
            version,
        };
        (summary, settings)
    }
}

/// What happens to a mall's orders without an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Automation {
    /// When credit is run.
    pub credit: Start,
    /// 審査中 and unknown outcomes are asked about.
    pub poll: bool,
    /// When an entered tracking number is reported.
    pub sync: Start,
    /// The order status of an order that was approved.
    pub approved: Option<String>,
    /// The order status of an order that was rejected.
    pub rejected: Option<String>,
    /// The order status of an order that is on hold.
    pub on_hold: Option<String>,
}

/// Money moves only where the shop switched it on; inquiries move none, so they are made unless the shop switches them off.
impl Default for Automation {
    fn default() -> Self {
        Self { credit: Start::Never, poll: true, sync: Start::Never, approved: None, rejected: None, on_hold: None }
    }
}

/// When the automation begins an action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// An operator does it.
    #[default]
    Never,
    /// As soon as it can be done: when the order comes in, when the tracking number is entered.
    AtOnce,
    /// When the order has this order status.
    Status(String),
}

impl Start {
    /// Whether it begins for an order of this order status.
    pub fn holds(&self, order_status: Option<&str>) -> bool {
        match self {
            Self::Never => false,
            Self::AtOnce => true,
            Self::Status(status) => order_status == Some(status),
        }
    }
}

/// A shop as a provider's customer. An order is asked about, cancelled and reported under the account
/// under which it was registered, even if its mall has another one by then.
#[derive(Debug, Clone, PartialEq)]
pub struct ShopAccount {
    /// The store's number.
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's settings, by key.
    pub settings: Settings,
    /// Counts every change.
    pub version: i64,
}

/// 手数料設定
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// What a band does to the fee.
    pub mode: Mode,
    /// In ascending order.
    pub bands: Vec<Band>,
}

/// What a band does to the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, VariantArray, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 変更しない
    #[default]
    Keep,
    /// 上書きする
    Replace,
    /// 加算する
    Add,
}

/// Bills from `lower` up to and including `upper` get `fee`; all in yen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Included.
    pub lower: i64,
    /// Included; absent: without end.
    pub upper: Option<i64>,
    /// Tax included.
    pub fee: i64,
}
