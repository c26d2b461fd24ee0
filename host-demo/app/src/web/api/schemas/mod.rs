//! Shapes that several calls of the API share.
//!
//! They are types of the API alone: what the platform calls something inside may change without a change for callers,
//! and a schema's name is chosen for those who read the document. Each is converted from (or into) what the platform
//! has by an exhaustive match, so that a new state or event does not compile until the API has it.

pub(super) mod administration;
pub(super) mod enums;
pub(super) mod mall;
pub(super) mod order;
