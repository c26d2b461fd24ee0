//! A component as an artifact of a registry, by the conventions of wasm packages.

use crate::reference::{Reference, is_digest};
use crate::registry::{Access, RegistryError, Repository, Sending};
use provider_host::{ComponentFile, Plugin};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";
/// The annotation with the signature, in minisign's format.
const SIGNATURE: &str = "deferred-payment.provider.minisig";
/// A manifest with a configuration, a layer and a dozen annotations is some KiB.
const MAX_MANIFEST_BYTES: u64 = 256 << 10;

/// What a registry shows of a plugin; nobody decides anything by it.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// Id of the provider.
    pub id: String,
    /// Version of the plugin.
    pub version: String,
    /// What it is called, in English.
    pub title: String,
    /// The interfaces that it imports.
    pub imports: Vec<String>,
}

impl Metadata {
    /// What `plugin` says of itself.
    pub fn of(plugin: &Plugin) -> Self {
        let (info, facts) = (plugin.info(), plugin.facts());
        Self {
            id: info.id.clone(),
            version: info.version.clone(),
            title: info.name.en.clone(),
            imports: facts.imports.clone(),
        }
    }
}

/// An artifact that was pulled.
#[derive(Debug)]
pub struct Pulled {
    /// Where it came from, with the digest of its manifest.
    pub origin: Reference,
    /// The component with its signature.
    pub component: ComponentFile,
}

/// An artifact was not pushed or pulled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The registry did not do what it was asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What the registry sent is not what was asked for.
    #[error(
        "{what} of {reference} has the digest {found}, but {expected} was asked for; the registry sends another file"
    )]
    Digest {
        /// The artifact.
        reference: String,
        /// The part of it.
        what: &'static str,
        /// The digest that it has to have.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// It is no wasm package with one component.
    #[error("{reference} is not a plugin: {reason}")]
    NotAPlugin {
        /// The artifact.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

impl Descriptor {
    fn of(media_type: &str, content: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: digest(content), size: content.len() as u64 }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: Option<String>,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// The configuration of a wasm package.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [String; 1],
    component: ConfigComponent<'a>,
}

#[derive(Serialize)]
struct ConfigComponent<'a> {
    exports: [&'static str; 0],
    imports: &'a [String],
    target: Option<String>,
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

/// Pushes `component` under the tag of `reference`; where it is, pinned to its digest. The same component with the same
/// signature has the same digest each time.
///
/// # Errors
///
/// The registry refuses, or sends requests elsewhere.
pub fn push(
    reference: &Reference,
    component: &ComponentFile,
    metadata: &Metadata,
    access: Access,
) -> Result<Reference, ArtifactError> {
    let repository = Repository::new(reference, access)?;
    let layer = Descriptor::of(LAYER_TYPE, &component.bytes);
    let config = json(&Config {
        // A time of its own would give the same component another digest each time.
        created: "1970-01-01T00:00:00Z",
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [layer.digest.clone()],
        component: ConfigComponent { exports: [], imports: &metadata.imports, target: None },
    });
    let config_descriptor = Descriptor::of(CONFIG_TYPE, &config);
    for (descriptor, content) in [(&layer, &component.bytes), (&config_descriptor, &config)] {
        if !repository.has(&format!("blobs/{}", descriptor.digest))? {
            repository.upload(&descriptor.digest, content)?;
        }
    }
    let annotations = [
        ("org.opencontainers.image.title", Some(&metadata.id)),
        ("org.opencontainers.image.description", Some(&metadata.title)),
        ("org.opencontainers.image.version", Some(&metadata.version)),
        (SIGNATURE, component.signature.as_ref()),
    ];
    let annotations = annotations.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
    let manifest = json(&Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST_TYPE.to_owned()),
        config: config_descriptor,
        layers: vec![layer],
        annotations: annotations.collect(),
    });
    repository
        .put(&format!("manifests/{}", reference.tag()), Sending { media_type: MANIFEST_TYPE, body: &manifest })?;
    Ok(reference.pinned(&digest(&manifest)))
}

/// Pulls the component at `reference`, of at most `limit` bytes.
///
/// # Errors
///
/// The registry refuses or cannot be reached, or what it sends is too large, has another digest or is no plugin.
pub fn pull(reference: &Reference, limit: u64, access: Access) -> Result<Pulled, ArtifactError> {
    let repository = Repository::new(reference, access)?;
    let not_a_plugin = |reason: String| ArtifactError::NotAPlugin { reference: reference.to_string(), reason };
    let manifest =
        repository.manifest(&format!("manifests/{}", reference.version()), MANIFEST_TYPE, MAX_MANIFEST_BYTES)?;
    let found = digest(&manifest);
    same(reference, "the manifest", reference.digest().unwrap_or(&found), &found)?;
    let Layer { digest: expected, size, signature } = Layer::read(&manifest, limit).map_err(not_a_plugin)?;
    let bytes = repository.blob(&format!("blobs/{expected}"), LAYER_TYPE, size)?;
    same(reference, "the component", &expected, &digest(&bytes))?;
    Ok(Pulled { origin: reference.pinned(&found), component: ComponentFile { bytes, signature } })
}

/// What a manifest says of the one component that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `sha256:` and 64 digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
    /// In minisign's format.
    pub signature: Option<String>,
}

impl Layer {
    /// Reads a manifest; its component has `limit` bytes at most.
    ///
    /// # Errors
    ///
    /// Why it is no manifest of a wasm package with one component.
    pub fn read(manifest: &[u8], limit: u64) -> Result<Self, String> {
        let Manifest { config, layers, mut annotations, .. } =
            serde_json::from_slice(manifest).map_err(|error| format!("its manifest cannot be read: {error}"))?;
        let [layer] = <[Descriptor; 1]>::try_from(layers)
            .map_err(|layers| format!("it has {} layers instead of one", layers.len()))?;
        for (descriptor, expected) in [(&config, CONFIG_TYPE), (&layer, LAYER_TYPE)] {
            if descriptor.media_type != expected {
                return Err(format!("it has {:?} in the place of {expected}", descriptor.media_type));
            }
        }
        let Descriptor { digest, size, .. } = layer;
        if !is_digest(&digest) {
            return Err(format!("its layer has the digest {digest:?}, which is no SHA-256"));
        }
        if size > limit {
            return Err(format!("its component has {size} bytes; at most {limit} are pulled"));
        }
        Ok(Self { digest, size, signature: annotations.remove(SIGNATURE) })
    }
}

fn same(reference: &Reference, what: &'static str, expected: &str, found: &str) -> Result<(), ArtifactError> {
    if expected == found {
        return Ok(());
    }
    let (reference, expected, found) = (reference.to_string(), expected.to_owned(), found.to_owned());
    Err(ArtifactError::Digest { reference, what, expected, found })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Names, numbers and lists: there is nothing in them that has no form in JSON.
    serde_json::to_vec(value).unwrap_or_default()
}
