//! Compiled components on disk: compiling takes most of a second, loading what was compiled a
//! millisecond.
//!
//! A compiled component is machine code that is run as it is found. So the folder is opened once and used
//! through that handle, whatever its path leads to later; folder and file must belong to this user and be
//! writable by nobody else each time that they are used; and a file's name carries the component's digest and
//! the engine's own mark of compatibility.

use crate::error::{BuildError, CompileError};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) struct Cache(folder::Folder);

impl Cache {
    /// Opens `folder`, making it if need be; refuses one that others may write.
    pub(crate) fn open(folder: &Path) -> Result<Self, BuildError> {
        let refuse = |reason: String| BuildError::Cache { path: folder.to_owned(), reason };
        folder::Folder::open(folder).map(Cache).map_err(refuse)
    }

    /// The component with this digest, from the folder if it is there, else as `compile` makes it.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &str,
        compile: impl FnOnce() -> Result<Vec<u8>, CompileError>,
    ) -> Result<Component, CompileError> {
        let name = format!("{digest}-{:016x}.cwasm", compatibility(engine));
        if let Some(component) = self.find(engine, &name) {
            return Ok(component);
        }
        let compiled = compile()?;
        if let Err(reason) = self.0.write(&name, &compiled) {
            tracing::warn!(file = name, reason, "a compiled plugin could not be kept; it will be compiled again");
        }
        deserialize(engine, &compiled)
    }

    fn find(&self, engine: &Engine, name: &str) -> Option<Component> {
        let unusable =
            |reason: &str| tracing::warn!(file = name, reason, "a compiled plugin is unusable; compiling again");
        let compiled = self.0.read(name).inspect_err(|reason| unusable(reason)).ok()??;
        deserialize(engine, &compiled).inspect_err(|error| unusable(&error.to_string())).ok()
    }
}

/// The component that `compiled` is: what this engine, or a process of ours with the same one, made of it.
pub(crate) fn deserialize(engine: &Engine, compiled: &[u8]) -> Result<Component, CompileError> {
    // SAFETY: these bytes come from a compiler of ours: a moment ago, or from a file that only this user
    // can have written.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, compiled) };
    component.map_err(|error| CompileError::Process(error.root_cause().to_string()))
}

fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[cfg(unix)]
mod folder {
    use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, open, openat, renameat, unlinkat};
    use rustix::io::Errno;
    use std::fs::{DirBuilder, File};
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// What group and others may not do.
    const WRITE: u32 = 0o022;
    /// In such a folder others can neither rename nor remove what is not theirs, as in `/tmp`.
    const STICKY: u32 = 0o1000;

    /// A folder of ours, by the handle with which it was opened.
    pub(super) struct Folder(OwnedFd);

    impl Folder {
        /// Opens the folder `path`, making it if need be.
        pub(super) fn open(path: &Path) -> Result<Self, String> {
            let words = |error: std::io::Error| error.to_string();
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(words)?;
            check_parents(path)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = open(path, flags, Mode::empty()).map_err(|errno| match errno {
                Errno::NOTDIR | Errno::LOOP => "it is a link or a file; name the folder itself".to_owned(),
                other => other.to_string(),
            })?;
            let folder = Folder(opened);
            folder.check().map(|()| folder)
        }

        fn check(&self) -> Result<(), String> {
            ours(&fstat(&self.0).map_err(|errno| errno.to_string())?)
        }

        /// The content of the file `name`; nothing if there is none.
        pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
            self.check()?;
            // A link is not followed, and a pipe is not waited for.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.0, name, flags, Mode::empty()) {
                Ok(file) => file,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP) => return Err("it is a link".to_owned()),
                Err(other) => return Err(other.to_string()),
            };
            let facts = fstat(&file).map_err(|errno| errno.to_string())?;
            if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
                return Err("it is not a file".to_owned());
            }
            ours(&facts)?;
            let mut content = Vec::new();
            File::from(file).read_to_end(&mut content).map_err(|error| error.to_string())?;
            Ok(Some(content))
        }

        /// Writes the file `name`, whole or not at all: another process may be reading the same name.
        pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), String> {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            self.check()?;
            let unfinished = format!("{name}.{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            // What a process of the same number left that was killed.
            let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file =
                openat(&self.0, &unfinished, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| errno.to_string())?;
            let written = File::from(file).write_all(content).map_err(|error| error.to_string());
            let placed = written.and_then(|()| {
                renameat(self.0.as_fd(), &unfinished, self.0.as_fd(), name).map_err(|errno| errno.to_string())
            });
            placed.inspect_err(|_| {
                let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
            })
        }
    }

    /// Whether a file or folder is this user's and writable by nobody else.
    fn ours(facts: &Stat) -> Result<(), String> {
        if facts.st_uid != rustix::process::geteuid().as_raw() {
            Err("it belongs to another user; choose a folder of your own".to_owned())
        } else if facts.st_mode & WRITE != 0 {
            Err("others may write it; run chmod go-w on it".to_owned())
        } else {
            Ok(())
        }
    }

    /// Refuses a path on which somebody else can put another folder in this one's place before it is opened.
    /// A group may write the folders above: many systems give every user a group of their own, and what a
    /// member puts there is still not this user's.
    fn check_parents(path: &Path) -> Result<(), String> {
        let own = rustix::process::geteuid().as_raw();
        let real = path.canonicalize().map_err(|error| error.to_string())?;
        for parent in real.ancestors().skip(1) {
            let facts = parent.metadata().map_err(|error| format!("{}: {error}", parent.display()))?;
            let mode = facts.permissions().mode();
            if ![own, 0].contains(&facts.uid()) {
                return Err(format!("{} above it belongs to another user; choose another folder", parent.display()));
            }
            if mode & 0o002 != 0 && mode & STICKY == 0 {
                return Err(format!("everybody may write {} above it; run chmod o-w on it", parent.display()));
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod folder {
    use std::path::Path;

    /// There is none: only Unix systems say who may write a folder.
    pub(super) enum Folder {}

    impl Folder {
        pub(super) fn open(_path: &Path) -> Result<Self, String> {
            Err("only Unix systems say who may write a folder; leave the cache out".to_owned())
        }

        pub(super) fn read(&self, _name: &str) -> Result<Option<Vec<u8>>, String> {
            match *self {}
        }

        pub(super) fn write(&self, _name: &str, _content: &[u8]) -> Result<(), String> {
            match *self {}
        }
    }
}
