//! What every page has, and what is said where there is no page.

use crate::domain::clock;
use crate::domain::lang::Lang;
use crate::domain::user::{Role, User};
use crate::service::messages::localize::Localize;
use crate::store::StoreError;
use crate::web::http::assets;
use crate::web::http::session::Visitor;
use crate::web::texts::{Texts, fill, texts};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::time::Duration;

/// The part of a page that does not depend on what it shows.
pub struct Page {
    /// The language.
    pub lang: Lang,
    /// Its texts.
    pub t: &'static Texts,
    /// What a form has to bring back.
    pub csrf: String,
    /// Who signed in.
    pub user: Option<User>,
    /// What the last request left to say.
    pub notices: Vec<Notice>,
    /// Path and query of the page.
    pub path: String,
}

/// An entry of the menu.
pub struct Entry {
    pub href: &'static str,
    pub label: &'static str,
    pub here: bool,
}

impl Page {
    /// A page for somebody.
    pub fn new(lang: Lang, user: Option<User>, csrf: String, path: String, notices: Vec<Notice>) -> Self {
        Page { lang, t: texts(lang), csrf, user, notices, path }
    }

    /// What the menu offers: all that the user may do.
    pub fn menu(&self) -> Vec<Entry> {
        let t = self.t;
        let everyone = [
            ("/orders", t.orders),
            ("/batches", t.batches),
            ("/import", t.import),
            ("/export", t.export),
            ("/malls", t.malls),
            ("/providers", t.providers),
        ];
        let administrators = [("/users", t.users), ("/audit", t.audit)].into_iter().filter(|_| self.is_admin());
        let entry = |(href, label)| Entry { href, label, here: self.is_under(href) };
        everyone.into_iter().chain(administrators).map(entry).collect()
    }

    fn is_under(&self, href: &str) -> bool {
        self.path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// Whether the user is an administrator.
    pub fn is_admin(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.role == Role::Administrator)
    }

    /// A user's role in words.
    pub fn role_of(&self, user: &User) -> &'static str {
        user.role.localized(self.lang)
    }

    /// Where the asset `name` is.
    pub fn asset(&self, name: &str) -> String {
        assets::url(name)
    }

    /// `ja` or `en`.
    pub fn lang_code(&self) -> &'static str {
        self.lang.pick("ja", "en")
    }

    /// The language that this page is not in.
    pub fn other_lang_code(&self) -> &'static str {
        self.lang.pick("en", "ja")
    }
}

/// How something that is said looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Tone {
    /// It went well.
    Ok,
    /// It did not.
    Bad,
    /// Nobody knows.
    Doubt,
    /// Somebody has to do something, or to wait.
    Wait,
    /// Nothing to say about it.
    None,
}

/// Something said once, at the top of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// How it looks.
    pub tone: Tone,
    /// The words.
    pub text: String,
}

impl Notice {
    /// Words.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Notice { tone, text: text.into() }
    }

    /// As a cookie carries them to the next page: as many as fit, the last one cut.
    pub fn pack(notices: &[Notice], limit: usize) -> String {
        let mut notices = notices.to_vec();
        loop {
            let packed = URL_SAFE_NO_PAD.encode(serde_json::to_string(&notices).unwrap_or_default());
            let Some(last) = notices.last_mut().filter(|_| packed.len() > limit) else { return packed };
            match last.text.chars().count() / 2 {
                0 => drop(notices.pop()),
                half => last.text = last.text.chars().take(half).chain(['…']).collect(),
            }
        }
    }

    /// What [`Notice::pack`] made; nothing of anything else.
    pub fn unpack(text: &str) -> Option<Vec<Notice>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// A template as an answer.
pub fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => Refusal::failed(&error).into_response(),
    }
}

/// A template as the answer to a request that went well.
pub fn ok(template: &impl Template) -> Response {
    html(StatusCode::OK, template)
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// Sign in first, then go on to this path.
    SignIn { next: String },
    /// For administrators alone.
    Forbidden,
    /// The form is from another session, or from nowhere.
    Expired,
    /// There is no such thing.
    NotFound(Missing),
    /// More was sent than is read, in bytes.
    TooLarge(usize),
    /// What was sent cannot be read.
    Unreadable,
    /// The platform failed; the log says how.
    Failed,
}

/// What there is not.
#[derive(Debug, Clone)]
pub enum Missing {
    Page,
    Order(String),
    Mall(String),
    Batch(String),
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    p: Page,
    title: String,
    text: String,
    back: String,
}

