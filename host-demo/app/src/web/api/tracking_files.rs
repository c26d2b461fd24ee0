//! Tracking numbers from the files of carriers' programs.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::caller::Caller;
use crate::web::api::order_filter::date;
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::transfer::{CsvEncoding, FileOrder, ImportRowCounts, NAMED, SkippedRows};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use domain::lang::Lang;
use serde::{Deserialize, Serialize};
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::error_text::definition_error;
use service::csv::mapping::text::Definition;
use service::csv::tracking_file::FormatChoice;
use service::csv::tracking_format::{self, TrackingMapping};
use service::messages::localize::Localize;
use service::messages::tracking::doubt_warning;
use service::tracking::import::{self, EnteredNumber};
use service::tracking::matching::{TrackingImport, TrackingImportError};
use utoipa::{IntoParams, ToSchema};

/// Orders that a response names for 伝票番号同期: as many as a shop ships in a day. Responses are stored for their
/// `Idempotency-Key`, so they are bounded.
const MOST_SYNCABLE: usize = 10_000;

/// The format of the files that a carrier's program writes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrackingFileFormat {
    /// Names it in an import.
    id: &'static str,
    /// What people call it.
    name: &'static str,
}

/// The formats of files with tracking numbers that are known.
#[utoipa::path(get, operation_id = "list_tracking_formats", path = "/v1/tracking-formats", tag = "csv",
    responses((status = 200, body = Vec<TrackingFileFormat>, description = "The formats."), Reading))]
pub(super) async fn formats(_: Caller) -> Json<Vec<TrackingFileFormat>> {
    Json(tracking_format::all().iter().map(|one| TrackingFileFormat { id: &one.id, name: &one.name }).collect())
}

/// How a file of tracking numbers is taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrackingImportOptions {
    /// One of `GET /v1/tracking-formats`. Absent: as the mall's settings say (`tracking_mapping`), else recognised by the
    /// headings.
    format: Option<String>,
    /// Instead of a format: which columns the file has, as TOML, whatever the mall's settings say (`[columns]` with 注文番号 or 注文ID, 伝票番号, 配送業者,
    /// 出荷日, モール, each a heading or `{ position = 3 }`).
    mapping: Option<String>,
    /// The mall whose orders the file is about. Absent: any; a number that several malls have is then refused, and the
    /// settings of a mall count only if all malls have the same, or all orders found are of malls that have it.
    mall: Option<String>,
    /// The carrier of all parcels, whatever the file says: an id, or a name in Japanese or English.
    carrier: Option<String>,
    /// The day on which all parcels were handed over, whatever the file says. Absent: the file's, or today.
    #[param(format = Date)]
    shipped_on: Option<String>,
    /// The column of the order's number holds the platform's own number of it (注文ID).
    #[serde(default)]
    by_id: bool,
    /// Absent: detected.
    encoding: Option<CsvEncoding>,
    /// Validates the file and reports what would happen; writes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// A tracking number that was entered, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnteredTracking {
    /// The row of the file.
    line: u64,
    /// The platform's number of the order.
    order: i64,
    /// The mall's number of the order.
    number: String,
    carrier: String,
    tracking_number: String,
    shipped_on: String,
    /// The tracking number that the order had before.
    replaced: Option<String>,
    /// Numbers of the order's other parcels, which are not reported.
    other_parcels: Vec<String>,
    /// Why the number is probably not one of its carrier's, in words.
    warning: Option<String>,
}

impl EnteredTracking {
    fn new(line: u64, entered: &EnteredNumber, lang: Lang) -> Self {
        Self {
            line,
            order: entered.id,
            number: entered.number.clone(),
            carrier: entered.tracking.carrier.clone(),
            tracking_number: entered.tracking.number.clone(),
            shipped_on: entered.tracking.shipped_on.to_string(),
            replaced: entered.before.as_ref().map(|before| before.number.clone()),
            other_parcels: entered.others.clone(),
            warning: entered.doubt.map(|doubt| doubt_warning(doubt, lang)),
        }
    }
}

