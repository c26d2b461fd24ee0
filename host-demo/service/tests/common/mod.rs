//! What several tests need: golden files, fixtures of the store, a scripted provider.
#![allow(dead_code, unused_macros, unused_imports, reason = "each test uses a part of it")]

pub mod fake;

pub use fixtures::{Db, TestStore, mall, new_order, on_both, told_location};
use service::credit::CreditService;
use service::dispatcher::Dispatcher;
use service::providers::provider::Provider;
use std::path::Path;

/// Compares `found` with the golden file `name`; `BLESS=1` writes it instead.
pub fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name} differs; look at the difference, then run with BLESS=1");
}

/// Does everything that batches have for `credit` now; how many rows that were.
pub async fn do_batches<P: Provider + Clone + 'static>(credit: &CreditService<P>) -> usize {
    credit.recover().await;
    let mut lanes = Dispatcher::new(credit.clone());
    lanes.begin_batches().await.unwrap();
    lanes.all_end().await
}

/// Does what the automation has for `credit` now; how many orders it looked at.
pub async fn do_by_itself<P: Provider + Clone + 'static>(credit: &CreditService<P>) -> usize {
    credit.recover().await;
    let mut lanes = Dispatcher::new(credit.clone());
    let looked_at = lanes.begin_automation().await.unwrap();
    lanes.all_end().await;
    looked_at
}
