//! What happens in a day, and how a seed becomes one.

use super::points::{DatabaseFault, HOLDABLE};
use domain::crash_point::CrashPoint;
use domain::credit_state::Action;
use gateways::Fault;
use gateways::faults::FAULTS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray;

/// The providers whose gateways are simulated.
pub const PROVIDERS: [&str; 5] = ["atobarai-com", "np", "atodene", "score", "kuroneko"];

/// The platform's processes.
pub const PROCESSES: usize = 2;

/// The names of all steps, as `Debug` has them.
pub const NAMES: [&str; 28] = [
    "Import",
    "Correct",
    "Act",
    "Batch",
    "Work",
    "Automation",
    "Track",
    "TrackElsewhere",
    "Decide",
    "SwitchCsv",
    "ResultsIn",
    "ResultsOut",
    "Deliver",
    "Strike",
    "Lose",
    "Refuse",
    "Crash",
    "CrashAt",
    "Pass",
    "SetClock",
    "Reboot",
    "HoldAt",
    "Release",
    "Race",
    "Database",
    "LoseLease",
    "Skew",
    "OtherId",
];

/// At what two operations race each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Race {
    /// Both have read the same orders, and claim them.
    Claim,
    /// Both have heard about orders of their own, and write it; the second was told the first's transaction id.
    Result,
}

/// One thing that happens. Orders and calls are named by any number: it is taken modulo how many there are, so that
/// every list of steps is a day, and a part of a day is one too.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are what their names say, by the numbers that the variant explains")]
pub enum Step {
    /// A file of orders comes in; each buyer's telephone number ends with one of [`DIGITS`].
    Import { process: usize, digits: Vec<usize> },
    /// A file with another amount for an order comes in.
    Correct { process: usize, order: usize },
    /// An operator acts on orders and waits for the result.
    Act { process: usize, action: Action, orders: Vec<usize> },
    /// An operator gives orders to a batch.
    Batch { process: usize, action: Action, orders: Vec<usize> },
    /// A process does what batches have.
    Work { process: usize },
    /// A process does what is due by itself.
    Automation { process: usize },
    /// A tracking number is entered.
    Track { process: usize, order: usize },
    /// Somebody enters another tracking number on the provider's own page.
    TrackElsewhere { order: usize },
    /// An operator looks at the provider's page and records what is there.
    Decide { process: usize, order: usize },
    /// The mall's results come by CSV from now on, or no longer.
    SwitchCsv { process: usize, on: bool },
    /// A file of results comes in.
    ResultsIn { process: usize, order: usize, result: usize },
    /// A file of results is written.
    ResultsOut { process: usize },
    /// A call on its way arrives and is answered.
    Deliver { call: usize },
    /// A fault strikes it.
    Strike { call: usize, fault: Fault, nth: usize },
    /// It never arrives.
    Lose { call: usize },
    /// There is no connection.
    Refuse { call: usize },
    /// A process is killed, whatever it does.
    Crash { process: usize },
    /// The next run that comes to this point, for the nth time, is killed there.
    CrashAt { point: CrashPoint, nth: usize },
    /// Seconds pass.
    Pass { seconds: u32 },
    /// The machine's clock is set.
    SetClock { seconds: i64 },
    /// The machine starts anew.
    Reboot,
    /// The next run that comes to this point, for the nth time, is held there, while others go on.
    HoldAt { point: CrashPoint, nth: usize },
    /// A run that is held goes on.
    Release { held: usize },
    /// Two runs, of one process or of two, come to the same point and then go on side by side.
    Race { processes: [usize; 2], action: Action, orders: Vec<usize>, race: Race },
    /// The connection to the database breaks in the next statement or transaction of a run, or its disk is slow.
    Database { fault: DatabaseFault },
    /// A process loses the connection that holds its lock: it goes on, and counts as dead to others.
    LoseLease { process: usize },
    /// The wall clock of a process is wrong from now on.
    Skew { process: usize, seconds: i64 },
    /// A call on its way arrives, and its answer names the transaction id of another order.
    OtherId { call: usize, order: usize },
}

/// Ends of telephone numbers: an ordinary one, and all that the simulators' table knows.
pub const DIGITS: [&str; 9] = ["1234", "9001", "9002", "9003", "9004", "9005", "9006", "9007", "9008"];

/// Results as files have them.
pub const RESULTS: [&str; 5] = ["OK", "NG", "審査中", "保留", "キャンセル済"];

