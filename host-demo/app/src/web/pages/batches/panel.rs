//! The panel (処理パネル): the form that begins a batch, with a confirmation where it is needed.

use crate::web::http::form::Signed;
use crate::web::http::list_query::{ListAddress, numbers};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::refusal::Refusal;
use crate::web::http::session::Staff;
use crate::web::pages::batches::selection::Selection;
use crate::web::parts::seen::read_seen;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::asked::Standing;
use domain::credit_state::Action;
use serde::Deserialize;
use service::batches::is_for_many;
use service::batches::{self, BatchError};
use std::collections::{BTreeSet, HashMap};
use store::{BatchOrder, IdempotencyCheck, IdempotentRequest, MAX_BATCH, NewBatch, PAGE};

/// The form of the panel.
#[derive(Deserialize)]
pub(crate) struct PanelForm {
    action: String,
    scope: String,
    once: String,
    /// The ticked orders in the order of the page …
    #[serde(default)]
    id: Vec<i64>,
    /// … and in the order in which they were ticked, where a script kept it.
    #[serde(default)]
    sequence: String,
    /// Where the orders of the page stand as it shows them, see [`read_seen`].
    #[serde(default)]
    seen: Vec<String>,
    /// The conditions of the list, and how many orders matched when it was shown.
    #[serde(default)]
    query: String,
    #[serde(default)]
    matching: String,
    /// Restricts the action to the orders of this provider.
    #[serde(default)]
    provider: String,
    /// The batch under whose results the panel stood.
    batch: Option<i64>,
    /// The digest of what the confirmation page has shown; empty before it.
    #[serde(default)]
    confirmed: String,
}

impl PanelForm {
    /// The ticked orders in the order in which they were ticked.
    fn ticked(&self) -> Vec<i64> {
        let ticked: BTreeSet<i64> = self.id.iter().copied().collect();
        let sequence = numbers(&self.sequence).filter(|id| ticked.contains(id));
        let mut seen = BTreeSet::new();
        sequence.chain(self.id.iter().copied()).filter(|id| seen.insert(*id)).collect()
    }

    /// Whether a confirmation is needed: a cancel cannot be undone, and orders on other pages have not been seen.
    fn needs_confirmation(&self, action: Action, orders: usize) -> bool {
        action == Action::Cancel || (self.scope == "match" && orders > PAGE)
    }

    /// The address of the page of the panel, with the same orders ticked.
    fn back(&self) -> Result<String, Refusal> {
        let ticked = self.ticked().iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        Ok(match self.batch {
            Some(batch) => format!("/batches/{batch}?ticked={ticked}"),
            None => ListAddress { ticked, ..self.list()? }.href(),
        })
    }

    /// The fields of the form, for the confirmation page.
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
        let seen = self.seen.iter().map(|seen| ("seen".to_owned(), seen.clone()));
        given.map(|(name, value)| (name.to_owned(), value.clone())).chain(ids).chain(seen).collect()
    }

    /// Where the orders of the page stand as it shows them.
    fn seen(&self) -> Result<HashMap<i64, Standing>, Refusal> {
        self.seen.iter().map(|text| read_seen(text).ok_or(Refusal::Unreadable)).collect()
    }

    /// The list of the panel. A query that cannot be parsed is an error: without its conditions it would match every
    /// order.
    fn list(&self) -> Result<ListAddress, Refusal> {
        let address: ListAddress = serde_html_form::from_str(&self.query).map_err(|_| Refusal::Unreadable)?;
        if address.is_readable() { Ok(address) } else { Err(Refusal::Unreadable) }
    }
}

