//! Why a request is refused, and its error page.

use crate::web::http::page::{Page, texts};
use crate::web::texts::format::size;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::clock;
use domain::lang::Lang;
use std::fmt::Display;
use store::StoreError;

/// Why a request gets an error page instead of the page that it asked for.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// Sign in first.
    SignIn {
        /// The path to return to after it.
        next: String,
    },
    /// For administrators only.
    Forbidden,
    /// The CSRF token is missing or belongs to another session.
    Expired,
    /// The requested resource does not exist.
    NotFound(Missing),
    /// The request body is larger than this limit, in bytes.
    TooLarge(usize),
    /// The request cannot be parsed.
    Unreadable,
    /// An internal error; its cause is in the log.
    Failed,
}

/// Which resource does not exist.
#[derive(Debug, Clone)]
pub(crate) enum Missing {
    /// No page has this address.
    Page,
    /// No order has this number.
    Order(String),
    /// No mall has this id.
    Mall(String),
    /// No batch has this number.
    Batch(String),
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    p: Page,
    title: String,
    text: String,
    back: String,
}

impl Refusal {
    /// An internal error: its cause goes to the log, not to the page.
    pub(crate) fn failed(error: &impl Display) -> Self {
        tracing::error!(%error, "a page failed");
        Self::Failed
    }

    /// No order under the store's number `id`.
    pub(crate) fn no_order(id: i64) -> Self {
        Self::NotFound(Missing::Order(id.to_string()))
    }

    /// No mall `id`.
    pub(crate) fn no_mall(id: &str) -> Self {
        Self::NotFound(Missing::Mall(id.to_owned()))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Expired => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self, t: &Texts) -> String {
        match self {
            Self::SignIn { .. } => t.sign_in.to_owned(),
            Self::Forbidden => t.forbidden.to_owned(),
            Self::Expired => t.form_expired.to_owned(),
            Self::NotFound(Missing::Page) => t.not_found.to_owned(),
            Self::NotFound(Missing::Order(name)) => fill(t.no_such_order, &[name]),
            Self::NotFound(Missing::Mall(name)) => fill(t.no_such_mall, &[name]),
            Self::NotFound(Missing::Batch(name)) => fill(t.no_such_batch, &[name]),
            Self::TooLarge(limit) => fill(t.too_large, &[&size(*limit as u64, t)]),
            Self::Unreadable => t.bad_form.to_owned(),
            Self::Failed => fill(t.failed, &[&clock::timestamp(clock::now())]),
        }
    }

    /// The error page, shown as `page` is: in its language, with its menu. htmx would insert an error page into a part
    /// of the current one, so it is told to replace the whole main part, or to leave for the sign-in page.
    pub(crate) fn page(&self, mut page: Page, is_htmx: bool) -> Response {
        if let Self::SignIn { next } = self {
            let query = serde_html_form::to_string([("next", next)]).unwrap_or_default();
            let location = format!("/signin?{query}");
            return match is_htmx {
                true => (StatusCode::UNAUTHORIZED, [("hx-redirect", location)]).into_response(),
                false => Redirect::to(&location).into_response(),
            };
        }
        page.notices.clear();
        let (lang, text, status) = (page.lang, self.message(page.t), self.status());
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        let message = MessagePage { title, text, back: "/".to_owned(), p: page };
        let Ok(text) = message.render().inspect_err(|error| tracing::error!(%error, "the error page failed")) else {
            return self.plain(lang);
        };
        let mut response = (status, Html(text)).into_response();
        if is_htmx {
            response.headers_mut().insert("hx-retarget", HeaderValue::from_static("#main"));
            response.headers_mut().insert("hx-reselect", HeaderValue::from_static("#main"));
            response.headers_mut().insert("hx-reswap", HeaderValue::from_static("outerHTML"));
        }
        response
    }

    /// The error as plain text, where language and user of the visitor are not known.
    pub(crate) fn plain(&self, lang: Lang) -> Response {
        (self.status(), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], self.message(texts(lang)))
            .into_response()
    }
}

/// A response without a body that carries the refusal to the session middleware, which knows the visitor and renders the
/// error page.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::failed(&error)
    }
}
