//! Orders as other programs and the terminal read them.

use domain::clock;
use domain::credit_state::{Action, State};
use domain::issue::Issue;
use domain::lang::Lang;
use domain::order::{Amounts, Order};
use serde::Serialize;
use service::messages::format::yen;
use service::messages::issue::summary;
use service::messages::localize::Localize;
use store::UsedReference;

/// An order as JSON: what lists and exports carry.
#[derive(Debug, Serialize)]
pub struct OrderView<'a> {
    /// The mall's id.
    pub mall: &'a str,
    /// The id of the provider that is asked about it.
    pub provider: &'a str,
    /// The mall's number.
    pub number: &'a str,
    /// When it was ordered, in Japan.
    pub ordered_at: String,
    /// Who ordered.
    pub buyer: &'a str,
    /// The state's stable name.
    pub state: State,
    /// What it offers now.
    pub actions: Vec<Action>,
    /// Yen: what it costs.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// The reference in use.
    pub reference: Option<&'a str>,
    /// Every reference that was ever used, oldest first.
    pub references: Vec<&'a str>,
    /// The provider's id.
    pub transaction_id: Option<&'a str>,
    /// A carrier id.
    pub carrier: Option<&'a str>,
    /// 伝票番号
    pub tracking_number: Option<&'a str>,
    /// 出荷日
    pub shipped_on: Option<String>,
    /// Why it is not where its operator wants it.
    pub problem: Option<&'a Issue>,
}

impl<'a> OrderView<'a> {
    /// `order` of a mall with this `provider`, with the references of `used` that are its own.
    pub fn new(order: &'a Order, provider: &'a str, used: &'a [UsedReference]) -> Self {
        // `used` is sorted by order, so an export of many orders stays fast.
        let from = used.partition_point(|used| used.order_id < order.id);
        let own = used.iter().skip(from).take_while(|used| used.order_id == order.id);
        let tracking = order.tracking.as_ref();
        OrderView {
            mall: &order.mall,
            provider,
            number: &order.number,
            ordered_at: clock::show(order.data.ordered_at),
            buyer: &order.data.buyer.name,
            state: order.state,
            actions: order.actions().collect(),
            amounts: order.amounts,
            reference: order.registration.as_ref().map(|registration| registration.reference.as_str()),
            references: own.map(|used| used.reference.as_str()).collect(),
            transaction_id: order.transaction_id(),
            carrier: tracking.map(|tracking| tracking.carrier.as_str()),
            tracking_number: tracking.map(|tracking| tracking.number.as_str()),
            shipped_on: tracking.map(|tracking| tracking.shipped_on.to_string()),
            problem: order.problem.as_ref(),
        }
    }
}

/// The state's label, and under it the problem in brief.
pub fn state_cell(order: &Order, lang: Lang) -> String {
    let label = order.state.localized(lang).to_owned();
    match &order.problem {
        Some(problem) => format!("{label}\n{}", summary(problem, lang)),
        None => label,
    }
}

/// The buttons.
pub fn actions_cell(order: &Order, lang: Lang) -> String {
    order.actions().map(|action| format!("[{}]", action.localized(lang))).collect::<Vec<_>>().join(" ")
}

/// The headings of [`list_row`].
pub fn list_headings(lang: Lang) -> [&'static str; 6] {
    lang.pick(
        ["注文番号", "注文者", "請求額", "状態", "操作", "取引ID"],
        ["order", "buyer", "billed", "state", "actions", "transaction"],
    )
}

/// An order's line in the list.
pub fn list_row(order: &Order, lang: Lang) -> [String; 6] {
    [
        order.number.clone(),
        order.data.buyer.name.clone(),
        yen(order.amounts.billed),
        state_cell(order, lang),
        actions_cell(order, lang),
        order.transaction_id().unwrap_or("–").to_owned(),
    ]
}
