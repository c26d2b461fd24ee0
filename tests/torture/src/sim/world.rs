//! A day as it happens: two processes of the platform on one store, the network and the gateway, one clock.
//!
//! One operation runs at a time, until it ends, waits for its provider or comes to an armed crash point; what happens
//! next is the next step's to say. So the order of events is that of the steps and nothing else, though the store's
//! connections have threads of their own.

use super::native::{self, Job, Rows};
use super::network::{Delivery, Fate, Network, Simulated};
use super::points::{Arrival, At, DatabaseFault, Points, Time};
use super::step::{DIGITS, Day, PROCESSES, PROVIDERS, RESULTS, Race, Step};
use domain::asked::{Asked, Standing};
use domain::clock::{self, Uptime};
use domain::crash_point::{self, CrashPoint};
use domain::credit_state::{Action, State};
use domain::finding::OperatorFinding;
use domain::lang::Lang;
use domain::mall::{Automation, Mall, Start};
use domain::order::Order;
use fixtures::{Db, TestStore};
use futures::future::BoxFuture;
use gateways::Fault;
use gateways::ledger::{Ledger, Registration, Shipment};
use gateways::verdicts::Verdict::Approved;
use model::gateway::Verdict;
use model::judge::{self, Held, Seen};
use model::order as oracle;
use model::order::{Facts, Heard};
use provider_host::contract as host;
use service::batches;
use service::credit::{CreditRow, CreditService, WorkItem};
use service::csv::encoding::Charset;
use service::dispatcher::Dispatcher;
use service::messages::issue::what_and_next;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::providers::abilities::Abilities;
use service::providers::response::IN_FLIGHT_WINDOW;
use service::tracking::entry::{Entry, enter};
use service::transfer::{self, FileImport, FileKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{BatchOrder, DatabaseLocation, Filter, ListQuery, MallUpdate, NewBatch, Store};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The mall of every day.
const MALL: &str = "m";
/// No number that the platform is told.
const ENTERED_ELSEWHERE: &str = "999999999990";
/// One of so many orders is acted on whatever its state.
const OLD_PAGES: usize = 7;
/// One of so many runs names an order twice.
const NAMED_TWICE: usize = 9;
/// The name of an operation that does what batches have.
const WORK: &str = "work";
/// A day begins at 10:00 in Japan on 2026-11-24.
const BEGIN: i64 = 1_795_482_000_000;
/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;
/// An operation that does not come to a wait of its own in this time hangs.
const STUCK: Duration = Duration::from_secs(60);
/// Rounds of questions and looks at the provider's page after which nothing may be in doubt. Two would do, if the
/// first did not itself have to wait for the in-flight window, or to be measured anew after a restart.
const ROUNDS: usize = 5;

/// What a day came to.
pub struct Report {
    /// What happened, step by step; the same for the same day, byte for byte.
    pub log: Vec<String>,
    /// How often each kind of event happened, by its name.
    pub counts: BTreeMap<String, usize>,
    /// Operations and ledger, for the independent checker.
    pub history: Vec<serde_json::Value>,
    /// Milliseconds that passed in the day.
    pub passed: i64,
    /// Milliseconds from the end of the faults until nothing was in doubt, or a person was named.
    pub settled_in: i64,
    /// What was wrong first, if anything.
    pub failure: Option<String>,
}

/// A store with its schema and nothing in it, copied for each day.
pub struct Template(TestStore);

impl Template {
    /// Made once for many days.
    pub async fn new() -> Self {
        let template = TestStore::new(Db::Sqlite).await;
        // References are part of the log.
        template.execute("UPDATE store SET prefix = 'sim00'").await;
        Self(template)
    }

    fn copy(&self) -> std::io::Result<TempDir> {
        // In memory: what is simulated is not this disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory)? } else { TempDir::new()? };
        for file in std::fs::read_dir(self.0.folder.path())? {
            let file = file?;
            let name = file.file_name();
            if file.file_type()?.is_file() && !name.to_string_lossy().ends_with("-shm") {
                std::fs::copy(file.path(), folder.path().join(name))?;
            }
        }
        Ok(folder)
    }
}

struct Process {
    service: CreditService<Simulated>,
}

enum Ended {
    Rows(Vec<CreditRow>),
    Other(String),
}

struct Operation {
    id: usize,
    process: usize,
    name: String,
    future: BoxFuture<'static, Ended>,
    /// By order: its version when the operation began.
    versions: HashMap<i64, i64>,
    /// By order: its version as this operation has claimed it.
    claims: HashMap<i64, i64>,
    /// By order: what the model expects when its answer is written.
    expected: BTreeMap<i64, Expected>,
}

/// What the model expects of an order when an operation has written what it heard: as the answer says, one version
/// later; or as it is, where somebody else was faster.
struct Expected {
    state: String,
    version: i64,
}

enum Stop {
    Ended(Ended),
    Waits,
    Arrived,
}

/// An operation that is held at a point.
struct HeldOperation {
    operation: usize,
    process: usize,
    point: CrashPoint,
    task: Option<tokio::task::Id>,
    release: oneshot::Sender<()>,
}

/// What is known of an order besides what the store says.
#[derive(Default)]
struct AskedFor {
    /// By people; the mall's settings ask once more.
    credits: usize,
    /// The references of which a cancel was asked for.
    cancels: Vec<String>,
    shipment: bool,
    /// A number was entered on the provider's own page: which the provider has is not for the platform to know.
    elsewhere: bool,
}

struct World {
    folder: TempDir,
    provider: &'static str,
    automatic: bool,
    network: Network,
    info: Arc<host::ProviderInfo>,
    processes: [Option<Process>; PROCESSES],
    observer: Store,
    operations: Vec<Operation>,
    begun: usize,
    imported: usize,
    asked: HashMap<i64, AskedFor>,
    points: Rc<Points>,
    held: Vec<HeldOperation>,
    /// Transaction ids that answers have named which are not written yet, with their orders: of two answers in one
    /// group of writes the first has the id.
    racing: Vec<(i64, String)>,
    /// Orders whose outcome is in doubt.
    doubts: BTreeSet<i64>,
    /// Of each process whether others may count it as dead though it goes on.
    lost_lease: [bool; PROCESSES],
    settled_in: i64,
    log: Vec<String>,
    counts: BTreeMap<String, usize>,
    history: Vec<serde_json::Value>,
    time: Rc<Time>,
    begin_uptime: i64,
    passed_before: i64,
    reboots: usize,
}

/// The way a step can fail: with words for a person.
type Result<T = ()> = std::result::Result<T, String>;

fn words<T, E: std::fmt::Display>(result: std::result::Result<T, E>) -> Result<T> {
    result.map_err(|error| error.to_string())
}

/// Lets a day happen.
pub async fn happen(template: &Template, day: &Day) -> Report {
    let mut world = match World::begin(template, day).await {
        Ok(world) => world,
        Err(error) => {
            let (log, counts, history) = Default::default();
            return Report { log, counts, history, passed: 0, settled_in: 0, failure: Some(error) };
        }
    };
    let failure = world.live_through(day).await.err();
    if let Some(failure) = &failure {
        world.log.push(format!("FAILED: {failure}"));
    }
    world.end();
    let passed = world.passed();
    let World { log, counts, history, settled_in, .. } = world;
    Report { log, counts, history, passed, settled_in, failure }
}

impl World {
    async fn begin(template: &Template, day: &Day) -> Result<Self> {
        let provider = PROVIDERS[day.provider % PROVIDERS.len()];
        let uptime = Uptime { boot: "boot-0".to_owned(), milliseconds: 1_000_000 };
        let time = Rc::new(Time::new(clock::Simulated { now: BEGIN, uptime }));
        let network = Network::to(provider);
        let points = Rc::new(Points::new(Rc::clone(&time), network.clone()));
        crash_point::simulate(Some(points.clone()));
        let folder = words(template.copy())?;
        let observer = words(Store::open(&location(folder.path())).await)?;
        let info = native::describe(provider).ok_or("no such provider")?.into();
        let mut world = Self {
            folder,
            provider,
            automatic: day.automatic,
            network,
            info,
            processes: [const { None }; PROCESSES],
            observer,
            operations: Vec::new(),
            begun: 0,
            imported: 0,
            asked: HashMap::new(),
            points,
            held: Vec::new(),
            racing: Vec::new(),
            doubts: BTreeSet::new(),
            lost_lease: [false; PROCESSES],
            settled_in: 0,
            log: vec![format!("{provider}, automatic {}, {} rows", day.automatic, day.rows_per_request)],
            counts: BTreeMap::new(),
            history: Vec::new(),
            time,
            begin_uptime: 1_000_000,
            passed_before: 0,
            reboots: 0,
        };
        let settings = world.network.settings().map(|(key, value)| (key, value.into())).collect();
        let begins = if day.automatic { Start::AtOnce } else { Start::Never };
        let mall = Mall {
            id: MALL.to_owned(),
            name: "本店".to_owned(),
            provider: provider.to_owned(),
            settings,
            automation: Automation { credit: begins.clone(), sync: begins, ..Automation::default() },
            rows_per_request: day.rows_per_request,
            ..Mall::default()
        };
        words(world.observer.put_mall(&mall, MallUpdate::default()).await)?;
        for process in 0..PROCESSES {
            world.start(process).await?;
        }
        Ok(world)
    }

    async fn live_through(&mut self, day: &Day) -> Result {
        for step in &day.steps {
            self.count(&format!("step {}", name_of(step)));
            self.step(step).await?;
            self.restart_dead().await?;
            self.judge().await?;
        }
        self.settle(day.attended).await
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn note(&mut self, line: String) {
        let at = self.passed();
        self.log.push(format!("{at:>9} {line}"));
    }

    fn passed(&self) -> i64 {
        self.passed_before + self.uptime() - self.begin_uptime
    }

    fn uptime(&self) -> i64 {
        self.time.get().uptime.milliseconds
    }

    fn end(&mut self) {
        self.operations.clear();
        self.processes = [const { None }; PROCESSES];
        self.held.clear();
        drop(self.points.take_arrivals());
        clock::simulate(None);
        crash_point::simulate(None);
    }

    async fn start(&mut self, process: usize) -> Result {
        let store = words(Store::open(&location(self.folder.path())).await)?;
        let lease = Arc::new(words(ProcessLease::start(&store).await)?);
        let provider = Simulated { network: self.network.clone(), info: self.info.clone() };
        let service = CreditService {
            store,
            lease,
            providers: Arc::new(HashMap::from([(self.provider.to_owned(), provider)])),
            who: format!("op{process}"),
            // One call at a time within an operation, so that a seed decides their order. Operations overlap all the
            // same, within a process and between two.
            concurrency: 1,
            in_flight_window: IN_FLIGHT_WINDOW,
        };
        self.lost_lease[process] = false;
        self.processes[process] = Some(Process { service });
        Ok(())
    }

    async fn restart_dead(&mut self) -> Result {
        for process in 0..PROCESSES {
            if self.processes[process].is_none() {
                self.start(process).await?;
            }
        }
        Ok(())
    }

    /// What the process was doing is gone with it; what it had sent is still on its way.
    fn crash(&mut self, process: usize) {
        let broken = self.operations.iter().filter(|operation| operation.process == process).count();
        if broken > 0 {
            self.count("killed in an operation");
        }
        self.note(format!("process {process} is killed in {broken} operations"));
        self.operations.retain(|operation| operation.process != process);
        self.processes[process] = None;
        self.held.retain(|held| held.process != process);
    }

    fn service(&self, process: usize) -> Result<CreditService<Simulated>> {
        let running = self.processes.get(process).and_then(Option::as_ref).ok_or("the process is not running")?;
        Ok(running.service.clone())
    }

    /// Whether a process has begun what a batch has and is not done.
    fn is_working(&self) -> bool {
        self.operations.iter().any(|operation| operation.name == WORK)
    }

    async fn orders(&self) -> Result<Vec<Order>> {
        words(self.observer.orders(&Filter::default()).await)
    }

    async fn pick(&self, index: usize) -> Result<Option<Order>> {
        let mut orders = self.orders().await?;
        orders.sort_by_key(|order| order.id);
        let count = orders.len();
        Ok((count > 0).then(|| orders.swap_remove(index % count)))
    }

    /// Orders for `action`: mostly such as offer it, and sometimes any, for operators click on pages that are old.
    async fn pick_for(&self, action: Action, indexes: &[usize]) -> Result<Vec<Order>> {
        let mut orders = self.orders().await?;
        orders.sort_by_key(|order| order.id);
        let offering: Vec<&Order> = orders.iter().filter(|order| order.offers(action)).collect();
        let any: Vec<&Order> = orders.iter().collect();
        let (mut picked, mut seen) = (Vec::new(), BTreeSet::new());
        for index in indexes {
            let from = if index.is_multiple_of(OLD_PAGES) || offering.is_empty() { &any } else { &offering };
            if let Some(order) = from.get(index % from.len().max(1))
                && seen.insert(order.id)
            {
                picked.push((*order).clone());
            }
        }
        Ok(picked)
    }

    fn remember(&mut self, action: Action, orders: &[Order]) {
        for order in orders {
            let asked = self.asked.entry(order.id).or_default();
            match action {
                Action::Credit => asked.credits += 1,
                Action::Cancel => asked.cancels.push(order.reference().to_owned()),
                Action::Sync => asked.shipment = true,
                Action::Check | Action::Decide => {}
            }
        }
    }

    /// Begins an operation and lets it run until it ends or waits.
    async fn run(&mut self, process: usize, name: String, future: BoxFuture<'static, Ended>) -> Result {
        let id = self.begun;
        self.begun += 1;
        let orders = self.orders().await?;
        let versions = orders.iter().map(|order| (order.id, order.version)).collect();
        self.note(format!("process {process}: {name}"));
        let (claims, expected) = Default::default();
        self.operations.push(Operation { id, process, name, future, versions, claims, expected });
        self.drive(id).await
    }

    /// Lets an operation run until it ends, waits for its provider or comes to a point at which something happens.
    async fn drive(&mut self, id: usize) -> Result {
        let Some(at) = self.operations.iter().position(|operation| operation.id == id) else { return Ok(()) };
        self.network.leaves_from(id);
        let operation = &mut self.operations[at];
        self.points.run(Some(operation.process));
        let stop = async {
            tokio::select! {
                biased;
                ended = &mut operation.future => Stop::Ended(ended),
                () = self.network.parked.notified() => Stop::Waits,
                () = self.points.arrive(1) => Stop::Arrived,
            }
        };
        let stop = tokio::time::timeout(STUCK, stop).await;
        self.points.run(None);
        let stop = stop.map_err(|_| format!("{} hangs", self.operations[at].name))?;
        self.note_injected(at);
        match stop {
            Stop::Waits => {
                self.note_claims(at).await?;
                self.compare_written(at).await
            }
            Stop::Arrived => {
                for arrival in self.points.take_arrivals() {
                    self.arrived_at(id, arrival).await?;
                }
                Ok(())
            }
            Stop::Ended(ended) => {
                self.compare_written(at).await?;
                let operation = self.operations.remove(at);
                self.ended(&operation, ended)
            }
        }
    }

    /// The faults of the database that an operation met; what it heard then need not have been written.
    fn note_injected(&mut self, at: usize) {
        for what in self.points.take_injected() {
            self.count(what);
            self.note(format!("{what} in {}", self.operations[at].name));
            if what != DatabaseFault::SlowCommit(0).name() {
                self.operations[at].expected.clear();
            }
        }
    }

    /// An operation has come to a point: its process is killed, or it is held.
    async fn arrived_at(&mut self, id: usize, arrival: Arrival) -> Result {
        let Arrival { at, point, task, release } = arrival;
        let Some(index) = self.operations.iter().position(|operation| operation.id == id) else { return Ok(()) };
        let process = self.operations[index].process;
        match at {
            At::Kill => {
                self.count(&format!("killed at {point}"));
                self.crash(process);
                drop(release);
            }
            At::Hold => {
                self.note_claims(index).await?;
                if matches!(point, CrashPoint::ResultCommitted | CrashPoint::RowsEnded) {
                    self.compare_written(index).await?;
                }
                self.count(&format!("held at {point}"));
                self.note(format!("  {} is held at {point}", self.operations[index].name));
                self.held.push(HeldOperation { operation: id, process, point, task, release });
            }
        }
        Ok(())
    }

    /// Which orders an operation has claimed since it last ran: those that its process has and no other operation.
    async fn note_claims(&mut self, at: usize) -> Result {
        let name = self.service(self.operations[at].process)?.lease.name();
        for order in self.orders().await? {
            let is_noted = |operation: &Operation| operation.claims.get(&order.id) == Some(&order.version);
            if order.owner.as_ref() == Some(&name) && !self.operations.iter().any(is_noted) {
                self.operations[at].claims.insert(order.id, order.version);
                self.count("order claimed");
            }
        }
        Ok(())
    }

    /// What an operation heard before it was held is not written any more where somebody has changed the order since.
    async fn note_overtaken(&mut self, id: usize) -> Result {
        let orders = self.orders().await?;
        let Some(operation) = self.operations.iter_mut().find(|operation| operation.id == id) else { return Ok(()) };
        let mut overtaken = 0;
        for order in orders {
            if let Some(expected) = operation.expected.get_mut(&order.id)
                && expected.version <= order.version
            {
                // It stays as it is.
                *expected = Expected { state: order.state.to_string(), version: order.version };
                overtaken += 1;
            }
        }
        for _ in 0..overtaken {
            self.count("overtaken while it was held");
        }
        Ok(())
    }

    /// An operation that was held goes on.
    async fn release(&mut self, at: usize) -> Result {
        let held = self.held.remove(at);
        self.note_overtaken(held.operation).await?;
        self.note(format!("operation {} goes on after {}", held.operation, held.point));
        // Whoever is not there any more was dropped with its operation.
        let _ = held.release.send(());
        self.drive(held.operation).await
    }

    /// Operations of one process that are held go on side by side, each until the next point that it comes to: what
    /// they write next is in one group.
    async fn release_together(&mut self, process: usize, operations: &[usize]) -> Result {
        let (released, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| operations.contains(&held.operation));
        self.held = held;
        for operation in operations {
            self.note_overtaken(*operation).await?;
        }
        self.note(format!("operations {operations:?} go on together"));
        self.points.hold_all(true);
        self.points.run(Some(process));
        let mut by_task = HashMap::new();
        for held in released {
            by_task.insert(held.task, held.operation);
            let _ = held.release.send(());
        }
        let arrived = tokio::time::timeout(STUCK, self.points.arrive(by_task.len())).await;
        self.points.run(None);
        self.points.hold_all(false);
        arrived.map_err(|_| format!("operations {operations:?} hang together"))?;
        for arrival in self.points.take_arrivals() {
            let id = by_task.get(&arrival.task).copied().ok_or("a task that nobody released arrived")?;
            self.arrived_at(id, arrival).await?;
        }
        Ok(())
    }

    /// Two runs come to the same point and then go on side by side, or one right after the other where they are of two
    /// processes.
    async fn race(&mut self, processes: [usize; 2], action: Action, orders: &[usize], race: Race) -> Result {
        let mut orders = self.pick_for(action, orders).await?;
        orders.sort_by_key(|order| order.id);
        self.racing.clear();
        self.points.disarm();
        let held = match race {
            Race::Claim => self.race_to_claims(processes, action, &orders).await?,
            Race::Result => self.race_to_results(processes, action, &orders).await?,
        };
        self.points.disarm();
        let [first, second] = held[..] else { return Ok(()) };
        self.count(&format!(
            "race of two {} to a {}",
            if processes[0] == processes[1] { "operations" } else { "processes" },
            variant(&race).to_lowercase()
        ));
        if processes[0] == processes[1] {
            self.release_together(processes[0], &[first, second]).await?;
        } else {
            for operation in [first, second] {
                if let Some(at) = self.held.iter().position(|held| held.operation == operation) {
                    self.release(at).await?;
                }
            }
        }
        self.racing.clear();
        Ok(())
    }

    /// Two runs about the same orders, held before they claim them.
    async fn race_to_claims(&mut self, processes: [usize; 2], action: Action, orders: &[Order]) -> Result<Vec<usize>> {
        let mut held = Vec::new();
        for process in processes {
            self.points.arm(At::Hold, CrashPoint::CallBegins, 1);
            let id = self.begun;
            self.act(process, action, orders).await?;
            held.extend(self.held.iter().any(|held| held.operation == id).then_some(id));
        }
        Ok(held)
    }

    /// Two runs, each about orders of its own, held when they have heard about them.
    async fn race_to_results(&mut self, processes: [usize; 2], action: Action, orders: &[Order]) -> Result<Vec<usize>> {
        let (first, second) = orders.split_at(orders.len() / 2);
        let mut begun = Vec::new();
        for (process, orders) in processes.into_iter().zip([first, second]) {
            let id = self.begun;
            self.act(process, action, orders).await?;
            begun.extend(self.network.in_flight(|call| (call.operation == id).then_some((id, call.id))));
        }
        let mut held = Vec::new();
        for (id, call) in begun.into_iter().flatten() {
            // Only where both are written at once: nobody could tell that an id is another's which nobody has.
            let named = self.racing.last().filter(|_| processes[0] == processes[1]);
            let fate = named.map_or(Fate::Answered, |(_, named)| Fate::OtherId(named.clone()));
            self.points.arm(At::Hold, CrashPoint::ResponseReceived, 1);
            self.arrive_with(call, fate).await?;
            held.extend(self.held.iter().any(|held| held.operation == id).then_some(id));
        }
        Ok(held)
    }

    fn ended(&mut self, operation: &Operation, ended: Ended) -> Result {
        match ended {
            Ended::Rows(rows) => {
                for row in rows {
                    let (name, outcome) = (&operation.name, row.outcome.to_string());
                    self.note(format!("  {name}: {} {} {outcome}", row.number, row.state));
                    self.count(&format!("outcome {outcome}"));
                    self.history.push(serde_json::json!({
                        "kind": "result", "operation": operation.id, "what": name.split(' ').next(),
                        "order": row.number, "outcome": outcome, "state": row.state.to_string(),
                    }));
                }
            }
            Ended::Other(what) => self.note(format!("  {}: {what}", operation.name)),
        }
        Ok(())
    }

    /// The model against the store, for each order whose answer an operation has written since.
    async fn compare_written(&mut self, at: usize) -> Result {
        let expected = std::mem::take(&mut self.operations[at].expected);
        for (id, Expected { state, version }) in expected {
            let order = words(self.observer.order(id).await)?.ok_or("an order is gone")?;
            let found = order.state.to_string();
            if (&found, order.version) != (&state, version) {
                return Err(format!(
                    "order {}: the model says {state} in version {version}, the store {found} in {}",
                    order.number, order.version
                ));
            }
            self.count("compared with the model");
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result {
        match step {
            Step::Import { process, digits } => self.import(*process, digits).await,
            Step::Correct { process, order } => {
                let Some(order) = self.pick(*order).await? else { return Ok(()) };
                let line = order_line(&order.number, order.amounts.billed + 10, "1234");
                self.import_orders(*process, line, true).await
            }
            Step::Act { process, action, orders } => {
                let names_twice = orders.first().is_some_and(|index| index.is_multiple_of(NAMED_TWICE));
                let mut orders = self.pick_for(*action, orders).await?;
                if names_twice {
                    orders.extend(orders.first().cloned());
                }
                self.act(*process, *action, &orders).await
            }
            Step::Batch { process, action, orders } => {
                let service = self.service(*process)?;
                // Lanes of several batches run side by side, in an order that is the threads' and not the seed's. Rows
                // that a killed process had taken wait again when it is recovered.
                if self.is_working() || has_open_rows(&service.store).await? {
                    return Ok(());
                }
                let orders = self.pick_for(*action, orders).await?;
                self.remember(*action, &orders);
                let numbers: Vec<&str> = orders.iter().map(|order| order.number.as_str()).collect();
                self.history.push(serde_json::json!({
                    "kind": "asked", "operation": null, "what": action.to_string(), "orders": numbers,
                }));
                let (new, count) = (NewBatch::new(*action, &service.who), orders.len());
                let seen =
                    |order: &Order| BatchOrder { id: order.id, seen: Some(Standing::of(order)), confirmed: true };
                let begun = batches::begin(&service.store, new, orders.iter().map(seen).collect()).await.is_ok();
                self.note(format!("batch {action} of {count} orders: {begun}"));
                Ok(())
            }
            Step::Work { process } => {
                let service = self.service(*process)?;
                let work = async move {
                    service.recover().await;
                    let mut dispatcher = Dispatcher::new(service).with_error_backoff(Duration::ZERO);
                    match dispatcher.begin_batches().await {
                        Ok(()) => Ended::Other(format!("{} rows", dispatcher.all_end().await)),
                        Err(error) => Ended::Other(error.to_string()),
                    }
                };
                self.run(*process, WORK.to_owned(), Box::pin(work)).await
            }
            Step::Automation { process } => self.automation(*process).await,
            Step::Track { process, order } => self.track(*process, *order).await,
            Step::TrackElsewhere { order } => {
                let (mut orders, ledger) = (self.orders().await?, self.network.ledger());
                orders.retain(|order| held_under(&ledger, order.reference()).is_some_and(takes_number));
                if let Some(picked) = order.checked_rem(orders.len()) {
                    self.track_elsewhere(&orders.swap_remove(picked));
                }
                Ok(())
            }
            Step::Decide { process, order } => {
                let Some(order) = self.pick(*order).await? else { return Ok(()) };
                self.decide(*process, &order).await
            }
            Step::SwitchCsv { process, on } => {
                let store = self.service(*process)?.store;
                let mut mall = words(store.mall(MALL).await)?.ok_or("the mall is gone")?;
                mall.by_csv = *on;
                let saved = words(store.put_mall(&mall, MallUpdate::default()).await)?;
                self.note(format!("by csv {}: {}", mall.by_csv, variant(&saved)));
                Ok(())
            }
            Step::ResultsIn { process, order, result } => {
                let Some(order) = self.pick(*order).await? else { return Ok(()) };
                let file = format!("注文番号,与信結果\n{},{}\n", order.number, RESULTS[result % RESULTS.len()]);
                let (service, file) = (self.service(*process)?, file_of(FileKind::Results, file, false));
                let work = async move {
                    match transfer::import_file(&service, &file, false, &|_| {}).await {
                        Ok(report) => Ended::Other(format!("{:?}", report.counts())),
                        Err(error) => Ended::Other(error.to_string()),
                    }
                };
                self.run(*process, format!("results in {}", order.number), Box::pin(work)).await
            }
            Step::ResultsOut { process } => {
                let service = self.service(*process)?;
                let query = ListQuery::default();
                let file = transfer::export(&service, FileKind::Results, &query, Charset::Utf8, usize::MAX - 1).await;
                let file = words(file)?;
                self.note(format!("results out, {} left out", file.left_out.len()));
                Ok(())
            }
            Step::Deliver { call } => self.arrive(*call, Fate::Answered).await,
            Step::Strike { call, fault, nth } => self.arrive(*call, Fate::Struck(*fault, *nth)).await,
            Step::Lose { call } => self.arrive(*call, Fate::Lost).await,
            Step::Refuse { call } => self.arrive(*call, Fate::Refused).await,
            Step::Crash { process } => {
                self.crash(*process);
                Ok(())
            }
            Step::CrashAt { point, nth } => {
                self.points.arm(At::Kill, *point, *nth);
                Ok(())
            }
            Step::HoldAt { point, nth } => {
                self.points.arm(At::Hold, *point, *nth);
                Ok(())
            }
            Step::Release { held } => match self.held.len() {
                0 => Ok(()),
                count => self.release(held % count).await,
            },
            Step::Race { processes, action, orders, race } => self.race(*processes, *action, orders, *race).await,
            Step::Database { fault } => {
                self.points.arm_database(*fault);
                Ok(())
            }
            Step::LoseLease { process } => {
                let name = self.service(*process)?.lease.name();
                let lock = location(self.folder.path()).beside("workers").join(format!("{name}.lock"));
                self.lost_lease[*process] = true;
                self.note(format!("process {process} counts as dead: {}", std::fs::remove_file(lock).is_ok()));
                Ok(())
            }
            Step::Skew { process, seconds } => {
                self.time.skew(*process, *seconds);
                self.note(format!("the clock of process {process} is ahead by {seconds} s"));
                Ok(())
            }
            Step::OtherId { call, order } => {
                let id = self.pick(*order).await?.and_then(|order| order.transaction_id().map(str::to_owned));
                match id {
                    Some(id) => self.arrive(*call, Fate::OtherId(id)).await,
                    None => Ok(()),
                }
            }
            Step::Pass { seconds } => self.pass(i64::from(*seconds) * 1_000).await,
            Step::SetClock { seconds } => {
                self.time.set(|time| time.now += seconds * 1_000);
                self.note(format!("the clock is set by {seconds} s"));
                Ok(())
            }
            Step::Reboot => {
                for process in 0..PROCESSES {
                    self.crash(process);
                }
                self.reboots += 1;
                self.passed_before = self.passed();
                let boot = format!("boot-{}", self.reboots);
                self.time.set(|time| time.uptime = Uptime { boot, milliseconds: 20_000 });
                self.begin_uptime = 20_000;
                // What has left before is measured by a clock that is gone: it arrives now or never.
                self.drain_network().await
            }
        }
    }

    async fn import(&mut self, process: usize, digits: &[usize]) -> Result {
        let mut lines = String::new();
        for digits in digits {
            self.imported += 1;
            let digits = DIGITS[digits % DIGITS.len()];
            lines += &order_line(&format!("A-{}", self.imported), 1_000 + self.imported as i64, digits);
        }
        self.import_orders(process, lines, false).await
    }

    async fn import_orders(&mut self, process: usize, lines: String, correct: bool) -> Result {
        let service = self.service(process)?;
        let file = file_of(FileKind::Orders, format!("{ORDER_HEADER}{lines}"), correct);
        let report = words(transfer::import_file(&service, &file, false, &|_| {}).await)?;
        if !correct && !report.refused().is_empty() {
            return Err(format!("an order was refused: {:?}", report.counts()));
        }
        self.note(format!("orders in: {:?}", report.counts()));
        Ok(())
    }

    async fn act(&mut self, process: usize, action: Action, orders: &[Order]) -> Result {
        if orders.is_empty() {
            return Ok(());
        }
        self.remember(action, orders);
        let items: Vec<WorkItem> = orders.iter().map(|order| WorkItem::new(order.id, Asked::of(order))).collect();
        let numbers: Vec<&str> = orders.iter().map(|order| order.number.as_str()).collect();
        let name = format!("{action} {}", numbers.join(" "));
        self.history.push(serde_json::json!({
            "kind": "asked", "operation": self.begun, "what": action.to_string(), "orders": numbers,
        }));
        let service = self.service(process)?;
        let work = async move {
            match service.work(action, &items, &|_| {}).await {
                Ok(rows) => Ended::Rows(rows),
                Err(error) => Ended::Other(error.to_string()),
            }
        };
        self.run(process, name, Box::pin(work)).await
    }

    async fn automation(&mut self, process: usize) -> Result {
        let service = self.service(process)?;
        let work = async move {
            service.recover().await;
            let mut dispatcher = Dispatcher::new(service).with_error_backoff(Duration::ZERO);
            match dispatcher.begin_automation().await {
                Ok(taken) => Ended::Other(format!("{taken} taken, {} rows", dispatcher.all_end().await)),
                Err(error) => Ended::Other(error.to_string()),
            }
        };
        self.run(process, "automation".to_owned(), Box::pin(work)).await
    }

    async fn track(&mut self, process: usize, order: usize) -> Result {
        let Some(order) = self.pick(order).await? else { return Ok(()) };
        let service = self.service(process)?;
        let number = format!("4000{:08}", order.id);
        let entry = Entry { carrier: "yamato", number: &number, shipped_on: clock::today() };
        let entered = enter(&service, &order, entry).await.is_ok();
        if entered && self.automatic {
            // The mall's setting asks for it.
            self.remember(Action::Sync, std::slice::from_ref(&order));
        }
        self.note(format!("tracking of {}: {entered}", order.number));
        Ok(())
    }

    fn track_elsewhere(&mut self, order: &Order) {
        let shipment = Shipment { carrier: "1".to_owned(), slip: ENTERED_ELSEWHERE.to_owned() };
        self.network.edit_ledger(|ledger| {
            let held = ledger.registrations.values_mut().rfind(|held| held.reference == order.reference());
            if let Some(held) = held {
                held.shipment = Some(shipment);
            }
        });
        let asked = self.asked.entry(order.id).or_default();
        (asked.shipment, asked.elsewhere) = (true, true);
        self.count("tracking number entered elsewhere");
    }

    /// The operator looks at the provider's page and records truthfully what is there.
    async fn decide(&mut self, process: usize, order: &Order) -> Result {
        if !order.offers(Action::Decide) {
            return Ok(());
        }
        let ledger = self.network.ledger();
        let held = ledger.by_reference(order.reference()).last();
        let found = match (order.state, held) {
            (State::SyncUnknown, Some(held)) if held.shipment.is_some() => OperatorFinding::Tracked,
            (State::SyncUnknown, _) => OperatorFinding::Untracked,
            (_, None) => OperatorFinding::Nothing,
            (_, Some(held)) if held.cancelled => OperatorFinding::Cancelled,
            (State::Unknown, Some(held)) if held.verdict == gateways::verdicts::Verdict::Rejected => {
                OperatorFinding::Rejected
            }
            (State::Unknown, Some(held)) if held.verdict == gateways::verdicts::Verdict::Approved => {
                OperatorFinding::Approved { transaction_id: held.transaction_id.clone() }
            }
            (_, Some(held)) => OperatorFinding::Registered { transaction_id: Some(held.transaction_id.clone()) },
        };
        let service = self.service(process)?;
        let (seen, name) = (order.clone(), format!("decide {} {}", order.number, variant(&found)));
        self.count("decided by an operator");
        let work = async move {
            match service.decide(&seen, found, "画面で確認").await {
                Ok(row) => Ended::Rows(vec![row]),
                Err(error) => Ended::Other(error.to_string()),
            }
        };
        self.run(process, name, Box::pin(work)).await
    }

    /// Lets `fate` happen to one of the calls that are on their way.
    async fn arrive(&mut self, call: usize, fate: Fate) -> Result {
        let calls = self.network.in_flight(|call| (call.id, call.is_orphan()));
        if calls.is_empty() {
            return Ok(());
        }
        let (id, is_orphan) = calls[call % calls.len()];
        // An orphan's connection is made: it arrives or is lost.
        let fate = if is_orphan && fate == Fate::Refused { Fate::Lost } else { fate };
        self.arrive_with(id, fate).await
    }

    async fn arrive_with(&mut self, id: usize, fate: Fate) -> Result {
        let facts = self.facts_of(id).await?;
        let (name, now) = (fate_name(&fate), self.time.get().now);
        let Some(delivery) = self.network.deliver(id, fate.clone(), now) else { return Ok(()) };
        if let Some(fault) = delivery.met {
            self.count(&format!("fault {}", fault.info().name));
        }
        match fate {
            Fate::Lost => self.count("request lost"),
            Fate::Refused => self.count("connection refused"),
            Fate::OtherId(_) => self.count("answer with another order's id"),
            _ if !delivery.is_awaited() => self.count("arrived after its process was killed or gave up"),
            _ => {}
        }
        let is_about_others = matches!(delivery.met, Some(Fault::OtherReference | Fault::OtherAmount));
        if is_about_others && !has_failure(&delivery.rows) {
            return Err(format!("call {id}: an answer about something else was believed: {:?}", delivery.rows));
        }
        let met = delivery.met.map_or("", |fault| fault.info().name);
        self.note(format!("call {id} {name} {met} heard {}", delivery.is_awaited()));
        self.hear(delivery, &facts).await
    }

    /// The orders of a call that is on its way, with what the model has to know of each; nothing for an order that has
    /// another reference since.
    async fn facts_of(&self, call: usize) -> Result<Vec<Option<(Order, Facts)>>> {
        let looked = self.network.in_flight(|in_flight| {
            let references = in_flight.job.references().into_iter().map(str::to_owned).collect::<Vec<_>>();
            (in_flight.id, references, in_flight.left.clone())
        });
        let Some((_, references, left)) = looked.into_iter().find(|(id, ..)| *id == call) else {
            return Ok(Vec::new());
        };
        let orders = self.orders().await?;
        let mut facts = Vec::with_capacity(references.len());
        for reference in &references {
            let Some(order) = orders.iter().find(|order| order.reference() == reference) else {
                facts.push(None);
                continue;
            };
            let sent = order.sent.as_ref().and_then(|sent| sent.uptime.as_ref());
            let passed = sent.filter(|sent| sent.boot == left.1).map(|sent| left.0 - sent.milliseconds);
            let known = Facts {
                window_over: passed.is_some_and(|passed| passed >= IN_FLIGHT_WINDOW.as_millis() as i64),
                id_known: order.transaction_id().is_some(),
                id_fits: true,
                sent_before: order.registration.as_ref().is_some_and(|registration| registration.sends > 1),
                number_of_unknown_origin: self.has_number_of_unknown_origin(order).await?,
                tells_cancel: self.info.capabilities.contains(host::Capability::REPORTS_CANCEL),
                tells_tracking: self.info.capabilities.contains(host::Capability::REPORTS_TRACKING),
            };
            facts.push(Some((order.clone(), known)));
        }
        Ok(facts)
    }

    /// Whether the first time that the number was sent the provider had one, by the order's history.
    async fn has_number_of_unknown_origin(&self, order: &Order) -> Result<bool> {
        if resting(order.state) != "sync_unknown" {
            return Ok(false);
        }
        let mut told = false;
        for line in words(self.observer.history(order.id).await)? {
            let said = line.problem.as_ref().is_some_and(|problem| problem.contains("\"kind\":\"already\""));
            match (line.from_state.as_str(), line.to_state.as_str()) {
                ("syncing", "sync_unknown") => told = said,
                (_, "sync_unknown" | "syncing_again") => {}
                _ => told = false,
            }
        }
        Ok(told)
    }

    /// An operation hears what came of its call; what the model makes of it is compared when it is written.
    async fn hear(&mut self, delivery: Delivery, facts: &[Option<(Order, Facts)>]) -> Result {
        if !delivery.is_awaited() {
            return Ok(());
        }
        let id = delivery.operation;
        let Some(at) = self.operations.iter().position(|operation| operation.id == id) else { return Ok(()) };
        let orders = self.orders().await?;
        let racing = std::mem::take(&mut self.racing);
        let taken = |order: &Order, answered: &str| {
            orders.iter().any(|other| other.id != order.id && other.transaction_id() == Some(answered))
                || racing.iter().any(|(other, named)| *other != order.id && named == answered)
        };
        let heard = heard(&delivery.rows);
        for (fact, (heard, answered)) in facts.iter().zip(heard) {
            let Some((order, facts)) = fact else { continue };
            if facts.number_of_unknown_origin {
                self.count("answer about a tracking number of unknown origin");
            }
            self.racing.extend(answered.clone().map(|answered| (order.id, answered)));
            let fits = answered.is_none_or(|answered| match order.transaction_id() {
                Some(known) => known == answered,
                None => !taken(order, &answered),
            });
            let (action, state) = match delivery.job {
                Job::Credit(_) => (oracle::Action::Credit, "not_asked"),
                Job::Check(_) => (oracle::Action::Check, resting(order.state)),
                Job::Cancel(_) => (oracle::Action::Cancel, resting(order.state)),
                Job::Sync(_) => (oracle::Action::Sync, resting(order.state)),
            };
            let expected = oracle::after(state, action, heard, Facts { id_fits: fits, ..*facts });
            let operation = &mut self.operations[at];
            // An answer counts only if nothing else happened to the order since it was claimed, or read for a question.
            let is_claimed = action != oracle::Action::Check;
            let is_lost = operation.claims.get(&order.id).is_some_and(|version| *version != order.version);
            if is_claimed && is_lost && !self.lost_lease[operation.process] {
                return Err(format!("order {}: the claim of a process that is alive was taken from it", order.number));
            }
            let known = match action {
                oracle::Action::Check => operation.versions.get(&order.id),
                _ => operation.claims.get(&order.id),
            };
            if known == Some(&order.version) {
                operation
                    .expected
                    .insert(order.id, Expected { state: expected.to_owned(), version: order.version + 1 });
            }
        }
        self.points.run(Some(self.operations[at].process));
        delivery.tell();
        self.drive(id).await
    }

    /// Time passes: callers give up at their deadline, and what is on its way arrives or is lost before the longest
    /// way is over.
    async fn pass(&mut self, milliseconds: i64) -> Result {
        let until = self.uptime() + milliseconds;
        loop {
            let next = self.network.in_flight(|call| (call.limit(), call.id, call.is_orphan()));
            let Some((at, id, is_orphan)) = next.into_iter().min().filter(|(at, ..)| *at <= until) else { break };
            self.time.pass((at - self.uptime()).max(0));
            if is_orphan {
                self.last_moment(id).await?;
            } else {
                self.count("deadline");
                let facts = self.facts_of(id).await?;
                self.note(format!("call {id} is given up"));
                if let Some(delivery) = self.network.time_out(id) {
                    self.hear(delivery, &facts).await?;
                }
            }
        }
        self.time.pass((until - self.uptime()).max(0));
        Ok(())
    }

    /// An orphan arrives at the last moment, or never.
    async fn last_moment(&mut self, id: usize) -> Result {
        let fate = if id.is_multiple_of(2) { Fate::Answered } else { Fate::Lost };
        self.arrive_with(id, fate).await
    }

    async fn drain_network(&mut self) -> Result {
        for (id, is_orphan) in self.network.in_flight(|call| (call.id, call.is_orphan())) {
            if is_orphan {
                self.last_moment(id).await?;
            }
        }
        Ok(())
    }

    /// Answers everything until nothing is on its way.
    async fn answer_all(&mut self) -> Result {
        while let Some(id) = self.network.in_flight(|call| call.id).first() {
            self.arrive_with(*id, Fate::Answered).await?;
        }
        Ok(())
    }

    /// The faults are over: in bounded time nothing is in doubt any more, or a person is named as the next step.
    async fn settle(&mut self, attended: bool) -> Result {
        self.points.disarm();
        self.answer_all().await?;
        while !self.held.is_empty() {
            self.release(0).await?;
            self.answer_all().await?;
        }
        for process in 0..PROCESSES {
            let service = self.service(process)?;
            service.recover().await;
        }
        self.judge().await?;
        let began = self.passed();
        for _ in 0..ROUNDS {
            self.pass(IN_FLIGHT_WINDOW.as_millis() as i64 + 1_000).await?;
            let open: Vec<Order> = self
                .orders()
                .await?
                .into_iter()
                .filter(|order| oracle::is_in_doubt(&order.state.to_string()))
                .collect();
            if open.is_empty() {
                break;
            }
            for order in &open {
                self.act(0, Action::Check, std::slice::from_ref(order)).await?;
                self.answer_all().await?;
            }
            self.judge().await?;
            self.pass(1_000).await?;
            for order in open.into_iter().filter(|_| attended) {
                if let Some(order) = words(self.observer.order(order.id).await)? {
                    self.decide(1, &order).await?;
                    self.answer_all().await?;
                }
            }
            self.judge().await?;
        }
        self.settled_in = self.passed() - began;
        for order in self.orders().await? {
            if !oracle::is_in_doubt(&order.state.to_string()) {
                continue;
            }
            if !names_a_person(&order, &self.info) {
                return Err(format!(
                    "order {} is still {} after {ROUNDS} rounds: {:?}",
                    order.number, order.state, order.problem
                ));
            }
            self.count("doubt left to a person who is named");
        }
        let left = DAY - self.passed();
        self.pass(left.max(0)).await?;
        self.judge().await?;
        self.history.extend(self.final_state().await?);
        Ok(())
    }

    /// Counts what is in doubt since, and what is no more.
    fn note_doubts(&mut self, orders: &[Order]) {
        for order in orders {
            if order.state.is_unknown() && self.doubts.insert(order.id) {
                self.count("outcome in doubt");
            } else if !order.state.is_unknown() && self.doubts.remove(&order.id) {
                self.count("doubt decided");
            }
        }
    }

    /// What must hold after every step.
    async fn judge(&mut self) -> Result {
        let orders = self.orders().await?;
        if orders.len() != self.imported {
            return Err(format!("{} orders were imported, the store has {}", self.imported, orders.len()));
        }
        self.note_doubts(&orders);
        let references = words(self.observer.references().await)?;
        let mut by_order: HashMap<i64, Vec<(&str, i64)>> = HashMap::new();
        for used in &references {
            by_order.entry(used.order_id).or_default().push((&used.reference, used.billed));
        }
        let states: Vec<String> = orders.iter().map(|order| order.state.to_string()).collect();
        let ledger = self.network.ledger();
        let verdicts: Vec<String> = ledger.registrations.values().map(|held| verdict_name(held.verdict)).collect();
        let held = ledger.registrations.values().zip(&verdicts).map(|(held, verdict)| Held {
            id: &held.transaction_id,
            reference: &held.reference,
            amount: held.billed_amount,
            verdict,
            cancelled: held.cancelled,
            slip: held.shipment.as_ref().map(|shipment| shipment.slip.as_str()),
        });
        let nothing = AskedFor::default();
        let seen = orders.iter().zip(&states).map(|(order, state)| {
            let asked = self.asked.get(&order.id).unwrap_or(&nothing);
            let used = by_order.get(&order.id);
            let elsewhere = held_under(&ledger, order.reference()).filter(|_| asked.elsewhere);
            Seen {
                number: &order.number,
                state,
                references: used.into_iter().flatten().map(|(reference, _)| *reference).collect(),
                // A standing has no id: where nothing else was heard, none is known.
                transaction_id: order.transaction_id().or_else(|| elsewhere.map(|held| held.transaction_id.as_str())),
                amount: used.and_then(|used| used.last()).map_or(order.amounts.billed, |(_, billed)| *billed),
                slip: match elsewhere {
                    Some(held) => held.shipment.as_ref().map(|shipment| shipment.slip.as_str()),
                    None => order.tracking.as_ref().map(|tracking| tracking.number.as_str()),
                },
                asked_credits: asked.credits + usize::from(self.automatic),
                asked_cancels: asked.cancels.iter().map(String::as_str).collect(),
                asked_shipment: asked.shipment,
            }
        });
        let (seen, held): (Vec<_>, Vec<_>) = (seen.collect(), held.collect());
        match judge::always(&seen, &held).first() {
            Some(violation) => Err(violation.to_string()),
            None => Ok(()),
        }
    }

    /// Orders and ledger, for the independent checker.
    async fn final_state(&self) -> Result<Vec<serde_json::Value>> {
        let references = words(self.observer.references().await)?;
        let orders = self.orders().await?.into_iter().map(|order| {
            let used = references.iter().filter(|used| used.order_id == order.id);
            let asked = self.asked.get(&order.id);
            serde_json::json!({
                "kind": "order", "order": order.number, "state": order.state.to_string(),
                "references": used.map(|used| used.reference.as_str()).collect::<Vec<_>>(),
                "transaction_id": order.transaction_id(),
                "asked_cancel": asked.is_some_and(|asked| !asked.cancels.is_empty()),
                "asked_shipment": asked.is_some_and(|asked| asked.shipment),
                "tracked_elsewhere": asked.is_some_and(|asked| asked.elsewhere),
                "names_person": names_a_person(&order, &self.info),
            })
        });
        let ledger = self.network.ledger();
        let held = ledger.registrations.values().map(|held| {
            serde_json::json!({
                "kind": "registration", "id": held.transaction_id, "reference": held.reference,
                "amount": held.billed_amount, "verdict": verdict_name(held.verdict), "cancelled": held.cancelled,
                "slip": held.shipment.as_ref().map(|shipment| shipment.slip.as_str()),
            })
        });
        Ok(orders.chain(held).collect())
    }
}

fn location(folder: &Path) -> DatabaseLocation {
    let path: PathBuf = folder.join("orders.db");
    DatabaseLocation::new(&path.to_string_lossy())
}

fn file_of(kind: FileKind, text: String, correct: bool) -> FileImport {
    FileImport {
        mall: MALL.to_owned(),
        kind,
        encoding: None,
        correct,
        take: Vec::new(),
        preset: None,
        bytes: text.into_bytes(),
    }
}

const ORDER_HEADER: &str = "注文番号,注文日時,注文者氏名,注文者氏名カナ,注文者郵便番号,注文者都道府県,注文者市区町村,\
    注文者住所,注文者電話番号,注文者メールアドレス,合計金額,商品名,単価,数量,税率\n";

fn order_line(number: &str, amount: i64, digits: &str) -> String {
    let buyer = format!("見本 花子,ミホン ハナコ,1000001,東京都,千代田区,千代田1-1,03-0000-{digits},hanako@example.jp");
    format!("{number},2026/11/24 09:00:00,{buyer},{amount},茶碗,{amount},1,10\n")
}

/// Whether a batch has rows that wait, or that a process has taken and not ended.
async fn has_open_rows(store: &Store) -> Result<bool> {
    for batch in words(store.batches(i64::MAX).await)? {
        let progress = words(store.batch_progress(batch.id).await)?;
        if progress.waiting + progress.taken > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The state in which an order rests that is claimed now.
fn resting(state: State) -> &'static str {
    match state {
        State::CancellingApproved | State::Syncing | State::Approved => "approved",
        State::CancellingUnderReview | State::UnderReview => "under_review",
        State::CancellingOnHold | State::OnHold => "on_hold",
        State::CancellingAgain | State::CancelUnknown => "cancel_unknown",
        State::SyncingAgain | State::SyncUnknown => "sync_unknown",
        State::Unknown => "unknown",
        State::NotSent => "not_sent",
        State::Rejected => "rejected",
        State::Cancelled => "cancelled",
        State::Synced => "synced",
        _ => "not_asked",
    }
}

/// Whether the words with an order in doubt name a person's step: to record what was found at the provider.
fn names_a_person(order: &Order, info: &host::ProviderInfo) -> bool {
    let Some(issue) = &order.problem else { return false };
    let situation = Situation::of_order(order, Abilities::of(info));
    let (_, next) = what_and_next(issue, &situation, Lang::En);
    order.offers(Action::Decide) && next.contains(&format!("[{}]", Action::Decide.localized(Lang::En)))
}

/// Whether some row of an answer says that it is none.
fn has_failure(rows: &Rows) -> bool {
    match rows {
        Rows::Credit(rows) => rows.iter().any(|row| row.is_err()),
        Rows::Check(rows) => rows.iter().any(|row| row.is_err()),
        Rows::Done(rows) => rows.iter().any(|row| row.is_err()),
    }
}

/// What the rows of an answer say, each with the provider's id if it names one.
fn heard(rows: &Rows) -> Vec<(Heard, Option<String>)> {
    let failed = |failure: &host::Failure| match failure {
        host::Failure::OutcomeUnknown(_) => Heard::Lost,
        host::Failure::Already(_) => Heard::Already,
        host::Failure::Refused(_) => Heard::Refused,
        _ => Heard::NotDone,
    };
    let decided = |decision: &host::Decision| {
        let verdict = match decision.verdict {
            host::Verdict::Approved => Verdict::Approved,
            host::Verdict::Rejected(_) => Verdict::Rejected,
            host::Verdict::UnderReview => Verdict::UnderReview,
            host::Verdict::OnHold(_) => Verdict::OnHold,
            host::Verdict::Other(_) => Verdict::Other,
        };
        (Heard::Verdict(verdict), decision.transaction_id.clone())
    };
    match rows {
        Rows::Credit(rows) => {
            rows.iter().map(|row| row.as_ref().map_or_else(|failure| (failed(failure), None), decided)).collect()
        }
        Rows::Done(rows) => rows.iter().map(|row| (row.as_ref().map_or_else(failed, |()| Heard::Done), None)).collect(),
        Rows::Check(rows) => {
            let stands = |standing: &host::Standing| match standing {
                host::Standing::NotFound => (Heard::NotFound, None),
                host::Standing::Decided(decision) => decided(decision),
                host::Standing::Cancelled => (Heard::Cancelled, None),
                host::Standing::TrackingRegistered => (Heard::Shipped, None),
                host::Standing::Paid => (Heard::Paid, None),
                host::Standing::Other(_) => (Heard::Strange, None),
            };
            // A question that was not answered leaves everything as it was, whatever became of it.
            rows.iter().map(|row| row.as_ref().map_or((Heard::Lost, None), stands)).collect()
        }
    }
}

/// What the gateway holds under `reference`.
fn held_under<'a>(ledger: &'a Ledger, reference: &str) -> Option<&'a Registration> {
    ledger.registrations.values().rfind(|held| held.reference == reference)
}

/// Whether a tracking number can be entered on the gateway's own page.
fn takes_number(held: &Registration) -> bool {
    held.verdict == Approved && !held.cancelled && held.shipment.is_none()
}

fn verdict_name(verdict: gateways::verdicts::Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn fate_name(fate: &Fate) -> &'static str {
    match fate {
        Fate::Answered => "answered",
        Fate::Struck(..) => "struck",
        Fate::Lost => "lost",
        Fate::Refused => "refused",
        Fate::OtherId(_) => "answered with another order's id",
    }
}

/// The first word of what `Debug` says.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

fn name_of(step: &Step) -> String {
    variant(step)
}
