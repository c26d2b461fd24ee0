//! The common rule for the fee (手数料設定) that a shop adds to an order's bill.
//!
//! The SDK applies it inside a plugin, the host for plugins that have no rule of their own. Each has types of its
//! own, generated from the contract; these are the same without a binding to either.

#![forbid(unsafe_code)]

/// What a rule does with the fee of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeMode {
    /// 変更しない
    Keep,
    /// 上書きする
    Replace,
    /// 加算する
    Add,
}

/// Orders billed from `lower` up to and including `upper` (without end if absent) get `fee`; all in yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeBand {
    /// The lowest billed amount.
    pub lower: i64,
    /// The highest billed amount.
    pub upper: Option<i64>,
    /// The fee.
    pub fee: i64,
}

/// A shop's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRule {
    /// What it does.
    pub mode: FeeMode,
    /// Its bands, in ascending order.
    pub bands: Vec<FeeBand>,
}

/// A bill before the rule, in yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// Goods.
    pub items: i64,
    /// Shipping.
    pub shipping_fee: i64,
    /// The payment fee so far.
    pub payment_fee: i64,
}

/// A bill after the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdjustedFee {
    /// The payment fee, in yen.
    pub payment_fee: i64,
    /// Goods, shipping and payment fee together, in yen.
    pub billed_amount: i64,
    /// Position of the band that applied.
    pub band: Option<u32>,
}

/// What is wrong with a rule or a bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the field, with rows counted from 0.
    pub field: String,
    /// A code that stays the same.
    pub code: &'static str,
    /// In Japanese, with rows counted from 1.
    pub message: String,
}

