//! What one confined call costs, beside what a user would pick instead.

use crate::bare::{Bare, Setup, Transport, Warm};
use crate::gateway::{Echo, Process};
use crate::measure::{Load, Times, load, memory_of};
use crate::native::{self, Pool};
use crate::report::{Curve, Figure, Section, Target, Unit};
use crate::{Effort, connector, extism, samples};
use anyhow::{Context, Result};
use provider_host::{Account, Host, Limits, Permissions, Plugin};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Calls side by side in what is measured as load: a batch's default is of this size.
pub const AT_ONCE: usize = 64;
/// Calls that wait at once where their memory is measured.
const WAITING: usize = 1_000;
/// How long their gateway takes: long enough for all of them to be waiting.
const WAIT_MS: u64 = 4_000;

/// The component that is called.
pub fn component() -> Result<PathBuf> {
    e2e::program("plugins/atobarai-com.wasm").context("run `cargo xtask plugins` first")
}

/// A host with the cache in `folder`, and bounds that let `calls` calls run side by side.
pub fn host(folder: &Path, calls: usize) -> Result<Host> {
    let default = Limits::default();
    let limits = Limits {
        concurrent_calls: calls.max(default.concurrent_calls),
        plugin_calls: calls.max(default.plugin_calls),
        plugin_connections: calls.max(default.plugin_connections),
        plugin_memory: default.plugin_memory.max(calls << 24),
        total_memory: default.total_memory.max(calls << 24),
        ..default
    };
    Ok(Host::builder().cache_dir(folder.join("compiled")).limits(limits).build()?)
}

/// The measured plugin, granted `origin` and nothing else.
pub async fn plugin(host: &Host, origin: &str) -> Result<Plugin> {
    Ok(host.load(component()?, Permissions::loopback(origin.parse()?)).await?)
}

/// One credit through the host.
pub async fn credit(plugin: &Plugin, shop: &Account, reference: String) -> Result<()> {
    let answer = plugin.credit(shop, vec![samples::host_order(reference)]).await;
    anyhow::ensure!(answer.rows.iter().all(Result::is_ok), "a credit failed: {:?}", answer.rows);
    Ok(())
}

/// One fee through the host.
pub async fn fee(plugin: &Plugin) -> Result<()> {
    let adjusted = plugin.fee_adjust(&samples::fee_rule(), &samples::BILL).await?;
    anyhow::ensure!(adjusted.is_ok_and(|adjusted| adjusted.billed_amount == 1_830), "a wrong fee");
    Ok(())
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Everybody who is asked to register an order, at one gateway.
struct Subjects {
    gateway: Process,
    service: Process,
    pool: Pool,
    to_service: Pool,
    bare: Bare,
    #[cfg(feature = "peers")]
    pooling: Bare,
    pooled: Transport,
    plugin: Plugin,
    shop: Account,
}

impl Subjects {
    async fn start(host: &Host) -> Result<Self> {
        let gateway = Process::gateway(0)?;
        let service = Process::start(&["connector", "--gateway", &gateway.address])?;
        let pool = Pool::new(&gateway.address, None);
        Ok(Self {
            to_service: Pool::new(&service.address, None),
            bare: Bare::load(&component()?, Setup::OnDemand)?,
            #[cfg(feature = "peers")]
            pooling: Bare::load(&component()?, Setup::Pooling)?,
            pooled: Transport::Pooled(pool.clone()),
            plugin: plugin(host, &gateway.origin()).await?,
            shop: samples::account(&gateway.origin()),
            gateway,
            service,
            pool,
        })
    }

    fn base(&self) -> String {
        self.gateway.origin()
    }

    async fn native(&self, n: usize) -> Result<()> {
        native::credit(&self.pool, &self.base(), samples::sdk_order(format!("N-{n}"))).await
    }

    async fn service(&self, n: usize) -> Result<()> {
        connector::ask(&self.to_service, &samples::host_order(format!("C-{n}"))).await
    }

    async fn fresh(&self, transport: &Transport, n: usize) -> Result<()> {
        self.fresh_of(&self.bare, transport, n).await
    }

    async fn fresh_of(&self, bare: &Bare, transport: &Transport, n: usize) -> Result<()> {
        let mut instance = bare.instance(transport).await?;
        instance.credit(&self.base(), samples::host_order(format!("F-{n}"))).await
    }

    async fn warm(&self, kept: &Mutex<Vec<Warm>>, n: usize) -> Result<()> {
        let idle = kept.lock().ok().and_then(|mut kept| kept.pop());
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.bare.instance(&self.pooled).await?,
        };
        instance.credit(&self.base(), samples::host_order(format!("W-{n}"))).await?;
        if let Ok(mut kept) = kept.lock() {
            kept.push(instance);
        }
        Ok(())
    }

    async fn host(&self, n: usize) -> Result<()> {
        credit(&self.plugin, &self.shop, format!("H-{n}")).await
    }
}

