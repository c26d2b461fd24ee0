//! The command line: reads what is typed, has it done, prints what came of it.

mod batches;
mod malls;
mod orders;
mod plugins;
mod results;
mod serve;
pub mod table;
mod users;
pub mod view;

use crate::domain::clock;
use crate::domain::credit_state::{Action, State};
use crate::domain::issue::Lang;
use crate::domain::mall::Mall;
use crate::domain::order::Order;
use crate::service::credit::{CONCURRENCY, CreditService};
use crate::service::csv::encoding;
use crate::service::csv::error::InvalidOrder;
use crate::service::csv::limits::MAX_FILE_BYTES;
use crate::service::csv::row_result::RowCounts;
use crate::service::providers::directory::PluginDirectory;
use crate::service::providers::response::IN_FLIGHT_WINDOW;
use crate::service::providers::watcher::PluginEvent;
use crate::service::results::ResultsError;
use crate::service::transfer::{self, FileImport, FileKind, ImportReport, TransferError};
use crate::service::worker::told_to_stop;
use crate::store::lease::ProcessLease;
use crate::store::{DatabaseLocation, Filter, Risks, Store};
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use provider_host::{Compiler, Host, Plugin, Registry};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// What the log has unless `RUST_LOG` says otherwise: what somebody may have to look after.
const LOG: &str = "warn";

/// 後払いの受注管理デモ / a demo order platform for deferred payment.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// 表示の言語 / language of the output
    #[arg(long, global = true, value_enum, default_value = "ja")]
    lang: Lang,
    /// 受注データベース（ファイル、またはpostgres://…） / the store: a file, or postgres://…
    #[arg(long, global = true, default_value = "var/orders.db", env = "HOST_DEMO_DB", hide_env_values = true)]
    db: String,
    /// プラグインのフォルダ（NAME.wasmとNAME.toml） / folder of plugins
    #[arg(long, global = true, default_value = "var/plugins", value_name = "DIR")]
    plugins: PathBuf,
    /// 操作者 / who is at work; stands in every order's history
    #[arg(long, global = true, env = "USER", default_value = "operator")]
    operator: String,
    /// 同時に行う通信の数 / calls side by side
    #[arg(long, global = true, default_value_t = CONCURRENCY, value_parser = positive)]
    concurrency: usize,
    /// 送信から何秒後に「登録なし」を信じるか / seconds after sending until "no such order" is believed
    #[arg(long, alias = "settle", global = true, default_value_t = IN_FLIGHT_WINDOW.as_secs(), value_name = "SECONDS")]
    in_flight_window: u64,
    #[command(subcommand)]
    command: Command,
}

fn positive(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "1以上 / must be 1 or more".to_owned())
}

#[derive(Debug, Subcommand)]
enum Command {
    /// モールの設定 / settings of a mall
    #[command(subcommand)]
    Mall(malls::Command),
    /// 受注の取込と一覧 / import and list orders
    #[command(subcommand)]
    Orders(orders::Command),
    /// 与信を実行 / run credit checks
    Credit(Targets),
    /// 与信結果確認 / ask where orders stand
    Check(orders::Check),
    /// 与信キャンセル / cancel credits
    Cancel(Targets),
    /// 伝票番号の入力 / tracking numbers
    #[command(subcommand)]
    Tracking(orders::TrackingCommand),
    /// 伝票番号同期 / report tracking numbers
    Sync(Targets),
    /// 結果不明の注文について確かめた結果を記録 / record what was found about an unknown outcome
    Decide(orders::Decide),
    /// プラグインの確認 / look at a plugin
    #[command(subcommand)]
    Plugin(plugins::Command),
    /// 手数料の試算 / try the fee rule
    #[command(subcommand)]
    Fees(malls::FeesCommand),
    /// まとめて処理（処理パネル） / batches
    #[command(subcommand)]
    Batch(batches::Command),
    /// まとめて処理と自動処理を、止めるまで続ける / do batches and what happens by itself, until stopped
    Work,
    /// 受注管理の画面とAPIを開く / serve the page and the API
    Serve(serve::Options),
    /// 結果不明の注文について確かめた結果を、CSVでまとめて記録 / record what was found about many unknown outcomes, from a CSV
    #[command(long_about = results::DECISIONS_HELP)]
    Decisions(CsvFile),
    /// CSVの与信結果 / credit results by CSV
    #[command(subcommand)]
    Results(results::Command),
    /// 利用者 / users of the page
    #[command(subcommand)]
    User(users::Command),
    /// 試用の受注を大量に作る / make many orders to try the platform with
    Seed {
        /// 件数 / how many
        count: usize,
        /// モール / the mall
        #[arg(long)]
        mall: String,
    },
    /// すべての注文を書き出す / every order with every reference ever used
    Export {
        /// JSON（唯一の形式） / JSON, the only format so far
        #[arg(long, required = true)]
        json: bool,
    },
}

