//! What can be wrong with a CSV file, its lines and its orders, and the words for it: one message for each
//! order, which names file, line and order and says what to do.

use crate::import::MAX_ITEMS;
use crate::sheet::{MAX_CELL, MAX_FILE_BYTES, MAX_LINES};
use crate::state::State;
use crate::words::{Field, Lang, field_words};

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
    MissingHeadings(Vec<String>),
    /// Headings that are there twice.
    #[error("headings are there twice: {0:?}")]
    HeadingsTwice(Vec<String>),
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
    Encoding(String),
    /// A cell is longer than [`MAX_CELL`].
    TooLong(String),
    /// A cell has characters that cannot be seen.
    Unseen(String),
    /// The order has more than [`MAX_ITEMS`] lines.
    TooManyItems,
    /// A cell that is needed is empty.
    Empty(String),
    /// Not what the column holds: the heading, the cell, what is needed.
    Not(String, String, Needed),
    /// 合計金額 is not the sum of goods, shipping and fee.
    Total {
        /// 合計金額.
        total: i64,
        /// The sum.
        sum: i64,
    },
    /// The lines of an order disagree in this column.
    LinesDiffer(String),
    /// The order's number came up before, at this line.
    TwiceInFile(u64),
    /// The store has it already.
    InStore,
    /// The store has it, and its provider may have it as well: it can no longer be corrected.
    Registered(State),
    /// The provider refused to adjust the fee.
    Fee(Vec<Field>),
    /// The mall has no order under the number.
    NoOrder,
    /// The order was judged through the provider's API: its result does not come by CSV.
    JudgedByApi(State),
    /// Not a credit result: the cell.
    Result(String),
    /// Somebody else changed the order meanwhile.
    Changed,
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
    /// What is wrong and what to do.
    pub fn words(&self, lang: Lang) -> String {
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
            Complaint::Unseen(name) => lang.pick(
                format!("「{name}」から、目に見えない制御文字を取り除いてください"),
                format!("{name} has control characters; remove them"),
            ),
            Complaint::TooManyItems => lang.pick(
                format!("一つの注文は{MAX_ITEMS}行までです。注文を分けてください"),
                format!("an order has {MAX_ITEMS} lines at most; split it"),
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
            Complaint::Registered(state) => {
                let state = state.label(lang);
                lang.pick(
                    format!("{state}の注文の内容は変えられません。直すには、先に[与信キャンセル]をしてください"),
                    format!("an order at {state} can no longer be corrected; cancel its credit first"),
                )
            }
            Complaint::NoOrder => lang.pick(
                "この注文番号の注文はありません。モールと番号を確かめてください".into(),
                "there is no such order; look at the mall and the number".into(),
            ),
            Complaint::JudgedByApi(state) => {
                let state = state.label(lang);
                lang.pick(
                    format!("APIで与信した注文です（{state}）。CSVの結果は取り込めません"),
                    format!("the order was judged through the API ({state}); a result by CSV is not taken"),
                )
            }
            Complaint::Result(cell) => lang.pick(
                format!("与信結果「{cell}」を、OK、NG、審査中、保留、キャンセル済のどれかに直してください"),
                format!("the result \"{cell}\" must be one of OK, NG, 審査中, 保留, キャンセル済"),
            ),
            Complaint::Changed => lang.pick(
                "ほかの人または処理がこの注文を操作しました。もう一度取り込んでください".into(),
                "somebody else acted on the order meanwhile; import it again".into(),
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
