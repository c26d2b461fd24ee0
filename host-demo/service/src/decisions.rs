//! What operators found at providers about unknown outcomes, for many orders from one file: each row is validated like a
//! decision about a single order, and answered for by itself.

use crate::computing::computing;
use crate::credit::{CreditError, CreditRow, CreditService};
use crate::csv::encoding::Charset;
use crate::csv::error::{FileError, RowError};
use crate::csv::findings::read_finding;
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::table::{self, Column, Line};
use crate::csv::writer;
use crate::messages::localize::Localize;
use crate::providers::is_control;
use crate::providers::provider::Provider;
use domain::credit_state::{Outcome, State, next};
use domain::finding::{FindingKind, OperatorFinding};
use domain::identifier;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::order::Order;
use encoding_rs::Encoding;
use std::collections::HashMap;
use store::{ListQuery, Store, StoreError};

const NUMBER: &str = "注文番号";
const REFERENCE: &str = "登録番号";
/// How often the order's outcome became unknown: what was found out the last time says nothing about this time.
const DOUBTS: &str = "不明回数";
const FINDING: &str = "結果";
const TRANSACTION: &str = "取引ID";
const NOTE: &str = "メモ";
/// The columns of such a file; those that are read have names here, the others help to fill it in.
const COLUMNS: [&str; 9] = [NUMBER, REFERENCE, DOUBTS, "注文者氏名", "請求額", "与信", FINDING, TRANSACTION, NOTE];

/// Longest note about a finding, in characters.
pub const MAX_NOTE: usize = 1_000;
/// Longest transaction id that is recorded, in characters: the host keeps none that is longer.
pub const MAX_ID: usize = 64;

/// Orders read at once for a file.
const READ_AT_ONCE: usize = 500;

/// The transaction id, if one is given, and the note of a decision, as they are recorded: the one rule for files, the
/// page, the API and the command line. An id must be one that the host would keep of an answer.
pub fn entered(transaction_id: &str, note: &str) -> Result<(Option<String>, String), RowError> {
    if identifier::is_mangled(transaction_id) {
        let shown = transaction_id.chars().take(MAX_ID).filter(|c| !is_control(*c)).collect();
        return Err(RowError::Mangled(TRANSACTION.to_owned(), shown));
    }
    let id = identifier::unified(transaction_id);
    // A browser sends line breaks as two characters and counts them as one.
    let note = note.trim().replace("\r\n", "\n").replace('\t', " ");
    for (name, text, max) in [(TRANSACTION, &id, MAX_ID), (NOTE, &note, MAX_NOTE)] {
        if text.chars().count() > max {
            return Err(RowError::Longer(name.to_owned(), max));
        }
        let is_unseen = |c: char| is_control(c) && !(name == NOTE && matches!(c, '\r' | '\n'));
        if text.contains(is_unseen) {
            return Err(RowError::Unseen(name.to_owned()));
        }
    }
    if note.is_empty() {
        return Err(RowError::Empty(NOTE.to_owned()));
    }
    Ok((Some(id).filter(|id| !id.is_empty()), note))
}

/// What an operator enters about one order.
#[derive(Debug, Clone, Copy)]
pub struct EnteredDecision<'a> {
    /// The finding, by its name in the API.
    pub finding: &'a str,
    /// The provider's id; empty where the order has it already.
    pub transaction_id: &'a str,
    /// How it was found out.
    pub note: &'a str,
}

/// A decision was not recorded, as what was entered does not make one.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The transaction id or the note cannot be recorded.
    #[error("the transaction id or the note cannot be recorded")]
    Entry(RowError),
    /// There is no finding of this name.
    #[error("there is no finding {0}")]
    UnknownFinding(String),
    /// The finding needs a transaction id, and neither the operator nor the order has one.
    #[error("this finding needs a transaction id")]
    IdMissing,
    /// Recording it failed.
    #[error(transparent)]
    Credit(#[from] CreditError),
}

/// Records what an operator found at the provider about `order`. The row says whether the order's state allowed it.
pub async fn record<P: Provider + Clone>(
    service: &CreditService<P>,
    order: &Order,
    entry: EnteredDecision<'_>,
) -> Result<CreditRow, DecisionError> {
    let (id, note) = entered(entry.transaction_id, entry.note).map_err(DecisionError::Entry)?;
    let unknown = |_| DecisionError::UnknownFinding(entry.finding.to_owned());
    let kind: FindingKind = entry.finding.parse().map_err(unknown)?;
    // An id that the order has need not be entered.
    let id = id.or(order.transaction_id().map(str::to_owned));
    let found = OperatorFinding::of(kind, id).ok_or(DecisionError::IdMissing)?;
    Ok(service.decide(order, found, &note).await?)
}

/// A file of decisions was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum DecisionsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Recording a finding failed; those of the rows before are recorded.
    #[error(transparent)]
    Credit(#[from] CreditError),
}

