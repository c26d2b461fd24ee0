//! The order list: filters, pages, ticks.

use crate::domain::clock;
use crate::domain::credit_state::State;
use crate::store::{ListKey, ListQuery, PAGE, Position};
use crate::web::App;
use crate::web::http::page::{Page, Refusal, ok};
use crate::web::http::session::Staff;
use crate::web::parts::order_row::{Button, Names, RowView};
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use strum::VariantArray;

/// Matching orders are counted up to here where the store keeps no count of them: a search that still
/// matches more is to be narrowed, not to be counted.
const COUNTED: usize = 1_000;

/// What the address of a list says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mall: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tracking: String,
    /// The page after this order, before it, or `last`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The batch whose orders that did not go well are ticked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<i64>,
    /// Orders that are ticked, with commas: those of a form that was not carried out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ticked: String,
}

impl Address {
    /// What is asked of the store; what cannot be read is not a condition.
    pub fn query(&self) -> ListQuery {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        ListQuery {
            mall: given(&self.mall),
            provider: given(&self.provider),
            state: self.state.parse().ok(),
            order_status: given(&self.status),
            since: clock::parse_date(&self.from),
            until: clock::parse_date(&self.until),
            tracked: match self.tracking.as_str() {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            },
            search: given(&self.q),
        }
    }

    /// Whether every condition says what it is to say.
    pub fn is_readable(&self) -> bool {
        let day = |text: &str| text.is_empty() || clock::parse_date(text).is_some();
        let state = self.state.is_empty() || self.state.parse::<State>().is_ok();
        state && day(&self.from) && day(&self.until) && ["", "yes", "no"].contains(&self.tracking.as_str())
    }

    /// The conditions alone, as a query: what stays the same from page to page.
    pub fn conditions(&self) -> String {
        Self { after: String::new(), before: String::new(), keep: None, ticked: String::new(), ..self.clone() }.text()
    }

    fn text(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    /// The list's address.
    pub fn href(&self) -> String {
        match self.text() {
            empty if empty.is_empty() => "/orders".to_owned(),
            query => format!("/orders?{query}"),
        }
    }

    /// Where what the list shows is exported.
    pub fn export(&self) -> String {
        format!("/export?{}", self.conditions())
    }

    /// Whether there are conditions that the export's form does not show.
    pub fn has_more(&self) -> bool {
        [&self.q, &self.provider, &self.status, &self.tracking].iter().any(|condition| !condition.is_empty())
    }

    fn at(&self, after: &str, before: &str) -> String {
        Self { after: after.to_owned(), before: before.to_owned(), ticked: String::new(), ..self.clone() }.href()
    }

    fn of_state(&self, state: &str) -> String {
        let first =
            Self { after: String::new(), before: String::new(), keep: None, ticked: String::new(), ..self.clone() };
        Self { state: state.to_owned(), ..first }.href()
    }

    fn position(&self) -> Position {
        match (self.after.parse::<ListKey>(), self.before.as_str()) {
            (Ok(after), _) => Position::After(after),
            (_, "end") => Position::Last,
            (_, before) => before.parse().map_or(Position::First, Position::Before),
        }
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    p: Page,
    states: Vec<StateChoice>,
    filter: Address,
    malls: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    rows: Vec<RowView>,
    back: String,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last: Option<String>,
    page_words: String,
    query: String,
    matching: Option<i64>,
    scope_match: String,
    once: String,
    ticked: usize,
    actions: Vec<Button>,
}

struct StateChoice {
    href: String,
    label: &'static str,
    count: i64,
    here: bool,
}

/// `GET /orders`
pub async fn list(Shared(app): Shared<App>, staff: Staff, Query(filter): Query<Address>) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let query = filter.query();
    let listed = app.store.page(&query, filter.position(), PAGE).await?;
    let counts = app.store.counts(query.mall.as_deref(), query.provider.as_deref()).await?;
    let matching = Matching::of(&app, &query, &counts).await?;
    let names = Names::of(&app, lang).await?;
    let kept = kept(&app, &filter).await?;
    let rows: Vec<_> =
        listed.orders.iter().map(|order| RowView::new(order, &names, t, kept.contains(&order.id))).collect();
    let page = OrdersPage {
        states: states(&filter, &counts, &p),
        malls: names.malls(),
        providers: names.providers(),
        ticked: rows.iter().filter(|row| row.ticked).count(),
        rows,
        back: Address { ticked: String::new(), ..filter.clone() }.href(),
        first: listed.newer.is_some().then(|| filter.at("", "")),
        previous: listed.newer.map(|key| filter.at("", &key.to_string())),
        next: listed.older.map(|key| filter.at(&key.to_string(), "")),
        last: listed.older.is_some().then(|| filter.at("", "end")),
        page_words: matching.words(t.showing, t),
        query: filter.conditions(),
        matching: matching.exact(),
        scope_match: matching.words(t.scope_match, t),
        once: crate::web::pages::batches::once()?,
        actions: names.panel(&filter.mall).map(|action| Button::of_panel(action, lang)).collect(),
        filter,
        p,
    };
    Ok(ok(&page))
}

/// How many orders match.
pub enum Matching {
    Exactly(i64),
    MoreThan(i64),
}

impl Matching {
    pub async fn of(app: &App, query: &ListQuery, counts: &BTreeMap<State, i64>) -> Result<Self, Refusal> {
        let ListQuery { mall, provider, state, .. } = query.clone();
        let of_counts = ListQuery { mall, provider, state, ..ListQuery::default() };
        if *query == of_counts {
            let count = match state {
                Some(state) => counts.get(&state).copied().unwrap_or_default(),
                None => counts.values().sum(),
            };
            return Ok(Matching::Exactly(count));
        }
        Ok(match app.store.matching(query, COUNTED + 1).await?.len() {
            more if more > COUNTED => Matching::MoreThan(COUNTED as i64),
            count => Matching::Exactly(count as i64),
        })
    }

