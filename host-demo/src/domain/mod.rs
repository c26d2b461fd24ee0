//! What an order, a mall and a credit state are, and the rules that need nothing else: no input, no output.

pub mod clock;
pub mod credit_state;
pub mod digest;
pub mod identifier;
pub mod issue;
pub mod lang;
pub mod mall;
pub mod name;
pub mod normalize;
pub mod order;
