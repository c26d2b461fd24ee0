//! Compiled components on disk: compiling takes most of a second, loading what was compiled a
//! millisecond.
//!
//! A compiled component is machine code that is run as it is found. So the folder is opened once and used
//! through that handle, even if its path leads elsewhere later; folder and file must belong to this user and be
//! writable by nobody else each time that they are used; and a file's name carries the component's digest, the
//! engine's own mark of compatibility and the limits under which it was accepted. A file begins with a digest of its
//! name and its content: code that a disk has changed, or that was compiled for another name, would be run as well.

use crate::engines::Engines;
use crate::error::BuildError;
use crate::structure::{Structure, structure_limits};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use wasmtime::component::Component;

pub(crate) struct Cache(folder::Folder);

impl Cache {
    /// Opens `folder`, making it if need be; refuses one that others may write.
    pub(crate) fn open(folder: &Path) -> Result<Self, BuildError> {
        let refuse = |reason| BuildError::Cache { path: folder.to_owned(), reason };
        folder::Folder::open(folder).map(Cache).map_err(refuse)
    }

    /// The component with this digest and what it is made of, if it is in the folder.
    pub(crate) fn find(&self, engines: &Engines, digest: &str) -> Option<(Structure, Component)> {
        let name = file_name(engines, digest);
        let unusable = |reason: &dyn std::fmt::Display| tracing::warn!(file = name, %reason, "a compiled plugin is unusable; compiling again");
        let content = self.0.read(&name).inspect_err(|reason| unusable(reason)).ok()??;
        let Some(entry) = Entry::read(&name, &content) else {
            unusable(&"it is not what was written");
            return None;
        };
        let component =
            engines.deserialize(&entry.structure, entry.compiled).inspect_err(|error| unusable(error)).ok()?;
        Some((entry.structure, component))
    }

    /// Keeps the component with this digest, which is made of `structure`, as it was `compiled`.
    pub(crate) fn keep(&self, engines: &Engines, digest: &str, structure: &Structure, compiled: &[u8]) {
        let name = file_name(engines, digest);
        if let Err(reason) = self.0.write(&name, &Entry::write(&name, structure, compiled)) {
            tracing::warn!(file = name, %reason, "a compiled plugin could not be kept; it will be compiled again");
        }
    }
}

/// Bytes of the checksum at the beginning of an entry.
const CHECKSUM: usize = 4;

/// A file of the cache: the checksum of its name and of all that follows, the length of what the component is made of,
/// that itself, so that it need not be read again, and the machine code.
struct Entry<'a> {
    structure: Structure,
    compiled: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry `name`, if its `content` is what was written.
    fn read(name: &str, content: &'a [u8]) -> Option<Self> {
        let (written, rest) = content.split_first_chunk::<CHECKSUM>()?;
        if *written != checksum(name, rest) {
            return None;
        }
        let (length, rest) = rest.split_first_chunk()?;
        let (structure, compiled) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        Some(Self { structure: serde_json::from_slice(structure).ok()?, compiled })
    }

    fn write(name: &str, structure: &Structure, compiled: &[u8]) -> Vec<u8> {
        let structure = serde_json::to_vec(structure).unwrap_or_default();
        let length = u32::try_from(structure.len()).unwrap_or_default();
        let rest = [&length.to_le_bytes(), &structure[..], compiled].concat();
        [&checksum(name, &rest)[..], &rest].concat()
    }
}

/// What the entry `name` begins with where `rest` follows. It tells a file that was damaged, or that lies under
/// another's name. Who may write here could compute any digest as well: that only this user may is what the folder and the
/// file are checked for.
fn checksum(name: &str, rest: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(name.as_bytes());
    hasher.update(rest);
    hasher.finalize().to_le_bytes()
}

/// The name of an entry: what was kept under other limits on the parts of a component, or by an engine with another
/// configuration, has another.
fn file_name(engines: &Engines, digest: &str) -> String {
    let mut hasher = DefaultHasher::new();
    engines.compiler().precompile_compatibility_hash().hash(&mut hasher);
    structure_limits().for_each(|limit| limit.hash(&mut hasher));
    format!("{digest}-{:016x}.cwasm", hasher.finish())
}

