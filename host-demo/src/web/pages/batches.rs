//! Many orders at once (処理パネル): what is ticked becomes a batch, which shows its progress and then its
//! results.

use crate::domain::clock;
use crate::domain::credit_state::{Action, Event, Outcome, State, next};
use crate::domain::issue::{Lang, Wait};
use crate::service::batches::{self, BatchError, is_for_many, waits};
use crate::store::{Batch, BatchProgress, BatchRow, Begun, Call, Candidate, MAX_BATCH, PAGE, Sum};
use crate::web::App;
use crate::web::http::form::{Nothing, Signed};
use crate::web::http::page::{Missing, Notice, Page, Refusal, Tone, ok};
use crate::web::http::session::{Staff, Visitor};
use crate::web::pages::orders::{Address, numbers, state_name};
use crate::web::parts::confirm::{Confirmation, Press, Table, billed_words, orders_words};
use crate::web::parts::order_row::{Button, Names, outcome_tone, tone};
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::Stream;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Duration;

/// Batches on a page: some days of work.
const LATEST: i64 = 50;
/// Result rows on a page.
const ROWS: i64 = 500;
/// How often a page is told how far its batch is: what an eye can follow.
const TELL: Duration = Duration::from_millis(400);

#[derive(Template)]
#[template(path = "batches.html")]
struct BatchesPage {
    p: Page,
    lead: String,
    batches: Vec<LineView>,
}

struct LineView {
    id: i64,
    when: String,
    who: String,
    heading: String,
    progress: ProgressView,
}

#[derive(Template)]
#[template(path = "batch.html")]
struct BatchPage {
    p: Page,
    id: i64,
    heading: String,
    list: String,
    running: bool,
    progress: ProgressView,
    rows: Vec<RowView>,
    more: Option<String>,
    once: String,
    ticked: usize,
    actions: Vec<Button>,
}

#[derive(Template)]
#[template(path = "batch_progress.html")]
struct ProgressPart {
    p: Page,
    progress: ProgressView,
}

struct ProgressView {
    words: String,
    total: i64,
    done: i64,
    success: i64,
    failure: i64,
    unknown: i64,
    /// Why rows wait that nobody does.
    waits: Vec<String>,
}

impl ProgressView {
    fn new(progress: &BatchProgress, waits: &[Wait], p: &Page) -> Self {
        let t = p.t;
        let (total, done) = (progress.total(), progress.done());
        let words = if done == total { fill(t.batch_done, &[&total]) } else { fill(t.batch_running, &[&total, &done]) };
        let BatchProgress { success, failure, unknown, .. } = *progress;
        let waits = waits.iter().map(|wait| wait.words(p.lang)).collect();
        ProgressView { words, total, done, success, failure, unknown, waits }
    }
}

struct RowView {
    id: i64,
    place: i64,
    number: String,
    tick_label: String,
    ticked: bool,
    outcome: &'static str,
    outcome_tone: Tone,
    state: &'static str,
    tone: Tone,
    problem: String,
}

impl RowView {
    fn new(row: &BatchRow, lang: Lang, t: &'static Texts) -> Self {
        RowView {
            id: row.order,
            place: row.place + 1,
            number: row.number.clone(),
            tick_label: fill(t.tick_order, &[&row.number]),
            ticked: row.outcome.is_some_and(|outcome| outcome != Outcome::Success),
            outcome: row.outcome.map_or(t.waiting, |outcome| outcome.label(lang)),
            outcome_tone: row.outcome.map_or(Tone::None, outcome_tone),
            state: row.state.map_or("–", |state| state.label(lang)),
            tone: row.state.map_or(Tone::None, tone),
            problem: row.problem.as_ref().map(|problem| problem.words(lang)).unwrap_or_default(),
        }
    }
}

/// What sends the form of the panel once: a second send finds the batch of the first.
pub fn once() -> Result<String, Refusal> {
    getrandom::u64().map(|drawn| format!("{drawn:016x}")).map_err(|error| Refusal::failed(&error))
}

/// The panel's form.
#[derive(Deserialize)]
pub struct Panel {
    action: String,
    scope: String,
    once: String,
    /// Ticked orders in the order of the page …
    #[serde(default)]
    id: Vec<i64>,
    /// … and in the order in which they were ticked, where a script kept it.
    #[serde(default)]
    sequence: String,
    /// The list's conditions, and how many orders matched when it was shown.
    #[serde(default)]
    query: String,
    #[serde(default)]
    matching: String,
    /// Of this provider alone.
    #[serde(default)]
    provider: String,
    /// The batch under whose results the panel stood.
    batch: Option<i64>,
    /// What the page that asks has shown; empty before.
    #[serde(default)]
    confirmed: String,
}

