//! A provider with the reference model's gateway behind it: it keeps a ledger, decides as told, and loses answers as told.

use model::gateway::{Gateway, Verdict as ModelVerdict};
use provider_host::contract::{
    AdjustedFee, BatchLimits, Bill, Cancellation, Capability, Carrier, Decision, Failure, FeeRule, FieldProblem, Label,
    Order, ProviderInfo, Reason, Registration, Setting, Shipment, Standing, Verdict,
};
use provider_host::{Account, Answer, CALL_ENDED, CALL_LIMIT, CallError};
use service::providers::provider::{FeeError, Provider};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What becomes of the next registration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    Approve,
    Reject,
    Review,
    /// Recorded and approved; the answer is lost.
    LoseAnswer,
    /// Not recorded; the request is lost on its way.
    LoseRequest,
    NotSent,
    Refuse,
    /// A verdict that nobody knows.
    Other,
    /// Approved, under the id of the first registration.
    WrongId,
    /// Approved, under an id that PostgreSQL cannot hold.
    NulInId,
}

/// How every credit call ends early.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// The plugin waits for nothing until the host ends the call, which takes this long.
    PluginWaits(Duration),
    /// The gateway has the request and says nothing until the host ends the call.
    GatewaySilent(Duration),
    /// The plugin traps.
    Trap,
}

impl Ending {
    async fn row(self) -> Failure {
        let limit = reason(CALL_LIMIT, "no answer from the plugin in time");
        match self {
            Self::PluginWaits(deadline) => {
                tokio::time::sleep(deadline).await;
                Failure::NotSent(limit)
            }
            Self::GatewaySilent(deadline) => {
                tokio::time::sleep(deadline).await;
                Failure::OutcomeUnknown(limit)
            }
            Self::Trap => Failure::NotSent(reason(CALL_ENDED, "the plugin broke off")),
        }
    }
}

#[derive(Clone)]
pub struct Fake {
    pub info: ProviderInfo,
    pub script: Arc<Mutex<VecDeque<Next>>>,
    pub ledger: Arc<Mutex<Gateway>>,
    /// Rows of every credit call, in the order of the calls.
    pub batches: Arc<Mutex<Vec<usize>>>,
    /// How often an order under review is asked about before it is approved.
    pub asks_until_approved: usize,
    /// A call with an order that is billed this much breaks off before anything is sent; so does one about its fee.
    pub breaks_off_at: Option<i64>,
    /// Registrations are taken and nothing ever comes back.
    pub never_answers: bool,
    /// Credit calls that are here now, and the most that ever were at once.
    pub at_once: Arc<Mutex<(usize, usize)>>,
    /// What every credit call takes.
    pub latency: Duration,
    /// Every credit call ends so.
    pub ends: Option<Ending>,
}

impl Fake {
    /// Decides as `script` says, then approves everything.
    pub fn new(script: &[Next]) -> Self {
        Self {
            info: info(),
            script: Arc::new(Mutex::new(script.iter().copied().collect())),
            ledger: Arc::default(),
            batches: Arc::default(),
            asks_until_approved: 2,
            breaks_off_at: None,
            never_answers: false,
            at_once: Arc::default(),
            latency: Duration::ZERO,
            ends: None,
        }
    }

    pub fn with_info(mut self, change: impl FnOnce(&mut ProviderInfo)) -> Self {
        change(&mut self.info);
        self
    }

    pub fn references(&self) -> Vec<String> {
        self.ledger.lock().unwrap().registrations.iter().map(|held| held.reference.clone()).collect()
    }

    /// Whether everything that was scripted has happened.
    pub fn script_is_done(&self) -> bool {
        self.script.lock().unwrap().is_empty()
    }

    fn arrives(&self) {
        let mut at_once = self.at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }

    fn register(&self, order: &Order, verdict: ModelVerdict) -> Decision {
        let id = self.ledger.lock().unwrap().register(&order.reference, order.billed_amount, verdict);
        Decision { transaction_id: Some(id), verdict: said(verdict) }
    }

    fn decide(&self, order: &Order) -> Result<Decision, Failure> {
        let next = self.script.lock().unwrap().pop_front().unwrap_or(Next::Approve);
        match next {
            Next::Approve => Ok(self.register(order, ModelVerdict::Approved)),
            Next::Reject => Ok(self.register(order, ModelVerdict::Rejected)),
            Next::Review => Ok(self.register(order, ModelVerdict::UnderReview)),
            Next::Other => Ok(self.register(order, ModelVerdict::Other)),
            Next::LoseAnswer => {
                self.register(order, ModelVerdict::Approved);
                Err(Failure::OutcomeUnknown(reason("answer-lost", "lost")))
            }
            Next::LoseRequest => Err(Failure::OutcomeUnknown(reason("answer-lost", "lost"))),
            Next::NotSent => Err(Failure::NotSent(reason("not-sent", "refused"))),
            Next::Refuse => Err(Failure::Refused(reason("E1", "その注文はすでにあります"))),
            Next::NulInId => {
                let decision = self.register(order, ModelVerdict::Approved);
                Ok(Decision { transaction_id: decision.transaction_id.map(|id| id + "\0"), ..decision })
            }
            Next::WrongId => {
                let decision = self.register(order, ModelVerdict::Approved);
                Ok(Decision { transaction_id: Some("T1".into()), ..decision })
            }
        }
    }

