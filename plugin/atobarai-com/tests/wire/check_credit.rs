//! 与信結果確認: by the gateway's id and by our reference, side by side, matched by id.

use crate::*;

fn ask(gateway: &impl provider_sdk::http::Transport, rows: &[Registration]) -> Vec<Result<Standing, Failure>> {
    let standings = run(AtobaraiCom::check_credit(&call(gateway, &[]), rows));
    assert_eq!(standings.len(), rows.len());
    standings
}

fn by_id(results: &str) -> Result<Standing, Failure> {
    let body = format!("<status>success</status><messages/><results>{results}</results>");
    only(ask(&answering(&body), &[registration(REFERENCE, Some("XX1"))]))
}

fn by_reference(results: &str) -> Result<Standing, Failure> {
    let body = format!("<status>success</status><messages/><results>{results}</results>");
    only(ask(&answering(&body), &[registration(REFERENCE, None)]))
}

fn status(id: &str, cd: &str) -> String {
    format!("<result><orderId>{id}</orderId><orderStatus cd=\"{cd}\">状況{cd}</orderStatus></result>")
}

fn detail(id: &str, reference: &str, code: &str, flags: &str) -> String {
    format!(
        "<result><orderId>{id}</orderId><entOrderId>{reference}</entOrderId>\
         <orderStatus orderStatusName=\"状況{code}\">{code}</orderStatus>{flags}</result>"
    )
}

fn decided(id: &str, verdict: Verdict) -> Standing {
    Standing::Decided(Decision { transaction_id: Some(id.to_owned()), verdict })
}

fn rejected(code: &str) -> Verdict {
    Verdict::Rejected(vec![Reason { code: None, message: format!("状況{code}") }])
}

#[test]
fn each_state_by_id() {
    let cases = [
        ("0", decided("XX1", Verdict::UnderReview)),
        ("1", decided("XX1", Verdict::Approved)),
        ("2", decided("XX1", rejected("2"))),
        ("3", Standing::Cancelled),
        ("-1", Standing::NotFound),
    ];
    for (cd, standing) in cases {
        assert_eq!(by_id(&status("XX1", cd)), Ok(standing), "{cd}");
    }
    for unknown in ["4", "", "01", "-2"] {
        assert!(matches!(by_id(&status("XX1", unknown)), Ok(Standing::Other(_))), "{unknown}");
    }
}

#[test]
fn each_state_by_reference() {
    let paid = "<isReceiptConfirmed>1</isReceiptConfirmed>";
    let cases = [
        ("0", "", decided("XX1", Verdict::UnderReview)),
        ("1", "", decided("XX1", Verdict::Approved)),
        ("2", "", Standing::TrackingRegistered),
        ("3", "", Standing::TrackingRegistered),
        ("9", paid, Standing::Paid),
        ("11", "<isCanceled>1</isCanceled>", Standing::Cancelled),
        ("99", "", decided("XX1", rejected("99"))),
        ("-1", "", Standing::NotFound),
    ];
    for (code, flags, standing) in cases {
        assert_eq!(by_reference(&detail("XX1", REFERENCE, code, flags)), Ok(standing), "{code}");
    }
    // Applied for, closed unpaid, contradicting flag, not known: a person has to look.
    for (code, flags) in [("10", ""), ("9", ""), ("1", "<isCanceled>1</isCanceled>"), ("4", ""), ("", "")] {
        let standing = by_reference(&detail("XX1", REFERENCE, code, flags));
        assert!(
            matches!(&standing, Ok(Standing::Other(words)) if words.message.contains("XX1")),
            "{code}: {standing:?}"
        );
    }
    assert_eq!(by_reference(&detail("", REFERENCE, "-1", "")), Ok(Standing::NotFound), "unknown has no id");
}

