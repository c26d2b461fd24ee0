//! The outcome of rows, with plugins that report falsely and gateways that fail.

mod common;

use common::{Does, Server, account, hostile, limits, order};
use provider_host::contract::Failure;
use provider_host::{ConnectionFailure, Host, Limits, Origin, Overruled, Permissions, Progress, RowOutcome};
use std::sync::Arc;

#[derive(Debug, PartialEq)]
enum Row {
    Ok,
    NotSent,
    Unknown,
    Other,
}

async fn credit(behaviour: &str, server: &Server) -> (Row, Option<Progress>) {
    let answer = hostile(limits(), server).await.credit(&account(behaviour, server), vec![order()]).await;
    let row = match &answer.rows[0] {
        Ok(_) => Row::Ok,
        Err(Failure::NotSent(_)) => Row::NotSent,
        Err(Failure::OutcomeUnknown(_)) => Row::Unknown,
        Err(_) => Row::Other,
    };
    (row, answer.calls[0].requests.first().map(|request| request.progress))
}

#[tokio::test]
async fn a_plugin_is_not_believed_against_what_left() {
    let answers = Server::start(Does::Answers(0)).await;
    assert_eq!(credit("lie-not-sent", &answers).await, (Row::Unknown, Some(Progress::Answered)));
    assert_eq!(credit("lie-unknown", &answers).await, (Row::NotSent, None));
    assert_eq!(credit("deny", &answers).await, (Row::NotSent, None));
    assert_eq!(credit("lie-approved", &answers).await, (Row::Ok, Some(Progress::Answered)));
    let closes = Server::start(Does::ReadsAndCloses).await;
    assert_eq!(credit("lie-not-sent", &closes).await, (Row::Unknown, Some(Progress::Sent)));
    assert_eq!(credit("lie-approved", &closes).await, (Row::Unknown, Some(Progress::Sent)));
    assert_eq!(closes.requests(), 2);
}

#[tokio::test]
async fn a_report_says_where_the_plugin_was_not_believed() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    for (behaviour, overruled) in [
        ("honest", None),
        ("lie-not-sent", Some(RowOutcome::NotSent)),
        ("lie-unknown", Some(RowOutcome::OutcomeUnknown)),
        ("deny", Some(RowOutcome::Success)),
        ("panic", None),
    ] {
        let answer = plugin.credit(&account(behaviour, &server), vec![order()]).await;
        let expected: Vec<_> = overruled.map(|reported| Overruled { row: 0, reported }).into_iter().collect();
        assert_eq!(answer.calls[0].overruled, expected, "{behaviour}");
    }
}