    fn stand(&self, asked: &Registration) -> Standing {
        let mut ledger = self.ledger.lock().unwrap();
        match ledger.ask(&asked.reference, asked.transaction_id.as_deref(), self.asks_until_approved) {
            None => Standing::NotFound,
            Some(held) if held.cancelled => Standing::Cancelled,
            Some(held) if held.slip.is_some() => Standing::TrackingRegistered,
            Some(held) => {
                Standing::Decided(Decision { transaction_id: Some(held.id.clone()), verdict: said(held.verdict) })
            }
        }
    }
}

/// The verdict in the contract's words.
fn said(verdict: ModelVerdict) -> Verdict {
    match verdict {
        ModelVerdict::Approved => Verdict::Approved,
        ModelVerdict::Rejected => Verdict::Rejected(vec![reason("NG01", "与信NG")]),
        ModelVerdict::UnderReview => Verdict::UnderReview,
        ModelVerdict::OnHold => Verdict::OnHold(Vec::new()),
        ModelVerdict::Other => Verdict::Other(reason("7", "新しい状態")),
    }
}

/// What a gateway answers to a change that it made, or has nothing for.
fn done(found: bool) -> Result<(), Failure> {
    found.then_some(()).ok_or_else(|| Failure::Refused(reason("E2", "ありません")))
}

fn answer<T>(rows: Vec<Result<T, Failure>>) -> Answer<T> {
    Answer { rows, calls: Vec::new() }
}

impl Fake {
    /// The first band that holds the bill adds its fee; no bands at all are refused if the bill is 13.
    fn fee(&self, rule: &FeeRule, bill: &Bill) -> Result<Result<AdjustedFee, Vec<FieldProblem>>, CallError> {
        let billed = bill.items + bill.shipping_fee + bill.payment_fee;
        if Some(billed) == self.breaks_off_at {
            return Err(CallError::Trap("unreachable".into()));
        }
        if billed == 13 {
            let gap = FieldProblem { field: "bands[0]".into(), reason: reason("gap", "隙間") };
            return Ok(Err(vec![gap]));
        }
        let holds = |band: &provider_host::contract::FeeBand| {
            band.lower <= billed && band.upper.is_none_or(|upper| billed <= upper)
        };
        let band = rule.bands.iter().position(holds);
        let fee = bill.payment_fee + band.map_or(0, |at| rule.bands[at].fee);
        let billed_amount = bill.items + bill.shipping_fee + fee;
        Ok(Ok(AdjustedFee { payment_fee: fee, billed_amount, band: band.map(|at| at as u32) }))
    }
}

impl Provider for Fake {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }
    async fn check_settings(&self, _: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        Ok(Vec::new())
    }
    async fn fees_adjust(
        &self,
        rule: &FeeRule,
        bills: &[Bill],
    ) -> Result<Vec<Result<AdjustedFee, Vec<FieldProblem>>>, CallError> {
        bills.iter().map(|bill| self.fee(rule, bill)).collect()
    }
    async fn test_connection(&self, _: &Account) -> Answer<()> {
        answer(vec![Ok(())])
    }
    async fn credit(&self, _: &Account, orders: Vec<Order>) -> Answer<Decision> {
        self.batches.lock().unwrap().push(orders.len());
        if self.never_answers {
            std::future::pending::<()>().await;
        }
        self.arrives();
        tokio::time::sleep(self.latency).await;
        self.at_once.lock().unwrap().0 -= 1;
        if let Some(ending) = self.ends {
            let row = ending.row().await;
            return answer(orders.iter().map(|_| Err(row.clone())).collect());
        }
        if orders.iter().any(|order| Some(order.billed_amount) == self.breaks_off_at) {
            let row = || Err(Failure::NotSent(reason(CALL_ENDED, "the plugin broke off")));
            return answer(orders.iter().map(|_| row()).collect());
        }
        answer(orders.iter().map(|order| self.decide(order)).collect())
    }
    async fn check_credit(&self, _: &Account, asked: Vec<Registration>) -> Answer<Standing> {
        answer(asked.iter().map(|asked| Ok(self.stand(asked))).collect())
    }
    async fn cancel(&self, _: &Account, cancelled: Vec<Cancellation>) -> Answer<()> {
        let mut ledger = self.ledger.lock().unwrap();
        let mut row = |registration: &Registration| {
            done(ledger.cancel(&registration.reference, registration.transaction_id.as_deref()))
        };
        answer(cancelled.iter().map(|cancellation| row(&cancellation.registration)).collect())
    }
    async fn sync_tracking(&self, _: &Account, shipped: Vec<Shipment>) -> Answer<()> {
        let mut ledger = self.ledger.lock().unwrap();
        let mut row = |shipment: &Shipment| {
            let Registration { reference, transaction_id, .. } = &shipment.registration;
            done(ledger.ship(reference, transaction_id.as_deref(), &shipment.tracking_number))
        };
        answer(shipped.iter().map(&mut row).collect())
    }
}

pub fn reason(code: &str, message: &str) -> Reason {
    Reason { code: Some(code.to_owned()), message: message.to_owned() }
}

fn info() -> ProviderInfo {
    let label = |text: &str| Label { ja: text.to_owned(), en: text.to_owned() };
    ProviderInfo {
        id: "fake".into(),
        name: label("fake"),
        version: "1".into(),
        settings: Vec::new(),
        carriers: vec![Carrier {
            id: "yamato".into(), name: Label { ja: "ヤマト運輸".into(), en: "Yamato".into() }
        }],
        batch_limits: BatchLimits { credit: 3, check_credit: 100, cancel: 100, sync_tracking: 1 },
        capabilities: Capability::FIND_BY_REFERENCE,
        origins: Vec::new(),
        max_billed_amount: Some(50_000),
    }
}
