//! The twin of the hostile plugin for the sync world: it misbehaves through `wasi:http` 0.2, and tries to reach the
//! machine through every interface of WASI 0.2. Its setting `behaviour` says how: one of [`BEHAVIOURS`], or `probe`
//! with the name of a probe, whose finding is the message of the row.
#![cfg(target_family = "wasm")]

mod bindings {
    #![allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "
            package tests:hostile-sync;
            world hostile-sync {
                include deferred-payment:provider/provider-plugin-sync@0.1.1;
                import wasi:cli/environment@0.2.12;
                import wasi:cli/exit@0.2.12;
                import wasi:cli/stdin@0.2.12;
                import wasi:cli/stdout@0.2.12;
                import wasi:cli/stderr@0.2.12;
                import wasi:cli/terminal-stdin@0.2.12;
                import wasi:cli/terminal-stdout@0.2.12;
                import wasi:cli/terminal-stderr@0.2.12;
                import wasi:clocks/monotonic-clock@0.2.12;
                import wasi:clocks/wall-clock@0.2.12;
                import wasi:filesystem/types@0.2.12;
                import wasi:filesystem/preopens@0.2.12;
                import wasi:random/random@0.2.12;
                import wasi:random/insecure@0.2.12;
                import wasi:random/insecure-seed@0.2.12;
                import wasi:sockets/instance-network@0.2.12;
                import wasi:sockets/ip-name-lookup@0.2.12;
                import wasi:sockets/tcp@0.2.12;
                import wasi:sockets/tcp-create-socket@0.2.12;
                import wasi:sockets/udp@0.2.12;
                import wasi:sockets/udp-create-socket@0.2.12;
            }
        ",
        world: "tests:hostile-sync/hostile-sync",
        generate_all,
    });
}

