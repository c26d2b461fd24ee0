//! A function for each command.

mod build;
mod check;
mod explain;
mod inspect;
mod keygen;
mod keys;
mod new;
mod push;
mod sign;

use clap::{Parser, Subcommand};
use provider_build::project::Project;
use provider_host::Compiler;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Ends a command that could not do its work, as opposed to one whose answer is no.
const CANNOT: u8 = 2;

/// Begins, builds, judges, signs and ships a plugin for a deferred-payment (後払い) provider.
///
/// Ends with 0 if all is well, 1 if a check failed, 2 if the command could not do its work.
#[derive(Parser)]
#[command(name = "provider", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 新しいプラグインを始める / begin a plugin in a folder of its own: it passes the kit as it is
    New(new::Options),
    /// プラグインをコンポーネントにする / build the plugin in a folder as a component
    Build(build::Options),
    /// プラグインを検査する / judge a component: the contract, under every fault
    Check(check::Options),
    /// 検査項目の説明 / what a check asks, how it is tried, what to do where it fails
    Explain(explain::Options),
    /// コンポーネントの説明・import・設定項目 / what a component is, imports and needs
    Inspect(inspect::Options),
    /// 署名に使う鍵を作る / make the key that signs your plugins
    Keygen(keygen::Options),
    /// コンポーネントに署名する / sign a component as what it describes
    Sign(sign::Options),
    /// コンポーネントを署名と一緒にレジストリに送る / push a component with its signature to an OCI registry
    Push(push::Options),
}

/// Carries out `arguments`. Components are compiled by `compiler`, a process of this program.
pub fn run(arguments: &Arguments, compiler: Compiler) -> ExitCode {
    let result = match &arguments.command {
        Command::New(options) => new::run(options).map(|()| true),
        Command::Build(options) => build::run(options).map(|()| true),
        Command::Check(options) => check::run(options, compiler),
        Command::Explain(options) => explain::run(options).map(|()| true),
        Command::Inspect(options) => inspect::run(options, compiler).map(|()| true),
        Command::Keygen(options) => keygen::run(options).map(|()| true),
        Command::Sign(options) => sign::run(options, compiler).map(|()| true),
        Command::Push(options) => push::run(options, compiler).map(|()| true),
    };
    match result {
        Ok(passed) => ExitCode::from(u8::from(!passed)),
        Err(error) => {
            use std::io::Write;
            // Written without a panic where the reader has gone; the exit code says it as well.
            let _ = writeln!(std::io::stderr(), "{}", format!("{error:#}").trim_end());
            ExitCode::from(CANNOT)
        }
    }
}

/// Prints `text`. A pipe that its reader closed, as in `… | head -1`, is no error: the exit code still has the
/// answer.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            anyhow::bail!("the output cannot be written: {error}")
        }
        _ => Ok(()),
    }
}

/// The component that is meant: `file`, or that of the plugin in this folder, or in the folder that `file` is.
fn component_file(file: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    let folder = match file {
        Some(file) if !file.is_dir() => return Ok(file.clone()),
        Some(folder) => folder.as_path(),
        None => Path::new("."),
    };
    let component = Project::find(folder)?.component();
    if !component.exists() {
        anyhow::bail!("{} is not there yet; `provider build` makes it", component.display());
    }
    // As it is seen from here.
    let name = Path::new(component.file_name().unwrap_or_default());
    Ok(file.map_or_else(|| name.to_owned(), |folder| folder.join(name)))
}
