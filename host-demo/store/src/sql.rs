//! Pieces of SQL that several queries share.

use crate::database::WriteTransaction;
use crate::error::Result;
use domain::credit_state::State;
use sqlx::any::AnyArguments;
use sqlx::{Any, Arguments};
use strum::VariantArray;

/// How often a transaction is retried that PostgreSQL rolled back because of a concurrent one: the second attempt
/// nearly always succeeds.
pub(super) const MAX_RETRIES: usize = 5;
/// Values in one query: far below what the databases accept.
pub(super) const VALUES_PER_QUERY: usize = 500;

/// The `WHERE` clause of a query whose conditions are known only at run time, with the values in the order of their
/// placeholders. (sqlx's `QueryBuilder` writes `?` as placeholder for the `Any` driver, which PostgreSQL does not
/// accept.)
#[derive(Default)]
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: AnyArguments,
}

impl Conditions {
    /// Adds a condition, in which each `$?` stands for the next of `values`.
    pub(super) fn and<'t, T>(&mut self, condition: &str, values: impl IntoIterator<Item = T>) -> Result<()>
    where
        T: sqlx::Encode<'t, Any> + sqlx::Type<Any>,
    {
        let mut numbered = condition.to_owned();
        for value in values {
            self.values.add(value).map_err(sqlx::Error::Encode)?;
            numbered = numbered.replacen("$?", &format!("${}", self.values.len()), 1);
        }
        self.plain(&numbered);
        Ok(())
    }

    /// Adds a condition without a value.
    pub(super) fn plain(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(condition);
    }
}

/// Retries a whole transaction where a concurrent one had it rolled back.
macro_rules! retried {
    ($attempt:expr) => {{
        let mut retries = 0;
        loop {
            match $attempt.await {
                Err(error) if error.is_transient() && retries < $crate::sql::MAX_RETRIES => retries += 1,
                done => break done,
            }
        }
    }};
}
pub(super) use retried;

/// Numbers as the list of an `IN`; `NULL` if there are none, which equals nothing.
pub(super) fn list(numbers: &[i64]) -> String {
    match numbers {
        [] => "NULL".to_owned(),
        _ => numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Allocates `count` numbers that were never used for `what` (a row of the table `numbers`); the first of them.
pub(super) async fn take_numbers(tx: &mut WriteTransaction, what: &str, count: usize) -> Result<i64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: i64 = sqlx::query_scalar("UPDATE numbers SET last = last + $1 WHERE what = $2 RETURNING last")
        .bind(count)
        .bind(what)
        .fetch_one(&mut **tx)
        .await?;
    Ok(last - count + 1)
}

/// The form in which texts are searched: without spaces, in lower case, wide ASCII made narrow, as bytes.
pub(super) fn search_key(text: &str) -> Vec<u8> {
    let narrow = |c: char| match c {
        '！'..='～' => char::from_u32(c as u32 - '！' as u32 + '!' as u32).unwrap_or(c),
        other => other,
    };
    let kept = text.chars().filter(|c| !c.is_whitespace()).map(narrow);
    kept.flat_map(char::to_lowercase).collect::<String>().into_bytes()
}

/// The states for which `is_included` holds, as the list of an `IN`.
pub(super) fn states(is_included: fn(State) -> bool) -> String {
    let names = State::VARIANTS.iter().filter(|state| is_included(**state)).map(|state| format!("'{state}'"));
    names.collect::<Vec<_>>().join(", ")
}
