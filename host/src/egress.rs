//! The one way out of the sandbox: a plugin's requests, judged, counted and carried.
//!
//! wasmtime's own transport opens a connection for every request, bounds no TLS handshake and
//! checks no address. This one keeps connections in a pool for each (plugin, shop), sends only to
//! granted origins, follows no redirect, repeats nothing that can have been written, and knows for
//! each request whether a byte of it can have left.
//!
//! hyper speaks HTTP here, but neither its pool nor a task of its own is used: a request owns its
//! connection and drives it itself, so that what was written of it is a matter of counting.

use crate::budget::{Budget, Lease};
use crate::dial::{DialError, Line, Traffic};
use crate::limits::{Limits, MAX_ORIGIN, MAX_PATH, READ_BUFFER};
use crate::mask::Mask;
use crate::permissions::{Origin, Permissions};
use crate::pool::Pool;
use crate::report::{Meter, Progress};
use crate::sandbox::Computing;
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

/// TLS settings from which each pool makes its own.
pub(crate) fn tls() -> std::io::Result<rustls::ClientConfig> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map_or("there are none".to_owned(), ToString::to_string);
        return Err(std::io::Error::other(why));
    }
    Ok(rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// How the requests of a call leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Not at all: each is denied at once, without a connection.
    Sealed,
    /// Over connections that are opened for them. A gateway may close an idle connection at any moment,
    /// and what is written just then is in doubt, however short it was idle; a gateway that has not
    /// answered anything on a connection has no reason to.
    Fresh,
    /// Over idle connections where there are some.
    Pooled,
}

/// What a report says of a request of a [sealed](Exit::Sealed) call.
const SEALED: &str = "sealed: nothing may leave in this call";

/// What the requests of one call share; clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Egress {
    pub(crate) exit: Exit,
    pub(crate) pool: Arc<Pool>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) computing: Computing,
    pub(crate) mask: Arc<Mask>,
    /// Bytes of bodies that the call may hold.
    pub(crate) budget: Arc<Budget>,
    /// Turns on the network.
    pub(crate) turns: Arc<Semaphore>,
}

