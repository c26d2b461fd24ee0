//! What several tests need: golden files, stores in folders of their own, orders, a scripted provider.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod fake;

use host_demo::mall::Mall;
use host_demo::order::{Amounts, Item, Order, OrderData, Person};
use host_demo::store::{Filter, NewOrder, Store};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use time::macros::datetime;

/// Compares `found` with the golden file `name`; `BLESS=1` writes it instead.
pub fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name} differs; look at the difference, then run with BLESS=1");
}

/// A store with one mall, `m`, in a folder that goes away with it.
pub struct TestStore {
    pub folder: TempDir,
    pub store: Store,
}

impl TestStore {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("orders.db")).await.unwrap();
        assert!(store.put_mall(&mall()).await.unwrap().is_empty());
        TestStore { folder, store }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("orders.db")
    }

    /// `count` orders that were never asked about.
    pub async fn orders(&self, count: usize) -> Vec<Order> {
        let orders: Vec<_> = (1..=count).map(|at| new_order(&format!("A-{at}"), 1_000 + at as i64)).collect();
        assert!(self.store.insert_orders("m", &orders).await.unwrap().iter().all(|new| *new));
        self.all().await
    }

    pub async fn all(&self) -> Vec<Order> {
        self.store.orders(&Filter::default()).await.unwrap()
    }

    pub async fn order(&self, id: i64) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }
}

pub fn mall() -> Mall {
    Mall { id: "m".into(), name: "本店".into(), provider: "fake".into(), ..Mall::default() }
}

pub fn new_order(number: &str, billed: i64) -> NewOrder {
    let buyer = Person {
        name: "見本 花子".into(),
        postal_code: "1000001".into(),
        prefecture: "東京都".into(),
        city: "千代田区".into(),
        street: "千代田1-1".into(),
        phone: "03-0000-0000".into(),
        ..Person::default()
    };
    let items = vec![Item { name: "見本".into(), unit_price: billed, quantity: 1, tax_rate: None }];
    let ordered_at = datetime!(2026-07-01 10:00);
    NewOrder {
        number: number.to_owned(),
        data: OrderData { ordered_at, buyer, recipient: None, items, invoice: None, note: None },
        amounts: Amounts { goods: billed, shipping_fee: 0, imported_fee: 0, payment_fee: 0, billed, fee_band: None },
    }
}
