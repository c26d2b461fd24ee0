//! For each check a plugin that fails it: the kit says what is wrong with each, and nothing else.

mod common;

use common::{failed, judge_bytes, patched};
use conformance::checks::{self, LOADING};
use conformance::report::{Outcome, Report, Row};
use conformance::{Lang, Options};
use futures::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use unruly::{BEHAVIOURS, MARKER, NAME_LENGTH};

/// Bad plugins that are judged at once: most of the kit's time is waiting.
const AT_ONCE: usize = 8;

/// The ways of the unruly plugin, and every check that each fails.
const UNRULY: [(&str, &[&str]); 38] = [
    ("honest", &[]),
    ("describe-panics", &["load.describe"]),
    ("carrier-twice", &["described.ids"]),
    ("carrier-renamed", &["described.carriers"]),
    ("carrier-mistaken", &["described.carriers"]),
    ("no-english", &["described.labels"]),
    ("version-in-words", &["described.version"]),
    ("origin-with-path", &["described.origins"]),
    ("negative-maximum", &["described.limits"]),
    ("default-refused", &["settings.defaults"]),
    ("settings-impossible", &["settings.accepted"]),
    ("settings-special", &["settings.accepted"]),
    (
        "settings-unchecked",
        &["settings.missing", "settings.kinds", "settings.lengths", "settings.unknown-key", "settings.all-at-once"],
    ),
    ("settings-first-only", &["settings.all-at-once"]),
    (
        "trusts-status",
        &[
            "fault.empty-body",
            "fault.garbage",
            "fault.wrong-charset",
            "fault.html-page",
            "fault.empty-xml",
            "fault.empty-json",
            "fault.redirect",
            "fault.http-401",
            "fault.http-404",
            "fault.http-429",
            "fault.http-500",
            "fault.http-502",
            "fault.http-503",
        ],
    ),
    (
        "lost-is-success",
        &[
            "fault.accept-close",
            "fault.read-close",
            "fault.no-answer",
            "fault.cut-body",
            "fault.slow-body",
            "fault.huge-body",
        ],
    ),
    (
        "lost-is-not-sent",
        &["fault.read-close", "fault.no-answer", "fault.cut-body", "fault.slow-body", "fault.huge-body"],
    ),
    ("refused-is-unknown", &["fault.refused"]),
    ("sends-twice", &["sends.once"]),
    ("forgets-a-row", &["rows.length"]),
    ("reverses-rows", &["rows.apart"]),
    ("panics-on-many", &["rows.many"]),
    (
        "panics-on-emoji",
        &["settings.any-input", "input.orders", "input.registrations", "input.cancels", "input.shipments"],
    ),
    ("panics-on-large-fees", &["fees.any-input"]),
    ("spins-on-large-fees", &["fees.any-input"]),
    ("any-carrier", &["input.carrier"]),
    ("hidden-connection-test", &["ask.connection-test"]),
    ("finds-nothing", &["ask.by-reference"]),
    ("finds-without-asking", &["ask.by-reference"]),
    ("fee-sum-wrong", &["fees.bands"]),
    ("bands-unchecked", &["fees.refused"]),
    ("logs-a-name", &["log.private"]),
    ("logs-full-width", &["log.private"]),
    ("asks-elsewhere", &["reach.origins"]),
    ("sends-in-fee-adjust", &["reach.silent"]),
    (
        "panics-after-answer",
        &[
            "fault.refused",
            "fault.accept-close",
            "fault.read-close",
            "fault.no-answer",
            "fault.cut-body",
            "fault.slow-body",
            "fault.huge-body",
            "fault.empty-body",
            "fault.garbage",
            "fault.wrong-charset",
            "fault.html-page",
            "fault.empty-xml",
            "fault.empty-json",
            "fault.redirect",
            "fault.http-401",
            "fault.http-404",
            "fault.http-429",
            "fault.http-500",
            "fault.http-502",
            "fault.http-503",
            "calls.end",
        ],
    ),
    ("floods-the-log", &["calls.end"]),
    ("panics-on-garbage", &["fault.garbage", "fault.wrong-charset", "calls.end"]),
];

/// A component of the unruly plugin with another way.
fn unruly(way: &str) -> Vec<u8> {
    let named = |way: &str| format!("{MARKER}{way:.<NAME_LENGTH$}").into_bytes();
    patched("unruly", &named("honest"), &named(way))
}

