//! The whole system as processes: a platform that is killed in the middle, answers that are lost, and
//! input that is wrong. Each ends with the store compared with the gateway's ledger.

use e2e::gateway::Gateway;
use e2e::platform::{self, Platform, SETTLE};
use e2e::reconcile::compare;
use std::time::{Duration, Instant};

/// Far above what any step takes; a step that needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

struct System {
    _folder: tempfile::TempDir,
    platform: Platform,
    gateway: Gateway,
}

fn sample(name: &str) -> String {
    platform::sample(name).to_string_lossy().into_owned()
}

impl System {
    /// A platform with one mall, one gateway, and the sample's orders imported.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::new(folder.path(), "en").unwrap();
        let gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
        platform.open(&gateway, &platform::sample("orders-sjis.csv")).unwrap();
        Self { _folder: folder, platform, gateway }
    }

    fn count(&self, state: &str) -> usize {
        self.platform.orders().unwrap().iter().filter(|order| order.state == state).count()
    }

    /// Asks until nothing is unknown, then compares; panics on any difference.
    fn must_agree(&self) {
        let began = Instant::now();
        while self.count("unknown") > 0 {
            assert!(began.elapsed() < PATIENCE, "some outcomes stay unknown");
            std::thread::sleep(SETTLE);
            self.platform.must(["check", "--all"]).unwrap();
        }
        let rows = compare(&self.platform.orders().unwrap(), &[self.gateway.ledger().unwrap()]);
        let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
        assert!(differing.is_empty(), "{differing:#?}");
    }
}

#[test]
fn a_platform_that_is_killed_between_sending_and_the_answer_registers_nothing_twice() {
    let system = System::start();
    // The gateway carries the request out and then keeps its answer back for longer than this takes.
    system.gateway.plan("late@order:every=1").unwrap();
    let mut sending = system.platform.command(["credit", "--all"]).unwrap().spawn().unwrap();
    let began = Instant::now();
    while system.gateway.ledger().unwrap().registrations.is_empty() {
        assert!(began.elapsed() < PATIENCE, "nothing was sent");
        std::thread::yield_now();
    }
    sending.kill().unwrap();
    sending.wait().unwrap();
    assert!(system.gateway.plans().unwrap()[0].hits > 0, "the fault was never met");
    let arrived = system.gateway.ledger().unwrap().registrations.len();
    assert!(system.count("unknown") >= arrived, "what was claimed is unknown, not free to be sent again");
    system.gateway.clear_faults().unwrap();

    // Unknown orders are not sent again, whatever is asked for.
    let before = system.count("unknown");
    system.platform.must(["credit", "--all"]).unwrap();
    assert_eq!(system.count("unknown"), before);
    system.must_agree();
    // All others were sent, and each of them once.
    let orders = system.platform.orders().unwrap().len();
    assert!(system.gateway.ledger().unwrap().registrations.len() >= orders - before);
}

#[test]
fn a_gateway_that_is_not_there_has_been_sent_nothing() {
    let system = System::start();
    system.gateway.close().unwrap();
    let ended = system.platform.run(["credit", "G20261101-001"]).unwrap();
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("G20261101-001"), "{}", ended.stdout);
    assert_eq!((system.count("not_sent"), system.count("not_asked")), (1, 43));
    let reference = |system: &System| system.platform.orders().unwrap()[0].reference.clone();
    let first = reference(&system);
    system.gateway.reopen().unwrap();
    system.platform.must(["credit", "G20261101-001"]).unwrap();
    assert_eq!(reference(&system), first, "nothing was recorded, so the same reference serves");
    system.must_agree();
}

#[test]
fn a_lost_answer_is_found_again_by_reference() {
    let system = System::start();
    system.gateway.plan("drop-answer@order:every=1").unwrap();
    system.platform.must(["credit", "G20261101-001", "G20261101-002"]).unwrap();
    assert_eq!(system.count("unknown"), 2);
    assert_eq!(system.gateway.plans().unwrap()[0].hits, 2);
    system.gateway.clear_faults().unwrap();
    system.must_agree();
    assert_eq!((system.count("approved"), system.gateway.ledger().unwrap().registrations.len()), (2, 2));
}

/// NP's request carries a whole batch, and NP cannot be asked. Only the plugin knows that it takes no name
/// of more than 21 letters.
#[test]
fn an_order_that_never_left_is_not_in_doubt_when_the_answer_to_its_batch_is_lost() {
    const ORDERS: usize = 1_000;
    let wrong = |at: usize| at % 100 == 37;
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start("np", folder.path()).unwrap();
    platform.install(&gateway).unwrap();
    let settings = std::fs::read_to_string(platform.settings("mall-np.toml", &gateway).unwrap()).unwrap();
    let settings = platform.write("mall.toml", format!("rows-per-request = {ORDERS}\n{settings}")).unwrap();
    platform.must(["mall", "set", "minami", &settings.to_string_lossy()]).unwrap();
    let mut orders = "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,\
                      注文者電話番号,合計金額,商品名,単価,数量\n"
        .to_owned();
    for at in 0..ORDERS {
        let name = if wrong(at) { "見本 花子".repeat(6) } else { "見本 花子".to_owned() };
        let buyer = format!("{name},1000001,東京都,千代田区,千代田1-1,03-0000-5000");
        orders += &format!("N-{at:04},2026/07/01 10:00,{buyer},1000,茶碗,1000,1\n");
    }
    let orders = platform.write("orders.csv", orders).unwrap();
    platform.must(["orders", "import", "--mall", "minami", &orders.to_string_lossy()]).unwrap();

    gateway.plan("drop-answer:first=1").unwrap();
    platform.must(["credit", "--all"]).unwrap();
    assert_eq!(gateway.plans().unwrap()[0].hits, 1);
    assert_eq!(gateway.ledger().unwrap().registrations.len(), ORDERS - 10);
    for (at, order) in platform.orders().unwrap().iter().enumerate() {
        let expected = if wrong(at) { "not_sent" } else { "unknown" };
        assert_eq!((order.state.as_str(), order.number.as_str()), (expected, &*format!("N-{at:04}")));
    }
    let said = platform.must(["orders", "show", "N-0037"]).unwrap();
    assert!(said.contains("buyer's name") && !said.contains("buyer.name"), "{said}");
}

