//! 伝票番号同期 by 出荷情報 (KAASL0010): the slip, its kind, and its check digit.

use crate::*;
use proptest::prelude::*;
use provider_sdk::samples::shipment;

fn track(carrier: &str, slip: &str) -> (Result<(), Failure>, Vec<Request>) {
    let gateway = answering(&answer("0", ""));
    let outcome =
        only(run(provider::sync_tracking::<Kuroneko, _>(&call(&gateway), &[shipment(known(), carrier, slip)])));
    (outcome, gateway.sent())
}

/// What goes out besides the fields of every call.
fn sent(carrier: &str, slip: &str) -> Vec<(String, String)> {
    let (outcome, requests) = track(carrier, slip);
    assert_eq!(outcome, Ok(()), "{carrier} {slip}");
    form_fields(&only(requests)).split_off(common("").len())
}

/// The problems of a slip that is not sent.
fn refused(carrier: &str, slip: &str) -> Vec<(String, String)> {
    problems(only(run(provider::sync_tracking::<Kuroneko, _>(&call(&silent()), &[shipment(known(), carrier, slip)]))))
}

/// Twelve digits: eleven, and what they are modulo 7.
fn own_slip(eleven: u64) -> String {
    format!("{eleven:011}{}", eleven % 7)
}

#[test]
fn the_request_carries_slip_and_kind() {
    let (outcome, requests) = track("sagawa", "123456789012");
    assert_eq!(outcome, Ok(()));
    let request = only(requests);
    let url = "https://atobarai.kuronekoyamato.co.jp/kuroneko-atobarai-api/KAASL0010APIAction_execute.action";
    assert_eq!(request.url, url);
    let expected = pairs(&[("paymentNo", "123456789012"), ("processDiv", "2")]);
    assert_eq!(form_fields(&request), [common(REFERENCE), expected].concat(), "the date is for a change alone");
}

#[test]
fn yamato_is_a_slip_of_its_own_and_the_others_are_not() {
    let names = [
        ("sagawa", "佐川急便"),
        ("yamato", "ヤマト運輸"),
        ("japan-post", "日本郵便"),
        ("yu-pack", "ゆうパック"),
        ("registered-mail", "郵便書留"),
        ("ecohai", "エコ配"),
        ("seino", "西濃運輸"),
        ("seino-super-express", "セイノースーパーエクスプレス"),
        ("fukuyama", "福山通運"),
        ("nippon-express", "日本通運"),
        ("niigata", "新潟運輸"),
        ("meitetsu", "名鉄運輸"),
        ("shinshu-meitetsu", "信州名鉄運輸"),
        ("toll", "トールエクスプレスジャパン"),
        ("tonami", "トナミ運輸"),
        ("yu-packet", "ゆうパケット"),
        ("morning-10-mail", "翌朝10時郵便"),
        ("jad", "JAD"),
        ("okawa", "大川配送サービス"),
        ("plus-service", "プラスサービス"),
        ("contracted", "ご契約の運送会社"),
        ("other", "その他"),
    ];
    let carriers = Kuroneko::describe().carriers;
    let described: Vec<_> = carriers.iter().map(|carrier| (carrier.id.as_str(), carrier.name.ja.as_str())).collect();
    assert_eq!(described, names);
    for (carrier, _) in names {
        let division = if carrier == "yamato" { "0" } else { "2" };
        let slip = own_slip(12_345_678_901);
        assert_eq!(sent(carrier, &slip), pairs(&[("paymentNo", slip.as_str()), ("processDiv", division)]));
    }
    for other in ["pigeon", "YAMATO", ""] {
        let outcome =
            only(run(provider::sync_tracking::<Kuroneko, _>(&call(&silent()), &[shipment(known(), other, "1")])));
        let words = format!("{outcome:?}");
        assert!(names.iter().all(|(_, name)| words.contains(name)), "{words}");
        assert_eq!(problems(outcome), pairs(&[("carrier", "carrier")]));
    }
}

#[test]
fn a_slip_of_yamato_has_twelve_digits_and_its_check_digit() {
    // 12345678901 = 7 × 1763668414 + 3
    assert_eq!(own_slip(12_345_678_901), "123456789013");
    for written in ["1234-5678-9013", "１２３４５６７８９０１３", "１２３４ー５６７８ー９０１３", " 123456789013"]
    {
        assert_eq!(sent("yamato", written)[0].1, "123456789013", "hyphens and width are for the eye");
    }
    let bad = ["", "12345678901", "1234567890133", "12345678901a", "1234 5678 9013", "-"];
    for slip in bad {
        assert_eq!(refused("yamato", slip), pairs(&[("tracking-number", "check-digit")]), "{slip}");
    }
}

