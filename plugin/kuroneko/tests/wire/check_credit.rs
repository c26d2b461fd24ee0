//! 与信結果確認 by 取引状況照会 (KAAST0010): by our own reference, one row a request.

use crate::*;

fn decided(verdict: Verdict) -> Result<Standing, Failure> {
    Ok(Standing::Decided(Decision { transaction_id: Some(REFERENCE.to_owned()), verdict }))
}

fn reason(code: &str, words: &str) -> Reason {
    Reason { code: Some(code.to_owned()), message: words.to_owned() }
}

#[test]
fn the_request_names_the_reference_alone() {
    let gateway = answering(&result("1"));
    for id in [None, Some("another")] {
        let rows = [samples::registration(REFERENCE, id)];
        assert_eq!(only(run(Kuroneko::check_credit(&call(&gateway), &rows))), decided(Verdict::Approved));
    }
    for request in gateway.sent() {
        let url = "https://atobarai.kuronekoyamato.co.jp/kuroneko-atobarai-api/KAAST0010APIAction_execute.action";
        assert_eq!(request.url, url);
        assert_eq!(form_fields(&request), common(REFERENCE));
    }
}

/// The whole list of the gateway's states.
#[test]
fn each_state_is_read() {
    let states = [
        ("1", decided(Verdict::Approved)),
        ("2", Ok(Standing::Cancelled)),
        ("3", Ok(Standing::TrackingRegistered)),
        ("5", Ok(Standing::Other(reason("5", "配送要調査")))),
        ("6", Ok(Standing::Other(reason("6", "警報メール送信済")))),
        ("10", Ok(Standing::TrackingRegistered)),
        ("11", Ok(Standing::TrackingRegistered)),
        ("12", Ok(Standing::Paid)),
        ("30", decided(Verdict::UnderReview)),
        ("31", Ok(Standing::Cancelled)),
        ("32", decided(Verdict::Rejected(vec![reason("32", "決済不可")]))),
    ];
    for n in 0..=99 {
        let said = n.to_string();
        let standing = check_credit(&result(&said));
        match states.iter().find(|(state, _)| *state == said) {
            Some((_, expected)) => assert_eq!(&standing, expected),
            None => assert!(
                matches!(&standing, Ok(Standing::Other(Reason { code, .. })) if *code == Some(said)),
                "{standing:?}"
            ),
        }
    }
    for odd in ["01", "１", "承認済"] {
        assert!(matches!(check_credit(&result(odd)), Ok(Standing::Other(_))), "{odd}");
    }
    for none in [answer("0", ""), result("")] {
        assert!(matches!(check_credit(&none), Ok(Standing::Other(Reason { code: None, .. }))), "{none}");
    }
}

#[test]
fn a_state_that_needs_a_person_says_what_the_warning_is() {
    let warned = |state: &str, warning: &str| {
        let document = answer("0", &format!("<result>{state}</result><warning>{warning}</warning>"));
        check_credit(&document)
    };
    let warnings = [("1", "送り状未登録"), ("2", "配達未完了"), ("3", "配達要調査"), ("4", "印字データ未ダウンロード")];
    for (warning, words) in warnings {
        let expected = Standing::Other(reason("5", &format!("配送要調査（{words}）")));
        assert_eq!(warned("5", warning), Ok(expected));
        let expected = Standing::Other(reason("6", &format!("警報メール送信済（{words}）")));
        assert_eq!(warned("6", warning), Ok(expected));
        assert_eq!(warned("1", warning), decided(Verdict::Approved), "a warning changes no state");
    }
    for none in ["0", "", "5"] {
        assert_eq!(warned("5", none), Ok(Standing::Other(reason("5", "配送要調査"))));
    }
}

#[test]
fn only_the_code_of_this_call_means_not_found() {
    assert_eq!(check_credit(&refused("kaast008E")), Ok(Standing::NotFound));
    for other in ["kaars008E", "kaacl008E", "kaast099E", "KAAST008E", "kaast008", "kaast008E2", ""] {
        assert_eq!(kind(&check_credit(&refused(other))), "outcome-unknown", "{other}");
    }
    for contradiction in [
        refused("kaast008E").replace(REFERENCE, "SHOP-9"),
        refused("kaast008E").replace(MERCHANT, "12345678902"),
        refused("kaast008E").replace("</return>", "<result>1</result></return>"),
        answer("0", "<errorCode>kaast008E</errorCode>"),
        answer("0", "<errorCode>kaast008E</errorCode><result>1</result>"),
    ] {
        assert_eq!(kind(&check_credit(&contradiction)), "outcome-unknown", "{contradiction}");
    }
}

#[test]
fn what_can_be_no_reference_is_not_asked_and_hides_no_other() {
    let gateway = answering(&result("30"));
    let rows = ["", "注文1", "R1"].map(|reference| samples::registration(reference, None));
    let standings = run(Kuroneko::check_credit(&call(&gateway), &rows));
    for bad in &standings[..2] {
        assert_eq!(problems(bad.clone()), pairs(&[("reference", "reference")]));
    }
    let named = Decision { transaction_id: Some("R1".to_owned()), verdict: Verdict::UnderReview };
    assert_eq!(standings[2], Ok(Standing::Decided(named)));
    assert_eq!(gateway.sent().len(), 1);
}
