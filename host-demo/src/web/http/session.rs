//! Who is asking: session, language, and the token that every form has to bring back.

use crate::domain::clock;
use crate::domain::lang::Lang;
use crate::domain::user::{Role, User};
use crate::web::App;
use crate::web::http::page::{Notice, Page, Refusal};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Names of the cookies.
const SESSION: &str = "session";
const VISIT: &str = "visit";
const LANGUAGE: &str = "language";
const NOTICES: &str = "notices";
/// In which proxies name the visitor.
const FORWARDED: &str = "x-forwarded-for";
/// Random hex digits of a visit: as hard to guess as a session.
const VISIT_WORDS: usize = 4;
/// What a redirect may carry to the next page; a browser drops a cookie of more than 4 KiB.
const MAX_NOTICES: usize = 3_000;
/// How long they wait for it: what was said is no news to whoever comes back later.
const NOTICES_KEPT: time::Duration = time::Duration::minutes(1);
/// Longest query of a path to come back to.
const MAX_PATH: usize = 2_000;

/// Who is asking.
#[derive(Clone)]
pub struct Visitor {
    /// The language of what is shown.
    pub lang: Lang,
    /// Who signed in.
    pub user: Option<User>,
    /// What a form has to bring back.
    pub csrf: String,
    /// The session's secret, if there is one.
    pub session: Option<String>,
    /// Path and query that were asked for.
    pub path: String,
    /// What the last request left to say.
    notices: Vec<Notice>,
    /// Made now, to be sent along.
    new_visit: Option<String>,
}

impl Visitor {
    /// The part of a page that does not depend on what it shows.
    pub fn page(&self) -> Page {
        Page::new(self.lang, self.user.clone(), self.csrf.clone(), self.path.clone(), self.notices.clone())
    }

    /// Whether the session goes on: what is told for long must not outlive it.
    pub async fn is_signed_in(&self, app: &App) -> bool {
        match &self.session {
            Some(secret) => app.store.session(secret, clock::now()).await.is_ok_and(|session| session.is_some()),
            None => false,
        }
    }

    async fn of(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<Self, Refusal> {
        let jar = CookieJar::from_headers(headers);
        let value = |name| jar.get(name).map(|cookie| cookie.value().to_owned());
        let secret = value(SESSION);
        let session = match &secret {
            Some(secret) => app.store.session(secret, clock::now()).await?,
            None => None,
        };
        let (visit, new_visit) = match value(VISIT) {
            Some(visit) => (visit, None),
            None => random_words().map(|visit| (visit.clone(), Some(visit)))?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let (user, csrf, session) = match session {
            Some(session) => (Some(session.user), session.csrf, secret),
            // A form's token must not be the cookie itself, which pages do not know.
            None => (None, app.store.digest("form", &[visit.as_bytes()]), None),
        };
        Ok(Visitor {
            lang: language(app, value(LANGUAGE).as_deref(), headers),
            user,
            csrf,
            session,
            path: path.chars().take(MAX_PATH).collect(),
            notices: value(NOTICES).and_then(|text| Notice::unpack(&text)).unwrap_or_default(),
            new_visit,
        })
    }
}

/// The visitor's choice, or what the browser asks for, or the platform's.
fn language(app: &App, chosen: Option<&str>, headers: &HeaderMap) -> Lang {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let code = chosen.or(asked.and_then(|asked| asked.get(..2)));
    match code {
        Some("ja") => Lang::Ja,
        Some("en") => Lang::En,
        _ => app.lang,
    }
}

fn random_words() -> Result<String, Refusal> {
    (0..VISIT_WORDS).try_fold(String::new(), |mut hex, _| {
        let word = getrandom::u64().map_err(|error| Refusal::failed(&error))?;
        let _ = write!(hex, "{word:016x}");
        Ok(hex)
    })
}

/// Finds out who is asking, and makes a page of what a handler refused.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let visitor = match Visitor::of(&app, &headers, &uri).await {
        Ok(visitor) => Arc::new(visitor),
        Err(refusal) => return refusal.plain(app.lang),
    };
    let is_htmx = headers.contains_key("hx-request");
    let had_notices = !visitor.notices.is_empty();
    request.extensions_mut().insert(Arc::clone(&visitor));
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.page(&visitor, is_htmx);
    }
    if let Some(visit) = &visitor.new_visit {
        set(&mut response, &app.cookie(VISIT, visit.clone()));
    }
    // A page that was shown has said them; a redirect passes its own on.
    if had_notices && !response.status().is_redirection() {
        set(&mut response, &expired(app.cookie(NOTICES, String::new())));
    }
    response
}

