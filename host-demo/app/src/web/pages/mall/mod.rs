//! Malls: the list, and the form of one mall.

pub mod edit;
mod form;
pub mod list;
mod save;
mod unsaved;
mod view;
