//! 伝票番号同期: carriers, slip numbers, and the echo.

use crate::*;

pub(crate) fn shipment(carrier: &str, number: &str) -> Shipment {
    samples::shipment(known(), carrier, number)
}

fn done() -> String {
    ok(&format!("<transactionId>{ID}</transactionId>"))
}

fn sync(shipment: Shipment, body: &str) -> Result<(), Failure> {
    only(run(provider::sync_tracking::<Atodene, _>(&call(&answering(body)), &[shipment])))
}

#[test]
fn the_request_reports_carrier_slip_and_day() {
    let gateway = answering(&done());
    assert_eq!(
        run(provider::sync_tracking::<Atodene, _>(&call(&gateway), &[shipment("sagawa", "123456789012")])),
        [Ok(())]
    );
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://www.manage.atodene.jp/api/shippingrequest.do");
    let expected = [
        ("deliveryType", "1"),
        ("transactionId", ID),
        ("deliveryCompanyCode", "11"),
        ("deliverySlipNo", "123456789012"),
        ("invoiceDate", "2026/11/25"),
    ];
    assert_eq!(flat(document(&request).child("transactionInfo").unwrap()), pairs(&expected));
}

#[test]
fn each_carrier_has_its_code_or_is_refused_in_words() {
    let codes = [
        ("sagawa", "11"),
        ("yamato", "12"),
        ("japan-post", ""),
        ("yu-pack", "16"),
        ("registered-mail", "15"),
        ("ecohai", "27"),
        ("seino", "14"),
        ("seino-super-express", "30"),
        ("fukuyama", "18"),
        ("nippon-express", "13"),
        ("niigata", "20"),
        ("meitetsu", "21"),
        ("shinshu-meitetsu", "23"),
        ("toll", "26"),
        ("tonami", "29"),
        ("morning-10-mail", "28"),
        ("okawa", "31"),
        ("plus-service", "32"),
    ];
    let fifteen = provider_sdk::carriers::CARRIERS.iter().take(15).map(|(carrier, ..)| *carrier);
    assert!(fifteen.eq(codes.iter().take(15).map(|(carrier, _)| *carrier)));
    for (carrier, code) in codes.into_iter().filter(|(_, code)| !code.is_empty()) {
        let gateway = answering(&done());
        assert_eq!(
            run(provider::sync_tracking::<Atodene, _>(&call(&gateway), &[shipment(carrier, "12345")])),
            [Ok(())]
        );
        let sent = document(&only(gateway.sent()));
        assert_eq!(sent.child("transactionInfo").unwrap().child_text("deliveryCompanyCode"), code, "{carrier}");
    }
    for other in ["japan-post", "pigeon", ""] {
        let result = only(run(provider::sync_tracking::<Atodene, _>(&call(&silent()), &[shipment(other, "12345")])));
        let shown = format!("{result:?}");
        assert!(shown.contains("アトディーネ") && shown.contains("佐川急便、ヤマト運輸、ゆうパック"), "{shown}");
        assert!(!shown.contains("日本郵便"), "{shown}");
        assert_eq!(problems(result), pairs(&[("carrier", "carrier")]));
    }
}

#[test]
fn a_slip_number_has_five_to_twenty_characters() {
    for good in [5, 20] {
        assert_eq!(sync(shipment("sagawa", &"1".repeat(good)), &done()), Ok(()));
    }
    for (number, code) in [("1".repeat(4), "too-short"), ("1".repeat(21), "too-long"), (" ".to_owned(), "required")] {
        let result = only(run(provider::sync_tracking::<Atodene, _>(&call(&silent()), &[shipment("sagawa", &number)])));
        assert_eq!(problems(result), pairs(&[("tracking-number", code)]));
    }
}

#[test]
fn every_problem_of_a_shipment_is_named_at_once() {
    let shipped_on = Date { year: 2026, month: 2, day: 29 };
    let bad = Shipment { shipped_on, ..shipment("japan-post", "") };
    let result = only(run(provider::sync_tracking::<Atodene, _>(&call(&silent()), &[bad])));
    let expected = [("carrier", "carrier"), ("tracking-number", "required"), ("shipped-on", "not-a-date")];
    assert_eq!(problems(result), pairs(&expected));
}

#[test]
fn only_an_answer_about_the_transaction_is_a_success() {
    let good = || shipment("sagawa", "123456789012");
    assert_eq!(sync(good(), &ng("er000033", "")), Err(refused("er000033")), "a cancelled one is not shipped");
    for body in [done().replace(ID, "T9"), done().replace(ID, ""), "<result>OK</result>".to_owned()] {
        assert_eq!(kind(&sync(good(), &body)), "outcome-unknown", "{body}");
    }
}

#[test]
fn a_bad_row_hides_no_other() {
    let gateway = answering(&done());
    let lost = samples::shipment(samples::registration(REFERENCE, None), "sagawa", "12345");
    let rows = [shipment("pigeon", "12345"), shipment("sagawa", "12345"), lost];
    let outcomes = run(provider::sync_tracking::<Atodene, _>(&call(&gateway), &rows));
    assert_eq!(kinds(&outcomes), ["invalid", "ok", "invalid"]);
    assert_eq!(problems(outcomes[2].clone()), pairs(&[("registration.transaction-id", "no-transaction-id")]));
    assert_eq!(gateway.sent().len(), 1);
}
