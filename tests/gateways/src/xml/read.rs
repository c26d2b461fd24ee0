//! Reading a request into a tree of elements.
//!
//! What every XML parser takes for the same document is the same here: text, CDATA, character
//! references, an empty element in either form, comments. What would give a document another
//! meaning than its elements have is refused, because no provider's page has it: attributes
//! (namespaces among them), document types with the entities they declare, processing
//! instructions, another charset than UTF-8.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, Event};

/// Elements within each other: the deepest that a page has is six.
pub(crate) const MAX_DEPTH: usize = 8;

/// Elements of one request: some thousand lines of an order, where a page sets them no limit.
pub(crate) const MAX_ELEMENTS: usize = 10_000;

/// Longest name of an element: the longest of a page has 19 characters.
pub(crate) const MAX_NAME: usize = 64;

/// An element with either text or children, if it is what a rule allows.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub name: String,
    pub text: String,
    pub children: Vec<Self>,
}

/// Why a request is no document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    NotUtf8,
    /// In words.
    NotXml(String),
}

impl Node {
    /// The root element of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Unread> {
        let text = std::str::from_utf8(body).map_err(|_| Unread::NotUtf8)?;
        if !text.chars().all(is_xml) {
            return Err(refused("character"));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        let mut tree = Tree::default();
        while tree.take(reader.read_event().map_err(|error| Unread::NotXml(error.to_string()))?)? {}
        tree.root()
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element at a path like `customer/zip`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.child(name))
    }

    /// The text of the first element at a path; empty where there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.at(path).map_or("", |found| &found.text)
    }

    /// The number there, which its rule has let through; 0 where there is none.
    pub(crate) fn number(&self, path: &str) -> i64 {
        self.text(path).parse().unwrap_or(0)
    }

    /// The children of the first element at a path.
    pub(crate) fn list(&self, path: &str) -> &[Self] {
        self.at(path).map_or(&[], |found| &found.children)
    }

    /// Every text that is not empty of elements with these names, wherever they stand.
    pub(crate) fn texts(&self, names: &[&str]) -> Vec<String> {
        let own = names.contains(&self.name.as_str()) && !self.text.is_empty();
        let below = self.children.iter().flat_map(|child| child.texts(names));
        own.then(|| self.text.clone()).into_iter().chain(below).collect()
    }
}

/// The characters of XML 1.0.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

fn refused(what: &str) -> Unread {
    Unread::NotXml(format!("{what} not allowed"))
}

/// What has been read so far. The outermost node stands for the document.
struct Tree {
    open: Vec<Node>,
    elements: usize,
    begun: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self { open: vec![Node::default()], elements: 0, begun: false }
    }
}

impl Tree {
    /// Adds what comes next; `false` at the end.
    fn take(&mut self, event: Event) -> Result<bool, Unread> {
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Decl(declaration) if first => declared(&declaration)?,
            Event::Start(start) if !start.attributes_raw().trim().is_empty() => return Err(refused("attribute")),
            Event::Start(start) => self.start(start.name().0)?,
            Event::End(_) => self.end(),
            Event::Text(text) => self.innermost().text.push_str(&text.xml10_content()),
            Event::CData(text) => self.innermost().text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = referred(&reference)?;
                self.innermost().text.push_str(&text);
            }
            Event::Comment(_) => {}
            Event::Eof => return Ok(false),
            Event::Decl(_) => return Err(refused("late XML declaration")),
            Event::DocType(_) => return Err(refused("DOCTYPE")),
            Event::PI(_) => return Err(refused("processing instruction")),
            Event::Empty(_) => unreachable!("the reader expands them"),
        }
        Ok(true)
    }

    fn innermost(&mut self) -> &mut Node {
        self.open.last_mut().expect("the document is never closed")
    }

    fn start(&mut self, name: &str) -> Result<(), Unread> {
        self.elements += 1;
        if self.open.len() > MAX_DEPTH || self.elements > MAX_ELEMENTS || name.len() > MAX_NAME {
            return Err(refused("that deep, that many elements or that long a name"));
        }
        self.open.push(Node { name: name.to_owned(), ..Node::default() });
        Ok(())
    }

    /// The reader lets no end pass that has no beginning.
    fn end(&mut self) {
        let done = self.open.pop().expect("an element is open");
        self.innermost().children.push(done);
    }

    fn root(mut self) -> Result<Node, Unread> {
        let document = self.open.pop().expect("the document is never closed");
        let whole = self.open.is_empty() && document.text.trim().is_empty() && document.children.len() == 1;
        whole
            .then_some(document.children)
            .and_then(|mut roots| roots.pop())
            .ok_or_else(|| refused("other than one root"))
    }
}

