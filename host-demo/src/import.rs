//! Orders from a mall's CSV export, in UTF-8 (with or without BOM) or Shift_JIS.
//!
//! One line for each item; neighbouring lines with the same 注文番号 are one order. An order comes in
//! whole or not at all, and one that does not says why in one message that names file, line and order.
//! The rest of the file goes on.

use crate::clock;
use crate::complaint::{BadOrder, Complaint, FileProblem, Needed};
use crate::mall::Mall;
use crate::order::{Amounts, Invoice, Item, Order, OrderData, Person};
use crate::provider::Provider;
use crate::sheet::{self, Column, Line};
use crate::state::{Event, next};
use crate::store::{NewOrder, Store, StoreError};
use crate::words::Field;
use encoding_rs::Encoding;
use provider_host::CallError;
use provider_host::contract::{Bill, FieldProblem};
use std::collections::{BTreeMap, HashMap};

/// Largest amount in a cell, in yen; providers take six digits, and sums stay far from overflowing.
const MAX_YEN: i64 = 1_000_000_000;
/// Most of one item in an order.
const MAX_QUANTITY: i64 = 100_000;

/// Most lines of an order: more than a cart has, and little enough for a plugin to check in a moment.
pub const MAX_ITEMS: usize = 200;

/// A heading of the export, and whether a file without it can be read.
struct Heading {
    name: &'static str,
    required: bool,
}

const fn required(name: &'static str) -> Heading {
    Heading { name, required: true }
}

const fn optional(name: &'static str) -> Heading {
    Heading { name, required: false }
}

const NUMBER: &str = "注文番号";
const ORDER_STATUS: &str = "受注ステータス";

/// What a mall calls the columns that have another name in its export: ours, theirs.
pub type Renamed = BTreeMap<String, String>;

/// Every heading that can be renamed, in the order of a usual export.
pub fn headings() -> impl Iterator<Item = &'static str> {
    HEADINGS.iter().map(|heading| heading.name)
}

/// What is wrong with a mall's own names: ours that do not exist, and theirs that stand for two columns.
pub fn wrong_names(renamed: &Renamed) -> Vec<String> {
    let unknown = renamed.keys().filter(|ours| !headings().any(|heading| heading == *ours)).cloned();
    let theirs: Vec<&str> = headings().map(|heading| their_name(renamed, heading)).collect();
    let twice = |name: &&String| theirs.iter().filter(|other| **other == name.as_str()).count() > 1;
    unknown.chain(renamed.values().filter(twice).cloned()).collect()
}

fn their_name<'a>(renamed: &'a Renamed, ours: &'a str) -> &'a str {
    renamed.get(ours).map_or(ours, String::as_str)
}

/// Every heading that is read; any other is passed over. A heading's place in this list is its place in
/// [`Line::cells`].
const HEADINGS: &[Heading] = &[
    required(NUMBER),
    required("注文日時"),
    required("注文者氏名"),
    optional("注文者氏名カナ"),
    optional("注文者会社名"),
    optional("注文者部署名"),
    required("注文者郵便番号"),
    required("注文者都道府県"),
    required("注文者市区町村"),
    required("注文者住所"),
    required("注文者電話番号"),
    optional("注文者メールアドレス"),
    optional("送付先氏名"),
    optional("送付先氏名カナ"),
    optional("送付先会社名"),
    optional("送付先部署名"),
    optional("送付先郵便番号"),
    optional("送付先都道府県"),
    optional("送付先市区町村"),
    optional("送付先住所"),
    optional("送付先電話番号"),
    optional("送料"),
    optional("決済手数料"),
    required("合計金額"),
    optional("請求書"),
    optional("備考"),
    optional(ORDER_STATUS),
    required("商品名"),
    required("単価"),
    required("数量"),
    optional("税率"),
];

/// The headings from here on differ from line to line of one order; those before are the order's.
const FIRST_OF_ITEM: &str = "商品名";

/// An order as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileOrder {
    /// Its first line.
    pub line: u64,
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
}

