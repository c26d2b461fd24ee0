//! A batch of orders through the platform's own program, from outside: import, credit, its commits and its memory.

use crate::Effort;
use crate::measure::{fsync_in, load, memory_of};
use crate::native::{self, Pool};
use crate::report::{Curve, Figure, Section, Target, Unit};
use crate::samples;
use anyhow::{Context, Result};
use e2e::gateway::Gateway;
use e2e::platform::Platform;
use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Calls side by side.
const AT_ONCE: &str = "64";
/// Orders of a batch whose commits are counted: enough that those of starting and ending are few.
const COUNTED: usize = 500;
/// Orders that are credited one after another to count the commits of one click.
const CLICKS: usize = 50;
/// Orders in the long form.
const MANY: usize = 10_000;
/// How long the gateway of the long form takes.
const LATENCY_MS: &str = "100";
/// How long such a batch takes at least: orders, 64 at once, a tenth of a second each.
const IDEAL: f64 = MANY as f64 / 64.0 / 10.0;

/// What a command of the platform took.
#[derive(Debug, Clone, Copy)]
struct Took {
    time: Duration,
    memory: u64,
}

/// A platform with `orders` orders that were imported, and what importing them took.
struct Filled {
    platform: Platform,
    import: Took,
}

fn filled(folder: &Path, gateway: &Gateway, orders: usize) -> Result<Filled> {
    fill(Platform::new(folder, "en")?, gateway, orders)
}

fn fill(platform: Platform, gateway: &Gateway, orders: usize) -> Result<Filled> {
    platform.install(gateway)?;
    let settings = platform.settings("mall-atobarai-com.toml", gateway)?;
    platform.must(["mall", "set", "honten", &settings.to_string_lossy()])?;
    let file = platform.write("orders.csv", csv(orders))?;
    let import = run(platform.command(["orders", "import", "--mall", "honten", &file.to_string_lossy()])?)?;
    Ok(Filled { platform, import })
}

/// `orders` orders of invented people, each approved at once.
fn csv(orders: usize) -> String {
    let mut text = String::from(
        "注文番号,注文日時,注文者氏名,注文者氏名カナ,注文者会社名,注文者部署名,注文者郵便番号,注文者都道府県,注文者市区町村,\
         注文者住所,注文者電話番号,注文者メールアドレス,送付先氏名,送付先氏名カナ,送付先郵便番号,送付先都道府県,送付先市区町村,\
         送付先住所,送付先電話番号,商品名,単価,数量,税率,送料,決済手数料,合計金額,請求書,備考\n",
    );
    for n in 0..orders {
        let _ = writeln!(
            text,
            "B-{n:06},2026/11/20 10:07:00,見本 花子,ミホン ハナコ,,,106-0032,東京都,港区,六本木1-2-{},03-0000-1000,\
             buyer{n}@example.jp,,,,,,,,藍染手拭い,1320,2,10,550,0,3190,,",
            n % 9 + 1
        );
    }
    text
}

/// Runs a command of the platform to its end; it has to go well.
fn run(mut command: Command) -> Result<Took> {
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let (process, mut memory) = (child.id().to_string(), 0);
    // Read aside, or a program that says much would wait for a reader.
    let errors = child.stderr.take().map(|mut errors| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut errors, &mut text);
            text
        })
    });
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Gone between the two, if there is none.
        memory = memory_of(&process, "VmHWM").unwrap_or(memory);
        std::thread::sleep(Duration::from_millis(5));
    };
    let time = began.elapsed();
    let said = errors.and_then(|errors| errors.join().ok()).unwrap_or_default();
    anyhow::ensure!(status.success(), "{command:?} ended with {status}:\n{said}");
    Ok(Took { time, memory })
}

