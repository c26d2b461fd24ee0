//! A plugin under examination: loaded, with settings, and with every line to call it on.

use crate::faults::FAULTS;
use crate::line::Line;
use crate::log::{ORDINARY, Tap};
use crate::masks::Masks;
use crate::report::{Exchange, Finding};
use crate::samples;
use crate::wire::Stage;
use crate::words::{Words, say};
use provider_host::contract::{
    Cancellation, Capability, Failure, FieldProblem, Order, ProviderInfo, Reason, Registration, Setting, SettingKind,
    Shipment,
};
use provider_host::{Account, Answer, CallError, CallReport, Plugin, RequestReport, RowOutcome};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tracing::Instrument;

/// Characters of an answer or an input that are shown.
const MAX_SHOWN: usize = 300;

/// An operation that may reach the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the contract")]
pub enum Operation {
    TestConnection,
    Credit,
    CheckCredit,
    Cancel,
    SyncTracking,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TestConnection, Self::Credit, Self::CheckCredit, Self::Cancel, Self::SyncTracking];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestConnection => "test-connection",
            Self::Credit => "credit",
            Self::CheckCredit => "check-credit",
            Self::Cancel => "cancel",
            Self::SyncTracking => "sync-tracking",
        }
    }

    /// Most rows in one call of it; 0 where the plugin does not have it.
    pub fn limit(self, info: &ProviderInfo) -> u32 {
        let limits = &info.batch_limits;
        match self {
            Self::TestConnection => u32::from(info.capabilities.contains(Capability::TEST_CONNECTION)),
            Self::Credit => limits.credit,
            Self::CheckCredit => limits.check_credit,
            Self::Cancel => limits.cancel,
            Self::SyncTracking => limits.sync_tracking,
        }
    }
}

/// What an operation is asked.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the rows of the operations of the contract")]
pub enum Rows {
    Test,
    Orders(Vec<Order>),
    Registrations(Vec<Registration>),
    Cancellations(Vec<Cancellation>),
    Shipments(Vec<Shipment>),
}

impl Rows {
    /// Whose rows they are.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Test => Operation::TestConnection,
            Self::Orders(_) => Operation::Credit,
            Self::Registrations(_) => Operation::CheckCredit,
            Self::Cancellations(_) => Operation::Cancel,
            Self::Shipments(_) => Operation::SyncTracking,
        }
    }

    /// The reference of each row; of the connection test, which is about none, nothing.
    pub fn references(&self) -> Vec<&str> {
        match self {
            Self::Test => vec![""],
            Self::Orders(rows) => rows.iter().map(|order| order.reference.as_str()).collect(),
            Self::Registrations(rows) => rows.iter().map(|row| row.reference.as_str()).collect(),
            Self::Cancellations(rows) => rows.iter().map(|row| row.registration.reference.as_str()).collect(),
            Self::Shipments(rows) => rows.iter().map(|row| row.registration.reference.as_str()).collect(),
        }
    }
}

/// What the plugin itself said, and what the host saw.
pub struct Told {
    /// Which operation.
    pub operation: Operation,
    /// The plugin's own word for each row, before the host's.
    pub words: Vec<RowOutcome>,
    /// Of the first row.
    reference: String,
    rows: Vec<String>,
    calls: Vec<CallReport>,
}

impl Told {
    fn new<T: Debug>(operation: Operation, reference: String, answer: Answer<T>) -> Self {
        let mut words: Vec<_> = answer.rows.iter().map(RowOutcome::of).collect();
        let mut first = 0;
        for call in &answer.calls {
            call.overruled.iter().for_each(|overruled| words[first + overruled.row] = overruled.reported);
            first += call.rows;
        }
        Self { operation, words, reference, rows: answer.rows.iter().map(in_short).collect(), calls: answer.calls }
    }

    /// Why a call ended without the plugin's answer, if one did.
    pub fn error(&self) -> Option<&CallError> {
        self.calls.iter().find_map(|call| call.error.as_ref())
    }

    /// As [`Told::error`], but for a wrong number of rows: the plugin did answer then.
    pub fn broke_off(&self) -> Option<&CallError> {
        self.error().filter(|error| !is_row_count(error))
    }

