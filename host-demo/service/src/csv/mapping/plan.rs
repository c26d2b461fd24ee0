//! A mapping and the headings of a file, brought together: every value knows where in a record it stands.

use crate::csv::mapping::address;
use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::{Adjustment, FileLayout, Mapping, Prices, RowKind, Sign, Total};
use crate::csv::mapping::error::{MappingError, ProblemKind, shown};
use crate::csv::mapping::value::{Origin, Otherwise, Part, Per, Value, WordTable, Words};
use domain::identifier::unified;
use std::collections::{BTreeMap, BTreeSet};
use strum::VariantArray;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// How the records of one file are read.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Of each column that has a source, where its value is.
    pub columns: BTreeMap<Column, Reader>,
    /// How often an amount of the order counts.
    pub per: BTreeMap<Column, Per>,
    /// What tells destinations apart.
    pub destination: Option<Reader>,
    /// What tells the rows of an order apart.
    pub row_id: Option<Reader>,
    /// What a row is, and what the kinds are called.
    pub row_kind: Option<(Reader, BTreeMap<String, RowKind>)>,
    /// Prices.
    pub prices: Prices,
    /// Where a row says how it is rounded.
    pub rounding: Option<Reader>,
    /// Columns that add to the bill or take from it; those that the file does not have are left out.
    pub adjustments: Vec<PlannedAdjustment>,
    /// Rows that are passed over: where, and what stands there.
    pub skip: Vec<(Reader, Vec<String>)>,
    /// A row without a number belongs to the order above it.
    pub number_on_first_row: bool,
    /// The headings of the file, folded; none where it has none.
    pub headings: Vec<String>,
}

/// An adjustment and where its values are.
#[derive(Debug, Clone)]
pub struct PlannedAdjustment {
    /// What stands on the bill.
    pub name: String,
    /// What stands behind the name.
    pub detail: Option<Reader>,
    /// Its amount.
    pub amount: Reader,
    /// What its sign means.
    pub sign: Sign,
    /// How often it counts.
    pub per: Per,
    /// Percent.
    pub tax_rate: Option<u8>,
}

/// Reads one value of a record.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The headings of what it reads, as people know them.
    pub heading: String,
    source: Source,
    /// Every cell is brought to the one form of identifiers.
    is_identifier: bool,
    part: Option<Part>,
    given_name_first: bool,
    words: Option<WordTable>,
    otherwise: Option<Otherwise>,
    prefix: String,
    suffix: String,
}

#[derive(Debug, Clone)]
enum Source {
    Cell(usize),
    Text(String),
    Join(Vec<Reader>, String),
    FirstOf(Vec<Reader>),
}

impl Plan {
    /// Finds every column of `mapping` among `headings`; everything that does not fit.
    pub fn new(mapping: &Mapping, headings: &[String]) -> Result<Self, Vec<MappingError>> {
        let mut finder = Finder::new(mapping.file, &mapping.words, headings);
        let mut columns = BTreeMap::new();
        for column in Column::VARIANTS.iter().copied() {
            if let Some(reader) = finder.column(mapping, column) {
                columns.insert(column, reader);
            }
        }
        let per = mapping.columns.iter().filter_map(|(column, value)| Some((*column, value.per?))).collect();
        let destination = mapping.destination.as_ref().and_then(|value| finder.value(value, "destination", true));
        let row_id = mapping.row_id.as_ref().and_then(|value| finder.value(value, "row-id", true));
        let kinds = mapping.row_kind.as_ref();
        let row_kind =
            kinds.and_then(|kinds| Some((finder.value(&kinds.from, "row-kind", false)?, folded(&kinds.words))));
        let rounding = mapping.prices.rounding_from.as_ref();
        let rounding = rounding.and_then(|value| finder.value(value, "prices.rounding-from", false));
        let adjustments = mapping.adjustments.iter().filter_map(|adjustment| finder.adjustment(adjustment)).collect();
        let skip = mapping.skip.iter();
        let skip = skip.filter_map(|skip| {
            let values = skip.is.iter().map(|value| fold(value)).collect();
            Some((finder.value(&skip.from, "skip", false)?, values))
        });
        let skip = skip.collect();
        if !finder.errors.is_empty() {
            return Err(finder.errors);
        }
        Ok(Self {
            columns,
            per,
            destination,
            row_id,
            row_kind,
            prices: mapping.prices.clone(),
            rounding,
            adjustments,
            skip,
            number_on_first_row: mapping.number_on_first_row,
            headings: finder.headings,
        })
    }

