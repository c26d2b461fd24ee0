//! One provider on one loopback port: connections, faults, and the record of what arrived.
//!
//! The accept loop is our own because faults need the bare connection. A request is carried out
//! in one step under the ledger's lock, before anything is written back and before any wait, so
//! whatever a client sees of a request happened after the ledger knew of it.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::faults::{Fault, FaultPlan, Faults, PlanReport};
use crate::ledger::Ledger;
use crate::wire::{Answer, Received, Trouble, Twist, TwistRule, Wire};

/// Largest request body taken. 1,000 registrations of one request with a recipient and five lines
/// each come to 2 MiB; this leaves room for longer ones.
pub const MAX_BODY: usize = 4 << 20;

/// Largest request head taken, give or take one read of the socket. Ours are below one KiB; a
/// browser's with cookies stays below this.
pub const MAX_HEAD: usize = 64 << 10;

/// How long a connection may wait for its next request: what web servers usually allow.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a request's body may take to arrive.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// Connections served at once; the others are accepted and wait unread.
pub const MAX_OPEN: usize = 4_096;

/// Bytes of requests kept for [`Gateway::requests`]; the oldest go first.
pub const MAX_KEPT: usize = 64 << 20;

/// What [`Fault::HugeBody`] adds to an answer: far above any limit a client should have.
pub const HUGE_BODY: usize = 64 << 20;

/// Size of one piece of it.
const HUGE_CHUNK: usize = 64 << 10;

/// Most time that [`Fault::SlowBody`] takes; what is left then goes at once.
pub const SLOW_TOTAL: Duration = Duration::from_secs(120);

/// Retry-After of [`Fault::Http503`] and [`Fault::Http429`], in seconds. An odd number, so a
/// client that shows it has read it.
pub const RETRY_AFTER_SECONDS: u32 = 7;

/// What a client says of itself, and a firewall looks for.
const NAMED_BY: [&str; 2] = ["user-agent", "accept"];

/// Pause after the machine refused to hand out a connection (out of descriptors), instead of
/// asking again at full speed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a gateway behaves apart from its provider's rules.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Wait before every answer, after the request was carried out.
    pub latency: Duration,
    /// Wait of [`Fault::Late`]. The default is longer than the 30 s that clients allow.
    pub late: Duration,
    /// Whether a firewall stands before it that answers 403 to clients that do not say who they are and
    /// what they take.
    pub firewall: bool,
    /// Wait before each byte of [`Fault::SlowBody`]. With the default an answer of 300 bytes
    /// takes a minute.
    pub slow_byte: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            latency: Duration::ZERO,
            late: Duration::from_secs(35),
            firewall: false,
            slow_byte: Duration::from_millis(200),
        }
    }
}

/// Why a plan was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefused {
    /// The provider has no such operation.
    #[error("{plan}: there is no operation {operation:?}; there are: {known}")]
    Operation {
        /// The plan.
        plan: String,
        /// What it names.
        operation: String,
        /// What there is.
        known: String,
    },
    /// The provider's answers cannot show this fault, so it would never strike.
    #[error("{0}: no answer of this provider or operation can show that fault")]
    Pointless(String),
    /// There are too many already.
    #[error("one gateway takes at most {} plans", crate::faults::MAX_PLANS)]
    TooMany,
}

/// A request, and what the provider made of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// As it arrived.
    pub request: Received,
    /// The references and transaction ids that it names, with the reference behind each id.
    pub names: Vec<String>,
    /// What the provider answered, before a fault did something to it; absent where it never got to see the
    /// request.
    pub answer: Option<Answer>,
}

/// A running simulator. Dropping it ends it.
pub struct Gateway {
    port: u16,
    shared: Arc<Shared>,
    listening: tokio::sync::Mutex<Option<Listening>>,
}

/// An open port. Its accept loop and connections end when the sender is dropped or speaks.
struct Listening {
    closing: watch::Sender<bool>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    wire: Box<dyn Wire>,
    options: Options,
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    kept: Mutex<Kept>,
    connections: AtomicUsize,
    slots: Semaphore,
    in_flight: watch::Sender<usize>,
}

