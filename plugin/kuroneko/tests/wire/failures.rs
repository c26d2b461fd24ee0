//! What goes wrong between here and the gateway, for every call: nothing of it is a success, and only
//! what cannot have left is *not sent*.

use crate::*;
use proptest::prelude::*;

/// What each of the four calls makes of `answer`.
fn everywhere(answer: &Result<Response, SendError>) -> [&'static str; 4] {
    let gateway = Scripted::new(|_: &Request| answer.clone());
    let call = call(&gateway);
    let cancellation = Cancellation { registration: known(), reason: None };
    let shipment = samples::shipment(known(), "sagawa", "123456789012");
    let results = [
        kind(&only(run(provider::credit::<Kuroneko, _>(&call, &[order()])))),
        kind(&only(run(Kuroneko::check_credit(&call, &[known()])))),
        kind(&only(run(provider::cancel::<Kuroneko, _>(&call, &[cancellation])))),
        kind(&only(run(provider::sync_tracking::<Kuroneko, _>(&call, &[shipment])))),
    ];
    assert_eq!(gateway.sent().len(), 4, "nothing is sent a second time");
    results
}

#[test]
fn transport_errors_keep_their_meaning() {
    assert_eq!(everywhere(&Err(SendError::NotSent("no connection".to_owned()))), ["not-sent"; 4]);
    assert_eq!(everywhere(&Err(SendError::OutcomeUnknown("cut".to_owned()))), ["outcome-unknown"; 4]);
}

#[test]
fn too_many_requests_says_how_long_to_wait() {
    let answer = Response { status: 429, content_type: None, retry_after: Some(30), body: Vec::new() };
    let gateway = Scripted::new(|_: &Request| Ok(answer.clone()));
    let outcome = only(run(provider::credit::<Kuroneko, _>(&call(&gateway), &[order()])));
    assert!(matches!(outcome, Err(Failure::Busy((_, Some(30))))), "{outcome:?}");
    assert_eq!(everywhere(&http(429, "text/html", "")), ["busy"; 4]);
}

#[test]
fn an_answer_that_cannot_be_read_says_nothing() {
    let good = result("1");
    let shift_jis = b"<return><returnCode>0</returnCode><x>\x97^\x90M</x></return>";
    let unreadable = [
        http(500, "application/xml; charset=UTF-8", good.as_str()),
        http(502, "text/html", "<html><body>Bad Gateway</body></html>"),
        http(401, "application/xml", good.as_str()),
        http(404, "application/xml", good.as_str()),
        http(302, "application/xml", good.as_str()),
        http(201, "application/xml", good.as_str()),
        http(200, "text/html", "<html><body>メンテナンス中</body></html>"),
        http(200, "application/xml; charset=Shift_JIS", good.as_str()),
        http(200, "application/xml", shift_jis.to_vec()),
        http(200, "application/xml", &good[..good.len() - 5]),
        http(200, "application/xml", ""),
        http(200, "application/xml", "<return/>"),
        http(200, "application/xml", "{\"returnCode\":\"0\"}"),
        http(200, "application/xml", good.replace("return>", "Return>")),
        http(200, "application/xml", good.replace("<returnCode>0", "<returnCode>０")),
        http(200, "application/xml", good.replace("<returnCode>0</returnCode>", "")),
        http(200, "application/xml", good.replace(REFERENCE, "SHOP-9")),
        http(200, "application/xml", good.replace(MERCHANT, "12345678902")),
    ];
    for answer in unreadable {
        assert_eq!(everywhere(&answer), ["outcome-unknown"; 4], "{answer:?}");
    }
    // The same answer, undamaged, is good: the damage made the difference.
    for content_type in ["application/xml", "application/xml; charset=utf-8", "text/xml;charset=\"UTF-8\"", ""] {
        assert_eq!(everywhere(&http(200, content_type, good.as_str())), ["ok"; 4]);
    }
}

/// Nobody knows which of two values is meant, not even where they are the same.
#[test]
fn an_answer_that_says_something_twice_says_nothing() {
    let twice = |document: String, more: &str| response(&document.replace("</return>", &format!("{more}</return>")));
    for more in [
        "<returnCode>0</returnCode>",
        "<returnCode>1</returnCode>",
        "<result>1</result>",
        "<result>2</result>",
        "<errorCode>err0001</errorCode><errorCode>err0002</errorCode>",
        "<orderNo>SHOP-9</orderNo>",
        "<ycfStrCode>12345678902</ycfStrCode>",
    ] {
        assert_eq!(everywhere(&twice(result("1"), more)), ["outcome-unknown"; 4], "{more}");
    }
    let refusals = ["kaara019E", "kaast008E", "kaacl009E", "kaasl014E"];
    for more in [
        "<orderNo>SHOP-9</orderNo>",
        "<ycfStrCode>12345678902</ycfStrCode>",
        "<result>1</result><result>1</result>",
        "<errorCode>err0001</errorCode>",
    ] {
        for code in refusals {
            assert_eq!(everywhere(&twice(refused(code), more)), ["outcome-unknown"; 4], "{code} {more}");
        }
    }
}

proptest! {
    /// Answers made of the gateway's own elements about another order: no panic, no success.
    #[test]
    fn no_answer_panics_or_invents_success(
        code in "0|1|x|",
        error in "kaa(ra|st|cl|sl)0[0-4][0-9]E|err000[1-3]|x|",
        order in "[A-Z]{3}",
        result in "[0-9]{1,2}|x|",
        warning in "[0-9]|",
    ) {
        let document = format!(
            "<return><ycfStrCode>{MERCHANT}</ycfStrCode><orderNo>{order}</orderNo><returnCode>{code}</returnCode>\
             <errorCode>{error}</errorCode><result>{result}</result><warning>{warning}</warning></return>"
        );
        prop_assert_eq!(everywhere(&response(&document)), ["outcome-unknown"; 4], "{}", document);
    }

    #[test]
    fn no_bytes_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(everywhere(&http(status, "application/xml", body)).iter().all(|kind| *kind != "ok"));
    }
}
