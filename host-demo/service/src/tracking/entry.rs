//! Entering tracking numbers (伝票番号). The one way in, for the page, the API, the command line and files: what passes
//! here is reported to a provider as it is.

use crate::credit::CreditService;
use crate::preflight::carrier_problem;
use crate::providers::capabilities::find_carrier;
use crate::providers::provider::Provider;
use crate::tracking::rules;
use crate::tracking::settle::{Proposal, Verdict, settle};
use domain::clock;
use domain::normalize::ValueError;
use domain::normalize::tracking_number::{NumberDoubt, number_doubt, tracking_number};
use domain::order::{Order, Tracking};
use domain::tracking::TrackingProblem;
use std::collections::HashMap;
use store::StoreError;
use time::{Date, Duration};

/// How far ahead a shipping date may be: parcels are handed over within weeks, and a later date is a misspelt one.
pub const DAYS_AHEAD: i64 = 60;

/// Characters of a number that a message repeats.
const SHOWN: usize = 40;

/// What an operator enters.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// A carrier's id, or its name in Japanese or English.
    pub carrier: &'a str,
    /// 伝票番号
    pub number: &'a str,
    /// 出荷日
    pub shipped_on: Date,
}

/// A tracking number that was entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Entered {
    /// As it is stored.
    pub tracking: Tracking,
    /// Why the number is probably not one of its carrier's. The provider does not look.
    pub doubt: Option<NumberDoubt>,
}

/// A tracking number was not entered.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// It is refused.
    #[error("the tracking number is not entered: {0:?}")]
    Refused(TrackingProblem),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Enters a tracking number for `order`.
pub async fn enter<P: Provider + Clone>(
    service: &CreditService<P>,
    order: &Order,
    entry: Entry<'_>,
) -> Result<Entered, TrackingError> {
    let refused = |problem| Err(TrackingError::Refused(problem));
    if !order.state.tracking_open() {
        return refused(TrackingProblem::Closed(order.state));
    }
    let proposal = Proposal { row: 0, order, judged: judge(service, order, entry), is_day_given: true };
    let (tracking, doubt) = match &proposal.judged {
        Ok(judged) => judged.clone(),
        Err(problem) => return refused(problem.clone()),
    };
    let held = holders(service, [tracking.number.as_str()]).await?;
    if let Some(Verdict::Refused(problem)) = settle(&[proposal], &held).pop() {
        return refused(problem);
    }
    let store = &service.store;
    let written = store.set_tracking(order, &tracking, &service.who, store.now()).await?;
    if written { Ok(Entered { tracking, doubt }) } else { refused(TrackingProblem::Changed) }
}

/// What would be stored of an entry for `order`, as far as nothing is wrong with it by itself.
pub(super) fn judge<P: Provider + Clone>(
    service: &CreditService<P>,
    order: &Order,
    entry: Entry<'_>,
) -> Result<(Tracking, Option<NumberDoubt>), TrackingProblem> {
    let Entry { carrier, number, shipped_on } = entry;
    let number = plain(number)?;
    let missing = || TrackingProblem::ProviderMissing(order.provider.clone());
    let provider = service.providers.get(&order.provider).ok_or_else(missing)?;
    if carrier.is_empty() {
        return Err(TrackingProblem::NoCarrier);
    }
    if let Some(problem) = carrier_problem(&provider, carrier) {
        return Err(TrackingProblem::Carrier(problem));
    }
    let id = find_carrier(provider.info(), carrier).map_or(carrier, |found| &found.id);
    let doubt = number_doubt(id, &number);
    if let Some(doubt) = doubt.filter(|_| rules::of(&order.provider).checks.iter().any(|checked| checked == id)) {
        return Err(TrackingProblem::Doubtful(doubt));
    }
    let (first, last) = shipping_days(order.data.ordered_at.date(), clock::today());
    if !(first..=last).contains(&shipped_on) {
        return Err(TrackingProblem::ShippedOn(first, last));
    }
    Ok((Tracking { carrier: id.to_owned(), number, shipped_on }, doubt))
}

/// The orders of the store that have these numbers.
pub(super) async fn holders<'n, P: Provider + Clone>(
    service: &CreditService<P>,
    numbers: impl IntoIterator<Item = &'n str>,
) -> Result<HashMap<String, Vec<Order>>, StoreError> {
    let mut by_number: HashMap<String, Vec<Order>> = HashMap::new();
    for order in service.store.orders_tracked(numbers).await? {
        if let Some(tracking) = &order.tracking {
            by_number.entry(tracking.number.clone()).or_default().push(order);
        }
    }
    Ok(by_number)
}

/// The one form of a number.
fn plain(typed: &str) -> Result<String, TrackingProblem> {
    tracking_number(typed).map_err(|error| match error {
        ValueError::Mangled => TrackingProblem::Mangled(typed.trim().chars().take(SHOWN).collect()),
        _ => TrackingProblem::Number,
    })
}

/// The first and the last day on which an order can be shipped. Nothing is shipped before it was ordered; an order
/// dated ahead is shipped today at the earliest.
fn shipping_days(ordered_on: Date, today: Date) -> (Date, Date) {
    (ordered_on.min(today), ordered_on.max(today).saturating_add(Duration::days(DAYS_AHEAD)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn an_order_is_shipped_after_it_was_ordered_and_within_weeks() {
        let (ordered, today) = (date!(2026 - 11 - 01), date!(2026 - 11 - 20));
        assert_eq!(shipping_days(ordered, today), (ordered, date!(2027 - 01 - 19)));
        assert_eq!(shipping_days(today, ordered), (ordered, date!(2027 - 01 - 19)), "an order that is dated ahead");
    }
}
