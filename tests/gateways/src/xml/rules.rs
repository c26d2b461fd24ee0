//! What a request may contain, as a tree of rules: one for each element, in the order in which the
//! elements have to stand.

use crate::fields::Form;
use crate::xml::read::Node;

/// Problems named in one answer: more than anyone reads at once.
const MAX_FOUND: usize = 20;

/// A rule for one element.
pub(crate) struct Rule {
    name: &'static str,
    /// Another name under which it is taken.
    alias: Option<&'static str>,
    /// What it is called in messages.
    label: &'static str,
    need: Need,
    content: Content,
    /// Whether it is taken in any place among the others of its group.
    anywhere: bool,
}

/// Whether an element has to be there. An empty value counts as absent, except for
/// [`Need::MayBeEmpty`].
pub(crate) enum Need {
    Required,
    /// There, but without a value if need be.
    MayBeEmpty,
    Optional,
    /// Required where this other element beside it has no value.
    Unless(&'static str),
    /// Required except where this other element beside it has this value.
    UnlessIs(&'static str, &'static str),
    /// Not an element of this request.
    Never,
}

enum Content {
    /// Text of so many characters, and its form.
    Value { least: usize, most: usize, form: Form },
    /// Each of these at most once, in this order.
    Group(&'static [Rule]),
    /// This element, once at least and so often at most.
    List { item: &'static Rule, most: usize },
}

/// What is wrong with an element.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Missing,
    TooShort(usize),
    TooLong(usize),
    Malformed,
    Unknown,
    Repeated,
    OutOfOrder,
    TooMany(usize),
}

/// A flaw and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Like `details/detail[2]/goods`; empty for the root.
    pub path: String,
    /// What the element is called; its own name if nobody knows it.
    pub label: String,
    pub flaw: Flaw,
}

impl Rule {
    const fn new(name: &'static str, label: &'static str, need: Need, content: Content) -> Self {
        Self { name, alias: None, label, need, content, anywhere: false }
    }

    pub(crate) const fn value(name: &'static str, label: &'static str, need: Need, most: usize, form: Form) -> Self {
        Self::new(name, label, need, Content::Value { least: 0, most, form })
    }

    pub(crate) const fn required(name: &'static str, label: &'static str, most: usize, form: Form) -> Self {
        Self::value(name, label, Need::Required, most, form)
    }

    pub(crate) const fn optional(name: &'static str, label: &'static str, most: usize, form: Form) -> Self {
        Self::value(name, label, Need::Optional, most, form)
    }

    pub(crate) const fn group(name: &'static str, label: &'static str, need: Need, rules: &'static [Self]) -> Self {
        Self::new(name, label, need, Content::Group(rules))
    }

    pub(crate) const fn list(name: &'static str, label: &'static str, item: &'static Self, most: usize) -> Self {
        Self::new(name, label, Need::Required, Content::List { item, most })
    }

    /// The root of every request.
    pub(crate) const fn request(rules: &'static [Self]) -> Self {
        Self::group("request", "request", Need::Required, rules)
    }

    /// The same value, of at least so many characters.
    pub(crate) const fn least(self, least: usize) -> Self {
        match self.content {
            Content::Value { most, form, .. } => Self { content: Content::Value { least, most, form }, ..self },
            Content::Group(_) | Content::List { .. } => panic!("only a value has a length"),
        }
    }

    /// The same element, taken in any place of its group: clients of the same gateway differ in it.
    pub(crate) const fn anywhere(self) -> Self {
        Self { anywhere: true, ..self }
    }

    /// The same element, needed unless that other one beside it has this value.
    pub(crate) const fn unless_is(self, name: &'static str, value: &'static str) -> Self {
        Self { need: Need::UnlessIs(name, value), ..self }
    }

