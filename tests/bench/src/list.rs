//! How long the order list takes as the store grows.
//!
//! The orders are spread over three malls, on SQLite and on a private PostgreSQL. Each query is asked many times,
//! with places and words that differ from time to time.

use crate::Effort;
use crate::measure::Times;
use crate::report::{Figure, Section, Target, Unit};
use anyhow::{Context, Result};
use domain::credit_state::State;
use domain::mall::Mall;
use std::path::Path;
use std::time::Instant;
use store::{DatabaseLocation, ListQuery, MallUpdate, Position, Store};
use time::macros::date;

/// Enough that the 99th percentile is more than a single outlier.
const ROUNDS: usize = 300;
const MALLS: [&str; 3] = ["honten", "shiten", "outlet"];
/// Lines of a page.
const PAGE: usize = 50;
/// Orders of a small shop's store.
const FEW: usize = 10_000;
/// What nobody who turns a page notices, in seconds. A query that stays below it may grow as it likes.
const UNNOTICED: f64 = 0.05;

/// The 99th percentile of each query's time, in seconds.
type Percentiles = Vec<(String, f64)>;

/// The list with few and with many orders, on both databases.
pub async fn section(folder: &Path, effort: Effort) -> Result<Section> {
    let many = effort.pick(2 * FEW, 100 * FEW);
    let files = folder.join("list.db");
    let cluster = test_postgres::Cluster::start()?;
    let mut figures = Vec::new();
    for place in [
        DatabaseLocation::new(&files.to_string_lossy()),
        DatabaseLocation::new(&cluster.database()?).with_files(&files),
    ] {
        let database = if place.is_shared() { "PostgreSQL" } else { "SQLite" };
        let store = Store::open(&place).await?;
        let mut measured = Vec::new();
        for orders in [FEW, many] {
            fill(&store, orders).await?;
            if place.is_shared() {
                // As a server does by itself some minutes later.
                cluster.vacuum()?;
            }
            measured.push(measure(&store, orders).await?);
        }
        let [few, many] = &measured[..] else { continue };
        for ((what, few), (_, many)) in few.iter().zip(many) {
            figures.push(
                Figure::new(format!("{database}: {what}"), Unit::Time, *many)
                    .beside(format!("with {FEW} orders"), *few)
                    .target(Target::AtMost(UNNOTICED)),
            );
        }
    }
    Ok(Section {
        title: "Growth: orders in the store",
        how: format!(
            "Queries of the order list with {many} orders beside {FEW}, the 99th percentile of {ROUNDS} each, asked of the \
             store by its library. What takes a fraction of a millisecond is allowed to take several."
        ),
        figures,
        curves: Vec::new(),
        says: Vec::new(),
    })
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
    eprintln!("[bench] a store of {orders} orders, made in {:.0?}", began.elapsed());
    Ok(())
}

async fn measure(store: &Store, orders: usize) -> Result<Percentiles> {
    let mut measured = Percentiles::new();
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
            let time = percentile(async |_| store.page(&query, position, PAGE).await.map(drop)).await?;
            measured.push((format!("{name}{what}"), time));
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
        measured.push((format!("an order number{what}"), percentile(one).await?));
    }
    measured.push(("a deep page".to_owned(), deep(store).await?));
    for (what, mall) in [("counts", None), ("counts of a mall", Some(MALLS[0]))] {
        let time = percentile(async |_| store.counts(mall, None).await.map(drop)).await?;
        measured.push((what.to_owned(), time));
    }
    Ok(measured)
}

/// Pages as somebody sees them who goes back page by page from the oldest order.
async fn deep(store: &Store) -> Result<f64> {
    let (mut position, mut times) = (Position::Last, Times::default());
    for _ in 0..ROUNDS {
        let turn = async {
            let page = store.page(&ListQuery::default(), position, PAGE).await?;
            position = page.newer.map_or(Position::Last, Position::Before);
            Ok(())
        };
        times.time(turn).await?;
    }
    nearly_all(&times)
}

async fn percentile<E>(ask: impl AsyncFn(usize) -> Result<(), E>) -> Result<f64>
where
    E: Into<anyhow::Error>,
{
    let mut times = Times::default();
    for round in 0..ROUNDS {
        times.time(async { ask(round).await.map_err(Into::into) }).await?;
    }
    nearly_all(&times)
}

/// What 99 of 100 do not exceed, in seconds.
fn nearly_all(times: &Times) -> Result<f64> {
    Ok(times.quantile(0.99)?.as_secs_f64())
}
