//! What the host's tests share: the hostile plugin, and a server on loopback that does as it is told.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part of it")]

use provider_host::contract::{Address, Date, InvoiceDelivery, LineItem, Order, Party, Setting};
use provider_host::{Account, Host, Limits, Origin, Permissions, Plugin};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A component that `cargo xtask plugins` has built.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/plugins").join(format!("{name}.wasm"));
    assert!(path.exists(), "{name}.wasm is not there; run `cargo xtask plugins` first");
    path
}

/// The hostile plugin, whose behaviour `tables` grows a table: its language has no instruction for that, so it takes the
/// place of a number that the plugin has for the purpose.
pub(crate) fn hostile_bytes() -> Vec<u8> {
    /// `i64.const 0x7ab1_e123_4567_89ab`
    const NUMBER: [u8; 11] = [0x42, 0xab, 0x93, 0x9e, 0xab, 0xb4, 0xa4, 0xf8, 0xd8, 0xfa, 0x00];
    /// `ref.null func`, `i32.const 10000` in four bytes, `table.grow 0`, `i64.extend_i32_s`: as long, and of the same type.
    const GROWS: [u8; 11] = [0xd0, 0x70, 0x41, 0x90, 0xce, 0x80, 0x00, 0xfc, 0x0f, 0x00, 0xac];
    let mut bytes = std::fs::read(component("hostile")).unwrap();
    let places: Vec<_> = bytes.windows(NUMBER.len()).enumerate().filter(|(_, there)| *there == NUMBER).collect();
    let [(at, _)] = places[..] else { panic!("the number is there {} times", places.len()) };
    bytes[at..at + GROWS.len()].copy_from_slice(&GROWS);
    let table = table_of_module_with(at, &bytes);
    // One table: `funcref` with a minimum and a maximum. It loses the maximum, and the minimum takes its bytes.
    assert_eq!(bytes[table.start..table.start + 3], [1, 0x70, 1], "another table than compilers write");
    bytes[table.start + 2] = 0;
    let minimum = &mut bytes[table.start + 3..table.end];
    let end = minimum.iter().position(|byte| byte & 0x80 == 0).unwrap();
    minimum[end] |= 0x80;
    let (last, others) = minimum[end + 1..].split_last_mut().unwrap();
    others.fill(0x80);
    *last = 0;
    bytes
}

/// Where the content of the table section is, in the core module that has the byte `at`.
fn table_of_module_with(at: usize, bytes: &[u8]) -> std::ops::Range<usize> {
    let mut module = 0..0;
    for part in wasmparser::Parser::new(0).parse_all(bytes) {
        match part.unwrap() {
            wasmparser::Payload::ModuleSection { unchecked_range, .. } => module = unchecked_range,
            wasmparser::Payload::TableSection(tables) if module.contains(&at) => return tables.range(),
            _ => {}
        }
    }
    panic!("the module has no table");
}

/// Limits small enough that a test that meets them is quick.
pub(crate) fn limits() -> Limits {
    Limits { deadline: Duration::from_secs(5), cpu: Duration::from_millis(200), ..Limits::default() }
}

pub(crate) async fn hostile(limits: Limits, server: &Server) -> Plugin {
    load("hostile", limits, server).await
}

/// The plugin `name`, granted `server`.
pub(crate) async fn load(name: &str, limits: Limits, server: &Server) -> Plugin {
    let host = Host::builder().limits(limits).build().unwrap();
    host.load(component(name), Permissions::loopback(server.origin())).await.unwrap()
}

/// Runs a test that would never end if the host did not stop the plugin: on a thread that is left
/// behind, so that the failure is told.
pub(crate) fn within(limit: Duration, test: impl Future<Output = ()> + Send + 'static) {
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
        ended.send(()).unwrap();
    });
    end.recv_timeout(limit).expect("the test failed, or the plugin was never stopped");
}

/// Far above the few hundred milliseconds that such a test takes.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(60);

/// The hostile plugin, granted gateways on loopback at `origins`.
pub(crate) async fn hostile_at(limits: Limits, origins: &[String]) -> Plugin {
    load_at(&Host::builder().limits(limits).build().unwrap(), "hostile", origins).await
}

/// The plugin `name`, granted gateways on loopback at `origins`.
pub(crate) async fn load_at(host: &Host, name: &str, origins: &[String]) -> Plugin {
    let origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    let private_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    host.load(component(name), Permissions { origins, private_addresses, ..Permissions::default() }).await.unwrap()
}

/// NP's plugin, which carries many rows in a request and cannot ask by reference, and a mall's account at
/// the gateway with this origin and base URL.
pub(crate) async fn np(limits: Limits, origin: &str, base: &str) -> (Plugin, Account) {
    let host = Host::builder().limits(limits).build().unwrap();
    let plugin = host.load(component("np"), Permissions::loopback(origin.parse().unwrap())).await.unwrap();
    let np = gateways::np::Np::default();
    let settings = [
        ("base-url", base.to_owned()),
        ("merchant-code", np.merchant_code),
        ("sp-code", np.sp_code),
        ("terminal-id", np.terminal_id),
    ];
    let settings = settings.map(|(key, value)| Setting { key: key.into(), value });
    (plugin, Account::new("shop", settings.into()))
}