impl From<StoreError> for DecisionsError {
    fn from(error: StoreError) -> Self {
        Self::Credit(error.into())
    }
}

/// What came of a file of decisions: the state that each order has now, or would have.
pub type Decided = FileReport<State>;

/// Records what a file says about orders of `mall` whose outcome is unknown, or says what that would do.
pub async fn take_in<P: Provider + Clone>(
    service: &CreditService<P>,
    mall: &Mall,
    bytes: &[u8],
    encoding: Option<&'static Encoding>,
    dry_run: bool,
) -> Result<Decided, DecisionsError> {
    let lines = read(bytes, encoding)?;
    let known = NamedOrders::of(&service.store, mall, &lines).await?;
    let (mut seen, mut promised) = (HashMap::new(), HashMap::new());
    let mut entries = Vec::with_capacity(lines.len());
    for line in &lines {
        let entry = Entry {
            line: line.at,
            rows: line.rows(),
            number: known.number(line).to_owned(),
            result: judge(line, &known, &mut seen),
        };
        entries.push(match entry.open() {
            Ok((entry, decision)) => match dry_run {
                true => entry.with(decision.try_out(service, &mut promised).await?),
                false => entry.with(decision.carry_out(service).await?),
            },
            Err(settled) => settled,
        });
    }
    Ok(FileReport::of(entries))
}

fn read(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<Vec<Line>, FileError> {
    let column = |name: &&str| Column { name: (*name).to_owned(), required: [FINDING, NOTE].contains(name) };
    let columns: Vec<Column> = COLUMNS.iter().map(column).collect();
    let mut content = computing(|| table::read(bytes, encoding, &columns))?;
    let places = |names: &[&str]| -> Vec<usize> {
        names.iter().filter_map(|name| COLUMNS.iter().position(|column| column == name)).collect()
    };
    content.unify(&places(&[NUMBER, REFERENCE, DOUBTS, TRANSACTION]));
    // One of two columns is enough.
    match places(&[NUMBER, REFERENCE]).into_iter().all(|at| content.has.get(at) != Some(&true)) {
        true => Err(FileError::MissingHeadings(vec![NUMBER.to_owned(), REFERENCE.to_owned()])),
        false => Ok(content.lines),
    }
}

fn cell<'a>(line: &'a Line, name: &str) -> &'a str {
    COLUMNS.iter().position(|column| *column == name).map_or("", |at| line.cell(at))
}

/// The orders that a file names.
struct NamedOrders {
    orders: Vec<Order>,
    by_number: HashMap<String, usize>,
    by_reference: HashMap<String, usize>,
    doubts: HashMap<i64, i64>,
}

impl NamedOrders {
    async fn of(store: &Store, mall: &Mall, lines: &[Line]) -> Result<Self, StoreError> {
        let cells = |name| lines.iter().map(move |line| cell(line, name)).filter(|cell| !cell.is_empty());
        let mut orders = store.orders_numbered(&mall.id, cells(NUMBER)).await?;
        orders.extend(store.orders_registered(&mall.id, cells(REFERENCE)).await?);
        let numbers = orders.iter().enumerate().map(|(at, order)| (order.number.clone(), at)).collect();
        let references = orders.iter().enumerate().map(|(at, order)| (order.reference().to_owned(), at)).collect();
        // After the orders: if one is in doubt anew since, it has another version as well, and nothing is recorded.
        let doubts = store.doubts(&orders.iter().map(|order| order.id).collect::<Vec<_>>()).await?;
        Ok(Self { by_number: numbers, by_reference: references, doubts, orders })
    }

    /// The order that the row names by either or both.
    fn order(&self, line: &Line) -> Result<&Order, RowError> {
        let (number, reference) = (cell(line, NUMBER), cell(line, REFERENCE));
        let found = match (number.is_empty(), reference.is_empty()) {
            (true, true) => return Err(RowError::WhichOrder),
            (false, _) => self.by_number.get(number),
            (true, false) => self.by_reference.get(reference),
        };
        let order = found.and_then(|at| self.orders.get(*at)).ok_or(RowError::NoOrder)?;
        if !reference.is_empty() && order.reference() != reference {
            return Err(RowError::OtherReference);
        }
        // The first time there is nothing to confuse.
        let (doubts, told) = (self.doubts.get(&order.id).copied().unwrap_or_default(), cell(line, DOUBTS));
        if told.parse() != Ok(doubts) && !(told.is_empty() && doubts <= 1) {
            return Err(RowError::OtherDoubt(doubts));
        }
        Ok(order)
    }

    fn number<'a>(&'a self, line: &'a Line) -> &'a str {
        let at = || self.by_reference.get(cell(line, REFERENCE));
        let by_reference = || at().and_then(|at| self.orders.get(*at)).map(|order| order.number.as_str());
        Some(cell(line, NUMBER)).filter(|number| !number.is_empty()).or_else(by_reference).unwrap_or_default()
    }
}

