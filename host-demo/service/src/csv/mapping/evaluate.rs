//! Reads a whole file by a mapping: every record is part of exactly one order, or of none for a reason.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::{Mapping, Total};
use crate::csv::mapping::error::{MappingError, Problem, ProblemKind};
use crate::csv::mapping::layout::heading_place;
use crate::csv::mapping::order::{MappedOrder, order};
use crate::csv::mapping::plan::Plan;
use crate::csv::mapping::row::{Record, Row, Skipped};
use domain::identifier::is_mangled;
use std::collections::HashMap;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluated {
    /// Its orders, in the order of their first rows.
    pub orders: Vec<MappedOrder>,
    /// Records that are part of no order: the line, why.
    pub skipped: Vec<(u64, Skipped)>,
}

impl Evaluated {
    /// How many orders were gathered from rows between which other orders stand.
    pub fn gathered(&self) -> usize {
        self.orders.iter().filter(|order| order.is_gathered).count()
    }

    /// How many records it accounts for.
    pub fn records(&self) -> usize {
        self.skipped.len() + self.orders.iter().map(|order| order.lines.len()).sum::<usize>()
    }
}

/// Reads all records of a file, titles and headings among them.
pub fn evaluate(mapping: &Mapping, records: &[Record]) -> Result<Evaluated, Vec<MappingError>> {
    let no_headings = || vec![MappingError::NoHeadings];
    let (above, headings, below) = match mapping.file.no_headings {
        true => (&[][..], None, records),
        false => {
            let at = heading_place(mapping, records).ok_or_else(no_headings)?;
            let (above, rest) = records.split_at_checked(at).ok_or_else(no_headings)?;
            let (headings, below) = rest.split_first().ok_or_else(no_headings)?;
            (above, Some(headings), below)
        }
    };
    let plan = Plan::new(mapping, headings.map_or(&[], |headings| &headings.cells))?;
    let mut evaluated = plan.evaluate(below);
    let above =
        above.iter().map(|record| (record.line, if record.is_blank() { Skipped::Blank } else { Skipped::Title }));
    let headings = headings.map(|record| (record.line, Skipped::Headings));
    evaluated.skipped.splice(0..0, above.chain(headings));
    Ok(evaluated)
}

impl Plan {
    /// Reads the records below the headings.
    pub fn evaluate(&self, records: &[Record]) -> Evaluated {
        let (mut grouping, mut groups) = (Grouping::default(), Vec::<Group>::new());
        let mut skipped = Vec::new();
        for record in records {
            if let Some(reason) = self.skipped(record) {
                skipped.push((record.line, reason));
                continue;
            }
            let row = self.row(record);
            let Place { group, is_apart } = grouping.place(self, row.cells.get(Column::Number));
            if group == groups.len() {
                groups.push(Group::default());
            }
            let repeated = groups.get_mut(group).and_then(|group| group.add(self, row, is_apart));
            skipped.extend(repeated.map(|first| (record.line, Skipped::Repeated(first))));
        }
        let orders = groups.iter().map(|group| group.order(self)).collect();
        Evaluated { orders, skipped }
    }
}

/// Which order a row belongs to, wherever the rows of the order stand.
#[derive(Default)]
pub struct Grouping {
    groups: usize,
    by_number: HashMap<String, usize>,
    /// Which order the row above belongs to.
    above: Option<usize>,
}

/// The order that a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted in the order of the orders' first rows.
    pub group: usize,
    /// Rows of another order stand between it and the order's row before.
    pub is_apart: bool,
}

impl Grouping {
    /// The order of a row with this number.
    ///
    /// A row without a number is an order of its own, unless it belongs to the one above; so is one whose number a
    /// spreadsheet destroyed, for it can be any order's.
    pub fn place(&mut self, plan: &Plan, number: &str) -> Place {
        let is_name = !number.is_empty() && !is_mangled(number);
        let known = match number {
            "" if plan.number_on_first_row => self.above,
            _ if is_name => self.by_number.get(number).copied(),
            _ => None,
        };
        let Some(group) = known else {
            let place = self.apart();
            if is_name {
                self.by_number.insert(number.to_owned(), place.group);
            }
            self.above = Some(place.group);
            return place;
        };
        let is_apart = known != self.above;
        self.above = known;
        Place { group, is_apart }
    }

    /// The place of a row of which nobody knows to which order it belongs, nor where it ends.
    pub fn apart(&mut self) -> Place {
        let group = self.groups;
        self.groups += 1;
        self.above = None;
        Place { group, is_apart: false }
    }
}

/// The rows of one order.
#[derive(Default)]
pub struct Group {
    rows: Vec<Row>,
    is_gathered: bool,
    /// A row that stands apart from one that says the same.
    doubtful: Option<Problem>,
}

impl Group {
    /// Adds a row, at least one; the line of the one that it repeats, if it does: then it is not put there again.
    pub fn add(&mut self, plan: &Plan, mut row: Row, is_apart: bool) -> Option<u64> {
        match self.repetition(plan, &row, is_apart) {
            Some(Ok(first)) => return Some(first),
            Some(Err(problem)) if plan.row_id.is_none() && plan.prices.total == Total::Checked => {
                self.doubtful.get_or_insert(problem);
            }
            Some(Err(problem)) => row.problems.push(problem),
            None => {}
        }
        self.is_gathered |= is_apart;
        self.rows.push(row);
        None
    }

    /// The order.
    pub fn order(&self, plan: &Plan) -> MappedOrder {
        let mut order = order(plan, &self.rows, self.is_gathered);
        let is_total = |problem: &Problem| matches!(problem.kind, ProblemKind::Total { .. });
        // The total shows whether the row is meant twice.
        if let Some(doubtful) = self.doubtful.as_ref().filter(|_| order.problems.iter().any(is_total)) {
            order.problems.retain(|problem| !is_total(problem));
            order.problems.push(doubtful.clone());
        }
        order
    }

    /// The line of the row that `row` repeats; what is wrong where it cannot be said whether it does.
    fn repetition(&self, plan: &Plan, row: &Row, is_apart: bool) -> Option<Result<u64, Problem>> {
        let problem = |heading: &str, kind| Problem { line: row.line, heading: heading.to_owned(), kind };
        if let Some(id) = &plan.row_id {
            let known = self.rows.iter().find(|known| !row.id.is_empty() && known.id == row.id)?;
            let is_same = known.says_as(row);
            return Some(is_same.then_some(known.line).ok_or_else(|| problem(&id.heading, ProblemKind::RowsDiffer)));
        }
        // Nothing but a total shows whether an order is in the file twice.
        let known = self.rows.iter().find(|known| is_apart && known.says_as(row))?;
        Some(Err(problem(plan.heading(Column::Number), ProblemKind::Repeated(known.line))))
    }
}
