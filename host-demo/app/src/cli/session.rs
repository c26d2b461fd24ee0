//! What a command works with, and what it does before and while it works.

use crate::cli::arguments::{GlobalOptions, Targets};
use anyhow::{Context, Result, bail};
use domain::asked::Standing;
use domain::credit_state::Action;
use domain::issue::Issue;
use domain::lang::Lang;
use domain::mall::Mall;
use domain::order::Order;
use provider_host::{Compiler, Host, Plugin, Registry};
use service::credit::CreditService;
use service::providers::abilities::Abilities;
use service::providers::directory::PluginDirectory;
use service::providers::watcher::PluginEvent;
use service::worker::told_to_stop;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{BatchOrder, DatabaseLocation, Filter, ListQuery, Risks, Store};
use tracing_subscriber::EnvFilter;

/// The log level unless `RUST_LOG` says otherwise: what somebody may have to look after.
const LOG: &str = "warn";

/// Orders that are read at once: so many that reading costs each of them little, and no more than some MiB.
const READ_AT_ONCE: usize = 1_000;

/// An order that a command is about: what tells which plugins are needed for it.
pub(super) struct Target {
    pub(super) id: i64,
    /// Where it stood when it was chosen: a run of many orders comes to it much later.
    pub(super) standing: Standing,
    /// It is sent though it may be registered already.
    pub(super) confirmed: bool,
    mall: String,
    provider: String,
}

impl Target {
    pub(super) fn of(order: &Order) -> Self {
        Self {
            id: order.id,
            standing: Standing::of(order),
            confirmed: false,
            mall: order.mall.clone(),
            provider: order.provider.clone(),
        }
    }

    /// With what it may be confirmed that is known of it now.
    fn confirmed(order: &Order, confirmed: bool) -> Self {
        let is_duplicate = order.problem.as_ref().is_some_and(Issue::is_possible_duplicate);
        Self { confirmed: confirmed && is_duplicate, ..Self::of(order) }
    }

    pub(super) fn into_batch(self) -> BatchOrder {
        BatchOrder { id: self.id, seen: Some(self.standing), confirmed: self.confirmed }
    }
}

/// What every command works with: the store, the plugins, and who is at work.
pub(super) struct Session {
    pub(super) lang: Lang,
    pub(super) operator: String,
    pub(super) concurrency: usize,
    pub(super) in_flight_window: Duration,
    pub(super) store: Store,
    pub(super) plugins: PluginDirectory,
    pub(super) registry: Arc<Registry>,
}

impl Session {
    /// Opens the store and prepares the plugin host. Plugins are compiled in processes of `compiler`.
    pub(super) async fn open(options: GlobalOptions, compiler: Compiler) -> Result<Self> {
        let location = DatabaseLocation::new(&options.db);
        let store = Store::open(&location).await.with_context(|| location.to_string())?;
        let host = Host::builder().cache_dir(location.beside("compiled")).compile_in(compiler).build()?;
        let plugins = PluginDirectory::new(host, options.plugins).locked_by(store.clone());
        // Commands that need no plugin go on; those that need one say what is wrong with it.
        if let Err(error) = plugins.sync().await {
            eprintln!("{error}");
        }
        Ok(Self {
            lang: options.lang.into(),
            operator: options.operator,
            concurrency: options.concurrency,
            in_flight_window: Duration::from_secs(options.in_flight_window),
            store,
            plugins,
            registry: Arc::default(),
        })
    }

    /// The one of two texts that is in the operator's language.
    pub(super) fn say(&self, ja: impl Into<String>, en: impl Into<String>) -> String {
        self.lang.pick(ja.into(), en.into())
    }

    /// The mall with this id.
    pub(super) async fn mall(&self, id: &str) -> Result<Mall> {
        match self.store.mall(id).await? {
            Some(mall) => Ok(mall),
            None => bail!(self.say(
                format!("モール「{id}」はありません。`mall set {id} ファイル`で登録してください"),
                format!("There is no mall {id}; make it with `mall set {id} FILE`"),
            )),
        }
    }

