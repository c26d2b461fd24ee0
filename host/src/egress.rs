//! Outgoing HTTP, the only network access of a plugin: requests are checked, counted and sent here.
//!
//! wasmtime's own transport opens a connection for every request, bounds no TLS handshake and
//! checks no address. This one keeps connections in a pool for each (plugin, shop), sends only to
//! granted origins, follows no redirect, retries nothing that can have been written, and records for
//! each request whether a byte of it can have been sent.
//!
//! hyper speaks HTTP here, but neither its pool nor a task of its own is used: a request owns its
//! connection and drives it itself, so that counting the written bytes tells whether it was sent.

use crate::budget::{Allocation, Budget};
use crate::connect::{ConnectError, HttpConnection, WriteTracker};
use crate::cpu_budget::CpuBudget;
use crate::limits::{Limits, MAX_ORIGIN, MAX_PATH, READ_BUFFER};
use crate::permissions::{Origin, Permissions};
use crate::pool::ConnectionPool;
use crate::redact::Redactor;
use crate::report::{Progress, RequestRecorder};
use bytes::{Buf, Bytes};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, Uri, Version, request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// The TLS configuration that each pool copies. Trusts the authorities with these certificates beside the system's.
pub(crate) fn tls(trusted: Vec<Vec<u8>>) -> std::io::Result<rustls::ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
        return Err(std::io::Error::other(why));
    }
    for authority in trusted {
        roots.add(authority.into()).map_err(std::io::Error::other)?;
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Over which connections the requests of a call are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionMode {
    /// Over none: each request is denied at once. This is the mode of a dry run.
    DenyAll,
    /// Over a new connection for each request. A gateway may close an idle connection at any moment, and
    /// the outcome of a request that is written at that moment is unknown, however short the connection was
    /// idle; a gateway has no reason to close a connection on which it has not answered anything yet.
    New,
    /// Over idle connections where there are some.
    Pooled,
}

/// The error that a report has for a request of a dry run.
const DENIED_IN_DRY_RUN: &str = "dry run: nothing is sent in this call";

/// What the requests of one call share; clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Egress {
    pub(crate) mode: ConnectionMode,
    pub(crate) pool: Arc<ConnectionPool>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) recorder: Arc<RequestRecorder>,
    pub(crate) cpu: CpuBudget,
    pub(crate) redactor: Arc<Redactor>,
    /// Bytes of bodies that the call may hold.
    pub(crate) budget: Arc<Budget>,
    /// Bounds how many requests of the call are on the network at once.
    pub(crate) network_permits: Arc<Semaphore>,
}