    /// The same element, taken under this name too.
    pub(crate) const fn or(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    /// What is wrong with a request whose root has to be this, the first [`MAX_FOUND`] flaws.
    pub(crate) fn flaws(&self, root: &Node) -> Vec<Found> {
        let mut found = Vec::new();
        if self.is(root) {
            self.check_content(root, "", &mut found);
        } else {
            found.push(Found { path: String::new(), label: root.name.clone(), flaw: Flaw::Unknown });
        }
        found.truncate(MAX_FOUND);
        found
    }

    fn is(&self, node: &Node) -> bool {
        node.name == self.name || self.alias == Some(&node.name)
    }

    fn found(&self, path: &str, flaw: Flaw) -> Found {
        Found { path: path.to_owned(), label: self.label.to_owned(), flaw }
    }

    /// As a child of `parent`, at this path.
    fn check(&self, parent: &Node, path: &str, found: &mut Vec<Found>) {
        let node = parent.children.iter().find(|child| self.is(child));
        let valued = node.is_some_and(|node| !node.text.is_empty() || !node.children.is_empty());
        let lacking = match self.need {
            Need::Required => !valued,
            Need::MayBeEmpty => node.is_none(),
            Need::Unless(other) => !valued && parent.text(other).is_empty(),
            Need::UnlessIs(other, value) => !valued && parent.text(other) != value,
            Need::Optional | Need::Never => false,
        };
        match node {
            _ if lacking => found.push(self.found(path, Flaw::Missing)),
            Some(_) if matches!(self.need, Need::Never) => found.push(self.found(path, Flaw::Unknown)),
            Some(node) => self.check_content(node, path, found),
            None => {}
        }
    }

    fn check_content(&self, node: &Node, path: &str, found: &mut Vec<Found>) {
        match &self.content {
            Content::Value { least, most, form } => {
                check_children(&[], node, path, found);
                found.extend(flaw(&node.text, *least, *most, form).map(|flaw| self.found(path, flaw)));
            }
            Content::Group(rules) => {
                self.check_no_text(node, path, found);
                check_children(rules, node, path, found);
                rules.iter().for_each(|rule| rule.check(node, &below(path, rule.name), found));
            }
            Content::List { item, most } => {
                self.check_no_text(node, path, found);
                self.check_items(item, *most, node, path, found);
            }
        }
    }

    fn check_no_text(&self, node: &Node, path: &str, found: &mut Vec<Found>) {
        if !node.text.trim().is_empty() {
            found.push(self.found(path, Flaw::Malformed));
        }
    }

    fn check_items(&self, item: &Self, most: usize, node: &Node, path: &str, found: &mut Vec<Found>) {
        if node.children.len() > most {
            found.push(self.found(path, Flaw::TooMany(most)));
            return;
        }
        for (place, child) in node.children.iter().enumerate() {
            let path = below(path, &format!("{}[{}]", child.name, place + 1));
            if item.is(child) {
                item.check_content(child, &path, found);
            } else {
                found.push(Found { path, label: child.name.clone(), flaw: Flaw::Unknown });
            }
        }
    }
}

/// A value that is absent is not looked at: whether it may be is the rule's need.
fn flaw(value: &str, least: usize, most: usize, form: &Form) -> Option<Flaw> {
    let length = value.chars().count();
    match length {
        0 => None,
        _ if length < least => Some(Flaw::TooShort(least)),
        _ if length > most => Some(Flaw::TooLong(most)),
        _ => (!form.fits(value)).then_some(Flaw::Malformed),
    }
}

/// Which children a group does not have, has twice, or has in another place.
fn check_children(rules: &[Rule], node: &Node, path: &str, found: &mut Vec<Found>) {
    let mut seen = vec![false; rules.len()];
    let mut latest = 0;
    for child in &node.children {
        let place = rules.iter().position(|rule| rule.is(child));
        let flaw = match place {
            None => Some(Flaw::Unknown),
            Some(place) if seen[place] => Some(Flaw::Repeated),
            Some(place) if !rules[place].anywhere && place < latest => Some(Flaw::OutOfOrder),
            Some(_) => None,
        };
        if let Some(place) = place {
            seen[place] = true;
            latest = if rules[place].anywhere { latest } else { latest.max(place) };
        }
        let label = place.map_or(child.name.as_str(), |place| rules[place].label);
        let at = |flaw| Found { path: below(path, &child.name), label: label.to_owned(), flaw };
        found.extend(flaw.map(at));
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: Rule = Rule::group(
        "item",
        "明細",
        Need::Required,
        &[
            Rule::required("name", "品名", 3, Form::Text),
            Rule::optional("price", "単価", 3, Form::Yen { negative: true }),
        ],
    );
    static REQUEST: Rule = Rule::request(&[
        Rule::required("id", "番号", 4, Form::Text).least(2),
        Rule::value("info", "情報", Need::MayBeEmpty, 2, Form::Text),
        Rule::value("tel", "電話", Need::Unless("mobile"), 9, Form::Phone),
        Rule::optional("mobile", "携帯", 9, Form::Phone),
        Rule::required("kind", "区分", 1, Form::Text).unless_is("info", "い").anywhere(),
        Rule::optional("date", "日付", 10, Form::Date).or("Date"),
        Rule::value("old", "旧番号", Need::Never, 9, Form::Text),
        Rule::optional("note", "備考", 9, Form::Text).anywhere(),
        Rule::group("ship", "配送先", Need::Optional, &[Rule::required("zip", "郵便番号", 8, Form::HyphenPostal)]),
        Rule::list("items", "明細一覧", &ITEM, 2),
    ]);

    const GOOD: &str =
        "<request><id>AB</id><info/><tel>1</tel><kind>1</kind><items><item><name>x</name></item></items></request>";

    fn found(document: &str) -> Vec<(String, Flaw)> {
        let flaws = REQUEST.flaws(&Node::parse(document.as_bytes()).unwrap());
        flaws.into_iter().map(|found| (found.path, found.flaw)).collect()
    }

    #[test]
    fn what_follows_the_rules_has_no_flaw() {
        for document in [
            GOOD.to_owned(),
            GOOD.replace("><", ">\n <"),
            GOOD.replace("<info/>", "<info>い</info>"),
            GOOD.replace("<info/>", "<info>い</info>").replace("<kind>1</kind>", "<kind/>"),
            GOOD.replace("<id>", "<note>x</note><id>"),
            GOOD.replace("</request>", "<note>x</note></request>"),
            GOOD.replace("<tel>1</tel>", "<mobile>1</mobile>"),
            GOOD.replace("<tel>1</tel>", "<tel/><mobile>1</mobile>"),
            GOOD.replace("<items>", "<date>2026-04-01</date><items>"),
            GOOD.replace("<items>", "<Date>2026-04-01</Date><items>"),
            GOOD.replace("<items>", "<date/><ship><zip>150-0001</zip></ship><items>"),
            GOOD.replace("<items>", "<items><item><name>y</name><price>-10</price></item>"),
        ] {
            assert_eq!(found(&document), [], "{document}");
        }
    }

    #[test]
    fn each_flaw_is_found_where_it_is() {
        for (from, to, path, flaw) in [
            ("<id>AB</id>", "", "id", Flaw::Missing),
            ("<id>AB</id>", "<id/>", "id", Flaw::Missing),
            ("AB", "A", "id", Flaw::TooShort(2)),
            ("AB", "ABCDE", "id", Flaw::TooLong(4)),
            ("<info/>", "", "info", Flaw::Missing),
            ("<kind>1</kind>", "", "kind", Flaw::Missing),
            ("<info/>", "<note>x</note><note>x</note><info/>", "note", Flaw::Repeated),
            ("<tel>1</tel>", "", "tel", Flaw::Missing),
            ("<tel>1</tel>", "<mobile/>", "tel", Flaw::Missing),
            ("<tel>1</tel>", "<tel>a</tel>", "tel", Flaw::Malformed),
            ("<tel>1</tel>", "<tel>1</tel><tel>1</tel>", "tel", Flaw::Repeated),
            ("<tel>1</tel>", "<tel>1<b/></tel>", "tel/b", Flaw::Unknown),
            ("<tel>1</tel>", "<tel>1</tel><fax>1</fax>", "fax", Flaw::Unknown),
            ("<tel>1</tel>", "<tel>1</tel><old/>", "old", Flaw::Unknown),
            ("<tel>1</tel>", "<mobile>1</mobile><tel>1</tel>", "tel", Flaw::OutOfOrder),
            ("<items>", "<date/><Date/><items>", "Date", Flaw::Repeated),
            ("<items>", "<ship/><items>", "ship/zip", Flaw::Missing),
            ("<items>", "x<items>", "", Flaw::Malformed),
            ("<item><name>x</name></item>", "", "items", Flaw::Missing),
            ("<name>x</name>", "<name>xxxx</name>", "items/item[1]/name", Flaw::TooLong(3)),
            ("<items>", "<items>x", "items", Flaw::Malformed),
            ("<items>", "<items><line/>", "items/line[1]", Flaw::Unknown),
            ("<items>", "<items><item/><item/>", "items", Flaw::TooMany(2)),
        ] {
            assert!(GOOD.contains(from));
            assert_eq!(found(&GOOD.replacen(from, to, 1)), [(path.to_owned(), flaw)], "{from} → {to}");
        }
        assert_eq!(found("<response/>"), [(String::new(), Flaw::Unknown)]);
        assert_eq!(found(&GOOD.replace("<tel>", &("<x/>".repeat(30) + "<tel>"))).len(), MAX_FOUND);
    }
}
