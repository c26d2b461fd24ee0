//! Where one value comes from: a column of the file, fixed text, several of these joined, or the first of them that
//! is not empty; and what is done to it before it is ours.
//!
//! In TOML a value is a heading, or a table:
//!
//! ```toml
//! "注文番号" = "受注番号"
//! "注文者氏名" = { join = ["姓", "名"], with = " " }
//! "送料" = { column = "送料", nth = 2 }
//! "備考" = { position = 12 }
//! "税率" = { text = "10" }
//! "注文者市区町村" = { join = ["住所1", "住所2"], part = "city" }
//! "受注ステータス" = { column = "状態", words = { "1" = "新規受付" } }
//! ```

use crate::csv::mapping::error::Wrong;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;

// What is said of a value that does not fit together.
pub(super) const ONE_ORIGIN: &str = "a value needs exactly one of column, position, text, join, first-of";
pub(super) const NTH_ALONE: &str = "nth goes with column alone";
pub(super) const WITH_ALONE: &str = "with goes with join alone";

/// Most parts of one value: a postal address has fewer.
pub const MAX_PARTS: usize = 16;
/// How deep values stand in one another: a part that is the first of some joined columns.
pub const MAX_DEPTH: usize = 4;
/// Longest fixed text and longest heading, in characters: they stand in table columns and messages.
pub const MAX_TEXT: usize = 200;
/// Most words of one table: more than there are prefectures, payment methods and states of an order.
pub const MAX_WORDS: usize = 300;
/// Highest position of a column and highest count of one heading; exports have a few hundred columns.
pub const MAX_POSITION: usize = 2_000;

/// Words for words: what stands in the file, what it means here.
pub type WordTable = BTreeMap<String, String>;

/// Whether a table has too many words, or too long ones.
pub fn is_long_table(table: &WordTable) -> bool {
    let is_long = |text: &String| text.chars().count() > MAX_TEXT;
    table.len() > MAX_WORDS || table.iter().any(|(from, to)| is_long(from) || is_long(to))
}

/// A value and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Where it comes from.
    pub from: Origin,
    /// What is taken of an address.
    pub part: Option<Part>,
    /// A name of two words has the given name first, and gets the family name first.
    pub given_name_first: bool,
    /// Words for words.
    pub words: Option<Words>,
    /// What becomes of a value that is none of the words, or of an address that cannot be parted.
    pub otherwise: Option<Otherwise>,
    /// Stands before a value that is not empty.
    pub prefix: String,
    /// Stands behind a value that is not empty.
    pub suffix: String,
    /// A file without its columns can be read.
    pub is_optional: bool,
    /// How often an amount counts; for amounts alone.
    pub per: Option<Per>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A column by its heading; `nth` of those that have the same, from 1.
    Column {
        /// Its heading.
        heading: String,
        /// Which of several with this heading.
        nth: Option<usize>,
    },
    /// A column by its place in the row, from 1.
    Position(usize),
    /// The same in every row.
    Text(String),
    /// All that are not empty, with a text between them.
    Join(Vec<Value>, String),
    /// The first that is not empty.
    FirstOf(Vec<Value>),
}

/// A part of a Japanese address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// 都道府県
    Prefecture,
    /// 市区町村
    City,
    /// What follows the 市区町村.
    Street,
}

/// A table of words: here, or one of the mapping's by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// One of the tables of the mapping.
    Named(String),
    /// Here.
    Table(WordTable),
}

/// What becomes of a value that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It stays as it is. An address stays whole, as the street.
    Keep,
    /// It becomes empty.
    Empty,
    /// The row is refused.
    Refuse,
}

/// How often an amount counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// Once, on however many rows of the order it stands.
    #[default]
    Order,
    /// Once for each destination.
    Destination,
    /// On every row on which it stands.
    Row,
}

impl Value {
    /// A value that comes from there, with nothing done to it.
    pub fn of(from: Origin) -> Self {
        Self {
            from,
            part: None,
            given_name_first: false,
            words: None,
            otherwise: None,
            prefix: String::new(),
            suffix: String::new(),
            is_optional: false,
            per: None,
        }
    }

    /// The column with this heading.
    pub fn column(heading: impl Into<String>) -> Self {
        Self::of(Origin::Column { heading: heading.into(), nth: None })
    }

    /// What is wrong with it, wherever it stands.
    pub fn problem(&self) -> Option<Wrong> {
        self.problem_at(1)
    }

