//! Gateways that answer in every wrong way, for each of the five providers: a call ends within its limits, its outcome
//! is unknown, and nothing becomes an approval. Each row of [`Case`] is a script for a connection; most begin with the
//! true answer of the simulated gateway, so that nothing but the fault keeps it from being believed.

mod common;
#[path = "common/providers.rs"]
mod providers;

use common::{limits, load_at, order, read_message};
use gateways::providers::PROVIDERS;
use provider_host::contract::Order;
use provider_host::{ConnectionFailure, Host, Limits, Progress, RowOutcome};
use providers::{approval, is_approved, shop};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Long enough for an answer on a busy machine, short enough to wait for it with every case at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// Connecting, the head and the body, each to its end, and what a busy machine adds.
const AT_MOST: Duration = Duration::from_secs(40);

fn short_limits() -> Limits {
    let deadline = Duration::from_secs(30);
    Limits { connect: PATIENCE, head: PATIENCE, body: PATIENCE, deadline, cpu: Duration::from_secs(4), ..limits() }
}

/// What a gateway does with a connection.
#[derive(Clone)]
enum Script {
    /// Reads the request, answers with these bytes, keeps the connection.
    Says(Vec<u8>),
    /// The same, and closes after a moment.
    SaysAndCloses(Vec<u8>, Duration),
    /// Answers the first request with these bytes, and with the same again after a while; whatever is asked then is not
    /// answered.
    SaysTwice(Vec<u8>, Duration),
    /// Answers before it has read anything.
    SaysAtOnce(Vec<u8>),
    /// Reads the request, answers with the first bytes, then with the others again and again until nobody reads.
    Repeats(Vec<u8>, Vec<u8>, Duration),
    /// Never says anything, not even in the handshake of TLS.
    Silent,
}

/// A gateway's way, and what a call of it is to come to.
struct Case {
    name: &'static str,
    script: Script,
    outcomes: &'static [RowOutcome],
}

fn head(rest: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{rest}\r\n").as_bytes(), body].concat()
}

fn page(media_type: &str, body: &[u8]) -> Script {
    Script::Says(head(&format!("content-type: {media_type}\r\ncontent-length: {}\r\n", body.len()), body))
}

/// Levels of nesting that no gateway has, and that a decoder which calls itself does not survive.
const LEVELS: usize = 10_000;

