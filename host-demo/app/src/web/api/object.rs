//! Bodies: JSON objects, as the document says. serde alone would take an array of an object's values, too.

use crate::web::api::problem::{Kind, Problem};
use crate::web::http::nul;
use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A body that is an object.
pub(super) struct Object<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Object<T> {
    type Rejection = axum::response::Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Json(map) =
            Json::<Map<String, Value>>::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let body = Value::Object(map);
        if nul::is_in_json(&body) {
            return Err(Problem::nul().into_response());
        }
        let invalid = |error: serde_json::Error| Problem::new(Kind::Invalid, error.to_string()).into_response();
        serde_json::from_value(body).map(Object).map_err(invalid)
    }
}

/// An object within a body.
pub(super) fn within<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let map = Option::<Map<String, Value>>::deserialize(from)?;
    map.map(|map| serde_json::from_value(Value::Object(map)).map_err(D::Error::custom)).transpose()
}
