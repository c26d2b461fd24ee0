//! Opening a connection: DNS, the judgement of the address, TCP, TLS; and what is known of one.

use crate::address;
use http::Uri;
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

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

/// Connects to the addresses that a plugin may reach.
pub(crate) struct Dialer {
    /// Ranges that may be reached although they are not public.
    pub(crate) private: Arc<[IpNet]>,
    pub(crate) tls: TlsConnector,
    /// DNS, TCP and TLS together.
    pub(crate) limit: Duration,
}

impl Dialer {
    /// A connection to the host and port of `url`, with TLS unless its scheme is `http`.
    pub(crate) async fn open(&self, url: &Uri, socket: OwnedSemaphorePermit) -> Result<Line, DialError> {
        let began = Instant::now();
        let traffic = Arc::new(Traffic::default());
        let connecting = self.connect(url, &traffic);
        let stream =
            tokio::time::timeout(self.limit, connecting).await.map_err(|_| DialError::TimedOut(self.limit))??;
        Ok(Line { stream, traffic, took: began.elapsed(), used: false, _socket: socket })
    }

    async fn connect(&self, url: &Uri, traffic: &Arc<Traffic>) -> Result<Box<dyn Stream>, DialError> {
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let plain = url.scheme_str() == Some("http");
        let port = url.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let stream = Counted { stream: dial(host, port, &self.private).await?, traffic: Arc::clone(traffic) };
        if plain {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| DialError::Tls(error.into()))?;
        Ok(Box::new(self.tls.connect(name, stream).await.map_err(|error| DialError::Tls(error.into()))?))
    }
}

async fn dial(host: &str, port: u16, private: &[IpNet]) -> Result<TcpStream, DialError> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(DialError::Dns)?;
    // Judged here, after resolution and on the very address that is connected to: a name that
    // points somewhere else a moment later gains nothing.
    let mut last = DialError::Prohibited;
    for address in found.filter(|address| address::allowed(address.ip(), private)) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A request is one small write; waiting to fill a packet only adds delay.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = DialError::Connect(error),
        }
    }
    Err(last)
}

/// What went over a connection. The socket below TLS and hyper above it both tell it.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Bytes that the socket took since it was opened, the TLS handshake included.
    written: AtomicU64,
    /// The same, when the request that is on its way was handed over.
    before: AtomicU64,
    /// hyper has the whole body of the request that is on its way.
    body_taken: AtomicBool,
    /// Something of the request was written since it was handed over.
    begun: AtomicBool,
    /// All of it was handed to the socket.
    complete: AtomicBool,
}

impl Traffic {
    /// A request is handed over next; it may have no body at all, for which hyper does not ask.
    pub(crate) fn expect_request(&self, without_body: bool) {
        self.before.store(self.written.load(Ordering::SeqCst), Ordering::SeqCst);
        self.body_taken.store(without_body, Ordering::SeqCst);
        self.begun.store(false, Ordering::SeqCst);
        self.complete.store(false, Ordering::SeqCst);
    }

    /// Whether any byte of the request that was handed over last can have left. What TLS itself writes,
    /// an alert about what it read, is no request.
    pub(crate) fn request_left(&self) -> bool {
        self.begun.load(Ordering::SeqCst) && self.written.load(Ordering::SeqCst) > self.before.load(Ordering::SeqCst)
    }

    pub(crate) fn body_taken(&self) {
        self.body_taken.store(true, Ordering::SeqCst);
    }

    fn flushed(&self) {
        if self.begun.load(Ordering::SeqCst) && self.body_taken.load(Ordering::SeqCst) {
            self.complete.store(true, Ordering::SeqCst);
        }
    }
}

/// A connection, plain or with TLS, and its socket.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Stream for Counted {
    fn socket(&self) -> &TcpStream {
        &self.stream
    }
}

impl Stream for TlsStream<Counted> {
    fn socket(&self) -> &TcpStream {
        &self.get_ref().0.stream
    }
}

/// An open connection as hyper sees it. It is owned by the request that uses it or by the pool, and
/// nothing is written to it but by its owner: once that is gone, what was written is final.
pub(crate) struct Line {
    stream: Box<dyn Stream>,
    pub(crate) traffic: Arc<Traffic>,
    /// DNS, TCP and TLS together.
    pub(crate) took: Duration,
    /// Whether it has carried a request before.
    pub(crate) used: bool,
    _socket: OwnedSemaphorePermit,
}

impl Line {
    /// Whether nothing came since the last answer: no byte, no end. What comes on a connection that
    /// nobody asked would be read as the answer to the next request.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        // First whatever is on this side already, in TLS or known to the runtime; then the socket
        // itself, of which the runtime may not have been told yet.
        let read =
            Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut ReadBuf::new(&mut byte));
        let peeked = SockRef::from(self.stream.socket()).peek(&mut [MaybeUninit::uninit()]);
        read.is_pending() && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        // What answers before it was asked answers something else, at the worst an earlier order.
        if buffer.filled().len() > before && !self.traffic.complete.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::Error::other("an answer began before its request was complete")));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traffic.begun.store(true, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.traffic.begun.store(true, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only when it has no byte of its own left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.traffic.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A TCP stream that counts what the socket takes, below TLS: what waits there for the socket has not left.
struct Counted {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl Counted {
    fn count(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.traffic.written.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
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