fn set(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

fn expired(mut cookie: Cookie<'static>) -> Cookie<'static> {
    cookie.make_removal();
    cookie
}

impl App {
    /// Where a visitor comes from. Behind a proxy that is what the proxy itself has added last to what others said.
    pub fn address(&self, peer: SocketAddr, headers: &HeaderMap) -> String {
        let said = headers.get_all(FORWARDED).iter().next_back().filter(|_| self.https);
        let last = said.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        last.unwrap_or(peer.ip()).to_string()
    }

    /// A cookie that scripts cannot read and other sites cannot use.
    fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Strict).secure(self.https).build()
    }

    /// Goes on to `path`, which will say `notices` first, as the user whose session `secret` is.
    pub fn begin_session(&self, path: &str, secret: String, notices: &[Notice]) -> Response {
        let mut response = self.redirect(path, notices);
        set(&mut response, &self.cookie(SESSION, secret));
        response
    }

    /// Goes on to `path` as nobody.
    pub fn end_session(&self, path: &str) -> Response {
        let mut response = Redirect::to(path).into_response();
        set(&mut response, &expired(self.cookie(SESSION, String::new())));
        response
    }

    /// Goes on to `path` in another language.
    pub fn change_language(&self, path: &str, lang: Lang) -> Response {
        let mut response = Redirect::to(path).into_response();
        let mut cookie = self.cookie(LANGUAGE, lang.pick("ja", "en").to_owned());
        cookie.make_permanent();
        set(&mut response, &cookie);
        response
    }

    /// Goes on to `path`, which will say `notices` first.
    pub fn redirect(&self, path: &str, notices: &[Notice]) -> Response {
        let mut response = Redirect::to(path).into_response();
        let mut cookie = self.cookie(NOTICES, Notice::pack(notices, MAX_NOTICES));
        cookie.set_max_age(NOTICES_KEPT);
        set(&mut response, &cookie);
        response
    }
}

/// Where a visitor goes on after a form: a path of ours, never another site.
pub fn local(path: &str) -> &str {
    let ours =
        path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.contains(char::is_control);
    if ours { path } else { "/" }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let visitor = parts.extensions.get::<Arc<Visitor>>().map(|visitor| Visitor::clone(visitor));
        visitor.ok_or_else(|| Refusal::failed(&"a page outside of `identify`"))
    }
}

/// A visitor who signed in.
pub struct Staff {
    /// The visitor.
    pub visitor: Visitor,
    /// The user.
    pub user: User,
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        match visitor.user.clone() {
            Some(user) => Ok(Staff { visitor, user }),
            None => {
                let next = if parts.method == Method::GET { visitor.path } else { "/".to_owned() };
                Err(Refusal::SignIn { next })
            }
        }
    }
}

/// A visitor who signed in as an administrator.
pub struct Admin(pub Staff);

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let staff = Staff::from_request_parts(parts, state).await?;
        if staff.user.role == Role::Administrator { Ok(Admin(staff)) } else { Err(Refusal::Forbidden) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_leaves_the_platform() {
        assert_eq!(local("/orders?state=approved#order-1"), "/orders?state=approved#order-1");
        for other in ["https://evil.example", "//evil.example", "/\\evil.example", "", "orders", "/a\nb"] {
            assert_eq!(local(other), "/", "{other:?}");
        }
    }
}
