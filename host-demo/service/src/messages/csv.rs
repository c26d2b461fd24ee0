//! What is wrong with a file, its rows and its orders, and what becomes of them.

use super::format::{mangled, order_count};
use super::issue::sentence;
use super::localize::Localize;
use super::next_step::Situation;
use crate::csv::error::{FileError, InvalidOrder, OtherKind, RowError};
use crate::csv::findings::finding_names;
use crate::csv::limits::{MAX_CELL, MAX_FILE_BYTES, MAX_ITEMS, MAX_LINES};
use crate::csv::mapping::column::in_english;
use crate::csv::mapping::error_text::{definition_error, mapping_error, problem, problem_of_order};
use crate::csv::mapping::preset;
use crate::csv::records::{Fault, QuoteFault};
use crate::csv::row_result::{RowCount, RowCounts, SkipReason};
use crate::csv::selection::{Answer, Question};
use crate::import::{ImportProgress, ImportStep};
use domain::credit_state::{Action, ActionContext, State};
use domain::lang::Lang;

/// Reasons that a summary names one by one; files differ in more values than anybody reads.
const SHOWN_REASONS: usize = 20;

/// What is being done.
impl Localize for ImportStep {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Reading => lang.pick("読み込み", "Reading"),
            Self::Checking => lang.pick("確認", "Checking"),
            Self::Writing => lang.pick("取り込み", "Importing"),
        }
    }
}

/// `確認 1200 / 50000行`
impl Localize for ImportProgress {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let Self { step, done, total } = self;
        let step = step.localized(lang);
        match total {
            0 => lang.pick(format!("{step}中です"), step.to_owned()),
            _ => lang.pick(format!("{step} {done} / {total}行"), format!("{step}: {done} of {total} rows")),
        }
    }
}

/// What is wrong, and what to do.
impl Localize for FileError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Empty => lang.pick(
                "ファイルが空です。見出しの行から始まるCSVを指定してください".into(),
                "The file is empty; give a CSV that begins with a heading line".into(),
            ),
            Self::TooLarge => lang.pick(
                format!("ファイルが{}MiBを超えています。分けて取り込んでください", MAX_FILE_BYTES >> 20),
                format!("The file is larger than {} MiB; split it", MAX_FILE_BYTES >> 20),
            ),
            Self::TooManyLines => lang.pick(
                format!("{MAX_LINES}行を超えています。分けて取り込んでください"),
                format!("The file has more than {MAX_LINES} lines; split it"),
            ),
            Self::Mapping(error) => definition_error(error, lang),
            Self::MissingHeadings(names) => lang.pick(
                format!(
                    "見出し「{}」がありません。文字コードはUTF-8、UTF-16、Shift_JISのどれかです",
                    names.join("」「")
                ),
                format!("Headings are missing: {}. The file must be UTF-8, UTF-16 or Shift_JIS", all_in_english(names)),
            ),
            Self::HeadingsTwice(names) => lang.pick(
                format!("見出し「{}」が二度あります。どちらかを消してください", names.join("」「")),
                format!("Headings are there twice: {}; remove one of each", all_in_english(names)),
            ),
            Self::Columns(errors) => {
                errors.iter().map(|error| mapping_error(error, lang)).collect::<Vec<_>>().join(lang.pick("。", ". "))
            }
            Self::Recognised(ids) => recognised(ids, lang),
            Self::Utf16 => lang.pick(
                "UTF-16のファイルとして読めません。Excelの「CSV UTF-8（コンマ区切り）」で保存し直してください".into(),
                "The file begins like UTF-16 and cannot be read as such; save it again as CSV UTF-8".into(),
            ),
            Self::OtherKind(kind) => kind.localized(lang).to_owned(),
            Self::Quote { fault, span } => {
                let words = quote_error(*fault, *span, lang);
                lang.pick(
                    format!("見出しの行を読めません。{words}"),
                    format!("The heading line cannot be read: {words}"),
                )
            }
            Self::NothingToTakeBy(values) => lang.pick(
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

/// What the file is, and what to do.
impl Localize for OtherKind {
    type Text = &'static str;

    fn localized(&self, lang: Lang) -> &'static str {
        match self {
            Self::Workbook => lang.pick(
                "CSVではなく、Excelのブックか圧縮ファイルです。Excelで開いて「CSV UTF-8（コンマ区切り）」で保存するか、展開してから取り込んでください",
                "The file is no CSV but a workbook or an archive; save it as CSV UTF-8 in Excel, or unpack it",
            ),
            Self::Pdf => lang.pick(
                "CSVではなくPDFです。CSVで出力し直してください",
                "The file is no CSV but a PDF; export it as CSV",
            ),
            Self::WebPage => lang.pick(
                "CSVではなくウェブページです。モールや送り状ソフトにログインし直して、もう一度ダウンロードしてください",
                "The file is no CSV but a web page; sign in again where it comes from and download it once more",
            ),
            Self::Semicolons => lang.pick(
                "1行目: 列がセミコロン（;）で区切られています。コンマ（,）かタブで区切って保存し直してください",
                "Line 1: the cells are parted by semicolons; save the file with commas or tabs",
            ),
        }
    }
}

