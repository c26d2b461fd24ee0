//! Opens connections (DNS, IP policy, TCP, TLS) and counts what is written to them.

use crate::ip_policy;
use crate::limits::LOOKUPS;
use crate::report::ConnectionFailure;
use http::Uri;
use ipnet::IpNet;
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the name could not be resolved: {0}")]
    Dns(io::Error),
    #[error("every address of the host is private, and the permissions name none of them")]
    Prohibited,
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    #[error("no TLS connection within {0:?}")]
    HandshakeTimedOut(Duration),
    #[error("no TLS connection: {0}")]
    Tls(io::Error),
}

impl ConnectError {
    /// What a report says of it.
    pub(crate) fn failure(&self) -> ConnectionFailure {
        match self {
            Self::Dns(_) => ConnectionFailure::Dns,
            Self::Prohibited => ConnectionFailure::Prohibited,
            Self::Connect(_) => ConnectionFailure::Connect,
            Self::TimedOut(_) => ConnectionFailure::TimedOut,
            Self::HandshakeTimedOut(_) => ConnectionFailure::Handshake,
            Self::Tls(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(wrong)) => certificate_failure(wrong),
                _ => ConnectionFailure::Handshake,
            },
        }
    }
}

fn certificate_failure(wrong: &CertificateError) -> ConnectionFailure {
    match wrong {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ConnectionFailure::CertificateName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ConnectionFailure::CertificateExpired,
        CertificateError::UnknownIssuer => ConnectionFailure::CertificateUntrusted,
        _ => ConnectionFailure::CertificateInvalid,
    }
}

/// Finds the addresses of a name, on a thread that it may block.
#[derive(Clone)]
pub(crate) struct Resolver(pub(crate) Arc<Resolve>);

type Resolve = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Default for Resolver {
    /// The system's.
    fn default() -> Self {
        Self(Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())))
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

/// Looks names up for one plugin, a few at a time. A lookup cannot be broken off: it keeps one of the threads on which
/// the whole process may block until the system gives up, long after its request has. Without a bound a plugin whose
/// names are never answered for would take all of them.
#[derive(Clone)]
pub(crate) struct Lookups {
    resolver: Resolver,
    permits: Arc<Semaphore>,
}

impl Lookups {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self { resolver, permits: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (resolver, host) = (self.resolver.clone(), host.to_owned());
        let lookup = tokio::task::spawn_blocking(move || {
            // Held until the thread is free again, also if nobody waits any more.
            let _permit = permit;
            (resolver.0)(&host, port)
        });
        lookup.await.map_err(io::Error::other)?
    }
}

/// Connects to the addresses that a plugin may reach.
pub(crate) struct Connector {
    pub(crate) lookups: Lookups,
    /// Ranges that may be reached although they are not public.
    pub(crate) private: Arc<[IpNet]>,
    pub(crate) tls: TlsConnector,
    /// DNS, TCP and TLS together.
    pub(crate) limit: Duration,
}

impl Connector {
    /// A connection to the host and port of `url`, with TLS unless its scheme is `http`.
    pub(crate) async fn open(&self, url: &Uri, socket: OwnedSemaphorePermit) -> Result<HttpConnection, ConnectError> {
        let began = Instant::now();
        let tracker = Arc::new(WriteTracker::default());
        let is_reached = AtomicBool::new(false);
        let connecting = self.connect(url, &tracker, &is_reached);
        let too_late = |_| match is_reached.load(Ordering::SeqCst) {
            true => ConnectError::HandshakeTimedOut(self.limit),
            false => ConnectError::TimedOut(self.limit),
        };
        let stream = tokio::time::timeout(self.limit, connecting).await.map_err(too_late)??;
        Ok(HttpConnection { stream, tracker, took: began.elapsed(), used: false, _socket: socket })
    }

    /// Sets `is_reached` when the host has taken the connection, before TLS.
    async fn connect(
        &self,
        url: &Uri,
        tracker: &Arc<WriteTracker>,
        is_reached: &AtomicBool,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let plain = url.scheme_str() == Some("http");
        let port = url.port_u16().unwrap_or(if plain { 80 } else { 443 });
        let stream = CountingStream { stream: self.connect_tcp(host, port).await?, tracker: Arc::clone(tracker) };
        if plain {
            return Ok(Box::new(stream));
        }
        is_reached.store(true, Ordering::SeqCst);
        let unnamed = |error| ConnectError::Tls(io::Error::new(io::ErrorKind::InvalidInput, error));
        let name = ServerName::try_from(host.to_owned()).map_err(unnamed)?;
        Ok(Box::new(self.tls.connect(name, stream).await.map_err(ConnectError::Tls)?))
    }

    async fn connect_tcp(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let found = self.lookups.addresses(host, port).await.map_err(ConnectError::Dns)?;
        // Checked after resolution and on the very address that is connected to, so that a name that
        // resolves differently a moment later (DNS rebinding) does not pass.
        let mut last = ConnectError::Prohibited;
        for address in found.into_iter().filter(|address| ip_policy::allowed(address.ip(), &self.private)) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is one small write; waiting to fill a packet only adds delay.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = ConnectError::Connect(error),
            }
        }
        Err(last)
    }
}