    /// The one order with this number.
    pub(super) async fn order(&self, number: &str, mall: Option<&str>) -> Result<Order> {
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
    pub(super) async fn targets(&self, targets: &Targets, action: Action) -> Result<Vec<Target>> {
        let confirmed = targets.are_confirmed();
        if targets.all {
            return self.all_targets(targets.mall.clone(), action, confirmed).await;
        }
        let mut orders: Vec<Target> = Vec::with_capacity(targets.orders.len());
        for number in &targets.orders {
            let order = self.order(number, targets.mall.as_deref()).await?;
            if orders.iter().all(|earlier| earlier.id != order.id) {
                orders.push(Target::confirmed(&order, confirmed));
            }
        }
        Ok(orders)
    }

    /// All orders that offer `action`, oldest first. They are not held whole: there can be hundreds of thousands.
    async fn all_targets(&self, mall: Option<String>, action: Action, confirmed: bool) -> Result<Vec<Target>> {
        let mut ids = self.store.matching(&ListQuery { mall, ..ListQuery::default() }, usize::MAX).await?;
        ids.sort_unstable();
        let mut targets = Vec::new();
        for ids in ids.chunks(READ_AT_ONCE) {
            let mut orders = self.store.orders_by_id(ids).await?;
            orders.sort_by_key(|order| order.id);
            let offering = orders.iter().filter(|order| order.offers(action));
            targets.extend(offering.map(|order| Target::confirmed(order, confirmed)));
        }
        Ok(targets)
    }

    /// The credit service with the plugins that `orders` need: those of their malls, and those of the providers where
    /// they are registered.
    pub(super) async fn credit_service(&self, orders: &[Target]) -> Result<CreditService<Plugin>> {
        let mut needed: BTreeSet<String> = orders.iter().map(|order| order.provider.clone()).collect();
        let malls = self.store.mall_summaries().await?.into_iter();
        needed.extend(malls.filter(|mall| orders.iter().any(|order| order.mall == mall.id)).map(|mall| mall.provider));
        self.credit_service_with(needed).await
    }

    /// The credit service with the plugins of these providers.
    pub(super) async fn credit_service_with(&self, needed: BTreeSet<String>) -> Result<CreditService<Plugin>> {
        for provider in needed {
            self.registry.put(self.plugins.load(&provider).await?);
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

    /// What the provider `id` can do with orders, if its plugin was loaded.
    pub(super) fn abilities(&self, id: &str) -> Abilities {
        Abilities::among(&*self.registry, id)
    }

    /// Loads the plugins of these providers as far as they can be loaded, for what is said about their orders.
    pub(super) async fn load_for_words(&self, providers: BTreeSet<String>) {
        for provider in providers {
            if self.registry.get(&provider).is_some() {
                continue;
            }
            match self.plugins.load(&provider).await {
                Ok(plugin) => drop(self.registry.put(plugin)),
                Err(error) => tracing::info!(provider, %error, "the plugin is not loaded"),
            }
        }
    }

    /// Runs `work`, which calls providers through `service`. A plugin that is replaced meanwhile is used from the next
    /// call on; when the process is told to stop, no call is begun any more and those that have begun are completed.
    pub(super) async fn following<T, P>(&self, service: &CreditService<P>, work: impl Future<Output = T>) -> T {
        let report = |name: &str, news: PluginEvent<'_>| match news {
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
        let follow = self.plugins.follow(&self.registry, Vec::new, report);
        tokio::select! {
            done = work => done,
            never = follow => match never {},
            never = self.stop_when_told(&service.lease) => match never {},
        }
    }

    /// Waits until the process is told to stop, passes that on to `worker` and confirms it to the operator.
    pub(super) async fn stop_when_told(&self, worker: &ProcessLease) -> Infallible {
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

    /// Warns of settings of the database with which a committed transaction may be lost.
    pub(super) async fn warn_of_risks(&self) -> Result<()> {
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

    /// Writes the log, for errors that no command reports, to the error stream.
    pub(super) fn write_log(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
        // The subscriber would report its own write errors on the same stream, and panic when that fails too.
        log.log_internal_errors(false).init();
    }

    async fn worker(&self) -> Result<ProcessLease> {
        ProcessLease::start(&self.store).await.with_context(|| self.store.location().to_string())
    }

    /// Marks orders whose process ended while sending as of unknown outcome, and says how many.
    pub(super) async fn recover(&self) -> Result<()> {
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
