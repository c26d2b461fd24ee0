//! An order from the cells of its lines, with every error in them.

use crate::csv::error::{Needed, RowError};
use crate::csv::row_result::SkipReason;
use crate::csv::table::Line;
use crate::providers::is_control;
use domain::clock;
use domain::columns::{
    FIRST_OF_ITEM, HEADINGS, IDENTIFIERS, NUMBER, ORDER_STATUS, Renamed, heading, position, their_name,
};
use domain::identifier;
use domain::invoice::Invoice;
use domain::normalize::amount::{MAX_QUANTITY, MAX_YEN};
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
    /// Why it is not taken if it is new: it does not stand where orders are taken.
    pub not_taken: Option<SkipReason>,
}

/// Reads cells, and collects what is wrong with them.
pub(super) struct Cells<'a> {
    pub(super) renamed: &'a Renamed,
    pub(super) errors: Vec<RowError>,
}

impl Cells<'_> {
    /// The name under which the operator knows a column.
    fn shown(&self, name: &str) -> String {
        their_name(self.renamed, name).to_owned()
    }

    /// The order that `lines` are; nothing, or a error, where they are none.
    pub(super) fn order(&mut self, lines: &[&Line]) -> Option<FileOrder> {
        let first = *lines.first()?;
        self.agreement(first, lines);
        self.intact(first);
        let number = self.needed(first, NUMBER);
        let ordered_at = self.parsed(first, "注文日時", Needed::Date, clock::parse_date_time);
        let buyer = self.person(first, "注文者");
        let recipient = self.recipient(first);
        let shipping_fee = self.fee(first, "送料");
        let payment_fee = self.fee(first, "決済手数料");
        let total = self.parsed(first, "合計金額", Needed::Yen, yen);
        let invoice = self.optional(first, "請求書", Needed::Invoice, Invoice::parse);
        let items: Vec<_> = lines.iter().filter_map(|line| self.item(line)).collect();
        let data = OrderData { ordered_at: ordered_at?, buyer, recipient, items, invoice, note: text(first, "備考") };
        let (shipping_fee, payment_fee, total) = (shipping_fee?, payment_fee?, total?);
        let sum = data.goods() + shipping_fee + payment_fee;
        // What is wrong above can be why the sum is.
        if self.errors.is_empty() && sum != total {
            self.errors.push(RowError::Total { total, sum });
        }
        let order_status = text(first, ORDER_STATUS);
        Some(FileOrder { number, data, shipping_fee, payment_fee, order_status, not_taken: None })
    }

    /// No identifier has been made a number of, and the number is one line that can be read.
    fn intact(&mut self, line: &Line) {
        if cell(line, NUMBER).contains(is_control) {
            self.errors.push(RowError::Unseen(self.shown(NUMBER)));
        }
        for name in IDENTIFIERS.into_iter().filter(|name| identifier::is_mangled(cell(line, name))) {
            let shown = cell(line, name).chars().take(SHOWN_CELL).collect();
            self.errors.push(RowError::Mangled(self.shown(name), shown));
        }
    }

    /// What is the order's and not the item's must be the same on all its lines.
    fn agreement(&mut self, first: &Line, lines: &[&Line]) {
        let of_order = HEADINGS.iter().map(|heading| heading.name).take_while(|name| *name != FIRST_OF_ITEM);
        let differs = |name: &&str| lines.iter().any(|line| cell(line, name) != cell(first, name));
        let differing: Vec<_> = of_order.filter(differs).map(|name| RowError::LinesDiffer(self.shown(name))).collect();
        self.errors.extend(differing);
    }

    fn item(&mut self, line: &Line) -> Option<Item> {
        let name = self.needed(line, "商品名");
        let unit_price = self.parsed(line, "単価", Needed::Yen, yen);
        let quantity = self.parsed(line, "数量", Needed::Quantity, quantity);
        let tax_rate = self.optional(line, "税率", Needed::TaxRate, tax_rate);
        Some(Item { name, unit_price: unit_price?, quantity: quantity?, tax_rate })
    }

    /// Nothing where all its cells are empty: the goods go to the buyer.
    fn recipient(&mut self, line: &Line) -> Option<Person> {
        let own = HEADINGS.iter().map(|heading| heading.name).filter(|name| name.starts_with("送付先"));
        let given = own.into_iter().any(|name| !cell(line, name).is_empty());
        given.then(|| self.person(line, "送付先"))
    }

    fn person(&mut self, line: &Line, whose: &str) -> Person {
        let mut heading = |what: &str| heading(&format!("{whose}{what}"));
        let [name, kana, company, department] = ["氏名", "氏名カナ", "会社名", "部署名"].map(&mut heading);
        let [postal, prefecture, city, street] = ["郵便番号", "都道府県", "市区町村", "住所"].map(&mut heading);
        let [phone, email] = ["電話番号", "メールアドレス"].map(&mut heading);
        Person {
            name: self.needed(line, name),
            kana: text(line, kana),
            company: text(line, company),
            department: text(line, department),
            postal_code: self.parsed(line, postal, Needed::PostalCode, postal_code).unwrap_or_default(),
            prefecture: self.needed(line, prefecture),
            city: self.needed(line, city),
            street: self.needed(line, street),
            phone: self.parsed(line, phone, Needed::Phone, phone_number).unwrap_or_default(),
            email: text(line, email),
        }
    }

    fn needed(&mut self, line: &Line, name: &'static str) -> String {
        let cell = cell(line, name);
        if cell.is_empty() {
            self.errors.push(RowError::Empty(self.shown(name)));
        }
        cell.to_owned()
    }

    fn parsed<T>(
        &mut self,
        line: &Line,
        name: &'static str,
        needed: Needed,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let cell = self.needed(line, name);
        if cell.is_empty() { None } else { self.optional(line, name, needed, parse) }
    }

    fn optional<T>(
        &mut self,
        line: &Line,
        name: &'static str,
        needed: Needed,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let cell = cell(line, name);
        if cell.is_empty() {
            return None;
        }
        let value = parse(cell);
        if value.is_none() && !(IDENTIFIERS.contains(&name) && identifier::is_mangled(cell)) {
            let shown = cell.chars().take(SHOWN_CELL).collect();
            self.errors.push(RowError::Not(self.shown(name), shown, needed));
        }
        value
    }

    /// A fee that is not negative; an empty cell is no fee. Nothing where the cell is wrong.
    fn fee(&mut self, line: &Line, name: &'static str) -> Option<i64> {
        if cell(line, name).is_empty() {
            return Some(0);
        }
        self.optional(line, name, Needed::Fee, |cell| yen(cell).filter(|fee| *fee >= 0))
    }
}

