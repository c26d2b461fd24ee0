//! The line is cut after every byte: of the answer, when the gateway has carried the request out; and of the request,
//! before it is whole. The five components in the host's own sandbox, over sockets, against the gateways' own code.

use bytes_of_a_request::whole;
use gateways::Ledger;
use gateways::wire::Wire;
use provider_host::contract::{Address, Date, Failure, InvoiceDelivery, LineItem, Order, Party, Setting};
use provider_host::{Account, Host, Permissions, Plugin, Progress};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use torture::sim::native::credentials;
use torture::sim::step::PROVIDERS;

/// Cuts side by side, each on a port of its own.
const LINES: usize = 8;

/// Where the next line is cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After so many bytes of the request, of which nothing is carried out.
    Request(usize),
    /// After so many bytes of the answer.
    Answer(usize),
}

struct State {
    cut: Cut,
    ledger: Ledger,
    /// Bytes of the last whole request and of its whole answer.
    lengths: (usize, usize),
}

/// A gateway on a port that cuts lines.
struct Line {
    base: String,
    origin: String,
    state: Arc<Mutex<State>>,
}

impl Line {
    async fn start(provider: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let wire: Arc<dyn Wire> = gateways::by_id(provider).unwrap().into();
        let state = State { cut: Cut::Answer(usize::MAX), ledger: Ledger::default(), lengths: (0, 0) };
        let (base, state) = (format!("{origin}{}", wire.base()), Arc::new(Mutex::new(state)));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that went away is meant to happen.
                let _ = serve(stream, &*wire, &shared).await;
            }
        });
        Self { base, origin, state }
    }
}

async fn serve(mut stream: TcpStream, wire: &dyn Wire, state: &Mutex<State>) -> std::io::Result<()> {
    let cut = state.lock().unwrap().cut;
    if let Cut::Request(bytes) = cut {
        // What the client has written besides stays unread: the line is reset.
        stream.read_exact(&mut vec![0; bytes]).await?;
        return Ok(());
    }
    let (received, length) = whole(&mut stream).await?;
    let answer = wire.answer(&mut state.lock().unwrap().ledger, &received);
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        answer.status,
        answer.content_type,
        answer.body.len()
    );
    let answer = [head.into_bytes(), answer.body.into_bytes()].concat();
    state.lock().unwrap().lengths = (length, answer.len());
    let Cut::Answer(bytes) = cut else { return Ok(()) };
    stream.write_all(&answer[..bytes.min(answer.len())]).await?;
    stream.shutdown().await
}