/// One call after another, all subjects in turn so that whatever else the machine does meets all of them.
struct Alone {
    echo: Times,
    native: Times,
    warm: Times,
    fresh: Times,
    host: Times,
    #[cfg(feature = "peers")]
    default: Times,
    service: Times,
    simulated: Times,
}

async fn alone(subjects: &Subjects, simulated: &Plugin, at: &Account, effort: Effort) -> Result<Alone> {
    let mut echo = Echo::start()?;
    let kept = Mutex::default();
    let mut times = Alone {
        echo: Times::default(),
        native: Times::default(),
        warm: Times::default(),
        fresh: Times::default(),
        host: Times::default(),
        #[cfg(feature = "peers")]
        default: Times::default(),
        service: Times::default(),
        simulated: Times::default(),
    };
    for round in 0..effort.rounds() {
        for n in round * 50..(round + 1) * 50 {
            times.echo.time(async { echo.once() }).await?;
            times.native.time(subjects.native(n)).await?;
            times.warm.time(subjects.warm(&kept, n)).await?;
            times.fresh.time(subjects.fresh(&subjects.pooled, n)).await?;
            times.host.time(subjects.host(n)).await?;
            times.service.time(subjects.service(n)).await?;
            #[cfg(feature = "peers")]
            times.default.time(subjects.fresh(&Transport::Default, n)).await?;
            times.simulated.time(credit(simulated, at, format!("S-{n}"))).await?;
        }
    }
    Ok(times)
}

/// Calls side by side, on one thread of this process.
struct Together {
    native: Load,
    warm: Load,
    fresh: Load,
    host: Load,
    #[cfg(feature = "peers")]
    default: Load,
    #[cfg(feature = "peers")]
    pooling: Load,
    service: Load,
    /// New connections for each credit of the host's.
    connections: f64,
}

async fn together(subjects: &Subjects, effort: Effort) -> Result<Together> {
    let calls = effort.calls();
    let kept = Mutex::default();
    // What is opened and made once is not a call's.
    load(AT_ONCE * 2, AT_ONCE, |n| subjects.native(n)).await?;
    load(AT_ONCE * 2, AT_ONCE, |n| subjects.warm(&kept, n)).await?;
    load(AT_ONCE * 2, AT_ONCE, |n| subjects.service(n)).await?;
    load(AT_ONCE * 2, AT_ONCE, |n| subjects.host(n)).await?;
    let native = load(calls, AT_ONCE, |n| subjects.native(n)).await?;
    let warm = load(calls, AT_ONCE, |n| subjects.warm(&kept, n)).await?;
    let fresh = load(calls, AT_ONCE, |n| subjects.fresh(&subjects.pooled, n)).await?;
    let before = subjects.gateway.stats()?.connections;
    let host = load(calls, AT_ONCE, |n| subjects.host(n)).await?;
    // The question itself came over one.
    let opened = subjects.gateway.stats()?.connections.saturating_sub(before + 1);
    #[cfg(feature = "peers")]
    let default = load(calls, AT_ONCE, |n| subjects.fresh(&Transport::Default, n)).await?;
    #[cfg(feature = "peers")]
    let pooling = load(calls, AT_ONCE, |n| subjects.fresh_of(&subjects.pooling, &subjects.pooled, n)).await?;
    let spent = subjects.service.cpu()?;
    let mut service = load(calls, AT_ONCE, |n| subjects.service(n)).await?;
    service.cpu += (subjects.service.cpu()? - spent) / u32::try_from(calls)?;
    Ok(Together {
        native,
        warm,
        fresh,
        host,
        #[cfg(feature = "peers")]
        default,
        #[cfg(feature = "peers")]
        pooling,
        service,
        connections: opened as f64 / calls as f64,
    })
}

