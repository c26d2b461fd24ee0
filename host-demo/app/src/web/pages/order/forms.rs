//! The forms on the page of an order.

use domain::clock;
use domain::order::Order;
use serde::Deserialize;

/// The form of an action. Every form of an order sends the version of the order that the operator saw: if it has changed
/// since, nothing is done.
#[derive(Deserialize)]
pub(crate) struct ActionForm {
    /// The version of the order on the page.
    pub version: i64,
    /// The list that the action was begun from.
    pub back: Option<String>,
    /// Not empty once the confirmation page was answered.
    #[serde(default)]
    pub confirmed: String,
}

/// Carrier, tracking number and day of shipping, as they were typed.
#[derive(Default, Deserialize)]
pub(crate) struct TrackingForm {
    /// The version of the order on the page.
    #[serde(default)]
    pub version: i64,
    /// The id of the carrier.
    pub carrier: String,
    /// 伝票番号
    pub number: String,
    /// YYYY-MM-DD
    pub shipped_on: String,
}

impl TrackingForm {
    /// What is entered for `order`.
    pub(crate) fn of(order: &Order) -> Self {
        let entered = order.tracking.as_ref();
        Self {
            version: order.version,
            carrier: entered.map(|tracking| tracking.carrier.clone()).unwrap_or_default(),
            number: entered.map(|tracking| tracking.number.clone()).unwrap_or_default(),
            shipped_on: entered.map_or_else(clock::today, |tracking| tracking.shipped_on).to_string(),
        }
    }
}

/// 受注ステータス, as it was typed.
#[derive(Deserialize)]
pub(crate) struct StatusForm {
    /// The version of the order on the page.
    pub version: i64,
    /// Empty: none.
    #[serde(default)]
    pub status: String,
}

/// How the invoice reaches the buyer.
#[derive(Deserialize)]
pub(crate) struct InvoiceForm {
    /// The version of the order on the page.
    pub version: i64,
    /// The name of a choice; any other value stands for the default of the mall.
    #[serde(default)]
    pub invoice: String,
}

/// What an operator found out at the provider, as it was typed.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct DecisionForm {
    /// The version of the order on the page.
    pub version: i64,
    /// The name of the finding.
    #[serde(default)]
    pub found: String,
    /// 取引ID
    #[serde(default)]
    pub transaction_id: String,
    /// The note for the history.
    #[serde(default)]
    pub note: String,
}

/// The input of a form that was rejected: the page shows it again.
#[derive(Default)]
pub(crate) struct RejectedInput {
    /// Of the form of a decision.
    pub decision: Option<DecisionForm>,
    /// Of the form of tracking.
    pub tracking: Option<TrackingForm>,
    /// Of the form of 受注ステータス.
    pub status: Option<String>,
    /// Of the form of the invoice.
    pub invoice: Option<String>,
}