impl Panel {
    /// The ticked orders in the order in which they were ticked.
    fn ticked(&self) -> Vec<i64> {
        let ticked: BTreeSet<i64> = self.id.iter().copied().collect();
        let told = numbers(&self.sequence).filter(|id| ticked.contains(id));
        let mut seen = BTreeSet::new();
        told.chain(self.id.iter().copied()).filter(|id| seen.insert(*id)).collect()
    }

    /// Whether a page asks first: a cancel cannot be taken back, and what is on other pages nobody has seen.
    fn asks(&self, action: Action, orders: usize) -> bool {
        action == Action::Cancel || (self.scope == "match" && orders > PAGE)
    }

    /// Where the panel stood, with the same orders ticked.
    fn back(&self) -> Result<String, Refusal> {
        let ticked = self.ticked().iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        Ok(match self.batch {
            Some(batch) => format!("/batches/{batch}?ticked={ticked}"),
            None => Address { ticked, ..self.list()? }.href(),
        })
    }

    /// The form again, for a page that asks.
    fn fields(&self) -> Vec<(String, String)> {
        let batch = self.batch.map(|batch| batch.to_string()).unwrap_or_default();
        let named = [
            ("action", &self.action),
            ("scope", &self.scope),
            ("once", &self.once),
            ("sequence", &self.sequence),
            ("query", &self.query),
            ("matching", &self.matching),
            ("provider", &self.provider),
            ("batch", &batch),
        ];
        let given = named.into_iter().filter(|(_, value)| !value.is_empty());
        let ids = self.id.iter().map(|id| ("id".to_owned(), id.to_string()));
        given.map(|(name, value)| (name.to_owned(), value.clone())).chain(ids).collect()
    }

    /// The list that the panel stood under; nothing where that cannot be read, lest it mean every order.
    fn list(&self) -> Result<Address, Refusal> {
        let address: Address = serde_html_form::from_str(&self.query).map_err(|_| Refusal::Unreadable)?;
        if address.is_readable() { Ok(address) } else { Err(Refusal::Unreadable) }
    }
}

/// `POST /batches`
pub async fn begin(Shared(app): Shared<App>, staff: Staff, Signed(panel): Signed<Panel>) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let action: Action = panel.action.parse().map_err(|_| Refusal::Unreadable)?;
    if !is_for_many(action) {
        return Err(Refusal::Unreadable);
    }
    let back = panel.back()?;
    let mut ids = match chosen(&app, &panel, t).await? {
        Ok(ids) => ids,
        Err(words) => return Ok(app.redirect(&back, &[Notice::new(Tone::Wait, words)])),
    };
    let asks = panel.asks(action, ids.len());
    if asks && panel.confirmed.is_empty() {
        return Selection::of(&app, action, &ids).await?.ask(&app, &staff, &panel, None).await;
    }
    let caller = format!("user:{}", staff.user.id);
    let digest = format!("batch {action} {ids:?}");
    let call = Call { caller: &caller, key: &panel.once, digest: &digest };
    match app.store.begin_call(call, &app.desk.lease.name(), app.store.now()).await? {
        Begun::New => {}
        Begun::Answered { answer, .. } => {
            return Ok(app.redirect(&answer, &[Notice::new(Tone::Wait, t.already_sent)]));
        }
        Begun::Running | Begun::Another => {
            return Ok(app.redirect(&back, &[Notice::new(Tone::Wait, t.already_sent)]));
        }
    }
    if asks {
        let selection = Selection::of(&app, action, &ids).await?;
        if selection.able.is_empty() || selection.digest(&app) != panel.confirmed {
            app.store.forget_call(call).await?;
            return selection.ask(&app, &staff, &panel, Some(Notice::new(Tone::Wait, t.confirm_changed))).await;
        }
        ids = selection.able.iter().map(|candidate| candidate.id).collect();
    }
    let batch = match batches::begin(&app.store, action, &ids, &staff.user.name).await {
        Ok(batch) => batch,
        Err(BatchError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(Refusal::failed(&error)),
    };
    let path = format!("/batches/{batch}");
    app.store.end_call(call, 303, &path).await?;
    app.wake.notify_one();
    Ok(app.redirect(&path, &[]))
}

