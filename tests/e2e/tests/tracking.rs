//! Tracking numbers of many orders: a thousand from one file and reported in one action, as the gateways' ledgers have
//! them; and a table that is pasted into and typed into in a browser.

use anyhow::{Context, Result, ensure};
use e2e::browser::Browser;
use e2e::gateway::Gateway;
use e2e::platform::Platform;
use e2e::served::{ADMINISTRATOR, PASSWORD, Served};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const ORDERS: usize = 1_000;
/// Far above what a thousand numbers take, file and calls together; a figure of minutes would send everybody away.
const PATIENCE: Duration = Duration::from_secs(180);
/// The key Enter, as a browser is driven.
const ENTER: &str = "\u{e007}";

/// Twelve digits of ヤマト運輸 with a right last one.
fn number(at: usize) -> String {
    let eleven = 40_000_000_000 + at as u64;
    format!("{}", eleven * 10 + eleven % 7)
}

fn orders(count: usize) -> String {
    let mut text =
        "注文番号,注文日時,注文者氏名,注文者氏名カナ,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,\
         注文者電話番号,注文者メールアドレス,合計金額,商品名,単価,数量\n"
            .to_owned();
    for at in 0..count {
        let buyer = "見本 花子,ミホン ハナコ,1000001,東京都,千代田区,千代田1-1,03-0000-5000,hanako@example.jp";
        writeln!(text, "T-{at:05},2026/11/20 10:00,{buyer},1000,茶碗,1000,1").unwrap();
    }
    text
}

/// What B2クラウド writes, in `Shift_JIS`, with one row that Excel broke and one of an order that is not here.
fn b2(count: usize) -> Vec<u8> {
    let mut text = "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日,お届け先名\r\n".to_owned();
    for at in 0..count {
        writeln!(text, "T-{at:05},0,0,{},,見本 花子\r", number(at)).unwrap();
    }
    text += "T-00000,0,0,4.00E+11,,見本 花子\r\nZ-1,0,0,400000000012,,見本 花子\r\n";
    encoding_rs::SHIFT_JIS.encode(&text).0.into_owned()
}

fn a_thousand(provider: &str) {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start(provider, folder.path()).unwrap();
    platform.open(&gateway, &platform.write("orders.csv", orders(ORDERS)).unwrap()).unwrap();
    platform.must(["credit", "--all"]).unwrap();
    let file = platform.write("b2.csv", b2(ORDERS)).unwrap();
    let file = file.to_string_lossy();

    let began = Instant::now();
    let tried = platform.run(["tracking", "import", &file, "--dry-run"]).unwrap();
    let dry = began.elapsed();
    assert!(tried.stdout.contains("rows read 1002 = taken 1000 (1000 orders) + refused 2"), "{}", tried.stdout);
    assert!(gateway.ledger().unwrap().registrations.values().all(|one| one.shipment.is_none()));
    let began = Instant::now();
    let ended = platform.run(["tracking", "import", &file, "--sync"]).unwrap();
    let took = began.elapsed();
    println!("{provider}: dry run {dry:?}; {ORDERS} numbers from the file to the ledger in {took:?}");
    assert_eq!(ended.code, 1, "the two wrong rows are said: {}", ended.stderr);
    assert!(ended.stderr.contains("line 1002") && ended.stderr.contains("line 1003"), "{}", ended.stderr);
    assert!(took < PATIENCE, "{took:?}");

    let stored = platform.orders().unwrap();
    assert!(stored.iter().all(|order| order.state == "synced"));
    let ledger = gateway.ledger().unwrap();
    let expected: BTreeSet<String> = (0..ORDERS).map(number).collect();
    let held: BTreeSet<String> =
        ledger.registrations.values().filter_map(|one| Some(one.shipment.as_ref()?.slip.clone())).collect();
    assert_eq!((ledger.registrations.len(), &held), (ORDERS, &expected), "each number once, on the ledger");
    for order in &stored {
        let held = &ledger.registrations[order.transaction_id.as_ref().unwrap()];
        assert_eq!(held.shipment.as_ref().map(|shipment| &shipment.slip), order.tracking_number.as_ref());
    }
}

#[test]
fn a_thousand_numbers_from_one_file_reach_the_ledger_of_kuroneko() {
    a_thousand("kuroneko");
}

#[test]
fn a_thousand_numbers_from_one_file_reach_the_ledger_of_atobarai_com() {
    a_thousand("atobarai-com");
}

#[test]
fn numbers_of_a_file_are_reported_by_the_automation() {
    const FEW: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start("kuroneko", folder.path()).unwrap();
    platform.install(&gateway).unwrap();
    let settings = platform.settings("mall-kuroneko.toml", &gateway).unwrap();
    let automatic = std::fs::read_to_string(settings).unwrap() + "\n[automation]\nsync = \"at-once\"\n";
    let settings = platform.write("mall.toml", automatic).unwrap();
    platform.must(["mall", "set", "honten", &settings.to_string_lossy()]).unwrap();
    let file = platform.write("orders.csv", orders(FEW)).unwrap();
    platform.must(["orders", "import", "--mall", "honten", &file.to_string_lossy()]).unwrap();
    platform.must(["credit", "--all"]).unwrap();
    let served = Served::serve(platform, &[]).unwrap();
    let file = served.platform.write("b2.csv", b2(FEW)).unwrap();
    // Nobody asks for them to be reported.
    let entered = served.platform.run(["tracking", "import", &file.to_string_lossy()]).unwrap();
    assert!(entered.stdout.contains("taken 30 (30 orders) + refused 2"), "{entered:?}");
    let began = Instant::now();
    while served.platform.orders().unwrap().iter().any(|order| order.state != "synced") {
        assert!(began.elapsed() < PATIENCE, "{:?}", served.platform.orders().unwrap());
        std::thread::sleep(Duration::from_millis(100));
    }
    let ledger = gateway.ledger().unwrap();
    let held: BTreeSet<String> =
        ledger.registrations.values().filter_map(|one| Some(one.shipment.as_ref()?.slip.clone())).collect();
    assert_eq!(held, (0..FEW).map(number).collect());
}

