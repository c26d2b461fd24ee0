//! What the real company would hold: every registration and what became of it. Tests read it as
//! the truth, whatever a client was or was not told.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::verdicts::{Script, Verdict};

/// Most registrations one ledger holds: far more than any test sends, and it keeps a client that
/// loops from filling the memory.
pub const MAX_REGISTRATIONS: usize = 1_000_000;

/// Refusals kept, the newest; enough for any test that looks for one.
pub const MAX_REFUSALS: usize = 10_000;

/// Characters kept of each text of a refusal. What was refused may have been of any length.
pub const MAX_REFUSAL_TEXT: usize = 200;

/// Everything that a gateway has recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// By transaction id. Where the gateway counts its ids, this is the order in which they were
    /// made; クロネコ has none of its own and goes by the shop's.
    pub registrations: BTreeMap<String, Registration>,
    /// The newest [`MAX_REFUSALS`] problems that were answered.
    pub refusals: VecDeque<Refusal>,
}

/// One claim on one buyer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The gateway's own id.
    pub transaction_id: String,
    /// The shop's id; empty where it gave none.
    pub reference: String,
    /// Whole yen, tax included.
    pub billed_amount: i64,
    /// The buyer's name.
    pub buyer: String,
    /// The day of the order, as the wire writes it.
    pub ordered: String,
    /// The invoice goes into the parcel (同梱).
    pub enclosed: bool,
    /// Where the credit check stands, as the last answer about it said.
    pub verdict: Verdict,
    /// What becomes of it.
    pub script: Script,
    /// How often its verdict was asked for.
    pub asks: u32,
    /// Withdrawn by the shop.
    pub cancelled: bool,
    /// Tracking, once registered.
    pub shipment: Option<Shipment>,
    /// The day on which the buyer paid, `yyyy-MM-dd`. No call reports it, so only
    /// [`Gateway::edit_ledger`](crate::Gateway::edit_ledger) sets it.
    pub paid: Option<String>,
}

/// Tracking of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// The carrier in the provider's own code.
    pub carrier: String,
    /// 伝票番号
    pub slip: String,
}

/// Something that the gateway refused: a request, or one row of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The operation, in the wire's own name.
    pub operation: String,
    /// The reference or transaction id it was about; empty where none was given.
    pub about: String,
    /// The provider's code.
    pub code: String,
    /// The provider's words.
    pub message: String,
}

impl Registration {
    /// A credit that the company would bill: neither cancelled nor rejected.
    pub fn is_live(&self) -> bool {
        !self.cancelled && self.verdict != Verdict::Rejected
    }

    /// Counts a question about the verdict and moves it on.
    pub fn ask(&mut self) -> Verdict {
        self.asks += 1;
        self.verdict = self.script.verdict(self.asks);
        self.verdict
    }
}

impl Ledger {
    /// Records a registration under a new id, which `id` makes of its number, counted from 1.
    /// `None` if the ledger is full.
    pub fn register(&mut self, id: impl Fn(usize) -> String, new: NewRegistration) -> Option<&Registration> {
        let number = self.registrations.len() + 1;
        if number > MAX_REGISTRATIONS {
            return None;
        }
        let transaction_id = id(number);
        let registration = Registration {
            transaction_id: transaction_id.clone(),
            reference: new.reference,
            billed_amount: new.billed_amount,
            buyer: new.buyer,
            ordered: new.ordered,
            enclosed: new.enclosed,
            verdict: new.script.verdict(0),
            script: new.script,
            asks: 0,
            cancelled: false,
            shipment: None,
            paid: None,
        };
        Some(self.registrations.entry(transaction_id).or_insert(registration))
    }

    /// Records that something was refused.
    pub fn refuse(&mut self, mut refusal: Refusal) {
        cut(&mut refusal.about);
        cut(&mut refusal.message);
        if self.refusals.len() == MAX_REFUSALS {
            self.refusals.pop_front();
        }
        self.refusals.push_back(refusal);
    }

