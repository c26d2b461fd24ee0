//! What can be wrong with a CSV file, its lines and its orders, and the words for it: one message for each
//! order, which names file, line and order and says what to do.

use crate::domain::credit_state::{Action, ActionContext, State};
use crate::domain::identifier::mangled_words;
use crate::domain::issue::{Field, Issue, Lang, field_words};
use crate::service::csv::limits::{MAX_CELL, MAX_FILE_BYTES, MAX_ITEMS, MAX_LINES};
use crate::service::csv::records::{Fault, QuoteFault};

/// A file that cannot be read at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileError {
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
    /// A quote in the heading line takes other lines in.
    #[error("a quotation mark in the heading line takes other lines in: {fault:?}")]
    Quote {
        /// What is wrong, and where.
        fault: Fault,
        /// Lines from there on that belong to it.
        span: u64,
    },
    /// No column says of the orders what was told to take.
    #[error("no column tells which orders are {0:?}")]
    NothingToTakeBy(Vec<String>),
}

impl FileError {
    /// What is wrong, and what to do.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            FileError::Empty => lang.pick(
                "ファイルが空です。見出しの行から始まるCSVを指定してください".into(),
                "The file is empty; give a CSV that begins with a heading line".into(),
            ),
            FileError::TooLarge => lang.pick(
                format!("ファイルが{}MiBを超えています。分けて取り込んでください", MAX_FILE_BYTES >> 20),
                format!("The file is larger than {} MiB; split it", MAX_FILE_BYTES >> 20),
            ),
            FileError::TooManyLines => lang.pick(
                format!("{MAX_LINES}行を超えています。分けて取り込んでください"),
                format!("The file has more than {MAX_LINES} lines; split it"),
            ),
            FileError::MissingHeadings(names) => lang.pick(
                format!("見出し「{}」がありません。文字コードはUTF-8かShift_JISです", names.join("」「")),
                format!("Headings are missing: {}. The file must be UTF-8 or Shift_JIS", names.join(", ")),
            ),
            FileError::HeadingsTwice(names) => lang.pick(
                format!("見出し「{}」が二度あります。どちらかを消してください", names.join("」「")),
                format!("Headings are there twice: {}; remove one of each", names.join(", ")),
            ),
            FileError::Quote { fault, span } => {
                let words = quote_words(*fault, *span, lang);
                lang.pick(
                    format!("見出しの行を読めません。{words}"),
                    format!("The heading line cannot be read: {words}"),
                )
            }
            FileError::NothingToTakeBy(values) => lang.pick(
                format!(
                    "「{}」の注文だけを取り込む指定ですが、支払方法やステータスの列がありません",
                    values.join("」「")
                ),
                format!(
                    "Only orders with {} are to be taken, but no column tells how they are paid",
                    values.join(", ")
                ),
            ),
        }
    }
}

/// An order that was not taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidOrder {
    /// The first line of the order, counted from 1.
    pub line: u64,
    /// 注文番号, as far as it can be read.
    pub number: String,
    /// Everything that is wrong.
    pub errors: Vec<RowError>,
}

impl InvalidOrder {
    /// One message: file, line, order, what is wrong, what to do.
    pub fn words(&self, file: &str, lang: Lang) -> String {
        let all: Vec<_> = self.errors.iter().map(|error| error.words(lang)).collect();
        let number = if self.number.is_empty() { "–" } else { &self.number };
        lang.pick(
            format!("{file} {}行目 注文番号 {number}: {}", self.line, all.join("。")),
            format!("{file} line {}, order {number}: {}", self.line, all.join(". ")),
        )
    }
}

/// What is wrong with a quote, where, how far it reaches, and what to do.
fn quote_words(Fault { kind, line }: Fault, span: u64, lang: Lang) -> String {
    let swallowed = span.saturating_sub(1);
    let what = match kind {
        QuoteFault::NotClosed => lang.pick("の引用符（\"）が閉じられていません", "is never closed"),
        QuoteFault::TextAfter => lang.pick(
            "の引用符（\"）が、カンマや改行の前でないところで閉じています",
            "is closed where neither a comma nor a line end follows",
        ),
        QuoteFault::HoldsRows => {
            lang.pick("の引用符（\"）の中に、ほかの行が入っているようです", "seems to take other rows into its cell")
        }
    };
    let unless = match kind {
        QuoteFault::HoldsRows => lang.pick(
            "。セルの中身が正しければ、その中の半角カンマを「、」に変えてください",
            ". If the cell is right as it is, write its commas in another way, such as 、",
        ),
        QuoteFault::NotClosed | QuoteFault::TextAfter => "",
    };
    lang.pick(
        format!(
            "{line}行目{what}。巻き込まれた後ろの行: {swallowed}行。引用符を消すか閉じて（セルの中の引用符は二つ重ねる）、\
             巻き込まれた行と合わせて取り込み直してください{unless}"
        ),
        format!(
            "a quotation mark at line {line} {what}; lines after it that it swallows: {swallowed}. Remove or close it (a \
             quotation mark within a cell is doubled) and import these lines again{unless}"
        ),
    )
}