mod bytes_of_a_request {
    use gateways::Received;
    use std::io;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    /// A whole request, and its length in bytes.
    pub(crate) async fn whole(stream: &mut TcpStream) -> io::Result<(Received, usize)> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                let mut lines = head.lines();
                let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
                let (method, path) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
                let header = |line: &str| {
                    line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                };
                let headers: Vec<_> = lines.filter_map(header).collect();
                let length = headers.iter().find(|(name, _)| name == "content-length");
                let length = end + 4 + length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
                if bytes.len() >= length {
                    let body = bytes[end + 4..length].to_vec().into();
                    return Ok((Received { method, path, headers, body }, length));
                }
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// An order whose reference has always the same length.
fn order(number: usize) -> Order {
    let address = Address {
        postal_code: "1000001".into(),
        prefecture: "東京都".into(),
        city: "千代田区".into(),
        street: "千代田1-1".into(),
    };
    let buyer = Party {
        name: "見本 花子".into(),
        name_kana: Some("ミホン ハナコ".into()),
        company: None,
        department: None,
        address,
        phone: "0312345678".into(),
        email: Some("hanako@example.jp".into()),
    };
    Order {
        reference: format!("B-{number:07}"),
        ordered_on: Date { year: 2026, month: 11, day: 24 },
        ships_on: None,
        buyer,
        recipient: None,
        items: vec![LineItem { name: "茶碗".into(), unit_price: 1_000, quantity: 1, tax_rate: Some(10) }],
        shipping_fee: 0,
        payment_fee: 0,
        billed_amount: 1_000,
        invoice: InvoiceDelivery::Separate,
        note: None,
    }
}

async fn load(provider: &str, lines: &[Line]) -> Plugin {
    let component = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins").join(format!("{provider}.wasm"));
    let permissions = Permissions {
        origins: lines.iter().map(|line| line.origin.parse().unwrap()).collect(),
        private_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        ..Permissions::default()
    };
    Host::builder().build().unwrap().load(component, permissions).await.unwrap()
}

fn account(provider: &str, line: &Line) -> Account {
    let mut settings = vec![Setting { key: "base-url".into(), value: line.base.clone() }];
    settings.extend(
        credentials(provider).iter().map(|(key, value)| Setting { key: (*key).into(), value: (*value).into() }),
    );
    Account::new("shop", settings)
}

/// One credit over a line that is cut; how it ended, and how many registrations it left.
async fn credit(plugin: &Plugin, account: &Account, line: &Line, cut: Cut, number: usize) -> (Option<Failure>, usize) {
    line.state.lock().unwrap().cut = cut;
    let order = order(number);
    let reference = order.reference.clone();
    let mut answer = plugin.credit(account, vec![order]).await;
    assert_eq!(answer.rows.len(), 1);
    let failure = answer.rows.remove(0).err();
    if let Some(Failure::NotSent(reason)) = &failure {
        let requests = answer.calls.iter().flat_map(|call| &call.requests);
        assert!(requests.clone().all(|request| request.progress == Progress::NotSent), "{reason:?}");
        assert!(matches!(cut, Cut::Request(0)), "the gateway has read a byte of what was not sent: {cut:?}");
    }
    (failure, line.state.lock().unwrap().ledger.by_reference(&reference).count())
}

async fn every_byte_of(provider: &'static str) -> usize {
    let mut lines = Vec::new();
    for _ in 0..LINES {
        lines.push(Line::start(provider).await);
    }
    let plugin = load(provider, &lines).await;
    let whole = credit(&plugin, &account(provider, &lines[0]), &lines[0], Cut::Answer(usize::MAX), 0).await;
    assert_eq!(whole, (None, 1), "{provider}: a line that is not cut");
    let (request, answer) = lines[0].state.lock().unwrap().lengths;
    let cuts = (0..answer).map(Cut::Answer).chain((0..request).map(Cut::Request)).collect::<Vec<_>>();
    let mut running = tokio::task::JoinSet::new();
    for (at, line) in lines.into_iter().enumerate() {
        let (plugin, account) = (plugin.clone(), account(provider, &line));
        let own: Vec<_> = cuts.iter().copied().enumerate().skip(at).step_by(LINES).collect();
        running.spawn(async move {
            for (number, cut) in own {
                let (failure, held) = credit(&plugin, &account, &line, cut, number + 1).await;
                let is_in_doubt = matches!(failure, Some(Failure::OutcomeUnknown(_)));
                match cut {
                    Cut::Answer(_) => assert!(is_in_doubt && held == 1, "{provider}, {cut:?}: {failure:?}, {held}"),
                    Cut::Request(0) => {
                        assert!(failure.is_some() && held == 0, "{provider}, {cut:?}: {failure:?}, {held}")
                    }
                    Cut::Request(_) => assert!(is_in_doubt && held == 0, "{provider}, {cut:?}: {failure:?}, {held}"),
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    cuts.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_after_any_byte_leaves_the_outcome_in_doubt_and_sends_nothing_twice() {
    for provider in PROVIDERS {
        let began = std::time::Instant::now();
        let cuts = every_byte_of(provider).await;
        println!("{provider}: {cuts} cuts in {:?}", began.elapsed());
        assert!(cuts > 500, "{provider}: a request and an answer have more bytes than {cuts}");
    }
}