/// A file's orders, good and bad, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Those that can be taken in.
    pub orders: Vec<FileOrder>,
    /// Those that cannot.
    pub bad: Vec<BadOrder>,
}

/// Reads a file of a mall that calls columns by the names of `renamed`; in `encoding` if the operator says
/// it, else in the one in which the headings can be read.
pub fn parse(bytes: &[u8], encoding: Option<&'static Encoding>, renamed: &Renamed) -> Result<Parsed, FileProblem> {
    let column =
        |heading: &Heading| Column { name: their_name(renamed, heading.name).to_owned(), required: heading.required };
    let columns: Vec<Column> = HEADINGS.iter().map(column).collect();
    let sheet = sheet::read(bytes, encoding, &columns)?;
    Ok(parse_lines(sheet.encoding, &sheet.lines, renamed))
}

/// The cell under our heading `name`.
fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    HEADINGS.iter().position(|heading| heading.name == name).map_or("", |at| &line.cells[at])
}

fn parse_lines(encoding: &'static Encoding, lines: &[Line], renamed: &Renamed) -> Parsed {
    let mut parsed = Parsed { encoding, orders: Vec::new(), bad: Vec::new() };
    let mut seen: HashMap<&str, u64> = HashMap::new();
    // A line without a number cannot belong to its neighbour.
    let same = |a: &Line, b: &Line| cell(a, NUMBER) == cell(b, NUMBER) && !cell(a, NUMBER).is_empty();
    for lines in lines.chunk_by(same) {
        let (first, number) = (&lines[0], cell(&lines[0], NUMBER));
        let mut found = Cells { renamed, complaints: Vec::new() };
        found.complaints.extend(lines.iter().flat_map(|line| line.complaints.clone()));
        if lines.len() > MAX_ITEMS {
            found.complaints = vec![Complaint::TooManyItems];
        }
        if let Some(before) = seen.insert(number, first.at).filter(|_| !number.is_empty()) {
            found.complaints.push(Complaint::TwiceInFile(before));
        }
        // What stands in a line that cannot be read says nothing about its cells.
        let order = if found.complaints.is_empty() { found.order(lines) } else { None };
        match order {
            Some(order) if found.complaints.is_empty() => parsed.orders.push(order),
            _ => parsed.bad.push(BadOrder {
                line: first.at,
                number: number.chars().take(SHOWN_NUMBER).collect(),
                complaints: found.complaints,
            }),
        }
    }
    parsed
}

/// Characters of a bad order's number that a message repeats.
const SHOWN_NUMBER: usize = 64;

/// Reads cells, and collects what is wrong with them.
struct Cells<'a> {
    renamed: &'a Renamed,
    complaints: Vec<Complaint>,
}

impl Cells<'_> {
    /// The name under which the operator knows a column.
    fn shown(&self, name: &str) -> String {
        their_name(self.renamed, name).to_owned()
    }

    /// The order that `lines` are; nothing, or a complaint, where they are none.
    fn order(&mut self, lines: &[Line]) -> Option<FileOrder> {
        let first = &lines[0];
        self.agreement(lines);
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
        if self.complaints.is_empty() && sum != total {
            self.complaints.push(Complaint::Total { total, sum });
        }
        let order_status = text(first, ORDER_STATUS);
        Some(FileOrder { line: first.at, number, data, shipping_fee, payment_fee, order_status })
    }

    /// What is the order's and not the item's must be the same on all its lines.
    fn agreement(&mut self, lines: &[Line]) {
        let of_order = HEADINGS.iter().map(|heading| heading.name).take_while(|name| *name != FIRST_OF_ITEM);
        let differs = |name: &&str| lines.iter().any(|line| cell(line, name) != cell(&lines[0], name));
        let differing: Vec<_> = of_order.filter(differs).map(|name| Complaint::LinesDiffer(self.shown(name))).collect();
        self.complaints.extend(differing);
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
            self.complaints.push(Complaint::Empty(self.shown(name)));
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
        if value.is_none() {
            let shown = cell.chars().take(SHOWN_CELL).collect();
            self.complaints.push(Complaint::Not(self.shown(name), shown, needed));
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

/// The heading of this name as [`HEADINGS`] has it; "" for a column that the export does not know.
fn heading(name: &str) -> &'static str {
    HEADINGS.iter().find(|heading| heading.name == name).map_or("", |heading| heading.name)
}

fn text(line: &Line, name: &str) -> Option<String> {
    Some(cell(line, name)).filter(|cell| !cell.is_empty()).map(str::to_owned)
}

/// `1232`, `1,232`, `¥1,232`, `1,232円`, `-500`.
fn yen(cell: &str) -> Option<i64> {
    let bare = cell.trim_start_matches(['¥', '￥', '\\']).trim_end_matches('円').replace(',', "");
    bare.parse().ok().filter(|yen: &i64| (-MAX_YEN..=MAX_YEN).contains(yen))
}

fn quantity(cell: &str) -> Option<u32> {
    let quantity = cell.replace(',', "").parse().ok().filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))?;
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

