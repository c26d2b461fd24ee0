//! The program `host-demo`: runs the command line of [`host_demo`] and turns its result into an exit code.

#![forbid(unsafe_code)]

use app::cli::Cli;
use app::terminal;
use clap::Parser;
use provider_host::Compiler;
use std::process::ExitCode;

/// Some orders failed or are unknown; the output says which.
const SOME_FAILED: u8 = 1;
/// Bad input, or the platform itself failed. clap ends with the same for a wrong command line.
const BAD_INPUT: u8 = 2;

fn main() -> ExitCode {
    // Before there is a thread: this may be a process that was started to compile a plugin.
    let compiler = Compiler::run_if_child();
    if let Err(error) = domain::crash_point::arm() {
        terminal::print_error(format_args!("{error}"));
        return ExitCode::from(BAD_INPUT);
    }
    match run(compiler) {
        Ok(done) => match terminal::lost() {
            Some(error) => {
                terminal::print_error(format_args!("the output could not be written (出力できません): {error}"));
                ExitCode::from(BAD_INPUT)
            }
            None if done => ExitCode::SUCCESS,
            None => ExitCode::from(SOME_FAILED),
        },
        Err(error) => {
            terminal::print_error(format_args!("{}", message(&error)));
            ExitCode::from(BAD_INPUT)
        }
    }
}

#[tokio::main]
async fn run(compiler: Compiler) -> anyhow::Result<bool> {
    Cli::parse().run(compiler).await
}

/// The error and its causes, without causes whose text an error above already contains.
fn message(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |text, cause| if text.contains(&cause) { text } else { format!("{text}: {cause}") })
}
