//! The one way out of the sandbox: a plugin's requests, judged, counted and carried.
//!
//! wasmtime's own transport opens a connection for every request, bounds no TLS handshake and
//! checks no address. This one keeps connections in a pool for each (plugin, shop), sends only to
//! granted origins, follows no redirect, repeats nothing that can have been written, and knows for
//! each request whether a byte of it can have left.

use crate::dial::{Bounded, DialError, Dialer, Took, Written};
use crate::limits::{Limits, POOL_IDLE};
use crate::permissions::{Origin, Permissions};
use crate::report::{Meter, Progress};
use crate::sandbox::Computing;
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// TLS settings from which each pool makes its own.
pub(crate) fn tls() -> std::io::Result<rustls::ClientConfig> {
    Ok(rustls::ClientConfig::builder().with_native_roots()?.with_no_client_auth())
}

/// The connections of one shop through one plugin.
pub(crate) struct Pool {
    client: Client<Bounded<HttpsConnector<Dialer>>, Probe>,
}

impl Pool {
    pub(crate) fn new(permissions: &Permissions, limits: &Limits, tls: &rustls::ClientConfig) -> Self {
        let mut tls = tls.clone();
        // A ticket from one shop's session must not resume another's.
        tls.resumption = rustls::client::Resumption::in_memory_sessions(permissions.origins.len().max(1) * 2);
        let dialer = Dialer { private: permissions.private_addresses.clone().into() };
        let inner =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(dialer);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            // Fewer idle connections than calls at once would mean a new one for most requests.
            .pool_max_idle_per_host(limits.concurrent_calls)
            // hyper repeats a request only if its connection closed before any of it was written.
            .retry_canceled_requests(true)
            .build(Bounded { inner, limit: limits.connect });
        Pool { client }
    }
}

/// What the requests of one call share.
pub(crate) struct Egress {
    pub(crate) pool: Arc<Pool>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) computing: Computing,
}

impl Egress {
    /// Carries one request. Everything that can be refused without a connection is refused here.
    pub(crate) fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> impl Future<Output = Result<Response<WasiBody>, Error>> + Send + use<> {
        let origin = Origin::of(request.uri());
        let named = origin.as_ref().map_or_else(|| request.uri().to_string(), Origin::to_string);
        let place = self.meter.begin(named, request.uri().path().to_owned(), self.limits.requests);
        let granted = origin.is_some_and(|origin| self.permissions.origins.contains(&origin));
        let (pool, limits, meter) = (Arc::clone(&self.pool), Arc::clone(&self.limits), Arc::clone(&self.meter));
        let computing = self.computing.clone();
        computing.pause();
        async move {
            let Some(place) = place else { return Err(Error::HttpRequestDenied) };
            let result = match granted {
                true => carry(&pool, request, options, &limits, &meter, place).await,
                false => Err(Error::HttpRequestDenied),
            };
            if let Err(error) = &result {
                meter.note(place, |report| report.error = Some(error.to_string()));
            }
            computing.pause();
            result
        }
    }
}

async fn carry(
    pool: &Pool,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
    limits: &Limits,
    meter: &Arc<Meter>,
    place: usize,
) -> Result<Response<WasiBody>, Error> {
    let (parts, body) = request.into_parts();
    // The whole body first: a plugin that stops in the middle has then sent nothing.
    let body = Limited::new(body, limits.request_bytes).collect().await.map_err(refused_body)?.to_bytes();
    meter.note(place, |report| report.request_bytes = body.len());

    let mut request = Request::from_parts(parts, ());
    let flight = Flight::new(capture_connection(&mut request), Arc::clone(meter), place);
    let request = request.map(|()| flight.probe(body));
    let began = Instant::now();
    let wait = shorter(options.and_then(|o| o.first_byte_timeout), limits.connect + limits.head);
    let answer =
        tokio::time::timeout(wait, pool.client.request(request)).await.map_err(|_| Error::HttpResponseTimeout)?;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            flight.failed();
            return Err(wasi_error(&error));
        }
    };
    flight.head_arrived(answer.status().as_u16(), began.elapsed());
    read(answer, limits, flight).await
}

