//! Bodies: JSON objects, as the document says. serde alone would take an array of an object's values, too; a map of
//! members the last of several of one name.

use crate::web::api::problem::{Kind, Problem};
use crate::web::http::nul;
use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A body that is an object.
pub(super) struct Object<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Json(body) =
            Json::<Box<RawValue>>::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let invalid = |error: serde_json::Error| Problem::new(Kind::Invalid, error.to_string()).into_response();
        let map: Map<String, Value> = serde_json::from_str(body.get()).map_err(invalid)?;
        if nul::is_in_json(&Value::Object(map)) {
            return Err(Problem::nul().into_response());
        }
        serde_json::from_str(body.get()).map(Object).map_err(invalid)
    }
}

/// An object within a body.
pub(super) fn within<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let Some(body) = Option::<Box<RawValue>>::deserialize(from)? else { return Ok(None) };
    serde_json::from_str::<Map<String, Value>>(body.get()).map_err(D::Error::custom)?;
    serde_json::from_str(body.get()).map(Some).map_err(D::Error::custom)
}
