//! What pages and API work with.

use crate::web::sandbox::Sandbox;
use domain::lang::Lang;
use provider_host::{Limits, Registry};
use service::credit::CreditService;
use service::plugins::Installer;
use service::providers::abilities::Abilities;
use service::providers::current;
use service::providers::directory::PluginDirectory;
use service::providers::metrics::{CallMetrics, MeteredPlugin, MeteredRegistry};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{Store, StoreError};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// Default of [`Setup::request_timeout`]: a connection that is slower than this is too slow for the pages as well.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The state of the web application. Clones share it.
#[derive(Clone)]
pub struct App(Arc<AppState>);

/// See [`App`].
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) credit: CreditService<MeteredPlugin>,
    pub(crate) plugins: PluginDirectory,
    pub(crate) registry: Arc<Registry>,
    pub(crate) calls: Arc<CallMetrics>,
    /// Wakes the worker: there may be something to do.
    pub(crate) wake: Arc<Notify>,
    /// Requests that change something and have not finished.
    pub(crate) running: TaskTracker,
    pub(crate) limits: Limits,
    pub(crate) lang: Lang,
    pub(crate) https: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) sandbox: Option<Sandbox>,
}

impl Deref for App {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}

/// What an [`App`] is made of.
pub struct Setup {
    /// The database.
    pub store: Store,
    /// The folder of the plugins with their permissions.
    pub plugins: PluginDirectory,
    /// The limits of every plugin, as the host of the folder enforces them.
    pub limits: Limits,
    /// The language for visitors whose browser prefers neither of the two.
    pub lang: Lang,
    /// Whether the page is served over HTTPS: then cookies and browsers are restricted to it.
    pub https: bool,
    /// Calls of one action at a time.
    pub concurrency: usize,
    /// See [`service::providers::response::IN_FLIGHT_WINDOW`].
    pub in_flight_window: Duration,
    /// How long a client may take to send the head of a request, pause while it sends the body, or keep an idle
    /// connection open.
    pub request_timeout: Duration,
    /// Simulated gateways.
    pub sandbox: Option<Sandbox>,
}

impl App {
    /// Loads the plugins of the folder, and takes the lease under which this process claims orders. A plugin that does
    /// not load is logged and left out.
    ///
    /// # Errors
    ///
    /// The lease cannot be written to the store.
    pub async fn new(setup: Setup) -> Result<Self, StoreError> {
        let registry = Arc::new(Registry::default());
        current::load_all(&setup.plugins, &registry).await;
        let calls = Arc::new(CallMetrics::default());
        let credit = CreditService {
            lease: Arc::new(ProcessLease::start(&setup.store).await?),
            store: setup.store.clone(),
            providers: Arc::new(MeteredRegistry { registry: Arc::clone(&registry), calls: Arc::clone(&calls) }),
            who: String::new(),
            concurrency: setup.concurrency,
            in_flight_window: setup.in_flight_window,
        };
        let Setup { store, plugins, limits, lang, https, request_timeout, sandbox, .. } = setup;
        Ok(Self(Arc::new(AppState {
            wake: Arc::default(),
            running: TaskTracker::new(),
            store,
            credit,
            plugins,
            registry,
            calls,
            limits,
            lang,
            https,
            request_timeout,
            sandbox,
        })))
    }

    /// Runs `work` to its end, even if the client disconnects: a call that is cancelled half-way leaves its order in
    /// doubt.
    pub(crate) fn begin<W>(&self, work: W) -> JoinHandle<W::Output>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        self.running.spawn(work)
    }

    /// What the provider `id` can do with orders.
    pub(crate) fn abilities(&self, id: &str) -> Abilities {
        Abilities::among(&*self.credit.providers, id)
    }

    /// Installs components into the folder of the plugins.
    pub fn installer(&self) -> Installer<'_> {
        Installer { directory: &self.plugins, store: &self.store, registry: &self.registry }
    }
}
