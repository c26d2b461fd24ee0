//! What goes wrong between here and the gateway, for every call: nothing of it is a success, and only
//! what cannot have left is *not sent*.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::{REFERENCE, kinds, registration, run, shipment};
use provider_sdk::scripted::Scripted;

/// What each of the four calls makes of `answer` for two rows. Every row has the gateway's id.
fn everywhere(answer: &Result<Response, SendError>) -> Vec<&'static str> {
    let gateway = Scripted::new(|_: &Request| answer.clone());
    let call = call(&gateway, &[]);
    let known = [registration(REFERENCE, Some(ID)), registration("R2", Some(&id(2)))];
    let cancellations = known.clone().map(|registration| Cancellation { registration, reason: None });
    let shipments = known.clone().map(|registration| shipment(registration, "sagawa", "123456789012"));
    let kinds = [
        kinds(&run(provider::credit::<Np, _>(&call, &[order(), named("R2")]))),
        kinds(&run(Np::check_credit(&call, &known))),
        kinds(&run(provider::cancel::<Np, _>(&call, &cancellations))),
        kinds(&run(provider::sync_tracking::<Np, _>(&call, &shipments))),
    ];
    assert_eq!(gateway.sent().len(), 4, "nothing is sent a second time");
    kinds.concat()
}

#[test]
fn transport_errors_keep_their_meaning() {
    assert_eq!(everywhere(&Err(SendError::NotSent("no connection".to_owned()))), ["not-sent"; 8]);
    assert_eq!(everywhere(&Err(SendError::OutcomeUnknown("cut".to_owned()))), ["outcome-unknown"; 8]);
}

#[test]
fn refused_credentials_are_told_from_everything_else() {
    assert_eq!(everywhere(&http(401, "")), ["unauthorized"; 8]);
    assert_eq!(everywhere(&http(403, "<html></html>")), ["unauthorized"; 8]);
    assert_eq!(everywhere(&http(429, "")), ["busy"; 8]);
}

#[test]
fn an_answer_that_cannot_be_read_says_nothing() {
    let row = |reference: &str, id: &str| json!({ "shop_transaction_id": reference, "np_transaction_id": id, "authori_result": "00" });
    let good = json!({ "results": [row(REFERENCE, ID), row("R2", &id(2))] }).to_string();
    let with_type = |content_type: &str| {
        let content_type = Some(content_type.to_owned());
        Ok(Response { status: 200, content_type, retry_after: None, body: good.clone().into_bytes() })
    };
    let unreadable = [
        http(500, good.as_str()),
        http(503, good.as_str()),
        http(404, good.as_str()),
        http(202, good.as_str()),
        http(302, good.as_str()),
        http(200, &good[..good.len() - 1]),
        http(200, ""),
        http(200, "{}"),
        http(200, "[]"),
        http(200, "null"),
        http(200, "<html></html>"),
        http(200, format!("[{good}]")),
        http(200, json!({ "results": {} }).to_string()),
        http(200, json!({ "results": [], "errors": "E0100059" }).to_string()),
        http(200, json!({ "results": [[row(REFERENCE, ID), row("R2", &id(2))]] }).to_string()),
        http(200, "[".repeat(100_000)),
        http(200, [&b"{\"results\":[\""[..], b"\x97^\x90M", b"\"]}"].concat()),
        with_type("application/json; charset=Shift_JIS"),
    ];
    for answer in unreadable {
        assert_eq!(everywhere(&answer), ["outcome-unknown"; 8], "{answer:?}");
    }
    // The same answer, undamaged, is good: the damage made the difference.
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=utf8",
        "application/json; charset=ISO-8859-1",
        "",
    ] {
        assert_eq!(everywhere(&with_type(content_type)), ["ok"; 8], "{content_type}");
    }
    assert_eq!(everywhere(&http(201, good.as_str())), ["ok"; 8], "created");
    assert_eq!(everywhere(&http(200, format!("\u{feff}{good}"))), ["ok"; 8], "a byte order mark is no JSON");
    assert_eq!(everywhere(&http(400, good)), ["ok"; 8], "what is in the results was done");
}

#[test]
fn an_answer_that_contradicts_itself_says_nothing() {
    let row = |reference: &str, id: &str| {
        format!(
            r#"{{"shop_transaction_id":"{reference}","np_transaction_id":"{id}","authori_result":"00","authori_ng":null}}"#
        )
    };
    let results = format!(r#""results":[{},{}]"#, row(REFERENCE, ID), row("R2", &id(2)));
    let good = format!(r#"{{{results},"errors":[]}}"#);
    assert_eq!(everywhere(&http(200, good.as_str())), ["ok"; 8]);
    // JSON's readers keep the last in silence, so each is tried in both places.
    for (said, again) in [
        (r#""authori_result":"00""#, r#""authori_result":"20""#),
        (r#""np_transaction_id":"26112400001""#, r#""np_transaction_id":"26112400009""#),
        (r#""shop_transaction_id":"R2""#, r#""shop_transaction_id":"R9""#),
        (r#""authori_ng":null"#, r#""authori_ng":"RE001""#),
        (r#""errors":[]"#, r#""errors":[{"id":"R2","codes":["E0100114"]}]"#),
        (results.as_str(), r#""results":[]"#),
    ] {
        assert!(good.contains(said), "{said}");
        for both in [format!("{said},{again}"), format!("{again},{said}"), format!("{said},{said}")] {
            let answer = http(200, good.replacen(said, &both, 1));
            assert_eq!(everywhere(&answer), ["outcome-unknown"; 8], "{answer:?}");
        }
    }
}

proptest! {
    /// Answers made of the gateway's own members with any content: no panic, and never a success for
    /// rows that they do not name.
    #[test]
    fn no_answer_panics_or_invents_success(
        status in prop_oneof![Just(200u16), Just(400)],
        results in proptest::collection::vec(any::<[String; 5]>(), 0..4),
        errors in proptest::collection::vec(any::<[String; 2]>(), 0..4),
    ) {
        let row = |[reference, id, result, ng, hold]: &[String; 5]| json!({
            "shop_transaction_id": reference, "np_transaction_id": id, "authori_result": result,
            "authori_ng": ng, "authori_hold": [hold],
        });
        let body = json!({
            "results": results.iter().map(row).collect::<Vec<_>>(),
            "errors": errors.iter().map(|[id, code]| json!({ "id": id, "codes": [code] })).collect::<Vec<_>>(),
        });
        prop_assert!(everywhere(&http(status, body.to_string())).iter().all(|kind| *kind != "ok"), "{}", body);
    }

    #[test]
    fn no_bytes_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(everywhere(&http(status, body)).iter().all(|kind| *kind != "ok"));
    }
}
