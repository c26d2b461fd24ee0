//! What goes wrong between here and the gateway, for every call: nothing of it is a success, and only
//! what cannot have left is *not sent*.

use crate::*;
use proptest::prelude::*;

/// What each of the four calls makes of `answer`.
fn everywhere(answer: &Result<Response, SendError>) -> [&'static str; 4] {
    let gateway = Scripted::new(|_: &Request| answer.clone());
    let call = call(&gateway);
    let cancellation = Cancellation { registration: known(), reason: None };
    let results = [
        kind(&only(run(provider::credit::<Atodene, _>(&call, &[order()])))),
        kind(&only(run(Atodene::check_credit(&call, &[known()])))),
        kind(&only(run(provider::cancel::<Atodene, _>(&call, &[cancellation])))),
        kind(&only(run(provider::sync_tracking::<Atodene, _>(&call, &[tracking::shipment("sagawa", "123456789012")])))),
    ];
    assert_eq!(gateway.sent().len(), 4, "nothing is sent a second time");
    results
}

/// Good for all four calls.
fn good() -> String {
    let transaction = format!(
        "<shopOrderId>{REFERENCE}</shopOrderId><transactionId>{ID}</transactionId>\
         <autoAuthoriresult>OK</autoAuthoriresult>"
    );
    format!("<response>{}</response>", ok(&transaction))
}

#[test]
fn transport_errors_keep_their_meaning() {
    assert_eq!(everywhere(&Err(SendError::NotSent("no connection".to_owned()))), ["not-sent"; 4]);
    assert_eq!(everywhere(&Err(SendError::OutcomeUnknown("cut".to_owned()))), ["outcome-unknown"; 4]);
}

#[test]
fn an_answer_that_cannot_be_read_says_nothing() {
    let good = good();
    let shift_jis = b"<response><result>OK</result><x>\x97^\x90M</x></response>";
    let unreadable = [
        http(500, "application/xml; charset=UTF-8", good.as_str()),
        http(502, "text/html", "<html><body>Bad Gateway</body></html>"),
        http(404, "application/xml", good.as_str()),
        http(302, "application/xml", good.as_str()),
        http(201, "application/xml", good.as_str()),
        http(200, "text/html", "<html><body>メンテナンス中</body></html>"),
        http(200, "application/xml; charset=Shift_JIS", good.as_str()),
        http(200, "application/xml", shift_jis.to_vec()),
        http(200, "application/xml", &good[..good.len() - 5]),
        http(200, "application/xml", ""),
        http(200, "application/xml", "{\"result\":\"OK\"}"),
        http(200, "application/xml", good.replace("response>", "Response>")),
        http(200, "application/xml", good.replace("<result>OK<", "<result>ok<")),
        http(200, "application/xml", good.replace("<result>OK</result>", "")),
        http(200, "application/xml", good.replace("<result>", "<errors><error/></errors><result>")),
        http(200, "application/xml", good.replace("</response>", "<transactionInfo/></response>")),
    ];
    for answer in unreadable {
        assert_eq!(everywhere(&answer), ["outcome-unknown"; 4], "{answer:?}");
    }
    // The same answer, undamaged, is good: the damage made the difference.
    for content_type in ["application/xml", "application/xml; charset=utf-8", "text/xml;charset=\"UTF-8\""] {
        assert_eq!(everywhere(&http(200, content_type, good.as_str())), ["ok"; 4]);
    }
}

#[test]
fn an_answer_that_contradicts_itself_says_nothing() {
    let good = good();
    for (said, again) in [
        ("<result>OK</result>", "<result>NG</result>"),
        ("<autoAuthoriresult>OK</autoAuthoriresult>", "<autoAuthoriresult>NG</autoAuthoriresult>"),
        (&format!("<shopOrderId>{REFERENCE}</shopOrderId>"), "<shopOrderId>other</shopOrderId>"),
        (&format!("<transactionId>{ID}</transactionId>"), "<transactionId>other</transactionId>"),
    ] {
        for both in [format!("{said}{again}"), format!("{again}{said}")] {
            let answer = http(200, "application/xml", good.replace(said, &both));
            assert_eq!(everywhere(&answer), ["outcome-unknown"; 4], "{answer:?}");
        }
    }
}

#[test]
fn too_many_requests_says_how_long_to_wait() {
    let answer = Response { status: 429, content_type: None, retry_after: Some(30), body: Vec::new() };
    let gateway = Scripted::new(|_: &Request| Ok(answer.clone()));
    let result = only(run(provider::credit::<Atodene, _>(&call(&gateway), &[order()])));
    assert!(matches!(result, Err(Failure::Busy((_, Some(30))))), "{result:?}");
    assert_eq!(everywhere(&http(429, "text/html", "")), ["busy"; 4]);
}

#[test]
fn a_refused_request_is_refused_in_every_call() {
    assert_eq!(everywhere(&response(&ng("er000001", ""))), ["refused"; 4]);
    assert_eq!(everywhere(&response("<result>NG</result>")), ["refused"; 4]);
    assert_eq!(everywhere(&response(&ng("er000033", ""))), ["refused", "ok", "ok", "refused"]);
}

proptest! {
    /// Answers made of the gateway's own elements about another transaction: no panic, no success.
    #[test]
    fn no_answer_panics_or_invents_success(
        result in "OK|NG|x",
        words in any::<String>(),
        id in "[A-Z]{3}",
        auto in "OK|NG|審査中|x",
        manual in "OK|NG|保留||x",
    ) {
        let words: String = words.chars().filter(|c| !"<>&".contains(*c) && !c.is_control()).collect();
        let body = format!(
            "<result>{result}</result><errors><error><errorCode>{words}</errorCode></error></errors>\
             <transactionInfo><shopOrderId>{id}</shopOrderId><transactionId>{id}</transactionId>\
             <autoAuthoriresult>{auto}</autoAuthoriresult><manualAuthoriresult>{manual}</manualAuthoriresult>\
             <manualAuthorireasons><manualAuthorireason>{words}</manualAuthorireason></manualAuthorireasons>\
             </transactionInfo>"
        );
        prop_assert_eq!(everywhere(&response(&body)), ["outcome-unknown"; 4], "{}", body);
    }

    #[test]
    fn no_bytes_panic(status: u16, body in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(everywhere(&http(status, "application/xml", body)).iter().all(|kind| *kind != "ok"));
    }
}
