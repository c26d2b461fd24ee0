//! Runs a gateway for people and for scripts: prints where it is, whom it knows and what can be
//! asked of it, and serves until it is stopped.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use gateways::atobarai_com::AtobaraiCom;
use gateways::control::Control;
use gateways::providers;
use gateways::wire::Wire;
use gateways::{FaultPlan, Gateway, Lang, Options, faults, verdicts};

/// Simulated gateways of deferred-payment providers, on loopback only.
#[derive(Parser)]
struct Arguments {
    /// Whose gateway.
    #[arg(value_parser = PossibleValuesParser::new(providers::all().map(|(id, _)| id)))]
    provider: String,
    /// Port of the gateway; a free one if 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the control desk; a free one if 0.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// A fault to begin with: FAULT[@OPERATION][:nth=N|first=N|every=N|reference=ID].
    #[arg(long, value_name = "PLAN")]
    fault: Vec<FaultPlan>,
    /// 後払い.com: answer 404 to the detail call, which is only assumed to exist.
    #[arg(long)]
    no_detail: bool,
    /// 後払い.com: refuse a second registration under the same reference.
    #[arg(long)]
    unique_reference: bool,
    /// Milliseconds before every answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Milliseconds that a late answer is late.
    #[arg(long, default_value_t = 35_000)]
    late_ms: u64,
    /// Language of what is printed: ja or en.
    #[arg(long, default_value = "ja")]
    lang: Lang,
    /// Written once it listens: JSON with "origin", "base" (origin and path, the base URL),
    /// "control", and "merchant" (the credentials that it knows).
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() {
    if let Err(problem) = run(Arguments::parse()).await {
        eprintln!("gateways: {problem}");
        std::process::exit(1);
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let options = Options {
        port: arguments.port,
        latency: Duration::from_millis(arguments.latency_ms),
        late: Duration::from_millis(arguments.late_ms),
        firewall: true,
        ..Options::default()
    };
    let started = Gateway::start(provider(&arguments)?, options).await;
    let gateway = Arc::new(started.map_err(|error| in_words(arguments.port, &error))?);
    gateway.plan_all(arguments.fault).map_err(|error| error.to_string())?;
    let control = Control::start(gateway.clone(), arguments.control_port).await;
    let control = control.map_err(|error| in_words(arguments.control_port, &error))?;
    print!("{}", greeting(&gateway, &control, arguments.lang));
    if let Some(path) = &arguments.ready_file {
        write_whole(path, &ready(&gateway, &control).to_string())
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    tokio::signal::ctrl_c().await.map_err(|error| error.to_string())
}

fn in_words(port: u16, error: &io::Error) -> String {
    format!("cannot listen on 127.0.0.1:{port}: {error}")
}

/// Under another name first, so that who waits for the file never reads half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(unfinished, path)
}

/// The provider that the command line asks for, with the options that are only its own.
fn provider(arguments: &Arguments) -> Result<Box<dyn Wire>, String> {
    let id = arguments.provider.as_str();
    if id == "atobarai-com" {
        let detail = !arguments.no_detail;
        let provider = AtobaraiCom { detail, unique_reference: arguments.unique_reference, ..AtobaraiCom::default() };
        return Ok(provider.into());
    }
    if arguments.no_detail || arguments.unique_reference {
        return Err(format!("{id} has neither --no-detail nor --unique-reference: they are for atobarai-com"));
    }
    Ok(providers::by_id(id).expect("the command line takes only ids of the table"))
}

fn ready(gateway: &Gateway, control: &Control) -> serde_json::Value {
    let (_, merchant) = gateway.merchant();
    serde_json::json!({
        "origin": gateway.origin(),
        "base": gateway.base(),
        "control": control.origin(),
        "merchant": BTreeMap::from_iter(merchant),
    })
}

fn greeting(gateway: &Gateway, control: &Control, lang: Lang) -> String {
    let (name, merchant) = gateway.merchant();
    let merchant: String = merchant.iter().map(|(label, value)| format!("  {label} {value}")).collect();
    let mut text = format!(
        "{name}{merchant}\n  {}  {}\n  {}  {}\n      {}\n\n{}\n{}",
        lang.pick("ゲートウェイ", "gateway     "),
        gateway.base(),
        lang.pick("操作用      ", "control desk"),
        control.origin(),
        "GET /ledger /requests /bodies /faults  POST /faults /close /reopen",
        verdicts::table(lang),
        faults::table(lang, |fault| gateway.can_show(fault)),
    );
    text += &format!("  {}{}\n", lang.pick("操作: ", "operations: "), gateway.operations().join(" "));
    for report in gateway.plans() {
        text += &format!("\n{} {}", lang.pick("設定中の障害:", "planned fault:"), report.plan);
    }
    text += lang.pick("\n終了は Ctrl-C\n", "\nCtrl-C ends it\n");
    text
}
