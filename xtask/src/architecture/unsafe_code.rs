//! Which crates may use `unsafe`. What the compiler forbids in a crate no line of it can allow again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Roots of crates without `#![forbid(unsafe_code)]`, and why.
const EXCEPTIONS: [(&str, &str); 7] = [
    (
        "host/src/lib.rs",
        "runs compiled components from its cache: one call, in cache.rs, with its conditions beside it",
    ),
    ("examples/provider-rust/src/lib.rs", "what authors begin with: theirs to decide, and confined like any plugin"),
    ("plugin/sdk/src/lib.rs", "the bindings that wit-bindgen generates"),
    ("tests/fuzz/src/bin/libfuzzer.rs", "what libFuzzer, which is written in C++, calls"),
    ("tests/plugins/hostile/src/lib.rs", "rows that share one text, which safe Rust cannot make"),
    ("tests/plugins/hostile-sync/src/lib.rs", "the bindings that wit-bindgen generates"),
    ("tests/bench-peers/plugin/src/lib.rs", "Extism's macros; in no program of the project"),
];

/// `lib.rs`, `main.rs` and `bin/*.rs` of every crate below `folder`, from the root of the project.
fn crate_roots(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders: Vec<_> = entries.filter(|path| path.is_dir() && !path.ends_with("target")).collect();
    let mut found = Vec::new();
    if folder.join("Cargo.toml").exists() {
        let bin = std::fs::read_dir(folder.join("src/bin")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let roots = ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)).into_iter().chain(bin);
        let there = roots.filter(|file| file.exists());
        found.extend(there.map(|file| file.strip_prefix(root).unwrap().to_path_buf()));
    }
    found.extend(folders.iter().flat_map(|folder| crate_roots(root, folder)));
    found
}

#[test]
fn unsafe_code_is_forbidden_wherever_it_is_not_needed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let forbids = |file: &PathBuf| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        text.lines().any(|line| line == "#![forbid(unsafe_code)]")
    };
    let roots = crate_roots(root, root);
    assert!(roots.len() > 25, "{roots:?}");
    let without: BTreeSet<_> =
        roots.iter().filter(|file| !forbids(file)).map(|file| file.to_string_lossy().into_owned()).collect();
    assert_eq!(without, EXCEPTIONS.iter().map(|(file, _)| (*file).to_owned()).collect());
}
