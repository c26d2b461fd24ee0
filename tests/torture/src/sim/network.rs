//! What lies between the platform's processes and the gateway: requests that are on their way until the simulation says
//! what becomes of them.

use super::native::{self, Job, Rows};
use gateways::wire::{Answer, Trouble, Twist, Wire};
use gateways::{Fault, Ledger, Received};
use provider_host::contract as host;
use provider_host::{Account, Answer as Answered, CallError};
use provider_sdk::http::{Request, Response, SendError, Transport};
use service::providers::provider::Provider;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Where the gateway seems to be.
const ORIGIN: &str = "https://gateway.example";

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It arrives, is carried out and answered.
    Answered,
    /// A fault of the simulators' plan strikes it, at its first request or at its second.
    Struck(Fault, usize),
    /// It never arrives, and nobody is told.
    Lost,
    /// There is no connection.
    Refused,
    /// It arrives, is carried out and answered, and the last row's answer names this transaction id instead of its own.
    OtherId(String),
}

/// How long a caller waits for its answer, in milliseconds: the host's deadline.
const DEADLINE: i64 = 40_000;
/// How long a request can still be on its way, in milliseconds. Together with how old a claim may be when its request
/// leaves, it is the in-flight window, which is the platform's one assumption about networks.
const LONGEST_WAY: i64 = 109_000;

/// A call that is on its way.
pub struct InFlight {
    /// Counts the calls of a day.
    pub id: usize,
    /// The operation that waits for it, by its number.
    pub operation: usize,
    /// What is asked.
    pub job: Job,
    /// Milliseconds of uptime at which it left, and of which start of the machine.
    pub left: (i64, String),
    reply: Option<oneshot::Sender<Rows>>,
}

impl InFlight {
    /// Whether nobody waits for its answer any more.
    pub fn is_orphan(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// The uptime at which its caller gives up; of one that nobody waits for, at which it arrives or never does.
    pub fn limit(&self) -> i64 {
        self.left.0 + if self.is_orphan() { LONGEST_WAY } else { DEADLINE }
    }
}

/// What was made of a call. Whoever waits for it is told with [`Delivery::tell`].
pub struct Delivery {
    /// The operation that waits for it, by its number.
    pub operation: usize,
    /// The call.
    pub job: Job,
    /// The rows that came of it, if it arrived.
    pub rows: Rows,
    /// The fault that did strike.
    pub met: Option<Fault>,
    reply: Option<oneshot::Sender<Rows>>,
}

impl Delivery {
    /// Whether somebody waits for the rows.
    pub fn is_awaited(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Tells whoever waits. From then on it runs whenever this thread waits for something, so its operation has to be
    /// the one that runs.
    pub fn tell(self) {
        // Whoever does not wait any more is not told.
        let _ = self.reply.map(|reply| reply.send(self.rows));
    }
}

#[derive(Default)]
struct Inner {
    in_flight: Vec<InFlight>,
    ledger: Ledger,
    calls: usize,
    operation: usize,
}

/// The network and the gateway behind it. Clones are the same.
#[derive(Clone)]
pub struct Network {
    provider: &'static str,
    wire: Arc<dyn Wire>,
    settings: Arc<Vec<host::Setting>>,
    inner: Arc<Mutex<Inner>>,
    /// A call has left and waits for the simulation.
    pub parked: Arc<Notify>,
}

impl Network {
    /// To an empty gateway of `provider`.
    ///
    /// # Panics
    /// If there is no such provider.
    pub fn to(provider: &'static str) -> Self {
        let wire: Arc<dyn Wire> = gateways::by_id(provider).expect("a provider of the table").into();
        let mut settings = vec![setting("base-url", &format!("{ORIGIN}{}", wire.base()))];
        settings.extend(native::credentials(provider).iter().map(|(key, value)| setting(key, value)));
        Self { provider, wire, settings: settings.into(), inner: Arc::default(), parked: Arc::default() }
    }

    /// The settings of a mall at this gateway.
    pub fn settings(&self) -> impl Iterator<Item = (String, String)> {
        self.settings.iter().map(|setting| (setting.key.clone(), setting.value.clone()))
    }

