//! A reader of the output that leaves is no error, and nothing that was begun ends with it.

use std::io::pipe;
use std::process::{Command, Stdio};

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
    for arguments in [&["orders", "list"][..], &["mall", "list"], &["--help"], &["export", "--json"], &["user", "list"]]
    {
        assert_eq!(without_a_reader(false, arguments), (Some(0), String::new()), "{arguments:?}");
        assert_eq!(without_a_reader(true, arguments), (Some(0), String::new()), "{arguments:?}");
    }
    // Wrong input stays wrong, though nobody reads why.
    for arguments in [&["credit", "A-1"][..], &["mall", "show", "nowhere"]] {
        let (code, said) = without_a_reader(false, arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(!said.is_empty() && !said.contains("panicked"), "{said}");
        assert_eq!(without_a_reader(true, arguments), (Some(2), String::new()), "{arguments:?}");
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
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("could not be written") && !said.contains("panicked"), "{said}");
}
