//! Tracking numbers from the file of a carrier's program: a dry run first, then the import of the same file.

use crate::web::http::form::{MAX_FORM, Upload, idempotency_key};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::pages::tracking::report::{SyncForm, entered_line};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::mapping_save::save_mapping;
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Multipart, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::clock;
use domain::mall::Mall;
use domain::user::Role;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::mapping::definition::FileLayout;
use service::csv::mapping::error_text::definition_error;
use service::csv::mapping::text::Definition;
use service::csv::mapping::value::{Origin, Value};
use service::csv::tracking_file::{self, FormatChoice, TrackingFileError};
use service::csv::tracking_format::{self, TrackingColumn, TrackingMapping};
use service::messages::localize::Localize;
use service::messages::tracking::read_by_text;
use service::tracking::import::{self, TrackingReport};
use service::tracking::matching::{TrackingImport, TrackingImportError};

/// Largest form with a file to import, in bytes.
pub(crate) const MAX_UPLOAD: usize = MAX_FILE_BYTES as usize + MAX_FORM;
/// Rows of a result that the page shows: more would not be read.
const SHOWN: usize = 200;
/// The choice of columns that are given in the form.
const OWN_COLUMNS: &str = "columns";

/// The fields of the form that say which columns a file has, and what they hold.
const COLUMN_FIELDS: [(&str, TrackingColumn); 4] = [
    ("column.order", TrackingColumn::OrderNumber),
    ("column.number", TrackingColumn::Tracking),
    ("column.carrier", TrackingColumn::Carrier),
    ("column.date", TrackingColumn::ShippedOn),
];

#[derive(Template)]
#[template(path = "tracking/import.html")]
struct ImportPage {
    p: Page,
    formats: Vec<FormatOption>,
    malls: Vec<(String, String)>,
    carriers: Vec<(String, String)>,
    columns: Vec<ColumnField>,
    typed: Typed,
    /// The headings of a file that was not recognised, offered as columns.
    headings: Vec<String>,
    /// The name under which that file waits.
    held: Option<String>,
    result: Option<ImportResult>,
    /// Whether the user may change malls.
    is_administrator: bool,
}

struct FormatOption {
    id: &'static str,
    name: String,
    here: bool,
}

struct ColumnField {
    name: &'static str,
    label: &'static str,
    value: String,
}

/// What was typed into the form besides the file.
#[derive(Default)]
struct Typed {
    format: String,
    mall: String,
    carrier: String,
    shipped_on: String,
    encoding: String,
    by_id: bool,
    no_headings: bool,
    /// The columns become the setting of the mall.
    remember: bool,
    columns: [String; COLUMN_FIELDS.len()],
}

impl Typed {
    fn of(upload: &Upload) -> Self {
        let text = |name: &str| upload.text(name).trim().to_owned();
        Self {
            format: text("format"),
            mall: text("mall"),
            carrier: text("carrier"),
            shipped_on: text("shipped_on"),
            encoding: text("encoding"),
            by_id: !upload.text("by_id").is_empty(),
            no_headings: !upload.text("no_headings").is_empty(),
            remember: !upload.text("remember").is_empty(),
            columns: COLUMN_FIELDS.map(|(name, _)| text(name)),
        }
    }

    /// The mapping that the form describes; none where a column is missing without which nothing can be read.
    fn mapping(&self) -> Option<TrackingMapping> {
        let column = |(typed, (_, column)): (&String, (&str, TrackingColumn))| {
            let origin = match typed.parse::<usize>() {
                Ok(at) => Origin::Position(at),
                Err(_) => Origin::Column { heading: typed.clone(), nth: None },
            };
            (!typed.is_empty()).then(|| (column, Value::of(origin)))
        };
        let columns = self.columns.iter().zip(COLUMN_FIELDS).filter_map(column).collect();
        let file = FileLayout { no_headings: self.no_headings, ..FileLayout::default() };
        let mapping = TrackingMapping { file, columns, skip: Vec::new() };
        let has = |column| mapping.columns.contains_key(&column);
        let is_whole = has(TrackingColumn::OrderNumber) && has(TrackingColumn::Tracking);
        is_whole.then_some(mapping)
    }

    fn is_own(&self) -> bool {
        self.format == OWN_COLUMNS
    }
}

struct ImportResult {
    title: &'static str,
    tone: Tone,
    summary: String,
    /// The format that was recognised, what the rows came to, and how many numbers are doubtful.
    counts: Vec<String>,
    /// The name under which a file that was only tried waits.
    held: Option<String>,
    entered: Vec<ResultLine>,
    refused: Vec<ResultLine>,
    more: Option<String>,
    sync: Option<SyncForm>,
}