use bindings::deferred_payment::provider::log::{Level, write};
use bindings::deferred_payment::provider::types::*;
use bindings::exports::deferred_payment::provider::payment_provider_sync::Guest;
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{ErrorCode, Fields, FutureIncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasi::io::streams::StreamError;

/// WASI 0.2; the contract's folder has 0.3 as well, so the generated modules are named by version.
mod wasi {
    pub(crate) use crate::bindings::wasi::{
        cli0_2_12 as cli, clocks0_2_12 as clocks, filesystem0_2_12 as filesystem, http0_2_12 as http, io,
        random0_2_12 as random, sockets0_2_12 as sockets,
    };
}

/// Every behaviour, and what it does. Those that the async twin has too do the same.
const BEHAVIOURS: [(&str, &str); 19] = [
    ("honest", "sends one request and approves if the answer is 200"),
    ("spin", "computes for ever"),
    ("grow", "takes memory for ever"),
    ("deny", "approves without having sent anything"),
    ("lie-not-sent", "sends, then says that nothing was sent"),
    ("lie-approved", "sends, loses the answer, then approves"),
    ("abandon", "sends, does not wait for the answer, and says that nothing was sent"),
    ("panic-after", "panics after it has sent"),
    ("few-rows", "answers no row at all"),
    ("many-requests", "sends requests until it is stopped"),
    ("hoard-requests", "fills the bodies of requests that it never sends"),
    ("drop-requests", "begins requests without end and drops the handle of each at once"),
    ("big-request", "sends a body of 64 MiB"),
    ("many-headers", "sends ten thousand headers"),
    ("big-answer", "answers with rows of 64 MiB of text"),
    ("spin-denied", "computes between requests that are denied"),
    ("cut-body", "promises a longer body than it writes"),
    ("tell-streams", "writes its settings and the buyer to stdout and stderr, and floods them"),
    ("probe", "tries to reach the machine through one interface"),
];

struct Plugin;

/// The functions of the component, whose generated code is linker symbols.
mod exported {
    #![allow(unsafe_code)]
    use super::{Plugin, bindings};
    bindings::export!(Plugin with_types_in bindings);
}

impl Guest for Plugin {
    fn describe() -> ProviderInfo {
        let label = |text: &str| Label { ja: text.to_owned(), en: text.to_owned() };
        let field = |key: &str, kind| SettingField {
            key: key.to_owned(),
            label: label(key),
            help: label(""),
            kind,
            required: false,
            default: None,
            max_length: None,
        };
        let behaviours = BEHAVIOURS.map(|(id, does)| (id.to_owned(), label(does)));
        ProviderInfo {
            id: "hostile-sync".to_owned(),
            name: label("Hostile"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: vec![
                field("behaviour", SettingKind::Choice(behaviours.into())),
                field("url", SettingKind::Url),
                field("password", SettingKind::Secret),
                field("probe", SettingKind::Text),
            ],
            carriers: Vec::new(),
            batch_limits: BatchLimits { credit: 10, check_credit: 0, cancel: 1, sync_tracking: 0 },
            capabilities: Capability::FIND_BY_REFERENCE,
            origins: Vec::new(),
            max_billed_amount: None,
        }
    }

    fn check_settings(_: Vec<Setting>) -> Result<(), Vec<FieldProblem>> {
        Ok(())
    }

    fn test_connection(context: Context) -> Result<(), Failure> {
        outcome(&post(setting(&context, "url"), b"x")).map(|_| ())
    }

    fn credit(context: Context, orders: Vec<Order>) -> Vec<Result<Decision, Failure>> {
        let all = |row: Result<Decision, Failure>| orders.iter().map(|_| row.clone()).collect::<Vec<_>>();
        let url = setting(&context, "url");
        let not_sent = || Err(Failure::NotSent(reason("so I say")));
        match setting(&context, "behaviour") {
            "spin" => spin(),
            "grow" => grow(),
            "deny" => all(approved()),
            "lie-not-sent" => {
                let _ = post(url, b"x");
                all(not_sent())
            }
            "lie-approved" => {
                let _ = post(url, b"x");
                all(approved())
            }
            "abandon" => {
                // Kept until the call ends, so that it is not cancelled.
                let sent = begin(url, &Fields::new(), b"x");
                std::mem::forget(sent);
                all(not_sent())
            }
            "panic-after" => {
                let _ = post(url, b"x");
                panic!("on purpose")
            }
            "few-rows" => Vec::new(),
            "many-requests" => {
                let sent: Vec<_> = (0..10_000).map(|_| begin(url, &Fields::new(), b"x")).collect();
                let answers: Vec<_> = sent.into_iter().map(|sent| sent.and_then(finish)).collect();
                all(answers.iter().map(outcome).find(Result::is_err).unwrap_or_else(approved))
            }
            "hoard-requests" => hoard(),
            "drop-requests" => drop_requests(url),
            "big-request" => all(outcome(&post(url, &vec![b'x'; 64 << 20]))),
            "many-headers" => {
                let fields: Vec<_> = (0..10_000).map(|_| ("x-header".to_owned(), b"value".to_vec())).collect();
                match Fields::from_list(&fields) {
                    Ok(fields) => all(outcome(&begin(url, &fields, b"x").and_then(finish))),
                    Err(error) => all(Err(Failure::NotSent(reason(&format!("{error:?}"))))),
                }
            }
            "big-answer" => all(Err(Failure::Refused(reason(&"x".repeat(64 << 20))))),
            "spin-denied" => {
                for _ in 0..256 {
                    let _ = post("http://203.0.113.1/", b"x");
                    compute();
                }
                all(approved())
            }
            "cut-body" => {
                let fields = Fields::from_list(&[("content-length".to_owned(), b"10".to_vec())]).unwrap();
                all(outcome(&begin(url, &fields, b"x").and_then(finish)))
            }
            "tell-streams" => {
                tell(&context, &orders[0]);
                all(outcome(&post(url, b"x")))
            }
            "probe" => all(Err(Failure::Refused(reason(&probe(setting(&context, "probe")))))),
            _ => all(outcome(&post(url, b"x"))),
        }
    }

    fn check_credit(_: Context, registrations: Vec<Registration>) -> Vec<Result<Standing, Failure>> {
        registrations.iter().map(|_| Err(Failure::Unsupported)).collect()
    }

    fn cancel(context: Context, cancellations: Vec<Cancellation>) -> Vec<Result<(), Failure>> {
        let sent = post(setting(&context, "url"), b"x");
        cancellations.iter().map(|_| outcome(&sent).map(|_| ())).collect()
    }

    fn sync_tracking(_: Context, shipments: Vec<Shipment>) -> Vec<Result<(), Failure>> {
        shipments.iter().map(|_| Err(Failure::Unsupported)).collect()
    }
}

fn setting<'a>(context: &'a Context, key: &str) -> &'a str {
    context.settings.iter().find(|setting| setting.key == key).map_or("", |setting| &setting.value)
}

