//! What decides whether orders can be part of a batch, without reading them whole.

use crate::database::Store;
use crate::error::Result;
use crate::rows::{is_set, parse, problem};
use crate::sql::{VALUES_PER_QUERY, list};
use domain::asked::Standing;
use domain::credit_state::{Action, ActionContext};
use domain::issue::Issue;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow, Row};

/// An order that an action is to be done with, as far as that decides whether it can be.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchCandidate {
    /// The store's number.
    pub id: i64,
    /// The id of the provider that would be called.
    pub provider: String,
    /// Where its credit stands.
    pub standing: Standing,
    /// What else decides what it offers.
    pub context: ActionContext,
    /// Yen.
    pub billed: i64,
    /// Counts every change.
    pub version: i64,
    /// The mall's number.
    pub number: String,
    /// Why its credit may be a second one, which is to be confirmed; see [`Issue::is_possible_duplicate`].
    pub possible_duplicate: Option<Issue>,
}

impl BatchCandidate {
    /// Whether `action` may be done with it now.
    pub fn offers(&self, action: Action) -> bool {
        self.standing.state.actions(self.context).any(|offered| offered == action)
    }
}

impl Store {
    /// The orders `ids` as candidates for `action`, by number.
    pub async fn candidates(&self, action: Action, ids: &[i64]) -> Result<Vec<BatchCandidate>> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(VALUES_PER_QUERY) {
            let provider = provider_column(action);
            let sql = format!(
                "SELECT o.id, {provider} AS provider, o.state, COALESCE(o.reference, '') AS reference, m.by_csv, \
                 o.billed, o.version, o.number, \
                 CAST(CASE WHEN o.tracking_number IS NULL THEN 0 ELSE 1 END AS BIGINT) AS tracked, \
                 o.problem FROM orders o \
                 JOIN malls m ON m.id = o.mall JOIN accounts a ON a.id = m.account WHERE o.id IN ({})",
                list(ids)
            );
            let candidates: Vec<BatchCandidate> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(self.pool()?).await?;
            found.extend(candidates);
        }
        found.sort_by_key(|candidate| candidate.id);
        Ok(found)
    }
}

/// The column with the provider that is called for `action`: a new credit goes to the mall's provider, anything else
/// to the one where the order is registered.
pub(super) fn provider_column(action: Action) -> &'static str {
    if action == Action::Credit { "a.provider" } else { "o.provider" }
}

impl FromRow<'_, AnyRow> for BatchCandidate {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let (problem, _) = problem(row)?;
        Ok(Self {
            id: row.try_get("id")?,
            provider: row.try_get("provider")?,
            standing: Standing { state: parse(row.try_get("state")?)?, reference: row.try_get("reference")? },
            context: ActionContext {
                tracking_entered: is_set(row, "tracked")?,
                problem: problem.is_some(),
                results_by_csv: is_set(row, "by_csv")?,
            },
            billed: row.try_get("billed")?,
            version: row.try_get("version")?,
            number: row.try_get("number")?,
            possible_duplicate: problem.filter(Issue::is_possible_duplicate),
        })
    }
}
