//! What every request and every page has, whatever it is about.

pub mod assets;
pub mod form;
pub mod headers;
pub mod nul;
pub mod page;
pub mod session;
