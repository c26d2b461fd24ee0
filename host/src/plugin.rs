//! A loaded plugin and the calls into it.

use crate::Account;
use crate::answer::{self, Received};
use crate::bindings::HostViewPre;
use crate::budget::Budget;
use crate::contract::{
    AdjustedFee, Bill, Cancellation, Capability, Context, Decision, Failure, FeeRule, FieldProblem, Order,
    ProviderInfo, Registration, Setting, Shipment, Standing,
};
use crate::egress::{Egress, Exit};
use crate::error::CallError;
use crate::limits::{Limits, MEMORY_RESERVED};
use crate::mask::Mask;
use crate::permissions::Permissions;
use crate::pool::Share;
use crate::report::{CallReport, Meter};
use crate::sandbox::{CallState, Computing, Entry, Log, Sandbox};
use crate::word::{self, Seen};
use futures::StreamExt;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::Instrument;

/// What is known of a plugin without asking it.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// The file it was loaded from.
    pub path: PathBuf,
    /// Hex SHA-256 of the file.
    pub digest: String,
    /// Bytes of the file.
    pub size: u64,
    /// Every interface it imports.
    pub imports: Vec<String>,
    /// What it was granted.
    pub permissions: Permissions,
}

/// The answer to a list: one row for each row asked, in the same order, whatever happened.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The rows.
    pub rows: Vec<Result<T, Failure>>,
    /// What the host saw: one report for each batch that the list was split into.
    pub calls: Vec<CallReport>,
}

/// A loaded plugin. Clones are handles to the same one.
#[derive(Clone)]
pub struct Plugin(pub(crate) Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) ready: HostViewPre<CallState>,
    pub(crate) info: ProviderInfo,
    pub(crate) facts: Facts,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) share: Share,
    /// The time that calls are told, if it is not the machine's.
    pub(crate) now: Option<u64>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("id", &self.0.info.id).field("digest", &self.0.facts.digest).finish()
    }
}

impl Plugin {
    /// What the plugin says it is and needs.
    pub fn info(&self) -> &ProviderInfo {
        &self.0.info
    }

    /// What is known of it without asking.
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// The same component, granted no more than `granted` as well. Nothing is loaded, so this is at once; calls that
    /// have begun end under the grant with which they began.
    pub fn restricted_to(&self, granted: &Permissions) -> Plugin {
        let Loaded { sandbox, ready, info, facts, permissions, limits, share, now } = &*self.0;
        let within = permissions.within(granted);
        if within == **permissions {
            return self.clone();
        }
        let permissions = within;
        Plugin(Arc::new(Loaded {
            sandbox: Arc::clone(sandbox),
            ready: ready.clone(),
            info: info.clone(),
            facts: Facts { permissions: permissions.clone(), ..facts.clone() },
            permissions: Arc::new(permissions),
            limits: Arc::clone(limits),
            share: share.anew(limits),
            now: *now,
        }))
    }

