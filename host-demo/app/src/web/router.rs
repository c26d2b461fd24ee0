//! The routes of pages and API, and the layers around them.
//!
//! The pages' routes are kept as a list beside the router that serves them ([`page_routes`]); one call adds to both.
//! So tests and tools find every route that is served, and none that is not.

use crate::web::http::refusal::Refusal;
use crate::web::http::{assets, form, headers, nul, session};
use crate::web::state::App;
use crate::web::{api, pages};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

impl App {
    /// Pages and API with all layers.
    pub fn router(&self) -> Router {
        let pages = signed()
            .router
            .fallback(form::no_page)
            .layer(DefaultBodyLimit::max(form::MAX_FORM))
            .layer(CatchPanicLayer::custom(panic_response))
            .layer(from_fn(nul::refuse))
            .layer(from_fn_with_state(self.clone(), session::identify))
            .layer(from_fn_with_state(self.clone(), run_to_completion));
        let all = files().router.merge(pages).with_state(self.clone());
        let all = all.nest("/api", api::router(self.clone()));
        let all = all.layer(RequestBodyTimeoutLayer::new(self.request_timeout));
        headers::layers(self.https).into_iter().fold(all, Router::layer)
    }
}

/// Middleware: a request that changes something runs to its end, even if the browser disconnects.
async fn run_to_completion(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let lang = app.lang;
    app.begin(next.run(request)).await.unwrap_or_else(|error| Refusal::failed(&error).plain(lang))
}

/// A handler that panics fails its own request, not the server.
fn panic_response(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Refusal::failed(&message.unwrap_or("a page panicked")).into_response()
}

/// A route of the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `GET` reads, `POST` acts; there is no other method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// For a form with files: the most bytes that its body may have.
    pub upload: Option<usize>,
}

/// Every route of the pages. Those of the API are in [`api::document`].
pub fn page_routes() -> Vec<Route> {
    [files().listed, signed().listed].concat()
}

/// Routes and the list of them.
#[derive(Default)]
struct Routes {
    router: Router<App>,
    listed: Vec<Route>,
}

impl Routes {
    fn get<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Route { method: Method::GET, path, upload: None }, MethodFilter::GET, handler)
    }

    fn post<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Route { method: Method::POST, path, upload: None }, MethodFilter::POST, handler)
    }

    /// A form with files; its body may have `limit` bytes.
    fn upload<H: Handler<T, App>, T: 'static>(self, path: &'static str, handler: H, limit: usize) -> Self {
        let route = Route { method: Method::POST, path, upload: Some(limit) };
        self.add(route, MethodFilter::POST, handler.layer(DefaultBodyLimit::max(limit)))
    }

    fn add<H: Handler<T, App>, T: 'static>(mut self, route: Route, method: MethodFilter, handler: H) -> Self {
        self.router = self.router.route(route.path, on(method, handler));
        self.listed.push(route);
        self
    }
}

/// What needs neither a visitor nor a form.
fn files() -> Routes {
    Routes::default().get("/static/{name}", assets::serve)
}

/// Everything else: behind sessions, and with a CSRF token in every form.
fn signed() -> Routes {
    Routes::default()
        .get("/", pages::start::home)
        .get("/signin", pages::sign_in::page)
        .post("/signin", pages::sign_in::sign_in)
        .post("/signout", pages::sign_in::sign_out)
        .post("/language", pages::sign_in::language)
        .get("/start", pages::start::page)
        .post("/start/1", pages::start::mall)
        .post("/start/2", pages::start::orders)
        .post("/start/3", pages::start::credit)
        .get("/orders", pages::orders::list)
        .get("/orders/tracking", pages::tracking::table::page)
        .post("/orders/tracking", pages::tracking::table::save)
        .post("/orders/tracking/select", pages::tracking::table::select)
        .get("/orders/{id}", pages::order::detail::page)
        .get("/orders/{id}/edit", pages::order::edit::page)
        .post("/orders/{id}/edit", pages::order::edit::change)
        .post("/orders/{id}/actions/{action}", pages::order::actions::act)
        .post("/orders/{id}/tracking", pages::order::actions::tracking)
        .post("/orders/{id}/invoice", pages::order::actions::invoice)
        .post("/orders/{id}/status", pages::order::actions::status)
        .post("/orders/{id}/decision", pages::order::actions::decide)
        .get("/batches", pages::batches::view::list)
        .post("/batches", pages::batches::panel::begin)
        .get("/batches/{id}", pages::batches::view::page)
        .get("/batches/{id}/events", pages::batches::progress::events)
        .post("/batches/{id}/stop", pages::batches::view::stop)
        .get("/malls", pages::mall::list::list)
        .get("/malls/new", pages::mall::edit::new)
        .post("/malls/new", pages::mall::edit::create)
        .get("/malls/{id}", pages::mall::edit::one)
        .post("/malls/{id}", pages::mall::edit::change)
        .get("/malls/{id}/mapping", pages::mall::mapping::edit::page)
        .upload("/malls/{id}/mapping", pages::mall::mapping::edit::change, pages::mall::mapping::edit::MAX_UPLOAD)
        .get("/providers", pages::providers::page)
        .upload("/providers", pages::providers::load, pages::providers::MAX_UPLOAD)
        .post("/providers/{id}/withdraw", pages::providers::withdraw)
        .get("/users", pages::users::page)
        .post("/users", pages::users::add)
        .post("/users/{id}", pages::users::change)
        .post("/tokens", pages::users::issue)
        .post("/tokens/{id}/revoke", pages::users::revoke)
        .get("/audit", pages::audit::page)
        .get("/account", pages::account::page)
        .post("/account", pages::account::change)
        .get("/import", pages::import::form::page)
        .get("/import/runs/{name}", pages::import::runs::page)
        .get("/import/runs/{name}/events", pages::import::runs::events)
        .upload("/import", pages::import::form::import, pages::import::form::MAX_UPLOAD)
        .get("/import/tracking", pages::tracking::import::page)
        .upload("/import/tracking", pages::tracking::import::import, pages::tracking::import::MAX_UPLOAD)
        .get("/export", pages::export::page)
        .get("/export.csv", pages::export::export)
}