fn all_in_english(headings: &[String]) -> String {
    headings.iter().map(|heading| in_english(heading)).collect::<Vec<_>>().join(", ")
}

impl InvalidOrder {
    /// Each thing that is wrong, with its line where that is not the order's first one.
    pub fn texts(&self, lang: Lang) -> Vec<String> {
        let text = |error: &RowError| match error {
            RowError::Value(other) if other.line != self.line => problem(other, lang),
            error => error.localized(lang),
        };
        self.errors.iter().map(text).collect()
    }

    /// One message: the file, called `file`, line, order, what is wrong, what to do.
    pub fn localized_in(&self, file: &str, lang: Lang) -> String {
        let all = self.texts(lang);
        let number = if self.number.is_empty() { "–" } else { &self.number };
        lang.pick(
            format!("{file} {}行目 注文番号 {number}: {}", self.line, all.join("。")),
            format!("{file} line {}, order {number}: {}", self.line, all.join(". ")),
        )
    }
}

/// Of which mall a file is the export, and how it is read.
fn recognised(ids: &[String], lang: Lang) -> String {
    let name = |id: &String| preset::find(id).map_or_else(|| id.clone(), |preset| preset.name.clone());
    let names: Vec<_> = ids.iter().map(name).collect();
    let id = ids.first().map_or("", String::as_str);
    lang.pick(
        format!(
            "見出しから「{}」の書き出しとわかりました。このモールの設定の「列の対応」に preset = \"{id}\" と書くか、今回だけなら\
             --preset {id} を付けて取り込んでください",
            names.join("」「")
        ),
        format!(
            "By its headings the file is an export of {}: write preset = \"{id}\" into the mapping of the mall's settings, or \
             import it with --preset {id} this once",
            names.join(" / ")
        ),
    )
}

