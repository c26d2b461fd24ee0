//! Processes of the platform that are killed: at each crash point, and at any moment.

use anyhow::{Context, Result, bail, ensure};
use domain::crash_point::{CrashPoint, VARIABLE};
use e2e::gateway::{Gateway, Ledger};
use e2e::platform::{Order, Platform, SETTLE};
use e2e::reconcile::compare;
use model::judge::{self, Held, Seen};
use serde_json::{Value, json};
use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use test_postgres::Cluster;

/// Orders of a batch in which a process is killed.
pub const ORDERS: usize = 100;
/// Groups of writes after which a process is killed within one: a batch of this size has several times as many, however
/// its calls fall together.
const GROUPS: usize = 3;
/// Far above what a batch takes on a machine that does other work as well; one that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(900);
/// Rounds of questions and sending after which nothing may be in doubt or unsent: two for what is in doubt, one for what
/// is sent then. In rounds and not in seconds, for how long a round takes is the machine's.
const ROUNDS: usize = 10;
/// The gateway takes this long to answer, so that kills meet requests on their way.
const LATENCY_MS: &str = "60";
/// Kills at random moments at one site: what is compared order by order, again and again, grows with them.
pub const KILLS_OF_A_SITE: usize = 100;
/// After how many kills at random moments store and ledger are compared order by order.
const KILLS_BETWEEN_LOOKS: usize = 25;
/// A process is killed within so many milliseconds of its start, which is long enough for it to start, to recover what
/// others left, and to send.
const KILLED_WITHIN_MS: u64 = 900;

/// Calls side by side in a process that is killed at a random moment: few, so that a thousand kills need no more orders
/// than can be compared one by one.
const CONCURRENCY: &str = "3";
/// After how many kills it is looked whether there is still work.
const KILLS_BETWEEN_ORDERS: usize = 4;

/// The platform's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A private server.
    Postgres,
}

/// A platform with one mall, and its gateway.
pub struct Site {
    folder: tempfile::TempDir,
    platform: Platform,
    gateway: Gateway,
    imported: usize,
}

/// What came of kills at random moments.
#[derive(Debug, Default, Clone, Copy)]
pub struct Kills {
    /// Processes that were killed.
    pub kills: usize,
    /// Of them those that left orders in doubt.
    pub in_a_call: usize,
    /// Orders that were registered meanwhile.
    pub orders: usize,
}

impl std::ops::AddAssign for Kills {
    fn add_assign(&mut self, more: Self) {
        self.kills += more.kills;
        self.in_a_call += more.in_a_call;
        self.orders += more.orders;
    }
}

