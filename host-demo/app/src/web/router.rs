//! The routes of pages and API, and the layers around them.

use crate::web::http::refusal::Refusal;
use crate::web::http::{assets, form, headers, nul, session};
use crate::web::state::App;
use crate::web::{api, pages};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

impl App {
    /// Pages and API with all layers.
    pub fn router(&self) -> Router {
        let pages = page_routes()
            .fallback(form::no_page)
            .layer(DefaultBodyLimit::max(form::MAX_FORM))
            .layer(CatchPanicLayer::custom(panic_response))
            .layer(from_fn(nul::refuse))
            .layer(from_fn_with_state(self.clone(), session::identify))
            .layer(from_fn_with_state(self.clone(), run_to_completion));
        let all = Router::new().route("/static/{name}", get(assets::serve)).merge(pages).with_state(self.clone());
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

fn page_routes() -> Router<App> {
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
        .route("/orders/tracking", get(pages::tracking::table::page).post(pages::tracking::table::save))
        .route("/orders/tracking/select", post(pages::tracking::table::select))
        .route("/orders/{id}", get(pages::order::detail::page))
        .route("/orders/{id}/edit", get(pages::order::edit::page).post(pages::order::edit::change))
        .route("/orders/{id}/actions/{action}", post(pages::order::actions::act))
        .route("/orders/{id}/tracking", post(pages::order::actions::tracking))
        .route("/orders/{id}/invoice", post(pages::order::actions::invoice))
        .route("/orders/{id}/status", post(pages::order::actions::status))
        .route("/orders/{id}/decision", post(pages::order::actions::decide))
        .route("/batches", get(pages::batches::view::list).post(pages::batches::panel::begin))
        .route("/batches/{id}", get(pages::batches::view::page))
        .route("/batches/{id}/events", get(pages::batches::progress::events))
        .route("/batches/{id}/stop", post(pages::batches::view::stop))
        .route("/malls", get(pages::mall::list::list))
        .route("/malls/new", get(pages::mall::edit::new).post(pages::mall::edit::create))
        .route("/malls/{id}", get(pages::mall::edit::one).post(pages::mall::edit::change))
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
            get(pages::import::page)
                .post(pages::import::import)
                .layer(DefaultBodyLimit::max(pages::import::MAX_UPLOAD)),
        )
        .route(
            "/import/tracking",
            get(pages::tracking::import::page)
                .post(pages::tracking::import::import)
                .layer(DefaultBodyLimit::max(pages::tracking::import::MAX_UPLOAD)),
        )
        .route("/export", get(pages::export::page))
        .route("/export.csv", get(pages::export::export))
}
