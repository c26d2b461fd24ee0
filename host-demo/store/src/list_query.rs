//! Which orders a list shows, and which page of it.

use crate::error::Result;
use crate::sql::Conditions;
use domain::clock;
use domain::credit_state::State;
use std::fmt;
use std::str::FromStr;
use time::Date;

/// Longest text that is searched for, in characters: more than any order number or name.
pub const MAX_SEARCH: usize = 100;

/// Which orders a list shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListQuery {
    /// Of this mall.
    pub mall: Option<String>,
    /// Registered at this provider, or to be put to it.
    pub provider: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// With this 受注ステータス.
    pub order_status: Option<String>,
    /// Ordered on this day in Japan or later.
    pub since: Option<Date>,
    /// Ordered on this day in Japan or earlier.
    pub until: Option<Date>,
    /// With or without a tracking number.
    pub tracked: Option<bool>,
    /// Whose order number or buyer's name begins with this; spaces, capitals and the width of letters do not
    /// matter.
    pub search: Option<String>,
}

/// A cursor of the list: the order that a page begins after or before. As text it goes into URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    pub(super) ordered_at: i64,
    pub(super) id: i64,
}

impl fmt::Display for ListCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ordered_at, self.id)
    }
}

/// The text is not a cursor of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of the list")]
pub struct InvalidCursor;

impl FromStr for ListCursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> std::result::Result<Self, InvalidCursor> {
        let (ordered_at, id) = text.split_once('.').ok_or(InvalidCursor)?;
        let number = |text: &str| text.parse().map_err(|_| InvalidCursor);
        Ok(Self { ordered_at: number(ordered_at)?, id: number(id)? })
    }
}

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// The newest orders.
    #[default]
    First,
    /// Those that follow this one: older.
    After(ListCursor),
    /// Those before this one: newer.
    Before(ListCursor),
    /// The oldest orders.
    Last,
}

impl ListQuery {
    /// All of it but the search, from `position` on.
    pub(super) fn conditions(&self, position: Position) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        if let Some(mall) = &self.mall {
            conditions.and("o.mall = $?", [mall])?;
        }
        if let Some(provider) = &self.provider {
            conditions.and("o.provider = $?", [provider])?;
        }
        if let Some(state) = self.state {
            conditions.and("o.state = $?", [state.to_string()])?;
        }
        if let Some(status) = &self.order_status {
            conditions.and("o.order_status = $?", [status])?;
        }
        if let Some(since) = self.since {
            conditions.and("o.ordered_at >= $?", [clock::in_milliseconds(since.midnight())])?;
        }
        if let Some(day_after) = self.until.and_then(Date::next_day) {
            conditions.and("o.ordered_at < $?", [clock::in_milliseconds(day_after.midnight())])?;
        }
        match self.tracked {
            Some(true) => conditions.plain("o.tracking_number IS NOT NULL"),
            Some(false) => conditions.plain("o.tracking_number IS NULL"),
            None => {}
        }
        match position {
            Position::After(cursor) => {
                conditions.and("(o.ordered_at, o.id) < ($?, $?)", [cursor.ordered_at, cursor.id])?
            }
            Position::Before(cursor) => {
                conditions.and("(o.ordered_at, o.id) > ($?, $?)", [cursor.ordered_at, cursor.id])?
            }
            Position::First | Position::Last => {}
        }
        Ok(conditions)
    }
}
