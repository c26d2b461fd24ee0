//! A plugin is replaced while a batch of the platform runs through it.

use e2e::gateway::Gateway;
use e2e::platform::{Platform, sample};
use e2e::reconcile::compare;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Far above what any step takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds before each answer: 44 orders, eight at a time, then take four seconds and more, and
/// the platform looks for a new plugin twice a second.
const LATENCY: &str = "700";

fn registered(gateway: &Gateway) -> usize {
    gateway.ledger().unwrap().registrations.len()
}

#[test]
fn a_batch_runs_through_the_replacement_of_its_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start_with("atobarai-com", folder.path(), &["--latency-ms", LATENCY]).unwrap();
    let component = platform.open(&gateway, &sample("orders-sjis.csv")).unwrap();

    let mut batch = platform.command(["credit", "--all"]).unwrap().stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while registered(&gateway) == 0 {
        assert!(began.elapsed() < PATIENCE, "nothing was sent");
        std::thread::yield_now();
    }
    let broken = platform.write("broken.wasm", "no component").unwrap();
    platform.write("broken.toml", "provider = \"atobarai-com\"\n").unwrap();
    let refused = platform.run(["plugin", "load", &broken.to_string_lossy()]).unwrap();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("broken.wasm"), "{}", refused.stderr);

    let next = platform.another_build(&component).unwrap();
    platform.must(["plugin", "load", &next.to_string_lossy()]).unwrap();
    assert!(registered(&gateway) < 44, "the batch was over before the plugin was replaced");
    let mut said = String::new();
    batch.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(batch.wait().unwrap().code().is_some_and(|code| code <= 1), "{said}");
    assert_eq!(said.matches("the plugin was replaced").count(), 1, "{said}");

    let (orders, ledger) = (platform.orders().unwrap(), gateway.ledger().unwrap());
    assert!(orders.iter().all(|order| !["not_asked", "not_sent", "unknown"].contains(&order.state.as_str())));
    assert_eq!(ledger.registrations.len(), 44, "every row once");
    let differing: Vec<_> = compare(&orders, &[ledger]).into_iter().filter(|row| !row.differences.is_empty()).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}
