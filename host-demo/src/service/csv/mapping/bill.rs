//! The bill of an order: its lines in whole yen with tax, its fees, and the total that they add up to.

use crate::service::csv::mapping::amount::{self, whole};
use crate::service::csv::mapping::column::Column;
use crate::service::csv::mapping::definition::{PriceOf, Rounding, RoundPer, RowKind, Sign, Tax, Total};
use crate::service::csv::mapping::error::{Problem, ProblemKind, shown};
use crate::service::csv::mapping::plan::Plan;
use crate::service::csv::mapping::row::Row;
use crate::service::csv::mapping::value::Per;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeMap;

/// What an order costs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bill {
    /// Items, and what is added or taken off, in the order of the file.
    pub lines: Vec<BillLine>,
    /// 送料, yen.
    pub shipping_fee: i64,
    /// 決済手数料, yen.
    pub payment_fee: i64,
    /// 合計金額, yen: what lines and fees add up to.
    pub total: i64,
}

impl Bill {
    /// Yen of all lines together.
    pub fn goods(&self) -> i64 {
        self.lines.iter().map(|line| line.unit_price * i64::from(line.quantity)).sum()
    }
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    /// The line of the file it comes from, from 1.
    pub line: u64,
    /// What stands on the bill.
    pub name: String,
    /// Yen, tax included; negative where it is taken off.
    pub unit_price: i64,
    /// How many.
    pub quantity: u32,
    /// Percent.
    pub tax_rate: Option<u8>,
    /// To which of the order's destinations it goes; nothing where there is none, or where it goes to none.
    pub destination: Option<usize>,
}

/// A row with its place among the order's destinations.
pub type Placed<'a> = (&'a Row, Option<usize>);

/// Works out the bill of an order's rows, and everything that is wrong with its amounts.
pub fn bill(plan: &Plan, rows: &[Placed<'_>]) -> (Bill, Vec<Problem>) {
    let mut work = Work { plan, bill: Bill::default(), taxed: BTreeMap::new(), problems: Vec::new() };
    work.bill.shipping_fee = work.fee(Column::ShippingFee, rows);
    work.bill.payment_fee = work.fee(Column::PaymentFee, rows);
    for row in rows {
        work.row(*row);
    }
    let first = rows.first().map_or(0, |(row, _)| row.line);
    if work.bill.lines.is_empty() && work.problems.is_empty() {
        work.report(first, plan.heading(Column::ItemName), ProblemKind::NoItems);
    }
    work.tax_lines(first);
    work.adjustments(rows);
    work.total(rows);
    (work.bill, work.problems)
}

struct Work<'a> {
    plan: &'a Plan,
    bill: Bill,
    /// Prices without tax by rate and by rounding, where tax is worked out for the whole order.
    taxed: BTreeMap<(u8, u8), (Decimal, Rounding)>,
    problems: Vec<Problem>,
}

/// What tax makes of an amount without tax.
fn taxed(net: Decimal, rate: u8, rounding: Rounding) -> Decimal {
    rounded(net * Decimal::from(100 + u16::from(rate)) / Decimal::ONE_HUNDRED, rounding)
}

fn rounded(amount: Decimal, rounding: Rounding) -> Decimal {
    let strategy = match rounding {
        Rounding::Down => RoundingStrategy::ToZero,
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::Up => RoundingStrategy::AwayFromZero,
    };
    amount.round_dp_with_strategy(0, strategy)
}

