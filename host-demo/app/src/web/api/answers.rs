//! What every call may answer besides what it is for.

use crate::web::api::problem::Problem;
use utoipa::{IntoParams, IntoResponses};

/// Answers of every call.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described, never made")]
pub(super) enum Reading {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// The token is missing or not valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The platform failed.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(Problem),
}

/// Answers of every call that acts.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described, never made")]
pub(super) enum Acting {
    /// The request cannot be read, or has no `Idempotency-Key`.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// The token is missing or not valid.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// It changed since it was read, its state does not allow it, or the same call is being carried out.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// What was sent is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is of another media type.
    #[response(status = 415, content_type = "application/problem+json")]
    OtherMediaType(Problem),
    /// What was sent is not valid, or the key was used for another call.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// The platform failed.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(Problem),
}

/// An answer of calls about something that is named in the path.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described, never made")]
pub(super) enum Missing {
    /// There is no such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

/// An answer of calls that are for administrators.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "described, never made")]
pub(super) enum Restricted {
    /// The token's role does not allow it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
}

/// What every call that acts has to carry.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "described, never made")]
pub(super) struct Key {
    /// Names the call: the same bytes with the same key and token are carried out once, and answered alike for a day
    /// (then with the header `Idempotency-Replayed: true`). What was refused or failed may be sent again.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    idempotency_key: String,
}
