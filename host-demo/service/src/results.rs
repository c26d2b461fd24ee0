//! Credit results by CSV, in and out.
//!
//! API and CSV exclude each other for an order. A result by CSV is taken only for an order that nothing
//! was ever recorded for through the API, and from then on the order offers no 与信を実行; an order that
//! was judged through the API is left out of what is written. Which is which stands in the table of
//! [`domain::credit_state`].

use crate::computing::computing;
use crate::csv::encoding::Charset;
use crate::csv::error::{FileError, RowError};
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::table::{self, Column, Line};
use crate::csv::writer;
use crate::messages::issue::provider_message;
use domain::credit_state::{Event, State, next};
use domain::issue::{Issue, ProviderMessage};
use domain::lang::Lang;
use domain::mall::Mall;
use domain::order::Order;
use domain::{automation, clock, identifier};
use encoding_rs::Encoding;
use std::collections::HashMap;
use store::{Change, ListQuery, Store, StoreError};

const NUMBER: &str = "注文番号";
const RESULT: &str = "与信結果";
const REASON: &str = "与信理由";
/// The columns of a file of results; one that is read needs the first two. The first names the order.
const COLUMNS: [&str; 6] = [NUMBER, "注文日時", "注文者氏名", "請求額", RESULT, REASON];

/// What a result is called, how it may be written besides, and what it means.
const RESULTS: [(&str, &[&str], Event); 5] = [
    ("OK", &["与信OK", "可"], Event::CsvApproved),
    ("NG", &["与信NG", "否"], Event::CsvRejected),
    ("審査中", &["与信中"], Event::CsvUnderReview),
    ("保留", &["与信保留"], Event::CsvOnHold),
    ("キャンセル済", &["与信キャンセル済", "取消済"], Event::CsvCancelled),
];

/// Orders whose results are written in one transaction, or read for a file: long enough to be fast, short enough
/// not to keep others waiting.
const WRITTEN_AT_ONCE: usize = 500;

/// A file of results was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The mall's results come through the API; its settings say so.
    #[error("the results of the mall {0} do not come by CSV; its settings say so")]
    NotByCsv(String),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a file of results did, or would do: the state that each order has now, or would have.
pub type ResultsTaken = FileReport<State>;

/// Takes a file of results of `mall`'s orders in, or says what that would do.
pub async fn take_in(
    store: &Store,
    mall: &Mall,
    bytes: &[u8],
    encoding: Option<&'static Encoding>,
    who: &str,
    dry_run: bool,
) -> Result<ResultsTaken, ResultsError> {
    if !mall.by_csv {
        return Err(ResultsError::NotByCsv(mall.id.clone()));
    }
    let column = |name: &&str| Column { name: (*name).to_owned(), required: [NUMBER, RESULT].contains(name) };
    let columns: Vec<Column> = COLUMNS.iter().map(column).collect();
    let mut content = computing(|| table::read(bytes, encoding, &columns))?;
    content.unify(&[0]);
    let lines = content.lines;
    let numbers = lines.iter().map(|line| cell(line, NUMBER));
    let orders = store.orders_numbered(&mall.id, numbers).await?;
    let orders = orders.into_iter().map(|order| (order.number.clone(), order)).collect();
    let mut entries = Vec::with_capacity(lines.len());
    for judged in judged(&lines, &orders).chunks(WRITTEN_AT_ONCE) {
        let mut written = if dry_run { Vec::new() } else { write(store, mall, judged, who).await? }.into_iter();
        entries.extend(judged.iter().cloned().map(|entry| match entry.open() {
            Ok((entry, _)) if !dry_run && written.next() != Some(true) => {
                entry.with(RowResult::Refused(vec![RowError::Changed]))
            }
            Ok((entry, judged)) => entry.with(RowResult::Taken(judged.state)),
            Err(settled) => settled,
        }));
    }
    Ok(FileReport::of(entries))
}

/// What a row says of where an order stands.
#[derive(Clone)]
struct Judged<'a> {
    order: &'a Order,
    event: Event,
    state: State,
    reason: &'a str,
}

fn judged<'a>(lines: &'a [Line], orders: &'a HashMap<String, Order>) -> Vec<Entry<Judged<'a>>> {
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let entry = |line: &'a Line| {
        let number = cell(line, NUMBER);
        Entry {
            line: line.at,
            rows: line.rows(),
            number: number.to_owned(),
            result: judge(line, number, orders, &mut seen),
        }
    };
    lines.iter().map(entry).collect()
}

