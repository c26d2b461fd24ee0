//! Entering a tracking number (伝票番号): what is refused, and the words for it.

use crate::clock;
use crate::desk::carrier_problem;
use crate::order::{Order, Tracking};
use crate::provider::{Provider, find_carrier};
use crate::state::State;
use crate::store::{Store, StoreError};
use crate::words::{Lang, Problem};
use time::Date;

/// Longest tracking number, in characters: what providers take at most.
pub const MAX_TRACKING: usize = 255;

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

/// Why a tracking number was not entered.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// The provider does not report this carrier.
    Carrier(Problem),
    /// Empty, longer than [`MAX_TRACKING`], or with characters that cannot be seen.
    Number,
    /// The order's state does not let it change.
    Closed(State),
    /// Somebody else changed the order meanwhile.
    Changed,
}

impl Refused {
    /// What is wrong, and what to do.
    pub fn words(&self, lang: Lang) -> String {
        match self {
            Refused::Carrier(problem) => problem.words(lang),
            Refused::Number => lang.pick(
                format!("伝票番号は1文字以上{MAX_TRACKING}文字以内です"),
                format!("a tracking number has 1 to {MAX_TRACKING} characters"),
            ),
            Refused::Closed(state) => {
                let state = state.label(lang);
                lang.pick(
                    format!("{state}の注文の伝票番号は変えられません"),
                    format!("the tracking number cannot change in the state {state}"),
                )
            }
            Refused::Changed => Problem::Changed.words(lang),
        }
    }
}

/// Enters a tracking number for `order`, whose provider is `provider`; what is in the store then.
pub async fn enter(
    store: &Store,
    provider: &impl Provider,
    order: &Order,
    entry: Entry<'_>,
    who: &str,
) -> Result<Result<Tracking, Refused>, StoreError> {
    let Entry { carrier, number, shipped_on } = entry;
    let number = number.trim();
    if let Some(problem) = carrier_problem(provider, carrier) {
        return Ok(Err(Refused::Carrier(problem)));
    }
    let length = number.chars().count();
    if !(1..=MAX_TRACKING).contains(&length) || number.chars().any(char::is_control) {
        return Ok(Err(Refused::Number));
    }
    if !order.state.tracking_open() {
        return Ok(Err(Refused::Closed(order.state)));
    }
    let id = find_carrier(provider.info(), carrier).map_or(carrier, |found| &found.id);
    let tracking = Tracking { carrier: id.to_owned(), number: number.to_owned(), shipped_on };
    let written = store.set_tracking(order, &tracking, who, clock::now()).await?;
    Ok(if written { Ok(tracking) } else { Err(Refused::Changed) })
}