/// What would become of chosen orders now.
struct Selection {
    action: Action,
    /// Those with which the action can be done, in the order in which they were chosen.
    able: Vec<Candidate>,
    /// The others.
    left_out: Vec<Candidate>,
}

impl Selection {
    async fn of(app: &App, action: Action, ids: &[i64]) -> Result<Self, Refusal> {
        let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let mut candidates = app.store.candidates(action, ids).await?;
        candidates.sort_by_key(|candidate| place.get(&candidate.id).copied());
        let (able, left_out) = candidates.into_iter().partition(|candidate: &Candidate| candidate.offers(action));
        Ok(Selection { action, able, left_out })
    }

    /// Of all that the page says about what will be done: if any of it changes, something else was confirmed.
    fn digest(&self, app: &App) -> String {
        let line = |order: &Candidate| format!("{} {} {}", order.id, order.provider, order.billed);
        let orders: Vec<String> = self.able.iter().map(line).collect();
        app.store.digest("confirmed", &[self.action.to_string().as_bytes(), orders.join("\n").as_bytes()])
    }

    /// The page that asks.
    async fn ask(&self, app: &App, staff: &Staff, panel: &Panel, notice: Option<Notice>) -> Result<Response, Refusal> {
        let mut p = staff.visitor.page();
        let (t, lang) = (p.t, p.lang);
        let back = panel.back()?;
        p.path.clone_from(&back);
        p.notices.extend(notice);
        let names = Names::of(app, lang).await?;
        let mut sum = Sum::default();
        let mut by_provider: BTreeMap<&str, Sum> = BTreeMap::new();
        for order in &self.able {
            sum.add(order.billed);
            by_provider.entry(&order.provider).or_default().add(order.billed);
        }
        let mut by_reason: BTreeMap<String, i64> = BTreeMap::new();
        for order in &self.left_out {
            *by_reason.entry(self.reason(order, &p)).or_default() += 1;
        }
        let providers = Table {
            caption: t.by_provider,
            headings: vec![t.provider, t.how_many, t.billed_sum],
            rows: by_provider
                .into_iter()
                .map(|(id, sum)| vec![names.provider(id), orders_words(sum, t), billed_words(sum, t)])
                .collect(),
        };
        let left_out = Table {
            caption: t.left_out,
            headings: vec![t.credit_state, t.how_many],
            rows: by_reason
                .into_iter()
                .map(|(reason, orders)| vec![reason, fill(t.orders_count, &[&orders])])
                .collect(),
        };
        let label = self.action.label(lang);
        let run = Press {
            name: "confirmed",
            value: self.digest(app),
            label: fill(t.run_it, &[&label, &sum.orders]),
            class: if self.action == Action::Cancel { "danger" } else { "main" },
        };
        let lead = match self.action {
            _ if self.able.is_empty() => fill(t.confirm_nothing, &[&label]),
            Action::Cancel => t.confirm_cancel_many.to_owned(),
            _ => t.confirm_many.to_owned(),
        };
        let page = Confirmation {
            heading: fill(t.confirm_heading, &[&label]),
            lead,
            facts: vec![(t.which_orders, orders_words(sum, t)), (t.billed_sum, billed_words(sum, t))],
            tables: [providers, left_out].into_iter().filter(|table| !table.rows.is_empty()).collect(),
            action: "/batches".to_owned(),
            hidden: panel.fields(),
            presses: (!self.able.is_empty()).then_some(run).into_iter().collect(),
            back: Some(back),
            p,
        };
        Ok(ok(&page))
    }

    /// Why the action cannot be done with an order, in words.
    fn reason(&self, order: &Candidate, p: &Page) -> String {
        let by_csv = order.situation.results_by_csv && next(order.state, Event::CreditStarted).is_some();
        match self.action {
            Action::Credit if by_csv => p.t.left_out_by_csv.to_owned(),
            Action::Sync if order.state == State::Approved => {
                format!("{} {}", state_name(order.state, p), p.t.tracking_missing)
            }
            _ => state_name(order.state, p).to_owned(),
        }
    }
}

