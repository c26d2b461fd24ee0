//! `host-demo`: the demo order platform's command line. See [`host_demo`].

use clap::Parser;
use host_demo::cli::Cli;
use std::process::ExitCode;

/// Some orders failed or are unknown; the output says which.
const SOME_FAILED: u8 = 1;
/// Bad input, or the platform itself failed. clap ends with the same for a wrong command line.
const BAD_INPUT: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(SOME_FAILED),
        Err(error) => {
            eprintln!("{}", words(&error));
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
