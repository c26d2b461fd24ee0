//! `results`: credit results by CSV.

use crate::cli::{Charset, CsvFile, OrderChoice, Session, import_file, say_counts};
use crate::service::results::left_out_words;
use crate::service::transfer::{self, FileKind, ImportReport};
use crate::store::ListQuery;
use anyhow::{Context, Result};
use clap::Subcommand;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a file of decisions has.
pub(super) const DECISIONS_HELP: &str = "\
結果不明の注文について、後払い会社の管理画面で確かめた結果をCSVでまとめて記録します。\n\
列: 注文番号と登録番号（どちらか一方でよい）、結果（与信OK、登録あり、与信NG、キャンセル済、登録なし、伝票番号あり、\
伝票番号なし）、取引ID（わかっていれば省ける）、メモ（どう確かめたか。必須）。\n\
結果不明の注文を並べた、記入前のファイルは、受注管理の画面の「CSV出力」で作れます。\n\n\
Records what was found at the provider about orders of unknown outcome. Columns: 注文番号 and 登録番号 (one is enough), \
結果 (or the names of `decide`: approved, registered, rejected, cancelled, nothing, tracked, untracked), 取引ID (where \
it is not known yet), メモ (how it was found out; required). Each row is checked like a single decision.";

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
        Command::Import(file) => {
            let report = import_file(session, &file, FileKind::Results, OrderChoice::default()).await?;
            Ok(say_states(session, &file.file, &report))
        }
        Command::Export { file, mall, encoding } => {
            let query = ListQuery { mall: Some(session.mall(&mall).await?.id), ..ListQuery::default() };
            let service = session.desk_with(BTreeSet::new()).await?;
            let written = transfer::export(&service, FileKind::Results, &query, encoding.into(), usize::MAX).await?;
            std::fs::write(&file, &written.bytes).with_context(|| file.display().to_string())?;
            for (number, state) in &written.left_out {
                println!("{number}: {}", left_out_words(*state, lang));
            }
            Ok(true)
        }
    }
}

pub(super) async fn decide(session: &Session, file: CsvFile) -> Result<bool> {
    session.recover().await?;
    let report = import_file(session, &file, FileKind::Decisions, OrderChoice::default()).await?;
    Ok(say_states(session, &file.file, &report))
}

/// Says in which state each order is now, or would be; whether no row was refused.
fn say_states(session: &Session, file: &Path, report: &ImportReport) -> bool {
    if let ImportReport::States(report) = report {
        for (line, number, state) in report.taken() {
            println!("{line} {number} {}", state.label(session.lang));
        }
    }
    let refused = report.refused();
    say_counts(session, file, &refused, &report.counts());
    refused.is_empty()
}
