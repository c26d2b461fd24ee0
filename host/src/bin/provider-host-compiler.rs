//! Compiles components for a host whose own program cannot call `Compiler::run_if_child` first: start it
//! through `Compiler::program`.

#![forbid(unsafe_code)]

fn main() {
    provider_host::Compiler::run_if_child();
    eprintln!("This program is started by a host to compile components; alone it does nothing.");
    std::process::exit(2);
}
