//! Files that a command is given: reading them, reporting what became of their rows.

use crate::cli::arguments::CsvFile;
use crate::cli::session::Session;
use crate::cli::table::RowProgress;
use anyhow::{Context, Result, bail};
use domain::lang::Lang;
use service::csv::error::InvalidOrder;
use service::csv::limits::MAX_FILE_BYTES;
use service::csv::row_result::RowCounts;
use service::csv::selection::Question;
use service::messages::csv::question_values;
use service::messages::localize::Localize;
use service::results::ResultsError;
use service::transfer::{self, FileImport, FileKind, ImportReport, TransferError};
use std::collections::BTreeSet;
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
pub(super) fn print_counts(session: &Session, file: &Path, refused: &[InvalidOrder], counts: &RowCounts) {
    for invalid in refused {
        eprintln!("{}", invalid.localized_in(&file.to_string_lossy(), session.lang));
    }
    println!("{}", counts.localized(session.lang));
}

/// How a file of orders is imported.
#[derive(Default)]
pub(super) struct OrderChoice<'a> {
    /// Orders that are in the store are corrected.
    pub(super) correct: bool,
    /// Which orders are taken.
    pub(super) take: &'a [String],
    /// The preset by which the file is read this once.
    pub(super) preset: Option<&'a str>,
}

/// Reads a CSV file and imports it, or says what that would do.
pub(super) async fn import_file(
    session: &Session,
    file: &CsvFile,
    kind: FileKind,
    orders: OrderChoice<'_>,
) -> Result<ImportReport> {
    let lang = session.lang;
    let mall = session.mall(&file.mall).await?;
    // Fees of orders are calculated by the plugin; results and findings need none.
    let needed = if kind == FileKind::Orders { BTreeSet::from([mall.provider]) } else { BTreeSet::new() };
    let service = session.credit_service_with(needed).await?;
    let import = FileImport {
        mall: mall.id,
        kind,
        encoding: file.encoding.map(Into::into),
        correct: orders.correct,
        take: orders.take.to_vec(),
        preset: orders.preset.map(str::to_owned),
        bytes: read(&file.file, MAX_FILE_BYTES, lang)?,
    };
    let name = file.file.display();
    let progress = RowProgress::new(lang);
    let imported = transfer::import_file(&service, &import, file.dry_run, &|now| progress.show(now)).await;
    progress.finish();
    match imported {
        Ok(report) => Ok(report),
        Err(TransferError::File(error)) => bail!("{name}: {}", error.localized(lang)),
        Err(TransferError::ChoiceNeeded(question)) => bail!("{name}: {}", question_text(&question, lang)),
        Err(TransferError::NotByCsv(mall)) => bail!("{name}: {}", ResultsError::NotByCsv(mall).localized(lang)),
        Err(error) => Err(error.into()),
    }
}

/// The question which orders are wanted, how often each value occurs, and what to type.
fn question_text(question: &Question, lang: Lang) -> String {
    // As a shell takes it, whatever quotation marks are in it.
    let options = question.answers().map(|answer| format!("  --take '{}'", answer.told().replace('\'', r"'\''")));
    let options = options.collect::<Vec<_>>().join("\n");
    let (words, list) = (question.localized(lang), question_values(question, lang));
    lang.pick(
        format!(
            "{words}\n{list}\n取り込む値を、次のように付けてください（いくつでも）:\n{options}\n\
             モールの設定に [take] として書いておくと、次からは聞きません"
        ),
        format!(
            "{words}\n{list}\nAdd the values that are to be taken, as many as there are:\n{options}\n\
             With [take] in the mall's settings this is not asked again"
        ),
    )
}
