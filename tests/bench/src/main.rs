//! What a confined call costs, measured with the 後払い.com plugin: `cargo run --release -p bench`.
//!
//! Each figure is the median of many calls; what is measured stands beside it. The gateway is the
//! simulator, in the same process and on loopback, so its own work is part of a credit's time.

use anyhow::{Context, Result};
use gateways::{Gateway, Options, atobarai_com::AtobaraiCom};
use provider_host::contract::{
    Address, Bill, Date, FeeBand, FeeMode, FeeRule, InvoiceDelivery, LineItem, Order, Party, Setting,
};
use provider_host::{Account, Host, Permissions, Plugin};
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<()> {
    let component = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/atobarai-com.wasm");
    anyhow::ensure!(component.exists(), "{} is not there; run `cargo xtask plugins` first", component.display());
    let gateway = Gateway::start(AtobaraiCom::default(), Options::default()).await?;
    let permissions = Permissions::loopback(gateway.origin().parse()?);
    let cache = tempfile::tempdir()?;
    let host = Host::builder().cache_dir(cache.path()).build()?;

    let began = Instant::now();
    let plugin = host.load(&component, permissions.clone()).await?;
    println!("load, compiled now              {:>10.2?}", began.elapsed());
    let mut loads = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        host.load(&component, permissions.clone()).await?;
        loads.push(began.elapsed());
    }
    println!("load, from the compiled cache   {:>10.2?}", median(loads)?);
    println!("fee-adjust, fresh instance      {:>10.2?}", fee_adjust(&plugin).await?);

    let settings = [("enterprise-id", "12345"), ("site-id", "678"), ("api-user-id", "90")];
    let mut settings: Vec<Setting> = settings.map(|(key, value)| set(key, value)).into();
    settings.push(set("base-url", &gateway.origin()));
    let shop = Account::new("bench", settings);
    println!("credit, one after another       {:>10.2?}", credit_alone(&plugin, &shop).await?);
    let (rate, connections) = credit_together(&plugin, &shop, &gateway).await?;
    println!("credit, 64 at once              {rate:>7.0} /s   over {connections} connections");
    Ok(())
}

async fn fee_adjust(plugin: &Plugin) -> Result<Duration> {
    let rule = FeeRule { mode: FeeMode::Add, bands: vec![FeeBand { lower: 0, upper: None, fee: 330 }] };
    let bill = Bill { items: 1_000, shipping_fee: 500, payment_fee: 0 };
    let mut times = Vec::new();
    for _ in 0..5_000 {
        let began = Instant::now();
        let adjusted = plugin.fee_adjust(&rule, &bill).await?;
        times.push(began.elapsed());
        anyhow::ensure!(adjusted.is_ok_and(|adjusted| adjusted.billed_amount == 1_830), "a wrong fee");
    }
    median(times)
}

async fn credit_alone(plugin: &Plugin, shop: &Account) -> Result<Duration> {
    let mut times = Vec::new();
    for n in 0..1_000 {
        let began = Instant::now();
        let answer = plugin.credit(shop, vec![order(format!("A-{n}"))]).await;
        times.push(began.elapsed());
        anyhow::ensure!(answer.rows[0].is_ok(), "{:?}", answer.rows);
    }
    median(times)
}

/// Credits in a second, and the connections that they took.
async fn credit_together(plugin: &Plugin, shop: &Account, gateway: &Gateway) -> Result<(f64, usize)> {
    const CREDITS: usize = 5_000;
    let (before, began) = (gateway.connections(), Instant::now());
    let credits = (0..CREDITS).map(|n| async move { plugin.credit(shop, vec![order(format!("B-{n}"))]).await });
    let side_by_side = futures::StreamExt::buffer_unordered(futures::stream::iter(credits), 64);
    let answers: Vec<_> = futures::StreamExt::collect(side_by_side).await;
    anyhow::ensure!(answers.iter().all(|answer| answer.rows[0].is_ok()), "a credit failed");
    Ok((CREDITS as f64 / began.elapsed().as_secs_f64(), gateway.connections() - before))
}

fn median(mut times: Vec<Duration>) -> Result<Duration> {
    times.sort();
    times.get(times.len() / 2).copied().context("nothing was measured")
}

fn set(key: &str, value: &str) -> Setting {
    Setting { key: key.to_owned(), value: value.to_owned() }
}

fn order(reference: String) -> Order {
    let address = Address {
        postal_code: "1060032".to_owned(),
        prefecture: "東京都".to_owned(),
        city: "港区".to_owned(),
        street: "六本木1-2-3".to_owned(),
    };
    let buyer = Party {
        name: "見本 花子".to_owned(),
        name_kana: None,
        company: None,
        department: None,
        address,
        phone: "0300001000".to_owned(),
        email: Some("buyer@example.jp".to_owned()),
    };
    Order {
        reference,
        ordered_on: Date { year: 2026, month: 11, day: 24 },
        ships_on: None,
        buyer,
        recipient: None,
        items: vec![LineItem { name: "見本".to_owned(), unit_price: 1_000, quantity: 1, tax_rate: Some(10) }],
        shipping_fee: 500,
        payment_fee: 330,
        billed_amount: 1_830,
        invoice: InvoiceDelivery::Separate,
        note: None,
    }
}
