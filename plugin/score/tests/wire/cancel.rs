//! 与信キャンセル.

use crate::*;

fn cancel(body: &str) -> Result<(), Failure> {
    only(run(provider::cancel::<Score, _>(
        &call(&answering(body)),
        &[Cancellation { registration: known(), reason: None }],
    )))
}

fn done() -> String {
    format!(
        "<result>OK</result><transactionInfo><nissenTransactionId>{ID}</nissenTransactionId>\
         <shopTransactionId>{REFERENCE}</shopTransactionId></transactionInfo>"
    )
}

#[test]
fn the_request_names_both_ids_and_the_amount() {
    let gateway = answering(&done());
    let rows = [Cancellation { registration: known(), reason: Some("お客様の都合".to_owned()) }];
    assert_eq!(run(provider::cancel::<Score, _>(&call(&gateway), &rows)), [Ok(())]);
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://gw.example/at/direct/autocancel.do");
    let expected = [("nissenTransactionId", ID), ("shopTransactionId", REFERENCE), ("billedAmount", "1590")];
    assert_eq!(flat(document(&request).child("transaction").unwrap()), pairs(&expected));
}

#[test]
fn a_paid_one_is_refused_in_the_gateways_words() {
    assert_eq!(cancel(&ng("MULT0015", "")), Err(refused("MULT0015")));
    assert_eq!(cancel(&ng("OTHER", "")), Err(refused("OTHER")));
    assert_eq!(kind(&cancel("<result>NG</result>")), "refused");
}

#[test]
fn only_an_answer_about_the_transaction_is_a_success() {
    assert_eq!(cancel(&done()), Ok(()));
    assert_eq!(cancel(&done().replace("transactionInfo", "transactionResult")), Ok(()), "the name is assumed");
    for body in [
        done().replace(ID, "N9"),
        done().replace(ID, ""),
        done().replace(REFERENCE, "SHOP-9"),
        done().replace("transactionInfo", "transaction"),
        "<result>OK</result>".to_owned(),
        done().replace("OK", "NG").replace(ID, "N9"),
    ] {
        assert_eq!(kind(&cancel(&body)), "outcome-unknown", "{body}");
    }
}

#[test]
fn what_cannot_be_named_is_not_sent() {
    let refused = |registration| {
        let row = Cancellation { registration, reason: None };
        problems(only(run(provider::cancel::<Score, _>(&call(&silent()), &[row]))))
    };
    let lost = samples::registration(REFERENCE, None);
    assert_eq!(refused(lost), pairs(&[("registration.transaction-id", "no-transaction-id")]));
    let free = Registration { billed_amount: 1_000_000, ..samples::registration("注文1", Some(ID)) };
    let expected = [("registration.reference", "reference"), ("registration.billed-amount", "out-of-range")];
    assert_eq!(refused(free), pairs(&expected));
}
