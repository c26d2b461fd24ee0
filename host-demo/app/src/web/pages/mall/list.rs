//! The list of malls.

use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::parts::display_names::DisplayNames;
use crate::web::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::mall::MallSummary;
use service::messages::localize::Localize;

#[derive(Template)]
#[template(path = "mall/list.html")]
struct MallsPage {
    p: Page,
    malls: Vec<MallLine>,
    providers: Vec<(String, String)>,
}

/// A mall in the list.
struct MallLine {
    id: String,
    name: String,
    provider: String,
    invoice: &'static str,
    fees: &'static str,
}

/// `GET /malls`
pub(crate) async fn list(State(app): State<App>, staff: Staff) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let names = DisplayNames::of(&app, p.lang).await?;
    let line = |mall: MallSummary| MallLine {
        provider: names.provider(&mall.provider),
        invoice: mall.invoice.localized(p.lang),
        fees: mall.fees.mode.localized(p.lang),
        id: mall.id,
        name: mall.name,
    };
    let malls = app.store.mall_summaries().await?.into_iter().map(line).collect();
    Ok(ok(&MallsPage { malls, providers: names.providers(), p }))
}
