//! A host serves plugins of several versions of the contract at once.

mod common;

use common::component;
use conformance::{Lang, Options, judge, samples};
use provider_host::contract::{Failure, Setting};
use provider_host::{Account, Host, ImportGroup, Permissions, Plugin};
use std::path::{Path, PathBuf};

/// As it was built when the contract was at 0.1.0.
fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released/contract-0.1.0.wasm")
}

/// The version of the contract that a plugin was built for.
fn version(plugin: &Plugin) -> String {
    let imports = plugin.facts().imports_of(ImportGroup::Contract);
    let log = imports.iter().find(|import| import.contains("/log@")).expect("it logs");
    log.rsplit('@').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn plugins_of_two_versions_serve_at_the_same_time() {
    let host = Host::builder().build().unwrap();
    let load = async |file| host.load(file, Permissions::default()).await.unwrap();
    let (old, new) = (load(released()).await, load(component("unruly")).await);
    assert_eq!((version(&old).as_str(), version(&new).as_str()), ("0.1.0", "0.1.1"));
    let setting = |key: &str, value: &str| Setting { key: key.to_owned(), value: value.to_owned() };
    let settings = [("base-url", "http://127.0.0.1:9"), ("shop-id", "1"), ("password", "p"), ("mode", "live")];
    let shop = Account::new("shop", settings.map(|(key, value)| setting(key, value)).into());
    let orders = || vec![samples::order("KIT-1")];
    let (old, new) = tokio::join!(old.credit(&shop, orders()), new.credit(&shop, orders()));
    for answer in [old, new] {
        // No origin is granted, so each came as far as asking for one.
        assert!(matches!(&answer.rows[..], [Err(Failure::NotSent(_))]), "{:?}", answer.rows);
        assert_eq!((answer.calls.len(), answer.calls[0].requests.len()), (1, 1));
        assert_eq!(answer.calls[0].error, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_of_the_first_version_passes_the_kit() {
    let report = judge(&released(), &Options::default()).await.unwrap();
    assert!(report.passed(), "{}", report.text(Lang::En));
}
