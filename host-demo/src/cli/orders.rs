//! Everything about orders: import, lists, the operations, tracking, decisions, export.

use crate::cli::table::{Counts, Progress, pairs, table};
use crate::cli::view::{OrderView, actions_cell, list_headings, list_row};
use crate::cli::{Charset, CsvFile, Session, Targets, date, read, say_counts, state};
use crate::domain::clock;
use crate::domain::credit_state::{Action, State};
use crate::domain::finding::{FindingKind, OperatorFinding};
use crate::domain::issue::Issue;
use crate::domain::lang::Lang;
use crate::domain::order::Order;
use crate::service::credit::{CreditService, PollPolicy, Row};
use crate::service::csv::selection::Question;
use crate::service::csv::table::MAX_FILE_BYTES;
use crate::service::decisions::entered;
use crate::service::import::{self, Done, ImportError, Imported, Incoming, Known};
use crate::service::messages::csv::question_values;
use crate::service::messages::format::order_count;
use crate::service::messages::format::yen;
use crate::service::messages::history;
use crate::service::messages::issue::summary;
use crate::service::messages::localize::Localize;
use crate::service::tracking::{self, Entry};
use crate::store::Filter;
use anyhow::{Result, bail};
use clap::{ArgGroup, Args, Subcommand};
use provider_host::Plugin;
use std::collections::BTreeMap;
use std::time::Duration;

