//! `cargo xtask demo`: the operator's whole job, step by step, and the proof that platform and
//! gateway agree. Everything is done with the commands that an operator would type; they are shown.

use crate::{cargo, plugins, root, run};
use anyhow::{Context, Result, bail};
use clap::Parser;
use e2e::gateway::Gateway;
use e2e::platform::{Order, Platform, SETTLE};
use e2e::reconcile::compare;
use std::collections::BTreeMap;
use std::time::Instant;

/// Loses one answer after the gateway has carried the request out: the fault that costs money
/// elsewhere. The demo always has it.
const LOST_ANSWER: &str = "drop-answer@order:nth=7";

/// Every way in which a gateway can fail while credits, questions, cancels and tracking go on. The
/// rate leaves some requests whole, so that both ways are taken in one run.
const FAULTS: [&str; 16] = [
    "accept-close:every=5",
    "read-close:every=5",
    "drop-answer:every=5",
    "http-500:every=5",
    "http-502:every=5",
    "http-503:every=5",
    "http-429:every=5",
    "cut-body:every=5",
    "slow-body:every=9",
    "huge-body:every=9",
    "wrong-charset:every=5",
    "other-reference:every=5",
    "unknown-code:every=5",
    "address-refused:every=5",
    "system-failure:every=5",
    "maintenance:every=5",
];

/// Rounds of asking and trying again before the demo gives up on an order. Every fault above spares
/// most requests, so a handful is enough.
const MAX_ROUNDS: usize = 12;

/// One tracking number for each of these carriers, by the first approved orders.
const TRACKING: [(&str, &str); 7] = [
    ("ヤマト運輸", "123456789012"),
    ("佐川急便", "401234567890"),
    ("日本郵便", "112233445566"),
    ("ゆうパック", "334455667788"),
    ("西濃運輸", "5012345678"),
    ("福山通運", "6012345678"),
    ("名鉄運輸", "7012345678"),
];
const UNSUPPORTED_CARRIER: &str = "赤帽";

/// Options of the demo.
#[derive(Parser)]
pub struct Options {
    /// Language of the output.
    #[arg(long, default_value = "ja", value_parser = ["ja", "en"])]
    lang: String,
    /// Another fault besides the lost answer, such as http-500@order:every=3 (see `gateways --help`).
    #[arg(long, value_name = "PLAN")]
    fault: Vec<String>,
    /// The whole demo once under each kind of fault.
    #[arg(long, conflicts_with = "fault")]
    all_faults: bool,
}

/// Builds what is needed and runs the demo.
pub fn demo(options: &Options) -> Result<()> {
    plugins::build()?;
    eprintln!("[xtask] building the platform and the gateways (the first time takes some minutes)");
    run(cargo().args(["build", "--package", "host-demo", "--package", "gateways"]))?;
    if !options.all_faults {
        return Demo::start(&options.lang)?.play(&options.fault);
    }
    for fault in FAULTS {
        println!("\n######## {fault}");
        Demo::start(&options.lang)?.play(&[fault.to_owned()]).with_context(|| format!("with the fault {fault}"))?;
    }
    Ok(())
}

struct Demo {
    lang: String,
    platform: Platform,
    gateway: Gateway,
    began: Instant,
}

impl Demo {
    fn start(lang: &str) -> Result<Self> {
        let folder = root().join("target/demo");
        let _ = std::fs::remove_dir_all(&folder);
        let platform = Platform::new(&folder, lang)?;
        let gateway = Gateway::start("atobarai-com", &folder)?;
        Ok(Demo { lang: lang.to_owned(), platform, gateway, began: Instant::now() })
    }

    fn play(&self, faults: &[String]) -> Result<()> {
        self.step("プラグインを読み込む", "Load the plugin");
        let component = self.platform.install(&self.gateway)?;
        self.type_in(&["plugin", "inspect", &component.to_string_lossy()])?;

        self.step("モールの設定と手数料", "The mall's settings and fees");
        let sample = std::fs::read_to_string(root().join("host-demo/samples/mall-atobarai-com.toml"))?;
        let mall =
            self.platform.write("honten.toml", sample.replace("https://www.atobarai.jp", &self.gateway.origin))?;
        self.type_in(&["mall", "set", "honten", &mall.to_string_lossy()])?;

        self.step(
            "受注CSV（Shift_JIS）を取り込み、手数料を加える",
            "Import orders from CSV (Shift_JIS) and apply the fees",
        );
        let orders = root().join("host-demo/samples/orders-sjis.csv");
        self.type_in(&["orders", "import", "--mall", "honten", &orders.to_string_lossy()])?;

        self.step("与信を実行（1件の応答をわざと失う）", "Run credit checks (one answer is lost on purpose)");
        for fault in faults.iter().map(String::as_str).chain([LOST_ANSWER]) {
            println!("  ! {fault}");
            self.gateway.plan(fault)?;
        }
        self.type_in(&["credit", "--all"])?;

        self.step("審査中と結果不明を、決まるまで確認する", "Ask until nothing is under review or unknown");
        self.settle(|order| matches!(order.state.as_str(), "not_asked" | "not_sent"))?;

        self.step("1件をキャンセルする", "Cancel one");
        let approved = self.approved()?;
        let cancelled = approved.last().context("no order was approved")?.clone();
        self.type_in(&["cancel", &cancelled])?;

        self.step("伝票番号を入力して同期する", "Enter tracking numbers and report them");
        for ((carrier, number), order) in TRACKING.iter().zip(&approved) {
            self.type_in(&["tracking", "set", order, carrier, number])?;
        }
        let refused = self.platform.run(["tracking", "set", &approved[TRACKING.len()], UNSUPPORTED_CARRIER, "1"])?;
        println!(
            "$ host-demo tracking set {} {UNSUPPORTED_CARRIER} 1\n{}{}",
            approved[TRACKING.len()],
            refused.stdout,
            refused.stderr
        );
        if refused.code == 0 {
            bail!("the carrier {UNSUPPORTED_CARRIER} was taken");
        }
        self.type_in(&["sync", "--all"])?;
        self.settle(|order| {
            let tracked = order.state == "approved" && order.tracking_number.is_some();
            order.state == "not_sent" || tracked || (order.number == cancelled && order.state == "approved")
        })?;

        self.step("結果", "The result");
        self.type_in(&["orders", "list"])?;
        self.prove(&cancelled)
    }