    /// The heading of the file from which `column` comes; our own where there is none.
    pub fn heading(&self, column: Column) -> &str {
        self.columns.get(&column).map_or(column.name(), |reader| &reader.heading)
    }
}

impl Plan {
    /// Everything that it reads.
    fn readers(&self) -> impl Iterator<Item = &Reader> {
        let kind = self.row_kind.as_ref().map(|(reader, _)| reader);
        let single = [self.destination.as_ref(), self.row_id.as_ref(), kind, self.rounding.as_ref()];
        let adjustments = self.adjustments.iter().flat_map(|one| [Some(&one.amount), one.detail.as_ref()]);
        let skip = self.skip.iter().map(|(reader, _)| reader);
        self.columns.values().chain(single.into_iter().flatten()).chain(adjustments.flatten()).chain(skip)
    }

    /// The places of a row that it reads, and the heading under which it reads each.
    pub fn places(&self) -> BTreeMap<usize, &str> {
        self.readers().flat_map(|reader| reader.places().into_iter().map(|at| (at, reader.heading.as_str()))).collect()
    }

    /// How many cells a row must have at least, so that those that are missing can only be empty.
    pub fn needed_width(&self) -> usize {
        let required = self.columns.iter().filter(|(column, _)| column.is_required());
        required.filter_map(|(_, reader)| reader.last_needed()).max().map_or(0, |place| place + 1)
    }
}

/// The headings that a mapping reads, for rows of which each may be the one with the headings.
pub struct Wanted(BTreeSet<String>);

impl Wanted {
    /// Those of `mapping`.
    pub fn of(mapping: &Mapping) -> Self {
        let own = if mapping.same_names { Column::VARIANTS } else { &[] };
        let own = own.iter().filter(|column| !mapping.columns.contains_key(column)).map(|column| column.name());
        Self(mapping.values().iter().flat_map(|(_, value)| value.headings()).chain(own).map(fold).collect())
    }

    /// How many of them are among `headings`.
    pub fn among(&self, headings: &[String]) -> usize {
        let there: BTreeSet<&String> = headings.iter().filter_map(|heading| self.0.get(&fold(heading))).collect();
        there.len()
    }
}

/// Finds the columns of a file that is not one of orders: for each value the name of what it is for, and whether it names
/// something; a reader for each, nothing for one that the file may be without.
pub fn readers(
    file: FileLayout,
    values: &[(&str, &Value, bool)],
    headings: &[String],
) -> Result<Vec<Option<Reader>>, Vec<MappingError>> {
    let no_tables = BTreeMap::new();
    let mut finder = Finder::new(file, &no_tables, headings);
    let found = values.iter().map(|(name, value, is_identifier)| finder.value(value, name, *is_identifier)).collect();
    if finder.errors.is_empty() { Ok(found) } else { Err(finder.errors) }
}

/// What makes two headings, or two words, the same: width of letters and blanks around them do not count.
pub fn fold(text: &str) -> String {
    match is_nfkc_quick(text.chars()) {
        // Most cells have this form already.
        IsNormalized::Yes => text.trim().to_owned(),
        _ => text.nfkc().collect::<String>().trim().to_owned(),
    }
}

fn folded<T: Clone>(words: &BTreeMap<String, T>) -> BTreeMap<String, T> {
    words.iter().map(|(from, to)| (fold(from), to.clone())).collect()
}

/// Finds the columns of a file, and collects what is missing.
struct Finder<'a> {
    headings: Vec<String>,
    file: FileLayout,
    words: &'a BTreeMap<String, WordTable>,
    errors: Vec<MappingError>,
}

impl<'a> Finder<'a> {
    fn new(file: FileLayout, words: &'a BTreeMap<String, WordTable>, headings: &[String]) -> Self {
        let headings = headings.iter().map(|heading| fold(heading)).collect();
        Finder { headings, file, words, errors: Vec::new() }
    }

    fn column(&mut self, mapping: &Mapping, column: Column) -> Option<Reader> {
        if column == Column::Total && mapping.prices.total == Total::Computed {
            return None;
        }
        let own;
        let value = match mapping.columns.get(&column) {
            Some(value) => value,
            None if mapping.same_names => {
                own = Value { is_optional: !column.is_required(), ..Value::column(column.name()) };
                &own
            }
            None => {
                if column.is_required() {
                    self.errors.push(MappingError::NoSource(column.name().to_owned()));
                }
                return None;
            }
        };
        self.value(value, column.name(), column.is_identifier())
    }

