//! 与信キャンセル.

use crate::*;

fn cancel(body: &str) -> Result<(), Failure> {
    only(run(provider::cancel::<Atodene, _>(
        &call(&answering(body)),
        &[Cancellation { registration: known(), reason: None }],
    )))
}

fn done() -> String {
    ok(&format!("<transactionId>{ID}</transactionId>"))
}

#[test]
fn the_request_names_the_id_behind_the_flag() {
    let gateway = answering(&done());
    let reason = Some("お客様の都合".to_owned());
    let rows = [Cancellation { registration: known(), reason }];
    assert_eq!(run(provider::cancel::<Atodene, _>(&call(&gateway), &rows)), [Ok(())]);
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://www.manage.atodene.jp/api/modifytransaction.do");
    let sent = flat(document(&request).child("transactionInfo").unwrap());
    assert_eq!(sent, pairs(&[("updateTypeFlag", "1"), ("transactionId", ID)]));
}

#[test]
fn cancelled_before_is_cancelled() {
    assert_eq!(cancel(&ng("er000033", "")), Ok(()));
    let ours = format!("<transactionInfo><transactionId>{ID}</transactionId></transactionInfo>");
    assert_eq!(cancel(&ng("er000033", &ours)), Ok(()));
    assert_eq!(kind(&cancel(&ng("er000033", &ours.replace(ID, "T9")))), "outcome-unknown");
    for other in ["er000032", "ER000033", "er0000330", ""] {
        assert_eq!(kind(&cancel(&ng(other, ""))), "refused", "{other}");
    }
    let both = ng("er000033", "").replace("</errors>", "<error><errorCode>er1</errorCode></error></errors>");
    assert_eq!(kind(&cancel(&both)), "refused", "with another error beside it");
    assert_eq!(kind(&cancel("<result>NG</result>")), "refused", "without any error");
    assert_eq!(kind(&cancel(&ng("er000033", "").replace("NG", "OK"))), "outcome-unknown");
}

#[test]
fn only_an_answer_about_the_transaction_is_a_success() {
    assert_eq!(cancel(&done()), Ok(()));
    assert_eq!(cancel(&ng("er000001", "")), Err(refused("er000001")));
    for body in [done().replace(ID, "T9"), done().replace(ID, ""), "<result>OK</result>".to_owned()] {
        assert_eq!(kind(&cancel(&body)), "outcome-unknown", "{body}");
    }
}

#[test]
fn without_an_id_the_operator_is_told_what_to_do() {
    let lost = Cancellation { registration: samples::registration(REFERENCE, None), reason: None };
    let result = only(run(provider::cancel::<Atodene, _>(&call(&silent()), &[lost])));
    assert!(format!("{result:?}").contains("管理画面"), "{result:?}");
    assert_eq!(problems(result), pairs(&[("registration.transaction-id", "no-transaction-id")]));
}