/// Pauses of `check --until-decided`: a verdict usually comes within five minutes, so asking begins
/// quickly and ends up at once in five minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// CSVから受注を取り込む / import orders from a mall's CSV
    Import {
        #[command(flatten)]
        file: CsvFile,
        /// 取り込み済みの注文も、与信前なら内容を直す / correct orders that are there and may still be credited
        #[arg(long)]
        correct: bool,
        /// この値の注文だけを取り込む（例: 後払い決済、支払方法=後払い決済。* はすべて） / take orders with this value alone, such as 支払方法=後払い決済; * is all
        #[arg(long, value_name = "[COLUMN=]VALUE")]
        take: Vec<String>,
    },
    /// 受注一覧 / list orders
    List {
        /// この状態だけ / in this state alone
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// このモールだけ / of this mall alone
        #[arg(long)]
        mall: Option<String>,
        /// JSONで / as JSON
        #[arg(long)]
        json: bool,
    },
    /// 注文の内容と履歴 / an order and its history
    Show {
        /// 注文番号 / order number
        order: String,
        /// モール / the mall
        #[arg(long)]
        mall: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    targets: Targets,
    /// 審査中がなくなるまで間隔を広げながら確認 / ask again with growing pauses until decided
    #[arg(long)]
    until_decided: bool,
    /// 最長で何秒待つか / wait at most this many seconds
    #[arg(long, default_value_t = 7200, requires = "until_decided", value_name = "SECONDS")]
    wait: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum TrackingCommand {
    /// 配送業者と伝票番号を入力 / enter carrier and tracking number
    Set {
        /// 注文番号 / order number
        order: String,
        /// 配送業者の名前かID / a carrier's name or id
        carrier: String,
        /// 伝票番号 / tracking number
        number: String,
        /// 出荷日（省くと今日） / day of shipping; today if left out
        #[arg(long, value_parser = date)]
        shipped_on: Option<time::Date>,
        /// モール / the mall
        #[arg(long)]
        mall: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("found").required(true))]
pub(super) struct Decide {
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

impl Decide {
    /// What was found, and the transaction id that was given.
    fn found(&self) -> (FindingKind, &str) {
        match self {
            Decide { approved: Some(id), .. } => (FindingKind::Approved, id.as_deref().unwrap_or_default()),
            Decide { registered: Some(id), .. } => (FindingKind::Registered, id.as_deref().unwrap_or_default()),
            Decide { rejected: true, .. } => (FindingKind::Rejected, ""),
            Decide { cancelled: true, .. } => (FindingKind::Cancelled, ""),
            Decide { tracked: true, .. } => (FindingKind::Tracked, ""),
            Decide { untracked: true, .. } => (FindingKind::Untracked, ""),
            Decide { .. } => (FindingKind::Nothing, ""),
        }
    }
}

pub(super) async fn run(session: &Session, command: Command) -> Result<bool> {
    session.recover().await?;
    match command {
        Command::Import { file, correct, take } => take_in(session, file, correct, &take).await,
        Command::List { state, mall, json } => list(session, &Filter { mall, state, ..Filter::default() }, json).await,
        Command::Show { order, mall } => show(session, &session.order(&order, mall.as_deref()).await?).await,
    }
}

async fn take_in(session: &Session, file: CsvFile, correct: bool, take: &[String]) -> Result<bool> {
    let CsvFile { file, mall, encoding, dry_run } = file;
    let lang = session.lang;
    let mall = session.mall(&mall).await?;
    let provider = session.shelf.load(&mall.provider).await?;
    let bytes = read(&file, MAX_FILE_BYTES, lang)?;
    let known = if correct { Known::Corrected { who: &session.operator } } else { Known::Kept };
    let incoming = Incoming { bytes: &bytes, encoding: encoding.map(Charset::encoding), take, known, dry_run };
    let Done { encoding, imported } = match import::run(&session.store, &mall, &provider, incoming).await {
        Ok(done) => done,
        Err(ImportError::File(problem)) => bail!("{}: {}", file.display(), problem.localized(lang)),
        Err(ImportError::Asks(question)) => bail!("{}: {}", file.display(), asked(&question, lang)),
        Err(error) => return Err(error.into()),
    };
    if dry_run {
        show_preview(session, &imported);
    }
    say_counts(session, &file, &imported);
    let (banded, counts, encoding) = (imported.banded(), imported.counts(), encoding.name());
    let (taken, bad) = (counts.taken.orders, counts.refused.orders);
    let words = match dry_run {
        true => session.say(
            format!("{taken}件を取り込めます。取り込めない注文 {bad}件。まだ何も書き込んでいません"),
            format!("{} can be imported, {bad} cannot; nothing was written", order_count(taken, Lang::En)),
        ),
        false => session.say(
            format!("{taken}件を取り込みました（{encoding}、手数料の変更 {banded}件）。取り込めなかった注文 {bad}件"),
            format!(
                "{} imported ({encoding}; {banded} with a fee band); {bad} not imported",
                order_count(taken, Lang::En)
            ),
        ),
    };
    println!("{words}");
    Ok(bad == 0)
}

/// What is asked, how often each value occurs, and what to type.
fn asked(question: &Question, lang: Lang) -> String {
    let options = question.answers().map(|(answer, _)| format!("  --take '{answer}'"));
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

fn show_preview(session: &Session, preview: &Imported) {
    let headings = session.lang.pick(
        ["行", "注文番号", "注文者", "手数料（取込前）", "手数料", "請求額"],
        ["line", "order", "buyer", "fee before", "fee", "billed"],
    );
    let rows = preview.taken().map(|(line, number, taken)| {
        let order = &taken.order;
        let amounts = &order.amounts;
        let [before, fee, billed] = [amounts.imported_fee, amounts.payment_fee, amounts.billed].map(yen);
        [line.to_string(), number.to_owned(), order.data.buyer.name.clone(), before, fee, billed]
    });
    println!("{}", table(headings, rows));
}

/// Makes orders in bulk.
pub(super) async fn seed(session: &Session, count: usize, mall: &str) -> Result<bool> {
    let mall = session.mall(mall).await?;
    session.store.seed(&mall, count, |done| eprintln!("{done}/{count}")).await?;
    Ok(true)
}

async fn list(session: &Session, filter: &Filter, json: bool) -> Result<bool> {
    let lang = session.lang;
    let orders = session.store.orders(filter).await?;
    if json {
        return print_json(session, &orders).await;
    }
    println!("{}", table(list_headings(lang), orders.iter().map(|order| list_row(order, lang))));
    let mut counts = BTreeMap::<State, usize>::new();
    orders.iter().for_each(|order| *counts.entry(order.state).or_default() += 1);
    let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{} {count}", state.localized(lang))).collect();
    let total = orders.len();
    println!(
        "{}",
        session.say(format!("{total}件: {}", counts.join("、")), format!("{total} orders: {}", counts.join(", ")))
    );
    Ok(true)
}

pub(super) async fn export(session: &Session) -> Result<bool> {
    session.recover().await?;
    let orders = session.store.orders(&Filter::default()).await?;
    print_json(session, &orders).await
}

async fn print_json(session: &Session, orders: &[Order]) -> Result<bool> {
    let used = session.store.references().await?;
    let malls = session.store.malls().await?;
    let provider = |order: &Order| malls.iter().find(|mall| mall.id == order.mall).map_or("", |mall| &mall.provider);
    let views: Vec<_> = orders.iter().map(|order| OrderView::new(order, provider(order), &used)).collect();
    println!("{}", serde_json::to_string_pretty(&views)?);
    Ok(true)
}

async fn show(session: &Session, order: &Order) -> Result<bool> {
    let lang = session.lang;
    let buyer = &order.data.buyer;
    let amounts = &order.amounts;
    let tracking = order.tracking.as_ref();
    println!(
        "{}",
        pairs([
            (lang.pick("注文番号", "order"), format!("{} ({})", order.number, order.mall)),
            (lang.pick("注文日時", "ordered at"), clock::show(order.data.ordered_at)),
            (lang.pick("注文者", "buyer"), buyer.name.clone()),
            (
                lang.pick("住所", "address"),
                format!("〒{} {}{}{}", buyer.postal_code, buyer.prefecture, buyer.city, buyer.street)
            ),
            (
                lang.pick("送付先", "goes to"),
                order.data.recipient.as_ref().map_or("–".to_owned(), |to| to.name.clone())
            ),
            (lang.pick("商品", "goods"), yen(amounts.goods)),
            (lang.pick("送料", "shipping"), yen(amounts.shipping_fee)),
            (lang.pick("手数料", "fee"), fee_words(order, lang)),
            (lang.pick("請求額", "billed"), yen(amounts.billed)),
            (lang.pick("状態", "state"), order.state.localized(lang).to_owned()),
            (
                lang.pick("内容", "problem"),
                order.problem.as_ref().map_or("–".to_owned(), |problem| problem.localized(lang))
            ),
            (lang.pick("操作", "actions"), actions_cell(order, lang)),
            (lang.pick("登録番号", "reference"), order.reference().to_owned()),
            (lang.pick("取引ID", "transaction"), order.transaction_id().unwrap_or("–").to_owned()),
            (
                lang.pick("伝票番号", "tracking"),
                tracking.map_or("–".to_owned(), |t| format!("{} {} ({})", t.carrier, t.number, t.shipped_on)),
            ),
        ])
    );
    let items = order.data.items.iter();
    println!(
        "{}",
        table(
            lang.pick(["商品名", "単価", "数量"], ["item", "price", "quantity"]),
            items.map(|item| [item.name.clone(), yen(item.unit_price), item.quantity.to_string()])
        )
    );
    let history = session.store.history(order.id).await?.into_iter().map(|line| {
        let problem: Option<Issue> = line.problem.as_ref().and_then(|json| serde_json::from_str(json).ok());
        let words = history::note(&line, lang).or(problem.map(|problem| summary(&problem, lang)));
        let label =
            |state: &str| state.parse().map_or(state.to_owned(), |state: State| state.localized(lang).to_owned());
        let moved = format!("{} → {}", label(&line.from_state), label(&line.to_state));
        [clock::timestamp(line.at), line.who, moved, words.unwrap_or_default()]
    });
    println!("{}", table(lang.pick(["日時", "操作者", "状態", "内容"], ["at", "who", "state", "words"]), history));
    Ok(true)
}

fn fee_words(order: &Order, lang: Lang) -> String {
    let amounts = &order.amounts;
    let before = yen(amounts.imported_fee);
    match amounts.fee_band {
        None => yen(amounts.payment_fee),
        Some(band) => lang.pick(
            format!("{}（取込時 {before}、手数料設定 {}行目）", yen(amounts.payment_fee), band + 1),
            format!("{} (imported {before}, fee row {})", yen(amounts.payment_fee), band + 1),
        ),
    }
}

pub(super) async fn act(session: &Session, action: Action, targets: &Targets) -> Result<bool> {
    session.recover().await?;
    let orders = session.targets(targets, action).await?;
    let desk = session.desk(&orders).await?;
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let progress = Progress::new(action.localized(session.lang), ids.len(), session.lang);
    let rows = session.following(&desk, desk.run(action, &ids, &|row| progress.row(row))).await;
    progress.finish();
    Ok(print_rows(&rows?, session.lang))
}

pub(super) async fn check(session: &Session, check: &Check) -> Result<bool> {
    if !check.until_decided {
        return act(session, Action::Check, &check.targets).await;
    }
    session.recover().await?;
    let orders = session.targets(&check.targets, Action::Check).await?;
    let desk = session.desk(&orders).await?;
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let patience = PollPolicy {
        first_pause: FIRST_PAUSE,
        longest_pause: LONGEST_PAUSE,
        give_up_after: Duration::from_secs(check.wait),
    };
    let progress = Progress::new(Action::Check.localized(session.lang), ids.len(), session.lang);
    let rows = session.following(&desk, desk.check_until_decided(&ids, patience, &|row| progress.row(row))).await;
    progress.finish();
    Ok(print_rows(&rows?, session.lang))
}

/// Every row in the order asked, and the counts; whether all went well.
fn print_rows(rows: &[Row], lang: Lang) -> bool {
    if rows.is_empty() {
        println!("{}", lang.pick("対象の注文がありません", "No order allows this now"));
        return true;
    }
    let headings =
        lang.pick(["注文番号", "結果", "状態", "取引ID", "内容"], ["order", "result", "state", "transaction", "words"]);
    let cells = rows.iter().map(|row| {
        [
            row.number.clone(),
            row.outcome.localized(lang).to_owned(),
            row.state.localized(lang).to_owned(),
            row.transaction_id.clone().unwrap_or("–".to_owned()),
            row.problem.as_ref().map_or(String::new(), |problem| problem.localized(lang)),
        ]
    });
    println!("{}", table(headings, cells));
    let counts = Counts::of(rows);
    println!("{}", counts.words(lang));
    counts.all_well()
}

pub(super) async fn tracking(session: &Session, command: TrackingCommand) -> Result<bool> {
    let TrackingCommand::Set { order, carrier, number, shipped_on, mall } = command;
    session.recover().await?;
    let order = session.order(&order, mall.as_deref()).await?;
    let provider = session.shelf.load(&order.provider).await?;
    let shipped_on = shipped_on.unwrap_or_else(clock::today);
    let entered = Entry { carrier: &carrier, number: &number, shipped_on };
    let tracking = match tracking::enter(&session.store, &provider, &order, entered, &session.operator).await? {
        Ok(tracking) => tracking,
        Err(problem) => bail!("{}: {}", order.number, problem.localized(session.lang)),
    };
    println!("{}: {} {} ({})", order.number, tracking.carrier, tracking.number, tracking.shipped_on);
    Ok(true)
}

pub(super) async fn decide(session: &Session, decide: Decide) -> Result<bool> {
    session.recover().await?;
    if decide.note.trim().is_empty() {
        bail!(session.say("--note に、どう確かめたかを書いてください", "Say in --note how it was found out"));
    }
    let order = session.order(&decide.order, decide.mall.as_deref()).await?;
    let (kind, typed) = decide.found();
    let (typed, note) = match entered(typed, &decide.note) {
        Ok(entered) => entered,
        Err(wrong) => bail!("{}: {}", order.number, wrong.localized(session.lang)),
    };
    let id = typed.or(order.transaction_id().map(str::to_owned));
    let Some(found) = OperatorFinding::of(kind, id) else { bail!(Issue::IdMissing.localized(session.lang)) };
    let desk: CreditService<Plugin> = session.desk(&[]).await?;
    Ok(print_rows(&[desk.decide(order.id, found, &note).await?], session.lang))
}
