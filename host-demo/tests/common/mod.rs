//! What several tests need: golden files, stores in folders of their own, orders, a scripted provider.
#![allow(dead_code, unused_macros, unused_imports, reason = "each test uses a part of it")]

pub mod fake;

use host_demo::domain::clock;
use host_demo::domain::credit_state::Event;
use host_demo::domain::mall::Mall;
use host_demo::domain::order::{Amounts, Item, Order, OrderData, Person};
use host_demo::service::credit::CreditService;
use host_demo::service::dispatcher::Dispatcher;
use host_demo::service::providers::provider::Provider;
use host_demo::store::{Claim, DatabaseLocation, Filter, MallUpdate, MallUpdateOutcome, NewOrder, Store};
use sqlx::Connection;
use std::path::Path;
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

/// The databases that every test of the store runs on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Db {
    Sqlite,
    Postgres,
}

/// Makes two tests of one: on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn on($db: common::Db) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                on(common::Db::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgresql() {
                on(common::Db::Postgres).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// A store with one mall, `m`, whose files are in a folder that goes away with it.
pub struct TestStore {
    pub folder: TempDir,
    pub store: Store,
    /// As the database has it before anything is written.
    database: String,
}

impl TestStore {
    pub async fn new(db: Db) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match db {
            Db::Sqlite => folder.path().join("orders.db").to_str().unwrap().to_owned(),
            Db::Postgres => test_postgres::Cluster::shared().database().unwrap(),
        };
        let store = Store::open(&place(&database, folder.path())).await.unwrap();
        assert_eq!(
            store.put_mall(&mall(), MallUpdate::default()).await.unwrap(),
            MallUpdateOutcome::Done { elsewhere: 0 }
        );
        TestStore { folder, store, database }
    }

    /// The same store with connections of its own, as another process has.
    pub async fn again(&self) -> Store {
        Store::open(self.store.place()).await.unwrap()
    }

    /// Does to the database what no part of the platform does.
    pub async fn execute(&self, statement: &str) {
        sqlx::any::install_default_drivers();
        let url = match self.database.starts_with("postgres") {
            true => self.database.clone(),
            false => format!("sqlite://{}", self.database),
        };
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }

    /// What another process is told so that it finds this store; see [`told_place`].
    pub fn tell(&self) -> String {
        format!("{} {}", self.database, self.folder.path().display())
    }

    pub async fn mall(&self) -> Mall {
        self.store.mall("m").await.unwrap().unwrap()
    }

    /// `count` orders that were never asked about.
    pub async fn orders(&self, count: usize) -> Vec<Order> {
        let orders: Vec<_> = (1..=count).map(|at| new_order(&format!("A-{at}"), 1_000 + at as i64)).collect();
        assert!(self.store.insert_orders(&self.mall().await, &orders, 1).await.unwrap().iter().all(|new| *new));
        self.all().await
    }

    pub async fn all(&self) -> Vec<Order> {
        self.store.orders(&Filter::default()).await.unwrap()
    }

    pub async fn order(&self, id: i64) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }

    /// Claims `orders` for a credit by the worker `owner`.
    pub async fn claim(&self, orders: &[Order], owner: &str) -> Vec<Option<Order>> {
        claim(&self.store, orders, owner).await
    }
}

pub async fn claim(store: &Store, orders: &[Order], owner: &str) -> Vec<Option<Order>> {
    let mall = store.mall(&orders[0].mall).await.unwrap().unwrap();
    let account = store.accounts().await.unwrap().remove(&mall.account).unwrap();
    let claim = Claim { event: Event::CreditStarted, account: &account, owner, who: "op", now: clock::now() };
    store.claim(orders, claim).await.unwrap()
}

/// Does everything that batches have for `desk` now; how many rows that were.
pub async fn do_batches<P: Provider + Clone + 'static>(desk: &CreditService<P>) -> usize {
    desk.recover().await;
    let mut lanes = Dispatcher::new(desk.clone());
    lanes.begin_batches().await.unwrap();
    lanes.all_end().await
}

/// Does what the automation has for `desk` now; how many orders it looked at.
pub async fn do_by_itself<P: Provider + Clone + 'static>(desk: &CreditService<P>) -> usize {
    desk.recover().await;
    let mut lanes = Dispatcher::new(desk.clone());
    let looked_at = lanes.begin_automation().await.unwrap();
    lanes.all_end().await;
    looked_at
}

/// What [`TestStore::tell`] told.
pub fn told_place(told: &str) -> DatabaseLocation {
    let (database, folder) = told.rsplit_once(' ').unwrap();
    place(database, Path::new(folder))
}

fn place(database: &str, folder: &Path) -> DatabaseLocation {
    DatabaseLocation::new(database).with_files(folder.join("orders.db"))
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
        order_status: None,
    }
}
