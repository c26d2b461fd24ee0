//! Signing in and out, and the language.

use crate::web::http::form::{NoFields, Signed};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::{html, ok, retry_at};
use crate::web::http::session::{Visitor, local_path};
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use domain::clock;
use domain::lang::Lang;
use serde::Deserialize;
use std::net::SocketAddr;
use store::SignIn;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    p: Page,
    no_user_yet: bool,
    next: String,
    name: String,
    problem: Option<String>,
}

/// The query of the page: the path to return to.
#[derive(Deserialize)]
pub(crate) struct SignInQuery {
    #[serde(default)]
    next: String,
}

/// `GET /signin`
pub(crate) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<SignInQuery>,
) -> Result<Response, Refusal> {
    let next = local_path(&query.next);
    if visitor.user.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    Ok(ok(&SignInPage {
        p: visitor.page(),
        no_user_yet: app.store.users().await?.is_empty(),
        next: next.to_owned(),
        name: String::new(),
        problem: None,
    }))
}

/// Name and password.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /signin`
pub(crate) async fn sign_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    visitor: Visitor,
    Signed(form): Signed<SignInForm>,
) -> Result<Response, Refusal> {
    let p = visitor.page();
    let next = local_path(&form.next).to_owned();
    let address = app.address(peer, &headers);
    let (status, problem, until) = match app.store.sign_in(&form.name, &form.password, &address, clock::now()).await? {
        SignIn::Welcome(user) => {
            // Whoever copied the cookie that this browser had shall not go on with it.
            if let Some(previous) = &visitor.session {
                app.store.end_session(previous).await?;
            }
            let session = app.store.begin_session(user.id, clock::now()).await?;
            return Ok(app.begin_session(&next, session.token, &[]));
        }
        SignIn::Wrong => (StatusCode::UNAUTHORIZED, p.t.wrong_sign_in.to_owned(), None),
        SignIn::TooMany { until } => {
            let message = fill(p.t.sign_in_later, &[&clock::time_of_day(until)]);
            (StatusCode::TOO_MANY_REQUESTS, message, Some(until))
        }
    };
    let page = SignInPage { p, no_user_yet: false, next, name: form.name, problem: Some(problem) };
    let response = html(status, &page);
    Ok(match until {
        Some(until) => retry_at(response, until),
        None => response,
    })
}

/// `POST /signout`
pub(crate) async fn sign_out(
    State(app): State<App>,
    visitor: Visitor,
    _: Signed<NoFields>,
) -> Result<Response, Refusal> {
    if let Some(secret) = &visitor.session {
        app.store.end_session(secret).await?;
    }
    Ok(app.end_session("/signin"))
}

/// The chosen language, and the path to return to.
#[derive(Deserialize)]
pub(crate) struct LanguageForm {
    lang: String,
    back: String,
}

/// `POST /language`
pub(crate) async fn language(State(app): State<App>, Signed(form): Signed<LanguageForm>) -> Response {
    let lang = if form.lang == "en" { Lang::En } else { Lang::Ja };
    app.change_language(local_path(&form.back), lang)
}
