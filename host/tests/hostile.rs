//! Every way in which the hostile plugin misbehaves, one test for each: the call ends within its limits, with an error
//! that has a type and names the limit, its row is judged by what left, and the next call of the same plugin is none the worse.
//!
//! The tests are made from one list, and the compiler compares it with the plugin's: a behaviour without a test does
//! not compile, nor does a test without a behaviour.

mod common;

use common::{Does, FOR_EVER, Server, account, account_at, component, hostile_bytes, limits, load, order, shop_that};
use hostile::Behaviour;
use provider_host::contract::Decision;
use provider_host::{Answer, CallError, Host, Limits, LoadError, Permissions, Progress, RowOutcome};
use std::time::{Duration, Instant};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection, NestedComponentSection,
};

/// How a call is to end.
struct Ends {
    /// What the platform is told of the row: one of these.
    rows: &'static [RowOutcome],
    /// How its error calls itself ([`named`]): one of these.
    error: &'static [&'static str],
}

const fn ends(rows: &'static [RowOutcome]) -> Ends {
    Ends { rows, error: NONE }
}

const fn breaks_off(rows: &'static [RowOutcome], error: &'static [&'static str]) -> Ends {
    Ends { rows, error }
}

/// The limit that a call met, or what else ended it.
fn named(error: Option<&CallError>) -> &'static str {
    match error {
        None => "none",
        Some(CallError::Trap(_)) => "trap",
        Some(CallError::RowCount { .. }) => "rows",
        Some(error) => error.limit().expect("every other error is a limit"),
    }
}

const NONE: &[&str] = &["none"];
const CPU: &[&str] = &["cpu"];
/// Either limit on computing: where others take the processor, the first can be met before the second.
const COMPUTED: &[&str] = &["cpu", "cpu_total"];
const TABLE: &[&str] = &["table_elements"];
/// A fast machine comes to the end of it.
const COMPUTED_OR_NONE: &[&str] = &["cpu", "cpu_total", "none"];
/// Which of them is met first depends on the machine; or none is: the requests beyond the limit may all be refused before another limit is met. What was sent was
/// answered then, and the plugin is believed.
const MUCH_OR_NONE: &[&str] = &["cpu", "cpu_total", "memory", "handles", "none"];
const MEMORY: &[&str] = &["memory"];
const TRAP: &[&str] = &["trap"];
const STACK: &[&str] = &["stack"];
const HANDLES: &[&str] = &["handles"];
/// Copying out what a plugin hands over is paid for in fuel.
const FUEL: &[&str] = &["hostcall_fuel"];
const ROWS: &[&str] = &["rows"];
/// As many rows as these cost their plugin much, and are too many.
const MANY_ROWS: &[&str] = &["rows", "cpu", "cpu_total", "memory", "hostcall_fuel"];

/// Elements of a table here: more than the plugin has functions, fewer than it asks for.
const TABLE_ELEMENTS: usize = 5_000;
/// Requests that a call may make here.
const REQUESTS: usize = 7;

fn short_limits() -> Limits {
    Limits {
        // Far off, so that on a busy machine the limit that is meant is the one that is met.
        deadline: FOR_EVER,
        // A long call computes with what other threads leave of the processor.
        cpu: Duration::from_millis(300),
        cpu_total: Duration::from_millis(600),
        memory: 32 << 20,
        request_bytes: 1 << 20,
        requests: REQUESTS,
        table_elements: TABLE_ELEMENTS,
        ..limits()
    }
}

/// Far above what a call with these limits takes, far below what it would take without them.
const AT_MOST: Duration = Duration::from_secs(50);

async fn meets(behaviour: Behaviour, expected: Ends) -> Answer<Decision> {
    let does = if behaviour == Behaviour::LieApproved { Does::ReadsAndCloses } else { Does::Answers(0) };
    let (server, other) = (Server::start(does).await, Server::start(Does::Answers(0)).await);
    let host = Host::builder().limits(short_limits()).build().unwrap();
    let permissions = Permissions {
        origins: vec![server.origin(), other.origin()],
        private_addresses: vec!["127.0.0.0/8".parse().unwrap()],
        ..Permissions::default()
    };
    let plugin = host.load_bytes("hostile.wasm", hostile_bytes(), permissions).await.unwrap();
    let began = Instant::now();
    let answer = plugin.credit(&shop_that(behaviour, &server), vec![order()]).await;
    assert!(began.elapsed() < AT_MOST, "{behaviour:?}: {:?}", began.elapsed());
    let call = &answer.calls[0];
    let row = RowOutcome::of(&answer.rows[0]);
    assert!(expected.rows.contains(&row), "{behaviour:?}: {:?} {call:?}", answer.rows);
    let error = named(call.error.as_ref());
    assert!(expected.error.contains(&error), "{behaviour:?}: {:?} instead of {:?}", call.error, expected.error);
    // What was reported is what arrived: the server has read what came before the next request by then.
    let reported = call.requests.iter().filter(|request| request.progress != Progress::NotSent).count();
    let honest = plugin.credit(&shop_that(Behaviour::Honest, &other), vec![order()]).await;
    assert!(honest.rows[0].is_ok(), "after {behaviour:?}: {:?}", honest.rows);
    assert!(server.requests() <= reported, "{behaviour:?}: {} arrived, {reported} reported", server.requests());
    assert!(call.requests.len() <= REQUESTS, "{behaviour:?}: {} requests", call.requests.len());
    answer
}

