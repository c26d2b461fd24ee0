//! 与信キャンセル: one request for all rows, each with a result of its own.

use crate::*;

fn cancellation(registration: Registration, reason: Option<&str>) -> Cancellation {
    Cancellation { registration, reason: reason.map(str::to_owned) }
}

fn known(id: &str) -> Cancellation {
    cancellation(registration(REFERENCE, Some(id)), None)
}

fn row(id: &str, status: &str, error: &str) -> String {
    format!("<result><orderId>{id}</orderId><reason/><cancelStatus>{status}</cancelStatus>{error}</result>")
}

fn results(rows: &[String]) -> String {
    format!("<status>success</status><messages/><results>{}</results>", rows.concat())
}

fn cancel(rows: &[Cancellation], body: &str) -> Vec<Result<(), Failure>> {
    let outcomes = run(provider::cancel::<AtobaraiCom, _>(&call(&answering(body), &[]), rows));
    assert_eq!(outcomes.len(), rows.len());
    outcomes
}

#[test]
fn ids_and_reasons_are_paired_and_kept_short() {
    let gateway = answering(&results(&[row("XX1", "success", "")]));
    let long = "長".repeat(241);
    let rows = [
        cancellation(registration("R1", Some("XX1")), Some("お客様の都合")),
        cancellation(registration("R2", Some("XX2")), None),
        cancellation(registration("R3", Some("XX3")), Some(&long)),
        cancellation(registration("R1", Some("XX1")), Some("二度目")),
    ];
    let outcomes = run(provider::cancel::<AtobaraiCom, _>(&call(&gateway, &[]), &rows));
    assert_eq!(outcomes.iter().map(kind).collect::<Vec<_>>(), ["ok", "outcome-unknown", "outcome-unknown", "ok"]);
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://www.atobarai.jp/api/cancel/rest");
    assert_eq!(values(&request, "OrderId[]"), ["XX1", "XX2", "XX3"]);
    let kept = "長".repeat(240);
    assert_eq!(values(&request, "Reason[]"), ["お客様の都合", "注文キャンセルのため", &kept]);
}

#[test]
fn each_row_has_its_own_result_in_any_order() {
    let failed = row("XX2", "error", "<error cd=\"E02301\">キャンセル済みです</error>");
    let body = results(&[row("XX3", "success", ""), failed, row("XX1", "success", "")]);
    let outcomes = cancel(&[known("XX1"), known("XX2"), known("XX3"), known("XX4")], &body);
    assert_eq!(outcomes.iter().map(kind).collect::<Vec<_>>(), ["ok", "refused", "ok", "outcome-unknown"]);
    let words = Reason { code: Some("E02301".to_owned()), message: "キャンセル済みです".to_owned() };
    assert_eq!(outcomes[1], Err(Failure::Refused(words)), "the gateway's code and words");
}

#[test]
fn only_a_plain_success_is_one() {
    let error = "<error cd=\"E02301\">x</error>";
    let cases = [
        ("success", "", "ok"),
        ("success", "<error cd=\"\"/>", "ok"),
        ("success", error, "outcome-unknown"),
        ("error", error, "refused"),
        ("error", "", "refused"),
        ("", error, "refused"),
        ("1", "", "outcome-unknown"),
        ("", "", "outcome-unknown"),
    ];
    for (status, error, expected) in cases {
        let outcome = only(cancel(&[known("XX1")], &results(&[row("XX1", status, error)])));
        assert_eq!(kind(&outcome), expected, "{status} {error}");
    }
    let twice = results(&[row("XX1", "success", ""), row("XX1", "error", "")]);
    assert_eq!(kind(&only(cancel(&[known("XX1")], &twice))), "outcome-unknown");
}

#[test]
fn a_refused_request_that_claims_a_cancelled_row_is_not_believed() {
    let body = results(&[row("XX1", "success", ""), row("XX2", "error", "<error cd=\"E02301\">x</error>")]).replace(
        "<status>success</status><messages/>",
        "<status>error</status><messages><message cd=\"E02201\">x</message></messages>",
    );
    let outcomes = cancel(&[known("XX1"), known("XX2"), known("XX3")], &body);
    assert_eq!(outcomes.iter().map(kind).collect::<Vec<_>>(), ["outcome-unknown", "refused", "invalid"]);
}

#[test]
fn a_row_that_was_not_sent_is_not_in_doubt_when_the_answer_says_nothing() {
    let outcomes = cancel(&[known("XX1"), cancellation(registration("参照 2", None), None)], "");
    assert_eq!(outcomes.iter().map(kind).collect::<Vec<_>>(), ["outcome-unknown", "invalid"]);
}

fn gateway_that_knows(details: &str) -> Scripted<impl Fn(&Request) -> Result<Response, SendError> + use<>> {
    let details = format!("<status>success</status><results>{details}</results>");
    Scripted::new(move |request: &Request| {
        if request.url.contains("detail") {
            return response(&details);
        }
        response(&results(&values(request, "OrderId[]").iter().map(|id| row(id, "success", "")).collect::<Vec<_>>()))
    })
}

fn detail(id: &str, reference: &str, code: &str) -> String {
    format!(
        "<result><orderId>{id}</orderId><entOrderId>{reference}</entOrderId><orderStatus>{code}</orderStatus></result>"
    )
}

#[test]
fn a_row_without_an_id_is_looked_up_first() {
    let gateway = gateway_that_knows(
        &[detail("XX1", "R1", "1"), detail("", "R2", "-1"), detail("XX3", "R3", "1"), detail("XX4", "R3", "0")]
            .concat(),
    );
    let rows = ["R1", "R2", "R3", "R4"].map(|reference| cancellation(registration(reference, None), None));
    let rows = [rows.as_slice(), &[known("XX9")]].concat();
    let outcomes = run(provider::cancel::<AtobaraiCom, _>(&call(&gateway, &[]), &rows));
    let kinds: Vec<_> = outcomes.iter().map(kind).collect();
    assert_eq!(kinds, ["ok", "refused", "refused", "outcome-unknown", "ok"]);
    let sent = gateway.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(values(&sent[0], "Ent_OrderId[]"), ["R1", "R2", "R3", "R4"]);
    assert_eq!(values(&sent[1], "OrderId[]"), ["XX1", "XX9"], "none of two live ones is picked by chance");
}

#[test]
fn without_the_lookup_the_operator_is_told_what_to_do() {
    let gateway = gateway_that_knows("");
    let rows = [cancellation(registration("R1", None), None), known("XX9")];
    let outcomes = run(provider::cancel::<AtobaraiCom, _>(&call(&gateway, &[("ask-by-reference", "off")]), &rows));
    let expected = ("registration.transaction-id".to_owned(), "no-transaction-id".to_owned());
    assert_eq!(problems(outcomes[0].clone()), [expected]);
    assert_eq!(outcomes[1], Ok(()));
    assert_eq!(gateway.sent().len(), 1);
}

#[test]
fn no_request_cancels_more_than_the_gateway_reads() {
    let gateway = gateway_that_knows("");
    let rows: Vec<_> = (0..101).map(|n| known(&format!("XX{n}"))).collect();
    let outcomes = run(provider::cancel::<AtobaraiCom, _>(&call(&gateway, &[]), &rows));
    assert!(outcomes.iter().all(Result::is_ok) && outcomes.len() == 101);
    let asked: Vec<_> = gateway.sent().iter().map(|request| values(request, "OrderId[]").len()).collect();
    assert_eq!(asked, [100, 1]);
}
