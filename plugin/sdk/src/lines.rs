//! The lines of a bill, for gateways that take shipping and fees as lines, or only so many lines.

use crate::types::{LineItem, Order};

/// What the merged line is called.
const MERGED: &str = "その他";

/// The goods, then shipping (送料) and payment fee (手数料) where there are any: lines whose sum is the bill.
pub fn with_fees(order: &Order) -> Vec<LineItem> {
    let fees = [("送料", order.shipping_fee), ("手数料", order.payment_fee)];
    let fees = fees.into_iter().filter(|(_, yen)| *yen != 0).map(|(name, yen)| single(name, yen));
    order.items.iter().cloned().chain(fees).collect()
}

/// `lines`, at most `limit` of them: what is beyond is merged into one last line that keeps the sum.
pub fn merged(mut lines: Vec<LineItem>, limit: usize) -> Vec<LineItem> {
    if lines.len() > limit {
        let rest = lines.split_off(limit.saturating_sub(1));
        lines.push(single(MERGED, rest.iter().map(sum).fold(0, i64::saturating_add)));
    }
    lines
}

/// Unit price times quantity, in yen. Saturates far beyond what any bill can hold.
pub fn sum(line: &LineItem) -> i64 {
    line.unit_price.saturating_mul(line.quantity.into())
}

fn single(name: &str, yen: i64) -> LineItem {
    LineItem { name: name.to_owned(), unit_price: yen, quantity: 1, tax_rate: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(unit_price: i64, quantity: u32) -> LineItem {
        LineItem { name: "品".to_owned(), unit_price, quantity, tax_rate: Some(10) }
    }

    #[test]
    fn lines_within_the_limit_stay_as_they_are() {
        let lines = vec![line(1, 1), line(-2, 3)];
        assert_eq!(merged(lines.clone(), 2), lines);
        assert!(merged(Vec::new(), 2).is_empty());
    }

    #[test]
    fn the_rest_becomes_one_line() {
        let lines = merged(vec![line(1, 1), line(100, 2), line(-50, 1)], 2);
        assert_eq!(lines, [line(1, 1), single("その他", 150)]);
    }

    proptest! {
        #[test]
        fn the_sum_is_kept(lines in proptest::collection::vec((-9999i64..9999, 0u32..99), 0..40), limit in 1usize..20) {
            let lines: Vec<_> = lines.into_iter().map(|(price, quantity)| line(price, quantity)).collect();
            let all: i64 = lines.iter().map(sum).sum();
            let fewer = merged(lines, limit);
            prop_assert!(fewer.len() <= limit);
            prop_assert_eq!(fewer.iter().map(sum).sum::<i64>(), all);
        }

        #[test]
        fn no_amount_panics(lines in proptest::collection::vec(any::<(i64, u32)>(), 0..9)) {
            merged(lines.into_iter().map(|(price, quantity)| line(price, quantity)).collect(), 2);
        }
    }
}