/// Other bad components, and every check that each fails.
fn others() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let text = |wat: &str| wat::parse_str(wat).unwrap();
    let changed = |name: &str, from: &str, to: &str| patched(name, from.as_bytes(), to.as_bytes());
    vec![
        (
            "writes a header otherwise",
            changed("kuroneko", "urlencoded; charset=UTF-8", "urlencoded; charset=utf-8"),
            &["wire.golden"],
        ),
        ("does not know HOLD", changed("score", "OKNGHOLD", "OKNGHELD"), &["wire.scenario"]),
        // 審査中 means nothing to it, and the simulator's unknown word means 審査中.
        (
            "takes an unknown word for a review",
            changed("atodene", "審査中", "要確認"),
            &["wire.scenario", "wire.faults"],
        ),
        ("words", b"not a component".to_vec(), &["load.file"]),
        ("a core module", text("(module)"), &["load.file"]),
        ("wants files", text(r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#), &["load.imports"]),
        ("is no provider", text("(component)"), &["load.imports"]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_plugin_fails_exactly_its_checks() {
    let unruly = UNRULY.iter().map(|(way, fails)| (*way, unruly(way), *fails));
    let judged: Vec<_> = futures::stream::iter(unruly.chain(others()))
        .map(async |(name, bytes, fails)| (name, judge_bytes(&bytes, &Options::default()).await, fails))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let wrong: Vec<_> = judged.iter().filter_map(|(name, report, fails)| complaint(name, report, fails)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn complaint(name: &str, report: &Report, fails: &[&str]) -> Option<String> {
    let failed = failed(report);
    let fits = failed.iter().map(String::as_str).collect::<BTreeSet<_>>() == fails.iter().copied().collect();
    let [en, ja] = [Lang::En, Lang::Ja].map(|lang| report.text(lang));
    let wide = en.lines().chain(ja.lines()).find(|line| textwrap::core::display_width(line) > 100);
    let bare = report.failed().find(|row| !is_shown(row, &en));
    match (fits, wide) {
        (true, None) if bare.is_some() => Some(format!("{name}: nothing shows {}\n{en}", bare?.id)),
        // Values that were refused are shown: the kit invented them.
        (true, None) if !fails.contains(&"settings.accepted") && SECRET.iter().any(|secret| en.contains(secret)) => {
            Some(format!("{name}: a setting is shown\n{en}"))
        }
        (true, None) => None,
        (true, Some(line)) => Some(format!("{name}: a line is too wide: {line}")),
        (false, _) => Some(format!("{name}: expected {fails:?}, failed {failed:?}\n{en}")),
    }
}

/// Values that the kit finds for the unruly plugin's shop id and password.
const SECRET: [&str; 2] = ["739182", "kitx7q9z"];

/// Whether the report `text` has the command that repeats `row` alone, and what showed that it failed.
fn is_shown(row: &Row, text: &str) -> bool {
    let Outcome::Failed(findings) = &row.outcome else { return false };
    // The command may go over two lines.
    let command = text.replace([' ', '\n'], "").contains(&format!("--only{}", row.id));
    // What was not loaded was asked nothing.
    command && (row.id.starts_with("load.") || findings.iter().all(|finding| finding.exchange.is_some()))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_plugin_broke_off_is_said_with_the_request_and_the_answer() {
    let report = judge_bytes(&unruly("panics-on-garbage"), &Options::default()).await;
    let text = report.text(Lang::En).replace("\n         ", " ");
    let row = report.failed().find(|row| row.id == "fault.garbage").unwrap();
    let Outcome::Failed(findings) = &row.outcome else { panic!("it failed") };
    assert!(text.contains("credit: ended without an answer"), "{text}");
    assert!(text.contains("credit (fault garbage): ended without an answer"), "{text}");
    let exchange = findings[0].exchange.as_ref().unwrap();
    let (request, answer) = (exchange.request.in_lang(Lang::En), exchange.answer.in_lang(Lang::En));
    assert!(request.starts_with("POST /register ") && request.ends_with("KIT-0"), "{request}");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("not what you asked for"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_check_can_be_asked_for() {
    let only = |ids: &[&str]| Options { only: ids.iter().map(|id| (*id).to_owned()).collect(), ..Options::default() };
    let bad = unruly("panics-on-garbage");
    // Checks about all calls together see them all the same.
    for id in ["fault.garbage", "calls.end", "fault.http-500"] {
        let report = judge_bytes(&bad, &only(&[id])).await;
        assert_eq!(report.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [id]);
        assert_eq!(report.passed(), id == "fault.http-500", "{id}");
    }
    // Why a file is not loaded is said whatever is asked.
    assert_eq!(failed(&judge_bytes(b"words", &only(&["calls.end"])).await), ["load.file"]);
    let error = conformance::judge(&common::component("unruly"), &only(&["fault"])).await.unwrap_err();
    assert!(error.to_string().contains("there is no check fault"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_nobody_can_guess_comes_from_the_caller() {
    let given = BTreeMap::from([("shop-id".to_owned(), unruly::SPECIAL_SHOP.to_owned())]);
    let options = Options { settings: given, ..Options::default() };
    let report = judge_bytes(&unruly("settings-special"), &options).await;
    assert_eq!(failed(&report), [""; 0], "{}", report.text(Lang::En));
    // A value that was given can be a real one: it is not shown where it is refused.
    let wrong = BTreeMap::from([("shop-id".to_owned(), "420816".to_owned())]);
    let report = judge_bytes(&unruly("settings-special"), &Options { settings: wrong, ..Options::default() }).await;
    let text = report.text(Lang::En);
    assert!(text.contains("shop-id = \"***\"") && !text.contains("420816"), "{text}");
}

#[test]
fn the_table_has_every_way_of_the_unruly_plugin() {
    assert_eq!(UNRULY.map(|(way, _)| way), BEHAVIOURS.map(|(way, _)| way));
}

#[test]
fn no_check_is_without_a_plugin_that_fails_it() {
    let others = others();
    let fails = UNRULY.iter().map(|(_, fails)| *fails).chain(others.iter().map(|(_, _, fails)| *fails));
    let proved: BTreeSet<&str> = fails.flatten().copied().collect();
    let checks = checks::all();
    let all: BTreeSet<&str> = LOADING.iter().chain(&checks).map(|check| check.id.as_ref()).collect();
    assert_eq!(proved, all);
}
