//! Style, scripts and pictures, built into the program.

use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::digest::digest;
use serde::Deserialize;
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

/// What the address says besides the name.
#[derive(Deserialize)]
pub(crate) struct AssetQuery {
    /// The version that the page was made by.
    v: Option<String>,
}

/// `GET /static/{name}`. While a platform of several processes is brought to a new version, one of the old version can be
/// asked for what a page of the new one names: that is not to be kept.
pub(crate) async fn serve(Path(name): Path<String>, Query(query): Query<AssetQuery>) -> Response {
    let caching = if query.v.as_ref() == Some(&*VERSION) { IMMUTABLE } else { "no-cache" };
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, media_type, content)) => {
            ([(header::CONTENT_TYPE, *media_type), (header::CACHE_CONTROL, caching)], *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
