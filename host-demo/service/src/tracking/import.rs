//! Tracking numbers from a file or a table: one number is chosen for each order, and every row is accounted for.

use crate::credit::CreditService;
use crate::csv::mapping::date;
use crate::csv::mapping::error::shown;
use crate::csv::row_result::{Entry as FileEntry, FileReport, RowResult, SkipReason};
use crate::csv::tracking_file::TrackingRow;
use crate::csv::tracking_format::TrackingFormat;
use crate::providers::provider::Provider;
use crate::tracking::entry::{Entry, holders, judge};
use crate::tracking::matching::{Matched, MatchedFile, TrackingImport, TrackingImportError, matched, refused};
use crate::tracking::settle::{Proposal, Verdict, settle};
use domain::clock;
use domain::credit_state::Action;
use domain::normalize::tracking_number::NumberDoubt;
use domain::order::{Order, Tracking};
use domain::tracking::TrackingProblem;
use encoding_rs::Encoding;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{StoreError, TrackingEntry};

/// A tracking number that an order has now, or would have.
#[derive(Debug, Clone, PartialEq)]
pub struct EnteredNumber {
    /// The store's number of the order.
    pub id: i64,
    /// 注文番号
    pub number: String,
    /// The provider that its carrier is one of.
    pub provider: String,
    /// What it has now.
    pub tracking: Tracking,
    /// What it had before.
    pub before: Option<Tracking>,
    /// Why the number is probably not one of its carrier's. The provider does not look.
    pub doubt: Option<NumberDoubt>,
    /// The numbers of its other parcels, which are not reported.
    pub others: Vec<String>,
    /// 伝票番号同期 may be done with it.
    pub can_sync: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackingReport {
    /// The format as which the file was read; none with a mapping.
    pub format: Option<&'static TrackingFormat>,
    /// The malls by whose setting it was read; none if it was read otherwise.
    pub by_setting_of: Vec<String>,
    /// Malls whose settings read it as well, and were not used: orders of other malls are in it, or nobody knows whose.
    pub unused_settings_of: Vec<String>,
    /// What the file is written in.
    pub encoding: &'static Encoding,
    /// Every row of it, with the orders whose numbers it had.
    pub report: FileReport<Vec<EnteredNumber>>,
}

impl TrackingReport {
    /// Everything that was entered, or would be, in the order of the file.
    pub fn entered(&self) -> impl Iterator<Item = &EnteredNumber> {
        self.report.taken().flat_map(|(.., entered)| entered)
    }

    /// The orders with which 伝票番号同期 may be done now, in the order of the file.
    pub fn syncable(&self) -> Vec<i64> {
        self.entered().filter(|entered| entered.can_sync).map(|entered| entered.id).collect()
    }