/// How often a command of the platform has its files written to the disk.
fn commits(command: &Command, folder: &Path) -> Result<u64> {
    let counts = folder.join("strace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-c", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o"]).arg(&counts);
    traced.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    run(traced).context("strace; `apt-get install strace`")?;
    let table = std::fs::read_to_string(&counts)?;
    let rows = table.lines().filter(|line| line.ends_with(" fsync") || line.ends_with(" fdatasync"));
    // % time, seconds, usecs/call, calls, [errors,] name
    rows.map(|row| Ok(row.split_whitespace().nth(3).context("no number of calls")?.parse::<u64>()?)).sum()
}

/// Commits for each of `orders` orders in one batch.
pub fn commits_of(folder: &Path, orders: usize) -> Result<f64> {
    let gateway = Gateway::start("atobarai-com", folder)?;
    counted_in(&folder.join("counted"), &gateway, orders)
}

fn counted_in(folder: &Path, gateway: &Gateway, orders: usize) -> Result<f64> {
    let Filled { platform, .. } = filled(folder, gateway, orders)?;
    Ok(commits(&credit(&platform)?, folder)? as f64 / orders as f64)
}

fn credit(platform: &Platform) -> Result<Command> {
    platform.command(["--concurrency", AT_ONCE, "credit", "--all"])
}

/// Commits of one click: those of `CLICKS` orders one after another, less those of a single one.
fn click(folder: &Path, gateway: &Gateway) -> Result<f64> {
    let counted = |orders: usize| {
        let folder = folder.join(format!("click-{orders}"));
        let Filled { platform, .. } = filled(&folder, gateway, orders)?;
        commits(&platform.command(["--concurrency", "1", "credit", "--all"])?, &folder)
    };
    Ok(counted(CLICKS + 1)?.saturating_sub(counted(1)?) as f64 / CLICKS as f64)
}

/// Credits that the gateway itself takes in a second, from native code.
async fn gateway_alone(gateway: &Gateway) -> Result<f64> {
    let address = gateway.origin.trim_start_matches("http://");
    let pool = Pool::new(address, None);
    let call = |n| native::credit(&pool, &gateway.base, samples::sdk_order(format!("G-{n}")));
    load(128, 64, call).await?;
    Ok(load(2_000, 64, |n| call(n + 128)).await?.rate)
}

/// Everything about a batch, on SQLite.
pub async fn section(folder: &Path, effort: Effort) -> Result<Section> {
    let gateway = Gateway::start("atobarai-com", folder)?;
    let fsync = fsync_in(folder)?.as_secs_f64();
    let alone = gateway_alone(&gateway).await?;
    let counted = counted_in(&folder.join("counted"), &gateway, COUNTED)?;
    let mut figures = vec![
        Figure::new("one fdatasync of a page", Unit::Time, fsync),
        Figure::new("credits that the simulated gateway takes, native code", Unit::Rate, alone),
        // Two commits, and now and then the log is brought into the file, which is two more.
        Figure::new("fsyncs of one click", Unit::Count, click(folder, &gateway)?).target(Target::AtMost(2.1)),
        Figure::new(format!("commits for each order, {COUNTED} in a batch, 64 at once"), Unit::Count, counted)
            .target(Target::AtMost(0.1)),
    ];
    let bound = alone.min(1.0 / (counted.max(f64::EPSILON) * fsync));
    let (mut imports, mut credits, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for &orders in effort.batches() {
        let folder = folder.join(format!("batch-{orders}"));
        let Filled { platform, import } = filled(&folder, &gateway, orders)?;
        let done = run(credit(&platform)?)?;
        let rate = |took: Took| orders as f64 / took.time.as_secs_f64();
        imports.push((orders as f64, rate(import)));
        credits.push((orders as f64, rate(done)));
        memory.push((orders as f64, done.memory as f64 / f64::from(1 << 20)));
        figures.push(Figure::new(format!("import of {orders} orders, whole command"), Unit::Rate, rate(import)));
        let figure = Figure::new(format!("credit of {orders} orders, whole command"), Unit::Rate, rate(done));
        let figure = figure.beside("the gateway's or the disk's own rate", bound);
        // Few orders are over before the program has started.
        figures.push(if orders >= 1_000 { figure.target(Target::RatioAtLeast(0.8)) } else { figure });
        figures.push(Figure::new(format!("most memory while {orders} are credited"), Unit::Bytes, done.memory as f64));
    }
    if effort == Effort::Long {
        figures.push(slow(Platform::new(&folder.join("slow"), "en")?)?);
    }
    let bounds = if counted * fsync > 1.0 / alone { "the disk" } else { "the gateway" };
    let says = format!(
        "What bounds it: {bounds}. {counted:.2} commits for an order, one after another, allow {:.0} orders in a second; the \
         gateway takes {alone:.0}.",
        1.0 / (counted.max(f64::EPSILON) * fsync)
    );
    Ok(Section {
        title: "The batch",
        how: "`host-demo` as an operator runs it, on SQLite in the folder of this run, against the simulated 後払い.com, which \
              checks and records everything and answers at once. Commits are `fsync` and `fdatasync` as `strace -f -c` counts them, \
              in a run of its own."
            .to_owned(),
        figures,
        curves: vec![
            Curve {
                file: "batch-rate",
                title: "Orders in a second by orders in a batch",
                x: "orders",
                y: "orders in a second, whole command",
                lines: vec![("credit", credits), ("import", imports)],
            },
            Curve {
                file: "batch-memory",
                title: "Most memory by orders in a batch",
                x: "orders",
                y: "MiB",
                lines: vec![("credit", memory)],
            },
        ],
        says: vec![says],
    })
}

/// 10,000 credits at a gateway that answers after a tenth of a second.
fn slow(platform: Platform) -> Result<Figure> {
    let gateway = Gateway::start_with("atobarai-com", platform.folder(), &["--latency-ms", LATENCY_MS])?;
    let Filled { platform, .. } = fill(platform, &gateway, MANY)?;
    let took = run(credit(&platform)?)?;
    let what = format!("{MANY} credits at a gateway that takes {LATENCY_MS} ms, 64 at once, whole command");
    Ok(Figure::new(what, Unit::Time, took.time.as_secs_f64()).beside("ideal", IDEAL).target(Target::RatioAtMost(1.1)))
}

/// How many processes of a platform share a batch.
const PROCESSES: [usize; 4] = [1, 2, 4, 8];
/// Far above what a shared batch takes; one that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// What `batch show --json` says that matters here.
#[derive(serde::Deserialize)]
struct Progress {
    waiting: usize,
    taken: usize,
    success: usize,
}

/// A process that works until it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long `processes` processes take for `orders` orders of a batch in the background.
fn shared(platform: Platform, gateway: &Gateway, orders: usize, processes: usize) -> Result<Duration> {
    let Filled { platform, .. } = fill(platform, gateway, orders)?;
    let batch = platform.must(["batch", "add", "credit", "--all"])?;
    let began = Instant::now();
    let work = || Ok(Worker(platform.command(["--concurrency", AT_ONCE, "work"])?.stdout(Stdio::null()).spawn()?));
    let _workers = (0..processes).map(|_| work()).collect::<Result<Vec<_>>>()?;
    loop {
        let progress: Progress = serde_json::from_str(&platform.must(["batch", "show", batch.trim(), "--json"])?)?;
        if progress.waiting + progress.taken == 0 {
            anyhow::ensure!(progress.success == orders, "{} of {orders} went well", progress.success);
            return Ok(began.elapsed());
        }
        anyhow::ensure!(began.elapsed() < PATIENCE, "{} rows are never done", progress.waiting + progress.taken);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The batch on PostgreSQL, by one process and by several.
pub fn on_postgresql(folder: &Path, effort: Effort) -> Result<Section> {
    let cluster = test_postgres::Cluster::start()?;
    let platform = |name: &str| Platform::on(cluster.database()?, &folder.join(name), "en");
    let gateway = Gateway::start("atobarai-com", folder)?;
    let orders = effort.pick(200, 4_000);
    let (mut rates, mut figures) = (Vec::new(), Vec::new());
    if effort == Effort::Long {
        figures.push(slow(platform("shared-slow")?)?);
    }
    let mut alone = None;
    for processes in PROCESSES {
        let took = shared(platform(&format!("shared-{processes}"))?, &gateway, orders, processes)?;
        let rate = orders as f64 / took.as_secs_f64();
        rates.push((processes as f64, rate));
        let figure = Figure::new(format!("batch of {orders} orders, processes: {processes}"), Unit::Rate, rate);
        figures.push(figure.beside("one process", *alone.get_or_insert(rate)));
    }
    let cores = std::thread::available_parallelism()?;
    Ok(Section {
        title: "The batch on PostgreSQL",
        how: "`host-demo` on a private PostgreSQL of this run: one command, and `host-demo work` in several processes that \
              share one batch in the background, from their start to the last row."
            .to_owned(),
        figures,
        curves: vec![Curve {
            file: "batch-processes",
            title: "Orders in a second by processes, one PostgreSQL",
            x: "processes",
            y: "orders in a second",
            lines: vec![("credit", rates)],
        }],
        says: vec![format!(
            "What bounds it: the {cores} cores here, which the processes, the database's server and the gateway share."
        )],
    })
}
