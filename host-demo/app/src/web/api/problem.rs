//! Errors of the API, as RFC 9457 describes them.

use crate::web::api::schemas::administration::ProviderChange;
use crate::web::http::nul;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::user::{MAX_PASSWORD, MAX_USER_NAME, MIN_PASSWORD, UserProblem};
use serde::Serialize;
use std::fmt::Display;
use store::StoreError;
use utoipa::ToSchema;

/// The media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// Longest text of a refusal that axum makes itself, in bytes: far more than any of them has.
const MAX_DETAIL: usize = 4 << 10;

/// Why a call was not carried out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem; never changes for a kind.
    #[serde(rename = "type")]
    #[schema(example = "urn:host-demo:problem:stale-version")]
    kind: String,
    /// The kind as a title.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this call, and what to do.
    detail: String,
    /// Each field that was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldError>,
    /// What has to be confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<Box<RequiredConfirmation>>,
}

/// What somebody has to confirm before a component is put in its place.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct RequiredConfirmation {
    /// What changes besides the code.
    pub changes: Vec<ProviderChange>,
    /// The ids of the malls whose settings the component is given.
    pub malls: Vec<String>,
    /// Sent as the part `confirmation` with the same files, it says yes to exactly these changes.
    pub confirmation: String,
}

/// A field that was refused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// Where it is, such as `settings.site-id` or `fees.bands[1]`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The kinds that callers tell apart: name, title, status.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Unauthenticated,
    Forbidden,
    NotFound,
    Unreadable,
    Invalid,
    StaleVersion,
    Unconfirmed,
    KeyMissing,
    KeyReused,
    InProgress,
    Conflict,
    ChoiceNeeded,
    Refused,
    TooLarge,
    MediaType,
    Method,
    Failed,
}

impl Kind {
    fn of(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::Unauthenticated => ("unauthenticated", "A valid token is needed", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("forbidden", "The token's role does not allow it", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", "There is no such thing", StatusCode::NOT_FOUND),
            Self::Unreadable => ("unreadable", "The request cannot be read", StatusCode::BAD_REQUEST),
            Self::Invalid => ("invalid", "What was sent is not valid", StatusCode::UNPROCESSABLE_ENTITY),
            Self::StaleVersion => ("stale-version", "It changed since it was read", StatusCode::CONFLICT),
            Self::Unconfirmed => ("unconfirmed", "It has to be confirmed", StatusCode::CONFLICT),
            Self::KeyMissing => ("idempotency-key-missing", "An Idempotency-Key is needed", StatusCode::BAD_REQUEST),
            Self::KeyReused => {
                ("idempotency-key-reused", "The key was used for another call", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Self::InProgress => ("in-progress", "The same call is being carried out", StatusCode::CONFLICT),
            Self::Conflict => ("conflict", "Its state does not allow it", StatusCode::CONFLICT),
            Self::ChoiceNeeded => ("choice-needed", "It has to be said first", StatusCode::UNPROCESSABLE_ENTITY),
            Self::Refused => ("refused", "The provider or its plugin refused it", StatusCode::UNPROCESSABLE_ENTITY),
            Self::TooLarge => ("too-large", "What was sent is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::MediaType => ("media-type", "The body is of another media type", StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Method => ("method", "The path has no such method", StatusCode::METHOD_NOT_ALLOWED),
            Self::Failed => ("failed", "The platform failed", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl Problem {
    /// A problem of this kind.
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (name, title, status) = kind.of();
        Self {
            kind: format!("urn:host-demo:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            fields: Vec::new(),
            confirm: None,
        }
    }

    /// The same with the fields that were refused.
    pub(super) fn with(self, fields: Vec<FieldError>) -> Self {
        Self { fields, ..self }
    }

    /// The same with what has to be confirmed.
    pub(super) fn confirmed_by(self, confirmation: RequiredConfirmation) -> Self {
        Self { confirm: Some(Box::new(confirmation)), ..self }
    }

    /// The platform failed: for the log, not for the caller.
    pub(super) fn failed(error: &impl Display) -> Self {
        tracing::error!(%error, "a call of the API failed");
        Self::new(Kind::Failed, "The platform's log says why. The call may be repeated with the same key.")
    }

    /// Text with NUL.
    pub(super) fn nul() -> Self {
        Self::new(Kind::Unreadable, "No text may have the character NUL (U+0000).")
    }

    /// There is no `what` named `name`.
    pub(super) fn no_such(what: &str, name: &impl Display) -> Self {
        Self::new(Kind::NotFound, format!("There is no {what} {name}."))
    }

    /// The problem for a refusal that axum or a middleware made, which has a status and perhaps a text.
    fn plain(status: StatusCode, detail: String) -> Self {
        let kind = match status {
            StatusCode::BAD_REQUEST => Kind::Unreadable,
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Kind::Method,
            StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::MediaType,
            status if status.is_client_error() => Kind::Invalid,
            _ => Kind::Failed,
        };
        let detail = if detail.is_empty() { kind.of().1.to_owned() + "." } else { detail };
        Self { status: status.as_u16(), ..Self::new(kind, detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::User(problem) => problem.into(),
            error => Self::failed(&error),
        }
    }
}

impl From<UserProblem> for Problem {
    fn from(problem: UserProblem) -> Self {
        match problem {
            UserProblem::Name => Self::new(
                Kind::Invalid,
                format!("A name has 1 to {MAX_USER_NAME} characters and no space at its ends."),
            ),
            UserProblem::NameTaken => Self::new(Kind::Conflict, "Somebody has this name."),
            UserProblem::Password => {
                Self::new(Kind::Invalid, format!("A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."))
            }
            UserProblem::LastAdministrator => Self::new(Kind::Conflict, "The last administrator has to stay one."),
            UserProblem::NoUser => Self::new(Kind::NotFound, "There is no such user."),
        }
    }
}

/// Refuses calls whose address has NUL.
pub(super) async fn refuse_nul(request: Request, next: Next) -> Result<Response, Problem> {
    if nul::is_in_address(request.uri()) { Err(Problem::nul()) } else { Ok(next.run(request).await) }
}

/// Makes a problem of every refusal that is none yet: unknown paths and methods, bodies that cannot be read.
pub(super) async fn unify(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == MEDIA_TYPE);
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let detail = to_bytes(body, MAX_DETAIL).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut unified = Problem::plain(status, String::from_utf8_lossy(&detail).into_owned()).into_response();
    parts.headers.remove(header::CONTENT_TYPE);
    unified.headers_mut().extend(parts.headers);
    unified.map(Body::new)
}
