//! A gateway for tests that is a function: it answers each request at once and keeps what was sent.

use crate::http::{Request, Response, SendError, Transport};
use std::cell::RefCell;

/// Answers with `F` and records the requests.
pub struct Scripted<F> {
    answer: F,
    sent: RefCell<Vec<Request>>,
}

impl<F: Fn(&Request) -> Result<Response, SendError>> Scripted<F> {
    /// A gateway that answers with `answer`.
    pub fn new(answer: F) -> Self {
        Self { answer, sent: RefCell::default() }
    }

    /// What was sent so far, in order.
    pub fn sent(&self) -> Vec<Request> {
        self.sent.borrow().clone()
    }
}

impl<F: Fn(&Request) -> Result<Response, SendError>> Transport for Scripted<F> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let answer = (self.answer)(&request);
        self.sent.borrow_mut().push(request);
        answer
    }
}

/// A gateway that must not be asked.
///
/// # Panics
/// If it is.
pub fn silent() -> Scripted<impl Fn(&Request) -> Result<Response, SendError>> {
    Scripted::new(|request| panic!("{} was sent", request.url))
}

/// An answer with `body`, and without `Retry-After`.
pub fn http(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Response, SendError> {
    let content_type = Some(content_type.to_owned());
    Ok(Response { status, content_type, retry_after: None, body: body.into() })
}

/// The fields of a form body, decoded, in order.
pub fn form_fields(request: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}
