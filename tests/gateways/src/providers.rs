//! The providers that can be simulated. A new one is entered here and nowhere else.

use crate::atobarai_com::AtobaraiCom;
use crate::atodene::Atodene;
use crate::example_pay::ExamplePay;
use crate::kuroneko::Kuroneko;
use crate::np::Np;
use crate::score::Score;
use crate::wire::Wire;

/// Makes a provider with its invented merchant.
pub type Make = fn() -> Box<dyn Wire>;

/// Every provider that there is, by the id that its plugin has too.
pub const PROVIDERS: [(&str, Make); 5] = [
    ("atobarai-com", made::<AtobaraiCom>),
    ("np", made::<Np>),
    ("atodene", made::<Atodene>),
    ("score", made::<Score>),
    ("kuroneko", made::<Kuroneko>),
];

/// The provider of the examples, which is invented: no platform offers it.
pub const EXAMPLE: (&str, Make) = ("example-pay", made::<ExamplePay>);

/// [`PROVIDERS`] and [`EXAMPLE`].
pub fn all() -> impl Iterator<Item = (&'static str, Make)> {
    PROVIDERS.into_iter().chain([EXAMPLE])
}

/// The provider with this id, as its invented merchant meets it.
pub fn by_id(id: &str) -> Option<Box<dyn Wire>> {
    all().find(|(known, _)| *known == id).map(|(_, make)| make())
}

fn made<W: Wire + Default>() -> Box<dyn Wire> {
    Box::new(W::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_says_who_it_is_and_whom_it_knows() {
        for (id, _) in all() {
            let wire = by_id(id).unwrap();
            assert!(!wire.name().is_empty() && !wire.merchant().is_empty(), "{id}");
            assert!(wire.base().is_empty() || wire.base().starts_with('/') && !wire.base().ends_with('/'), "{id}");
        }
        assert!(by_id("nobody").is_none());
    }
}
