//! `results`: credit results by CSV.

use crate::cli::{Charset, CsvFile, Session, read, say_counts};
use crate::domain::credit_state::State;
use crate::service::credit::CreditService;
use crate::service::csv::encoding;
use crate::service::csv::limits::MAX_FILE_BYTES;
use crate::service::csv::row_result::FileReport;
use crate::service::decisions;
use crate::service::results::{self, ResultsError, left_out_words};
use crate::store::ListQuery;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use provider_host::Plugin;
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
        Command::Import(CsvFile { file, mall, encoding, dry_run }) => {
            let (mall, bytes) = (session.mall(&mall).await?, read(&file, MAX_FILE_BYTES, lang)?);
            let encoding = encoding.map(Charset::encoding);
            let taken = results::take_in(&session.store, &mall, &bytes, encoding, &session.operator, dry_run).await;
            let taken = match taken {
                Ok(taken) => taken,
                Err(ResultsError::Store(error)) => return Err(error.into()),
                Err(refused) => bail!("{}: {}", file.display(), refused.words(lang)),
            };
            Ok(say_states(session, &file, &taken))
        }
        Command::Export { file, mall, encoding } => {
            let query = ListQuery { mall: Some(session.mall(&mall).await?.id), ..ListQuery::default() };
            let charset = match encoding {
                Charset::Utf8 => encoding::Charset::Utf8,
                Charset::ShiftJis => encoding::Charset::ShiftJis,
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

pub(super) async fn decide(session: &Session, file: CsvFile) -> Result<bool> {
    session.recover().await?;
    let CsvFile { file, mall, encoding, dry_run } = file;
    let (mall, bytes) = (session.mall(&mall).await?, read(&file, MAX_FILE_BYTES, session.lang)?);
    let desk: CreditService<Plugin> = session.desk(&[]).await?;
    let decided = decisions::take_in(&desk, &mall, &bytes, encoding.map(Charset::encoding), dry_run).await;
    match decided {
        Ok(decided) => Ok(say_states(session, &file, &decided)),
        Err(decisions::DecisionsError::File(problem)) => bail!("{}: {}", file.display(), problem.words(session.lang)),
        Err(error) => Err(error.into()),
    }
}

/// Says in which state each order is now, or would be; whether no row was refused.
fn say_states(session: &Session, file: &Path, intake: &FileReport<State>) -> bool {
    for (line, number, state) in intake.taken() {
        println!("{line} {number} {}", state.label(session.lang));
    }
    say_counts(session, file, intake);
    intake.bad().next().is_none()
}
