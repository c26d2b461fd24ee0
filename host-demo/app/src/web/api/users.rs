//! Users of the page.

use crate::web::App;
use crate::web::api::answers::{Acting, Key, Missing, Reading, Restricted};
use crate::web::api::caller::Administrator;
use crate::web::api::object::Object;
use crate::web::api::problem::Problem;
use crate::web::api::schemas::administration::UserRole;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::{Actor, UserProblem};
use utoipa::ToSchema;

/// Somebody who signs in on the page.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    id: i64,
    name: String,
    role: UserRole,
    disabled: bool,
    created_at: i64,
}

impl From<store::User> for User {
    fn from(user: store::User) -> Self {
        let store::User { id, name, role, disabled, created_at } = user;
        Self { id, name, role: role.into(), disabled, created_at }
    }
}

/// All users.
#[utoipa::path(get, operation_id = "users", path = "/v1/users", tag = "administration",
    responses((status = 200, body = Vec<User>, description = "The users."), Reading, Restricted))]
pub(super) async fn list(State(app): State<App>, _: Administrator) -> Result<Json<Vec<User>>, Problem> {
    Ok(Json(app.store.users().await?.into_iter().map(User::from).collect()))
}

/// A new user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    #[schema(min_length = 12, max_length = 256)]
    password: String,
    role: UserRole,
}

/// Adds a user.
#[utoipa::path(post, operation_id = "add_user", path = "/v1/users", tag = "administration", params(Key), request_body = NewUser,
    responses((status = 201, body = User, description = "The user."), Acting, Restricted))]
pub(super) async fn add(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Object(new): Object<NewUser>,
) -> Result<(StatusCode, Json<User>), Problem> {
    let user = app.store.add_user(&new.name, new.role.into(), &new.password, Actor::now(&caller.name)).await?;
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// What a user may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserAccess {
    role: UserRole,
    disabled: bool,
}

/// Gives a user another role, or disables or enables the user.
#[utoipa::path(put, operation_id = "change_user", path = "/v1/users/{id}", tag = "administration", params(("id" = i64, Path), Key), request_body = UserAccess,
    responses((status = 200, body = User, description = "The user."), Acting, Missing, Restricted))]
pub(super) async fn change(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Path(id): Path<i64>,
    Object(access): Object<UserAccess>,
) -> Result<Json<User>, Problem> {
    app.store.change_user(id, access.role.into(), access.disabled, Actor::now(&caller.name)).await?;
    let user = app.store.user(id).await?.ok_or(StoreError::User(UserProblem::NoUser))?;
    Ok(Json(user.into()))
}