    /// Every problem with a shop's settings; none if they are good. Sends nothing.
    pub async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        let mask = Mask::default().and_settings(&settings, &self.0.info.settings);
        let entry: Entry<_> = Box::new(move |store, view| {
            Box::pin(async move {
                view.deferred_payment_provider_payment_provider().call_check_settings(store, &settings).await
            })
        });
        let (result, _) = self.0.enter(self.0.call("check-settings", mask), entry).await;
        Ok(answer::problems(result?.err().unwrap_or_default()))
    }

    /// The bill after the shop's fee rule (手数料設定), or every problem with the rule. Sends nothing.
    pub async fn fee_adjust(
        &self,
        rule: &FeeRule,
        bill: &Bill,
    ) -> Result<Result<AdjustedFee, Vec<FieldProblem>>, CallError> {
        let (rule, bill) = (rule.clone(), *bill);
        let entry: Entry<_> = Box::new(move |store, view| {
            Box::pin(async move {
                view.deferred_payment_provider_payment_provider().call_fee_adjust(store, &rule, bill).await
            })
        });
        let (result, _) = self.0.enter(self.0.call("fee-adjust", Mask::default()), entry).await;
        Ok(result?.map_err(answer::problems))
    }

    /// Asks the provider whether the shop's settings work. One row.
    pub async fn test_connection(&self, account: &Account) -> Answer<()> {
        let enter: Enter<(), ()> = |context, _| {
            Box::new(move |store, view| {
                Box::pin(async move {
                    let provider = view.deferred_payment_provider_payment_provider();
                    let answer = async |accessor: &_| provider.call_test_connection(accessor, context).await;
                    store.run_concurrent(answer).await?.map(|result| vec![result])
                })
            })
        };
        self.0.batches(Operation::asking("test-connection"), account, vec![()], 1, |_| Mask::default(), enter).await
    }

    /// 与信を実行: registers `orders` for credit.
    pub async fn credit(&self, account: &Account, orders: Vec<Order>) -> Answer<Decision> {
        let enter: Enter<Order, Decision> = |context, rows| {
            Box::new(move |store, view| {
                Box::pin(async move {
                    let provider = view.deferred_payment_provider_payment_provider();
                    store.run_concurrent(async |accessor| provider.call_credit(accessor, context, rows).await).await?
                })
            })
        };
        let limit = self.0.info.batch_limits.credit;
        let doubt = match self.0.info.capabilities.contains(Capability::FIND_BY_REFERENCE) {
            true => Doubt::Passing,
            false => Doubt::Lasting,
        };
        let operation = Operation { name: "credit", doubt };
        self.0.batches(operation, account, orders, limit, Mask::of_orders, enter).await
    }

    /// 与信結果確認: asks where `registrations` stand. Also the answer to a lost answer.
    pub async fn check_credit(&self, account: &Account, registrations: Vec<Registration>) -> Answer<Standing> {
        let enter: Enter<Registration, Standing> = |context, rows| {
            Box::new(move |store, view| {
                Box::pin(async move {
                    let provider = view.deferred_payment_provider_payment_provider();
                    store
                        .run_concurrent(async |accessor| provider.call_check_credit(accessor, context, rows).await)
                        .await?
                })
            })
        };
        let limit = self.0.info.batch_limits.check_credit;
        self.0
            .batches(Operation::asking("check-credit"), account, registrations, limit, |_| Mask::default(), enter)
            .await
    }

    /// 与信キャンセル
    pub async fn cancel(&self, account: &Account, cancellations: Vec<Cancellation>) -> Answer<()> {
        let enter: Enter<Cancellation, ()> = |context, rows| {
            Box::new(move |store, view| {
                Box::pin(async move {
                    let provider = view.deferred_payment_provider_payment_provider();
                    store.run_concurrent(async |accessor| provider.call_cancel(accessor, context, rows).await).await?
                })
            })
        };
        let limit = self.0.info.batch_limits.cancel;
        let operation = Operation { name: "cancel", doubt: Doubt::Passing };
        self.0.batches(operation, account, cancellations, limit, |_| Mask::default(), enter).await
    }

    /// 伝票番号同期: reports tracking numbers.
    pub async fn sync_tracking(&self, account: &Account, shipments: Vec<Shipment>) -> Answer<()> {
        let enter: Enter<Shipment, ()> = |context, rows| {
            Box::new(move |store, view| {
                Box::pin(async move {
                    let provider = view.deferred_payment_provider_payment_provider();
                    store
                        .run_concurrent(async |accessor| provider.call_sync_tracking(accessor, context, rows).await)
                        .await?
                })
            })
        };
        let limit = self.0.info.batch_limits.sync_tracking;
        let operation = Operation { name: "sync-tracking", doubt: Doubt::Passing };
        self.0.batches(operation, account, shipments, limit, |_| Mask::default(), enter).await
    }
}

/// How one batch of an operation enters the instance.
type Enter<Row, Out> = fn(Context, Vec<Row>) -> Entry<Vec<Result<Out, Failure>>>;

/// An operation, and what a lost answer to it leaves behind.
#[derive(Clone, Copy)]
struct Operation {
    /// Its name in the contract.
    name: &'static str,
    doubt: Doubt,
}

/// What is in doubt when the answer to an operation is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// Nothing: it changes nothing at the provider.
    None,
    /// The row, until it is asked about or done once more, which does no harm.
    Passing,
    /// The row, until a person has looked: nothing can be asked, and it must not be done twice.
    Lasting,
}

impl Operation {
    fn asking(name: &'static str) -> Self {
        Operation { name, doubt: Doubt::None }
    }

