//! What an order consists of.

use super::enums::enum_of;
use domain::credit_state::{Action, Outcome, State};
use domain::invoice::Invoice;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::order::{Amounts, Item, Person as Party};
use serde::Serialize;
use service::messages::issue::{provider_message, sentence, summary};
use service::messages::next_step::Situation;
use utoipa::ToSchema;

enum_of! {
    /// Where an order's credit stands.
    OrderState of State {
        /// Never asked.
        NotAsked,
        /// Claimed: the registration is on its way, or its answer is.
        Sending,
        /// 審査中: the provider has it and has not decided.
        UnderReview,
        /// 保留: someone has to correct the order.
        OnHold,
        /// 与信OK.
        Approved,
        /// 与信NG: nothing is live at the provider.
        Rejected,
        /// The last try recorded nothing at the provider.
        NotSent,
        /// Sent; the outcome is unknown.
        Unknown,
        /// A cancel of an approved registration is on its way.
        CancellingApproved,
        /// A cancel of a registration under review is on its way.
        CancellingUnderReview,
        /// A cancel of a registration on hold is on its way.
        CancellingOnHold,
        /// A cancel is tried again after one whose answer was lost.
        CancellingAgain,
        /// A cancel was sent; the outcome is unknown.
        CancelUnknown,
        /// Cancelled at the provider: nothing is live there.
        Cancelled,
        /// The tracking number is on its way.
        Syncing,
        /// The tracking number is sent again after an answer was lost.
        SyncingAgain,
        /// The tracking number was sent; the outcome is unknown.
        SyncUnknown,
        /// The provider has the tracking number.
        Synced,
        /// 審査中, by CSV.
        CsvUnderReview,
        /// 保留, by CSV.
        CsvOnHold,
        /// 与信OK, by CSV.
        CsvApproved,
        /// 与信NG, by CSV.
        CsvRejected,
        /// Cancelled, by CSV.
        CsvCancelled,
    }
}

enum_of! {
    /// What an operator can have done with an order.
    OrderAction of Action {
        /// 与信を実行
        Credit,
        /// 与信結果確認
        Check,
        /// 与信キャンセル
        Cancel,
        /// 伝票番号同期
        Sync,
        /// 結果を記録: the operator says what was found at the provider
        Decide,
    }
}

enum_of! {
    /// How an action ended for an order.
    ActionOutcome of Outcome {
        /// 成功
        Success,
        /// 失敗: needs the operator's attention
        Failure,
        /// 不明: needs asking
        Unknown,
    }
}

enum_of! {
    /// How the invoice reaches the buyer.
    #[derive(Default)]
    InvoiceDelivery of Invoice {
        /// 別送
        #[default]
        Separate,
        /// 同梱
        Enclosed,
    }
}

/// Why an order is not where its operator wants it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderIssue {
    /// What happened, what the provider said and what to do next, in the caller's language. In a history without what
    /// to do: things may have moved since.
    words: String,
    /// The provider's own code and words, as they came.
    said: String,
}

impl OrderIssue {
    /// `issue` in words of `lang`, with the step that the `situation` offers.
    pub(crate) fn new(issue: &Issue, situation: &Situation, lang: Lang) -> Self {
        Self { words: sentence(issue, situation, lang), said: provider_message(issue, lang) }
    }

    /// What a line of the history tells: what happened, without what to do, for things may have moved since.
    pub(crate) fn past(issue: &Issue, lang: Lang) -> Self {
        Self { words: summary(issue, lang), said: provider_message(issue, lang) }
    }
}

/// A buyer, or whoever gets the goods.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Person {
    /// 氏名
    name: String,
    /// 氏名カナ
    kana: Option<String>,
    /// 会社名
    company: Option<String>,
    /// 部署名
    department: Option<String>,
    /// Seven digits.
    postal_code: String,
    /// 都道府県
    prefecture: String,
    /// 市区町村
    city: String,
    /// 町名・番地・建物名
    street: String,
    /// As the buyer wrote it.
    phone: String,
    /// メールアドレス
    email: Option<String>,
}

impl From<Party> for Person {
    fn from(party: Party) -> Self {
        let Party { name, kana, company, department, postal_code, prefecture, city, street, phone, email } = party;
        Self { name, kana, company, department, postal_code, prefecture, city, street, phone, email }
    }
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderItem {
    /// 商品名
    name: String,
    /// Yen, tax included; negative for a discount.
    unit_price: i64,
    /// 数量
    quantity: u32,
    /// Percent.
    tax_rate: Option<u8>,
}

impl From<Item> for OrderItem {
    fn from(Item { name, unit_price, quantity, tax_rate }: Item) -> Self {
        Self { name, unit_price, quantity, tax_rate }
    }
}

/// The amounts of an order, in yen, tax included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderAmounts {
    /// All lines together.
    goods: i64,
    /// 送料
    shipping_fee: i64,
    /// 決済手数料 as the mall exported it.
    imported_fee: i64,
    /// 手数料 after the mall's fee rule.
    payment_fee: i64,
    /// 請求額: goods, shipping and the fee after the rule.
    billed: i64,
    /// Position of the fee band that applied.
    fee_band: Option<u32>,
}

impl From<Amounts> for OrderAmounts {
    fn from(amounts: Amounts) -> Self {
        let Amounts { goods, shipping_fee, imported_fee, payment_fee, billed, fee_band } = amounts;
        Self { goods, shipping_fee, imported_fee, payment_fee, billed, fee_band }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::VariantArray;

    /// Callers compare these names, and the command line and the store have the same.
    #[test]
    fn states_and_actions_are_named_as_everywhere_else() {
        for state in State::VARIANTS {
            assert_eq!(serde_json::to_value(OrderState::from(*state)).unwrap(), state.to_string());
            assert_eq!(State::from(OrderState::from(*state)), *state);
        }
        for action in Action::VARIANTS {
            assert_eq!(serde_json::to_value(OrderAction::from(*action)).unwrap(), action.to_string());
            assert_eq!(Action::from(OrderAction::from(*action)), *action);
        }
    }

    /// Lists by state are sorted as the platform sorts them.
    #[test]
    fn states_are_in_the_same_order() {
        let ours: Vec<_> = State::VARIANTS.iter().map(|state| OrderState::from(*state)).collect();
        assert!(ours.is_sorted());
    }
}
