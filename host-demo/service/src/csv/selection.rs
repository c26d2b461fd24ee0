//! Which orders of a mall's export are taken: an export has orders that were paid by card and orders that were
//! cancelled, and none of them may be billed by deferred payment.
//!
//! A column that tells how an order is paid or where it stands, and for which no values were chosen,
//! makes the import ask. Who answers is the operator, for one file, or the mall's settings, once and for all.

use crate::csv::column_kind::{Kind, is_no, is_yes, kind, kind_of_values, looks_cancelled};
use crate::csv::error::FileError;
use crate::csv::row_result::SkipReason;
use domain::columns::Takes;
use std::collections::{BTreeMap, BTreeSet};

/// Stands for every value of a column.
pub const EVERY: &str = "*";

/// Values of a column that a question names: more than a shop has ways to pay.
const SHOWN_VALUES: usize = 50;

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
        let is_told = |told: &String| readings(told).any(|(column, _)| column == heading);
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
    /// Those for which no values were chosen.
    pub columns: Vec<Values>,
}

/// A value that can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer<'a> {
    /// The heading of its column.
    pub heading: &'a str,
    /// The value.
    pub value: &'a str,
    /// How many orders have it.
    pub orders: usize,
}

impl Answer<'_> {
    /// How it is told.
    pub fn told(&self) -> String {
        format!("{}={}", self.heading, self.value)
    }
}

impl Question {
    /// Each value that can be told; the most frequent ones of a column.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        self.columns.iter().flat_map(|column| {
            let mut answers: Vec<_> = column
                .orders
                .iter()
                .map(|(value, orders)| Answer { heading: &column.heading, value, orders: *orders })
                .collect();
            answers.sort_by_key(|answer| std::cmp::Reverse(answer.orders));
            answers.into_iter().take(SHOWN_VALUES)
        })
    }
}

/// What can be meant by a heading and a value with `=` between them: either can have one of its own.
fn readings(told: &str) -> impl Iterator<Item = (&str, &str)> {
    told.match_indices('=').map(|(at, equals)| (told[..at].trim(), told[at + equals.len()..].trim()))
}

/// What is meant by it where the file has `columns`: of several readings one that an order has.
fn meant<'a>(told: &'a str, columns: &[Values]) -> Option<(&'a str, &'a str)> {
    let known = |(heading, _): &(&str, &str)| columns.iter().find(|column| column.heading == *heading);
    let is_there = |reading: &(&str, &str)| known(reading).is_some_and(|column| column.orders.contains_key(reading.1));
    readings(told).find(is_there).or_else(|| readings(told).find(|reading| known(reading).is_some()))
}

/// What a column says about orders.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    /// Orders with these values are taken.
    Values(Vec<String>),
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
            Self::Values(words) => words.iter().any(|word| word == value || word == EVERY),
            Self::NotCancelled => !looks_cancelled(value),
            Self::NotMarked => is_no(value),
            Self::Every => true,
        }
    }
}

/// Which orders are taken, by the columns that have a say; without one, all.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection(Vec<ColumnRule>);

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

impl Selection {
    /// Why an order with these values, in the order of the columns, is not taken; nothing if it is.
    pub fn not_taken(&self, values: &[String]) -> Option<NotTaken> {
        let (by, value) = self.0.iter().zip(values).find(|(by, value)| !by.rule.takes(value))?;
        let reason = SkipReason::NotTaken { column: by.heading.clone(), value: value.clone() };
        Some(NotTaken { reason, is_payment: by.is_payment })
    }
}

/// Why it is not decided which orders are taken.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectionError {
    /// It has to be said first.
    ChoiceNeeded(Question),
    /// What was said does not fit the file.
    Invalid(FileError),
}

/// Decides from the columns that have a say which orders of a file are taken.
pub fn decide(columns: &[Values], choice: Choice<'_>) -> Result<Selection, SelectionError> {
    let has = |heading: &str| columns.iter().any(|column| column.heading == heading);
    let missing: Vec<_> = choice.setting.keys().filter(|heading| !has(heading)).cloned().collect();
    if !missing.is_empty() {
        return Err(SelectionError::Invalid(FileError::MissingHeadings(missing)));
    }
    let told = OperatorChoice::sort(columns, choice.told)?;
    let mut asked = Vec::new();
    let mut rules = Vec::with_capacity(columns.len());
    for column in columns {
        let heading = column.heading.clone();
        let is_payment = column.kind() == Some(Kind::Payment);
        match told.rule(column).or_else(|| choice.setting.get(&heading).cloned().map(Rule::Values)) {
            Some(rule) => rules.push(ColumnRule { heading, is_payment, rule }),
            None => match unsaid(column) {
                Some(rule) => rules.push(ColumnRule { heading, is_payment, rule }),
                None => asked.push(column.clone()),
            },
        }
    }
    if asked.is_empty() { Ok(Selection(rules)) } else { Err(SelectionError::ChoiceNeeded(Question { columns: asked })) }
}

/// The rule of a column for which no values were chosen; `None` if they have to be chosen.
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
struct OperatorChoice<'a> {
    named: Vec<(&'a str, &'a str)>,
    bare: Vec<&'a str>,
    /// [`EVERY`] was told: all orders of the file are to be billed, but for those that were cancelled.
    every: bool,
    /// The payment columns that bare values are about.
    payment: BTreeSet<&'a str>,
}

impl<'a> OperatorChoice<'a> {
    fn sort(columns: &'a [Values], told: &'a [String]) -> Result<Self, SelectionError> {
        let is_value = |word: &str| columns.iter().any(|column| column.orders.contains_key(word));
        let (mut named, mut bare) = (Vec::new(), Vec::new());
        let every = told.iter().any(|word| word.trim() == EVERY);
        for word in told.iter().map(|word| word.trim()).filter(|word| *word != EVERY) {
            match (meant(word, columns), readings(word).next()) {
                (Some(reading), _) => named.push(reading),
                (None, Some((column, _))) if !is_value(word) => {
                    return Err(SelectionError::Invalid(FileError::MissingHeadings(vec![column.to_owned()])));
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
                return Err(SelectionError::Invalid(FileError::NothingToTakeBy(words)));
            }
        }
        Ok(OperatorChoice { named, bare, every, payment })
    }

    fn rule(&self, column: &Values) -> Option<Rule> {
        let named = self.named.iter().filter(|(heading, _)| *heading == column.heading).map(|(_, value)| *value);
        let named: Vec<String> = named.map(str::to_owned).collect();
        if !named.is_empty() {
            return Some(Rule::Values(named));
        }
        let is_payment = column.kind() == Some(Kind::Payment);
        let means = |word: &&&str| match is_payment {
            true => self.payment.contains(column.heading.as_str()),
            false => column.orders.contains_key(**word),
        };
        let words: Vec<String> = self.bare.iter().filter(means).map(|word| (*word).to_owned()).collect();
        match words.is_empty() {
            false => Some(Rule::Values(words)),
            true if self.every && column.kind() == Some(Kind::Status) => Some(Rule::NotCancelled),
            true if self.every && is_payment => Some(Rule::Every),
            true => None,
        }
    }
}
