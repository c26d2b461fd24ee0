//! 与信結果確認: by the gateway's id together with our reference and the amount, one row a request.

use crate::*;

fn ask(body: &str) -> Result<Standing, Failure> {
    only(run(Score::check_credit(&call(&answering(body)), &[known()])))
}

fn said(word: &str, more: &str) -> String {
    ok(&format!(
        "<nissenTransactionId>{ID}</nissenTransactionId><authoriDate>2026/11/24</authoriDate>\
         <authorResult>{word}</authorResult>{more}"
    ))
}

fn decided(verdict: Verdict) -> Result<Standing, Failure> {
    Ok(Standing::Decided(Decision { transaction_id: Some(ID.to_owned()), verdict }))
}

fn words(code: Option<&str>, message: &str) -> Reason {
    Reason { code: code.map(str::to_owned), message: message.to_owned() }
}

#[test]
fn the_request_names_both_ids_and_the_amount() {
    let gateway = answering(&said("OK", ""));
    assert_eq!(only(run(Score::check_credit(&call(&gateway), &[known()]))), decided(Verdict::Approved));
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://gw.example/at/direct/autogetauthor.do");
    let expected = [
        ("shopInfo/shopCode", "SHOP12345"),
        ("shopInfo/shopPassword", "himitsu-no-1"),
        ("shopInfo/terminalId", "T1"),
        ("transaction/nissenTransactionId", ID),
        ("transaction/shopTransactionId", REFERENCE),
        ("transaction/billedAmount", "1590"),
    ];
    assert_eq!(flat(&document(&request)), pairs(&expected));
}

#[test]
fn hold_is_under_review_and_horyu_is_on_hold() {
    assert_eq!(ask(&said("OK", "")), decided(Verdict::Approved));
    assert_eq!(ask(&said("HOLD", "")), decided(Verdict::UnderReview));
    assert_eq!(ask(&said("NG", "")), decided(Verdict::Rejected(vec![words(None, "与信結果「NG」")])));
    assert_eq!(ask(&said("保留", "")), decided(Verdict::OnHold(vec![words(None, "与信結果「保留」")])));
    for unknown in ["hold", "審査中", ""] {
        let other = Standing::Other(words(None, &format!("与信結果「{unknown}」")));
        assert_eq!(ask(&said(unknown, "")), Ok(other));
    }
}

#[test]
fn reasons_come_with_code_and_words() {
    let reasons = "<holdReason><reasonCode>0012</reasonCode><reason>住所不備</reason></holdReason><holdReason/>\
        <holdReason><reason>電話番号</reason></holdReason>";
    let given = vec![words(Some("0012"), "住所不備"), words(None, "電話番号")];
    assert_eq!(ask(&said("保留", reasons)), decided(Verdict::OnHold(given.clone())));
    assert_eq!(ask(&said("NG", reasons)), decided(Verdict::Rejected(given)));
    assert_eq!(ask(&said("HOLD", reasons)), decided(Verdict::UnderReview));
}

#[test]
fn either_element_name_is_read_but_not_both() {
    let other_name = said("OK", "").replace("transactionResult", "transactionInfo");
    assert_eq!(ask(&other_name), decided(Verdict::Approved));
    assert_eq!(kind(&ask(&(said("OK", "") + "<transactionInfo/>"))), "outcome-unknown");
}

#[test]
fn an_answer_about_another_or_no_transaction_says_nothing() {
    for body in [
        said("OK", "").replace(ID, "N9"),
        said("OK", "").replace(ID, ""),
        said("OK", "<shopTransactionId>SHOP-9</shopTransactionId>"),
        said("OK", "<billedAmount>1591</billedAmount>"),
        "<result>OK</result>".to_owned(),
        ng("A1", "<transactionResult><nissenTransactionId>N9</nissenTransactionId></transactionResult>"),
    ] {
        assert_eq!(kind(&ask(&body)), "outcome-unknown", "{body}");
    }
    let echoed = format!("<shopTransactionId>{REFERENCE}</shopTransactionId><billedAmount>1590</billedAmount>");
    assert_eq!(ask(&said("OK", &echoed)), decided(Verdict::Approved));
    assert_eq!(ask(&ng("A1", "")), Err(refused("A1")), "a refused question is no standing");
}

#[test]
fn what_cannot_be_asked_is_not_sent_and_hides_no_other() {
    let gateway = answering(&said("OK", ""));
    let without = |id| samples::registration(REFERENCE, id);
    let free = Registration { billed_amount: 0, ..known() };
    let rows = [without(None), known(), without(Some("")), samples::registration("", Some(ID)), free];
    let standings = run(Score::check_credit(&call(&gateway), &rows));
    assert_eq!(kinds(&standings), ["unsupported", "ok", "unsupported", "invalid", "invalid"]);
    assert_eq!(problems(standings[3].clone()), pairs(&[("reference", "reference")]));
    assert_eq!(problems(standings[4].clone()), pairs(&[("billed-amount", "out-of-range")]));
    assert_eq!(gateway.sent().len(), 1);
}
