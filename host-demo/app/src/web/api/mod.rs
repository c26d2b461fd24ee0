//! The JSON API: all that the pages do, for programs. It describes itself at `/api/openapi.json`.
//!
//! Who calls is known by a bearer token; calls that act carry an `Idempotency-Key` and are carried out
//! once, however often they are sent; errors are problems as RFC 9457 has them.

mod answers;
mod audit;
mod batches;
mod begun_call;
mod caller;
mod import_runs;
mod mall_trials;
mod malls;
mod mapping_previews;
mod object;
mod once;
mod order_changes;
mod order_correction;
mod order_filter;
mod orders;
mod paging;
mod problem;
mod providers;
mod schemas;
mod tokens;
mod tracking_files;
mod transfer;
mod users;

use crate::web::App;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest JSON that is read: a batch of as many orders as one may have is below 1 MiB.
const MAX_JSON: usize = 1 << 20;

/// The frame of the document; paths and schemas come from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "受注管理 / Order platform",
        description = "Everything that the pages do, for programs.\n\n\
            Send a token as `Authorization: Bearer …`. Calls that act need an `Idempotency-Key` of your choice: \
            the same call with the same key is carried out once and answered alike for a day. \
            Orders and malls have a version; a change names the version that it was made from.\n\n\
            Words about orders and settings are Japanese or English by `Accept-Language`. Lists have 50 entries unless \
            `limit` says otherwise.\n\n\
            Amounts are whole yen, tax included. Times are milliseconds since 1970-01-01T00:00:00Z; dates are Japan's."
    ),
    servers((url = "/api")),
    modifiers(&Tokens),
    security(("token" = [])),
    components(schemas(problem::Problem, problem::FieldError, transfer::CsvContent, transfer::CsvEncoding))
)]
struct Frame;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut OpenApiDocument) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// The API, to be put under `/api`.
pub fn router(app: App) -> Router {
    let (calls, document) = calls().split_for_parts();
    let acting = once::acting(&document);
    let calls = calls
        .layer(from_fn_with_state((app.clone(), acting), once::once))
        .layer(from_fn_with_state(app.clone(), caller::identify))
        .with_state(app);
    Router::new()
        .route("/openapi.json", get(move || async move { Json(document) }))
        .merge(calls)
        .fallback(|| async { problem::Problem::new(problem::Kind::NotFound, "The API has no such path.") })
        .layer(from_fn(problem::refuse_nul))
        .layer(from_fn(problem::unify))
}

/// The document that the API publishes of itself: paths, parameters and schemas.
pub fn document() -> OpenApiDocument {
    calls().into_openapi()
}

fn calls() -> OpenApiRouter<App> {
    let small = OpenApiRouter::with_openapi(Frame::openapi())
        .routes(routes!(orders::list))
        .routes(routes!(orders::counts))
        .routes(routes!(orders::one))
        .routes(routes!(orders::history))
        .routes(routes!(order_changes::act))
        .routes(routes!(order_correction::correct))
        .routes(routes!(order_changes::tracking))
        .routes(routes!(order_changes::invoice))
        .routes(routes!(order_changes::status))
        .routes(routes!(order_changes::decide))
        .routes(routes!(batches::list, batches::begin))
        .routes(routes!(batches::one))
        .routes(routes!(batches::rows))
        .routes(routes!(batches::stop))
        .routes(routes!(malls::list))
        .routes(routes!(malls::one, malls::put))
        .routes(routes!(mall_trials::test))
        .routes(routes!(mall_trials::try_fee))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::change))
        .routes(routes!(tokens::list, tokens::issue))
        .routes(routes!(tokens::revoke))
        .routes(routes!(providers::pause, providers::resume))
        .routes(routes!(audit::list))
        .routes(routes!(transfer::export))
        .routes(routes!(mapping_previews::presets))
        .routes(routes!(tracking_files::formats))
        .routes(routes!(import_runs::one))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    small.merge(large())
}

/// Calls with files; their handlers bound them.
fn large() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(providers::list, providers::load))
        .routes(routes!(providers::withdraw))
        .routes(routes!(transfer::import))
        .routes(routes!(import_runs::list, import_runs::begin))
        .routes(routes!(mapping_previews::preview))
        .routes(routes!(tracking_files::import))
        .layer(DefaultBodyLimit::disable())
}
