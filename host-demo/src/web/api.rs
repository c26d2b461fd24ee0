//! The API.
use super::App;
/// The API.
pub fn router(_: App) -> axum::Router { axum::Router::new() }
