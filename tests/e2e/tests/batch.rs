//! Several platform processes on one store share a batch, and one of them is killed in the middle: the others
//! finish its work, every order once, and the gateway's ledger agrees.

use e2e::gateway::Gateway;
use e2e::platform::{Platform, SETTLE};
use e2e::reconcile::compare;
use std::fmt::Write;
use std::process::Child;
use std::time::{Duration, Instant};
use test_postgres::Cluster;

/// Far above what the whole takes; what needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);
/// A process is killed when this share of the orders is registered: early enough that much is left.
const KILLED_AT: usize = 5;

#[derive(serde::Deserialize)]
struct Progress {
    waiting: usize,
    taken: usize,
    success: usize,
    failure: usize,
    unknown: usize,
}

/// A process of the platform; dropping it kills it.
struct Working(Child);

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn orders(count: usize) -> String {
    let mut text =
        "注文番号,注文日時,注文者氏名,注文者郵便番号,注文者都道府県,注文者市区町村,注文者住所,注文者電話番号,\
                    合計金額,商品名,単価,数量\n"
            .to_owned();
    for at in 0..count {
        let buyer = "見本 花子,1000001,東京都,千代田区,千代田1-1,03-0000-5000";
        writeln!(text, "B-{at:05},2026/07/01 10:00,{buyer},1000,茶碗,1000,1").unwrap();
    }
    text
}

fn progress(platform: &Platform, batch: &str) -> Progress {
    serde_json::from_str(&platform.must(["batch", "show", batch, "--json"]).unwrap()).unwrap()
}

fn one_process_of_three_is_killed(count: usize, database: impl FnOnce(&std::path::Path) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::on(database(folder.path()), folder.path(), "en").unwrap();
    let gateway = Gateway::start("atobarai-com", folder.path()).unwrap();
    platform.open(&gateway, &platform.write("orders.csv", orders(count)).unwrap()).unwrap();
    let batch = platform.must(["batch", "add", "credit", "--all"]).unwrap();
    let batch = batch.trim();

    let work = || Working(platform.command(["work"]).unwrap().spawn().unwrap());
    let [victim, _second, _third] = [work(), work(), work()];
    let began = Instant::now();
    while gateway.ledger().unwrap().registrations.len() < count / KILLED_AT {
        assert!(began.elapsed() < PATIENCE, "the batch does not begin");
    }
    drop(victim);
    let left = progress(&platform, batch);
    assert!(left.waiting > 0, "the process was killed too late to prove anything");
    let done = loop {
        let now = progress(&platform, batch);
        if now.waiting + now.taken == 0 {
            break now;
        }
        assert!(began.elapsed() < PATIENCE, "{} rows are never done", now.waiting + now.taken);
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!((done.success + done.unknown, done.failure), (count, 0));

    // What the killed process had sent, or may have sent, is asked about; until then it is not sent again.
    let open = || platform.orders().unwrap().iter().filter(|order| order.state == "unknown").count();
    while open() > 0 {
        assert!(began.elapsed() < PATIENCE, "some outcomes stay unknown");
        std::thread::sleep(SETTLE);
        platform.must(["check", "--all"]).unwrap();
    }
    // What never arrived is known by now not to be there.
    platform.must(["credit", "--all"]).unwrap();
    let (orders, ledger) = (platform.orders().unwrap(), gateway.ledger().unwrap());
    let rows = compare(&orders, std::slice::from_ref(&ledger));
    let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(ledger.registrations.len(), count, "each order was registered once");
    assert!(orders.iter().all(|order| order.state == "approved"));
}

#[test]
fn one_process_of_three_on_postgresql_is_killed() {
    one_process_of_three_is_killed(2_000, |_| Cluster::shared().database().unwrap());
}

#[test]
fn one_process_of_three_on_sqlite_is_killed() {
    // Three processes that write to one file wait for each other and for the disk.
    one_process_of_three_is_killed(300, |folder| folder.join("orders.db").to_string_lossy().into_owned());
}
