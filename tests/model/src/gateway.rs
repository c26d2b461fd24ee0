//! A gateway: a list of registrations.

/// Where a credit check stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// 与信OK
    Approved,
    /// 与信NG
    Rejected,
    /// 審査中
    UnderReview,
    /// 保留
    OnHold,
    /// A verdict that nobody knows.
    Other,
}

/// One claim on one buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The gateway's own id.
    pub id: String,
    /// The platform's name for it.
    pub reference: String,
    /// Whole yen.
    pub amount: i64,
    /// As the last answer about it said.
    pub verdict: Verdict,
    /// How often it was asked about.
    pub asks: usize,
    /// Withdrawn by the shop.
    pub cancelled: bool,
    /// The tracking number, once reported.
    pub slip: Option<String>,
}

impl Registration {
    /// A credit that the company would bill.
    pub fn is_live(&self) -> bool {
        !self.cancelled && self.verdict != Verdict::Rejected
    }
}

/// A provider that decides at once, or, where a review was opened, at the question of this number.
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    /// In the order in which they were made.
    pub registrations: Vec<Registration>,
}

impl Gateway {
    /// Records a registration; its id.
    pub fn register(&mut self, reference: &str, amount: i64, verdict: Verdict) -> String {
        let id = format!("T{}", self.registrations.len() + 1);
        let (reference, cancelled, slip) = (reference.to_owned(), false, None);
        self.registrations.push(Registration { id: id.clone(), reference, amount, verdict, asks: 0, cancelled, slip });
        id
    }

    /// The registration with this id; where none is given, the first under this reference.
    pub fn find(&mut self, reference: &str, id: Option<&str>) -> Option<&mut Registration> {
        self.registrations.iter_mut().find(|held| match id {
            Some(id) => held.id == id,
            None => held.reference == reference,
        })
    }

    /// Asks about a registration. A review ends with an approval at the question `decided_at`.
    pub fn ask(&mut self, reference: &str, id: Option<&str>, decided_at: usize) -> Option<&Registration> {
        let held = self.find(reference, id)?;
        held.asks += 1;
        if held.verdict == Verdict::UnderReview && held.asks >= decided_at {
            held.verdict = Verdict::Approved;
        }
        Some(held)
    }

    /// Withdraws a registration; false if there is none.
    pub fn cancel(&mut self, reference: &str, id: Option<&str>) -> bool {
        self.find(reference, id).map(|held| held.cancelled = true).is_some()
    }

    /// Records a tracking number; false if there is no such registration.
    pub fn ship(&mut self, reference: &str, id: Option<&str>, slip: &str) -> bool {
        self.find(reference, id).map(|held| held.slip = Some(slip.to_owned())).is_some()
    }

    /// Every credit that the company would bill.
    pub fn live(&self) -> impl Iterator<Item = &Registration> {
        self.registrations.iter().filter(|held| held.is_live())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_live_until_it_is_rejected_or_cancelled() {
        let mut gateway = Gateway::default();
        let id = gateway.register("R-1", 100, Verdict::UnderReview);
        gateway.register("R-2", 100, Verdict::Rejected);
        assert_eq!(gateway.live().count(), 1);
        assert_eq!(gateway.ask("R-1", None, 2).unwrap().verdict, Verdict::UnderReview);
        assert_eq!(gateway.ask("R-1", Some(&id), 2).unwrap().verdict, Verdict::Approved);
        assert!(gateway.ship("R-1", None, "123") && gateway.cancel("R-1", None));
        assert!(!gateway.cancel("R-1", Some("T9")) && gateway.live().count() == 0);
    }
}
