//! CSV in and out.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::caller::Caller;
use crate::web::api::order_filter::OrderFilter;
use crate::web::api::problem::{FieldError, Kind, Problem};
use crate::web::api::schemas::enums::enum_of;
use crate::web::http::download::csv_file;
use crate::web::parts::file_import::{FileRefusal, import_file};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, RawQuery, State};
use axum::response::Response;
use domain::lang::Lang;
use serde::{Deserialize, Serialize};
use service::csv::encoding::Charset;
use service::csv::error::InvalidOrder;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::preset::Preset;
use service::csv::mapping::setting;
use service::csv::row_result::{RowCount, RowCounts, SkipReason};
use service::csv::selection::Answer;
use service::import::Follow;
use service::messages::format::order_count;
use service::messages::localize::Localize;
use service::transfer::{self, ExportError, FileImport, FileKind, MAX_EXPORT};
use utoipa::{IntoParams, ToSchema};

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub(super) enum CsvEncoding {
    /// UTF-8
    #[serde(rename = "utf-8")]
    Utf8,
    /// The `Shift_JIS` of Windows.
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

impl CsvEncoding {
    pub(super) fn charset(self) -> Charset {
        match self {
            Self::Utf8 => Charset::Utf8,
            Self::ShiftJis => Charset::ShiftJis,
        }
    }
}

enum_of! {
    /// What a file is about.
    CsvContent of FileKind {
        /// 注文
        Orders,
        /// 与信結果
        Results,
        /// What was found at the provider about unknown outcomes.
        Decisions,
    }
}

/// How a file is imported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportOptions {
    /// The mall whose file it is.
    mall: String,
    what: CsvContent,
    /// Absent: detected.
    encoding: Option<CsvEncoding>,
    /// Validates the file and reports what would happen; writes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Orders that are there already become what the file says, as long as they may still be credited; 受注ステータス
    /// changes in every state. Without it those that differ are refused; those that do not are passed over.
    #[serde(default)]
    correct: bool,
    /// Which of the orders are taken: a value of a column that tells payment method or status, or column and value
    /// (`支払方法=後払い決済`); as often as needed. `*`: all of them but those that were cancelled. Comes before the
    /// mall's `take`. A file with such a column without a choice of what is to be taken is refused with the
    /// values that it has (`choice-needed`).
    #[serde(default)]
    take: Vec<String>,
    /// For orders: the preset by which the file is read this once (such as `rakuten`), in place of the mall's mapping.
    preset: Option<String>,
}

/// An order of the file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FileOrder {
    /// Its first line.
    pub(super) line: u64,
    pub(super) number: String,
    /// What happens to it, or why nothing does.
    pub(super) words: String,
}

impl FileOrder {
    /// An order that is refused.
    pub(super) fn refused(bad: InvalidOrder, lang: Lang) -> Self {
        let words = bad.texts(lang).join(" / ");
        Self { line: bad.line, number: bad.number, words }
    }
}

/// The result of an import, or of a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportResult {
    dry_run: bool,
    /// Orders that were taken in, or would be.
    taken_count: usize,
    /// Orders that were not.
    refused_count: usize,
    /// Orders that were gathered from rows between which other orders stand.
    gathered_count: usize,
    /// New orders that may be others that are there, under another number or at another mall: their credit is not
    /// run by itself, and in a batch only where that is confirmed.
    similar_count: usize,
    /// What became of every row but the one with the headings.
    rows: ImportRowCounts,
    /// Why rows were passed over.
    passed_over: Vec<SkippedRows>,
    /// The first 1,000 of them.
    taken: Vec<FileOrder>,
    /// The first 1,000 of them.
    refused: Vec<FileOrder>,
}

/// Rows of a file: those that were read are taken, refused or passed over, and nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportRowCounts {
    read: usize,
    taken: usize,
    refused: usize,
    passed_over: usize,
}

impl ImportRowCounts {
    pub(super) fn new(counts: &RowCounts) -> Self {
        Self {
            read: counts.read(),
            taken: counts.taken.rows,
            refused: counts.refused.rows,
            passed_over: counts.passed_over().rows,
        }
    }
}