    /// Calls that leave from now on belong to this operation.
    pub fn leaves_from(&self, operation: usize) {
        self.inner().operation = operation;
    }

    /// What the gateway holds.
    pub fn ledger(&self) -> Ledger {
        self.inner().ledger.clone()
    }

    /// Changes what the gateway holds, as somebody does on its own page.
    pub fn edit_ledger(&self, edit: impl FnOnce(&mut Ledger)) {
        edit(&mut self.inner().ledger);
    }

    /// Looks at what is on its way, oldest first.
    pub fn in_flight<T>(&self, look: impl FnMut(&InFlight) -> T) -> Vec<T> {
        self.inner().in_flight.iter().map(look).collect()
    }

    /// The uptime at which something has to become of a call that is on its way.
    pub fn next_limit(&self) -> Option<i64> {
        self.inner().in_flight.iter().map(InFlight::limit).min()
    }

    /// Lets `fate` happen to the call `id`, at `now` in milliseconds since 1970.
    pub fn deliver(&self, id: usize, fate: Fate, now: i64) -> Option<Delivery> {
        let mut inner = self.inner();
        let at = inner.in_flight.iter().position(|call| call.id == id)?;
        let call = inner.in_flight.remove(at);
        let (rows, met) = match fate {
            Fate::Lost => (failed(&call.job, host::Failure::OutcomeUnknown), None),
            Fate::Refused => (failed(&call.job, host::Failure::NotSent), None),
            Fate::Answered => self.carry_out(&mut inner.ledger, &call.job, None, now),
            Fate::Struck(fault, nth) => self.carry_out(&mut inner.ledger, &call.job, Some((fault, nth)), now),
            Fate::OtherId(id) => {
                let (rows, met) = self.carry_out(&mut inner.ledger, &call.job, None, now);
                (naming(rows, id), met)
            }
        };
        Some(Delivery { operation: call.operation, job: call.job, rows, met, reply: call.reply })
    }

    /// Whoever waits for the call `id` gives up; it stays on its way.
    pub fn time_out(&self, id: usize) -> Option<Delivery> {
        let mut inner = self.inner();
        let call = inner.in_flight.iter_mut().find(|call| call.id == id)?;
        let rows = failed(&call.job, host::Failure::OutcomeUnknown);
        let (operation, job) = (call.operation, call.job.clone());
        Some(Delivery { operation, job, rows, met: None, reply: call.reply.take() })
    }

    fn carry_out(
        &self,
        ledger: &mut Ledger,
        job: &Job,
        strike: Option<(Fault, usize)>,
        now: i64,
    ) -> (Rows, Option<Fault>) {
        let line = Line {
            wire: &*self.wire,
            ledger: RefCell::new(ledger),
            strike: Cell::new(strike),
            met: Cell::new(None),
            is_broken: Cell::new(false),
        };
        let rows = native::carry_out(self.provider, job, (&self.settings, now), &line).expect("a plugin of the table");
        // The host's word: a call of which a request has no whole answer says nothing.
        let rows = if line.is_broken.get() { failed(job, host::Failure::OutcomeUnknown) } else { rows };
        (rows, line.met.get())
    }

