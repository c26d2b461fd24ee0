//! CSV in and out.

use super::answers::{Acting, Key, Missing, Reading};
use super::caller::Caller;
use super::orders::Matching;
use super::problem::{Kind, Problem};
use crate::sheet::{Charset, MAX_FILE_BYTES};
use crate::web::App;
use crate::web::transfer::{self, Incoming, MAX_EXPORT, What, file};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, RawQuery, State};
use axum::response::Response;
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Name {
    /// UTF-8
    #[serde(rename = "utf-8")]
    Utf8,
    /// The Shift_JIS of Windows.
    #[serde(rename = "shift_jis")]
    ShiftJis,
}

impl Name {
    fn encoding(self) -> &'static Encoding {
        match self {
            Name::Utf8 => UTF_8,
            Name::ShiftJis => SHIFT_JIS,
        }
    }
}

/// What a file is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Coming {
    /// The mall whose file it is.
    mall: String,
    what: What,
    /// Absent: found out.
    encoding: Option<Name>,
    /// Says what would happen, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// Orders that are there already become what the file says, as long as they may still be credited; 受注ステータス
    /// changes in every state. Without it they are refused.
    #[serde(default)]
    correct: bool,
}

/// An order of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileLine {
    /// Its first line.
    line: u64,
    number: String,
    /// What happens to it, or why nothing does.
    words: String,
}

/// What came of a file, or would.
#[derive(Debug, Serialize, ToSchema)]
pub struct Came {
    dry_run: bool,
    /// Orders that were taken in, or would be.
    taken_count: usize,
    /// Orders that were not.
    refused_count: usize,
    /// The first 1,000 of them.
    taken: Vec<FileLine>,
    /// The first 1,000 of them.
    refused: Vec<FileLine>,
}

/// Orders that an answer names one by one: an answer is kept with its key.
const NAMED: usize = 1_000;

/// Takes orders or credit results in from a CSV file.
///
/// Orders have one line for each item, with the columns 注文番号, 注文日時, 注文者氏名, 注文者郵便番号, 注文者都道府県,
/// 注文者市区町村, 注文者住所, 注文者電話番号, 合計金額, 商品名, 単価, 数量; and, where they are there, 注文者氏名カナ,
/// 注文者会社名, 注文者部署名, 注文者メールアドレス, the same of 送付先, 送料, 決済手数料, 請求書, 備考, 受注ステータス,
/// 税率. A mall's `headings` give them other names. Credit results have 注文番号, 与信結果 (OK, NG, 審査中, 保留 or
/// キャンセル済) and 与信理由.
#[utoipa::path(post, operation_id = "import_csv", path = "/v1/imports", tag = "csv", params(Coming, Key),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Came, description = "What came of the file, or would."), Acting, Missing))]
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(coming): Query<Coming>,
    bytes: Bytes,
) -> Result<Json<Came>, Problem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::new(Kind::TooLarge, format!("A file may have {MAX_FILE_BYTES} bytes at most.")));
    }
    let mall = app.store.mall(&coming.mall).await?.ok_or_else(|| Problem::no_such("mall", &coming.mall))?;
    let incoming = Incoming {
        mall: coming.mall,
        what: coming.what,
        encoding: coming.encoding.map(Name::encoding),
        correct: coming.correct,
        bytes: bytes.to_vec(),
    };
    let came = transfer::take_in(&app, &incoming, &mall, &caller.name, coming.dry_run, caller.lang).await;
    let came = came.map_err(|_| Problem::new(Kind::Failed, "The platform's log says why."))?;
    let came = came.map_err(|words| Problem::new(Kind::Invalid, words))?;
    let (taken_count, refused_count) = (came.taken.len(), came.bad.len());
    let taken =
        came.taken.into_iter().take(NAMED).map(|(line, number, words)| FileLine { line, number, words }).collect();
    let refused = came.bad.into_iter().take(NAMED).map(|bad| FileLine {
        line: bad.line,
        words: bad.complaints.iter().map(|complaint| complaint.words(caller.lang)).collect::<Vec<_>>().join(" / "),
        number: bad.number,
    });
    let refused = refused.collect();
    Ok(Json(Came { dry_run: coming.dry_run, taken_count, refused_count, taken, refused }))
}

/// What is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Going {
    what: What,
    /// `utf-8` is with a byte order mark. Absent: `shift_jis`.
    encoding: Option<Name>,
}

/// Orders or credit results as a CSV file that opens in a Japanese Excel. What Shift_JIS cannot write becomes 〓.
///
/// Credit results are those of orders whose results came by CSV, and of those that nobody has judged yet; orders that
/// were judged through the API are left out.
#[utoipa::path(get, operation_id = "export_csv", path = "/v1/exports", tag = "csv", params(Going, Matching),
    responses((status = 200, body = String, description = "The file.", content_type = "text/csv"), Reading, (status = 422, body = Problem, content_type = "application/problem+json", description = "The file would have too many orders.")))]
pub async fn export(
    State(app): State<App>,
    Query(going): Query<Going>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let matching = Matching::in_query(query.as_deref(), &["what", "encoding"])?;
    let charset = if going.encoding == Some(Name::Utf8) { Charset::Utf8WithBom } else { Charset::ShiftJis };
    let written = transfer::write(&app, going.what, &matching.query()?, charset).await;
    let written = written.map_err(|_| Problem::new(Kind::Failed, "The platform's log says why."))?;
    let too_many = || Problem::new(Kind::Invalid, format!("A file has at most {MAX_EXPORT} orders."));
    Ok(file(going.what, charset, written.ok_or_else(too_many)?))
}
