//! Where secrets and personal data are after processes were killed in their work, gateways failed and everything was
//! logged: all that they wrote and said is searched for values that stand nowhere else. The same for simulated days and
//! for the page that is made of them.

use domain::crash_point::{CrashPoint, VARIABLE};
use e2e::gateway::Gateway;
use e2e::platform::{Platform, SETTLE};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};
use torture::report::{Days as OfDays, Page};
use torture::sim::run::{Days, Plan, run};

/// Far above what any step takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);
/// The providers whose accounts have a secret, and the one that their simulators know.
const SECRETS: [(&str, &str); 4] =
    [("np", "sp9900001"), ("atodene", "link-pass-01"), ("score", "shop-pass-01"), ("kuroneko", "mihon123")];
/// One that the gateway refuses.
const WRONG: &str = "machiga1";
/// A buyer, of whom every value is a mark: as it is written in a file, and as it is kept.
const BUYER: [&str; 8] = [
    "標本 秘子",
    "ヒョウホン ヒメコ",
    "内緒町9-87-6",
    "03-0000-7612",
    "0300007612",
    "himeko-hyohon",
    "標本商事内密部",
    "himitsu-memo-55",
];
/// The people of the simulated days.
const SIMULATED: [&str; 5] = ["見本 花子", "ミホン ハナコ", "千代田1-1", "03-0000-", "hanako@"];
/// Orders of a mall.
const ORDERS: usize = 30;
/// Points at which a process is killed when it comes there first.
const KILLS: [CrashPoint; 5] = [
    CrashPoint::RowsTaken,
    CrashPoint::ClaimWritten,
    CrashPoint::ClaimCommitted,
    CrashPoint::ResponseReceived,
    CrashPoint::ResultWritten,
];
/// Few orders in a request and one request at a time, so that each kill leaves orders for the next.
const ROWS: &str = "rows-per-request = 2\n";
const WORK: [&str; 3] = ["--concurrency", "1", "work"];
/// What a gateway does meanwhile.
const FAULTS: [&str; 3] = ["drop-answer:nth=1", "http-500:nth=3", "cut-body:nth=5"];

/// Everything that processes of a platform said.
struct Said {
    platform: Platform,
    /// Of the process that runs.
    log: PathBuf,
    text: String,
}

impl Said {
    /// A process that logs all it can, and that dies at `point`, if one is given.
    fn start(&self, arguments: &[&str], point: Option<CrashPoint>) -> Child {
        let (stdout, mut command) =
            (File::create(&self.log).unwrap(), self.platform.command(arguments.iter().copied()).unwrap());
        let stderr = stdout.try_clone().unwrap();
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").stdout(stdout).stderr(stderr);
        command.envs(point.map(|point| (VARIABLE, format!("{point}:1")))).spawn().unwrap()
    }

    /// What the process has said that ended.
    fn keep(&mut self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap();
        self.text += &said;
        said
    }

    /// Runs a command to its end, at `point`, if one is given.
    fn run(&mut self, arguments: &[&str], point: Option<CrashPoint>) {
        let (mut process, began) = (self.start(arguments, point), Instant::now());
        while process.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE {
                process.kill().unwrap();
                panic!("{arguments:?} does not end at {point:?}: {}", self.keep());
            }
            std::thread::sleep(LOOK);
        }
        let (signal, said) = (process.wait().unwrap().signal(), self.keep());
        assert_eq!(signal, point.map(|_| 9), "{arguments:?} at {point:?}: {said}");
        assert!(point.is_none_or(|point| said.contains(&format!("killed at {point}"))), "{point:?}: {said}");
    }

    /// Has a worker do what batches have, until nothing waits to be sent.
    fn work(&mut self) {
        let (mut worker, began) = (self.start(&WORK, None), Instant::now());
        let is_done = || self.orders_in(&["not_asked", "not_sent", "sending"]) == 0 || began.elapsed() > PATIENCE;
        while !is_done() {
            std::thread::sleep(LOOK);
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
        let logged = self.keep();
        assert!(began.elapsed() <= PATIENCE && logged.len() > 1_000, "{logged}");
    }

    fn orders_in(&self, states: &[&str]) -> usize {
        let orders = self.platform.orders().unwrap();
        orders.iter().filter(|order| states.contains(&order.state.as_str())).count()
    }
}

/// A file of [`ORDERS`] orders of the buyer, and of one that cannot be read.
fn orders() -> String {
    let [name, kana, street, phone, _, email, company, note] = BUYER;
    let mut text =
        "注文番号,注文日時,注文者氏名,注文者氏名カナ,注文者会社名,注文者郵便番号,注文者都道府県,注文者市区町村,\
        注文者住所,注文者電話番号,注文者メールアドレス,備考,合計金額,商品名,単価,数量\n"
            .to_owned();
    for number in 0..=ORDERS {
        let amount = if number == ORDERS { "12x0" } else { "1200" };
        text += &format!(
            "M-{number},2026/11/24 10:00,{name},{kana},{company},1000001,東京都,千代田区,{street},{phone},\
             {email}@example.jp,{note},{amount},茶碗,{amount},1\n"
        );
    }
    text
}

