//! Pages of lists: how large they are, and where they begin.

use crate::web::api::problem::{Kind, Problem};
use serde::Deserialize;
use store::{MAX_PAGE, PAGE, Position};
use utoipa::IntoParams;

/// A page's size within its bounds.
pub(super) fn bounded(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(PAGE);
    let fits = (1..=MAX_PAGE).contains(&limit);
    fits.then_some(limit).ok_or_else(|| Problem::new(Kind::Unreadable, format!("`limit` is 1 to {MAX_PAGE}.")))
}

/// How many of the latest.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Latest {
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Latest {
    pub(super) fn count(&self) -> Result<usize, Problem> {
        bounded(self.limit)
    }
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PagePosition {
    /// Orders that follow this place: older ones. A place is what an answer has as `older` or `newer`.
    after: Option<String>,
    /// Orders before this place: newer ones.
    before: Option<String>,
    /// Orders on the page.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

impl PagePosition {
    pub(super) fn position(&self) -> Result<Position, Problem> {
        let key = |text: &str| {
            text.parse().map_err(|_| Problem::new(Kind::Unreadable, format!("{text:?} is no place in a list.")))
        };
        match (&self.after, &self.before) {
            (None, None) => Ok(Position::First),
            (Some(after), None) => Ok(Position::After(key(after)?)),
            (None, Some(before)) => Ok(Position::Before(key(before)?)),
            (Some(_), Some(_)) => Err(Problem::new(Kind::Unreadable, "Give `after` or `before`, not both.")),
        }
    }
}
