//! 手数料設定: which fee an order's bill gets, by the common rule.

use crate::failure::problem;
use crate::fee_types::{AdjustedFee, Bill, FeeMode, FeeRule};
use crate::types::FieldProblem;
use deferred_payment_fees as common;
pub use deferred_payment_fees::{MAX_BANDS, MAX_YEN};

/// The bill after `rule`, or everything that is wrong with the two: [`deferred_payment_fees::adjust`].
pub fn adjust(rule: &FeeRule, bill: &Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
    let mode = match rule.mode {
        FeeMode::Keep => common::FeeMode::Keep,
        FeeMode::Replace => common::FeeMode::Replace,
        FeeMode::Add => common::FeeMode::Add,
    };
    let bands = rule.bands.iter().map(|band| common::FeeBand { lower: band.lower, upper: band.upper, fee: band.fee });
    let bill = common::Bill { items: bill.items, shipping_fee: bill.shipping_fee, payment_fee: bill.payment_fee };
    let adjusted = common::adjust(&common::FeeRule { mode, bands: bands.collect() }, &bill).map_err(|found| {
        found.into_iter().map(|found| problem(found.field, found.code, found.message)).collect::<Vec<_>>()
    })?;
    let common::AdjustedFee { payment_fee, billed_amount, band } = adjusted;
    Ok(AdjustedFee { payment_fee, billed_amount, band })
}
