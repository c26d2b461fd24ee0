//! Days that are written down: what a process must not do that was held while others went on.

use domain::crash_point::CrashPoint;
use domain::credit_state::Action;
use torture::sim::points::DatabaseFault;
use torture::sim::run::Days;
use torture::sim::step::{Day, PROVIDERS, Race, Step};
use torture::sim::world::Report;

/// Lets `steps` happen at `provider`, after one order of an ordinary buyer came in for each of `orders`.
fn day(provider: &str, orders: usize, steps: impl IntoIterator<Item = Step>) -> Report {
    let provider = PROVIDERS.iter().position(|known| *known == provider).unwrap();
    let import = Step::Import { process: 0, digits: vec![0; orders] };
    let steps = std::iter::once(import).chain(steps).collect();
    Days::new().happen(&Day { provider, automatic: false, rows_per_request: 50, attended: true, steps })
}

/// Every provider, of which some take a reference twice.
fn at_each(orders: usize, steps: &[Step], check: impl Fn(&str, &Report)) {
    for provider in PROVIDERS {
        let report = day(provider, orders, steps.iter().cloned());
        assert_eq!(report.failure, None, "{provider}:\n{}", report.log.join("\n"));
        check(provider, &report);
    }
}

fn count(report: &Report, what: &str) -> usize {
    report.counts.get(what).copied().unwrap_or_default()
}

fn act(process: usize, action: Action, orders: &[usize]) -> Step {
    Step::Act { process, action, orders: orders.to_vec() }
}

/// The first order, whatever its state: an index that is a multiple of seven.
const FIRST: usize = 7;

#[test]
fn a_process_that_was_stopped_between_its_claim_and_its_request_sends_nothing_any_more() {
    let steps = [
        Step::HoldAt { point: CrashPoint::ClaimCommitted, nth: 1 },
        act(0, Action::Credit, &[FIRST]),
        // Its lock is lost with its connection, so the other one counts it as dead and asks, when nothing of a request
        // that was sent at once can be on its way.
        Step::LoseLease { process: 0 },
        Step::Work { process: 1 },
        Step::Pass { seconds: 125 },
        act(1, Action::Check, &[FIRST]),
        Step::Deliver { call: 0 },
        act(1, Action::Credit, &[FIRST]),
        Step::Deliver { call: 0 },
        // Now the first one goes on.
        Step::Release { held: 0 },
        Step::Deliver { call: 0 },
    ];
    at_each(1, &steps, |provider, report| {
        assert_eq!(count(report, "held at claim_committed"), 1, "{provider}");
        assert!(report.log.iter().any(|line| line.contains("goes on after claim_committed")), "{provider}");
    });
}

#[test]
fn what_was_claimed_long_ago_is_not_sent_and_can_be_sent_again() {
    let steps = [
        Step::HoldAt { point: CrashPoint::ClaimCommitted, nth: 1 },
        act(0, Action::Credit, &[FIRST]),
        Step::Pass { seconds: 20 },
        Step::Release { held: 0 },
    ];
    at_each(1, &steps, |provider, report| {
        let not_sent = |line: &String| line.ends_with("credit A-1: A-1 not_sent failure");
        assert!(report.log.iter().any(not_sent), "{provider}: {:?}", report.log);
        assert_eq!(count(report, "outcome in doubt"), 0, "{provider}");
    });
}

#[test]
fn a_run_that_fails_takes_no_claim_from_another_run_of_its_process() {
    let steps = [
        Step::HoldAt { point: CrashPoint::CallBegins, nth: 1 },
        act(0, Action::Credit, &[FIRST]),
        // The second one claims the order and sends it; then the first one fails, and what it dropped is recovered.
        act(0, Action::Credit, &[FIRST]),
        Step::Database { fault: DatabaseFault::Unreachable },
        Step::Release { held: 0 },
        Step::Work { process: 0 },
        Step::Deliver { call: 0 },
    ];
    at_each(1, &steps, |provider, report| {
        assert_eq!(count(report, DatabaseFault::Unreachable.name()), 1, "{provider}: {:?}", report.log);
        let approved = |line: &String| line.ends_with("credit A-1: A-1 approved success");
        assert!(report.log.iter().any(approved), "{provider}: {:?}", report.log);
        assert_eq!(count(report, "outcome in doubt"), 0, "{provider}: {:?}", report.log);
    });
}

#[test]
fn of_two_that_have_read_the_same_order_one_sends_it() {
    for processes in [[0, 0], [0, 1]] {
        let steps = [
            Step::Race { processes, action: Action::Credit, orders: vec![FIRST], race: Race::Claim },
            Step::Release { held: 0 },
            Step::Release { held: 0 },
            Step::Deliver { call: 0 },
        ];
        at_each(1, &steps, |provider, report| {
            let what = if processes[0] == processes[1] { "operations" } else { "processes" };
            assert_eq!(count(report, &format!("race of two {what} to a claim")), 1, "{provider}");
            assert_eq!(count(report, "order claimed"), 1, "{provider}: {:?}", report.log);
        });
    }
}

#[test]
fn of_two_answers_with_one_transaction_id_in_one_group_the_second_is_doubted() {
    let steps = [
        Step::Race { processes: [0, 0], action: Action::Credit, orders: vec![7, 14], race: Race::Result },
        Step::Release { held: 0 },
        Step::Release { held: 0 },
    ];
    at_each(2, &steps, |provider, report| {
        assert_eq!(count(report, "race of two operations to a result"), 1, "{provider}: {:?}", report.log);
        assert_eq!(count(report, "answer with another order's id"), 1, "{provider}");
        assert_eq!(count(report, "outcome in doubt"), 1, "{provider}: {:?}", report.log);
    });
}

#[test]
fn a_claim_whose_commit_was_not_acknowledged_is_in_doubt_and_nothing_was_sent() {
    for fault in [DatabaseFault::Unreachable, DatabaseFault::CommitLost, DatabaseFault::CommitAnswerLost] {
        let steps = [
            Step::HoldAt { point: CrashPoint::CallBegins, nth: 1 },
            act(0, Action::Credit, &[FIRST]),
            Step::Database { fault },
            Step::Release { held: 0 },
            Step::Work { process: 0 },
        ];
        at_each(1, &steps, |provider, report| {
            assert_eq!(count(report, fault.name()), 1, "{provider}: {:?}", report.log);
            let in_doubt = usize::from(fault == DatabaseFault::CommitAnswerLost);
            assert_eq!(count(report, "outcome in doubt"), in_doubt, "{provider}: {:?}", report.log);
        });
    }
}

#[test]
fn a_day_that_shows_something_is_made_smaller_and_runs_again_to_the_same_bytes() {
    let days = Days::new();
    let shows = |report: &Report| count(report, "commit's answer lost") > 0;
    let seed = (1..).find(|seed| shows(&days.run(*seed))).unwrap();
    let (smallest, report) = days.smallest(seed, shows);
    // Orders come in, the fault is armed, and something is written.
    assert!(shows(&report) && smallest.steps.len() <= 6, "seed {seed}: {smallest:#?}");
    let again = days.happen(&smallest);
    assert_eq!((&again.log, &again.counts), (&report.log, &report.counts));
    assert_eq!(days.run(seed).log, days.run(seed).log);
}
