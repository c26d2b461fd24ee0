//! What a provider is, apart from any transport: a request and a ledger in, an answer out.

use bytes::Bytes;

use crate::ledger::Ledger;

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// GET, POST, …
    pub method: String,
    /// The path, with the query if there was one.
    pub path: String,
    /// Names in lower case, in the order received. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Bytes,
}

impl Received {
    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The charset that Content-Type names, in lower case, "" if none; `None` if it names another
    /// media type than `media`.
    pub(crate) fn charset(&self, media: &str) -> Option<String> {
        let content_type = self.header("content-type")?.to_ascii_lowercase();
        let mut parts = content_type.split(';').map(str::trim);
        let charset = |part: &str| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned());
        (parts.next() == Some(media)).then(|| parts.find_map(charset).unwrap_or_default())
    }

    /// What stands between the parts of a multipart form; `None` if it is none.
    pub(crate) fn boundary(&self) -> Option<String> {
        let content_type = self.header("content-type")?;
        let (media, parameters) = content_type.split_once(';')?;
        if !media.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
        Some(boundary.trim_matches('"').to_owned())
    }

    /// Bytes it takes to keep it, about.
    pub(crate) fn weight(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.method.len() + self.path.len() + headers + self.body.len()
    }
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content-Type.
    pub content_type: &'static str,
    /// Retry-After in seconds.
    pub retry_after: Option<u32>,
    /// The body, always UTF-8.
    pub body: String,
}

impl Answer {
    /// An HTML page, as a proxy or a web server puts in front of an application.
    pub fn page(status: u16, title: &str) -> Self {
        let body =
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n");
        Self { status, content_type: "text/html; charset=utf-8", retry_after: None, body }
    }
}

/// A way in which a provider refuses every request, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The caller's network address is not a registered one.
    AddressRefused,
    /// The system failed before recording anything.
    SystemFailure,
    /// Closed for maintenance.
    Maintenance,
}

/// A way in which an answer can say something else than what was asked or recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// Another order's reference or id.
    OtherReference,
    /// Another amount.
    OtherAmount,
    /// A code that is in no documentation.
    UnknownCode,
}

/// How to twist the answer of one operation: find the marks one after the other, and put the
/// replacement in place of what stands between the last one and `until`. Only the first row of an
/// answer with several is twisted, so the others must still be read right.
#[derive(Debug)]
pub struct TwistRule {
    /// What it does.
    pub twist: Twist,
    /// The operation whose answer has these marks.
    pub operation: &'static str,
    /// What stands before the value.
    pub marks: &'static [&'static str],
    /// What stands behind it.
    pub until: &'static str,
    /// The new value.
    pub value: &'static str,
}

/// One row of a provider's table.
pub(crate) const fn twist(
    twist: Twist,
    operation: &'static str,
    marks: &'static [&'static str],
    until: &'static str,
    value: &'static str,
) -> TwistRule {
    TwistRule { twist, operation, marks, until, value }
}

impl TwistRule {
    /// The twisted body; `None` where it has no such value.
    pub fn apply(&self, body: &str) -> Option<String> {
        let mut start = 0;
        for mark in self.marks {
            start += body[start..].find(mark)? + mark.len();
        }
        let end = start + body[start..].find(self.until)?;
        Some([&body[..start], self.value, &body[end..]].concat())
    }
}

/// A provider's side of the wire.
pub trait Wire: Send + Sync + 'static {
    /// What the provider is called in Japan.
    fn name(&self) -> &'static str;

    /// The credentials of the merchant that it knows, each under the name that the merchant's papers
    /// have for it.
    fn merchant(&self) -> Vec<(&'static str, String)>;

    /// What stands before every call's own path; begins with a slash, or is empty. Behind the origin
    /// it makes the base URL.
    fn base(&self) -> &str;

    /// Whether its answers have Japanese words. Without, they are the same in every charset, and
    /// no fault of the charset can show.
    fn speaks_japanese(&self) -> bool {
        true
    }

    /// The names of its operations, as fault plans use them.
    fn operations(&self) -> Vec<&'static str>;

    /// The operation that a request asks for, if it is one.
    fn operation(&self, request: &Received) -> Option<&'static str>;

    /// The references and transaction ids that a request names.
    fn names(&self, request: &Received) -> Vec<String>;

    /// Carries the request out, or refuses it.
    fn answer(&self, ledger: &mut Ledger, request: &Received) -> Answer;

    /// How this provider says that it serves nobody now; `None` where it has no words for it.
    fn trouble(&self, operation: &str, trouble: Trouble) -> Option<Answer>;

    /// How its answers can be twisted.
    fn twists(&self) -> &'static [TwistRule];
}

impl<W: Wire> From<W> for Box<dyn Wire> {
    fn from(wire: W) -> Self {
        Box::new(wire)
    }
}
