//! `cargo xtask demo`: the operator's whole job with five providers side by side, step by step, and the
//! proof that platform and gateways agree. Everything is done with the commands that an operator would
//! type; they are shown.

mod operator;
mod shops;

use crate::{build_programs, plugins, root};
use anyhow::{Context, Result, bail};
use clap::Parser;
use e2e::gateway::{Gateway, Ledger};
use e2e::platform::{Order, Platform, sample};
use e2e::reconcile::{Compared, compare};
use shops::{EXAMPLE, FAULTS, MOVES, MOVING, MOVING_ORDERS, REACHED, SAMPLE_DAY, SHOPS, Shop};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Options of the demo.
#[derive(Parser)]
pub struct Options {
    /// Language of the output.
    #[arg(long, default_value = "ja", value_parser = ["ja", "en"])]
    lang: String,
    /// A fault that strikes every gateway again and again, such as http-500 (see `gateways --help`).
    #[arg(long, value_name = "FAULT", value_parser = FAULTS)]
    fault: Option<String>,
    /// The whole demo once under each kind of fault.
    #[arg(long, conflicts_with = "fault")]
    all_faults: bool,
}

/// Builds what is needed and runs the demo.
pub fn demo(options: &Options) -> Result<()> {
    plugins::build()?;
    build_programs()?;
    let start = || Demo::start(&options.lang, "demo", &SHOPS);
    if !options.all_faults {
        return start()?.play(options.fault.as_deref());
    }
    for (number, fault) in FAULTS.iter().enumerate() {
        println!("\n######## {fault} ({}/{})", number + 1, FAULTS.len());
        start()?.play(Some(fault)).with_context(|| format!("with the fault {fault}"))?;
    }
    Ok(())
}

/// The job with the provider of the examples, whose plugin is `component`. Error if platform and gateway do not agree in
/// the end, or the job did not come to all that a provider does.
pub fn example(component: &Path) -> Result<()> {
    let demo = Demo::start("en", "demo-example", &EXAMPLE)?;
    demo.load(|gateway| demo.platform.install_component(gateway, component))?;
    let cancelled = demo.job(None)?;
    demo.prove(&cancelled, None)?;
    let orders = demo.platform.orders()?;
    match REACHED.iter().find(|state| !orders.iter().any(|order| order.state == **state)) {
        Some(state) => bail!("no order is {state}"),
        None => Ok(()),
    }
}

/// A platform, and the gateways of its malls' providers.
struct Demo {
    lang: String,
    shops: &'static [Shop],
    platform: Platform,
    gateways: Vec<Gateway>,
    began: Instant,
}

impl Demo {
    /// In a new folder below `target`.
    fn start(lang: &str, folder: &str, shops: &'static [Shop]) -> Result<Self> {
        let folder = root().join("target").join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        let platform = Platform::new(&folder, lang)?;
        let gateways = shops.iter().map(|shop| Gateway::start(shop.provider, &folder)).collect::<Result<_>>()?;
        Ok(Self { lang: lang.to_owned(), shops, platform, gateways, began: Instant::now() })
    }

    fn shops(&self) -> impl Iterator<Item = (&'static Shop, &Gateway)> {
        self.shops.iter().zip(&self.gateways)
    }

    fn play(&self, fault: Option<&str>) -> Result<()> {
        self.load(|gateway| self.platform.install(gateway))?;
        let cancelled = self.job(fault)?;
        self.move_mall()?;
        self.step("結果", "The result");
        self.type_in(&["orders", "list"])?;
        self.prove(&cancelled, fault)
    }

    /// From the import to the parcels; the orders that were cancelled.
    fn job(&self, fault: Option<&str>) -> Result<Vec<String>> {
        self.import()?;
        self.plan(fault)?;
        self.credit()?;
        let cancelled = self.cancel()?;
        self.track()?;
        Ok(cancelled)
    }

    fn load(&self, install: impl Fn(&Gateway) -> Result<PathBuf>) -> Result<()> {
        self.step(
            "プラグインを読み込む（それぞれ自社のゲートウェイにだけ接続できる）",
            "Load the plugins, each with permission for its own gateway alone",
        );
        for gateway in &self.gateways {
            install(gateway)?;
        }
        self.type_in(&["plugin", "list"])
    }

    fn import(&self) -> Result<()> {
        self.step(
            "モールの設定と手数料、受注CSV（Shift_JIS・UTF-8）の取り込み",
            "The malls' settings and fees, and their orders from CSV (Shift_JIS and UTF-8)",
        );
        for (shop, gateway) in self.shops() {
            self.set_mall(shop.mall, shop, gateway)?;
            self.import_file(shop.mall, shop.orders)?;
        }
        Ok(())
    }

    fn set_mall(&self, mall: &str, shop: &Shop, gateway: &Gateway) -> Result<()> {
        let settings = self.platform.settings(&format!("mall-{}.toml", shop.provider), gateway)?;
        self.type_in(&["mall", "set", mall, &settings.to_string_lossy()])
    }

