//! From a compiled crate to a component.

use anyhow::{Context, Result};
use std::path::Path;
use wit_component::ComponentEncoder;

/// Encodes the core module in `module` as a component and writes it to `component`; its size in bytes.
pub fn encode(module: &Path, component: &Path) -> Result<usize> {
    let bytes = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    encode_module(&bytes, None, component).with_context(|| format!("cannot make a component of {}", module.display()))
}

/// Encodes the core module `module`, with an adapter of that name for what it imports, and writes it to `component`; its
/// size in bytes.
pub(crate) fn encode_module(module: &[u8], adapter: Option<(&str, &[u8])>, component: &Path) -> Result<usize> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(module)?;
    if let Some((name, adapter)) = adapter {
        encoder.adapter(name, adapter)?;
    }
    let encoded = encoder.encode()?;
    // Only if it changed: a new time would make a platform that watches the folder look twice.
    if std::fs::read(component).ok().as_deref() != Some(&encoded) {
        std::fs::write(component, &encoded).with_context(|| format!("cannot write {}", component.display()))?;
    }
    Ok(encoded.len())
}
