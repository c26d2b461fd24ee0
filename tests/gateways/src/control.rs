//! A gateway's own desk, on a second loopback port: for scripts and for platforms in another
//! process that want to read the ledger or set faults.
//!
//! | request | does |
//! |---|---|
//! | `GET /ledger` | the [`Ledger`](crate::Ledger) as JSON |
//! | `GET /requests` | how many requests and connections there were, as JSON |
//! | `GET /bodies` | the bodies of the newest requests, oldest first, as JSON texts; bytes that are no UTF-8 replaced |
//! | `GET /faults` | the plans with their hits, and the faults that the provider can show, as JSON |
//! | `POST /faults` | adds the plans of the body, one a line; an empty body ends all |
//! | `POST /close`, `POST /reopen` | refuse connections, accept them again |

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::faults::{FAULTS, FaultPlan};
use crate::server::{Gateway, bind};

/// Largest body taken: more plans than a gateway takes.
const MAX_BODY: usize = 64 << 10;

/// A running desk. Dropping it ends it.
pub struct Control {
    origin: String,
    accepting: JoinHandle<()>,
}

impl Control {
    /// Opens the desk of a gateway; port 0 takes a free one. Fails if the port is taken.
    pub async fn start(gateway: Arc<Gateway>, port: u16) -> io::Result<Self> {
        let listener = bind(port).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        Ok(Self { origin, accepting: tokio::spawn(accept_all(listener, gateway)) })
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept_all(listener: TcpListener, gateway: Arc<Gateway>) {
    // The desk is for the same machine's few scripts: one that fails to connect ends nothing else.
    while let Ok((stream, _)) = listener.accept().await {
        let gateway = gateway.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| handle(&gateway, request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn handle(gateway: &Gateway, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    Ok(match (head.method.as_str(), head.uri.path()) {
        ("GET", "/ledger") => json_reply(&gateway.ledger()),
        ("GET", "/requests") => json_reply(&json!({
            "total": gateway.request_counts().values().sum::<usize>(),
            "operations": gateway.request_counts(),
            "connections": gateway.connections(),
        })),
        ("GET", "/bodies") => json_reply(&bodies(gateway)),
        ("GET", "/faults") => json_reply(&json!({
            "hits": gateway.fault_hits(),
            "plans": gateway.plans(),
            "possible": possible(gateway),
        })),
        ("POST", "/faults") => match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => outcome(set_faults(gateway, &body.to_bytes())),
            Err(error) => text_reply(400, error.to_string()),
        },
        ("POST", "/close") => {
            gateway.close().await;
            text_reply(204, "")
        }
        ("POST", "/reopen") => outcome(gateway.reopen().await.map_err(|error| error.to_string())),
        _ => text_reply(404, "GET /ledger /requests /bodies /faults, POST /faults /close /reopen\n"),
    })
}

fn bodies(gateway: &Gateway) -> Vec<String> {
    gateway.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
}

fn possible(gateway: &Gateway) -> Vec<&'static str> {
    FAULTS.iter().filter(|info| gateway.can_show(info.fault)).map(|info| info.name).collect()
}

/// Adds every plan or none: a typing error in the third line does not leave the first two behind.
fn set_faults(gateway: &Gateway, body: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let plans = lines.map(str::parse).collect::<Result<Vec<FaultPlan>, _>>().map_err(|error| error.to_string())?;
    if plans.is_empty() {
        gateway.clear_faults();
    }
    gateway.plan_all(plans).map_err(|error| error.to_string())
}

fn outcome(result: Result<(), String>) -> Response<Full<Bytes>> {
    match result {
        Ok(()) => text_reply(204, ""),
        Err(problem) => text_reply(400, problem + "\n"),
    }
}

fn json_reply(value: &impl Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(value).expect("our own types are JSON");
    build(200, "application/json", body.into())
}

fn text_reply(status: u16, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    build(status, "text/plain; charset=utf-8", text.into())
}

fn build(status: u16, content_type: &str, body: Bytes) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(Full::new(body)).expect("status and headers are our own")
}
