//! The lines of a bill, for gateways that take shipping and fees as lines, or only so many lines.

use crate::checks::Checks;
use crate::text::truncate;
use crate::types::{LineItem, Order};

use std::ops::RangeInclusive;

/// What the merged line is called.
const MERGED: &str = "その他";

/// A line as it goes out, and where in the order it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The line.
    pub item: LineItem,
    source: Source,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    /// `items`, at this place.
    Item(usize),
    /// A fee, which has a range of its own.
    Fee,
    /// Everything from this line on, counted from 0.
    From(usize),
}

/// What a gateway takes of lines. Names are cut, not refused: they are print on a bill.
pub struct Limits {
    /// Lines. What is beyond is merged into the last.
    pub lines: usize,
    /// Characters of a name.
    pub name: usize,
    /// Yen of one piece.
    pub unit_price: RangeInclusive<i64>,
    /// Pieces.
    pub quantity: RangeInclusive<u32>,
    /// Yen of a line.
    pub subtotal: RangeInclusive<i64>,
}

/// The goods alone, for gateways that have fields of their own for shipping and fee.
pub fn goods(order: &Order) -> Vec<Line> {
    order.items.iter().enumerate().map(|(at, item)| Line { item: item.clone(), source: Source::Item(at) }).collect()
}

/// The goods, then shipping (送料) and payment fee (手数料) where there are any: lines whose sum is the bill.
pub fn with_fees(order: &Order) -> Vec<Line> {
    let fees = [("送料", order.shipping_fee), ("手数料", order.payment_fee)];
    let fees = fees.into_iter().filter(|(_, yen)| *yen != 0);
    goods(order)
        .into_iter()
        .chain(fees.map(|(name, yen)| Line { item: single(name, yen), source: Source::Fee }))
        .collect()
}

/// `lines` as they go out within `limits`, names in the width that `written` gives them, with every
/// problem noted in `checks`. First merged, then written and cut, then checked: nothing is refused that
/// does not go out so. Lines are counted from 1 in words, from 0 in the contract's paths.
pub fn going_out(
    checks: &mut Checks,
    lines: Vec<Line>,
    limits: &Limits,
    written: impl Fn(&str) -> String,
) -> Vec<LineItem> {
    if !lines.iter().any(|line| matches!(line.source, Source::Item(_))) {
        checks.add("items", "required", "明細が1行もありません");
    }
    let mut lines = merged(lines, limits.lines);
    for line in &mut lines {
        line.item.name = truncate(&written(&line.item.name), limits.name).trim_end().to_owned();
        check(checks, line, limits);
    }
    lines.into_iter().map(|line| line.item).collect()
}

fn check(checks: &mut Checks, line: &Line, limits: &Limits) {
    let item = &line.item;
    match line.source {
        Source::Fee => {}
        Source::From(at) => {
            let label = format!("明細{}行目から先と送料・手数料の合計", at + 1);
            checks.number("items", &label, item.unit_price, limits.unit_price.clone());
        }
        Source::Item(at) => {
            let path = |field: &str| format!("items[{at}].{field}");
            let label = |name: &str| format!("明細{}行目の{name}", at + 1);
            checks.text(&path("name"), &label("品名"), &item.name, limits.name);
            checks.number(&path("unit-price"), &label("単価"), item.unit_price, limits.unit_price.clone());
            checks.number(&path("quantity"), &label("数量"), item.quantity, limits.quantity.clone());
            checks.number(&path("unit-price"), &label("小計"), sum(item), limits.subtotal.clone());
        }
    }
}

/// `lines`, at most `limit` of them: what is beyond is one last line that keeps the sum.
fn merged(mut lines: Vec<Line>, limit: usize) -> Vec<Line> {
    if lines.len() > limit {
        let at = limit.saturating_sub(1);
        let rest = lines.split_off(at);
        let yen = rest.iter().map(|line| sum(&line.item)).fold(0, i64::saturating_add);
        lines.push(Line { item: single(MERGED, yen), source: Source::From(at) });
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
    use crate::samples::{self, pairs, problems};
    use crate::text::full_width;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { lines: 3, name: 4, unit_price: -999..=999, quantity: 1..=9, subtotal: -999..=999 };

    fn item(name: &str, unit_price: i64, quantity: u32) -> LineItem {
        LineItem { name: name.to_owned(), unit_price, quantity, tax_rate: Some(10) }
    }

    fn order(items: Vec<LineItem>) -> Order {
        Order { items, shipping_fee: 0, payment_fee: 0, ..samples::order() }
    }

    fn out(order: &Order) -> (Vec<LineItem>, Vec<(String, String)>) {
        let mut checks = Checks::default();
        let lines = going_out(&mut checks, with_fees(order), &LIMITS, full_width);
        (lines, checks.into_result().map_or_else(|failure| problems::<()>(Err(failure)), |()| Vec::new()))
    }

    #[test]
    fn lines_within_the_limit_stay_and_the_rest_becomes_one() {
        let fees = Order { shipping_fee: 5, payment_fee: 7, ..order(vec![item("茶", 1, 1)]) };
        let (lines, problems) = out(&fees);
        assert_eq!(lines, [item("茶", 1, 1), single("送料", 5), single("手数料", 7)]);
        assert!(problems.is_empty());
        let more = Order { items: vec![item("茶", 1, 1), item("碗", 100, 2), item("引", -50, 1)], ..fees };
        assert_eq!(out(&more).0, [item("茶", 1, 1), item("碗", 100, 2), single("その他", -38)]);
    }

    #[test]
    fn a_name_is_cut_after_widening() {
        let (lines, problems) = out(&order(vec![item("ｶﾞ-ﾃﾞﾝ皿大", 1, 1), item("茶碗 大 青", 1, 1)]));
        assert_eq!(lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["ガ－デン", "茶碗　大"]);
        assert!(problems.is_empty());
    }

    #[test]
    fn what_goes_out_is_checked_and_nothing_else() {
        let bad = || item("😀", 1_000_000, 99);
        let good = || item("茶", 1, 1);
        assert_eq!(out(&order(vec![good(), good(), item("", -5_000, 0), bad(), item("引", -98_999_900, 1)])).1, []);
        assert_eq!(out(&order(vec![good(), good(), bad(), good()])).1, pairs(&[("items", "out-of-range")]));
        let each = [
            ("items[1].name", "characters"),
            ("items[1].unit-price", "out-of-range"),
            ("items[1].quantity", "out-of-range"),
            ("items[1].unit-price", "out-of-range"),
        ];
        assert_eq!(out(&order(vec![good(), bad()])).1, pairs(&each));
        assert_eq!(out(&order(Vec::new())).1, pairs(&[("items", "required")]));
        assert_eq!(out(&order(vec![item(" ", 1, 1)])).1, pairs(&[("items[0].name", "required")]));
    }

    proptest! {
        #[test]
        fn the_sum_is_kept(lines in proptest::collection::vec((-9999i64..9999, 0u32..99), 0..40), limit in 1usize..20) {
            let order = order(lines.into_iter().map(|(price, quantity)| item("品", price, quantity)).collect());
            let all: i64 = order.items.iter().map(sum).sum();
            let fewer = merged(goods(&order), limit);
            prop_assert!(fewer.len() <= limit);
            prop_assert_eq!(fewer.iter().map(|line| sum(&line.item)).sum::<i64>(), all);
        }

        #[test]
        fn no_amount_panics(lines in proptest::collection::vec(any::<(i64, u32)>(), 0..9)) {
            out(&order(lines.into_iter().map(|(price, quantity)| item("品", price, quantity)).collect()));
        }
    }
}
