//! XML requests to change one thing in, and what the tests of every provider of such requests do.
#![allow(dead_code, reason = "no test file needs all of it")]

pub mod atodene;
pub mod score;

use std::time::Duration;

use bytes::Bytes;
use gateways::faults::FAULTS;
use gateways::wire::{Trouble, Twist, Wire};
use gateways::{Fault, Gateway, Ledger, Options, Received};

use crate::common::{Seen, request};

/// A document in which every element has an end of its own. Paths like `customer/name` begin
/// anywhere, and mean the first that fits.
#[derive(Clone)]
pub struct Document(pub String);

impl Document {
    /// With this content in the element.
    pub fn set(self, path: &str, content: impl AsRef<str>) -> Self {
        let name = path.rsplit('/').next().unwrap().to_owned();
        self.replace(path, |_| format!("<{name}>{}</{name}>", content.as_ref()))
    }

    pub fn without(self, path: &str) -> Self {
        self.replace(path, |_| String::new())
    }

    /// With something more behind the element.
    pub fn after(self, path: &str, more: &str) -> Self {
        self.replace(path, |element| element.to_owned() + more)
    }

    pub fn before(self, path: &str, more: &str) -> Self {
        self.replace(path, |element| more.to_owned() + element)
    }

    /// The element under another name.
    pub fn rename(self, path: &str, name: &str) -> Self {
        let old = path.rsplit('/').next().unwrap().to_owned();
        self.replace(path, |element| element.replace(&format!("{old}>"), &format!("{name}>")))
    }

    /// The element twice.
    pub fn twice(self, path: &str) -> Self {
        self.replace(path, |element| element.repeat(2))
    }

    /// With the element behind the one that follows it.
    pub fn swapped(self, path: &str, next: &str) -> Self {
        let (start, end) = self.span(path);
        let element = self.0[start..end].to_owned();
        assert!(self.0[end..].starts_with(&format!("<{next}>")), "{next} does not follow {path}");
        self.without(path).after(next, &element)
    }

    fn replace(self, path: &str, with: impl FnOnce(&str) -> String) -> Self {
        let (start, end) = self.span(path);
        Self([&self.0[..start], &with(&self.0[start..end]), &self.0[end..]].concat())
    }

    fn span(&self, path: &str) -> (usize, usize) {
        let find = |from: usize, mark: String| {
            from + self.0[from..].find(&mark).unwrap_or_else(|| panic!("no {mark} of {path} in {}", self.0))
        };
        let start = path.split('/').fold(0, |from, name| find(from, format!("<{name}>")));
        let close = format!("</{}>", path.rsplit('/').next().unwrap());
        (start, find(start, close.clone()) + close.len())
    }
}

/// An element with this content.
pub fn element(name: &str, content: impl AsRef<str>) -> String {
    format!("<{name}>{}</{name}>", content.as_ref())
}

pub fn received(path: &str, body: impl Into<Bytes>) -> Received {
    Received {
        method: "POST".to_owned(),
        path: path.to_owned(),
        headers: vec![("content-type".to_owned(), "application/xml; charset=UTF-8".to_owned())],
        body: body.into(),
    }
}

/// The text between the first `<name>` and what follows it.
pub fn value<'a>(body: &'a str, name: &str) -> &'a str {
    if body.contains(&format!("<{name}/>")) {
        return "";
    }
    let rest = body.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {body}")).1;
    rest.split_once('<').unwrap().0
}

/// A gateway without a socket.
#[derive(Default)]
pub struct Desk<W> {
    pub provider: W,
    pub ledger: Ledger,
}

impl<W: Wire + Default> Desk<W> {
    /// The answer to a request for this call, whose path is the operation's name.
    pub fn ask(&mut self, folder: &str, operation: &str, document: &Document) -> String {
        self.send(&format!("{folder}/{operation}.do"), document.0.clone())
    }

