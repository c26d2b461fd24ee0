//! The same limits, met by the twin with blocking functions through `wasi:http` 0.2; and what is particular to it.

#[path = "common/sandbox_cases.rs"]
mod cases;
mod common;

use common::{Does, Server, account, limits, load, order};
use provider_host::contract::{Bill, Failure, FeeBand, FeeMode, FeeRule};
use provider_host::{CallError, Limits, Progress, RowOutcome};
use std::time::{Duration, Instant};

const PLUGIN: &str = "hostile-sync";

#[tokio::test]
async fn a_plugin_that_reports_falsely_is_overruled() {
    let table = [
        ("lie-not-sent", Does::Answers(0), Progress::Answered, RowOutcome::OutcomeUnknown),
        ("lie-approved", Does::ReadsAndCloses, Progress::Sent, RowOutcome::OutcomeUnknown),
        ("panic-after", Does::Answers(0), Progress::Answered, RowOutcome::OutcomeUnknown),
        ("honest", Does::CutsBody, Progress::Sent, RowOutcome::OutcomeUnknown),
        ("honest", Does::AnswersAndCloses, Progress::Answered, RowOutcome::Success),
    ];
    for (behaviour, does, progress, outcome) in table {
        let server = Server::start(does).await;
        let answer = load(PLUGIN, limits(), &server).await.credit(&account(behaviour, &server), vec![order()]).await;
        assert_eq!(answer.calls[0].requests[0].progress, progress, "{behaviour}: {:?}", answer.calls);
        assert_eq!(RowOutcome::of(&answer.rows[0]), outcome, "{behaviour}: {:?}", answer.rows);
    }
    let server = Server::start(Does::Answers(0)).await;
    let answer = load(PLUGIN, limits(), &server).await.credit(&account("deny", &server), vec![order()]).await;
    assert_eq!((server.requests(), RowOutcome::of(&answer.rows[0])), (0, RowOutcome::NotSent), "{:?}", answer.rows);
}

/// A request that its plugin does not wait for must not be written after the host has reported that it was not
/// sent. What is reported is compared with what the server has read, again and again, on several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_abandoned_is_not_sent_after_its_call() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load(PLUGIN, limits(), &server).await;
    let (mut reported, mut unsent) = (0, 0);
    for _ in 0..200 {
        let answer = plugin.credit(&account("abandon", &server), vec![order()]).await;
        let request = &answer.calls[0].requests[0];
        let sent = request.progress != Progress::NotSent;
        let outcome = if sent { RowOutcome::OutcomeUnknown } else { RowOutcome::NotSent };
        assert_eq!(RowOutcome::of(&answer.rows[0]), outcome, "{:?}", answer.rows);
        (reported, unsent) = (reported + usize::from(sent), unsent + usize::from(!sent));
    }
    // A connection that the server has accepted is read before this one.
    assert!(plugin.credit(&account("honest", &server), vec![order()]).await.rows[0].is_ok());
    assert!(unsent > 0, "no request was abandoned before it was sent");
    assert!(server.requests() <= reported + 1, "{} were sent, {reported} reported", server.requests() - 1);
}

#[tokio::test]
async fn a_batch_begins_with_a_dry_run() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load(PLUGIN, limits(), &server).await;
    let answer = plugin.credit(&account("honest", &server), vec![order(), order()]).await;
    let dry_run = answer.calls[0].dry_run.as_deref().expect("two rows");
    assert!(dry_run.requests.iter().all(|request| request.progress == Progress::NotSent), "{dry_run:?}");
    assert_eq!((server.requests(), dry_run.requests.len()), (1, 1));
    assert!(answer.rows.iter().all(Result::is_ok), "{:?}", answer.rows);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_its_length_is_not_sent() {
    let server = Server::start(Does::Answers(0)).await;
    let answer = load(PLUGIN, limits(), &server).await.credit(&account("cut-body", &server), vec![order()]).await;
    assert!(matches!(&answer.rows[0], Err(Failure::NotSent(_))), "{:?}", answer.rows);
    assert_eq!(server.requests(), 0);
}

/// Twenty calls that wait at the same time, on a runtime with one thread: each blocks its plugin, none the thread.
#[tokio::test(flavor = "current_thread")]
async fn a_call_that_blocks_holds_up_no_thread() {
    let waits = Server::start(Does::ReadsAndWaits).await;
    let limits = Limits { deadline: Duration::from_secs(2), ..limits() };
    let plugin = load(PLUGIN, limits, &waits).await;
    let shop = account("honest", &waits);
    let began = Instant::now();
    let calls = futures::future::join_all((0..20).map(|_| plugin.credit(&shop, vec![order()]))).await;
    assert!(calls.iter().all(|answer| matches!(&answer.rows[0], Err(Failure::OutcomeUnknown(_)))));
    assert_eq!(waits.requests(), 20, "every call has sent its request while the others waited");
    assert!(began.elapsed() < Duration::from_secs(10), "one after the other they take 40 s");
}

#[tokio::test]
async fn a_plugin_without_a_rule_for_fees_has_the_common_one() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = load(PLUGIN, limits(), &server).await;
    let band = |lower, upper, fee| FeeBand { lower, upper, fee };
    let rule = FeeRule { mode: FeeMode::Add, bands: vec![band(0, Some(999), 330), band(1_000, None, 220)] };
    let bill = Bill { items: 1_000, shipping_fee: 500, payment_fee: 10 };
    let adjusted = plugin.fee_adjust(&rule, &bill).await.unwrap().unwrap();
    assert_eq!((adjusted.payment_fee, adjusted.billed_amount, adjusted.band), (230, 1_730, Some(1)));

    let gap = FeeRule { mode: FeeMode::Add, bands: vec![band(0, Some(998), 330), band(1_000, None, 220)] };
    let problems = plugin.fee_adjust(&gap, &bill).await.unwrap().unwrap_err();
    assert_eq!((problems[0].field.as_str(), problems[0].reason.code.as_deref()), ("bands[1].lower", Some("gap")));
}

#[tokio::test]
async fn denied_requests_give_no_time_to_compute() {
    let server = Server::start(Does::Answers(0)).await;
    let answer = load(PLUGIN, limits(), &server).await.credit(&account("spin-denied", &server), vec![order()]).await;
    assert!(matches!(answer.calls[0].error, Some(CallError::Cpu(_))), "{:?}", answer.calls[0].error);
}