struct ResultLine {
    line: u64,
    number: String,
    text: String,
}

/// What the page shows besides its form.
#[derive(Default)]
struct Reply {
    notice: Option<String>,
    headings: Vec<String>,
    held: Option<String>,
    result: Option<ImportResult>,
}

/// `GET /import/tracking`
pub(crate) async fn page(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    show(&app, &staff, Typed::default(), Reply::default()).await
}

/// `POST /import/tracking`: a dry run or an import of an uploaded file, or of the file that waits since the last one.
pub(crate) async fn import(Shared(app): Shared<App>, staff: Staff, form: Multipart) -> Result<Response, Refusal> {
    let upload = Upload::read(&staff.visitor, form, MAX_FILE_BYTES as usize).await?;
    let p = staff.visitor.page();
    let typed = Typed::of(&upload);
    if typed.remember && staff.user.role != Role::Administrator {
        return Err(Refusal::Forbidden);
    }
    let failed = |words: String| Reply { notice: Some(words), ..Reply::default() };
    let kept = app.take_upload::<TrackingImport>(staff.user.id, upload.text("held")).await?;
    let told = match (upload.file("file"), kept) {
        // The file that was tried, as it was tried.
        (None, Some(kept)) if upload.text("do") == "held" => Ok(kept),
        (None, Some(kept)) => described(&typed, kept.bytes, p.lang),
        (Some(bytes), _) => described(&typed, bytes.to_vec(), p.lang),
        (None, None) if upload.text("held").is_empty() => Err((p.t.choose_file.to_owned(), Vec::new())),
        (None, None) => Err((p.t.import_gone.to_owned(), Vec::new())),
    };
    let file = match told {
        Ok(file) => file,
        Err((words, bytes)) => {
            let held = keep(&app, &staff, Some(file_of(bytes)).filter(|file| !file.bytes.is_empty())).await?;
            return show(&app, &staff, typed, Reply { held, ..failed(words) }).await;
        }
    };
    let dry_run = upload.text("do") == "try";
    let reply = match import::import(&app.credit.of(&staff.user.name), &file, dry_run).await {
        Ok(report) => {
            let mut notice = None;
            if !dry_run {
                app.wake.notify_one();
                notice = remember(&app, &staff, &typed, &file).await?;
            }
            let names = DisplayNames::of(&app, p.lang).await?;
            let waits = dry_run && report.entered().next().is_some();
            let held = keep(&app, &staff, waits.then_some(file)).await?;
            let result = Some(ImportResult::new(&report, dry_run, held, &names, &p)?);
            Reply { result, notice, ..Reply::default() }
        }
        Err(TrackingImportError::File(error)) => {
            let headings = match &error {
                TrackingFileError::File(_) => Vec::new(),
                _ => tracking_file::headings(&file.bytes, file.encoding),
            };
            let held = keep(&app, &staff, (!headings.is_empty()).then_some(file)).await?;
            Reply { headings, held, ..failed(error.localized(p.lang)) }
        }
        Err(TrackingImportError::NoMall(id)) => return Err(Refusal::no_mall(&id)),
        Err(TrackingImportError::Store(error)) => return Err(error.into()),
    };
    show(&app, &staff, typed, reply).await
}

/// Makes the columns of `file`, which was imported, the setting of its mall, where the form says so; why they are not.
async fn remember(app: &App, staff: &Staff, typed: &Typed, file: &TrackingImport) -> Result<Option<String>, Refusal> {
    let (true, Some(FormatChoice::Mapping(mapping)), Some(id)) = (typed.remember, &file.format, &file.mall) else {
        return Ok(None);
    };
    let stored = app.store.mall(id).await?.ok_or_else(|| Refusal::no_mall(id))?;
    let text = toml::to_string(mapping).map_err(|error| Refusal::failed(&error))?;
    let version = stored.version;
    let mall = Mall { tracking_mapping: text, ..stored };
    let saved = save_mapping(app, &staff.user.name, &mall, version, staff.visitor.page().t).await?;
    Ok(saved.err())
}

/// Keeps `file`, if there is one to be kept; its name.
async fn keep(app: &App, staff: &Staff, file: Option<TrackingImport>) -> Result<Option<String>, Refusal> {
    let Some(file) = file else { return Ok(None) };
    let name = idempotency_key()?;
    app.keep_upload(staff.user.id, &name, file).await?;
    Ok(Some(name))
}

fn file_of(bytes: Vec<u8>) -> TrackingImport {
    TrackingImport { bytes, ..TrackingImport::default() }
}