    pub fn words(&self, text: &str, t: &Texts) -> String {
        match self {
            Matching::Exactly(count) => fill(text, &[count]),
            Matching::MoreThan(count) => fill(text, &[&fill(t.more_than, &[count])]),
        }
    }

    /// What the panel sends back, so that a list that changed meanwhile is noticed.
    fn exact(&self) -> Option<i64> {
        match self {
            Matching::Exactly(count) => Some(*count),
            Matching::MoreThan(_) => None,
        }
    }
}

/// What is ticked: the orders of a batch that did not go well, those of a form that was not carried out.
async fn kept(app: &App, filter: &Address) -> Result<BTreeSet<i64>, Refusal> {
    let mut kept = numbers(&filter.ticked).collect::<BTreeSet<_>>();
    if let Some(batch) = filter.keep {
        kept.extend(crate::service::batches::without_success(&app.store, batch).await?);
    }
    Ok(kept)
}

/// Numbers with commas between them; what is none is passed over.
pub fn numbers(text: &str) -> impl Iterator<Item = i64> {
    text.split(',').filter_map(|number| number.parse().ok())
}

/// A state as a filter names it.
pub fn state_name(state: State, p: &Page) -> &'static str {
    if state == State::NotAsked { p.t.not_asked } else { state.label(p.lang) }
}

/// States that have a name of their own in the list: several ways to be on the way look the same.
fn states(filter: &Address, counts: &BTreeMap<State, i64>, p: &Page) -> Vec<StateChoice> {
    let all = StateChoice {
        href: filter.of_state(""),
        label: p.t.every_state,
        count: counts.values().sum(),
        here: filter.state.is_empty(),
    };
    let choice = |state: &State| {
        let name = state.to_string();
        let count = counts.get(state).copied().unwrap_or_default();
        let here = filter.state == name;
        let shown = here || count > 0;
        shown.then(|| StateChoice { href: filter.of_state(&name), label: state_name(*state, p), count, here })
    };
    [all].into_iter().chain(State::VARIANTS.iter().filter_map(choice)).collect()
}
