//! Orders from a mall's CSV export, in UTF-8 (with or without BOM) or Shift_JIS.
//!
//! One line for each item; neighbouring lines with the same 注文番号 are one order. An order comes in
//! whole or not at all, and one that does not says why in one message that names file, line and order.
//! The rest of the file goes on, and every row of it is accounted for ([`crate::service::csv::row_result`]).

use crate::domain::clock;
use crate::domain::columns::{
    FIRST_OF_ITEM, HEADINGS, Heading, IDENTIFIERS, NUMBER, ORDER_STATUS, Renamed, heading, position, their_name,
};
use crate::domain::credit_state::{Event, next};
use crate::domain::identifier;
use crate::domain::invoice::Invoice;
use crate::domain::mall::Mall;
use crate::domain::order::{Amounts, Item, Order, OrderData, Person};
use crate::service::csv::error::{FileError, Needed, RowError};
use crate::service::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::service::csv::selection::{self, Choice, NotTaken, Question, Rules, Undecided, Values};
use crate::service::csv::table::{self, Column, Line};
use crate::service::providers::contract;
use crate::service::providers::directory::Provider;
use crate::store::{NewOrder, Store, StoreError};
use encoding_rs::Encoding;
use provider_host::CallError;
use provider_host::contract::{Bill, FeeRule};
use provider_host::is_control;
use std::collections::{BTreeMap, HashMap};

/// Largest amount in a cell, in yen; providers take six digits, and sums stay far from overflowing.
const MAX_YEN: i64 = 1_000_000_000;
/// Most of one item in an order.
const MAX_QUANTITY: i64 = 100_000;

/// Most lines of an order: more than a cart has, and little enough for a plugin to check in a moment.
pub const MAX_ITEMS: usize = 200;

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

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// As the operator says it; absent: the one in which the headings can be read.
    pub encoding: Option<&'static Encoding>,
    /// What the mall calls its columns.
    pub renamed: &'a Renamed,
    /// Which of its orders are taken.
    pub take: Choice<'a>,
}

/// A file's orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Every row of it.
    pub intake: FileReport<FileOrder>,
}

/// Nothing of a file is taken in.
#[derive(Debug, Clone, PartialEq)]
pub enum Unread {
    /// It cannot be read.
    File(FileError),
    /// It has to be said which of its orders are taken.
    Asks(Question),
}

impl From<FileError> for Unread {
    fn from(problem: FileError) -> Self {
        Unread::File(problem)
    }
}

impl From<Undecided> for Unread {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Asks(question) => Unread::Asks(question),
            Undecided::Unfit(problem) => Unread::File(problem),
        }
    }
}

/// Reads a file of orders.
pub fn parse(bytes: &[u8], reading: Reading<'_>) -> Result<Parsed, Unread> {
    let Reading { encoding, renamed, take } = reading;
    let column =
        |heading: &Heading| Column { name: their_name(renamed, heading.name).to_owned(), required: heading.required };
    let columns: Vec<Column> = HEADINGS.iter().map(column).collect();
    let status = their_name(renamed, ORDER_STATUS);
    let has_say = |heading: &str, values: &_| heading == status || take.reads(heading, values);
    let mut sheet = table::read(bytes, encoding, &columns, has_say)?;
    sheet.unify(&IDENTIFIERS.iter().filter_map(|name| position(name)).collect::<Vec<_>>());
    let blank = sheet.lines.iter().filter(|line| line.is_blank).map(|line| Entry {
        line: line.at,
        rows: line.rows(),
        number: String::new(),
        fate: RowResult::SkipReason(SkipReason::Blank),
    });
    let mut entries: Vec<_> = blank.collect();
    let lines: Vec<&Line> = sheet.lines.iter().filter(|line| !line.is_blank).collect();
    let groups: Vec<&[&Line]> = lines.chunk_by(|a, b| same_order(a, b)).collect();
    let rules = selection::decide(&values(&groups, &sheet.further, status), take)?;
    entries.extend(Groups::of(renamed, &sheet.further, rules, &lines).entries(&groups));
    entries.sort_by_key(|entry| entry.line);
    Ok(Parsed { encoding: sheet.encoding, intake: FileReport { entries } })
}

/// The cell under our heading `name`.
fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    position(name).map_or("", |at| &line.cells[at])
}