    /// Whether `rows` of it are looked at in a sealed call first: a lost answer would leave those in doubt
    /// that the plugin refused before sending. A single row that is refused so is in no request.
    fn is_sealed_first(self, rows: usize) -> bool {
        self.doubt != Doubt::None && rows > 1
    }

    fn exit(self) -> Exit {
        if self.doubt == Doubt::Lasting { Exit::Fresh } else { Exit::Pooled }
    }
}

/// What the calls of one batch have in common.
struct Batch<'a, Row, Out> {
    context: Context,
    enter: Enter<Row, Out>,
    call: Call<'a>,
}

/// One confined call, before it is made.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    operation: &'static str,
    rows: usize,
    account: Option<&'a Account>,
    mask: Arc<Mask>,
    exit: Exit,
    /// When its time is over.
    until: Instant,
    /// Lines that it may still log.
    log_lines: Arc<AtomicUsize>,
}

impl Loaded {
    /// `rows` in batches of at most `limit`, side by side, and their answers in the order asked.
    async fn batches<Row: Clone, Out: Received>(
        &self,
        operation: Operation,
        account: &Account,
        rows: Vec<Row>,
        limit: u32,
        personal: fn(&[Row]) -> Mask,
        enter: Enter<Row, Out>,
    ) -> Answer<Out> {
        if limit == 0 {
            return Answer { rows: rows.iter().map(|_| Err(Failure::Unsupported)).collect(), calls: Vec::new() };
        }
        let mut whole = Answer { rows: Vec::with_capacity(rows.len()), calls: Vec::new() };
        // Owned, because a borrowed batch would make the future of a call unfit for other threads.
        let batches: Vec<_> = rows.chunks(limit as usize).map(<[Row]>::to_vec).collect();
        let batches = batches.into_iter().map(|batch| self.batch(operation, account, batch, personal, enter));
        let side_by_side = futures::stream::iter(batches).buffered(self.limits.concurrent_batches);
        let answers: Vec<_> = side_by_side.collect().await;
        for (rows, report) in answers {
            whole.rows.extend(rows);
            whole.calls.push(report);
        }
        whole
    }

    /// One batch. Its rows are looked at in a sealed call first, where a lost answer could leave them in
    /// doubt. A row that is refused there was not sent, and is left out of the call in which requests
    /// leave: whatever the plugin does in that one, it has not got the row.
    async fn batch<Row: Clone, Out: Received>(
        &self,
        operation: Operation,
        account: &Account,
        rows: Vec<Row>,
        personal: fn(&[Row]) -> Mask,
        enter: Enter<Row, Out>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let mask = personal(&rows).and_settings(&account.settings, &self.info.settings);
        let call = Call { account: Some(account), exit: operation.exit(), ..self.call(operation.name, mask) };
        let context = Context { settings: account.settings.clone(), now: self.now.unwrap_or_else(now) };
        let batch = Batch { context, enter, call };
        let (answers, report) = if operation.is_sealed_first(rows.len()) {
            self.sealed_first(&batch, rows).await
        } else {
            self.judged(&batch, batch.call.exit, rows).await
        };
        if !report.overruled.is_empty() {
            let (operation, rows) = (operation.name, &report.overruled);
            tracing::warn!(operation, ?rows, "the plugin was overruled on what was sent");
        }
        (answers, report)
    }

    async fn sealed_first<Row: Clone, Out: Received>(
        &self,
        batch: &Batch<'_, Row, Out>,
        rows: Vec<Row>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let (mut answers, sealed) = self.judged(batch, Exit::Sealed, rows.clone()).await;
        // A call is a function of its arguments and of what it is answered. One that began no request
        // would end with them unsealed as it did now, broken off or not.
        let goes_on = |row: &usize| !sealed.requests.is_empty() && !word::was_refused_unsent(&answers[*row]);
        let places: Vec<_> = (0..rows.len()).filter(goes_on).collect();
        if places.is_empty() {
            return (answers, sealed);
        }
        let going: Vec<_> = places.iter().map(|place| rows[*place].clone()).collect();
        let (later, report) = self.judged(batch, batch.call.exit, going).await;
        places.iter().zip(later).for_each(|(place, row)| answers[*place] = row);
        (answers, report.after(sealed, &places))
    }