impl Egress {
    /// Sends one request. Everything that can be refused without a connection is refused here.
    pub(crate) fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let origin = Origin::of(request.uri());
        let granted = origin.as_ref().is_some_and(|origin| self.permissions.origins.contains(origin));
        let index = self.begin(request.uri(), origin.as_ref(), granted);
        let granted = origin.filter(|_| granted);
        let this = self.clone();
        async move {
            let Some(index) = index else { return Err(Error::HttpRequestDenied) };
            if this.mode == ConnectionMode::DenyAll {
                this.recorder.note(index, |report| report.error = Some(DENIED_IN_DRY_RUN.to_owned()));
                return Err(Error::HttpRequestDenied);
            }
            let result = match granted {
                Some(origin) => this.send_granted(request, origin, options, index).await,
                None => Err(Error::HttpRequestDenied),
            };
            if let Err(error) = &result {
                this.recorder.note(index, |report| report.error = Some(error.to_string()));
            }
            result
        }
    }

    /// The request's index in the report. Its path and a host that was not granted are the plugin's own
    /// text, so they are redacted like a line of its log; a granted origin is from the permission file.
    fn begin(&self, url: &Uri, origin: Option<&Origin>, granted: bool) -> Option<usize> {
        let named = origin.map_or_else(|| url.host().unwrap_or_default().to_owned(), Origin::to_string);
        let named = if granted { named } else { self.redactor.redact(&named, MAX_ORIGIN) };
        let path = self.redactor.redact(&percent_decode_str(url.path()).decode_utf8_lossy(), MAX_PATH);
        self.recorder.begin(named, path, self.limits.requests)
    }

    async fn send_granted(
        &self,
        request: Request<WasiBody>,
        origin: Origin,
        options: Option<RequestOptions>,
        index: usize,
    ) -> Result<Response<WasiBody>, Error> {
        // The response to CONNECT would be a tunnel.
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let (parts, body) = request.into_parts();
        // The whole body first: a plugin that stops in the middle has then sent nothing.
        let body = self.read_all(body, self.limits.request_bytes).await.map_err(refused_body)?;
        self.recorder.note(index, |report| report.request_bytes = body.len());

        let permit = self.network_permits.acquire().await;
        // Only a real wait for the network resets the limit on computing without a pause.
        self.cpu.pause();
        let outgoing = OutgoingRequest { url: parts.uri.clone(), parts: to_http1(parts, &body)?, body, origin };
        let result = self.send_and_read(&outgoing, options, index).await;
        self.cpu.pause();
        drop(permit);
        result
    }

    /// Sends `outgoing` and reads the whole response.
    async fn send_and_read(
        &self,
        outgoing: &OutgoingRequest,
        options: Option<RequestOptions>,
        index: usize,
    ) -> Result<Response<WasiBody>, Error> {
        let mut in_flight =
            InFlightRequest { tracker: None, recorder: Arc::clone(&self.recorder), index, answered: false };
        let wait = shorter(options.and_then(|o| o.first_byte_timeout), self.limits.connect + self.limits.head);
        let (answer, mut exchange) = tokio::time::timeout(wait, self.head(outgoing, &mut in_flight))
            .await
            .map_err(|_| Error::HttpResponseTimeout)??;

        let (parts, body) = answer.into_parts();
        let began = Instant::now();
        let whole = exchange.drive(self.read_all(body, self.limits.response_bytes));
        let whole = tokio::time::timeout(self.limits.body, whole).await.map_err(|_| Error::HttpResponseTimeout)?;
        let body = whole.map_err(unread_body)?;
        in_flight.answered(body.len(), began.elapsed());
        if let Some(connection) = exchange.into_connection() {
            self.pool.keep(outgoing.origin.clone(), connection);
        }
        let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync();
        Ok(Response::from_parts(parts, body))
    }

    /// Sends `outgoing` and waits for the head of its response.
    ///
    /// It is retried only if it used an idle connection that ended before any byte of it was written.
    async fn head(
        &self,
        outgoing: &OutgoingRequest,
        in_flight: &mut InFlightRequest,
    ) -> Result<(Response<Incoming>, HttpExchange), Error> {
        let began = Instant::now();
        loop {
            let connection = self.connection(outgoing).await.map_err(|error| in_flight.not_connected(&error))?;
            let (used, took) = (connection.used, connection.took);
            let tracker = in_flight.hand_over(&connection, outgoing.body.is_empty());
            let sent = async {
                let mut exchange = HttpExchange::new(connection).await?;
                let answer = exchange.send(outgoing.request(tracker)).await?;
                Ok((answer, exchange))
            };
            match sent.await {
                Ok((answer, exchange)) => {
                    in_flight.head_arrived(answer.status().as_u16(), (!used).then_some(took), began.elapsed());
                    return Ok((answer, exchange));
                }
                Err(_) if used && !in_flight.left() => {}
                Err::<_, hyper::Error>(_) => return Err(Error::ConnectionTerminated),
            }
        }
    }

    async fn connection(&self, outgoing: &OutgoingRequest) -> Result<HttpConnection, ConnectError> {
        let (origin, url) = (&outgoing.origin, &outgoing.url);
        match self.mode {
            ConnectionMode::New => self.pool.fresh_connection(origin, url).await,
            ConnectionMode::Pooled | ConnectionMode::DenyAll => self.pool.connection(origin, url).await,
        }
    }

    /// All of `body`, whose bytes are counted as they arrive and until the last copy is dropped.
    async fn read_all<B: Body<Data = Bytes>>(&self, body: B, limit: usize) -> Result<Bytes, BodyError<B::Error>> {
        let (mut body, mut held) =
            (pin!(body), CountedBytes { bytes: Vec::new(), allocation: self.budget.allocation() });
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
            if held.bytes.len() + data.remaining() > limit || !held.push(&data) {
                return Err(BodyError::TooLarge);
            }
        }
        Ok(Bytes::from_owner(held))
    }
}

