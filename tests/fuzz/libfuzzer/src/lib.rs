//! Only a dependency: see `Cargo.toml`.

#![forbid(unsafe_code)]