    fn import_file(&self, mall: &str, name: &str) -> Result<()> {
        let file = self.todays(name)?;
        self.type_in(&["orders", "import", "--mall", mall, &file.to_string_lossy()])
    }

    /// The sample `name`, made today. Only ASCII is replaced, so the encoding does not matter.
    fn todays(&self, name: &str) -> Result<PathBuf> {
        let bytes = std::fs::read(sample(name))?;
        let today = operator::today();
        let mut dated = Vec::with_capacity(bytes.len());
        let mut rest = &bytes[..];
        while let Some(at) = rest.windows(SAMPLE_DAY.len()).position(|part| part == SAMPLE_DAY.as_bytes()) {
            let (before, day) = rest.split_at(at);
            dated.extend_from_slice(before);
            dated.extend_from_slice(today.as_bytes());
            rest = day.split_at(SAMPLE_DAY.len()).1;
        }
        dated.extend(rest);
        self.platform.write(name, dated)
    }

    /// Each gateway loses an answer, and fails besides in the way that was chosen, if it can.
    fn plan(&self, fault: Option<&str>) -> Result<()> {
        self.step("各社の応答をひとつずつ、わざと失わせる", "Have each gateway lose an answer on purpose");
        for (shop, gateway) in self.shops() {
            let chosen = match fault {
                Some(fault) if gateway.can_show(fault)? => Some(format!("{fault}:every={}", shop.fault_rate)),
                _ => None,
            };
            for plan in [shop.lost_answer.to_owned()].into_iter().chain(chosen) {
                println!("  ! {:<13} {plan}", shop.provider);
                gateway.plan(&plan)?;
            }
        }
        Ok(())
    }

    fn credit(&self) -> Result<()> {
        self.step("与信を実行（全モールを並行して）", "Run credit checks, all malls side by side");
        let orders = self.platform.orders()?;
        for shop in self.shops {
            let of_mall = orders.iter().filter(|order| order.mall == shop.mall);
            self.on("credit", &of_mall.take(shop.first).map(|order| order.number.clone()).collect::<Vec<_>>())?;
        }
        self.type_in(&["credit", "--all"])?;
        self.step(
            "審査中と結果不明を、決まるまで確認する（照会できない会社の分は担当者が調べて記録する）",
            "Ask until nothing is under review or unknown; where a provider cannot be asked, an operator looks it up",
        );
        self.settle(|order| matches!(order.state.as_str(), "not_asked" | "not_sent"))
    }

    /// Cancels the last approved order of each mall, and what is on hold.
    fn cancel(&self) -> Result<Vec<String>> {
        self.step("キャンセルする（各モール1件と、保留の注文）", "Cancel one order of each mall, and those on hold");
        let orders = self.platform.orders()?;
        let on_hold = orders.iter().filter(|order| order.state == "on_hold");
        // Not the very last: a buyer of the sample is one whose cancel the gateway refuses.
        let last = self.shops.iter().filter_map(|shop| approved(&orders, shop.mall).rev().nth(1));
        let cancelled: Vec<String> = last.chain(on_hold).map(|order| order.number.clone()).collect();
        self.on("cancel", &cancelled)?;
        let unfinished = |order: &Order| {
            cancelled.contains(&order.number) && matches!(order.state.as_str(), "approved" | "on_hold" | "under_review")
        };
        self.settle(unfinished)?;
        Ok(cancelled)
    }

    fn track(&self) -> Result<()> {
        self.step("伝票番号を入力して同期する", "Enter tracking numbers and report them");
        let orders = self.platform.orders()?;
        for shop in self.shops {
            let mut approved = approved(&orders, shop.mall);
            for ((carrier, number), order) in shop.tracking.iter().zip(&mut approved) {
                self.type_in(&["tracking", "set", &order.number, carrier, number])?;
            }
            let next = approved.next().with_context(|| format!("too few approved orders in {}", shop.mall))?;
            self.refused(&["tracking", "set", &next.number, shop.unsupported_carrier, "12345"])?;
        }
        self.type_in(&["sync", "--all"])?;
        self.settle(|order| order.state == "approved" && order.tracking_number.is_some())
    }

    /// A command that has to be refused.
    fn refused(&self, arguments: &[&str]) -> Result<()> {
        let ended = self.platform.run(arguments.iter().copied())?;
        println!("$ host-demo {}\n{}{}", arguments.join(" "), ended.stdout, ended.stderr.trim_end());
        if ended.code == 0 {
            bail!("host-demo {} was not refused", arguments.join(" "));
        }
        Ok(())
    }

