//! Processes of the platform that are killed: at every crash point, in a batch of a hundred orders, and at a few random
//! moments, judged by the independent checker as well. `cargo xtask torture` kills a thousand.

use domain::crash_point::CrashPoint;
use strum::VariantArray;
use torture::checker;
use torture::kills::{Database, Site};

/// Kills at random moments on each database. The long form has a thousand.
const KILLS: usize = 12;

fn at_every_point(database: Database) {
    let mut site = Site::start(database).unwrap();
    for point in CrashPoint::VARIANTS {
        site.kill_at(*point).unwrap_or_else(|error| panic!("{database:?}, {point}: {error:#}"));
    }
    judge(&site);
}

fn at_random(database: Database) {
    let mut site = Site::start(database).unwrap();
    let done = site.kill_at_random(KILLS, 1).unwrap();
    assert_eq!(done.kills, KILLS);
    assert!(done.orders > 0, "nothing was sent, so nothing was shown: {done:?}");
    judge(&site);
}

fn judge(site: &Site) {
    let orders = checker::check(&[("kills".to_owned(), site.history().unwrap())]).unwrap();
    assert!(orders > 0, "the checker was told of no order");
}

#[test]
fn a_process_killed_at_any_point_registers_nothing_twice_and_loses_nothing_on_sqlite() {
    at_every_point(Database::Sqlite);
}

#[test]
fn a_process_killed_at_any_point_registers_nothing_twice_and_loses_nothing_on_postgresql() {
    at_every_point(Database::Postgres);
}

#[test]
fn processes_killed_at_random_register_nothing_twice_and_lose_nothing_on_sqlite() {
    at_random(Database::Sqlite);
}

#[test]
fn processes_killed_at_random_register_nothing_twice_and_lose_nothing_on_postgresql() {
    at_random(Database::Postgres);
}