    fn put(&self, job: Job, reply: oneshot::Sender<Rows>) {
        let left = domain::clock::uptime().map_or((0, String::new()), |uptime| (uptime.milliseconds, uptime.boot));
        let mut inner = self.inner();
        let (id, operation) = (inner.calls, inner.operation);
        inner.calls += 1;
        inner.in_flight.push(InFlight { id, operation, job, left, reply: Some(reply) });
        self.parked.notify_one();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn setting(key: &str, value: &str) -> host::Setting {
    host::Setting { key: key.to_owned(), value: value.to_owned() }
}

/// Every row of `job` failed alike.
fn failed(job: &Job, failure: fn(host::Reason) -> host::Failure) -> Rows {
    fn all<T>(job: &Job, failure: fn(host::Reason) -> host::Failure) -> Vec<Result<T, host::Failure>> {
        let reason = || host::Reason { code: None, message: "the line was cut".to_owned() };
        job.references().iter().map(|_| Err(failure(reason()))).collect()
    }
    match job {
        Job::Credit(_) => Rows::Credit(all(job, failure)),
        Job::Check(_) => Rows::Check(all(job, failure)),
        Job::Cancel(_) | Job::Sync(_) => Rows::Done(all(job, failure)),
    }
}

/// The rows, the last of them under another transaction id.
fn naming(mut rows: Rows, id: String) -> Rows {
    let decision = match &mut rows {
        Rows::Credit(rows) => rows.last_mut().and_then(|row| row.as_mut().ok()),
        Rows::Check(rows) => match rows.last_mut() {
            Some(Ok(host::Standing::Decided(decision))) => Some(decision),
            _ => None,
        },
        Rows::Done(_) => None,
    };
    if let Some(named) = decision.and_then(|decision| decision.transaction_id.as_mut()) {
        *named = id;
    }
    rows
}

/// One call's way to the gateway.
struct Line<'a> {
    wire: &'a dyn Wire,
    ledger: RefCell<&'a mut Ledger>,
    strike: Cell<Option<(Fault, usize)>>,
    met: Cell<Option<Fault>>,
    /// A request has no whole answer.
    is_broken: Cell<bool>,
}

impl Line<'_> {
    /// The fault that is to strike this request.
    fn fault(&self) -> Option<Fault> {
        match self.strike.take()? {
            (fault, 0) => Some(fault),
            (fault, nth) => {
                self.strike.set(Some((fault, nth - 1)));
                None
            }
        }
    }

    fn commit(&self, received: &Received) -> Answer {
        self.wire.answer(&mut self.ledger.borrow_mut(), received)
    }

    fn cut(&self) -> Result<Response, SendError> {
        self.is_broken.set(true);
        Err(SendError::OutcomeUnknown("the line was cut".to_owned()))
    }

    /// The same effects as on the simulators' sockets. Where the answers of a provider cannot show a fault, it does
    /// not strike.
    fn struck(&self, fault: Fault, received: &Received) -> Result<Response, SendError> {
        let operation = self.wire.operation(received).unwrap_or_default();
        let met = || self.met.set(Some(fault));
        let page = |status, title, retry_after| Ok(response(Answer { retry_after, ..Answer::page(status, title) }));
        let later = Some(gateways::server::RETRY_AFTER_SECONDS);
        match fault {
            Fault::AcceptClose | Fault::ReadClose => {
                met();
                self.cut()
            }
            Fault::Http502 => {
                met();
                page(502, "Bad Gateway", None)
            }
            Fault::Http503 => {
                met();
                page(503, "Service Unavailable", later)
            }
            Fault::Http429 => {
                met();
                page(429, "Too Many Requests", later)
            }
            Fault::Http500 => {
                met();
                self.commit(received);
                page(500, "Internal Server Error", None)
            }
            // Cut, later than anybody waits, or larger than anybody reads: there is no whole answer.
            Fault::DropAnswer | Fault::Late | Fault::CutBody | Fault::SlowBody | Fault::HugeBody => {
                met();
                self.commit(received);
                self.cut()
            }
            Fault::WrongCharset => {
                let answer = self.commit(received);
                let (body, ..) = encoding_rs::SHIFT_JIS.encode(&answer.body);
                if body.as_ref() != answer.body.as_bytes() {
                    met();
                }
                let body = body.into_owned();
                Ok(Response { body, ..response(answer) })
            }
            Fault::OtherReference => self.twisted(fault, Twist::OtherReference, operation, received),
            Fault::OtherAmount => self.twisted(fault, Twist::OtherAmount, operation, received),
            Fault::UnknownCode => self.twisted(fault, Twist::UnknownCode, operation, received),
            Fault::AddressRefused => self.troubled(fault, Trouble::AddressRefused, operation, received),
            Fault::SystemFailure => self.troubled(fault, Trouble::SystemFailure, operation, received),
            Fault::Maintenance => self.troubled(fault, Trouble::Maintenance, operation, received),
        }
    }

