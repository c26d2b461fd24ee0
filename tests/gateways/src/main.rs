//! Runs a gateway for people and for scripts: prints where it is, whom it knows and what can be
//! asked of it, and serves until it is stopped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use gateways::atobarai_com::AtobaraiCom;
use gateways::control::Control;
use gateways::{FaultPlan, Gateway, Lang, Options, faults, verdicts};

/// Simulated gateways of deferred-payment providers, on loopback only.
#[derive(Parser)]
struct Arguments {
    /// Whose gateway.
    provider: Provider,
    /// Port of the gateway; a free one if 0.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the control desk; a free one if 0.
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// A fault to begin with: FAULT[@OPERATION][:nth=N|first=N|every=N|reference=ID].
    #[arg(long, value_name = "PLAN")]
    fault: Vec<FaultPlan>,
    /// Answer 404 to the detail call, which is only assumed to exist.
    #[arg(long)]
    no_detail: bool,
    /// Refuse a second registration under the same reference.
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
    /// Written once it listens: JSON with "origin" and "control".
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Provider {
    AtobaraiCom,
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
        ..Options::default()
    };
    let (started, merchant) = match arguments.provider {
        Provider::AtobaraiCom => {
            let provider = AtobaraiCom {
                detail: !arguments.no_detail,
                unique_reference: arguments.unique_reference,
                ..AtobaraiCom::default()
            };
            let merchant = merchant(&provider, arguments.lang);
            (Gateway::start(provider, options).await, merchant)
        }
    };
    let gateway = Arc::new(started.map_err(|error| in_words(arguments.port, &error))?);
    gateway.plan_all(arguments.fault).map_err(|error| error.to_string())?;
    let control = Control::start(gateway.clone(), arguments.control_port).await;
    let control = control.map_err(|error| in_words(arguments.control_port, &error))?;
    print!("{}", greeting(&gateway, &control, &merchant, arguments.lang));
    if let Some(path) = &arguments.ready_file {
        let ready = serde_json::json!({ "origin": gateway.origin(), "control": control.origin() });
        write_whole(path, &ready.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
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

fn merchant(provider: &AtobaraiCom, lang: Lang) -> String {
    let AtobaraiCom { enterprise_id, site_id, api_user_id, .. } = provider;
    match lang {
        Lang::Ja => format!("後払い.com  事業者ID {enterprise_id}  サイトID {site_id}  APIユーザID {api_user_id}"),
        Lang::En => format!("後払い.com  EnterpriseId {enterprise_id}  SiteId {site_id}  ApiUserId {api_user_id}"),
    }
}

fn greeting(gateway: &Gateway, control: &Control, merchant: &str, lang: Lang) -> String {
    let mut text = format!(
        "{merchant}\n  {}  {}\n  {}  {}  {}\n\n{}\n{}",
        lang.pick("ゲートウェイ", "gateway     "),
        gateway.origin(),
        lang.pick("操作用      ", "control desk"),
        control.origin(),
        "GET /ledger /requests /faults  POST /faults /close /reopen",
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
