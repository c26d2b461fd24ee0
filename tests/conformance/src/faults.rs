//! Every fault of the kit's own gateway, and what a plugin may say of it.

use crate::line::{Does, Line};
use crate::report::{Finding, Outcome};
use crate::session::{Operation, Session, Told, broken, name};
use crate::words::{Words, say};
use futures::future::join_all;
use provider_host::{Progress, RowOutcome};

/// A way in which a gateway fails.
pub struct Fault {
    /// Its name: the check is `fault.NAME`.
    pub name: &'static str,
    /// What the line does.
    pub does: Does,
    /// What a row may say then.
    pub allowed: &'static [RowOutcome],
    /// What it does, in Japanese.
    pub ja: &'static str,
    /// What it does, in English.
    pub en: &'static str,
}

const fn fault(
    name: &'static str,
    does: Does,
    allowed: &'static [RowOutcome],
    ja: &'static str,
    en: &'static str,
) -> Fault {
    Fault { name, does, allowed, ja, en }
}

const UNKNOWN: &[RowOutcome] = &[RowOutcome::OutcomeUnknown];
const HTML: &[&str] = &["content-type: text/html; charset=utf-8"];
const XML: &[&str] = &["content-type: text/xml; charset=utf-8"];
const JSON: &[&str] = &["content-type: application/json"];
const PAGE: &[u8] =
    b"<!DOCTYPE html>\n<html><head><title>502</title></head><body><h1>Bad Gateway</h1><br></body></html>\n";
/// A document that is broken off; any would do.
const DOCUMENT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><response><status>success</status></response>";

/// The line where every request is lost after it was read.
pub const LOSES: &str = "read-close";
/// The line that answers at once, with nothing.
pub const EMPTY: &str = "empty-body";
/// Lines on which a registration may have arrived: none of them may be tried twice.
pub const MAY_HAVE_ARRIVED: [&str; 4] = [LOSES, "no-answer", "http-500", "cut-body"];

