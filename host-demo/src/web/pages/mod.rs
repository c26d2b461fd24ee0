//! One module for each page. What two of them share is in [`crate::web::parts`].

pub mod account;
pub mod audit;
pub mod batches;
pub mod health;
pub mod import;
pub mod mall;
pub mod order;
pub mod orders;
pub mod providers;
pub mod sign_in;
pub mod start;
pub mod users;
