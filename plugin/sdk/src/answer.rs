//! What an answer is worth before its content is read, the same for every gateway; and whether it
//! speaks of what was asked.

use crate::failure::{mismatch, reason, unreadable};
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
            let words = format!("{provider}がHTTP {status}を返しました。処理されたかどうかはわかりません");
            return Err(Failure::OutcomeUnknown(reason(format!("http-{status}"), words)));
        }
    }
    if !is_utf8(response) {
        return Err(unreadable(format!("{provider}の回答の文字コードがUTF-8ではありません")));
    }
    Ok(())
}

/// The body without the byte order mark that some systems put before UTF-8.
pub fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
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

/// Names of UTF-8 in a media type, in lower case; the second is none, and frequent.
const UTF_8: [&str; 2] = ["utf-8", "utf8"];
/// What some servers name where nobody told them better. Their ASCII is that of UTF-8, and no more of
/// such an answer can be read.
const ASCII_ALONE: [&str; 2] = ["iso-8859-1", "us-ascii"];

/// The answers are UTF-8; a media type that names no character set does not contradict that.
fn is_utf8(response: &Response) -> bool {
    let content_type = response.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let mut charsets = content_type.split(';').filter_map(|part| part.trim().strip_prefix("charset="));
    charsets
        .next()
        .map(|charset| charset.trim_matches(['"', '\'']))
        .is_none_or(|charset| UTF_8.contains(&charset) || ASCII_ALONE.contains(&charset) && response.body.is_ascii())
}

/// The errors of an answer whose `result` is NG, the request refused; nothing where it is OK.
///
/// For the gateways that answer `result` and `errors/error`.
pub fn refused<'a>(provider: &str, answer: &'a Element) -> Result<Option<Vec<&'a Element>>, Failure> {
    let errors: Vec<_> = answer.list("errors", "error").collect();
    match answer.child_text("result") {
        "OK" if errors.is_empty() => Ok(None),
        "OK" => Err(mismatch(format!("{provider}の回答のresultはOKですが、エラーがあります"))),
        "NG" => Ok(Some(errors)),
        _ => Err(unreadable(format!("{provider}の回答のresultがOKでもNGでもありません"))),
    }
}

/// Nothing, if `element` says each of `names` once at most. What is said twice could be said in two ways, and which of
/// them is meant nobody knows.
pub fn once(provider: &str, element: &Element, names: &[&str]) -> Result<(), Failure> {
    let times = |name: &str| element.children.iter().filter(|child| child.name == name).count();
    match names.iter().find(|name| times(name) > 1) {
        Some(twice) => Err(mismatch(format!("{provider}の回答に{twice}が二度あります"))),
        None => Ok(()),
    }
}

/// What `provider` echoes in `element` of its answer is what was `asked`. An answer that names something
/// else answers another request; one that names nothing is for the caller to judge.
pub fn check_echo(provider: &str, answer: &Element, element: &str, asked: &str) -> Result<(), Failure> {
    let echoed = answer.child_text(element);
    if echoed.is_empty() || echoed == asked {
        return Ok(());
    }
    Err(mismatch(format!("{provider}の回答の{element}が{echoed}で、送った{asked}と一致しません")))
}

/// As [`check_echo`], where an answer without the echo cannot be trusted either.
pub fn require_echo(provider: &str, answer: &Element, element: &str, asked: &str) -> Result<(), Failure> {
    check_echo(provider, answer, element, asked)?;
    if answer.child_text(element).is_empty() {
        return Err(mismatch(format!("{provider}の回答に{element}がありません（送ったのは{asked}）")));
    }
    Ok(())
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
        for content_type in [
            "",
            "text/xml",
            "text/xml; charset=utf-8",
            "text/xml;charset=\"UTF-8\"",
            "text/xml; charset=utf8",
            "text/xml; charset='UTF-8'",
            "text/xml; charset=ISO-8859-1",
            "text/xml; charset=US-ASCII",
        ] {
            assert!(xml(&response(200, content_type, "<return/>"), "P", "return").is_ok(), "{content_type}");
        }
        assert!(xml(&response(200, "", "\u{feff}<return/>"), "P", "return").is_ok(), "a byte order mark is no text");
        let bad = [
            response(200, "text/xml; charset=Shift_JIS", "<return/>"),
            response(200, "text/xml; charset=ISO-8859-1", "<return>あ</return>"),
            response(200, "text/xml", "<Return/>"),
            response(200, "text/xml", "<return>"),
            response(500, "text/xml", "<return/>"),
        ];
        for response in bad {
            assert!(matches!(xml(&response, "P", "return"), Err(Failure::OutcomeUnknown(_))), "{response:?}");
        }
    }

    #[test]
    fn an_echo_of_something_else_is_refused_and_none_where_it_is_required() {
        let answer = Element::parent("a", vec![Element::text("id", "1"), Element::text("none", "")]);
        assert_eq!(check_echo("P", &answer, "id", "1"), Ok(()));
        assert_eq!(require_echo("P", &answer, "id", "1"), Ok(()));
        assert_eq!(check_echo("P", &answer, "none", "1"), Ok(()));
        let wrong = [
            check_echo("P", &answer, "id", "2"),
            require_echo("P", &answer, "id", "2"),
            require_echo("P", &answer, "none", "1"),
        ];
        for wrong in wrong {
            assert!(matches!(wrong, Err(Failure::OutcomeUnknown(_))), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_said_twice_is_not_believed() {
        let answer = crate::xml::parse(b"<a><id>1</id><id>1</id><note/><note/><in><x/><x/></in></a>").unwrap();
        assert_eq!(once("P", &answer, &["x", "in", "absent"]), Ok(()));
        assert!(matches!(once("P", &answer, &["in", "id"]), Err(Failure::OutcomeUnknown(_))));
    }

    #[test]
    fn a_result_is_ok_without_errors_or_ng() {
        let errors = |answer: &str| {
            let answer = crate::xml::parse(format!("<a>{answer}</a>").as_bytes()).unwrap();
            refused("P", &answer).map(|errors| errors.map(|errors| errors.len()))
        };
        assert_eq!(errors("<result>OK</result>"), Ok(None));
        assert_eq!(errors("<result>OK</result><errors/>"), Ok(None));
        assert_eq!(errors("<result>NG</result>"), Ok(Some(0)));
        assert_eq!(errors("<result>NG</result><errors><error/><error/></errors>"), Ok(Some(2)));
        for bad in ["<result>OK</result><errors><error/></errors>", "<result>ok</result>", ""] {
            assert!(matches!(errors(bad), Err(Failure::OutcomeUnknown(_))), "{bad}");
        }
    }
}