#[tokio::test]
async fn a_call_that_broke_off_is_judged_by_what_left() {
    let server = Server::start(Does::Answers(0)).await;
    assert_eq!(credit("panic", &server).await, (Row::NotSent, None));
    assert_eq!(credit("panic-after", &server).await, (Row::Unknown, Some(Progress::Answered)));
    assert_eq!(credit("spin", &server).await, (Row::NotSent, None));
    assert_eq!(credit("spin-after", &server).await, (Row::Unknown, Some(Progress::Answered)));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_has_been_sent_nothing() {
    let server = Server::start(Does::Closes).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin: Origin = format!("http://{}", free.local_addr().unwrap()).parse().unwrap();
    drop(free);
    let host = Host::builder().limits(limits()).build().unwrap();
    let plugin = host.load(common::component("hostile"), Permissions::loopback(origin.clone())).await.unwrap();
    let answer = plugin.credit(&common::account_at("honest", &origin.to_string()), vec![order()]).await;
    assert!(matches!(&answer.rows[0], Err(Failure::NotSent(reason)) if reason.message.contains("ConnectionRefused")));
    // Accepted, then closed: whether the request was written first is a race that only the count decides.
    let (row, progress) = credit("honest", &server).await;
    assert_eq!(row, if progress == Some(Progress::NotSent) { Row::NotSent } else { Row::Unknown });
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_never_sent_again() {
    for does in [Does::ReadsAndCloses, Does::CutsBody] {
        let server = Server::start(does).await;
        assert_eq!(credit("honest", &server).await, (Row::Unknown, Some(Progress::Sent)));
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_does_not_lose_or_double_a_request() {
    let server = Server::start(Does::AnswersAndCloses).await;
    let plugin = hostile(limits(), &server).await;
    let shop = account("honest", &server);
    for sent in 1..=50 {
        let answer = plugin.credit(&shop, vec![order()]).await;
        let progress = answer.calls[0].requests[0].progress;
        let expected = if answer.rows[0].is_ok() { Progress::Answered } else { Progress::Sent };
        assert_eq!(progress, expected, "{:?}", answer.rows);
        if progress == Progress::Answered {
            assert!(server.requests() <= sent);
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_again_by_the_same_shop_only() {
    let server = Server::start(Does::Answers(0)).await;
    let plugin = hostile(limits(), &server).await;
    let shop = account("honest", &server);
    for _ in 0..20 {
        assert!(plugin.credit(&shop, vec![order()]).await.rows[0].is_ok());
    }
    assert_eq!((server.requests(), server.connections()), (20, 1));
    let url = provider_host::contract::Setting { key: "url".into(), value: server.origin().to_string() };
    let other = provider_host::Account::new("another shop", vec![url]);
    assert!(plugin.credit(&other, vec![order()]).await.rows[0].is_ok());
    assert_eq!((server.requests(), server.connections()), (21, 2));
}

/// Why the last request of a call had no connection.
fn no_connection<T>(answer: &provider_host::Answer<T>) -> Option<ConnectionFailure> {
    answer.calls.last()?.requests.last()?.no_connection
}

#[tokio::test]
async fn a_gateway_with_an_unknown_certificate_is_sent_nothing() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let config = tokio_rustls::rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let permissions = Permissions {
        origins: vec![origin.parse().unwrap()],
        private_addresses: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..Permissions::default()
    };
    let host = Host::builder().limits(limits()).build().unwrap();
    let plugin = host.load(common::component("hostile"), permissions).await.unwrap();
    let answer = plugin.credit(&common::account_at("honest", &origin), vec![order()]).await;
    assert!(
        matches!(&answer.rows[0], Err(Failure::NotSent(r)) if r.message.contains("TlsCertificateError")),
        "{answer:?}"
    );
    assert!(!server.await.unwrap(), "the handshake must have failed");
    assert_eq!(no_connection(&answer), Some(ConnectionFailure::CertificateUntrusted));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_bounded() {
    let server = Server::start(Does::ReadsAndWaits).await;
    let origin = format!("https://127.0.0.1:{}", server.port());
    let quick = Limits { connect: std::time::Duration::from_millis(200), ..limits() };
    let host = Host::builder().limits(quick).build().unwrap();
    let plugin = host.load(common::component("hostile"), Permissions::loopback(origin.parse().unwrap())).await.unwrap();
    let answer = plugin.credit(&common::account_at("honest", &origin), vec![order()]).await;
    assert!(
        matches!(&answer.rows[0], Err(Failure::NotSent(r)) if r.message.contains("ConnectionTimeout")),
        "{answer:?}"
    );
    assert_eq!(no_connection(&answer), Some(ConnectionFailure::Handshake));
    assert_eq!(server.connections(), 1);
}

/// Answers what goes to /first; does with /second what it is told.
async fn one_is_lost(lost: bool) -> (String, Arc<std::sync::atomic::AtomicUsize>) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let carried_out = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&carried_out);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut request).await {
                    if request[..read].starts_with(b"POST /second") {
                        counted.fetch_add(1, Ordering::SeqCst);
                        if lost {
                            return;
                        }
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    (url, carried_out)
}

#[tokio::test]
async fn an_answered_request_does_not_vouch_for_one_whose_answer_was_lost() {
    for lost in [true, false] {
        let (url, carried_out) = one_is_lost(lost).await;
        let plugin = common::hostile_at(limits(), &[url.trim_end_matches('/').to_owned()]).await;
        let claims = ["approved", "refused", "invalid", "unauthorized", "already", "busy", "unsupported"];
        for (at, claim) in claims.into_iter().enumerate() {
            let set =
                |key: &str, value: &str| provider_host::contract::Setting { key: key.into(), value: value.into() };
            let settings = vec![set("behaviour", "two-requests"), set("url", &url), set("claim", claim)];
            let answer = plugin.credit(&provider_host::Account::new("shop", settings), vec![order()]).await;
            let progress: Vec<_> = answer.calls[0].requests.iter().map(|request| request.progress).collect();
            let second = if lost { Progress::Sent } else { Progress::Answered };
            assert_eq!(progress, [Progress::Answered, second], "{claim}");
            assert_eq!(carried_out.load(std::sync::atomic::Ordering::SeqCst), at + 1);
            let unknown = RowOutcome::of(&answer.rows[0]) == RowOutcome::OutcomeUnknown;
            assert_eq!(unknown, lost, "{claim}: {:?}", answer.rows);
        }
    }
}
