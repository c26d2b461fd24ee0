//! `batch` and `work`.

use crate::cli::arguments::Targets;
use crate::cli::session::{Session, Target};
use crate::cli::table::table;
use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum};
use domain::credit_state::Action;
use domain::lang::Lang;
use service::batches::{self, BatchError};
use service::messages::issue::sentence;
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::providers::current;
use service::worker::Worker;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{BatchProgress, MAX_BATCH, NewBatch};

/// Rows of a batch that are read from the store and shown as one table: bounds the memory of a large batch.
const ROWS: i64 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum BatchCommand {
    /// 処理を登録する。`work`または画面を開いているプロセスが実行する / make a batch; processes that `work` or serve do it
    Add {
        /// 操作 / what to do
        #[arg(value_enum)]
        action: BatchAction,
        #[command(flatten)]
        targets: Targets,
    },
    /// 進み具合と結果 / how far it is, and the result of each order
    Show {
        /// 番号 / its number
        batch: i64,
        /// JSONで、件数だけ / the counts alone, as JSON
        #[arg(long)]
        json: bool,
    },
    /// まだ始めていない分をやめる / give up what was not begun
    Stop {
        /// 番号 / its number
        batch: i64,
    },
}

/// What a batch can do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum BatchAction {
    Credit,
    Check,
    Cancel,
    Sync,
}

impl BatchAction {
    fn action(self) -> Action {
        match self {
            Self::Credit => Action::Credit,
            Self::Check => Action::Check,
            Self::Cancel => Action::Cancel,
            Self::Sync => Action::Sync,
        }
    }
}

pub(super) async fn run(session: &Session, command: BatchCommand) -> Result<bool> {
    match command {
        BatchCommand::Add { action, targets } => add(session, action.action(), &targets).await,
        BatchCommand::Show { batch, json } => show(session, batch, json).await,
        BatchCommand::Stop { batch } => {
            match batches::stop(&session.store, batch, &session.operator).await {
                // What follows says so.
                Ok(()) | Err(BatchError::NoBatch(_)) => {}
                Err(error) => return Err(error.into()),
            }
            show(session, batch, false).await
        }
    }
}

async fn add(session: &Session, action: Action, targets: &Targets) -> Result<bool> {
    let orders = session.targets(targets, action).await?.into_iter().map(Target::into_batch).collect();
    let new = NewBatch::new(action, &session.operator);
    match batches::begin(&session.store, new, orders).await {
        Ok(batch) => println!("{batch}"),
        Err(BatchError::TooMany(_)) => bail!(session.say(
            format!("一度に{MAX_BATCH}件までです。モールや注文番号で分けてください"),
            format!("A batch has {MAX_BATCH} orders at most; split it by mall or order number"),
        )),
        Err(BatchError::Empty) => println!("{}", session.say("対象の注文がありません", "No order allows this now")),
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

async fn show(session: &Session, id: i64, json: bool) -> Result<bool> {
    let (lang, store) = (session.lang, &session.store);
    // Rows of a process that was killed would otherwise show as being in progress.
    session.recover().await?;
    let Some(found) = store.batch(id).await? else {
        bail!(session.say(format!("処理 {id} はありません"), format!("There is no batch {id}")))
    };
    let progress = store.batch_progress(id).await?;
    if json {
        println!("{}", serde_json::to_string(&progress)?);
        return Ok(true);
    }
    let headings = lang.pick(["注文番号", "結果", "状態", "内容"], ["order", "result", "state", "words"]);
    let mut from = 0;
    loop {
        let rows = store.batch_rows(id, from, ROWS).await?;
        let Some(last) = rows.last() else { break };
        from = last.index + 1;
        let troubled = rows.iter().filter(|row| row.problem.is_some()).map(|row| row.provider.clone());
        session.load_for_words(troubled.collect()).await;
        let cells = rows.into_iter().map(|row| {
            let words = row.problem.as_ref().map_or(String::new(), |problem| {
                let is_registered = row.transaction_id.is_some();
                let abilities = session.abilities(&row.provider);
                let after = |state| Situation::after(Some(found.action), state, is_registered, abilities);
                let situation = row.state.map_or_else(Situation::without_order, after);
                sentence(problem, &situation, lang)
            });
            let outcome = row.outcome.map_or("–", |outcome| outcome.localized(lang));
            [row.number, outcome.to_owned(), row.state.map_or("–", |state| state.localized(lang)).to_owned(), words]
        });
        println!("{}", table(headings, cells));
    }
    println!("{} {}: {}", found.action.localized(lang), found.who, progress_text(progress, lang));
    for wait in batches::waits(store, id).await? {
        println!("{}", wait.localized(lang));
    }
    Ok(progress.failure + progress.unknown == 0)
}

fn progress_text(progress: BatchProgress, lang: Lang) -> String {
    let BatchProgress { waiting, taken, success, failure, unknown } = progress;
    let open = waiting + taken;
    lang.pick(
        format!("成功 {success} / 失敗 {failure} / 不明 {unknown} / 残り {open}"),
        format!("success {success} / failure {failure} / unknown {unknown} / to do {open}"),
    )
}

/// Runs batches and the automation with every plugin of the plugin directory, until the process is told to stop.
pub(super) async fn work(session: &Session) -> Result<bool> {
    session.write_log();
    session.warn_of_risks().await?;
    current::load_all(&session.plugins, &session.registry).await;
    let service = session.credit_service_with(BTreeSet::new()).await?;
    let lease = Arc::clone(&service.lease);
    let worker_loop = Worker { service, wake: Arc::default() };
    tokio::select! {
        () = worker_loop.run() => Ok(true),
        never = current::follow(&session.plugins, &session.registry) => match never {},
        never = session.stop_when_told(&lease) => match never {},
    }
}