/// Something wrong with an order.
#[derive(Debug, Clone, PartialEq)]
pub enum RowError {
    /// The quoting of the row may hide other rows.
    Quote {
        /// What is wrong, and where.
        fault: Fault,
        /// Lines from there on that belong to it.
        span: u64,
    },
    /// Another part of the order is among lines that cannot be read, from this one on.
    PartUnread(u64),
    /// A cell has several lines and the row next to it, at this line, cannot be read: they may be parts of other rows.
    BesideUnread(u64),
    /// An identifier that a spreadsheet made a number of: the heading, the cell.
    Mangled(String, String),
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
    /// The store has it already, with another content.
    Differs,
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
    /// Not something that can be found at a provider: the cell.
    Finding(String),
    /// Neither 注文番号 nor 登録番号.
    WhichOrder,
    /// The order is registered under another 登録番号 by now.
    OtherReference,
    /// A cell has more characters than this: the heading.
    Longer(String, usize),
    /// What was found cannot be recorded.
    NotRecorded(Issue),
    /// Another operator or process changed the order meanwhile.
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

/// Why the content of an order in `state` cannot change, and what its state offers so that it can.
fn registered_words(state: State, lang: Lang) -> String {
    let offers = |action| state.actions(ActionContext::default()).any(|offered| offered == action);
    let (ja, en) = if offers(Action::Decide) {
        (
            "先に[与信結果確認]か[結果を記録]で結果を確かめてください。[与信キャンセル]のあとや、登録がないとわかったあとなら、\
             「取り込み済みの注文も更新する」（--correct）で取り込めます",
            "check the result or record what you found first; once its credit is cancelled, or nothing is registered, \
             import with --correct (correct=true)",
        )
    } else if offers(Action::Cancel) {
        (
            "直すには、先に[与信キャンセル]をしてから、「取り込み済みの注文も更新する」（--correct）で取り込んでください",
            "cancel its credit first, then import with --correct (correct=true)",
        )
    } else if state.is_claimed() {
        (
            "送信が終わるのを待って、もう一度取り込んでください",
            "wait until what is being sent has come to its end, then import again",
        )
    } else {
        ("直すときは、後払い会社の管理画面で直してください", "to correct it, do so on the provider's own page")
    };
    let state = state.label(lang);
    lang.pick(
        format!("{state}の注文の内容は変えられません。{ja}"),
        format!("an order at {state} can no longer be corrected: {en}"),
    )
}

impl RowError {
    /// What is wrong and what to do.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            RowError::Cells { expected, found } => lang.pick(
                format!(
                    "列の数が見出しと違います（見出し{expected}、この行{found}）。カンマと引用符を確かめてください"
                ),
                format!("{found} cells where the heading line has {expected}; look at commas and quotes"),
            ),
            RowError::Encoding(name) => lang.pick(
                format!("「{name}」に読めない文字があります。文字コードを確かめてください"),
                format!("{name} has bytes that are no text; look at the file's encoding"),
            ),
            RowError::TooLong(name) => lang.pick(
                format!("「{name}」は{MAX_CELL}文字以内にしてください"),
                format!("{name} may have {MAX_CELL} characters at most"),
            ),
            RowError::Unseen(name) => lang.pick(
                format!("「{name}」から、目に見えない制御文字を取り除いてください"),
                format!("{name} has control characters; remove them"),
            ),
            RowError::TooManyItems => lang.pick(
                format!("一つの注文は{MAX_ITEMS}行までです。注文を分けてください"),
                format!("an order has {MAX_ITEMS} lines at most; split it"),
            ),
            RowError::Empty(name) => {
                lang.pick(format!("「{name}」を入力してください"), format!("{name} is empty; fill it in"))
            }
            RowError::Not(name, cell, needed) => lang.pick(
                format!("「{name}」の「{cell}」を{}", needed.words(lang)),
                format!("{name} is \"{cell}\": {}", needed.words(lang)),
            ),
            RowError::Total { total, sum } => lang.pick(
                format!("合計金額{total}円が、商品・送料・決済手数料の合計{sum}円と違います。金額を確かめてください"),
                format!("合計金額 is {total} yen, but goods, shipping and fee add up to {sum}; look at the amounts"),
            ),
            RowError::LinesDiffer(name) => lang.pick(
                format!("同じ注文番号の行で「{name}」が違います。別の注文なら番号を変えてください"),
                format!("the lines of this order differ in {name}; give another number if it is another order"),
            ),
            RowError::TwiceInFile(line) => lang.pick(
                format!("同じ注文番号が{line}行目にもあります。どちらかを消してください"),
                format!("the number is also at line {line}; remove one of the two"),
            ),
            RowError::Quote { fault, span } => quote_words(*fault, *span, lang),
            RowError::PartUnread(line) => lang.pick(
                format!("この注文の一部が、{line}行目からの読めない行にあります。そちらを直して取り込み直してください"),
                format!("a part of this order is among lines that cannot be read, from line {line} on; mend these"),
            ),
            RowError::BesideUnread(line) => lang.pick(
                format!(
                    "複数行のセルがあり、隣の{line}行目からの行が読めないため、どこまでがこの注文かわかりません。\
                     そちらを直して（要らない行なら消して）取り込み直してください"
                ),
                format!(
                    "a cell has several lines, and the row next to it, from line {line} on, cannot be read, so nobody \
                     knows where this order ends; mend (or remove) that row and import again"
                ),
            ),
            RowError::Mangled(name, cell) => lang.pick(
                format!("「{name}」の「{cell}」は{}", mangled_words(lang)),
                format!("{name} \"{cell}\" {}", mangled_words(lang)),
            ),
            RowError::Differs => lang.pick(
                "取り込み済みの注文と内容が違います。直すときは「取り込み済みの注文も更新する」（--correct）で取り込んでください"
                    .into(),
                "the order was imported before with another content; to correct it, import with --correct \
                 (correct=true)"
                    .into(),
            ),
            RowError::Registered(state) => registered_words(*state, lang),
            RowError::NoOrder => lang.pick(
                "この注文番号の注文はありません。モールと番号を確かめてください".into(),
                "there is no such order; look at the mall and the number".into(),
            ),
            RowError::JudgedByApi(state) => {
                let state = state.label(lang);
                lang.pick(
                    format!("APIで与信した注文です（{state}）。CSVの結果は取り込めません"),
                    format!("the order was judged through the API ({state}); a result by CSV is not taken"),
                )
            }
            RowError::Result(cell) => lang.pick(
                format!("与信結果「{cell}」を、OK、NG、審査中、保留、キャンセル済のどれかに直してください"),
                format!("the result \"{cell}\" must be one of OK, NG, 審査中, 保留, キャンセル済"),
            ),
            RowError::Finding(cell) => lang.pick(
                format!("結果「{cell}」を、{}のどれかに直してください", crate::service::decisions::finding_names(lang)),
                format!("the finding \"{cell}\" must be one of {}", crate::service::decisions::finding_names(lang)),
            ),
            RowError::WhichOrder => lang.pick(
                "「注文番号」か「登録番号」を入力してください".into(),
                "give 注文番号 or 登録番号".into(),
            ),
            RowError::OtherReference => lang.pick(
                "この登録番号は、この注文の今の登録番号ではありません。受注一覧で確かめてください".into(),
                "this 登録番号 is not the one under which the order is registered now; look at the order".into(),
            ),
            RowError::Longer(name, max) => lang.pick(
                format!("「{name}」は{max}文字以内にしてください"),
                format!("{name} may have {max} characters at most"),
            ),
            RowError::NotRecorded(problem) => problem.words(lang),
            RowError::Changed => lang.pick(
                "ほかの人または処理がこの注文を操作しました。もう一度取り込んでください".into(),
                "somebody else acted on the order meanwhile; import it again".into(),
            ),
            RowError::Fee(fields) => {
                let said: Vec<_> = fields.iter().map(|field| field_words(field, lang)).collect();
                lang.pick(
                    format!("手数料を計算できません（{}）。モールの手数料設定を確かめてください", said.join(" / ")),
                    format!("the fee cannot be worked out ({}); look at the mall's fees", said.join(" / ")),
                )
            }
        }
    }
}
