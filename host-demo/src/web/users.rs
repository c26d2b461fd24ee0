//! Users and tokens, for administrators.

use super::App;
use super::form::{Nothing, Signed};
use super::page::{Notice, Page, Refusal, Tone, ok};
use super::texts::fill;
use super::visit::Admin;
use crate::clock;
use crate::store::{ApiToken, By, MIN_PASSWORD, Role, User, UserProblem};
use crate::words::Lang;
use askama::Template;
use axum::extract::{Path, State};
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

/// `GET /users`
pub async fn page(State(app): State<App>, admin: Admin) -> Result<Response, Refusal> {
    show(&app, &admin, None).await
}

async fn show(app: &App, Admin(staff): &Admin, fresh: Option<String>) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let user = |user: User| UserView {
        role: user.role.label(p.lang),
        other_role: user.role.other(),
        make_other: fill(p.t.make_role, &[&user.role.other().label(p.lang)]),
        since: clock::timestamp(user.created_at),
        own: user.id == staff.user.id,
        id: user.id,
        disabled: user.disabled,
        name: user.name,
    };
    let token = |token: ApiToken| TokenView {
        role: token.role.label(p.lang),
        since: clock::timestamp(token.created_at),
        disabled: token.revoked_at.is_some(),
        id: token.id,
        name: token.name,
        by: token.created_by,
    };
    let page = UsersPage {
        users: app.store.users().await?.into_iter().map(user).collect(),
        tokens: app.store.api_tokens().await?.into_iter().map(token).collect(),
        roles: Role::VARIANTS.iter().map(|role| (role.to_string(), role.label(p.lang))).collect(),
        shortest_password: MIN_PASSWORD,
        fresh,
        p,
    };
    Ok(ok(&page))
}

fn said(app: &App, lang: Lang, done: Result<String, UserProblem>) -> Response {
    let notice = match done {
        Ok(text) => Notice::new(Tone::Ok, text),
        Err(problem) => Notice::new(Tone::Bad, problem.words(lang)),
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
pub async fn add(
    State(app): State<App>,
    Admin(staff): Admin,
    Signed(form): Signed<NewUser>,
) -> Result<Response, Refusal> {
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    let added = app.store.add_user(&form.name, role, &form.password, By::now(&staff.user.name)).await?;
    Ok(said(&app, lang, added.map(|user| fill(t.user_added, &[&user.name]))))
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
    let by = By::now(&staff.user.name);
    let changed = app.store.change_user(id, access.role.unwrap_or(user.role), disabled, by).await?;
    Ok(said(&app, lang, changed.map(|()| t.user_changed.to_owned())))
}

#[derive(Deserialize)]
pub struct NewToken {
    name: String,
    role: String,
}

/// `POST /tokens`: the page that shows the token, once.
pub async fn issue(State(app): State<App>, admin: Admin, Signed(form): Signed<NewToken>) -> Result<Response, Refusal> {
    let role: Role = form.role.parse().map_err(|_| Refusal::Unreadable)?;
    match app.store.add_api_token(&form.name, role, None, By::now(&admin.0.user.name)).await? {
        Ok((_, token)) => show(&app, &admin, Some(token)).await,
        Err(problem) => Ok(said(&app, admin.0.visitor.lang, Err(problem))),
    }
}

/// `POST /tokens/{id}/revoke`
pub async fn revoke(
    State(app): State<App>,
    Admin(staff): Admin,
    Path(id): Path<i64>,
    _: Signed<Nothing>,
) -> Result<Response, Refusal> {
    app.store.revoke_api_token(id, By::now(&staff.user.name)).await?;
    let (t, lang) = (staff.visitor.page().t, staff.visitor.lang);
    Ok(said(&app, lang, Ok(t.token_revoked.to_owned())))
}
