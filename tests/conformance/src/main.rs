//! `conformance FILE.wasm`: the kit's command line. `cargo xtask kit` runs it.

#![forbid(unsafe_code)]

use clap::Parser;
use conformance::{Lang, Options, judge, odd};
use provider_host::Compiler;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A settings file is a few lines; more than this is some other file.
const MAX_SETTINGS_BYTES: u64 = 64 << 10;

/// Judges a provider plugin by its component file. Ends with 0 if it keeps the contract, 1 if a check
/// failed, 2 if it could not be judged.
#[derive(Parser)]
#[command(name = "kit")]
struct Arguments {
    /// The component.
    file: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Language of the report: ja or en.
    #[arg(long, default_value = "ja")]
    lang: Lang,
    /// Settings that cannot be guessed from the description: a TOML file of `key = "value"` lines.
    #[arg(long, value_name = "FILE.toml")]
    settings: Option<PathBuf>,
    /// Where the generator of odd inputs starts.
    #[arg(long, default_value_t = odd::SEED)]
    seed: u64,
}

fn main() -> ExitCode {
    // Before there is a thread: this may be a process that was started to compile the component.
    let compiler = Compiler::run_if_child();
    match run(&Arguments::parse(), compiler) {
        Ok(passed) => ExitCode::from(u8::from(!passed)),
        Err(words) => {
            // Written without a panic where the reader has gone; the exit code says it as well.
            let _ = writeln!(io::stderr(), "{words}");
            ExitCode::from(2)
        }
    }
}

#[tokio::main]
async fn run(arguments: &Arguments, compiler: Compiler) -> Result<bool, String> {
    let settings = arguments.settings.as_deref().map(read_settings).transpose()?.unwrap_or_default();
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let compiler = Some(compiler);
    let options = Options { settings, seed: arguments.seed, bless, compiler, ..Options::default() };
    let report = judge(&arguments.file, &options).await.map_err(|error| error.to_string())?;
    print(&match arguments.json {
        true => format!("{:#}\n", report.json(arguments.lang)),
        false => report.text(arguments.lang),
    })?;
    Ok(report.passed())
}

/// Prints the report. A pipe that its reader closed, as in `… | head -1`, is no error: the exit code still has the
/// verdict.
fn print(report: &str) -> Result<(), String> {
    match io::stdout().write_all(report.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("the report cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

fn read_settings(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let failed = |why: String| format!("the settings file {} cannot be used: {why}", path.display());
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > MAX_SETTINGS_BYTES {
        return Err(failed(format!("it has {size} bytes, and {MAX_SETTINGS_BYTES} are allowed")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| failed(error.to_string()))
}
