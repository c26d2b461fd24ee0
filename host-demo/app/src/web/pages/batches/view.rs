//! The list of batches, and the page of one batch with its results.

use crate::web::http::form::{NoFields, Signed, idempotency_key};
use crate::web::http::list_query::numbers;
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::{Missing, Refusal};
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::pages::batches::progress::{ProgressView, find_batch};
use crate::web::parts::action_button::ActionButton;
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::outcome::{outcome_tone, row_situation, state_tone};
use crate::web::parts::seen::seen_field;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use domain::clock;
use domain::credit_state::Outcome;
use domain::lang::Lang;
use serde::Deserialize;
use service::batches::waits;
use service::batches::{self, BatchError};
use service::messages::issue::sentence;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use std::collections::BTreeSet;
use store::{Batch, BatchProgress, BatchRow};

/// Batches in the list: those of some days.
const LATEST: i64 = 50;
/// Rows of results on a page.
const ROWS: i64 = 500;

#[derive(Template)]
#[template(path = "batches/list.html")]
struct BatchesPage {
    p: Page,
    lead: String,
    batches: Vec<BatchSummary>,
}

/// A batch in the list.
struct BatchSummary {
    id: i64,
    when: String,
    who: String,
    heading: String,
    progress: ProgressView,
}

#[derive(Template)]
#[template(path = "batches/detail.html")]
struct BatchPage {
    p: Page,
    id: i64,
    heading: String,
    list: String,
    running: bool,
    progress: ProgressView,
    rows: Vec<BatchRowView>,
    more: Option<String>,
    once: String,
    ticked: usize,
    actions: Vec<ActionButton>,
}

/// A row of a batch with its result.
struct BatchRowView {
    id: i64,
    position: i64,
    number: String,
    tick_label: String,
    ticked: bool,
    /// Where it stands now, for the panel.
    seen: String,
    /// Where it stands now, if that is somewhere else than when the row was done.
    now: Option<(&'static str, Tone)>,
    outcome: &'static str,
    outcome_tone: Tone,
    state: &'static str,
    tone: Tone,
    problem: String,
}

impl BatchRowView {
    fn new(row: &BatchRow, situation: &Situation, lang: Lang, t: &'static Texts) -> Self {
        Self {
            id: row.order,
            position: row.index + 1,
            number: row.number.clone(),
            tick_label: fill(t.tick_order, &[&row.number]),
            ticked: row.outcome.is_some_and(|outcome| outcome != Outcome::Success),
            seen: seen_field(row.order, &row.standing),
            now: row.state.filter(|then| *then != row.standing.state).map(|_| {
                let now = row.standing.state;
                (now.localized(lang), state_tone(now))
            }),
            outcome: row.outcome.map_or(t.waiting, |outcome| outcome.localized(lang)),
            outcome_tone: row.outcome.map_or(Tone::None, outcome_tone),
            state: row.state.map_or("–", |state| state.localized(lang)),
            tone: row.state.map_or(Tone::None, state_tone),
            problem: row.problem.as_ref().map(|problem| sentence(problem, situation, lang)).unwrap_or_default(),
        }
    }
}

/// `GET /batches`
pub(crate) async fn list(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let mut batches = Vec::new();
    for batch in app.store.batches(LATEST).await? {
        let progress = app.store.batch_progress(batch.id).await?;
        batches.push(BatchSummary {
            id: batch.id,
            when: clock::timestamp(batch.created_at),
            heading: heading(&batch, &progress, &p),
            who: batch.who,
            progress: ProgressView::new(&progress, &[], &p),
        });
    }
    Ok(ok(&BatchesPage { lead: fill(p.t.batches_lead, &[&LATEST]), batches, p }))
}

fn heading(batch: &Batch, progress: &BatchProgress, p: &Page) -> String {
    fill(p.t.batch_heading, &[&batch.action.localized(p.lang), &progress.total()])
}

/// The query of the page of a batch.
#[derive(Deserialize)]
pub(crate) struct BatchPageQuery {
    /// The first row of the page, counted from 0.
    #[serde(default)]
    from: i64,
    /// Orders that are ticked instead of those without success, separated by commas.
    ticked: Option<String>,
}

/// `GET /batches/{id}`
pub(crate) async fn page(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Query(BatchPageQuery { from, ticked }): Query<BatchPageQuery>,
) -> Result<Response, Refusal> {
    let batch = find_batch(&app, id).await?;
    let progress = app.store.batch_progress(id).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let rows = app.store.batch_rows(id, from, ROWS).await?;
    let view = |row| BatchRowView::new(row, &row_situation(row, batch.action, &app), lang, t);
    let mut rows: Vec<_> = rows.iter().map(view).collect();
    if let Some(ticked) = ticked {
        let ticked: BTreeSet<i64> = numbers(&ticked).collect();
        rows.iter_mut().for_each(|row| row.ticked = ticked.contains(&row.id));
    }
    let names = DisplayNames::of(&app, lang).await?;
    let page = BatchPage {
        id,
        heading: heading(&batch, &progress, &p),
        list: format!("/orders?keep={id}"),
        running: batch.finished_at.is_none(),
        progress: ProgressView::new(&progress, &waits(&app.store, id).await?, &p),
        more: (from.saturating_add(ROWS) < progress.total()).then(|| format!("/batches/{id}?from={}", from + ROWS)),
        once: idempotency_key()?,
        ticked: rows.iter().filter(|row| row.ticked).count(),
        rows,
        actions: names.panel("").map(|action| ActionButton::of_panel(action, lang)).collect(),
        p,
    };
    Ok(ok(&page))
}

/// `POST /batches/{id}/stop`: rows that have not begun are cancelled, calls in flight are finished.
pub(crate) async fn stop(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    _: Signed<NoFields>,
) -> Result<Response, Refusal> {
    match batches::stop(&app.store, id, &staff.user.name).await {
        Ok(()) => {}
        Err(BatchError::NoBatch(id)) => return Err(Refusal::NotFound(Missing::Batch(id.to_string()))),
        Err(BatchError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(Refusal::failed(&error)),
    }
    let notice = Notice::new(Tone::Ok, staff.visitor.page().t.batch_stopped);
    Ok(app.redirect(&format!("/batches/{id}"), &[notice]))
}
