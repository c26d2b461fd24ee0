//! The audit log (操作履歴), for administrators.

use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Admin;
use crate::web::state::App;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::clock;
use serde::Deserialize;
use service::messages::localize::Localize;
use store::AuditLine;

/// Entries on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    p: Page,
    entries: Vec<AuditEntry>,
    older: Option<String>,
}

/// An entry of the log.
struct AuditEntry {
    when: String,
    who: String,
    event: String,
}

/// The query of the page.
#[derive(Deserialize)]
pub(crate) struct AuditQuery {
    /// The page begins with the entry before this one.
    before: Option<i64>,
}

/// `GET /audit`
pub(crate) async fn page(
    State(app): State<App>,
    Admin(staff): Admin,
    Query(AuditQuery { before }): Query<AuditQuery>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    // One more than is shown, to know whether there are older ones.
    let mut lines = app.store.audit(before, PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let older = lines.last().filter(|_| more).map(|last| format!("/audit?before={}", last.id));
    let view = |line: AuditLine| AuditEntry {
        when: clock::timestamp(line.at),
        event: line.event.localized(p.lang),
        who: line.who,
    };
    Ok(ok(&AuditPage { entries: lines.into_iter().map(view).collect(), older, p }))
}
