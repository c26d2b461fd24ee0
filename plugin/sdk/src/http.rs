//! Requests and answers, and what a transport error means for money.

use crate::failure::reason;
use crate::types::Failure;
use std::time::Duration;
use wasip3::http::types::ErrorCode;

/// How long a gateway may take to answer, from the merchants' clients that are publicly known.
/// The host's own deadline may end a call earlier.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What every request says of its sender, in lower case. Some gateways' firewalls answer 403 to one that
/// names no client, and nothing here unpacks a compressed answer.
pub const ALWAYS: [(&str, &str); 3] = [
    ("user-agent", concat!("deferred-payment-provider/", env!("CARGO_PKG_VERSION"))),
    ("accept", "*/*"),
    ("accept-encoding", "identity"),
];

/// One HTTP request with its whole body.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `POST`, `PATCH` …
    pub method: &'static str,
    /// Absolute: scheme, host, path, query.
    pub url: String,
    /// Header names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body as it goes out.
    pub body: Vec<u8>,
}

impl Request {
    /// A POST of `body` to `url`.
    pub fn post(url: String, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method: "POST", url, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    /// The headers as they go out: its own, [`ALWAYS`], and the body's length.
    pub fn all_headers(&self) -> Vec<(&'static str, String)> {
        let always = ALWAYS.map(|(name, value)| (name, value.to_owned()));
        let length = ("content-length", self.body.len().to_string());
        self.headers.iter().cloned().chain(always).chain([length]).collect()
    }
}

/// A whole HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if it was sent and is text.
    pub content_type: Option<String>,
    /// `Retry-After` in seconds, if it was sent as a number.
    pub retry_after: Option<u32>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer, by what the platform may do next.
#[derive(Debug, Clone, PartialEq)]
pub enum SendError {
    /// No byte of the request can have reached the gateway.
    NotSent(String),
    /// Some of it can have.
    OutcomeUnknown(String),
}

impl SendError {
    /// The contract's failure.
    pub fn into_failure(self) -> Failure {
        match self {
            Self::NotSent(message) => Failure::NotSent(reason("not-sent".to_owned(), message)),
            Self::OutcomeUnknown(message) => Failure::OutcomeUnknown(reason("answer-lost".to_owned(), message)),
        }
    }
}

/// Something that carries requests to a gateway. Never repeats one by itself.
#[allow(async_fn_in_trait, reason = "guests are single-threaded: the futures need not be Send")]
pub trait Transport {
    /// Sends `request` once and reads the whole answer.
    async fn send(&self, request: Request) -> Result<Response, SendError>;
}

/// Sorts every `wasi:http` error code. One rule: *not sent* only where the code itself says that
/// the request had not begun to go out; everything else is *outcome unknown*.
///
/// | not sent | because |
/// |---|---|
/// | `DNS-timeout`, `DNS-error`, `destination-*` | there was no address to send to, or it was refused |
/// | `connection-refused`, `connection-timeout`, `connection-limit-reached` | there was no connection |
/// | `TLS-certificate-error` | certificates are judged before the first byte of a request |
/// | `HTTP-request-denied`, `-length-required`, `-method-invalid`, `-URI-*`, `-header-*` | the host refused the request itself |
///
/// | outcome unknown | because |
/// |---|---|
/// | `connection-terminated`, `-read-timeout`, `-write-timeout` | the connection existed |
/// | `TLS-protocol-error`, `TLS-alert-received` | can come in the middle of a connection |
/// | `HTTP-request-body-size`, `-trailer-*` | can be noticed while the body goes out |
/// | `HTTP-response-*`, `HTTP-upgrade-failed`, `HTTP-protocol-error` | an answer had begun |
/// | `loop-detected`, `configuration-error`, `internal-error` | say nothing about when |
impl From<ErrorCode> for SendError {
    fn from(code: ErrorCode) -> Self {
        use ErrorCode::*;
        let words = format!("{code:?}");
        match code {
            DnsTimeout
            | DnsError(_)
            | DestinationNotFound
            | DestinationUnavailable
            | DestinationIpProhibited
            | DestinationIpUnroutable
            | ConnectionRefused
            | ConnectionTimeout
            | ConnectionLimitReached
            | TlsCertificateError
            | HttpRequestDenied
            | HttpRequestLengthRequired
            | HttpRequestMethodInvalid
            | HttpRequestUriInvalid
            | HttpRequestUriTooLong
            | HttpRequestHeaderSectionSize(_)
            | HttpRequestHeaderSize(_) => Self::NotSent(words),
            ConnectionTerminated
            | ConnectionReadTimeout
            | ConnectionWriteTimeout
            | TlsProtocolError
            | TlsAlertReceived(_)
            | HttpRequestBodySize(_)
            | HttpRequestTrailerSectionSize(_)
            | HttpRequestTrailerSize(_)
            | HttpResponseIncomplete
            | HttpResponseHeaderSectionSize(_)
            | HttpResponseHeaderSize(_)
            | HttpResponseBodySize(_)
            | HttpResponseTrailerSectionSize(_)
            | HttpResponseTrailerSize(_)
            | HttpResponseTransferCoding(_)
            | HttpResponseContentCoding(_)
            | HttpResponseTimeout
            | HttpUpgradeFailed
            | HttpProtocolError
            | LoopDetected
            | ConfigurationError
            | InternalError(_) => Self::OutcomeUnknown(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_names_its_client_and_asks_for_a_plain_answer() {
        let request = Request::post("https://example.jp".to_owned(), "text/xml", "茶");
        let headers = request.all_headers();
        let value = |name: &str| {
            let mut values = headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            let value = values.next();
            assert_eq!(values.next(), None, "{name} once");
            value
        };
        assert!(value("user-agent").is_some_and(|agent| agent.contains('/')));
        assert_eq!((value("accept"), value("accept-encoding")), (Some("*/*"), Some("identity")));
        assert_eq!((value("content-type"), value("content-length")), (Some("text/xml"), Some("3")));
    }

    #[test]
    fn only_what_cannot_have_left_is_not_sent() {
        for code in [ErrorCode::ConnectionRefused, ErrorCode::DnsTimeout, ErrorCode::HttpRequestDenied] {
            assert!(matches!(SendError::from(code), SendError::NotSent(_)));
        }
        for code in [
            ErrorCode::ConnectionTerminated,
            ErrorCode::HttpResponseTimeout,
            ErrorCode::TlsProtocolError,
            ErrorCode::InternalError(None),
        ] {
            assert!(matches!(SendError::from(code), SendError::OutcomeUnknown(_)));
        }
    }
}
