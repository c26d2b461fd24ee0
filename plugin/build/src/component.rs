//! From a compiled crate to a component.

use anyhow::{Context, Result};
use std::path::Path;
use wit_component::ComponentEncoder;

/// Encodes the core module in `module` as a component and writes it to `component`; its size in bytes.
pub fn encode(module: &Path, component: &Path) -> Result<usize> {
    let bytes = std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("cannot make a component of {}", module.display()))?;
    // Only if it changed: a new time would make a platform that watches the folder look twice.
    if std::fs::read(component).ok().as_deref() != Some(&encoded) {
        std::fs::write(component, &encoded).with_context(|| format!("cannot write {}", component.display()))?;
    }
    Ok(encoded.len())
}
