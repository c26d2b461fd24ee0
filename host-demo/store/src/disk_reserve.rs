//! Room on the disk for results. A claim that still fits on a disk is sent, and its result has to be written when the
//! disk has become full meanwhile; else an answer that was there would be in doubt.
//!
//! A file beside the database takes the room up. Without it nothing is claimed, so nothing is sent. When a result finds
//! no room, the file is given up and the result has its place. PostgreSQL's disk is its server's: nothing is reserved
//! there, and a result that cannot be written leaves its order in doubt.

use crate::location::DatabaseLocation;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are held. A result takes the pages of some rows, and less with others in its transaction: this is enough
/// for those of some hundred orders that are on their way at once.
const RESERVED: usize = 4 * 1024 * 1024;
/// How often it is made while other processes make it as well and give it up.
const ATTEMPTS: usize = 10;

/// The room of a store. Clones share it, and so do all processes of the store.
#[derive(Clone)]
pub(super) struct DiskReserve(Option<Arc<PathBuf>>);

impl DiskReserve {
    /// That of the store at `location`.
    pub(super) fn of(location: &DatabaseLocation) -> Self {
        Self((!location.is_shared()).then(|| Arc::new(location.beside("reserve"))))
    }

    /// Takes the room up, if it is not.
    ///
    /// # Errors
    /// There is not as much.
    pub(super) fn hold(&self) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let mut made = Ok(());
        for _ in 0..ATTEMPTS {
            if fs::metadata(&**path).is_ok_and(|held| held.len() == RESERVED as u64) {
                return Ok(());
            }
            made = make(path);
            // Of two processes that make it at once, the other has given it its name.
            if !made.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
                break;
            }
        }
        // A limit for the size of one file says nothing about the room on the disk.
        made.or_else(|error| if error.kind() == ErrorKind::FileTooLarge { Ok(()) } else { Err(error) })
    }

    /// Gives the room to what has to be written; false if none was held.
    pub(super) fn release(&self) -> bool {
        self.0.as_ref().is_some_and(|path| fs::remove_file(&**path).is_ok())
    }
}

/// It has its name when it is whole. Of two processes that make it at once one may cut the other's short, which the
/// next claim notices by its length.
fn make(path: &Path) -> io::Result<()> {
    let unnamed = path.with_extension("reserve-new");
    let written = File::create(&unnamed).and_then(|mut file| file.write_all(&vec![0; RESERVED]));
    written.and_then(|()| fs::rename(&unnamed, path)).inspect_err(|_| {
        // What was written of it takes room as well.
        let _ = fs::remove_file(&unnamed);
    })
}
