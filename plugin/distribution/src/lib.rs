//! Signs provider plugins, and carries them to and from OCI registries.
//!
//! A plugin in a registry is a wasm package by the common conventions: a manifest with a configuration of the type
//! `application/vnd.wasm.config.v0+json` and one layer of the type `application/wasm`, which other tools read as well.
//! Its signature is an annotation of the manifest.
//!
//! Nothing that a registry says is believed: sizes are bounded, digests compared, credentials sent to the registry
//! alone and never after a redirect. Whom a component comes from is known from its signature, which the host verifies.
//!
//! | module | holds |
//! |---|---|
//! | `signing` | keys, and signatures with the name and version that the host compares |
//! | `reference` | where an artifact is: registry, repository, tag, digest |
//! | `registry` | requests to a registry |
//! | `credentials` | as whom: from settings, or from what `docker login` keeps |
//! | `artifact` | a component as an artifact: pushing and pulling |

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

mod artifact;
mod credentials;
mod reference;
mod registry;
mod signing;

pub use artifact::{ArtifactError, Layer, Metadata, Pulled, pull, push};
pub use credentials::{Credentials, CredentialsError};
pub use reference::{Reference, ReferenceError};
pub use registry::{Access, RegistryError};
pub use signing::{KeyPair, SigningError, SigningKey, generate_key, is_encrypted};
