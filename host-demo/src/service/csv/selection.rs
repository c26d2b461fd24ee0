//! Which orders of a mall's export are taken: an export has orders that were paid by card and orders that were
//! cancelled, and none of them may be billed by deferred payment.
//!
//! A column that tells how an order is paid or where it stands, and of which nobody has said what is to be taken,
//! makes the import ask. Who answers is the operator, for one file, or the mall's settings, once and for all.

use crate::domain::columns::Takes;
use crate::service::csv::error::FileError;
use crate::service::csv::row_result::SkipReason;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization;

/// Stands for every value of a column.
pub const EVERY: &str = "*";

/// Values of a column that a question names: more than a shop has ways to pay.
const SHOWN_VALUES: usize = 50;

/// What a column tells about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// How it is paid.
    Payment,
    /// Where it stands.
    Status,
    /// That it was cancelled: when, or yes and no.
    Cancelled,
}

/// What such columns are called, without blanks, hyphens and the like, in small letters and full-width kana: a heading that contains the
/// words is of the kind, or one that is them after `=`. The first that fits counts.
const HEADINGS: [(Kind, &[&str]); 3] = [
    (
        Kind::Cancelled,
        &[
            "キャンセル日",
            "キャンセルフラグ",
            "キャンセル区分",
            "取消日",
            "取消フラグ",
            "取消区分",
            "削除フラグ",
            "cancelledat",
            "canceledat",
            "canceldate",
            "cancelflg",
            "cancelflag",
            "キャンセル済",
            "注文キャンセル",
            "iscancel",
            "=cancelled",
            "=canceled",
            "=取消",
            "=取消済",
            "=返品",
        ],
    ),
    (
        Kind::Payment,
        &[
            "支払方法",
            "支払い方法",
            "支払い名称",
            "支払名称",
            "支払手段",
            "支払い手段",
            "支払区分",
            "支払い区分",
            "支払種別",
            "支払い種別",
            "支払タイプ",
            "決済方法",
            "決済手段",
            "決済区分",
            "決済種別",
            "決済名",
            "決済タイプ",
            "paymentmethod",
            "paymenttype",
            "paymethod",
            "paykind",
            "settlementname",
            "settlementmethod",
            "支払コード",
            "支払いコード",
            "支払種類",
            "支払い種類",
            "支払条件",
            "支払い条件",
            "決済コード",
            "決済種類",
            "入金方法",
            "ペイメント方法",
            "ペイメント種",
            "=ペイメント",
            "=payment",
            "=決済",
            "=支払",
            "=支払い",
            "=お支払",
            "=お支払い",
        ],
    ),
    (
        Kind::Status,
        &[
            "ステータス",
            "注文状況",
            "注文状態",
            "受注状況",
            "受注状態",
            "処理状況",
            "処理状態",
            "対応状況",
            "対応状態",
            "取引状況",
            "取引状態",
            "=キャンセル",
            "キャンセル状",
            "キャンセル有無",
            "status",
            "=状態",
            "=状況",
            "=進捗",
            "進捗状",
        ],
    ),
];

/// Words in the value of a status that mean: there is no order any more.
const CANCELLED: [&str; 15] = [
    "キャンセル",
    "きゃんせる",
    "取消",
    "取り消",
    "取下",
    "取り下",
    "返品",
    "返金",
    "中止",
    "無効",
    "不成立",
    "削除",
    "cancel",
    "refund",
    "void",
];
/// Right before or right after such a word these mean that it did not happen: 未キャンセル, キャンセル不可, not cancelled.
const DENIED_BEFORE: [&str; 4] = ["未", "非", "not", "non"];
const DENIED_AFTER: [&str; 4] = ["なし", "無し", "不可", "以外"];

/// Most different values of a column that says something about orders without its heading saying so: a shop has
/// fewer ways to pay and fewer states of an order.
pub const FEW_VALUES: usize = 30;
/// Longest such value, in characters; free text is longer.
pub const MAX_VALUE: usize = 20;
/// Words in values that say how an order is paid, and values that are such a word as a whole, folded.
const PAID_BY: [&str; 30] = [
    "クレジット",
    "クレカ",
    "カード決済",
    "カード払",
    "代引",
    "代金引換",
    "振込",
    "コンビニ決済",
    "コンビニ払",
    "コンビニ支払",
    "後払",
    "後支払",
    "前払",
    "先払",
    "口座振替",
    "キャリア決済",
    "かんたん決済",
    "d払い",
    "paypay",
    "paypal",
    "amazonpay",
    "applepay",
    "googlepay",
    "linepay",
    "楽天ペイ",
    "メルペイ",
    "ペイディ",
    "paidy",
    "creditcard",
    "banktransfer",
];
const PAID_BY_WHOLE: [&str; 9] =
    ["カード", "card", "credit", "コンビニ", "現金", "cash", "cashondelivery", "cod", "atobarai"];
