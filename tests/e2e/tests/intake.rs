//! Files as an operator brings them, by the command line, the API and the page: which orders come in, what is asked,
//! what is refused, and that every row is accounted for.

use e2e::gateway::Gateway;
use e2e::platform::{Ended, Platform, SETTLE};
use e2e::served::Served;
use e2e::visitor::Visitor;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-demo/service/tests/csv").join(name)
}

struct System {
    folder: tempfile::TempDir,
    platform: Platform,
    gateway: Gateway,
}

impl System {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::new(folder.path(), "en").unwrap();
        let gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
        platform.open(&gateway, &file("the-order-itself.csv")).unwrap();
        Self { folder, platform, gateway }
    }

    fn import(&self, name: &str, more: &[&str]) -> Ended {
        let path = file(name).to_string_lossy().into_owned();
        let arguments = ["orders", "import", "--mall", "honten", &path].into_iter().chain(more.iter().copied());
        self.platform.run(arguments.collect::<Vec<_>>()).unwrap()
    }

    fn numbers(&self) -> Vec<String> {
        self.platform.orders().unwrap().into_iter().map(|order| order.number).collect()
    }
}

#[test]
fn the_command_line_asks_counts_and_takes_nothing_wrong() {
    let system = System::start();
    for more in [&[][..], &["--dry-run"]] {
        let asked = system.import("paid-by-card-and-cancelled.csv", more);
        assert_eq!(asked.code, 2, "{asked:?}");
        for said in
            ["--take '支払方法=後払い決済'", "支払方法 後払い決済: 2 orders", "支払方法 クレジットカード: 1 order"]
        {
            assert!(asked.stderr.contains(said), "{said}: {}", asked.stderr);
        }
    }
    let taken = system.import("paid-by-card-and-cancelled.csv", &["--take", "後払い決済"]);
    assert_eq!(taken.code, 0, "{taken:?}");
    for said in
        ["rows read 3 = taken 1 (1 order) + refused 0 (0 orders) + passed over 2", "支払方法 is クレジットカード 1"]
    {
        assert!(taken.stdout.contains(said), "{said}: {}", taken.stdout);
    }
    let stray = system.import("quote-opened-in-a-name.csv", &[]);
    assert_eq!(stray.code, 1, "{stray:?}");
    assert!(
        stray.stdout.contains("rows read 4 = taken 1 (1 order) + refused 3 (1 order) + passed over 0"),
        "{stray:?}"
    );
    assert!(stray.stderr.contains("line 3"), "{stray:?}");
    // One order under two numbers would be credited twice.
    let mangled = system.import("exponent-of-an-order.csv", &[]);
    assert!(mangled.code == 1 && mangled.stderr.contains("3.0E+11"), "{mangled:?}");
    let again = system.import("the-order-itself.csv", &[]);
    assert!(again.code == 0 && again.stdout.contains("unchanged"), "{again:?}");
    assert_eq!(system.numbers(), ["300001234567", "PM2", "C33-0"]);
    system.platform.must(["credit", "--all"]).unwrap();
    assert_eq!(system.gateway.ledger().unwrap().registrations.len(), 3);

    let settings = system.platform.settings("mall-atobarai-com.toml", &system.gateway).unwrap();
    for id in ["new", "a b", "a\nb", "a\u{1b}[31m", ""] {
        let ended = system.platform.run(["mall", "set", id, &settings.to_string_lossy()]).unwrap();
        assert_eq!(ended.code, 2, "{id:?}: {ended:?}");
    }
}

/// A file of `count` orders under our own headings, their numbers beginning with `prefix`.
fn many_orders(prefix: &str, count: usize) -> String {
    let headings = "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,注文者電話番号,\
                    合計金額,商品名,単価,数量\n";
    let row = |at: usize| {
        let (number, day, price) = (format!("{prefix}-{at:06}"), at % 28 + 1, 1_000 + at % 7_000);
        format!(
            "{number},2026/11/{day:02} 10:07,見本 花子,150-0041,東京都,渋谷区,神南1-2-3 見本荘{at},03-0000-1000,\
             {price},藍染手拭い,{price},1\n"
        )
    };
    std::iter::once(headings.to_owned()).chain((0..count).map(row)).collect()
}

