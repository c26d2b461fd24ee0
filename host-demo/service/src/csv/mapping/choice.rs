//! What a table of columns can say of a value: a column of the file, several that are joined, or a part of an address.
//! Anything else is said in the mapping's text alone.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::plan::fold;
use crate::csv::mapping::value::{Origin, Part, Value};

/// Most columns that the table joins: telephone numbers stand in three, an address in no more than four.
pub const MAX_JOINED: usize = 4;

/// A column of a file, by its heading or, where it has none of its own, by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The column with this heading; which of several that have the same, from 1.
    Heading(String, Option<usize>),
    /// The column at this place, from 1.
    Position(usize),
}

impl Source {
    /// The columns of a file with these headings, in its order.
    pub fn all(headings: &[String]) -> Vec<Self> {
        let folded: Vec<String> = headings.iter().map(|heading| fold(heading)).collect();
        let source = |(at, heading): (usize, &String)| {
            let same = |other: &&String| folded.get(at) == Some(*other);
            let nth = folded.iter().take(at + 1).filter(same).count();
            match (heading.trim(), folded.iter().filter(same).count()) {
                ("", _) => Self::Position(at + 1),
                (heading, 1) => Self::Heading(heading.to_owned(), None),
                (heading, _) => Self::Heading(heading.to_owned(), Some(nth)),
            }
        };
        headings.iter().enumerate().map(source).collect()
    }

    /// What stands for it in a form.
    pub fn key(&self) -> String {
        match self {
            Self::Heading(heading, nth) => format!("{}:{heading}", nth.unwrap_or(0)),
            Self::Position(at) => format!("#{at}"),
        }
    }

    /// What [`Source::key`] made.
    pub fn parse(key: &str) -> Option<Self> {
        if let Some(at) = key.strip_prefix('#') {
            return at.parse().ok().map(Self::Position);
        }
        let (nth, heading) = key.split_once(':')?;
        let nth: usize = nth.parse().ok()?;
        Some(Self::Heading(heading.to_owned(), Some(nth).filter(|nth| *nth > 0)))
    }

    fn of(value: &Value) -> Option<Self> {
        let is_plain = Value { is_optional: false, ..value.clone() } == Value::of(value.from.clone());
        is_plain.then(|| Self::of_origin(&value.from)).flatten()
    }

    fn of_origin(from: &Origin) -> Option<Self> {
        match from {
            Origin::Column { heading, nth } => Some(Self::Heading(heading.clone(), *nth)),
            Origin::Position(at) => Some(Self::Position(*at)),
            Origin::Text(_) | Origin::Join(..) | Origin::FirstOf(_) => None,
        }
    }

    fn origin(&self) -> Origin {
        match self.clone() {
            Self::Heading(heading, nth) => Origin::Column { heading, nth },
            Self::Position(at) => Origin::Position(at),
        }
    }
}

/// What the table says of one of our columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The columns of the file; none: the value stays empty.
    pub sources: Vec<Source>,
    /// Of an address that stands there whole, the part that our column holds is taken.
    pub is_part: bool,
}

impl Choice {
    /// What the table says of a value of `column`; nothing where it is more than that.
    pub fn of(column: Column, value: Option<&Value>) -> Option<Self> {
        let Some(value) = value else { return Some(Self::default()) };
        let sources = match &value.from {
            Origin::Text(text) if text.is_empty() => Vec::new(),
            Origin::Join(parts, _) if parts.len() <= MAX_JOINED => {
                parts.iter().map(Source::of).collect::<Option<_>>()?
            }
            from => vec![Source::of_origin(from)?],
        };
        let is_own_part = value.part.is_none() || value.part == own_part(column);
        is_own_part.then_some(Self { sources, is_part: value.part.is_some() })
    }

