//! What every request and every page has in common: sessions, forms, headers, the frame of a page, the conditions of the
//! order list. Nothing here knows a page or the API.

pub(super) mod assets;
pub(super) mod download;
pub(super) mod form;
pub(super) mod headers;
pub(super) mod list_query;
pub(super) mod notice;
pub(super) mod nul;
pub(super) mod page;
pub(super) mod refusal;
pub(super) mod response;
pub(super) mod session;