/// Resident memory of one more waiting call.
pub async fn waiting(folder: &Path) -> Result<Figure> {
    let gateway = Process::gateway(WAIT_MS)?;
    let plugin = plugin(&host(folder, WAITING)?, &gateway.origin()).await?;
    let shop = samples::account(&gateway.origin());
    fee(&plugin).await?;
    let before = memory_of("self", "VmRSS")?;
    let calls = load(WAITING, WAITING, |n| credit(&plugin, &shop, format!("M-{n}")));
    let all_there = async {
        while gateway.stats()?.requests < WAITING {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        memory_of("self", "VmRSS")
    };
    let (done, during) = tokio::join!(calls, all_there);
    done?;
    let each = during?.saturating_sub(before) as f64 / WAITING as f64;
    Ok(Figure::new("memory of one more waiting call", Unit::Bytes, each).target(Target::AtMost(f64::from(128 << 10))))
}

/// Times of one process over TLS.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct OverTls {
    /// Processor time of a credit through the host, in seconds.
    host: f64,
    /// The same for wasmtime's default steps.
    default: f64,
}

/// In a process that was told whom to trust: credits over TLS at `address`.
pub async fn over_tls(address: &str, certificate: &Path, effort: Effort) -> Result<OverTls> {
    use rustls::pki_types::pem::PemObject;
    let folder = tempfile::tempdir()?;
    let origin = format!("https://{address}");
    let (plugin, shop) = (plugin(&host(folder.path(), AT_ONCE)?, &origin).await?, samples::account(&origin));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(certificate)?)?;
    let (bare, transport) =
        (Bare::load(&component()?, Setup::OnDemand)?, Transport::DefaultTls { address: address.to_owned(), roots });
    let host = |n| credit(&plugin, &shop, format!("T-{n}"));
    let default =
        async |n| bare.instance(&transport).await?.credit(&origin, samples::host_order(format!("D-{n}"))).await;
    load(AT_ONCE * 2, AT_ONCE, host).await?;
    let calls = effort.calls() / 2;
    let host = load(calls, AT_ONCE, host).await?;
    let default = load(calls, AT_ONCE, default).await?;
    Ok(OverTls { host: seconds(host.cpu), default: seconds(default.cpu) })
}

