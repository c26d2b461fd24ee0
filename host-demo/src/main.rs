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
            eprintln!("{error:#}");
            ExitCode::from(BAD_INPUT)
        }
    }
}