/// Rows with which nothing is wrong and nothing is to be done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SkippedRows {
    /// `blank`, `unchanged`, `not_taken`, `title` (above the headings), `headings` (once more), `total_line`, `repeated`,
    /// `nothing_to_bill`, `no_result`, `no_tracking` or `other_parcel`.
    reason: &'static str,
    /// The same in words.
    words: String,
    /// For `not_taken`: the column.
    column: Option<String>,
    /// For `not_taken`: what stands there.
    value: Option<String>,
    orders: usize,
    rows: usize,
}

impl SkippedRows {
    /// The rows that were passed over, by reason.
    pub(super) fn all(counts: &RowCounts, lang: Lang) -> Vec<Self> {
        counts.passed.iter().take(NAMED).map(|(reason, tally)| Self::new(reason, *tally, lang)).collect()
    }

    fn new(reason: &SkipReason, tally: RowCount, lang: Lang) -> Self {
        let (name, told) = match reason {
            SkipReason::Blank => ("blank", None),
            SkipReason::Unchanged => ("unchanged", None),
            SkipReason::Title => ("title", None),
            SkipReason::Headings => ("headings", None),
            SkipReason::TotalLine => ("total_line", None),
            SkipReason::Repeated => ("repeated", None),
            SkipReason::NothingToBill => ("nothing_to_bill", None),
            SkipReason::NoResult => ("no_result", None),
            SkipReason::NoTracking => ("no_tracking", None),
            SkipReason::OtherParcel => ("other_parcel", None),
            SkipReason::NotTaken { column, value } => ("not_taken", Some((column.clone(), value.clone()))),
        };
        let (column, value) = told.unzip();
        let words = reason.localized(lang);
        Self { reason: name, words, column, value, orders: tally.orders, rows: tally.rows }
    }
}

/// Orders that a response lists one by one; responses are stored for their `Idempotency-Key`, so they are bounded.
pub(super) const NAMED: usize = 1_000;

/// Takes orders, credit results or findings about unknown outcomes in from a CSV file.
///
/// Orders have one line for each item, with the columns 注文番号, 注文日時, 注文者氏名, 注文者郵便番号, 注文者都道府県,
/// 注文者市区町村, 注文者住所, 注文者電話番号, 合計金額, 商品名, 単価, 数量; and, where they are there, 注文者氏名カナ,
/// 注文者会社名, 注文者部署名, 注文者メールアドレス, the same of 送付先, 送料, 決済手数料, 請求書, 備考, 受注ステータス,
/// 税率. A mall's `mapping` says how an export under other headings is read. Credit results have 注文番号, 与信結果 (OK, NG, 審査中, 保留 or
/// キャンセル済) and 与信理由. Findings (`decisions`) have 注文番号 or 登録番号 or both, 不明回数 of
/// an order whose outcome is unknown for the second time or later, 結果 (与信OK, 登録あり, 与信NG,
/// キャンセル済, 登録なし, 伝票番号あり, 伝票番号なし, or the names that a single decision has), 取引ID where it is not known
/// yet, and メモ; each row is checked like a single decision.
#[utoipa::path(post, operation_id = "import_csv", path = "/v1/imports", tag = "csv", params(ImportOptions, Key),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportResult, description = "The result of the import, or of the dry run."), Acting, Missing))]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    bytes: Bytes,
) -> Result<Json<ImportResult>, Problem> {
    let incoming = Incoming::read(&app, query, &bytes).await?;
    Ok(Json(incoming.import(&app, &caller, &|_| {}).await?))
}

/// A file that is to be imported.
pub(super) struct Incoming {
    /// The file.
    pub(super) file: FileImport,
    /// Nothing is written.
    pub(super) dry_run: bool,
}