    fn step(&self, ja: &str, en: &str) {
        println!("\n━━ {}", if self.lang == "en" { en } else { ja });
    }

    /// Shows a command and runs it. Some orders may fail: that is part of the demo.
    fn type_in(&self, arguments: &[&str]) -> Result<()> {
        let shown: Vec<_> =
            arguments.iter().map(|word| word.strip_prefix(&format!("{}/", root().display())).unwrap_or(word)).collect();
        println!("$ host-demo {}", shown.join(" "));
        let status = self.platform.command(arguments.iter().copied())?.status()?;
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("host-demo {} ended with {status}", arguments.join(" "));
        }
        Ok(())
    }

    /// Asks and tries again until nothing is open and nothing is `unfinished`.
    fn settle(&self, unfinished: impl Fn(&Order) -> bool) -> Result<()> {
        for round in 0..MAX_ROUNDS {
            if round > 0 {
                // Only then is "no such registration" believed.
                std::thread::sleep(SETTLE);
            }
            let orders = self.platform.orders()?;
            let numbers = |which: &dyn Fn(&Order) -> bool| -> Vec<String> {
                orders.iter().filter(|order| which(order)).map(|order| order.number.clone()).collect()
            };
            let asks = numbers(&|order| is_open(order));
            let again = numbers(&|order| unfinished(order));
            if asks.is_empty() && again.is_empty() {
                return Ok(());
            }
            self.on("check", &asks)?;
            let credit = numbers(&|order| unfinished(order) && order.state != "approved");
            self.on("credit", &credit)?;
            let (sync, cancel): (Vec<_>, Vec<_>) = orders
                .iter()
                .filter(|order| unfinished(order) && order.state == "approved")
                .partition(|order| order.tracking_number.is_some());
            // One that was refused may have arrived before, with its answer lost.
            self.on("check", &names(&sync))?;
            self.on("sync", &names(&sync))?;
            self.on("cancel", &names(&cancel))?;
        }
        bail!("after {MAX_ROUNDS} rounds some orders are still open; see `host-demo orders list`")
    }

    fn on(&self, action: &str, orders: &[String]) -> Result<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let arguments: Vec<&str> = std::iter::once(action).chain(orders.iter().map(String::as_str)).collect();
        self.type_in(&arguments)
    }

    fn approved(&self) -> Result<Vec<String>> {
        Ok(names(&self.platform.orders()?.iter().filter(|order| order.state == "approved").collect::<Vec<_>>()))
    }

    /// Compares the store with the gateway's ledger; an error if they differ or a fault never struck.
    fn prove(&self, cancelled: &str) -> Result<()> {
        self.step(
            "証明: 受注データと後払い会社の台帳を1件ずつ照合する",
            "The proof: store and gateway's ledger, order by order",
        );
        let (orders, ledger) = (self.platform.orders()?, self.gateway.ledger()?);
        let rows = compare(&orders, &ledger);
        for row in &rows {
            let verdict = if row.differences.is_empty() { "=" } else { "≠" };
            let differences = row.differences.join("; ");
            println!(
                "  {verdict} {:<16} {:<14} {:<14} {differences}",
                row.number,
                row.state,
                row.live.as_deref().unwrap_or("–")
            );
        }
        for plan in self.gateway.plans()? {
            println!("  ! {} × {}", plan.plan, plan.hits);
            if plan.hits == 0 {
                bail!("the fault {} never struck", plan.plan);
            }
        }
        if !orders.iter().any(|order| order.number == cancelled && order.state == "cancelled") {
            bail!("{cancelled} is not cancelled");
        }
        let mut counts = BTreeMap::<&str, usize>::new();
        orders.iter().for_each(|order| *counts.entry(&order.state).or_default() += 1);
        let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{state} {count}")).collect();
        let differing = rows.iter().filter(|row| !row.differences.is_empty()).count();
        let live = ledger.registrations.values().filter(|registration| registration.is_live()).count();
        println!("\n{} orders: {}", orders.len(), counts.join(", "));
        println!("{} registrations in the ledger, {live} live", ledger.registrations.len());
        if differing > 0 {
            bail!("{differing} orders differ from the ledger");
        }
        let seconds = self.began.elapsed().as_secs_f32();
        if self.lang == "en" {
            println!("The ledger agrees with every order. ({seconds:.1} s)");
        } else {
            println!("すべての注文が台帳と一致しました。（{seconds:.1} 秒）");
        }
        Ok(())
    }
}

/// Nobody knows yet where it stands at the provider.
fn is_open(order: &Order) -> bool {
    matches!(order.state.as_str(), "under_review" | "unknown" | "cancel_unknown" | "sync_unknown")
}

fn names(orders: &[&Order]) -> Vec<String> {
    orders.iter().map(|order| order.number.clone()).collect()
}
