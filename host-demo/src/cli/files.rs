//! Files that a command is given: reading them, reporting what became of their rows.

use crate::cli::session::Session;
use crate::domain::issue::Lang;
use crate::service::csv::row_result::FileReport;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::path::Path;

/// A file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64, lang: Lang) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).with_context(|| {
        lang.pick("ファイルを読めません", "cannot read").to_owned() + ": " + &path.to_string_lossy()
    })?;
    if bytes.len() as u64 > limit {
        let words = lang.pick("ファイルが大きすぎます。上限(バイト)", "the file is too large; the limit in bytes is");
        bail!("{}: {words}: {limit}", path.display());
    }
    Ok(bytes)
}

/// Reports a file's refused rows on the error stream, and the number of rows by result.
pub(super) fn print_counts<T>(session: &Session, file: &Path, report: &FileReport<T>) {
    for refused in report.bad() {
        eprintln!("{}", refused.words(&file.to_string_lossy(), session.lang));
    }
    println!("{}", report.counts().words(session.lang));
}
