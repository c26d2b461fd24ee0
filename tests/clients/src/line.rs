//! A plugin, built for this machine, on one end and the simulator of its gateway on the other, without a
//! socket between.

use gateways::wire::Wire;
use gateways::{Ledger, Received};
use provider_sdk::http::{Request, Response, SendError, Transport};
use std::cell::RefCell;

/// Where the simulator seems to be.
pub const ORIGIN: &str = "https://gateway.example";

/// The simulator as a plugin reaches it.
pub struct Line {
    wire: Box<dyn Wire>,
    ledger: RefCell<Ledger>,
}

impl Line {
    /// To the simulator of the provider `id`, with its invented merchant; nothing where there is none.
    pub fn to(id: &str) -> Option<Self> {
        gateways::by_id(id).map(Self::new)
    }

    /// To this simulator.
    pub fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, ledger: RefCell::default() }
    }

    /// The base URL that a shop would enter.
    pub fn base(&self) -> String {
        format!("{ORIGIN}{}", self.wire.base())
    }

    /// What the gateway has recorded.
    pub fn ledger(&self) -> Ledger {
        self.ledger.borrow().clone()
    }
}

impl Transport for Line {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let path = request.url.strip_prefix(ORIGIN).ok_or(SendError::NotSent("another host".to_owned()))?.to_owned();
        let headers = request.all_headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let received = Received { method: request.method.to_owned(), path, headers, body: request.body.into() };
        let answer = self.wire.answer(&mut self.ledger.borrow_mut(), &received);
        let content_type = Some(answer.content_type.to_owned());
        Ok(Response { status: answer.status, content_type, retry_after: None, body: answer.body.into_bytes() })
    }
}
