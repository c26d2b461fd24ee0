//! 操作履歴: the audit log.

use crate::web::App;
use crate::web::api::answers::{Reading, Restricted};
use crate::web::api::caller::Administrator;
use crate::web::api::paging::bounded;
use crate::web::api::problem::Problem;
use crate::web::api::schemas::administration::AuditEvent;
use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use service::messages::localize::Localize;
use store::AuditLine;
use utoipa::{IntoParams, ToSchema};

/// Which lines of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditFilter {
    /// Lines before this one: older ones.
    before: Option<i64>,
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    id: i64,
    at: i64,
    who: String,
    deed: AuditEvent,
    /// What was done, in the caller's language.
    words: String,
}

/// 操作履歴: who changed settings, users, tokens and plugins, newest first.
#[utoipa::path(get, operation_id = "audit", path = "/v1/audit", tag = "administration", params(AuditFilter),
    responses((status = 200, body = Vec<AuditEntry>, description = "The lines."), Reading, Restricted))]
pub(super) async fn list(
    State(app): State<App>,
    Administrator(caller): Administrator,
    Query(filter): Query<AuditFilter>,
) -> Result<Json<Vec<AuditEntry>>, Problem> {
    let lines = app.store.audit(filter.before, bounded(filter.limit)?).await?.into_iter();
    let entries = lines.map(|AuditLine { id, at, who, event }| {
        let words = event.localized(caller.lang);
        AuditEntry { id, at, who, deed: event.into(), words }
    });
    Ok(Json(entries.collect()))
}
