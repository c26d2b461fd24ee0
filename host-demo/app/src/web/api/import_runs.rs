//! Imports that go on by themselves, and how far they are.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading};
use crate::web::api::caller::Caller;
use crate::web::api::paging::Latest;
use crate::web::api::problem::Problem;
use crate::web::api::schemas::enums::enum_of;
use crate::web::api::transfer::{CsvContent, ImportOptions, ImportResult, Incoming};
use crate::web::parts::import_runs::{self, Ended, KnownRun};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use domain::lang::Lang;
use serde::Serialize;
use serde_json::Value;
use service::import::{ImportProgress, ImportStep};
use service::messages::localize::Localize;
use tokio::sync::watch;
use utoipa::ToSchema;

/// Whether an import goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ImportRunState {
    /// It goes on.
    Running,
    /// It has ended; `result` says what it did.
    Done,
    /// It has ended, and `problem` says why.
    Refused,
    /// Its process has ended before it did. Orders that were imported until then are kept; the same file imported again
    /// takes the rest.
    BrokeOff,
}

enum_of! {
    /// What an import is doing.
    ImportRunStep of ImportStep {
        /// The file is read.
        Reading,
        /// Its orders are checked.
        Checking,
        /// Its orders are written.
        Writing,
    }
}

/// How far an import is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportRunProgress {
    step: ImportRunStep,
    /// Rows with which that is done.
    done: usize,
    /// Rows of the file; 0 as long as that is not known.
    total: usize,
    /// The same in words.
    words: String,
}

impl ImportRunProgress {
    fn new(progress: ImportProgress, lang: Lang) -> Self {
        let words = progress.localized(lang);
        let ImportProgress { step, done, total } = progress;
        Self { step: step.into(), done, total, words }
    }
}

/// An import that goes on by itself, or has ended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportRun {
    name: String,
    mall: String,
    what: CsvContent,
    dry_run: bool,
    /// Who began it: a token, or a user on the page.
    who: String,
    began_at: i64,
    state: ImportRunState,
    progress: ImportRunProgress,
    /// What it did. Absent as long as it goes on, and where it was begun on the page, which shows it.
    #[schema(value_type = Option<ImportResult>)]
    result: Option<Value>,
    /// Why nothing of the file was imported, or not all of it.
    #[schema(value_type = Option<Problem>)]
    problem: Option<Value>,
}

impl ImportRun {
    fn new(known: KnownRun, lang: Lang) -> Self {
        let KnownRun { name, began_at, run, is_silent, .. } = known;
        let import_runs::ImportRun { mall, kind, dry_run, who, progress, ended } = run;
        let (state, result, problem) = match ended {
            None if is_silent => (ImportRunState::BrokeOff, None, None),
            None => (ImportRunState::Running, None, None),
            Some(Ended::Page(_)) => (ImportRunState::Done, None, None),
            Some(Ended::Answer(answer)) => (ImportRunState::Done, Some(answer), None),
            Some(Ended::Problem(problem)) => (ImportRunState::Refused, None, Some(problem)),
        };
        let (what, progress) = (kind.into(), ImportRunProgress::new(progress, lang));
        Self { name, mall, what, dry_run, who, began_at, state, progress, result, problem }
    }
}

async fn find(app: &App, name: &str, lang: Lang) -> Result<ImportRun, Problem> {
    let known = app.import_run(name).await?.ok_or_else(|| Problem::no_such("import run", &name))?;
    Ok(ImportRun::new(known, lang))
}

/// The latest imports that go on by themselves or did within a day, the page's among them, newest first.
#[utoipa::path(get, operation_id = "list_import_runs", path = "/v1/import-runs", tag = "csv", params(Latest),
    responses((status = 200, body = Vec<ImportRun>, description = "The imports."), Reading))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(latest): Query<Latest>,
) -> Result<Json<Vec<ImportRun>>, Problem> {
    let runs = app.import_runs(latest.count()?).await?.into_iter();
    Ok(Json(runs.map(|known| ImportRun::new(known, caller.lang)).collect()))
}

/// One import: how far it is, and what came of it. It is kept for a day after it has ended, twenty for each token.
#[utoipa::path(get, operation_id = "import_run", path = "/v1/import-runs/{name}", tag = "csv", params(("name" = String, Path)),
    responses((status = 200, body = ImportRun, description = "The import."), Reading, Missing))]
pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ImportRun>, Problem> {
    Ok(Json(find(&app, &name, caller.lang).await?))
}

/// Begins an import as `POST /v1/imports` makes one, for files that take long: it goes on by itself; ask for it until its
/// state is another than `running`. What is wrong with the file is its `problem` then.
#[utoipa::path(post, operation_id = "begin_import_run", path = "/v1/import-runs", tag = "csv", params(ImportOptions, Key),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 202, body = ImportRun, description = "The import."), Acting, Missing))]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    bytes: Bytes,
) -> Result<(StatusCode, Json<ImportRun>), Problem> {
    let incoming = Incoming::read(&app, query, &bytes).await?;
    let (tell, told) = watch::channel(ImportProgress::UNREAD);
    let run = import_runs::ImportRun {
        mall: incoming.file.mall.clone(),
        kind: incoming.file.kind,
        dry_run: incoming.dry_run,
        who: caller.name.clone(),
        progress: ImportProgress::UNREAD,
        ended: None,
    };
    let work = {
        let (app, caller) = (app.clone(), caller.clone());
        let follow = move |now| _ = tell.send_replace(now);
        app.clone().begin(async move { incoming.import(&app, &caller, &follow).await })
    };
    let name = import_runs::go_on(&app, &caller.id, run, told, work, |ended| {
        match ended.unwrap_or_else(|error| Err(Problem::failed(&error))) {
            Ok(result) => Ended::Answer(serde_json::to_value(result).unwrap_or_default()),
            Err(problem) => Ended::Problem(serde_json::to_value(problem).unwrap_or_default()),
        }
    });
    let name = name.await.map_err(|_| Problem::failed(&"the import cannot be written down"))?;
    Ok((StatusCode::ACCEPTED, Json(find(&app, &name, caller.lang).await?)))
}