#[test]
fn wrong_input_is_refused_with_its_place_and_nothing_is_half_written() {
    let system = System::start();
    let refused = |arguments: &[&str], words: &[&str]| {
        let ended = system.platform.run(arguments.iter().copied()).unwrap();
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert_ne!(ended.code, 0, "{arguments:?}: {all}");
        for word in words {
            assert!(all.contains(word), "{arguments:?} does not say {word}:\n{all}");
        }
    };
    // The same orders once more: they are there, unchanged; with another content each is named, and none comes in.
    let again = system.platform.must(["orders", "import", "--mall", "honten", &sample("orders-sjis.csv")]).unwrap();
    assert!(again.contains("passed over: imported before and unchanged"), "{again}");
    let sample_lines = std::fs::read(sample("orders-sjis.csv")).unwrap();
    let other = sample_lines.split(|byte| *byte == b'\n').map(|line| {
        let phone = line.windows(4).position(|part| part == b"090-");
        phone.map_or(line.to_vec(), |at| [&line[..at], b"080-", &line[at + 4..]].concat())
    });
    let other = other.collect::<Vec<_>>().join(&b'\n');
    assert_ne!(other, sample_lines);
    let other = system.platform.write("other.csv", other).unwrap();
    refused(&["orders", "import", "--mall", "honten", &other.to_string_lossy()], &["G20261101-0", "--correct"]);
    assert_eq!(system.platform.orders().unwrap().len(), 44);

    let mall = std::fs::read_to_string(sample("mall-atobarai-com.toml")).unwrap();
    let wrong = mall.replace("enterprise-id = \"12345\"", "enterprise-id = \"1\"\nentreprise = \"1\"");
    let wrong = system.platform.write("wrong.toml", wrong).unwrap();
    refused(&["mall", "set", "second", &wrong.to_string_lossy()], &["wrong.toml", "enterprise-id", "entreprise"]);
    assert!(!system.platform.must(["mall", "list"]).unwrap().contains("second"));

    let text = system.platform.write("plugins/text.wasm", "no component").unwrap();
    system.platform.write("plugins/text.toml", "origins = []\n").unwrap();
    refused(&["plugin", "inspect", &text.to_string_lossy()], &["text.wasm", "not a WebAssembly component"]);

    let digest = format!("provider = \"atobarai-com\"\nsha256 = \"{}\"\n", "0".repeat(64));
    system.platform.write("plugins/atobarai-com.toml", digest).unwrap();
    refused(&["credit", "G20261101-001"], &["atobarai-com.wasm", "sha256"]);
    assert_eq!(system.count("not_asked"), 44);
    assert!(system.gateway.ledger().unwrap().registrations.is_empty());
}

/// What goes on in the background, until it is dropped.
struct Working(std::process::Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl System {
    /// Works in the background until so many orders are left that were never asked about, and none is being sent.
    fn work_until_left(&self, orders: usize) {
        let _working = Working(self.platform.command(["work"]).unwrap().spawn().unwrap());
        let began = Instant::now();
        while self.count("not_asked") != orders || self.count("sending") > 0 {
            assert!(began.elapsed() < PATIENCE, "{} were never asked about", self.count("not_asked"));
        }
    }
}

#[test]
fn automation_and_results_by_csv_are_switched_on_the_command_line_and_send_nothing_unsaid() {
    let system = System::start();
    let platform = &system.platform;
    let settings = platform.settings("mall-atobarai-com.toml", &system.gateway).unwrap();
    let automatic = std::fs::read_to_string(settings).unwrap() + "\n[automation]\ncredit = \"at-once\"\n";
    let by_csv = platform.write("csv.toml", format!("results = \"csv\"\n{automatic}")).unwrap();
    let automatic = platform.write("automatic.toml", automatic).unwrap();
    let (automatic, by_csv) = (automatic.to_string_lossy(), by_csv.to_string_lossy());
    let said = platform.must(["mall", "set", "honten", &automatic]).unwrap();
    assert!(said.contains("44 orders that were waiting") && said.contains("--send-waiting"), "{said}");
    platform.must(["orders", "import", "--mall", "honten", &sample("orders-moving-1.csv")]).unwrap();
    system.work_until_left(44);
    let sent = system.gateway.ledger().unwrap().registrations.len();
    assert!((1..=4).contains(&sent), "{sent} of four new orders");
    // Where results come by CSV no credit is sent, whoever asks for it.
    platform.must(["mall", "set", "honten", &by_csv]).unwrap();
    let one = platform.run(["credit", "G20261111-044"]).unwrap();
    assert!(one.code == 1 && one.stdout.contains("by CSV"), "{one:?}");
    assert!(platform.must(["credit", "--all"]).unwrap().contains("No order allows this now"));
    assert!(!platform.must(["orders", "show", "G20261111-044"]).unwrap().contains("[Run credit check]"));
    assert_eq!(system.gateway.ledger().unwrap().registrations.len(), sent);
    platform.must(["mall", "set", "honten", &automatic, "--send-waiting"]).unwrap();
    system.work_until_left(0);
    system.must_agree();
}
