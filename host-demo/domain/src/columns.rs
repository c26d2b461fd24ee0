//! The columns of a mall's export, and what a mall's settings may say about them.

use std::collections::BTreeMap;

/// For the heading of a column, the values whose orders are taken.
pub type Takes = BTreeMap<String, Vec<String>>;

/// A heading of the export.
pub struct Heading {
    /// Ours.
    pub name: &'static str,
    /// A file without it cannot be read.
    pub required: bool,
}

const fn required(name: &'static str) -> Heading {
    Heading { name, required: true }
}

const fn optional(name: &'static str) -> Heading {
    Heading { name, required: false }
}

/// What names the order.
pub const NUMBER: &str = "注文番号";
/// The order's status as the shop names it.
pub const ORDER_STATUS: &str = "受注ステータス";

/// What a mall calls the columns that have another name in its export: ours, theirs.
pub type Renamed = BTreeMap<String, String>;

/// What the mall calls our column `ours`.
pub fn their_name<'a>(renamed: &'a Renamed, ours: &'a str) -> &'a str {
    renamed.get(ours).map_or(ours, String::as_str)
}

/// Every heading that is read; any other is passed over. A row's cells are
/// in this order.
pub const HEADINGS: &[Heading] = &[
    required(NUMBER),
    required("注文日時"),
    required("注文者氏名"),
    optional("注文者氏名カナ"),
    optional("注文者会社名"),
    optional("注文者部署名"),
    required("注文者郵便番号"),
    required("注文者都道府県"),
    required("注文者市区町村"),
    required("注文者住所"),
    required("注文者電話番号"),
    optional("注文者メールアドレス"),
    optional("送付先氏名"),
    optional("送付先氏名カナ"),
    optional("送付先会社名"),
    optional("送付先部署名"),
    optional("送付先郵便番号"),
    optional("送付先都道府県"),
    optional("送付先市区町村"),
    optional("送付先住所"),
    optional("送付先電話番号"),
    optional("送料"),
    optional("決済手数料"),
    required("合計金額"),
    optional("請求書"),
    optional("備考"),
    optional(ORDER_STATUS),
    required("商品名"),
    required("単価"),
    required("数量"),
    optional("税率"),
];

/// Columns whose cells name something: a spreadsheet that takes them for numbers destroys them.
pub const IDENTIFIERS: [&str; 5] = [NUMBER, "注文者郵便番号", "注文者電話番号", "送付先郵便番号", "送付先電話番号"];

/// The headings from here on differ from line to line of one order; those before are the order's.
pub const FIRST_OF_ITEM: &str = "商品名";

/// Where the column of our heading `name` stands among the [`HEADINGS`].
pub fn position(name: &str) -> Option<usize> {
    HEADINGS.iter().position(|heading| heading.name == name)
}

/// The heading of this name as [`HEADINGS`] has it; "" for a column that the export does not know.
pub fn heading(name: &str) -> &'static str {
    HEADINGS.iter().find(|heading| heading.name == name).map_or("", |heading| heading.name)
}
