//! Simulators of deferred-payment gateways: strict about the wire, with a ledger of what the real
//! company would hold and faults that strike on request.
//!
//! * [`Gateway`] serves one provider on a loopback port.
//! * [`wire::Wire`] is a provider: bytes in, ledger changed, bytes out, without a socket. Each
//!   provider is one file, and [`providers::all`] lists them.
//! * [`ledger::Ledger`] is what tests compare a platform's store with.
//! * [`verdicts::MAGIC`] decides an order by the last digits of the buyer's phone number.
//! * [`faults::FAULTS`] is what can go wrong, and when.
//!
//! The simulators are an independent reading of the providers' wire rules: nothing here is shared
//! with the plugins that are tested against them.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use gateways::{Gateway, Options, by_id};
//!
//! let gateway = Gateway::start(by_id("atobarai-com").unwrap(), Options::default()).await?;
//! gateway.plan("drop-answer@order:nth=2".parse().unwrap()).unwrap();
//! // … point a client at gateway.base() …
//! assert_eq!(gateway.ledger().live().count(), 0);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod atobarai_com;
pub mod atodene;
pub mod control;
pub mod example_pay;
pub mod faults;
mod fields;
pub mod kuroneko;
pub mod ledger;
pub mod np;
pub mod providers;
pub mod score;
pub mod server;
pub mod verdicts;
pub mod wire;
mod xml;

pub use faults::{Fault, FaultPlan, When};
pub use ledger::Ledger;
pub use providers::by_id;
pub use server::{Exchange, Gateway, Options, PlanRefused};
pub use wire::{Answer, Received};

use std::str::FromStr;

/// The language of what is printed for people. What goes over the wire does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Lang {
    /// The text of the two that is in this language.
    pub fn pick<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ja" => Ok(Self::Ja),
            "en" => Ok(Self::En),
            _ => Err("ja or en".to_owned()),
        }
    }
}
