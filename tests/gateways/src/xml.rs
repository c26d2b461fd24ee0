//! XML on the wire: writing small answers here, [`read`]ing requests, [`rules`] for what a request
//! may contain, and [`calls`], what the providers have in common whose requests are XML too.

pub(crate) mod calls;
pub(crate) mod read;
pub(crate) mod rules;

use std::fmt::Write;

use quick_xml::escape::escape;

/// An element with attributes and either text or children.
#[derive(Debug, Clone)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// An element that contains only text.
    pub fn text(name: &'static str, text: impl Into<String>) -> Self {
        Self { name, attributes: Vec::new(), text: text.into(), children: Vec::new() }
    }

    /// An element that contains only elements.
    pub fn parent(name: &'static str, children: Vec<Self>) -> Self {
        Self { children, ..Self::text(name, "") }
    }

    /// The same with one more attribute.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// A document with this root, with the XML declaration.
    pub fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escape(value));
        }
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        let _ = write!(out, ">{}", escape(&self.text));
        self.children.iter().for_each(|child| child.write(out));
        let _ = write!(out, "</{}>", self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_cannot_break_the_document() {
        let echo = Element::text("orderId", "<a>&\"").with("cd", "\"<'>&");
        let document = Element::parent("response", vec![echo, Element::text("messages", "")]).document();
        let body = document.lines().nth(1).unwrap();
        assert_eq!(
            body,
            "<response><orderId cd=\"&quot;&lt;&apos;&gt;&amp;\">&lt;a&gt;&amp;&quot;</orderId><messages/></response>"
        );
    }
}