/// The most memory that a process has had, in KiB, as the system counts it; read until the process has ended.
#[cfg(target_os = "linux")]
fn peak_of(mut command: std::process::Command) -> u64 {
    let mut process = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    loop {
        let words = std::fs::read_to_string(&status).unwrap_or_default();
        let found = words.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = found.and_then(|words| words.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        peak = found.unwrap_or_default().max(peak);
        if let Some(ended) = process.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn fifty_thousand_orders_take_no_more_memory_than_their_file_and_its_index() {
    /// What an order adds to the index, its number among it; and what is checked of it before anything is written.
    const BYTES_OF_AN_ORDER: u64 = 250;
    /// Pages of the database and pieces of the allocator, which come with time.
    const SLACK: u64 = 6 << 20;
    let system = System::start();
    let import = |prefix: &str, count: usize| {
        let text = many_orders(prefix, count);
        let path = system.platform.write("many.csv", &text).unwrap();
        let path = path.to_string_lossy().into_owned();
        let peak = peak_of(system.platform.command(["orders", "import", "--mall", "honten", &path]).unwrap());
        (peak << 10, text.len() as u64)
    };
    let (few, few_bytes) = import("F", 5_000);
    let (many, many_bytes) = import("M", 50_000);
    let (grown, allowed) = (many.saturating_sub(few), many_bytes - few_bytes + 45_000 * BYTES_OF_AN_ORDER + SLACK);
    assert!(grown < allowed, "from {few} to {many} bytes of memory: {grown} more, at most {allowed}");
    let lists = system.platform.must(["orders", "list", "--state", "not_asked"]).unwrap();
    assert!(lists.contains("55001 orders"), "{}", lists.lines().last().unwrap_or_default());
}

#[test]
fn a_long_import_goes_on_by_itself_and_its_page_shows_how_far_it_is() {
    let System { folder, platform, gateway } = System::start();
    let served = Served::start(platform).unwrap();
    let mut visitor = Visitor::of(&served);
    visitor.sign_in();
    let text = many_orders("L", 20_000);
    let began = visitor.import(&[("mall", "honten"), ("what", "orders"), ("do", "import")], Some(text.as_bytes()));
    assert!(began.status == 303 && began.location.starts_with("/import/runs/"), "{} {}", began.status, began.location);
    let mut shown = Vec::new();
    let ended = loop {
        let page = visitor.get(&began.location);
        assert_eq!(page.status, 200, "{}", page.text);
        // Without a script the page is loaded again.
        let Some(words) = page.text.split("id=\"bar-words\">").nth(1) else { break page };
        assert!(page.text.contains("<progress") && page.text.contains("最新の状態を表示"), "{}", page.text);
        shown.push(words.split('<').next().unwrap_or_default().to_owned());
    };
    assert!(ended.text.contains("20000件を取り込みました"), "{}", ended.text);
    assert!(shown.iter().any(|words| words.ends_with("/ 20000行")), "{shown:?}");
    // Under another name there is none.
    let gone = visitor.get("/import/runs/0000000000000000");
    assert!(gone.text.contains("この取込の結果はもうありません"), "{}", gone.text);
    assert_eq!(served.platform.orders().unwrap().len(), 20_001);
    drop((gateway, folder));
}

#[test]
fn many_decisions_are_recorded_from_one_file() {
    let system = System::start();
    system.import("inches.csv", &[]);
    system.gateway.plan("drop-answer@order:every=1").unwrap();
    system.platform.must(["credit", "--all"]).unwrap();
    assert_eq!(system.gateway.plans().unwrap()[0].hits, 4, "every answer was lost");
    system.gateway.clear_faults().unwrap();
    std::thread::sleep(SETTLE);
    let ledger = system.gateway.ledger().unwrap();
    let orders = system.platform.orders().unwrap();
    let id = |reference: &Option<String>| {
        let held = ledger.registrations.values().find(|held| Some(&held.reference) == reference.as_ref());
        held.map(|held| held.transaction_id.clone()).unwrap()
    };
    let rows = orders.iter().take(3).map(|order| format!("{},与信OK,{},console\n", order.number, id(&order.reference)));
    let text = format!("注文番号,結果,取引ID,メモ\n{}{},maybe,,console\n", rows.collect::<String>(), orders[3].number);
    let path = system.platform.write("decisions.csv", text).unwrap();
    for (more, approved) in [(&["--dry-run"][..], 0), (&[], 3)] {
        let path = path.to_string_lossy().into_owned();
        let arguments = ["decisions", "--mall", "honten", &path].into_iter().chain(more.iter().copied());
        let ended = system.platform.run(arguments.collect::<Vec<_>>()).unwrap();
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stdout.contains("rows read 4 = taken 3 (3 orders) + refused 1 (1 order)"), "{ended:?}");
        assert!(ended.stderr.contains("maybe"), "{ended:?}");
        let now = system.platform.orders().unwrap();
        assert_eq!(now.iter().filter(|order| order.state == "approved").count(), approved);
    }
    assert!(system.folder.path().exists());
}

#[test]
fn the_page_and_the_api_ask_count_and_take_the_same() {
    let system = System::start();
    let System { folder, platform, gateway } = system;
    let served = Served::start(platform).unwrap();
    let mut visitor = Visitor::of(&served);
    visitor.sign_in();
    let token = visitor.token("operator");

    let paid = std::fs::read(file("paid-by-card-and-cancelled.csv")).unwrap();
    let (status, problem) = visitor.call(&token, "what=orders&dry_run=true", "a", &paid);
    assert_eq!((status, problem["type"].as_str()), (422, Some("urn:host-demo:problem:choice-needed")), "{problem}");
    let details: Vec<_> =
        problem["fields"].as_array().unwrap().iter().map(|field| field["detail"].as_str().unwrap()).collect();
    assert_eq!(details, ["支払方法=後払い決済: 2 orders", "支払方法=クレジットカード: 1 order"]);
    let take = "take=%E6%94%AF%E6%89%95%E6%96%B9%E6%B3%95%3D%E5%BE%8C%E6%89%95%E3%81%84%E6%B1%BA%E6%B8%88";
    let (status, came) = visitor.call(&token, &format!("what=orders&dry_run=true&{take}"), "b", &paid);
    assert_eq!(
        (status, &came["rows"]),
        (200, &serde_json::json!({ "read": 3, "taken": 1, "refused": 0, "passed_over": 2 }))
    );
    assert_eq!(came["passed_over"][0]["reason"], "not_taken");

    // The page: it asks, what is ticked is tried, and what was tried is taken.
    let fields = [("mall", "honten"), ("what", "orders"), ("do", "import")];
    let asked = visitor.import(&fields, Some(&paid));
    assert!(asked.status == 422 && asked.text.contains("後払い決済（2件）"), "{}", asked.text);
    let held = asked.field("held");
    let ticked = [("held", held.as_str()), ("take.1.1", "支払方法=後払い決済"), ("do", "try")];
    let tried = visitor.import(&ticked, None);
    assert!(tried.status == 200 && tried.text.contains("読んだ行 3 ＝ 取り込む 1（1件）"), "{}", tried.text);
    let taken = visitor.import(&[("held", &tried.field("held")), ("do", "held")], None);
    assert!(taken.status == 200 && taken.text.contains("1件を取り込みました"), "{}", taken.text);

    // Two columns, answered one after the other: the second question is about what is open yet.
    let text =
        String::from_utf8(paid.clone()).unwrap().replace("ステータス", "進捗").replace("キャンセル確定", "要確認");
    let asked = visitor.import(&fields, Some(text.as_bytes()));
    assert!(asked.text.contains("支払方法") && asked.text.contains("要確認（1件）"), "{}", asked.text);
    let held = asked.field("held");
    let first = [("held", held.as_str()), ("take.1.1", "支払方法=後払い決済"), ("do", "try")];
    let asked = visitor.import(&first, None);
    assert!(asked.status == 422 && !asked.text.contains("支払方法="), "{}", asked.text);
    let held = asked.field("held");
    let second = [("held", held.as_str()), ("take.1.1", "進捗=要確認"), ("do", "try")];
    let tried = visitor.import(&second, None);
    assert!(tried.status == 200 && tried.text.contains("読んだ行 3 ＝"), "{}", tried.text);

    let stray = std::fs::read(file("quotes-opened-in-two-remarks.csv")).unwrap();
    let (status, came) = visitor.call(&token, "what=orders", "c", &stray);
    assert_eq!(
        (status, &came["rows"]),
        (200, &serde_json::json!({ "read": 4, "taken": 1, "refused": 3, "passed_over": 0 }))
    );
    let numbers: Vec<_> = served.platform.orders().unwrap().into_iter().map(|order| order.number).collect();
    assert_eq!(numbers, ["300001234567", "PM2", "M14"]);

    // Findings: by the API and on the page.
    served.platform.must(["credit", "--all"]).unwrap();
    let findings = "注文番号,結果,メモ\nPM2,登録なし,検索\n".as_bytes();
    let (status, came) = visitor.call(&token, "what=decisions", "d", findings);
    assert_eq!((status, came["refused_count"].as_u64()), (200, Some(1)), "nothing is in doubt: {came}");
    let page = visitor.import(&[("mall", "honten"), ("what", "decisions"), ("do", "try")], Some(findings));
    assert!(page.status == 200 && page.text.contains("取り込めない 1（1件）"), "{}", page.text);
    let file = visitor.get("/export.csv?what=decisions&encoding=utf-8");
    assert!(file.status == 200 && file.text.contains("登録番号") && file.text.lines().count() == 1, "{}", file.text);
    drop((gateway, folder));
}
