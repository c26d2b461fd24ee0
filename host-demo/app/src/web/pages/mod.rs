//! A module for each page. A page never uses another page; what several of them show is in [`crate::web::parts`].

pub mod account;
pub mod audit;
pub mod batches;
pub mod export;
pub mod import;
pub mod mall;
pub mod order;
pub mod orders;
pub mod providers;
pub mod sign_in;
pub mod start;
pub mod users;
