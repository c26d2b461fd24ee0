//! CSV export.

use crate::web::http::download::csv_file;
use crate::web::http::list_query::{ListAddress, MatchCount, state_name};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::parts::choice::{Choice, file_kinds};
use crate::web::parts::display_names::DisplayNames;
use crate::web::state::App;
use crate::web::texts::fill;
use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use domain::credit_state::State;
use serde::Deserialize;
use service::csv::encoding::Charset;
use service::transfer::FileKind;
use service::transfer::{self, ExportError, MAX_EXPORT};
use strum::VariantArray;

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage {
    p: Page,
    malls: Vec<(String, String)>,
    kinds: Vec<Choice>,
    filter: ListAddress,
    states: Vec<(String, &'static str)>,
    matching: String,
}

/// `GET /export`: the form, with the conditions of the list that it was opened from.
pub(crate) async fn page(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(filter): Query<ListAddress>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let query = filter.query();
    let counts = app.store.counts(query.mall.as_deref(), query.provider.as_deref()).await?;
    let page = ExportPage {
        malls: DisplayNames::of(&app, p.lang).await?.malls(),
        kinds: file_kinds(FileKind::Orders, [p.t.export_orders, p.t.export_results, p.t.export_decisions]),
        states: State::VARIANTS.iter().map(|state| (state.to_string(), state_name(*state, &p))).collect(),
        matching: MatchCount::of(&app, &query, &counts).await?.fill_in(p.t.showing, p.t),
        filter,
        p,
    };
    Ok(ok(&page))
}

/// The query of the export besides the conditions of the list.
#[derive(Deserialize)]
pub(crate) struct ExportQuery {
    what: String,
    #[serde(default)]
    encoding: String,
}

/// `GET /export.csv`
pub(crate) async fn export(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(wanted): Query<ExportQuery>,
    Query(filter): Query<ListAddress>,
) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let what: FileKind = wanted.what.parse().map_err(|_| Refusal::Unreadable)?;
    let charset = if wanted.encoding == "utf-8" { Charset::Utf8 } else { Charset::ShiftJis };
    match transfer::export(&app.credit, what, &filter.query(), charset, MAX_EXPORT).await {
        Ok(exported) => Ok(csv_file(what, charset, exported.bytes)),
        Err(ExportError::Store(error)) => Err(error.into()),
        Err(ExportError::TooMany(_)) => {
            Ok(app.redirect(&filter.export(), &[Notice::new(Tone::Bad, fill(t.export_too_many, &[&MAX_EXPORT]))]))
        }
    }
}
