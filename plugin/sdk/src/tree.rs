//! An order written as nested elements, each value checked where it is put in, so that none goes out
//! unchecked.

use crate::checks::Checks;
use crate::types::Failure;
use crate::xml::Element;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Elements in the order in which they are put in, and what is wrong with them.
///
/// `field` and `label` are as in [`Checks`].
#[derive(Default)]
pub struct Tree {
    /// For what a single value does not show.
    pub checks: Checks,
    elements: Vec<Element>,
}

impl Tree {
    /// An element with `value`, which the caller has checked or made.
    pub fn put(&mut self, element: &str, value: impl Into<String>) {
        self.elements.push(Element::text(element, value));
    }

    /// Text that must be there, of at most `limit` characters.
    pub fn text(&mut self, element: &str, field: &str, label: &str, value: &str, limit: usize) {
        self.checks.text(field, label, value, limit);
        self.put(element, value);
    }

    /// Text that may be left out; blank counts as left out, and so is its element.
    pub fn optional(&mut self, element: &str, field: &str, label: &str, value: &Option<String>, limit: usize) {
        if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
            self.text(element, field, label, value, limit);
        }
    }

    /// A number within `allowed`.
    pub fn number<N: PartialOrd + Display>(
        &mut self,
        element: &str,
        field: &str,
        label: &str,
        value: N,
        allowed: RangeInclusive<N>,
    ) {
        self.put(element, value.to_string());
        self.checks.number(field, label, value, allowed);
    }

    /// An element that holds what `fill` puts in.
    pub fn group(&mut self, element: &str, fill: impl FnOnce(&mut Self)) {
        let outside = std::mem::take(&mut self.elements);
        fill(self);
        let inside = std::mem::replace(&mut self.elements, outside);
        self.elements.push(Element::parent(element, inside));
    }

    /// The elements, or everything that is wrong.
    pub fn into_elements(self) -> Result<Vec<Element>, Failure> {
        self.checks.into_result()?;
        Ok(self.elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_order_and_their_level() {
        let mut tree = Tree::default();
        tree.put("a", "1");
        tree.group("b", |tree| {
            tree.text("c", "c", "C", "髙", 1);
            tree.optional("d", "d", "D", &Some(" ".to_owned()), 1);
            tree.number("e", "e", "E", 9, 0..=9);
        });
        let inside = vec![Element::text("c", "髙"), Element::text("e", "9")];
        assert_eq!(tree.into_elements(), Ok(vec![Element::text("a", "1"), Element::parent("b", inside)]));
    }

    #[test]
    fn every_problem_is_kept_whatever_its_level() {
        let mut tree = Tree::default();
        tree.group("b", |tree| tree.text("c", "c", "C", "", 1));
        tree.number("e", "e", "E", 10, 0..=9);
        let fields = |failure| match failure {
            Err(Failure::Invalid(problems)) => problems.into_iter().map(|p| p.field).collect(),
            _ => Vec::new(),
        };
        assert_eq!(fields(tree.into_elements()), ["c", "e"]);
    }
}
