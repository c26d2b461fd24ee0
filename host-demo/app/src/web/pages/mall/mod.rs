//! Malls: the list, and the form of one mall.

pub(crate) mod edit;
mod form;
pub(crate) mod list;
mod save;
mod unsaved;
mod view;
