//! An order as a row of the list, with its buttons.

use crate::web::http::notice::Tone;
use crate::web::parts::action_button::ActionButton;
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::outcome::state_tone;
use crate::web::parts::seen::seen_field;
use crate::web::texts::{Texts, fill};
use domain::clock;
use domain::order::Order;
use service::messages::format::yen;
use service::messages::issue::summary;
use service::messages::localize::Localize;
use store::ListOrder;

/// A row of the order list.
pub(crate) struct OrderRow {
    /// The store's number of the order.
    pub id: i64,
    /// The version of the order that the page shows.
    pub version: i64,
    /// Whether it is ticked.
    pub ticked: bool,
    /// Where it stands, for the panel.
    pub seen: String,
    /// The label of its tick box.
    pub tick_label: String,
    /// 注文番号
    pub number: String,
    /// 注文日時
    pub ordered_at: String,
    /// 受注ステータス
    pub status: String,
    /// The name of the buyer.
    pub buyer: String,
    /// The name of the mall.
    pub mall: String,
    /// The name of the provider.
    pub provider: String,
    /// The credit state.
    pub state: &'static str,
    /// The tone of the state.
    pub tone: Tone,
    /// What an operator has to know of the last action.
    pub problem: Option<String>,
    /// The actions that the state offers.
    pub buttons: Vec<ActionButton>,
    /// 合計金額
    pub total: String,
    /// 請求額
    pub billed: String,
    /// The first of the goods, and how many more there are.
    pub goods: String,
    /// The name of the recipient.
    pub ship_to: String,
    /// The name of the carrier.
    pub carrier: String,
    /// Whether the day of shipping has come.
    pub shipped: bool,
    /// Whether a tracking number is entered.
    pub entered: bool,
    /// 伝票番号
    pub tracking_number: String,
}

impl OrderRow {
    /// The row of `order`.
    pub(crate) fn new(order: &ListOrder, names: &DisplayNames, t: &Texts, ticked: bool) -> Self {
        let lang = names.lang;
        let today = clock::today().to_string();
        Self {
            id: order.id,
            version: order.version,
            ticked,
            seen: seen_field(order.id, &order.standing()),
            tick_label: fill(t.tick_order, &[&order.number]),
            number: order.number.clone(),
            ordered_at: clock::timestamp(order.ordered_at),
            status: order.order_status.clone().unwrap_or_default(),
            buyer: order.buyer.clone(),
            mall: names.mall(&order.mall),
            provider: names.provider(&order.provider),
            state: order.state.localized(lang),
            tone: state_tone(order.state),
            problem: order.problem.as_ref().map(|problem| summary(problem, lang)),
            buttons: order.actions().map(|action| ActionButton::of_order(action, order, lang, t)).collect(),
            total: yen(order.total()),
            billed: yen(order.amounts.billed),
            goods: if order.items > 1 {
                fill(t.more_goods, &[&order.item, &(order.items - 1)])
            } else {
                order.item.clone()
            },
            ship_to: order.recipient.as_ref().unwrap_or(&order.buyer).clone(),
            carrier: order.carrier.as_ref().map(|id| names.carrier(&order.provider, id)).unwrap_or_default(),
            // Dates as YYYY-MM-DD are ordered like text.
            shipped: order.shipped_on.as_ref().is_some_and(|day| *day <= today),
            entered: order.tracking_number.is_some(),
            tracking_number: order.tracking_number.clone().unwrap_or_default(),
        }
    }
}

/// `order` with the columns of the list only.
pub(crate) fn list_order(order: &Order) -> ListOrder {
    let tracking = order.tracking.as_ref();
    ListOrder {
        id: order.id,
        mall: order.mall.clone(),
        number: order.number.clone(),
        ordered_at: clock::in_milliseconds(order.data.ordered_at),
        order_status: order.order_status.clone(),
        buyer: order.data.buyer.name.clone(),
        recipient: order.data.recipient.as_ref().map(|recipient| recipient.name.clone()),
        item: order.data.items.first().map(|item| item.name.clone()).unwrap_or_default(),
        items: order.data.items.len() as i64,
        amounts: order.amounts,
        provider: order.provider.clone(),
        state: order.state,
        problem: order.problem.clone(),
        tried: order.tried,
        transaction_id: order.transaction_id().map(str::to_owned),
        carrier: tracking.map(|tracking| tracking.carrier.clone()),
        tracking_number: tracking.map(|tracking| tracking.number.clone()),
        shipped_on: tracking.map(|tracking| tracking.shipped_on.to_string()),
        results_by_csv: order.results_by_csv,
        reference: order.reference().to_owned(),
        version: order.version,
    }
}
