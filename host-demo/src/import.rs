//! Orders from a mall's CSV export, in UTF-8 (with or without BOM) or Shift_JIS.
//!
//! One line for each item; neighbouring lines with the same 注文番号 are one order. An order comes in
//! whole or not at all, and one that does not says why in one message that names file, line and order.
//! The rest of the file goes on.

use crate::clock;
use crate::mall::Mall;
use crate::order::{Amounts, Invoice, Item, OrderData, Person};
use crate::provider::Provider;
use crate::store::{NewOrder, Store, StoreError};
use crate::words::{Field, Lang, field_words};
use csv::ByteRecord;
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use provider_host::CallError;
use provider_host::contract::{Bill, FieldProblem};
use std::collections::HashMap;

/// Largest file: a hundred thousand lines of a wide export. The file is held in memory whole.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most lines in a file; more than a shop's orders of a month.
pub const MAX_LINES: usize = 200_000;
/// Longest cell, in characters: what providers keep of a remark at most.
pub const MAX_CELL: usize = 4_000;
/// Largest amount in a cell, in yen; providers take six digits, and sums stay far from overflowing.
const MAX_YEN: i64 = 1_000_000_000;
/// Most of one item in an order.
const MAX_QUANTITY: i64 = 100_000;

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
    required("商品名"),
    required("単価"),
    required("数量"),
    optional("税率"),
];

/// The headings from here on differ from line to line of one order; those before are the order's.
const FIRST_OF_ITEM: &str = "商品名";

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileProblem {
    /// There is no heading line.
    #[error("the file is empty")]
    Empty,
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// More than [`MAX_LINES`].
    #[error("the file has more than {MAX_LINES} lines")]
    TooManyLines,
    /// Headings that are missing.
    #[error("headings are missing: {0:?}")]
    MissingHeadings(Vec<&'static str>),
    /// Headings that are there twice.
    #[error("headings are there twice: {0:?}")]
    HeadingsTwice(Vec<&'static str>),
}

impl FileProblem {
    /// What is wrong, and what to do.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            FileProblem::Empty => lang.pick(
                "ファイルが空です。見出しの行から始まるCSVを指定してください".into(),
                "The file is empty; give a CSV that begins with a heading line".into(),
            ),
            FileProblem::TooLarge => lang.pick(
                format!("ファイルが{}MiBを超えています。分けて取り込んでください", MAX_FILE_BYTES >> 20),
                format!("The file is larger than {} MiB; split it", MAX_FILE_BYTES >> 20),
            ),
            FileProblem::TooManyLines => lang.pick(
                format!("{MAX_LINES}行を超えています。分けて取り込んでください"),
                format!("The file has more than {MAX_LINES} lines; split it"),
            ),
            FileProblem::MissingHeadings(names) => lang.pick(
                format!("見出し「{}」がありません。文字コードはUTF-8かShift_JISです", names.join("」「")),
                format!("Headings are missing: {}. The file must be UTF-8 or Shift_JIS", names.join(", ")),
            ),
            FileProblem::HeadingsTwice(names) => lang.pick(
                format!("見出し「{}」が二度あります。どちらかを消してください", names.join("」「")),
                format!("Headings are there twice: {}; remove one of each", names.join(", ")),
            ),
        }
    }
}

/// An order that was not taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct BadOrder {
    /// The first line of the order, counted from 1.
    pub line: u64,
    /// 注文番号, as far as it can be read.
    pub number: String,
    /// Everything that is wrong.
    pub complaints: Vec<Complaint>,
}

impl BadOrder {
    /// One message: file, line, order, what is wrong, what to do.
    pub fn words(&self, file: &str, lang: Lang) -> String {
        let all: Vec<_> = self.complaints.iter().map(|complaint| complaint.words(lang)).collect();
        let number = if self.number.is_empty() { "–" } else { &self.number };
        lang.pick(
            format!("{file} {}行目 注文番号 {number}: {}", self.line, all.join("。")),
            format!("{file} line {}, order {number}: {}", self.line, all.join(". ")),
        )
    }
}

