//! Why a tracking number (伝票番号) is not entered for an order.

use crate::credit_state::State;
use crate::issue::Issue;
use crate::normalize::tracking_number::NumberDoubt;
use serde::{Deserialize, Serialize};
use time::Date;

/// What an order loses where it is registered anew after a rejection or a cancel: the parcel was that of the registration
/// before, and nobody asked to have it reported for this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DroppedTracking {
    /// The number.
    pub dropped_tracking_number: String,
}

/// Why a tracking number is not entered. Nothing about the order was changed.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackingProblem {
    /// The plugin of the order's provider is not loaded, so that its carriers are not known.
    ProviderMissing(String),
    /// The provider does not report this carrier.
    Carrier(Issue),
    /// It is not said which carrier has the parcel.
    NoCarrier,
    /// Not a tracking number.
    Number,
    /// A spreadsheet made a number of it.
    Mangled(String),
    /// It cannot be one of this carrier's, and the order's provider would refuse it.
    Doubtful(NumberDoubt),
    /// Not a date: what stands there.
    NotADate(String),
    /// Before the order, or too far ahead: the first and the last day that can be.
    ShippedOn(Date, Date),
    /// The order's state takes no tracking number.
    Closed(State),
    /// Another order, which goes to another destination, has the number: its mall and number.
    OfAnotherOrder {
        /// The mall's id.
        mall: String,
        /// 注文番号
        number: String,
    },
    /// The provider takes one number for this many orders, and as many have it.
    TooManyOrders(usize),
    /// Another operator or process changed the order meanwhile.
    Changed,
    /// There is no order under this number.
    NoOrder,
    /// Several malls have an order under this number: their ids.
    InSeveralMalls(Vec<String>),
    /// There is no mall of this id or name.
    NoMall(String),
    /// Not a number of the store's own (注文ID).
    NotAnId(String),
    /// 注文番号 and 注文ID name different orders: the number of the order with this id.
    OtherOrder(String),
}
