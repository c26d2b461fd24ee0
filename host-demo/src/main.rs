//! `host-demo`: the demo order platform's command line. See [`host_demo`].

use clap::Parser;
use host_demo::cli::Cli;
use host_demo::out;
use std::process::ExitCode;

/// Some orders failed or are unknown; the output says which.
const SOME_FAILED: u8 = 1;
/// Bad input, or the platform itself failed. clap ends with the same for a wrong command line.
const BAD_INPUT: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let done = Cli::parse().run().await;
    match (done, out::lost()) {
        (Ok(true), None) => ExitCode::SUCCESS,
        (Ok(false), None) => ExitCode::from(SOME_FAILED),
        (Ok(_), Some(error)) => {
            out::complaint(format_args!("the output could not be written (出力できません): {error}"));
            ExitCode::from(BAD_INPUT)
        }
        (Err(error), _) => {
            out::complaint(format_args!("{}", words(&error)));
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// The error and its causes, without those that the error's own words repeat.
fn words(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .map(ToString::to_string)
        .fold(error.to_string(), |said, cause| if said.contains(&cause) { said } else { format!("{said}: {cause}") })
}
