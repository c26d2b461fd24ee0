//! The audit log (操作履歴), for administrators.

use crate::domain::clock;
use crate::service::messages::localize::Localize;
use crate::store::AuditLine;
use crate::web::App;
use crate::web::http::page::{Page, Refusal, ok};
use crate::web::http::session::Admin;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Lines on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    p: Page,
    lines: Vec<LineView>,
    older: Option<String>,
}

struct LineView {
    when: String,
    who: String,
    deed: String,
}

#[derive(Deserialize)]
pub struct Before {
    before: Option<i64>,
}

/// `GET /audit`
pub async fn page(
    State(app): State<App>,
    Admin(staff): Admin,
    Query(Before { before }): Query<Before>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    // One more than is shown tells whether there are more.
    let mut lines = app.store.audit(before, PAGE + 1).await?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let older = lines.last().filter(|_| more).map(|last| format!("/audit?before={}", last.id));
    let view = |line: AuditLine| LineView {
        when: clock::timestamp(line.at),
        deed: line.event.localized(p.lang),
        who: line.who,
    };
    Ok(ok(&AuditPage { lines: lines.into_iter().map(view).collect(), older, p }))
}
