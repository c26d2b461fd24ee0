//! Why a request had no answer, in words: what plugins report are names of the program, which say nothing to an
//! operator.

use crate::providers::{CALL_ENDED, CALL_LIMIT};
use domain::issue::ProviderMessage;
use domain::lang::Lang;

/// Words in Japanese and English.
type Words = (&'static str, &'static str);

const NO_CONNECTION: Words = ("接続できませんでした", "there was no connection");
const NO_ADDRESS: Words = ("接続先の名前からアドレスを調べられませんでした", "the name of the gateway has no address");
const NOT_GRANTED: Words = ("許可されていない通信先です", "the destination is not granted");
const TLS: Words = ("暗号化された接続（TLS）を始められませんでした", "there was no TLS connection");
const NO_ANSWER: Words = ("時間内に回答がありませんでした", "no answer came in time");
const CUT: Words = ("接続が途中で切れました", "the connection broke");
const ANSWER_CUT: Words = ("回答が途中で切れました", "the answer broke off");
const UNREADABLE: Words = ("回答をHTTPとして読めませんでした", "the answer is no HTTP");
const TOO_LARGE: Words = ("回答が大きすぎます", "the answer is too large");
const NOT_TAKEN: Words =
    ("要求に送れないところがあり、送信できませんでした", "the request could not be sent as it was");
const FAILED: Words = ("通信に失敗しました", "the communication failed");
const NO_WHOLE_ANSWER: Words = ("すべての回答を受け取れませんでした", "there was no whole answer");

/// The error codes of WASI HTTP, by the beginning of their names; the first that fits counts.
const ERRORS: &[(&str, Words)] = &[
    ("Dns", NO_ADDRESS),
    ("DestinationNotFound", NO_ADDRESS),
    ("DestinationIpProhibited", NOT_GRANTED),
    ("Destination", NO_CONNECTION),
    ("ConnectionRefused", ("接続を断られました", "the connection was refused")),
    ("ConnectionTimeout", ("時間内に接続できませんでした", "there was no connection in time")),
    ("ConnectionLimitReached", NO_CONNECTION),
    ("ConnectionReadTimeout", NO_ANSWER),
    ("Connection", CUT),
    ("Tls", TLS),
    ("HttpRequestDenied", NOT_GRANTED),
    ("HttpRequest", NOT_TAKEN),
    ("HttpResponseIncomplete", ANSWER_CUT),
    ("HttpResponseTimeout", NO_ANSWER),
    ("HttpResponseBodySize", TOO_LARGE),
    ("HttpResponseHeader", TOO_LARGE),
    ("HttpResponseTrailer", TOO_LARGE),
    ("HttpResponse", UNREADABLE),
    ("HttpProtocolError", UNREADABLE),
];

/// The codes of the host for calls of a plugin that did not end well.
const HOST_CODES: &[(&str, Words)] = &[
    (CALL_ENDED, ("プラグインの処理が途中で終わりました", "the plugin broke off")),
    (CALL_LIMIT, ("プラグインの処理が制限に達しました", "the plugin met a limit")),
    ("host-no-request", ("プラグインが何も送信しませんでした", "the plugin sent nothing")),
    ("host-no-answer", NO_WHOLE_ANSWER),
];

/// What stands before the name of an error code where a plugin reports it as its language writes it.
const PREFIX: &str = "ErrorCode::";

/// What `said` says in words, if it is a name of the program and not a provider's or a plugin's message.
pub(super) fn words(said: &ProviderMessage, lang: Lang) -> Option<&'static str> {
    let of_host = said.code.as_deref().and_then(|code| HOST_CODES.iter().find(|(known, _)| *known == code));
    let words = match of_host {
        Some((_, words)) => *words,
        None => {
            let (_, name) = said.message.split_once(PREFIX)?;
            ERRORS.iter().find(|(beginning, _)| name.starts_with(beginning)).map_or(FAILED, |(_, words)| *words)
        }
    };
    Some(lang.pick(words.0, words.1))
}