/// `POST /batches`
pub(crate) async fn begin(
    Shared(app): Shared<App>,
    staff: Staff,
    Signed(panel): Signed<PanelForm>,
) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let action: Action = panel.action.parse().map_err(|_| Refusal::Unreadable)?;
    if !is_for_many(action) {
        return Err(Refusal::Unreadable);
    }
    let (back, seen) = (panel.back()?, panel.seen()?);
    let ids = match meant_orders(&app, &panel, t).await? {
        Ok(ids) => ids,
        Err(message) => return Ok(app.redirect(&back, &[Notice::new(Tone::Wait, message)])),
    };
    if panel.confirmed.is_empty() {
        let needs_confirmation = panel.needs_confirmation(action, ids.len());
        if action == Action::Credit || needs_confirmation {
            let selection = Selection::of(&app, action, &ids).await?;
            if needs_confirmation || selection.possible_duplicates().next().is_some() {
                return ask(&app, &staff, &panel, &selection, None).await;
            }
        }
    }
    let caller = format!("user:{}", staff.user.id);
    let digest = format!("batch {action} {ids:?}");
    let owner = app.credit.lease.name();
    let call = IdempotentRequest { caller: &caller, key: &panel.once, digest: &digest, owner: &owner };
    match app.store.begin_call(call, app.store.now()).await? {
        IdempotencyCheck::New => {}
        IdempotencyCheck::Answered { answer, .. } => {
            return Ok(app.redirect(&answer, &[Notice::new(Tone::Wait, t.already_sent)]));
        }
        IdempotencyCheck::Begun(batch) => {
            return Ok(app.redirect(&batch_path(batch), &[Notice::new(Tone::Wait, t.already_sent)]));
        }
        IdempotencyCheck::InProgress | IdempotencyCheck::KeyReused => {
            return Ok(app.redirect(&back, &[Notice::new(Tone::Wait, t.already_sent)]));
        }
    }
    match carry_out(&app, &staff, &panel, action, &ids, &seen, call).await {
        Ok(Begun::Batch(batch)) => {
            let path = batch_path(batch);
            app.store.end_call(call, 303, &path).await?;
            app.wake.notify_one();
            Ok(app.redirect(&path, &[]))
        }
        Ok(Begun::Nothing(page)) => {
            app.store.forget_call(call).await?;
            Ok(page)
        }
        Err(refusal) => {
            // If the batch was made nevertheless, the request is kept with it.
            app.store.forget_call(call).await?;
            Err(refusal)
        }
    }
}

/// What came of a panel.
enum Begun {
    /// This batch.
    Batch(i64),
    /// Nothing: it asks again.
    Nothing(Response),
}

/// Makes the batch of a panel whose request has begun, unless what was confirmed has changed.
async fn carry_out(
    app: &App,
    staff: &Staff,
    panel: &PanelForm,
    action: Action,
    ids: &[i64],
    seen: &HashMap<i64, Standing>,
    call: IdempotentRequest<'_>,
) -> Result<Begun, Refusal> {
    let orders = if panel.confirmed.is_empty() {
        ids.iter().map(|id| BatchOrder { id: *id, seen: seen.get(id).cloned(), confirmed: false }).collect()
    } else {
        let selection = Selection::of(app, action, ids).await?;
        let orders = selection.orders(seen);
        if orders.is_empty() || selection.digest(app) != panel.confirmed {
            let notice = Notice::new(Tone::Wait, staff.visitor.page().t.confirm_changed);
            return Ok(Begun::Nothing(ask(app, staff, panel, &selection, Some(notice)).await?));
        }
        orders
    };
    let new = NewBatch { action, who: &staff.user.name, request: Some(call) };
    match batches::begin(&app.store, new, orders).await {
        Ok(batch) => Ok(Begun::Batch(batch)),
        Err(BatchError::Store(error)) => Err(error.into()),
        // The list shows no such orders: the form was made by hand.
        Err(_) => Err(Refusal::Unreadable),
    }
}

fn batch_path(batch: i64) -> String {
    format!("/batches/{batch}")
}

/// The confirmation page for `selection`, with a notice at its top.
async fn ask(
    app: &App,
    staff: &Staff,
    panel: &PanelForm,
    selection: &Selection,
    notice: Option<Notice>,
) -> Result<Response, Refusal> {
    let mut page = staff.visitor.page();
    let back = panel.back()?;
    page.path.clone_from(&back);
    page.notices.extend(notice);
    let reaches_further = panel.scope == "match";
    selection.confirm_page(app, page, panel.fields(), back, reaches_further).await
}

/// The orders that the form is about, or a message why there are none.
async fn meant_orders(app: &App, panel: &PanelForm, t: &Texts) -> Result<Result<Vec<i64>, String>, Refusal> {
    let mut ids = if panel.scope == "match" {
        let ids = app.store.matching(&panel.list()?.query(), MAX_BATCH + 1).await?;
        // Absent where the list did not count all of them.
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
