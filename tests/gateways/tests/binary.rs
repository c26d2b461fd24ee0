//! The binary: it says where it is, serves, and reads well in 100 columns.

mod common;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{order, post, send};

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ready_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id()))
}

/// Starts it and waits for its ready file; returns the origins of gateway and desk.
fn start(name: &str, arguments: &[&str]) -> (Running, String, String) {
    let ready = ready_file(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateways"));
    command.arg("atobarai-com").args(arguments).arg("--ready-file").arg(&ready).stdout(Stdio::piped());
    let running = Running(command.spawn().unwrap());
    let patience = Instant::now() + Duration::from_secs(30);
    let text = loop {
        match std::fs::read_to_string(&ready) {
            Ok(text) => break text,
            Err(error) => assert!(Instant::now() < patience, "not ready: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    std::fs::remove_file(&ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&text).unwrap();
    (running, ready["origin"].as_str().unwrap().to_owned(), ready["control"].as_str().unwrap().to_owned())
}

/// Columns that a terminal takes for a line: two for each character that is not ASCII.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[tokio::test]
async fn it_serves_with_its_faults_and_options() {
    let (_running, origin, control) = start("serves", &["--fault", "http-503@order:nth=2", "--no-detail"]);
    let path = "/api/order/rest";
    assert_eq!(post(&origin, path, &order("A")).await.status(), 200);
    assert_eq!(post(&origin, path, &order("B")).await.status(), 503);
    assert_eq!(post(&origin, "/api/detail/rest", &common::ids()).await.status(), 404);
    let ledger: gateways::Ledger = serde_json::from_slice(send(&control, "GET", "/ledger", "").await.body()).unwrap();
    assert_eq!(ledger.live().count(), 1);
}

#[test]
fn what_it_prints_fits_and_names_everything() {
    for lang in ["ja", "en"] {
        let (mut running, origin, control) = start(lang, &["--lang", lang, "--fault", "late@order:nth=2"]);
        running.0.kill().unwrap();
        let mut printed = String::new();
        std::io::Read::read_to_string(running.0.stdout.as_mut().unwrap(), &mut printed).unwrap();
        for line in printed.lines() {
            assert!(columns(line) <= 100, "{} columns: {line}", columns(line));
        }
        let wanted =
            [&origin, &control, "12345", "678", "90", "9001", "9008", "drop-answer", "late@order:nth=2", "delivlist"];
        assert!(!printed.contains("other-amount"), "this provider cannot show it");
        wanted.iter().for_each(|word| assert!(printed.contains(*word), "{word} in {printed}"));
    }
}

#[test]
fn wrong_arguments_are_answered_in_words() {
    let ends = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gateways")).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(ends(&["atobarai-com", "--fault", "explode"]).contains("no fault is called \"explode\""));
    assert!(ends(&["atobarai-com", "--fault", "late@credit"]).contains("there is no operation \"credit\""));
    assert!(ends(&["nobody"]).contains("atobarai-com"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(ends(&["atobarai-com", "--port", &port]).contains(&format!("127.0.0.1:{port}")));
}
