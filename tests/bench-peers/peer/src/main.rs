//! `extism-peer PLUGIN.wasm HOST:PORT`: times of the Extism plugin beside this, as JSON in seconds.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use serde_json::{Value, json};
use std::time::Instant;

/// Version of Extism; the manifest pins it.
const VERSION: &str = "Extism 1.30.0 (wasmtime 43)";
/// Calls of each kind: enough for a median.
const CALLS: usize = 2_000;
/// Registrations, which open a connection each.
const REGISTRATIONS: usize = 300;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [plugin, gateway] = &arguments[..] else {
        println!("{VERSION}");
        return Ok(());
    };
    let manifest = Manifest::new([Wasm::data(std::fs::read(plugin)?)]).with_allowed_host("127.0.0.1");
    let compiled = CompiledPlugin::new(PluginBuilder::new(manifest).with_wasi(false))?;
    let bill = json!({ "items": 1_000, "shipping_fee": 500, "payment_fee": 0, "lower": 0, "fee": 330 }).to_string();
    let mut kept = Plugin::new_from_compiled(&compiled)?;
    let fee = |plugin: &mut Plugin| {
        let adjusted: Value = serde_json::from_str(plugin.call("fee_adjust", bill.as_str())?)?;
        anyhow::ensure!(adjusted["billed_amount"] == 1_830, "a wrong fee: {adjusted}");
        Ok(())
    };
    let fee_warm = median(CALLS, || fee(&mut kept))?;
    let fee_fresh = median(CALLS, || fee(&mut Plugin::new_from_compiled(&compiled)?))?;
    let mut number = 0;
    let register = median(REGISTRATIONS, || {
        number += 1;
        register(&mut Plugin::new_from_compiled(&compiled)?, gateway, &format!("X-{number}"))
    })?;
    println!("{}", json!({ "fee_fresh": fee_fresh, "fee_warm": fee_warm, "register": register }));
    Ok(())
}

/// Seconds below which half of the calls were.
fn median(calls: usize, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::with_capacity(calls);
    for _ in 0..calls {
        let began = Instant::now();
        call()?;
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times.get(calls / 2).copied().context("nothing was measured")
}

fn register(plugin: &mut Plugin, gateway: &str, reference: &str) -> Result<()> {
    let mut fields: Vec<_> = FIELDS.iter().map(|(name, value)| (*name, *value)).collect();
    fields.push(("O_Ent_OrderId", reference));
    let asked = json!({ "url": format!("http://{gateway}/api/order/rest"), "fields": fields }).to_string();
    let answer: Value = serde_json::from_str(plugin.call("register", asked.as_str())?)?;
    let body = answer["body"].as_str().context("no body")?;
    anyhow::ensure!(answer["status"] == 200 && body.contains(reference), "the gateway answered {answer}");
    Ok(())
}

/// The fields of a registration of one line; everybody in it is invented.
const FIELDS: [(&str, &str); 20] = [
    ("O_ReceiptOrderDate", "2026-11-24"),
    ("O_EnterpriseId", "12345"),
    ("O_SiteId", "678"),
    ("O_ApiUserId", "90"),
    ("O_UseAmount", "1830"),
    ("O_AnotherDeliFlg", "0"),
    ("O_RtOrderStatus", "1"),
    ("C_PostalCode", "106-0032"),
    ("C_UnitingAddress", "東京都港区六本木1-2-3"),
    ("C_NameKj", "見本 花子"),
    ("C_Phone", "03-0000-1000"),
    ("C_MailAddress", "buyer@example.jp"),
    ("C_SeparateShipment", "1"),
    ("I_ItemNameKj_1", "見本"),
    ("I_UnitPrice_1", "1000"),
    ("I_ItemNum_1", "1"),
    ("I_TaxRate_1", "10"),
    ("I_ItemCarriage", "500"),
    ("I_ItemCharge", "330"),
    ("O_Note", ""),
];