    fn twisted(&self, fault: Fault, twist: Twist, on: &str, received: &Received) -> Result<Response, SendError> {
        let answer = self.commit(received);
        let rule = self.wire.twists().iter().find(|rule| rule.twist == twist && rule.operation == on);
        Ok(response(match rule.and_then(|rule| rule.apply(&answer.body)) {
            Some(body) => {
                self.met.set(Some(fault));
                Answer { body, ..answer }
            }
            None => answer,
        }))
    }

    fn troubled(&self, fault: Fault, trouble: Trouble, on: &str, received: &Received) -> Result<Response, SendError> {
        Ok(response(match self.wire.trouble(on, trouble) {
            Some(answer) => {
                self.met.set(Some(fault));
                answer
            }
            None => self.commit(received),
        }))
    }
}

fn response(answer: Answer) -> Response {
    Response {
        status: answer.status,
        content_type: Some(answer.content_type.to_owned()),
        retry_after: answer.retry_after,
        body: answer.body.into_bytes(),
    }
}

impl Transport for Line<'_> {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let path = request.url.strip_prefix(ORIGIN).ok_or(SendError::NotSent("another host".to_owned()))?.to_owned();
        let headers = request.all_headers().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let received = Received { method: request.method.to_owned(), path, headers, body: request.body.into() };
        match self.fault() {
            Some(fault) => self.struck(fault, &received),
            None => Ok(response(self.commit(&received))),
        }
    }
}

/// A plugin whose calls go over the network.
#[derive(Clone)]
pub struct Simulated {
    /// The network.
    pub network: Network,
    /// What the plugin says of itself.
    pub info: Arc<host::ProviderInfo>,
}

impl Simulated {
    async fn ask(&self, job: Job) -> Rows {
        let (reply, answer) = oneshot::channel();
        self.network.put(job, reply);
        match answer.await {
            Ok(rows) => rows,
            // The network is gone, and with it the day.
            Err(_) => std::future::pending().await,
        }
    }
}

fn answered<T>(rows: Vec<Result<T, host::Failure>>) -> Answered<T> {
    Answered { rows, calls: Vec::new() }
}

impl Provider for Simulated {
    fn info(&self) -> &host::ProviderInfo {
        &self.info
    }
    async fn check_settings(&self, _: Vec<host::Setting>) -> Result<Vec<host::FieldProblem>, CallError> {
        Ok(Vec::new())
    }
    async fn fees_adjust(
        &self,
        _: &host::FeeRule,
        bills: &[host::Bill],
    ) -> Result<Vec<Result<host::AdjustedFee, Vec<host::FieldProblem>>>, CallError> {
        let adjusted = |bill: &host::Bill| {
            let billed_amount = bill.items + bill.shipping_fee + bill.payment_fee;
            Ok(host::AdjustedFee { payment_fee: bill.payment_fee, billed_amount, band: None })
        };
        Ok(bills.iter().map(adjusted).collect())
    }
    async fn test_connection(&self, _: &Account) -> Answered<()> {
        answered(vec![Ok(())])
    }
    async fn credit(&self, _: &Account, orders: Vec<host::Order>) -> Answered<host::Decision> {
        let Rows::Credit(rows) = self.ask(Job::Credit(orders)).await else { return answered(Vec::new()) };
        answered(rows)
    }
    async fn check_credit(&self, _: &Account, asked: Vec<host::Registration>) -> Answered<host::Standing> {
        let Rows::Check(rows) = self.ask(Job::Check(asked)).await else { return answered(Vec::new()) };
        answered(rows)
    }
    async fn cancel(&self, _: &Account, cancelled: Vec<host::Cancellation>) -> Answered<()> {
        let Rows::Done(rows) = self.ask(Job::Cancel(cancelled)).await else { return answered(Vec::new()) };
        answered(rows)
    }
    async fn sync_tracking(&self, _: &Account, shipped: Vec<host::Shipment>) -> Answered<()> {
        let Rows::Done(rows) = self.ask(Job::Sync(shipped)).await else { return answered(Vec::new()) };
        answered(rows)
    }
}
