//! Components in OCI registries. What is pulled is loaded like a component from anywhere else: under a permission file,
//! which names its digest or its author's key.

use provider_distribution::{Metadata, RegistryError};
use provider_host::{ComponentFile, Host, Plugin};
use tokio::task::spawn_blocking;

pub use provider_distribution::{Access, ArtifactError, Credentials, Pulled, Reference};

/// Pulls the component at `reference`, no larger than `host` loads one.
///
/// # Errors
///
/// The registry refuses or cannot be reached, or what it sends is not what was asked for.
pub async fn pull(host: &Host, reference: Reference, access: Access) -> Result<Pulled, ArtifactError> {
    let limit = host.limits().component_bytes;
    let registry = reference.registry().to_owned();
    let pulled = spawn_blocking(move || provider_distribution::pull(&reference, limit, access)).await;
    pulled.map_err(|error| broken(registry, &error))?
}

/// Pushes `component`, from which `plugin` was loaded; where it is from now on, with its digest.
///
/// # Errors
///
/// The registry refuses or cannot be reached.
pub async fn push(
    plugin: &Plugin,
    component: ComponentFile,
    reference: Reference,
    access: Access,
) -> Result<Reference, ArtifactError> {
    let metadata = Metadata::of(plugin);
    let registry = reference.registry().to_owned();
    let pushed = spawn_blocking(move || provider_distribution::push(&reference, &component, &metadata, access)).await;
    pushed.map_err(|error| broken(registry, &error))?
}

fn broken(registry: String, error: &tokio::task::JoinError) -> ArtifactError {
    RegistryError::Unreachable { registry, reason: error.to_string() }.into()
}