/// A declaration names version 1.0, and UTF-8 or nothing.
fn declared(declaration: &BytesDecl) -> Result<(), Unread> {
    let version = declaration.version().is_ok_and(|version| version == "1.0");
    let encoding = match declaration.encoding() {
        None => true,
        Some(encoding) => encoding.is_ok_and(|encoding| encoding.eq_ignore_ascii_case("UTF-8")),
    };
    if version && encoding { Ok(()) } else { Err(refused("XML declaration")) }
}

/// The text behind a reference: a character's number, or one of the five names that XML has.
fn referred(reference: &BytesRef) -> Result<String, Unread> {
    let character = reference.resolve_char_ref().map_err(|error| Unread::NotXml(error.to_string()))?;
    match character {
        Some(character) if is_xml(character) => Ok(character.to_string()),
        Some(_) => Err(refused("character")),
        None => resolve_predefined_entity(reference).map(str::to_owned).ok_or_else(|| refused("entity")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str) -> String {
        Node::parse(document.as_bytes()).unwrap().text
    }

    #[test]
    fn what_every_parser_reads_alike_is_read_alike() {
        for document in [
            "<a>x&amp;y</a>",
            "<a>x&#38;y</a>",
            "<a>x&#x26;y</a>",
            "<a><![CDATA[x&y]]></a>",
            "<a >x<!-- - -->&amp;y</a >",
            "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>x&amp;y</a>\n",
            "<?xml version='1.0'?><!-- first --><a>x&amp;y</a>",
        ] {
            assert_eq!(text(document), "x&y", "{document}");
        }
        assert_eq!(text("<a>1\r\n2\r3</a>"), "1\n2\n3", "line ends are XML's");
        assert_eq!((text("<a/>"), text("<a></a>")), (String::new(), String::new()));
        assert_eq!(text("<a> x </a>"), " x ", "blanks are part of a value");
    }

    #[test]
    fn what_would_mean_more_than_its_elements_is_refused() {
        for document in [
            "",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>x",
            "x<a/>",
            "<a>&</a>",
            "<a>&x;</a>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<a>\u{FFFE}</a>",
            "<a>&#xFFFF;</a>",
            "<a b=\"1\"/>",
            "<a xmlns=\"urn:x\"></a>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<?x y?><a/>",
            "<a><!-- -- --></a>",
            " <?xml version=\"1.0\"?><a/>",
            "<a><?xml version=\"1.0\"?></a>",
            "<?xml version=\"1.1\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><a/>",
        ] {
            assert!(matches!(Node::parse(document.as_bytes()), Err(Unread::NotXml(_))), "{document}");
        }
        assert_eq!(Node::parse(b"<a>\x83\x84</a>").unwrap_err(), Unread::NotUtf8);
    }

    #[test]
    fn a_document_has_bounds() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
        let named = |length: usize| format!("<{}/>", "a".repeat(length));
        for (what, largest, over) in [
            ("depth", nested(MAX_DEPTH), nested(MAX_DEPTH + 1)),
            ("elements", many(MAX_ELEMENTS), many(MAX_ELEMENTS + 1)),
            ("name", named(MAX_NAME), named(MAX_NAME + 1)),
        ] {
            assert!(Node::parse(largest.as_bytes()).is_ok(), "{what}");
            assert!(Node::parse(over.as_bytes()).is_err(), "{what}");
        }
    }

    #[test]
    fn elements_are_found_by_their_path() {
        let root = Node::parse(b"<r><c><z>7</z><n/></c><l><i><n>1</n></i><i><n>2</n></i></l></r>").unwrap();
        assert_eq!((root.text("c/z"), root.number("c/z"), root.text("c/x"), root.number("c/n")), ("7", 7, "", 0));
        assert_eq!(root.list("l").iter().map(|item| item.number("n")).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(root.texts(&["n", "z"]), ["7", "1", "2"]);
    }
}
