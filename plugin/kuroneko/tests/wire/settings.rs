//! The description, the check of the settings, and the connection test.

use crate::*;
use provider_sdk::contract::{Capability, SettingKind};
use provider_sdk::provider::check_settings;

fn check(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = check_settings::<Kuroneko>(samples::settings(settings)).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect()
}

#[test]
fn the_description_is_complete() {
    let info = Kuroneko::describe();
    assert_eq!((info.id.as_str(), info.name.ja.as_str()), ("kuroneko", "クロネコ代金後払い"));
    assert!(!info.name.en.is_empty());
    assert_eq!(info.origins, ["https://atobarai.kuronekoyamato.co.jp"]);
    assert_eq!(info.max_billed_amount, Some(999_999));
    let limits = info.batch_limits;
    assert_eq!((limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking), (1, 1, 1, 1));
    let capabilities = Capability::FIND_BY_REFERENCE
        | Capability::UNIQUE_REFERENCE
        | Capability::ENCLOSED_INVOICE
        | Capability::TEST_CONNECTION
        | Capability::REPORTS_CANCEL
        | Capability::REPORTS_TRACKING;
    assert_eq!(info.capabilities, capabilities);
    let keys: Vec<_> = info.settings.iter().map(|field| (field.key.as_str(), field.required)).collect();
    let expected = [
        ("base-url", true),
        ("merchant-code", true),
        ("password", true),
        ("cart-code", false),
        ("days-to-ship", false),
        ("long-slip", true),
        ("enclosed-gift", true),
    ];
    assert_eq!(keys, expected);
    for field in &info.settings {
        for words in [&field.label.ja, &field.label.en, &field.help.ja, &field.help.en] {
            assert!(!words.is_empty(), "{}", field.key);
        }
        assert_eq!(matches!(field.kind, SettingKind::Secret), field.key == "password", "{}", field.key);
    }
    let test_host = "https://atobarai-test.kuronekoyamato.co.jp/kuroneko-atobarai-api/";
    let help = &info.settings[0].help;
    assert!(help.ja.contains(test_host) && help.en.contains(test_host));
}

#[test]
fn merchant_code_and_password_are_enough() {
    assert_eq!(check(&[("merchant-code", MERCHANT), ("password", "a")]), []);
    let cart = "x".repeat(30);
    let full = [("merchant-code", MERCHANT), ("password", "Abcd1234"), ("cart-code", &cart), ("days-to-ship", "90")];
    assert_eq!(check(&full), []);
    assert_eq!(check(&[]), pairs(&[("merchant-code", "required"), ("password", "required")]));
}

#[test]
fn every_problem_is_named_at_once() {
    let cart = "x".repeat(31);
    let wrong = [
        ("base-url", "atobarai.kuronekoyamato.co.jp"),
        ("merchant-code", "1234567890"),
        ("password", "abcd-1234"),
        ("cart-code", &cart),
        ("days-to-ship", "91"),
        ("color", "red"),
    ];
    let expected = [
        ("color", "unknown-setting"),
        ("base-url", "not-a-url"),
        ("password", "too-long"),
        ("cart-code", "too-long"),
        ("merchant-code", "merchant-code"),
        ("password", "password"),
        ("days-to-ship", "out-of-range"),
    ];
    assert_eq!(check(&wrong), pairs(&expected));
    for (code, problem) in [("123456789012", "too-long"), ("1234567890a", "not-digits")] {
        assert_eq!(check(&[("merchant-code", code), ("password", "a")]), pairs(&[("merchant-code", problem)]));
    }
    for (days, problem) in [("-1", "not-digits"), ("三", "not-digits"), ("91", "out-of-range")] {
        let given = [("merchant-code", MERCHANT), ("password", "a"), ("days-to-ship", days)];
        assert_eq!(check(&given), pairs(&[("days-to-ship", problem)]), "{days}");
    }
}

#[test]
fn the_connection_test_asks_for_an_order_that_nobody_has() {
    let gateway = answering(&refused("kaars008E"));
    let call = call_at(samples::NOW, &gateway, &[("base-url", "https://gw.example/api")]);
    assert_eq!(run(Kuroneko::test_connection(&call)), Ok(()));
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://gw.example/api/KAARS0010APIAction_execute.action");
    let asked = field(&request, "orderNo");
    assert_eq!(form_fields(&request), common(&asked));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    assert!((1..=20).contains(&asked.len()) && asked.bytes().all(allowed), "{asked}");
}

#[test]
fn the_connection_test_says_what_is_wrong() {
    assert_eq!(connect(&result("0")), Ok(()), "somebody's order after all");
    assert_eq!(kind(&connect(&refused("kaars012E"))), "unauthorized");
    for unclear in ["err0001", "kaars099E", "kaast008E", ""] {
        assert_eq!(kind(&connect(&refused(unclear))), "outcome-unknown", "{unclear}");
    }
    let elsewhere = refused("kaars008E").replace(MERCHANT, "12345678902");
    assert_eq!(kind(&connect(&elsewhere)), "outcome-unknown");
    let transport = |answer: Result<Response, SendError>| {
        let gateway = Scripted::new(move |_: &Request| answer.clone());
        kind(&run(Kuroneko::test_connection(&call(&gateway))))
    };
    assert_eq!(transport(Err(SendError::NotSent("no connection".to_owned()))), "not-sent");
    assert_eq!(transport(http(404, "text/html", "")), "outcome-unknown");
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let gateway = silent();
    let call = call(&gateway);
    assert!(run(provider::credit::<Kuroneko, _>(&call, &[])).is_empty());
    assert!(run(Kuroneko::check_credit(&call, &[])).is_empty());
    assert!(run(provider::cancel::<Kuroneko, _>(&call, &[])).is_empty());
    assert!(run(provider::sync_tracking::<Kuroneko, _>(&call, &[])).is_empty());
}
