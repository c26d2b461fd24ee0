//! 与信を実行: what each answer to a registration means.

use crate::*;

fn decided(verdict: Verdict) -> Result<Decision, Failure> {
    Ok(Decision { transaction_id: Some(REFERENCE.to_owned()), verdict })
}

fn rejected(code: &str, words: &str) -> Verdict {
    Verdict::Rejected(vec![Reason { code: Some(code.to_owned()), message: words.to_owned() }])
}

#[test]
fn each_result_is_read() {
    assert_eq!(credit(order(), &result("0")), decided(Verdict::Approved));
    assert_eq!(credit(order(), &result("1")), decided(rejected("1", "ご利用不可")));
    assert_eq!(credit(order(), &result("2")), decided(rejected("2", "限度額超過")));
    assert_eq!(credit(order(), &result("3")), decided(Verdict::UnderReview));
}

#[test]
fn a_result_that_is_not_on_the_list_is_recorded_and_needs_a_person() {
    let others = (4..=99).map(|n: u8| n.to_string());
    let odd = ["00", "0.", "０", "OK", "-1"].map(str::to_owned);
    for other in others.chain(odd) {
        let Ok(Decision { transaction_id: Some(id), verdict: Verdict::Other(reason) }) =
            credit(order(), &result(&other))
        else {
            panic!("{other}")
        };
        assert_eq!((id.as_str(), reason.code), (REFERENCE, Some(other)));
    }
    for none in [answer("0", ""), result("")] {
        let decision = credit(order(), &none).unwrap();
        assert!(matches!(decision.verdict, Verdict::Other(Reason { code: None, .. })), "{decision:?}");
    }
}

/// Every combination of what an answer can say.
#[test]
fn approved_needs_acceptance_no_error_our_shop_our_order_and_the_result() {
    for return_code in ["0", "1", "2", "00", ""] {
        for error in ["", "kaara019E"] {
            for shop in [MERCHANT, "12345678902", ""] {
                for echo in [REFERENCE, "SHOP-9", ""] {
                    for result in ["0", "1", ""] {
                        let document = format!(
                            "<return><returnCode>{return_code}</returnCode><errorCode>{error}</errorCode>\
                             <ycfStrCode>{shop}</ycfStrCode><orderNo>{echo}</orderNo><result>{result}</result>\
                             </return>"
                        );
                        let outcome = credit(order(), &document);
                        let expected = match (return_code, error, shop, echo, result) {
                            ("0", "", MERCHANT, REFERENCE, _) => "ok",
                            ("1", "kaara019E", MERCHANT | "", REFERENCE | "", "") => "invalid",
                            _ => "outcome-unknown",
                        };
                        assert_eq!(kind(&outcome), expected, "{document}");
                        let approved = matches!(outcome, Ok(Decision { verdict: Verdict::Approved, .. }));
                        assert_eq!(approved, expected == "ok" && result == "0", "{document}");
                    }
                }
            }
        }
    }
}
