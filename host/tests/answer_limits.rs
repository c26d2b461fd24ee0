//! What a plugin answers is bounded and readable before a platform gets it; calls that met a limit are
//! distinguished from calls that trapped.

mod common;

use common::{Does, Server, account, hostile, limits, order};
use provider_host::contract::{Decision, Failure, Verdict};
use provider_host::{CALL_ENDED, CALL_LIMIT, CallError, Limits};
use std::time::Duration;

/// A character that no reader sees and some terminals obey.
const UNSEEN: [char; 2] = ['\0', '\u{1b}'];

#[tokio::test]
async fn words_that_no_platform_can_keep_are_cut_and_cleaned_row_by_row() {
    let server = Server::start(Does::Answers(0)).await;
    let limits = Limits { memory: 256 << 20, cpu: Duration::from_secs(4), ..limits() };
    let plugin = hostile(limits, &server).await;
    let answer = plugin.credit(&account("long-words", &server), vec![order(); 7]).await;
    assert_eq!(answer.rows.len(), 7);
    for row in &answer.rows {
        let kept = serde_json::to_string(row).unwrap();
        assert!(kept.len() < 20_000, "{} bytes", kept.len());
        assert!(
            !format!("{row:?}").contains(UNSEEN) && !kept.contains("\\u0000") && !kept.contains("\\u001b"),
            "{kept}"
        );
    }
    let needs_a_person = |row: &Result<Decision, Failure>| {
        matches!(row, Ok(Decision { transaction_id: None, verdict: Verdict::Other(_) }))
    };
    assert!(needs_a_person(&answer.rows[0]) && needs_a_person(&answer.rows[1]), "{:?}", answer.rows);
    // A row beside them is what it was.
    let approved = Decision { transaction_id: Some("A-1".to_owned()), verdict: Verdict::Approved };
    assert_eq!(answer.rows[2], Ok(approved));
    let Ok(Decision { verdict: Verdict::Rejected(reasons), .. }) = &answer.rows[3] else {
        panic!("{:?}", answer.rows[3])
    };
    assert!((1..=50).contains(&reasons.len()));
    assert!(matches!(answer.rows[4], Err(Failure::Refused(_))));
    assert!(matches!(answer.rows[5], Err(Failure::Invalid(_))));
    assert!(matches!(answer.rows[6], Err(Failure::Busy((_, Some(86_400))))));
}

#[tokio::test]
async fn a_call_that_met_a_limit_is_told_from_one_that_broke_off() {
    let (answers, waits) = (Server::start(Does::Answers(0)).await, Server::start(Does::ReadsAndWaits).await);
    let limits = Limits { deadline: Duration::from_secs(2), cpu: Duration::from_secs(1), ..limits() };
    for (behaviour, server, code) in [
        ("panic", &answers, CALL_ENDED),
        ("panic-after", &answers, CALL_ENDED),
        ("few-rows", &answers, CALL_ENDED),
        ("spin", &answers, CALL_LIMIT),
        ("spin-after", &answers, CALL_LIMIT),
        ("grow", &answers, CALL_LIMIT),
        ("honest", &waits, CALL_LIMIT),
    ] {
        let answer = hostile(limits.clone(), server).await.credit(&account(behaviour, server), vec![order()]).await;
        let Err(Failure::NotSent(reason) | Failure::OutcomeUnknown(reason)) = &answer.rows[0] else {
            panic!("{behaviour}: {:?}", answer.rows);
        };
        assert_eq!(reason.code.as_deref(), Some(code), "{behaviour}: {reason:?}");
        let error = answer.calls[0].error.as_ref().expect("the call ended early");
        assert_eq!(error.is_limit(), code == CALL_LIMIT, "{behaviour}: {error}");
        assert_eq!(matches!(error, CallError::Memory(_)), behaviour == "grow");
    }
}
