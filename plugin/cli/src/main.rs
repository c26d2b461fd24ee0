//! `provider`: see the library.

#![forbid(unsafe_code)]

use clap::Parser;
use provider_cli::commands::{Arguments, run};
use provider_host::Compiler;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before there is a thread: this may be a process that was started to compile the component.
    let compiler = Compiler::run_if_child();
    run(&Arguments::parse(), compiler)
}