async fn read(answer: Response<Incoming>, limits: &Limits, flight: Flight) -> Result<Response<WasiBody>, Error> {
    let (parts, body) = answer.into_parts();
    let began = Instant::now();
    let whole = tokio::time::timeout(limits.body, Limited::new(body, limits.response_bytes).collect());
    let body = whole.await.map_err(|_| Error::HttpResponseTimeout)?.map_err(unread_body)?.to_bytes();
    flight.answered(body.len(), began.elapsed());
    let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed_unsync();
    Ok(Response::from_parts(parts, body))
}

fn shorter(asked: Option<Duration>, limit: Duration) -> Duration {
    asked.map_or(limit, |asked| asked.min(limit))
}

fn refused_body(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(_) => Error::HttpRequestBodySize(None),
    }
}

fn unread_body(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    if error.is::<LengthLimitError>() { Error::HttpResponseBodySize(None) } else { Error::HttpResponseIncomplete }
}

/// What hyper's error means in the words of `wasi:http`.
fn wasi_error(error: &legacy::Error) -> Error {
    let chain = || std::iter::successors(std::error::Error::source(error), |error| error.source());
    match chain().find_map(|error| error.downcast_ref::<DialError>()) {
        Some(DialError::Dns(_)) => Error::DnsError { rcode: None, info_code: None },
        Some(DialError::Prohibited) => Error::DestinationIpProhibited,
        Some(DialError::Connect(_)) => Error::ConnectionRefused,
        Some(DialError::TimedOut(_)) => Error::ConnectionTimeout,
        Some(DialError::Tls(_)) => Error::TlsCertificateError,
        None => Error::ConnectionTerminated,
    }
}

/// One request on its way. If it is dropped before its end is known (a deadline, a trap), a request
/// that was handed to a connection counts as sent: another thread may be writing it right now.
struct Flight {
    capture: CaptureConnection,
    /// Bytes the connection had written when it began to write this request.
    start: Arc<Mutex<Option<(Written, u64)>>>,
    meter: Arc<Meter>,
    place: usize,
    ended: bool,
}

impl Flight {
    fn new(capture: CaptureConnection, meter: Arc<Meter>, place: usize) -> Self {
        Flight { capture, start: Arc::default(), meter, place, ended: false }
    }

    fn probe(&self, body: Bytes) -> Probe {
        Probe { body: Full::new(body), capture: self.capture.clone(), start: Arc::clone(&self.start), polled: false }
    }

    /// hyper has given up on the request: what its connection wrote since is final.
    fn failed(mut self) {
        self.ended = true;
        let start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        if start.as_ref().is_some_and(|(written, before)| written.bytes() > *before) {
            self.meter.note(self.place, |report| report.progress = Progress::Sent);
        }
    }

    fn head_arrived(&self, status: u16, took: Duration) {
        let connect = self.connection().get::<Took>().map(|took| took.0).filter(|connect| *connect <= took);
        self.meter.note(self.place, |report| {
            report.progress = Progress::Sent;
            report.status = Some(status);
            report.connect = connect;
            report.head = Some(took);
        });
    }

    fn answered(mut self, bytes: usize, took: Duration) {
        self.ended = true;
        self.meter.note(self.place, |report| {
            report.progress = Progress::Answered;
            report.response_bytes = bytes;
            report.body = Some(took);
        });
    }

    fn connection(&self) -> Extensions {
        extras(&self.capture)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.ended && self.connection().get::<Written>().is_some() {
            self.meter.note(self.place, |report| report.progress = Progress::Sent);
        }
    }
}

fn extras(capture: &CaptureConnection) -> Extensions {
    let mut extras = Extensions::new();
    if let Some(connected) = capture.connection_metadata().as_ref() {
        connected.get_extras(&mut extras);
    }
    extras
}

/// A request's body that notes what its connection had written before. hyper asks for the body after
/// it has encoded the head and before it writes either, so the note is taken in between.
struct Probe {
    body: Full<Bytes>,
    capture: CaptureConnection,
    start: Arc<Mutex<Option<(Written, u64)>>>,
    polled: bool,
}

impl Body for Probe {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !std::mem::replace(&mut self.polled, true)
            && let Some(written) = extras(&self.capture).remove::<Written>()
        {
            let before = written.bytes();
            *self.start.lock().unwrap_or_else(PoisonError::into_inner) = Some((written, before));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// Not before it was asked for, even if it is empty: the note must be taken.
    fn is_end_stream(&self) -> bool {
        self.polled && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