    fn adjustment(&mut self, adjustment: &Adjustment) -> Option<PlannedAdjustment> {
        Some(PlannedAdjustment {
            name: adjustment.name.clone(),
            detail: adjustment.detail.as_ref().and_then(|value| self.value(value, &adjustment.name, false)),
            amount: self.value(&adjustment.amount, &adjustment.name, false)?,
            sign: adjustment.sign,
            per: adjustment.per(),
            tax_rate: adjustment.tax_rate,
        })
    }

    fn value(&mut self, value: &Value, column: &str, is_identifier: bool) -> Option<Reader> {
        self.reader(value, &Needs { column, is_identifier, is_optional: false })
    }

    /// Nothing where the file does not have it, which is an error unless the value may be missing.
    fn reader(&mut self, value: &Value, needs: &Needs<'_>) -> Option<Reader> {
        let needs = Needs { is_optional: needs.is_optional || value.is_optional, ..*needs };
        let (source, heading) = match &value.from {
            Origin::Column { heading, nth } => (Source::Cell(self.place(heading, *nth, &needs)?), heading.clone()),
            Origin::Position(at) => (Source::Cell(self.position(*at, &needs)?), format!("{at}")),
            Origin::Text(text) => (Source::Text(text.clone()), format!("\"{text}\"")),
            Origin::Join(parts, with) => {
                let parts: Vec<_> = parts.iter().filter_map(|part| self.reader(part, &needs)).collect();
                let heading = headings(&parts, "+")?;
                (Source::Join(parts, with.clone()), heading)
            }
            Origin::FirstOf(parts) => {
                let any = Needs { is_optional: true, ..needs };
                let found: Vec<_> = parts.iter().filter_map(|part| self.reader(part, &any)).collect();
                if found.is_empty() && !needs.is_optional {
                    let heading = value.headings().join(" / ");
                    self.errors.push(MappingError::Missing { heading, column: needs.column.to_owned() });
                }
                let heading = headings(&found, "/")?;
                (Source::FirstOf(found), heading)
            }
        };
        let words = match &value.words {
            Some(Words::Table(table)) => Some(folded(table)),
            Some(Words::Named(name)) => self.words.get(name).map(folded),
            None => None,
        };
        Some(Reader {
            heading,
            source,
            is_identifier: needs.is_identifier,
            part: value.part,
            given_name_first: value.given_name_first,
            words,
            otherwise: value.otherwise,
            prefix: value.prefix.clone(),
            suffix: value.suffix.clone(),
        })
    }

    fn place(&mut self, heading: &str, nth: Option<usize>, needs: &Needs<'_>) -> Option<usize> {
        let wanted = fold(heading);
        let places: Vec<usize> =
            self.headings.iter().enumerate().filter(|(_, there)| **there == wanted).map(|(at, _)| at).collect();
        let heading = || heading.to_owned();
        let (error, found) = match (nth, places.as_slice()) {
            (None, [only]) => (None, Some(*only)),
            (_, []) if needs.is_optional => (None, None),
            (_, []) => (Some(MappingError::Missing { heading: heading(), column: needs.column.to_owned() }), None),
            (None, several) => (Some(MappingError::Several { heading: heading(), count: several.len() }), None),
            (Some(nth), several) => match several.get(nth.saturating_sub(1)) {
                Some(place) => (None, Some(*place)),
                None if needs.is_optional => (None, None),
                None => (Some(MappingError::NotSoMany { heading: heading(), nth, count: several.len() }), None),
            },
        };
        self.report(error);
        found
    }

    /// Without headings the width of the rows is not known: what is beyond them is empty.
    fn position(&mut self, at: usize, needs: &Needs<'_>) -> Option<usize> {
        if at > self.headings.len() && !self.file.no_headings {
            let error = MappingError::Beyond { position: at, width: self.headings.len() };
            self.report(Some(error).filter(|_| !needs.is_optional));
            return None;
        }
        at.checked_sub(1)
    }

    fn report(&mut self, error: Option<MappingError>) {
        self.errors.extend(error.filter(|error| !self.errors.contains(error)));
    }
}