#[test]
fn a_slip_of_another_carrier_has_at_most_twelve_characters() {
    for good in ["1", "123456789012", "AB12345678JP"] {
        assert_eq!(sent("sagawa", good)[0].1, good, "without any check digit");
    }
    assert_eq!(sent("sagawa", "1234-5678-9012")[0].1, "123456789012");
    let bad = [
        ("", "required"),
        ("--", "required"),
        (" ", "required"),
        ("1234567890123", "too-long"),
        ("12345 67890", "slip"),
        ("１２あ", "slip"),
    ];
    for (slip, code) in bad {
        assert_eq!(refused("sagawa", slip)[0], pairs(&[("tracking-number", code)])[0], "{slip}");
    }
}

/// What public clients do: the order number goes out where the slip does not fit.
#[test]
fn a_longer_slip_of_another_carrier_can_go_as_the_order_number() {
    let track = |reference: &str, carrier: &str, slip: &str| {
        let gateway = answering(&answer("0", ""));
        let call = call_at(samples::NOW, &gateway, &[("long-slip", "order-number")]);
        let row = shipment(samples::registration(reference, None), carrier, slip);
        let outcome = only(run(provider::sync_tracking::<Kuroneko, _>(&call, &[row])));
        (outcome, gateway.sent())
    };
    let (outcome, requests) = track("SHOP-12", "sagawa", "1234-5678-9012-3");
    assert_eq!((outcome, field(&only(requests), "paymentNo").as_str()), (Ok(()), "SHOP-12"));
    let (outcome, requests) = track("SHOP-12", "sagawa", "1234-5678-9012");
    assert_eq!((outcome, field(&only(requests), "paymentNo").as_str()), (Ok(()), "123456789012"), "what fits stays");
    for (reference, carrier, slip, code) in [
        ("SHOP-20261124", "sagawa", "1234567890123", "too-long"),
        ("SHOP-12", "yamato", "1234567890130", "check-digit"),
        ("SHOP-12", "sagawa", "", "required"),
        ("SHOP-12", "sagawa", "1234567890 123", "slip"),
    ] {
        let (outcome, requests) = track(reference, carrier, slip);
        assert_eq!(problems(outcome), pairs(&[("tracking-number", code)]), "{reference} {slip}");
        assert!(requests.is_empty());
    }
}

#[test]
fn every_problem_of_a_shipment_is_named_at_once() {
    let expected = [("carrier", "carrier"), ("tracking-number", "slip"), ("tracking-number", "too-long")];
    assert_eq!(refused("pigeon", "12345 6789012"), pairs(&expected));
}

#[test]
fn only_acceptance_is_a_success() {
    assert_eq!(ship(&answer("0", "")), Ok(()));
    for unclear in [
        answer("0", "<errorCode>kaasl014E</errorCode>"),
        answer("1", ""),
        answer("", ""),
        answer("0", "").replace(REFERENCE, "SHOP-9"),
        answer("0", "").replace(MERCHANT, ""),
    ] {
        assert_eq!(kind(&ship(&unclear)), "outcome-unknown", "{unclear}");
    }
}

#[test]
fn a_bad_row_hides_no_other() {
    let gateway = answering(&answer("0", ""));
    let row = |reference: &str, carrier: &str| shipment(samples::registration(reference, None), carrier, "12345");
    let rows = [row("R1", "sagawa"), row("R2", "yamato"), row("注文3", "sagawa"), row("R4", "tonami")];
    let outcomes = run(provider::sync_tracking::<Kuroneko, _>(&call(&gateway), &rows));
    assert_eq!(kinds(&outcomes), ["ok", "invalid", "invalid", "ok"]);
    assert_eq!(problems(outcomes[2].clone()), pairs(&[("registration.reference", "reference")]));
    let asked: Vec<_> = gateway.sent().iter().map(|request| field(request, "orderNo")).collect();
    assert_eq!(asked, ["R1", "R4"]);
}

proptest! {
    /// Of the ten last digits one is right.
    #[test]
    fn one_last_digit_of_ten_is_right(eleven in 0u64..100_000_000_000) {
        for last in 0..10 {
            let slip = format!("{eleven:011}{last}");
            prop_assert_eq!(track("yamato", &slip).0.is_ok(), slip == own_slip(eleven), "{}", slip);
        }
    }
}
