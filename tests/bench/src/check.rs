//! What must not grow unnoticed: counted instructions, connections, commits and sizes against committed figures.
//!
//! Nothing here is a time, so neither the machine nor what else it does makes a difference. Instructions of the
//! calling process are counted by valgrind's callgrind, between two points that this program names from outside, so
//! neither starting nor compiling is among them; instructions of the component by wasmtime's fuel. Both are of the
//! everyday build, which the tests have built anyway: what makes a call cost more there does so in a release.

use crate::bare::{Bare, Setup, Transport};
use crate::call::{self, component};
use crate::gateway::Process;
use crate::native::{self, Pool};
use crate::{batch, samples};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How far above the committed figure one may be.
const TOLERANCE: f64 = 1.1;
/// Calls before the count begins: connections are opened, lazy values made.
const WARM_UP: usize = 10;
/// Calls that are counted.
const COUNTED: usize = 50;
/// Orders of a batch whose commits are counted.
const BATCH: usize = 500;
/// Commits for each order that are few enough: how many calls share one depends on how busy the machine is, so that
/// fewer are no figure to compare with.
const FEW_COMMITS: f64 = 0.15;

type Figures = BTreeMap<String, f64>;

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("committed.toml")
}

/// Compares with the committed figures, or `write`s them. An error if one is too high.
pub async fn check(write: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let figures = measured(folder.path()).await?;
    if write {
        let head =
            "# What `cargo xtask bench --check` compares with; written by `cargo xtask bench --check --write`.\n";
        std::fs::write(committed(), format!("{head}{}", toml::to_string(&figures)?))?;
        figures.iter().for_each(|(what, value)| println!("{value:>14.2}  {what}"));
        return Ok(());
    }
    let path = committed();
    let before: Figures = toml::from_str(&std::fs::read_to_string(&path).with_context(|| path.display().to_string())?)?;
    for (what, value) in &figures {
        let known = before.get(what).map_or("nothing".to_owned(), |known| format!("{known:.2}"));
        println!("{value:>14.2}  {what} (committed: {known})");
    }
    let worse = worse(&before, &figures);
    anyhow::ensure!(
        worse.is_empty(),
        "against {}:\n  {}\nIf this is meant to cost more, commit it: `cargo xtask bench --check --write`",
        path.display(),
        worse.join("\n  ")
    );
    Ok(())
}

/// What is more than [`TOLERANCE`] allows, or is not in both.
fn worse(before: &Figures, now: &Figures) -> Vec<String> {
    let higher = now.iter().filter_map(|(what, value)| match before.get(what) {
        None => Some(format!("{what} has no committed figure")),
        Some(known) if *value > known * TOLERANCE => {
            Some(format!("{what}: {value:.2}, more than a tenth above {known:.2}"))
        }
        Some(_) => None,
    });
    let gone = before.keys().filter(|what| !now.contains_key(*what));
    higher.chain(gone.map(|what| format!("{what} was not measured"))).collect()
}

async fn measured(folder: &Path) -> Result<Figures> {
    let gateway = Process::gateway(0)?;
    let mut figures = Figures::new();
    let bare = Bare::load(&component()?, Setup::Fueled)?;
    let transport = Transport::Pooled(Pool::new(&gateway.address, None));
    let mut instance = bare.instance(&transport).await?;
    instance.fee_adjust(&samples::fee_rule(), &samples::BILL).await?;
    figures.insert("component: wasm instructions of a fee-adjust".to_owned(), instance.fuel()? as f64);
    let mut instance = bare.instance(&transport).await?;
    instance.credit(&gateway.origin(), samples::host_order("FUEL-0001".to_owned())).await?;
    figures.insert("component: wasm instructions of a credit".to_owned(), instance.fuel()? as f64);

    let before = gateway.stats()?.connections;
    let native = instructions("native", &gateway.address, folder)?;
    let between = gateway.stats()?.connections;
    let host = instructions("host", &gateway.address, folder)?;
    let after = gateway.stats()?.connections;
    // Each question came over a connection of its own.
    anyhow::ensure!(between - before - 1 == 1, "the native code took {} connections", between - before - 1);
    figures.insert("host: connections of credits one after another".to_owned(), (after - between - 1) as f64);
    let fee = instructions("fee", &gateway.address, folder)?;
    figures.insert("native: instructions of a credit".to_owned(), native);
    figures.insert("host: instructions of a credit".to_owned(), host);
    figures.insert("host: instructions of a credit for each of native code".to_owned(), host / native);
    figures.insert("host: instructions of a fee-adjust".to_owned(), fee);
    let commits = batch::commits_of(folder, BATCH)?.max(FEW_COMMITS);
    figures.insert("batch: commits for each order".to_owned(), commits);
    for name in ["atobarai-com", "np", "atodene", "score", "kuroneko"] {
        let size = std::fs::metadata(e2e::program(&format!("plugins/{name}.wasm"))?)?.len();
        figures.insert(format!("component: bytes of {name}"), size as f64);
    }
    Ok(figures)
}