/// What is wrong with a quote, where, how far it reaches, and what to do.
fn quote_error(Fault { kind, line }: Fault, span: u64, lang: Lang) -> String {
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

/// What is wrong and what to do.
impl Localize for RowError {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Cells { expected, found } => lang.pick(
                format!(
                    "列の数が見出しと違います（見出し{expected}、この行{found}）。カンマと引用符を確かめてください"
                ),
                format!("{found} cells where the heading line has {expected}; look at commas and quotes"),
            ),
            Self::Encoding(name) => lang.pick(
                format!("「{name}」に読めない文字があります。文字コードを確かめてください"),
                format!("{} has bytes that are no text; look at the file's encoding", in_english(name)),
            ),
            Self::TooLong(name) => lang.pick(
                format!("「{name}」は{MAX_CELL}文字以内にしてください"),
                format!("{} may have {MAX_CELL} characters at most", in_english(name)),
            ),
            Self::Unseen(name) => lang.pick(
                format!("「{name}」から、目に見えない制御文字を取り除いてください"),
                format!("{} has control characters; remove them", in_english(name)),
            ),
            Self::TooManyItems => lang.pick(
                format!("一つの注文は{MAX_ITEMS}行までです。注文を分けてください"),
                format!("an order has {MAX_ITEMS} lines at most; split it"),
            ),
            Self::Empty(name) => {
                lang.pick(format!("「{name}」を入力してください"), format!("{} is empty; fill it in", in_english(name)))
            }
            Self::Value(problem) => problem_of_order(problem, lang),
            Self::NothingToBill => lang.pick(
                "請求額が0円以下になりました。取り込み済みの注文は前の金額のままです。与信せず、与信済みなら[与信キャンセル]をしてください"
                    .into(),
                "there is nothing to bill any more, and the order that was imported before still has its old amount: request no \
                 credit for it, and cancel the credit that it has"
                    .into(),
            ),
            Self::TwiceInFile(line) => lang.pick(
                format!("同じ注文番号が{line}行目にもあります。どちらかを消してください"),
                format!("the number is also at line {line}; remove one of the two"),
            ),
            Self::Quote { fault, span } => quote_error(*fault, *span, lang),
            Self::PartUnread(line) => lang.pick(
                format!("この注文の一部が、{line}行目からの読めない行にあります。そちらを直して取り込み直してください"),
                format!("a part of this order is among lines that cannot be read, from line {line} on; mend these"),
            ),
            Self::BesideUnread(line) => lang.pick(
                format!(
                    "複数行のセルがあり、隣の{line}行目からの行が読めないため、どこまでがこの注文かわかりません。\
                     そちらを直して（要らない行なら消して）取り込み直してください"
                ),
                format!(
                    "a cell has several lines, and the row next to it, from line {line} on, cannot be read, so nobody \
                     knows where this order ends; mend (or remove) that row and import again"
                ),
            ),
            Self::Mangled(name, cell) => lang.pick(
                format!("「{name}」の「{cell}」は{}", mangled(lang)),
                format!("{} \"{cell}\" {}", in_english(name), mangled(lang)),
            ),
            Self::Differs => lang.pick(
                "取り込み済みの注文と内容が違います。直すときは「取り込み済みの注文も更新する」（--correct）で取り込んでください"
                    .into(),
                "the order was imported before with another content; to correct it, import with --correct \
                 (correct=true)"
                    .into(),
            ),
            Self::Registered(state) => registered(*state, lang),
            Self::NoOrder => lang.pick(
                "この注文番号の注文はありません。モールと番号を確かめてください".into(),
                "there is no such order; look at the mall and the number".into(),
            ),
            Self::JudgedByApi(state) => {
                let state = state.localized(lang);
                lang.pick(
                    format!("APIで与信した注文です（{state}）。CSVの結果は取り込めません"),
                    format!("the order was judged through the API ({state}); a result by CSV is not taken"),
                )
            }
            Self::Result(cell) => lang.pick(
                format!("与信結果「{cell}」を、OK、NG、審査中、保留、キャンセル済のどれかに直してください"),
                format!("the result \"{cell}\" must be one of OK, NG, 審査中 (under review), 保留 (on hold), キャンセル済 (cancelled)"),
            ),
            Self::Finding(cell) => lang.pick(
                format!("結果「{cell}」を、{}のどれかに直してください", finding_names(lang)),
                format!("the finding \"{cell}\" must be one of {}", finding_names(lang)),
            ),
            Self::WhichOrder => lang.pick(
                "「注文番号」か「登録番号」を入力してください".into(),
                "give 注文番号 (order number) or 登録番号 (reference)".into(),
            ),
            Self::OtherReference => lang.pick(
                "この登録番号は、この注文の今の登録番号ではありません。受注一覧で確かめてください".into(),
                "this 登録番号 (reference) is not the one under which the order is registered now; look at the order".into(),
            ),
            Self::OtherDoubt(0) => lang.pick(
                "この注文の結果は不明になったことがありません。受注一覧で確かめてください".into(),
                "the outcome of this order was never unknown; look at the order".into(),
            ),
            Self::OtherDoubt(doubts) => lang.pick(
                format!("この注文の結果が不明になったのは{doubts}回目です。今の登録を管理画面で確かめ、「不明回数」を{doubts}にしてください"),
                format!(
                    "its outcome has become unknown {doubts} times: look at its registration as it is now, and put \
                     {doubts} into 不明回数 (times it was unknown)"
                ),
            ),
            Self::Longer(name, max) => lang.pick(
                format!("「{name}」は{max}文字以内にしてください"),
                format!("{} may have {max} characters at most", in_english(name)),
            ),
            Self::NotRecorded(problem) => sentence(problem, &Situation::without_order(), lang),
            Self::Changed => lang.pick(
                "ほかの人または処理がこの注文を操作しました。もう一度取り込んでください".into(),
                "somebody else acted on the order meanwhile; import it again".into(),
            ),
            Self::NoWord(name) => lang.pick(
                format!("「{name}」の値が、列の対応で決めた言葉のどれでもありません。値か列の対応を直してください"),
                format!("{name} is none of the words of the mapping; mend the cell or the mapping"),
            ),
            Self::Tracking(None, problem) => problem.localized(lang),
            Self::Tracking(Some(order), problem) => format!("{order}: {}", problem.localized(lang)),
            Self::Fee(fields) => {
                let said: Vec<_> = fields.iter().map(|field| field.localized(lang)).collect();
                lang.pick(
                    format!("手数料を計算できません（{}）。モールの手数料設定を確かめてください", said.join(" / ")),
                    format!("the fee cannot be worked out ({}); look at the mall's fees", said.join(" / ")),
                )
            }
        }
    }
}

/// Why the content of an order in `state` cannot change, and what its state offers so that it can.
fn registered(state: State, lang: Lang) -> String {
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
    let state = state.localized(lang);
    lang.pick(
        format!("{state}の注文の内容は変えられません。{ja}"),
        format!("an order at {state} can no longer be corrected: {en}"),
    )
}