#[derive(Default)]
struct Kept {
    exchanges: VecDeque<Exchange>,
    /// How many were dropped from the front.
    dropped: usize,
    bytes: usize,
    counts: BTreeMap<String, usize>,
}

impl Gateway {
    /// Starts serving a provider. Fails if the port is taken.
    pub async fn start(wire: impl Into<Box<dyn Wire>>, options: Options) -> io::Result<Self> {
        let listener = bind(options.port).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            wire: wire.into(),
            options,
            ledger: Mutex::default(),
            faults: Mutex::default(),
            kept: Mutex::default(),
            connections: AtomicUsize::new(0),
            slots: Semaphore::new(MAX_OPEN),
            in_flight: watch::Sender::new(0),
        });
        let listening = tokio::sync::Mutex::new(Some(listen(listener, shared.clone())));
        Ok(Self { port, shared, listening })
    }

    /// `http://127.0.0.1:PORT`, the same after [`Gateway::reopen`].
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The base URL that a client is given: the origin, and what stands before every path.
    pub fn base(&self) -> String {
        self.origin() + self.shared.wire.base()
    }

    /// The provider's name and the credentials of its merchant, see [`Wire::merchant`].
    pub fn merchant(&self) -> (&'static str, Vec<(&'static str, String)>) {
        (self.shared.wire.name(), self.shared.wire.merchant())
    }

    /// What is recorded now.
    pub fn ledger(&self) -> Ledger {
        lock(&self.shared.ledger).clone()
    }

    /// Changes the records, as the company's own people can.
    pub fn edit_ledger(&self, edit: impl FnOnce(&mut Ledger)) {
        edit(&mut lock(&self.shared.ledger));
    }

    /// Every request whose body arrived whole, oldest first, the newest [`MAX_KEPT`] bytes of them.
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.kept).exchanges.iter().map(|exchange| exchange.request.clone()).collect()
    }

    /// The same requests with what was made of each.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.shared.kept).exchanges.iter().cloned().collect()
    }

    /// How many requests arrived for each operation; "other" for what is none.
    pub fn request_counts(&self) -> BTreeMap<String, usize> {
        lock(&self.shared.kept).counts.clone()
    }

    /// Connections accepted so far, those a fault closed at once among them.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The names of the provider's operations, as plans use them.
    pub fn operations(&self) -> Vec<&'static str> {
        self.shared.wire.operations()
    }

    /// Whether some answer of this provider can show a fault; plans with others are refused.
    pub fn can_show(&self, fault: Fault) -> bool {
        self.shared.can_show(fault, &self.operations())
    }

    /// Adds a fault. Plans are asked in the order given, and the first that strikes takes the
    /// request away from those behind it.
    pub fn plan(&self, plan: FaultPlan) -> Result<(), PlanRefused> {
        self.plan_all(vec![plan])
    }

    /// Adds every fault, or none if one of them is refused.
    pub fn plan_all(&self, plans: Vec<FaultPlan>) -> Result<(), PlanRefused> {
        plans.iter().try_for_each(|plan| self.shared.check_plan(plan))?;
        lock(&self.shared.faults).add(plans).then_some(()).ok_or(PlanRefused::TooMany)
    }

    /// Ends every fault; their hits stay on record.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// How often any fault struck, cleared ones too.
    pub fn fault_hits(&self) -> usize {
        lock(&self.shared.faults).hits(None)
    }

    /// How often this fault struck, by whichever plan.
    pub fn hits_of(&self, fault: Fault) -> usize {
        lock(&self.shared.faults).hits(Some(fault))
    }

    /// Every plan with its hits.
    pub fn plans(&self) -> Vec<PlanReport> {
        lock(&self.shared.faults).report()
    }

    /// Stops listening: from now on the machine refuses connections. Idle connections end, a
    /// request in hand is still answered. Does nothing if it is closed.
    pub async fn close(&self) {
        if let Some(Listening { closing, accepting }) = self.listening.lock().await.take() {
            let _ = closing.send(true);
            let _ = accepting.await;
        }
    }

    /// Listens again on the same port. Does nothing if it is open; fails if the port was taken.
    pub async fn reopen(&self) -> io::Result<()> {
        let mut listening = self.listening.lock().await;
        if listening.is_none() {
            *listening = Some(listen(bind(self.port).await?, self.shared.clone()));
        }
        Ok(())
    }

    /// Waits until no request is being handled. What a client abandoned earlier is then in the
    /// ledger or never will be, except for bytes that the machine has not handed over yet.
    pub async fn settle(&self) {
        let mut in_flight = self.shared.in_flight.subscribe();
        let _ = in_flight.wait_for(|count| *count == 0).await;
    }
}

