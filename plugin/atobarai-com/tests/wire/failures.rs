//! What goes wrong between here and the gateway, for every call: nothing of it is a success, and only
//! what cannot have left is *not sent*.

use crate::*;
use proptest::prelude::*;

/// What each of the four calls makes of `answer`. Every row has the gateway's id.
fn everywhere(answer: &Result<Response, SendError>) -> [&'static str; 4] {
    let gateway = Scripted::new(|_: &Request| answer.clone());
    let call = call(&gateway, &[]);
    let known = registration(REFERENCE, Some("XX1"));
    let shipment = tracking::shipment("sagawa", "123456789012");
    let cancellation = Cancellation { registration: known.clone(), reason: None };
    let kinds = [
        kind(&only(run(provider::credit::<AtobaraiCom, _>(&call, &[order()])))),
        kind(&only(run(AtobaraiCom::check_credit(&call, &[known])))),
        kind(&only(run(provider::cancel::<AtobaraiCom, _>(&call, &[cancellation])))),
        kind(&only(run(provider::sync_tracking::<AtobaraiCom, _>(&call, &[shipment])))),
    ];
    assert_eq!(gateway.sent().len(), 4, "nothing is sent a second time");
    kinds
}

#[test]
fn transport_errors_keep_their_meaning() {
    assert_eq!(everywhere(&Err(SendError::NotSent("no connection".to_owned()))), ["not-sent"; 4]);
    assert_eq!(everywhere(&Err(SendError::OutcomeUnknown("cut".to_owned()))), ["outcome-unknown"; 4]);
}

#[test]
fn an_answer_that_cannot_be_read_says_nothing() {
    let good = "<response><status>success</status><orderId>SHOP-20261124-1</orderId>\
        <systemOrderId>XX1</systemOrderId><orderStatus cd=\"1\"/></response>";
    let shift_jis = b"<response><status>success</status><x>\x97^\x90M</x></response>";
    let unreadable = [
        http(500, "text/xml; charset=utf-8", good),
        http(502, "text/html", "<html><body>Bad Gateway</body></html>"),
        http(503, "text/xml", good),
        http(404, "text/xml", good),
        http(302, "text/xml", good),
        http(201, "text/xml", good),
        http(200, "text/html", "<html><body>メンテナンス中</body></html>"),
        http(200, "text/html", "<!DOCTYPE html><html></html>"),
        http(200, "text/xml; charset=Shift_JIS", good),
        http(200, "text/xml", shift_jis.to_vec()),
        http(200, "text/xml", &good[..good.len() - 5]),
        http(200, "text/xml", ""),
        http(200, "text/xml", "{\"status\":\"success\"}"),
        http(200, "text/xml", good.replace("response>", "Response>")),
        http(200, "text/xml", good.replace("success", "ok")),
        http(200, "text/xml", good.replace("<status>success</status>", "")),
    ];
    for answer in unreadable {
        assert_eq!(everywhere(&answer), ["outcome-unknown"; 4], "{answer:?}");
    }
    // The same answer, undamaged, is good for the registration: the damage made the difference.
    for content_type in ["text/xml", "text/xml; charset=utf-8", "text/xml;charset=\"UTF-8\""] {
        assert_eq!(everywhere(&http(200, content_type, good))[0], "ok");
    }
}

#[test]
fn an_answer_that_contradicts_itself_says_nothing() {
    let good = "<response><status>success</status><orderId>SHOP-20261124-1</orderId><systemOrderId>XX1</systemOrderId>\
        <orderStatus cd=\"1\"/><results><result><orderId>XX1</orderId><entOrderId>SHOP-20261124-1</entOrderId>\
        <orderStatus cd=\"1\"/><cancelStatus>success</cancelStatus></result></results></response>";
    let gateway = Scripted::new(|_: &Request| http(200, "text/xml", good));
    assert_eq!(kind(&only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order()])))), "ok");
    for (said, again) in [
        ("<status>success</status>", "<status>error</status>"),
        ("<systemOrderId>XX1</systemOrderId>", "<systemOrderId>XX2</systemOrderId>"),
        ("<orderStatus cd=\"1\"/>", "<orderStatus cd=\"2\"/>"),
        ("<orderId>XX1</orderId>", "<orderId>XX2</orderId>"),
        ("<cancelStatus>success</cancelStatus>", "<cancelStatus>error</cancelStatus>"),
    ] {
        for both in [format!("{said}{again}"), format!("{again}{said}")] {
            let answer = http(200, "text/xml", good.replace(said, &both));
            assert_eq!(everywhere(&answer), ["outcome-unknown"; 4], "{answer:?}");
        }
    }
}

#[test]
fn too_many_requests_says_how_long_to_wait() {
    let answer = Response { status: 429, content_type: None, retry_after: Some(30), body: Vec::new() };
    let gateway = Scripted::new(|_: &Request| Ok(answer.clone()));
    let result = only(run(provider::credit::<AtobaraiCom, _>(&call(&gateway, &[]), &[order()])));
    assert!(matches!(result, Err(Failure::Busy((_, Some(30))))), "{result:?}");
    assert_eq!(everywhere(&http(429, "text/html", "")), ["busy"; 4]);
}

#[test]
fn a_refused_request_fails_each_row_by_its_code() {
    let cases = [
        ("E01101", "unauthorized"),
        ("E01201", "invalid"),
        // A failure of the system: before or after something was recorded, nobody says.
        ("E01901", "outcome-unknown"),
        ("E01999", "busy"),
        ("E01888", "outcome-unknown"),
    ];
    for (code, expected) in cases {
        let body = format!("<status>error</status><messages><message cd=\"{code}\">x</message></messages>");
        assert_eq!(everywhere(&response(&body)), [expected; 4], "{code}");
    }
    let state = "<status>error</status><messages><message cd=\"E01301\">x</message></messages>";
    assert_eq!(everywhere(&response(state)), ["outcome-unknown", "refused", "refused", "refused"]);
    assert_eq!(everywhere(&response("<status>error</status>")), ["outcome-unknown"; 4]);
}

proptest! {
    /// Answers made of the gateway's own elements with any content: no panic, and never a success for
    /// a registration whose id they do not name.
    #[test]
    fn no_answer_panics_or_invents_success(
        status in "success|error|x",
        words in any::<String>(),
        id in "[A-Z]{3}",
        cd in "-?[0-9]{0,2}",
        cancel in "success|error|1|",
    ) {
        let words: String = words.chars().filter(|c| !"<>&".contains(*c) && !c.is_control()).collect();
        let body = format!(
            "<status>{status}</status><orderId>{id}</orderId><systemOrderId>{id}</systemOrderId>\
             <messages><message cd=\"E{cd}\">{words}</message></messages><orderStatus cd=\"{cd}\">{words}</orderStatus>\
             <results><result><orderId>{id}</orderId><entOrderId>{words}</entOrderId><orderStatus cd=\"{cd}\">{cd}</orderStatus>\
             <cancelStatus>{cancel}</cancelStatus></result></results>"
        );
        prop_assert!(everywhere(&response(&body)).iter().all(|kind| *kind != "ok"), "{}", body);
    }

    #[test]
    fn no_bytes_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(everywhere(&http(status, "text/xml", body)).iter().all(|kind| *kind != "ok"));
    }
}
