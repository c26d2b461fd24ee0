//! Users and tokens, for administrators.

use crate::domain::actor::Actor;
use crate::domain::clock;
use crate::domain::lang::Lang;
use crate::domain::user::{MIN_PASSWORD, Role, User, UserProblem};
use crate::service::messages::localize::Localize;
use crate::store::{ApiToken, StoreError};
use crate::web::App;
use crate::web::http::form::{Nothing, Signed};
use crate::web::http::page::{Notice, Page, Refusal, Tone, html};
use crate::web::http::session::Admin;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use strum::VariantArray;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    p: Page,
    users: Vec<UserView>,
    tokens: Vec<TokenView>,
    roles: Vec<(String, &'static str)>,
    shortest_password: usize,
    /// What was typed into the forms and was not taken; never a password.
    new_user: (String, String),
    new_token: (String, String),
    /// A token that was just made.
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

/// Where the page finds what it shows once.
#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    fresh: String,
}

/// What a draft is that holds a new token.
const NEW_TOKEN: &str = "token";

/// `GET /users`
pub async fn page(State(app): State<App>, admin: Admin, Query(shown): Query<Shown>) -> Result<Response, Refusal> {
    let fresh = match &admin.0.visitor.session {
        Some(session) if !shown.fresh.is_empty() => {
            let found = app.store.draft(session, NEW_TOKEN, &shown.fresh, clock::now()).await?;
            // Once: whoever comes back to this address does not see it again.
            let first = found.is_some() && app.store.forget_draft(session, &shown.fresh).await?;
            found.filter(|_| first)
        }
        _ => None,
    };
    show(&app, &admin, Typed { fresh, ..Typed::default() }).await
}

/// What a page shows besides what there is.
#[derive(Default)]
struct Typed {
    problem: Option<UserProblem>,
    user: (String, String),
    token: (String, String),
    fresh: Option<String>,
}

async fn show(app: &App, Admin(staff): &Admin, typed: Typed) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    p.path = "/users".to_owned();
    let status = typed.problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    p.notices.extend(typed.problem.map(|problem| Notice::new(Tone::Bad, problem.localized(staff.visitor.lang))));
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
        new_user: typed.user,
        new_token: typed.token,
        fresh: typed.fresh,
        p,
    };
    Ok(html(status, &page))
}

fn said(app: &App, lang: Lang, done: Result<String, UserProblem>) -> Response {
    let notice = match done {
        Ok(text) => Notice::new(Tone::Ok, text),
        Err(problem) => Notice::new(Tone::Bad, problem.localized(lang)),
    };
    app.redirect("/users", &[notice])
}

#[derive(Deserialize)]
pub struct NewUser {
    name: String,
    password: String,
    role: String,
}

/// `POST /users`
pub async fn add(State(app): State<App>, admin: Admin, Signed(form): Signed<NewUser>) -> Result<Response, Refusal> {
    let Admin(staff) = &admin;
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    match app.store.add_user(&form.name, role, &form.password, Actor::now(&staff.user.name)).await {
        Ok(user) => Ok(said(&app, lang, Ok(fill(t.user_added, &[&user.name])))),
        Err(StoreError::User(problem)) => {
            let typed = Typed { problem: Some(problem), user: (form.name, form.role), ..Typed::default() };
            show(&app, &admin, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct Access {
    disabled: Option<String>,
    role: Option<Role>,
}

/// `POST /users/{id}`
pub async fn change(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<i64>,
    Signed(access): Signed<Access>,
) -> Result<Response, Refusal> {
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    let Some(user) = app.store.user(id).await? else { return Ok(said(&app, lang, Err(UserProblem::NoUser))) };
    let disabled = access.disabled.map_or(user.disabled, |disabled| disabled == "yes");
    let by = Actor::now(&staff.user.name);
    let done = match app.store.change_user(id, access.role.unwrap_or(user.role), disabled, by).await {
        Ok(()) => Ok(t.user_changed.to_owned()),
        Err(StoreError::User(problem)) => Err(problem),
        Err(error) => return Err(error.into()),
    };
    Ok(said(&app, lang, done))
}

#[derive(Deserialize)]
pub struct NewToken {
    name: String,
    role: String,
}

/// `POST /tokens`: leads to the page that shows the token, once. That page can be loaded again; this is not done again.
pub async fn issue(State(app): State<App>, admin: Admin, Signed(form): Signed<NewToken>) -> Result<Response, Refusal> {
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    let session = admin.0.visitor.session.as_deref().unwrap_or_default();
    match app.store.add_api_token(&form.name, role, None, Actor::now(&admin.0.user.name)).await {
        Ok((_, token)) => {
            let name = app.store.keep_draft(session, NEW_TOKEN, &token, clock::now()).await?;
            Ok(app.redirect(&format!("/users?fresh={name}#fresh"), &[]))
        }
        Err(StoreError::User(problem)) => {
            let typed = Typed { problem: Some(problem), token: (form.name, form.role), ..Typed::default() };
            show(&app, &admin, typed).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /tokens/{id}/revoke`
pub async fn revoke(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<i64>,
    _: Signed<Nothing>,
) -> Result<Response, Refusal> {
    app.store.revoke_api_token(id, Actor::now(&staff.user.name)).await?;
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    Ok(said(&app, lang, Ok(t.token_revoked.to_owned())))
}