/// Whether two neighbouring rows are one order. A row without a number cannot belong to its neighbour, and a number
/// that a spreadsheet destroyed can be anybody's.
fn same_order(a: &Line, b: &Line) -> bool {
    let number = cell(a, NUMBER);
    number == cell(b, NUMBER) && !number.is_empty() && !identifier::is_mangled(number)
}

/// How many orders have which value in the columns that say which orders are taken.
fn values(groups: &[&[&Line]], further: &[String], status: &str) -> Vec<Values> {
    let of_column = |(at, heading): (usize, &String)| {
        let mut orders = BTreeMap::new();
        for value in groups.iter().filter(|lines| is_readable(lines)).filter_map(|lines| agreed(lines, at)) {
            *orders.entry(value.to_owned()).or_default() += 1;
        }
        Values { heading: heading.clone(), orders, is_mapped: heading == status }
    };
    further.iter().enumerate().map(of_column).collect()
}

fn is_readable(lines: &[&Line]) -> bool {
    lines.iter().all(|line| line.complaints.is_empty())
}

/// What the rows of an order have in a further column, on whichever of them it stands; nothing if they differ.
fn agreed<'a>(lines: &[&'a Line], at: usize) -> Option<&'a str> {
    let mut given = lines.iter().map(|line| line.further[at].as_str()).filter(|value| !value.is_empty());
    let first = given.next().unwrap_or_default();
    given.all(|value| value == first).then_some(first)
}

/// Makes an entry of every group of rows.
struct Groups<'a> {
    renamed: &'a Renamed,
    further: &'a [String],
    rules: Rules,
    /// Numbers that stand where nobody knows which rows they belong to, and the line of the fault.
    hidden: HashMap<&'a str, u64>,
    seen: HashMap<&'a str, u64>,
}

