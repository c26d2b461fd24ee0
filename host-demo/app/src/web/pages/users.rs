//! Users and tokens, for administrators.

use crate::web::http::form::{NoFields, Signed};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Admin;
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::actor::Actor;
use domain::clock;
use domain::lang::Lang;
use domain::user::{MIN_PASSWORD, Role, User, UserProblem};
use serde::Deserialize;
use service::messages::localize::Localize;
use store::{ApiToken, StoreError};
use strum::VariantArray;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    p: Page,
    users: Vec<UserView>,
    tokens: Vec<TokenView>,
    roles: Vec<(String, &'static str)>,
    shortest_password: usize,
    /// Name and role of the forms that were rejected; never a password.
    new_user: (String, String),
    new_token: (String, String),
    /// A token that was just issued.
    fresh: Option<String>,
}

struct UserView {
    id: i64,
    name: String,
    role: &'static str,
    other_role: Role,
    make_other: String,
    since: String,
    disabled: bool,
    own: bool,
}

struct TokenView {
    id: i64,
    name: String,
    role: &'static str,
    since: String,
    by: String,
    disabled: bool,
}

/// The query of the page: the draft with a token that is shown once.
#[derive(Deserialize)]
pub(crate) struct UsersQuery {
    #[serde(default)]
    fresh: String,
}

/// The purpose of a draft that holds a new token.
const NEW_TOKEN: &str = "token";

/// `GET /users`
pub(crate) async fn page(
    State(app): State<App>,
    admin: Admin,
    Query(shown): Query<UsersQuery>,
) -> Result<Response, Refusal> {
    let fresh = match &admin.0.visitor.session {
        Some(session) if !shown.fresh.is_empty() => {
            let found = app.store.draft(session, NEW_TOKEN, &shown.fresh, clock::now()).await?;
            // Only once: opening the address again does not show it again.
            let first = found.is_some() && app.store.forget_draft(session, &shown.fresh).await?;
            found.filter(|_| first)
        }
        _ => None,
    };
    show(&app, &admin, UsersReply { fresh, ..UsersReply::default() }).await
}

/// What the page shows besides users and tokens.
#[derive(Default)]
struct UsersReply {
    problem: Option<UserProblem>,
    user: (String, String),
    token: (String, String),
    fresh: Option<String>,
}

async fn show(app: &App, Admin(staff): &Admin, reply: UsersReply) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    p.path = "/users".to_owned();
    let status = reply.problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    p.notices.extend(reply.problem.map(|problem| Notice::new(Tone::Bad, problem.localized(staff.visitor.lang))));
    let user = |user: User| UserView {
        role: user.role.localized(p.lang),
        other_role: user.role.other(),
        make_other: fill(p.t.make_role, &[&user.role.other().localized(p.lang)]),
        since: clock::timestamp(user.created_at),
        own: user.id == staff.user.id,
        id: user.id,
        disabled: user.disabled,
        name: user.name,
    };
    let token = |token: ApiToken| TokenView {
        role: token.role.localized(p.lang),
        since: clock::timestamp(token.created_at),
        disabled: token.revoked_at.is_some(),
        id: token.id,
        name: token.name,
        by: token.created_by,
    };
    let page = UsersPage {
        users: app.store.users().await?.into_iter().map(user).collect(),
        tokens: app.store.api_tokens().await?.into_iter().map(token).collect(),
        roles: Role::VARIANTS.iter().map(|role| (role.to_string(), role.localized(p.lang))).collect(),
        shortest_password: MIN_PASSWORD,
        new_user: reply.user,
        new_token: reply.token,
        fresh: reply.fresh,
        p,
    };
    Ok(html(status, &page))
}

/// Redirects to the page with the result.
fn redirect(app: &App, lang: Lang, done: Result<String, UserProblem>) -> Response {
    let notice = match done {
        Ok(text) => Notice::new(Tone::Ok, text),
        Err(problem) => Notice::new(Tone::Bad, problem.localized(lang)),
    };
    app.redirect("/users", &[notice])
}

/// A new user.
#[derive(Deserialize)]
pub(crate) struct NewUserForm {
    name: String,
    password: String,
    role: String,
}

/// `POST /users`
pub(crate) async fn add(
    State(app): State<App>,
    admin: Admin,
    Signed(form): Signed<NewUserForm>,
) -> Result<Response, Refusal> {
    let Admin(staff) = &admin;
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    match app.store.add_user(&form.name, role, &form.password, Actor::now(&staff.user.name)).await {
        Ok(user) => Ok(redirect(&app, lang, Ok(fill(t.user_added, &[&user.name])))),
        Err(StoreError::User(problem)) => {
            let reply = UsersReply { problem: Some(problem), user: (form.name, form.role), ..UsersReply::default() };
            show(&app, &admin, reply).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A change of a user; what is absent stays.
#[derive(Deserialize)]
pub(crate) struct UserChangeForm {
    disabled: Option<String>,
    role: Option<Role>,
}

/// `POST /users/{id}`
pub(crate) async fn change(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<i64>,
    Signed(form): Signed<UserChangeForm>,
) -> Result<Response, Refusal> {
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    let Some(user) = app.store.user(id).await? else { return Ok(redirect(&app, lang, Err(UserProblem::NoUser))) };
    let disabled = form.disabled.map_or(user.disabled, |disabled| disabled == "yes");
    let by = Actor::now(&staff.user.name);
    let done = match app.store.change_user(id, form.role.unwrap_or(user.role), disabled, by).await {
        Ok(()) => Ok(t.user_changed.to_owned()),
        Err(StoreError::User(problem)) => Err(problem),
        Err(error) => return Err(error.into()),
    };
    Ok(redirect(&app, lang, done))
}

/// A new token.
#[derive(Deserialize)]
pub(crate) struct NewTokenForm {
    name: String,
    role: String,
}

/// `POST /tokens`: redirects to the page that shows the token once, so that reloading the page does not issue another.
pub(crate) async fn issue(
    State(app): State<App>,
    admin: Admin,
    Signed(form): Signed<NewTokenForm>,
) -> Result<Response, Refusal> {
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    let session = admin.0.visitor.session.as_deref().unwrap_or_default();
    match app.store.add_api_token(&form.name, role, None, Actor::now(&admin.0.user.name)).await {
        Ok((_, token)) => {
            let name = app.store.keep_draft(session, NEW_TOKEN, &token, clock::now()).await?;
            Ok(app.redirect(&format!("/users?fresh={name}#fresh"), &[]))
        }
        Err(StoreError::User(problem)) => {
            let reply = UsersReply { problem: Some(problem), token: (form.name, form.role), ..UsersReply::default() };
            show(&app, &admin, reply).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /tokens/{id}/revoke`
pub(crate) async fn revoke(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<i64>,
    _: Signed<NoFields>,
) -> Result<Response, Refusal> {
    app.store.revoke_api_token(id, Actor::now(&staff.user.name)).await?;
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    Ok(redirect(&app, lang, Ok(t.token_revoked.to_owned())))
}