/// `approval` is the true answer of the gateway: status line, headers, body with a length.
fn cases(approval: &[u8]) -> Vec<Case> {
    let end_of_head = approval.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (true_head, body) = approval.split_at(end_of_head);
    let true_head = String::from_utf8(true_head.to_vec()).unwrap();
    // The headers that say what the body is, without its length.
    let lines = true_head.lines().skip(1).filter(|line| !line.to_ascii_lowercase().starts_with("content-length"));
    let kind: String = lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
    let with = |length: &str| head(&format!("{kind}{length}"), body);
    let length = body.len();
    let moment = Duration::from_millis(20);

    let xml = |body: String| page("application/xml", body.as_bytes());
    let laughs = (1..10).fold("<!ENTITY a0 \"ha\">".to_owned(), |all, level| {
        format!("{all}<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10))
    });
    let file =
        "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><response>&x;</response>";
    let unknown = |name, script| Case { name, script, outcomes: &[RowOutcome::OutcomeUnknown] };
    vec![
        Case { name: "the true answer", script: Script::Says(approval.to_vec()), outcomes: &[RowOutcome::Success] },
        unknown(
            "a head that comes byte by byte",
            Script::Repeats(b"HTTP/1.1 200 OK\r\nx: ".into(), b"x".into(), moment),
        ),
        unknown(
            "a body that comes byte by byte",
            Script::Repeats(head("content-length: 100000\r\n", b""), b" ".into(), moment),
        ),
        unknown(
            "a body without end",
            Script::Repeats(
                head(&format!("{kind}transfer-encoding: chunked\r\n"), b""),
                [b"2000\r\n", &b" ".repeat(0x2000)[..], b"\r\n"].concat(),
                Duration::ZERO,
            ),
        ),
        unknown("a hundred thousand headers", Script::Says(head(&"x-header: value\r\n".repeat(100_000), b""))),
        unknown("a header of megabytes", Script::Says(head(&format!("x: {}\r\n", "y".repeat(4 << 20)), b""))),
        unknown(
            "a compressed answer that nobody asked for",
            Script::Says(head(
                &format!("{kind}content-encoding: gzip\r\ncontent-length: 65546\r\n"),
                &[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 65_536]].concat(),
            )),
        ),
        unknown("a file as an entity", xml(file.to_owned())),
        unknown(
            "a billion laughs",
            xml(format!("<?xml version=\"1.0\"?><!DOCTYPE r [{laughs}]><response><result>&a9;</result></response>")),
        ),
        unknown("elements of ten thousand levels", xml("<a>".repeat(LEVELS) + &"</a>".repeat(LEVELS))),
        unknown("elements that never close", xml("<response>".repeat(LEVELS))),
        unknown(
            "arrays of ten thousand levels",
            page("application/json", ("[".repeat(LEVELS) + &"]".repeat(LEVELS)).as_bytes()),
        ),
        unknown("objects of ten thousand levels", page("application/json", "{\"results\":".repeat(LEVELS).as_bytes())),
        unknown(
            "bytes that are no UTF-8",
            page("application/json; charset=utf-8", b"{\"results\":[\"\xff\xfe\xc3\x28\"]}"),
        ),
        unknown(
            "bytes that are no UTF-8, as XML",
            page("text/xml", b"<response><result>\xff\xfe\xc3\x28</result></response>"),
        ),
        unknown(
            "another encoding than is declared",
            xml("<?xml version=\"1.0\" encoding=\"UTF-16\"?><response/>".to_owned()),
        ),
        unknown("an encoding that nobody knows", page("application/json; charset=ebcdic", b"\xc0\xd0")),
        unknown("nothing at all", page("text/html", b"")),
        unknown(
            "a page for people",
            page("text/html; charset=utf-8", "<html><h1>ただいまメンテナンス中です</h1></html>".as_bytes()),
        ),
        unknown("a number", page("application/json", b"1e999999")),
        unknown("a NUL", page("application/xml", b"\0")),
        // The true answer, and something wrong with how it comes.
        // Seen before anything was written, or while it was: never believed.
        Case {
            name: "the true answer before the request was read",
            script: Script::SaysAtOnce(approval.to_vec()),
            outcomes: &[RowOutcome::NotSent, RowOutcome::OutcomeUnknown],
        },
        unknown(
            "two lengths",
            Script::Says(with(&format!("content-length: {length}\r\ncontent-length: {}\r\n", length + 1))),
        ),
        unknown(
            "a length and chunks",
            Script::Says(with(&format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"))),
        ),
        unknown("a longer length", Script::SaysAndCloses(with(&format!("content-length: {}\r\n", length + 1)), moment)),
        unknown("a negative length", Script::Says(with("content-length: -1\r\n"))),
        unknown("a length of many digits", Script::Says(with("content-length: 99999999999999999999999\r\n"))),
        unknown("a length that is no number", Script::Says(with(&format!("content-length: {length}x\r\n")))),
        unknown("an unknown transfer encoding", Script::Says(with("transfer-encoding: x-own\r\n"))),
        unknown(
            "chunks that do not end",
            Script::SaysAndCloses(
                head(
                    &format!("{kind}transfer-encoding: chunked\r\n"),
                    &[format!("{length:x}\r\n").as_bytes(), body, b"\r\n"].concat(),
                ),
                moment,
            ),
        ),
        unknown("a cut head", Script::SaysAndCloses(true_head.as_bytes()[..end_of_head - 2].to_vec(), moment)),
        unknown(
            "a flood of 100 Continue",
            Script::Repeats(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".into(), moment),
        ),
        unknown(
            "a flood of 103 Early Hints",
            Script::Repeats(Vec::new(), b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".into(), moment),
        ),
        unknown("another protocol", Script::Says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into())),
        unknown(
            "a switch of protocols",
            Script::Says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".into()),
        ),
        unknown("a status without a number", Script::Says([b"HTTP/1.1 OK\r\n".as_slice(), &approval[17..]].concat())),
        unknown("no status line", Script::Says(body.to_vec())),
        unknown(
            "a name of a header with a blank",
            Script::Says(with(&format!("content-length : {length}\r\nx y: z\r\n"))),
        ),
        unknown("an end after the request", Script::SaysAndCloses(Vec::new(), Duration::ZERO)),
        unknown("silence", Script::Says(Vec::new())),
        // What follows the true answer is not its matter: it must not spoil it, nor be the next order's answer.
        Case {
            name: "two answers at once",
            script: Script::Says([approval, approval].concat()),
            outcomes: &[RowOutcome::Success],
        },
        Case {
            name: "an end 0.2 s after the true answer",
            script: Script::SaysAndCloses(approval.to_vec(), Duration::from_millis(200)),
            outcomes: &[RowOutcome::Success],
        },
    ]
}

/// A gateway on loopback that goes by a script, and how many whole requests it has read.
struct Scripted {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Scripted {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, requests) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let read = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(play(stream, script.clone(), Arc::clone(&read)));
            }
        });
        Self { port, requests }
    }
}

