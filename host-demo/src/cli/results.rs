//! `results`: credit results by CSV.

use super::{Charset, CsvFile, Session, read};
use crate::results::{self, ResultsError, left_out_words};
use crate::sheet;
use crate::sheet::MAX_FILE_BYTES;
use crate::store::ListQuery;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
        encoding: Charset,
    },
}

pub(super) async fn run(session: &Session, command: Command) -> Result<bool> {
    session.recover().await?;
    let lang = session.lang;
    match command {
        Command::Import(CsvFile { file, mall, encoding, dry_run }) => {
            let (mall, bytes) = (session.mall(&mall).await?, read(&file, MAX_FILE_BYTES, lang)?);
            let encoding = encoding.map(Charset::encoding);
            let taken = results::take_in(&session.store, &mall, &bytes, encoding, &session.operator, dry_run).await;
            let taken = match taken {
                Ok(taken) => taken,
                Err(ResultsError::Store(error)) => return Err(error.into()),
                Err(refused) => bail!("{}: {}", file.display(), refused.words(lang)),
            };
            for (line, number, state) in &taken.taken {
                println!("{line} {number} {}", state.label(lang));
            }
            for bad in &taken.bad {
                eprintln!("{}", bad.words(&file.to_string_lossy(), lang));
            }
            Ok(taken.bad.is_empty())
        }
        Command::Export { file, mall, encoding } => {
            let query = ListQuery { mall: Some(session.mall(&mall).await?.id), ..ListQuery::default() };
            let charset = match encoding {
                Charset::Utf8 => sheet::Charset::Utf8WithBom,
                Charset::ShiftJis => sheet::Charset::ShiftJis,
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
