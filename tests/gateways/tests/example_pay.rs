//! Every rule of Example Pay's wire: what is right passes, each violation is refused with its code and leaves nothing
//! behind.

mod common;

use common::example_pay::{about, order, parcel};
use common::{Form, received};
use gateways::Ledger;
use gateways::example_pay::{ExamplePay, code};
use gateways::wire::{Trouble, Wire};

#[derive(Default)]
struct Desk {
    wire: ExamplePay,
    ledger: Ledger,
}

impl Desk {
    fn ask(&mut self, operation: &str, form: &Form) -> String {
        let answer = self.wire.answer(&mut self.ledger, &received(&format!("/{operation}"), form.body()));
        assert_eq!(answer.status, 200);
        let body = answer.body.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
        body.strip_prefix("<answer>").and_then(|body| body.strip_suffix("</answer>")).unwrap().to_owned()
    }

    /// Registers a buyer with a phone number that ends in these digits.
    fn register(&mut self, reference: &str, digits: &str) -> String {
        self.ask("register", &order(reference).set("phone", format!("0900000{digits}")))
    }

    fn refused(&mut self, operation: &str, form: &Form, code: &str) -> String {
        let before = self.ledger.registrations.clone();
        let body = self.ask(operation, form);
        assert!(body.contains(&format!("<error>{code}</error>")), "{body}");
        assert_eq!(self.ledger.registrations, before, "{body}");
        assert_eq!(self.ledger.refusals.back().unwrap().code, code);
        body
    }
}

#[test]
fn an_order_goes_from_its_registration_to_its_parcel() {
    let mut desk = Desk::default();
    let said = |state: &str| format!("<order>R</order><id>EX00000001</id><state>{state}</state>");
    assert_eq!(desk.ask("register", &order("R")), said("OK"));
    assert_eq!(desk.ask("ask", &about("R")), said("OK"));
    assert_eq!(desk.ask("ship", &parcel("R")), said("SHIPPED"));
    assert_eq!(desk.ask("ask", &about("R")), said("SHIPPED"));
    let held = desk.ledger.find("EX00000001").unwrap();
    assert_eq!((held.billed_amount, held.buyer.as_str()), (1_232, "山田 花子"));
    let parcel = held.shipment.as_ref().unwrap();
    assert_eq!([parcel.carrier.as_str(), &parcel.slip], ["YAMATO", "123456789013"]);
    assert!(desk.ledger.refusals.is_empty());
}

#[test]
fn a_cancel_is_one_however_often_it_comes() {
    let mut desk = Desk::default();
    desk.ask("register", &order("R"));
    for _ in 0..2 {
        assert!(desk.ask("cancel", &about("R")).contains("<state>CANCELLED</state>"));
    }
    assert_eq!(desk.ledger.live().count(), 0);
    desk.refused("register", &order("R"), code::EXISTS);
}

#[test]
fn the_phone_number_decides_and_reviews_are_decided_by_asking() {
    let mut desk = Desk::default();
    for (digits, state) in [("9001", "NG"), ("9002", "WAIT"), ("9003", "WAIT"), ("9004", "HOLD"), ("9006", "要確認")]
    {
        let said = desk.register(digits, digits);
        assert!(said.contains(&format!("<state>{state}</state>")), "{said}");
        assert_eq!(said.contains("<reason>"), matches!(state, "NG" | "HOLD"), "{said}");
    }
    for (digits, state) in [("9002", "OK"), ("9003", "NG")] {
        assert!(desk.ask("ask", &about(digits)).contains("<state>WAIT</state>"));
        assert!(desk.ask("ask", &about(digits)).contains(&format!("<state>{state}</state>")));
    }
}

#[test]
fn what_breaks_a_rule_is_refused_and_leaves_nothing_behind() {
    let mut desk = Desk::default();
    for operation in ["register", "ask", "cancel", "ship"] {
        for form in [order("R").set("key", "wrong"), order("R").without("shop")] {
            desk.refused(operation, &form, code::UNAUTHORIZED);
        }
        desk.refused(operation, &order("R").without("order"), code::INVALID);
    }
    for (field, value) in [
        ("order", "123456789012345678901"),
        ("name", ""),
        ("name", &"あ".repeat(31)),
        ("phone", "０９０"),
        ("amount", "0"),
        ("amount", "1000000"),
    ] {
        let body = desk.refused("register", &order("R").set(field, value), code::INVALID);
        assert!(body.contains(&format!("<field>{field}</field>")), "{body}");
    }
    for operation in ["ask", "cancel"] {
        desk.refused(operation, &about("NOBODY"), code::NOT_FOUND);
    }
    desk.refused("ship", &parcel("NOBODY"), code::NOT_FOUND);
    desk.refused("ship", &parcel("R").set("carrier", "AKABOU"), code::INVALID);
    desk.refused("ship", &parcel("R").without("number"), code::INVALID);
}

#[test]
fn the_state_decides_what_may_be_done() {
    let mut desk = Desk::default();
    for (reference, digits) in [("OK", "0001"), ("NG", "9001"), ("HOLD", "9004"), ("PAID", "9007"), ("LATE", "9008")] {
        desk.register(reference, digits);
    }
    desk.refused("register", &order("OK"), code::EXISTS);
    for reference in ["NG", "PAID"] {
        desk.refused("cancel", &about(reference), code::STATE);
    }
    for reference in ["NG", "HOLD", "LATE"] {
        desk.refused("ship", &parcel(reference), code::STATE);
    }
    desk.ask("ship", &parcel("OK"));
    desk.refused("ship", &parcel("OK"), code::EXISTS);
    desk.refused("cancel", &about("OK"), code::STATE);
    desk.ask("cancel", &about("HOLD"));
    desk.refused("ship", &parcel("HOLD"), code::STATE);
}

#[test]
fn only_forms_that_are_posted_to_a_call_are_taken() {
    let mut desk = Desk::default();
    let request = received("/register", order("R").body());
    let untyped = gateways::Received { headers: Vec::new(), ..request.clone() };
    let got = gateways::Received { method: "GET".to_owned(), ..request.clone() };
    for (request, status) in [(received("/elsewhere", order("R").body()), 404), (got, 405), (untyped, 415)] {
        assert_eq!(desk.wire.answer(&mut desk.ledger, &request).status, status);
    }
    assert_eq!((desk.wire.names(&request), desk.wire.operation(&request)), (vec!["R".to_owned()], Some("register")));
}

#[test]
fn trouble_is_said_of_no_order() {
    let wire = ExamplePay::default();
    for (trouble, code) in [(Trouble::AddressRefused, code::UNAUTHORIZED), (Trouble::Maintenance, code::BUSY)] {
        let body = wire.trouble("ask", trouble).unwrap().body;
        assert!(body.contains(&format!("<answer><error>{code}</error><message>")), "{body}");
    }
    assert_eq!(wire.trouble("ask", Trouble::SystemFailure), None);
    assert_eq!(wire.trouble("elsewhere", Trouble::Maintenance), None);
}
