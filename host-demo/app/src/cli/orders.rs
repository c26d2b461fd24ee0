//! Orders: `orders`, the actions on them (`credit`, `check`, `cancel`, `sync`), `seed` and `export`.

use crate::cli::arguments::{CsvFile, Targets, state};
use crate::cli::files::{OrderChoice, import_file, print_counts};
use crate::cli::session::{Session, Target};
use crate::cli::table::{Counts, Progress, pairs, table, yen};
use crate::cli::view::{OrderView, actions_cell, list_headings, list_row};
use anyhow::Result;
use clap::{Args, Subcommand};
use domain::asked::Asked;
use domain::clock;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::{Action, State};
use domain::issue::Issue;
use domain::lang::Lang;
use domain::order::Order;
use service::credit::{CreditRow, PollPolicy, WorkItem};
use service::csv::row_result::KEPT_TAKEN;
use service::import::Imported;
use service::messages::csv::{gathered, similar};
use service::messages::format::order_count;
use service::messages::history;
use service::messages::issue::{sentence, summary};
use service::messages::localize::Localize;
use service::messages::next_step::Situation;
use service::transfer::{FileKind, ImportReport};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use store::Filter;

/// Pauses of `check --until-decided`: a verdict usually comes within five minutes, so asking begins
/// quickly and ends up at once in five minutes.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

#[derive(Debug, Subcommand)]
pub(super) enum OrdersCommand {
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
        /// 今回だけこの見本の列の対応で読む（例: rakuten） / read by this preset this once, such as rakuten, in place of the mall's mapping
        #[arg(long)]
        preset: Option<String>,
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
pub(super) struct CheckOptions {
    #[command(flatten)]
    targets: Targets,
    /// 審査中がなくなるまで間隔を広げながら確認 / ask again with growing pauses until decided
    #[arg(long)]
    until_decided: bool,
    /// 最長で何秒待つか / wait at most this many seconds
    #[arg(long, default_value_t = 7200, requires = "until_decided", value_name = "SECONDS")]
    wait: u64,
}

pub(super) async fn run(session: &Session, command: OrdersCommand) -> Result<bool> {
    session.recover().await?;
    match command {
        OrdersCommand::Import { file, correct, take, preset } => {
            let choice = OrderChoice { correct, take: &take, preset: preset.as_deref() };
            take_in(session, file, choice).await
        }
        OrdersCommand::List { state, mall, json } => {
            list(session, &Filter { mall, state, ..Filter::default() }, json).await
        }
        OrdersCommand::Show { order, mall } => show(session, &session.order(&order, mall.as_deref()).await?).await,
    }
}

async fn take_in(session: &Session, file: CsvFile, choice: OrderChoice<'_>) -> Result<bool> {
    let report = import_file(session, &file, FileKind::Orders, choice).await?;
    let noted: Vec<_> =
        gathered(report.gathered(), session.lang).into_iter().chain(similar(report.similar(), session.lang)).collect();
    let (counts, refused) = (report.counts(), report.refused());
    let ImportReport::Orders { encoding, banded, report: imported, .. } = report else { return Ok(refused.is_empty()) };
    let CsvFile { file, dry_run, .. } = file;
    if dry_run {
        show_preview(session, &imported);
    }
    print_counts(session, &file, &refused, &counts);
    noted.iter().for_each(|words| println!("{words}"));
    let encoding = encoding.name();
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
    if preview.counts().taken.orders > KEPT_TAKEN {
        println!("{}", session.say(format!("最初の{KEPT_TAKEN}件です"), format!("The first {KEPT_TAKEN} of them.")));
    }
}

/// Creates sample orders in bulk.
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
    let malls = session.store.mall_summaries().await?;
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
    if order.problem.is_some() {
        session.load_for_words(BTreeSet::from([order.provider.clone()])).await;
    }
    let situation = Situation::of_order(order, session.abilities(&order.provider));
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
            (lang.pick("手数料", "fee"), fee_text(order, lang)),
            (lang.pick("請求額", "billed"), yen(amounts.billed)),
            (lang.pick("状態", "state"), order.state.localized(lang).to_owned()),
            (
                lang.pick("内容", "problem"),
                order.problem.as_ref().map_or("–".to_owned(), |problem| sentence(problem, &situation, lang))
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
        let note = history::note(&line, lang);
        let problem: Option<Issue> = line.problem.and_then(|json| serde_json::from_str(&json).ok());
        let words = note.or(problem.map(|problem| summary(&problem, lang)));
        let label =
            |state: &str| state.parse().map_or(state.to_owned(), |state: State| state.localized(lang).to_owned());
        let moved = format!("{} → {}", label(&line.from_state), label(&line.to_state));
        [clock::timestamp(line.at), line.who, moved, words.unwrap_or_default()]
    });
    println!("{}", table(lang.pick(["日時", "操作者", "状態", "内容"], ["at", "who", "state", "words"]), history));
    Ok(true)
}

fn fee_text(order: &Order, lang: Lang) -> String {
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
    act_on(session, action, &session.targets(targets, action).await?).await
}

/// Does `action` with `orders`, and prints what became of each; true if every row succeeded.
pub(super) async fn act_on(session: &Session, action: Action, orders: &[Target]) -> Result<bool> {
    let service = session.credit_service(orders).await?;
    let item = |order: &Target| WorkItem {
        confirmed: order.confirmed,
        ..WorkItem::new(order.id, Asked::Standing(order.standing.clone()))
    };
    let items: Vec<WorkItem> = orders.iter().map(item).collect();
    let progress = Progress::new(action.localized(session.lang), items.len(), session.lang);
    let rows = session.following(&service, service.work(action, &items, &|row| progress.row(row))).await;
    reached(CrashPoint::ResultReady).await;
    progress.finish();
    Ok(print_rows(session, &rows?, action))
}

pub(super) async fn check(session: &Session, check: &CheckOptions) -> Result<bool> {
    if !check.until_decided {
        return act(session, Action::Check, &check.targets).await;
    }
    session.recover().await?;
    let orders = session.targets(&check.targets, Action::Check).await?;
    let service = session.credit_service(&orders).await?;
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let policy = PollPolicy {
        first_pause: FIRST_PAUSE,
        longest_pause: LONGEST_PAUSE,
        give_up_after: Duration::from_secs(check.wait),
    };
    let progress = Progress::new(Action::Check.localized(session.lang), ids.len(), session.lang);
    let rows = session.following(&service, service.check_until_decided(&ids, policy, &|row| progress.row(row))).await;
    progress.finish();
    Ok(print_rows(session, &rows?, Action::Check))
}

/// Prints every row in the order asked, and the counts; true if every row succeeded.
pub(super) fn print_rows(session: &Session, rows: &[CreditRow], action: Action) -> bool {
    let lang = session.lang;
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
            row.problem.as_ref().map_or(String::new(), |problem| {
                sentence(problem, &row.situation(action, session.abilities(&row.provider)), lang)
            }),
        ]
    });
    println!("{}", table(headings, cells));
    let counts = Counts::of(rows);
    println!("{}", counts.text(lang));
    counts.all_well()
}
