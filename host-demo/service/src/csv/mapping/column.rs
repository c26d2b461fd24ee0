//! The columns of an order file under our own headings, and to what each of them belongs.

use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

/// To what the value of a column belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The order: one value, on whichever of its rows it stands.
    Order,
    /// One of the order's destinations.
    Destination,
    /// The row.
    Item,
}

/// A column under our own heading, in the order of a usual export.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumCount,
    strum::VariantArray,
    strum::IntoStaticStr,
    strum::EnumString,
)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs, reason = "the heading says it")]
pub enum Column {
    #[strum(serialize = "注文番号")]
    Number,
    #[strum(serialize = "注文日時")]
    OrderedAt,
    #[strum(serialize = "注文者氏名")]
    BuyerName,
    #[strum(serialize = "注文者氏名カナ")]
    BuyerKana,
    #[strum(serialize = "注文者会社名")]
    BuyerCompany,
    #[strum(serialize = "注文者部署名")]
    BuyerDepartment,
    #[strum(serialize = "注文者郵便番号")]
    BuyerPostalCode,
    #[strum(serialize = "注文者都道府県")]
    BuyerPrefecture,
    #[strum(serialize = "注文者市区町村")]
    BuyerCity,
    #[strum(serialize = "注文者住所")]
    BuyerStreet,
    #[strum(serialize = "注文者電話番号")]
    BuyerPhone,
    #[strum(serialize = "注文者メールアドレス")]
    BuyerEmail,
    #[strum(serialize = "送付先氏名")]
    RecipientName,
    #[strum(serialize = "送付先氏名カナ")]
    RecipientKana,
    #[strum(serialize = "送付先会社名")]
    RecipientCompany,
    #[strum(serialize = "送付先部署名")]
    RecipientDepartment,
    #[strum(serialize = "送付先郵便番号")]
    RecipientPostalCode,
    #[strum(serialize = "送付先都道府県")]
    RecipientPrefecture,
    #[strum(serialize = "送付先市区町村")]
    RecipientCity,
    #[strum(serialize = "送付先住所")]
    RecipientStreet,
    #[strum(serialize = "送付先電話番号")]
    RecipientPhone,
    #[strum(serialize = "送料")]
    ShippingFee,
    #[strum(serialize = "決済手数料")]
    PaymentFee,
    #[strum(serialize = "合計金額")]
    Total,
    #[strum(serialize = "請求書")]
    Invoice,
    #[strum(serialize = "備考")]
    Note,
    #[strum(serialize = "受注ステータス")]
    OrderStatus,
    #[strum(serialize = "商品名")]
    ItemName,
    #[strum(serialize = "単価")]
    UnitPrice,
    #[strum(serialize = "数量")]
    Quantity,
    #[strum(serialize = "税率")]
    TaxRate,
}

/// A heading as an English sentence names it: what ours mean stands behind them.
pub fn in_english(heading: &str) -> String {
    heading.parse().map_or_else(|_| heading.to_owned(), |column: Column| format!("{heading} ({})", column.english()))
}

impl Column {
    /// Our heading.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What our heading means, in English.
    fn english(self) -> &'static str {
        use Column::*;
        match self {
            Number => "order number",
            OrderedAt => "date and time of the order",
            BuyerName => "buyer's name",
            BuyerKana => "buyer's name in kana",
            BuyerCompany => "buyer's company",
            BuyerDepartment => "buyer's department",
            BuyerPostalCode => "buyer's postal code",
            BuyerPrefecture => "buyer's prefecture",
            BuyerCity => "buyer's municipality",
            BuyerStreet => "buyer's street",
            BuyerPhone => "buyer's telephone number",
            BuyerEmail => "buyer's e-mail address",
            RecipientName => "recipient's name",
            RecipientKana => "recipient's name in kana",
            RecipientCompany => "recipient's company",
            RecipientDepartment => "recipient's department",
            RecipientPostalCode => "recipient's postal code",
            RecipientPrefecture => "recipient's prefecture",
            RecipientCity => "recipient's municipality",
            RecipientStreet => "recipient's street",
            RecipientPhone => "recipient's telephone number",
            ShippingFee => "shipping fee",
            PaymentFee => "payment fee",
            Total => "total",
            Invoice => "invoice",
            Note => "remarks",
            OrderStatus => "order status",
            ItemName => "item",
            UnitPrice => "price of one piece",
            Quantity => "quantity",
            TaxRate => "tax rate",
        }
    }

    /// To what its value belongs.
    pub fn level(self) -> Level {
        use Column::*;
        match self {
            RecipientName | RecipientKana | RecipientCompany | RecipientDepartment | RecipientPostalCode
            | RecipientPrefecture | RecipientCity | RecipientStreet | RecipientPhone => Level::Destination,
            ItemName | UnitPrice | Quantity | TaxRate => Level::Item,
            _ => Level::Order,
        }
    }

    /// Whether a file without it cannot be read.
    pub fn is_required(self) -> bool {
        use Column::*;
        matches!(
            self,
            Number
                | OrderedAt
                | BuyerName
                | BuyerPostalCode
                | BuyerPrefecture
                | BuyerCity
                | BuyerStreet
                | BuyerPhone
                | Total
                | ItemName
                | UnitPrice
                | Quantity
        )
    }

    /// Whether its cells name something: a spreadsheet that takes them for numbers destroys them.
    pub fn is_identifier(self) -> bool {
        use Column::*;
        matches!(self, Number | BuyerPostalCode | BuyerPhone | RecipientPostalCode | RecipientPhone)
    }

    /// Whether it is an amount that can stand once for an order, for each destination or on each row.
    pub fn is_order_amount(self) -> bool {
        matches!(self, Self::ShippingFee | Self::PaymentFee | Self::Total)
    }
}

impl From<Column> for String {
    fn from(column: Column) -> Self {
        column.name().to_owned()
    }
}

impl TryFrom<String> for Column {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map_err(|_| {
            let known: Vec<_> = Self::VARIANTS.iter().map(|column| column.name()).collect();
            format!("no such column: {name}; there are {}", known.join(", "))
        })
    }
}

/// One value for each column; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells(Vec<String>);

impl Default for Cells {
    fn default() -> Self {
        Self(vec![String::new(); Column::COUNT])
    }
}

impl Cells {
    /// The value of a column.
    pub fn get(&self, column: Column) -> &str {
        self.0.get(column as usize).map_or("", String::as_str)
    }

    /// Puts a value into a column.
    pub fn set(&mut self, column: Column, value: impl Into<String>) {
        if let Some(cell) = self.0.get_mut(column as usize) {
            *cell = value.into();
        }
    }

    /// Every column with its value, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (Column, &str)> {
        Column::VARIANTS.iter().copied().zip(self.0.iter().map(String::as_str))
    }
}