/// Counts the bytes that a connection wrote. It is updated by the socket below TLS and by the stream that
/// hyper writes to above it.
#[derive(Debug, Default)]
pub(crate) struct WriteTracker {
    /// Bytes that the socket took since it was opened, the TLS handshake included.
    written: AtomicU64,
    /// The value of `written` when the current request was handed over.
    before: AtomicU64,
    /// hyper has taken the whole body of the current request.
    body_taken: AtomicBool,
    /// hyper has begun to write the current request.
    begun: AtomicBool,
    /// All of the current request was handed to the socket.
    complete: AtomicBool,
}

impl WriteTracker {
    /// Begins to count for the next request. If it has no body hyper never asks for one.
    pub(crate) fn expect_request(&self, without_body: bool) {
        self.before.store(self.written.load(Ordering::SeqCst), Ordering::SeqCst);
        self.body_taken.store(without_body, Ordering::SeqCst);
        self.begun.store(false, Ordering::SeqCst);
        self.complete.store(false, Ordering::SeqCst);
    }

    /// Whether any byte of the current request can have been sent. What TLS writes by itself, such as an
    /// alert about what it read, does not count.
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

    /// Whether the bytes of the socket are those of HTTP.
    fn is_plain(&self) -> bool;
}

impl Stream for CountingStream {
    fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn is_plain(&self) -> bool {
        true
    }
}

impl Stream for TlsStream<CountingStream> {
    fn socket(&self) -> &TcpStream {
        &self.get_ref().0.stream
    }

    fn is_plain(&self) -> bool {
        false
    }
}

/// A response that begins before its request is complete belongs to another request.
fn early_answer() -> io::Error {
    io::Error::other("an answer began before its request was complete")
}

/// An open connection as hyper sees it. It is owned by the request that uses it or by the pool, and only
/// the owner writes to it: once the owner is dropped the count of written bytes is final.
pub(crate) struct HttpConnection {
    stream: Box<dyn Stream>,
    pub(crate) tracker: Arc<WriteTracker>,
    /// DNS, TCP and TLS together.
    pub(crate) took: Duration,
    /// Whether it has carried a request before.
    pub(crate) used: bool,
    _socket: OwnedSemaphorePermit,
}

impl HttpConnection {
    /// Whether nothing arrived since the last response: neither a byte nor the end of the stream. Bytes that
    /// arrive on an idle connection would be read as the response to the next request.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        // First what TLS or the runtime has read already, then the socket itself: it may have data of which
        // the runtime has not been notified yet.
        let read =
            Pin::new(&mut self.stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut ReadBuf::new(&mut byte));
        let peeked = SockRef::from(self.stream.socket()).peek(&mut [MaybeUninit::uninit()]);
        read.is_pending() && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// To be called before each write: an error if the current request has begun and an answer is there already. hyper
    /// reads only when it can write no more, and a gateway that takes bytes as fast as they are written never lets it
    /// come to that before the request is complete.
    fn refuse_early_answer(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.tracker.begun.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        // A byte that is read here is lost, and the connection with it.
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let _ = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        // The runtime has not been told of what arrived while the request was written without a pause. Under TLS the
        // socket may also hold what TLS says by itself; there each write is a small record, so there are pauses.
        let peeked = SockRef::from(self.stream.socket()).peek(&mut [MaybeUninit::uninit()]);
        let is_there = !buffer.filled().is_empty() || (self.stream.is_plain() && peeked.is_ok_and(|bytes| bytes > 0));
        if is_there { Err(early_answer()) } else { Ok(()) }
    }
}

impl AsyncRead for HttpConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before && !self.tracker.complete.load(Ordering::SeqCst) {
            return Poll::Ready(Err(early_answer()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HttpConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.refuse_early_answer(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.refuse_early_answer(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes only when it has no byte of its own left to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.tracker.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A TCP stream that counts the bytes that the socket takes, below TLS: bytes that TLS still buffers have
/// not been sent.
struct CountingStream {
    stream: TcpStream,
    tracker: Arc<WriteTracker>,
}

impl CountingStream {
    fn count(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = result {
            self.tracker.written.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
    }
}

impl AsyncRead for CountingStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for CountingStream {
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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::TlsAcceptor;

    /// The authority `name`: its certificate, and what signs with its key.
    fn authority(name: &str) -> (CertificateDer<'static>, Issuer<'static, KeyPair>) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        (certificate, Issuer::new(params, key))
    }

    /// Why a server with a certificate of `issuer` for `name`, valid until `year`, is not connected to by a client that
    /// trusts `root`; nothing if it is.
    async fn failure(
        root: &CertificateDer<'static>,
        issuer: &Issuer<'static, KeyPair>,
        name: &str,
        year: i32,
    ) -> Option<ConnectionFailure> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap().der().clone();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let private = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let lookups = Lookups::new(Resolver::default());
        let connector = Connector {
            lookups,
            private: private.into(),
            tls: Arc::new(client).into(),
            limit: Duration::from_secs(10),
        };
        let socket = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        connector.open(&url, socket).await.err().map(|error| error.failure())
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_certificate_is_told_apart() {
        let ((root, issuer), (_, stranger)) = (authority("known"), authority("stranger"));
        for (issuer, name, year, expected) in [
            (&issuer, "localhost", 2999, None),
            (&issuer, "example.jp", 2999, Some(ConnectionFailure::CertificateName)),
            (&issuer, "localhost", 2001, Some(ConnectionFailure::CertificateExpired)),
            (&stranger, "localhost", 2999, Some(ConnectionFailure::CertificateUntrusted)),
        ] {
            assert_eq!(failure(&root, issuer, name, year).await, expected, "{name} until {year}");
        }
    }
}