/// A day of one shop.
#[derive(Debug, Clone)]
pub struct Day {
    /// The index of the mall's provider in [`PROVIDERS`].
    pub provider: usize,
    /// Credit and tracking numbers go out by themselves.
    pub automatic: bool,
    /// Orders in one request.
    pub rows_per_request: u32,
    /// Somebody looks at the provider's page when the faults are over, and records what is there. Where nobody does,
    /// what is in doubt has to name a person as the next step.
    pub attended: bool,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

fn process() -> impl Strategy<Value = usize> {
    0..PROCESSES
}

fn orders() -> impl Strategy<Value = Vec<usize>> {
    vec(0..64usize, 1..6)
}

fn action() -> impl Strategy<Value = Action> {
    select(vec![Action::Credit, Action::Credit, Action::Credit, Action::Check, Action::Cancel, Action::Sync])
}

/// Those below the command line.
fn crash_point() -> impl Strategy<Value = CrashPoint> {
    let all = CrashPoint::VARIANTS.iter().copied().filter(|point| *point != CrashPoint::ResultReady);
    select(all.collect::<Vec<_>>())
}

/// Actions that claim their orders.
fn claiming() -> impl Strategy<Value = Action> {
    select(vec![Action::Credit, Action::Credit, Action::Cancel, Action::Sync])
}

fn database_fault() -> impl Strategy<Value = DatabaseFault> {
    let slow = select(vec![1u32, 5, 12, 30]).prop_map(DatabaseFault::SlowCommit);
    let broken = select(vec![DatabaseFault::Unreachable, DatabaseFault::CommitLost, DatabaseFault::CommitAnswerLost]);
    // An operation has up to some forty statements.
    let lost = (0..40usize).prop_map(DatabaseFault::StatementLost);
    prop_oneof![3 => broken, 2 => lost, 1 => slow]
}

/// Every fault of the plan; more often those that only some providers' answers can show.
fn fault() -> impl Strategy<Value = Fault> {
    let all = FAULTS.iter().map(|info| info.fault);
    let rare = [Fault::OtherAmount; 8].into_iter().chain([Fault::WrongCharset, Fault::OtherReference]);
    select(all.chain(rare).collect::<Vec<_>>())
}

fn step() -> impl Strategy<Value = Step> {
    let digits = vec(prop_oneof![3 => Just(0usize), 4 => 1..DIGITS.len()], 1..5);
    prop_oneof![
        3 => (process(), digits).prop_map(|(process, digits)| Step::Import { process, digits }),
        1 => (process(), 0..64usize).prop_map(|(process, order)| Step::Correct { process, order }),
        8 => (process(), action(), orders()).prop_map(|(process, action, orders)| Step::Act { process, action, orders }),
        3 => (process(), action(), orders()).prop_map(|(process, action, orders)| Step::Batch { process, action, orders }),
        4 => process().prop_map(|process| Step::Work { process }),
        2 => process().prop_map(|process| Step::Automation { process }),
        3 => (process(), 0..64usize).prop_map(|(process, order)| Step::Track { process, order }),
        1 => (0..64usize).prop_map(|order| Step::TrackElsewhere { order }),
        3 => (process(), 0..64usize).prop_map(|(process, order)| Step::Decide { process, order }),
        1 => (process(), prop_oneof![1 => Just(true), 3 => Just(false)])
            .prop_map(|(process, on)| Step::SwitchCsv { process, on }),
        1 => (process(), 0..64usize, 0..RESULTS.len())
            .prop_map(|(process, order, result)| Step::ResultsIn { process, order, result }),
        1 => process().prop_map(|process| Step::ResultsOut { process }),
        14 => (0..8usize).prop_map(|call| Step::Deliver { call }),
        9 => (0..8usize, fault(), prop_oneof![5 => Just(0usize), 1 => Just(1usize)])
            .prop_map(|(call, fault, nth)| Step::Strike { call, fault, nth }),
        2 => (0..8usize).prop_map(|call| Step::Lose { call }),
        1 => (0..8usize).prop_map(|call| Step::Refuse { call }),
        2 => process().prop_map(|process| Step::Crash { process }),
        3 => (crash_point(), 1..4usize).prop_map(|(point, nth)| Step::CrashAt { point, nth }),
        1 => Just(Step::CrashAt { point: CrashPoint::Recovering, nth: 1 }),
        5 => select(vec![1u32, 20, 41, 90, 125, 600, 3_600]).prop_map(|seconds| Step::Pass { seconds }),
        1 => select(vec![-7_200i64, -90, 90, 7_200]).prop_map(|seconds| Step::SetClock { seconds }),
        1 => Just(Step::Reboot),
        4 => (select(&HOLDABLE[..]), 1..3usize).prop_map(|(point, nth)| Step::HoldAt { point, nth }),
        4 => (0..4usize).prop_map(|held| Step::Release { held }),
        3 => (process(), process(), claiming(), orders(), select(vec![Race::Claim, Race::Result])).prop_map(
            |(first, second, action, orders, race)| Step::Race { processes: [first, second], action, orders, race }
        ),
        3 => database_fault().prop_map(|fault| Step::Database { fault }),
        1 => process().prop_map(|process| Step::LoseLease { process }),
        1 => (process(), select(vec![-5_400i64, -40, 0, 40, 5_400]))
            .prop_map(|(process, seconds)| Step::Skew { process, seconds }),
        1 => (0..8usize, 0..64usize).prop_map(|(call, order)| Step::OtherId { call, order }),
    ]
}

/// Days of at most so many steps.
pub fn day(steps: usize) -> impl Strategy<Value = Day> {
    let rows = select(vec![1u32, 3, 50]);
    // From one step on: what is generated is never made smaller than that.
    (0..PROVIDERS.len(), any::<bool>(), rows, any::<bool>(), vec(step(), 1..=steps)).prop_map(
        |(provider, automatic, rows_per_request, attended, steps)| Day {
            provider,
            automatic,
            rows_per_request,
            attended,
            steps,
        },
    )
}
