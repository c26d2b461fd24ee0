//! The binary: it says where it is, serves, and reads well in 100 columns.

mod common;
mod document;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{example_pay, kuroneko, np, order, post, received, request, send};
use gateways::Received;
use gateways::providers;

/// Ends the process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the ready file says.
#[derive(serde::Deserialize)]
struct Ready {
    origin: String,
    base: String,
    control: String,
    merchant: BTreeMap<String, String>,
}

fn ready_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.json", std::process::id()))
}

/// Starts a provider and waits for its ready file, whose content it returns. `name` is the test's.
fn start(name: &str, provider: &str, arguments: &[&str]) -> (Running, Ready) {
    let ready = ready_file(&format!("{name}-{provider}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_gateways"));
    command.arg(provider).args(arguments).arg("--ready-file").arg(&ready).stdout(Stdio::piped());
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
    (running, serde_json::from_str(&text).unwrap())
}

/// A registration of each provider that its default merchant can make.
fn registration(provider: &str) -> Received {
    match provider {
        "atobarai-com" => received("/api/order/rest", order("R").body()),
        "np" => np::received("/transactions", &[np::order("R")]),
        "kuroneko" => kuroneko::received("KAARA", &kuroneko::order("R")),
        "atodene" => document::received("/api/transaction.do", document::atodene::order("R").0),
        "score" => document::received("/direct/autotransaction.do", document::score::order("R").0),
        "example-pay" => received("/register", example_pay::order("R").body()),
        _ => panic!("{provider} needs a registration here"),
    }
}

/// Columns that a terminal takes for a line: two for each character that is not ASCII.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[tokio::test]
async fn it_serves_with_its_faults_and_options() {
    let arguments = ["--fault", "http-503@order:nth=2", "--no-detail", "--unique-reference"];
    let (_running, Ready { origin, control, .. }) = start("serves", "atobarai-com", &arguments);
    let path = "/api/order/rest";
    assert_eq!(post(&origin, path, &order("A")).await.status(), 200);
    assert_eq!(post(&origin, path, &order("B")).await.status(), 503);
    assert_eq!(post(&origin, "/api/detail/rest", &common::ids()).await.status(), 404);
    assert!(post(&origin, path, &order("A")).await.text().contains("E00307"), "the reference again");
    let ledger: gateways::Ledger = serde_json::from_slice(send(&control, "GET", "/ledger", "").await.body()).unwrap();
    assert_eq!(ledger.live().count(), 1);
}

#[tokio::test]
async fn every_provider_serves_its_own_merchant() {
    for (provider, _) in providers::all() {
        let (_running, Ready { origin, base, control, .. }) = start("each", provider, &[]);
        let registration = registration(provider);
        assert!(format!("{origin}{}", registration.path).starts_with(&base), "{provider}: {base}");
        let seen = request(&origin, &registration).await;
        assert_eq!(seen.status(), 200, "{provider}: {}", seen.text());
        let ledger = send(&control, "GET", "/ledger", "").await;
        let ledger: gateways::Ledger = serde_json::from_slice(ledger.body()).unwrap();
        assert_eq!(ledger.live().map(|live| live.reference.as_str()).collect::<Vec<_>>(), ["R"], "{provider}");
    }
}

#[test]
fn what_it_prints_fits_and_names_everything() {
    for (lang, provider) in ["ja", "en"].into_iter().flat_map(|lang| providers::all().map(move |(id, _)| (lang, id))) {
        let (mut running, ready) = start(lang, provider, &["--lang", lang, "--fault", "late:nth=2"]);
        running.0.kill().unwrap();
        let mut printed = String::new();
        std::io::Read::read_to_string(running.0.stdout.as_mut().unwrap(), &mut printed).unwrap();
        for line in printed.lines() {
            assert!(columns(line) <= 100, "{} columns: {line}", columns(line));
        }
        let wire = gateways::by_id(provider).unwrap();
        let wanted = [&ready.base, &ready.control, wire.name(), "9001", "9008", "drop-answer", "late:nth=2"];
        let merchant = ready.merchant.iter().map(|(label, value)| format!("{label} {value}"));
        let words = wanted.iter().map(|word| word.to_string()).chain(merchant);
        let words = words.chain(wire.operations().into_iter().map(str::to_owned));
        words.for_each(|word| assert!(printed.contains(&word), "{provider}: {word} in {printed}"));
        assert_eq!(ready.merchant.len(), wire.merchant().len(), "{provider}: each under its own name");
        let has_amount = provider == "score";
        assert_eq!(printed.contains("other-amount"), has_amount, "{provider}: only スコア answers with an amount");
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
    let nobody = ends(&["nobody"]);
    providers::all().for_each(|(id, _)| assert!(nobody.contains(id), "{id} in {nobody}"));
    for option in ["--no-detail", "--unique-reference"] {
        assert!(ends(&["np", option]).contains("they are for atobarai-com"), "{option}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(ends(&["atobarai-com", "--port", &port]).contains(&format!("127.0.0.1:{port}")));
}