async fn play(mut stream: TcpStream, script: Script, requests: Arc<AtomicUsize>) {
    if let Script::SaysAtOnce(bytes) = &script {
        let _ = stream.write_all(bytes).await;
    }
    if matches!(script, Script::Silent) {
        std::future::pending::<()>().await;
    }
    while read_message(&mut stream).await.is_some() {
        let earlier = requests.fetch_add(1, Ordering::SeqCst);
        match &script {
            Script::SaysTwice(bytes, after) if earlier == 0 => {
                let _ = stream.write_all(bytes).await;
                let (mut reading, mut writing) = stream.into_split();
                let (bytes, after) = (bytes.clone(), *after);
                let again = async {
                    tokio::time::sleep(after).await;
                    writing.write_all(&bytes).await
                };
                let next = async {
                    while read_message(&mut reading).await.is_some() {
                        requests.fetch_add(1, Ordering::SeqCst);
                    }
                };
                let _ = tokio::join!(again, next);
                return;
            }
            Script::SaysTwice(..) => {}
            Script::Says(bytes) => {
                let _ = stream.write_all(bytes).await;
            }
            Script::SaysAndCloses(bytes, after) => {
                let _ = stream.write_all(bytes).await;
                tokio::time::sleep(*after).await;
                return;
            }
            Script::Repeats(first, again, pause) => {
                let _ = stream.write_all(first).await;
                while stream.write_all(again).await.is_ok() {
                    tokio::time::sleep(*pause).await;
                }
                return;
            }
            Script::SaysAtOnce(_) | Script::Silent => {}
        }
    }
}

async fn every_case_of(id: &str) {
    let approval = approval(id, short_limits()).await;
    let base_path = gateways::by_id(id).unwrap().base().to_owned();
    let mut gateways = Vec::new();
    for case in cases(&approval) {
        let scripted = Scripted::start(case.script.clone()).await;
        gateways.push((format!("http://127.0.0.1:{}", scripted.port), case, scripted));
    }
    // The same silence, where the handshake of TLS waits for an answer.
    let silent = Case { name: "a handshake without end", script: Script::Silent, outcomes: &[RowOutcome::NotSent] };
    let scripted = Scripted::start(silent.script.clone()).await;
    gateways.push((format!("https://127.0.0.1:{}", scripted.port), silent, scripted));

    let origins: Vec<_> = gateways.iter().map(|(origin, ..)| origin.clone()).collect();
    let host = Host::builder().limits(short_limits()).build().unwrap();
    let plugin = load_at(&host, id, &origins).await;
    let calls = gateways.iter().map(async |(origin, case, scripted)| {
        let began = Instant::now();
        let answer = plugin.credit(&shop(id, &format!("{origin}{base_path}")), vec![order()]).await;
        let (name, call) = (case.name, &answer.calls[0]);
        let outcome = RowOutcome::of(&answer.rows[0]);
        assert!(case.outcomes.contains(&outcome), "{id}, {name}: {:?} {call:?}", answer.rows);
        assert_eq!(is_approved(&answer), case.outcomes == [RowOutcome::Success], "{id}, {name}");
        assert!(began.elapsed() < AT_MOST, "{id}, {name}: {:?}", began.elapsed());
        assert_eq!(call.error, None, "{id}, {name}: the plugin did not come to its end");
        // The fault struck: the gateway had read the request, or had answered before.
        if !matches!(case.script, Script::Silent | Script::SaysAtOnce(_)) {
            assert_eq!(scripted.requests.load(Ordering::SeqCst), 1, "{id}, {name}");
            assert_ne!(call.requests[0].progress, Progress::NotSent, "{id}, {name}");
        }
    });
    futures::future::join_all(calls).await;
}

/// How long after the true answer the same bytes come once more.
const DELAYS: [u64; 12] = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000];

/// A second answer to the first request, at every delay, while the next order's request is on its way: it is whole and an
/// approval, and on the connection where it is waited for, if the provider's connections are used again. What it says is
/// of another order, and it is not believed.
async fn every_delay_of(id: &str) {
    let approval = approval(id, short_limits()).await;
    let base_path = gateways::by_id(id).unwrap().base().to_owned();
    let mut gateways = Vec::new();
    for delay in DELAYS {
        let script = Script::SaysTwice(approval.clone(), Duration::from_millis(delay));
        gateways.push((delay, Scripted::start(script).await));
    }
    let origins: Vec<_> = gateways.iter().map(|(_, scripted)| format!("http://127.0.0.1:{}", scripted.port)).collect();
    let host = Host::builder().limits(short_limits()).build().unwrap();
    let plugin = load_at(&host, id, &origins).await;
    let calls = gateways.iter().zip(&origins).map(async |((delay, scripted), origin)| {
        let shop = shop(id, &format!("{origin}{base_path}"));
        assert!(is_approved(&plugin.credit(&shop, vec![order()]).await), "{id}, {delay} ms: the true answer");
        let next = Order { reference: "SHOP-2".into(), ..order() };
        let answer = plugin.credit(&shop, vec![next]).await;
        let outcome = RowOutcome::of(&answer.rows[0]);
        assert_eq!(outcome, RowOutcome::OutcomeUnknown, "{id}, {delay} ms: {:?} {:?}", answer.rows, answer.calls);
        assert_eq!(scripted.requests.load(Ordering::SeqCst), 2, "{id}, {delay} ms: the second request was read");
    });
    futures::future::join_all(calls).await;
}

