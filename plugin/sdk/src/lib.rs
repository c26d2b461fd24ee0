//! What a deferred-payment (後払い) provider plugin is written with.
//!
//! Implement [`Provider`], call [`export_provider!`], build for `wasm32-unknown-unknown`, encode as
//! a component (`cargo xtask plugins` does both). The crate also builds natively, so everything
//! that a provider decides is tested without wasm; only [`wasi::WasiHttp`] needs a host.
//!
//! | module | holds |
//! |---|---|
//! | [`provider`] | the trait, a call's context, and the macro that exports them |
//! | [`http`] | requests, answers, and the table that sorts transport errors into *not sent* and *outcome unknown* |
//! | [`describe`] | short ways to write a provider's description |
//! | [`settings`] | reading and checking a shop's settings by their description |
//! | [`failure`] | short ways to say what went wrong |
//! | [`fold`] | what orders say, written as gateways know it |
//! | [`checks`] | what can be wrong with an order before it is sent |
//! | [`lines`] | the lines of a bill as they go out: shipping and fees as lines, the rest merged into one, all checked |
//! | [`answer`] | what an answer is worth before its content is read |
//! | [`rows`] | rows of a call, cut into requests and matched with the rows of an answer |
//! | [`form`], [`xml`] | the two encodings the gateways use besides JSON |
//! | [`tree`] | an order as nested elements, each value checked where it is put in |
//! | [`text`], [`japan`] | full-width conversion, counting, Japan's calendar |
//! | [`fees`] | the default rule for 手数料設定 |
//! | [`carriers`] | the fifteen carriers (配送業者) that order platforms offer |
//! | [`scripted`], [`samples`] | a gateway and orders for a provider's own tests (native builds only) |

pub mod answer;
pub mod bindings;
pub mod carriers;
pub mod checks;
pub mod describe;
pub mod failure;
pub mod fees;
pub mod fold;
pub mod form;
pub mod http;
pub mod japan;
pub mod lines;
pub mod provider;
pub mod rows;
#[cfg(not(target_family = "wasm"))]
pub mod samples;
#[cfg(not(target_family = "wasm"))]
pub mod scripted;
pub mod settings;
pub mod text;
pub mod tree;
pub mod wasi;
pub mod xml;

pub use bindings::deferred_payment::provider::fees as fee_types;
pub use bindings::deferred_payment::provider::types;
pub use bindings::exports::deferred_payment::provider::payment_provider as contract;
pub use provider::{Call, Provider};
