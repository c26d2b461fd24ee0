//! The pages of imports that go on by themselves: how far they are, and what came of them.

use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::pages::import::reply::{ImportReply, show};
use crate::web::parts::import_runs::{Ended, ImportRun, KnownRun, WRITE_INTERVAL, go_on};
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::Stream;
use service::import::ImportProgress;
use service::messages::localize::Localize;
use service::transfer::FileKind;
use std::convert::Infallible;
use store::{RUNS_KEPT, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An import on its way.
pub(super) type Work = JoinHandle<Result<ImportReply, Refusal>>;

/// Lets `work` go on without its page; the name under which it is found.
pub(super) async fn leave(
    app: &App,
    staff: &Staff,
    run: ImportRun,
    told: watch::Receiver<ImportProgress>,
    work: Work,
) -> Result<String, Refusal> {
    let broken_off = staff.visitor.page().t.import_broke_off;
    go_on(app, &owner(staff), run, told, work, move |ended| {
        let reply = ended.ok().and_then(Result::ok).unwrap_or_else(|| ImportReply::failed(broken_off));
        Ended::Page(serde_json::to_value(reply).unwrap_or_default())
    })
    .await
}

/// Whose runs a visitor's are.
fn owner(staff: &Staff) -> String {
    format!("user:{}", staff.user.id)
}

/// The visitor's own import `name`.
async fn own_run(app: &App, staff: &Staff, name: &str) -> Result<Option<KnownRun>, StoreError> {
    Ok(app.import_run(name).await?.filter(|known| known.owner == owner(staff)))
}

#[derive(Template)]
#[template(path = "import/run.html")]
struct RunPage {
    p: Page,
    name: String,
    progress: ProgressView,
    /// How long its result is kept.
    hint: String,
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
    let (gone, broke_off) = (ImportReply::failed(p.t.import_run_gone), ImportReply::failed(p.t.import_broke_off));
    let Some(KnownRun { run, is_silent, .. }) = own_run(&app, &staff, &name).await? else {
        return show(&app, &staff, "", FileKind::Orders, gone).await;
    };
    match run.ended {
        Some(Ended::Page(reply)) => {
            // A reply of another version of the program may have another shape.
            let reply = serde_json::from_value(reply).unwrap_or(gone);
            show(&app, &staff, &run.mall, run.kind, reply).await
        }
        Some(_) => show(&app, &staff, &run.mall, run.kind, gone).await,
        None if is_silent => show(&app, &staff, &run.mall, run.kind, broke_off).await,
        None => {
            let hint = fill(p.t.import_running_hint, &[&(RUNS_KEPT.as_secs() / 3600)]);
            Ok(ok(&RunPage { name, progress: ProgressView::new(run.progress, &p), hint, p }))
        }
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
        let known = own_run(&app, &staff, &name).await.ok()?;
        let Some(KnownRun { run, .. }) = known.filter(|known| known.run.ended.is_none() && !known.is_silent) else {
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