#[test]
fn ids_and_references_go_out_in_two_requests_and_come_back_by_name() {
    let gateway = Scripted::new(|request: &Request| {
        let results = match request.url.rsplit('/').nth(1).unwrap() {
            "status" => [status("XX3", "2"), status("YY9", "1"), status("XX1", "1")].concat(),
            _ => [detail("XX4", "R4", "0", ""), detail("XX2", "R2", "1", ""), detail("XX9", "R9", "1", "")].concat(),
        };
        response(&format!("<status>success</status><results>{results}</results>"))
    });
    let rows = [
        registration("R1", Some("XX1")),
        registration("R2", None),
        registration("R3", Some("XX3")),
        registration("R4", Some("")),
        registration("R1", Some("XX1")),
        registration("R6", Some("XX6")),
        registration("R7", None),
        registration("", None),
    ];
    let standings = ask(&gateway, &rows);
    assert_eq!(standings[0], Ok(decided("XX1", Verdict::Approved)));
    assert_eq!(standings[1], Ok(decided("XX2", Verdict::Approved)));
    assert_eq!(standings[2], Ok(decided("XX3", rejected("2"))));
    assert_eq!(standings[3], Ok(decided("XX4", Verdict::UnderReview)));
    assert_eq!(standings[4], standings[0]);
    // Not mentioned is not "not found".
    assert_eq!(standings[5..].iter().map(kind).collect::<Vec<_>>(), ["outcome-unknown", "outcome-unknown", "invalid"]);
    let sent = gateway.sent();
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[0].url, "https://www.atobarai.jp/api/status/rest");
    assert_eq!(values(&sent[0], "OrderId[]"), ["XX1", "XX3", "XX6"]);
    assert_eq!(sent[1].url, "https://www.atobarai.jp/api/detail/rest");
    assert_eq!(values(&sent[1], "Ent_OrderId[]"), ["R2", "R4", "R7"]);
    assert_eq!(values(&sent[2], "OrderId[]"), ["XX1"], "only what is approved can have come further");
    for request in &sent {
        assert_eq!(value(request, "EnterpriseId").unwrap(), "12345");
        assert_eq!(value(request, "ApiUserId").unwrap(), "90");
    }
}

/// The status call stays at *approved*; without the detail call a lost answer to a tracking number
/// could never be cleared up.
#[test]
fn what_is_approved_is_asked_whether_tracking_arrived() {
    let standing = |detail: &'static str, settings: &[(&str, &str)]| {
        let gateway = Scripted::new(move |request: &Request| {
            let results = if request.url.contains("status") { status("XX1", "1") } else { detail.to_owned() };
            response(&format!("<status>success</status><results>{results}</results>"))
        });
        let row = [registration(REFERENCE, Some("XX1"))];
        (only(run(AtobaraiCom::check_credit(&call(&gateway, settings), &row))), gateway.sent().len())
    };
    let row = |code: &str| -> &'static str { detail("XX1", REFERENCE, code, "").leak() };
    assert_eq!(standing(row("2"), &[]), (Ok(Standing::TrackingRegistered), 2));
    assert_eq!(standing(row("3"), &[]), (Ok(Standing::TrackingRegistered), 2));
    // What contradicts the sure call, or says nothing, changes nothing.
    for other in ["1", "0", "99", "-1", "?"] {
        assert_eq!(standing(row(other), &[]), (Ok(decided("XX1", Verdict::Approved)), 2), "{other}");
    }
    // About another order of ours, whether it says that this one came further or not.
    for code in ["1", "2"] {
        let (other, asked) = standing(detail("XX1", "SHOP-9", code, "").leak(), &[]);
        assert_eq!((kind(&other), asked), ("outcome-unknown", 2), "{code}");
    }
    assert_eq!(standing(row("2"), &[("ask-by-reference", "off")]), (Ok(decided("XX1", Verdict::Approved)), 1));
}

#[test]
fn no_request_names_more_ids_than_the_gateway_reads() {
    let gateway = Scripted::new(|request: &Request| {
        let results: String = values(request, "OrderId[]").iter().rev().map(|id| status(id, "0")).collect();
        response(&format!("<status>success</status><results>{results}</results>"))
    });
    let rows: Vec<_> = (0..205).map(|n| registration(&format!("R{n}"), Some(&format!("XX{n}")))).collect();
    for (n, standing) in ask(&gateway, &rows).into_iter().enumerate() {
        assert_eq!(standing, Ok(decided(&format!("XX{n}"), Verdict::UnderReview)));
    }
    let asked: Vec<_> = gateway.sent().iter().map(|request| values(request, "OrderId[]").len()).collect();
    assert_eq!(asked, [100, 100, 5]);
}

