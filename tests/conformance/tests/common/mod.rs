//! What the kit's tests share: components, and judging many of them at once.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part of it")]

use conformance::report::Report;
use conformance::{Options, judge};
use std::path::{Path, PathBuf};

/// A component that `cargo xtask plugins` has built.
pub fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins").join(format!("{name}.wasm"));
    assert!(path.exists(), "{name}.wasm is not there; run `cargo xtask plugins` first");
    path
}

/// `component` with the one place where `from` stands written over.
pub fn patched(component: &str, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "a component's lengths are written into it");
    let mut bytes = std::fs::read(self::component(component)).unwrap();
    let places: Vec<_> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    let [at] = places.as_slice() else { panic!("{} stands at {places:?} in {component}", from.escape_ascii()) };
    bytes[*at..*at + to.len()].copy_from_slice(to);
    bytes
}

/// What the kit says of a component of these bytes.
pub async fn judge_bytes(bytes: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.wasm");
    std::fs::write(&path, bytes).unwrap();
    judge(&path, &Options::default()).await.unwrap()
}

/// The ids of the checks that failed, in the order of the table.
pub fn failed(report: &Report) -> Vec<String> {
    report.failed().map(|row| row.id.clone()).collect()
}