    /// The value that this choice makes of `before`, whose words and the like it keeps; nothing where no column is
    /// chosen.
    pub fn value(&self, column: Column, before: Option<&Value>) -> Option<Value> {
        let (parts, with) = match before.map(|value| &value.from) {
            Some(Origin::Join(parts, with)) => (parts.as_slice(), with.as_str()),
            _ => (&[][..], glue(column)),
        };
        let part = |source: &Source| {
            let known = parts.iter().find(|part| Source::of(part).as_ref() == Some(source));
            known.cloned().unwrap_or_else(|| Value::of(source.origin()))
        };
        let from = match self.sources.as_slice() {
            [] => return None,
            [only] => only.origin(),
            several => Origin::Join(several.iter().map(part).collect(), with.to_owned()),
        };
        let part = own_part(column).filter(|_| self.is_part);
        let value = before.filter(|before| Self::of(column, Some(before)).is_some()).cloned();
        Some(Value { from, part, ..value.unwrap_or_else(|| Value::of(Origin::Text(String::new()))) })
    }
}

/// The part of an address that a column holds.
pub fn own_part(column: Column) -> Option<Part> {
    match column {
        Column::BuyerPrefecture | Column::RecipientPrefecture => Some(Part::Prefecture),
        Column::BuyerCity | Column::RecipientCity => Some(Part::City),
        Column::BuyerStreet | Column::RecipientStreet => Some(Part::Street),
        _ => None,
    }
}

/// Whether exports have in several columns what the column holds.
pub fn is_joined(column: Column) -> bool {
    use Column::*;
    matches!(column, OrderedAt | BuyerName | BuyerKana | BuyerPostalCode | BuyerStreet | BuyerPhone)
        || matches!(column, RecipientName | RecipientKana | RecipientPostalCode | RecipientStreet | RecipientPhone)
}

/// What stands between the parts of a value of this column.
fn glue(column: Column) -> &'static str {
    use Column::*;
    match column {
        BuyerPostalCode | RecipientPostalCode | BuyerPhone | RecipientPhone => "-",
        BuyerPrefecture | RecipientPrefecture | BuyerCity | RecipientCity => "",
        _ => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::mapping::preset;
    use strum::VariantArray;

    fn heading(name: &str) -> Source {
        Source::Heading(name.to_owned(), None)
    }

    #[test]
    fn columns_of_a_file_are_told_apart_by_heading_or_by_place() {
        let headings = ["送料", "", "名", "送 料", " 送料 ", "ｶﾅ"].map(str::to_owned);
        let again = |nth| Source::Heading("送料".to_owned(), Some(nth));
        let expected = [again(1), Source::Position(2), heading("名"), heading("送 料"), again(2), heading("ｶﾅ")];
        assert_eq!(Source::all(&headings), expected);
        for source in expected {
            assert_eq!(Source::parse(&source.key()), Some(source));
        }
        assert_eq!(["", "#", "x:名", "名"].map(Source::parse), [const { None }; 4]);
    }

    #[test]
    fn what_the_table_shows_of_a_preset_and_is_sent_back_is_the_same_value() {
        let mut shown = 0;
        for preset in preset::all() {
            for column in Column::VARIANTS {
                let value = preset.mapping.columns.get(column);
                let Some(choice) = Choice::of(*column, value) else { continue };
                assert_eq!(choice.value(*column, value).as_ref(), value, "{} {column:?}", preset.id);
                shown += 1;
            }
        }
        assert!(shown > 200, "{shown}");
    }

    #[test]
    fn another_column_keeps_what_is_done_to_the_value() {
        let before = Value { given_name_first: true, is_optional: true, ..Value::column("Name") };
        let choice = Choice { sources: vec![heading("名"), heading("姓")], is_part: false };
        let after = choice.value(Column::BuyerName, Some(&before)).unwrap();
        assert!(after.given_name_first && after.is_optional);
        let Origin::Join(parts, with) = &after.from else { panic!("{after:?}") };
        assert_eq!((parts, with.as_str()), (&vec![Value::column("名"), Value::column("姓")], " "));
        let whole = Choice { sources: vec![heading("住所")], is_part: true };
        assert_eq!(whole.value(Column::BuyerCity, None).unwrap().part, Some(Part::City));
        let nothing = Choice::default();
        assert_eq!(nothing.value(Column::Note, Some(&before)), None);
        let first = Value::of(Origin::FirstOf(vec![Value::column("電話"), Value::column("携帯")]));
        assert_eq!(Choice::of(Column::BuyerPhone, Some(&first)), None, "more than the table can say");
    }
}