#[test]
fn one_request_that_fails_leaves_the_other_rows_alone() {
    let gateway = Scripted::new(|request: &Request| {
        if request.url.contains("status") {
            return Err(SendError::OutcomeUnknown("cut".to_owned()));
        }
        response(&format!("<status>success</status><results>{}</results>", detail("XX2", "R2", "1", "")))
    });
    let standings = ask(&gateway, &[registration("R1", Some("XX1")), registration("R2", None)]);
    assert_eq!(standings.iter().map(kind).collect::<Vec<_>>(), ["outcome-unknown", "ok"]);
}

#[test]
fn a_refused_request_may_still_answer_some_rows() {
    let body = format!(
        "<status>error</status><messages><message cd=\"E01201\">IDが違います</message></messages>\
         <results>{}</results>",
        status("XX1", "1")
    );
    let standings = ask(&answering(&body), &[registration("R1", Some("XX1")), registration("R2", Some("?"))]);
    assert_eq!(standings.iter().map(kind).collect::<Vec<_>>(), ["ok", "invalid"]);
}

#[test]
fn rows_that_contradict_each_other_need_a_person() {
    let twice = |a: &str, b: &str| by_id(&(status("XX1", a) + &status("XX1", b)));
    assert_eq!(twice("1", "1"), Ok(decided("XX1", Verdict::Approved)));
    assert!(matches!(twice("1", "3"), Ok(Standing::Other(_))));
    let other = status("XX1", "1").replace("</orderId>", "</orderId><entOrderId>SHOP-9</entOrderId>");
    assert_eq!(kind(&by_id(&other)), "outcome-unknown", "the id of another order of ours");
    let ours = other.replace("SHOP-9", REFERENCE);
    assert_eq!(by_id(&ours), Ok(decided("XX1", Verdict::Approved)));
}

#[test]
fn several_registrations_of_one_reference() {
    let rows = |rows: &[(&str, &str)]| {
        by_reference(&rows.iter().map(|(id, code)| detail(id, REFERENCE, code, "")).collect::<String>())
    };
    // The live one counts, whatever was before it.
    assert_eq!(rows(&[("XX1", "99"), ("XX2", "1"), ("XX3", "11")]), Ok(decided("XX2", Verdict::Approved)));
    assert_eq!(rows(&[("XX1", "1"), ("XX1", "1")]), Ok(decided("XX1", Verdict::Approved)));
    assert_eq!(rows(&[("XX1", "99"), ("XX2", "11")]), Ok(decided("XX1", rejected("99"))));
    assert_eq!(rows(&[("", "-1"), ("XX2", "0")]), Ok(decided("XX2", Verdict::UnderReview)));
    for doubtful in [[("XX1", "1"), ("XX2", "0")], [("XX1", "1"), ("XX2", "77")], [("XX1", "1"), ("XX1", "11")]] {
        let Ok(Standing::Other(words)) = rows(&doubtful) else { panic!("{doubtful:?}") };
        assert!(doubtful.iter().all(|(id, _)| words.message.contains(id)), "{words:?}");
    }
    assert!(matches!(rows(&[("", "1")]), Ok(Standing::Other(_))), "alive, but without an id");
}

#[test]
fn asking_by_reference_can_be_switched_off() {
    let gateway = answering(&format!("<status>success</status><results>{}</results>", status("XX1", "1")));
    let rows = [registration("R1", Some("XX1")), registration("R2", None)];
    let standings = run(AtobaraiCom::check_credit(&call(&gateway, &[("ask-by-reference", "off")]), &rows));
    assert_eq!(standings.iter().map(kind).collect::<Vec<_>>(), ["ok", "unsupported"]);
    assert_eq!(gateway.sent().len(), 1);
}
