//! `host-demo work` as operators and service managers treat it: its plugins change, it is told to stop, its permissions
//! are taken away, and clocks of machines are wrong.

use e2e::gateway::Gateway;
use e2e::platform::{Platform, sample};
use e2e::reconcile::compare;
use e2e::relay::Relay;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use test_postgres::Cluster;

/// Far above what any step takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds before each answer: long enough that a signal comes while calls are under way.
const LATENCY: &str = "1500";
/// The in-flight window of the tests of clocks.
const WINDOW: Duration = Duration::from_secs(6);
/// How much longer than the window anything may be waited for, on a busy machine.
const REASON: Duration = Duration::from_secs(30);
/// Moves a process's clock, and puts it on another machine.
const CLOCK: &str = "HOST_DEMO_TEST_CLOCK";
/// The order that the tests of clocks are about.
const ORDER: &str = "G20261101-001";

/// `work`, with what it says; dropping it kills it.
struct Working {
    process: Child,
    said: Arc<Mutex<String>>,
}

impl Working {
    fn start(platform: &Platform) -> Self {
        let mut process = platform.command(["work"]).unwrap().stderr(Stdio::piped()).spawn().unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        let (lines, hears) = (BufReader::new(process.stderr.take().unwrap()).lines(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *hears.lock().unwrap() += &(line + "\n");
            }
        });
        Self { process, said }
    }

    fn wait_until_it_says(&self, words: &str) {
        let said = || self.said.lock().unwrap().clone();
        wait_until(&format!("it never says {words}"), || said().contains(words));
    }

    /// Sends a signal; how it ended.
    fn end(&mut self, signal: &str) -> Option<i32> {
        assert!(Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn wait_until(or: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{or}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn registered(gateway: &Gateway) -> usize {
    gateway.ledger().unwrap().registrations.len()
}

fn count(platform: &Platform, state: &str) -> usize {
    platform.orders().unwrap().iter().filter(|order| order.state == state).count()
}

fn state(platform: &Platform) -> String {
    platform.orders().unwrap().into_iter().find(|order| order.number == ORDER).unwrap().state
}

/// Makes a batch; its number.
fn credit(platform: &Platform, orders: &[&str]) -> String {
    let batch = platform.must(["batch", "add", "credit"].into_iter().chain(orders.iter().copied()).collect::<Vec<_>>());
    batch.unwrap().trim().to_owned()
}

fn shown(platform: &Platform, batch: &str) -> String {
    platform.must(["batch", "show", batch]).unwrap()
}

/// Whether these tests run under `nohup`, which the program inherits.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    u64::from_str_radix(ignored, 16).unwrap() & 1 == 1
}

#[test]
fn any_signal_to_stop_lets_calls_that_have_begun_come_to_their_end() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        if signal == "-HUP" && ignores_hangup() {
            println!("started so that it outlives its terminal, and so is the program: it does not stop at -HUP");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::new(folder.path(), "en").unwrap();
        let gateway = Gateway::start_with("atobarai-com", folder.path(), &["--latency-ms", LATENCY]).unwrap();
        platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();
        let batch = credit(&platform, &["--all"]);
        let mut working = Working::start(&platform);
        wait_until("nothing is sent", || registered(&gateway) > 0);
        assert!(count(&platform, "sending") > 0, "the signal is to come while calls are under way");
        assert_eq!(working.end(signal), Some(0), "{signal}: {}", working.said.lock().unwrap());

        let arrived = registered(&gateway);
        assert!(arrived < 44, "the batch was over before the signal");
        assert_eq!((count(&platform, "sending"), count(&platform, "unknown")), (0, 0), "{signal}");
        assert_eq!(count(&platform, "not_asked"), 44 - arrived, "what had not begun waits");
        assert!(shown(&platform, &batch).contains("Start `host-demo work`"), "{signal}");
        let rows = compare(&platform.orders().unwrap(), &[gateway.ledger().unwrap()]);
        let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }
}

#[test]
fn a_foreground_command_that_is_told_to_stop_ends_its_calls_and_begins_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start_with("atobarai-com", folder.path(), &["--latency-ms", LATENCY]).unwrap();
    platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();
    let credit = platform.command(["credit", "--all"]).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    wait_until("nothing is sent", || registered(&gateway) > 0);
    assert!(Command::new("kill").args(["-TERM", &credit.id().to_string()]).status().unwrap().success());
    let ended = credit.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "some were not done");
    assert!(String::from_utf8_lossy(&ended.stdout).contains("The program was ending before it came"));
    assert!(registered(&gateway) < 44, "it was over before the signal");
    assert_eq!((count(&platform, "sending"), count(&platform, "unknown")), (0, 0));
}

