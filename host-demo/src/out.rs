//! What the command line writes. The modules of this crate write with `println!` and `eprintln!` as ever; here
//! these are ours, because the standard ones panic when the reader is gone (`… | head -1`).
//!
//! A reader that is gone is no error, and no reason to stop either: what was begun comes to its end unseen.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Why the output is not whole, where it is not for want of a reader: a full disk, for instance.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to the output.
pub fn line(text: Arguments<'_>) {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(LOST.set(error)),
        _ => {}
    }
}

/// Writes a line to the error stream. There is nowhere left to say that it cannot be written.
pub fn complaint(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Why some of the output was lost, if it was.
pub fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// A line of output.
macro_rules! println {
    ($($words:tt)*) => { $crate::out::line(format_args!($($words)*)) };
}

/// A line on the error stream.
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::out::complaint(format_args!($($words)*)) };
}
