//! The description and the check of the settings.

use crate::*;
use provider_sdk::contract::{Capability, SettingKind};
use provider_sdk::provider::check_settings;

fn check(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = check_settings::<Atodene>(samples::settings(settings)).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect()
}

#[test]
fn the_description_is_complete() {
    let info = Atodene::describe();
    assert_eq!((info.id.as_str(), info.name.ja.as_str()), ("atodene", "アトディーネ"));
    assert_eq!(info.origins, ["https://www.manage.atodene.jp"]);
    assert_eq!(info.max_billed_amount, Some(55_000));
    let limits = info.batch_limits;
    assert_eq!((limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking), (1, 1, 1, 1));
    let capabilities = Capability::ENCLOSED_INVOICE | Capability::REPORTS_CANCEL;
    assert_eq!(info.capabilities, capabilities, "neither found by reference nor tested");
    assert_eq!(info.carriers.len(), 17);
    for field in &info.settings {
        for words in [&field.label.ja, &field.label.en, &field.help.ja, &field.help.en] {
            assert!(!words.is_empty(), "{}", field.key);
        }
        assert!(field.required && field.max_length.is_some(), "{}", field.key);
        assert_eq!(matches!(field.kind, SettingKind::Secret), field.key == "link-password");
    }
}

#[test]
fn shop_code_and_password_are_enough() {
    assert_eq!(check(&[("shop-code", "A"), ("link-password", "12345678")]), []);
    assert_eq!(check(&[("shop-code", "ABCDEFGHIJKL"), ("link-password", "123456789012345")]), []);
}

#[test]
fn every_problem_is_named_at_once() {
    let wrong = [("base-url", "x"), ("shop-code", "ABCDEFGHIJKLM"), ("link-password", "1234567"), ("color", "red")];
    let expected = [
        ("color", "unknown-setting"),
        ("base-url", "not-a-url"),
        ("shop-code", "too-long"),
        ("link-password", "too-short"),
    ];
    assert_eq!(check(&wrong), pairs(&expected));
    assert_eq!(check(&[]), pairs(&[("shop-code", "required"), ("link-password", "required")]));
    let long = [("shop-code", "A"), ("link-password", "1234567890123456"), ("link-id", "original01")];
    assert_eq!(check(&long), pairs(&[("link-password", "too-long")]));
}

#[test]
fn settings_reach_the_request() {
    let gateway = answering("<result>NG</result>");
    let settings = [
        ("base-url", "https://gw.example/api"),
        ("shop-code", "A"),
        ("link-id", "other01"),
        ("link-password", "<&>12345"),
    ];
    let context = Context { settings: samples::settings(&settings), now: samples::NOW };
    run(provider::credit::<Atodene, _>(&Call::new::<Atodene>(context, &gateway), &[order()]));
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://gw.example/api/transaction.do");
    let expected = [("shopCode", "A"), ("linkId", "other01"), ("linkPassword", "<&>12345")];
    assert_eq!(flat(document(&request).child("linkInfo").unwrap()), pairs(&expected));
}

#[test]
fn there_is_no_connection_test() {
    assert_eq!(run(Atodene::test_connection(&call(&silent()))), Err(Failure::Unsupported));
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let gateway = silent();
    let call = call(&gateway);
    assert!(run(provider::credit::<Atodene, _>(&call, &[])).is_empty());
    assert!(run(Atodene::check_credit(&call, &[])).is_empty());
    assert!(run(provider::cancel::<Atodene, _>(&call, &[])).is_empty());
    assert!(run(provider::sync_tracking::<Atodene, _>(&call, &[])).is_empty());
}
