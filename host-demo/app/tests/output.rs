//! A reader of the output that leaves is no error, and nothing that was begun ends with it.

use fixtures::{Db, TestStore};
use std::io::{BufRead, BufReader, pipe};
use std::process::{Child, Command, Stdio};

/// Runs the command line on a new store, with its output, or its errors, going to a pipe that nobody reads; its exit
/// code and what it could still say.
fn without_a_reader(errors_too: bool, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-demo"));
    command.arg("--db").arg(folder.path().join("orders.db")).args(arguments).stdin(Stdio::null());
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    if errors_too {
        command.stderr(writer.try_clone().unwrap());
    } else {
        command.stderr(Stdio::piped());
    }
    let ended = command.stdout(writer).spawn().unwrap().wait_with_output().unwrap();
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_reader_that_leaves_ends_nothing() {
    for arguments in [
        &["orders", "list"][..],
        &["mall", "list"],
        &["export", "--json"],
        &["user", "list"],
        &["check", "--all"],
        &["--help"],
        &["--version"],
        &["orders", "import", "--help"],
    ] {
        assert_eq!(without_a_reader(false, arguments), (Some(0), String::new()), "{arguments:?}");
        assert_eq!(without_a_reader(true, arguments), (Some(0), String::new()), "{arguments:?}");
    }
    // Wrong input stays wrong, though nobody reads why.
    for arguments in [&["credit", "A-1"][..], &["mall", "show", "nowhere"], &["batch", "show", "1"], &["fly"]] {
        let (code, errors) = without_a_reader(false, arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(!errors.is_empty() && !errors.contains("panicked"), "{errors}");
        assert_eq!(without_a_reader(true, arguments), (Some(2), String::new()), "{arguments:?}");
    }
}

/// Bytes that a pipe takes before its reader has read any: 64 KiB on Linux, less elsewhere.
const PIPE: usize = 64 << 10;

/// `… | head -1`: the reader goes while most of the output is still to be written.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_after_a_line_ends_the_output_quietly() {
    let test = TestStore::new(Db::Sqlite).await;
    test.orders(3_000).await;
    let start = |arguments: &[&str]| -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-demo"));
        command.arg("--db").arg(test.folder.path().join("orders.db")).args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for arguments in [&["orders", "list"][..], &["orders", "list", "--json"], &["export", "--json"]] {
        let whole = start(arguments).wait_with_output().unwrap();
        assert!(
            whole.stdout.len() > 2 * PIPE,
            "{arguments:?}: so little would fit into the pipe, and nothing is shown"
        );
        let mut child = start(arguments);
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{arguments:?}");
        let ended = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), errors.as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

/// An output that cannot be written for another reason is said, for it may be missed.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-demo"));
    command.arg("--db").arg(folder.path().join("orders.db")).args(["export", "--json"]).stdin(Stdio::null());
    let ended = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{errors}");
    assert!(errors.contains("could not be written") && !errors.contains("panicked"), "{errors}");
}
