//! A loaded plugin and the calls into it.

use crate::account::Account;
use crate::answer::{self, Bounded};
use crate::budget::Budget;
use crate::call_state::CallState;
use crate::contract::{AdjustedFee, Bill, Cancellation, Capability, Context, Decision, Failure, FeeRule, FieldProblem, Order, ProviderInfo, Registration, Setting, Shipment, Standing};
use crate::cpu_budget::CpuBudget;
use crate::egress::{ConnectionMode, Egress};
use crate::error::CallError;
use crate::exports::{GuestCall, LinkedPlugin};
use crate::fee_rule;
use crate::imports::ImportGroup;
use crate::limits::{Limits, MEMORY_RESERVED};
use crate::outcome::{self, Transmission};
use crate::permissions::Permissions;
use crate::plugin_log::PluginLog;
use crate::pool::PluginResources;
use crate::redact::Redactor;
use crate::report::{CallReport, RequestRecorder};
use crate::sandbox::Sandbox;
use crate::signature::VerifiedSignature;
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
    /// Who signed it and as what, where its permissions demand a signature.
    pub signature: Option<VerifiedSignature>,
    /// Every interface it imports.
    pub imports: Vec<String>,
    /// Core instances that each call makes.
    pub core_instances: u64,
    /// Memories that are not empty in each call.
    pub memories: u64,
    /// What it was granted.
    pub permissions: Permissions,
}

impl Facts {
    /// Whether a component that was loaded like this could be loaded with `permissions` as well, as far as its file and
    /// its signature go.
    pub fn is_accepted_by(&self, permissions: &Permissions) -> bool {
        let is_pinned = |pin: &String| pin.eq_ignore_ascii_case(&self.digest);
        let lowest = permissions.min_version.as_ref();
        let is_signed = |signature: &VerifiedSignature| {
            permissions.public_keys.contains(&signature.key)
                && lowest.is_none_or(|lowest| signature.name.version >= *lowest)
        };
        permissions.sha256.as_ref().is_none_or(is_pinned)
            && (permissions.public_keys.is_empty() || self.signature.as_ref().is_some_and(is_signed))
    }

    /// Those of its imports that are in `group`.
    pub fn imports_of(&self, group: ImportGroup) -> Vec<String> {
        self.imports.iter().filter(|import| ImportGroup::of(import) == Some(group)).cloned().collect()
    }
}

/// The answer to a list: always one row for each row asked, in the same order.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The rows.
    pub rows: Vec<Result<T, Failure>>,
    /// What the host observed: one report for each batch that the list was split into.
    pub calls: Vec<CallReport>,
}