/// Every fault. Where a request can have arrived and its answer is lost or says nothing, there is one
/// honest word. A status may say more: 429 that nothing was done, 401 that the shop was refused, and
/// 503 usually the first.
pub const FAULTS: [Fault; 20] = [
    fault("refused", Does::Refuses, &[RowOutcome::NotSent], "接続を拒否する", "refuses the connection"),
    // Whether anything was written is a race that only the host can decide; it overrules the plugin.
    fault(
        "accept-close",
        Does::Closes,
        &[RowOutcome::NotSent, RowOutcome::OutcomeUnknown],
        "接続を受けてすぐ切る",
        "accepts and closes",
    ),
    fault(LOSES, Does::ReadsAndCloses, UNKNOWN, "要求を読んで切る", "reads the request and closes"),
    fault("no-answer", Does::ReadsAndWaits, UNKNOWN, "要求を読んで応答しない", "reads the request and never answers"),
    fault("cut-body", Does::Cuts(DOCUMENT), UNKNOWN, "応答を途中で切る", "cuts the answer"),
    fault("slow-body", Does::Drips, UNKNOWN, "応答を1バイトずつ返し続ける", "answers byte by byte without end"),
    fault("huge-body", Does::Floods, UNKNOWN, "上限より大きい応答を返す", "answers more than the limit"),
    fault(EMPTY, Does::Answers("200 OK", XML, b""), UNKNOWN, "空の応答を返す", "answers 200 with nothing"),
    fault(
        "garbage",
        Does::Answers("200 OK", XML, b"\x00\xff\xfe\x9fPK\x03\x04\x80\x81 not what you asked for"),
        UNKNOWN,
        "意味のないバイト列を返す",
        "answers 200 with garbage",
    ),
    fault(
        "wrong-charset",
        // <response><status>成功</status></response> in Shift_JIS.
        Does::Answers("200 OK", XML, b"<response><status>\x90\xac\x8c\xf7</status></response>"),
        UNKNOWN,
        "UTF-8と称してShift_JISで返す",
        "answers in Shift_JIS and calls it UTF-8",
    ),
    fault(
        "html-page",
        Does::Answers("200 OK", HTML, PAGE),
        UNKNOWN,
        "200でHTMLの画面を返す",
        "answers 200 with a page",
    ),
    fault(
        "empty-xml",
        Does::Answers("200 OK", XML, b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><response/>"),
        UNKNOWN,
        "中身のないXMLを返す",
        "answers an XML document with nothing in it",
    ),
    fault(
        "empty-json",
        Does::Answers("200 OK", JSON, b"{}"),
        UNKNOWN,
        "中身のないJSONを返す",
        "answers a JSON object with nothing in it",
    ),
    fault(
        "redirect",
        Does::Answers("302 Found", &["location: http://127.0.0.1:9/elsewhere"], b""),
        UNKNOWN,
        "別の場所へ転送する",
        "redirects elsewhere",
    ),
    fault(
        "http-401",
        Does::Answers("401 Unauthorized", HTML, PAGE),
        &[RowOutcome::Unauthorized, RowOutcome::OutcomeUnknown],
        "401を返す",
        "answers 401",
    ),
    fault("http-404", Does::Answers("404 Not Found", HTML, PAGE), UNKNOWN, "404を返す", "answers 404"),
    fault(
        "http-429",
        Does::Answers("429 Too Many Requests", &["retry-after: 7"], b""),
        &[RowOutcome::Busy, RowOutcome::OutcomeUnknown],
        "429とRetry-Afterを返す",
        "answers 429 with Retry-After",
    ),
    fault("http-500", Does::Answers("500 Internal Server Error", HTML, PAGE), UNKNOWN, "500を返す", "answers 500"),
    fault(
        "http-502",
        Does::Answers("502 Bad Gateway", HTML, PAGE),
        UNKNOWN,
        "502とHTMLの画面を返す",
        "answers 502 with a page",
    ),
    fault(
        "http-503",
        Does::Answers("503 Service Unavailable", &["retry-after: 7"], b""),
        &[RowOutcome::OutcomeUnknown, RowOutcome::Busy],
        "503とRetry-Afterを返す",
        "answers 503 with Retry-After",
    ),
];

/// Every operation of the plugin meets `fault` and says what it may.
pub async fn meets(session: &Session, fault: &'static Fault) -> Outcome {
    let line = session.line(fault.name);
    let told = join_all(session.operations().map(|operation| session.ordinary(operation, line))).await;
    // Most plugins make the same mistake in all operations, and then it is said once.
    let mut wrong: Vec<(Words, &Told, Vec<&str>)> = Vec::new();
    for (told, words) in told.iter().filter_map(|told| Some((told, judge(told, fault)?))) {
        let name = told.operation.name();
        match wrong.iter_mut().find(|(other, ..)| *other == words) {
            Some((.., names)) => names.push(name),
            None => wrong.push((words, told, vec![name])),
        }
    }
    Outcome::of(wrong.into_iter().map(|(words, told, names)| Finding {
        words: words.after(&names.join(", ")),
        exchange: Some(told.exchange(line)),
    }))
}

/// What is wrong with what the plugin said.
fn judge(told: &Told, fault: &Fault) -> Option<Words> {
    // Without the plugin's own word nothing shows that it would have said the right one.
    if let Some(error) = told.error() {
        return Some(broken(error));
    }
    let word = told.words.first()?;
    let (said, word) = (told.said(), name(*word));
    let nothing_left = told.requests().all(|request| request.progress == Progress::NotSent);
    let wants_connection = !matches!(fault.does, Does::Refuses | Does::Closes);
    if told.requests().next().is_none() || (wants_connection && nothing_left) {
        return Some(say!(
            "検査用の接続先に要求が届かなかった（回答 {word}: {said}）",
            "no request reached the kit's gateway (it said {word}: {said})"
        ));
    }
    let allowed: Vec<_> = fault.allowed.iter().map(|word| name(*word)).collect();
    let (ja, en) = (allowed.join("、"), allowed.join(" or "));
    (!allowed.contains(&word)).then(|| {
        say!("{ja} と言うべきところ {word} と言った（{said}）", "said {word} where it has to say {en} ({said})")
    })
}

/// A registration that may have arrived is not sent again within the call.
pub async fn sends_once(session: &Session) -> Outcome {
    let lines: Vec<(&str, &Line)> = MAY_HAVE_ARRIVED.map(|name| (name, session.line(name))).into();
    let calls = lines.into_iter().map(async |(name, line)| (name, session.ordinary(Operation::Credit, line).await));
    let told = join_all(calls).await;
    Outcome::of(told.iter().filter_map(|(name, told)| {
        Some(Finding { words: sent_again(name, told)?, exchange: Some(told.exchange(session.line(name))) })
    }))
}

fn sent_again(line: &str, told: &Told) -> Option<Words> {
    let sent: Vec<_> = told.requests().filter(|request| request.progress != Progress::NotSent).collect();
    let again =
        |at: &usize| sent[..*at].iter().any(|r| r.path == sent[*at].path && r.request_bytes == sent[*at].request_bytes);
    let path = &sent[(0..sent.len()).find(again)?].path;
    Some(say!(
        "障害 {line}: 同じ登録を {path} へ二度送った",
        "fault {line}: sent the same registration to {path} twice"
    ))
}
