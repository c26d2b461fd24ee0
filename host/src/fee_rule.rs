//! The common rule for 手数料設定, for plugins that have no rule of their own.

use crate::contract::{AdjustedFee, Bill, FeeMode, FeeRule, FieldProblem, Reason};
use deferred_payment_fees as common;

/// The bill after `rule`, or everything that is wrong with the two: [`deferred_payment_fees::adjust`].
pub(crate) fn adjust(rule: &FeeRule, bill: &Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
    let mode = match rule.mode {
        FeeMode::Keep => common::FeeMode::Keep,
        FeeMode::Replace => common::FeeMode::Replace,
        FeeMode::Add => common::FeeMode::Add,
    };
    let bands = rule.bands.iter().map(|band| common::FeeBand { lower: band.lower, upper: band.upper, fee: band.fee });
    let bill = common::Bill { items: bill.items, shipping_fee: bill.shipping_fee, payment_fee: bill.payment_fee };
    let adjusted = common::adjust(&common::FeeRule { mode, bands: bands.collect() }, &bill)
        .map_err(|found| found.into_iter().map(problem).collect::<Vec<_>>())?;
    let common::AdjustedFee { payment_fee, billed_amount, band } = adjusted;
    Ok(AdjustedFee { payment_fee, billed_amount, band })
}

fn problem(found: common::Problem) -> FieldProblem {
    let reason = Reason { code: Some(found.code.to_owned()), message: found.message };
    FieldProblem { field: found.field, reason }
}