/// Characters of a wrong cell that a message repeats.
const SHOWN_CELL: usize = 40;

fn text(line: &Line, name: &str) -> Option<String> {
    Some(cell(line, name)).filter(|cell| !cell.is_empty()).map(str::to_owned)
}

/// `1232`, `1,232`, `¥1,232`, `1,232円`, `-500`.
fn yen(cell: &str) -> Option<i64> {
    let bare = cell.trim_start_matches(['¥', '￥', '\\']).trim_end_matches('円').replace(',', "");
    bare.parse().ok().filter(|yen: &i64| (-MAX_YEN..=MAX_YEN).contains(yen))
}

fn quantity(cell: &str) -> Option<u32> {
    let quantity =
        cell.replace(',', "").parse().ok().filter(|quantity| (1..=i64::from(MAX_QUANTITY)).contains(quantity))?;
    u32::try_from(quantity).ok()
}

fn tax_rate(cell: &str) -> Option<u8> {
    cell.trim_end_matches(['%', '％']).parse().ok().filter(|rate| [0, 8, 10].contains(rate))
}

/// Seven digits, with or without 〒 and hyphen.
fn postal_code(cell: &str) -> Option<String> {
    digits(cell.trim_start_matches('〒').trim()).filter(|digits| digits.len() == 7)
}

/// Ten or eleven digits; kept as the buyer wrote it.
fn phone_number(cell: &str) -> Option<String> {
    digits(cell).filter(|digits| (10..=11).contains(&digits.len())).map(|_| cell.to_owned())
}

/// The digits of a cell that has nothing else than digits, hyphens of any width and brackets.
fn digits(cell: &str) -> Option<String> {
    let mut digits = String::new();
    for c in cell.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.push(char::from(b'0' + (c as u32 - '０' as u32) as u8)),
            '-' | '－' | 'ー' | '‐' | '−' | '(' | ')' | '（' | '）' | ' ' => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// The cell under our heading `name`.
pub(super) fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    position(name).map_or("", |at| line.cell(at))
}