/// Why a body was not read to its end.
enum BodyError<E> {
    /// There are more bytes than are allowed, or than the call may hold at once.
    TooLarge,
    /// The underlying stream failed.
    Broken(E),
}

fn refused_body(error: BodyError<Error>) -> Error {
    match error {
        BodyError::TooLarge => Error::HttpRequestBodySize(None),
        BodyError::Broken(error) => error,
    }
}

fn unread_body(error: BodyError<hyper::Error>) -> Error {
    match error {
        BodyError::TooLarge => Error::HttpResponseBodySize(None),
        BodyError::Broken(_) => Error::HttpResponseIncomplete,
    }
}

/// Bytes in memory, and the allocation that counts them.
struct CountedBytes {
    bytes: Vec<u8>,
    allocation: Allocation,
}

impl CountedBytes {
    /// Appends `data`; false if the budget does not allow it. The data is copied out of the buffers that it
    /// was read into, so that a body that arrives byte by byte takes no more memory than one that arrives whole.
    fn push(&mut self, data: &[u8]) -> bool {
        let (needed, room) = (self.bytes.len() + data.len(), self.bytes.capacity());
        if needed > room {
            let grown = needed.next_power_of_two();
            if self.allocation.grow(grown - room).is_err() {
                return false;
            }
            self.bytes.reserve_exact(grown - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        true
    }
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn shorter(asked: Option<Duration>, limit: Duration) -> Duration {
    asked.map_or(limit, |asked| asked.min(limit))
}

/// The error code of `wasi:http` for a connection that failed.
fn no_connection(error: &ConnectError) -> Error {
    match error {
        ConnectError::Dns(_) => Error::DnsError { rcode: None, info_code: None },
        ConnectError::Prohibited => Error::DestinationIpProhibited,
        ConnectError::Connect(_) => Error::ConnectionRefused,
        ConnectError::TimedOut(_) | ConnectError::HandshakeTimedOut(_) => Error::ConnectionTimeout,
        ConnectError::Tls(_) => Error::TlsCertificateError,
    }
}

/// A request that is ready to go.
struct OutgoingRequest {
    url: Uri,
    origin: Origin,
    parts: request::Parts,
    body: Bytes,
}

impl OutgoingRequest {
    fn request(&self, tracker: Arc<WriteTracker>) -> Request<TrackedBody> {
        Request::from_parts(self.parts.clone(), TrackedBody { body: Full::new(self.body.clone()), tracker })
    }
}

/// `parts` as HTTP/1.1 writes them: only the path in the request line, the host in a header, and the true
/// length of the body: with a smaller one the rest of the body would be a second request that is not counted.
fn to_http1(mut parts: request::Parts, body: &Bytes) -> Result<request::Parts, Error> {
    let host = parts.uri.host().unwrap_or_default();
    let default_port = if parts.uri.scheme_str() == Some("http") { 80 } else { 443 };
    let host = match parts.uri.port_u16() {
        Some(port) if port != default_port => format!("{host}:{port}"),
        _ => host.to_owned(),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let invalid = |_| Error::HttpRequestUriInvalid;
    let uri = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    parts.headers.remove(TRANSFER_ENCODING);
    // An empty body needs no length, but a plugin may state it.
    if parts.headers.contains_key(CONTENT_LENGTH) || !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    parts.headers.insert(HOST, HeaderValue::try_from(host).map_err(invalid)?);
    parts.uri = uri;
    parts.version = Version::HTTP_11;
    Ok(parts)
}

/// hyper on one connection for one request, polled only by the future that waits for the response.
struct HttpExchange {
    sender: SendRequest<TrackedBody>,
    /// Nothing once the connection has ended.
    connection: Option<Connection<TokioIo<HttpConnection>, TrackedBody>>,
}

impl HttpExchange {
    async fn new(connection: HttpConnection) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new().max_buf_size(READ_BUFFER).handshake(TokioIo::new(connection)).await?;
        Ok(Self { sender, connection: Some(connection) })
    }

    async fn send(&mut self, request: Request<TrackedBody>) -> hyper::Result<Response<Incoming>> {
        let answer = self.sender.send_request(request);
        drive(&mut self.connection, answer).await
    }

    /// Polls the connection until `future`, which waits for it, is ready.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        drive(&mut self.connection, future).await
    }

    /// The connection for the next request, if it stays open and no byte followed the response.
    fn into_connection(self) -> Option<HttpConnection> {
        let mut connection = self.connection?;
        // Here hyper ends a connection whose response announced that it would be closed.
        let ended = Pin::new(&mut connection).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if ended || !self.sender.is_ready() {
            return None;
        }
        let parts = connection.into_parts();
        let mut connection = parts.io.into_inner();
        connection.used = true;
        parts.read_buf.is_empty().then_some(connection)
    }
}

/// Polls `connection` and `future` together, on the current task, until `future` is ready.
async fn drive<F: Future>(
    connection: &mut Option<Connection<TokioIo<HttpConnection>, TrackedBody>>,
    future: F,
) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // hyper passes the reason on to `future`.
        if connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(cx).is_ready()) {
            *connection = None;
        }
        future.as_mut().poll(cx)
    })
    .await
}

