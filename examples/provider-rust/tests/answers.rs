//! What a provider's answers mean, with a gateway that is a function: no wasm, no network.

use example_pay::ExamplePay;
use provider_sdk::http::SendError;
use provider_sdk::samples::{self, REFERENCE, kind, only, run};
use provider_sdk::scripted::{Scripted, http};
use provider_sdk::types::Context;
use provider_sdk::{Call, Provider};

#[test]
fn only_a_whole_answer_decides() {
    let good = format!("<answer><order>{REFERENCE}</order><id>7</id><state>OK</state></answer>");
    let cases = [
        (http(200, "text/xml", good), "ok"),
        (http(200, "text/xml", "<answer><order>OTHER</order><id>7</id></answer>"), "outcome-unknown"),
        (http(200, "text/xml", format!("<answer><order>{REFERENCE}</order><error>EXISTS</error></answer>")), "already"),
        (http(502, "text/html", "<html></html>"), "outcome-unknown"),
        (Err(SendError::NotSent("no connection".to_owned())), "not-sent"),
    ];
    for (answer, expected) in cases {
        let gateway = Scripted::new(|_| answer.clone());
        let settings = samples::settings(&[("shop-id", "1"), ("api-key", "k")]);
        let call = Call::new::<ExamplePay>(Context { settings, now: samples::NOW }, &gateway);
        assert_eq!(kind(&only(run(ExamplePay::credit(&call, &[samples::order()])))), expected);
        assert_eq!(gateway.sent().len(), 1, "nothing is sent a second time");
    }
}