/// Which orders.
#[derive(Debug, Args)]
struct Targets {
    /// 注文番号 / order numbers
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ORDER")]
    orders: Vec<String>,
    /// 状態が許すすべての注文 / every order whose state allows it
    #[arg(long)]
    all: bool,
    /// このモールだけ / of this mall alone
    #[arg(long)]
    mall: Option<String>,
}

/// A CSV file to take in.
#[derive(Debug, Args)]
struct CsvFile {
    /// CSVファイル / the CSV file
    file: PathBuf,
    /// モール / the mall
    #[arg(long)]
    mall: String,
    /// 文字コード（省くと見分ける） / encoding; found out if left out
    #[arg(long, value_enum)]
    encoding: Option<Charset>,
    /// 何が起きるかだけを表示 / say what would happen, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// The encodings that can be told.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Charset {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "shift_jis", alias = "sjis")]
    ShiftJis,
}

impl From<Charset> for encoding::Charset {
    fn from(charset: Charset) -> Self {
        match charset {
            Charset::Utf8 => encoding::Charset::Utf8,
            Charset::ShiftJis => encoding::Charset::ShiftJis,
        }
    }
}

impl Cli {
    /// Does what was typed; whether every order came out well.
    /// Plugins are compiled in processes of `compiler`.
    pub async fn run(self, compiler: Compiler) -> Result<bool> {
        let session = Session::open(&self, compiler).await?;
        match self.command {
            Command::Mall(command) => malls::run(&session, command).await,
            Command::Orders(command) => orders::run(&session, command).await,
            Command::Credit(targets) => orders::act(&session, Action::Credit, &targets).await,
            Command::Check(check) => orders::check(&session, &check).await,
            Command::Cancel(targets) => orders::act(&session, Action::Cancel, &targets).await,
            Command::Tracking(command) => orders::tracking(&session, command).await,
            Command::Sync(targets) => orders::act(&session, Action::Sync, &targets).await,
            Command::Decide(decide) => orders::decide(&session, decide).await,
            Command::Plugin(command) => plugins::run(&session, command).await,
            Command::Fees(command) => malls::fees(&session, command).await,
            Command::Batch(command) => batches::run(&session, command).await,
            Command::Work => batches::work(&session).await,
            Command::Serve(options) => serve::run(session, options).await,
            Command::Decisions(file) => results::decide(&session, file).await,
            Command::Results(command) => results::run(&session, command).await,
            Command::User(command) => users::run(&session, command).await,
            Command::Seed { count, mall } => orders::seed(&session, count, &mall).await,
            Command::Export { json: _ } => orders::export(&session).await,
        }
    }
}

/// What every command works with.
struct Session {
    lang: Lang,
    operator: String,
    concurrency: usize,
    in_flight_window: Duration,
    store: Store,
    shelf: PluginDirectory,
    registry: Arc<Registry>,
}

impl Session {
    async fn open(cli: &Cli, compiler: Compiler) -> Result<Self> {
        let place = DatabaseLocation::new(&cli.db);
        let store = Store::open(&place).await.with_context(|| place.to_string())?;
        let host = Host::builder().cache_dir(place.beside("compiled")).compile_in(compiler).build()?;
        Ok(Session {
            lang: cli.lang,
            operator: cli.operator.clone(),
            concurrency: cli.concurrency,
            in_flight_window: Duration::from_secs(cli.in_flight_window),
            store,
            shelf: PluginDirectory::new(host, cli.plugins.clone()),
            registry: Arc::default(),
        })
    }

    fn say(&self, ja: impl Into<String>, en: impl Into<String>) -> String {
        self.lang.pick(ja.into(), en.into())
    }

    async fn mall(&self, id: &str) -> Result<Mall> {
        match self.store.mall(id).await? {
            Some(mall) => Ok(mall),
            None => bail!(self.say(
                format!("モール「{id}」はありません。`mall set {id} ファイル`で登録してください"),
                format!("There is no mall {id}; make it with `mall set {id} FILE`"),
            )),
        }
    }