impl Refusal {
    /// The platform failed: for the log, not for the page.
    pub fn failed(error: &impl Display) -> Self {
        tracing::error!(%error, "a page failed");
        Refusal::Failed
    }

    /// No order under the store's number `id`.
    pub fn no_order(id: i64) -> Self {
        Refusal::NotFound(Missing::Order(id.to_string()))
    }

    /// No mall `id`.
    pub fn no_mall(id: &str) -> Self {
        Refusal::NotFound(Missing::Mall(id.to_owned()))
    }

    fn status(&self) -> StatusCode {
        match self {
            Refusal::SignIn { .. } => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden | Refusal::Expired => StatusCode::FORBIDDEN,
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Unreadable => StatusCode::BAD_REQUEST,
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self, t: &Texts) -> String {
        match self {
            Refusal::SignIn { .. } => t.sign_in.to_owned(),
            Refusal::Forbidden => t.forbidden.to_owned(),
            Refusal::Expired => t.form_expired.to_owned(),
            Refusal::NotFound(Missing::Page) => t.not_found.to_owned(),
            Refusal::NotFound(Missing::Order(name)) => fill(t.no_such_order, &[name]),
            Refusal::NotFound(Missing::Mall(name)) => fill(t.no_such_mall, &[name]),
            Refusal::NotFound(Missing::Batch(name)) => fill(t.no_such_batch, &[name]),
            Refusal::TooLarge(limit) => fill(t.too_large, &[&size(*limit as u64, t)]),
            Refusal::Unreadable => t.bad_form.to_owned(),
            Refusal::Failed => fill(t.failed, &[&clock::timestamp(clock::now())]),
        }
    }

    /// The refusal as the visitor's page. htmx would put a page into a part of one, so it is told to leave.
    pub fn page(&self, visitor: &Visitor, is_htmx: bool) -> Response {
        if let Refusal::SignIn { next } = self {
            let query = serde_html_form::to_string([("next", next)]).unwrap_or_default();
            let location = format!("/signin?{query}");
            return match is_htmx {
                true => (StatusCode::UNAUTHORIZED, [("hx-redirect", location)]).into_response(),
                false => Redirect::to(&location).into_response(),
            };
        }
        let mut p = visitor.page();
        p.notices.clear();
        let text = self.words(p.t);
        let status = self.status();
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        let mut response = html(status, &Message { title, text, back: "/".to_owned(), p });
        if is_htmx {
            response.headers_mut().insert("hx-retarget", HeaderValue::from_static("#main"));
            response.headers_mut().insert("hx-reselect", HeaderValue::from_static("#main"));
            response.headers_mut().insert("hx-reswap", HeaderValue::from_static("outerHTML"));
        }
        response
    }

    /// The refusal where it is not even known who asks.
    pub fn plain(&self, lang: Lang) -> Response {
        (self.status(), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], self.words(texts(lang))).into_response()
    }
}

/// Carried to [`crate::web::http::session::identify`], which knows the visitor and makes the page.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Refusal::failed(&error)
    }
}

/// Says in `response` when a request may be made again: at `until`, in milliseconds since 1970.
pub fn retry_at(mut response: Response, until: i64) -> Response {
    let wait = until.saturating_sub(clock::now()).max(0);
    // Whole seconds, and never too early.
    let seconds = (wait + 999) / 1000;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}

/// Bytes in words.
pub fn size(bytes: u64, t: &Texts) -> String {
    match bytes >> 20 {
        0 => fill(t.kibibytes, &[&bytes.div_ceil(1024)]),
        mebibytes => fill(t.mebibytes, &[&mebibytes]),
    }
}

/// A duration in words: milliseconds below a second.
pub fn duration(time: Duration, t: &Texts) -> String {
    match time.as_secs() {
        0 => fill(t.milliseconds, &[&time.as_millis()]),
        _ => fill(t.seconds, &[&format!("{:.1}", time.as_secs_f64())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_survive_a_cookie_and_fit_into_it() {
        let notices = [Notice::new(Tone::Ok, "保存しました。"), Notice::new(Tone::Bad, "理由".repeat(2_000))];
        assert_eq!(Notice::unpack(&Notice::pack(&notices[..1], 100)).unwrap(), notices[..1]);
        let packed = Notice::pack(&notices, 1_000);
        assert!(packed.len() <= 1_000, "{}", packed.len());
        let cut = Notice::unpack(&packed).unwrap();
        assert_eq!(cut[0], notices[0]);
        assert!(cut[1].text.ends_with('…') && cut[1].text.starts_with("理由"));
        assert_eq!(Notice::unpack("<script>"), None);
    }
}
