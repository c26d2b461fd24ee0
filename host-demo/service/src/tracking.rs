//! Entering a tracking number (伝票番号). The one way in, for the page, the API and the command line: what passes here is
//! reported to a provider as it is.

use crate::credit::CreditService;
use crate::preflight::carrier_problem;
use crate::providers::capabilities::find_carrier;
use crate::providers::provider::Provider;
use domain::clock;
use domain::credit_state::State;
use domain::identifier::{is_mangled, unified};
use domain::issue::Issue;
use domain::normalize::tracking_number::MAX_TRACKING;
use domain::order::{Order, Tracking};
use store::StoreError;
use time::{Date, Duration};

/// How far ahead a shipping date may be: parcels are handed over within weeks, and a later date is a misspelt one.
pub const DAYS_AHEAD: i64 = 60;

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

/// A tracking number was not entered.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// The plugin of the order's provider is not loaded, so that its carriers are not known.
    #[error("the plugin of the provider {0} is not loaded")]
    ProviderMissing(String),
    /// The provider does not report this carrier.
    #[error("the provider does not report this carrier")]
    Carrier(Issue),
    /// Not a tracking number: letters, digits and hyphens, at most [`MAX_TRACKING`], a digit among them.
    #[error("not a tracking number")]
    Number,
    /// A spreadsheet made a number of it.
    #[error("a spreadsheet made a number of it: {0}")]
    Mangled(String),
    /// Before the order, or more than [`DAYS_AHEAD`] ahead: the first and the last day that can be.
    #[error("the shipping date must be from {0} to {1}")]
    ShippedOn(Date, Date),
    /// The order's state does not let it change.
    #[error("the tracking number cannot change in the state {0}")]
    Closed(State),
    /// Another operator or process changed the order meanwhile.
    #[error("the order was changed meanwhile")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Enters a tracking number for `order`; returns it as it is stored.
pub async fn enter<P: Provider + Clone>(
    service: &CreditService<P>,
    order: &Order,
    entry: Entry<'_>,
) -> Result<Tracking, TrackingError> {
    let Entry { carrier, number, shipped_on } = entry;
    let missing = || TrackingError::ProviderMissing(order.provider.clone());
    let provider = service.providers.get(&order.provider).ok_or_else(missing)?;
    if let Some(problem) = carrier_problem(&provider, carrier) {
        return Err(TrackingError::Carrier(problem));
    }
    let number = plain(number)?;
    let (first, last) = shipping_days(order.data.ordered_at.date(), clock::today());
    if !(first..=last).contains(&shipped_on) {
        return Err(TrackingError::ShippedOn(first, last));
    }
    if !order.state.tracking_open() {
        return Err(TrackingError::Closed(order.state));
    }
    let id = find_carrier(provider.info(), carrier).map_or(carrier, |found| &found.id);
    let tracking = Tracking { carrier: id.to_owned(), number, shipped_on };
    let store = &service.store;
    let written = store.set_tracking(order, &tracking, &service.who, store.now()).await?;
    if written { Ok(tracking) } else { Err(TrackingError::Changed) }
}

/// A tracking number as carriers print it: wide letters and digits narrow, without blanks.
fn plain(typed: &str) -> Result<String, TrackingError> {
    let printed = |c: char| match c {
        'ー' | '‐' | '‑' | '–' | '—' | '―' | 'ｰ' => '-',
        other => other,
    };
    if is_mangled(typed) {
        return Err(TrackingError::Mangled(typed.trim().chars().take(SHOWN).collect()));
    }
    let unified = unified(typed);
    let trimmed = unified.chars().filter(|c| !matches!(c, ' ' | '\u{3000}'));
    let number: String = trimmed.map(printed).collect();
    let fits = number.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let has_digit = number.chars().any(|c| c.is_ascii_digit());
    let is_number = fits && has_digit && number.len() <= MAX_TRACKING;
    if is_number { Ok(number) } else { Err(TrackingError::Number) }
}

/// Characters of a number that a message repeats.
const SHOWN: usize = 40;

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
    fn a_tracking_number_is_letters_digits_and_hyphens() {
        for (typed, number) in [
            ("1234-5678-9012", "1234-5678-9012"),
            (" １２３４－５６７８ー９０１２　", "1234-5678-9012"),
            ("1234 5678 9012", "123456789012"),
            ("EJ123456789JP", "EJ123456789JP"),
            ("'123456789012", "123456789012"),
            ("=\"123456789012\"", "123456789012"),
            ("1234\u{200b}56789012", "123456789012"),
        ] {
            assert_eq!(plain(typed).unwrap(), number);
        }
        let long = "1".repeat(MAX_TRACKING + 1);
        for typed in
            ["", " ", "未定", "ABC", "1234,5678", "1234\n5678", "12\t34", "1\u{1b}[2J", "<b>1</b>", "1/2", "あ1", &long]
        {
            assert!(matches!(plain(typed), Err(TrackingError::Number)), "{typed:?}");
        }
        for typed in ["3.0E+11", "####", "300001234567.0", "300001234567.", "123,456,789,012", "3.0 E+11", "3.0×10^11"]
        {
            assert!(matches!(plain(typed), Err(TrackingError::Mangled(_))), "{typed}");
        }
    }

    #[test]
    fn an_order_is_shipped_after_it_was_ordered_and_within_weeks() {
        let (ordered, today) = (date!(2026 - 11 - 01), date!(2026 - 11 - 20));
        assert_eq!(shipping_days(ordered, today), (ordered, date!(2027 - 01 - 19)));
        assert_eq!(shipping_days(today, ordered), (ordered, date!(2027 - 01 - 19)), "an order that is dated ahead");
    }
}
