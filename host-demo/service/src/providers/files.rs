//! Files of a plugin folder: each appears as a whole or not at all.

use provider_host::ComponentFile;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

/// When a file was written, and its size; nothing for a file that is not there.
type FileStamp = Option<(SystemTime, u64)>;

/// The files of a plugin, as they were when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    component: FileStamp,
    permissions: FileStamp,
    signature: FileStamp,
}

impl Stamp {
    /// Of the component at `path` and the files beside it.
    pub(crate) fn of(path: &Path) -> Self {
        let stamp = |path: &Path| {
            let facts = std::fs::metadata(path).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        };
        Self {
            component: stamp(path),
            permissions: stamp(&path.with_extension("toml")),
            signature: stamp(&ComponentFile::signature_path(path)),
        }
    }

    /// Whether there is a component with permissions. Not all are signed.
    pub(crate) fn is_plugin(&self) -> bool {
        self.component.is_some() && self.permissions.is_some()
    }
}

/// What a plugin folder has of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginContent {
    /// The component with its signature.
    pub component: ComponentFile,
    /// The text of the permission file.
    pub permissions: String,
}

/// Puts `content` at `path`, the place of the component. The component last: its change is what other processes look
/// for.
pub(crate) fn place(path: &Path, content: &PluginContent) -> io::Result<()> {
    let PluginContent { component: ComponentFile { bytes, signature }, permissions } = content;
    let signature_path = ComponentFile::signature_path(path);
    write_whole(&path.with_extension("toml"), permissions.as_bytes())?;
    match signature {
        Some(signature) => write_whole(&signature_path, signature.as_bytes())?,
        None => remove_if_there(&signature_path)?,
    }
    write_whole(path, bytes)
}

/// Removes the component at `path` and the files beside it. The permission file first: without it nothing is loaded.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let files = [path.with_extension("toml"), path.to_owned(), ComponentFile::signature_path(path)];
    files.iter().try_for_each(|file| remove_if_there(file))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts `content` at `path`.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut unfinished = tempfile::Builder::new().permissions(readable()).tempfile_in(folder)?;
    unfinished.write_all(content)?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(path)?;
    Ok(())
}

/// For other processes of the platform, which may run as other users, as far as the system's mask allows.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}