/// For what a value is needed.
#[derive(Clone, Copy)]
struct Needs<'a> {
    column: &'a str,
    is_identifier: bool,
    is_optional: bool,
}

fn headings(parts: &[Reader], with: &str) -> Option<String> {
    let of_columns = parts.iter().filter(|part| !matches!(part.source, Source::Text(_)));
    let headings: Vec<_> = of_columns.map(|part| part.heading.as_str()).collect();
    (!parts.is_empty()).then(|| headings.join(with))
}

impl Reader {
    /// The places of a row that it reads.
    pub fn places(&self) -> Vec<usize> {
        match &self.source {
            Source::Cell(at) => vec![*at],
            Source::Text(_) => Vec::new(),
            Source::Join(parts, _) | Source::FirstOf(parts) => parts.iter().flat_map(Self::places).collect(),
        }
    }

    /// The one cell that is its value as it stands there.
    pub fn only_place(&self) -> Option<usize> {
        match &self.source {
            Source::Cell(at) if self.words.is_none() && self.part.is_none() => Some(*at),
            _ => None,
        }
    }

    /// The last place that a value needs: of parts that are joined the last one, of alternatives the nearest.
    fn last_needed(&self) -> Option<usize> {
        match &self.source {
            Source::Cell(at) => Some(*at),
            Source::Text(_) => None,
            Source::Join(parts, _) => parts.iter().filter_map(Self::last_needed).max(),
            Source::FirstOf(parts) => parts.iter().filter_map(Self::last_needed).min(),
        }
    }

    /// The value in a record.
    pub fn read(&self, record: &[String]) -> Result<String, ProblemKind> {
        let raw = match &self.source {
            Source::Cell(at) => self.cell(record, *at),
            Source::Text(text) => text.clone(),
            Source::Join(parts, with) => {
                let parts: Result<Vec<String>, ProblemKind> = parts.iter().map(|part| part.read(record)).collect();
                let parts: Vec<String> = parts?.into_iter().filter(|part| !part.is_empty()).collect();
                parts.join(with)
            }
            Source::FirstOf(parts) => {
                let mut values = parts.iter().map(|part| part.read(record));
                let is_settled =
                    |value: &Result<String, ProblemKind>| value.as_ref().map_or(true, |value| !value.is_empty());
                values.find(is_settled).unwrap_or_else(|| Ok(String::new()))?
            }
        };
        let value = self.address_part(raw)?;
        let value = if self.given_name_first { family_name_first(value) } else { value };
        let value = self.translated(value)?;
        Ok(if value.is_empty() { value } else { format!("{}{value}{}", self.prefix, self.suffix) })
    }

    fn cell(&self, record: &[String], at: usize) -> String {
        let cell = record.get(at).map_or("", |cell| cell.trim());
        if self.is_identifier { unified(cell) } else { cell.to_owned() }
    }

    fn address_part(&self, address: String) -> Result<String, ProblemKind> {
        let Some(part) = self.part.filter(|_| !address.is_empty()) else { return Ok(address) };
        let found = address::parts(&address).map(|parts| match part {
            Part::Prefecture => parts.prefecture.to_owned(),
            Part::City => parts.city.split_whitespace().collect(),
            Part::Street => parts.street.to_owned(),
        });
        match (found, self.otherwise.unwrap_or(Otherwise::Refuse)) {
            (Some(found), _) => Ok(found),
            (None, Otherwise::Refuse) => Err(ProblemKind::Address(shown(&address))),
            (None, Otherwise::Keep) if part == Part::Street => Ok(address),
            (None, Otherwise::Keep | Otherwise::Empty) => Ok(String::new()),
        }
    }

    fn translated(&self, value: String) -> Result<String, ProblemKind> {
        let Some(words) = &self.words else { return Ok(value) };
        match (words.get(&fold(&value)), self.otherwise.unwrap_or(Otherwise::Keep)) {
            (Some(word), _) => Ok(word.clone()),
            (None, Otherwise::Keep) => Ok(value),
            (None, _) if value.is_empty() => Ok(value),
            (None, Otherwise::Empty) => Ok(String::new()),
            (None, Otherwise::Refuse) => Err(ProblemKind::NoWord(shown(&value))),
        }
    }
}

/// `花子 見本` as `見本 花子`; a name that is not two words is left alone, for nobody can tell where the family name is.
fn family_name_first(name: String) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.as_slice() {
        [given, family] => format!("{family} {given}"),
        _ => name,
    }
}
