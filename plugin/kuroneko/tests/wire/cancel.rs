//! 与信キャンセル by 決済取消 (KAACL0010).

use crate::*;

#[test]
fn the_request_names_the_reference_alone() {
    let gateway = answering(&answer("0", ""));
    let cancellation = Cancellation { registration: known(), reason: Some("お客様の都合".to_owned()) };
    assert_eq!(run(provider::cancel::<Kuroneko, _>(&call(&gateway), &[cancellation])), [Ok(())]);
    let request = only(gateway.sent());
    let url = "https://atobarai.kuronekoyamato.co.jp/kuroneko-atobarai-api/KAACL0010APIAction_execute.action";
    assert_eq!(request.url, url);
    assert_eq!(form_fields(&request), common(REFERENCE));
}

#[test]
fn only_acceptance_is_a_success() {
    assert_eq!(cancel(&answer("0", "")), Ok(()));
    for unclear in [
        answer("0", "<errorCode>kaacl009E</errorCode>"),
        answer("1", ""),
        answer("", ""),
        answer("2", ""),
        answer("0", "").replace(REFERENCE, "SHOP-9"),
        answer("0", "").replace(REFERENCE, ""),
        answer("0", "").replace(MERCHANT, "12345678902"),
    ] {
        assert_eq!(kind(&cancel(&unclear)), "outcome-unknown", "{unclear}");
    }
}

#[test]
fn a_bad_row_hides_no_other() {
    let gateway = answering(&answer("0", ""));
    let rows = ["R1", "R 2", "R3"]
        .map(|reference| Cancellation { registration: samples::registration(reference, None), reason: None });
    let outcomes = run(provider::cancel::<Kuroneko, _>(&call(&gateway), &rows));
    assert_eq!(kinds(&outcomes), ["ok", "invalid", "ok"]);
    assert_eq!(problems(outcomes[1].clone()), pairs(&[("registration.reference", "reference")]));
    let asked: Vec<_> = gateway.sent().iter().map(|request| field(request, "orderNo")).collect();
    assert_eq!(asked, ["R1", "R3"]);
}
