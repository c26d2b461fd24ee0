//! 与信結果確認: by the gateway's id, one row a request.

use crate::*;

fn ask(body: &str) -> Result<Standing, Failure> {
    only(run(Atodene::check_credit(&call(&answering(body)), &[known()])))
}

fn said(auto: &str, manual: &str, more: &str) -> String {
    ok(&format!(
        "<transactionId>{ID}</transactionId><autoAuthoriresult>{auto}</autoAuthoriresult>\
         <manualAuthoriresult>{manual}</manualAuthoriresult>{more}"
    ))
}

fn decided(verdict: Verdict) -> Result<Standing, Failure> {
    Ok(Standing::Decided(Decision { transaction_id: Some(ID.to_owned()), verdict }))
}

fn words(message: &str) -> Reason {
    Reason { code: None, message: message.to_owned() }
}

#[test]
fn the_request_names_the_id() {
    let gateway = answering(&said("OK", "", ""));
    assert_eq!(only(run(Atodene::check_credit(&call(&gateway), &[known()]))), decided(Verdict::Approved));
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://www.manage.atodene.jp/api/getauthori.do");
    let expected = [
        ("linkInfo/shopCode", "SHOP12345678"),
        ("linkInfo/linkId", "original00"),
        ("linkInfo/linkPassword", "himitsu-no-1"),
        ("transactionInfo/transactionId", ID),
    ];
    assert_eq!(flat(&document(&request)), pairs(&expected));
}

#[test]
fn each_verdict_is_read() {
    assert_eq!(ask(&said("OK", "", "")), decided(Verdict::Approved));
    assert_eq!(ask(&said("審査中", "OK", "")), decided(Verdict::Approved));
    assert_eq!(ask(&said("審査中", "", "")), decided(Verdict::UnderReview));
    let bare = Verdict::Rejected(vec![words("自動審査「NG」、目視審査「」")]);
    assert_eq!(ask(&said("NG", "", "")), decided(bare));
    assert_eq!(ask(&said("合格", "", "")), Ok(Standing::Other(words("自動審査「合格」、目視審査「」"))));
    assert_eq!(ask(&said("OK", "NG", "")), Ok(Standing::Other(words("自動審査「OK」、目視審査「NG」"))));
}

#[test]
fn a_hold_carries_its_free_text_reasons() {
    let reasons = "<manualAuthorireasons><manualAuthorireason>住所を確認してください</manualAuthorireason>\
        <manualAuthorireason/><manualAuthorireason>電話番号</manualAuthorireason></manualAuthorireasons>";
    let given = vec![words("住所を確認してください"), words("電話番号")];
    assert_eq!(ask(&said("審査中", "保留", reasons)), decided(Verdict::OnHold(given.clone())));
    assert_eq!(ask(&said("審査中", "NG", reasons)), decided(Verdict::Rejected(given)));
    let without = Verdict::OnHold(vec![words("自動審査「審査中」、目視審査「保留」")]);
    assert_eq!(ask(&said("審査中", "保留", "")), decided(without));
}

#[test]
fn an_answer_about_another_or_no_transaction_says_nothing() {
    for body in [
        said("OK", "", "").replace(ID, "T9"),
        said("OK", "", "").replace(ID, ""),
        "<result>OK</result>".to_owned(),
        said("OK", "", "") + "<transactionInfo/>",
        ng("er1", "<transactionInfo><transactionId>T9</transactionId></transactionInfo>"),
    ] {
        assert_eq!(kind(&ask(&body)), "outcome-unknown", "{body}");
    }
}

#[test]
fn a_refused_question_is_no_standing() {
    assert_eq!(ask(&ng("er000001", "")), Err(refused("er000001")));
    let two = ng("er000033", "").replace("</error>", "</error><error><errorCode>er1</errorCode></error>");
    assert_eq!(kind(&ask(&two)), "refused", "for another reason as well");
}

#[test]
fn the_code_of_a_cancelled_one_is_a_standing() {
    let about = |id: &str| format!("<transactionInfo><transactionId>{id}</transactionId></transactionInfo>");
    for body in [ng("er000033", ""), ng("er000033", &about(ID))] {
        assert_eq!(ask(&body), Ok(Standing::Cancelled), "{body}");
    }
    assert_eq!(kind(&ask(&ng("er000033", &about("T9")))), "outcome-unknown", "another one is");
}

#[test]
fn rows_without_an_id_cannot_be_asked_and_hide_no_other() {
    let gateway = answering(&said("OK", "", ""));
    let without = |id| samples::registration(REFERENCE, id);
    let standings = run(Atodene::check_credit(&call(&gateway), &[without(None), known(), without(Some(""))]));
    assert_eq!(kinds(&standings), ["unsupported", "ok", "unsupported"]);
    assert_eq!(gateway.sent().len(), 1);
}
