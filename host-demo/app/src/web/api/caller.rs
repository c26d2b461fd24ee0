//! Who calls: the bearer token, its role, the language of texts.

use crate::web::App;
use crate::web::api::problem::{Kind, Problem};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::clock;
use domain::lang::Lang;
use domain::user::Role;

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Identifies the token where responses are kept for their idempotency key.
    pub id: String,
    /// What the token is for, told from a user of the same name; stands in histories.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The language of texts about orders.
    pub lang: Lang,
}

/// Rejects requests without a valid token.
pub(super) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let token = bearer(request.headers()).map(str::to_owned);
    let unknown = || Problem::new(Kind::Unauthenticated, "Send a token of this platform as `Authorization: Bearer …`.");
    let token = token.ok_or_else(unknown)?;
    let found = app.store.api_token(&token, clock::now()).await?.ok_or_else(unknown)?;
    let caller = Caller {
        id: format!("token:{}", found.id),
        name: format!("{} (API)", found.name),
        role: found.role,
        lang: lang(request.headers(), app.lang),
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    // Of two nobody knows which is meant.
    let (Some(one), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn lang(headers: &HeaderMap, default: Lang) -> Lang {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    match asked.and_then(|asked| asked.get(..2)) {
        Some("ja") => Lang::Ja,
        Some("en") => Lang::En,
        _ => default,
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(|| Problem::failed(&"a call outside of `identify`"))
    }
}

/// A caller with an administrator's token.
pub(super) struct Administrator(pub Caller);

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Administrator => Ok(Self(caller)),
            Role::Operator => Err(Problem::new(Kind::Forbidden, "Only an administrator's token may do this.")),
        }
    }
}