/// Declares a test for each behaviour, and a function that does not compile if one is missing.
macro_rules! each {
    ($($test:ident: $behaviour:ident, $ends:expr;)*) => {
        $(#[tokio::test]
        async fn $test() {
            meets(Behaviour::$behaviour, $ends).await;
        })*

        /// Whether a behaviour has a test. It has; the point is that this compiles.
        const fn is_tested(behaviour: Behaviour) -> bool {
            match behaviour {
                $(Behaviour::$behaviour => true,)*
            }
        }
    };
}

use RowOutcome::{NotSent, OutcomeUnknown, Refused, Success};

each! {
    an_honest_call: Honest, ends(&[Success]);
    computing_without_end: Spin, breaks_off(&[NotSent], CPU);
    memory_without_end: Grow, breaks_off(&[NotSent], MEMORY);
    an_approval_of_nothing: Deny, ends(&[NotSent]);
    a_lie_that_nothing_was_sent: LieNotSent, ends(&[OutcomeUnknown]);
    a_lie_that_the_outcome_is_unknown: LieUnknown, ends(&[NotSent]);
    a_lie_about_a_lost_answer: LieApproved, ends(&[OutcomeUnknown]);
    a_panic: Panic, breaks_off(&[NotSent], TRAP);
    a_panic_after_sending: PanicAfter, breaks_off(&[OutcomeUnknown], TRAP);
    no_rows: FewRows, breaks_off(&[NotSent], ROWS);
    requests_side_by_side_without_end: ManyRequests, breaks_off(&[NotSent, OutcomeUnknown, Refused], MUCH_OR_NONE);
    a_request_of_megabytes: BigRequest, breaks_off(&[NotSent], MEMORY);
    headers_by_the_thousand: ManyHeaders, ends(&[NotSent]);
    a_flood_of_log_lines: FloodLog, ends(&[Success]);
    secrets_in_the_log: TellSecrets, ends(&[Success]);
    a_row_of_megabytes: BigAnswer, breaks_off(&[NotSent], MEMORY);
    computing_after_sending: SpinAfter, breaks_off(&[OutcomeUnknown], CPU);
    a_request_beside_the_sdk: Raw, ends(&[Success]);
    two_requests_for_one_row: TwoRequests, ends(&[Success]);
    computing_between_denied_requests: SpinDenied, breaks_off(&[NotSent], CPU);
    computing_between_answered_requests: SpinAnswered, breaks_off(&[OutcomeUnknown], COMPUTED);
    log_lines_of_megabytes: LongLog, ends(&[NotSent]);
    secrets_in_addresses: TellPaths, ends(&[OutcomeUnknown]);
    checks_of_its_own: Checks, ends(&[Success]);
    a_lie_when_it_is_denied: LieWhenDenied, ends(&[Success]);
    a_lie_that_a_row_is_invalid: LieInvalid, ends(&[OutcomeUnknown]);
    a_panic_when_it_is_denied: PanicWhenDenied, ends(&[Success]);
    words_that_nobody_can_keep: LongWords, ends(&[Success]);
    // A stack of the plugin's own, in its memory: it ends at the end of that.
    recursion_with_locals_without_end: Recurse, breaks_off(&[NotSent], TRAP);
    recursion_without_end: RecurseDeep, breaks_off(&[NotSent], STACK);
    handles_without_end: HoardHandles, breaks_off(&[NotSent], HANDLES);
    rows_by_the_hundred_thousand: ManyRows, breaks_off(&[NotSent], MANY_ROWS);
    rows_of_gigabytes: SharedText, breaks_off(&[NotSent], FUEL);
    requests_one_after_the_other_without_end: EndlessRequests, breaks_off(&[OutcomeUnknown], COMPUTED);
    a_request_without_end: EndlessBody, ends(&[NotSent]);
    a_host_of_its_own: HostHeader, ends(&[NotSent]);
    a_header_in_a_header: CrlfHeader, ends(&[NotSent]);
    // Begun or not when the result is there: what was reported is what arrived.
    work_after_the_result: WorkAfter, ends(&[NotSent, OutcomeUnknown]);
    secrets_in_rows: TellRows, ends(&[Refused]);
    secrets_in_parts: TellParts, ends(&[Refused]);
    tables_without_end: Tables, breaks_off(&[NotSent], TABLE);
    some_computing_in_each_call: Brief, ends(&[Success]);
    a_million_log_lines: MillionLines, breaks_off(&[NotSent, Success], COMPUTED_OR_NONE);
    // The requests beyond the limit are denied, and what was sent was answered.
    a_hundred_thousand_requests: ManyDenied, breaks_off(&[OutcomeUnknown], COMPUTED_OR_NONE);
}

