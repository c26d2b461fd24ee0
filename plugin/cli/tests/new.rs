//! A new author in an empty folder, with nothing but the command and the tools of the language.

mod common;

use common::provider;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where what is compiled for plugins in Rust is kept, so that the standard library is compiled once.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/new-plugins")
}

/// Runs `command` to its end; what it wrote.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

/// The command itself, where nothing of this project is beside it.
fn installed(folder: &Path) -> PathBuf {
    let path = folder.join("provider");
    std::fs::copy(env!("CARGO_BIN_EXE_provider"), &path).unwrap();
    path
}

#[test]
fn a_new_plugin_in_rust_passes_the_kit_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let program = installed(folder.path());
    let plugin = folder.path().join("my-pay");
    let command = |folder: &Path| {
        let mut command = common::clean(Command::new(&program), folder);
        command.env("CARGO_TARGET_DIR", target());
        command
    };
    run(command(folder.path()).args(["new", "my-pay"]));
    assert!(std::fs::read_to_string(plugin.join("src/lib.rs")).unwrap().contains("struct MyPay;"));
    let built = run(command(&plugin).arg("build"));
    assert!(built.contains("my-pay.wasm"), "{built}");
    let report = run(command(&plugin).args(["check", "--lang", "en"]));
    assert!(report.starts_with("my-pay 0.1.0") && report.contains(" 0 failed"), "{report}");
    // Its own tests run natively.
    run(Command::new("cargo").args(["test", "--quiet"]).current_dir(&plugin).env("CARGO_TARGET_DIR", target()));
}

#[test]
fn what_is_written_is_whole_and_under_the_new_name() {
    let folder = tempfile::tempdir().unwrap();
    for (lang, own) in [
        (
            "rust",
            &[
                "Cargo.toml",
                "Cargo.lock",
                "src/lib.rs",
                "tests/answers.rs",
                "vendor/deferred-payment-fees/src/lib.rs",
                "vendor/deferred-payment-provider-sdk/wit/provider.wit",
            ][..],
        ),
        ("python", &["app.py", "requirements.txt", "pyproject.toml", "wit/provider.wit", "wit/deps/http-0.2.wit"]),
        ("js", &["app.js", "package.json", "wit/provider.wit"]),
        (
            "go",
            &[
                "go.mod",
                "main.go",
                "requirements.txt",
                "exports/export_deferred_payment_provider_payment_provider_sync/provider.go",
                "wit/provider.wit",
            ],
        ),
    ] {
        let plugin = folder.path().join(lang);
        run(provider(folder.path()).args(["new", "my-pay", "--lang", lang, "--folder", lang]));
        for file in [".gitignore", ".github/workflows/check.yml", "README.md"].iter().chain(own) {
            let text = std::fs::read(plugin.join(file)).unwrap_or_else(|error| panic!("{lang}/{file}: {error}"));
            let text = String::from_utf8_lossy(&text);
            if !file.starts_with("vendor") {
                assert!(!text.contains("example-pay") && !text.contains("ExamplePay"), "{lang}/{file}");
            }
        }
    }
    let again = provider(folder.path()).args(["new", "my-pay", "--folder", "js"]).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("nothing was written"));
}

#[test]
fn the_sdk_can_be_a_folder_or_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
    run(provider(folder.path()).args(["new", "a"]).arg("--sdk").arg(sdk));
    let metadata = run(Command::new("cargo")
        .args(["metadata", "--offline", "--format-version", "1"])
        .current_dir(folder.path().join("a")));
    assert!(metadata.contains("plugin/sdk/Cargo.toml"), "{metadata}");
    run(provider(folder.path()).args(["new", "b", "--sdk", "https://git.example/sdk.git#v1"]));
    let manifest = std::fs::read_to_string(folder.path().join("b/Cargo.toml")).unwrap();
    assert!(manifest.contains("git = \"https://git.example/sdk.git\", rev = \"v1\""), "{manifest}");
    assert!(!folder.path().join("b/vendor").exists());
}

/// The program does its work wherever it is put: what it needs of the project is in it.
#[test]
fn no_folder_of_the_project_is_compiled_in() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_provider")).unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    for folder in ["tests/conformance/golden", "plugin/cli/embedded", "wit"] {
        for path in [project.join(folder), Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)] {
            // As a program would open it: with something below it.
            let path = format!("{}/", path.display());
            let found = memchr::memmem::find(&program, path.as_bytes()).is_some();
            assert!(!found, "{path} is in the program");
        }
    }
}
