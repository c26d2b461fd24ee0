//! The platform's core against the reference model, on days that a seed decides: the short form. The long form is
//! `cargo xtask torture`.
//!
//! `DAY_SEED=7 cargo test --workspace --test model -- --nocapture` runs one day and prints its log. `DAYS=3000` runs more
//! of them, and with `DAYS_AS_THEY_ARE` set to anything a day that fails is shown as it is.

use torture::sim::run::{Days, Plan, run};

/// Days of the short form.
const DAYS: u64 = 300;
/// Where they begin; any number would do.
const FIRST: u64 = 20_261_126;

#[test]
fn on_days_full_of_faults_store_and_ledger_never_disagree() {
    if let Ok(seed) = std::env::var("DAY_SEED") {
        let report = Days::new().run(seed.parse().expect("DAY_SEED is a number"));
        println!("{}", report.log.join("\n"));
        assert_eq!(report.failure, None);
        return;
    }
    let made_smaller = std::env::var("DAYS_AS_THEY_ARE").is_err();
    let days = std::env::var("DAYS").map_or(DAYS, |days| days.parse().expect("DAYS is a number"));
    let summary = run(&Plan { first: FIRST, days, twice_every: 10, threads: 2, keep_histories: false, made_smaller });
    println!("{} days, {} twice, in {:?}: {:#?}", summary.days, summary.twice, summary.took, summary.counts);
    if let Some(failure) = summary.failure {
        println!("failed day {} of seed {}: {}", failure.seed - FIRST + 1, failure.seed, failure.what);
        panic!("{}", failure.smallest);
    }
    let missing = torture::sim::never(&summary.counts);
    // Fewer days than these are too few for everything to happen.
    assert!(
        missing.is_empty() || days < DAYS,
        "{missing:?}: a run in which these never happened shows nothing about them"
    );
}
