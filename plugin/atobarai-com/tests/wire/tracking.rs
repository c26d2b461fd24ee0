//! 伝票番号同期: carriers, tracking numbers, and the echo.

use crate::*;

pub(crate) fn shipment(carrier: &str, number: &str) -> Shipment {
    Shipment {
        registration: registration(REFERENCE, Some("XX1")),
        carrier: carrier.to_owned(),
        tracking_number: number.to_owned(),
        shipped_on: Date { year: 2026, month: 11, day: 25 },
    }
}

const DONE: &str = "<status>success</status><orderId>XX1</orderId><delivId name=\"佐川急便\">2</delivId>\
    <journalNum>123456789012</journalNum><messages/>";

fn sync(shipment: Shipment, body: &str) -> Result<(), Failure> {
    only(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&answering(body), &[]), &[shipment])))
}

fn code_of(carrier: &str, settings: &[(&str, &str)]) -> String {
    let gateway = answering(DONE);
    let rows = [shipment(carrier, "123456789012")];
    assert_eq!(only(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&gateway, settings), &rows))), Ok(()));
    value(&only(gateway.sent()), "DelivId").unwrap()
}

#[test]
fn the_request_names_the_id_the_carrier_and_the_number() {
    let gateway = answering(DONE);
    let rows = [shipment("sagawa", "123456789012")];
    assert_eq!(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&gateway, &[]), &rows)), [Ok(())]);
    let request = only(gateway.sent());
    assert_eq!(request.url, "https://www.atobarai.jp/api/shipping/rest");
    let expected = [
        ("EnterpriseId", "12345"),
        ("ApiUserId", "90"),
        ("OrderId", "XX1"),
        ("DelivId", "2"),
        ("JournalNum", "123456789012"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(form_fields(&request), expected);
}

#[test]
fn all_fifteen_carriers_have_a_code_and_each_can_be_overridden() {
    let codes = [
        ("sagawa", "2"),
        ("yamato", "1"),
        ("japan-post", "112"),
        ("yu-pack", "4"),
        ("registered-mail", "18"),
        ("ecohai", "12"),
        ("seino", "5"),
        ("seino-super-express", "59"),
        ("fukuyama", "6"),
        ("nippon-express", "3"),
        ("niigata", "8"),
        ("meitetsu", "7"),
        ("shinshu-meitetsu", "53"),
        ("toll", "11"),
        ("tonami", "9"),
    ];
    for (carrier, code) in codes {
        let key = format!("carrier-{carrier}");
        assert_eq!(code_of(carrier, &[]), code, "{carrier}");
        assert_eq!(code_of(carrier, &[(&key, "")]), code, "an empty override is none");
        assert_eq!(code_of(carrier, &[(&key, "9009")]), "9009");
    }
    assert_eq!(AtobaraiCom::describe().carriers.len(), codes.len());
}

#[test]
fn what_cannot_be_registered_is_refused_before_anything_is_sent() {
    let refused = |shipment: Shipment| {
        let gateway = silent();
        only(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&gateway, &[]), &[shipment])))
    };
    let found = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    let unknown = refused(shipment("pigeon", "1"));
    assert!(format!("{unknown:?}").contains("佐川急便、ヤマト運輸"), "the supported ones are named: {unknown:?}");
    assert_eq!(problems(unknown), [found("carrier", "carrier")]);
    assert_eq!(problems(refused(shipment("sagawa", ""))), [found("tracking-number", "required")]);
    assert_eq!(problems(refused(shipment("sagawa", &"1".repeat(256)))), [found("tracking-number", "too-long")]);
    let both = refused(shipment("", " "));
    assert_eq!(problems(both), [found("carrier", "carrier"), found("tracking-number", "required")]);
}

#[test]
fn a_number_may_have_255_characters() {
    let number = "1".repeat(255);
    assert_eq!(sync(shipment("sagawa", &number), &DONE.replace("123456789012", &number)), Ok(()));
}

#[test]
fn an_echo_of_something_else_is_no_success() {
    let done = || shipment("sagawa", "123456789012");
    assert_eq!(sync(done(), "<status>success</status>"), Ok(()), "the echo is assumed, so it may be absent");
    for other in [DONE.replace("XX1", "XX2"), DONE.replace("123456789012", "123456789013")] {
        assert_eq!(kind(&sync(done(), &other)), "outcome-unknown", "{other}");
        assert_eq!(kind(&sync(done(), &other.replace("success", "error"))), "outcome-unknown");
    }
}

#[test]
fn a_refusal_carries_the_gateways_words() {
    let body = "<status>error</status><messages><message cd=\"E03301\">登録済みです</message></messages>";
    let words = Reason { code: Some("E03301".to_owned()), message: "登録済みです".to_owned() };
    assert_eq!(sync(shipment("sagawa", "1"), body), Err(Failure::Refused(words)));
}

#[test]
fn a_shipment_without_an_id_is_looked_up_first() {
    let gateway = Scripted::new(|request: &Request| {
        if request.url.contains("detail") {
            return response(&format!(
                "<status>success</status><results><result><orderId>XX7</orderId>\
                 <entOrderId>{REFERENCE}</entOrderId><orderStatus>1</orderStatus></result></results>"
            ));
        }
        response("<status>success</status>")
    });
    let lost = || Shipment { registration: registration(REFERENCE, None), ..shipment("yamato", "1") };
    assert_eq!(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&gateway, &[]), &[lost()])), [Ok(())]);
    assert_eq!(value(&gateway.sent()[1], "OrderId").unwrap(), "XX7");
    let off = [("ask-by-reference", "off")];
    let refused = only(run(provider::sync_tracking::<AtobaraiCom, _>(&call(&silent(), &off), &[lost()])));
    assert_eq!(problems(refused).len(), 1);
}

#[test]
fn a_bad_row_hides_no_other() {
    let gateway = answering(DONE);
    let rows = [shipment("pigeon", "1"), shipment("sagawa", "123456789012")];
    let outcomes = run(provider::sync_tracking::<AtobaraiCom, _>(&call(&gateway, &[]), &rows));
    assert_eq!(outcomes.iter().map(kind).collect::<Vec<_>>(), ["invalid", "ok"]);
    assert_eq!(gateway.sent().len(), 1);
}
