//! Small XML documents, as the gateways exchange them: a tree of elements with text and attributes.

use crate::answer::without_mark;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

/// Deepest nesting accepted. The gateways' answers are four deep; the bound keeps a hostile answer
/// from growing the tree without end.
const MAX_DEPTH: usize = 32;

/// One element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Element {
    /// Tag name, as written.
    pub name: String,
    /// Attributes in order.
    pub attributes: Vec<(String, String)>,
    /// Text directly inside, trimmed.
    pub text: String,
    /// Elements directly inside, in order.
    pub children: Vec<Self>,
}

impl Element {
    /// An element with text and nothing else.
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into(), ..Self::default() }
    }

    /// An element with children and nothing else.
    pub fn parent(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), children, ..Self::default() }
    }

    /// The first child named `name`.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child named `name`, or "".
    pub fn child_text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }

    /// All children named `name` below the first child named `list`.
    pub fn list<'a>(&'a self, list: &str, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.child(list).into_iter().flat_map(move |list| list.children.iter().filter(move |child| child.name == name))
    }

    /// The attribute `name`, or "".
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// The root element of a UTF-8 document. Any irregularity is an error: an answer that is half
/// readable says nothing reliable about money. So are text beside elements, which no gateway's answer has (of
/// `<result>O<x/>K</result>` nobody knows what it says), and text with characters that XML 1.0 forbids.
pub fn parse(document: &[u8]) -> Result<Element, String> {
    let document = std::str::from_utf8(without_mark(document)).map_err(|_| "not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                if root.is_some() || open.len() == MAX_DEPTH {
                    return Err("too deep, or more than one root".to_owned());
                }
                open.push(start(&tag)?);
            }
            Event::Empty(tag) => {
                let element = start(&tag)?;
                close(element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or("an end without a start")?;
                close(element, &mut open, &mut root)?;
            }
            Event::Text(text) => add_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => add_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(name) => add_text(&mut open, &resolve(&name)?)?,
            Event::DocType(_) => return Err("a document type is not accepted".to_owned()),
            Event::Eof => {
                return if open.is_empty() { root.ok_or("no element".to_owned()) } else { Err("cut short".to_owned()) };
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

fn start(tag: &BytesStart) -> Result<Element, String> {
    let mut element = Element { name: tag.name().0.to_owned(), ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value =
            attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        element.attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn close(mut element: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    element.text = element.text.trim().to_owned();
    if !element.children.is_empty() && !element.text.is_empty() {
        return Err("text beside elements".to_owned());
    }
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err("more than one root".to_owned()),
    }
    Ok(())
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    if !text.chars().all(allowed) {
        return Err("a character that XML forbids".to_owned());
    }
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.chars().all(is_blank) => {}
        None => return Err("text outside the root".to_owned()),
    }
    Ok(())
}

fn resolve(name: &quick_xml::events::BytesRef) -> Result<String, String> {
    if let Some(character) = name.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(name).map(str::to_owned).ok_or(format!("unknown entity {}", &**name))
}

/// `root` as a UTF-8 document with a declaration. Characters that XML 1.0 forbids are left out.
pub fn write(root: &Element) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    // Writing to a Vec cannot fail.
    let _ = writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    write_element(&mut writer, root);
    writer.into_inner()
}

fn write_element(writer: &mut Writer<Vec<u8>>, element: &Element) {
    let mut tag = BytesStart::new(element.name.as_str());
    tag.extend_attributes(element.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let _ = writer.write_event(Event::Start(tag));
    let text: String = element.text.chars().filter(|c| allowed(*c)).collect();
    let _ = writer.write_event(Event::Text(BytesText::new(&text)));
    for child in &element.children {
        write_element(writer, child);
    }
    let _ = writer.write_event(Event::End(BytesEnd::new(element.name.as_str())));
}

/// `Char` of XML 1.0.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_gateway_answers() {
        let answer = "<?xml version=\"1.0\"?><response><status>error</status><messages><message cd=\"E00303\">金額 &amp; &#x8aa4;り</message></messages><orderStatus cd=\"\"/></response>";
        let root = parse(answer.as_bytes()).unwrap();
        assert_eq!(root.child_text("status"), "error");
        let messages: Vec<_> = root.list("messages", "message").collect();
        assert_eq!((messages[0].attribute("cd"), messages[0].text.as_str()), ("E00303", "金額 & 誤り"));
        assert_eq!(root.child("orderStatus").unwrap().attribute("cd"), "");
    }

    #[test]
    fn refuses_what_is_not_one_whole_document() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        for bad in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "x<a/>",
            "<a>&nbsp;</a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
            "<html><br></html>",
            "<a>O<b/>K</a>",
            "<a>&#x0b;</a>",
            "<a>\u{b}</a>",
            "<a/>\u{b}",
            "<a/>\u{3000}",
            &deep,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(b"<a>\x83e\x83X\x83g</a>").is_err(), "Shift_JIS");
    }

    proptest! {
        #[test]
        fn text_survives(text in "\\PC*") {
            let written = write(&Element::parent("request", vec![Element::text("name", text.clone())]));
            let read = parse(&written).unwrap();
            prop_assert_eq!(read.child_text("name"), text.trim());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
