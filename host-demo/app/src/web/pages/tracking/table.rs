//! Tracking numbers of many orders in one table: typed, or pasted from a spreadsheet, and saved at once.

use crate::web::http::form::{FormFields, Signed};
use crate::web::http::list_query::{ListAddress, numbers};
use crate::web::http::notice::{Notice, Tone};
use crate::web::http::page::Page;
use crate::web::http::refusal::Refusal;
use crate::web::http::response::html;
use crate::web::http::session::Staff;
use crate::web::pages::tracking::report::{SyncForm, entered_line};
use crate::web::parts::display_names::DisplayNames;
use crate::web::parts::outcome::state_tone;
use crate::web::state::App;
use crate::web::texts::{Texts, fill};
use askama::Template;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use domain::clock;
use domain::lang::Lang;
use domain::normalize::tracking_number::MAX_TRACKING;
use domain::order::Order;
use serde::Deserialize;
use service::csv::error::RowError;
use service::csv::mapping::date;
use service::csv::row_result::RowResult;
use service::csv::tracking_file::{FormatChoice, TrackingRow};
use service::csv::tracking_format::TrackingMapping;
use service::messages::localize::Localize;
use service::tracking::import::{EnteredNumber, TypedRow, enter_typed};
use service::tracking::matching::{TrackingImport, TrackingImportError, matched};
use std::collections::{BTreeSet, HashMap};

/// Orders in the table: what one person types at a time, and an address that every browser takes.
const MOST_ROWS: usize = 500;
/// Longest text that is pasted, in bytes: as many rows as the table has, with room for headings and names.
const MAX_PASTED: usize = 128 << 10;

#[derive(Template)]
#[template(path = "tracking/table.html")]
struct TablePage {
    p: Page,
    rows: Vec<RowView>,
    carriers: Vec<(String, String)>,
    carrier_all: String,
    pasted: String,
    /// What is wrong with pasted lines that are in no row.
    problems: Vec<String>,
    max_tracking: usize,
    sync: Option<SyncForm>,
}

/// A row of the table.
struct RowView {
    id: i64,
    version: i64,
    number: String,
    buyer: String,
    ship_to: String,
    state: &'static str,
    tone: Tone,
    is_open: bool,
    carriers: Vec<(String, String)>,
    carrier: String,
    tracking: String,
    shipped_on: String,
    label: String,
    carrier_label: String,
    date_label: String,
    saved: Option<String>,
    problem: Option<String>,
}

/// What was typed for an order.
#[derive(Debug, Clone, Default)]
struct TypedCells {
    carrier: String,
    tracking: String,
    shipped_on: String,
    /// The version that the table showed.
    version: Option<i64>,
    saved: Option<String>,
    problem: Option<String>,
}

/// The query of the table's address.
#[derive(Deserialize)]
pub(crate) struct TableQuery {
    /// Orders, separated by commas.
    #[serde(default)]
    ids: String,
}

/// What the page shows besides the orders.
#[derive(Default)]
struct Reply {
    notice: Option<Notice>,
    carrier_all: String,
    pasted: String,
    problems: Vec<String>,
    sync: Vec<i64>,
    is_refused: bool,
}

/// `POST /orders/tracking/select`: the orders that are ticked in the list, or all that match, to the table.
pub(crate) async fn select(
    Shared(app): Shared<App>,
    staff: Staff,
    Signed(form): Signed<FormFields>,
) -> Result<Response, Refusal> {
    let t = staff.visitor.page().t;
    let ids: Vec<i64> = match form.one("scope") {
        "match" => {
            let address: ListAddress = serde_html_form::from_str(form.one("query")).map_err(|_| Refusal::Unreadable)?;
            if !address.is_readable() {
                return Err(Refusal::Unreadable);
            }
            app.store.matching(&address.query(), MOST_ROWS + 1).await?
        }
        _ => form.all("id").filter_map(|id| id.parse().ok()).collect(),
    };
    let more = (ids.len() > MOST_ROWS).then(|| Notice::new(Tone::Wait, fill(t.tracking_table_most, &[&MOST_ROWS])));
    let ids: Vec<String> = ids.iter().take(MOST_ROWS).map(i64::to_string).collect();
    let notices: Vec<Notice> = more.into_iter().collect();
    Ok(app.redirect(&format!("/orders/tracking?ids={}", ids.join(",")), &notices))
}

/// `GET /orders/tracking`
pub(crate) async fn page(
    Shared(app): Shared<App>,
    staff: Staff,
    Query(query): Query<TableQuery>,
) -> Result<Response, Refusal> {
    let ids: Vec<i64> = numbers(&query.ids).take(MOST_ROWS).collect();
    show(&app, &staff, &ids, &HashMap::new(), Reply::default()).await
}