/// Four approved orders: numbers are pasted, one is wrong and said so at its row, it is typed anew, all are reported.
async fn table(browser: &Browser, served: &Served) -> Result<()> {
    browser.open("/signin").await?;
    browser.fill("#name", ADMINISTRATOR).await?;
    browser.fill("#password", PASSWORD).await?;
    browser.follow("main button.main").await?;
    browser.open("/start").await?;
    browser.choose("#start-provider", "kuroneko").await?;
    browser.follow(".steps form button").await?;
    let file = served.platform.write("table.csv", orders(4))?;
    served.platform.must(["orders", "import", "--mall", "mihon", &file.to_string_lossy()])?;
    served.platform.must(["credit", "T-00000", "T-00001", "T-00002", "T-00003"])?;

    browser.open("/orders?q=T-0&state=approved").await?;
    browser.click("#tick-all").await?;
    browser.follow("button[formaction='/orders/tracking/select']").await?;
    ensure!(browser.count("table.entry tbody tr").await? == 4, "the ticked orders are in the table");
    let faults = browser.faults().await?;
    ensure!(faults.is_empty(), "{faults:#?}");
    // From the keyboard alone: pasted text, Tab, Enter.
    let rows = format!("T-00000\t{}\tヤマト運輸\nT-00001\t4.0E+11\tヤマト運輸\nZ-9\t{}\n", number(0), number(9));
    browser.ask(&format!("document.querySelector('#pasted').value = {rows:?}; return null")).await?;
    browser.follow("button[value=paste]").await?;
    browser.wait_for(".card li.problem", "貼り付けの3行目 Z-9").await?;
    let field = |order: &str| format!("input[data-number='{order}']");
    ensure!(browser.find(&field("T-00000")).await?.prop("value").await? == Some(number(0)));
    // Two more go down from a field, as a spreadsheet copies them.
    let cells = format!("{}\tヤマト運輸\n{}\n", number(2), number(3));
    let paste = format!(
        "const data = new DataTransfer(); data.setData('text', {cells:?}); const order = [...document.querySelectorAll(\
         'table.entry input[data-number]')].map((field) => field.dataset.number); const field = \
         document.querySelector(\"input[data-number='\" + order[order.length - 2] + \"']\"); \
         field.dispatchEvent(new ClipboardEvent('paste', {{clipboardData: data, bubbles: true, cancelable: true}})); \
         return order.slice(-2).join(' ')"
    );
    let pasted = browser.ask(&paste).await?;
    let pasted = pasted.as_str().context("two orders")?.to_owned();
    for (order, at) in pasted.split(' ').zip([2, 3]) {
        ensure!(browser.find(&field(order)).await?.prop("value").await? == Some(number(at)), "{order}");
        let carrier = browser.find(&format!("tr:has({}) select", field(order))).await?.prop("value").await?;
        ensure!(carrier.as_deref() == Some("yamato"), "{order}: {carrier:?}");
    }
    for (at, order) in ["T-00000", "T-00002", "T-00003"].iter().enumerate() {
        browser.fill(&field(order), &number(at)).await?;
    }
    browser.fill(&field("T-00001"), "4.0E+11").await?;
    browser.choose("#carrier-all", "yamato").await?;
    let broken = browser.find(&field("T-00001")).await?;
    browser.ask("window.olderPage = true; return null").await?;
    broken.send_keys(ENTER)?;
    browser.wait_for("#notices", "3件を保存しました。直すところがある行 1行。").await?;
    browser.wait_for("td p.problem", "Excelで崩れています").await?;
    ensure!(browser.find(&field("T-00001")).await?.prop("value").await?.as_deref() == Some("4.0E+11"));
    let faults = browser.faults().await?;
    ensure!(faults.is_empty(), "{faults:#?}");
    browser.fill(&field("T-00001"), &number(1_234)).await?;
    browser.follow("button[value=save]").await?;
    browser.wait_for("#notices", "1件を保存しました").await?;
    browser.follow("form[action='/batches'] button").await?;
    browser.wait_for("h1", "伝票番号同期").await?;

    let began = Instant::now();
    let is_synced = || -> Result<bool> {
        let orders = served.platform.orders()?;
        Ok(orders.iter().any(|order| order.number == "T-00001" && order.state == "synced"))
    };
    while !is_synced()? {
        ensure!(began.elapsed() < PATIENCE, "the number is never reported");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ledger = served.gateway("kuroneko")?.ledger()?;
    let held =
        ledger.registrations.values().filter_map(|one| one.shipment.as_ref()).any(|one| one.slip == number(1_234));
    ensure!(held, "the ledger has the number");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_pasted_and_typed_in_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(Platform::new(folder.path(), "ja").unwrap()).unwrap();
    let browser = Browser::start(&served.url, "ja", 1440, 900).await.unwrap();
    let done = table(&browser, &served).await;
    if done.is_err() {
        let _ = browser.picture(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("tracking-failed.png"), 4_000).await;
    }
    done.unwrap();
    browser.close().await.unwrap();
}
