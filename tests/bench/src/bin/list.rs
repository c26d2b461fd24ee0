//! How long the order list takes: `cargo run --release -p bench --bin list -- 1000000`.
//!
//! The orders are spread over three malls, on SQLite and on a private PostgreSQL. Each query is asked many times,
//! with places and words that differ from time to time; the 99th percentile stands beside what is measured.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use domain::credit_state::State;
use domain::mall::Mall;
use std::time::{Duration, Instant};
use store::{DatabaseLocation, ListQuery, MallUpdate, Position, Store};
use time::macros::date;

/// Enough that the 99th percentile is more than a single outlier.
const ROUNDS: usize = 300;
const MALLS: [&str; 3] = ["honten", "shiten", "outlet"];
/// Lines of a page.
const PAGE: usize = 50;

#[tokio::main]
async fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("orders.db");
    let cluster = test_postgres::Cluster::start()?;
    for place in [
        DatabaseLocation::new(&files.to_string_lossy()),
        DatabaseLocation::new(&cluster.database()?).with_files(&files),
    ] {
        println!("\n{}", if place.is_shared() { "PostgreSQL" } else { "SQLite" });
        let store = Store::open(&place).await?;
        for orders in [10_000.min(count), count] {
            fill(&store, orders).await?;
            if place.is_shared() {
                // As a server does by itself some minutes later.
                cluster.vacuum()?;
            }
            measure(&store, orders).await?;
        }
    }
    Ok(())
}

async fn fill(store: &Store, orders: usize) -> Result<()> {
    let began = Instant::now();
    for id in MALLS {
        if store.mall(id).await?.is_none() {
            let provider = if id == MALLS[2] { "other" } else { "fake" };
            let mall = Mall { id: id.into(), name: id.into(), provider: provider.into(), ..Mall::default() };
            store.put_mall(&mall, MallUpdate::default()).await?;
        }
        let mall = store.mall(id).await?.context("the mall was just made")?;
        let there: i64 = store.counts(Some(id), None).await?.values().sum();
        store.seed(&mall, (orders / MALLS.len()).saturating_sub(usize::try_from(there)?), |_| {}).await?;
    }
    println!("{orders:>9} orders, made in {:.0?}", began.elapsed());
    Ok(())
}

async fn measure(store: &Store, orders: usize) -> Result<()> {
    let all = ListQuery::default;
    let state = |state| ListQuery { state: Some(state), ..all() };
    let mall = Some(MALLS[1].to_owned());
    let queries = [
        ("first page", all()),
        ("one state", state(State::Synced)),
        ("a rare state", state(State::OnHold)),
        ("a state that none has", state(State::CancelUnknown)),
        ("one mall", ListQuery { mall: mall.clone(), ..all() }),
        ("one mall, rare state", ListQuery { mall: mall.clone(), ..state(State::UnderReview) }),
        ("one provider, one state", ListQuery { provider: Some("other".into()), ..state(State::Rejected) }),
        ("approved, no tracking", ListQuery { tracked: Some(false), ..state(State::Approved) }),
        ("synced, no tracking", ListQuery { tracked: Some(false), ..state(State::Synced) }),
        ("a month", ListQuery { since: Some(date!(2024 - 07 - 02)), until: Some(date!(2024 - 07 - 31)), ..all() }),
        ("a name", ListQuery { search: Some("仮名 葵".into()), ..all() }),
        ("a family name", ListQuery { search: Some("仮名".into()), ..all() }),
        ("what all have", ListQuery { search: Some("seed".into()), ..all() }),
        ("what the oldest have", ListQuery { search: Some("seed-0000".into()), ..all() }),
        ("a family name, one mall", ListQuery { search: Some("佐藤".into()), mall, ..all() }),
    ];
    for (name, query) in queries {
        for (what, position) in [("", Position::First), (", last page", Position::Last)] {
            let found = store.page(&query, position, PAGE).await?.orders.len();
            let times = times(async |_| store.page(&query, position, PAGE).await.map(drop)).await?;
            report(&format!("{name}{what}"), times, &format!("{found} lines"));
        }
    }
    let rest = [
        ("", all()),
        (", one state", state(State::Synced)),
        (", one mall", ListQuery { mall: Some(MALLS[0].into()), ..all() }),
    ];
    let number = |round: usize| format!("SEED-{:08}", round * 7919 % (orders / MALLS.len()));
    for (what, rest) in rest {
        let one = async |round| {
            let query = ListQuery { search: Some(number(round)), ..rest.clone() };
            store.page(&query, Position::First, PAGE).await.map(drop)
        };
        report(&format!("an order number{what}"), times(one).await?, "");
    }
    report("deep page", deep(store).await?, "");
    report("counts", times(async |_| store.counts(None, None).await.map(drop)).await?, "");
    report("counts of a mall", times(async |_| store.counts(Some(MALLS[0]), None).await.map(drop)).await?, "");
    Ok(())
}

/// Pages as somebody sees them who goes back page by page from the oldest order.
async fn deep(store: &Store) -> Result<Vec<Duration>> {
    let (mut position, mut times) = (Position::Last, Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let page = store.page(&ListQuery::default(), position, PAGE).await?;
        times.push(began.elapsed());
        position = page.newer.map_or(Position::Last, Position::Before);
    }
    Ok(times)
}

async fn times<E>(ask: impl AsyncFn(usize) -> Result<(), E>) -> Result<Vec<Duration>>
where
    E: Into<anyhow::Error>,
{
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let began = Instant::now();
        ask(round).await.map_err(Into::into)?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn report(what: &str, mut times: Vec<Duration>, found: &str) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what:<36} p50 {:>9.2?}   p99 {:>9.2?}   {found}", at(50), at(99));
}