#[test]
fn every_behaviour_has_a_test() {
    assert!(Behaviour::ALL.iter().all(|behaviour| is_tested(*behaviour)));
}

#[tokio::test]
async fn no_secret_comes_back_in_a_row() {
    let answer = meets(Behaviour::TellRows, ends(&[Refused])).await;
    let told = format!("{:?} {:?}", answer.rows, answer.calls);
    assert!(!told.contains("hunter2") && told.contains("***"), "{told}");
}

#[tokio::test]
async fn a_request_without_end_is_refused_by_its_size() {
    let answer = meets(Behaviour::EndlessBody, ends(&[NotSent])).await;
    let error = answer.calls[0].requests[0].error.clone().unwrap_or_default();
    assert!(error.contains("body size exceeds"), "{error}");
}

/// Addresses that are not public, in every form in which a URL can have them, although each origin is granted.
#[tokio::test]
async fn no_form_of_a_private_address_is_reached() {
    let server = Server::start(Does::Answers(0)).await;
    let port = server.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "localhost",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ];
    for host in hosts {
        let url = format!("http://{host}:{port}");
        let granted: Vec<_> = url.parse().ok().into_iter().collect();
        let permissions = Permissions { origins: granted, ..Permissions::default() };
        let plugin =
            Host::builder().limits(limits()).build().unwrap().load(component("hostile"), permissions).await.unwrap();
        let answer = plugin.credit(&account_at("honest", &format!("{url}/")), vec![order()]).await;
        assert_eq!(RowOutcome::of(&answer.rows[0]), NotSent, "{host}: {:?}", answer.rows);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn nothing_but_the_granted_origin_is_reached_however_it_is_written() {
    let (granted, other) = (Server::start(Does::Answers(0)).await, Server::start(Does::Answers(0)).await);
    let plugin = load("hostile", limits(), &granted).await;
    let (port, elsewhere) = (granted.port(), other.port());
    for url in [
        format!("http://127.0.0.1:{port}@127.0.0.1:{elsewhere}/"),
        format!("http://user:password@127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.1:{port}#@127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.1:{port}\\@127.0.0.1:{elsewhere}/"),
        format!("http://127.0.0.1:{elsewhere}/?http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("ftp://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port} /"),
        format!("http://127.0.0.1:{port}\r\nhost: 127.0.0.1:{elsewhere}/"),
    ] {
        let answer = plugin.credit(&account_at("honest", &url), vec![order()]).await;
        let sent = answer.calls[0].requests.iter().filter(|request| request.progress != Progress::NotSent);
        for request in sent {
            assert_eq!(request.origin, granted.origin().to_string(), "{url}");
        }
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let target = Server::start(Does::Answers(0)).await;
    let redirects = Server::start(Does::Redirects(target.port())).await;
    let origins = [&target, &redirects].map(Server::origin).into();
    let private_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    let permissions = Permissions { origins, private_addresses, ..Permissions::default() };
    let host = Host::builder().limits(limits()).build().unwrap();
    let plugin = host.load(component("hostile"), permissions).await.unwrap();
    let answer = plugin.credit(&account("honest", &redirects), vec![order()]).await;
    assert_eq!(answer.calls[0].requests[0].status, Some(307));
    assert_eq!(RowOutcome::of(&answer.rows[0]), Refused);
    assert_eq!((redirects.requests(), target.connections()), (1, 0));
}

/// A component that exports an empty instance by each of these names.
fn exporting(names: &[&str]) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&NestedComponentSection(&Component::new()));
    let (mut instances, mut exports) = (ComponentInstanceSection::new(), ComponentExportSection::new());
    for (index, name) in names.iter().enumerate() {
        instances.instantiate(0, Vec::<(&str, ComponentExportKind, u32)>::new());
        exports.export(*name, ComponentExportKind::Instance, index as u32, None);
    }
    component.section(&instances).section(&exports);
    component.finish()
}

#[tokio::test]
async fn a_component_with_two_providers_or_another_version_is_refused() {
    let host = Host::builder().build().unwrap();
    for names in [
        &["deferred-payment:provider/payment-provider@0.1.0", "deferred-payment:provider/payment-provider-sync@0.1.0"]
            [..],
        &["deferred-payment:provider/payment-provider@0.2.0"],
        &["deferred-payment:provider/payment-provider@1.0.0"],
        &["deferred-payment:provider/payment-provider"],
        &["other:provider/payment-provider@0.1.0"],
    ] {
        let error = host.load_bytes("generated.wasm", exporting(names), Permissions::default()).await.unwrap_err();
        assert!(error.to_string().contains("generated.wasm"), "{names:?}: {error}");
        assert!(!matches!(error, LoadError::Unreadable { .. }), "{names:?}: {error}");
    }
}

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize % end
    }
}