/// The name in the certificates.
const NAME: &str = "gateway.example";

/// An authority, and what signs with its key.
fn authority(name: &str) -> (Vec<u8>, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().to_vec();
    (certificate, Issuer::new(params, key))
}

/// A server's certificate for `name`, valid between two years, signed by `issuer`, or by itself.
fn certificate(issuer: Option<&Issuer<'static, KeyPair>>, name: &str, (from, until): (i32, i32)) -> TlsAcceptor {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let signed = issuer.map_or_else(|| params.self_signed(&key), |issuer| params.signed_by(&key, issuer));
    let chain = vec![signed.unwrap().der().clone()];
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap()).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// TLS with everything that can be wrong with a certificate: nothing is sent, and the report says what is wrong.
async fn every_certificate_of(id: &str) {
    let ((root, issuer), (_, stranger)) = (authority("known"), authority("stranger"));
    const VALID: (i32, i32) = (2000, 2999);
    use ConnectionFailure::{CertificateExpired, CertificateInvalid, CertificateName, CertificateUntrusted};
    let cases: [(&str, TlsAcceptor, &[ConnectionFailure]); 6] = [
        ("a good certificate", certificate(Some(&issuer), NAME, VALID), &[]),
        ("a wrong name", certificate(Some(&issuer), "other.example", VALID), &[CertificateName]),
        ("an expired one", certificate(Some(&issuer), NAME, (2000, 2001)), &[CertificateExpired]),
        ("one that is not valid yet", certificate(Some(&issuer), NAME, (2998, 2999)), &[CertificateExpired]),
        ("one of an unknown authority", certificate(Some(&stranger), NAME, VALID), &[CertificateUntrusted]),
        ("one that signs itself", certificate(None, NAME, VALID), &[CertificateUntrusted, CertificateInvalid]),
    ];
    let approval = approval(id, short_limits()).await;
    let base_path = gateways::by_id(id).unwrap().base().to_owned();
    let host = Host::builder().limits(short_limits()).trust(root);
    let host = host.resolver(|_, port| Ok(vec![([127, 0, 0, 1], port).into()])).build().unwrap();
    let mut gateways = Vec::new();
    for case in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{NAME}:{}", listener.local_addr().unwrap().port());
        gateways.push((case, listener, origin));
    }
    let origins: Vec<_> = gateways.iter().map(|(.., origin)| origin.clone()).collect();
    let plugin = load_at(&host, id, &origins).await;
    for ((name, acceptor, expected), listener, origin) in gateways {
        let answer = approval.clone();
        let gateway = tokio::spawn(async move {
            let stream = listener.accept().await.unwrap().0;
            // Whether a request was read: where the client breaks the handshake off there is none.
            let Ok(mut stream) = acceptor.accept(stream).await else { return false };
            let read = read_message(&mut stream).await.is_some();
            let _ = stream.write_all(&answer).await;
            let _ = stream.flush().await;
            read
        });
        let answer = plugin.credit(&shop(id, &format!("{origin}{base_path}")), vec![order()]).await;
        let request = &answer.calls[0].requests[0];
        let read = gateway.await.unwrap();
        assert_eq!(
            (is_approved(&answer), read),
            (expected.is_empty(), expected.is_empty()),
            "{id}, {name}: {answer:?}"
        );
        if let Some(found) = request.no_connection {
            assert!(expected.contains(&found), "{id}, {name}: {request:?}");
            assert_eq!(RowOutcome::of(&answer.rows[0]), RowOutcome::NotSent, "{id}, {name}: {:?}", answer.rows);
        } else {
            assert!(expected.is_empty(), "{id}, {name}: {request:?}");
        }
    }
}

/// A test for each provider, and none missing.
macro_rules! providers {
    ($($test:ident: $id:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            every_case_of($id).await;
            every_delay_of($id).await;
            every_certificate_of($id).await;
        })*

        #[test]
        fn every_provider_is_here() {
            let mut here = vec![$($id),*];
            let mut all = PROVIDERS.map(|(id, _)| id);
            here.sort_unstable();
            all.sort_unstable();
            assert_eq!(here, all);
        }
    };
}

providers! {
    hostile_gateways_of_atobarai_com: "atobarai-com";
    hostile_gateways_of_np: "np";
    hostile_gateways_of_atodene: "atodene";
    hostile_gateways_of_score: "score";
    hostile_gateways_of_kuroneko: "kuroneko";
}