    /// A mall changes its provider while the old one still holds live credits: they stay where they are.
    fn move_mall(&self) -> Result<()> {
        self.step(
            "モールが後払い.comからNP後払いへ移る（進行中の注文は元の会社のまま）",
            "A mall moves from 後払い.com to NP; its live orders stay where they were registered",
        );
        let ((from, to), (before, after)) = (MOVES, MOVING_ORDERS);
        let (old_shop, old_gateway) = self.shops().nth(from).context("there is no such shop")?;
        let (new_shop, new_gateway) = self.shops().nth(to).context("there is no such shop")?;
        self.set_mall(MOVING, old_shop, old_gateway)?;
        self.import_file(MOVING, before)?;
        self.type_in(&["credit", "--all", "--mall", MOVING])?;
        let unfinished = |order: &Order| matches!(order.state.as_str(), "not_asked" | "not_sent");
        self.settle(unfinished)?;
        self.set_mall(MOVING, new_shop, new_gateway)?;
        self.import_file(MOVING, after)?;
        self.type_in(&["credit", "--all", "--mall", MOVING])?;
        self.settle(unfinished)?;
        let orders = self.platform.orders()?;
        let first = approved(&orders, MOVING).next().context("no order of the moving mall was approved")?;
        self.on("cancel", std::slice::from_ref(&first.number))?;
        self.settle(|order| order.number == first.number && order.state == "approved")
    }

    /// Compares the store with all ledgers; an error if they differ or a fault never struck.
    fn prove(&self, cancelled: &[String], fault: Option<&str>) -> Result<()> {
        self.step(
            "証明: 受注データと各社の台帳を1件ずつ照合する",
            "The proof: the store and all ledgers, order by order",
        );
        let orders = self.platform.orders()?;
        let ledgers = self.gateways.iter().map(Gateway::ledger).collect::<Result<Vec<_>>>()?;
        let rows = compare(&orders, &ledgers);
        rows.iter().for_each(print_row);
        self.print_ledgers(&ledgers);
        self.check_faults(fault)?;
        if let Some(order) = orders.iter().find(|o| cancelled.contains(&o.number) && o.state != "cancelled") {
            bail!("{} is {}, not cancelled", order.number, order.state);
        }
        let differing = rows.iter().filter(|row| !row.differences.is_empty()).count();
        if differing > 0 {
            bail!("{differing} orders differ from the ledgers");
        }
        println!("{}", self.conclusion(&orders));
        Ok(())
    }

    fn print_ledgers(&self, ledgers: &[Ledger]) {
        println!();
        for (shop, ledger) in self.shops.iter().zip(ledgers) {
            let live = ledger.registrations.values().filter(|registration| registration.is_live()).count();
            println!("  {:<13} {:>3} registrations, {live} live", shop.provider, ledger.registrations.len());
        }
    }

    /// A fault that never struck proves nothing: each gateway has lost its answer, and the chosen fault
    /// struck somewhere. Not everywhere: スコア has hardly an answer with Japanese words in it, which a
    /// wrong charset could spoil.
    fn check_faults(&self, chosen: Option<&str>) -> Result<()> {
        let mut struck = 0;
        for (shop, gateway) in self.shops() {
            for plan in gateway.plans()? {
                println!("  ! {:<13} {} × {}", shop.provider, plan.plan, plan.hits);
                if plan.plan != shop.lost_answer {
                    struck += plan.hits;
                } else if plan.hits == 0 {
                    bail!("{} never lost an answer", shop.provider);
                }
            }
        }
        match chosen {
            Some(fault) if struck == 0 => bail!("the fault {fault} never struck"),
            _ => Ok(()),
        }
    }

    fn conclusion(&self, orders: &[Order]) -> String {
        let mut counts = BTreeMap::<&str, usize>::new();
        orders.iter().for_each(|order| *counts.entry(&order.state).or_default() += 1);
        let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{state} {count}")).collect();
        let (total, counts, seconds) = (orders.len(), counts.join(", "), self.began.elapsed().as_secs_f32());
        match self.lang.as_str() {
            "en" => {
                format!("\n{total} orders: {counts}\nAll ledgers agree with every order. ({seconds:.1} s)")
            }
            _ => {
                let all = self.shops.len();
                format!("\n{total}件: {counts}\nすべての注文が、{all}社すべての台帳と一致しました。（{seconds:.1} 秒）")
            }
        }
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

    /// Does `action` with `orders`, if there are any.
    fn on(&self, action: &str, orders: &[String]) -> Result<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let arguments: Vec<&str> = std::iter::once(action).chain(orders.iter().map(String::as_str)).collect();
        self.type_in(&arguments)
    }
}

fn approved<'a>(orders: &'a [Order], mall: &'a str) -> impl DoubleEndedIterator<Item = &'a Order> {
    orders.iter().filter(move |order| order.mall == mall && order.state == "approved")
}

fn print_row(row: &Compared) {
    let verdict = if row.differences.is_empty() { "=" } else { "≠" };
    let (live, differences) = (row.live.as_deref().unwrap_or("–"), row.differences.join("; "));
    println!("  {verdict} {:<16} {:<14} {live:<20} {differences}", row.number, row.state);
}