impl Work<'_> {
    fn report(&mut self, line: u64, heading: &str, kind: ProblemKind) {
        self.problems.push(Problem { line, heading: heading.to_owned(), kind });
    }

    /// A number of a cell that is not empty.
    fn number(&mut self, line: u64, heading: &str, cell: &str) -> Option<Decimal> {
        let number = amount::amount(cell);
        if number.is_none() {
            self.report(line, heading, ProblemKind::Amount(shown(cell)));
        }
        number
    }

    fn yen(&mut self, line: u64, heading: &str, number: Decimal) -> Option<i64> {
        let yen = whole(number);
        if yen.is_none() {
            self.report(line, heading, ProblemKind::Fraction(number.to_string()));
        }
        yen
    }

    /// The amounts of a column of the order, as often as they count: row, yen.
    fn amounts<'r>(
        &mut self,
        rows: &[Placed<'r>],
        per: Per,
        heading: &str,
        cell: impl Fn(&'r Row) -> &'r str,
    ) -> Vec<(Placed<'r>, i64)> {
        let given = rows.iter().copied().filter(|(row, _)| !cell(row).is_empty());
        let mut chosen: Vec<Placed<'r>> = Vec::new();
        for placed in given {
            let same = |known: &&Placed<'r>| match per {
                Per::Order => true,
                Per::Destination => known.1 == placed.1,
                Per::Row => false,
            };
            match chosen.iter().find(same) {
                Some(known) if cell(known.0) != cell(placed.0) => {
                    self.report(placed.0.line, heading, ProblemKind::RowsDiffer);
                }
                Some(_) => {}
                None => chosen.push(placed),
            }
        }
        let mut amounts = Vec::new();
        for placed in chosen {
            let number = self.number(placed.0.line, heading, cell(placed.0));
            let yen = number.and_then(|number| self.yen(placed.0.line, heading, number));
            amounts.extend(yen.map(|yen| (placed, yen)));
        }
        amounts
    }

    fn column_sum(&mut self, column: Column, rows: &[Placed<'_>]) -> Option<i64> {
        let per = self.plan.per.get(&column).copied().unwrap_or_default();
        let heading = self.plan.heading(column);
        let amounts = self.amounts(rows, per, heading, |row| row.cells.get(column));
        (!amounts.is_empty()).then(|| amounts.iter().map(|(_, yen)| yen).sum())
    }

    fn fee(&mut self, column: Column, rows: &[Placed<'_>]) -> i64 {
        let fee = self.column_sum(column, rows).unwrap_or(0);
        if fee < 0 {
            let line = rows.first().map_or(0, |(row, _)| row.line);
            self.report(line, self.plan.heading(column), ProblemKind::Negative(fee.to_string()));
        }
        fee.max(0)
    }

    /// A row of the order becomes a line, or a part of a fee.
    fn row(&mut self, (row, destination): Placed<'_>) {
        match row.kind {
            RowKind::Item => self.item(row, destination),
            RowKind::Ignore => {}
            kind => {
                let Some(yen) = self.written(row) else { return };
                match kind {
                    RowKind::Shipping => self.bill.shipping_fee += yen,
                    RowKind::PaymentFee => self.bill.payment_fee += yen,
                    RowKind::Discount => self.push(row, None, -yen.abs(), 1),
                    _ => self.push(row, None, yen, 1),
                }
            }
        }
    }

    fn push(&mut self, row: &Row, destination: Option<usize>, unit_price: i64, quantity: u32) {
        let name = row.cells.get(Column::ItemName).to_owned();
        let tax_rate = self.rate(row);
        self.bill.lines.push(BillLine { line: row.line, name, unit_price, quantity, tax_rate, destination });
    }

    fn rate(&mut self, row: &Row) -> Option<u8> {
        let cell = row.cells.get(Column::TaxRate);
        if cell.is_empty() {
            return self.plan.prices.default_rate;
        }
        let rate = amount::rate(cell);
        if rate.is_none() {
            self.report(row.line, self.plan.heading(Column::TaxRate), ProblemKind::TaxRate(shown(cell)));
        }
        rate
    }

    fn price(&mut self, row: &Row) -> Option<Decimal> {
        let (heading, cell) = (self.plan.heading(Column::UnitPrice), row.cells.get(Column::UnitPrice));
        if cell.is_empty() {
            self.report(row.line, heading, ProblemKind::Empty);
            return None;
        }
        self.number(row.line, heading, cell)
    }

    fn quantity(&mut self, row: &Row) -> Option<u32> {
        let (heading, cell) = (self.plan.heading(Column::Quantity), row.cells.get(Column::Quantity));
        let quantity = amount::quantity(cell);
        if quantity.is_none() {
            let kind = if cell.is_empty() { ProblemKind::Empty } else { ProblemKind::Quantity(shown(cell)) };
            self.report(row.line, heading, kind);
        }
        quantity
    }

    /// The whole amount of a row that is a fee or a discount: its price as it is written, tax included.
    fn written(&mut self, row: &Row) -> Option<i64> {
        let price = self.price(row)?;
        let quantity = match (self.plan.prices.price, row.cells.get(Column::Quantity)) {
            (PriceOf::Row, _) | (PriceOf::Unit, "") => 1,
            (PriceOf::Unit, _) => self.quantity(row)?,
        };
        self.yen(row.line, self.plan.heading(Column::UnitPrice), price * Decimal::from(quantity))
    }

    fn item(&mut self, row: &Row, destination: Option<usize>) {
        let own = [Column::ItemName, Column::UnitPrice, Column::Quantity];
        if own.iter().all(|column| row.cells.get(*column).is_empty()) {
            // The order's own row: what it says belongs to the order.
            return;
        }
        if row.cells.get(Column::ItemName).is_empty() {
            self.report(row.line, self.plan.heading(Column::ItemName), ProblemKind::Empty);
        }
        let (price, quantity, rate) = (self.price(row), self.quantity(row), self.rate(row));
        let (Some(price), Some(quantity)) = (price, quantity) else { return };
        match self.plan.prices.tax {
            Tax::Included => self.line(row, destination, price, quantity),
            Tax::Excluded => match rate {
                Some(rate) => self.untaxed(row, destination, (price, quantity), rate),
                None => self.report(row.line, self.plan.heading(Column::TaxRate), ProblemKind::NoTaxRate),
            },
        }
    }

    /// A line of the price as the mapping has it: of one piece, or of all.
    fn line(&mut self, row: &Row, destination: Option<usize>, price: Decimal, quantity: u32) {
        let Some(yen) = self.yen(row.line, self.plan.heading(Column::UnitPrice), price) else { return };
        match self.plan.prices.price {
            PriceOf::Unit => self.push(row, destination, yen, quantity),
            PriceOf::Row => self.push_whole(row, destination, yen, quantity),
        }
    }

    /// A line of a sum. Where no whole price of one piece adds up to it, all pieces are one line that says how many.
    fn push_whole(&mut self, row: &Row, destination: Option<usize>, sum: i64, quantity: u32) {
        if sum % i64::from(quantity) == 0 {
            return self.push(row, destination, sum / i64::from(quantity), quantity);
        }
        self.push(row, destination, sum, 1);
        if let Some(line) = self.bill.lines.last_mut() {
            line.name = format!("{} ×{quantity}", line.name);
        }
    }

    fn untaxed(&mut self, row: &Row, destination: Option<usize>, (price, quantity): (Decimal, u32), rate: u8) {
        let pieces = Decimal::from(quantity);
        let (unit, sum) = match self.plan.prices.price {
            PriceOf::Unit => (price, price * pieces),
            PriceOf::Row => (price / pieces, price),
        };
        match self.plan.prices.round_per {
            RoundPer::Unit => {
                let unit = taxed(unit, rate, row.rounding);
                if let Some(yen) = self.yen(row.line, self.plan.heading(Column::UnitPrice), unit) {
                    self.push(row, destination, yen, quantity);
                }
            }
            RoundPer::Row => {
                let sum = taxed(sum, rate, row.rounding);
                if let Some(yen) = self.yen(row.line, self.plan.heading(Column::UnitPrice), sum) {
                    self.push_whole(row, destination, yen, quantity);
                }
            }
            RoundPer::Order => {
                self.line(row, destination, price, quantity);
                let entry = self.taxed.entry((rate, row.rounding as u8)).or_insert((Decimal::ZERO, row.rounding));
                entry.0 += sum;
            }
        }
    }

    /// The tax of prices without tax that is worked out for the order: a line for each rate.
    fn tax_lines(&mut self, line: u64) {
        for ((rate, _), (net, rounding)) in std::mem::take(&mut self.taxed) {
            let tax = rounded(net * Decimal::from(rate) / Decimal::ONE_HUNDRED, rounding);
            let Some(yen) = whole(tax).filter(|yen| *yen != 0) else { continue };
            let name = format!("消費税（{rate}%）");
            let tax_rate = Some(rate);
            self.bill.lines.push(BillLine { line, name, unit_price: yen, quantity: 1, tax_rate, destination: None });
        }
    }

    /// Every adjustment that is not nothing becomes a line.
    fn adjustments(&mut self, rows: &[Placed<'_>]) {
        for (at, adjustment) in self.plan.adjustments.iter().enumerate() {
            let amounts = self.amounts(rows, adjustment.per, &adjustment.amount.heading, |row| {
                row.adjustments.get(at).map_or("", |(amount, _)| amount.as_str())
            });
            for ((row, _), yen) in amounts.into_iter().filter(|(_, yen)| *yen != 0) {
                let detail = row.adjustments.get(at).map_or("", |(_, detail)| detail.as_str());
                let name = format!("{} {detail}", adjustment.name).trim_end().to_owned();
                let unit_price = match adjustment.sign {
                    Sign::AsWritten => yen,
                    Sign::TakenOff => -yen.abs(),
                };
                let (line, tax_rate) = (row.line, adjustment.tax_rate);
                self.bill.lines.push(BillLine { line, name, unit_price, quantity: 1, tax_rate, destination: None });
            }
        }
    }

    /// The total of the file, if it has one, must be what the bill adds up to.
    fn total(&mut self, rows: &[Placed<'_>]) {
        let sum = self.bill.goods() + self.bill.shipping_fee + self.bill.payment_fee;
        self.bill.total = sum;
        if self.plan.prices.total == Total::Computed {
            return;
        }
        let (heading, line) = (self.plan.heading(Column::Total), rows.first().map_or(0, |(row, _)| row.line));
        let before = self.problems.len();
        match self.column_sum(Column::Total, rows) {
            None if self.problems.len() == before => self.report(line, heading, ProblemKind::Empty),
            // What is wrong above can be why the sum is.
            Some(total) if total != sum && self.problems.is_empty() => {
                self.report(line, heading, ProblemKind::Total { total, sum });
            }
            _ => {}
        }
    }
}