/// The result of an import of tracking numbers, or of a dry run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrackingImportResult {
    dry_run: bool,
    /// The format as which the file was read; absent with a mapping.
    format: Option<&'static str>,
    /// The malls by whose setting it was read.
    by_setting_of: Vec<String>,
    /// Malls whose settings read it as well and were not used, because orders of other malls are in it, or it is not known
    /// whose: name the mall to use its setting.
    unused_settings_of: Vec<String>,
    /// Orders whose numbers were entered, or would be.
    entered_count: usize,
    /// Rows that were not taken.
    refused_count: usize,
    /// What became of every row below the headings.
    rows: ImportRowCounts,
    /// Why rows were passed over.
    passed_over: Vec<SkippedRows>,
    /// The first 1,000 of them.
    entered: Vec<EnteredTracking>,
    /// The first 1,000 rows that were not taken.
    refused: Vec<FileOrder>,
    /// The orders whose numbers can be reported now, for `POST /v1/batches`; the first 10,000.
    syncable: Vec<i64>,
}

/// Takes tracking numbers in from the file of a carrier's program.
///
/// Rows are matched with orders by number (or by 注文ID). What is wrong with a row refuses that row alone; of several
/// parcels of one order one is reported, and one number goes to several orders only where they go to one destination.
#[utoipa::path(post, operation_id = "import_tracking", path = "/v1/tracking-imports", tag = "csv", params(TrackingImportOptions, Key),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = TrackingImportResult, description = "The result of the import, or of the dry run."), Acting, Missing))]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(options): Query<TrackingImportOptions>,
    bytes: Bytes,
) -> Result<Json<TrackingImportResult>, Problem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::new(Kind::TooLarge, format!("A file may have {MAX_FILE_BYTES} bytes at most.")));
    }
    let (dry_run, lang) = (options.dry_run, caller.lang);
    let file = TrackingImport {
        format: choice(options.format.as_deref(), options.mapping.as_deref(), lang)?,
        mall: options.mall,
        encoding: options.encoding.map(CsvEncoding::charset),
        carrier: options.carrier,
        shipped_on: options.shipped_on.as_deref().map(date).transpose()?,
        by_id: options.by_id,
        bytes: bytes.to_vec(),
    };
    let report = match import::import(&app.credit.of(&caller.name), &file, dry_run).await {
        Ok(report) => report,
        Err(TrackingImportError::File(error)) => return Err(Problem::new(Kind::Invalid, error.localized(lang))),
        Err(TrackingImportError::NoMall(id)) => return Err(Problem::no_such("mall", &id)),
        Err(TrackingImportError::Store(error)) => return Err(error.into()),
    };
    if !dry_run {
        app.wake.notify_one();
    }
    let counts = report.report.counts();
    let entered = report.report.taken().flat_map(|(line, _, all)| all.iter().map(move |one| (line, one)));
    let refused = report.report.bad().map(|bad| FileOrder {
        line: bad.line,
        words: bad.errors.iter().map(|error| error.localized(lang)).collect::<Vec<_>>().join(" / "),
        number: bad.number,
    });
    let mut syncable = report.syncable();
    syncable.truncate(MOST_SYNCABLE);
    Ok(Json(TrackingImportResult {
        dry_run,
        format: report.format.map(|format| format.id.as_str()),
        by_setting_of: report.by_setting_of.clone(),
        unused_settings_of: report.unused_settings_of.clone(),
        entered_count: report.entered().count(),
        refused_count: counts.refused.rows,
        rows: ImportRowCounts::new(&counts),
        passed_over: SkippedRows::all(&counts, lang),
        entered: entered.take(NAMED).map(|(line, one)| EnteredTracking::new(line, one, lang)).collect(),
        refused: refused.take(NAMED).collect(),
        syncable,
    }))
}

fn choice(format: Option<&str>, mapping: Option<&str>, lang: Lang) -> Result<Option<FormatChoice>, Problem> {
    match (format, mapping) {
        (None, None) => Ok(None),
        (Some(id), None) => {
            let format = tracking_format::find(id).ok_or_else(|| Problem::no_such("tracking format", &id))?;
            Ok(Some(FormatChoice::Format(format)))
        }
        (None, Some(text)) => match TrackingMapping::parse(text) {
            Ok(mapping) => Ok(Some(FormatChoice::Mapping(Box::new(mapping)))),
            Err(error) => Err(Problem::new(Kind::Invalid, definition_error(&error, lang))),
        },
        (Some(_), Some(_)) => Err(Problem::new(Kind::Invalid, "Give `format` or `mapping`, not both.")),
    }
}
