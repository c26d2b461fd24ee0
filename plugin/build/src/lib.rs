//! Builds plugins as components, in the languages that they are written in.
//!
//! | module | holds |
//! |---|---|
//! | [`project`] | a plugin's folder: its language, and what it is built with |
//! | [`toolchain`], [`component`] | a compiler for components; from a core module to a component |
//! | `go` | plugins in Go |
//! | [`process`] | running the tools of a language |

#![forbid(unsafe_code)]

pub mod component;
mod go;
pub mod process;
pub mod project;
pub mod toolchain;