    pub fn send(&mut self, path: &str, body: impl Into<Bytes>) -> String {
        let answer = self.provider.answer(&mut self.ledger, &received(path, body));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

/// Refused with this code and no other, on record, and nothing registered or changed.
pub fn assert_refused<W: Wire + Default>(
    rule: &str,
    desk: &mut Desk<W>,
    [folder, operation]: [&str; 2],
    document: &Document,
    code: &str,
) {
    let before = desk.ledger.clone();
    let body = desk.ask(folder, operation, document);
    assert!(body.contains("<response><result>NG</result><errors><error>"), "{rule}: {body}");
    assert_eq!(value(&body, "errorCode"), code, "{rule}: {body}");
    assert_eq!(body.matches("<error>").count(), 1, "{rule}: {body}");
    assert_eq!(desk.ledger.registrations, before.registrations, "{rule}");
    assert_eq!(desk.ledger.refusals.len(), before.refusals.len() + 1, "{rule}");
    let refusal = desk.ledger.refusals.back().unwrap();
    assert_eq!((refusal.operation.as_str(), refusal.code.as_str()), (operation, code), "{rule}");
}

/// What is not a POST of XML in UTF-8 is refused by HTTP, with nothing left behind; `untyped` is what comes
/// of a request without Content-Type.
pub fn assert_only_xml_posts<W: Wire + Default>(path: &str, document: &Document, untyped: u16) {
    let mut desk = Desk::<W>::default();
    let valid = received(path, document.0.clone());
    let typed = |content_type: &str| {
        let mut request = valid.clone();
        request.headers = vec![("content-type".to_owned(), content_type.to_owned())];
        request
    };
    for (status, request) in [
        (405, Received { method: "GET".to_owned(), ..valid.clone() }),
        (404, Received { path: format!("{path}?x=1"), ..valid.clone() }),
        (404, Received { path: path.replace(".do", ""), ..valid.clone() }),
        (404, Received { path: format!("/x{path}"), ..valid.clone() }),
        (415, typed("text/xml; charset=UTF-8")),
        (415, typed("application/x-www-form-urlencoded")),
        (415, typed("application/xml; charset=Shift_JIS")),
    ] {
        assert_eq!(desk.provider.answer(&mut desk.ledger, &request).status, status, "{request:?}");
    }
    assert_eq!(desk.ledger, Ledger::default());
    let without = Received { headers: Vec::new(), ..valid.clone() };
    let mut other = Desk::<W>::default();
    assert_eq!(other.provider.answer(&mut other.ledger, &without).status, untyped);
    for content_type in ["application/xml", "application/xml; charset=utf-8"] {
        assert_eq!(desk.provider.answer(&mut desk.ledger, &typed(content_type)).status, 200);
    }
    assert_eq!(desk.ledger.registrations.len(), 2);
}

/// What is no document is refused in the provider's words; `own` writes its own codes.
pub fn assert_only_documents<W: Wire + Default>(path: &str, document: &Document, own: fn(u16) -> String) {
    use gateways::atodene::code::{NOT_UTF8, NOT_XML};
    let before = |start: &[u8]| [start, document.0.as_bytes()].concat();
    let with = |from: &str, to: &str| document.0.replacen(from, to, 1).into_bytes();
    for (what, body, number) in [
        ("nothing", Vec::new(), NOT_XML),
        ("a form", b"shopCode=1".to_vec(), NOT_XML),
        ("cut short", document.0.as_bytes()[..document.0.len() - 1].to_vec(), NOT_XML),
        ("two documents", document.0.repeat(2).into_bytes(), NOT_XML),
        ("Shift_JIS", with("</request>", "").into_iter().chain(*b"\x83\x84</request>").collect(), NOT_UTF8),
        ("Shift_JIS, it says", before(b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?>"), NOT_XML),
        ("an attribute", with("<request>", "<request xmlns=\"urn:x\">"), NOT_XML),
        ("a document type", before(b"<!DOCTYPE request>"), NOT_XML),
        ("an instruction", before(b"<?x y?>"), NOT_XML),
        ("an entity", with("</request>", "&x;</request>"), NOT_XML),
    ] {
        let mut desk = Desk::<W>::default();
        let body = desk.send(path, body);
        assert_eq!((value(&body, "result"), value(&body, "errorCode")), ("NG", own(number).as_str()), "{what}");
        assert_eq!((desk.ledger.registrations.len(), desk.ledger.refusals.len()), (0, 1), "{what}");
    }
}

/// Every call can say that nobody is served, under its own codes.
pub fn assert_trouble<W: Wire + Default>(own: fn(u16) -> String) {
    use gateways::atodene::code::{ADDRESS_REFUSED, MAINTENANCE, SYSTEM_FAILURE};
    let provider = W::default();
    for (trouble, number) in [
        (Trouble::AddressRefused, ADDRESS_REFUSED),
        (Trouble::SystemFailure, SYSTEM_FAILURE),
        (Trouble::Maintenance, MAINTENANCE),
    ] {
        for operation in provider.operations() {
            let body = provider.trouble(operation, trouble).unwrap().body;
            assert_eq!((value(&body, "result"), value(&body, "errorCode")), ("NG", own(number).as_str()));
        }
    }
    assert!(provider.trouble("order", Trouble::Maintenance).is_none(), "not its operation");
}

async fn post(origin: &str, path: &str, document: &Document) -> Seen {
    request(origin, &received(path, document.0.clone())).await
}

pub async fn gateway<W: Wire + Default>() -> Gateway {
    let fast = Duration::from_millis(1);
    Gateway::start(W::default(), Options { late: fast, slow_byte: fast, ..Options::default() }).await.unwrap()
}

/// Every fault but these strikes a registration of the order `R`, and commits what it says. The
/// answer to the document has to be more than ASCII, or a wrong charset could not be seen.
pub async fn assert_faults<W: Wire + Default>(path: &str, operation: &str, document: &Document, cannot: &[Fault]) {
    for info in &FAULTS {
        let gateway = gateway::<W>().await;
        let on = if info.fault == Fault::AcceptClose { String::new() } else { format!("@{operation}") };
        let planned = gateway.plan(format!("{}{on}:nth=1", info.name).parse().unwrap());
        assert_eq!(planned.is_err(), cannot.contains(&info.fault), "{}: {planned:?}", info.name);
        if planned.is_ok() {
            post(&gateway.origin(), path, document).await;
            assert_eq!(gateway.ledger().by_reference("R").count(), usize::from(info.commits), "{}", info.name);
            assert_eq!(gateway.hits_of(info.fault), 1, "{}", info.name);
        }
    }
}

/// Every twist changes what its mark stands before, and the ledger holds the truth.
pub async fn assert_twists<W: Wire + Default>(folder: &str, document: impl Fn(&str) -> Document) {
    let provider = W::default();
    for rule in provider.twists() {
        let gateway = gateway::<W>().await;
        let first = provider.operations()[0];
        let register = post(&gateway.origin(), &format!("{folder}/{first}.do"), &document(first)).await;
        assert!(register.text().contains("<result>OK</result>"), "{}", register.text());
        let info = FAULTS.iter().find(|info| info.name == name(rule.twist)).unwrap();
        gateway.plan(format!("{}@{}", info.name, rule.operation).parse().unwrap()).unwrap();
        let seen = post(&gateway.origin(), &format!("{folder}/{}.do", rule.operation), &document(rule.operation)).await;
        let twisted = format!("{}{}<", rule.marks.concat(), rule.value);
        assert!(seen.text().contains(&twisted), "{rule:?}: {}", seen.text());
        assert_eq!(gateway.hits_of(info.fault), 1, "{rule:?}");
        assert_eq!(gateway.ledger().by_reference("OTHER-REFERENCE").count(), 0, "{rule:?}");
        assert!(gateway.ledger().refusals.is_empty(), "{rule:?}");
    }
}

fn name(twist: Twist) -> &'static str {
    match twist {
        Twist::OtherReference => "other-reference",
        Twist::OtherAmount => "other-amount",
        Twist::UnknownCode => "unknown-code",
    }
}
