//! What is checked before a provider is called: whether the order's state, its mall and the provider allow the action,
//! and how many orders go into one call.

use crate::providers::capabilities::find_carrier;
use crate::providers::plugin_contract::{Capability, Carrier};
use crate::providers::provider::Provider;
use domain::credit_state::{Action, Event, next};
use domain::invoice::Invoice;
use domain::issue::Issue;
use domain::mall::{MAX_ROWS_PER_REQUEST, MallSummary};
use domain::order::Order;

/// How many orders the provider takes in one call of this kind.
fn batch_limit(action: Action, provider: &impl Provider) -> usize {
    let limits = &provider.info().batch_limits;
    let limit = match action {
        Action::Credit => limits.credit,
        Action::Check | Action::Decide => limits.check_credit,
        Action::Cancel => limits.cancel,
        Action::Sync => limits.sync_tracking,
    };
    limit as usize
}

/// Orders in one call: as many as the provider takes and their mall wants (`wanted`).
pub(crate) fn rows_of_a_call(action: Action, provider: &impl Provider, wanted: u32) -> usize {
    batch_limit(action, provider).min(wanted as usize).clamp(1, MAX_ROWS_PER_REQUEST)
}

pub(crate) fn not_offered(action: Action, order: &Order) -> Issue {
    Issue::NotOffered { state: order.state, action: action.to_string() }
}

/// Whether credit is refused because the mall's results come by CSV, and not because of the order's state.
pub(crate) fn is_by_csv(action: Action, order: &Order, mall: &MallSummary) -> bool {
    let by_csv = mall.by_csv || order.results_by_csv;
    by_csv && action == Action::Credit && next(order.state, Event::CreditStarted).is_some()
}

/// Why `action` cannot be done with `order`; `None` if the provider can be called.
pub(crate) fn obstacle(action: Action, order: &Order, mall: &MallSummary, provider: &impl Provider) -> Option<Issue> {
    if !order.offers(action) {
        return Some(not_offered(action, order));
    }
    if batch_limit(action, provider) == 0 {
        return Some(Issue::unsupported(action));
    }
    let info = provider.info();
    match action {
        Action::Credit => {
            let billed = order.amounts.billed;
            if billed <= 0 {
                return Some(Issue::NothingToBill);
            }
            let too_large = info.max_billed_amount.filter(|max| billed > *max);
            let enclosed =
                order.invoice(mall) == Invoice::Enclosed && !info.capabilities.contains(Capability::ENCLOSED_INVOICE);
            too_large.map(|max| Issue::TooLarge { billed, max }).or(enclosed.then_some(Issue::NoEnclosedInvoice))
        }
        Action::Check => {
            let by_reference = info.capabilities.contains(Capability::FIND_BY_REFERENCE);
            let blind = order.transaction_id().is_none() && !by_reference;
            blind.then(|| Issue::CannotAsk { reference: order.reference().to_owned() })
        }
        Action::Sync => order.tracking.as_ref().and_then(|tracking| carrier_problem(provider, &tracking.carrier)),
        Action::Cancel => None,
        // A decision calls no provider.
        Action::Decide => Some(not_offered(action, order)),
    }
}

/// The issue of a carrier that the provider does not support.
pub fn carrier_problem(provider: &impl Provider, carrier: &str) -> Option<Issue> {
    let info = provider.info();
    if find_carrier(info, carrier).is_some() {
        return None;
    }
    let list =
        |name: fn(&Carrier) -> &str, separator| info.carriers.iter().map(name).collect::<Vec<_>>().join(separator);
    Some(Issue::CarrierUnsupported {
        carrier: carrier.to_owned(),
        supported_ja: list(|carrier| &carrier.name.ja, "、"),
        supported_en: list(|carrier| &carrier.name.en, ", "),
    })
}
