//! The mapping of a mall (列の対応): a sample of its export, the file's own headings, and a preview of what would be
//! imported.

pub(crate) mod edit;
mod fields;
mod form;
mod view;