/// A column is about payment if one in this many of its values is such a word.
const ONE_IN: usize = 3;
/// Words in values that say that an order was cancelled: fewer than in a status, as 無効 may be said of a coupon.
const CANCELLED_VALUES: [&str; 4] = ["キャンセル", "取消", "取り消", "cancel"];
/// Characters that such a value may have besides: キャンセル済み, 注文キャンセル.
const BESIDES: usize = 5;
/// Headings of texts that people write: whatever stands there says nothing about the order.
const FREE_TEXT: [&str; 14] = [
    "備考",
    "メモ",
    "コメント",
    "メッセージ",
    "要望",
    "ひとこと",
    "商品",
    "品名",
    "氏名",
    "住所",
    "memo",
    "note",
    "comment",
    "remark",
];

/// Values of a yes-or-no column that mean yes, and that mean no.
const YES: [&str; 8] = ["true", "yes", "y", "あり", "有", "はい", "済", "○"];
const NO: [&str; 8] = ["0", "-", "no", "false", "なし", "無", "いいえ", "未"];

/// Whether a cell of a column that marks cancelled orders says no.
fn is_no(mark: &str) -> bool {
    let mark = folded(mark);
    mark.is_empty() || NO.contains(&mark.as_str())
}

/// Whether such a cell says yes: a date, a number that is not 0, or in words.
fn is_yes(mark: &str) -> bool {
    let mark = folded(mark);
    mark.starts_with(|c: char| c.is_ascii_digit()) || YES.contains(&mark.as_str()) || looks_cancelled(&mark)
}

/// Wide letters narrow, half-width kana wide, small letters.
fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
}

fn plain(text: &str) -> String {
    folded(text).chars().filter(|c| c.is_alphanumeric() || *c == 'ー').collect()
}

fn kind(heading: &str) -> Option<Kind> {
    let plain = plain(heading);
    let is = |name: &&str| name.strip_prefix('=').map_or_else(|| plain.contains(*name), |whole| plain == whole);
    let fits = |names: &&[&str]| names.iter().any(is);
    HEADINGS.iter().find(|(_, names)| fits(names)).map(|(kind, _)| *kind)
}

/// What a column tells whose heading does not say it, by the values that it has.
fn kind_of_values<'a>(heading: &str, values: impl Iterator<Item = &'a str>) -> Option<Kind> {
    let values: Vec<String> = values.filter(|value| !value.is_empty()).take(FEW_VALUES + 1).map(plain).collect();
    let heading = plain(heading);
    let is_long = |value: &String| value.chars().count() > MAX_VALUE;
    if values.len() > FEW_VALUES || values.iter().any(is_long) || FREE_TEXT.iter().any(|word| heading.contains(word)) {
        return None;
    }
    let is_payment =
        |value: &&String| PAID_BY_WHOLE.contains(&value.as_str()) || PAID_BY.iter().any(|word| value.contains(word));
    let payments = values.iter().filter(is_payment).count();
    if payments > 0 && payments * ONE_IN >= values.len() {
        return Some(Kind::Payment);
    }
    let is_cancelled = |value: &String| {
        let word = CANCELLED_VALUES.iter().find(|word| value.contains(*word));
        let besides = |word: &&str| value.chars().count() - word.chars().count();
        word.is_some_and(|word| besides(word) <= BESIDES) && looks_cancelled(value)
    };
    values.iter().any(is_cancelled).then_some(Kind::Status)
}

fn looks_cancelled(status: &str) -> bool {
    let status = folded(status);
    CANCELLED.iter().any(|word| status.match_indices(word).any(|(at, word)| !is_denied(&status, at, word)))
}

/// Whether what stands directly around the word at `at` says that it did not happen.
fn is_denied(status: &str, at: usize, word: &str) -> bool {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '-' | '_' | ':');
    let before = status[..at].trim_end_matches(is_gap);
    let after = status[at + word.len()..].trim_start_matches(is_gap);
    DENIED_BEFORE.iter().any(|denial| before.ends_with(denial))
        || DENIED_AFTER.iter().any(|denial| after.starts_with(denial))
}

