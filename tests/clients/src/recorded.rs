//! Sessions of a client with a gateway, as text, and playing them to a simulator.
//!
//! A file is a list of exchanges between lines of `====`. Each is a request, a line of `----`, and what its
//! client expects of the answer:
//!
//! ```text
//! POST /api/transaction.do
//! user-agent: Example-Cart/4.2
//! accept: */*
//!
//! <request>…</request>
//! ----
//! 200
//! result = OK
//! transactionInfo/transactionId = $id
//! ```
//!
//! Lines of a form are `name=value`, encoded when they are sent. `$id` is kept at its first mention in an
//! answer, stands for its value in what follows, and has to be the same when it is answered again. `*` is
//! any value, `-` none. Paths lead through elements (`errors/error[2]/errorCode`, `orderStatus@cd`) or the
//! members of JSON (`results/0/authori_result`). Lines that begin with `#` are remarks.

use bytes::Bytes;
use gateways::wire::{Answer, Wire};
use gateways::{Ledger, Received};
use provider_sdk::xml::{self, Element};
use std::collections::BTreeMap;

const BETWEEN_EXCHANGES: &str = "\n====\n";
const BEFORE_ANSWER: &str = "\n----\n";
/// What stands between the parts of a recorded multipart form.
const BOUNDARY: &str = "boundary=";

/// Plays the session `text` to `wire`, and says where an answer is not what the client expects.
pub fn play(wire: &dyn Wire, text: &str) -> Result<Ledger, String> {
    let mut ledger = Ledger::default();
    let mut known = BTreeMap::new();
    let text: String = text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    for (at, exchange) in text.split(BETWEEN_EXCHANGES).enumerate() {
        let (request, expected) = exchange.split_once(BEFORE_ANSWER).ok_or(format!("{at}: no answer is expected"))?;
        let request = request_of(&with_known(request.trim_start(), &known)).ok_or(format!("{at}: no request"))?;
        let answer = wire.answer(&mut ledger, &request);
        let say = |problem: String| format!("exchange {}: {problem}: {}", at + 1, answer.body);
        compare(&answer, expected, &mut known).map_err(say)?;
    }
    Ok(ledger)
}

fn with_known(text: &str, known: &BTreeMap<String, String>) -> String {
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn request_of(text: &str) -> Option<Received> {
    let (head, body) = text.split_once("\n\n")?;
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let content_type = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value);
    let body = encoded(content_type, body.trim_end());
    Some(Received { method: method.to_owned(), path: path.to_owned(), headers, body })
}

fn encoded(content_type: &str, body: &str) -> Bytes {
    let fields = || body.lines().filter_map(|line| line.split_once('='));
    if let Some((_, boundary)) = content_type.split_once(BOUNDARY) {
        let part = |(name, value)| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        return (fields().map(part).collect::<String>() + &format!("--{boundary}--\r\n")).into();
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return form_urlencoded::Serializer::new(String::new()).extend_pairs(fields()).finish().into();
    }
    body.to_owned().into()
}

fn compare(answer: &Answer, expected: &str, known: &mut BTreeMap<String, String>) -> Result<(), String> {
    let mut lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
    let status = lines.next().unwrap_or_default();
    if answer.status.to_string() != status {
        return Err(format!("HTTP {} where {status} is expected", answer.status));
    }
    for line in lines {
        let (path, wanted) = line.split_once(" =").ok_or(format!("{line} says nothing"))?;
        let wanted = wanted.trim();
        let found = value(answer, path);
        let fits = match (wanted, &found) {
            ("*", Some(found)) => !found.is_empty(),
            ("-", found) => found.is_none(),
            (name, Some(found)) if name.starts_with('$') => {
                known.entry(name.to_owned()).or_insert_with(|| found.clone()) == found && !found.is_empty()
            }
            (wanted, found) => found.as_deref() == Some(wanted),
        };
        if !fits {
            return Err(format!("{path} is {found:?} where {wanted} is expected"));
        }
    }
    Ok(())
}

/// What a client finds at a path of an answer.
fn value(answer: &Answer, path: &str) -> Option<String> {
    if answer.content_type.starts_with("application/json") {
        let document: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
        let found = document.pointer(&format!("/{path}"))?;
        return Some(found.as_str().map_or_else(|| found.to_string(), str::to_owned));
    }
    let root = xml::parse(answer.body.as_bytes()).ok()?;
    let (path, attribute) = path.split_once('@').map_or((path, None), |(path, name)| (path, Some(name)));
    let found = path.split('/').try_fold(&root, step)?;
    match attribute {
        None => Some(found.text.clone()),
        Some(name) => found.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    }
}

/// The child that one part of a path names: `error`, or `error[2]` for the second.
fn step<'a>(parent: &'a Element, part: &str) -> Option<&'a Element> {
    let (name, number) = part
        .split_once('[')
        .map_or((part, 1), |(name, number)| (name, number.trim_end_matches(']').parse().unwrap_or(1)));
    parent.children.iter().filter(|child| child.name == name).nth(number - 1)
}