    /// One call with `rows`, and its answer as the host passes it on.
    async fn judged<Row, Out: Received>(
        &self,
        batch: &Batch<'_, Row, Out>,
        exit: Exit,
        rows: Vec<Row>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let asked = rows.len();
        let call = Call { rows: asked, exit, ..batch.call.clone() };
        let (result, mut report) = self.enter(call, (batch.enter)(batch.context.clone(), rows)).await;
        let seen = Seen::of(&report.requests);
        let result = result.and_then(|answered| match answered.len() == asked {
            true => Ok(answered),
            false => Err(CallError::RowCount { asked, answered: answered.len() }),
        });
        let rows = match result {
            Ok(answered) => {
                let bounded = answered.into_iter().map(answer::row).collect();
                let (judged, overruled) = word::judge_all(bounded, seen);
                report.overruled = overruled;
                judged
            }
            Err(error) => {
                let rows = (0..asked).map(|_| Err(word::without_answer(&error, seen))).collect();
                report.error = Some(error);
                rows
            }
        };
        (rows, report)
    }

    /// A call of `operation` for no shop, whose time begins now.
    pub(crate) fn call(&self, operation: &'static str, mask: Mask) -> Call<'static> {
        let limits = &self.limits;
        Call {
            operation,
            rows: 0,
            account: None,
            mask: Arc::new(mask),
            exit: Exit::Pooled,
            until: Instant::now() + limits.deadline,
            log_lines: Arc::new(AtomicUsize::new(limits.log_lines)),
        }
    }

    /// One confined call, and what was seen of it.
    pub(crate) async fn enter<R>(&self, call: Call<'_>, entry: Entry<R>) -> (Result<R, CallError>, CallReport) {
        let Call { operation, rows, account, mask, exit, until, log_lines } = call;
        let shop = account.map_or("", |account| account.id.as_str());
        let span =
            tracing::info_span!("call", provider = %self.info.id, operation, rows, shop, sealed = exit == Exit::Sealed);
        let (meter, dropped, began) = (Arc::new(Meter::default()), Arc::new(AtomicUsize::new(0)), Instant::now());
        let (limits, share) = (&self.limits, &self.share);
        let egress = Egress {
            exit,
            pool: share.pool(shop, &self.permissions, limits),
            permissions: Arc::clone(&self.permissions),
            limits: Arc::clone(limits),
            meter: Arc::clone(&meter),
            computing: Computing::default(),
            mask: Arc::clone(&mask),
            budget: Budget::new(limits.call_bytes, limits.call_bytes_reserved, &share.bytes, &self.sandbox.bytes),
            turns: Arc::new(Semaphore::new(limits.concurrent_requests)),
        };
        let memory = Budget::new(limits.memory, MEMORY_RESERVED, &share.memory, &self.sandbox.memory).lease();
        let log = Log {
            provider: self.info.id.as_str().into(),
            mask,
            lines: log_lines,
            line_length: limits.log_line_length,
            dropped: Arc::clone(&dropped),
        };
        let state = CallState::new(egress, log, memory);
        let result = self.sandbox.run(&self.ready, &share.calls, state, until, entry).instrument(span.clone()).await;
        let report = CallReport {
            operation,
            rows,
            elapsed: began.elapsed(),
            sealed: None,
            requests: meter.requests(),
            log_lines_dropped: dropped.load(Ordering::Relaxed),
            overruled: Vec::new(),
            error: result.as_ref().err().cloned(),
        };
        span.in_scope(|| tell(&report));
        (result, report)
    }
}

/// Writes a report to the log: times, sizes and outcomes, no data of any row.
fn tell(report: &CallReport) {
    for request in &report.requests {
        tracing::info!(
            origin = request.origin,
            path = request.path,
            progress = ?request.progress,
            status = request.status,
            connect = ?request.connect,
            head = ?request.head,
            body = ?request.body,
            error = request.error,
            "request"
        );
    }
    let (elapsed, requests, dropped) = (report.elapsed, report.requests.len(), report.log_lines_dropped);
    match &report.error {
        None => tracing::info!(?elapsed, requests, dropped, "call ended"),
        Some(error) => tracing::warn!(?elapsed, requests, dropped, %error, "call ended early"),
    }
}

/// Milliseconds since 1970: the only clock a plugin has.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