/// The file with what the form says of it; or what is wrong with the form, and the file.
fn described(typed: &Typed, bytes: Vec<u8>, lang: domain::lang::Lang) -> Result<TrackingImport, (String, Vec<u8>)> {
    let t = crate::web::http::page::texts(lang);
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let format = match typed.format.as_str() {
        OWN_COLUMNS => match typed.mapping() {
            _ if typed.remember && typed.mall.is_empty() => return Err((t.tracking_remember_mall.to_owned(), bytes)),
            None => return Err((t.tracking_columns_missing.to_owned(), bytes)),
            // Columns that were typed into fields stand in no line.
            Some(mapping) => match mapping.checked("") {
                Ok(mapping) => Some(FormatChoice::Mapping(Box::new(mapping))),
                Err(error) => return Err((definition_error(&error, lang), bytes)),
            },
        },
        id => tracking_format::find(id).map(FormatChoice::Format),
    };
    Ok(TrackingImport {
        mall: given(&typed.mall),
        format,
        encoding: typed.encoding.parse().ok(),
        carrier: given(&typed.carrier),
        shipped_on: clock::parse_date(&typed.shipped_on),
        by_id: typed.by_id,
        bytes,
    })
}

impl ImportResult {
    fn new(
        report: &TrackingReport,
        dry_run: bool,
        held: Option<String>,
        names: &DisplayNames,
        p: &Page,
    ) -> Result<Self, Refusal> {
        let (t, lang) = (p.t, p.lang);
        let counts = report.report.counts();
        let (entered, refused) = (report.entered().count(), counts.refused.rows);
        let read_by = read_by_text(report, |id| names.mall(id), lang);
        let doubtful = Some(report.doubtful()).filter(|doubtful| *doubtful > 0);
        let doubtful = doubtful.map(|doubtful| fill(t.tracking_doubtful, &[&doubtful]));
        let lines = counts.localized(lang).lines().map(str::to_owned).collect::<Vec<_>>();
        let (title, summary) = match dry_run {
            true => (t.tracking_dry_title, t.tracking_dry_summary),
            false => (t.tracking_done_title, t.tracking_done_summary),
        };
        let entered_lines = report.report.taken().flat_map(|(line, _, all)| {
            all.iter().map(move |one| ResultLine { line, number: one.number.clone(), text: entered_line(one, names) })
        });
        let refused_lines = report.report.bad().map(|bad| ResultLine {
            line: bad.line,
            text: bad.errors.iter().map(|error| error.localized(lang)).collect::<Vec<_>>().join(" / "),
            number: bad.number,
        });
        Ok(Self {
            title,
            tone: if refused == 0 { Tone::Ok } else { Tone::Wait },
            summary: fill(summary, &[&entered, &refused]),
            counts: read_by.into_iter().chain(lines).chain(doubtful).collect(),
            held,
            entered: entered_lines.take(SHOWN).collect(),
            refused: refused_lines.take(SHOWN).collect(),
            more: (entered.max(refused) > SHOWN).then(|| fill(t.only_first, &[&SHOWN])),
            sync: if dry_run { None } else { SyncForm::of(report.syncable(), t)? },
        })
    }
}

async fn show(app: &App, staff: &Staff, typed: Typed, reply: Reply) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    let status = if reply.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    p.notices.extend(reply.notice.map(|words| Notice::new(Tone::Bad, words)));
    let names = DisplayNames::of(app, p.lang).await?;
    let (t, is_own) = (p.t, typed.is_own());
    let auto = FormatOption { id: "", name: t.tracking_format_usual.to_owned(), here: typed.format.is_empty() };
    let known = tracking_format::all().iter();
    let known = known.map(|one| FormatOption { id: &one.id, name: one.name.clone(), here: one.id == typed.format });
    let own = FormatOption { id: OWN_COLUMNS, name: t.tracking_format_own.to_owned(), here: is_own };
    let labels = [t.tracking_column_order, t.tracking_column_number, t.tracking_column_carrier, t.tracking_column_date];
    let columns = COLUMN_FIELDS.iter().zip(labels).zip(&typed.columns);
    let columns = columns.map(|(((name, _), label), value)| ColumnField { name, label, value: value.clone() });
    let page = ImportPage {
        formats: [auto].into_iter().chain(known).chain([own]).collect(),
        malls: names.malls(),
        carriers: names.all_carriers(),
        columns: columns.collect(),
        headings: reply.headings,
        held: reply.held,
        result: reply.result,
        is_administrator: staff.user.role == Role::Administrator,
        typed,
        p,
    };
    Ok(html(status, &page))
}
