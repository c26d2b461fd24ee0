//! Each fault over a real socket: what the client sees, what the ledger holds, and that the fault
//! was really met. Then the gateway's own behaviour: counting, closing, bounds, the control desk.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Form, Seen, connect, ids, order, post, send};
use gateways::atobarai_com::AtobaraiCom;
use gateways::control::Control;
use gateways::faults::{FAULTS, PlanReport};
use gateways::server::{HUGE_BODY, MAX_BODY, MAX_HEAD};
use gateways::{Fault, FaultPlan, Gateway, Ledger, Options, PlanRefused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ORDER: &str = "/api/order/rest";

/// Long enough to be told from no delay at all, short enough to wait for.
const LATE: Duration = Duration::from_millis(300);

async fn gateway() -> Gateway {
    let options = Options { late: LATE, slow_byte: Duration::from_millis(1), ..Options::default() };
    Gateway::start(AtobaraiCom::default(), options).await.unwrap()
}

/// A request on a connection that is kept, and how long its answer took.
async fn timed(stream: &mut tokio::net::TcpStream, form: &Form) -> Duration {
    let body = form.body();
    let head = format!(
        "POST {ORDER} HTTP/1.1\r\nHost: g\r\nUser-Agent: a/1\r\nAccept: */*\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let began = Instant::now();
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"</response>") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    began.elapsed()
}

/// A gateway that waits for no time, but asks the timer for it, answers no faster than the timer ticks. Both are
/// measured in turn, so that a busy machine slows both.
#[tokio::test]
async fn without_a_latency_nothing_waits_for_the_timer() {
    let gateway = gateway().await;
    let mut stream = connect(&gateway.origin()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut answers, mut ticks) = (Vec::new(), Vec::new());
    for n in 0..200 {
        answers.push(timed(&mut stream, &order(&format!("T-{n}"))).await);
        let began = Instant::now();
        tokio::time::sleep(Duration::ZERO).await;
        ticks.push(began.elapsed());
    }
    answers.sort();
    ticks.sort();
    let (answer, tick) = (answers[answers.len() / 2], ticks[ticks.len() / 2]);
    assert!(answer < tick, "an answer takes {answer:?}, a tick of the timer {tick:?}");
}

#[tokio::test]
async fn a_firewall_lets_nobody_pass_who_does_not_say_who_he_is() {
    let gateway =
        Gateway::start(AtobaraiCom::default(), Options { firewall: true, ..Options::default() }).await.unwrap();
    let head = |named: &str| {
        format!("POST {ORDER} HTTP/1.1\r\nHost: g\r\n{named}Connection: close\r\nContent-Length: 0\r\n\r\n")
    };
    for (named, status) in [
        ("", "403"),
        ("User-Agent: a/1\r\n", "403"),
        ("Accept: */*\r\n", "403"),
        ("User-Agent: a/1\r\nAccept: */*\r\n", "415"),
    ] {
        let mut stream = connect(&gateway.origin()).await.unwrap();
        stream.write_all(head(named).as_bytes()).await.unwrap();
        let mut seen = String::new();
        stream.read_to_string(&mut seen).await.unwrap();
        assert!(seen.starts_with(&format!("HTTP/1.1 {status}")), "{named}: {seen}");
    }
    assert_eq!(gateway.ledger(), Ledger::default());
}

fn plan(text: &str) -> FaultPlan {
    text.parse().unwrap()
}

/// What the client must see of each fault when it registers the order `R`.
fn assert_seen(fault: Fault, seen: &Seen, took: Duration) {
    let text = seen.text();
    let whole = || text.ends_with("</response>") && text.contains("<orderId>R</orderId>");
    match fault {
        Fault::AcceptClose | Fault::ReadClose | Fault::DropAnswer => assert!(seen.bytes.is_empty(), "{text}"),
        Fault::Late => assert!(whole() && took >= LATE, "{took:?} {text}"),
        Fault::Http500 => assert_eq!(seen.status(), 500),
        Fault::Http502 => {
            assert_eq!(seen.status(), 502);
            assert_eq!(seen.header("content-type").unwrap(), "text/html; charset=utf-8");
        }
        Fault::Http503 => assert_eq!((seen.status(), seen.header("retry-after").as_deref()), (503, Some("7"))),
        Fault::Http429 => assert_eq!((seen.status(), seen.header("retry-after").as_deref()), (429, Some("7"))),
        Fault::CutBody => {
            let promised: usize = seen.header("content-length").unwrap().parse().unwrap();
            assert_eq!(seen.body().len(), promised / 2, "{text}");
        }
        Fault::SlowBody => assert!(whole() && took >= Duration::from_millis(seen.body().len() as u64), "{took:?}"),
        Fault::HugeBody => {
            assert!(seen.body().len() > HUGE_BODY, "{}", seen.body().len());
            assert_eq!(seen.header("content-length"), None, "a client has to count by itself");
        }
        Fault::WrongCharset => {
            assert_eq!(seen.header("content-type").unwrap(), "text/xml; charset=utf-8");
            assert!(String::from_utf8(seen.body().to_vec()).is_err(), "{text}");
        }
        Fault::OtherReference => assert!(text.contains("<orderId>OTHER-REFERENCE</orderId>"), "{text}"),
        Fault::UnknownCode => assert!(text.contains("<orderStatus cd=\"8\">"), "{text}"),
        Fault::AddressRefused => assert!(text.contains("E00101"), "{text}"),
        Fault::SystemFailure => assert!(text.contains("E00901"), "{text}"),
        Fault::Maintenance => assert!(text.contains("E00999"), "{text}"),
        Fault::OtherAmount => unreachable!("refused as a plan"),
    }
}

#[tokio::test]
async fn each_fault_shows_itself_and_commits_what_it_says() {
    for info in FAULTS.iter().filter(|info| info.fault != Fault::OtherAmount) {
        let gateway = gateway().await;
        let on = if info.fault == Fault::AcceptClose { "" } else { "@order" };
        gateway.plan(plan(&format!("{}{on}:nth=1", info.name))).unwrap();
        let begun = Instant::now();
        let seen = post(&gateway.origin(), ORDER, &order("R")).await;
        assert_seen(info.fault, &seen, begun.elapsed());
        assert_eq!(gateway.ledger().by_reference("R").count(), usize::from(info.commits), "{}", info.name);
        assert_eq!((gateway.fault_hits(), gateway.hits_of(info.fault)), (1, 1), "{}", info.name);

        let second = post(&gateway.origin(), ORDER, &order("S")).await;
        assert_eq!(second.status(), 200, "{}: the next request is served", info.name);
        assert!(second.text().contains("<orderId>S</orderId>") && second.ended_well, "{}", info.name);
        assert_eq!(gateway.ledger().by_reference("S").count(), 1, "{}", info.name);
        assert_eq!(gateway.fault_hits(), 1, "{}: only once", info.name);
    }
}

#[tokio::test]
async fn the_other_calls_can_be_twisted_too() {
    let gateway = gateway().await;
    post(&gateway.origin(), ORDER, &order("R")).await;
    let id = || ids().add("OrderId[]", "XX00000001");
    let ship = || ids().add("OrderId", "XX00000001").add("DelivId", "2").add("JournalNum", "1");
    let cases: [(&str, Form, &str); 7] = [
        ("other-reference@status", id(), "<orderId>XX99999999</orderId>"),
        ("unknown-code@status", id(), "<orderStatus cd=\"8\">"),
        ("other-reference@detail", id(), "<entOrderId>OTHER-REFERENCE</entOrderId>"),
        ("unknown-code@detail", id(), ">8</orderStatus>"),
        ("other-reference@shipping", ship(), "<orderId>XX99999999</orderId>"),
        ("other-reference@cancel", id().add("Reason[]", ""), "<orderId>XX99999999</orderId>"),
        ("unknown-code@cancel", id().add("Reason[]", ""), "<cancelStatus>partial</cancelStatus>"),
    ];
    for (number, (text, form, wanted)) in cases.into_iter().enumerate() {
        gateway.plan(plan(&format!("{text}:nth=1"))).unwrap();
        let operation = text.split_once('@').unwrap().1;
        let seen = post(&gateway.origin(), &format!("/api/{operation}/rest"), &form).await;
        assert!(seen.text().contains(wanted), "{text}: {}", seen.text());
        assert_eq!(gateway.fault_hits(), number + 1, "{text}");
    }
}

#[tokio::test]
async fn a_twist_that_finds_nothing_is_no_hit() {
    let gateway = gateway().await;
    gateway.plan(plan("unknown-code@order")).unwrap();
    let seen = post(&gateway.origin(), ORDER, &order("R").set("O_RtOrderStatus", "0")).await;
    assert_eq!((seen.status(), gateway.fault_hits()), (200, 0));
}

#[tokio::test]
async fn plans_that_could_never_strike_are_refused() {
    let gateway = gateway().await;
    assert_eq!(gateway.plan(plan("other-amount")), Err(PlanRefused::Pointless("other-amount".to_owned())));
    let pointless = PlanRefused::Pointless("unknown-code@delivlist".to_owned());
    assert_eq!(gateway.plan(plan("unknown-code@delivlist")), Err(pointless));
    let both = vec![plan("late"), plan("late@credit")];
    assert!(matches!(gateway.plan_all(both), Err(PlanRefused::Operation { .. })));
    assert_eq!(gateway.plans(), [], "all or none");
}

#[tokio::test]
async fn a_plan_for_one_order_follows_it_through_its_calls() {
    let gateway = gateway().await;
    gateway.plan(plan("drop-answer:reference=R")).unwrap();
    let origin = gateway.origin();
    assert_eq!(post(&origin, ORDER, &order("S")).await.status(), 200);
    assert_eq!(post(&origin, ORDER, &order("R")).await.status(), 0);
    let status = |id: &str| ids().add("OrderId[]", id);
    assert_eq!(post(&origin, "/api/status/rest", &status("XX00000001")).await.status(), 200);
    assert_eq!(post(&origin, "/api/status/rest", &status("XX00000002")).await.status(), 0, "by its transaction id");
    assert_eq!(gateway.hits_of(Fault::DropAnswer), 2);
}

#[tokio::test]
async fn the_first_plan_that_strikes_takes_the_request() {
    let gateway = gateway().await;
    gateway.plan_all(vec![plan("http-503@order:nth=1"), plan("http-429@order:nth=1")]).unwrap();
    let mut statuses = Vec::new();
    for reference in ["A", "B", "C"] {
        statuses.push(post(&gateway.origin(), ORDER, &order(reference)).await.status());
    }
    assert_eq!(statuses, [503, 429, 200]);
    gateway.clear_faults();
    let reports = gateway.plans();
    assert!(reports.iter().all(|PlanReport { active, hits, .. }| !active && *hits == 1), "{reports:?}");
}

#[tokio::test]
async fn a_closed_gateway_refuses_connections_until_it_is_reopened() {
    let gateway = gateway().await;
    let origin = gateway.origin();
    let mut idle = connect(&origin).await.unwrap();
    assert_eq!(post(&origin, ORDER, &order("R")).await.status(), 200);
    gateway.close().await;
    let refused = connect(&origin).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0, "an idle connection ends");
    gateway.close().await;
    gateway.reopen().await.unwrap();
    gateway.reopen().await.unwrap();
    assert_eq!(gateway.origin(), origin);
    assert_eq!(post(&origin, ORDER, &order("S")).await.status(), 200);
    assert_eq!(gateway.ledger().live().count(), 2, "the ledger outlives it");
    drop(gateway);
    while connect(&origin).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn settling_waits_for_what_a_client_abandoned() {
    let options = Options { latency: LATE, ..Options::default() };
    let gateway = Gateway::start(AtobaraiCom::default(), options).await.unwrap();
    let origin = gateway.origin();
    let abandoned = tokio::spawn(async move { post(&origin, ORDER, &order("R")).await });
    while gateway.request_counts().is_empty() {
        tokio::task::yield_now().await;
    }
    abandoned.abort();
    gateway.settle().await;
    assert_eq!(gateway.ledger().live().count(), 1);
}

#[tokio::test]
async fn requests_on_one_connection_are_counted_as_one_connection() {
    let gateway = gateway().await;
    let mut stream = connect(&gateway.origin()).await.unwrap();
    let body = order("R").body();
    let request = format!(
        "POST {ORDER} HTTP/1.1\r\nHost: gateway\r\nX-Mark: あ\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"</response>") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "still open");
        }
    }
    assert_eq!((gateway.connections(), gateway.request_counts()["order"]), (1, 2));
    let requests = gateway.requests();
    assert_eq!((requests.len(), requests[0].method.as_str(), requests[0].path.as_str()), (2, "POST", ORDER));
    assert_eq!(requests[1].body, body);
    assert_eq!(requests[1].header("x-mark"), Some("あ"));
}