fn judge<'a>(
    line: &'a Line,
    number: &'a str,
    orders: &'a HashMap<String, Order>,
    seen: &mut HashMap<&'a str, u64>,
) -> RowResult<Judged<'a>> {
    let result = cell(line, RESULT);
    if line.is_blank {
        return RowResult::Skipped(SkipReason::Blank);
    }
    if !line.errors.is_empty() {
        return RowResult::Refused(line.errors.clone());
    }
    // A file that was exported has orders without a result yet.
    if result.is_empty() {
        return RowResult::Skipped(SkipReason::NoResult);
    }
    if identifier::is_mangled(number) {
        return RowResult::Refused(vec![RowError::Mangled(NUMBER.to_owned(), number.to_owned())]);
    }
    if let Some(before) = seen.insert(number, line.at) {
        return RowResult::Refused(vec![RowError::TwiceInFile(before)]);
    }
    match find(number, result, orders) {
        Ok((order, event, state)) => RowResult::Taken(Judged { order, event, state, reason: cell(line, REASON) }),
        Err(error) => RowResult::Refused(vec![error]),
    }
}

fn find<'a>(
    number: &str,
    result: &str,
    orders: &'a HashMap<String, Order>,
) -> Result<(&'a Order, Event, State), RowError> {
    let order = orders.get(number).ok_or(RowError::NoOrder)?;
    let named = RESULTS.iter().find(|(name, others, _)| *name == result || others.contains(&result));
    let (.., event) = named.ok_or_else(|| RowError::Result(result.to_owned()))?;
    let state = next(order.state, *event).ok_or(RowError::JudgedByApi(order.state))?;
    Ok((order, *event, state))
}

fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    COLUMNS.iter().position(|column| *column == name).map_or("", |at| line.cell(at))
}

/// Writes what is to be taken; for each whether it was.
async fn write(store: &Store, mall: &Mall, results: &[Entry<Judged<'_>>], who: &str) -> Result<Vec<bool>, StoreError> {
    let results = results.iter().filter_map(|entry| match &entry.result {
        RowResult::Taken(judged) => Some(judged),
        _ => None,
    });
    let changes = results.map(|result| {
        let is_bad = matches!(result.state, State::CsvRejected | State::CsvOnHold);
        let said = || ProviderMessage { code: None, message: result.reason.to_owned() };
        Change {
            problem: is_bad.then(|| Issue::ByCsv { said: said() }),
            note: Some(format!("CSV {}", result.reason).trim_end().to_owned()),
            order_status: automation::order_status(mall, result.order.state, result.state),
            ..Change::new(result.order, result.event)
        }
    });
    let applied = store.apply(&changes.collect::<Vec<_>>(), who, store.now()).await?;
    Ok(applied.iter().map(Option::is_some).collect())
}

/// A file of results, and the orders that were left out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultsFile {
    /// The file.
    pub bytes: Vec<u8>,
    /// Orders that were judged through the API: the number, the state.
    pub left_out: Vec<(String, State)>,
}

/// Writes the results that came by CSV, of the orders that `query` lets through, and an empty result for those
/// that have none yet: filled in, the file can be imported.
pub async fn write_out(store: &Store, query: &ListQuery, charset: Charset) -> Result<ResultsFile, StoreError> {
    let (mut lines, mut left_out) = (Vec::new(), Vec::new());
    for ids in store.matching(query, usize::MAX).await?.chunks(WRITTEN_AT_ONCE) {
        for order in store.orders_of(ids).await? {
            match order.state.takes_csv() {
                true => lines.push(line(&order)),
                false => left_out.push((order.number, order.state)),
            }
        }
    }
    Ok(ResultsFile { bytes: writer::write(COLUMNS, lines, charset), left_out })
}

fn line(order: &Order) -> [String; COLUMNS.len()] {
    let reason =
        order.problem.as_ref().filter(|_| order.state.is_by_csv()).map(|problem| provider_message(problem, Lang::Ja));
    [
        order.number.clone(),
        clock::show(order.data.ordered_at),
        order.data.buyer.name.clone(),
        order.amounts.billed.to_string(),
        result_name(order.state).to_owned(),
        reason.unwrap_or_default(),
    ]
}

fn result_name(state: State) -> &'static str {
    let leads_here = |event: Event| next(state, event) == Some(state);
    RESULTS.iter().find(|(.., event)| leads_here(*event)).map_or("", |(name, ..)| name)
}
