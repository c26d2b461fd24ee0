//! Every error code of every call: its class, and where something is wrong with what was sent, the
//! field. What is not listed here leaves the outcome unknown.

use crate::*;

/// Call, first and last number of each row of codes, class, field.
type Row = (&'static str, &'static [(u16, u16)], &'static str, &'static str);

const CODES: [Row; 43] = [
    ("kaara", &[(2, 4), (90, 92)], "unauthorized", ""),
    ("kaara", &[(6, 8)], "invalid", "reference"),
    ("kaara", &[(9, 9)], "already", ""),
    ("kaara", &[(10, 13)], "invalid", "ordered-on"),
    ("kaara", &[(14, 18), (100, 100)], "invalid", "ships-on"),
    ("kaara", &[(19, 22)], "invalid", "buyer.name"),
    ("kaara", &[(23, 24)], "invalid", "buyer.name-kana"),
    ("kaara", &[(25, 29), (105, 105)], "invalid", "buyer.address.postal-code"),
    ("kaara", &[(30, 33), (35, 37)], "invalid", "buyer.address"),
    ("kaara", &[(34, 34)], "invalid", "buyer.address.prefecture"),
    ("kaara", &[(103, 103)], "invalid", "buyer.address.street"),
    ("kaara", &[(38, 40), (93, 93)], "invalid", "buyer.phone"),
    ("kaara", &[(43, 45)], "invalid", "buyer.email"),
    ("kaara", &[(46, 49), (101, 101)], "invalid", "billed-amount"),
    ("kaara", &[(50, 53)], "invalid", "invoice"),
    ("kaara", &[(54, 65)], "invalid", "items"),
    ("kaara", &[(66, 68)], "invalid", "recipient.name"),
    ("kaara", &[(70, 73), (106, 106)], "invalid", "recipient.address.postal-code"),
    ("kaara", &[(75, 77), (79, 81)], "invalid", "recipient.address"),
    ("kaara", &[(78, 78)], "invalid", "recipient.address.prefecture"),
    ("kaara", &[(104, 104)], "invalid", "recipient.address.street"),
    ("kaara", &[(82, 84), (94, 94)], "invalid", "recipient.phone"),
    ("kaara", &[(69, 69), (74, 74), (102, 102)], "invalid", "recipient"),
    // The date of the request is none of the order's, and there are no free fields.
    ("kaara", &[(86, 89), (95, 96)], "invalid", ""),
    ("kaars", &[(8, 8)], "ok", ""),
    ("kaars", &[(1, 1), (9, 11)], "invalid", ""),
    ("kaars", &[(2, 4), (12, 13)], "unauthorized", ""),
    ("kaars", &[(5, 7), (14, 14)], "invalid", "reference"),
    ("kaast", &[(8, 8)], "ok", ""),
    ("kaast", &[(1, 1), (9, 11)], "invalid", ""),
    ("kaast", &[(2, 4), (12, 13), (15, 15)], "unauthorized", ""),
    ("kaast", &[(5, 7), (14, 14)], "invalid", "reference"),
    ("kaacl", &[(8, 9), (15, 15)], "refused", ""),
    ("kaacl", &[(1, 1), (10, 12)], "invalid", ""),
    ("kaacl", &[(2, 4), (13, 14), (17, 17)], "unauthorized", ""),
    ("kaacl", &[(5, 7), (16, 16)], "invalid", "registration.reference"),
    ("kaasl", &[(8, 8), (20, 20), (22, 22)], "refused", ""),
    ("kaasl", &[(1, 1), (31, 31), (33, 35)], "invalid", ""),
    ("kaasl", &[(2, 4), (36, 37), (41, 41)], "unauthorized", ""),
    ("kaasl", &[(5, 7), (38, 38)], "invalid", "registration.reference"),
    ("kaasl", &[(10, 15), (44, 45)], "invalid", "tracking-number"),
    ("kaasl", &[(19, 19)], "invalid", "carrier"),
    ("kaasl", &[(23, 23), (27, 27), (42, 42)], "invalid", "shipped-on"),
];

/// What a call makes of an answer.
type Ask = fn(&str) -> Result<(), Failure>;

/// Every call of the plugin, as the start of its codes.
const CALLS: [(&str, Ask); 5] = [
    ("kaara", |document| credit(order(), document).map(drop)),
    ("kaars", connect),
    ("kaast", |document| check_credit(document).map(drop)),
    ("kaacl", cancel),
    ("kaasl", ship),
];

/// Words for a code without a meaning.
const WITHOUT_MEANING: &str = "意味のわからない";

