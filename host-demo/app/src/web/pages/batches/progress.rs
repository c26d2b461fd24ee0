//! The progress of a batch, on its page and as a stream of events.

use crate::web::http::page::Page;
use crate::web::http::refusal::{Missing, Refusal};
use crate::web::http::session::{Staff, Visitor};
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::sse::{self, KeepAlive, Sse};
use domain::issue::Wait;
use futures::Stream;
use service::batches::waits;
use service::messages::localize::Localize;
use std::convert::Infallible;
use std::time::Duration;
use store::{Batch, BatchProgress};

/// How often the progress is read from the store: as often as an eye can follow.
const POLL_INTERVAL: Duration = Duration::from_millis(400);

#[derive(Template)]
#[template(path = "batches/progress.html")]
struct ProgressPart {
    p: Page,
    progress: ProgressView,
}

/// The progress of a batch.
pub(crate) struct ProgressView {
    /// How many rows are done, as text.
    pub text: String,
    /// Rows in all.
    pub total: i64,
    /// Rows that are done.
    pub done: i64,
    /// Rows with success.
    pub success: i64,
    /// Rows that failed.
    pub failure: i64,
    /// Rows of unknown outcome.
    pub unknown: i64,
    /// Why rows are waiting that no process works on.
    pub waits: Vec<String>,
}

impl ProgressView {
    /// For a page with the frame `p`.
    pub(crate) fn new(progress: &BatchProgress, waits: &[Wait], p: &Page) -> Self {
        let t = p.t;
        let (total, done) = (progress.total(), progress.done());
        let text = if done == total { fill(t.batch_done, &[&total]) } else { fill(t.batch_running, &[&total, &done]) };
        let BatchProgress { success, failure, unknown, .. } = *progress;
        let waits = waits.iter().map(|wait| wait.localized(p.lang)).collect();
        Self { text, total, done, success, failure, unknown, waits }
    }
}

/// `GET /batches/{id}/events`: the progress of a batch as server-sent events until it is finished. It is read from the
/// store, so any process may do the work.
pub(crate) async fn events(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Refusal> {
    find_batch(&app, id).await?;
    let state = Some((app, staff.visitor, None));
    let stream = futures::stream::unfold(state, move |state| async move {
        let (app, visitor, before) = state?;
        next_event(app, visitor, id, before).await
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// The state of a stream between two events; `None` after the last one.
type StreamState = Option<(App, Visitor, Option<SentProgress>)>;

/// What the last event said: the progress of the batch, and why rows wait.
type SentProgress = (BatchProgress, Vec<Wait>);

/// The next event: progress that differs from the one `before`, or the end. `None` where the program is told to stop, the
/// session has ended or the store fails: the browser connects again by itself.
async fn next_event(
    app: App,
    visitor: Visitor,
    id: i64,
    before: Option<SentProgress>,
) -> Option<(Result<sse::Event, Infallible>, StreamState)> {
    while !app.running.is_closed() && visitor.is_signed_in(&app).await {
        // Where the store fails, nothing is known of the batch, so the stream must not say that it is finished.
        let now = Some((app.store.batch_progress(id).await.ok()?, waits(&app.store, id).await.ok()?));
        let batch = app.store.batch(id).await.ok()??;
        if let Some((progress, waits)) = now.as_ref().filter(|_| before != now) {
            let p = visitor.page();
            let part = ProgressPart { progress: ProgressView::new(progress, waits, &p), p };
            let event = sse::Event::default().event("progress").data(part.render().unwrap_or_default());
            return Some((Ok(event), Some((app, visitor, now))));
        }
        if batch.finished_at.is_some() {
            return Some((Ok(sse::Event::default().event("finished").data("-")), None));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    None
}

/// The batch with this number.
pub(crate) async fn find_batch(app: &App, id: i64) -> Result<Batch, Refusal> {
    app.store.batch(id).await?.ok_or_else(|| Refusal::NotFound(Missing::Batch(id.to_string())))
}
