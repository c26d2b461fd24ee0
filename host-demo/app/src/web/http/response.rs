//! Templates as responses.

use crate::web::http::refusal::Refusal;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::clock;

/// A rendered template with `status`.
pub(crate) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => Refusal::failed(&error).into_response(),
    }
}

/// A rendered template with status 200.
pub(crate) fn ok(template: &impl Template) -> Response {
    html(StatusCode::OK, template)
}

/// Adds `Retry-After` to `response`: the request may be repeated at `until`, in milliseconds since 1970.
pub(crate) fn retry_at(mut response: Response, until: i64) -> Response {
    let wait = until.saturating_sub(clock::now()).max(0);
    // In whole seconds, rounded up so that the retry never comes too early.
    let seconds = (wait + 999) / 1000;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
