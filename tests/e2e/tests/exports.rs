//! Exports of every mall that a preset is for: imported, credited at each of the five providers, and compared with the
//! providers' ledgers.

use e2e::gateway::Gateway;
use e2e::platform::Platform;
use e2e::reconcile::compare;
use std::path::{Path, PathBuf};

/// States of an order that its provider has judged, or is judging.
const JUDGED: [&str; 4] = ["approved", "rejected", "under_review", "on_hold"];

/// Each preset with an invented export of its mall.
fn exports() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-demo/service/tests/presets");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut exports: Vec<_> =
        files.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect();
    exports.sort();
    exports
}

/// A mall for each export whose settings name its preset, the exports imported, everything credited.
fn comes_in_and_is_credited(provider: &str) {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::new(folder.path(), "en").unwrap();
    let gateway = Gateway::start(provider, folder.path()).unwrap();
    platform.install(&gateway).unwrap();
    let settings = platform.settings(&format!("mall-{provider}.toml"), &gateway).unwrap();
    let settings = std::fs::read_to_string(settings).unwrap();
    let exports = exports();
    assert!(exports.len() >= 8, "{exports:?}");
    for (preset, export) in &exports {
        let own = platform.write("mall.toml", format!("{settings}\n[mapping]\npreset = \"{preset}\"\n")).unwrap();
        platform.must(["mall", "set", preset, &own.to_string_lossy()]).unwrap();
        let export = export.to_string_lossy();
        let ended = platform.run(["orders", "import", "--mall", preset, "--take", "*", &export]).unwrap();
        assert!(ended.code < 2, "{preset}: {}{}", ended.stdout, ended.stderr);
        // Nothing but a second destination keeps an order of these exports out.
        for refused in ended.stderr.lines() {
            assert!(refused.contains("destinations"), "{preset}: {refused}");
        }
    }
    platform.must(["credit", "--all"]).unwrap();
    let orders = platform.orders().unwrap();
    for (preset, _) in &exports {
        assert!(orders.iter().any(|order| order.mall == *preset), "{preset}: no order came in");
    }
    for order in &orders {
        assert!(JUDGED.contains(&order.state.as_str()), "{provider}: {order:?}");
    }
    let ledger = gateway.ledger().unwrap();
    assert_eq!(ledger.registrations.len(), orders.len());
    let rows = compare(&orders, &[ledger]);
    let differing: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn exports_of_every_mall_are_credited_at_np() {
    comes_in_and_is_credited("np");
}

#[test]
fn exports_of_every_mall_are_credited_at_atobarai_com() {
    comes_in_and_is_credited("atobarai-com");
}

#[test]
fn exports_of_every_mall_are_credited_at_atodene() {
    comes_in_and_is_credited("atodene");
}

#[test]
fn exports_of_every_mall_are_credited_at_kuroneko() {
    comes_in_and_is_credited("kuroneko");
}

#[test]
fn exports_of_every_mall_are_credited_at_score() {
    comes_in_and_is_credited("score");
}
