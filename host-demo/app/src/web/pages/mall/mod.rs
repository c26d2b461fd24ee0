//! Malls: the list, and the form of one mall.

pub(crate) mod edit;
mod form;
pub(crate) mod list;
pub(crate) mod mapping;
mod save;
mod unsaved;
mod view;