fn tls_in_a_child(folder: &Path, effort: Effort) -> Result<OverTls> {
    let certificate = folder.join("gateway.pem");
    let path = certificate.to_string_lossy();
    let gateway = Process::start(&["gateway", "--certificate-to", &path])?;
    let mut child = std::process::Command::new(std::env::current_exe()?);
    child.args(["tls", "--gateway", &gateway.address, "--certificate", &path]).args(effort.argument());
    // The host trusts the platform's roots: here they are this one.
    let output = child.env("SSL_CERT_FILE", &certificate).stderr(std::process::Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "the calls over TLS ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Fees and loading, which need no gateway.
async fn small(
    host: &Host,
    subjects: &Subjects,
    peer: Option<&extism::Measured>,
    effort: Effort,
) -> Result<Vec<Figure>> {
    let (mut fresh, mut bare, mut warm, mut loads) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    let rule = samples::fee_rule();
    let mut kept = subjects.bare.instance(&subjects.pooled).await?;
    for _ in 0..effort.rounds() * 100 {
        fresh.time(fee(&subjects.plugin)).await?;
        bare.time(async { subjects.bare.instance(&subjects.pooled).await?.fee_adjust(&rule, &samples::BILL).await })
            .await?;
        warm.time(kept.fee_adjust(&rule, &samples::BILL)).await?;
    }
    for _ in 0..50 {
        let origin = subjects.base();
        loads.time(async { plugin(host, &origin).await.map(drop) }).await?;
    }
    let median = |times: &Times| times.median().map(seconds);
    let mut figures = vec![
        Figure::new("fee-adjust, fresh instance", Unit::Time, median(&fresh)?)
            .beside("wasmtime alone, fresh", median(&bare)?)
            .target(Target::AtMost(25e-6)),
        Figure::new("fee-adjust, warm instance (wasmtime alone)", Unit::Time, median(&warm)?)
            .target(Target::AtMost(1.5e-6)),
        Figure::new("load from the compiled cache", Unit::Time, median(&loads)?).target(Target::AtMost(1e-3)),
    ];
    if let Some(peer) = peer {
        figures.push(
            Figure::new("fee-adjust, fresh instance", Unit::Time, median(&fresh)?)
                .beside("Extism, fresh", peer.fee_fresh),
        );
        figures.push(
            Figure::new("fee-adjust, warm (wasmtime alone)", Unit::Time, median(&warm)?)
                .beside("Extism, warm", peer.fee_warm),
        );
    }
    Ok(figures)
}

fn sizes() -> Result<Figure> {
    let folder = component()?.parent().context("no folder")?.to_owned();
    let mut largest = (String::new(), 0);
    for name in ["atobarai-com", "np", "atodene", "score", "kuroneko"] {
        let size = std::fs::metadata(folder.join(name).with_extension("wasm"))?.len();
        if size > largest.1 {
            largest = (name.to_owned(), size);
        }
    }
    let what = format!("the largest component ({})", largest.0);
    Ok(Figure::new(what, Unit::Bytes, largest.1 as f64).target(Target::AtMost(f64::from(400 << 10))))
}

/// Everything about one call. `peer` is what Extism took in the same run.
pub async fn section(folder: &Path, waiting: Figure, effort: Effort) -> Result<Section> {
    let host = host(folder, AT_ONCE)?;
    let subjects = Subjects::start(&host).await?;
    let simulator = e2e::gateway::Gateway::start("atobarai-com", folder)?;
    let simulated = plugin(&host, &simulator.origin).await?;
    let peer = extism::measure(&subjects.gateway.address)?;
    let times = alone(&subjects, &simulated, &samples::account(&simulator.base), effort).await?;
    let loads = together(&subjects, effort).await?;
    let tls = tls_in_a_child(folder, effort)?;

    let median = |times: &Times| times.median().map(seconds);
    let echo = median(&times.echo)?;
    let against_echo = |what: &str, time: f64| Figure::new(what, Unit::Time, time).beside("echo", echo);
    let cpu = |load: Load| seconds(load.cpu);
    // Calls that one core makes in a second: what the rate comes to where nothing else is at work.
    let core = |load: Load| 1.0 / cpu(load);
    let against_native =
        |what: &str, load: Load| Figure::new(what, Unit::Rate, core(load)).beside("native", core(loads.native));
    let mut figures = vec![
        against_echo("credit, native code", median(&times.native)?),
        against_echo("credit, warm instance (wasmtime alone)", median(&times.warm)?).target(Target::RatioAtMost(2.0)),
        against_echo("credit, fresh instance (wasmtime alone)", median(&times.fresh)?),
        against_echo("credit, fresh instance, through the host", median(&times.host)?).target(Target::RatioAtMost(5.0)),
        against_echo("credit, connector as a service", median(&times.service)?),
        against_native("credits of one core, 64 at once, warm (wasmtime alone)", loads.warm)
            .target(Target::RatioAtLeast(0.95)),
        against_native("credits of one core, 64 at once, fresh (wasmtime alone)", loads.fresh),
        against_native("credits of one core, 64 at once, through the host", loads.host)
            .target(Target::RatioAtLeast(0.8)),
        Figure::new("credits of one core, 64 at once, through the host", Unit::Rate, core(loads.host))
            .beside("connector as a service, both processes", core(loads.service)),
        Figure::new("credits of one core over TLS, through the host", Unit::Rate, 1.0 / tls.host)
            .beside("wasmtime's default transport, our root", 1.0 / tls.default)
            .target(Target::RatioAtLeast(5.0)),
        Figure::new("new connections for each credit", Unit::Count, loads.connections).target(Target::AtMost(0.01)),
    ];
    #[cfg(feature = "peers")]
    figures.splice(
        9..9,
        [
            Figure::new("credit, through the host", Unit::Time, median(&times.host)?)
                .beside("wasmtime's default transport", median(&times.default)?),
            Figure::new("credits of one core, 64 at once, through the host", Unit::Rate, core(loads.host))
                .beside("wasmtime's default transport", core(loads.default)),
            Figure::new(
                "credits of one core, 64 at once, fresh, memories and stacks pooled",
                Unit::Rate,
                core(loads.pooling),
            )
            .beside("wasmtime alone, fresh", core(loads.fresh)),
        ],
    );
    if let Some(peer) = &peer {
        figures.push(
            Figure::new("credit, through the host", Unit::Time, median(&times.host)?)
                .beside("Extism, fresh instance, form and request", peer.register),
        );
    }
    figures.extend(small(&host, &subjects, peer.as_ref(), effort).await?);
    figures.extend([waiting, sizes()?]);
    let says = breakdown(&times)?;
    Ok(Section {
        title: "The call",
        how: "One 後払い.com registration of one line over loopback, at a gateway that answers at once and does \
              nothing else. One after another: medians, all subjects in turn. 64 at once: calls in a second of \
              processor time of the calling process, which runs on one thread; another program's work does not \
              change that, as it does a rate by the clock. *Echo* is as many bytes there and back between two threads. \
              *Native* is the same provider code, compiled natively, over a pool that keeps connections as the host's \
              does. *wasmtime alone* is the same component over that pool, without any of the host's limits, masks and \
              reports."
            .to_owned(),
        figures,
        curves: vec![Curve {
            file: "credit",
            title: "One credit after another: share of calls that took no longer",
            x: "microseconds",
            y: "percent",
            lines: vec![
                ("native", distribution(&times.native)?),
                ("wasmtime alone, warm", distribution(&times.warm)?),
                ("wasmtime alone, fresh", distribution(&times.fresh)?),
                ("host", distribution(&times.host)?),
                ("connector", distribution(&times.service)?),
            ],
        }],
        says,
    })
}

fn distribution(times: &Times) -> Result<Vec<(f64, f64)>> {
    (1..20).map(|part| Ok((seconds(times.quantile(f64::from(part) / 20.0)?) * 1e6, f64::from(part) * 5.0))).collect()
}

/// Where a credit's time goes, as differences of medians.
fn breakdown(times: &Alone) -> Result<Vec<String>> {
    let steps = [
        ("the bytes there and back", &times.echo),
        ("the provider's code and HTTP, natively", &times.native),
        ("wasmtime: values in and out, wasi:http, the component's code instead of native", &times.warm),
        ("a fresh instance", &times.fresh),
        ("the host: limits, masks, origins, counting of bytes, reports; less what its pool spares", &times.host),
        ("the strict simulator instead of the bare gateway", &times.simulated),
    ];
    let mut before = 0.0;
    let mut said = vec!["Where the time of one credit goes (differences of the medians above):".to_owned()];
    for (what, times) in steps {
        let until = seconds(times.median()?);
        said.push(format!("- {:.1} µs: {what}", (until - before) * 1e6));
        before = until;
    }
    Ok(vec![said.join("\n")])
}
