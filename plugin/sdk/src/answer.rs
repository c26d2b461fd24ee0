//! What an answer is worth before its content is read, the same for every gateway.

use crate::failure::{reason, unreadable};
use crate::http::Response;
use crate::types::Failure;
use crate::xml::{self, Element};

/// HTTP: too many requests.
const TOO_MANY: u16 = 429;

/// Nothing, if `response` came with one of `statuses`, in which `provider` speaks for itself, and in UTF-8.
///
/// Any other status says nothing about what was recorded; only 429 does, by what it means (*assumed*).
pub fn accept(response: &Response, provider: &str, statuses: &[u16]) -> Result<(), Failure> {
    match response.status {
        status if statuses.contains(&status) => {}
        TOO_MANY => {
            let words = reason("http-429".to_owned(), format!("{provider}が混み合っています。時間をおいてください"));
            return Err(Failure::Busy((words, response.retry_after)));
        }
        status => {
            let words = format!("{provider}がHTTP {status}を返しました。登録されたかどうかはわかりません");
            return Err(Failure::OutcomeUnknown(reason(format!("http-{status}"), words)));
        }
    }
    if !is_utf8(response.content_type.as_deref().unwrap_or_default()) {
        return Err(unreadable(format!("{provider}の回答の文字コードがUTF-8ではありません")));
    }
    Ok(())
}

/// The element `root` that `response` holds, for gateways that also answer business errors with HTTP 200.
pub fn xml(response: &Response, provider: &str, root: &str) -> Result<Element, Failure> {
    accept(response, provider, &[200])?;
    let document =
        xml::parse(&response.body).map_err(|error| unreadable(format!("{provider}の回答を読めません（{error}）")))?;
    if document.name != root {
        return Err(unreadable(format!("{provider}の回答が{root}要素ではありません")));
    }
    Ok(document)
}

/// The answers are UTF-8; a media type that names no character set does not contradict that.
fn is_utf8(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    let charset = content_type.split(';').filter_map(|part| part.trim().strip_prefix("charset=")).next();
    charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, content_type: &str, body: &str) -> Response {
        let content_type = Some(content_type.to_owned());
        Response { status, content_type, retry_after: Some(30), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn only_the_statuses_named_are_read() {
        assert_eq!(accept(&response(400, "", ""), "P", &[200, 400]), Ok(()));
        assert!(matches!(accept(&response(400, "", ""), "P", &[200]), Err(Failure::OutcomeUnknown(_))));
        assert!(matches!(accept(&response(429, "", ""), "P", &[200]), Err(Failure::Busy((_, Some(30))))));
    }

    #[test]
    fn xml_is_one_whole_document_in_utf8() {
        for content_type in ["", "text/xml", "text/xml; charset=utf-8", "text/xml;charset=\"UTF-8\""] {
            assert!(xml(&response(200, content_type, "<return/>"), "P", "return").is_ok(), "{content_type}");
        }
        let bad = [
            response(200, "text/xml; charset=Shift_JIS", "<return/>"),
            response(200, "text/xml", "<Return/>"),
            response(200, "text/xml", "<return>"),
            response(500, "text/xml", "<return/>"),
        ];
        for response in bad {
            assert!(matches!(xml(&response, "P", "return"), Err(Failure::OutcomeUnknown(_))), "{response:?}");
        }
    }
}