/// An order of a file that is in the store now, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Its first line.
    pub line: u64,
    /// As the file has it, its fee adjusted.
    pub order: NewOrder,
    /// It was there already, and is as the file has it now.
    pub corrected: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Orders that are in the store as the file has them, in its order.
    pub taken: Vec<Taken>,
    /// Those that are not, in the order of the file.
    pub bad: Vec<BadOrder>,
}

impl Imported {
    fn sorted(mut self) -> Self {
        self.taken.sort_by_key(|taken| taken.line);
        self.bad.sort_by_key(|bad| bad.line);
        self
    }

    /// How many of the orders have a fee that a band decided.
    pub fn banded(&self) -> usize {
        self.taken.iter().filter(|taken| taken.order.amounts.fee_band.is_some()).count()
    }
}

/// What becomes of orders of a file that the store has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known<'a> {
    /// They stay as they are, and are named.
    #[default]
    Refused,
    /// Those that may still be credited become what the file says, by this operator's wish; 受注ステータス is the
    /// shop's own, and changes in every state.
    Corrected {
        /// The operator.
        who: &'a str,
    },
}

/// The import could not go on; nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider's plugin broke off while working out a fee.
    #[error("the fee of order {number} cannot be worked out: {source}")]
    Fee {
        /// 注文番号
        number: String,
        /// What the plugin did.
        source: CallError,
    },
}

/// Takes the orders of a file into the store, each with its fee adjusted by the mall's rule: once, here.
pub async fn take_in(
    store: &Store,
    mall: &Mall,
    provider: &impl Provider,
    parsed: Parsed,
    known: Known<'_>,
) -> Result<Imported, ImportError> {
    let (lines, new, bad) = priced(mall, provider, parsed).await?;
    let taken = store.insert_orders(mall, &new, clock::now()).await?;
    let (mut imported, mut there) = (Imported { taken: Vec::new(), bad }, Vec::new());
    for ((is_new, order), line) in taken.into_iter().zip(new).zip(lines) {
        match is_new {
            true => imported.taken.push(Taken { line, order, corrected: false }),
            false => there.push((line, order)),
        }
    }
    let stored = stored(store, mall, &there).await?;
    for (line, order) in there {
        let done = match (known, stored.get(&order.number)) {
            (Known::Corrected { who }, Some(before)) => correct(store, before, &order, who).await?,
            _ => Err(Complaint::InStore),
        };
        imported.add(line, order, done);
    }
    Ok(imported.sorted())
}

/// Says what [`take_in`] would do, and does nothing.
pub async fn preview(
    store: &Store,
    mall: &Mall,
    provider: &impl Provider,
    parsed: Parsed,
    known: Known<'_>,
) -> Result<Imported, ImportError> {
    let (lines, new, bad) = priced(mall, provider, parsed).await?;
    let orders: Vec<_> = lines.into_iter().zip(new).collect();
    let stored = stored(store, mall, &orders).await?;
    let mut imported = Imported { taken: Vec::new(), bad };
    for (line, order) in orders {
        match (stored.get(&order.number), known) {
            (None, _) => imported.taken.push(Taken { line, order, corrected: false }),
            (Some(_), Known::Refused) => imported.add(line, order, Err(Complaint::InStore)),
            (Some(before), Known::Corrected { .. }) => {
                let would = correction(before, &order).map(|_| ());
                imported.add(line, order, would);
            }
        }
    }
    Ok(imported.sorted())
}