    /// The one order with this number.
    async fn order(&self, number: &str, mall: Option<&str>) -> Result<Order> {
        let filter = Filter { number: Some(number.to_owned()), mall: mall.map(str::to_owned), ..Filter::default() };
        let mut found = self.store.orders(&filter).await?;
        match (found.pop(), &found[..]) {
            (Some(order), []) => Ok(order),
            (None, _) => bail!(self.say(
                format!("注文番号 {number} の注文はありません。`orders list`で確かめてください"),
                format!("There is no order {number}; look at `orders list`"),
            )),
            (Some(_), _) => bail!(self.say(
                format!("注文番号 {number} は複数のモールにあります。--mall で選んでください"),
                format!("Several malls have an order {number}; choose one with --mall"),
            )),
        }
    }

    /// The orders that are meant, in the order in which they were typed, each once.
    async fn targets(&self, targets: &Targets, action: Action) -> Result<Vec<Order>> {
        if targets.all {
            let filter = Filter { mall: targets.mall.clone(), ..Filter::default() };
            let orders = self.store.orders(&filter).await?;
            return Ok(orders.into_iter().filter(|order| order.offers(action)).collect());
        }
        let mut orders: Vec<Order> = Vec::with_capacity(targets.orders.len());
        for number in &targets.orders {
            let order = self.order(number, targets.mall.as_deref()).await?;
            if orders.iter().all(|earlier| earlier.id != order.id) {
                orders.push(order);
            }
        }
        Ok(orders)
    }

    /// A desk with the providers that `orders` need, the malls' own and those where they are registered.
    async fn desk(&self, orders: &[Order]) -> Result<CreditService<Plugin>> {
        let mut needed: BTreeSet<String> = orders.iter().map(|order| order.provider.clone()).collect();
        let malls = self.store.malls().await?.into_iter();
        needed.extend(malls.filter(|mall| orders.iter().any(|order| order.mall == mall.id)).map(|mall| mall.provider));
        self.desk_with(needed).await
    }

    /// A desk with these providers.
    async fn desk_with(&self, needed: BTreeSet<String>) -> Result<CreditService<Plugin>> {
        for provider in needed {
            self.registry.put(self.shelf.load(&provider).await?);
        }
        Ok(CreditService {
            store: self.store.clone(),
            lease: Arc::new(self.worker().await?),
            providers: self.registry.clone(),
            who: self.operator.clone(),
            concurrency: self.concurrency,
            in_flight_window: self.in_flight_window,
        })
    }

