//! The description, the check of the settings, and the connection test.

use crate::{answering, call, kind, provider, run, silent, value};
use atobarai_com::AtobaraiCom;
use provider_sdk::Provider;
use provider_sdk::contract::{Capability, SettingKind};
use provider_sdk::provider::check_settings;
use provider_sdk::types::Setting;

fn check(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let settings = settings.iter().map(|(k, v)| Setting { key: k.to_string(), value: v.to_string() }).collect();
    let problems = check_settings::<AtobaraiCom>(settings).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.field, p.reason.code.unwrap())).collect()
}

fn found(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(field, code)| (field.to_string(), code.to_string())).collect()
}

#[test]
fn the_description_is_complete() {
    let info = AtobaraiCom::describe();
    assert_eq!((info.id.as_str(), info.name.ja.as_str()), ("atobarai-com", "後払い.com"));
    assert_eq!(info.origins, ["https://www.atobarai.jp"]);
    let limits = info.batch_limits;
    assert_eq!((limits.credit, limits.check_credit, limits.cancel, limits.sync_tracking), (1, 100, 100, 1));
    assert!(!info.capabilities.contains(Capability::UNIQUE_REFERENCE), "the gateway does not deduplicate");
    for has in [Capability::FIND_BY_REFERENCE, Capability::ENCLOSED_INVOICE, Capability::TEST_CONNECTION] {
        assert!(info.capabilities.contains(has));
    }
    assert_eq!(info.carriers.len(), 15);
    for field in &info.settings {
        for words in [&field.label.ja, &field.label.en, &field.help.ja, &field.help.en] {
            assert!(!words.is_empty(), "{}", field.key);
        }
        let valid_default = match (&field.kind, &field.default) {
            (SettingKind::Choice(options), Some(default)) => options.iter().any(|(id, _)| id == default),
            _ => true,
        };
        assert!(valid_default, "{}", field.key);
    }
}

#[test]
fn the_three_ids_are_enough() {
    assert_eq!(check(&[("enterprise-id", "1234"), ("site-id", "1"), ("api-user-id", "1")]), []);
    assert_eq!(check(&[("enterprise-id", "12345"), ("site-id", "1"), ("api-user-id", "1")]), []);
}

#[test]
fn every_problem_is_named_at_once() {
    let wrong = [
        ("base-url", "www.atobarai.jp"),
        ("enterprise-id", "123"),
        ("api-user-id", "a1"),
        ("ask-by-reference", "maybe"),
        ("test-order", "yes"),
        ("carrier-sagawa", "二"),
        ("carrier-pigeon", "1"),
    ];
    let expected = [
        ("carrier-pigeon", "unknown-setting"),
        ("base-url", "not-a-url"),
        ("site-id", "required"),
        ("ask-by-reference", "not-a-choice"),
        ("test-order", "not-a-choice"),
        ("carrier-sagawa", "not-digits"),
        ("enterprise-id", "enterprise-id"),
        ("api-user-id", "not-digits"),
    ];
    assert_eq!(check(&wrong), found(&expected));
}

#[test]
fn an_enterprise_id_has_four_or_five_digits() {
    for (id, code) in [("123", "enterprise-id"), ("123456", "too-long"), ("1234a", "not-digits"), ("", "required")] {
        let problems = check(&[("enterprise-id", id), ("site-id", "1"), ("api-user-id", "1")]);
        assert_eq!(problems, found(&[("enterprise-id", code)]), "{id}");
    }
}

#[test]
fn the_connection_test_reads_the_carrier_list() {
    let carriers = "<status>success</status><messages/><results><result><delivId>2</delivId></result></results>";
    let gateway = answering(carriers);
    assert_eq!(
        run(AtobaraiCom::test_connection(&call(&gateway, &[("base-url", "https://gw.example/brand/")]))),
        Ok(())
    );
    let sent = gateway.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].method, sent[0].url.as_str()), ("POST", "https://gw.example/brand/api/delivlist/rest"));
    assert_eq!(value(&sent[0], "EnterpriseId").unwrap(), "12345");
    assert_eq!(value(&sent[0], "ApiUserId").unwrap(), "90");
}

#[test]
fn the_connection_test_says_what_is_wrong() {
    let refused = "<status>error</status><messages><message cd=\"E06102\">IDが違います</message></messages>";
    for (body, expected) in [(refused, "unauthorized"), ("<status>success</status>", "outcome-unknown")] {
        assert_eq!(kind(&run(AtobaraiCom::test_connection(&call(&answering(body), &[])))), expected);
    }
}

#[test]
fn fees_are_the_common_rule() {
    use provider_sdk::fee_types::{Bill, FeeBand, FeeMode, FeeRule};
    let rule = FeeRule { mode: FeeMode::Add, bands: vec![FeeBand { lower: 0, upper: None, fee: 358 }] };
    let bill = Bill { items: 1_232, shipping_fee: 0, payment_fee: 0 };
    assert_eq!(AtobaraiCom::fee_adjust(&rule, &bill).unwrap().billed_amount, 1_590);
}

#[test]
fn nothing_asked_is_nothing_sent() {
    let gateway = silent();
    let call = call(&gateway, &[]);
    assert!(run(provider::credit::<AtobaraiCom, _>(&call, &[])).is_empty());
    assert!(run(AtobaraiCom::check_credit(&call, &[])).is_empty());
    assert!(run(provider::cancel::<AtobaraiCom, _>(&call, &[])).is_empty());
    assert!(run(provider::sync_tracking::<AtobaraiCom, _>(&call, &[])).is_empty());
}