/// A loaded plugin. Clones are handles to the same one.
#[derive(Clone)]
pub struct Plugin(pub(crate) Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) ready: LinkedPlugin,
    pub(crate) info: ProviderInfo,
    pub(crate) facts: Facts,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) resources: PluginResources,
    /// The time that every call is given (milliseconds since 1970), if it is not the machine's.
    pub(crate) now: Option<u64>,
    /// The seed of every call's random numbers, if they are to be the same each time.
    pub(crate) seed: Option<[u8; 32]>,
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
    pub fn restricted_to(&self, granted: &Permissions) -> Self {
        let Loaded { sandbox, ready, info, facts, permissions, limits, resources, now, seed } = &*self.0;
        let within = permissions.within(granted);
        if within == **permissions {
            return self.clone();
        }
        let permissions = within;
        Self(Arc::new(Loaded {
            sandbox: Arc::clone(sandbox),
            ready: ready.clone(),
            info: info.clone(),
            facts: Facts { permissions: permissions.clone(), ..facts.clone() },
            permissions: Arc::new(permissions),
            limits: Arc::clone(limits),
            resources: resources.fresh(limits),
            now: *now,
            seed: *seed,
        }))
    }

    /// Every problem with a shop's settings; none if they are good. Sends nothing.
    pub async fn check_settings(&self, settings: Vec<Setting>) -> Result<Vec<FieldProblem>, CallError> {
        let redactor = Redactor::default().and_settings(&settings, &self.0.info.settings);
        let secrets = Redactor::of_secrets(&settings, &self.0.info.settings);
        let entry: GuestCall<_> =
            Box::new(move |store, exports| Box::pin(async move { exports.check_settings(store, &settings).await }));
        let (result, _) = self.0.enter(self.0.call("check-settings", redactor), entry).await;
        Ok(answer::problems(result?.err().unwrap_or_default(), &secrets))
    }

    /// The bill after the shop's fee rule (手数料設定), or every problem with the rule. Sends nothing.
    pub async fn fee_adjust(
        &self,
        rule: &FeeRule,
        bill: &Bill,
    ) -> Result<Result<AdjustedFee, Vec<FieldProblem>>, CallError> {
        let mut fees = self.fees_adjust(rule, std::slice::from_ref(bill)).await?;
        Ok(fees.pop().unwrap_or_else(|| Err(Vec::new())))
    }

    /// The same for many bills of a shop, in the order given. One instance works them out one after the other, within
    /// the limits of one call.
    pub async fn fees_adjust(
        &self,
        rule: &FeeRule,
        bills: &[Bill],
    ) -> Result<Vec<Result<AdjustedFee, Vec<FieldProblem>>>, CallError> {
        if !self.0.ready.has_fee_rule() {
            return Ok(bills.iter().map(|bill| fee_rule::adjust(rule, bill)).collect());
        }
        if bills.is_empty() {
            return Ok(Vec::new());
        }
        let (rule, bills) = (rule.clone(), bills.to_vec());
        let entry: GuestCall<_> = Box::new(move |store, exports| {
            Box::pin(async move {
                let mut fees = Vec::with_capacity(bills.len());
                for bill in bills {
                    let fee = exports.fee_adjust(store, &rule, bill).await?;
                    fees.push(fee.map_err(|found| answer::problems(found, &Redactor::default())));
                }
                Ok(fees)
            })
        });
        let (result, _) = self.0.enter(self.0.call("fee-adjust", Redactor::default()), entry).await;
        result
    }

    /// Asks the provider whether the shop's settings work. One row.
    pub async fn test_connection(&self, account: &Account) -> Answer<()> {
        let enter: GuestFunction<(), ()> =
            |context, _| Box::new(move |store, exports| Box::pin(exports.test_connection(store, context)));
        self.0.batches(Operation::asking("test-connection"), account, vec![()], 1, |_| Redactor::default(), enter).await
    }

    /// 与信を実行: registers `orders` for credit.
    pub async fn credit(&self, account: &Account, orders: Vec<Order>) -> Answer<Decision> {
        let enter: GuestFunction<Order, Decision> =
            |context, rows| Box::new(move |store, exports| Box::pin(exports.credit(store, context, rows)));
        let limit = self.0.info.batch_limits.credit;
        let lost_response = match self.0.info.capabilities.contains(Capability::FIND_BY_REFERENCE) {
            true => LostResponse::Recoverable,
            false => LostResponse::Unrecoverable,
        };
        let operation = Operation { name: "credit", lost_response };
        self.0.batches(operation, account, orders, limit, Redactor::of_orders, enter).await
    }

    /// 与信結果確認: asks for the state of `registrations`. Also resolves the outcome of a credit whose response was lost.
    pub async fn check_credit(&self, account: &Account, registrations: Vec<Registration>) -> Answer<Standing> {
        let enter: GuestFunction<Registration, Standing> =
            |context, rows| Box::new(move |store, exports| Box::pin(exports.check_credit(store, context, rows)));
        let limit = self.0.info.batch_limits.check_credit;
        self.0
            .batches(Operation::asking("check-credit"), account, registrations, limit, |_| Redactor::default(), enter)
            .await
    }

    /// 与信キャンセル
    pub async fn cancel(&self, account: &Account, cancellations: Vec<Cancellation>) -> Answer<()> {
        let enter: GuestFunction<Cancellation, ()> =
            |context, rows| Box::new(move |store, exports| Box::pin(exports.cancel(store, context, rows)));
        let limit = self.0.info.batch_limits.cancel;
        let operation = Operation { name: "cancel", lost_response: LostResponse::Recoverable };
        self.0.batches(operation, account, cancellations, limit, |_| Redactor::default(), enter).await
    }

    /// 伝票番号同期: reports tracking numbers.
    pub async fn sync_tracking(&self, account: &Account, shipments: Vec<Shipment>) -> Answer<()> {
        let enter: GuestFunction<Shipment, ()> =
            |context, rows| Box::new(move |store, exports| Box::pin(exports.sync_tracking(store, context, rows)));
        let limit = self.0.info.batch_limits.sync_tracking;
        let operation = Operation { name: "sync-tracking", lost_response: LostResponse::Recoverable };
        self.0.batches(operation, account, shipments, limit, |_| Redactor::default(), enter).await
    }
}

/// The exported function of an operation, called with one batch.
type GuestFunction<Row, Out> = fn(Context, Vec<Row>) -> GuestCall<Vec<Result<Out, Failure>>>;

/// An operation, and the consequence of losing its response.
#[derive(Clone, Copy)]
struct Operation {
    /// Its name in the contract.
    name: &'static str,
    lost_response: LostResponse,
}

