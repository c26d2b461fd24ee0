//! The description and the check of the settings.

use crate::*;
use provider_sdk::contract::{Capability, SettingKind};
use provider_sdk::provider::check_settings;

fn check(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let problems = check_settings::<Score>(samples::settings(settings)).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect()
}

#[test]
fn the_description_is_complete() {
    let info = Score::describe();
    assert_eq!(info.id, "score");
    assert!(info.name.ja.contains("ニッセン@払い") && info.name.ja.contains("スコア@払い"), "the old name and the new");
    assert!(info.origins.is_empty(), "no host of today is public");
    assert_eq!(info.max_billed_amount, None);
    let limits = info.batch_limits;
    assert_eq!((limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking), (1, 1, 1, 1));
    assert_eq!(info.capabilities, Capability::ENCLOSED_INVOICE, "neither found by reference nor tested");
    assert_eq!(info.carriers.len(), 16);
    for field in &info.settings {
        for words in [&field.label.ja, &field.label.en, &field.help.ja, &field.help.en] {
            assert!(!words.is_empty(), "{}", field.key);
        }
        assert!(field.required && field.max_length.is_some() && field.default.is_none(), "{}", field.key);
        assert_eq!(matches!(field.kind, SettingKind::Secret), field.key == "shop-password");
    }
}

const GOOD: [(&str, &str); 4] = [
    ("base-url", "https://gw.example"),
    ("shop-code", "123456789"),
    ("shop-password", "himitsu"),
    ("terminal-id", "T1"),
];

#[test]
fn every_setting_has_to_be_entered_the_url_too() {
    assert_eq!(check(&GOOD), []);
    for (at, (missing, _)) in GOOD.iter().enumerate() {
        let rest: Vec<_> = GOOD.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, pair)| *pair).collect();
        assert_eq!(check(&rest), pairs(&[(missing, "required")]));
    }
}

#[test]
fn every_problem_is_named_at_once() {
    let long = "x".repeat(51);
    let wrong =
        [("base-url", "x"), ("shop-code", "1234567890"), ("shop-password", &long), ("terminal-id", &long), ("a", "b")];
    let expected = [
        ("a", "unknown-setting"),
        ("base-url", "not-a-url"),
        ("shop-code", "too-long"),
        ("shop-password", "too-long"),
        ("terminal-id", "too-long"),
    ];
    assert_eq!(check(&wrong), pairs(&expected));
}

#[test]
fn there_is_no_connection_test() {
    assert_eq!(run(Score::test_connection(&call(&silent()))), Err(Failure::Unsupported));
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let gateway = silent();
    let call = call(&gateway);
    assert!(run(provider::credit::<Score, _>(&call, &[])).is_empty());
    assert!(run(Score::check_credit(&call, &[])).is_empty());
    assert!(run(provider::cancel::<Score, _>(&call, &[])).is_empty());
    assert!(run(provider::sync_tracking::<Score, _>(&call, &[])).is_empty());
}