impl<'a> Groups<'a> {
    fn of(renamed: &'a Renamed, further: &'a [String], rules: Rules, lines: &[&'a Line]) -> Self {
        let number = position(NUMBER).unwrap_or_default();
        let hidden = lines.iter().flat_map(|line| line.hidden.iter().map(|cells| (cells[number].as_str(), line.at)));
        let hidden = hidden.filter(|(number, _)| !number.is_empty()).collect();
        Groups { renamed, further, rules, hidden, seen: HashMap::new() }
    }

    fn entries(mut self, groups: &[&[&'a Line]]) -> Vec<Entry<FileOrder>> {
        groups.iter().map(|lines| self.entry(lines)).collect()
    }

    fn entry(&mut self, lines: &[&'a Line]) -> Entry<FileOrder> {
        let number = cell(lines[0], NUMBER);
        Entry {
            line: lines[0].at,
            rows: lines.iter().map(|line| line.rows()).sum(),
            number: number.chars().take(SHOWN_NUMBER).collect(),
            fate: self.fate(number, lines),
        }
    }

    /// What says whether the order is taken; an order of which one part would be and another not is none.
    fn values(&self, lines: &[&Line]) -> impl Iterator<Item = Result<String, RowError>> {
        let value = |(at, heading): (usize, &String)| match agreed(lines, at) {
            Some(value) => Ok(value.to_owned()),
            None => Err(RowError::LinesDiffer(heading.clone())),
        };
        self.further.iter().enumerate().map(value)
    }

    fn fate(&mut self, number: &'a str, lines: &[&'a Line]) -> RowResult<FileOrder> {
        let unreadable: Vec<_> = lines.iter().flat_map(|line| line.complaints.clone()).collect();
        // What stands in a row that cannot be read says nothing about its cells.
        if !unreadable.is_empty() {
            return RowResult::Refused(unreadable);
        }
        let values: Result<Vec<String>, RowError> = self.values(lines).collect();
        let values = match values {
            Ok(values) => values,
            Err(differing) => return RowResult::Refused(vec![differing]),
        };
        let mut complaints = Vec::new();
        let not_taken = match self.rules.not_taken(&values) {
            Some(NotTaken { reason, is_payment: true }) => return RowResult::SkipReason(reason),
            not_taken => not_taken.map(|not_taken| not_taken.reason),
        };
        if lines.len() > MAX_ITEMS {
            complaints.push(RowError::TooManyItems);
        }
        if let Some(line) = self.hidden.get(number) {
            complaints.push(RowError::PartUnread(*line));
        }
        let is_name = !number.is_empty() && !identifier::is_mangled(number);
        if let Some(before) = self.seen.insert(number, lines[0].at).filter(|_| is_name) {
            complaints.push(RowError::TwiceInFile(before));
        }
        if !complaints.is_empty() {
            return RowResult::Refused(complaints);
        }
        let mut found = Cells { renamed: self.renamed, complaints };
        match found.order(lines) {
            Some(order) if found.complaints.is_empty() => RowResult::Taken(FileOrder { not_taken, ..order }),
            // Nobody has to mend an order that is not wanted.
            _ => not_taken.map_or(RowResult::Refused(found.complaints), RowResult::SkipReason),
        }
    }
}

/// Characters of a bad order's number that a message repeats.
const SHOWN_NUMBER: usize = 64;

/// Reads cells, and collects what is wrong with them.
struct Cells<'a> {
    renamed: &'a Renamed,
    complaints: Vec<RowError>,
}

impl Cells<'_> {
    /// The name under which the operator knows a column.
    fn shown(&self, name: &str) -> String {
        their_name(self.renamed, name).to_owned()
    }

    /// The order that `lines` are; nothing, or a complaint, where they are none.
    fn order(&mut self, lines: &[&Line]) -> Option<FileOrder> {
        let first = lines[0];
        self.agreement(lines);
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
        if self.complaints.is_empty() && sum != total {
            self.complaints.push(RowError::Total { total, sum });
        }
        let order_status = text(first, ORDER_STATUS);
        Some(FileOrder { number, data, shipping_fee, payment_fee, order_status, not_taken: None })
    }

    /// No identifier has been made a number of, and the number is one line that can be read.
    fn intact(&mut self, line: &Line) {
        if cell(line, NUMBER).contains(is_control) {
            self.complaints.push(RowError::Unseen(self.shown(NUMBER)));
        }
        for name in IDENTIFIERS.into_iter().filter(|name| identifier::is_mangled(cell(line, name))) {
            let shown = cell(line, name).chars().take(SHOWN_CELL).collect();
            self.complaints.push(RowError::Mangled(self.shown(name), shown));
        }
    }

    /// What is the order's and not the item's must be the same on all its lines.
    fn agreement(&mut self, lines: &[&Line]) {
        let of_order = HEADINGS.iter().map(|heading| heading.name).take_while(|name| *name != FIRST_OF_ITEM);
        let differs = |name: &&str| lines.iter().any(|line| cell(line, name) != cell(lines[0], name));
        let differing: Vec<_> = of_order.filter(differs).map(|name| RowError::LinesDiffer(self.shown(name))).collect();
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
            self.complaints.push(RowError::Empty(self.shown(name)));
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
            self.complaints.push(RowError::Not(self.shown(name), shown, needed));
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
    /// As the file has it, its fee adjusted.
    pub order: NewOrder,
    /// It was there already, and is as the file has it now.
    pub corrected: bool,
}

/// What an import did, or would do.
pub type Imported = FileReport<Taken>;

impl Imported {
    /// How many of the orders have a fee that a band decided.
    pub fn banded(&self) -> usize {
        self.taken().filter(|(.., taken)| taken.order.amounts.fee_band.is_some()).count()
    }
}

/// What becomes of orders of a file that the store has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known<'a> {
    /// They stay as they are. Those that the file has otherwise are named.
    #[default]
    Kept,
    /// Those that may still be credited become what the file says, by this operator's wish; 受注ステータス is the
    /// shop's own, and changes in every state.
    Corrected {
        /// The operator.
        who: &'a str,
    },
}

/// A file that an operator brings.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// What it is written in; absent: found out.
    pub encoding: Option<&'static Encoding>,
    /// Which of its orders are taken, as [`Choice::told`] has it.
    pub take: &'a [String],
    /// What becomes of orders that are there already.
    pub known: Known<'a>,
    /// Says what would happen, and does nothing.
    pub dry_run: bool,
}

/// The import could not go on; nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It has to be said which of its orders are taken.
    #[error("it has to be said which orders of the file are taken")]
    Asks(Question),
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

impl From<Unread> for ImportError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::File(problem) => ImportError::File(problem),
            Unread::Asks(question) => ImportError::Asks(question),
        }
    }
}

