//! The independent checker: its own tests, and that it judges what this project writes.

use serde_json::json;
use std::process::Command;
use torture::checker::{check, folder};
use torture::sim::run::{Plan, run};

#[test]
fn the_checker_refuses_what_it_has_to_refuse() {
    let tests = Command::new("python3").args(["-B", "-m", "unittest", "-q"]).current_dir(folder()).output().unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stderr));
}

#[test]
fn the_checker_holds_the_histories_of_days_and_refuses_them_with_a_second_live_credit() {
    let summary =
        run(&Plan { first: 1, days: 20, twice_every: u64::MAX, threads: 2, keep_histories: true, made_smaller: true });
    assert!(summary.failure.is_none(), "{:?}", summary.failure);
    let mut histories: Vec<_> =
        summary.histories.into_iter().map(|(seed, history)| (format!("day-{seed}"), history)).collect();
    histories.retain(|(_, history)| history.iter().any(|line| line["kind"] == "order"));
    assert!(check(&histories).unwrap() > 20);
    let live = |line: &serde_json::Value| {
        line["kind"] == "registration" && line["cancelled"] == false && line["verdict"] == "approved"
    };
    let with_live = histories.iter_mut().find(|(_, history)| history.iter().any(live)).unwrap();
    let mut twice = with_live.1.iter().find(|line| live(line)).unwrap().clone();
    twice["id"] = json!("another");
    with_live.1.push(twice);
    let refused = check(&histories).unwrap_err().to_string();
    assert!(refused.contains("2 live credits"), "{refused}");
}