impl Incoming {
    /// What a call asks for, if it can be begun.
    pub(super) async fn read(app: &App, query: Option<String>, bytes: &[u8]) -> Result<Self, Problem> {
        let options: ImportOptions = serde_html_form::from_str(query.as_deref().unwrap_or_default())
            .map_err(|error| Problem::new(Kind::Unreadable, error.to_string()))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(Problem::new(Kind::TooLarge, format!("A file may have {MAX_FILE_BYTES} bytes at most.")));
        }
        if app.store.mall_summary(&options.mall).await?.is_none() {
            return Err(Problem::no_such("mall", &options.mall));
        }
        let file = FileImport {
            mall: options.mall,
            kind: options.what.into(),
            encoding: options.encoding.map(CsvEncoding::charset),
            correct: options.correct,
            take: options.take,
            preset: options.preset,
            bytes: bytes.to_vec(),
        };
        Ok(Self { file, dry_run: options.dry_run })
    }

    /// Imports it, or says what that would do. `follow` is told how far it is.
    pub(super) async fn import(
        &self,
        app: &App,
        caller: &Caller,
        follow: &Follow<'_>,
    ) -> Result<ImportResult, Problem> {
        let (dry_run, lang) = (self.dry_run, caller.lang);
        let result = import_file(app, &self.file, &caller.name, dry_run, lang, follow).await;
        let result = result.map_err(|_| Problem::new(Kind::Failed, "The platform's log says why."))?;
        let result = result.map_err(|not_taken| refused(not_taken, lang))?;
        let counts = &result.counts;
        let line = |(line, number, words)| FileOrder { line, number, words };
        Ok(ImportResult {
            dry_run,
            taken_count: counts.taken.orders,
            refused_count: result.bad.len(),
            gathered_count: result.gathered,
            similar_count: result.similar,
            rows: ImportRowCounts::new(counts),
            passed_over: SkippedRows::all(counts, lang),
            taken: result.taken.into_iter().take(NAMED).map(line).collect(),
            refused: result.bad.into_iter().take(NAMED).map(|bad| FileOrder::refused(bad, lang)).collect(),
        })
    }
}

/// The problem for a file that was not imported: a validation error, or the choice that has to be sent with it.
fn refused(not_taken: FileRefusal, lang: Lang) -> Problem {
    match not_taken {
        FileRefusal::Unfit(words) => Problem::new(Kind::Invalid, words),
        FileRefusal::Recognised(words, presets) => {
            let mapping = |preset: &&Preset| setting::of_preset(&preset.id).trim().to_owned();
            let field = |preset| FieldError { field: "mapping".to_owned(), detail: mapping(preset) };
            Problem::new(Kind::Invalid, words).with(presets.iter().map(field).collect())
        }
        FileRefusal::ChoiceNeeded(question) => {
            let field = |answer: Answer<'_>| FieldError {
                field: "take".to_owned(),
                detail: format!("{}: {}", answer.told(), order_count(answer.orders, lang)),
            };
            let how = lang.pick(
                "取り込む値を take=列=値 として付けてください（いくつでも）。候補は fields にあります。",
                "Send the values that are to be taken as take=COLUMN=VALUE, as many as needed; `fields` has all of them.",
            );
            let words = format!("{} {how}", question.localized(lang));
            Problem::new(Kind::ChoiceNeeded, words).with(question.answers().map(field).collect())
        }
    }
}

/// What is exported, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportOptions {
    what: CsvContent,
    /// `utf-8` is with a byte order mark. Absent: `shift_jis`.
    encoding: Option<CsvEncoding>,
}

/// Orders, credit results or orders of unknown outcome as a CSV file that opens in a Japanese Excel. What `Shift_JIS` cannot write becomes 〓.
///
/// Credit results are those of orders whose results came by CSV, and of those that have no verdict yet; orders that
/// were judged through the API are left out. `decisions` are the orders of unknown outcome, with an empty 結果: filled in,
/// the file can be taken in.
#[utoipa::path(get, operation_id = "export_csv", path = "/v1/exports", tag = "csv", params(ExportOptions, OrderFilter),
    responses((status = 200, body = String, description = "The file.", content_type = "text/csv"), Reading, (status = 422, body = Problem, content_type = "application/problem+json", description = "The file would have too many orders.")))]
pub(super) async fn export(
    State(app): State<App>,
    Query(options): Query<ExportOptions>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let matching = OrderFilter::in_query(query.as_deref(), &["what", "encoding"])?;
    let charset = options.encoding.map_or(Charset::ShiftJis, CsvEncoding::charset);
    let kind = FileKind::from(options.what);
    match transfer::export(&app.credit, kind, &matching.query()?, charset, MAX_EXPORT).await {
        Ok(exported) => Ok(csv_file(kind, charset, exported.bytes)),
        Err(ExportError::TooMany(_)) => {
            Err(Problem::new(Kind::Invalid, format!("A file has at most {MAX_EXPORT} orders.")))
        }
        Err(ExportError::Store(error)) => Err(error.into()),
    }
}
