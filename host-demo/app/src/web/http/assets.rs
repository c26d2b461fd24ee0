//! Style, scripts and pictures, built into the program.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::digest::digest;
use std::sync::LazyLock;

/// Name, media type, content.
const ASSETS: [(&str, &str, &[u8]); 5] = [
    ("app.css", "text/css; charset=utf-8", include_bytes!("../../../static/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_bytes!("../../../static/app.js")),
    ("htmx.min.js", "text/javascript; charset=utf-8", include_bytes!("../../../static/htmx.min.js")),
    ("htmx-sse.min.js", "text/javascript; charset=utf-8", include_bytes!("../../../static/htmx-sse.min.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../../static/icon.svg")),
];

/// An address contains the digest of all assets, so a browser may cache what it got there without a limit.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Digits of the digest in an address: enough that two versions differ.
const VERSION_DIGITS: usize = 8;

/// The digest of all assets.
static VERSION: LazyLock<String> =
    LazyLock::new(|| digest(&ASSETS.map(|(.., content)| content)).chars().take(VERSION_DIGITS).collect());

/// The address of the asset `name`.
pub(crate) fn url(name: &str) -> String {
    format!("/static/{name}?v={}", *VERSION)
}

/// `GET /static/{name}`
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, media_type, content)) => {
            ([(header::CONTENT_TYPE, *media_type), (header::CACHE_CONTROL, IMMUTABLE)], *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
