//! 与信結果確認, 与信キャンセル, 伝票番号同期: the calls that name a transaction by the gateway's id.

use crate::*;
use provider_sdk::samples::{REFERENCE, kind, kinds, only, pairs, problems, registration, run, shipment};
use provider_sdk::scripted::Scripted;

fn known(n: usize) -> Registration {
    registration(&format!("R{n}"), Some(&id(n)))
}

fn cancellation(registration: Registration) -> Cancellation {
    Cancellation { registration, reason: Some("お客様の都合".to_owned()) }
}

/// Without a reference, as a row of these calls may come.
fn row(id: &str, result: &str) -> Value {
    json!({ "np_transaction_id": id, "authori_result": result })
}

fn standing(answer: Result<Response, SendError>) -> Result<Standing, Failure> {
    only(run(Np::check_credit(&call(&answering(answer), &[]), &[registration(REFERENCE, Some(ID))])))
}

fn cancel(answer: Result<Response, SendError>) -> Result<(), Failure> {
    let rows = [cancellation(registration(REFERENCE, Some(ID)))];
    only(run(provider::cancel::<Np, _>(&call(&answering(answer), &[]), &rows)))
}

fn ship(carrier: &str, slip: &str, answer: Result<Response, SendError>) -> (Result<(), Failure>, Vec<Request>) {
    let gateway = answering(answer);
    let rows = [shipment(registration(REFERENCE, Some(ID)), carrier, slip)];
    (only(run(provider::sync_tracking::<Np, _>(&call(&gateway, &[]), &rows))), gateway.sent())
}

fn done() -> Result<Response, SendError> {
    answer(vec![json!({ "np_transaction_id": ID })], vec![])
}

fn refused(codes: &[&str]) -> Result<Response, SendError> {
    answer(vec![], vec![error(ID, codes)])
}