/// `POST /orders/tracking`: puts pasted rows into the table, or saves all of it.
pub(crate) async fn save(
    Shared(app): Shared<App>,
    staff: Staff,
    Signed(form): Signed<FormFields>,
) -> Result<Response, Refusal> {
    let mut seen = BTreeSet::new();
    let ids = form.all("id").filter_map(|id| id.parse().ok()).filter(|id| seen.insert(*id)).take(MOST_ROWS);
    let ids: Vec<i64> = ids.collect();
    let typed: HashMap<i64, TypedCells> = ids.iter().map(|id| (*id, typed_cells(&form, *id))).collect();
    let carrier_all = form.one("carrier_all").to_owned();
    if form.one("do") == "paste" {
        return paste(&app, &staff, ids, typed, form.one("pasted"), carrier_all).await;
    }
    let orders: HashMap<i64, Order> =
        app.store.orders_by_id(&ids).await?.into_iter().map(|order| (order.id, order)).collect();
    let rows: Vec<TypedRow> = ids
        .iter()
        .filter_map(|id| {
            let (order, cells) = (orders.get(id)?, typed.get(id)?);
            let carrier = if cells.carrier.is_empty() { &carrier_all } else { &cells.carrier };
            Some(TypedRow {
                order: Order { version: cells.version.unwrap_or(order.version), ..order.clone() },
                tracking: cells.tracking.clone(),
                carrier: carrier.clone(),
                shipped_on: cells.shipped_on.clone(),
            })
        })
        .collect();
    let of_rows: Vec<i64> = rows.iter().map(|row| row.order.id).collect();
    let report = enter_typed(&app.credit.of(&staff.user.name), rows).await?;
    app.wake.notify_one();
    let p = staff.visitor.page();
    let names = DisplayNames::of(&app, p.lang).await?;
    let mut typed = typed;
    for (id, entry) in of_rows.iter().zip(&report.entries) {
        let Some(cells) = typed.get_mut(id) else { continue };
        // What is saved is drawn as it is now; what is not keeps what was typed.
        match &entry.result {
            RowResult::Taken(entered) => *cells = saved_cells(entered, &names, p.t),
            RowResult::Skipped(_) => cells.version = None,
            RowResult::Refused(errors) => {
                cells.version = None;
                cells.problem = Some(words(errors, p.lang));
            }
        }
    }
    let counts = report.counts();
    let (saved, refused) = (counts.taken.orders, counts.refused.orders);
    let tone = if refused == 0 { Tone::Ok } else { Tone::Wait };
    let syncable = report.taken().flat_map(|(.., entered)| entered).filter(|one| one.can_sync).map(|one| one.id);
    let reply = Reply {
        notice: Some(Notice::new(tone, fill(p.t.tracking_saved_all, &[&saved, &refused]))),
        carrier_all,
        sync: syncable.collect(),
        is_refused: refused > 0,
        ..Reply::default()
    };
    show(&app, &staff, &ids, &typed, reply).await
}

fn typed_cells(form: &FormFields, id: i64) -> TypedCells {
    let cell = |name: &str| form.one(&format!("{name}.{id}")).to_owned();
    TypedCells {
        carrier: cell("carrier"),
        tracking: cell("number"),
        shipped_on: cell("date"),
        version: cell("version").parse().ok(),
        ..TypedCells::default()
    }
}

fn saved_cells(entered: &[EnteredNumber], names: &DisplayNames, t: &Texts) -> TypedCells {
    let saved = entered.iter().map(|one| format!("{}: {}", t.tracking_saved_row, entered_line(one, names)));
    TypedCells { saved: Some(saved.collect::<Vec<_>>().join(" / ")), ..TypedCells::default() }
}

fn words(errors: &[RowError], lang: Lang) -> String {
    errors.iter().map(|error| error.localized(lang)).collect::<Vec<_>>().join(" / ")
}

/// Puts pasted rows into the table; those of orders that are not in it yet become rows of it.
async fn paste(
    app: &App,
    staff: &Staff,
    mut ids: Vec<i64>,
    mut typed: HashMap<i64, TypedCells>,
    pasted: &str,
    carrier_all: String,
) -> Result<Response, Refusal> {
    let p = staff.visitor.page();
    let refused = |words: String| Reply {
        notice: Some(Notice::new(Tone::Bad, words)),
        carrier_all: carrier_all.clone(),
        pasted: pasted.to_owned(),
        is_refused: true,
        ..Reply::default()
    };
    if pasted.trim().is_empty() {
        return show(app, staff, &ids, &typed, refused(p.t.tracking_paste_none.to_owned())).await;
    }
    if pasted.len() > MAX_PASTED {
        return Err(Refusal::TooLarge(MAX_PASTED));
    }
    // With headings of our own the columns may stand in any order. What is pasted is no carrier's file, so the settings of
    // malls say nothing about it.
    let service = app.credit.of(&staff.user.name);
    let format = Some(FormatChoice::Recognised);
    let mut file = TrackingImport { format, bytes: pasted.as_bytes().to_vec(), ..TrackingImport::default() };
    let mut read = matched(&service, &file).await;
    if matches!(read, Err(TrackingImportError::File(_))) {
        file.format = Some(FormatChoice::Mapping(Box::new(TrackingMapping::pasted())));
        read = matched(&service, &file).await;
    }
    let matched = match read {
        Ok(matched) => matched,
        Err(TrackingImportError::File(error)) => {
            return show(app, staff, &ids, &typed, refused(error.localized(p.lang))).await;
        }
        Err(error) => return Err(Refusal::failed(&error)),
    };
    let (mut problems, mut filled) = (Vec::new(), 0_usize);
    for entry in matched.rows {
        match entry.result {
            RowResult::Skipped(_) => {}
            RowResult::Refused(errors) => {
                let parts: [&dyn std::fmt::Display; 3] = [&entry.line, &entry.number, &words(&errors, p.lang)];
                problems.push(fill(p.t.tracking_paste_line, &parts));
            }
            RowResult::Taken((row, orders)) => {
                filled += 1;
                for order in orders {
                    if !ids.contains(&order.id) {
                        ids.push(order.id);
                    }
                    typed.insert(order.id, pasted_cells(app, &order, &row));
                }
            }
        }
    }
    let is_too_long = ids.len() > MOST_ROWS;
    ids.truncate(MOST_ROWS);
    let tone = if problems.is_empty() && !is_too_long { Tone::Ok } else { Tone::Wait };
    let notice = match is_too_long {
        true => fill(p.t.tracking_table_most, &[&MOST_ROWS]),
        false => fill(p.t.tracking_pasted, &[&filled]),
    };
    let is_refused = !problems.is_empty();
    let notice = Some(Notice::new(tone, notice));
    show(app, staff, &ids, &typed, Reply { notice, carrier_all, problems, is_refused, ..Reply::default() }).await
}