/// The reason, as a clause.
impl Localize for SkipReason {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        match self {
            Self::Blank => lang.pick("空の行", "empty rows").to_owned(),
            Self::Unchanged => lang.pick("取り込み済みで変更なし", "imported before and unchanged").to_owned(),
            Self::NotTaken { column, value } => {
                let value = shown_value(value, lang);
                lang.pick(format!("{column}が「{value}」"), format!("{column} is {value}"))
            }
            Self::Title => lang.pick("見出しより上の行", "rows above the headings").to_owned(),
            Self::Headings => lang.pick("見出しの繰り返し", "headings once more").to_owned(),
            Self::TotalLine => lang.pick("合計の行", "total lines").to_owned(),
            Self::Repeated => lang.pick("同じ行の繰り返し", "rows that came before").to_owned(),
            Self::NothingToBill => {
                lang.pick("請求額が0円以下（与信は不要）", "nothing to bill, so no credit is needed").to_owned()
            }
            Self::NoResult => lang.pick("結果が空の行", "no result given").to_owned(),
            Self::NoTracking => lang.pick("伝票番号が空の行", "no tracking number").to_owned(),
            Self::OtherParcel => lang
                .pick(
                    "同じ注文の別の個口（届け出る番号は一つ）",
                    "another parcel of the order, of which one is reported",
                )
                .to_owned(),
        }
    }
}

/// A cell as people are shown it: an empty one has a name.
pub fn shown_value(value: &str, lang: Lang) -> &str {
    if value.is_empty() { lang.pick("（空）", "(empty)") } else { value }
}

/// The sum as one line, and the reasons for passing over as another where there are any.
impl Localize for RowCounts {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let (read, taken, refused, passed) = (self.read(), self.taken, self.refused, self.passed_over().rows);
        let (taken_orders, refused_orders) = (order_count(taken.orders, lang), order_count(refused.orders, lang));
        let sum = lang.pick(
            format!(
                "読んだ行 {read} ＝ 取り込む {}（{taken_orders}）＋ 取り込めない {}（{refused_orders}）＋ 対象外 {passed}",
                taken.rows, refused.rows
            ),
            format!(
                "rows read {read} = taken {} ({taken_orders}) + refused {} ({refused_orders}) + passed over {passed}",
                taken.rows, refused.rows
            ),
        );
        if self.passed.is_empty() {
            return sum;
        }
        let reason = |(reason, tally): (&SkipReason, &RowCount)| format!("{} {}", reason.localized(lang), tally.rows);
        let mut reasons: Vec<_> = self.passed.iter().take(SHOWN_REASONS).map(reason).collect();
        if self.passed.len() > SHOWN_REASONS {
            reasons.push("…".to_owned());
        }
        lang.pick(
            format!("{sum}\n対象外の内訳: {}", reasons.join("、")),
            format!("{sum}\npassed over: {}", reasons.join(", ")),
        )
    }
}

/// What is asked, without how to answer.
impl Localize for Question {
    type Text = String;

    fn localized(&self, lang: Lang) -> String {
        let columns = self.columns.iter().map(|column| column.heading.as_str());
        let columns: Vec<_> = columns.collect();
        lang.pick(
            format!(
                "「{}」の列があります。どの値の注文を後払いとして取り込むかを決めてください。まだ何も取り込んでいません。",
                columns.join("」「")
            ),
            format!(
                "The file has the columns {}: say which of their values are orders to be taken for deferred payment. \
                 Nothing was imported.",
                columns.join(", ")
            ),
        )
    }
}

/// How many new orders seem to be in the store under another number or at another mall; nothing where none do.
pub fn similar(orders: usize, lang: Lang) -> Option<String> {
    (orders > 0).then(|| {
        lang.pick(
            format!(
                "ほかの注文と同じかもしれない注文 {orders}（自動では与信を実行しません。モールが正しいか確かめてください）"
            ),
            format!(
                "orders that may be others that are there: {orders} (their credit is not run by itself; see whether the mall is right)"
            ),
        )
    })
}

/// How many orders were gathered from rows between which other orders stand; nothing where there are none.
pub fn gathered(orders: usize, lang: Lang) -> Option<String> {
    (orders > 0).then(|| {
        let orders = order_count(orders, lang);
        lang.pick(format!("離れた行をまとめた注文 {orders}"), format!("gathered from rows that stood apart: {orders}"))
    })
}

/// The values that a question is about with their numbers of orders, a line for each.
pub fn question_values(question: &Question, lang: Lang) -> String {
    let line = |Answer { heading, value, orders }: Answer<'_>| {
        format!("  {heading} {}: {}", shown_value(value, lang), order_count(orders, lang))
    };
    question.answers().map(line).collect::<Vec<_>>().join("\n")
}