/// What an import did, and what its file was written in.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Every row of it.
    pub imported: Imported,
}

/// Takes a mall's file of orders in, or says what that would do: the one way in, for the command line, the page and
/// the API.
pub async fn run(
    store: &Store,
    mall: &Mall,
    provider: &impl Provider,
    file: Incoming<'_>,
) -> Result<Done, ImportError> {
    let take = Choice { told: file.take, setting: &mall.take };
    let parsed = parse(file.bytes, Reading { encoding: file.encoding, renamed: &mall.headings, take })?;
    let plans = planned(store, mall, priced(mall, provider, parsed.intake).await?, file.known).await?;
    let entries = if file.dry_run { tried(plans) } else { carried_out(store, mall, plans, file.known).await? };
    Ok(Done { encoding: parsed.encoding, imported: FileReport { entries } })
}

/// An order with its fee adjusted, and why it is not taken if it is new.
type Priced = (NewOrder, Option<SkipReason>);

/// The orders with their fees adjusted by the mall's rule: once, here.
async fn priced(
    mall: &Mall,
    provider: &impl Provider,
    intake: FileReport<FileOrder>,
) -> Result<Vec<Entry<Priced>>, ImportError> {
    let rule = contract::fee_rule(&mall.fees);
    let mut priced = Vec::with_capacity(intake.entries.len());
    for entry in intake.entries {
        priced.push(match entry.open() {
            Ok((entry, order)) => entry.with(price(provider, &rule, order).await?),
            Err(settled) => settled,
        });
    }
    Ok(priced)
}

async fn price(provider: &impl Provider, rule: &FeeRule, order: FileOrder) -> Result<RowResult<Priced>, ImportError> {
    let bill = Bill { items: order.data.goods(), shipping_fee: order.shipping_fee, payment_fee: order.payment_fee };
    let FileOrder { number, data, order_status, not_taken, .. } = order;
    Ok(match provider.fee_adjust(rule, &bill).await {
        Ok(Ok(adjusted)) => {
            let amounts = Amounts {
                goods: bill.items,
                shipping_fee: bill.shipping_fee,
                imported_fee: bill.payment_fee,
                payment_fee: adjusted.payment_fee,
                billed: adjusted.billed_amount,
                fee_band: adjusted.band,
            };
            RowResult::Taken((NewOrder { number, data, amounts, order_status }, not_taken))
        }
        Ok(Err(problems)) => {
            RowResult::Refused(vec![RowError::Fee(problems.into_iter().map(contract::field).collect())])
        }
        Err(source) => return Err(ImportError::Fee { number, source }),
    })
}

/// What is to be done with an order of a file.
enum Plan {
    /// It is new.
    Insert(NewOrder),
    /// It is there, and becomes what the file says.
    Correct { before: Box<Order>, file: NewOrder, correction: Correction },
}

/// How an order that is there changes.
enum Correction {
    /// The shop moved it in its own words.
    Status(String),
    /// Something that goes to the provider differs.
    Content(Box<NewOrder>),
}

impl Plan {
    fn done(self) -> Taken {
        match self {
            Plan::Insert(order) => Taken { order, corrected: false },
            Plan::Correct { file, .. } => Taken { order: file, corrected: true },
        }
    }
}

/// What is to be done with each order, by what the store has.
async fn planned(
    store: &Store,
    mall: &Mall,
    priced: Vec<Entry<Priced>>,
    known: Known<'_>,
) -> Result<Vec<Entry<Plan>>, StoreError> {
    let numbers = priced.iter().filter_map(|entry| match &entry.fate {
        RowResult::Taken((order, _)) => Some(order.number.as_str()),
        _ => None,
    });
    let stored = store.orders_numbered(&mall.id, numbers).await?;
    let mut stored: HashMap<String, Order> = stored.into_iter().map(|order| (order.number.clone(), order)).collect();
    let plan = |entry: Entry<Priced>| match entry.open() {
        Ok((entry, (file, not_taken))) => match stored.remove(&file.number) {
            Some(before) => entry.with(plan_known(before, file, not_taken, known)),
            None => entry.with(not_taken.map_or(RowResult::Taken(Plan::Insert(file)), RowResult::SkipReason)),
        },
        Err(settled) => settled,
    };
    Ok(priced.into_iter().map(plan).collect())
}

