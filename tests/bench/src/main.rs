//! What a confined call costs, what a batch costs, and what grows, beside what a user would pick instead:
//! `cargo xtask bench`. The page `docs/performance.md` and its curves are written by a run.

#![forbid(unsafe_code)]

mod bare;
mod batch;
mod call;
mod check;
mod component;
mod connector;
mod extism;
mod gateway;
mod growth;
mod list;
mod machine;
mod measure;
mod native;
mod report;
mod samples;
mod worlds;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Open files that a thousand connections need, with room.
const FILES: u64 = 8_192;
/// What people wrote about the figures; it stands at the page's end.
const NOTES: &str = include_str!("../notes.md");

/// Measures the sandbox beside its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// Fewer calls and smaller batches: a minute instead of many, and figures that jump.
    #[arg(long)]
    short: bool,
    /// The folder that gets `performance.md` and its curves; without it there is the table alone.
    #[arg(long, conflicts_with = "only")]
    docs: Option<PathBuf>,
    /// Only these parts.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// A part of what is measured, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Call,
    Worlds,
    CallsAtOnce,
    Plugins,
    Batch,
    Postgresql,
    List,
}

#[derive(Subcommand)]
enum Task {
    /// Compare what can be counted with the committed figures; an error if one is more than a tenth above.
    Check {
        /// Commit what was counted instead.
        #[arg(long)]
        write: bool,
    },
    /// What loading a component and one call of it cost.
    Component {
        /// The component.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The gateway that all meet, in a process of its own.
    #[command(hide = true)]
    Gateway {
        #[arg(long, default_value_t = 0)]
        latency_ms: u64,
        #[arg(long)]
        certificate_to: Option<PathBuf>,
    },
    /// The connector as a service.
    #[command(hide = true)]
    Connector {
        #[arg(long)]
        gateway: String,
    },
    /// Credits over TLS, in a process that trusts the gateway.
    #[command(hide = true)]
    Tls {
        #[arg(long)]
        gateway: String,
        #[arg(long)]
        certificate: PathBuf,
        #[arg(long)]
        short: bool,
    },
    /// Calls to be counted under valgrind.
    #[command(hide = true)]
    Counted {
        subject: String,
        #[arg(long)]
        gateway: String,
    },
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    Short,
    Long,
}

impl Effort {
    /// Turns of fifty calls one after another.
    fn rounds(self) -> usize {
        self.pick(2, 20)
    }

    /// Calls side by side.
    fn calls(self) -> usize {
        self.pick(500, 5_000)
    }

    /// How often as many calls are made as run at once.
    fn waves(self) -> usize {
        self.pick(2, 10)
    }

    /// Orders in a batch.
    fn batches(self) -> &'static [usize] {
        match self {
            Self::Short => &[10, 100],
            Self::Long => &[10, 100, 1_000, 10_000, 100_000],
        }
    }

    /// The argument that says the same to a child process.
    fn argument(self) -> Option<&'static str> {
        (self == Self::Short).then_some("--short")
    }

    fn pick(self, short: usize, long: usize) -> usize {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let effort = if arguments.short { Effort::Short } else { Effort::Long };
    match arguments.task {
        None => {
            raise_limit_of_files()?;
            measure(effort, arguments.docs.as_deref(), &arguments.only)
        }
        Some(Task::Check { write }) => on_one_thread(check::check(write)),
        Some(Task::Component { file, json }) => {
            let cost = on_one_thread(component::measure(&file))?;
            print!("{}", if json { serde_json::to_string(&cost)? } else { cost.to_string() });
            Ok(())
        }
        Some(Task::Gateway { latency_ms, certificate_to }) => {
            on_one_thread(gateway::serve(Duration::from_millis(latency_ms), certificate_to))
        }
        Some(Task::Connector { gateway }) => on_one_thread(connector::serve(gateway)),
        Some(Task::Tls { gateway, certificate, short }) => {
            let effort = if short { Effort::Short } else { Effort::Long };
            let measured = on_one_thread(call::over_tls(&gateway, &certificate, effort))?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        Some(Task::Counted { subject, gateway }) => on_one_thread(check::counted(&subject, &gateway)),
    }
}

fn on_one_thread<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(task)
}

fn on_all_cores<T>(task: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(task)
}

/// A thousand calls are a thousand connections; children inherit it.
fn raise_limit_of_files() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let current = now.maximum.unwrap_or(FILES).min(FILES);
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: now.maximum })
        .context("the limit of open files")
}

fn measure(effort: Effort, docs: Option<&Path>, only: &[Part]) -> Result<()> {
    let (began, load) = (Instant::now(), machine::load_average()?);
    // Beside the program, so that a batch is on the disk on which the project is.
    let beside = std::env::current_exe()?;
    let folder = tempfile::tempdir_in(beside.parent().context("no folder")?)?;
    let folder = folder.path();
    let parts = if only.is_empty() { Part::value_variants() } else { only };
    let mut sections = Vec::new();
    for part in parts {
        let section = part.measure(folder, effort)?;
        println!("{}", section.table());
        sections.push(section);
    }
    let head = machine::describe(effort, load, began.elapsed())?;
    println!("{head}");
    let Some(docs) = docs else { return Ok(()) };
    let curves = docs.join("performance");
    std::fs::create_dir_all(&curves)?;
    for curve in sections.iter().flat_map(|section| &section.curves) {
        curve.draw(&curves)?;
    }
    let parts: Vec<_> = sections.iter().map(report::Section::markdown).collect();
    let page = format!("# Performance\n\n{head}\n{}{NOTES}", parts.concat());
    std::fs::write(docs.join("performance.md"), page)?;
    Ok(())
}

impl Part {
    fn measure(self, folder: &Path, effort: Effort) -> Result<report::Section> {
        match self {
            Self::Call => {
                // First, before this process has grown: memory that was used once is used again.
                let waiting = on_all_cores(call::waiting(folder))?;
                on_one_thread(call::section(folder, waiting, effort))
            }
            Self::Worlds => on_one_thread(worlds::section(folder, effort)),
            Self::CallsAtOnce => on_all_cores(growth::calls(folder, effort)),
            Self::Plugins => on_one_thread(growth::plugins(folder, effort)),
            Self::Batch => on_all_cores(batch::section(folder, effort)),
            Self::Postgresql => batch::on_postgresql(folder, effort),
            Self::List => on_all_cores(list::section(folder, effort)),
        }
    }
}

/// What `program` prints on its first line.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}