fn problem(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Problem {
    Problem { field: field.into(), code, message: message.into() }
}

/// Most bands a rule may have. The forms of order platforms show four; more than a hundred is a
/// mistake in a file, not a tariff.
pub const MAX_BANDS: usize = 100;

/// Largest amount that a bill or a band may carry, in yen. Far above what any provider accepts
/// (six digits), far below where sums could overflow.
pub const MAX_YEN: i64 = 1_000_000_000;

/// The bill after `rule`: the band that holds the billed amount (goods, shipping and the fee so far)
/// replaces the fee or adds to it. Where no band holds it, the bill stays as it is.
///
/// A rule is refused whole, with every row at fault named, if its bands overlap, leave a gap, run
/// backwards, carry a negative fee, or if any but the last is open.
pub fn adjust(rule: &FeeRule, bill: &Bill) -> Result<AdjustedFee, Vec<Problem>> {
    let problems: Vec<_> = check_bands(&rule.bands).into_iter().chain(check_bill(bill)).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let without_fee = bill.items + bill.shipping_fee;
    let billed = without_fee + bill.payment_fee;
    let held =
        rule.bands.iter().position(|band| band.lower <= billed && band.upper.is_none_or(|upper| billed <= upper));
    let (payment_fee, band) = match (rule.mode, held) {
        (FeeMode::Keep, _) | (_, None) => (bill.payment_fee, None),
        (FeeMode::Replace, Some(at)) => (rule.bands[at].fee, Some(at)),
        (FeeMode::Add, Some(at)) => (bill.payment_fee + rule.bands[at].fee, Some(at)),
    };
    Ok(AdjustedFee { payment_fee, billed_amount: without_fee + payment_fee, band: band.map(|at| at as u32) })
}

/// Everything wrong with the bands, by row; rows are counted from 1 in words, from 0 in `field`.
fn check_bands(bands: &[FeeBand]) -> Vec<Problem> {
    if bands.len() > MAX_BANDS {
        return vec![problem("bands", "too-many-bands", format!("手数料の行は{MAX_BANDS}行までです"))];
    }
    let alone = bands.iter().enumerate().flat_map(|(at, band)| check_band(at, band));
    let beside = bands.windows(2).enumerate().filter_map(|(at, pair)| check_neighbours(at, &pair[0], &pair[1]));
    alone.chain(beside).collect()
}

fn check_band(at: usize, band: &FeeBand) -> Vec<Problem> {
    let row = at + 1;
    let amounts = 0..=MAX_YEN;
    let mut problems = Vec::new();
    if band.fee < 0 {
        problems.push(problem(format!("bands[{at}].fee"), "negative-fee", format!("{row}行目の手数料が負の金額です")));
    } else if !amounts.contains(&band.fee) {
        problems.push(problem(format!("bands[{at}].fee"), "amount-range", format!("{row}行目の手数料が大きすぎます")));
    }
    if !amounts.contains(&band.lower) || band.upper.is_some_and(|upper| upper > MAX_YEN) {
        problems.push(problem(
            format!("bands[{at}]"),
            "amount-range",
            format!("{row}行目の金額は0円から{MAX_YEN}円までです"),
        ));
    }
    if band.upper.is_some_and(|upper| upper < band.lower) {
        problems.push(problem(
            format!("bands[{at}].upper"),
            "backwards",
            format!("{row}行目の上限が下限より小さくなっています"),
        ));
    }
    problems
}

fn check_neighbours(at: usize, band: &FeeBand, next: &FeeBand) -> Option<Problem> {
    let (row, below) = (at + 1, at + 2);
    let field = format!("bands[{}].lower", at + 1);
    let Some(upper) = band.upper else {
        return Some(problem(
            format!("bands[{at}].upper"),
            "open-band",
            format!("上限を空けられるのは最後の行だけです（{row}行目）"),
        ));
    };
    if next.lower < band.lower {
        Some(problem(field, "backwards", format!("{row}行目より{below}行目の金額が小さくなっています")))
    } else if next.lower <= upper {
        Some(problem(field, "overlap", format!("{row}行目と{below}行目の金額が重なっています")))
    } else if next.lower - 1 > upper {
        Some(problem(field, "gap", format!("{row}行目と{below}行目の間に、どの行にも入らない金額があります")))
    } else {
        None
    }
}

fn check_bill(bill: &Bill) -> Vec<Problem> {
    [("items", bill.items), ("shipping-fee", bill.shipping_fee), ("payment-fee", bill.payment_fee)]
        .into_iter()
        .filter(|(_, yen)| !(-MAX_YEN..=MAX_YEN).contains(yen))
        .map(|(field, _)| problem(field, "amount-range", "金額が大きすぎます"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn band(lower: i64, upper: impl Into<Option<i64>>, fee: i64) -> FeeBand {
        FeeBand { lower, upper: upper.into(), fee }
    }

    fn codes(bands: &[FeeBand]) -> Vec<(String, String)> {
        check_bands(bands).into_iter().map(|p| (p.field, p.code.to_owned())).collect()
    }

    fn found(field: &str, code: &str) -> (String, String) {
        (field.to_owned(), code.to_owned())
    }

    #[test]
    fn what_is_wrong_is_named_by_row() {
        assert_eq!(codes(&[band(0, 999, 330), band(1000, None, 0)]), []);
        assert_eq!(codes(&[band(0, 1000, 330), band(1000, None, 0)]), [found("bands[1].lower", "overlap")]);
        assert_eq!(codes(&[band(0, 998, 330), band(1000, None, 0)]), [found("bands[1].lower", "gap")]);
        assert_eq!(codes(&[band(500, 100, 330)]), [found("bands[0].upper", "backwards")]);
        assert_eq!(codes(&[band(500, 999, 1), band(0, 499, 1)]), [found("bands[1].lower", "backwards")]);
        assert_eq!(codes(&[band(0, None, -1)]), [found("bands[0].fee", "negative-fee")]);
        assert_eq!(codes(&[band(0, None, 1), band(10, None, 1)]), [found("bands[0].upper", "open-band")]);
    }

    #[test]
    fn every_row_at_fault_is_named() {
        let wrong = [band(0, 100, -5), band(90, 200, 1), band(300, 250, 1)];
        let rows = codes(&wrong);
        assert_eq!(rows.len(), 4, "{rows:?}");
    }

    #[test]
    fn amounts_beyond_reason_are_refused_not_overflowed() {
        assert_eq!(codes(&[band(i64::MIN, i64::MAX, i64::MAX)]).len(), 2);
        let bill = Bill { items: i64::MAX, shipping_fee: i64::MIN, payment_fee: 0 };
        let rule = FeeRule { mode: FeeMode::Add, bands: vec![] };
        assert_eq!(adjust(&rule, &bill).unwrap_err().len(), 2);
    }

    /// Bands without gap or overlap from ascending upper bounds; the last is open.
    fn ladder() -> impl Strategy<Value = Vec<FeeBand>> {
        proptest::collection::btree_set(1i64..200_000, 0..8).prop_flat_map(|uppers| {
            let uppers: Vec<i64> = uppers.into_iter().collect();
            proptest::collection::vec(0i64..5_000, uppers.len() + 1).prop_map(move |fees| {
                let mut lower = 0;
                let mut bands = Vec::new();
                for (at, fee) in fees.into_iter().enumerate() {
                    let upper = uppers.get(at).copied();
                    bands.push(FeeBand { lower, upper, fee });
                    lower = upper.map_or(lower, |upper| upper + 1);
                }
                bands
            })
        })
    }

    fn mode() -> impl Strategy<Value = FeeMode> {
        prop_oneof![Just(FeeMode::Keep), Just(FeeMode::Replace), Just(FeeMode::Add)]
    }

    proptest! {
        #[test]
        fn exactly_the_band_that_holds_the_bill_applies(
            bands in ladder(), mode in mode(), items in 0i64..300_000, shipping in 0i64..2_000, fee in 0i64..1_000,
        ) {
            let bill = Bill { items, shipping_fee: shipping, payment_fee: fee };
            let out = adjust(&FeeRule { mode, bands: bands.clone() }, &bill).unwrap();
            prop_assert_eq!(out.billed_amount, items + shipping + out.payment_fee);
            let billed = items + shipping + fee;
            match (mode, out.band) {
                (FeeMode::Keep, band) => { prop_assert_eq!(band, None); prop_assert_eq!(out.payment_fee, fee); }
                (_, None) => prop_assert!(false, "an open ladder holds every amount"),
                (_, Some(at)) => {
                    let band = &bands[at as usize];
                    prop_assert!(band.lower <= billed && band.upper.is_none_or(|upper| billed <= upper));
                    let before = if mode == FeeMode::Add { fee } else { 0 };
                    prop_assert_eq!(out.payment_fee, before + band.fee);
                }
            }
        }

        #[test]
        fn moving_any_bound_is_noticed(bands in ladder(), at in 0usize..8, by in prop_oneof![-3i64..0, 1i64..4]) {
            prop_assume!(bands.len() > 1);
            let mut bands = bands;
            let at = 1 + at % (bands.len() - 1);
            bands[at].lower += by;
            prop_assert!(!check_bands(&bands).is_empty());
        }

        #[test]
        fn no_input_panics(
            bands in proptest::collection::vec((any::<i64>(), any::<Option<i64>>(), any::<i64>()), 0..12),
            mode in mode(), items: i64, shipping: i64, fee: i64,
        ) {
            let bands = bands.into_iter().map(|(lower, upper, fee)| FeeBand { lower, upper, fee }).collect();
            let _ = adjust(&FeeRule { mode, bands }, &Bill { items, shipping_fee: shipping, payment_fee: fee });
        }
    }
}