#[test]
fn a_grant_that_is_taken_away_holds_for_a_worker_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
    // It begins with an empty folder, and serves what comes.
    let working = Working::start(&platform);
    let component = platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();
    let batch = credit(&platform, &["G20261101-001", "G20261101-002"]);
    wait_until("a plugin that came later is not served", || registered(&gateway) == 2);
    wait_until("the batch does not end", || shown(&platform, &batch).contains("to do 0"));

    let permissions = component.with_extension("toml");
    let granted = std::fs::read_to_string(&permissions).unwrap();
    let withdrawn: Vec<&str> = granted.lines().filter(|line| !line.starts_with("origins")).collect();
    *working.said.lock().unwrap() = String::new();
    std::fs::write(&permissions, withdrawn.join("\n") + "\norigins = []\n").unwrap();
    working.wait_until_it_says("the plugin was replaced");
    let batch = credit(&platform, &["G20261101-003", "G20261101-004"]);
    wait_until("the batch does not end", || shown(&platform, &batch).contains("to do 0"));
    let said = platform.must(["orders", "show", "G20261101-003"]).unwrap();
    assert!(said.contains("was not granted") && said.contains("Nothing was sent"), "{said}");
    assert_eq!((registered(&gateway), count(&platform, "not_sent")), (2, 2), "nothing was sent");

    // Without a permission file a plugin is not loaded, so one that is removed withdraws it.
    std::fs::remove_file(&permissions).unwrap();
    working.wait_until_it_says("it is asked no more");
    let batch = credit(&platform, &["G20261101-003"]);
    wait_until("nobody says why it waits", || {
        shown(&platform, &batch).contains("No running process has loaded the plugin")
    });
    assert_eq!(registered(&gateway), 2);
    std::fs::write(&permissions, granted).unwrap();
    wait_until("a grant that is given back is not taken", || registered(&gateway) == 3);
}

/// A process on one of the two databases is killed while its request is on its way. What a process with another
/// clock then believes is up to `then`.
fn a_request_is_in_flight(database: impl FnOnce(&Path) -> String, then: impl FnOnce(&Platform, &Gateway, &Relay)) {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::on(database(folder.path()), folder.path(), "en").unwrap().settling(WINDOW);
    let mut gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
    let relay = Relay::to(&gateway.origin).unwrap();
    gateway.base = gateway.base.replace(&gateway.origin, &relay.origin);
    gateway.origin.clone_from(&relay.origin);
    platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();
    let mut sending = platform.command(["credit", ORDER]).unwrap().spawn().unwrap();
    relay.wait_until_held().unwrap();
    sending.kill().unwrap();
    sending.wait().unwrap();
    assert_eq!(registered(&gateway), 0, "the request has not arrived");
    then(&platform, &gateway, &relay);
}

fn with_clock(platform: &Platform, clock: &str, arguments: &[&str]) {
    let ended = platform.command(arguments.iter().copied()).unwrap().env(CLOCK, clock).output().unwrap();
    assert!(ended.status.code().is_some_and(|code| code <= 1), "{ended:?}");
}

fn on_sqlite(folder: &Path) -> String {
    folder.join("orders.db").to_string_lossy().into_owned()
}

fn on_postgresql(_: &Path) -> String {
    Cluster::shared().database().unwrap()
}

/// A clock that is ahead does not make "not found" true.
fn must_not_believe_early(clock: &str, database: fn(&Path) -> String) {
    a_request_is_in_flight(database, |platform, gateway, relay| {
        with_clock(platform, clock, &["check", ORDER]);
        assert_eq!(state(platform), "unknown", "{clock}: believed while the request is on its way");
        with_clock(platform, clock, &["decide", ORDER, "--nothing", "--note", "0件"]);
        with_clock(platform, clock, &["credit", ORDER]);
        assert_eq!(state(platform), "unknown", "{clock}: sent again");
        relay.deliver().unwrap();
        wait_until("the outcome stays unknown", || {
            with_clock(platform, clock, &["check", ORDER]);
            state(platform) == "approved"
        });
        let ledger = gateway.ledger().unwrap();
        assert_eq!(ledger.registrations.values().filter(|registration| registration.is_live()).count(), 1, "{clock}");
    });
}

/// A clock that is behind, or cannot be compared, does not make anybody wait for ever, nor believe early.
fn must_believe_in_time(clock: &str, database: fn(&Path) -> String) {
    a_request_is_in_flight(database, |platform, _, relay| {
        let killed = Instant::now();
        relay.lose().unwrap();
        while state(platform) != "not_sent" {
            with_clock(platform, clock, &["check", ORDER]);
            assert!(killed.elapsed() < WINDOW + REASON, "{clock}: waited for without end");
        }
        // It was sent a moment before the process was killed.
        let least = WINDOW - Duration::from_secs(1);
        assert!(killed.elapsed() > least, "{clock}: believed after {:?}", killed.elapsed());
    });
}

#[test]
fn a_clock_that_is_ahead_believes_nothing_early() {
    // The same machine after its clock was set, and another machine.
    must_not_believe_early("180", on_sqlite);
    must_not_believe_early("180", on_postgresql);
    must_not_believe_early("180@another", on_postgresql);
}

#[test]
fn a_clock_that_is_behind_or_another_waits_no_longer_than_it_has_to() {
    must_believe_in_time("-3600", on_sqlite);
    must_believe_in_time("-3600", on_postgresql);
    must_believe_in_time("-3600@another", on_postgresql);
    // The machine restarted: how long ago it was sent is not known.
    must_believe_in_time("0@restarted", on_sqlite);
}
