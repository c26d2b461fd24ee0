//! A loaded plugin and the calls into it.

use crate::Account;
use crate::answer::{self, Received};
use crate::bindings::HostViewPre;
use crate::budget::Budget;
use crate::contract::{
    AdjustedFee, Bill, Cancellation, Context, Decision, Failure, FeeRule, FieldProblem, Order, ProviderInfo,
    Registration, Setting, Shipment, Standing,
};
use crate::egress::Egress;
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
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
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

    /// Every problem with a shop's settings; none if they are good. Sends nothing.
    pub async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        let mask = Mask::default().and_settings(&settings, &self.0.info.settings);
        let entry: Entry<_> = Box::new(move |store, view| {
            Box::pin(async move {
                view.deferred_payment_provider_payment_provider().call_check_settings(store, &settings).await
            })
        });
        let (result, _) = self.0.enter("check-settings", 0, None, mask, entry).await;
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
        let (result, _) = self.0.enter("fee-adjust", 0, None, Mask::default(), entry).await;
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
        self.0.batches("test-connection", account, vec![()], 1, |_| Mask::default(), enter).await
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
        self.0.batches("credit", account, orders, limit, Mask::of_orders, enter).await
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
        self.0.batches("check-credit", account, registrations, limit, |_| Mask::default(), enter).await
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
        self.0.batches("cancel", account, cancellations, limit, |_| Mask::default(), enter).await
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
        self.0.batches("sync-tracking", account, shipments, limit, |_| Mask::default(), enter).await
    }
}

/// How one batch of an operation enters the instance.
type Enter<Row, Out> = fn(Context, Vec<Row>) -> Entry<Vec<Result<Out, Failure>>>;

impl Loaded {
    /// `rows` in batches of at most `limit`, side by side, and their answers in the order asked.
    async fn batches<Row: Clone, Out: Received>(
        &self,
        operation: &'static str,
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

    async fn batch<Row: Clone, Out: Received>(
        &self,
        operation: &'static str,
        account: &Account,
        rows: Vec<Row>,
        personal: fn(&[Row]) -> Mask,
        enter: Enter<Row, Out>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let asked = rows.len();
        let mask = personal(&rows).and_settings(&account.settings, &self.info.settings);
        let context = Context { settings: account.settings.clone(), now: self.now.unwrap_or_else(now) };
        let entry = enter(context, rows);
        let (result, mut report) = self.enter(operation, asked, Some(account), mask, entry).await;
        let seen = Seen::of(&report.requests);
        let result = result.and_then(|answered| match answered.len() == asked {
            true => Ok(answered),
            false => Err(CallError::RowCount { asked, answered: answered.len() }),
        });
        let rows = match result {
            Ok(answered) => {
                let bounded = answered.into_iter().map(answer::row).collect();
                let (judged, overruled) = word::judge_all(bounded, seen);
                if !overruled.is_empty() {
                    tracing::warn!(operation, rows = ?overruled, "the plugin was overruled on what was sent");
                }
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

    /// One confined call, and what was seen of it.
    pub(crate) async fn enter<R>(
        &self,
        operation: &'static str,
        rows: usize,
        account: Option<&Account>,
        mask: Mask,
        entry: Entry<R>,
    ) -> (Result<R, CallError>, CallReport) {
        let shop = account.map_or("", |account| account.id.as_str());
        let span = tracing::info_span!("call", provider = %self.info.id, operation, rows, shop);
        let (meter, dropped, began) = (Arc::new(Meter::default()), Arc::new(AtomicUsize::new(0)), Instant::now());
        let (limits, share, mask) = (&self.limits, &self.share, Arc::new(mask));
        let egress = Egress {
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
            lines: limits.log_lines,
            line_length: limits.log_line_length,
            dropped: Arc::clone(&dropped),
        };
        let state = CallState::new(egress, log, memory);
        let result = self.sandbox.run(&self.ready, &share.calls, state, entry).instrument(span.clone()).await;
        let report = CallReport {
            operation,
            rows,
            elapsed: began.elapsed(),
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