/// What the operator says for one file, and what the mall's settings say.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Each a value, or a heading and a value: `後払い決済`, `支払方法=後払い決済`. Comes before the settings.
    pub told: &'a [String],
    /// The mall's own.
    pub setting: &'a Takes,
}

impl Choice<'_> {
    /// Whether the column of this heading has a say; `values` are those of a column that is not read otherwise.
    pub fn reads(&self, heading: &str, values: &BTreeSet<String>) -> bool {
        let is_told = |told: &String| told.split_once('=').is_some_and(|(column, _)| column.trim() == heading);
        let is_known = kind(heading).is_some() || kind_of_values(heading, values.iter().map(String::as_str)).is_some();
        is_known || self.setting.contains_key(heading) || self.told.iter().any(is_told)
    }
}

/// A column that has a say, and how many orders have which value there.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// Its heading.
    pub heading: String,
    /// Orders by value.
    pub orders: BTreeMap<String, usize>,
    /// The import reads it as 受注ステータス, so that its values are the shop's own words.
    pub is_mapped: bool,
}

impl Values {
    fn kind(&self) -> Option<Kind> {
        let by_values = || kind_of_values(&self.heading, self.orders.keys().map(String::as_str));
        kind(&self.heading).or_else(|| if self.is_mapped { None } else { by_values() })
    }
}

/// What has to be said before the file can be taken in: columns, their values, and how many orders have each.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Those that nobody has spoken about.
    pub columns: Vec<Values>,
}

impl Question {
    /// Each value as it has to be told, with its column and number of orders; the most frequent ones of a column.
    pub fn answers(&self) -> impl Iterator<Item = (String, usize)> {
        self.columns.iter().flat_map(|column| {
            let mut values: Vec<_> = column.orders.iter().collect();
            values.sort_by_key(|(_, orders)| std::cmp::Reverse(**orders));
            let told = |(value, orders): (&String, &usize)| (format!("{}={value}", column.heading), *orders);
            values.into_iter().take(SHOWN_VALUES).map(told).collect::<Vec<_>>()
        })
    }
}

/// What a column says about orders.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Orders with these values are taken.
    Words(Vec<String>),
    /// All but those that look cancelled.
    NotCancelled,
    /// Those that are not marked as cancelled.
    NotMarked,
    /// All.
    Every,
}

impl Rule {
    fn takes(&self, value: &str) -> bool {
        match self {
            Rule::Words(words) => words.iter().any(|word| word == value || word == EVERY),
            Rule::NotCancelled => !looks_cancelled(value),
            Rule::NotMarked => is_no(value),
            Rule::Every => true,
        }
    }
}

/// Which orders are taken, by the columns that have a say.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules(Vec<ColumnRule>);

#[derive(Debug, Clone, PartialEq)]
struct ColumnRule {
    heading: String,
    /// It tells how an order is paid, not where it stands.
    is_payment: bool,
    rule: Rule,
}

/// Why an order is not taken.
#[derive(Debug, Clone, PartialEq)]
pub struct NotTaken {
    /// The column and its value.
    pub reason: SkipReason,
    /// For how it is paid; else for where it stands, which does not keep an order that is there already from
    /// learning of it.
    pub is_payment: bool,
}

impl Rules {
    /// Why an order with these values, in the order of the columns, is not taken; nothing if it is.
    pub fn not_taken(&self, values: &[String]) -> Option<NotTaken> {
        let (by, value) = self.0.iter().zip(values).find(|(by, value)| !by.rule.takes(value))?;
        let reason = SkipReason::NotTaken { column: by.heading.clone(), value: value.clone() };
        Some(NotTaken { reason, is_payment: by.is_payment })
    }
}

/// Why it is not decided which orders are taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Undecided {
    /// It has to be said first.
    Asks(Question),
    /// What was said does not fit the file.
    Unfit(FileError),
}

