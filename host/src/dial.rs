//! Opening a connection: DNS, the judgement of the address, TCP, and a count of what is written.

use crate::address;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tower_service::Service;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the name could not be resolved: {0}")]
    Dns(io::Error),
    #[error("every address of the host is private, and the permissions name none of them")]
    Prohibited,
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    #[error("no TLS connection: {0}")]
    Tls(Box<dyn std::error::Error + Send + Sync>),
}

type Dialing<T> = Pin<Box<dyn Future<Output = Result<T, DialError>> + Send>>;

/// Connects to the addresses that a plugin may reach.
#[derive(Clone)]
pub(crate) struct Dialer {
    /// Ranges that may be reached although they are not public.
    pub(crate) private: Arc<[IpNet]>,
}

impl Service<Uri> for Dialer {
    type Response = Counted;
    type Error = DialError;
    type Future = Dialing<Counted>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let private = Arc::clone(&self.private);
        Box::pin(async move { dial(&url, &private).await })
    }
}

async fn dial(url: &Uri, private: &[IpNet]) -> Result<Counted, DialError> {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let default_port = if url.scheme_str() == Some("http") { 80 } else { 443 };
    let port = url.port_u16().unwrap_or(default_port);
    let began = Instant::now();
    let found = tokio::net::lookup_host((host, port)).await.map_err(DialError::Dns)?;
    // Judged here, after resolution and on the very address that is connected to: a name that
    // points somewhere else a moment later gains nothing.
    let mut last = DialError::Prohibited;
    for address in found.filter(|address| address::allowed(address.ip(), private)) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is one small write; waiting to fill a packet only adds delay.
                let _ = stream.set_nodelay(true);
                return Ok(Counted { stream: TokioIo::new(stream), written: Written::default(), began });
            }
            Err(error) => last = DialError::Connect(error),
        }
    }
    Err(last)
}

/// Bounds all of `inner`'s work on one connection, TLS included.
#[derive(Clone)]
pub(crate) struct Bounded<C> {
    pub(crate) inner: C,
    pub(crate) limit: Duration,
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri, Error: Into<Box<dyn std::error::Error + Send + Sync>>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = DialError;
    type Future = Dialing<C::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        self.inner.poll_ready(cx).map_err(|error| from_inner(error.into()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let (limit, dialing) = (self.limit, self.inner.call(url));
        Box::pin(async move {
            let opened = tokio::time::timeout(limit, dialing).await.map_err(|_| DialError::TimedOut(limit))?;
            opened.map_err(|error| from_inner(error.into()))
        })
    }
}

/// The TLS layer wraps the dialer's errors; what is not one of them is TLS itself.
fn from_inner(error: Box<dyn std::error::Error + Send + Sync>) -> DialError {
    error.downcast::<DialError>().map_or_else(DialError::Tls, |error| *error)
}

/// How long DNS, TCP and TLS of a connection took together; found again in hyper's connection data.
#[derive(Clone)]
pub(crate) struct Took(pub(crate) Duration);

/// Bytes handed to a connection's socket so far; found again in hyper's connection data.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<AtomicU64>);

impl Written {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A TCP stream that counts what the socket takes. It sits below TLS, so after the handshake every
/// byte it counts belongs to a request.
pub(crate) struct Counted {
    stream: TokioIo<TcpStream>,
    written: Written,
    began: Instant,
}

impl Counted {
    fn count(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.written.0.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
    }
}

impl Connection for Counted {
    /// hyper asks when the connection is ready for its first request.
    fn connected(&self) -> Connected {
        Connected::new().extra(self.written.clone()).extra(Took(self.began.elapsed()))
    }
}

impl Read for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.count(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