/// A request that was begun. When it is dropped, for any reason, its connection is closed and the count of
/// written bytes is final.
struct InFlightRequest {
    /// Counts what the connection wrote of it; absent before there is a connection.
    tracker: Option<Arc<WriteTracker>>,
    recorder: Arc<RequestRecorder>,
    index: usize,
    answered: bool,
}

impl InFlightRequest {
    fn hand_over(&mut self, connection: &HttpConnection, without_body: bool) -> Arc<WriteTracker> {
        connection.tracker.expect_request(without_body);
        self.tracker = Some(Arc::clone(&connection.tracker));
        Arc::clone(&connection.tracker)
    }

    /// The error that the plugin is given where there is no connection; the report says more.
    fn not_connected(&self, error: &ConnectError) -> Error {
        self.recorder.note(self.index, |report| report.no_connection = Some(error.failure()));
        no_connection(error)
    }

    fn left(&self) -> bool {
        self.tracker.as_ref().is_some_and(|tracker| tracker.request_left())
    }

    fn head_arrived(&self, status: u16, connect: Option<Duration>, took: Duration) {
        self.recorder.note(self.index, |report| {
            report.status = Some(status);
            report.connect = connect;
            report.head = Some(took);
        });
    }

    fn answered(&mut self, bytes: usize, took: Duration) {
        self.answered = true;
        self.recorder.note(self.index, |report| {
            report.progress = Progress::Answered;
            report.response_bytes = bytes;
            report.body = Some(took);
        });
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        if !self.answered && self.left() {
            self.recorder.note(self.index, |report| report.progress = Progress::Sent);
        }
    }
}

/// A request's body, which records when hyper has taken all of it.
struct TrackedBody {
    body: Full<Bytes>,
    tracker: Arc<WriteTracker>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.tracker.body_taken();
        // The body is one frame, so hyper has all of it now.
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