impl Egress {
    /// Carries one request. Everything that can be refused without a connection is refused here.
    pub(crate) fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let origin = Origin::of(request.uri());
        let granted = origin.as_ref().is_some_and(|origin| self.permissions.origins.contains(origin));
        let place = self.begin(request.uri(), origin.as_ref(), granted);
        let granted = origin.filter(|_| granted);
        let this = self.clone();
        async move {
            let Some(place) = place else { return Err(Error::HttpRequestDenied) };
            if this.exit == Exit::Sealed {
                this.meter.note(place, |report| report.error = Some(SEALED.to_owned()));
                return Err(Error::HttpRequestDenied);
            }
            let result = match granted {
                Some(origin) => this.carry(request, origin, options, place).await,
                None => Err(Error::HttpRequestDenied),
            };
            if let Err(error) = &result {
                this.meter.note(place, |report| report.error = Some(error.to_string()));
            }
            result
        }
    }

    /// The request's place in the report. Its path and a host that was not granted are the plugin's own
    /// words, so they are masked like a line of its log; a granted origin stands in the permission file.
    fn begin(&self, url: &Uri, origin: Option<&Origin>, granted: bool) -> Option<usize> {
        let named = origin.map_or_else(|| url.host().unwrap_or_default().to_owned(), Origin::to_string);
        let named = if granted { named } else { self.mask.apply(&named, MAX_ORIGIN) };
        let path = self.mask.apply(&percent_decode_str(url.path()).decode_utf8_lossy(), MAX_PATH);
        self.meter.begin(named, path, self.limits.requests)
    }

    async fn carry(
        &self,
        request: Request<WasiBody>,
        origin: Origin,
        options: Option<RequestOptions>,
        place: usize,
    ) -> Result<Response<WasiBody>, Error> {
        // The answer to it would be no answer but a tunnel.
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let (parts, body) = request.into_parts();
        // The whole body first: a plugin that stops in the middle has then sent nothing.
        let body = self.whole(body, self.limits.request_bytes).await.map_err(refused_body)?;
        self.meter.note(place, |report| report.request_bytes = body.len());

        let turn = self.turns.acquire().await;
        // Only what really waits for the network starts the count of computing anew.
        self.computing.pause();
        let outgoing = Outgoing { url: parts.uri.clone(), parts: on_the_wire(parts, &body)?, body, origin };
        let result = self.exchange(&outgoing, options, place).await;
        self.computing.pause();
        drop(turn);
        result
    }

    /// Sends `outgoing` and reads the whole answer.
    async fn exchange(
        &self,
        outgoing: &Outgoing,
        options: Option<RequestOptions>,
        place: usize,
    ) -> Result<Response<WasiBody>, Error> {
        let mut flight = Flight { traffic: None, meter: Arc::clone(&self.meter), place, answered: false };
        let wait = shorter(options.and_then(|o| o.first_byte_timeout), self.limits.connect + self.limits.head);
        let (answer, mut carrier) = tokio::time::timeout(wait, self.head(outgoing, &mut flight))
            .await
            .map_err(|_| Error::HttpResponseTimeout)??;

        let (parts, body) = answer.into_parts();
        let began = Instant::now();
        let whole = carrier.drive(self.whole(body, self.limits.response_bytes));
        let whole = tokio::time::timeout(self.limits.body, whole).await.map_err(|_| Error::HttpResponseTimeout)?;
        let body = whole.map_err(unread_body)?;
        flight.answered(body.len(), began.elapsed());
        if let Some(line) = carrier.into_line() {
            self.pool.keep(outgoing.origin.clone(), line);
        }
        let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync();
        Ok(Response::from_parts(parts, body))
    }

    /// Sends `outgoing` over a connection of its own until the head of its answer is there.
    ///
    /// It is repeated only if it met an idle connection that ended before any byte of it was written.
    async fn head(&self, outgoing: &Outgoing, flight: &mut Flight) -> Result<(Response<Incoming>, Carrier), Error> {
        let began = Instant::now();
        loop {
            let line = self.connection(outgoing).await.map_err(no_connection)?;
            let (used, took) = (line.used, line.took);
            let traffic = flight.hand_over(&line, outgoing.body.is_empty());
            let sent = async {
                let mut carrier = Carrier::new(line).await?;
                let answer = carrier.send(outgoing.request(traffic)).await?;
                Ok((answer, carrier))
            };
            match sent.await {
                Ok((answer, carrier)) => {
                    flight.head_arrived(answer.status().as_u16(), (!used).then_some(took), began.elapsed());
                    return Ok((answer, carrier));
                }
                Err(_) if used && !flight.left() => {}
                Err::<_, hyper::Error>(_) => return Err(Error::ConnectionTerminated),
            }
        }
    }

    async fn connection(&self, outgoing: &Outgoing) -> Result<Line, DialError> {
        let (origin, url) = (&outgoing.origin, &outgoing.url);
        match self.exit {
            Exit::Fresh => self.pool.fresh_connection(origin, url).await,
            Exit::Pooled | Exit::Sealed => self.pool.connection(origin, url).await,
        }
    }

    /// All of `body`, whose bytes are counted as they arrive and until the last copy is dropped.
    async fn whole<B: Body<Data = Bytes>>(&self, body: B, limit: usize) -> Result<Bytes, Unread<B::Error>> {
        let (mut body, mut held) = (pin!(body), Held { bytes: Vec::new(), lease: self.budget.lease() });
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Unread::Broken)?.into_data() else { continue };
            if held.bytes.len() + data.remaining() > limit || !held.push(&data) {
                return Err(Unread::TooLarge);
            }
        }
        Ok(Bytes::from_owner(held))
    }
}

/// Why a body was not read to its end.
enum Unread<E> {
    /// There are more bytes than are allowed, or than the call may hold at once.
    TooLarge,
    /// What carries it failed.
    Broken(E),
}

fn refused_body(error: Unread<Error>) -> Error {
    match error {
        Unread::TooLarge => Error::HttpRequestBodySize(None),
        Unread::Broken(error) => error,
    }
}

fn unread_body(error: Unread<hyper::Error>) -> Error {
    match error {
        Unread::TooLarge => Error::HttpResponseBodySize(None),
        Unread::Broken(_) => Error::HttpResponseIncomplete,
    }
}

/// Bytes in memory, and the lease that counts them.
struct Held {
    bytes: Vec<u8>,
    lease: Lease,
}