/// The side under valgrind: does its calls when it is told to, so that the other side can switch counting on and off.
pub async fn counted(subject: &str, gateway: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let origin = format!("http://{gateway}");
    let (pool, shop) = (Pool::new(gateway, None), samples::account(&origin));
    let plugin = match subject {
        "native" => None,
        _ => Some(call::plugin(&call::host(folder.path(), 1)?, &origin).await?),
    };
    let once = async |n: usize| match &plugin {
        None => native::credit(&pool, &origin, samples::sdk_order(format!("N-{n:04}"))).await,
        Some(plugin) if subject == "fee" => call::fee(plugin).await,
        Some(plugin) => call::credit(plugin, &shop, format!("H-{n:04}")).await,
    };
    for n in 0..WARM_UP {
        once(n).await?;
    }
    told_to_go_on("warm")?;
    for n in 0..COUNTED {
        once(WARM_UP + n).await?;
    }
    told_to_go_on("counted")
}

/// Says where it is, and waits for a line.
fn told_to_go_on(place: &str) -> Result<()> {
    println!("{place}");
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// Instructions of one call of `subject`, as callgrind counts them.
fn instructions(subject: &str, gateway: &str, folder: &Path) -> Result<f64> {
    let counts = folder.join(format!("{subject}.callgrind"));
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&counts);
    let mut child = Command::new("valgrind")
        // What it says of stacks is about fibers, which change them by themselves.
        .args(["--tool=callgrind", "--instr-atstart=no", "--quiet", "--log-file=/dev/null"])
        .arg(out)
        .arg(std::env::current_exe()?)
        .args(["counted", subject, "--gateway", gateway])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("valgrind; `apt-get install valgrind`")?;
    let mut input = child.stdin.take().context("no input")?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?).lines();
    // Written out at once: what was counted is forgotten where counting is switched off.
    for (place, order) in [("warm", "--instr=on"), ("counted", "--dump")] {
        let said = output.next().transpose()?;
        anyhow::ensure!(said.as_deref() == Some(place), "{subject} said {said:?} instead of {place}");
        control(&child, order)?;
        writeln!(input)?;
    }
    anyhow::ensure!(child.wait()?.success(), "{subject} under valgrind failed");
    // The first of what was written out; the end of the process is in another.
    let text = std::fs::read_to_string(counts.with_added_extension("1"))?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    let total: f64 =
        total.and_then(|total| total.split_whitespace().next()).context("callgrind counted nothing")?.parse()?;
    Ok(total / COUNTED as f64)
}

fn control(child: &Child, order: &str) -> Result<()> {
    let output = Command::new("callgrind_control").arg(order).arg(child.id().to_string()).output()?;
    anyhow::ensure!(output.status.success(), "callgrind_control: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(values: &[(&str, f64)]) -> Figures {
        values.iter().map(|(what, value)| ((*what).to_owned(), *value)).collect()
    }

    #[test]
    fn a_tenth_more_is_allowed_and_nothing_beyond() {
        let before = figures(&[("a", 100.0), ("b", 0.0)]);
        assert_eq!(worse(&before, &figures(&[("a", 110.0), ("b", 0.0)])), [""; 0]);
        assert_eq!(worse(&before, &figures(&[("a", 1.0), ("b", 0.0)])), [""; 0]);
        assert_eq!(worse(&before, &figures(&[("a", 111.0), ("b", 1.0)])).len(), 2);
    }

    #[test]
    fn a_figure_that_is_in_one_alone_is_named() {
        let worse = worse(&figures(&[("gone", 1.0)]), &figures(&[("new", 1.0)]));
        assert!(worse.len() == 2 && worse[0].contains("new") && worse[1].contains("gone"), "{worse:?}");
    }
}
