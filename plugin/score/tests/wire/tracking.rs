//! 伝票番号同期: carriers, slip numbers, and the echo.

use crate::*;

pub(crate) fn shipment(carrier: &str, number: &str) -> Shipment {
    samples::shipment(known(), carrier, number)
}

fn done() -> String {
    format!(
        "<result>OK</result><transactionInfo><nissenTransactionId>{ID}</nissenTransactionId>\
         <shopTransactionId>{REFERENCE}</shopTransactionId></transactionInfo>"
    )
}

fn sync(shipment: Shipment, body: &str) -> Result<(), Failure> {
    only(run(provider::sync_tracking::<Score, _>(&call(&answering(body)), &[shipment])))
}

fn refused_before_sending(shipment: Shipment) -> Result<(), Failure> {
    only(run(provider::sync_tracking::<Score, _>(&call(&silent()), &[shipment])))
}

#[test]
fn the_request_names_the_transaction_and_the_parcel() {
    let gateway = answering(&done());
    assert_eq!(
        run(provider::sync_tracking::<Score, _>(&call(&gateway), &[shipment("sagawa", "1234-5678-9012")])),
        [Ok(())]
    );
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://gw.example/at/direct/autopdrequest.do");
    let expected = [
        ("shopInfo/shopCode", "SHOP12345"),
        ("shopInfo/shopPassword", "himitsu-no-1"),
        ("shopInfo/terminalId", "T1"),
        ("transaction/nissenTransactionId", ID),
        ("transaction/shopTransactionId", REFERENCE),
        ("transaction/billedAmount", "1590"),
        ("PdRequest/pdcompanycode", "11"),
        ("PdRequest/slipno", "1234-5678-9012"),
        ("PdRequest/address1", ""),
        ("PdRequest/address2", ""),
        ("PdRequest/address3", ""),
    ];
    assert_eq!(flat(&document(&request)), pairs(&expected));
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
        ("seino-super-express", "17"),
        ("fukuyama", "18"),
        ("nippon-express", "13"),
        ("niigata", "20"),
        ("meitetsu", "21"),
        ("shinshu-meitetsu", "23"),
        ("toll", "26"),
        ("tonami", "29"),
        ("morning-10-mail", "28"),
        ("other", "99"),
    ];
    let fifteen = provider_sdk::carriers::CARRIERS.iter().take(15).map(|(carrier, ..)| *carrier);
    assert!(fifteen.eq(codes.iter().take(15).map(|(carrier, _)| *carrier)));
    for (carrier, code) in codes.into_iter().filter(|(_, code)| !code.is_empty()) {
        let gateway = answering(&done());
        assert_eq!(run(provider::sync_tracking::<Score, _>(&call(&gateway), &[shipment(carrier, "1")])), [Ok(())]);
        let sent = document(&only(gateway.sent()));
        assert_eq!(sent.child("PdRequest").unwrap().child_text("pdcompanycode"), code, "{carrier}");
    }
    for other in ["japan-post", "pigeon", ""] {
        let result = refused_before_sending(shipment(other, "1"));
        let shown = format!("{result:?}");
        assert!(shown.contains("スコア@払い") && shown.contains("佐川急便、ヤマト運輸、ゆうパック"), "{shown}");
        assert!(!shown.contains("日本郵便"), "{shown}");
        assert_eq!(problems(result), pairs(&[("carrier", "carrier")]));
    }
}

#[test]
fn a_slip_number_is_twenty_digits_and_hyphens_at_most() {
    for good in ["1", "12345678901234567890", "1234-5678-9012", "１２３４－５６"] {
        assert_eq!(sync(shipment("sagawa", good), &done()), Ok(()), "{good}");
    }
    for (number, code) in [
        ("", "required"),
        (" ", "required"),
        ("123456789012345678901", "too-long"),
        ("12A", "not-digits"),
        ("１２三", "not-digits"),
        ("1 2", "not-digits"),
    ] {
        let result = refused_before_sending(shipment("sagawa", number));
        assert_eq!(problems(result), pairs(&[("tracking-number", code)]), "{number}");
    }
}

#[test]
fn every_problem_of_a_shipment_is_named_at_once() {
    let registration = Registration { billed_amount: 0, ..known() };
    let result = refused_before_sending(samples::shipment(registration, "japan-post", ""));
    let expected =
        [("registration.billed-amount", "out-of-range"), ("carrier", "carrier"), ("tracking-number", "required")];
    assert_eq!(problems(result), pairs(&expected));
}

#[test]
fn only_an_answer_about_the_transaction_is_a_success() {
    let good = || shipment("sagawa", "123456789012");
    assert_eq!(sync(good(), &done().replace("transactionInfo", "transactionResult")), Ok(()), "the name is assumed");
    assert_eq!(sync(good(), &ng("A1", "")), Err(refused("A1")));
    for body in [
        done().replace(ID, "N9"),
        done().replace(ID, ""),
        done().replace(REFERENCE, "SHOP-9"),
        "<result>OK</result>".to_owned(),
    ] {
        assert_eq!(kind(&sync(good(), &body)), "outcome-unknown", "{body}");
    }
}

#[test]
fn a_bad_row_hides_no_other() {
    let gateway = answering(&done());
    let lost = samples::shipment(samples::registration(REFERENCE, None), "sagawa", "1");
    let rows = [shipment("pigeon", "1"), shipment("sagawa", "1"), lost];
    let outcomes = run(provider::sync_tracking::<Score, _>(&call(&gateway), &rows));
    assert_eq!(kinds(&outcomes), ["invalid", "ok", "invalid"]);
    assert_eq!(problems(outcomes[2].clone()), pairs(&[("registration.transaction-id", "no-transaction-id")]));
    assert_eq!(gateway.sent().len(), 1);
}