/// A decision about one order.
struct Decision<'a> {
    order: &'a Order,
    found: OperatorFinding,
    note: String,
}

fn judge<'a>(line: &'a Line, known: &'a NamedOrders, seen: &mut HashMap<i64, u64>) -> RowResult<Decision<'a>> {
    if line.is_blank {
        return RowResult::Skipped(SkipReason::Blank);
    }
    if !line.errors.is_empty() {
        return RowResult::Refused(line.errors.clone());
    }
    // A file that was exported has orders without a finding yet.
    if cell(line, FINDING).is_empty() {
        return RowResult::Skipped(SkipReason::NoResult);
    }
    match decision(line, known, seen) {
        Ok(decision) => RowResult::Taken(decision),
        Err(error) => RowResult::Refused(vec![error]),
    }
}

fn decision<'a>(
    line: &'a Line,
    known: &'a NamedOrders,
    seen: &mut HashMap<i64, u64>,
) -> Result<Decision<'a>, RowError> {
    let identifiers = [NUMBER, REFERENCE, TRANSACTION];
    if let Some(name) = identifiers.into_iter().find(|name| identifier::is_mangled(cell(line, name))) {
        return Err(RowError::Mangled(name.to_owned(), cell(line, name).to_owned()));
    }
    let order = known.order(line)?;
    if let Some(before) = seen.insert(order.id, line.at) {
        return Err(RowError::TwiceInFile(before));
    }
    let (id, note) = entered(cell(line, TRANSACTION), cell(line, NOTE))?;
    let kind = read_finding(cell(line, FINDING)).ok_or_else(|| RowError::Finding(cell(line, FINDING).to_owned()))?;
    // An id that is known need not be copied into the file.
    let id = id.or(order.transaction_id().map(str::to_owned));
    let found = OperatorFinding::of(kind, id).ok_or(RowError::NotRecorded(Issue::IdMissing))?;
    Ok(Decision { order, found, note })
}

impl Decision<'_> {
    /// Records it.
    async fn carry_out<P: Provider + Clone>(self, service: &CreditService<P>) -> Result<RowResult<State>, CreditError> {
        let row = service.decide(self.order, self.found, &self.note).await?;
        Ok(match (row.outcome, row.problem) {
            (Outcome::Success, _) => RowResult::Taken(row.state),
            (_, Some(problem)) => not_recorded(problem),
            (_, None) => RowResult::Refused(vec![RowError::Changed]),
        })
    }

    /// Says whether it could be recorded after those before it in the file, whose ids are `promised` to their orders'
    /// registrations.
    async fn try_out<P: Provider + Clone>(
        self,
        service: &CreditService<P>,
        promised: &mut Promised,
    ) -> Result<RowResult<State>, CreditError> {
        if let Some(problem) = service.no_decision(self.order, &self.found).await? {
            return Ok(not_recorded(problem));
        }
        let account = self.order.registration.as_ref().map(|registration| registration.account);
        if let (Some(id), Some(account)) = (self.found.transaction_id(), account) {
            let holder = promised.entry((account, id.to_owned())).or_insert_with(|| self.order.reference().to_owned());
            if holder != self.order.reference() {
                let taken = Issue::IdTaken { transaction_id: id.to_owned(), reference: holder.clone() };
                return Ok(not_recorded(taken));
            }
        }
        Ok(RowResult::Taken(next(self.order.state, self.found.event()).unwrap_or(self.order.state)))
    }
}

/// The references that would have a transaction id of an account by then.
type Promised = HashMap<(i64, String), String>;

fn not_recorded(problem: Issue) -> RowResult<State> {
    RowResult::Refused(vec![RowError::NotRecorded(problem)])
}

/// Writes those of the orders that `query` lets through whose outcome is unknown, without a finding: filled in, the
/// file can be taken in.
pub async fn write_out(store: &Store, query: &ListQuery, charset: Charset) -> Result<Vec<u8>, StoreError> {
    let mut lines = Vec::new();
    for ids in store.matching(query, usize::MAX).await?.chunks(READ_AT_ONCE) {
        // Before the orders: if one is in doubt anew since, its line is refused.
        let doubts = store.doubts(ids).await?;
        let orders = store.orders_of(ids).await?.into_iter().filter(|order| order.state.is_unknown());
        lines.extend(orders.map(|order| line(&order, &doubts)));
    }
    Ok(writer::write(COLUMNS, lines, charset))
}

fn line(order: &Order, doubts: &HashMap<i64, i64>) -> [String; COLUMNS.len()] {
    [
        order.number.clone(),
        order.reference().to_owned(),
        doubts.get(&order.id).copied().unwrap_or_default().to_string(),
        order.data.buyer.name.clone(),
        order.amounts.billed.to_string(),
        order.state.localized(Lang::Ja).to_owned(),
        String::new(),
        order.transaction_id().unwrap_or_default().to_owned(),
        String::new(),
    ]
}
