//! A mapping as it stands in a mall's settings and in a preset: data, read from TOML, with every limit named.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::error::Wrong;
use crate::csv::mapping::text::Definition;
use crate::csv::mapping::value::{MAX_TEXT, Per, Value, WordTable, is_long_table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most adjustments: an export has a column for each kind of discount and fee, and not more.
pub const MAX_ADJUSTMENTS: usize = 30;
/// Most rules for rows that are passed over, and most values of one.
pub const MAX_SKIPS: usize = 30;
/// Most tables of words.
pub const MAX_WORD_TABLES: usize = 20;

/// How a mall's export is read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Mapping {
    /// A column that is not named here has our own heading in the file. What a mall that only renames columns has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub same_names: bool,
    /// A row without an order number belongs to the order above it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub number_on_first_row: bool,
    /// What the file looks like around its rows.
    #[serde(skip_serializing_if = "is_default")]
    pub file: FileLayout,
    /// Where the value of each of our columns comes from.
    pub columns: BTreeMap<Column, Value>,
    /// What tells the destinations of an order apart; absent: the recipient's columns themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Value>,
    /// What tells the rows of an order apart: one that comes twice is passed over. A mapping without totals needs it, or
    /// an order that is in the file twice would be billed twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_id: Option<Value>,
    /// What tells the items of an order from its fees and discounts, where these are rows as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_kind: Option<RowKinds>,
    /// How prices become amounts on the bill.
    #[serde(skip_serializing_if = "is_default")]
    pub prices: Prices,
    /// Columns that add to the bill or take from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Rows that are passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Skip>,
    /// Tables of words that several values use.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, WordTable>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a file looks like around its rows; what is absent is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FileLayout {
    /// What stands between two cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    /// There are no headings: every column is named by its position.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_headings: bool,
    /// The line of the headings, from 1; those above it are titles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heading_line: Option<u64>,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// `,`
    Comma,
    /// A tabulator.
    Tab,
}

/// What a row of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// An item that was bought.
    #[default]
    Item,
    /// 送料: its amount is added to the shipping fee.
    Shipping,
    /// 決済手数料: its amount is added to the payment fee.
    PaymentFee,
    /// A line of the bill with its amount as it is written.
    Charge,
    /// A line of the bill that is taken off, with whichever sign it is written.
    Discount,
    /// A row that is no line of the bill: tax that is in the prices, a subtotal.
    Ignore,
}

/// What tells the kinds of rows apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RowKinds {
    /// Where the row's kind stands.
    pub from: Value,
    /// What it is called there. A row of none of these is refused.
    pub words: BTreeMap<String, RowKind>,
}

/// How prices become amounts on the bill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Prices {
    /// What 単価 holds.
    #[serde(skip_serializing_if = "is_default")]
    pub price: PriceOf,
    /// Whether tax is in it.
    #[serde(skip_serializing_if = "is_default")]
    pub tax: Tax,
    /// How a fraction of a yen is rounded when tax is added.
    #[serde(skip_serializing_if = "is_default")]
    pub rounding: Rounding,
    /// Where the row says how it is rounded: `down`, `half-up` or `up` (切り捨て, 四捨五入, 切り上げ) after its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding_from: Option<Value>,
    /// On what the tax is worked out and rounded.
    #[serde(skip_serializing_if = "is_default")]
    pub round_per: RoundPer,
    /// Percent, where the row has no 税率.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rate: Option<u8>,
    /// What becomes of 合計金額.
    #[serde(skip_serializing_if = "is_default")]
    pub total: Total,
}

/// Of what the price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PriceOf {
    /// One piece.
    #[default]
    Unit,
    /// All pieces of the row.
    Row,
}

/// Whether tax is in the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tax {
    /// 税込
    #[default]
    Included,
    /// 税抜
    Excluded,
}

/// What becomes of a fraction of a yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// 切り捨て, what most shops do.
    #[default]
    #[serde(alias = "切り捨て")]
    Down,
    /// 四捨五入
    #[serde(alias = "四捨五入")]
    HalfUp,
    /// 切り上げ
    #[serde(alias = "切り上げ")]
    Up,
}

/// On what tax is worked out and rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundPer {
    /// The price of one piece.
    #[default]
    Unit,
    /// The price of all pieces of a row.
    Row,
    /// All rows of an order that have the same rate; the tax becomes a line of the bill.
    Order,
}