/// Something wrong with an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Complaint {
    /// The line has another number of cells than the heading line.
    Cells {
        /// In the heading line.
        expected: usize,
        /// In this line.
        found: usize,
    },
    /// A cell is not text in the file's encoding.
    Encoding(&'static str),
    /// A cell is longer than [`MAX_CELL`].
    TooLong(&'static str),
    /// A cell that is needed is empty.
    Empty(&'static str),
    /// Not what the column holds: the heading, the cell, what is needed.
    Not(&'static str, String, Needed),
    /// 合計金額 is not the sum of goods, shipping and fee.
    Total {
        /// 合計金額.
        total: i64,
        /// The sum.
        sum: i64,
    },
    /// The lines of an order disagree in this column.
    LinesDiffer(&'static str),
    /// The order's number came up before, at this line.
    TwiceInFile(u64),
    /// The store has it already.
    InStore,
    /// The provider refused to adjust the fee.
    Fee(Vec<Field>),
}

/// What a cell must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// Seven digits.
    PostalCode,
    /// Ten or eleven digits.
    Phone,
    /// A date, with or without time.
    Date,
    /// A whole number of yen within reason.
    Yen,
    /// A whole number of yen, not negative.
    Fee,
    /// A positive number within reason.
    Quantity,
    /// 0, 8 or 10.
    TaxRate,
    /// 別送 or 同梱.
    Invoice,
}

impl Needed {
    fn words(self, lang: Lang) -> &'static str {
        match self {
            Needed::PostalCode => lang.pick("7桁の数字に直してください", "give seven digits"),
            Needed::Phone => lang.pick("市外局番からの10桁か11桁に直してください", "give ten or eleven digits"),
            Needed::Date => lang.pick("2026/07/01 12:34 のように直してください", "write it like 2026/07/01 12:34"),
            Needed::Yen => lang.pick("円単位の整数に直してください", "give whole yen"),
            Needed::Fee => lang.pick("0以上の整数に直してください", "give whole yen, 0 or more"),
            Needed::Quantity => lang.pick("1以上の整数に直してください", "give a whole number from 1"),
            Needed::TaxRate => lang.pick("0、8、10のどれかに直してください", "give 0, 8 or 10"),
            Needed::Invoice => lang.pick("別送か同梱に直してください", "write 別送 (separate) or 同梱 (enclosed)"),
        }
    }
}

impl Complaint {
    fn words(&self, lang: Lang) -> String {
        match self {
            Complaint::Cells { expected, found } => lang.pick(
                format!(
                    "列の数が見出しと違います（見出し{expected}、この行{found}）。カンマと引用符を確かめてください"
                ),
                format!("{found} cells where the heading line has {expected}; look at commas and quotes"),
            ),
            Complaint::Encoding(name) => lang.pick(
                format!("「{name}」に読めない文字があります。文字コードを確かめてください"),
                format!("{name} has bytes that are no text; look at the file's encoding"),
            ),
            Complaint::TooLong(name) => lang.pick(
                format!("「{name}」は{MAX_CELL}文字以内にしてください"),
                format!("{name} may have {MAX_CELL} characters at most"),
            ),
            Complaint::Empty(name) => {
                lang.pick(format!("「{name}」を入力してください"), format!("{name} is empty; fill it in"))
            }
            Complaint::Not(name, cell, needed) => lang.pick(
                format!("「{name}」の「{cell}」を{}", needed.words(lang)),
                format!("{name} is \"{cell}\": {}", needed.words(lang)),
            ),
            Complaint::Total { total, sum } => lang.pick(
                format!("合計金額{total}円が、商品・送料・決済手数料の合計{sum}円と違います。金額を確かめてください"),
                format!("合計金額 is {total} yen, but goods, shipping and fee add up to {sum}; look at the amounts"),
            ),
            Complaint::LinesDiffer(name) => lang.pick(
                format!("同じ注文番号の行で「{name}」が違います。別の注文なら番号を変えてください"),
                format!("the lines of this order differ in {name}; give another number if it is another order"),
            ),
            Complaint::TwiceInFile(line) => lang.pick(
                format!("同じ注文番号が{line}行目にもあります。どちらかを消してください"),
                format!("the number is also at line {line}; remove one of the two"),
            ),
            Complaint::InStore => lang.pick(
                "この注文番号は取り込み済みです。行を消してください".into(),
                "this order was imported before; remove the line".into(),
            ),
            Complaint::Fee(fields) => {
                let said: Vec<_> = fields.iter().map(|field| field_words(field, lang)).collect();
                lang.pick(
                    format!("手数料を計算できません（{}）。モールの手数料設定を確かめてください", said.join(" / ")),
                    format!("the fee cannot be worked out ({}); look at the mall's fees", said.join(" / ")),
                )
            }
        }
    }
}

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

/// Reads a file; `encoding` if the operator says it, else the one in which the headings can be read.
pub fn parse(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<Parsed, FileProblem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileProblem::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    // Commas, quotes and line ends are the same bytes in both encodings, and never part of a character.
    let heading_line = reader.byte_headers().map_err(|_| FileProblem::Empty)?.clone();
    let (encoding, places) = match encoding {
        Some(told) => (told, places(&heading_line, told)),
        None => [UTF_8, SHIFT_JIS]
            .map(|tried| (tried, places(&heading_line, tried)))
            .into_iter()
            .max_by_key(|(tried, places)| (places.iter().flatten().count(), *tried == UTF_8))
            .unwrap_or((UTF_8, Vec::new())),
    };
    check_headings(&heading_line, encoding, &places)?;
    let sheet = Sheet { encoding, places, width: heading_line.len() };
    let mut lines = Vec::new();
    let mut numbers = LineNumbers { bytes, counted: 0, line: 1 };
    for record in reader.byte_records() {
        if lines.len() == MAX_LINES {
            return Err(FileProblem::TooManyLines);
        }
        // Reading from memory, into records that may be of any length, cannot fail.
        let Ok(record) = record else { break };
        lines.push(sheet.line(numbers.of(&record), &record));
    }
    Ok(parse_lines(encoding, &lines))
}

/// Where each heading of [`HEADINGS`] stands in the file.
fn places(heading_line: &ByteRecord, encoding: &'static Encoding) -> Vec<Option<usize>> {
    let names: Vec<_> = heading_line.iter().map(|cell| decode(cell, encoding).unwrap_or_default()).collect();
    HEADINGS.iter().map(|heading| names.iter().position(|name| name == heading.name)).collect()
}

fn check_headings(
    heading_line: &ByteRecord,
    encoding: &'static Encoding,
    places: &[Option<usize>],
) -> Result<(), FileProblem> {
    if heading_line.is_empty() {
        return Err(FileProblem::Empty);
    }
    let missing = HEADINGS.iter().zip(places).filter(|(heading, place)| heading.required && place.is_none());
    let missing: Vec<_> = missing.map(|(heading, _)| heading.name).collect();
    if !missing.is_empty() {
        return Err(FileProblem::MissingHeadings(missing));
    }
    let count = |name| heading_line.iter().filter(|cell| decode(cell, encoding).as_deref() == Some(name)).count();
    let twice: Vec<_> = HEADINGS.iter().map(|heading| heading.name).filter(|name| count(name) > 1).collect();
    if twice.is_empty() { Ok(()) } else { Err(FileProblem::HeadingsTwice(twice)) }
}

fn decode(cell: &[u8], encoding: &'static Encoding) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(cell).map(|text| text.trim().to_owned())
}

/// Counts lines as an editor does. The reader's own count is one short where lines end in CR LF: it
/// ends a record at the CR and meets the LF at the start of the next one.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl LineNumbers<'_> {
    /// The line on which `record` begins. Records come in the order of the file.
    fn of(&mut self, record: &ByteRecord) -> u64 {
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let blank = self.bytes[begins..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
        let passed = &self.bytes[self.counted..begins + blank];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = begins + blank;
        self.line
    }
}

/// How the file's lines are read.
struct Sheet {
    encoding: &'static Encoding,
    places: Vec<Option<usize>>,
    width: usize,
}

/// A line, its cells in the order of [`HEADINGS`].
struct Line {
    at: u64,
    cells: Vec<String>,
    complaints: Vec<Complaint>,
}

impl Sheet {
    fn line(&self, at: u64, record: &ByteRecord) -> Line {
        let mut line = Line { at, cells: Vec::with_capacity(HEADINGS.len()), complaints: Vec::new() };
        if record.len() != self.width {
            line.complaints.push(Complaint::Cells { expected: self.width, found: record.len() });
        }
        for (heading, place) in HEADINGS.iter().zip(&self.places) {
            let bytes = place.and_then(|place| record.get(place)).unwrap_or_default();
            let text = decode(bytes, self.encoding);
            if text.is_none() {
                line.complaints.push(Complaint::Encoding(heading.name));
            }
            let text = text.unwrap_or_default();
            if text.chars().count() > MAX_CELL {
                line.complaints.push(Complaint::TooLong(heading.name));
            }
            line.cells.push(text);
        }
        line
    }
}

impl Line {
    fn cell(&self, name: &str) -> &str {
        HEADINGS.iter().position(|heading| heading.name == name).map_or("", |at| &self.cells[at])
    }
}

fn parse_lines(encoding: &'static Encoding, lines: &[Line]) -> Parsed {
    let mut parsed = Parsed { encoding, orders: Vec::new(), bad: Vec::new() };
    let mut seen: HashMap<&str, u64> = HashMap::new();
    // A line without a number cannot belong to its neighbour.
    let same = |a: &Line, b: &Line| a.cell(NUMBER) == b.cell(NUMBER) && !a.cell(NUMBER).is_empty();
    for lines in lines.chunk_by(same) {
        let (first, number) = (&lines[0], lines[0].cell(NUMBER));
        let mut found = Cells::default();
        found.complaints.extend(lines.iter().flat_map(|line| line.complaints.clone()));
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
#[derive(Default)]
struct Cells {
    complaints: Vec<Complaint>,
}

impl Cells {
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
        Some(FileOrder { line: first.at, number, data, shipping_fee, payment_fee })
    }

    /// What is the order's and not the item's must be the same on all its lines.
    fn agreement(&mut self, lines: &[Line]) {
        let of_order = HEADINGS.iter().map(|heading| heading.name).take_while(|name| *name != FIRST_OF_ITEM);
        let differs = |name: &&str| lines.iter().any(|line| line.cell(name) != lines[0].cell(name));
        self.complaints.extend(of_order.filter(differs).map(Complaint::LinesDiffer));
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
        let given = own.into_iter().any(|name| !line.cell(name).is_empty());
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
        let cell = line.cell(name);
        if cell.is_empty() {
            self.complaints.push(Complaint::Empty(name));
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
        let cell = line.cell(name);
        if cell.is_empty() {
            return None;
        }
        let value = parse(cell);
        if value.is_none() {
            self.complaints.push(Complaint::Not(name, cell.chars().take(SHOWN_CELL).collect(), needed));
        }
        value
    }

    /// A fee that is not negative; an empty cell is no fee. Nothing where the cell is wrong.
    fn fee(&mut self, line: &Line, name: &'static str) -> Option<i64> {
        if line.cell(name).is_empty() {
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
    Some(line.cell(name)).filter(|cell| !cell.is_empty()).map(str::to_owned)
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

/// What an import did.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Orders that are in the store now.
    pub taken: usize,
    /// Of these, orders whose fee a band decided.
    pub banded: usize,
    /// Those that are not, in the order of the file.
    pub bad: Vec<BadOrder>,
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
) -> Result<Imported, ImportError> {
    let Parsed { orders, mut bad, .. } = parsed;
    let rule = mall.fee_rule();
    let mut new = Vec::with_capacity(orders.len());
    let mut lines = Vec::with_capacity(orders.len());
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
                new.push(NewOrder { number: order.number, data: order.data, amounts });
                lines.push(order.line);
            }
            Err(problems) => bad.push(refused_fee(order, problems)),
        }
    }
    let taken = store.insert_orders(&mall.id, &new).await?;
    let (mut count, mut banded) = (0, 0);
    for ((taken, order), line) in taken.into_iter().zip(new).zip(lines) {
        if taken {
            count += 1;
            banded += usize::from(order.amounts.fee_band.is_some());
        } else {
            bad.push(BadOrder { line, number: order.number, complaints: vec![Complaint::InStore] });
        }
    }
    bad.sort_by_key(|bad| bad.line);
    Ok(Imported { taken: count, banded, bad })
}

fn refused_fee(order: FileOrder, problems: Vec<FieldProblem>) -> BadOrder {
    let fields = problems.into_iter().map(Field::from).collect();
    BadOrder { line: order.line, number: order.number, complaints: vec![Complaint::Fee(fields)] }
}