impl Imported {
    fn add(&mut self, line: u64, order: NewOrder, done: Result<(), Complaint>) {
        match done {
            Ok(()) => self.taken.push(Taken { line, order, corrected: true }),
            Err(complaint) => self.bad.push(BadOrder { line, number: order.number, complaints: vec![complaint] }),
        }
    }
}

/// The orders of `new` that the mall has already, by number.
async fn stored(store: &Store, mall: &Mall, new: &[(u64, NewOrder)]) -> Result<HashMap<String, Order>, StoreError> {
    let found = store.orders_numbered(&mall.id, new.iter().map(|(_, order)| order.number.as_str())).await?;
    Ok(found.into_iter().map(|order| (order.number.clone(), order)).collect())
}

/// What an order of a file means for the one that is there.
enum Correction {
    /// The shop moved it in its own words.
    Status(String),
    /// Something that goes to the provider differs.
    Content(Box<NewOrder>),
}

fn correction(before: &Order, file: &NewOrder) -> Result<Correction, Complaint> {
    // An operator's own choice of the invoice stays where the file has none.
    let mut after = file.clone();
    after.data.invoice = after.data.invoice.or(before.data.invoice);
    if after.data != before.data || after.amounts != before.amounts {
        let is_open = next(before.state, Event::CreditStarted).is_some();
        return is_open.then_some(Correction::Content(Box::new(after))).ok_or(Complaint::Registered(before.state));
    }
    let moved = after.order_status.filter(|status| Some(status) != before.order_status.as_ref());
    moved.map(Correction::Status).ok_or(Complaint::InStore)
}

async fn correct(
    store: &Store,
    before: &Order,
    file: &NewOrder,
    who: &str,
) -> Result<Result<(), Complaint>, StoreError> {
    let done = match correction(before, file) {
        Ok(Correction::Status(status)) => store.set_order_status(before, Some(&status), who, clock::now()).await?,
        Ok(Correction::Content(after)) => store.correct_order(before, &after, who, clock::now()).await?,
        Err(complaint) => return Ok(Err(complaint)),
    };
    Ok(if done { Ok(()) } else { Err(Complaint::Changed) })
}

/// The lines and orders of a file with their fees adjusted, and those for which that was refused.
async fn priced(
    mall: &Mall,
    provider: &impl Provider,
    parsed: Parsed,
) -> Result<(Vec<u64>, Vec<NewOrder>, Vec<BadOrder>), ImportError> {
    let Parsed { orders, mut bad, .. } = parsed;
    let rule = mall.fee_rule();
    let (mut lines, mut new) = (Vec::with_capacity(orders.len()), Vec::with_capacity(orders.len()));
    for order in orders {
        let bill = Bill { items: order.data.goods(), shipping_fee: order.shipping_fee, payment_fee: order.payment_fee };
        let adjusted = provider.fee_adjust(&rule, &bill).await;
        match adjusted.map_err(|source| ImportError::Fee { number: order.number.clone(), source })? {
            Ok(adjusted) => {
                let amounts = Amounts {
                    goods: bill.items,
                    shipping_fee: bill.shipping_fee,
                    imported_fee: bill.payment_fee,
                    payment_fee: adjusted.payment_fee,
                    billed: adjusted.billed_amount,
                    fee_band: adjusted.band,
                };
                lines.push(order.line);
                let FileOrder { number, data, order_status, .. } = order;
                new.push(NewOrder { number, data, amounts, order_status });
            }
            Err(problems) => bad.push(refused_fee(order, problems)),
        }
    }
    Ok((lines, new, bad))
}

fn refused_fee(order: FileOrder, problems: Vec<FieldProblem>) -> BadOrder {
    let fields = problems.into_iter().map(Field::from).collect();
    BadOrder { line: order.line, number: order.number, complaints: vec![Complaint::Fee(fields)] }
}
