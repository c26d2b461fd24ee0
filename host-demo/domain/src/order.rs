//! An order as the platform knows it, and how it is put to a provider.
//!
//! The platform keeps its own shape of an order: what the store holds must not change because a
//! contract gets a new version.

use crate::credit_state::{Action, ActionContext, Event, State, next};
use crate::invoice::Invoice;
use crate::issue::Issue;
use crate::mall::Mall;
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use time::{Date, PrimitiveDateTime};

time::serde::format_description!(moment, PrimitiveDateTime, "[year]-[month]-[day] [hour]:[minute]:[second]");
time::serde::format_description!(day, Date, "[year]-[month]-[day]");

/// A buyer, or whoever gets the goods.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Person {
    /// 氏名
    pub name: String,
    /// 氏名カナ
    pub kana: Option<String>,
    /// 会社名
    pub company: Option<String>,
    /// 部署名
    pub department: Option<String>,
    /// Seven digits.
    pub postal_code: String,
    /// 都道府県
    pub prefecture: String,
    /// 市区町村
    pub city: String,
    /// 町名・番地・建物名
    pub street: String,
    /// Digits from 0 on, with a hyphen where the file parts them.
    pub phone: String,
    /// メールアドレス
    pub email: Option<String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// 商品名
    pub name: String,
    /// Yen, tax included; negative for a discount.
    pub unit_price: i64,
    /// 数量
    pub quantity: u32,
    /// Percent.
    pub tax_rate: Option<u8>,
}

/// What a mall's export says about an order besides its amounts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderData {
    /// 注文日時, in Japan.
    #[serde(with = "moment")]
    pub ordered_at: PrimitiveDateTime,
    /// 注文者
    pub buyer: Person,
    /// 送付先, if the goods do not go to the buyer.
    pub recipient: Option<Person>,
    /// At least one.
    pub items: Vec<Item>,
    /// The order's own choice; absent: the mall's. It can change later, so the store keeps it apart.
    #[serde(skip)]
    pub invoice: Option<Invoice>,
    /// 備考
    pub note: Option<String>,
}

impl OrderData {
    /// Yen of all lines together.
    pub fn goods(&self) -> i64 {
        self.items.iter().map(|item| item.unit_price * i64::from(item.quantity)).sum()
    }
}

/// The amounts of an order, in yen, tax included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// All lines together.
    pub goods: i64,
    /// 送料
    pub shipping_fee: i64,
    /// 決済手数料 as the mall exported it.
    pub imported_fee: i64,
    /// 手数料 after the mall's fee rule.
    pub payment_fee: i64,
    /// 請求額: goods, shipping and the fee after the rule.
    pub billed: i64,
    /// Position of the fee band that applied.
    pub fee_band: Option<u32>,
}

/// What carries the goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tracking {
    /// A carrier id of the provider's description.
    pub carrier: String,
    /// 伝票番号
    pub number: String,
    /// 出荷日
    #[serde(with = "day")]
    pub shipped_on: Date,
}

/// An order as it stands in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The store's own number.
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// 注文番号: the mall's number, unique within the mall.
    pub number: String,
    /// The provider where it is registered; before that, where it would be.
    pub provider: String,
    /// What was ordered, by whom.
    pub data: OrderData,
    /// What it costs.
    pub amounts: Amounts,
    /// 受注ステータス: the shop's own word for where the order is.
    pub order_status: Option<String>,
    /// Where its credit stands.
    pub state: State,
    /// The registration that the state is about.
    pub registration: Option<Registration>,
    /// Carrier and 伝票番号, if entered.
    pub tracking: Option<Tracking>,
    /// When the last request was claimed, or when its time was last measured anew.
    pub sent: Option<Moment>,
    /// The process that holds the claim.
    pub owner: Option<String>,
    /// How often in a row nothing came of it: what makes the automation's pauses grow.
    pub tries: i64,
    /// What the automation leaves to an operator: the order waited when its mall's automation of this action was
    /// switched on for orders to come alone.
    pub held: Option<Action>,
    /// Its mall takes credit results by CSV, so no credit is run.
    pub results_by_csv: bool,
    /// Counts every change: what compare-and-set compares.
    pub version: i64,
    /// Why the order is not where its operator wants it.
    pub problem: Option<Issue>,
    /// What was tried when that problem came up; absent where there is none, or it was stored before this was kept.
    pub tried: Option<Action>,
}

/// What an operator or a file changed of an order without moving its state, as its history names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum OrderEdit {
    /// Carrier and tracking number were entered.
    TrackingEntered,
    /// Its status was set as the shop names it (受注ステータス).
    StatusSet,
    /// Its content was replaced by a file's.
    Corrected,
    /// How the invoice reaches the buyer was chosen.
    InvoiceSet,
}

/// One name under which an order was put to its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// Minted by the store, unique for ever.
    pub reference: String,
    /// The shop's account under which it was made.
    pub account: i64,
    /// How often it was claimed for sending: more than once only after it was known not to be recorded.
    pub sends: i64,
    /// The provider's id, once known.
    pub transaction_id: Option<String>,
}

impl Order {
    /// What the order offers besides what its state alone decides.
    pub fn situation(&self) -> ActionContext {
        ActionContext {
            tracking_entered: self.tracking.is_some(),
            problem: self.problem.is_some(),
            results_by_csv: self.results_by_csv,
        }
    }

    /// What may be done with it now.
    pub fn actions(&self) -> impl Iterator<Item = Action> {
        self.state.actions(self.situation())
    }

    /// Whether `action` may be done with it now.
    pub fn offers(&self, action: Action) -> bool {
        self.actions().any(|offered| offered == action)
    }

    /// The provider's id, if known.
    pub fn transaction_id(&self) -> Option<&str> {
        self.registration.as_ref()?.transaction_id.as_deref()
    }

    /// The reference, or "" for an order that was never claimed for a credit.
    pub fn reference(&self) -> &str {
        self.registration.as_ref().map_or("", |registration| &registration.reference)
    }

    /// The provider refused the order's tracking number since it has one: it may be another, which was entered elsewhere.
    pub fn has_number_of_unknown_origin(&self) -> bool {
        let is_open = matches!(self.state, State::SyncUnknown | State::SyncingAgain);
        is_open && matches!(self.problem, Some(Issue::Already { .. }))
    }

    /// The order's problem after `event`, which left `problem`: whose number the provider has stays the question until it
    /// is answered, whatever else is said meanwhile.
    pub fn problem_after(&self, event: Event, problem: Option<Issue>) -> Option<Issue> {
        let is_open = self.has_number_of_unknown_origin() && next(self.state, event) == Some(State::SyncUnknown);
        if is_open { self.problem.clone() } else { problem }
    }

    /// The order's own choice, or the mall's.
    pub fn invoice<S>(&self, mall: &Mall<S>) -> Invoice {
        self.data.invoice.unwrap_or(mall.invoice)
    }
}
