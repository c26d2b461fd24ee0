//! The document has a section for each check, and says of each what the table says.

use std::path::Path;

const BEGIN: &str = "<!-- The sections of the checks are written by BLESS=1 cargo test --test document. -->\n\n";

#[test]
fn the_document_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, sections) = document.split_once(BEGIN).expect("the document says where the sections begin");
    let expected = conformance::pages::document();
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}")).unwrap();
    } else {
        assert_eq!(sections, expected, "write it anew: BLESS=1 cargo test --workspace --test document");
    }
}
