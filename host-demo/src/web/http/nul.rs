//! Text with NUL, which no order, name or search has, and which PostgreSQL cannot hold: a request that brings it cannot
//! be read. It is refused where text enters, whichever way: in an address, a form, a JSON body.

use crate::web::http::page::Refusal;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

/// NUL as addresses and forms encode it; there is no other way to.
const ENCODED: &[u8] = b"%00";

/// Whether what is encoded as addresses and forms are has NUL.
pub fn is_in_encoded(text: &[u8]) -> bool {
    text.contains(&0) || text.windows(ENCODED.len()).any(|part| part == ENCODED)
}

/// Whether path or query have NUL.
pub fn is_in_address(uri: &Uri) -> bool {
    uri.path_and_query().is_some_and(|text| is_in_encoded(text.as_str().as_bytes()))
}

/// Whether a text or a name in it has NUL.
pub fn is_in_json(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(is_in_json),
        Value::Object(map) => map.iter().any(|(name, value)| name.contains('\0') || is_in_json(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Refuses pages whose address has NUL.
pub async fn refuse(request: Request, next: Next) -> Result<Response, Refusal> {
    if is_in_address(request.uri()) { Err(Refusal::Unreadable) } else { Ok(next.run(request).await) }
}
