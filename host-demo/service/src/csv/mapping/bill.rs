//! The bill of an order: its lines in whole yen with tax, its fees, and the total that they add up to.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::{PriceOf, RoundPer, Rounding, RowKind, Sign, Tax, Total};
use crate::csv::mapping::error::{Problem, ProblemKind, shown};
use crate::csv::mapping::plan::Plan;
use crate::csv::mapping::row::Row;
use crate::csv::mapping::value::Per;
use domain::normalize::amount::{self, whole};
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

/// A row that becomes a line, and its rate.
#[derive(Clone, Copy)]
struct Priced<'a> {
    row: &'a Row,
    destination: Option<usize>,
    rate: Option<u8>,
}

/// Works out the bill of an order's rows, and everything that is wrong with its amounts.
pub fn bill(plan: &Plan, rows: &[Placed<'_>]) -> (Bill, Vec<Problem>) {
    let mut work = Work { plan, bill: Bill::default(), taxed: BTreeMap::new(), problems: Vec::new() };
    work.bill.shipping_fee = work.column_sum(Column::ShippingFee, rows).unwrap_or(0);
    work.bill.payment_fee = work.column_sum(Column::PaymentFee, rows).unwrap_or(0);
    for row in rows {
        work.row(*row);
    }
    let first = rows.first().map_or(0, |(row, _)| row.line);
    if work.bill.lines.is_empty() && work.problems.is_empty() {
        work.report(first, plan.heading(Column::ItemName), ProblemKind::NoItems);
    }
    work.fees(first);
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
        let number = amount::amount(cell).ok();
        if number.is_none() {
            self.report(line, heading, ProblemKind::Amount(shown(cell)));
        }
        number
    }

    fn yen(&mut self, line: u64, heading: &str, number: Decimal) -> Option<i64> {
        let yen = whole(number).ok();
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

    /// A row of the order becomes a line, or a part of a fee.
    fn row(&mut self, (row, destination): Placed<'_>) {
        match row.kind {
            RowKind::Item => self.item(row, destination),
            RowKind::Ignore => {}
            RowKind::Shipping => self.bill.shipping_fee += self.written(row).unwrap_or(0),
            RowKind::PaymentFee => self.bill.payment_fee += self.written(row).unwrap_or(0),
            RowKind::Charge | RowKind::Discount => {
                let priced = Priced { row, destination: None, rate: self.rate(row) };
                let Some(yen) = self.written(row) else { return };
                self.push(priced, if row.kind == RowKind::Discount { -yen.abs() } else { yen }, 1);
            }
        }
    }

    fn push(&mut self, Priced { row, destination, rate }: Priced<'_>, unit_price: i64, quantity: u32) {
        let name = row.cells.get(Column::ItemName).to_owned();
        self.bill.lines.push(BillLine { line: row.line, name, unit_price, quantity, tax_rate: rate, destination });
    }

    fn rate(&mut self, row: &Row) -> Option<u8> {
        let cell = row.cells.get(Column::TaxRate);
        if cell.is_empty() {
            return self.plan.prices.default_rate;
        }
        let rate = amount::tax_rate(cell).ok();
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
        let quantity = amount::quantity(cell).ok();
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
        self.price_in_yen(row, price * Decimal::from(quantity))
    }

    fn item(&mut self, row: &Row, destination: Option<usize>) {
        let own = [Column::ItemName, Column::UnitPrice, Column::Quantity];
        if own.iter().all(|column| row.cells.get(*column).is_empty()) {
            // The order's own row: what it says belongs to the order.
            return;
        }
        if amount::amount(row.cells.get(Column::Quantity)).is_ok_and(|quantity| quantity.is_zero()) {
            // An item that was cancelled stays in the order with a quantity of 0.
            return;
        }
        if row.cells.get(Column::ItemName).is_empty() {
            self.report(row.line, self.plan.heading(Column::ItemName), ProblemKind::Empty);
        }
        let (price, quantity, rate) = (self.price(row), self.quantity(row), self.rate(row));
        let (Some(price), Some(quantity)) = (price, quantity) else { return };
        let priced = Priced { row, destination, rate };
        match (self.plan.prices.tax, rate) {
            (Tax::Included, _) => self.line(priced, price, quantity),
            (Tax::Excluded, Some(rate)) => self.untaxed(priced, (price, quantity), rate),
            // A rate that cannot be read has been named already.
            (Tax::Excluded, None) if !row.cells.get(Column::TaxRate).is_empty() => {}
            (Tax::Excluded, None) => {
                self.report(row.line, self.plan.heading(Column::TaxRate), ProblemKind::NoTaxRate);
            }
        }
    }

    /// A line of the price as the mapping has it: of one piece, or of all.
    fn line(&mut self, priced: Priced<'_>, price: Decimal, quantity: u32) {
        let Some(yen) = self.price_in_yen(priced.row, price) else { return };
        match self.plan.prices.price {
            PriceOf::Unit => self.push(priced, yen, quantity),
            PriceOf::Row => self.push_whole(priced, yen, quantity),
        }
    }

    fn price_in_yen(&mut self, row: &Row, price: Decimal) -> Option<i64> {
        self.yen(row.line, self.plan.heading(Column::UnitPrice), price)
    }

    /// A line of a sum. Where no whole price of one piece adds up to it, all pieces are one line that says how many.
    fn push_whole(&mut self, priced: Priced<'_>, sum: i64, quantity: u32) {
        if sum % i64::from(quantity) == 0 {
            return self.push(priced, sum / i64::from(quantity), quantity);
        }
        self.push(priced, sum, 1);
        if let Some(line) = self.bill.lines.last_mut() {
            line.name = format!("{} ×{quantity}", line.name);
        }
    }

    fn untaxed(&mut self, priced: Priced<'_>, (price, quantity): (Decimal, u32), rate: u8) {
        let row = priced.row;
        let pieces = Decimal::from(quantity);
        let (unit, sum) = match self.plan.prices.price {
            PriceOf::Unit => (price, price * pieces),
            PriceOf::Row => (price / pieces, price),
        };
        match self.plan.prices.round_per {
            RoundPer::Unit => {
                if let Some(yen) = self.price_in_yen(row, taxed(unit, rate, row.rounding)) {
                    self.push(priced, yen, quantity);
                }
            }
            RoundPer::Row => {
                if let Some(yen) = self.price_in_yen(row, taxed(sum, rate, row.rounding)) {
                    self.push_whole(priced, yen, quantity);
                }
            }
            RoundPer::Order => {
                self.line(priced, price, quantity);
                let entry = self.taxed.entry((rate, row.rounding as u8)).or_insert((Decimal::ZERO, row.rounding));
                entry.0 += sum;
            }
        }
    }

    /// No fee is less than nothing.
    fn fees(&mut self, line: u64) {
        let fees = [(Column::ShippingFee, self.bill.shipping_fee), (Column::PaymentFee, self.bill.payment_fee)];
        for (column, fee) in fees.into_iter().filter(|(_, fee)| *fee < 0) {
            self.report(line, self.plan.heading(column), ProblemKind::Negative(fee.to_string()));
        }
    }

    /// The tax of prices without tax that is worked out for the order: a line for each rate.
    fn tax_lines(&mut self, line: u64) {
        for ((rate, _), (net, rounding)) in std::mem::take(&mut self.taxed) {
            let tax = rounded(net * Decimal::from(rate) / Decimal::ONE_HUNDRED, rounding);
            let Some(yen) = whole(tax).ok().filter(|yen| *yen != 0) else { continue };
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