/// What is to be done with an order that is there.
fn plan_known(before: Order, file: NewOrder, not_taken: Option<SkipReason>, known: Known<'_>) -> RowResult<Plan> {
    if known == Known::Kept {
        return match not_taken {
            Some(reason) => RowResult::SkipReason(reason),
            None if has_content(&before, &file) => RowResult::SkipReason(SkipReason::Unchanged),
            None if is_open(&before) => RowResult::Refused(vec![RowError::Differs]),
            None => RowResult::Refused(vec![RowError::Registered(before.state)]),
        };
    }
    match correction(&before, &file) {
        Ok(Some(correction)) => RowResult::Taken(Plan::Correct { before: Box::new(before), file, correction }),
        Ok(None) => RowResult::SkipReason(not_taken.unwrap_or(SkipReason::Unchanged)),
        Err(complaint) => RowResult::Refused(vec![complaint]),
    }
}

/// Whether the content of an order may still change.
fn is_open(order: &Order) -> bool {
    next(order.state, Event::CreditStarted).is_some()
}

/// Whether the order has the content that the file has. What a fee rule made of it, and where the shop says it
/// stands, may have moved since.
fn has_content(order: &Order, file: &NewOrder) -> bool {
    let fees = |amounts: &Amounts| (amounts.goods, amounts.shipping_fee, amounts.imported_fee);
    with_invoice_of(file, order).data == order.data && fees(&order.amounts) == fees(&file.amounts)
}

/// An operator's own choice of the invoice stays where the file has none.
fn with_invoice_of(file: &NewOrder, order: &Order) -> NewOrder {
    let mut after = file.clone();
    after.data.invoice = after.data.invoice.or(order.data.invoice);
    after
}

/// How the order becomes what the file says; nothing if it is so already.
fn correction(before: &Order, file: &NewOrder) -> Result<Option<Correction>, RowError> {
    let after = with_invoice_of(file, before);
    let is_same = has_content(before, file);
    if is_open(before) && (!is_same || after.amounts != before.amounts) {
        return Ok(Some(Correction::Content(Box::new(after))));
    }
    if !is_same {
        return Err(RowError::Registered(before.state));
    }
    let moved = after.order_status.filter(|status| Some(status) != before.order_status.as_ref());
    Ok(moved.map(Correction::Status))
}

/// What would become of each order.
fn tried(plans: Vec<Entry<Plan>>) -> Vec<Entry<Taken>> {
    let tried = |entry: Entry<Plan>| match entry.open() {
        Ok((entry, plan)) => entry.with(RowResult::Taken(plan.done())),
        Err(settled) => settled,
    };
    plans.into_iter().map(tried).collect()
}

/// Does with each order what is planned.
async fn carried_out(
    store: &Store,
    mall: &Mall,
    plans: Vec<Entry<Plan>>,
    known: Known<'_>,
) -> Result<Vec<Entry<Taken>>, StoreError> {
    let new = plans.iter().filter_map(|entry| match &entry.fate {
        RowResult::Taken(Plan::Insert(order)) => Some(order.clone()),
        _ => None,
    });
    let new: Vec<NewOrder> = new.collect();
    let mut inserted = store.insert_orders(mall, &new, store.now()).await?.into_iter();
    let mut done = Vec::with_capacity(plans.len());
    for entry in plans {
        let (entry, plan) = match entry.open() {
            Ok(opened) => opened,
            Err(settled) => {
                done.push(settled);
                continue;
            }
        };
        let is_done = match &plan {
            Plan::Insert(_) => inserted.next() == Some(true),
            Plan::Correct { before, correction, .. } => correct(store, before, correction, known).await?,
        };
        let changed = || RowResult::Refused(vec![RowError::Changed]);
        done.push(entry.with(if is_done { RowResult::Taken(plan.done()) } else { changed() }));
    }
    Ok(done)
}

/// Changes an order that is there, if it is still as it was read.
async fn correct(store: &Store, before: &Order, correction: &Correction, known: Known<'_>) -> Result<bool, StoreError> {
    let Known::Corrected { who } = known else { return Ok(false) };
    match correction {
        Correction::Status(status) => store.set_order_status(before, Some(status), who, store.now()).await,
        Correction::Content(after) => store.correct_order(before, after, who, store.now()).await,
    }
}
