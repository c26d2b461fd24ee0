//! Every promise of `docs/security.md` and every finding of `docs/fuzzing.md` names tests that there are.

use std::path::Path;

/// The text of all Rust sources below `folder`.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            all += &sources(&path);
        } else if is_source {
            all += &std::fs::read_to_string(&path).unwrap();
        }
    }
    all
}

/// The tests that the tables of `page` name: what is in backticks in the last column of a table that is headed so.
fn named(page: &str) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut in_table = false;
    for (number, line) in page.lines().enumerate() {
        let cell = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        in_table = line.starts_with('|') && (in_table || cell == "shown by");
        if in_table && cell != "shown by" && !cell.starts_with("--") {
            let tests: Vec<_> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            assert!(!tests.is_empty(), "line {}: a promise without a test", number + 1);
            names.extend(tests.into_iter().map(|test| (number + 1, test)));
        }
    }
    names
}

#[test]
fn every_promise_is_shown_by_a_test_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = sources(root);
    for (page, least) in [("docs/security.md", 60), ("docs/fuzzing.md", 0)] {
        let named = named(&std::fs::read_to_string(root.join(page)).unwrap());
        assert!(named.len() > least, "{page}: {}", named.len());
        for (line, test) in named {
            // A function, or a row of a list from which a macro makes tests.
            let there = [format!("fn {test}("), format!("\n    {test}: ")];
            assert!(there.iter().any(|form| sources.contains(form)), "{page}, line {line}: no test {test}");
        }
    }
}