    /// Does `work` with orders, takes a plugin that is replaced meanwhile, and begins no more calls when it is told to
    /// stop: those that have begun come to their end.
    async fn following<T, P>(&self, desk: &CreditService<P>, work: impl Future<Output = T>) -> T {
        let tell = |name: &str, news: PluginEvent<'_>| match news {
            PluginEvent::Current(plugin) => eprintln!(
                "{name}: {} {} {}",
                self.say("プラグインを入れ替えました", "the plugin was replaced by version"),
                plugin.info().version,
                plugin.facts().digest
            ),
            PluginEvent::Kept(error) => eprintln!(
                "{name}: {}: {error}",
                self.say(
                    "新しいプラグインを読み込めないため、今のものを使い続けます",
                    "the new plugin does not load, so the old one stays"
                )
            ),
            PluginEvent::Refused(error) => eprintln!(
                "{name}: {}: {error}",
                self.say(
                    "許可ファイルが使えないため、このプラグインはもう使いません",
                    "its permission file does not serve, so the plugin is asked no more"
                )
            ),
            PluginEvent::Withdrawn => eprintln!(
                "{name}: {}",
                self.say(
                    "プラグインまたは許可ファイルがなくなったため、もう使いません",
                    "the plugin or its permission file was removed, so it is asked no more"
                )
            ),
        };
        let follow = self.shelf.follow(&self.registry, Vec::new, tell);
        tokio::select! {
            done = work => done,
            never = follow => match never {},
            never = self.stop_when_told(&desk.lease) => match never {},
        }
    }

    /// Passes on to `worker` that the program is to stop, and says that it is heard.
    async fn stop_when_told(&self, worker: &ProcessLease) -> Infallible {
        told_to_stop().await;
        worker.stop();
        eprintln!(
            "{}",
            self.say(
                "終了します。始めた通信が終わるまで待っています",
                "Stopping; waiting for calls that have begun to come to their end"
            )
        );
        std::future::pending().await
    }

    /// Says what may take back what the database acknowledged.
    async fn warn_of_risks(&self) -> Result<()> {
        let Risks { asynchronous_standbys, torn_pages } = self.store.risks().await?;
        if asynchronous_standbys > 0 {
            eprintln!(
                "{}",
                self.say(
                    format!(
                        "警告: 非同期のスタンバイが{asynchronous_standbys}台あります。これに切り替えると送信の記録が失われ、二重に与信を実行するおそれがあります。synchronous_standby_namesを設定してください"
                    ),
                    format!(
                        "Warning: {asynchronous_standbys} standby servers replicate asynchronously. A failover to one may forget \
                         what was sent, and orders could be credited twice; set synchronous_standby_names"
                    ),
                )
            );
        }
        if torn_pages {
            eprintln!(
                "{}",
                self.say(
                    "警告: full_page_writesがoffです。ページの書き込みが途切れないファイルシステムでなければonにしてください",
                    "Warning: full_page_writes is off. Switch it on unless the file system never tears pages"
                )
            );
        }
        Ok(())
    }

    /// Writes the log of what goes wrong where nobody waits for an answer.
    fn write_log(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
        // It says so on the error stream if it cannot write there, which would end the program.
        log.log_internal_errors(false).init();
    }

    async fn worker(&self) -> Result<ProcessLease> {
        ProcessLease::start(&self.store).await.with_context(|| self.store.place().to_string())
    }

    /// Clears up after processes that were killed, and says so.
    async fn recover(&self) -> Result<()> {
        let recovered = self.worker().await?.recover(&self.store).await?;
        if recovered > 0 {
            eprintln!(
                "{}",
                self.say(
                    format!("送信の途中で終了した処理がありました。{recovered}件を結果不明にしました"),
                    format!("A process ended while sending; {recovered} orders are now of unknown outcome"),
                )
            );
        }
        Ok(())
    }
}

/// Says of a file what was refused, on the error stream, and how many rows became what.
fn say_counts(session: &Session, file: &Path, refused: &[InvalidOrder], counts: &RowCounts) {
    for bad in refused {
        eprintln!("{}", bad.words(&file.to_string_lossy(), session.lang));
    }
    println!("{}", counts.words(session.lang));
}

/// Reads a CSV file and imports it, or says what that would do.
async fn import_file(
    session: &Session,
    file: &CsvFile,
    kind: FileKind,
    orders: OrderChoice<'_>,
) -> Result<ImportReport> {
    let lang = session.lang;
    let mall = session.mall(&file.mall).await?;
    // Fees of orders are calculated by the plugin; results and findings need none.
    let needed = if kind == FileKind::Orders { BTreeSet::from([mall.provider]) } else { BTreeSet::new() };
    let service = session.desk_with(needed).await?;
    let import = FileImport {
        mall: mall.id,
        kind,
        encoding: file.encoding.map(Into::into),
        correct: orders.correct,
        take: orders.take.to_vec(),
        bytes: read(&file.file, MAX_FILE_BYTES, lang)?,
    };
    let name = file.file.display();
    match transfer::import_file(&service, &import, file.dry_run).await {
        Ok(report) => Ok(report),
        Err(TransferError::File(error)) => bail!("{name}: {}", error.words(lang)),
        Err(TransferError::ChoiceNeeded(question)) => bail!("{name}: {}", orders::asked(&question, lang)),
        Err(TransferError::NotByCsv(mall)) => bail!("{name}: {}", ResultsError::NotByCsv(mall).words(lang)),
        Err(error) => Err(error.into()),
    }
}

/// How a file of orders is taken.
#[derive(Default)]
struct OrderChoice<'a> {
    correct: bool,
    take: &'a [String],
}

/// A file of at most `limit` bytes.
fn read(path: &Path, limit: u64, lang: Lang) -> Result<Vec<u8>> {
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

fn state(text: &str) -> std::result::Result<State, String> {
    use strum::VariantArray;
    let states = || State::VARIANTS.iter().map(State::to_string).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("one of / 次のどれか: {}", states()))
}

/// `2026-07-01` or `2026/7/1`.
fn date(text: &str) -> std::result::Result<time::Date, String> {
    clock::parse_date(text).ok_or_else(|| "2026-07-01 のように / write it like 2026-07-01".to_owned())
}
