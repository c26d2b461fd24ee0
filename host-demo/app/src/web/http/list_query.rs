//! The conditions of the order list, as its address has them, and how many orders match them.

use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use domain::clock;
use domain::credit_state::State;
use serde::{Deserialize, Serialize};
use service::messages::localize::Localize;
use std::collections::BTreeMap;
use store::{ListCursor, ListQuery, Position};

/// Matching orders are counted up to here where the store keeps no counter for them. A search with more matches has to
/// be narrowed; its exact number does not matter.
const MAX_COUNTED: usize = 1_000;

/// The query of the address of the list: conditions, page and ticks. A condition that is empty does not apply.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListAddress {
    /// A state by its name in the API.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The beginning of an order number or of a name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    /// The id of a mall.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mall: String,
    /// The id of a provider.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// The first day of the order, as YYYY-MM-DD.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The last day of the order, as YYYY-MM-DD.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// 受注ステータス
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// `yes`: with a tracking number; `no`: without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tracking: String,
    /// The page begins after this order.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// The page ends before this order; `end`: it is the last page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// The batch whose orders without success are ticked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<i64>,
    /// Ticked orders, separated by commas: those of a form that was not carried out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ticked: String,
}

impl ListAddress {
    /// The query for the store. A condition that cannot be parsed does not apply.
    pub(crate) fn query(&self) -> ListQuery {
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

    /// Whether every condition can be parsed.
    pub(crate) fn is_readable(&self) -> bool {
        let day = |text: &str| text.is_empty() || clock::parse_date(text).is_some();
        let state = self.state.is_empty() || self.state.parse::<State>().is_ok();
        state && day(&self.from) && day(&self.until) && ["", "yes", "no"].contains(&self.tracking.as_str())
    }

    /// The conditions without page and ticks, as a query string.
    pub(crate) fn conditions(&self) -> String {
        Self { after: String::new(), before: String::new(), keep: None, ticked: String::new(), ..self.clone() }.text()
    }

    fn text(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    /// The address of the list.
    pub(crate) fn href(&self) -> String {
        match self.text() {
            empty if empty.is_empty() => "/orders".to_owned(),
            query => format!("/orders?{query}"),
        }
    }

    /// The address of the export under the same conditions.
    pub(crate) fn export(&self) -> String {
        format!("/export?{}", self.conditions())
    }

    /// Whether there are conditions that have no field in the form of the export.
    pub(crate) fn has_more(&self) -> bool {
        [&self.q, &self.provider, &self.status, &self.tracking].iter().any(|condition| !condition.is_empty())
    }

    /// The address of the page after or before an order.
    pub(crate) fn at(&self, after: &str, before: &str) -> String {
        Self { after: after.to_owned(), before: before.to_owned(), ticked: String::new(), ..self.clone() }.href()
    }

    /// The address of the first page of the orders in `state`, of all states if it is empty.
    pub(crate) fn of_state(&self, state: &str) -> String {
        let first =
            Self { after: String::new(), before: String::new(), keep: None, ticked: String::new(), ..self.clone() };
        Self { state: state.to_owned(), ..first }.href()
    }

    /// The page that is asked for.
    pub(crate) fn position(&self) -> Position {
        match (self.after.parse::<ListCursor>(), self.before.as_str()) {
            (Ok(after), _) => Position::After(after),
            (_, "end") => Position::Last,
            (_, before) => before.parse().map_or(Position::First, Position::Before),
        }
    }
}

/// How many orders match.
pub(crate) enum MatchCount {
    /// Exactly this many.
    Exactly(i64),
    /// More than this many.
    MoreThan(i64),
}

impl MatchCount {
    /// Counts the orders that match `query`: from the counters by state where they suffice.
    pub(crate) async fn of(app: &App, query: &ListQuery, counts: &BTreeMap<State, i64>) -> Result<Self, Refusal> {
        let ListQuery { mall, provider, state, .. } = query.clone();
        let of_counts = ListQuery { mall, provider, state, ..ListQuery::default() };
        if *query == of_counts {
            let count = match state {
                Some(state) => counts.get(&state).copied().unwrap_or_default(),
                None => counts.values().sum(),
            };
            return Ok(Self::Exactly(count));
        }
        Ok(match app.store.matching(query, MAX_COUNTED + 1).await?.len() {
            more if more > MAX_COUNTED => Self::MoreThan(MAX_COUNTED as i64),
            count => Self::Exactly(count as i64),
        })
    }

    /// `text` with the number in its placeholder.
    pub(crate) fn fill_in(&self, text: &str, t: &Texts) -> String {
        match self {
            Self::Exactly(count) => fill(text, &[count]),
            Self::MoreThan(count) => fill(text, &[&fill(t.more_than, &[count])]),
        }
    }

    /// The exact number. The panel sends it back, so that a list that has changed meanwhile is noticed.
    pub(crate) fn exact(&self) -> Option<i64> {
        match self {
            Self::Exactly(count) => Some(*count),
            Self::MoreThan(_) => None,
        }
    }
}

/// The numbers in a list that is separated by commas. Anything else in it is ignored.
pub(crate) fn numbers(text: &str) -> impl Iterator<Item = i64> {
    text.split(',').filter_map(|number| number.parse().ok())
}

/// The name of a state in a filter.
pub(crate) fn state_name(state: State, p: &Page) -> &'static str {
    if state == State::NotAsked { p.t.not_asked } else { state.localized(p.lang) }
}
