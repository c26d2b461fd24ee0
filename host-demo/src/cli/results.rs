//! `results`: credit results by CSV.

use crate::cli::arguments::{CsvFile, Encoding};
use crate::cli::files::{print_counts, read};
use crate::cli::session::Session;
use crate::domain::credit_state::State;
use crate::service::csv::row_result::FileReport;
use crate::service::csv::table;
use crate::service::csv::table::MAX_FILE_BYTES;
use crate::service::results::{self, ResultsError, left_out_words};
use crate::store::ListQuery;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(super) enum ResultsCommand {
    /// 与信結果を取り込む / take results in
    Import(CsvFile),
    /// 与信結果を書き出す / write results to a file
    Export {
        /// CSVファイル / the CSV file
        file: PathBuf,
        /// モール / the mall
        #[arg(long)]
        mall: String,
        /// 文字コード / encoding
        #[arg(long, value_enum, default_value = "shift_jis")]
        encoding: Encoding,
    },
}

pub(super) async fn run(session: &Session, command: ResultsCommand) -> Result<bool> {
    session.recover().await?;
    let lang = session.lang;
    match command {
        ResultsCommand::Import(CsvFile { file, mall, encoding, dry_run }) => {
            let (mall, bytes) = (session.mall(&mall).await?, read(&file, MAX_FILE_BYTES, lang)?);
            let encoding = encoding.map(Encoding::decoder);
            let taken = results::take_in(&session.store, &mall, &bytes, encoding, &session.operator, dry_run).await;
            let taken = match taken {
                Ok(taken) => taken,
                Err(ResultsError::Store(error)) => return Err(error.into()),
                Err(refused) => bail!("{}: {}", file.display(), refused.words(lang)),
            };
            Ok(print_states(session, &file, &taken))
        }
        ResultsCommand::Export { file, mall, encoding } => {
            let query = ListQuery { mall: Some(session.mall(&mall).await?.id), ..ListQuery::default() };
            let charset = match encoding {
                Encoding::Utf8 => table::Charset::Utf8WithBom,
                Encoding::ShiftJis => table::Charset::ShiftJis,
            };
            let written = results::write_out(&session.store, &query, charset).await?;
            std::fs::write(&file, &written.bytes).with_context(|| file.display().to_string())?;
            for (number, state) in &written.left_out {
                println!("{number}: {}", left_out_words(*state, lang));
            }
            Ok(true)
        }
    }
}

/// Prints the state in which each order is now, or would be; true if no row was refused.
pub(super) fn print_states(session: &Session, file: &Path, report: &FileReport<State>) -> bool {
    for (line, number, state) in report.taken() {
        println!("{line} {number} {}", state.label(session.lang));
    }
    print_counts(session, file, report);
    report.bad().next().is_none()
}