/// What becomes of 合計金額.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Total {
    /// The bill must add up to it.
    #[default]
    Checked,
    /// The file has none: the bill's sum is the total.
    Computed,
}

/// A column that adds to the bill or takes from it, as a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Adjustment {
    /// What stands on the bill.
    pub name: String,
    /// What stands behind the name, where it is not empty: the code of a coupon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// Its amount; its `per` says how often it counts.
    pub amount: Value,
    /// What its sign means.
    pub sign: Sign,
    /// Percent; absent: the line has no rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<u8>,
}

impl Adjustment {
    /// How often it counts.
    pub fn per(&self) -> Per {
        self.amount.per.unwrap_or_default()
    }
}

/// What the sign of an amount means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// It is added as it is written: 200 is a fee, -200 a discount.
    AsWritten,
    /// It is taken off, whether 200 or -200 is written.
    TakenOff,
}

/// Rows that are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Skip {
    /// Where it stands that the row is none.
    pub from: Value,
    /// What stands there.
    pub is: Vec<String>,
}

impl Definition for Mapping {
    fn check(&self) -> Option<(String, Wrong)> {
        self.wrong_value().or_else(|| self.wrong_part())
    }
}

impl Mapping {
    /// The mapping of a mall that only calls columns otherwise: ours, theirs. Every other column has our own heading.
    pub fn renamed<'a>(names: impl IntoIterator<Item = (Column, &'a str)>) -> Self {
        let value = |(ours, theirs): (Column, &str)| {
            let mut value = Value::column(theirs);
            value.is_optional = !ours.is_required();
            (ours, value)
        };
        Self { same_names: true, columns: names.into_iter().map(value).collect(), ..Self::default() }
    }

    fn wrong_value(&self) -> Option<(String, Wrong)> {
        let has_words = |value: &Value| value.word_tables().iter().all(|name| self.words.contains_key(*name));
        let wrong = |value: &Value| value.problem().or_else(|| (!has_words(value)).then_some(Wrong::NoWords));
        self.values().into_iter().find_map(|(at, value)| Some((at, wrong(value)?)))
    }

    fn wrong_part(&self) -> Option<(String, Wrong)> {
        let is_per_given = |(column, value): &(&Column, &Value)| value.per.is_some() && !column.is_order_amount();
        if let Some((column, _)) = self.columns.iter().find(is_per_given) {
            return Some((column.name().to_owned(), Wrong::Per));
        }
        let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= MAX_TEXT;
        let too_many_skips = self.skip.len() > MAX_SKIPS || self.skip.iter().any(|skip| skip.is.len() > MAX_SKIPS);
        let checks = [
            (self.adjustments.len() > MAX_ADJUSTMENTS, "adjustments", Wrong::TooMany(MAX_ADJUSTMENTS)),
            (self.adjustments.iter().any(|adjustment| !is_name(&adjustment.name)), "adjustments", Wrong::Name),
            (too_many_skips, "skip", Wrong::TooMany(MAX_SKIPS)),
            (self.words.len() > MAX_WORD_TABLES, "words", Wrong::TooMany(MAX_WORD_TABLES)),
            (self.words.values().any(is_long_table), "words", Wrong::WordsTooLong),
            (self.prices.default_rate.is_some_and(|rate| rate > 100), "prices.default-rate", Wrong::Rate),
        ];
        checks.into_iter().find(|(is_wrong, ..)| *is_wrong).map(|(_, at, wrong)| (at.to_owned(), wrong))
    }

    /// Every value of it, and where it stands.
    pub fn values(&self) -> Vec<(String, &Value)> {
        let columns = self.columns.iter().map(|(column, value)| (column.name().to_owned(), value));
        let named = [
            ("destination", self.destination.as_ref()),
            ("row-id", self.row_id.as_ref()),
            ("row-kind", self.row_kind.as_ref().map(|kinds| &kinds.from)),
            ("prices.rounding-from", self.prices.rounding_from.as_ref()),
        ];
        let named = named.into_iter().filter_map(|(at, value)| Some((at.to_owned(), value?)));
        let adjustments = self.adjustments.iter().flat_map(|adjustment| {
            let values = [Some(&adjustment.amount), adjustment.detail.as_ref()];
            values.into_iter().flatten().map(|value| (adjustment.name.clone(), value))
        });
        let skip = self.skip.iter().map(|skip| ("skip".to_owned(), &skip.from));
        columns.chain(named).chain(adjustments).chain(skip).collect()
    }
}