#[test]
fn each_call_has_its_endpoint_and_members() {
    let gateway = answering(done());
    let call = call(&gateway, &[]);
    let rows = [known(1)];
    run(Np::check_credit(&call, &rows));
    run(provider::cancel::<Np, _>(&call, &rows.map(cancellation)));
    run(provider::sync_tracking::<Np, _>(&call, &[shipment(known(1), "sagawa", "1234-5678-9012")]));
    let found: Vec<_> = gateway
        .sent()
        .into_iter()
        .map(|r| format!("{} {} {}", r.method, r.url, String::from_utf8(r.body).unwrap()))
        .collect();
    let expected = [
        r#"POST https://cp.np-payment-gateway.com/v1/authorizations/find {"transactions":[{"np_transaction_id":"26112400001"}]}"#,
        r#"PATCH https://cp.np-payment-gateway.com/v1/transactions/cancel {"transactions":[{"np_transaction_id":"26112400001"}]}"#,
        r#"POST https://cp.np-payment-gateway.com/v1/shipments {"transactions":[{"np_transaction_id":"26112400001","pd_company_code":"50000","slip_no":"1234-5678-9012"}]}"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_state_is_read() {
    let decided = |verdict| Ok(Standing::Decided(Decision { transaction_id: Some(ID.to_owned()), verdict }));
    assert_eq!(standing(answer(vec![row(ID, "00")], vec![])), decided(Verdict::Approved));
    assert_eq!(standing(answer(vec![row(ID, "40")], vec![])), decided(Verdict::UnderReview));
    assert_eq!(standing(answer(vec![row(ID, "20")], vec![])), decided(Verdict::Rejected(vec![])));
    assert_eq!(standing(answer(vec![row(ID, "10")], vec![])), decided(Verdict::OnHold(vec![])));
    assert_eq!(standing(refused(&["E0100113"])), Ok(Standing::NotFound));
    assert_eq!(standing(refused(&["E0100114"])), Ok(Standing::Cancelled));
    assert_eq!(standing(refused(&["E0100115"])), Ok(Standing::TrackingRegistered));
    assert_eq!(standing(refused(&["E0100118"])), Ok(Standing::Paid));
    for other in [["E0100131"], ["E0100120"], ["E0100121"]] {
        assert!(matches!(standing(refused(&other)), Ok(Standing::Other(_))), "{other:?}");
    }
    for codes in ["E0100002", "E0100003"] {
        assert_eq!(problems(standing(refused(&[codes]))), pairs(&[("transaction-id", codes)]));
    }
    for unclear in [&["E0100999"][..], &[], &["E0100113", "E0100999"]] {
        assert_eq!(kind(&standing(refused(unclear))), "outcome-unknown", "{unclear:?}");
    }
    assert!(matches!(standing(refused(&["E0100113", "E0100114"])), Ok(Standing::Other(_))), "two states are none");
}

#[test]
fn without_the_gateways_id_nothing_can_be_asked_or_done() {
    let gateway = silent();
    let call = call(&gateway, &[]);
    for lost in [registration(REFERENCE, None), registration(REFERENCE, Some(""))] {
        assert_eq!(run(Np::check_credit(&call, std::slice::from_ref(&lost))), [Err(Failure::Unsupported)]);
        let expected = pairs(&[("registration.transaction-id", "no-transaction-id")]);
        assert_eq!(problems(only(run(provider::cancel::<Np, _>(&call, &[cancellation(lost.clone())])))), expected);
        assert_eq!(
            problems(only(run(provider::sync_tracking::<Np, _>(&call, &[shipment(lost, "sagawa", "1")])))),
            expected
        );
    }
    for odd in ["2611240000", "261124000011", "2611240000A", "２６１１２４００００１"] {
        let odd = registration(REFERENCE, Some(odd));
        let result = only(run(Np::check_credit(&call, std::slice::from_ref(&odd))));
        assert_eq!(problems(result), pairs(&[("transaction-id", "transaction-id")]));
        let result = only(run(provider::cancel::<Np, _>(&call, &[cancellation(odd)])));
        assert_eq!(problems(result), pairs(&[("registration.transaction-id", "transaction-id")]));
    }
}

#[test]
fn each_row_gets_its_own_result_by_either_id() {
    let results =
        vec![row(&id(3), "20"), row(&id(1), "00"), json!({ "shop_transaction_id": "R5", "authori_result": "00" })];
    let errors = vec![error("R2", &["E0100113"]), error(&id(4), &["E0100114"])];
    let gateway = answering(answer(results, errors));
    let lost = registration("R9", None);
    let rows = [known(1), known(2), lost, known(3), known(4), known(5), known(6), known(1)];
    let found = run(Np::check_credit(&call(&gateway, &[]), &rows));
    assert_eq!(kinds(&found), ["ok", "ok", "unsupported", "ok", "ok", "ok", "outcome-unknown", "ok"]);
    assert_eq!((&found[1], &found[4]), (&Ok(Standing::NotFound), &Ok(Standing::Cancelled)));
    let decided = |n, verdict| Ok(Standing::Decided(Decision { transaction_id: Some(id(n)), verdict }));
    assert_eq!((&found[0], &found[7]), (&decided(1, Verdict::Approved), &found[0]));
    assert_eq!(found[3], decided(3, Verdict::Rejected(vec![])));
    assert_eq!(found[5], decided(5, Verdict::Approved));
    let asked = members(&only(gateway.sent()), "np_transaction_id");
    assert_eq!(asked, [id(1), id(2), id(3), id(4), id(5), id(6)], "an id goes out once");
}

#[test]
fn what_contradicts_itself_is_not_believed() {
    let whose = |id: &str, reference: &str| {
        let row = json!({ "np_transaction_id": id, "shop_transaction_id": reference, "authori_result": "00" });
        kind(&standing(answer(vec![row], vec![])))
    };
    assert_eq!(whose(ID, REFERENCE), "ok");
    assert_eq!(whose(ID, "SHOP-9"), "outcome-unknown", "our other order");
    assert_eq!(whose(&id(9), REFERENCE), "outcome-unknown", "another registration of this order");
    assert_eq!(whose("", ""), "outcome-unknown");
    for (by_id, by_other) in [("00", "20"), ("00", "10")] {
        let both = vec![row(ID, by_id), row(ID, by_other)];
        assert_eq!(kind(&standing(answer(both, vec![]))), "outcome-unknown");
    }
    for name in [ID, REFERENCE] {
        let both = || answer(vec![row(ID, "00")], vec![error(name, &["E0100114"])]);
        assert_eq!(kind(&standing(both())), "outcome-unknown", "done and refused");
        assert_eq!(kind(&cancel(both())), "outcome-unknown");
        assert_eq!(kind(&ship("sagawa", "1", both()).0), "outcome-unknown");
    }
}

#[test]
fn a_cancel_is_done_or_was_done_before() {
    assert_eq!(cancel(done()), Ok(()));
    assert_eq!(cancel(refused(&["E0100114"])), Ok(()), "what was asked for is so");
    for (code, expected) in [
        ("E0100113", "refused"),
        ("E0100118", "refused"),
        ("E0100131", "refused"),
        ("E0100003", "invalid"),
        ("E0100999", "outcome-unknown"),
    ] {
        let result = cancel(refused(&[code]));
        assert_eq!(kind(&result), expected, "{code}");
        assert!(format!("{result:?}").contains(code));
    }
    assert_eq!(kind(&cancel(refused(&["E0100114", "E0100118"]))), "refused");
    assert_eq!(kind(&cancel(answer(vec![], vec![]))), "outcome-unknown", "a list without the row");
}

#[test]
fn each_carrier_has_its_code() {
    let codes = [
        ("sagawa", "50000"),
        ("yamato", "59010"),
        ("yu-pack", "59041"),
        ("registered-mail", "59040"),
        ("ecohai", "59150"),
        ("seino", "59030"),
        ("seino-super-express", "59050"),
        ("fukuyama", "59060"),
        ("nippon-express", "59020"),
        ("niigata", "59080"),
        ("meitetsu", "59090"),
        ("shinshu-meitetsu", "59110"),
        ("toll", "59140"),
        ("tonami", "59100"),
        ("yu-packet", "59043"),
        ("morning-10-mail", "59042"),
        ("jad", "59160"),
        ("contracted", "55555"),
    ];
    for (carrier, code) in codes {
        let (result, requests) = ship(carrier, "123456789012", done());
        assert_eq!(result, Ok(()));
        assert_eq!(members(&only(requests), "pd_company_code"), [code], "{carrier}");
    }
    let (result, requests) = ship("contracted", "", done());
    assert_eq!(result, Ok(()), "mail without a slip has no number");
    assert_eq!(only(sent(&only(requests))).get("slip_no"), None);
    let (result, requests) = ship("sagawa", "", done());
    assert_eq!((problems(result), requests.len()), (pairs(&[("tracking-number", "required")]), 0));
    for none in ["japan-post", "pigeon", ""] {
        let (result, requests) = ship(none, "123456789012", done());
        assert!(requests.is_empty());
        assert!(format!("{result:?}").contains("佐川急便、ヤマト運輸、ゆうパック"), "the supported ones: {result:?}");
        assert_eq!(problems(result), pairs(&[("carrier", "carrier")]));
    }
}

#[test]
fn a_slip_number_has_one_to_twenty_letters_digits_and_hyphens() {
    let (result, requests) = ship("sagawa", "１２３４ー５６ＡＢ", done());
    assert_eq!((result, members(&only(requests), "slip_no")), (Ok(()), vec!["1234-56AB".to_owned()]));
    for good in ["1", "ABC-123-xyz", &"1".repeat(20)] {
        let (result, requests) = ship("sagawa", good, done());
        assert_eq!(result, Ok(()));
        assert_eq!(members(&only(requests), "slip_no"), [good]);
    }
    let bad = [("", "required"), ("123 456", "slip"), ("１２三", "slip"), ("12_3", "slip")];
    for (bad, code) in bad.into_iter().chain([("111111111111111111111", "too-long")]) {
        let (result, requests) = ship("sagawa", bad, done());
        assert!(requests.is_empty(), "{bad}");
        assert_eq!(problems(result), pairs(&[("tracking-number", code)]), "{bad}");
    }
}

#[test]
fn each_refusal_of_a_shipment_means_what_the_page_says() {
    let invalid = [
        (&["E0100105", "E0100106", "E0100107", "E0100108"][..], "carrier"),
        (&["E0100109", "E0100110"], "tracking-number"),
        (&["E0100111", "E0100124", "E0100126", "E0100143", "EPRO0109"], ""),
        (&["E0100002", "E0100003"], "transaction-id"),
    ];
    for (codes, field) in invalid {
        for code in codes {
            assert_eq!(problems(ship("sagawa", "1", refused(&[code])).0), pairs(&[(field, code)]));
        }
    }
    for code in ["E0100113", "E0100114", "E0100118", "E0100120", "E0100121", "E0100131"] {
        let (result, _) = ship("sagawa", "1", refused(&[code]));
        let Err(Failure::Refused(reason)) = result else { panic!("{code}: {result:?}") };
        assert_eq!(reason.code.as_deref(), Some(code));
        assert!(!reason.message.contains("意味のわからない"), "{code} is on the page");
    }
    assert_eq!(kind(&ship("sagawa", "1", refused(&["E0100115"])).0), "already", "after a lost answer it is ours");
    assert_eq!(kind(&ship("sagawa", "1", refused(&["E0100999"])).0), "outcome-unknown");
    assert_eq!(kind(&ship("sagawa", "1", refused(&["E0100109", "E0100115"])).0), "refused");
}

#[test]
fn one_transaction_is_not_shipped_twice_by_one_call() {
    let gateway = Scripted::new(|request: &Request| {
        let ids = members(request, "np_transaction_id").into_iter().rev();
        answer(ids.map(|id| json!({ "np_transaction_id": id })).collect(), vec![])
    });
    let shipments = [
        shipment(known(1), "sagawa", "111"),
        shipment(known(2), "japan-post", "222"),
        shipment(known(1), "sagawa", "333"),
        shipment(known(4), "yamato", "444"),
    ];
    let rows = run(provider::sync_tracking::<Np, _>(&call(&gateway, &[]), &shipments));
    assert_eq!(kinds(&rows), ["ok", "invalid", "invalid", "ok"]);
    assert_eq!(problems(rows[2].clone()), pairs(&[("registration.transaction-id", "transaction-twice")]));
    assert_eq!(members(&only(gateway.sent()), "slip_no"), ["111", "444"]);
}

#[test]
fn no_request_names_more_than_a_thousand() {
    let gateway = Scripted::new(|request: &Request| {
        answer(members(request, "np_transaction_id").iter().rev().map(|id| row(id, "00")).collect(), vec![])
    });
    let rows: Vec<_> = (0..2500).map(known).collect();
    let found = run(Np::check_credit(&call(&gateway, &[]), &rows));
    for (n, standing) in found.iter().enumerate() {
        let decision = Decision { transaction_id: Some(id(n)), verdict: Verdict::Approved };
        assert_eq!(standing, &Ok(Standing::Decided(decision)));
    }
    let sizes: Vec<_> = gateway.sent().iter().map(|request| sent(request).len()).collect();
    assert_eq!((found.len(), sizes), (2500, vec![1000, 1000, 500]));
}