/// What a lost response to an operation means for its row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LostResponse {
    /// The operation changes nothing at the provider: it can be repeated at any time.
    Harmless,
    /// The outcome is unknown until the provider is asked, or the operation is repeated without harm.
    Recoverable,
    /// The outcome is unknown until a person has checked: the provider cannot be asked, and the operation must
    /// not be repeated.
    Unrecoverable,
}

impl Operation {
    fn asking(name: &'static str) -> Self {
        Self { name, lost_response: LostResponse::Harmless }
    }

    /// Whether a batch of `rows` begins with a dry run: without it a lost response would leave the outcome of
    /// rows unknown that the plugin rejects without sending. A single row that is rejected so is in no request.
    fn needs_dry_run(self, rows: usize) -> bool {
        self.lost_response != LostResponse::Harmless && rows > 1
    }

    fn mode(self) -> ConnectionMode {
        if self.lost_response == LostResponse::Unrecoverable { ConnectionMode::New } else { ConnectionMode::Pooled }
    }
}

/// What the calls of one batch have in common.
struct Batch<'a, Row, Out> {
    context: Context,
    enter: GuestFunction<Row, Out>,
    call: Call<'a>,
    /// What no row may say.
    secrets: Redactor,
}

/// The parameters of one call in the sandbox.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    operation: &'static str,
    rows: usize,
    account: Option<&'a Account>,
    redactor: Arc<Redactor>,
    mode: ConnectionMode,
    /// The time that its clocks show, in milliseconds since 1970.
    now: u64,
    /// What its random numbers are made from. The calls of a batch share it, so that both come to the same requests.
    seed: [u8; 32],
    /// Its deadline.
    until: Instant,
    /// Lines that it may still log.
    log_lines: Arc<AtomicUsize>,
}