/// The orders that the form means, or why it means none.
async fn chosen(app: &App, panel: &Panel, t: &Texts) -> Result<Result<Vec<i64>, String>, Refusal> {
    let mut ids = if panel.scope == "match" {
        let ids = app.store.matching(&panel.list()?.query(), MAX_BATCH + 1).await?;
        // Nothing where the list did not count them all.
        let shown: Option<usize> = panel.matching.parse().ok();
        if let Some(shown) = shown.filter(|shown| *shown != ids.len() && ids.len() <= MAX_BATCH) {
            return Ok(Err(fill(t.match_changed, &[&shown, &ids.len()])));
        }
        ids
    } else {
        panel.ticked()
    };
    if !panel.provider.is_empty() {
        let theirs = app.store.with_provider(&ids, &panel.provider).await?;
        ids.retain(|id| theirs.contains(id));
    }
    Ok(match ids.len() {
        0 => Err(t.nothing_ticked.to_owned()),
        1..=MAX_BATCH => Ok(ids),
        _ => Err(fill(t.too_many, &[&MAX_BATCH])),
    })
}

/// `GET /batches`
pub async fn list(Shared(app): Shared<App>, staff: Staff) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let mut batches = Vec::new();
    for batch in app.store.batches(LATEST).await? {
        let progress = app.store.batch_progress(batch.id).await?;
        batches.push(LineView {
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
    fill(p.t.batch_heading, &[&batch.action.label(p.lang), &progress.total()])
}

async fn find(app: &App, id: i64) -> Result<Batch, Refusal> {
    app.store.batch(id).await?.ok_or_else(|| Refusal::NotFound(Missing::Batch(id.to_string())))
}

#[derive(Deserialize)]
pub struct From {
    #[serde(default)]
    from: i64,
    /// Orders that are ticked instead of those that did not go well.
    ticked: Option<String>,
}

/// `GET /batches/{id}`
pub async fn page(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    Query(From { from, ticked }): Query<From>,
) -> Result<Response, Refusal> {
    let batch = find(&app, id).await?;
    let progress = app.store.batch_progress(id).await?;
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let rows = app.store.batch_rows(id, from, ROWS).await?;
    let mut rows: Vec<_> = rows.iter().map(|row| RowView::new(row, lang, t)).collect();
    if let Some(ticked) = ticked {
        let ticked: BTreeSet<i64> = numbers(&ticked).collect();
        rows.iter_mut().for_each(|row| row.ticked = ticked.contains(&row.id));
    }
    let names = Names::of(&app, lang).await?;
    let page = BatchPage {
        id,
        heading: heading(&batch, &progress, &p),
        list: format!("/orders?keep={id}"),
        running: batch.finished_at.is_none(),
        progress: ProgressView::new(&progress, &waits(&app.store, id).await?, &p),
        more: (from.saturating_add(ROWS) < progress.total()).then(|| format!("/batches/{id}?from={}", from + ROWS)),
        once: once()?,
        ticked: rows.iter().filter(|row| row.ticked).count(),
        rows,
        actions: names.panel("").map(|action| Button::of_panel(action, lang)).collect(),
        p,
    };
    Ok(ok(&page))
}

/// `POST /batches/{id}/stop`: what has not begun is given up, what is being sent comes to its end.
pub async fn stop(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
    _: Signed<Nothing>,
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

/// `GET /batches/{id}/events`: how far it is, again and again, until it is done. Read from the store, so it
/// does not matter which process does the work.
pub async fn events(
    Shared(app): Shared<App>,
    staff: Staff,
    Path(id): Path<i64>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Refusal> {
    find(&app, id).await?;
    let state = Some((app, staff.visitor, None));
    let stream = futures::stream::unfold(state, move |state| async move {
        let (app, visitor, before) = state?;
        tell(app, visitor, id, before).await
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// What a stream of events goes on with.
type Telling = Option<(App, Visitor, Option<Told>)>;

/// What a page was told: how far its batch is, and why rows of it wait.
type Told = (BatchProgress, Vec<Wait>);

/// The next event: progress that differs from the one `before`, or the end. None where the program is to stop or
/// the store fails: the browser asks again by itself.
async fn tell(
    app: App,
    visitor: Visitor,
    id: i64,
    before: Option<Told>,
) -> Option<(Result<sse::Event, Infallible>, Telling)> {
    while !app.begun.is_closed() && visitor.is_signed_in(&app).await {
        // Where the store fails nothing is known of the batch, so its end is not told either.
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
        tokio::time::sleep(TELL).await;
    }
    None
}
