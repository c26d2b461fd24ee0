//! The document that the API publishes of itself: callers generate clients from it, so it changes only on purpose.

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The document as it was reviewed; rewritten with `BLESS=1`.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi.json")
}

fn document() -> Value {
    serde_json::to_value(host_demo::web::api::document()).unwrap()
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let document = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(golden(), &document).unwrap();
    }
    let reviewed = std::fs::read_to_string(golden()).unwrap();
    let first = reviewed.lines().zip(document.lines()).enumerate().find(|(_, (before, now))| before != now);
    if let Some((line, (before, now))) = first {
        panic!("line {}: {before:?} became {now:?}; if it is meant, run this test with BLESS=1", line + 1);
    }
    assert_eq!(reviewed.len(), document.len(), "the document became longer or shorter at its end");
}