impl Loaded {
    /// Calls with `rows` in batches of at most `limit`, concurrently; the answers are in the order asked.
    async fn batches<Row: Clone, Out: Bounded>(
        &self,
        operation: Operation,
        account: &Account,
        rows: Vec<Row>,
        limit: u32,
        personal: fn(&[Row]) -> Redactor,
        enter: GuestFunction<Row, Out>,
    ) -> Answer<Out> {
        if limit == 0 {
            return Answer { rows: rows.iter().map(|_| Err(Failure::Unsupported)).collect(), calls: Vec::new() };
        }
        let mut whole = Answer { rows: Vec::with_capacity(rows.len()), calls: Vec::new() };
        // Owned, because the future of a call with a borrowed batch would not be `Send`.
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

    /// One batch, with a dry run first where a lost response would make the outcome of its rows unknown. A
    /// row that is rejected in the dry run was not sent, and is left out of the real call: whatever the plugin
    /// does there, it does not have the row.
    async fn batch<Row: Clone, Out: Bounded>(
        &self,
        operation: Operation,
        account: &Account,
        rows: Vec<Row>,
        personal: fn(&[Row]) -> Redactor,
        enter: GuestFunction<Row, Out>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let redactor = personal(&rows).and_settings(&account.settings, &self.info.settings);
        let now = self.now.unwrap_or_else(now);
        let call = Call { account: Some(account), mode: operation.mode(), now, ..self.call(operation.name, redactor) };
        let context = Context { settings: account.complete_settings(&self.info.settings), now };
        let secrets = Redactor::of_secrets(&account.settings, &self.info.settings);
        let batch = Batch { context, enter, call, secrets };
        let (answers, report) = if operation.needs_dry_run(rows.len()) {
            self.dry_run_first(&batch, rows).await
        } else {
            self.corrected(&batch, batch.call.mode, rows).await
        };
        if !report.overruled.is_empty() {
            let (operation, rows) = (operation.name, &report.overruled);
            tracing::warn!(operation, ?rows, "the plugin's report of what was sent was overruled");
        }
        (answers, report)
    }

    async fn dry_run_first<Row: Clone, Out: Bounded>(
        &self,
        batch: &Batch<'_, Row, Out>,
        rows: Vec<Row>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let (mut answers, dry_run) = self.corrected(batch, ConnectionMode::DenyAll, rows.clone()).await;
        // A call is a function of its arguments and of the responses it gets. One that began no request, even
        // if it trapped, would end the same way with requests allowed.
        if dry_run.requests.is_empty() {
            return (answers, dry_run);
        }
        let open = |(_, (_, answer)): &(_, (_, &_))| !outcome::is_rejected_before_sending(answer);
        let remaining = rows.into_iter().zip(&answers).enumerate().filter(open);
        let (indexes, remaining): (Vec<_>, Vec<_>) = remaining.map(|(index, (row, _))| (index, row)).unzip();
        if indexes.is_empty() {
            return (answers, dry_run);
        }
        let (later, report) = self.corrected(batch, batch.call.mode, remaining).await;
        for (index, row) in indexes.iter().zip(later) {
            if let Some(answer) = answers.get_mut(*index) {
                *answer = row;
            }
        }
        (answers, report.after(dry_run, &indexes))
    }

    /// One call with `rows`, and its rows after they were compared with what the host observed.
    async fn corrected<Row, Out: Bounded>(
        &self,
        batch: &Batch<'_, Row, Out>,
        mode: ConnectionMode,
        rows: Vec<Row>,
    ) -> (Vec<Result<Out, Failure>>, CallReport) {
        let asked = rows.len();
        let call = Call { rows: asked, mode, ..batch.call.clone() };
        let (result, mut report) = self.enter(call, (batch.enter)(batch.context.clone(), rows)).await;
        let transmission = Transmission::of(&report.requests);
        let result = result.and_then(|answered| match answered.len() == asked {
            true => Ok(answered),
            false => Err(CallError::RowCount { asked, answered: answered.len() }),
        });
        let rows = match result {
            Ok(answered) => {
                let bounded = answered.into_iter().map(|row| answer::row(row, &batch.secrets)).collect();
                let (judged, overruled) = outcome::correct_rows(bounded, transmission);
                report.overruled = overruled;
                judged
            }
            Err(error) => {
                let rows = (0..asked).map(|_| Err(outcome::failure_without_response(&error, transmission))).collect();
                report.error = Some(error);
                rows
            }
        };
        (rows, report)
    }

    /// A call of `operation` for no shop, whose deadline begins now.
    pub(crate) fn call(&self, operation: &'static str, redactor: Redactor) -> Call<'static> {
        let limits = &self.limits;
        Call {
            operation,
            rows: 0,
            account: None,
            redactor: Arc::new(redactor),
            mode: ConnectionMode::Pooled,
            // A call that is not given the time has no clock that tells it.
            now: 0,
            seed: self.seed.unwrap_or_else(rand::random),
            until: Instant::now() + limits.deadline,
            log_lines: Arc::new(AtomicUsize::new(limits.log_lines)),
        }
    }

    /// Runs one call in the sandbox; its result and its report.
    pub(crate) async fn enter<R>(&self, call: Call<'_>, entry: GuestCall<R>) -> (Result<R, CallError>, CallReport) {
        let Call { operation, rows, account, redactor, mode, now, seed, until, log_lines } = call;
        let shop = account.map_or("", |account| account.id.as_str());
        let span = tracing::info_span!("call", provider = %self.info.id, operation, rows, shop, dry_run = mode == ConnectionMode::DenyAll);
        let (recorder, dropped, began) =
            (Arc::new(RequestRecorder::default()), Arc::new(AtomicUsize::new(0)), Instant::now());
        let (limits, resources) = (&self.limits, &self.resources);
        let egress = Egress {
            mode,
            pool: resources.pool(shop, &self.permissions, limits),
            permissions: Arc::clone(&self.permissions),
            limits: Arc::clone(limits),
            recorder: Arc::clone(&recorder),
            cpu: CpuBudget::default(),
            redactor: Arc::clone(&redactor),
            budget: Budget::new(limits.call_bytes, limits.call_bytes_reserved, &resources.bytes, &self.sandbox.bytes),
            network_permits: Arc::new(Semaphore::new(limits.concurrent_requests)),
        };
        let memory = Budget::new(limits.memory, MEMORY_RESERVED, &resources.memory, &self.sandbox.memory).allocation();
        let log = PluginLog {
            provider: self.info.id.as_str().into(),
            redactor,
            lines: log_lines,
            line_length: limits.log_line_length,
            dropped: Arc::clone(&dropped),
        };
        let state = CallState::new(egress, log, memory, now, seed);
        let result =
            self.sandbox.run(&self.ready, &resources.calls, state, until, entry).instrument(span.clone()).await;
        let report = CallReport {
            operation,
            rows,
            elapsed: began.elapsed(),
            dry_run: None,
            requests: recorder.requests(),
            log_lines_dropped: dropped.load(Ordering::Relaxed),
            overruled: Vec::new(),
            error: result.as_ref().err().cloned(),
        };
        span.in_scope(|| log_report(&report));
        (result, report)
    }
}

/// Writes a report to the log: times, sizes and outcomes, no data of any row.
fn log_report(report: &CallReport) {
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

/// Milliseconds since 1970, as the machine's clock has it.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
