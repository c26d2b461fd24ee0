//! The description, the check of the settings, and the connection test.

use crate::*;
use provider_sdk::contract::{Capability, SettingKind};
use provider_sdk::provider::check_settings;
use provider_sdk::samples::{kind, pairs, run};

fn check(given: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = check_settings::<Np>(settings(given)).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect()
}

#[test]
fn the_description_is_complete() {
    let info = Np::describe();
    assert_eq!((info.id.as_str(), info.name.ja.as_str()), ("np", "NP後払い"));
    assert_eq!(info.origins, ["https://cp.np-payment-gateway.com"]);
    let limits = info.batch_limits;
    assert_eq!((limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking), (1000, 1000, 1000, 1000));
    assert_eq!(info.capabilities, Capability::ENCLOSED_INVOICE | Capability::TEST_CONNECTION);
    assert!(!info.carriers.iter().any(|carrier| carrier.id == "japan-post"));
    assert_eq!(info.carriers.len(), 18);
    for field in &info.settings {
        for words in [&field.label.ja, &field.label.en, &field.help.ja, &field.help.en] {
            assert!(!words.is_empty(), "{}", field.key);
        }
        assert_eq!(field.kind == SettingKind::Secret, field.key == "sp-code", "{}", field.key);
    }
}

#[test]
fn the_shops_name_is_in_letters_that_the_gateway_knows() {
    let named =
        |name: &str| check(&[("merchant-code", "a"), ("sp-code", "b"), ("terminal-id", "1"), ("site-name", name)]);
    assert_eq!(named("例示茶舗〜髙﨑〜"), []);
    assert_eq!(named("茶舗😀"), pairs(&[("site-name", "characters")]));
}

#[test]
fn the_three_codes_are_enough() {
    assert_eq!(check(&[("merchant-code", "a"), ("sp-code", "b"), ("terminal-id", "1")]), []);
}

#[test]
fn every_problem_is_named_at_once() {
    let (name, url) = ("店".repeat(51), format!("https://{}", "a".repeat(93)));
    let wrong = [
        ("base-url", "cp.np-payment-gateway.com"),
        ("merchant-code", "a:b"),
        ("terminal-id", "A1"),
        ("site-name", name.as_str()),
        ("site-url", url.as_str()),
        ("email-required", "yes"),
        ("sp", "x"),
    ];
    let expected = [
        ("sp", "unknown-setting"),
        ("base-url", "not-a-url"),
        ("sp-code", "required"),
        ("terminal-id", "not-digits"),
        ("site-name", "too-long"),
        ("site-url", "too-long"),
        ("email-required", "not-a-choice"),
        ("merchant-code", "merchant-code"),
    ];
    assert_eq!(check(&wrong), pairs(&expected));
}

#[test]
fn the_connection_test_sends_an_empty_list_with_the_credentials() {
    let gateway = answering(answer(vec![], vec![json!({ "codes": ["EPRO0101"] })]));
    let more = [("base-url", "https://gw.example/v1/")];
    assert_eq!(run(Np::test_connection(&call(&gateway, &more))), Ok(()));
    let request = &gateway.sent()[0];
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://gw.example/v1/authorizations/find"));
    assert_eq!(request.body, br#"{"transactions":[]}"#);
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Basic c2hvcDAxOnNwLTk5"),
        ("x-np-terminal-id", "2000022000"),
    ];
    assert_eq!(request.headers, headers.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn the_connection_test_says_what_is_wrong() {
    let cases = [
        (answer(vec![], vec![]), "ok"),
        (http(401, ""), "unauthorized"),
        (http(403, "<html></html>"), "unauthorized"),
        (http(400, "<html></html>"), "outcome-unknown"),
        (http(404, "{}"), "outcome-unknown"),
        (Err(SendError::NotSent("no connection".to_owned())), "not-sent"),
    ];
    for (given, expected) in cases {
        assert_eq!(kind(&run(Np::test_connection(&call(&answering(given), &[])))), expected);
    }
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let gateway = silent();
    let call = call(&gateway, &[]);
    assert!(run(provider::credit::<Np, _>(&call, &[])).is_empty());
    assert!(run(Np::check_credit(&call, &[])).is_empty());
    assert!(run(provider::cancel::<Np, _>(&call, &[])).is_empty());
    assert!(run(provider::sync_tracking::<Np, _>(&call, &[])).is_empty());
}