fn reason(message: &str) -> Reason {
    Reason { code: None, message: message.to_owned() }
}

fn approved() -> Result<Decision, Failure> {
    Ok(Decision { transaction_id: None, verdict: Verdict::Approved })
}

/// Begins a request whose whole body is `body`.
fn begin(url: &str, fields: &Fields, body: &[u8]) -> Result<FutureIncomingResponse, ErrorCode> {
    let request = OutgoingRequest::new(fields.clone());
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let _ = request.set_method(&Method::Post);
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(&format!("/{path}")));
    let outgoing = request.body().unwrap();
    let sent = handle(request, None)?;
    let stream = outgoing.write().unwrap();
    for part in body.chunks(4096) {
        if stream.blocking_write_and_flush(part).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(outgoing, None);
    Ok(sent)
}

/// The status of the answer, whose body is read to its end.
fn finish(sent: FutureIncomingResponse) -> Result<u16, ErrorCode> {
    sent.subscribe().block();
    let response = sent.get().unwrap().unwrap()?;
    let status = response.status();
    let body = response.consume().unwrap();
    let stream = body.stream().unwrap();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(status),
            Err(StreamError::LastOperationFailed(_)) => return Err(ErrorCode::HttpResponseIncomplete),
        }
    }
}

fn post(url: &str, body: &[u8]) -> Result<u16, ErrorCode> {
    begin(url, &Fields::new(), body).and_then(finish)
}

fn outcome(sent: &Result<u16, ErrorCode>) -> Result<Decision, Failure> {
    match sent {
        Ok(200) => approved(),
        Ok(status) => Err(Failure::Refused(reason(&format!("status {status}")))),
        Err(error) => Err(match error {
            ErrorCode::HttpRequestDenied
            | ErrorCode::HttpRequestBodySize(_)
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::ConnectionRefused => Failure::NotSent(reason(&format!("{error:?}"))),
            _ => Failure::OutcomeUnknown(reason(&format!("{error:?}"))),
        }),
    }
}

/// Opens as many requests as there are handles for, and writes as much of their bodies as the host takes.
fn hoard() -> ! {
    let mut kept = Vec::new();
    loop {
        let request = OutgoingRequest::new(Fields::new());
        let body = request.body().unwrap();
        let stream = body.write().unwrap();
        while stream.check_write().is_ok_and(|room| room > 0) {
            let room = stream.check_write().unwrap();
            let _ = stream.write(&vec![b'x'; usize::try_from(room.min(1 << 20)).unwrap()]);
            let _ = stream.flush();
        }
        kept.push((request, body, stream));
    }
}

/// Each request has headers that count, and its handle is free again before the host could send it.
fn drop_requests(url: &str) -> ! {
    let fields = Fields::from_list(&[("x-filler".to_owned(), vec![b'x'; 8 << 10])]).unwrap();
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    loop {
        let request = OutgoingRequest::new(fields.clone());
        let _ = request.set_scheme(Some(&Scheme::Http));
        let _ = request.set_authority(Some(authority));
        drop(handle(request, None));
    }
}

fn tell(context: &Context, order: &Order) {
    let text = format!("password={} {order:?}", setting(context, "password"));
    // In parts, as a library's buffer may cut it.
    for part in text.as_bytes().chunks(7) {
        let _ = wasi::cli::stdout::get_stdout().blocking_write_and_flush(part);
    }
    let stderr = wasi::cli::stderr::get_stderr();
    let _ = stderr.blocking_write_and_flush(format!("\n{text}\n").as_bytes());
    // A line whose secret lies across the end of what is shown.
    let long = format!("{}{}\n", "-".repeat(495), setting(context, "password"));
    let _ = stderr.blocking_write_and_flush(long.as_bytes());
    for _ in 0..10_000 {
        let _ = stderr.blocking_write_and_flush(b"flood\n");
    }
    let _ = stderr.blocking_write_and_flush(b"unended");
}