/// Class and field of the code with this number.
fn meaning(call: &str, number: u16) -> Option<(&'static str, &'static str)> {
    let holds = |row: &&Row| row.0 == call && row.1.iter().any(|(first, last)| (*first..=*last).contains(&number));
    CODES.iter().find(holds).map(|(_, _, class, field)| (*class, *field))
}

/// The code that a failure shows, and its words.
fn shown(failure: &Failure) -> (Option<&str>, &str) {
    let reason = match failure {
        Failure::Invalid(problems) => &problems[0].reason,
        Failure::Unauthorized(reason)
        | Failure::Already(reason)
        | Failure::Refused(reason)
        | Failure::OutcomeUnknown(reason) => reason,
        other => panic!("{other:?}"),
    };
    (reason.code.as_deref(), &reason.message)
}

#[test]
fn each_number_of_each_call_has_its_class_and_field() {
    for (call, ask) in CALLS {
        for number in 0..=999 {
            let code = format!("{call}{number:03}E");
            let outcome = ask(&refused(&code));
            let (class, field) = meaning(call, number).unwrap_or(("outcome-unknown", ""));
            assert_eq!(kind(&outcome), class, "{code}");
            let Err(failure) = outcome else { continue };
            let (shown, words) = shown(&failure);
            assert_eq!(shown, Some(code.as_str()), "the gateway's own code is passed on");
            assert_eq!(words.contains(WITHOUT_MEANING), class == "outcome-unknown", "{code}: {words}");
            if class == "invalid" {
                assert_eq!(problems::<()>(Err(failure)), pairs(&[(field, &code)]));
            }
        }
    }
}

/// Two codes of a call are two things, but for the two that have no meaning of their own.
#[test]
fn each_code_has_words_of_its_own() {
    for (call, ask) in CALLS {
        let words = |number: u16| match ask(&refused(&format!("{call}{number:03}E"))) {
            Err(failure) if meaning(call, number).is_some() => Some(shown(&failure).1.to_owned()),
            _ => None,
        };
        let all: Vec<_> = (0..=999).filter(|number| ![69, 74].contains(number)).filter_map(words).collect();
        let mut different = all.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), all.len(), "{call}");
    }
}

/// Numbers that were once taken for their neighbours.
#[test]
fn the_numbers_mean_what_they_mean_to_real_clients() {
    for (code, part) in [
        ("kaara027E", "ハイフンの数"),
        ("kaara028E", "7桁"),
        ("kaara105E", "000-0000"),
        ("kaara040E", "桁数"),
        ("kaara093E", "0で始まって"),
        ("kaara054E", "全角"),
        ("kaara055E", "30文字"),
        ("kaara056E", "使えない文字"),
        ("kaara057E", "1行目"),
        ("kaara060E", "マイナス以外"),
        ("kaara061E", "999999円を超え"),
        ("kaara104E", "配送先の住所に番地"),
    ] {
        let Err(failure) = credit(order(), &refused(code)) else { panic!("{code}") };
        assert!(shown(&failure).1.contains(part), "{code}: {failure:?}");
    }
}

#[test]
fn an_internal_failure_leaves_the_outcome_of_any_call_unknown() {
    for (call, ask) in CALLS {
        for number in 0..=9 {
            let code = format!("err{number:04}");
            let Err(failure @ Failure::OutcomeUnknown(_)) = ask(&refused(&code)) else { panic!("{call} {code}") };
            let (shown, words) = shown(&failure);
            assert_eq!((shown, words.contains(WITHOUT_MEANING)), (Some(code.as_str()), !(1..=3).contains(&number)));
        }
    }
}

/// 009E of a cancel is not the 009E of a registration, and so for all.
#[test]
fn a_code_of_another_call_means_nothing() {
    for (call, ask) in CALLS {
        for (other, numbers, ..) in CODES.iter().filter(|(other, ..)| *other != call) {
            for number in numbers.iter().flat_map(|(first, last)| *first..=*last) {
                let code = format!("{other}{number:03}E");
                assert_eq!(kind(&ask(&refused(&code))), "outcome-unknown", "{call}: {code}");
            }
        }
    }
}

#[test]
fn a_code_that_is_written_otherwise_means_nothing() {
    let odd = ["KAARA009E", "kaara009", "kaara9E", "kaara0009E", "kaara009E kaara019E", "kaara", "009", "err1", ""];
    for code in odd {
        assert_eq!(kind(&credit(order(), &refused(code))), "outcome-unknown", "{code}");
    }
    assert_eq!(kind(&credit(order(), &refused(" kaara009E\n"))), "already", "space around it is none of it");
}
