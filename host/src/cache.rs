//! Compiled components on disk: compiling takes most of a second, loading what was compiled a
//! fraction of a millisecond.
//!
//! A compiled component is machine code that is run as it is found. So the folder must belong to
//! this user and be writable by nobody else, and a file's name carries the component's digest and
//! the engine's own mark of compatibility.

use crate::error::BuildError;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens `folder`, making it if need be; refuses one that others may write.
    pub(crate) fn open(folder: &Path) -> Result<Self, BuildError> {
        let refuse = |reason: String| BuildError::Cache { path: folder.to_owned(), reason };
        std::fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
        check_owner(folder).map_err(refuse)?;
        Ok(Cache { folder: folder.to_owned() })
    }

    /// The compiled form of `bytes`, from the folder if it is there.
    pub(crate) fn component(&self, engine: &Engine, bytes: &[u8], digest: &str) -> wasmtime::Result<Component> {
        let file = self.folder.join(format!("{digest}-{:016x}.cwasm", compatibility(engine)));
        if let Some(component) = load(engine, &file) {
            return Ok(component);
        }
        let compiled = engine.precompile_component(bytes)?;
        if let Err(error) = self.keep(&file, &compiled) {
            tracing::warn!(file = %file.display(), %error, "a compiled plugin could not be kept; it will be compiled again");
        }
        // SAFETY: these bytes come from this engine, a moment ago.
        #[allow(unsafe_code)]
        unsafe {
            Component::deserialize(engine, compiled)
        }
    }

    /// Whole or not at all: another process may be reading the same name.
    fn keep(&self, file: &Path, compiled: &[u8]) -> std::io::Result<()> {
        let unfinished = tempfile::NamedTempFile::new_in(&self.folder)?;
        std::fs::write(unfinished.path(), compiled)?;
        unfinished.persist(file)?;
        Ok(())
    }
}

fn load(engine: &Engine, file: &Path) -> Option<Component> {
    if !file.exists() {
        return None;
    }
    // SAFETY: the folder belongs to this user and nobody else may write it, so the file is what
    // `keep` wrote for this digest and this engine.
    #[allow(unsafe_code)]
    let loaded = unsafe { Component::deserialize_file(engine, file) };
    loaded
        .inspect_err(
            |error| tracing::warn!(file = %file.display(), %error, "a compiled plugin is unusable; compiling again"),
        )
        .ok()
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[cfg(unix)]
fn check_owner(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let found = std::fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    // A file made now belongs to whoever runs this process, without asking the system who that is.
    let own = tempfile::NamedTempFile::new_in(folder).and_then(|file| file.as_file().metadata());
    let own = own.map_err(|error| error.to_string())?.uid();
    if !found.is_dir() {
        Err("it is a link or a file; name the folder itself".to_owned())
    } else if found.uid() != own {
        Err("it belongs to another user; choose a folder of your own".to_owned())
    } else if found.permissions().mode() & 0o022 != 0 {
        Err("others may write it; run chmod go-w on it".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn check_owner(_folder: &Path) -> Result<(), String> {
    Err("only Unix systems say who may write a folder; leave the cache out".to_owned())
}
