//! The floor: the provider's own code, compiled natively, over a pool of kept connections.

use crate::samples;
use anyhow::{Context, Result};
use atobarai_com::AtobaraiCom;
use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::types::{Decision, Failure, Order};
use provider_sdk::{Call, provider};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What hyper reads from and writes to, TLS or not.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Io = TokioIo<Box<dyn Stream>>;
type Line = (SendRequest<Full<Bytes>>, Pin<Box<Connection<Io, Full<Bytes>>>>);

/// Connections to one gateway. As in the host, each is driven by the request that has it and by no task in the
/// background, and the one that was used last is taken first.
#[derive(Clone)]
pub struct Pool {
    address: Arc<str>,
    tls: Option<TlsConnector>,
    idle: Arc<Mutex<Vec<Line>>>,
}

impl Pool {
    /// An empty pool of connections to `address`, over TLS if there is a connector.
    pub fn new(address: &str, tls: Option<TlsConnector>) -> Self {
        Self { address: address.into(), tls, idle: Arc::default() }
    }

    /// One request and its whole answer.
    pub async fn send(&self, request: hyper::Request<Full<Bytes>>) -> Result<hyper::Response<Bytes>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut sender, mut connection) = match idle {
            Some(line) => line,
            None => self.dial().await?,
        };
        let exchange = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>(hyper::Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let answer = match select(std::pin::pin!(exchange), connection.as_mut()).await {
            Either::Left((answer, _)) => answer?,
            Either::Right((ended, exchange)) => {
                ended?;
                return Ok(exchange.await?);
            }
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((sender, connection));
        Ok(answer)
    }

    async fn dial(&self) -> Result<Line> {
        let stream = dial(&self.address, self.tls.as_ref()).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok((sender, Box::pin(connection)))
    }
}

/// A new connection.
pub async fn dial(address: &str, tls: Option<&TlsConnector>) -> Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(match tls {
        Some(tls) => Box::new(tls.connect("127.0.0.1".try_into()?, stream).await?),
        None => Box::new(stream),
    })
}

impl Transport for Pool {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let unknown = |error: anyhow::Error| SendError::OutcomeUnknown(format!("{error:#}"));
        let mut sent =
            hyper::Request::builder().method(request.method).uri(path(&request.url)).header("host", &*self.address);
        for (name, value) in request.all_headers() {
            sent = sent.header(name, value);
        }
        let sent = sent.body(Full::new(request.body.into())).map_err(|error| unknown(error.into()))?;
        let answer = Self::send(self, sent).await.map_err(unknown)?;
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        Ok(Response {
            status: answer.status().as_u16(),
            content_type: header("content-type"),
            retry_after: header("retry-after").and_then(|value| value.parse().ok()),
            body: answer.body().to_vec(),
        })
    }
}

/// What follows the host in an absolute URL.
fn path(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    url[after..].find('/').map_or("/", |at| &url[after + at..])
}

/// 与信を実行 for `order`, by native code.
pub async fn credit(pool: &Pool, base: &str, order: Order) -> Result<()> {
    let call = Call::new::<AtobaraiCom>(samples::sdk_context(base), pool);
    approved(provider::credit::<AtobaraiCom, _>(&call, &[order]).await)
}

/// An error unless the one row of `rows` was decided.
pub fn approved(mut rows: Vec<Result<Decision, Failure>>) -> Result<()> {
    match rows.pop().context("no row was answered")? {
        Ok(_) => Ok(()),
        Err(failure) => anyhow::bail!("a credit failed: {failure:?}"),
    }
}
