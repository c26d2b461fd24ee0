//! Gateways that answer in every wrong way, for each of the five providers: a call ends within its limits, its outcome
//! is unknown, and nothing becomes an approval. Each row of [`Case`] is a script for a connection; most begin with the
//! true answer of the simulated gateway, so that nothing but the fault keeps it from being believed.

mod common;

use common::{component, limits, order};
use gateways::providers::PROVIDERS;
use gateways::{Gateway, Options};
use provider_host::contract::{Decision, Setting, Verdict};
use provider_host::{Account, Answer, Host, Limits, Permissions, Plugin, Progress, RowOutcome};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
        requests.fetch_add(1, Ordering::SeqCst);
        match &script {
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

/// A message with a known length, or nothing where the connection ended first.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    while !message.ends_with(b"\r\n\r\n") {
        message.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(message.clone()).ok()?.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    message.extend(body);
    Some(message)
}

/// A shop of the sample files at the provider `id`, whose gateway is at `base`.
fn shop(id: &str, base: &str) -> Account {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../host-demo/samples/mall-{id}.toml"));
    let mall: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let settings = mall["settings"].as_table().unwrap().iter();
    let setting = |(key, value): (&String, &toml::Value)| Setting {
        key: key.clone(),
        value: if key == "base-url" { base.to_owned() } else { value.as_str().unwrap().to_owned() },
    };
    // A shop for each gateway, as in a platform: no connection is another's.
    Account::new(base, settings.map(setting).collect())
}

async fn load(id: &str, origins: &[String]) -> Plugin {
    let host = Host::builder().limits(short_limits()).build().unwrap();
    let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    let private_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    host.load(component(id), Permissions { origins, private_addresses, ..Permissions::default() }).await.unwrap()
}

/// What the simulated gateway of the provider answers to [`order`]: the bytes, as they came.
async fn approval(id: &str) -> Vec<u8> {
    let gateway = Gateway::start(gateways::by_id(id).unwrap(), Options::default()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let address = gateway.origin().trim_start_matches("http://").to_owned();
    let relay = tokio::spawn(async move {
        let mut client = listener.accept().await.unwrap().0;
        let request = read_message(&mut client).await.unwrap();
        let mut server = TcpStream::connect(address).await.unwrap();
        server.write_all(&request).await.unwrap();
        let answer = read_message(&mut server).await.unwrap();
        client.write_all(&answer).await.unwrap();
        answer
    });
    let base = gateway.base().replace(&gateway.origin(), &origin);
    let answer = load(id, &[origin]).await.credit(&shop(id, &base), vec![order()]).await;
    assert!(is_approved(&answer), "{id}: {:?}", answer.rows);
    relay.await.unwrap()
}

fn is_approved(answer: &Answer<Decision>) -> bool {
    matches!(&answer.rows[..], [Ok(Decision { verdict: Verdict::Approved, .. })])
}

async fn every_case_of(id: &str) {
    let approval = approval(id).await;
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
    let plugin = load(id, &origins).await;
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

/// A test for each provider, and none missing.
macro_rules! providers {
    ($($test:ident: $id:literal;)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            every_case_of($id).await;
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