/// Decides from the columns that have a say which orders of a file are taken.
pub fn decide(columns: &[Values], choice: Choice<'_>) -> Result<Rules, Undecided> {
    let has = |heading: &str| columns.iter().any(|column| column.heading == heading);
    let missing: Vec<_> = choice.setting.keys().filter(|heading| !has(heading)).cloned().collect();
    if !missing.is_empty() {
        return Err(Undecided::Unfit(FileError::MissingHeadings(missing)));
    }
    let told = Told::sort(columns, choice.told)?;
    let mut asked = Vec::new();
    let mut rules = Vec::with_capacity(columns.len());
    for column in columns {
        let heading = column.heading.clone();
        let is_payment = column.kind() == Some(Kind::Payment);
        match told.rule(column).or_else(|| choice.setting.get(&heading).cloned().map(Rule::Words)) {
            Some(rule) => rules.push(ColumnRule { heading, is_payment, rule }),
            None => match unsaid(column) {
                Some(rule) => rules.push(ColumnRule { heading, is_payment, rule }),
                None => asked.push(column.clone()),
            },
        }
    }
    if asked.is_empty() { Ok(Rules(rules)) } else { Err(Undecided::Asks(Question { columns: asked })) }
}

/// The rule of a column that nobody has spoken about; nothing where somebody has to.
fn unsaid(column: &Values) -> Option<Rule> {
    let given = || column.orders.keys().filter(|value| !value.is_empty());
    match column.kind() {
        Some(Kind::Cancelled) if given().all(|mark| is_no(mark) || is_yes(mark)) => Some(Rule::NotMarked),
        Some(Kind::Cancelled) => None,
        Some(Kind::Status) if column.is_mapped || given().all(|value| looks_cancelled(value)) => {
            Some(Rule::NotCancelled)
        }
        None if column.is_mapped => Some(Rule::NotCancelled),
        Some(Kind::Payment | Kind::Status) if given().next().is_some() => None,
        _ => Some(Rule::Every),
    }
}

/// What was told for one file, by the columns that it is about.
struct Told<'a> {
    named: Vec<(&'a str, &'a str)>,
    bare: Vec<&'a str>,
    /// [`EVERY`] was told: all orders of the file are to be billed, but for those that were cancelled.
    every: bool,
    /// The payment columns that bare values are about.
    payment: BTreeSet<&'a str>,
}

impl<'a> Told<'a> {
    fn sort(columns: &'a [Values], told: &'a [String]) -> Result<Self, Undecided> {
        let is_value = |word: &str| columns.iter().any(|column| column.orders.contains_key(word));
        let (mut named, mut bare) = (Vec::new(), Vec::new());
        let every = told.iter().any(|word| word.trim() == EVERY);
        for word in told.iter().map(|word| word.trim()).filter(|word| *word != EVERY) {
            match word.split_once('=').map(|(column, value)| (column.trim(), value.trim())) {
                Some((column, value)) if columns.iter().any(|known| known.heading == column) => {
                    named.push((column, value))
                }
                Some((column, _)) if !is_value(word) => {
                    return Err(Undecided::Unfit(FileError::MissingHeadings(vec![column.to_owned()])));
                }
                _ => bare.push(word),
            }
        }
        let payments = || columns.iter().filter(|column| column.kind() == Some(Kind::Payment));
        let has_one = |column: &&Values| bare.iter().any(|word| column.orders.contains_key(*word));
        let mut payment: BTreeSet<_> = payments().filter(has_one).map(|column| column.heading.as_str()).collect();
        // A value that no order has today is still the answer: nothing is taken, and the counts say so.
        if payment.is_empty() && bare.iter().any(|word| !is_value(word)) {
            payment = payments().map(|column| column.heading.as_str()).collect();
            if payment.is_empty() {
                let words = bare.iter().map(|word| (*word).to_owned()).collect();
                return Err(Undecided::Unfit(FileError::NothingToTakeBy(words)));
            }
        }
        Ok(Told { named, bare, every, payment })
    }

    fn rule(&self, column: &Values) -> Option<Rule> {
        let named = self.named.iter().filter(|(heading, _)| *heading == column.heading).map(|(_, value)| *value);
        let named: Vec<String> = named.map(str::to_owned).collect();
        if !named.is_empty() {
            return Some(Rule::Words(named));
        }
        let is_payment = column.kind() == Some(Kind::Payment);
        let means = |word: &&&str| match is_payment {
            true => self.payment.contains(column.heading.as_str()),
            false => column.orders.contains_key(**word),
        };
        let words: Vec<String> = self.bare.iter().filter(means).map(|word| (*word).to_owned()).collect();
        match words.is_empty() {
            false => Some(Rule::Words(words)),
            true if self.every && column.kind() == Some(Kind::Status) => Some(Rule::NotCancelled),
            true if self.every && is_payment => Some(Rule::Every),
            true => None,
        }
    }
}