#[tokio::test]
async fn requests_that_are_too_large_are_refused() {
    let gateway = gateway().await;
    let mut stream = connect(&gateway.origin()).await.unwrap();
    let head = format!("POST {ORDER} HTTP/1.1\r\nHost: gateway\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_buf(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));

    let mut stream = connect(&gateway.origin()).await.unwrap();
    // From here on the gateway stops reading in the middle, so the client may see a reset instead.
    let head = format!("POST {ORDER} HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("{:x}\r\n{}\r\n", MAX_BODY + 1, "x".repeat(MAX_BODY + 1));
    let _ = stream.write_all((head + &chunk).as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_buf(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));

    let mut stream = connect(&gateway.origin()).await.unwrap();
    let head = format!("POST {ORDER} HTTP/1.1\r\nHost: gateway\r\nX-Long: {}\r\n\r\n", "x".repeat(4 * MAX_HEAD));
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_buf(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    assert!(gateway.request_counts().is_empty());
}

#[tokio::test]
async fn the_control_desk_shows_and_sets() {
    let gateway = Arc::new(gateway().await);
    let control = Control::start(gateway.clone(), 0).await.unwrap();
    let desk = control.origin();
    assert_eq!(send(desk, "POST", "/faults", "drop-answer@order:nth=1\n\nlate:every=5\n").await.status(), 204);
    post(&gateway.origin(), ORDER, &order("R")).await;

    let json = |seen: Seen| serde_json::from_slice::<serde_json::Value>(seen.body()).unwrap();
    let ledger: Ledger = serde_json::from_value(json(send(desk, "GET", "/ledger", "").await)).unwrap();
    assert_eq!(ledger, gateway.ledger());
    assert_eq!(ledger.live().count(), 1);
    let requests = json(send(desk, "GET", "/requests", "").await);
    assert_eq!(requests, serde_json::json!({ "total": 1, "connections": 1, "operations": { "order": 1 } }));
    let faults = json(send(desk, "GET", "/faults", "").await);
    assert_eq!(faults["hits"], 1);
    assert_eq!(faults["plans"][0]["plan"], "drop-answer@order:nth=1");
    assert_eq!(faults["plans"][0]["hits"], 1);
    let possible: Vec<&str> =
        faults["possible"].as_array().unwrap().iter().filter_map(|fault| fault.as_str()).collect();
    assert!(possible.contains(&"drop-answer") && !possible.contains(&"other-amount"), "{possible:?}");

    let refused = send(desk, "POST", "/faults", "late\nexplode").await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().contains("explode"), "{}", refused.text());
    assert_eq!(gateway.plans().len(), 2, "all or none");
    assert_eq!(send(desk, "POST", "/faults", "").await.status(), 204);
    assert!(gateway.plans().iter().all(|report| !report.active));

    assert_eq!(send(desk, "POST", "/close", "").await.status(), 204);
    assert!(connect(&gateway.origin()).await.is_err());
    assert_eq!(send(desk, "POST", "/reopen", "").await.status(), 204);
    assert_eq!(post(&gateway.origin(), ORDER, &order("S")).await.status(), 200);
    assert_eq!(send(desk, "GET", "/", "").await.status(), 404);
}
