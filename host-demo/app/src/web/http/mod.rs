//! What every request and every page has in common: sessions, forms, headers, the frame of a page, the conditions of the
//! order list. Nothing here knows a page or the API.

pub mod assets;
pub mod download;
pub mod form;
pub mod headers;
pub mod list_query;
pub mod notice;
pub mod nul;
pub mod page;
pub mod refusal;
pub mod response;
pub mod session;
