//! The rows of an order, gathered from wherever they stand: what is the order's, its destinations, its bill.

use crate::csv::mapping::bill::{Bill, BillLine, Placed, bill};
use crate::csv::mapping::column::{Cells, Column, Level};
use crate::csv::mapping::error::{MAX_PROBLEMS, Problem, ProblemKind};
use crate::csv::mapping::plan::Plan;
use crate::csv::mapping::row::Row;
use strum::VariantArray;

/// An order of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedOrder {
    /// 注文番号
    pub number: String,
    /// The lines of the file on which its rows begin, from 1.
    pub lines: Vec<u64>,
    /// Rows of another order stand between its own.
    pub is_gathered: bool,
    /// What is the order's own: every column that belongs to it, its amounts as the bill has them.
    pub cells: Cells,
    /// Where its goods go; none where the file names no recipient.
    pub destinations: Vec<Destination>,
    /// What it costs.
    pub bill: Bill,
    /// What is wrong with it. An order with problems must not be taken.
    pub problems: Vec<Problem>,
}

/// Where goods of an order go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What tells it from the order's others.
    pub key: String,
    /// The recipient's columns.
    pub cells: Cells,
}

impl MappedOrder {
    /// The order as rows under our own headings, one for each line of its bill, whatever its file looks like.
    pub fn rows(&self) -> Vec<Cells> {
        self.bill.lines.iter().map(|line| self.row(line)).collect()
    }

    fn row(&self, line: &BillLine) -> Cells {
        let mut cells = self.cells.clone();
        let destination = self.destinations.get(line.destination.unwrap_or(0));
        for (column, cell) in destination.iter().flat_map(|destination| destination.cells.iter()) {
            if column.level() == Level::Destination {
                cells.set(column, cell);
            }
        }
        cells.set(Column::ItemName, &line.name);
        cells.set(Column::UnitPrice, line.unit_price.to_string());
        cells.set(Column::Quantity, line.quantity.to_string());
        cells.set(Column::TaxRate, line.tax_rate.map(|rate| rate.to_string()).unwrap_or_default());
        cells
    }
}

/// Makes an order of its rows, which are at least one.
pub fn order(plan: &Plan, rows: &[Row], is_gathered: bool) -> MappedOrder {
    let mut problems: Vec<Problem> = rows.iter().flat_map(|row| row.problems.clone()).collect();
    let mut cells = common(plan, &rows.iter().collect::<Vec<_>>(), Level::Order, &mut problems);
    require(plan, &cells, rows, &mut problems);
    let (destinations, places) = destinations(plan, rows, &mut problems);
    let placed: Vec<Placed<'_>> = rows.iter().zip(places).collect();
    let (bill, wrong) = bill(plan, &placed);
    problems.extend(wrong);
    // What is wrong otherwise can be why the sum is.
    if problems.len() > 1 {
        problems.retain(|problem| !matches!(problem.kind, ProblemKind::Total { .. }));
    }
    problems.truncate(MAX_PROBLEMS);
    for (column, yen) in
        [(Column::ShippingFee, bill.shipping_fee), (Column::PaymentFee, bill.payment_fee), (Column::Total, bill.total)]
    {
        cells.set(column, yen.to_string());
    }
    let number = cells.get(Column::Number).to_owned();
    let lines = rows.iter().map(|row| row.line).collect();
    MappedOrder { number, lines, is_gathered, cells, destinations, bill, problems }
}

/// What the rows say together about the columns of `level`: a value may stand on one of them only.
fn common(plan: &Plan, rows: &[&Row], level: Level, problems: &mut Vec<Problem>) -> Cells {
    let mut cells = Cells::default();
    let columns = Column::VARIANTS.iter().copied().filter(|column| column.level() == level);
    for column in columns.filter(|column| !column.is_order_amount()) {
        let mut given = rows.iter().filter(|row| !row.cells.get(column).is_empty());
        let Some(first) = given.next() else { continue };
        cells.set(column, first.cells.get(column));
        if let Some(other) = given.find(|row| row.cells.get(column) != first.cells.get(column)) {
            let heading = plan.heading(column).to_owned();
            problems.push(Problem { line: other.line, heading, kind: ProblemKind::RowsDiffer });
        }
    }
    cells
}

/// What an order cannot be without.
fn require(plan: &Plan, cells: &Cells, rows: &[Row], problems: &mut Vec<Problem>) {
    let columns = Column::VARIANTS.iter().copied();
    let of_order = columns.filter(|column| column.level() == Level::Order && !column.is_order_amount());
    for column in of_order.filter(|column| column.is_required() && cells.get(*column).is_empty()) {
        let heading = plan.heading(column);
        // A value that could not be read has been named already.
        if problems.iter().all(|problem| problem.heading != heading) {
            let line = rows.first().map_or(0, |row| row.line);
            problems.push(Problem { line, heading: heading.to_owned(), kind: ProblemKind::Empty });
        }
    }
}

/// The order's destinations, and of each row the one to which it goes. A row that names none goes where the row above
/// it goes.
fn destinations(plan: &Plan, rows: &[Row], problems: &mut Vec<Problem>) -> (Vec<Destination>, Vec<Option<usize>>) {
    let mut keys: Vec<&str> = Vec::new();
    let mut of_rows: Vec<Option<usize>> = Vec::new();
    for row in rows {
        let place = match row.destination.as_str() {
            "" => of_rows.last().copied().flatten(),
            key => Some(keys.iter().position(|known| *known == key).unwrap_or_else(|| {
                keys.push(key);
                keys.len() - 1
            })),
        };
        of_rows.push(place);
    }
    let cells = keys.iter().enumerate().map(|(at, _)| {
        let own = rows.iter().zip(&of_rows).filter(|(_, place)| **place == Some(at)).map(|(row, _)| row);
        common(plan, &own.collect::<Vec<_>>(), Level::Destination, problems)
    });
    let cells: Vec<Cells> = cells.collect();
    merged(&keys, cells, of_rows)
}

/// Two keys with one recipient are one destination; a key without a recipient is none.
fn merged(keys: &[&str], cells: Vec<Cells>, of_rows: Vec<Option<usize>>) -> (Vec<Destination>, Vec<Option<usize>>) {
    let mut found: Vec<Destination> = Vec::new();
    let mut moved: Vec<Option<usize>> = Vec::new();
    for (key, cells) in keys.iter().zip(cells) {
        if cells == Cells::default() {
            moved.push(None);
            continue;
        }
        let known = found.iter().position(|destination| destination.cells == cells);
        moved.push(Some(known.unwrap_or(found.len())));
        if known.is_none() {
            found.push(Destination { key: (*key).to_owned(), cells });
        }
    }
    let of_rows = of_rows.into_iter().map(|place| place.and_then(|at| moved.get(at).copied().flatten()));
    (found, of_rows.collect())
}
