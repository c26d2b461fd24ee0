//! The order platform as a page and as a JSON API.
//!
//! | module | holds |
//! |---|---|
//! | `visit`, `form` | who asks, and whether a form is really theirs |
//! | `page`, `texts`, `assets`, `headers` | what every page has |
//! | `orders`, `row`, `order`, `batches` | the order list, one order, many orders at once |
//! | `unsaved` | secrets that were typed into a mall's form and are not saved yet |
//! | `malls`, `providers`, `users`, `audit` | what an administrator sets up and looks after |
//! | `account` | a user's own password |
//! | `transfer` | CSV in and out |
//! | `start`, `sandbox` | first steps, with simulated gateways |
//! | `confirm` | asking once more |
//! | `calls` | what the plugins were called for |
//! | [`api`] | the same for programs |

pub mod api;
mod http;
mod pages;
mod parts;
mod pending_uploads;
#[cfg_attr(not(feature = "sandbox"), path = "no_sandbox.rs")]
mod sandbox;
mod texts;

use crate::domain::digest::digest;
use crate::domain::issue::Lang;
use crate::service::credit::CreditService;
use crate::service::plugins::Candidate;
use crate::service::providers::current;
use crate::service::providers::directory::PluginDirectory;
use crate::service::providers::metrics::{CallMetrics, MeteredPlugin, MeteredRegistry};
use crate::service::worker::{Worker, told_to_stop};
use crate::store::lease::ProcessLease;
use crate::store::{Store, StoreError};
use crate::web::http::page::Refusal;
use crate::web::pending_uploads::Held;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::Handle;
use provider_host::{Limits, Registry};
pub use sandbox::{Sandbox, built_components};
use std::any::Any;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// How long a visitor may take unless told otherwise: a line that is worse carries no page either.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long answers may take when the program is to stop: longer than a plugin's call.
const LAST_ANSWERS: Duration = Duration::from_secs(45);

/// What the pages and the API work with. Clones are handles to the same.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    store: Store,
    desk: CreditService<MeteredPlugin>,
    shelf: PluginDirectory,
    registry: Arc<Registry>,
    calls: Arc<CallMetrics>,
    wake: Arc<Notify>,
    begun: TaskTracker,
    held: Held<crate::service::transfer::FileImport>,
    candidates: Held<Candidate>,
    limits: Limits,
    lang: Lang,
    https: bool,
    patience: Duration,
    sandbox: Option<Sandbox>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What a platform is set up with.
pub struct Setup {
    /// Where the orders are.
    pub store: Store,
    /// The plugins with their permissions.
    pub shelf: PluginDirectory,
    /// What the shelf's host confines them to.
    pub limits: Limits,
    /// For visitors whose browser asks for neither language.
    pub lang: Lang,
    /// The page is reached through HTTPS: cookies and browsers are told to keep to it.
    pub https: bool,
    /// CallMetrics side by side.
    pub concurrency: usize,
    /// See [`crate::service::providers::response::IN_FLIGHT_WINDOW`].
    pub in_flight_window: Duration,
    /// How long a visitor may take over the head of a request, pause in its body, or keep a connection and say
    /// nothing.
    pub patience: Duration,
    /// Simulated gateways.
    pub sandbox: Option<Sandbox>,
}

impl App {
    /// A platform with every plugin of the folder that loads; the others are in the log.
    pub async fn new(setup: Setup) -> Result<Self, StoreError> {
        let registry = Arc::new(Registry::default());
        current::load_all(&setup.shelf, &registry).await;
        let calls = Arc::new(CallMetrics::default());
        let desk = CreditService {
            lease: Arc::new(ProcessLease::start(&setup.store).await?),
            store: setup.store.clone(),
            providers: Arc::new(MeteredRegistry { registry: Arc::clone(&registry), calls: Arc::clone(&calls) }),
            who: String::new(),
            concurrency: setup.concurrency,
            in_flight_window: setup.in_flight_window,
        };
        let Setup { store, shelf, limits, lang, https, patience, sandbox, .. } = setup;
        Ok(App(Arc::new(Inner {
            wake: Arc::default(),
            begun: TaskTracker::new(),
            held: Held::new(pages::import::MAX_HELD),
            candidates: Held::new(pages::providers::MAX_CANDIDATES),
            store,
            desk,
            shelf,
            registry,
            calls,
            limits,
            lang,
            https,
            patience,
            sandbox,
        })))
    }

