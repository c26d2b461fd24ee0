//! Tokens of programs that call the API.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::caller::Administrator;
use crate::web::api::object::Object;
use crate::web::api::problem::{Kind, Problem};
use crate::web::api::schemas::administration::UserRole;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Actor;
use utoipa::ToSchema;

/// A program's token, without the token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiToken {
    id: i64,
    name: String,
    role: UserRole,
    created_by: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl From<store::ApiToken> for ApiToken {
    fn from(token: store::ApiToken) -> Self {
        let store::ApiToken { id, name, role, created_by, created_at, expires_at, revoked_at } = token;
        Self { id, name, role: role.into(), created_by, created_at, expires_at, revoked_at }
    }
}

/// All tokens.
#[utoipa::path(get, operation_id = "tokens", path = "/v1/tokens", tag = "administration",
    responses((status = 200, body = Vec<ApiToken>, description = "The tokens."), Reading, Restricted))]
pub(super) async fn list(State(app): State<App>, _: Administrator) -> Result<Json<Vec<ApiToken>>, Problem> {
    Ok(Json(app.store.api_tokens().await?.into_iter().map(ApiToken::from).collect()))
}

/// A new token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApiToken {
    /// What it is for; stands in histories.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    role: UserRole,
    /// Milliseconds since 1970, in the future. Absent: never.
    expires_at: Option<i64>,
}

/// A token that was just issued.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IssuedApiToken {
    #[serde(flatten)]
    about: ApiToken,
    /// The token itself; it can be read only now.
    token: String,
}

/// Issues a token.
#[utoipa::path(post, operation_id = "issue_token", path = "/v1/tokens", tag = "administration", params(Key), request_body = NewApiToken,
    responses((status = 201, body = IssuedApiToken, description = "The token, for the only time."), Acting, Restricted))]
pub(super) async fn issue(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Object(new): Object<NewApiToken>,
) -> Result<(StatusCode, Json<IssuedApiToken>), Problem> {
    let by = Actor::now(&caller.name);
    if new.expires_at.is_some_and(|at| at <= by.at) {
        return Err(Problem::new(Kind::Invalid, "`expires_at` is in milliseconds since 1970, and in the future."));
    }
    let (about, token) = app.store.add_api_token(&new.name, new.role.into(), new.expires_at, by).await?;
    Ok((StatusCode::CREATED, Json(IssuedApiToken { about: about.into(), token })))
}

/// Revokes a token.
#[utoipa::path(delete, operation_id = "revoke_token", path = "/v1/tokens/{id}", tag = "administration", params(("id" = i64, Path), Key),
    responses((status = 204, description = "The token is revoked."), Acting, Missing, Restricted))]
pub(super) async fn revoke(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    match app.store.revoke_api_token(id, Actor::now(&caller.name)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Kind::NotFound, "There is no such valid token.")),
    }
}
