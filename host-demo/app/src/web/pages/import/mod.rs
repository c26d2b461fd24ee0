//! The import of files: the form, what becomes of a file, and imports that go on by themselves.

pub(crate) mod form;
mod reply;
pub(crate) mod runs;
