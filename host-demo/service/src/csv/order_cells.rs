//! An order as the platform keeps it, of an order as a mapping read it: every value is brought to its one form, or is
//! named with what is wrong with it. What is stored, shown, compared and sent has been through here.

use crate::csv::mapping::bill::BillLine;
use crate::csv::mapping::column::{Cells, Column, Level};
use crate::csv::mapping::error::{Problem, ProblemKind, shown};
use crate::csv::mapping::order::MappedOrder;
use crate::csv::mapping::plan::Plan;
use crate::csv::row_result::SkipReason;
use domain::clock;
use domain::identifier::is_mangled;
use domain::invoice::Invoice;
use domain::normalize::{ValueError, address, phone, postal_code, prefecture, text};
use domain::order::{Item, OrderData, Person};

/// An order as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileOrder {
    /// 注文番号
    pub number: String,
    /// What was ordered, by whom.
    pub data: OrderData,
    /// 送料, yen.
    pub shipping_fee: i64,
    /// 決済手数料, yen.
    pub payment_fee: i64,
    /// 受注ステータス, if the file has it.
    pub order_status: Option<String>,
    /// What the columns say by which orders are taken, such as 支払方法: heading and value.
    pub selected_by: Vec<(String, String)>,
    /// Why it is not taken if it is new: it does not stand where orders are taken.
    pub not_taken: Option<SkipReason>,
}

/// The order, or everything that is wrong with it.
pub(super) fn order(plan: &Plan, mapped: &MappedOrder) -> Result<FileOrder, Vec<Problem>> {
    let mut values = Values { plan, line: mapped.lines.first().copied().unwrap_or_default(), problems: Vec::new() };
    let cells = &mapped.cells;
    let number = values.number(cells);
    let ordered_at =
        values.of(cells, Column::OrderedAt, |cell| clock::parse_date_time(cell).ok_or(ProblemKind::Date(shown(cell))));
    let buyer = values.person(cells, &BUYER);
    let recipient = values.recipient(mapped, &buyer);
    let invoice =
        values.of(cells, Column::Invoice, |cell| Invoice::parse(cell).ok_or(ProblemKind::Invoice(shown(cell))));
    let note = values.text(cells, Column::Note);
    let order_status = values.text(cells, Column::OrderStatus);
    let items: Vec<Item> = mapped.bill.lines.iter().map(|line| values.item(line)).collect();
    // What a mapping found comes first: it is in the order of the file.
    let mut problems = mapped.problems.clone();
    let is_new = |problem: &Problem| mapped.problems.iter().all(|known| known.heading != problem.heading);
    problems.extend(values.problems.into_iter().filter(is_new));
    match ordered_at {
        Some(ordered_at) if problems.is_empty() => Ok(FileOrder {
            number,
            data: OrderData { ordered_at, buyer, recipient, items, invoice, note },
            shipping_fee: mapped.bill.shipping_fee,
            payment_fee: mapped.bill.payment_fee,
            order_status,
            selected_by: Vec::new(),
            not_taken: None,
        }),
        _ => Err(problems),
    }
}

/// The columns of a person.
struct PersonColumns {
    name: Column,
    kana: Column,
    company: Column,
    department: Column,
    postal_code: Column,
    prefecture: Column,
    city: Column,
    street: Column,
    phone: Column,
    email: Option<Column>,
}

const BUYER: PersonColumns = PersonColumns {
    name: Column::BuyerName,
    kana: Column::BuyerKana,
    company: Column::BuyerCompany,
    department: Column::BuyerDepartment,
    postal_code: Column::BuyerPostalCode,
    prefecture: Column::BuyerPrefecture,
    city: Column::BuyerCity,
    street: Column::BuyerStreet,
    phone: Column::BuyerPhone,
    email: Some(Column::BuyerEmail),
};

const RECIPIENT: PersonColumns = PersonColumns {
    name: Column::RecipientName,
    kana: Column::RecipientKana,
    company: Column::RecipientCompany,
    department: Column::RecipientDepartment,
    postal_code: Column::RecipientPostalCode,
    prefecture: Column::RecipientPrefecture,
    city: Column::RecipientCity,
    street: Column::RecipientStreet,
    phone: Column::RecipientPhone,
    email: None,
};

/// Reads the values of one order, and collects what is wrong with them.
struct Values<'a> {
    plan: &'a Plan,
    /// The first line of the order.
    line: u64,
    problems: Vec<Problem>,
}

