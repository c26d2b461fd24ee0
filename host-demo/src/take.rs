//! Which orders of a mall's export are taken: an export has orders that were paid by card and orders that were
//! cancelled, and none of them may be billed by deferred payment.
//!
//! A column that tells how an order is paid or where it stands, and of which nobody has said what is to be taken,
//! makes the import ask. Who answers is the operator, for one file, or the mall's settings, once and for all.

use crate::complaint::FileProblem;
use crate::intake::{Passed, shown_value};
use crate::words::Lang;
use std::collections::{BTreeMap, BTreeSet};

/// For a column's heading, the values whose orders are taken.
pub type Takes = BTreeMap<String, Vec<String>>;

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

/// What such columns are called, without blanks, hyphens and the like, in small letters: a heading that contains the
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
        ],
    ),
];

/// Values of a status that mean: there is no order any more.
const CANCELLED: [&str; 9] = ["キャンセル", "ｷｬﾝｾﾙ", "取消", "取り消", "返品", "返金", "cancel", "refund", "void"];
/// Beside one of these such a word means something else: キャンセル不可, 未キャンセル.
const DENIED: [&str; 5] = ["なし", "不可", "未", "以外", "not"];
/// Values of a yes-or-no column that mean yes, and that mean no.
const YES: [&str; 8] = ["true", "yes", "y", "あり", "有", "はい", "済", "○"];
const NO: [&str; 8] = ["0", "-", "no", "false", "なし", "無", "いいえ", "未"];

/// Whether a cell of a column that marks cancelled orders says no.
fn is_no(mark: &str) -> bool {
    mark.is_empty() || NO.contains(&mark.to_lowercase().as_str())
}

/// Whether such a cell says yes: a date, a number that is not 0, or in words.
fn is_yes(mark: &str) -> bool {
    mark.starts_with(|c: char| c.is_ascii_digit())
        || YES.contains(&mark.to_lowercase().as_str())
        || looks_cancelled(mark)
}

fn plain(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || *c == 'ー');
    kept.flat_map(char::to_lowercase).collect()
}

fn kind(heading: &str) -> Option<Kind> {
    let plain = plain(heading);
    let is = |name: &&str| name.strip_prefix('=').map_or_else(|| plain.contains(*name), |whole| plain == whole);
    let fits = |names: &&[&str]| names.iter().any(is);
    HEADINGS.iter().find(|(_, names)| fits(names)).map(|(kind, _)| *kind)
}

fn looks_cancelled(status: &str) -> bool {
    let status = status.to_lowercase();
    CANCELLED.iter().any(|word| status.contains(word)) && !DENIED.iter().any(|word| status.contains(word))
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
    /// Whether the column of this heading has a say.
    pub fn reads(&self, heading: &str) -> bool {
        let is_told = |told: &String| told.split_once('=').is_some_and(|(column, _)| column.trim() == heading);
        kind(heading).is_some() || self.setting.contains_key(heading) || self.told.iter().any(is_told)
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

    /// What is asked, without how to answer.
    pub fn words(&self, lang: Lang) -> String {
        let columns = self.columns.iter().map(|column| column.heading.as_str());
        let columns: Vec<_> = columns.collect();
        lang.pick(
            format!(
                "「{}」の列があります。どの値の注文を後払いとして取り込むかを決めてください。まだ何も取り込んでいません。",
                columns.join("」「")
            ),
            format!(
                "The file has the columns {}: say which of their values are orders to be taken for deferred payment. \
                 Nothing was imported.",
                columns.join(", ")
            ),
        )
    }

    /// The values with their numbers of orders, a line for each.
    pub fn list(&self, lang: Lang) -> String {
        let line = |(answer, orders): (String, usize)| {
            let (column, value) = answer.split_once('=').unwrap_or_default();
            let value = shown_value(value, lang);
            lang.pick(format!("  {column} {value}: {orders}件"), format!("  {column} {value}: {orders} orders"))
        };
        self.answers().map(line).collect::<Vec<_>>().join("\n")
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
    pub reason: Passed,
    /// For how it is paid; else for where it stands, which does not keep an order that is there already from
    /// learning of it.
    pub is_payment: bool,
}

impl Rules {
    /// Why an order with these values, in the order of the columns, is not taken; nothing if it is.
    pub fn not_taken(&self, values: &[String]) -> Option<NotTaken> {
        let (by, value) = self.0.iter().zip(values).find(|(by, value)| !by.rule.takes(value))?;
        let reason = Passed::NotTaken { column: by.heading.clone(), value: value.clone() };
        Some(NotTaken { reason, is_payment: by.is_payment })
    }
}

/// Why it is not decided which orders are taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Undecided {
    /// It has to be said first.
    Asks(Question),
    /// What was said does not fit the file.
    Unfit(FileProblem),
}

/// Decides from the columns that have a say which orders of a file are taken.
pub fn decide(columns: &[Values], choice: Choice<'_>) -> Result<Rules, Undecided> {
    let has = |heading: &str| columns.iter().any(|column| column.heading == heading);
    let missing: Vec<_> = choice.setting.keys().filter(|heading| !has(heading)).cloned().collect();
    if !missing.is_empty() {
        return Err(Undecided::Unfit(FileProblem::MissingHeadings(missing)));
    }
    let told = Told::sort(columns, choice.told)?;
    let mut asked = Vec::new();
    let mut rules = Vec::with_capacity(columns.len());
    for column in columns {
        let heading = column.heading.clone();
        let is_payment = kind(&heading) == Some(Kind::Payment);
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
    match kind(&column.heading) {
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
                    return Err(Undecided::Unfit(FileProblem::MissingHeadings(vec![column.to_owned()])));
                }
                _ => bare.push(word),
            }
        }
        let payments = || columns.iter().filter(|column| kind(&column.heading) == Some(Kind::Payment));
        let has_one = |column: &&Values| bare.iter().any(|word| column.orders.contains_key(*word));
        let mut payment: BTreeSet<_> = payments().filter(has_one).map(|column| column.heading.as_str()).collect();
        // A value that no order has today is still the answer: nothing is taken, and the counts say so.
        if payment.is_empty() && bare.iter().any(|word| !is_value(word)) {
            payment = payments().map(|column| column.heading.as_str()).collect();
            if payment.is_empty() {
                let words = bare.iter().map(|word| (*word).to_owned()).collect();
                return Err(Undecided::Unfit(FileProblem::NothingToTakeBy(words)));
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
        let is_payment = kind(&column.heading) == Some(Kind::Payment);
        let means = |word: &&&str| match is_payment {
            true => self.payment.contains(column.heading.as_str()),
            false => column.orders.contains_key(**word),
        };
        let words: Vec<String> = self.bare.iter().filter(means).map(|word| (*word).to_owned()).collect();
        match words.is_empty() {
            false => Some(Rule::Words(words)),
            true if self.every && kind(&column.heading) == Some(Kind::Status) => Some(Rule::NotCancelled),
            true if self.every && is_payment => Some(Rule::Every),
            true => None,
        }
    }
}