/// What the interface of that name gives, as text.
fn probe(name: &str) -> String {
    use wasi::filesystem::{preopens, types as files};
    use wasi::sockets::network::IpAddressFamily;
    use wasi::{cli, clocks, random, sockets};
    match name {
        "environment" => format!("{:?}", cli::environment::get_environment()),
        "arguments" => format!("{:?}", cli::environment::get_arguments()),
        "cwd" => format!("{:?}", cli::environment::initial_cwd()),
        "exit" => {
            cli::exit::exit(Ok(()));
            "it went on".to_owned()
        }
        "stdin" => {
            let stdin = cli::stdin::get_stdin();
            stdin.subscribe().block();
            format!("{:?}", stdin.blocking_read(100).map_err(|error| matches!(error, StreamError::Closed)))
        }
        "terminals" => format!(
            "{} {} {}",
            cli::terminal_stdin::get_terminal_stdin().is_none(),
            cli::terminal_stdout::get_terminal_stdout().is_none(),
            cli::terminal_stderr::get_terminal_stderr().is_none()
        ),
        "wall-clock" => {
            let now = clocks::wall_clock::now();
            let later = clocks::wall_clock::now();
            format!("{}.{:09} {}", now.seconds, now.nanoseconds, now.nanoseconds == later.nanoseconds)
        }
        "monotonic-clock" => {
            let before = clocks::monotonic_clock::now();
            (0..1_000_000u64).for_each(|step| {
                std::hint::black_box(step);
            });
            let computed = clocks::monotonic_clock::now();
            clocks::monotonic_clock::subscribe_duration(20_000_000).block();
            let waited = clocks::monotonic_clock::now();
            clocks::monotonic_clock::subscribe_instant(waited).block();
            format!("{before} {computed} {waited} {}", clocks::monotonic_clock::now())
        }
        "sleep" => {
            clocks::monotonic_clock::subscribe_duration(u64::MAX).block();
            "it woke up".to_owned()
        }
        "preopens" => format!("{:?}", preopens::get_directories().len()),
        "random" => format!(
            "{:?} {} {:?} {} {:?}",
            random::random::get_random_bytes(8),
            random::random::get_random_u64(),
            random::insecure::get_insecure_random_bytes(8),
            random::insecure::get_insecure_random_u64(),
            random::insecure_seed::insecure_seed()
        ),
        "random-flood" => format!("{}", random::random::get_random_bytes(1 << 40).len()),
        "tcp" => format!(
            "{}",
            sockets::tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4)
                .map_or_else(|error| error.name(), |_| "a socket")
        ),
        "udp" => format!(
            "{}",
            sockets::udp_create_socket::create_udp_socket(IpAddressFamily::Ipv6)
                .map_or_else(|error| error.name(), |_| "a socket")
        ),
        "dns" => {
            let network = sockets::instance_network::instance_network();
            let found = sockets::ip_name_lookup::resolve_addresses(&network, "localhost");
            found.map_or_else(|error| error.name().to_owned(), |_| "addresses".to_owned())
        }
        "stream-error" => stream_error(files::filesystem_error_code),
        other => {
            write(Level::Error, other);
            "there is no such probe".to_owned()
        }
    }
}

/// What the file system says of an error that a stream of HTTP has.
fn stream_error(code: fn(&wasi::io::error::Error) -> Option<wasi::filesystem::types::ErrorCode>) -> String {
    let fields = Fields::from_list(&[("content-length".to_owned(), b"1".to_vec())]).unwrap();
    let request = OutgoingRequest::new(fields);
    let body = request.body().unwrap();
    let stream = body.write().unwrap();
    // More than was promised.
    match stream.blocking_write_and_flush(b"xx") {
        Err(StreamError::LastOperationFailed(error)) => format!("{:?}", code(&error)),
        other => format!("no error: {other:?}"),
    }
}

fn compute() {
    let mut x = 0u64;
    for _ in 0..100_000_000u64 {
        x = std::hint::black_box(x.wrapping_add(1));
    }
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