    /// Pages and API, with everything that stands around them.
    pub fn router(&self) -> Router {
        let pages = pages()
            .fallback(http::form::nowhere)
            .layer(DefaultBodyLimit::max(http::form::MAX_FORM))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(http::nul::refuse))
            .layer(from_fn_with_state(self.clone(), http::session::identify))
            .layer(from_fn_with_state(self.clone(), to_its_end));
        let all = Router::new().route("/static/{name}", get(http::assets::serve)).merge(pages).with_state(self.clone());
        let all = all.nest("/api", api::router(self.clone()));
        let all = all.layer(RequestBodyTimeoutLayer::new(self.patience));
        http::headers::layers(self.https).into_iter().fold(all, Router::layer)
    }

    /// Serves, and works in the background, until the program is told to stop. What has begun comes to its
    /// end first.
    pub async fn serve(&self, listener: std::net::TcpListener) -> std::io::Result<()> {
        let background = Worker { service: self.desk.clone(), wake: Arc::clone(&self.wake) };
        let working = tokio::spawn(async move { background.run().await });
        let app = self.clone();
        let following = tokio::spawn(async move { current::follow(&app.shelf, &app.registry).await });
        let handle = Handle::new();
        let (server, begun, worker) = (handle.clone(), self.begun.clone(), Arc::clone(&self.desk.lease));
        tokio::spawn(async move {
            told_to_stop().await;
            worker.stop();
            // What is begun from here on is still waited for; whoever asks how far something is has to ask again.
            begun.close();
            server.graceful_shutdown(Some(LAST_ANSWERS));
        });
        // Where HTTP/2 is looked for first, a connection that says nothing is waited for without end.
        let mut server = axum_server::from_tcp(listener)?.handle(handle).http1_only();
        server.http_builder().http1().header_read_timeout(self.patience);
        server.serve(self.router().into_make_service_with_connect_info::<SocketAddr>()).await?;
        following.abort();
        working.await.map_err(std::io::Error::other)?;
        self.begun.wait().await;
        Ok(())
    }

    /// Has `work` come to its end, even if nobody waits for it any more: a call that is broken off leaves its
    /// order in doubt.
    fn begin<W>(&self, work: W) -> JoinHandle<W::Output>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        self.begun.spawn(work)
    }
}

/// What a form began goes on when the browser leaves for another page.
async fn to_its_end(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let lang = app.lang;
    app.begin(next.run(request)).await.unwrap_or_else(|error| Refusal::failed(&error).plain(lang))
}

/// A page's own fault must not take the server with it.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Refusal::failed(&words.unwrap_or("a page panicked")).into_response()
}

fn pages() -> Router<App> {
    Router::new()
        .route("/", get(pages::start::home))
        .route("/signin", get(pages::sign_in::page).post(pages::sign_in::sign_in))
        .route("/signout", post(pages::sign_in::sign_out))
        .route("/language", post(pages::sign_in::language))
        .route("/start", get(pages::start::page))
        .route("/start/1", post(pages::start::mall))
        .route("/start/2", post(pages::start::orders))
        .route("/start/3", post(pages::start::credit))
        .route("/orders", get(pages::orders::list))
        .route("/orders/{id}", get(pages::order::page))
        .route("/orders/{id}/actions/{action}", post(pages::order::act))
        .route("/orders/{id}/tracking", post(pages::order::tracking))
        .route("/orders/{id}/invoice", post(pages::order::invoice))
        .route("/orders/{id}/status", post(pages::order::status))
        .route("/orders/{id}/decision", post(pages::order::decide))
        .route("/batches", get(pages::batches::list).post(pages::batches::begin))
        .route("/batches/{id}", get(pages::batches::page))
        .route("/batches/{id}/events", get(pages::batches::events))
        .route("/batches/{id}/stop", post(pages::batches::stop))
        .route("/malls", get(pages::mall::list))
        .route("/malls/new", get(pages::mall::new).post(pages::mall::create))
        .route("/malls/{id}", get(pages::mall::one).post(pages::mall::change))
        .route(
            "/providers",
            get(pages::providers::page)
                .post(pages::providers::load)
                .layer(DefaultBodyLimit::max(pages::providers::MAX_UPLOAD)),
        )
        .route("/users", get(pages::users::page).post(pages::users::add))
        .route("/users/{id}", post(pages::users::change))
        .route("/tokens", post(pages::users::issue))
        .route("/tokens/{id}/revoke", post(pages::users::revoke))
        .route("/audit", get(pages::audit::page))
        .route("/account", get(pages::account::page).post(pages::account::change))
        .route(
            "/import",
            get(pages::import::import_page)
                .post(pages::import::import)
                .layer(DefaultBodyLimit::max(pages::import::MAX_UPLOAD)),
        )
        .route("/export", get(pages::import::export_page))
        .route("/export.csv", get(pages::import::export))
}