/// Files below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, written): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    written.into_iter().chain(folders.iter().flat_map(|folder| files(folder))).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Kills processes of a platform at `provider` until all orders are decided, and searches what was written and said.
fn kill_and_search(provider: &str, secret: &str) {
    let (folder, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start(provider, beside.path()).unwrap();
    let platform = Platform::new(folder.path(), "ja").unwrap();
    platform.install(&gateway).unwrap();
    let settings = platform.settings(&format!("mall-{provider}.toml"), &gateway).unwrap();
    let right = ROWS.to_owned() + &std::fs::read_to_string(&settings).unwrap();
    assert!(right.contains(secret), "{provider} has another secret");
    let wrong = beside.path().join("wrong.toml");
    std::fs::write(&wrong, right.replace(secret, WRONG)).unwrap();
    // What the operator gave is not what the platform wrote.
    std::fs::remove_file(settings).unwrap();
    let given = beside.path().join("right.toml");
    std::fs::write(&given, &right).unwrap();
    let file = beside.path().join("orders.csv");
    std::fs::write(&file, orders()).unwrap();

    let mut said = Said { platform, log: beside.path().join("said"), text: String::new() };
    said.run(&["mall", "set", "honten", &wrong.to_string_lossy()], None);
    said.run(&["orders", "import", "--mall", "honten", &file.to_string_lossy()], None);
    assert_eq!(said.platform.orders().unwrap().len(), ORDERS, "{}", said.text);
    said.run(&["credit", "M-0"], None);
    said.run(&["mall", "set", "honten", &given.to_string_lossy()], None);
    for point in KILLS {
        said.run(&["batch", "add", "credit", "--all"], None);
        said.run(&WORK, Some(point));
    }
    FAULTS.iter().for_each(|fault| gateway.plan(fault).unwrap());
    let began = Instant::now();
    while said.orders_in(&["not_asked", "not_sent", "sending"]) > 0 {
        assert!(began.elapsed() < PATIENCE, "{provider}: {}", said.text);
        said.run(&["batch", "add", "credit", "--all"], None);
        said.work();
    }
    std::thread::sleep(SETTLE);
    said.run(&["check", "--all"], None);
    let hits: usize = gateway.plans().unwrap().iter().map(|plan| plan.hits).sum();
    assert!(hits >= 2, "{provider}: too few faults happened: {:?}", gateway.plans().unwrap());

    let marks = BUYER.iter().chain([&secret, &WRONG]);
    for mark in marks.clone() {
        let line = said.text.lines().find(|line| line.contains(mark));
        assert_eq!(line, None, "{provider}: {mark} was said");
    }
    let mut people = 0;
    for file in files(folder.path()) {
        // A component is what was there before.
        if file.extension().is_some_and(|extension| extension == "wasm") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        let is_database = file.file_name().unwrap().to_string_lossy().starts_with("orders.db");
        for mark in marks.clone() {
            let may_be = is_database && BUYER.contains(mark);
            people += usize::from(may_be && holds(&bytes, mark));
            assert!(may_be || !holds(&bytes, mark), "{provider}: {mark} is in {}", file.display());
        }
    }
    assert!(people > 0, "the search finds nobody in the database either");
}

#[test]
fn processes_that_are_killed_leave_secrets_nowhere_and_people_in_their_orders() {
    std::thread::scope(|scope| {
        let searched = SECRETS.map(|(provider, secret)| scope.spawn(move || kill_and_search(provider, secret)));
        searched.into_iter().for_each(|searched| searched.join().unwrap());
    });
}

#[test]
fn simulated_days_and_their_page_name_nobody_and_no_secret() {
    let (first, days) = (20_261_126, 40);
    let plan = Plan { first, days, twice_every: 10, threads: 2, keep_histories: true, made_smaller: false };
    let summary = run(&plan);
    assert_eq!(summary.failure.as_ref().map(|failure| &failure.what), None);
    let histories = format!("{:?}", summary.histories);
    let page = Page { days: Some(OfDays { first, summary, histories: 0, checked: 0 }), kills: Vec::new() };
    let mut logs = page.text("").unwrap() + &histories;
    for seed in first..first + 5 {
        logs += &Days::new().run(seed).log.join("\n");
    }
    assert!(logs.contains("orders in") && logs.len() > 10_000, "there is little to search: {logs}");
    let secrets = SECRETS.map(|(_, secret)| secret);
    for mark in SIMULATED.iter().chain(&secrets) {
        let line = logs.lines().find(|line| line.contains(mark));
        assert_eq!(line, None, "{mark} is named");
    }
}
