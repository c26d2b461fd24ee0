//! The order list: filters, pages, ticks.

use crate::web::http::form::idempotency_key;
use crate::web::http::list_query::{ListAddress, MatchCount, numbers, state_name};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::ok;
use crate::web::http::session::Staff;
use crate::web::parts::action_button::ActionButton;
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::order_row::OrderRow;
use crate::web::state::App;
use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::response::Response;
use domain::credit_state::State;
use service::batches::without_success;
use std::collections::{BTreeMap, BTreeSet};
use store::PAGE;
use strum::VariantArray;

#[derive(Template)]
#[template(path = "order/list.html")]
struct OrdersPage {
    p: Page,
    states: Vec<StateChoice>,
    filter: ListAddress,
    malls: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    rows: Vec<OrderRow>,
    back: String,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last: Option<String>,
    page_summary: String,
    query: String,
    matching: Option<i64>,
    scope_match: String,
    once: String,
    ticked: usize,
    actions: Vec<ActionButton>,
}

struct StateChoice {
    href: String,
    label: &'static str,
    count: i64,
    here: bool,
}

/// `GET /orders`
pub(crate) async fn list(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(filter): Query<ListAddress>,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let (t, lang) = (p.t, p.lang);
    let query = filter.query();
    let listed = app.store.page(&query, filter.position(), PAGE).await?;
    let counts = app.store.counts(query.mall.as_deref(), query.provider.as_deref()).await?;
    let matching = MatchCount::of(&app, &query, &counts).await?;
    let names = DisplayNames::of(&app, lang).await?;
    let ticked = ticked(&app, &filter).await?;
    let rows: Vec<_> =
        listed.orders.iter().map(|order| OrderRow::new(order, &names, t, ticked.contains(&order.id))).collect();
    let page = OrdersPage {
        states: state_choices(&filter, &counts, &p),
        malls: names.malls(),
        providers: names.providers(),
        ticked: rows.iter().filter(|row| row.ticked).count(),
        rows,
        back: ListAddress { ticked: String::new(), ..filter.clone() }.href(),
        first: listed.newer.is_some().then(|| filter.at("", "")),
        previous: listed.newer.map(|key| filter.at("", &key.to_string())),
        next: listed.older.map(|key| filter.at(&key.to_string(), "")),
        last: listed.older.is_some().then(|| filter.at("", "end")),
        page_summary: matching.fill_in(t.showing, t),
        query: filter.conditions(),
        matching: matching.exact(),
        scope_match: matching.fill_in(t.scope_match, t),
        once: idempotency_key()?,
        actions: names.panel(&filter.mall).map(|action| ActionButton::of_panel(action, lang)).collect(),
        filter,
        p,
    };
    Ok(ok(&page))
}

/// The ticked orders: those of a batch without success, and those of a form that was not carried out.
async fn ticked(app: &App, filter: &ListAddress) -> Result<BTreeSet<i64>, Refusal> {
    let mut ticked = numbers(&filter.ticked).collect::<BTreeSet<_>>();
    if let Some(batch) = filter.keep {
        ticked.extend(without_success(&app.store, batch).await?);
    }
    Ok(ticked)
}

/// The filter by state: all states, and each one that has orders or is chosen.
fn state_choices(filter: &ListAddress, counts: &BTreeMap<State, i64>, p: &Page) -> Vec<StateChoice> {
    let all = StateChoice {
        href: filter.of_state(""),
        label: p.t.every_state,
        count: counts.values().sum(),
        here: filter.state.is_empty(),
    };
    let choice = |state: &State| {
        let name = state.to_string();
        let count = counts.get(state).copied().unwrap_or_default();
        let here = filter.state == name;
        let shown = here || count > 0;
        shown.then(|| StateChoice { href: filter.of_state(&name), label: state_name(*state, p), count, here })
    };
    [all].into_iter().chain(State::VARIANTS.iter().filter_map(choice)).collect()
}