impl Values<'_> {
    fn report(&mut self, line: u64, column: Column, kind: ProblemKind) {
        self.problems.push(Problem { line, heading: self.plan.heading(column).to_owned(), kind });
    }

    /// The value of a cell that is not empty; nothing where it is empty or wrong.
    fn of<T>(&mut self, cells: &Cells, column: Column, read: impl FnOnce(&str) -> Result<T, ProblemKind>) -> Option<T> {
        let cell = cells.get(column);
        if cell.is_empty() {
            return None;
        }
        let value = match column.is_identifier() && is_mangled(cell) {
            true => Err(ProblemKind::Mangled(shown(cell))),
            false => read(cell),
        };
        value.map_err(|kind| self.report(self.line, column, kind)).ok()
    }

    /// The same where an order cannot be without it. That the buyer's cells are not empty was looked at before.
    fn needed<T: Default>(
        &mut self,
        cells: &Cells,
        column: Column,
        read: impl FnOnce(&str) -> Result<T, ProblemKind>,
    ) -> T {
        if cells.get(column).is_empty() && column.level() == Level::Destination {
            self.report(self.line, column, ProblemKind::Empty);
        }
        self.of(cells, column, read).unwrap_or_default()
    }

    fn number(&mut self, cells: &Cells) -> String {
        self.needed(cells, Column::Number, |cell| match cell.contains(char::is_control) {
            true => Err(ProblemKind::ControlCharacters),
            false => Ok(cell.to_owned()),
        })
    }

    fn text(&mut self, cells: &Cells, column: Column) -> Option<String> {
        self.of(cells, column, |cell| text::text(cell).map_err(|error| kind(error, cell, ProblemKind::Text)))
    }

    fn person(&mut self, cells: &Cells, columns: &PersonColumns) -> Person {
        let text = |cell: &str| text::text(cell).map_err(|error| kind(error, cell, ProblemKind::Text));
        let kana = |cell: &str| text::kana(cell).map_err(|error| kind(error, cell, ProblemKind::Text));
        let street = |cell: &str| address::street(cell).map_err(|error| kind(error, cell, ProblemKind::Text));
        let postal =
            |cell: &str| postal_code::postal_code(cell).map_err(|error| kind(error, cell, ProblemKind::PostalCode));
        let phone = |cell: &str| phone::phone(cell).map_err(|error| kind(error, cell, ProblemKind::Phone));
        let named = |cell: &str| {
            prefecture::prefecture(cell).map(str::to_owned).ok_or_else(|| ProblemKind::Prefecture(shown(cell)))
        };
        let name = self.needed(cells, columns.name, text);
        let prefecture = self.needed(cells, columns.prefecture, named);
        let city = self.needed(cells, columns.city, text);
        Person {
            name,
            kana: self.of(cells, columns.kana, kana),
            company: self.text(cells, columns.company),
            department: self.text(cells, columns.department),
            postal_code: self.needed(cells, columns.postal_code, postal),
            city: prefecture::without_prefecture(&city, &prefecture).to_owned(),
            prefecture,
            street: self.needed(cells, columns.street, street),
            phone: self.needed(cells, columns.phone, phone),
            email: columns.email.and_then(|column| self.text(cells, column)),
        }
    }

    /// Where the goods go if not to the buyer. The platform has one destination for an order, as its providers have.
    fn recipient(&mut self, mapped: &MappedOrder, buyer: &Person) -> Option<Person> {
        let people = mapped.destinations.iter().map(|destination| self.person(&destination.cells, &RECIPIENT));
        let mut people: Vec<Person> = people.collect();
        // Written otherwise, one place is one place.
        people.dedup_by(|a, b| is_same(a, b));
        let (one, others) = (people.pop(), people.len());
        if others > 0 {
            self.report(self.line, Column::RecipientName, ProblemKind::Destinations(others + 1));
        }
        one.filter(|recipient| !is_same(recipient, buyer))
    }

    fn item(&mut self, line: &BillLine) -> Item {
        let name = text::text(&line.name).unwrap_or_else(|error| {
            self.report(line.line, Column::ItemName, kind(error, &line.name, ProblemKind::Text));
            String::new()
        });
        Item { name, unit_price: line.unit_price, quantity: line.quantity, tax_rate: line.tax_rate }
    }
}

/// Whether two people are one at one address, however they are written: name, postal code, address and the digits of
/// the telephone number. What one of them does not have says nothing.
fn is_same(one: &Person, other: &Person) -> bool {
    let address = |person: &Person| {
        text::folded(&[&person.prefecture, &person.city, &person.street].map(String::as_str).concat())
    };
    let digits = |person: &Person| person.phone.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_company = |a: &Option<String>, b: &Option<String>| match (a, b) {
        (Some(a), Some(b)) => text::folded(a) == text::folded(b),
        _ => true,
    };
    text::folded(&one.name) == text::folded(&other.name)
        && one.postal_code == other.postal_code
        && address(one) == address(other)
        && digits(one) == digits(other)
        && is_company(&one.company, &other.company)
        && is_company(&one.department, &other.department)
}

/// What is wrong with a value that has no form; `usual` where there is no closer word for it.
fn kind(error: ValueError, cell: &str, usual: fn(String) -> ProblemKind) -> ProblemKind {
    match error {
        ValueError::Mangled => ProblemKind::Mangled(shown(cell)),
        ValueError::LostZero => ProblemKind::LostZero(shown(cell)),
        ValueError::BecameDate => ProblemKind::BecameDate(shown(cell)),
        ValueError::ControlCharacters => ProblemKind::ControlCharacters,
        ValueError::NotOfItsKind | ValueError::FractionOfYen | ValueError::OutOfRange => usual(shown(cell)),
    }
}
