//! `provider check` and `provider explain`: what they print and write, and how they end.

mod common;

use common::{component, provider};
use std::path::Path;
use std::process::{Output, Stdio};

fn kit(file: &Path, arguments: &[&str]) -> Output {
    provider(Path::new(".")).arg("check").arg(file).args(arguments).output().unwrap()
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
        let mut command = provider(Path::new("."));
        command.arg("check").arg(&file).args(arguments).stdout(writer).stderr(Stdio::piped());
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
    let unbuilt = folder.path().join("後払い サンプル");
    provider(folder.path()).args(["new", "my-pay", "--lang", "js", "--folder"]).arg(&unbuilt).output().unwrap();
    for (output, why) in [
        (kit(&folder.path().join("absent.wasm"), &[]), "cannot read the plugin"),
        (kit(&component("unruly"), &["--settings", "absent.toml"]), "settings file absent.toml"),
        (kit(&component("unruly"), &["--settings", settings]), "settings.toml cannot be used"),
        (kit(&component("unruly"), &["--lang", "fr"]), "ja or en"),
        (kit(&component("unruly"), &["--only", "fault"]), "there is no check fault"),
        (kit(&component("unruly"), &["--report", "report.txt"]), "report.txt: a report is a file .json"),
        (provider(folder.path()).arg("check").output().unwrap(), "no plugin's folder"),
        (kit(folder.path(), &[]), "no plugin's folder"),
        (kit(&unbuilt, &[]), "`provider build` makes it"),
        (provider(folder.path()).args(["explain", "fault"]).output().unwrap(), "there is no check fault"),
    ] {
        let words = words(&output);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(why), "{words}");
    }
}

#[test]
fn a_report_is_written_for_people_machines_and_build_servers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a plugin.wasm");
    std::fs::write(&file, "words").unwrap();
    let reports = ["report.json", "report.xml", "report.html"];
    let mut command = provider(folder.path());
    command.args(["check", "a plugin.wasm", "--lang", "en", "--seed", "7"]);
    for report in reports {
        command.args(["--report", report]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    // As a shell takes it.
    let repeat = "provider check 'a plugin.wasm' --seed 7 --only load.file";
    assert!(words(&output).contains(repeat), "{}", words(&output));
    let [json, junit, html] = reports.map(|report| std::fs::read_to_string(folder.path().join(report)).unwrap());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["checks"][0]["id"], &json["checks"][0]["repeat"]), (&"load.file".into(), &repeat.into()));
    assert!(
        junit.contains("failures=\"1\"") && junit.contains("<testcase name=\"load.file\" classname=\"load\""),
        "{junit}"
    );
    assert!(junit.contains("--only load.file</failure>") || junit.contains("--only load.file\n</failure>"), "{junit}");
    assert!(html.contains("id=\"load.file\"") && html.contains("--only load.file"), "{html}");
}

#[test]
fn the_command_in_a_report_repeats_the_check_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(component("unruly"), folder.path().join("x.wasm")).unwrap();
    let mut command = provider(folder.path());
    let output = command.args(["check", "x.wasm", "--only", "fault.http-502", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<_> = report["checks"].as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
    assert_eq!((ids, output.status.code()), (vec!["fault.http-502"], Some(0)));
}

#[test]
fn every_check_is_explained_in_both_languages() {
    let explain =
        |arguments: &[&str]| words(&provider(Path::new(".")).arg("explain").args(arguments).output().unwrap());
    let list = explain(&["--lang", "en"]);
    assert!(list.lines().count() > 50 && list.contains("fault.cut-body  "), "{list}");
    assert!(explain(&["fault.cut-body", "--lang", "en"]).contains("What to do: "));
    assert!(explain(&["fault.cut-body"]).contains("対処: "));
}

#[test]
fn a_component_is_inspected() {
    let output = provider(Path::new(".")).arg("inspect").arg(component("np")).args(["--lang", "en"]).output().unwrap();
    let words = words(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    for part in ["np ", "imports: WASI HTTP: wasi:", "imports: empty WASI: \n", "sha256: ", "rows in a call: credit "] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

/// Whatever is named, the answer comes at once, in one line, and without a table of bytes.
#[test]
fn what_is_no_component_is_named_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let whole = std::fs::read(component("np")).unwrap();
    let large = folder.path().join("large.wasm");
    std::fs::File::create(&large).unwrap().set_len(100_000_000).unwrap();
    for (path, why) in [
        (file("words.wasm", b"words"), "does not begin as a WebAssembly file does"),
        (file("nothing.wasm", b""), "does not begin as a WebAssembly file does"),
        (file("core.wasm", b"\0asm\x01\0\0\0"), "it is a core module; encode it as a component"),
        (file("cut.wasm", &whole[..whole.len() / 2]), "unexpected end-of-file"),
        (large, "has 100000000 bytes; at most 33554432 are allowed"),
        (folder.path().to_owned(), "no plugin's folder"),
        (folder.path().join("absent.wasm"), "cannot read the plugin"),
    ] {
        for command in ["inspect", "sign"] {
            let output = provider(folder.path()).arg(command).arg(&path).output().unwrap();
            let words = words(&output);
            assert_eq!(output.status.code(), Some(2), "{words}");
            assert!(words.contains(why) && words.trim_end().lines().count() == 1, "{command}: {words}");
        }
    }
    let japanese = file("後払い プラグイン.wasm", &whole);
    let inspected = words(&provider(folder.path()).arg("inspect").arg(&japanese).output().unwrap());
    assert!(inspected.starts_with("np 0.1.0"), "{inspected}");
}
