//! The shop that the simulator of each gateway knows, as a plugin is told of it.

use provider_sdk::samples::order;
use provider_sdk::types::Order;

/// A shop at one provider.
pub struct Shop {
    /// The provider's id.
    pub id: &'static str,
    /// Its settings, but for the address of the gateway.
    pub credentials: &'static [(&'static str, &'static str)],
    /// A carrier that the provider takes.
    pub carrier: &'static str,
}

/// At 後払い.com.
pub const ATOBARAI_COM: Shop = Shop {
    id: "atobarai-com",
    credentials: &[("enterprise-id", "12345"), ("site-id", "678"), ("api-user-id", "90")],
    carrier: "sagawa",
};
/// At NP後払い.
pub const NP: Shop = Shop {
    id: "np",
    credentials: &[("merchant-code", "9900001"), ("sp-code", "sp9900001"), ("terminal-id", "9000000001")],
    carrier: "sagawa",
};
/// At アトディーネ.
pub const ATODENE: Shop = Shop {
    id: "atodene",
    credentials: &[("shop-code", "A12345678901"), ("link-password", "link-pass-01")],
    carrier: "sagawa",
};
/// At スコア後払い.
pub const SCORE: Shop = Shop {
    id: "score",
    credentials: &[("shop-code", "S12345678"), ("shop-password", "shop-pass-01"), ("terminal-id", "T001")],
    carrier: "sagawa",
};
/// At クロネコ代金後払い.
pub const KURONEKO: Shop = Shop {
    id: "kuroneko",
    credentials: &[("merchant-code", "99000000001"), ("password", "mihon123")],
    carrier: "yamato",
};

/// All of them.
pub const SHOPS: [Shop; 5] = [ATOBARAI_COM, NP, ATODENE, SCORE, KURONEKO];

/// An ordinary order under this reference, with the mail address that 後払い.com asks for.
pub fn named(reference: &str) -> Order {
    let mut order = Order { reference: reference.to_owned(), ..order() };
    order.buyer.email = Some("hanako@example.jp".to_owned());
    order
}
