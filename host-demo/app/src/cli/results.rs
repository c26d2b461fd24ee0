//! `results`: credit results by CSV.

use crate::cli::arguments::{CsvFile, Encoding};
use crate::cli::files::{OrderChoice, import_file, print_counts};
use crate::cli::session::Session;
use anyhow::{Context, Result};
use clap::Subcommand;
use service::messages::localize::Localize;
use service::messages::service_errors::left_out;
use service::transfer::{self, FileKind, ImportReport};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use store::ListQuery;

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
        ResultsCommand::Import(file) => {
            let report = import_file(session, &file, FileKind::Results, OrderChoice::default()).await?;
            Ok(print_states(session, &file.file, &report))
        }
        ResultsCommand::Export { file, mall, encoding } => {
            let query = ListQuery { mall: Some(session.mall(&mall).await?.id), ..ListQuery::default() };
            let service = session.credit_service_with(BTreeSet::new()).await?;
            let written = transfer::export(&service, FileKind::Results, &query, encoding.into(), usize::MAX).await?;
            std::fs::write(&file, &written.bytes).with_context(|| file.display().to_string())?;
            for (number, state) in &written.left_out {
                println!("{number}: {}", left_out(*state, lang));
            }
            Ok(true)
        }
    }
}

/// Prints the state in which each order is now, or would be; true if no row was refused.
pub(super) fn print_states(session: &Session, file: &Path, report: &ImportReport) -> bool {
    if let ImportReport::States(report) = report {
        for (line, number, state) in report.taken() {
            println!("{line} {number} {}", state.localized(session.lang));
        }
    }
    let refused = report.refused();
    print_counts(session, file, &refused, &report.counts());
    refused.is_empty()
}