    /// All requests.
    pub fn requests(&self) -> impl Iterator<Item = &RequestReport> {
        self.calls.iter().flat_map(|call| &call.requests)
    }

    /// The last request, as it reached `line`, and what came back; the call itself where none was made.
    pub fn exchange(&self, line: &Line) -> Exchange {
        let said = || Words::new(format!("回答: {}", self.said()), format!("answer: {}", self.said()));
        match self.requests().last() {
            None => Exchange { request: call(self.operation, &self.reference), answer: said() },
            Some(request) => exchange(request, line, &self.reference),
        }
    }

    /// What the first row holds, or the reason why not, for people.
    pub fn said(&self) -> &str {
        self.rows.first().map_or("", String::as_str)
    }
}

/// A call that made no request, for people.
fn call(operation: Operation, reference: &str) -> Words {
    let name = operation.name();
    say!("{name} {reference}（要求なし）", "{name} {reference} (no request was made)")
}

/// `request`, as it reached `line`, and what came back.
fn exchange(request: &RequestReport, line: &Line, reference: &str) -> Exchange {
    let received = line.request(&request.path, request.request_bytes, reference);
    let address = || format!("{}{}", request.origin, request.path);
    let error = request.error.as_ref().map_or_else(String::new, |error| format!("\n→ {error}"));
    Exchange {
        request: received.unwrap_or_else(address).into(),
        answer: line.answer().map(|text| format!("{text}{error}")),
    }
}

/// `value` for people, cut where it is long.
pub fn shown(value: &impl Debug) -> String {
    cut(format!("{value:?}"))
}

fn cut(text: String) -> String {
    if text.chars().count() > MAX_SHOWN { text.chars().take(MAX_SHOWN).chain(['…']).collect() } else { text }
}

/// What a row holds, or the reason why not, without the name of the failure.
pub fn in_short<T: Debug>(row: &Result<T, Failure>) -> String {
    let words = |reason: &Reason| format!("{} {}", reason.code.as_deref().unwrap_or_default(), reason.message);
    let text = match row {
        Ok(value) => format!("{value:?}"),
        Err(Failure::Invalid(problems)) => {
            let problem = |problem: &FieldProblem| format!("{}: {}", problem.field, words(&problem.reason));
            problems.iter().map(problem).collect::<Vec<_>>().join(" / ")
        }
        Err(
            Failure::Unauthorized(reason)
            | Failure::Already(reason)
            | Failure::Refused(reason)
            | Failure::NotSent(reason)
            | Failure::Busy((reason, _))
            | Failure::OutcomeUnknown(reason),
        ) => words(reason),
        Err(Failure::Unsupported) => String::new(),
    };
    cut(text.trim().to_owned())
}

