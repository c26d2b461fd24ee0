//! Gateways that answer otherwise than their plainest, on the other end of a plugin.

use clients::line::Line;
use clients::shop::{ATOBARAI_COM, ATODENE, NP, Shop, named};
use provider_sdk::samples::{NOW, kinds, registration, run, settings};
use provider_sdk::types::{Context, Decision, Failure, Standing, Verdict};
use provider_sdk::{Call, Provider, provider};

fn call<'a, P: Provider>(line: &'a Line, shop: &Shop) -> Call<'a, Line> {
    let base = line.base();
    let settings = settings(&[shop.credentials, &[("base-url", &base)]].concat());
    Call::new::<P>(Context { settings, now: NOW }, line)
}

#[test]
fn ids_as_numbers_http_201_and_a_byte_order_mark_are_an_answer() {
    let line = Line::new(gateways::np::Np { loose: true, ..Default::default() }.into());
    let outcome = run(provider::credit::<np::Np, _>(&call::<np::Np>(&line, &NP), &[named("R")]));
    let transaction_id = Some("26000000001".to_owned());
    assert_eq!(outcome, [Ok(Decision { transaction_id, verdict: Verdict::Approved })]);
}

/// A registration that is only warned of is one, and keeps its id.
#[test]
fn a_warning_beside_a_registration_takes_nothing_from_it() {
    let line = Line::to("np").unwrap();
    let call = call::<np::Np>(&line, &NP);
    let first = run(provider::credit::<np::Np, _>(&call, &[named("R")]));
    let again = run(provider::credit::<np::Np, _>(&call, &[named("R"), named("S")]));
    assert_eq!((kinds(&first), kinds(&again)), (vec!["ok"], vec!["ok"; 2]));
    assert_eq!(again[0].as_ref().unwrap().transaction_id.as_deref(), Some("26000000002"));
}

#[test]
fn what_a_site_does_not_allow_is_refused_in_its_words() {
    let wire = gateways::atobarai_com::AtobaraiCom { mail_required: true, services: true, ..Default::default() };
    let line = Line::new(wire.into());
    let mut without = named("R");
    without.buyer.email = None;
    let call = call::<atobarai_com::AtobaraiCom>(&line, &ATOBARAI_COM);
    let outcome = run(provider::credit::<atobarai_com::AtobaraiCom, _>(&call, &[without]));
    let [Err(Failure::Refused(reason))] = outcome.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(reason.code.as_deref(), Some("E00301"));
    assert!(reason.message.contains("メールアドレス") && reason.message.contains("E00302"), "{reason:?}");
    assert_eq!(line.ledger().live().count(), 0);
}

#[test]
fn asking_atodene_tells_a_cancel() {
    let line = Line::to("atodene").unwrap();
    let call = call::<atodene::Atodene>(&line, &ATODENE);
    let outcome = run(provider::credit::<atodene::Atodene, _>(&call, &[named("R")]));
    let id = outcome[0].as_ref().unwrap().transaction_id.clone();
    let known = || registration("R", id.as_deref());
    let cancellation = provider_sdk::types::Cancellation { registration: known(), reason: None };
    assert_eq!(run(provider::cancel::<atodene::Atodene, _>(&call, &[cancellation])), [Ok(())]);
    assert_eq!(run(atodene::Atodene::check_credit(&call, &[known()])), [Ok(Standing::Cancelled)]);
}
