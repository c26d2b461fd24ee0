//! Which orders a call is about.

use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::order::OrderState;
use domain::clock;
use domain::credit_state::State;
use serde::Deserialize;
use store::{ListQuery, MAX_SEARCH};
use utoipa::{IntoParams, ToSchema};

/// Which orders.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OrderFilter {
    /// Of this mall.
    mall: Option<String>,
    /// At this provider.
    provider: Option<String>,
    state: Option<OrderState>,
    /// 受注ステータス
    order_status: Option<String>,
    /// Ordered on this day or later.
    #[schema(format = Date)]
    #[param(format = Date)]
    since: Option<String>,
    /// Ordered on this day or earlier.
    #[schema(format = Date)]
    #[param(format = Date)]
    until: Option<String>,
    /// With or without a tracking number.
    tracked: Option<bool>,
    /// What the order number or the buyer's name begins with.
    #[schema(max_length = 100)]
    #[param(max_length = 100)]
    search: Option<String>,
}

impl OrderFilter {
    /// The conditions in a query that has `others` beside them. Whatever is neither is refused: a condition that
    /// is misspelt must not let every order through.
    pub(super) fn in_query(query: Option<&str>, others: &[&str]) -> Result<Self, Problem> {
        let unreadable =
            |error: serde_html_form::de::Error| Problem::new(Kind::Unreadable, format!("The query: {error}."));
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query.unwrap_or_default()).map_err(unreadable)?;
        let conditions: Vec<_> = pairs.iter().filter(|(name, _)| !others.contains(&name.as_str())).collect();
        let conditions = serde_html_form::to_string(conditions).map_err(|error| Problem::failed(&error))?;
        serde_html_form::from_str(&conditions).map_err(unreadable)
    }

    /// As the store is asked.
    pub(super) fn query(self) -> Result<ListQuery, Problem> {
        if self.search.as_ref().is_some_and(|search| search.chars().count() > MAX_SEARCH) {
            return Err(Problem::new(Kind::Unreadable, format!("`search` has at most {MAX_SEARCH} characters.")));
        }
        Ok(ListQuery {
            mall: self.mall,
            provider: self.provider,
            state: self.state.map(State::from),
            order_status: self.order_status,
            since: self.since.map(|day| date(&day)).transpose()?,
            until: self.until.map(|day| date(&day)).transpose()?,
            tracked: self.tracked,
            search: self.search,
        })
    }
}

/// A day in Japan.
pub(super) fn date(text: &str) -> Result<time::Date, Problem> {
    let invalid = || Problem::new(Kind::Unreadable, format!("{text:?} is no date; write it like 2026-07-01."));
    clock::parse_date(text).ok_or_else(invalid)
}