impl Site {
    /// A new one on `database`.
    pub fn start(database: Database) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let platform = match database {
            Database::Sqlite => Platform::new(folder.path(), "en")?,
            Database::Postgres => Platform::on(Cluster::shared().database()?, folder.path(), "en")?,
        };
        let gateway = Gateway::start_with("atobarai-com", folder.path(), &["--latency-ms", LATENCY_MS])?;
        platform.install(&gateway)?;
        let settings = platform.settings("mall-atobarai-com.toml", &gateway)?;
        platform.must(["mall", "set", "honten", &settings.to_string_lossy()])?;
        Ok(Self { folder, platform, gateway, imported: 0 })
    }

    /// Takes `count` new orders in.
    fn import(&mut self, count: usize) -> Result<()> {
        let mut text = "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,\
            注文者電話番号,注文者メールアドレス,合計金額,商品名,単価,数量\n"
            .to_owned();
        for _ in 0..count {
            self.imported += 1;
            let (number, amount) = (self.imported, 1_000 + self.imported % 7_000);
            let buyer = "見本 花子,1000001,東京都,千代田区,千代田1-1,03-0000-5000,hanako@example.jp";
            writeln!(text, "K-{number:06},2026/07/01 10:00,{buyer},{amount},茶碗,{amount},1")?;
        }
        let file = self.platform.write("orders.csv", text)?;
        self.platform.must(["orders", "import", "--mall", "honten", &file.to_string_lossy()])?;
        Ok(())
    }

    /// Kills a process at `point` in a batch of [`ORDERS`] orders, lets others recover, and compares.
    pub fn kill_at(&mut self, point: CrashPoint) -> Result<()> {
        self.import(ORDERS)?;
        match point {
            CrashPoint::RowsTaken => {
                self.platform.must(["batch", "add", "credit", "--all"])?;
                self.must_end_at(point, 1, &["work"])?;
                self.work_off_the_batches()?;
            }
            CrashPoint::Recovering => {
                self.must_end_at(CrashPoint::ClaimCommitted, ORDERS / 3, &["credit", "--all"])?;
                self.must_end_at(point, 1, &["orders", "list"])?;
            }
            // Each group of writes comes to it.
            CrashPoint::ClaimWritten | CrashPoint::HealthNoted | CrashPoint::ResultWritten => {
                self.must_end_at(point, GROUPS, &["credit", "--all"])?;
            }
            // Each of the calls comes to it: in the middle of the batch.
            CrashPoint::CallBegins
            | CrashPoint::ClaimCommitted
            | CrashPoint::ResponseReceived
            | CrashPoint::ResultCommitted => self.must_end_at(point, ORDERS / 3, &["credit", "--all"])?,
            // Once in a run.
            CrashPoint::OrdersRead | CrashPoint::RowsEnded | CrashPoint::ResultReady => {
                self.must_end_at(point, 1, &["credit", "--all"])?;
            }
        }
        self.must_agree_at_once()?;
        self.settle()
    }

    /// Runs a command that has to be killed at this very point.
    fn must_end_at(&self, point: CrashPoint, nth: usize, arguments: &[&str]) -> Result<()> {
        let mut command = self.platform.command(arguments.iter().copied())?;
        let ended = command.env(VARIABLE, format!("{point}:{nth}")).output()?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.signal() == Some(9) && said.contains(&format!("killed at {point}")),
            "{arguments:?} was not killed at {point} but ended with {}: {said}",
            ended.status
        );
        Ok(())
    }

    fn worker(&self) -> Result<Child> {
        let mut command = self.platform.command(["--concurrency", CONCURRENCY, "work"])?;
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start a worker")
    }

    fn work_off_the_batches(&self) -> Result<()> {
        let mut worker = self.worker()?;
        let ended = self.until("a batch is not worked off", || {
            let orders = self.platform.orders()?;
            Ok(orders.iter().all(|order| !matches!(order.state.as_str(), "not_asked" | "sending")))
        });
        worker.kill()?;
        worker.wait()?;
        ended
    }

    fn until(&self, what: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !done()? {
            ensure!(began.elapsed() < PATIENCE, "{what} after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What holds at every moment, whatever is in doubt.
    fn must_agree_at_once(&self) -> Result<()> {
        let orders = self.platform.orders()?;
        // After the orders: what the ledger has more than they know is what they are in doubt about.
        let ledger = self.gateway.ledger()?;
        ensure!(
            orders.len() == self.imported,
            "{} orders were imported, the store has {}",
            self.imported,
            orders.len()
        );
        match judge::always(&seen(&orders), &held(&ledger)).first() {
            Some(violation) => bail!("{violation}"),
            None => Ok(()),
        }
    }

    /// Asks until nothing is in doubt, sends what was never sent, and compares order by order.
    pub fn settle(&self) -> Result<()> {
        for round in 0.. {
            let orders = self.platform.orders()?;
            let those = |states: &[&str]| -> Vec<String> {
                let those = orders.iter().filter(|order| states.contains(&order.state.as_str()));
                those.map(|order| format!("{} {}", order.number, order.state)).collect()
            };
            let (in_doubt, unsent) = (those(&["unknown"]), those(&["not_asked", "not_sent"]));
            match (in_doubt.is_empty(), unsent.is_empty()) {
                (true, true) => break,
                _ if round == ROUNDS => bail!("after {ROUNDS} rounds in doubt: {in_doubt:?}, unsent: {unsent:?}"),
                (true, false) => drop(self.platform.must(["credit", "--all"])?),
                (false, _) => {
                    std::thread::sleep(SETTLE);
                    self.platform.must(["check", "--all"])?;
                }
            }
        }
        self.must_agree_at_once()?;
        let rows = compare(&self.platform.orders()?, &[self.gateway.ledger()?]);
        match rows.iter().find(|row| !row.differences.is_empty()) {
            Some(row) => bail!("{}, {}: {}", row.number, row.state, row.differences.join(", ")),
            None => Ok(()),
        }
    }

    /// Kills `kills` processes at random moments, two at work at a time, and compares now and then.
    pub fn kill_at_random(&mut self, kills: usize, seed: u64) -> Result<Kills> {
        let (mut random, mut done) = (fastrand::Rng::with_seed(seed), Kills::default());
        let mut beside = self.worker()?;
        while done.kills < kills {
            if done.kills.is_multiple_of(KILLS_BETWEEN_ORDERS) && self.is_idle()? {
                self.import(2 * ORDERS)?;
                self.platform.must(["batch", "add", "credit", "--all"])?;
            }
            let mut worker = self.worker()?;
            std::thread::sleep(Duration::from_millis(random.u64(..KILLED_WITHIN_MS)));
            // Whichever of the two: one that has just started, or one that is in the middle of its work.
            if random.bool() {
                std::mem::swap(&mut beside, &mut worker);
            }
            ensure!(worker.try_wait()?.is_none(), "a worker ended by itself");
            worker.kill()?;
            ensure!(worker.wait()?.signal() == Some(9), "a worker was not killed");
            done.kills += 1;
            if done.kills.is_multiple_of(KILLS_BETWEEN_LOOKS) {
                beside.kill()?;
                beside.wait()?;
                let orders = self.platform.orders()?;
                done.in_a_call += orders.iter().filter(|order| order.state == "unknown").count();
                self.must_agree_at_once()?;
                self.settle()?;
                beside = self.worker()?;
            }
        }
        beside.kill()?;
        beside.wait()?;
        done.in_a_call += self.platform.orders()?.iter().filter(|order| order.state == "unknown").count();
        self.must_agree_at_once()?;
        self.settle()?;
        done.orders = self.gateway.ledger()?.registrations.len();
        Ok(done)
    }

    fn is_idle(&self) -> Result<bool> {
        Ok(self.gateway.ledger()?.registrations.len() + ORDERS >= self.imported)
    }

    /// Orders and ledger, for the independent checker.
    pub fn history(&self) -> Result<Vec<Value>> {
        let orders = self.platform.orders()?.into_iter().map(|order| {
            json!({
                "kind": "order", "order": order.number, "state": order.state, "references": order.references,
                "transaction_id": order.transaction_id, "asked_cancel": false, "asked_shipment": false,
                "tracked_elsewhere": false, "names_person": false,
            })
        });
        let ledger = self.gateway.ledger()?;
        let held = ledger.registrations.values().map(|held| {
            json!({
                "kind": "registration", "id": held.transaction_id, "reference": held.reference,
                "amount": held.billed_amount, "verdict": held.verdict, "cancelled": held.cancelled,
                "slip": held.shipment.as_ref().map(|shipment| shipment.slip.as_str()),
            })
        });
        Ok(orders.chain(held).collect())
    }

    /// The folder of its files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

fn seen(orders: &[Order]) -> Vec<Seen<'_>> {
    orders.iter().map(seen_one).collect()
}

fn seen_one(order: &Order) -> Seen<'_> {
    Seen {
        number: &order.number,
        state: &order.state,
        references: order.references.iter().map(String::as_str).collect(),
        transaction_id: order.transaction_id.as_deref(),
        amount: order.billed,
        slip: order.tracking_number.as_deref(),
        // Each run asks for all that can be asked for.
        asked_credits: usize::MAX,
        asked_cancels: Vec::new(),
        asked_shipment: false,
    }
}

fn held(ledger: &Ledger) -> Vec<Held<'_>> {
    let held = ledger.registrations.values().map(|held| Held {
        id: &held.transaction_id,
        reference: &held.reference,
        amount: held.billed_amount,
        verdict: &held.verdict,
        cancelled: held.cancelled,
        slip: held.shipment.as_ref().map(|shipment| shipment.slip.as_str()),
    });
    held.collect()
}
