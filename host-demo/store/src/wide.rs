//! Statements about many rows at once. A statement is a hand-over to the database's thread, or a round trip to its
//! server, so the rows of a group of writes go in a few wide ones.

use crate::database::{Store, WriteTransaction};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::sql::VALUES_PER_QUERY;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::error::BoxDynError;
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, FromRow};
use std::fmt::Write;

/// What stands in a statement for the rows' values, `($1, $2), ($3, $4)`. It has no other values.
const ROWS: &str = "{rows}";

/// The values of a row, in the order of its columns. Every row of a statement has the same types, where a value is
/// missing too: PostgreSQL takes a column's type from them.
pub(super) struct RowValues<'a>(&'a mut AnyArguments);

impl<'a> RowValues<'a> {
    /// Those of a statement about one row.
    pub(super) fn of(arguments: &'a mut AnyArguments) -> Self {
        Self(arguments)
    }

    /// Adds the value of the next column.
    pub(super) fn add<'t, T>(&mut self, value: T) -> std::result::Result<&mut Self, BoxDynError>
    where
        T: sqlx::Encode<'t, Any> + sqlx::Type<Any>,
    {
        self.0.add(value)?;
        Ok(self)
    }
}

/// Executes `sql` with `rows` in place of its `{rows}`.
pub(super) async fn write_rows<R>(
    tx: &mut WriteTransaction,
    sql: &str,
    rows: &[R],
    values: impl Fn(&mut RowValues<'_>, &R) -> std::result::Result<(), BoxDynError>,
) -> Result<()> {
    for rows in rows.chunks(VALUES_PER_QUERY) {
        let (sql, arguments) = statement(tx.dialect(), sql, rows, &values)?;
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(is_frequent(rows.len()));
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// What `sql` returns with `rows` in place of its `{rows}`.
pub(super) async fn fetch_rows<R, T>(
    tx: &mut WriteTransaction,
    sql: &str,
    rows: &[R],
    values: impl Fn(&mut RowValues<'_>, &R) -> std::result::Result<(), BoxDynError>,
) -> Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    let dialect = tx.dialect();
    fetch(tx, dialect, sql, rows, values).await
}

/// The same outside of a transaction.
pub(super) async fn read_rows<R, T>(
    store: &Store,
    sql: &str,
    rows: &[R],
    values: impl Fn(&mut RowValues<'_>, &R) -> std::result::Result<(), BoxDynError>,
) -> Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    let mut connection = store.pool()?.acquire().await?;
    fetch(&mut connection, store.dialect, sql, rows, values).await
}

async fn fetch<R, T>(
    connection: &mut AnyConnection,
    dialect: Dialect,
    sql: &str,
    rows: &[R],
    values: impl Fn(&mut RowValues<'_>, &R) -> std::result::Result<(), BoxDynError>,
) -> Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    let mut found = Vec::with_capacity(rows.len());
    for rows in rows.chunks(VALUES_PER_QUERY) {
        let (sql, arguments) = statement(dialect, sql, rows, &values)?;
        let query = sqlx::query_as_with(AssertSqlSafe(sql), arguments).persistent(is_frequent(rows.len()));
        found.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(found)
}

/// Whether a statement is kept prepared: those for other numbers of rows are other texts, which would displace it.
fn is_frequent(rows: usize) -> bool {
    rows == 1
}

fn statement<R>(
    dialect: Dialect,
    sql: &str,
    rows: &[R],
    values: impl Fn(&mut RowValues<'_>, &R) -> std::result::Result<(), BoxDynError>,
) -> Result<(String, AnyArguments)> {
    let (mut arguments, mut text) = (AnyArguments::default(), String::new());
    for row in rows {
        let before = arguments.len();
        values(&mut RowValues(&mut arguments), row).map_err(sqlx::Error::Encode)?;
        text.push_str(if text.is_empty() { "(" } else { ", (" });
        for number in before + 1..=arguments.len() {
            // Writing to a text never fails.
            let _ = write!(text, "{}{}", if number == before + 1 { "" } else { ", " }, dialect.value(number));
        }
        text.push(')');
    }
    Ok((sql.replacen(ROWS, &text, 1), arguments))
}