#[cfg(unix)]
mod folder {
    use crate::error::CacheError;
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

    /// A folder that this user owns, by the handle with which it was opened.
    pub(super) struct Folder(OwnedFd);

    impl Folder {
        /// Opens the folder `path`, making it if need be.
        pub(super) fn open(path: &Path) -> Result<Self, CacheError> {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            check_parents(path)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = open(path, flags, Mode::empty()).map_err(|errno| match errno {
                Errno::NOTDIR | Errno::LOOP => CacheError::NotAFolder,
                other => io(other),
            })?;
            let folder = Self(opened);
            folder.check().map(|()| folder)
        }

        fn check(&self) -> Result<(), CacheError> {
            check_owner(&fstat(&self.0).map_err(io)?)
        }

        /// The content of the file `name`; nothing if there is none.
        pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, CacheError> {
            self.check()?;
            // A link is not followed, and a pipe is not waited for.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.0, name, flags, Mode::empty()) {
                Ok(file) => file,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP) => return Err(CacheError::NotAFile),
                Err(other) => return Err(io(other)),
            };
            let facts = fstat(&file).map_err(io)?;
            if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
                return Err(CacheError::NotAFile);
            }
            check_owner(&facts)?;
            let mut content = Vec::new();
            File::from(file).read_to_end(&mut content)?;
            Ok(Some(content))
        }

        /// Writes the file `name`, whole or not at all: another process may be reading the same name.
        pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), CacheError> {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            self.check()?;
            let unfinished = format!("{name}.{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            // What a process of the same number left that was killed.
            let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&self.0, &unfinished, flags, Mode::RUSR | Mode::WUSR).map_err(io)?;
            let written = File::from(file).write_all(content).map_err(CacheError::from);
            let placed = written.and_then(|()| renameat(self.0.as_fd(), &unfinished, self.0.as_fd(), name).map_err(io));
            placed.inspect_err(|_| {
                let _ = unlinkat(&self.0, &unfinished, AtFlags::empty());
            })
        }
    }

    fn io(errno: Errno) -> CacheError {
        CacheError::Io(errno.into())
    }

    /// Refuses a file or folder unless this user owns it and only this user may write it.
    fn check_owner(facts: &Stat) -> Result<(), CacheError> {
        if facts.st_uid != rustix::process::geteuid().as_raw() {
            Err(CacheError::OtherOwner)
        } else if facts.st_mode & WRITE != 0 {
            Err(CacheError::Writable)
        } else {
            Ok(())
        }
    }

    /// Refuses a path on which another user can replace the folder before it is opened.
    /// A group may write the folders above: many systems give every user a group of their own, and what a
    /// member puts there is still not this user's.
    fn check_parents(path: &Path) -> Result<(), CacheError> {
        let own = rustix::process::geteuid().as_raw();
        let real = path.canonicalize()?;
        for parent in real.ancestors().skip(1) {
            let facts = parent.metadata()?;
            let mode = facts.permissions().mode();
            if ![own, 0].contains(&facts.uid()) {
                return Err(CacheError::ParentOtherOwner(parent.to_owned()));
            }
            if mode & 0o002 != 0 && mode & STICKY == 0 {
                return Err(CacheError::ParentWritable(parent.to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod folder {
    use crate::error::CacheError;
    use std::path::Path;

    /// There is none: only Unix systems say who may write a folder.
    pub(super) enum Folder {}

    impl Folder {
        pub(super) fn open(_path: &Path) -> Result<Self, CacheError> {
            Err(CacheError::Unsupported)
        }

        pub(super) fn read(&self, _name: &str) -> Result<Option<Vec<u8>>, CacheError> {
            match *self {}
        }

        pub(super) fn write(&self, _name: &str, _content: &[u8]) -> Result<(), CacheError> {
            match *self {}
        }
    }
}