fn pasted_cells(app: &App, order: &Order, row: &TrackingRow) -> TypedCells {
    // A carrier that the provider does not know stays as it was pasted, so that saving names it.
    let provider = app.registry.get(&order.provider);
    let known = provider.as_ref().and_then(|provider| {
        service::providers::capabilities::find_carrier(provider.info(), &row.carrier).map(|carrier| carrier.id.clone())
    });
    let shipped_on = date::in_japan(&row.shipped_on).map(|moment| moment.date().to_string());
    TypedCells {
        carrier: known.unwrap_or_else(|| row.carrier.clone()),
        tracking: row.tracking.clone(),
        shipped_on: shipped_on.unwrap_or_else(|| row.shipped_on.clone()),
        version: Some(order.version),
        ..TypedCells::default()
    }
}

async fn show(
    app: &App,
    staff: &Staff,
    ids: &[i64],
    typed: &HashMap<i64, TypedCells>,
    reply: Reply,
) -> Result<Response, Refusal> {
    let mut p = staff.visitor.page();
    let shown: Vec<String> = ids.iter().map(i64::to_string).collect();
    // The address of a form is not the address of a page.
    p.path = format!("/orders/tracking?ids={}", shown.join(","));
    p.notices.extend(reply.notice);
    let names = DisplayNames::of(app, p.lang).await?;
    let orders: HashMap<i64, Order> =
        app.store.orders_by_id(ids).await?.into_iter().map(|order| (order.id, order)).collect();
    let none = TypedCells::default();
    let row = |id: &i64| Some(RowView::new(orders.get(id)?, typed.get(id).unwrap_or(&none), &names, &p));
    let status = if reply.is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = TablePage {
        rows: ids.iter().filter_map(row).collect(),
        carriers: names.all_carriers(),
        carrier_all: reply.carrier_all,
        pasted: reply.pasted,
        problems: reply.problems,
        max_tracking: MAX_TRACKING,
        sync: SyncForm::of(reply.sync, p.t)?,
        p,
    };
    Ok(html(status, &page))
}

impl RowView {
    fn new(order: &Order, typed: &TypedCells, names: &DisplayNames, p: &Page) -> Self {
        let t = p.t;
        let has = order.tracking.as_ref();
        let is_typed = !typed.tracking.is_empty() || typed.problem.is_some();
        let stored = |text: Option<String>| if is_typed { String::new() } else { text.unwrap_or_default() };
        let or = |typed: &String, stored: String| if typed.is_empty() { stored } else { typed.clone() };
        let mut carriers = names.carriers(&order.provider);
        let carrier = or(&typed.carrier, stored(has.map(|has| has.carrier.clone())));
        if !carrier.is_empty() && carriers.iter().all(|(id, _)| *id != carrier) {
            carriers.push((carrier.clone(), carrier.clone()));
        }
        let today = || clock::today().to_string();
        Self {
            id: order.id,
            version: typed.version.unwrap_or(order.version),
            number: order.number.clone(),
            buyer: order.data.buyer.name.clone(),
            ship_to: order.data.recipient.as_ref().unwrap_or(&order.data.buyer).name.clone(),
            state: order.state.localized(p.lang),
            tone: state_tone(order.state),
            is_open: order.state.tracking_open(),
            carriers,
            carrier,
            tracking: or(&typed.tracking, stored(has.map(|has| has.number.clone()))),
            shipped_on: or(&typed.shipped_on, has.map_or_else(today, |has| has.shipped_on.to_string())),
            label: fill(t.tracking_of, &[&order.number]),
            carrier_label: fill(t.tracking_carrier_of, &[&order.number]),
            date_label: fill(t.tracking_date_of, &[&order.number]),
            saved: typed.saved.clone(),
            problem: typed.problem.clone(),
        }
    }
}