/// A test that panicked while it held a lock has failed already; the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> Listening {
    let (closing, closed) = watch::channel(false);
    Listening { closing, accepting: tokio::spawn(accept_all(listener, shared, closed)) }
}

async fn accept_all(listener: TcpListener, shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closed.changed() => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if lock(&shared.faults).strikes_connection() {
            continue;
        }
        tokio::spawn(serve(stream, shared.clone(), closed.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut closed: watch::Receiver<bool>) {
    let _slot: SemaphorePermit<'_> = shared.slots.acquire().await.expect("the semaphore is never closed");
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| handle(shared.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error here is a client that left or a fault that cut the line: both are meant to happen.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closed.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The connection is to be cut. As an error it makes hyper do so without writing anything more.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct Cut;

type Body = UnsyncBoxBody<Bytes, Cut>;
type Reply = Result<Response<Body>, Cut>;

/// Counts a request as long as it is being handled, even if its client goes away.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: Arc<Shared>) -> Self {
        shared.in_flight.send_modify(|count| *count += 1);
        Self(shared)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Reply {
    let _in_flight = InFlight::new(shared.clone());
    let request = match receive(request).await {
        Ok(request) => request,
        Err(Refused::TooLarge) => return reply(&Answer::page(413, "Content Too Large")),
        Err(Refused::Broken) => return Err(Cut),
    };
    let operation = shared.wire.operation(&request);
    let names = shared.names(&request);
    let number = lock(&shared.kept).keep(operation, request.clone(), names.clone());
    if shared.options.firewall && NAMED_BY.iter().any(|name| request.header(name).is_none_or(str::is_empty)) {
        return reply(&Answer::page(403, "Forbidden"));
    }
    let struck = lock(&shared.faults).strikes_request(operation, &names);
    match struck {
        None => {
            let answer = shared.commit(number, &request);
            wait(shared.options.latency).await;
            reply(&answer)
        }
        Some((place, fault)) => {
            let strike = Strike { shared, place, number, operation: operation.unwrap_or_default() };
            strike.carry_out(fault, &request).await
        }
    }
}

/// Waits for `time`; not at all where that is none. The timer would round even nothing up to its next tick,
/// which is more than a millisecond: longer than everything else that a request takes here.
async fn wait(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

enum Refused {
    TooLarge,
    Broken,
}

async fn receive(request: Request<Incoming>) -> Result<Received, Refused> {
    let (head, body) = request.into_parts();
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refused::TooLarge);
    }
    let body = match timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => return Err(Refused::TooLarge),
        Ok(Err(_)) | Err(_) => return Err(Refused::Broken),
    };
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Ok(Received {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or(String::new(), ToString::to_string),
        headers: head.headers.iter().map(header).collect(),
        body,
    })
}

impl Kept {
    /// Keeps a request; its number.
    fn keep(&mut self, operation: Option<&str>, request: Received, names: Vec<String>) -> usize {
        *self.counts.entry(operation.unwrap_or("other").to_owned()).or_default() += 1;
        self.bytes += request.weight();
        let number = self.dropped + self.exchanges.len();
        self.exchanges.push_back(Exchange { request, names, answer: None });
        while self.bytes > MAX_KEPT {
            let oldest = self.exchanges.pop_front().expect("the bytes are those of the requests");
            self.bytes -= oldest.request.weight();
            self.dropped += 1;
        }
        number
    }

    fn answered(&mut self, number: usize, answer: &Answer) {
        let kept = number.checked_sub(self.dropped).and_then(|at| self.exchanges.get_mut(at));
        if let Some(exchange) = kept {
            exchange.answer = Some(answer.clone());
        }
    }
}

impl Shared {
    /// Carries out the request that was kept under `number`.
    fn commit(&self, number: usize, request: &Received) -> Answer {
        let answer = self.wire.answer(&mut lock(&self.ledger), request);
        lock(&self.kept).answered(number, &answer);
        answer
    }

    /// What a request names, with the reference behind each transaction id.
    fn names(&self, request: &Received) -> Vec<String> {
        let mut names = self.wire.names(request);
        let ledger = lock(&self.ledger);
        let references: Vec<String> =
            names.iter().filter_map(|name| ledger.find(name)).map(|found| found.reference.clone()).collect();
        names.extend(references);
        names
    }

    fn check_plan(&self, plan: &FaultPlan) -> Result<(), PlanRefused> {
        let known = self.wire.operations();
        let operations = match &plan.on {
            None => known,
            Some(on) if known.contains(&on.as_str()) => vec![on.as_str()],
            Some(on) => {
                let (plan, operation) = (plan.to_string(), on.clone());
                return Err(PlanRefused::Operation { plan, operation, known: known.join(", ") });
            }
        };
        self.can_show(plan.fault, &operations).then_some(()).ok_or_else(|| PlanRefused::Pointless(plan.to_string()))
    }

    fn can_show(&self, fault: Fault, operations: &[&str]) -> bool {
        if fault == Fault::WrongCharset && !self.wire.speaks_japanese() {
            return false;
        }
        operations.iter().any(|operation| match effect(fault) {
            Effect::Trouble(trouble) => self.wire.trouble(operation, trouble).is_some(),
            Effect::Twist(twist) => self.rule(twist, operation).is_some(),
            Effect::Line => true,
        })
    }

    fn rule(&self, twist: Twist, operation: &str) -> Option<&'static TwistRule> {
        self.wire.twists().iter().find(|rule| rule.twist == twist && rule.operation == operation)
    }
}

/// What a fault needs the provider's words for.
enum Effect {
    Line,
    Trouble(Trouble),
    Twist(Twist),
}

fn effect(fault: Fault) -> Effect {
    match fault {
        Fault::AddressRefused => Effect::Trouble(Trouble::AddressRefused),
        Fault::SystemFailure => Effect::Trouble(Trouble::SystemFailure),
        Fault::Maintenance => Effect::Trouble(Trouble::Maintenance),
        Fault::OtherReference => Effect::Twist(Twist::OtherReference),
        Fault::OtherAmount => Effect::Twist(Twist::OtherAmount),
        Fault::UnknownCode => Effect::Twist(Twist::UnknownCode),
        _ => Effect::Line,
    }
}

/// A fault that strikes a request.
struct Strike {
    shared: Arc<Shared>,
    place: usize,
    /// Under which the request was kept.
    number: usize,
    operation: &'static str,
}

impl Strike {
    async fn carry_out(self, fault: Fault, request: &Received) -> Reply {
        if !fault.info().commits {
            return self.refuse(fault, request);
        }
        let answer = self.shared.commit(self.number, request);
        if let Effect::Twist(twist) = effect(fault) {
            return reply(&self.twist(twist, answer));
        }
        if fault == Fault::WrongCharset {
            return self.in_shift_jis(answer);
        }
        self.met();
        let whole = Bytes::from(answer.body.clone());
        match fault {
            Fault::DropAnswer => Err(Cut),
            Fault::Http500 => reply(&Answer::page(500, "Internal Server Error")),
            Fault::CutBody => stream_reply(&answer, Some(whole.len()), cut_in_half(whole)),
            Fault::SlowBody => {
                stream_reply(&answer, Some(whole.len()), byte_by_byte(whole, self.shared.options.slow_byte))
            }
            Fault::HugeBody => stream_reply(&answer, None, with_blanks(whole)),
            _ => {
                wait(self.shared.options.late).await;
                reply(&answer)
            }
        }
    }

    /// Faults that record nothing.
    fn refuse(&self, fault: Fault, request: &Received) -> Reply {
        let later = |status, title| Answer { retry_after: Some(RETRY_AFTER_SECONDS), ..Answer::page(status, title) };
        let answer = match fault {
            Fault::Http502 => Some(Answer::page(502, "Bad Gateway")),
            Fault::Http503 => Some(later(503, "Service Unavailable")),
            Fault::Http429 => Some(later(429, "Too Many Requests")),
            _ => match effect(fault) {
                Effect::Trouble(trouble) => self.shared.wire.trouble(self.operation, trouble),
                _ => {
                    self.met();
                    return Err(Cut);
                }
            },
        };
        match answer {
            Some(answer) => {
                self.met();
                reply(&answer)
            }
            None => reply(&self.shared.commit(self.number, request)),
        }
    }

    fn twist(&self, twist: Twist, answer: Answer) -> Answer {
        let rule = self.shared.rule(twist, self.operation);
        match rule.and_then(|rule| rule.apply(&answer.body)) {
            Some(body) => {
                self.met();
                Answer { body, ..answer }
            }
            None => answer,
        }
    }

    /// An answer in ASCII is the same in both, and then nothing went wrong.
    fn in_shift_jis(&self, answer: Answer) -> Reply {
        let (body, ..) = encoding_rs::SHIFT_JIS.encode(&answer.body);
        if body.as_ref() != answer.body.as_bytes() {
            self.met();
        }
        let body = Bytes::copy_from_slice(&body);
        build(&answer, Some(body.len()), Full::new(body).map_err(never).boxed_unsync())
    }

    fn met(&self) {
        lock(&self.shared.faults).met(self.place);
    }
}

fn reply(answer: &Answer) -> Reply {
    let body = Bytes::copy_from_slice(answer.body.as_bytes());
    build(answer, Some(body.len()), Full::new(body).map_err(never).boxed_unsync())
}

fn stream_reply(
    answer: &Answer,
    length: Option<usize>,
    pieces: impl Stream<Item = Result<Bytes, Cut>> + Send + 'static,
) -> Reply {
    build(answer, length, StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync())
}

fn build(answer: &Answer, length: Option<usize>, body: Body) -> Reply {
    let mut response = Response::builder().status(answer.status).header(CONTENT_TYPE, answer.content_type);
    if let Some(length) = length {
        response = response.header(CONTENT_LENGTH, length);
    }
    if let Some(seconds) = answer.retry_after {
        response = response.header(RETRY_AFTER, seconds);
    }
    Ok(response.body(body).expect("status and headers are our own"))
}

fn never(error: Infallible) -> Cut {
    match error {}
}

/// The first half, then the end of the connection. In between hyper gets the chance to write.
fn cut_in_half(mut body: Bytes) -> impl Stream<Item = Result<Bytes, Cut>> {
    let half = body.split_to(body.len() / 2);
    stream::iter([Ok(half)]).chain(stream::once(async {
        tokio::task::yield_now().await;
        Err(Cut)
    }))
}

fn byte_by_byte(body: Bytes, pause: Duration) -> impl Stream<Item = Result<Bytes, Cut>> {
    let until = Instant::now() + SLOW_TOTAL;
    stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        wait(pause).await;
        let piece = rest.split_to(if Instant::now() < until { 1 } else { rest.len() });
        Some((Ok(piece), rest))
    })
}

/// Blanks behind a document leave it valid, so a client without a limit would believe it.
fn with_blanks(body: Bytes) -> impl Stream<Item = Result<Bytes, Cut>> {
    let blanks = Bytes::from(vec![b' '; HUGE_CHUNK]);
    stream::iter([Ok(body)]).chain(stream::iter((0..HUGE_BODY / HUGE_CHUNK).map(move |_| Ok(blanks.clone()))))
}
