//! The outcome of rows that were never sent is known: a batch begins with a dry run, and what the plugin rejects
//! there is in no request, even if the plugin changes its mind.

mod common;

use common::{account_at, hostile_at, limits, np, order};
use gateways::np::Np;
use gateways::{Fault, Gateway, Options};
use provider_host::contract::{Decision, Failure, Order, Setting};
use provider_host::{Account, Answer, Limits, Overruled, Progress, RowOutcome};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// `count` orders with references of their own; those at `refused` fail the hostile plugin's check.
fn orders(count: usize, refused: &[usize]) -> Vec<Order> {
    let note = |at| refused.contains(&at).then(|| "refuse".to_owned());
    (0..count).map(|at| Order { reference: format!("SHOP-{at:04}"), note: note(at), ..order() }).collect()
}

/// A gateway that keeps the bodies of its requests, and answers them or not.
async fn recorder(answers: bool) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(record(stream, answers, Arc::clone(&kept)));
        }
    });
    (url, bodies)
}

async fn record(mut stream: TcpStream, answers: bool, bodies: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        stream.read_exact(&mut body).await?;
        bodies.lock().unwrap().push(String::from_utf8(body).unwrap());
        if !answers {
            return Ok(());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}

fn claiming(behaviour: &str, url: &str, claim: &str) -> Account {
    let settings = [("behaviour", behaviour), ("url", url), ("claim", claim)];
    let set = |(key, value): (&str, &str)| Setting { key: key.into(), value: value.into() };
    Account::new("shop", settings.map(set).into())
}

fn outcomes(answer: &Answer<Decision>) -> Vec<RowOutcome> {
    answer.rows.iter().map(RowOutcome::of).collect()
}

#[tokio::test]
async fn of_a_thousand_orders_whose_answer_was_lost_the_ten_that_never_left_are_invalid() {
    let gateway = Gateway::start(Np::default(), Options::default()).await.unwrap();
    let (plugin, shop) = np(Limits::default(), &gateway.origin(), &gateway.base()).await;
    let wrong = |at: usize| at % 100 == 37;
    let mut orders = orders(1_000, &[]);
    for (at, order) in orders.iter_mut().enumerate().filter(|(at, _)| wrong(*at)) {
        order.buyer.name = format!("見本 {at}{}", "花".repeat(30));
    }
    gateway.plan("drop-answer".parse().unwrap()).unwrap();
    let answer = plugin.credit(&shop, orders).await;
    assert_eq!(gateway.hits_of(Fault::DropAnswer), 1);

    for (at, row) in answer.rows.iter().enumerate() {
        match row {
            Err(Failure::Invalid(problems)) => {
                assert!(wrong(at), "row {at}");
                assert!(problems.iter().all(|problem| problem.field == "buyer.name"), "{problems:?}");
                assert!(!problems.is_empty(), "row {at} has no reason");
            }
            Err(Failure::OutcomeUnknown(_)) => assert!(!wrong(at), "row {at} never left"),
            other => panic!("row {at}: {other:?}"),
        }
    }
    assert_eq!(gateway.ledger().registrations.len(), 990, "those in doubt are really there");
    let [report] = &answer.calls[..] else { panic!("{:?}", answer.calls) };
    let dry_run = report.dry_run.as_deref().expect("a batch has a dry run first");
    assert_eq!((report.rows, report.requests.len(), report.requests[0].progress), (1_000, 1, Progress::Sent));
    assert!(dry_run.requests.iter().all(|request| request.progress == Progress::NotSent), "{dry_run:?}");
    assert_eq!((dry_run.requests.len(), report.overruled.len()), (1, 0));
    let share = dry_run.elapsed.as_secs_f64() / report.elapsed.as_secs_f64();
    println!("dry run {:?} of {:?} ({:.0} %)", dry_run.elapsed, report.elapsed, share * 100.0);
}

#[tokio::test]
async fn what_a_batch_says_and_reports_keeps_its_place() {
    let (url, bodies) = recorder(true).await;
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    let answer = plugin.credit(&claiming("checks", &url, "not-sent"), orders(5, &[0, 3])).await;
    use RowOutcome::{Invalid, OutcomeUnknown};
    assert_eq!(outcomes(&answer), [Invalid, OutcomeUnknown, OutcomeUnknown, Invalid, OutcomeUnknown]);
    let expected = [1, 2, 4].map(|row| Overruled { row, reported: RowOutcome::NotSent });
    assert_eq!((answer.calls.len(), &answer.calls[0].overruled[..]), (1, &expected[..]));
    assert_eq!(answer.calls[0].rows, 5);
    assert_eq!(*bodies.lock().unwrap(), ["SHOP-0001,SHOP-0002,SHOP-0004"]);
}

#[tokio::test]
async fn a_batch_of_which_nothing_can_be_sent_is_one_call() {
    let (url, bodies) = recorder(true).await;
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    let all = plugin.credit(&account_at("checks", &url), orders(3, &[0, 1, 2])).await;
    assert_eq!(outcomes(&all), [RowOutcome::Invalid; 3]);
    // Nor is a single row looked at twice.
    let single = plugin.credit(&account_at("checks", &url), orders(1, &[0])).await;
    assert_eq!(outcomes(&single), [RowOutcome::Invalid]);
    // What breaks off before its first request would do so again.
    let broken = plugin.credit(&account_at("panic", &url), orders(3, &[])).await;
    assert_eq!(outcomes(&broken), [RowOutcome::NotSent; 3]);
    for answer in [all, single, broken] {
        assert!(answer.calls.len() == 1 && answer.calls[0].dry_run.is_none(), "{:?}", answer.calls);
    }
    assert!(bodies.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_plugin_that_breaks_off_only_when_it_is_denied_is_called_as_ever() {
    let (url, bodies) = recorder(true).await;
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    let answer = plugin.credit(&account_at("panic-when-denied", &url), orders(3, &[])).await;
    assert_eq!(outcomes(&answer), [RowOutcome::Success; 3]);
    let dry_run = answer.calls[0].dry_run.as_deref().unwrap();
    assert!(dry_run.error.is_some() && answer.calls[0].error.is_none(), "{:?}", answer.calls);
    assert_eq!(bodies.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn no_row_that_was_sent_is_invalid_whatever_a_plugin_says() {
    for (behaviour, invalid) in [("checks", 2), ("lie-when-denied", 10), ("lie-invalid", 0)] {
        let (url, bodies) = recorder(false).await;
        let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
        let asked = orders(10, &[2, 7]);
        let answer = plugin.credit(&account_at(behaviour, &url), asked.clone()).await;
        let sent = bodies.lock().unwrap().join(",");
        for (order, row) in asked.iter().zip(outcomes(&answer)) {
            let left = sent.contains(&order.reference);
            let expected = if left { RowOutcome::OutcomeUnknown } else { RowOutcome::Invalid };
            assert_eq!(row, expected, "{behaviour}: {} was {}sent", order.reference, if left { "" } else { "not " });
        }
        // Who says of every order that it cannot be sent gets none to send.
        assert_eq!(
            outcomes(&answer).iter().filter(|word| **word == RowOutcome::Invalid).count(),
            invalid,
            "{behaviour}"
        );
        assert_eq!(bodies.lock().unwrap().len(), usize::from(invalid < asked.len()), "{behaviour}");
    }
}

/// What a plugin says *before* its request is denied counts, and what it may say after an answer is its
/// own word on its gateway; but a row that it called invalid in the dry run is out of its reach.
#[tokio::test]
async fn a_row_that_is_left_out_is_in_no_request_even_where_every_request_is_answered() {
    let (url, bodies) = recorder(true).await;
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    let answer = plugin.credit(&account_at("lie-when-denied", &url), orders(4, &[])).await;
    assert_eq!(outcomes(&answer), [RowOutcome::Invalid; 4]);
    assert!(bodies.lock().unwrap().is_empty());
    let request = &answer.calls[0].requests[0];
    assert_eq!(request.progress, Progress::NotSent);
    assert!(request.error.as_deref().is_some_and(|words| words.starts_with("dry run")), "{request:?}");
}

#[tokio::test]
async fn both_calls_of_a_batch_hold_one_deadline() {
    let (url, bodies) = recorder(true).await;
    let deadline = Duration::from_millis(500);
    let endless = Limits { deadline, cpu: deadline * 20, cpu_total: deadline * 20, ..limits() };
    let plugin = hostile_at(endless, std::slice::from_ref(&url)).await;
    // Its request is denied, then it computes until its time is over: nothing is left for another call.
    let answer = plugin.credit(&account_at("spin-after", &url), orders(2, &[])).await;
    assert_eq!(outcomes(&answer), [RowOutcome::NotSent; 2]);
    assert!(answer.calls[0].dry_run.is_some() && answer.calls[0].error.is_some(), "{:?}", answer.calls);
    assert!(answer.calls[0].elapsed < deadline * 2, "{:?}", answer.calls[0].elapsed);
    assert!(bodies.lock().unwrap().is_empty());
}

#[tokio::test]
async fn both_calls_of_a_batch_share_its_log_lines() {
    let (url, bodies) = recorder(true).await;
    let plugin = hostile_at(limits(), std::slice::from_ref(&url)).await;
    let answer = plugin.credit(&account_at("flood-log", &url), orders(2, &[])).await;
    assert_eq!(outcomes(&answer), [RowOutcome::Success; 2]);
    assert_eq!(answer.calls[0].log_lines_dropped, 2 * 10_000 - limits().log_lines);
    assert_eq!(bodies.lock().unwrap().len(), 1);
}
