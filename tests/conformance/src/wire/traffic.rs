//! What reached a simulator and what it answered, for people.

use crate::report::Exchange;
use crate::words::Words;
use gateways::{Answer, Received};
use std::fmt::Write;

/// The last of `exchanges`; nothing where there is none.
pub fn last(exchanges: &[gateways::Exchange]) -> Option<Exchange> {
    let exchange = exchanges.last()?;
    Some(shown(&exchange.request, exchange.answer.as_ref()))
}

/// `request`, and what the provider answered.
pub fn shown(request: &Received, answered: Option<&Answer>) -> Exchange {
    let none = || Words::new("（会社の処理まで届かなかった）", "(it did not get as far as the provider's own system)");
    Exchange { request: text(request).into(), answer: answered.map_or_else(none, |given| answer(given).into()) }
}

/// `request` as text. Bytes that are not UTF-8 are replaced; the content-length still tells them apart.
pub fn text(request: &Received) -> String {
    let mut text = format!("{} {}\n", request.method, request.path);
    for (name, value) in &request.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "\n{}", String::from_utf8_lossy(&request.body));
    text
}

fn answer(answer: &Answer) -> String {
    format!("HTTP {}\ncontent-type: {}\n\n{}", answer.status, answer.content_type, answer.body)
}