impl Held {
    /// Whether there was room for `data`. What is counted is memory: copied out of the buffers that it was
    /// read into, so that a body that comes byte by byte takes no more than one that comes at once.
    fn push(&mut self, data: &[u8]) -> bool {
        let (needed, room) = (self.bytes.len() + data.len(), self.bytes.capacity());
        if needed > room {
            let grown = needed.next_power_of_two();
            if !self.lease.grow(grown - room) {
                return false;
            }
            self.bytes.reserve_exact(grown - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        true
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn shorter(asked: Option<Duration>, limit: Duration) -> Duration {
    asked.map_or(limit, |asked| asked.min(limit))
}

/// Why there was no connection, in the words of `wasi:http`.
fn no_connection(error: DialError) -> Error {
    match error {
        DialError::Dns(_) => Error::DnsError { rcode: None, info_code: None },
        DialError::Prohibited => Error::DestinationIpProhibited,
        DialError::Connect(_) => Error::ConnectionRefused,
        DialError::TimedOut(_) => Error::ConnectionTimeout,
        DialError::Tls(_) => Error::TlsCertificateError,
    }
}

/// A request that is ready to go.
struct Outgoing {
    url: Uri,
    origin: Origin,
    parts: request::Parts,
    body: Bytes,
}

impl Outgoing {
    fn request(&self, traffic: Arc<Traffic>) -> Request<Sending> {
        Request::from_parts(self.parts.clone(), Sending { body: Full::new(self.body.clone()), traffic })
    }
}

/// `parts` as they are written to a connection: the path alone, its host in a header, and the length
/// that the body really has: with another one the rest would be a request that nobody counted.
fn on_the_wire(mut parts: request::Parts, body: &Bytes) -> Result<request::Parts, Error> {
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
    // An empty body needs no length, but a plugin may say it.
    if parts.headers.contains_key(CONTENT_LENGTH) || !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    parts.headers.insert(HOST, HeaderValue::try_from(host).map_err(invalid)?);
    parts.uri = uri;
    parts.version = Version::HTTP_11;
    Ok(parts)
}

/// hyper on one connection for one request, driven by whoever waits for the answer.
struct Carrier {
    sender: SendRequest<Sending>,
    /// Nothing once the connection has ended.
    connection: Option<Connection<TokioIo<Line>, Sending>>,
}

impl Carrier {
    async fn new(line: Line) -> hyper::Result<Self> {
        let (sender, connection) = Builder::new().max_buf_size(READ_BUFFER).handshake(TokioIo::new(line)).await?;
        Ok(Carrier { sender, connection: Some(connection) })
    }

    async fn send(&mut self, request: Request<Sending>) -> hyper::Result<Response<Incoming>> {
        let answer = self.sender.send_request(request);
        drive(&mut self.connection, answer).await
    }

    /// What `future` gives, which waits for the connection.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        drive(&mut self.connection, future).await
    }

    /// The connection, for another request: if it stays open, and nothing came behind the answer.
    fn into_line(self) -> Option<Line> {
        let mut connection = self.connection?;
        // Here hyper ends a connection that the answer said would be closed.
        let ended = Pin::new(&mut connection).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        if ended || !self.sender.is_ready() {
            return None;
        }
        let parts = connection.into_parts();
        let mut line = parts.io.into_inner();
        line.used = true;
        parts.read_buf.is_empty().then_some(line)
    }
}

/// What `future` gives while `connection` is driven beside it, on this very task.
async fn drive<F: Future>(connection: &mut Option<Connection<TokioIo<Line>, Sending>>, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // How it ended is told to whoever waits for the answer.
        if connection.as_mut().is_some_and(|connection| Pin::new(connection).poll(cx).is_ready()) {
            *connection = None;
        }
        future.as_mut().poll(cx)
    })
    .await
}

/// One request on its way. When it is dropped, for whatever reason, its connection is gone and what was
/// written of it is final.
struct Flight {
    /// What went over the connection that it was handed to.
    traffic: Option<Arc<Traffic>>,
    meter: Arc<Meter>,
    place: usize,
    answered: bool,
}

impl Flight {
    fn hand_over(&mut self, line: &Line, without_body: bool) -> Arc<Traffic> {
        line.traffic.expect_request(without_body);
        self.traffic = Some(Arc::clone(&line.traffic));
        Arc::clone(&line.traffic)
    }

    fn left(&self) -> bool {
        self.traffic.as_ref().is_some_and(|traffic| traffic.request_left())
    }

    fn head_arrived(&self, status: u16, connect: Option<Duration>, took: Duration) {
        self.meter.note(self.place, |report| {
            report.status = Some(status);
            report.connect = connect;
            report.head = Some(took);
        });
    }

    fn answered(&mut self, bytes: usize, took: Duration) {
        self.answered = true;
        self.meter.note(self.place, |report| {
            report.progress = Progress::Answered;
            report.response_bytes = bytes;
            report.body = Some(took);
        });
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.answered && self.left() {
            self.meter.note(self.place, |report| report.progress = Progress::Sent);
        }
    }
}

/// A request's body, which tells when hyper has all of it.
struct Sending {
    body: Full<Bytes>,
    traffic: Arc<Traffic>,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.traffic.body_taken();
        // It is one frame.
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
