//! `decide` and `decisions`: what an operator found at the provider about orders of unknown outcome.

use crate::cli::arguments::CsvFile;
use crate::cli::files::{OrderChoice, import_file};
use crate::cli::orders::print_rows;
use crate::cli::results::print_states;
use crate::cli::session::Session;
use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use domain::credit_state::Action;
use domain::issue::Issue;
use provider_host::Plugin;
use service::credit::CreditService;
use service::decisions::{self, DecisionError, EnteredDecision};
use service::messages::issue::sentence;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::transfer::FileKind;

/// What a file of decisions contains.
pub(super) const DECISIONS_HELP: &str = "\
結果不明の注文について、後払い会社の管理画面で確かめた結果をCSVでまとめて記録します。\n\
列: 注文番号と登録番号（どちらか一方でよい）、不明回数（2回目からは必須）、\
結果（与信OK、登録あり、与信NG、キャンセル済、登録なし、伝票番号あり、伝票番号なし）、取引ID（わかっていれば省ける）、メモ（どう確かめたか。必須）。\n\
結果不明の注文を並べた、記入前のファイルは、受注管理の画面の「CSV出力」で作れます。\n\n\
Records what was found at the provider about orders of unknown outcome. Columns: 注文番号 and 登録番号 (one is enough), \
不明回数 (how often its outcome was unknown; needed from the second time on), 結果 (or the names of \
`decide`: approved, registered, rejected, cancelled, nothing, tracked, untracked), 取引ID (where it is not known yet), メモ (how it was found out; required). Each row is checked like a single decision.";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("found").required(true))]
pub(super) struct Decision {
    /// 注文番号 / order number
    order: String,
    /// この取引IDで登録され（わかっていれば省ける）、与信OKだった / registered (under this id, if unknown so far) and approved
    #[arg(long, group = "found", value_name = "ID", num_args = 0..=1)]
    approved: Option<Option<String>>,
    /// 登録されていた（取引IDが未知なら添える）。与信結果は続けて確認 / registered (under this id, if unknown so far)
    #[arg(long, group = "found", value_name = "ID", num_args = 0..=1)]
    registered: Option<Option<String>>,
    /// 登録されたが、与信NGだった / registered, and rejected
    #[arg(long, group = "found")]
    rejected: bool,
    /// 登録されたが、キャンセル済だった / registered, and cancelled since
    #[arg(long, group = "found")]
    cancelled: bool,
    /// 何も登録されていなかった / nothing was registered
    #[arg(long, group = "found")]
    nothing: bool,
    /// 伝票番号が登録されていた / the tracking number is there
    #[arg(long, group = "found")]
    tracked: bool,
    /// 伝票番号は登録されていなかった / there is no tracking number
    #[arg(long, group = "found")]
    untracked: bool,
    /// どう確かめたか / how it was found out
    #[arg(long)]
    note: String,
    /// モール / the mall
    #[arg(long)]
    mall: Option<String>,
}

impl Decision {
    /// The finding by its name in the API, and the transaction id that was given with it.
    fn found(&self) -> (&'static str, &str) {
        match self {
            Self { approved: Some(id), .. } => ("approved", id.as_deref().unwrap_or_default()),
            Self { registered: Some(id), .. } => ("registered", id.as_deref().unwrap_or_default()),
            Self { rejected: true, .. } => ("rejected", ""),
            Self { cancelled: true, .. } => ("cancelled", ""),
            Self { tracked: true, .. } => ("tracked", ""),
            Self { untracked: true, .. } => ("untracked", ""),
            Self { .. } => ("nothing", ""),
        }
    }
}

pub(super) async fn decide(session: &Session, decision: Decision) -> Result<bool> {
    session.recover().await?;
    if decision.note.trim().is_empty() {
        bail!(session.say("--note に、どう確かめたかを書いてください", "Say in --note how it was found out"));
    }
    let order = session.order(&decision.order, decision.mall.as_deref()).await?;
    let (finding, transaction_id) = decision.found();
    let service: CreditService<Plugin> = session.credit_service(&[]).await?;
    let entry = EnteredDecision { finding, transaction_id, note: &decision.note };
    match decisions::record(&service, &order, entry).await {
        Ok(row) => Ok(print_rows(session, &[row], Action::Decide)),
        Err(DecisionError::Entry(error)) => bail!("{}: {}", order.number, error.localized(session.lang)),
        Err(DecisionError::IdMissing) => bail!(sentence(&Issue::IdMissing, &Situation::without_order(), session.lang)),
        Err(error) => Err(error.into()),
    }
}

/// Records the decisions of a file.
pub(super) async fn import(session: &Session, file: CsvFile) -> Result<bool> {
    session.recover().await?;
    let report = import_file(session, &file, FileKind::Decisions, OrderChoice::default()).await?;
    Ok(print_states(session, &file.file, &report))
}
