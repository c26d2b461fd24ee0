//! The command line: what it prints, and how it ends.

mod common;

use common::component;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn kit(file: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conformance")).arg(file).args(arguments).output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_good_plugin_ends_with_0_and_json_says_so() {
    let output = kit(&component("unruly"), &["--json", "--seed", "7"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["passed"], &report["seed"]), (&true.into(), &7.into()));
    let outcomes = report["checks"].as_array().unwrap().iter().map(|check| check["outcome"].as_str().unwrap());
    let (passed, rest): (Vec<_>, Vec<_>) = outcomes.partition(|outcome| *outcome == "passed");
    assert!(passed.len() > 40, "{} passed", passed.len());
    assert!(rest.iter().all(|outcome| *outcome == "not-applicable"), "{rest:?}");
}

#[test]
fn a_bad_file_ends_with_1_and_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words.wasm");
    std::fs::write(&file, "words").unwrap();
    let output = kit(&file, &["--lang", "en"]);
    assert_eq!(output.status.code(), Some(1));
    let words = words(&output);
    assert!(words.contains("FAILED load.file") && words.contains("→ to do: follow the reason"), "{words}");
}

/// `… | head -1`: the report is for nobody, the verdict stands.
#[test]
fn a_reader_that_leaves_changes_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words.wasm");
    std::fs::write(&file, "words").unwrap();
    for arguments in [&["--json"][..], &[]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        command.arg(&file).args(arguments).stdout(writer).stderr(Stdio::piped());
        let ended = command.spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((ended.status.code(), words(&ended)), (Some(1), String::new()), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_judged_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, "shop-id = 12").unwrap();
    let settings = settings.to_str().unwrap();
    for (output, why) in [
        (kit(&folder.path().join("absent.wasm"), &[]), "cannot read the plugin"),
        (kit(&component("unruly"), &["--settings", "absent.toml"]), "settings file absent.toml"),
        (kit(&component("unruly"), &["--settings", settings]), "settings.toml cannot be used"),
        (kit(&component("unruly"), &["--lang", "fr"]), "ja or en"),
    ] {
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(why), "{words}");
    }
}
