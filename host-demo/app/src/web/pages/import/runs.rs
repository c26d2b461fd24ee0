//! Imports that go on by themselves: how far they are, and what came of them. Both are in the database, because the page
//! may be asked for at another process than the one that imports.

use crate::web::http::form::idempotency_key;
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::pages::import::reply::{ImportReply, show};
use crate::web::pending_uploads::Pending;
use crate::web::state::App;
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use axum::response::sse::{self, KeepAlive, Sse};
use domain::clock;
use futures::Stream;
use serde::{Deserialize, Serialize};
use service::import::ImportProgress;
use service::messages::localize::Localize;
use service::transfer::FileKind;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often progress is written, and read again: as often as an eye can follow, and rarely beside the import's own
/// writes.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// An import that was not heard of for so long has ended with its process. Pieces take a second; a store that others
/// keep busy, some more.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// An import that goes on, or has ended.
#[derive(Serialize, Deserialize)]
struct ImportRun {
    mall: String,
    kind: FileKind,
    /// When it was last heard of, in milliseconds since 1970.
    heard_at: i64,
    progress: ImportProgress,
    /// What came of it.
    reply: Option<ImportReply>,
}

impl ImportRun {
    fn new(mall: &str, kind: FileKind, progress: ImportProgress) -> Self {
        Self { mall: mall.to_owned(), kind, heard_at: clock::now(), progress, reply: None }
    }

    fn is_silent(&self) -> bool {
        clock::now() - self.heard_at > SILENT_AFTER.as_millis() as i64
    }
}

/// They wait to be looked at as uploads do, without a file.
impl Pending for ImportRun {
    const KIND: &'static str = "import-run";
    const MAX: usize = 64;

    fn into_parts(self) -> serde_json::Result<(String, Vec<u8>)> {
        Ok((serde_json::to_string(&self)?, Vec::new()))
    }

    fn from_parts(description: &str, _: Vec<u8>) -> serde_json::Result<Self> {
        serde_json::from_str(description)
    }
}

/// An import on its way.
pub(super) type Work = JoinHandle<Result<ImportReply, Refusal>>;

/// Writes down how far `work` is, and what comes of it, without anybody who waits; the name under which it is found.
pub(super) async fn go_on(
    app: &App,
    staff: &Staff,
    (mall, kind): (&str, FileKind),
    told: watch::Receiver<ImportProgress>,
    mut work: Work,
) -> Result<String, Refusal> {
    let (name, user) = (idempotency_key()?, staff.user.id);
    let broken_off = staff.visitor.page().t.import_broke_off;
    let run = move |mall: &str| ImportRun::new(mall, kind, *told.borrow());
    app.keep_upload(user, &name, run(mall)).await?;
    let going_on = {
        let (app, name, mall) = (app.clone(), name.clone(), mall.to_owned());
        async move {
            let reply = loop {
                if let Ok(reply) = tokio::time::timeout(WRITE_INTERVAL, &mut work).await {
                    break reply.ok().and_then(Result::ok);
                }
                // What cannot be written now may be later; the import itself says what stops it.
                if let Err(error) = app.keep_upload(user, &name, run(&mall)).await {
                    tracing::warn!(%error, "the progress of an import cannot be written");
                }
            };
            let reply = reply.unwrap_or_else(|| ImportReply::failed(broken_off));
            if let Err(error) = app.keep_upload(user, &name, ImportRun { reply: Some(reply), ..run(&mall) }).await {
                tracing::error!(%error, "the result of an import cannot be written");
            }
        }
    };
    app.begin(going_on);
    Ok(name)
}

#[derive(Template)]
#[template(path = "import/run.html")]
struct RunPage {
    p: Page,
    name: String,
    progress: ProgressView,
}

#[derive(Template)]
#[template(path = "import/progress.html")]
struct ProgressPart {
    progress: ProgressView,
}

struct ProgressView {
    text: String,
    done: usize,
    total: usize,
}

impl ProgressView {
    fn new(progress: ImportProgress, p: &Page) -> Self {
        Self { text: progress.localized(p.lang), done: progress.done, total: progress.total }
    }
}

/// `GET /import/runs/{name}`: how far an import is, or what came of it.
pub(crate) async fn page(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let run = app.look_at_upload::<ImportRun>(staff.user.id, &name).await?;
    let (gone, broke_off) = (ImportReply::failed(p.t.import_run_gone), ImportReply::failed(p.t.import_broke_off));
    match run {
        None => show(&app, &staff, "", FileKind::Orders, gone).await,
        Some(ImportRun { mall, kind, reply: Some(reply), .. }) => show(&app, &staff, &mall, kind, reply).await,
        Some(run) if run.is_silent() => show(&app, &staff, &run.mall, run.kind, broke_off).await,
        Some(run) => Ok(ok(&RunPage { name, progress: ProgressView::new(run.progress, &p), p })),
    }
}

/// `GET /import/runs/{name}/events`: the progress of an import as server-sent events until it has ended.
pub(crate) async fn events(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(name): Path<String>,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let state = Some(Following { app, staff, name, shown: None });
    let stream = futures::stream::unfold(state, |state| async move { next_event(state?).await });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// A stream between two of its events.
struct Following {
    app: App,
    staff: Staff,
    name: String,
    /// What the last event said.
    shown: Option<ImportProgress>,
}

/// The next event: progress that differs from what was shown, or the end. `None` where the program is told to stop, the
/// session has ended or the store fails: the browser connects again by itself.
async fn next_event(state: Following) -> Option<(Result<sse::Event, Infallible>, Option<Following>)> {
    let Following { app, staff, name, shown } = state;
    while !app.running.is_closed() && staff.visitor.is_signed_in(&app).await {
        let run = app.look_at_upload::<ImportRun>(staff.user.id, &name).await.ok()?;
        let Some(run) = run.filter(|run| run.reply.is_none() && !run.is_silent()) else {
            return Some((Ok(sse::Event::default().event("finished").data("-")), None));
        };
        if shown != Some(run.progress) {
            let part = ProgressPart { progress: ProgressView::new(run.progress, &staff.visitor.page()) };
            let event = sse::Event::default().event("progress").data(part.render().unwrap_or_default());
            return Some((Ok(event), Some(Following { app, staff, name, shown: Some(run.progress) })));
        }
        tokio::time::sleep(WRITE_INTERVAL).await;
    }
    None
}