    /// How many numbers are probably wrong.
    pub fn doubtful(&self) -> usize {
        self.entered().filter(|entered| entered.doubt.is_some()).count()
    }
}

/// Takes a file of tracking numbers in, or says what that would do: the one way in, for the page, the API and the
/// command line.
pub async fn import<P: Provider + Clone>(
    service: &CreditService<P>,
    file: &TrackingImport,
    dry_run: bool,
) -> Result<TrackingReport, TrackingImportError> {
    let MatchedFile { format, by_setting_of, unused_settings_of, encoding, rows } = matched(service, file).await?;
    let report = carried_out(service, file, rows, dry_run).await?;
    Ok(TrackingReport { format, by_setting_of, unused_settings_of, encoding, report })
}

/// Enters what rows say of their orders, or says what that would do.
async fn carried_out<P: Provider + Clone>(
    service: &CreditService<P>,
    file: &TrackingImport,
    matched: Vec<FileEntry<Matched>>,
    dry_run: bool,
) -> Result<FileReport<Vec<EnteredNumber>>, StoreError> {
    let proposals: Vec<Proposal<'_>> = matched
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| match &entry.result {
            RowResult::Taken((row, orders)) => {
                orders.iter().map(|order| propose(service, file, at, row, order)).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    let numbers: BTreeSet<&str> =
        proposals.iter().filter_map(|proposal| Some(proposal.judged.as_ref().ok()?.0.number.as_str())).collect();
    let held = holders(service, numbers).await?;
    let verdicts = settle(&proposals, &held);
    let written = if dry_run { HashMap::new() } else { write(service, &proposals, &verdicts).await? };
    let mut of_rows: BTreeMap<usize, Vec<(&Proposal<'_>, Verdict)>> = BTreeMap::new();
    for (proposal, verdict) in proposals.iter().zip(verdicts) {
        let is_stale = matches!(verdict, Verdict::Enter(_)) && written.get(&proposal.order.id) == Some(&false);
        let verdict = if is_stale { Verdict::Refused(TrackingProblem::Changed) } else { verdict };
        of_rows.entry(proposal.row).or_default().push((proposal, verdict));
    }
    let results: HashMap<usize, RowResult<Vec<EnteredNumber>>> =
        of_rows.into_iter().map(|(row, verdicts)| (row, row_result(verdicts))).collect();
    let settled = matched.into_iter().enumerate().map(|(at, entry)| match entry.open() {
        // Every row with orders has a result.
        Ok((entry, _)) => entry.with(results.get(&at).cloned().unwrap_or(RowResult::Skipped(SkipReason::Unchanged))),
        Err(settled) => settled,
    });
    Ok(FileReport::of(settled.collect()))
}

/// What a row says of one of its orders.
fn propose<'a, P: Provider + Clone>(
    service: &CreditService<P>,
    file: &TrackingImport,
    at: usize,
    row: &TrackingRow,
    order: &'a Order,
) -> Proposal<'a> {
    let day = match (file.shipped_on, row.shipped_on.as_str()) {
        (Some(day), _) => Ok(Some(day)),
        (None, "") => Ok(None),
        (None, text) => {
            date::in_japan(text).map(|moment| Some(moment.date())).ok_or_else(|| TrackingProblem::NotADate(shown(text)))
        }
    };
    let carrier = file.carrier.as_deref().unwrap_or(&row.carrier);
    let is_day_given = matches!(day, Ok(Some(_)));
    let judged = day.and_then(|day| {
        let shipped_on = day.unwrap_or_else(clock::today);
        judge(service, order, Entry { carrier, number: &row.tracking, shipped_on })
    });
    Proposal { row: at, order, judged, is_day_given }
}

/// Writes what is to be entered; for each order whether it was still as it was read.
async fn write<P: Provider + Clone>(
    service: &CreditService<P>,
    proposals: &[Proposal<'_>],
    verdicts: &[Verdict],
) -> Result<HashMap<i64, bool>, StoreError> {
    let entries = proposals.iter().zip(verdicts).filter_map(|(proposal, verdict)| match (verdict, &proposal.judged) {
        (Verdict::Enter(others), Ok((tracking, _))) => Some(TrackingEntry { order: proposal.order, tracking, others }),
        _ => None,
    });
    let entries: Vec<_> = entries.collect();
    let written = service.store.set_trackings(&entries, &service.who, service.store.now()).await?;
    Ok(entries.iter().map(|entry| entry.order.id).zip(written).collect())
}

/// What becomes of a row, by what becomes of its orders.
fn row_result(verdicts: Vec<(&Proposal<'_>, Verdict)>) -> RowResult<Vec<EnteredNumber>> {
    let has_several = verdicts.len() > 1;
    let mut problems = Vec::new();
    let mut entered = Vec::new();
    let mut is_unchanged = false;
    for (proposal, verdict) in verdicts {
        match (verdict, &proposal.judged) {
            (Verdict::Refused(problem), _) => {
                problems.push((has_several.then(|| proposal.order.number.clone()), problem));
            }
            (Verdict::Enter(others), Ok((tracking, doubt))) => {
                entered.push(entered_number(proposal.order, tracking.clone(), *doubt, others));
            }
            (Verdict::Unchanged, _) => is_unchanged = true,
            _ => {}
        }
    }
    match () {
        () if !problems.is_empty() => refused(problems),
        () if !entered.is_empty() => RowResult::Taken(entered),
        () if is_unchanged => RowResult::Skipped(SkipReason::Unchanged),
        () => RowResult::Skipped(SkipReason::OtherParcel),
    }
}

fn entered_number(order: &Order, tracking: Tracking, doubt: Option<NumberDoubt>, others: Vec<String>) -> EnteredNumber {
    let before = order.tracking.clone();
    let with_number = Order { tracking: Some(tracking.clone()), ..order.clone() };
    EnteredNumber {
        id: order.id,
        number: order.number.clone(),
        provider: order.provider.clone(),
        tracking,
        before,
        doubt,
        others,
        can_sync: with_number.offers(Action::Sync),
    }
}

/// A row of a table in which numbers are typed.
#[derive(Debug, Clone)]
pub struct TypedRow {
    /// The order, with the version that the table showed.
    pub order: Order,
    /// 伝票番号
    pub tracking: String,
    /// The carrier's id or name.
    pub carrier: String,
    /// 出荷日; empty: today.
    pub shipped_on: String,
}

/// Enters what was typed in a table; each row is one of its rows, counted from 1.
pub async fn enter_typed<P: Provider + Clone>(
    service: &CreditService<P>,
    typed: Vec<TypedRow>,
) -> Result<FileReport<Vec<EnteredNumber>>, StoreError> {
    let entry = |(line, typed): (u64, TypedRow)| {
        let TypedRow { order, tracking, carrier, shipped_on } = typed;
        let number = order.number.clone();
        let result = match tracking.trim().is_empty() {
            true => RowResult::Skipped(SkipReason::NoTracking),
            false => {
                let row = TrackingRow { tracking, carrier, shipped_on, ..TrackingRow::default() };
                RowResult::Taken((row, vec![order]))
            }
        };
        FileEntry { line, rows: 1, number, result }
    };
    let matched = (1..).zip(typed).map(entry).collect();
    carried_out(service, &TrackingImport::default(), matched, false).await
}
