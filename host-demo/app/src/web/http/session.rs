//! The visitor of a request: session, user, language, and the CSRF token of the forms.

use crate::web::http::notice::Notice;
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::state::App;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use domain::clock;
use domain::lang::Lang;
use domain::user::{Role, User};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Names of the cookies.
const SESSION: &str = "session";
const VISIT: &str = "visit";
const LANGUAGE: &str = "language";
const NOTICES: &str = "notices";
/// The header in which proxies name the address of the visitor.
const FORWARDED: &str = "x-forwarded-for";
/// Random 64-bit numbers in the id of a visit without a session: as hard to guess as a session token.
const VISIT_NUMBERS: usize = 4;
/// Bytes of notices that a redirect carries to the next page: browsers drop a cookie of more than 4 KiB.
const MAX_NOTICES: usize = 3_000;
/// How long notices wait for the next page. Later than that they would be out of date.
const NOTICES_KEPT: time::Duration = time::Duration::minutes(1);
/// Longest path with query, in characters, that a visitor is sent back to after signing in.
const MAX_PATH: usize = 2_000;

/// The visitor of a request.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The language of the pages.
    pub lang: Lang,
    /// The signed-in user.
    pub user: Option<User>,
    /// The CSRF token that every form sends back.
    pub csrf: String,
    /// The secret of the session, if there is one.
    pub session: Option<String>,
    /// Path and query of the request.
    pub path: String,
    /// Notices of the last request, from its cookie.
    notices: Vec<Notice>,
    /// The id of a visit that begins with this request; the response sets it as a cookie.
    new_visit: Option<String>,
}

impl Visitor {
    /// The part of a page that does not depend on what it shows.
    pub(crate) fn page(&self) -> Page {
        Page::new(self.lang, self.user.clone(), self.csrf.clone(), self.path.clone(), self.notices.clone())
    }

    /// Whether the session is still valid. A response that goes on for long must not outlive it.
    pub(crate) async fn is_signed_in(&self, app: &App) -> bool {
        match &self.session {
            Some(secret) => app.store.session(secret, clock::now()).await.is_ok_and(|session| session.is_some()),
            None => false,
        }
    }

    async fn identified(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<Self, Refusal> {
        let jar = CookieJar::from_headers(headers);
        let value = |name| jar.get(name).map(|cookie| cookie.value().to_owned());
        let secret = value(SESSION);
        let session = match &secret {
            Some(secret) => app.store.session(secret, clock::now()).await?,
            None => None,
        };
        let (visit, new_visit) = match value(VISIT) {
            Some(visit) => (visit, None),
            None => random_visit().map(|visit| (visit.clone(), Some(visit)))?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let (user, csrf, session) = match session {
            Some(session) => (Some(session.user), session.csrf, secret),
            // Derived from the cookie, which is not readable by scripts and must not appear in a page.
            None => (None, app.store.digest("form", &[visit.as_bytes()]), None),
        };
        Ok(Self {
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

/// The language that the visitor chose, or the one that the browser prefers, or the default of the platform.
fn language(app: &App, chosen: Option<&str>, headers: &HeaderMap) -> Lang {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let code = chosen.or(asked.and_then(|asked| asked.get(..2)));
    match code {
        Some("ja") => Lang::Ja,
        Some("en") => Lang::En,
        _ => app.lang,
    }
}

fn random_visit() -> Result<String, Refusal> {
    (0..VISIT_NUMBERS).try_fold(String::new(), |mut hex, _| {
        let number = getrandom::u64().map_err(|error| Refusal::failed(&error))?;
        let _ = write!(hex, "{number:016x}");
        Ok(hex)
    })
}

/// Middleware: identifies the visitor, and renders the error page where a handler returned a [`Refusal`].
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let visitor = match Visitor::identified(&app, &headers, &uri).await {
        Ok(visitor) => Arc::new(visitor),
        Err(refusal) => return refusal.plain(app.lang),
    };
    let is_htmx = headers.contains_key("hx-request");
    let had_notices = !visitor.notices.is_empty();
    request.extensions_mut().insert(Arc::clone(&visitor));
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.page(visitor.page(), is_htmx);
    }
    if let Some(visit) = &visitor.new_visit {
        set(&mut response, &app.cookie(VISIT, visit.clone()));
    }
    // The page has shown them. A redirect sets its own instead.
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
    /// The IP address of the visitor. Behind a proxy it is the last entry of `X-Forwarded-For`: the proxy appended that
    /// one itself, while earlier entries may be forged by the client.
    pub fn address(&self, peer: SocketAddr, headers: &HeaderMap) -> String {
        let forwarded = headers.get_all(FORWARDED).iter().next_back().filter(|_| self.https);
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
        last.unwrap_or(peer.ip()).to_string()
    }

    /// A cookie that scripts cannot read and other sites cannot use.
    fn cookie(&self, name: &'static str, value: String) -> Cookie<'static> {
        Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Strict).secure(self.https).build()
    }

    /// Redirects to `path` with `notices`, and sets the cookie of the session `secret`.
    pub fn begin_session(&self, path: &str, secret: String, notices: &[Notice]) -> Response {
        let mut response = self.redirect(path, notices);
        set(&mut response, &self.cookie(SESSION, secret));
        response
    }

    /// Redirects to `path`, and removes the cookie of the session.
    pub fn end_session(&self, path: &str) -> Response {
        let mut response = Redirect::to(path).into_response();
        set(&mut response, &expired(self.cookie(SESSION, String::new())));
        response
    }

    /// Redirects to `path`, and remembers the language.
    pub fn change_language(&self, path: &str, lang: Lang) -> Response {
        let mut response = Redirect::to(path).into_response();
        let mut cookie = self.cookie(LANGUAGE, lang.pick("ja", "en").to_owned());
        cookie.make_permanent();
        set(&mut response, &cookie);
        response
    }

    /// Redirects to `path`, which shows `notices`.
    pub fn redirect(&self, path: &str, notices: &[Notice]) -> Response {
        let mut response = Redirect::to(path).into_response();
        let mut cookie = self.cookie(NOTICES, Notice::pack(notices, MAX_NOTICES));
        cookie.set_max_age(NOTICES_KEPT);
        set(&mut response, &cookie);
        response
    }
}

/// `path` if it is a path of this platform, or `/`: a redirect after a form never leads to another site.
pub(crate) fn local_path(path: &str) -> &str {
    let ours =
        path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.contains(char::is_control);
    if ours { path } else { "/" }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let visitor = parts.extensions.get::<Arc<Self>>().map(|visitor| Self::clone(visitor));
        visitor.ok_or_else(|| Refusal::failed(&"a page outside of `identify`"))
    }
}

/// Extractor: a visitor who has signed in.
#[derive(Clone)]
pub(crate) struct Staff {
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
            Some(user) => Ok(Self { visitor, user }),
            None => {
                let next = if parts.method == Method::GET { visitor.path } else { "/".to_owned() };
                Err(Refusal::SignIn { next })
            }
        }
    }
}

/// Extractor: a visitor who has signed in as an administrator.
pub(crate) struct Admin(pub Staff);

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let staff = Staff::from_request_parts(parts, state).await?;
        if staff.user.role == Role::Administrator { Ok(Self(staff)) } else { Err(Refusal::Forbidden) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_redirect_leaves_the_platform() {
        assert_eq!(local_path("/orders?state=approved#order-1"), "/orders?state=approved#order-1");
        for other in ["https://evil.example", "//evil.example", "/\\evil.example", "", "orders", "/a\nb"] {
            assert_eq!(local_path(other), "/", "{other:?}");
        }
    }
}