/// Shown when a file is not refused as it should be, to find it again.
const SEED: u64 = 0x005e_ed0f_c0de;
/// Files of each kind that are tried.
const FILES: usize = 64;

#[tokio::test]
async fn a_file_that_is_cut_or_made_up_is_refused() {
    let host = Host::builder().build().unwrap();
    let whole = std::fs::read(component("hostile")).unwrap();
    let mut numbers = Numbers(SEED);
    for round in 0..FILES {
        let cut = whole[..numbers.below(whole.len())].to_vec();
        let mut random: Vec<u8> = (0..numbers.below(4_096)).map(|_| numbers.below(256) as u8).collect();
        // Half of them begin as a component does, so that more than the first bytes are read.
        if round % 2 == 0 {
            random.splice(0..0, whole[..8].iter().copied());
        }
        for file in [cut, random] {
            // The shortest component is its header alone: read to its end, and no provider.
            let error = host.load_bytes("generated.wasm", file, Permissions::default()).await;
            let error = error.err().unwrap_or_else(|| panic!("round {round} of seed {SEED:#x} was loaded"));
            assert!(error.to_string().contains("generated.wasm"), "round {round}: {error}");
        }
    }
}

/// A flipped bit may leave a component that is valid: then it runs, within its limits. What it must not do is end the
/// process, or be taken for what its permission names.
#[tokio::test]
async fn a_file_with_a_flipped_bit_is_refused_or_runs_within_its_limits() {
    /// Each that is valid is compiled, which takes most of a second.
    const FLIPPED: usize = 12;
    let host = Host::builder().limits(short_limits()).build().unwrap();
    let whole = std::fs::read(component("hostile")).unwrap();
    let digest = host.load_bytes("x.wasm", whole.clone(), Permissions::default()).await.unwrap().facts().digest.clone();
    let granted = Permissions { sha256: Some(digest), ..Permissions::default() };
    let mut numbers = Numbers(SEED);
    for round in 0..FLIPPED {
        let mut flipped = whole.clone();
        let at = numbers.below(flipped.len());
        flipped[at] ^= 1 << numbers.below(8);
        assert!(
            host.load_bytes("x.wasm", flipped.clone(), granted.clone()).await.is_err(),
            "round {round}: its digest"
        );
        if let Ok(plugin) = host.load_bytes("x.wasm", flipped, Permissions::default()).await {
            let server = Server::start(Does::Answers(0)).await;
            let answer = plugin.credit(&account("honest", &server), vec![order()]).await;
            assert_eq!(server.connections(), 0, "round {round} at byte {at}: nothing is granted");
            assert_ne!(RowOutcome::of(&answer.rows[0]), Success, "round {round} at byte {at}");
            assert!(!matches!(answer.calls[0].error, Some(CallError::Deadline(_))), "round {round} at byte {at}");
        }
    }
}

/// Permission files are written by people and read as what they grant: whatever is in one, it is read or refused.
#[test]
fn a_permission_file_with_anything_in_it_is_read_or_refused() {
    const TRIED: usize = 5_000;
    const GOOD: &str = "provider = \"np\"\nsha256 = \"00\"\norigins = [\"https://a.example:8443\", \"http://[::1]:80\"]\n\
                        private-addresses = [\"127.0.0.0/8\", \"::1/128\"]\nrefuse-empty-wasi = true\n";
    const PIECES: [&str; 12] = [
        "\"",
        "'''",
        "[",
        "]]",
        "=",
        "\n",
        "\\u0000",
        "0.0.0.0/0",
        "https://*",
        "https://a@b",
        "é",
        "999999999999999999999",
    ];
    let mut numbers = Numbers(SEED);
    let mut read = 0;
    for round in 0..TRIED {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(text.len());
            let until = (at + numbers.below(8)).min(text.len());
            text.splice(at..until, PIECES[numbers.below(PIECES.len())].chars());
        }
        let text: String = text.into_iter().collect();
        if let Ok(permissions) = Permissions::from_text("x.toml", &text) {
            read += 1;
            for origin in &permissions.origins {
                let shown = origin.to_string();
                assert!(!shown.contains(['@', '*']) && shown.parse().as_ref() == Ok(origin), "round {round}: {shown}");
            }
        }
    }
    assert!(read > 0 && read < TRIED, "{read}");
}
