//! The NUL character. No order, name or search contains it and `PostgreSQL` cannot store it, so a request with it is
//! rejected wherever text enters: in an address, a form, a JSON body.

use crate::web::http::refusal::Refusal;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

/// NUL in percent-encoding, the only encoding of addresses and forms.
const ENCODED: &[u8] = b"%00";

/// Whether percent-encoded text contains NUL.
pub(crate) fn is_in_encoded(text: &[u8]) -> bool {
    text.contains(&0) || text.windows(ENCODED.len()).any(|part| part == ENCODED)
}

/// Whether path or query contain NUL.
pub(crate) fn is_in_address(uri: &Uri) -> bool {
    uri.path_and_query().is_some_and(|text| is_in_encoded(text.as_str().as_bytes()))
}

/// Whether a string or a member name contains NUL.
pub(crate) fn is_in_json(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(is_in_json),
        Value::Object(map) => map.iter().any(|(name, value)| name.contains('\0') || is_in_json(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Middleware: rejects a request whose address contains NUL.
pub(crate) async fn refuse(request: Request, next: Next) -> Result<Response, Refusal> {
    if is_in_address(request.uri()) { Err(Refusal::Unreadable) } else { Ok(next.run(request).await) }
}