/// A word as the contract writes it.
pub fn name(word: RowOutcome) -> String {
    serde_json::to_value(word).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is known before the first check.
pub struct Session {
    /// The plugin, with permission for the kit's lines alone.
    pub plugin: Plugin,
    /// Settings that `check-settings` accepts; their URLs are those of the first line.
    pub settings: Result<Vec<Setting>, Finding>,
    /// The simulators, for a plugin whose wire is known.
    pub stage: Option<Stage>,
    /// What the host wrote.
    pub tap: Tap,
    /// Where the generator of odd inputs starts.
    pub seed: u64,
    lines: Vec<Line>,
    journal: Mutex<Vec<Entry>>,
    shops: AtomicUsize,
}

/// What was seen of one operation.
#[derive(Clone)]
pub struct Entry {
    /// Which.
    pub operation: Operation,
    /// The input was an ordinary one.
    pub ordinary: bool,
    /// The only origin that it had a reason to ask for.
    pub origin: String,
    /// The fault of the line that it was sent down.
    pub fault: &'static str,
    /// What the host saw.
    pub calls: Vec<CallReport>,
    /// What showed that it ended early or logged too much; absent where it did neither.
    pub exchange: Option<Exchange>,
}

impl Session {
    /// A session over open `lines`, in the order of [`FAULTS`].
    pub fn new(
        plugin: Plugin,
        settings: Result<Vec<Setting>, Finding>,
        lines: Vec<Line>,
        stage: Option<Stage>,
        tap: Tap,
        seed: u64,
    ) -> Self {
        Self { plugin, settings, stage, tap, seed, lines, journal: Mutex::default(), shops: AtomicUsize::new(0) }
    }

    /// The line of the fault `name`.
    pub fn line(&self, name: &str) -> &Line {
        let at = FAULTS.iter().position(|fault| fault.name == name);
        &self.lines[at.expect("the checks name faults of the table")]
    }

    /// The operations that the plugin has.
    pub fn operations(&self) -> impl Iterator<Item = Operation> {
        Operation::ALL.into_iter().filter(|operation| operation.limit(self.plugin.info()) > 0)
    }

    /// A carrier that the plugin describes.
    pub fn carrier(&self) -> &str {
        self.plugin.info().carriers.first().map_or("", |carrier| carrier.id.as_str())
    }

    /// The accepted settings, pointed at `origin`.
    pub fn settings_at(&self, origin: &str) -> Vec<Setting> {
        let is_url = |key: &str| {
            self.plugin.info().settings.iter().any(|field| field.key == key && field.kind == SettingKind::Url)
        };
        let mut settings = self.settings.clone().unwrap_or_default();
        settings.iter_mut().filter(|s| is_url(&s.key)).for_each(|s| s.value = origin.to_owned());
        settings
    }

    /// Hides the values of the settings, and of those that were `given`.
    pub fn masks(&self, given: &[Setting]) -> Masks {
        Masks::of(self.settings.iter().flatten().chain(given), self.plugin.info())
    }

    /// A shop that has never called before, so that it has no connection yet.
    pub fn shop(&self, settings: Vec<Setting>) -> Account {
        let number = self.shops.fetch_add(1, Ordering::Relaxed);
        Account::new(format!("kit-{number}"), settings)
    }

    /// One ordinary row of `operation`, sent down `line`.
    pub async fn ordinary(&self, operation: Operation, line: &Line) -> Told {
        let rows = samples::rows(operation, &[true], self.carrier());
        self.asked(rows, line, true).instrument(tracing::info_span!(ORDINARY)).await
    }

    /// `rows`, sent down `line`.
    pub async fn ask(&self, rows: Rows, line: &Line) -> Told {
        self.asked(rows, line, false).await
    }

    async fn asked(&self, rows: Rows, line: &Line, ordinary: bool) -> Told {
        let origin = line.origin().to_string();
        let shop = self.shop(self.settings_at(&origin));
        let plugin = &self.plugin;
        let reference = rows.references().first().map_or_else(String::new, |first| (*first).to_owned());
        let told = match rows {
            Rows::Test => Told::new(Operation::TestConnection, reference, plugin.test_connection(&shop).await),
            Rows::Orders(rows) => Told::new(Operation::Credit, reference, plugin.credit(&shop, rows).await),
            Rows::Registrations(rows) => {
                Told::new(Operation::CheckCredit, reference, plugin.check_credit(&shop, rows).await)
            }
            Rows::Cancellations(rows) => Told::new(Operation::Cancel, reference, plugin.cancel(&shop, rows).await),
            Rows::Shipments(rows) => {
                Told::new(Operation::SyncTracking, reference, plugin.sync_tracking(&shop, rows).await)
            }
        };
        let remarkable = told.calls.iter().any(|call| call.error.is_some() || call.log_lines_dropped > 0);
        let entry = Entry {
            operation: told.operation,
            ordinary,
            origin,
            fault: line.name(),
            calls: told.calls.clone(),
            exchange: remarkable.then(|| told.exchange(line)),
        };
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        told
    }

    /// Everything that was called so far.
    pub fn journal(&self) -> Vec<Entry> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether the plugin answered, with another number of rows than it was asked.
pub fn is_row_count(error: &CallError) -> bool {
    matches!(error, CallError::RowCount { .. })
}

/// How a call ended early, for people.
pub fn broken(error: &CallError) -> Words {
    say!("回答せずに終わった（{error}）", "ended without an answer ({error})")
}

/// Which call ended early, and how, for people.
pub fn broke_off(operation: &str, error: &CallError) -> Words {
    broken(error).after(operation)
}