/// A shop whose calls do as `behaviour` says, with all settings that some behaviours need.
pub(crate) fn shop_that(behaviour: hostile::Behaviour, server: &Server) -> Account {
    let set = |(key, value): (&str, &str)| Setting { key: key.into(), value: value.into() };
    let url = format!("{}/", server.origin());
    let settings = [
        ("behaviour", behaviour.described().0),
        ("url", &url),
        ("password", "hunter2-hunter2"),
        ("method", "POST"),
        ("body", "some"),
    ];
    Account::new("shop", settings.map(set).into())
}

pub(crate) fn account(behaviour: &str, server: &Server) -> Account {
    account_at(behaviour, &format!("{}/", server.origin()))
}

pub(crate) fn account_at(behaviour: &str, url: &str) -> Account {
    let set = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
    Account::new("shop", vec![set("behaviour", behaviour), set("url", url), set("password", "hunter2-hunter2")])
}

pub(crate) fn order() -> Order {
    let address = Address {
        postal_code: "1060032".into(),
        prefecture: "東京都".into(),
        city: "港区".into(),
        street: "六本木一丁目2-3".into(),
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
        reference: "SHOP-1".into(),
        ordered_on: Date { year: 2026, month: 11, day: 24 },
        ships_on: None,
        buyer,
        recipient: None,
        items: vec![LineItem { name: "見本".into(), unit_price: 1000, quantity: 1, tax_rate: Some(10) }],
        shipping_fee: 0,
        payment_fee: 0,
        billed_amount: 1000,
        invoice: InvoiceDelivery::Separate,
        note: None,
    }
}

/// What a server does with every connection.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    /// Answers 200 with so many bytes, and keeps the connection.
    Answers(usize),
    /// Answers 200 and closes without having said that it would.
    AnswersAndCloses,
    /// Reads the request and closes.
    ReadsAndCloses,
    /// Reads the request and never answers.
    ReadsAndWaits,
    /// Closes before it has read anything.
    Closes,
    /// Promises a hundred bytes, sends ten, closes.
    CutsBody,
    /// Sends a byte of the body now and then, without end.
    Drips,
    /// Points to the same path at another port of this machine.
    Redirects(u16),
}

/// A server on loopback that counts what reaches it.
pub(crate) struct Server {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, read) = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, does, Arc::clone(&read)));
            }
        });
        Self { port, connections, requests }
    }

    pub(crate) fn origin(&self) -> Origin {
        format!("http://127.0.0.1:{}", self.port).parse().unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Whole requests that were read.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, does: Does, read: Arc<AtomicUsize>) {
    if matches!(does, Does::Closes) {
        return;
    }
    while read_message(&mut stream).await.is_some() {
        read.fetch_add(1, Ordering::SeqCst);
        let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        let sent = match does {
            Does::Answers(length) => {
                let _ = stream.write_all(head(length).as_bytes()).await;
                stream.write_all(&vec![b'x'; length]).await
            }
            Does::AnswersAndCloses => {
                let _ = stream.write_all(head(0).as_bytes()).await;
                return;
            }
            Does::ReadsAndCloses | Does::Closes => return,
            Does::ReadsAndWaits => std::future::pending().await,
            Does::CutsBody => {
                let _ = stream.write_all(format!("{}0123456789", head(100)).as_bytes()).await;
                return;
            }
            Does::Redirects(port) => {
                let location = format!("location: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(format!("HTTP/1.1 307 Temporary Redirect\r\n{location}").as_bytes()).await
            }
            Does::Drips => {
                let _ = stream.write_all(head(1_000_000).as_bytes()).await;
                loop {
                    if stream.write_all(b"x").await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// A message with a known length, or nothing where the connection ended first.
pub(crate) async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
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

/// Keeps everything that is written to it.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that is logged while the guard lives.
pub(crate) fn listen() -> (Kept, tracing::subscriber::DefaultGuard) {
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (kept, tracing::subscriber::set_default(subscriber))
}

impl Kept {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Bytes of this process that are in memory.
pub(crate) fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// The most that was in memory while `measured` ran, beyond what was before.
pub(crate) async fn growth<T>(measured: impl Future<Output = T>) -> (T, usize) {
    let (before, done) = (resident(), Arc::new(AtomicBool::new(false)));
    let watched = Arc::clone(&done);
    let watch = std::thread::spawn(move || {
        let mut highest = 0;
        while !watched.load(Ordering::SeqCst) {
            highest = highest.max(resident());
            std::thread::sleep(Duration::from_millis(1));
        }
        highest
    });
    let result = measured.await;
    done.store(true, Ordering::SeqCst);
    (result, watch.join().unwrap().saturating_sub(before))
}