    /// The registration with this transaction id.
    pub fn find(&self, transaction_id: &str) -> Option<&Registration> {
        self.registrations.get(transaction_id)
    }

    /// Everything registered under this reference, in the order of the ids.
    pub fn by_reference<'a>(&'a self, reference: &'a str) -> impl Iterator<Item = &'a Registration> {
        self.registrations.values().filter(move |registration| registration.reference == reference)
    }

    /// Every credit that the company would bill, in the order of the ids.
    pub fn live(&self) -> impl Iterator<Item = &Registration> {
        self.registrations.values().filter(|registration| registration.is_live())
    }

    /// References that were registered more than once, and how often; cancelled ones count too.
    pub fn repeated(&self) -> BTreeMap<&str, usize> {
        more_than_once(self.registrations.values())
    }

    /// References with more than one **live** credit, and how many: what must never be.
    pub fn doubled(&self) -> BTreeMap<&str, usize> {
        more_than_once(self.live())
    }
}

/// What a provider knows of an order when it is registered.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// The shop's id; empty where it gave none.
    pub reference: String,
    /// Whole yen, tax included.
    pub billed_amount: i64,
    /// The buyer's name.
    pub buyer: String,
    /// The day of the order, as the wire writes it.
    pub ordered: String,
    /// The invoice goes into the parcel (同梱).
    pub enclosed: bool,
    /// What becomes of it.
    pub script: Script,
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_REFUSAL_TEXT) {
        text.truncate(end);
    }
}

fn more_than_once<'a>(registrations: impl Iterator<Item = &'a Registration>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for registration in registrations {
        *counts.entry(registration.reference.as_str()).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(ledger: &mut Ledger, reference: &str, verdict: Verdict) -> String {
        let new = NewRegistration {
            reference: reference.to_owned(),
            billed_amount: 1_000,
            buyer: "山田 花子".to_owned(),
            ordered: "2026-04-01".to_owned(),
            enclosed: false,
            script: Script::stays(verdict),
        };
        ledger.register(|number| format!("T{number:04}"), new).unwrap().transaction_id.clone()
    }

    #[test]
    fn a_repeat_after_a_cancel_or_a_rejection_is_not_doubled() {
        let mut ledger = Ledger::default();
        let first = register(&mut ledger, "A", Verdict::Approved);
        ledger.registrations.get_mut(&first).unwrap().cancelled = true;
        register(&mut ledger, "A", Verdict::Rejected);
        register(&mut ledger, "A", Verdict::UnderReview);
        assert_eq!(ledger.repeated(), BTreeMap::from([("A", 3)]));
        assert_eq!(ledger.doubled(), BTreeMap::new());
        register(&mut ledger, "A", Verdict::Unknown);
        assert_eq!(ledger.doubled(), BTreeMap::from([("A", 2)]));
    }

    #[test]
    fn what_is_kept_of_a_refusal_is_bounded() {
        let mut ledger = Ledger::default();
        let long = "不".repeat(MAX_REFUSAL_TEXT + 1);
        let refusal = Refusal { operation: String::new(), about: long.clone(), code: String::new(), message: long };
        (0..=MAX_REFUSALS).for_each(|_| ledger.refuse(refusal.clone()));
        assert_eq!(ledger.refusals.len(), MAX_REFUSALS);
        let kept = &ledger.refusals[0];
        assert_eq!([&kept.about, &kept.message].map(|text| text.chars().count()), [MAX_REFUSAL_TEXT; 2]);
    }

    #[test]
    fn it_survives_json() {
        let mut ledger = Ledger::default();
        register(&mut ledger, "A", Verdict::Approved);
        ledger.refuse(Refusal {
            operation: "cancel".to_owned(),
            about: "T0001".to_owned(),
            code: "E1".to_owned(),
            message: "不可".to_owned(),
        });
        let json = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&json).unwrap(), ledger);
    }
}
