//! A module for each page. A page never uses another page; what several of them show is in [`crate::web::parts`].

pub(super) mod account;
pub(super) mod audit;
pub(super) mod batches;
pub(super) mod export;
pub(super) mod import;
pub(super) mod mall;
pub(super) mod order;
pub(super) mod orders;
pub(super) mod providers;
pub(super) mod sign_in;
pub(super) mod start;
pub(super) mod tracking;
pub(super) mod users;
