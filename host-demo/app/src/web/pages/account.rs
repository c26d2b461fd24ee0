//! The account of the signed-in user: changing the password.

use crate::web::http::form::Signed;
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::{html, retry_at};
use crate::web::http::session::Staff;
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::actor::Actor;
use domain::clock;
use domain::user::MIN_PASSWORD;
use serde::Deserialize;
use service::messages::localize::Localize;
use std::net::SocketAddr;
use store::{SignIn, StoreError};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    p: Page,
    shortest_password: usize,
    problem: Option<String>,
}

/// `GET /account`
pub(crate) async fn page(staff: Staff) -> Response {
    show(&staff, StatusCode::OK, None)
}

fn show(staff: &Staff, status: StatusCode, problem: Option<String>) -> Response {
    html(status, &AccountPage { p: staff.visitor.page(), shortest_password: MIN_PASSWORD, problem })
}

/// The current and the new password.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    current: String,
    new: String,
}

/// `POST /account`: asks for the current password too, so that an open session is not enough to take an account over.
pub(crate) async fn change(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    staff: Staff,
    Signed(form): Signed<PasswordForm>,
) -> Result<Response, Refusal> {
    let (t, user) = (staff.visitor.page().t, &staff.user);
    let address = app.address(peer, &headers);
    match app.store.sign_in(&user.name, &form.current, &address, clock::now()).await? {
        SignIn::Welcome(_) => {}
        SignIn::Wrong => {
            return Ok(show(&staff, StatusCode::UNPROCESSABLE_ENTITY, Some(t.current_password_wrong.to_owned())));
        }
        SignIn::TooMany { until } => {
            let message = fill(t.sign_in_later, &[&clock::time_of_day(until)]);
            return Ok(retry_at(show(&staff, StatusCode::TOO_MANY_REQUESTS, Some(message)), until));
        }
    }
    match app.store.set_password(user.id, &form.new, Actor::now(&user.name)).await {
        Err(StoreError::User(problem)) => {
            return Ok(show(&staff, StatusCode::UNPROCESSABLE_ENTITY, Some(problem.localized(staff.visitor.lang))));
        }
        set => set?,
    }
    let session = app.store.begin_session(user.id, clock::now()).await?;
    Ok(app.begin_session("/account", session.token, &[Notice::new(Tone::Ok, t.password_changed)]))
}