    fn problem_at(&self, depth: usize) -> Option<Wrong> {
        let is_long = |text: &str| text.chars().count() > MAX_TEXT;
        if depth > MAX_DEPTH {
            return Some(Wrong::TooDeep);
        }
        if is_long(&self.prefix) || is_long(&self.suffix) {
            return Some(Wrong::TextTooLong);
        }
        if let Some(Words::Table(table)) = &self.words
            && is_long_table(table)
        {
            return Some(Wrong::WordsTooLong);
        }
        let is_place = |at: usize| (1..=MAX_POSITION).contains(&at);
        match &self.from {
            Origin::Column { heading, .. } if heading.is_empty() || is_long(heading) => Some(Wrong::Heading),
            Origin::Column { nth: Some(at), .. } | Origin::Position(at) if !is_place(*at) => Some(Wrong::Place),
            Origin::Text(text) | Origin::Join(_, text) if is_long(text) => Some(Wrong::TextTooLong),
            Origin::Join(parts, _) | Origin::FirstOf(parts) => match parts.len() {
                1..=MAX_PARTS => parts.iter().find_map(|part| part.problem_at(depth + 1)),
                _ => Some(Wrong::Parts),
            },
            _ => None,
        }
    }

    /// Every heading that it reads.
    pub fn headings(&self) -> Vec<&str> {
        match &self.from {
            Origin::Column { heading, .. } => vec![heading],
            Origin::Join(parts, _) | Origin::FirstOf(parts) => parts.iter().flat_map(Self::headings).collect(),
            Origin::Position(_) | Origin::Text(_) => Vec::new(),
        }
    }

    /// Every name of a table of words that it needs.
    pub fn word_tables(&self) -> Vec<&str> {
        let own = match &self.words {
            Some(Words::Named(name)) => Some(name.as_str()),
            _ => None,
        };
        let parts: &[Self] = match &self.from {
            Origin::Join(parts, _) | Origin::FirstOf(parts) => parts,
            _ => &[],
        };
        own.into_iter().chain(parts.iter().flat_map(Self::word_tables)).collect()
    }
}

/// As it stands in a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_of: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    given_name_first: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    otherwise: Option<Otherwise>,
    #[serde(skip_serializing_if = "String::is_empty")]
    prefix: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    suffix: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<Per>,
}

impl TryFrom<Table> for Value {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, &'static str> {
        let Table { column, nth, position, text, join, with, first_of, .. } = table;
        let origins = [
            column.map(|heading| Origin::Column { heading, nth }),
            position.map(Origin::Position),
            text.map(Origin::Text),
            join.map(|parts| Origin::Join(parts, with.clone().unwrap_or_default())),
            first_of.map(Origin::FirstOf),
        ];
        let mut origins = origins.into_iter().flatten();
        let (Some(from), None) = (origins.next(), origins.next()) else {
            return Err(ONE_ORIGIN);
        };
        if nth.is_some() && !matches!(from, Origin::Column { .. }) {
            return Err(NTH_ALONE);
        }
        if with.is_some() && !matches!(from, Origin::Join(..)) {
            return Err(WITH_ALONE);
        }
        Ok(Self {
            from,
            part: table.part,
            given_name_first: table.given_name_first,
            words: table.words,
            otherwise: table.otherwise,
            prefix: table.prefix,
            suffix: table.suffix,
            is_optional: table.optional,
            per: table.per,
        })
    }
}

impl From<Value> for Table {
    fn from(value: Value) -> Self {
        let mut table = Self {
            part: value.part,
            given_name_first: value.given_name_first,
            words: value.words,
            otherwise: value.otherwise,
            prefix: value.prefix,
            suffix: value.suffix,
            optional: value.is_optional,
            per: value.per,
            ..Self::default()
        };
        match value.from {
            Origin::Column { heading, nth } => (table.column, table.nth) = (Some(heading), nth),
            Origin::Position(at) => table.position = Some(at),
            Origin::Text(text) => table.text = Some(text),
            Origin::Join(parts, with) => {
                (table.join, table.with) = (Some(parts), Some(with).filter(|with| !with.is_empty()));
            }
            Origin::FirstOf(parts) => table.first_of = Some(parts),
        }
        table
    }
}

impl<'de> Deserialize<'de> for Value {
    /// A heading or a table; written by hand, for an untagged enum would not say which key is wrong.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a heading, or a table that says where the value comes from")
            }

            fn visit_str<E: de::Error>(self, heading: &str) -> Result<Value, E> {
                Ok(Value::column(heading))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Value::try_from(table).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.from {
            Origin::Column { heading, nth: None } if *self == Self::column(heading) => {
                serializer.serialize_str(heading)
            }
            _ => Table::from(self.clone()).serialize(serializer),
        }
    }
}
