//! The limits in `docs/` are those of the sources.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The cells of the rows of those tables of `page` whose heading is `heading`.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(root().join("docs").join(page)).unwrap();
    let (mut found, mut in_table) = (Vec::new(), false);
    for line in page.lines() {
        in_table = line.starts_with('|') && (in_table || line == heading);
        if in_table && line != heading && !line.starts_with("|--") {
            found.push(line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect());
        }
    }
    found
}

/// A number of a page: bytes, seconds or times.
fn documented(cell: &str) -> f64 {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number: f64 = number.replace(',', "").parse().unwrap_or_else(|_| panic!("no number: {cell}"));
    let factor = match unit {
        "" | "bytes" | "characters" | "s" => 1.0,
        "ms" => 0.001,
        "minutes" => 60.0,
        "hours" | "hour" => 3_600.0,
        "KiB" => 1_024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        other => panic!("no unit: {other}"),
    };
    number * factor
}

/// The value of a constant expression, as far as limits are written: numbers, `*`, `<<` and durations.
fn value(expression: &str) -> f64 {
    let within = |before: &str| expression.strip_prefix(before).and_then(|rest| rest.strip_suffix(')'));
    if let Some(seconds) = within("Duration::from_secs(") {
        return value(seconds);
    }
    if let Some(milliseconds) = within("Duration::from_millis(") {
        return value(milliseconds) / 1_000.0;
    }
    if let Some(permits) = within("Semaphore::const_new(") {
        return value(permits);
    }
    let product = |factors: &str| -> u64 {
        let factor = |factor: &str| factor.trim().replace('_', "").parse::<u64>();
        factors.split('*').map(|f| factor(f).unwrap_or_else(|_| panic!("no number: {expression}"))).product()
    };
    match expression.split_once("<<") {
        Some((number, bits)) => (product(number) << product(bits)) as f64,
        None => product(expression) as f64,
    }
}

fn source(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn the_defaults_of_the_hosts_limits_are_documented() {
    let limits = source("host/src/limits.rs");
    let (_, defaults) = limits.split_once("impl Default for Limits").unwrap();
    let (_, defaults) = defaults.split_once("        Self {\n").unwrap();
    let (defaults, _) = defaults.split_once('}').unwrap();
    let rows = rows("operating.md", "| limit | default | reason | when it is met |");
    let mut documented_ones: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
    let mut defaulted = Vec::new();
    for line in defaults.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, expression) = line.trim_end_matches(',').split_once(": ").unwrap();
        let row = rows.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("{name} is not documented"));
        assert_eq!(documented(&row[1]), value(expression), "{name} = {expression}");
        defaulted.push(name.to_owned());
    }
    documented_ones.sort();
    defaulted.sort();
    assert_eq!(documented_ones, defaulted);
}

#[test]
fn constants_are_documented_as_they_are() {
    let rows = rows("security.md", "| limit | value | constant | where |");
    assert!(rows.len() > 15, "{}", rows.len());
    for row in rows {
        let [limit, shown, constant, file] = &row[..] else { panic!("{row:?}") };
        let text = source(file);
        let declared = text.lines().find_map(|line| {
            let (before, after) = line.split_once(&format!(" {constant}: "))?;
            let is_declaration = before.ends_with("const") || before.ends_with("static");
            is_declaration.then(|| after.split_once(" = ").unwrap().1.trim_end_matches(';').to_owned())
        });
        let expression = declared.unwrap_or_else(|| panic!("{file} has no {constant}"));
        assert_eq!(documented(shown), value(&expression), "{limit}: {constant} = {expression}");
    }
}
